//! The budget of new sessions. Discord allows a thousand a day and resets the token of a bot that begins more, so that they are counted in
//! the records: a crash loop finds the same count each time. The more there were within a day, the longer the pause before the next.
//!
//! <https://docs.discord.com/developers/events/gateway#session-start-limit-object>

use crate::Desk;
use bellhop_core::clock::{Clock, Ids, Timestamp};
use bellhop_core::ids::ChatName;
use bellhop_core::ports::{PortResult, Records};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

const DAY: TimeDelta = TimeDelta::hours(24);
/// So many a day and connection are begun without a further pause, and so many more with a short one.
const FREELY: usize = 5;
const SLOWLY: usize = 20;
const SHORT: TimeDelta = TimeDelta::seconds(30);
const LONG: TimeDelta = TimeDelta::minutes(10);
/// No more than this a day for a connection, and for all together.
const MOST: usize = 150;
const ALL: usize = 900;

/// The sessions that were begun.
pub(super) struct Budget {
    collection: String,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    /// Between two of one kind.
    apart: TimeDelta,
    turn: Mutex<()>,
}

impl Budget {
    pub(super) fn new(desk: &Desk, apart: Duration) -> Self {
        Self::of(&desk.name, desk.ports.records.clone(), desk.ports.clock.clone(), desk.ports.ids.clone(), apart)
    }

    pub(super) fn of(chat: &ChatName, records: Arc<dyn Records>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, apart: Duration) -> Self {
        let apart = TimeDelta::from_std(apart).unwrap_or(TimeDelta::seconds(5));
        Self { collection: format!("discord/{chat}/identifies"), records, clock, ids, apart, turn: Mutex::default() }
    }

    /// Counts a new session, or says how long to wait before one may be begun.
    pub(super) async fn take(&self, shard: u32, of: u32, at_once: u32) -> PortResult<Option<Duration>> {
        let _turn = self.turn.lock().await;
        if let Some(wait) = self.wait(shard, of, at_once).await? {
            return Ok(Some(wait));
        }
        let key = format!("{:013}-{shard:04}-{}", self.clock.now().timestamp_millis().max(0), self.ids.next());
        self.records.put(&self.collection, &key, &json!({ "shard": shard })).await?;
        metrics::counter!("bellhop_discord_identifies_total").increment(1);
        Ok(None)
    }

    /// How long to wait before a session may be begun; nothing is counted.
    pub(super) async fn wait(&self, shard: u32, of: u32, at_once: u32) -> PortResult<Option<Duration>> {
        let now = self.clock.now();
        let begun = self.begun(now).await?;
        let kind = shard % at_once.max(1);
        let same = begun.iter().rev().find(|(_, shard)| shard % at_once.max(1) == kind).map(|(at, _)| *at + self.apart);
        let own: Vec<Timestamp> = begun.iter().filter(|(_, other)| *other == shard).map(|(at, _)| *at).collect();
        let last = own.last().copied();
        let paced = match own.len() {
            count if count < FREELY => None,
            count if count < SLOWLY => last.map(|last| last + SHORT),
            count if count < MOST => last.map(|last| last + LONG),
            _ => own.first().map(|first| *first + DAY),
        };
        let whole =
            (begun.len() >= ALL.min(MOST * usize::try_from(of).unwrap_or(1))).then(|| begun.first().map(|(at, _)| *at + DAY)).flatten();
        let until = [same, paced, whole].into_iter().flatten().max();
        Ok(until.and_then(|until| (until - now).to_std().ok()).filter(|wait| !wait.is_zero()))
    }

    /// Those of the last day, the oldest first. Older ones are dropped.
    async fn begun(&self, now: Timestamp) -> PortResult<Vec<(Timestamp, u32)>> {
        let mut begun = Vec::new();
        for record in self.records.after(&self.collection, None, 2 * ALL).await? {
            let at = record.key.split('-').next().and_then(|millis| Timestamp::from_timestamp_millis(millis.parse().ok()?));
            let Some(at) = at.filter(|at| now - *at < DAY) else {
                self.records.remove(&self.collection, &record.key).await?;
                continue;
            };
            let shard = record.value.get("shard").and_then(Value::as_u64).and_then(|shard| u32::try_from(shard).ok());
            begun.push((at, shard.unwrap_or_default()));
        }
        Ok(begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_kit::clock::{CountedIds, StoppedClock};
    use bellhop_kit::memory::MemoryRecords;

    /// A bot that crashes every minute of a day, and could resume nothing.
    #[tokio::test]
    async fn a_crash_loop_never_comes_near_the_limit() {
        let (records, clock, ids) =
            (Arc::new(MemoryRecords::default()), Arc::new(StoppedClock::default()), Arc::new(CountedIds::default()));
        let mut begun = 0;
        for _ in 0..1_500 {
            // A new process each time.
            let budget = Budget::of(&"g".into(), records.clone(), clock.clone(), ids.clone(), Duration::from_secs(5));
            if budget.take(0, 1, 1).await.unwrap().is_none() {
                begun += 1;
            }
            clock.advance(Duration::from_secs(58));
        }
        assert!((20..=200).contains(&begun), "{begun}");
    }

    #[tokio::test]
    async fn two_of_one_kind_are_apart_and_others_are_not() {
        let (records, clock, ids) =
            (Arc::new(MemoryRecords::default()), Arc::new(StoppedClock::default()), Arc::new(CountedIds::default()));
        let budget = Budget::of(&"g".into(), records, clock.clone(), ids, Duration::from_secs(5));
        assert_eq!(budget.take(0, 4, 2).await.unwrap(), None);
        assert_eq!(budget.take(1, 4, 2).await.unwrap(), None);
        assert_eq!(budget.take(2, 4, 2).await.unwrap(), Some(Duration::from_secs(5)));
        clock.advance(Duration::from_secs(5));
        assert_eq!(budget.take(2, 4, 2).await.unwrap(), None);
    }
}
