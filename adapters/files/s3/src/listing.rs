//! Listing: pages of any length from the service's own, with the configured prefix taken off.

use crate::fault::Ask;
use crate::names::{decoded, guessed_type, name};
use crate::store::{S3Store, moment};
use aws_sdk_s3::types::{EncodingType, Object};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{FileInfo, FilePage, FolderPage, PortResult, file_name, listed_folder};

/// The most that S3 gives in one answer.
const PAGE: usize = 1000;
/// What stands before the service's own mark of where a page of a folder begins.
const TOKEN: &str = "token:";

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
                page.files.extend(name(self.prefix(), &key).map(|name| listed(name, object)));
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

    /// What is directly in a folder, a page as the service gives it. Of a server that knows no folders everything is looked
    /// through in their place.
    pub(crate) async fn directly(&self, prefix: &str, from: Option<&str>, limit: usize) -> PortResult<FolderPage> {
        self.learn().await;
        if let Some(place) = from.filter(|from| !from.starts_with(TOKEN)) {
            return listed_folder(self, prefix, Some(place), limit).await;
        }
        let token = from.map(|from| &from[TOKEN.len()..]);
        let encode = self.account.is_aws();
        let page = match self.directly_of(prefix, token, limit, encode).await {
            Err(error) if error.kind == PortErrorKind::Broken && !encode => self.directly_of(prefix, token, limit, true).await?,
            other => other?,
        };
        match page {
            Some(page) => Ok(page),
            None if token.is_none() => listed_folder(self, prefix, None, limit).await,
            None => Err(self.error(PortErrorKind::Broken, "list", "the service told folders on one page and not on the next")),
        }
    }

    /// `None` where the answer shows that the server doesn't know folders.
    async fn directly_of(&self, prefix: &str, token: Option<&str>, limit: usize, encode: bool) -> PortResult<Option<FolderPage>> {
        let client = self.account.client().await?;
        let whole = format!("{}{prefix}", self.prefix());
        let request = client
            .list_objects_v2()
            .bucket(self.bucket())
            .prefix(&whole)
            .delimiter("/")
            .set_encoding_type(encode.then_some(EncodingType::Url))
            .set_continuation_token(token.map(str::to_owned))
            .max_keys(i32::try_from(limit.clamp(1, PAGE)).unwrap_or(1));
        let ask = Ask::file(&self.account, "list", "s3:ListBucket", "there is nothing to list");
        let got = request.send().await.map_err(|error| self.account.failed(ask, &error))?;
        self.seen();
        let encoded = encode && got.encoding_type() == Some(&EncodingType::Url);
        let read = |text: &str| {
            let text = if encoded { decoded(text) } else { Some(text.to_owned()) };
            text.ok_or_else(|| self.error(PortErrorKind::Broken, "list", "the service lists a key that is no text"))
        };
        let mut page = FolderPage::default();
        for folder in got.common_prefixes() {
            let folder = read(folder.prefix().unwrap_or_default())?;
            let name = folder.strip_prefix(self.prefix()).and_then(|name| name.strip_suffix('/'));
            page.folders.extend(name.filter(|name| file_name(name).is_ok()).map(|name| format!("{name}/")));
        }
        for object in got.contents() {
            let key = read(object.key().unwrap_or_default())?;
            let below = key.strip_prefix(&whole).and_then(|rest| rest.split_once('/'));
            if below.is_some_and(|(_, rest)| !rest.is_empty()) {
                return Ok(None);
            }
            page.files.extend(name(self.prefix(), &key).map(|name| listed(name, object)));
        }
        if page.folders.len() + page.files.len() > limit.max(1) {
            return Ok(None);
        }
        if got.is_truncated().unwrap_or(false) {
            match got.next_continuation_token().filter(|next| token != Some(*next)) {
                Some(next) => page.next = Some(format!("{TOKEN}{next}")),
                None => return Ok(None),
            }
        }
        Ok(Some(page))
    }
}

/// What a listing tells of a file.
fn listed(name: &str, object: &Object) -> FileInfo {
    FileInfo {
        name: name.to_owned(),
        size: u64::try_from(object.size().unwrap_or(0)).unwrap_or(0),
        content_type: guessed_type(name),
        modified: moment(object.last_modified()),
        version: None,
        sha256: None,
        encryption: None,
    }
}
