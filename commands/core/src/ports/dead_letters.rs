//! What could not be delivered, and will not be by itself.

use super::PortResult;
use crate::address::Address;
use crate::clock::Timestamp;
use async_trait::async_trait;

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number.
    pub number: i64,
    /// Where it should have gone.
    pub to: Address,
    /// What it is about, on one line.
    pub about: String,
    /// Why it was given up.
    pub why: String,
    /// When it was given up.
    pub since: Timestamp,
}

/// The messages that were given up. They are kept until someone sends them once more.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// The newest first, at most `limit`.
    async fn list(&self, limit: usize) -> PortResult<Vec<DeadLetter>>;

    /// Queues one again, behind what waits for the same place. `NotFound` when there is none of that number.
    async fn retry(&self, number: i64) -> PortResult<()>;
}
