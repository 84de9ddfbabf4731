//! One upload becomes one stored file, however often it is reported and wherever the bot was stopped in between.
//!
//! A note is kept under the upload's id before anything is written, and completed after. A second event about the same
//! upload finds the note. A call that is run again after a crash finds its own unfinished note, and looks whether its
//! bytes arrived before it writes them again.
//!
//! What is large goes in parts (`begun`), and what the first try has sent is given up before it is written again. Of a file whose
//! length the platform doesn't say the parts are the store's own affair, and a killed bot leaves them to the bucket's lifecycle.

mod begun;

pub(super) use begun::tidy;

use super::Located;
use begun::{InParts, LARGE};
use bellhop_core::card::Progress;
use bellhop_core::clock::Clock;
use bellhop_core::ids::{CallId, StoreName, VersionId};
use bellhop_core::ports::{Attachments, ByteStream, FileEncryption, FileInfo, NewFile, PortResult, Records};
use bellhop_core::{Attachment, Call, CommandError, PortError, PortErrorKind, Timestamp};
use chrono::TimeDelta;
use futures::{StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The collection of notes about uploads.
const NOTES: &str = "upload";
/// After this long an unfinished note of another call is one whose call was given up.
const GIVEN_UP: TimeDelta = TimeDelta::minutes(30);
/// How far the clocks of a store and of the bot may be apart.
const CLOCKS_APART: TimeDelta = TimeDelta::minutes(5);
/// Progress is said at most this many times per file, and no more often than every so many bytes: for a file of any
/// length that is a few times a second at the most, without asking the clock.
const SAYINGS: u64 = 20;
const BYTES_BETWEEN: u64 = 1 << 20;
const BYTES_BETWEEN_UNKNOWN: u64 = 8 << 20;

/// What is noted about an upload.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    /// The call that stores it.
    call: CallId,
    /// When that began.
    at: Timestamp,
    /// Where it goes.
    store: StoreName,
    name: String,
    /// Whether it is there.
    stored: bool,
    /// The version it became, where the store keeps versions.
    #[serde(default)]
    version: Option<VersionId>,
}

/// What became of an upload.
pub(super) enum Kept {
    /// It is stored now.
    New {
        /// As it is in the store.
        info: FileInfo,
        /// Whether there was a file of that name.
        replaced: bool,
    },
    /// It had been stored before, under this name.
    Before {
        /// The store it is in.
        store: StoreName,
        /// As it is in the store.
        info: FileInfo,
    },
    /// Another event about the same upload is storing it just now.
    Underway,
}

/// One of the files of a message.
#[derive(Clone, Copy)]
pub(super) struct Upload<'a> {
    /// Which of them it is.
    pub index: usize,
    /// The file, still at the platform.
    pub attachment: &'a Attachment,
    /// Whether the caller chose its name or folder.
    pub named: bool,
}

/// Stores uploads once.
pub(super) struct Uploads<'a> {
    pub attachments: &'a dyn Attachments,
    pub records: &'a dyn Records,
    pub clock: &'a dyn Clock,
    /// What goes with each of them.
    pub tags: BTreeMap<String, String>,
    /// How each of them is encrypted, where that was said.
    pub encryption: Option<FileEncryption>,
}

impl Uploads<'_> {
    /// Stores an attachment as `to`, unless that has been done. `named` says that the name was chosen by the caller: the
    /// same upload can then be kept under several names. `earlier` gives the file of a store and a name, for one that was
    /// stored before.
    pub async fn keep(
        &self,
        call: &Call,
        upload: Upload<'_>,
        to: &Located,
        earlier: impl Fn(&StoreName, &str) -> Result<Located, CommandError>,
        now: Timestamp,
    ) -> Result<Kept, CommandError> {
        let Upload { index, attachment, named } = upload;
        let mut key =
            if attachment.id.is_empty() { format!("call/{}/{index}", call.id) } else { format!("{}/{}", call.at.chat, attachment.id) };
        let mut note =
            Note { call: call.id.clone(), at: now, store: to.store_name().clone(), name: to.name.clone(), stored: false, version: None };
        let (mut found, mut new) = self.note(&key, &note).await?;
        if !new && named && (&found.store, &found.name) != (to.store_name(), &to.name) {
            key = format!("{key}/{}:{}", to.store_name(), to.name);
            (found, new) = self.note(&key, &note).await?;
        }
        let mut again = false;
        if !new {
            if found.stored {
                // Stored and then deleted, or in a store that is no longer configured: it is wanted again.
                if let Ok(before) = earlier(&found.store, &found.name)
                    && before.exists().await?
                {
                    match before.store.head(&found.name, found.version.as_ref()).await {
                        Ok(info) => return Ok(Kept::Before { store: found.store, info }),
                        Err(error) if error.kind == PortErrorKind::NotFound => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            } else if found.call == call.id {
                again = true;
                note.at = found.at;
            } else if now - found.at < GIVEN_UP {
                return Ok(Kept::Underway);
            }
            self.records.put(NOTES, &key, &value(&note)?).await?;
        }
        let arrived = if again { self.arrived(call, attachment, to, note.at).await? } else { None };
        let parts = InParts { records: self.records, clock: self.clock, key: &key };
        let written = async {
            let store = |name: &StoreName| {
                if name == to.store_name() { Some(to.store.clone()) } else { earlier(name, &to.name).ok().map(|before| before.store) }
            };
            parts.clear(store).await?;
            match arrived {
                Some(info) => Ok((info, false)),
                None => self.write(call, attachment, to, &parts).await,
            }
        };
        let (info, replaced) = match written.await {
            Ok(done) => done,
            Err(error) => {
                // The next try starts afresh; that the note could not be dropped says nothing that this error doesn't.
                if !error.maybe_done {
                    let _ = self.records.remove(NOTES, &key).await;
                }
                return Err(error.into());
            }
        };
        note.stored = true;
        note.version.clone_from(&info.version);
        self.records.put(NOTES, &key, &value(&note)?).await?;
        Ok(Kept::New { info, replaced })
    }

    /// The note that is kept under a key now, and whether it is this one.
    async fn note(&self, key: &str, note: &Note) -> PortResult<(Note, bool)> {
        let (found, new) = self.records.put_new(NOTES, key, &value(note)?).await?;
        let found =
            serde_json::from_value(found).map_err(|error| broken(&format!("the note about this upload makes no sense: {error}")))?;
        Ok((found, new))
    }

    async fn write(&self, call: &Call, attachment: &Attachment, to: &Located, parts: &InParts<'_>) -> PortResult<(FileInfo, bool)> {
        let replaced = to.exists().await?;
        let bytes = self.attachments.open(call, attachment).await?;
        let what = format!("Storing {}", crate::wording::line(&to.name));
        let (bytes, sum) = summed(counted(bytes, call.progress.clone(), what, attachment.size));
        let file = NewFile {
            tags: self.tags.clone(),
            encryption: self.encryption.clone(),
            ..NewFile::new(to.name.clone(), content_type(attachment, &to.name), attachment.size)
        };
        let mut info = match attachment.size.filter(|size| *size > LARGE) {
            Some(size) => parts.write(&to.store, file, size, bytes).await?,
            None => to.store.write(file, bytes).await?,
        };
        let sum = hex::encode(sum.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize());
        if info.sha256.as_ref().is_some_and(|stored| *stored != sum) {
            return Err(broken(&format!("{} was sent with the checksum {sum} and stored with another; send it again", to.spelled)));
        }
        info.sha256 = Some(sum);
        Ok((info, replaced))
    }

    /// What the interrupted first try of this call stored, if it got that far.
    async fn arrived(&self, call: &Call, attachment: &Attachment, to: &Located, since: Timestamp) -> PortResult<Option<FileInfo>> {
        let mut info = match to.store.head(&to.name, None).await {
            Ok(info) => info,
            Err(error) if error.kind == PortErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if info.modified < since - CLOCKS_APART || attachment.size.is_some_and(|size| size != info.size) {
            return Ok(None);
        }
        let (mut bytes, sum) = summed(self.attachments.open(call, attachment).await?);
        let mut length = 0;
        while let Some(chunk) = bytes.try_next().await? {
            length += chunk.len() as u64;
        }
        let sum = hex::encode(sum.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize());
        if length != info.size || info.sha256.as_ref().is_some_and(|stored| *stored != sum) {
            return Ok(None);
        }
        info.sha256 = Some(sum);
        Ok(Some(info))
    }
}

/// The same bytes, with a word about them from time to time.
pub(super) fn counted(bytes: ByteStream, progress: Arc<dyn Fn(Progress) + Send + Sync>, what: String, total: Option<u64>) -> ByteStream {
    let step = total.map_or(BYTES_BETWEEN_UNKNOWN, |total| (total / SAYINGS).max(BYTES_BETWEEN));
    let (mut done, mut said) = (0_u64, 0_u64);
    Box::pin(bytes.inspect_ok(move |chunk| {
        done += chunk.len() as u64;
        if done - said >= step || total == Some(done) && done > BYTES_BETWEEN {
            said = done;
            progress(Progress::bytes(what.clone(), done, total));
        }
    }))
}

/// The same bytes, and the checksum of those that passed.
fn summed(bytes: ByteStream) -> (ByteStream, Arc<Mutex<Sha256>>) {
    let sum = Arc::new(Mutex::new(Sha256::new()));
    let into = sum.clone();
    let bytes = bytes.map(move |chunk| {
        if let Ok(chunk) = &chunk {
            into.lock().unwrap_or_else(PoisonError::into_inner).update(chunk);
        }
        chunk
    });
    (Box::pin(bytes), sum)
}

/// The type the sender said, or what the name's ending says where the sender said nothing useful.
fn content_type(attachment: &Attachment, name: &str) -> String {
    let said = attachment.content_type.trim();
    let useful = said.contains('/') && !said.eq_ignore_ascii_case("application/octet-stream") && said.len() <= 200 && said.is_ascii();
    if useful && !said.contains(|c: char| c.is_ascii_control()) {
        return said.to_owned();
    }
    mime_guess::from_path(name).first_or_octet_stream().to_string()
}

fn value(note: &Note) -> PortResult<serde_json::Value> {
    serde_json::to_value(note).map_err(|error| broken(&error.to_string()))
}

fn broken(message: &str) -> PortError {
    PortError::new(PortErrorKind::Broken, "files", "write", message)
}
