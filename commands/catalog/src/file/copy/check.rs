//! Whether the target has what the source has: before a copy, so that nothing is sent twice, and after it. What arrived wrong
//! isn't left there as if it were right.

use super::job::{Done, How, Item, Job, There, Trouble, look, unchanged};
use super::meter::{FileMeter, watched};
use super::notes::{Note, Sent, tells_of};
use bellhop_core::card::Progress;
use bellhop_core::ids::VersionId;
use bellhop_core::ports::{ByteStream, FileInfo, FileStore, ReadRange};
use bellhop_core::{PortError, PortErrorKind};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a file means for the target.
pub(super) enum Decision {
    /// Nothing is there.
    New,
    /// This is there, and is replaced.
    Replace(FileInfo),
    /// The same is there.
    Same(FileInfo),
}

/// What is to be done about a file. `mine` is what this copy itself has put there.
pub(super) async fn decide(
    job: &Job,
    item: &Item,
    source: &FileInfo,
    note: Option<&Note>,
    mine: Option<&FileInfo>,
) -> Result<Decision, Trouble> {
    let listed = match (&item.there, mine) {
        (There::Known(there), None) => there.as_deref().cloned(),
        _ => look(&*job.ports.to, &item.to).await?,
    };
    let Some(there) = listed else { return Ok(Decision::New) };
    if same(job, source, &there, note).await? {
        return Ok(Decision::Same(there));
    }
    // Asked anew: some stores know only after that whether they keep versions, and a listing may be old.
    let Some(there) = look(&*job.ports.to, &item.to).await? else { return Ok(Decision::New) };
    if !job.replace && !job.ports.to.versioned() && !mine.is_some_and(|mine| unchanged(mine, &there)) {
        return Err(Trouble::There);
    }
    Ok(Decision::Replace(there))
}

/// Whether both have the same bytes. What neither store knows is read.
async fn same(job: &Job, source: &FileInfo, there: &FileInfo, note: Option<&Note>) -> Result<bool, Trouble> {
    if source.size != there.size {
        return Ok(false);
    }
    if note.is_some_and(|note| tells_of(note, there)) {
        return Ok(true);
    }
    let (from, to) = (&*job.ports.from, &*job.ports.to);
    let mut sums = Vec::new();
    for (store, info) in [(from, source), (to, there)] {
        let known = match &info.sha256 {
            Some(sum) => Some(sum.clone()),
            None => look(store, &info.name).await?.filter(|now| now.size == info.size).and_then(|now| now.sha256),
        };
        sums.push(known);
    }
    for (at, (store, info)) in [(from, source), (to, there)].into_iter().enumerate() {
        if sums[at].is_none() {
            let _open = job.stream().await?;
            let bytes = store.read(&info.name, info.version.as_ref(), None).await?.bytes;
            sums[at] = Some(read_through(job, bytes, |_| job.meter.say()).await?.0);
        }
    }
    Ok(sums[0] == sums[1])
}

/// Reads to the end; the SHA-256 and the length.
async fn read_through(job: &Job, bytes: ByteStream, say: impl Fn(u64)) -> Result<(String, u64), Trouble> {
    const STEP: u64 = 1 << 20;
    let (mut bytes, passed) = watched(bytes, None);
    let mut since = 0;
    loop {
        let chunk = job.stop.run_until_cancelled(bytes.try_next()).await.ok_or(Trouble::Stopped)??;
        let Some(chunk) = chunk else { break };
        since += chunk.len() as u64;
        if since >= STEP {
            say(since);
            since = 0;
        }
    }
    say(since);
    Ok((passed.sum(), passed.bytes()))
}

/// Whether the target has these bytes. `told` is what it said when it took them.
pub(super) async fn whole(job: &Job, sum: &str, told: &FileInfo) -> Result<How, Trouble> {
    if let Some(there) = &told.sha256 {
        return if there == sum { Ok(How::Told) } else { Err(Trouble::Differs("")) };
    }
    let read = job.ports.to.read(&told.name, told.version.as_ref(), None).await?;
    let (there, bytes) = read_through(job, read.bytes, |_| job.meter.say()).await?;
    if there == sum && bytes == told.size { Ok(How::ReadBack) } else { Err(Trouble::Differs("")) }
}

/// Whether what was put together has the bytes of its parts: it is read back, several parts at once.
pub(super) async fn parts(job: &Job, note: &Note, sent: &BTreeMap<u32, Sent>, many: bool) -> Result<How, Trouble> {
    let Some(info) = &note.content else { return Err(Trouble::Gone) };
    let checked = AtomicU64::new(0);
    let say = |bytes: u64| {
        let done = checked.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if many {
            job.meter.say();
        } else {
            job.meter.say_instead(Progress::bytes(format!("Checking {}", crate::wording::line(&info.name)), done, Some(info.size)));
        }
    };
    let checks = (1..=note.upload.parts).map(|number| {
        let say = &say;
        async move {
            let Some(sent) = sent.get(&number) else { return Err(Trouble::Gone) };
            let _open = job.stream().await?;
            let start = u64::from(number - 1) * note.upload.part_size;
            let range = ReadRange { start, length: Some(sent.part.size) };
            let read = job.ports.to.read(&info.name, info.version.as_ref(), Some(range)).await?;
            let (sum, bytes) = read_through(job, read.bytes, say).await?;
            if sum == sent.sum && bytes == sent.part.size { Ok(()) } else { Err(Trouble::Differs("")) }
        }
    });
    let mut checks = stream::iter(checks).buffer_unordered(job.parallel);
    while let Some(check) = checks.next().await {
        check?;
    }
    Ok(How::Parts(note.upload.parts))
}

/// Takes away what arrived wrong, and brings back what was there before where that was kept. Says what became of it.
pub(super) async fn withdraw(store: &dyn FileStore, wrong: &FileInfo, before: bool) -> Trouble {
    match try_withdraw(store, wrong, before).await {
        Ok(what) => Trouble::Differs(what),
        Err(_) => Trouble::Differs("and it could not be removed: delete it, or restore the version before"),
    }
}

async fn try_withdraw(store: &dyn FileStore, wrong: &FileInfo, before: bool) -> Result<&'static str, PortError> {
    match look(store, &wrong.name).await? {
        Some(now) if unchanged(wrong, &now) => {}
        _ => return Ok("something else is there by now, and was left alone"),
    }
    if before && store.versioned() {
        let wrong_version = wrong.version.as_ref();
        let versions = store.versions(&wrong.name).await?;
        let older: Option<VersionId> = versions
            .into_iter()
            .find(|version| !version.deletion && !version.current && Some(&version.id) != wrong_version)
            .map(|version| version.id);
        if let Some(older) = older {
            store.restore(&wrong.name, Some(&older)).await?;
            return Ok("the version before was restored");
        }
    }
    match store.delete(&wrong.name).await {
        Ok(()) => {}
        Err(error) if error.kind == PortErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(if before { "it was deleted; what it replaced was not kept" } else { "it was deleted" })
}

/// The same is there already.
pub(super) fn before(source: FileInfo, info: FileInfo, meter: &FileMeter) -> Done {
    meter.whole(source.size);
    Done { source, info, how: How::Before, replaced: false, untagged: false }
}
