//! The store: what it knows of its bucket, and the port, whose parts are in the modules beside.

use crate::account::Account;
use crate::config::S3Config;
use crate::customer::Fitting;
use crate::fault::{Ask, Said};
use crate::plan::Sizes;
use crate::reading::Facts;
use crate::seal::{Kind, told_encryption};
use crate::source::Hall;
use crate::{names, share};
use async_trait::async_trait;
use aws_sdk_s3::primitives::DateTime;
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::{
    Buckets, ByteStream, FileEncryption, FileInfo, FilePage, FileStore, Finding, FolderPage, NewFile, PartWrites, PortResult, ReadRange,
    ShareLimit, StoredFile, Version, Versioning,
};
use bellhop_core::{Clock, PortError, PortErrorKind, Timestamp};
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How long the bucket's state is taken for granted.
const KNOWN_FOR: TimeDelta = TimeDelta::minutes(5);

/// A bucket as a file store. Cheap to clone.
#[derive(Clone)]
pub struct S3Store {
    name: StoreName,
    pub(crate) account: Arc<Account>,
    seen: Arc<Seen>,
    /// Which files are under which key.
    pub(crate) fitting: Arc<Fitting>,
    pub(crate) sizes: Sizes,
    /// Where parts that are sent one by one are held.
    pub(crate) hall: Arc<Hall>,
}

/// What was seen of the bucket.
#[derive(Default)]
struct Seen {
    versioning: Mutex<Option<(Timestamp, Versioning)>>,
    /// Whether it was there.
    there: AtomicBool,
    /// Kinds of encryption that its server was seen to do or not to do.
    sealing: Mutex<BTreeMap<Kind, bool>>,
    /// Whether its server was seen to have tags.
    tags: AtomicBool,
}

/// What is said of a file that isn't there.
pub(crate) fn absent(name: &str) -> String {
    format!("there is no file `{name}`")
}

/// A moment of the SDK's; 1970 where there is none or none that can be.
pub(crate) fn moment(at: Option<&DateTime>) -> Timestamp {
    at.and_then(|at| Timestamp::from_timestamp(at.secs(), at.subsec_nanos())).unwrap_or_default()
}

impl S3Store {
    /// A store named `name`. Nothing is asked yet, and nothing on the machine is looked at: wrong settings show at the
    /// first use, or in [`FileStore::check`].
    ///
    /// # Errors
    /// None at present; the configuration was checked when it was read.
    pub fn new(name: StoreName, config: S3Config, clock: Arc<dyn Clock>) -> PortResult<Self> {
        let account = Arc::new(Account::new(format!("files.{name}"), config, clock));
        Ok(Self { name, account, seen: Arc::default(), fitting: Arc::default(), sizes: Sizes::default(), hall: Arc::default() })
    }

    pub(crate) fn bucket(&self) -> &str {
        &self.account.config.bucket
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.account.config.prefix
    }

    pub(crate) fn key(&self, operation: &'static str, name: &str) -> PortResult<String> {
        names::key(&self.account.service, operation, self.prefix(), name)
    }

    pub(crate) fn error(&self, kind: PortErrorKind, operation: &'static str, message: impl Into<String>) -> PortError {
        PortError::new(kind, self.account.service.clone(), operation, message)
    }

    /// The bucket answered.
    pub(crate) fn seen(&self) {
        self.seen.there.store(true, Ordering::Relaxed);
    }

    pub(crate) fn was_seen(&self) -> bool {
        self.seen.there.load(Ordering::Relaxed)
    }

    /// Whether the server does a kind of encryption, as far as it is known.
    pub(crate) fn can_seal(&self, kind: Kind) -> Option<bool> {
        self.seen.sealing.lock().unwrap_or_else(PoisonError::into_inner).get(&kind).copied()
    }

    pub(crate) fn note_sealing(&self, kind: Kind, done: bool) {
        self.seen.sealing.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, done);
    }

    pub(crate) fn has_tags(&self) -> bool {
        self.seen.tags.load(Ordering::Relaxed)
    }

    pub(crate) fn note_tags(&self) {
        self.seen.tags.store(true, Ordering::Relaxed);
    }

    pub(crate) fn note_versioning(&self, state: Versioning) {
        *self.seen.versioning.lock().unwrap_or_else(PoisonError::into_inner) = Some((self.account.clock.now(), state));
    }

    /// Whether the bucket keeps versions, as far as it is known.
    pub(crate) fn versioning_known(&self) -> Option<Versioning> {
        self.seen.versioning.lock().unwrap_or_else(PoisonError::into_inner).map(|(_, state)| state)
    }

    /// Asks whether the bucket keeps versions, unless that is known. Where it can't be asked, it is taken that it doesn't.
    pub(crate) async fn learn(&self) {
        let now = self.account.clock.now();
        let known = *self.seen.versioning.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some_and(|(since, _)| now - since < KNOWN_FOR) {
            return;
        }
        match self.ask_versioning(self.bucket()).await {
            Ok(state) => self.note_versioning(state),
            Err(error) if matches!(error.kind, PortErrorKind::Denied | PortErrorKind::Unsupported) => self.note_versioning(Versioning::Off),
            // What was asked for beside this meets the same trouble, and says it better.
            Err(error) => tracing::debug!(%error, "it could not be asked whether the bucket keeps versions"),
        }
    }

    /// The version to show of a file: `null` is none.
    pub(crate) fn shown_version<'a>(&self, id: Option<&'a str>) -> Option<&'a str> {
        id.filter(|id| *id != "null" || self.versioned())
    }

    /// What is known about a file.
    pub(crate) async fn look(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo> {
        let (got, key) = self.headed("head", name, version.map(VersionId::as_str)).await?;
        let facts = Facts {
            size: u64::try_from(got.content_length().unwrap_or(0)).unwrap_or(0),
            content_type: got.content_type(),
            modified: got.last_modified(),
            version: self.shown_version(got.version_id()),
            metadata: got.metadata(),
            encryption: told_encryption!(got, &key),
        };
        Ok(facts.info(name))
    }

    /// Whether the bucket is there and can be reached.
    pub(crate) async fn reach(&self, operation: &'static str) -> PortResult<()> {
        let client = self.account.client().await?;
        match client.head_bucket().bucket(self.bucket()).send().await {
            Ok(_) => {
                self.seen();
                Ok(())
            }
            Err(error) => {
                if Said::of(&error).is_some_and(|said| said.status == 404) {
                    let place = self.account.place();
                    let message = format!(
                        "there is no bucket {} at {place}; check `bucket` and `region` in [{}], or create it",
                        self.bucket(),
                        self.account.service
                    );
                    return Err(self.error(PortErrorKind::Invalid, operation, message));
                }
                Err(self.account.failed(Ask::file(&self.account, operation, "s3:ListBucket", ""), &error))
            }
        }
    }
}

#[async_trait]
impl FileStore for S3Store {
    fn name(&self) -> &StoreName {
        &self.name
    }

    fn versioned(&self) -> bool {
        self.versioning_known() == Some(Versioning::On)
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: usize) -> PortResult<FilePage> {
        self.page(prefix, from, limit).await
    }

    async fn folder(&self, prefix: &str, from: Option<&str>, limit: usize) -> PortResult<FolderPage> {
        self.directly(prefix, from, limit).await
    }

    async fn head(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo> {
        self.look(name, version).await
    }

    async fn read(&self, name: &str, version: Option<&VersionId>, range: Option<ReadRange>) -> PortResult<StoredFile> {
        self.learn().await;
        Box::pin(self.open(name, version, range)).await
    }

    async fn write(&self, file: NewFile, bytes: ByteStream) -> PortResult<FileInfo> {
        Box::pin(self.store(file, bytes)).await
    }

    async fn delete(&self, name: &str) -> PortResult<()> {
        self.remove(name).await
    }

    async fn copy(&self, from: &str, to: &str) -> PortResult<FileInfo> {
        self.key("copy", to)?;
        self.copied(from, None, to).await
    }

    async fn versions(&self, name: &str) -> PortResult<Vec<Version>> {
        self.history(name).await
    }

    async fn restore(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo> {
        self.bring_back(name, version).await
    }

    async fn share(&self, name: &str, version: Option<&VersionId>, seconds: u64) -> PortResult<Option<String>> {
        share::link(self, name, version, seconds).await
    }

    async fn share_limit(&self) -> PortResult<Option<ShareLimit>> {
        share::limit(self).await.map(Some)
    }

    async fn tags(&self, name: &str) -> PortResult<BTreeMap<String, String>> {
        self.tags_of(name).await
    }

    async fn set_tags(&self, name: &str, tags: &BTreeMap<String, String>) -> PortResult<()> {
        self.tag(name, tags).await
    }

    fn encryptions(&self) -> Vec<FileEncryption> {
        self.offered()
    }

    async fn check(&self) -> PortResult<Vec<Finding>> {
        self.findings().await
    }

    fn parts(&self) -> Option<&dyn PartWrites> {
        Some(self)
    }

    fn buckets(&self) -> Option<&dyn Buckets> {
        Some(self)
    }
}
