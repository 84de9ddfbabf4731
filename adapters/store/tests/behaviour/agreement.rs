//! Own events against the plain reference: events of several people, in any order, some twice, some late, some ahead of the
//! clock, with ids that are merged before, between and after them, in zones on the days when clocks change. What both
//! databases answer is what the reference says.

#![expect(clippy::float_cmp, reason = "counts, sums of quarters and medians of whole microseconds are exact")]
#![expect(clippy::cast_precision_loss, reason = "a handful of events")]

use crate::agreement_cases::{Case, PEOPLE, case, now};
use crate::reference::{Reference, Told, fits, is, number, text, unit, units};
use crate::world::World;
use bellhop_core::Timestamp;
use bellhop_core::analytics::{
    CohortDefinition, CohortRule, During, Figures, Funnel, Measure, NewEvent, ProfileChange, ProfileOperation, Query, Retention, Revenue,
    Subject, Trend,
};
use bellhop_core::ports::AnalyticsSource as _;
use bellhop_store::Events;
use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use std::collections::{BTreeMap, BTreeSet};

async fn tell(world: &World, case: &Case) -> Events {
    for table in ["event", "person", "event_name", "event_property", "event_cohort", "event_cohort_member"] {
        world.execute(&format!("DELETE FROM {table}")).await;
    }
    let events = Events::new(world.store.clone());
    let mut cuts: Vec<usize> = case.cuts.iter().map(|cut| (*cut).min(case.told.events.len())).collect();
    cuts.push(case.told.events.len());
    cuts.sort_unstable();
    let (mut begun, mut merged) = (0, case.told.merged.iter());
    let merge = |(from, into): &(String, String)| ProfileChange {
        subject: Subject::Merge { from: from.clone(), into: into.clone() },
        change: ProfileOperation::Merge,
    };
    for cut in cuts {
        let taken = events.track(case.told.events[begun..cut].to_vec()).await.unwrap();
        assert!(taken.refused.is_empty(), "{taken:?}");
        begun = cut;
        events.identify(merged.next().map(merge).into_iter().collect()).await.unwrap();
    }
    events.identify(merged.map(merge).collect()).await.unwrap();
    events
}

/// Compares, and tells the question where they differ.
macro_rules! agree {
    ($got:expr, $expected:expr, $question:expr) => {{
        let (got, expected) = (&$got, &$expected);
        prop_assert_eq!(got, expected, "got (left) is not what the reference says (right) of {:?}", $question);
    }};
}

type Checked = Result<(), TestCaseError>;

async fn trends(events: &Events, reference: &Reference, trend: &Trend) -> Checked {
    let answer = events.query(&Query::Trend(trend.clone())).await.unwrap();
    let figures = answer.trend().unwrap();
    let fit = |event: &NewEvent| event.event == trend.metric && trend.filters.iter().all(|filter| fits(event, filter));
    let group = |event: &NewEvent| trend.by.as_ref().and_then(|by| text(event, by));
    let counted = |some: &[&(Option<String>, NewEvent)]| match &trend.measure {
        Measure::Count => some.len() as f64,
        Measure::Users => some.iter().filter_map(|(person, _)| person.clone()).collect::<BTreeSet<_>>().len() as f64,
        Measure::Sum(property) => some.iter().filter_map(|(_, event)| number(event, property)).sum(),
        Measure::Average(property) => {
            let numbers: Vec<f64> = some.iter().filter_map(|(_, event)| number(event, property)).collect();
            if numbers.is_empty() { 0.0 } else { numbers.iter().sum::<f64>() / numbers.len() as f64 }
        }
    };
    let all: Vec<_> = reference.between(trend.from, trend.to).filter(|(_, event)| fit(event)).collect();
    let mut groups: BTreeSet<Option<String>> = all.iter().map(|(_, event)| group(event)).collect();
    if trend.by.is_none() {
        groups.insert(None);
    }
    let mut expected = BTreeMap::new();
    let starts: Vec<Option<NaiveDate>> = match trend.interval {
        Some(interval) => units(trend.from, trend.to, interval, trend.zone).into_iter().map(Some).collect(),
        None => vec![None],
    };
    for start in &starts {
        for of in &groups {
            let inside = |event: &NewEvent| trend.interval.is_none_or(|interval| Some(unit(event.time, interval, trend.zone)) == *start);
            let some: Vec<_> = all.iter().copied().filter(|(_, event)| inside(event) && group(event) == *of).collect();
            expected.insert((*start, of.clone()), counted(&some));
        }
    }
    let day = |at: Timestamp| at.with_timezone(&trend.zone).date_naive();
    let got: BTreeMap<_, _> = figures.rows.iter().map(|row| ((row.at.map(day), row.group.clone()), row.value)).collect();
    let close = |value: &f64| (value * 1e9).round();
    agree!(
        got.iter().map(|(key, value)| (key, close(value))).collect::<Vec<_>>(),
        expected.iter().map(|(key, value)| (key, close(value))).collect::<Vec<_>>(),
        trend
    );
    agree!(figures.rows.len(), expected.len(), trend);
    agree!(close(&figures.total), close(&counted(&all)), trend);
    Ok(())
}

async fn funnels(events: &Events, reference: &Reference, funnel: &Funnel) -> Checked {
    let answer = events.query(&Query::Funnel(funnel.clone())).await.unwrap();
    let Figures::Funnel(figures) = answer.figures else { panic!("{answer:?}") };
    let steps = |group: &bellhop_core::analytics::FunnelGroup| {
        group.steps.iter().map(|step| (step.people, step.median_seconds)).collect::<Vec<_>>()
    };
    let got: BTreeMap<_, _> = figures.groups.iter().map(|group| (group.group.clone(), steps(group))).collect();
    let mut expected = reference.funnel(funnel);
    if funnel.by.is_none() && expected.is_empty() {
        expected.insert(None, vec![(0.0, None); funnel.steps.len()]);
    }
    agree!(got, expected, funnel);
    Ok(())
}

async fn retentions(events: &Events, reference: &Reference, retention: &Retention) -> Checked {
    let answer = events.query(&Query::Retention(retention.clone())).await.unwrap();
    let Figures::Retention(figures) = answer.figures else { panic!("{answer:?}") };
    let day = |at: Timestamp| at.with_timezone(&retention.window.zone).date_naive();
    let mut got = BTreeMap::new();
    for cohort in &figures.cohorts {
        let cells: Vec<_> = cohort.cells.iter().map(|cell| cell.map(|cell| (cell.people, cell.complete))).collect();
        got.insert((cohort.group.clone(), day(cohort.start)), (cohort.size, cells));
    }
    agree!(got, reference.retention(retention), retention);
    Ok(())
}

async fn revenues(events: &Events, reference: &Reference, revenue: &Revenue) -> Checked {
    let answer = events.query(&Query::Revenue(revenue.clone())).await.unwrap();
    let Figures::Revenue(figures) = answer.figures else { panic!("{answer:?}") };
    let window = &revenue.window;
    let fit = |event: &NewEvent| revenue.filters.iter().all(|filter| fits(event, filter));
    let row = |inside: &dyn Fn(&NewEvent) -> bool| {
        let some: Vec<_> = reference.between(window.from, window.to).filter(|(_, event)| fit(event) && inside(event)).collect();
        let paid: Vec<_> = some.iter().filter(|(_, event)| number(event, "revenue").is_some()).collect();
        let people = |some: &mut dyn Iterator<Item = &Option<String>>| some.flatten().cloned().collect::<BTreeSet<_>>().len() as f64;
        (
            paid.iter().filter_map(|(_, event)| number(event, "revenue")).sum::<f64>(),
            Some(paid.len() as f64),
            Some(people(&mut paid.iter().map(|(person, _)| person))),
            Some(people(&mut some.iter().map(|(person, _)| person))),
        )
    };
    let expected: Vec<_> = match revenue.interval {
        Some(interval) => units(window.from, window.to, interval, window.zone)
            .into_iter()
            .map(|start| row(&|event| unit(event.time, interval, window.zone) == start))
            .collect(),
        None => vec![row(&|_| true)],
    };
    let figure = |row: &bellhop_core::analytics::RevenueRow| (row.revenue, row.payments, row.paying, row.active);
    agree!(figures.rows.iter().map(figure).collect::<Vec<_>>(), expected, revenue);
    agree!(figure(&figures.total), row(&|_| true), revenue);
    let mut lifetime = Vec::new();
    for days in [1, 3, 7, 14, 30, 60, 90, 180, 270, 365_u32] {
        let (mut people, mut paid) = (0.0, 0.0);
        for person in reference.people() {
            let theirs: Vec<&NewEvent> =
                reference.events.iter().filter(|(who, _)| who.as_deref() == Some(person.as_str())).map(|(_, event)| event).collect();
            let first = theirs.iter().map(|event| event.time).min().unwrap();
            let end = first + TimeDelta::days(i64::from(days));
            if first < window.from || first >= window.to || end > reference.now {
                continue;
            }
            people += 1.0;
            paid += theirs.iter().filter(|event| event.time < end && fit(event)).filter_map(|event| number(event, "revenue")).sum::<f64>();
        }
        if people > 0.0 {
            lifetime.push((days, paid / people, people));
        }
    }
    agree!(figures.ltv.iter().map(|ltv| (ltv.day, ltv.average, ltv.people)).collect::<Vec<_>>(), lifetime, revenue);
    Ok(())
}

async fn cohorts(events: &Events, reference: &Reference, told: &Told, cohort: &CohortDefinition) -> Checked {
    let made = events.define_cohort("all", cohort).await.unwrap();
    let fits_rule = |person: &str, rule: &CohortRule| {
        let inside = |at: Timestamp| match &rule.during {
            During::Ever => true,
            During::Window(window) => at >= window.from && at < window.to,
            During::LastDays { days, zone } => {
                let today = reference.now.with_timezone(zone).date_naive();
                (today - at.with_timezone(zone).date_naive()).num_days() < i64::from(*days)
            }
        };
        let count = reference
            .events
            .iter()
            .filter(|(who, event)| who.as_deref() == Some(person) && inside(event.time) && is(event, &rule.event))
            .count();
        (count >= rule.times as usize) == rule.did
    };
    let expected: BTreeSet<String> =
        reference.people().into_iter().filter(|person| cohort.rules.iter().all(|rule| fits_rule(person, rule))).collect();
    let members = events.members("all", None).await.unwrap();
    // The reference knows a person by the smallest of their ids, the source by one that was never merged away.
    let whole = Reference::new(&Told { now: Timestamp::MAX_UTC, events: ids(told), merged: told.merged.clone() });
    let person =
        |id: &String| whole.events.iter().find(|(_, event)| event.distinct_id == *id).and_then(|(person, _)| person.clone()).unwrap();
    agree!(members.ids.iter().map(person).collect::<BTreeSet<_>>(), expected, cohort);
    agree!(
        (members.ids.len(), members.total, made.size),
        (expected.len(), Some(expected.len() as u64), Some(expected.len() as u64)),
        cohort
    );
    Ok(())
}

/// An event for each id, to ask the reference who that is.
fn ids(told: &Told) -> Vec<NewEvent> {
    let all = told.events.iter().map(|event| event.distinct_id.clone()).chain(PEOPLE.iter().map(|id| (*id).to_owned()));
    let event = |(at, id): (usize, String)| NewEvent {
        event: "x".to_owned(),
        distinct_id: id,
        time: now(),
        insert_id: at.to_string(),
        properties: BTreeMap::new(),
    };
    all.enumerate().map(event).collect()
}

fn agrees(world: &World, cases: u32, runtime: &tokio::runtime::Runtime) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() });
    let held = runner.run(&case(), |case| {
        runtime.block_on(async {
            let events = tell(world, &case).await;
            let reference = Reference::new(&case.told);
            trends(&events, &reference, &case.trend).await?;
            funnels(&events, &reference, &case.funnel).await?;
            retentions(&events, &reference, &case.retention).await?;
            revenues(&events, &reference, &case.revenue).await?;
            cohorts(&events, &reference, &case.told, &case.cohort).await
        })
    });
    if let Err(found) = held {
        panic!("{found}");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn sqlite_answers_as_the_reference() {
    let runtime = runtime();
    let world = runtime.block_on(World::sqlite());
    agrees(&world, 160, &runtime);
}

#[test]
fn postgres_answers_as_the_reference() {
    let runtime = runtime();
    let world = runtime.block_on(World::postgres());
    agrees(&world, 100, &runtime);
}
