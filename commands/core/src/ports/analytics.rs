//! A source of analytics.

use super::{ByteStream, Finding, PortResult};
use crate::analytics::{
    AnalyticsCapabilities, Answer, Cohort, CohortDefinition, CohortMade, Members, Metric, NewEvent, Person, ProfileChange, Query, Quota,
    Refused, Saved, Taken, Window,
};
use crate::error::{CommandError, PortError};
use crate::ids::SourceName;
use async_trait::async_trait;
use std::sync::Arc;

/// Something that counts what people do. What [`AnalyticsSource::capabilities`] doesn't say is refused as `Unsupported`.
#[async_trait]
pub trait AnalyticsSource: Send + Sync {
    /// The configured name.
    fn name(&self) -> &SourceName;

    /// What it can do.
    fn capabilities(&self) -> AnalyticsCapabilities;

    /// What can be asked for, for completion and did-you-mean: event names and built-in metrics.
    async fn metrics(&self) -> PortResult<Vec<Metric>>;

    /// Names of properties that `event` has had, for completion.
    async fn properties(&self, event: &str) -> PortResult<Vec<String>>;

    /// Answers a question. A metric that the source has never seen is `NotFound`, never a row of zeros. Every interval
    /// of the period has its row, empty ones with zero.
    async fn query(&self, query: &Query) -> PortResult<Answer>;

    /// Answers a question anew where answers are kept for a while.
    async fn query_anew(&self, query: &Query) -> PortResult<Answer> {
        self.query(query).await
    }

    /// Takes events in. Each is taken once: an `insert_id` that was seen before is a duplicate. One bad event doesn't
    /// hold up the others.
    async fn track(&self, events: Vec<NewEvent>) -> PortResult<Taken>;

    /// What is wrong with these events, without keeping any.
    async fn validate(&self, events: &[NewEvent]) -> PortResult<Vec<Refused>> {
        let _ = events;
        Err(self.cannot("validate", "it can't check events without keeping them"))
    }

    /// Changes what is known about people and groups. One bad change doesn't hold up the others; the positions of those
    /// refused are those of `changes`.
    async fn identify(&self, changes: Vec<ProfileChange>) -> PortResult<Taken> {
        let _ = changes;
        Err(self.cannot("identify", "it keeps nothing about people"))
    }

    /// What is known about a person, with at most `events` of their latest events. `NotFound` for one who was never seen.
    async fn person(&self, id: &str, events: usize) -> PortResult<Person> {
        let _ = (id, events);
        Err(self.cannot("person", "it tells nothing about single people"))
    }

    /// What was made at the source and can be asked for by name.
    async fn saved(&self) -> PortResult<Vec<Saved>> {
        Ok(Vec::new())
    }

    /// The cohorts that the source keeps, by name.
    async fn cohorts(&self) -> PortResult<Vec<Cohort>> {
        Err(self.cannot("cohorts", "it keeps no cohorts"))
    }

    /// People of a cohort, from where `from` says. `NotFound` when there is no such cohort.
    async fn members(&self, cohort: &str, from: Option<&str>) -> PortResult<Members> {
        let _ = (cohort, from);
        Err(self.cannot("members", "it keeps no cohorts"))
    }

    /// Makes a cohort of these people, or puts them in place of those in the one of that name.
    async fn make_cohort(&self, name: &str, ids: &[String]) -> PortResult<CohortMade> {
        let _ = (name, ids);
        Err(self.cannot("make_cohort", "cohorts can't be made there from a list of people"))
    }

    /// Keeps a definition of a cohort under a name, or puts it in place of what has that name. Who fits it is found anew
    /// whenever it is asked for.
    async fn define_cohort(&self, name: &str, definition: &CohortDefinition) -> PortResult<Cohort> {
        let _ = (name, definition);
        Err(self.cannot("define_cohort", "cohorts can't be defined there by what people did"))
    }

    /// Forgets a cohort, whether a list or a definition; the people in it stay. `NotFound` when there is no such cohort.
    async fn delete_cohort(&self, cohort: &str) -> PortResult<()> {
        let _ = cohort;
        Err(self.cannot("delete_cohort", "cohorts can't be deleted there from here"))
    }

    /// Raw events of a period as lines of JSON, of one event's name or of all.
    async fn export(&self, window: &Window, event: Option<&str>) -> PortResult<ByteStream> {
        let _ = (window, event);
        Err(self.cannot("export", "raw events can't be taken out of it"))
    }

    /// The source's allowances, as they were last seen; nothing is asked for it.
    async fn quotas(&self) -> PortResult<Vec<Quota>> {
        Ok(Vec::new())
    }

    /// Looks whether everything needed is there: credentials, permissions, settings. An error means that the source could
    /// not be asked.
    async fn check(&self) -> PortResult<Vec<Finding>> {
        Ok(Vec::new())
    }

    /// The refusal of what this source has not, with the reason.
    fn cannot(&self, operation: &'static str, why: &str) -> PortError {
        PortError::unsupported(format!("analytics.{}", self.name()), operation, format!("the source {}: {why}", self.name()))
    }
}

/// The configured sources.
pub trait Sources: Send + Sync {
    /// A source by its name, or the default one.
    ///
    /// # Errors
    /// `NotFound` with the nearest name.
    fn source(&self, name: Option<&SourceName>) -> Result<Arc<dyn AnalyticsSource>, CommandError>;

    /// Their names, the default one first.
    fn names(&self) -> Vec<SourceName>;
}
