//! The figures that a condition is tested on: an answer's rows as intervals, each with its end, and how much of it can be relied
//! on. What is still filling up or being counted is marked off here, once, for everything that follows.

use crate::analytics::{Answer, Trend};
use crate::chart::Interval;
use crate::clock::Timestamp;
use crate::ids::SourceName;
use crate::period::{Range, intervals};
use chrono::{Days, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use std::collections::{BTreeMap, HashMap};

/// How many values of a property are looked at, those with the most first.
const GROUPS: usize = 50;

/// The figure of an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end, not included.
    pub to: Timestamp,
    /// The figure; `None` where the source gave none.
    pub value: Option<f64>,
}

/// Figures one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The value of the property it was asked by.
    pub group: Option<String>,
    points: Vec<Point>,
    zone: Tz,
    /// Positions by the time that clocks on the wall show; of an hour that comes twice, the first.
    by_wall: HashMap<NaiveDateTime, usize>,
    /// The first position that has something in it.
    begins: Option<usize>,
}

impl Series {
    /// Figures in ascending order, of intervals that are cut in this zone.
    #[must_use]
    pub fn new(group: Option<String>, points: Vec<Point>, zone: Tz) -> Self {
        let mut by_wall = HashMap::with_capacity(points.len());
        for (at, point) in points.iter().enumerate() {
            by_wall.entry(point.from.with_timezone(&zone).naive_local()).or_insert(at);
        }
        let begins = points.iter().position(|point| point.value.is_some_and(|value| value != 0.0));
        Self { group, points, zone, by_wall, begins }
    }

    /// The figures.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The zone that its days are cut in.
    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// Whether there was nothing yet then, though there was later: such an interval says nothing about what is usual.
    pub(super) fn before_the_first(&self, at: usize) -> bool {
        self.begins.is_some_and(|begins| at < begins)
    }

    /// Whether there is nothing at all in it.
    pub(super) const fn is_empty(&self) -> bool {
        self.begins.is_none()
    }

    /// The position of the interval that begins so many days earlier at the same time on the wall, if there is one.
    pub(super) fn days_before(&self, at: usize, days: u32) -> Option<usize> {
        let wall = self.points.get(at)?.from.with_timezone(&self.zone).naive_local();
        self.by_wall.get(&wall.checked_sub_days(Days::new(u64::from(days)))?).copied()
    }

    /// What can be compared with at a position: a figure of a time when there were any.
    pub(super) fn usual(&self, at: usize) -> Option<f64> {
        self.points.get(at).filter(|_| !self.before_the_first(at)).and_then(|point| point.value)
    }

    /// How many intervals are over at this moment.
    pub(super) fn over(&self, at: Timestamp) -> usize {
        self.points.partition_point(|point| point.to <= at)
    }
}

/// The figures of a question, and until when they can be relied on.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// One for all, or one for each value of the property that was asked by.
    pub series: Vec<Series>,
    /// The zone that its days are really cut in.
    pub zone: Tz,
    /// Who answered.
    pub source: SourceName,
    /// Intervals that end after this are not looked at: they are filling up, or being counted.
    pub settled: Timestamp,
    /// How far the source is behind the clock.
    pub behind: TimeDelta,
    /// Why none of it can be relied on, where that is so.
    pub doubt: Option<String>,
}

impl History {
    /// The figures of an answer. What is no trend over time has none.
    #[must_use]
    pub fn of(question: &Trend, answer: &Answer, now: Timestamp) -> Self {
        let basis = &answer.basis;
        let zone = basis.zone;
        let interval = question.interval.unwrap_or(Interval::Day);
        let known = basis.as_of.map_or(now, |as_of| as_of.min(now)).min(question.to);
        let settled = basis.settling_from.map_or(known, |from| from.min(known));
        let series = series(question, answer, interval, zone);
        let behind = basis.settling_from.map_or_else(TimeDelta::zero, |from| now - from).max(TimeDelta::zero());
        let doubt = if basis.sampled < 1.0 {
            Some(format!("{} estimates it from {:.0} % of the data", basis.source, (basis.sampled * 100.0).max(0.0)))
        } else if series.is_empty() {
            Some(format!("{} gave no figures", basis.source))
        } else if !basis.complete && basis.settling_from.is_none() {
            // Only what is over was asked for: figures are missing, and it isn't known which.
            Some(format!("{} has not counted all of it yet", basis.source))
        } else {
            stale(interval, zone, basis.as_of, now).map(|as_of| {
                format!(
                    "the last answer of {} is of {}, and nothing newer can be had",
                    basis.source,
                    as_of.with_timezone(&zone).format("%a %Y-%m-%d %H:%M")
                )
            })
        };
        Self { series, zone, source: basis.source.clone(), settled, behind, doubt }
    }
}

/// The moment of an answer that is so old that an interval has ended since.
fn stale(interval: Interval, zone: Tz, as_of: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let as_of = as_of.filter(|as_of| *as_of < now)?;
    let present = intervals(Range { from: now, to: now + TimeDelta::seconds(1) }, interval, zone).into_iter().next()?;
    (as_of < present).then_some(as_of)
}

fn series(question: &Trend, answer: &Answer, interval: Interval, zone: Tz) -> Vec<Series> {
    let Some(figures) = answer.trend() else { return Vec::new() };
    let mut groups: BTreeMap<Option<&str>, BTreeMap<Timestamp, f64>> = BTreeMap::new();
    for row in &figures.rows {
        let Some(at) = row.at else { continue };
        if row.value.is_finite() {
            groups.entry(row.group.as_deref()).or_default().insert(at, row.value);
        }
    }
    let first = groups.values().filter_map(|rows| rows.keys().next()).min().copied();
    let last = groups.values().filter_map(|rows| rows.keys().next_back()).max().copied();
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    // The grid of the zone, from the first row to the end of what was asked.
    let end = question.to.max(last + TimeDelta::seconds(1));
    let mut starts = intervals(Range { from: first, to: end }, interval, zone);
    starts.extend(after(end, interval, zone));
    // Rows of an interval that is divided are none: without a property, what isn't there wasn't given.
    let divided = question.by.is_some();
    let points = |rows: &BTreeMap<Timestamp, f64>| -> Vec<Point> {
        starts
            .windows(2)
            .map(|pair| {
                let value = rows.get(&pair[0]).copied().or_else(|| divided.then_some(0.0));
                // What begins before or ends after the period was cut by it.
                let whole = pair[0] >= question.from;
                Point { from: pair[0], to: pair[1], value: value.filter(|_| whole) }
            })
            .collect()
    };
    let mut all: Vec<(f64, Series)> =
        groups.iter().map(|(group, rows)| (rows.values().sum(), Series::new(group.map(str::to_owned), points(rows), zone))).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.truncate(GROUPS);
    all.into_iter().map(|(_, series)| series).collect()
}

/// The beginning of the interval after the one that has the moment just before `end` in it.
fn after(end: Timestamp, interval: Interval, zone: Tz) -> Option<Timestamp> {
    let far = match interval {
        Interval::Hour => TimeDelta::hours(2),
        Interval::Day => TimeDelta::days(3),
        Interval::Week => TimeDelta::days(15),
        Interval::Month => TimeDelta::days(63),
    };
    intervals(Range { from: end, to: end + far }, interval, zone).into_iter().find(|start| *start >= end)
}
