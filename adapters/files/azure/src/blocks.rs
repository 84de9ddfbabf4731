//! Blocks of a blob that is being written: sent under ids of their own, put together at once, or shrunk to nothing.
//!
//! Blocks that were never put together can't be seen, and Azure drops them after a week, or when anything else is written
//! under the name; it has no call that removes them. Replacing each by a byte frees what they take.

use crate::body::piped;
use crate::fault::{Ask, Need, header};
use crate::plan::LARGEST;
use crate::sealing::Sealing;
use crate::source::Source;
use crate::store::AzureStore;
use crate::writing::Beside;
use azure_core::http::headers::Headers;
use azure_core::http::{Body, RequestContent};
use azure_storage_blob::BlockBlobClient;
use azure_storage_blob::models::{
    BlobClientGetPropertiesOptions, BlockBlobClientCommitBlockListOptions, BlockBlobClientStageBlockOptions, BlockListType, BlockLookupList,
};
use bellhop_core::ports::{FileEncryption, PortResult};
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::Either;
use md5::{Digest as _, Md5};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the service may take to answer once it has all bytes.
const ANSWER: Duration = Duration::from_mins(3);
/// How long whoever met a failure waits for the clearing away; it goes on without them.
const CLEARING: Duration = Duration::from_secs(5);
/// How long after the end of an upload it is looked for what was still on its way.
const LATE: [Duration; 3] = [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(15)];
/// How many blocks are shrunk at once.
const AT_ONCE: usize = 8;
const NOTHING: &str = "it is not there";

/// A blob that is being written.
pub(crate) struct Blocks {
    pub store: AzureStore,
    pub operation: &'static str,
    pub blob: String,
    /// What tells its blocks from those of others: 16 characters.
    pub id: String,
    /// How it is encrypted: each of its blocks has to be.
    pub sealing: Sealing,
    /// Whether anything was sent; all copies know.
    begun: Arc<AtomicBool>,
    ended: AtomicBool,
}

/// One that the service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub number: u32,
    pub size: u64,
}

/// What a blob became.
pub(crate) struct Written {
    pub version: Option<String>,
    pub modified: Timestamp,
    pub encryption: Option<FileEncryption>,
}

impl Blocks {
    /// Begins with an id of its own.
    pub fn begin(store: &AzureStore, operation: &'static str, blob: &str, sealing: Sealing) -> PortResult<Self> {
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random)
            .map_err(|error| store.error(PortErrorKind::Broken, operation, format!("the system gives no random numbers: {error}")))?;
        Ok(Self::known(store, operation, blob, &hex::encode(random), sealing))
    }

    /// Those that were begun before.
    pub fn known(store: &AzureStore, operation: &'static str, blob: &str, id: &str, sealing: Sealing) -> Self {
        Self {
            store: store.clone(),
            operation,
            blob: blob.to_owned(),
            id: id.to_owned(),
            sealing,
            begun: Arc::default(),
            ended: AtomicBool::new(false),
        }
    }

    /// The id of a block; all have the same length.
    pub fn block(&self, number: u32) -> String {
        format!("{}{number:08}", self.id)
    }

    fn client(&self) -> PortResult<BlockBlobClient> {
        Ok(self.store.account.blob(&self.blob)?.block_blob_client())
    }

    fn ask(&self) -> Ask<'_> {
        Ask::file(&self.store.account, self.operation, Need::Write, NOTHING)
    }

    /// It is finished, or somebody else's from now on.
    pub fn keep(self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Gives it up. Where that takes long it goes on by itself.
    pub async fn give_up(self) {
        self.ended.store(true, Ordering::Relaxed);
        if self.begun.load(Ordering::Relaxed) {
            let _ = tokio::time::timeout(CLEARING, self.shrink()).await;
            tokio::runtime::Handle::current().spawn(clear(self.copy()));
        }
    }

    /// The same blocks, cleared away by nobody.
    pub fn copy(&self) -> Self {
        let mut copy = Self::known(&self.store, self.operation, &self.blob, &self.id, self.sealing.clone());
        copy.begun = self.begun.clone();
        copy.ended.store(true, Ordering::Relaxed);
        copy
    }

    /// Sends a block that is in memory: it can be sent again.
    pub async fn send(&self, number: u32, bytes: Bytes) -> PortResult<()> {
        self.begun.store(true, Ordering::Relaxed);
        let client = self.client()?;
        let id = self.block(number);
        let sum = Md5::digest(&bytes).to_vec();
        let sent = self.store.account.ask(self.ask(), || {
            let options = BlockBlobClientStageBlockOptions {
                transactional_content_md5: Some(sum.clone()),
                method_options: self.sealing.options(),
                ..BlockBlobClientStageBlockOptions::default()
            };
            let body = Body::Bytes(bytes.clone()).into();
            client.stage_block(id.as_bytes(), bytes.len() as u64, body, Some(options))
        });
        self.store.took(self.operation, &self.sealing, sent.await?.headers())
    }

    /// Sends a block whose bytes pass through, once. What arrived is compared with what was sent.
    pub async fn send_passing(&self, number: u32, source: &mut Source, size: u64) -> PortResult<()> {
        self.begun.store(true, Ordering::Relaxed);
        let client = self.client()?;
        let id = self.block(number);
        let options =
            BlockBlobClientStageBlockOptions { method_options: self.sealing.options(), ..BlockBlobClientStageBlockOptions::default() };
        let (inlet, body) = piped(size);
        let mut sum = Md5::new();
        // While bytes are fed, whoever sends them sets the pace; afterwards the service has to answer.
        let answered = {
            let sending = std::pin::pin!(client.stage_block(id.as_bytes(), size, body.into(), Some(options)));
            let feeding = std::pin::pin!(inlet.feed(source, size, &mut sum));
            match futures::future::select(feeding, sending).await {
                Either::Left((fed, sending)) => {
                    fed?;
                    tokio::time::timeout(ANSWER, sending).await
                }
                Either::Right((answered, _)) => Ok(answered),
            }
        };
        let answered = answered.map_err(|_| self.store.error(PortErrorKind::TimedOut, self.operation, "no answer in time"))?;
        let got = answered.map_err(|error| self.store.account.failed(self.ask(), &error))?;
        if let Some(told) = header(got.headers(), "content-md5")
            && told != azure_core::base64::encode(sum.finalize())
        {
            return Err(self.store.corrupted(self.operation));
        }
        self.store.took(self.operation, &self.sealing, got.headers())
    }

    /// The blocks of these ids that the service has and are not part of the blob.
    pub async fn held(&self) -> PortResult<Vec<Held>> {
        self.listed(BlockListType::Uncommitted).await
    }

    async fn listed(&self, which: BlockListType) -> PortResult<Vec<Held>> {
        let client = self.client()?;
        let ask = Ask { needs: Need::Read, ..self.ask() };
        let got = self.store.account.ask(ask, || async { client.get_block_list(which, None).await?.into_model() }).await?;
        let blocks = if which == BlockListType::Committed { got.committed_blocks } else { got.uncommitted_blocks };
        let mut held = Vec::new();
        for block in blocks.unwrap_or_default() {
            let name = block.name.unwrap_or_default();
            let Some(number) = name.strip_prefix(self.id.as_bytes()).and_then(|rest| std::str::from_utf8(rest).ok()) else { continue };
            let Ok(number) = number.parse() else { continue };
            held.push(Held { number, size: block.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0) });
        }
        held.sort_by_key(|block| block.number);
        Ok(held)
    }

    /// Puts blocks together; from then on the file is this. An answer that got lost is looked for: blocks of these ids are
    /// nobody else's.
    pub async fn commit(&self, numbers: &[u32], beside: &Beside) -> PortResult<Written> {
        let client = self.client()?;
        let ids: Vec<Vec<u8>> = numbers.iter().map(|number| self.block(*number).into_bytes()).collect();
        let list = BlockLookupList { uncommitted: Some(ids), ..BlockLookupList::default() };
        let list: RequestContent<BlockLookupList, _> =
            list.try_into().map_err(|error: azure_core::Error| self.store.account.failed(self.ask(), &error))?;
        let ask = Ask { needs: beside.need(), ..self.ask().changing() };
        let sent = self.store.account.ask(ask, || {
            let options = BlockBlobClientCommitBlockListOptions {
                blob_content_type: Some(beside.content_type.clone()),
                blob_cache_control: beside.carried.cache_control.clone(),
                blob_content_disposition: beside.carried.disposition.clone(),
                blob_content_encoding: beside.carried.encoding.clone(),
                blob_content_language: beside.carried.language.clone(),
                blob_tags_string: beside.tags.clone(),
                metadata: beside.metadata(),
                method_options: self.sealing.options(),
                ..BlockBlobClientCommitBlockListOptions::default()
            };
            client.commit_block_list(list.clone(), Some(options))
        });
        match sent.await {
            Ok(got) => {
                let version = header(got.headers(), "x-ms-version-id").map(str::to_owned);
                self.store.note_version(version.as_deref());
                Ok(self.written(version, got.headers()))
            }
            Err(error) if error.maybe_done && !numbers.is_empty() => match self.committed(numbers).await {
                Some(written) => Ok(written),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// What the blob is, when it is made of these blocks.
    pub async fn committed(&self, numbers: &[u32]) -> Option<Written> {
        let there = self.listed(BlockListType::Committed).await.ok()?;
        let mut wanted = numbers.to_vec();
        wanted.sort_unstable();
        if wanted.is_empty() || !there.iter().map(|block| block.number).eq(wanted) {
            return None;
        }
        let client = self.store.account.blob(&self.blob).ok()?;
        let get = || {
            let options =
                BlobClientGetPropertiesOptions { method_options: self.sealing.options(), ..BlobClientGetPropertiesOptions::default() };
            client.get_properties(Some(options))
        };
        let got = self.store.account.ask(self.ask(), get).await.ok()?;
        let version = header(got.headers(), "x-ms-version-id").map(str::to_owned);
        Some(self.written(version, got.headers()))
    }

    fn written(&self, version: Option<String>, headers: &Headers) -> Written {
        Written { version, modified: crate::store::date(headers, "last-modified"), encryption: self.store.encrypted(headers) }
    }

    /// Clears away behind the caller's back, where there is a runtime.
    pub fn clear_late(&self) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(clear(self.copy()));
        }
    }

    /// Shrinks every block that is still there to a byte.
    pub async fn shrink(&self) -> PortResult<()> {
        let held = match self.held().await {
            Err(error) if error.kind == PortErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let large = held.into_iter().filter(|block| block.size > 1);
        let shrunk: Vec<PortResult<()>> = futures::stream::iter(large)
            .map(|block| self.send(block.number, Bytes::from_static(b"-")))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        shrunk.into_iter().collect()
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        if self.begun.load(Ordering::Relaxed) && !self.ended.load(Ordering::Relaxed) {
            self.clear_late();
        }
    }
}

/// Clears away what a failed upload left, and what of it arrives late; if that fails, Azure does it within a week.
async fn clear(blocks: Blocks) {
    let mut cleared = Ok(());
    for pause in LATE {
        tokio::time::sleep(pause).await;
        cleared = blocks.shrink().await;
    }
    if let Err(error) = cleared {
        tracing::debug!(%error, blob = blocks.blob, "blocks of an upload that failed are left to Azure, which drops them within a week");
    }
}

impl AzureStore {
    pub(crate) fn corrupted(&self, operation: &'static str) -> PortError {
        let message = "what arrived is not what was sent; send it again";
        PortError { retry: bellhop_core::Retry::Backoff, ..self.error(PortErrorKind::Broken, operation, message) }
    }

    pub(crate) fn fits(&self, size: Option<u64>, operation: &'static str) -> PortResult<()> {
        if size.is_some_and(|size| size > LARGEST) {
            let most = bellhop_core::text::bytes(LARGEST);
            return Err(self.error(PortErrorKind::TooLarge, operation, format!("it is larger than {most}, the most that Azure takes")));
        }
        Ok(())
    }
}
