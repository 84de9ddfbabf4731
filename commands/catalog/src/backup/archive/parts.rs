//! Large objects, written in the parts of stores that have them: what fails leaves nothing behind, also after the bot was
//! killed, since the upload's id is kept while it is under way.

use super::damaged;
use crate::backup::book::Book;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{ByteStream, FileInfo, NewFile, PartWrites, PortResult};
use bytes::Bytes;
use futures::TryStreamExt as _;
use futures::lock::Mutex;
use std::sync::Arc;

/// From this length on.
pub(super) const LARGE: u64 = if cfg!(test) { 60_000 } else { 64 << 20 };

/// One stream, cut into several.
struct Cut {
    bytes: ByteStream,
    rest: Bytes,
    ended: bool,
}

impl Cut {
    /// The next bytes, at most this many; none at the end.
    async fn take(&mut self, most: u64) -> PortResult<Option<Bytes>> {
        while self.rest.is_empty() && !self.ended {
            match self.bytes.try_next().await? {
                Some(bytes) => self.rest = bytes,
                None => self.ended = true,
            }
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let length = usize::try_from(most).unwrap_or(usize::MAX).min(self.rest.len());
        Ok(Some(self.rest.split_to(length)))
    }
}

fn part(cut: &Arc<Mutex<Cut>>, size: u64) -> ByteStream {
    Box::pin(futures::stream::try_unfold((cut.clone(), size), |(cut, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let piece = cut.lock().await.take(left).await?;
        Ok(piece.map(|piece| {
            let left = left - piece.len() as u64;
            (piece, (cut, left))
        }))
    }))
}

/// Writes a file of a known length.
pub(super) async fn write(
    parts: &dyn PartWrites,
    store: &StoreName,
    book: &Book,
    file: NewFile,
    bytes: ByteStream,
) -> PortResult<FileInfo> {
    let size = file.size.ok_or_else(|| damaged("the length of a file written in parts has to be known"))?;
    let upload = parts.begin(&file).await?;
    let written = async {
        book.begin_upload(store, &upload.id).await?;
        let cut = Arc::new(Mutex::new(Cut { bytes, rest: Bytes::new(), ended: false }));
        let (mut done, mut left) = (Vec::new(), size);
        for number in 1..=upload.parts {
            let length = left.min(upload.part_size);
            done.push(parts.put(&upload.id, number, length, part(&cut, length)).await?);
            left -= length;
        }
        if left > 0 || cut.lock().await.take(1).await?.is_some() {
            return Err(damaged("what was read has another length than was said"));
        }
        parts.finish(&upload.id, &done).await
    }
    .await;
    // What can't be given up now is by the next run, which finds the note.
    if written.is_ok() || parts.abort(&upload.id).await.is_ok() {
        book.end_upload(store, &upload.id).await?;
    }
    written
}
