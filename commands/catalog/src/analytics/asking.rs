//! What the questions share: the source that can answer, periods in words, and what an answer rests on.
//! What is asked and how the figures are shown is each command's own.

use super::number;
use crate::wording::line;
use bellhop_core::analytics::{AnalyticsCapabilities, Answer, Basis, Metric, Query};
use bellhop_core::card::{Block, FileBlock, FileSource};
use bellhop_core::chart::Interval;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::nearest::nearest;
use bellhop_core::period::{Period, Range, midnight};
use bellhop_core::ports::{AnalyticsSource, Sources};
use bellhop_core::{CommandError, PortError, PortErrorKind, Timestamp};
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What tables are written as.
pub(crate) const CSV: &str = "text/csv";

/// Periods to propose.
pub(crate) fn periods(typed: &str) -> Vec<Suggestion> {
    let names = ["24h", "7d", "30d", "4w", "12w", "today", "yesterday"];
    crate::wording::suggest(typed, names.iter().map(|name| ((*name).to_owned(), String::new())))
}

/// The source of a name, or the default one, if it can do it. One that can't is not asked: the sources that can are named.
pub(crate) fn able(
    sources: &dyn Sources,
    name: Option<&SourceName>,
    what: &str,
    can: fn(&AnalyticsCapabilities) -> bool,
) -> Result<Arc<dyn AnalyticsSource>, CommandError> {
    let source = sources.source(name)?;
    if can(&source.capabilities()) {
        return Ok(source);
    }
    let others = sources.names().into_iter().filter(|other| other != source.name());
    let able = others.filter(|other| sources.source(Some(other)).is_ok_and(|other| can(&other.capabilities())));
    let able: Vec<String> = able.map(|name| name.to_string()).collect();
    Err(CommandError::Refused(match able.first() {
        None => format!("the source {} has no {what}, and no other source has", source.name()),
        Some(first) => format!("the source {} has no {what}; {} has: add --source {first}", source.name(), able.join(", ")),
    }))
}

/// Asks. Where the source has never seen one of the events, the nearest name it has is told.
pub(crate) async fn question(source: &dyn AnalyticsSource, query: &Query, events: &[&str]) -> Result<Answer, CommandError> {
    let error = match source.query(query).await {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    if error.kind == PortErrorKind::NotFound {
        let metrics = source.metrics().await?;
        if let Some(unknown) = events.iter().find(|event| !metrics.iter().any(|metric: &Metric| metric.name == **event))
            && let Some(near) = nearest(unknown, metrics.iter().map(|metric| metric.name.as_str()))
        {
            return Err(CommandError::NotFound { what: "event", name: (*unknown).to_owned(), nearest: Some(near.to_owned()) });
        }
    }
    Err(error.into())
}

/// The source answered with figures of another shape than was asked for.
pub(crate) fn astray(source: &SourceName) -> PortError {
    PortError::new(PortErrorKind::Broken, format!("analytics.{source}"), "query", "the source answered another question")
}

/// What the answers of one source or of several rest on, and in what they differ.
pub(crate) fn rest_together(bases: &[&Basis], period: &Period, range: Range, zone: Tz) -> Vec<(&'static str, String)> {
    if let [only] = bases {
        return rests(only, period, range, zone);
    }
    let mut fields = vec![("Period", format!("{}, {}", dates(period, range, zone), zone.name()))];
    let whole = bases.iter().all(|basis| basis.complete);
    fields.push(("Data", if whole { "complete" } else { "not all of the period is over and counted" }.to_owned()));
    for (name, of) in [("Note", told as fn(&Basis) -> Option<String>), ("Cost", cost)] {
        let each: Vec<String> = bases.iter().filter_map(|basis| Some(format!("{}: {}", basis.source, of(basis)?))).collect();
        if !each.is_empty() {
            fields.push((name, each.join("; ")));
        }
    }
    fields.push(("Source", bases.iter().map(|basis| basis.source.to_string()).collect::<Vec<_>>().join(", ")));
    fields.extend(super::beside::differences(bases, zone));
    fields
}

/// What else a reader has to know.
fn told(basis: &Basis) -> Option<String> {
    (!basis.notes.is_empty()).then(|| basis.notes.iter().map(|note| line(note)).collect::<Vec<_>>().join("; "))
}

/// Refuses a period that has not begun: there can't be figures yet, and a row of zeros would look as if there were.
pub(crate) fn begun(period: &Period, range: Range, now: Timestamp, zone: Tz) -> Result<(), CommandError> {
    if range.from <= now {
        return Ok(());
    }
    Err(CommandError::invalid(
        "period",
        format!(
            "{period} has not begun yet: today is {} in {}; write a day of the past first",
            now.with_timezone(&zone).format("%Y-%m-%d"),
            zone.name()
        ),
    ))
}

/// The same days a year before; the same days of the week, 52 weeks before, where hours or weeks were asked for.
fn year_before(period: &Period, range: Range, zone: Tz) -> Range {
    if matches!(period, Period::Hours(_)) {
        let year = TimeDelta::weeks(52);
        return Range { from: range.from - year, to: range.to - year };
    }
    let before = |at: Timestamp| {
        let day = at.with_timezone(&zone).date_naive();
        let day = match period {
            Period::Weeks(_) => day - chrono::Days::new(364),
            _ => day - chrono::Months::new(12),
        };
        midnight(day, zone)
    };
    Range { from: before(range.from), to: before(range.to) }
}

/// What a period is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// The period of the same length just before
    Previous,
    /// The same period a year before
    Year,
}

impl Compare {
    /// The range that a period is compared with.
    pub(crate) fn range(self, period: &Period, now: Timestamp, zone: Tz) -> Range {
        match self {
            Self::Previous => period.previous(now, zone),
            Self::Year => year_before(period, period.resolve(now, zone), zone),
        }
    }

    /// When that was, in a sentence.
    pub(crate) const fn when(self) -> &'static str {
        match self {
            Self::Previous => "in the period before",
            Self::Year => "a year before",
        }
    }
}

/// A period in words: `last 7 days`.
pub(crate) fn spoken(period: &Period) -> String {
    match period {
        Period::Hours(1) => "the last hour".to_owned(),
        Period::Hours(hours) => format!("last {hours} hours"),
        Period::Days(1) | Period::Today => "today".to_owned(),
        Period::Days(days) => format!("last {days} days"),
        Period::Weeks(1) => "this week".to_owned(),
        Period::Weeks(weeks) => format!("last {weeks} weeks"),
        Period::Yesterday => "yesterday".to_owned(),
        Period::Between(first, last) if first == last => first.to_string(),
        Period::Between(first, last) => format!("{first} to {last}"),
    }
}

/// A period's first and last day, or hour where it is one of hours.
pub(crate) fn dates(period: &Period, range: Range, zone: Tz) -> String {
    let first = range.from.with_timezone(&zone);
    if matches!(period, Period::Hours(_)) {
        return format!("{} to {}", first.format("%Y-%m-%d %H:%M"), range.to.with_timezone(&zone).format("%Y-%m-%d %H:%M"));
    }
    let last = (range.to - TimeDelta::seconds(1)).with_timezone(&zone);
    if first.date_naive() == last.date_naive() {
        first.format("%Y-%m-%d").to_string()
    } else {
        format!("{} to {}", first.format("%Y-%m-%d"), last.format("%Y-%m-%d"))
    }
}

/// A percentage with at most one decimal.
pub(crate) fn percentage(percent: f64) -> String {
    let tenths = format!("{percent:.1}");
    tenths.strip_suffix(".0").unwrap_or(&tenths).to_owned()
}

/// A part of a whole, as `42.5 %`; a dash of nothing.
pub(crate) fn share(part: f64, whole: f64) -> String {
    if whole > 0.0 && part.is_finite() && whole.is_finite() { format!("{} %", percentage(part / whole * 100.0)) } else { "–".to_owned() }
}

/// A stretch of time by its name.
pub(crate) fn width(name: &str) -> Option<Interval> {
    match name.to_lowercase().as_str() {
        "hour" | "hours" | "hourly" => Some(Interval::Hour),
        "day" | "days" | "daily" => Some(Interval::Day),
        "week" | "weeks" | "weekly" => Some(Interval::Week),
        "month" | "months" | "monthly" => Some(Interval::Month),
        _ => None,
    }
}

/// The name of a stretch of time.
pub(crate) const fn word(interval: Interval) -> &'static str {
    match interval {
        Interval::Hour => "hour",
        Interval::Day => "day",
        Interval::Week => "week",
        Interval::Month => "month",
    }
}

/// Time and property of `--by`: at most one of each.
pub(crate) fn dimensions(by: &[String]) -> Result<(Option<Interval>, Option<String>), CommandError> {
    let (mut interval, mut property) = (None, None);
    for dimension in by {
        let taken = |is: &str| {
            CommandError::invalid(
                "by",
                format!("`{}` is a second {is}; one stretch of time and one property can be combined", line(dimension)),
            )
        };
        if let Some(width) = width(dimension) {
            if interval.replace(width).is_some_and(|before| before != width) {
                return Err(taken("stretch of time"));
            }
        } else if dimension.trim().is_empty() {
            return Err(CommandError::invalid("by", "it is empty; write hour, day, week, month or a property's name"));
        } else if property.replace(dimension.clone()).is_some_and(|before| before != *dimension) {
            return Err(taken("property"));
        }
    }
    Ok((interval, property))
}

/// What is not whole or not new about an answer, a phrase each.
pub(crate) fn states(basis: &Basis, zone: Tz) -> Vec<String> {
    let mut states = Vec::new();
    if let Some(from) = basis.settling_from {
        states.push(format!("figures from {} on may still grow", from.with_timezone(&zone).format("%Y-%m-%d %H:%M")));
    }
    if basis.sampled < 1.0 {
        states.push(format!("estimated from {} % of the data", percentage((basis.sampled * 100.0).max(0.0))));
    }
    if let Some(as_of) = basis.as_of {
        states.push(format!("as of {}", as_of.with_timezone(&zone).format("%Y-%m-%d %H:%M")));
    }
    states
}

/// What an answer cost of the source's allowance, where it says.
pub(crate) fn cost(basis: &Basis) -> Option<String> {
    let cost = basis.cost.as_ref()?;
    let left = cost.left.map(|left| format!(", {} left", number(left))).unwrap_or_default();
    Some(format!("{} {}{left}", number(cost.spent), line(&cost.unit)))
}

/// What an answer of one source rests on.
pub(crate) fn rests(basis: &Basis, period: &Period, range: Range, zone: Tz) -> Vec<(&'static str, String)> {
    let mut fields = vec![("Period", format!("{}, {}", dates(period, range, zone), zone.name()))];
    if basis.zone != zone {
        fields.push(("Days of", format!("{}: the source cuts them in its own zone", basis.zone.name())));
    }
    let mut states = states(basis, zone);
    if !basis.complete {
        states.insert(0, "not all of the period is over and counted".to_owned());
    }
    fields.push(("Data", if states.is_empty() { "complete".to_owned() } else { states.join("; ") }));
    if !basis.notes.is_empty() {
        fields.push(("Note", basis.notes.iter().map(|note| line(note)).collect::<Vec<_>>().join("; ")));
    }
    if let Some(cost) = cost(basis) {
        fields.push(("Cost", cost));
    }
    fields.push(("Source", basis.source.to_string()));
    fields
}

/// An answer's table as a file under a name that every platform takes.
pub(crate) fn attached(answer: &Answer, stem: &str) -> Block {
    let bytes: Arc<[u8]> = answer.frame().csv().into_bytes().into();
    Block::File(FileBlock {
        name: format!("{}.csv", file_stem(stem)),
        content_type: CSV.to_owned(),
        size: bytes.len() as u64,
        source: FileSource::Inline(bytes),
    })
}

/// A file's name that every platform and store takes, without its ending.
pub(crate) fn file_stem(stem: &str) -> String {
    stem.chars().map(|c| if c.is_alphanumeric() || "-_".contains(c) { c } else { '-' }).take(80).collect()
}
