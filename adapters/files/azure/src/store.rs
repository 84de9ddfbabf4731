//! The store: what it knows of its container, and the port, whose parts are in the modules beside.

use crate::account::Account;
use crate::config::AzureConfig;
use crate::customer::Keys;
use crate::fault::{Ask, Need, header};
use crate::{names, share};
use async_trait::async_trait;
use azure_core::http::ClientMethodOptions;
use azure_core::http::headers::Headers;
use azure_storage_blob::BlobClient;
use azure_storage_blob::models::{BlobClientDeleteOptions, BlobClientGetPropertiesOptions, DeleteSnapshotsOptionType};
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::{
    Buckets, ByteStream, FileEncryption, FileInfo, FilePage, FileStore, Finding, NewFile, PartWrites, PortResult, ReadRange, ShareLimit,
    StoredFile, Version,
};
use bellhop_core::{Clock, PortError, PortErrorKind, Timestamp};
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the SHA-256 of a blob's bytes is kept, by whoever wrote them in one go.
pub(crate) const SHA256: &str = "sha256";
/// What marks a folder in accounts that have real ones; it is listed among the blobs.
pub(crate) const FOLDER: &str = "hdi_isfolder";
/// The version that is there where the account keeps none.
pub(crate) const CURRENT: &str = "current";
/// The deletion of what can be undeleted, and its content, where the account keeps no versions; both can't be read.
pub(crate) const DELETION: &str = "deletion";
pub(crate) const DELETED: &str = "deleted";
/// What stands before the time of a snapshot where a version is named by it.
pub(crate) const SNAPSHOT: &str = "snapshot:";

const UNKNOWN: u8 = 0;
const NONE_KEPT: u8 = 1;
const KEPT: u8 = 2;

/// A container as a file store. Cheap to clone.
#[derive(Clone)]
pub struct AzureStore {
    name: StoreName,
    pub(crate) account: Arc<Account>,
    pub(crate) seen: Arc<Seen>,
}

/// What was seen of the account.
#[derive(Default)]
pub(crate) struct Seen {
    /// The configured keys of the customer's, and which files are under which.
    pub keys: Keys,
    /// Encryption scopes of the account, as far as they were listed.
    pub scopes: Mutex<Vec<String>>,
    /// Held while what is read from the management plane is written back changed.
    pub managing: tokio::sync::Mutex<()>,
    /// Whether versions are kept. Only the management plane tells; but every write does, too.
    versions: AtomicU8,
    /// Uploads in parts that are known to be under way.
    pub uploads: Mutex<HashSet<String>>,
    /// The key with which links are signed, where Entra is asked.
    pub delegation: tokio::sync::Mutex<Option<share::Delegation>>,
}

impl Seen {
    pub fn upload(&self, id: &str) -> bool {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    pub fn note_upload(&self, id: &str, alive: bool) {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        if alive {
            uploads.insert(id.to_owned())
        } else {
            uploads.remove(id)
        };
    }
}

/// What is said of a file that isn't there.
pub(crate) fn absent(name: &str) -> String {
    format!("there is no file `{name}`")
}

/// A moment of the SDK's; 1970 where there is none or none that can be.
pub(crate) fn moment(at: Option<azure_core::time::OffsetDateTime>) -> Timestamp {
    at.and_then(|at| Timestamp::from_timestamp(at.unix_timestamp(), at.nanosecond())).unwrap_or_default()
}

/// A SHA-256 as it is kept, if it is one.
pub(crate) fn sum(text: &str) -> Option<String> {
    (text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

/// The moment of a header.
pub(crate) fn date(headers: &Headers, name: &'static str) -> Timestamp {
    header(headers, name).and_then(|text| chrono::DateTime::parse_from_rfc2822(text).ok()).map(|at| at.to_utc()).unwrap_or_default()
}

impl AzureStore {
    /// A store named `name`. Nothing is asked yet, and nothing on the machine is looked at: wrong settings show at the
    /// first use, or in [`FileStore::check`].
    ///
    /// # Errors
    /// None at present; the configuration was checked when it was read.
    pub fn new(name: StoreName, config: AzureConfig, clock: Arc<dyn Clock>) -> PortResult<Self> {
        let seen = Seen { keys: Keys::new(&config), ..Seen::default() };
        let account = Arc::new(Account::new(format!("files.{name}"), config, clock));
        Ok(Self { name, account, seen: Arc::new(seen) })
    }

    pub(crate) fn container(&self) -> &str {
        &self.account.config.container
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.account.config.prefix
    }

    /// The blob's name of a file.
    pub(crate) fn blob_name(&self, operation: &'static str, name: &str) -> PortResult<String> {
        names::blob(&self.account.service, operation, self.prefix(), name)
    }

    /// The blob of a file, or of one of its versions.
    pub(crate) fn blob(&self, operation: &'static str, name: &str, version: Option<&str>) -> PortResult<BlobClient> {
        let blob = self.account.blob(&self.blob_name(operation, name)?)?;
        let unnamed = |_| self.error(PortErrorKind::Invalid, operation, "that can't be the id of a version");
        match version {
            None | Some(CURRENT) => Ok(blob),
            Some(DELETED | DELETION) => {
                let message = format!("`{name}` was deleted, and its content can't be read before it is restored");
                Err(PortError::not_found(self.account.service.clone(), operation, message))
            }
            Some(id) => match id.strip_prefix(SNAPSHOT) {
                Some(time) => blob.with_snapshot(time).map_err(unnamed),
                None => blob.with_version(id).map_err(unnamed),
            },
        }
    }

    pub(crate) fn error(&self, kind: PortErrorKind, operation: &'static str, message: impl Into<String>) -> PortError {
        PortError::new(kind, self.account.service.clone(), operation, message)
    }

    /// A write was answered: with a version where versions are kept.
    pub(crate) fn note_version(&self, version: Option<&str>) {
        self.seen.versions.store(if version.is_some() { KEPT } else { NONE_KEPT }, Ordering::Relaxed);
    }

    /// Whether versions are kept, as far as that was seen.
    pub(crate) fn keeps_versions(&self) -> Option<bool> {
        match self.seen.versions.load(Ordering::Relaxed) {
            UNKNOWN => None,
            state => Some(state == KEPT),
        }
    }

    /// What an answer's headers say of a file. `size` is that of the whole.
    pub(crate) fn info(&self, name: &str, version: Option<&str>, size: u64, headers: &Headers) -> FileInfo {
        let told = header(headers, "x-ms-version-id").or(version.filter(|id| *id != CURRENT));
        FileInfo {
            name: name.to_owned(),
            size,
            content_type: header(headers, "content-type").map_or_else(|| names::guessed_type(name), str::to_owned),
            modified: date(headers, "last-modified"),
            version: told.map(VersionId::new),
            sha256: header(headers, "x-ms-meta-sha256").and_then(sum),
            encryption: self.encrypted(headers),
        }
    }

    /// Whether an answer is about the version that was asked for: servers without versions don't look at the id.
    pub(crate) fn is_of(&self, operation: &'static str, name: &str, version: Option<&str>, headers: &Headers) -> PortResult<()> {
        match version {
            Some(id) if id != CURRENT && !id.starts_with(SNAPSHOT) && header(headers, "x-ms-version-id") != Some(id) => {
                let message = format!("{}: it has no version `{}`", absent(name), names::shown(id));
                Err(PortError::not_found(self.account.service.clone(), operation, message))
            }
            _ => Ok(()),
        }
    }

    /// What is known about a file.
    pub(crate) async fn look(&self, operation: &'static str, name: &str, version: Option<&str>) -> PortResult<FileInfo> {
        Ok(self.look_closely(operation, name, version).await?.0)
    }

    /// The same, with everything that was answered.
    pub(crate) async fn look_closely(&self, operation: &'static str, name: &str, version: Option<&str>) -> PortResult<(FileInfo, Headers)> {
        let blob = self.blob(operation, name, version)?;
        let absent = absent(name);
        let ask = Ask::file(&self.account, operation, Need::Read, &absent).version(version);
        let get = |context| {
            let method_options = ClientMethodOptions { context };
            blob.get_properties(Some(BlobClientGetPropertiesOptions { method_options, ..BlobClientGetPropertiesOptions::default() }))
        };
        let got = self.ask_sealed(ask, &self.blob_name(operation, name)?, get).await?;
        let headers = got.headers();
        self.is_of(operation, name, version, headers)?;
        if header(headers, "x-ms-meta-hdi_isfolder").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Err(PortError::not_found(self.account.service.clone(), operation, absent));
        }
        if version.is_none() && header(headers, "x-ms-version-id").is_some() {
            self.note_version(Some("kept"));
        }
        let size = header(headers, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok((self.info(name, version, size, headers), headers.clone()))
    }

    /// Deletes a file with its snapshots. Where versions are kept, what was there is one of them.
    async fn remove(&self, name: &str) -> PortResult<()> {
        let blob = self.blob("delete", name, None)?;
        let absent = absent(name);
        let ask = Ask::file(&self.account, "delete", Need::Delete, &absent).changing();
        let options = || {
            Some(BlobClientDeleteOptions {
                delete_snapshots: Some(DeleteSnapshotsOptionType::Include),
                ..BlobClientDeleteOptions::default()
            })
        };
        match self.account.ask(ask, || blob.delete(options())).await {
            Ok(_) => Ok(()),
            // Whether it was done can be seen.
            Err(error) if error.maybe_done => match self.look("delete", name, None).await {
                Err(now) if now.kind == PortErrorKind::NotFound => Ok(()),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl FileStore for AzureStore {
    fn name(&self) -> &StoreName {
        &self.name
    }

    fn versioned(&self) -> bool {
        self.keeps_versions() == Some(true)
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: usize) -> PortResult<FilePage> {
        self.page(prefix, from, limit).await
    }

    async fn head(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo> {
        self.look("head", name, version.map(VersionId::as_str)).await
    }

    async fn read(&self, name: &str, version: Option<&VersionId>, range: Option<ReadRange>) -> PortResult<StoredFile> {
        self.open(name, version.map(VersionId::as_str), range).await
    }

    async fn write(&self, file: NewFile, bytes: ByteStream) -> PortResult<FileInfo> {
        self.store(file, bytes).await
    }

    async fn delete(&self, name: &str) -> PortResult<()> {
        self.remove(name).await
    }

    async fn copy(&self, from: &str, to: &str) -> PortResult<FileInfo> {
        self.copied("copy", from, None, to).await
    }

    async fn versions(&self, name: &str) -> PortResult<Vec<Version>> {
        self.history("versions", name).await
    }

    async fn restore(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo> {
        self.bring_back(name, version.map(VersionId::as_str)).await
    }

    async fn share(&self, name: &str, version: Option<&VersionId>, seconds: u64) -> PortResult<Option<String>> {
        self.link(name, version.map(VersionId::as_str), seconds).await
    }

    async fn share_limit(&self) -> PortResult<Option<ShareLimit>> {
        Ok(self.link_limit())
    }

    async fn share_bound(&self, name: &str, version: Option<&VersionId>, policy: &str) -> PortResult<Option<String>> {
        self.bound_link(name, version.map(VersionId::as_str), policy).await
    }

    async fn tags(&self, name: &str) -> PortResult<BTreeMap<String, String>> {
        self.tags_of("tags", name, None).await
    }

    async fn set_tags(&self, name: &str, tags: &BTreeMap<String, String>) -> PortResult<()> {
        self.tag(name, tags).await
    }

    fn encryptions(&self) -> Vec<FileEncryption> {
        self.ways()
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
