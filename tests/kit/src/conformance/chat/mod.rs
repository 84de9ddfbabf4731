//! The suite of [`ChatPlatform`] and [`Channels`](bellhop_core::ports::Channels).
//!
//! What a message looks like is the platform's business; the suite judges by what a reader sees, which the subject tells
//! through [`Subject::observe`]. That a platform's own events reach the inbox is tested by each adapter on its fixtures.

mod channels;
mod delivery;
mod files;
mod history;
mod reading;

use super::{Case, Report, cases, run};
use bellhop_core::call::{Attachment, Audience};
use bellhop_core::ids::MessageId;
use bellhop_core::ports::{ChatPlatform, Post};
use bellhop_core::{Address, Card, UserRef};
use futures::future::BoxFuture;
use std::future::Future;
use std::sync::Arc;

/// A message as a reader sees it, markup resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The platform's id of it.
    pub id: String,
    /// Every word that is shown, in reading order: title, paragraphs, facts, cells, labels, names of files.
    pub text: String,
    /// Where its links lead, buttons that open an address included.
    pub links: Vec<String>,
    /// The labels of its buttons.
    pub actions: Vec<String>,
    /// The ids of the people whom it notifies.
    pub notified: Vec<String>,
    /// The names and bytes of the files that come with it.
    pub files: Vec<(String, Vec<u8>)>,
}

/// Tells what a person sees in a place: the bot's messages, oldest first.
pub type Observe = Arc<dyn Fn(Address, UserRef) -> BoxFuture<'static, Vec<Seen>> + Send + Sync>;

/// Makes a person send a file with this name and content to the place; returns it as the adapter reported it.
pub type Attach = Arc<dyn Fn(Address, String, Vec<u8>) -> BoxFuture<'static, Attachment> + Send + Sync>;

/// A platform under judgement, with a place in it that is the suite's own.
pub struct Subject {
    /// The platform.
    pub platform: Arc<dyn ChatPlatform>,
    /// An empty channel where the bot may post.
    pub channel: Address,
    /// The channel's name.
    pub channel_name: String,
    /// A person who is in the channel.
    pub person: UserRef,
    /// The name by which [`ChatPlatform::locate`] finds that person.
    pub person_name: String,
    /// Another one who is in it too.
    pub other: UserRef,
    /// What a person sees.
    pub observe: Observe,
    /// How a person sends a file; `None` where the subject can't play one.
    pub attach: Option<Attach>,
}

/// Tries every sentence on platforms that `subject` makes, a fresh channel for each.
///
/// # Panics
/// With the report, when a sentence is broken.
pub async fn suite<F: Future<Output = Subject>>(subject: impl FnMut() -> F) {
    report(subject).await.assert();
}

/// The same, and returns the report.
pub async fn report<F: Future<Output = Subject>>(subject: impl FnMut() -> F) -> Report {
    run("ChatPlatform", &list(), subject).await
}

pub(crate) fn list() -> Vec<Case<Subject>> {
    cases! {
        "What it can show and do." => delivery::capabilities,
        "Announcing the same list again changes nothing there." => delivery::announce,
        "Listens until told to stop, for platforms that are listened to rather than calling us." => delivery::listen,
        "Posts a message and returns its id." => delivery::post,
        "A failure says whether the message may have been posted all the same (`maybe_done`)." => delivery::failure,
        "Posting under a key that was posted already shows no second message where the platform has any means for it ([`Capabilities::lookup`])." => delivery::same_key,
        "Changes a posted message into this one." => delivery::revise,
        "Changing it twice into the same is harmless." => delivery::revise_twice,
        "`NotFound` when the message is gone." => delivery::revise_missing,
        "Removes a message." => delivery::retract,
        "Removing it twice is harmless." => delivery::retract_twice,
        "The message that was posted under this key, if any." => delivery::find,
        "With [`crate::capabilities::Lookup::ByKey`] the answer is certain once the time-out of the posting request has passed." => delivery::find_at_once,
        "Only the one who asked, where the platform can do that; everyone otherwise." => reading::private,
        "No markup strings: renderers escape, so hostile text stays text." => reading::hostile_text,
        "An `https`, `http` or `mailto` address; renderers show anything else as text." => reading::links,
        "The only thing that ever notifies anyone." => reading::mentions,
        "The bytes of a file that came with a message." => files::fetch,
        "Uploads a file as a message of its own, streaming." => files::upload,
        "The same key shows no second file where the platform has any means for it." => files::upload_same_key,
        "What was said in a place, at most `limit` (at least 1) messages, from where `from` says: in a channel the newest first and without the replies in threads, in a thread the replies alone, the oldest first." => history::order,
        "Following `next` from page to page gives every message once; what only some people see is left out." => history::once,
        "`NotFound` where there is no such place, `Unsupported` where the platform can't be read." => history::nowhere,
        "Finds a channel by its name or id (`direct` false), or the conversation with a person (`direct` true), in the workspace named or in the only one." => channels::locate,
        "`None` when there is none of that name." => channels::locate_unknown,
        "Every channel the bot can see, by name." => channels::list,
        "Makes a channel." => channels::create,
        "Where a person has to bring the bot into a private one, posting there is `Denied` until then." => channels::create,
        "`Conflict` when there is one of that name." => channels::create_taken,
        "Makes a channel near another place: in the same team, where a platform has several." => channels::create_near,
        "`Conflict` when there is one of that name there, `Unsupported` for a shared one where there are none." => channels::create_near_taken,
        "Closes a channel." => channels::archive,
        "Closing it twice is harmless." => channels::archive_twice,
        "Opens a closed channel again. Opening it twice is harmless. `Unsupported` where a bot can't." => channels::unarchive,
        "Deletes a channel with everything that was said in it. Deleting it twice is harmless. `Unsupported` where a bot can't." => channels::delete,
        "Gives it another name." => channels::rename,
        "`Conflict` when that is taken." => channels::rename_taken,
        "Says what it is for." => channels::topic,
        "Says what it is for at length, where a platform keeps that beside the topic. `Unsupported` where it doesn't." => channels::purpose,
        "Lets the bot itself take part. Joining twice is harmless. `Unsupported` where bots are brought in by people." => channels::join,
        "Brings people in." => channels::invite,
        "Those who are in already stay." => channels::invite_twice,
    }
}

impl Subject {
    fn post(&self, key: &str, card: Card) -> Post {
        Post { key: key.into(), to: self.channel.clone(), card, audience: Audience::Everyone, answers: None, reply: None }
    }

    async fn deliver(&self, key: &str, card: Card) -> Result<MessageId, String> {
        self.platform.deliver(&self.post(key, card)).await.map_err(|error| format!("posting under {key:?} failed: {error}"))
    }

    async fn seen(&self) -> Vec<Seen> {
        (self.observe)(self.channel.clone(), self.person.clone()).await
    }

    async fn texts(&self) -> Vec<String> {
        self.seen().await.into_iter().map(|message| message.text).collect()
    }

    /// How many messages show this text.
    async fn count(&self, text: &str) -> usize {
        self.texts().await.iter().filter(|shown| shown.contains(text)).count()
    }
}
