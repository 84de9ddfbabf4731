//! Large uploads, written in parts. What is begun is noted with its id before the first byte is sent, so that whoever comes after
//! a crash finds it and gives it up; the moment between beginning it and noting the id is noted, too, and what the store then
//! tells of under that name and from that moment is the one.
//!
//! Of other programs' uploads nothing is touched: not those under other names, and not those from another time.

use super::CLOCKS_APART;
use bellhop_core::clock::Clock;
use bellhop_core::ids::{StoreName, UploadId};
use bellhop_core::ports::{ByteStream, FileInfo, FileStore, NewFile, PartWrites, PortResult, Records, Stores};
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// From more than this on: what is shorter every store takes in one request, which leaves nothing when it breaks off.
pub(super) const LARGE: u64 = if cfg!(test) { 60_000 } else { 8 << 20 };
/// The collection of what was begun, under the key of the upload's own note.
const BEGUN: &str = "upload_begun";
/// How long it may take; what is older has been given up by whoever began it.
const LONGEST: TimeDelta = TimeDelta::hours(24);
const PAGE: usize = 100;

/// What is noted.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Begun {
    store: StoreName,
    name: String,
    /// When it was about to be begun.
    at: Timestamp,
    /// What the store calls it, once that is known.
    upload: Option<UploadId>,
}

/// One upload in parts.
pub(super) struct InParts<'a> {
    pub records: &'a dyn Records,
    pub clock: &'a dyn Clock,
    /// The key of the upload's note.
    pub key: &'a str,
}

/// An upload that is given up when nobody waits for it any more. Its note stays, for what can't be given up now.
struct Open {
    store: Arc<dyn FileStore>,
    id: UploadId,
    ended: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let (store, id) = (self.store.clone(), self.id.clone());
        // Outside of the runtime the process is ending, and the note is there.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Some(parts) = store.parts() {
                    let _ = parts.abort(&id).await;
                }
            });
        }
    }
}

impl InParts<'_> {
    /// Writes a file of this length into a store that has parts.
    pub async fn write(&self, store: &Arc<dyn FileStore>, file: NewFile, size: u64, bytes: ByteStream) -> PortResult<FileInfo> {
        let Some(parts) = store.parts() else { return store.write(file, bytes).await };
        let begun = Begun { store: store.name().clone(), name: file.name.clone(), at: self.clock.now(), upload: None };
        self.note(&begun).await?;
        let upload = match parts.begin(&file).await {
            Ok(upload) => upload,
            Err(error) => {
                if !error.maybe_done {
                    self.records.remove(BEGUN, self.key).await?;
                }
                return Err(error);
            }
        };
        let mut open = Open { store: store.clone(), id: upload.id.clone(), ended: false };
        let written = async {
            self.note(&Begun { upload: Some(upload.id.clone()), ..begun }).await?;
            let done = crate::parts::send(parts, &upload, size, bytes).await?;
            parts.finish(&upload.id, &done).await
        };
        let written = written.await;
        open.ended = true;
        // What can't be given up now is by the next try, or with time.
        if written.is_ok() || parts.abort(&upload.id).await.is_ok() {
            self.records.remove(BEGUN, self.key).await?;
        }
        written
    }

    async fn note(&self, begun: &Begun) -> PortResult<()> {
        let value = serde_json::to_value(begun).map_err(|error| super::broken(&error.to_string()))?;
        self.records.put(BEGUN, self.key, &value).await
    }

    /// Gives up what an earlier try has left.
    pub async fn clear(&self, stores: impl Fn(&StoreName) -> Option<Arc<dyn FileStore>>) -> PortResult<()> {
        let Some(found) = self.records.get(BEGUN, self.key).await? else { return Ok(()) };
        if let Ok(begun) = serde_json::from_value::<Begun>(found)
            && let Some(store) = stores(&begun.store)
        {
            give_up(&*store, &begun).await?;
        }
        self.records.remove(BEGUN, self.key).await
    }
}

/// Whether something was there to be given up isn't known; that nothing is afterwards is.
async fn give_up(store: &dyn FileStore, begun: &Begun) -> PortResult<()> {
    let Some(parts) = store.parts() else { return Ok(()) };
    match &begun.upload {
        Some(upload) => parts.abort(upload).await,
        None => give_up_unnoted(parts, begun).await,
    }
}

async fn give_up_unnoted(parts: &dyn PartWrites, begun: &Begun) -> PortResult<()> {
    let found = match parts.unfinished(&begun.name).await {
        Ok(found) => found,
        // Where it may not be asked, a lifecycle rule does it.
        Err(PortError { kind: PortErrorKind::Denied | PortErrorKind::Unsupported, .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    for upload in found.iter().filter(|upload| upload.name == begun.name && (upload.since - begun.at).abs() <= CLOCKS_APART) {
        parts.abort(&upload.id).await?;
    }
    Ok(())
}

/// Gives up what was left for over a day; says how many that were. What can't be given up now is tried again the next time.
pub(crate) async fn tidy(stores: &dyn Stores, records: &dyn Records, now: Timestamp) -> PortResult<usize> {
    let (mut given_up, mut last) = (0, None::<String>);
    loop {
        let page = records.after(BEGUN, last.as_deref(), PAGE).await?;
        for record in &page {
            if let Ok(begun) = serde_json::from_value::<Begun>(record.value.clone()) {
                if now - begun.at <= LONGEST {
                    continue;
                }
                if let Ok(store) = stores.store(Some(&begun.store)) {
                    if give_up(&*store, &begun).await.is_err() {
                        continue;
                    }
                    given_up += 1;
                }
            }
            records.remove(BEGUN, &record.key).await?;
        }
        last = match page.last() {
            Some(record) if page.len() == PAGE => Some(record.key.clone()),
            _ => return Ok(given_up),
        };
    }
}
