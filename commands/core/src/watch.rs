//! Watches: a metric that becomes an alert. What a condition is ([`Condition`]), how it is read and written, what it finds in
//! a series of figures ([`evaluate`]), how findings become a state ([`Standing`]), and what would have been ([`backtest`]).
//!
//! All of it is pure: no source is asked here, nothing is kept and no alert raised. Only intervals that are over and counted are
//! ever looked at.

mod backtest;
mod grammar;
mod history;
mod judge;
mod kept;
mod standing;
mod words;

pub use backtest::{Backtest, Fired, backtest};
pub use grammar::{Misread, continuations};
pub use history::{History, Point, Series};
pub use judge::{Look, Verdict, evaluate, looks};
pub use kept::{Check, Watch};
pub use standing::{Standing, UNKNOWN_CHECKS};
pub use words::figure;

use crate::analytics::{Filter, Measure, Trend};
use crate::chart::Interval;
use crate::clock::Timestamp;
use crate::ids::SourceName;
use crate::period::midnight;
use chrono::{Days, TimeDelta};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// When a watch fires. It is read from and written as text: `events.signups < 80% of same weekday median for 2 checks`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Condition {
    /// The source; the default one where none is written.
    pub source: Option<SourceName>,
    /// The event or built-in metric.
    pub metric: String,
    /// What is counted.
    pub measure: Measure,
    /// Each value of this property is looked at by itself, and one that fires is enough.
    pub by: Option<String>,
    /// Only what fits all of these is counted.
    pub filters: Vec<Filter>,
    /// What is tested.
    pub test: Test,
    /// The interval that is looked at.
    pub per: Per,
    /// For how long it must hold.
    pub hold: Hold,
}

/// The interval that is looked at: always the last one that is over and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Per {
    /// An hour.
    Hour,
    /// A calendar day of the watch's zone.
    Day,
}

impl Per {
    /// As sources are asked for it.
    #[must_use]
    pub const fn interval(self) -> Interval {
        match self {
            Self::Hour => Interval::Hour,
            Self::Day => Interval::Day,
        }
    }

    /// `hour` or `day`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// What is tested about the figure of an interval.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It compares with a number.
    Threshold {
        /// How.
        op: Op,
        /// The number.
        value: f64,
    },
    /// It compares with a part of what was before.
    Against {
        /// How.
        op: Op,
        /// The part, in percent.
        percent: f64,
        /// What was before.
        base: Base,
    },
    /// It is less, or more, than what was before by at least so much of it.
    Change {
        /// More rather than less.
        rises: bool,
        /// By how much of what was before, in percent.
        percent: f64,
        /// What was before.
        base: Base,
    },
    /// There is nothing in this many intervals in a row.
    Absent {
        /// How many.
        intervals: u32,
    },
    /// It is far from what is usual at this time of the week. Usual is the median of the same hour (or day) of the week in the
    /// weeks before; far is more than the sensitivity's number of scales away, where the scale is the largest of 1.4826 times the
    /// median absolute deviation, the square root of the median (as much do counts vary by chance), and 5 % of the median.
    Anomaly {
        /// On which side.
        side: Side,
        /// How far is far.
        sensitivity: Sensitivity,
        /// How many weeks are looked at.
        weeks: u32,
    },
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Op {
    /// Whether it holds.
    #[must_use]
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Less => value < limit,
            Self::AtMost => value <= limit,
            Self::More => value > limit,
            Self::AtLeast => value >= limit,
        }
    }

    /// How it is written.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }

    /// How it is said.
    #[must_use]
    pub const fn said(self) -> &'static str {
        match self {
            Self::Less => "below",
            Self::AtMost => "at most",
            Self::More => "above",
            Self::AtLeast => "at least",
        }
    }
}

/// What an interval is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The hour before.
    PreviousHour,
    /// The day before, or the same hour of it.
    PreviousDay,
    /// The same day of the week before, or the same hour of it.
    PreviousWeek,
    /// The same day of the week (and hour) in so many weeks before.
    SameWeekday(Middle, u32),
    /// The same hour of every day in so many weeks before.
    SameHour(Middle, u32),
}

/// One figure for many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Middle {
    /// The one in the middle: single extremes don't move it.
    Median,
    /// The sum by the number.
    Average,
}

impl Middle {
    /// `median` or `average`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Median => "median",
            Self::Average => "average",
        }
    }
}

/// On which side of the usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Either.
    Both,
    /// Less than usual.
    Low,
    /// More than usual.
    High,
}

/// How far from the usual is far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensitivity {
    /// Six scales: only the plainest cases.
    Low,
    /// Four scales.
    Normal,
    /// Three scales: more cases, false ones among them.
    High,
}

impl Sensitivity {
    /// How many scales from the median are far.
    #[must_use]
    pub const fn scales(self) -> f64 {
        match self {
            Self::Low => 6.0,
            Self::Normal => 4.0,
            Self::High => 3.0,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

/// For how long a condition must hold before the watch fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// In so many checks in a row. Checks that can't tell neither count nor begin the row anew.
    Checks(u32),
    /// In so many intervals in a row.
    Intervals(u32),
}

impl Condition {
    /// How many checks in a row must find it so.
    #[must_use]
    pub const fn checks(&self) -> u32 {
        match self.hold {
            Hold::Checks(checks) => checks,
            Hold::Intervals(_) => 1,
        }
    }

    /// How many intervals in a row must be so.
    #[must_use]
    pub const fn in_a_row(&self) -> u32 {
        match self.hold {
            Hold::Checks(_) => 1,
            Hold::Intervals(intervals) => intervals,
        }
    }

    /// How many days before the interval that is looked at belong to the question.
    #[must_use]
    pub fn reach(&self) -> u32 {
        let base = |base: &Base| match base {
            Base::PreviousHour | Base::PreviousDay => 2,
            Base::PreviousWeek => 8,
            Base::SameWeekday(_, weeks) | Base::SameHour(_, weeks) => weeks * 7 + 1,
        };
        let hours = |intervals: u32| match self.per {
            Per::Hour => intervals.div_ceil(24) + 1,
            Per::Day => intervals + 1,
        };
        let test = match &self.test {
            Test::Threshold { .. } => 1,
            Test::Against { base: against, .. } | Test::Change { base: against, .. } => base(against),
            Test::Absent { intervals } => hours(*intervals),
            Test::Anomaly { weeks, .. } => weeks * 7 + 1,
        };
        test + hours(self.in_a_row())
    }

    /// What its source is asked: the past `days` that may be looked at and what they are compared with, until the end of the last
    /// interval that is over. So the same question is asked all through an interval.
    #[must_use]
    pub fn question(&self, now: Timestamp, zone: Tz, days: u32) -> Trend {
        let today = now.with_timezone(&zone).date_naive();
        let from = midnight(today - Days::new(u64::from(self.reach() + days)), zone);
        let to = match self.per {
            Per::Hour => {
                let past = now.timestamp().rem_euclid(3600);
                now - TimeDelta::seconds(past) - TimeDelta::nanoseconds(i64::from(now.timestamp_subsec_nanos()))
            }
            Per::Day => midnight(today, zone),
        };
        Trend {
            metric: self.metric.clone(),
            measure: self.measure.clone(),
            from,
            to,
            zone,
            interval: Some(self.per.interval()),
            by: self.by.clone(),
            filters: self.filters.clone(),
        }
    }
}

impl TryFrom<String> for Condition {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|error: Misread| error.to_string())
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.to_string()
    }
}

/// How many days of settled figures are asked for beside what a condition compares with: sources that count late are some days
/// behind.
pub const MARGIN: u32 = 4;

#[cfg(test)]
mod tests;
