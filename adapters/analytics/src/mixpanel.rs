//! Mixpanel as a source: questions by the Query API, events by `/import`, profiles by `/engage` and `/groups`.
//!
//! Days are those of the project's zone, which Mixpanel doesn't tell: the configuration does. Questions are few (60 an hour), so
//! names are remembered, and no question is asked that would be refused. It deliberately does not: make funnels of any steps
//! (Mixpanel answers saved ones), run JQL (kept alive only), or delete people's data.

mod allowance;
mod ask;
mod config;
mod ingest;
mod people;
mod trend;

pub use config::{Account, MixpanelConfig};

use crate::Ports;
use crate::turns::Turns;
use async_trait::async_trait;
use bellhop_core::analytics::{
    AnalyticsCapabilities, Answer, Cohort, Measure, Members, Metric, MetricKind, NewEvent, Person, ProfileChange, Query, Quota, Saved,
    Taken, Window,
};
use bellhop_core::ids::SourceName;
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{AnalyticsSource, ByteStream, Finding, PortResult};
use bellhop_core::{PortErrorKind, Timestamp};
use bellhop_http::{Client, Limits};
use chrono::TimeDelta;
use chrono_tz::Tz;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    total: Duration::from_secs(60),
    response: 64 * 1024 * 1024,
    // Every repetition would cost a question of the hour's.
    retries: 0,
    pause: Duration::from_secs(2),
    patience: Duration::ZERO,
};
/// How long names are taken for granted.
const KNOWN_FOR: TimeDelta = TimeDelta::minutes(10);
/// Events that are views of pages, the likeliest first.
const PAGE_VIEWS: [&str; 5] = ["$mp_web_page_view", "page_view", "Page View", "Pageview", "Page Viewed"];
/// The event that Mixpanel makes of the first in a while.
const SESSIONS: &str = "$session_start";

/// A project as a source.
pub struct Mixpanel {
    name: SourceName,
    config: MixpanelConfig,
    client: Client,
    ports: Ports,
    running: Turns,
    events: Mutex<Option<(Timestamp, Arc<Vec<String>>)>>,
}

impl std::fmt::Debug for Mixpanel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mixpanel").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Mixpanel {
    /// A source named `name`. Nothing is asked yet.
    ///
    /// # Errors
    /// When the machine's TLS certificates can't be used.
    pub fn new(name: SourceName, config: MixpanelConfig, ports: Ports) -> PortResult<Self> {
        let client = Client::new(format!("analytics.{name}"), LIMITS)?;
        let running =
            Turns::new(&ports, format!("mixpanel_running/{name}"), client.service().to_owned(), allowance::AT_ONCE, allowance::PATIENCE);
        Ok(Self { name, config, client, ports, running, events: Mutex::default() })
    }

    /// The zone of the project's days.
    fn zone(&self) -> Tz {
        self.config.timezone.unwrap_or(Tz::UTC)
    }

    /// Names of events, the most frequent of the last month first.
    async fn event_names(&self) -> PortResult<Arc<Vec<String>>> {
        let now = self.ports.clock.now();
        let known = self.events.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, names)) = known.filter(|(since, _)| now - *since < KNOWN_FOR) {
            return Ok(names);
        }
        let answer = self.get("metrics", "/events/names", &[("type", "general"), ("limit", "1000")]).await?;
        let names: Vec<String> = serde_json::from_value(answer)
            .map_err(|_| self.error(PortErrorKind::Broken, "metrics", "Mixpanel's list of events is no list of names"))?;
        let names = Arc::new(names);
        *self.events.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, names.clone()));
        Ok(names)
    }

    /// Refuses an event that was never seen, naming the nearest.
    async fn seen(&self, event: &str) -> PortResult<()> {
        let names = self.event_names().await?;
        if names.iter().any(|name| name == event) {
            return Ok(());
        }
        let hint = match nearest(event, names.iter().map(String::as_str)) {
            Some(near) => format!("; did you mean `{near}`?"),
            None if names.is_empty() => "; it has no events yet".to_owned(),
            None => format!("; there are {}", names.iter().take(6).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
        };
        Err(self.error(PortErrorKind::NotFound, "query", format!("Mixpanel has seen no event `{event}`{hint}")))
    }

    /// The event that a metric counts.
    async fn event(&self, metric: &str, measure: &Measure) -> PortResult<String> {
        let names = self.event_names().await?;
        let has = |name: &str| names.iter().any(|known| known == name);
        let absent = |what: &str| {
            Err(self.error(PortErrorKind::NotFound, "query", format!("Mixpanel has no events of {what}; name an event that it has")))
        };
        match metric {
            name if has(name) => Ok(name.to_owned()),
            "page_views" => match PAGE_VIEWS.iter().find(|name| has(name)) {
                Some(name) => Ok((*name).to_owned()),
                None => absent("page views"),
            },
            "sessions" if has(SESSIONS) => Ok(SESSIONS.to_owned()),
            "sessions" => absent("sessions"),
            "users" | "key_events" => {
                let _ = measure;
                let why = format!(
                    "Mixpanel counts `{metric}` of no event in particular nowhere in its interface; name an event, with --unique for people"
                );
                Err(self.error(PortErrorKind::Unsupported, "query", why))
            }
            name => self.seen(name).await.map(|()| name.to_owned()),
        }
    }
}

#[async_trait]
impl AnalyticsSource for Mixpanel {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn capabilities(&self) -> AnalyticsCapabilities {
        let asks = self.config.account.is_some();
        AnalyticsCapabilities {
            hourly: asks,
            retention: asks,
            revenue: asks && self.config.revenue_event.is_some(),
            saved: asks,
            cohorts: asks,
            people: asks,
            profiles: self.config.project_token.is_some(),
            track: true,
            export: asks,
            ..AnalyticsCapabilities::default()
        }
    }

    async fn metrics(&self) -> PortResult<Vec<Metric>> {
        let names = self.event_names().await?;
        let built_in = [
            ("page_views", PAGE_VIEWS.iter().any(|view| names.iter().any(|name| name == view)), "pages seen"),
            ("sessions", names.iter().any(|name| name == SESSIONS), "visits, as the project's settings cut them"),
        ];
        let mut metrics: Vec<Metric> = built_in
            .into_iter()
            .filter(|(_, there, _)| *there)
            .map(|(name, _, about)| Metric { name: name.to_owned(), about: about.to_owned(), kind: MetricKind::BuiltIn })
            .collect();
        metrics.extend(names.iter().map(|name| Metric { name: name.clone(), about: "an event".to_owned(), kind: MetricKind::Event }));
        Ok(metrics)
    }

    async fn properties(&self, event: &str) -> PortResult<Vec<String>> {
        let event = self.event(event, &Measure::Count).await?;
        let answer = self.get("properties", "/events/properties/top", &[("event", event.as_str()), ("limit", "200")]).await?;
        let mut names: Vec<String> = answer.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        names.sort();
        Ok(names)
    }

    async fn query(&self, query: &Query) -> PortResult<Answer> {
        if let Some(why) = crate::periods::wrong(query, self.ports.clock.now()) {
            return Err(self.error(PortErrorKind::Invalid, "query", why));
        }
        match query {
            Query::Trend(trend) => self.trend(trend).await,
            Query::Retention(retention) => self.retention(retention).await,
            Query::Revenue(revenue) => self.revenue(revenue).await,
            Query::Saved { id, window } => self.saved_answer(id, window).await,
            Query::Funnel(_) => {
                let saved = self.saved_funnels().await?;
                let names: Vec<String> = saved.iter().take(10).map(|funnel| format!("`{}`", funnel.name)).collect();
                let instead = if names.is_empty() { "it has none yet".to_owned() } else { names.join(", ") };
                Err(self.cannot("query", &format!("Mixpanel answers funnels that were saved there, by their name: {instead}")))
            }
            Query::Now(_) => Err(self.cannot("query", "Mixpanel tells nothing about these minutes; ask by hour")),
        }
    }

    async fn track(&self, events: Vec<NewEvent>) -> PortResult<Taken> {
        self.import(events).await
    }

    async fn identify(&self, changes: Vec<ProfileChange>) -> PortResult<Taken> {
        self.change(changes).await
    }

    async fn person(&self, id: &str, events: usize) -> PortResult<Person> {
        self.one_person(id, events).await
    }

    async fn saved(&self) -> PortResult<Vec<Saved>> {
        self.saved_funnels().await
    }

    async fn cohorts(&self) -> PortResult<Vec<Cohort>> {
        self.kept_cohorts().await
    }

    async fn members(&self, cohort: &str, from: Option<&str>) -> PortResult<Members> {
        self.cohort_members(cohort, from).await
    }

    async fn export(&self, window: &Window, event: Option<&str>) -> PortResult<ByteStream> {
        self.exported(window, event).await
    }

    async fn quotas(&self) -> PortResult<Vec<Quota>> {
        self.allowance().await
    }

    async fn check(&self) -> PortResult<Vec<Finding>> {
        let mut findings = Vec::new();
        if self.config.account.is_some() {
            let names = self.event_names().await?;
            findings.push(Finding { good: true, text: format!("questions are answered; {} events are known", names.len()) });
        }
        if self.config.timezone.is_none() {
            let text = "days are taken to be of UTC; set `timezone` to that of the project's settings".to_owned();
            findings.push(Finding { good: false, text });
        }
        if self.config.project_token.is_none() {
            findings.push(Finding { good: false, text: "there is no `project_token`, so people's profiles can't be set".to_owned() });
        }
        Ok(findings)
    }
}
