//! The versions of a name: a record and the bytes of each. Which of them the name gives now follows from the file that
//! lies under the name, and is never written down.

use crate::folder::{Folder, Publishing, Stamp, settle};
use crate::record::{Record, copied, digest, header};
use crate::sealed::{Header, Sealed, content_size};
use bellhop_core::ports::{FileEncryption, FileInfo, PortResult, Version};
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use cap_std::fs::{Dir, File};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::Path;

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
        self.folder.fail(self.operation, &self.folder.own_path("versions").join(&self.key).join(what), error)
    }

    pub fn dir(&self) -> PortResult<Option<Dir>> {
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
        if last == 0 {
            last = self.folder.floor(self.operation)?;
        }
        Ok(u64::saturating_add(last, 1))
    }

    /// The numbers of all versions, newest first.
    pub fn numbers(&self, dir: &Dir) -> PortResult<Vec<u64>> {
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
            let path = self.folder.own_path("versions").join(&self.key).join(&file);
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

    /// What is known about the file at `path`, of which `file` is open, and its record. One that was changed by hand is read
    /// through, and becomes a version; where that can't be kept, what can be said without it is said.
    pub fn known(&self, path: &Path, file: &File) -> PortResult<(FileInfo, Option<Record>)> {
        let stamp = self.stamp(path, file)?;
        if let Some(record) = self.matching(stamp)? {
            return Ok((self.info(&record), Some(record)));
        }
        let adopted = self.folder.publishing(self.operation).and_then(|lock| self.adopt(&lock, path, file));
        match adopted {
            Ok(Some(record)) => Ok((self.info(&record), Some(record))),
            Ok(None) => Ok((self.guessed(stamp, self.header(path, file)?.as_ref()), None)),
            Err(error) => {
                tracing::warn!(%error, "a file that was changed by hand could not be made a version");
                Ok((self.guessed(stamp, self.header(path, file)?.as_ref()), None))
            }
        }
    }

    /// A record as it is told.
    pub fn info(&self, record: &Record) -> FileInfo {
        record.info(&self.folder.keys, self.folder.versioned())
    }

    /// The header of a file that may be encrypted.
    pub fn header(&self, path: &Path, file: &File) -> PortResult<Option<Header>> {
        if !self.folder.seals() {
            return Ok(None);
        }
        header(file).map_err(|e| self.folder.fail_file(self.operation, path, &e))
    }

    /// What can be said about a file of which nothing is recorded.
    pub fn guessed(&self, stamp: Stamp, header: Option<&Header>) -> FileInfo {
        let nanos = i64::try_from(stamp.changed).unwrap_or(0);
        FileInfo {
            name: self.name.to_owned(),
            size: header.and_then(|_| content_size(stamp.size)).unwrap_or(stamp.size),
            content_type: self.type_by_name(),
            modified: Timestamp::from_timestamp_nanos(nanos),
            version: None,
            sha256: None,
            encryption: header.map(|header| self.folder.keys.known(header.key()).unwrap_or(FileEncryption::Aes256)),
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
        if self.folder.versioned() {
            self.link(&self.folder.files, path, found.number)?;
        }
        Ok(Some(found))
    }

    /// The record of a file with another stamp than any we know: the same bytes (from a backup, say), or a new version.
    fn recognised(&self, lock: &Publishing<'_>, path: &Path, file: &File, stamp: Stamp) -> PortResult<Option<Record>> {
        let fail = |e: &io::Error| self.folder.fail_file(self.operation, path, e);
        let records = self.records()?;
        let newest = records.first().filter(|record| record.has_bytes());
        let mut same = None;
        if let Some(record) = newest
            && record.is_in(file, &self.folder.keys).map_err(|e| fail(&e))? == Some(true)
        {
            same = Some(record);
        }
        let header = self.header(path, file)?;
        // What an encrypted file holds is not looked at: its key may be gone, and the file can be replaced all the same.
        let sha256 = match (same, &header) {
            (None, None) => digest(file).map_err(|e| fail(&e))?,
            _ => String::new(),
        };
        if self.stamp(path, file)? != stamp {
            return Ok(None);
        }
        if let Some(same) = same {
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
        let guessed = self.guessed(stamp, header.as_ref());
        let content_type = records.iter().find(|r| !r.deletion).map_or(guessed.content_type, |r| r.content_type.clone());
        let sealed = header.zip(guessed.encryption).map(|(header, with)| Sealed { header: header.text(), with });
        let record = Record {
            name: self.name.to_owned(),
            number: 0,
            size: guessed.size,
            content_type,
            modified: guessed.modified,
            sha256,
            deletion: false,
            stamp,
            lost: false,
            tags: BTreeMap::new(),
            sealed,
        };
        self.begin(lock, record).map(Some)
    }

    /// Writes a record under the next number.
    pub fn begin(&self, _lock: &Publishing<'_>, record: Record) -> PortResult<Record> {
        let dir = self.made_dir()?;
        let number = self.next_number(&dir)?;
        let record = Record { number, ..record };
        self.keep(&record)?;
        Ok(record)
    }

    /// Writes a record in place of the one with its number. Only whoever publishes does.
    pub fn keep(&self, record: &Record) -> PortResult<()> {
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

    /// Removes one version for good, and returns how many bytes of room that gives back: none where its bytes are also what the
    /// name gives, or were shared with another name.
    pub fn remove(&self, _lock: &Publishing<'_>, record: &Record) -> PortResult<u64> {
        let Some(dir) = self.dir()? else { return Ok(0) };
        let mut freed = 0;
        let file = record.number.to_string();
        match dir.symlink_metadata(&file) {
            Ok(known) => {
                dir.remove_file(&file).map_err(|e| self.fail(&file, &e))?;
                freed = if cap_std::fs::MetadataExt::nlink(&known) > 1 { 0 } else { known.len() };
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(self.fail(&file, &error)),
        }
        let file = format!("{}.json", record.number);
        dir.remove_file(&file).map_err(|e| self.fail(&file, &e))?;
        if dir.entries().map_err(|e| self.fail("", &e))?.next().is_none() {
            // Numbers are never used twice, also when nothing tells any more which ones were.
            self.folder.raise_floor(self.operation, record.number)?;
            drop(dir);
            // One that isn't empty any more stays.
            let _ = self.folder.versions.remove_dir(&self.key);
            let _ = self.folder.versions.remove_dir(&self.key[..2]);
        }
        Ok(freed)
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
        let Some(same) = record.is_in(&file, &self.folder.keys).map_err(|e| self.fail("", &e))? else {
            // Whether it is whole shows when it is read, which needs the key too.
            return Ok(Some(file));
        };
        let _lock = self.folder.publishing(self.operation)?;
        self.keep(&Record { stamp: if same { stamp } else { record.stamp }, lost: !same, ..record.clone() })?;
        Ok(same.then_some(file))
    }

    /// The versions for people, newest first; `current` is the number of the one that the name gives, and `there` says whether
    /// it gives anything.
    pub fn versions(&self, current: Option<u64>, there: bool) -> PortResult<Vec<Version>> {
        let mut versions = Vec::new();
        for (at, record) in self.records()?.into_iter().enumerate() {
            let is_current = if record.deletion { at == 0 && !there } else { current == Some(record.number) };
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
