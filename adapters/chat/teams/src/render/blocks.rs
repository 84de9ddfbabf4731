//! The parts of a card, one after the other.

use super::text::{block, bold, code, inlines, literal, paragraph, run, runs, seen, spaced};
use super::{Look, Picture, Sketch, table};
use crate::click::Click;
use bellhop_core::card::{Block, Card, Field, FileBlock, FileSource, Image, Progress, Span, Tone};
use bellhop_core::form::{Answers, Form, InputKind};
use bellhop_core::text::{bytes, one_line, shorten, visible};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The most characters of a card that is shown by its words alone.
const WORDS: usize = 8000;

impl Sketch<'_> {
    pub(super) fn card(&mut self, card: &Card, plain: &str) {
        if self.look == Look::Words {
            self.body.extend(run(&shorten(plain, WORDS)).map(|run| runs(&[run])));
            for shown in &card.blocks {
                if matches!(shown, Block::Actions(_) | Block::Form(_)) {
                    self.block(shown, &card.title);
                }
            }
            return;
        }
        self.title(card);
        for shown in &card.blocks {
            self.block(shown, &card.title);
        }
        if self.body.is_empty() {
            self.body.push(block("(nothing to show)"));
        }
    }

    fn title(&mut self, card: &Card) {
        let mark = mark(card.tone);
        let title = one_line(&card.title);
        let title = title.trim();
        if title.is_empty() {
            self.body.extend(mark.map(|(icon, word, color)| {
                json!({ "type": "TextBlock", "text": format!("{icon} {word}"), "wrap": true, "color": color, "size": "Small" })
            }));
            return;
        }
        let text = mark.map_or(title.to_owned(), |(icon, _, _)| format!("{icon} {title}"));
        let color = mark.map_or("Default", |(_, _, color)| color);
        if literal(&text) {
            self.body.push(json!({
                "type": "TextBlock", "text": text, "wrap": true, "size": "Large", "weight": "Bolder", "color": color, "style": "heading",
            }));
        } else if let Some(mut run) = bold(&text) {
            run["size"] = json!("Large");
            run["color"] = json!(color);
            self.body.push(runs(&[run]));
        }
    }

    fn block(&mut self, shown: &Block, title: &str) {
        match shown {
            Block::Text(spans) => self.text(spans),
            Block::Fields(fields) => self.fields(fields),
            Block::Table(rows) => {
                let caption = one_line(&rows.caption);
                if !caption.trim().is_empty() && caption.trim() != title.trim() {
                    self.body.extend(bold(caption.trim()).map(|run| runs(&[run])));
                }
                let drawn = if self.look == Look::Whole { table::element(rows) } else { table::words(rows) };
                self.body.extend(drawn);
            }
            Block::Code(text) => {
                let text = visible(text);
                if !text.trim().is_empty() {
                    self.body.extend(code(&spaced(&text)).map(|run| runs(&[run])));
                }
            }
            Block::Image(image) => self.image(image),
            Block::Chart(chart) => self.words(&format!("\u{1f4c8} {}: {}", chart.title, chart.alt)),
            Block::File(file) => self.words(&about(file)),
            Block::Progress(progress) => self.progress(progress),
            Block::Form(form) => self.form(form),
            Block::Actions(actions) => self.actions(actions),
            Block::Divider => {
                self.body.push(json!({ "type": "Container", "separator": true, "spacing": "Medium", "items": [] }));
            }
        }
    }

    fn words(&mut self, text: &str) {
        self.body.extend(paragraph(&[Span::Plain(text.to_owned())]));
    }

    fn text(&mut self, spans: &[Span]) {
        let mention = spans.iter().any(|span| matches!(span, Span::Mention { .. }));
        let drawn = if mention { self.mentions.paragraph(spans) } else { None };
        self.body.extend(drawn.or_else(|| paragraph(spans)));
    }

    /// Facts side by side where nothing in them is a mark, and otherwise as lines.
    fn fields(&mut self, fields: &[Field]) {
        let simple = |spans: &[Span]| match spans {
            [] => Some(String::new()),
            [Span::Plain(text) | Span::Code(text) | Span::Bold(text)] => Some(visible(text)).filter(|text| literal(text)),
            [Span::Time(at)] => Some(super::text::moment(at)),
            _ => None,
        };
        let facts: Option<Vec<Value>> = fields
            .iter()
            .map(|field| {
                let name = Some(visible(&field.name)).filter(|name| literal(name))?;
                Some(json!({ "title": name, "value": simple(&field.value)? }))
            })
            .collect();
        if let Some(facts) = facts.filter(|facts| !facts.is_empty()) {
            self.body.push(json!({ "type": "FactSet", "facts": facts }));
            return;
        }
        for field in fields {
            if field.value.iter().any(|span| matches!(span, Span::Mention { .. })) {
                let mut spans = vec![Span::Bold(field.name.clone()), Span::Plain(": ".into())];
                spans.extend(field.value.iter().cloned());
                self.text(&spans);
                continue;
            }
            let mut line = Vec::new();
            if !field.name.trim().is_empty() {
                line.extend(bold(field.name.trim()));
                line.extend(run(": "));
            }
            line.extend(inlines(&field.value));
            if seen(&line) {
                self.body.push(runs(&line));
            }
        }
    }

    fn image(&mut self, image: &Image) {
        let Some(before) = self.scene.pictures.filter(|_| image.content_type != "image/svg+xml") else {
            return self.words(&format!("\u{1f5bc} {}", image.alt));
        };
        let mut hash = Sha256::new();
        hash.update(self.scene.key.as_bytes());
        hash.update([0]);
        hash.update(&*image.bytes);
        let key = hex::encode(&hash.finalize()[..20]);
        self.body.push(json!({
            "type": "Image",
            "url": format!("{before}{key}"),
            "altText": shorten(&one_line(&image.alt), 1000),
            "size": "Stretch",
            "msteams": { "allowExpand": true },
        }));
        self.pictures.push(Picture { key, content_type: image.content_type.clone(), bytes: image.bytes.clone() });
    }

    fn progress(&mut self, progress: &Progress) {
        let done = match progress.percent() {
            Some(percent) => {
                let full = usize::from(percent) / 10;
                format!("{}{} {percent} % \u{b7} {}", "\u{25b0}".repeat(full), "\u{25b1}".repeat(10 - full), progress.figures())
            }
            None => progress.figures(),
        };
        self.words(progress.what.trim());
        self.words(&done);
    }

    /// What opens the form, and what is wrong so far.
    fn form(&mut self, form: &Form) {
        for input in &form.inputs {
            let Some(problem) = &input.problem else { continue };
            let mut line: Vec<Value> = run("\u{26a0}\u{fe0f} ").into_iter().collect();
            line.extend(bold(&format!("{}:", one_line(&input.label))));
            line.extend(run(&format!(" {problem}")));
            self.body.push(runs(&line));
        }
        let click = Click::Form { command: form.command.clone(), answers: answers(form) };
        let mut button = self.dialog(&shorten(&format!("Fill in {}\u{2026}", form.command), 60), &click);
        button["style"] = json!("positive");
        self.body.push(json!({ "type": "ActionSet", "actions": [button] }));
    }
}

/// The mark of a tone as an icon that also reads in plain text, its word and its colour.
fn mark(tone: Tone) -> Option<(&'static str, &'static str, &'static str)> {
    match tone {
        Tone::Neutral => None,
        Tone::Good => Some(("\u{2705}", "Done", "Good")),
        Tone::Warning => Some(("\u{26a0}\u{fe0f}", "Warning", "Warning")),
        Tone::Bad => Some(("\u{274c}", "Problem", "Attention")),
    }
}

fn about(file: &FileBlock) -> String {
    let name = one_line(&file.name);
    match &file.source {
        FileSource::Stored { store, name: stored, .. } if *stored != file.name => {
            format!("\u{1f4ce} {name} ({}), kept as {store}:{}", bytes(file.size), one_line(stored))
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
