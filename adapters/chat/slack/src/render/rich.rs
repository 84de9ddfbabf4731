//! Blocks and text objects by their smallest builders: what Slack refuses for being empty is never made.

use super::text::{MOMENT, address, mentioned, moment};
use bellhop_core::address::Address;
use bellhop_core::card::Span;
use bellhop_core::text::{one_line, shorten, visible};
use serde_json::{Value, json};
use std::borrow::Cow;

/// A run of text; `None` for an empty one, which Slack refuses.
pub(super) fn run(text: &str) -> Option<Value> {
    let text = visible(text);
    (!text.is_empty()).then(|| json!({ "type": "text", "text": text }))
}

/// A run of text in a style: `bold` or `code`.
pub(super) fn styled(text: &str, style: &str) -> Option<Value> {
    let text = visible(text);
    (!text.is_empty()).then(|| json!({ "type": "text", "text": text, "style": { style: true } }))
}

/// Spans as elements. Links are written out where `links` is false.
pub(super) fn elements(spans: &[Span], at: &Address, links: bool) -> Vec<Value> {
    spans.iter().filter_map(|span| element(span, at, links)).collect()
}

fn element(span: &Span, at: &Address, links: bool) -> Option<Value> {
    match span {
        Span::Plain(text) => run(text),
        Span::Bold(text) => styled(text, "bold"),
        Span::Code(text) => styled(text, "code"),
        Span::Link { text, url } => match address(url).filter(|_| links) {
            Some(url) => Some(link(text, &url)),
            None => run(&span.text()),
        },
        Span::Mention { user, name } => match mentioned(user, &at.chat, Some(&at.workspace)) {
            Some(id) => Some(json!({ "type": "user", "user_id": id })),
            None => run(&format!("@{name}")),
        },
        Span::Time(time) => match moment(time) {
            Some(seconds) => Some(json!({ "type": "date", "timestamp": seconds, "format": MOMENT, "fallback": span.text() })),
            None => run(&span.text()),
        },
    }
}

/// A link; its address is one of [`address`].
pub(super) fn link(text: &str, url: &str) -> Value {
    let text = one_line(text);
    if text.trim().is_empty() { json!({ "type": "link", "url": url }) } else { json!({ "type": "link", "url": url, "text": text }) }
}

/// A paragraph, unless there is nothing to be seen in it.
pub(super) fn paragraph(elements: &[Value]) -> Option<Value> {
    seen(elements).then(|| json!({ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": elements }] }))
}

/// Whether elements show anything.
pub(super) fn seen(elements: &[Value]) -> bool {
    elements.iter().any(|element| element["type"] != "text" || element["text"].as_str().is_some_and(|text| !text.trim().is_empty()))
}

/// Text in a fixed-width face. Nothing in it can end it.
pub(super) fn preformatted(code: &str) -> Option<Value> {
    let code = visible(code);
    (!code.trim().is_empty()).then(|| {
        let elements = json!([{ "type": "text", "text": code }]);
        json!({ "type": "rich_text", "elements": [{ "type": "rich_text_preformatted", "elements": elements }] })
    })
}

/// One line of plain text in at most `most` characters, or else this.
pub(super) fn line(text: &str, most: usize, otherwise: &str) -> String {
    let text = one_line(text);
    let text = text.trim();
    if text.is_empty() { otherwise.to_owned() } else { shorten(text, most) }
}

/// A text object in which nothing is marked up, not even `:emoji:`. Slack shows the entities `&amp;`, `&lt;` and `&gt;` as
/// what they stand for, also here; where a text really has them it is written so that they are seen. Everything else goes as it
/// is.
pub(super) fn plain_text(text: &str) -> Value {
    json!({ "type": "plain_text", "text": literal(text), "emoji": false })
}

fn literal(text: &str) -> Cow<'_, str> {
    /// The limits of the places where such texts stand.
    const LIMITS: [usize; 7] = [24, 75, 100, 150, 300, 2000, 3000];
    const ENTITIES: [&str; 3] = ["&amp;", "&lt;", "&gt;"];
    if !ENTITIES.iter().any(|entity| text.contains(entity)) {
        return Cow::Borrowed(text);
    }
    let written = |ampersand: &str| {
        ENTITIES.iter().fold(text.replace("&amp;", &format!("{ampersand}amp;")), |text, entity| match *entity {
            "&amp;" => text,
            entity => text.replace(entity, &format!("{ampersand}{}", &entity[1..])),
        })
    };
    // The text keeps the limit of its place; what is written for it must keep the same one.
    let (long, grown) = (text.chars().count(), written("&amp;"));
    let most = LIMITS.into_iter().find(|most| long <= *most).unwrap_or(long);
    Cow::Owned(if grown.chars().count() <= most { grown } else { written("\u{ff06}") })
}

/// Small print; a paragraph where it is longer than the 3,000 characters that Slack takes of that.
pub(super) fn context(text: &str) -> Option<Value> {
    let text = visible(text);
    let text = text.trim();
    match text.chars().count() {
        0 => None,
        1..=3000 => Some(json!({ "type": "context", "elements": [plain_text(text)] })),
        _ => paragraph(run(text).as_slice()),
    }
}
