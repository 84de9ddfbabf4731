//! What is noted of uploads in parts, so that a copy that was cut off sends only what is missing, whoever starts it again; and
//! how such notes, and the uploads they tell of, are cleared away when nobody goes on.
//!
//! The notes of an upload's parts are kept in bundles, so that neither noting one nor dropping all of them costs much.

use super::job::{Job, Trouble};
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{FileInfo, PartDone, PartUpload, PortResult, Records, Stores};
use bellhop_core::{PortError, PortErrorKind};
use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use tokio::sync::Mutex;

/// The collections of notes.
const TRANSFERS: &str = "transfer";
const PARTS: &str = "transfer_part";
const MOVES: &str = "transfer_move";
/// How many parts are noted together.
const BUNDLE: u32 = 32;
/// How long an unfinished upload is kept for someone to go on with.
pub(super) const KEPT_HOURS: i64 = 24;
/// How long it is remembered that a copy was checked, or a move begun.
const REMEMBERED: TimeDelta = TimeDelta::days(7);
/// After how long the note of an upload that goes on is renewed.
const RENEWED: TimeDelta = TimeDelta::minutes(10);
/// How many notes are looked at together.
const PAGE: usize = 100;

/// What is noted of an upload in parts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Note {
    to_store: StoreName,
    pub upload: PartUpload,
    /// When something was last done about it.
    at: Timestamp,
    /// What its parts became, once they were put together.
    pub content: Option<FileInfo>,
    /// Whether that was checked against what was read.
    pub checked: bool,
}

/// What is noted of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent {
    /// The SHA-256 of what was read and sent.
    pub sum: String,
    /// The part, as the target took it.
    pub part: PartDone,
}

/// What a single move deletes.
#[derive(Serialize, Deserialize)]
struct Moved {
    at: Timestamp,
    info: Option<FileInfo>,
}

/// The notes of one transfer: one content of the source, to one name of the target.
pub(super) struct Notes<'a> {
    job: &'a Job,
    key: String,
    sent: Mutex<BTreeMap<u32, Sent>>,
    renewed: Mutex<Option<Timestamp>>,
}

impl<'a> Notes<'a> {
    pub fn of(job: &'a Job, source: &FileInfo, to: &str) -> Self {
        let (from_store, to_store) = (job.ports.from.name(), job.ports.to.name());
        // A version says which content it is; without one the length and the moment do.
        let content = match &source.version {
            Some(version) => serde_json::json!(version),
            None => serde_json::json!([source.size, source.modified]),
        };
        let about = serde_json::json!([from_store, source.name, content, to_store, to]);
        let key = hex::encode(&Sha256::digest(about.to_string())[..16]);
        Self { job, key, sent: Mutex::default(), renewed: Mutex::default() }
    }

    pub async fn find(&self) -> PortResult<Option<Note>> {
        read(&*self.job.ports.records, TRANSFERS, &self.key).await
    }

    /// What was noted of the parts.
    pub async fn parts(&self) -> PortResult<BTreeMap<u32, Sent>> {
        let mut all = BTreeMap::new();
        for bundle in bundles(&*self.job.ports.records, &self.key).await? {
            let Some(some) = read::<BTreeMap<u32, Sent>>(&*self.job.ports.records, PARTS, &bundle).await? else { continue };
            all.extend(some);
        }
        self.sent.lock().await.clone_from(&all);
        Ok(all)
    }

    /// A new upload.
    pub async fn begin(&self, upload: PartUpload) -> PortResult<Note> {
        let note = Note { to_store: self.job.ports.to.name().clone(), upload, at: self.now(), content: None, checked: false };
        self.put(&note).await?;
        Ok(note)
    }

    async fn put(&self, note: &Note) -> PortResult<()> {
        let note = Note { at: self.now(), ..note.clone() };
        *self.renewed.lock().await = Some(note.at);
        write(&*self.job.ports.records, TRANSFERS, &self.key, &note).await
    }

    /// A part is there.
    pub async fn sent(&self, note: &Note, sent: Sent) -> PortResult<()> {
        let mut all = self.sent.lock().await;
        let bundle = sent.part.number.saturating_sub(1) / BUNDLE;
        all.insert(sent.part.number, sent);
        let some: BTreeMap<u32, &Sent> =
            all.range(bundle * BUNDLE + 1..=(bundle + 1) * BUNDLE).map(|(number, sent)| (*number, sent)).collect();
        write(&*self.job.ports.records, PARTS, &format!("{}/{bundle:05}", self.key), &some).await?;
        drop(all);
        let renewed = *self.renewed.lock().await;
        if renewed.is_none_or(|at| self.now() - at > RENEWED) {
            self.put(note).await?;
        }
        Ok(())
    }

    /// The parts were put together.
    pub async fn finished(&self, note: &mut Note, info: FileInfo) -> PortResult<()> {
        note.content = Some(info);
        self.put(note).await
    }

    /// What they became was checked.
    pub async fn checked(&self, note: &mut Note) -> PortResult<()> {
        note.checked = true;
        self.put(note).await?;
        forget_parts(&*self.job.ports.records, &self.key).await
    }

    /// Gives the upload up, and forgets it.
    pub async fn give_up(&self, note: &Note) -> PortResult<()> {
        if let Some(parts) = self.job.ports.to.parts().filter(|_| note.content.is_none()) {
            parts.abort(&note.upload.id).await?;
        }
        forget(&*self.job.ports.records, &self.key).await
    }

    fn now(&self) -> Timestamp {
        self.job.ports.clock.now()
    }
}

/// Notes that this call begins to delete what it moved: one file, or many.
pub(super) async fn moving(job: &Job, info: Option<&FileInfo>) -> Result<(), Trouble> {
    let moved = Moved { at: job.ports.clock.now(), info: info.cloned() };
    Ok(write(&*job.ports.records, MOVES, job.call.as_str(), &moved).await?)
}

/// Whether this call has begun to delete what it moved before the bot was stopped; the file, where it is one.
pub(super) async fn moved(job: &Job) -> PortResult<Option<Option<FileInfo>>> {
    Ok(read::<Moved>(&*job.ports.records, MOVES, job.call.as_str()).await?.map(|moved| moved.info))
}

/// Clears away what nobody goes on with: uploads that were left for over a day are given up, so that their parts take no
/// room, and old notes are dropped. Says how many uploads were given up.
///
/// # Errors
/// As the notes can't be read. An upload that can't be given up now is tried again the next time.
pub async fn tidy(stores: &dyn Stores, records: &dyn Records, clock: &dyn Clock) -> PortResult<usize> {
    let now = clock.now();
    let mut given_up = crate::file::upload::tidy(stores, records, now).await?;
    let mut last: Option<String> = None;
    loop {
        let page = records.after(TRANSFERS, last.as_deref(), PAGE).await?;
        for record in &page {
            let Ok(note) = serde_json::from_value::<Note>(record.value.clone()) else {
                records.remove(TRANSFERS, &record.key).await?;
                continue;
            };
            let unfinished = note.content.is_none();
            if now - note.at <= if unfinished { TimeDelta::hours(KEPT_HOURS) } else { REMEMBERED } {
                continue;
            }
            if unfinished && let Ok(store) = stores.store(Some(&note.to_store)) {
                let Some(parts) = store.parts() else { continue };
                if parts.abort(&note.upload.id).await.is_err() {
                    continue;
                }
                given_up += 1;
            }
            forget(records, &record.key).await?;
        }
        last = match page.last() {
            Some(record) if page.len() == PAGE => Some(record.key.clone()),
            _ => break,
        };
    }
    let mut last: Option<String> = None;
    loop {
        let page = records.after(MOVES, last.as_deref(), PAGE).await?;
        for record in &page {
            if !serde_json::from_value::<Moved>(record.value.clone()).is_ok_and(|moved| now - moved.at <= REMEMBERED) {
                records.remove(MOVES, &record.key).await?;
            }
        }
        last = match page.last() {
            Some(record) if page.len() == PAGE => Some(record.key.clone()),
            _ => return Ok(given_up),
        };
    }
}

/// The keys of a transfer's bundles.
async fn bundles(records: &dyn Records, key: &str) -> PortResult<Vec<String>> {
    let mut keys = Vec::new();
    let (mut last, begin) = (format!("{key}/"), format!("{key}/"));
    loop {
        let page = records.after(PARTS, Some(&last), PAGE).await?;
        keys.extend(page.iter().map(|record| record.key.clone()).filter(|key| key.starts_with(&begin)));
        match page.last() {
            Some(record) if page.len() == PAGE && record.key.starts_with(&begin) => last.clone_from(&record.key),
            _ => return Ok(keys),
        }
    }
}

async fn forget_parts(records: &dyn Records, key: &str) -> PortResult<()> {
    for bundle in bundles(records, key).await? {
        records.remove(PARTS, &bundle).await?;
    }
    Ok(())
}

/// The note goes last: as long as it is there, the rest is found.
async fn forget(records: &dyn Records, key: &str) -> PortResult<()> {
    forget_parts(records, key).await?;
    records.remove(TRANSFERS, key).await
}

/// A note that can't be read was made by another version of the bot, and is as good as none.
async fn read<T: DeserializeOwned>(records: &dyn Records, collection: &str, key: &str) -> PortResult<Option<T>> {
    Ok(records.get(collection, key).await?.and_then(|value| serde_json::from_value(value).ok()))
}

async fn write(records: &dyn Records, collection: &str, key: &str, value: &impl Serialize) -> PortResult<()> {
    let value = serde_json::to_value(value).map_err(|error| PortError::new(PortErrorKind::Broken, "files", "copy", error.to_string()))?;
    records.put(collection, key, &value).await
}

/// Whether this is the version that a note tells of.
pub(super) fn tells_of(note: &Note, there: &FileInfo) -> bool {
    note.checked
        && note.content.as_ref().is_some_and(|content| {
            let versions = (&content.version, &there.version);
            content.size == there.size
                && (content.modified - there.modified).abs() < TimeDelta::seconds(2)
                && (versions.0.is_none() || versions.1.is_none() || versions.0 == versions.1)
        })
}
