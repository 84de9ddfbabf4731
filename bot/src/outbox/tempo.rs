//! The least time between two messages in one channel, kept within one delivery: its messages, edits and uploads. Between
//! deliveries the lane itself rests.

use bellhop_core::Lane;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// When something was last said in which lane.
pub(super) struct Tempo {
    pause: Duration,
    answered: Mutex<HashMap<Lane, Instant>>,
}

impl Tempo {
    pub(super) fn new(pause: Duration) -> Self {
        Self { pause, answered: Mutex::default() }
    }

    /// Says something when the lane's turn has come, and notes when the answer came, whatever it was: a refused message
    /// may count at the platform, too.
    pub(super) async fn spoken<T>(&self, lane: &Lane, call: impl Future<Output = T>) -> T {
        if self.pause.is_zero() {
            return call.await;
        }
        tokio::time::sleep(self.rest(lane)).await;
        let answer = call.await;
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).insert(lane.clone(), Instant::now());
        answer
    }

    /// How long the lane still has to rest.
    pub(super) fn rest(&self, lane: &Lane) -> Duration {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.get(lane).map_or(Duration::ZERO, |at| self.pause.saturating_sub(at.elapsed()))
    }
}
