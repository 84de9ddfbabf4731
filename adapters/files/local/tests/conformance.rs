//! The folder store against every contract sentence of `FileStore` and `Buckets`: with and without versions, encrypted and
//! not, as a folder's own files and as a bucket in it.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

use bellhop_core::ports::{FileEncryption, FileStore};
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_kit::conformance::{Report, buckets, files};
use bellhop_kit::seal::OneKey;
use bellhop_local::{LocalConfig, LocalStore};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A new store of this configuration for each sentence.
fn new_store(home: &Path, made: &mut u32, config: &LocalConfig) -> Arc<dyn FileStore> {
    *made += 1;
    let config = LocalConfig { path: home.join(format!("home-{made}")), ..config.clone() };
    let (clock, ids) = (Arc::new(StoppedClock::default()), Arc::new(CountedIds::default()));
    Arc::new(LocalStore::open("local".into(), &config, clock, ids, Some(Arc::new(OneKey(Some(7))))).unwrap())
}

async fn judge(config: LocalConfig) -> Report {
    let (home, mut made) = (TempDir::new().unwrap(), 0);
    files::report(|| {
        let store = new_store(home.path(), &mut made, &config);
        async move { store }
    })
    .await
}

async fn judge_buckets(config: LocalConfig) {
    let (home, mut made) = (TempDir::new().unwrap(), 0);
    let report = buckets::report(|| {
        let store = new_store(home.path(), &mut made, &config);
        async move { store }
    })
    .await;
    report.assert();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_holds() {
    judge(keyed()).await.assert();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_holds_without_versions() {
    judge(LocalConfig { versions: false, ..LocalConfig::at("") }).await.assert();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_holds_where_everything_is_encrypted() {
    judge(LocalConfig { encrypt: true, ..LocalConfig::at("") }).await.assert();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_holds_in_a_bucket() {
    judge(LocalConfig { bucket: Some("reports".to_owned()), ..LocalConfig::at("") }).await.assert();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_on_buckets_holds() {
    judge_buckets(LocalConfig::at("")).await;
    judge_buckets(LocalConfig { versions: false, encrypt: true, bucket: Some("reports".to_owned()), ..LocalConfig::at("") }).await;
}

/// With a key beside the bot's own.
fn keyed() -> LocalConfig {
    serde_json::from_str(r#"{"path": "", "keys": {"legal": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="}}"#).unwrap()
}

#[test]
fn what_can_be_asked_for_is_told() {
    let home = TempDir::new().unwrap();
    let store = new_store(home.path(), &mut 0, &keyed());
    assert_eq!(store.encryptions(), [FileEncryption::Aes256, FileEncryption::Key("legal".to_owned())]);
}
