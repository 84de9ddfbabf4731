//! The open folder: its parts on disk, the lock over changes, and failures of the disk in the port's words.

use crate::segment::Spelling;
use bellhop_core::ports::PortResult;
use bellhop_core::{Clock, Ids, PortError, PortErrorKind};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, Metadata, OpenOptions};
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The layout that this code writes; another one is refused rather than misread.
const FORMAT: &str = "1";
/// How long a change waits for others to be published, each of which takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);
/// How often the file system is tried where other processes come in between.
const PROBES: u32 = 20;

/// The folder. All its methods block.
pub(crate) struct Folder {
    /// `files.NAME`, for errors.
    pub service: String,
    /// Where it is, for errors.
    pub root: PathBuf,
    pub files: Dir,
    pub versions: Dir,
    pub tmp: Dir,
    pub spelling: Spelling,
    /// Whether versions are kept.
    pub versioned: bool,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    lock: Mutex<std::fs::File>,
}

/// Length and time of the last change: what tells that a file is still the one we wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub size: u64,
    /// Since 1970, in nanoseconds; negative before.
    #[serde(with = "as_text")]
    pub changed: i128,
}

impl Stamp {
    pub fn of(metadata: &Metadata) -> Self {
        let changed = metadata.modified().map_or(0, |at| {
            let epoch = std::time::SystemTime::UNIX_EPOCH;
            let nanos = |d: Duration| i128::try_from(d.as_nanos()).unwrap_or(i128::MAX);
            match at.into_std().duration_since(epoch) {
                Ok(after) => nanos(after),
                Err(before) => -nanos(before.duration()),
            }
        });
        Self { size: metadata.len(), changed }
    }
}

/// Held while a change is published.
pub(crate) struct Publishing<'a> {
    file: MutexGuard<'a, std::fs::File>,
}

impl Drop for Publishing<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "the file store's lock could not be released");
        }
    }
}

impl Folder {
    /// Opens the folder, makes what is missing, and removes what a crash left.
    pub fn open(service: String, root: &Path, versioned: bool, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> PortResult<Self> {
        let fail = |path: &Path, error: &io::Error| failure(&service, "open", path, error);
        let made = |path: PathBuf| -> PortResult<Dir> {
            std::fs::create_dir_all(&path).map_err(|e| fail(&path, &e))?;
            Dir::open_ambient_dir(&path, ambient_authority()).map_err(|e| fail(&path, &e))
        };
        let files = made(root.join("files"))?;
        let own = made(root.join(".bellhop"))?;
        let versions = made(root.join(".bellhop/versions"))?;
        let tmp = made(root.join(".bellhop/tmp"))?;
        let format = root.join(".bellhop/format");
        match own.read_to_string("format") {
            Ok(text) if text.trim() == FORMAT => {}
            Ok(text) => {
                let message = format!(
                    "{} says that the folder has format {}; this version of Bellhop reads format {FORMAT}. Use the newer Bellhop for it, or another folder",
                    format.display(),
                    bellhop_core::text::shorten(text.trim(), 20)
                );
                return Err(PortError::new(PortErrorKind::Invalid, service, "open", message));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                own.write("format", format!("{FORMAT}\n")).map_err(|e| fail(&format, &e))?;
            }
            Err(error) => return Err(fail(&format, &error)),
        }
        let path = root.join(".bellhop/lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true);
        let lock = own.open_with("lock", &options).map_err(|e| fail(&path, &e))?.into_std();
        let spelling = probe(&tmp, ids.as_ref());
        let root = root.to_path_buf();
        let folder = Self { service, root, files, versions, tmp, spelling, versioned, clock, ids, lock: Mutex::new(lock) };
        folder.sweep();
        Ok(folder)
    }

    /// Waits until nobody else, in this process or another, is publishing a change.
    pub fn publishing(&self, operation: &'static str) -> PortResult<Publishing<'_>> {
        let file = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Publishing { file }),
                // A network file system without locks: the mutex still keeps this process in order.
                Err(std::fs::TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => return Ok(Publishing { file }),
                Err(std::fs::TryLockError::Error(error)) => return Err(self.fail(operation, &self.own("lock"), &error)),
                Err(std::fs::TryLockError::WouldBlock) if waited >= PATIENCE => {
                    let message =
                        format!("another process has held {} for {} s; is it stopped?", self.own("lock").display(), PATIENCE.as_secs());
                    return Err(PortError::new(PortErrorKind::Unavailable, self.service.clone(), operation, message));
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    std::thread::sleep(PAUSE);
                    waited += PAUSE;
                }
            }
        }
    }

    /// Removes temporary files that no process writes any more: each is locked by its writer.
    fn sweep(&self) {
        let Ok(entries) = self.tmp.entries() else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let left = match self.tmp.open(&name).map(File::into_std) {
                Ok(file) => file.try_lock().is_ok(),
                Err(_) => false,
            };
            if left && let Err(error) = self.tmp.remove_file(&name) {
                tracing::warn!(%error, file = ?name, "a temporary file of an interrupted write could not be removed");
            }
        }
    }

    /// A path in our own subfolder, for errors.
    pub fn own(&self, path: &str) -> PathBuf {
        self.root.join(".bellhop").join(path)
    }

    /// A failure of the disk, naming a path among the files.
    pub fn fail_file(&self, operation: &'static str, path: &Path, error: &io::Error) -> PortError {
        self.fail(operation, &self.root.join("files").join(path), error)
    }

    /// A failure of the disk.
    pub fn fail(&self, operation: &'static str, path: &Path, error: &io::Error) -> PortError {
        failure(&self.service, operation, path, error)
    }

    /// There is no file of that name.
    pub fn absent(&self, operation: &'static str, name: &str) -> PortError {
        PortError::not_found(self.service.clone(), operation, format!("there is no file `{name}`"))
    }
}

/// Puts a folder's entries safely on disk. Systems that can't do that for folders do it by themselves.
pub(crate) fn settle(dir: &Dir) -> io::Result<()> {
    match dir.open(".").and_then(|file| file.sync_all()) {
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput | ErrorKind::PermissionDenied) => Ok(()),
        other => other,
    }
}

/// Finds out by trying whether the file system tells capitals and ways of writing accents apart.
fn probe(tmp: &Dir, ids: &dyn Ids) -> Spelling {
    for _ in 0..PROBES {
        let stem = format!("probe-{}", ids.next().to_lowercase());
        let (written, asked) = (format!("{stem}-a\u{e9}"), [format!("{stem}-A\u{e9}"), format!("{stem}-ae\u{301}")]);
        if tmp.write(&written, b"").is_err() {
            return Spelling::Folded;
        }
        let met = asked.iter().any(|name| tmp.symlink_metadata(name).is_ok());
        match tmp.remove_file(&written) {
            Ok(()) if !met => return Spelling::Exact,
            // Another process that opened the folder has swept it away, maybe before it was asked for.
            Err(error) if !met && error.kind() == ErrorKind::NotFound => {}
            // What can't be removed now is swept at the next start.
            _ => return Spelling::Folded,
        }
    }
    Spelling::Folded
}

pub(crate) fn failure(service: &str, operation: &'static str, path: &Path, error: &io::Error) -> PortError {
    let path = path.display();
    let (kind, message) = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            (PortErrorKind::Full, format!("no room is left for {path} ({error}); free some space there, or give the store another folder"))
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            (PortErrorKind::Denied, format!("Bellhop may not use {path} ({error}); let the user that it runs as read and write there"))
        }
        ErrorKind::NotFound => (PortErrorKind::NotFound, format!("{path} is not there")),
        ErrorKind::FileTooLarge => (PortErrorKind::TooLarge, format!("the file system holds no file as large as {path}")),
        ErrorKind::InvalidFilename => (PortErrorKind::Invalid, format!("the file system can't hold a name as long as {path}")),
        _ => (PortErrorKind::Unavailable, format!("{path}: {error}")),
    };
    PortError::new(kind, service, operation, message)
}

/// JSON has no numbers of 128 bits.
mod as_text {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(number: &i128, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(number)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i128, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}
