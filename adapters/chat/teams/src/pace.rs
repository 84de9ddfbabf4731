//! How fast Teams may be called: several windows for each conversation, one for the whole organisation, and waits that Teams
//! itself has asked for. Counted so that no window, however it is cut, sees more than is allowed; what Teams has asked for is
//! kept in the records, so that a restarted bot and others beside it know of it. It says how long a call would have to wait,
//! and doesn't wait.
//!
//! <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit>

#[cfg(test)]
mod tests;

use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ids::ChatName;
use bellhop_core::ports::Records;
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// So many calls within so many seconds.
type Window = (usize, u64);

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Sending to a conversation, changing and removing included.
    Send,
    /// Reading a conversation's members.
    Read,
    /// Everything in one organisation.
    Tenant,
    /// Graph: one team or channel.
    GraphThing,
    /// Graph: reading or changing in one organisation.
    GraphTenant,
    /// A Workflow's webhook.
    Webhook,
}

impl Kind {
    const fn windows(self) -> &'static [Window] {
        match self {
            Self::Send => &[(7, 1), (8, 2), (60, 30), (1800, 3600)],
            Self::Read => &[(14, 1), (16, 2), (120, 30), (3600, 3600)],
            Self::Tenant => &[(50, 1)],
            Self::GraphThing | Self::Webhook => &[(4, 1)],
            Self::GraphTenant => &[(30, 1)],
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Read => "read",
            Self::Tenant => "tenant",
            Self::GraphThing => "thing",
            Self::GraphTenant => "graph",
            Self::Webhook => "webhook",
        }
    }
}

/// By how much a window is taken to be longer: calls may travel faster than the one before.
const TRAVEL: Duration = Duration::from_millis(30);
/// After how many calls counts of what is quiet are dropped.
const TIDY: usize = 4096;

/// Counts and waits of one connection.
pub(crate) struct Pace {
    collection: String,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    counts: Mutex<Counts>,
    heard: Mutex<HashMap<String, Timestamp>>,
}

#[derive(Default)]
struct Counts {
    calls: HashMap<(Kind, String), VecDeque<Instant>>,
    since_tidying: usize,
}

impl Pace {
    pub fn new(chat: &ChatName, records: Arc<dyn Records>, clock: Arc<dyn Clock>) -> Self {
        Self { collection: format!("teams/{chat}/waits"), records, clock, counts: Mutex::default(), heard: Mutex::default() }
    }

    /// Counts a call of all these kinds at once, or says how long until there is room for it, and whether Teams has said so.
    pub async fn take(&self, of: &[(Kind, &str)]) -> Result<(), Wait> {
        for (kind, name) in of {
            if let Some(wait) = self.asked(*kind, name).await {
                return Err(Wait { wait, asked: true });
            }
        }
        self.count(of, Instant::now()).map_err(|wait| Wait { wait, asked: false })
    }

    fn count(&self, of: &[(Kind, &str)], now: Instant) -> Result<(), Duration> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wait = Duration::ZERO;
        for (kind, name) in of {
            if let Some(calls) = counts.calls.get_mut(&(*kind, (*name).to_owned())) {
                let longest = kind.windows().last().map_or(0, |(_, seconds)| *seconds);
                while calls.front().is_some_and(|at| now.duration_since(*at) >= Duration::from_secs(longest) + TRAVEL) {
                    calls.pop_front();
                }
                wait = wait.max(room(kind.windows(), calls, now));
            }
        }
        if !wait.is_zero() {
            return Err(wait);
        }
        for (kind, name) in of {
            counts.calls.entry((*kind, (*name).to_owned())).or_default().push_back(now);
        }
        counts.since_tidying += 1;
        if counts.since_tidying >= TIDY {
            counts.since_tidying = 0;
            counts.calls.retain(|(kind, _), calls| {
                let longest = kind.windows().last().map_or(0, |(_, seconds)| *seconds);
                calls.back().is_some_and(|at| now.duration_since(*at) < Duration::from_secs(longest) + TRAVEL)
            });
        }
        Ok(())
    }

    /// How long Teams still wants to be left alone about this.
    async fn asked(&self, kind: Kind, name: &str) -> Option<Duration> {
        let key = key(kind, name);
        let now = self.clock.now();
        let here = self.heard().get(&key).copied();
        let there = match self.records.get(&self.collection, &key).await {
            Ok(kept) => kept.as_ref().and_then(until),
            Err(error) => {
                tracing::debug!(%error, "whether another process was told to wait is not known");
                None
            }
        };
        let until = here.into_iter().chain(there).max()?;
        if until > now {
            return (until - now).to_std().ok();
        }
        self.heard().remove(&key);
        if there.is_some()
            && let Err(error) = self.records.remove(&self.collection, &key).await
        {
            tracing::debug!(%error, "a wait that is over stays in the records");
        }
        None
    }

    /// Teams wants to be left alone for so long.
    pub async fn block(&self, kind: Kind, name: &str, pause: Duration) {
        let key = key(kind, name);
        let now = self.clock.now();
        let mut until = now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::days(1));
        {
            let mut heard = self.heard();
            heard.retain(|_, until| *until > now);
            until = heard.get(&key).map_or(until, |there| until.max(*there));
            heard.insert(key.clone(), until);
        }
        tracing::info!(kind = kind.word(), ?pause, "Teams asked to wait");
        metrics::counter!("bellhop_teams_waits_total", "kind" => kind.word()).increment(1);
        if let Err(error) = self.records.put(&self.collection, &key, &json!({ "until": until.timestamp_millis() })).await {
            tracing::warn!(%error, "that Teams asked to wait could not be kept; only this process knows");
        }
    }

    fn heard(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a call has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub wait: Duration,
    /// Teams itself has said so; otherwise it is our own count.
    pub asked: bool,
}

/// How long until every window has room for one more.
fn room(windows: &[Window], calls: &VecDeque<Instant>, now: Instant) -> Duration {
    let waits = windows.iter().filter_map(|(most, seconds)| {
        // The call that has to have left the window for one more to have room.
        let oldest = calls.len().checked_sub(*most).and_then(|at| calls.get(at))?;
        (*oldest + Duration::from_secs(*seconds) + TRAVEL).checked_duration_since(now)
    });
    waits.max().unwrap_or_default()
}

fn key(kind: Kind, name: &str) -> String {
    format!("{}/{name}", kind.word())
}

fn until(kept: &Value) -> Option<Timestamp> {
    Timestamp::from_timestamp_millis(kept.get("until")?.as_i64()?)
}
