//! Links in memory, under an address of their own.

use async_trait::async_trait;
use bellhop_core::Call;
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::{GivenLink, Link, LinkFacts, LinkFilter, Links, NewLink, PortResult};
use chrono::TimeDelta;
use std::sync::Mutex;

/// Those that were made and weren't revoked, the newest last.
#[derive(Default)]
pub(super) struct Linker(pub Mutex<Vec<GivenLink>>, Mutex<u32>);

#[async_trait]
impl Links for Linker {
    async fn facts(&self, _url: &str) -> PortResult<Option<LinkFacts>> {
        Ok(None)
    }

    async fn make(&self, call: &Call, store: &StoreName, name: &str, version: Option<&VersionId>, seconds: u64) -> PortResult<Link> {
        let new = NewLink { store: store.clone(), name: name.into(), version: version.cloned(), seconds, once: false, policy: None };
        self.make_with(call, &new).await
    }

    async fn make_with(&self, call: &Call, new: &NewLink) -> PortResult<Link> {
        let mut made = self.1.lock().unwrap();
        *made += 1;
        let handle = format!("link{made:02}");
        let expires = call.now + TimeDelta::seconds(i64::try_from(new.seconds).unwrap());
        self.0.lock().unwrap().push(GivenLink {
            handle: handle.clone(),
            of: new.clone(),
            made_by: call.caller.user.to_string(),
            made_in: Some(call.at.clone()),
            made_at: call.now,
            expires,
            uses: 0,
        });
        Ok(Link { url: format!("https://bell.example/s/{handle}secret"), handle, expires })
    }

    async fn list(&self, filter: &LinkFilter) -> PortResult<Vec<GivenLink>> {
        let which = filter.which.as_deref().map(|which| which.trim_start_matches("https://bell.example/s/").trim_end_matches("secret"));
        let all = self.0.lock().unwrap();
        let fits = |link: &&GivenLink| {
            filter.made_by.as_ref().is_none_or(|by| *by == link.made_by)
                && filter.file.as_ref().is_none_or(|(store, name)| *store == link.of.store && *name == link.of.name)
                && which.is_none_or(|which| which == link.handle)
        };
        Ok(all.iter().rev().filter(fits).take(filter.limit).cloned().collect())
    }

    async fn revoke(&self, handle: &str) -> PortResult<bool> {
        let mut all = self.0.lock().unwrap();
        let before = all.len();
        all.retain(|link| link.handle != handle);
        Ok(all.len() < before)
    }
}
