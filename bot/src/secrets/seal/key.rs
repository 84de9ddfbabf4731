//! The bot's own key: 32 bytes, read from text or from a file that is made for the bot's user alone.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretBox, SecretSlice, zeroize::Zeroizing};
use sha2::{Digest as _, Sha256};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a key.
const LENGTH: usize = 32;

/// Why there is no key. No message repeats any of it.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is no key.
    #[error(
        "a key is 32 bytes as base64 (44 characters) or hexadecimal (64 characters), as `openssl rand -base64 32` prints; this is neither"
    )]
    Form,
    /// The file holds no key.
    #[error("the key file {0} holds no key: put it back from a backup; what was sealed with it can't be opened without it")]
    File(PathBuf),
    /// The file can't be read or made.
    #[error("the key file {path} can't be {what}: {why}")]
    Inaccessible {
        /// Which file.
        path: PathBuf,
        /// `read` or `made`.
        what: &'static str,
        /// What the system said.
        why: std::io::Error,
    },
    /// The machine gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
}

/// A key and its id.
#[derive(Clone)]
pub struct MasterKey {
    bytes: Arc<SecretBox<[u8; LENGTH]>>,
    id: String,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl MasterKey {
    fn new(bytes: &[u8]) -> Option<Self> {
        let bytes = <[u8; LENGTH]>::try_from(bytes).ok()?;
        // Says which key it is and nothing about it: a hash of 32 random bytes leads nowhere.
        let id = hex::encode(&Sha256::new().chain_update("bellhop key").chain_update(bytes).finalize()[..4]);
        Some(Self { bytes: Arc::new(SecretBox::new(Box::new(bytes))), id })
    }

    /// Reads a key as people write it: base64 of either alphabet, or hexadecimal.
    ///
    /// # Errors
    /// The text is neither, or has another length.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if let Ok(bytes) = hex::decode(text).map(Zeroizing::new)
            && let Some(key) = Self::new(&bytes)
        {
            return Ok(key);
        }
        for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
            if let Ok(bytes) = engine.decode(text).map(Zeroizing::new)
                && let Some(key) = Self::new(&bytes)
            {
                return Ok(key);
            }
        }
        Err(KeyError::Form)
    }

    /// The key in a file; `None` where there is no file.
    ///
    /// # Errors
    /// The file can't be read, or holds something else.
    pub fn of_file(path: &Path) -> Result<Option<Self>, KeyError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(KeyError::Inaccessible { path: path.to_owned(), what: "read", why }),
        };
        if std::fs::metadata(path).is_ok_and(|known| known.permissions().mode() & 0o077 != 0) {
            tracing::warn!(path = %path.display(), "others on this machine can read the key file; chmod 600 it");
        }
        Self::parse(&text).map(Some).map_err(|_| KeyError::File(path.to_owned()))
    }

    /// The key in a file, which is made where there is none. Of several processes that make one at the same moment all
    /// get the same: the file appears whole or not at all, and once.
    ///
    /// # Errors
    /// As [`MasterKey::of_file`], and the file can't be made.
    pub fn of_file_or_new(path: &Path) -> Result<Self, KeyError> {
        if let Some(key) = Self::of_file(path)? {
            return Ok(key);
        }
        Self::make(path)?;
        Self::of_file(path)?.ok_or_else(|| KeyError::File(path.to_owned()))
    }

    fn make(path: &Path) -> Result<(), KeyError> {
        let random = |error: getrandom::Error| KeyError::Random(error.to_string());
        let mut bytes = Zeroizing::new([0_u8; LENGTH]);
        getrandom::fill(bytes.as_mut()).map_err(random)?;
        let mut tag = [0_u8; 8];
        getrandom::fill(&mut tag).map_err(random)?;
        let fresh = path.with_extension(format!("new-{}", hex::encode(tag)));
        let made = (|| {
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
            let text = Zeroizing::new(format!("{}\n", STANDARD.encode(bytes.as_ref())));
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            // A link appears at once and never in place of another.
            match std::fs::hard_link(&fresh, path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
                _ => path.parent().map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all()),
            }
        })();
        // The name under which it was written has served.
        let _ = std::fs::remove_file(&fresh);
        made.map_err(|why| KeyError::Inaccessible { path: path.to_owned(), what: "made", why })
    }

    /// Which key it is: says nothing about the key itself.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A key for one purpose, from which neither this one nor that of another purpose can be found.
    pub(super) fn derive(&self, purpose: &str) -> SecretSlice<u8> {
        use hmac::{KeyInit as _, Mac as _};
        // HKDF-SHA256 (RFC 5869) without a salt, to the length of one block: extract, then expand once.
        let mac = |key: &[u8; LENGTH], parts: [&[u8]; 2]| {
            let mut padded = Zeroizing::new([0_u8; 64]);
            padded[..LENGTH].copy_from_slice(key);
            let mut block = hmac::Hmac::<Sha256>::new((&*padded).into());
            for part in parts {
                block.update(part);
            }
            Zeroizing::new(<[u8; LENGTH]>::from(block.finalize().into_bytes()))
        };
        let pseudorandom = self.expose(|bytes| mac(&[0; LENGTH], [bytes, &[]]));
        SecretSlice::from(mac(&pseudorandom, [purpose.as_bytes(), &[1]]).to_vec())
    }

    /// Lets the bytes be used, and no copy of them be kept.
    pub(super) fn expose<T>(&self, with: impl FnOnce(&[u8; LENGTH]) -> T) -> T {
        with(self.bytes.expose_secret())
    }
}
