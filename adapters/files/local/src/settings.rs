//! What commands set for a bucket, kept in its own folder: `.bellhop/settings.json`. Every process reads it anew when it
//! has changed; it is written whole, under the lock over changes.

use crate::folder::{Folder, Publishing, settle};
use bellhop_core::ports::{AccessPolicy, Encryption, LifecycleRule, PortResult, Versioning};
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use cap_std::fs::MetadataExt as _;
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind, Write as _};
use std::sync::{Arc, PoisonError};

const FILE: &str = "settings.json";

/// What is set. What isn't is as the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// When the bucket was made by command.
    pub created: Option<Timestamp>,
    /// Whether versions are kept; a bucket that once kept them and doesn't any more has them suspended.
    pub versions: Option<bool>,
    /// How new files are encrypted.
    pub encryption: Option<Encryption>,
    /// In the order in which they were added.
    pub lifecycle: Vec<LifecycleRule>,
    /// By id.
    pub access: Vec<AccessPolicy>,
}

/// Which state of the file something was read from: another one is another file, for it is never written in place.
type State = (u64, i64, i64, u64);

/// What was read last.
#[derive(Default)]
pub(crate) struct Read {
    state: Option<State>,
    settings: Arc<Settings>,
}

impl Folder {
    /// What is set now.
    pub fn settings(&self, operation: &'static str) -> PortResult<Arc<Settings>> {
        let fail = |error: &io::Error| self.fail(operation, &self.own_path(FILE), error);
        let state = match self.own.symlink_metadata(FILE) {
            Ok(found) => Some((found.ino(), found.mtime(), found.mtime_nsec(), found.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(fail(&error)),
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.state != state {
            read.settings = match self.own.read_to_string(FILE) {
                Ok(text) => Arc::new(serde_json::from_str(&text).map_err(|error| self.unreadable(operation, &error))?),
                Err(error) if error.kind() == ErrorKind::NotFound => Arc::default(),
                Err(error) => return Err(fail(&error)),
            };
            read.state = state;
        }
        Ok(Arc::clone(&read.settings))
    }

    fn unreadable(&self, operation: &'static str, error: &serde_json::Error) -> PortError {
        let message = format!(
            "{} can't be read ({error}); put it back from a backup, or remove it and set versions, lifecycle, encryption and access anew",
            self.own_path(FILE).display()
        );
        PortError::new(PortErrorKind::Broken, self.service.clone(), operation, message)
    }

    /// Changes what is set. Others see the old or the new, and of changes at once none is lost.
    pub fn set(&self, operation: &'static str, change: impl FnOnce(&mut Settings) -> PortResult<()>) -> PortResult<()> {
        let lock = self.publishing(operation)?;
        let before = self.settings(operation)?;
        let mut after = Settings::clone(&before);
        change(&mut after)?;
        if after == *before { Ok(()) } else { self.keep_settings(&lock, operation, &after) }
    }

    fn keep_settings(&self, _lock: &Publishing<'_>, operation: &'static str, settings: &Settings) -> PortResult<()> {
        let kept = || -> io::Result<()> {
            let text = serde_json::to_vec_pretty(settings)?;
            let new = format!("{FILE}.new");
            {
                let mut out = self.own.create(&new)?;
                out.write_all(&text)?;
                out.sync_all()?;
            }
            self.own.rename(&new, &self.own, FILE)?;
            settle(&self.own)
        };
        kept().map_err(|error| self.fail(operation, &self.own_path(FILE), &error))?;
        // Whatever the clock of the file system says, it is read anew.
        self.read.lock().unwrap_or_else(PoisonError::into_inner).state = None;
        Ok(())
    }

    /// Whether versions are kept now. Where that can't be found out they are: that loses nothing.
    pub fn versioned(&self) -> bool {
        match self.settings("look") {
            Ok(settings) => settings.versions.unwrap_or(self.defaults.versions),
            Err(error) => {
                tracing::warn!(%error, "whether versions are kept can't be found out; they are");
                true
            }
        }
    }

    /// The same in the port's words.
    pub fn versioning(&self, operation: &'static str) -> PortResult<Versioning> {
        let settings = self.settings(operation)?;
        Ok(match (settings.versions, self.defaults.versions) {
            (Some(true), _) | (None, true) => Versioning::On,
            (Some(false), _) => Versioning::Suspended,
            (None, false) => Versioning::Off,
        })
    }

    /// How new files are encrypted.
    pub fn encryption(&self, operation: &'static str) -> PortResult<Encryption> {
        let settings = self.settings(operation)?;
        let otherwise = if self.defaults.encrypt { Encryption::Aes256 } else { Encryption::None };
        Ok(settings.encryption.clone().unwrap_or(otherwise))
    }
}
