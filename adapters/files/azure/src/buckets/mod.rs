//! The administration of containers. Stored access policies have their module, and what is known about a container another;
//! here is what is about a container as a whole.
//!
//! What is a setting of the account as a whole (versions, soft delete, lifecycle) goes through the management plane, which takes
//! another address and an identity that may manage the account; without those it is refused with what to configure.

mod access;
mod facts;

use crate::fault::{Ask, Need};
use crate::names::{container, shown};
use crate::store::AzureStore;
use async_trait::async_trait;
use azure_storage_blob::models::{BlobServiceClientListContainersOptions, ListBlobsIncludeItem, ListContainersResponse};
use bellhop_core::ports::{AccessPolicy, Bucket, BucketInfo, Buckets, Encryption, LifecycleRule, PortResult, PublicAccess, Versioning};
use bellhop_core::text::grouped;
use bellhop_core::{PortError, PortErrorKind};
use futures::StreamExt as _;

/// How many entries are counted of a container that should be empty.
const COUNTED: usize = 1000;

const VERSIONS: &str = "whether versions are kept is";
const AGES: &str = "what becomes of files as they grow old is";

impl AzureStore {
    /// A container that is there, of an account that can be managed.
    async fn aged<'a>(&self, name: &'a str) -> PortResult<&'a str> {
        let name = self.named("lifecycle", name)?;
        self.facts("lifecycle", name).await?;
        if self.management().is_none() {
            return Err(self.unmanaged("lifecycle", AGES, "management-policy create --policy FILE"));
        }
        Ok(name)
    }

    fn named<'a>(&self, operation: &'static str, name: &'a str) -> PortResult<&'a str> {
        let wrong = |why| self.error(PortErrorKind::Invalid, operation, format!("`{}` can't be a container's name: {why}", shown(name)));
        container(name).map_err(wrong)
    }

    async fn containers(&self) -> PortResult<Vec<Bucket>> {
        let service = self.account.service()?;
        let mut found = Vec::new();
        let mut marker = None::<String>;
        loop {
            let ask = Ask::container("list", Need::Manage, self.container());
            let got = self.account.ask(ask, || async {
                let options =
                    BlobServiceClientListContainersOptions { marker: marker.clone(), ..BlobServiceClientListContainersOptions::default() };
                match service.list_containers(Some(options))?.into_pages().next().await {
                    Some(page) => page?.into_model(),
                    None => Ok(ListContainersResponse::default()),
                }
            });
            let got = got.await?;
            found.extend(got.container_items.into_iter().filter_map(|item| Some(Bucket { name: item.name?, created: None, region: None })));
            let next = got.next_marker.filter(|next| !next.is_empty());
            if next.is_none() || next == marker {
                found.sort_by(|a: &Bucket, b| a.name.cmp(&b.name));
                return Ok(found);
            }
            marker = next;
        }
    }

    /// What is in a container, in words; `None` when it is empty.
    async fn contents(&self, name: &str) -> PortResult<Option<String>> {
        let ask = Ask::container("delete", Need::List, name);
        let include = [ListBlobsIncludeItem::Versions, ListBlobsIncludeItem::Snapshots];
        let got = match self.listed(ask, "", &include, None, COUNTED).await {
            Err(error) if matches!(error.kind, PortErrorKind::Denied | PortErrorKind::Unsupported | PortErrorKind::Invalid) => {
                self.listed(ask, "", &[], None, COUNTED).await?
            }
            other => other?,
        };
        let Some(first) = got.items.first().and_then(|item| item.name.clone()) else {
            return Ok(got.next.map(|_| "something is in it".to_owned()));
        };
        let older =
            got.items.iter().filter(|item| item.snapshot.is_some() || item.version_id.is_some() && item.is_current_version != Some(true));
        let older = older.count();
        let files = got.items.len() - older;
        let count = |number: usize, one: &str, many: &str| {
            (number > 0).then(|| format!("{} {}", grouped(i64::try_from(number).unwrap_or(0)), if number == 1 { one } else { many }))
        };
        let counted: Vec<String> =
            [count(files, "file", "files"), count(older, "older version", "older versions")].into_iter().flatten().collect();
        let at_least = if got.next.is_some() { "at least " } else { "" };
        let (counted, first) = (counted.join(" and "), shown(&first));
        Ok(Some(match (files + older, got.next.is_some()) {
            (1, false) => format!("{counted} is in it, `{first}`"),
            _ => format!("{at_least}{counted} are in it, `{first}` the first"),
        }))
    }
}

#[async_trait]
impl Buckets for AzureStore {
    fn own(&self) -> &str {
        self.container()
    }

    /// <https://learn.microsoft.com/rest/api/storageservices/define-stored-access-policy>
    fn settles(&self) -> Option<std::time::Duration> {
        Some(std::time::Duration::from_secs(30))
    }

    async fn list(&self) -> PortResult<Vec<Bucket>> {
        self.containers().await
    }

    async fn create(&self, name: &str) -> PortResult<Bucket> {
        let name = self.named("create", name)?;
        let client = self.account.container(name)?;
        let ask = Ask::container("create", Need::Manage, name).changing();
        self.account.ask(ask, || client.create(None)).await?;
        Ok(Bucket { name: name.to_owned(), created: Some(self.account.clock.now()), region: None })
    }

    async fn delete(&self, name: &str) -> PortResult<()> {
        let name = self.named("delete", name)?;
        // Azure deletes a container with all that is in it.
        if let Some(contents) = self.contents(name).await? {
            let message = format!("the container {name} isn't empty: {contents}; delete that first");
            return Err(self.error(PortErrorKind::Conflict, "delete", message));
        }
        let client = self.account.container(name)?;
        let ask = Ask::container("delete", Need::Manage, name).changing();
        self.account.ask(ask, || client.delete(None)).await.map(drop)
    }

    async fn info(&self, name: &str) -> PortResult<BucketInfo> {
        self.everything(self.named("info", name)?).await
    }

    async fn versioning(&self, name: &str) -> PortResult<Versioning> {
        let name = self.named("versioning", name)?;
        let facts = self.facts("versioning", name).await?;
        self.versioning_of(name, &facts)
            .await?
            .ok_or_else(|| self.unmanaged("versioning", VERSIONS, "blob-service-properties update --enable-versioning true"))
    }

    async fn set_versioning(&self, name: &str, on: bool) -> PortResult<()> {
        self.facts("versioning", self.named("versioning", name)?).await?;
        if self.management().is_none() {
            return Err(self.unmanaged("versioning", VERSIONS, "blob-service-properties update --enable-versioning true"));
        }
        self.set_managed_versioning(on).await
    }

    fn reach(&self) -> Option<String> {
        let account = &self.account.config.account;
        Some(format!("Whether versions are kept is a setting of the storage account {account}: it holds for all of its containers"))
    }

    async fn lifecycle(&self, name: &str) -> PortResult<Vec<LifecycleRule>> {
        let name = self.aged(name).await?;
        self.managed_rules("lifecycle", name).await
    }

    async fn add_lifecycle(&self, name: &str, rule: &LifecycleRule) -> PortResult<()> {
        let name = self.aged(name).await?;
        self.add_rule(name, rule).await
    }

    async fn clear_lifecycle(&self, name: &str, id: Option<&str>) -> PortResult<()> {
        let name = self.aged(name).await?;
        self.remove_rules(name, id).await
    }

    async fn encryption(&self, name: &str) -> PortResult<Encryption> {
        Ok(self.facts("encryption", self.named("encryption", name)?).await?.encryption())
    }

    async fn set_encryption(&self, name: &str, _: &Encryption) -> PortResult<()> {
        let facts = self.facts("encryption", self.named("encryption", name)?).await?;
        let scopes = match self.encryption_scopes().await {
            Ok(scopes) if scopes.is_empty() => "; the storage account has no scopes yet".to_owned(),
            Ok(scopes) => {
                let words: Vec<String> = scopes.iter().map(crate::EncryptionScope::words).collect();
                format!("; the storage account has the scopes {}", words.join(", "))
            }
            Err(_) => String::new(),
        };
        let message = format!(
            "Azure encrypts everything with AES-256 ({}); a container's encryption scope is chosen when it is made and stays. For single files \
             say scope:NAME when they are written, for all that this store writes set `encryption_scope` in [{}]; scopes and keys of Key Vault \
             are made in the storage account's settings under Encryption{scopes}",
            facts.encrypted(),
            self.account.service
        );
        Err(PortError::unsupported(self.account.service.clone(), "encryption", message))
    }

    async fn public_access(&self, name: &str) -> PortResult<PublicAccess> {
        Ok(self.facts("public access", self.named("public access", name)?).await?.public())
    }

    async fn access(&self, name: &str) -> PortResult<Vec<AccessPolicy>> {
        self.policies("access", self.named("access", name)?).await
    }

    async fn create_access(&self, name: &str, policy: &AccessPolicy) -> PortResult<()> {
        self.add_policy(self.named("access", name)?, policy).await
    }

    async fn change_access(&self, name: &str, policy: &AccessPolicy) -> PortResult<()> {
        self.set_policy(self.named("access", name)?, policy).await
    }

    async fn revoke_access(&self, name: &str, id: &str) -> PortResult<()> {
        self.remove_policy(self.named("access", name)?, id).await
    }
}
