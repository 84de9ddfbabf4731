//! What is due with time: lifecycle rules are carried out, and leftovers removed. Called now and then, by any number of
//! processes, of which one at a time does it.

use crate::changes::removed;
use crate::folder::Folder;
use crate::history::History;
use crate::lifecycle::{ended, expires, given_up};
use crate::parts::Hold;
use crate::record::Record;
use bellhop_core::ports::{LifecycleRule, PortResult, Tidied};
use bellhop_core::{PortErrorKind, Timestamp};
use cap_std::fs::{Dir, OpenOptions};
use std::collections::BTreeMap;
use std::io::ErrorKind;

/// After how many days an upload that nobody went on with is given up, whatever the rules say.
const IDLE_DAYS: i64 = 7;
/// How many names are looked at between two looks at the folder.
const PAGE: usize = 10_000;
/// How many files are counted of a bucket that isn't empty.
const COUNTED: usize = 1000;

impl Folder {
    /// Does what is due.
    pub fn tidy(&self) -> PortResult<Tidied> {
        let mut tidied = Tidied::default();
        let mut options = OpenOptions::new();
        options.write(true).create(true);
        let lock = self.own.open_with("tidy", &options).map_err(|e| self.fail("tidy", &self.own_path("tidy"), &e))?.into_std();
        if let Err(std::fs::TryLockError::WouldBlock) = lock.try_lock() {
            return Ok(tidied);
        }
        let now = self.clock.now();
        let rules = self.settings("tidy")?.lifecycle.clone();
        (tidied.leftovers, tidied.freed) = self.sweep();
        self.tidy_uploads(&rules, now, &mut tidied)?;
        let acting = |does: fn(&LifecycleRule) -> bool| rules.iter().any(|rule| rule.enabled && does(rule));
        if acting(|rule| rule.expire.is_some()) {
            self.tidy_files(&rules, now, &mut tidied)?;
        }
        if acting(|rule| rule.expire_noncurrent.is_some() || rule.expire_markers) {
            self.tidy_versions(&rules, now, &mut tidied)?;
        }
        Ok(tidied)
    }

    fn tidy_uploads(&self, rules: &[LifecycleRule], now: Timestamp, tidied: &mut Tidied) -> PortResult<()> {
        for id in self.upload_ids()? {
            let due = match self.upload(&id, Hold::AloneNow) {
                // Somebody writes a part of it.
                Err(error) if error.kind != PortErrorKind::Broken => false,
                Ok(Some(held)) => {
                    let idle = now.signed_duration_since(held.touched()?) >= chrono::TimeDelta::days(IDLE_DAYS);
                    // Removed while it is held: nobody can begin a part of it meanwhile.
                    if idle || given_up(rules, &held.upload.name, held.upload.begun, now) {
                        tidied.freed += self.drop_upload(&id)?;
                        tidied.uploads += 1;
                    }
                    false
                }
                // What a crash left of one that was finished, given up or hardly begun.
                Ok(None) | Err(_) => true,
            };
            if due {
                // Whoever begins an upload publishes until it is whole.
                let _lock = self.publishing("tidy")?;
                if !matches!(self.upload(&id, Hold::AloneNow), Ok(Some(_))) && self.uploads.symlink_metadata(&id).is_ok() {
                    tidied.freed += self.drop_upload(&id)?;
                    tidied.leftovers += 1;
                }
            }
        }
        Ok(())
    }

    pub fn upload_ids(&self) -> PortResult<Vec<String>> {
        let fail = |error: &std::io::Error| self.fail("tidy", &self.own_path("uploads"), error);
        let mut ids = Vec::new();
        for entry in self.uploads.entries().map_err(|e| fail(&e))? {
            ids.extend(entry.map_err(|e| fail(&e))?.file_name().into_string());
        }
        Ok(ids)
    }

    fn tidy_files(&self, rules: &[LifecycleRule], now: Timestamp, tidied: &mut Tidied) -> PortResult<()> {
        let expiring: Vec<&LifecycleRule> = rules.iter().filter(|rule| rule.enabled && rule.expire.is_some()).collect();
        let prefix = if let [only] = expiring[..] { only.filter.prefix.as_str() } else { "" };
        // Those of tags are asked about by name; here a rule's tags are taken as fitting.
        let mut untagged = rules.to_vec();
        for rule in &mut untagged {
            rule.filter.tags.clear();
        }
        let mut from = None;
        loop {
            let page = self.page(prefix, from.as_deref(), PAGE)?;
            for file in page.files {
                if expires(&untagged, (&file.name, file.size, &BTreeMap::new()), file.modified, now)
                    && self.expire(&file.name, rules, now)?
                {
                    tidied.expired += 1;
                }
            }
            from = page.next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// Deletes a file if it expires now, as it is at this moment.
    fn expire(&self, name: &str, rules: &[LifecycleRule], now: Timestamp) -> PortResult<bool> {
        let lock = self.publishing("tidy")?;
        let Some(path) = self.find("tidy", name)? else { return Ok(false) };
        let file = self.files.open(&path).map_err(|e| self.fail_file("tidy", &path, &e))?;
        let history = History::of(self, "tidy", name);
        let stamp = history.stamp(&path, &file)?;
        let due = if let Some(record) = history.matching(stamp)? {
            expires(rules, (name, record.size, &record.tags), record.modified, now)
        } else {
            let guessed = history.guessed(stamp, history.header(&path, &file)?.as_ref());
            expires(rules, (name, guessed.size, &BTreeMap::new()), guessed.modified, now)
        };
        if due {
            removed(self, &lock, "tidy", name, &path)?;
        }
        Ok(due)
    }

    fn tidy_versions(&self, rules: &[LifecycleRule], now: Timestamp, tidied: &mut Tidied) -> PortResult<()> {
        self.each_history(&mut |name| {
            let judged = |history: &History<'_>| -> PortResult<Vec<Record>> {
                let records = history.records()?;
                Ok(ended(rules, &records, self.given("tidy", name)?, now).into_iter().cloned().collect())
            };
            let history = History::of(self, "tidy", name);
            if judged(&history)?.is_empty() {
                return Ok(true);
            }
            let lock = self.publishing("tidy")?;
            for record in judged(&history)? {
                tidied.freed += history.remove(&lock, &record)?;
                *(if record.deletion { &mut tidied.markers } else { &mut tidied.versions }) += 1;
            }
            Ok(true)
        })
    }

    /// The number of the version that a name gives now, and whether it gives anything; what was changed by hand has none yet.
    fn given(&self, operation: &'static str, name: &str) -> PortResult<(Option<u64>, bool)> {
        let Some(path) = self.find(operation, name)? else { return Ok((None, false)) };
        let history = History::of(self, operation, name);
        let stamp = match self.files.symlink_metadata(&path) {
            Ok(found) => crate::folder::Stamp::of(&found),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((None, false)),
            Err(error) => return Err(self.fail_file(operation, &path, &error)),
        };
        Ok((history.matching(stamp)?.map(|record| record.number), true))
    }

    /// Calls with each name that has versions, until told to stop.
    fn each_history(&self, with: &mut dyn FnMut(&str) -> PortResult<bool>) -> PortResult<()> {
        let fail = |error: &std::io::Error| self.fail("tidy", &self.own_path("versions"), error);
        let inside = |dir: &Dir| -> PortResult<Vec<std::ffi::OsString>> {
            let mut names = Vec::new();
            for entry in dir.entries().map_err(|e| fail(&e))? {
                names.push(entry.map_err(|e| fail(&e))?.file_name());
            }
            Ok(names)
        };
        for group in inside(&self.versions)? {
            let Ok(group) = self.versions.open_dir(&group) else { continue };
            for key in inside(&group)? {
                let Ok(dir) = group.open_dir(&key) else { continue };
                let record =
                    inside(&dir)?.into_iter().filter_map(|file| file.into_string().ok()).find(|file| file.strip_suffix(".json").is_some());
                let text = record.and_then(|file| dir.read_to_string(file).ok());
                if let Some(record) = text.and_then(|text| serde_json::from_str::<Record>(&text).ok())
                    && !with(&record.name)?
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// What is in the folder, in words; `None` where it is empty.
    pub fn holds(&self) -> PortResult<Option<String>> {
        let counted = |count: usize, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            COUNTED.. => Some(format!("{COUNTED} or more {many}")),
            _ => Some(format!("{count} {many}")),
        };
        let files = self.page("", None, COUNTED)?.files.len();
        let mut deleted = 0;
        if files == 0 {
            self.each_history(&mut |_| {
                deleted += 1;
                Ok(deleted < COUNTED)
            })?;
        }
        let uploads = self.upload_ids()?.into_iter().filter(|id| !matches!(self.upload(id, Hold::AloneNow), Ok(None))).count();
        let parts: Vec<String> = [
            counted(files, "file", "files"),
            counted(deleted, "deleted file that can still be restored", "deleted files that can still be restored"),
            counted(uploads, "unfinished upload", "unfinished uploads"),
        ]
        .into_iter()
        .flatten()
        .collect();
        Ok((!parts.is_empty()).then(|| parts.join(" and ")))
    }
}

#[cfg(test)]
#[path = "tidy_tests.rs"]
mod tests;
