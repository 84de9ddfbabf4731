//! The folder as a `FileStore`: every call of the port, with the blocking work on threads that may block.

use crate::changes::{checked_tags, deleted, tagged, to_restore};
use crate::config::LocalConfig;
use crate::folder::{Defaults, Folder, Surroundings};
use crate::history::History;
use crate::house::{House, placed, valid};
use crate::incoming;
use crate::keys::Keys;
use crate::reading::{self, Opened, opened_now, opened_version};
use crate::sealed::Cipher;
use async_trait::async_trait;
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::{
    ByteStream, FileEncryption, FileInfo, FilePage, FileStore, NewFile, PartWrites, Permission, PortResult, ReadRange, Seal, StoredFile,
    Tidied, Version, Versioning, file_name,
};
use bellhop_core::{Clock, Ids, PortError, PortErrorKind};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A folder as a file store. Versions are numbered from 1 for each name.
pub struct LocalStore {
    name: StoreName,
    pub(crate) folder: Arc<Folder>,
    pub(crate) house: Arc<House>,
    /// What the store's folder is called as a bucket.
    pub(crate) bucket: String,
    /// Other buckets that were asked for as stores.
    others: Mutex<BTreeMap<StoreName, Arc<Folder>>>,
}

impl LocalStore {
    /// Opens a folder that keeps versions, and makes it where it isn't there. It encrypts nothing. Blocks for a moment.
    ///
    /// # Errors
    /// `Denied` or `Full` naming the path; `Invalid` when a newer Bellhop has written the folder.
    pub fn new(name: StoreName, root: &Path, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> PortResult<Self> {
        Self::open(name, &LocalConfig::at(root), clock, ids, None)
    }

    /// Opens a folder as it is configured. Files are encrypted with a key that `seal` derives, which is asked for it when it is
    /// first needed.
    ///
    /// # Errors
    /// As for [`LocalStore::new`]; `Invalid` too for a `bucket` that can't be one.
    pub fn open(
        name: StoreName,
        config: &LocalConfig,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        seal: Option<Arc<dyn Seal>>,
    ) -> PortResult<Self> {
        let service = format!("files.{name}");
        let keys = Arc::new(Keys::new(service.clone(), &config.keys, seal));
        let defaults = Defaults { versions: config.versions, encrypt: config.encrypt };
        let around = Surroundings { service, defaults, keys, clock, ids };
        let (root, bucket) = placed(&config.path, config.bucket.as_deref());
        let house = House::open(around, &root)?;
        let (bucket, folder) = match bucket.filter(|bucket| bucket != house.name()) {
            None => (house.name().to_owned(), house.own()?),
            Some(bucket) => {
                let folder = house.configured(&bucket)?;
                (bucket, folder)
            }
        };
        Ok(Self { name, folder: Arc::new(folder), house: Arc::new(house), bucket, others: Mutex::default() })
    }

    pub(crate) async fn on_disk<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Arc<Folder>) -> PortResult<T> + Send + 'static,
    ) -> PortResult<T> {
        let folder = Arc::clone(&self.folder);
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.unwrap_or_else(|error| Err(PortError::new(PortErrorKind::Broken, self.folder.service.clone(), operation, error.to_string())))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        operation: &'static str,
        name: &str,
        work: impl FnOnce(&Arc<Folder>, &str) -> PortResult<T> + Send + 'static,
    ) -> PortResult<T> {
        let name = self.checked(operation, name)?;
        self.on_disk(operation, move |folder| work(folder, &name)).await
    }

    /// Names are checked before they come here; a store checks again, for everything below trusts them.
    fn checked(&self, operation: &'static str, name: &str) -> PortResult<String> {
        let wrong = |error: bellhop_core::CommandError| {
            PortError::new(PortErrorKind::Invalid, self.folder.service.clone(), operation, error.to_string())
        };
        file_name(name).map(str::to_owned).map_err(wrong)
    }

    /// A file open for reading, and what decrypts it.
    async fn readable(&self, operation: &'static str, name: &str, version: Option<&VersionId>) -> PortResult<(Opened, Option<Cipher>)> {
        let version = version.cloned();
        self.blocking(operation, name, move |folder, name| {
            let opened = opened(folder, operation, name, version.as_ref())?;
            let cipher = reading::cipher(folder, operation, &opened)?;
            Ok((opened, cipher))
        })
        .await
    }

    /// Writes what another name or version holds, with its tags, and encrypted as that is.
    async fn copied(&self, operation: &'static str, from: &str, version: Option<&VersionId>, to: &str) -> PortResult<FileInfo> {
        let (opened, cipher) = self.readable(operation, from, version).await?;
        let size = opened.info.size;
        let mut new = NewFile::new(to, opened.info.content_type.clone(), Some(size));
        new.tags = opened.record.as_ref().map(|record| record.tags.clone()).unwrap_or_default();
        new.encryption = opened.info.encryption.clone();
        let bytes = reading::stream(&self.folder, opened, cipher, 0, size);
        self.write(new, bytes).await
    }

    /// What a file to be written is, once it is checked.
    pub(crate) fn accepted(&self, operation: &'static str, file: &NewFile) -> PortResult<String> {
        self.checked(operation, &file.name)?;
        checked_tags(&self.folder, operation, &file.tags)?;
        Ok(if file.content_type.is_empty() {
            mime_guess::from_path(&file.name).first_or_octet_stream().to_string()
        } else {
            file.content_type.clone()
        })
    }

    /// Versions can be asked for where there ever were any.
    fn with_versions(&self, operation: &'static str) -> PortResult<()> {
        if self.folder.versioning(operation)? != Versioning::Off {
            return Ok(());
        }
        let message = format!("the store `{}` keeps no versions", self.name);
        Err(PortError::unsupported(self.folder.service.clone(), operation, message))
    }
}

fn opened(folder: &Folder, operation: &'static str, name: &str, version: Option<&VersionId>) -> PortResult<Opened> {
    match version {
        Some(version) => opened_version(folder, operation, name, version),
        None => opened_now(folder, operation, name),
    }
}

#[async_trait]
impl FileStore for LocalStore {
    fn name(&self) -> &StoreName {
        &self.name
    }

    fn versioned(&self) -> bool {
        self.folder.versioned()
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: usize) -> PortResult<FilePage> {
        let (prefix, from) = (prefix.to_owned(), from.map(str::to_owned));
        self.on_disk("list", move |folder| folder.page(&prefix, from.as_deref(), limit)).await
    }

    async fn head(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo> {
        let version = version.cloned();
        self.blocking("head", name, move |folder, name| Ok(opened(folder, "head", name, version.as_ref())?.info)).await
    }

    async fn read(&self, name: &str, version: Option<&VersionId>, range: Option<ReadRange>) -> PortResult<StoredFile> {
        let (opened, cipher) = self.readable("read", name, version).await?;
        let info = opened.info.clone();
        let start = range.map_or(0, |r| r.start).min(info.size);
        let length = range.and_then(|r| r.length).unwrap_or(u64::MAX).min(info.size - start);
        let bytes = reading::stream(&self.folder, opened, cipher, start, length);
        Ok(StoredFile { info, bytes })
    }

    async fn write(&self, file: NewFile, bytes: ByteStream) -> PortResult<FileInfo> {
        let content_type = self.accepted("write", &file)?;
        let temporary = incoming::take(Arc::clone(&self.folder), &file, bytes).await?;
        let NewFile { name, tags, .. } = file;
        self.blocking("write", &name, move |_, name| temporary.publish(name, &content_type, tags)).await
    }

    async fn delete(&self, name: &str) -> PortResult<()> {
        self.blocking("delete", name, |folder, name| deleted(folder, name)).await
    }

    async fn copy(&self, from: &str, to: &str) -> PortResult<FileInfo> {
        self.checked("copy", to)?;
        self.copied("copy", from, None, to).await
    }

    async fn versions(&self, name: &str) -> PortResult<Vec<Version>> {
        self.with_versions("versions")?;
        self.blocking("versions", name, |folder, name| {
            let (current, there) = folder.now("versions", name)?;
            let versions = History::of(folder, "versions", name).versions(current, there)?;
            if versions.is_empty() { Err(folder.absent("versions", name)) } else { Ok(versions) }
        })
        .await
    }

    async fn restore(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo> {
        self.with_versions("restore")?;
        let wanted = version.cloned();
        let version = self.blocking("restore", name, move |folder, name| to_restore(folder, name, wanted.as_ref())).await?;
        self.copied("restore", name, Some(&version), name).await
    }

    async fn share_bound(&self, name: &str, version: Option<&VersionId>, policy: &str) -> PortResult<Option<String>> {
        let (version, id) = (version.cloned(), policy.to_owned());
        self.blocking("share", name, move |folder, name| {
            let settings = folder.settings("share")?;
            let shown = bellhop_core::text::shorten(&bellhop_core::text::one_line(&id), 70);
            let policy = settings.access.iter().find(|policy| policy.id == id).ok_or_else(|| {
                PortError::not_found(
                    folder.service.clone(),
                    "share",
                    format!("there is no access policy `{shown}`; it may have been revoked"),
                )
            })?;
            let now = folder.clock.now();
            let why = if !policy.permissions.contains(&Permission::Read) {
                "doesn't let files be read"
            } else if policy.starts.is_some_and(|starts| now < starts) {
                "doesn't hold yet"
            } else if policy.expires.is_some_and(|expires| now >= expires) {
                "doesn't hold any more"
            } else {
                opened(folder, "share", name, version.as_ref())?;
                return Ok(None);
            };
            Err(PortError::new(PortErrorKind::Denied, folder.service.clone(), "share", format!("the access policy `{shown}` {why}")))
        })
        .await
    }

    async fn tags(&self, name: &str) -> PortResult<BTreeMap<String, String>> {
        self.blocking("tags", name, |folder, name| {
            Ok(opened_now(folder, "tags", name)?.record.map(|record| record.tags).unwrap_or_default())
        })
        .await
    }

    async fn set_tags(&self, name: &str, tags: &BTreeMap<String, String>) -> PortResult<()> {
        let tags = tags.clone();
        self.blocking("tag", name, move |folder, name| tagged(folder, name, tags)).await
    }

    fn encryptions(&self) -> Vec<FileEncryption> {
        self.folder.keys.offered()
    }

    fn parts(&self) -> Option<&dyn PartWrites> {
        Some(self)
    }

    async fn tidy(&self) -> PortResult<Tidied> {
        let (house, all) = (Arc::clone(&self.house), self.bucket == self.house.name());
        self.on_disk("tidy", move |folder| {
            let mut whole = folder.tidy()?;
            if all {
                // The buckets beside are nobody else's to look after.
                house.sweep();
                for name in house.names()? {
                    let Some(bucket) = house.bucket(&name)? else { continue };
                    let tidied = bucket.tidy()?;
                    whole.expired += tidied.expired;
                    whole.versions += tidied.versions;
                    whole.markers += tidied.markers;
                    whole.uploads += tidied.uploads;
                    whole.leftovers += tidied.leftovers;
                    whole.freed += tidied.freed;
                }
            }
            Ok(whole)
        })
        .await
    }

    fn bucket_store(&self, bucket: &StoreName) -> Option<Arc<dyn FileStore>> {
        if valid(bucket.as_str()).is_err() || bucket.as_str() == self.bucket {
            return None;
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.retain(|_, folder| folder.alive());
        let folder = if let Some(folder) = others.get(bucket) {
            Arc::clone(folder)
        } else {
            let whole = bucket.as_str() == self.house.name();
            let opened = if whole { self.house.own().map(Some) } else { self.house.bucket(bucket.as_str()) };
            let opened = opened.map_err(|error| tracing::warn!(%error, %bucket, "a bucket could not be opened"));
            let folder = Arc::new(opened.ok().flatten()?);
            others.insert(bucket.clone(), Arc::clone(&folder));
            folder
        };
        let house = Arc::clone(&self.house);
        Some(Arc::new(Self { name: bucket.clone(), folder, house, bucket: bucket.to_string(), others: Mutex::default() }))
    }

    fn buckets(&self) -> Option<&dyn bellhop_core::ports::Buckets> {
        Some(self)
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
