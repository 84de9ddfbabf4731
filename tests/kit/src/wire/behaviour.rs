//! What the world can be told, and what it tells.

use bellhop_core::capabilities::Lookup;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the world is from its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// What it offers to settle a delivery whose outcome is unknown. `ByKey`: messages can be looked up. `Idempotent`:
    /// the same key is the same message. `None`: neither.
    pub lookup: Lookup,
    /// The bot's token.
    pub token: String,
    /// Names of its channels; their ids are `C1`, `C2`, ...
    pub channels: Vec<String>,
    /// Names of its people, which are their ids too.
    pub people: Vec<String>,
}

impl Settings {
    /// Two channels (`ops`, `general`) and three people (`ann`, `bob`, `cem`).
    #[must_use]
    pub fn new(lookup: Lookup) -> Self {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        Self { lookup, token: "wire-token".to_owned(), channels: names(&["ops", "general"]), people: names(&["ann", "bob", "cem"]) }
    }
}

/// How the world behaves. The default is well.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Answers with this status and does nothing.
    pub refuse: Option<u16>,
    /// Does it, and answers with this status all the same.
    pub fail_after: Option<u16>,
    /// Does it, and answers with what is no JSON.
    pub garbage: bool,
    /// Waits this many milliseconds before it does it, whether or not the client waits too.
    pub think_ms: u64,
    /// Waits this many milliseconds after it did it, before it answers.
    pub linger_ms: u64,
    /// Does it, and loses the answer, in so many of a hundred cases.
    pub lose_percent: u8,
    /// Resets the connection and does nothing, in so many of a hundred cases.
    pub reset_percent: u8,
    /// How many requests are treated so; after that it behaves well. `None` for all.
    pub times: Option<u64>,
    /// The limit that writing to a channel has. It holds whatever `times` says.
    pub rate: Option<Rate>,
}

/// At most `count` writes to one channel within `per_ms` milliseconds; after that 429 until the window has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In how many milliseconds.
    pub per_ms: u64,
}

/// What reached the world.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// How many messages were ever posted under each key.
    pub copies: BTreeMap<String, u64>,
    /// How often the messages of each key were changed.
    pub edits: BTreeMap<String, u64>,
    /// Requests of any kind.
    pub calls: u64,
    /// Requests that were refused for the rate limit.
    pub limited: u64,
    /// Requests that came before the pause that they were told had ended.
    pub early: u64,
    /// Look-ups.
    pub finds: u64,
    /// Answers that were lost on purpose after the thing was done.
    pub lost_answers: u64,
    /// Connections that were reset on purpose before anything was done.
    pub resets: u64,
    /// Posts under a key that was posted already, which an idempotent world answered with the first message.
    pub repeats: u64,
}

impl Ledger {
    /// How many messages were posted under this key.
    #[must_use]
    pub fn copies_of(&self, key: &str) -> u64 {
        self.copies.get(key).copied().unwrap_or(0)
    }

    /// Keys under which more than one message was posted, with their number.
    #[must_use]
    pub fn duplicates(&self) -> Vec<(&str, u64)> {
        self.copies.iter().filter(|(_, copies)| **copies > 1).map(|(key, copies)| (key.as_str(), *copies)).collect()
    }

    /// Those of the expected keys under which nothing was posted.
    pub fn lost<'a>(&self, expected: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        expected.into_iter().filter(|key| self.copies_of(key) == 0).collect()
    }
}
