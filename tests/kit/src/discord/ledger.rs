//! How the world behaves, and what reached it.

use super::ids::Id;
use std::collections::BTreeMap;
use std::time::Duration;

/// Whose limit a 429 speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The bot's own, in a bucket.
    #[default]
    User,
    /// The bot's own, over all routes.
    Global,
    /// The resource's, which all share. It doesn't count as invalid.
    Shared,
    /// The edge of the network: a web page, with no JSON.
    Cloudflare,
}

/// How the world treats calls. The default is well.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Behaviour {
    /// Only calls of this route, `POST /channels/{channel}/messages`; a part of it is enough. All otherwise. The CDN is
    /// `GET /attachments`.
    pub route: Option<String>,
    /// Answers with this status and does nothing; 429 comes with `retry_after` and `scope`.
    pub refuse: Option<u16>,
    /// The seconds of a 429. Calls before they have passed count as early and are refused too.
    pub retry_after: f64,
    /// Whose limit the 429 speaks of.
    pub scope: Scope,
    /// Answers with this status, code and message and does nothing.
    pub error: Option<(u16, u64, String)>,
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

/// An identify that reached the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The application.
    pub app: String,
    /// The shard and how many there are.
    pub shard: (u64, u64),
    /// The intents.
    pub intents: u64,
    /// When, in milliseconds of the world's time.
    pub at: i64,
}

/// What reached the world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// Calls by route.
    pub calls: BTreeMap<String, u64>,
    /// Calls that were refused for a rate limit, by route.
    pub limited: BTreeMap<String, u64>,
    /// Calls that came although an answer had said before that there is nothing left until later, with what they were.
    pub early: Vec<String>,
    /// Answers of 401, 403 and 429, those of shared limits apart.
    pub invalid: u64,
    /// How many messages were made with each nonce.
    pub copies: BTreeMap<String, u64>,
    /// Failures that were answered, `route: code and what`.
    pub failures: Vec<String>,
    /// What Discord lets pass and a careful app doesn't do: unknown fields, messages that say nothing about mentions, a token shown
    /// to the CDN.
    pub careless: Vec<String>,
    /// What is against the gateway's rules: late beats, too many frames, identifies too soon.
    pub gateway: Vec<String>,
    /// Identifies.
    pub identifies: Vec<Identified>,
    /// Sessions that were resumed.
    pub resumes: u64,
    /// Sessions that couldn't be.
    pub refused_resumes: u64,
    /// Answers that were lost on purpose after the thing was done.
    pub lost_answers: u64,
    /// Connections that were reset on purpose before anything was done.
    pub resets: u64,
    /// Every message of a bot with the world's time in microseconds: channel and time.
    pub posted: Vec<(String, i64)>,
    /// How often commands were made anew.
    pub creates: u64,
    /// How often the commands were written, alone or all at once.
    pub command_writes: u64,
    /// Second responses to one interaction.
    pub twice_responded: u64,
}

impl Ledger {
    /// How often a route was called.
    #[must_use]
    pub fn calls_of(&self, route: &str) -> u64 {
        self.calls.iter().filter(|(known, _)| known.contains(route)).map(|(_, count)| count).sum()
    }

    /// How many messages were made with this nonce.
    #[must_use]
    pub fn copies_of(&self, nonce: &str) -> u64 {
        self.copies.get(nonce).copied().unwrap_or(0)
    }

    /// The nonces with more than one message, with their number.
    #[must_use]
    pub fn duplicates(&self) -> Vec<(&str, u64)> {
        self.copies.iter().filter(|(_, copies)| **copies > 1).map(|(nonce, copies)| (nonce.as_str(), *copies)).collect()
    }

    /// Calls that were refused for a rate limit.
    #[must_use]
    pub fn all_limited(&self) -> u64 {
        self.limited.values().sum()
    }

    /// Everything that no app may do: early calls, broken rules of the gateway, and what is careless.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        [&self.early, &self.gateway, &self.careless].into_iter().flatten().cloned().collect()
    }

    pub(super) fn posted(&mut self, channel: Id, millis: i64) {
        self.posted.push((channel.to_string(), millis * 1000));
    }
}
