//! Cards and forms as Discord's messages and modals. Pure: nothing is sent or kept here, and nothing is asked of Discord.
//!
//! A plain sentence is the message's own text; everything else is embeds with a colour and an icon. Text is escaped, so that hostile
//! text stays text; people are notified by typed mentions only, which are named one by one in `allowed_mentions`, whose `parse` is
//! always empty. Limits are Discord's documented ones; [`capabilities`] asks for cards small enough that what they become mostly stays
//! within all of them, and what doesn't comes as a file.
//!
//! <https://docs.discord.com/developers/resources/message>, <https://docs.discord.com/developers/components/reference>

mod actions;
mod embeds;
mod modal;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use modal::{ARGUMENT, FILES, LINE, form_modal, line_modal};

use crate::click::Kept;
use crate::wire::FilePart;
use bellhop_core::address::Address;
use bellhop_core::call::Invoke;
use bellhop_core::capabilities::{Capabilities, Charts, Lookup, TableLimits};
use bellhop_core::card::{Block, Card, Span, Tone};
use bellhop_core::text::{one_line, shorten, visible};
use embeds::Sketch;
use serde_json::{Value, json};
use std::time::Duration;

/// The most characters of a message's own text.
pub(crate) const CONTENT: usize = 2000;
/// The most characters of a message's embeds together.
pub(crate) const EMBEDDED: usize = 6000;
/// The most embeds of a message.
pub(crate) const EMBEDS: usize = 10;
/// The most files of a message.
const ATTACHMENTS: usize = 10;
/// The most characters of a file's description.
const ALT: usize = 1024;
/// How much of a card that is too long is shown above the file that has the whole.
const BEGINNING: usize = 1200;

/// What Discord shows and does, with room for what escaping adds.
pub(crate) fn capabilities(upload: u64) -> Capabilities {
    Capabilities {
        blocks: 10,
        text: 2000,
        title: 120,
        message: 3500,
        fields: 25,
        actions: 25,
        label: 80,
        table: Some(TableLimits { rows: 30, columns: 8, text: 1500, each: 3 }),
        charts: Charts::Png,
        images: true,
        upload,
        stored_files: false,
        edits: true,
        private: true,
        forms: true,
        threads: true,
        lookup: Lookup::ByKey,
        pause: Duration::ZERO,
    }
}

/// A message as Discord takes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Message {
    /// Its own text.
    pub(crate) content: String,
    /// Its embeds.
    pub(crate) embeds: Vec<Value>,
    /// Its rows of buttons and menus.
    pub(crate) components: Vec<Value>,
    /// The people whom it notifies.
    pub(crate) mentions: Vec<String>,
    /// Files in it, with what they show.
    pub(crate) files: Vec<(FilePart, String)>,
    /// What has to be kept before it is sent.
    pub(crate) kept: Vec<Kept>,
}

impl Message {
    /// The JSON of it, for a new message and for a change alike: everything is said, so that nothing old stays.
    pub(crate) fn body(&self) -> Value {
        let mut allowed = json!({ "parse": [] });
        if !self.mentions.is_empty() {
            allowed["users"] = json!(self.mentions);
        }
        let mut body = json!({
            "content": self.content,
            "embeds": self.embeds,
            "components": self.components,
            "allowed_mentions": allowed,
        });
        if !self.files.is_empty() {
            body["attachments"] = self.attachments();
        }
        body
    }

    fn attachments(&self) -> Value {
        let each = |(at, (file, alt)): (usize, &(FilePart, String))| {
            let mut said = json!({ "id": at, "filename": file.name });
            if !alt.is_empty() {
                said["description"] = json!(shorten(&visible(alt), ALT));
            }
            said
        };
        self.files.iter().enumerate().map(each).collect()
    }

    /// The JSON of a change: files that are no longer in it go.
    pub(crate) fn change(&self) -> Value {
        let mut body = self.body();
        body["attachments"] = self.attachments();
        body
    }

    /// Its files, as they are sent.
    pub(crate) fn parts(&self) -> Vec<FilePart> {
        self.files.iter().map(|(file, _)| file.clone()).collect()
    }
}

/// A card as a message; mentions of people of this chat notify them.
pub(crate) fn message(card: &Card, at: &Address) -> Message {
    let whole = drawn(card, at);
    if within(&whole) { whole } else { as_file(card, at) }
}

fn drawn(card: &Card, at: &Address) -> Message {
    if let Some(plain) = sentence(card, at) {
        return plain;
    }
    let mut sketch = Sketch::new(at, card.tone);
    sketch.card(card);
    sketch.finish()
}

/// A card that is nothing but sentences, with buttons perhaps: the message's own text, which is found by searching and shown in
/// notifications. Links would bring previews, and are left to embeds.
fn sentence(card: &Card, at: &Address) -> Option<Message> {
    let linkless = |spans: &[Span]| !spans.iter().any(|span| matches!(span, Span::Link { .. }));
    let simple = card.title.is_empty()
        && card.tone == Tone::Neutral
        && card.blocks.iter().all(|block| match block {
            Block::Text(spans) => linkless(spans),
            Block::Code(_) | Block::Actions(_) => true,
            _ => false,
        });
    if !simple {
        return None;
    }
    let mut sketch = Sketch::new(at, card.tone);
    sketch.card(card);
    sketch.sentence().filter(|message| message.content.chars().count() <= CONTENT)
}

/// Whether Discord takes it.
fn within(message: &Message) -> bool {
    message.content.chars().count() <= CONTENT
        && message.embeds.len() <= EMBEDS
        && message.embeds.iter().map(embeds::characters).sum::<usize>() <= EMBEDDED
        && message.embeds.iter().all(embeds::within)
        && message.components.len() <= 5
        && message.files.len() <= ATTACHMENTS
}

/// A card that has too much text for a message once it is written: its beginning, and the whole in a file. Nothing that can be clicked
/// is lost.
fn as_file(card: &Card, at: &Address) -> Message {
    let text = bellhop_core::plain::card(card, &line);
    let mut blocks = vec![
        Block::Text(vec![shorten(&text, BEGINNING).into()]),
        Block::Text(vec!["This is only the beginning; the attached file has the whole.".into()]),
    ];
    blocks.extend(card.blocks.iter().filter(|block| matches!(block, Block::Actions(_) | Block::Form(_))).cloned());
    let mut message = drawn(&Card { title: shorten(&card.title, 100), tone: card.tone, blocks }, at);
    let file = FilePart { name: "message.txt".into(), content_type: "text/plain; charset=utf-8".into(), bytes: text.into_bytes().into() };
    message.files = vec![(file, String::new())];
    message
}

/// What runs, for people: the command with its arguments by name.
fn line(invoke: &Invoke) -> String {
    let answers = bellhop_core::grammar::answers(invoke);
    let given: Vec<String> = answers.iter().map(|(id, values)| format!("{id}: {}", values.join(", "))).collect();
    one_line(&if given.is_empty() { invoke.command.clone() } else { format!("{} ({})", invoke.command, given.join("; ")) })
}
