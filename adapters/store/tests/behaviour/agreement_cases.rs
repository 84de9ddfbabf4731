//! Questions and what is told before them, made up: several people, zones and days on which clocks change.

use crate::reference::Told;
use bellhop_core::Timestamp;
use bellhop_core::analytics::{
    CohortDefinition, CohortRule, Comparison, During, EventMatch, Filter, Funnel, Measure, NewEvent, Retention, RetentionKind, Revenue,
    StepOrder, Trend, Window,
};
use bellhop_core::chart::Interval;
use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) const PEOPLE: [&str; 6] = ["ann", "bob", "cem", "visitor-1", "visitor-2", "visitor-3"];
pub(crate) const NAMES: [&str; 3] = ["view", "signup", "pay"];

/// One of the questions, all at once.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub told: Told,
    /// How the events are cut into requests, and after which of them ids are merged.
    pub cuts: Vec<usize>,
    pub trend: Trend,
    pub funnel: Funnel,
    pub retention: Retention,
    pub revenue: Revenue,
    pub cohort: CohortDefinition,
}

pub(crate) fn now() -> Timestamp {
    "2026-11-02T12:00:00Z".parse().unwrap()
}

pub(crate) fn properties() -> impl Strategy<Value = BTreeMap<String, Value>> {
    let plan = select(vec![None, Some(json!("free")), Some(json!("pro")), Some(json!(null)), Some(json!(7)), Some(json!(true))]);
    let amount = select(vec![None, Some(json!(1)), Some(json!(2.5)), Some(json!("4")), Some(json!("many")), Some(json!(-3))]);
    let revenue = select(vec![None, None, None, Some(json!(0.25)), Some(json!("10.5")), Some(json!(4))]);
    (plan, amount, revenue).prop_map(|(plan, amount, revenue)| {
        let all = [("plan", plan), ("amount", amount), ("revenue", revenue)];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    })
}

/// Around the days when clocks change in Berlin, New York and Beirut, and now; often the same moments.
pub(crate) fn moment() -> impl Strategy<Value = Timestamp> {
    let around = select(vec![
        "2026-03-08T06:00:00Z",
        "2026-03-29T00:30:00Z",
        "2026-10-24T20:00:00Z",
        "2026-10-25T00:30:00Z",
        "2026-11-01T05:30:00Z",
        "2026-11-02T11:00:00Z",
    ]);
    (around, select(vec![1_i64, 1, 60, 1500]), -40_i64..40, select(vec![0_i64, 0, 1])).prop_map(|(around, minutes, times, micros)| {
        let around: Timestamp = around.parse().unwrap();
        // A day ahead is as far as a sender's clock may be wrong.
        (around + TimeDelta::minutes(minutes * times) + TimeDelta::microseconds(micros)).min(now() + TimeDelta::hours(20))
    })
}

pub(crate) fn event() -> impl Strategy<Value = NewEvent> {
    let who = prop_oneof![9 => select(PEOPLE.to_vec()), 1 => Just("")];
    (select(NAMES.to_vec()), who, moment(), 0..200_u32, properties()).prop_map(|(event, who, time, id, properties)| NewEvent {
        event: event.to_owned(),
        distinct_id: who.to_owned(),
        time,
        insert_id: format!("i{id}"),
        properties,
    })
}

pub(crate) fn filter() -> impl Strategy<Value = Filter> {
    let op = select(vec![
        Comparison::Is,
        Comparison::IsNot,
        Comparison::Contains,
        Comparison::NotContains,
        Comparison::Less,
        Comparison::AtMost,
        Comparison::More,
        Comparison::AtLeast,
        Comparison::Set,
        Comparison::NotSet,
    ]);
    (select(vec!["plan", "amount", "none"]), op, select(vec!["pro", "free", "2.5", "4", "r", "true", "7"]))
        .prop_map(|(property, op, value)| Filter { property: property.to_owned(), op, value: value.to_owned() })
}

pub(crate) fn filters() -> impl Strategy<Value = Vec<Filter>> {
    prop_oneof![3 => Just(Vec::new()), 2 => filter().prop_map(|filter| vec![filter])]
}

pub(crate) fn one_match() -> impl Strategy<Value = EventMatch> {
    let name = prop_oneof![6 => select(NAMES.to_vec()).prop_map(|name| Some(name.to_owned())), 1 => Just(None)];
    (name, filters()).prop_map(|(event, filters)| EventMatch { event, filters })
}

pub(crate) fn window() -> impl Strategy<Value = Window> {
    let zone = select(vec![
        chrono_tz::UTC,
        chrono_tz::Europe::Berlin,
        chrono_tz::America::New_York,
        chrono_tz::Asia::Beirut,
        chrono_tz::Asia::Kathmandu,
    ]);
    let from = select(vec![
        "2026-03-01T00:00:00Z",
        "2026-10-12T22:00:00Z",
        "2026-10-23T00:00:00Z",
        "2026-10-24T21:30:00Z",
        "2026-11-01T04:00:00Z",
    ]);
    (zone, from, select(vec![26_i64, 24 * 5, 24 * 16, 24 * 40])).prop_map(|(zone, from, hours)| {
        let from: Timestamp = from.parse().unwrap();
        Window { from, to: from + TimeDelta::hours(hours), zone }
    })
}

pub(crate) fn by() -> impl Strategy<Value = Option<String>> {
    prop_oneof![Just(None), Just(Some("plan".to_owned()))]
}

pub(crate) fn width() -> impl Strategy<Value = Interval> {
    select(vec![Interval::Day, Interval::Day, Interval::Week, Interval::Month])
}

pub(crate) fn trend() -> impl Strategy<Value = Trend> {
    let measure = prop_oneof![
        Just(Measure::Count),
        Just(Measure::Users),
        Just(Measure::Sum("amount".to_owned())),
        Just(Measure::Average("amount".to_owned()))
    ];
    (select(NAMES.to_vec()), measure, window(), prop_oneof![Just(None), width().prop_map(Some)], by(), filters()).prop_map(
        |(metric, measure, window, interval, by, filters)| Trend {
            metric: metric.to_owned(),
            measure,
            from: window.from,
            to: window.to,
            zone: window.zone,
            interval,
            by,
            filters,
        },
    )
}

pub(crate) fn funnel() -> impl Strategy<Value = Funnel> {
    let order = select(vec![StepOrder::Ordered, StepOrder::Strict, StepOrder::Any]);
    (prop::collection::vec(one_match(), 2..4), window(), select(vec![60_u64, 3600, 90_000, 2_000_000]), order, by(), filters())
        .prop_map(|(steps, window, within, order, by, filters)| Funnel { steps, window, within, order, by, filters })
}

pub(crate) fn retention() -> impl Strategy<Value = Retention> {
    let kind = prop_oneof![
        Just(RetentionKind::InUnit),
        Just(RetentionKind::Unbounded),
        Just(RetentionKind::Brackets(vec![(0, 0), (1, 3), (2, 9)]))
    ];
    (one_match(), one_match(), window(), width(), kind, 0..9_u32, by())
        .prop_map(|(first, back, window, unit, kind, periods, by)| Retention { first, back, window, unit, kind, periods, by })
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let pair = (select(PEOPLE.to_vec()), select(PEOPLE.to_vec())).prop_map(|(from, into)| (from.to_owned(), into.to_owned()));
    let told = (prop::collection::vec(event(), 0..70), prop::collection::vec(pair, 0..4));
    let revenue = (window(), prop_oneof![Just(None), width().prop_map(Some)], filters());
    let revenue = revenue.prop_map(|(window, interval, filters)| Revenue { window, interval, by: None, filters });
    let during = prop_oneof![
        Just(During::Ever),
        window().prop_map(During::Window),
        Just(During::LastDays { days: 9, zone: chrono_tz::Europe::Berlin })
    ];
    let rule =
        (any::<bool>(), one_match(), 1..3_u32, during).prop_map(|(did, event, times, during)| CohortRule { did, event, times, during });
    let cohort = prop::collection::vec(rule, 1..4).prop_map(|mut rules| {
        rules[0].did = true;
        CohortDefinition { rules }
    });
    let asked = (trend(), funnel(), retention(), revenue, cohort);
    (told, prop::collection::vec(0..70_usize, 0..4), asked).prop_map(
        |((mut events, merged), cuts, (trend, funnel, retention, revenue, cohort))| {
            // Every name was seen, so that no question is refused.
            let seen = NAMES.iter().map(|name| NewEvent {
                event: (*name).to_owned(),
                distinct_id: "first".to_owned(),
                time: "2025-01-01T00:00:00Z".parse().unwrap(),
                insert_id: format!("seen {name}"),
                properties: BTreeMap::new(),
            });
            events.extend(seen);
            Case { told: Told { events, merged, now: now() }, cuts, trend, funnel, retention, revenue, cohort }
        },
    )
}
