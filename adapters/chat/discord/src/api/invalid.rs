//! Calls that were refused with 401, 403 or 429, counted over ten minutes: at 10,000 of them Discord bans the machine's address
//! (<https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans>). Long before that nothing is
//! called any more. The count is kept in the records, so that a crash loop doesn't begin anew each time.

use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ids::ChatName;
use bellhop_core::ports::Records;
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// So many refusals within ten minutes stop all calls: a tenth of what Discord bans for.
const MOST: u64 = 1_000;
const WINDOW: TimeDelta = TimeDelta::minutes(10);

/// The refusals of each minute.
pub(super) struct Invalid {
    collection: String,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    minutes: Mutex<Option<Vec<(i64, u64)>>>,
}

impl Invalid {
    pub(super) fn new(chat: &ChatName, records: Arc<dyn Records>, clock: Arc<dyn Clock>) -> Self {
        Self { collection: format!("discord/{chat}/refusals"), records, clock, minutes: Mutex::default() }
    }

    /// How long nothing may be called; `None` when calls may be made.
    pub(super) async fn remaining(&self) -> Option<Duration> {
        let now = self.clock.now();
        let mut minutes = self.minutes.lock().await;
        if minutes.is_none() {
            *minutes = Some(self.kept().await);
        }
        let minutes = minutes.get_or_insert_default();
        let oldest = minute(now - WINDOW);
        minutes.retain(|(at, _)| *at > oldest);
        if minutes.iter().map(|(_, count)| count).sum::<u64>() < MOST {
            return None;
        }
        let first = minutes.first().map(|(at, _)| *at)?;
        let until = Timestamp::from_timestamp(first * 60 + 60, 0)? + WINDOW;
        (until - now).to_std().ok()
    }

    /// Counts a refusal.
    pub(super) async fn count(&self) {
        let now = minute(self.clock.now());
        let mut minutes = self.minutes.lock().await;
        if minutes.is_none() {
            *minutes = Some(self.kept().await);
        }
        let minutes = minutes.get_or_insert_default();
        match minutes.last_mut().filter(|(at, _)| *at == now) {
            Some((_, count)) => *count += 1,
            None => minutes.push((now, 1)),
        }
        let count = minutes.last().map_or(1, |(_, count)| *count);
        metrics::counter!("bellhop_discord_refusals_total").increment(1);
        if let Err(error) = self.records.put(&self.collection, &format!("{now:012}"), &json!({ "count": count })).await {
            tracing::debug!(%error, "that a call was refused could not be kept");
        }
        if count == 1 {
            self.tidy(now).await;
        }
    }

    async fn kept(&self) -> Vec<(i64, u64)> {
        let from = format!("{:012}", minute(self.clock.now() - WINDOW));
        match self.records.after(&self.collection, Some(&from), 20).await {
            Ok(kept) => {
                kept.iter().filter_map(|one| Some((one.key.parse().ok()?, one.value.get("count").and_then(Value::as_u64)?))).collect()
            }
            Err(error) => {
                tracing::debug!(%error, "how many calls were refused before is not known");
                Vec::new()
            }
        }
    }

    async fn tidy(&self, now: i64) {
        for old in self.records.after(&self.collection, None, 20).await.unwrap_or_default() {
            if old.key.parse::<i64>().is_ok_and(|at| at < now - 20) && self.records.remove(&self.collection, &old.key).await.is_err() {
                return;
            }
        }
    }
}

fn minute(at: Timestamp) -> i64 {
    at.timestamp().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_kit::clock::StoppedClock;
    use bellhop_kit::memory::MemoryRecords;

    #[tokio::test]
    async fn too_many_refusals_stop_everything_after_a_restart_as_well() {
        let (records, clock) = (Arc::new(MemoryRecords::default()), Arc::new(StoppedClock::default()));
        let invalid = Invalid::new(&"g".into(), records.clone(), clock.clone());
        for _ in 0..MOST - 1 {
            invalid.count().await;
        }
        assert_eq!(invalid.remaining().await, None);
        invalid.count().await;
        assert!(invalid.remaining().await.unwrap() >= Duration::from_mins(9));
        let again = Invalid::new(&"g".into(), records, clock.clone());
        assert!(again.remaining().await.is_some());
        clock.advance(Duration::from_mins(12));
        assert_eq!((again.remaining().await, invalid.remaining().await), (None, None));
    }
}
