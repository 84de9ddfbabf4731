//! What a button or a dialog carries, so that a click says what is meant without the bot remembering it. What is long is kept
//! in the records, and its key is carried instead: cards have a size.
//!
//! Whoever clicks can change what a card carries, so nothing in it is believed beyond what the person could have typed.

use bellhop_core::call::{Attachment, Invoke};
use bellhop_core::form::Answers;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The most bytes that a button carries itself.
const CARRIED: usize = 500;
/// The member of a card's `data` that is ours.
pub(crate) const MEMBER: &str = "bellhop";

/// The records' collection of what was too long, by connection.
pub(crate) fn collection(chat: &str) -> String {
    format!("teams/{chat}/clicks")
}

/// What is meant by a click.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Click {
    /// Run this.
    #[serde(rename = "i")]
    Invoke(Invoke),
    /// Show the form of this command, with these answers filled in.
    #[serde(rename = "f")]
    Form {
        /// The command.
        command: String,
        /// What is known already.
        answers: Answers,
    },
    /// Let the person complete this line.
    #[serde(rename = "p")]
    Prefill(String),
    /// A form that was filled in.
    #[serde(rename = "s")]
    Submit {
        /// The command.
        command: String,
        /// Files that go with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<Attachment>,
    },
    /// A line that was typed.
    #[serde(rename = "l")]
    Line,
    /// Tell the newest state of the card.
    #[serde(rename = "r")]
    Refresh,
    /// What is meant is kept under this key.
    #[serde(rename = "k")]
    Kept(String),
}

/// Something to be put into the records before the message that refers to it is sent. The key is a hash of the value, so that
/// keeping it twice is harmless.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub key: String,
    pub click: Click,
}

impl Click {
    /// What a card carries for it, and what has to be kept for it.
    pub fn carried(&self) -> (Value, Option<Kept>) {
        // Plain data always serialises.
        let value = serde_json::to_value(self).unwrap_or_default();
        let text = value.to_string();
        let secret = matches!(self, Self::Submit { attachments, .. } if !attachments.is_empty());
        if text.len() <= CARRIED && !secret {
            return (value, None);
        }
        let key = hex::encode(&Sha256::digest(text.as_bytes())[..16]);
        (serde_json::to_value(Self::Kept(key.clone())).unwrap_or_default(), Some(Kept { key, click: self.clone() }))
    }

    /// What a card's `data` says; `None` for what this bot never wrote.
    pub fn read(data: &Value) -> Option<Self> {
        serde_json::from_value(data.get(MEMBER)?.clone()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn short_clicks_travel_and_long_ones_are_kept() {
        let short = Click::Invoke(Invoke { command: "file list".into(), args: json!({}) });
        let (value, kept) = short.carried();
        assert_eq!((Click::read(&json!({ MEMBER: value, "other": 1 })), kept), (Some(short), None));
        let long = Click::Invoke(Invoke { command: "file put".into(), args: json!({ "name": "x".repeat(3000) }) });
        let (value, kept) = long.carried();
        let kept = kept.unwrap();
        assert_eq!(Click::read(&json!({ MEMBER: value })), Some(Click::Kept(kept.key.clone())));
        assert_eq!(kept.click, long);
        assert_eq!(Click::read(&json!({ "text": "not ours" })), None);
    }
}
