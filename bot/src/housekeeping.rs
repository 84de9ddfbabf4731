//! What has to be done now and then: work of dead replicas is taken back, and what is old is deleted.

use crate::calls::CallBook;
use crate::tasks::Tasks;
use bellhop_core::clock::Clock;
use bellhop_core::ports::Stores;
use bellhop_store::{Backend, Store};
use std::sync::Arc;
use std::time::Duration;

/// Where calls that nobody goes on with may have left something.
pub struct LeftOver {
    /// The running calls.
    pub calls: Arc<CallBook>,
    /// The file stores, with uploads that were never finished.
    pub stores: Arc<dyn Stores>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl LeftOver {
    async fn tidy(&self, store: &Store) {
        if let Err(error) = self.calls.tidy(self.clock.now()).await {
            tracing::debug!(%error, "old calls can't be forgotten now");
        }
        match bellhop_catalog::tidy_transfers(&*self.stores, store, &*self.clock).await {
            Ok(0) => {}
            Ok(uploads) => tracing::info!(uploads, "unfinished uploads that nobody went on with were given up"),
            Err(error) => tracing::debug!(%error, "unfinished uploads can't be looked through now"),
        }
    }
}

/// Takes back what dead processes had claimed (where others may die while this one lives), and deletes what is old.
pub async fn keep(store: Store, quarantine: Duration, left_over: LeftOver, tasks: Tasks) {
    const EVERY: Duration = Duration::from_secs(5);
    const SWEEP_EACH: u32 = 120;
    let stop = tasks.stop();
    let mut round = 0_u32;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
        if store.backend() == Backend::Postgres
            && let Err(error) = store.recover(quarantine).await
        {
            tracing::debug!(%error, "what dead replicas had claimed can't be looked up");
        }
        if round.is_multiple_of(SWEEP_EACH)
            && let Err(error) = store.sweep().await
        {
            tracing::debug!(%error, "old rows can't be deleted now");
        }
        if round.is_multiple_of(SWEEP_EACH) {
            tokio::select! {
                () = left_over.tidy(&store) => {}
                () = stop.cancelled() => return,
            }
        }
        round = round.wrapping_add(1);
    }
}
