//! Uploads in parts that outlive a restart, as the port has them: each part is a block. Azure knows no uploads, only blocks
//! that wait under a name; so a block of one byte stands for the upload, and what else it is, is in its id.
//!
//! Whatever else is written under the name ends the upload: Azure drops waiting blocks then.

use crate::blocks::{Blocks, Held};
use crate::plan::{HELD, MOST_BLOCKS, block_size, blocks};
use crate::source::Source;
use crate::store::AzureStore;
use async_trait::async_trait;
use bellhop_core::ids::{UploadId, VersionId};
use bellhop_core::ports::{ByteStream, FileInfo, NewFile, PartDone, PartUpload, PartWrites, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

const NO_UPLOAD: &str = "there is no such upload; it may be finished, given up, or ended by something else that was written under its name";
/// The block that stands for the upload: one byte while it is under way, two when it was given up.
const MARK: u32 = 0;
/// The block that says that the only part of an empty file is there: a block can't be empty.
const EMPTY: u32 = 99_999_999;

/// What an upload's id says.
struct Upload {
    id: String,
    total: u64,
    content_type: String,
    name: String,
}

impl Upload {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, ' ');
        let id = parts.next().filter(|id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let total = parts.next()?.parse().ok()?;
        let content_type = percent_decode_str(parts.next()?).decode_utf8().ok()?.into_owned();
        Some(Self { id: id.to_owned(), total, content_type, name: parts.next()?.to_owned() })
    }

    fn spelled(&self) -> UploadId {
        let content_type = utf8_percent_encode(&self.content_type, NON_ALPHANUMERIC);
        UploadId::new(format!("{} {} {content_type} {}", self.id, self.total, self.name))
    }
}

impl AzureStore {
    fn no_upload(&self, operation: &'static str) -> PortError {
        PortError::not_found(self.account.service.clone(), operation, NO_UPLOAD)
    }

    fn upload(&self, operation: &'static str, upload: &UploadId) -> PortResult<(Upload, Blocks)> {
        let upload = Upload::read(upload.as_str()).ok_or_else(|| self.no_upload(operation))?;
        let blob = self.blob_name(operation, &upload.name)?;
        let blocks = Blocks::known(self, operation, &blob, &upload.id).copy();
        Ok((upload, blocks))
    }

    /// The parts that are there.
    async fn waiting(&self, operation: &'static str, upload: &Upload, blocks: &Blocks) -> PortResult<Vec<Held>> {
        let held = match blocks.held().await {
            Err(error) if error.kind == PortErrorKind::NotFound => Vec::new(),
            other => other?,
        };
        let alive = held.contains(&Held { number: MARK, size: 1 });
        self.seen.note_upload(&upload.id, alive);
        if alive { Ok(held) } else { Err(self.no_upload(operation)) }
    }

    fn part(blocks: &Blocks, number: u32, size: u64) -> PartDone {
        PartDone { number, size, checksum: None, receipt: blocks.block(number) }
    }
}

#[async_trait]
impl PartWrites for AzureStore {
    async fn begin(&self, file: &NewFile) -> PortResult<PartUpload> {
        let blob = self.blob_name("begin", &file.name)?;
        self.fits(file.size, "begin")?;
        self.typed("begin", &file.content_type)?;
        let Some(total) = file.size else {
            return Err(self.error(PortErrorKind::Invalid, "begin", "an upload in parts needs the file's length beforehand"));
        };
        let begun = Blocks::begin(self, "begin", &blob)?;
        begun.send(MARK, Bytes::from_static(b"+")).await?;
        let upload = Upload { id: begun.id.clone(), total, content_type: file.content_type.clone(), name: file.name.clone() };
        begun.keep();
        self.seen.note_upload(&upload.id, true);
        let size = block_size(total);
        Ok(PartUpload { id: upload.spelled(), part_size: size, parts: u32::try_from(blocks(total, size)).unwrap_or(u32::MAX) })
    }

    async fn put(&self, upload: &UploadId, number: u32, size: u64, bytes: ByteStream) -> PortResult<PartDone> {
        let (upload, blocks) = self.upload("put", upload)?;
        if number == 0 || u64::from(number) > MOST_BLOCKS {
            return Err(self.error(PortErrorKind::Invalid, "put", format!("parts have the numbers 1 to {MOST_BLOCKS}")));
        }
        if !self.seen.upload(&upload.id) {
            self.waiting("put", &upload, &blocks).await?;
        }
        let mut source = Source::new(bytes, Some(size), &self.account.service, "put");
        if size > HELD {
            blocks.send_passing(number, &mut source, size).await?;
        } else {
            source.fill(size).await?;
            if size > 0 {
                blocks.send(number, source.take(size)).await?;
            } else {
                blocks.send(EMPTY, Bytes::from_static(b"0")).await?;
            }
        }
        Ok(Self::part(&blocks, number, size))
    }

    async fn done(&self, upload: &UploadId) -> PortResult<Vec<PartDone>> {
        let (upload, blocks) = self.upload("done", upload)?;
        let held = self.waiting("done", &upload, &blocks).await?;
        let part = |block: Held| match block.number {
            MARK => None,
            EMPTY => Some(Self::part(&blocks, 1, 0)),
            number => Some(Self::part(&blocks, number, block.size)),
        };
        Ok(held.into_iter().filter_map(part).collect())
    }

    async fn finish(&self, upload: &UploadId, parts: &[PartDone]) -> PortResult<FileInfo> {
        let (upload, blocks) = self.upload("finish", upload)?;
        let mut parts = parts.to_vec();
        parts.sort_by_key(|part| part.number);
        if let Some(part) = parts.iter().find(|part| part.receipt != blocks.block(part.number)) {
            return Err(self.error(
                PortErrorKind::Conflict,
                "finish",
                format!("part {} is none that was written for this upload", part.number),
            ));
        }
        let sum: u64 = parts.iter().map(|part| part.size).sum();
        if sum != upload.total || parts.is_empty() {
            let message = format!("the parts have {sum} bytes together, and the file was announced with {}", upload.total);
            return Err(self.error(PortErrorKind::Invalid, "finish", message));
        }
        let numbers: Vec<u32> = parts.iter().filter(|part| part.size > 0).map(|part| part.number).collect();
        let written = match self.waiting("finish", &upload, &blocks).await {
            Ok(held) => {
                let there = |part: &PartDone| part.size == 0 || held.contains(&Held { number: part.number, size: part.size });
                if let Some(part) = parts.iter().find(|part| !there(part)) {
                    return Err(self.error(PortErrorKind::Conflict, "finish", format!("part {} isn't there; write it again", part.number)));
                }
                blocks.commit(&numbers, &upload.content_type, None).await?
            }
            // Somebody may have finished it and lost the answer.
            Err(error) if error.kind == PortErrorKind::NotFound => blocks.committed(&numbers).await.ok_or(error)?,
            Err(error) => return Err(error),
        };
        self.seen.note_upload(&upload.id, false);
        Ok(FileInfo {
            name: upload.name,
            size: upload.total,
            content_type: upload.content_type,
            modified: written.modified,
            version: written.version.map(VersionId::new),
            sha256: None,
            encryption: None,
        })
    }

    async fn abort(&self, upload: &UploadId) -> PortResult<()> {
        let Ok((upload, blocks)) = self.upload("abort", upload) else { return Ok(()) };
        self.seen.note_upload(&upload.id, false);
        match self.waiting("abort", &upload, &blocks).await {
            Err(error) if error.kind == PortErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        self.seen.note_upload(&upload.id, false);
        blocks.send(MARK, Bytes::from_static(b"--")).await?;
        blocks.shrink(Some(MARK)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_what_is_written() {
        let upload = Upload {
            id: "0123456789abcdef".to_owned(),
            total: 7,
            content_type: "text/csv; charset=utf-8".to_owned(),
            name: "dir/a b ü.csv".to_owned(),
        };
        let read = Upload::read(upload.spelled().as_str()).unwrap();
        assert_eq!((read.id, read.total, read.content_type, read.name), (upload.id, 7, upload.content_type, upload.name));
        for bad in ["", "no such upload", "0123456789abcdef x y z", "0123456789abcdeg 1 y z", "0123456789abcdef 1"] {
            assert!(Upload::read(bad).is_none(), "{bad}");
        }
    }
}
