//! Copying within the bucket: the service does it, and nothing passes through here. What is too large for one request is
//! copied in parts.

use crate::account::Account;
use crate::checksum::told;
use crate::fault::Ask;
use crate::names::copy_source;
use crate::plan::part_size;
use crate::store::{S3Store, absent};
use crate::upload::{Begun, Piece, receipt};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{FileInfo, PartDone, PortResult};
use futures::{StreamExt as _, TryStreamExt as _};

/// How many parts are copied at once.
const AT_ONCE: usize = 4;

impl S3Store {
    /// Copies a file, or one of its versions, with its type and what else is known about it.
    pub(crate) async fn copied(&self, from: &str, version: Option<&str>, to: &str) -> PortResult<FileInfo> {
        let (source, target) = (self.key("copy", from)?, self.key("copy", to)?);
        self.learn().await;
        let client = self.account.client().await?;
        let absent = absent(from);
        let ask = Ask::file(&self.account, "copy", "s3:GetObject", &absent).version(version);
        let request = client.head_object().bucket(self.bucket()).key(&source).set_version_id(version.map(str::to_owned));
        let there = request.send().await.map_err(|error| self.account.failed(ask, &error))?;
        let size = u64::try_from(there.content_length().unwrap_or(0)).unwrap_or(0);
        // A fixed version stays what it is; what is current now may be replaced while it is copied.
        let version = version.or_else(|| there.version_id().filter(|id| *id != "null"));
        let spelled = copy_source(self.bucket(), &source, version);
        let made = if size <= self.sizes.copy_at_once {
            self.copy_at_once(&spelled, &target, &absent).await?
        } else {
            self.copy_in_parts(&spelled, &target, &there, size).await?
        };
        let content_type = there.content_type().unwrap_or("application/octet-stream");
        self.written(to, content_type, made, size).await.map_err(|error| bellhop_core::PortError { operation: "copy", ..error })
    }

    async fn copy_at_once(&self, source: &str, target: &str, absent: &str) -> PortResult<Option<String>> {
        let client = self.account.client().await?;
        let (sse, kms_key) = self.account.sse();
        self.patiently(|| async {
            let request = client
                .copy_object()
                .bucket(self.bucket())
                .key(target)
                .copy_source(source)
                .set_server_side_encryption(sse.clone())
                .set_ssekms_key_id(kms_key.clone());
            let sent = request.customize().config_override(Account::once()).send().await;
            let ask = Ask::file(&self.account, "copy", "s3:PutObject", absent).changing();
            sent.map(|got| got.version_id().map(str::to_owned)).map_err(|error| self.account.failed(ask, &error))
        })
        .await
    }

    async fn copy_in_parts(&self, source: &str, target: &str, there: &HeadObjectOutput, size: u64) -> PortResult<Option<String>> {
        let content_type = there.content_type().unwrap_or("application/octet-stream");
        let begun = Begun::begin(self, "copy", target, content_type, there.metadata().cloned()).await?;
        let part = part_size(size, self.sizes.copy_part);
        let ranges = (1..).map(|number| (number, u64::from(number - 1) * part)).take_while(|(_, start)| *start < size);
        let copies = ranges.map(|(number, start)| {
            let piece = begun.piece(number);
            let (source, etag) = (source.to_owned(), there.e_tag().map(str::to_owned));
            async move { piece.put_copy(&source, etag, start, part.min(size - start)).await }
        });
        let done = async {
            let mut parts: Vec<PartDone> = futures::stream::iter(copies).buffer_unordered(AT_ONCE).try_collect().await?;
            parts.sort_by_key(|part| part.number);
            begun.complete(&parts, None, Some(size)).await
        };
        match done.await {
            Ok(version) => {
                begun.keep();
                Ok(version)
            }
            Err(error) => {
                begun.give_up().await;
                Err(error)
            }
        }
    }
}

impl Piece {
    async fn put_copy(&self, source: &str, etag: Option<String>, start: u64, size: u64) -> PortResult<PartDone> {
        let store = &self.store;
        let client = store.account.client().await?;
        let request = client
            .upload_part_copy()
            .bucket(store.bucket())
            .key(&self.key)
            .upload_id(&self.upload)
            .part_number(i32::try_from(self.number).unwrap_or(0))
            .copy_source(source)
            .copy_source_range(format!("bytes={start}-{}", start + size - 1))
            // All parts are of one content.
            .set_copy_source_if_match(etag);
        let sent = request.customize().config_override(Account::working()).send().await;
        let ask = Ask::file(&store.account, "copy", "s3:PutObject", "what was to be copied is gone");
        let got = sent.map_err(|error| store.account.failed(ask, &error))?;
        let Some(part) = got.copy_part_result().filter(|part| part.e_tag().is_some()) else {
            return Err(store.error(PortErrorKind::Broken, "copy", "the service copied a part and gives no ETag for it"));
        };
        let told = told!(part);
        let receipt = receipt(store, part.e_tag().unwrap_or_default(), &told);
        Ok(PartDone { number: self.number, size, checksum: told.one(), receipt })
    }
}

#[cfg(test)]
#[path = "copying_tests.rs"]
mod tests;
