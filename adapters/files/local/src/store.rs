//! The folder as a `FileStore`: every call of the port, with the blocking work on threads that may block.

use crate::config::LocalConfig;
use crate::folder::{Folder, Stamp};
use crate::history::{History, Record};
use crate::incoming;
use async_trait::async_trait;
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::{ByteStream, FileInfo, FilePage, FileStore, NewFile, PortResult, ReadRange, StoredFile, Version, file_name};
use bellhop_core::{Clock, Ids, PortError, PortErrorKind};
use bytes::{Bytes, BytesMut};
use cap_std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

/// What is read at once.
const CHUNK: u64 = 256 * 1024;

/// A folder as a file store. Versions are numbered from 1 for each name.
pub struct LocalStore {
    name: StoreName,
    folder: Arc<Folder>,
}

impl LocalStore {
    /// Opens a folder that keeps versions, and makes it where it isn't there. Blocks for a moment.
    ///
    /// # Errors
    /// `Denied` or `Full` naming the path; `Invalid` when a newer Bellhop has written the folder.
    pub fn new(name: StoreName, root: &Path, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> PortResult<Self> {
        Self::open(name, &LocalConfig { path: root.to_path_buf(), versions: true }, clock, ids)
    }

    /// Opens a folder as it is configured.
    ///
    /// # Errors
    /// As for [`LocalStore::new`].
    pub fn open(name: StoreName, config: &LocalConfig, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> PortResult<Self> {
        let folder = Folder::open(format!("files.{name}"), &config.path, config.versions, clock, ids)?;
        Ok(Self { name, folder: Arc::new(folder) })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        operation: &'static str,
        name: &str,
        work: impl FnOnce(&Folder, &str) -> PortResult<T> + Send + 'static,
    ) -> PortResult<T> {
        let name = self.checked(operation, name)?;
        let folder = Arc::clone(&self.folder);
        let done = tokio::task::spawn_blocking(move || work(&folder, &name)).await;
        done.unwrap_or_else(|error| Err(PortError::new(PortErrorKind::Broken, self.folder.service.clone(), operation, error.to_string())))
    }

    /// Names are checked before they come here; a store checks again, for everything below trusts them.
    fn checked(&self, operation: &'static str, name: &str) -> PortResult<String> {
        let wrong = |error: bellhop_core::CommandError| {
            PortError::new(PortErrorKind::Invalid, self.folder.service.clone(), operation, error.to_string())
        };
        file_name(name).map(str::to_owned).map_err(wrong)
    }

    async fn opened(&self, operation: &'static str, name: &str, version: Option<&VersionId>) -> PortResult<(FileInfo, File)> {
        let version = version.cloned();
        self.blocking(operation, name, move |folder, name| match version {
            Some(version) => opened_version(folder, operation, name, &version),
            None => opened_now(folder, operation, name),
        })
        .await
    }

    async fn copied(&self, operation: &'static str, from: &str, version: Option<&VersionId>, to: &str) -> PortResult<FileInfo> {
        let (info, file) = self.opened(operation, from, version).await?;
        let new = NewFile::new(to.to_owned(), info.content_type.clone(), Some(info.size));
        let bytes = stream(&self.folder, from, file, 0, info.size);
        self.write(new, bytes).await
    }
}

/// What the name gives now, open. The file is opened first and asked about itself then, so that what is said and what is
/// read are the same version, whoever writes meanwhile.
fn opened_now(folder: &Folder, operation: &'static str, name: &str) -> PortResult<(FileInfo, File)> {
    // A writer may rename between finding and opening, a second time hardly.
    let mut tries = 0;
    loop {
        let path = folder.find(operation, name)?.ok_or_else(|| folder.absent(operation, name))?;
        match folder.files.open(&path) {
            Ok(file) => return Ok((History::of(folder, operation, name).known(&path, &file)?, file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && tries < 5 => tries += 1,
            Err(error) => return Err(folder.fail_file(operation, &path, &error)),
        }
    }
}

fn opened_version(folder: &Folder, operation: &'static str, name: &str, version: &VersionId) -> PortResult<(FileInfo, File)> {
    let history = History::of(folder, operation, name);
    let record = version_of(folder, operation, name, version)?;
    let gone = |why: &str| PortError::not_found(folder.service.clone(), operation, format!("version {version} of `{name}` {why}"));
    if record.deletion {
        return Err(gone("marks its deletion and has no content"));
    }
    if let Some(file) = history.bytes(&record)? {
        return Ok((record.info(folder.versioned), file));
    }
    // A version that was current when versions were not kept has its bytes under the name only.
    if let Some(path) = folder.find(operation, name)?
        && let Ok(file) = folder.files.open(&path)
        && history.stamp(&path, &file)? == record.stamp
    {
        return Ok((record.info(folder.versioned), file));
    }
    Err(gone("is no longer there: its file was written over by hand"))
}

fn version_of(folder: &Folder, operation: &'static str, name: &str, version: &VersionId) -> PortResult<Record> {
    let record = match version.as_str().parse() {
        Ok(number) => History::of(folder, operation, name).numbered(number)?,
        Err(_) => None,
    };
    record.ok_or_else(|| PortError::not_found(folder.service.clone(), operation, format!("`{name}` has no version `{version}`")))
}

fn deleted(folder: &Folder, name: &str) -> PortResult<()> {
    let lock = folder.publishing("delete")?;
    let path = folder.find("delete", name)?.ok_or_else(|| folder.absent("delete", name))?;
    let fail = |error: &std::io::Error| folder.fail_file("delete", &path, error);
    let history = History::of(folder, "delete", name);
    let mut marked = None;
    if folder.versioned {
        let file = folder.files.open(&path).map_err(|e| fail(&e))?;
        history.adopt(&lock, &path, &file)?;
        marked = Some(history.begin(
            &lock,
            Record {
                name: name.to_owned(),
                number: 0,
                size: 0,
                content_type: String::new(),
                modified: folder.clock.now(),
                sha256: String::new(),
                deletion: true,
                stamp: Stamp { size: 0, changed: 0 },
                lost: false,
            },
        )?);
    }
    if let Err(error) = folder.files.remove_file(&path) {
        if let Some(record) = marked {
            history.withdraw(record.number);
        }
        return Err(fail(&error));
    }
    folder.settle_above(&path).map_err(|e| fail(&e))?;
    folder.prune(&path);
    if !folder.versioned {
        history.forget_before(u64::MAX)?;
    }
    Ok(())
}

/// The number of the version that the name gives now.
fn current(folder: &Folder, operation: &'static str, name: &str) -> PortResult<Option<u64>> {
    match opened_now(folder, operation, name) {
        Ok((info, _)) => Ok(info.version.and_then(|v| v.as_str().parse().ok())),
        Err(error) if error.kind == PortErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Which version a restoration brings back.
fn to_restore(folder: &Folder, name: &str, version: Option<&VersionId>) -> PortResult<VersionId> {
    let history = History::of(folder, "restore", name);
    let now = current(folder, "restore", name)?;
    let record = if let Some(version) = version {
        version_of(folder, "restore", name, version)?
    } else {
        let records = history.records()?;
        if records.is_empty() {
            return Err(folder.absent("restore", name));
        }
        let newest = records.into_iter().find(|r| !r.deletion && !r.lost);
        newest.ok_or_else(|| PortError::not_found(folder.service.clone(), "restore", format!("no version of `{name}` has content")))?
    };
    let conflict = |why: String| Err(PortError::new(PortErrorKind::Conflict, folder.service.clone(), "restore", why));
    if now == Some(record.number) {
        return conflict(format!("`{name}` gives version {} already", record.number));
    }
    if version.is_none() && folder.find("restore", name)?.is_some() {
        return conflict(format!("`{name}` is not deleted; name the version that is to come back"));
    }
    Ok(record.number.to_string().into())
}

/// Reads `length` bytes from `start` in pieces.
fn stream(folder: &Arc<Folder>, name: &str, file: File, start: u64, length: u64) -> ByteStream {
    struct Reading {
        folder: Arc<Folder>,
        name: String,
        file: tokio::fs::File,
        seek: Option<u64>,
        left: u64,
    }
    let file = tokio::fs::File::from_std(file.into_std());
    let reading = Reading { folder: Arc::clone(folder), name: name.to_owned(), file, seek: Some(start).filter(|at| *at > 0), left: length };
    Box::pin(futures::stream::try_unfold(reading, async |mut reading| -> PortResult<Option<(Bytes, Reading)>> {
        if reading.left == 0 {
            return Ok(None);
        }
        let fail = |reading: &Reading, error: &std::io::Error| reading.folder.fail_file("read", &PathBuf::from(&reading.name), error);
        if let Some(at) = reading.seek.take()
            && let Err(error) = reading.file.seek(std::io::SeekFrom::Start(at)).await
        {
            return Err(fail(&reading, &error));
        }
        let want = reading.left.min(CHUNK);
        let mut buffer = BytesMut::with_capacity(usize::try_from(want).unwrap_or(0));
        match (&mut reading.file).take(want).read_buf(&mut buffer).await {
            Ok(0) => {
                let message = format!("`{}` became shorter while it was read; read it again", reading.name);
                Err(PortError::new(PortErrorKind::Conflict, reading.folder.service.clone(), "read", message))
            }
            Ok(count) => {
                reading.left -= u64::try_from(count).unwrap_or(reading.left).min(reading.left);
                Ok(Some((buffer.freeze(), reading)))
            }
            Err(error) => Err(fail(&reading, &error)),
        }
    }))
}

#[async_trait]
impl FileStore for LocalStore {
    fn name(&self) -> &StoreName {
        &self.name
    }

    fn versioned(&self) -> bool {
        self.folder.versioned
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: usize) -> PortResult<FilePage> {
        let folder = Arc::clone(&self.folder);
        let (prefix, from) = (prefix.to_owned(), from.map(str::to_owned));
        let done = tokio::task::spawn_blocking(move || folder.page(&prefix, from.as_deref(), limit)).await;
        done.unwrap_or_else(|error| Err(PortError::new(PortErrorKind::Broken, self.folder.service.clone(), "list", error.to_string())))
    }

    async fn head(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo> {
        Ok(self.opened("head", name, version).await?.0)
    }

    async fn read(&self, name: &str, version: Option<&VersionId>, range: Option<ReadRange>) -> PortResult<StoredFile> {
        let (info, file) = self.opened("read", name, version).await?;
        let start = range.map_or(0, |r| r.start).min(info.size);
        let length = range.and_then(|r| r.length).unwrap_or(u64::MAX).min(info.size - start);
        let bytes = stream(&self.folder, name, file, start, length);
        Ok(StoredFile { info, bytes })
    }

    async fn write(&self, file: NewFile, bytes: ByteStream) -> PortResult<FileInfo> {
        self.checked("write", &file.name)?;
        let temporary = incoming::take(Arc::clone(&self.folder), &file, bytes).await?;
        let content_type = if file.content_type.is_empty() {
            mime_guess::from_path(&file.name).first_or_octet_stream().to_string()
        } else {
            file.content_type
        };
        self.blocking("write", &file.name, move |_, name| temporary.publish(name, &content_type)).await
    }

    async fn delete(&self, name: &str) -> PortResult<()> {
        self.blocking("delete", name, deleted).await
    }

    async fn copy(&self, from: &str, to: &str) -> PortResult<FileInfo> {
        self.checked("copy", to)?;
        self.copied("copy", from, None, to).await
    }

    async fn versions(&self, name: &str) -> PortResult<Vec<Version>> {
        if !self.folder.versioned {
            return Err(PortError::unsupported(
                self.folder.service.clone(),
                "versions",
                format!("the store `{}` keeps no versions", self.name),
            ));
        }
        self.blocking("versions", name, |folder, name| {
            let current = current(folder, "versions", name)?;
            let versions = History::of(folder, "versions", name).versions(current)?;
            if versions.is_empty() { Err(folder.absent("versions", name)) } else { Ok(versions) }
        })
        .await
    }

    async fn restore(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo> {
        if !self.folder.versioned {
            return Err(PortError::unsupported(
                self.folder.service.clone(),
                "restore",
                format!("the store `{}` keeps no versions", self.name),
            ));
        }
        let wanted = version.cloned();
        let version = self.blocking("restore", name, move |folder, name| to_restore(folder, name, wanted.as_ref())).await?;
        self.copied("restore", name, Some(&version), name).await
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
