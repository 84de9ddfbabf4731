//! The versions of a name: a record and the bytes of each. Which of them the name gives now follows from the file that
//! lies under the name, and is never written down.

use crate::folder::{Folder, Publishing, Stamp, settle};
use bellhop_core::ports::{FileInfo, PortResult, Version};
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use cap_std::fs::{Dir, File};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

/// What is known about one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The name it belongs to.
    pub name: String,
    /// Its number, from 1; later versions have higher ones.
    pub number: u64,
    pub size: u64,
    pub content_type: String,
    pub modified: Timestamp,
    /// Empty for a deletion.
    pub sha256: String,
    #[serde(default)]
    pub deletion: bool,
    /// What its file looks like on disk.
    pub stamp: Stamp,
    /// Set when its bytes were found to be gone: a person wrote over them in place.
    #[serde(default)]
    pub lost: bool,
}

impl Record {
    pub fn info(&self, versioned: bool) -> FileInfo {
        FileInfo {
            name: self.name.clone(),
            size: self.size,
            content_type: self.content_type.clone(),
            modified: self.modified,
            version: versioned.then(|| self.number.to_string().into()),
            sha256: Some(self.sha256.clone()),
            encryption: None,
        }
    }

    fn has_bytes(&self) -> bool {
        !self.deletion && !self.lost
    }
}

/// The folder of a name's versions.
pub(crate) struct History<'a> {
    pub folder: &'a Folder,
    pub name: &'a str,
    pub operation: &'static str,
    /// `XX/KEY`, from a hash: names of any length and letters have one, and none can climb out.
    key: String,
}

impl<'a> History<'a> {
    pub fn of(folder: &'a Folder, operation: &'static str, name: &'a str) -> Self {
        let hash = hex::encode(Sha256::digest(name.as_bytes()));
        let key = format!("{}/{}", &hash[..2], &hash[2..40]);
        Self { folder, name, operation, key }
    }

    fn fail(&self, what: &str, error: &io::Error) -> PortError {
        self.folder.fail(self.operation, &self.folder.own("versions").join(&self.key).join(what), error)
    }

    fn dir(&self) -> PortResult<Option<Dir>> {
        match self.folder.versions.open_dir(&self.key) {
            Ok(dir) => Ok(Some(dir)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.fail("", &error)),
        }
    }

    fn made_dir(&self) -> PortResult<Dir> {
        if let Some(dir) = self.dir()? {
            return Ok(dir);
        }
        let made = || -> io::Result<Dir> {
            self.folder.versions.create_dir_all(&self.key)?;
            settle(&self.folder.versions)?;
            settle(&self.folder.versions.open_dir(&self.key[..2])?)?;
            self.folder.versions.open_dir(&self.key)
        };
        made().map_err(|e| self.fail("", &e))
    }

    /// The number after all that were ever used, by a record or by bytes that lost theirs.
    fn next_number(&self, dir: &Dir) -> PortResult<u64> {
        let mut last = 0;
        for entry in dir.entries().map_err(|e| self.fail("", &e))? {
            let file = entry.map_err(|e| self.fail("", &e))?.file_name();
            let number = file.to_str().and_then(|f| f.split('.').next()).and_then(|n| n.parse().ok());
            last = last.max(number.unwrap_or(0));
        }
        Ok(u64::saturating_add(last, 1))
    }

    /// The numbers of all versions, newest first.
    fn numbers(&self, dir: &Dir) -> PortResult<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in dir.entries().map_err(|e| self.fail("", &e))? {
            let file = entry.map_err(|e| self.fail("", &e))?.file_name();
            if let Some(number) = file.to_str().and_then(|f| f.strip_suffix(".json")).and_then(|n| n.parse().ok()) {
                numbers.push(number);
            }
        }
        numbers.sort_unstable_by(|a: &u64, b| b.cmp(a));
        Ok(numbers)
    }

    fn record(&self, dir: &Dir, number: u64) -> PortResult<Option<Record>> {
        let file = format!("{number}.json");
        let text = match dir.read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.fail(&file, &error)),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            let path = self.folder.own("versions").join(&self.key).join(&file);
            let message = format!("{} can't be read ({error}); remove it, and that version is forgotten", path.display());
            PortError::new(PortErrorKind::Broken, self.folder.service.clone(), self.operation, message)
        })
    }

    /// All records, newest first.
    pub fn records(&self) -> PortResult<Vec<Record>> {
        let Some(dir) = self.dir()? else { return Ok(Vec::new()) };
        self.numbers(&dir)?.into_iter().filter_map(|number| self.record(&dir, number).transpose()).collect()
    }

    /// One record.
    pub fn numbered(&self, number: u64) -> PortResult<Option<Record>> {
        let Some(dir) = self.dir()? else { return Ok(None) };
        self.record(&dir, number)
    }

    /// The record of the file that has this stamp, where there is one.
    pub fn matching(&self, stamp: Stamp) -> PortResult<Option<Record>> {
        let Some(dir) = self.dir()? else { return Ok(None) };
        // Nearly always the first one, so the others aren't read.
        for number in self.numbers(&dir)? {
            if let Some(record) = self.record(&dir, number)?.filter(|r| r.has_bytes() && r.stamp == stamp) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// What is known about the file at `path`, of which `file` is open. One that was changed by hand is read through, and
    /// becomes a version; where that can't be kept, what can be said without it is said.
    pub fn known(&self, path: &Path, file: &File) -> PortResult<FileInfo> {
        let stamp = self.stamp(path, file)?;
        if let Some(record) = self.matching(stamp)? {
            return Ok(record.info(self.folder.versioned));
        }
        let adopted = self.folder.publishing(self.operation).and_then(|lock| self.adopt(&lock, path, file));
        match adopted {
            Ok(Some(record)) => Ok(record.info(self.folder.versioned)),
            Ok(None) => Ok(self.guessed(stamp)),
            Err(error) => {
                tracing::warn!(%error, "a file that was changed by hand could not be made a version");
                Ok(self.guessed(stamp))
            }
        }
    }

    /// What can be said about a file of which nothing is recorded.
    pub fn guessed(&self, stamp: Stamp) -> FileInfo {
        let nanos = i64::try_from(stamp.changed).unwrap_or(0);
        FileInfo {
            name: self.name.to_owned(),
            size: stamp.size,
            content_type: self.type_by_name(),
            modified: Timestamp::from_timestamp_nanos(nanos),
            version: None,
            sha256: None,
            encryption: None,
        }
    }

    fn type_by_name(&self) -> String {
        mime_guess::from_path(self.name).first_or_octet_stream().to_string()
    }

    pub fn stamp(&self, path: &Path, file: &File) -> PortResult<Stamp> {
        file.metadata().map(|m| Stamp::of(&m)).map_err(|e| self.folder.fail_file(self.operation, path, &e))
    }

    /// Makes sure that the file at `path` is a version with bytes of its own name, so that it can be replaced; `None` while
    /// somebody is still writing to it.
    pub fn adopt(&self, lock: &Publishing<'_>, path: &Path, file: &File) -> PortResult<Option<Record>> {
        let stamp = self.stamp(path, file)?;
        let found = match self.matching(stamp)? {
            Some(record) => record,
            None => match self.recognised(lock, path, file, stamp)? {
                Some(record) => record,
                None => return Ok(None),
            },
        };
        if self.folder.versioned {
            self.link(&self.folder.files, path, found.number)?;
        }
        Ok(Some(found))
    }

    /// The record of a file with another stamp than any we know: the same bytes (from a backup, say), or a new version.
    fn recognised(&self, lock: &Publishing<'_>, path: &Path, file: &File, stamp: Stamp) -> PortResult<Option<Record>> {
        let sha256 = digest(file).map_err(|e| self.folder.fail_file(self.operation, path, &e))?;
        if self.stamp(path, file)? != stamp {
            return Ok(None);
        }
        let records = self.records()?;
        if let Some(same) = records.first().filter(|r| r.has_bytes() && r.sha256 == sha256 && r.size == stamp.size) {
            let record = Record { stamp, ..same.clone() };
            // This file takes the place of the version's own bytes, so that both have the one stamp.
            if let Some(dir) = self.dir()?
                && let Err(error) = dir.remove_file(record.number.to_string())
                && error.kind() != ErrorKind::NotFound
            {
                return Err(self.fail(&record.number.to_string(), &error));
            }
            self.keep(&record)?;
            return Ok(Some(record));
        }
        let content_type = records.iter().find(|r| !r.deletion).map_or_else(|| self.type_by_name(), |r| r.content_type.clone());
        let modified = self.guessed(stamp).modified;
        let record = self.begin(
            lock,
            Record {
                name: self.name.to_owned(),
                number: 0,
                size: stamp.size,
                content_type,
                modified,
                sha256,
                deletion: false,
                stamp,
                lost: false,
            },
        )?;
        Ok(Some(record))
    }

    /// Writes a record under the next number.
    pub fn begin(&self, _lock: &Publishing<'_>, record: Record) -> PortResult<Record> {
        let dir = self.made_dir()?;
        let number = self.next_number(&dir)?;
        let record = Record { number, ..record };
        self.keep(&record)?;
        Ok(record)
    }

    fn keep(&self, record: &Record) -> PortResult<()> {
        let dir = self.made_dir()?;
        let file = format!("{}.json", record.number);
        let kept = || -> io::Result<()> {
            let text = serde_json::to_vec_pretty(record)?;
            let new = format!("{}.json.new", record.number);
            {
                let mut out = dir.create(&new)?;
                io::Write::write_all(&mut out, &text)?;
                out.sync_all()?;
            }
            dir.rename(&new, &dir, &file)?;
            settle(&dir)
        };
        kept().map_err(|e| self.fail(&file, &e))
    }

    /// Gives a version its bytes, if it has none yet: as a second name of the same file, or as a copy where the file
    /// system knows no second names.
    pub fn link(&self, from: &Dir, path: &Path, number: u64) -> PortResult<()> {
        let dir = self.made_dir()?;
        let file = number.to_string();
        let linked = match from.hard_link(path, &dir, &file) {
            Ok(()) => settle(&dir),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied | ErrorKind::TooManyLinks) => {
                copied(from, path, &dir, &file)
            }
            Err(error) => Err(error),
        };
        linked.map_err(|e| self.fail(&file, &e))
    }

    /// Takes a version back that was not published after all.
    pub fn withdraw(&self, number: u64) {
        let Ok(Some(dir)) = self.dir() else { return };
        for file in [format!("{number}.json"), number.to_string()] {
            match dir.remove_file(&file) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    tracing::warn!(%error, file, "a version that was not published could not be removed");
                }
                _ => {}
            }
        }
    }

    /// Forgets the records without bytes of their own that are older than `number`: a store without versions has only
    /// the present one.
    pub fn forget_before(&self, number: u64) -> PortResult<()> {
        let Some(dir) = self.dir()? else { return Ok(()) };
        for old in self.numbers(&dir)?.into_iter().filter(|old| *old < number) {
            if dir.symlink_metadata(old.to_string()).is_err() {
                dir.remove_file(format!("{old}.json")).map_err(|e| self.fail("", &e))?;
            }
        }
        Ok(())
    }

    /// The bytes of an older version; `None` when they are gone because the file was written over in place.
    pub fn bytes(&self, record: &Record) -> PortResult<Option<File>> {
        let Some(dir) = self.dir()? else { return Ok(None) };
        if !record.has_bytes() {
            return Ok(None);
        }
        let file = match dir.open(record.number.to_string()) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.fail(&record.number.to_string(), &error)),
        };
        let stamp = file.metadata().map(|m| Stamp::of(&m)).map_err(|e| self.fail("", &e))?;
        if stamp == record.stamp {
            return Ok(Some(file));
        }
        // Another time of change: from a backup, or written over. The bytes decide, and it is noted for the next time.
        let same = stamp.size == record.size && digest(&file).map_err(|e| self.fail("", &e))? == record.sha256;
        let _lock = self.folder.publishing(self.operation)?;
        self.keep(&Record { stamp: if same { stamp } else { record.stamp }, lost: !same, ..record.clone() })?;
        Ok(same.then_some(file))
    }

    /// The versions for people, newest first; `current` is the number of the one that the name gives.
    pub fn versions(&self, current: Option<u64>) -> PortResult<Vec<Version>> {
        let mut versions = Vec::new();
        for (at, record) in self.records()?.into_iter().enumerate() {
            let is_current = if record.deletion { at == 0 && current.is_none() } else { current == Some(record.number) };
            if record.deletion || is_current || self.bytes(&record)?.is_some() {
                versions.push(Version {
                    id: record.number.to_string().into(),
                    size: record.size,
                    modified: record.modified,
                    current: is_current,
                    deletion: record.deletion,
                });
            }
        }
        Ok(versions)
    }
}

/// The SHA-256 of an open file from its beginning, whatever was read of it before.
fn digest(file: &File) -> io::Result<String> {
    let mut file = file.try_clone()?;
    io::Seek::rewind(&mut file)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hash.update(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    io::Seek::rewind(&mut file)?;
    Ok(hex::encode(hash.finalize()))
}

/// A copy with the original's time of change, so that it has its stamp.
fn copied(from: &Dir, path: &Path, dir: &Dir, file: &str) -> io::Result<()> {
    let new = format!("{file}.new");
    let mut source = from.open(path)?;
    let changed = source.metadata()?.modified()?;
    {
        let mut out = dir.create(&new)?;
        io::copy(&mut source, &mut out)?;
        let out = out.into_std();
        out.set_modified(changed.into_std())?;
        out.sync_all()?;
    }
    dir.rename(&new, dir, file)?;
    settle(dir)
}
