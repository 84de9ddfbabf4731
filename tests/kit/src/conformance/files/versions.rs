//! Sentences on versions, deletion and restoring.

use super::{Subject, read, text, write};
use crate::conformance::{Outcome, Verdict, done, ensure, refuses, same};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::Version;

const NONE_KEPT: Outcome = Outcome::NotOffered("it keeps no versions");

async fn versions(store: &Subject, name: &str) -> Result<Vec<Version>, String> {
    store.versions(name).await.map_err(|error| format!("listing the versions of {name:?} failed: {error}"))
}

async fn content(store: &Subject, name: &str, version: &Version) -> Result<String, String> {
    let file =
        store.read(name, Some(&version.id), None).await.map_err(|error| format!("reading version {} failed: {error}", version.id))?;
    text(file.bytes).await.map_err(|error| format!("reading version {} broke off: {error}", version.id))
}

pub(super) async fn write_keeps(store: &Subject) -> Verdict {
    let first = write(store, "f", "one").await?;
    let second = write(store, "f", "two!").await?;
    same!(read(store, "f", None).await?, "two!", "what the name gives");
    if !store.versioned() {
        return Ok(Outcome::Held);
    }
    ensure!(
        first.version.is_some() && first.version != second.version,
        "two writes have the versions {:?} and {:?}",
        first.version,
        second.version
    );
    let list = versions(store, "f").await?;
    same!(list.iter().map(|version| version.size).collect::<Vec<_>>(), [4, 3], "sizes of the versions, newest first");
    same!(content(store, "f", &list[1]).await?, "one", "what was there before");
    let head = done!(store.head("f", first.version.as_ref()).await, "asking about the older version");
    same!((head.size, &head.version), (3, &first.version), "the older version");
    // The same bytes again are a version all the same: someone wrote them.
    write(store, "f", "two!").await?;
    same!(versions(store, "f").await?.len(), 3, "versions after writing the same bytes again");
    Ok(Outcome::Held)
}

pub(super) async fn delete(store: &Subject) -> Verdict {
    write(store, "f", "content").await?;
    write(store, "fg", "stays").await?;
    done!(store.delete("f").await, "deleting");
    refuses!(store.read("f", None, None).await, PortErrorKind::NotFound, "reading what was deleted");
    same!(read(store, "fg", None).await?, "stays", "a name that begins with the deleted one");
    if store.versioned() {
        let restored = done!(store.restore("f", None).await, "restoring");
        same!((restored.name.as_str(), restored.size, restored.content_type.as_str()), ("f", 7, "text/plain"), "what was restored");
        same!(read(store, "f", None).await?, "content", "what was restored");
    }
    write(store, "f", "again").await?;
    same!(read(store, "f", None).await?, "again", "a deleted name written again");
    Ok(Outcome::Held)
}

pub(super) async fn delete_missing(store: &Subject) -> Verdict {
    write(store, "dir/a", "x").await?;
    for name in ["none", "dir", "dir/b"] {
        refuses!(store.delete(name).await, PortErrorKind::NotFound, "deleting {name:?}");
    }
    done!(store.delete("dir/a").await, "deleting");
    refuses!(store.delete("dir/a").await, PortErrorKind::NotFound, "deleting it twice");
    Ok(Outcome::Held)
}

pub(super) async fn listed(store: &Subject) -> Verdict {
    if !store.versioned() {
        return Ok(NONE_KEPT);
    }
    write(store, "f", "1").await?;
    write(store, "f", "22").await?;
    done!(store.delete("f").await, "deleting");
    write(store, "f", "333").await?;
    write(store, "f2", "other").await?;
    let list = versions(store, "f").await?;
    let seen: Vec<(u64, bool, bool)> = list.iter().map(|version| (version.size, version.deletion, version.current)).collect();
    same!(seen, [(3, false, true), (0, true, false), (2, false, false), (1, false, false)], "(size, deletion, current), newest first");
    let mut ids: Vec<_> = list.iter().map(|version| version.id.clone()).collect();
    ids.sort();
    ids.dedup();
    same!(ids.len(), 4, "different ids");
    ensure!(list.is_sorted_by(|newer, older| newer.modified >= older.modified), "the times don't fall: {list:?}");
    same!(content(store, "f", &list[3]).await?, "1", "the oldest");
    refuses!(
        store.read("f", Some(&list[1].id), None).await,
        PortErrorKind::NotFound | PortErrorKind::Invalid | PortErrorKind::Unsupported,
        "reading a deletion"
    );
    done!(store.delete("f").await, "deleting");
    let list = versions(store, "f").await?;
    same!(list.first().map(|version| (version.deletion, version.current)), Some((true, true)), "a deleted name's newest version");
    Ok(Outcome::Held)
}

pub(super) async fn never(store: &Subject) -> Verdict {
    if !store.versioned() {
        return Ok(NONE_KEPT);
    }
    write(store, "dir/f", "x").await?;
    for name in ["none", "dir", "dir/f/g"] {
        refuses!(store.versions(name).await, PortErrorKind::NotFound, "versions of {name:?}");
        refuses!(store.restore(name, None).await, PortErrorKind::NotFound, "restoring {name:?}");
    }
    Ok(Outcome::Held)
}

pub(super) async fn restore(store: &Subject) -> Verdict {
    if !store.versioned() {
        return Ok(NONE_KEPT);
    }
    for text in ["one", "two", "three"] {
        write(store, "f", text).await?;
    }
    let before = versions(store, "f").await?;
    let info = done!(store.restore("f", Some(&before[2].id)).await, "restoring the oldest");
    same!(read(store, "f", None).await?, "one", "after restoring the oldest");
    let after = versions(store, "f").await?;
    same!(after.len(), 4, "versions after restoring: it is a new one");
    same!(info.version.as_ref(), Some(&after[0].id), "the version that was returned");
    same!(
        &after[1..].iter().map(|version| &version.id).collect::<Vec<_>>(),
        &before.iter().map(|version| &version.id).collect::<Vec<_>>(),
        "those from before"
    );

    done!(store.delete("f").await, "deleting");
    done!(store.restore("f", None).await, "undeleting");
    same!(read(store, "f", None).await?, "one", "after undeleting: the newest that isn't a deletion");
    done!(store.delete("f").await, "deleting");
    done!(store.restore("f", Some(&before[0].id)).await, "restoring a version of a deleted file");
    same!(read(store, "f", None).await?, "three", "after restoring that version");
    refuses!(
        store.restore("f", Some(&"no such version".into())).await,
        PortErrorKind::NotFound | PortErrorKind::Invalid,
        "restoring a version that never was"
    );
    Ok(Outcome::Held)
}

pub(super) async fn restore_current(store: &Subject) -> Verdict {
    if !store.versioned() {
        return Ok(NONE_KEPT);
    }
    write(store, "f", "one").await?;
    write(store, "f", "two").await?;
    let list = versions(store, "f").await?;
    refuses!(store.restore("f", None).await, PortErrorKind::Conflict, "restoring what is not deleted");
    refuses!(store.restore("f", Some(&list[0].id)).await, PortErrorKind::Conflict, "restoring the current version");
    same!(versions(store, "f").await?.len(), 2, "versions after the refusals");
    Ok(Outcome::Held)
}
