//! Takes away what has served its time, a little at a time, so that nobody waits long for it.

use crate::Store;
use crate::session::{Session, args};
use bellhop_core::ports::PortResult;
use std::time::Duration;

/// How long settled things are kept.
const DAY: Duration = Duration::from_hours(24);
const WEEK: Duration = Duration::from_hours(7 * 24);
const QUARTER: Duration = Duration::from_hours(90 * 24);
/// How many rows go at once.
const BATCH: i64 = 2000;

/// How many rows were taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Rows of the inbox that were settled a week ago.
    pub inbox: u64,
    /// Messages that were posted a day ago.
    pub outbox: u64,
    /// Links that ended a week ago, proposals that ended a day ago, cards untouched for three months, lanes without anything to do.
    pub others: u64,
    /// True when there is more to take away: call again soon.
    pub more: bool,
}

impl Store {
    /// Takes away a bounded number of rows that have served their time. Messages that were given up stay until someone
    /// decides about them.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn sweep(&self) -> PortResult<Swept> {
        let now = self.now();
        let (day, week, quarter) = (now - DAY, now - WEEK, now - QUARTER);
        let mut swept = Swept {
            inbox: self.take("DELETE FROM inbox WHERE seq IN (SELECT seq FROM inbox WHERE settled_at < $1 ORDER BY settled_at LIMIT $2)", week).await?,
            outbox: self.take("DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE state = 'done' AND settled_at < $1 ORDER BY settled_at LIMIT $2)", day).await?,
            ..Swept::default()
        };
        let full = u64::try_from(BATCH).unwrap_or_default();
        swept.more = swept.inbox == full || swept.outbox == full;
        for (sql, before) in [
            ("DELETE FROM link WHERE id IN (SELECT id FROM link WHERE expires_at < $1 LIMIT $2)", week),
            ("DELETE FROM approval WHERE id IN (SELECT id FROM approval WHERE expires_at < $1 LIMIT $2)", day),
            ("DELETE FROM card WHERE (card_key, lane) IN (SELECT card_key, lane FROM card WHERE updated_at < $1 LIMIT $2)", quarter),
            ("DELETE FROM instance WHERE id IN (SELECT id FROM instance WHERE beat_at < $1 LIMIT $2)", day),
            (
                "DELETE FROM lane WHERE lane IN (SELECT lane FROM lane WHERE head IS NULL AND coalesce(blocked_until, 0) < $1 LIMIT $2 /*pg FOR UPDATE SKIP LOCKED*/)",
                day,
            ),
        ] {
            let gone = self.take(sql, before).await?;
            swept.more |= gone == full;
            swept.others += gone;
        }
        Ok(swept)
    }

    async fn take(&self, sql: &'static str, before: bellhop_core::Timestamp) -> PortResult<u64> {
        self.write("sweep", move |session: &mut Session| Box::pin(async move { session.run(sql, args![before, BATCH]).await })).await
    }
}
