//! What is known about one person, under whichever of their ids they are asked for.

use super::asking::until;
use super::{Events, cohorts};
use crate::error::{invalid, not_found};
use crate::session::args;
use bellhop_core::analytics::{Person, PersonEvent};
use bellhop_core::ports::PortResult;
use bellhop_core::text::{one_line, shorten};

/// The most events that are shown of a person, and the most ids.
const EVENTS: usize = 10_000;
const IDS: usize = 1000;

impl Events {
    pub(super) async fn told(&self, id: &str, events: usize) -> PortResult<Person> {
        if events > EVENTS {
            return Err(invalid("person", format!("{events} events are too many; {EVENTS} are the most, and an export has them all")));
        }
        let now = until(self.store.now());
        let mut session = self.store.read("person").await?;
        let sql = "SELECT r.id, r.properties FROM person AS p JOIN person AS r ON r.id = coalesce(p.root, p.id) WHERE p.distinct_id = $1";
        let Some(row) = session.row(sql, args![id]).await? else {
            let id = shorten(&one_line(id), 80);
            return Err(not_found("person", format!("nobody with the id `{id}` was ever seen; ids are as events have them, case and all")));
        };
        let (root, properties) = (row.int(0)?, row.json(1)?);
        let limit = i64::try_from(IDS).unwrap_or(i64::MAX);
        let sql = "SELECT distinct_id FROM person WHERE id = $1 OR root = $1 ORDER BY alias, distinct_id /*pg COLLATE \"C\"*/ LIMIT $2";
        let ids = session.rows(sql, args![root, limit]).await?.iter().map(|row| row.text(0)).collect::<PortResult<Vec<_>>>()?;
        let sql = "SELECT min(at), max(at), count(*) FROM event WHERE person = $1 AND at < $2";
        let seen = session.row(sql, args![root, now]).await?;
        let (first_seen, last_seen, total) = match &seen {
            Some(row) => (row.maybe_time(0)?, row.maybe_time(1)?, row.int(2)?),
            None => (None, None, 0),
        };
        let sql = "SELECT name, at, /*pg CAST(*/properties/*pg  AS TEXT)*/ FROM event WHERE person = $1 AND at < $2 ORDER BY at DESC, seq DESC LIMIT $3";
        let limit = i64::try_from(events).unwrap_or(i64::MAX);
        let rows = session.rows(sql, args![root, now, limit]).await?;
        let events = rows.iter().map(|row| Ok(PersonEvent { event: row.text(0)?, time: row.time(1)?, properties: row.json(2)? }));
        let events = events.collect::<PortResult<Vec<_>>>()?;
        drop(session);
        Ok(Person {
            id: id.to_owned(),
            ids,
            properties,
            first_seen,
            last_seen,
            events_total: u64::try_from(total).ok(),
            events,
            cohorts: cohorts::of(self, root).await?,
        })
    }
}
