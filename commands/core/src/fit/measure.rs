//! How long cards and their parts are, and whether they keep a platform's limits. Says nothing about what to do then.

use crate::capabilities::{Capabilities, Charts, TableLimits};
use crate::card::{Block, Card, Field, Span, Table};
use crate::form::Form;

/// The limits in force: those of the platform, raised to the least with which anything can be said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub blocks: usize,
    pub text: usize,
    pub title: usize,
    pub message: usize,
    pub fields: usize,
    pub actions: usize,
    pub label: usize,
    pub table: Option<TableLimits>,
    /// Tables and charts in one message.
    pub tables: usize,
    pub charts: usize,
    pub upload: u64,
    pub forms: bool,
}

impl Limits {
    pub fn of(caps: &Capabilities) -> Self {
        Self {
            blocks: caps.blocks.max(1),
            text: caps.text.max(1),
            title: caps.title,
            message: caps.message.max(1),
            fields: caps.fields,
            actions: caps.actions.max(1),
            label: caps.label.max(1),
            table: caps.table,
            tables: caps.table.map_or(usize::MAX, |table| table.each.max(1)),
            charts: match caps.charts {
                Charts::Within(most) => most.each.max(1),
                _ => usize::MAX,
            },
            upload: caps.upload,
            forms: caps.forms,
        }
    }

    /// Whether the card keeps them all as it is.
    pub fn kept_by(&self, card: &Card) -> bool {
        chars(&card.title) <= self.title
            && card.blocks.len() <= self.blocks
            && message(card) <= self.message
            && card.blocks.iter().map(buttons).fold(0, usize::saturating_add) <= self.actions
            && card.blocks.iter().filter(|block| matches!(block, Block::Table(_))).count() <= self.tables
            && card.blocks.iter().filter(|block| matches!(block, Block::Chart(_))).count() <= self.charts
            && card.blocks.iter().all(|block| self.kept_by_block(block))
    }

    fn kept_by_block(&self, block: &Block) -> bool {
        match block {
            Block::Text(spans) => text(spans) <= self.text,
            Block::Code(code) => chars(code) <= self.text,
            Block::Fields(fields) => fields.len() <= self.fields && fields.iter().all(|f| field(f) <= self.text),
            Block::Table(table) => {
                self.table.is_some_and(|most| table.rows.len() <= most.rows && columns(table) <= most.columns && cells(table) <= most.text)
            }
            Block::Image(image) => chars(&image.alt) <= self.text,
            Block::Chart(chart) => chars(&chart.alt) <= self.text,
            Block::Progress(progress) => chars(&progress.what) <= self.text,
            Block::Form(form) => self.forms && chars(&form.submit) <= self.label,
            Block::Actions(actions) => actions.iter().all(|a| chars(&a.label) <= self.label),
            Block::File(_) | Block::Divider => true,
        }
    }
}

/// Characters, as [`Capabilities`] counts them.
pub(super) fn chars(text: &str) -> usize {
    text.chars().count()
}

/// The characters of a whole card, its title included.
pub(super) fn message(card: &Card) -> usize {
    card.blocks.iter().map(block).fold(chars(&card.title), usize::saturating_add)
}

/// The characters of one block, as a reader without pictures would get it.
pub(super) fn block(block: &Block) -> usize {
    match block {
        Block::Text(spans) => text(spans),
        Block::Fields(fields) => fields.iter().map(field).sum(),
        Block::Table(table) => chars(&table.caption) + cells(table),
        Block::Code(code) => chars(code),
        Block::Image(image) => chars(&image.alt),
        Block::Chart(chart) => chars(&chart.title) + chars(&chart.alt),
        Block::File(file) => chars(&file.name),
        Block::Progress(progress) => chars(&progress.what) + chars(&progress.figures()),
        Block::Form(asked) => form(asked),
        Block::Actions(actions) => actions.iter().map(|a| chars(&a.label)).sum(),
        Block::Divider => 0,
    }
}

/// How many buttons a block takes: a form is opened or sent by one.
pub(super) fn buttons(block: &Block) -> usize {
    match block {
        Block::Actions(actions) => actions.len(),
        Block::Form(_) => 1,
        _ => 0,
    }
}

pub(super) fn text(spans: &[Span]) -> usize {
    spans.iter().map(|span| chars(&span.text())).sum()
}

pub(super) fn field(field: &Field) -> usize {
    chars(&field.name) + text(&field.value)
}

/// The characters of all headings and cells.
pub(super) fn cells(table: &Table) -> usize {
    table.columns.iter().map(|c| chars(&c.name)).sum::<usize>() + table.rows.iter().map(|row| self::row(row)).sum::<usize>()
}

pub(super) fn row(row: &[Vec<Span>]) -> usize {
    row.iter().map(|cell| text(cell)).sum()
}

/// How many columns a table has, those without a heading included.
pub(super) fn columns(table: &Table) -> usize {
    table.rows.iter().map(Vec::len).chain([table.columns.len()]).max().unwrap_or(0)
}

fn form(form: &Form) -> usize {
    let input = |i: &crate::form::Input| chars(&i.label) + chars(&i.hint) + chars(&i.value) + i.problem.as_deref().map_or(0, chars);
    form.inputs.iter().map(input).sum::<usize>() + chars(&form.submit)
}
