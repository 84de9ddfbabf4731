//! Figures about the bot's own work, summed by the hour.

use crate::Store;
use crate::session::{Batch, Session, args};
use async_trait::async_trait;
use bellhop_core::Timestamp;
use bellhop_core::ports::{PortResult, UsageBook, UsageRow};
use std::collections::BTreeMap;

/// Something that was done, so many times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageCount {
    /// `commands`, `deliveries`, `alerts`, `events`, or a service's calls.
    pub what: String,
    /// Of what in particular, or empty.
    pub which: String,
    /// How many succeeded.
    pub done: i64,
    /// How many failed.
    pub failed: i64,
}

/// An hour in microseconds.
const HOUR: i64 = 3_600_000_000;

pub(crate) async fn count(session: &mut Session, counts: &[UsageCount], now: Timestamp) -> PortResult<()> {
    let mut sums = BTreeMap::<_, (i64, i64)>::new();
    for count in counts {
        let sum = sums.entry((count.what.as_str(), count.which.as_str())).or_default();
        *sum = (sum.0 + count.done, sum.1 + count.failed);
    }
    let rows = sums.iter().map(|((what, which), (done, failed))| args![*what, *which, *done, *failed]).collect::<Batch>();
    if rows.is_empty() {
        return Ok(());
    }
    session
        .run(
            "INSERT INTO usage_count (hour, what, which, done, failed) \
             SELECT $2, value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT) FROM EACH($1) WHERE true \
             ON CONFLICT (hour, what, which) DO UPDATE SET done = usage_count.done + excluded.done, failed = usage_count.failed + excluded.failed",
            args![rows, now.timestamp_micros().div_euclid(HOUR)],
        )
        .await
        .map(drop)
}

impl Store {
    /// Adds figures.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn count_usage(&self, counts: Vec<UsageCount>) -> PortResult<()> {
        let now = self.now();
        self.write("count", move |session| Box::pin(async move { count(session, &counts, now).await })).await
    }
}

#[async_trait]
impl UsageBook for Store {
    /// By whole hours: the hour that `since` lies in is counted in full.
    async fn usage(&self, since: Timestamp) -> PortResult<Vec<UsageRow>> {
        let rows = self
            .read("usage")
            .await?
            .rows(
                "SELECT what, which, CAST(sum(done) AS BIGINT), CAST(sum(failed) AS BIGINT) FROM usage_count WHERE hour >= $1 GROUP BY what, which ORDER BY what, which",
                args![since.timestamp_micros().div_euclid(HOUR)],
            )
            .await?;
        rows.iter().map(|row| Ok(UsageRow { what: row.text(0)?, which: row.text(1)?, done: row.int(2)?, failed: row.int(3)? })).collect()
    }

    async fn health(&self) -> PortResult<Vec<(String, String)>> {
        self.facts().await
    }
}
