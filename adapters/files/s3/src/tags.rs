//! Tags of a file.

use crate::fault::Ask;
use crate::store::{S3Store, absent};
use aws_sdk_s3::types::{Tag, Tagging};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::PortResult;
use std::collections::BTreeMap;

/// S3's limits: tags of a file, and characters of a name and of a value.
const MOST: usize = 10;
const LONGEST_NAME: usize = 128;
const LONGEST_VALUE: usize = 256;

impl S3Store {
    pub(crate) async fn tags_of(&self, name: &str) -> PortResult<BTreeMap<String, String>> {
        let key = self.key("tags", name)?;
        let absent = absent(name);
        let client = self.account.client().await?;
        let sent = client.get_object_tagging().bucket(self.bucket()).key(key).send().await;
        let ask = Ask::file(&self.account, "tags", "s3:GetObjectTagging", &absent);
        let got = sent.map_err(|error| self.account.failed(ask, &error))?;
        Ok(got.tag_set().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect())
    }

    pub(crate) async fn tag(&self, name: &str, tags: &BTreeMap<String, String>) -> PortResult<()> {
        let key = self.key("tag", name)?;
        let invalid = |why: String| Err(self.error(PortErrorKind::Invalid, "tag", why));
        if tags.len() > MOST {
            return invalid(format!("a file can have {MOST} tags at most, and these are {}", tags.len()));
        }
        let fits = |c: char| c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c);
        for (tag, value) in tags {
            if tag.is_empty() || tag.chars().count() > LONGEST_NAME || value.chars().count() > LONGEST_VALUE {
                return invalid(format!("a tag's name has 1 to {LONGEST_NAME} characters and its value at most {LONGEST_VALUE}"));
            }
            if !tag.chars().chain(value.chars()).all(fits) {
                return invalid("tags have letters, digits, spaces and + - = . _ : / @".to_owned());
            }
        }
        let absent = absent(name);
        let client = self.account.client().await?;
        let ask = Ask::file(&self.account, "tag", "s3:PutObjectTagging", &absent);
        if tags.is_empty() {
            let sent = client.delete_object_tagging().bucket(self.bucket()).key(key).send().await;
            return sent.map(drop).map_err(|error| self.account.failed(ask, &error));
        }
        let pairs = tags.iter().filter_map(|(tag, value)| Tag::builder().key(tag).value(value).build().ok()).collect();
        let Ok(tagging) = Tagging::builder().set_tag_set(Some(pairs)).build() else { return invalid("these are no tags".to_owned()) };
        let sent = client.put_object_tagging().bucket(self.bucket()).key(key).tagging(tagging).send().await;
        sent.map(drop).map_err(|error| self.account.failed(ask, &error))
    }
}
