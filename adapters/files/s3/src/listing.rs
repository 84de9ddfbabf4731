//! Listing: pages of any length from the service's own, with the configured prefix taken off.

use crate::fault::Ask;
use crate::names::{decoded, guessed_type, name};
use crate::store::{S3Store, moment};
use aws_sdk_s3::types::EncodingType;
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{FileInfo, FilePage, PortResult};

/// The most that S3 gives in one answer.
const PAGE: usize = 1000;

impl S3Store {
    /// A page. Where the next one begins is the last key of this one, so that it means the same after any pause.
    ///
    /// AWS is asked to encode the names, since XML has no way to write some of them. Others say that they do and don't, so
    /// that a plus in a name would be taken for a space; they are asked only when their answer can't be read otherwise.
    pub(crate) async fn page(&self, prefix: &str, from: Option<&str>, limit: usize) -> PortResult<FilePage> {
        self.learn().await;
        let encode = self.account.is_aws();
        match self.page_of(prefix, from, limit, encode).await {
            Err(error) if error.kind == PortErrorKind::Broken && !encode => self.page_of(prefix, from, limit, true).await,
            other => other,
        }
    }

    async fn page_of(&self, prefix: &str, from: Option<&str>, limit: usize, encode: bool) -> PortResult<FilePage> {
        let client = self.account.client().await?;
        let limit = limit.max(1);
        let mut page = FilePage::default();
        let mut after = from.map(str::to_owned);
        loop {
            let wanted = (limit - page.files.len()).min(PAGE);
            let request = client
                .list_objects_v2()
                .bucket(self.bucket())
                .prefix(format!("{}{prefix}", self.prefix()))
                .set_encoding_type(encode.then_some(EncodingType::Url))
                .set_start_after(after.clone())
                .max_keys(i32::try_from(wanted).unwrap_or(1));
            let got = request.send().await.map_err(|error| {
                self.account.failed(Ask::file(&self.account, "list", "s3:ListBucket", "there is nothing to list"), &error)
            })?;
            self.seen();
            let encoded = encode && got.encoding_type() == Some(&EncodingType::Url);
            let mut last = None;
            for object in got.contents() {
                let key = object.key().unwrap_or_default();
                let key = if encoded { decoded(key) } else { Some(key.to_owned()) };
                let Some(key) = key else {
                    return Err(self.error(PortErrorKind::Broken, "list", "the service lists a key that is no text"));
                };
                if let Some(name) = name(self.prefix(), &key) {
                    page.files.push(FileInfo {
                        name: name.to_owned(),
                        size: u64::try_from(object.size().unwrap_or(0)).unwrap_or(0),
                        content_type: guessed_type(name),
                        modified: moment(object.last_modified()),
                        version: None,
                        sha256: None,
                        encryption: None,
                    });
                }
                last = Some(key);
            }
            let more = got.is_truncated().unwrap_or(false);
            let Some(last) = last.filter(|_| more) else { return Ok(page) };
            if page.files.len() >= limit {
                page.next = Some(last);
                return Ok(page);
            }
            if after.as_ref() == Some(&last) {
                return Err(self.error(PortErrorKind::Broken, "list", "the service gives the same page again and again"));
            }
            after = Some(last);
        }
    }
}
