//! Applies what was reported to what is kept, in batches: one transaction changes the alerts, puts their cards into the
//! outbox and settles the reports. A crash before it leaves everything to be done again, a crash after it nothing.

use super::routes::{Destination, Routes};
use crate::outbox::{Payload, notice};
use crate::sources::OwnUse;
use crate::tasks::Tasks;
use bellhop_core::Address;
use bellhop_core::alert::{Alert, AlertInput, AlertSignal, AlertState, Change, apply};
use bellhop_core::analytics::NewEvent;
use bellhop_core::clock::{Clock, Ids};
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ids::{CardKey, DeliveryKey, Fingerprint};
use bellhop_core::ports::{AlertFilter, PortResult};
use bellhop_store::{AlertWrite, Effects, InboxKind, InboxRow, InboxSettled, NewDelivery, NewInbox, Store, UsageCount};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What the key of an alert's card begins with; its fingerprint follows.
pub(super) const CARD: &str = "alert:";
/// The most reports in one transaction: few enough that whoever waits for an acknowledgement meanwhile doesn't wait long.
const BATCH: usize = 32;
/// How long claimed reports belong to this process.
const LEASE: Duration = Duration::from_secs(30);
/// How often a batch is tried again because someone changed one of its alerts meanwhile.
const CONFLICTS: u32 = 20;
/// How often alerts whose sender said an end are looked over.
const EXPIRY: Duration = Duration::from_secs(15);

/// The engine.
pub struct Engine {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    routes: OnceLock<Routes>,
    own_use: OwnUse,
}

impl Engine {
    /// An engine that has no routes yet.
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { store, clock, ids, routes: OnceLock::new(), own_use: OwnUse::default() }
    }

    /// The same, which notes changes of alerts as events where that is wanted.
    #[must_use]
    pub fn noting(self, own_use: OwnUse) -> Self {
        Self { own_use, ..self }
    }

    /// What is noted of an alert that has changed.
    pub(super) fn noted(&self, alert: &Alert) -> Vec<NewEvent> {
        if self.own_use.wanted() { self.own_use.alert(alert, self.clock.now(), &self.ids.next()) } else { Vec::new() }
    }

    /// Gives the routes, once.
    pub fn route(&self, routes: Routes) {
        let _ = self.routes.set(routes);
    }

    /// Keeps reports durably; the sender may be told once this returns. `keys` are the sender's own ids, where it gives
    /// some: one report under the same key counts once.
    pub async fn accept(&self, source: &'static str, signals: Vec<AlertSignal>, key: Option<&str>) -> PortResult<usize> {
        let mut rows = Vec::with_capacity(signals.len());
        for (at, signal) in signals.iter().enumerate() {
            let body = serde_json::to_string(signal)
                .map_err(|error| PortError::new(PortErrorKind::Broken, "alerts", "accept", error.to_string()))?;
            let key = key.map_or_else(|| self.ids.next(), |key| format!("{key}/{at}"));
            rows.push(NewInbox { source: format!("alerts.{source}"), key, kind: InboxKind::Alert, body });
        }
        let count = rows.len();
        if count > 0 {
            self.store.accept(rows).await?;
            metrics::counter!("bellhop_events_accepted_total", "source" => source).increment(count as u64);
        }
        Ok(count)
    }

    /// Works reports off until told to stop.
    pub async fn run(self: Arc<Self>, owner: String, poll: Duration, tasks: Tasks) {
        let stop = tasks.stop();
        let wake = self.store.inbox_wake(InboxKind::Alert);
        while !stop.is_cancelled() {
            match self.store.claim_inbox(InboxKind::Alert, &owner, BATCH, LEASE).await {
                Ok(rows) if rows.is_empty() => {
                    tokio::select! {
                        () = wake.notified() => {}
                        () = tokio::time::sleep(poll) => {}
                        () = stop.cancelled() => {}
                    }
                }
                Ok(rows) => {
                    while let Err(error) = self.work_off(&rows).await {
                        tracing::warn!(%error, "alerts can't be worked off; trying again");
                        tokio::time::sleep(poll).await;
                        if stop.is_cancelled() {
                            return;
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "alerts can't reach the database; trying again");
                    tokio::time::sleep(poll).await;
                }
            }
        }
    }

    /// Ends alerts whose sender gave an end that has passed without a renewal, until told to stop.
    pub async fn expire(self: Arc<Self>, tasks: Tasks) {
        let stop = tasks.stop();
        loop {
            tokio::select! {
                () = tokio::time::sleep(EXPIRY) => {}
                () = stop.cancelled() => return,
            }
            if let Err(error) = self.expire_once().await {
                tracing::debug!(%error, "ended alerts can't be looked up");
            }
        }
    }

    async fn expire_once(&self) -> PortResult<()> {
        let filter = AlertFilter { states: vec![AlertState::Firing, AlertState::Acknowledged], limit: 100_000 };
        let now = self.clock.now();
        let over = self.store.alerts(&filter).await?.into_iter().filter(|kept| kept.value.signal.ends_at.is_some_and(|end| end <= now));
        let ended: Vec<AlertSignal> = over.map(|kept| AlertSignal { firing: false, received: now, ..kept.value.signal }).collect();
        self.accept("expiry", ended, None).await.map(|_| ())
    }

    async fn work_off(&self, rows: &[InboxRow]) -> PortResult<()> {
        for _ in 0..CONFLICTS {
            let effects = self.effects_of(rows).await?;
            match self.store.commit(effects).await {
                // Someone acknowledged one of them meanwhile: what is kept is read anew.
                Err(error) if error.kind == PortErrorKind::Conflict => {}
                other => return other,
            }
        }
        // The rows themselves were settled by another replica, whose changes are written.
        tracing::debug!(rows = rows.len(), "a batch of alerts was worked off by another");
        Ok(())
    }

    async fn effects_of(&self, rows: &[InboxRow]) -> PortResult<Effects> {
        let mut effects = Effects::default();
        let mut signals: Vec<AlertSignal> = Vec::with_capacity(rows.len());
        for row in rows {
            let read = serde_json::from_str(&row.body);
            let error = read.as_ref().err().map(|error: &serde_json::Error| format!("can't be read: {error}"));
            signals.extend(read.ok());
            effects.settle.push(InboxSettled { seq: row.seq, done: true, error });
        }
        let mut wanted: Vec<Fingerprint> = signals.iter().map(|signal| signal.fingerprint.clone()).collect();
        wanted.sort();
        wanted.dedup();
        let kept = self.store.alerts_by_fingerprint(&wanted).await?;
        let mut alerts: HashMap<Fingerprint, Working> = kept
            .into_iter()
            .map(|kept| {
                (
                    kept.value.signal.fingerprint.clone(),
                    Working { version: Some(kept.version), alert: Some(kept.value), change: Change::None, touched: false, renewed: false },
                )
            })
            .collect();
        wanted.retain(|fingerprint| !alerts.contains_key(fingerprint));
        // A new alert's card has buttons that name it, so its id is settled with it.
        let ids: HashMap<Fingerprint, String> = match wanted.as_slice() {
            [] => HashMap::new(),
            fresh => fresh.iter().cloned().zip(self.store.alert_ids(fresh).await?).collect(),
        };
        // In the order in which they were reported, so that the last word counts.
        let mut order = Vec::new();
        for signal in signals {
            let fingerprint = signal.fingerprint.clone();
            let working = alerts.entry(fingerprint.clone()).or_default();
            let times = |alert: &Alert| (alert.signal.starts_at, alert.signal.ends_at);
            let before = working.alert.as_ref().map(times);
            let (alert, change) = apply(working.alert.take(), AlertInput::Signal(signal));
            // A sender that renews an alert moves its end, and an end may come before its beginning: nobody sees either, but
            // both must be kept.
            working.renewed |= alert.as_ref().map(times) != before;
            working.alert = alert;
            if !working.touched {
                working.touched = true;
                order.push(fingerprint);
            }
            if change != Change::None && working.change != Change::State {
                working.change = change;
            }
        }
        let mut changed = 0;
        for fingerprint in order {
            let Some(Working { version, alert: Some(mut alert), change, renewed, .. }) = alerts.remove(&fingerprint) else { continue };
            if let Some(id) = ids.get(&fingerprint).filter(|_| alert.id.is_empty()) {
                id.clone_into(&mut alert.id);
            }
            if change != Change::None {
                changed += 1;
                effects.outbox.extend(self.cards(&alert));
                effects.events.extend(self.noted(&alert));
            }
            if change != Change::None || renewed {
                effects.alerts.push(AlertWrite { alert, expected_version: version });
            }
        }
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        effects.usage.push(UsageCount { what: "alerts".into(), which: "reports".into(), done: count, failed: 0 });
        if changed > 0 {
            effects.usage.push(UsageCount { what: "alerts".into(), which: "changes".into(), done: changed, failed: 0 });
        }
        Ok(effects)
    }

    /// The deliveries that bring an alert's cards up to date everywhere.
    pub fn cards(&self, alert: &Alert) -> Vec<NewDelivery> {
        let Some(routes) = self.routes.get() else { return Vec::new() };
        self.cards_at(alert, routes.of(&alert.signal))
    }

    fn cards_at(&self, alert: &Alert, to: Vec<Address>) -> Vec<NewDelivery> {
        if to.is_empty() {
            return Vec::new();
        }
        let card = bellhop_catalog::alert_card(alert, self.clock.now());
        let routes = self.routes.get();
        let payload = |to: &Address| {
            let once = routes.is_some_and(|routes| routes.once(&alert.signal, to));
            serde_json::to_value(Payload { once, ..notice(card.clone()) }).unwrap_or_default()
        };
        let card_key = CardKey::new(format!("{CARD}{}", alert.signal.fingerprint));
        to.into_iter()
            .map(|to| NewDelivery {
                key: DeliveryKey::new(self.ids.next()),
                payload: payload(&to),
                to,
                card_key: Some(card_key.clone()),
                not_before: None,
            })
            .collect()
    }

    /// The places that routes name.
    #[must_use]
    pub fn destinations(&self) -> Vec<Arc<Destination>> {
        self.routes.get().map(|routes| routes.destinations().cloned().collect()).unwrap_or_default()
    }

    /// Lets go on what waited for a place that is found by now.
    pub async fn go_on(&self, place: &Destination) -> PortResult<()> {
        self.store.hurry(&place.waiting()).await
    }

    /// Shows an alert as it is now at these places, or where its routes lead when none is given. One that is no longer kept
    /// has nothing to show.
    pub async fn show(&self, fingerprint: &Fingerprint, to: &[Address]) -> PortResult<()> {
        loop {
            let Some(kept) = self.store.alerts_by_fingerprint(std::slice::from_ref(fingerprint)).await?.pop() else { return Ok(()) };
            let outbox = if to.is_empty() { self.cards(&kept.value) } else { self.cards_at(&kept.value, to.to_vec()) };
            // Written with what it was read as: a change that comes in between must not be shown before this and then be
            // covered by it.
            let alerts = vec![AlertWrite { alert: kept.value, expected_version: Some(kept.version) }];
            match self.store.commit(Effects { outbox, alerts, ..Effects::default() }).await {
                Err(error) if error.kind == PortErrorKind::Conflict => {}
                other => return other,
            }
        }
    }
}

/// An alert while a batch is worked off.
struct Working {
    version: Option<i64>,
    alert: Option<Alert>,
    change: Change,
    touched: bool,
    renewed: bool,
}

impl Default for Working {
    fn default() -> Self {
        Self { version: None, alert: None, change: Change::None, touched: false, renewed: false }
    }
}
