//! Large objects, written in the parts of stores that have them: what fails leaves nothing behind, also after the bot was
//! killed, since the upload's id is kept while it is under way.

use super::damaged;
use crate::backup::book::Book;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{ByteStream, FileInfo, NewFile, PartWrites, PortResult};

/// From this length on.
pub(super) const LARGE: u64 = if cfg!(test) { 60_000 } else { 64 << 20 };

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
        let done = crate::parts::send(parts, &upload, size, bytes).await?;
        parts.finish(&upload.id, &done).await
    }
    .await;
    // What can't be given up now is by the next run, which finds the note.
    if written.is_ok() || parts.abort(&upload.id).await.is_ok() {
        book.end_upload(store, &upload.id).await?;
    }
    written
}
