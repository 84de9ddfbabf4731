//! What can be asked of a source of analytics.

use crate::chart::Interval;
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// A question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Query {
    /// How much of something, over time and by property.
    Trend(Trend),
    /// What happens in these minutes.
    Now(Now),
    /// How many people do one thing after another.
    Funnel(Funnel),
    /// How many people come back.
    Retention(Retention),
    /// What people pay.
    Revenue(Revenue),
    /// Something that was made at the source, by its id there; the period where it takes one.
    Saved {
        /// Its id.
        id: String,
        /// The period.
        window: Window,
    },
}

/// A period, from `from` until before `to`, cut into days and weeks in `zone`. A source whose days are those of its own zone
/// cuts there, and says so in the answer's basis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The beginning.
    pub from: Timestamp,
    /// The end, not included.
    pub to: Timestamp,
    /// The zone.
    pub zone: chrono_tz::Tz,
}

/// How much of something, from `from` until before `to`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Only what fits all of these.
    pub filters: Vec<Filter>,
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// How often it happened.
    Count,
    /// How many different people.
    Users,
    /// The sum of a numeric property.
    Sum(String),
    /// The average of a numeric property over the events that have it.
    Average(String),
}

/// A condition on a property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The property.
    pub property: String,
    /// How it compares.
    pub op: Comparison,
    /// The value, as text; empty for `Set` and `NotSet`. Where both sides are numbers, `Less` and its like compare numbers.
    pub value: String,
}

/// How a property compares with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Both agree.
    Is,
    /// They differ; a property that isn't there differs.
    IsNot,
    /// The property's text has the value in it.
    Contains,
    /// It hasn't.
    NotContains,
    /// The property is less.
    Less,
    /// It is not more.
    AtMost,
    /// It is more.
    More,
    /// It is not less.
    AtLeast,
    /// It is there.
    Set,
    /// It isn't.
    NotSet,
}

/// Events of a name that fit conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventMatch {
    /// The event; `None` is any event.
    pub event: Option<String>,
    /// All of these hold.
    pub filters: Vec<Filter>,
}

/// What happens in these minutes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Now {
    /// The event or built-in metric.
    pub metric: String,
    /// How many minutes back, 1 to 30.
    pub minutes: u32,
    /// By the values of this property.
    pub by: Option<String>,
}

/// How many people do one thing after another. A person counts in a step once, if they did all steps before it in that order,
/// the first within the period and the last no later than `within` after their first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Funnel {
    /// The steps, at least 2.
    pub steps: Vec<EventMatch>,
    /// The period of the first step.
    pub window: Window,
    /// How long after the first step the others count, in seconds.
    pub within: u64,
    /// What may be between the steps.
    pub order: StepOrder,
    /// By the values that this property has in the first step.
    pub by: Option<String>,
    /// Only events that fit all of these, in every step.
    pub filters: Vec<Filter>,
}

/// What may be between the steps of a funnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOrder {
    /// Anything: the steps come in this order.
    #[default]
    Ordered,
    /// Nothing: each step is the very next thing that the person does.
    Strict,
    /// The steps come in any order.
    Any,
}

/// How many people come back after they did something for the first time in the period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retention {
    /// What they did first.
    pub first: EventMatch,
    /// What counts as coming back.
    pub back: EventMatch,
    /// The period of the first time.
    pub window: Window,
    /// What is counted in: days, weeks or months of the zone.
    pub unit: Interval,
    /// When somebody came back.
    pub kind: RetentionKind,
    /// How many units after the first are looked at.
    pub periods: u32,
    /// By the values that this property has in what they did first.
    pub by: Option<String>,
}

/// When somebody came back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionKind {
    /// In a unit: those who came back in exactly that one.
    #[default]
    InUnit,
    /// In a unit: those who came back in that one or in any later one.
    Unbounded,
    /// In a bracket: those who came back in any of its units, from the first number to the last, both included, counted from 0.
    Brackets(Vec<(u32, u32)>),
}

/// What people pay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revenue {
    /// The period.
    pub window: Window,
    /// Over time, in intervals of this width.
    pub interval: Option<Interval>,
    /// By the values of this property.
    pub by: Option<String>,
    /// Only events that fit all of these.
    pub filters: Vec<Filter>,
}
