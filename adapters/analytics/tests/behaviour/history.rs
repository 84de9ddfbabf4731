//! What a few people did between 20 October and 2 November 2026: the raw events behind every answer of the worlds.

use super::desk::at;
use bellhop_core::Timestamp;
use std::collections::BTreeMap;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Happened {
    pub at: Timestamp,
    pub name: &'static str,
    pub person: &'static str,
    /// `country`, `page`, `plan` and `price`, where it has them.
    pub properties: BTreeMap<&'static str, &'static str>,
}

impl Happened {
    pub fn property(&self, name: &str) -> Option<&'static str> {
        self.properties.get(name).copied()
    }

    pub fn price(&self) -> f64 {
        self.property("price").and_then(|price| price.parse().ok()).unwrap_or(0.0)
    }

    /// Half an hour of a person.
    pub fn session(&self) -> (&'static str, i64) {
        (self.person, self.at.timestamp() / 1800)
    }
}

/// When, what, by whom, and with which properties.
type Row = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const EVENTS: [Row; 21] = [
    ("2026-10-20T13:00:00Z", "first_visit", "ann", &[("country", "Germany")]),
    ("2026-10-20T13:00:05Z", "page_view", "ann", &[("country", "Germany"), ("page", "/home")]),
    ("2026-10-20T13:01:00Z", "signup", "ann", &[("country", "Germany"), ("plan", "pro")]),
    ("2026-10-20T13:10:00Z", "purchase", "ann", &[("country", "Germany"), ("plan", "pro"), ("price", "30")]),
    // Still the 20th in New York, and the 21st in Berlin.
    ("2026-10-21T03:30:00Z", "page_view", "ann", &[("country", "Germany"), ("page", "/docs")]),
    ("2026-10-21T10:00:00Z", "first_visit", "bob", &[("country", "United States")]),
    ("2026-10-21T10:00:05Z", "page_view", "bob", &[("country", "United States"), ("page", "/home")]),
    ("2026-10-21T10:05:00Z", "signup", "bob", &[("country", "United States"), ("plan", "free")]),
    ("2026-10-22T10:00:00Z", "page_view", "ann", &[("country", "Germany"), ("page", "/pricing")]),
    ("2026-10-23T12:00:00Z", "purchase", "ann", &[("country", "Germany"), ("plan", "pro"), ("price", "20")]),
    ("2026-10-26T15:00:00Z", "first_visit", "cyd", &[("country", "United States")]),
    ("2026-10-26T15:00:05Z", "page_view", "cyd", &[("country", "United States"), ("page", "/home")]),
    ("2026-10-26T15:20:00Z", "signup", "cyd", &[("country", "United States"), ("plan", "pro")]),
    ("2026-10-27T09:00:00Z", "page_view", "bob", &[("country", "United States"), ("page", "/docs")]),
    ("2026-10-28T09:00:00Z", "purchase", "bob", &[("country", "United States"), ("plan", "free"), ("price", "12.5")]),
    ("2026-10-31T20:00:00Z", "page_view", "cyd", &[("country", "United States"), ("page", "/pricing")]),
    // Half past one in New York, twice.
    ("2026-11-01T05:30:00Z", "page_view", "cyd", &[("country", "United States"), ("page", "/docs")]),
    ("2026-11-01T06:30:00Z", "page_view", "cyd", &[("country", "United States"), ("page", "/docs")]),
    ("2026-11-02T11:45:00Z", "page_view", "ann", &[("country", "Germany"), ("page", "/home")]),
    ("2026-11-02T11:49:00Z", "first_visit", "dan", &[("country", "United States")]),
    ("2026-11-02T11:50:00Z", "signup", "dan", &[("country", "United States"), ("plan", "free")]),
];

/// Everything, in order.
pub fn history() -> Vec<Happened> {
    let one = |(moment, name, person, properties): &(&str, &'static str, &'static str, &[(&'static str, &'static str)])| Happened {
        at: at(moment),
        name,
        person,
        properties: properties.iter().copied().collect(),
    };
    EVENTS.iter().map(one).collect()
}
