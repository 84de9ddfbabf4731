//! Encryption scopes of the account: listed, and made where the configuration asks for it. None is ever changed or disabled:
//! that would take every file under it away.
//! <https://learn.microsoft.com/azure/storage/blobs/encryption-scope-overview>

use super::{Asked, holds};
use crate::fault::Ask;
use crate::sealing::Sealing;
use crate::store::AzureStore;
use azure_core::http::Method;
use bellhop_core::PortErrorKind;
use bellhop_core::ports::PortResult;
use serde_json::{Value, json};
use std::sync::PoisonError;

/// An encryption scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionScope {
    /// Its name.
    pub name: String,
    /// Whether files under it can be read and written.
    pub enabled: bool,
    /// Whether its key is one of Key Vault, rather than Microsoft's.
    pub vault: bool,
}

impl EncryptionScope {
    fn read(value: &Value) -> Option<Self> {
        let is = |name: &str, wanted: &str| {
            value.pointer(&format!("/properties/{name}")).and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case(wanted))
        };
        let name = value.get("name")?.as_str()?.to_owned();
        Some(Self { name, enabled: !is("state", "Disabled"), vault: is("source", "Microsoft.KeyVault") })
    }

    /// Its name, and what is particular about it.
    pub(crate) fn words(&self) -> String {
        match (self.enabled, self.vault) {
            (true, false) => self.name.clone(),
            (true, true) => format!("{} (Key Vault)", self.name),
            (false, _) => format!("{} (disabled)", self.name),
        }
    }
}

impl AzureStore {
    /// The encryption scopes of the storage account, by name. Needs `management` in the configuration.
    ///
    /// # Errors
    /// `Unsupported` without that; `Denied` where the identity may not manage the account.
    pub async fn encryption_scopes(&self) -> PortResult<Vec<EncryptionScope>> {
        let mut found: Vec<EncryptionScope> = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let ask = Ask::managing("encryption scopes", &self.account);
            let asked = Asked::get("encryptionScopes");
            let got = match (&next, self.account.management()?) {
                (Some(address), Some(pipeline)) => {
                    let broken = || self.error(PortErrorKind::Broken, ask.operation, "the next page of scopes is somewhere else");
                    // The token goes along, so it goes nowhere else.
                    let ours = self.management().is_some_and(|management| address.starts_with(&format!("{}/", management.url)));
                    let address = address.parse().ok().filter(|_| ours).ok_or_else(broken)?;
                    self.manage_at(ask, pipeline, address, &asked, "").await?
                }
                _ => self.manage(ask, &asked, "").await?,
            };
            let Some(got) = got else { break };
            found.extend(got.value.get("value").and_then(Value::as_array).into_iter().flatten().filter_map(EncryptionScope::read));
            let following = got.value.get("nextLink").and_then(Value::as_str).filter(|link| !link.is_empty()).map(str::to_owned);
            if following.is_none() || following == next {
                break;
            }
            next = following;
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        let usable = found.iter().filter(|scope| scope.enabled).map(|scope| scope.name.clone()).collect();
        *self.seen.scopes.lock().unwrap_or_else(PoisonError::into_inner) = usable;
        Ok(found)
    }

    /// Makes an encryption scope whose keys Microsoft keeps; one that is there already stays as it is.
    ///
    /// # Errors
    /// As [`Self::encryption_scopes`]; `Invalid` for a name that can't be one.
    pub async fn create_encryption_scope(&self, name: &str) -> PortResult<()> {
        const OPERATION: &str = "encryption scopes";
        if let Err(why) = crate::config::scope_name(name) {
            let shown = crate::names::shown(name);
            return Err(self.error(PortErrorKind::Invalid, OPERATION, format!("`{shown}` can't be an encryption scope: {why}")));
        }
        let _alone = self.seen.managing.lock().await;
        if self.encryption_scopes().await?.iter().any(|scope| scope.name.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        let path = format!("encryptionScopes/{name}");
        let properties = json!({ "source": "Microsoft.Storage", "state": "Enabled" });
        let body = Some(json!({ "properties": properties }));
        let put = Asked { method: Method::Put, path: &path, body, etag: None };
        let made = self.manage(Ask::managing(OPERATION, &self.account).changing(), &put, "").await;
        if let Err(error) = made {
            let now = self.manage(Ask::managing(OPERATION, &self.account), &Asked::get(&path), "").await;
            if !error.maybe_done || !now.is_ok_and(|now| now.is_some_and(|now| holds(&now.value["properties"], &properties))) {
                return Err(error);
            }
        }
        self.seen.scopes.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
        Ok(())
    }

    /// Makes the scope that something is to be written under, where the configuration wants that.
    pub(crate) async fn ready(&self, sealing: &Sealing) -> PortResult<()> {
        let Sealing::Scope { name: scope, .. } = sealing else { return Ok(()) };
        let known = self.seen.scopes.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|there| there.eq_ignore_ascii_case(scope));
        if known || !self.management().is_some_and(|management| management.create_scopes) {
            return Ok(());
        }
        self.create_encryption_scope(scope).await
    }
}
