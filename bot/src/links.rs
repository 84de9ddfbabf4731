//! Links to stored files under our own address: short, expiring, counted, revocable.
//!
//! What stands in a link's address lets anyone download the file, so that it is shown where the link is given and nowhere else.
//! Its first letters alone name the link where it is listed, revoked and written down; what remains is still beyond guessing.

use async_trait::async_trait;
use bellhop_core::call::Call;
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::{GivenLink, Link, LinkFacts, LinkFilter, Links, NewLink, PortResult, Stores};
use bellhop_core::{PortError, PortErrorKind};
use bellhop_store::{LinkRow, LinkWish, Store};
use chrono::TimeDelta;
use std::sync::Arc;

/// Random bytes of a link's id: 160 bits, of which the handle shows 30.
const RANDOM: usize = 20;
/// Letters of a handle.
const HANDLE: usize = 6;
/// Letters and digits that are not taken for one another, five bits each.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Makes links under this address.
pub struct ShortLinks {
    store: Store,
    stores: Arc<dyn Stores>,
    clock: Arc<dyn Clock>,
    public_url: String,
}

impl ShortLinks {
    /// Links under `public_url`, written without a trailing slash.
    pub fn new(store: Store, stores: Arc<dyn Stores>, clock: Arc<dyn Clock>, public_url: String) -> Self {
        Self { store, stores, clock, public_url }
    }

    /// The id in one of our own addresses.
    fn id<'a>(&self, url: &'a str) -> Option<&'a str> {
        let id = url.strip_prefix(self.public_url.as_str()).and_then(|rest| rest.strip_prefix("/s/"));
        id.filter(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric()))
    }
}

/// A fresh id, which nobody can guess.
fn fresh() -> PortResult<String> {
    let mut random = [0_u8; RANDOM];
    getrandom::fill(&mut random).map_err(|error| PortError::new(PortErrorKind::Broken, "system", "random", error.to_string()))?;
    let mut id = String::with_capacity(RANDOM * 8 / 5);
    for five in random.chunks(5) {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        id.extend((0..8).rev().map(|at| char::from(ALPHABET[usize::try_from(bits >> (at * 5) & 31).unwrap_or(0)])));
    }
    Ok(id)
}

fn handle(id: &str) -> String {
    id.chars().take(HANDLE).collect()
}

#[async_trait]
impl Links for ShortLinks {
    async fn make(&self, call: &Call, store: &StoreName, name: &str, version: Option<&VersionId>, seconds: u64) -> PortResult<Link> {
        let (store, version) = (store.clone(), version.cloned());
        self.make_with(call, &NewLink { store, name: name.to_owned(), version, seconds, once: false, policy: None }).await
    }

    async fn make_with(&self, call: &Call, new: &NewLink) -> PortResult<Link> {
        let id = fresh()?;
        let now = self.clock.now();
        let expires: Timestamp = now + TimeDelta::seconds(i64::try_from(new.seconds).unwrap_or(i64::from(u32::MAX)));
        let link = LinkRow {
            id: id.clone(),
            store: new.store.clone(),
            name: new.name.clone(),
            version: new.version.clone(),
            made_by: call.caller.user.to_string(),
            made_at: now,
            uses: 0,
            expires,
            made_in: Some(call.at.clone()),
            most_uses: new.once.then_some(1),
            policy: new.policy.clone(),
            revoked: None,
        };
        self.store.add_link(&link).await?;
        Ok(Link { url: format!("{}/s/{id}", self.public_url), handle: handle(&id), expires })
    }

    async fn list(&self, filter: &LinkFilter) -> PortResult<Vec<GivenLink>> {
        let begins = match &filter.which {
            Some(which) if which.contains('/') => match self.id(which) {
                Some(id) => Some(id.to_owned()),
                None => return Ok(Vec::new()),
            },
            // A beginning that is shorter would name other people's links by chance.
            Some(which) if which.len() < HANDLE => return Ok(Vec::new()),
            which => which.clone(),
        };
        let wish = LinkWish { made_by: filter.made_by.clone(), file: filter.file.clone(), begins, limit: filter.limit };
        let given = |row: LinkRow| GivenLink {
            handle: handle(&row.id),
            of: NewLink {
                store: row.store,
                name: row.name,
                version: row.version,
                seconds: (row.expires - row.made_at).num_seconds().unsigned_abs(),
                once: row.most_uses == Some(1),
                policy: row.policy,
            },
            made_by: row.made_by,
            made_in: row.made_in,
            made_at: row.made_at,
            expires: row.expires,
            uses: row.uses.unsigned_abs(),
        };
        Ok(self.store.links(&wish).await?.into_iter().map(given).collect())
    }

    async fn revoke(&self, handle: &str) -> PortResult<bool> {
        if handle.len() < HANDLE {
            return Ok(false);
        }
        let wish = LinkWish { begins: Some(handle.to_owned()), limit: 2, ..LinkWish::default() };
        match self.store.links(&wish).await?.as_slice() {
            [one] => self.store.revoke_link(&one.id).await,
            _ => Ok(false),
        }
    }

    async fn facts(&self, url: &str) -> PortResult<Option<LinkFacts>> {
        let Some(id) = self.id(url) else { return Ok(None) };
        let Some(link) = self.store.link(id).await? else { return Ok(None) };
        // A store that was taken out of the configuration has nothing to show.
        let Ok(store) = self.stores.store(Some(&link.store)) else { return Ok(None) };
        let info = match store.head(&link.name, link.version.as_ref()).await {
            Ok(info) => info,
            Err(error) if error.kind == PortErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(LinkFacts {
            store: link.store,
            name: link.name,
            size: info.size,
            content_type: info.content_type,
            expires: link.expires,
            made_in: link.made_in,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_long_plain_and_never_the_same() {
        let ids: BTreeSet<String> = (0..1000).map(|_| fresh().unwrap()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|b| ALPHABET.contains(&b))));
        // Every letter comes about as often as any other: nothing of the random bytes is dropped.
        let first: BTreeSet<char> = ids.iter().filter_map(|id| id.chars().next()).collect();
        let last: BTreeSet<char> = ids.iter().filter_map(|id| id.chars().last()).collect();
        assert_eq!((first.len(), last.len()), (32, 32));
    }
}
