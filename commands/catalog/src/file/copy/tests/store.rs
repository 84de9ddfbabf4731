//! A store with uploads in parts, and records, whose power can be cut at any step: before or after each effect. What has had its
//! effect by then stays, as after a kill.

use async_trait::async_trait;
use bellhop_core::ids::{StoreName, UploadId, VersionId};
use bellhop_core::ports::*;
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use chrono::TimeDelta;
use futures::TryStreamExt as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// How long a part is.
pub const PART: u64 = 8;

/// What runs everything, until it is cut.
pub struct Power(AtomicI64);

impl Power {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(i64::MAX)))
    }

    /// After so many steps nothing goes on.
    pub fn cut_after(&self, steps: i64) {
        self.0.store(steps, Ordering::SeqCst);
    }

    pub fn back(&self) {
        self.0.store(i64::MAX, Ordering::SeqCst);
    }

    async fn step(&self) {
        if self.0.fetch_sub(1, Ordering::SeqCst) <= 0 {
            std::future::pending::<()>().await;
        }
    }
}

#[derive(Clone)]
pub struct Kept {
    pub version: u32,
    pub bytes: Option<Vec<u8>>,
    pub modified: Timestamp,
    pub tags: BTreeMap<String, String>,
}

struct Begun {
    file: NewFile,
    parts: BTreeMap<u32, Vec<u8>>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<Kept>>,
    uploads: BTreeMap<String, Begun>,
    written: i64,
}

/// What goes wrong: told the operation, the name and how often that was asked before.
pub type Fault = Box<dyn Fn(&str, &str, u32) -> Option<PortError> + Send + Sync>;

pub struct TestStore {
    name: StoreName,
    pub versioned: bool,
    /// Whether it gives checksums, has tags, spoils what it writes.
    pub sums: bool,
    pub tagged: bool,
    pub spoils: Mutex<u32>,
    pub power: Arc<Power>,
    state: Mutex<State>,
    pub fault: Mutex<Option<Fault>>,
    asked: Mutex<BTreeMap<(String, String), u32>>,
    /// How many parts were sent, and the most streams at once.
    pub puts: AtomicU32,
    open: AtomicUsize,
    pub most_open: AtomicUsize,
}

pub fn broken(kind: PortErrorKind) -> PortError {
    PortError::new(kind, "files.test", "test", format!("{kind:?}, said the test"))
}

impl TestStore {
    pub fn new(name: &str, power: &Arc<Power>) -> Self {
        Self {
            name: name.into(),
            versioned: false,
            sums: false,
            tagged: false,
            spoils: Mutex::new(0),
            power: power.clone(),
            state: Mutex::default(),
            fault: Mutex::default(),
            asked: Mutex::default(),
            puts: AtomicU32::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
        }
    }

    pub fn keep(&self, name: &str, bytes: &[u8]) {
        self.push(name, Some(bytes.to_vec()), BTreeMap::new());
    }

    pub fn tag(&self, name: &str, tag: (&str, &str)) {
        let mut state = self.state.lock().unwrap();
        let kept = state.files.get_mut(name).unwrap().last_mut().unwrap();
        kept.tags.insert(tag.0.into(), tag.1.into());
    }

    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state.lock().unwrap();
        let last = |(name, versions): (&String, &Vec<Kept>)| Some((name.clone(), versions.last()?.bytes.clone()?));
        state.files.iter().filter_map(last).collect()
    }

    pub fn kept(&self, name: &str) -> Vec<Kept> {
        self.state.lock().unwrap().files.get(name).cloned().unwrap_or_default()
    }

    pub fn uploads(&self) -> usize {
        self.state.lock().unwrap().uploads.len()
    }

    fn push(&self, name: &str, bytes: Option<Vec<u8>>, tags: BTreeMap<String, String>) {
        let mut state = self.state.lock().unwrap();
        state.written += 1;
        let modified = Timestamp::UNIX_EPOCH + TimeDelta::seconds(state.written);
        let versioned = self.versioned;
        let versions = state.files.entry(name.to_owned()).or_default();
        let version = versions.last().map_or(1, |last| last.version + 1);
        if !versioned {
            versions.clear();
        }
        versions.push(Kept { version, bytes, modified, tags });
    }

    fn spoiled(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let mut left = self.spoils.lock().unwrap();
        if *left > 0 && !bytes.is_empty() {
            *left -= 1;
            bytes[0] ^= 1;
        }
        bytes
    }

    fn ask(&self, operation: &str, name: &str) -> PortResult<()> {
        let mut asked = self.asked.lock().unwrap();
        let times = asked.entry((operation.to_owned(), name.to_owned())).or_default();
        *times += 1;
        let fault = self.fault.lock().unwrap().as_ref().and_then(|fault| fault(operation, name, *times));
        fault.map_or(Ok(()), Err)
    }

    fn find(&self, name: &str, version: Option<&VersionId>) -> PortResult<(FileInfo, Vec<u8>)> {
        let state = self.state.lock().unwrap();
        let missing = || PortError::not_found("files.test", "head", format!("there is no file {name}"));
        let versions = state.files.get(name).ok_or_else(missing)?;
        let kept = match version {
            Some(id) => versions.iter().find(|kept| kept.version.to_string() == id.as_str()),
            None => versions.last(),
        };
        let kept = kept.ok_or_else(missing)?;
        let bytes = kept.bytes.clone().ok_or_else(missing)?;
        let info = FileInfo {
            name: name.to_owned(),
            size: bytes.len() as u64,
            content_type: "text/test".to_owned(),
            modified: kept.modified,
            version: self.versioned.then(|| VersionId::new(kept.version.to_string())),
            sha256: self.sums.then(|| hex::encode(Sha256::digest(&bytes))),
            encryption: None,
        };
        Ok((info, bytes))
    }

    async fn collect(&self, bytes: ByteStream, size: Option<u64>) -> PortResult<Vec<u8>> {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_open.fetch_max(open, Ordering::SeqCst);
        // Others get a turn, so that what runs side by side is seen to.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let all = bytes.try_collect::<Vec<_>>().await.map(|all| all.concat());
        self.open.fetch_sub(1, Ordering::SeqCst);
        let all = all?;
        if size.is_some_and(|size| size != all.len() as u64) {
            return Err(broken(PortErrorKind::Invalid));
        }
        Ok(all)
    }
}

#[async_trait]
impl FileStore for TestStore {
    fn name(&self) -> &StoreName {
        &self.name
    }
    fn versioned(&self) -> bool {
        self.versioned
    }
    fn parts(&self) -> Option<&dyn PartWrites> {
        Some(self)
    }
    async fn list(&self, prefix: &str, from: Option<&str>, _: usize) -> PortResult<FilePage> {
        self.power.step().await;
        self.ask("list", prefix)?;
        let names: Vec<String> = self.contents().into_keys().collect();
        let mut names = names.into_iter().filter(|name| name.starts_with(prefix) && from.is_none_or(|from| name.as_str() > from));
        let page: Vec<String> = names.by_ref().take(3).collect();
        let next = names.next().and(page.last().cloned());
        let files = page.iter().filter_map(|name| self.find(name, None).ok()).map(|(info, _)| FileInfo { sha256: None, ..info }).collect();
        Ok(FilePage { files, next })
    }
    async fn head(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo> {
        self.power.step().await;
        self.ask("head", name)?;
        Ok(self.find(name, version)?.0)
    }
    async fn read(&self, name: &str, version: Option<&VersionId>, range: Option<ReadRange>) -> PortResult<StoredFile> {
        self.power.step().await;
        self.ask("read", name)?;
        let (info, mut bytes) = self.find(name, version)?;
        if let Some(range) = range {
            let start = usize::try_from(range.start).unwrap().min(bytes.len());
            let end = range.length.map_or(bytes.len(), |length| (start + usize::try_from(length).unwrap()).min(bytes.len()));
            bytes = bytes[start..end].to_vec();
        }
        let chunks: Vec<PortResult<bytes::Bytes>> = bytes.chunks(3).map(|chunk| Ok(chunk.to_vec().into())).collect();
        Ok(StoredFile { info, bytes: Box::pin(futures::stream::iter(chunks)) })
    }
    async fn write(&self, file: NewFile, bytes: ByteStream) -> PortResult<FileInfo> {
        self.power.step().await;
        self.ask("write", &file.name)?;
        if !file.tags.is_empty() && !self.tagged {
            return Err(broken(PortErrorKind::Unsupported));
        }
        let all = self.collect(bytes, file.size).await?;
        self.push(&file.name, Some(self.spoiled(all)), file.tags);
        self.power.step().await;
        Ok(self.find(&file.name, None)?.0)
    }
    async fn delete(&self, name: &str) -> PortResult<()> {
        self.power.step().await;
        self.ask("delete", name)?;
        self.find(name, None)?;
        if self.versioned {
            self.push(name, None, BTreeMap::new());
        } else {
            self.state.lock().unwrap().files.remove(name);
        }
        self.power.step().await;
        Ok(())
    }
    async fn copy(&self, from: &str, to: &str) -> PortResult<FileInfo> {
        self.power.step().await;
        self.ask("copy", from)?;
        let bytes = self.find(from, None)?.1;
        self.push(to, Some(bytes), BTreeMap::new());
        self.power.step().await;
        Ok(self.find(to, None)?.0)
    }
    async fn versions(&self, name: &str) -> PortResult<Vec<Version>> {
        let kept = self.kept(name);
        let last = kept.last().map(|kept| kept.version);
        let version = |kept: &Kept| Version {
            id: VersionId::new(kept.version.to_string()),
            size: 0,
            modified: kept.modified,
            current: Some(kept.version) == last,
            deletion: kept.bytes.is_none(),
        };
        Ok(kept.iter().rev().map(version).collect())
    }
    async fn restore(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo> {
        let (_, bytes) = self.find(name, version)?;
        self.push(name, Some(bytes), BTreeMap::new());
        Ok(self.find(name, None)?.0)
    }
    async fn tags(&self, name: &str) -> PortResult<BTreeMap<String, String>> {
        self.ask("tags", name)?;
        if !self.tagged {
            return Err(broken(PortErrorKind::Unsupported));
        }
        Ok(self.kept(name).last().map(|kept| kept.tags.clone()).unwrap_or_default())
    }
}

fn gone() -> PortError {
    PortError::not_found("files.test", "parts", "there is no such upload")
}

#[async_trait]
impl PartWrites for TestStore {
    async fn begin(&self, file: &NewFile) -> PortResult<PartUpload> {
        self.power.step().await;
        self.ask("begin", &file.name)?;
        if !file.tags.is_empty() && !self.tagged {
            return Err(broken(PortErrorKind::Unsupported));
        }
        let mut state = self.state.lock().unwrap();
        state.written += 1;
        let id = format!("u{}", state.written);
        state.uploads.insert(id.clone(), Begun { file: file.clone(), parts: BTreeMap::new() });
        let parts = u32::try_from(file.size.unwrap().div_ceil(PART)).unwrap();
        Ok(PartUpload { id: UploadId::new(id), part_size: PART, parts })
    }
    async fn put(&self, upload: &UploadId, number: u32, size: u64, bytes: ByteStream) -> PortResult<PartDone> {
        self.power.step().await;
        self.ask("put", &number.to_string())?;
        let all = self.collect(bytes, Some(size)).await?;
        let checksum = Some(format!("sum:{}", hex::encode(Sha256::digest(&all))));
        let all = self.spoiled(all);
        self.state.lock().unwrap().uploads.get_mut(upload.as_str()).ok_or_else(gone)?.parts.insert(number, all);
        self.puts.fetch_add(1, Ordering::SeqCst);
        self.power.step().await;
        Ok(PartDone { number, size, checksum, receipt: number.to_string() })
    }
    async fn done(&self, upload: &UploadId) -> PortResult<Vec<PartDone>> {
        self.power.step().await;
        let state = self.state.lock().unwrap();
        let parts = &state.uploads.get(upload.as_str()).ok_or_else(gone)?.parts;
        let part = |(number, bytes): (&u32, &Vec<u8>)| PartDone {
            number: *number,
            size: bytes.len() as u64,
            checksum: Some(format!("sum:{}", hex::encode(Sha256::digest(bytes)))),
            receipt: number.to_string(),
        };
        Ok(parts.iter().map(part).collect())
    }
    async fn finish(&self, upload: &UploadId, parts: &[PartDone]) -> PortResult<FileInfo> {
        self.power.step().await;
        self.ask("finish", upload.as_str())?;
        let begun = self.state.lock().unwrap().uploads.remove(upload.as_str()).ok_or_else(gone)?;
        let all: Vec<u8> = parts.iter().flat_map(|part| begun.parts[&part.number].clone()).collect();
        self.push(&begun.file.name, Some(all), begun.file.tags);
        self.power.step().await;
        Ok(self.find(&begun.file.name, None)?.0)
    }
    async fn abort(&self, upload: &UploadId) -> PortResult<()> {
        self.power.step().await;
        self.state.lock().unwrap().uploads.remove(upload.as_str());
        Ok(())
    }
}

/// Records under the same power.
pub struct Notebook {
    power: Arc<Power>,
    kept: Mutex<BTreeMap<(String, String), Value>>,
}

impl Notebook {
    pub fn new(power: &Arc<Power>) -> Arc<Self> {
        Arc::new(Self { power: power.clone(), kept: Mutex::default() })
    }

    pub fn keys(&self, collection: &str) -> Vec<String> {
        self.kept.lock().unwrap().keys().filter(|(name, _)| name == collection).map(|(_, key)| key.clone()).collect()
    }
}

#[async_trait]
impl Records for Notebook {
    async fn put(&self, collection: &str, key: &str, value: &Value) -> PortResult<()> {
        self.power.step().await;
        self.kept.lock().unwrap().insert((collection.into(), key.into()), value.clone());
        self.power.step().await;
        Ok(())
    }
    async fn put_new(&self, collection: &str, key: &str, value: &Value) -> PortResult<(Value, bool)> {
        self.put(collection, key, value).await?;
        Ok((value.clone(), true))
    }
    async fn get(&self, collection: &str, key: &str) -> PortResult<Option<Value>> {
        self.power.step().await;
        Ok(self.kept.lock().unwrap().get(&(collection.into(), key.into())).cloned())
    }
    async fn remove(&self, collection: &str, key: &str) -> PortResult<()> {
        self.power.step().await;
        self.kept.lock().unwrap().remove(&(collection.into(), key.into()));
        Ok(())
    }
    async fn after(&self, collection: &str, after: Option<&str>, limit: usize) -> PortResult<Vec<Record>> {
        self.power.step().await;
        let kept = self.kept.lock().unwrap();
        let of = kept.iter().filter(|((name, key), _)| name == collection && after.is_none_or(|after| key.as_str() > after));
        Ok(of.take(limit).map(|((_, key), value)| Record { key: key.clone(), value: value.clone() }).collect())
    }
    async fn before(&self, _: &str, _: Option<&str>, _: usize) -> PortResult<Vec<Record>> {
        Ok(Vec::new())
    }
}
