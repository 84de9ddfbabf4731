//! What every question is checked for before the database is asked, and what the answers have in common.

use super::{BUILT_IN, Events};
use crate::error::{invalid, not_found};
use crate::session::args;
use bellhop_core::Timestamp;
use bellhop_core::analytics::{Basis, EventMatch, Filter, Window};
use bellhop_core::chart::Interval;
use bellhop_core::nearest::nearest;
use bellhop_core::period::{Range, intervals};
use bellhop_core::ports::PortResult;
use chrono::TimeDelta;

/// How people are told apart, for those who compare.
pub(super) const IDENTITY: &str = "by distinct_id; ids that were merged are one person";
/// How many groups are told apart; the rest is added up under [`OTHERS`].
pub(super) const GROUPS: usize = 200;
pub(super) const OTHERS: &str = "(other)";
/// How many intervals an answer may have.
const INTERVALS: usize = 20_000;
/// How many conditions a question may have.
const FILTERS: usize = 50;

/// The note of an answer whose smallest groups were added up.
pub(super) fn folded_note(what: &str) -> String {
    format!("only the largest {GROUPS} {what} are told apart; the others are added up as {OTHERS}")
}

/// The moment before which events have come to pass. Times have microseconds: what happens now is over.
pub(super) fn until(now: Timestamp) -> Timestamp {
    now + TimeDelta::microseconds(1)
}

/// The intervals of a period that can be asked for.
pub(super) fn cut(window: &Window, interval: Option<Interval>) -> PortResult<Vec<Timestamp>> {
    let Some(interval) = interval else { return Ok(vec![window.from]) };
    let width = match interval {
        Interval::Hour => TimeDelta::hours(1),
        Interval::Day => TimeDelta::hours(23),
        Interval::Week => TimeDelta::hours(7 * 24 - 3),
        Interval::Month => TimeDelta::days(28),
    };
    // Before they are made: a period of centuries has millions of hours.
    let count = (window.to - window.from).num_seconds() / width.num_seconds();
    if usize::try_from(count).is_ok_and(|count| count > INTERVALS + INTERVALS / 20) {
        return Err(too_many(count));
    }
    let starts = intervals(Range { from: window.from, to: window.to }, interval, window.zone);
    if starts.len() > INTERVALS {
        return Err(too_many(i64::try_from(starts.len()).unwrap_or(i64::MAX)));
    }
    Ok(starts)
}

fn too_many(count: i64) -> bellhop_core::PortError {
    invalid(
        "query",
        format!(
            "that is over {} intervals, and {INTERVALS} are the most; ask for a shorter period or wider intervals",
            count.min(9_999_999)
        ),
    )
}

impl Events {
    /// A period that has a length and has begun.
    pub(super) fn check_period(&self, from: Timestamp, to: Timestamp) -> PortResult<()> {
        if to <= from {
            return Err(invalid("query", format!("the period ends ({to}) before or when it begins ({from}); write the earlier day first")));
        }
        let now = self.store.now();
        if from > now {
            return Err(invalid("query", format!("the period begins at {from}, and now it is {now}: nothing can have happened in it yet")));
        }
        Ok(())
    }

    /// Conditions that can be meant.
    pub(super) fn check_filters(filters: &[Filter]) -> PortResult<()> {
        if filters.len() > FILTERS {
            return Err(invalid("query", format!("{} conditions are too many; {FILTERS} are the most", filters.len())));
        }
        match filters.iter().find(|filter| filter.property.is_empty()) {
            Some(filter) => Err(invalid("query", format!("the condition on `{}` names no property", filter.value))),
            None => Ok(()),
        }
    }

    /// A property to group by.
    pub(super) fn check_by(by: Option<&String>) -> PortResult<()> {
        if by.is_some_and(String::is_empty) { Err(invalid("query", "the property to group by has no name")) } else { Ok(()) }
    }

    /// Events that were seen before. Built-in metrics are figures, and nothing that a person does.
    pub(super) async fn check_events(&self, matches: impl IntoIterator<Item = &EventMatch>) -> PortResult<()> {
        let mut session = self.store.read("query").await?;
        for one in matches {
            Self::check_filters(&one.filters)?;
            let Some(event) = &one.event else { continue };
            if session.number("SELECT count(*) FROM event_name WHERE name = $1", args![event.as_str()]).await? > 0 {
                continue;
            }
            drop(session);
            let names = self.event_names().await?;
            let hint = self.hint(event, names.iter().map(String::as_str), &names);
            let what = if BUILT_IN.iter().any(|(name, _)| name == event) {
                format!("`{event}` is a figure and no event that a person does{hint}")
            } else {
                format!("no event `{event}` was ever seen{hint}")
            };
            return Err(not_found("query", what));
        }
        Ok(())
    }

    /// What to type in place of a name that was never seen.
    pub(super) fn hint<'a>(&self, typed: &str, candidates: impl Iterator<Item = &'a str>, names: &[String]) -> String {
        match nearest(typed, candidates) {
            Some(word) => format!("; did you mean `{word}`?"),
            None if names.is_empty() => {
                format!("; the source {} has taken no events yet: send some to /v1/events, or load the sample events", self.name)
            }
            None => format!("; there are {}", names.iter().take(5).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
        }
    }

    /// What answers rest on, where all that counts is in by `settled`.
    pub(super) fn basis(&self, zone: chrono_tz::Tz, settled: Timestamp) -> Basis {
        Basis { complete: settled <= self.store.now(), identity: IDENTITY.to_owned(), ..Basis::whole(self.name.clone(), zone) }
    }
}
