//! What the adapter writes down for a while: where a message went, what a file that was offered is, how a card looks. Old notes
//! are dropped as new ones come, some at a time.

use crate::Desk;
use bellhop_core::clock::Timestamp;
use bellhop_core::ports::PortResult;
use chrono::TimeDelta;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How many old notes are looked at with each new one.
const LOOKED_AT: usize = 10;

/// A kind of note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Where a message went that was posted under a key.
    Sent,
    /// A file that was offered to someone, by its key.
    Offer,
    /// How a card looks that may be asked for again, by conversation and message.
    Face,
    /// A picture that a card shows.
    Picture,
    /// A meeting that was made under a key.
    Meeting,
}

impl Kind {
    const fn collection(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Offer => "offers",
            Self::Face => "faces",
            Self::Picture => "pictures",
            Self::Meeting => "meetings",
        }
    }

    /// How long it is kept.
    const fn life(self) -> TimeDelta {
        match self {
            Self::Sent => TimeDelta::days(7),
            Self::Offer | Self::Face => TimeDelta::days(30),
            Self::Picture => TimeDelta::days(90),
            Self::Meeting => TimeDelta::days(400),
        }
    }
}

/// Where the look through the old notes goes on, for each kind.
#[derive(Default)]
pub(crate) struct Tidying(Mutex<HashMap<Kind, String>>);

/// Writes something down.
pub(crate) async fn put(desk: &Desk, kind: Kind, key: &str, value: &impl Serialize) -> PortResult<()> {
    let collection = desk.collection(kind.collection());
    // Plain data always serialises.
    let note = json!({ "at": desk.ports.clock.now().timestamp(), "note": serde_json::to_value(value).unwrap_or_default() });
    desk.ports.records.put(&collection, key, &note).await?;
    tidy(desk, kind, &collection).await;
    Ok(())
}

/// What was written down.
pub(crate) async fn get<T: DeserializeOwned>(desk: &Desk, kind: Kind, key: &str) -> PortResult<Option<T>> {
    let kept = desk.ports.records.get(&desk.collection(kind.collection()), key).await?;
    Ok(kept.and_then(|mut kept| serde_json::from_value(kept.get_mut("note")?.take()).ok()))
}

/// Forgets it.
pub(crate) async fn remove(desk: &Desk, kind: Kind, key: &str) -> PortResult<()> {
    desk.ports.records.remove(&desk.collection(kind.collection()), key).await
}

/// All of a kind, with their keys.
pub(crate) async fn all<T: DeserializeOwned>(desk: &Desk, kind: Kind) -> PortResult<Vec<(String, T)>> {
    const PAGE: usize = 200;
    let collection = desk.collection(kind.collection());
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = desk.ports.records.after(&collection, after.as_deref(), PAGE).await?;
        let more = page.len() == PAGE;
        after = page.last().map(|record| record.key.clone());
        let notes = page.into_iter().filter_map(|mut record| {
            let note = serde_json::from_value(record.value.get_mut("note")?.take()).ok()?;
            Some((record.key, note))
        });
        all.extend(notes);
        if !more {
            return Ok(all);
        }
    }
}

/// Drops notes that are too old, going round.
async fn tidy(desk: &Desk, kind: Kind, collection: &str) {
    let from = desk.tidying.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&kind);
    let now = desk.ports.clock.now();
    let looked = async {
        let some = desk.ports.records.after(collection, from.as_deref(), LOOKED_AT).await?;
        for old in &some {
            let at = old.value.get("at").and_then(Value::as_i64).and_then(|at| Timestamp::from_timestamp(at, 0));
            if at.is_none_or(|at| now - at > kind.life()) {
                desk.ports.records.remove(collection, &old.key).await?;
            }
        }
        PortResult::Ok(some.last().filter(|_| some.len() == LOOKED_AT).map(|last| last.key.clone()))
    };
    match looked.await {
        Ok(Some(next)) => drop(desk.tidying.0.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, next)),
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "old notes stay"),
    }
}
