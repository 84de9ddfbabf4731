//! Links to files that expire.

use super::PortResult;
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

/// Makes links to stored files that anyone who has them can follow until they expire.
#[async_trait]
pub trait Links: Send + Sync {
    /// A link to a file as it is in the store, for this many seconds.
    async fn make(&self, call: &Call, store: &StoreName, name: &str, version: Option<&VersionId>, seconds: u64) -> PortResult<Link>;
}
