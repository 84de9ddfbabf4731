//! The dead letters: messages that will never be delivered as they are. They are kept with their reason until someone
//! queues them once more.

use crate::Store;
use crate::deliveries::refresh;
use crate::error::not_found;
use crate::session::{Batch, args};
use bellhop_core::ids::DeliveryKey;
use bellhop_core::ports::PortResult;
use bellhop_core::{Address, Timestamp};

/// A message that was given up.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Its number.
    pub seq: i64,
    /// Its key.
    pub key: DeliveryKey,
    /// Where it should have gone.
    pub to: Address,
    /// What it would have shown.
    pub payload: serde_json::Value,
    /// Why it was given up.
    pub error: String,
    /// How many attempts failed.
    pub attempts: i64,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it was given up.
    pub settled_at: Timestamp,
}

impl Store {
    /// Messages that were given up, the newest first.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn dead_letters(&self, limit: usize) -> PortResult<Vec<DeadLetter>> {
        let mut session = self.read("dead letters").await?;
        let rows = session
            .rows(
                "SELECT seq, key, place, payload, coalesce(error, ''), attempts, created_at, settled_at FROM outbox WHERE state = 'dead' ORDER BY seq DESC LIMIT $1",
                args![i64::try_from(limit).unwrap_or(i64::MAX)],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(DeadLetter {
                    seq: row.int(0)?,
                    key: row.text(1)?.into(),
                    to: row.json(2)?,
                    payload: row.json(3)?,
                    error: row.text(4)?,
                    attempts: row.int(5)?,
                    created_at: row.time(6)?,
                    settled_at: row.time(7)?,
                })
            })
            .collect()
    }

    /// Queues a message that was given up once more, at the end of its lane. It gets a new number, which is returned.
    ///
    /// # Errors
    /// `NotFound` when there is none of that number among the given up.
    pub async fn redrive(&self, seq: i64) -> PortResult<i64> {
        let now = self.now();
        let number = self
            .write("redrive", move |session| {
                Box::pin(async move {
                    let missing = || not_found("redrive", format!("there is no message {seq} among those that were given up"));
                    let lane = session.row("SELECT lane FROM outbox WHERE seq = $1 AND state = 'dead'", args![seq]).await?.ok_or_else(missing)?.text(0)?;
                    let lanes = || [args![lane.as_str()]].into_iter().collect::<Batch>();
                    session
                        .run("INSERT INTO lane (lane) VALUES ($1) ON CONFLICT (lane) DO /*lite NOTHING*//*pg UPDATE SET lane = excluded.lane*/", args![lane.as_str()])
                        .await?;
                    let row = session
                        .row(
                            "DELETE FROM outbox WHERE seq = $1 AND state = 'dead' RETURNING key, card_key, place, payload, doubt, first_try_at, parts, epoch",
                            args![seq],
                        )
                        .await?
                        .ok_or_else(missing)?;
                    let doubt = row.int(4)?;
                    let state = if doubt == 1 { "ambiguous" } else { "ready" };
                    let first = if doubt == 1 { row.maybe_int(5)? } else { None };
                    let number = session
                        .number(
                            "INSERT INTO outbox (lane, key, card_key, place, payload, state, doubt, not_before, first_try_at, parts, epoch, created_at) \
                             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $8) RETURNING seq",
                            args![lane.as_str(), row.text(0)?, row.maybe_text(1)?, row.text(2)?, row.text(3)?, state, doubt, now, first, row.maybe_text(6)?, row.int(7)?],
                        )
                        .await?;
                    refresh(session, lanes()).await?;
                    Ok(number)
                })
            })
            .await?;
        self.0.outbox_wake.notify_one();
        Ok(number)
    }
}
