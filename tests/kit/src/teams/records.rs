//! What the world remembers of people, teams, conversations, messages, files and meetings.

use super::settings::PersonSpec;
use bellhop_core::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// A person of the tenant.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub spec: PersonSpec,
    /// Their id for the bot, `29:…`.
    pub id: String,
    /// Their id in the directory.
    pub object: String,
    /// Whether they have blocked the bot.
    pub blocks: bool,
    /// Their conversation with the bot.
    pub chat: String,
}

impl User {
    /// Their address, which is their name in the directory, too.
    pub(super) fn email(&self) -> String {
        format!("{}@acme.example", self.spec.name)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Team {
    /// The team's id for bots, `19:…`: that of its channel General.
    pub id: String,
    /// The group's id in the directory, which Graph knows it by.
    pub group: String,
    pub name: String,
    pub installed: bool,
    /// The ids of its members, `29:…`.
    pub members: Vec<String>,
    pub gone: bool,
    /// The team's drive.
    pub drive: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Personal,
    Group,
    Channel,
}

#[derive(Clone, Debug)]
pub(super) struct Conversation {
    /// `a:…`, `19:…@thread.v2`, `19:…@thread.tacv2`.
    pub id: String,
    pub kind: Kind,
    /// The team's id, of a channel.
    pub team: Option<String>,
    pub name: String,
    pub description: String,
    /// `standard`, `private` or `shared`, of a channel.
    pub membership: String,
    /// `29:…`; of a standard channel the team's are meant.
    pub members: Vec<String>,
    /// Those of them who own it.
    pub owners: Vec<String>,
    pub bot: bool,
    pub archived: bool,
    pub gone: bool,
    /// The folder of its files, once there is one.
    pub folder: Option<String>,
}

/// A message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub id: String,
    pub conversation: String,
    /// The message whose thread it stands in.
    pub root: Option<String>,
    /// `29:…`, or the bot's `28:…`, or `workflow`.
    pub from: String,
    pub bot: bool,
    /// As it was sent.
    pub activity: Value,
    pub made: Timestamp,
    pub edited: bool,
    pub gone: bool,
    /// Who alone sees it.
    pub only: Option<String>,
    /// `29:…` of those whom it pinged.
    pub notified: Vec<String>,
    /// Cards that one person sees in the place of the message's own.
    pub mine: BTreeMap<String, Value>,
    /// Files that came with it, of the drive.
    pub files: Vec<String>,
    pub reactions: Vec<String>,
}

/// A file of a drive, or a folder.
#[derive(Clone, Debug)]
pub(super) struct DriveItem {
    pub id: String,
    pub drive: String,
    pub parent: String,
    pub name: String,
    pub bytes: Vec<u8>,
    pub folder: bool,
    /// Sharing links to it: scope and kind.
    pub links: Vec<(String, String)>,
}

/// An upload that is on its way.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub drive: String,
    pub parent: String,
    pub name: String,
    /// What to do where there is one of the name: `fail`, `replace`, `rename`.
    pub conflict: String,
    pub bytes: Vec<u8>,
    /// All bytes, once the first part has said so.
    pub total: Option<u64>,
    /// Given to whoever accepted a consent card, and not made by Graph: the whole file in one go is fine.
    pub consent: bool,
    /// The file, once it is whole.
    pub item: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct CalendarEvent {
    pub id: String,
    /// The object id of whose calendar it stands in.
    pub owner: String,
    pub body: Value,
    pub join: Option<String>,
    pub transaction: Option<String>,
    pub cancelled: bool,
    /// How often it was read.
    pub reads: u32,
}

/// An online meeting on nobody's calendar.
#[derive(Clone, Debug)]
pub(super) struct OnlineMeeting {
    pub id: String,
    pub owner: String,
    pub body: Value,
    pub join: String,
    pub gone: bool,
}

/// A token that the token service gave out.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// Whom it is for, `https://api.botframework.com` or Graph.
    pub audience: String,
    pub tenant: String,
    pub expires: Timestamp,
    pub roles: Vec<String>,
    pub revoked: bool,
}

/// A dialog that is open for a person.
#[derive(Clone, Debug)]
pub(super) struct Dialog {
    pub title: String,
    pub card: Value,
    pub values: BTreeMap<String, Value>,
    /// Where it was opened: the conversation and what else the invoke has.
    pub conversation: String,
    /// The message extension's command, where that opened it.
    pub command: Option<Value>,
    pub errors: Vec<(String, String)>,
    pub reply_to: Option<String>,
}

/// A webhook of Workflows.
#[derive(Clone, Debug)]
pub(super) struct Workflow {
    pub id: String,
    pub secret: String,
    pub conversation: String,
    pub on: bool,
}
