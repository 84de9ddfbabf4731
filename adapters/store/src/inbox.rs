//! What was said to the bot and has to be handled: kept before it is acknowledged, each once, handled in order.

use crate::Store;
use crate::error::{conflict, invalid};
use crate::session::{Batch, Session, Value, args};
use crate::writer::{Job, stopped};
use bellhop_core::Timestamp;
use bellhop_core::ports::{Accepted, PortResult};
use std::collections::HashSet;
use std::time::Duration;

/// What kind of thing came in; each kind has its own workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InboxKind {
    /// Something a person said, or a schedule runs.
    Command = 0,
    /// What a monitor reports.
    Alert = 1,
}

impl InboxKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Alert => "alert",
        }
    }
}

/// A row to be kept.
#[derive(Clone, Debug)]
pub struct NewInbox {
    /// Who sends it (`chat.work`, `alerts.generic`), at most 200 bytes.
    pub source: String,
    /// The sender's own id of it, at most 1,000 bytes: the same key from the same source is the same thing.
    pub key: String,
    /// Who handles it.
    pub kind: InboxKind,
    /// What it is, as JSON text.
    pub body: String,
}

impl NewInbox {
    /// A row whose body is a value.
    pub fn new(source: impl Into<String>, key: impl Into<String>, kind: InboxKind, body: &serde_json::Value) -> Self {
        Self { source: source.into(), key: key.into(), kind, body: body.to_string() }
    }
}

/// A row that was claimed.
#[derive(Clone, Debug)]
pub struct InboxRow {
    /// Its number, ascending in the order of arrival.
    pub seq: i64,
    /// Who sent it.
    pub source: String,
    /// The sender's own id of it.
    pub key: String,
    /// Who handles it.
    pub kind: InboxKind,
    /// What it is, as JSON text.
    pub body: String,
    /// When it arrived.
    pub received_at: Timestamp,
    /// How often it was claimed, this time included.
    pub attempts: i64,
}

/// What became of a claimed row.
#[derive(Clone, Debug)]
pub struct InboxSettled {
    /// Its number.
    pub seq: i64,
    /// True when it is over; false gives it back to be claimed again.
    pub done: bool,
    /// What went wrong, if anything did.
    pub error: Option<String>,
}

/// A row that was looked at and can be written.
pub(crate) struct Prepared {
    pub(crate) kind: InboxKind,
    source: String,
    key: String,
    body: String,
}

pub(crate) fn prepare_all(rows: &[NewInbox]) -> PortResult<Vec<Prepared>> {
    rows.iter().cloned().map(prepare).collect()
}

fn prepare(row: NewInbox) -> PortResult<Prepared> {
    for (what, text, most) in [("source", &row.source, 200), ("key", &row.key, 1000)] {
        if text.is_empty() || text.len() > most || text.contains('\0') {
            return Err(invalid(
                "accept",
                format!("the {what} of what came in must have 1 to {most} bytes and no NUL; it has {}", text.len()),
            ));
        }
    }
    Ok(Prepared { kind: row.kind, source: row.source, key: row.key, body: row.body })
}

/// Writes the rows of many senders at once and says of each whether it is new.
pub(crate) async fn insert(session: &mut Session, accepts: &[&[Prepared]], now: Timestamp) -> PortResult<Vec<Vec<Accepted>>> {
    let all = || accepts.iter().flat_map(|rows| rows.iter());
    let rows = all().map(|row| args![row.source.as_str(), row.key.as_str(), row.kind.word(), row.body.as_str()]).collect::<Batch>();
    let values = args![rows, now];
    let count = all().count();
    if session.is_postgres() {
        let new = session.rows(INSERT, values).await?;
        let new = new.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect::<PortResult<HashSet<_>>>()?;
        return Ok(verdicts(accepts, new.len() == count, |row, fresh| fresh && new.contains(&(row.source.clone(), row.key.clone()))));
    }
    // Within this transaction nobody else writes: what has a smaller number was there before.
    let before = session.number("SELECT max(seq) FROM inbox", vec![]).await?;
    let new = session.run(INSERT, values).await?;
    if usize::try_from(new).ok() == Some(count) {
        return Ok(verdicts(accepts, true, |_, _| true));
    }
    let keys = all().map(|row| args![row.source.as_str(), row.key.as_str()]).collect::<Batch>();
    let seen = session
        .rows(
            "SELECT i.source, i.key FROM EACH($1) JOIN inbox AS i ON i.source = j.value ->> 0 AND i.key = j.value ->> 1 WHERE i.seq <= $2",
            args![keys, before],
        )
        .await?;
    let seen = seen.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect::<PortResult<HashSet<_>>>()?;
    Ok(verdicts(accepts, false, |row, fresh| fresh && !seen.contains(&(row.source.clone(), row.key.clone()))))
}

const INSERT: &str = "INSERT INTO inbox (source, key, kind, body, state, received_at) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, 'ready', $2 FROM EACH($1) WHERE true \
     ON CONFLICT (source, key) DO NOTHING /*pg RETURNING source, key*/";

/// `judge` is told whether the row is the first of its key in this very batch.
fn verdicts(accepts: &[&[Prepared]], all_new: bool, judge: impl Fn(&Prepared, bool) -> bool) -> Vec<Vec<Accepted>> {
    let mut met = HashSet::new();
    let mut verdict = |row: &Prepared| {
        // The set is needed only where something was seen before.
        if all_new || judge(row, met.insert((row.source.clone(), row.key.clone()))) { Accepted::New } else { Accepted::Seen }
    };
    accepts.iter().map(|rows| rows.iter().map(&mut verdict).collect()).collect()
}

impl Store {
    /// Keeps rows, and returns when they would survive a crash. The same key from the same source is kept once: the
    /// answer says of each row, in order, whether it is new.
    ///
    /// # Errors
    /// `Invalid` for a source or key of a wrong length; none of these rows is kept then.
    pub async fn accept(&self, rows: Vec<NewInbox>) -> PortResult<Vec<Accepted>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let rows = rows.into_iter().map(prepare).collect::<PortResult<Vec<_>>>()?;
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.queue("accept")?.send(Job::Accept { rows, reply }).await.map_err(|_| stopped("accept"))?;
        answer.await.map_err(|_| stopped("accept"))?
    }

    /// Claims the first rows of a kind that nobody works on, in order. They come back to others if they are not settled
    /// before the lease ends and [`Store::recover`] is called.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn claim_inbox(&self, kind: InboxKind, owner: &str, limit: usize, lease: Duration) -> PortResult<Vec<InboxRow>> {
        let now = self.now();
        let until = now + lease;
        let (owner, limit) = (self.known_owner(owner), i64::try_from(limit).unwrap_or(i64::MAX));
        self.write("claim", move |session| {
            Box::pin(async move {
                let rows = session
                    .rows(
                        "WITH next AS MATERIALIZED (SELECT seq FROM inbox WHERE kind = $3 AND state = 'ready' ORDER BY seq LIMIT $4 /*pg FOR UPDATE SKIP LOCKED*/) \
                         UPDATE inbox SET state = 'claimed', owner = $1, lease_until = $2, attempts = attempts + 1 WHERE seq IN (SELECT seq FROM next) \
                         RETURNING seq, source, key, body, received_at, attempts",
                        args![owner, until, kind.word(), limit],
                    )
                    .await?;
                let mut rows = rows
                    .iter()
                    .map(|row| {
                        Ok(InboxRow {
                            seq: row.int(0)?,
                            source: row.text(1)?,
                            key: row.text(2)?,
                            kind,
                            body: row.text(3)?,
                            received_at: row.time(4)?,
                            attempts: row.int(5)?,
                        })
                    })
                    .collect::<PortResult<Vec<_>>>()?;
                rows.sort_by_key(|row| row.seq);
                Ok(rows)
            })
        })
        .await
    }

    /// Moves the end of claimed rows' leases, for work that takes long. Gives how many of them are still this owner's: one
    /// whose lease has ended may be another's by now, and isn't to be worked on any more.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn renew_inbox(&self, owner: &str, seqs: &[i64], lease: Duration) -> PortResult<u64> {
        let until = self.now() + lease;
        let (owner, seqs) = (owner.to_owned(), seqs.iter().map(|seq| args![*seq]).collect::<Batch>());
        self.write("renew", move |session| {
            Box::pin(async move {
                session
                    .run(
                        "UPDATE inbox SET lease_until = $1 WHERE owner = $2 AND state = 'claimed' AND seq IN (SELECT CAST(value ->> 0 AS BIGINT) FROM EACH($3))",
                        args![until, owner, seqs],
                    )
                    .await
            })
        })
        .await
    }

    /// How many rows of a kind wait or are worked on.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn inbox_depth(&self, kind: InboxKind) -> PortResult<i64> {
        let mut session = self.read("inbox depth").await?;
        session
            .number(
                "SELECT (SELECT count(*) FROM inbox WHERE state = 'ready' AND kind = $1) + (SELECT count(*) FROM inbox WHERE state = 'claimed' AND kind = $1)",
                args![kind.word()],
            )
            .await
    }
}

/// Settles claimed rows. One that is not claimed any more was settled by another worker, whose effects are written:
/// `Conflict`, so that nothing is done twice.
pub(crate) async fn settle(session: &mut Session, settled: &[InboxSettled], now: Timestamp) -> PortResult<()> {
    if settled.is_empty() {
        return Ok(());
    }
    let mut rows: Vec<&InboxSettled> = settled.iter().collect();
    rows.sort_by_key(|row| row.seq);
    rows.dedup_by_key(|row| row.seq);
    let batch = rows.iter().map(|row| {
        let state = if row.done { "done" } else { "ready" };
        let at: Value = if row.done { now.into() } else { Value::Int(None) };
        vec![Value::from(row.seq), state.into(), row.error.clone().into(), at]
    });
    let touched = session
        .run(
            "UPDATE inbox SET state = s.state, error = s.error, settled_at = s.at, owner = NULL, lease_until = NULL \
             FROM (SELECT CAST(value ->> 0 AS BIGINT) AS seq, value ->> 1 AS state, value ->> 2 AS error, CAST(value ->> 3 AS BIGINT) AS at FROM EACH($1)) AS s \
             WHERE inbox.seq = s.seq AND inbox.state = 'claimed'",
            args![batch.collect::<Batch>()],
        )
        .await?;
    if usize::try_from(touched).ok() != Some(rows.len()) {
        return Err(conflict("commit", "what came in was handled by another worker meanwhile; nothing was done a second time"));
    }
    Ok(())
}
