//! What a condition finds in figures. A verdict comes with the figures that it rests on, in words.

use super::history::{History, Series};
use super::words::{change, figure, moment, usual_times};
use super::{Base, Condition, Middle, Per, Side, Test};
use crate::clock::Timestamp;
use crate::text::{one_line, shorten};
use serde::{Deserialize, Serialize};

/// With fewer figures than this nothing is called usual.
const FEWEST: usize = 3;
/// How many values of a property are named that fire.
const NAMED: usize = 3;

/// What is found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It doesn't hold.
    Quiet(Look),
    /// It holds.
    Firing(Look),
    /// It can't be told, and why: a phrase without a full stop.
    Unknown(String),
}

impl Verdict {
    /// What was found, in a phrase.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Quiet(look) | Self::Firing(look) => &look.why,
            Self::Unknown(why) => why,
        }
    }

    /// What was looked at.
    #[must_use]
    pub const fn look(&self) -> Option<&Look> {
        match self {
            Self::Quiet(look) | Self::Firing(look) => Some(look),
            Self::Unknown(_) => None,
        }
    }
}

/// What was looked at, and what it was measured by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// The beginning of the interval.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// The value of the property that the condition is by.
    pub group: Option<String>,
    /// The figure.
    pub value: f64,
    /// It fires below this.
    pub low: Option<f64>,
    /// It fires above this.
    pub high: Option<f64>,
    /// The finding in a phrase, with the figures.
    pub why: String,
}

/// Tests a condition on the last intervals that are over and counted.
#[must_use]
pub fn evaluate(condition: &Condition, history: &History) -> Verdict {
    if let Some(doubt) = &history.doubt {
        return Verdict::Unknown(doubt.clone());
    }
    at(condition, history, history.settled)
}

/// What would be found in each interval of a series, one after the other: what a chart of the condition shows.
#[must_use]
pub fn looks(condition: &Condition, series: &Series) -> Vec<Option<Look>> {
    (0..series.points().len()).map(|position| interval(condition, series, position).look().cloned()).collect()
}

/// What is found once intervals until `settled` can be looked at.
pub(super) fn at(condition: &Condition, history: &History, settled: Timestamp) -> Verdict {
    let verdicts: Vec<Verdict> = history.series.iter().map(|series| one(condition, series, settled)).collect();
    let firing: Vec<&Look> =
        verdicts.iter().filter_map(|verdict| if let Verdict::Firing(look) = verdict { Some(look) } else { None }).collect();
    if let Some(first) = firing.first() {
        let mut why = named(first);
        for other in firing.iter().skip(1).take(NAMED - 1) {
            why.push_str("; ");
            why.push_str(&named(other));
        }
        if firing.len() > NAMED {
            why.push_str("; and ");
            why.push_str(&figure(f64::from(u32::try_from(firing.len() - NAMED).unwrap_or(u32::MAX))));
            why.push_str(" more");
        }
        return Verdict::Firing(Look { why, ..(*first).clone() });
    }
    // One value that can't be told doesn't silence the others; all of them together do.
    let quiet = verdicts.iter().find(|verdict| matches!(verdict, Verdict::Quiet(_)));
    match quiet.or_else(|| verdicts.first()) {
        Some(Verdict::Quiet(look)) => Verdict::Quiet(Look { why: named(look), ..look.clone() }),
        Some(other) => other.clone(),
        None => Verdict::Unknown(format!("{} gave no figures", history.source)),
    }
}

fn named(look: &Look) -> String {
    match &look.group {
        Some(group) => format!("{}: {}", shorten(&one_line(group), 60), look.why),
        None => look.why.clone(),
    }
}

/// What is found in one series: as many intervals in a row as the condition wants.
fn one(condition: &Condition, series: &Series, settled: Timestamp) -> Verdict {
    let over = series.over(settled);
    let Some(last) = over.checked_sub(1) else {
        return Verdict::Unknown(format!("no {} is over and counted yet", condition.per.word()));
    };
    let newest = interval(condition, series, last);
    let mut unknown = None;
    for back in 1..condition.in_a_row() as usize {
        let Some(position) = last.checked_sub(back) else {
            unknown = Some(Verdict::Unknown(format!("there are figures of {over} {}s only", condition.per.word())));
            break;
        };
        match interval(condition, series, position) {
            Verdict::Firing(_) => {}
            quiet @ Verdict::Quiet(_) => return quiet,
            other => unknown = Some(other),
        }
    }
    match newest {
        Verdict::Firing(_) => unknown.unwrap_or_else(|| in_a_row(condition, newest)),
        other => other,
    }
}

fn in_a_row(condition: &Condition, newest: Verdict) -> Verdict {
    match newest {
        Verdict::Firing(look) if condition.in_a_row() > 1 => {
            let why = format!("{}; the {} {}s in a row", look.why, condition.in_a_row(), condition.per.word());
            Verdict::Firing(Look { why, ..look })
        }
        other => other,
    }
}

/// What is found in one interval.
fn interval(condition: &Condition, series: &Series, position: usize) -> Verdict {
    let Some(point) = series.points().get(position) else {
        return Verdict::Unknown("there is no such interval".to_owned());
    };
    let when = moment(point.from, series.zone(), condition.per);
    let Some(value) = point.value else { return Verdict::Unknown(format!("there is no figure {when}")) };
    if series.before_the_first(position) {
        return Verdict::Unknown(format!("nothing had been counted yet {when}"));
    }
    let look = |low, high, why| Look { from: point.from, to: point.to, group: series.group.clone(), value, low, high, why };
    let found = |fires: bool, look: Look| if fires { Verdict::Firing(look) } else { Verdict::Quiet(look) };
    let shown = figure(value);
    match &condition.test {
        Test::Threshold { op, value: limit } => {
            let fires = op.holds(value, *limit);
            let not = if fires { "" } else { "not " };
            let (low, high) = sides(op.sign().starts_with('<'), *limit);
            found(fires, look(low, high, format!("{shown} {when}, {not}{} {}", op.said(), figure(*limit))))
        }
        Test::Against { op, percent, base } => {
            let (was, what) = match against(series, position, *base, condition.per) {
                Ok(found) => found,
                Err(why) => return Verdict::Unknown(why),
            };
            let limit = was * percent / 100.0;
            let fires = op.holds(value, limit);
            let not = if fires { "" } else { "not " };
            let (low, high) = sides(op.sign().starts_with('<'), limit);
            let why =
                format!("{shown} {when}, {not}{} {}, which is {} % of {} {what}", op.said(), figure(limit), figure(*percent), figure(was));
            found(fires, look(low, high, why))
        }
        Test::Change { rises, percent, base } => {
            let (was, what) = match against(series, position, *base, condition.per) {
                Ok(found) => found,
                Err(why) => return Verdict::Unknown(why),
            };
            let by = was.abs() * percent / 100.0;
            let limit = if *rises { was + by } else { was - by };
            // By at least so much, and in that direction at all: nothing that stays at zero has dropped.
            let fires = if *rises { value >= limit && value > was } else { value <= limit && value < was };
            let (low, high) = sides(!rises, limit);
            let why = format!("{shown} {when}, {} from {} {what}; {} % is the limit", change(value, was), figure(was), figure(*percent));
            found(fires, look(low, high, why))
        }
        Test::Absent { intervals } => absent(condition, series, position, *intervals, &look(None, None, String::new())),
        Test::Anomaly { side, sensitivity, weeks } => {
            let before: Vec<f64> = usual(series, position, 7, *weeks);
            let times = usual_times(point.from, series.zone(), condition.per);
            if before.len() < FEWEST {
                return Verdict::Unknown(too_few(&times, before.len(), *weeks));
            }
            let middle = median(&before);
            let deviations: Vec<f64> = before.iter().map(|one| (one - middle).abs()).collect();
            let scale = (1.4826 * median(&deviations)).max(middle.abs().sqrt()).max(middle.abs() * 0.05).max(1.0);
            let far = sensitivity.scales() * scale;
            let (low, high) = (middle - far, middle + far);
            let (below, above) = (value < low && *side != Side::High, value > high && *side != Side::Low);
            let place = if value < low {
                "below"
            } else if value > high {
                "above"
            } else {
                "within"
            };
            let why = format!(
                "{shown} {when}, {place} the usual {} to {} {times} (median {} of {} weeks)",
                figure(low.max(if middle >= 0.0 { 0.0 } else { low })),
                figure(high),
                figure(middle),
                before.len()
            );
            let shown_low = (*side != Side::High).then_some(low);
            let shown_high = (*side != Side::Low).then_some(high);
            found(below || above, look(shown_low, shown_high, why))
        }
    }
}

const fn sides(below: bool, limit: f64) -> (Option<f64>, Option<f64>) {
    if below { (Some(limit), None) } else { (None, Some(limit)) }
}

fn absent(condition: &Condition, series: &Series, position: usize, intervals: u32, look: &Look) -> Verdict {
    let (wanted, per) = (intervals as usize, condition.per);
    let first = (position + 1).saturating_sub(wanted);
    let recent = &series.points()[first..=position];
    if let Some(some) = recent.iter().rev().find(|point| point.value.is_some_and(|value| value != 0.0)) {
        let why = format!("{} {}", figure(some.value.unwrap_or_default()), moment(some.from, series.zone(), per));
        return Verdict::Quiet(Look { why, ..look.clone() });
    }
    if let Some(missing) = recent.iter().find(|point| point.value.is_none()) {
        return Verdict::Unknown(format!("there is no figure {}", moment(missing.from, series.zone(), per)));
    }
    if recent.len() < wanted {
        return Verdict::Unknown(format!("there are figures of {} {}s only", recent.len(), per.word()));
    }
    let length = if intervals == 1 { format!("a whole {}", per.word()) } else { format!("{intervals} {}s", per.word()) };
    let last = series.points()[..first].iter().rev().find(|point| point.value.is_some_and(|value| value != 0.0));
    let since = match last {
        Some(point) => format!("; the last was {}", moment(point.from, series.zone(), per)),
        None if series.is_empty() => "; none in all the time that was looked at".to_owned(),
        None => String::new(),
    };
    Verdict::Firing(Look { why: format!("nothing for {length}{since}"), ..look.clone() })
}

/// What an interval is compared with, and what that is in words.
fn against(series: &Series, position: usize, base: Base, per: Per) -> Result<(f64, String), String> {
    let point = &series.points()[position];
    let hour = if per == Per::Hour { "the same hour of " } else { "" };
    let single = |before: Option<usize>, what: String| match before.and_then(|at| series.usual(at)) {
        Some(value) => Ok((value, what)),
        None => Err(format!("there is no figure of {what} to compare with")),
    };
    let many = |every: u32, middle: Middle, weeks: u32, times: String| {
        let before = usual(series, position, every, weeks * 7 / every);
        if before.len() < FEWEST {
            return Err(too_few(&times, before.len(), weeks));
        }
        let value = match middle {
            Middle::Median => median(&before),
            Middle::Average => before.iter().sum::<f64>() / f64::from(u32::try_from(before.len()).unwrap_or(u32::MAX)),
        };
        let kind = if every == 1 { "days" } else { "weeks" };
        Ok((value, format!("({} {times} in {} {kind})", middle.word(), before.len())))
    };
    match base {
        Base::PreviousHour => {
            let before = position.checked_sub(1).filter(|at| series.points()[*at].to == point.from);
            single(before, "the hour before".to_owned())
        }
        Base::PreviousDay => single(series.days_before(position, 1), format!("{hour}the day before")),
        Base::PreviousWeek => single(series.days_before(position, 7), format!("{hour}the same day a week before")),
        Base::SameWeekday(middle, weeks) => many(7, middle, weeks, usual_times(point.from, series.zone(), per)),
        Base::SameHour(middle, weeks) => many(1, middle, weeks, format!("at {}", point.from.with_timezone(&series.zone()).format("%H:%M"))),
    }
}

fn too_few(times: &str, found: usize, weeks: u32) -> String {
    let found = match found {
        0 => "is no figure".to_owned(),
        1 => "is 1 figure".to_owned(),
        more => format!("are {more} figures"),
    };
    format!("there {found} {times} in the {weeks} weeks before, and {FEWEST} are the fewest to tell what is usual")
}

/// The figures at the same time every so many days before.
fn usual(series: &Series, position: usize, every: u32, times: u32) -> Vec<f64> {
    (1..=times).filter_map(|back| series.days_before(position, back * every)).filter_map(|at| series.usual(at)).collect()
}

/// The figure in the middle; of an even number, between the two.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.as_slice() {
        [] => 0.0,
        all if all.len() % 2 == 1 => all[half],
        all => f64::midpoint(all[half - 1], all[half]),
    }
}
