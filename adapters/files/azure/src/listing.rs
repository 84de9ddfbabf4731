//! Listing: pages of any length from the service's own, with the configured prefix taken off.

use crate::fault::{Ask, Need};
use crate::names::{guessed_type, name};
use crate::store::{AzureStore, FOLDER, SHA256, moment};
use azure_storage_blob::models::{BlobContainerClientListBlobsOptions, BlobItem, ListBlobsIncludeItem, ListBlobsResponse};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{FileInfo, FilePage, PortResult};
use futures::StreamExt as _;

/// The most that Azure gives in one answer.
const PAGE: usize = 5000;
/// So many pages in a row may hold nothing.
const EMPTY: u32 = 10_000;

/// A page as the service gives it.
pub(crate) struct Listed {
    pub items: Vec<BlobItem>,
    pub next: Option<String>,
}

impl AzureStore {
    /// One page of the service's, which can be empty although more follow.
    pub(crate) async fn listed(
        &self,
        ask: Ask<'_>,
        prefix: &str,
        include: &[ListBlobsIncludeItem],
        marker: Option<&str>,
        most: usize,
    ) -> PortResult<Listed> {
        let container = self.account.container(ask.container)?;
        let got = self
            .account
            .ask(ask, || async {
                let options = BlobContainerClientListBlobsOptions {
                    include: (!include.is_empty()).then(|| include.to_vec()),
                    marker: marker.map(str::to_owned),
                    maxresults: i32::try_from(most.min(PAGE)).ok(),
                    prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
                    ..BlobContainerClientListBlobsOptions::default()
                };
                let first = container.list_blobs(Some(options))?.into_pages().next().await;
                match first {
                    Some(page) => page?.into_model(),
                    None => Ok(ListBlobsResponse::default()),
                }
            })
            .await?;
        Ok(Listed { items: got.blob_items, next: got.next_marker.filter(|next| !next.is_empty()) })
    }

    /// A page of files.
    pub(crate) async fn page(&self, prefix: &str, from: Option<&str>, limit: usize) -> PortResult<FilePage> {
        let limit = limit.max(1);
        let whole = format!("{}{prefix}", self.prefix());
        let mut page = FilePage::default();
        let mut marker = from.map(str::to_owned);
        for _ in 0..EMPTY {
            let ask = Ask::file(&self.account, "list", Need::List, "there is nothing to list");
            let got = self.listed(ask, &whole, &[ListBlobsIncludeItem::Metadata], marker.as_deref(), limit - page.files.len()).await?;
            for item in got.items {
                let Some(blob) = item.name else { continue };
                let Some(name) = name(self.prefix(), &blob) else { continue };
                let metadata = item.metadata.and_then(|metadata| metadata.values).unwrap_or_default();
                let of = |name: &str| metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
                if of(FOLDER).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
                    continue;
                }
                let facts = item.properties.unwrap_or_default();
                if item.version_id.is_some() {
                    self.note_version(item.version_id.as_deref());
                }
                let sum = facts.encryption_key_sha256.as_deref();
                let encryption = self.encryption(sum, facts.encryption_scope.as_deref(), facts.server_encrypted == Some(true));
                self.note_key(&blob, None, sum);
                page.files.push(FileInfo {
                    name: name.to_owned(),
                    size: facts.content_length.unwrap_or(0),
                    content_type: facts.content_type.filter(|text| !text.is_empty()).unwrap_or_else(|| guessed_type(name)),
                    modified: moment(facts.last_modified),
                    version: item.version_id.map(Into::into),
                    sha256: of(SHA256).and_then(crate::store::sum),
                    encryption,
                });
            }
            if got.next.is_none() || page.files.len() >= limit {
                page.next = got.next;
                return Ok(page);
            }
            if got.next == marker {
                break;
            }
            marker = got.next;
        }
        Err(self.error(PortErrorKind::Broken, "list", "the service gives page after page without an end"))
    }
}
