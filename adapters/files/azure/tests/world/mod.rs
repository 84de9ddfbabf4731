//! Stores on Azurite, an empty container for each.

use bellhop_azure::{AzureConfig, AzureStore};
use bellhop_core::ports::{ByteStream, FileStore as _, NewFile};
use bellhop_core::{Clock, Timestamp};
use bellhop_kit::conformance::files::chunks;
use bellhop_kit::peers::azurite::{ACCOUNT, KEY};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

static MADE: AtomicU32 = AtomicU32::new(0);

/// The real time: the server next to us goes by it.
pub struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "a real program next to us goes by the real time")]
        chrono::Utc::now()
    }
}

/// A store with these settings beside those that name the server; a `null` takes one away.
pub fn store_of(endpoint: &str, container: &str, more: &Value) -> AzureStore {
    let mut config = json!({ "container": container, "account": ACCOUNT, "account_key": KEY, "endpoint": endpoint });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    if let Some(object) = config.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    let config: AzureConfig = serde_json::from_value(config).unwrap();
    AzureStore::new("az".into(), config, Arc::new(RealClock)).unwrap()
}

/// A name that no container had in this process.
pub fn fresh() -> String {
    format!("bell-{}", MADE.fetch_add(1, Ordering::SeqCst))
}

/// A store on a new container.
pub async fn new_store(endpoint: &str, more: &Value) -> AzureStore {
    let container = fresh();
    let store = store_of(endpoint, &container, more);
    store.buckets().unwrap().create(&container).await.unwrap();
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
pub fn stream(bytes: &Bytes) -> ByteStream {
    chunks(bytes.chunks(100_000).map(|chunk| Ok(bytes.slice_ref(chunk))).collect())
}
