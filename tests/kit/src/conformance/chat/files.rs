//! Sentences on files, both ways.

use super::Subject;
use crate::conformance::files::{broken, chunks};
use crate::conformance::{Outcome, Verdict, done, ensure, refuses, same};
use bellhop_core::PortErrorKind;
use bellhop_core::capabilities::Lookup;
use bellhop_core::ports::{ByteStream, Upload};
use bytes::Bytes;
use futures::TryStreamExt as _;

const NO_UPLOADS: Outcome = Outcome::NotOffered("files can't be uploaded");

fn file(subject: &Subject, key: &str, name: &str, size: u64, bytes: ByteStream) -> Upload {
    Upload {
        alt: String::new(),
        key: key.into(),
        to: subject.channel.clone(),
        name: name.to_owned(),
        content_type: "application/octet-stream".to_owned(),
        size,
        bytes,
        source: None,
    }
}

pub(super) async fn fetch(subject: &Subject) -> Verdict {
    let Some(attach) = &subject.attach else {
        return Ok(Outcome::NotOffered("the test can't send a file as a person would"));
    };
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[usize::from(n % 3 == 0)]).collect();
    for (name, content) in [("hello ü.txt", b"hello".to_vec()), ("empty", Vec::new()), ("../../climbs.bin", large)] {
        let attachment = attach(subject.channel.clone(), name.to_owned(), content.clone()).await;
        ensure!(!attachment.id.is_empty(), "the attachment {name:?} has no id");
        ensure!(attachment.size.is_none_or(|size| size == content.len() as u64), "{name:?} is said to have {:?} bytes", attachment.size);
        for time in ["first", "second"] {
            let bytes = done!(subject.platform.fetch(&attachment).await, "fetching {name:?} for the {time} time");
            let parts: Vec<Bytes> = done!(bytes.try_collect().await, "fetching {name:?} for the {time} time");
            ensure!(parts.concat() == content, "{name:?} came with {} bytes that differ", parts.concat().len());
        }
    }
    Ok(Outcome::Held)
}

async fn arrives(subject: &Subject, size: usize) -> Result<(), String> {
    let content: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).unwrap_or_default()).collect();
    let parts = content.chunks(64 * 1024).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
    let name = format!("of {size} bytes.bin");
    let id = done!(subject.platform.upload(file(subject, &name, &name, size as u64, chunks(parts))).await, "uploading {size} bytes");
    let seen = subject.seen().await;
    let Some(shown) = seen.iter().find(|message| message.id == id.as_str()) else {
        return Err(format!("there is no message with the id {id} that the upload returned"));
    };
    // Where the platform takes no empty files, a message that names it stands in its place.
    if size == 0 && shown.files.is_empty() {
        ensure!(shown.text.contains(&name), "an empty file is neither shown nor named: {:?}", shown.text);
        return Ok(());
    }
    same!(shown.files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), [name.as_str()], "its files");
    ensure!(shown.files[0].1 == content, "its {} bytes differ from the {size} that were sent", shown.files[0].1.len());
    Ok(())
}

pub(super) async fn upload(subject: &Subject) -> Verdict {
    if subject.platform.capabilities().upload == 0 {
        return Ok(NO_UPLOADS);
    }
    for size in [0, 1, 65_536, 3_000_001] {
        if size as u64 <= subject.platform.capabilities().upload {
            arrives(subject, size).await?;
        }
    }
    let before = subject.seen().await.len();
    // What doesn't arrive whole is not shown.
    let Err(error) = subject.platform.upload(file(subject, "broken", "broken", 100, broken("begin"))).await else {
        return Err("a file whose stream broke was shown".to_owned());
    };
    ensure!(
        matches!(error.kind, PortErrorKind::Unavailable | PortErrorKind::TimedOut | PortErrorKind::Invalid | PortErrorKind::Broken),
        "a stream that broke is reported as {:?}",
        error.kind
    );
    refuses!(
        subject.platform.upload(file(subject, "short", "short", 9, chunks(vec![Ok(Bytes::from_static(b"four"))]))).await,
        PortErrorKind::Invalid | PortErrorKind::Broken | PortErrorKind::Unavailable | PortErrorKind::TimedOut,
        "four bytes announced as nine"
    );
    same!(subject.seen().await.len(), before, "messages after the failed uploads");
    Ok(Outcome::Held)
}

pub(super) async fn upload_same_key(subject: &Subject) -> Verdict {
    let caps = subject.platform.capabilities();
    if caps.upload == 0 {
        return Ok(NO_UPLOADS);
    }
    let one = || file(subject, "k", "once.txt", 4, chunks(vec![Ok(Bytes::from_static(b"once"))]));
    let id = done!(subject.platform.upload(one()).await, "uploading");
    match caps.lookup {
        Lookup::None => return Ok(Outcome::NotOffered("the platform has no means for it")),
        Lookup::ByKey => {
            let found = done!(subject.platform.find(&subject.channel, &"k".into()).await, "looking it up");
            same!(found, Some(id), "what a look-up before sending again finds");
        }
        Lookup::Idempotent => {
            same!(done!(subject.platform.upload(one()).await, "uploading again"), id, "the id when uploaded again");
        }
    }
    let shown = subject.seen().await.iter().filter(|message| message.files.iter().any(|(name, _)| name == "once.txt")).count();
    same!(shown, 1, "messages with the file");
    Ok(Outcome::Held)
}
