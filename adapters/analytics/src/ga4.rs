//! Google Analytics 4 as a source: reports by the Data API, settings by the Admin API, events by the Measurement Protocol.
//!
//! Days and weeks are those of the property's own zone. Figures of the last two days still grow, and are said to. It
//! deliberately does not: administer properties, send events of browsers (a server knows no device), or repeat a request whose
//! allowance is used up.

mod api;
mod collect;
mod config;
mod names;
mod people;
mod quota;
mod settings;
mod token;
mod trend;
mod wire;

pub use config::{Ga4Config, ServiceAccount, Stream};

use crate::Ports;
use api::{Api, Bucket};
use async_trait::async_trait;
use bellhop_core::analytics::{
    AnalyticsCapabilities, Answer, Figures, Metric, MetricKind, NewEvent, Now, Query, Quota, Refused, Taken, TrendFigures, TrendRow,
};
use bellhop_core::ids::SourceName;
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{AnalyticsSource, Finding, PortResult};
use bellhop_core::{PortErrorKind, Timestamp};
use chrono::TimeDelta;
use chrono_tz::Tz;
use names::{BUILT_IN, Metadata};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use wire::Report;

/// How long names are taken for granted.
const KNOWN_FOR: TimeDelta = TimeDelta::minutes(10);
/// How far back events are looked for when their names are asked.
const SEEN: &str = "90daysAgo";
/// How many names of events are read.
const EVENTS: u32 = 1_000;

/// Something remembered, with the moment when it was learnt.
type Remembered<T> = Mutex<Option<(Timestamp, Arc<T>)>>;

/// A property as a source.
pub struct Ga4 {
    name: SourceName,
    api: Api,
    ports: Ports,
    zone: Mutex<Option<Tz>>,
    metadata: Remembered<Metadata>,
    events: Remembered<Vec<String>>,
}

impl std::fmt::Debug for Ga4 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ga4").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Ga4 {
    /// A source named `name`. Nothing is asked yet.
    ///
    /// # Errors
    /// When the machine's TLS certificates can't be used.
    pub fn new(name: SourceName, config: Ga4Config, ports: Ports) -> PortResult<Self> {
        let api = Api::new(&name, config, &ports)?;
        Ok(Self { name, api, ports, zone: Mutex::default(), metadata: Mutex::default(), events: Mutex::default() })
    }

    /// The property's zone, where an answer has told it.
    fn zone(&self) -> Option<Tz> {
        *self.zone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_zone(&self, zone: Tz) {
        *self.zone.lock().unwrap_or_else(PoisonError::into_inner) = Some(zone);
    }

    fn remembered<T>(&self, at: &Remembered<T>) -> Option<Arc<T>> {
        let now = self.ports.clock.now();
        let kept = at.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|(since, _)| now - *since < KNOWN_FOR).map(|(_, value)| value.clone())
    }

    fn remember<T>(&self, at: &Remembered<T>, value: T) -> Arc<T> {
        let value = Arc::new(value);
        *at.lock().unwrap_or_else(PoisonError::into_inner) = Some((self.ports.clock.now(), value.clone()));
        value
    }

    /// What the property can be asked for.
    async fn metadata(&self) -> PortResult<Arc<Metadata>> {
        if let Some(known) = self.remembered(&self.metadata) {
            return Ok(known);
        }
        let metadata = self.api.data("metrics", "metadata", "/v1beta/properties/{id}/metadata").await?;
        Ok(self.remember(&self.metadata, metadata))
    }

    /// Names of events that the property has seen, the most frequent first.
    async fn event_names(&self) -> PortResult<Arc<Vec<String>>> {
        if let Some(known) = self.remembered(&self.events) {
            return Ok(known);
        }
        let body = json!({
            "dateRanges": [{ "startDate": SEEN, "endDate": "today" }],
            "dimensions": [{ "name": "eventName" }],
            "metrics": [{ "name": "eventCount" }],
            "orderBys": [{ "metric": { "metricName": "eventCount" }, "desc": true }],
            "limit": EVENTS.to_string(),
            "returnPropertyQuota": true,
        });
        let route = ("v1beta", "runReport", "/v1beta/properties/{id}:runReport");
        let report: Report = self.api.report(Bucket::Core, "metrics", route, &body).await?;
        if let Some(zone) = report.metadata.zone() {
            self.note_zone(zone);
        }
        Ok(self.remember(&self.events, report.rows.iter().filter_map(|row| row.dimension(0)).collect()))
    }

    /// Refuses an event that was never seen, naming the nearest.
    async fn seen(&self, event: &str) -> PortResult<()> {
        let names = self.event_names().await?;
        if names.iter().any(|name| name == event) {
            return Ok(());
        }
        let known = || names.iter().map(String::as_str).chain(BUILT_IN.iter().map(|(name, ..)| *name));
        let hint = match nearest(event, known()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => format!("; there are {}", known().take(6).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
        };
        Err(self.api.error(PortErrorKind::NotFound, "query", format!("the property has seen no event `{event}` in 90 days{hint}")))
    }

    async fn now(&self, now: &Now) -> PortResult<Answer> {
        let (metric, event) = match now.metric.as_str() {
            "page_views" => ("screenPageViews", None),
            "users" | "active_users" => ("activeUsers", None),
            "key_events" => ("keyEvents", None),
            "sessions" => {
                let why = "Google counts no sessions of these minutes; ask for `users` or `page_views`";
                return Err(self.api.error(PortErrorKind::Unsupported, "query", why));
            }
            event => ("eventCount", Some(event)),
        };
        let minutes = now.minutes.clamp(1, 30);
        // Reports of these minutes have a few dimensions only, and none of them is about pages or sessions.
        let by = now.by.as_deref().map(|word| match word {
            "page" | "screen" | "title" => "unifiedScreenName",
            "event" => "eventName",
            "device" => "deviceCategory",
            other => other,
        });
        let mut body = json!({
            "metrics": [{ "name": metric }],
            "dimensions": by.map(|name| json!({ "name": name })).into_iter().collect::<Vec<Value>>(),
            "minuteRanges": [{ "startMinutesAgo": minutes - 1, "endMinutesAgo": 0 }],
            "limit": "1000",
            "returnPropertyQuota": true,
        });
        if let Some(event) = event {
            body["dimensionFilter"] = trend::named(event);
        }
        let route = ("v1beta", "runRealtimeReport", "/v1beta/properties/{id}:runRealtimeReport");
        let report: Report = self.api.report(Bucket::Realtime, "query", route, &body).await?;
        // What happens for the first time now is in no other report yet.
        if let Some(event) = event.filter(|_| report.rows.is_empty()) {
            self.seen(event).await?;
        }
        let mut rows: Vec<TrendRow> =
            report.rows.iter().map(|row| TrendRow { at: None, group: by.and_then(|_| row.dimension(0)), value: row.metric(0) }).collect();
        rows.sort_by(|a, b| b.value.total_cmp(&a.value));
        if rows.is_empty() {
            rows.push(TrendRow { at: None, group: None, value: 0.0 });
        }
        let total = rows.iter().map(|row| row.value).sum();
        let here = self.ports.clock.now();
        let mut basis = self.basis(self.zone().unwrap_or(Tz::UTC), here).await;
        basis.complete = false;
        basis.settling_from = None;
        report.metadata.describe(&mut basis);
        Ok(Answer { figures: Figures::Trend(TrendFigures { rows, unit: String::new(), total }), basis })
    }
}

#[async_trait]
impl AnalyticsSource for Ga4 {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn capabilities(&self) -> AnalyticsCapabilities {
        let (asks, sends) = (self.api.config.account.is_some(), self.api.config.stream.is_some());
        AnalyticsCapabilities {
            hourly: asks,
            now: asks,
            funnels: asks,
            retention: asks,
            revenue: asks,
            track: sends,
            counts_twice: true,
            validate: sends,
            ..AnalyticsCapabilities::default()
        }
    }

    async fn metrics(&self) -> PortResult<Vec<Metric>> {
        let (metadata, events) = (self.metadata().await?, self.event_names().await?);
        let built_in = BUILT_IN.iter().filter(|(_, theirs, _)| metadata.metric(theirs).is_some());
        let mut metrics: Vec<Metric> = built_in
            .map(|(name, _, about)| Metric { name: (*name).to_owned(), about: (*about).to_owned(), kind: MetricKind::BuiltIn })
            .collect();
        metrics.extend(events.iter().map(|name| Metric { name: name.clone(), about: "an event".to_owned(), kind: MetricKind::Event }));
        let rest = metadata.metrics.iter().filter(|field| !BUILT_IN.iter().any(|(_, theirs, _)| *theirs == field.api_name));
        metrics.extend(rest.map(|field| Metric { name: field.api_name.clone(), about: field.ui_name.clone(), kind: MetricKind::BuiltIn }));
        Ok(metrics)
    }

    async fn properties(&self, _event: &str) -> PortResult<Vec<String>> {
        Ok(self.metadata().await?.dimension_words())
    }

    async fn query(&self, query: &Query) -> PortResult<Answer> {
        if let Some(why) = crate::periods::wrong(query, self.ports.clock.now()) {
            return Err(self.api.error(PortErrorKind::Invalid, "query", why));
        }
        match query {
            Query::Trend(trend) => self.trend(trend).await,
            Query::Now(now) => self.now(now).await,
            Query::Funnel(funnel) => self.funnel(funnel).await,
            Query::Retention(retention) => self.retention(retention).await,
            Query::Revenue(revenue) => self.revenue(revenue).await,
            Query::Saved { .. } => Err(self.cannot("query", "Google gives no saved reports out")),
        }
    }

    async fn track(&self, events: Vec<NewEvent>) -> PortResult<Taken> {
        self.send(events).await
    }

    async fn validate(&self, events: &[NewEvent]) -> PortResult<Vec<Refused>> {
        self.checked(events).await
    }

    async fn quotas(&self) -> PortResult<Vec<Quota>> {
        Ok(self.api.quotas.all().await)
    }

    async fn check(&self) -> PortResult<Vec<Finding>> {
        self.findings().await
    }
}
