//! The things that the world remembers, as plain data.

use super::settings::PersonSpec;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub(super) struct Team {
    pub id: String,
    pub name: String,
    pub bot_user: String,
    pub bot_id: String,
    pub installed: bool,
}

#[derive(Clone, Debug)]
pub(super) struct User {
    pub id: String,
    pub team: String,
    pub spec: PersonSpec,
    pub bot: bool,
    pub updated: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Channel,
    Direct,
    Group,
}

#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub id: String,
    pub team: String,
    pub name: String,
    pub kind: Kind,
    pub private: bool,
    pub archived: bool,
    pub general: bool,
    pub members: Vec<String>,
    pub topic: String,
    pub purpose: String,
    pub creator: String,
    pub created: i64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub ts: String,
    pub channel: String,
    pub user: String,
    /// Posted by the app.
    pub app: bool,
    pub username: Option<String>,
    pub text: String,
    pub blocks: Vec<Value>,
    pub attachments: Vec<Value>,
    pub metadata: Option<Value>,
    pub thread: Option<String>,
    pub broadcast: bool,
    pub edited: Option<String>,
    pub files: Vec<String>,
    /// Seen by this person only.
    pub only: Option<String>,
    pub subtype: Option<String>,
    pub unfurls: BTreeMap<String, Value>,
    /// Whom it pinged when it came.
    pub notified: Vec<String>,
    /// The interactive parts answer through this response URL's rules: the source of `replace_original`.
    pub gone: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "each is one independent fact about a file")]
#[derive(Clone, Debug, Default)]
pub(super) struct FileRecord {
    pub id: String,
    pub team: String,
    pub name: String,
    pub title: String,
    pub owner: String,
    pub bytes: Vec<u8>,
    pub alt: String,
    pub mime: String,
    pub created: i64,
    /// Channel and message by which it is shared.
    pub shares: Vec<(String, String)>,
    /// Handed to the app in a modal that was submitted.
    pub given: bool,
    /// Completed; before that only the upload address knows it.
    pub complete: bool,
    pub deleted: bool,
    pub expected: u64,
    /// Of another organisation: events show only its id, and `files.info` says the rest.
    pub external: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub team: String,
    pub scopes: Vec<String>,
    pub app_level: bool,
    pub revoked: Option<String>,
    pub expires: Option<i64>,
    /// Higher for those made later.
    pub number: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Trigger {
    pub team: String,
    pub user: String,
    /// Milliseconds of the world's time.
    pub made: i64,
    pub used: bool,
    /// The view that the person acted in, for `views.push`.
    pub view: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct ResponseUrl {
    pub team: String,
    pub channel: String,
    pub user: String,
    pub made: i64,
    pub uses: u32,
    /// The message with the component.
    pub message: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct ViewRecord {
    pub id: String,
    pub team: String,
    pub user: String,
    pub hash: String,
    pub body: Value,
    pub root: String,
    pub previous: Option<String>,
    /// `block_id -> action_id -> state`.
    pub values: BTreeMap<String, BTreeMap<String, Value>>,
    pub errors: BTreeMap<String, String>,
    pub open: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Scheduled {
    pub id: String,
    pub team: String,
    pub post_at: i64,
    pub message: Message,
    pub made: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Code {
    pub team: String,
    pub redirect: Option<String>,
    pub scopes: Vec<String>,
    pub made: i64,
    pub user: String,
}

#[derive(Clone, Debug)]
pub(super) struct Refresh {
    pub team: String,
    pub access: String,
    pub used: Option<i64>,
    pub successor: Option<(String, String)>,
}
