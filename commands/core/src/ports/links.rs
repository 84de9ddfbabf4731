//! Links to files that expire.

use super::PortResult;
use crate::address::Address;
use crate::call::Call;
use crate::clock::Timestamp;
use crate::ids::{StoreName, VersionId};
use async_trait::async_trait;

/// A link that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The address to give to people.
    pub url: String,
    /// When it stops working.
    pub expires: Timestamp,
}

/// What a link leads to, for those who may see it.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkFacts {
    /// The store.
    pub store: StoreName,
    /// The file's name there.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its type.
    pub content_type: String,
    /// When the link stops working.
    pub expires: Timestamp,
    /// Where it was made: it may be described there.
    pub made_in: Option<Address>,
}

/// Makes links to stored files that anyone who has them can follow until they expire.
#[async_trait]
pub trait Links: Send + Sync {
    /// A link to a file as it is in the store, for this many seconds.
    async fn make(&self, call: &Call, store: &StoreName, name: &str, version: Option<&VersionId>, seconds: u64) -> PortResult<Link>;

    /// What one of our own links leads to; `None` for any other address and for links that no longer work.
    async fn facts(&self, url: &str) -> PortResult<Option<LinkFacts>>;
}
