//! Tags of a file.

use crate::fault::{Ask, Need};
use crate::store::{AzureStore, absent};
use azure_core::http::{RequestContent, XmlFormat};
use azure_storage_blob::models::{BlobTag, BlobTags};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::PortResult;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeMap;

/// Azure's limits: tags of a blob, and characters of a name and of a value.
/// <https://learn.microsoft.com/azure/storage/blobs/storage-manage-find-blobs>
const MOST: usize = 10;
const LONGEST_NAME: usize = 128;
const LONGEST_VALUE: usize = 256;

/// Tags as they go along with what is written; `None` where there are none.
pub(crate) fn spelled(tags: &BTreeMap<String, String>) -> Option<String> {
    let whole = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let all: Vec<String> = tags.iter().map(|(name, value)| format!("{}={}", whole(name), whole(value))).collect();
    (!all.is_empty()).then(|| all.join("&"))
}

impl AzureStore {
    pub(crate) async fn tags_of(&self, operation: &'static str, name: &str, version: Option<&str>) -> PortResult<BTreeMap<String, String>> {
        let blob = self.blob(operation, name, version)?;
        let absent = absent(name);
        let ask = Ask::file(&self.account, operation, Need::Tags, &absent).version(version);
        let got = self.account.ask(ask, || async { blob.get_tags(None).await?.into_model() }).await?;
        let pair = |tag: BlobTag| Some((tag.key?, tag.value.unwrap_or_default()));
        Ok(got.blob_tag_set.unwrap_or_default().into_iter().filter_map(pair).collect())
    }

    /// Whether the service takes these.
    pub(crate) fn taggable(&self, operation: &'static str, tags: &BTreeMap<String, String>) -> PortResult<()> {
        let invalid = |why: String| Err(self.error(PortErrorKind::Invalid, operation, why));
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
        Ok(())
    }

    /// Replaces all tags.
    pub(crate) async fn tag(&self, name: &str, tags: &BTreeMap<String, String>) -> PortResult<()> {
        let blob = self.blob("tag", name, None)?;
        self.taggable("tag", tags)?;
        let absent = absent(name);
        let ask = Ask::file(&self.account, "tag", Need::Tags, &absent);
        let set = tags.iter().map(|(key, value)| BlobTag { key: Some(key.clone()), value: Some(value.clone()) }).collect();
        let body: RequestContent<BlobTags, XmlFormat> =
            BlobTags { blob_tag_set: Some(set) }.try_into().map_err(|error: azure_core::Error| self.account.failed(ask, &error))?;
        self.account.ask(ask, || blob.set_tags(body.clone(), None)).await.map(drop)
    }
}
