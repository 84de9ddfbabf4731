//! Where secrets come from, and where they must not go. A value in the configuration may be a reference (`env:NAME`,
//! `file:PATH`); what a reference gave is remembered, so that the log can leave it out wherever it may turn up.

mod redaction;
mod seal;

pub use redaction::{RedactingWriter, Redaction};
pub use seal::{KeyError, MasterKey, Otherwise, SealRing};

use std::path::{Path, PathBuf};

/// Why a reference gave nothing. The value itself is never part of the message.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No such environment variable.
    #[error("the environment has no variable `{0}`; set it, or write the value another way")]
    NotInEnvironment(String),
    /// The file can't be read.
    #[error("the file {path} can't be read: {why}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// The kind of reference is known but not served here.
    #[error("`vault:{0}`: this version keeps no sealed secrets yet; use env:NAME or file:PATH")]
    Vault(String),
}

/// Whether a text refers to a value rather than being it.
#[must_use]
pub fn is_reference(text: &str) -> bool {
    ["env:", "file:", "vault:"].iter().any(|kind| text.starts_with(kind))
}

/// Gives the value behind a reference, or the text itself where it is none. Relative paths are those of `base`, the
/// folder of the configuration file. A trailing line break of a file is not part of the value.
///
/// # Errors
/// What is missing, by name.
pub fn resolve(text: &str, base: &Path, redaction: &Redaction) -> Result<Option<String>, SecretError> {
    let value = if let Some(name) = text.strip_prefix("env:") {
        environment(name).ok_or_else(|| SecretError::NotInEnvironment(name.to_owned()))?
    } else if let Some(path) = text.strip_prefix("file:") {
        let path = base.join(path);
        let held = std::fs::read_to_string(&path).map_err(|why| SecretError::File { path, why })?;
        held.strip_suffix('\n').map_or(held.as_str(), |line| line.strip_suffix('\r').unwrap_or(line)).to_owned()
    } else if let Some(name) = text.strip_prefix("vault:") {
        return Err(SecretError::Vault(name.to_owned()));
    } else {
        return Ok(None);
    };
    redaction.learn(&value);
    Ok(Some(value))
}

/// A variable of the environment.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place where the environment is read")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_give_values_and_literals_stay() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "s3cret-value\n").unwrap();
        let redaction = Redaction::default();
        assert_eq!(resolve("plain", folder.path(), &redaction).unwrap(), None);
        assert_eq!(resolve("file:token", folder.path(), &redaction).unwrap().as_deref(), Some("s3cret-value"));
        assert_eq!(redaction.clean("got s3cret-value!"), "got [redacted]!");
        let missing = resolve("env:BELLHOP_NO_SUCH_VARIABLE", folder.path(), &redaction).unwrap_err();
        assert!(missing.to_string().contains("BELLHOP_NO_SUCH_VARIABLE"));
        assert!(resolve("file:nowhere", folder.path(), &redaction).unwrap_err().to_string().contains("nowhere"));
    }
}
