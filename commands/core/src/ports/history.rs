//! What was said in a channel, as a platform tells it afterwards. What becomes of it is not known here.

use crate::address::UserRef;
use crate::call::Attachment;
use crate::card::Card;
use crate::clock::Timestamp;
use crate::ids::{MessageId, ThreadId};

/// A page of what was said; see [`super::ChatPlatform::history`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryPage {
    /// The messages.
    pub messages: Vec<PastMessage>,
    /// Where the next page begins, where there is one; opaque.
    pub next: Option<String>,
}

/// A message that was said.
#[derive(Clone, Debug, PartialEq)]
pub struct PastMessage {
    /// Its id, as the platform's own page would name it.
    pub id: MessageId,
    /// Who said it; `None` for the bot itself and for programs.
    pub from: Option<UserRef>,
    /// The name to show.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// What it says, as plain text.
    pub text: String,
    /// The card that it shows, where the platform keeps our cards.
    pub card: Option<Card>,
    /// The files in it, still at the platform: [`super::ChatPlatform::fetch`] brings their bytes.
    pub attachments: Vec<Attachment>,
    /// The thread that it is in or that answers to it are in, where the platform has threads.
    pub thread: Option<ThreadId>,
    /// How many replies its thread has, where it began one.
    pub replies: usize,
    /// When it was last changed, where it was.
    pub edited: Option<Timestamp>,
}
