//! Memory stays the same whatever the size. A test binary of its own: what is measured is the peak of the process.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

use bellhop_core::ports::{Buckets as _, FileStore as _, NewFile};
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::peers::s3::{ACCESS_KEY, S3Server, SECRET_KEY};
use bellhop_s3::S3Store;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json;
use std::sync::Arc;

const MIB: u64 = 1 << 20;
const SIZE: u64 = 320 * MIB;
const MOST: u64 = 100 * MIB;

/// The most memory that the process has had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stays_the_same_whatever_the_size() {
    let server = S3Server::s3s().await.unwrap();
    let config = json!({ "bucket": "memory", "endpoint": server.url(), "access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY });
    let store = S3Store::new("s3".into(), serde_json::from_value(config).unwrap(), Arc::new(StoppedClock::default())).unwrap();
    store.create("memory").await.unwrap();
    for (name, size) in [("known", Some(SIZE)), ("unknown", None)] {
        // Each chunk is made as it is wanted.
        let bytes = futures::stream::iter(0..SIZE / 65_536).map(|n| Ok(Bytes::from(vec![u8::try_from(n % 251).unwrap(); 65_536])));
        let file = NewFile::new(name.to_owned(), "application/octet-stream".to_owned(), size);
        assert_eq!(store.write(file, Box::pin(bytes)).await.unwrap().size, SIZE);
        let read = store.read(name, None, None).await.unwrap().bytes;
        let came = read.try_fold(0_u64, |came, chunk| async move { Ok(came + chunk.len() as u64) }).await.unwrap();
        assert_eq!(came, SIZE);
        assert!(peak() < MOST, "{name}: {} MiB", peak() / MIB);
    }
}
