//! Deleting, what restoring brings back, and the tags of a file.

use crate::folder::{Folder, Publishing};
use crate::history::History;
use crate::reading::{opened_now, version_of};
use crate::record::Record;
use bellhop_core::ids::VersionId;
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind};
use std::collections::BTreeMap;
use std::path::Path;

/// Limits that S3 has, so that tags can go along wherever a file is copied.
const TAGS: usize = 10;
const TAG_NAME: usize = 128;
const TAG_VALUE: usize = 256;

/// Deletes what the name gives.
pub(crate) fn deleted(folder: &Folder, name: &str) -> PortResult<()> {
    let lock = folder.publishing("delete")?;
    let path = folder.find("delete", name)?.ok_or_else(|| folder.absent("delete", name))?;
    removed(folder, &lock, "delete", name, &path)
}

/// Removes the file at `path`; where versions are kept, it becomes one, and the deletion another.
pub(crate) fn removed(folder: &Folder, lock: &Publishing<'_>, operation: &'static str, name: &str, path: &Path) -> PortResult<()> {
    let fail = |error: &std::io::Error| folder.fail_file(operation, path, error);
    let history = History::of(folder, operation, name);
    let versioned = folder.versioned();
    let mut marked = None;
    if versioned {
        let file = folder.files.open(path).map_err(|e| fail(&e))?;
        history.adopt(lock, path, &file)?;
        marked = Some(history.begin(lock, Record::deletion(name, folder.clock.now()))?);
    }
    if let Err(error) = folder.files.remove_file(path) {
        if let Some(record) = marked {
            history.withdraw(record.number);
        }
        return Err(fail(&error));
    }
    folder.settle_above(path).map_err(|e| fail(&e))?;
    folder.prune(path);
    if !versioned {
        history.forget_before(u64::MAX)?;
    }
    Ok(())
}

impl Folder {
    /// The number of the version that a name gives now, and whether it gives anything.
    pub fn now(&self, operation: &'static str, name: &str) -> PortResult<(Option<u64>, bool)> {
        match opened_now(self, operation, name) {
            Ok(opened) => Ok((opened.record.map(|record| record.number), true)),
            Err(error) if error.kind == PortErrorKind::NotFound => Ok((None, false)),
            Err(error) => Err(error),
        }
    }
}

/// Which version a restoration brings back.
pub(crate) fn to_restore(folder: &Folder, name: &str, version: Option<&VersionId>) -> PortResult<VersionId> {
    let history = History::of(folder, "restore", name);
    let (now, _) = folder.now("restore", name)?;
    let record = if let Some(version) = version {
        version_of(folder, "restore", name, version)?
    } else {
        let records = history.records()?;
        if records.is_empty() {
            return Err(folder.absent("restore", name));
        }
        let newest = records.into_iter().find(|r| !r.deletion && !r.lost);
        newest.ok_or_else(|| PortError::not_found(folder.service.clone(), "restore", format!("no version of `{name}` has content")))?
    };
    let conflict = |why: String| Err(PortError::new(PortErrorKind::Conflict, folder.service.clone(), "restore", why));
    if now == Some(record.number) {
        return conflict(format!("`{name}` gives version {} already", record.number));
    }
    if version.is_none() && folder.find("restore", name)?.is_some() {
        return conflict(format!("`{name}` is not deleted; name the version that is to come back"));
    }
    Ok(record.number.to_string().into())
}

/// Checks tags before they are kept.
pub(crate) fn checked_tags(folder: &Folder, operation: &'static str, tags: &BTreeMap<String, String>) -> PortResult<()> {
    let invalid = |why: String| Err(PortError::new(PortErrorKind::Invalid, folder.service.clone(), operation, why));
    if tags.len() > TAGS {
        return invalid(format!("a file can have {TAGS} tags at most, and these are {}", tags.len()));
    }
    for (tag, value) in tags {
        if tag.is_empty() || tag.chars().count() > TAG_NAME || value.chars().count() > TAG_VALUE {
            return invalid(format!("a tag's name has 1 to {TAG_NAME} characters and its value at most {TAG_VALUE}"));
        }
        if tag.chars().chain(value.chars()).any(|c| c.is_control() || bellhop_core::text::is_hidden(c)) {
            return invalid("tags have no control or invisible characters".to_owned());
        }
    }
    Ok(())
}

/// Replaces the tags of what the name gives; its older versions have their own.
pub(crate) fn tagged(folder: &Folder, name: &str, tags: BTreeMap<String, String>) -> PortResult<()> {
    checked_tags(folder, "tag", &tags)?;
    let lock = folder.publishing("tag")?;
    let path = folder.find("tag", name)?.ok_or_else(|| folder.absent("tag", name))?;
    let file = folder.files.open(&path).map_err(|e| folder.fail_file("tag", &path, &e))?;
    let history = History::of(folder, "tag", name);
    let record = history.adopt(&lock, &path, &file)?.ok_or_else(|| {
        let message = format!("`{name}` is being changed on disk right now; try again when that is done");
        PortError::new(PortErrorKind::Conflict, folder.service.clone(), "tag", message)
    })?;
    history.keep(&Record { tags, ..record })
}
