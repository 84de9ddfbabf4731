//! The suite of [`FileStore`]. It sees a store from outside only; that memory stays constant while gigabytes pass is
//! measured in `tests/bench`.

mod content;
mod folders;
mod parts;
mod sealed;
mod versions;

use super::{Case, Report, cases, run};
use bellhop_core::ports::{ByteStream, FileInfo, FileStore, NewFile, PortResult, ReadRange};
use bellhop_core::{PortError, PortErrorKind};
use bytes::Bytes;
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use std::future::Future;
use std::sync::Arc;

/// A store under judgement.
pub type Subject = Arc<dyn FileStore>;

/// Tries every sentence on stores that `subject` makes, an empty one for each.
///
/// # Panics
/// With the report, when a sentence is broken.
pub async fn suite<F: Future<Output = Subject>>(subject: impl FnMut() -> F) {
    report(subject).await.assert();
}

/// The same, and returns the report.
pub async fn report<F: Future<Output = Subject>>(subject: impl FnMut() -> F) -> Report {
    run("FileStore", &list(), subject).await
}

pub(crate) fn list() -> Vec<Case<Subject>> {
    cases! {
        "Names are those that [`file_name`] lets through." => content::names,
        "Files whose names begin with `prefix`, by name in byte order, at most `limit` (at least 1) of them, from where `from` says." => content::list_pages,
        "Following `next` from page to page gives every file once." => content::list_everything,
        "What is directly under `prefix`, which is empty or ends in a slash: files, and folders in place of all that is in them, at most `limit` (at least 1) of both together, from where `from` says." => folders::directly,
        "Following `next` to the end gives everything once; a page may have less than `limit`, or nothing, where looking further would take long." => folders::everything,
        "What is known about a file." => content::head,
        "`NotFound` when there is none, or it is deleted." => content::head_missing,
        "The bytes of a file, or of a part: a range past its end gives what there is." => content::ranges,
        "`NotFound` as for `head`." => content::read_missing,
        "Writes a file in constant memory; where versions are kept, what was there before stays as an older version." => versions::write_keeps,
        "Readers see the old content or the new, never a part." => content::never_a_part,
        "When the stream fails, or has another length than was said, nothing is changed and nothing is left over." => content::failed_writes,
        "Deletes a file; where versions are kept, it can be restored." => versions::delete,
        "`NotFound` when there is none." => versions::delete_missing,
        "Copies a file within the store, type included." => content::copy,
        "Tags and an encryption of its own are the copy's too." => sealed::copied,
        "The versions of a file, newest first, deletions included." => versions::listed,
        "`NotFound` when the name never had one." => versions::never,
        "Makes an older version the current one again, as a new version; without an id, the newest that isn't a deletion." => versions::restore,
        "`Conflict` when that is what the name gives already." => versions::restore_current,
        "An address from which anyone can download the file until it expires, made by the store itself; `None` where the store has none, and Bellhop serves the bytes." => content::share,
        "So too for a file under a key that only the bot has: whoever follows an address has no key to send." => sealed::shared,
        "How long such an address can work at most, where the store makes addresses and knows a limit; a longer time is refused as `Invalid`." => parts::share_limit,
        "Such an address bound to an access policy of the store's own bucket: it works from when, until when and as far as the policy says, and ends when that is revoked." => content::share_bound,
        "`None` where Bellhop serves the bytes: then asking again tells at each use whether the policy still lets the file be read, and the answer is `Denied` or `NotFound` when it doesn't." => content::share_bound_again,
        "`NotFound` where there is no such policy, `Unsupported` where there are none." => content::share_unbound,
        "The tags of a file: short texts under short names." => parts::tags,
        "`NotFound` as for `head`, `Unsupported` where the store has none." => parts::tags_missing,
        "Replaces all tags of a file." => parts::tags_replaced,
        "Short texts under short names that go with it; refused as `Unsupported` where the store has none and some are given." => sealed::tagged,
        "The ways of encrypting a single file that this store can be asked for now, the usual first; empty where there is no choice." => sealed::offered,
        "How it is encrypted where it lies, where not as the store does it by itself; refused as `Unsupported` or `Invalid` where the store can't: nothing is ever written less protected than was asked." => sealed::refused,
        "How it is encrypted where it lies, where the store says so." => sealed::told,
        "Begins an upload; nothing can be seen under the name before it is finished." => parts::begin,
        "The file's length has to be known: `Invalid` otherwise." => parts::begin_unknown,
        "Type, tags and encryption are those of the finished file, and refused as when it is written at once." => sealed::parts,
        "Writes one part; one of the same number that is there already is replaced." => parts::replaced,
        "`size` is the exact length of the bytes: a stream of another length is refused, and the part is not there." => parts::exact,
        "`NotFound` when there is no such upload." => parts::put_missing,
        "The parts that are there, by number." => parts::listed,
        "`NotFound` when there is no such upload, also when it is finished." => parts::listed_missing,
        "Makes the file of these parts, in the order of their numbers." => parts::finish,
        "When this fails, nothing is changed under the name, and the parts are still there." => parts::finish_fails,
        "Gives an upload up, and frees what its parts took." => parts::abort,
        "One that isn't there any more is no error." => parts::abort_missing,
        "The uploads under exactly this name that were begun and neither finished nor given up, whoever began them." => parts::unfinished,
    }
}

/// A stream of these chunks.
#[must_use]
pub fn chunks(parts: Vec<PortResult<Bytes>>) -> ByteStream {
    Box::pin(futures::stream::iter(parts))
}

/// A stream that breaks after these bytes.
#[must_use]
pub fn broken(before: &str) -> ByteStream {
    chunks(vec![
        Ok(Bytes::copy_from_slice(before.as_bytes())),
        Err(PortError::new(PortErrorKind::Unavailable, "chat.test", "fetch", "the sender hung up")),
    ])
}

async fn write(store: &Subject, name: &str, content: &str) -> Result<FileInfo, String> {
    let file = NewFile::new(name.to_owned(), "text/plain".to_owned(), Some(content.len() as u64));
    let bytes = chunks(vec![Ok(Bytes::copy_from_slice(content.as_bytes()))]);
    store.write(file, bytes).await.map_err(|error| format!("writing {name:?} failed: {error}"))
}

async fn read(store: &Subject, name: &str, range: Option<ReadRange>) -> Result<String, String> {
    let file = store.read(name, None, range).await.map_err(|error| format!("reading {name:?} failed: {error}"))?;
    text(file.bytes).await.map_err(|error| format!("reading {name:?} broke off: {error}"))
}

async fn text(bytes: ByteStream) -> PortResult<String> {
    let parts: Vec<Bytes> = bytes.try_collect().await?;
    Ok(String::from_utf8_lossy(&parts.concat()).into_owned())
}

async fn names(store: &Subject) -> Result<Vec<String>, String> {
    let page = store.list("", None, 1000).await.map_err(|error| format!("listing failed: {error}"))?;
    Ok(page.files.into_iter().map(|file| file.name).collect())
}

fn hash(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}
