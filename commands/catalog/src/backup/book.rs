//! The bot's notes about backups: what is to be backed up where, and what became of each run. The runs themselves lie in their
//! store and can be read without these notes.

use super::archive::{Manifest, failed};
use super::source::Source;
use bellhop_core::CommandError;
use bellhop_core::address::UserRef;
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::error::PortErrorKind;
use bellhop_core::ids::{CallId, StoreName, UploadId};
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{FileStore, PortResult, Records};
use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

const PLANS: &str = "backup";
const UPLOADS: &str = "backup_upload";
const PAGE: usize = 500;
/// How often a run says that it lives, and after which silence it is taken for dead.
const BEAT: TimeDelta = TimeDelta::seconds(20);
const SILENCE: TimeDelta = TimeDelta::minutes(10);

/// A backup that was set up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub name: String,
    pub source: Source,
    pub store: StoreName,
    /// The folder in the store that the backup's own folder is in, or empty; ends in a slash otherwise.
    pub prefix: String,
    pub keep: Option<u32>,
    pub plain: bool,
    /// The cron line and its zone, for showing, and the id of the schedule.
    pub every: Option<(String, chrono_tz::Tz)>,
    pub schedule: Option<String>,
    pub owner: UserRef,
    pub owner_name: String,
    pub made: Timestamp,
    /// The call that set it up.
    pub by: CallId,
}

impl Plan {
    /// `PREFIX/NAME/`
    pub fn folder(&self) -> String {
        format!("{}{}/", self.prefix, self.name)
    }

    /// `PREFIX/NAME/RUN/`
    pub fn base(&self, run: &str) -> String {
        format!("{}{run}/", self.folder())
    }

    /// Where the backup lies, as people write it.
    pub fn place(&self) -> String {
        format!("{}:{}", self.store, self.folder())
    }
}

/// How far a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Running,
    Done,
    Failed,
}

/// What is known about a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub run: String,
    pub state: State,
    pub call: CallId,
    pub began: Timestamp,
    /// When it last said that it lives.
    pub beat: Timestamp,
    pub ended: Option<Timestamp>,
    pub files: u64,
    pub size: u64,
    pub stored: u64,
    pub left_out: u64,
    /// Whether something that still exists is missing.
    pub lacking: bool,
    pub why: Option<String>,
    pub verified: Option<Timestamp>,
    /// How many objects were found damaged then.
    pub damaged: u64,
}

impl Note {
    pub fn begun(run: &str, call: &CallId, now: Timestamp) -> Self {
        Self {
            run: run.to_owned(),
            state: State::Running,
            call: call.clone(),
            began: now,
            beat: now,
            ended: None,
            files: 0,
            size: 0,
            stored: 0,
            left_out: 0,
            lacking: false,
            why: None,
            verified: None,
            damaged: 0,
        }
    }

    pub fn done(self, manifest: &Manifest) -> Self {
        Self {
            state: State::Done,
            began: manifest.began,
            ended: Some(manifest.ended),
            files: manifest.files,
            size: manifest.size,
            stored: manifest.stored,
            left_out: manifest.left_out,
            lacking: manifest.first_left_out.iter().any(|left_out| !left_out.gone),
            ..self
        }
    }

    /// Whether nobody works on it any more although it isn't over.
    pub fn dead(&self, now: Timestamp, call: &CallId) -> bool {
        self.state == State::Failed || self.state == State::Running && (self.call == *call || now - self.beat > SILENCE)
    }
}

/// The notes.
#[derive(Clone)]
pub(crate) struct Book {
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
}

impl Book {
    pub fn new(records: Arc<dyn Records>, clock: Arc<dyn Clock>) -> Self {
        Self { records, clock }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The backup of this name.
    pub async fn plan(&self, name: &str) -> Result<Plan, CommandError> {
        if let Some(kept) = self.records.get(PLANS, name).await? {
            return Ok(read(kept)?);
        }
        let plans = self.plans().await?;
        let near = nearest(name, plans.iter().map(|plan| plan.name.as_str())).map(str::to_owned);
        Err(CommandError::NotFound { what: "backup", name: crate::wording::line(name), nearest: near })
    }

    pub async fn plans(&self) -> PortResult<Vec<Plan>> {
        self.all(PLANS).await
    }

    /// Keeps a plan unless there is one of that name; returns what is kept.
    pub async fn add(&self, plan: &Plan) -> PortResult<Plan> {
        let (kept, _) = self.records.put_new(PLANS, &plan.name, &written(plan)?).await?;
        read(kept)
    }

    pub async fn put(&self, plan: &Plan) -> PortResult<()> {
        self.records.put(PLANS, &plan.name, &written(plan)?).await
    }

    pub async fn remove(&self, name: &str) -> PortResult<()> {
        for note in self.notes(name).await? {
            self.forget(name, &note.run).await?;
        }
        self.records.remove(PLANS, name).await
    }

    /// The runs of a backup, the oldest first.
    pub async fn notes(&self, name: &str) -> PortResult<Vec<Note>> {
        self.all(&runs(name)).await
    }

    pub async fn note(&self, name: &str, run: &str) -> PortResult<Option<Note>> {
        self.records.get(&runs(name), run).await?.map(read).transpose()
    }

    pub async fn keep(&self, name: &str, note: &Note) -> PortResult<()> {
        self.records.put(&runs(name), &note.run, &written(note)?).await
    }

    pub async fn forget(&self, name: &str, run: &str) -> PortResult<()> {
        self.records.remove(&runs(name), run).await
    }

    /// What says from time to time that a run lives.
    pub fn beat(&self, name: &str, note: &Note) -> Beat {
        Beat(Arc::new(Beating { book: self.clone(), name: name.to_owned(), note: note.clone(), last: Mutex::new(note.beat) }))
    }

    /// An upload in parts has begun: whoever comes after a crash ends it.
    pub async fn begin_upload(&self, store: &StoreName, upload: &UploadId) -> PortResult<()> {
        let began = serde_json::json!({ "store": store, "upload": upload, "began": self.now() });
        self.records.put(UPLOADS, &format!("{store}/{upload}"), &began).await
    }

    pub async fn end_upload(&self, store: &StoreName, upload: &UploadId) -> PortResult<()> {
        self.records.remove(UPLOADS, &format!("{store}/{upload}")).await
    }

    /// Ends the uploads into a store that nobody works on any more.
    pub async fn clear_uploads(&self, store: &dyn FileStore, alive: bool) -> PortResult<()> {
        #[derive(Deserialize)]
        struct Begun {
            store: StoreName,
            upload: UploadId,
            began: Timestamp,
        }
        let begun: Vec<Begun> = self.all(UPLOADS).await?;
        let Some(parts) = store.parts() else { return Ok(()) };
        // While another run lives, an upload may be its own; a day is long enough for any object.
        let old = |began: Timestamp| !alive || self.now() - began > TimeDelta::days(1);
        for one in begun.iter().filter(|one| one.store == *store.name() && old(one.began)) {
            parts.abort(&one.upload).await?;
            self.end_upload(&one.store, &one.upload).await?;
        }
        Ok(())
    }

    async fn all<T: DeserializeOwned>(&self, collection: &str) -> PortResult<Vec<T>> {
        let (mut all, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = self.records.after(collection, after.as_deref(), PAGE).await?;
            after = page.last().map(|record| record.key.clone());
            let whole = page.len() < PAGE;
            for record in page {
                all.push(read(record.value)?);
            }
            if whole {
                return Ok(all);
            }
        }
    }
}

fn runs(name: &str) -> String {
    format!("backup_run/{name}")
}

fn read<T: DeserializeOwned>(value: serde_json::Value) -> PortResult<T> {
    serde_json::from_value(value).map_err(|error| {
        failed(PortErrorKind::Broken, "read", format!("a note about a backup can't be read; was it written by a newer version? {error}"))
    })
}

fn written<T: Serialize>(value: &T) -> PortResult<serde_json::Value> {
    serde_json::to_value(value).map_err(|error| failed(PortErrorKind::Broken, "write", error.to_string()))
}

struct Beating {
    book: Book,
    name: String,
    note: Note,
    last: Mutex<Timestamp>,
}

/// Says that a run lives, at most every twenty seconds however often it is asked.
#[derive(Clone)]
pub(crate) struct Beat(Arc<Beating>);

impl Beat {
    pub async fn beat(&self) -> PortResult<()> {
        let now = self.0.book.now();
        {
            let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
            if now - *last < BEAT {
                return Ok(());
            }
            *last = now;
        }
        if !self.still_ours().await? {
            return Err(failed(PortErrorKind::Conflict, "run", "it was taken for dead and cleared away; run it again"));
        }
        self.0.book.keep(&self.0.name, &Note { beat: now, ..self.0.note.clone() }).await
    }

    /// Whether nobody has taken the run for dead.
    pub async fn still_ours(&self) -> PortResult<bool> {
        Ok(self.0.book.note(&self.0.name, &self.0.note.run).await?.is_some_and(|note| note.state == State::Running))
    }
}
