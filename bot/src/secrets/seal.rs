//! Closes the bot's own secrets away before they are stored, with a key that is not in the database: the configured one,
//! or one in the data folder that is made when it is first needed.
//!
//! What is sealed reads `s1.KEY.BODY`: the form, the id of the key, and nonce and ciphertext (XChaCha20-Poly1305, the
//! name as associated data). The id is there so that several keys can be held at once; which of them seals, and sealing
//! old texts anew, is not decided here.

mod key;

pub use key::{KeyError, MasterKey};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ports::{PortResult, Seal};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString, zeroize::Zeroizing};
use sha2::Sha256;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

const SERVICE: &str = "secrets";
const FORM: &str = "s1";
const NONCE: usize = 24;

/// Where the bot's own key comes from when none is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// This file, which is made when a secret is first sealed.
    File(PathBuf),
    /// Nowhere: several bots share the database, so each would make a key of its own.
    Configured,
}

/// The keys of one bot. The first one seals; each opens what was sealed with it.
pub struct SealRing {
    keys: Mutex<Vec<MasterKey>>,
    otherwise: Otherwise,
}

impl std::fmt::Debug for SealRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealRing").field("otherwise", &self.otherwise).finish_non_exhaustive()
    }
}

impl SealRing {
    /// A ring of the configured key, or of none yet.
    #[must_use]
    pub fn new(configured: Option<MasterKey>, otherwise: Otherwise) -> Self {
        Self { keys: Mutex::new(configured.into_iter().collect()), otherwise }
    }

    /// The key that seals; made where there is none and a file may be made.
    fn sealing(&self) -> PortResult<MasterKey> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.first() {
            return Ok(key.clone());
        }
        let key = match &self.otherwise {
            Otherwise::File(path) => {
                MasterKey::of_file_or_new(path).map_err(|error| failed(PortErrorKind::Broken, "seal", error.to_string()))?
            }
            Otherwise::Configured => return Err(failed(PortErrorKind::Invalid, "seal", NEEDED)),
        };
        keys.push(key.clone());
        Ok(key)
    }

    /// The key of this id. A key is never made here: what was sealed has its key already.
    fn opening(&self, name: &str, id: &str) -> PortResult<MasterKey> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.is_empty() {
            match &self.otherwise {
                Otherwise::File(path) => match MasterKey::of_file(path) {
                    Ok(key) => keys.extend(key),
                    Err(error) => return Err(failed(PortErrorKind::Broken, "open", error.to_string())),
                },
                Otherwise::Configured => return Err(failed(PortErrorKind::Broken, "open", NEEDED)),
            }
        }
        keys.iter().find(|key| key.id() == id).cloned().ok_or_else(|| {
            let put_back = match &self.otherwise {
                Otherwise::File(path) if keys.is_empty() => {
                    format!("there is no key at {}: put the file back from a backup", path.display())
                }
                Otherwise::File(path) => format!(
                    "this bot has another one: put back the [secrets] master_key, or the file {}, that was there when it was sealed",
                    path.display()
                ),
                Otherwise::Configured => {
                    "[secrets] master_key is another one: give back the key that was there when it was sealed".to_owned()
                }
            };
            let again = "or connect the service anew, so that a fresh secret is kept";
            failed(PortErrorKind::Broken, "open", format!("the secret `{name}` was sealed with the key {}; {put_back}, {again}", shown(id)))
        })
    }
}

const NEEDED: &str = "a secret is to be kept in a database that several bots may share, and so all of them need the same key: make one with \
                      `openssl rand -base64 32` and give it to each as [secrets] master_key = \"env:NAME\" or \"file:PATH\"";

impl Seal for SealRing {
    fn seal(&self, name: &str, secret: &SecretString) -> PortResult<String> {
        let key = self.sealing()?;
        let mut body = vec![0_u8; NONCE];
        getrandom::fill(&mut body)
            .map_err(|error| failed(PortErrorKind::Broken, "seal", format!("the system gives no random numbers: {error}")))?;
        let nonce = nonce(&body)?;
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: name.as_bytes() };
        let sealed = key
            .expose(|bytes| XChaCha20Poly1305::new(bytes.into()).encrypt(&nonce, payload))
            .map_err(|_| failed(PortErrorKind::TooLarge, "seal", "this secret is too large to be sealed"))?;
        body.extend_from_slice(&sealed);
        Ok(format!("{FORM}.{}.{}", key.id(), URL_SAFE_NO_PAD.encode(body)))
    }

    fn open(&self, name: &str, sealed: &str) -> PortResult<SecretString> {
        let changed = || {
            failed(
                PortErrorKind::Broken,
                "open",
                format!(
                    "the secret `{name}` can't be opened: what is stored was changed, or was sealed under another name; connect the service anew"
                ),
            )
        };
        let mut parts = sealed.split('.');
        let (Some(FORM), Some(id), Some(body), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(changed());
        };
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| changed())?;
        if body.len() < NONCE {
            return Err(changed());
        }
        let key = self.opening(name, id)?;
        let (start, msg) = body.split_at(NONCE);
        let nonce = nonce(start)?;
        let opened = key.expose(|bytes| XChaCha20Poly1305::new(bytes.into()).decrypt(&nonce, Payload { msg, aad: name.as_bytes() }));
        let opened = Zeroizing::new(opened.map_err(|_| changed())?);
        let text = std::str::from_utf8(&opened).map_err(|_| changed())?;
        Ok(SecretString::from(text))
    }

    fn derive(&self, purpose: &str) -> PortResult<SecretSlice<u8>> {
        let key = self.sealing()?;
        // HKDF-SHA256 (RFC 5869) without a salt, and as long as one block: extract, then expand once.
        let pseudorandom = Zeroizing::new(key.expose(|bytes| mac(&[0; 32], &[bytes]))?);
        let block = mac(pseudorandom.as_slice(), &[purpose.as_bytes(), &[1]])?;
        Ok(SecretSlice::from(block))
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> PortResult<Vec<u8>> {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key)
        .map_err(|_| failed(PortErrorKind::Broken, "derive", "the key has an impossible length"))?;
    for part in parts {
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().to_vec())
}

fn nonce(bytes: &[u8]) -> PortResult<XNonce> {
    XNonce::try_from(bytes).map_err(|_| failed(PortErrorKind::Broken, "seal", "the nonce has another length"))
}

/// An id as it is shown: what was changed may be of any length.
fn shown(id: &str) -> String {
    bellhop_core::text::shorten(&bellhop_core::text::one_line(id), 20)
}

fn failed(kind: PortErrorKind, operation: &'static str, message: impl Into<String>) -> PortError {
    PortError::new(kind, SERVICE, operation, message)
}

#[cfg(test)]
mod tests;
