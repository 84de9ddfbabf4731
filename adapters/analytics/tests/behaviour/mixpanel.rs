//! Mixpanel.

use super::ports;
use bellhop_analytics::mixpanel::Mixpanel;
use bellhop_core::analytics::{
    Comparison, EventMatch, Figures, Filter, Measure, NewEvent, Now, ProfileChange, ProfileOperation, Query, Retention, RetentionKind,
    Revenue, Subject, Trend, Window,
};
use bellhop_core::chart::Interval;
use bellhop_core::ports::AnalyticsSource;
use bellhop_core::{PortErrorKind, Retry};
use bellhop_kit::analytics::mixpanel::{ACCOUNT, MixpanelWorld, SECRET, TOKEN, ZONE};
use bellhop_kit::analytics::{Desk, History, Reply, at};
use bellhop_kit::clock::StoppedClock;
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

struct Stage {
    source: Mixpanel,
    desk: Desk,
    world: Arc<MixpanelWorld>,
    clock: Arc<StoppedClock>,
}

async fn stage_with(change: &[(&str, Value)]) -> Stage {
    let (ports, clock) = ports();
    let world = Arc::new(MixpanelWorld::new(clock.clone(), History::usual(0)));
    let desk = Desk::open(world.clone()).await.unwrap();
    let mut config = json!({ "project_id": 77, "service_account": ACCOUNT, "service_secret": SECRET, "project_token": TOKEN,
        "ingest_url": desk.url(), "query_url": desk.url(), "timezone": ZONE.name(), "revenue_event": "purchase" });
    for (name, value) in change {
        config[*name] = value.clone();
    }
    let source = Mixpanel::new("mp".parse().unwrap(), serde_json::from_value(config).unwrap(), ports).unwrap();
    Stage { source, desk, world, clock }
}

async fn stage() -> Stage {
    stage_with(&[]).await
}

fn trend(metric: &str, from: &str, to: &str, interval: Option<Interval>) -> Trend {
    let zone = chrono_tz::Europe::Berlin;
    Trend { metric: metric.into(), measure: Measure::Count, from: at(from), to: at(to), zone, interval, by: None, filters: Vec::new() }
}

fn days(metric: &str, interval: Option<Interval>) -> Trend {
    trend(metric, "2026-10-20T04:00:00Z", "2026-10-25T04:00:00Z", interval)
}

fn window() -> Window {
    Window { from: at("2026-10-20T04:00:00Z"), to: at("2026-11-01T04:00:00Z"), zone: ZONE }
}

fn event(name: &str) -> EventMatch {
    EventMatch { event: Some(name.into()), filters: Vec::new() }
}

impl Stage {
    async fn values(&self, trend: Trend) -> (Vec<f64>, f64) {
        let answer = self.source.query(&Query::Trend(trend)).await.unwrap();
        assert_eq!(answer.basis.zone, ZONE);
        let figures = answer.trend().unwrap();
        (figures.rows.iter().map(|row| row.value).collect(), figures.total)
    }
}

#[tokio::test]
async fn trends_of_every_width() {
    let stage = stage().await;
    assert_eq!(stage.values(days("page_view", Some(Interval::Day))).await, (vec![2.0, 1.0, 1.0, 0.0, 0.0], 4.0));
    assert_eq!(stage.values(days("page_views", None)).await, (vec![4.0], 4.0));
    let weeks = |measure| Trend { measure, ..trend("page_view", "2026-10-19T04:00:00Z", "2026-11-02T05:00:00Z", Some(Interval::Week)) };
    assert_eq!(stage.values(weeks(Measure::Count)).await, (vec![4.0, 5.0], 9.0));
    assert_eq!(stage.values(weeks(Measure::Users)).await.0, [2.0, 2.0]);
    let months = trend("page_view", "2026-10-01T04:00:00Z", "2026-11-02T12:00:00Z", Some(Interval::Month));
    assert_eq!(stage.values(months).await.0, [7.0, 3.0]);
    let hours = trend("page_view", "2026-10-20T13:00:00Z", "2026-10-20T16:00:00Z", Some(Interval::Hour));
    assert_eq!(stage.values(hours).await, (vec![1.0, 0.0, 0.0], 1.0));
    // Nobody counts twice within a month.
    let users = Trend { measure: Measure::Users, ..days("page_view", None) };
    assert_eq!(stage.values(users).await, (vec![2.0], 2.0));
    let sum = Trend { measure: Measure::Sum("price".into()), ..days("purchase", Some(Interval::Day)) };
    assert_eq!(stage.values(sum).await, (vec![30.0, 0.0, 0.0, 20.0, 0.0], 50.0));
    let average = Trend { measure: Measure::Average("price".into()), ..days("purchase", Some(Interval::Day)) };
    assert_eq!(stage.values(average).await.0, [30.0, 0.0, 0.0, 20.0, 0.0]);
}

#[tokio::test]
async fn properties_and_filters() {
    let stage = stage().await;
    let answer = stage.source.query(&Query::Trend(Trend { by: Some("plan".into()), ..days("signup", None) })).await.unwrap();
    let groups: Vec<_> = answer.trend().unwrap().rows.iter().map(|row| (row.group.clone(), row.value)).collect();
    assert_eq!(groups, [(Some("free".into()), 1.0), (Some("pro".into()), 1.0)]);
    for (metric, property, op, value, expected) in [
        ("page_view", "page", Comparison::Is, "/home", 2.0),
        ("page_view", "page", Comparison::IsNot, "/home", 2.0),
        ("page_view", "page", Comparison::Contains, "o", 3.0),
        ("page_view", "page", Comparison::NotContains, "o", 1.0),
        ("page_view", "plan", Comparison::IsNot, "pro", 4.0),
        ("page_view", "plan", Comparison::NotSet, "", 4.0),
        ("signup", "plan", Comparison::Set, "", 2.0),
        ("purchase", "price", Comparison::More, "20", 1.0),
        ("purchase", "price", Comparison::AtLeast, "20", 2.0),
        ("purchase", "price", Comparison::Less, "20", 0.0),
        ("purchase", "price", Comparison::AtMost, "20", 1.0),
        ("page_view", "page", Comparison::Is, "\" or 1 == 1", 0.0),
    ] {
        let filters = vec![Filter { property: property.into(), op, value: value.into() }];
        assert_eq!(stage.values(Trend { filters, ..days(metric, None) }).await.1, expected, "{metric} {op:?} {value}");
    }
    assert_eq!(stage.source.properties("signup").await.unwrap(), ["country", "plan"]);
}

#[tokio::test]
async fn what_was_never_seen_names_the_nearest() {
    let stage = stage().await;
    let error = stage.source.query(&Query::Trend(days("signups", None))).await.unwrap_err();
    assert!(error.kind == PortErrorKind::NotFound && error.message.contains("did you mean `signup`"), "{error}");
    assert!(stage.source.metrics().await.unwrap().iter().any(|metric| metric.name == "purchase"));
    assert_eq!(stage.desk.count("/events/names"), 1, "names are remembered");
    stage.clock.advance(Duration::from_secs(601));
    stage.source.metrics().await.unwrap();
    assert_eq!(stage.desk.count("/events/names"), 2);
    let now = Query::Now(Now { metric: "signup".into(), minutes: 5, by: None });
    assert_eq!(stage.source.query(&now).await.unwrap_err().kind, PortErrorKind::Unsupported);
}

#[tokio::test]
async fn saved_things_retention_and_revenue() {
    let stage = stage().await;
    assert_eq!(stage.source.saved().await.unwrap()[0].name, "Buying");
    let saved = |id: &str| Query::Saved { id: id.into(), window: window() };
    let answer = stage.source.query(&saved("Buying")).await.unwrap();
    let Figures::Funnel(funnel) = answer.figures else { panic!("{answer:?}") };
    assert_eq!(
        funnel.groups[0].steps.iter().map(|step| (step.name.as_str(), step.people)).collect::<Vec<_>>(),
        [("signup", 3.0), ("purchase", 2.0)]
    );
    assert_eq!(stage.source.query(&saved("4242")).await.unwrap().trend().unwrap().total, 4.0);
    let error = stage.source.query(&saved("Buyng")).await.unwrap_err();
    assert!(error.kind == PortErrorKind::NotFound && error.message.contains("`Buying`"), "{error}");

    let retention = |kind, back: EventMatch| Retention {
        first: event("first_visit"),
        back,
        window: Window { to: at("2026-10-22T04:00:00Z"), ..window() },
        unit: Interval::Day,
        kind,
        periods: 3,
        by: None,
    };
    let cells = async |retention: Retention| {
        let answer = stage.source.query(&Query::Retention(retention)).await.unwrap();
        let Figures::Retention(figures) = answer.figures else { panic!("{answer:?}") };
        let cells = |one: &bellhop_core::analytics::RetentionCohort| one.cells.iter().map(|cell| cell.unwrap().people).collect::<Vec<_>>();
        figures.cohorts.iter().map(|one| (one.size, cells(one))).collect::<Vec<_>>()
    };
    let any = EventMatch { event: None, filters: Vec::new() };
    assert_eq!(
        cells(retention(RetentionKind::InUnit, any.clone())).await,
        [(1.0, vec![1.0, 0.0, 1.0, 1.0]), (1.0, vec![1.0, 0.0, 0.0, 0.0])]
    );
    let back = cells(retention(RetentionKind::Unbounded, event("purchase"))).await;
    assert_eq!(back, [(1.0, vec![1.0; 4]), (1.0, vec![1.0; 4])]);
    let brackets = Query::Retention(retention(RetentionKind::Brackets(vec![(0, 2)]), any));
    assert_eq!(stage.source.query(&brackets).await.unwrap_err().kind, PortErrorKind::Unsupported);

    let revenue = Revenue { window: window(), interval: None, by: None, filters: Vec::new() };
    let answer = stage.source.query(&Query::Revenue(revenue)).await.unwrap();
    let Figures::Revenue(figures) = answer.figures else { panic!("{answer:?}") };
    assert_eq!((figures.total.payments, figures.total.paying), (Some(3.0), Some(2.0)));
}

#[tokio::test]
async fn people_and_cohorts() {
    let stage = stage().await;
    let cohorts = stage.source.cohorts().await.unwrap();
    assert_eq!(cohorts.iter().map(|one| (one.id.as_str(), one.size)).collect::<Vec<_>>(), [("10", Some(1500)), ("9", Some(2))]);
    let first = stage.source.members("Crowd", None).await.unwrap();
    assert_eq!((first.ids.len(), first.total), (1000, Some(1500)));
    let second = stage.source.members("10", first.next.as_deref()).await.unwrap();
    assert_eq!((second.ids.len(), second.ids[0].as_str(), second.next), (500, "p1000", None));
    assert_eq!(stage.source.members("Payers", None).await.unwrap().ids, ["ann", "bob"]);
    let error = stage.source.members("Payer", None).await.unwrap_err();
    assert!(error.kind == PortErrorKind::NotFound && error.message.contains("`Payers`"), "{error}");

    let ann = stage.source.person("ann", 2).await.unwrap();
    assert_eq!((ann.properties["plan"].as_str(), ann.events.len()), (Some("pro"), 2));
    assert_eq!((ann.events[0].event.as_str(), ann.last_seen), ("page_view", Some(at("2026-11-02T11:45:00Z"))));
    assert_eq!(stage.source.person("eve", 2).await.unwrap_err().kind, PortErrorKind::NotFound);

    let lines: Vec<bytes::Bytes> = stage.source.export(&window(), Some("signup")).await.unwrap().try_collect().await.unwrap();
    let text = String::from_utf8(lines.concat()).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["event"] == "signup"));
}

#[tokio::test]
async fn the_61st_question_of_an_hour_is_not_asked() {
    let stage = stage().await;
    for _ in 0..60 {
        stage.source.saved().await.unwrap();
    }
    let error = stage.source.saved().await.unwrap_err();
    assert_eq!((error.kind, error.retry), (PortErrorKind::RateLimited, Retry::After(Duration::from_secs(3600))));
    assert_eq!(stage.desk.count("/funnels/list"), 60, "nothing was asked");
    let quota = &stage.source.quotas().await.unwrap()[0];
    assert_eq!((quota.used, quota.limit), (60.0, Some(60.0)));
    // Events are not questions.
    assert_eq!(stage.source.track(vec![one("deploy", "i-1", json!({}))]).await.unwrap().taken, 1);
    stage.clock.advance(Duration::from_secs(3601));
    stage.source.saved().await.unwrap();
    // Others of the project ask too: what Mixpanel says is kept.
    stage.desk.order("/funnels/list", Reply::json(429, &json!({ "error": "Query rate limit exceeded." })));
    assert_eq!(stage.source.saved().await.unwrap_err().kind, PortErrorKind::RateLimited);
    let asked = stage.desk.count("/funnels/list");
    assert_eq!(stage.source.saved().await.unwrap_err().kind, PortErrorKind::RateLimited);
    assert_eq!(stage.desk.count("/funnels/list"), asked);
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let wrong = stage_with(&[("service_secret", json!("wr0ng"))]).await;
    let error = wrong.source.saved().await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unauthenticated && error.message.contains("service_secret"), "{error}");
    let other = stage_with(&[("project_id", json!(78))]).await;
    let error = other.source.saved().await.unwrap_err();
    assert!(error.kind == PortErrorKind::Denied && error.message.contains("78"), "{error}");
    let stage = stage().await;
    for (reply, kind) in [
        (Reply::html(200), PortErrorKind::Broken),
        (Reply::html(502), PortErrorKind::Unavailable),
        (Reply::json(200, &json!({ "error": "bad query" })), PortErrorKind::Invalid),
        (Reply::json(400, &json!({ "error": "bad query", "request": "/api/query" })), PortErrorKind::Invalid),
        (Reply::json(200, &json!([])), PortErrorKind::Broken),
    ] {
        stage.source.metrics().await.unwrap();
        stage.desk.order("/segmentation", reply.clone());
        let error = stage.source.query(&Query::Trend(days("signup", None))).await.unwrap_err();
        assert!(error.kind == kind && !error.message.contains("<html"), "{reply:?}: {error}");
    }
    assert_eq!(stage.desk.count("/segmentation"), 5, "a question is not repeated: each counts");
}

fn one(name: &str, id: &str, properties: Value) -> NewEvent {
    NewEvent {
        event: name.into(),
        distinct_id: "ann".into(),
        time: at("2026-11-02T11:00:00Z"),
        insert_id: id.into(),
        properties: serde_json::from_value(properties).unwrap(),
    }
}

#[tokio::test]
async fn events_that_are_right_are_kept() {
    let stage = stage().await;
    let events = vec![
        one("deploy", "i-1", json!({})),
        one("deploy", "i-2", json!({ "forbidden": 1 })),
        one("", "i-3", json!({})),
        one("deploy", "an id that is far too long for the vendor", json!({})),
    ];
    let taken = stage.source.track(events.clone()).await.unwrap();
    assert_eq!((taken.taken, taken.refused.iter().map(|refused| refused.index).collect::<Vec<_>>()), (2, vec![1, 2]));
    assert!(taken.refused[0].reason.contains("forbidden"), "{taken:?}");
    // Twice is once, since ids stay the same.
    stage.source.track(events).await.unwrap();
    let deploys = || stage.world.history().all().iter().filter(|one| one.name == "deploy").count();
    assert_eq!(deploys(), 2);
    // And what was sent is what is answered.
    let today = trend("deploy", "2026-11-02T05:00:00Z", "2026-11-02T12:00:00Z", None);
    assert_eq!(stage.values(today).await, (vec![2.0], 2.0));
    // A server's error is repeated: it does no harm.
    stage.desk.order("/import", Reply::html(503));
    let many = (0..4100).map(|n| one("deploy", &format!("m-{n}"), json!({}))).collect();
    let sent = stage.source.track(many).await;
    assert!(sent.is_err_and(|error| error.kind == PortErrorKind::Unavailable));
    let many = (0..4100).map(|n| one("deploy", &format!("m-{n}"), json!({}))).collect();
    assert_eq!(stage.source.track(many).await.unwrap().taken, 4100);
    assert_eq!(deploys(), 4102);
    let token = stage_with(&[("service_account", Value::Null), ("service_secret", Value::Null)]).await;
    assert_eq!(token.source.track(vec![one("deploy", "t-1", json!({}))]).await.unwrap().taken, 1);
    assert_eq!(token.source.saved().await.unwrap_err().kind, PortErrorKind::Unsupported);
}

#[tokio::test]
async fn profiles_change_one_by_one_where_one_is_wrong() {
    let stage = stage().await;
    let person = |id: &str, change| ProfileChange { subject: Subject::Person(id.into()), change };
    let set = |value: Value| ProfileOperation::Set(serde_json::from_value(value).unwrap());
    let changes = vec![
        person("ann", set(json!({ "plan": "pro" }))),
        person("bob", set(json!({ "forbidden": 1 }))),
        person("anonymous", set(json!({ "plan": "pro" }))),
        person("cyd", ProfileOperation::Add([("logins".to_owned(), 1.0)].into())),
        ProfileChange { subject: Subject::Group { kind: "company".into(), id: "acme".into() }, change: set(json!({ "seats": 5 })) },
        person("cyd", ProfileOperation::SetOnce([("plan".to_owned(), json!("other")), ("first".to_owned(), json!(1))].into())),
        person("cyd", ProfileOperation::Union([("tags".to_owned(), vec![json!("a"), json!("b"), json!("a")])].into())),
        person("cyd", ProfileOperation::Unset(vec!["$name".into()])),
        person("dan", ProfileOperation::Delete),
        ProfileChange { subject: Subject::Merge { from: "device-1".into(), into: "ann".into() }, change: ProfileOperation::Merge },
    ];
    let taken = stage.source.identify(changes).await.unwrap();
    let mut refused: Vec<usize> = taken.refused.iter().map(|refused| refused.index).collect();
    refused.sort_unstable();
    assert_eq!((taken.taken, refused), (8, vec![1, 2]));
    let cyd = stage.source.person("cyd", 0).await.unwrap().properties;
    assert_eq!(json!(cyd), json!({ "plan": "pro", "logins": 1.0, "first": 1, "tags": ["a", "b"] }));
    assert_eq!(stage.world.group("company", "acme"), Some(json!({ "seats": 5 })));
    assert_eq!((stage.world.profile("dan"), stage.world.profile("bob").unwrap()["plan"].as_str()), (None, Some("free")));
    // A merge that is refused holds nothing up.
    stage.desk.order("/import", Reply::json(400, &json!({ "code": 400, "error": "already merged", "failed_records": [] })));
    let merge = ProfileChange { subject: Subject::Merge { from: "device-1".into(), into: "ann".into() }, change: ProfileOperation::Merge };
    let taken = stage.source.identify(vec![merge, person("ann", set(json!({ "a": 1 })))]).await.unwrap();
    assert_eq!((taken.taken, taken.refused[0].index), (1, 0));
}
