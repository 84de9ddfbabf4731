//! Events on their way to the services that are fed with what own events take in: a lane for each, in which one process at a
//! time sends what waits, in order. An event gets into the lanes in the transaction that keeps it ([`queue`]), and leaves them
//! when it was sent, or stays with the reason when it was refused.
//!
//! What is sent how, and when it is tried again, is decided by the one who claims. A claim has a lease and an epoch, as in the
//! outbox: only the holder's word counts.

mod look;

pub use look::{FeedLane, RefusedEvent};

use crate::session::{Batch, Session, args};
use crate::{Store, UsageCount, usage};
use bellhop_core::Timestamp;
use bellhop_core::analytics::NewEvent;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::PortResult;
use std::time::Duration;

/// How many refused events of a service are kept.
const REFUSED: i64 = 10_000;
/// How many rows one statement deletes.
const CHUNK: i64 = 20_000;
/// What is counted for `usage`.
pub(crate) const SENT: &str = "source.sent";

/// Events that are to be sent to one service now.
#[derive(Clone, Debug)]
pub struct FeedClaim {
    /// The epoch of the claim, to be given back with the settlement.
    pub epoch: i64,
    /// How many tries have failed since the last one that didn't.
    pub attempts: i64,
    /// The oldest that wait.
    pub events: Vec<FedEvent>,
}

/// An event that waits.
#[derive(Clone, Debug)]
pub struct FedEvent {
    /// Its number in the lanes.
    pub seq: i64,
    /// The event.
    pub event: NewEvent,
}

/// What became of a claim.
#[derive(Clone, Debug, Default)]
pub struct FeedSettlement {
    /// Events that the service has.
    pub sent: Vec<i64>,
    /// Events that it will never take, each with the reason.
    pub refused: Vec<(i64, String)>,
    /// Where the others have to wait: until when, why, and whether it counts as a failed try.
    pub rest: Option<(Timestamp, String, bool)>,
}

/// Puts events into the lanes of these services, but for those that own events have already: a sender that repeats itself
/// feeds nobody twice. To be called before they are kept, in the same transaction.
pub(crate) async fn queue(session: &mut Session, sinks: &[SourceName], events: &[NewEvent], now: Timestamp) -> PortResult<()> {
    if sinks.is_empty() || events.is_empty() {
        return Ok(());
    }
    // Plain data: its serialisation has no way to fail.
    let rows =
        || events.iter().map(|event| args![event.insert_id.as_str(), serde_json::to_string(event).unwrap_or_default()]).collect::<Batch>();
    for sink in sinks {
        session.run("INSERT INTO feed_lane (sink) VALUES ($1) ON CONFLICT (sink) DO NOTHING", args![sink.as_str()]).await?;
        session
            .run(
                "INSERT INTO feed (sink, insert_id, event, state, created_at) SELECT $2, value ->> 0, value ->> 1, 'ready', $3 FROM EACH($1) \
                 WHERE NOT EXISTS (SELECT 1 FROM event AS e WHERE e.insert_id = value ->> 0) ON CONFLICT (sink, insert_id) DO NOTHING",
                args![rows(), sink.as_str(), now],
            )
            .await?;
    }
    Ok(())
}

impl Store {
    /// What changes when this process has put events into the lanes. Those of another process are found by looking.
    #[must_use]
    pub fn feed_wake(&self) -> tokio::sync::watch::Receiver<()> {
        self.0.feed_wake.subscribe()
    }

    /// Says that events may wait.
    pub(crate) fn wake_feeds(&self) {
        self.0.feed_wake.send_replace(());
    }

    /// When the next events of a service may be sent; `None` when none wait. One whose lane another process holds is due when
    /// that process's lease ends.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn feed_due(&self, sink: &SourceName, owner: &str) -> PortResult<Option<Timestamp>> {
        let row = self
            .read("feed due")
            .await?
            .row(
                "SELECT CASE WHEN l.owner IS NULL OR l.owner = $2 THEN l.next_at ELSE /*lite max*//*pg greatest*/(l.next_at, coalesce(l.lease_until, 0)) END \
                 FROM feed_lane AS l WHERE l.sink = $1 AND EXISTS (SELECT 1 FROM feed AS f WHERE f.sink = l.sink AND f.state = 'ready')",
                args![sink.as_str(), owner],
            )
            .await?;
        row.map(|row| row.time(0)).transpose()
    }

    /// Claims the oldest events that wait for a service, at most `most`, or none: while nothing is due, and while another
    /// process holds the lane.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn claim_feed(&self, sink: &SourceName, owner: &str, most: usize, lease: Duration) -> PortResult<Option<FeedClaim>> {
        let (now, sink) = (self.now(), sink.to_string());
        let owner = self.known_owner(owner);
        self.write("claim", move |session| {
            Box::pin(async move {
                let held = session
                    .row(
                        "UPDATE feed_lane SET owner = $2, epoch = epoch + 1, lease_until = $4 WHERE sink = $1 AND next_at <= $3 \
                         AND (owner IS NULL OR owner = $2 OR lease_until <= $3) \
                         AND EXISTS (SELECT 1 FROM feed AS f WHERE f.sink = $1 AND f.state = 'ready') RETURNING epoch, attempts",
                        args![sink.as_str(), owner, now, now + lease],
                    )
                    .await?;
                let Some(held) = held else { return Ok(None) };
                let rows = session
                    .rows(
                        "SELECT seq, event FROM feed WHERE sink = $1 AND state = 'ready' ORDER BY seq LIMIT $2",
                        args![sink, i64::try_from(most).unwrap_or(i64::MAX)],
                    )
                    .await?;
                let events = rows.iter().map(|row| Ok(FedEvent { seq: row.int(0)?, event: row.json(1)? })).collect::<PortResult<_>>()?;
                Ok(Some(FeedClaim { epoch: held.int(0)?, attempts: held.int(1)?, events }))
            })
        })
        .await
    }

    /// Moves the end of a claim, for sending that takes long. Says whether it still holds.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn renew_feed(&self, sink: &SourceName, owner: &str, epoch: i64, lease: Duration) -> PortResult<bool> {
        let values = args![sink.as_str(), owner, epoch, self.now() + lease];
        let sql = "UPDATE feed_lane SET lease_until = $4 WHERE sink = $1 AND owner = $2 AND epoch = $3";
        self.write("renew", move |session| Box::pin(async move { Ok(session.run(sql, values).await? == 1) })).await
    }

    /// Notes what became of a claim, and lets go of the lane. Says whether the claim still held; if not, nothing is noted.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn settle_feed(&self, sink: &SourceName, owner: &str, epoch: i64, settled: FeedSettlement) -> PortResult<bool> {
        let (now, sink, owner) = (self.now(), sink.to_string(), owner.to_owned());
        self.write("settle", move |session| {
            Box::pin(async move {
                let (next_at, error, failed) = match settled.rest {
                    Some((until, error, counts)) => (until.timestamp_micros(), Some(error), Some(i64::from(counts))),
                    None => (0, None, None),
                };
                let held = session
                    .run(
                        "UPDATE feed_lane SET owner = NULL, lease_until = NULL, next_at = $4, error = $5, attempts = CASE WHEN $6 < 0 THEN 0 ELSE attempts + $6 END \
                         WHERE sink = $1 AND owner = $2 AND epoch = $3",
                        args![sink.as_str(), owner, epoch, next_at, error, failed.unwrap_or(-1)],
                    )
                    .await?;
                if held == 0 {
                    return Ok(false);
                }
                let count = |list: usize| i64::try_from(list).unwrap_or(i64::MAX);
                let counted = UsageCount { what: SENT.into(), which: sink, done: count(settled.sent.len()), failed: count(settled.refused.len()) };
                if !settled.sent.is_empty() {
                    let sent = settled.sent.iter().map(|seq| args![*seq]).collect::<Batch>();
                    session.run("DELETE FROM feed WHERE seq IN (SELECT CAST(value ->> 0 AS BIGINT) FROM EACH($1))", args![sent]).await?;
                }
                if !settled.refused.is_empty() {
                    let refused = settled.refused.iter().map(|(seq, reason)| args![*seq, reason.as_str()]).collect::<Batch>();
                    session
                        .run(
                            "UPDATE feed SET state = 'refused', reason = r.reason, settled_at = $2 \
                             FROM (SELECT CAST(value ->> 0 AS BIGINT) AS number, value ->> 1 AS reason FROM EACH($1)) AS r WHERE feed.seq = r.number",
                            args![refused, now],
                        )
                        .await?;
                }
                if counted.done + counted.failed > 0 {
                    usage::count(session, &[counted], now).await?;
                }
                Ok(true)
            })
        })
        .await
    }

    /// Takes lanes back from processes that have ended. On SQLite whoever isn't this process has; on PostgreSQL leases end by
    /// themselves.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn recover_feeds(&self) -> PortResult<()> {
        if self.backend() == crate::Backend::Postgres {
            return Ok(());
        }
        let ours = self.own_names();
        self.write("recover", move |session| {
            Box::pin(async move {
                let sql = "UPDATE feed_lane SET owner = NULL, lease_until = NULL WHERE owner NOT IN (SELECT value ->> 0 FROM EACH($1))";
                session.run(sql, args![ours]).await.map(drop)
            })
        })
        .await
    }

    /// Drops the oldest events of a service where more than `most` wait, and counts them as dropped; returns how many. Nothing
    /// is dropped while another process is sending. What was refused long ago is forgotten as well.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn trim_feed(&self, sink: &SourceName, owner: &str, most: usize) -> PortResult<u64> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        // Numbers of all lanes: whatever their span, there are no more events than that.
        let ends = "SELECT min(seq), max(seq) FROM feed WHERE sink = $1 AND state = 'ready'";
        let row = self.read("trim").await?.row(ends, args![sink.as_str()]).await?;
        let span = row.map_or(Ok(0), |row| PortResult::Ok(row.maybe_int(1)?.unwrap_or(0) - row.maybe_int(0)?.unwrap_or(0) + 1))?;
        let (now, sink, owner) = (self.now(), sink.to_string(), owner.to_owned());
        self.write("trim", move |session| {
            Box::pin(async move {
                session
                    .run(
                        "DELETE FROM feed WHERE seq IN (SELECT seq FROM feed WHERE sink = $1 AND state = 'refused' ORDER BY seq DESC LIMIT $3 OFFSET $2)",
                        args![sink.as_str(), REFUSED, CHUNK],
                    )
                    .await?;
                if span <= most {
                    return Ok(0);
                }
                let waiting = session.number("SELECT count(*) FROM feed WHERE sink = $1 AND state = 'ready'", args![sink.as_str()]).await?;
                let excess = (waiting - most).min(CHUNK);
                let free = session
                    .number(
                        "SELECT count(*) FROM feed_lane WHERE sink = $1 AND (owner IS NULL OR owner = $2 OR lease_until <= $3)",
                        args![sink.as_str(), owner, now],
                    )
                    .await?;
                if excess <= 0 || free == 0 {
                    return Ok(0);
                }
                let dropped = session
                    .run(
                        "DELETE FROM feed WHERE seq IN (SELECT seq FROM feed WHERE sink = $1 AND state = 'ready' ORDER BY seq LIMIT $2)",
                        args![sink.as_str(), excess],
                    )
                    .await?;
                session
                    .run(
                        "UPDATE feed_lane SET dropped = dropped + $2, dropped_at = $3 WHERE sink = $1",
                        args![sink, i64::try_from(dropped).unwrap_or(i64::MAX), now],
                    )
                    .await?;
                Ok(dropped)
            })
        })
        .await
    }
}
