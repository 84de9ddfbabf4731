//! Links to files that expire.

use super::PortResult;
use crate::address::Address;
use crate::call::Call;
use crate::clock::Timestamp;
use crate::error::PortError;
use crate::ids::{StoreName, VersionId};
use async_trait::async_trait;

/// A link that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The address to give to people.
    pub url: String,
    /// What names it where it is listed and revoked; nobody can follow it by that.
    pub handle: String,
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

/// A link that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLink {
    /// The store.
    pub store: StoreName,
    /// The file's name there.
    pub name: String,
    /// A version; `None` for whichever is the current one.
    pub version: Option<VersionId>,
    /// How long it works.
    pub seconds: u64,
    /// Whether it ends with the first download.
    pub once: bool,
    /// An access policy of the store's bucket that it is bound to: looked at each time that it is followed.
    pub policy: Option<String>,
}

/// A link that works, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenLink {
    /// What names it; nobody can follow it by that.
    pub handle: String,
    /// What it leads to and how.
    pub of: NewLink,
    /// Who had it made, as `CHATNAME:USERID`.
    pub made_by: String,
    /// Where, where that is known.
    pub made_in: Option<Address>,
    /// When.
    pub made_at: Timestamp,
    /// When it stops working.
    pub expires: Timestamp,
    /// How many downloads were begun.
    pub uses: u64,
}

/// Which links to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkFilter {
    /// Only those that this person had made, as `CHATNAME:USERID`.
    pub made_by: Option<String>,
    /// Only those to this file.
    pub file: Option<(StoreName, String)>,
    /// Only the one of this handle, or of this address.
    pub which: Option<String>,
    /// How many at most.
    pub limit: usize,
}

/// Makes links to stored files that anyone who has them can follow until they expire.
#[async_trait]
pub trait Links: Send + Sync {
    /// A link to a file as it is in the store, for this many seconds.
    async fn make(&self, call: &Call, store: &StoreName, name: &str, version: Option<&VersionId>, seconds: u64) -> PortResult<Link>;

    /// A link with conditions. One that is made for a single download ends with the first that is begun.
    async fn make_with(&self, call: &Call, new: &NewLink) -> PortResult<Link> {
        let _ = (call, new);
        Err(PortError::unsupported("links", "make", "links with conditions are not kept here"))
    }

    /// Links that work now, the newest first.
    async fn list(&self, filter: &LinkFilter) -> PortResult<Vec<GivenLink>> {
        let _ = filter;
        Ok(Vec::new())
    }

    /// Ends the link of this handle, for good. False when there is none that still works, or more than one.
    async fn revoke(&self, handle: &str) -> PortResult<bool> {
        let _ = handle;
        Ok(false)
    }

    /// What one of our own links leads to; `None` for any other address and for links that no longer work.
    async fn facts(&self, url: &str) -> PortResult<Option<LinkFacts>>;
}
