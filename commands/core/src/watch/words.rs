//! Conditions in words: as they are written, so that reading them again gives the same condition, and as a sentence for people
//! who want to know what was understood. And the turns of phrase that findings share.

use super::{Base, Condition, Hold, Per, Side, Test};
use crate::analytics::{Comparison, Filter, Measure};
use crate::clock::Timestamp;
use crate::text::{grouped, one_line, shorten};
use chrono_tz::Tz;
use std::fmt::{Display, Formatter, Result as Written};

/// How comparisons with a property are written.
pub(super) const SIGNS: [(&str, Comparison); 10] = [
    ("=", Comparison::Is),
    ("!=", Comparison::IsNot),
    ("~", Comparison::Contains),
    ("!~", Comparison::NotContains),
    ("<", Comparison::Less),
    ("<=", Comparison::AtMost),
    (">", Comparison::More),
    (">=", Comparison::AtLeast),
    ("?", Comparison::Set),
    ("!?", Comparison::NotSet),
];

/// A figure in full: whole numbers grouped, others with two decimals.
#[must_use]
pub fn figure(value: f64) -> String {
    if !value.is_finite() || value.abs() >= 9e13 {
        return format!("{value:e}");
    }
    let cents = (value * 100.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "checked above to be within a whole number's range")]
    let (whole, rest) = ((cents / 100.0).trunc() as i64, (cents % 100.0).abs() as i64);
    let sign = if whole == 0 && cents < 0.0 { "-" } else { "" };
    if rest == 0 { grouped(whole) } else { format!("{sign}{}.{rest:02}", grouped(whole)) }
}

/// An interval in a sentence.
pub(super) fn moment(at: Timestamp, zone: Tz, per: Per) -> String {
    let there = at.with_timezone(&zone);
    match per {
        Per::Hour => format!("in the hour from {}", there.format("%a %Y-%m-%d %H:%M")),
        Per::Day => format!("on {}", there.format("%a %Y-%m-%d")),
    }
}

/// The times that an interval's is one of: `on Thursdays at 14:00`.
pub(super) fn usual_times(at: Timestamp, zone: Tz, per: Per) -> String {
    let there = at.with_timezone(&zone);
    match per {
        Per::Hour => there.format("on %As at %H:%M").to_string(),
        Per::Day => there.format("on %As").to_string(),
    }
}

/// `down 31.7 %`.
pub(super) fn change(now: f64, before: f64) -> String {
    let word = if now < before {
        "down"
    } else if now > before {
        "up"
    } else {
        return "unchanged".to_owned();
    };
    if before == 0.0 { word.to_owned() } else { format!("{word} {:.1} %", ((now - before) / before).abs() * 100.0) }
}

/// A number as it is written in a condition.
fn written(value: f64) -> String {
    format!("{value}")
}

/// A name in a condition, in quotes where it has to be.
pub(super) fn name(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_.$/:+-#".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    quoted(text)
}

fn quoted(text: &str) -> String {
    let quote = ['\'', '"', '`'].into_iter().find(|quote| !text.contains(*quote)).unwrap_or('\'');
    format!("{quote}{text}{quote}")
}

fn filter(filter: &Filter) -> String {
    let sign = SIGNS.iter().find(|(_, op)| *op == filter.op).map_or("=", |(sign, _)| sign);
    let one = format!("{}{sign}{}", filter.property, filter.value);
    if one.contains(char::is_whitespace) || one.contains(['\'', '"', '`']) { quoted(&one) } else { one }
}

fn base(base: Base) -> String {
    match base {
        Base::PreviousHour => "previous hour".to_owned(),
        Base::PreviousDay => "previous day".to_owned(),
        Base::PreviousWeek => "previous week".to_owned(),
        Base::SameWeekday(middle, weeks) => format!("same weekday {} over {weeks} weeks", middle.word()),
        Base::SameHour(middle, weeks) => format!("same hour {} over {weeks} weeks", middle.word()),
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        match &self.measure {
            Measure::Count => {}
            Measure::Users => f.write_str("users of ")?,
            Measure::Sum(property) => write!(f, "sum of {} of ", name(property))?,
            Measure::Average(property) => write!(f, "average of {} of ", name(property))?,
        }
        match &self.source {
            Some(source) => write!(f, "{}.{}", part(source.as_str()), part(&self.metric))?,
            None => f.write_str(&part(&self.metric))?,
        }
        if let Some(by) = &self.by {
            write!(f, " by {}", name(by))?;
        }
        for (at, one) in self.filters.iter().enumerate() {
            write!(f, " {} {}", if at == 0 { "where" } else { "and" }, filter(one))?;
        }
        match &self.test {
            Test::Threshold { op, value } => write!(f, " {} {}", op.sign(), written(*value))?,
            Test::Against { op, percent, base: against } => {
                write!(f, " {} {}% of {}", op.sign(), written(*percent), base(*against))?;
            }
            Test::Change { rises, percent, base: against } => {
                let verb = if *rises { "rises" } else { "drops" };
                write!(f, " {verb} by {}% against {}", written(*percent), base(*against))?;
            }
            Test::Absent { intervals } => {
                let unit = if self.per == Per::Hour { "h" } else { "d" };
                write!(f, " no data for {intervals}{unit}")?;
            }
            Test::Anomaly { side, sensitivity, weeks } => {
                let side = match side {
                    Side::Both => "",
                    Side::Low => " low",
                    Side::High => " high",
                };
                write!(f, " anomaly{side} sensitivity {} over {weeks} weeks", sensitivity.word())?;
            }
        }
        write!(f, " per {}", self.per.word())?;
        match self.hold {
            Hold::Checks(1) | Hold::Intervals(1) => Ok(()),
            Hold::Checks(checks) => write!(f, " for {checks} checks"),
            Hold::Intervals(intervals) => write!(f, " for {intervals} {}s", self.per.word()),
        }
    }
}

/// A source or a metric: what stands before the first dot is the source, so a name with dots is in quotes.
fn part(text: &str) -> String {
    if text.contains('.') { quoted(text) } else { name(text) }
}

impl Condition {
    /// What is counted, in words: `people with signup`.
    #[must_use]
    pub fn subject(&self) -> String {
        let metric = shown(&self.metric);
        match &self.measure {
            Measure::Count => metric,
            Measure::Users => format!("people with {metric}"),
            Measure::Sum(property) => format!("the sum of {} over {metric}", shown(property)),
            Measure::Average(property) => format!("the average of {} over {metric}", shown(property)),
        }
    }

    /// What was understood, as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let subject = self.subject();
        let mut of = subject;
        if !self.filters.is_empty() {
            let all: Vec<String> = self.filters.iter().map(|one| shown(&filter(one))).collect();
            of.push_str(" where ");
            of.push_str(&all.join(" and "));
        }
        let each = self.by.as_ref().map(|by| format!(", for any {},", shown(by))).unwrap_or_default();
        let per = self.per.word();
        let said = match &self.test {
            Test::Threshold { op, value } => {
                format!("{of} in the last finished {per}{each} is {} {}", op.said(), figure(*value))
            }
            Test::Against { op, percent, base } => {
                format!("{of} in the last finished {per}{each} is {} {} % of {}", op.said(), figure(*percent), self.spoken(*base))
            }
            Test::Change { rises, percent, base } => {
                let way = if *rises { "above" } else { "below" };
                format!("{of} in the last finished {per}{each} is {} % or more {way} {}", figure(*percent), self.spoken(*base))
            }
            Test::Absent { intervals: 1 } => format!("there is no {of} in the last finished {per}{each}"),
            Test::Absent { intervals } => format!("there is no {of} in the last {intervals} finished {per}s{each}"),
            Test::Anomaly { side, sensitivity, weeks } => {
                let far = match side {
                    Side::Both => "far from",
                    Side::Low => "far below",
                    Side::High => "far above",
                };
                let times = if self.per == Per::Hour { "this hour of the week" } else { "this day of the week" };
                format!(
                    "{of} in the last finished {per}{each} is {far} what is usual at {times} (median of {weeks} weeks; sensitivity {}: {} times the usual deviation)",
                    sensitivity.word(),
                    figure(sensitivity.scales())
                )
            }
        };
        let hold = match self.hold {
            Hold::Checks(1) | Hold::Intervals(1) => String::new(),
            Hold::Checks(checks) => format!(", found by {checks} checks in a row"),
            Hold::Intervals(intervals) => format!(", {intervals} {per}s in a row"),
        };
        format!("Fires when {said}{hold}.")
    }

    fn spoken(&self, base: Base) -> String {
        let hour = if self.per == Per::Hour { "the same hour of " } else { "" };
        match base {
            Base::PreviousHour => "the hour before".to_owned(),
            Base::PreviousDay => format!("{hour}the day before"),
            Base::PreviousWeek => format!("{hour}the same day a week before"),
            Base::SameWeekday(middle, weeks) => {
                format!("the {} of {hour}the same weekday in the {weeks} weeks before", middle.word())
            }
            Base::SameHour(middle, weeks) => format!("the {} of the same hour of every day in the {weeks} weeks before", middle.word()),
        }
    }
}

fn shown(text: &str) -> String {
    shorten(&one_line(text), 80)
}
