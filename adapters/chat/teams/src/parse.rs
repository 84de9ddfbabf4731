//! What Teams delivers, understood: which activities are something said, which want an answer in the very response, which only
//! say that something changed. Pure: it asks nothing and keeps nothing. It is lenient, since Teams adds members to activities
//! at any time and leaves others out: only what an activity makes no sense without is asked for.
//!
//! <https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference#activity-object>

mod files;
mod invoke;
mod message;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use invoke::{Asked, Consent, Extension, Trigger};

use crate::address::{apart, is_channel};
use crate::handle::ReplyTo;
use crate::references::{Conversation, Person, Team};
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::Attachment;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::{ChatName, EventKey, ThreadId, UserId};
use bellhop_core::ports::{Incoming, Said};
use serde_json::Value;

/// What an activity is.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Something said: it goes into the inbox, and the answer comes separately.
    Say(Box<Incoming>),
    /// A card's data that came as a message: what it means is looked up, and then it is said.
    Click {
        /// Who and where.
        origin: Box<Origin>,
        /// What the card sent.
        data: Value,
    },
    /// Something that is answered in the response.
    Invoke {
        /// Who and where.
        origin: Box<Origin>,
        /// What is asked.
        asked: Asked,
    },
    /// The bot was put into a conversation or a team, or taken out.
    Membership {
        /// Whether it was put in.
        here: bool,
    },
    /// Channels or the team itself changed.
    Changed,
    /// An invoke that nobody here answers.
    Unserved(String),
    /// Nothing for this bot.
    Nothing,
}

/// Who did something, where, and how it can be answered.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub key: EventKey,
    pub from: UserRef,
    pub name: String,
    pub zone: Option<chrono_tz::Tz>,
    pub at: Address,
    pub reply: ReplyTo,
    pub received: Timestamp,
}

impl Origin {
    /// Something said by this person, here.
    pub fn says(self, said: Said, attachments: Vec<Attachment>) -> Incoming {
        Incoming {
            key: self.key,
            from: self.from,
            name: self.name,
            zone: self.zone,
            at: self.at,
            said,
            attachments,
            groups: None,
            reply: Some(self.reply.handle()),
            received: self.received,
        }
    }
}

/// An activity that makes no sense: a member is missing that Teams always sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Where.
    pub member: &'static str,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is missing from the activity, or is of another kind", self.member)
    }
}

/// An activity with the few things that every reading of it needs.
pub(crate) struct Activity<'a> {
    pub value: &'a Value,
}

/// A member's text, where it is there and isn't empty.
pub(crate) fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A member's list.
pub(crate) fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

impl<'a> Activity<'a> {
    pub fn text(&self, path: &str) -> Option<&'a str> {
        text(self.value, path)
    }

    pub fn kind(&self) -> &'a str {
        self.text("/type").unwrap_or_default()
    }

    pub fn channel(&self) -> &'a str {
        self.text("/channelId").unwrap_or_default()
    }

    pub fn service_url(&self) -> &'a str {
        self.text("/serviceUrl").unwrap_or_default()
    }

    /// The organisation. Where the activity names two, they have to be the same: which one counts must not be chosen.
    pub fn tenant(&self) -> &'a str {
        match (self.text("/channelData/tenant/id"), self.text("/conversation/tenantId")) {
            (Some(one), Some(other)) if one != other => "",
            (one, other) => one.or(other).unwrap_or_default(),
        }
    }

    pub fn conversation(&self) -> Option<&'a str> {
        self.text("/conversation/id")
    }

    /// `personal`, `groupChat` or `channel`.
    pub fn scope(&self) -> &'a str {
        let conversation = self.conversation().unwrap_or_default();
        let group = self.value.pointer("/conversation/isGroup").and_then(Value::as_bool).unwrap_or_default();
        match self.text("/conversation/conversationType") {
            Some(scope) => scope,
            None if is_channel(conversation) => "channel",
            None if group || conversation.starts_with("19:") => "groupChat",
            None => "personal",
        }
    }

    /// What this activity shows of its conversation, under the conversation's id.
    pub fn reference(&self) -> Option<(&'a str, Conversation)> {
        let (channel, _) = apart(self.conversation()?);
        let told = Conversation {
            service_url: self.service_url().to_owned(),
            tenant: self.tenant().to_owned(),
            kind: self.scope().to_owned(),
            team: self.text("/channelData/team/id").unwrap_or_default().to_owned(),
            name: self.text("/channelData/channel/name").or(self.text("/conversation/name")).unwrap_or_default().to_owned(),
            gone: false,
        };
        Some((channel, told))
    }

    /// What it shows of the team, under the team's id.
    pub fn team(&self) -> Option<(&'a str, Team)> {
        let told = Team {
            service_url: self.service_url().to_owned(),
            tenant: self.tenant().to_owned(),
            name: self.text("/channelData/team/name").unwrap_or_default().to_owned(),
            group: self.text("/channelData/team/aadGroupId").unwrap_or_default().to_owned(),
            gone: false,
        };
        Some((self.text("/channelData/team/id")?, told))
    }

    /// What it shows of the one who did it.
    pub fn person(&self) -> Option<Person> {
        let id = self.text("/from/id").filter(|id| !id.starts_with("28:"))?;
        let personal = self.scope() == "personal";
        Some(Person {
            id: id.to_owned(),
            object: self.text("/from/aadObjectId").unwrap_or_default().to_owned(),
            name: self.text("/from/name").unwrap_or_default().to_owned(),
            tenant: self.tenant().to_owned(),
            email: String::new(),
            chat: self.conversation().filter(|_| personal).unwrap_or_default().to_owned(),
            service_url: self.service_url().to_owned(),
        })
    }

    /// The bot's own name for itself here.
    pub fn bot(&self) -> &'a str {
        self.text("/recipient/id").unwrap_or_default()
    }

    /// The time zone of the one who did it, where the client says.
    fn zone(&self) -> Option<chrono_tz::Tz> {
        let client = list(self.value, "/entities").find(|entity| text(entity, "/type") == Some("clientInfo"));
        let named = self.text("/localTimezone").or_else(|| text(client?, "/timezone"))?;
        named.parse().ok()
    }

    fn origin(&self, key: String, chat: &ChatName, now: Timestamp) -> Result<Origin, Unreadable> {
        let person = self.person().ok_or(Unreadable { member: "/from/id" })?;
        let conversation = self.conversation().ok_or(Unreadable { member: "/conversation/id" })?;
        let (channel, thread) = apart(conversation);
        let mut at = Address::channel(chat.clone(), self.tenant(), channel);
        at.thread = thread.map(ThreadId::from);
        let name = if person.name.is_empty() { person.user() } else { &person.name }.to_owned();
        Ok(Origin {
            key: EventKey::new(key),
            from: UserRef { chat: chat.clone(), workspace: at.workspace.clone(), user: UserId::from(person.user()) },
            name,
            zone: self.zone(),
            at,
            reply: ReplyTo { conversation: conversation.to_owned(), activity: None, person: person.id },
            received: now,
        })
    }
}

/// Reads an activity to the connection `chat` that arrived `now`. What isn't known is `Nothing`.
///
/// # Errors
/// What is missing from an activity of a known kind.
pub(crate) fn activity(activity: &Activity<'_>, chat: &ChatName, now: Timestamp, direct_uploads: bool) -> Result<Heard, Unreadable> {
    match activity.kind() {
        "message" => message::heard(activity, chat, now, direct_uploads),
        "invoke" => invoke::heard(activity, chat, now),
        "installationUpdate" => Ok(match activity.text("/action") {
            Some("add" | "add-upgrade") => Heard::Membership { here: true },
            Some("remove") => Heard::Membership { here: false },
            _ => Heard::Changed,
        }),
        "conversationUpdate" => Ok(update(activity)),
        _ => Ok(Heard::Nothing),
    }
}

fn update(activity: &Activity<'_>) -> Heard {
    let about_bot = |path: &str| list(activity.value, path).any(|member| text(member, "/id").is_some_and(|id| id == activity.bot()));
    if about_bot("/membersAdded") {
        return Heard::Membership { here: true };
    }
    let over = matches!(activity.text("/channelData/eventType"), Some("teamDeleted" | "teamHardDeleted"));
    if over || about_bot("/membersRemoved") {
        return Heard::Membership { here: false };
    }
    Heard::Changed
}
