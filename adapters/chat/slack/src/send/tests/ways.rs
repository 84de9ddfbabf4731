//! By which way a message reaches whom it is for.

use crate::click::{Click, ViewMeta, collection};
use crate::handle::ReplyTo;
use crate::testbed::{Answer, Bed, at, person, said};
use bellhop_core::call::{Audience, Invoke};
use bellhop_core::card::{Action, Block, Progress};
use bellhop_core::form::Form;
use bellhop_core::ports::{ChatPlatform as _, Post, Records as _};
use bellhop_core::{Address, Card, PortErrorKind};
use serde_json::{Value, json};
use std::time::Duration;

fn private(to: Address, reply: &ReplyTo) -> Post {
    Post { to, audience: Audience::Caller, answers: Some(person("U1")), reply: Some(reply.handle()), ..said("k", "for you") }
}

#[tokio::test]
async fn a_message_carries_its_key_and_unfurls_nothing() {
    let bed = Bed::new().await;
    let mut post = said("key 'x\" %_", "a < b <!channel>");
    post.to.thread = Some("1700000000.000001".into());
    let id = bed.slack.deliver(&post).await.unwrap();
    let sent = bed.world.calls("chat.postMessage").remove(0);
    assert_eq!(sent["metadata"], json!({ "event_type": "bellhop_delivery", "event_payload": { "delivery_id": "key 'x\" %_" } }));
    assert_eq!(
        (&sent["thread_ts"], &sent["unfurl_links"], &sent["unfurl_media"]),
        (&json!("1700000000.000001"), &json!("false"), &json!("false"))
    );
    assert!(sent["text"].as_str().unwrap().contains("a &lt; b &lt;!channel&gt;"), "{sent}");
    assert!(sent.get("link_names").is_none() && sent.get("parse").is_none());
    assert!(bed.world.inner().messages.contains_key(&("C1".to_owned(), id.to_string())));
}

#[tokio::test]
async fn a_thread_that_is_gone_is_answered_in_the_channel() {
    let bed = Bed::new().await;
    bed.world.answer("chat.postMessage", Answer::Refuse("cannot_reply_to_message"));
    let mut post = said("k", "text");
    post.to.thread = Some("1.1".into());
    bed.slack.deliver(&post).await.unwrap();
    let calls = bed.world.calls("chat.postMessage");
    assert!(calls.len() == 2 && calls[1].get("thread_ts").is_none());
}

#[tokio::test]
async fn where_the_bot_is_no_member_the_response_address_answers() {
    let bed = Bed::new().await;
    let post = |channel: &str, n: u32| Post {
        to: at(channel),
        answers: Some(person("U1")),
        reply: Some(bed.reply().handle()),
        ..said(&format!("k{n}"), "here")
    };
    for n in 0..5 {
        bed.slack.deliver(&post("C3", n)).await.unwrap();
    }
    let sent = bed.world.calls("respond/1");
    assert_eq!(sent.len(), 5);
    assert_eq!((&sent[0]["response_type"], &sent[0]["replace_original"]), (&json!("in_channel"), &json!(false)));
    assert_eq!(sent[0]["metadata"]["event_payload"]["delivery_id"], "k0");
    // Used up: a private channel can't be entered, so the person is told directly, and why. The count outlives a restart.
    let id = bed.again().slack.deliver(&post("C3", 5)).await.unwrap();
    assert!(id.as_str().starts_with("D1:"), "{id}");
    assert_eq!(bed.world.calls("respond/1").len(), 5);
    let told = bed.world.texts("D1").remove(0);
    assert!(
        told.contains("not a member of <#C3>") && told.contains("/invite") && told.contains("<@UBOT>") && told.contains("here"),
        "{told}"
    );
    // A public one can be entered.
    let id = bed.slack.deliver(&post("C2", 6)).await.unwrap();
    assert_eq!((bed.world.texts("C2"), id.as_str().contains(':')), (vec!["here".to_owned()], false));
}

#[tokio::test]
async fn an_expired_response_address_is_not_used() {
    let bed = Bed::new().await;
    let post = Post { to: at("C2"), reply: Some(bed.reply().handle()), answers: Some(person("U1")), ..said("k", "late") };
    bed.clock.advance(Duration::from_mins(30));
    bed.slack.deliver(&post).await.unwrap();
    assert_eq!((bed.world.calls("respond/1").len(), bed.world.texts("C2").len()), (0, 1));
    // Slack may say so earlier.
    let early = Post { to: at("C3"), reply: Some(bed.reply().handle()), ..post.clone() };
    bed.world.answer("respond", Answer::Raw(404, &[], "expired_url"));
    assert!(bed.slack.deliver(&early).await.unwrap().as_str().starts_with("D1:"));
    assert!(bed.slack.deliver(&early).await.unwrap().as_str().starts_with("D1:"));
    assert_eq!(bed.world.calls("respond/1").len(), 1, "an address that has expired is asked once");
}

#[tokio::test]
async fn without_anyone_to_tell_the_refusal_stands() {
    let bed = Bed::new().await;
    for channel in ["C3", "C9"] {
        let error = bed.slack.deliver(&Post { to: at(channel), ..said("k", "x") }).await.unwrap_err();
        assert_eq!((error.kind, error.retry, error.maybe_done), (PortErrorKind::NotFound, bellhop_core::Retry::No, false), "{error}");
        assert!(error.message.contains("/invite"), "{error}");
    }
}

#[tokio::test]
async fn what_passes_does_not_send_anyone_elsewhere() {
    let bed = Bed::new().await;
    bed.world.answer("conversations.join", Answer::Raw(503, &[], ""));
    let error = bed.slack.deliver(&Post { to: at("C2"), answers: Some(person("U1")), ..said("k", "x") }).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Unavailable);
    assert!(!error.maybe_done && bed.world.texts("D1").is_empty());
}

#[tokio::test]
async fn private_answers_are_seen_by_one() {
    let bed = Bed::new().await;
    // By the response address first.
    let id = bed.slack.deliver(&private(at("C1"), &bed.reply())).await.unwrap();
    assert!(id.as_str().starts_with("n:"), "{id}");
    assert!(!id.as_str().contains("respond"), "an id tells the address: {id}");
    assert_eq!(bed.world.calls("respond/1")[0]["response_type"], "ephemeral");
    // Without one, by the method; in a thread too, since the address doesn't know it.
    bed.world.methods();
    let mut threaded = private(at("C1"), &bed.reply());
    threaded.to.thread = Some("1.1".into());
    for post in [private(at("C1"), &ReplyTo::default()), threaded] {
        let id = bed.slack.deliver(&post).await.unwrap();
        assert!(id.as_str().starts_with("e:"), "{id}");
        let sent = bed.world.calls("chat.postEphemeral").pop().unwrap();
        assert_eq!(
            (&sent["user"], sent.get("thread_ts").map(Value::as_str)),
            (&json!("U1"), post.to.thread.as_ref().map(|t| Some(t.as_str())))
        );
    }
    // A person who isn't there, and a channel where the bot isn't.
    let mut away = private(at("C1"), &ReplyTo::default());
    away.answers = Some(person("U2"));
    assert!(bed.slack.deliver(&away).await.unwrap().as_str().starts_with("D2:"));
    assert!(bed.world.texts("D2")[0].contains("You are not in <#C1>"));
    assert!(bed.slack.deliver(&private(at("C2"), &ReplyTo::default())).await.unwrap().as_str().starts_with("D1:"));
    assert!(bed.world.texts("C1").is_empty() && bed.world.texts("C2").is_empty());
    // Where there are two anyway it is an ordinary message.
    for (to, id) in [("D1", false), ("U1", true)] {
        let posted = bed.slack.deliver(&private(at(to), &ReplyTo::default())).await.unwrap();
        assert_eq!(posted.as_str().starts_with("D1:"), id, "{posted}");
    }
    assert_eq!(bed.world.texts("D1").len(), 3);
}

#[tokio::test]
async fn an_answer_to_a_click_takes_the_place_of_what_was_clicked_once() {
    let bed = Bed::new().await;
    let click = ReplyTo { ephemeral: true, message_ts: Some("1.1".into()), ..bed.reply() };
    let first = private(at("C1"), &click);
    let id = bed.slack.deliver(&first).await.unwrap();
    assert!(id.as_str().starts_with("r:"), "{id}");
    // What goes on from it doesn't overwrite it; trying the first again does no harm.
    let on = Post { key: "k.1".into(), ..first.clone() };
    assert!(bed.slack.deliver(&on).await.unwrap().as_str().starts_with("n:"));
    assert_eq!(bed.slack.deliver(&first).await.unwrap(), id);
    let sent: Vec<Value> = bed.world.calls("respond/1").iter().map(|sent| sent["replace_original"].clone()).collect();
    assert_eq!(sent, [json!(true), json!(false), json!(true)]);
    // An answer for all stands in the channel, and what was clicked goes.
    let all = Post {
        audience: Audience::Everyone,
        key: "all".into(),
        reply: Some(ReplyTo { response_url: Some(format!("{}/respond/2", bed.world.url)), ..click }.handle()),
        ..first
    };
    bed.slack.deliver(&all).await.unwrap();
    assert_eq!((bed.world.texts("C1").len(), bed.world.calls("respond/2")), (1, vec![json!({ "delete_original": true })]));
}

#[tokio::test]
async fn where_the_clicked_message_is_gone_the_answer_comes_anew() {
    let bed = Bed::new().await;
    let click = ReplyTo { ephemeral: true, ..bed.reply() };
    for code in ["message_not_found", "no_original_message"] {
        bed.world.answer("respond", Answer::Json(json!({ "ok": false, "error": code })));
        assert!(bed.slack.deliver(&private(at("C1"), &click)).await.unwrap().as_str().starts_with("e:"), "{code}");
    }
    assert_eq!(bed.world.calls("chat.postEphemeral").len(), 2);
}

fn form() -> Card {
    let form = Form { command: "file get".into(), submit: "Get it".into(), inputs: Vec::new() };
    Card::titled("Which file?").block(Block::Form(form))
}

#[tokio::test]
async fn a_form_opens_where_the_click_is_fresh() {
    let bed = Bed::new().await;
    let reply = ReplyTo { trigger_id: Some("t1".into()), ..bed.reply() };
    let mut post = Post { card: form(), reply: Some(reply.handle()), ..said("k", "") };
    post.to.thread = Some("1.1".into());
    assert_eq!(bed.slack.deliver(&post).await.unwrap().as_str(), "v:V1");
    let sent = bed.world.calls("views.open").remove(0);
    assert_eq!((&sent["trigger_id"], &sent["view"]["title"]["text"]), (&json!("t1"), &json!("Which file?")));
    let meta: ViewMeta = serde_json::from_str(sent["view"]["private_metadata"].as_str().unwrap()).unwrap();
    assert_eq!((meta.command.as_str(), meta.channel.as_str(), meta.thread.as_deref()), ("file get", "C1", Some("1.1")));
    assert_eq!(meta.response_url, Some((reply.response_url.unwrap(), reply.received.unwrap().timestamp())));
    assert!(bed.world.texts("C1").is_empty());
    // Used, too late, or refused for another reason: the card with its button comes.
    for code in ["expired_trigger_id", "exchanged_trigger_id", "view_too_large"] {
        bed.world.answer("views.open", Answer::Refuse(code));
        assert!(!bed.slack.deliver(&post).await.unwrap().as_str().starts_with("v:"), "{code}");
    }
    assert_eq!(bed.world.calls("views.open").len(), 4);
    bed.clock.advance(Duration::from_millis(2501));
    bed.slack.deliver(&post).await.unwrap();
    assert_eq!((bed.world.calls("views.open").len(), bed.world.texts("C1").len()), (4, 4));
}

#[tokio::test]
async fn what_slack_refuses_to_draw_is_said_plainer() {
    let bed = Bed::new().await;
    for (refusals, blocks) in [(1, true), (2, false)] {
        for _ in 0..refusals {
            bed.world.answer(
                "chat.postMessage",
                Answer::Json(json!({ "ok": false, "error": "invalid_blocks", "response_metadata": { "messages": ["[ERROR] no"] } })),
            );
        }
        bed.slack.deliver(&said("k", "kept")).await.unwrap();
        let sent = bed.world.calls("chat.postMessage").pop().unwrap();
        assert_eq!((sent["text"].as_str(), sent.get("blocks").is_some()), (Some("kept"), blocks));
    }
    // By a response address as well.
    bed.world.answer("respond", Answer::Refuse("invalid_blocks"));
    bed.slack.deliver(&private(at("C1"), &bed.reply())).await.unwrap();
    assert_eq!(bed.world.calls("respond/1").len(), 2);
}

#[tokio::test]
async fn clicks_are_kept_before_the_message_that_needs_them() {
    let bed = Bed::new().await;
    let invoke = Invoke { command: "file put".into(), args: json!({ "name": "x".repeat(3000) }) };
    let card = Card::text("x").and_actions(vec![Action::invoke("Put", invoke.clone())]);
    bed.slack.deliver(&Post { card, ..said("k", "") }).await.unwrap();
    let sent = bed.world.calls("chat.postMessage").remove(0);
    let value = sent["blocks"][1]["elements"][0]["value"].as_str().unwrap().to_owned();
    let Some(Click::Kept(key)) = Click::read(&value) else { panic!("{value}") };
    let kept = bed.records.get(&collection("work"), &key).await.unwrap().unwrap();
    assert_eq!(serde_json::from_value::<Click>(kept).unwrap(), Click::Invoke(invoke));
}

#[tokio::test]
async fn progress_leaves_the_last_use_to_the_answer() {
    let bed = Bed::new().await;
    let progress =
        Card::titled("Working").block(Block::Progress(Progress::items("x", 1, Some(2))));
    let post = |key: &str, card: Card| Post {
        to: at("C3"),
        answers: Some(person("U1")),
        reply: Some(bed.reply().handle()),
        card,
        ..said(key, "")
    };
    for n in 0..4 {
        bed.slack.deliver(&post(&format!("p{n}"), progress.clone())).await.unwrap();
    }
    assert!(bed.slack.deliver(&post("p5", progress)).await.unwrap().as_str().starts_with("D1:"));
    assert!(bed.slack.deliver(&post("k", Card::text("done"))).await.unwrap().as_str().starts_with("n:"));
    assert_eq!(bed.world.calls("respond/1").len(), 5);
}

#[tokio::test]
async fn a_use_that_never_arrived_is_free_again_and_old_addresses_are_dropped() {
    let bed = Bed::new().await;
    bed.world.answer("respond", Answer::Raw(429, &[("retry-after", "1")], ""));
    let post = private(at("C1"), &bed.reply());
    assert_eq!(bed.slack.deliver(&post).await.unwrap_err().kind, PortErrorKind::RateLimited);
    bed.clock.advance(Duration::from_secs(1));
    bed.world.methods();
    for n in 0..6 {
        bed.slack.deliver(&Post { key: format!("k{n}").into(), ..post.clone() }).await.unwrap();
    }
    assert_eq!((bed.world.calls("respond/1").len(), bed.world.calls("chat.postEphemeral").len()), (5, 1));
    bed.clock.advance(Duration::from_mins(31));
    let later = private(at("C1"), &ReplyTo { response_url: Some(format!("{}/respond/2", bed.world.url)), ..bed.reply() });
    bed.slack.deliver(&later).await.unwrap();
    assert_eq!(bed.records.count("slack/work/responses"), 1);
}
