//! What Slack's limits and odd answers do to calls.

use crate::testbed::{Answer, Bed, at, said};
use crate::wire::Method;
use bellhop_core::ids::WorkspaceId;
use bellhop_core::ports::ChatPlatform as _;
use bellhop_core::{PortErrorKind, Retry};
use serde_json::{Value, json};
use std::time::Duration;

const LIMITED: Answer =
    Answer::Raw(429, &[("retry-after", "30"), ("content-type", "application/json")], "{\"ok\":false,\"error\":\"ratelimited\"}");

#[tokio::test]
async fn nothing_is_called_before_a_wait_ends_not_even_by_another_process() {
    let bed = Bed::new().await;
    bed.world.answer("chat.postMessage", LIMITED);
    let error = bed.slack.deliver(&said("k", "one")).await.unwrap_err();
    assert_eq!((error.kind, error.retry, error.maybe_done), (PortErrorKind::RateLimited, Retry::After(Duration::from_secs(30)), false));
    let other = bed.again();
    for (passed, left) in [(0, 30), (29, 1)] {
        bed.clock.advance(Duration::from_secs(passed));
        for slack in [&bed.slack, &other.slack] {
            let error = slack.deliver(&said("k", "one")).await.unwrap_err();
            assert_eq!(error.retry, Retry::After(Duration::from_secs(left)), "{error}");
        }
    }
    assert_eq!(bed.world.calls("chat.postMessage").len(), 1);
    // Other methods are not concerned, and neither are other workspaces.
    bed.slack.permalink(&at("C1"), &"1.2".into()).await.unwrap();
    bed.clock.advance(Duration::from_secs(1));
    bed.slack.deliver(&said("k", "one")).await.unwrap();
    other.slack.deliver(&said("k2", "two")).await.unwrap();
    assert_eq!(bed.records.count("slack/work/blocked"), 0);
}

#[tokio::test]
async fn a_limit_in_the_body_counts_as_well() {
    let bed = Bed::new().await;
    for code in ["ratelimited", "rate_limited"] {
        bed.world.answer("chat.postMessage", Answer::Refuse(code));
        let error = bed.slack.deliver(&said("k", "one")).await.unwrap_err();
        assert_eq!(error.retry, Retry::After(Duration::from_secs(1)), "{code}");
        let before = bed.world.calls("chat.postMessage").len();
        assert_eq!(bed.slack.deliver(&said("k", "one")).await.unwrap_err().kind, PortErrorKind::RateLimited);
        assert_eq!(bed.world.calls("chat.postMessage").len(), before, "{code}: called too early");
        bed.clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn reading_waits_a_little_and_posting_does_not() {
    let bed = Bed::new().await;
    let workspace = WorkspaceId::from("T1");
    let read = Method { name: "users.info", operation: "find a person", per_minute: 1, safe: true };
    let edit = Method { name: "chat.update", operation: "revise", per_minute: 1, safe: true };
    let api = &bed.slack.desk.api;
    for method in [read, edit] {
        let _: Result<Value, _> = api.call(&workspace, method, &json!({ "user": "U1" })).await;
        let began = tokio::time::Instant::now();
        let error = api.call::<Value>(&workspace, method, &json!({ "user": "U1" })).await.unwrap_err().error;
        let Retry::After(wait) = error.retry else { panic!("{error}") };
        assert!(error.kind == PortErrorKind::RateLimited && wait > Duration::from_secs(50), "{error}");
        assert!(began.elapsed() < Duration::from_secs(2), "it waited for what takes a minute");
        assert_eq!(bed.world.calls(method.name).len(), 1);
    }
    // Ten times a second: the wait is short, and worth it to a reader.
    let quick = Method { name: "users.lookupByEmail", per_minute: 600, ..read };
    for _ in 0..130 {
        let _: Value = api.call(&workspace, quick, &json!({ "email": "ann@acme.example" })).await.unwrap();
    }
    let quick = Method { name: "chat.update", per_minute: 600, ..edit };
    let mut refused = 0;
    for _ in 0..130 {
        if let Err(failure) = api.call::<Value>(&workspace, quick, &json!({ "channel": "C1", "ts": "1" })).await {
            refused += u32::from(failure.error.kind == PortErrorKind::RateLimited);
        }
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn odd_answers_are_told_from_good_ones() {
    let page = Answer::Raw(200, &[("content-type", "text/html")], "<html>maintenance</html>");
    for (answer, kind, says, maybe) in [
        (page, PortErrorKind::Broken, "web page", true),
        (Answer::Raw(503, &[], "<html>"), PortErrorKind::Unavailable, "503", true),
        (Answer::Lost, PortErrorKind::Unavailable, "broke", true),
        (Answer::Refuse("fatal_error"), PortErrorKind::Unavailable, "fatal_error", true),
        (Answer::Refuse("token_revoked"), PortErrorKind::Unauthenticated, "install the app again", false),
        (
            Answer::Json(json!({ "ok": false, "error": "missing_scope", "needed": "chat:write" })),
            PortErrorKind::Denied,
            "scope chat:write",
            false,
        ),
        (Answer::Refuse("is_archived"), PortErrorKind::Denied, "archived", false),
        (Answer::Json(json!({ "ok": true })), PortErrorKind::Broken, "which message", true),
    ] {
        let bed = Bed::new().await;
        bed.world.answer("chat.postMessage", answer);
        let error = bed.slack.deliver(&said("k", "text")).await.unwrap_err();
        assert_eq!((error.kind, error.maybe_done), (kind, maybe), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.to_string().contains("xoxb"), "{error}");
    }
}

#[tokio::test]
async fn response_addresses_of_others_are_never_called() {
    let bed = Bed::new().await;
    for url in ["http://127.0.0.1:1/respond", "https://hooks.slack.com.evil.example/x", "file:///etc/passwd"] {
        let failure = bed.slack.desk.api.respond(&"T1".into(), url, &json!({ "text": "x" })).await.unwrap_err();
        assert_eq!(failure.error.kind, PortErrorKind::Denied, "{url}");
    }
}
