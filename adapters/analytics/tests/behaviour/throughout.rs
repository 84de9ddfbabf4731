//! What holds for each of the services: periods that can't be, days on which clocks change, answers with nothing or with odd
//! things in them, and questions that come at once.

use super::ports;
use bellhop_analytics::Ports;
use bellhop_analytics::amplitude::Amplitude;
use bellhop_analytics::ga4::Ga4;
use bellhop_analytics::mixpanel::Mixpanel;
use bellhop_core::PortErrorKind;
use bellhop_core::analytics::{Measure, Query, Trend};
use bellhop_core::chart::Interval;
use bellhop_core::ports::AnalyticsSource;
use bellhop_kit::analytics::amplitude::{API_KEY, AmplitudeWorld, SECRET_KEY};
use bellhop_kit::analytics::ga4::{Ga4World, PROPERTY};
use bellhop_kit::analytics::mixpanel::{ACCOUNT, MixpanelWorld, SECRET, ZONE};
use bellhop_kit::analytics::{Desk, History, Reply, at};
use futures::future::join_all;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

struct One {
    source: Arc<dyn AnalyticsSource>,
    desk: Desk,
    /// The part of the path of a question.
    asks: &'static str,
}

fn read<T: serde::de::DeserializeOwned>(config: Value) -> T {
    serde_json::from_value(config).unwrap()
}

fn ga4_at(desk: &Desk, world: &Ga4World, ports: Ports) -> Arc<dyn AnalyticsSource> {
    world.at(desk.url());
    let config = json!({ "property_id": PROPERTY, "credentials": world.key_file(), "data_url": desk.url(), "admin_url": desk.url() });
    Arc::new(Ga4::new("one".parse().unwrap(), read(config), ports).unwrap())
}

fn mixpanel_at(url: &str, ports: Ports) -> Arc<dyn AnalyticsSource> {
    let config = json!({ "project_id": 77, "service_account": ACCOUNT, "service_secret": SECRET, "ingest_url": url, "query_url": url, "timezone": ZONE.name() });
    Arc::new(Mixpanel::new("one".parse().unwrap(), read(config), ports).unwrap())
}

fn amplitude_at(url: &str, ports: Ports) -> Arc<dyn AnalyticsSource> {
    let config = json!({ "api_key": API_KEY, "secret_key": SECRET_KEY, "ingest_url": url, "query_url": url, "timezone": ZONE.name() });
    Arc::new(Amplitude::new("one".parse().unwrap(), read(config), ports).unwrap())
}

async fn all() -> Vec<One> {
    let (own, clock) = ports();
    let world = Arc::new(Ga4World::new(clock, History::usual(0)));
    let desk = Desk::open(world.clone()).await.unwrap();
    let ga4 = One { source: ga4_at(&desk, &world, own), desk, asks: "batchRunReports" };
    let (own, clock) = ports();
    let desk = Desk::open(Arc::new(MixpanelWorld::new(clock, History::usual(0)))).await.unwrap();
    let mixpanel = One { source: mixpanel_at(desk.url(), own), desk, asks: "/segmentation" };
    let (own, clock) = ports();
    let desk = Desk::open(Arc::new(AmplitudeWorld::new(clock, History::usual(0)))).await.unwrap();
    let amplitude = One { source: amplitude_at(desk.url(), own), desk, asks: "/segmentation" };
    vec![ga4, mixpanel, amplitude]
}

fn trend(from: &str, to: &str, interval: Option<Interval>) -> Query {
    Query::Trend(Trend {
        metric: "page_view".into(),
        measure: Measure::Count,
        from: at(from),
        to: at(to),
        zone: ZONE,
        interval,
        by: None,
        filters: Vec::new(),
    })
}

async fn values(one: &One, query: &Query) -> Vec<f64> {
    let answer = one.source.query(query).await.unwrap();
    answer.trend().unwrap().rows.iter().map(|row| row.value).collect()
}

#[tokio::test]
async fn periods_that_can_not_be_are_refused_before_anything_is_asked() {
    for one in all().await {
        for (from, to) in [("2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z"), ("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")] {
            let error = one.source.query(&trend(from, to, None)).await.unwrap_err();
            assert_eq!(error.kind, PortErrorKind::Invalid, "{error}");
        }
        assert_eq!(one.desk.count("/"), 0, "{}", one.asks);
    }
}

#[tokio::test]
async fn the_day_of_25_hours_is_one_day() {
    for one in all().await {
        // The clocks went back on 1 November in New York: half past one came twice.
        let days = trend("2026-10-31T04:00:00Z", "2026-11-02T05:00:00Z", Some(Interval::Day));
        assert_eq!(values(&one, &days).await, [1.0, 2.0], "{}", one.asks);
        let whole = trend("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", None);
        assert_eq!(values(&one, &whole).await, [2.0], "{}", one.asks);
        let hours = trend("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", Some(Interval::Hour));
        let hours = values(&one, &hours).await;
        assert_eq!((hours.len(), hours.iter().sum::<f64>()), (25, 2.0), "{}", one.asks);
    }
}

#[tokio::test]
async fn nothing_is_zero_and_texts_are_numbers() {
    let answers = [
        json!({ "reports": [
            { "rows": [{ "dimensionValues": [{ "value": "20261020" }], "metricValues": [{ "value": "3" }] }], "metadata": { "timeZone": "America/New_York" } },
            { "rows": [{ "metricValues": [{ "value": "3" }] }] }] }),
        json!({ "data": { "series": ["2026-10-20"], "values": { "page_view": { "2026-10-20": "3" } } }, "legend_size": 1 }),
        json!({ "data": { "series": [["3", "0"]], "seriesLabels": [0], "seriesCollapsed": [[{ "value": "3" }]], "xValues": ["2026-10-20", "2026-10-21"] } }),
    ];
    let empty = [
        json!({ "reports": [{ "metadata": { "timeZone": "America/New_York", "emptyReason": "no data" } }, {}] }),
        json!({ "data": { "series": [], "values": {} }, "legend_size": 0 }),
        json!({ "data": { "series": [], "seriesLabels": [], "seriesCollapsed": [], "xValues": [] } }),
    ];
    for ((one, texts), nothing) in all().await.into_iter().zip(answers).zip(empty) {
        let days = trend("2026-10-20T04:00:00Z", "2026-10-22T04:00:00Z", Some(Interval::Day));
        values(&one, &days).await;
        one.desk.order(one.asks, Reply::json(200, &texts));
        assert_eq!(values(&one, &days).await, [3.0, 0.0], "{}", one.asks);
        one.desk.order(one.asks, Reply::json(200, &nothing));
        assert_eq!(values(&one, &days).await, [0.0, 0.0], "{}", one.asks);
    }
}

#[tokio::test]
async fn five_questions_at_once_are_the_most_over_all_processes() {
    // Two sources with the same records, as two processes of the bot have them.
    let (own, clock) = ports();
    let mixpanel = Desk::open(Arc::new(MixpanelWorld::new(clock.clone(), History::usual(0)))).await.unwrap();
    let amplitude = Desk::open(Arc::new(AmplitudeWorld::new(clock, History::usual(0)))).await.unwrap();
    for (desk, part, two) in [
        (&mixpanel, "/segmentation", [mixpanel_at(mixpanel.url(), own.clone()), mixpanel_at(mixpanel.url(), own.clone())]),
        (&amplitude, "/segmentation", [amplitude_at(amplitude.url(), own.clone()), amplitude_at(amplitude.url(), own.clone())]),
    ] {
        for source in &two {
            source.metrics().await.unwrap();
        }
        let hold = desk.hold(part);
        let days = trend("2026-10-20T04:00:00Z", "2026-10-22T04:00:00Z", Some(Interval::Day));
        let questions = join_all(two.iter().flat_map(|source| std::iter::repeat_n(source, 6)).map(|source| source.query(&days)));
        let release = async {
            bellhop_kit::wait::until(Duration::from_secs(10), "five questions", async || (desk.count(part) >= 5).then_some(())).await;
            drop(hold);
        };
        let (answers, ()) = tokio::join!(questions, release);
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!((desk.count(part), desk.most_at_once()), (12, 5));
    }
}
