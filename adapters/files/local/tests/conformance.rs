//! The folder store against every contract sentence of `FileStore`, with and without versions.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

use bellhop_core::ports::FileStore;
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_kit::conformance::files;
use bellhop_local::{LocalConfig, LocalStore};
use std::sync::Arc;

async fn judge(versions: bool) {
    let home = tempfile::tempdir().unwrap();
    let mut made = 0;
    files::suite(|| {
        made += 1;
        let config = LocalConfig { path: home.path().join(made.to_string()), versions };
        let store = LocalStore::open("local".into(), &config, Arc::new(StoppedClock::default()), Arc::new(CountedIds::default())).unwrap();
        async move { Arc::new(store) as Arc<dyn FileStore> }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_holds() {
    judge(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_holds_without_versions() {
    judge(false).await;
}
