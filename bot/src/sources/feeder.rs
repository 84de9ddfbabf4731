//! Sends what own events take in on to the services that are fed, each in a lane of its own: one that is down holds up nobody.
//! What is sent is settled afterwards, so that nothing is lost when the process ends in between; the ids of events make what is
//! then sent again the same event, at services that know ids.

use super::parcel;
use crate::tasks::Tasks;
use bellhop_core::clock::Clock;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::{AnalyticsSource, PortResult, Stop};
use bellhop_store::{FeedClaim, FeedSettlement, Store};
use futures::StreamExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

/// How many parcels are on their way to one service at once.
const AT_ONCE: usize = 8;
/// How many turns a process takes that has no bot beside it.
const TURNS: usize = 20;

/// The patience of the lanes.
#[derive(Clone, Copy, Debug)]
pub struct FeedPace {
    /// How often to look for what other processes have put in.
    pub poll: Duration,
    /// How long a claim holds; it is renewed while something is sent.
    pub lease: Duration,
    /// How long a parcel may be on its way.
    pub deadline: Duration,
    /// The pause after a failed try; it doubles with each.
    pub first: Duration,
    /// How many events are claimed at once.
    pub batch: usize,
    /// How many events may wait for one service before the oldest are dropped.
    pub room: usize,
    /// How often that is looked at.
    pub trim: Duration,
}

impl Default for FeedPace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            lease: Duration::from_mins(1),
            deadline: Duration::from_secs(90),
            first: Duration::from_secs(1),
            batch: 500,
            room: 500_000,
            trim: Duration::from_secs(10),
        }
    }
}

/// Sends events on.
#[derive(Clone)]
pub struct Feeder {
    store: Store,
    clock: Arc<dyn Clock>,
    owner: String,
    pace: FeedPace,
    /// The services, own events first: what they take of the bot's own use goes on to the others.
    sinks: Vec<Arc<dyn AnalyticsSource>>,
}

impl Feeder {
    /// A feeder of these services, which claims as `owner`.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, owner: String, sinks: Vec<Arc<dyn AnalyticsSource>>, pace: FeedPace) -> Self {
        Self { store, clock, owner, pace, sinks }
    }

    /// Takes back what processes that have ended had claimed, and starts a task for each service.
    pub async fn start(self, tasks: &Tasks) {
        if let Err(error) = self.store.recover_feeds().await {
            tracing::warn!(%error, "events that an earlier process was sending go on when its claim ends");
        }
        for sink in &self.sinks {
            let (feeder, sink, stop) = (self.clone(), sink.clone(), tasks.stop());
            tasks.start("feed", async move { feeder.feed(&*sink, &stop).await });
        }
    }

    /// Sends what is due now, once. For a process that has no bot beside it.
    pub async fn drain(self) {
        for sink in &self.sinks {
            for _ in 0..TURNS {
                match self.turn(&**sink).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(%error, "events can't be sent on now; they are at the next start");
                        return;
                    }
                }
            }
        }
    }

    async fn feed(&self, sink: &dyn AnalyticsSource, stop: &Stop) {
        let mut wake = self.store.feed_wake();
        let mut trimmed: Option<Instant> = None;
        while !stop.is_cancelled() {
            if trimmed.is_none_or(|at| at.elapsed() >= self.pace.trim) {
                self.trim(sink.name()).await;
                trimmed = Some(Instant::now());
            }
            match self.turn(sink).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, sink = %sink.name(), "events can't be sent on while the database can't be reached; trying again");
                    tokio::time::sleep(self.pace.poll.min(Duration::from_secs(1))).await;
                }
            }
            let due = match self.store.feed_due(sink.name(), &self.owner).await {
                Ok(Some(at)) => (at - self.clock.now()).to_std().unwrap_or_default().min(self.pace.poll),
                _ => self.pace.poll,
            };
            tokio::select! {
                _ = wake.changed() => {}
                () = tokio::time::sleep(due.clamp(Duration::from_millis(5), self.pace.trim)) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Sends one claim; false when nothing is due.
    async fn turn(&self, sink: &dyn AnalyticsSource) -> PortResult<bool> {
        let name = sink.name();
        let Some(claim) = self.store.claim_feed(name, &self.owner, self.pace.batch, self.pace.lease).await? else { return Ok(false) };
        let epoch = claim.epoch;
        let settled = self.sent(sink, claim).await;
        count(name, &settled);
        // What the service has must not be forgotten because the database was busy for a moment.
        let mut pause = Duration::from_millis(100);
        loop {
            match self.store.settle_feed(name, &self.owner, epoch, settled.clone()).await {
                Ok(held) => {
                    if !held {
                        tracing::info!(sink = %name, "another process took the lane over while events were sent; it may send some of them again");
                    }
                    return Ok(true);
                }
                Err(error) if pause > Duration::from_secs(10) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, sink = %name, "that events were sent can't be noted yet");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
            }
        }
    }

    async fn sent(&self, sink: &dyn AnalyticsSource, claim: FeedClaim) -> FeedSettlement {
        let FeedClaim { epoch, attempts, events } = claim;
        let parcels = parcel::parcels(events, sink.capabilities().counts_twice);
        let sending = futures::stream::iter(parcels)
            .map(|parcel| parcel::send(sink, parcel, attempts, &*self.clock, &self.pace))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>();
        let mut sending = std::pin::pin!(sending);
        let mut renewal = tokio::time::interval(self.pace.lease / 3);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewal.tick().await;
        loop {
            tokio::select! {
                all = &mut sending => return parcel::together(all),
                _ = renewal.tick() => {
                    if let Err(error) = self.store.renew_feed(sink.name(), &self.owner, epoch, self.pace.lease).await {
                        tracing::debug!(%error, "a claim of events can't be held just now");
                    }
                }
            }
        }
    }

    async fn trim(&self, sink: &SourceName) {
        loop {
            match self.store.trim_feed(sink, &self.owner, self.pace.room).await {
                Ok(0) => return,
                Ok(dropped) => {
                    metrics::counter!("bellhop_feed_dropped_total", "sink" => sink.to_string()).increment(dropped);
                    tracing::warn!(%sink, dropped, room = self.pace.room, "more events wait for a service than there is room for; the oldest were dropped");
                }
                Err(error) => {
                    tracing::debug!(%error, "how many events wait can't be looked up now");
                    return;
                }
            }
        }
    }
}

fn count(sink: &SourceName, settled: &FeedSettlement) {
    metrics::counter!("bellhop_feed_sent_total", "sink" => sink.to_string()).increment(settled.sent.len() as u64);
    metrics::counter!("bellhop_feed_refused_total", "sink" => sink.to_string()).increment(settled.refused.len() as u64);
    if let Some((_, reason)) = settled.refused.first() {
        tracing::warn!(%sink, refused = settled.refused.len(), %reason, "a service refused events; `outbox events` lists them");
    }
    if let Some((until, why, _)) = &settled.rest {
        tracing::info!(%sink, %until, %why, "events wait until the service can be asked again");
    }
}
