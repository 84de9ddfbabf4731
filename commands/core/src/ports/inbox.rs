//! Where chat platforms put what people said.

use super::PortResult;
use crate::address::{Address, UserRef};
use crate::call::{Attachment, Handle, Invoke};
use crate::clock::Timestamp;
use crate::command::Suggestion;
use crate::form::Answers;
use crate::ids::EventKey;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Something a person said or clicked, as a platform's adapter understood it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Incoming {
    /// The platform's own id of the event; the same key from the same chat is the same event.
    pub key: EventKey,
    /// Who.
    pub from: UserRef,
    /// The name to show.
    pub name: String,
    /// Their time zone, where the platform says.
    pub zone: Option<chrono_tz::Tz>,
    /// Where.
    pub at: Address,
    /// What.
    pub said: Said,
    /// Files that came with it.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// The groups that the person is in by now, by the platform's own identifiers, where the event says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// What the adapter needs to answer this very event, where that differs from posting (a response address, a token).
    #[serde(default)]
    pub reply: Option<Handle>,
    /// When it arrived.
    pub received: Timestamp,
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Said {
    /// A command line, without a leading slash or the bot's name.
    Line(String),
    /// A button.
    Invoke(Invoke),
    /// A form that was filled in.
    Form {
        /// The command it completes.
        command: String,
        /// The answers.
        answers: Answers,
    },
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is kept, and will be run.
    New,
    /// It was accepted before: nothing more happens.
    Seen,
}

/// Takes what was said.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Keeps the event durably, and returns when it would survive a crash; only then may the platform be told that it
    /// arrived. The same key from the same chat is kept once.
    async fn accept(&self, incoming: Incoming) -> PortResult<Accepted>;
}

/// What could be typed next.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Completion {
    /// How many bytes at the line's end the suggestion replaces.
    pub replaces: usize,
    /// What may stand there, best first.
    pub suggestions: Vec<Suggestion>,
    /// The grammar of the command that is being typed, or empty.
    pub usage: String,
    /// What the command does, or empty.
    pub summary: String,
}

/// Completes a line while it is typed: groups, verbs, options, and values from the services themselves.
#[async_trait]
pub trait Completer: Send + Sync {
    /// Proposals for `line`, of which everything stands before the cursor.
    async fn complete(&self, from: &UserRef, at: &Address, line: &str) -> Completion;

    /// Values that one argument of a command may have and that fit what is `typed`, best first: for forms whose inputs
    /// propose them ([`crate::form::InputKind::Search`]). The values stand as they are, not quoted for a line. Empty
    /// where there are none, where nobody may know them, or where they don't come in time.
    async fn choices(&self, from: &UserRef, at: &Address, command: &str, argument: &str, typed: &str) -> Vec<Suggestion>;
}
