//! Stores of files in memory, one with versions and one without. They give small pages, as real ones do.

use super::bucket_store::MemoryBuckets;
use super::world::{MemoryRecords, now};
use async_trait::async_trait;
use bellhop_core::ids::{StoreName, UploadId, VersionId};
use bellhop_core::ports::{
    Buckets, ByteStream, FileEncryption, FileInfo, FilePage, FileStore, NewFile, PartDone, PartUpload, PartWrites, PortResult, ReadRange,
    Records as _, ShareLimit, StoredFile, Stores, USUAL_STORES, Unfinished, Version, usual_store_key,
};
use bellhop_core::{CommandError, PortError, PortErrorKind, nearest};
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The most files in a page, whatever is asked for.
const PAGE: usize = 30;

#[derive(Clone)]
struct Kept {
    version: u32,
    /// `None` for a deletion.
    bytes: Option<Vec<u8>>,
    content_type: String,
    tags: BTreeMap<String, String>,
    encryption: Option<FileEncryption>,
}

pub(super) struct MemoryStore {
    name: StoreName,
    versioned: bool,
    files: Mutex<BTreeMap<String, Vec<Kept>>>,
    /// Where the store has some.
    pub buckets: Option<MemoryBuckets>,
    /// How many writes were completed.
    pub writes: Mutex<u32>,
    /// The longest that its own links can work, where it makes some.
    pub longest: Mutex<Option<ShareLimit>>,
    /// The policies that links can be bound to; whether it makes the bound ones itself.
    pub policies: Mutex<Vec<(String, bool)>>,
    /// After how many more writes it fails, and after how many it answers no more.
    fails: Mutex<u32>,
    sticks: Mutex<u32>,
    /// Whether the next write keeps something else.
    spoils: Mutex<bool>,
    /// Whether large files are written in parts, and those that are under way.
    in_parts: bool,
    pub uploads: Mutex<BTreeMap<String, Underway>>,
}

impl MemoryStore {
    pub fn new(name: &str, versioned: bool) -> Self {
        Self {
            name: name.into(),
            versioned,
            files: Mutex::default(),
            buckets: None,
            writes: Mutex::new(0),
            longest: Mutex::default(),
            policies: Mutex::default(),
            fails: Mutex::new(u32::MAX),
            sticks: Mutex::new(u32::MAX),
            spoils: Mutex::new(false),
            in_parts: false,
            uploads: Mutex::default(),
        }
    }

    pub fn with_buckets(self) -> Self {
        Self { buckets: Some(MemoryBuckets::new()), ..self }
    }

    pub fn with_parts(self) -> Self {
        Self { in_parts: true, ..self }
    }

    pub fn keep(&self, name: &str, bytes: &[u8]) {
        self.keep_as(name, bytes, "text/plain");
    }

    pub fn keep_as(&self, name: &str, bytes: &[u8], content_type: &str) {
        self.push(name, Some(bytes.to_vec()), content_type);
    }

    pub fn fail_writes_after(&self, writes: u32) {
        *self.fails.lock().unwrap() = writes;
    }

    pub fn stick_after(&self, writes: u32) {
        *self.sticks.lock().unwrap() = writes;
    }

    /// A byte of the next file that is written turns over, once it is written.
    pub fn spoil_next_write(&self) {
        *self.spoils.lock().unwrap() = true;
    }

    /// Whether the countdown has come to its end.
    fn ended(countdown: &Mutex<u32>) -> bool {
        let mut left = countdown.lock().unwrap();
        let ended = *left == 0;
        if *left < u32::MAX {
            *left = left.saturating_sub(1);
        }
        ended
    }

    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        self.files.lock().unwrap().get(name).and_then(|versions| versions.last()).and_then(|kept| kept.bytes.clone())
    }

    fn push(&self, name: &str, bytes: Option<Vec<u8>>, content_type: &str) {
        let mut files = self.files.lock().unwrap();
        let versions = files.entry(name.to_owned()).or_default();
        let version = versions.last().map_or(1, |last| last.version + 1);
        if !self.versioned {
            versions.clear();
        }
        versions.push(Kept { version, bytes, content_type: content_type.to_owned(), tags: BTreeMap::new(), encryption: None });
    }

    fn missing(&self, name: &str) -> PortError {
        PortError::not_found(format!("files.{}", self.name), "head", format!("there is no file {name}"))
    }

    fn find(&self, name: &str, version: Option<&VersionId>) -> PortResult<(FileInfo, Vec<u8>)> {
        let files = self.files.lock().unwrap();
        let versions = files.get(name).ok_or_else(|| self.missing(name))?;
        let kept = match version {
            Some(id) => versions.iter().find(|kept| kept.version.to_string() == id.as_str()),
            None => versions.last(),
        };
        let kept = kept.ok_or_else(|| self.missing(name))?;
        let bytes = kept.bytes.clone().ok_or_else(|| self.missing(name))?;
        let info = FileInfo {
            name: name.to_owned(),
            size: bytes.len() as u64,
            content_type: kept.content_type.clone(),
            modified: now(),
            version: self.versioned.then(|| VersionId::new(kept.version.to_string())),
            sha256: Some(hex::encode(Sha256::digest(&bytes))),
            encryption: kept.encryption.clone(),
        };
        Ok((info, bytes))
    }
}

#[async_trait]
impl FileStore for MemoryStore {
    fn name(&self) -> &StoreName {
        &self.name
    }
    fn versioned(&self) -> bool {
        self.versioned
    }
    fn parts(&self) -> Option<&dyn PartWrites> {
        self.in_parts.then_some(self)
    }
    fn buckets(&self) -> Option<&dyn Buckets> {
        self.buckets.as_ref().map(|buckets| buckets as _)
    }
    async fn list(&self, prefix: &str, from: Option<&str>, limit: usize) -> PortResult<FilePage> {
        let names: Vec<String> = {
            let files = self.files.lock().unwrap();
            let there = files.iter().filter(|(_, versions)| versions.last().is_some_and(|kept| kept.bytes.is_some()));
            there
                .map(|(name, _)| name.clone())
                .filter(|name| name.starts_with(prefix) && from.is_none_or(|from| name.as_str() > from))
                .collect()
        };
        let shown = limit.min(PAGE).min(names.len());
        let next = (shown < names.len()).then(|| names[shown - 1].clone());
        Ok(FilePage {
            files: names[..shown].iter().map(|name| self.find(name, None).map(|(info, _)| info)).collect::<PortResult<_>>()?,
            next,
        })
    }
    async fn head(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo> {
        Ok(self.find(name, version)?.0)
    }
    async fn read(&self, name: &str, version: Option<&VersionId>, range: Option<ReadRange>) -> PortResult<StoredFile> {
        let (info, mut bytes) = self.find(name, version)?;
        if let Some(length) = range.and_then(|range| range.length) {
            bytes.truncate(usize::try_from(length).unwrap());
        }
        Ok(StoredFile { info, bytes: Box::pin(futures::stream::iter([Ok(bytes.into())])) })
    }
    async fn write(&self, file: NewFile, bytes: ByteStream) -> PortResult<FileInfo> {
        let all: Vec<bytes::Bytes> = bytes.try_collect().await?;
        if file.encryption.as_ref().is_some_and(|way| !self.encryptions().contains(way)) {
            return Err(PortError::unsupported(format!("files.{}", self.name), "write", "this store can't encrypt so"));
        }
        if Self::ended(&self.fails) {
            return Err(PortError::new(PortErrorKind::Full, format!("files.{}", self.name), "write", "no room left"));
        }
        if Self::ended(&self.sticks) {
            futures::future::pending::<()>().await;
        }
        let mut all = all.concat();
        let sound = all.clone();
        if std::mem::take(&mut *self.spoils.lock().unwrap()) {
            all[0] ^= 1;
        }
        self.push(&file.name, Some(all), &file.content_type);
        if let Some(kept) = self.files.lock().unwrap().get_mut(&file.name).and_then(|versions| versions.last_mut()) {
            kept.tags = file.tags;
            kept.encryption = file.encryption;
        }
        if let (Ok((info, _)), false) = (self.find(&file.name, None), self.content(&file.name).as_deref() == Some(&sound)) {
            // It doesn't know better itself.
            *self.writes.lock().unwrap() += 1;
            return Ok(FileInfo { sha256: None, ..info });
        }
        *self.writes.lock().unwrap() += 1;
        Ok(self.find(&file.name, None)?.0)
    }
    async fn tags(&self, name: &str) -> PortResult<BTreeMap<String, String>> {
        if !self.versioned {
            return Err(PortError::unsupported(format!("files.{}", self.name), "tags", "this store has no tags"));
        }
        self.find(name, None)?;
        Ok(self.files.lock().unwrap()[name].last().unwrap().tags.clone())
    }
    async fn set_tags(&self, name: &str, tags: &BTreeMap<String, String>) -> PortResult<()> {
        self.tags(name).await?;
        self.files.lock().unwrap().get_mut(name).unwrap().last_mut().unwrap().tags = tags.clone();
        Ok(())
    }
    fn encryptions(&self) -> Vec<FileEncryption> {
        if self.versioned { vec![FileEncryption::Aes256, FileEncryption::Key("legal".into())] } else { Vec::new() }
    }
    async fn share(&self, name: &str, _: Option<&VersionId>, seconds: u64) -> PortResult<Option<String>> {
        let limit = self.longest.lock().unwrap().clone();
        assert!(limit.as_ref().is_none_or(|limit| seconds <= limit.seconds), "never asked for longer than it can");
        Ok(limit.map(|_| format!("https://store.example/{name}?X-Amz-Signature=0123456789abcdef&s={seconds}")))
    }
    async fn share_limit(&self) -> PortResult<Option<ShareLimit>> {
        Ok(self.longest.lock().unwrap().clone())
    }
    async fn share_bound(&self, name: &str, _: Option<&VersionId>, policy: &str) -> PortResult<Option<String>> {
        match self.policies.lock().unwrap().iter().find(|(id, _)| id == policy) {
            Some((_, true)) => Ok(Some(format!("https://store.example/{name}?si={policy}&sig=0123456789abcdef"))),
            Some((_, false)) => Ok(None),
            None => Err(PortError::not_found(format!("files.{}", self.name), "share", "there is no such policy")),
        }
    }
    async fn delete(&self, name: &str) -> PortResult<()> {
        self.find(name, None)?;
        if self.versioned {
            self.push(name, None, "");
        } else {
            self.files.lock().unwrap().remove(name);
        }
        Ok(())
    }
    async fn copy(&self, from: &str, to: &str) -> PortResult<FileInfo> {
        let (info, bytes) = self.find(from, None)?;
        self.push(to, Some(bytes), &info.content_type);
        Ok(self.find(to, None)?.0)
    }
    async fn versions(&self, name: &str) -> PortResult<Vec<Version>> {
        let files = self.files.lock().unwrap();
        let versions = files.get(name).ok_or_else(|| self.missing(name))?;
        let last = versions.last().map(|kept| kept.version);
        let version = |kept: &Kept| Version {
            id: VersionId::new(kept.version.to_string()),
            size: kept.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            modified: now(),
            current: Some(kept.version) == last,
            deletion: kept.bytes.is_none(),
        };
        Ok(versions.iter().rev().map(version).collect())
    }
    async fn restore(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo> {
        let found = {
            let files = self.files.lock().unwrap();
            let versions = files.get(name).ok_or_else(|| self.missing(name))?;
            let wanted = match version {
                Some(id) => versions.iter().find(|kept| kept.version.to_string() == id.as_str() && kept.bytes.is_some()),
                None => versions.iter().rev().find(|kept| kept.bytes.is_some()),
            };
            let wanted = wanted.ok_or_else(|| self.missing(name))?.clone();
            if versions.last().is_some_and(|last| last.version == wanted.version) {
                return Err(PortError::new(PortErrorKind::Conflict, "files.local", "restore", "it is current"));
            }
            wanted
        };
        self.push(name, found.bytes, &found.content_type);
        Ok(self.find(name, None)?.0)
    }
}

/// An upload in parts: the file, and the parts that are there.
type Underway = (NewFile, BTreeMap<u32, Vec<u8>>);

/// How long a part is.
const PART: u64 = 25_000;

#[async_trait]
impl PartWrites for MemoryStore {
    async fn begin(&self, file: &NewFile) -> PortResult<PartUpload> {
        let mut uploads = self.uploads.lock().unwrap();
        let id = format!("upload-{}", uploads.len());
        uploads.insert(id.clone(), (file.clone(), BTreeMap::new()));
        Ok(PartUpload { id: id.into(), part_size: PART, parts: u32::try_from(file.size.unwrap().div_ceil(PART)).unwrap() })
    }
    async fn put(&self, upload: &UploadId, number: u32, size: u64, bytes: ByteStream) -> PortResult<PartDone> {
        let all: Vec<bytes::Bytes> = bytes.try_collect().await?;
        assert_eq!(all.concat().len() as u64, size);
        if Self::ended(&self.sticks) {
            futures::future::pending::<()>().await;
        }
        if Self::ended(&self.fails) {
            return Err(PortError::new(PortErrorKind::Full, format!("files.{}", self.name), "write", "no room left"));
        }
        self.uploads.lock().unwrap().get_mut(upload.as_str()).unwrap().1.insert(number, all.concat());
        Ok(PartDone { number, size, checksum: None, receipt: String::new() })
    }
    async fn done(&self, _: &UploadId) -> PortResult<Vec<PartDone>> {
        Ok(Vec::new())
    }
    async fn finish(&self, upload: &UploadId, _: &[PartDone]) -> PortResult<FileInfo> {
        let (file, parts) = self.uploads.lock().unwrap().remove(upload.as_str()).unwrap();
        self.push(&file.name, Some(parts.into_values().flatten().collect()), &file.content_type);
        Ok(self.find(&file.name, None)?.0)
    }
    async fn abort(&self, upload: &UploadId) -> PortResult<()> {
        self.uploads.lock().unwrap().remove(upload.as_str());
        Ok(())
    }
    async fn unfinished(&self, name: &str) -> PortResult<Vec<Unfinished>> {
        let uploads = self.uploads.lock().unwrap();
        let found = uploads.iter().filter(|(_, (file, _))| file.name == name).map(|(id, _)| {
            let since = if id.starts_with("old") { now() - chrono::TimeDelta::days(1) } else { now() };
            Unfinished { id: id.clone().into(), name: name.to_owned(), since }
        });
        Ok(found.collect())
    }
}

pub(super) struct MemoryStores(pub Vec<Arc<MemoryStore>>, pub Arc<MemoryRecords>);
#[async_trait]
impl Stores for MemoryStores {
    async fn seen_from(self: Arc<Self>, place: &bellhop_core::Address) -> Arc<dyn Stores> {
        let usual = self.1.get(USUAL_STORES, &usual_store_key(place)).await.unwrap();
        let mut stores = self.0.clone();
        if let Some(at) = usual.and_then(|usual| stores.iter().position(|store| Some(store.name.as_str()) == usual.as_str())) {
            stores[..=at].rotate_right(1);
        }
        Arc::new(Self(stores, self.1.clone()))
    }

    fn store(&self, name: Option<&StoreName>) -> Result<Arc<dyn FileStore>, CommandError> {
        let found = self.0.iter().find(|store| name.is_none_or(|name| *name == store.name));
        found.map(|store| store.clone() as _).ok_or_else(|| {
            let name = name.map(ToString::to_string).unwrap_or_default();
            let nearest = nearest::nearest(&name, self.0.iter().map(|store| store.name.as_str())).map(str::to_owned);
            CommandError::NotFound { what: "store", name, nearest }
        })
    }
    fn names(&self) -> Vec<StoreName> {
        self.0.iter().map(|store| store.name.clone()).collect()
    }
}
