//! How messages get into the outbox, and how each lane knows its first one.

use crate::Store;
use crate::session::{Batch, Session, args};
use bellhop_core::ids::{CardKey, DeliveryKey};
use bellhop_core::ports::PortResult;
use bellhop_core::{Address, Timestamp};
use std::collections::{BTreeSet, HashMap, HashSet};

/// A message to be delivered.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Its key: a key that is there already brings nothing new.
    pub key: DeliveryKey,
    /// Where to.
    pub to: Address,
    /// The card that it shows, where that card lives on. While an earlier message of the same card in the same lane has
    /// not been tried, this one takes its place in the queue (with this key, address and payload, and the earlier
    /// `not_before`).
    pub card_key: Option<CardKey>,
    /// What to show; the store doesn't look into it.
    pub payload: serde_json::Value,
    /// Not to be tried before; `None` for at once.
    pub not_before: Option<Timestamp>,
}

/// Puts messages into their lanes.
pub(crate) async fn insert(session: &mut Session, deliveries: &[NewDelivery], now: Timestamp) -> PortResult<()> {
    let fresh = fold(deliveries);
    if fresh.is_empty() {
        return Ok(());
    }
    let lanes = fresh.iter().map(|delivery| delivery.to.lane().as_str().to_owned()).collect::<BTreeSet<_>>();
    let lanes = || lanes.iter().map(|lane| args![lane.as_str()]).collect::<Batch>();
    // In PostgreSQL this locks the lanes, always in the same order, before anything in them is touched.
    session
        .run("INSERT INTO lane (lane) SELECT value ->> 0 FROM EACH($1) WHERE true ON CONFLICT (lane) DO /*lite NOTHING*//*pg UPDATE SET lane = excluded.lane*/", args![lanes()])
        .await?;
    let replaced = replace(session, &fresh).await?;
    let rest = fresh.iter().filter(|delivery| !replaced.contains(delivery.key.as_str())).map(|delivery| {
        args![
            delivery.to.lane().as_str(),
            delivery.key.as_str(),
            delivery.card_key.as_ref().map(|key| key.as_str().to_owned()),
            address(&delivery.to),
            delivery.payload.to_string(),
            delivery.not_before.unwrap_or(now),
        ]
    });
    let rest = rest.collect::<Batch>();
    if rest.is_empty() {
        return Ok(());
    }
    session
        .run(
            "INSERT INTO outbox (lane, key, card_key, place, payload, state, not_before, created_at) \
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, 'ready', CAST(value ->> 5 AS BIGINT), $2 FROM EACH($1) WHERE true \
             ON CONFLICT (key) DO NOTHING",
            args![rest, now],
        )
        .await?;
    refresh(session, lanes()).await
}

pub(crate) fn address(to: &Address) -> String {
    // Plain strings: their serialisation has no way to fail.
    serde_json::to_string(to).unwrap_or_default()
}

/// Within one batch, too, the last state of a card wins and stands where the first stood.
fn fold(deliveries: &[NewDelivery]) -> Vec<NewDelivery> {
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    let mut keys = HashSet::new();
    let mut fresh: Vec<NewDelivery> = Vec::with_capacity(deliveries.len());
    for delivery in deliveries.iter().filter(|delivery| keys.insert(delivery.key.as_str())) {
        let Some(card) = &delivery.card_key else {
            fresh.push(delivery.clone());
            continue;
        };
        let place = *places.entry((delivery.to.lane().as_str().to_owned(), card.as_str().to_owned())).or_insert(fresh.len());
        match fresh.get_mut(place) {
            Some(earlier) => *earlier = NewDelivery { not_before: earlier.not_before, ..delivery.clone() },
            None => fresh.push(delivery.clone()),
        }
    }
    fresh
}

/// Puts new states of cards in the place of untried ones; returns the keys of those that found such a place.
async fn replace(session: &mut Session, fresh: &[NewDelivery]) -> PortResult<HashSet<String>> {
    let cards = fresh.iter().filter_map(|delivery| {
        let card = delivery.card_key.as_ref()?;
        Some(args![delivery.to.lane().as_str(), card.as_str(), delivery.key.as_str(), address(&delivery.to), delivery.payload.to_string()])
    });
    let cards = cards.collect::<Batch>();
    if cards.is_empty() {
        return Ok(HashSet::new());
    }
    let replaced = session
        .rows(
            "UPDATE outbox SET key = d.new_key, place = d.new_place, payload = d.new_payload FROM ( \
               SELECT value ->> 2 AS new_key, value ->> 3 AS new_place, value ->> 4 AS new_payload, \
                 (SELECT max(o.seq) FROM outbox AS o WHERE o.card_key = j.value ->> 1 AND o.lane = j.value ->> 0 AND o.state = 'ready' AND o.attempts = 0) AS waiting \
               FROM EACH($1)) AS d \
             WHERE outbox.seq = d.waiting AND NOT EXISTS (SELECT 1 FROM outbox AS k WHERE k.key = d.new_key) RETURNING key",
            args![cards],
        )
        .await?;
    replaced.iter().map(|row| row.text(0)).collect()
}

impl Store {
    /// Lets what waits for a destination be tried now, whenever it was to be tried again: what stood in its way is gone.
    ///
    /// # Errors
    /// The database.
    pub async fn hurry(&self, to: &Address) -> PortResult<()> {
        let (lane, now) = (to.lane().as_str().to_owned(), self.now());
        self.write("hurry", move |session| {
            Box::pin(async move {
                session.run("UPDATE lane SET blocked_until = NULL WHERE lane = $1", args![lane.as_str()]).await?;
                let sql =
                    "UPDATE outbox SET not_before = $2 WHERE lane = $1 AND settled_at IS NULL AND state = 'ready' AND not_before > $2";
                session.run(sql, args![lane.as_str(), now]).await?;
                refresh(session, [args![lane.as_str()]].into_iter().collect()).await
            })
        })
        .await?;
        self.0.outbox_wake.notify_one();
        Ok(())
    }
}

/// Finds each lane's first open row and when it may be tried. The lanes must be locked by this transaction.
pub(crate) async fn refresh(session: &mut Session, lanes: Batch) -> PortResult<()> {
    session
        .run(
            "UPDATE lane SET head = h.seq, next_at = CASE WHEN h.seq IS NULL OR h.state = 'leased' THEN NULL \
               ELSE /*lite max*//*pg greatest*/(h.not_before, coalesce(lane.blocked_until, 0)) END \
             FROM (SELECT names.name, o.seq, o.state, o.not_before FROM (SELECT value ->> 0 AS name FROM EACH($1)) AS names \
               LEFT JOIN outbox AS o ON o.seq = (SELECT min(x.seq) FROM outbox AS x WHERE x.lane = names.name AND x.settled_at IS NULL)) AS h \
             WHERE lane.lane = h.name",
            args![lanes],
        )
        .await
        .map(drop)
}
