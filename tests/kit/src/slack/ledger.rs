//! How the world behaves, and what reached it.

use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// How the world treats calls. The default is well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// Only calls of this method (`chat.postMessage`; `upload`, `download` and `response_url` for what is none); all otherwise.
    pub method: Option<String>,
    /// Answers with this status and does nothing; 429 comes with `retry_after`.
    pub refuse: Option<u16>,
    /// The seconds of `Retry-After` for a 429. Calls before they have passed count as early and are refused too.
    pub retry_after: u32,
    /// Answers `ok: false` with this code and does nothing.
    pub error: Option<String>,
    /// Does it, and answers `ok: false` with this code all the same (`fatal_error`).
    pub error_after: Option<String>,
    /// Does it, and answers with this status all the same.
    pub fail_after: Option<u16>,
    /// Does it, and answers with a web page instead of JSON.
    pub html: bool,
    /// Does it, and answers with what is no JSON.
    pub garbage: bool,
    /// Waits this long before it does it, whether or not the client waits too.
    pub think: Duration,
    /// Waits this long after it did it, before it answers.
    pub linger: Duration,
    /// Does it, and loses the answer, in so many of a hundred cases.
    pub lose_percent: u8,
    /// Resets the connection and does nothing, in so many of a hundred cases.
    pub reset_percent: u8,
    /// How many calls are treated so; after that it behaves well. `None` for all.
    pub times: Option<u64>,
}

/// What reached the world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// Calls by method.
    pub calls: BTreeMap<String, u64>,
    /// Calls that were refused for a rate limit, by method.
    pub limited: BTreeMap<String, u64>,
    /// Calls that came before the pause that they were told had ended, with what they were.
    pub early: Vec<String>,
    /// How many messages were posted with each delivery id, as the messages' metadata names it.
    pub copies: BTreeMap<String, u64>,
    /// Failures that were answered, `method: code`.
    pub failures: Vec<String>,
    /// Arguments that the method doesn't have, `method: name`. Slack ignores them.
    pub strange: Vec<String>,
    /// Answers that were lost on purpose after the thing was done.
    pub lost_answers: u64,
    /// Connections that were reset on purpose before anything was done.
    pub resets: u64,
    /// Every accepted message with the world's time in microseconds: channel and time.
    pub posted: Vec<(String, i64)>,
}

impl Ledger {
    /// How often a method was called.
    #[must_use]
    pub fn calls_of(&self, method: &str) -> u64 {
        self.calls.get(method).copied().unwrap_or(0)
    }

    /// How many messages were posted with this delivery id.
    #[must_use]
    pub fn copies_of(&self, id: &str) -> u64 {
        self.copies.get(id).copied().unwrap_or(0)
    }

    /// The most messages that were posted with one delivery id.
    #[must_use]
    pub fn most_copies(&self) -> u64 {
        self.copies.values().copied().max().unwrap_or(0)
    }

    /// Delivery ids with more than one message, with their number.
    #[must_use]
    pub fn duplicates(&self) -> Vec<(&str, u64)> {
        self.copies.iter().filter(|(_, copies)| **copies > 1).map(|(id, copies)| (id.as_str(), *copies)).collect()
    }

    /// Those of the expected delivery ids with no message.
    pub fn lost<'a>(&self, expected: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        expected.into_iter().filter(|id| self.copies_of(id) == 0).collect()
    }

    /// Calls that were refused for a rate limit.
    #[must_use]
    pub fn all_limited(&self) -> u64 {
        self.limited.values().sum()
    }

    pub(super) fn copy(&mut self, metadata: &Value) {
        *self.copies.entry(delivery_id(metadata)).or_default() += 1;
    }
}

/// The delivery id in a message's metadata: the payload's member `key`, `id` or `delivery`, or its only one; else all of it.
pub(super) fn delivery_id(metadata: &Value) -> String {
    let payload = &metadata["event_payload"];
    let named = ["key", "delivery", "delivery_id", "id"].iter().find_map(|name| payload[*name].as_str());
    let members = payload.as_object();
    let only = members.filter(|members| members.len() == 1).and_then(|members| members.values().next()).and_then(Value::as_str);
    named.or(only).map_or_else(|| payload.to_string(), str::to_owned)
}
