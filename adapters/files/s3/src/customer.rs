//! Keys of the store's owner for single files (SSE-C): S3 encrypts with them and forgets them after each request. They go
//! to S3 in headers, so that they are for encrypted connections only. Whoever loses one has lost the files under it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellhop_core::text::{one_line, shorten};
use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// The bytes of a key.
const BYTES: usize = 32;
/// Of how many files it is remembered which key they are under.
const REMEMBERED: usize = 4096;
/// The only algorithm that there is.
pub(crate) const ALGORITHM: &str = "AES256";

/// A key under its name in the configuration.
#[derive(Clone)]
pub struct CustomerKey {
    name: String,
    /// As requests have it: base64.
    secret: SecretString,
    /// The checksum that requests have beside it.
    md5: String,
}

impl CustomerKey {
    /// A key as it is configured: base64 of 32 bytes.
    ///
    /// # Errors
    /// What is wrong with the name or the key, without the key.
    pub fn read(name: &str, text: &SecretString) -> Result<Self, String> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
            let shown = shorten(&one_line(name), 40);
            return Err(format!("`keys.{shown}`: a key's name has 1 to 64 letters, digits, - and _"));
        }
        let wrong = || format!("`keys.{name}` is a key of 32 bytes in base64, such as `openssl rand -base64 32` gives");
        let bytes = STANDARD.decode(text.expose_secret().trim()).map_err(|_| wrong())?;
        if bytes.len() != BYTES {
            return Err(format!("{}; this one has {} bytes", wrong(), bytes.len()));
        }
        let secret = SecretString::from(STANDARD.encode(&bytes));
        Ok(Self { name: name.to_owned(), secret, md5: STANDARD.encode(Md5::digest(&bytes)) })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn secret(&self) -> &str {
        self.secret.expose_secret()
    }

    pub(crate) fn md5(&self) -> &str {
        &self.md5
    }
}

impl std::fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CustomerKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A key for a request, or none.
pub(crate) type Unlocking = Option<Arc<CustomerKey>>;

/// Which files are under which key, as far as it was seen; the oldest are forgotten first.
#[derive(Default)]
pub(crate) struct Fitting(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    keys: HashMap<(String, Option<String>), Arc<CustomerKey>>,
    order: VecDeque<(String, Option<String>)>,
}

impl Fitting {
    /// The key that fitted last.
    pub fn of(&self, file: &str, version: Option<&str>) -> Unlocking {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.keys.get(&(file.to_owned(), version.map(str::to_owned))).cloned()
    }

    /// What fitted now, which may be none.
    pub fn note(&self, file: &str, version: Option<&str>, key: Unlocking) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = (file.to_owned(), version.map(str::to_owned));
        match key {
            None => {
                if known.keys.remove(&at).is_some() {
                    known.order.retain(|other| *other != at);
                }
            }
            Some(key) => {
                if known.keys.insert(at.clone(), key).is_none() {
                    known.order.push_back(at);
                }
                if known.order.len() > REMEMBERED
                    && let Some(oldest) = known.order.pop_front()
                {
                    known.keys.remove(&oldest);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Arc<CustomerKey> {
        Arc::new(CustomerKey::read(name, &STANDARD.encode([7; 32]).into()).unwrap())
    }

    #[test]
    fn a_key_has_32_bytes_and_is_not_shown() {
        // The example of RFC 1321's kind: the checksum is of the bytes, not of their spelling.
        let text = STANDARD.encode(b"01234567890123456789012345678901");
        let read = CustomerKey::read("legal", &text.clone().into()).unwrap();
        assert_eq!(
            (read.secret(), read.md5()),
            (text.as_str(), STANDARD.encode(Md5::digest(b"01234567890123456789012345678901")).as_str())
        );
        assert!(!format!("{read:?}").contains(&text) && !format!("{read:?}").contains(read.md5()), "{read:?}");
        for (name, wrong, why) in [
            ("legal", "s3cr3t!".to_owned(), "32 bytes in base64"),
            ("legal", STANDARD.encode("s3cr3t"), "this one has 6 bytes"),
            ("le gal", text, "letters, digits"),
        ] {
            let said = CustomerKey::read(name, &wrong.clone().into()).unwrap_err();
            assert!(said.contains(why) && !said.contains(&wrong), "{said}");
        }
    }

    #[test]
    fn what_fits_is_remembered_and_the_oldest_forgotten() {
        let fitting = Fitting::default();
        fitting.note("a", None, Some(key("one")));
        fitting.note("a", Some("v"), Some(key("two")));
        assert_eq!(fitting.of("a", None).unwrap().name(), "one");
        assert_eq!(fitting.of("a", Some("v")).unwrap().name(), "two");
        fitting.note("a", None, None);
        assert!(fitting.of("a", None).is_none());
        for n in 0..REMEMBERED {
            fitting.note(&n.to_string(), None, Some(key("one")));
        }
        assert!(fitting.of("a", Some("v")).is_none() && fitting.of("0", None).is_some());
        assert_eq!(fitting.0.lock().unwrap().keys.len(), REMEMBERED);
    }
}
