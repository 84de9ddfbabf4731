//! How conversations and messages are spelled for the rest of the house. A place's channel is the conversation without its
//! thread; a message is its activity's id, and what needs another way says so by a letter before a colon. It looks nothing up.

use bellhop_core::address::Address;
use bellhop_core::ids::MessageId;

/// What stands between a channel and a message in it in the id of a conversation.
const THREAD: &str = ";messageid=";

/// A conversation's id apart: the chat or channel, and the message whose thread it is.
pub(crate) fn apart(conversation: &str) -> (&str, Option<&str>) {
    match conversation.split_once(THREAD) {
        Some((channel, thread)) if !thread.is_empty() => (channel, Some(thread)),
        _ => (conversation.split(';').next().unwrap_or(conversation), None),
    }
}

/// The conversation of an address: the thread where it names one, in a channel.
pub(crate) fn conversation(at: &Address) -> String {
    match &at.thread {
        Some(thread) if is_channel(at.channel.as_str()) => format!("{}{THREAD}{thread}", at.channel),
        _ => at.channel.to_string(),
    }
}

/// Whether a conversation is a team's channel: only those have threads.
pub(crate) fn is_channel(conversation: &str) -> bool {
    let (channel, _) = apart(conversation);
    channel.ends_with("@thread.tacv2") || channel.ends_with("@thread.skype")
}

/// Whether a text is a person's object id: a GUID.
pub(crate) fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether a text can be the name that the connector gives a person to this bot.
pub(crate) fn is_connector_id(text: &str) -> bool {
    text.starts_with("29:") && text.len() > 3 && !text.contains(char::is_whitespace)
}

/// A message that was sent, in the way it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MessageRef {
    /// `1700000000000`: an activity in the conversation of its address.
    Activity(String),
    /// `t:1700000000000`: an activity that one person sees.
    Targeted(String),
    /// `d:CONVERSATION 1700000000000`: an activity in another conversation, the one with the person.
    Direct {
        /// The conversation.
        conversation: String,
        /// The activity.
        activity: String,
    },
    /// `w:KEY`: given to a Workflow, which tells nothing of what became of it.
    Webhook(String),
}

impl MessageRef {
    /// Takes a spelling apart. Whatever isn't spelled by us is taken for an activity: the connector says what it thinks of it.
    pub(crate) fn parse(id: &MessageId) -> Self {
        match id.as_str().split_once(':') {
            Some(("t", activity)) => Self::Targeted(activity.to_owned()),
            Some(("w", key)) => Self::Webhook(key.to_owned()),
            Some(("d", rest)) => match rest.rsplit_once(' ') {
                Some((conversation, activity)) => Self::Direct { conversation: conversation.to_owned(), activity: activity.to_owned() },
                None => Self::Activity(id.to_string()),
            },
            _ => Self::Activity(id.to_string()),
        }
    }

    /// Its spelling.
    pub(crate) fn id(&self) -> MessageId {
        MessageId::new(match self {
            Self::Activity(activity) => activity.clone(),
            Self::Targeted(activity) => format!("t:{activity}"),
            Self::Direct { conversation, activity } => format!("d:{conversation} {activity}"),
            Self::Webhook(key) => format!("w:{key}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_read_as_they_were_written() {
        for text in ["1700000000000", "f:uuid", "t:17", "d:a:1xyz 17", "d:19:x@thread.tacv2;messageid=1 17", "w:key"] {
            assert_eq!(MessageRef::parse(&text.into()).id().as_str(), text);
        }
    }

    #[test]
    fn threads_are_told_from_channels() {
        assert_eq!(apart("19:x@thread.tacv2;messageid=17"), ("19:x@thread.tacv2", Some("17")));
        assert_eq!(apart("19:x@thread.tacv2"), ("19:x@thread.tacv2", None));
        assert_eq!(apart("a:1"), ("a:1", None));
        let mut at = Address::channel("work", "T", "19:x@thread.tacv2");
        assert_eq!(conversation(&at), "19:x@thread.tacv2");
        at.thread = Some("17".into());
        assert_eq!(conversation(&at), "19:x@thread.tacv2;messageid=17");
        at.channel = "a:1".into();
        assert_eq!(conversation(&at), "a:1");
    }

    #[test]
    fn ids_are_told_from_names() {
        assert!(is_guid("11111111-2222-3333-4444-555555555555") && !is_guid("11111111-2222-3333-4444") && !is_guid("ann"));
        assert!(is_connector_id("29:1abc") && !is_connector_id("29:") && !is_connector_id("28:x"));
    }
}
