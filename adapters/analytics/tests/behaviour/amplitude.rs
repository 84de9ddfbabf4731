//! Amplitude.

use super::ports;
use bellhop_analytics::amplitude::Amplitude;
use bellhop_core::analytics::{
    Comparison, EventMatch, Figures, Filter, Funnel, Measure, NewEvent, ProfileChange, ProfileOperation, Query, Retention, RetentionKind,
    Revenue, StepOrder, Subject, Trend, Window,
};
use bellhop_core::chart::Interval;
use bellhop_core::ports::AnalyticsSource;
use bellhop_core::{PortErrorKind, Retry};
use bellhop_kit::analytics::amplitude::{API_KEY, APP_ID, AmplitudeWorld, OWNER, SECRET_KEY, ZONE};
use bellhop_kit::analytics::{Desk, History, Reply, at};
use bellhop_kit::clock::StoppedClock;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

struct Stage {
    source: Amplitude,
    desk: Desk,
    world: Arc<AmplitudeWorld>,
    clock: Arc<StoppedClock>,
}

async fn stage_with(change: &[(&str, Value)]) -> Stage {
    let (ports, clock) = ports();
    let world = Arc::new(AmplitudeWorld::new(clock.clone(), History::usual(0)));
    let desk = Desk::open(world.clone()).await.unwrap();
    let url = desk.url();
    world.at(url);
    let mut config = json!({ "api_key": API_KEY, "secret_key": SECRET_KEY, "app_id": APP_ID, "owner": OWNER, "timezone": ZONE.name(),
        "ingest_url": url, "query_url": url, "profile_url": url });
    for (name, value) in change {
        config[*name] = value.clone();
    }
    let source = Amplitude::new("amp".parse().unwrap(), serde_json::from_value(config).unwrap(), ports).unwrap();
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
    assert_eq!(stage.values(days("page_views", Some(Interval::Day))).await, (vec![2.0, 1.0, 1.0, 0.0, 0.0], 4.0));
    let weeks = |measure| Trend { measure, ..trend("page_view", "2026-10-19T04:00:00Z", "2026-11-02T05:00:00Z", Some(Interval::Week)) };
    assert_eq!(stage.values(weeks(Measure::Count)).await, (vec![4.0, 5.0], 9.0));
    // Three people in all: one of them came in both weeks.
    assert_eq!(stage.values(weeks(Measure::Users)).await, (vec![2.0, 2.0], 3.0));
    let months = trend("page_view", "2026-10-01T04:00:00Z", "2026-11-02T12:00:00Z", Some(Interval::Month));
    assert_eq!(stage.values(months).await.0, [7.0, 3.0]);
    let hours = trend("page_view", "2026-10-20T13:00:00Z", "2026-10-20T16:00:00Z", Some(Interval::Hour));
    assert_eq!(stage.values(hours).await.0, [1.0, 0.0, 0.0]);
    assert_eq!(stage.values(days("users", None)).await, (vec![2.0], 2.0));
    let sum = Trend { measure: Measure::Sum("price".into()), ..days("purchase", Some(Interval::Day)) };
    assert_eq!(stage.values(sum).await, (vec![30.0, 0.0, 0.0, 20.0, 0.0], 50.0));
    let average = Trend { measure: Measure::Average("price".into()), ..days("purchase", None) };
    assert_eq!(stage.values(average).await, (vec![25.0], 25.0));
    let long = trend("page_view", "2026-10-01T04:00:00Z", "2026-10-20T04:00:00Z", Some(Interval::Hour));
    assert_eq!(stage.source.query(&Query::Trend(long)).await.unwrap_err().kind, PortErrorKind::Invalid);
}

#[tokio::test]
async fn properties_filters_and_names() {
    let stage = stage().await;
    let answer = stage.source.query(&Query::Trend(Trend { by: Some("plan".into()), ..days("signup", None) })).await.unwrap();
    let groups: Vec<_> = answer.trend().unwrap().rows.iter().map(|row| (row.group.clone(), row.value)).collect();
    assert_eq!(groups, [(Some("free".into()), 1.0), (Some("pro".into()), 1.0)]);
    for (metric, property, op, value, expected) in [
        ("page_view", "page", Comparison::Is, "/home", 2.0),
        ("page_view", "page", Comparison::IsNot, "/home", 2.0),
        ("page_view", "page", Comparison::Contains, "o", 3.0),
        ("page_view", "page", Comparison::NotContains, "o", 1.0),
        ("page_view", "country", Comparison::Is, "Germany", 3.0),
        ("signup", "user.plan", Comparison::Is, "pro", 1.0),
        ("page_view", "plan", Comparison::NotSet, "", 4.0),
        ("signup", "plan", Comparison::Set, "", 2.0),
        ("purchase", "price", Comparison::More, "20", 1.0),
        ("purchase", "price", Comparison::AtLeast, "20", 2.0),
        ("purchase", "price", Comparison::AtMost, "20", 1.0),
        ("purchase", "price", Comparison::Less, "20", 0.0),
    ] {
        let filters = vec![Filter { property: property.into(), op, value: value.into() }];
        assert_eq!(stage.values(Trend { filters, ..days(metric, None) }).await.1, expected, "{metric} {op:?} {value}");
    }
    let error = stage.source.query(&Query::Trend(days("signups", None))).await.unwrap_err();
    assert!(error.kind == PortErrorKind::NotFound && error.message.contains("did you mean `signup`"), "{error}");
    assert_eq!(stage.desk.count("/events/list"), 1, "names are remembered");
}

#[tokio::test]
async fn funnels_retention_and_revenue() {
    let stage = stage().await;
    let funnel = |by: Option<&str>, within| Funnel {
        steps: vec![event("first_visit"), event("signup"), event("purchase")],
        window: window(),
        within,
        order: StepOrder::Ordered,
        by: by.map(str::to_owned),
        filters: Vec::new(),
    };
    let groups = async |funnel: Funnel| {
        let answer = stage.source.query(&Query::Funnel(funnel)).await.unwrap();
        let Figures::Funnel(figures) = answer.figures else { panic!("{answer:?}") };
        figures.groups
    };
    let people = |group: &bellhop_core::analytics::FunnelGroup| group.steps.iter().map(|step| step.people).collect::<Vec<_>>();
    let all = groups(funnel(None, 7 * 86_400)).await;
    assert_eq!(all.iter().map(people).collect::<Vec<_>>(), [vec![3.0, 3.0, 2.0]]);
    // Ann signed up after a minute, Bob after five and Cyd after twenty.
    assert_eq!(all[0].steps.iter().map(|step| step.median_seconds).collect::<Vec<_>>()[..2], [None, Some(300.0)]);
    assert_eq!(groups(funnel(None, 3600)).await.iter().map(people).collect::<Vec<_>>(), [vec![3.0, 3.0, 1.0]]);
    let by = groups(funnel(Some("country"), 7 * 86_400)).await;
    assert_eq!(
        by.iter().map(|group| (group.group.as_deref(), people(group))).collect::<Vec<_>>(),
        [(Some("United States"), vec![2.0, 2.0, 1.0]), (Some("Germany"), vec![1.0, 1.0, 1.0])]
    );
    // A property of the first event goes with that event.
    let mut plan = funnel(Some("plan"), 7 * 86_400);
    plan.steps.remove(0);
    let by = groups(plan).await;
    assert_eq!(
        by.iter().map(|group| (group.group.as_deref(), people(group))).collect::<Vec<_>>(),
        [(Some("pro"), vec![2.0, 1.0]), (Some("free"), vec![1.0, 1.0])]
    );

    let retention = |kind| Retention {
        first: event("signup"),
        back: EventMatch { event: None, filters: Vec::new() },
        window: Window { to: at("2026-10-22T04:00:00Z"), ..window() },
        unit: Interval::Day,
        kind,
        periods: 3,
        by: None,
    };
    let cells = async |kind| {
        let answer = stage.source.query(&Query::Retention(retention(kind))).await.unwrap();
        let Figures::Retention(figures) = answer.figures else { panic!("{answer:?}") };
        let cells = |one: &bellhop_core::analytics::RetentionCohort| one.cells.iter().map(|cell| cell.unwrap().people).collect::<Vec<_>>();
        figures.cohorts.iter().map(|one| (one.size, cells(one))).collect::<Vec<_>>()
    };
    // The dates come as `Oct 20`, without a year.
    assert_eq!(cells(RetentionKind::InUnit).await, [(1.0, vec![1.0, 0.0, 1.0, 1.0]), (1.0, vec![1.0, 0.0, 0.0, 0.0])]);
    assert_eq!(cells(RetentionKind::Unbounded).await, [(1.0, vec![1.0; 4]), (1.0, vec![1.0; 4])]);
    assert_eq!(cells(RetentionKind::Brackets(vec![(0, 0), (1, 3)])).await, [(1.0, vec![1.0, 1.0]), (1.0, vec![1.0, 0.0])]);

    let revenue = Revenue {
        window: Window { to: at("2026-10-24T04:00:00Z"), ..window() },
        interval: Some(Interval::Day),
        by: None,
        filters: Vec::new(),
    };
    let answer = stage.source.query(&Query::Revenue(revenue)).await.unwrap();
    let Figures::Revenue(figures) = answer.figures else { panic!("{answer:?}") };
    assert_eq!(figures.rows.iter().map(|row| row.revenue).collect::<Vec<_>>(), [30.0, 0.0, 0.0, 20.0]);
    assert_eq!(
        (figures.total.revenue, figures.total.payments, figures.total.paying, figures.total.active),
        (50.0, Some(2.0), Some(1.0), Some(2.0))
    );
    assert_eq!(figures.ltv.iter().map(|ltv| (ltv.day, ltv.average)).collect::<Vec<_>>(), [(1, 15.0), (7, 31.25)]);
}

#[tokio::test]
async fn people_and_cohorts() {
    let stage = stage().await;
    assert_eq!(stage.source.cohorts().await.unwrap()[0].size, Some(1500));
    // The file is made while it is waited for, and lies elsewhere: the keys don't go there.
    let first = stage.source.members("Crowd", None).await.unwrap();
    assert_eq!((first.ids.len(), first.total, first.ids[0].as_str()), (1000, Some(1500), "p0"));
    assert!(stage.desk.calls("/s3/").iter().all(|call| call.header("authorization").is_empty()));
    let second = stage.source.members("Crowd", first.next.as_deref()).await.unwrap();
    assert_eq!((second.ids.len(), second.next), (500, None));
    assert_eq!(stage.desk.count("/api/5/cohorts/request/cr0wd"), 1, "downloads are counted by the month");
    assert_eq!(stage.source.members("Nobody", None).await.unwrap_err().kind, PortErrorKind::NotFound);
    let made = stage.source.make_cohort("Payers", &["x1".to_owned(), "ann".to_owned()]).await.unwrap();
    assert_eq!((made.matched, made.total, made.unknown), (1, 2, vec!["x1".to_owned()]));

    let ann = stage.source.person("ann", 2).await.unwrap();
    assert_eq!((ann.events.len(), ann.last_seen, ann.events_total), (2, Some(at("2026-11-02T11:45:00Z")), Some(8)));
    assert_eq!((ann.ids, ann.cohorts), (vec!["ann".to_owned(), "4001".to_owned(), "device-ann".to_owned()], vec!["c0h".to_owned()]));
    assert_eq!(stage.source.person("eve", 2).await.unwrap_err().kind, PortErrorKind::NotFound);
}

#[tokio::test]
async fn no_more_is_asked_than_the_allowance_has() {
    let stage = stage().await;
    // Ten weeks by property cost 70 days times 5.
    let dear = || {
        let by = Some("plan".to_owned());
        Query::Trend(Trend { by, ..trend("signup", "2026-08-01T04:00:00Z", "2026-10-10T04:00:00Z", Some(Interval::Week)) })
    };
    stage.source.query(&dear()).await.unwrap();
    stage.source.query(&dear()).await.unwrap();
    let error = stage.source.query(&dear()).await.unwrap_err();
    assert_eq!((error.kind, error.retry), (PortErrorKind::RateLimited, Retry::After(Duration::from_secs(300))));
    assert_eq!(stage.desk.count("/segmentation"), 2, "nothing was asked");
    let quota = &stage.source.quotas().await.unwrap()[0];
    assert_eq!((quota.used, quota.limit), (701.0, Some(1000.0)), "the list of events cost one");
    stage.clock.advance(Duration::from_secs(301));
    stage.source.query(&dear()).await.unwrap();
    let error = stage
        .source
        .query(&Query::Trend(Trend { by: Some("plan".into()), ..trend("signup", "2025-11-01T04:00:00Z", "2026-10-10T04:00:00Z", None) }))
        .await;
    assert_eq!(error.unwrap_err().kind, PortErrorKind::Invalid, "over a thousand at once is never answered");
    // Others of the project ask too: what Amplitude says is kept.
    stage.desk.order(
        "/segmentation",
        Reply::json(429, &json!({ "error": { "http_code": 429, "type": "too_many_requests", "message": "Exceeded concurrent limit" } })),
    );
    let asked = || Query::Trend(days("signup", None));
    assert_eq!(stage.source.query(&asked()).await.unwrap_err().kind, PortErrorKind::RateLimited);
    let before = stage.desk.count("/segmentation");
    assert_eq!(stage.source.query(&asked()).await.unwrap_err().kind, PortErrorKind::RateLimited);
    assert_eq!(stage.desk.count("/segmentation"), before);
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let wrong = stage_with(&[("secret_key", json!("wr0ng"))]).await;
    let error = wrong.source.cohorts().await.unwrap_err();
    assert!(
        error.kind == PortErrorKind::Unauthenticated && error.message.contains("secret_key") && !error.to_string().contains("wr0ng"),
        "{error}"
    );
    let stage = stage().await;
    stage.source.metrics().await.unwrap();
    for (reply, kind) in [
        (Reply::html(200), PortErrorKind::Broken),
        (Reply::html(502), PortErrorKind::Unavailable),
        (Reply::json(200, &json!({ "error": "bad query" })), PortErrorKind::Invalid),
        (Reply::json(400, &json!({ "error": { "http_code": 400, "message": "bad query" } })), PortErrorKind::Invalid),
        (Reply::json(200, &json!([])), PortErrorKind::Broken),
    ] {
        stage.desk.order("/segmentation", reply.clone());
        let error = stage.source.query(&Query::Trend(days("signup", None))).await.unwrap_err();
        assert!(error.kind == kind && !error.message.contains("<html"), "{reply:?}: {error}");
    }
    assert_eq!(stage.desk.count("/segmentation"), 5, "a question is not repeated: each costs");
}

fn one(name: &str, person: &str, id: &str, properties: Value) -> NewEvent {
    NewEvent {
        event: name.into(),
        distinct_id: person.into(),
        time: at("2026-11-02T11:00:00Z"),
        insert_id: id.into(),
        properties: serde_json::from_value(properties).unwrap(),
    }
}

#[tokio::test]
async fn only_the_right_events_are_sent_again() {
    let stage = stage().await;
    let events = vec![
        one("deploy", "ann", "i-1", json!({ "env": "prod", "revenue": 4.5 })),
        one("deploy", "ann", "i-2", json!({ "forbidden": 1 })),
        one("deploy", "bob", "i-3", json!({})),
        one("deploy", "cyd", "i-4", json!({ "forbidden": 1 })),
        one("deploy", "anonymous", "i-5", json!({})),
    ];
    let taken = stage.source.track(events.clone()).await.unwrap();
    assert_eq!((taken.taken, taken.refused.iter().map(|refused| refused.index).collect::<Vec<_>>()), (2, vec![1, 3, 4]));
    // Each refusal names the first wrong event only.
    let sizes: Vec<usize> = stage.desk.calls("/2/httpapi").iter().map(|call| call.json()["events"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [4, 3, 2]);
    let revenue = &stage.desk.calls("/2/httpapi")[0].json()["events"][0];
    assert!(revenue["revenue"] == 4.5 && revenue["event_properties"].get("revenue").is_none());
    let deploys = || stage.world.history().all().iter().filter(|one| one.name == "deploy").count();
    stage.source.track(events).await.unwrap();
    assert_eq!(deploys(), 2, "ids stay the same");
    // Too large: in halves.
    stage.desk.order("/2/httpapi", Reply::json(413, &json!({ "code": 413, "error": "Payload too large" })));
    let many: Vec<NewEvent> = (0..10).map(|n| one("deploy", "ann", &format!("m-{n}"), json!({}))).collect();
    assert_eq!(stage.source.track(many.clone()).await.unwrap().taken, 10);
    // Whose events come too fast is waited for; the others' are taken. Whose day is over is refused.
    let slow = json!({ "code": 429, "error": "Too many requests for some devices and users", "eps_threshold": 30, "throttled_devices": {},
        "throttled_users": { "fast1": 31, "over1": 40 }, "exceeded_daily_quota_users": { "over1": 500_001 }, "throttled_events": [0, 2] });
    stage.desk.order("/2/httpapi", Reply::json(429, &slow));
    let some = vec![one("ship", "fast1", "s-1", json!({})), one("ship", "calm1", "s-2", json!({})), one("ship", "over1", "s-3", json!({}))];
    let error = stage.source.track(some.clone()).await.unwrap_err();
    assert_eq!((error.kind, error.retry), (PortErrorKind::RateLimited, Retry::After(Duration::from_secs(30))));
    assert!(error.message.contains("fast1") && !error.message.contains("calm1"), "{error}");
    let ships = || stage.world.history().all().iter().filter(|one| one.name == "ship").map(|one| one.person.clone()).collect::<Vec<_>>();
    assert_eq!(ships(), ["calm1"]);
    stage.source.track(some).await.unwrap();
    assert_eq!(ships().len(), 3, "sent again, nothing is there twice");
    // Many go in by the door for batches, which takes more.
    let crowd: Vec<NewEvent> = (0..4100).map(|n| one("bulk", &format!("p{n}"), &format!("b-{n}"), json!({}))).collect();
    assert_eq!(stage.source.track(crowd).await.unwrap().taken, 4100);
    let sizes: Vec<usize> = stage.desk.calls("/batch").iter().map(|call| call.json()["events"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [1999, 1999, 102]);
    let wrong = stage_with(&[("api_key", json!("key-2"))]).await;
    let error = wrong.source.track(vec![one("deploy", "ann", "i", json!({}))]).await.unwrap_err();
    assert!(
        error.kind == PortErrorKind::Unauthenticated && error.message.contains("api_key") && !error.message.contains("key-2"),
        "{error}"
    );
}

#[tokio::test]
async fn profiles_change_one_by_one_where_one_is_wrong() {
    let stage = stage().await;
    let person = |id: &str, change| ProfileChange { subject: Subject::Person(id.into()), change };
    let set = |value: Value| ProfileOperation::Set(serde_json::from_value(value).unwrap());
    let changes = vec![
        person("ann", set(json!({ "plan": "pro" }))),
        person("bob", set(json!({ "forbidden": 1 }))),
        person("cyd", ProfileOperation::Add([("logins".to_owned(), 1.0)].into())),
        person("none", set(json!({ "a": 1 }))),
        person("dan", ProfileOperation::Delete),
        ProfileChange {
            subject: Subject::Group { kind: "company".into(), id: "acme".into() },
            change: ProfileOperation::Unset(vec!["x".into()]),
        },
    ];
    let taken = stage.source.identify(changes).await.unwrap();
    assert_eq!((taken.taken, taken.refused.iter().map(|refused| refused.index).collect::<Vec<_>>()), (3, vec![1, 3, 4]));
    assert_eq!((stage.world.properties("ann"), stage.world.properties("bob")), (Some(json!({ "plan": "pro" })), None));
    assert_eq!(stage.world.group("company", "acme"), Some(json!({})));
}
