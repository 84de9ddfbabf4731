//! A large file, in parts that outlive a stop: each is read by its range from one content of the source and streamed on, several
//! at once. What has arrived is noted with its checksum, so that only what is missing is sent when this is started again, and
//! one read of the target is enough to check the whole.

use super::check::{self, withdraw};
use super::job::{Done, How, Item, Job, TRIES, Trouble, look, unchanged};
use super::meter::{FileMeter, watched};
use super::notes::{Note, Notes, Sent};
use super::one::{tags_of, tags_refused};
use bellhop_core::PortErrorKind;
use bellhop_core::ids::{UploadId, VersionId};
use bellhop_core::ports::{FileInfo, NewFile, PartDone, PartUpload, PartWrites, ReadRange};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// One part to be sent.
struct Piece {
    upload: UploadId,
    number: u32,
    start: u64,
    size: u64,
    source: Arc<FileInfo>,
}

/// Copies `source`, going on with what `note` tells of.
pub(super) async fn in_parts(
    job: &Arc<Job>,
    notes: &Notes<'_>,
    note: Option<Note>,
    source: &FileInfo,
    item: &Item,
    meter: &Arc<FileMeter>,
) -> Result<Done, Trouble> {
    let Some(parts) = job.ports.to.parts() else { return Err(Trouble::Gone) };
    let there = look(&*job.ports.to, &item.to).await?;
    let begun = note.as_ref().is_some_and(|note| !note.checked);
    let mut untagged = false;
    let left = gone_on_with(job, parts, notes, note, item, source).await?;
    let (mut note, mut sent) = if let Some(left) = left {
        left
    } else {
        let note = begin(job, parts, notes, source, item, &mut untagged).await?;
        (note, BTreeMap::new())
    };
    if note.content.is_none() {
        // When this was begun nothing was there, or it might be replaced; what came since might not.
        if begun && there.is_some() && !job.replace && !job.ports.to.versioned() {
            return Err(Trouble::There);
        }
        for sent in sent.values() {
            meter.add(sent.part.size);
        }
        match send(job, notes, &note, &mut sent, source, meter).await {
            Err(Trouble::Changed) => {
                notes.give_up(&note).await?;
                return Err(Trouble::Changed);
            }
            other => other?,
        }
        let list: Vec<PartDone> = sent.values().map(|sent| sent.part.clone()).collect();
        let info = match parts.finish(&note.upload.id, &list).await {
            Ok(info) => info,
            Err(error) if error.kind == PortErrorKind::NotFound => return Err(Trouble::Gone),
            Err(error) => return Err(error.into()),
        };
        notes.finished(&mut note, info).await?;
    }
    let Some(info) = note.content.clone() else { return Err(Trouble::Gone) };
    let how = match (&source.sha256, &info.sha256) {
        (Some(read), Some(there)) if read == there => How::Told,
        _ => match check::parts(job, &note, &sent, job.meter.many()).await {
            Ok(how) => how,
            Err(Trouble::Differs(_)) => {
                let trouble = withdraw(&*job.ports.to, &info, there.is_some_and(|there| !unchanged(&there, &info))).await;
                notes.give_up(&note).await?;
                return Err(trouble);
            }
            // Someone removed it, or parts of what was noted are lost: it is begun anew.
            Err(trouble) if matches!(&trouble, Trouble::Gone) || is_not_found(&trouble) => {
                notes.give_up(&note).await?;
                return Err(Trouble::Gone);
            }
            Err(trouble) => return Err(trouble),
        },
    };
    notes.checked(&mut note).await?;
    Ok(Done { source: source.clone(), info, how, replaced: false, untagged })
}

fn is_not_found(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Port(error) if error.kind == PortErrorKind::NotFound)
}

/// What an earlier try has left, with the parts that are there; nothing where it is of no use, which is then cleared away.
async fn gone_on_with(
    job: &Job,
    parts: &dyn PartWrites,
    notes: &Notes<'_>,
    note: Option<Note>,
    item: &Item,
    source: &FileInfo,
) -> Result<Option<(Note, BTreeMap<u32, Sent>)>, Trouble> {
    let Some(mut note) = note else { return Ok(None) };
    if note.checked {
        // It was copied before, and what is there by now is something else.
        notes.give_up(&note).await?;
        return Ok(None);
    }
    let mut sent = notes.parts().await?;
    if note.content.is_some() {
        return Ok(Some((note, sent)));
    }
    match parts.done(&note.upload.id).await {
        Ok(done) => {
            let done: BTreeMap<u32, PartDone> = done.into_iter().map(|part| (part.number, part)).collect();
            sent.retain(|number, sent| done.get(number).is_some_and(|done| agree(&sent.part, done)));
            Ok(Some((note, sent)))
        }
        Err(error) if error.kind == PortErrorKind::NotFound => {
            // Put together, perhaps, and the bot was stopped before that was noted: what is there is looked at.
            let landed = look(&*job.ports.to, &item.to).await?.filter(|there| there.size == source.size);
            match landed {
                Some(info) if sent.len() == note.upload.parts as usize => {
                    note.content = Some(info);
                    match check::parts(job, &note, &sent, job.meter.many()).await {
                        Ok(_) => return Ok(Some((note, sent))),
                        Err(Trouble::Differs(_)) => note.content = None,
                        Err(trouble) => return Err(trouble),
                    }
                }
                _ => {}
            }
            notes.give_up(&note).await?;
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a part that was noted is the one that is there.
fn agree(noted: &PartDone, there: &PartDone) -> bool {
    let same = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
    noted.size == there.size && same(&noted.checksum, &there.checksum)
}

/// Begins an upload, with the tags where the target takes them.
async fn begin(
    job: &Job,
    parts: &dyn PartWrites,
    notes: &Notes<'_>,
    source: &FileInfo,
    item: &Item,
    untagged: &mut bool,
) -> Result<Note, Trouble> {
    let tags = if job.wants_tags() { tags_of(job, &source.name).await? } else { BTreeMap::new() };
    let mut file = NewFile { tags, ..NewFile::new(item.to.clone(), source.content_type.clone(), Some(source.size)) };
    let upload: PartUpload = match parts.begin(&file).await {
        Err(error) if tags_refused(&error, &file.tags) => {
            *untagged = true;
            file.tags.clear();
            parts.begin(&file).await?
        }
        other => other?,
    };
    match notes.begin(upload.clone()).await {
        Ok(note) => Ok(note),
        Err(error) => {
            // Nobody would find it again.
            parts.abort(&upload.id).await?;
            Err(error.into())
        }
    }
}

/// Sends what is missing, some at once.
async fn send(
    job: &Arc<Job>,
    notes: &Notes<'_>,
    note: &Note,
    sent: &mut BTreeMap<u32, Sent>,
    source: &FileInfo,
    meter: &Arc<FileMeter>,
) -> Result<(), Trouble> {
    let source = Arc::new(source.clone());
    let missing: Vec<u32> = (1..=note.upload.parts).filter(|number| !sent.contains_key(number)).collect();
    let mut missing = missing.into_iter();
    // Ended together with this: what is on its way is cut off, and what has arrived stays.
    let mut sending: JoinSet<Result<Sent, Trouble>> = JoinSet::new();
    let ended = loop {
        while sending.len() < job.parallel
            && let Some(number) = missing.next()
        {
            let start = u64::from(number - 1) * note.upload.part_size;
            let size = note.upload.part_size.min(source.size.saturating_sub(start));
            let piece = Piece { upload: note.upload.id.clone(), number, start, size, source: source.clone() };
            let (job, meter) = (job.clone(), meter.clone());
            sending.spawn(async move { part(&job, &piece, &meter).await });
        }
        let Some(joined) = job.stop.run_until_cancelled(sending.join_next()).await else { break Err(Trouble::Stopped) };
        let Some(joined) = joined else { break Ok(()) };
        let arrived = match joined {
            Ok(Ok(arrived)) => arrived,
            Ok(Err(trouble)) => break Err(trouble),
            Err(panicked) if panicked.is_panic() => std::panic::resume_unwind(panicked.into_panic()),
            Err(_) => break Err(Trouble::Stopped),
        };
        if let Err(error) = notes.sent(note, arrived.clone()).await {
            break Err(error.into());
        }
        sent.insert(arrived.part.number, arrived);
    };
    sending.shutdown().await;
    ended
}

/// One part, tried again where that makes sense.
async fn part(job: &Job, piece: &Piece, meter: &Arc<FileMeter>) -> Result<Sent, Trouble> {
    for tried in 1.. {
        let counting = FileMeter::below(meter);
        let trouble = match send_part(job, piece, &counting).await {
            Ok(sent) => return Ok(sent),
            Err(trouble) => trouble,
        };
        counting.take_all_back();
        let pause = match &trouble {
            // Whoever sent it begins anew.
            Trouble::Changed | Trouble::Gone => None,
            trouble => trouble.pause(tried).filter(|_| tried < TRIES),
        };
        match pause {
            Some(pause) if job.pause(pause).await => {}
            Some(_) => return Err(Trouble::Stopped),
            None => return Err(trouble),
        }
    }
    Err(Trouble::Stopped)
}

async fn send_part(job: &Job, piece: &Piece, meter: &Arc<FileMeter>) -> Result<Sent, Trouble> {
    let _open = job.part().await?;
    let Some(parts) = job.ports.to.parts() else { return Err(Trouble::Gone) };
    let source = &piece.source;
    let version: Option<&VersionId> = source.version.as_ref();
    let range = ReadRange { start: piece.start, length: Some(piece.size) };
    let read = match job.ports.from.read(&source.name, version, Some(range)).await {
        Err(error) if error.kind == PortErrorKind::NotFound => return Err(Trouble::Changed),
        other => other?,
    };
    if !unchanged(source, &read.info) {
        return Err(Trouble::Changed);
    }
    let (bytes, passed) = watched(read.bytes, Some(meter.clone()));
    match parts.put(&piece.upload, piece.number, piece.size, bytes).await {
        Ok(part) => Ok(Sent { sum: passed.sum(), part }),
        Err(error) if error.kind == PortErrorKind::NotFound => Err(Trouble::Gone),
        // Fewer bytes than were there a moment ago: the source shrank.
        Err(error) if passed.bytes() != piece.size && error.kind == PortErrorKind::Invalid => Err(Trouble::Changed),
        Err(error) => Err(error.into()),
    }
}
