//! What Discord delivers, understood: who did what where, and how it can be answered. Pure: it asks nothing of Discord and keeps
//! nothing. It is lenient, since Discord adds members at any time: only what a delivery makes no sense without is asked for.
//!
//! <https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object>

mod file;
mod message;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use file::{attachment, attachments, message_text};
pub(crate) use message::message;
pub(crate) use text::shown;

use crate::address::{DIRECT, is_id};
use crate::handle::{Interaction, ReplyTo};
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::Attachment;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::{ChannelId, ChatName, EventKey, ThreadId, UserId, WorkspaceId};
use bellhop_core::ports::{Incoming, Said};
use serde_json::Value;

/// Threads of every kind.
pub(crate) const THREADS: [u64; 3] = [10, 11, 12];
/// The permission to do everything, to see a channel, to post in it, and to post in its threads.
const ADMINISTRATOR: u64 = 1 << 3;
const VIEW: u64 = 1 << 10;
const SEND: u64 = 1 << 11;
const SEND_IN_THREADS: u64 = 1 << 38;
/// A message that one person sees.
const EPHEMERAL: u64 = 1 << 6;

/// A delivery that makes no sense: a member is missing that Discord always sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Where in the payload.
    pub member: &'static str,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is missing from what Discord sent, or is of another kind", self.member)
    }
}

/// The text at a path, unless it is empty.
pub(crate) fn field<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.pointer(path)?.as_str().filter(|text| !text.is_empty())
}

/// The list at a path.
pub(crate) fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

/// An id at a path; ids are strings, and numbers are taken as well.
pub(crate) fn id(value: &Value, path: &str) -> Option<String> {
    match value.pointer(path)? {
        Value::String(text) if is_id(text) => Some(text.clone()),
        Value::Number(number) => number.as_u64().filter(|id| *id > 0).map(|id| id.to_string()),
        _ => None,
    }
}

fn needed(value: &Value, path: &'static str) -> Result<String, Unreadable> {
    id(value, path).ok_or(Unreadable { member: path })
}

/// The name that a person goes by.
pub(crate) fn name(user: &Value, nick: Option<&str>) -> String {
    let shown = nick.or_else(|| field(user, "/global_name")).or_else(|| field(user, "/username")).or_else(|| field(user, "/id"));
    bellhop_core::text::shorten(&bellhop_core::text::one_line(shown.unwrap_or("someone")), 100)
}

/// Who did something, where, and how it can be answered.
#[derive(Clone)]
pub(crate) struct Origin {
    /// What Discord calls the event.
    pub key: EventKey,
    /// Who.
    pub from: UserRef,
    /// The name to show.
    pub name: String,
    /// The server's roles that they have, where it was in a server.
    pub groups: Option<Vec<String>>,
    /// Where.
    pub at: Address,
    /// How it can be answered.
    pub reply: ReplyTo,
    /// When it arrived.
    pub received: Timestamp,
}

impl Origin {
    /// Something said by this person, here.
    pub(crate) fn says(self, said: Said, attachments: Vec<Attachment>) -> Incoming {
        Incoming {
            key: self.key,
            from: self.from,
            name: self.name,
            zone: None,
            at: self.at,
            said,
            attachments,
            groups: self.groups,
            reply: Some(self.reply.handle()),
            received: self.received,
        }
    }

    /// The same with a first answer promised, seen by one person or by all.
    pub(crate) fn promised(mut self, private: bool) -> Self {
        if let Some(interaction) = &mut self.reply.interaction {
            interaction.promised = true;
            interaction.private = private;
        }
        self
    }
}

/// Who is behind an interaction of the connection `chat` that arrived `now`.
///
/// # Errors
/// What is missing from it.
pub(crate) fn origin(payload: &Value, chat: &ChatName, now: Timestamp) -> Result<Origin, Unreadable> {
    let interaction = needed(payload, "/id")?;
    let token = field(payload, "/token").ok_or(Unreadable { member: "/token" })?;
    let user = payload.pointer("/member/user").or_else(|| payload.get("user")).unwrap_or(&Value::Null);
    let person = needed(user, "/id").map_err(|_| Unreadable { member: "/member/user/id" })?;
    let channel = id(payload, "/channel_id").or_else(|| id(payload, "/channel/id")).ok_or(Unreadable { member: "/channel_id" })?;
    let workspace = id(payload, "/guild_id").unwrap_or_else(|| DIRECT.to_owned());
    let at = place(chat, &workspace, &channel, payload.get("channel").unwrap_or(&Value::Null));
    let may_post = match payload.get("context").and_then(Value::as_u64) {
        Some(1) => true,
        Some(2) => false,
        _ if workspace == DIRECT => true,
        _ => may_post(payload, at.thread.is_some()),
    };
    let reply = ReplyTo {
        interaction: Some(Interaction {
            id: interaction.clone(),
            application: needed(payload, "/application_id")?,
            token: token.to_owned(),
            received: now,
            promised: false,
            private: false,
            may_post,
        }),
        message: None,
    };
    Ok(Origin {
        key: EventKey::new(format!("int:{interaction}")),
        from: UserRef { chat: chat.clone(), workspace: WorkspaceId::new(workspace), user: UserId::new(person) },
        name: name(user, field(payload, "/member/nick")),
        groups: groups(payload),
        at,
        reply,
        received: now,
    })
}

/// The server's roles that someone has; nothing in a direct conversation, where Discord doesn't say.
fn groups(payload: &Value) -> Option<Vec<String>> {
    let roles = payload.pointer("/member/roles")?.as_array()?;
    Some(roles.iter().filter_map(|role| role.as_str().filter(|role| is_id(role)).map(str::to_owned)).collect())
}

/// Where a channel is: a thread is a channel within another.
pub(crate) fn place(chat: &ChatName, workspace: &str, channel: &str, told: &Value) -> Address {
    let thread = told.get("type").and_then(Value::as_u64).is_some_and(|kind| THREADS.contains(&kind));
    let (channel, thread) = match id(told, "/parent_id").filter(|_| thread) {
        Some(parent) => (parent, Some(ThreadId::from(channel))),
        None => (channel.to_owned(), None),
    };
    Address { chat: chat.clone(), workspace: WorkspaceId::from(workspace), channel: ChannelId::new(channel), thread }
}

fn may_post(payload: &Value, thread: bool) -> bool {
    // What isn't said is tried: a refusal is a clear one.
    let Some(bits) = field(payload, "/app_permissions").and_then(|bits| bits.parse::<u64>().ok()) else { return true };
    let needed = VIEW | if thread { SEND_IN_THREADS } else { SEND };
    bits & ADMINISTRATOR != 0 || bits & needed == needed
}

/// Whether the message that an interaction belongs to is seen by one person only.
pub(crate) fn on_private_message(payload: &Value) -> bool {
    payload.pointer("/message/flags").and_then(Value::as_u64).is_some_and(|flags| flags & EPHEMERAL != 0)
}

/// The address under which people see a message.
pub(crate) fn message_link(workspace: &str, channel: &str, message: &str) -> String {
    format!("https://discord.com/channels/{workspace}/{channel}/{message}")
}
