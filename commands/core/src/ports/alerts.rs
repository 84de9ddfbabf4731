//! The desk where alerts are kept.

use crate::alert::{Alert, AlertState};
use crate::call::Call;
use crate::error::CommandError;
use async_trait::async_trait;
use std::collections::BTreeMap;

/// Which alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// In one of these states; empty for any.
    pub states: Vec<AlertState>,
    /// At most this many, the newest change first.
    pub limit: usize,
}

/// An alert that a person raises.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewAlert {
    /// What it is called.
    pub name: String,
    /// How bad it is: `critical`, `warning`, `info`, or anything else; may be empty.
    pub severity: String,
    /// A sentence about it, or empty.
    pub summary: String,
    /// Where to read more, or empty.
    pub url: String,
    /// Its labels. The name and the labels together make it the same alert as another.
    pub labels: BTreeMap<String, String>,
}

/// Keeps alerts and changes them. Every change reaches each of the alert's cards.
#[async_trait]
pub trait AlertDesk: Send + Sync {
    /// Alerts that match.
    async fn list(&self, filter: &AlertFilter) -> Result<Vec<Alert>, CommandError>;

    /// One alert by its short id, its fingerprint or, where only one fits, its name. `NotFound` with the nearest.
    async fn get(&self, id: &str) -> Result<Alert, CommandError>;

    /// A person raises an alert. It is the same as one that a sender reports with the same name and labels: while that one is
    /// on, what it says is changed and no second one is made. Returns the alert and whether it has begun to fire by this.
    async fn raise(&self, call: &Call, alert: &NewAlert) -> Result<(Alert, bool), CommandError>;

    /// Someone takes care of it.
    async fn acknowledge(&self, call: &Call, id: &str) -> Result<Alert, CommandError>;

    /// Nobody takes care of it any more.
    async fn unacknowledge(&self, call: &Call, id: &str) -> Result<Alert, CommandError>;

    /// It is over, whatever its sender says. If the sender reports it firing again with a later start, it fires again.
    async fn resolve(&self, call: &Call, id: &str) -> Result<Alert, CommandError>;
}
