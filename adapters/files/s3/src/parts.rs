//! Uploads in parts that outlive a restart, as the port has them. The service keeps the parts; nothing is kept here.

use crate::plan::{HELD, MOST_PARTS, SMALL, part_size, parts};
use crate::source::Source;
use crate::store::S3Store;
use crate::upload::{Begun, NO_UPLOAD};
use async_trait::async_trait;
use bellhop_core::ids::UploadId;
use bellhop_core::ports::{ByteStream, FileInfo, NewFile, PartDone, PartUpload, PartWrites, PortResult};
use bellhop_core::{PortError, PortErrorKind};

impl S3Store {
    /// The service's id of an upload, and the file's name: S3 wants both each time.
    fn upload<'a>(&self, operation: &'static str, upload: &'a UploadId) -> PortResult<(&'a str, &'a str, String)> {
        let split = upload.as_str().split_once(' ');
        let (id, name) = split.ok_or_else(|| PortError::not_found(self.account.service.clone(), operation, NO_UPLOAD))?;
        Ok((id, name, self.key(operation, name)?))
    }
}

#[async_trait]
impl PartWrites for S3Store {
    async fn begin(&self, file: &NewFile) -> PortResult<PartUpload> {
        let key = self.key("begin", &file.name)?;
        self.fits(file.size, "begin")?;
        let Some(total) = file.size else {
            return Err(self.error(PortErrorKind::Invalid, "begin", "an upload in parts needs the file's length beforehand"));
        };
        let begun = Begun::begin(self, "begin", &key, &file.content_type, None).await?;
        let id = UploadId::new(format!("{} {}", begun.id(), file.name));
        begun.keep();
        let size = part_size(total, SMALL);
        Ok(PartUpload { id, part_size: size, parts: u32::try_from(parts(total, size)).unwrap_or(u32::MAX) })
    }

    async fn put(&self, upload: &UploadId, number: u32, size: u64, bytes: ByteStream) -> PortResult<PartDone> {
        let (id, _, key) = self.upload("put", upload)?;
        if number == 0 || u64::from(number) > MOST_PARTS {
            return Err(self.error(PortErrorKind::Invalid, "put", format!("parts have the numbers 1 to {MOST_PARTS}")));
        }
        let begun = Begun::known(self, "put", &key, id);
        let piece = begun.piece(number);
        begun.keep();
        let mut source = Source::new(bytes, Some(size), &self.account.service, "put");
        if size > HELD {
            return piece.put_passing(&mut source, size).await;
        }
        source.fill(size).await?;
        piece.put_bytes(source.take(size)).await
    }

    async fn done(&self, upload: &UploadId) -> PortResult<Vec<PartDone>> {
        let (id, _, key) = self.upload("done", upload)?;
        self.parts_of("done", &key, id).await
    }

    async fn finish(&self, upload: &UploadId, parts: &[PartDone]) -> PortResult<FileInfo> {
        let (id, name, key) = self.upload("finish", upload)?;
        if parts.is_empty() {
            return Err(self.error(PortErrorKind::Invalid, "finish", "a file has one part at least, which may be empty"));
        }
        self.learn().await;
        let mut parts = parts.to_vec();
        parts.sort_by_key(|part| part.number);
        let total = parts.iter().map(|part| part.size).sum();
        let begun = Begun::known(self, "finish", &key, id);
        let done = begun.complete(&parts, None, Some(total)).await;
        begun.keep();
        let version = done?;
        let shown = version.clone().filter(|id| id != "null").map(bellhop_core::ids::VersionId::new);
        let info = self.look(name, shown.as_ref()).await.map_err(PortError::maybe_done)?;
        if version.is_some() && info.size != total {
            let message = format!("the parts have {total} bytes and `{name}` has {}", info.size);
            return Err(self.error(PortErrorKind::Broken, "finish", message).maybe_done());
        }
        Ok(info)
    }

    async fn abort(&self, upload: &UploadId) -> PortResult<()> {
        let Ok((id, _, key)) = self.upload("abort", upload) else { return Ok(()) };
        self.abort_once("abort", &key, id).await
    }
}
