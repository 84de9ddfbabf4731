//! A source whose answers are kept: the same question is asked once at a time and not again while its answer is good, and where
//! the source can't answer, its last answer does, with its age. Lists of names are kept likewise.
//!
//! Only questions and names are kept. What is asked about single people, cohorts and raw events, and what is sent in, goes
//! straight to the source, and is counted.

use super::answers::{Answers, Held};
use super::flights::Flights;
use super::freshness;
use super::rest::Rests;
use super::tally::Tally;
use async_trait::async_trait;
use bellhop_core::analytics::{
    AnalyticsCapabilities, Answer, Cohort, CohortDefinition, CohortMade, Members, Metric, NewEvent, Person, ProfileChange, Query, Quota,
    Refused, Saved, Taken, Window,
};
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::error::{PortError, PortErrorKind, Retry};
use bellhop_core::ids::SourceName;
use bellhop_core::ports::{AnalyticsSource, ByteStream, Finding, PortResult, Records};
use bellhop_core::text::{one_line, shorten};
use bellhop_store::Store;
use chrono::TimeDelta;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// How long names are taken for granted.
const NAMES: TimeDelta = TimeDelta::minutes(10);
/// What the question about a source's metrics is called.
const METRICS: &str = "metrics";
/// Where it is noted when something was last sent in by hand.
const CHANGED: &str = "source_changed";

/// How long people wait for a source.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Where there is an earlier answer to show instead.
    pub short: Duration,
    /// Where there is none.
    pub long: Duration,
    /// How long the asking itself may go on after they have gone: its answer is kept for the next who asks.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { short: Duration::from_secs(20), long: Duration::from_secs(45), whole: Duration::from_mins(3) }
    }
}

/// A source whose answers are kept.
#[derive(Clone)]
pub struct Kept(Arc<Inner>);

struct Inner {
    source: Arc<dyn AnalyticsSource>,
    service: String,
    answers: Answers,
    names: Answers,
    rests: Rests,
    tally: Tally,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    patience: Patience,
    asked: Flights<Answer>,
    listed: Flights<Vec<Metric>>,
    named: Flights<Vec<String>>,
}

/// A failure that says nothing about the question: the source may well answer it later.
fn passes(error: &PortError) -> bool {
    use PortErrorKind::{Broken, Full, RateLimited, TimedOut, Unavailable};
    matches!(error.kind, Unavailable | TimedOut | RateLimited | Full | Broken)
}

impl Kept {
    /// The source, with its answers kept in this database.
    #[must_use]
    pub fn new(source: Arc<dyn AnalyticsSource>, store: &Store, clock: Arc<dyn Clock>, patience: Patience) -> Self {
        let name = source.name().clone();
        let records: Arc<dyn Records> = Arc::new(store.clone());
        Self(Arc::new(Inner {
            service: format!("analytics.{name}"),
            answers: Answers::new(records.clone(), format!("source_answers/{name}")),
            names: Answers::new(records.clone(), format!("source_names/{name}")),
            rests: Rests::new(records.clone(), &name),
            tally: Tally::new(store.clone(), name),
            records,
            source,
            clock,
            patience,
            asked: Flights::default(),
            listed: Flights::default(),
            named: Flights::default(),
        }))
    }

    async fn ask(&self, query: &Query, anew: bool) -> PortResult<Answer> {
        let inner = &self.0;
        let (now, key) = (inner.clock.now(), freshness::key(query));
        let held = inner.answers.get::<Answer>(&key).await;
        if let Some(held) = held.as_ref().filter(|held| !anew && Inner::good(held, now))
            && !inner.changed(held.at, query).await
        {
            inner.tally.kept().await;
            return Ok(served(held));
        }
        if let Some(rest) = inner.rests.now(freshness::lane(query), freshness::weight(query), now).await {
            return inner.last_answer(held, query, rest.refusal(&inner.service, "query", now)).await;
        }
        let (whole, asked) = (self.clone(), query.clone());
        let flight = inner.asked.join(&inner.service, &key, async move { whole.0.fetch(&asked, now, anew).await });
        let patience = if held.is_some() && freshness::period(query).is_some() { inner.patience.short } else { inner.patience.long };
        let Ok(ended) = tokio::time::timeout(patience, flight).await else {
            return inner.last_answer(held, query, inner.slow("query", patience)).await;
        };
        match ended {
            Err(error) if passes(&error) => inner.last_answer(held, query, error).await,
            other => other,
        }
    }

    /// A list of names: as it was kept, as the source gives it, or as it was once.
    async fn list<T, A, W>(&self, flights: &Flights<Vec<T>>, key: String, ask: A) -> PortResult<Vec<T>>
    where
        T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
        A: FnOnce(Arc<dyn AnalyticsSource>) -> W,
        W: Future<Output = PortResult<Vec<T>>> + Send + 'static,
    {
        let inner = &self.0;
        let now = inner.clock.now();
        let held = inner.names.get::<Vec<T>>(&key).await;
        if let Some(held) = held.as_ref().filter(|held| now < held.until)
            && inner.last_change().await.is_none_or(|change| change < held.at)
        {
            inner.tally.kept().await;
            return Ok(held.value.clone());
        }
        let known = |error: PortError| match &held {
            Some(held) if !matches!(error.kind, PortErrorKind::NotFound | PortErrorKind::Invalid | PortErrorKind::Unsupported) => {
                tracing::debug!(%error, source = %inner.source.name(), "names are as they were once");
                Ok(held.value.clone())
            }
            _ => Err(error),
        };
        if let Some(rest) = inner.rests.now("names", 0, now).await {
            return known(rest.refusal(&inner.service, "metrics", now));
        }
        let before = held.as_ref().map(|held| held.at);
        let (whole, asked, name) = (self.clone(), ask(inner.source.clone()), key.clone());
        let flight = flights.join(&inner.service, &key, async move {
            let inner = &whole.0;
            let names = inner.counted("names", 0, asked).await?;
            let at = inner.clock.now();
            inner.names.put(&name, &Held { at, until: at + NAMES, value: names.clone() }, before).await;
            Ok(names)
        });
        let patience = if held.is_some() { inner.patience.short } else { inner.patience.long };
        match tokio::time::timeout(patience, flight).await {
            Ok(Ok(names)) => Ok(names),
            Ok(Err(error)) => known(error),
            Err(_) => known(inner.slow("metrics", patience)),
        }
    }
}

impl Inner {
    /// Whether an answer stands for a new one.
    fn good(held: &Held<Answer>, now: Timestamp) -> bool {
        // One from the future was kept by a clock that was wrong.
        now < held.until && held.at <= now
    }

    /// When something was last sent to the source by hand, as far as is known.
    async fn last_change(&self) -> Option<Timestamp> {
        let kept = self.records.get(CHANGED, self.source.name().as_str()).await.ok().flatten()?;
        serde_json::from_value(kept).ok()
    }

    /// Whether something was sent since, which may count in this period.
    async fn changed(&self, since: Timestamp, query: &Query) -> bool {
        let open = freshness::period(query).is_none_or(|(_, to)| to > since);
        open && self.last_change().await.is_some_and(|change| change >= since)
    }

    async fn note_change(&self) {
        if let Ok(now) = serde_json::to_value(self.clock.now())
            && let Err(error) = self.records.put(CHANGED, self.source.name().as_str(), &now).await
        {
            tracing::debug!(%error, "that something was sent can't be noted");
        }
    }

    /// Asks the source, for all who wait, and keeps the answer.
    async fn fetch(&self, query: &Query, since: Timestamp, anew: bool) -> PortResult<Answer> {
        let key = freshness::key(query);
        // Another may just have been answered: those who had looked before come here all the same.
        let held = self.answers.get::<Answer>(&key).await;
        if let Some(held) = held.as_ref().filter(|held| held.at > since || !anew && Self::good(held, since))
            && !self.changed(held.at, query).await
        {
            self.tally.kept().await;
            return Ok(served(held));
        }
        let answer = self.counted(freshness::lane(query), freshness::weight(query), self.source.query(query)).await?;
        let at = self.clock.now();
        let kept = Held { at, until: freshness::until(query, &answer, at), value: answer.clone() };
        self.answers.put(&key, &kept, held.map(|held| held.at)).await;
        Ok(answer)
    }

    /// Does something at the source, counts it, and learns when to leave it alone.
    async fn counted<T: Costs>(&self, lane: &'static str, weight: i64, work: impl Future<Output = PortResult<T>>) -> PortResult<T> {
        let whole = self.patience.whole;
        let ended = tokio::time::timeout(whole, work)
            .await
            .unwrap_or_else(|_| Err(self.late(lane, format!("no answer came in {} s", whole.as_secs()))));
        let cost = ended.as_ref().ok().and_then(Costs::cost).cloned();
        let failed = ended.as_ref().err().cloned();
        self.tally.call(failed.is_none(), cost.as_ref()).await;
        self.rests.learn(lane, weight, failed.as_ref(), self.clock.now()).await;
        ended
    }

    /// The same for what isn't kept, unless the source wants to be left alone.
    async fn passed<T: Costs>(&self, lane: &'static str, work: impl Future<Output = PortResult<T>>) -> PortResult<T> {
        let now = self.clock.now();
        if let Some(rest) = self.rests.now(lane, 0, now).await {
            return Err(rest.refusal(&self.service, lane, now));
        }
        self.counted(lane, 0, work).await
    }

    fn slow(&self, operation: &'static str, waited: Duration) -> PortError {
        self.late(operation, format!("no answer came in {} s; once it comes it is kept, so ask again in a moment", waited.as_secs()))
    }

    fn late(&self, operation: &'static str, message: String) -> PortError {
        let mut error = PortError::new(PortErrorKind::TimedOut, self.service.as_str(), operation, message);
        error.maybe_done = false;
        error
    }

    /// The last answer in place of a new one, where there is one, with why and how old it is. About the present there is none.
    async fn last_answer(&self, held: Option<Held<Answer>>, query: &Query, error: PortError) -> PortResult<Answer> {
        let Some(held) = held.filter(|_| freshness::period(query).is_some()) else { return Err(error) };
        self.tally.kept().await;
        let now = self.clock.now();
        let mut answer = served(&held);
        let why = shorten(&one_line(&error.message), 300);
        let age = age(now - held.at);
        let zone = freshness::zone(query);
        let back = match error.retry {
            Retry::After(pause) => TimeDelta::from_std(pause).ok().map(|pause| (now + pause).with_timezone(&zone)),
            _ => None,
        };
        let back = back.map(|back| format!("; ask again from {} ({zone}) on", back.format("%Y-%m-%d %H:%M"))).unwrap_or_default();
        answer.basis.notes.push(format!("{} gave no answer now ({why}): this is its last one, {age} old{back}", self.source.name()));
        Ok(answer)
    }
}

/// A kept answer as it is given out.
fn served(held: &Held<Answer>) -> Answer {
    let mut answer = held.value.clone();
    answer.basis.as_of = Some(answer.basis.as_of.unwrap_or(held.at));
    // It costs nothing more.
    answer.basis.cost = None;
    answer
}

fn age(age: TimeDelta) -> String {
    match age.num_minutes() {
        ..1 => "less than a minute".to_owned(),
        minutes @ 1..120 => format!("{minutes} min"),
        minutes @ 120..2880 => format!("{} h", minutes / 60),
        minutes => format!("{} days", minutes / 1440),
    }
}

/// What something cost of the source's allowance, where it says.
trait Costs {
    fn cost(&self) -> Option<&bellhop_core::analytics::Cost> {
        None
    }
}

impl Costs for Answer {
    fn cost(&self) -> Option<&bellhop_core::analytics::Cost> {
        self.basis.cost.as_ref()
    }
}

impl<T> Costs for Vec<T> {}
impl Costs for Taken {}
impl Costs for Person {}
impl Costs for Members {}
impl Costs for Cohort {}
impl Costs for CohortMade {}
impl Costs for () {}
impl Costs for ByteStream {}

#[async_trait]
impl AnalyticsSource for Kept {
    fn name(&self) -> &SourceName {
        self.0.source.name()
    }

    fn capabilities(&self) -> AnalyticsCapabilities {
        self.0.source.capabilities()
    }

    async fn metrics(&self) -> PortResult<Vec<Metric>> {
        self.list(&self.0.listed, METRICS.to_owned(), |source| async move { source.metrics().await }).await
    }

    async fn properties(&self, event: &str) -> PortResult<Vec<String>> {
        let event = event.to_owned();
        let key = format!("properties/{}", shorten(&event, 300));
        self.list(&self.0.named, key, |source| async move { source.properties(&event).await }).await
    }

    async fn query(&self, query: &Query) -> PortResult<Answer> {
        self.ask(query, false).await
    }

    async fn query_anew(&self, query: &Query) -> PortResult<Answer> {
        self.ask(query, true).await
    }

    async fn track(&self, events: Vec<NewEvent>) -> PortResult<Taken> {
        let taken = self.0.passed("track", self.0.source.track(events)).await?;
        self.0.note_change().await;
        Ok(taken)
    }

    async fn validate(&self, events: &[NewEvent]) -> PortResult<Vec<Refused>> {
        self.0.passed("validate", self.0.source.validate(events)).await
    }

    async fn identify(&self, changes: Vec<ProfileChange>) -> PortResult<Taken> {
        let taken = self.0.passed("identify", self.0.source.identify(changes)).await?;
        self.0.note_change().await;
        Ok(taken)
    }

    async fn person(&self, id: &str, events: usize) -> PortResult<Person> {
        self.0.passed("person", self.0.source.person(id, events)).await
    }

    async fn saved(&self) -> PortResult<Vec<Saved>> {
        self.0.passed("saved list", self.0.source.saved()).await
    }

    async fn cohorts(&self) -> PortResult<Vec<Cohort>> {
        self.0.passed("cohorts", self.0.source.cohorts()).await
    }

    async fn members(&self, cohort: &str, from: Option<&str>) -> PortResult<Members> {
        self.0.passed("members", self.0.source.members(cohort, from)).await
    }

    async fn make_cohort(&self, name: &str, ids: &[String]) -> PortResult<CohortMade> {
        self.0.passed("make cohort", self.0.source.make_cohort(name, ids)).await
    }

    async fn define_cohort(&self, name: &str, definition: &CohortDefinition) -> PortResult<Cohort> {
        self.0.passed("define cohort", self.0.source.define_cohort(name, definition)).await
    }

    async fn delete_cohort(&self, cohort: &str) -> PortResult<()> {
        self.0.passed("delete cohort", self.0.source.delete_cohort(cohort)).await
    }

    async fn export(&self, window: &Window, event: Option<&str>) -> PortResult<ByteStream> {
        self.0.passed("export", self.0.source.export(window, event)).await
    }

    async fn quotas(&self) -> PortResult<Vec<Quota>> {
        self.0.source.quotas().await
    }

    async fn check(&self) -> PortResult<Vec<Finding>> {
        self.0.source.check().await
    }
}
