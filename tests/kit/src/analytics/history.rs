//! What a few people did between 20 October and 2 November 2026: the raw events behind every answer of the worlds, and what was
//! sent to them since.

use super::at;
use bellhop_core::Timestamp;
use chrono::TimeDelta;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// What.
    pub name: String,
    /// To whom.
    pub person: String,
    /// The sender's id of it, or empty.
    pub id: String,
    /// What else is known: `country`, `page`, `plan` and `price` in the usual history.
    pub properties: BTreeMap<String, Value>,
}

impl Happened {
    /// One without properties.
    #[must_use]
    pub fn new(at: Timestamp, name: &str, person: &str) -> Self {
        Self { at, name: name.to_owned(), person: person.to_owned(), id: String::new(), properties: BTreeMap::new() }
    }

    /// With one more property.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.properties.insert(name.to_owned(), value.into());
        self
    }

    /// A property as text.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<String> {
        match self.properties.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// A property as a number, also one that came as text.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.property(name)?.trim().parse().ok()
    }

    /// Half an hour of a person.
    pub(super) fn session(&self) -> (String, i64) {
        (self.person.clone(), self.at.timestamp() / 1800)
    }
}

/// When, what, by whom, and with which properties.
type Row = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const GERMANY: (&str, &str) = ("country", "Germany");
const STATES: (&str, &str) = ("country", "United States");
const EVENTS: [Row; 21] = [
    ("2026-10-20T13:00:00Z", "first_visit", "ann", &[GERMANY]),
    ("2026-10-20T13:00:05Z", "page_view", "ann", &[GERMANY, ("page", "/home")]),
    ("2026-10-20T13:01:00Z", "signup", "ann", &[GERMANY, ("plan", "pro")]),
    ("2026-10-20T13:10:00Z", "purchase", "ann", &[GERMANY, ("plan", "pro"), ("price", "30")]),
    // Still the 20th in New York, and the 21st in Berlin.
    ("2026-10-21T03:30:00Z", "page_view", "ann", &[GERMANY, ("page", "/docs")]),
    ("2026-10-21T10:00:00Z", "first_visit", "bob", &[STATES]),
    ("2026-10-21T10:00:05Z", "page_view", "bob", &[STATES, ("page", "/home")]),
    ("2026-10-21T10:05:00Z", "signup", "bob", &[STATES, ("plan", "free")]),
    ("2026-10-22T10:00:00Z", "page_view", "ann", &[GERMANY, ("page", "/pricing")]),
    ("2026-10-23T12:00:00Z", "purchase", "ann", &[GERMANY, ("plan", "pro"), ("price", "20")]),
    ("2026-10-26T15:00:00Z", "first_visit", "cyd", &[STATES]),
    ("2026-10-26T15:00:05Z", "page_view", "cyd", &[STATES, ("page", "/home")]),
    ("2026-10-26T15:20:00Z", "signup", "cyd", &[STATES, ("plan", "pro")]),
    ("2026-10-27T09:00:00Z", "page_view", "bob", &[STATES, ("page", "/docs")]),
    ("2026-10-28T09:00:00Z", "purchase", "bob", &[STATES, ("plan", "free"), ("price", "12.5")]),
    ("2026-10-31T20:00:00Z", "page_view", "cyd", &[STATES, ("page", "/pricing")]),
    // Half past one in New York, twice.
    ("2026-11-01T05:30:00Z", "page_view", "cyd", &[STATES, ("page", "/docs")]),
    ("2026-11-01T06:30:00Z", "page_view", "cyd", &[STATES, ("page", "/docs")]),
    ("2026-11-02T11:45:00Z", "page_view", "ann", &[GERMANY, ("page", "/home")]),
    ("2026-11-02T11:49:00Z", "first_visit", "dan", &[STATES]),
    ("2026-11-02T11:50:00Z", "signup", "dan", &[STATES, ("plan", "free")]),
];
/// The end of the usual history.
const END: &str = "2026-11-02T12:00:00Z";

/// Raw events, oldest first.
#[derive(Debug, Default)]
pub struct History {
    events: Mutex<Vec<Happened>>,
}

impl History {
    /// The usual ones, some weeks later than they are written.
    #[must_use]
    pub fn usual(weeks: i64) -> Self {
        let one = |(moment, name, person, properties): &Row| {
            let bare = Happened::new(at(moment) + TimeDelta::weeks(weeks), name, person);
            properties.iter().fold(bare, |one, (name, value)| one.with(name, *value))
        };
        Self { events: Mutex::new(EVENTS.iter().map(one).collect()) }
    }

    /// How many whole weeks the usual events have to be moved for the last of them to be a day to eight days before `now`.
    #[must_use]
    pub fn weeks_until(now: Timestamp) -> i64 {
        (now - at(END) - TimeDelta::days(1)).num_seconds().div_euclid(7 * 86_400)
    }

    /// Something more happened. The same name, person, moment and id again is the same event: whether it is new.
    pub fn add(&self, event: Happened) -> bool {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |known: &Happened| (&known.id, &known.name, &known.person, known.at) == (&event.id, &event.name, &event.person, event.at);
        if !event.id.is_empty() && events.iter().any(same) {
            return false;
        }
        let place = events.partition_point(|known| known.at <= event.at);
        events.insert(place, event);
        true
    }

    /// Whether a person has an event of this id already.
    #[must_use]
    pub fn knows(&self, person: &str, id: &str) -> bool {
        self.all().iter().any(|known| known.person == person && known.id == id)
    }

    /// What the first id did was done by the second person.
    pub fn rename(&self, from: &str, into: &str) {
        for one in self.events.lock().unwrap_or_else(PoisonError::into_inner).iter_mut().filter(|one| one.person == from) {
            into.clone_into(&mut one.person);
        }
    }

    /// All of them, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Happened> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Names of events, the most frequent first.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for one in self.all() {
            *counts.entry(one.name).or_default() += 1;
        }
        let mut names: Vec<(String, usize)> = counts.into_iter().collect();
        names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        names.into_iter().map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_in_order_and_taken_once() {
        let history = History::usual(0);
        assert!(history.all().is_sorted_by_key(|one| one.at) && history.all().len() == EVENTS.len());
        let late = Happened { id: "1".into(), ..Happened::new(at("2026-10-25T00:00:00Z"), "deploy", "ann") };
        assert!(history.add(late.clone()) && !history.add(late));
        assert!(history.all().is_sorted_by_key(|one| one.at) && history.knows("ann", "1"));
        assert_eq!(history.names()[0], "page_view");
        assert_eq!([History::weeks_until(at(END)), History::weeks_until(at("2026-11-23T11:00:00Z"))], [-1, 2]);
        assert_eq!(History::usual(1).all()[0].at, at("2026-10-27T13:00:00Z"));
    }
}
