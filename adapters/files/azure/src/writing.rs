//! Writing: what is small goes in one request, everything else in blocks that become the file all at once. Memory stays the
//! same whatever the size; whatever fails leaves nothing that can be seen.

use crate::blocks::{Blocks, Written};
use crate::fault::{Ask, Need, header};
use crate::plan::{HELD, MOST_BLOCKS, SMALL, at_once, block_size, growing};
use crate::sealing::Sealing;
use crate::source::Source;
use crate::store::{AzureStore, SHA256, date};
use azure_core::http::Body;
use azure_core::http::headers::Headers;
use azure_storage_blob::models::BlockBlobClientUploadOptions;
use bellhop_core::PortErrorKind;
use bellhop_core::ids::VersionId;
use bellhop_core::ports::{ByteStream, FileInfo, NewFile, PortResult};
use bytes::Bytes;
use md5::Md5;
use sha2::Digest as _;
use std::collections::HashMap;
use std::num::NonZero;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;

const NOTHING: &str = "it is not there";

/// What goes with a file's bytes.
#[derive(Clone, Default)]
pub(crate) struct Beside {
    pub content_type: String,
    /// Its tags as they are sent.
    pub tags: Option<String>,
    /// The SHA-256 of its bytes, where they are all known.
    pub sum: Option<String>,
    /// What a file that it is a copy of has beside.
    pub carried: Carried,
}

/// What else Azure keeps with a file: a copy has it too.
#[derive(Clone, Default)]
pub(crate) struct Carried {
    pub metadata: HashMap<String, String>,
    pub cache_control: Option<String>,
    pub disposition: Option<String>,
    pub encoding: Option<String>,
    pub language: Option<String>,
}

impl Carried {
    /// What an answer about a file says.
    pub fn read(headers: &Headers) -> Self {
        let text = |name| header(headers, name).map(str::to_owned);
        let ours = |name: &str| name.strip_prefix("x-ms-meta-").filter(|name| *name != SHA256).map(str::to_owned);
        let metadata = headers.iter().filter_map(|(name, value)| Some((ours(name.as_str())?, value.as_str().to_owned())));
        Self {
            metadata: metadata.collect(),
            cache_control: text("cache-control"),
            disposition: text("content-disposition"),
            encoding: text("content-encoding"),
            language: text("content-language"),
        }
    }
}

impl Beside {
    /// The metadata that it is written with.
    pub fn metadata(&self) -> Option<HashMap<String, String>> {
        let mut all = self.carried.metadata.clone();
        all.extend(self.sum.clone().map(|sum| (SHA256.to_owned(), sum)));
        (!all.is_empty()).then_some(all)
    }

    /// What it takes to write it.
    pub fn need(&self) -> Need {
        if self.tags.is_some() { Need::WriteTagged } else { Need::Write }
    }
}
const LONGEST_TYPE: usize = 250;

impl AzureStore {
    pub(crate) async fn store(&self, file: NewFile, bytes: ByteStream) -> PortResult<FileInfo> {
        self.store_with(file, bytes, Carried::default()).await
    }

    /// Writes a file with what else belongs to it.
    pub(crate) async fn store_with(&self, file: NewFile, bytes: ByteStream, carried: Carried) -> PortResult<FileInfo> {
        let blob = self.blob_name("write", &file.name)?;
        self.fits(file.size, "write")?;
        self.typed("write", &file.content_type)?;
        self.taggable("write", &file.tags)?;
        let sealing = self.sealing("write", file.encryption.as_ref())?;
        self.ready(&sealing).await?;
        let beside = Beside { content_type: file.content_type.clone(), tags: crate::tags::spelled(&file.tags), sum: None, carried };
        let mut source = Source::new(bytes, file.size, &self.account.service, "write");
        source.fill(SMALL).await?;
        if source.is_ended() && self.doubts(&sealing) {
            self.prove(&blob, &sealing).await?;
        }
        let written = if source.is_ended() {
            let whole = source.take(SMALL);
            let sum = hex::encode(source.sum.clone().finalize());
            let beside = Beside { sum: Some(sum.clone()), ..beside };
            match self.put(&blob, &beside, &sealing, &whole).await {
                // Whether it was done can be seen.
                Err(error) if error.maybe_done => match self.look("write", &file.name, None).await {
                    Ok(there) if there.sha256.as_ref() == Some(&sum) => Written {
                        version: there.version.map(|version| version.to_string()),
                        modified: there.modified,
                        encryption: there.encryption,
                    },
                    _ => return Err(error),
                },
                other => other?,
            }
        } else {
            let blocks = Blocks::begin(self, "write", &blob, sealing.clone())?;
            let done = async {
                let count = self.send(&blocks, &mut source, file.size).await?;
                let numbers: Vec<u32> = (1..=count).collect();
                let sum = hex::encode(source.sum.clone().finalize());
                blocks.commit(&numbers, &Beside { sum: Some(sum), ..beside }).await
            };
            match done.await {
                Ok(written) => {
                    blocks.keep();
                    written
                }
                Err(error) => {
                    let error = self.refused(&sealing, error);
                    blocks.give_up().await;
                    return Err(error);
                }
            }
        };
        self.note_written(&blob, &sealing);
        let sum = hex::encode(source.sum.clone().finalize());
        Ok(FileInfo {
            name: file.name,
            size: source.came(),
            content_type: file.content_type,
            modified: written.modified,
            version: written.version.map(VersionId::new),
            sha256: Some(sum),
            encryption: written.encryption,
        })
    }

    /// Finds out whether the server encrypts as it is told, by a block that never becomes part of anything.
    async fn prove(&self, blob: &str, sealing: &Sealing) -> PortResult<()> {
        let tried = Blocks::begin(self, "write", blob, sealing.clone())?;
        let proven = tried.send(0, Bytes::from_static(b"?")).await;
        tried.keep();
        proven.map_err(|error| self.refused(sealing, error))
    }

    /// Whether a file's type can stand in a header.
    pub(crate) fn typed(&self, operation: &'static str, content_type: &str) -> PortResult<()> {
        if content_type.bytes().all(|b| (0x20..0x7f).contains(&b)) && content_type.len() <= LONGEST_TYPE {
            return Ok(());
        }
        let shown = crate::names::shown(content_type);
        Err(self.error(PortErrorKind::Invalid, operation, format!("`{shown}` can't be a file's type; one is written such as text/plain")))
    }

    /// One request.
    async fn put(&self, blob: &str, beside: &Beside, sealing: &Sealing, bytes: &Bytes) -> PortResult<Written> {
        let client = self.account.blob(blob)?.block_blob_client();
        let ask = Ask::file(&self.account, "write", beside.need(), NOTHING);
        // Where versions are kept, a write that is done twice leaves two.
        let ask = if self.keeps_versions() == Some(false) { ask } else { ask.changing() };
        let got = self
            .account
            .ask(ask, || {
                let options = BlockBlobClientUploadOptions {
                    blob_content_type: Some(beside.content_type.clone()),
                    blob_cache_control: beside.carried.cache_control.clone(),
                    blob_content_disposition: beside.carried.disposition.clone(),
                    blob_content_encoding: beside.carried.encoding.clone(),
                    blob_content_language: beside.carried.language.clone(),
                    blob_tags_string: beside.tags.clone(),
                    metadata: beside.metadata(),
                    method_options: sealing.options(),
                    // Larger than anything that is sent this way: one request.
                    partition_size: NonZero::new(2 * SMALL),
                    ..BlockBlobClientUploadOptions::default()
                };
                client.upload(Body::Bytes(bytes.clone()).into(), Some(options))
            })
            .await?;
        self.note_version(got.version_id.as_deref());
        if got.content_md5.is_some_and(|told| told != Md5::digest(bytes).to_vec()) {
            return Err(self.corrupted("write").maybe_done());
        }
        let headers = got.raw_response.headers();
        self.took("write", sealing, headers)?;
        Ok(Written { version: got.version_id, modified: date(headers, "last-modified"), encryption: self.encrypted(headers) })
    }

    /// Sends everything in blocks, several at once; gives how many they are.
    async fn send(&self, blocks: &Blocks, source: &mut Source, total: Option<u64>) -> PortResult<u32> {
        let mut sending: JoinSet<PortResult<()>> = JoinSet::new();
        let mut number = 0_u32;
        while !source.is_done() {
            number += 1;
            if u64::from(number) > MOST_BLOCKS {
                let most = bellhop_core::text::bytes(source.came());
                return Err(self.error(
                    PortErrorKind::TooLarge,
                    "write",
                    format!("it is larger than {most}, the most that Azure takes without knowing the length"),
                ));
            }
            let size = total.map_or_else(|| growing(number), block_size);
            if size > HELD {
                while let Some(done) = sending.join_next().await {
                    self.joined(done)?;
                }
                self.send_large(blocks, source, number, size, total).await?;
            } else {
                self.fill(source, size, &mut sending).await?;
                let bytes = source.take(size);
                while sending.len() >= at_once(size) {
                    if let Some(done) = sending.join_next().await {
                        self.joined(done)?;
                    }
                }
                let sender = blocks.copy();
                sending.spawn(async move { sender.send(number, bytes).await });
            }
            // Whether that was the last is known once there is something more, or nothing.
            source.fill(0).await?;
        }
        while let Some(done) = sending.join_next().await {
            self.joined(done)?;
        }
        Ok(number)
    }

    /// Reads the next block, and ends at once when one that is on its way fails.
    async fn fill(&self, source: &mut Source, size: u64, sending: &mut JoinSet<PortResult<()>>) -> PortResult<()> {
        loop {
            tokio::select! {
                filled = source.fill(size) => return filled,
                Some(done) = sending.join_next(), if !sending.is_empty() => self.joined(done)?,
            }
        }
    }

    fn joined(&self, done: Result<PortResult<()>, tokio::task::JoinError>) -> PortResult<()> {
        done.unwrap_or_else(|error| Err(self.error(PortErrorKind::Broken, "write", format!("sending a block was given up: {error}"))))
    }

    /// A block that is too large to hold: of a known length it passes through, otherwise through a file, since its length has
    /// to be said before its bytes.
    async fn send_large(&self, blocks: &Blocks, source: &mut Source, number: u32, size: u64, total: Option<u64>) -> PortResult<()> {
        if let Some(total) = total {
            let before = u64::from(number - 1) * size;
            return blocks.send_passing(number, source, size.min(total.saturating_sub(before))).await;
        }
        let trouble =
            |error: std::io::Error| self.error(PortErrorKind::Full, "write", format!("a block can't be kept while it is sent: {error}"));
        let file = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(|error| trouble(error.into()))?.map_err(trouble)?;
        let mut file = tokio::fs::File::from_std(file);
        let mut written = 0;
        while written < size {
            let Some(chunk) = source.next(size - written).await? else { break };
            file.write_all(&chunk).await.map_err(trouble)?;
            written += chunk.len() as u64;
        }
        file.flush().await.map_err(trouble)?;
        let mut kept = Source::of_file(file, written, &self.account.service).await.map_err(trouble)?;
        blocks.send_passing(number, &mut kept, written).await
    }
}
