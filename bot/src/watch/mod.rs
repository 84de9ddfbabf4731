//! Checks watches when they are due, and raises and ends their alerts. A check is kept under the moment when it was due, and what
//! it reports under the same: whichever replica makes it, and however often after a crash, one result counts and is told once.
//!
//! What a condition finds is decided in `core::watch`; what an alert does is the engine's. Nothing is shown from here.

mod signals;

use crate::alerts::Engine;
use crate::tasks::Tasks;
use bellhop_catalog::WatchBook;
use bellhop_core::analytics::Query;
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ports::{PortResult, Sources, Stop};
use bellhop_core::watch::{Check, History, MARGIN, Verdict, Watch, evaluate};
use futures::StreamExt as _;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the alerts of watches come from.
pub const SOURCE: &str = "watch";
/// How often due watches are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// How many are checked at a time: a slow source doesn't hold up all others.
const AT_ONCE: usize = 4;
/// How long a source may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What this process knows of a watch.
#[derive(Clone, Copy)]
struct Known {
    since: Timestamp,
    due: Timestamp,
    /// The check that it has reported.
    told: Option<Timestamp>,
}

/// The worker.
pub struct Watcher {
    book: WatchBook,
    sources: Arc<dyn Sources>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    /// The name of this process among replicas.
    owner: String,
    known: Mutex<HashMap<String, Known>>,
}

impl Watcher {
    /// A worker that asks these sources and reports to this engine.
    pub fn new(book: WatchBook, sources: Arc<dyn Sources>, engine: Arc<Engine>, clock: Arc<dyn Clock>, owner: String) -> Self {
        Self { book, sources, engine, clock, owner, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until told to stop.
    pub async fn run(self, tasks: Tasks) {
        let stop = tasks.stop();
        loop {
            if let Err(error) = self.look(&stop).await {
                tracing::warn!(%error, "watches can't be looked up; trying again");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Makes the checks that are due. A watch that was due several times while no bot ran is checked once.
    async fn look(&self, stop: &Stop) -> PortResult<()> {
        let kept = self.book.all().await?;
        let now = self.clock.now();
        let watches: Vec<Watch> = kept.watches.into_iter().filter(|watch| watch.paused.is_none()).collect();
        self.known().retain(|id, known| watches.iter().any(|watch| watch.id == *id && watch.since == known.since));
        let due: Vec<Watch> = watches.into_iter().filter(|watch| self.may_be_due(watch, now)).collect();
        futures::stream::iter(due)
            .for_each_concurrent(AT_ONCE, |watch| async move {
                if stop.is_cancelled() {
                    return;
                }
                if let Err(error) = self.check(&watch, stop).await {
                    tracing::warn!(watch = watch.name, %error, "a watch could not be checked; trying again");
                }
            })
            .await;
        Ok(())
    }

    /// Whether it is due as far as this process knows; another replica may have checked it since.
    fn may_be_due(&self, watch: &Watch, now: Timestamp) -> bool {
        self.known().get(&watch.id).is_none_or(|known| known.due <= now)
    }

    /// Makes a watch's check if it is due and nobody else makes it.
    async fn check(&self, watch: &Watch, stop: &Stop) -> PortResult<()> {
        let last = self.book.last(watch).await?;
        // What was found is told before anything new is: the process that found it may have died in between.
        if let Some(last) = &last {
            self.tell(watch, last).await?;
        }
        let due = watch.due(last.as_ref());
        let told = last.as_ref().map(|last| last.due);
        self.known().insert(watch.id.clone(), Known { since: watch.since, due, told });
        let now = self.clock.now();
        if due > now || !self.book.claim(watch, due, &self.owner, now).await? {
            return Ok(());
        }
        let Some(verdict) = stop.run_until_cancelled(self.verdict(watch, now)).await else {
            return self.book.release(watch, due).await;
        };
        // Meanwhile somebody may have removed it, or paused it.
        if !self.still_there(watch).await? {
            return Ok(());
        }
        let before = last.map(|last| last.standing).unwrap_or_default();
        let standing = before.after(&verdict, watch.condition.checks(), now);
        let check = self.book.keep(watch, &Check { due, at: now, verdict, standing }).await?;
        tracing::debug!(watch = watch.name, found = check.verdict.why(), "checked");
        self.tell(watch, &check).await?;
        if !self.still_there(watch).await? {
            self.engine.accept(SOURCE, signals::ended(watch, &check), None).await?;
        }
        self.known().insert(watch.id.clone(), Known { since: watch.since, due: watch.due(Some(&check)), told: Some(check.due) });
        self.book.release(watch, due).await
    }

    async fn still_there(&self, watch: &Watch) -> PortResult<bool> {
        let now = self.book.get(&watch.name).await?;
        Ok(now.is_some_and(|now| now.id == watch.id && now.since == watch.since && now.paused.is_none()))
    }

    /// Reports a check's alerts, unless this process has done so. The engine takes each once, whoever reports it.
    async fn tell(&self, watch: &Watch, check: &Check) -> PortResult<()> {
        if self.known().get(&watch.id).is_some_and(|known| known.told == Some(check.due)) {
            return Ok(());
        }
        let signals = signals::of(watch, check);
        if !signals.is_empty() {
            let key = format!("{}/{}", watch.id, check.due.timestamp_millis());
            self.engine.accept(SOURCE, signals, Some(&key)).await?;
        }
        Ok(())
    }

    /// Asks the source and tests the condition on what it says.
    async fn verdict(&self, watch: &Watch, now: Timestamp) -> Verdict {
        let source = match self.sources.source(watch.condition.source.as_ref()) {
            Ok(source) => source,
            Err(error) => return Verdict::Unknown(error.to_string()),
        };
        let question = watch.condition.question(now, watch.zone, MARGIN);
        let asked = Query::Trend(question.clone());
        match tokio::time::timeout(PATIENCE, source.query(&asked)).await {
            Ok(Ok(answer)) => evaluate(&watch.condition, &History::of(&question, &answer, now)),
            Ok(Err(error)) => Verdict::Unknown(format!("{} did not answer: {}", source.name(), error.message)),
            Err(_) => Verdict::Unknown(format!("{} did not answer within {} seconds", source.name(), PATIENCE.as_secs())),
        }
    }
}

#[cfg(test)]
mod tests;
