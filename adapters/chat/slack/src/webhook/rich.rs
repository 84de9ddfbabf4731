//! Rich text and tables, as Slack's editor and its table block write them.
//!
//! Source: <https://docs.slack.dev/reference/block-kit/blocks/rich-text-block>,
//! <https://docs.slack.dev/reference/block-kit/blocks/table-block>.

use super::mrkdwn::leads_somewhere;
use super::{line, text};
use bellhop_core::card::{Block, Card, Column, Span, Table};
use chrono::DateTime;
use serde_json::{Map, Value};

/// How deep lists may stand within lists.
const DEEPEST: usize = 8;
/// The most columns and rows that are read.
const COLUMNS: usize = 50;
const ROWS: usize = 1000;

type Object = Map<String, Value>;

fn members<'a>(of: &'a Object, name: &str) -> impl Iterator<Item = &'a Object> + use<'a> {
    of.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn kind(of: &Object) -> &str {
    of.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// Adds a `rich_text` block.
pub(super) fn add(card: &mut Card, block: &Object) {
    let mut paragraph: Vec<Span> = Vec::new();
    for element in members(block, "elements") {
        if kind(element) == "rich_text_preformatted" {
            end(card, &mut paragraph);
            let code: String = inline(element).iter().map(Span::text).collect();
            if !code.trim().is_empty() {
                card.blocks.push(Block::Code(code));
            }
        } else {
            if !paragraph.is_empty() {
                paragraph.push("\n".into());
            }
            paragraph.extend(section(element, 0));
        }
    }
    end(card, &mut paragraph);
}

fn end(card: &mut Card, paragraph: &mut Vec<Span>) {
    let spans = std::mem::take(paragraph);
    if spans.iter().any(|span| !span.text().trim().is_empty()) {
        card.blocks.push(Block::Text(spans));
    }
}

/// A paragraph, a quote or a list, as text.
fn section(element: &Object, depth: usize) -> Vec<Span> {
    match kind(element) {
        "rich_text_list" if depth < DEEPEST => {
            let ordered = element.get("style").and_then(Value::as_str) == Some("ordered");
            let number = |name: &str| element.get(name).and_then(Value::as_u64).unwrap_or_default();
            let indent = "  ".repeat(usize::try_from(number("indent").min(DEEPEST as u64)).unwrap_or_default());
            let mut out: Vec<Span> = Vec::new();
            for (at, item) in members(element, "elements").enumerate() {
                let line = if out.is_empty() { "" } else { "\n" };
                let place = number("offset").saturating_add(at as u64).saturating_add(1);
                out.push(if ordered { format!("{line}{indent}{place}. ") } else { format!("{line}{indent}• ") }.into());
                out.extend(section(item, depth + 1));
            }
            out
        }
        "rich_text_quote" => [vec!["> ".into()], inline(element)].concat(),
        _ => inline(element),
    }
}

/// The words of a section.
fn inline(element: &Object) -> Vec<Span> {
    members(element, "elements").filter_map(word).collect()
}

fn word(element: &Object) -> Option<Span> {
    let styled = |name: &str| element.get("style").and_then(|style| style.get(name)) == Some(&Value::Bool(true));
    // Blank text is kept here: it parts the words.
    let own = |name: &str| element.get(name).and_then(Value::as_str).map(bellhop_core::text::visible);
    let style = |text: String| {
        if styled("code") {
            Span::Code(text)
        } else if styled("bold") {
            Span::Bold(text)
        } else {
            Span::Plain(text)
        }
    };
    Some(match kind(element) {
        "link" => {
            let url = text(element, "url")?;
            let label = text(element, "text").unwrap_or_else(|| url.clone());
            if leads_somewhere(&url) { Span::Link { text: label, url } } else { Span::Plain(format!("{label} ({url})")) }
        }
        "user" => Span::Plain(format!("@{}", text(element, "user_id")?)),
        "usergroup" => Span::Plain(format!("@{}", text(element, "usergroup_id")?)),
        "channel" => Span::Plain(format!("#{}", text(element, "channel_id")?)),
        "broadcast" => Span::Plain(format!("@{}", text(element, "range")?)),
        "color" => Span::Code(text(element, "value")?),
        "emoji" => {
            Span::Plain(text(element, "unicode").and_then(|code| drawn(&code)).or_else(|| Some(format!(":{}:", text(element, "name")?)))?)
        }
        "date" => match element.get("timestamp").and_then(Value::as_i64).and_then(|seconds| DateTime::from_timestamp(seconds, 0)) {
            Some(moment) => Span::Time(moment),
            None => Span::Plain(text(element, "fallback")?),
        },
        _ => style(own("text")?),
    })
}

/// An emoji from its code points: `1f468-200d-1f680`.
fn drawn(codes: &str) -> Option<String> {
    let letters: Option<String> = codes.split('-').map(|code| u32::from_str_radix(code, 16).ok().and_then(char::from_u32)).collect();
    letters.map(|letters| bellhop_core::text::visible(&letters)).filter(|letters| !letters.is_empty() && letters.len() <= 64)
}

/// Adds a `table` block. Its first row has the headings.
pub(super) fn add_table(card: &mut Card, block: &Object) {
    let rows = block.get("rows").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_array);
    let mut rows: Vec<Vec<Vec<Span>>> = rows.take(ROWS).map(|row| row.iter().take(COLUMNS).map(cell).collect()).collect();
    let width = rows.iter().map(Vec::len).max().unwrap_or_default();
    if width == 0 {
        return;
    }
    for row in &mut rows {
        row.resize(width, Vec::new());
    }
    let settings: Vec<&Value> = block.get("column_settings").and_then(Value::as_array).into_iter().flatten().collect();
    let right = |at: usize| settings.get(at).and_then(|one| one.get("align")).and_then(Value::as_str) == Some("right");
    let headings = rows.remove(0);
    let columns = headings
        .iter()
        .enumerate()
        .map(|(at, cell)| Column { name: line(&cell.iter().map(Span::text).collect::<String>(), 200), numeric: right(at) })
        .collect();
    card.blocks.push(Block::Table(Table { caption: "Table".to_owned(), columns, rows }));
}

fn cell(cell: &Value) -> Vec<Span> {
    let Some(of) = cell.as_object() else {
        return cell.as_str().map(|text| vec![bellhop_core::text::visible(text).into()]).unwrap_or_default();
    };
    if kind(of) == "rich_text" {
        let mut within = Card::default();
        add(&mut within, of);
        return within
            .blocks
            .into_iter()
            .flat_map(|block| match block {
                Block::Text(spans) => spans,
                Block::Code(code) => vec![Span::Code(code)],
                _ => Vec::new(),
            })
            .collect();
    }
    let found = text(of, "text").or_else(|| text(of, "value"));
    found.map(|text| vec![text.into()]).unwrap_or_default()
}
