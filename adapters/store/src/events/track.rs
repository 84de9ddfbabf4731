//! Takes events in: checks each, keeps those that are new.

use super::merge::{Pair, lock, merge};
use crate::Store;
use crate::feeds;
use crate::session::{Batch, Session, Value, args, clean};
use bellhop_core::Timestamp;
use bellhop_core::analytics::{NewEvent, Refused, Taken};
use bellhop_core::ids::SourceName;
use bellhop_core::ports::PortResult;
use bellhop_core::text::{one_line, shorten};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// The limits of an event.
const NAME: usize = 200;
const ID: usize = 500;
const PROPERTIES: usize = 255;
const BYTES: usize = 32 * 1024;
const PAST: TimeDelta = TimeDelta::days(3653);
const AHEAD: TimeDelta = TimeDelta::days(1);
/// How many events one statement takes.
const CHUNK: usize = 5000;

/// Why an event can't be kept.
fn refusal(event: &NewEvent, bytes: usize, now: Timestamp) -> Option<String> {
    let name = || shorten(&one_line(&event.event), 60);
    if event.event.trim().is_empty() {
        return Some("it has no name: `event` must say what happened".to_owned());
    }
    if event.event.chars().count() > NAME {
        return Some(format!("its name `{}` has over {NAME} characters; give a short one, and the rest as properties", name()));
    }
    for (field, id) in [("distinct_id", &event.distinct_id), ("insert_id", &event.insert_id)] {
        if id.len() > ID {
            return Some(format!("its `{field}` has over {ID} bytes; give a shorter one"));
        }
    }
    if event.time < now - PAST {
        return Some(format!("its time {} is over ten years ago; is it in the right unit?", event.time));
    }
    if event.time > now + AHEAD {
        return Some(format!("its time {} is over a day ahead; check the sender's clock", event.time));
    }
    if event.properties.len() > PROPERTIES {
        return Some(format!("it has {} properties, and {PROPERTIES} are the most", event.properties.len()));
    }
    if let Some(Err(reason)) = Pair::told(event) {
        return Some(reason);
    }
    (bytes > BYTES).then(|| format!("its properties have {bytes} bytes, and 32 KiB are the most"))
}

/// Properties without the one character that PostgreSQL keeps nowhere.
fn clean_json(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::String(text) => clean(text).into(),
        serde_json::Value::Array(list) => list.into_iter().map(clean_json).collect(),
        serde_json::Value::Object(map) => map.into_iter().map(|(key, value)| (clean(key), clean_json(value))).collect(),
        other => other,
    }
}

/// A number, also one that came as text.
pub(super) fn number(value: &serde_json::Value) -> Option<f64> {
    let number = match value {
        serde_json::Value::Number(number) => number.as_f64(),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

struct Row {
    cells: Vec<Value>,
    name: String,
    person: String,
    properties: Vec<String>,
}

fn row(event: NewEvent, json: String, insert_id: String) -> Row {
    let properties = event.properties;
    let revenue = properties.get("revenue").and_then(number);
    let key = revenue.is_some() || properties.get("key") == Some(&serde_json::Value::Bool(true));
    let (name, person) = (clean(event.event), clean(event.distinct_id));
    let names = properties.into_keys().collect();
    let cells = args![insert_id, name.as_str(), event.time, person.as_str(), Value::Real(revenue), i64::from(key), json];
    Row { cells, name, person, properties: names }
}

/// The properties as they are kept.
fn cleaned(event: &mut NewEvent) -> String {
    let text = |properties: &BTreeMap<String, serde_json::Value>| serde_json::to_string(properties).unwrap_or_else(|_| "{}".to_owned());
    let json = text(&event.properties);
    // How JSON writes the character that has to go; hardly ever is it there.
    if !json.contains("\\u0000") {
        return json;
    }
    let properties = std::mem::take(&mut event.properties);
    event.properties = properties.into_iter().map(|(key, value)| (clean(key), clean_json(value))).collect();
    text(&event.properties)
}

/// What [`track`] would refuse.
pub(super) fn wrong(events: &[NewEvent], now: Timestamp) -> Vec<Refused> {
    let reasons = events.iter().enumerate().filter_map(|(index, event)| {
        let mut event = event.clone();
        let json = cleaned(&mut event);
        refusal(&event, json.len(), now).map(|reason| Refused { index, reason })
    });
    reasons.collect()
}

pub(super) async fn track(store: &Store, sinks: &Arc<[SourceName]>, events: Vec<NewEvent>) -> PortResult<Taken> {
    let now = store.now();
    let mut taken = Taken::default();
    let mut known = HashSet::new();
    let mut rows = Vec::with_capacity(events.len());
    let mut fed = Vec::new();
    let mut pairs = Vec::new();
    for (index, mut event) in events.into_iter().enumerate() {
        let json = cleaned(&mut event);
        if let Some(reason) = refusal(&event, json.len(), now) {
            taken.refused.push(Refused { index, reason });
            continue;
        }
        // Also of events that are known already: to merge again changes nothing.
        pairs.extend(Pair::told(&event).and_then(Result::ok));
        // Without an id of the sender there is nothing to know it again by.
        let insert_id = if event.insert_id.is_empty() { store.0.ids.next() } else { clean(event.insert_id.clone()) };
        if !known.insert(insert_id.clone()) {
            taken.duplicates += 1;
            continue;
        }
        if !sinks.is_empty() && event.properties.get("sample") != Some(&serde_json::Value::Bool(true)) {
            fed.push(NewEvent { insert_id: insert_id.clone(), ..event.clone() });
        }
        rows.push(row(event, json, insert_id));
    }
    if rows.is_empty() {
        return Ok(taken);
    }
    let count = rows.len();
    let (sinks, feeds) = (Arc::clone(sinks), !fed.is_empty());
    let new = store
        .write("track", move |session| {
            Box::pin(async move {
                feeds::queue(session, &sinks, &fed, now).await?;
                let mut new = 0;
                lock(session, !pairs.is_empty()).await?;
                merge(session, &pairs, now).await?;
                while !rows.is_empty() {
                    let chunk = rows.drain(..rows.len().min(CHUNK)).collect::<Vec<_>>();
                    new += insert(session, chunk, now).await?;
                }
                Ok(new)
            })
        })
        .await?;
    if feeds {
        store.wake_feeds();
    }
    taken.taken = usize::try_from(new).unwrap_or(count);
    taken.duplicates += count.saturating_sub(taken.taken);
    Ok(taken)
}

async fn insert(session: &mut Session, rows: Vec<Row>, now: Timestamp) -> PortResult<u64> {
    let people = rows.iter().map(|row| row.person.as_str()).filter(|person| !person.is_empty()).collect::<BTreeSet<_>>();
    let names = rows.iter().map(|row| row.name.as_str()).collect::<BTreeSet<_>>();
    let properties =
        rows.iter().flat_map(|row| row.properties.iter().map(|property| (row.name.as_str(), property.as_str()))).collect::<BTreeSet<_>>();
    add_people(session, people.into_iter(), now).await?;
    session
        .run(
            "INSERT INTO event_name (name, first_at) SELECT value ->> 0, $2 FROM EACH($1) WHERE true ON CONFLICT (name) DO NOTHING",
            args![names.into_iter().map(|name| args![name]).collect::<Batch>(), now],
        )
        .await?;
    session
        .run(
            "INSERT INTO event_property (name, property) SELECT value ->> 0, value ->> 1 FROM EACH($1) WHERE true ON CONFLICT (name, property) DO NOTHING",
            args![properties.into_iter().map(|(name, property)| args![name, property]).collect::<Batch>()],
        )
        .await?;
    session
        .run(
            "INSERT INTO event (insert_id, name, at, person, who, revenue, is_key, properties) \
             SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), coalesce(p.root, p.id), p.id, \
               CAST(value ->> 4 AS DOUBLE PRECISION), CAST(value ->> 5 AS BIGINT), /*pg CAST(*/value ->> 6/*pg  AS jsonb)*/ \
             FROM EACH($1) LEFT JOIN person AS p ON p.distinct_id = value ->> 3 WHERE true \
             ON CONFLICT (insert_id) DO NOTHING",
            args![rows.into_iter().map(|row| row.cells).collect::<Batch>()],
        )
        .await
}

/// Makes sure that these people have numbers.
pub(super) async fn add_people(session: &mut Session, people: impl Iterator<Item = &str>, now: Timestamp) -> PortResult<()> {
    let people = people.map(|person| args![person]).collect::<Batch>();
    if people.is_empty() {
        return Ok(());
    }
    session
        .run(
            "INSERT INTO person (distinct_id, updated_at) SELECT value ->> 0, $2 FROM EACH($1) \
             WHERE NOT EXISTS (SELECT 1 FROM person AS p WHERE p.distinct_id = value ->> 0) ON CONFLICT (distinct_id) DO NOTHING",
            args![people, now],
        )
        .await
        .map(drop)
}
