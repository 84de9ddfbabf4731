//! A message as it is kept. Plain data; `book` keeps it and `render` shows it.

use bellhop_core::Timestamp;
use bellhop_core::card::Card;
use bellhop_core::ids::UserId;
use serde::{Deserialize, Serialize};

/// One message of a channel or thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Message {
    /// Sorts by time within the channel.
    pub id: String,
    pub from: Author,
    pub at: Timestamp,
    /// The one person who sees it, where it is not for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_for: Option<UserId>,
    pub body: Body,
    /// Counts changes, so that a button pressed on an older state of the card is noticed.
    #[serde(default)]
    pub revision: u32,
    /// Removed; kept so that the same delivery does not bring it back.
    #[serde(default)]
    pub gone: bool,
    /// The message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
}

impl Message {
    /// Whether this person may see it.
    pub fn shown_to(&self, person: &UserId) -> bool {
        self.only_for.as_ref().is_none_or(|only| only == person)
    }
}

/// Who said it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Author {
    Bot,
    Person(UserId),
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Body {
    /// What a person typed, and the files that went with it.
    Said {
        text: String,
        #[serde(default)]
        command: bool,
        #[serde(default)]
        files: Vec<Kept>,
    },
    /// What the bot shows.
    Card(Card),
    /// A file that the bot sent.
    File(Kept),
}

/// A file beside a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The name of its bytes on disk.
    pub id: String,
    pub name: String,
    pub content_type: String,
    pub size: u64,
    /// Whether the bytes stay; those given to a command go once it took them.
    #[serde(default)]
    pub stays: bool,
}

/// What changed, in the order in which it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Change {
    /// A message is new.
    Posted(String),
    /// A message changed or went.
    Revised(String),
    /// The list of channels changed.
    Channels,
}

/// What is known about the replies to a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replies {
    pub count: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}

/// A channel as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Room {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub topic: String,
    #[serde(default)]
    pub private: bool,
    #[serde(default)]
    pub archived: bool,
    /// Who is in, where it is private.
    #[serde(default)]
    pub members: Vec<UserId>,
}

impl Room {
    /// Whether this person may see it.
    pub fn open_to(&self, person: &UserId) -> bool {
        !self.private || self.members.contains(person)
    }
}
