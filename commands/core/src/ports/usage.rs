//! What the bot itself has been doing.

use super::PortResult;
use crate::clock::Timestamp;
use async_trait::async_trait;

/// A figure about the bot's own work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// What is counted: `commands`, `deliveries`, `alerts`, `events`, or a service's calls.
    pub what: String,
    /// Of what in particular: a command's name, a lane's platform, or empty.
    pub which: String,
    /// How many succeeded.
    pub done: i64,
    /// How many failed.
    pub failed: i64,
}

/// Figures about the bot's own work.
#[async_trait]
pub trait UsageBook: Send + Sync {
    /// What was done since then.
    async fn usage(&self, since: Timestamp) -> PortResult<Vec<UsageRow>>;

    /// Facts about how the bot is now, for `status`: each a name and a value.
    async fn health(&self) -> PortResult<Vec<(String, String)>>;
}
