//! A folder of this machine as a store that can only be read: a backup that was fetched by other means.

use async_trait::async_trait;
use bellhop_core::clock::Timestamp;
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::{ByteStream, FileInfo, FilePage, FileStore, NewFile, PortResult, ReadRange, StoredFile, Version};
use futures::StreamExt as _;
use std::path::{Path, PathBuf};
use tokio_util::io::ReaderStream;

/// The folder.
pub(super) struct Folder {
    name: StoreName,
    root: PathBuf,
}

impl Folder {
    pub fn new(root: &Path) -> Self {
        Self { name: StoreName::new(root.display().to_string()), root: root.to_owned() }
    }

    fn failed(operation: &'static str, path: &Path, why: &std::io::Error) -> PortError {
        let kind = match why.kind() {
            std::io::ErrorKind::NotFound => PortErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => PortErrorKind::Denied,
            _ => PortErrorKind::Unavailable,
        };
        PortError::new(kind, "folder", operation, format!("{}: {why}", path.display()))
    }

    fn only_read<T>(&self, operation: &'static str) -> PortResult<T> {
        Err(PortError::unsupported("folder", operation, format!("{} is only read", self.name)))
    }

    fn info(&self, name: &str) -> PortResult<(FileInfo, PathBuf)> {
        let path = self.root.join(name);
        let known = std::fs::metadata(&path).map_err(|why| Self::failed("head", &path, &why))?;
        if !known.is_file() {
            return Err(PortError::not_found("folder", "head", format!("{} is no file", path.display())));
        }
        let info = FileInfo {
            name: name.to_owned(),
            size: known.len(),
            content_type: "application/octet-stream".to_owned(),
            modified: known.modified().map_or(Timestamp::UNIX_EPOCH, Timestamp::from),
            version: None,
            sha256: None,
            encryption: None,
        };
        Ok((info, path))
    }

    fn walk(&self, folder: &Path, into: &mut Vec<String>) -> PortResult<()> {
        let entries = std::fs::read_dir(folder).map_err(|why| Self::failed("list", folder, &why))?;
        for entry in entries {
            let path = entry.map_err(|why| Self::failed("list", folder, &why))?.path();
            if path.is_dir() {
                self.walk(&path, into)?;
            } else if let Some(name) = path.strip_prefix(&self.root).ok().and_then(Path::to_str) {
                into.push(name.to_owned());
            }
        }
        Ok(())
    }
}

#[async_trait]
impl FileStore for Folder {
    fn name(&self) -> &StoreName {
        &self.name
    }

    fn versioned(&self) -> bool {
        false
    }

    async fn list(&self, prefix: &str, _: Option<&str>, _: usize) -> PortResult<FilePage> {
        let mut names = Vec::new();
        self.walk(&self.root, &mut names)?;
        names.retain(|name| name.starts_with(prefix));
        names.sort();
        let files = names.iter().map(|name| self.info(name).map(|(info, _)| info)).collect::<PortResult<_>>()?;
        Ok(FilePage { files, next: None })
    }

    async fn head(&self, name: &str, _: Option<&VersionId>) -> PortResult<FileInfo> {
        Ok(self.info(name)?.0)
    }

    async fn read(&self, name: &str, _: Option<&VersionId>, _: Option<ReadRange>) -> PortResult<StoredFile> {
        let (info, path) = self.info(name)?;
        let file = tokio::fs::File::open(&path).await.map_err(|why| Self::failed("read", &path, &why))?;
        let bytes = ReaderStream::with_capacity(file, 256 * 1024)
            .map(|piece| piece.map_err(|why| PortError::new(PortErrorKind::Unavailable, "folder", "read", why.to_string())));
        Ok(StoredFile { info, bytes: Box::pin(bytes) })
    }

    async fn write(&self, _: NewFile, _: ByteStream) -> PortResult<FileInfo> {
        self.only_read("write")
    }

    async fn delete(&self, _: &str) -> PortResult<()> {
        self.only_read("delete")
    }

    async fn copy(&self, _: &str, _: &str) -> PortResult<FileInfo> {
        self.only_read("copy")
    }

    async fn versions(&self, _: &str) -> PortResult<Vec<Version>> {
        self.only_read("versions")
    }

    async fn restore(&self, _: &str, _: Option<&VersionId>) -> PortResult<FileInfo> {
        self.only_read("restore")
    }
}
