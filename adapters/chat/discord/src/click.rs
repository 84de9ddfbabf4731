//! What a button, an option of a menu or a form carries, so that a click says what is meant without the bot remembering it. What is
//! too long for Discord's hundred characters is kept in the records, and its key is carried instead. Nothing in it is trusted
//! with more than the one who clicks may do anyway.

use bellhop_core::call::Invoke;
use bellhop_core::form::Answers;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The most characters of a `custom_id` and of an option's value (<https://docs.discord.com/developers/components/reference>).
pub(crate) const LONGEST: usize = 100;

/// The records' collection of what was too long, by connection.
pub(crate) fn collection(chat: &str) -> String {
    format!("discord/{chat}/clicks")
}

/// What is meant by a click or a submitted form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Click {
    /// Run this.
    #[serde(rename = "i")]
    Invoke(Invoke),
    /// Show the form of this command, with these answers filled in.
    #[serde(rename = "f")]
    Form {
        /// The command.
        #[serde(rename = "c")]
        command: String,
        /// What is known already.
        #[serde(rename = "a", default, skip_serializing_if = "Answers::is_empty")]
        answers: Answers,
    },
    /// Let the person complete this line.
    #[serde(rename = "p")]
    Prefill(String),
    /// A form of this command was filled in; these answers were not asked.
    #[serde(rename = "s")]
    Submit {
        /// The command.
        #[serde(rename = "c")]
        command: String,
        /// What was known and not shown.
        #[serde(rename = "a", default, skip_serializing_if = "Answers::is_empty")]
        answers: Answers,
    },
    /// A line was typed.
    #[serde(rename = "l")]
    Line,
    /// A choice of the menu: what is meant is the option's value.
    #[serde(rename = "m")]
    Menu,
    /// What is meant is kept under this key.
    #[serde(rename = "k")]
    Kept(String),
}

/// Something to be put into the records before the message that refers to it is sent. The key is a hash of the value, so that
/// keeping it twice is harmless.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    /// Its key.
    pub(crate) key: String,
    /// The click.
    pub(crate) click: Click,
}

impl Click {
    /// The text for a field. Ids must be unique within a message, so `number` tells two that mean the same apart.
    pub(crate) fn written(&self, number: usize) -> (String, Option<Kept>) {
        let field = |click: &Self| format!("{number}.{}", serde_json::to_string(click).unwrap_or_default());
        let text = field(self);
        if text.chars().count() <= LONGEST {
            return (text, None);
        }
        // Plain data always serialises.
        let whole = serde_json::to_string(self).unwrap_or_default();
        let key = hex::encode(&Sha256::digest(whole.as_bytes())[..16]);
        (field(&Self::Kept(key.clone())), Some(Kept { key, click: self.clone() }))
    }

    /// What a field says; `None` for what this bot never wrote.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (number, click) = text.split_once('.')?;
        number.parse::<u16>().ok()?;
        serde_json::from_str(click).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn short_clicks_travel_and_long_ones_are_kept() {
        let short = Click::Invoke(Invoke { command: "alert ack".into(), args: json!({ "id": "a1b2" }) });
        let (text, kept) = short.written(3);
        assert_eq!((Click::read(&text), kept), (Some(short), None));
        let long = Click::Invoke(Invoke { command: "file put".into(), args: json!({ "name": "x".repeat(3000) }) });
        let (text, kept) = long.written(24);
        let kept = kept.unwrap();
        assert!(text.chars().count() <= LONGEST);
        assert_eq!(Click::read(&text), Some(Click::Kept(kept.key.clone())));
        assert_eq!((kept.click.clone(), long.written(1).1), (long, Some(kept)));
        for foreign in ["not ours", "0.", "x.{}", "", "0.{\"i\":1}"] {
            assert_eq!(Click::read(foreign), None, "{foreign}");
        }
    }
}
