//! How messages are spelled for the rest of the house, and what an id of Slack's is. A message of a channel is its `ts`;
//! everything that has none of the usual means says so by a letter before a colon. It looks nothing up.

use bellhop_core::ids::MessageId;

/// A message that was sent, in the way it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MessageRef {
    /// `1700000000.000100`, in the channel of its address; `D1:1700000000.000100` where that is another one.
    Channel {
        /// The conversation, where it isn't the address's.
        channel: Option<String>,
        /// Its time, which is its name.
        ts: String,
    },
    /// `r:KEY` for a message that a response address put in place of the one that was clicked, `n:KEY` for a further one,
    /// which nothing can change.
    Response {
        /// The key of the response address in the records.
        key: String,
        /// Whether it stands in the place of the clicked message.
        replaced: bool,
    },
    /// `e:1700000000.000100`: seen by one person, and changed by nothing.
    Ephemeral(String),
    /// `v:V1`: a view that opened.
    View(String),
    /// `f:F1`: a file.
    File(String),
    /// `s:Q1`: planned, not posted yet.
    Scheduled(String),
}

impl MessageRef {
    /// Takes a spelling apart. Whatever isn't spelled by us is taken for a `ts`: Slack says what it thinks of it.
    pub(crate) fn parse(id: &MessageId) -> Self {
        match id.as_str().split_once(':') {
            Some(("r", key)) => Self::Response { key: key.to_owned(), replaced: true },
            Some(("n", key)) => Self::Response { key: key.to_owned(), replaced: false },
            Some(("e", ts)) => Self::Ephemeral(ts.to_owned()),
            Some(("v", view)) => Self::View(view.to_owned()),
            Some(("f", file)) => Self::File(file.to_owned()),
            Some(("s", plan)) => Self::Scheduled(plan.to_owned()),
            Some((channel, ts)) => Self::Channel { channel: Some(channel.to_owned()), ts: ts.to_owned() },
            None => Self::Channel { channel: None, ts: id.as_str().to_owned() },
        }
    }

    /// A message posted to `asked` that Slack says is in `channel`.
    pub(crate) fn posted(asked: &str, channel: &str, ts: &str) -> Self {
        Self::Channel { channel: (asked != channel && !channel.is_empty()).then(|| channel.to_owned()), ts: ts.to_owned() }
    }

    /// Its spelling.
    pub(crate) fn id(&self) -> MessageId {
        MessageId::new(match self {
            Self::Channel { channel: Some(channel), ts } => format!("{channel}:{ts}"),
            Self::Channel { channel: None, ts } => ts.clone(),
            Self::Response { key, replaced: true } => format!("r:{key}"),
            Self::Response { key, replaced: false } => format!("n:{key}"),
            Self::Ephemeral(ts) => format!("e:{ts}"),
            Self::View(view) => format!("v:{view}"),
            Self::File(file) => format!("f:{file}"),
            Self::Scheduled(plan) => format!("s:{plan}"),
        })
    }
}

/// Whether a text is an id of Slack's beginning with one of these letters.
pub(crate) fn is_id(text: &str, kinds: &[char]) -> bool {
    text.len() >= 2 && text.starts_with(kinds) && text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// Whether it is the id of a person: messages to it go to their conversation with the bot.
pub(crate) fn is_person(channel: &str) -> bool {
    channel.starts_with(['U', 'W'])
}

/// Whether a channel is a conversation of two, or the way to one.
pub(crate) fn is_direct(channel: &str) -> bool {
    channel.starts_with('D') || is_person(channel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_read_as_they_were_written() {
        for text in ["1700000000.000100", "D1:1700000000.000100", "r:001-ab", "n:001-ab", "e:1.2", "v:V1", "f:F1", "s:Q1", "999999999"] {
            assert_eq!(MessageRef::parse(&text.into()).id().as_str(), text);
        }
        assert_eq!(MessageRef::posted("C1", "C1", "1.2").id().as_str(), "1.2");
        assert_eq!(MessageRef::posted("U1", "D1", "1.2").id().as_str(), "D1:1.2");
    }

    #[test]
    fn ids_are_told_from_names() {
        assert!(is_id("C0123ABC", &['C', 'G']) && is_id("U1", &['U', 'W']));
        for name in ["", "C", "general", "Channel", "C-1", "c123", "T1"] {
            assert!(!is_id(name, &['C', 'G', 'U']), "{name}");
        }
    }
}
