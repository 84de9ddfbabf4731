//! Bytes on disk: uploads on their way to a command, and files that are part of a message. Everything streams; nothing
//! is held in memory. What a file is called lies in the records, so a name from outside never becomes a path.

use crate::Desk;
use crate::message::Kept;
use bellhop_core::Timestamp;
use bellhop_core::call::{Attachment, Handle};
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ids::{ChatName, UserId};
use bellhop_core::ports::{ByteStream, PortResult};
use chrono::TimeDelta;
use futures::{Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio_util::io::ReaderStream;

/// How long an upload waits for the message that takes it.
const WAITS: TimeDelta = TimeDelta::days(1);
/// How long an upload stays once a command took it: the command may be tried again after a crash.
const STAYS: TimeDelta = TimeDelta::minutes(10);

/// An upload as it is kept until a command took it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub file: Kept,
    pub owner: UserId,
    pub at: Timestamp,
    #[serde(default)]
    pub fetched: Option<Timestamp>,
}

pub(crate) struct Shelf {
    root: PathBuf,
}

impl Shelf {
    pub fn new(data_dir: &Path, chat: &ChatName) -> Self {
        // A name that can't be a folder's gets one of its own that can.
        let name = chat.as_str();
        let folder = if crate::config::is_id(name) { name.to_owned() } else { hex::encode(name) };
        Self { root: data_dir.join("chat").join(folder) }
    }

    fn path(&self, folder: &str, id: &str) -> PathBuf {
        self.root.join(folder).join(id)
    }

    /// Where the bytes of a kept file are.
    pub fn path_of(&self, file: &Kept) -> PathBuf {
        self.path(if file.stays { "sent" } else { "uploads" }, &file.id)
    }
}

impl Desk {
    fn disk(&self, operation: &'static str, error: &std::io::Error) -> PortError {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => PortErrorKind::NotFound,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => PortErrorKind::Full,
            std::io::ErrorKind::PermissionDenied => PortErrorKind::Denied,
            _ => PortErrorKind::Unavailable,
        };
        self.book.error(kind, operation, format!("the console's folder {}: {error}", self.shelf.root.display()))
    }

    /// Writes a stream under `id` into a folder and returns its length. What fails in between leaves nothing.
    pub(crate) async fn shelve<S>(&self, folder: &'static str, id: &str, limit: u64, mut bytes: S) -> PortResult<u64>
    where
        S: Stream<Item = Result<bytes::Bytes, PortError>> + Send + Unpin,
    {
        let disk = |e: std::io::Error| self.disk("upload", &e);
        let part = Part(self.shelf.path("incoming", &self.book.ids.next()));
        for path in [part.0.clone(), self.shelf.path(folder, id)] {
            if let Some(parent) = path.parent() {
                tokio::fs::create_dir_all(parent).await.map_err(disk)?;
            }
        }
        let mut file = tokio::fs::File::create(&part.0).await.map_err(disk)?;
        let mut length = 0_u64;
        while let Some(chunk) = bytes.next().await {
            let chunk = chunk?;
            length += chunk.len() as u64;
            if length > limit {
                let why = format!("the file is over {}, the most that can be uploaded here", bellhop_core::text::bytes(limit));
                return Err(self.book.error(PortErrorKind::TooLarge, "upload", why));
            }
            file.write_all(&chunk).await.map_err(disk)?;
        }
        file.flush().await.map_err(disk)?;
        file.sync_all().await.map_err(disk)?;
        drop(file);
        let place = self.shelf.path(folder, id);
        tokio::fs::rename(&part.0, &place).await.map_err(disk)?;
        // The name, too, has to survive a crash. Where a folder can't be opened as a file, the system sees to it itself.
        if let Some(parent) = place.parent()
            && let Ok(opened) = tokio::fs::File::open(parent).await
        {
            opened.sync_all().await.map_err(disk)?;
        }
        Ok(length)
    }

    /// The bytes of a kept file from `start`, at most `length` of them.
    pub(crate) async fn open_kept(&self, file: &Kept, start: u64, length: u64) -> PortResult<ByteStream> {
        let path = self.shelf.path_of(file);
        let mut opened = tokio::fs::File::open(&path).await.map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                let why = format!("`{}` is no longer kept here: uploads go once a command took them, or after a day", file.name);
                self.book.error(PortErrorKind::NotFound, "fetch", why)
            }
            _ => self.disk("fetch", &e),
        })?;
        opened.seek(std::io::SeekFrom::Start(start)).await.map_err(|e| self.disk("fetch", &e))?;
        let name = self.book.chat().clone();
        let bytes = ReaderStream::with_capacity(opened.take(length), 64 * 1024);
        Ok(Box::pin(bytes.map(move |chunk| {
            chunk.map_err(|e| PortError::new(PortErrorKind::Unavailable, format!("chat.{name}"), "fetch", e.to_string()))
        })))
    }

    /// Keeps an upload until the next message takes it.
    pub(crate) async fn take_upload<S>(&self, owner: &UserId, name: String, content_type: String, bytes: S) -> PortResult<Kept>
    where
        S: Stream<Item = Result<bytes::Bytes, PortError>> + Send + Unpin,
    {
        let id = self.book.ids.next();
        let size = self.shelve("uploads", &id, self.config.upload_limit, bytes).await?;
        let file = Kept { id: id.clone(), name, content_type, size, stays: false };
        self.book
            .put("uploads", &id, &Waiting { file: file.clone(), owner: owner.clone(), at: self.book.clock.now(), fetched: None })
            .await?;
        Ok(file)
    }

    /// An upload of this person's that waits for a message.
    pub(crate) async fn waiting(&self, owner: &UserId, id: &str) -> PortResult<Option<Kept>> {
        if !crate::config::is_id(id) {
            return Ok(None);
        }
        let waiting: Option<Waiting> = self.book.get("uploads", id).await?;
        Ok(waiting.filter(|waiting| waiting.owner == *owner).map(|waiting| waiting.file))
    }

    /// Removes an upload that its owner takes back.
    pub(crate) async fn drop_upload(&self, owner: &UserId, id: &str) -> PortResult<()> {
        if let Some(file) = self.waiting(owner, id).await? {
            self.unshelve(&file).await?;
        }
        Ok(())
    }

    async fn unshelve(&self, file: &Kept) -> PortResult<()> {
        match tokio::fs::remove_file(self.shelf.path_of(file)).await {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(self.disk("remove", &e)),
            _ => {}
        }
        self.book.remove("uploads", &file.id).await
    }

    /// Makes an upload part of a message for as long as the message is there.
    pub(crate) async fn keep_upload(&self, file: Kept) -> PortResult<Kept> {
        let kept = Kept { stays: true, ..file.clone() };
        let to = self.shelf.path_of(&kept);
        if let Some(parent) = to.parent() {
            tokio::fs::create_dir_all(parent).await.map_err(|e| self.disk("upload", &e))?;
        }
        match tokio::fs::rename(self.shelf.path_of(&file), &to).await {
            // Moved by an earlier attempt of the same message.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && tokio::fs::try_exists(&to).await.unwrap_or(false) => {}
            done => done.map_err(|e| self.disk("upload", &e))?,
        }
        Ok(kept)
    }

    /// The upload as commands see it.
    pub(crate) fn attachment(file: &Kept) -> Attachment {
        Attachment {
            id: file.id.clone(),
            name: file.name.clone(),
            content_type: file.content_type.clone(),
            size: Some(file.size),
            handle: Handle(serde_json::json!({ "upload": file.id })),
        }
    }

    /// The bytes of an upload for the command that takes it; once all of them are read, it is soon removed.
    pub(crate) async fn fetch_upload(self: &Arc<Self>, attachment: &Attachment) -> PortResult<ByteStream> {
        let gone =
            || self.book.error(PortErrorKind::NotFound, "fetch", format!("`{}` is no longer kept here; attach it again", attachment.name));
        let id = attachment.handle.0.get("upload").and_then(|id| id.as_str()).filter(|id| crate::config::is_id(id)).ok_or_else(gone)?;
        let waiting: Waiting = self.book.get("uploads", id).await?.ok_or_else(gone)?;
        let bytes = self.open_kept(&waiting.file, 0, waiting.file.size).await?;
        let desk = Arc::clone(self);
        let end = futures::stream::once(async move {
            let taken = Waiting { fetched: Some(desk.book.clock.now()), ..waiting };
            // Not remembering it only keeps the file for a day instead of minutes.
            if let Err(error) = desk.book.put("uploads", &taken.file.id, &taken).await {
                tracing::warn!(%error, "an upload was taken, and that could not be noted");
            }
        });
        Ok(Box::pin(bytes.chain(end.filter_map(|()| async { None }))))
    }

    /// Removes uploads that were taken or that nobody took, and what broken uploads left.
    pub(crate) async fn tidy_uploads(&self) -> PortResult<()> {
        let now = self.book.clock.now();
        let collection = self.book.collection("uploads");
        let mut after = None;
        loop {
            let records = self.book.records.after(&collection, after.as_deref(), 200).await?;
            let last = records.len() < 200;
            for record in records {
                after = Some(record.key);
                let waiting: Waiting = self.book.read(record.value)?;
                if waiting.fetched.is_some_and(|at| at + STAYS < now) || waiting.at + WAITS < now {
                    self.unshelve(&waiting.file).await?;
                }
            }
            if last {
                break;
            }
        }
        self.tidy_incoming().await.map_err(|e| self.disk("tidy", &e))
    }

    /// Parts that a crash left: those that nobody has written to for a day, by the file system's own clock.
    async fn tidy_incoming(&self) -> std::io::Result<()> {
        let mut folder = match tokio::fs::read_dir(self.shelf.root.join("incoming")).await {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            folder => folder?,
        };
        while let Some(entry) = folder.next_entry().await? {
            let old = entry.metadata().await?.modified()?.elapsed().is_ok_and(|age| age.as_secs() > 24 * 3600);
            if old {
                tokio::fs::remove_file(entry.path()).await?;
            }
        }
        Ok(())
    }
}

/// A file being written: removed when the writing ends before it was renamed, whatever ended it.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // Renamed away in the good case; otherwise there is nobody left to tell, and the tidying gets what stays.
        let _ = std::fs::remove_file(&self.0);
    }
}
