//! Tables: Slack's own where they fit it, text otherwise.

use super::TABLE;
use super::rich::{elements, preformatted, run, seen, styled};
use bellhop_core::address::Address;
use bellhop_core::card::{Span, Table};
use bellhop_core::plain;
use bellhop_core::text::one_line;
use serde_json::{Value, json};

/// What stands in a cell without anything in it: Slack refuses an empty text.
const EMPTY: &str = "\u{a0}";

/// A table block (<https://docs.slack.dev/reference/block-kit/blocks/table-block>), where the table fits one.
pub(super) fn block(table: &Table, at: &Address) -> Option<Value> {
    let width = width(table);
    let cells = table.rows.iter().flatten().flatten().map(|span| span.text().chars().count()).sum::<usize>();
    let names = table.columns.iter().map(|column| column.name.chars().count()).sum::<usize>();
    if width == 0 || table.rows.is_empty() || width > TABLE.columns || table.rows.len() > TABLE.rows || cells + names > TABLE.text {
        return None;
    }
    let name = |column: usize| table.columns.get(column).map_or("", |column| column.name.as_str());
    let mut rows = vec![(0..width).map(|column| cell(styled(&one_line(name(column)), "bold").as_slice())).collect::<Vec<_>>()];
    rows.extend(table.rows.iter().map(|row| {
        (0..width)
            .map(|column| {
                let spans = row.get(column).map_or(&[][..], Vec::as_slice);
                if spans.iter().all(|span| matches!(span, Span::Plain(_))) {
                    raw(&plain::spans(spans))
                } else {
                    cell(&elements(spans, at, true))
                }
            })
            .collect()
    }));
    let settings: Vec<Value> = (0..width)
        .map(|column| {
            let numeric = table.columns.get(column).is_some_and(|column| column.numeric);
            if numeric { json!({ "align": "right" }) } else { json!({ "align": "left", "is_wrapped": true }) }
        })
        .collect();
    Some(json!({ "type": "table", "rows": rows, "column_settings": settings }))
}

fn raw(text: &str) -> Value {
    json!({ "type": "raw_text", "text": if text.trim().is_empty() { EMPTY } else { text } })
}

fn cell(elements: &[Value]) -> Value {
    if !seen(elements) {
        return raw("");
    }
    json!({ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": elements }] })
}

fn width(table: &Table) -> usize {
    table.rows.iter().map(Vec::len).chain([table.columns.len()]).max().unwrap_or(0)
}

/// The same as text: aligned where that is short, and otherwise one line per row with tabs between the cells.
pub(super) fn in_words(table: &Table) -> Option<Value> {
    let longest = |at: usize| {
        let cells = table.rows.iter().filter_map(|row| row.get(at)).map(|cell| plain::spans(cell).chars().count());
        cells.chain(table.columns.get(at).map(|column| column.name.chars().count())).max().unwrap_or(0) + 2
    };
    let across: usize = (0..width(table)).map(longest).sum();
    if across.saturating_mul(table.rows.len() + 2) <= 3000 && table.columns.len() == width(table) {
        return preformatted(&plain::table(table));
    }
    let mut lines = vec![table.columns.iter().map(|column| one_line(&column.name)).collect::<Vec<_>>().join("\t")];
    lines.extend(table.rows.iter().map(|row| row.iter().map(|cell| one_line(&plain::spans(cell))).collect::<Vec<_>>().join("\t")));
    let text = lines.join("\n");
    run(&text)?;
    preformatted(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::address::UserRef;
    use bellhop_core::card::Column;

    fn table(cells: Vec<Vec<Span>>) -> Table {
        let columns = cells.iter().map(|_| Column { name: "<!here>".into(), numeric: false }).collect();
        Table { caption: String::new(), columns, rows: vec![cells] }
    }

    #[test]
    fn cells_hold_text_and_typed_mentions() {
        let ann = |workspace: &str| Span::Mention {
            user: UserRef { chat: "work".into(), workspace: workspace.into(), user: "U1".into() },
            name: "ann".into(),
        };
        let at = Address::channel("work", "T1", "C1");
        let drawn = block(&table(vec![vec!["<@U2> *a*".into()], vec![ann("T1")], vec![ann("T2")], vec![" ".into()]]), &at).unwrap();
        let cells = &drawn["rows"][1];
        assert_eq!(cells[0], json!({ "type": "raw_text", "text": "<@U2> *a*" }));
        assert_eq!(cells[1]["elements"][0]["elements"], json!([{ "type": "user", "user_id": "U1" }]));
        assert_eq!(cells[2]["elements"][0]["elements"], json!([{ "type": "text", "text": "@ann" }]));
        assert_eq!(cells[3], json!({ "type": "raw_text", "text": EMPTY }));
    }

    #[test]
    fn what_is_too_large_is_text() {
        let at = Address::channel("work", "T1", "C1");
        let wide = table(vec![vec!["a".repeat(200).into()]; 21]);
        assert_eq!(block(&wide, &at), None);
        assert!(in_words(&wide).unwrap().to_string().contains("a\\ta"));
        let aligned = in_words(&table(vec![vec!["a".into()], vec!["b".into()]])).unwrap();
        assert_eq!(
            aligned["elements"][0]["elements"][0]["text"],
            "<!here>  <!here>\n\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}  \u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\na        b\n"
        );
    }
}
