//! Links to stored files under our own address: short, expiring, counted, revocable.

use async_trait::async_trait;
use bellhop_core::call::Call;
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::{Link, Links, PortResult};
use bellhop_store::{LinkRow, Store};
use chrono::TimeDelta;
use std::sync::Arc;

/// Makes links under this address.
pub struct ShortLinks {
    store: Store,
    clock: Arc<dyn Clock>,
    public_url: String,
}

impl ShortLinks {
    /// Links under `public_url`, written without a trailing slash.
    pub fn new(store: Store, clock: Arc<dyn Clock>, public_url: String) -> Self {
        Self { store, clock, public_url }
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
        };
        self.store.add_link(&link).await?;
        Ok(Link { url: format!("{}/s/{id}", self.public_url), expires })
    }
}
