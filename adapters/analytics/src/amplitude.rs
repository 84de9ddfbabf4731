//! Amplitude as a source: questions by the Dashboard REST API, events by HTTP V2, properties of people by Identify, cohorts.
//!
//! Days are those of the project's zone, which Amplitude doesn't tell: the configuration does. What a question costs is kept
//! within the allowance. It deliberately does not: delete people (a matter of the privacy interface), join people (Amplitude
//! does by itself), or read charts that were saved (they have shapes of their own).

mod allowance;
mod ask;
mod cohorts;
mod config;
mod ingest;
mod people;
mod trend;

pub use config::AmplitudeConfig;

use crate::Ports;
use crate::turns::Turns;
use async_trait::async_trait;
use bellhop_core::analytics::{
    AnalyticsCapabilities, Answer, Cohort, CohortMade, Members, Metric, MetricKind, NewEvent, Person, ProfileChange, Query, Quota, Taken,
};
use bellhop_core::ids::SourceName;
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{AnalyticsSource, Finding, PortResult};
use bellhop_core::{PortErrorKind, Timestamp};
use bellhop_http::{Client, Limits};
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    total: Duration::from_secs(60),
    response: 64 * 1024 * 1024,
    // Every repetition would cost as much again.
    retries: 0,
    pause: Duration::from_secs(2),
    patience: Duration::ZERO,
};
/// How long names are taken for granted.
const KNOWN_FOR: TimeDelta = TimeDelta::minutes(10);
/// Events that are views of pages, the likeliest first.
const PAGE_VIEWS: [&str; 4] = ["[Amplitude] Page Viewed", "page_view", "Page Viewed", "Page View"];
/// Events that begin a session.
const SESSIONS: [&str; 2] = ["session_start", "[Amplitude] Start Session"];
/// Anything that a person did.
const ANY: &str = "_active";

/// A project as a source.
pub struct Amplitude {
    name: SourceName,
    config: AmplitudeConfig,
    client: Client,
    ports: Ports,
    running: Turns,
    events: Mutex<Option<(Timestamp, Arc<Vec<String>>)>>,
}

impl std::fmt::Debug for Amplitude {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Amplitude").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Amplitude {
    /// A source named `name`. Nothing is asked yet.
    ///
    /// # Errors
    /// When the machine's TLS certificates can't be used.
    pub fn new(name: SourceName, config: AmplitudeConfig, ports: Ports) -> PortResult<Self> {
        let client = Client::new(format!("analytics.{name}"), LIMITS)?;
        let running =
            Turns::new(&ports, format!("amplitude_running/{name}"), client.service().to_owned(), allowance::AT_ONCE, allowance::PATIENCE);
        Ok(Self { name, config, client, ports, running, events: Mutex::default() })
    }

    /// The zone of the project's days.
    fn zone(&self) -> Tz {
        self.config.timezone.unwrap_or(Tz::UTC)
    }

    async fn event_names(&self) -> PortResult<Arc<Vec<String>>> {
        let now = self.ports.clock.now();
        let known = self.events.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, names)) = known.filter(|(since, _)| now - *since < KNOWN_FOR) {
            return Ok(names);
        }
        let answer = self.get("metrics", "/api/2/events/list", &[], 1.0).await?;
        let hidden = |one: &&Value| !["deleted", "non_active"].iter().any(|flag| one.get(*flag).and_then(Value::as_bool) == Some(true));
        let list = answer.get("data").and_then(Value::as_array).into_iter().flatten().filter(hidden);
        let names: Vec<String> = list.filter_map(|one| one.get("name").or_else(|| one.get("value"))?.as_str().map(str::to_owned)).collect();
        let names = Arc::new(names);
        *self.events.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, names.clone()));
        Ok(names)
    }

    /// Refuses an event that was never seen, naming the nearest.
    async fn seen(&self, event: &str) -> PortResult<()> {
        let names = self.event_names().await?;
        // Custom events and the special ones are not in the list.
        if event.starts_with("ce:") || event.starts_with('_') || event == "revenue_amount" || names.iter().any(|name| name == event) {
            return Ok(());
        }
        let hint = match nearest(event, names.iter().map(String::as_str)) {
            Some(near) => format!("; did you mean `{near}`?"),
            None if names.is_empty() => "; it has no events yet".to_owned(),
            None => format!("; there are {}", names.iter().take(6).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
        };
        Err(self.error(PortErrorKind::NotFound, "query", format!("Amplitude has seen no event `{event}`{hint}")))
    }

    /// The event that a metric counts.
    async fn event(&self, metric: &str) -> PortResult<String> {
        let names = self.event_names().await?;
        let has = |name: &str| names.iter().any(|known| known == name);
        if has(metric) {
            return Ok(metric.to_owned());
        }
        let one_of = |list: &[&str], what: &str| match list.iter().find(|name| has(name)) {
            Some(name) => Ok((*name).to_owned()),
            None => {
                Err(self.error(PortErrorKind::NotFound, "query", format!("Amplitude has no events of {what}; name an event that it has")))
            }
        };
        match metric {
            "users" => Ok(ANY.to_owned()),
            "page_views" => one_of(&PAGE_VIEWS, "page views"),
            "sessions" => one_of(&SESSIONS, "sessions"),
            "key_events" => {
                let why = "Amplitude marks no events as key events; name the event";
                Err(self.error(PortErrorKind::Unsupported, "query", why))
            }
            name => self.seen(name).await.map(|()| name.to_owned()),
        }
    }
}

#[async_trait]
impl AnalyticsSource for Amplitude {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn capabilities(&self) -> AnalyticsCapabilities {
        let asks = self.config.secret_key.is_some();
        AnalyticsCapabilities {
            hourly: asks,
            funnels: asks,
            retention: asks,
            revenue: asks,
            cohorts: asks,
            cohort_upload: asks && self.config.app_id.is_some() && self.config.owner.is_some(),
            people: asks,
            profiles: true,
            track: true,
            ..AnalyticsCapabilities::default()
        }
    }

    async fn metrics(&self) -> PortResult<Vec<Metric>> {
        let names = self.event_names().await?;
        let has = |list: &[&str]| list.iter().any(|one| names.iter().any(|name| name == one));
        let built_in = [
            ("users", true, "different people with any event"),
            ("page_views", has(&PAGE_VIEWS), "pages seen"),
            ("sessions", has(&SESSIONS), "sessions begun"),
        ];
        let mut metrics: Vec<Metric> = built_in
            .into_iter()
            .filter(|(_, there, _)| *there)
            .map(|(name, _, about)| Metric { name: name.to_owned(), about: about.to_owned(), kind: MetricKind::BuiltIn })
            .collect();
        metrics.extend(names.iter().map(|name| Metric { name: name.clone(), about: "an event".to_owned(), kind: MetricKind::Event }));
        Ok(metrics)
    }

    async fn properties(&self, _event: &str) -> PortResult<Vec<String>> {
        // Amplitude lists no properties of events in this interface: those of people are always there.
        Ok(["city", "country", "device_type", "language", "os", "paying", "platform", "region", "version"].map(str::to_owned).to_vec())
    }

    async fn query(&self, query: &Query) -> PortResult<Answer> {
        if let Some(why) = crate::periods::wrong(query, self.ports.clock.now()) {
            return Err(self.error(PortErrorKind::Invalid, "query", why));
        }
        match query {
            Query::Trend(trend) => self.trend(trend).await,
            Query::Funnel(funnel) => self.funnel(funnel).await,
            Query::Retention(retention) => self.retention(retention).await,
            Query::Revenue(revenue) => self.revenue(revenue).await,
            Query::Saved { .. } => Err(self.cannot("query", "charts that were saved there can't be asked for by name")),
            Query::Now(_) => Err(self.cannot("query", "these minutes are not told apart; ask by hour")),
        }
    }

    async fn track(&self, events: Vec<NewEvent>) -> PortResult<Taken> {
        self.send(events).await
    }

    async fn identify(&self, changes: Vec<ProfileChange>) -> PortResult<Taken> {
        self.change(changes).await
    }

    async fn person(&self, id: &str, events: usize) -> PortResult<Person> {
        self.one_person(id, events).await
    }

    async fn cohorts(&self) -> PortResult<Vec<Cohort>> {
        self.kept_cohorts().await
    }

    async fn members(&self, cohort: &str, from: Option<&str>) -> PortResult<Members> {
        self.cohort_members(cohort, from).await
    }

    async fn make_cohort(&self, name: &str, ids: &[String]) -> PortResult<CohortMade> {
        self.upload_cohort(name, ids).await
    }

    async fn quotas(&self) -> PortResult<Vec<Quota>> {
        self.allowance().await
    }

    async fn check(&self) -> PortResult<Vec<Finding>> {
        let mut findings = Vec::new();
        if self.config.secret_key.is_some() {
            let names = self.event_names().await?;
            findings.push(Finding { good: true, text: format!("questions are answered; {} events are known", names.len()) });
        } else {
            findings
                .push(Finding { good: false, text: "there is no `secret_key`, so events can be sent and nothing can be asked".to_owned() });
        }
        if self.config.timezone.is_none() {
            let text = "days are taken to be of UTC; set `timezone` to that of the project's settings".to_owned();
            findings.push(Finding { good: false, text });
        }
        Ok(findings)
    }
}
