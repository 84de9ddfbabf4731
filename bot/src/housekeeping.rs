//! What has to be done now and then: work of dead replicas is taken back, and what is old is deleted.

use crate::tasks::Tasks;
use bellhop_store::{Backend, Store};
use std::time::Duration;

/// Takes back what dead processes had claimed (where others may die while this one lives), and deletes what is old.
pub async fn keep(store: Store, quarantine: Duration, tasks: Tasks) {
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
        round = round.wrapping_add(1);
    }
}
