//! Tags of a file.

use crate::fault::Ask;
use crate::names::parameter;
use crate::nature::Nature;
use crate::store::{S3Store, absent};
use aws_sdk_s3::types::{Tag, Tagging};
use bellhop_core::ports::PortResult;
use bellhop_core::text::{one_line, shorten};
use bellhop_core::{PortError, PortErrorKind};
use std::collections::BTreeMap;

/// S3's limits: tags of a file, and characters of a name and of a value.
const MOST: usize = 10;
const LONGEST_NAME: usize = 128;
const LONGEST_VALUE: usize = 256;

impl S3Store {
    pub(crate) async fn tags_of(&self, name: &str) -> PortResult<BTreeMap<String, String>> {
        self.tags_of_version("tags", name, None).await
    }

    pub(crate) async fn tags_of_version(
        &self,
        operation: &'static str,
        name: &str,
        version: Option<&str>,
    ) -> PortResult<BTreeMap<String, String>> {
        let key = self.key(operation, name)?;
        let absent = absent(name);
        let client = self.account.client().await?;
        let request = client.get_object_tagging().bucket(self.bucket()).key(key).set_version_id(version.map(str::to_owned));
        let needs = if version.is_some() { "s3:GetObjectVersionTagging" } else { "s3:GetObjectTagging" };
        let ask = Ask::file(&self.account, operation, needs, &absent).version(version);
        let got = match request.send().await {
            // Ceph says nothing at all of a file that has none.
            Err(error) if error.raw_response().is_some_and(|raw| raw.status().is_success() && raw.body().bytes() == Some(&[])) => {
                return Ok(BTreeMap::new());
            }
            other => other.map_err(|error| self.account.failed(ask, &error))?,
        };
        Ok(got.tag_set().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect())
    }

    pub(crate) async fn tag(&self, name: &str, tags: &BTreeMap<String, String>) -> PortResult<()> {
        let key = self.key("tag", name)?;
        let invalid = |why: String| Err(self.error(PortErrorKind::Invalid, "tag", why));
        if let Err(why) = fitting(tags) {
            return invalid(why);
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

    /// Sees to it that a server has tags before a file is written with some: others than AWS may ignore them without a word.
    pub(crate) async fn ensure_tagging(&self, operation: &'static str, name: &str, nature: &Nature) -> PortResult<()> {
        if nature.tags.is_none() || self.account.is_aws() || self.has_tags() {
            return Ok(());
        }
        match self.tags_of_version(operation, name, None).await {
            Err(error) if error.kind == PortErrorKind::Unsupported => {
                let message = format!("{} has no tags; write the file without", self.account.place());
                Err(PortError { message, ..error })
            }
            Err(error) if matches!(error.kind, PortErrorKind::Denied | PortErrorKind::NotFound) => {
                self.note_tags();
                Ok(())
            }
            Err(error) => Err(error),
            Ok(_) => {
                self.note_tags();
                Ok(())
            }
        }
    }

    /// Tags as a header has them when a file is written; none where there are none.
    pub(crate) fn tags_header(&self, operation: &'static str, tags: &BTreeMap<String, String>) -> PortResult<Option<String>> {
        fitting(tags).map_err(|why| self.error(PortErrorKind::Invalid, operation, why))?;
        Ok(spelled(tags))
    }
}

/// Whether S3 takes them.
fn fitting(tags: &BTreeMap<String, String>) -> Result<(), String> {
    if tags.len() > MOST {
        return Err(format!("a file can have {MOST} tags at most, and these are {}", tags.len()));
    }
    let fits = |c: char| c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c);
    for (tag, value) in tags {
        let shown = shorten(&one_line(tag), 40);
        if tag.is_empty() || tag.chars().count() > LONGEST_NAME || value.chars().count() > LONGEST_VALUE {
            return Err(format!("the tag `{shown}`: a name has 1 to {LONGEST_NAME} characters and a value at most {LONGEST_VALUE}"));
        }
        if !tag.chars().chain(value.chars()).all(fits) {
            return Err(format!("the tag `{shown}`: tags have letters, digits, spaces and + - = . _ : / @"));
        }
        if tag.to_ascii_lowercase().starts_with("aws:") {
            return Err(format!("the tag `{shown}`: names that begin with aws: are kept for the service's own"));
        }
    }
    Ok(())
}

/// Tags as a query.
fn spelled(tags: &BTreeMap<String, String>) -> Option<String> {
    let pairs: Vec<String> = tags.iter().map(|(tag, value)| format!("{}={}", parameter(tag), parameter(value))).collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_header_has_every_letter_of_them() {
        assert_eq!(spelled(&tags(&[])), None);
        let all = tags(&[("a b", "x=1 +2"), ("ü/@", ""), ("z", "a:b_c.d-e")]);
        assert_eq!(spelled(&all).unwrap(), "a%20b=x%3D1%20%2B2&z=a%3Ab_c.d-e&%C3%BC%2F%40=");
    }

    #[test]
    fn what_s3_does_not_take_says_why() {
        let eleven: BTreeMap<String, String> = (0..11).map(|n| (format!("t{n}"), String::new())).collect();
        assert!(fitting(&eleven).unwrap_err().contains("10 tags at most, and these are 11"));
        let (name, value) = ("n".repeat(128), "ü".repeat(256));
        assert_eq!(fitting(&tags(&[(&name, &value)])), Ok(()));
        for (name, value, why) in [
            ("", "v", "1 to 128"),
            (format!("{name}n").as_str(), "v", "1 to 128"),
            ("n", format!("{value}v").as_str(), "at most 256"),
            ("a&b", "v", "letters, digits"),
            ("n", "a\nb", "letters, digits"),
            ("AWS:x", "v", "kept for the service"),
        ] {
            assert!(fitting(&tags(&[(name, value)])).unwrap_err().contains(why), "{name} {value}");
        }
    }
}
