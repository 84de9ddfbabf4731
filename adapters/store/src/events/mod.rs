//! Bellhop's own analytics: events that are sent to it, kept in the database, and counted there.
//!
//! Nothing is counted ahead: every answer comes from the events by their own times, so that late ones, and ids that are
//! merged later, change all answers alike. What exactly is counted stands in docs/analytics.md.

mod asking;
mod cohorts;
mod export;
mod funnel;
mod histories;
mod merge;
mod person;
#[cfg(test)]
mod plans_tests;
mod profiles;
mod retention;
mod revenue;
mod sql;
mod track;
mod trend;

pub use profiles::Profile;

use crate::Store;
use crate::error::invalid;
use crate::error::not_found;
use crate::session::args;
use async_trait::async_trait;
use bellhop_core::analytics::{
    AnalyticsCapabilities, Answer, Cohort, CohortDefinition, CohortMade, Measure, Members, Metric, MetricKind, NewEvent, Now, Person,
    ProfileChange, Query, Refused, Taken, Trend, Window,
};
use bellhop_core::ids::SourceName;
use bellhop_core::ports::{AnalyticsSource, ByteStream, PortResult};
use chrono::TimeDelta;
use std::sync::Arc;

/// The source's name.
pub(crate) const NAME: &str = "events";

/// Metrics that every store of events has once there are such events, and what they count.
const BUILT_IN: [(&str, &str); 4] = [
    ("page_views", "pages seen: the events page_view and $pageview"),
    ("users", "different people in all events"),
    ("sessions", "visits: a person's events with no pause of over 30 minutes"),
    ("key_events", "events with the property key = true, or with revenue"),
];

/// Names of events that are page views.
const PAGE_VIEWS: [&str; 2] = ["page_view", "$pageview"];

/// The source `events`.
#[derive(Clone, Debug)]
pub struct Events {
    store: Store,
    name: SourceName,
    /// Services that are fed with what is taken in.
    sinks: Arc<[SourceName]>,
}

impl Events {
    /// The events in this database.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, name: SourceName::new(NAME), sinks: Arc::default() }
    }

    /// The same, which puts every new event into the lanes of these services in the transaction that keeps it. Samples, which
    /// have the property `sample` set to true, stay here.
    #[must_use]
    pub fn feeding(self, sinks: impl IntoIterator<Item = SourceName>) -> Self {
        Self { sinks: sinks.into_iter().collect(), ..self }
    }

    async fn event_names(&self) -> PortResult<Vec<String>> {
        let rows = self.store.read("metrics").await?.rows("SELECT name FROM event_name ORDER BY name LIMIT 10000", vec![]).await?;
        rows.iter().map(|row| row.text(0)).collect()
    }

    /// Whether there is anything that a built-in metric could count.
    async fn has_any(&self, built_in: &str, names: &[String]) -> PortResult<bool> {
        match built_in {
            "page_views" => Ok(names.iter().any(|name| PAGE_VIEWS.contains(&name.as_str()))),
            "key_events" => {
                let mut session = self.store.read("metrics").await?;
                Ok(session.number("SELECT count(*) FROM (SELECT 1 FROM event WHERE is_key = 1 LIMIT 1) AS found", vec![]).await? > 0)
            }
            _ => Ok(!names.is_empty()),
        }
    }

    /// Refuses a metric that was never seen, naming the nearest.
    async fn check_metric(&self, metric: &str) -> PortResult<()> {
        let known = self.store.read("query").await?.number("SELECT count(*) FROM event_name WHERE name = $1", args![metric]).await? > 0;
        if known && !BUILT_IN.iter().any(|(name, _)| *name == metric) {
            return Ok(());
        }
        let names = self.event_names().await?;
        let mut present = Vec::new();
        for (name, about) in BUILT_IN {
            if self.has_any(name, &names).await? {
                present.push(name);
            } else if name == metric {
                return Err(not_found(
                    "query",
                    format!(
                        "nothing was taken yet that `{name}` could count ({about}); send events to /v1/events, or load the sample events"
                    ),
                ));
            }
        }
        if present.contains(&metric) {
            return Ok(());
        }
        let hint = self.hint(metric, names.iter().map(String::as_str).chain(present.iter().copied()), &names);
        Err(not_found("query", format!("no event or metric `{metric}` was ever seen{hint}")))
    }

    async fn trend(&self, trend: &Trend) -> PortResult<Answer> {
        self.check_period(trend.from, trend.to)?;
        Self::check_filters(&trend.filters)?;
        Self::check_by(trend.by.as_ref())?;
        self.check_metric(&trend.metric).await?;
        trend::trend(&self.store, &self.name, trend).await
    }

    /// The last minutes are a period that ends with this moment.
    async fn lately(&self, now: &Now) -> PortResult<Answer> {
        if !(1..=30).contains(&now.minutes) {
            return Err(invalid("query", format!("the last 1 to 30 minutes can be asked for, and not {}", now.minutes)));
        }
        let to = asking::until(self.store.now());
        let trend = Trend {
            metric: now.metric.clone(),
            measure: Measure::Count,
            from: self.store.now() - TimeDelta::minutes(i64::from(now.minutes)),
            to,
            zone: chrono_tz::UTC,
            interval: None,
            by: now.by.clone(),
            filters: Vec::new(),
        };
        let mut answer = self.trend(&trend).await?;
        // It ends now, so that nothing of it is still to come.
        answer.basis.complete = true;
        Ok(answer)
    }
}

/// A count as a figure.
#[expect(clippy::cast_precision_loss, reason = "a database holds far fewer than 2^52 of anything")]
fn count(number: u64) -> f64 {
    number as f64
}

/// The same of a length.
fn float(number: usize) -> f64 {
    count(number as u64)
}

#[async_trait]
impl AnalyticsSource for Events {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn capabilities(&self) -> AnalyticsCapabilities {
        AnalyticsCapabilities {
            hourly: true,
            now: true,
            funnels: true,
            retention: true,
            revenue: true,
            saved: false,
            cohorts: true,
            cohort_upload: true,
            cohort_define: true,
            cohort_delete: true,
            people: true,
            profiles: true,
            track: true,
            validate: true,
            export: true,
            counts_twice: false,
        }
    }

    async fn metrics(&self) -> PortResult<Vec<Metric>> {
        let names = self.event_names().await?;
        let mut metrics = Vec::new();
        for (name, about) in BUILT_IN {
            if self.has_any(name, &names).await? {
                metrics.push(Metric { name: name.to_owned(), about: about.to_owned(), kind: MetricKind::BuiltIn });
            }
        }
        let own = names.into_iter().filter(|name| !BUILT_IN.iter().any(|(built_in, _)| name == built_in));
        metrics.extend(own.map(|name| Metric { name, about: "an event".to_owned(), kind: MetricKind::Event }));
        Ok(metrics)
    }

    async fn properties(&self, event: &str) -> PortResult<Vec<String>> {
        let mut session = self.store.read("properties").await?;
        let rows = match event {
            "users" | "sessions" | "key_events" => {
                session.rows("SELECT DISTINCT property FROM event_property ORDER BY property LIMIT 1000", vec![]).await?
            }
            "page_views" => {
                session
                    .rows(
                        "SELECT DISTINCT property FROM event_property WHERE name IN ($1, $2) ORDER BY property LIMIT 1000",
                        args![PAGE_VIEWS[0], PAGE_VIEWS[1]],
                    )
                    .await?
            }
            name => session.rows("SELECT property FROM event_property WHERE name = $1 ORDER BY property LIMIT 1000", args![name]).await?,
        };
        rows.iter().map(|row| row.text(0)).collect()
    }

    async fn query(&self, query: &Query) -> PortResult<Answer> {
        match query {
            Query::Trend(trend) => self.trend(trend).await,
            Query::Now(now) => self.lately(now).await,
            Query::Funnel(funnel) => self.funnel(funnel).await,
            Query::Retention(retention) => self.retention(retention).await,
            Query::Revenue(revenue) => self.revenue(revenue).await,
            Query::Saved { .. } => Err(self.cannot("query", "it keeps no reports of its own; save a question by its command")),
        }
    }

    async fn track(&self, events: Vec<NewEvent>) -> PortResult<Taken> {
        track::track(&self.store, &self.sinks, events).await
    }

    async fn validate(&self, events: &[NewEvent]) -> PortResult<Vec<Refused>> {
        Ok(track::wrong(events, self.store.now()))
    }

    async fn identify(&self, changes: Vec<ProfileChange>) -> PortResult<Taken> {
        self.change(changes).await
    }

    async fn person(&self, id: &str, events: usize) -> PortResult<Person> {
        self.told(id, events).await
    }

    async fn cohorts(&self) -> PortResult<Vec<Cohort>> {
        self.all_cohorts().await
    }

    async fn members(&self, cohort: &str, from: Option<&str>) -> PortResult<Members> {
        self.cohort_members(cohort, from).await
    }

    async fn make_cohort(&self, name: &str, ids: &[String]) -> PortResult<CohortMade> {
        self.list_cohort(name, ids).await
    }

    async fn define_cohort(&self, name: &str, definition: &CohortDefinition) -> PortResult<Cohort> {
        self.defined_cohort(name, definition).await
    }

    async fn delete_cohort(&self, cohort: &str) -> PortResult<()> {
        self.forget_cohort(cohort).await
    }

    async fn export(&self, window: &Window, event: Option<&str>) -> PortResult<ByteStream> {
        self.raw(window, event).await
    }
}
