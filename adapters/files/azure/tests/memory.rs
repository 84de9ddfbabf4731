//! Memory stays the same whatever the size. A test binary of its own: what is measured is the peak of the process.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

#[expect(dead_code, reason = "it is for several test files, and this one uses a part of it")]
mod world;

use bellhop_core::ports::FileStore as _;
use bellhop_kit::peers::azurite::Azurite;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json;
use world::{file, new_store};

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
    let server = Azurite::start().await.unwrap();
    let store = new_store(&server.endpoint(), &json!({})).await;
    for (name, size) in [("known", Some(SIZE)), ("unknown", None)] {
        // Each chunk is made as it is wanted.
        let bytes = futures::stream::iter(0..SIZE / 65_536).map(|n| Ok(Bytes::from(vec![u8::try_from(n % 251).unwrap(); 65_536])));
        assert_eq!(store.write(file(name, size), Box::pin(bytes)).await.unwrap().size, SIZE);
        let read = store.read(name, None, None).await.unwrap().bytes;
        let came = read.try_fold(0_u64, |came, chunk| async move { Ok(came + chunk.len() as u64) }).await.unwrap();
        assert_eq!(came, SIZE);
        assert!(peak() < MOST, "{name}: {} MiB", peak() / MIB);
    }
}
