//! Attachments, the older shape that most monitors and build servers still post.
//!
//! Source: <https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments>.

use super::{address, blocks, line, list, louder, mrkdwn, text};
use bellhop_core::card::{Action, Block, Card, Field, Span, Tone};
use chrono::DateTime;
use serde_json::{Map, Value};

/// The longest title and field's name, in characters.
const TITLE: usize = 300;
const NAME: usize = 80;

type Object = Map<String, Value>;

/// Adds an attachment to a card, and its colour to the card's tone.
pub(super) fn add(card: &mut Card, attachment: &Value) {
    let Some(of) = attachment.as_object() else { return };
    let mut own = Card::default();
    let marked = |member: &str| match of.get("mrkdwn_in").and_then(Value::as_array) {
        Some(members) => members.iter().any(|one| one.as_str() == Some(member)),
        None => true,
    };
    if let Some(author) = text(of, "author_name").map(|author| line(&author, TITLE)) {
        own.blocks.push(Block::Text(vec![linked(author, address(of, "author_link"))]));
    }
    if let Some(title) = text(of, "title").map(|title| line(&mrkdwn::written(&title), TITLE)).filter(|title| !title.is_empty()) {
        own.blocks.push(Block::Text(vec![match address(of, "title_link") {
            Some(url) => Span::Link { text: title, url },
            None => Span::Bold(title),
        }]));
    }
    if let Some(text) = text(of, "text") {
        mrkdwn::add(&mut own, &text, marked("text"));
    }
    fields(&mut own, of, marked("fields"));
    if let Some(nested) = list(of, "blocks") {
        blocks::add(&mut own, &nested[..nested.len().min(super::MOST)]);
    }
    for member in ["image_url", "thumb_url"] {
        if let Some(url) = address(of, member) {
            let shows = text(of, "fallback").or_else(|| text(of, "title")).map_or_else(|| "image".to_owned(), |alt| line(&alt, TITLE));
            own.blocks.push(Block::Text(vec![Span::Link { text: shows, url }]));
            break;
        }
    }
    buttons(&mut own, of);
    footer(&mut own, of);
    let before = text(of, "pretext");
    if own.blocks.is_empty()
        && own.title.is_empty()
        && before.is_none()
        && let Some(fallback) = text(of, "fallback")
    {
        mrkdwn::add(&mut own, &fallback, false);
    }
    // It stands before and outside of the attachment.
    if let Some(pretext) = before {
        mrkdwn::add(card, &pretext, marked("pretext"));
    }
    if !own.title.is_empty() {
        card.blocks.push(Block::Text(vec![Span::Bold(own.title)]));
    }
    card.blocks.extend(own.blocks);
    card.tone = louder(card.tone, text(of, "color").map_or(Tone::Neutral, |color| tone(&color)));
}

fn linked(text: String, url: Option<String>) -> Span {
    match url {
        Some(url) => Span::Link { text, url },
        None => Span::Plain(text),
    }
}

fn fields(card: &mut Card, of: &Object, marked: bool) {
    let mut fields = Vec::new();
    for field in list(of, "fields").iter().flat_map(|fields| fields.iter()).filter_map(Value::as_object) {
        let name = text(field, "title").map(|name| line(&mrkdwn::written(&name), NAME)).unwrap_or_default();
        let value = text(field, "value").map(|value| flat(&value, marked)).unwrap_or_default();
        match (name.is_empty(), value.is_empty()) {
            (true, true) => {}
            (true, false) => {
                end(card, &mut fields);
                card.blocks.push(Block::Text(value));
            }
            (false, _) => fields.push(Field { name, value: if value.is_empty() { vec!["–".into()] } else { value } }),
        }
    }
    end(card, &mut fields);
}

fn end(card: &mut Card, fields: &mut Vec<Field>) {
    if !fields.is_empty() {
        card.blocks.push(Block::Fields(std::mem::take(fields)));
    }
}

/// A text as spans only, blocks of code among them.
fn flat(text: &str, marked: bool) -> Vec<Span> {
    mrkdwn::pieces(text, marked)
        .into_iter()
        .flat_map(|piece| match piece {
            mrkdwn::Piece::Text(spans) => spans,
            mrkdwn::Piece::Code(code) => vec![Span::Code(code)],
        })
        .collect()
}

fn buttons(card: &mut Card, of: &Object) {
    let mut found = Vec::new();
    for action in list(of, "actions").iter().flat_map(|actions| actions.iter()).filter_map(Value::as_object) {
        if let Some(url) = address(action, "url") {
            let label = text(action, "text").map(|label| line(&mrkdwn::written(&label), NAME)).filter(|label| !label.is_empty());
            found.push(Action::open(label.unwrap_or_else(|| "Open".to_owned()), url));
        }
    }
    if !found.is_empty() {
        card.blocks.push(Block::Actions(found));
    }
}

fn footer(card: &mut Card, of: &Object) {
    let mut spans: Vec<Span> = text(of, "footer").map(|footer| mrkdwn::spans(&line(&footer, TITLE), false)).unwrap_or_default();
    // Seconds since 1970, as a number or a string, with or without a fraction.
    let at = text(of, "ts").and_then(|at| at.split('.').next().and_then(|seconds| seconds.trim().parse().ok()));
    if let Some(moment) = at.and_then(|seconds| DateTime::from_timestamp(seconds, 0)) {
        if !spans.is_empty() {
            spans.push(" · ".into());
        }
        spans.push(Span::Time(moment));
    }
    if !spans.is_empty() {
        card.blocks.push(Block::Text(spans));
    }
}

/// What a colour says: Slack's three words, and what people mean by red, yellow and green.
fn tone(color: &str) -> Tone {
    match color.trim().to_ascii_lowercase().as_str() {
        "good" => return Tone::Good,
        "warning" => return Tone::Warning,
        "danger" => return Tone::Bad,
        _ => {}
    }
    let hex = color.trim().trim_start_matches('#');
    let wide: String = if hex.len() == 3 { hex.chars().flat_map(|digit| [digit, digit]).collect() } else { hex.to_owned() };
    let Some((red, green, blue)) = (wide.len() == 6).then(|| channels(&wide)).flatten() else { return Tone::Neutral };
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    // Greys and near-greys say nothing.
    if most - least < 60 {
        return Tone::Neutral;
    }
    if red == most && green < red / 2 && blue < red * 2 / 3 {
        Tone::Bad
    } else if red >= green && blue < green {
        Tone::Warning
    } else if green == most && blue < green * 5 / 6 {
        Tone::Good
    } else {
        Tone::Neutral
    }
}

fn channels(hex: &str) -> Option<(u16, u16, u16)> {
    let part = |at: usize| hex.get(at..at + 2).and_then(|digits| u16::from_str_radix(digits, 16).ok());
    Some((part(0)?, part(2)?, part(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_mean_what_people_mean_by_them() {
        for (color, meant) in [
            ("danger", Tone::Bad),
            ("#ff0000", Tone::Bad),
            ("#E01E5A", Tone::Bad),
            ("#d00000", Tone::Bad),
            ("a30200", Tone::Bad),
            ("#f00", Tone::Bad),
            ("warning", Tone::Warning),
            ("#ECB22E", Tone::Warning),
            ("#ff9900", Tone::Warning),
            ("#daa038", Tone::Warning),
            ("good", Tone::Good),
            ("#2EB67D", Tone::Good),
            ("#36a64f", Tone::Good),
            ("#00ff00", Tone::Good),
            ("#439FE0", Tone::Neutral),
            ("#cccccc", Tone::Neutral),
            ("", Tone::Neutral),
            ("#zzzzzz", Tone::Neutral),
            ("#é12345", Tone::Neutral),
            ("rgb(1,2,3)", Tone::Neutral),
        ] {
            assert_eq!(tone(color), meant, "{color}");
        }
    }
}
