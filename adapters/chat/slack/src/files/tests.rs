//! Files, both ways.

use crate::handle::FileHandle;
use crate::testbed::{Answer, Bed, at};
use bellhop_core::call::{Attachment, Handle};
use bellhop_core::clock::Clock as _;
use bellhop_core::ports::{ByteStream, ChatPlatform as _, Records as _, Upload};
use bellhop_core::{PortError, PortErrorKind};
use bytes::Bytes;
use futures::TryStreamExt as _;
use serde_json::json;
use std::time::Duration;

fn chunks(parts: Vec<Result<Bytes, PortError>>) -> ByteStream {
    Box::pin(futures::stream::iter(parts))
}

fn file(key: &str, size: u64, bytes: ByteStream) -> Upload {
    let alt = "what <it> shows".to_owned();
    Upload {
        key: key.into(),
        to: at("C1"),
        name: "folder/a b.txt".into(),
        content_type: "text/plain".into(),
        size,
        alt,
        bytes,
        source: None,
    }
}

fn hello() -> ByteStream {
    chunks(vec![Ok(Bytes::from_static(b"hel")), Ok(Bytes::from_static(b"lo"))])
}

#[tokio::test]
async fn a_file_goes_up_in_three_steps_and_once() {
    let bed = Bed::new().await;
    let mut one = file("k", 5, hello());
    one.to.thread = Some("1.1".into());
    let id = bed.slack.upload(one).await.unwrap();
    assert_eq!(id.as_str(), "f:F1");
    assert_eq!(
        bed.world.calls("files.getUploadURLExternal"),
        [json!({ "filename": "a b.txt", "length": "5", "alt_txt": "what <it> shows" })]
    );
    assert_eq!(bed.world.calls("upload"), [json!({ "length": "5", "bytes": 5 })]);
    let completed = json!({ "files": [{ "id": "F1", "title": "a b.txt" }], "channel_id": "C1", "thread_ts": "1.1" });
    assert_eq!(bed.world.calls("files.completeUploadExternal"), [completed]);
    assert_eq!(bed.again().slack.find(&at("C1"), &"k".into()).await.unwrap(), Some(id.clone()));
    assert_eq!(bed.again().slack.upload(file("k", 5, hello())).await.unwrap(), id);
    assert_eq!(bed.world.calls("upload").len(), 1);
    assert!(bed.slack.permalink(&at("C1"), &id).await.unwrap().is_some());
    for _ in 0..2 {
        bed.slack.retract(&at("C1"), &id).await.unwrap();
    }
    assert!(bed.world.inner().files.is_empty());
}

#[tokio::test]
async fn a_lost_answer_shows_no_second_file() {
    let bed = Bed::new().await;
    bed.world.answer("files.completeUploadExternal", Answer::Lost);
    assert!(bed.slack.upload(file("k", 5, hello())).await.unwrap_err().maybe_done);
    let after = bed.again();
    assert_eq!(after.slack.find(&at("C1"), &"k".into()).await.unwrap().unwrap().as_str(), "f:F1");
    assert_eq!(after.slack.upload(file("k", 5, hello())).await.unwrap().as_str(), "f:F1");
    assert_eq!((bed.world.calls("upload").len(), bed.world.calls("files.completeUploadExternal").len()), (1, 1));
}

#[tokio::test]
async fn what_was_sent_and_not_shown_is_completed_once_more_at_most() {
    let bed = Bed::new().await;
    for _ in 0..2 {
        bed.world.answer("files.completeUploadExternal", Answer::Raw(503, &[], ""));
        assert!(bed.slack.upload(file("k", 5, hello())).await.unwrap_err().maybe_done);
        assert_eq!(bed.slack.find(&at("C1"), &"k".into()).await.unwrap(), None);
    }
    let error = bed.slack.upload(file("k", 5, hello())).await.unwrap_err();
    assert!(!error.maybe_done && error.message.contains("doesn't show it"), "{error}");
    assert_eq!((bed.world.calls("upload").len(), bed.world.calls("files.completeUploadExternal").len()), (1, 2));
    // What was refused for certain may be asked for as often as it takes.
    for _ in 0..3 {
        bed.world.answer("files.completeUploadExternal", Answer::Refuse("posting_to_channel_denied"));
        assert_eq!(bed.slack.upload(file("k2", 5, hello())).await.unwrap_err().kind, PortErrorKind::Denied);
    }
    bed.slack.upload(file("k2", 5, hello())).await.unwrap();
    assert_eq!(bed.world.calls("upload").len(), 2);
}

#[tokio::test]
async fn what_slack_has_thrown_away_is_sent_anew() {
    let bed = Bed::new().await;
    bed.world.answer("files.completeUploadExternal", Answer::Refuse("not_in_channel"));
    bed.world.answer("files.completeUploadExternal", Answer::Refuse("restricted_action"));
    assert!(bed.slack.upload(file("k", 5, hello())).await.is_err());
    bed.world.inner().files.clear();
    bed.world.inner().files.insert("F0".into(), json!({}));
    assert_eq!(bed.slack.upload(file("k", 5, hello())).await.unwrap().as_str(), "f:F2");
}

#[tokio::test]
async fn files_that_cannot_go_up_are_refused_with_the_reason() {
    let bed = Bed::new().await;
    let broken = || PortError::new(PortErrorKind::Unavailable, "files.s3", "read", "the store went away");
    let half = || Ok(Bytes::from_static(b"half"));
    for (size, bytes, kind, says) in [
        ((1 << 30) + 1, chunks(Vec::new()), PortErrorKind::TooLarge, "1 GiB"),
        (9, chunks(vec![half()]), PortErrorKind::Invalid, "4 bytes came of the 9"),
        (3, chunks(vec![half()]), PortErrorKind::Invalid, "4 bytes or more came of the 3"),
        (9, chunks(vec![half(), Err(broken())]), PortErrorKind::Unavailable, "the store went away"),
    ] {
        let error = bed.slack.upload(file("k", size, bytes)).await.unwrap_err();
        assert!(error.kind == kind && error.message.contains(says) && !error.maybe_done, "{error}");
    }
    assert!(bed.world.calls("files.completeUploadExternal").is_empty());
    bed.world
        .answer("files.getUploadURLExternal", Answer::Json(json!({ "upload_url": "http://127.0.0.1:1/x", "file_id": "F1", "ok": true })));
    assert!(bed.slack.upload(file("k", 5, hello())).await.unwrap_err().message.contains("none of Slack's own"));
    bed.world.answer("upload", Answer::Raw(500, &[], ""));
    let error = bed.slack.upload(file("k", 5, hello())).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unavailable && !error.maybe_done, "{error}");
}

#[tokio::test]
async fn the_bot_enters_to_show_a_file_or_says_that_it_can_not() {
    let bed = Bed::new().await;
    bed.slack.upload(Upload { to: at("C2"), ..file("k", 5, hello()) }).await.unwrap();
    let error = bed.slack.upload(Upload { to: at("C3"), ..file("k3", 5, hello()) }).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Denied && error.message.contains("/invite"), "{error}");
    bed.slack.upload(Upload { to: at("U1"), ..file("k4", 5, hello()) }).await.unwrap();
    assert_eq!(bed.world.calls("files.completeUploadExternal").pop().unwrap()["channel_id"], "D1");
}

#[tokio::test]
async fn an_empty_file_is_said_to_be_one() {
    let bed = Bed::new().await;
    let id = bed.slack.upload(file("k", 0, chunks(Vec::new()))).await.unwrap();
    assert!(bed.world.texts("C1")[0].contains("a b.txt is empty (0 bytes)"));
    assert_eq!(bed.slack.find(&at("C1"), &"k".into()).await.unwrap(), Some(id));
}

#[tokio::test]
async fn old_uploads_are_forgotten() {
    let bed = Bed::new().await;
    let at = bed.clock.now().timestamp();
    for n in 0..50 {
        let kept = json!({ "file": "F0", "stage": "done", "completions": 1, "at": at });
        bed.records.put("slack/work/uploads", &format!("k{n:02}"), &kept).await.unwrap();
    }
    bed.clock.advance(Duration::from_hours(24 * 8));
    for n in 0..6 {
        bed.slack.upload(file(&format!("late{n}"), 5, hello())).await.unwrap();
    }
    assert_eq!(bed.records.count("slack/work/uploads"), 6);
}

fn attachment(name: &str, handle: Handle) -> Attachment {
    Attachment { id: "F1".into(), name: name.into(), content_type: "text/plain".into(), size: None, handle }
}

fn told(url: Option<String>) -> Handle {
    FileHandle { workspace: "T1".into(), file: "F1".into(), url, text: None }.handle()
}

async fn fetched(bed: &Bed, attachment: &Attachment) -> Result<Vec<u8>, PortError> {
    let parts: Vec<Bytes> = bed.slack.fetch(attachment).await?.try_collect().await?;
    Ok(parts.concat())
}

#[tokio::test]
async fn a_file_comes_down_as_it_is() {
    let bed = Bed::new().await;
    let large: Vec<u8> = (0..2_000_000_u32).map(|n| n.to_le_bytes()[usize::from(n % 3 == 0)]).collect();
    for content in [Vec::new(), b"x".to_vec(), b"  a text about <html>".to_vec(), large] {
        bed.world.inner().bytes.insert("F1".into(), content.clone().into());
        bed.world.inner().files.insert("F1".into(), json!({ "id": "F1" }));
        let url = format!("{}/files/F1", bed.world.url);
        // By the event's address, by asking, and after the address changed.
        for handle in [told(Some(url)), told(None), told(Some(format!("{}/files/gone", bed.world.url)))] {
            assert!(fetched(&bed, &attachment("a.txt", handle)).await.unwrap() == content);
        }
    }
    let text = FileHandle { workspace: "T1".into(), file: String::new(), url: None, text: Some("said".into()) };
    assert_eq!(fetched(&bed, &attachment("m.txt", text.handle())).await.unwrap(), b"said");
}

#[tokio::test]
async fn a_login_page_is_no_file() {
    let bed = Bed::new().await;
    bed.world.inner().bytes.insert("F1".into(), Bytes::from_static(b"<!doctype html><p>mine"));
    let handle = || told(Some(format!("{}/files/F1", bed.world.url)));
    for answer in [
        Answer::Raw(200, &[("content-type", "text/html; charset=utf-8")], "<p>Sign in"),
        Answer::Raw(200, &[("content-type", "application/octet-stream")], " \n<!DOCTYPE HTML><title>Sign in</title>"),
        Answer::Raw(302, &[("location", "https://acme.slack.com/?redir=x")], ""),
        Answer::Raw(403, &[], ""),
    ] {
        bed.world.answer("download", answer);
        let error = fetched(&bed, &attachment("a.txt", handle())).await.unwrap_err();
        assert!(
            error.kind == PortErrorKind::Denied && error.message.contains("files:read") && error.message.contains("in a channel"),
            "{error}"
        );
    }
    assert_eq!(bed.world.calls("download").len(), 4, "a redirect was followed");
    // A page that is meant to be one is.
    assert_eq!(fetched(&bed, &attachment("page.HTML", handle())).await.unwrap(), b"<!doctype html><p>mine");
    bed.world.answer("files.info", Answer::Json(json!({ "ok": false, "error": "missing_scope", "needed": "files:read" })));
    assert!(fetched(&bed, &attachment("a.txt", told(None))).await.unwrap_err().message.contains("files:read"));
}

#[tokio::test]
async fn the_token_goes_to_slack_only() {
    let bed = Bed::new().await;
    for url in ["http://127.0.0.1:1/files/F1", "https://files.slack.com.evil.example/x", "https://evil.example/files-pri/T1-F1/x"] {
        let error = fetched(&bed, &attachment("a.txt", told(Some(url.into())))).await.unwrap_err();
        assert!(error.kind == PortErrorKind::Denied && error.message.contains("none of Slack's own"), "{error}");
    }
    for handle in [Handle(json!("x")), Handle(json!({})), Handle(json!({ "workspace": "T1" }))] {
        assert_eq!(fetched(&bed, &attachment("a.txt", handle)).await.unwrap_err().kind, PortErrorKind::Invalid);
    }
    assert_eq!(fetched(&bed, &attachment("a.txt", told(None))).await.unwrap_err().kind, PortErrorKind::NotFound);
}
