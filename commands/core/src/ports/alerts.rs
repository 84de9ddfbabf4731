//! The desk where alerts are kept.

use crate::alert::{Alert, AlertState};
use crate::call::Call;
use crate::error::CommandError;
use async_trait::async_trait;

/// Which alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// In one of these states; empty for any.
    pub states: Vec<AlertState>,
    /// At most this many, the newest change first.
    pub limit: usize,
}

/// Keeps alerts and changes them. Every change reaches each of the alert's cards.
#[async_trait]
pub trait AlertDesk: Send + Sync {
    /// Alerts that match.
    async fn list(&self, filter: &AlertFilter) -> Result<Vec<Alert>, CommandError>;

    /// One alert by its short id, its fingerprint or, where only one fits, its name. `NotFound` with the nearest.
    async fn get(&self, id: &str) -> Result<Alert, CommandError>;

    /// Someone takes care of it.
    async fn acknowledge(&self, call: &Call, id: &str) -> Result<Alert, CommandError>;

    /// Nobody takes care of it any more.
    async fn unacknowledge(&self, call: &Call, id: &str) -> Result<Alert, CommandError>;

    /// It is over, whatever its sender says. If the sender reports it firing again with a later start, it fires again.
    async fn resolve(&self, call: &Call, id: &str) -> Result<Alert, CommandError>;
}
