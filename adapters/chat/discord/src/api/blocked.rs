//! What Discord has asked to be left alone, and until when: everything, or one kind of call about one channel. Kept in the records, so
//! that no process that shares them calls too early, a new one after a restart included.

use super::major;
use crate::wire::Route;
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ids::ChatName;
use bellhop_core::ports::Records;
use chrono::TimeDelta;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The key of what holds for all calls.
const ALL: &str = "all";
/// How long what the records said is believed.
const BELIEVED: Duration = Duration::from_millis(500);
/// How many notes are held in memory at most before old ones are dropped.
const MANY: usize = 2_000;

/// Calls that are not to be made for a while.
pub(super) struct Blocked {
    collection: String,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    /// By key: until when, and when the records were asked last.
    heard: Mutex<HashMap<String, (Option<Timestamp>, Instant)>>,
}

impl Blocked {
    pub(super) fn new(chat: &ChatName, records: Arc<dyn Records>, clock: Arc<dyn Clock>) -> Self {
        Self { collection: format!("discord/{chat}/blocked"), records, clock, heard: Mutex::default() }
    }

    /// How long a call still has to wait; `None` when it may be made.
    pub(super) async fn remaining(&self, route: Route, parts: &[&str]) -> Option<Duration> {
        let own = self.until(&key(route, parts)).await;
        let all = if route.by_interaction() { None } else { self.until(ALL).await };
        own.into_iter().chain(all).max()
    }

    async fn until(&self, key: &str) -> Option<Duration> {
        let now = self.clock.now();
        let known = self.heard().get(key).copied();
        let until = match known {
            Some((until, asked)) if asked.elapsed() < BELIEVED || until.is_some_and(|until| until > now) => until,
            _ => {
                let there = match self.records.get(&self.collection, key).await {
                    Ok(kept) => kept.as_ref().and_then(kept_until),
                    Err(error) => {
                        tracing::debug!(%error, "whether another process was told to wait is not known");
                        None
                    }
                };
                if there.is_some_and(|until| until <= now)
                    && let Err(error) = self.records.remove(&self.collection, key).await
                {
                    tracing::debug!(%error, "a wait that is over stays in the records");
                }
                let mut heard = self.heard();
                if heard.len() >= MANY {
                    heard.retain(|_, (until, asked)| asked.elapsed() < BELIEVED || until.is_some_and(|until| until > now));
                }
                let until = there.into_iter().chain(known.and_then(|(until, _)| until)).max().filter(|until| *until > now);
                heard.insert(key.to_owned(), (until, Instant::now()));
                until
            }
        };
        (until? - now).to_std().ok().filter(|wait| !wait.is_zero())
    }

    /// Nobody makes this call for so long; no call at all, where it is global.
    pub(super) async fn block(&self, route: Route, parts: &[&str], pause: Duration, global: bool) {
        let key = if global && !route.by_interaction() { ALL.to_owned() } else { key(route, parts) };
        let now = self.clock.now();
        let mut until = now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::days(1));
        {
            let mut heard = self.heard();
            until = heard.get(&key).and_then(|(until, _)| *until).map_or(until, |there| until.max(there));
            heard.insert(key.clone(), (Some(until), Instant::now()));
        }
        tracing::info!(route = route.path, ?pause, global, "Discord asked to wait");
        metrics::counter!("bellhop_discord_waits_total", "route" => route.path).increment(1);
        if let Err(error) = self.records.put(&self.collection, &key, &json!({ "until": until.timestamp_millis() })).await {
            tracing::warn!(%error, "that Discord asked to wait could not be kept; only this process knows");
        }
    }

    fn heard(&self) -> MutexGuard<'_, HashMap<String, (Option<Timestamp>, Instant)>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tokens of interactions are part of what is counted by, so that it is a hash.
fn key(route: Route, parts: &[&str]) -> String {
    let (one, two) = major(route, parts);
    let text = format!("{:?} {} {one} {two}", route.verb, route.path);
    hex::encode(&Sha256::digest(text.as_bytes())[..12])
}

fn kept_until(kept: &Value) -> Option<Timestamp> {
    Timestamp::from_timestamp_millis(kept.get("until")?.as_i64()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_kit::clock::StoppedClock;
    use bellhop_kit::memory::MemoryRecords;

    const POST: Route = Route::post("/channels/{}/messages", "deliver");
    const ANSWER: Route = Route::post("/webhooks/{}/{}", "deliver");

    #[tokio::test]
    async fn a_wait_holds_for_its_channel_and_for_other_processes() {
        let (records, clock) = (Arc::new(MemoryRecords::default()), Arc::new(StoppedClock::default()));
        let one = Blocked::new(&"g".into(), records.clone(), clock.clone());
        let two = Blocked::new(&"g".into(), records, clock.clone());
        one.block(POST, &["1"], Duration::from_secs(3), false).await;
        for blocked in [&one, &two] {
            assert_eq!(blocked.remaining(POST, &["1"]).await, Some(Duration::from_secs(3)));
            assert_eq!(blocked.remaining(POST, &["2"]).await, None);
        }
        clock.advance(Duration::from_secs(3));
        assert_eq!((one.remaining(POST, &["1"]).await, two.remaining(POST, &["1"]).await), (None, None));
    }

    #[tokio::test]
    async fn a_global_wait_holds_for_all_but_answers_to_interactions() {
        let (records, clock) = (Arc::new(MemoryRecords::default()), Arc::new(StoppedClock::default()));
        let blocked = Blocked::new(&"g".into(), records, clock);
        blocked.block(POST, &["1"], Duration::from_secs(3), true).await;
        assert!(blocked.remaining(POST, &["2"]).await.is_some());
        assert_eq!(blocked.remaining(ANSWER, &["1", "t"]).await, None);
    }
}
