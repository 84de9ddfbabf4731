//! What all files of one copy share, and what can come of one of them.

use super::meter::Meter;
use super::{Ends, FromTo};
use crate::wording::line;
use bellhop_core::clock::Clock;
use bellhop_core::ids::CallId;
use bellhop_core::ports::{FileInfo, FileStore, PortResult, Records, Stop};
use bellhop_core::{Call, PortError, PortErrorKind, Retry};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// From which length on a file is sent in parts, where the target has them.
const LARGE: u64 = 16 << 20;
/// How often a file, a part or a page of a listing is tried.
pub(super) const TRIES: u32 = 3;
/// How many parts are sent at once at the most.
const PARTS: usize = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a copy works with.
pub(super) struct Ports {
    pub from: Arc<dyn FileStore>,
    pub to: Arc<dyn FileStore>,
    pub records: Arc<dyn Records>,
    pub clock: Arc<dyn Clock>,
}

/// One copy of one file or many.
#[expect(clippy::struct_excessive_bools, reason = "each says one thing that the caller chose, and they don't exclude one another")]
pub(super) struct Job {
    pub ports: Ports,
    pub call: CallId,
    pub stop: Stop,
    pub meter: Arc<Meter>,
    pub parallel: usize,
    pub replace: bool,
    pub moving: bool,
    pub dry: bool,
    /// From which length on a file is sent in parts.
    pub large: u64,
    /// Whether both ends are in one store, which then copies by itself.
    pub within: bool,
    /// How many streams may be open at once: small files, and parts of large ones.
    gate: Semaphore,
    /// How many of these may be parts: a store may hold each of them in memory.
    parts: Semaphore,
    /// Whether the source's tags are still asked for.
    tags: AtomicBool,
}

/// A file to be copied.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// As the source lists it.
    pub from: FileInfo,
    /// Its name at the target.
    pub to: String,
    /// What is there, where that is known.
    pub there: There,
}

/// What is known of the target's name.
#[derive(Clone, Debug)]
pub(super) enum There {
    /// It has to be looked up.
    Unknown,
    /// This, or nothing.
    Known(Option<Box<FileInfo>>),
}

/// What became of a file.
#[derive(Clone, Debug)]
pub(super) struct Done {
    /// The source, as it was read.
    pub source: FileInfo,
    /// The target, as it is now.
    pub info: FileInfo,
    pub how: How,
    /// Whether something was there before.
    pub replaced: bool,
    /// Whether it had tags that the target didn't take.
    pub untagged: bool,
}

/// How it is known that the target has what the source has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The target says that it has the SHA-256 of what was read.
    Told,
    /// It was read back.
    ReadBack,
    /// It was read back, and so many parts of it each had the SHA-256 of what was sent.
    Parts(u32),
    /// The store copied it by itself; `true` where it gives the same checksum of both.
    ByStore(bool),
    /// It was there already, with the same size and checksum.
    Before,
    /// Nothing was done: this is a dry run.
    Planned,
}

/// Why a file was not copied.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// A store failed.
    Port(PortError),
    /// The target can't have that name.
    Name(String),
    /// Another file has the name, and would be lost.
    There,
    /// The source changed while it was read.
    Changed,
    /// The target had other bytes than were sent; what is said is what became of them.
    Differs(&'static str),
    /// An upload in parts is not there any more.
    Gone,
    /// It was cancelled.
    Stopped,
}

impl From<PortError> for Trouble {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl Trouble {
    /// What to wait before the next try of how many there were, where there is sense in one.
    pub fn pause(&self, tried: u32) -> Option<Duration> {
        let backoff = FIRST_PAUSE * 2_u32.saturating_pow(tried.saturating_sub(1));
        match self {
            Self::Port(error) => match error.retry {
                Retry::After(pause) if pause <= LONGEST_PAUSE => Some(pause),
                Retry::Backoff => Some(backoff.min(LONGEST_PAUSE)),
                Retry::No | Retry::After(_) => None,
            },
            Self::Changed | Self::Differs(_) | Self::Gone => Some(Duration::ZERO),
            Self::Name(_) | Self::There | Self::Stopped => None,
        }
    }

    /// Whether every other file would meet it too.
    pub fn is_for_all(&self) -> bool {
        matches!(self, Self::Port(error) if matches!(error.kind, PortErrorKind::Unauthenticated | PortErrorKind::Full))
    }

    /// For people.
    pub fn words(&self) -> String {
        match self {
            Self::Port(error) => line(&error.message),
            Self::Name(why) => line(why),
            Self::There => "another file of that name is there, and its store keeps no versions; add --replace to lose it".to_owned(),
            Self::Changed => "it kept changing while it was read; copy it again when it is left alone".to_owned(),
            Self::Differs(what) => format!("the target had other bytes than were sent; {what}"),
            Self::Gone => "the unfinished upload was removed by someone else; run it again".to_owned(),
            Self::Stopped => "it was cancelled on the way".to_owned(),
        }
    }
}

impl Job {
    pub fn new(call: &Call, ports: Ports, ends: &Ends, args: &FromTo, moving: bool) -> Self {
        let verb = match (args.dry_run, moving) {
            (true, _) => "Comparing",
            (false, true) => "Moving",
            (false, false) => "Copying",
        };
        let (join, from, to) = (if args.dry_run { "with" } else { "to" }, line(&ends.from.spelled), line(&ends.to.spelled));
        let within = ports.from.name() == ports.to.name();
        let parallel = usize::from(args.parallel.clamp(1, 32));
        Self {
            ports,
            call: call.id.clone(),
            stop: call.stop.clone(),
            meter: Arc::new(Meter::new(call.progress.clone(), format!("{verb} {from} {join} {to}"), ends.many)),
            parallel,
            replace: args.replace,
            moving,
            dry: args.dry_run,
            large: LARGE,
            within,
            gate: Semaphore::new(parallel),
            parts: Semaphore::new(parallel.min(PARTS)),
            tags: AtomicBool::new(!args.no_tags && !within),
        }
    }

    /// Waits for one of the streams that may be open at once.
    pub async fn stream(&self) -> Result<SemaphorePermit<'_>, Trouble> {
        let free = self.stop.run_until_cancelled(self.gate.acquire()).await;
        // The gate is never closed.
        free.and_then(Result::ok).ok_or(Trouble::Stopped)
    }

    /// The same for one that is a part to be sent.
    pub async fn part(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), Trouble> {
        let free = self.stop.run_until_cancelled(self.parts.acquire()).await;
        Ok((free.and_then(Result::ok).ok_or(Trouble::Stopped)?, self.stream().await?))
    }

    /// Whether tags are asked for.
    pub fn wants_tags(&self) -> bool {
        self.tags.load(Ordering::Relaxed)
    }

    /// The source has none: it isn't asked again.
    pub fn without_tags(&self) {
        self.tags.store(false, Ordering::Relaxed);
    }

    /// Waits before another try; `false` when it was cancelled meanwhile.
    pub async fn pause(&self, pause: Duration) -> bool {
        self.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some()
    }
}

/// What is known about a file, if there is one.
pub(super) async fn look(store: &dyn FileStore, name: &str) -> PortResult<Option<FileInfo>> {
    match store.head(name, None).await {
        Ok(info) => Ok(Some(info)),
        Err(error) if error.kind == PortErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether both are the same content under the same name of the same store, as far as can be seen without reading it.
pub(super) fn unchanged(before: &FileInfo, now: &FileInfo) -> bool {
    fn agree<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
        a.is_none() || b.is_none() || a == b
    }
    before.size == now.size
        && before.modified == now.modified
        && agree(before.version.as_ref(), now.version.as_ref())
        && agree(before.sha256.as_ref(), now.sha256.as_ref())
}
