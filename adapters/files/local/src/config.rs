//! The keys of `[files.NAME]` with `kind = "local"`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A folder as a file store.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalConfig {
    /// The folder, absolute or relative to where Bellhop was started; made if it isn't there. The files lie in its
    /// subfolder `files` under their own names.
    pub path: PathBuf,
    /// One of the buckets in that folder rather than the folder's own files; made if it isn't there.
    #[serde(default)]
    pub bucket: Option<String>,
    /// Whether what is overwritten or deleted is kept as an older version, so that it can be restored. Without it a
    /// deletion is final. Versions that are there already stay. What `bucket versioning` set goes before it.
    #[serde(default = "yes")]
    pub versions: bool,
    /// Whether new files are encrypted with a key of the bot's own. What `bucket encryption` set goes before it.
    #[serde(default)]
    pub encrypt: bool,
    /// Further keys that files can be encrypted with, by the names that people ask for them by: 32 bytes in base64 each.
    #[serde(default)]
    pub keys: BTreeMap<String, FileKey>,
}

impl LocalConfig {
    /// This folder, and everything else as it is by itself.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), bucket: None, versions: true, encrypt: false, keys: BTreeMap::new() }
    }
}

const fn yes() -> bool {
    true
}

/// A key of 32 bytes, which no Debug shows.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "SecretString")]
pub struct FileKey(pub(crate) Arc<SecretBox<[u8; 32]>>);

impl TryFrom<SecretString> for FileKey {
    type Error = &'static str;

    fn try_from(text: SecretString) -> Result<Self, Self::Error> {
        let bytes = STANDARD.decode(text.expose_secret().trim()).map(secrecy::zeroize::Zeroizing::new);
        let bytes = bytes.ok().and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
        let bytes = bytes.ok_or("a key for files is 32 bytes in base64, as `openssl rand -base64 32` makes one")?;
        Ok(Self(Arc::new(SecretBox::new(Box::new(bytes)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<LocalConfig, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn keeps_versions_and_encrypts_nothing_unless_told_otherwise() {
        let config = read(r#"{"path": "data/files"}"#).unwrap();
        assert!(config.versions && !config.encrypt && config.bucket.is_none() && config.keys.is_empty());
        let wrong = read(r#"{"path": "x", "version": false}"#).unwrap_err();
        assert!(wrong.contains("unknown field `version`"), "{wrong}");
    }

    #[test]
    fn keys_are_checked_and_not_shown() {
        let key = STANDARD.encode([9; 32]);
        let config = read(&format!(r#"{{"path": "x", "keys": {{"legal": "{key}"}}}}"#)).unwrap();
        assert_eq!(config.keys["legal"].0.expose_secret(), &[9; 32]);
        assert!(!format!("{config:?}").contains(&key[..8]) && !format!("{config:?}").contains("9, 9"), "{config:?}");
        for wrong in ["", "short", &STANDARD.encode([9; 31]), &STANDARD.encode([9; 33])] {
            let error = read(&format!(r#"{{"path": "x", "keys": {{"legal": "{wrong}"}}}}"#)).unwrap_err();
            assert!(error.contains("32 bytes in base64") && (wrong.is_empty() || !error.contains(wrong)), "{error}");
        }
    }
}
