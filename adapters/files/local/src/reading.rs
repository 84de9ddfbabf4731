//! A file on its way out: which one a name or a version means, and its content as a stream, decrypted where it is encrypted.

use crate::folder::Folder;
use crate::history::History;
use crate::record::{Record, header};
use crate::sealed::{CHUNK, Cipher, HEADER, TAG, chunks, content_size};
use bellhop_core::ids::VersionId;
use bellhop_core::ports::{ByteStream, FileInfo, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use bytes::{Bytes, BytesMut};
use cap_std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

/// What is read at once.
const PIECE: u64 = 256 * 1024;

/// A file that is open, and what is known about it: both of the same version, whoever writes meanwhile.
pub(crate) struct Opened {
    pub info: FileInfo,
    pub file: File,
    pub record: Option<Record>,
}

/// What the name gives now, open. The file is opened first and asked about itself then.
pub(crate) fn opened_now(folder: &Folder, operation: &'static str, name: &str) -> PortResult<Opened> {
    // A writer may rename between finding and opening, a second time hardly.
    let mut tries = 0;
    loop {
        let path = folder.find(operation, name)?.ok_or_else(|| folder.absent(operation, name))?;
        match folder.files.open(&path) {
            Ok(file) => {
                let (info, record) = History::of(folder, operation, name).known(&path, &file)?;
                return Ok(Opened { info, file, record });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && tries < 5 => tries += 1,
            Err(error) => return Err(folder.fail_file(operation, &path, &error)),
        }
    }
}

/// A version, open.
pub(crate) fn opened_version(folder: &Folder, operation: &'static str, name: &str, version: &VersionId) -> PortResult<Opened> {
    let history = History::of(folder, operation, name);
    let record = version_of(folder, operation, name, version)?;
    let gone = |why: &str| PortError::not_found(folder.service.clone(), operation, format!("version {version} of `{name}` {why}"));
    if record.deletion {
        return Err(gone("marks its deletion and has no content"));
    }
    // Asked for by its number, it has one, whether versions are kept now or not.
    let opened = |file: File, record: Record| Opened { info: record.info(&folder.keys, true), file, record: Some(record) };
    if let Some(file) = history.bytes(&record)? {
        return Ok(opened(file, record));
    }
    // A version that was current when versions were not kept has its bytes under the name only.
    if let Some(path) = folder.find(operation, name)?
        && let Ok(file) = folder.files.open(&path)
        && history.stamp(&path, &file)? == record.stamp
    {
        return Ok(opened(file, record));
    }
    Err(gone("is no longer there: its file was written over by hand"))
}

/// What is recorded of a version.
pub(crate) fn version_of(folder: &Folder, operation: &'static str, name: &str, version: &VersionId) -> PortResult<Record> {
    let record = match version.as_str().parse() {
        Ok(number) => History::of(folder, operation, name).numbered(number)?,
        Err(_) => None,
    };
    record.ok_or_else(|| PortError::not_found(folder.service.clone(), operation, format!("`{name}` has no version `{version}`")))
}

/// What opens the file, where it is encrypted; needs its key.
pub(crate) fn cipher(folder: &Folder, operation: &'static str, opened: &Opened) -> PortResult<Option<Cipher>> {
    let name = opened.info.name.as_str();
    let recorded = opened.record.as_ref().map(|record| record.sealed.as_ref());
    // A file of which nothing is recorded says itself what it is; one that was written plain is plain, whatever it begins with.
    if recorded == Some(None) || recorded.is_none() && !folder.seals() {
        return Ok(None);
    }
    let found = header(&opened.file).map_err(|e| folder.fail_file(operation, &PathBuf::from(name), &e))?;
    let Some(found) = found else {
        return if recorded.is_some() { Err(changed(folder, operation, name)) } else { Ok(None) };
    };
    let sealed = recorded.flatten();
    if sealed.is_some_and(|sealed| sealed.header != found.text()) {
        return Err(changed(folder, operation, name));
    }
    let with = sealed.map(|sealed| &sealed.with).filter(|_| folder.keys.known(found.key()).is_none());
    let key = folder.keys.for_reading(operation, found.key(), with).map_err(|mut error| {
        error.message = format!("`{name}` can't be read: {}", error.message);
        error
    })?;
    Ok(Some(key.expose(|key| Cipher::new(key, &found, name))))
}

fn changed(folder: &Folder, operation: &'static str, name: &str) -> PortError {
    let message = format!(
        "`{name}` is not what Bellhop wrote under this name: the encrypted file was changed, cut, exchanged or renamed on disk; restore an older \
         version, or put the file back from a backup"
    );
    PortError::new(PortErrorKind::Broken, folder.service.clone(), operation, message)
}

/// Reads `length` bytes of the content from `start` in pieces.
pub(crate) fn stream(folder: &Arc<Folder>, opened: Opened, cipher: Option<Cipher>, start: u64, length: u64) -> ByteStream {
    match cipher {
        None => plain(folder, opened.info.name, opened.file, start, length),
        Some(cipher) => decrypted(folder, opened, cipher, start, length),
    }
}

fn plain(folder: &Arc<Folder>, name: String, file: File, start: u64, length: u64) -> ByteStream {
    struct Reading {
        folder: Arc<Folder>,
        name: String,
        file: tokio::fs::File,
        seek: Option<u64>,
        left: u64,
    }
    let file = tokio::fs::File::from_std(file.into_std());
    let reading = Reading { folder: Arc::clone(folder), name, file, seek: Some(start).filter(|at| *at > 0), left: length };
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
        let want = reading.left.min(PIECE);
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

/// The chunks of an encrypted file, on threads that may block.
struct Decrypting {
    folder: Arc<Folder>,
    name: String,
    file: std::fs::File,
    cipher: Cipher,
    /// How much content the file has by its length on disk.
    content: u64,
    at: u64,
    left: u64,
}

fn decrypted(folder: &Arc<Folder>, opened: Opened, cipher: Cipher, start: u64, length: u64) -> ByteStream {
    let file = opened.file.into_std();
    let content = file.metadata().ok().and_then(|known| content_size(known.len())).unwrap_or(0);
    let name = opened.info.name;
    let mut reading = Decrypting { folder: Arc::clone(folder), name, file, cipher, content, at: start, left: length };
    // Of an empty file too the one chunk is opened: only that tells that it is meant to be empty.
    let mut checks_empty = opened.info.size == 0;
    if content != opened.info.size {
        reading.content = 0;
        checks_empty = true;
    }
    Box::pin(futures::stream::try_unfold((reading, checks_empty), async |(mut reading, first)| {
        if reading.left == 0 && !first {
            return Ok(None);
        }
        let service = reading.folder.service.clone();
        let read = tokio::task::spawn_blocking(move || (reading.piece(), reading)).await;
        match read {
            Ok((Ok(bytes), reading)) if bytes.is_empty() && reading.left == 0 => Ok(None),
            Ok((Ok(bytes), reading)) => Ok(Some((bytes, (reading, false)))),
            Ok((Err(error), _)) => Err(error),
            Err(error) => Err(PortError::new(PortErrorKind::Broken, service, "read", error.to_string())),
        }
    }))
}

impl Decrypting {
    /// The next content, of a few chunks at most.
    fn piece(&mut self) -> PortResult<Bytes> {
        let broken = || changed(&self.folder, "read", &self.name);
        let count = chunks(self.content);
        let mut out = Vec::with_capacity(usize::try_from(PIECE).unwrap_or(0));
        loop {
            let number = self.at / CHUNK;
            let short = u32::try_from(number).ok().filter(|_| number < count);
            let short = short.ok_or_else(broken)?;
            let last = number + 1 == count;
            let length = if last { self.content - number * CHUNK } else { CHUNK };
            let mut chunk = vec![0; usize::try_from(length + TAG).unwrap_or(0)];
            let read = self.file.read_exact_at(&mut chunk, HEADER + number * (CHUNK + TAG));
            read.map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => broken(),
                _ => self.folder.fail_file("read", &PathBuf::from(&self.name), &error),
            })?;
            self.cipher.open(short, last, &mut chunk).map_err(|_| broken())?;
            let from = usize::try_from(self.at - number * CHUNK).unwrap_or(usize::MAX).min(chunk.len());
            let most = usize::try_from(self.left).unwrap_or(usize::MAX);
            let taken = &chunk[from..chunk.len().min(from.saturating_add(most))];
            out.extend_from_slice(taken);
            let taken = u64::try_from(taken.len()).unwrap_or(0);
            (self.at, self.left) = (self.at + taken, self.left - taken);
            if self.left == 0 || taken == 0 || out.len() >= usize::try_from(PIECE).unwrap_or(0) {
                return Ok(Bytes::from(out));
            }
        }
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
