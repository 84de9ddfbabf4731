//! The S3 store against every contract sentence of `FileStore` and `Buckets`: on a strict server without versions, and on
//! one that stands in for AWS, with and without them.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

use bellhop_core::ports::{Buckets as _, FileStore};
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::conformance::{Report, buckets, files};
use bellhop_kit::peers::s3::{ACCESS_KEY, S3Server, SECRET_KEY};
use bellhop_s3::{S3Config, S3Store};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

static MADE: AtomicU32 = AtomicU32::new(0);

/// Keys of the owner's.
const KEYS: [&str; 2] = ["BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg="];

/// A store on a new bucket, with these settings beside those that name the server.
async fn new_store(url: &str, versions: bool, more: &Value) -> S3Store {
    let bucket = format!("bell-{}", MADE.fetch_add(1, Ordering::SeqCst));
    let mut config = json!({ "bucket": bucket, "endpoint": url, "access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    let config: S3Config = serde_json::from_value(config).unwrap();
    let store = S3Store::new("s3".into(), config, Arc::new(StoppedClock::default())).unwrap();
    store.create(&bucket).await.unwrap();
    if versions {
        store.set_versioning(&bucket, true).await.unwrap();
    }
    store
}

async fn judge(server: &S3Server, versions: bool, more: Value) -> Report {
    files::report(|| async { Arc::new(new_store(server.url(), versions, &more).await) as Arc<dyn FileStore> }).await
}

/// What s3s-fs does otherwise than S3: it keeps objects as files, so that `b` and `b/1` can't both be, long names don't fit
/// and a folder that is asked for is an error of its own; it looks at no version ids; and of uploads in parts it checks
/// neither that they exist nor the tags of their parts.
const OF_S3S: [&str; 12] = [
    "Names are those that [`file_name`] lets through.",
    "Files whose names begin with `prefix`, by name in byte order, at most `limit` (at least 1) of them, from where `from` says.",
    "What is directly under `prefix`, which is empty or ends in a slash: files, and folders in place of all that is in them, at most `limit` (at least 1) of both together, from where `from` says.",
    "Following `next` to the end gives everything once; a page may have less than `limit`, or nothing, where looking further would take long.",
    "`NotFound` when there is none, or it is deleted.",
    "`NotFound` as for `head`.",
    "`NotFound` when there is none.",
    "`NotFound` when there is no such upload.",
    "`NotFound` when there is no such upload, also when it is finished.",
    "When this fails, nothing is changed under the name, and the parts are still there.",
    "Gives an upload up, and frees what its parts took.",
    "One that isn't there any more is no error.",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_server_breaks_only_what_it_does_otherwise() {
    let report = judge(&S3Server::s3s().await.unwrap(), false, json!({})).await;
    let broken: Vec<&str> = report.broken().collect();
    assert!(broken == OF_S3S, "{report}");
}

/// What moto does otherwise: it breaks over a part of an upload that it doesn't know.
const OF_MOTO: [&str; 1] = ["`NotFound` when there is no such upload."];

/// What S3 has no like of.
const OF_NO_S3: [&str; 2] = [
    "Such an address bound to an access policy of the store's own bucket: it works from when, until when and as far as the policy says, and ends when that is revoked.",
    "`None` where Bellhop serves the bytes: then asking again tells at each use whether the policy still lets the file be read, and the answer is `Denied` or `NotFound` when it doesn't.",
];

async fn judge_like_aws(versions: bool, more: Value) {
    let report = judge(&S3Server::moto().await.unwrap(), versions, more).await;
    let broken: Vec<&str> = report.broken().collect();
    assert!(broken == OF_MOTO, "{report}");
    let mut not_offered = report.not_offered().collect::<Vec<_>>();
    if !versions {
        // Those that tell of older versions.
        not_offered.retain(|sentence| {
            !sentence.contains("version")
                && !sentence.contains("never had one")
                && !sentence.contains("restored")
                && !sentence.contains("gives already")
        });
    }
    assert!(not_offered == OF_NO_S3, "{not_offered:#?}\n{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_holds_with_versions() {
    judge_like_aws(true, json!({ "keys": { "legal": KEYS[0], "spare": KEYS[1] } })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_holds_without_versions_and_below_a_prefix() {
    judge_like_aws(false, json!({ "prefix": "bell hop/ü+/", "sse": "AES256", "keys": { "legal": KEYS[0] } })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_on_buckets_holds() {
    let server = S3Server::moto().await.unwrap();
    buckets::suite(|| async { Arc::new(new_store(server.url(), false, &json!({})).await) as Arc<dyn FileStore> }).await;
}
