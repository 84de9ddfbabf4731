//! One file: looked at, copied, checked, and for a move deleted only then. What fails for a while is tried again, and a source
//! that changed meanwhile is copied anew.

use super::check::{Decision, before, decide, whole, withdraw};
use super::job::{Done, How, Item, Job, LARGE, TRIES, Trouble, look, unchanged};
use super::meter::{FileMeter, watched};
use super::notes::{self, Notes};
use super::parts::in_parts;
use bellhop_core::ports::{FileInfo, NewFile, file_name};
use bellhop_core::{PortError, PortErrorKind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Copies one file, or says what would be done.
pub(super) async fn one(job: &Arc<Job>, item: &Item) -> Result<Done, Trouble> {
    if let Err(why) = file_name(&item.to) {
        return Err(Trouble::Name(why.to_string()));
    }
    let meter = FileMeter::new(&job.meter);
    let mut mine = None;
    for tried in 1.. {
        let trouble = match attempt(job, item, &meter, tried > 1, &mut mine).await {
            Ok(done) => return Ok(done),
            Err(trouble) => trouble,
        };
        meter.take_all_back();
        let pause = trouble.pause(tried).filter(|_| tried < TRIES);
        let pause = match pause {
            Some(pause) => pause,
            // What looks like a failure for good may be one because the source changed under the reader.
            None if tried < TRIES && matches!(trouble, Trouble::Port(_)) && changed(job, item).await => std::time::Duration::ZERO,
            None => return Err(trouble),
        };
        if !job.pause(pause).await {
            return Err(Trouble::Stopped);
        }
    }
    Err(Trouble::Stopped)
}

/// Whether the source isn't any more what it was when it was listed.
async fn changed(job: &Job, item: &Item) -> bool {
    matches!(look(&*job.ports.from, &item.from.name).await, Ok(Some(now)) if now.size != item.from.size || now.modified > item.from.modified)
}

async fn attempt(job: &Arc<Job>, item: &Item, meter: &Arc<FileMeter>, again: bool, mine: &mut Option<FileInfo>) -> Result<Done, Trouble> {
    let in_parts_there = !job.within && job.ports.to.parts().is_some();
    let large = in_parts_there && item.from.size >= LARGE;
    // What is pinned down is what the file itself says: a listing may know less, and tells moments less precisely.
    let source = if again || large || job.within || job.moving { job.ports.from.head(&item.from.name, None).await? } else { item.from.clone() };
    let large = large && source.size >= LARGE;
    let notes = Notes::of(job, &source, &item.to);
    let note = if large { notes.find().await? } else { None };
    // What this copy itself had begun needs nobody's permission to be gone on with.
    let begun = note.as_ref().is_some_and(|note| !note.checked);
    let decided = if begun { Ok(Decision::New) } else { decide(job, item, &source, note.as_ref(), mine.as_ref()).await };
    let decision = decided?;
    if job.dry {
        return Ok(planned(source, decision, meter));
    }
    let (was_there, decision) = match decision {
        Decision::Same(there) => {
            let done = before(source, there, meter);
            return finished(job, done).await;
        }
        Decision::Replace(there) => (mine.is_none(), Some(there)),
        Decision::New => (false, None),
    };
    let there = decision.is_some();
    let mut done = if job.within {
        by_store(job, &source, item).await?
    } else if large {
        in_parts(job, &notes, note, &source, item, meter).await?
    } else {
        streamed(job, item, meter, there, mine).await?
    };
    *mine = Some(done.info.clone());
    done.replaced = was_there;
    meter.whole(done.source.size);
    finished(job, done).await
}

fn planned(source: FileInfo, decision: Decision, meter: &FileMeter) -> Done {
    meter.whole(source.size);
    match decision {
        Decision::Same(info) => Done { source, info, how: How::Before, replaced: false, untagged: false },
        Decision::Replace(info) => Done { source, info, how: How::Planned, replaced: true, untagged: false },
        Decision::New => Done { info: source.clone(), source, how: How::Planned, replaced: false, untagged: false },
    }
}

/// The store does it by itself.
async fn by_store(job: &Job, source: &FileInfo, item: &Item) -> Result<Done, Trouble> {
    let _open = job.stream().await?;
    let info = job.ports.to.copy(&source.name, &item.to).await?;
    let sums = source.sha256.as_ref().zip(info.sha256.as_ref());
    if info.size != source.size || sums.is_some_and(|(a, b)| a != b) {
        // Either the store erred, or somebody wrote the source meanwhile.
        let now = look(&*job.ports.from, &source.name).await?;
        if !now.is_some_and(|now| unchanged(source, &now)) {
            return Err(Trouble::Changed);
        }
        return Err(withdraw(&*job.ports.to, &info, true).await);
    }
    Ok(Done { source: source.clone(), how: How::ByStore(sums.is_some()), info, replaced: false, untagged: false })
}

/// One stream from the source into the target.
async fn streamed(job: &Job, item: &Item, meter: &Arc<FileMeter>, there: bool, mine: &mut Option<FileInfo>) -> Result<Done, Trouble> {
    let _open = job.stream().await?;
    let mut tags = BTreeMap::new();
    if job.wants_tags() {
        tags = tags_of(job, &item.from.name).await?;
    }
    let mut untagged = false;
    loop {
        let read = job.ports.from.read(&item.from.name, None, None).await?;
        let source = read.info;
        let (bytes, passed) = watched(read.bytes, Some(meter.clone()));
        let file = NewFile { tags: tags.clone(), ..NewFile::new(item.to.clone(), source.content_type.clone(), Some(source.size)) };
        let info = match job.ports.to.write(file, bytes).await {
            Ok(info) => info,
            Err(error) if tags_refused(&error, &tags) => {
                (tags, untagged) = (BTreeMap::new(), true);
                meter.take_all_back();
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        *mine = Some(info.clone());
        let sum = passed.sum();
        if info.size != passed.bytes() || source.sha256.as_ref().is_some_and(|said| *said != sum) {
            return Err(withdraw(&*job.ports.to, &info, there).await);
        }
        return match whole(job, &sum, &info).await {
            Ok(how) => Ok(Done { source, info, how, replaced: false, untagged }),
            Err(Trouble::Differs(_)) => Err(withdraw(&*job.ports.to, &info, there).await),
            Err(trouble) => Err(trouble),
        };
    }
}

/// The tags to be kept. A store that has none isn't asked again.
pub(super) async fn tags_of(job: &Job, name: &str) -> Result<BTreeMap<String, String>, Trouble> {
    match job.ports.from.tags(name).await {
        Ok(tags) => Ok(tags),
        Err(error) if matches!(error.kind, PortErrorKind::Unsupported | PortErrorKind::Denied) => {
            job.without_tags();
            Ok(BTreeMap::new())
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a target refuses a file for its tags.
pub(super) fn tags_refused(error: &PortError, tags: &BTreeMap<String, String>) -> bool {
    !tags.is_empty() && matches!(error.kind, PortErrorKind::Unsupported | PortErrorKind::Invalid | PortErrorKind::Denied)
}

/// A copy is whole; a move deletes the source now, if it still is what was copied.
async fn finished(job: &Job, done: Done) -> Result<Done, Trouble> {
    if !job.moving {
        return Ok(done);
    }
    match look(&*job.ports.from, &done.source.name).await? {
        // An earlier try has deleted it.
        None => return Ok(done),
        Some(now) if unchanged(&done.source, &now) => {}
        Some(_) => return Err(Trouble::Changed),
    }
    if !job.meter.many() {
        notes::moving(job, Some(&done.info)).await?;
    }
    match job.ports.from.delete(&done.source.name).await {
        Ok(()) => Ok(done),
        Err(error) if error.kind == PortErrorKind::NotFound => Ok(done),
        Err(error) => Err(error.into()),
    }
}
