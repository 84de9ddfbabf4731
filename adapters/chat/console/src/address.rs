//! How places and messages are written in the console: `general`, `@you` for a person's conversation with the bot,
//! `general:ID` for a message, `general:ROOT:ID` for one in a thread. It looks nothing up.

use crate::config::is_id;
use bellhop_core::address::Address;
use bellhop_core::ids::{ChannelId, ChatName, MessageId, ThreadId, UserId, WorkspaceId};

/// The one workspace.
pub(crate) const WORKSPACE: &str = "local";

/// Where a message is, and which one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessageRef {
    pub channel: ChannelId,
    pub thread: Option<ThreadId>,
    pub id: String,
}

impl MessageRef {
    /// Takes a reference apart, or says nothing: where it came from decides what the reader is told.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (channel, thread, id) = match parts.as_slice() {
            [channel, id] => (*channel, None, *id),
            [channel, thread, id] => (*channel, Some(*thread), *id),
            _ => return None,
        };
        let good = is_channel(channel) && is_id(id) && thread.is_none_or(is_id);
        good.then(|| Self { channel: channel.into(), thread: thread.map(ThreadId::from), id: id.to_owned() })
    }

    pub fn message_id(&self) -> MessageId {
        MessageId::new(self.to_string())
    }

    /// The place that an answer to this message belongs to.
    pub fn address(&self, chat: &ChatName) -> Address {
        Address { chat: chat.clone(), workspace: WorkspaceId::from(WORKSPACE), channel: self.channel.clone(), thread: self.thread.clone() }
    }
}

impl std::fmt::Display for MessageRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.thread {
            Some(thread) => write!(f, "{}:{thread}:{}", self.channel, self.id),
            None => write!(f, "{}:{}", self.channel, self.id),
        }
    }
}

/// Whether text can be a channel's id.
pub(crate) fn is_channel(text: &str) -> bool {
    is_id(text.strip_prefix('@').unwrap_or(text))
}

/// The conversation of a person with the bot.
pub(crate) fn direct(person: &UserId) -> ChannelId {
    ChannelId::new(format!("@{person}"))
}

/// The person whose conversation a channel is, where it is one.
pub(crate) fn direct_person(channel: &ChannelId) -> Option<UserId> {
    channel.as_str().strip_prefix('@').map(UserId::from)
}

/// A channel's name as it is kept: without `#`, in lower case, `-` for spaces.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn channel_name(text: &str) -> Result<String, String> {
    let shown = bellhop_core::text::shorten(&bellhop_core::text::one_line(text), 60);
    let wrong = |why: &str| Err(format!("`{shown}` can't be a channel's name: {why}"));
    let name: String = text.trim().trim_start_matches('#').to_lowercase().split_whitespace().collect::<Vec<_>>().join("-");
    if name.is_empty() {
        return wrong("it is empty");
    }
    if name.chars().count() > 64 {
        return wrong("it is over 64 characters; give a shorter one");
    }
    if let Some(bad) = name.chars().find(|c| !(c.is_alphanumeric() || matches!(c, '-' | '_'))) {
        return wrong(&format!("it contains {bad:?}; use letters, digits, - and _"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_back() {
        for text in ["general:01-a", "@you:01", "general:01:02"] {
            assert_eq!(MessageRef::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "general", "general:", ":1", "a:b:c:d", "a/b:1", "general:../x", "general:<b>", "@:1", "a:1\0"] {
            assert_eq!(MessageRef::parse(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_made_plain() {
        assert_eq!(channel_name(" #Big News ").unwrap(), "big-news");
        assert_eq!(channel_name("übung_1").unwrap(), "übung_1");
        for bad in ["", "#", "a/b", "a:b", "@you", "a\u{202e}b"] {
            assert!(channel_name(bad).unwrap_err().contains("can't be a channel's name"), "{bad}");
        }
    }
}
