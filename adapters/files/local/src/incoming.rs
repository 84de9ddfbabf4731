//! A file on its way in: a stream into a temporary file, and from there under its name.

use crate::folder::{Folder, Stamp};
use crate::history::{History, Record};
use bellhop_core::ports::{ByteStream, FileInfo, NewFile, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use bytes::Bytes;
use cap_std::fs::OpenOptions;
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How many pieces of the stream may wait for the disk.
const WAITING: usize = 4;
/// What is written at once.
const CHUNK: usize = 256 * 1024;

/// A written and flushed temporary file. It is removed when it is dropped, published or not.
pub(crate) struct Temporary {
    folder: Arc<Folder>,
    file: std::fs::File,
    path: PathBuf,
    size: u64,
    sha256: String,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        match self.folder.tmp.remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, path = %self.path.display(), "a temporary file could not be removed; the next start does it");
            }
            _ => {}
        }
    }
}

enum Piece {
    Bytes(Bytes),
    /// The stream came to its end. Without it, it broke off.
    End,
}

/// Takes a stream into a temporary file, in constant memory.
pub(crate) async fn take(folder: Arc<Folder>, file: &NewFile, mut bytes: ByteStream) -> PortResult<Temporary> {
    let service = folder.service.clone();
    let broken = |why: &str| PortError::new(PortErrorKind::Broken, service.clone(), "write", why.to_owned());
    let (send, receive) = mpsc::channel(WAITING);
    let writer = tokio::task::spawn_blocking(move || drain(folder, receive));
    let wrong = |size: u64, more: &str| {
        let said = file.size.unwrap_or(0);
        let message = format!("`{}` was said to be {said} bytes long, and {more}{size} came; nothing was stored, send it again", file.name);
        PortError::new(PortErrorKind::Invalid, service.clone(), "write", message)
    };
    let passing = async {
        let mut size = 0_u64;
        while let Some(piece) = bytes.next().await {
            let piece = piece?;
            size = size.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            if file.size.is_some_and(|said| size > said) {
                return Err(wrong(size, "at least "));
            }
            if send.send(Piece::Bytes(piece)).await.is_err() {
                // The disk failed; the writer says how.
                return Ok(());
            }
        }
        if file.size.is_some_and(|said| size < said) {
            return Err(wrong(size, "only "));
        }
        // An error means that the writer has stopped, which its own result explains.
        let _ = send.send(Piece::End).await;
        Ok(())
    };
    let passed = passing.await;
    drop(send);
    // Waited for in any case: when this returns, nothing is left over.
    let written = writer.await;
    passed?;
    match written {
        Ok(Ok(Some(temporary))) => Ok(temporary),
        Ok(Ok(None)) => Err(broken("the stream broke off")),
        Ok(Err(error)) => Err(error),
        Err(error) => Err(broken(&error.to_string())),
    }
}

/// Writes what comes until the end; `None`, with nothing left over, where it breaks off.
fn drain(folder: Arc<Folder>, mut pieces: mpsc::Receiver<Piece>) -> PortResult<Option<Temporary>> {
    let mut temporary = created(folder)?;
    let mut hash = Sha256::new();
    let mut out = io::BufWriter::with_capacity(CHUNK, &temporary.file);
    let mut size = 0_u64;
    let fail = |error: &io::Error| temporary.folder.fail("write", &temporary.folder.own("tmp").join(&temporary.path), error);
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Bytes(bytes)) => {
                hash.update(&bytes);
                out.write_all(&bytes).map_err(|e| fail(&e))?;
                size = size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            }
            Some(Piece::End) => break,
            None => return Ok(None),
        }
    }
    out.flush().map_err(|e| fail(&e))?;
    drop(out);
    temporary.file.sync_all().map_err(|e| fail(&e))?;
    temporary.size = size;
    temporary.sha256 = hex::encode(hash.finalize());
    Ok(Some(temporary))
}

/// An empty temporary file, locked for as long as it is written, so that nobody takes it for a leftover.
fn created(folder: Arc<Folder>) -> PortResult<Temporary> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    for _ in 0..100 {
        let path = PathBuf::from(format!("{}.part", folder.ids.next()));
        let file = match folder.tmp.open_with(&path, &options) {
            Ok(file) => file.into_std(),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(folder.fail("write", &folder.own("tmp").join(&path), &error)),
        };
        // Where there are no locks, leftovers can't be told either: the sweep leaves them alone.
        let locked = file.try_lock();
        // In the moment before the lock another process may have swept it away.
        if folder.tmp.symlink_metadata(&path).is_ok() {
            if let Err(std::fs::TryLockError::Error(error)) = locked {
                tracing::debug!(%error, "temporary files can't be locked here");
            }
            return Ok(Temporary { folder, file, path, size: 0, sha256: String::new() });
        }
    }
    let message = "no name for a temporary file is free".to_owned();
    Err(PortError::new(PortErrorKind::Broken, folder.service.clone(), "write", message))
}

impl Temporary {
    /// Gives the file its name. Until that moment readers see what was there before.
    pub fn publish(self, name: &str, content_type: &str) -> PortResult<FileInfo> {
        let folder = Arc::clone(&self.folder);
        let history = History::of(&folder, "write", name);
        let lock = folder.publishing("write")?;
        let before = match folder.find("write", name)? {
            Some(path) => self.kept_before(&history, &lock, &path)?,
            None => None,
        };
        let stamp = self.distinct(before).map_err(|e| folder.fail("write", &folder.own("tmp").join(&self.path), &e))?;
        let record = history.begin(
            &lock,
            Record {
                name: name.to_owned(),
                number: 0,
                size: self.size,
                content_type: content_type.to_owned(),
                modified: folder.clock.now(),
                sha256: self.sha256.clone(),
                deletion: false,
                stamp,
                lost: false,
            },
        )?;
        let published = (|| {
            if folder.versioned {
                history.link(&folder.tmp, &self.path, record.number)?;
            }
            self.moved(name)
        })();
        if let Err(error) = published {
            history.withdraw(record.number);
            return Err(error);
        }
        if !folder.versioned {
            history.forget_before(record.number)?;
        }
        Ok(record.info(folder.versioned))
    }

    /// Makes what lies under the name a version, and gives its stamp.
    fn kept_before(&self, history: &History<'_>, lock: &crate::folder::Publishing<'_>, path: &Path) -> PortResult<Option<Stamp>> {
        let file = self.folder.files.open(path).map_err(|e| self.folder.fail_file("write", path, &e))?;
        if self.folder.versioned {
            history.adopt(lock, path, &file)?;
        }
        history.stamp(path, &file).map(Some)
    }

    /// The file's stamp, made to differ from that of the file before it: clocks of file systems are coarse.
    fn distinct(&self, before: Option<Stamp>) -> io::Result<Stamp> {
        let mut step = Duration::from_micros(10);
        loop {
            let metadata = cap_std::fs::Metadata::from_file(&self.file)?;
            let stamp = Stamp::of(&metadata);
            let Some(before) = before.filter(|b| b.size == stamp.size && b.changed >= stamp.changed) else { return Ok(stamp) };
            let ahead = Duration::from_nanos(u64::try_from(before.changed - stamp.changed).unwrap_or(0));
            self.file.set_modified(metadata.modified()?.into_std() + ahead + step)?;
            self.file.sync_all()?;
            // A small step may be rounded away.
            step *= 4;
        }
    }

    fn moved(&self, name: &str) -> PortResult<()> {
        let folder = &self.folder;
        let mut tries = 0;
        loop {
            let path = folder.place("write", name)?;
            match folder.tmp.rename(&self.path, &folder.files, &path) {
                Ok(()) => return folder.settle_above(&path).map_err(|e| folder.fail_file("write", &path, &e)),
                // A person moved folders about just now: look again where it belongs.
                Err(error)
                    if tries < 5 && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory | ErrorKind::NotADirectory) =>
                {
                    tries += 1;
                }
                Err(error) => return Err(folder.fail_file("write", &path, &error)),
            }
        }
    }
}
