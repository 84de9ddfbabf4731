//! Tags of a file.

use crate::fault::{Ask, Need};
use crate::store::{AzureStore, absent};
use azure_core::http::{RequestContent, XmlFormat};
use azure_storage_blob::models::{BlobTag, BlobTags};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::PortResult;
use std::collections::BTreeMap;

/// Azure's limits: tags of a blob, and characters of a name and of a value.
/// <https://learn.microsoft.com/azure/storage/blobs/storage-manage-find-blobs>
const MOST: usize = 10;
const LONGEST_NAME: usize = 128;
const LONGEST_VALUE: usize = 256;

impl AzureStore {
    pub(crate) async fn tags_of(&self, name: &str) -> PortResult<BTreeMap<String, String>> {
        let blob = self.blob("tags", name, None)?;
        let absent = absent(name);
        let ask = Ask::file(&self.account, "tags", Need::Tags, &absent);
        let got = self.account.ask(ask, || async { blob.get_tags(None).await?.into_model() }).await?;
        let pair = |tag: BlobTag| Some((tag.key?, tag.value.unwrap_or_default()));
        Ok(got.blob_tag_set.unwrap_or_default().into_iter().filter_map(pair).collect())
    }

    pub(crate) async fn tag(&self, name: &str, tags: &BTreeMap<String, String>) -> PortResult<()> {
        let blob = self.blob("tag", name, None)?;
        let invalid = |why: String| Err(self.error(PortErrorKind::Invalid, "tag", why));
        if tags.len() > MOST {
            return invalid(format!("a file can have {MOST} tags at most, and these are {}", tags.len()));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || c == ' ' || "+-./:=_".contains(c);
        for (tag, value) in tags {
            if tag.is_empty() || tag.len() > LONGEST_NAME || value.len() > LONGEST_VALUE {
                return invalid(format!("a tag's name has 1 to {LONGEST_NAME} characters and its value at most {LONGEST_VALUE}"));
            }
            if !tag.chars().chain(value.chars()).all(fits) {
                return invalid("tags have letters from a to z, digits, spaces and + - . / : = _".to_owned());
            }
        }
        let absent = absent(name);
        let ask = Ask::file(&self.account, "tag", Need::Tags, &absent);
        let set = tags.iter().map(|(key, value)| BlobTag { key: Some(key.clone()), value: Some(value.clone()) }).collect();
        let body: RequestContent<BlobTags, XmlFormat> =
            BlobTags { blob_tag_set: Some(set) }.try_into().map_err(|error: azure_core::Error| self.account.failed(ask, &error))?;
        self.account.ask(ask, || blob.set_tags(body.clone(), None)).await.map(drop)
    }
}
