//! A page of names in byte order, read from the folders as they are. Keeps no more than about a page in memory,
//! however many files a folder holds.

use crate::folder::{Folder, Stamp};
use crate::history::History;
use crate::segment::{self, FILE, FOLDER, GOES_ON};
use bellhop_core::ports::{FileInfo, FilePage, PortResult, file_name};
use cap_std::fs::FileType;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What a walk looks for, and has found.
struct Walk<'a> {
    folder: &'a Folder,
    prefix: &'a str,
    /// Names up to this one are not wanted.
    after: Option<&'a str>,
    limit: usize,
    found: Vec<FileInfo>,
}

/// What lies under one key: a file's name, or a folder's with a slash after it. Several paths where a person made more
/// than one for it.
type Entries = BTreeMap<String, Vec<PathBuf>>;

impl Folder {
    /// At most `limit` files whose names begin with `prefix` and come after `from`.
    pub fn page(&self, prefix: &str, from: Option<&str>, limit: usize) -> PortResult<FilePage> {
        let limit = limit.clamp(1, 10_000);
        let mut walk = Walk { folder: self, prefix, after: from, limit: limit + 1, found: Vec::new() };
        walk.enter(&[PathBuf::new()], "")?;
        let mut files = walk.found;
        let more = files.len() > limit;
        files.truncate(limit);
        let next = files.last().filter(|_| more).map(|file| file.name.clone());
        Ok(FilePage { files, next })
    }
}

impl Walk<'_> {
    /// Walks the folders that together are the folder `name` (empty, or ending in a slash).
    fn enter(&mut self, paths: &[PathBuf], name: &str) -> PortResult<()> {
        let mut cursor: Option<String> = None;
        loop {
            let mut entries = Entries::new();
            // One more than can be needed, so that a full harvest tells that there may be more.
            let most = self.limit - self.found.len() + 1;
            for path in paths {
                self.gather(path, name, cursor.as_deref(), most, &mut entries)?;
            }
            let full = entries.len() >= most;
            cursor = entries.keys().next_back().cloned();
            for (key, paths) in entries {
                if self.found.len() >= self.limit {
                    return Ok(());
                }
                if key.ends_with('/') {
                    self.enter(&paths, &key)?;
                } else if let Some(path) = paths.first() {
                    self.found.extend(self.info(path, &key)?);
                }
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// Collects the first `most` keys of a folder after `cursor`.
    fn gather(&self, path: &Path, name: &str, cursor: Option<&str>, most: usize, entries: &mut Entries) -> PortResult<()> {
        let dir = match self.folder.folder(path) {
            Ok(dir) => dir,
            // Removed since it was seen.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
            Err(error) => return Err(self.folder.fail_file("list", path, &error)),
        };
        for entry in dir.entries().map_err(|e| self.folder.fail_file("list", path, &e))? {
            let entry = entry.map_err(|e| self.folder.fail_file("list", path, &e))?;
            let Ok(kind) = entry.file_type() else { continue };
            // A name that is no text can't be asked for either.
            let Ok(piece) = entry.file_name().into_string() else { continue };
            let path = path.join(&piece);
            if kind.is_dir()
                && let Some(start) = piece.strip_suffix(GOES_ON)
            {
                let name = format!("{name}{}", segment::decode(start));
                if self.may_hold(&name) {
                    self.gather(&path, &name, cursor, most, entries)?;
                }
                continue;
            }
            let Some(key) = key(name, &piece, kind) else { continue };
            let wanted = if kind.is_dir() {
                self.may_hold(&key)
            } else {
                key.starts_with(self.prefix) && self.after.is_none_or(|after| key.as_str() > after)
            };
            if wanted && cursor.is_none_or(|cursor| key.as_str() > cursor) {
                entries.entry(key).or_default().push(path);
                if entries.len() > most {
                    entries.pop_last();
                }
            }
        }
        Ok(())
    }

    /// Whether a name that begins with `start` can be wanted.
    fn may_hold(&self, start: &str) -> bool {
        let in_prefix = start.starts_with(self.prefix) || self.prefix.starts_with(start);
        in_prefix && self.after.is_none_or(|after| start > after || after.starts_with(start))
    }

    /// What is known about a file, without reading it through; `None` when it is gone.
    fn info(&self, path: &Path, name: &str) -> PortResult<Option<FileInfo>> {
        if file_name(name).is_err() {
            return Ok(None);
        }
        let stamp = match self.folder.files.symlink_metadata(path) {
            Ok(found) => Stamp::of(&found),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.folder.fail_file("list", path, &error)),
        };
        let history = History::of(self.folder, "list", name);
        if let Some(record) = history.matching(stamp)? {
            return Ok(Some(history.info(&record)));
        }
        // Put there by hand. Only a look inside tells how long the content of an encrypted one is.
        let header = match self.folder.files.open(path) {
            Ok(file) if self.folder.seals() => history.header(path, &file)?,
            _ => None,
        };
        Ok(Some(history.guessed(stamp, header.as_ref())))
    }
}

/// What an entry of the folder `name` is called; `None` for links, devices and the like.
fn key(name: &str, piece: &str, kind: FileType) -> Option<String> {
    let (mark, end) = if kind.is_file() {
        (FILE, "")
    } else if kind.is_dir() {
        (FOLDER, "/")
    } else {
        return None;
    };
    let piece = piece.strip_suffix(mark).filter(|rest| !rest.is_empty()).unwrap_or(piece);
    Some(format!("{name}{}{end}", segment::decode(piece)))
}
