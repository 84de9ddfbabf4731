//! One model for every source of analytics: what can be asked ([`query`]), what is answered ([`answer`]), and what is sent in
//! (here). No source's own words: an adapter translates, and says in [`answer::Basis`] what its answer rests on.

pub mod answer;
pub mod cohort;
pub mod query;

pub use answer::{
    Answer, Basis, CohortFigures, Cost, Figures, Frame, FrameCell, FrameColumn, FunnelFigures, FunnelGroup, FunnelStep, Ltv, RetentionCell,
    RetentionCohort, RetentionFigures, RevenueFigures, RevenueRow, TrendFigures, TrendRow,
};
pub use cohort::{CohortDefinition, CohortRule, During};
pub use query::{Comparison, EventMatch, Filter, Funnel, Measure, Now, Query, Retention, RetentionKind, Revenue, StepOrder, Trend, Window};

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Something that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name, as it is typed.
    pub name: String,
    /// A word about it.
    pub about: String,
    /// What it is.
    pub kind: MetricKind,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// Something that happened, by its name: it can be a step of a funnel.
    Event,
    /// A figure that the source makes by itself, such as sessions.
    BuiltIn,
}

/// What a source can do. What it can't is refused as `Unsupported`, saying which source can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that a source has or has not")]
pub struct AnalyticsCapabilities {
    /// Trends by hour.
    pub hourly: bool,
    /// What happens in these minutes ([`Query::Now`]).
    pub now: bool,
    /// Funnels of any steps ([`Query::Funnel`]).
    pub funnels: bool,
    /// Retention of any two events ([`Query::Retention`]).
    pub retention: bool,
    /// Revenue ([`Query::Revenue`]).
    pub revenue: bool,
    /// Things that were made at the source and can be asked for by their names ([`Query::Saved`]).
    pub saved: bool,
    /// Cohorts that are kept at the source.
    pub cohorts: bool,
    /// Cohorts can be made there out of a list of people.
    pub cohort_upload: bool,
    /// Cohorts can be defined there by what people did ([`CohortDefinition`]).
    pub cohort_define: bool,
    /// Cohorts can be deleted.
    pub cohort_delete: bool,
    /// What is known about single people.
    pub people: bool,
    /// Properties of people can be set.
    pub profiles: bool,
    /// It takes events in.
    pub track: bool,
    /// An event that is sent twice counts twice: it knows no ids of events.
    pub counts_twice: bool,
    /// Events can be checked without being kept.
    pub validate: bool,
    /// Raw events can be taken out.
    pub export: bool,
}

/// Something that was made at a source and can be asked for by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Its id there.
    pub id: String,
    /// Its name there.
    pub name: String,
    /// What it is.
    pub kind: SavedKind,
}

/// What was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SavedKind {
    /// A funnel.
    Funnel,
    /// A report of any other shape.
    Report,
}

/// A group of people that a source keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cohort {
    /// Its id there.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is about, or empty.
    pub about: String,
    /// How many people are in it, where the source says.
    pub size: Option<u64>,
    /// When it was made or last counted, where the source says.
    pub at: Option<Timestamp>,
}

/// Some of the people of a cohort.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// Their ids.
    pub ids: Vec<String>,
    /// How many there are in all, where the source says.
    pub total: Option<u64>,
    /// Where the next page begins, where there is one; opaque.
    pub next: Option<String>,
}

/// What became of a cohort that was made out of a list of people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CohortMade {
    /// Its id there.
    pub id: String,
    /// How many of the ids the source knew.
    pub matched: u64,
    /// How many there were.
    pub total: u64,
    /// Some of those that it didn't know.
    pub unknown: Vec<String>,
}

/// What is known about a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// The id that was asked for.
    pub id: String,
    /// Everything that the source knows the person by, that id included.
    pub ids: Vec<String>,
    /// What is known.
    pub properties: BTreeMap<String, serde_json::Value>,
    /// When they were first seen.
    pub first_seen: Option<Timestamp>,
    /// When they were last seen.
    pub last_seen: Option<Timestamp>,
    /// How many events there are in all, where the source says.
    pub events_total: Option<u64>,
    /// The latest events, newest first.
    pub events: Vec<PersonEvent>,
    /// Cohorts that they are in, where the source says.
    pub cohorts: Vec<String>,
}

/// Something that a person did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PersonEvent {
    /// What.
    pub event: String,
    /// When.
    pub time: Timestamp,
    /// What else is known about it.
    pub properties: BTreeMap<String, serde_json::Value>,
}

/// A change of what is known about a person or a group of people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfileChange {
    /// Whose.
    pub subject: Subject,
    /// What changes.
    pub change: ProfileOperation,
}

/// Whose profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A person's, by their id.
    Person(String),
    /// That of a group such as a company.
    Group {
        /// The kind of group: `company`.
        kind: String,
        /// Which.
        id: String,
    },
    /// Nobody's: the first id is from now on known to be the second person, such as an anonymous visitor who signed up.
    Merge {
        /// What they were known by.
        from: String,
        /// The person.
        into: String,
    },
}

/// How a profile changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileOperation {
    /// Sets properties; others stay.
    Set(BTreeMap<String, serde_json::Value>),
    /// Sets those that aren't set yet.
    SetOnce(BTreeMap<String, serde_json::Value>),
    /// Adds to numbers; what isn't there counts as zero.
    Add(BTreeMap<String, f64>),
    /// Puts values into lists that don't have them yet.
    Union(BTreeMap<String, Vec<serde_json::Value>>),
    /// Forgets properties.
    Unset(Vec<String>),
    /// Forgets the whole profile; events stay.
    Delete,
    /// As [`Subject::Merge`] says.
    Merge,
}

/// An allowance at a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quota {
    /// What is allowed, in the source's words: `queries per hour`.
    pub what: String,
    /// How much of it was used.
    pub used: f64,
    /// How much there is in all, where it is known.
    pub limit: Option<f64>,
    /// When there is more again, where it is known.
    pub renews: Option<Timestamp>,
    /// When this was so.
    pub at: Timestamp,
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
