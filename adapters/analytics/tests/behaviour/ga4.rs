//! Google Analytics 4.

use super::ports;
use bellhop_analytics::ga4::Ga4;
use bellhop_core::analytics::{
    Comparison, EventMatch, Figures, Filter, Funnel, Measure, NewEvent, Now, Query, Retention, RetentionKind, Revenue, StepOrder, Trend,
    Window,
};
use bellhop_core::chart::Interval;
use bellhop_core::ports::AnalyticsSource;
use bellhop_core::{PortErrorKind, Retry};
use bellhop_kit::analytics::ga4::{Bucket, EMAIL, Ga4World, MEASUREMENT, PRIVATE_KEY, PROPERTY, refused};
use bellhop_kit::analytics::{Desk, History, Reply, at};
use bellhop_kit::clock::StoppedClock;
use chrono_tz::Tz;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const BERLIN: Tz = chrono_tz::Europe::Berlin;

struct Stage {
    source: Ga4,
    desk: Desk,
    world: Arc<Ga4World>,
    clock: Arc<StoppedClock>,
}

async fn stage_of(property: &str, key: &str) -> Stage {
    let (ports, clock) = ports();
    let world = Arc::new(Ga4World::new(clock.clone(), History::usual(0)));
    let desk = Desk::open(world.clone()).await.unwrap();
    let url = desk.url().to_owned();
    world.at(&url);
    let config = json!({ "property_id": property, "credentials": world.key_file_with(key), "measurement_id": MEASUREMENT,
        "api_secret": "mp-secret", "data_url": url, "admin_url": url, "collect_url": url });
    let source = Ga4::new("ga".parse().unwrap(), serde_json::from_value(config).unwrap(), ports).unwrap();
    Stage { source, desk, world, clock }
}

async fn stage() -> Stage {
    stage_of(PROPERTY, PRIVATE_KEY).await
}

fn trend(metric: &str, from: &str, to: &str, interval: Option<Interval>) -> Trend {
    Trend {
        metric: metric.into(),
        measure: Measure::Count,
        from: at(from),
        to: at(to),
        zone: BERLIN,
        interval,
        by: None,
        filters: Vec::new(),
    }
}

/// All of October's last days, in whole days of New York.
fn days(metric: &str, interval: Option<Interval>) -> Trend {
    trend(metric, "2026-10-20T04:00:00Z", "2026-10-25T04:00:00Z", interval)
}

fn window(from: &str, to: &str) -> Window {
    Window { from: at(from), to: at(to), zone: BERLIN }
}

fn event(name: &str) -> EventMatch {
    EventMatch { event: Some(name.into()), filters: Vec::new() }
}

impl Stage {
    async fn figures(&self, trend: Trend) -> (Vec<(String, Option<String>, f64)>, f64) {
        let answer = self.source.query(&Query::Trend(trend)).await.unwrap();
        assert_eq!(answer.basis.zone, chrono_tz::America::New_York);
        let figures = answer.trend().unwrap().clone();
        let when = |at: Option<bellhop_core::Timestamp>| at.map_or_else(String::new, |at| at.format("%m-%dT%H").to_string());
        (figures.rows.into_iter().map(|row| (when(row.at), row.group, row.value)).collect(), figures.total)
    }

    async fn values(&self, trend: Trend) -> (Vec<f64>, f64) {
        let (rows, total) = self.figures(trend).await;
        (rows.into_iter().map(|(_, _, value)| value).collect(), total)
    }
}

#[tokio::test]
async fn days_are_those_of_the_property() {
    let stage = stage().await;
    let (rows, total) = stage.figures(days("page_views", Some(Interval::Day))).await;
    let shown: Vec<(&str, f64)> = rows.iter().map(|(at, _, value)| (at.as_str(), *value)).collect();
    // Ann's page of the 21st at 03:30 is of the 20th in New York; days without any have their row.
    assert_eq!(shown, [("10-20T04", 2.0), ("10-21T04", 1.0), ("10-22T04", 1.0), ("10-23T04", 0.0), ("10-24T04", 0.0)]);
    assert!((total - 4.0).abs() < f64::EPSILON);
    assert_eq!(stage.values(days("users", Some(Interval::Day))).await, (vec![1.0, 1.0, 1.0, 1.0, 0.0], 2.0));
    assert_eq!(stage.values(days("sessions", None)).await, (vec![5.0], 5.0));
    assert_eq!(stage.values(days("key_events", None)).await, (vec![4.0], 4.0));
    let users = Trend { measure: Measure::Users, ..days("key_events", None) };
    assert_eq!(stage.values(users).await, (vec![2.0], 2.0));
}

#[tokio::test]
async fn weeks_months_and_hours_have_all_their_rows() {
    let stage = stage().await;
    let weeks = trend("page_view", "2026-10-19T04:00:00Z", "2026-11-02T05:00:00Z", Some(Interval::Week));
    let (rows, _) = stage.figures(weeks).await;
    assert_eq!(rows.iter().map(|(at, _, value)| (at.as_str(), *value)).collect::<Vec<_>>(), [("10-19T04", 4.0), ("10-26T04", 5.0)]);
    let months = trend("page_view", "2026-10-01T04:00:00Z", "2026-11-02T12:00:00Z", Some(Interval::Month));
    let (rows, _) = stage.figures(months).await;
    assert_eq!(rows.iter().map(|(at, _, value)| (at.as_str(), *value)).collect::<Vec<_>>(), [("10-01T04", 7.0), ("11-01T04", 3.0)]);
    let hours = trend("page_view", "2026-10-20T13:00:00Z", "2026-10-20T16:00:00Z", Some(Interval::Hour));
    assert_eq!(stage.values(hours).await, (vec![1.0, 0.0, 0.0], 1.0));
}

#[tokio::test]
async fn properties_and_filters() {
    let stage = stage().await;
    let by = Trend { by: Some("plan".into()), ..days("signup", None) };
    let (rows, _) = stage.figures(by).await;
    assert_eq!(rows, [(String::new(), Some("free".into()), 1.0), (String::new(), Some("pro".into()), 1.0)]);
    for (op, value, expected) in [
        (Comparison::Is, "/home", 2.0),
        (Comparison::IsNot, "/home", 2.0),
        (Comparison::Contains, "o", 3.0),
        (Comparison::NotContains, "o", 1.0),
        (Comparison::Set, "", 4.0),
        (Comparison::NotSet, "", 0.0),
    ] {
        let filters = vec![Filter { property: "page".into(), op, value: value.into() }];
        assert_eq!(stage.values(Trend { filters, ..days("page_views", None) }).await.1, expected, "{op:?}");
    }
    let filters = vec![Filter { property: "plann".into(), op: Comparison::Is, value: "pro".into() }];
    let error = stage.source.query(&Query::Trend(Trend { filters, ..days("signup", None) })).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Invalid && error.message.contains("did you mean `plan`"), "{error}");
    let sum = Trend { measure: Measure::Sum("price".into()), ..days("purchase", Some(Interval::Day)) };
    assert_eq!(stage.values(sum).await, (vec![30.0, 0.0, 0.0, 20.0, 0.0], 50.0));
    let average = Trend { measure: Measure::Average("price".into()), ..days("purchase", None) };
    assert_eq!(stage.values(average).await, (vec![25.0], 25.0));
}

#[tokio::test]
async fn what_was_never_seen_names_the_nearest() {
    let stage = stage().await;
    let error = stage.source.query(&Query::Trend(days("signups", None))).await.unwrap_err();
    assert!(error.kind == PortErrorKind::NotFound && error.message.contains("did you mean `signup`"), "{error}");
    // An event that is known and has not happened in the period is a row of zero.
    assert_eq!(stage.values(trend("signup", "2026-10-23T04:00:00Z", "2026-10-24T04:00:00Z", None)).await, (vec![0.0], 0.0));
    let metrics = stage.source.metrics().await.unwrap();
    assert!(metrics.iter().any(|metric| metric.name == "page_views") && metrics.iter().any(|metric| metric.name == "purchase"));
    assert!(stage.source.properties("signup").await.unwrap().contains(&"plan".to_owned()));
    // Names are asked for once in ten minutes.
    assert_eq!(stage.desk.count("/metadata"), 1);
    stage.clock.advance(Duration::from_secs(601));
    stage.source.metrics().await.unwrap();
    assert_eq!(stage.desk.count("/metadata"), 2);
}

#[tokio::test]
async fn funnels() {
    let stage = stage().await;
    let funnel = |order, within, by: Option<&str>| Funnel {
        steps: vec![event("first_visit"), event("signup"), event("purchase")],
        window: window("2026-10-20T04:00:00Z", "2026-11-01T04:00:00Z"),
        within,
        order,
        by: by.map(str::to_owned),
        filters: Vec::new(),
    };
    let people = async |funnel: Funnel| {
        let answer = stage.source.query(&Query::Funnel(funnel)).await?;
        let Figures::Funnel(figures) = answer.figures else { panic!("{answer:?}") };
        let steps = |steps: &[bellhop_core::analytics::FunnelStep]| steps.iter().map(|step| step.people).collect::<Vec<_>>();
        Ok::<_, bellhop_core::PortError>(figures.groups.iter().map(|group| (group.group.clone(), steps(&group.steps))).collect::<Vec<_>>())
    };
    let week = 7 * 86_400;
    assert_eq!(people(funnel(StepOrder::Ordered, week, None)).await.unwrap(), [(None, vec![3.0, 3.0, 2.0])]);
    assert_eq!(people(funnel(StepOrder::Ordered, 3600, None)).await.unwrap(), [(None, vec![3.0, 3.0, 1.0])]);
    // Nobody signs up right after the first visit: a page comes between.
    assert_eq!(people(funnel(StepOrder::Strict, week, None)).await.unwrap(), [(None, vec![3.0, 0.0, 0.0])]);
    let by = people(funnel(StepOrder::Ordered, week, Some("country"))).await.unwrap();
    assert_eq!(by, [(Some("United States".into()), vec![2.0, 2.0, 1.0]), (Some("Germany".into()), vec![1.0, 1.0, 1.0])]);
    let mut filtered = funnel(StepOrder::Ordered, week, None);
    filtered.steps[1].filters.push(Filter { property: "plan".into(), op: Comparison::IsNot, value: "free".into() });
    assert_eq!(people(filtered).await.unwrap(), [(None, vec![3.0, 2.0, 1.0])]);
    assert_eq!(people(funnel(StepOrder::Any, week, None)).await.unwrap_err().kind, PortErrorKind::Unsupported);
}

#[tokio::test]
async fn retention_and_revenue() {
    let stage = stage().await;
    let retention = Retention {
        first: event("first_visit"),
        back: EventMatch { event: None, filters: Vec::new() },
        window: window("2026-10-20T04:00:00Z", "2026-10-22T04:00:00Z"),
        unit: Interval::Day,
        kind: RetentionKind::InUnit,
        periods: 3,
        by: None,
    };
    let answer = stage.source.query(&Query::Retention(retention.clone())).await.unwrap();
    let Figures::Retention(figures) = answer.figures else { panic!("{answer:?}") };
    let shown: Vec<(f64, Vec<f64>)> =
        figures.cohorts.iter().map(|one| (one.size, one.cells.iter().map(|cell| cell.unwrap().people).collect())).collect();
    assert_eq!(shown, [(1.0, vec![1.0, 0.0, 1.0, 1.0]), (1.0, vec![1.0, 0.0, 0.0, 0.0])]);
    let other = Retention { first: event("signup"), ..retention };
    assert_eq!(stage.source.query(&Query::Retention(other)).await.unwrap_err().kind, PortErrorKind::Unsupported);

    let revenue = Revenue {
        window: window("2026-10-20T04:00:00Z", "2026-10-24T04:00:00Z"),
        interval: Some(Interval::Day),
        by: None,
        filters: Vec::new(),
    };
    let answer = stage.source.query(&Query::Revenue(revenue)).await.unwrap();
    let Figures::Revenue(figures) = answer.figures else { panic!("{answer:?}") };
    assert_eq!(figures.rows.iter().map(|row| row.revenue).collect::<Vec<_>>(), [30.0, 0.0, 0.0, 20.0]);
    assert_eq!((figures.total.revenue, figures.total.payments, figures.total.paying), (50.0, Some(2.0), Some(1.0)));
    assert_eq!((figures.total.active, figures.unit.as_str()), (Some(2.0), "EUR"));
}

#[tokio::test]
async fn these_minutes() {
    let stage = stage().await;
    let now = |metric: &str, minutes, by: Option<&str>| Query::Now(Now { metric: metric.into(), minutes, by: by.map(str::to_owned) });
    let total = async |query: Query| stage.source.query(&query).await.unwrap().trend().unwrap().total;
    assert_eq!(total(now("users", 30, None)).await, 2.0);
    assert_eq!(total(now("signup", 30, None)).await, 1.0);
    assert_eq!(total(now("page_views", 10, None)).await, 0.0);
    let answer = stage.source.query(&now("page_views", 30, Some("page"))).await.unwrap();
    assert_eq!(answer.trend().unwrap().rows[0].group.as_deref(), Some("/home"));
    assert_eq!(stage.source.query(&now("sessions", 30, None)).await.unwrap_err().kind, PortErrorKind::Unsupported);
}

#[tokio::test]
async fn a_token_is_kept_and_renewed() {
    let stage = stage().await;
    stage.source.metrics().await.unwrap();
    stage.values(days("users", None)).await;
    assert_eq!(stage.desk.count("/token"), 1);
    // It is renewed five minutes before its end.
    stage.clock.advance(Duration::from_secs(3599 - 240));
    stage.values(days("users", None)).await;
    assert_eq!(stage.desk.count("/token"), 2);
    // And when Google doesn't know it any more.
    stage.world.revoke();
    stage.values(days("users", None)).await;
    assert_eq!(stage.desk.count("/token"), 3);
    // Once only: a second refusal is told.
    let refusal = || refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.");
    stage.desk.order("batchRunReports", refusal());
    stage.desk.order("batchRunReports", refusal());
    let error = stage.source.query(&Query::Trend(days("users", None))).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unauthenticated && error.message.contains(EMAIL), "{error}");
}

#[tokio::test]
async fn an_allowance_that_is_used_up_is_left_alone() {
    let stage = stage().await;
    // The first answer tells the property's zone, and the second is asked in it.
    stage.values(days("users", None)).await;
    let answer = stage.source.query(&Query::Trend(days("users", None))).await.unwrap();
    let cost = answer.basis.cost.unwrap();
    assert_eq!((cost.spent, cost.left), (10.0, Some(39_970.0)));
    let quotas = stage.source.quotas().await.unwrap();
    let hour = quotas.iter().find(|quota| quota.what == "core: tokens per hour").unwrap();
    assert_eq!((hour.used, hour.limit), (30.0, Some(40_000.0)));
    stage.world.leave(Bucket::Core, 5);
    let error = stage.source.query(&Query::Trend(days("users", None))).await.unwrap_err();
    assert_eq!((error.kind, error.retry), (PortErrorKind::RateLimited, Retry::After(Duration::from_secs(3600))));
    let calls = stage.desk.count("Report");
    let error = stage.source.query(&Query::Trend(days("sessions", None))).await.unwrap_err();
    assert_eq!((error.kind, stage.desk.count("Report")), (PortErrorKind::RateLimited, calls), "no call is made before it renews");
    // Another bucket has an allowance of its own.
    stage.world.leave(Bucket::Core, 40_000);
    stage.source.query(&Query::Now(Now { metric: "users".into(), minutes: 30, by: None })).await.unwrap();
    stage.clock.advance(Duration::from_secs(3601));
    stage.values(days("users", None)).await;
    // By the day, it renews at midnight in California.
    stage.desk.order(
        "batchRunReports",
        refused(429, "RESOURCE_EXHAUSTED", "Exhausted property tokens per day. These quota tokens will return in under 24 hours."),
    );
    let error = stage.source.query(&Query::Trend(days("users", None))).await.unwrap_err();
    assert_eq!(error.retry, Retry::After(Duration::from_secs(20 * 3600 - 3601)));
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let stranger = stage_of("987654321", PRIVATE_KEY).await;
    let error = stranger.source.query(&Query::Trend(days("users", None))).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Denied && error.message.contains(EMAIL) && error.message.contains("Viewer"), "{error}");
    let odd = stage_of(PROPERTY, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----").await;
    let error = odd.source.query(&Query::Trend(days("users", None))).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unauthenticated && !error.to_string().contains("c2VjcmV0"), "{error}");

    let stage = stage().await;
    stage.desk.order("/token", Reply::json(400, &json!({ "error": "invalid_grant", "error_description": "Invalid JWT Signature." })));
    let error = stage.source.metrics().await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unauthenticated && error.message.contains("revoked"), "{error}");
    assert_eq!(stage.desk.count("/token"), 1, "a refused key is not tried again by itself");
    stage.desk.order("/metadata", Reply::json(403, &json!({ "error": { "code": 403, "status": "PERMISSION_DENIED", "message": "Google Analytics Data API has not been used in project 1 before or it is disabled.",
        "details": [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED" }] } })));
    let error = stage.source.metrics().await.unwrap_err();
    assert!(error.kind == PortErrorKind::Denied && error.message.contains("enable"), "{error}");
    stage.source.metrics().await.unwrap();
    // One repetition of a server's error, no more: each counts against the property.
    let before = stage.desk.count("batchRunReports");
    for _ in 0..4 {
        stage.desk.order("batchRunReports", Reply::html(502));
    }
    let error = stage.source.query(&Query::Trend(days("users", None))).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unavailable && !error.message.contains("<html"), "{error}");
    assert_eq!(stage.desk.count("batchRunReports"), before + 2);
}

#[tokio::test]
async fn nothing_sensible_is_an_error_and_no_figure() {
    let stage = stage().await;
    stage.source.metrics().await.unwrap();
    let wrong = [
        Reply::html(200),
        Reply::json(200, &json!({ "error": { "code": 500, "status": "INTERNAL", "message": "backend" } })),
        Reply::json(200, &json!([])),
        Reply::json(200, &json!({ "reports": "none" })),
    ];
    for reply in wrong {
        stage.desk.order("batchRunReports", reply.clone());
        let error = stage.source.query(&Query::Trend(days("users", None))).await.unwrap_err();
        assert!(matches!(error.kind, PortErrorKind::Broken | PortErrorKind::Unavailable), "{reply:?}: {error}");
    }
}

#[tokio::test]
async fn events_go_in_by_the_measurement_protocol() {
    let stage = stage().await;
    let one = |name: &str, properties: serde_json::Value| NewEvent {
        event: name.into(),
        distinct_id: "ann".into(),
        time: at("2026-11-02T11:00:00Z"),
        insert_id: "i1".into(),
        properties: serde_json::from_value(properties).unwrap(),
    };
    let taken = stage.source.track(vec![one("deploy", json!({ "env": "prod", "revenue": 3 })), one("bad name", json!({}))]).await.unwrap();
    assert_eq!((taken.taken, taken.refused.len(), taken.refused[0].index), (1, 1, 1));
    let body = stage.desk.calls("/mp/collect")[0].json();
    assert_eq!((body["client_id"].as_str(), body["events"][0]["name"].as_str()), (Some("ann"), Some("deploy")));
    assert_eq!(body["events"][0]["timestamp_micros"], 1_793_617_200_000_000_i64);
    assert!(body["events"][0]["params"].get("session_id").is_some() && body["events"][0]["params"]["value"] == 3);
    // What may have arrived is not sent again.
    stage.desk.order("/mp/collect", Reply::html(503));
    assert!(stage.source.track(vec![one("deploy", json!({}))]).await.is_err());
    assert_eq!(stage.desk.count("/mp/collect"), 2);
    let refused = stage.source.validate(&[one("deploy", json!({ "forbidden": 1 })), one("ok", json!({}))]).await.unwrap();
    assert!(refused.len() == 1 && refused[0].index == 0 && refused[0].reason.contains("VALUE_INVALID"), "{refused:?}");
    assert_eq!(stage.desk.count("/debug/mp/collect"), 2);
}

#[tokio::test]
async fn the_check_reads_all_pages() {
    let stage = stage().await;
    let findings = stage.source.check().await.unwrap();
    let all = findings.iter().map(|finding| format!("{} {}", finding.good, finding.text)).collect::<Vec<_>>().join("\n");
    let wanted = [
        "America/New_York",
        "key events: signup, purchase",
        "data streams: Web",
        "custom dimensions: plan, price",
        "Shop (123456789)",
        "DebugView",
    ];
    for expected in wanted {
        assert!(all.contains(expected), "{expected}: {all}");
    }
    // Whoever may not read the property is told which ones they may.
    let stranger = stage_of("987654321", PRIVATE_KEY).await;
    let error = stranger.source.check().await.unwrap_err();
    assert!(error.kind == PortErrorKind::Denied && error.message.contains("Shop (123456789)"), "{error}");
    let error = stage.source.query(&Query::Saved { id: "1".into(), window: window("2026-10-20T04:00:00Z", "2026-10-21T04:00:00Z") }).await;
    assert_eq!(error.unwrap_err().kind, PortErrorKind::Unsupported);
}
