//! Sentences on names, listings, content and links.

use super::{Subject, broken, chunks, hash, names as listed, read, text, write};
use crate::conformance::{Outcome, Verdict, done, ensure, refuses, same};
use bellhop_core::ports::{AccessPolicy, NewFile, Permission, ReadRange};
use bellhop_core::{PortErrorKind, Timestamp};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use tokio::sync::oneshot;

pub(super) async fn names(store: &Subject) -> Verdict {
    let allowed = [
        "a",
        "..a",
        "a..",
        "dir/with space/ü.pdf",
        "日本/🚀.txt",
        "100% +&=?#.txt",
        "-rf",
        "~",
        "a'b\"c;d|e$f`g",
        "CON",
        "x/y.meta",
        "x/y",
        ".hidden",
        ".versions/z",
    ];
    for name in allowed {
        write(store, name, name).await?;
    }
    for name in allowed {
        same!(read(store, name, None).await?, name, "what is under {name:?}");
        same!(done!(store.head(name, None).await, "asking about {name:?}").name, name, "its name");
    }
    let mut all = allowed.map(str::to_owned).to_vec();
    all.sort();
    same!(listed(store).await?, all, "names in the store");
    let long = "n".repeat(1025);
    for bad in [
        "",
        "/etc/passwd",
        "../up",
        "a/../../up",
        "a/..",
        ".",
        "..",
        "a//b",
        "a/",
        "a\\..\\b",
        "nul\0",
        "line\nbreak",
        "right\u{202e}left",
        long.as_str(),
    ] {
        let file = NewFile::new(bad.to_owned(), "text/plain".to_owned(), None);
        refuses!(store.write(file, chunks(vec![Ok(Bytes::from_static(b"x"))])).await, PortErrorKind::Invalid, "writing {bad:?}");
        refuses!(store.head(bad, None).await, PortErrorKind::Invalid | PortErrorKind::NotFound, "asking about {bad:?}");
        refuses!(store.read(bad, None, None).await, PortErrorKind::Invalid | PortErrorKind::NotFound, "reading {bad:?}");
        refuses!(store.delete(bad).await, PortErrorKind::Invalid | PortErrorKind::NotFound, "deleting {bad:?}");
        refuses!(store.copy("a", bad).await, PortErrorKind::Invalid, "copying to {bad:?}");
    }
    same!(listed(store).await?, all, "names in the store after the refusals");
    let longest = format!("{}/{}", "d".repeat(100), "f".repeat(100));
    write(store, &longest, "long").await?;
    same!(read(store, &longest, None).await?, "long", "under a name of 201 bytes");
    Ok(Outcome::Held)
}

pub(super) async fn list_pages(store: &Subject) -> Verdict {
    for name in ["b/2", "a", "b/10", "B", "b-1", "b/1", "c", "ä", "b"] {
        write(store, name, name).await?;
    }
    let order = ["B", "a", "b", "b-1", "b/1", "b/10", "b/2", "c", "ä"];
    same!(listed(store).await?, order, "all, in byte order");
    for (prefix, expected) in [
        ("b", &order[2..7]),
        ("b/", &order[4..7]),
        ("b/1", &order[4..6]),
        ("ä", &order[8..]),
        ("x", &[][..]),
        ("%", &[]),
        ("b/10", &order[5..6]),
    ] {
        let page = done!(store.list(prefix, None, 100).await, "listing {prefix:?}");
        let got: Vec<&str> = page.files.iter().map(|file| file.name.as_str()).collect();
        same!(got, expected, "names under {prefix:?}");
        same!(page.next, None, "no page follows the last");
    }
    let one = done!(store.list("b/", None, 1).await, "listing one");
    same!(one.files.len(), 1, "files on a page of one");
    ensure!(one.next.is_some(), "two more follow, and the page doesn't say so");
    let two = done!(store.list("b/", one.next.as_deref(), 1).await, "listing the second");
    same!(two.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["b/10"], "the second page");
    Ok(Outcome::Held)
}

pub(super) async fn list_everything(store: &Subject) -> Verdict {
    let mut all: Vec<String> = (0..53).map(|n| format!("d{}/f{n}", n % 5)).collect();
    for name in &all {
        write(store, name, "x").await?;
    }
    all.sort();
    for limit in [1, 7, 53, 54] {
        let mut got = Vec::new();
        let mut from = None;
        for _ in 0..=all.len() {
            let page = done!(store.list("d", from.as_deref(), limit).await, "listing {limit} at a time");
            ensure!(page.files.len() <= limit, "{} files on a page of {limit}", page.files.len());
            got.extend(page.files.into_iter().map(|file| file.name));
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        ensure!(from.is_none(), "the pages of {limit} never end");
        same!(got, all, "everything, {limit} at a time");
    }
    Ok(Outcome::Held)
}

pub(super) async fn head(store: &Subject) -> Verdict {
    let file = NewFile::new("dir/report.csv".to_owned(), "text/csv; charset=utf-8".to_owned(), None);
    let parts = vec![Ok(Bytes::from_static(b"a,b\n")), Ok(Bytes::new()), Ok(Bytes::from_static(b"1,2\n"))];
    let written = done!(store.write(file, chunks(parts)).await, "writing");
    let info = done!(store.head("dir/report.csv", None).await, "asking");
    same!(info, written, "what was returned by the writing");
    same!((info.size, info.content_type.as_str()), (8, "text/csv; charset=utf-8"), "size and type");
    ensure!(info.sha256.is_none() || info.sha256 == Some(hash(b"a,b\n1,2\n")), "its SHA-256 is not that of its bytes: {:?}", info.sha256);
    same!(info.version.is_some(), store.versioned(), "it has a version where the store keeps versions");
    let in_list = done!(store.list("dir/", None, 9).await, "listing").files;
    same!(in_list.first().map(|file| (file.size, &file.name)), Some((8, &info.name)), "the same in the listing");
    let empty = write(store, "empty", "").await?;
    same!(empty.size, 0, "the size of an empty file");
    same!(read(store, "empty", None).await?, "", "an empty file");
    Ok(Outcome::Held)
}

pub(super) async fn head_missing(store: &Subject) -> Verdict {
    write(store, "dir/a", "x").await?;
    for name in ["b", "dir", "dir/a/b", "dir/A", "di"] {
        refuses!(store.head(name, None).await, PortErrorKind::NotFound, "asking about {name:?}");
    }
    done!(store.delete("dir/a").await, "deleting");
    refuses!(store.head("dir/a", None).await, PortErrorKind::NotFound, "asking about a deleted file");
    same!(listed(store).await?, Vec::<String>::new(), "a deleted file in the listing");
    Ok(Outcome::Held)
}

pub(super) async fn ranges(store: &Subject) -> Verdict {
    write(store, "f", "0123456789").await?;
    for (start, length, expected) in [
        (0, None, "0123456789"),
        (0, Some(1), "0"),
        (3, Some(4), "3456"),
        (7, None, "789"),
        (8, Some(100), "89"),
        (9, Some(1), "9"),
        (5, Some(0), ""),
        (10, None, ""),
        (11, Some(5), ""),
        (u64::MAX, Some(u64::MAX), ""),
    ] {
        let range = ReadRange { start, length };
        let file = done!(store.read("f", None, Some(range)).await, "reading {range:?}");
        same!(file.info.size, 10, "the size of the whole file for {range:?}");
        same!(done!(text(file.bytes).await, "reading {range:?}"), expected, "bytes of {range:?}");
    }
    // Larger than any buffer on the way, with every byte telling where it belongs.
    let block = |n: u32| Bytes::from((n * 16_384..(n + 1) * 16_384).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
    let size = 256 * 65_536;
    let file = NewFile::new("large".to_owned(), "application/octet-stream".to_owned(), Some(size));
    done!(store.write(file, Box::pin(futures::stream::iter(0..256).map(move |n| Ok(block(n))))).await, "writing 16 MiB");
    for (start, length) in [(0, size), (4 * 1_000_003, 4 * 777_777), (size - 4, 4)] {
        let file = done!(store.read("large", None, Some(ReadRange { start, length: Some(length) })).await, "reading of 16 MiB");
        let parts: Vec<Bytes> = done!(file.bytes.try_collect().await, "reading of 16 MiB");
        let got = parts.concat();
        same!(got.len() as u64, length, "bytes from {start}");
        let first = u32::try_from(start / 4).unwrap_or(u32::MAX);
        let wrong = got.as_chunks::<4>().0.iter().zip(first..).position(|(bytes, n)| u32::from_le_bytes(*bytes) != n);
        same!(wrong, None, "the first wrong word from {start}");
    }
    Ok(Outcome::Held)
}

pub(super) async fn read_missing(store: &Subject) -> Verdict {
    write(store, "a", "x").await?;
    done!(store.delete("a").await, "deleting");
    for name in ["a", "b"] {
        refuses!(store.read(name, None, None).await, PortErrorKind::NotFound, "reading {name:?}");
    }
    write(store, "c", "x").await?;
    refuses!(
        store.read("c", Some(&"no such version".into()), None).await,
        PortErrorKind::NotFound | PortErrorKind::Invalid | PortErrorKind::Unsupported,
        "reading a version that never was"
    );
    Ok(Outcome::Held)
}

pub(super) async fn never_a_part(store: &Subject) -> Verdict {
    write(store, "f", "old").await?;
    let (halfway, reached) = oneshot::channel::<()>();
    let (go_on, told) = oneshot::channel::<()>();
    let begin = futures::stream::once(async { Ok(Bytes::from_static(b"ne")) });
    let end = futures::stream::once(async move {
        let _ = halfway.send(());
        let _ = told.await;
        Ok(Bytes::from_static(b"w"))
    });
    let file = NewFile::new("f".to_owned(), "text/plain".to_owned(), None);
    let writing = store.write(file, Box::pin(begin.chain(end)));
    let looking = async {
        let _ = reached.await;
        let seen = read(store, "f", None).await;
        let size = store.head("f", None).await.map(|info| info.size);
        let _ = go_on.send(());
        (seen, size)
    };
    let (written, (seen, size)) = futures::join!(writing, looking);
    done!(written, "writing");
    same!(seen?, "old", "the content while the new one was being written");
    same!(done!(size, "asking while it was written"), 3, "the size while the new one was being written");
    same!(read(store, "f", None).await?, "new", "the content afterwards");

    // A reader that began before the change goes on with what it began with, or is told; it never gets a mixture.
    let long = "o".repeat(400_000);
    write(store, "g", &long).await?;
    let reading = done!(store.read("g", None, None).await, "reading");
    write(store, "g", &"n".repeat(400_000)).await?;
    if let Ok(got) = text(reading.bytes).await {
        ensure!(got == long || got.bytes().all(|byte| byte == b'n'), "a reader got a mixture of two contents, {} bytes long", got.len());
    }

    let contents: Vec<String> = (b'a'..=b'h').map(|letter| char::from(letter).to_string().repeat(50_000)).collect();
    let all = futures::future::join_all(contents.iter().map(|content| write(store, "race", content))).await;
    for result in all {
        result?;
    }
    let last = read(store, "race", None).await?;
    ensure!(contents.contains(&last), "after eight writers at once the file is none of theirs, {} bytes long", last.len());
    Ok(Outcome::Held)
}

pub(super) async fn failed_writes(store: &Subject) -> Verdict {
    write(store, "kept", "old").await?;
    let before = if store.versioned() { done!(store.versions("kept").await, "listing versions").len() } else { 0 };
    for name in ["kept", "new", "new/inside"] {
        let file = |size| NewFile::new(name.to_owned(), "text/plain".to_owned(), size);
        let Err(error) = store.write(file(None), broken("half of it")).await else {
            return Err(format!("a stream that broke was kept as {name:?}"));
        };
        ensure!(
            error.message.contains("hung up") || error.kind == PortErrorKind::Unavailable,
            "the reason of the failure got lost: {error}"
        );
        for said in [0, 3, 5, 1 << 40] {
            let four = chunks(vec![Ok(Bytes::from_static(b"four"))]);
            refuses!(
                store.write(file(Some(said)), four).await,
                PortErrorKind::Invalid | PortErrorKind::Broken | PortErrorKind::TooLarge | PortErrorKind::Full,
                "four bytes announced as {said}"
            );
        }
        // A writer that gives up in the middle.
        let endless = chunks(vec![Ok(Bytes::from_static(b"x"))]).chain(futures::stream::pending());
        let given_up = store.write(file(None), Box::pin(endless));
        ensure!(given_up.now_or_never().is_none(), "writing ended before its stream did");
    }
    same!(read(store, "kept", None).await?, "old", "what was there before");
    same!(listed(store).await?, ["kept"], "names in the store");
    if store.versioned() {
        same!(done!(store.versions("kept").await, "listing versions").len(), before, "versions of what was there before");
        refuses!(store.versions("new").await, PortErrorKind::NotFound, "versions of what never arrived");
    }
    write(store, "new", "now").await?;
    same!(read(store, "new", None).await?, "now", "the same name written well");
    Ok(Outcome::Held)
}

pub(super) async fn copy(store: &Subject) -> Verdict {
    let file = NewFile::new("from".to_owned(), "image/x-odd".to_owned(), None);
    done!(store.write(file, chunks(vec![Ok(Bytes::from_static(b"content"))])).await, "writing");
    write(store, "there/already", "old").await?;
    for to in ["to/a new place", "there/already"] {
        let info = done!(store.copy("from", to).await, "copying to {to:?}");
        same!((info.name.as_str(), info.size, info.content_type.as_str()), (to, 7, "image/x-odd"), "the copy");
        same!(read(store, to, None).await?, "content", "the copy's bytes");
    }
    same!(read(store, "from", None).await?, "content", "the original");
    write(store, "from", "changed").await?;
    same!(read(store, "there/already", None).await?, "content", "the copy after the original changed");
    refuses!(store.copy("none", "x").await, PortErrorKind::NotFound, "copying what is not there");
    refuses!(store.head("x", None).await, PortErrorKind::NotFound, "the copy of nothing");
    Ok(Outcome::Held)
}

pub(super) async fn share(store: &Subject) -> Verdict {
    write(store, "dir/to share ü.txt", "shared").await?;
    let Some(url) = done!(store.share("dir/to share ü.txt", None, 600).await, "sharing") else {
        return Ok(Outcome::NotOffered("the store makes no addresses of its own"));
    };
    crate::install_tls();
    let client = done!(bellhop_http::Client::new("reader", bellhop_http::Limits::default()), "building a client");
    let got = done!(client.get("download", "the shared address", &url).send().await, "downloading");
    same!(done!(got.text().await, "downloading"), "shared", "what anyone downloads");
    Ok(Outcome::Held)
}

pub(super) async fn share_bound(store: &Subject) -> Verdict {
    const NONE: Outcome = Outcome::NotOffered("it has no access policies");
    let Some(buckets) = store.buckets() else { return Ok(NONE) };
    let permissions = Permission::read("r").unwrap_or_default();
    let policy = AccessPolicy { id: "suite".to_owned(), permissions, starts: None, expires: Timestamp::from_timestamp(4_102_444_800, 0) };
    match buckets.create_access(buckets.own(), &policy).await {
        Err(error) if error.kind == PortErrorKind::Unsupported => return Ok(NONE),
        other => done!(other, "adding a policy"),
    }
    write(store, "dir/bound ü.txt", "shared").await?;
    let Some(url) = done!(store.share_bound("dir/bound ü.txt", None, "suite").await, "sharing") else {
        return Ok(Outcome::NotOffered("the store makes no addresses of its own"));
    };
    crate::install_tls();
    let client = done!(bellhop_http::Client::new("reader", bellhop_http::Limits::default()), "building a client");
    // What is changed about policies may take half a minute to apply.
    let limit = std::time::Duration::from_secs(40);
    let works = || async { client.get("download", "the shared address", &url).send().await.ok() };
    let got = crate::wait::within(limit, "the address to work", works).await?;
    same!(done!(got.text().await, "downloading"), "shared", "what anyone downloads");
    done!(buckets.revoke_access(buckets.own(), "suite").await, "revoking the policy");
    let ends = || async { client.get("download", "the shared address", &url).send().await.is_err().then_some(()) };
    crate::wait::within(limit, "the address to end", ends).await?;
    Ok(Outcome::Held)
}

pub(super) async fn share_unbound(store: &Subject) -> Verdict {
    write(store, "f", "x").await?;
    refuses!(store.share_bound("f", None, "none").await, PortErrorKind::NotFound | PortErrorKind::Unsupported, "sharing by no policy");
    Ok(Outcome::Held)
}

pub(super) async fn share_bound_again(store: &Subject) -> Verdict {
    const NONE: Outcome = Outcome::NotOffered("it has no access policies");
    let Some(buckets) = store.buckets() else { return Ok(NONE) };
    let policy = |id: &str, letters: &str, starts: i64, expires: i64| AccessPolicy {
        id: id.to_owned(),
        permissions: Permission::read(letters).unwrap_or_default(),
        starts: Timestamp::from_timestamp(starts, 0),
        expires: Timestamp::from_timestamp(expires, 0),
    };
    // From 1970 and until 2100, so that any clock is between them.
    let (past, future) = (86_400, 4_102_444_800);
    match buckets.create_access(buckets.own(), &policy("again", "rl", past, future)).await {
        Err(error) if error.kind == PortErrorKind::Unsupported => return Ok(NONE),
        other => done!(other, "adding a policy"),
    }
    write(store, "bound.txt", "shared").await?;
    if done!(store.share_bound("bound.txt", None, "again").await, "sharing").is_some() {
        return Ok(Outcome::NotOffered("the store makes addresses of its own"));
    }
    refuses!(store.share_bound("none.txt", None, "again").await, PortErrorKind::NotFound, "sharing what is not there");
    for (what, changed) in [
        ("a policy to write", policy("again", "w", past, future)),
        ("a policy to come", policy("again", "r", future, future + 1)),
        ("a policy that ended", policy("again", "r", past, past + 1)),
    ] {
        done!(buckets.change_access(buckets.own(), &changed).await, "changing it to {what}");
        refuses!(store.share_bound("bound.txt", None, "again").await, PortErrorKind::Denied, "reading by {what}");
    }
    done!(buckets.change_access(buckets.own(), &policy("again", "r", past, future)).await, "changing it back");
    same!(done!(store.share_bound("bound.txt", None, "again").await, "asking once more"), None, "the address");
    done!(buckets.revoke_access(buckets.own(), "again").await, "revoking it");
    refuses!(store.share_bound("bound.txt", None, "again").await, PortErrorKind::NotFound, "reading by what was revoked");
    Ok(Outcome::Held)
}
