//! What the bot itself has been doing.

use super::PortResult;
use crate::analytics::Quota;
use crate::clock::Timestamp;
use crate::ids::SourceName;
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

/// What was asked of a source of analytics, and what is left of its allowances.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceUsage {
    /// The source.
    pub source: SourceName,
    /// How often it was asked anything.
    pub calls: i64,
    /// How many of these failed.
    pub errors: i64,
    /// How many answers were still at hand, so that it was not asked.
    pub kept: i64,
    /// What its answers cost, by unit.
    pub cost: Vec<(String, f64)>,
    /// Its allowances, as they were last seen.
    pub quotas: Vec<Quota>,
    /// Why it isn't asked just now, and until when.
    pub rests: Option<(String, Timestamp)>,
    /// How many events it was sent of those that own events take in.
    pub sent: i64,
    /// How many of those it refused.
    pub refused: i64,
}

/// Figures about the bot's own work.
#[async_trait]
pub trait UsageBook: Send + Sync {
    /// What was done since then.
    async fn usage(&self, since: Timestamp) -> PortResult<Vec<UsageRow>>;

    /// What was asked of the sources of analytics since then, and what they have left.
    async fn sources(&self, since: Timestamp) -> PortResult<Vec<SourceUsage>> {
        let _ = since;
        Ok(Vec::new())
    }

    /// Facts about how the bot is now, for `status`: each a name and a value.
    async fn health(&self) -> PortResult<Vec<(String, String)>>;
}
