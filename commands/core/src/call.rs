//! Who asked what, where and when; and the answer. Facts only: the services a command uses are given to it when it is
//! built.

use crate::access::Access;
use crate::address::{Address, UserRef};
use crate::card::{Card, Progress};
use crate::clock::Timestamp;
use crate::command::Command;
use crate::ids::CallId;
use crate::ports::Stop;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One call of a command.
#[derive(Clone)]
pub struct Call {
    /// Its name, the same however often it is tried: effects that must happen once are keyed by it.
    pub id: CallId,
    /// Who asks.
    pub caller: Caller,
    /// Where it was asked.
    pub at: Address,
    /// When it was asked.
    pub now: Timestamp,
    /// Files that came with it.
    pub attachments: Vec<Attachment>,
    /// Where to say how far a long thing is. Saying it is cheap and never fails.
    pub progress: Arc<dyn Fn(Progress) + Send + Sync>,
    /// Ends when someone cancels the call. A command that works for long looks at it, brings what it does to a state that can be
    /// gone on from, and says how far it came; one that doesn't look is ended all the same a few seconds later.
    pub stop: Stop,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("id", &self.id).field("caller", &self.caller).field("at", &self.at).finish_non_exhaustive()
    }
}

/// A person as the bot knows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Caller {
    /// Who.
    pub user: UserRef,
    /// The name to show.
    pub name: String,
    /// What they may do.
    pub access: Access,
    /// Their time zone by its IANA name, or `UTC` where the platform doesn't say.
    pub zone: chrono_tz::Tz,
}

/// A file that came with a message, still at the platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// The platform's id of the upload: one upload that several events report has the same.
    pub id: String,
    /// Its name, as the sender's machine called it.
    pub name: String,
    /// Its type, as the sender said.
    pub content_type: String,
    /// Its length in bytes, where the platform says.
    pub size: Option<u64>,
    /// What the platform's adapter needs to fetch it; opaque to everyone else, and it may be secret.
    pub handle: Handle,
}

/// Something only the adapter understands: where to fetch a file, where to answer. May hold a token: its `Debug` shows
/// nothing.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Handle(pub serde_json::Value);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle(..)")
    }
}

/// A command with its arguments, as buttons, schedules and aliases carry it. Made from the command's type, or read from
/// text by the registry, which checks it in the same way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invoke {
    /// The command's name, `file list`.
    pub command: String,
    /// Its arguments, as the command's `Args` serialise.
    pub args: serde_json::Value,
}

impl Invoke {
    /// A call of the command `C` with these arguments.
    #[must_use]
    pub fn of<C: Command>(args: &C::Args) -> Self {
        // Arguments are plain data (strings, numbers, lists): their serialisation has no way to fail.
        Self { command: C::NAME.to_owned(), args: serde_json::to_value(args).unwrap_or_default() }
    }
}

/// Who sees an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Everyone in the channel.
    #[default]
    Everyone,
    /// Only the one who asked, where the platform can do that; everyone otherwise.
    Caller,
}

/// A command's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// What is said.
    pub card: Card,
    /// Who sees it.
    pub audience: Audience,
    /// The call whose answer, in the same place, this one takes the place of: a page that is turned rather than a new message.
    /// Only answers that everyone sees can be turned.
    #[serde(default)]
    pub turns: Option<CallId>,
    /// Set where the card tells that what was asked for was not done after all, though the command itself ran: scripts then see a
    /// failure, as people do.
    #[serde(default)]
    pub undone: bool,
}

impl Reply {
    /// An answer that everyone sees.
    #[must_use]
    pub fn new(card: Card) -> Self {
        Self { card, audience: Audience::Everyone, turns: None, undone: false }
    }

    /// An answer for the one who asked.
    #[must_use]
    pub fn private(card: Card) -> Self {
        Self { card, audience: Audience::Caller, turns: None, undone: false }
    }
}

impl From<Card> for Reply {
    fn from(card: Card) -> Self {
        Self::new(card)
    }
}
