//! What a source of analytics answers: figures of the question's shape, and what they rest on. Every answer is a table as well
//! ([`Answer::frame`]), which is what is saved, sent as CSV and watched.

mod frame;

pub use frame::{Frame, FrameCell, FrameColumn};

use super::Cohort;
use crate::chart::Interval;
use crate::clock::Timestamp;
use crate::ids::SourceName;
use serde::{Deserialize, Serialize};

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The figures.
    pub figures: Figures,
    /// What they rest on.
    pub basis: Basis,
}

impl Answer {
    /// The figures of a trend, where that was asked for.
    #[must_use]
    pub const fn trend(&self) -> Option<&TrendFigures> {
        match &self.figures {
            Figures::Trend(figures) => Some(figures),
            _ => None,
        }
    }
}

/// What an answer rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Basis {
    /// Who answered.
    pub source: SourceName,
    /// The zone that its days and weeks were really cut in.
    pub zone: chrono_tz::Tz,
    /// False when the last interval is still filling up, or the source has not counted all of the period yet.
    pub complete: bool,
    /// From when on figures may still grow, where that is before the end of the period: late events, slow processing.
    pub settling_from: Option<Timestamp>,
    /// The share of the data that was looked at, 1 for all of it.
    pub sampled: f64,
    /// When the source answered, where the answer comes from a cache.
    pub as_of: Option<Timestamp>,
    /// What it cost of the source's allowance.
    pub cost: Option<Cost>,
    /// How the source identifies people, in words, for those who compare it with another; empty where it goes without saying.
    pub identity: String,
    /// What else a reader has to know, a sentence each without a full stop: thresholds, rows folded into others.
    pub notes: Vec<String>,
}

impl Basis {
    /// Everything was looked at, and nothing will change.
    #[must_use]
    pub const fn whole(source: SourceName, zone: chrono_tz::Tz) -> Self {
        Self {
            source,
            zone,
            complete: true,
            settling_from: None,
            sampled: 1.0,
            as_of: None,
            cost: None,
            identity: String::new(),
            notes: Vec::new(),
        }
    }
}

/// What an answer cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// How much was spent.
    pub spent: f64,
    /// How much is left, where it is known.
    pub left: Option<f64>,
    /// Of what: `tokens of this hour`.
    pub unit: String,
}

/// Figures, in the shape of the question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figures {
    /// Of a trend, of what happens now, or of a saved report.
    Trend(TrendFigures),
    /// Of a funnel.
    Funnel(FunnelFigures),
    /// Of a retention.
    Retention(RetentionFigures),
    /// Of revenue.
    Revenue(RevenueFigures),
    /// Cohorts by name.
    Cohorts(CohortFigures),
}

/// How much of something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrendFigures {
    /// By interval (ascending) and then by group (largest total first).
    pub rows: Vec<TrendRow>,
    /// The unit of the values, or empty for plain counts.
    pub unit: String,
    /// The total over all rows. For `Users` it counts each person once, and so can be less than the sum.
    pub total: f64,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrendRow {
    /// The start of its interval.
    pub at: Option<Timestamp>,
    /// The value of the property it was asked by; `None` where events don't have it.
    pub group: Option<String>,
    /// The figure.
    pub value: f64,
}

/// How many people got how far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunnelFigures {
    /// One for everybody, or one per value of the property it was asked by, the largest first.
    pub groups: Vec<FunnelGroup>,
}

/// How many people of a group got how far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunnelGroup {
    /// The value; `None` for everybody, or where events don't have the property.
    pub group: Option<String>,
    /// The steps, in order.
    pub steps: Vec<FunnelStep>,
}

/// How many people got to a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunnelStep {
    /// The step, for people.
    pub name: String,
    /// How many got there.
    pub people: f64,
    /// The median time from the step before, in seconds, where it is known.
    pub median_seconds: Option<f64>,
}

/// How many people came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetentionFigures {
    /// What is counted in.
    pub unit: Interval,
    /// Names of the columns after the size: `0`, `1`, … or brackets `0-4`.
    pub columns: Vec<String>,
    /// By the unit of the first time (ascending), within each group.
    pub cohorts: Vec<RetentionCohort>,
}

/// Those who did it first in one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetentionCohort {
    /// The start of the unit.
    pub start: Timestamp,
    /// The value of the property it was asked by.
    pub group: Option<String>,
    /// How many they are.
    pub size: f64,
    /// How many came back, a cell per column; `None` for a column that has not begun.
    pub cells: Vec<Option<RetentionCell>>,
}

/// How many came back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetentionCell {
    /// How many.
    pub people: f64,
    /// Whether the time for it is over for all of them.
    pub complete: bool,
}

impl RetentionFigures {
    /// All cohorts together, per column: how many came back of how many who had all the time for it. `None` where no cohort had.
    #[must_use]
    pub fn combined(&self) -> Vec<Option<(f64, f64)>> {
        (0..self.columns.len())
            .map(|column| {
                let had = |cohort: &RetentionCohort| cohort.cells.get(column).copied().flatten().filter(|cell| cell.complete);
                self.cohorts.iter().filter_map(|cohort| had(cohort).map(|cell| (cell.people, cohort.size))).fold(
                    None,
                    |sum, (people, size)| {
                        let (all, of) = sum.unwrap_or((0.0, 0.0));
                        Some((all + people, of + size))
                    },
                )
            })
            .collect()
    }
}

/// What people paid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RevenueFigures {
    /// By interval (ascending) and then by group (largest total first); one row where neither was asked for.
    pub rows: Vec<RevenueRow>,
    /// The whole period.
    pub total: RevenueRow,
    /// The currency or unit, or empty where the source doesn't say.
    pub unit: String,
    /// What a new person has paid on average by some days after they were first seen, where the source knows it.
    pub ltv: Vec<Ltv>,
}

/// What people paid in an interval.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RevenueRow {
    /// The start of its interval.
    pub at: Option<Timestamp>,
    /// The value of the property it was asked by.
    pub group: Option<String>,
    /// How much.
    pub revenue: f64,
    /// How many payments, where it is known.
    pub payments: Option<f64>,
    /// How many people paid, where it is known.
    pub paying: Option<f64>,
    /// How many people were active, where it is known.
    pub active: Option<f64>,
}

impl RevenueRow {
    /// Per person who was active.
    #[must_use]
    pub fn per_user(&self) -> Option<f64> {
        self.active.filter(|people| *people > 0.0).map(|people| self.revenue / people)
    }

    /// Per person who paid.
    #[must_use]
    pub fn per_payer(&self) -> Option<f64> {
        self.paying.filter(|people| *people > 0.0).map(|people| self.revenue / people)
    }
}

/// What new people have paid on average.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ltv {
    /// Days after they were first seen.
    pub day: u32,
    /// How much by then.
    pub average: f64,
    /// How many people had that much time.
    pub people: f64,
}

/// Cohorts that a source keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CohortFigures {
    /// By name.
    pub cohorts: Vec<Cohort>,
}
