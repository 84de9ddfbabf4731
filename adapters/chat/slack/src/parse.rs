//! What Slack delivers, understood: which deliveries are something said, which need an answer at once, which only say that
//! something changed. Pure: it asks nothing of Slack and keeps nothing. It is lenient, since Slack adds members to its
//! payloads at any time and leaves others out: only what a delivery makes no sense without is asked for.
//!
//! <https://docs.slack.dev/interactivity/implementing-slash-commands>,
//! <https://docs.slack.dev/reference/interaction-payloads>, <https://docs.slack.dev/reference/events>

mod command;
mod event;
mod fields;
mod file;
mod interaction;
mod text;
mod view;

pub use text::unescape;

pub(crate) use fields::{list, text as field};
pub(crate) use file::{attachment, attachments};
pub(crate) use text::mentions;
pub(crate) use view::ARGUMENT;

use crate::handle::ReplyTo;
use crate::interact::{Interaction, Origin, Wants};
use bellhop_core::address::{Address, UserRef};
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::{ChannelId, ChatName, EventKey, ThreadId, UserId, WorkspaceId};
use bellhop_core::ports::Incoming;
use serde_json::Value;

/// By which door a delivery came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A slash command: an object of the form's fields.
    Command,
    /// A click, a modal, a shortcut, a request for options: the decoded `payload`.
    Interaction,
    /// An event: the whole `event_callback` around it.
    Event,
}

/// What a delivery is.
#[derive(Debug)]
pub enum Heard {
    /// Something said: it goes into the inbox, and the acknowledgement has no body.
    Accept(Box<Incoming>),
    /// Something that needs an answer in the acknowledgement, or a call that can't wait.
    Interact(Box<Interaction>),
    /// Something changed at Slack.
    Lifecycle(Lifecycle),
    /// Nothing for this bot: it is acknowledged.
    Nothing,
}

/// What changed at Slack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// The app was removed, or its bot token was revoked: the installation is over.
    Ended {
        /// The workspace, and the organisation where the app was installed there.
        installations: Vec<WorkspaceId>,
        /// When: events come in any order, and it may have been installed again since.
        at: Timestamp,
    },
    /// People or channels there changed: what is remembered of them may be wrong.
    Changed {
        /// Where.
        workspace: WorkspaceId,
        /// Whether it is about people; about channels otherwise.
        people: bool,
    },
}

/// A delivery that makes no sense: a member is missing that Slack always sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Where in the payload.
    pub member: &'static str,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is missing from what Slack sent, or is of another kind", self.member)
    }
}

impl std::error::Error for Unreadable {}

/// Reads a delivery to the connection `chat` that arrived `now`. What isn't known is `Nothing`: Slack's new kinds of
/// deliveries are acknowledged like all others.
///
/// # Errors
/// What is missing from a delivery of a known kind.
pub fn delivery(kind: Kind, payload: &Value, chat: &ChatName, now: Timestamp) -> Result<Heard, Unreadable> {
    let frame = Frame { chat, now };
    match kind {
        Kind::Command => command::heard(payload, &frame),
        Kind::Interaction => interaction::heard(payload, &frame),
        Kind::Event => event::heard(payload, &frame),
    }
}

/// What every delivery is read with.
struct Frame<'a> {
    chat: &'a ChatName,
    now: Timestamp,
}

impl Frame<'_> {
    fn at(&self, workspace: &str, channel: &str, thread: Option<&str>) -> Address {
        Address {
            chat: self.chat.clone(),
            workspace: WorkspaceId::from(workspace),
            channel: ChannelId::from(channel),
            thread: thread.map(ThreadId::from),
        }
    }

    /// Who said something, and where. The name is the id where the delivery gives none.
    fn origin(&self, key: String, user: &str, name: Option<&str>, at: Address, reply: Option<ReplyTo>) -> Origin {
        Origin {
            key: EventKey::new(key),
            from: UserRef { chat: self.chat.clone(), workspace: at.workspace.clone(), user: UserId::from(user) },
            name: name.unwrap_or(user).to_owned(),
            at,
            reply,
            received: self.now,
        }
    }
}

impl Heard {
    fn interact(origin: Origin, wants: Wants) -> Self {
        Self::Interact(Box::new(Interaction { origin, wants }))
    }
}

#[cfg(test)]
pub(crate) mod tests;
