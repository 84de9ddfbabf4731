//! Links that Azure itself serves: shared access signatures for one blob. With the account's key they are made here, and can
//! be bound to a stored policy; with Entra the service lends a key for at most seven days; a store that has only a signature
//! itself can make none.
//! <https://learn.microsoft.com/rest/api/storageservices/create-service-sas>

use crate::account::VERSION;
use crate::config::Credential;
use crate::fault::{Ask, Need};
use crate::names::disposition;
use crate::sign::AccountKey;
use crate::store::{AzureStore, SNAPSHOT};
use azure_core::http::{RequestContent, Url, XmlFormat};
use azure_core::time::OffsetDateTime;
use azure_storage_blob::models::KeyInfo;
use azure_storage_common::models::UserDelegationKey;
use azure_storage_sas::{SasBuilder, SasProtocol};
use bellhop_core::ports::{FileEncryption, Permission, PortResult, ShareLimit};
use bellhop_core::{PortErrorKind, Timestamp};
use chrono::TimeDelta;

/// What Azure lends a key for at most, less what clocks may differ by.
const LENT: TimeDelta = TimeDelta::seconds(7 * 24 * 60 * 60 - MARGIN);
const MARGIN: i64 = 15 * 60;

/// A key that was lent.
pub(crate) struct Delegation {
    key: UserDelegationKey,
    until: Timestamp,
}

/// What a link is for.
struct Link<'a> {
    blob: &'a str,
    version: Option<&'a str>,
    name: &'a str,
    expires: Option<Timestamp>,
    policy: Option<&'a str>,
}

fn time(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Link<'_> {
    /// The kind of thing, and the id that goes with it.
    fn kind(&self) -> (&'static str, &str) {
        match self.version.map(|id| id.strip_prefix(SNAPSHOT).ok_or(id)) {
            None => ("b", ""),
            Some(Ok(snapshot)) => ("bs", snapshot),
            Some(Err(version)) => ("bv", version),
        }
    }

    /// The signature's parameters.
    fn signed(&self, key: &AccountKey, account: &str, container: &str, protocol: &str) -> Option<Vec<(&'static str, String)>> {
        let (kind, id) = self.kind();
        // What the policy says must not be said again.
        let permissions = if self.policy.is_some() { "" } else { "r" };
        let expires = self.expires.map(time).unwrap_or_default();
        let policy = self.policy.unwrap_or_default();
        let saved = disposition(self.name);
        let resource = format!("/blob/{account}/{container}/{}", self.blob);
        let text = [permissions, "", &expires, &resource, policy, "", protocol, VERSION, kind, id, "", "", &saved, "", "", ""].join("\n");
        let signature = key.sign(&text)?;
        let all = [
            ("sv", VERSION.to_owned()),
            ("sr", kind.to_owned()),
            ("si", policy.to_owned()),
            ("sp", permissions.to_owned()),
            ("se", expires),
            ("spr", protocol.to_owned()),
            ("rscd", saved),
            ("sig", signature),
        ];
        Some(all.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    /// Adds the version that is meant.
    fn pointed(&self, url: &mut Url) {
        let (kind, id) = self.kind();
        match kind {
            "bs" => drop(url.query_pairs_mut().append_pair("snapshot", id)),
            "bv" => drop(url.query_pairs_mut().append_pair("versionid", id)),
            _ => {}
        }
    }
}

impl AzureStore {
    /// How long a link can work.
    pub(crate) fn link_limit(&self) -> Option<ShareLimit> {
        matches!(self.account.config.credential, Credential::Entra(_)).then(|| ShareLimit {
            seconds: LENT.num_seconds().unsigned_abs(),
            why: "Azure lends an identity of Entra a key for links for 7 days at most".to_owned(),
        })
    }

    /// An address of a file for so many seconds.
    pub(crate) async fn link(&self, name: &str, version: Option<&str>, seconds: u64) -> PortResult<Option<String>> {
        let blob = self.blob_name("share", name)?;
        if matches!(self.account.config.credential, Credential::Sas(_)) {
            // A signature can't make others.
            return Ok(None);
        }
        let limit = self.link_limit();
        let longest = limit.as_ref().map_or(u64::from(u32::MAX), |limit| limit.seconds);
        let expires = TimeDelta::try_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
            .filter(|_| (1..=longest).contains(&seconds))
            .and_then(|span| self.account.clock.now().checked_add_signed(span));
        let Some(expires) = expires else {
            let why = limit.map_or_else(
                || "a link needs some time, and ends some day".to_owned(),
                |limit| format!("a link can work for less than 7 days: {}", limit.why),
            );
            return Err(self.error(PortErrorKind::Invalid, "share", why));
        };
        let info = self.look("share", name, version).await?;
        if matches!(info.encryption, Some(FileEncryption::Key(_))) {
            // Whoever follows a link has no key to send along.
            return Ok(None);
        }
        let link = Link { blob: &blob, version, name, expires: Some(expires), policy: None };
        let mut url = self.blob("share", name, None)?.url().clone();
        if let Some(key) = self.account.key() {
            link.pointed(&mut url);
            return self.sealed(&link, &key, url).map(Some);
        }
        // The SDK names a snapshot itself, and a version not.
        if link.kind().0 == "bv" {
            link.pointed(&mut url);
        }
        let token = self.delegated(&link, expires).await?;
        let query = url.query().map_or_else(|| token.clone(), |there| format!("{there}&{token}"));
        url.set_query(Some(&query));
        Ok(Some(url.into()))
    }

    /// An address that works as long as a stored policy says.
    pub(crate) async fn bound_link(&self, name: &str, version: Option<&str>, policy: &str) -> PortResult<Option<String>> {
        let blob = self.blob_name("share", name)?;
        let Some(key) = self.account.key() else {
            let message = "only links that are signed with the account's key can be bound to a policy; the store has another credential";
            return Err(self.error(PortErrorKind::Unsupported, "share", message));
        };
        let policies = self.policies("share", self.container()).await?;
        let Some(found) = policies.iter().find(|there| there.id == policy) else {
            let ids: Vec<&str> = policies.iter().map(|there| there.id.as_str()).collect();
            let known = if ids.is_empty() { "it has none".to_owned() } else { format!("it has {}", ids.join(", ")) };
            let message = format!("the container {} has no access policy {}; {known}", self.container(), crate::names::shown(policy));
            return Err(self.error(PortErrorKind::NotFound, "share", message));
        };
        // What a policy leaves open a link would have to say, and then it could not be changed any more.
        if !found.permissions.contains(&Permission::Read) || found.expires.is_none() {
            let message = format!(
                "the access policy {policy} doesn't say until when files may be read; change it so that it allows r and has an end"
            );
            return Err(self.error(PortErrorKind::Invalid, "share", message));
        }
        let info = self.look("share", name, version).await?;
        if let Some(FileEncryption::Key(key)) = info.encryption {
            let message =
                format!("`{name}` is under the key `{key}`, which a link can't carry; share it without a policy, and Bellhop serves it");
            return Err(self.error(PortErrorKind::Unsupported, "share", message));
        }
        let link = Link { blob: &blob, version, name, expires: None, policy: Some(policy) };
        let mut url = self.blob("share", name, None)?.url().clone();
        link.pointed(&mut url);
        self.sealed(&link, &key, url).map(Some)
    }

    fn protocol(&self) -> &'static str {
        if self.account.config.endpoint.starts_with("https://") { "https" } else { "" }
    }

    fn sealed(&self, link: &Link<'_>, key: &AccountKey, mut url: Url) -> PortResult<String> {
        let signed = link.signed(key, &self.account.config.account, self.container(), self.protocol());
        let signed = signed.ok_or_else(|| self.error(PortErrorKind::Invalid, "share", "`account_key` can't sign"))?;
        url.query_pairs_mut().extend_pairs(signed);
        Ok(url.into())
    }

    async fn delegated(&self, link: &Link<'_>, expires: Timestamp) -> PortResult<String> {
        let mut held = self.seen.delegation.lock().await;
        if held.as_ref().is_none_or(|held| held.until < expires) {
            *held = Some(self.lend().await?);
        }
        let Some(lent) = held.as_ref() else {
            return Err(self.error(PortErrorKind::Broken, "share", "no key was lent"));
        };
        let unmade = |error: azure_core::Error| self.error(PortErrorKind::Broken, "share", crate::fault::innermost(&error));
        let until = OffsetDateTime::from_unix_timestamp(expires.timestamp())
            .map_err(|_| self.error(PortErrorKind::Invalid, "share", "a link ends within this era"))?;
        let builder = SasBuilder::new(self.account.config.account.clone(), &lent.key, until).map_err(unmade)?;
        let mut builder = builder.blob(self.container(), link.blob).read().content_disposition(disposition(link.name));
        builder = match link.kind() {
            ("bs", id) => builder.snapshot(id),
            ("bv", id) => builder.version(id),
            _ => builder,
        };
        Ok(builder.protocol(SasProtocol::Https).build())
    }

    /// Asks for a key to sign links with.
    async fn lend(&self) -> PortResult<Delegation> {
        let now = self.account.clock.now();
        let until = now + LENT;
        let at = |at: Timestamp| OffsetDateTime::from_unix_timestamp(at.timestamp()).ok();
        let info = KeyInfo { start: at(now - TimeDelta::seconds(MARGIN)), expiry: at(until), ..KeyInfo::default() };
        let ask = Ask::container("share", Need::Delegate, self.container());
        let body: RequestContent<KeyInfo, XmlFormat> =
            info.try_into().map_err(|error: azure_core::Error| self.account.failed(ask, &error))?;
        let service = self.account.service()?;
        let key = self.account.ask(ask, || async { service.get_user_delegation_key(body.clone(), None).await?.into_model() }).await?;
        Ok(Delegation { key, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;

    const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    #[test]
    fn what_a_policy_says_is_not_said_again() {
        let key = AccountKey::new("devstoreaccount1", &SecretString::from(KEY)).unwrap();
        let expires = Timestamp::from_timestamp(1_796_000_000, 0);
        let mut link = Link { blob: "dir/a b.txt", version: None, name: "dir/a b.txt", expires, policy: None };
        let names = |link: &Link<'_>| -> Vec<&str> {
            link.signed(&key, "devstoreaccount1", "c", "https").unwrap().iter().map(|(name, _)| *name).collect()
        };
        assert_eq!(names(&link), ["sv", "sr", "sp", "se", "spr", "rscd", "sig"]);
        (link.expires, link.policy) = (None, Some("ops"));
        assert_eq!(names(&link), ["sv", "sr", "si", "spr", "rscd", "sig"]);
        link.version = Some("snapshot:2026-01-01T00:00:00.0000000Z");
        assert_eq!(link.kind(), ("bs", "2026-01-01T00:00:00.0000000Z"));
        let mut url: Url = "https://a.example/c/b".parse().unwrap();
        link.pointed(&mut url);
        assert_eq!(url.query(), Some("snapshot=2026-01-01T00%3A00%3A00.0000000Z"));
    }
}
