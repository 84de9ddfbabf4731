//! A plain reading of docs/analytics.md: naive code over a list of events, which the database's answers are held against.
//! It is written for being read, and knows nothing of how the answers are really made.

use bellhop_core::Timestamp;
use bellhop_core::analytics::{Comparison, EventMatch, Filter, Funnel, NewEvent, Retention, RetentionKind, StepOrder};
use bellhop_core::chart::Interval;
use bellhop_core::period::midnight;
use chrono::{Datelike as _, Days, Months, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What was sent, in the order in which it came, and when it is asked.
#[derive(Clone, Debug)]
pub struct Told {
    pub events: Vec<NewEvent>,
    pub merged: Vec<(String, String)>,
    pub now: Timestamp,
}

/// What everybody did, each event once, with the person in place of the id.
pub struct Reference {
    pub events: Vec<(Option<String>, NewEvent)>,
    pub now: Timestamp,
}

/// The property as text, if it is there.
pub fn text(event: &NewEvent, property: &str) -> Option<String> {
    match event.properties.get(property)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

pub fn number(event: &NewEvent, property: &str) -> Option<f64> {
    match event.properties.get(property)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

pub fn fits(event: &NewEvent, filter: &Filter) -> bool {
    let (text, value) = (text(event, &filter.property), filter.value.as_str());
    let compared = || match value.parse::<f64>() {
        Ok(value) => number(event, &filter.property).and_then(|number| number.partial_cmp(&value)),
        Err(_) => text.as_deref().map(|text| text.cmp(value)),
    };
    match filter.op {
        Comparison::Is => text.as_deref() == Some(value),
        Comparison::IsNot => text.as_deref() != Some(value),
        Comparison::Contains => text.is_some_and(|text| text.contains(value)),
        Comparison::NotContains => !text.is_some_and(|text| text.contains(value)),
        Comparison::Less => compared().is_some_and(std::cmp::Ordering::is_lt),
        Comparison::AtMost => compared().is_some_and(std::cmp::Ordering::is_le),
        Comparison::More => compared().is_some_and(std::cmp::Ordering::is_gt),
        Comparison::AtLeast => compared().is_some_and(std::cmp::Ordering::is_ge),
        Comparison::Set => text.is_some(),
        Comparison::NotSet => text.is_none(),
    }
}

pub fn is(event: &NewEvent, wanted: &EventMatch) -> bool {
    wanted.event.as_ref().is_none_or(|name| *name == event.event) && wanted.filters.iter().all(|filter| fits(event, filter))
}

/// The first day of the unit that a moment is in.
pub fn unit(at: Timestamp, interval: Interval, zone: Tz) -> NaiveDate {
    let day = at.with_timezone(&zone).date_naive();
    match interval {
        Interval::Week => day - Days::new(u64::from(day.weekday().num_days_from_monday())),
        Interval::Month => day.with_day(1).unwrap(),
        Interval::Day | Interval::Hour => day,
    }
}

pub fn later(day: NaiveDate, interval: Interval, units: u32) -> NaiveDate {
    match interval {
        Interval::Week => day + Days::new(7 * u64::from(units)),
        Interval::Month => day + Months::new(units),
        Interval::Day | Interval::Hour => day + Days::new(u64::from(units)),
    }
}

/// The units of a period.
pub fn units(from: Timestamp, to: Timestamp, interval: Interval, zone: Tz) -> Vec<NaiveDate> {
    let last = unit(to - TimeDelta::microseconds(1), interval, zone);
    let mut all = vec![unit(from, interval, zone)];
    while *all.last().unwrap() < last {
        all.push(later(*all.last().unwrap(), interval, 1));
    }
    all
}

impl Reference {
    pub fn new(told: &Told) -> Self {
        // Everybody begins as themselves; whoever is merged takes the smaller name, until nothing changes any more.
        let ids =
            told.events.iter().map(|event| event.distinct_id.clone()).chain(told.merged.iter().flat_map(|(a, b)| [a.clone(), b.clone()]));
        let mut person: BTreeMap<String, String> = ids.map(|id| (id.clone(), id)).collect();
        loop {
            let before = person.clone();
            for (a, b) in &told.merged {
                let least = person[a].clone().min(person[b].clone());
                person.insert(a.clone(), least.clone());
                person.insert(b.clone(), least);
            }
            if before == person {
                break;
            }
        }
        let mut known = BTreeSet::new();
        let once = told.events.iter().filter(|event| known.insert(event.insert_id.clone())).cloned().collect::<Vec<_>>();
        let come = once.into_iter().filter(|event| event.time <= told.now);
        let events = come.map(|event| (Some(person[&event.distinct_id].clone()).filter(|id| !id.is_empty()), event)).collect();
        Self { events, now: told.now }
    }

    pub fn between(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &(Option<String>, NewEvent)> {
        self.events.iter().filter(move |(_, event)| event.time >= from && event.time < to)
    }

    pub fn people(&self) -> BTreeSet<String> {
        self.events.iter().filter_map(|(person, _)| person.clone()).collect()
    }

    /// How many get to each step, and the median seconds from the one before; by the value of a property.
    pub fn funnel(&self, funnel: &Funnel) -> BTreeMap<Option<String>, Vec<(f64, Option<f64>)>> {
        let mut groups = BTreeMap::<Option<String>, Vec<Vec<i64>>>::new();
        for person in self.people() {
            let Some((done, group)) = self.way(funnel, &person) else { continue };
            let steps = groups.entry(group).or_insert_with(|| vec![Vec::new(); funnel.steps.len()]);
            for step in 0..done.len() {
                steps[step].push((done[step] - done[step.saturating_sub(1)]).num_microseconds().unwrap());
            }
        }
        let told = |(step, took): (usize, Vec<i64>)| {
            let mut sorted = took.clone();
            sorted.sort_unstable();
            let median = match sorted.len() {
                0 => None,
                odd if odd % 2 == 1 => Some(sorted[odd / 2] as f64 / 1e6),
                even => Some((sorted[even / 2] + sorted[even / 2 - 1]) as f64 / 2e6),
            };
            (took.len() as f64, median.filter(|_| step > 0))
        };
        groups.into_iter().map(|(group, steps)| (group, steps.into_iter().enumerate().map(told).collect())).collect()
    }

    fn way(&self, funnel: &Funnel, person: &str) -> Option<(Vec<Timestamp>, Option<String>)> {
        let within = TimeDelta::seconds(i64::try_from(funnel.within).unwrap());
        let step = |at: usize, event: &NewEvent| is(event, &funnel.steps[at]) && funnel.filters.iter().all(|filter| fits(event, filter));
        let steps = |event: &NewEvent| (0..funnel.steps.len()).filter(|at| step(*at, event)).collect::<Vec<_>>();
        let strict = funnel.order == StepOrder::Strict;
        let theirs = self.events.iter().filter(|(who, _)| who.as_deref() == Some(person)).map(|(_, event)| event);
        let mut theirs: Vec<&NewEvent> =
            theirs.filter(|event| if strict { !event.event.starts_with('$') } else { !steps(event).is_empty() }).collect();
        let by = |event: &NewEvent| funnel.by.as_ref().and_then(|by| text(event, by));
        // Of the same moment, the lowest step first, what is no step last.
        theirs.sort_by_key(|event| (event.time, steps(event).first().copied().unwrap_or(99), bits(&steps(event)), by(event)));
        let inside = |event: &NewEvent| event.time >= funnel.window.from && event.time < funnel.window.to;
        let mut best: Option<(Vec<Timestamp>, Option<String>)> = None;
        for start in (0..theirs.len()).filter(|at| inside(theirs[*at])) {
            let reach: Vec<&NewEvent> =
                theirs[start..].iter().copied().take_while(|event| event.time - theirs[start].time <= within).collect();
            let (done, first) = match funnel.order {
                StepOrder::Ordered => {
                    let (mut done, mut next) = (Vec::new(), 0);
                    while let Some(found) = (next..reach.len()).find(|at| {
                        if done.is_empty() {
                            *at == 0 && step(0, reach[0])
                        } else {
                            done.len() < funnel.steps.len() && step(done.len(), reach[*at])
                        }
                    }) {
                        done.push(reach[found].time);
                        next = found + 1;
                    }
                    (done, by(reach[0]))
                }
                StepOrder::Strict => {
                    let length = (0..funnel.steps.len()).take_while(|at| reach.get(*at).is_some_and(|event| step(*at, event))).count();
                    (reach[..length].iter().map(|event| event.time).collect(), by(reach[0]))
                }
                StepOrder::Any => {
                    // The fewest of the events in reach that have a different one for each of the first steps.
                    let enough = |count: usize| (1..=reach.len()).find(|some| each(count, &reach[..*some], &step));
                    let done: Vec<Timestamp> =
                        (1..=funnel.steps.len()).map_while(|count| enough(count).map(|some| reach[some - 1].time)).collect();
                    let begins = steps(reach[0]).iter().any(|at| *at < done.len());
                    let first = reach.iter().find(|event| step(0, event)).and_then(|event| by(event));
                    (if begins { done } else { Vec::new() }, first)
                }
            };
            if done.len() > best.as_ref().map_or(0, |(best, _)| best.len()) {
                best = Some((done, first));
            }
        }
        best
    }

    /// By group and unit: the size, and who came back in each column; `None` where it has not begun, else whether it is over.
    #[expect(clippy::type_complexity, reason = "a table of figures as it is compared")]
    pub fn retention(&self, retention: &Retention) -> BTreeMap<(Option<String>, NaiveDate), (f64, Vec<Option<(f64, bool)>>)> {
        let (window, interval) = (&retention.window, retention.unit);
        let columns: Vec<(u32, u32)> = match &retention.kind {
            RetentionKind::InUnit => (0..=retention.periods).map(|unit| (unit, unit)).collect(),
            RetentionKind::Unbounded => (0..=retention.periods).map(|unit| (unit, 100_000)).collect(),
            RetentionKind::Brackets(brackets) => brackets.clone(),
        };
        let mut table = BTreeMap::new();
        let mut firsts = BTreeMap::new();
        for person in self.people() {
            let did =
                self.between(window.from, window.to).filter(|(who, event)| who.as_deref() == Some(&person) && is(event, &retention.first));
            let by = |event: &NewEvent| retention.by.as_ref().and_then(|by| text(event, by));
            if let Some((_, first)) = did.min_by_key(|(_, event)| (event.time, by(event))) {
                firsts.insert(person, (first.time, by(first)));
            }
        }
        let mut groups: BTreeSet<Option<String>> = firsts.values().map(|(_, group)| group.clone()).collect();
        if retention.by.is_none() {
            groups.insert(None);
        }
        for group in groups {
            for start in units(window.from, window.to, interval, window.zone) {
                let mut size = 0.0;
                let mut cells: Vec<Option<(f64, bool)>> = columns
                    .iter()
                    .map(|(from, to)| {
                        let last = if *to == 100_000 { *from } else { *to };
                        let begins = midnight(later(start, interval, *from), window.zone);
                        let ends = midnight(later(start, interval, last + 1), window.zone);
                        (begins <= self.now).then_some((0.0, ends <= self.now))
                    })
                    .collect();
                for (person, (first, of)) in &firsts {
                    if *of != group || unit(*first, interval, window.zone) != start {
                        continue;
                    }
                    size += 1.0;
                    let back = self
                        .events
                        .iter()
                        .filter(|(who, event)| who.as_ref() == Some(person) && event.time > *first && is(event, &retention.back));
                    let back: Vec<NaiveDate> = back.map(|(_, event)| unit(event.time, interval, window.zone)).collect();
                    for (cell, (from, to)) in cells.iter_mut().zip(&columns) {
                        let came = |day: &NaiveDate| {
                            *day >= later(start, interval, *from) && (*to == 100_000 || *day < later(start, interval, *to + 1))
                        };
                        if let Some((people, _)) = cell {
                            *people += f64::from(u8::from(back.iter().any(came)));
                        }
                    }
                }
                table.insert((group.clone(), start), (size, cells));
            }
        }
        table
    }
}

fn bits(steps: &[usize]) -> u32 {
    steps.iter().map(|step| 1_u32 << step).sum()
}

/// Whether each of the first steps can have an event of its own.
fn each(steps: usize, events: &[&NewEvent], step: &dyn Fn(usize, &NewEvent) -> bool) -> bool {
    let Some(last) = steps.checked_sub(1) else { return true };
    (0..events.len()).filter(|at| step(last, events[*at])).any(|at| {
        let others: Vec<&NewEvent> = events.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, event)| *event).collect();
        each(last, &others, step)
    })
}
