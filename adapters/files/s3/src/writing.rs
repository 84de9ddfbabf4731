//! Writing: what is small goes in one request, everything else in parts that become visible all at once. Memory stays the
//! same whatever the size; whatever fails leaves nothing.

use crate::account::Account;
use crate::body::piped;
use crate::checksum::{Sums, told};
use crate::config::Checksums;
use crate::customer::Unlocking;
use crate::fault::Ask;
use crate::nature::Nature;
use crate::plan::{LARGEST, MOST_PARTS, SMALL, at_once, growing, part_size};
use crate::reading::SHA256;
use crate::seal::sealed;
use crate::source::Source;
use crate::store::S3Store;
use crate::upload::{Begun, Piece};
use aws_sdk_s3::primitives::ByteStream as Body;
use aws_sdk_s3::types::ChecksumAlgorithm;
use bellhop_core::ids::VersionId;
use bellhop_core::ports::{ByteStream, FileInfo, NewFile, PartDone, PortResult, Versioning};
use bellhop_core::{PortError, PortErrorKind, Retry};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::future::Future;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;

/// How often something that was certainly not done is tried.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl S3Store {
    /// Tries again what the service turned away for being busy, and only that: a failure that leaves open whether it was done
    /// is the caller's.
    pub(crate) async fn patiently<T, F: Future<Output = PortResult<T>>>(&self, mut attempt: impl FnMut() -> F) -> PortResult<T> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            let known = self.account.regions.count();
            match attempt().await {
                // It went to the wrong region, and now it is known which is right.
                Err(error) if error.kind == PortErrorKind::Invalid && self.account.regions.count() != known => {}
                Err(error) if !error.maybe_done && error.kind == PortErrorKind::RateLimited => {
                    let wanted = if let Retry::After(wanted) = error.retry { wanted } else { pause };
                    if wanted > LONGEST_PAUSE {
                        return Err(error);
                    }
                    tokio::time::sleep(wanted).await;
                    pause *= 2;
                }
                other => return other,
            }
        }
        attempt().await
    }

    pub(crate) async fn store(&self, file: NewFile, bytes: ByteStream) -> PortResult<FileInfo> {
        let key = self.key("write", &file.name)?;
        self.fits(file.size, "write")?;
        let nature = Nature::new(self, "write", &file)?;
        self.learn().await;
        self.ensure_tagging("write", &file.name, &nature).await?;
        let mut source = Source::new(bytes, file.size, &self.account.service, "write");
        source.fill(SMALL).await?;
        let (version, size) = if source.is_ended() {
            let whole = source.take(SMALL);
            self.ensure_sealing("write", &key, &nature.seal).await?;
            (self.put(&key, &nature, &whole, &source.sums).await?, whole.len() as u64)
        } else {
            let begun = Begun::begin(self, "write", &key, &nature).await?;
            let done = async {
                let parts = self.send(&begun, &mut source, file.size).await?;
                begun.complete(&parts, Some(&source.sums), Some(source.came())).await
            };
            match done.await {
                Ok(version) => {
                    begun.keep();
                    (version, source.came())
                }
                Err(error) => {
                    begun.give_up().await;
                    return Err(error);
                }
            }
        };
        self.written(&file.name, &file.content_type, version, size, nature.seal.customer).await
    }

    pub(crate) fn fits(&self, size: Option<u64>, operation: &'static str) -> PortResult<()> {
        if size.is_some_and(|size| size > LARGEST) {
            let most = bellhop_core::text::bytes(LARGEST);
            return Err(self.error(PortErrorKind::TooLarge, operation, format!("it is larger than {most}, the most that S3 takes")));
        }
        Ok(())
    }

    /// What was written, as the store has it.
    pub(crate) async fn written(
        &self,
        name: &str,
        content_type: &str,
        version: Option<String>,
        size: u64,
        customer: Unlocking,
    ) -> PortResult<FileInfo> {
        let version = version.filter(|id| id != "null").map(VersionId::new);
        self.fitting.note(name, None, customer.clone());
        if version.is_some() {
            self.fitting.note(name, version.as_ref().map(VersionId::as_str), customer);
        }
        let mut info = self.look(name, version.as_ref()).await.map_err(PortError::maybe_done)?;
        if version.is_some() && info.size != size {
            let message = format!("{size} bytes of `{name}` were sent and {} are stored; send it again", info.size);
            return Err(self.error(PortErrorKind::Broken, "write", message).maybe_done());
        }
        if version.is_none() && info.size != size {
            // Somebody else's file is there by now; what was written here is what is told.
            info = FileInfo { size, content_type: content_type.to_owned(), sha256: None, ..info };
        }
        Ok(info)
    }

    /// One request. Its version, where there is one.
    async fn put(&self, key: &str, nature: &Nature, bytes: &Bytes, sums: &Sums) -> PortResult<Option<String>> {
        let client = self.account.client().await?;
        let sum = hex::encode(Sha256::digest(bytes));
        // Where versions are kept, a write that is done twice leaves two.
        let once = self.versioning_known() != Some(Versioning::Off);
        let put = self.patiently(|| async {
            let request = client
                .put_object()
                .bucket(self.bucket())
                .key(key)
                .set_content_type(nature.content_type.clone())
                .metadata(SHA256, &sum)
                .set_tagging(nature.tags.clone())
                .set_checksum_algorithm(self.checksum())
                .body(Body::from(bytes.clone()));
            let request = sealed!(request, &nature.seal);
            let limits = if once { Account::once() } else { Account::working() };
            let sent = request.customize().config_override(limits).send().await;
            let ask = Ask::file(&self.account, "write", nature.needs(), "it is not there").changing().sealing(&nature.seal);
            let got = sent.map_err(|error| self.account.failed(ask, &error))?;
            if !sums.agree(&told!(got)) {
                return Err(self.corrupted("write"));
            }
            Ok(got)
        });
        let got = put.await?;
        let version = got.version_id().map(str::to_owned);
        let sealing = self.sealing("write", &nature.seal, got.server_side_encryption(), got.sse_customer_algorithm());
        let Err(error) = sealing else { return Ok(version) };
        // It said before that it would, and now it didn't: what can be taken back is.
        match version.filter(|version| version != "null") {
            Some(version) if self.remove_version("write", key, &version).await.is_ok() => Err(error),
            _ => Err(error.maybe_done()),
        }
    }

    pub(crate) fn checksum(&self) -> Option<ChecksumAlgorithm> {
        (self.account.config.checksums == Checksums::WhenSupported).then_some(ChecksumAlgorithm::Crc64Nvme)
    }

    pub(crate) fn corrupted(&self, operation: &'static str) -> PortError {
        let message = "the service has another checksum than what was sent; send it again".to_owned();
        let mut error = self.error(PortErrorKind::Broken, operation, message);
        error.retry = Retry::Backoff;
        error
    }

    /// Sends everything in parts, some at once.
    async fn send(&self, begun: &Begun, source: &mut Source, total: Option<u64>) -> PortResult<Vec<PartDone>> {
        let mut sending: JoinSet<PortResult<PartDone>> = JoinSet::new();
        let mut parts = Vec::new();
        for number in 1.. {
            if source.is_done() {
                break;
            }
            if u64::from(number) > MOST_PARTS {
                let most = bellhop_core::text::bytes(source.came());
                return Err(self.error(
                    PortErrorKind::TooLarge,
                    "write",
                    format!("it is larger than {most}, the most that S3 takes without knowing the length"),
                ));
            }
            let size = total.map_or_else(|| growing(number), |total| part_size(total, SMALL));
            if size > self.sizes.held {
                while let Some(done) = sending.join_next().await {
                    parts.push(self.joined(done)?);
                }
                parts.push(self.send_large(begun, source, number, size, total).await?);
                continue;
            }
            self.fill(source, size, &mut sending, &mut parts).await?;
            let bytes = source.take(size);
            while sending.len() >= at_once(size) {
                if let Some(done) = sending.join_next().await {
                    parts.push(self.joined(done)?);
                }
            }
            let piece = begun.piece(number);
            sending.spawn(async move { piece.put_bytes(bytes).await });
        }
        while let Some(done) = sending.join_next().await {
            parts.push(self.joined(done)?);
        }
        parts.sort_by_key(|part| part.number);
        Ok(parts)
    }

    /// Reads the next part, and ends at once when one that is on its way fails.
    async fn fill(
        &self,
        source: &mut Source,
        size: u64,
        sending: &mut JoinSet<PortResult<PartDone>>,
        parts: &mut Vec<PartDone>,
    ) -> PortResult<()> {
        loop {
            tokio::select! {
                filled = source.fill(size) => return filled,
                Some(done) = sending.join_next(), if !sending.is_empty() => parts.push(self.joined(done)?),
            }
        }
    }

    fn joined(&self, done: Result<PortResult<PartDone>, tokio::task::JoinError>) -> PortResult<PartDone> {
        done.unwrap_or_else(|error| Err(self.error(PortErrorKind::Broken, "write", format!("sending a part was given up: {error}"))))
    }

    /// A part that is too large to hold: of a known length it passes through, otherwise through a file, since its length has
    /// to be said before its bytes.
    async fn send_large(&self, begun: &Begun, source: &mut Source, number: u32, size: u64, total: Option<u64>) -> PortResult<PartDone> {
        let piece = begun.piece(number);
        if let Some(total) = total {
            let before = u64::from(number - 1) * size;
            return piece.put_passing(source, size.min(total.saturating_sub(before))).await;
        }
        let trouble =
            |error: std::io::Error| self.error(PortErrorKind::Full, "write", format!("a part can't be kept while it is sent: {error}"));
        let file =
            tokio::task::spawn_blocking(tempfile::NamedTempFile::new).await.map_err(|error| trouble(error.into()))?.map_err(trouble)?;
        let (file, path) = file.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let mut sums = Sums::new();
        let mut written = 0;
        while written < size {
            let Some(chunk) = source.next(size - written).await? else { break };
            file.write_all(&chunk).await.map_err(trouble)?;
            sums.update(&chunk);
            written += chunk.len() as u64;
        }
        file.flush().await.map_err(trouble)?;
        // Whether this was the last part is known once there is something more, or nothing.
        source.fill(0).await?;
        piece.put_file(&path, written, &sums).await
    }
}

impl Piece {
    /// A part that is in memory: it can be sent again.
    pub async fn put_bytes(&self, bytes: Bytes) -> PortResult<PartDone> {
        let sums = Sums::of(&bytes);
        let size = bytes.len() as u64;
        self.put(Body::from(bytes), size, &sums, Account::working()).await
    }

    /// A part whose bytes pass through.
    pub async fn put_passing(&self, source: &mut Source, size: u64) -> PortResult<PartDone> {
        let (inlet, body) = piped(size);
        let mut sums = Sums::new();
        let (fed, sent) = tokio::join!(inlet.feed(source, size, &mut sums), self.request(body, size, Account::once()));
        fed?;
        self.checked(&sent?, size, &sums)
    }

    async fn put_file(&self, path: &std::path::Path, size: u64, sums: &Sums) -> PortResult<PartDone> {
        let body = Body::from_path(path).await.map_err(|error| {
            let message = format!("a part that was kept can't be read again: {}", crate::fault::innermost(&error));
            self.store.error(PortErrorKind::Unavailable, "write", message)
        })?;
        self.put(body, size, sums, Account::working()).await
    }

    async fn put(&self, body: Body, size: u64, sums: &Sums, limits: aws_sdk_s3::config::Builder) -> PortResult<PartDone> {
        let sent = self.request(body, size, limits).await?;
        self.checked(&sent, size, sums)
    }
}

#[cfg(test)]
#[path = "writing_tests.rs"]
mod tests;
