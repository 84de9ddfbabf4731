//! How messages are spelled for the rest of the house, and what an id of Discord's is. A message that the bot's token can change
//! is its id; one that only the token of its interaction can change says so by a letter before a colon. It looks nothing up.

use bellhop_core::address::Address;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::MessageId;

/// The workspace of direct conversations, which belong to no server.
pub(crate) const DIRECT: &str = "@me";

/// The beginning of Discord's time, in Unix milliseconds.
const EPOCH: i64 = 1_420_070_400_000;

/// A message that was sent, in the way it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MessageRef {
    /// `1180000000000000001`, in the channel of its address; `CHANNEL:ID` where that is another one.
    Channel {
        /// The channel, where it isn't the address's.
        channel: Option<String>,
        /// Its id.
        id: String,
    },
    /// `w:INTERACTION:ID`: an answer that only the token of its interaction reaches. The token is kept in the records.
    Answer {
        /// The interaction that it answers.
        interaction: String,
        /// Its id, `@original` for the first answer.
        id: String,
    },
}

impl MessageRef {
    /// Takes a spelling apart; `None` for what can't be a message of Discord's.
    pub(crate) fn parse(id: &MessageId) -> Option<Self> {
        let of = |id: &str| is_id(id).then(|| id.to_owned());
        match id.as_str().split(':').collect::<Vec<_>>().as_slice() {
            ["w", interaction, id] if *id == "@original" || is_id(id) => {
                Some(Self::Answer { interaction: of(interaction)?, id: (*id).to_owned() })
            }
            [channel, id] => Some(Self::Channel { channel: Some(of(channel)?), id: of(id)? }),
            [id] => Some(Self::Channel { channel: None, id: of(id)? }),
            _ => None,
        }
    }

    /// A message posted to `asked` that is in `channel`.
    pub(crate) fn posted(asked: &str, channel: &str, id: &str) -> Self {
        Self::Channel { channel: (asked != channel && !channel.is_empty()).then(|| channel.to_owned()), id: id.to_owned() }
    }

    /// Its spelling.
    pub(crate) fn id(&self) -> MessageId {
        MessageId::new(match self {
            Self::Channel { channel: Some(channel), id } => format!("{channel}:{id}"),
            Self::Channel { channel: None, id } => id.clone(),
            Self::Answer { interaction, id } => format!("w:{interaction}:{id}"),
        })
    }
}

/// The channel that messages of an address go to: a thread is a channel of its own.
pub(crate) fn target(at: &Address) -> &str {
    at.thread.as_ref().map_or(at.channel.as_str(), bellhop_core::ids::ThreadId::as_str)
}

/// Whether a text is an id of Discord's (<https://docs.discord.com/developers/reference#snowflakes>).
pub(crate) fn is_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit()) && text.parse::<u64>().is_ok_and(|id| id > 0)
}

/// When the thing with this id was made.
pub(crate) fn made(id: &str) -> Option<Timestamp> {
    let id: u64 = id.parse().ok()?;
    Timestamp::from_timestamp_millis(i64::try_from(id >> 22).ok()? + EPOCH)
}

/// The id that a thing made at this moment would have at least.
pub(crate) fn id_at(moment: Timestamp) -> String {
    let millis = u64::try_from(moment.timestamp_millis() - EPOCH).unwrap_or(0);
    (millis << 22).max(1).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_read_as_they_were_written() {
        for text in ["1180000000000000001", "12:34", "w:12:34", "w:12:@original", "999999999"] {
            assert_eq!(MessageRef::parse(&text.into()).unwrap().id().as_str(), text);
        }
        for text in ["", "x", "1:x", "w:x:1", "w:1:y", "1:2:3", "-1", "99999999999999999999999"] {
            assert_eq!(MessageRef::parse(&text.into()), None, "{text}");
        }
        assert_eq!(MessageRef::posted("1", "1", "2").id().as_str(), "2");
        assert_eq!(MessageRef::posted("1", "3", "2").id().as_str(), "3:2");
    }

    /// The example of Discord's own page.
    #[test]
    fn ids_tell_when() {
        let at = made("175928847299117063").unwrap();
        assert_eq!(at.timestamp_millis(), 1_462_015_105_796);
        let least: u64 = id_at(at).parse().unwrap();
        assert!(least <= 175_928_847_299_117_063 && made(&id_at(at)) == Some(at));
    }
}
