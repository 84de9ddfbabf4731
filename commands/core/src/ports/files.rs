//! A store of files.

use super::{ByteStream, PortResult};
use crate::clock::Timestamp;
use crate::error::CommandError;
use crate::ids::{StoreName, VersionId};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is known about a stored file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Its name, slashes included.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its type.
    pub content_type: String,
    /// When this version was written.
    pub modified: Timestamp,
    /// The version, where the store keeps versions.
    pub version: Option<VersionId>,
    /// SHA-256 of its bytes in lower-case hexadecimal, where the store knows it.
    pub sha256: Option<String>,
}

/// A page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePage {
    /// The files, by name in byte order.
    pub files: Vec<FileInfo>,
    /// Where the next page begins, where there is one; opaque.
    pub next: Option<String>,
}

/// One version of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its id.
    pub id: VersionId,
    /// Its length in bytes; 0 for a deletion.
    pub size: u64,
    /// When it was written.
    pub modified: Timestamp,
    /// Whether it is what the name gives now.
    pub current: bool,
    /// Whether it marks a deletion rather than content.
    pub deletion: bool,
}

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its name.
    pub name: String,
    /// Its type.
    pub content_type: String,
    /// Its length in bytes where it is known beforehand; a stream of another length is refused and leaves nothing.
    pub size: Option<u64>,
}

/// Which bytes to read: from `start`, at most `length` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRange {
    /// The first byte.
    pub start: u64,
    /// How many, or to the end.
    pub length: Option<u64>,
}

/// A file being read.
pub struct StoredFile {
    /// What is known about it. `size` is that of the whole file, whatever the range.
    pub info: FileInfo,
    /// Its bytes.
    pub bytes: ByteStream,
}

/// Checks a file's name the way every store does: 1 to 1,024 bytes, parts between slashes, none of them empty, `.` or
/// `..`, no backslash, no control or hidden characters. Spaces and letters of any script are fine.
///
/// # Errors
/// What is wrong and what would be right.
pub fn file_name(name: &str) -> Result<&str, CommandError> {
    let wrong = |why: &str| {
        Err(CommandError::invalid(
            "name",
            format!("`{}` can't be a file's name: {why}", crate::text::shorten(&crate::text::one_line(name), 60)),
        ))
    };
    if name.is_empty() {
        return wrong("it is empty");
    }
    if name.len() > 1024 {
        return wrong("it is over 1,024 bytes; give a shorter one");
    }
    if name.contains('\\') {
        return wrong("write / between folders, not \\");
    }
    if name.chars().any(|c| c.is_control() || crate::text::is_hidden(c)) {
        return wrong("it has control or invisible characters");
    }
    for part in name.split('/') {
        match part {
            "" => return wrong("a part between slashes is empty; write it without a leading, trailing or doubled slash"),
            "." | ".." => return wrong("`.` and `..` would climb out of the store; name the file by its full name there"),
            _ => {}
        }
    }
    Ok(name)
}

/// A store of files. Names are those that [`file_name`] lets through.
#[async_trait]
pub trait FileStore: Send + Sync {
    /// The configured name.
    fn name(&self) -> &StoreName;

    /// Whether versions are kept.
    fn versioned(&self) -> bool;

    /// Files whose names begin with `prefix`, by name in byte order, at most `limit` (at least 1) of them, from where
    /// `from` says. Following `next` from page to page gives every file once.
    async fn list(&self, prefix: &str, from: Option<&str>, limit: usize) -> PortResult<FilePage>;

    /// What is known about a file. `NotFound` when there is none, or it is deleted.
    async fn head(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo>;

    /// The bytes of a file, or of a part: a range past its end gives what there is. `NotFound` as for `head`.
    async fn read(&self, name: &str, version: Option<&VersionId>, range: Option<ReadRange>) -> PortResult<StoredFile>;

    /// Writes a file in constant memory; where versions are kept, what was there before stays as an older version.
    /// Readers see the old content or the new, never a part. When the stream fails, or has another length than was
    /// said, nothing is changed and nothing is left over.
    async fn write(&self, file: NewFile, bytes: ByteStream) -> PortResult<FileInfo>;

    /// Deletes a file; where versions are kept, it can be restored. `NotFound` when there is none.
    async fn delete(&self, name: &str) -> PortResult<()>;

    /// Copies a file within the store, type included.
    async fn copy(&self, from: &str, to: &str) -> PortResult<FileInfo>;

    /// The versions of a file, newest first, deletions included. `NotFound` when the name never had one.
    async fn versions(&self, name: &str) -> PortResult<Vec<Version>>;

    /// Makes an older version the current one again, as a new version; without an id, the newest that isn't a deletion.
    /// `Conflict` when that is what the name gives already.
    async fn restore(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo>;

    /// An address from which anyone can download the file until it expires, made by the store itself; `None` where the
    /// store has none, and Bellhop serves the bytes.
    async fn share(&self, name: &str, version: Option<&VersionId>, seconds: u64) -> PortResult<Option<String>> {
        let _ = (name, version, seconds);
        Ok(None)
    }
}

/// The configured stores.
pub trait Stores: Send + Sync {
    /// A store by its name, or the default one.
    ///
    /// # Errors
    /// `NotFound` with the nearest name.
    fn store(&self, name: Option<&StoreName>) -> Result<Arc<dyn FileStore>, CommandError>;

    /// Their names, the default one first.
    fn names(&self) -> Vec<StoreName>;
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn names_stay_in_the_store() {
        for good in ["a.txt", "folder/b c.txt", "日本/ü.pdf", "..a", "a..", "a+b%20c", "-x"] {
            assert!(file_name(good).is_ok(), "{good}");
        }
        let long = "x".repeat(1025);
        for bad in ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\\b", "a\0b", "a\nb", "a\u{202e}b", long.as_str()] {
            assert!(file_name(bad).is_err(), "{bad:?}");
        }
    }
}
