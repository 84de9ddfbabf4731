//! Secrets that the bot itself has to keep, such as tokens that a platform gave it.

use super::PortResult;
use crate::error::PortError;
use secrecy::{SecretSlice, SecretString};

/// Seals secrets for the database. What is sealed can be opened only by a bot with the same key, and only under the name
/// that it was sealed under, so that a sealed value moved to another row is of no use.
pub trait Seal: Send + Sync {
    /// The secret as text that may be stored.
    fn seal(&self, name: &str, secret: &SecretString) -> PortResult<String>;

    /// The secret again. `Broken` where the text was changed, was sealed under another name, or with another key.
    fn open(&self, name: &str, sealed: &str) -> PortResult<SecretString>;

    /// A key of 32 bytes for one purpose, the same each time and of no use for another purpose. Where the bot has no key of its
    /// own yet, one is made if `make` says so, and `None` is returned otherwise: what was encrypted has its key already.
    fn derive(&self, purpose: &str, make: bool) -> PortResult<Option<SecretSlice<u8>>> {
        let _ = (purpose, make);
        Err(PortError::unsupported("secrets", "derive", "this bot has no key that others could be made from"))
    }
}
