//! What has to be done now and then: work of dead replicas is taken back, what is old is deleted, and file stores that no
//! service looks after carry out their lifecycle rules.

use crate::calls::CallBook;
use crate::tasks::Tasks;
use bellhop_core::clock::Clock;
use bellhop_core::ports::{Stores, Tidied};
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

/// Tidies the file stores, now and once an hour.
pub async fn tidy(stores: Arc<dyn Stores>, tasks: Tasks) {
    const EVERY: Duration = Duration::from_secs(3600);
    let stop = tasks.stop();
    loop {
        tokio::select! {
            () = tidy_once(&*stores) => {}
            () = stop.cancelled() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn tidy_once(stores: &dyn Stores) {
    for name in stores.names() {
        let Ok(store) = stores.store(Some(&name)) else { continue };
        match store.tidy().await {
            Ok(done) if done == Tidied::default() => {}
            Ok(done) => tracing::info!(
                store = %name,
                expired = done.expired,
                versions = done.versions,
                markers = done.markers,
                uploads = done.uploads,
                leftovers = done.leftovers,
                freed_bytes = done.freed,
                "tidied a file store"
            ),
            Err(error) => tracing::warn!(store = %name, %error, "a file store could not be tidied; it is tried again in an hour"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::StoreDirectory;
    use bellhop_core::ports::{FileStore, LifecycleRule, NewFile, NoncurrentExpiry, When};
    use bellhop_kit::clock::{CountedIds, StoppedClock};
    use bellhop_local::{LocalConfig, LocalStore};
    use bellhop_store::Store;

    #[tokio::test]
    async fn lifecycle_rules_of_a_folder_are_carried_out() {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(StoppedClock::default());
        let ids = Arc::new(CountedIds::default());
        let files: Arc<dyn FileStore> =
            Arc::new(LocalStore::open("local".into(), &LocalConfig::at(home.path()), clock.clone(), ids.clone(), None).unwrap());
        let records = Store::open(&format!("sqlite:{}/records.db", home.path().display()), clock.clone(), ids).await.unwrap();
        let stores = StoreDirectory::new(vec![files.clone()], Arc::new(records));
        let write = async |text: &'static str| {
            let bytes = futures::stream::iter([Ok(bytes::Bytes::from_static(text.as_bytes()))]);
            files.write(NewFile::new("a", "text/plain", None), Box::pin(bytes)).await.unwrap();
        };
        write("one").await;
        write("two").await;
        let buckets = files.buckets().unwrap();
        let rule = LifecycleRule {
            id: "short".to_owned(),
            enabled: true,
            expire: Some(When::Days(3)),
            expire_noncurrent: Some(NoncurrentExpiry { days: 1, keep: None }),
            ..LifecycleRule::default()
        };
        buckets.add_lifecycle(buckets.own(), &rule).await.unwrap();
        tidy_once(&stores).await;
        assert_eq!(files.versions("a").await.unwrap().len(), 2);
        clock.advance(Duration::from_secs(86_400));
        tidy_once(&stores).await;
        assert_eq!(files.versions("a").await.unwrap().len(), 1);
        clock.advance(Duration::from_secs(2 * 86_400));
        tidy_once(&stores).await;
        assert!(files.head("a", None).await.is_err());
        assert_eq!(files.restore("a", None).await.unwrap().size, 3, "what expired can be restored where versions are kept");
    }
}
