//! A folder to try things in, and what lies in it.

use crate::{LocalConfig, LocalStore};
use bellhop_core::ports::{FileInfo, FileStore as _, NewFile, PortResult};
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_kit::seal::OneKey;
use bytes::Bytes;
use futures::TryStreamExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

pub(crate) struct Place {
    pub dir: TempDir,
    pub clock: Arc<StoppedClock>,
    pub ids: Arc<CountedIds>,
}

impl Place {
    pub fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), clock: Arc::default(), ids: Arc::default() }
    }

    /// The configuration with these keys beside the path.
    pub fn config(&self, more: &str) -> LocalConfig {
        let mut config: serde_json::Value = serde_json::from_str(more).unwrap();
        config["path"] = self.dir.path().join("data").display().to_string().into();
        serde_json::from_value(config).unwrap()
    }

    /// A store as another process would open it, by a bot with this key.
    pub fn open_with(&self, more: &str, key: Option<u8>) -> LocalStore {
        let seal = Some(Arc::new(OneKey(key)) as Arc<dyn bellhop_core::ports::Seal>);
        LocalStore::open("home".into(), &self.config(more), self.clock.clone(), self.ids.clone(), seal).unwrap()
    }

    pub fn open(&self, more: &str) -> LocalStore {
        self.open_with(more, Some(1))
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join("data").join(path)
    }

    pub fn days(&self, days: u64) {
        self.clock.advance(Duration::from_secs(days * 86_400));
    }
}

pub(crate) async fn put(store: &LocalStore, file: NewFile, content: impl AsRef<[u8]>) -> PortResult<FileInfo> {
    let pieces: Vec<PortResult<Bytes>> = content.as_ref().chunks(100_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    store.write(file, Box::pin(futures::stream::iter(pieces))).await
}

pub(crate) async fn write(store: &LocalStore, name: &str, content: impl AsRef<[u8]>) -> FileInfo {
    put(store, NewFile::new(name, "text/plain", None), content).await.unwrap()
}

pub(crate) async fn read(store: &LocalStore, name: &str) -> PortResult<Vec<u8>> {
    let file = store.read(name, None, None).await?;
    Ok(file.bytes.try_collect::<Vec<Bytes>>().await?.concat())
}
