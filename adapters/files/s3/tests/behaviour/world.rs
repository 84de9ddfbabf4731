//! Stores on the S3 peers, an empty bucket for each.

use bellhop_core::ports::{FileStore as _, NewFile};
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::conformance::files::chunks;
use bellhop_kit::peers::s3::{ACCESS_KEY, SECRET_KEY};
use bellhop_s3::{S3Config, S3Store};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

static MADE: AtomicU32 = AtomicU32::new(0);

/// A store with these settings beside those that name the server.
pub fn store_of(url: &str, bucket: &str, more: &Value) -> S3Store {
    let mut config = json!({ "bucket": bucket, "endpoint": url, "access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    let config: S3Config = serde_json::from_value(config).unwrap();
    S3Store::new("s3".into(), config, Arc::new(StoppedClock::default())).unwrap()
}

/// A name that no bucket had in this process.
pub fn fresh() -> String {
    format!("bell-{}", MADE.fetch_add(1, Ordering::SeqCst))
}

/// A store on a new bucket.
pub async fn new_store(url: &str, versions: bool, more: &Value) -> S3Store {
    let bucket = fresh();
    let store = store_of(url, &bucket, more);
    let buckets = store.buckets().unwrap();
    buckets.create(&bucket).await.unwrap();
    if versions {
        buckets.set_versioning(&bucket, true).await.unwrap();
    }
    store
}

/// A file to be written.
pub fn file(name: &str, size: Option<u64>) -> NewFile {
    NewFile::new(name.to_owned(), "application/octet-stream".to_owned(), size)
}

/// Bytes that tell where they belong.
pub fn pattern(len: usize) -> Bytes {
    (0..len.div_ceil(4)).flat_map(|n| u32::try_from(n).unwrap().wrapping_mul(2_654_435_761).to_le_bytes()).take(len).collect()
}

/// They as a stream of chunks.
pub fn stream(bytes: &Bytes) -> bellhop_core::ports::ByteStream {
    chunks(bytes.chunks(100_000).map(|chunk| Ok(bytes.slice_ref(chunk))).collect())
}
