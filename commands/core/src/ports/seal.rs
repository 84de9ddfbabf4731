//! Secrets that the bot itself has to keep, such as tokens that a platform gave it.

use super::PortResult;
use secrecy::{SecretSlice, SecretString};

/// Seals secrets for the database. What is sealed can be opened only by a bot with the same key, and only under the name
/// that it was sealed under, so that a sealed value moved to another row is of no use.
pub trait Seal: Send + Sync {
    /// The secret as text that may be stored.
    fn seal(&self, name: &str, secret: &SecretString) -> PortResult<String>;

    /// The secret again. `Broken` where the text was changed, was sealed under another name, or with another key.
    fn open(&self, name: &str, sealed: &str) -> PortResult<SecretString>;

    /// 32 bytes for one purpose: HKDF-SHA256 (RFC 5869, no salt) over the bot's own key with the purpose as info. The same key
    /// and purpose always give the same bytes, and those of one purpose say nothing about those of another.
    fn derive(&self, purpose: &str) -> PortResult<SecretSlice<u8>>;
}
