//! Uploads in parts as the port has them; what lies on disk is `parts`.

use crate::incoming::passed;
use crate::parts::Hold;
use crate::store::LocalStore;
use async_trait::async_trait;
use bellhop_core::ids::UploadId;
use bellhop_core::ports::{ByteStream, FileInfo, NewFile, PartDone, PartUpload, PartWrites, PortResult, Unfinished};
use std::sync::Arc;

#[async_trait]
impl PartWrites for LocalStore {
    async fn begin(&self, file: &NewFile) -> PortResult<PartUpload> {
        let content_type = self.accepted("upload", file)?;
        let file = file.clone();
        self.on_disk("upload", move |folder| folder.begin_upload(&file, content_type)).await
    }

    async fn put(&self, upload: &UploadId, number: u32, size: u64, bytes: ByteStream) -> PortResult<PartDone> {
        let id = upload.to_string();
        // Refused before anything is sent.
        let asked = id.clone();
        self.on_disk("upload", move |folder| folder.held(&asked, Hold::Shared)?.expects(number, size)).await?;
        let folder = Arc::clone(&self.folder);
        let what = format!("part {number}");
        passed(&self.folder.service, (&what, Some(size)), bytes, move |pieces| folder.held(&id, Hold::Shared)?.put(number, pieces)).await
    }

    async fn done(&self, upload: &UploadId) -> PortResult<Vec<PartDone>> {
        let id = upload.to_string();
        self.on_disk("upload", move |folder| folder.held(&id, Hold::Shared)?.done()).await
    }

    async fn finish(&self, upload: &UploadId, parts: &[PartDone]) -> PortResult<FileInfo> {
        let (id, parts) = (upload.to_string(), parts.to_vec());
        self.on_disk("upload", move |folder| folder.held(&id, Hold::Alone)?.finish(folder, &parts)).await
    }

    async fn abort(&self, upload: &UploadId) -> PortResult<()> {
        let id = upload.to_string();
        let done = self.on_disk("upload", move |folder| match folder.upload(&id, Hold::Alone)? {
            Some(_held) => folder.drop_upload(&id).map(drop),
            None => Ok(()),
        });
        done.await
    }

    async fn unfinished(&self, name: &str) -> PortResult<Vec<Unfinished>> {
        let name = name.to_owned();
        self.on_disk("upload", move |folder| folder.unfinished(&name)).await
    }
}

#[cfg(test)]
#[path = "uploads_tests.rs"]
mod tests;
