//! Delivers what is to be said: claim -> fit -> render -> deliver -> settle. One delivery per lane at a time, first in,
//! first out; nothing is sent again before it was looked up.

mod beside;
mod dead;
mod delivery;
mod settle;
mod tempo;
mod upload;

pub use dead::GivenUp;
pub use delivery::{Delivery, Tried, draw};

use crate::alerts::{Own, Waiting, routes};
use crate::platforms::ChatDirectory;
use crate::sources::OwnUse;
use crate::tasks::Tasks;
use bellhop_core::UserRef;
use bellhop_core::call::{Audience, Handle};
use bellhop_core::card::Card;
use bellhop_core::clock::Clock;
use bellhop_core::ports::{Links, Stores};
use bellhop_store::{Claimed, Effects, Settlement, Store};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// What a row of the outbox carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Payload {
    /// What is said.
    pub card: Card,
    /// Who sees it.
    #[serde(default)]
    pub audience: Audience,
    /// Whose command it answers.
    #[serde(default)]
    pub answers: Option<UserRef>,
    /// What the adapter gave with the event that it answers.
    #[serde(default)]
    pub reply: Option<Handle>,
    /// Whether it is rather not shown than shown twice, where the platform can't tell whether it was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub once: bool,
}

/// The patience of the outbox.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long to wait before looking up whether something was posted: at least the time-out of a request.
    pub quarantine: Duration,
    /// How long a claim holds.
    pub lease: Duration,
    /// How many deliveries are under way at once.
    pub in_flight: usize,
    /// How often to look for what other processes have put in.
    pub poll: Duration,
    /// After how many failed tries a delivery goes to the dead letters.
    pub tries: u32,
    /// How often a long upload shows how far it is.
    pub progress: Duration,
    /// How long to wait before a place that could not be found is looked for again.
    pub look: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            quarantine: Duration::from_secs(10),
            lease: Duration::from_mins(1),
            in_flight: 64,
            poll: Duration::from_millis(250),
            tries: 20,
            progress: Duration::from_secs(3),
            look: Duration::from_secs(5),
        }
    }
}

/// The worker.
pub struct Outbox {
    store: Store,
    clock: Arc<dyn Clock>,
    owner: String,
    pace: Pace,
    delivery: Arc<Delivery>,
    waiting: Arc<Waiting>,
    own: Arc<Own>,
    own_use: OwnUse,
    /// The longest that a lane rests after something was said in it.
    pause: Duration,
}

/// What an outbox works with.
pub struct Hands {
    /// The platforms.
    pub chats: Arc<ChatDirectory>,
    /// File stores, for what is uploaded.
    pub stores: Arc<dyn Stores>,
    /// Links, for what is too large to be uploaded.
    pub links: Arc<dyn Links>,
    /// Alerts whose place is not found yet.
    pub waiting: Arc<Waiting>,
    /// Trouble with platforms.
    pub own: Arc<Own>,
    /// Whether deliveries are noted as events.
    pub own_use: OwnUse,
}

impl Outbox {
    /// A worker that claims as `owner`.
    pub fn new(store: Store, clock: Arc<dyn Clock>, with: Hands, owner: String, pace: Pace) -> Self {
        let Hands { chats, stores, links, waiting, own, own_use } = with;
        let pause = chats.all().map(|chat| chat.capabilities().pause).max().unwrap_or_default();
        let delivery = Arc::new(Delivery::new(chats, stores, links, clock.clone(), pace.progress));
        Self { store, clock, owner, pace, delivery, waiting, own, own_use, pause }
    }

    /// Delivers until told to stop; then what is under way is finished and settled.
    pub async fn run(self, tasks: Tasks) {
        let stop = tasks.stop();
        let (done, mut finished) = mpsc::unbounded_channel::<Settlement>();
        let mut under_way = JoinSet::new();
        let mut settlements: Vec<Settlement> = Vec::new();
        // What is on its way, so that its claim can be held for as long as it takes.
        let mut held = HashMap::new();
        let mut renewal = tokio::time::interval(self.pace.lease / 3);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let stopping = stop.is_cancelled();
            let free = if stopping { 0 } else { self.pace.in_flight.saturating_sub(under_way.len()) };
            // The settlements stay in hand until the database has taken them.
            match self.store.settle_and_claim(&self.owner, settlements.clone(), free, self.pace.lease).await {
                Ok(claimed) => {
                    for settled in settlements.drain(..) {
                        held.remove(&settled.seq);
                    }
                    for row in claimed {
                        held.insert(row.seq, row.epoch);
                        under_way.spawn(self.deliver(row, done.clone()));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the outbox can't reach the database; trying again");
                    tokio::time::sleep(self.pace.poll).await;
                }
            }
            if stopping && under_way.is_empty() && settlements.is_empty() {
                return;
            }
            tokio::select! {
                settled = finished.recv() => settlements.extend(settled),
                // Without room nothing more can be claimed: what ends makes room.
                () = self.idle(), if !stopping && under_way.len() < self.pace.in_flight => {}
                _ = renewal.tick(), if !held.is_empty() => self.hold(&held).await,
                () = stop.cancelled(), if !stopping => {}
                // Only while stopping: settlements arrive just before their task ends.
                () = tokio::time::sleep(self.pace.poll), if stopping => {}
            }
            while let Ok(settlement) = finished.try_recv() {
                settlements.push(settlement);
            }
            while under_way.try_join_next().is_some() {}
        }
    }

    /// Delivers what is due now, once, and returns when nothing more is. For a process that has no bot beside it.
    pub async fn drain(self) {
        let mut settlements = Vec::new();
        let (done, mut finished) = mpsc::unbounded_channel();
        loop {
            let claimed = match self
                .store
                .settle_and_claim(&self.owner, std::mem::take(&mut settlements), self.pace.in_flight, self.pace.lease)
                .await
            {
                Ok(claimed) if claimed.is_empty() => match self.resting().await {
                    // A lane that only rests is waited for; what has failed is not.
                    Some(rest) => {
                        tokio::time::sleep(rest).await;
                        continue;
                    }
                    None => return,
                },
                Ok(claimed) => claimed,
                Err(error) => {
                    tracing::warn!(%error, "the outbox can't reach the database; what waits is delivered at the next start");
                    return;
                }
            };
            let deliveries = claimed.into_iter().map(|row| self.deliver(row, done.clone()));
            futures::future::join_all(deliveries).await;
            while let Ok(settlement) = finished.try_recv() {
                settlements.push(settlement);
            }
        }
    }

    /// How long until the next is due, where that is no longer than lanes rest between messages.
    async fn resting(&self) -> Option<Duration> {
        let due = self.store.next_due().await.ok()??;
        let rest = (due - self.clock.now()).to_std().unwrap_or_default().max(Duration::from_millis(1));
        (rest <= self.pause).then_some(rest)
    }

    fn deliver(&self, row: Claimed, done: mpsc::UnboundedSender<Settlement>) -> impl Future<Output = ()> + Send + 'static {
        let (delivery, clock, pace) = (self.delivery.clone(), self.clock.clone(), self.pace);
        let (waiting, own, own_use, store) = (self.waiting.clone(), self.own.clone(), self.own_use, self.store.clone());
        async move {
            let chat = row.to.chat.clone();
            let age = (clock.now() - row.created_at).to_std().unwrap_or_default();
            let tried = if routes::is_waiting(&row.to) {
                Tried { parts: Vec::new(), failure: waiting.forward(&row).await.err(), rest_until: None }
            } else {
                let tried = delivery.deliver(&row).await;
                own.delivered(&row.to, tried.failure.as_ref()).await;
                tried
            };
            let (settlement, put_off) = settle::settlement(&row, tried, clock.now(), pace);
            settle::count(&chat, &settlement, put_off, age);
            let events = own_use.delivery(&row, &settlement, clock.now());
            if !events.is_empty()
                && let Err(error) = store.commit(Effects { events, ..Effects::default() }).await
            {
                tracing::debug!(%error, "a delivery can't be noted");
            }
            // The receiver lives as long as any delivery does.
            let _ = done.send(settlement);
        }
    }

    async fn hold(&self, held: &HashMap<i64, i64>) {
        let claims: Vec<(i64, i64)> = held.iter().map(|(seq, epoch)| (*seq, *epoch)).collect();
        if let Err(error) = self.store.renew_claims(&self.owner, &claims, self.pace.lease).await {
            tracing::debug!(%error, "claims can't be held just now");
        }
    }

    /// Returns when there may be something to do: something was put in by this process or another, or became due.
    async fn idle(&self) {
        let wake = self.store.outbox_wake();
        let due = match self.store.next_due().await {
            Ok(Some(at)) => (at - self.clock.now()).to_std().unwrap_or_default().min(self.pace.poll),
            _ => self.pace.poll,
        };
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep(due.max(Duration::from_millis(1))) => {}
        }
    }
}

/// A payload that says a card to everyone at a place.
#[must_use]
pub fn notice(card: Card) -> Payload {
    Payload { card, audience: Audience::Everyone, answers: None, reply: None, once: false }
}
