//! All the files of a copy: listed and copied at the same time, several at once, until all are over, nothing would help the
//! rest, or it is cancelled. The failure of one doesn't end the others.

use super::Ends;
use super::job::{Done, How, Item, Job, There, Trouble};
use super::listing::{list, prefixes};
use super::meter::Amount;
use super::notes;
use super::one::one;
use bellhop_core::ports::FileInfo;
use bellhop_core::{CommandError, PortError, PortErrorKind};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How many listed files may wait to be copied: that many are planned ahead, and no more held in memory.
const AHEAD: usize = 20_000;
/// How many rows are kept for the answer.
pub(super) const ROWS: usize = 10_000;
/// When so many files failed and none was copied, the rest is not tried.
const HOPELESS: u64 = 20;
/// How long small files that are under way have to get finished when it is cancelled.
const LAST_MOMENT: Duration = Duration::from_secs(3);

/// What became of all files.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub copied: Amount,
    pub same: Amount,
    pub replaced: u64,
    pub untagged: u64,
    /// How the copies were checked.
    pub told: u64,
    pub read_back: u64,
    pub by_store: u64,
    pub by_store_unsummed: u64,
    pub failed: u64,
    /// Why files were not copied, by name; at most [`ROWS`].
    pub failures: BTreeMap<String, String>,
    /// What a dry run has found, by name; at most [`ROWS`].
    pub rows: BTreeMap<String, Row>,
    /// The last of them, for an answer about one.
    pub last: Option<Done>,
    /// The only failure, where there was one file.
    pub trouble: Option<Trouble>,
    /// Why the rest was not tried, or not all files were listed.
    pub cut_off: Option<String>,
    pub stopped: bool,
    /// This call moved it all before the bot was stopped.
    pub moved_before: bool,
}

/// A line of a dry run.
#[derive(Debug)]
pub(super) struct Row {
    pub to: String,
    pub size: u64,
    pub what: &'static str,
}

impl Tally {
    fn add(&mut self, job: &Job, item: &Item, ended: Result<Done, Trouble>) {
        let done = match ended {
            Ok(done) => done,
            Err(Trouble::Stopped) => return,
            Err(trouble) => {
                self.failed += 1;
                if self.failures.len() < ROWS {
                    self.failures.insert(item.from.name.clone(), trouble.words());
                }
                let hopeless = self.failed >= HOPELESS && self.copied.files + self.same.files == 0;
                if (hopeless || trouble.is_for_all()) && self.cut_off.is_none() {
                    self.cut_off = Some(format!("The rest was not tried, since it would fail too: {}.", trouble.words()));
                }
                self.trouble = Some(trouble);
                job.meter.ended();
                return;
            }
        };
        let of = if done.how == How::Before { &mut self.same } else { &mut self.copied };
        of.files += 1;
        of.bytes += done.source.size;
        self.replaced += u64::from(done.replaced);
        self.untagged += u64::from(done.untagged);
        match done.how {
            How::Told => self.told += 1,
            How::ReadBack | How::Parts(_) => self.read_back += 1,
            How::ByStore(true) => self.by_store += 1,
            How::ByStore(false) => self.by_store_unsummed += 1,
            How::Before | How::Planned => {}
        }
        if job.dry && self.rows.len() < ROWS {
            let what = match (done.how, done.replaced) {
                (How::Before, _) => "there already",
                (_, true) => "replace",
                (_, false) => "copy",
            };
            self.rows.insert(item.from.name.clone(), Row { to: item.to.clone(), size: done.source.size, what });
        }
        self.last = Some(done);
        job.meter.ended();
    }
}

/// Copies everything that is meant.
pub(super) async fn run(job: &Arc<Job>, ends: &Ends) -> Result<Tally, CommandError> {
    let (into, mut items) = mpsc::channel(AHEAD);
    let mut lister: JoinSet<Result<(), Trouble>> = JoinSet::new();
    if ends.many {
        let (job, prefixes) = (job.clone(), prefixes(ends));
        lister.spawn(async move { list(&job, prefixes, &into).await });
    } else {
        match single(job, ends).await? {
            Some(item) => {
                job.meter.plan(item.from.size);
                job.meter.planned();
                // The channel has room for one.
                let _ = into.try_send(item);
            }
            None => return Ok(Tally { moved_before: true, ..Tally::default() }),
        }
        drop(into);
    }
    let tally = all(job, &mut items, &mut lister).await?;
    if ends.many && tally.copied.files + tally.same.files + tally.failed == 0 && !tally.stopped && tally.cut_off.is_none() {
        if job.moving && notes::moved(job).await?.is_some() {
            return Ok(Tally { moved_before: true, ..tally });
        }
        return Err(CommandError::NotFound { what: "file under", name: ends.from.spelled.clone(), nearest: None });
    }
    Ok(tally)
}

/// The only file; nothing where this call has moved it before.
async fn single(job: &Job, ends: &Ends) -> Result<Option<Item>, CommandError> {
    match ends.from.head(None).await {
        Ok(from) => Ok(Some(Item { from, to: ends.to.name.clone(), there: There::Unknown })),
        Err(CommandError::NotFound { .. }) if job.moving && notes::moved(job).await?.is_some() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn all(job: &Arc<Job>, items: &mut mpsc::Receiver<Item>, lister: &mut JoinSet<Result<(), Trouble>>) -> Result<Tally, CommandError> {
    let mut tally = Tally::default();
    let mut running: JoinSet<(Item, Result<Done, Trouble>)> = JoinSet::new();
    let mut more = true;
    let mut first = true;
    loop {
        tokio::select! {
            () = job.stop.cancelled() => {
                tally.stopped = true;
                break;
            }
            Some(ended) = running.join_next(), if !running.is_empty() => {
                let (item, ended) = joined(ended);
                tally.add(job, &item, ended);
                more &= tally.cut_off.is_none();
            }
            item = items.recv(), if more && running.len() < job.parallel => match item {
                Some(item) => {
                    if first && job.moving && job.meter.many() && !job.dry {
                        notes::moving(job, None).await.map_err(of_all)?;
                    }
                    first = false;
                    let job = job.clone();
                    running.spawn(async move {
                        let ended = one(&job, &item).await;
                        (item, ended)
                    });
                }
                None => more = false,
            },
            else => break,
        }
    }
    if tally.stopped {
        // Large files stop by themselves; small ones are finished if that is a matter of moments.
        let finishing = async {
            while let Some(ended) = running.join_next().await {
                let (item, ended) = joined(ended);
                tally.add(job, &item, ended);
            }
        };
        let _ = tokio::time::timeout(LAST_MOMENT, finishing).await;
        running.shutdown().await;
        lister.shutdown().await;
        return Ok(tally);
    }
    if tally.cut_off.is_some() {
        lister.shutdown().await;
    }
    match lister.join_next().await {
        Some(Ok(Err(trouble))) if tally.copied.files + tally.same.files + tally.failed == 0 => return Err(of_all(trouble)),
        Some(Ok(Err(trouble))) => tally.cut_off = Some(format!("Not all files could be listed: {}.", trouble.words())),
        Some(Err(panicked)) if panicked.is_panic() => std::panic::resume_unwind(panicked.into_panic()),
        _ => {}
    }
    Ok(tally)
}

fn joined<T>(ended: Result<T, tokio::task::JoinError>) -> T {
    match ended {
        Ok(ended) => ended,
        // Nobody ends these tasks before they are joined: what is left is a panic, which goes on where it would have gone.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// A trouble that ends it all, as the command's.
pub(super) fn of_all(trouble: Trouble) -> CommandError {
    match trouble {
        Trouble::Port(error) => error.into(),
        Trouble::Name(why) => CommandError::invalid("to", why),
        other => PortError::new(PortErrorKind::Conflict, "files", "copy", other.words()).into(),
    }
}

/// What there is to know about what a single move left.
pub(super) async fn moved_info(job: &Job) -> Option<FileInfo> {
    notes::moved(job).await.ok().flatten().flatten()
}
