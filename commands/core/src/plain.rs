//! Every card as plain text: for the terminal, for notifications, for platforms and readers without pictures.

use crate::card::{Block, Card, Does, FileSource, Span, Table, Tone};
use std::fmt::Write as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// The text of spans, without hidden marks.
#[must_use]
pub fn spans(spans: &[Span]) -> String {
    crate::text::visible(&spans.iter().map(Span::text).collect::<String>())
}

/// The whole card as text. Buttons appear with the command that they run, so that nothing can only be clicked;
/// `command_line` turns an invocation into that line.
#[must_use]
pub fn card(card: &Card, command_line: &dyn Fn(&crate::call::Invoke) -> String) -> String {
    let mut out = String::new();
    let mark = match card.tone {
        Tone::Neutral => "",
        Tone::Good => "✓ ",
        Tone::Warning => "! ",
        Tone::Bad => "✗ ",
    };
    if card.title.is_empty() {
        out.push_str(mark);
    } else {
        let _ = writeln!(out, "{mark}{}", crate::text::one_line(&card.title));
    }
    for block in &card.blocks {
        push_block(&mut out, block, command_line);
    }
    out.truncate(out.trim_end().len());
    out
}

fn push_block(out: &mut String, block: &Block, command_line: &dyn Fn(&crate::call::Invoke) -> String) {
    match block {
        Block::Text(text) => {
            let _ = writeln!(out, "{}", spans(text));
        }
        Block::Fields(fields) => {
            let width = fields.iter().map(|f| width(&f.name)).max().unwrap_or(0);
            for field in fields {
                let pad = " ".repeat(width - self::width(&field.name));
                let value = spans(&field.value).replace('\n', &format!("\n{}", " ".repeat(width + 2)));
                let _ = writeln!(out, "{}:{pad} {value}", field.name);
            }
        }
        Block::Table(table) => out.push_str(&self::table(table)),
        Block::Code(code) => {
            for line in crate::text::visible(code).lines() {
                let _ = writeln!(out, "    {line}");
            }
        }
        Block::Image(image) => {
            let _ = writeln!(out, "[{}]", image.alt);
        }
        Block::Chart(chart) => {
            let _ = writeln!(out, "[chart: {}]", chart.alt);
        }
        Block::File(file) => {
            let place = match &file.source {
                FileSource::Stored { store, name, .. } => format!(" in {store}:{name}"),
                FileSource::Inline(_) => String::new(),
            };
            let _ = writeln!(out, "[file: {} ({}){place}]", crate::text::one_line(&file.name), crate::text::bytes(file.size));
        }
        Block::Progress(progress) => {
            let percent = progress.percent().map_or(String::new(), |p| format!(" ({p} %)"));
            let _ = writeln!(out, "{}: {}{percent}", progress.what, progress.figures());
        }
        Block::Form(form) => {
            for input in &form.inputs {
                let mark = if input.required { " (required)" } else { "" };
                let hint = if input.hint.is_empty() { String::new() } else { format!(": {}", input.hint) };
                let _ = writeln!(out, "  {}{mark}{hint}", input.label);
                if let Some(problem) = &input.problem {
                    let _ = writeln!(out, "    {problem}");
                }
            }
        }
        Block::Actions(actions) => {
            for action in actions {
                let what = match &action.does {
                    Does::Invoke(invoke) => command_line(invoke),
                    Does::Open(url) => url.clone(),
                    Does::Prefill(line) => line.clone(),
                };
                let _ = writeln!(out, "→ {}: {what}", action.label);
            }
        }
        Block::Divider => out.push_str("———\n"),
    }
}

/// A table with aligned columns.
#[must_use]
pub fn table(table: &Table) -> String {
    let cells: Vec<Vec<String>> =
        table.rows.iter().map(|row| row.iter().map(|cell| crate::text::one_line(&spans(cell))).collect()).collect();
    let names: Vec<String> = table.columns.iter().map(|c| crate::text::one_line(&c.name)).collect();
    let widths: Vec<usize> = (0..table.columns.len())
        .map(|at| cells.iter().filter_map(|row| row.get(at)).map(|c| width(c)).chain([width(&names[at])]).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    let mut line = |texts: &mut dyn Iterator<Item = &str>| {
        let mut row = String::new();
        for (at, text) in texts.enumerate().take(widths.len()) {
            let pad = " ".repeat(widths[at].saturating_sub(width(text)));
            let gap = if at == 0 { "" } else { "  " };
            if table.columns[at].numeric {
                let _ = write!(row, "{gap}{pad}{text}");
            } else {
                let _ = write!(row, "{gap}{text}{pad}");
            }
        }
        out.push_str(row.trim_end());
        out.push('\n');
    };
    line(&mut names.iter().map(String::as_str));
    let rules: Vec<String> = widths.iter().map(|w| "─".repeat(*w)).collect();
    line(&mut rules.iter().map(String::as_str));
    for row in &cells {
        line(&mut row.iter().map(String::as_str));
    }
    out
}

/// The same table as RFC 4180 CSV. A cell that a spreadsheet would take for a formula gets a `'` before it.
#[must_use]
pub fn csv(table: &Table) -> String {
    let mut out = String::new();
    let mut line = |texts: Vec<(String, bool)>| {
        let row: Vec<String> = texts
            .into_iter()
            .map(|(text, numeric)| {
                let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) && !(numeric && text.parse::<f64>().is_ok());
                let text = if formula { format!("'{text}") } else { text };
                if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
            })
            .collect();
        out.push_str(&row.join(","));
        out.push_str("\r\n");
    };
    line(table.columns.iter().map(|c| (c.name.clone(), false)).collect());
    for row in &table.rows {
        let numeric = |at: usize| table.columns.get(at).is_some_and(|c| c.numeric);
        line(
            row.iter()
                .enumerate()
                .map(|(at, cell)| {
                    let text = spans(cell);
                    // Digits are grouped for readers; a spreadsheet wants them plain.
                    if numeric(at) { (text.replace('\u{202f}', ""), true) } else { (text, false) }
                })
                .collect(),
        );
    }
    out
}

/// How many columns a terminal needs for this text, near enough: one per visible character, two for wide ones.
pub(crate) fn width(text: &str) -> usize {
    text.graphemes(true).map(|g| if g.chars().next().is_some_and(is_wide) { 2 } else { 1 }).sum()
}

fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::{Column, Field};

    fn sample() -> Table {
        Table {
            caption: "files".into(),
            columns: vec![Column { name: "Name".into(), numeric: false }, Column { name: "Size".into(), numeric: true }],
            rows: vec![vec![vec!["a.txt".into()], vec!["12".into()]], vec![vec!["=1+2".into()], vec!["-3".into()]]],
        }
    }

    #[test]
    fn tables_line_up() {
        assert_eq!(table(&sample()), "Name   Size\n─────  ────\na.txt    12\n=1+2     -3\n");
    }

    #[test]
    fn csv_holds_no_formula() {
        assert_eq!(csv(&sample()), "Name,Size\r\na.txt,12\r\n'=1+2,-3\r\n");
    }

    #[test]
    fn cards_read_as_text() {
        let c = Card::titled("Stored").tone(Tone::Good).and_text("a.txt is kept.").block(Block::Fields(vec![
            Field { name: "Size".into(), value: vec!["2 B".into()] },
            Field { name: "Version".into(), value: vec![Span::Code("1".into())] },
        ]));
        assert_eq!(card(&c, &|_| String::new()), "✓ Stored\na.txt is kept.\nSize:    2 B\nVersion: 1");
    }
}
