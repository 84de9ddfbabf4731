//! The open folder: its parts on disk, the lock over changes, and failures of the disk in the port's words.

use crate::keys::Keys;
use crate::segment::Spelling;
use crate::settings;
use bellhop_core::ports::PortResult;
use bellhop_core::{Clock, Ids, PortError, PortErrorKind};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, Metadata, OpenOptions};
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The layout that this code writes: 2 where there are encrypted files, which older versions of it would hand out as they lie
/// there. Another one is refused rather than misread.
const FORMATS: [&str; 2] = ["1", "2"];
/// How long a change waits for others to be published, each of which takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);
/// How often the file system is tried where other processes come in between.
const PROBES: u32 = 20;

/// What a folder is opened with.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// `files.NAME`, for errors.
    pub service: String,
    pub defaults: Defaults,
    pub keys: Arc<Keys>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
}

/// What holds where no command has set anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    pub versions: bool,
    pub encrypt: bool,
}

/// The folder. All its methods block.
pub(crate) struct Folder {
    /// `files.NAME`, for errors.
    pub service: String,
    /// Where it is, for errors.
    pub root: PathBuf,
    pub files: Dir,
    /// `.bellhop`.
    pub own: Dir,
    pub versions: Dir,
    pub tmp: Dir,
    pub uploads: Dir,
    pub spelling: Spelling,
    pub defaults: Defaults,
    pub keys: Arc<Keys>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub read: Mutex<settings::Read>,
    /// Whether there may be encrypted files.
    seals: AtomicBool,
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
    /// Opens the folder, makes what is missing, and removes what a crash left. `inside` is the folder itself where nothing in
    /// it may lead out of it: whoever configures a path may lay its parts elsewhere by links, whoever makes buckets may not.
    pub fn open(around: &Surroundings, root: &Path, inside: Option<&Dir>) -> PortResult<Self> {
        let service = around.service.clone();
        let fail = |path: &Path, error: &io::Error| failure(&service, "open", path, error);
        let made = |part: &str| -> PortResult<Dir> {
            let path = root.join(part);
            let dir = match inside {
                Some(dir) => dir.create_dir_all(part).and_then(|()| dir.open_dir(part)),
                None => std::fs::create_dir_all(&path).and_then(|()| Dir::open_ambient_dir(&path, ambient_authority())),
            };
            dir.map_err(|e| fail(&path, &e))
        };
        let (files, own) = (made("files")?, made(".bellhop")?);
        let (versions, tmp, uploads) = (made(".bellhop/versions")?, made(".bellhop/tmp")?, made(".bellhop/uploads")?);
        let format = root.join(".bellhop/format");
        let seals = match own.read_to_string("format") {
            Ok(text) if FORMATS.contains(&text.trim()) => text.trim() != FORMATS[0],
            Ok(text) => {
                let message = format!(
                    "{} says that the folder has format {}; this version of Bellhop reads formats {}. Use the newer Bellhop for it, or another folder",
                    format.display(),
                    bellhop_core::text::shorten(text.trim(), 20),
                    FORMATS.join(" and ")
                );
                return Err(PortError::new(PortErrorKind::Invalid, service, "open", message));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                own.write("format", format!("{}\n", FORMATS[0])).map_err(|e| fail(&format, &e))?;
                false
            }
            Err(error) => return Err(fail(&format, &error)),
        };
        let path = root.join(".bellhop/lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true);
        let lock = own.open_with("lock", &options).map_err(|e| fail(&path, &e))?.into_std();
        let Surroundings { defaults, keys, clock, ids, .. } = around.clone();
        let spelling = probe(&tmp, ids.as_ref());
        let (root, seals, lock) = (root.to_path_buf(), AtomicBool::new(seals), Mutex::new(lock));
        let read = Mutex::default();
        let folder = Self { service, root, files, own, versions, tmp, uploads, spelling, defaults, keys, clock, ids, read, seals, lock };
        folder.sweep();
        Ok(folder)
    }

    /// Whether the folder is still there; a bucket may have been deleted since it was opened.
    pub fn alive(&self) -> bool {
        self.own.symlink_metadata("format").is_ok()
    }

    /// Whether there may be encrypted files.
    pub fn seals(&self) -> bool {
        self.seals.load(Ordering::Relaxed)
            || self.own.read_to_string("format").is_ok_and(|text| {
                let seals = text.trim() != FORMATS[0];
                self.seals.store(seals, Ordering::Relaxed);
                seals
            })
    }

    /// Notes that there are encrypted files from now on.
    pub fn will_seal(&self, operation: &'static str) -> PortResult<()> {
        if self.seals.load(Ordering::Relaxed) {
            return Ok(());
        }
        let _lock = self.publishing(operation)?;
        let noted = || -> io::Result<()> {
            self.own.write("format.new", format!("{}\n", FORMATS[1]))?;
            self.own.open("format.new")?.sync_all()?;
            self.own.rename("format.new", &self.own, "format")?;
            settle(&self.own)
        };
        noted().map_err(|e| self.fail(operation, &self.own_path("format"), &e))?;
        self.seals.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Waits until nobody else, in this process or another, is publishing a change.
    pub fn publishing(&self, operation: &'static str) -> PortResult<Publishing<'_>> {
        let file = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let held = patiently(|| match file.try_lock() {
            // A network file system without locks: the mutex still keeps this process in order.
            Err(std::fs::TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(()),
            other => other,
        });
        let held = held.map_err(|error| self.fail(operation, &self.own_path("lock"), &error))?;
        if !held {
            let message =
                format!("another process has held {} for {} s; is it stopped?", self.own_path("lock").display(), PATIENCE.as_secs());
            return Err(PortError::new(PortErrorKind::Unavailable, self.service.clone(), operation, message));
        }
        let lock = Publishing { file };
        if self.alive() {
            return Ok(lock);
        }
        let message = format!("{} was deleted meanwhile", self.root.display());
        Err(PortError::not_found(self.service.clone(), operation, message))
    }

    /// Removes temporary files that no process writes any more: each is locked by its writer. Returns how many, and their bytes.
    pub fn sweep(&self) -> (u64, u64) {
        let mut swept = (0, 0);
        let Ok(entries) = self.tmp.entries() else { return swept };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let size = match self.tmp.open(&name).map(File::into_std) {
                Ok(file) if file.try_lock().is_ok() => file.metadata().map_or(0, |known| known.len()),
                _ => continue,
            };
            match self.tmp.remove_file(&name) {
                Ok(()) => swept = (swept.0 + 1, swept.1 + size),
                Err(error) => tracing::warn!(%error, file = ?name, "a temporary file of an interrupted write could not be removed"),
            }
        }
        swept
    }

    /// The highest number of versions of which nothing is left.
    pub fn floor(&self, operation: &'static str) -> PortResult<u64> {
        match self.own.read_to_string("numbers") {
            Ok(text) => Ok(text.trim().parse().unwrap_or(0)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(self.fail(operation, &self.own_path("numbers"), &error)),
        }
    }

    /// Notes that versions up to this number were there.
    pub fn raise_floor(&self, operation: &'static str, number: u64) -> PortResult<()> {
        if number <= self.floor(operation)? {
            return Ok(());
        }
        let raised = || -> io::Result<()> {
            self.own.write("numbers.new", format!("{number}\n"))?;
            self.own.open("numbers.new")?.sync_all()?;
            self.own.rename("numbers.new", &self.own, "numbers")
        };
        raised().map_err(|e| self.fail(operation, &self.own_path("numbers"), &e))
    }

    /// A path in our own subfolder, for errors.
    pub fn own_path(&self, path: &str) -> PathBuf {
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

/// Tries to lock, for a while; `false` when somebody else still holds the lock then.
pub(crate) fn patiently(mut lock: impl FnMut() -> Result<(), std::fs::TryLockError>) -> io::Result<bool> {
    let mut waited = Duration::ZERO;
    loop {
        match lock() {
            Ok(()) => return Ok(true),
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
            Err(std::fs::TryLockError::WouldBlock) if waited >= PATIENCE => return Ok(false),
            Err(std::fs::TryLockError::WouldBlock) => {
                std::thread::sleep(PAUSE);
                waited += PAUSE;
            }
        }
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
