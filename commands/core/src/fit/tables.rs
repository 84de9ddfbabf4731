//! Tables that a platform can't show as they are: the first rows and a file, or several tables, or aligned text.

use super::measure::{self, chars};
use super::pieces::{Pieces, file_name};
use crate::capabilities::TableLimits;
use crate::card::{Block, Column, FileBlock, FileSource, Span, Table};
use crate::plain;
use crate::text::shorten;
use std::sync::Arc;

type Row = Vec<Vec<Span>>;

impl Pieces {
    pub(super) fn table(&mut self, table: &Table) {
        let mut table = even(table);
        let caption = std::mem::take(&mut table.caption);
        if let Some(most) = self.limits.table {
            // A caption belongs to its table, but mustn't crowd it out.
            table.caption = shorten(&caption, self.room / 4);
            let most = TableLimits { text: most.text.min(self.room - chars(&table.caption)), ..most };
            if table.caption != caption {
                self.say(Some(caption));
            }
            if shown(&table.rows, &table, most) == Some(table.rows.len()) && table.columns.len() <= most.columns {
                self.blocks.push(Block::Table(table));
            } else if !self.first_rows_and_file(&table, most) {
                self.several_tables(&table, most);
            }
        } else {
            if !caption.is_empty() && caption != self.title {
                self.say(Some(caption.clone()));
            }
            if aligned(&table.rows, &table, self.text) == Some(table.rows.len()) {
                self.blocks.push(Block::Code(plain::table(&table)));
                return;
            }
            table.caption = caption;
            if !self.first_lines_and_file(&table) {
                self.several_codes(&table);
            }
        }
    }

    /// The table's beginning as a table, and the whole as a file; false, and nothing, where no file can be uploaded.
    fn first_rows_and_file(&mut self, table: &Table, most: TableLimits) -> bool {
        let Some(file) = self.file(table) else { return false };
        let columns = table.columns.len().min(most.columns);
        let beginning = columns_of(table, 0..columns);
        let rows = shown(&beginning.rows, &beginning, most).filter(|_| columns > 0).unwrap_or(0);
        if rows > 0 {
            self.blocks.push(Block::Table(rows_of(&beginning, 0..rows)));
        }
        self.with_file(table, file, rows, columns);
        true
    }

    fn first_lines_and_file(&mut self, table: &Table) -> bool {
        let Some(file) = self.file(table) else { return false };
        let rows = aligned(&table.rows, table, self.text).unwrap_or(0);
        if rows > 0 {
            self.blocks.push(Block::Code(plain::table(&rows_of(table, 0..rows))));
        }
        self.with_file(table, file, rows, table.columns.len());
        true
    }

    fn with_file(&mut self, table: &Table, file: FileBlock, rows: usize, columns: usize) {
        let all = |shown: usize, there: usize, what: &str| {
            if shown == there { format!("all {there} {what}") } else { format!("the first {shown} of {there} {what}") }
        };
        let mut sentence = if rows == 0 {
            format!("The table is too large to show here ({} rows); ", table.rows.len())
        } else if columns == table.columns.len() {
            format!("These are {}; ", all(rows, table.rows.len(), "rows"))
        } else {
            format!("These are {} and {}; ", all(rows, table.rows.len(), "rows"), all(columns, table.columns.len(), "columns"))
        };
        sentence.push_str("the whole table is in ");
        self.text(vec![Span::Plain(sentence), Span::Code(file.name.clone()), ".".into()]);
        self.blocks.push(Block::File(file));
    }

    /// The table as CSV, where that can be uploaded.
    fn file(&mut self, table: &Table) -> Option<FileBlock> {
        if self.limits.upload == 0 {
            return None;
        }
        let csv = plain::csv(table);
        let size = u64::try_from(csv.len()).unwrap_or(u64::MAX);
        if size > self.limits.upload {
            return None;
        }
        self.files += 1;
        let named = [&table.caption, &self.title].into_iter().map(|text| slug(text)).find(|slug| !slug.is_empty());
        let stem = named.unwrap_or_else(|| "table".into());
        let name = if self.files == 1 { format!("{stem}.csv") } else { format!("{stem}-{}.csv", self.files) };
        Some(FileBlock {
            name: file_name(&name, self.room),
            content_type: "text/csv; charset=utf-8".into(),
            size,
            source: FileSource::Inline(Arc::from(csv.into_bytes())),
        })
    }

    /// The whole table as tables that fit: some columns at a time, the first of them repeated, and some rows at a time.
    fn several_tables(&mut self, table: &Table, most: TableLimits) {
        for columns in column_groups(table.columns.len(), most.columns) {
            let part = pick(table, &columns);
            let mut at = 0;
            while at < part.rows.len() {
                match shown(&part.rows[at..], &part, most).filter(|_| columns.len() <= most.columns) {
                    Some(rows) if rows > 0 => {
                        self.blocks.push(Block::Table(rows_of(&part, at..at + rows)));
                        at += rows;
                    }
                    // A row that is too long for any table, or headings that are: in words.
                    _ => {
                        self.row_in_words(&part, at);
                        at += 1;
                    }
                }
            }
            if part.rows.is_empty() {
                self.headings_in_words(&part);
            }
        }
    }

    fn several_codes(&mut self, table: &Table) {
        let mut at = 0;
        while at < table.rows.len() {
            let rows = aligned(&table.rows[at..], table, self.text).unwrap_or(0);
            if rows > 0 {
                self.blocks.push(Block::Code(plain::table(&rows_of(table, at..at + rows))));
                at += rows;
            } else {
                self.row_in_words(table, at);
                at += 1;
            }
        }
        if table.rows.is_empty() {
            self.headings_in_words(table);
        }
    }

    fn row_in_words(&mut self, table: &Table, at: usize) {
        let mut spans = Vec::new();
        for (column, cell) in table.columns.iter().zip(&table.rows[at]) {
            if !spans.is_empty() {
                spans.push("\n".into());
            }
            if !column.name.is_empty() {
                spans.extend([Span::Bold(column.name.clone()), ": ".into()]);
            }
            spans.extend(cell.iter().cloned());
        }
        self.text(spans);
    }

    fn headings_in_words(&mut self, table: &Table) {
        let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
        self.text(vec![Span::Plain(format!("No rows. Columns: {}", names.join(", ")))]);
    }
}

/// The same with as many headings as the longest row has cells, and as many cells in every row.
fn even(table: &Table) -> Table {
    let mut table = table.clone();
    let width = measure::columns(&table);
    table.columns.resize(width, Column { name: String::new(), numeric: false });
    for row in &mut table.rows {
        row.resize(width, Vec::new());
    }
    table
}

/// How many of the rows fit under the headings; `None` where not even the headings do.
fn shown(rows: &[Row], table: &Table, most: TableLimits) -> Option<usize> {
    let headings: usize = table.columns.iter().map(|c| chars(&c.name)).sum();
    let mut left = most.text.checked_sub(headings)?;
    let mut count = 0;
    for row in rows.iter().take(most.rows) {
        let Some(rest) = left.checked_sub(measure::row(row)) else { break };
        left = rest;
        count += 1;
    }
    Some(count)
}

/// How many of the rows fit into `most` characters as aligned text under the headings; `None` where not even the
/// headings do. Counts without drawing, so that one long cell beside many rows doesn't take their product in memory.
fn aligned(rows: &[Row], table: &Table, most: usize) -> Option<usize> {
    let columns = table.columns.len();
    let mut sizes = Sizes { widest: vec![0; columns], characters: 0, width: 0, lines: 1 };
    sizes.add(table.columns.iter().map(|c| crate::text::one_line(&c.name)));
    if sizes.total() > most {
        return None;
    }
    for (at, row) in rows.iter().enumerate() {
        sizes.add(row.iter().take(columns).map(|cell| crate::text::one_line(&plain::spans(cell))));
        if sizes.total() > most {
            return Some(at);
        }
    }
    Some(rows.len())
}

/// The size of aligned text as it grows by lines.
struct Sizes {
    /// The widest cell of each column.
    widest: Vec<usize>,
    /// Characters of all cells, and how wide they are on a screen.
    characters: usize,
    width: usize,
    /// Lines, the rule under the headings included.
    lines: usize,
}

impl Sizes {
    fn add(&mut self, line: impl Iterator<Item = String>) {
        for (widest, text) in self.widest.iter_mut().zip(line) {
            let wide = plain::width(&text);
            self.characters = self.characters.saturating_add(chars(&text));
            self.width = self.width.saturating_add(wide);
            *widest = wide.max(*widest);
        }
        self.lines += 1;
    }

    /// The most characters it can have: every line padded to the widest cells, and the rule.
    fn total(&self) -> usize {
        let line: usize = self.widest.iter().sum();
        let padding = line.saturating_mul(self.lines - 1).saturating_sub(self.width);
        let gaps = (2 * self.widest.len().saturating_sub(1) + 1) * self.lines;
        self.characters.saturating_add(padding).saturating_add(line).saturating_add(gaps)
    }
}

fn rows_of(table: &Table, rows: std::ops::Range<usize>) -> Table {
    Table { caption: table.caption.clone(), columns: table.columns.clone(), rows: table.rows[rows].to_vec() }
}

fn columns_of(table: &Table, columns: std::ops::Range<usize>) -> Table {
    pick(table, &columns.collect::<Vec<_>>())
}

fn pick(table: &Table, columns: &[usize]) -> Table {
    Table {
        caption: table.caption.clone(),
        columns: columns.iter().map(|at| table.columns[*at].clone()).collect(),
        rows: table.rows.iter().map(|row| columns.iter().map(|at| row[*at].clone()).collect()).collect(),
    }
}

/// The columns in groups of at most `most`; the first one, which says what a row is about, leads each group where
/// there is room for it.
fn column_groups(columns: usize, most: usize) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..columns).collect();
    if columns <= most {
        return vec![all];
    }
    match most {
        // No columns at all: the rows are said in words.
        0 => vec![all],
        1 | 2 => all.chunks(most).map(<[usize]>::to_vec).collect(),
        _ => all[1..].chunks(most - 1).map(|group| std::iter::once(0).chain(group.iter().copied()).collect()).collect(),
    }
}

/// A text as the beginning of a file's name.
fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let short: String = out.chars().take(40).collect();
    short.trim_end_matches('-').to_owned()
}
