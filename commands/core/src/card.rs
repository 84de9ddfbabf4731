//! A card: what the bot says, as structure. No markup strings: renderers escape, so hostile text stays text.

mod progress;

pub use progress::{Progress, ProgressUnit};

use crate::address::UserRef;
use crate::call::Invoke;
use crate::chart::Chart;
use crate::form::Form;
use crate::ids::{StoreName, VersionId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One answer or notice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// What it is about, on one line. May be empty for a plain sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Its colour and icon.
    #[serde(default)]
    pub tone: Tone,
    /// Its parts, in reading order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
}

/// What kind of news a card brings. Renderers show it by colour and by an icon or a word, never by colour alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// An answer.
    #[default]
    Neutral,
    /// It was done.
    Good,
    /// Look at this.
    Warning,
    /// Something is wrong.
    Bad,
}

/// A part of a card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Block {
    /// A paragraph.
    Text(Vec<Span>),
    /// Short facts, each with its name.
    Fields(Vec<Field>),
    /// Rows and columns.
    Table(Table),
    /// Text in a fixed-width face.
    Code(String),
    /// A picture.
    Image(Image),
    /// A chart, drawn at delivery as the platform can show it.
    Chart(Chart),
    /// A file to be shown as an upload where it fits, and as a link otherwise.
    File(FileBlock),
    /// How far a thing is.
    Progress(Progress),
    /// Questions to be answered.
    Form(Form),
    /// Buttons and links.
    Actions(Vec<Action>),
    /// A line across.
    Divider,
}

/// A run of text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    /// Just text; line breaks in it are line breaks.
    Plain(String),
    /// Stressed.
    Bold(String),
    /// Fixed width: a name, a command, an id.
    Code(String),
    /// A link that says where it leads.
    Link {
        /// What is shown.
        text: String,
        /// An `https`, `http` or `mailto` address; renderers show anything else as text.
        url: String,
    },
    /// A person who is to be notified. The only thing that ever notifies anyone.
    Mention {
        /// Who.
        user: UserRef,
        /// The name to show where the platform can't resolve the person.
        name: String,
    },
    /// A moment, shown in the reader's zone where the platform can.
    Time(crate::clock::Timestamp),
}

impl Span {
    /// The text of this span where nothing can be marked up.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Plain(text) | Self::Bold(text) | Self::Code(text) => text.clone(),
            Self::Link { text, url } if text == url => url.clone(),
            Self::Link { text, url } => format!("{text} ({url})"),
            Self::Mention { name, .. } => format!("@{name}"),
            Self::Time(at) => at.format("%Y-%m-%d %H:%M UTC").to_string(),
        }
    }
}

impl From<&str> for Span {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl From<String> for Span {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

/// A fact with its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Vec<Span>,
}

/// Rows and columns. Each row has one cell per column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// What the table is about, for readers who hear it.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The cells.
    pub rows: Vec<Vec<Vec<Span>>>,
}

/// A column's heading and side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The heading.
    pub name: String,
    /// True for numbers: set flush right.
    #[serde(default)]
    pub numeric: bool,
}

/// A picture and what it shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// What it shows, in words. Never empty.
    pub alt: String,
    /// A file name, for platforms that upload it.
    pub name: String,
    /// `image/png` or `image/svg+xml`.
    pub content_type: String,
    /// The bytes.
    #[serde(with = "base64_bytes")]
    pub bytes: Arc<[u8]>,
}

/// A file that is part of a card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileBlock {
    /// The name to show and to upload it under.
    pub name: String,
    /// Its type.
    pub content_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// Where its bytes are.
    pub source: FileSource,
}

/// Where a file's bytes are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileSource {
    /// In a configured store.
    Stored {
        /// The store.
        store: StoreName,
        /// The name there.
        name: String,
        /// The version, or the newest.
        version: Option<VersionId>,
    },
    /// Here: small things that the bot made itself, such as a table as CSV.
    Inline(#[serde(with = "base64_bytes")] Arc<[u8]>),
}

/// Something to click.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// What is written on it.
    pub label: String,
    /// Its weight.
    #[serde(default)]
    pub style: ActionStyle,
    /// What it does.
    pub does: Does,
}

/// What an action does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Does {
    /// Runs a command as the one who clicks, with that person's permissions.
    Invoke(Invoke),
    /// Opens an address.
    Open(String),
    /// Puts a command line into the message box, to be completed by the reader.
    Prefill(String),
}

/// The weight of an action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionStyle {
    /// One of several.
    #[default]
    Plain,
    /// The likely one.
    Primary,
    /// The one to think about.
    Danger,
}

impl Action {
    /// A button that runs a command.
    pub fn invoke(label: impl Into<String>, invoke: Invoke) -> Self {
        Self { label: label.into(), style: ActionStyle::Plain, does: Does::Invoke(invoke) }
    }

    /// A button that opens an address.
    pub fn open(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self { label: label.into(), style: ActionStyle::Plain, does: Does::Open(url.into()) }
    }

    /// A button that starts a command line for the reader to go on with.
    pub fn prefill(label: impl Into<String>, line: impl Into<String>) -> Self {
        Self { label: label.into(), style: ActionStyle::Plain, does: Does::Prefill(line.into()) }
    }

    /// The same with another weight.
    #[must_use]
    pub fn style(mut self, style: ActionStyle) -> Self {
        self.style = style;
        self
    }
}

impl Card {
    /// A card with a title.
    pub fn titled(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// A card that is one sentence.
    pub fn text(text: impl Into<String>) -> Self {
        Self::default().and_text(text)
    }

    /// The same in another tone.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// The same with one more block.
    #[must_use]
    pub fn block(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// The same with one more paragraph of plain text.
    #[must_use]
    pub fn and_text(self, text: impl Into<String>) -> Self {
        self.block(Block::Text(vec![Span::Plain(text.into())]))
    }

    /// The same with one more paragraph.
    #[must_use]
    pub fn and_spans(self, spans: Vec<Span>) -> Self {
        self.block(Block::Text(spans))
    }

    /// The same with facts, unless there are none.
    #[must_use]
    pub fn and_fields<N: Into<String>, V: Into<Span>>(self, fields: Vec<(N, V)>) -> Self {
        if fields.is_empty() {
            return self;
        }
        let fields = fields.into_iter().map(|(name, value)| Field { name: name.into(), value: vec![value.into()] }).collect();
        self.block(Block::Fields(fields))
    }

    /// The same with buttons, unless there are none.
    #[must_use]
    pub fn and_actions(self, actions: Vec<Action>) -> Self {
        if actions.is_empty() { self } else { self.block(Block::Actions(actions)) }
    }

    /// Every action of the card, in order.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.blocks.iter().flat_map(|block| match block {
            Block::Actions(actions) => actions.as_slice(),
            _ => &[],
        })
    }
}

mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer};
    use std::sync::Arc;

    pub fn serialize<S: Serializer>(bytes: &Arc<[u8]>, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<[u8]>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map(Arc::from).map_err(serde::de::Error::custom)
    }
}
