//! Links to stored files under our own address: short, expiring, counted, revocable.

use async_trait::async_trait;
use bellhop_core::call::Call;
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::{Link, LinkFacts, Links, PortResult, Stores};
use bellhop_store::{LinkRow, Store};
use chrono::TimeDelta;
use std::sync::Arc;

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
}

#[async_trait]
impl Links for ShortLinks {
    async fn make(&self, call: &Call, store: &StoreName, name: &str, version: Option<&VersionId>, seconds: u64) -> PortResult<Link> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random)
            .map_err(|error| bellhop_core::PortError::new(bellhop_core::PortErrorKind::Broken, "system", "random", error.to_string()))?;
        let id = hex::encode(random);
        let expires: Timestamp = self.clock.now() + TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::from(u32::MAX)));
        let link = LinkRow {
            id: id.clone(),
            store: store.clone(),
            name: name.to_owned(),
            version: version.cloned(),
            made_by: call.caller.user.to_string(),
            made_at: self.clock.now(),
            uses: 0,
            expires,
            made_in: Some(call.at.clone()),
        };
        self.store.add_link(&link).await?;
        Ok(Link { url: format!("{}/s/{id}", self.public_url), expires })
    }

    async fn facts(&self, url: &str) -> PortResult<Option<LinkFacts>> {
        let id = url.strip_prefix(self.public_url.as_str()).and_then(|rest| rest.strip_prefix("/s/"));
        let Some(id) = id.filter(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric())) else { return Ok(None) };
        let Some(link) = self.store.link(id).await? else { return Ok(None) };
        // A store that was taken out of the configuration has nothing to show.
        let Ok(store) = self.stores.store(Some(&link.store)) else { return Ok(None) };
        let info = match store.head(&link.name, link.version.as_ref()).await {
            Ok(info) => info,
            Err(error) if error.kind == bellhop_core::PortErrorKind::NotFound => return Ok(None),
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
