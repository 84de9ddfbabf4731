//! Sentences on uploads in parts, tags and the limit of links.

use super::{Subject, chunks, names, read, text, write};
use crate::conformance::{Outcome, Verdict, done, ensure, refuses, same};
use bellhop_core::PortErrorKind;
use bellhop_core::ids::UploadId;
use bellhop_core::ports::{ByteStream, NewFile, PartDone, PartUpload, PartWrites};
use bytes::Bytes;
use std::collections::BTreeMap;

const NONE: Outcome = Outcome::NotOffered("it has no uploads in parts");
/// Long enough for several parts of any store.
const TOTAL: u64 = 20 << 20;

fn file(name: &str, size: Option<u64>) -> NewFile {
    NewFile::new(name.to_owned(), "application/x-parts".to_owned(), size)
}

/// What the bytes of a part are: its number.
fn content(number: u32, size: u64) -> ByteStream {
    let letter = b'a' + u8::try_from(number % 26).unwrap_or(0);
    let size = usize::try_from(size).unwrap_or(0);
    let whole = Bytes::from(vec![letter; size]);
    // In pieces that end nowhere in particular.
    let pieces = (0..size).step_by(333_333).map(|at| Ok(whole.slice(at..size.min(at + 333_333)))).collect();
    chunks(pieces)
}

/// The length of a part.
fn size(upload: &PartUpload, number: u32) -> u64 {
    upload.part_size.min(TOTAL - u64::from(number - 1) * upload.part_size)
}

async fn put(parts: &dyn PartWrites, upload: &PartUpload, number: u32) -> Result<PartDone, String> {
    let size = size(upload, number);
    parts.put(&upload.id, number, size, content(number, size)).await.map_err(|error| format!("writing part {number} failed: {error}"))
}

async fn put_all(parts: &dyn PartWrites, upload: &PartUpload) -> Result<Vec<PartDone>, String> {
    let mut all = Vec::new();
    for number in 1..=upload.parts {
        all.push(put(parts, upload, number).await?);
    }
    Ok(all)
}

pub(super) async fn begin(store: &Subject) -> Verdict {
    let Some(parts) = store.parts() else { return Ok(NONE) };
    let upload = done!(parts.begin(&file("dir/p", Some(TOTAL))).await, "beginning");
    ensure!(upload.part_size > 0 && u64::from(upload.parts) == TOTAL.div_ceil(upload.part_size), "the parts don't add up: {upload:?}");
    put(parts, &upload, 1).await?;
    refuses!(store.head("dir/p", None).await, PortErrorKind::NotFound, "asking about what is unfinished");
    same!(names(store).await?, Vec::<String>::new(), "names while it is unfinished");
    done!(parts.abort(&upload.id).await, "giving it up");
    for bad in ["", "../x", "a//b"] {
        refuses!(parts.begin(&file(bad, Some(1))).await, PortErrorKind::Invalid, "beginning {bad:?}");
    }
    Ok(Outcome::Held)
}

pub(super) async fn begin_unknown(store: &Subject) -> Verdict {
    let Some(parts) = store.parts() else { return Ok(NONE) };
    refuses!(parts.begin(&file("p", None)).await, PortErrorKind::Invalid, "beginning without a length");
    Ok(Outcome::Held)
}

pub(super) async fn replaced(store: &Subject) -> Verdict {
    let Some(parts) = store.parts() else { return Ok(NONE) };
    let upload = done!(parts.begin(&file("p", Some(TOTAL))).await, "beginning");
    let first = size(&upload, 1);
    done!(parts.put(&upload.id, 1, first, content(20, first)).await, "writing the first part");
    // Out of order, and the first one again with other bytes.
    for number in (1..=upload.parts).rev() {
        put(parts, &upload, number).await?;
    }
    let all = done!(parts.done(&upload.id).await, "listing");
    same!(all.len(), upload.parts as usize, "parts");
    done!(parts.finish(&upload.id, &all).await, "finishing");
    let got = read(store, "p", None).await?;
    ensure!(got.starts_with("bbb") && got.len() as u64 == TOTAL, "it begins with {:?} and has {} bytes", got.get(..3), got.len());
    Ok(Outcome::Held)
}

pub(super) async fn exact(store: &Subject) -> Verdict {
    let Some(parts) = store.parts() else { return Ok(NONE) };
    let upload = done!(parts.begin(&file("p", Some(TOTAL))).await, "beginning");
    let right = size(&upload, 1);
    for wrong in [right - 1, right + 1] {
        let sent = parts.put(&upload.id, 1, right, content(1, wrong)).await;
        refuses!(sent, PortErrorKind::Invalid | PortErrorKind::Broken, "{wrong} bytes announced as {right}");
    }
    same!(done!(parts.done(&upload.id).await, "listing"), Vec::<PartDone>::new(), "parts after the refusals");
    done!(parts.abort(&upload.id).await, "giving it up");
    Ok(Outcome::Held)
}

async fn gone(parts: &dyn PartWrites, upload: &UploadId) -> Verdict {
    refuses!(parts.put(upload, 1, 3, content(1, 3)).await, PortErrorKind::NotFound, "writing a part of what is gone");
    Ok(Outcome::Held)
}

pub(super) async fn put_missing(store: &Subject) -> Verdict {
    let Some(parts) = store.parts() else { return Ok(NONE) };
    refuses!(parts.put(&"no such upload".into(), 1, 3, content(1, 3)).await, PortErrorKind::NotFound, "writing a part of nothing");
    let upload = done!(parts.begin(&file("p", Some(TOTAL))).await, "beginning");
    done!(parts.abort(&upload.id).await, "giving it up");
    gone(parts, &upload.id).await
}

pub(super) async fn listed(store: &Subject) -> Verdict {
    let Some(parts) = store.parts() else { return Ok(NONE) };
    let upload = done!(parts.begin(&file("p", Some(TOTAL))).await, "beginning");
    same!(done!(parts.done(&upload.id).await, "listing"), Vec::<PartDone>::new(), "parts of a new upload");
    let last = put(parts, &upload, upload.parts).await?;
    let first = put(parts, &upload, 1).await?;
    let all = done!(parts.done(&upload.id).await, "listing");
    let facts: Vec<(u32, u64)> = all.iter().map(|part| (part.number, part.size)).collect();
    same!(facts, [(1, first.size), (upload.parts, last.size)], "number and size");
    done!(parts.abort(&upload.id).await, "giving it up");
    Ok(Outcome::Held)
}

pub(super) async fn listed_missing(store: &Subject) -> Verdict {
    let Some(parts) = store.parts() else { return Ok(NONE) };
    refuses!(parts.done(&"no such upload".into()).await, PortErrorKind::NotFound, "listing the parts of nothing");
    let upload = done!(parts.begin(&file("p", Some(TOTAL))).await, "beginning");
    let all = put_all(parts, &upload).await?;
    done!(parts.finish(&upload.id, &all).await, "finishing");
    refuses!(parts.done(&upload.id).await, PortErrorKind::NotFound, "listing the parts of what is finished");
    Ok(Outcome::Held)
}

pub(super) async fn finish(store: &Subject) -> Verdict {
    let Some(parts) = store.parts() else { return Ok(NONE) };
    write(store, "p", "old").await?;
    let upload = done!(parts.begin(&file("p", Some(TOTAL))).await, "beginning");
    let mut all = put_all(parts, &upload).await?;
    same!(read(store, "p", None).await?, "old", "the content before it is finished");
    all.reverse();
    let info = done!(parts.finish(&upload.id, &all).await, "finishing");
    same!((info.name.as_str(), info.size, info.content_type.as_str()), ("p", TOTAL, "application/x-parts"), "the file");
    same!(info, done!(store.head("p", None).await, "asking"), "what is known about it");
    let got = done!(store.read("p", None, None).await, "reading");
    let got = done!(text(got.bytes).await, "reading");
    let mut expected = String::new();
    for number in 1..=upload.parts {
        let part = done!(text(content(number, size(&upload, number))).await, "making the content");
        expected.push_str(&part);
    }
    ensure!(got == expected, "the parts are not in the order of their numbers; {} bytes came of {}", got.len(), expected.len());
    Ok(Outcome::Held)
}

pub(super) async fn finish_fails(store: &Subject) -> Verdict {
    let Some(parts) = store.parts() else { return Ok(NONE) };
    write(store, "p", "old").await?;
    let upload = done!(parts.begin(&file("p", Some(TOTAL))).await, "beginning");
    let all = put_all(parts, &upload).await?;
    let mut wrong = all.clone();
    if let Some(part) = wrong.first_mut() {
        part.receipt = all.last().map(|last| format!("{}x", last.receipt.trim_matches('"'))).unwrap_or_default();
    }
    if let Ok(info) = parts.finish(&upload.id, &wrong).await {
        return Err(format!("a file was made of a part that isn't there: {info:?}"));
    }
    same!(read(store, "p", None).await?, "old", "the content after the failure");
    same!(done!(parts.done(&upload.id).await, "listing").len(), all.len(), "parts after the failure");
    done!(parts.finish(&upload.id, &all).await, "finishing rightly");
    Ok(Outcome::Held)
}

pub(super) async fn abort(store: &Subject) -> Verdict {
    let Some(parts) = store.parts() else { return Ok(NONE) };
    let upload = done!(parts.begin(&file("p", Some(TOTAL))).await, "beginning");
    put(parts, &upload, 1).await?;
    done!(parts.abort(&upload.id).await, "giving it up");
    refuses!(parts.done(&upload.id).await, PortErrorKind::NotFound, "listing the parts of what was given up");
    refuses!(store.head("p", None).await, PortErrorKind::NotFound, "asking about what was given up");
    Ok(Outcome::Held)
}

pub(super) async fn abort_missing(store: &Subject) -> Verdict {
    let Some(parts) = store.parts() else { return Ok(NONE) };
    let upload = done!(parts.begin(&file("p", Some(TOTAL))).await, "beginning");
    done!(parts.abort(&upload.id).await, "giving it up");
    done!(parts.abort(&upload.id).await, "giving it up twice");
    done!(parts.abort(&"no such upload".into()).await, "giving up what never was");
    Ok(Outcome::Held)
}

pub(super) async fn unfinished(store: &Subject) -> Verdict {
    let Some(parts) = store.parts() else { return Ok(NONE) };
    same!(done!(parts.unfinished("dir/p").await, "asking before any").len(), 0, "uploads before any was begun");
    let mut begun = Vec::new();
    for name in ["dir/p", "dir/p", "dir/p", "dir/p.txt", "dir"] {
        begun.push(done!(parts.begin(&file(name, Some(TOTAL))).await, "beginning {name}"));
    }
    let found = done!(parts.unfinished("dir/p").await, "asking");
    let mut expected: Vec<UploadId> = begun[..3].iter().map(|upload| upload.id.clone()).collect();
    if !found.is_empty() {
        ensure!(found.iter().all(|upload| upload.name == "dir/p"), "it tells of other names: {found:?}");
        let apart = found.iter().map(|upload| upload.since).max().zip(found.iter().map(|upload| upload.since).min());
        ensure!(apart.is_some_and(|(last, first)| last - first < chrono::TimeDelta::minutes(10)), "they began at {apart:?}");
        let mut ids: Vec<UploadId> = found.into_iter().map(|upload| upload.id).collect();
        ids.sort();
        expected.sort();
        same!(ids, expected, "the uploads under the name");
        let all = put_all(parts, &begun[0]).await?;
        done!(parts.finish(&begun[0].id, &all).await, "finishing one");
        done!(parts.abort(&begun[1].id).await, "giving one up");
        let left: Vec<UploadId> = done!(parts.unfinished("dir/p").await, "asking again").into_iter().map(|upload| upload.id).collect();
        same!(left, [begun[2].id.clone()], "what is unfinished then");
        done!(parts.abort(&left[0]).await, "giving up what was found");
    }
    for upload in &begun {
        done!(parts.abort(&upload.id).await, "giving it up");
    }
    same!(done!(parts.unfinished("dir/p").await, "asking at last").len(), 0, "uploads after all were given up");
    Ok(Outcome::Held)
}

pub(super) async fn share_limit(store: &Subject) -> Verdict {
    let Some(limit) = done!(store.share_limit().await, "asking for the limit") else {
        return Ok(Outcome::NotOffered("links have no limit of the store's"));
    };
    write(store, "f", "x").await?;
    ensure!(!limit.why.is_empty(), "it doesn't say why");
    ensure!(done!(store.share("f", None, limit.seconds).await, "sharing for the longest time").is_some(), "it makes no address");
    refuses!(store.share("f", None, limit.seconds + 1).await, PortErrorKind::Invalid, "sharing for longer");
    Ok(Outcome::Held)
}

pub(super) async fn tags(store: &Subject) -> Verdict {
    write(store, "dir/f", "x").await?;
    match store.tags("dir/f").await {
        Err(error) if error.kind == PortErrorKind::Unsupported => Ok(Outcome::NotOffered("it has no tags")),
        Err(error) => Err(format!("asking for tags failed: {error}")),
        Ok(tags) => {
            same!(tags, BTreeMap::new(), "tags of a new file");
            Ok(Outcome::Held)
        }
    }
}

pub(super) async fn tags_missing(store: &Subject) -> Verdict {
    let tags = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
    let kinds = [store.tags("none").await.err(), store.set_tags("none", &tags).await.err()].map(|error| error.map(|error| error.kind));
    for kind in kinds {
        ensure!(matches!(kind, Some(PortErrorKind::NotFound | PortErrorKind::Unsupported)), "tags of what is not there: {kind:?}");
    }
    Ok(Outcome::Held)
}

pub(super) async fn tags_replaced(store: &Subject) -> Verdict {
    write(store, "f", "x").await?;
    let owned =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>();
    for wanted in [owned(&[("project", "bell hop"), ("a", "")]), owned(&[("b", "x=1 +2")]), owned(&[])] {
        match store.set_tags("f", &wanted).await {
            Err(error) if error.kind == PortErrorKind::Unsupported => return Ok(Outcome::NotOffered("it has no tags")),
            other => done!(other, "setting {wanted:?}"),
        }
        same!(done!(store.tags("f").await, "asking"), wanted, "the tags");
    }
    same!(read(store, "f", None).await?, "x", "the file's content");
    Ok(Outcome::Held)
}
