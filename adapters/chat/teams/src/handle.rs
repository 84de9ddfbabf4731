//! What the adapter needs again when it answers an event or fetches a file, in the handles that the rest of the house carries
//! without understanding them.

use bellhop_core::call::Handle;
use serde::{Deserialize, Serialize};

/// How an event can be answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReplyTo {
    /// The conversation, with its thread.
    #[serde(default)]
    pub conversation: String,
    /// The message that is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<String>,
    /// The connector's name for the person (`29:...`).
    #[serde(default)]
    pub person: String,
}

/// How a file that came with a message can be fetched.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FileHandle {
    /// By an address that needs no token and lives for minutes.
    Open(String),
    /// By an address of the connector, with the bot's token.
    Connector(String),
    /// By Graph: the address under which people see it, in this tenant.
    Shared {
        /// The address.
        url: String,
        /// The tenant.
        tenant: String,
    },
    /// By Graph, which first has to be asked what it is: a file of a message in a channel or group chat.
    Posted(crate::files::Posted),
    /// The bytes themselves: a message's text that is to be kept as a file.
    Text(String),
}

impl ReplyTo {
    /// As the rest of the house carries it.
    pub fn handle(&self) -> Handle {
        // Plain data always serialises.
        Handle(serde_json::to_value(self).unwrap_or_default())
    }

    /// What a handle holds; nothing where it is of another shape, as an older version may have written it.
    pub fn of(handle: Option<&Handle>) -> Self {
        handle.and_then(|handle| serde_json::from_value(handle.0.clone()).ok()).unwrap_or_default()
    }
}

impl FileHandle {
    /// As the rest of the house carries it.
    pub fn handle(&self) -> Handle {
        Handle(serde_json::to_value(self).unwrap_or_default())
    }

    /// What a handle holds.
    pub fn of(handle: &Handle) -> Option<Self> {
        serde_json::from_value(handle.0.clone()).ok()
    }
}
