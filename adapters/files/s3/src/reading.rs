//! Reading: a file's bytes as they come, checked at the end. Where the connection breaks in the middle, the rest is asked
//! for on a new one, as long as the file is still the same.

use crate::checksum::{Sums, Told, told};
use crate::customer::Unlocking;
use crate::fault::{Ask, Said, innermost};
use crate::names::guessed_type;
use crate::seal::{told_encryption, unlocked};
use crate::store::{S3Store, absent, moment};
use crate::unlocking::Shut;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream as Body;
use aws_sdk_s3::types::ChecksumMode;
use bellhop_core::ids::VersionId;
use bellhop_core::ports::{ByteStream, FileEncryption, FileInfo, PortResult, ReadRange, StoredFile};
use bellhop_core::{PortError, PortErrorKind};
use bytes::Bytes;
use std::collections::HashMap;

/// How often the rest is asked for again where little or nothing comes between the breaks.
const RESUMES: u32 = 3;
/// So many bytes between two breaks show that the way is bad and not closed: what was tried before counts no more.
const PROGRESS: u64 = 256 << 10;

/// What an answer has of a file's facts.
pub(crate) struct Facts<'a> {
    pub size: u64,
    pub content_type: Option<&'a str>,
    pub modified: Option<&'a aws_sdk_s3::primitives::DateTime>,
    pub version: Option<&'a str>,
    pub metadata: Option<&'a HashMap<String, String>>,
    pub encryption: Option<FileEncryption>,
}

/// Where a SHA-256 of the bytes is kept, by whoever wrote them in one piece.
pub(crate) const SHA256: &str = "sha256";

impl Facts<'_> {
    pub fn info(self, name: &str) -> FileInfo {
        let sum = self.metadata.and_then(|metadata| metadata.get(SHA256));
        let sum = sum.filter(|sum| sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit()));
        FileInfo {
            name: name.to_owned(),
            size: self.size,
            content_type: self.content_type.map_or_else(|| guessed_type(name), str::to_owned),
            modified: moment(self.modified),
            version: self.version.map(VersionId::new),
            sha256: sum.map(|sum| sum.to_ascii_lowercase()),
            encryption: self.encryption,
        }
    }
}

/// What is being read.
pub(crate) struct Reading {
    pub store: S3Store,
    pub name: String,
    pub version: Option<String>,
    pub etag: Option<String>,
    body: Body,
    /// The next byte of the file, and the one after the last that is wanted.
    pub at: u64,
    pub end: u64,
    /// Bytes that come before those that are wanted: the server doesn't know ranges.
    pub skip: u64,
    resumes: u32,
    /// Where it broke the last time.
    broke_at: Option<u64>,
    pub sums: Option<(Sums, Told)>,
}

impl S3Store {
    pub(crate) async fn open(&self, name: &str, version: Option<&VersionId>, range: Option<ReadRange>) -> PortResult<StoredFile> {
        let (start, length) = range.map_or((0, None), |range| (range.start, range.length));
        if length == Some(0) || i64::try_from(start).is_err() {
            return self.nothing_of(name, version).await;
        }
        match self.opened(name, version, start, length, None).await {
            Ok((info, reading)) => Ok(StoredFile { info, bytes: reading.wide().await }),
            Err(Refusal::PastTheEnd) => self.nothing_of(name, version).await,
            Err(Refusal::Failed(error)) => Err(error),
        }
    }

    /// Begins to read, only what has this mark of its content where one is given.
    pub(crate) async fn opened(
        &self,
        name: &str,
        version: Option<&VersionId>,
        start: u64,
        length: Option<u64>,
        etag: Option<&str>,
    ) -> Result<(FileInfo, Reading), Refusal> {
        let last = length.map(|length| start.saturating_add(length - 1));
        let header = match (start, last) {
            (0, None) => None,
            (start, None) => Some(format!("bytes={start}-")),
            (start, Some(last)) => Some(format!("bytes={start}-{}", last.min(i64::MAX.unsigned_abs()))),
        };
        let version = version.map(|version| version.as_str().to_owned());
        let (got, key) = self.get(name, version.as_deref(), header.as_deref(), etag).await?;
        let sent = u64::try_from(got.content_length().unwrap_or(0)).unwrap_or(0);
        let total = got.content_range().and_then(|range| range.rsplit('/').next()).and_then(|total| total.parse().ok());
        let partial = got.content_range().is_some();
        let size = total.unwrap_or(sent);
        let facts = Facts {
            size,
            content_type: got.content_type(),
            modified: got.last_modified(),
            version: self.shown_version(got.version_id()),
            metadata: got.metadata(),
            encryption: told_encryption!(got, &key),
        };
        let info = facts.info(name);
        let end = last.map_or(size, |last| size.min(last.saturating_add(1)));
        let checked = header.is_none().then(|| (Sums::new(), told!(got)));
        let reading = Reading {
            store: self.clone(),
            name: name.to_owned(),
            version: version.or_else(|| got.version_id().map(str::to_owned)),
            etag: got.e_tag().map(str::to_owned),
            body: got.body,
            at: start.min(end),
            end,
            skip: if partial { 0 } else { start },
            resumes: 0,
            broke_at: None,
            sums: checked,
        };
        Ok((info, reading))
    }

    /// The facts of a file and none of its bytes.
    async fn nothing_of(&self, name: &str, version: Option<&VersionId>) -> PortResult<StoredFile> {
        let info = self.look(name, version).await?;
        Ok(StoredFile { info, bytes: Box::pin(futures::stream::empty()) })
    }

    /// What came has another checksum.
    pub(crate) fn not_what_was_stored(&self, name: &str) -> PortError {
        let message = format!("the bytes of `{name}` don't have the checksum that the service keeps; read it again");
        let mut error = self.error(PortErrorKind::Broken, "read", message);
        error.retry = bellhop_core::Retry::Backoff;
        error
    }

    async fn get(
        &self,
        name: &str,
        version: Option<&str>,
        range: Option<&str>,
        etag: Option<&str>,
    ) -> Result<(GetObjectOutput, Unlocking), Refusal> {
        let key = self.key("read", name).map_err(Refusal::Failed)?;
        let client = self.account.client().await.map_err(Refusal::Failed)?;
        let asked = self.unlocked("read", name, version, |unlocking| {
            let request = client
                .get_object()
                .bucket(self.bucket())
                .key(&key)
                .set_version_id(version.map(str::to_owned))
                .set_range(range.map(str::to_owned))
                .set_if_match(etag.map(str::to_owned))
                // The checksum of a whole comes with it; that of a part would be of no use.
                .set_checksum_mode(range.is_none().then_some(ChecksumMode::Enabled));
            let request = unlocked!(request, unlocking);
            async move { request.send().await }
        });
        match asked.await {
            Ok(got) => {
                self.seen();
                Ok(got)
            }
            Err(Shut::Locked(error)) => Err(Refusal::Failed(error)),
            Err(Shut::Failed(error)) => {
                if Said::of(&error).is_some_and(|said| said.status == 416) {
                    return Err(Refusal::PastTheEnd);
                }
                let absent = absent(name);
                let needs = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
                Err(Refusal::Failed(self.account.failed(Ask::file(&self.account, "read", needs, &absent).version(version), &error)))
            }
        }
    }
}

pub(crate) enum Refusal {
    PastTheEnd,
    Failed(PortError),
}

impl Reading {
    pub fn stream(self) -> ByteStream {
        Box::pin(futures::stream::try_unfold(self, |mut reading| async move {
            let chunk = reading.next().await?;
            Ok(chunk.map(|chunk| (chunk, reading)))
        }))
    }

    pub fn failed(&self, kind: PortErrorKind, message: String) -> PortError {
        PortError::new(kind, self.store.account.service.clone(), "read", message)
    }

    pub async fn next(&mut self) -> PortResult<Option<Bytes>> {
        loop {
            if self.at >= self.end {
                return self.ended().await;
            }
            let trouble = match tokio::time::timeout(self.store.sizes.silence, self.body.next()).await {
                Ok(Some(Ok(chunk))) => match self.wanted(chunk) {
                    Some(chunk) => return Ok(Some(chunk)),
                    None => continue,
                },
                Ok(Some(Err(error))) => self.failed(
                    PortErrorKind::Unavailable,
                    format!("the connection broke while `{}` was read ({})", self.name, innermost(&error)),
                ),
                Ok(None) => {
                    self.failed(PortErrorKind::Unavailable, format!("`{}` ended {} bytes too early", self.name, self.end - self.at))
                }
                Err(_) => self.failed(PortErrorKind::TimedOut, {
                    let seconds = self.store.sizes.silence.as_secs();
                    format!("nothing more came of `{}` for {seconds} s", self.name)
                }),
            };
            self.resume(trouble).await?;
        }
    }

    /// What of a chunk is wanted.
    fn wanted(&mut self, mut chunk: Bytes) -> Option<Bytes> {
        if self.skip > 0 {
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(chunk.len());
            self.skip -= skipped as u64;
            chunk = chunk.split_off(skipped);
        }
        let room = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        chunk.truncate(room);
        if chunk.is_empty() {
            return None;
        }
        self.at += chunk.len() as u64;
        if let Some((sums, _)) = &mut self.sums {
            sums.update(&chunk);
        }
        Some(chunk)
    }

    /// Asks for the rest, or gives up with what went wrong.
    async fn resume(&mut self, trouble: PortError) -> PortResult<()> {
        // Without a mark of its content it can't be told whether the rest is of the same file.
        if self.broke_at.is_some_and(|before| self.at - before >= PROGRESS) {
            self.resumes = 0;
        }
        if self.resumes == RESUMES || self.etag.is_none() {
            return Err(trouble);
        }
        self.resumes += 1;
        self.broke_at = Some(self.at);
        tracing::debug!(file = %self.name, at = self.at, "reading goes on after a break");
        let range = format!("bytes={}-{}", self.at, self.end - 1);
        match self.store.get(&self.name, self.version.as_deref(), Some(&range), self.etag.as_deref()).await {
            Ok((got, _)) if got.content_range().is_some() => {
                self.skip = 0;
                self.body = got.body;
                Ok(())
            }
            Ok((got, _)) => {
                self.skip = self.at;
                self.body = got.body;
                Ok(())
            }
            Err(Refusal::Failed(error)) if matches!(error.kind, PortErrorKind::Conflict | PortErrorKind::NotFound) => {
                let message = format!("`{}` was changed while it was read; read it again", self.name);
                Err(self.failed(PortErrorKind::Conflict, message))
            }
            Err(_) => Err(trouble),
        }
    }

    /// Everything came: is it what was stored?
    async fn ended(&mut self) -> PortResult<Option<Bytes>> {
        let Some((sums, told)) = self.sums.take() else { return Ok(None) };
        // The SDK checks too, and says so where the stream ends.
        let refused = if self.broke_at.is_none() && self.skip == 0 {
            matches!(tokio::time::timeout(self.store.sizes.silence, self.body.next()).await, Ok(Some(Err(_))))
        } else {
            false
        };
        if refused || !sums.agree(&told) { Err(self.store.not_what_was_stored(&self.name)) } else { Ok(None) }
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
