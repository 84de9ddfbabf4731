//! The keys that files are encrypted with: the bot's own, which is derived from its master key, and those of the
//! configuration. Which file has which is written in its header.

use crate::config::FileKey;
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{FileEncryption, PortResult, Seal};
use bellhop_core::{PortError, PortErrorKind};
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What the bot's own key for files is derived for.
const PURPOSE: &str = "files of local stores, version 1";

/// A key and what tells it from others.
#[derive(Clone)]
pub(crate) struct Key {
    bytes: Arc<SecretBox<[u8; 32]>>,
    id: [u8; 8],
}

impl Key {
    fn new(bytes: Arc<SecretBox<[u8; 32]>>) -> Self {
        let hash = Sha256::new().chain_update("bellhop key for files").chain_update(bytes.expose_secret()).finalize();
        Self { bytes, id: std::array::from_fn(|at| hash[at]) }
    }

    /// Which key it is; says nothing about it.
    pub fn id(&self) -> [u8; 8] {
        self.id
    }

    pub fn expose<T>(&self, with: impl FnOnce(&[u8; 32]) -> T) -> T {
        with(self.bytes.expose_secret())
    }
}

/// All keys of a store.
pub(crate) struct Keys {
    service: String,
    named: BTreeMap<String, Key>,
    seal: Option<Arc<dyn Seal>>,
    own: Mutex<Option<Key>>,
}

impl Keys {
    pub fn new(service: String, named: &BTreeMap<String, FileKey>, seal: Option<Arc<dyn Seal>>) -> Self {
        let named = named.iter().map(|(name, key)| (name.clone(), Key::new(key.0.clone()))).collect();
        Self { service, named, seal, own: Mutex::new(None) }
    }

    fn fail(&self, kind: PortErrorKind, operation: &'static str, message: impl Into<String>) -> PortError {
        PortError::new(kind, self.service.clone(), operation, message)
    }

    /// The bot's own key; `None` where there is none and none is to be made.
    fn own(&self, operation: &'static str, make: bool) -> PortResult<Option<Key>> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if own.is_none()
            && let Some(seal) = &self.seal
            && let Some(bytes) = seal.derive(PURPOSE, make)?
        {
            let bytes = <[u8; 32]>::try_from(bytes.expose_secret());
            let bytes = bytes.map_err(|_| self.fail(PortErrorKind::Broken, operation, "the bot's key for files has another length"))?;
            *own = Some(Key::new(Arc::new(SecretBox::new(Box::new(bytes)))));
        }
        Ok(own.clone())
    }

    /// The key to encrypt with as it is asked for.
    pub fn for_writing(&self, operation: &'static str, with: &FileEncryption) -> PortResult<Key> {
        match with {
            FileEncryption::Aes256 => self.own(operation, true)?.ok_or_else(|| {
                self.fail(
                    PortErrorKind::Unsupported,
                    operation,
                    "this store was opened without the bot's key, so that it can't encrypt by itself",
                )
            }),
            FileEncryption::Key(name) => self.named.get(name).cloned().ok_or_else(|| {
                let known = match nearest(name, self.named.keys().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if self.named.is_empty() => "it has none".to_owned(),
                    None => format!("it has {}", self.named.keys().cloned().collect::<Vec<_>>().join(", ")),
                };
                let name = bellhop_core::text::shorten(&bellhop_core::text::one_line(name), 60);
                let message = format!("[{}.keys] has no key `{name}`; {known}", self.service);
                self.fail(PortErrorKind::Invalid, operation, message)
            }),
            FileEncryption::Kms { .. } => {
                Err(self.fail(PortErrorKind::Unsupported, operation, "a folder has no key service; ask for aes256 or key:NAME"))
            }
            FileEncryption::Scope(_) => {
                Err(self.fail(PortErrorKind::Unsupported, operation, "a folder has no encryption scopes; ask for aes256 or key:NAME"))
            }
        }
    }

    /// The key of this id.
    pub fn for_reading(&self, operation: &'static str, id: [u8; 8], with: Option<&FileEncryption>) -> PortResult<Key> {
        if let Some(key) = self.named.values().find(|key| key.id == id) {
            return Ok(key.clone());
        }
        if let Some(key) = self.own(operation, false)?.filter(|key| key.id == id) {
            return Ok(key);
        }
        let section = &self.service;
        let message = match with {
            Some(FileEncryption::Key(name)) => {
                format!("it is encrypted with the key `{name}`, and no key in [{section}.keys] is that one; put it back there")
            }
            Some(_) => "it is encrypted with a key of the bot's that isn't there any more; put back the [secrets] master_key, or the file \
                        master.key in the data folder, with which it was written"
                .to_owned(),
            None => format!(
                "it is encrypted with a key that isn't there: put back the [secrets] master_key, the file master.key in the data folder, or the \
                 key in [{section}.keys], with which it was written"
            ),
        };
        Err(self.fail(PortErrorKind::Denied, operation, message))
    }

    /// What a file under the key of this id is said to be encrypted with, where the key is there.
    pub fn known(&self, id: [u8; 8]) -> Option<FileEncryption> {
        let named = self.named.iter().find(|(_, key)| key.id == id).map(|(name, _)| FileEncryption::Key(name.clone()));
        named.or_else(|| {
            let own = self.own("look", false).ok().flatten()?;
            (own.id == id).then_some(FileEncryption::Aes256)
        })
    }

    /// What can be asked for.
    pub fn offered(&self) -> Vec<FileEncryption> {
        let own = self.seal.iter().map(|_| FileEncryption::Aes256);
        own.chain(self.named.keys().map(|name| FileEncryption::Key(name.clone()))).collect()
    }
}
