//! What people do with alerts: look, take, give back, end. Every change goes to all of the alert's cards.

use super::engine::Engine;
use super::shapes;
use async_trait::async_trait;
use bellhop_core::alert::{Alert, AlertInput, AlertState, Change, apply};
use bellhop_core::call::Call;
use bellhop_core::error::{CommandError, PortErrorKind};
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{AlertDesk, AlertFilter, NewAlert};
use bellhop_store::{AlertWrite, Effects, Store, Versioned};
use chrono::TimeDelta;
use std::sync::Arc;

/// The desk over this database.
pub struct Desk {
    store: Store,
    engine: Arc<Engine>,
}

impl Desk {
    /// A desk whose changes the engine shows.
    pub fn new(store: Store, engine: Arc<Engine>) -> Self {
        Self { store, engine }
    }

    async fn find(&self, id: &str) -> Result<Versioned<Alert>, CommandError> {
        match self.store.alert_by_id(id).await {
            Err(error) if error.kind == PortErrorKind::NotFound => {}
            found => return Ok(found?),
        }
        let recent = self.store.alerts(&AlertFilter { states: Vec::new(), limit: 200 }).await?;
        let names = recent.iter().flat_map(|kept| [kept.value.id.as_str(), kept.value.signal.name.as_str()]);
        Err(CommandError::NotFound { what: "alert", name: id.to_owned(), nearest: nearest(id, names).map(str::to_owned) })
    }

    async fn change(&self, id: &str, input: AlertInput) -> Result<Alert, CommandError> {
        loop {
            let kept = self.find(id).await?;
            let (Some(alert), change) = apply(Some(kept.value), input.clone()) else {
                return Err(CommandError::not_found("alert", id));
            };
            if change == bellhop_core::alert::Change::None {
                return Ok(alert);
            }
            let effects = Effects {
                outbox: self.engine.cards(&alert),
                events: self.engine.noted(&alert),
                alerts: vec![AlertWrite { alert: alert.clone(), expected_version: Some(kept.version) }],
                ..Effects::default()
            };
            match self.store.commit(effects).await {
                Ok(()) => return Ok(alert),
                // Its sender reported meanwhile: look again.
                Err(error) if error.kind == PortErrorKind::Conflict => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[async_trait]
impl AlertDesk for Desk {
    async fn list(&self, filter: &AlertFilter) -> Result<Vec<Alert>, CommandError> {
        Ok(self.store.alerts(filter).await?.into_iter().map(|kept| kept.value).collect())
    }

    async fn get(&self, id: &str) -> Result<Alert, CommandError> {
        Ok(self.find(id).await?.value)
    }

    async fn raise(&self, call: &Call, new: &NewAlert) -> Result<(Alert, bool), CommandError> {
        let mut signal = shapes::by_hand(new, &call.caller.name, call.now);
        loop {
            let mut kept = self.store.alerts_by_fingerprint(std::slice::from_ref(&signal.fingerprint)).await?.pop();
            if let Some(over) = kept.as_ref().filter(|kept| kept.value.state == AlertState::Resolved) {
                // A person who raises it means now, whatever its sender's clock said.
                signal.starts_at = signal.starts_at.max(over.value.signal.starts_at + TimeDelta::microseconds(1));
            }
            let version = kept.as_ref().map(|kept| kept.version);
            let (Some(mut alert), change) = apply(kept.take().map(|kept| kept.value), AlertInput::Signal(signal.clone())) else {
                return Err(CommandError::Refused("this alert could not be raised".to_owned()));
            };
            if change == Change::None {
                return Ok((alert, false));
            }
            if alert.id.is_empty() {
                alert.id = self.store.alert_ids(std::slice::from_ref(&signal.fingerprint)).await?.pop().unwrap_or_default();
            }
            let effects = Effects {
                outbox: self.engine.cards(&alert),
                events: self.engine.noted(&alert),
                alerts: vec![AlertWrite { alert: alert.clone(), expected_version: version }],
                ..Effects::default()
            };
            match self.store.commit(effects).await {
                Ok(()) => return Ok((alert, change == Change::State)),
                // A sender reported it meanwhile: look again.
                Err(error) if error.kind == PortErrorKind::Conflict => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn acknowledge(&self, call: &Call, id: &str) -> Result<Alert, CommandError> {
        self.change(id, AlertInput::Acknowledge { who: call.caller.name.clone(), at: call.now }).await
    }

    async fn unacknowledge(&self, call: &Call, id: &str) -> Result<Alert, CommandError> {
        self.change(id, AlertInput::Unacknowledge { who: call.caller.name.clone(), at: call.now }).await
    }

    async fn resolve(&self, call: &Call, id: &str) -> Result<Alert, CommandError> {
        self.change(id, AlertInput::Resolve { who: call.caller.name.clone(), at: call.now }).await
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
