//! What a button, an option or a view carries, so that a click says what is meant without the bot remembering it. What is
//! too long for Slack's fields is kept in the records, and its key is carried instead.

use bellhop_core::call::{Attachment, Invoke};
use bellhop_core::form::Answers;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The most characters of a button's value (<https://docs.slack.dev/reference/block-kit/block-elements/button-element>).
pub const BUTTON_VALUE: usize = 2000;
/// The most characters of an option's value. The page says 150, older clients 75.
pub const OPTION_VALUE: usize = 75;
/// The records' collection of what was too long, by connection.
#[must_use]
pub fn collection(chat: &str) -> String {
    format!("slack/{chat}/clicks")
}

/// What is meant by a click.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Click {
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
    /// Run this line with these files. Always too long for a field: it is kept.
    #[serde(rename = "a")]
    Put {
        /// The line.
        line: String,
        /// The files.
        attachments: Vec<Attachment>,
    },
    /// What is meant is kept under this key.
    #[serde(rename = "k")]
    Kept(String),
    /// Nothing: a link that Slack reports all the same.
    #[serde(rename = "n")]
    Nothing,
}

/// Something to be put into the records before the message that refers to it is sent. The key is a hash of the value, so that
/// keeping it twice is harmless.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its key.
    pub key: String,
    /// The click.
    pub click: Click,
}

impl Click {
    /// The text for a field of at most `most` characters, and what has to be kept for it.
    #[must_use]
    pub fn written(&self, most: usize) -> (String, Option<Kept>) {
        // Plain data always serialises.
        let text = serde_json::to_string(self).unwrap_or_default();
        if text.chars().count() <= most {
            return (text, None);
        }
        let key = hex::encode(&Sha256::digest(text.as_bytes())[..16]);
        let short = serde_json::to_string(&Self::Kept(key.clone())).unwrap_or_default();
        (short, Some(Kept { key, click: self.clone() }))
    }

    /// What a field says; `None` for what this bot never wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// What a modal carries in `private_metadata` (at most 3000 characters).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ViewMeta {
    /// The command that the form completes; empty for a line that is typed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// Where it was asked: the answer goes there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// The thread there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// The response address of what opened the form, and when it began to count (Unix seconds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_url: Option<(String, i64)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn short_clicks_travel_and_long_ones_are_kept() {
        let short = Click::Invoke(Invoke { command: "file list".into(), args: json!({}) });
        let (text, kept) = short.written(BUTTON_VALUE);
        assert_eq!((Click::read(&text), kept), (Some(short), None));
        let long = Click::Invoke(Invoke { command: "file put".into(), args: json!({ "name": "x".repeat(3000) }) });
        let (text, kept) = long.written(BUTTON_VALUE);
        let kept = kept.unwrap();
        assert!(text.len() <= OPTION_VALUE);
        assert_eq!(Click::read(&text), Some(Click::Kept(kept.key.clone())));
        assert_eq!((kept.click.clone(), long.written(OPTION_VALUE).1), (long, Some(kept)));
        assert_eq!(Click::read("not ours"), None);
    }
}
