//! Changing and removing.

use crate::handle::ReplyTo;
use crate::testbed::{Answer, Bed, at, person, said};
use bellhop_core::call::Audience;
use bellhop_core::card::{Block, Progress};
use bellhop_core::ports::{ChatPlatform as _, Post};
use bellhop_core::{Card, PortErrorKind};
use serde_json::json;
use std::time::Duration;

fn progress() -> Card {
    Card::titled("Working").block(Block::Progress(Progress::items("x", 1, Some(2))))
}

#[tokio::test]
async fn a_message_is_changed_in_place_and_keeps_its_key() {
    let bed = Bed::new().await;
    let id = bed.slack.deliver(&said("k", "old")).await.unwrap();
    let long = format!("new {}", "x".repeat(5000));
    for _ in 0..2 {
        bed.slack.revise(&id, &said("k2", &long)).await.unwrap();
    }
    let sent = bed.world.calls("chat.update").remove(0);
    assert!(sent.get("metadata").is_none() && sent["text"].as_str().unwrap().chars().count() <= 4000);
    assert!(sent["text"].as_str().unwrap().starts_with("new "));
    assert_eq!(bed.slack.find(&at("C1"), &"k".into()).await.unwrap(), Some(id));
}

#[tokio::test]
async fn a_direct_message_is_changed_in_its_conversation() {
    let bed = Bed::new().await;
    let direct = Post { to: at("U1"), ..said("k", "old") };
    let id = bed.slack.deliver(&direct).await.unwrap();
    assert!(id.as_str().starts_with("D1:"), "{id}");
    bed.slack.revise(&id, &Post { card: Card::text("new"), ..direct.clone() }).await.unwrap();
    assert_eq!(bed.world.texts("D1"), ["new"]);
    // An id without the conversation, as an address of a person's id may have it.
    let ts = id.as_str().split_once(':').unwrap().1;
    bed.slack.revise(&ts.into(), &Post { card: Card::text("newer"), ..direct }).await.unwrap();
    assert_eq!(bed.world.texts("D1"), ["newer"]);
    bed.slack.retract(&at("U1"), &id).await.unwrap();
    assert!(bed.world.texts("D1").is_empty());
}

#[tokio::test]
async fn what_cannot_be_changed_is_to_be_said_anew() {
    let bed = Bed::new().await;
    let id = bed.slack.deliver(&said("k", "old")).await.unwrap();
    for code in ["message_not_found", "cant_update_message", "edit_window_closed"] {
        bed.world.answer("chat.update", Answer::Refuse(code));
        assert_eq!(bed.slack.revise(&id, &said("k", "new")).await.unwrap_err().kind, PortErrorKind::NotFound, "{code}");
    }
    for id in ["999999999", "e:1.1", "v:V1", "f:F1", "n:000-ab", "r:000000000000-ab", "s:Q1", "nonsense:"] {
        let error = bed.slack.revise(&id.into(), &said("k", "new")).await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::NotFound, "{id}");
    }
    // Saying anew how far a thing is would fill the channel.
    for id in ["e:1.1", "n:000-ab", "r:000000000000-ab"] {
        bed.slack.revise(&id.into(), &Post { card: progress(), ..said("k", "") }).await.unwrap();
    }
    bed.world.answer("chat.update", Answer::Refuse("invalid_blocks"));
    bed.slack.revise(&id, &said("k", "plain")).await.unwrap();
    assert_eq!(bed.world.texts("C1"), ["plain"]);
}

#[tokio::test]
async fn what_took_the_place_of_a_clicked_message_is_changed_while_uses_remain() {
    let bed = Bed::new().await;
    let reply = ReplyTo { ephemeral: true, ..bed.reply() };
    let post = Post { audience: Audience::Caller, answers: Some(person("U1")), reply: Some(reply.handle()), ..said("k", "one") };
    let id = bed.slack.deliver(&post).await.unwrap();
    let step = Post { card: progress(), ..post.clone() };
    for _ in 0..10 {
        bed.slack.revise(&id, &step).await.unwrap();
    }
    assert_eq!(bed.world.calls("respond/1").len(), 4, "progress left no use to the answer");
    bed.slack.revise(&id, &post).await.unwrap();
    let last = bed.world.calls("respond/1").pop().unwrap();
    assert_eq!((&last["replace_original"], &last["text"]), (&json!(true), &json!("one")));
    assert_eq!(bed.slack.revise(&id, &post).await.unwrap_err().kind, PortErrorKind::NotFound);
    bed.slack.revise(&id, &step).await.unwrap();
    assert_eq!(bed.world.calls("respond/1").len(), 5);
}

#[tokio::test]
async fn removing_what_is_gone_is_fine() {
    let bed = Bed::new().await;
    let id = bed.slack.deliver(&said("k", "goes")).await.unwrap();
    for _ in 0..2 {
        bed.slack.retract(&at("C1"), &id).await.unwrap();
    }
    assert!(bed.world.texts("C1").is_empty());
    for id in ["999999999", "e:1.1", "v:V1", "f:F9", "n:000-ab", "r:000000000000-ab", "s:Q1"] {
        bed.slack.retract(&at("C1"), &id.into()).await.unwrap();
    }
    bed.world.answer("chat.delete", Answer::Refuse("cant_delete_message"));
    assert!(bed.slack.retract(&at("C1"), &id).await.is_err());
    // The one that took a clicked message's place goes by its address.
    let reply = ReplyTo { ephemeral: true, ..bed.reply() };
    let post = Post { audience: Audience::Caller, answers: Some(person("U1")), reply: Some(reply.handle()), ..said("k", "one") };
    let id = bed.slack.deliver(&post).await.unwrap();
    bed.slack.retract(&at("C1"), &id).await.unwrap();
    assert_eq!(bed.world.calls("respond/1").pop().unwrap(), json!({ "delete_original": true }));
    bed.clock.advance(Duration::from_mins(31));
    bed.slack.retract(&at("C1"), &id).await.unwrap();
    assert_eq!(bed.world.calls("respond/1").len(), 2);
}
