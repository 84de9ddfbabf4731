//! Where a name lies on disk: finding it, and making the place for it.

use crate::folder::{Folder, settle};
use crate::segment::{self, FILE, FOLDER};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind};
use cap_std::fs::Dir;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    Nothing,
    File,
    Folder,
    /// A symbolic link, a device or the like.
    Other,
}

impl Folder {
    /// The path of a name's file, relative to `files`; `None` where there is none. Symbolic links are not followed: a
    /// name that leads over one is refused.
    pub fn find(&self, operation: &'static str, name: &str) -> PortResult<Option<PathBuf>> {
        let parts: Vec<&str> = name.split('/').collect();
        self.find_from(operation, &parts, PathBuf::new())
    }

    fn find_from(&self, operation: &'static str, parts: &[&str], at: PathBuf) -> PortResult<Option<PathBuf>> {
        let Some((part, rest)) = parts.split_first() else { return Ok(Some(at)) };
        let (wanted, mark) = if rest.is_empty() { (There::File, FILE) } else { (There::Folder, FOLDER) };
        for way in segment::spellings(part, self.spelling) {
            for mark in ["", mark] {
                let path = joined(&at, &way, mark);
                match self.there(operation, &path)? {
                    There::Other => return Err(self.not_followed(operation, &path)),
                    found if found == wanted => {
                        if let Some(path) = self.find_from(operation, rest, path)? {
                            return Ok(Some(path));
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(None)
    }

    /// The path to put a name's file at: where it lies already, or a free one. Makes the folders above it.
    pub fn place(&self, operation: &'static str, name: &str) -> PortResult<PathBuf> {
        if let Some(path) = self.find(operation, name)? {
            return Ok(path);
        }
        let mut at = PathBuf::new();
        let mut parts = name.split('/').peekable();
        while let Some(part) = parts.next() {
            let file = parts.peek().is_none();
            let (wanted, mark) = if file { (There::File, FILE) } else { (There::Folder, FOLDER) };
            let mut chosen = None;
            // A folder that is there already is gone on in, so that one never has two.
            for way in segment::spellings(part, self.spelling) {
                for mark in ["", mark] {
                    let path = joined(&at, &way, mark);
                    if chosen.is_none() && self.there(operation, &path)? == wanted {
                        chosen = Some(path);
                    }
                }
            }
            if chosen.is_none() {
                let way = segment::encode(part, self.spelling);
                let plain = joined(&at, &way, "");
                chosen = Some(match self.there(operation, &plain)? {
                    There::Nothing => plain,
                    There::Other => return Err(self.not_followed(operation, &plain)),
                    There::File | There::Folder => joined(&at, &way, mark),
                });
            }
            at = chosen.unwrap_or_default();
            let folder = if file { at.parent() } else { Some(at.as_path()) };
            self.make(folder.unwrap_or(Path::new(""))).map_err(|e| self.fail_file(operation, &at, &e))?;
        }
        Ok(at)
    }

    /// Makes the folders of a path, each safely on disk.
    fn make(&self, path: &Path) -> io::Result<()> {
        let mut at = PathBuf::new();
        for piece in path.components() {
            let above = at.clone();
            at.push(piece);
            match self.files.create_dir(&at) {
                Ok(()) => settle(&self.folder(&above)?)?,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A folder among the files.
    pub fn folder(&self, path: &Path) -> io::Result<Dir> {
        if path.as_os_str().is_empty() { self.files.try_clone() } else { self.files.open_dir(path) }
    }

    /// Puts the entries of the folder that a file lies in safely on disk.
    pub fn settle_above(&self, path: &Path) -> io::Result<()> {
        settle(&self.folder(path.parent().unwrap_or(Path::new("")))?)
    }

    /// Removes the folders above a file as far as they are empty.
    pub fn prune(&self, path: &Path) {
        for folder in path.ancestors().skip(1) {
            if folder.as_os_str().is_empty() || self.files.remove_dir(folder).is_err() {
                return;
            }
        }
    }

    fn there(&self, operation: &'static str, path: &Path) -> PortResult<There> {
        match self.files.symlink_metadata(path) {
            Ok(found) if found.is_file() => Ok(There::File),
            Ok(found) if found.is_dir() => Ok(There::Folder),
            Ok(_) => Ok(There::Other),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename) => {
                Ok(There::Nothing)
            }
            Err(error) => Err(self.fail_file(operation, path, &error)),
        }
    }

    fn not_followed(&self, operation: &'static str, path: &Path) -> PortError {
        let path = self.root.join("files").join(path);
        let message = format!("{} is a symbolic link or a device, and those are not followed; put the file itself there", path.display());
        PortError::new(PortErrorKind::Denied, self.service.clone(), operation, message)
    }
}

fn joined(at: &Path, pieces: &[String], mark: &str) -> PathBuf {
    let mut path = at.to_path_buf();
    if let Some((last, before)) = pieces.split_last() {
        path.extend(before);
        path.push(format!("{last}{mark}"));
    }
    path
}
