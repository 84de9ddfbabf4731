//! What was under a name before: versions where the account keeps them, snapshots otherwise, and what was deleted and can
//! still be undeleted.
//!
//! Azure marks no deletions: a name that was deleted has versions and none of them is current. Deletions that were followed
//! by something new leave no trace at all.

use crate::fault::{Ask, Need};
use crate::store::{AzureStore, CURRENT, DELETED, DELETION, SNAPSHOT, absent, moment};
use azure_storage_blob::models::{BlobItem, ListBlobsIncludeItem};
use bellhop_core::ids::VersionId;
use bellhop_core::ports::{FileInfo, PortResult, Version};
use bellhop_core::{PortError, PortErrorKind};

/// A version and whether it can be had without undeleting.
struct Found {
    version: Version,
    deleted: bool,
}

impl AzureStore {
    /// The versions of a name, newest first.
    pub(crate) async fn history(&self, operation: &'static str, name: &str) -> PortResult<Vec<Version>> {
        Ok(self.found(operation, name).await?.into_iter().map(|found| found.version).collect())
    }

    async fn found(&self, operation: &'static str, name: &str) -> PortResult<Vec<Found>> {
        let blob = self.blob_name(operation, name)?;
        let include = [ListBlobsIncludeItem::Versions, ListBlobsIncludeItem::Snapshots, ListBlobsIncludeItem::Deleted];
        let items = match self.items(operation, &blob, &include).await {
            // Signatures may allow what is there and not what was there; and not every server has all of this.
            Err(error) if matches!(error.kind, PortErrorKind::Denied | PortErrorKind::Unsupported | PortErrorKind::Invalid) => {
                self.items(operation, &blob, &include[1..2]).await?
            }
            other => other?,
        };
        let mut found: Vec<(u8, String, Found)> = Vec::new();
        for item in items {
            found.extend(kept(item));
        }
        // What is current stands first, then by the time in the ids, which are all of one length.
        found.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(&a.1)));
        if found.is_empty() {
            return Err(PortError::not_found(self.account.service.clone(), operation, absent(name)));
        }
        Ok(found.into_iter().map(|(_, _, found)| found).collect())
    }

    /// What the service lists under exactly this name.
    async fn items(&self, operation: &'static str, blob: &str, include: &[ListBlobsIncludeItem]) -> PortResult<Vec<BlobItem>> {
        let mut items = Vec::new();
        let mut marker = None;
        loop {
            let ask = Ask::file(&self.account, operation, Need::List, "there is nothing to list");
            let got = self.listed(ask, blob, include, marker.as_deref(), usize::MAX).await?;
            // Names come in order: after the first other one there is nothing more.
            let over = got.items.last().is_some_and(|item| item.name.as_deref() != Some(blob));
            items.extend(got.items.into_iter().filter(|item| item.name.as_deref() == Some(blob)));
            if over || got.next.is_none() || got.next == marker {
                return Ok(items);
            }
            marker = got.next;
        }
    }

    /// Makes an older version current, or takes a deletion back.
    pub(crate) async fn bring_back(&self, name: &str, version: Option<&str>) -> PortResult<FileInfo> {
        let found = self.found("restore", name).await?;
        let wanted = match version {
            Some(id) => found.iter().find(|found| found.version.id.as_str() == id).ok_or_else(|| {
                let message = format!("`{name}` has no version `{}`", crate::names::shown(id));
                PortError::not_found(self.account.service.clone(), "restore", message)
            })?,
            None => match found.iter().find(|found| found.version.current && !found.version.deletion) {
                Some(current) => current,
                None => found.iter().find(|found| !found.version.deletion).ok_or_else(|| {
                    let message = format!("of `{name}` nothing is left that could be brought back");
                    PortError::not_found(self.account.service.clone(), "restore", message)
                })?,
            },
        };
        if wanted.version.deletion {
            return Err(self.error(PortErrorKind::Invalid, "restore", "that is a deletion; choose a version with content"));
        }
        if wanted.version.current {
            return Err(self.error(PortErrorKind::Conflict, "restore", format!("that is what `{name}` gives already")));
        }
        if wanted.deleted {
            self.undelete(name).await?;
        }
        let id = wanted.version.id.as_str();
        if id == DELETED {
            return self.look("restore", name, None).await;
        }
        self.copied("restore", name, Some(id), name).await
    }

    /// Brings back what soft delete kept: the blob with its snapshots, or its versions.
    async fn undelete(&self, name: &str) -> PortResult<()> {
        let blob = self.blob("restore", name, None)?;
        let absent = absent(name);
        let ask = Ask::file(&self.account, "restore", Need::Write, &absent);
        self.account.ask(ask, || blob.undelete(None)).await.map(drop)
    }
}

/// What an item of the listing is: its rank, the time that its id says, and itself.
fn kept(item: BlobItem) -> Vec<(u8, String, Found)> {
    let facts = item.properties.unwrap_or_default();
    let deleted = item.deleted == Some(true);
    let modified = moment(facts.last_modified);
    let one = |id: &str, current: bool| Version {
        id: VersionId::new(id),
        size: facts.content_length.unwrap_or(0),
        modified,
        current,
        deletion: false,
    };
    match (&item.version_id, &item.snapshot) {
        (Some(id), _) => {
            let current = item.is_current_version == Some(true) && !deleted;
            vec![(u8::from(!current), id.clone(), Found { version: one(id, current), deleted })]
        }
        (None, Some(time)) => {
            let version = one(&format!("{SNAPSHOT}{time}"), false);
            vec![(1, time.clone(), Found { version, deleted })]
        }
        (None, None) if deleted => {
            let deletion = Version { size: 0, modified: moment(facts.deleted_time), deletion: true, ..one(DELETION, true) };
            vec![
                (0, "b".to_owned(), Found { version: deletion, deleted }),
                (0, "a".to_owned(), Found { version: one(DELETED, false), deleted }),
            ]
        }
        (None, None) => vec![(0, String::new(), Found { version: one(CURRENT, true), deleted })],
    }
}
