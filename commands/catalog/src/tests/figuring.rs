//! Answers to questions about people, counted out of events in the plainest way.

use super::world::now;
use bellhop_core::analytics::{
    Comparison, EventMatch, Filter, Funnel, FunnelFigures, FunnelGroup, FunnelStep, NewEvent, Now, Retention, RetentionCell,
    RetentionCohort, RetentionFigures, RetentionKind, Revenue, RevenueFigures, RevenueRow, StepOrder, TrendFigures, TrendRow,
};
use bellhop_core::period::{Range, intervals};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn text(value: Option<&serde_json::Value>) -> Option<String> {
    value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

pub(super) fn kept(event: &NewEvent, filters: &[Filter]) -> bool {
    filters.iter().all(|f| (text(event.properties.get(&f.property)).as_deref() == Some(f.value.as_str())) == (f.op == Comparison::Is))
}

fn matches(event: &NewEvent, step: &EventMatch) -> bool {
    step.event.as_ref().is_none_or(|name| *name == event.event) && kept(event, &step.filters)
}

fn by_person(events: &[NewEvent]) -> BTreeMap<&str, Vec<&NewEvent>> {
    let mut people: BTreeMap<&str, Vec<&NewEvent>> = BTreeMap::new();
    for event in events {
        people.entry(&event.distinct_id).or_default().push(event);
    }
    for mine in people.values_mut() {
        mine.sort_by_key(|event| event.time);
    }
    people
}

#[expect(clippy::cast_precision_loss, reason = "tests count a few")]
fn number(count: usize) -> f64 {
    count as f64
}

/// When a person did the steps, from this event on.
fn walk(asked: &Funnel, mine: &[&NewEvent]) -> Vec<TimeDelta> {
    let begun = mine[0].time;
    let mut open: Vec<&EventMatch> = asked.steps.iter().collect();
    let mut done = Vec::new();
    for event in mine {
        if open.is_empty() || event.time - begun > TimeDelta::seconds(i64::try_from(asked.within).unwrap()) {
            break;
        }
        let next = match asked.order {
            StepOrder::Any => open.iter().position(|step| matches(event, step)),
            _ => matches(event, open[0]).then_some(0),
        };
        match next {
            Some(at) => {
                open.remove(at);
                done.push(event.time - begun);
            }
            None if asked.order == StepOrder::Strict || done.is_empty() => break,
            None => {}
        }
    }
    done
}

pub(super) fn funnel(asked: &Funnel, events: &[NewEvent]) -> FunnelFigures {
    let kept: Vec<NewEvent> = events.iter().filter(|event| kept(event, &asked.filters)).cloned().collect();
    let mut groups: BTreeMap<Option<String>, Vec<Vec<TimeDelta>>> = BTreeMap::new();
    for mine in by_person(&kept).values() {
        let within = |event: &NewEvent| event.time >= asked.window.from && event.time < asked.window.to;
        let walks = (0..mine.len()).filter(|at| within(mine[*at])).map(|at| (at, walk(asked, &mine[at..])));
        let best = walks.filter(|(_, walk)| !walk.is_empty()).max_by_key(|(at, walk)| (walk.len(), std::cmp::Reverse(*at)));
        if let Some((at, walk)) = best {
            let group = asked.by.as_ref().and_then(|by| text(mine[at].properties.get(by)));
            groups.entry(group).or_default().push(walk);
        }
    }
    let mut groups: Vec<FunnelGroup> = groups
        .into_iter()
        .map(|(group, walks)| FunnelGroup {
            group,
            steps: asked
                .steps
                .iter()
                .enumerate()
                .map(|(at, step)| {
                    let mut times: Vec<i64> = walks
                        .iter()
                        .filter(|walk| walk.len() > at)
                        .map(|walk| (walk[at] - walk[at.saturating_sub(1)]).num_seconds())
                        .collect();
                    times.sort_unstable();
                    #[expect(clippy::cast_precision_loss, reason = "tests wait a few days")]
                    let median = times.get(times.len() / 2).map(|seconds| *seconds as f64);
                    FunnelStep {
                        name: step.event.clone().unwrap_or_default(),
                        people: number(times.len()),
                        median_seconds: median.filter(|_| at > 0),
                    }
                })
                .collect(),
        })
        .collect();
    groups.sort_by(|a, b| b.steps[0].people.total_cmp(&a.steps[0].people));
    FunnelFigures { groups }
}

pub(super) fn retention(asked: &Retention, events: &[NewEvent]) -> RetentionFigures {
    let brackets: Vec<(u32, u32)> = match &asked.kind {
        RetentionKind::Brackets(brackets) => brackets.clone(),
        RetentionKind::InUnit => (0..=asked.periods).map(|unit| (unit, unit)).collect(),
        RetentionKind::Unbounded => (0..=asked.periods).map(|unit| (unit, 10_000)).collect(),
    };
    let far = asked.window.to + TimeDelta::days(31 * i64::from(asked.periods + 2));
    let starts = intervals(Range { from: asked.window.from, to: far }, asked.unit, asked.window.zone);
    let unit = |event: &NewEvent| u32::try_from(starts.partition_point(|start| *start <= event.time)).unwrap();
    let mut cohorts: BTreeMap<u32, Vec<Vec<u32>>> = BTreeMap::new();
    for mine in by_person(events).values() {
        let first =
            mine.iter().find(|event| matches(event, &asked.first) && event.time >= asked.window.from && event.time < asked.window.to);
        if let Some(first) = first {
            let later = mine.iter().filter(|event| event.time > first.time && matches(event, &asked.back));
            cohorts.entry(unit(first)).or_default().push(later.map(|event| unit(event) - unit(first)).collect());
        }
    }
    let cohorts = cohorts.into_iter().map(|(number_of_unit, people)| RetentionCohort {
        start: starts[number_of_unit as usize - 1],
        group: None,
        size: number(people.len()),
        cells: brackets
            .iter()
            .map(|(first, last)| {
                let begins = starts[(number_of_unit - 1 + first) as usize];
                let last_known = (*last).min(asked.periods);
                let ends = starts[(number_of_unit + last_known) as usize];
                let back = people.iter().filter(|units| units.iter().any(|unit| unit >= first && unit <= last)).count();
                (begins <= now()).then(|| RetentionCell { people: number(back), complete: ends <= now() })
            })
            .collect(),
    });
    let columns = match &asked.kind {
        RetentionKind::Brackets(brackets) => brackets.iter().map(|(first, last)| format!("{first}-{last}")).collect(),
        _ => (0..=asked.periods).map(|unit| unit.to_string()).collect(),
    };
    RetentionFigures { unit: asked.unit, columns, cohorts: cohorts.collect() }
}

pub(super) fn revenue(asked: &Revenue, events: &[NewEvent]) -> RevenueFigures {
    let range = Range { from: asked.window.from, to: asked.window.to };
    let starts = asked.interval.map(|interval| intervals(range, interval, asked.window.zone)).unwrap_or_default();
    let inside: Vec<&NewEvent> =
        events.iter().filter(|event| event.time >= range.from && event.time < range.to && kept(event, &asked.filters)).collect();
    let paid = |event: &NewEvent| event.properties.get("revenue").and_then(serde_json::Value::as_f64);
    let row = |events: &[&NewEvent]| {
        let people = |some: &dyn Fn(&NewEvent) -> bool| {
            Some(number(events.iter().filter(|event| some(event)).map(|event| &event.distinct_id).collect::<BTreeSet<_>>().len()))
        };
        RevenueRow {
            at: None,
            group: None,
            revenue: events.iter().filter_map(|event| paid(event)).sum(),
            payments: Some(number(events.iter().filter(|event| paid(event).is_some()).count())),
            paying: people(&|event| paid(event).is_some()),
            active: people(&|_| true),
        }
    };
    let mut cells: BTreeMap<_, Vec<&NewEvent>> = BTreeMap::new();
    if asked.by.is_none() {
        for start in &starts {
            cells.entry((Some(*start), None)).or_default();
        }
    }
    for event in &inside {
        let at = starts.partition_point(|start| *start <= event.time).checked_sub(1).map(|at| starts[at]);
        let group = asked.by.as_ref().and_then(|by| text(event.properties.get(by)));
        cells.entry((at, group)).or_default().push(event);
    }
    let rows = cells.into_iter().map(|((at, group), events)| RevenueRow { at, group, ..row(&events) }).collect();
    RevenueFigures { rows, total: row(&inside), unit: "EUR".into(), ltv: Vec::new() }
}

pub(super) fn present(asked: &Now, events: &[NewEvent]) -> TrendFigures {
    let from = now() - TimeDelta::minutes(i64::from(asked.minutes));
    let mut groups: BTreeMap<Option<String>, usize> = BTreeMap::new();
    for event in events.iter().filter(|event| event.event == asked.metric && event.time > from && event.time <= now()) {
        *groups.entry(asked.by.as_ref().and_then(|by| text(event.properties.get(by)))).or_default() += 1;
    }
    let total = number(groups.values().sum());
    let rows = groups.into_iter().map(|(group, count)| TrendRow { at: None, group, value: number(count) }).collect();
    TrendFigures { rows, unit: String::new(), total }
}
