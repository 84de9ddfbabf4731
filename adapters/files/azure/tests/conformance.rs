//! The Azure store against every contract sentence of `FileStore` and `Buckets`, on Microsoft's emulator.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

#[expect(dead_code, reason = "it is for several test files, and this one uses a part of it")]
mod world;

use bellhop_core::ports::FileStore;
use bellhop_kit::conformance::{buckets, files};
use bellhop_kit::peers::azurite::Azurite;
use serde_json::{Value, json};
use std::sync::Arc;
use world::new_store;

/// Azurite refuses tags without a value, also from Microsoft's own client; the service has them.
const OF_AZURITE: [&str; 1] = ["Replaces all tags of a file."];

async fn judge(server: &Azurite, more: Value) {
    let report = files::report(|| async { Arc::new(new_store(&server.endpoint(), &more).await) as Arc<dyn FileStore> }).await;
    let broken: Vec<&str> = report.broken().collect();
    assert!(broken == OF_AZURITE, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_holds() {
    judge(&Azurite::start().await.unwrap(), json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_holds_below_a_prefix() {
    judge(&Azurite::start().await.unwrap(), json!({ "prefix": "bell hop/ü+/", "encryption_scope": "scope-1" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_on_containers_holds() {
    let server = Azurite::start().await.unwrap();
    buckets::suite(|| async { Arc::new(new_store(&server.endpoint(), &json!({})).await) as Arc<dyn FileStore> }).await;
}
