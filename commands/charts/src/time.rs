//! A time axis: which moments get a label, and what it says, in the chart's zone.

use crate::canvas::width;
use bellhop_core::Timestamp;
use bellhop_core::chart::Interval;
use chrono::{DateTime, Datelike as _, Timelike as _};
use chrono_tz::Tz;

type Local = DateTime<Tz>;

pub(crate) struct TimeAxis {
    at: Vec<Local>,
    zone: String,
    pub interval: Interval,
}

/// A label and the position that it belongs to.
pub(crate) struct Tick {
    pub position: usize,
    pub label: String,
}

/// Steps of the axis, from fine to coarse.
#[derive(Clone, Copy, Debug)]
enum Step {
    Hours(u32),
    Days(u32),
    Mondays(u32),
    Months(u32),
    Years(i32),
}

const HOURS: &[Step] = &[Step::Hours(1), Step::Hours(2), Step::Hours(3), Step::Hours(6), Step::Hours(12)];
const DAYS: &[Step] = &[Step::Days(1), Step::Days(2), Step::Mondays(1), Step::Mondays(2), Step::Mondays(4)];
const WEEKS: &[Step] = &[Step::Mondays(1), Step::Mondays(2), Step::Mondays(4)];
const MONTHS: &[Step] = &[Step::Months(1), Step::Months(2), Step::Months(3), Step::Months(6)];
const YEARS: &[Step] = &[Step::Years(1), Step::Years(2), Step::Years(5), Step::Years(10), Step::Years(25), Step::Years(100)];

impl TimeAxis {
    /// A zone that isn't known is UTC, and is said to be.
    pub fn new(at: &[Timestamp], zone: &str, interval: Interval) -> Self {
        let (zone, name) = zone.parse().map_or((Tz::UTC, "UTC"), |known: Tz| (known, known.name()));
        // Beyond these years local times overflow; nobody draws them on purpose.
        let sane = |t: &Timestamp| Timestamp::from_timestamp(t.timestamp().clamp(-60_000_000_000, 250_000_000_000), 0).unwrap_or_default();
        Self { at: at.iter().map(|t| sane(t).with_timezone(&zone)).collect(), zone: name.to_owned(), interval }
    }

    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Where each position lies between the first (0) and the last (1): by time, or evenly where times don't ascend.
    pub fn shares(&self) -> Vec<f64> {
        let millis: Vec<i64> = self.at.iter().map(DateTime::timestamp_millis).collect();
        let ascending = millis.windows(2).all(|pair| pair[0] < pair[1]);
        let (first, last) = (millis.first().copied().unwrap_or(0), millis.last().copied().unwrap_or(0));
        #[expect(clippy::cast_precision_loss, reason = "a picture is hundreds of units wide, and a float holds 2^53")]
        let share = |part: i64, whole: i64| if whole > 0 { part as f64 / whole as f64 } else { 0.5 };
        if ascending && last > first {
            return millis.iter().map(|m| share(m.saturating_sub(first), last.saturating_sub(first))).collect();
        }
        let end = i64::try_from(millis.len()).unwrap_or(i64::MAX) - 1;
        (0..=end).map(|at| share(at, end)).collect()
    }

    /// The labels that stand under `x` (one per position) without touching: the finest step that has room.
    pub fn ticks(&self, x: &[f64], size: f64) -> Vec<Tick> {
        let finest: &[&[Step]] = match self.interval {
            Interval::Hour => &[HOURS, DAYS, MONTHS, YEARS],
            Interval::Day => &[DAYS, MONTHS, YEARS],
            Interval::Week => &[WEEKS, MONTHS, YEARS],
            Interval::Month => &[MONTHS, YEARS],
        };
        for step in finest.iter().flat_map(|steps| steps.iter()) {
            let ticks = self.every(*step);
            if !ticks.is_empty() && apart(&ticks, x, size) && (ticks.len() > 1 || self.len() == 1) {
                return ticks;
            }
        }
        self.evenly(x, size)
    }

    fn every(&self, step: Step) -> Vec<Tick> {
        let mut ticks = Vec::new();
        let mut before: Option<&Local> = None;
        for (position, at) in self.at.iter().enumerate() {
            if begins(step, at, before, self.interval) {
                ticks.push(Tick { position, label: label(step, at, ticks.is_empty()) });
            }
            before = Some(at);
        }
        ticks
    }

    /// Labels at even distances, where the calendar offers none: as many as have room, the first among them.
    fn evenly(&self, x: &[f64], size: f64) -> Vec<Tick> {
        let step = if self.interval == Interval::Hour && self.at.first().map(Local::date_naive) == self.at.last().map(Local::date_naive) {
            Step::Hours(1)
        } else if self.interval == Interval::Month {
            Step::Months(1)
        } else {
            Step::Days(1)
        };
        // No chart has room for a hundred labels.
        let mut each = self.len().div_ceil(100).max(1);
        while each <= self.len() {
            let chosen = self.at.iter().enumerate().step_by(each);
            let ticks: Vec<Tick> = chosen.map(|(position, at)| Tick { position, label: label(step, at, false) }).collect();
            if apart(&ticks, x, size) {
                return ticks;
            }
            each += each.div_ceil(8);
        }
        Vec::new()
    }

    /// From when to when, and in which zone: `27 Oct – 23 Nov 2026 · Europe/Berlin`.
    pub fn caption(&self) -> String {
        let (Some(first), Some(last)) = (self.at.first(), self.at.last()) else { return self.zone.clone() };
        let month = self.interval == Interval::Month;
        let day = |at: &Local, year: bool| match (month, year) {
            (true, true) => at.format("%b %Y").to_string(),
            (true, false) => at.format("%b").to_string(),
            (false, true) => at.format("%-d %b %Y").to_string(),
            (false, false) => at.format("%-d %b").to_string(),
        };
        let span = if day(first, true) == day(last, true) {
            day(last, true)
        } else {
            format!("{} \u{2013} {}", day(first, first.year() != last.year()), day(last, true))
        };
        let each = match self.interval {
            Interval::Hour => "hourly",
            Interval::Day => "daily",
            Interval::Week => "weekly",
            Interval::Month => "monthly",
        };
        format!("{span} \u{b7} {each} \u{b7} {}", self.zone)
    }

    /// What is still filling up, in words.
    pub fn unfinished(&self) -> &'static str {
        match self.interval {
            Interval::Hour => "the last hour is not over yet",
            Interval::Day => "the last day is not over yet",
            Interval::Week => "the last week is not over yet",
            Interval::Month => "the last month is not over yet",
        }
    }
}

/// Whether a step begins with this interval: by the wall clock, or because a boundary lies between it and the one before.
fn begins(step: Step, at: &Local, before: Option<&Local>, interval: Interval) -> bool {
    let month = |at: &Local| at.year() * 12 + at.month0().cast_signed();
    match step {
        Step::Hours(hours) => at.hour().is_multiple_of(hours),
        Step::Days(days) => {
            let first = at.hour() == 0 || before.is_some_and(|b| b.date_naive() != at.date_naive());
            first && at.ordinal0().is_multiple_of(days)
        }
        Step::Mondays(weeks) => {
            let first = match interval {
                Interval::Hour => at.hour() == 0,
                _ => true,
            };
            let week = at.num_days_from_ce() / 7;
            first && at.weekday() == chrono::Weekday::Mon && week.rem_euclid(weeks.cast_signed()) == 0
        }
        Step::Months(months) => {
            let first = match before {
                Some(before) => month(before) != month(at),
                None => interval == Interval::Month || (at.day() == 1 && (at.hour() == 0 || interval != Interval::Hour)),
            };
            first && at.month0().is_multiple_of(months)
        }
        Step::Years(years) => {
            let first = before.map_or(at.ordinal() == 1, |before| before.year() != at.year());
            first && at.year().rem_euclid(years) == 0
        }
    }
}

fn label(step: Step, at: &Local, first: bool) -> String {
    match step {
        // Midnight says which day begins.
        Step::Hours(_) if at.hour() == 0 && !first => at.format("%-d %b").to_string(),
        Step::Hours(_) => at.format("%H:%M").to_string(),
        Step::Days(_) | Step::Mondays(_) => at.format("%-d %b").to_string(),
        Step::Months(_) if at.month() == 1 => at.format("%Y").to_string(),
        Step::Months(_) => at.format("%b").to_string(),
        Step::Years(_) => at.format("%Y").to_string(),
    }
}

/// Whether labels centred at their positions leave a gap between them.
fn apart(ticks: &[Tick], x: &[f64], size: f64) -> bool {
    let place = |tick: &Tick| x.get(tick.position).copied().unwrap_or(0.0);
    ticks.windows(2).all(|pair| {
        let needed = width(&pair[0].label, size) / 2.0 + width(&pair[1].label, size) / 2.0 + 10.0;
        (place(&pair[1]) - place(&pair[0])).abs() >= needed
    })
}
