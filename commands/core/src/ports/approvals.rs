//! Commands that wait to be confirmed.

use crate::call::{Call, Reply};
use crate::error::CommandError;
use async_trait::async_trait;

/// Runs what was proposed, once, for someone who may run it.
#[async_trait]
pub trait Approvals: Send + Sync {
    /// Runs the command that was frozen under this id, as the one who approves, whose permission is checked again. An
    /// id runs at most once, however many approve at the same moment. `NotFound` for an id that is unknown, expired or
    /// used.
    async fn approve(&self, call: &Call, id: &str) -> Result<Reply, CommandError>;

    /// Drops a proposal: nothing runs.
    async fn decline(&self, call: &Call, id: &str) -> Result<Reply, CommandError>;
}
