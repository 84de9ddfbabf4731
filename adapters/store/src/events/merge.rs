//! People who are known by several ids: what was done under any of them was done by one person, whenever it is told.
//!
//! Every id keeps its row. One row of those that belong together is the root: events and the profile are with it. Events
//! keep the id that they came with beside it, so that what was sent comes out again.

use crate::session::{Batch, Session, args};
use bellhop_core::Timestamp;
use bellhop_core::analytics::NewEvent;
use bellhop_core::ports::PortResult;
use serde_json::Value;
use std::collections::BTreeMap;

/// Events that say that two ids are one person, and the properties that name the other id.
pub(super) const ALIASES: [(&str, &[&str]); 2] = [("$identify", &["$anon_distinct_id", "anonymous_id"]), ("$create_alias", &["alias"])];
/// Ids that programs send for people whom they don't know. Merging by them would make one person of everybody.
const NOBODY: [&str; 14] = [
    "anonymous",
    "guest",
    "null",
    "none",
    "nil",
    "undefined",
    "unknown",
    "nan",
    "n/a",
    "true",
    "false",
    "0",
    "-1",
    "00000000-0000-0000-0000-000000000000",
];
/// A number for PostgreSQL's lock: who takes events in shares it, who merges has it alone. It ends with the transaction.
const LOCK: i64 = 0x6265_6c6c_686f_7002;

/// One id that is another's.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub from: String,
    pub into: String,
}

impl Pair {
    /// Two ids that can be one person's.
    pub(super) fn new(from: &str, into: &str) -> Result<Self, String> {
        for id in [from, into] {
            super::profiles::check_id("id", id)?;
            if NOBODY.contains(&id.trim().to_lowercase().as_str()) || id.trim() == "[object Object]" {
                return Err(format!(
                    "`{id}` is what programs call people whom they don't know; merging by it would make one person of many"
                ));
            }
        }
        let (from, into) = (crate::session::clean(from.to_owned()), crate::session::clean(into.to_owned()));
        Ok(Self { from, into })
    }

    /// What an event says about ids; `None` for an event that is about something else.
    pub(super) fn told(event: &NewEvent) -> Option<Result<Self, String>> {
        let (_, names) = ALIASES.iter().find(|(name, _)| *name == event.event)?;
        let other = names.iter().find_map(|name| event.properties.get(*name));
        Some(match other {
            Some(Value::String(id)) => Self::new(id, &event.distinct_id),
            Some(Value::Number(id)) => Self::new(&id.to_string(), &event.distinct_id),
            _ => Err(format!("`{}` has no property `{}` with the other id of the person", event.event, names.join("` or `"))),
        })
    }
}

/// Keeps others who change people and their events from doing so at once. The first thing in a transaction.
pub(super) async fn lock(session: &mut Session, alone: bool) -> PortResult<()> {
    if session.is_postgres() {
        let shared = if alone { "" } else { "_shared" };
        session.rows(&format!("SELECT 1 FROM (SELECT pg_advisory_xact_lock{shared}($1)) AS locked"), args![LOCK]).await?;
    }
    Ok(())
}

/// The roots while pairs are put together.
struct Roots(BTreeMap<i64, i64>);

impl Roots {
    fn of(&self, mut row: i64) -> i64 {
        while let Some(root) = self.0.get(&row) {
            row = *root;
        }
        row
    }
}

/// Makes one person of each pair, within a transaction that has the lock alone. Pairs that are one already change nothing.
pub(super) async fn merge(session: &mut Session, pairs: &[Pair], now: Timestamp) -> PortResult<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    let mut ids: Vec<&str> = pairs.iter().flat_map(|pair| [pair.from.as_str(), pair.into.as_str()]).collect();
    ids.sort_unstable();
    ids.dedup();
    super::track::add_people(session, ids.iter().copied(), now).await?;
    let list = || ids.iter().map(|id| args![*id]).collect::<Batch>();
    let sql = "SELECT p.distinct_id, coalesce(p.root, p.id), r.properties FROM person AS p JOIN person AS r ON r.id = coalesce(p.root, p.id) \
               WHERE p.distinct_id IN (SELECT value ->> 0 FROM EACH($1))";
    let (mut rows, mut profiles) = (BTreeMap::new(), BTreeMap::<i64, BTreeMap<String, Value>>::new());
    for row in session.rows(sql, args![list()]).await? {
        let root = row.int(1)?;
        rows.insert(row.text(0)?, root);
        profiles.insert(root, row.json(2)?);
    }
    let mut roots = Roots(BTreeMap::new());
    for pair in pairs.iter().filter(|pair| pair.from != pair.into) {
        let (Some(from), Some(into)) = (rows.get(&pair.from), rows.get(&pair.into)) else { continue };
        let (from, into) = (roots.of(*from), roots.of(*into));
        if from != into {
            roots.0.insert(from, into);
            // What is known of the person goes before what was known of the id.
            let mut known = profiles.remove(&from).unwrap_or_default();
            known.extend(profiles.remove(&into).unwrap_or_default());
            profiles.insert(into, known);
        }
    }
    let aliases = pairs.iter().filter(|pair| pair.from != pair.into).map(|pair| args![pair.from.as_str()]).collect::<Batch>();
    session
        .run("UPDATE person SET alias = 1 WHERE alias = 0 AND distinct_id IN (SELECT value ->> 0 FROM EACH($1))", args![aliases])
        .await?;
    if roots.0.is_empty() {
        return Ok(());
    }
    let moved = || roots.0.keys().map(|old| args![*old, roots.of(*old)]).collect::<Batch>();
    let pairs = "(SELECT CAST(value ->> 0 AS BIGINT) AS gone, CAST(value ->> 1 AS BIGINT) AS kept FROM EACH($1)) AS c";
    for sql in [
        format!("UPDATE event SET person = c.kept FROM {pairs} WHERE event.person = c.gone"),
        format!("UPDATE person SET root = c.kept FROM {pairs} WHERE person.root = c.gone"),
        format!("UPDATE person SET root = c.kept, properties = '{{}}' FROM {pairs} WHERE person.id = c.gone"),
    ] {
        session.run(&sql, args![moved()]).await?;
    }
    let kept: std::collections::BTreeSet<i64> = roots.0.keys().map(|old| roots.of(*old)).collect();
    let profiles = kept.iter().map(|root| {
        let properties = profiles.get(root).cloned().unwrap_or_default();
        args![*root, serde_json::to_string(&properties).unwrap_or_default()]
    });
    super::profiles::keep(session, profiles.collect(), now).await
}
