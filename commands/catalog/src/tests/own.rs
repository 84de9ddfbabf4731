//! What is the bot's own: the keys that it seals with, and its database.

use async_trait::async_trait;
use bellhop_core::error::PortError;
use bellhop_core::ports::{DatabaseCopy, OwnDatabase, PortResult, Seal};
use std::sync::Mutex;

/// A key that a test changes.
#[derive(Default)]
pub(super) struct Keyring(pub Mutex<u8>);
impl Seal for Keyring {
    fn seal(&self, _: &str, _: &secrecy::SecretString) -> PortResult<String> {
        Err(PortError::unsupported("secrets", "seal", "not in this world"))
    }
    fn open(&self, _: &str, _: &str) -> PortResult<secrecy::SecretString> {
        Err(PortError::unsupported("secrets", "open", "not in this world"))
    }
    fn derive(&self, purpose: &str, _: bool) -> PortResult<Option<secrecy::SecretSlice<u8>>> {
        let mut key = vec![*self.0.lock().unwrap(); 32];
        key[..purpose.len().min(32)].copy_from_slice(&purpose.as_bytes()[..purpose.len().min(32)]);
        Ok(Some(key.into()))
    }
}

/// A database of a few bytes.
#[derive(Default)]
pub(super) struct Database(pub Mutex<Vec<u8>>);
#[async_trait]
impl OwnDatabase for Database {
    async fn copy(&self) -> PortResult<DatabaseCopy> {
        let bytes = bytes::Bytes::from(self.0.lock().unwrap().clone());
        Ok(DatabaseCopy { kind: "memory", tables: 7, bytes: Box::pin(futures::stream::iter([Ok(bytes)])) })
    }
}
