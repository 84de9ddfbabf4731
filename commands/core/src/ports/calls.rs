//! Commands that are running, wherever they run.

use crate::address::UserRef;
use crate::call::Call;
use crate::clock::Timestamp;
use crate::error::CommandError;
use crate::ids::CallId;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A call that is running, or that goes on when the bot is started again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunningCall {
    /// Its name.
    pub id: CallId,
    /// Whose it is.
    pub from: UserRef,
    /// Their name.
    pub name: String,
    /// What was said.
    pub line: String,
    /// When it began.
    pub since: Timestamp,
}

/// The calls that have been running for a moment, in every process that works on the same database.
#[async_trait]
pub trait Calls: Send + Sync {
    /// The running calls that this person may cancel, the oldest first.
    async fn running(&self, call: &Call) -> Result<Vec<RunningCall>, CommandError>;

    /// Asks a call to end, whoever runs it; within a few seconds it has. `NotFound` when no such call is running, `Refused`
    /// when it is another person's and the caller is no operator. Asking twice is harmless.
    async fn cancel(&self, call: &Call, id: &CallId) -> Result<RunningCall, CommandError>;
}
