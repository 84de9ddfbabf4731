//! Tables: as such where they are small, with aligned text for clients that show none, and as aligned text otherwise.

use super::text::{block, bold, code, inlines, literal, runs, seen, spaced};
use bellhop_core::card::{Span, Table};
use bellhop_core::text::visible;
use serde_json::{Value, json};

/// The most cells of a table that is drawn as one.
const CELLS: usize = 160;

/// A table.
pub(super) fn element(table: &Table) -> Option<Value> {
    let cells = (table.rows.len() + 1) * table.columns.len();
    if table.columns.is_empty() || cells > CELLS {
        return words(table);
    }
    let columns: Vec<Value> = table
        .columns
        .iter()
        .map(|column| json!({ "width": 1, "horizontalCellContentAlignment": if column.numeric { "Right" } else { "Left" } }))
        .collect();
    let mut rows = vec![json!({
        "type": "TableRow",
        "cells": table.columns.iter().map(|column| cell(&[Span::Bold(column.name.clone())])).collect::<Vec<_>>(),
    })];
    rows.extend(
        table.rows.iter().map(|row| json!({ "type": "TableRow", "cells": row.iter().map(|spans| cell(spans)).collect::<Vec<_>>() })),
    );
    let mut drawn = json!({ "type": "Table", "columns": columns, "rows": rows, "firstRowAsHeader": true, "showGridLines": true });
    if let Some(words) = words(table) {
        drawn["fallback"] = words;
    }
    Some(drawn)
}

fn cell(spans: &[Span]) -> Value {
    let item = match spans {
        [Span::Plain(text)] if literal(&visible(text)) && !text.trim().is_empty() => Some(block(&visible(text))),
        [Span::Bold(text)] => bold(text).map(|run| runs(&[run])),
        spans => Some(inlines(spans)).filter(|inlines| seen(inlines)).map(|inlines| runs(&inlines)),
    };
    json!({ "type": "TableCell", "items": item.into_iter().collect::<Vec<_>>() })
}

/// A table as aligned text.
pub(super) fn words(table: &Table) -> Option<Value> {
    let plain = Table { caption: String::new(), ..table.clone() };
    let text = visible(&bellhop_core::plain::table(&plain));
    let text = text.trim_end();
    if text.trim().is_empty() {
        return None;
    }
    code(&spaced(text)).map(|run| runs(&[run]))
}
