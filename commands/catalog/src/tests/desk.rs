//! The desk of alerts in memory.

use super::world::now;
use async_trait::async_trait;
use bellhop_core::alert::{Alert, AlertInput, AlertSignal, apply};
use bellhop_core::ids::Fingerprint;
use bellhop_core::ports::{AlertDesk, AlertFilter, NewAlert};
use bellhop_core::{Call, CommandError, nearest};
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::sync::Mutex;

#[derive(Default)]
pub(super) struct Desk(pub Mutex<Vec<Alert>>);
impl Desk {
    /// Makes an alert fire.
    pub fn fire(&self, id: &str, name: &str, severity: &str) {
        let at = now() - TimeDelta::minutes(10);
        let signal = AlertSignal {
            fingerprint: Fingerprint::new(id),
            source: "generic".into(),
            firing: true,
            name: name.into(),
            severity: severity.into(),
            summary: "p99 is over 2 s".into(),
            description: String::new(),
            labels: BTreeMap::from([("service".into(), "api".into()), ("zone".into(), "eu-1".into())]),
            url: "https://grafana.example/d/1".into(),
            starts_at: at,
            ends_at: None,
            received: at,
            to: Vec::new(),
        };
        let (alert, _) = apply(None, AlertInput::Signal(signal));
        self.0.lock().unwrap().push(Alert { id: id.into(), ..alert.unwrap() });
    }

    fn change(&self, id: &str, input: AlertInput) -> Alert {
        let mut all = self.0.lock().unwrap();
        let at = all.iter().position(|alert| alert.id == id).unwrap();
        let (alert, _) = apply(Some(all[at].clone()), input);
        all[at] = alert.unwrap();
        all[at].clone()
    }
}
#[async_trait]
impl AlertDesk for Desk {
    async fn list(&self, filter: &AlertFilter) -> Result<Vec<Alert>, CommandError> {
        let all = self.0.lock().unwrap();
        Ok(all
            .iter()
            .filter(|alert| filter.states.is_empty() || filter.states.contains(&alert.state))
            .take(filter.limit)
            .cloned()
            .collect())
    }
    async fn get(&self, id: &str) -> Result<Alert, CommandError> {
        let all = self.0.lock().unwrap();
        all.iter().find(|alert| alert.id == id || alert.signal.name == id || alert.signal.fingerprint.as_str() == id).cloned().ok_or_else(
            || {
                let nearest = nearest::nearest(id, all.iter().map(|alert| alert.signal.name.as_str())).map(str::to_owned);
                CommandError::NotFound { what: "alert", name: id.into(), nearest }
            },
        )
    }
    async fn raise(&self, call: &Call, new: &NewAlert) -> Result<(Alert, bool), CommandError> {
        let signal = AlertSignal {
            fingerprint: Fingerprint::new(format!("{} {:?}", new.name, new.labels)),
            source: "person".into(),
            firing: true,
            name: new.name.clone(),
            severity: new.severity.clone(),
            summary: new.summary.clone(),
            description: String::new(),
            labels: new.labels.clone(),
            url: new.url.clone(),
            starts_at: call.now,
            ends_at: None,
            received: call.now,
            to: Vec::new(),
        };
        let mut all = self.0.lock().unwrap();
        let at = all.iter().position(|alert| alert.signal.fingerprint == signal.fingerprint);
        let kept = at.map(|at| all.remove(at));
        let id = kept.as_ref().map_or_else(|| format!("a{}", all.len()), |alert| alert.id.clone());
        let (alert, change) = apply(kept, AlertInput::Signal(signal));
        let alert = Alert { id, ..alert.unwrap() };
        all.push(alert.clone());
        Ok((alert, change == bellhop_core::alert::Change::State))
    }
    async fn acknowledge(&self, call: &Call, id: &str) -> Result<Alert, CommandError> {
        Ok(self.change(id, AlertInput::Acknowledge { who: call.caller.name.clone(), at: call.now }))
    }
    async fn unacknowledge(&self, call: &Call, id: &str) -> Result<Alert, CommandError> {
        Ok(self.change(id, AlertInput::Unacknowledge { who: call.caller.name.clone(), at: call.now }))
    }
    async fn resolve(&self, call: &Call, id: &str) -> Result<Alert, CommandError> {
        Ok(self.change(id, AlertInput::Resolve { who: call.caller.name.clone(), at: call.now }))
    }
}
