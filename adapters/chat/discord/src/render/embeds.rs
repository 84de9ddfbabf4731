//! A card as embeds: text first, then facts, then a picture; what comes after a picture begins another embed.

use super::text::{code_block, escaped, markdown};
use super::{EMBEDDED, Message};
use crate::click::{Click, Kept};
use crate::wire::FilePart;
use bellhop_core::address::Address;
use bellhop_core::card::{Block, Card, Field, Image, Progress, Table, Tone};
use bellhop_core::form::Form;
use bellhop_core::text::{one_line, shorten, visible};
use bytes::Bytes;
use serde_json::Value;
use serenity::builder::CreateEmbed;

/// The most characters of an embed's parts, and the most facts in it.
const TITLE: usize = 256;
const DESCRIPTION: usize = 4096;
const NAME: usize = 256;
const VALUE: usize = 1024;
const FIELDS: usize = 25;
/// A field has to have something in it.
const NOTHING: &str = "\u{200b}";
/// How long facts may be to stand side by side.
const BESIDE: usize = 40;

/// An embed being drawn.
#[derive(Default)]
struct Part {
    title: String,
    text: String,
    fields: Vec<(String, String, bool)>,
    image: Option<String>,
}

/// A message being drawn.
pub(super) struct Sketch<'a> {
    pub(super) at: &'a Address,
    tone: Tone,
    done: Vec<Part>,
    here: Part,
    pub(super) mentions: Vec<String>,
    files: Vec<(FilePart, String)>,
    pub(super) buttons: Vec<Value>,
    pub(super) menus: Vec<Value>,
    pub(super) kept: Vec<Kept>,
    /// How many things to click there are: each has a number, so that none has another's id.
    pub(super) clicks: usize,
}

impl<'a> Sketch<'a> {
    pub(super) fn new(at: &'a Address, tone: Tone) -> Self {
        Self {
            at,
            tone,
            done: Vec::new(),
            here: Part::default(),
            mentions: Vec::new(),
            files: Vec::new(),
            buttons: Vec::new(),
            menus: Vec::new(),
            kept: Vec::new(),
            clicks: 0,
        }
    }

    pub(super) fn card(&mut self, card: &Card) {
        let mark = mark(self.tone);
        let title = one_line(&card.title);
        if title.trim().is_empty() {
            // Never by colour alone.
            self.here.text.push_str(mark);
        } else {
            let mut shown = title.trim().to_owned();
            while format!("{mark}{}", escaped(&shown)).chars().count() > TITLE {
                shown = shorten(&shown, shown.chars().count() - 8);
            }
            self.here.title = format!("{mark}{}", escaped(&shown));
        }
        for block in &card.blocks {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Text(spans) => {
                let written = markdown(spans, &self.at.chat);
                self.mentions.extend(written.mentions);
                self.text(&written.text, "\n\n");
            }
            Block::Fields(fields) => self.fields(fields),
            Block::Table(table) => self.table(table),
            Block::Code(code) => self.text(&code_block(code), "\n"),
            Block::Image(image) => self.image(image),
            // It was not drawn: it is said.
            Block::Chart(chart) => self.text(&escaped(&chart.alt), "\n\n"),
            Block::File(file) => {
                let size = bellhop_core::text::bytes(file.size);
                self.text(&format!("\u{1f4ce} {} ({size})", escaped(&one_line(&file.name))), "\n");
            }
            Block::Progress(progress) => self.text(&bar(progress), "\n"),
            Block::Form(form) => self.form(form),
            Block::Actions(actions) => self.actions(actions),
            Block::Divider => self.text("", "\n"),
        }
    }

    /// Text goes above facts and pictures; after those it begins another embed.
    pub(super) fn text(&mut self, text: &str, apart: &str) {
        let length = self.here.text.chars().count() + apart.len() + text.chars().count();
        if !self.here.fields.is_empty() || self.here.image.is_some() || length > DESCRIPTION && !self.here.text.is_empty() {
            self.next();
        }
        let begun = !self.here.text.is_empty() && self.here.text != mark(self.tone);
        if begun {
            self.here.text.push_str(apart);
        }
        self.here.text.push_str(text);
    }

    fn next(&mut self) {
        self.done.push(std::mem::take(&mut self.here));
    }

    fn fields(&mut self, fields: &[Field]) {
        for field in fields {
            let name = escaped(one_line(&field.name).trim());
            let value = markdown(&field.value, &self.at.chat);
            let (names, values) = (name.chars().count(), value.text.chars().count());
            self.mentions.extend(value.mentions);
            if names > NAME || values > VALUE {
                self.text(&format!("**{name}**\n{}", value.text), "\n\n");
                continue;
            }
            if self.here.image.is_some() || self.here.fields.len() == FIELDS {
                self.next();
            }
            let beside = names <= BESIDE && values <= BESIDE && !value.text.contains('\n');
            let or = |text: String| if text.trim().is_empty() { NOTHING.to_owned() } else { text };
            self.here.fields.push((or(name), or(value.text), beside));
        }
    }

    fn table(&mut self, table: &Table) {
        let aligned = bellhop_core::plain::table(table);
        // One long cell widens every row: then the rows are told without being aligned.
        if aligned.chars().count() <= EMBEDDED / 2 {
            return self.text(&code_block(&aligned), "\n");
        }
        let row = |cells: Vec<String>| cells.join("  ");
        let mut lines = vec![row(table.columns.iter().map(|column| one_line(&column.name)).collect())];
        lines.extend(table.rows.iter().map(|cells| row(cells.iter().map(|cell| one_line(&bellhop_core::plain::spans(cell))).collect())));
        self.text(&code_block(&lines.join("\n")), "\n");
    }

    fn image(&mut self, image: &Image) {
        let name = self.file_name(&image.name);
        if self.here.image.is_some() {
            self.next();
        }
        self.here.image = Some(format!("attachment://{name}"));
        let file = FilePart { name, content_type: image.content_type.clone(), bytes: Bytes::copy_from_slice(&image.bytes) };
        self.files.push((file, image.alt.clone()));
    }

    /// A name that can stand in an address and that no other file of the message has.
    fn file_name(&self, name: &str) -> String {
        let clean: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')).take(80).collect();
        let (stem, end) = clean.rsplit_once('.').unwrap_or((clean.as_str(), "png"));
        let stem = if stem.is_empty() { "picture" } else { stem };
        let taken = |name: &str| self.files.iter().any(|(file, _)| file.name == name);
        let mut found = format!("{stem}.{end}");
        let mut number = 2;
        while taken(&found) {
            found = format!("{stem}-{number}.{end}");
            number += 1;
        }
        found
    }

    fn form(&mut self, form: &Form) {
        let said: Vec<String> = form
            .inputs
            .iter()
            .filter_map(|input| Some(format!("**{}**: {}", escaped(&one_line(&input.label)), escaped(input.problem.as_deref()?))))
            .collect();
        if !said.is_empty() {
            self.text(&said.join("\n"), "\n\n");
        }
        let answers = form.inputs.iter().filter(|input| !input.value.is_empty()).map(|input| (input.id.clone(), vec![input.value.clone()]));
        let click = Click::Form { command: form.command.clone(), answers: answers.collect() };
        self.opening(&format!("Fill in {}\u{2026}", form.command), &click);
    }

    /// The message without any embed, where there is nothing but text.
    pub(super) fn sentence(mut self) -> Option<Message> {
        if !self.done.is_empty() || !self.here.fields.is_empty() || self.here.image.is_some() {
            return None;
        }
        let content = std::mem::take(&mut self.here.text);
        let content = if content.trim().is_empty() && self.buttons.is_empty() { "(nothing to show)".to_owned() } else { content };
        Some(Message { content, ..self.rest() })
    }

    pub(super) fn finish(mut self) -> Message {
        self.next();
        let tone = self.tone;
        let embeds: Vec<Value> = std::mem::take(&mut self.done).into_iter().filter_map(|part| part.embed(tone)).collect();
        // Only a message's own text notifies anyone.
        let mut content = self.mentions.iter().map(|id| format!("<@{id}>")).collect::<Vec<_>>().join(" ");
        if embeds.is_empty() && content.is_empty() && self.buttons.is_empty() {
            "(nothing to show)".clone_into(&mut content);
        }
        Message { content, embeds, ..self.rest() }
    }

    fn rest(self) -> Message {
        let components = self.rows();
        let mut mentions: Vec<String> = Vec::new();
        for one in self.mentions {
            if !mentions.contains(&one) {
                mentions.push(one);
            }
        }
        Message { components, mentions, files: self.files, kept: self.kept, ..Message::default() }
    }
}

impl Part {
    fn embed(self, tone: Tone) -> Option<Value> {
        let text = self.text.trim_end();
        if self.title.is_empty() && text.trim().is_empty() && self.fields.is_empty() && self.image.is_none() {
            return None;
        }
        let mut embed = CreateEmbed::new().colour(colour(tone));
        if !self.title.is_empty() {
            embed = embed.title(self.title);
        }
        if !text.trim().is_empty() {
            embed = embed.description(text);
        }
        for (name, value, inline) in self.fields {
            embed = embed.field(name, value, inline);
        }
        if let Some(image) = self.image {
            embed = embed.image(image);
        }
        // Plain data always serialises.
        Some(serde_json::to_value(embed).unwrap_or_default())
    }
}

/// What Discord counts of an embed.
pub(super) fn characters(embed: &Value) -> usize {
    let of = |value: Option<&Value>| value.and_then(Value::as_str).map_or(0, |text| text.chars().count());
    let fields = embed.get("fields").and_then(Value::as_array).into_iter().flatten();
    of(embed.get("title"))
        + of(embed.get("description"))
        + fields.map(|field| of(field.get("name")) + of(field.get("value"))).sum::<usize>()
}

/// Whether Discord takes an embed's parts.
pub(super) fn within(embed: &Value) -> bool {
    let of = |name: &str| embed.get(name).and_then(Value::as_str).map_or(0, |text| text.chars().count());
    of("title") <= TITLE && of("description") <= DESCRIPTION
}

fn mark(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "",
        Tone::Good => "\u{2705} ",
        Tone::Warning => "\u{26a0}\u{fe0f} ",
        Tone::Bad => "\u{274c} ",
    }
}

fn colour(tone: Tone) -> u32 {
    match tone {
        Tone::Neutral => 0x004f_5b93,
        Tone::Good => 0x002e_7d32,
        Tone::Warning => 0x00f9_a825,
        Tone::Bad => 0x00c6_2828,
    }
}

fn bar(progress: &Progress) -> String {
    let what = escaped(&visible(&progress.what));
    let figures = escaped(&progress.figures());
    match progress.percent() {
        Some(percent) => {
            let full = usize::from(percent) / 10;
            format!("{what}\n{}{} {percent} % \u{b7} {figures}", "\u{25b0}".repeat(full), "\u{25b1}".repeat(10 - full))
        }
        None => format!("{what}\n{figures}"),
    }
}
