//! Versions: a name's history with its deletions, and bringing back what was there.
//!
//! A deletion is a version of its own, a mark. Undeleting takes the marks above the content away again; making an older
//! content current copies it, so that nothing in between is lost.

use crate::fault::Ask;
use crate::names::decoded;
use crate::store::{S3Store, absent, moment};
use crate::wire::{Captured, in_order};
use aws_sdk_s3::types::EncodingType;
use bellhop_core::ids::VersionId;
use bellhop_core::ports::{FileInfo, PortResult, Version};
use bellhop_core::{PortError, PortErrorKind};

impl S3Store {
    /// The versions of a name, newest first.
    pub(crate) async fn history(&self, name: &str) -> PortResult<Vec<Version>> {
        let key = self.key("versions", name)?;
        self.learn().await;
        let found = match self.all_versions(&key).await {
            // A server without versions: what is there now is all there is.
            Err(error) if error.kind == PortErrorKind::Unsupported => {
                let info = self.look(name, None).await?;
                let id = info.version.unwrap_or_else(|| "null".into());
                vec![Version { id, size: info.size, modified: info.modified, current: true, deletion: false }]
            }
            other => other?,
        };
        if found.is_empty() {
            return Err(PortError::not_found(self.account.service.clone(), "versions", absent(name)));
        }
        Ok(found)
    }

    async fn all_versions(&self, key: &str) -> PortResult<Vec<Version>> {
        // As with listings: AWS encodes names, others are asked to only when their answer can't be read.
        let encode = self.account.is_aws();
        match self.all_versions_of(key, encode).await {
            Err(error) if error.kind == PortErrorKind::Broken && !encode => self.all_versions_of(key, true).await,
            other => other,
        }
    }

    async fn all_versions_of(&self, key: &str, encode: bool) -> PortResult<Vec<Version>> {
        let client = self.account.client().await?;
        let mut found: Vec<(usize, Version)> = Vec::new();
        let (mut key_marker, mut id_marker) = (None::<String>, None::<String>);
        loop {
            let captured = Captured::default();
            let request = client
                .list_object_versions()
                .bucket(self.bucket())
                .prefix(key)
                .set_encoding_type(encode.then_some(EncodingType::Url))
                .set_key_marker(key_marker.clone())
                .set_version_id_marker(id_marker.clone());
            let sent = request.customize().interceptor(captured.clone()).send().await;
            let ask = Ask::file(&self.account, "versions", "s3:ListBucketVersions", "there is no such file");
            let got = sent.map_err(|error| self.account.failed(ask, &error))?;
            self.seen();
            // The SDK sorts versions and marks into two lists; how they stand to each other is only in the answer itself.
            let order = in_order(&captured.text());
            let encoded = encode && got.encoding_type() == Some(&EncodingType::Url);
            let plain = |text: &str| if encoded { decoded(text).unwrap_or_default() } else { text.to_owned() };
            let is = |found: Option<&str>| found.is_some_and(|found| plain(found) == key);
            let place =
                |id: &str| found.len() + order.iter().position(|there| is(Some(&there.0)) && there.1 == id).unwrap_or(usize::MAX / 2);
            let mut page = Vec::new();
            for version in got.versions().iter().filter(|version| is(version.key())) {
                let id = version.version_id().unwrap_or("null");
                let size = u64::try_from(version.size().unwrap_or(0)).unwrap_or(0);
                let (modified, current) = (moment(version.last_modified()), version.is_latest() == Some(true));
                page.push((place(id), Version { id: id.into(), size, modified, current, deletion: false }));
            }
            for mark in got.delete_markers().iter().filter(|mark| is(mark.key())) {
                let id = mark.version_id().unwrap_or("null");
                let (modified, current) = (moment(mark.last_modified()), mark.is_latest() == Some(true));
                page.push((place(id), Version { id: id.into(), size: 0, modified, current, deletion: true }));
            }
            found.extend(page);
            let next = (got.next_key_marker().map(plain), got.next_version_id_marker().map(str::to_owned));
            // Names that only begin with this one come after it.
            let beyond = next.0.as_deref().is_none_or(|next| next > key);
            if !got.is_truncated().unwrap_or(false) || beyond || next == (key_marker.clone(), id_marker.clone()) {
                break;
            }
            (key_marker, id_marker) = next;
        }
        found.sort_by(|(a_place, a), (b_place, b)| b.current.cmp(&a.current).then(b.modified.cmp(&a.modified)).then(a_place.cmp(b_place)));
        Ok(found.into_iter().map(|(_, version)| version).collect())
    }

    /// Makes an older version current, or takes a deletion back.
    pub(crate) async fn bring_back(&self, name: &str, version: Option<&VersionId>) -> PortResult<FileInfo> {
        let found = self.history(name).await.map_err(|error| PortError { operation: "restore", ..error })?;
        let wanted = match version {
            Some(id) => found.iter().find(|version| version.id == *id).ok_or_else(|| {
                let shown = bellhop_core::text::shorten(&bellhop_core::text::one_line(id.as_str()), 60);
                PortError::not_found(self.account.service.clone(), "restore", format!("`{name}` has no version `{shown}`"))
            })?,
            None => found.iter().find(|version| !version.deletion).ok_or_else(|| {
                let message = format!("of `{name}` only deletions are left; there is nothing to bring back");
                PortError::not_found(self.account.service.clone(), "restore", message)
            })?,
        };
        if wanted.deletion {
            let message = format!("the version {} is a deletion; choose one with content", wanted.id);
            return Err(self.error(PortErrorKind::Invalid, "restore", message));
        }
        if wanted.current {
            let message = format!("that is what `{name}` gives already");
            return Err(self.error(PortErrorKind::Conflict, "restore", message));
        }
        let above: Vec<&Version> = found.iter().take_while(|version| version.id != wanted.id).collect();
        if above.iter().all(|version| version.deletion) && self.unmark(name, &above).await? {
            return self.look(name, None).await;
        }
        self.copied(name, Some(wanted.id.as_str()), name).await.map_err(|error| PortError { operation: "restore", ..error })
    }

    /// Takes marks of deletions away; false when that isn't allowed and none was.
    async fn unmark(&self, name: &str, marks: &[&Version]) -> PortResult<bool> {
        let key = self.key("restore", name)?;
        // The newest last: until then the name stays deleted.
        for (at, mark) in marks.iter().rev().enumerate() {
            match self.remove_version("restore", &key, mark.id.as_str()).await {
                Ok(()) => {}
                Err(error) if at == 0 && error.kind == PortErrorKind::Denied => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
