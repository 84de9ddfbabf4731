//! Cards and forms as Adaptive Cards 1.5. Pure: nothing is sent or kept here, and nothing is asked of Teams.
//!
//! A `TextBlock` and a `Fact` are read as markdown, which has no sure way to escape its marks, and some `{{...}}` in them is
//! worked out. So they are used only for text in which nothing could be taken for a mark; all other text is runs of a
//! `RichTextBlock`, where a run of text is a run of text whatever it holds. Mentions are known in `TextBlock`s only: a paragraph
//! with one is written with its marks escaped, and only a typed mention has the entity that makes it one.
//!
//! <https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format>,
//! <https://adaptivecards.io/explorer/>

mod actions;
mod blocks;
#[cfg(test)]
mod cases;
mod forms;
mod mentions;
mod table;
mod text;

pub(crate) use forms::{DATASET, form_card, line_card};
pub(crate) use mentions::Named;

use crate::click::{Click, Kept, MEMBER};
use bellhop_core::address::Address;
use bellhop_core::capabilities::{Capabilities, Charts, Lookup, TableLimits};
use bellhop_core::card::{Block, Card, Table};
use bellhop_core::text::{one_line, shorten, visible};
use mentions::Mentions;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The type of an attachment that is a card.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.microsoft.card.adaptive";
/// The most bytes of a message, counted as UTF-16. Teams takes about 100 KB and asks to stay under 80
/// (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages>).
pub(crate) const LARGEST: usize = 80_000;
/// Pixels across a chart: Teams shows none larger.
const PICTURE: u32 = 1024;
/// The most characters of what is said in a notification.
const SUMMARY: usize = 250;
/// The most characters of what is said by a client that shows no such cards.
const FALLBACK: usize = 1000;

/// How much of a card is drawn. Each is smaller than the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Everything.
    Whole,
    /// Tables as text, buttons without what stands in for them on old clients.
    Plainer,
    /// The beginning of its words, and its buttons.
    Words,
}

/// What a card is drawn with.
pub(crate) struct Scene<'a> {
    /// Where it is shown.
    pub at: &'a Address,
    /// How Teams calls the people whom it mentions, by the id under which the house knows them.
    pub people: &'a HashMap<String, Named>,
    /// What stands before a picture's key in its address; without, pictures are described.
    pub pictures: Option<&'a str>,
    /// A name for this card, from which its pictures' keys are made.
    pub key: &'a str,
    /// Whether its newest state can be asked for.
    pub refresh: bool,
}

/// A picture that has to be kept before the card with it is sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    pub key: String,
    pub content_type: String,
    pub bytes: Arc<[u8]>,
}

/// A card as Teams takes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    /// The Adaptive Card.
    pub card: Value,
    /// What is said in a notification.
    pub summary: String,
    /// What has to be kept before it is sent.
    pub kept: Vec<Kept>,
    /// And which pictures.
    pub pictures: Vec<Picture>,
}

impl Message {
    /// The activity that shows it.
    pub fn activity(&self) -> Value {
        json!({
            "type": "message",
            "summary": self.summary,
            "attachments": [{ "contentType": CONTENT_TYPE, "content": self.card }],
        })
    }
}

/// What Teams shows and does, with room for what rendering adds.
pub(crate) fn capabilities(upload: u64) -> Capabilities {
    Capabilities {
        blocks: 40,
        text: 4000,
        title: 200,
        message: 10_000,
        fields: 20,
        actions: 15,
        label: 60,
        table: Some(TableLimits { rows: 40, columns: 10, text: 5000, each: 2 }),
        charts: Charts::PngWithin(PICTURE),
        images: true,
        upload,
        stored_files: false,
        edits: true,
        private: true,
        forms: true,
        threads: true,
        lookup: Lookup::None,
        pause: Duration::ZERO,
    }
}

/// How many bytes an activity takes, as Teams counts them.
pub(crate) fn size(activity: &Value) -> usize {
    activity.to_string().encode_utf16().count() * 2
}

/// A card as a message that keeps the size, as whole as it can be.
pub(crate) fn message(card: &Card, scene: &Scene<'_>, largest: usize) -> Message {
    for look in [Look::Whole, Look::Plainer] {
        let drawn = drawn(card, scene, look);
        if size(&drawn.activity()) <= largest {
            return drawn;
        }
    }
    drawn(card, scene, Look::Words)
}

/// The same with less in it, for when Teams finds the other too large.
pub(crate) fn smaller(card: &Card, scene: &Scene<'_>) -> Message {
    drawn(card, scene, Look::Words)
}

fn drawn(card: &Card, scene: &Scene<'_>, look: Look) -> Message {
    let plain = fallback(card);
    let mut sketch = Sketch { scene, look, body: Vec::new(), kept: Vec::new(), pictures: Vec::new(), mentions: Mentions::new(card, scene) };
    sketch.card(card, &plain);
    let mut content = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5",
        "fallbackText": shorten(&plain, FALLBACK),
        "body": sketch.body,
        "msteams": { "width": "Full" },
    });
    let entities = sketch.mentions.entities();
    if !entities.is_empty() {
        content["msteams"]["entities"] = Value::Array(entities);
    }
    if scene.refresh {
        let (data, _) = Click::Refresh.carried();
        content["refresh"] =
            json!({ "action": { "type": "Action.Execute", "title": "Refresh", "verb": "refresh", "data": { MEMBER: data } } });
    }
    let said = if card.title.trim().is_empty() { plain.as_str() } else { card.title.as_str() };
    Message { card: content, summary: shorten(one_line(said).trim(), SUMMARY), kept: sketch.kept, pictures: sketch.pictures }
}

/// The card as text.
fn fallback(card: &Card) -> String {
    let mut card = card.clone();
    for block in &mut card.blocks {
        // Only the beginning can be shown; aligning all of a large table for it would be work for nothing.
        if let Block::Table(Table { rows, .. }) = block {
            rows.truncate(20);
            rows.iter_mut().flatten().for_each(|cell| *cell = vec![shorten(&bellhop_core::plain::spans(cell), 60).into()]);
        }
    }
    let text = bellhop_core::plain::card(&card, &actions::line);
    let text = visible(&text);
    if text.trim().is_empty() { "(nothing to show)".to_owned() } else { text.trim_end().to_owned() }
}

/// A card being drawn.
struct Sketch<'a> {
    scene: &'a Scene<'a>,
    look: Look,
    body: Vec<Value>,
    kept: Vec<Kept>,
    pictures: Vec<Picture>,
    mentions: Mentions<'a>,
}
