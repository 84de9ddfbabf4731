//! Uploads in parts that outlive a restart, as the port has them: each part is a block. Azure knows no uploads, only blocks
//! that wait under a name; so a block of one byte stands for the upload, and what else it is, is in its id.
//!
//! Whatever else is written under the name ends the upload: Azure drops waiting blocks then.

use crate::blocks::{Blocks, Held};
use crate::plan::{HELD, MOST_BLOCKS, block_size, blocks};
use crate::source::Source;
use crate::store::AzureStore;
use crate::writing::Beside;
use async_trait::async_trait;
use bellhop_core::ids::{UploadId, VersionId};
use bellhop_core::ports::{ByteStream, FileEncryption, FileInfo, NewFile, PartDone, PartUpload, PartWrites, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const NO_UPLOAD: &str = "there is no such upload; it may be finished, given up, or ended by something else that was written under its name";
/// The block that stands for the upload: two bytes while it is under way, one when it was given up, as all else of it.
const MARK: u32 = 0;
/// The block that says that the only part of an empty file is there: a block can't be empty.
const EMPTY: u32 = 99_999_999;

/// What an upload's id says.
#[derive(Debug, PartialEq, Eq)]
struct Upload {
    id: String,
    total: u64,
    content_type: String,
    /// How it is encrypted, where not as the store does it by itself.
    encryption: Option<FileEncryption>,
    tags: BTreeMap<String, String>,
    name: String,
}

fn coded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}

impl Upload {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, ' ');
        let id = parts.next().filter(|id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let total = parts.next()?.parse().ok()?;
        // Behind the type what not every upload has, each part with what it is.
        let mut facts = parts.next()?.split('~');
        let content_type = decoded(facts.next()?)?;
        let (mut encryption, mut tags) = (None, BTreeMap::new());
        for fact in facts {
            match fact.split_once('=')? {
                ("e", way) => encryption = Some(FileEncryption::read(&decoded(way)?).ok()?),
                ("t", pair) => {
                    let (name, value) = pair.split_once('=')?;
                    tags.insert(decoded(name)?, decoded(value)?);
                }
                _ => return None,
            }
        }
        Some(Self { id: id.to_owned(), total, content_type, encryption, tags, name: parts.next()?.to_owned() })
    }

    fn spelled(&self) -> UploadId {
        let mut facts = coded(&self.content_type);
        if let Some(way) = &self.encryption {
            let _ = write!(facts, "~e={}", coded(&way.to_string()));
        }
        for (name, value) in &self.tags {
            let _ = write!(facts, "~t={}={}", coded(name), coded(value));
        }
        UploadId::new(format!("{} {} {facts} {}", self.id, self.total, self.name))
    }
}

impl AzureStore {
    fn no_upload(&self, operation: &'static str) -> PortError {
        PortError::not_found(self.account.service.clone(), operation, NO_UPLOAD)
    }

    fn upload(&self, operation: &'static str, upload: &UploadId) -> PortResult<(Upload, Blocks)> {
        let upload = Upload::read(upload.as_str()).ok_or_else(|| self.no_upload(operation))?;
        let blob = self.blob_name(operation, &upload.name)?;
        let sealing = self.sealing(operation, upload.encryption.as_ref())?;
        let blocks = Blocks::known(self, operation, &blob, &upload.id, sealing).copy();
        Ok((upload, blocks))
    }

    /// The parts that are there.
    async fn waiting(&self, operation: &'static str, upload: &Upload, blocks: &Blocks) -> PortResult<Vec<Held>> {
        let held = match blocks.held().await {
            Err(error) if error.kind == PortErrorKind::NotFound => Vec::new(),
            other => other?,
        };
        let alive = held.contains(&Held { number: MARK, size: 2 });
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
        self.taggable("begin", &file.tags)?;
        let sealing = self.sealing("begin", file.encryption.as_ref())?;
        self.ready(&sealing).await?;
        let begun = Blocks::begin(self, "begin", &blob, sealing.clone())?;
        begun.send(MARK, Bytes::from_static(b"++")).await.map_err(|error| self.refused(&sealing, error))?;
        let upload = Upload {
            id: begun.id.clone(),
            total,
            content_type: file.content_type.clone(),
            encryption: file.encryption.clone(),
            tags: file.tags.clone(),
            name: file.name.clone(),
        };
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
                let tags = crate::tags::spelled(&upload.tags);
                blocks.commit(&numbers, &Beside { content_type: upload.content_type.clone(), tags, ..Beside::default() }).await?
            }
            // Somebody may have finished it and lost the answer.
            Err(error) if error.kind == PortErrorKind::NotFound => blocks.committed(&numbers).await.ok_or(error)?,
            Err(error) => return Err(error),
        };
        self.seen.note_upload(&upload.id, false);
        self.note_written(&blocks.blob, &blocks.sealing);
        Ok(FileInfo {
            name: upload.name,
            size: upload.total,
            content_type: upload.content_type,
            modified: written.modified,
            version: written.version.map(VersionId::new),
            sha256: None,
            encryption: written.encryption,
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
        blocks.send(MARK, Bytes::from_static(b"-")).await?;
        blocks.shrink().await?;
        // A part that was on its way may arrive after that.
        blocks.clear_late();
        Ok(())
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
            encryption: None,
            tags: BTreeMap::new(),
            name: "dir/a b ü~e.csv".to_owned(),
        };
        // As it was written before files had tags.
        let spelled = upload.spelled().to_string();
        assert_eq!(spelled, "0123456789abcdef 7 text%2Fcsv%3B%20charset%3Dutf%2D8 dir/a b ü~e.csv");
        assert_eq!(Upload::read(&spelled).unwrap(), upload);
        let tags = BTreeMap::from([("a=b".to_owned(), "~x y".to_owned()), ("z".to_owned(), String::new())]);
        let more = Upload { encryption: Some(FileEncryption::Key("legal.1".to_owned())), tags, ..upload };
        assert_eq!(Upload::read(more.spelled().as_str()).unwrap(), more);
        for bad in
            ["", "no such upload", "0123456789abcdef x y z", "0123456789abcdeg 1 y z", "0123456789abcdef 1", "0123456789abcdef 1 t~x f"]
        {
            assert!(Upload::read(bad).is_none(), "{bad}");
        }
    }
}
