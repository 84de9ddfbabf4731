//! Finding out what became of a message.

use crate::testbed::{Answer, Bed, at, said};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{ChatPlatform as _, Post};
use std::time::Duration;

#[tokio::test]
async fn a_lost_answer_is_found_in_the_history() {
    let bed = Bed::new().await;
    bed.world.answer("chat.postMessage", Answer::Lost);
    let error = bed.slack.deliver(&said("k", "once")).await.unwrap_err();
    assert!(error.maybe_done, "{error}");
    assert_eq!(bed.records.count("slack/work/tries"), 1);
    // Meanwhile the channel went on, over several pages.
    for n in 0..7 {
        bed.slack.deliver(&said(&format!("other {n}"), "other")).await.unwrap();
    }
    for bed in [&bed.again(), &bed] {
        let found = bed.slack.find(&at("C1"), &"k".into()).await.unwrap().unwrap();
        assert!(bed.world.inner().messages[&("C1".to_owned(), found.to_string())]["text"] == "once");
    }
    // No further back than the try began, give or take a little.
    let oldest: f64 = bed.world.calls("conversations.history")[0]["oldest"].as_str().unwrap().parse().unwrap();
    assert!((oldest - (1_793_620_800.0 - 120.0)).abs() < 1.0, "{oldest}");
}

#[tokio::test]
async fn what_was_not_posted_is_not_found_and_what_was_is_at_once() {
    let bed = Bed::new().await;
    bed.world.inner().page = 100;
    bed.world.answer("chat.postMessage", Answer::Raw(503, &[], ""));
    assert!(bed.slack.deliver(&said("lost", "x")).await.unwrap_err().maybe_done);
    assert_eq!(bed.slack.find(&at("C1"), &"lost".into()).await.unwrap(), None);
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(bed.slack.deliver(&said(&format!("k{n}"), "x")).await.unwrap());
        let found = bed.slack.find(&at("C1"), &format!("k{n}").as_str().into()).await.unwrap();
        assert_eq!(found.as_ref(), ids.last(), "right after posting");
    }
    // One look settles what it saw.
    bed.world.methods();
    assert_eq!(bed.slack.find(&at("C1"), &"k0".into()).await.unwrap().as_ref(), Some(&ids[0]));
    let read = bed.world.methods();
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(bed.slack.find(&at("C1"), &format!("k{n}").as_str().into()).await.unwrap().as_ref(), Some(id));
    }
    assert!(read.is_empty() && bed.world.methods().is_empty());
    for unknown in ["k", "K0", "%"] {
        assert_eq!(bed.slack.find(&at("C1"), &unknown.into()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn answers_in_a_thread_are_found_in_it() {
    let bed = Bed::new().await;
    let parent = bed.slack.deliver(&said("parent", "x")).await.unwrap();
    let mut to = at("C1");
    to.thread = Some(parent.as_str().into());
    let id = bed.slack.deliver(&Post { to: to.clone(), ..said("reply", "y") }).await.unwrap();
    assert_eq!(bed.slack.find(&to, &"reply".into()).await.unwrap(), Some(id));
    assert_eq!(bed.world.calls("conversations.replies").len(), 1);
    // A thread that is gone: what was said may stand in the channel.
    to.thread = Some("1.1".into());
    let id = bed.slack.deliver(&said("beside", "z")).await.unwrap();
    assert_eq!(bed.slack.find(&to, &"beside".into()).await.unwrap(), Some(id));
}

#[tokio::test]
async fn direct_messages_are_found_in_their_conversation() {
    let bed = Bed::new().await;
    let id = bed.slack.deliver(&Post { to: at("U1"), ..said("k", "x") }).await.unwrap();
    assert_eq!(bed.slack.find(&at("U1"), &"k".into()).await.unwrap(), Some(id));
}

#[tokio::test]
async fn where_the_bot_sees_nothing_it_enters_or_says_it_again() {
    let bed = Bed::new().await;
    assert_eq!(bed.slack.find(&at("C2"), &"k".into()).await.unwrap(), None);
    assert!(bed.world.inner().places["C2"].bot);
    assert_eq!(bed.slack.find(&at("C3"), &"k".into()).await.unwrap(), None);
    let missing = serde_json::json!({ "ok": false, "error": "missing_scope", "needed": "channels:history" });
    bed.world.answer("conversations.history", Answer::Json(missing));
    let error = bed.slack.find(&at("C1"), &"k".into()).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Denied && error.message.contains("channels:history"), "{error}");
}

#[tokio::test]
async fn old_notes_of_doubt_are_dropped() {
    let bed = Bed::new().await;
    for key in ["a", "b"] {
        bed.world.answer("chat.postMessage", Answer::Lost);
        assert!(bed.slack.deliver(&said(key, "x")).await.is_err());
        bed.clock.advance(Duration::from_hours(49));
    }
    assert_eq!(bed.records.count("slack/work/tries"), 1);
}
