//! Own events: taking them in, and counting them.

#![expect(clippy::float_cmp, reason = "counts and sums of halves are exact")]

use crate::world::{World, on_both};
use bellhop_core::analytics::{Comparison, Filter, Measure, NewEvent, Query, Trend, TrendFigures};
use bellhop_core::chart::Interval;
use bellhop_core::ports::AnalyticsSource as _;
use bellhop_core::{PortErrorKind, Timestamp};
use bellhop_store::{Events, Profile};
use serde_json::{Value, json};
use std::time::Duration;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn event(name: &str, who: &str, time: &str, id: &str, properties: &Value) -> NewEvent {
    let properties = serde_json::from_value(properties.clone()).unwrap();
    NewEvent { event: name.into(), distinct_id: who.into(), time: at(time), insert_id: id.into(), properties }
}

fn trend(metric: &str, from: &str, to: &str) -> Trend {
    Trend {
        metric: metric.into(),
        measure: Measure::Count,
        from: at(from),
        to: at(to),
        zone: chrono_tz::UTC,
        interval: None,
        by: None,
        filters: vec![],
    }
}

async fn ask(events: &Events, trend: Trend) -> TrendFigures {
    events.query(&Query::Trend(trend)).await.unwrap().trend().unwrap().clone()
}

fn values(frame: &TrendFigures) -> Vec<f64> {
    frame.rows.iter().map(|row| row.value).collect()
}

fn groups(frame: &TrendFigures) -> Vec<(Option<&str>, f64)> {
    frame.rows.iter().map(|row| (row.group.as_deref(), row.value)).collect()
}

/// Two days of October, as many kinds of values as JSON has.
async fn filled(world: &World) -> Events {
    let events = Events::new(world.store.clone());
    let batch = vec![
        event(
            "order",
            "ann",
            "2026-10-01T08:00:00Z",
            "1",
            &json!({"plan": "pro", "amount": 10, "a\"b": "x", "$os": "linux", "flag": true}),
        ),
        event("order", "bob", "2026-10-01T09:00:00Z", "2", &json!({"plan": "free", "amount": "2.5", "revenue": "12.25", "flag": false})),
        event("order", "ann", "2026-10-02T08:00:00Z", "3", &json!({"plan": "pro", "amount": "12 apples", "n": 1.5, "flag": null})),
        event("order", "", "2026-10-02T09:00:00Z", "4", &json!({"amount": [1], "plan": {"deep": 1}})),
        event("order", "cy", "2026-10-02T10:00:00Z", "5", &json!({"amount": "1e999", "plan": "pro"})),
        event("page_view", "ann", "2026-10-01T08:05:00Z", "6", &json!({"key": true})),
        event("$pageview", "dan", "2026-10-01T08:06:00Z", "7", &json!({})),
    ];
    let taken = events.track(batch).await.unwrap();
    assert_eq!((taken.taken, taken.duplicates, taken.refused), (7, 0, vec![]));
    events
}

on_both! {
    async fn what_comes_twice_is_taken_once_and_what_is_wrong_is_refused_alone(world: World) {
        let events = Events::new(world.store.clone());
        let now = world.now().to_rfc3339();
        let good = |id: &str| event("ok", "ann", &now, id, &json!({"nul\0key": "nul\0value", "deep": {"x\0": ["\0"]}}));
        let many = (0..256).map(|number| (format!("p{number}"), json!(1))).collect::<serde_json::Map<_, _>>();
        let batch = vec![
            good("1"),
            event(" ", "ann", &now, "2", &json!({})),
            good("1"),
            event(&"é".repeat(201), "ann", &now, "3", &json!({})),
            event("old", "ann", "2016-01-01T00:00:00Z", "4", &json!({})),
            event("ahead", "ann", "2026-11-04T00:00:00Z", "5", &json!({})),
            event("large", "ann", &now, "6", &json!({"x": "y".repeat(33_000)})),
            event("many", "ann", &now, "7", &Value::Object(many)),
            good("8"),
            event("ok", &"x".repeat(501), &now, "9", &json!({})),
            event("ok\0", "ann\0", &now, "10\0", &json!({})),
            event("ok", "ann", &now, "", &json!({})),
            event("ok", "ann", &now, "", &json!({})),
        ];
        let taken = events.track(batch).await.unwrap();
        assert_eq!((taken.taken, taken.duplicates), (5, 1));
        assert_eq!(taken.refused.iter().map(|refused| refused.index).collect::<Vec<_>>(), [1, 3, 4, 5, 6, 7, 9]);
        assert!(taken.refused.iter().all(|refused| refused.reason.starts_with("it")), "{:?}", taken.refused);
        let again = events.track(vec![good("8"), good("11")]).await.unwrap();
        assert_eq!((again.taken, again.duplicates), (1, 1));
        assert_eq!(ask(&events, trend("ok", "2026-11-01T00:00:00Z", "2026-11-04T00:00:00Z")).await.total, 5.0);
        assert!(events.track(vec![]).await.unwrap().refused.is_empty());
        assert_eq!(events.properties("ok").await.unwrap(), ["deep", "nul\u{fffd}key"]);
    }

    async fn counts_people_sums_and_groups(world: World) {
        let events = filled(&world).await;
        let order = || trend("order", "2026-10-01T00:00:00Z", "2026-10-04T00:00:00Z");
        let by_day = || Trend { interval: Some(Interval::Day), ..order() };
        assert_eq!(values(&ask(&events, by_day()).await), [2.0, 3.0, 0.0]);
        let people = ask(&events, Trend { measure: Measure::Users, ..by_day() }).await;
        assert_eq!((values(&people), people.total), (vec![2.0, 2.0, 0.0], 3.0));
        let sum = |property: &str| Trend { measure: Measure::Sum(property.into()), ..order() };
        assert_eq!(ask(&events, sum("amount")).await.total, 12.5, "numbers, also as text, and nothing else");
        assert_eq!(ask(&events, sum("revenue")).await.total, 12.25);
        assert_eq!(ask(&events, sum("n")).await.total, 1.5);
        let by = |property: &str| Trend { by: Some(property.into()), ..order() };
        assert_eq!(groups(&ask(&events, by("plan")).await)[0], (Some("pro"), 3.0));
        assert_eq!(ask(&events, by("plan")).await.rows.len(), 3);
        assert_eq!(groups(&ask(&events, by("flag")).await), [(None, 3.0), (Some("false"), 1.0), (Some("true"), 1.0)]);
        assert_eq!(groups(&ask(&events, by("n")).await), [(None, 4.0), (Some("1.5"), 1.0)]);
        assert_eq!(groups(&ask(&events, by("a\"b")).await), [(None, 4.0), (Some("x"), 1.0)]);
        assert_eq!(groups(&ask(&events, by("$os")).await), [(None, 4.0), (Some("linux"), 1.0)]);
        assert_eq!(groups(&ask(&events, by("'; --")).await), [(None, 5.0)]);
        let daily = ask(&events, Trend { interval: Some(Interval::Day), filters: vec![Filter { property: "plan".into(), op: Comparison::IsNot, value: "free".into() }], ..by("plan") }).await;
        // Lists and objects are told apart too, in whichever way the database writes them.
        assert!(groups(&daily)[1].0.is_some_and(|group| group.replace(' ', "") == "{\"deep\":1}"), "{daily:?}");
        assert_eq!(groups(&daily)[0], (Some("pro"), 1.0));
        assert_eq!(daily.rows.len(), 6);
        let filtered = |not, value: &str| Trend { filters: vec![Filter { property: "flag".into(), op: if not { Comparison::IsNot } else { Comparison::Is }, value: value.into() }], ..order() };
        assert_eq!(ask(&events, filtered(false, "true")).await.total, 1.0);
        assert_eq!(ask(&events, filtered(true, "true")).await.total, 4.0, "what lacks it differs");
        let users = ask(&events, Trend { measure: Measure::Users, interval: Some(Interval::Day), ..by("plan") }).await;
        assert_eq!(users.total, 3.0);
    }

    async fn built_in_metrics_count_what_they_say(world: World) {
        let events = filled(&world).await;
        let whole = |metric: &str| trend(metric, "2026-10-01T00:00:00Z", "2026-10-03T00:00:00Z");
        assert_eq!(ask(&events, whole("page_views")).await.total, 2.0);
        assert_eq!(ask(&events, whole("users")).await.total, 4.0);
        assert_eq!(ask(&events, whole("key_events")).await.total, 2.0);
        // ann 8:00-8:05, bob, dan, ann the next day, cy.
        assert_eq!(ask(&events, whole("sessions")).await.total, 5.0);
        let names = events.metrics().await.unwrap().into_iter().map(|metric| metric.name).collect::<Vec<_>>();
        assert_eq!(names, ["page_views", "users", "sessions", "key_events", "$pageview", "order", "page_view"]);
        let wrong = events.query(&Query::Trend(Trend { measure: Measure::Sum("x".into()), ..whole("sessions") })).await.unwrap_err();
        assert_eq!(wrong.kind, PortErrorKind::Invalid);
        assert_eq!(events.properties("key_events").await.unwrap().len(), 8);
    }

    async fn sessions_begin_after_half_an_hour_of_silence(world: World) {
        let events = Events::new(world.store.clone());
        let visit = |who: &str, time: &str, page: &str| event("page_view", who, time, &format!("{who}{time}"), &json!({ "page": page }));
        let batch = vec![
            visit("ann", "2026-10-01T23:40:00Z", "a"),
            visit("ann", "2026-10-02T00:05:00Z", "b"),
            visit("ann", "2026-10-02T00:35:00Z", "c"),
            visit("ann", "2026-10-02T01:05:01Z", "d"),
            visit("bob", "2026-10-02T00:10:00Z", "a"),
        ];
        events.track(batch).await.unwrap();
        let day = || trend("sessions", "2026-10-02T00:00:00Z", "2026-10-03T00:00:00Z");
        assert_eq!(ask(&events, day()).await.total, 2.0, "the session that began the day before is not one of this day");
        let days = Trend { interval: Some(Interval::Day), from: at("2026-10-01T00:00:00Z"), ..day() };
        assert_eq!(values(&ask(&events, days).await), [1.0, 2.0]);
        let by = ask(&events, Trend { by: Some("page".into()), ..day() }).await;
        assert_eq!(groups(&by), [(Some("a"), 1.0), (Some("d"), 1.0)]);
    }

    async fn what_was_never_seen_is_not_found(world: World) {
        let events = Events::new(world.store.clone());
        let empty = events.query(&Query::Trend(trend("users", "2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z"))).await.unwrap_err();
        assert!(empty.kind == PortErrorKind::NotFound && empty.message.contains("sample events"), "{empty}");
        let events = filled(&world).await;
        let typo = events.query(&Query::Trend(trend("ordr", "2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z"))).await.unwrap_err();
        assert!(typo.kind == PortErrorKind::NotFound && typo.message.contains("did you mean `order`?"), "{typo}");
    }

    async fn days_are_those_of_the_zone(world: World) {
        let events = Events::new(world.store.clone());
        // One event each hour of the two days when Berlin's clocks change, and of their neighbours.
        let mut batch = Vec::new();
        for start in ["2026-03-28T00:00:00Z", "2026-10-24T00:00:00Z"] {
            for hour in 0..72 {
                let time = at(start) + Duration::from_hours(hour);
                batch.push(event("tick", "clock", &time.to_rfc3339(), &time.to_rfc3339(), &json!({ "hour": "x" })));
            }
        }
        assert_eq!(events.track(batch).await.unwrap().taken, 144);
        let zone = "Europe/Berlin".parse().unwrap();
        let days = |from: &str, to: &str| Trend { zone, interval: Some(Interval::Day), ..trend("tick", from, to) };
        let spring = ask(&events, days("2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z")).await;
        assert_eq!(values(&spring), [23.0, 23.0, 24.0]);
        assert_eq!(spring.rows[1].at, Some(at("2026-03-28T23:00:00Z")));
        let autumn = days("2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z");
        assert_eq!(values(&ask(&events, autumn.clone()).await), [22.0, 25.0, 24.0]);
        let by = ask(&events, Trend { by: Some("hour".into()), ..autumn.clone() }).await;
        assert_eq!(values(&by), [22.0, 25.0, 24.0]);
        let hours = ask(&events, Trend { interval: Some(Interval::Hour), from: at("2026-10-24T22:00:00Z"), to: at("2026-10-25T23:00:00Z"), ..autumn }).await;
        assert_eq!(values(&hours), vec![1.0; 25]);
    }

    async fn profiles_are_set_property_by_property(world: World) {
        let events = filled(&world).await;
        let profile = |who: &str, properties: Value| Profile { distinct_id: who.into(), properties: serde_json::from_value(properties).unwrap() };
        let batch = vec![profile("ann", json!({"plan": "pro", "age": 3})), profile("", json!({})), profile("new", json!({"a": 1})), profile("ann", json!({"age": null, "b": [1]}))];
        let taken = events.set_profiles(batch).await.unwrap();
        assert_eq!((taken.taken, taken.refused.len(), taken.refused[0].index), (3, 1, 1));
        assert_eq!(events.profile("ann").await.unwrap(), Some(profile("ann", json!({"plan": "pro", "b": [1]}))));
        assert_eq!(events.profile("bob").await.unwrap(), Some(profile("bob", json!({}))));
        assert_eq!(events.profile("nobody").await.unwrap(), None);
    }
}
