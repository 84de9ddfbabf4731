//! Block Kit as programs post it, into blocks of a card. What only a click of Slack's own could do is left out; of what this
//! doesn't know, the text is shown.
//!
//! Source: <https://docs.slack.dev/reference/block-kit/blocks>.

use super::mrkdwn::{self, leads_somewhere};
use super::{address, line, rich, text};
use bellhop_core::card::{Action, Block, Card, Field, Span};
use serde_json::{Map, Value};

/// The longest title, label and field's name, in characters.
const TITLE: usize = 300;
const LABEL: usize = 80;

type Object = Map<String, Value>;

/// Adds the blocks in their order.
pub(super) fn add(card: &mut Card, blocks: &[Value]) {
    for block in blocks.iter().filter_map(Value::as_object) {
        one(card, block);
    }
}

fn one(card: &mut Card, block: &Object) {
    match block.get("type").and_then(Value::as_str).unwrap_or_default() {
        "header" => header(card, block),
        "section" => section(card, block),
        "context" => context(card, block),
        "divider" => {
            if !card.title.is_empty() || !card.blocks.is_empty() {
                card.blocks.push(Block::Divider);
            }
        }
        "image" => card.blocks.extend(image(block).map(|span| Block::Text(vec![span]))),
        "actions" | "context_actions" => actions(card, objects(block, "elements")),
        "rich_text" => rich::add(card, block),
        "table" => rich::add_table(card, block),
        "markdown" => card.blocks.extend(text(block, "text").map(|text| Block::Text(vec![text.into()]))),
        "video" => {
            let title = block.get("title").and_then(words).unwrap_or_else(|| "video".to_owned());
            let spans = match address(block, "title_url").or_else(|| address(block, "video_url")) {
                Some(url) => Span::Link { text: title, url },
                None => title.into(),
            };
            card.blocks.push(Block::Text(vec![spans]));
        }
        _ => other(card, block),
    }
}

fn objects<'a>(of: &'a Object, name: &str) -> impl Iterator<Item = &'a Object> + use<'a> {
    of.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// A text object or a plain string: its text, and whether it is marked up.
fn text_of(value: &Value) -> Option<(String, bool)> {
    match value {
        Value::String(text) => Some((bellhop_core::text::visible(text), true)),
        Value::Object(of) => Some((text(of, "text")?, of.get("type").and_then(Value::as_str) != Some("plain_text"))),
        _ => None,
    }
    .filter(|(text, _)| !text.trim().is_empty())
}

/// The same without marks, on one line.
fn words(value: &Value) -> Option<String> {
    let (text, marked) = text_of(value)?;
    let text = if marked { mrkdwn::unmarked(&text) } else { text };
    Some(line(&text, TITLE)).filter(|text| !text.is_empty())
}

fn paragraph(card: &mut Card, value: &Value) {
    match text_of(value) {
        Some((text, true)) => mrkdwn::add(card, &text, true),
        // Plain text has no marks, and its brackets are just brackets.
        Some((text, false)) => card.blocks.push(Block::Text(vec![text.into()])),
        None => {}
    }
}

fn header(card: &mut Card, block: &Object) {
    let Some(title) = block.get("text").and_then(words) else { return };
    if card.title.is_empty() && card.blocks.is_empty() {
        card.title = title;
    } else {
        card.blocks.push(Block::Text(vec![Span::Bold(title)]));
    }
}

fn section(card: &mut Card, block: &Object) {
    if let Some(text) = block.get("text") {
        paragraph(card, text);
    }
    let fields: Vec<&Value> = block.get("fields").and_then(Value::as_array).into_iter().flatten().collect();
    let named: Option<Vec<Field>> = fields.iter().map(|field| named(field)).collect();
    match named {
        Some(fields) if !fields.is_empty() => card.blocks.push(Block::Fields(fields)),
        _ => fields.iter().for_each(|field| paragraph(card, field)),
    }
    let accessory = block.get("accessory").and_then(Value::as_object);
    match accessory.and_then(|accessory| accessory.get("type")).and_then(Value::as_str) {
        Some("image") => card.blocks.extend(accessory.and_then(image).map(|span| Block::Text(vec![span]))),
        Some(_) => actions(card, accessory.into_iter()),
        None => {}
    }
}

/// A field whose first line is its name, as nearly all are written: `*Priority*` and its value below it.
fn named(field: &Value) -> Option<Field> {
    let (text, marked) = text_of(field)?;
    let (name, value) = text.split_once('\n').or_else(|| text.split_once(":* ").filter(|(name, _)| name.starts_with('*')))?;
    let name = if marked { mrkdwn::unmarked(name) } else { name.to_owned() };
    let name = line(name.trim_matches('*'), LABEL).trim_end_matches(':').trim().to_owned();
    let value = if marked { mrkdwn::spans(value.trim(), true) } else { vec![value.trim().into()] };
    (!name.is_empty() && value.iter().any(|span| !span.text().is_empty())).then_some(Field { name, value })
}

fn context(card: &mut Card, block: &Object) {
    let mut spans: Vec<Span> = Vec::new();
    for element in objects(block, "elements") {
        let found = if element.get("type").and_then(Value::as_str) == Some("image") {
            // Icons beside the text: what they show is said in words.
            text(element, "alt_text").map(|alt| vec![Span::Plain(alt)])
        } else {
            text_of(&Value::Object(element.clone()))
                .map(|(text, marked)| if marked { mrkdwn::spans(&text, true) } else { vec![text.into()] })
        };
        let Some(found) = found else { continue };
        if !spans.is_empty() {
            spans.push("  ".into());
        }
        spans.extend(found);
    }
    if !spans.is_empty() {
        card.blocks.push(Block::Text(spans));
    }
}

/// A picture as a link that says what it shows: its bytes are not fetched.
fn image(block: &Object) -> Option<Span> {
    let title = block.get("title").and_then(words).or_else(|| text(block, "alt_text").map(|alt| line(&alt, TITLE)));
    let file = block.get("slack_file").and_then(Value::as_object).and_then(|file| address(file, "url"));
    match (address(block, "image_url").or(file), title) {
        (Some(url), title) => Some(Span::Link { text: title.unwrap_or_else(|| "image".to_owned()), url }),
        (None, title) => title.map(Span::Plain),
    }
}

/// Buttons that open an address. The others mean something to the program's own app only.
fn actions<'a>(card: &mut Card, elements: impl Iterator<Item = &'a Object>) {
    let mut found = Vec::new();
    for element in elements {
        let options = objects(element, "options").chain(std::iter::once(element));
        found.extend(options.filter_map(|one| {
            let url = address(one, "url")?;
            let label = one.get("text").and_then(words).unwrap_or_else(|| "Open".to_owned());
            Some(Action::open(line(&label, LABEL), url))
        }));
    }
    if found.is_empty() {
        return;
    }
    match card.blocks.last_mut() {
        Some(Block::Actions(actions)) => actions.extend(found),
        _ => card.blocks.push(Block::Actions(found)),
    }
}

/// A block that this doesn't know: its text, if it has any.
fn other(card: &mut Card, block: &Object) {
    for member in ["title", "label", "text", "body", "subtitle", "fallback"] {
        if let Some(value) = block.get(member) {
            paragraph(card, value);
        }
    }
    if let Some(url) = address(block, "url").filter(|url| leads_somewhere(url)) {
        card.blocks.push(Block::Text(vec![Span::Link { text: url.clone(), url }]));
    }
    for element in objects(block, "elements") {
        if let Some(value) = element.get("text") {
            paragraph(card, value);
        }
    }
}
