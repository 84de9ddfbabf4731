//! A store of files.

use super::{Buckets, ByteStream, FileEncryption, Finding, PortResult, folders};
use crate::address::Address;
use crate::clock::Timestamp;
use crate::error::{CommandError, PortError};
use crate::ids::{StoreName, UploadId, VersionId};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
    /// How it is encrypted where it lies, where the store says so. Listings may leave it out.
    #[serde(default)]
    pub encryption: Option<FileEncryption>,
}

/// A page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePage {
    /// The files, by name in byte order.
    pub files: Vec<FileInfo>,
    /// Where the next page begins, where there is one; opaque.
    pub next: Option<String>,
}

/// A page of what is directly in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderPage {
    /// The folders in it, by their full names with a slash at the end, in byte order.
    pub folders: Vec<String>,
    /// The files in it, by name in byte order.
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
    /// Short texts under short names that go with it; refused as `Unsupported` where the store has none and some are given.
    pub tags: BTreeMap<String, String>,
    /// How it is encrypted where it lies, where not as the store does it by itself; refused as `Unsupported` or `Invalid` where
    /// the store can't: nothing is ever written less protected than was asked.
    pub encryption: Option<FileEncryption>,
}

impl NewFile {
    /// A file without tags, encrypted as the store does it by itself.
    #[must_use]
    pub fn new(name: impl Into<String>, content_type: impl Into<String>, size: Option<u64>) -> Self {
        Self { name: name.into(), content_type: content_type.into(), size, tags: BTreeMap::new(), encryption: None }
    }
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

/// What [`FileStore::tidy`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Files that lifecycle rules let expire.
    pub expired: u64,
    /// Older versions that were removed for good.
    pub versions: u64,
    /// Marks of deletions that were removed.
    pub markers: u64,
    /// Uploads in parts that nobody went on with.
    pub uploads: u64,
    /// What interrupted writes had left.
    pub leftovers: u64,
    /// The bytes of room that removing versions, uploads and leftovers gave back.
    pub freed: u64,
}

/// How long a store's own links can work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareLimit {
    /// The longest time in seconds that [`FileStore::share`] takes now.
    pub seconds: u64,
    /// Why no longer, as a sentence for people: the service's own limit, or credentials that end before.
    pub why: String,
}

/// An upload in parts that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartUpload {
    /// Names it from now on, also after a restart.
    pub id: UploadId,
    /// The length in bytes of every part but the last, which has what remains. Part 1 begins at byte 0.
    pub part_size: u64,
    /// How many parts there are; at least 1, of which the only one of an empty file is empty.
    pub parts: u32,
}

/// A part that the store has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartDone {
    /// Its number, from 1.
    pub number: u32,
    /// Its length in bytes.
    pub size: u64,
    /// A checksum of its bytes, where the store gives one, as `algorithm:value`; comparable only with those of the same store.
    pub checksum: Option<String>,
    /// What [`PartWrites::finish`] needs of it; opaque.
    pub receipt: String,
}

/// An upload in parts that was begun and not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// What [`PartWrites::abort`] takes.
    pub id: UploadId,
    /// The name that its file would have.
    pub name: String,
    /// When it was begun.
    pub since: Timestamp,
}

/// Writing a file in parts that outlive a restart: any of them can be sent again, in any order, several at once.
#[async_trait]
pub trait PartWrites: Send + Sync {
    /// Begins an upload; nothing can be seen under the name before it is finished. The file's length has to be known:
    /// `Invalid` otherwise. Type, tags and encryption are those of the finished file, and refused as when it is written at once.
    async fn begin(&self, file: &NewFile) -> PortResult<PartUpload>;

    /// Writes one part; one of the same number that is there already is replaced. `size` is the exact length of the bytes:
    /// a stream of another length is refused, and the part is not there. `NotFound` when there is no such upload.
    async fn put(&self, upload: &UploadId, number: u32, size: u64, bytes: ByteStream) -> PortResult<PartDone>;

    /// The parts that are there, by number. `NotFound` when there is no such upload, also when it is finished.
    async fn done(&self, upload: &UploadId) -> PortResult<Vec<PartDone>>;

    /// Makes the file of these parts, in the order of their numbers. When this fails, nothing is changed under the name,
    /// and the parts are still there.
    async fn finish(&self, upload: &UploadId, parts: &[PartDone]) -> PortResult<FileInfo>;

    /// Gives an upload up, and frees what its parts took. One that isn't there any more is no error.
    async fn abort(&self, upload: &UploadId) -> PortResult<()>;

    /// The uploads under exactly this name that were begun and neither finished nor given up, whoever began them. None where the
    /// store lets go by itself of what nobody goes on with.
    async fn unfinished(&self, name: &str) -> PortResult<Vec<Unfinished>> {
        let _ = name;
        Ok(Vec::new())
    }
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

    /// What is directly under `prefix`, which is empty or ends in a slash: files, and folders in place of all that is in them, at
    /// most `limit` (at least 1) of both together, from where `from` says. Following `next` to the end gives everything once; a
    /// page may have less than `limit`, or nothing, where looking further would take long.
    async fn folder(&self, prefix: &str, from: Option<&str>, limit: usize) -> PortResult<FolderPage> {
        folders::listed_folder(self, prefix, from, limit).await
    }

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

    /// Copies a file within the store, type included. Tags and an encryption of its own are the copy's too.
    async fn copy(&self, from: &str, to: &str) -> PortResult<FileInfo>;

    /// The versions of a file, newest first, deletions included. `NotFound` when the name never had one.
    async fn versions(&self, name: &str) -> PortResult<Vec<Version>>;

    /// Makes an older version the current one again, as a new version; without an id, the newest that isn't a deletion.
    /// `Conflict` when that is what the name gives already.
    async fn restore(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo>;

    /// An address from which anyone can download the file until it expires, made by the store itself; `None` where the
    /// store has none, and Bellhop serves the bytes. So too for a file under a key that only the bot has: whoever follows an
    /// address has no key to send.
    async fn share(&self, name: &str, version: Option<&VersionId>, seconds: u64) -> PortResult<Option<String>> {
        let _ = (name, version, seconds);
        Ok(None)
    }

    /// How long such an address can work at most, where the store makes addresses and knows a limit; a longer time is
    /// refused as `Invalid`.
    async fn share_limit(&self) -> PortResult<Option<ShareLimit>> {
        Ok(None)
    }

    /// Such an address bound to an access policy of the store's own bucket: it works from when, until when and as far as the
    /// policy says, and ends when that is revoked. `None` where Bellhop serves the bytes: then asking again tells at each use whether
    /// the policy still lets the file be read, and the answer is `Denied` or `NotFound` when it doesn't. `NotFound` where there is no
    /// such policy, `Unsupported` where there are none.
    async fn share_bound(&self, name: &str, version: Option<&VersionId>, policy: &str) -> PortResult<Option<String>> {
        let _ = (name, version, policy);
        let message = "this store has no access policies that links could be bound to";
        Err(PortError::unsupported(format!("files.{}", self.name()), "share", message))
    }

    /// The tags of a file: short texts under short names. `NotFound` as for `head`, `Unsupported` where the store has none.
    async fn tags(&self, name: &str) -> PortResult<BTreeMap<String, String>> {
        let _ = name;
        Err(PortError::unsupported(format!("files.{}", self.name()), "tags", "this store has no tags"))
    }

    /// Replaces all tags of a file.
    async fn set_tags(&self, name: &str, tags: &BTreeMap<String, String>) -> PortResult<()> {
        let _ = (name, tags);
        Err(PortError::unsupported(format!("files.{}", self.name()), "tag", "this store has no tags"))
    }

    /// The ways of encrypting a single file that this store can be asked for now, the usual first; empty where there is no choice.
    fn encryptions(&self) -> Vec<FileEncryption> {
        Vec::new()
    }

    /// Looks whether everything needed is there: credentials, permissions, settings. An error means that the store could
    /// not be asked.
    async fn check(&self) -> PortResult<Vec<Finding>> {
        Ok(Vec::new())
    }

    /// Uploads in parts that outlive a restart, where the store has them.
    fn parts(&self) -> Option<&dyn PartWrites> {
        None
    }

    /// Does what is due with time where no service does it: carries out lifecycle rules, and removes what interrupted writes left.
    /// Called now and then; what another process is at is left alone.
    async fn tidy(&self) -> PortResult<Tidied> {
        Ok(Tidied::default())
    }

    /// Another bucket beside this store's own, as a store under the bucket's name, where one can be had without any configuration.
    fn bucket_store(&self, bucket: &StoreName) -> Option<Arc<dyn FileStore>> {
        let _ = bucket;
        None
    }

    /// The administration of the service's buckets, where there is one and it can be reached from here.
    fn buckets(&self) -> Option<&dyn Buckets> {
        None
    }
}

/// The collection of [`super::Records`] in which places have the name of their default store.
pub const USUAL_STORES: &str = "usual_store";

/// The key there of a place: that of its channel, whichever thread of it.
#[must_use]
pub fn usual_store_key(place: &Address) -> String {
    place.lane().as_str().to_owned()
}

/// The configured stores.
#[async_trait]
pub trait Stores: Send + Sync {
    /// A store by its name, or the default one.
    ///
    /// # Errors
    /// `NotFound` with the nearest name.
    fn store(&self, name: Option<&StoreName>) -> Result<Arc<dyn FileStore>, CommandError>;

    /// Their names, the default one first.
    fn names(&self) -> Vec<StoreName>;

    /// The stores as they are seen from a place: the one that is the default there comes first, and is meant where none is named.
    async fn seen_from(self: Arc<Self>, place: &Address) -> Arc<dyn Stores>;
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
