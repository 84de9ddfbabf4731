//! A card's blocks cut into blocks of which each fits by itself. Dealing them onto cards is left to `fit`.

use super::measure::{self, Limits, chars};
use crate::card::{Action, Block, Card, Field, FileBlock, Image, Progress, Span};
use crate::chart::Chart;
use crate::form::{Form, InputKind};
use crate::text::{cut, shorten};

/// The blocks so far, and what they have to keep.
pub(super) struct Pieces {
    pub blocks: Vec<Block>,
    pub limits: Limits,
    /// The most characters of all blocks of one card together.
    pub room: usize,
    /// The longest paragraph: the platform's, and never more than a card holds.
    pub text: usize,
    /// The card's title, which captions need not repeat and files are named after.
    pub title: String,
    /// How many tables became files.
    pub files: usize,
}

impl Pieces {
    pub fn of(card: &Card, limits: Limits, room: usize) -> Self {
        let mut pieces = Self { blocks: Vec::new(), limits, room, text: limits.text.min(room), title: card.title.clone(), files: 0 };
        for block in &card.blocks {
            pieces.push(block);
        }
        pieces
    }

    fn push(&mut self, block: &Block) {
        match block {
            Block::Text(spans) => self.text(spans.clone()),
            Block::Fields(fields) => self.fields(fields),
            Block::Table(table) => self.table(table),
            Block::Code(code) => self.code(code),
            Block::Image(image) => self.image(image),
            Block::Chart(chart) => self.chart(chart),
            Block::File(file) => self.blocks.push(Block::File(FileBlock { name: file_name(&file.name, self.room), ..file.clone() })),
            Block::Progress(progress) => self.progress(progress),
            Block::Form(form) => self.form(form),
            Block::Actions(actions) => self.actions(actions),
            Block::Divider => self.blocks.push(Block::Divider),
        }
    }

    pub fn text(&mut self, spans: Vec<Span>) {
        let mut paragraph = Paragraph { most: self.text, used: 0, spans: Vec::new(), done: Vec::new() };
        for span in spans {
            paragraph.push(span);
        }
        paragraph.end();
        self.blocks.extend(paragraph.done.into_iter().map(Block::Text));
    }

    pub fn code(&mut self, code: &str) {
        let mut rest = code;
        while !rest.is_empty() {
            let (head, tail) = cut(rest, self.text);
            self.blocks.push(Block::Code(head.to_owned()));
            rest = tail;
        }
    }

    fn fields(&mut self, fields: &[Field]) {
        let mut here: Vec<Field> = Vec::new();
        let mut used = 0;
        for field in fields {
            let takes = measure::field(field);
            let fits = self.limits.fields > 0 && takes <= self.text;
            if !here.is_empty() && (!fits || here.len() >= self.limits.fields || used + takes > self.room) {
                self.blocks.push(Block::Fields(std::mem::take(&mut here)));
                used = 0;
            }
            if fits {
                used += takes;
                here.push(field.clone());
            } else {
                // A fact that is a text of its own: its name stressed, and the rest after it.
                let mut spans = vec![Span::Bold(field.name.clone()), Span::Plain(": ".into())];
                spans.extend(field.value.iter().cloned());
                self.text(spans);
            }
        }
        if !here.is_empty() {
            self.blocks.push(Block::Fields(here));
        }
    }

    fn image(&mut self, image: &Image) {
        let mut image = image.clone();
        let alt = described(&mut image.alt, self.text);
        self.blocks.push(Block::Image(image));
        self.say(alt);
    }

    fn chart(&mut self, chart: &Chart) {
        let mut chart = chart.clone();
        let title = if chars(&chart.title) > self.room / 2 { described(&mut chart.title, self.room / 2) } else { None };
        let alt = described(&mut chart.alt, self.text.min(self.room - chars(&chart.title)));
        self.say(title);
        self.blocks.push(Block::Chart(chart));
        self.say(alt);
    }

    fn progress(&mut self, progress: &Progress) {
        let figures = chars(&progress.figures());
        if figures > self.room {
            self.text(vec![Span::Plain(format!("{}: {}", progress.what, progress.figures()))]);
            return;
        }
        let mut progress = progress.clone();
        let what = described(&mut progress.what, self.text.min(self.room - figures));
        self.say(what);
        self.blocks.push(Block::Progress(progress));
    }

    pub fn say(&mut self, text: Option<String>) {
        if let Some(text) = text {
            self.text(vec![Span::Plain(text)]);
        }
    }

    fn actions(&mut self, actions: &[Action]) {
        let mut here: Vec<Action> = Vec::new();
        let mut used = 0;
        for action in actions {
            let action = Action { label: shorten(&action.label, self.limits.label.min(self.room)), ..action.clone() };
            let takes = chars(&action.label);
            if !here.is_empty() && (here.len() >= self.limits.actions || used + takes > self.room) {
                self.blocks.push(Block::Actions(std::mem::take(&mut here)));
                used = 0;
            }
            used += takes;
            here.push(action);
        }
        if !here.is_empty() {
            self.blocks.push(Block::Actions(here));
        }
    }

    fn form(&mut self, form: &Form) {
        let short = Form { submit: shorten(&form.submit, self.limits.label.min(self.room)), ..form.clone() };
        let block = Block::Form(short);
        if self.limits.forms && measure::block(&block) <= self.room {
            self.blocks.push(block);
        } else {
            self.text(questions(form));
        }
    }
}

/// Shortens a description to `most`; what it was in full, where that says more.
fn described(text: &mut String, most: usize) -> Option<String> {
    let short = shorten(text, most);
    (short != *text).then(|| std::mem::replace(text, short))
}

/// A form in words: the command to be written, and what it wants to know.
fn questions(form: &Form) -> Vec<Span> {
    let mut spans = vec!["Write ".into(), Span::Code(form.command.clone()), " with:".into()];
    for input in &form.inputs {
        spans.push("\n• ".into());
        spans.push(Span::Bold(input.label.clone()));
        let mut rest = String::new();
        rest.push_str(if input.required { " (required)" } else { " (may be left out)" });
        if !input.hint.is_empty() {
            rest.push_str(": ");
            rest.push_str(&input.hint);
        }
        match &input.kind {
            InputKind::Choice(choices) => {
                rest.push_str("; one of ");
                rest.push_str(&choices.join(", "));
            }
            InputKind::Lines => rest.push_str("; several may be given"),
            InputKind::Flag => rest.push_str("; yes or no"),
            InputKind::Text | InputKind::Search => {}
        }
        spans.push(Span::Plain(rest));
        if !input.value.is_empty() {
            spans.extend([" so far ".into(), Span::Code(input.value.clone())]);
        }
        if let Some(problem) = &input.problem {
            spans.extend(["\n  ".into(), Span::Plain(problem.clone())]);
        }
    }
    spans
}

/// A file's name in at most `most` characters, its ending kept where there is room for it.
pub(super) fn file_name(name: &str, most: usize) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) if chars(name) > most && chars(ending) + 3 <= most && chars(ending) <= 12 && !ending.contains('/') => {
            format!("{}.{ending}", shorten(stem, most - chars(ending) - 1))
        }
        _ => shorten(name, most),
    }
}

/// A text being dealt into paragraphs of at most `most` characters.
struct Paragraph {
    most: usize,
    used: usize,
    spans: Vec<Span>,
    done: Vec<Vec<Span>>,
}

impl Paragraph {
    fn end(&mut self) {
        if !self.spans.is_empty() {
            self.done.push(std::mem::take(&mut self.spans));
            self.used = 0;
        }
    }

    fn push(&mut self, span: Span) {
        let takes = chars(&span.text());
        if takes <= self.most - self.used {
            self.used += takes;
            self.spans.push(span);
            return;
        }
        match span {
            Span::Plain(text) => self.split(&text, Span::Plain),
            Span::Bold(text) => self.split(&text, Span::Bold),
            Span::Code(text) => self.split(&text, Span::Code),
            // What is one thing is kept whole where a paragraph can hold it.
            whole if takes <= self.most => {
                self.end();
                self.push(whole);
            }
            Span::Link { text, url } if chars(&url) <= self.most && text != url => {
                self.split(&format!("{text} "), Span::Plain);
                self.push(Span::Link { text: url.clone(), url });
            }
            Span::Mention { user, name } => {
                self.end();
                let name = shorten(&name, self.most - 1);
                self.push(Span::Mention { user, name });
            }
            long => self.split(&long.text(), Span::Plain),
        }
    }

    fn split(&mut self, text: &str, as_span: impl Fn(String) -> Span) {
        let mut rest = text;
        while !rest.is_empty() {
            let room = self.most - self.used;
            let (head, tail) = cut(rest, room);
            let inside_word = !tail.is_empty() && !head.ends_with(char::is_whitespace);
            // Rather a short paragraph than a word in two.
            if room == 0 || (inside_word && self.used > 0 && room < self.most / 4) {
                self.end();
                continue;
            }
            self.used += chars(head);
            self.spans.push(as_span(head.to_owned()));
            rest = tail;
            if !rest.is_empty() {
                self.end();
            }
        }
    }
}
