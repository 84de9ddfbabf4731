//! What an adapter has to remember, in named collections.

use super::PortResult;
use async_trait::async_trait;

/// One thing remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its key, unique within the collection.
    pub key: String,
    /// What is remembered.
    pub value: serde_json::Value,
}

/// An adapter's own durable notes: messages of the embedded chat, sessions, references to conversations. Keys sort as
/// bytes.
#[async_trait]
pub trait Records: Send + Sync {
    /// Keeps a value, in place of what was there. It survives a crash once this returns.
    async fn put(&self, collection: &str, key: &str, value: &serde_json::Value) -> PortResult<()>;

    /// Keeps a value unless the key is taken; returns what is kept under the key now, and whether it is this one.
    async fn put_new(&self, collection: &str, key: &str, value: &serde_json::Value) -> PortResult<(serde_json::Value, bool)>;

    /// What is kept under a key.
    async fn get(&self, collection: &str, key: &str) -> PortResult<Option<serde_json::Value>>;

    /// Forgets a key. Forgetting it twice is harmless.
    async fn remove(&self, collection: &str, key: &str) -> PortResult<()>;

    /// Keys after `after` (or all), ascending, at most `limit`.
    async fn after(&self, collection: &str, after: Option<&str>, limit: usize) -> PortResult<Vec<Record>>;

    /// Keys before `before` (or all), descending, at most `limit`.
    async fn before(&self, collection: &str, before: Option<&str>, limit: usize) -> PortResult<Vec<Record>>;
}
