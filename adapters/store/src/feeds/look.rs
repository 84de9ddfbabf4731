//! What can be seen of the lanes of events, and the one thing people can do about them: having refused events sent again.

use crate::Store;
use crate::session::args;
use bellhop_core::Timestamp;
use bellhop_core::analytics::NewEvent;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::PortResult;

/// How the lane of a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedLane {
    /// The service.
    pub sink: SourceName,
    /// How many events wait.
    pub waiting: i64,
    /// Since when the oldest waits.
    pub oldest: Option<Timestamp>,
    /// How many were refused, and are kept.
    pub refused: i64,
    /// How many there was no room for, ever.
    pub dropped: i64,
    /// When that was last so.
    pub dropped_at: Option<Timestamp>,
    /// Nothing is sent before then.
    pub next_at: Timestamp,
    /// What was wrong with the last try.
    pub error: Option<String>,
}

/// An event that a service refused.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedEvent {
    /// Its number.
    pub seq: i64,
    /// The service.
    pub sink: SourceName,
    /// The event.
    pub event: NewEvent,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// The lanes, by name.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn feed_lanes(&self) -> PortResult<Vec<FeedLane>> {
        let rows = self
            .read("feeds")
            .await?
            .rows(
                "SELECT l.sink, (SELECT count(*) FROM feed AS f WHERE f.sink = l.sink AND f.state = 'ready'), \
                   (SELECT f.created_at FROM feed AS f WHERE f.sink = l.sink AND f.state = 'ready' ORDER BY f.seq LIMIT 1), \
                   (SELECT count(*) FROM feed AS f WHERE f.sink = l.sink AND f.state = 'refused'), l.dropped, l.dropped_at, l.next_at, l.error \
                 FROM feed_lane AS l ORDER BY l.sink",
                vec![],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(FeedLane {
                    sink: SourceName::new(row.text(0)?),
                    waiting: row.int(1)?,
                    oldest: row.maybe_time(2)?,
                    refused: row.int(3)?,
                    dropped: row.int(4)?,
                    dropped_at: row.maybe_time(5)?,
                    next_at: row.time(6)?,
                    error: row.maybe_text(7)?,
                })
            })
            .collect()
    }

    /// Events that a service refused, or any, the latest first.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn refused_events(&self, sink: Option<&SourceName>, limit: usize) -> PortResult<Vec<RefusedEvent>> {
        let rows = self
            .read("refused events")
            .await?
            .rows(
                "SELECT seq, sink, event, coalesce(reason, ''), settled_at FROM feed WHERE state = 'refused' AND ($1 = '' OR sink = $1) ORDER BY seq DESC LIMIT $2",
                args![sink.map_or("", SourceName::as_str), i64::try_from(limit).unwrap_or(i64::MAX)],
            )
            .await?;
        rows.iter()
            .map(|row| {
                let sink = SourceName::new(row.text(1)?);
                Ok(RefusedEvent { seq: row.int(0)?, sink, event: row.json(2)?, reason: row.text(3)?, at: row.time(4)? })
            })
            .collect()
    }

    /// Has what a service refused sent once more, at once; returns how many events that are.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn resend_refused(&self, sink: &SourceName) -> PortResult<u64> {
        let sink = sink.to_string();
        let again = self
            .write("resend", move |session| {
                Box::pin(async move {
                    let sql = "UPDATE feed SET state = 'ready', reason = NULL, settled_at = NULL WHERE sink = $1 AND state = 'refused'";
                    session.run(sql, args![sink]).await
                })
            })
            .await?;
        self.wake_feeds();
        Ok(again)
    }
}
