//! A chat platform.

use super::{ByteStream, HistoryPage, Meetings, PortResult, Stop};
use crate::address::{Address, UserRef};
use crate::call::{Attachment, Audience, Handle};
use crate::capabilities::Capabilities;
use crate::card::{Card, FileSource};
use crate::clock::Timestamp;
use crate::command::About;
use crate::error::PortError;
use crate::ids::{ChatName, DeliveryKey, MessageId};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A message to be shown: one card that already fits the platform's limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// Its key: the same key is the same message, however often it is sent.
    pub key: DeliveryKey,
    /// Where to.
    pub to: Address,
    /// What it says. Charts in it are pictures unless the platform draws them itself; files of a store in it are to be
    /// shown by their name: their bytes, where they are wanted, come by [`ChatPlatform::upload`].
    pub card: Card,
    /// Who sees it.
    pub audience: Audience,
    /// The person whose command it answers, where it answers one.
    pub answers: Option<UserRef>,
    /// What the adapter itself gave with the event that this answers.
    pub reply: Option<Handle>,
}

/// A file on its way to a channel.
pub struct Upload {
    /// Its key, as of a message.
    pub key: DeliveryKey,
    /// Where to.
    pub to: Address,
    /// Its name.
    pub name: String,
    /// Its type.
    pub content_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// What it shows, for those who don't see it; empty where it is no picture.
    pub alt: String,
    /// Its bytes.
    pub bytes: ByteStream,
    /// Where its bytes can be had again, for platforms that ask a person first; `None` where only the stream has them.
    pub source: Option<FileSource>,
}

/// A chat platform, connected to one account.
#[async_trait]
pub trait ChatPlatform: Send + Sync {
    /// The configured name.
    fn name(&self) -> &ChatName;

    /// What it can show and do.
    fn capabilities(&self) -> Capabilities;

    /// Makes the commands known to the platform, where it keeps such a list. Announcing the same list again changes
    /// nothing there.
    async fn announce(&self, commands: &[About]) -> PortResult<()> {
        let _ = commands;
        Ok(())
    }

    /// Listens until told to stop, for platforms that are listened to rather than calling us. What is heard goes to the
    /// inbox that the adapter was built with. Returns early only with an error that no reconnecting mends.
    async fn listen(&self, stop: Stop) -> PortResult<()> {
        stop.cancelled().await;
        Ok(())
    }

    /// Posts a message and returns its id. A failure says whether the message may have been posted all the same
    /// (`maybe_done`). Posting under a key that was posted already shows no second message where the platform has any
    /// means for it ([`Capabilities::lookup`]).
    async fn deliver(&self, post: &Post) -> PortResult<MessageId>;

    /// Changes a posted message into this one. Changing it twice into the same is harmless. `NotFound` when the message
    /// is gone.
    async fn revise(&self, message: &MessageId, post: &Post) -> PortResult<()>;

    /// Removes a message. Removing it twice is harmless.
    async fn retract(&self, at: &Address, message: &MessageId) -> PortResult<()>;

    /// The message that was posted under this key, if any. With [`crate::capabilities::Lookup::ByKey`] the answer is
    /// certain once the time-out of the posting request has passed.
    async fn find(&self, at: &Address, key: &DeliveryKey) -> PortResult<Option<MessageId>>;

    /// The bytes of a file that came with a message.
    async fn fetch(&self, attachment: &Attachment) -> PortResult<ByteStream>;

    /// Uploads a file as a message of its own, streaming. The same key shows no second file where the platform has any
    /// means for it.
    async fn upload(&self, file: Upload) -> PortResult<MessageId>;

    /// Finds a channel by its name or id (`direct` false), or the conversation with a person (`direct` true), in the
    /// workspace named or in the only one. `None` when there is none of that name.
    async fn locate(&self, workspace: Option<&str>, name: &str, direct: bool) -> PortResult<Option<Address>>;

    /// Has the platform itself post a message at a time to come, and returns the platform's name for what is planned.
    /// It is posted even if the bot doesn't run then. `Unsupported` where the platform plans no messages.
    async fn post_later(&self, post: &Post, at: Timestamp) -> PortResult<MessageId> {
        let _ = at;
        Err(PortError::unsupported(format!("chat.{}", post.to.chat), "post_later", "this platform can't post at a later time"))
    }

    /// An address under which people see a message, where messages have one.
    async fn permalink(&self, at: &Address, message: &MessageId) -> PortResult<Option<String>> {
        let _ = (at, message);
        Ok(None)
    }

    /// What was said in a place, at most `limit` (at least 1) messages, from where `from` says: in a channel the newest first and
    /// without the replies in threads, in a thread the replies alone, the oldest first. Following `next` from page to page gives
    /// every message once; what only some people see is left out. A page may have fewer messages than `limit`, or none, and a
    /// `next` all the same. `NotFound` where there is no such place, `Unsupported` where the platform can't be read.
    async fn history(&self, at: &Address, from: Option<&str>, limit: usize) -> PortResult<HistoryPage> {
        let _ = (from, limit);
        Err(PortError::unsupported(format!("chat.{}", at.chat), "history", "what was said on this platform can't be read by a bot"))
    }

    /// Asks the platform whether everything needed is there: credentials, permissions, settings. An error means that it
    /// could not be asked.
    async fn check(&self) -> PortResult<Vec<Finding>> {
        Ok(Vec::new())
    }

    /// Channels that can be listed and changed, where the platform lets a bot.
    fn channels(&self) -> Option<&dyn Channels> {
        None
    }

    /// Meetings that can be made and called off, where the platform has them.
    fn meetings(&self) -> Option<&dyn Meetings> {
        None
    }

    /// The address of a person's mail, where the platform tells a bot.
    async fn email(&self, person: &UserRef) -> PortResult<Option<String>> {
        let _ = person;
        Ok(None)
    }
}

/// One thing that was looked at by [`ChatPlatform::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is as it should be.
    pub good: bool,
    /// What was found, and where it is not good, what to do and where.
    pub text: String,
}

/// Who sees a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelAccess {
    /// Everyone where it is.
    #[default]
    Open,
    /// Only its members.
    Private,
    /// Its members, people of other organisations among them.
    Shared,
}

/// A channel as people know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Where it is.
    pub address: Address,
    /// Its name, without a mark.
    pub name: String,
    /// What it is for, or empty.
    pub topic: String,
    /// Whether only members see it.
    pub private: bool,
    /// Whether it is closed.
    pub archived: bool,
}

/// The channels of a platform.
#[async_trait]
pub trait Channels: Send + Sync {
    /// Every channel the bot can see, by name.
    async fn list(&self) -> PortResult<Vec<Channel>>;

    /// Makes a channel. `Conflict` when there is one of that name. Where a person has to bring the bot into a private one, posting
    /// there is `Denied` until then.
    async fn create(&self, name: &str, private: bool) -> PortResult<Channel>;

    /// Makes a channel near another place: in the same team, where a platform has several. `Conflict` when there is one of that name
    /// there, `Unsupported` for a shared one where there are none.
    async fn create_near(&self, near: &Address, name: &str, access: ChannelAccess, owner: Option<&UserRef>) -> PortResult<Channel> {
        let _ = owner;
        match access {
            ChannelAccess::Shared => Err(cannot(near, "create", "this platform has no shared channels that a bot could make")),
            access => self.create(name, access == ChannelAccess::Private).await,
        }
    }

    /// Closes a channel. Closing it twice is harmless.
    async fn archive(&self, at: &Address) -> PortResult<()>;

    /// Opens a closed channel again. Opening it twice is harmless. `Unsupported` where a bot can't.
    async fn unarchive(&self, at: &Address) -> PortResult<()> {
        Err(cannot(at, "unarchive", "this platform doesn't let a bot open a closed channel again"))
    }

    /// Deletes a channel with everything that was said in it. Deleting it twice is harmless. `Unsupported` where a bot can't.
    async fn delete(&self, at: &Address) -> PortResult<()> {
        Err(cannot(at, "delete", "this platform doesn't let a bot delete a channel"))
    }

    /// Whether a thread can be closed, opened, renamed and deleted for itself, as a channel can.
    fn has_threads(&self) -> bool {
        false
    }

    /// Gives it another name. `Conflict` when that is taken.
    async fn rename(&self, at: &Address, name: &str) -> PortResult<Channel>;

    /// Says what it is for.
    async fn set_topic(&self, at: &Address, topic: &str) -> PortResult<()>;

    /// Says what it is for at length, where a platform keeps that beside the topic. `Unsupported` where it doesn't.
    async fn set_purpose(&self, at: &Address, purpose: &str) -> PortResult<()> {
        let _ = purpose;
        Err(cannot(at, "purpose", "channels of this platform have a topic only"))
    }

    /// Lets the bot itself take part. Joining twice is harmless. `Unsupported` where bots are brought in by people.
    async fn join(&self, at: &Address) -> PortResult<()> {
        Err(cannot(at, "join", "a person has to bring the bot in"))
    }

    /// Brings people in. Those who are in already stay.
    async fn invite(&self, at: &Address, people: &[String]) -> PortResult<()>;
}

fn cannot(at: &Address, operation: &'static str, why: &str) -> PortError {
    PortError::unsupported(format!("chat.{}", at.chat), operation, why)
}
