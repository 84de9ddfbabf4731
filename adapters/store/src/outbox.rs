//! The outbox: lanes of messages, each first in, first out, with one message on its way at a time. Who claims a message
//! holds a lease with an epoch; only that holder's word about it counts. How a message is posted, and how long to wait
//! before it is tried again, is decided by the one who claims.

use crate::Store;
use crate::deliveries::refresh;
use crate::session::{Batch, Row, Session, Value, args};
use bellhop_core::ids::{CardKey, DeliveryKey, MessageId};
use bellhop_core::ports::PortResult;
use bellhop_core::{Address, Lane, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// What became of a claimed message.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// Its number.
    pub seq: i64,
    /// The epoch that it was claimed in.
    pub epoch: i64,
    /// What became of it.
    pub outcome: Outcome,
    /// The platform wants nothing sent to this lane before then.
    pub block_lane_until: Option<Timestamp>,
}

/// What became of a message. Where `parts` says which messages of it are posted, an empty list with anything but
/// `Done` means: what was known before.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is posted.
    Done {
        /// The messages that it consists of.
        parts: Vec<MessageId>,
    },
    /// It is not posted, and will be tried again.
    Retry {
        /// Not before.
        not_before: Timestamp,
        /// Why.
        error: String,
        /// Whether it counts as an attempt; a rate limit doesn't.
        counts: bool,
        /// The parts that are posted.
        parts: Vec<MessageId>,
    },
    /// Nobody knows whether it is posted: it is to be looked up before it is sent again.
    Ambiguous {
        /// Not before: at least the time-out of the request.
        not_before: Timestamp,
        /// Why.
        error: String,
        /// The parts that are surely posted.
        parts: Vec<MessageId>,
    },
    /// It will never be posted.
    Dead {
        /// Why.
        error: String,
        /// The parts that are posted.
        parts: Vec<MessageId>,
    },
}

/// A message that is to be delivered now.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Its number.
    pub seq: i64,
    /// The epoch of the claim, to be given back with the settlement.
    pub epoch: i64,
    /// Its key.
    pub key: DeliveryKey,
    /// Its lane.
    pub lane: Lane,
    /// Where to.
    pub to: Address,
    /// The card that it shows.
    pub card_key: Option<CardKey>,
    /// What to show.
    pub payload: serde_json::Value,
    /// How many attempts have failed.
    pub attempts: i64,
    /// Whether it may have been posted already: look it up before sending it.
    pub ambiguous: bool,
    /// When it was put into the outbox.
    pub created_at: Timestamp,
    /// The messages of this card, or of this message's earlier attempts, that are posted.
    pub parts: Vec<MessageId>,
}

/// How many messages stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Waiting.
    pub ready: i64,
    /// On their way.
    pub leased: i64,
    /// Waiting to be looked up.
    pub ambiguous: i64,
    /// Given up.
    pub dead: i64,
}

impl Store {
    /// Settles messages and claims others that are due, in one transaction. A settlement counts only while its owner
    /// and epoch still hold the lease; others are passed over. At most `free` messages are claimed, each the first of its
    /// lane, none of a lane that is blocked or has a message on its way; ascending by number.
    ///
    /// # Errors
    /// As the database fails; nothing is settled or claimed then.
    pub async fn settle_and_claim(
        &self,
        owner: &str,
        settlements: Vec<Settlement>,
        free: usize,
        lease: Duration,
    ) -> PortResult<Vec<Claimed>> {
        if settlements.is_empty() && free == 0 {
            return Ok(Vec::new());
        }
        let now = self.now();
        let owner = self.known_owner(owner);
        self.write("settle", move |session| {
            Box::pin(async move {
                if !settlements.is_empty() {
                    settle(session, &owner, &settlements, now).await?;
                }
                if free == 0 { Ok(Vec::new()) } else { claim(session, &owner, free, now, now + lease).await }
            })
        })
        .await
    }

    /// Moves the end of leases, for deliveries that take long. Those lost meanwhile are passed over.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn renew_claims(&self, owner: &str, claims: &[(i64, i64)], lease: Duration) -> PortResult<()> {
        let until = self.now() + lease;
        let (owner, claims) = (owner.to_owned(), claims.iter().map(|(seq, epoch)| args![*seq, *epoch]).collect::<Batch>());
        self.write("renew", move |session| {
            Box::pin(async move {
                session
                    .run(
                        "UPDATE outbox SET lease_until = $1 FROM (SELECT CAST(value ->> 0 AS BIGINT) AS number, CAST(value ->> 1 AS BIGINT) AS term FROM EACH($3)) AS c \
                         WHERE outbox.seq = c.number AND outbox.epoch = c.term AND outbox.owner = $2 AND outbox.state = 'leased'",
                        args![until, owner, claims],
                    )
                    .await
                    .map(drop)
            })
        })
        .await
    }

    /// When the next message may be tried; `None` when none waits (one on its way may still become due again).
    ///
    /// # Errors
    /// As the database fails.
    pub async fn next_due(&self) -> PortResult<Option<Timestamp>> {
        let row = self.read("next due").await?.row("SELECT min(next_at) FROM lane WHERE next_at IS NOT NULL", vec![]).await?;
        row.map_or(Ok(None), |row| row.maybe_time(0))
    }

    /// How many messages stand where.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn outbox_depth(&self) -> PortResult<Depth> {
        let mut session = self.read("outbox depth").await?;
        let row = session
            .row(
                "SELECT (SELECT count(*) FROM outbox WHERE settled_at IS NULL), (SELECT count(*) FROM outbox WHERE state = 'leased'), \
                 (SELECT count(*) FROM outbox WHERE state = 'ambiguous'), (SELECT count(*) FROM outbox WHERE state = 'dead')",
                vec![],
            )
            .await?;
        let Some(row) = row else { return Ok(Depth::default()) };
        let (open, leased, ambiguous, dead) = (row.int(0)?, row.int(1)?, row.int(2)?, row.int(3)?);
        Ok(Depth { ready: open - leased - ambiguous, leased, ambiguous, dead })
    }

    /// Since when the oldest undelivered message waits.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn oldest_waiting(&self) -> PortResult<Option<Timestamp>> {
        let row = self.read("oldest").await?.row("SELECT created_at FROM outbox WHERE seq = (SELECT min(head) FROM lane)", vec![]).await?;
        row.map(|row| row.time(0)).transpose()
    }
}

/// A list of ids as it is stored.
fn list(parts: &[MessageId]) -> String {
    // Plain strings: their serialisation has no way to fail.
    serde_json::to_string(parts).unwrap_or_default()
}

async fn settle(session: &mut Session, owner: &str, settlements: &[Settlement], now: Timestamp) -> PortResult<()> {
    if session.is_postgres() {
        // Lanes first, in order: see deliveries.rs.
        let numbers = settlements.iter().map(|settlement| args![settlement.seq]).collect::<Batch>();
        session
            .rows(
                "SELECT lane FROM lane WHERE lane IN (SELECT o.lane FROM outbox AS o WHERE o.seq IN (SELECT CAST(value ->> 0 AS BIGINT) FROM EACH($1))) ORDER BY lane FOR UPDATE",
                args![numbers],
            )
            .await?;
    }
    let applied = session
        .rows(
            "UPDATE outbox SET state = s.new_state, doubt = coalesce(s.new_doubt, outbox.doubt), not_before = coalesce(s.new_time, outbox.not_before), \
               error = s.new_error, attempts = outbox.attempts + s.counted, parts = coalesce(s.new_parts, outbox.parts), settled_at = s.new_end, \
               payload = CASE WHEN s.new_state = 'done' THEN 'null' ELSE outbox.payload END, owner = NULL, lease_until = NULL \
             FROM (SELECT CAST(value ->> 0 AS BIGINT) AS number, CAST(value ->> 1 AS BIGINT) AS term, value ->> 2 AS new_state, CAST(value ->> 3 AS BIGINT) AS new_doubt, \
               CAST(value ->> 4 AS BIGINT) AS new_time, value ->> 5 AS new_error, CAST(value ->> 6 AS BIGINT) AS counted, value ->> 7 AS new_parts, \
               CAST(value ->> 8 AS BIGINT) AS new_end FROM EACH($1)) AS s \
             WHERE outbox.seq = s.number AND outbox.epoch = s.term AND outbox.owner = $2 AND outbox.state = 'leased' \
             RETURNING seq, lane, card_key",
            args![settlements.iter().map(|settlement| cells(settlement, now)).collect::<Batch>(), owner],
        )
        .await?;
    let by_seq = settlements.iter().map(|settlement| (settlement.seq, settlement)).collect::<HashMap<_, _>>();
    let mut lanes = BTreeMap::new();
    let (mut cards, mut gone) = (Batch::default(), Batch::default());
    for row in &applied {
        let (lane, Some(settlement)) = (row.text(1)?, by_seq.get(&row.int(0)?)) else { continue };
        if let Some(card) = row.maybe_text(2)? {
            match &settlement.outcome {
                Outcome::Done { parts } if parts.is_empty() => gone.push(args![card, lane.as_str()]),
                Outcome::Done { parts } | Outcome::Retry { parts, .. } | Outcome::Ambiguous { parts, .. } | Outcome::Dead { parts, .. } => {
                    if !parts.is_empty() {
                        cards.push(args![card, lane.as_str(), list(parts)]);
                    }
                }
            }
        }
        lanes.insert(lane, settlement.block_lane_until);
    }
    if !cards.is_empty() {
        session
            .run(
                "INSERT INTO card (card_key, lane, parts, updated_at) SELECT value ->> 0, value ->> 1, value ->> 2, $2 FROM EACH($1) WHERE true \
                 ON CONFLICT (card_key, lane) DO UPDATE SET parts = excluded.parts, updated_at = excluded.updated_at",
                args![cards, now],
            )
            .await?;
    }
    if !gone.is_empty() {
        session.run("DELETE FROM card WHERE (card_key, lane) IN (SELECT value ->> 0, value ->> 1 FROM EACH($1))", args![gone]).await?;
    }
    let blocked = lanes.iter().filter_map(|(lane, until)| Some(args![lane.as_str(), (*until)?])).collect::<Batch>();
    if !blocked.is_empty() {
        session
            .run(
                "UPDATE lane SET blocked_until = /*lite max*//*pg greatest*/(coalesce(lane.blocked_until, 0), b.until) \
                 FROM (SELECT value ->> 0 AS name, CAST(value ->> 1 AS BIGINT) AS until FROM EACH($1)) AS b WHERE lane.lane = b.name",
                args![blocked],
            )
            .await?;
    }
    if lanes.is_empty() { Ok(()) } else { refresh(session, lanes.keys().map(|lane| args![lane.as_str()]).collect()).await }
}

/// A settlement as a row: number, epoch, state, doubt, not before, error, whether it counts, parts, end.
fn cells(settlement: &Settlement, now: Timestamp) -> Vec<Value> {
    const SAME: Option<i64> = None;
    let kept = |parts: &[MessageId]| (!parts.is_empty()).then(|| list(parts));
    let (seq, epoch) = (settlement.seq, settlement.epoch);
    match &settlement.outcome {
        Outcome::Done { parts } => args![seq, epoch, "done", 0, SAME, Option::<String>::None, 0, list(parts), now],
        Outcome::Retry { not_before, error, counts, parts } => {
            args![seq, epoch, "ready", 0, *not_before, error.as_str(), i64::from(*counts), kept(parts), SAME]
        }
        Outcome::Ambiguous { not_before, error, parts } => {
            args![seq, epoch, "ambiguous", 1, *not_before, error.as_str(), 1, kept(parts), SAME]
        }
        Outcome::Dead { error, parts } => args![seq, epoch, "dead", SAME, SAME, error.as_str(), 1, kept(parts), now],
    }
}

async fn claim(session: &mut Session, owner: &str, free: usize, now: Timestamp, until: Timestamp) -> PortResult<Vec<Claimed>> {
    let heads = session
        .rows(
            "WITH due AS MATERIALIZED (SELECT lane FROM lane WHERE next_at <= $1 ORDER BY next_at LIMIT $2 /*pg FOR UPDATE SKIP LOCKED*/) \
             UPDATE lane SET next_at = NULL WHERE lane IN (SELECT lane FROM due) RETURNING head",
            args![now, i64::try_from(free).unwrap_or(i64::MAX)],
        )
        .await?;
    if heads.is_empty() {
        return Ok(Vec::new());
    }
    let heads = heads.iter().map(|row| Ok(args![row.int(0)?])).collect::<PortResult<Batch>>()?;
    let rows = session
        .rows(
            "UPDATE outbox SET state = 'leased', owner = $1, epoch = epoch + 1, lease_until = $2, first_try_at = coalesce(first_try_at, $3) \
             WHERE seq IN (SELECT CAST(value ->> 0 AS BIGINT) FROM EACH($4)) \
             RETURNING seq, epoch, key, lane, place, card_key, payload, attempts, doubt, created_at, \
               coalesce((SELECT c.parts FROM card AS c WHERE c.card_key = outbox.card_key AND c.lane = outbox.lane), parts)",
            args![owner, until, now, heads],
        )
        .await?;
    let mut claimed = rows.iter().map(claimed).collect::<PortResult<Vec<_>>>()?;
    claimed.sort_by_key(|claimed| claimed.seq);
    Ok(claimed)
}

fn claimed(row: &Row) -> PortResult<Claimed> {
    Ok(Claimed {
        seq: row.int(0)?,
        epoch: row.int(1)?,
        key: row.text(2)?.into(),
        lane: Lane::from_stored(row.text(3)?),
        to: row.json(4)?,
        card_key: row.maybe_text(5)?.map(CardKey::from),
        payload: row.json(6)?,
        attempts: row.int(7)?,
        ambiguous: row.int(8)? == 1,
        created_at: row.time(9)?,
        parts: row.maybe_json(10)?.unwrap_or_default(),
    })
}
