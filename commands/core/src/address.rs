//! Where something is said, and by whom. The platform is carried in the address, never guessed from an id's shape.

use crate::ids::{ChannelId, ChatName, ThreadId, UserId, WorkspaceId};
use serde::{Deserialize, Serialize};

/// A place in a chat: a channel or a direct conversation, and the thread within it where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The configured connection.
    pub chat: ChatName,
    /// The workspace, server or tenant.
    pub workspace: WorkspaceId,
    /// The channel or conversation.
    pub channel: ChannelId,
    /// The thread, where the message belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadId>,
}

impl Address {
    /// A channel, outside any thread.
    pub fn channel(chat: impl Into<ChatName>, workspace: impl Into<WorkspaceId>, channel: impl Into<ChannelId>) -> Self {
        Self { chat: chat.into(), workspace: workspace.into(), channel: channel.into(), thread: None }
    }

    /// The lane that deliveries to this place queue in: threads share their channel's.
    #[must_use]
    pub fn lane(&self) -> Lane {
        Lane(format!("{}:{}/{}", self.chat, self.workspace, self.channel))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}/{}", self.chat, self.workspace, self.channel)
    }
}

/// One destination's queue: first in, first out, one limiter, one owner. Written `chat:workspace/channel`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lane(String);

impl Lane {
    /// Takes a lane's text back from where it was stored.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person on one platform. The same id in two workspaces is two people.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UserRef {
    /// The configured connection.
    pub chat: ChatName,
    /// The workspace, server or tenant.
    pub workspace: WorkspaceId,
    /// The person.
    pub user: UserId,
}

impl std::fmt::Display for UserRef {
    /// `CHATNAME:USERID`, as `[[role]] users` spells it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.chat, self.user)
    }
}

/// A place as a person writes it: `chat:workspace/#channel` with what is unambiguous left out. `#` and `@` before
/// the last part are optional, `@name` is a direct conversation. It is resolved to an [`Address`] by [`crate::ports::Places`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlaceRef {
    /// What stands before `:`, the configured connection.
    pub chat: Option<String>,
    /// What stands before `/`: a workspace, or a connection where no `:` was written.
    pub workspace: Option<String>,
    /// The channel's or the person's name or id, without its mark.
    pub name: String,
    /// True for `@name`.
    pub direct: bool,
}

impl std::str::FromStr for PlaceRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is no place: {why}; write #channel, work/#channel or chat:workspace/#channel");
        let (before, last) = match text.rsplit_once('/') {
            Some((before, last)) => (Some(before), last),
            None => match text.split_once(':') {
                // A marked name may have colons of its own: some platforms' ids do.
                Some((chat, rest)) if !chat.is_empty() && !rest.is_empty() && !text.starts_with(['#', '@']) => {
                    (Some(text.split_at(chat.len() + 1).0), rest)
                }
                _ => (None, text),
            },
        };
        let (direct, name) = match (last.strip_prefix('#'), last.strip_prefix('@')) {
            (Some(name), _) => (false, name),
            (_, Some(name)) => (true, name),
            _ => (false, last),
        };
        if name.is_empty() {
            return Err(wrong("the channel's name is missing"));
        }
        if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(wrong("a name has no spaces"));
        }
        let (chat, workspace) = match before {
            None => (None, None),
            Some(before) => match before.split_once(':') {
                Some(("", _)) => return Err(wrong("the chat's name before the colon is missing")),
                Some((chat, workspace)) => (Some(chat), Some(workspace)),
                None => (None, Some(before)),
            },
        };
        let some = |part: Option<&str>| part.filter(|p| !p.is_empty()).map(str::to_owned);
        Ok(Self { chat: some(chat), workspace: some(workspace), name: name.to_owned(), direct })
    }
}

impl TryFrom<String> for PlaceRef {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PlaceRef> for String {
    fn from(place: PlaceRef) -> Self {
        place.to_string()
    }
}

impl std::fmt::Display for PlaceRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(chat) = &self.chat {
            write!(f, "{chat}:")?;
        }
        if let Some(workspace) = &self.workspace {
            write!(f, "{workspace}/")?;
        }
        write!(f, "{}{}", if self.direct { '@' } else { '#' }, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> (Option<String>, Option<String>, String, bool) {
        let p: PlaceRef = text.parse().unwrap();
        (p.chat, p.workspace, p.name, p.direct)
    }

    #[test]
    fn reads_places_with_parts_left_out() {
        let s = |t: &str| Some(t.to_owned());
        assert_eq!(place("#ops"), (None, None, "ops".into(), false));
        assert_eq!(place("ops"), (None, None, "ops".into(), false));
        assert_eq!(place("@ann"), (None, None, "ann".into(), true));
        assert_eq!(place("work/#ops"), (None, s("work"), "ops".into(), false));
        assert_eq!(place("work:#ops"), (s("work"), None, "ops".into(), false));
        assert_eq!(place("work:T1/#ops"), (s("work"), s("T1"), "ops".into(), false));
        for text in ["work:T1/#ops", "work/@ann", "#ops", "work:#ops", "#19:a@b", "work:#19:a@b"] {
            let place: PlaceRef = text.parse().unwrap();
            assert_eq!(place.to_string(), text);
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_place() {
        for text in ["", "#", "work/", "work/#", "#a b", ":b:c/#d"] {
            assert!(text.parse::<PlaceRef>().unwrap_err().contains("is no place"), "{text}");
        }
    }
}
