//! What the adapter needs again when it answers an event or fetches a file, in the handles that the rest of the house
//! carries without understanding them.

use bellhop_core::call::Handle;
use bellhop_core::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// How an event can be answered.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplyTo {
    /// Where up to five messages may be posted within half an hour, without membership and without a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_url: Option<String>,
    /// What opens a modal, once, within three seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_id: Option<String>,
    /// When the event arrived; both of the above count from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Timestamp>,
    /// The message whose button was clicked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_ts: Option<String>,
    /// Whether that message is seen by one person only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ephemeral: bool,
}

/// How a file that came with a message can be fetched.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct FileHandle {
    /// The workspace whose token reads it.
    pub workspace: String,
    /// Its id (`F...`).
    #[serde(default)]
    pub file: String,
    /// Where its bytes are, where the event said; otherwise it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The bytes themselves: a message's text that is to be kept as a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl ReplyTo {
    /// As the rest of the house carries it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        // Plain data always serialises.
        Handle(serde_json::to_value(self).unwrap_or_default())
    }

    /// What a handle holds; nothing where it is of another shape, as an older version may have written it.
    #[must_use]
    pub fn of(handle: Option<&Handle>) -> Self {
        handle.and_then(|handle| serde_json::from_value(handle.0.clone()).ok()).unwrap_or_default()
    }
}

impl FileHandle {
    /// As the rest of the house carries it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(serde_json::to_value(self).unwrap_or_default())
    }

    /// What a handle holds.
    #[must_use]
    pub fn of(handle: &Handle) -> Option<Self> {
        serde_json::from_value(handle.0.clone()).ok()
    }
}
