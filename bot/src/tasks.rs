//! The tasks of one bot: named, stopped together, waited for in order.

use bellhop_core::ports::Stop;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// Tasks that end when told to stop.
#[derive(Clone, Default)]
pub struct Tasks {
    stop: Stop,
    running: Arc<Mutex<JoinSet<&'static str>>>,
}

impl Tasks {
    /// The signal that ends them.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Starts a task. It is expected to end soon after the stop signal; one that ends before by panicking is logged.
    pub fn start(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = running.try_join_next() {
            report(ended);
        }
        running.spawn(async move {
            task.await;
            name
        });
    }

    /// Tells all to stop, and waits for them at most this long. Says which did not end.
    pub async fn finish(&self, patience: Duration) {
        self.stop.cancel();
        let mut running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async {
            while let Some(ended) = running.join_next().await {
                report(ended);
            }
        };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!(
                left = running.len(),
                "some tasks did not end in time and are cut off; what they had in hand is kept and goes on at the next start"
            );
            running.abort_all();
        }
    }
}

fn report(ended: Result<&'static str, tokio::task::JoinError>) {
    match ended {
        Ok(name) => tracing::debug!(task = name, "ended"),
        Err(error) if error.is_panic() => tracing::error!(%error, "a task panicked"),
        Err(_) => {}
    }
}
