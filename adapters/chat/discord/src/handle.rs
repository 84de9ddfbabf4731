//! What the adapter needs again when it answers an event or fetches a file, in the handles that the rest of the house carries
//! without understanding them.

use bellhop_core::call::Handle;
use bellhop_core::clock::Timestamp;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// How long the token of an interaction is good, less what a request may take
/// (<https://docs.discord.com/developers/interactions/receiving-and-responding>).
const TOKEN: TimeDelta = TimeDelta::seconds(15 * 60 - 15);

/// How an event can be answered.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReplyTo {
    /// The interaction, and the token that answers it for fifteen minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interaction: Option<Interaction>,
    /// The message that spoke to the bot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// An interaction that can be answered.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Interaction {
    /// Its id.
    pub id: String,
    /// The application that it belongs to.
    pub application: String,
    /// What answers it.
    pub token: String,
    /// When it arrived; the token's time counts from it.
    pub received: Timestamp,
    /// Whether a first answer was promised ("is thinking"), which is to be filled in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub promised: bool,
    /// Whether what was promised is for the one person alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// Whether the bot itself may post where it was asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_post: bool,
}

impl Interaction {
    /// Whether its token is still good.
    pub(crate) fn fresh(&self, now: Timestamp) -> bool {
        now - self.received <= TOKEN
    }
}

/// How a file that came with a message can be fetched.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct FileHandle {
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// Where its bytes are, for a while: the address expires.
    #[serde(default)]
    pub url: String,
    /// The channel and the message that it is in, where it is in one: asked again, they tell a fresh address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<(String, String)>,
    /// The bytes themselves: a message's text that is to be kept as a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl ReplyTo {
    /// As the rest of the house carries it.
    pub(crate) fn handle(&self) -> Handle {
        // Plain data always serialises.
        Handle(serde_json::to_value(self).unwrap_or_default())
    }

    /// What a handle holds; nothing where it is of another shape, as an older version may have written it.
    pub(crate) fn of(handle: Option<&Handle>) -> Self {
        handle.and_then(|handle| serde_json::from_value(handle.0.clone()).ok()).unwrap_or_default()
    }
}

impl FileHandle {
    /// As the rest of the house carries it.
    pub(crate) fn handle(&self) -> Handle {
        Handle(serde_json::to_value(self).unwrap_or_default())
    }

    /// What a handle holds.
    pub(crate) fn of(handle: &Handle) -> Option<Self> {
        serde_json::from_value(handle.0.clone()).ok()
    }
}
