//! A file on its way in: a stream into a temporary file, encrypted where that is asked for, and from there under its name.

use crate::folder::{Folder, Stamp};
use crate::history::History;
use crate::record::Record;
use crate::sealed::{Cipher, Header, Sealed, Sealer};
use bellhop_core::ports::{ByteStream, Encryption, FileEncryption, FileInfo, NewFile, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use bytes::Bytes;
use cap_std::fs::{Dir, OpenOptions};
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
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
    sealed: Option<Sealed>,
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

/// How a file is to be encrypted: by a key and a salt of its own.
pub(crate) struct Sealing {
    pub cipher: Cipher,
    pub header: Header,
    pub with: FileEncryption,
}

impl Folder {
    /// What a new file is to be encrypted with: as is asked, or as the bucket does it by itself.
    pub fn wanted(&self, operation: &'static str, asked: Option<&FileEncryption>) -> PortResult<Option<FileEncryption>> {
        if let Some(asked) = asked {
            return Ok(Some(asked.clone()));
        }
        match self.encryption(operation)? {
            Encryption::None => Ok(None),
            Encryption::Aes256 => Ok(Some(FileEncryption::Aes256)),
            Encryption::Kms { .. } | Encryption::Other(_) => {
                let message =
                    format!("{} has an encryption that is none of a folder's; set it anew", self.own_path("settings.json").display());
                Err(PortError::new(PortErrorKind::Broken, self.service.clone(), operation, message))
            }
        }
    }

    /// What encrypts a new file of this name.
    pub fn sealing(&self, operation: &'static str, name: &str, with: &FileEncryption) -> PortResult<Sealing> {
        let key = self.keys.for_writing(operation, with)?;
        self.will_seal(operation)?;
        let header = Header::fresh(key.id()).map_err(|e| self.fail(operation, &self.root, &e))?;
        let cipher = key.expose(|key| Cipher::new(key, &header, name));
        Ok(Sealing { cipher, header, with: with.clone() })
    }
}

/// Where content goes: as it is, or encrypted.
pub(crate) enum Out<W> {
    Plain(W),
    Sealed(Sealer<W>),
}

impl<W: io::Write> Out<W> {
    pub fn new(out: W, sealing: Option<Sealing>) -> io::Result<Self> {
        match sealing {
            None => Ok(Self::Plain(out)),
            Some(Sealing { cipher, header, .. }) => Sealer::begin(out, cipher, &header).map(Self::Sealed),
        }
    }

    pub fn write(&mut self, content: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.write_all(content),
            Self::Sealed(sealer) => sealer.write(content),
        }
    }

    pub fn finish(self) -> io::Result<()> {
        match self {
            Self::Plain(mut out) => out.flush(),
            Self::Sealed(sealer) => sealer.finish()?.flush(),
        }
    }
}

pub(crate) enum Piece {
    Bytes(Bytes),
    /// The stream came to its end. Without it, it broke off.
    End,
}

/// Passes a stream on to a writer on a thread that may block, and refuses one of another length than was said. What the writer
/// returns is `None` where the stream broke off.
pub(crate) async fn passed<T: Send + 'static>(
    service: &str,
    (what, said): (&str, Option<u64>),
    mut bytes: ByteStream,
    writer: impl FnOnce(mpsc::Receiver<Piece>) -> PortResult<Option<T>> + Send + 'static,
) -> PortResult<T> {
    let broken = |why: &str| PortError::new(PortErrorKind::Broken, service, "write", why.to_owned());
    let (send, receive) = mpsc::channel(WAITING);
    let writer = tokio::task::spawn_blocking(move || writer(receive));
    let wrong = |size: u64, more: &str| {
        let said = said.unwrap_or(0);
        let message = format!("{what} was said to be {said} bytes long, and {more}{size} came; nothing was stored, send it again");
        PortError::new(PortErrorKind::Invalid, service, "write", message)
    };
    let passing = async {
        let mut size = 0_u64;
        while let Some(piece) = bytes.next().await {
            let piece = piece?;
            size = size.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            if said.is_some_and(|said| size > said) {
                return Err(wrong(size, "at least "));
            }
            if send.send(Piece::Bytes(piece)).await.is_err() {
                // The disk failed; the writer says how.
                return Ok(());
            }
        }
        if said.is_some_and(|said| size < said) {
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
        Ok(Ok(Some(written))) => Ok(written),
        Ok(Ok(None)) => Err(broken("the stream broke off")),
        Ok(Err(error)) => Err(error),
        Err(error) => Err(broken(&error.to_string())),
    }
}

/// Takes a stream into a temporary file, in constant memory.
pub(crate) async fn take(folder: Arc<Folder>, file: &NewFile, bytes: ByteStream) -> PortResult<Temporary> {
    let service = folder.service.clone();
    let (name, asked) = (file.name.clone(), file.encryption.clone());
    let what = format!("`{}`", file.name);
    let writer = move |pieces| {
        let sealing = match folder.wanted("write", asked.as_ref())? {
            Some(with) => Some(folder.sealing("write", &name, &with)?),
            None => None,
        };
        drain(folder, sealing, pieces)
    };
    passed(&service, (&what, file.size), bytes, writer).await
}

/// Writes what comes until the end; `None`, with nothing left over, where it breaks off.
fn drain(folder: Arc<Folder>, sealing: Option<Sealing>, mut pieces: mpsc::Receiver<Piece>) -> PortResult<Option<Temporary>> {
    let mut filling = Filling::begin(folder, sealing)?;
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Bytes(bytes)) => filling.write(&bytes)?,
            Some(Piece::End) => return filling.finish().map(Some),
            None => return Ok(None),
        }
    }
}

/// A temporary file that is being written.
pub(crate) struct Filling {
    temporary: Temporary,
    out: Out<io::BufWriter<std::fs::File>>,
    hash: Sha256,
}

impl Filling {
    pub fn begin(folder: Arc<Folder>, sealing: Option<Sealing>) -> PortResult<Self> {
        let mut temporary = created(folder)?;
        temporary.sealed = sealing.as_ref().map(|sealing| Sealed { header: sealing.header.text(), with: sealing.with.clone() });
        let out = temporary.file.try_clone().and_then(|file| Out::new(io::BufWriter::with_capacity(CHUNK, file), sealing));
        let out = out.map_err(|e| temporary.fail(&e))?;
        Ok(Self { temporary, out, hash: Sha256::new() })
    }

    pub fn write(&mut self, bytes: &[u8]) -> PortResult<()> {
        self.hash.update(bytes);
        self.temporary.size = self.temporary.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.out.write(bytes).map_err(|e| self.temporary.fail(&e))
    }

    /// Puts it safely on disk.
    pub fn finish(self) -> PortResult<Temporary> {
        let Self { mut temporary, out, hash } = self;
        out.finish().and_then(|()| temporary.file.sync_all()).map_err(|e| temporary.fail(&e))?;
        temporary.sha256 = hex::encode(hash.finalize());
        Ok(temporary)
    }
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
            Err(error) => return Err(folder.fail("write", &folder.own_path("tmp").join(&path), &error)),
        };
        // Where there are no locks, leftovers can't be told either: the sweep leaves them alone.
        let locked = file.try_lock();
        // In the moment before the lock another process may have swept it away.
        if folder.tmp.symlink_metadata(&path).is_ok() {
            if let Err(std::fs::TryLockError::Error(error)) = locked {
                tracing::debug!(%error, "temporary files can't be locked here");
            }
            return Ok(Temporary { folder, file, path, size: 0, sha256: String::new(), sealed: None });
        }
    }
    let message = "no name for a temporary file is free".to_owned();
    Err(PortError::new(PortErrorKind::Broken, folder.service.clone(), "write", message))
}

impl Temporary {
    fn fail(&self, error: &io::Error) -> PortError {
        self.folder.fail("write", &self.folder.own_path("tmp").join(&self.path), error)
    }

    /// Gives the file its name.
    pub fn publish(self, name: &str, content_type: &str, tags: BTreeMap<String, String>) -> PortResult<FileInfo> {
        let written = Written {
            folder: &self.folder,
            dir: &self.folder.tmp,
            path: &self.path,
            file: &self.file,
            size: self.size,
            sha256: &self.sha256,
            sealed: self.sealed.as_ref(),
        };
        written.publish(name, content_type, tags)
    }
}

/// A whole file, safely on disk, that has no name yet.
pub(crate) struct Written<'a> {
    pub folder: &'a Folder,
    /// Where it lies.
    pub dir: &'a Dir,
    pub path: &'a Path,
    pub file: &'a std::fs::File,
    pub size: u64,
    pub sha256: &'a str,
    pub sealed: Option<&'a Sealed>,
}

impl Written<'_> {
    /// Gives the file its name. Until that moment readers see what was there before; when it fails, the file is where it was.
    pub fn publish(&self, name: &str, content_type: &str, tags: BTreeMap<String, String>) -> PortResult<FileInfo> {
        let folder = self.folder;
        let history = History::of(folder, "write", name);
        let lock = folder.publishing("write")?;
        let before = match folder.find("write", name)? {
            Some(path) => self.kept_before(&history, &lock, &path)?,
            None => None,
        };
        let stamp = self.distinct(before).map_err(|e| folder.fail("write", self.path, &e))?;
        let record = history.begin(
            &lock,
            Record {
                name: name.to_owned(),
                number: 0,
                size: self.size,
                content_type: content_type.to_owned(),
                modified: folder.clock.now(),
                sha256: self.sha256.to_owned(),
                deletion: false,
                stamp,
                lost: false,
                tags,
                sealed: self.sealed.cloned(),
            },
        )?;
        let versioned = folder.versioned();
        let published = (|| {
            if versioned {
                history.link(self.dir, self.path, record.number)?;
            }
            self.moved(name)
        })();
        if let Err(error) = published {
            history.withdraw(record.number);
            return Err(error);
        }
        if !versioned {
            history.forget_before(record.number)?;
        }
        Ok(history.info(&record))
    }

    /// Makes what lies under the name a version, and gives its stamp.
    fn kept_before(&self, history: &History<'_>, lock: &crate::folder::Publishing<'_>, path: &Path) -> PortResult<Option<Stamp>> {
        let file = self.folder.files.open(path).map_err(|e| self.folder.fail_file("write", path, &e))?;
        if self.folder.versioned() {
            history.adopt(lock, path, &file)?;
        }
        history.stamp(path, &file).map(Some)
    }

    /// The file's stamp, made to differ from that of the file before it: clocks of file systems are coarse.
    fn distinct(&self, before: Option<Stamp>) -> io::Result<Stamp> {
        let mut step = Duration::from_micros(10);
        loop {
            let metadata = cap_std::fs::Metadata::from_file(self.file)?;
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
        let folder = self.folder;
        let mut tries = 0;
        loop {
            let path = folder.place("write", name)?;
            match self.dir.rename(self.path, &folder.files, &path) {
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
