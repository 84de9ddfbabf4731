//! An upload in parts: begun, its parts sent, put together or given up. One that is dropped without an end is given up
//! too: its parts would be paid for and seen by nobody.

use crate::account::Account;
use crate::checksum::{Sums, Told, told};
use crate::config::Checksums;
use crate::customer::Unlocking;
use crate::fault::Ask;
use crate::nature::Nature;
use crate::seal::unlocked;
use crate::store::S3Store;
use aws_sdk_s3::operation::upload_part::UploadPartOutput;
use aws_sdk_s3::primitives::ByteStream as Body;
use aws_sdk_s3::types::{ChecksumType, CompletedMultipartUpload, CompletedPart};
use bellhop_core::ports::{PartDone, PortResult};
use bellhop_core::{PortError, PortErrorKind, Retry};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// What is said of an upload that isn't there.
pub(crate) const NO_UPLOAD: &str = "there is no such upload; it may be finished, or given up";
/// How long whoever met a failure waits for the clearing away; it goes on without them.
const CLEARING: Duration = Duration::from_secs(5);
/// How often it is tried to give an upload up, with growing pauses: about an hour.
const CLEARINGS: u32 = 12;
/// How often an upload is tried to be put together.
const COMPLETIONS: u32 = 3;

/// An upload that was begun.
pub(crate) struct Begun {
    store: S3Store,
    operation: &'static str,
    key: String,
    id: String,
    /// The owner's key that the file will be under, which every part needs.
    customer: Unlocking,
    ended: AtomicBool,
}

/// One part of it.
pub(crate) struct Piece {
    pub store: S3Store,
    pub operation: &'static str,
    pub key: String,
    pub upload: String,
    pub number: u32,
    pub customer: Unlocking,
}

impl Begun {
    /// Begins one. Where the service doesn't say that it will encrypt as wanted, it is given up at once.
    pub async fn begin(store: &S3Store, operation: &'static str, key: &str, nature: &Nature) -> PortResult<Self> {
        let client = store.account.client().await?;
        let checksum = store.checksum();
        let begun = store.patiently(|| async {
            let request = nature
                .begin(client.create_multipart_upload().bucket(store.bucket()).key(key))
                .set_checksum_type(checksum.as_ref().map(|_| ChecksumType::FullObject))
                .set_checksum_algorithm(checksum.clone());
            let ask = Ask::file(&store.account, operation, nature.needs(), "it is not there").sealing(&nature.seal);
            request.send().await.map_err(|error| store.account.failed(ask, &error))
        });
        let got = begun.await?;
        store.seen();
        let Some(id) = got.upload_id().filter(|id| !id.is_empty()) else {
            return Err(store.error(PortErrorKind::Broken, operation, "the service began an upload and doesn't say which"));
        };
        let begun = Self::known(store, operation, key, id, nature.seal.customer.clone());
        match store.sealing(operation, &nature.seal, got.server_side_encryption(), got.sse_customer_algorithm()) {
            Ok(()) => Ok(begun),
            Err(error) => {
                begun.give_up().await;
                Err(error)
            }
        }
    }

    /// One that was begun before.
    pub fn known(store: &S3Store, operation: &'static str, key: &str, id: &str, customer: Unlocking) -> Self {
        Self { store: store.clone(), operation, key: key.to_owned(), id: id.to_owned(), customer, ended: AtomicBool::new(false) }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn piece(&self, number: u32) -> Piece {
        let Self { store, operation, key, id, customer, .. } = self;
        Piece { store: store.clone(), operation, key: key.clone(), upload: id.clone(), number, customer: customer.clone() }
    }

    /// It is finished, or somebody else's from now on.
    pub fn keep(self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Gives it up. Where that takes long it goes on by itself.
    pub async fn give_up(self) {
        self.ended.store(true, Ordering::Relaxed);
        let clearing = TaskTracker::new().spawn(clear(self.store.clone(), self.key.clone(), self.id.clone()));
        let _ = tokio::time::timeout(CLEARING, clearing).await;
    }

    /// Puts the parts together; gives the version that this became. What is asked a second time because the first answer got
    /// lost may have been done already: then the upload is gone, and nobody else could have ended it.
    pub async fn complete(&self, parts: &[PartDone], sums: Option<&Sums>, total: Option<u64>) -> PortResult<Option<String>> {
        let store = &self.store;
        let client = store.account.client().await?;
        let supported = store.account.config.checksums == Checksums::WhenSupported;
        let list = CompletedMultipartUpload::builder().set_parts(Some(parts.iter().map(completed).collect())).build();
        let mut unclear = false;
        let mut pause = Duration::from_millis(500);
        for attempt in 1..=COMPLETIONS {
            let request = client
                .complete_multipart_upload()
                .bucket(store.bucket())
                .key(&self.key)
                .upload_id(&self.id)
                .multipart_upload(list.clone())
                .set_checksum_crc64_nvme(sums.filter(|_| supported).map(Sums::crc64nvme))
                .set_checksum_type(sums.filter(|_| supported).map(|_| ChecksumType::FullObject))
                .set_mpu_object_size(total.filter(|_| supported).and_then(|total| i64::try_from(total).ok()));
            let request = unlocked!(request, &self.customer);
            let sent = request.customize().config_override(Account::once()).send().await;
            let ask = Ask::file(&store.account, self.operation, "s3:PutObject", NO_UPLOAD).changing();
            let error = match sent {
                Ok(got) => {
                    let told = Told { ..told!(got) };
                    if sums.is_some_and(|sums| !sums.agree(&told)) {
                        return Err(self.withdraw(got.version_id()).await);
                    }
                    return Ok(got.version_id().map(str::to_owned));
                }
                Err(error) => store.account.failed(ask, &error),
            };
            if unclear && error.kind == PortErrorKind::NotFound {
                return Ok(None);
            }
            unclear |= error.maybe_done;
            if error.retry == Retry::No || attempt == COMPLETIONS {
                return Err(if unclear { error.maybe_done() } else { error });
            }
            tokio::time::sleep(if let Retry::After(wanted) = error.retry { wanted.min(CLEARING) } else { pause }).await;
            pause *= 2;
        }
        Err(store.error(PortErrorKind::Broken, self.operation, "the upload could not be put together"))
    }

    /// What was put together isn't what was sent: where versions are kept it is taken away again.
    async fn withdraw(&self, version: Option<&str>) -> PortError {
        let error = self.store.corrupted(self.operation);
        let Some(version) = version.filter(|version| *version != "null") else { return error.maybe_done() };
        match self.store.remove_version(self.operation, &self.key, version).await {
            Ok(()) => error,
            Err(_) => error.maybe_done(),
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if self.ended.load(Ordering::Relaxed) {
            return;
        }
        // Outside of the runtime the process is ending: the bucket's lifecycle clears away what is left then.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            TaskTracker::new().spawn_on(clear(self.store.clone(), self.key.clone(), self.id.clone()), &runtime);
        }
    }
}

fn completed(part: &PartDone) -> CompletedPart {
    let (etag, crc) = part.receipt.split_once(' ').unwrap_or((&part.receipt, ""));
    let crc = (!crc.is_empty()).then(|| crc.to_owned());
    CompletedPart::builder().part_number(i32::try_from(part.number).unwrap_or(0)).e_tag(etag).set_checksum_crc64_nvme(crc).build()
}

/// What is needed of a part to put it together with others.
pub(crate) fn receipt(store: &S3Store, etag: &str, told: &Told) -> String {
    let crc = told.crc64nvme.as_deref().filter(|_| store.account.config.checksums == Checksums::WhenSupported);
    crc.map_or_else(|| etag.to_owned(), |crc| format!("{etag} {crc}"))
}

/// Gives an upload up until it is gone. A part that was on its way may arrive after the first try: S3 keeps it then, and
/// says so.
async fn clear(store: S3Store, key: String, upload: String) {
    let mut pause = Duration::from_secs(1);
    for _ in 0..CLEARINGS {
        match store.abort_once("write", &key, &upload).await {
            Ok(()) => match store.parts_of("write", &key, &upload, &None).await {
                Ok(parts) if !parts.is_empty() => {}
                Err(error) if error.kind != PortErrorKind::NotFound => {}
                Ok(_) | Err(_) => return,
            },
            Err(error) if error.retry == Retry::No => {
                tracing::warn!(%error, key, "an unfinished upload can't be removed; a lifecycle rule can do it");
                return;
            }
            Err(_) => {}
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    tracing::warn!(key, "an unfinished upload could not be removed; a lifecycle rule can do it");
}

impl S3Store {
    /// Gives an upload up; one that isn't there is no error.
    pub(crate) async fn abort_once(&self, operation: &'static str, key: &str, upload: &str) -> PortResult<()> {
        let client = self.account.client().await?;
        let sent = client.abort_multipart_upload().bucket(self.bucket()).key(key).upload_id(upload).send().await;
        let ask = Ask::file(&self.account, operation, "s3:AbortMultipartUpload", NO_UPLOAD);
        match sent.map_err(|error| self.account.failed(ask, &error)) {
            Err(error) if error.kind != PortErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The parts of an upload that are there.
    pub(crate) async fn parts_of(
        &self,
        operation: &'static str,
        key: &str,
        upload: &str,
        customer: &Unlocking,
    ) -> PortResult<Vec<PartDone>> {
        let client = self.account.client().await?;
        let mut parts = Vec::new();
        let mut marker = None;
        loop {
            let request = client.list_parts().bucket(self.bucket()).key(key).upload_id(upload).set_part_number_marker(marker.clone());
            let request = unlocked!(request, customer);
            let ask = Ask::file(&self.account, operation, "s3:ListMultipartUploadParts", NO_UPLOAD);
            let got = request.send().await.map_err(|error| self.account.failed(ask, &error))?;
            for part in got.parts() {
                let told = told!(part);
                parts.push(PartDone {
                    number: part.part_number().and_then(|number| u32::try_from(number).ok()).unwrap_or(0),
                    size: u64::try_from(part.size().unwrap_or(0)).unwrap_or(0),
                    checksum: told.one(),
                    receipt: receipt(self, part.e_tag().unwrap_or_default(), &told),
                });
            }
            let next = got.next_part_number_marker().map(str::to_owned);
            if !got.is_truncated().unwrap_or(false) || next.is_none() || next == marker {
                parts.sort_by_key(|part: &PartDone| part.number);
                return Ok(parts);
            }
            marker = next;
        }
    }
}

impl Piece {
    /// Sends it.
    pub async fn request(&self, body: Body, size: u64, limits: aws_sdk_s3::config::Builder) -> PortResult<UploadPartOutput> {
        let store = &self.store;
        let client = store.account.client().await?;
        let request = client
            .upload_part()
            .bucket(store.bucket())
            .key(&self.key)
            .upload_id(&self.upload)
            .part_number(i32::try_from(self.number).unwrap_or(0))
            .set_content_length(i64::try_from(size).ok())
            .set_checksum_algorithm(store.checksum())
            .body(body);
        let request = unlocked!(request, &self.customer);
        let ask = Ask { customer: self.customer.is_some(), ..Ask::file(&store.account, self.operation, "s3:PutObject", NO_UPLOAD) };
        request.customize().config_override(limits).send().await.map_err(|error| store.account.failed(ask, &error))
    }

    /// What arrived, if it is what was sent.
    pub fn checked(&self, sent: &UploadPartOutput, size: u64, sums: &Sums) -> PortResult<PartDone> {
        let told = told!(sent);
        if !sums.agree(&told) {
            return Err(self.store.corrupted(self.operation));
        }
        let Some(etag) = sent.e_tag() else {
            return Err(self.store.error(PortErrorKind::Broken, self.operation, "the service took a part and gives no ETag for it"));
        };
        Ok(PartDone { number: self.number, size, checksum: told.one(), receipt: receipt(&self.store, etag, &told) })
    }
}
