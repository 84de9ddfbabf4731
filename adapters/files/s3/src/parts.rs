//! Uploads in parts that outlive a restart, as the port has them. The service keeps the parts; nothing is kept here.

use crate::customer::Unlocking;
use crate::fault::Ask;
use crate::names::decoded;
use crate::nature::Nature;
use crate::plan::{HELD, MOST_PARTS, SMALL, part_size, parts};
use crate::source::Source;
use crate::store::{S3Store, moment};
use crate::upload::{Begun, NO_UPLOAD};
use async_trait::async_trait;
use aws_sdk_s3::types::EncodingType;
use bellhop_core::ids::UploadId;
use bellhop_core::ports::{ByteStream, FileInfo, NewFile, PartDone, PartUpload, PartWrites, PortResult, Unfinished};
use bellhop_core::{PortError, PortErrorKind};

/// What stands before the service's id of an upload whose file will be under a key of the owner's, with the key's name.
const UNDER: &str = "key:";
/// How often an upload is given up where parts are still there afterwards.
const ABORTS: u32 = 5;

/// An upload as its id names it.
struct Named<'a> {
    id: &'a str,
    name: &'a str,
    key: String,
    customer: Unlocking,
}

impl S3Store {
    /// The service's id of an upload, the file's name and the key that it will be under: S3 wants all of them each time.
    fn upload<'a>(&self, operation: &'static str, upload: &'a UploadId) -> PortResult<Named<'a>> {
        let none = || PortError::not_found(self.account.service.clone(), operation, NO_UPLOAD);
        let (id, name) = upload.as_str().split_once(' ').ok_or_else(none)?;
        let (customer, id) = match id.strip_prefix(UNDER) {
            Some(rest) => {
                let (customer, id) = rest.split_once(':').ok_or_else(none)?;
                (self.customer(operation, customer)?, id)
            }
            None => (None, id),
        };
        Ok(Named { id, name, key: self.key(operation, name)?, customer })
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
        let nature = Nature::new(self, "begin", file)?;
        self.learn().await;
        self.ensure_tagging("begin", &file.name, &nature).await?;
        let begun = Begun::begin(self, "begin", &key, &nature).await?;
        let under = nature.seal.customer.as_ref().map_or_else(String::new, |key| format!("{UNDER}{}:", key.name()));
        let id = UploadId::new(format!("{under}{} {}", begun.id(), file.name));
        begun.keep();
        let size = part_size(total, SMALL);
        Ok(PartUpload { id, part_size: size, parts: u32::try_from(parts(total, size)).unwrap_or(u32::MAX) })
    }

    async fn put(&self, upload: &UploadId, number: u32, size: u64, bytes: ByteStream) -> PortResult<PartDone> {
        let Named { id, key, customer, .. } = self.upload("put", upload)?;
        if number == 0 || u64::from(number) > MOST_PARTS {
            return Err(self.error(PortErrorKind::Invalid, "put", format!("parts have the numbers 1 to {MOST_PARTS}")));
        }
        // A bucket of another region is found by what can be asked twice.
        self.learn().await;
        let begun = Begun::known(self, "put", &key, id, customer);
        let piece = begun.piece(number);
        begun.keep();
        let mut source = Source::new(bytes, Some(size), &self.account.service, "put");
        if size > HELD {
            return piece.put_passing(&mut source, size).await;
        }
        let held = self.hall.take(size).await;
        if let Some(held) = &held {
            source = source.within(held.spare.clone());
        }
        source.fill(size).await?;
        piece.put_bytes(source.take(size)).await
    }

    async fn done(&self, upload: &UploadId) -> PortResult<Vec<PartDone>> {
        let Named { id, key, customer, .. } = self.upload("done", upload)?;
        self.parts_of("done", &key, id, &customer).await
    }

    async fn finish(&self, upload: &UploadId, parts: &[PartDone]) -> PortResult<FileInfo> {
        let Named { id, name, key, customer } = self.upload("finish", upload)?;
        if parts.is_empty() {
            return Err(self.error(PortErrorKind::Invalid, "finish", "a file has one part at least, which may be empty"));
        }
        self.learn().await;
        let mut parts = parts.to_vec();
        parts.sort_by_key(|part| part.number);
        let total = parts.iter().map(|part| part.size).sum();
        let begun = Begun::known(self, "finish", &key, id, customer.clone());
        let done = begun.complete(&parts, None, Some(total)).await;
        begun.keep();
        let version = done?;
        let shown = version.clone().filter(|id| id != "null").map(bellhop_core::ids::VersionId::new);
        self.fitting.note(name, shown.as_ref().map(bellhop_core::ids::VersionId::as_str), customer);
        let info = self.look(name, shown.as_ref()).await.map_err(PortError::maybe_done)?;
        if version.is_some() && info.size != total {
            let message = format!("the parts have {total} bytes and `{name}` has {}", info.size);
            return Err(self.error(PortErrorKind::Broken, "finish", message).maybe_done());
        }
        Ok(info)
    }

    async fn abort(&self, upload: &UploadId) -> PortResult<()> {
        // Whoever made up the id, or took the key out of the configuration: it can be given up without the key.
        let Some((id, name)) = upload.as_str().split_once(' ') else { return Ok(()) };
        let id = id.strip_prefix(UNDER).and_then(|rest| rest.split_once(':')).map_or(id, |(_, id)| id);
        let Ok(key) = self.key("abort", name) else { return Ok(()) };
        // A part that was on its way may arrive after the first try: S3 keeps it then, and says so.
        for _ in 0..ABORTS {
            self.abort_once("abort", &key, id).await?;
            match self.parts_of("abort", &key, id, &None).await {
                Ok(parts) if !parts.is_empty() => {}
                _ => break,
            }
        }
        Ok(())
    }

    async fn unfinished(&self, name: &str) -> PortResult<Vec<Unfinished>> {
        let key = self.key("list", name)?;
        self.learn().await;
        let client = self.account.client().await?;
        let encode = self.account.is_aws();
        let spelled = |text: Option<&str>| text.and_then(|text| if encode { decoded(text) } else { Some(text.to_owned()) });
        let mut found = Vec::new();
        let (mut behind, mut behind_id) = (None::<String>, None::<String>);
        loop {
            let request = client
                .list_multipart_uploads()
                .bucket(self.bucket())
                .prefix(&key)
                .set_encoding_type(encode.then_some(EncodingType::Url))
                .set_key_marker(behind.clone())
                .set_upload_id_marker(behind_id.clone());
            let ask = Ask::file(&self.account, "list", "s3:ListBucketMultipartUploads", "there is nothing to list");
            let got = match request.send().await.map_err(|error| self.account.failed(ask, &error)) {
                // Servers that don't tell drop by themselves what nobody goes on with, or nobody can find it.
                Err(error) if error.kind == PortErrorKind::Unsupported => return Ok(found),
                other => other?,
            };
            let mut last = None;
            for upload in got.uploads() {
                last = spelled(upload.key());
                if let (true, Some(id)) = (last.as_deref() == Some(&*key), upload.upload_id()) {
                    let id = UploadId::new(format!("{id} {name}"));
                    found.push(Unfinished { id, name: name.to_owned(), since: moment(upload.initiated()) });
                }
            }
            // They come by their names: behind those of this one are only longer ones.
            let next = (spelled(got.next_key_marker()), got.next_upload_id_marker().map(str::to_owned));
            let more = got.is_truncated().unwrap_or(false) && last.as_deref() == Some(&*key);
            if !more || next.0.is_none() || next == (behind, behind_id) {
                return Ok(found);
            }
            (behind, behind_id) = next;
        }
    }
}
