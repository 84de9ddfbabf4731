//! One model for every source of analytics: a question, and an answer that says what it rests on.

use crate::chart::Interval;
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Something that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, as it is typed.
    pub name: String,
    /// A word about it.
    pub about: String,
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// How much of something, over time and by property.
    Trend(Trend),
}

/// How much of something, from `from` until before `to`.
#[derive(Clone, Debug, PartialEq)]
pub struct Trend {
    /// The event or built-in metric.
    pub metric: String,
    /// What is counted.
    pub measure: Measure,
    /// The beginning.
    pub from: Timestamp,
    /// The end, not included.
    pub to: Timestamp,
    /// The zone that days and weeks are cut in.
    pub zone: chrono_tz::Tz,
    /// Over time, in intervals of this width; `None` for one figure (per value of `by`).
    pub interval: Option<Interval>,
    /// By the values of this property.
    pub by: Option<String>,
    /// Only where a property has a value.
    pub filters: Vec<Filter>,
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// How often it happened.
    Count,
    /// How many different people.
    Users,
    /// The sum of a numeric property.
    Sum(String),
}

/// A condition on a property, both sides as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The property.
    pub property: String,
    /// Whether the value must differ rather than agree.
    pub not: bool,
    /// The value.
    pub value: String,
}

/// An answer: typed columns, and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Rows of the answer, by interval (ascending) and then by group (largest total first).
    pub rows: Vec<FrameRow>,
    /// The unit of the values, or empty for plain counts.
    pub unit: String,
    /// The total over all rows. For `Users` it counts each person once, and so can be less than the sum.
    pub total: f64,
    /// False when the last interval is still filling up.
    pub complete: bool,
    /// The share of the data that was looked at, 1 for all of it.
    pub sampled: f64,
    /// When the source answered, where the answer comes from a cache.
    pub as_of: Option<Timestamp>,
}

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameRow {
    /// The start of its interval.
    pub at: Option<Timestamp>,
    /// The value of the property it was asked by; `None` where events don't have it.
    pub group: Option<String>,
    /// The figure.
    pub value: f64,
}

/// An event on its way in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    /// What happened.
    pub event: String,
    /// To whom.
    pub distinct_id: String,
    /// When.
    pub time: Timestamp,
    /// The sender's own id of it: what comes with the same one is the same event.
    pub insert_id: String,
    /// What else is known about it.
    pub properties: BTreeMap<String, serde_json::Value>,
}

/// What became of a batch of events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// How many are kept.
    pub taken: usize,
    /// How many were known already.
    pub duplicates: usize,
    /// Those that were refused.
    pub refused: Vec<Refused>,
}

/// An event that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Its position in the batch, from 0.
    pub index: usize,
    /// Why, and what would be right.
    pub reason: String,
}
