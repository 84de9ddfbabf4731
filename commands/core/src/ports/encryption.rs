//! How single files are encrypted, as people spell it. How it is done is the stores' affair.

use serde::{Deserialize, Serialize};

/// How a single file is encrypted where it lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileEncryption {
    /// AES-256 with keys that the service keeps.
    Aes256,
    /// With a key of a key service.
    Kms {
        /// The key, as the service spells it, or the service's own key for this account.
        key: Option<String>,
    },
    /// Under a scope that the service keeps keys for.
    Scope(String),
    /// With a key that only the bot has, under the name that it has in the store's configuration; the service forgets it after
    /// each request. Whoever loses the key has lost the file.
    Key(String),
}

impl FileEncryption {
    /// Reads what people type: `aes256`, `kms`, `kms:KEY`, `scope:NAME`, `key:NAME`.
    ///
    /// # Errors
    /// What would be understood.
    pub fn read(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once(':').map_or((text, None), |(kind, name)| (kind, Some(name).filter(|name| !name.is_empty())));
        match (kind.to_ascii_lowercase().as_str(), name) {
            ("aes256" | "sse-s3", None) => Ok(Self::Aes256),
            ("kms", key) => Ok(Self::Kms { key: key.map(str::to_owned) }),
            ("scope", Some(name)) => Ok(Self::Scope(name.to_owned())),
            ("key", Some(name)) => Ok(Self::Key(name.to_owned())),
            _ => Err(format!("`{text}` is no way to encrypt a file; write aes256, kms, kms:KEY, scope:NAME or key:NAME")),
        }
    }
}

/// As [`FileEncryption::read`] reads it.
impl std::fmt::Display for FileEncryption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Aes256 => f.write_str("aes256"),
            Self::Kms { key: None } => f.write_str("kms"),
            Self::Kms { key: Some(key) } => write!(f, "kms:{key}"),
            Self::Scope(name) => write!(f, "scope:{name}"),
            Self::Key(name) => write!(f, "key:{name}"),
        }
    }
}
