//! Reading: a file's bytes as they come, checked at the end. Where the connection breaks in the middle, the rest is asked
//! for on a new one, as long as the file is still the same.
//!
//! The SDK's own download asks for a whole as a range up to a place that no file has, and keeps pieces in memory; so the
//! request is made here, through the SDK's pipeline.

use crate::account::VERSION;
use crate::fault::{Ask, Need, Said, header, innermost};
use crate::store::{AzureStore, absent};
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncResponseBody, Method, PipelineStreamOptions, Request, check_success};
use bellhop_core::ports::{ByteStream, PortResult, ReadRange, StoredFile};
use bellhop_core::{PortError, PortErrorKind, Retry};
use bytes::Bytes;
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// How long bytes may fail to come while someone waits for them.
const SILENCE: Duration = Duration::from_mins(1);
/// How often the rest is asked for again where little or nothing comes between the breaks.
const RESUMES: u32 = 3;
/// So many bytes between two breaks show that the way is bad and not closed: what was tried before counts no more.
const PROGRESS: u64 = 256 << 10;

/// What is being read.
struct Reading {
    store: AzureStore,
    name: String,
    version: Option<String>,
    etag: Option<String>,
    body: AsyncResponseBody,
    /// The next byte of the file, and the one after the last that is wanted.
    at: u64,
    end: u64,
    /// Bytes that come before those that are wanted: the server doesn't know ranges.
    skip: u64,
    resumes: u32,
    /// Where it broke the last time.
    broke_at: Option<u64>,
    /// What the whole should add up to, and what came of it.
    sum: Option<(String, Sha256)>,
}

enum Refusal {
    PastTheEnd,
    Failed(PortError),
}

impl AzureStore {
    pub(crate) async fn open(&self, name: &str, version: Option<&str>, range: Option<ReadRange>) -> PortResult<StoredFile> {
        let (start, length) = range.map_or((0, None), |range| (range.start, range.length));
        if length == Some(0) || i64::try_from(start).is_err() {
            return self.nothing_of(name, version).await;
        }
        let last = length.map(|length| start.saturating_add(length - 1).min(i64::MAX.unsigned_abs()));
        let wanted = match (start, last) {
            (0, None) => None,
            (start, None) => Some(format!("bytes={start}-")),
            (start, Some(last)) => Some(format!("bytes={start}-{last}")),
        };
        let (headers, body) = match self.get(name, version, wanted.as_deref(), None).await {
            Ok(got) => got,
            Err(Refusal::PastTheEnd) => return self.nothing_of(name, version).await,
            Err(Refusal::Failed(error)) => return Err(error),
        };
        self.is_of("read", name, version, &headers)?;
        let sent = header(&headers, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let partial = header(&headers, "content-range");
        let size = partial.and_then(|range| range.rsplit('/').next()).and_then(|total| total.parse().ok()).unwrap_or(sent);
        let info = self.info(name, version, size, &headers);
        let end = last.map_or(size, |last| size.min(last.saturating_add(1)));
        let sum = info.sha256.clone().filter(|_| wanted.is_none()).map(|sum| (sum, Sha256::new()));
        let reading = Reading {
            store: self.clone(),
            name: name.to_owned(),
            version: version.map(str::to_owned).or_else(|| header(&headers, "x-ms-version-id").map(str::to_owned)),
            etag: header(&headers, "etag").map(str::to_owned),
            body,
            at: start.min(end),
            end,
            skip: if partial.is_some() { 0 } else { start },
            resumes: 0,
            broke_at: None,
            sum,
        };
        Ok(StoredFile { info, bytes: reading.stream() })
    }

    /// The facts of a file and none of its bytes.
    async fn nothing_of(&self, name: &str, version: Option<&str>) -> PortResult<StoredFile> {
        let info = self.look("read", name, version).await?;
        Ok(StoredFile { info, bytes: Box::pin(futures::stream::empty()) })
    }

    async fn get(
        &self,
        name: &str,
        version: Option<&str>,
        range: Option<&str>,
        etag: Option<&str>,
    ) -> Result<(Headers, AsyncResponseBody), Refusal> {
        let url = self.blob("read", name, version).map_err(Refusal::Failed)?.url().clone();
        let url = &url;
        let pipeline = self.account.pipeline().map_err(Refusal::Failed)?;
        let absent = absent(name);
        let ask = Ask::file(&self.account, "read", Need::Read, &absent).version(version);
        let past = std::sync::atomic::AtomicBool::new(false);
        let past = &past;
        let got = self
            .ask_sealed(ask, &self.blob_name("read", name).map_err(Refusal::Failed)?, |context| async move {
                let mut request = Request::new(url.clone(), Method::Get);
                request.insert_header("x-ms-version", VERSION);
                if let Some(range) = range {
                    request.insert_header("x-ms-range", range.to_owned());
                }
                if let Some(etag) = etag {
                    request.insert_header("if-match", etag.to_owned());
                }
                let options = PipelineStreamOptions { skip_checks: true, ..PipelineStreamOptions::default() };
                let answer = pipeline.stream(&context, &mut request, Some(options)).await?;
                let checked = check_success(answer, None).await;
                if let Err(error) = &checked
                    && Said::of(error).is_some_and(|said| said.status == 416)
                {
                    past.store(true, std::sync::atomic::Ordering::Relaxed);
                }
                checked
            })
            .await;
        match got {
            Ok(answer) => {
                let (_, headers, body) = answer.deconstruct();
                Ok((headers, body))
            }
            Err(_) if past.load(std::sync::atomic::Ordering::Relaxed) => Err(Refusal::PastTheEnd),
            Err(error) => Err(Refusal::Failed(error)),
        }
    }
}

impl Reading {
    fn stream(self) -> ByteStream {
        Box::pin(futures::stream::try_unfold(self, |mut reading| async move {
            let chunk = reading.next().await?;
            Ok(chunk.map(|chunk| (chunk, reading)))
        }))
    }

    fn failed(&self, kind: PortErrorKind, message: String) -> PortError {
        PortError { maybe_done: false, ..PortError::new(kind, self.store.account.service.clone(), "read", message) }
    }

    async fn next(&mut self) -> PortResult<Option<Bytes>> {
        loop {
            if self.at >= self.end {
                return self.ended();
            }
            let trouble = match tokio::time::timeout(SILENCE, self.body.next()).await {
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
                Err(_) => self.failed(PortErrorKind::TimedOut, format!("nothing more came of `{}` for {} s", self.name, SILENCE.as_secs())),
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
        if let Some((_, sum)) = &mut self.sum {
            sum.update(&chunk);
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
            Ok((headers, body)) => {
                self.skip = if header(&headers, "content-range").is_some() { 0 } else { self.at };
                self.body = body;
                Ok(())
            }
            Err(Refusal::Failed(error)) if matches!(error.kind, PortErrorKind::Conflict | PortErrorKind::NotFound) => {
                Err(self.failed(PortErrorKind::Conflict, format!("`{}` was changed while it was read; read it again", self.name)))
            }
            Err(_) => Err(trouble),
        }
    }

    /// Everything came: is it what was stored?
    fn ended(&mut self) -> PortResult<Option<Bytes>> {
        let Some((told, sum)) = self.sum.take() else { return Ok(None) };
        if hex::encode(sum.finalize()) == told {
            return Ok(None);
        }
        let message = format!("the bytes of `{}` don't have the checksum that was kept with them; read it again", self.name);
        Err(PortError { retry: Retry::Backoff, ..self.failed(PortErrorKind::Broken, message) })
    }
}
