//! Backups as they lie in a store: the form, written and read. docs/backup.md describes it for people who have nothing else left;
//! what is written here can be read by every later version.
//!
//! A run lies under `PREFIX/NAME/RUN/`: objects with the content (`data/00000001`, ...), objects with lists of them
//! (`index/0001`, ...), and `manifest.json`, which is written last: what has none is no run. What is backed up and when is not
//! known here, and neither is who may.

mod manifest;
mod parts;
mod read;
mod stream;
mod write;

pub use manifest::{Entry, Kind, LeftOut, MANIFEST, Manifest, Piece};
pub use read::{Damage, Run, find_runs};
pub use stream::Watch;
pub(crate) use write::{RunWriter, discard};

use bellhop_core::clock::Timestamp;
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ports::{PortResult, Seal};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::{Digest as _, Sha256};

/// The version of the form.
pub const FORM: u32 = 1;
/// The service that errors about a backup itself name.
pub const SERVICE: &str = "backup";
/// What the bot's own key is asked for.
const PURPOSE: &str = "backup";

/// The key that backups are sealed under; it follows from the bot's own.
pub struct Keys {
    key: SecretSlice<u8>,
}

impl Keys {
    /// That of this bot.
    ///
    /// # Errors
    /// As the bot has no key of its own and none can be made.
    pub fn of(seal: &dyn Seal) -> PortResult<Self> {
        let key = seal.derive(PURPOSE, true)?;
        let absent =
            || PortError::new(PortErrorKind::Broken, "secrets", "derive", "the bot has no key that backups could be encrypted with");
        Ok(Self { key: key.ok_or_else(absent)? })
    }

    /// Which key it is: says nothing about the key itself.
    #[must_use]
    pub fn id(&self) -> String {
        let hash = Sha256::new().chain_update("bellhop backup key").chain_update(self.key.expose_secret()).finalize();
        hex::encode(&hash[..4])
    }

    /// The key of one run: bound to its name and place, so that runs can't stand in for each other.
    fn run(&self, name: &str, run: &str, salt: &[u8]) -> PortResult<RunKey> {
        mac(self.key.expose_secret(), &[b"bellhop backup run 1\0", name.as_bytes(), b"\0", run.as_bytes(), b"\0", salt]).map(RunKey)
    }
}

/// The key of one run.
pub(crate) struct RunKey(Zeroizing<[u8; 32]>);

impl RunKey {
    /// The key of one object: bound to its place in the run, so that objects can't stand in for each other.
    fn object(&self, object: &str) -> PortResult<Zeroizing<[u8; 32]>> {
        mac(self.0.as_slice(), &[b"object\0", object.as_bytes()])
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> PortResult<Zeroizing<[u8; 32]>> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).map_err(|_| failed(PortErrorKind::Broken, "derive", "the key has an impossible length"))?;
    for part in parts {
        mac.update(part);
    }
    Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
}

/// The name of a fresh run: sorts by time.
pub(crate) fn fresh_run(now: Timestamp) -> PortResult<String> {
    let mut random = [0_u8; 3];
    fill(&mut random)?;
    Ok(format!("{}-{}", now.format("%Y%m%dT%H%M%SZ"), hex::encode(random)))
}

/// Whether this could be the name of a run: what else lies in the folder is none of ours.
pub(crate) fn is_run(name: &str) -> bool {
    let shape = |at: usize, byte: u8| match at {
        8 => byte == b'T',
        15 => byte == b'Z',
        16 => byte == b'-',
        17.. => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        _ => byte.is_ascii_digit(),
    };
    name.len() == 23 && name.bytes().enumerate().all(|(at, byte)| shape(at, byte))
}

fn fill(bytes: &mut [u8]) -> PortResult<()> {
    getrandom::fill(bytes).map_err(|error| failed(PortErrorKind::Broken, "seal", format!("the system gives no random numbers: {error}")))
}

pub(crate) fn failed(kind: PortErrorKind, operation: &'static str, message: impl Into<String>) -> PortError {
    PortError::new(kind, SERVICE, operation, message)
}

/// A damaged or foreign backup.
pub(crate) fn damaged(message: impl Into<String>) -> PortError {
    failed(PortErrorKind::Broken, "read", message)
}

#[cfg(test)]
mod tests;
