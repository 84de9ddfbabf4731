//! Sentences on what goes with a file when it is written: tags, and an encryption of its own.
//!
//! A store may learn only by asking its server that it can't encrypt as it offered: then it refuses, offers it no more, and
//! has written nothing.

use super::{Subject, chunks, names, read, text, write};
use crate::conformance::{Outcome, Verdict, done, ensure, refuses, same};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{FileEncryption, FileInfo, NewFile, ReadRange};
use bytes::Bytes;
use std::collections::BTreeMap;

const NO_CHOICE: Outcome = Outcome::NotOffered("it encrypts single files in no other way than all");
/// More than any store sends at once.
const LARGE: usize = (9 << 20) + 7;

fn tags() -> BTreeMap<String, String> {
    [("project", "bell hop"), ("a", ""), ("x=1 +2", "ü/@")].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn file(name: &str, encryption: &FileEncryption) -> NewFile {
    NewFile { encryption: Some(encryption.clone()), ..NewFile::new(name, "text/x-sealed", None) }
}

/// Whether what is said is what was asked for: a key service may say which key its own is, and spell keys in full.
fn says(told: Option<&FileEncryption>, asked: &FileEncryption) -> bool {
    match (asked, told) {
        (FileEncryption::Kms { key: None }, Some(FileEncryption::Kms { .. })) => true,
        (FileEncryption::Kms { key: Some(asked) }, Some(FileEncryption::Kms { key: Some(told) })) => {
            told == asked || told.ends_with(&format!("/{asked}"))
        }
        (asked, told) => told == Some(asked),
    }
}

/// Writes a file so; nothing where the store found that it can't, offers it no more, and left no file.
async fn sealed(store: &Subject, file: NewFile, content: &Bytes) -> Result<Option<FileInfo>, String> {
    let (name, asked) = (file.name.clone(), file.encryption.clone());
    let pieces = content.chunks(700_001).map(|piece| Ok(content.slice_ref(piece))).collect();
    match store.write(file, chunks(pieces)).await {
        Ok(info) => Ok(Some(info)),
        Err(error) if error.kind == PortErrorKind::Unsupported => {
            if asked.is_some_and(|asked| store.encryptions().contains(&asked)) {
                return Err(format!("what is offered is refused: {error}"));
            }
            match store.head(&name, None).await {
                Err(error) if error.kind == PortErrorKind::NotFound => Ok(None),
                other => Err(format!("{name} was refused, and asking for it gives {other:?}")),
            }
        }
        Err(error) => Err(format!("writing {name} failed: {error}")),
    }
}

/// Those that are offered and can be had.
async fn choices(store: &Subject) -> Result<Vec<FileEncryption>, String> {
    let mut found = Vec::new();
    for (n, one) in store.encryptions().into_iter().enumerate() {
        if sealed(store, file(&format!("tried/{n}"), &one), &Bytes::from_static(b"tried")).await?.is_some() {
            found.push(one);
        }
    }
    Ok(found)
}

pub(super) async fn tagged(store: &Subject) -> Verdict {
    write(store, "other", "other").await?;
    let file = NewFile { tags: tags(), ..NewFile::new("dir/f", "text/plain", Some(3)) };
    let content = || chunks(vec![Ok(Bytes::from_static(b"new"))]);
    match store.write(file.clone(), content()).await {
        Err(error) if error.kind == PortErrorKind::Unsupported => {
            same!(names(store).await?, ["other"], "names after tags were refused");
            if let Some(parts) = store.parts() {
                refuses!(parts.begin(&file).await, PortErrorKind::Unsupported, "beginning with tags");
            }
            return Ok(Outcome::NotOffered("it has no tags"));
        }
        other => done!(other, "writing with tags"),
    };
    same!(done!(store.tags("dir/f").await, "asking"), tags(), "the tags");
    same!(read(store, "dir/f", None).await?, "new", "the content");
    same!(done!(store.tags("other").await, "asking"), BTreeMap::new(), "the tags of another file");
    // Large, where the parts don't have them.
    let large = NewFile { name: "large".to_owned(), size: None, ..file.clone() };
    let pieces = (0..10).map(|_| Ok(Bytes::from(vec![b'x'; 1 << 20]))).collect();
    done!(store.write(large, chunks(pieces)).await, "writing a large file with tags");
    same!(done!(store.tags("large").await, "asking"), tags(), "the tags of a large file");
    // Tags are of what was written with them.
    write(store, "dir/f", "newer").await?;
    same!(done!(store.tags("dir/f").await, "asking"), BTreeMap::new(), "the tags after it was written without");
    let many = (0..300).map(|n| (format!("tag{n}"), "v".repeat(5000))).collect();
    refuses!(store.write(NewFile { tags: many, ..file }, content()).await, PortErrorKind::Invalid, "300 long tags");
    same!(read(store, "dir/f", None).await?, "newer", "the content after a refusal");
    Ok(Outcome::Held)
}

pub(super) async fn offered(store: &Subject) -> Verdict {
    write(store, "plain", "plain").await?;
    let before = done!(store.head("plain", None).await, "asking");
    let all = choices(store).await?;
    let large: Bytes = (0..LARGE).map(|n| u8::try_from(n % 251).unwrap_or(0)).collect();
    for (n, one) in all.iter().enumerate() {
        for (name, content) in [(format!("{n}/empty"), Bytes::new()), (format!("{n}/large"), large.clone())] {
            let info = sealed(store, file(&name, one), &content).await?;
            let info = info.ok_or_else(|| format!("{one} was offered and is no more"))?;
            same!((info.size, info.content_type.as_str()), (content.len() as u64, "text/x-sealed"), "{one}: the file");
            let got = done!(store.read(&name, None, None).await, "{one}: reading");
            ensure!(done!(text(got.bytes).await, "{one}: reading") == String::from_utf8_lossy(&content), "{one}: it reads otherwise");
        }
        let range = ReadRange { start: 8_400_000, length: Some(5) };
        let expected = String::from_utf8_lossy(&large[8_400_000..8_400_005]).into_owned();
        same!(read(store, &format!("{n}/large"), Some(range)).await?, expected, "{one}: a part");
    }
    same!(done!(store.head("plain", None).await, "asking"), before, "another file");
    same!(read(store, "plain", None).await?, "plain", "the content of another file");
    Ok(if all.is_empty() { NO_CHOICE } else { Outcome::Held })
}

pub(super) async fn refused(store: &Subject) -> Verdict {
    write(store, "f", "old").await?;
    // What can't be had is found out first.
    choices(store).await?;
    let kind = |one: &FileEncryption| std::mem::discriminant(one);
    let offers: Vec<_> = store.encryptions().iter().map(kind).collect();
    let all = [FileEncryption::Aes256, FileEncryption::Kms { key: None }, FileEncryption::Scope("none".to_owned())];
    // Of keys there are only those that have a name in the configuration.
    let missing = all.into_iter().filter(|one| !offers.contains(&kind(one))).chain([FileEncryption::Key("no-such-key".to_owned())]);
    for one in missing {
        for name in ["f", "new"] {
            let sent = store.write(file(name, &one), chunks(vec![Ok(Bytes::from_static(b"new"))])).await;
            refuses!(sent, PortErrorKind::Unsupported | PortErrorKind::Invalid, "{one}");
        }
        if let Some(parts) = store.parts() {
            let begun = parts.begin(&NewFile { size: Some(3), ..file("f", &one) }).await;
            refuses!(begun, PortErrorKind::Unsupported | PortErrorKind::Invalid, "beginning with {one}");
        }
        same!(read(store, "f", None).await?, "old", "the content after {one} was refused");
        refuses!(store.head("new", None).await, PortErrorKind::NotFound, "asking for what was refused as {one}");
    }
    Ok(Outcome::Held)
}

pub(super) async fn told(store: &Subject) -> Verdict {
    let all = choices(store).await?;
    for one in &all {
        let content = Bytes::from_static(b"sealed");
        let written = sealed(store, file("f", one), &content).await?;
        let written = written.ok_or_else(|| format!("{one} was offered and is no more"))?;
        let head = done!(store.head("f", None).await, "{one}: asking");
        let read = done!(store.read("f", None, None).await, "{one}: reading").info;
        for info in [written, head, read] {
            ensure!(says(info.encryption.as_ref(), one), "{one} was asked for, and it is said to be {:?}", info.encryption);
        }
    }
    Ok(if all.is_empty() { NO_CHOICE } else { Outcome::Held })
}

pub(super) async fn copied(store: &Subject) -> Verdict {
    let all = choices(store).await?;
    let has_tags = store.tags("none").await.is_err_and(|error| error.kind == PortErrorKind::NotFound);
    let content = Bytes::from_static(b"sealed");
    for one in &all {
        let tags = if has_tags { tags() } else { BTreeMap::new() };
        let wanted = NewFile { tags: tags.clone(), ..file("from", one) };
        sealed(store, wanted, &content).await?.ok_or_else(|| format!("{one} was offered and is no more"))?;
        let first = done!(store.head("from", None).await, "{one}: asking").version;
        let copy = done!(store.copy("from", "to").await, "{one}: copying");
        ensure!(says(copy.encryption.as_ref(), one), "the copy of what is {one} is {:?}", copy.encryption);
        same!(copy.content_type, "text/x-sealed", "{one}: the copy's type");
        same!(read(store, "to", None).await?, "sealed", "{one}: the copy's content");
        if has_tags {
            same!(done!(store.tags("to").await, "{one}: asking"), tags, "{one}: the copy's tags");
        }
        // Made current again, it is what it was.
        if let Some(first) = first.filter(|_| store.versioned()) {
            write(store, "from", "plain").await?;
            let back = done!(store.restore("from", Some(&first)).await, "{one}: restoring");
            ensure!(says(back.encryption.as_ref(), one), "what was {one} is restored as {:?}", back.encryption);
            same!(read(store, "from", None).await?, "sealed", "{one}: the content that is restored");
            if has_tags {
                same!(done!(store.tags("from").await, "{one}: asking"), tags, "{one}: the tags that are restored");
            }
        }
    }
    if all.is_empty() && has_tags {
        let content = chunks(vec![Ok(content)]);
        done!(store.write(NewFile { tags: tags(), ..NewFile::new("from", "text/plain", None) }, content).await, "writing with tags");
        done!(store.copy("from", "to").await, "copying");
        same!(done!(store.tags("to").await, "asking"), tags(), "the copy's tags");
    }
    Ok(if all.is_empty() && !has_tags { Outcome::NotOffered("it has neither") } else { Outcome::Held })
}

pub(super) async fn shared(store: &Subject) -> Verdict {
    let all = choices(store).await?;
    let keys: Vec<_> = all.into_iter().filter(|one| matches!(one, FileEncryption::Key(_))).collect();
    for one in &keys {
        sealed(store, file("f", one), &Bytes::from_static(b"x")).await?.ok_or_else(|| format!("{one} was offered and is no more"))?;
        same!(done!(store.share("f", None, 60).await, "{one}: sharing"), None, "{one}: the address");
    }
    Ok(if keys.is_empty() { Outcome::NotOffered("it has no keys of the bot's") } else { Outcome::Held })
}

pub(super) async fn parts(store: &Subject) -> Verdict {
    let Some(parts) = store.parts() else { return Ok(Outcome::NotOffered("it has no uploads in parts")) };
    let has_tags = store.tags("none").await.is_err_and(|error| error.kind == PortErrorKind::NotFound);
    let tags = if has_tags { tags() } else { BTreeMap::new() };
    let mut all: Vec<Option<FileEncryption>> = choices(store).await?.into_iter().map(Some).collect();
    all.push(None);
    let content: Bytes = (0..LARGE).map(|n| b'a' + u8::try_from(n % 26).unwrap_or(0)).collect();
    for one in &all {
        let shown = one.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
        let (size, tags) = (Some(LARGE as u64), tags.clone());
        let wanted = NewFile { tags: tags.clone(), encryption: one.clone(), ..NewFile::new("p", "text/x-sealed", size) };
        let upload = done!(parts.begin(&wanted).await, "{shown}: beginning");
        let mut sent = Vec::new();
        for number in 1..=upload.parts {
            let start = u64::from(number - 1) * upload.part_size;
            let end = (start + upload.part_size).min(LARGE as u64);
            let piece = content.slice(usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0));
            let put = parts.put(&upload.id, number, end - start, chunks(vec![Ok(piece)])).await;
            sent.push(done!(put, "{shown}: sending part {number}"));
        }
        same!(done!(parts.done(&upload.id).await, "{shown}: listing").len(), sent.len(), "{shown}: parts");
        let info = done!(parts.finish(&upload.id, &sent).await, "{shown}: finishing");
        same!(info.content_type, "text/x-sealed", "{shown}: the type");
        if let Some(one) = one {
            ensure!(says(info.encryption.as_ref(), one), "{shown} was asked for, and it is said to be {:?}", info.encryption);
        }
        if has_tags {
            same!(done!(store.tags("p").await, "{shown}: asking"), tags, "{shown}: the tags");
        }
        let got = done!(store.read("p", None, None).await, "{shown}: reading");
        ensure!(done!(text(got.bytes).await, "{shown}: reading").as_bytes() == content, "{shown}: it reads otherwise");
    }
    Ok(Outcome::Held)
}
