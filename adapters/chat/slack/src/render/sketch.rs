//! A page of blocks as it is being drawn from cards: what each block of a card becomes, and the numbers of what can be
//! clicked. Knows no method of Slack's.

use super::rich::{context, elements, line, paragraph, plain_text, preformatted, run, styled};
use super::{chart, table, text};
use crate::click::{Click, Kept};
use bellhop_core::address::Address;
use bellhop_core::card::{Block, Card, Field, FileBlock, FileSource, Progress, Span, Tone};
use bellhop_core::form::{Answers, Form, InputKind};
use bellhop_core::text::{bytes, shorten};
use serde_json::{Value, json};

/// Where it is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surface {
    /// In a message.
    Message,
    /// In a message, with nothing that Slack could refuse for what is in it.
    Plain,
    /// On the bot's own page, where there are neither tables nor charts.
    Home,
}

/// The blocks so far.
pub(super) struct Sketch<'a> {
    pub(super) at: &'a Address,
    pub(super) surface: Surface,
    pub(super) blocks: Vec<Value>,
    pub(super) kept: Vec<Kept>,
    pub(super) buttons: usize,
    pub(super) selects: usize,
    tables: usize,
    charts: usize,
    /// Characters left for what is said beside the card itself: what a button asks first, addresses that no button opens.
    extra: usize,
}

impl<'a> Sketch<'a> {
    pub(super) fn new(at: &'a Address, surface: Surface) -> Self {
        Self { at, surface, blocks: Vec::new(), kept: Vec::new(), buttons: 0, selects: 0, tables: 0, charts: 0, extra: 1500 }
    }

    /// Everything of a card.
    pub(super) fn card(&mut self, card: &Card) {
        let mut blocks = card.blocks.as_slice();
        if let Some(title) = title(card) {
            self.push(Some(if self.surface == Surface::Plain {
                json!({ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [styled(&title, "bold")] }] })
            } else {
                json!({ "type": "header", "text": plain_text(&title) })
            }));
        } else if let Some((mark, word)) = mark(card.tone) {
            // Without a title the mark stands before the first sentence.
            if let [Block::Text(spans), rest @ ..] = blocks {
                let mut marked = vec![Span::Plain(format!("{mark} "))];
                marked.extend(spans.iter().cloned());
                self.text(&marked);
                blocks = rest;
            } else {
                self.push(context(&format!("{mark} {word}")));
            }
        }
        for block in blocks {
            self.block(block, &card.title);
        }
    }

    fn block(&mut self, block: &Block, title: &str) {
        match block {
            Block::Text(spans) => self.text(spans),
            Block::Fields(fields) => self.fields(fields),
            Block::Table(shown) => {
                let caption = Some(shown.caption.trim()).filter(|caption| !caption.is_empty() && *caption != title.trim());
                self.push(caption.and_then(|caption| paragraph(styled(caption, "bold").as_slice())));
                let drawn = if self.surface == Surface::Message && self.tables == 0 { table::block(shown, self.at) } else { None };
                self.tables += usize::from(drawn.is_some());
                self.push(drawn.or_else(|| table::in_words(shown)));
            }
            Block::Code(code) => self.push(preformatted(code)),
            Block::Image(image) => self.push(context(&format!("\u{1f5bc} {}", image.alt))),
            Block::Chart(shown) => {
                let drawn = if self.surface == Surface::Message && self.charts < 2 { chart::block(shown) } else { None };
                self.charts += usize::from(drawn.is_some());
                let said = if drawn.is_some() { chart::about(shown) } else { format!("\u{1f4c8} {}: {}", shown.title, shown.alt) };
                self.push(drawn);
                self.push(context(&said));
            }
            Block::File(file) => self.push(context(&about(file))),
            Block::Progress(progress) => self.progress(progress),
            Block::Form(form) => self.form(form),
            Block::Actions(actions) => self.actions(actions),
            Block::Divider => self.push(Some(json!({ "type": "divider" }))),
        }
    }

    pub(super) fn push(&mut self, block: Option<Value>) {
        self.blocks.extend(block);
    }

    /// The text for a click in a field of at most `most` characters; what is too long is kept.
    pub(super) fn carry(&mut self, click: &Click, most: usize) -> String {
        let (text, kept) = click.written(most);
        if let Some(kept) = kept.filter(|kept| self.kept.iter().all(|other| other.key != kept.key)) {
            self.kept.push(kept);
        }
        text
    }

    /// Text beside the card itself: whole while there is room in the message, and at least this many characters of it.
    pub(super) fn beside(&mut self, text: &str, least: usize, most: usize) -> String {
        let text = shorten(text, most.min(self.extra.max(least)));
        self.extra = self.extra.saturating_sub(text.chars().count());
        text
    }

    pub(super) fn links(&self) -> bool {
        self.surface != Surface::Plain
    }

    pub(super) fn text(&mut self, spans: &[Span]) {
        self.push(paragraph(&elements(spans, self.at, self.links())));
    }

    /// Facts side by side where they can be told exactly, and otherwise as lines.
    fn fields(&mut self, fields: &[Field]) {
        let marked: Option<Vec<Value>> = fields.iter().map(|field| text::field(field, self.at)).collect();
        if let Some(marked) = marked.filter(|_| self.surface != Surface::Plain) {
            for fields in marked.chunks(10) {
                self.push(Some(json!({ "type": "section", "fields": fields })));
            }
            return;
        }
        let mut lines = Vec::new();
        for field in fields {
            if !lines.is_empty() {
                lines.extend(run("\n"));
            }
            if !field.name.trim().is_empty() {
                lines.extend(styled(&format!("{}:", field.name.trim()), "bold"));
                lines.extend(run(" "));
            }
            lines.extend(elements(&field.value, self.at, self.links()));
        }
        self.push(paragraph(&lines));
    }

    fn progress(&mut self, progress: &Progress) {
        let done = match progress.percent() {
            Some(percent) => {
                let full = usize::from(percent) / 10;
                format!("{}{} {percent} % \u{b7} {}", "\u{25b0}".repeat(full), "\u{25b1}".repeat(10 - full), progress.figures())
            }
            None => progress.figures(),
        };
        let what = progress.what.trim();
        let mut said: Vec<Value> = run(what).into_iter().collect();
        said.extend(run(&if what.is_empty() { done } else { format!("\n{done}") }));
        self.push(paragraph(&said));
    }

    /// What opens the form, and what is wrong so far.
    fn form(&mut self, form: &Form) {
        let mut problems = Vec::new();
        for input in &form.inputs {
            let Some(problem) = &input.problem else { continue };
            let start = if problems.is_empty() { "\u{26a0}\u{fe0f} " } else { "\n\u{26a0}\u{fe0f} " };
            problems.extend(run(start));
            problems.extend(styled(&format!("{}:", line(&input.label, 200, &input.id)), "bold"));
            problems.extend(run(&format!(" {problem}")));
        }
        self.push(paragraph(&problems));
        let click = Click::Form { command: form.command.clone(), answers: answers(form) };
        let label = line(&format!("Fill in {}\u{2026}", form.command), 75, "Fill in\u{2026}");
        let button = self.button(&label, &click, "opens a form");
        self.push(Some(json!({ "type": "actions", "elements": [super::actions::with(button, "style", json!("primary"))] })));
    }

    /// The blocks, at most this many, and what has to be kept for them.
    pub(super) fn finish(mut self, most: usize) -> (Vec<Value>, Vec<Kept>) {
        if self.blocks.len() > most {
            let left = self.blocks.len() - (most - 1);
            self.blocks.truncate(most - 1);
            self.push(context(&format!("\u{2026} and {left} parts more, which are too many for Slack")));
        }
        if self.blocks.is_empty() {
            self.push(context("(nothing to show)"));
        }
        (self.blocks, self.kept)
    }
}

/// The mark of a tone as an icon that also reads in plain text, and its word.
fn mark(tone: Tone) -> Option<(&'static str, &'static str)> {
    match tone {
        Tone::Neutral => None,
        Tone::Good => Some(("\u{2705}", "Done")),
        Tone::Warning => Some(("\u{26a0}\u{fe0f}", "Warning")),
        Tone::Bad => Some(("\u{274c}", "Problem")),
    }
}

/// The title with the mark of its tone, where there is a title.
fn title(card: &Card) -> Option<String> {
    let title = Some(line(&card.title, 145, "")).filter(|title| !title.is_empty())?;
    Some(mark(card.tone).map_or(title.clone(), |(mark, _)| format!("{mark} {title}")))
}

fn about(file: &FileBlock) -> String {
    let name = line(&file.name, 1000, "file");
    match &file.source {
        FileSource::Stored { store, name: stored, .. } if *stored != file.name => {
            format!("\u{1f4ce} {name} ({}), kept as {store}:{}", bytes(file.size), line(stored, 1000, ""))
        }
        FileSource::Stored { store, .. } => format!("\u{1f4ce} {name} ({}) in {store}", bytes(file.size)),
        FileSource::Inline(_) => format!("\u{1f4ce} {name} ({})", bytes(file.size)),
    }
}

/// The answers that a form holds already.
fn answers(form: &Form) -> Answers {
    let held = form.inputs.iter().filter(|input| !input.value.is_empty());
    held.map(|input| {
        let values = match input.kind {
            InputKind::Lines => input.value.lines().map(str::to_owned).collect(),
            _ => vec![input.value.clone()],
        };
        (input.id.clone(), values)
    })
    .collect()
}
