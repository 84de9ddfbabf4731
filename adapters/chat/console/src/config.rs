//! The `[chat.NAME]` section of a console: who can be chosen, which channels there are at the start, how large an upload
//! may be. It does not say where the console listens: that is `[server]`.

use bellhop_core::Access;
use bellhop_core::ids::UserId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A person that whoever is logged in may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Their id, as `[[role]] users = ["NAME:ID"]` spells it: letters, digits, `-`, `_` and `.`.
    pub id: UserId,
    /// The name to show.
    pub name: String,
    /// What they are meant to be allowed: the bot grants it for these people unless `[[role]]` says otherwise.
    #[serde(rename = "role", default)]
    pub access: Access,
}

/// Three people, one per role, so that permissions can be tried at once. Their names begin as their roles do: Ada the
/// admin, Olive the operator, Max the member.
#[must_use]
pub fn default_people() -> Vec<Person> {
    let person = |id: &str, name: &str, access| Person { id: id.into(), name: name.to_owned(), access };
    vec![person("you", "Ada", Access::Admin), person("olive", "Olive", Access::Operator), person("max", "Max", Access::Member)]
}

/// The console's settings. Everything has a default; a value that can't work is an error when the file is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct ConsoleConfig {
    /// The people that can be chosen, the first one at log-in. Default: [`default_people`].
    pub people: Vec<Person>,
    /// Channels that exist from the start, the first one shown first. Default: `general`, `ops`, `alerts`.
    pub channels: Vec<String>,
    /// The largest upload in bytes, written as a number or as `"10MiB"`. Default: 5 GiB.
    pub upload_limit: u64,
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self { people: default_people(), channels: ["general", "ops", "alerts"].map(str::to_owned).to_vec(), upload_limit: 5 << 30 }
    }
}

/// The section as it is written, before it was checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    people: Option<Vec<Person>>,
    channels: Option<Vec<String>>,
    upload_limit: Option<Size>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Size {
    Bytes(u64),
    Text(String),
}

impl TryFrom<Written> for ConsoleConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let default = Self::default();
        let config = Self {
            people: written.people.unwrap_or(default.people),
            channels: written.channels.unwrap_or(default.channels),
            upload_limit: match written.upload_limit {
                None => default.upload_limit,
                Some(Size::Bytes(bytes)) => bytes,
                Some(Size::Text(text)) => size(&text)?,
            },
        };
        config.check()?;
        Ok(config)
    }
}

impl ConsoleConfig {
    fn check(&self) -> Result<(), String> {
        let mut ids = BTreeSet::new();
        for person in &self.people {
            let id = person.id.as_str();
            if !is_id(id) {
                return Err(format!("`{id}` can't be a person's id: use 1 to 64 letters, digits, -, _ and ."));
            }
            if person.name.trim().is_empty() {
                return Err(format!("the person `{id}` needs a name"));
            }
            if !ids.insert(id.to_lowercase()) {
                return Err(format!("two people have the id `{id}`; ids differ by more than capitals"));
            }
        }
        if self.people.is_empty() {
            return Err("`people` is empty; name at least one person, or leave the key out for the usual three".to_owned());
        }
        let mut names = BTreeSet::new();
        for channel in &self.channels {
            let name = crate::address::channel_name(channel)?;
            if &name != channel || !is_id(channel) {
                return Err(format!("the channel `{channel}` in `channels` is written in lower-case letters a to z, digits, - and _"));
            }
            if !names.insert(channel) {
                return Err(format!("the channel `{channel}` is named twice"));
            }
        }
        if self.channels.is_empty() {
            return Err("`channels` is empty; name at least one channel, or leave the key out for the usual three".to_owned());
        }
        if self.upload_limit == 0 {
            return Err("`upload_limit` is 0; write a size such as \"100MiB\"".to_owned());
        }
        Ok(())
    }
}

/// Whether text can be an id in an address: short, and of characters that need no escaping there.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && text != "."
        && text != ".."
}

/// Reads `10MiB`, `5 GB`, `1024`.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size; write a number with B, KiB, MiB, GiB or TiB, such as \"10MiB\"");
    let trimmed = text.trim();
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = trimmed[..digits].parse().map_err(|_| wrong())?;
    let unit = match trimmed[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: serde_json::Value) -> Result<ConsoleConfig, String> {
        serde_json::from_value(value).map_err(|e| e.to_string())
    }

    #[test]
    fn everything_has_a_default() {
        assert_eq!(read(json!({})).unwrap(), ConsoleConfig::default());
    }

    #[test]
    fn what_cannot_work_is_named() {
        let wrong = |value| read(value).unwrap_err();
        assert!(wrong(json!({ "poeple": [] })).contains("poeple"));
        assert!(wrong(json!({ "people": [] })).contains("at least one person"));
        assert!(wrong(json!({ "people": [{ "id": "a/b", "name": "A" }] })).contains("`a/b`"));
        assert!(wrong(json!({ "people": [{ "id": "a", "name": "A" }, { "id": "A", "name": "B" }] })).contains("two people"));
        assert!(wrong(json!({ "people": [{ "id": "a", "name": "A", "role": "king" }] })).contains("king"));
        assert!(wrong(json!({ "channels": ["a b"] })).contains("`a b`"));
        assert!(wrong(json!({ "channels": ["a", "a"] })).contains("twice"));
        assert!(wrong(json!({ "upload_limit": "10 apples" })).contains("10 apples"));
    }

    #[test]
    fn sizes_are_read() {
        assert_eq!(read(json!({ "upload_limit": "10MiB" })).unwrap().upload_limit, 10 << 20);
        assert_eq!(read(json!({ "upload_limit": 12 })).unwrap().upload_limit, 12);
        assert!(size("99999999999999TiB").is_err());
    }
}
