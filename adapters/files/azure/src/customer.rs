//! Keys of the customer's: read from the configuration, and which files are under which, for as many as have a place in memory.
//!
//! They are never shown; what the service tells of a key is the checksum of its bytes.

use crate::config::AzureConfig;
use crate::sealing::Sealing;
use crate::store::CURRENT;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::AtomicU8;
use std::sync::{Arc, Mutex, PoisonError};

/// The name of the key that is configured as `encryption_key`.
pub(crate) const USUAL_KEY: &str = "default";
/// Of how many files it is remembered which key they are under.
const REMEMBERED: usize = 4096;

/// A key of the customer's.
pub(crate) struct CustomerKey {
    /// Its name in the configuration.
    pub name: String,
    pub key: SecretString,
    /// SHA-256 of its bytes in base64, which is no secret: the service tells it with each file.
    pub sum: String,
}

impl CustomerKey {
    /// A key of 32 bytes in base64.
    pub fn new(name: &str, key: &SecretString) -> Option<Self> {
        let bytes = STANDARD.decode(key.expose_secret().trim()).ok().filter(|bytes| bytes.len() == 32)?;
        let key = SecretString::from(STANDARD.encode(&bytes));
        Some(Self { name: name.to_owned(), key, sum: STANDARD.encode(Sha256::digest(&bytes)) })
    }
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomerKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The configured keys, and which files are under which.
#[derive(Default)]
pub(crate) struct Keys {
    pub all: Vec<Arc<CustomerKey>>,
    fits: Mutex<Fits>,
    /// Whether the server does as it is told about keys, and about scopes.
    pub keyed: AtomicU8,
    pub scoping: AtomicU8,
}

/// Whether a server does as it is told shows when it is; before that it is neither.
pub(crate) const HONOURED: u8 = 1;
pub(crate) const IGNORED: u8 = 2;

#[derive(Default)]
struct Fits {
    of: HashMap<String, Sealing>,
    order: VecDeque<String>,
}

/// What a file, or a version of it, is remembered by.
pub(crate) fn place(blob: &str, version: Option<&str>) -> String {
    format!("{}\n{blob}", version.filter(|id| *id != CURRENT).unwrap_or_default())
}

impl Keys {
    /// Those of a configuration, which were checked when it was read.
    pub fn new(config: &AzureConfig) -> Self {
        let usual = config.encryption_key.as_ref().map(|key| (USUAL_KEY, key));
        let named = config.keys.iter().map(|(name, key)| (name.as_str(), key));
        let all = usual.into_iter().chain(named).filter_map(|(name, key)| CustomerKey::new(name, key).map(Arc::new)).collect();
        Self { all, ..Self::default() }
    }

    /// Where it is noted whether the server does so.
    pub(crate) fn honoured(&self, sealing: &Sealing) -> &AtomicU8 {
        if sealing.key().is_some() { &self.keyed } else { &self.scoping }
    }

    /// That of this name.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<CustomerKey>> {
        self.all.iter().find(|key| key.name == name).cloned()
    }

    /// That of this checksum.
    pub(crate) fn of_sum(&self, sum: &str) -> Option<Arc<CustomerKey>> {
        self.all.iter().find(|key| key.sum == sum).cloned()
    }

    /// What a file was under when it was last seen.
    pub(crate) fn recalled(&self, place: &str) -> Option<Sealing> {
        self.fits.lock().unwrap_or_else(PoisonError::into_inner).of.get(place).cloned()
    }

    /// Notes what a file is under.
    pub(crate) fn remember(&self, place: String, sealing: &Sealing) {
        if self.all.is_empty() {
            return;
        }
        let mut fits = self.fits.lock().unwrap_or_else(PoisonError::into_inner);
        if fits.of.insert(place.clone(), sealing.clone()).is_none() {
            fits.order.push_back(place);
        }
        if fits.order.len() > REMEMBERED
            && let Some(oldest) = fits.order.pop_front()
        {
            fits.of.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> CustomerKey {
        CustomerKey::new("legal", &SecretString::from(STANDARD.encode([byte; 32]))).unwrap()
    }

    #[test]
    fn keys_are_of_32_bytes_and_never_shown() {
        for bad in ["", "short", &STANDARD.encode([1_u8; 31]), &STANDARD.encode([1_u8; 33])] {
            assert!(CustomerKey::new("legal", &SecretString::from((*bad).to_owned())).is_none(), "{bad}");
        }
        let shown = format!("{:?}", Sealing::Key(Arc::new(key(9))));
        assert!(shown.contains("legal") && !shown.contains(&STANDARD.encode([9_u8; 32])), "{shown}");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let keys = Keys { all: vec![Arc::new(key(1))], ..Keys::default() };
        for number in 0..REMEMBERED + 10 {
            keys.remember(place(&format!("f{number}"), None), &Sealing::Own);
            keys.remember(place(&format!("f{number}"), None), &Sealing::Key(keys.all[0].clone()));
        }
        let fits = keys.fits.lock().unwrap();
        assert_eq!((fits.of.len(), fits.order.len()), (REMEMBERED, REMEMBERED));
        assert!(!fits.of.contains_key(&place("f0", None)) && fits.of.contains_key(&place("f10", None)));
    }
}
