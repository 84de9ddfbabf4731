//! The things that the world remembers, as plain data.

use super::ids::Id;
use super::settings::{Kind, PersonSpec};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
pub(super) struct User {
    pub id: Id,
    pub spec: PersonSpec,
    pub bot: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Role {
    pub id: Id,
    pub name: String,
    pub permissions: u64,
    pub position: u64,
    pub mentionable: bool,
    /// The application whose own role it is.
    pub managed: Option<Id>,
    pub color: u64,
    pub hoist: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Member {
    pub roles: BTreeSet<Id>,
    pub joined: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Guild {
    pub id: Id,
    pub name: String,
    pub owner: Id,
    pub members: BTreeMap<Id, Member>,
    pub roles: Vec<Role>,
    pub community: bool,
    pub rules: Option<Id>,
    /// Not to be had at the moment.
    pub unavailable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Overwrite {
    pub id: Id,
    pub member: bool,
    pub allow: u64,
    pub deny: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub id: Id,
    pub guild: Option<Id>,
    pub name: String,
    pub kind: Kind,
    pub topic: String,
    pub parent: Option<Id>,
    pub position: u64,
    pub overwrites: Vec<Overwrite>,
    /// Those in a direct conversation.
    pub recipients: BTreeSet<Id>,
    pub thread_members: BTreeSet<Id>,
    pub owner: Option<Id>,
    pub archived: bool,
    pub locked: bool,
    pub auto_archive: u64,
    pub slowmode: u64,
    pub tags: Vec<Value>,
    pub applied_tags: Vec<Value>,
    pub nsfw: bool,
}

impl Channel {
    pub(super) fn private_thread(&self) -> bool {
        self.kind == Kind::PrivateThread
    }
}

#[derive(Clone, Debug)]
pub(super) struct File {
    pub id: Id,
    pub name: String,
    pub mime: String,
    pub bytes: Vec<u8>,
    pub description: Option<String>,
    pub channel: Id,
    pub ephemeral: bool,
    pub gone: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "each is one independent fact about a message")]
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub id: Id,
    pub channel: Id,
    pub author: Id,
    pub app: Option<Id>,
    pub webhook: Option<Id>,
    pub username: Option<String>,
    pub content: String,
    pub embeds: Vec<Value>,
    pub components: Vec<Value>,
    pub files: Vec<Id>,
    pub nonce: Option<Value>,
    pub flags: u64,
    pub kind: u64,
    pub reference: Option<(Id, Id)>,
    pub mentions: Vec<Id>,
    pub mention_roles: Vec<Id>,
    pub mention_everyone: bool,
    /// Whom it pinged when it came.
    pub notified: Vec<Id>,
    pub edited: Option<i64>,
    /// Seen by this person only.
    pub only: Option<Id>,
    pub reactions: Vec<(String, BTreeSet<Id>)>,
    pub pinned: bool,
    /// The interaction that it answers: id, kind, who.
    pub answers: Option<(Id, u64, Id)>,
    /// "Thinking…": nothing is said yet.
    pub loading: bool,
    /// The thread that hangs on it.
    pub thread: Option<Id>,
    /// When it came, in milliseconds.
    pub at: i64,
    pub gone: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Webhook {
    pub id: Id,
    pub channel: Id,
    pub guild: Id,
    pub name: String,
    pub token: String,
    pub app: Id,
}

/// How an interaction was responded to.
#[derive(Clone, Debug)]
pub(super) struct Responded {
    pub kind: u64,
    pub data: Value,
}

#[derive(Clone, Debug)]
pub(super) struct Interaction {
    pub id: Id,
    pub token: String,
    pub app: Id,
    pub kind: u64,
    pub user: Id,
    pub channel: Id,
    pub made: i64,
    pub responded: Option<Responded>,
    /// The message of the first response, or the one that is worked on.
    pub original: Option<Id>,
    /// The message with the component.
    pub source: Option<Id>,
    /// The response is for this person only.
    pub ephemeral: bool,
    /// Nobody waits for a response any more.
    pub late: bool,
    /// The deferral has been finished.
    pub finished: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Command {
    pub id: Id,
    pub guild: Option<Id>,
    pub version: Id,
    pub body: Value,
}

impl Command {
    pub(super) fn name(&self) -> &str {
        self.body["name"].as_str().unwrap_or_default()
    }

    pub(super) fn kind(&self) -> u64 {
        self.body["type"].as_u64().unwrap_or(1)
    }
}

/// An application with its bot.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub id: Id,
    pub name: String,
    pub bot: Id,
    pub token: String,
    /// Tokens that were good once.
    pub old_tokens: Vec<String>,
    pub seed: [u8; 32],
    pub commands: Vec<Command>,
    /// When commands were made, by guild, in milliseconds.
    pub creates: Vec<(Option<Id>, i64)>,
    /// Where interactions are delivered; by the gateway where there is none.
    pub endpoint: Option<String>,
    pub privileged: u64,
    pub identifies: Vec<i64>,
    /// When the rest of the shards' number was identified last.
    pub identified: BTreeMap<u64, i64>,
}

/// A form that is open for a person.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub app: Id,
    pub body: Value,
    pub channel: Id,
    pub source: Option<Id>,
    pub values: BTreeMap<String, Value>,
}
