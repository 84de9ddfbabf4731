//! Copying within the bucket: the service does it, and nothing passes through here. What is too large for one request is
//! copied in parts.

use crate::account::Account;
use crate::checksum::told;
use crate::customer::Unlocking;
use crate::fault::Ask;
use crate::names::copy_source;
use crate::nature::Nature;
use crate::plan::part_size;
use crate::seal::{Seal, sealed, source_unlocked, unlocked};
use crate::store::{S3Store, absent};
use crate::upload::{Begun, Piece, receipt};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{FileInfo, PartDone, PortResult};
use futures::{StreamExt as _, TryStreamExt as _};

/// How many parts are copied at once.
const AT_ONCE: usize = 4;

/// A copy that is to be made.
struct Copying<'a> {
    from: &'a str,
    /// As the header names it.
    source: String,
    version: Option<&'a str>,
    target: &'a str,
    /// The owner's key that the source is under.
    under: Unlocking,
    /// The encryption of the copy.
    seal: Seal,
}

impl S3Store {
    /// Copies a file, or one of its versions, with its type, its tags, its encryption and what else is known about it.
    pub(crate) async fn copied(&self, from: &str, version: Option<&str>, to: &str) -> PortResult<FileInfo> {
        let (source, target) = (self.key("copy", from)?, self.key("copy", to)?);
        self.learn().await;
        let (there, under) = self.headed("copy", from, version).await?;
        let size = u64::try_from(there.content_length().unwrap_or(0)).unwrap_or(0);
        // A fixed version stays what it is; what is current now may be replaced while it is copied.
        let version = version.or_else(|| there.version_id().filter(|id| *id != "null"));
        let copy = Copying {
            from,
            source: copy_source(self.bucket(), &source, version),
            version,
            target: &target,
            seal: self.seal_of(&there, &under),
            under,
        };
        let made =
            if size <= self.sizes.copy_at_once { self.copy_at_once(&copy).await? } else { self.copy_in_parts(&copy, &there, size).await? };
        let content_type = there.content_type().unwrap_or("application/octet-stream");
        let written = self.written(to, content_type, made, size, copy.seal.customer).await;
        written.map_err(|error| bellhop_core::PortError { operation: "copy", ..error })
    }

    async fn copy_at_once(&self, copy: &Copying<'_>) -> PortResult<Option<String>> {
        let client = self.account.client().await?;
        let absent = absent(copy.from);
        self.patiently(|| async {
            // What isn't said (type, tags, what else others wrote) is that of the file.
            let request = client.copy_object().bucket(self.bucket()).key(copy.target).copy_source(&copy.source);
            let request = source_unlocked!(sealed!(request, &copy.seal), &copy.under);
            let sent = request.customize().config_override(Account::once()).send().await;
            let ask = Ask::file(&self.account, "copy", "s3:PutObject", &absent).changing().sealing(&copy.seal);
            sent.map(|got| got.version_id().map(str::to_owned)).map_err(|error| self.account.failed(ask, &error))
        })
        .await
    }

    /// The tags of what is copied, as a header has them: in parts they don't go along by themselves.
    async fn tags_to_copy(&self, copy: &Copying<'_>) -> PortResult<Option<String>> {
        match self.tags_of_version("copy", copy.from, copy.version).await {
            Ok(tags) => self.tags_header("copy", &tags),
            Err(error) if error.kind == PortErrorKind::Unsupported => Ok(None),
            Err(error) if error.kind == PortErrorKind::Denied => {
                let message = format!("the tags of `{}` may not be read, and the copy would lose them: {}", copy.from, error.message);
                Err(bellhop_core::PortError { message, ..error })
            }
            Err(error) => Err(error),
        }
    }

    async fn copy_in_parts(&self, copy: &Copying<'_>, there: &HeadObjectOutput, size: u64) -> PortResult<Option<String>> {
        let nature = Nature::of(there, self.tags_to_copy(copy).await?, copy.seal.clone());
        let begun = Begun::begin(self, "copy", copy.target, &nature).await?;
        let part = part_size(size, self.sizes.copy_part);
        let ranges = (1..).map(|number| (number, u64::from(number - 1) * part)).take_while(|(_, start)| *start < size);
        let copies = ranges.map(|(number, start)| {
            let piece = begun.piece(number);
            let (source, under, etag) = (copy.source.clone(), copy.under.clone(), there.e_tag().map(str::to_owned));
            async move { piece.put_copy(&source, &under, etag, start, part.min(size - start)).await }
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
    async fn put_copy(&self, source: &str, under: &Unlocking, etag: Option<String>, start: u64, size: u64) -> PortResult<PartDone> {
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
        let request = source_unlocked!(unlocked!(request, &self.customer), under);
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
