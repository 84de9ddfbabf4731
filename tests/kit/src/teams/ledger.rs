//! How the world behaves, and what reached it.

use std::collections::BTreeMap;
use std::time::Duration;

/// How the world treats calls. The default is well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// Only calls of this name, as the ledger has them (`send`, `update`, `graph` for all of Graph, `graph/channels` for some); all
    /// otherwise.
    pub call: Option<String>,
    /// Answers with this status and does nothing.
    pub refuse: Option<u16>,
    /// The error's code with that status; the service's own otherwise.
    pub code: Option<String>,
    /// The seconds of `Retry-After` with that status. Calls of the same kind before they have passed count as early.
    pub retry_after: Option<u32>,
    /// Does it, and answers with this status all the same (504: the message is there).
    pub fail_after: Option<u16>,
    /// Does it, and answers with a web page.
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
    /// Calls by name: `token`, `keys`, `send`, `reply`, `update`, `delete`, `create`, `members`, `graph/channels`, `upload`...
    pub calls: BTreeMap<String, u64>,
    /// Calls that were refused for a limit, by name.
    pub limited: BTreeMap<String, u64>,
    /// Calls that came before the pause that they were told had ended.
    pub early: Vec<String>,
    /// What no careful app does: bodies out of shape, tokens where they don't belong, calls that the service ignores.
    pub violations: Vec<String>,
    /// Tokens that were shown to somebody whom they are not for: where, and to whom.
    pub foreign: Vec<String>,
    /// Failures that were answered, `name: code`.
    pub failures: Vec<String>,
    /// Answers that were lost on purpose after the thing was done.
    pub lost_answers: u64,
    /// Connections that were reset on purpose before anything was done.
    pub resets: u64,
    /// Every accepted message with the world's time in microseconds: conversation and time.
    pub posted: Vec<(String, i64)>,
}

impl Ledger {
    /// How often something was called, with what stands below it.
    #[must_use]
    pub fn calls_of(&self, name: &str) -> u64 {
        let below = format!("{name}/");
        self.calls.iter().filter(|(known, _)| *known == name || known.starts_with(&below)).map(|(_, count)| count).sum()
    }

    /// Calls that were refused for a limit.
    #[must_use]
    pub fn all_limited(&self) -> u64 {
        self.limited.values().sum()
    }

    /// What nobody may do to the service: violations, tokens shown to strangers and calls before a pause ended.
    #[must_use]
    pub fn wrongs(&self) -> Vec<String> {
        let named = |kind: &str, all: &[String]| all.iter().map(|one| format!("{kind}: {one}")).collect::<Vec<_>>();
        [named("violation", &self.violations), named("foreign", &self.foreign), named("early", &self.early)].concat()
    }
}
