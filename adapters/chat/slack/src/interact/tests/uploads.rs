//! Files that were shown without a command.

use super::{World, clicks};
use crate::click::Click;
use crate::parse::Kind;
use crate::parse::tests::fixture;
use bellhop_core::PortErrorKind;
use bellhop_core::ports::Said;
use serde_json::{Value, json};

const TS: &str = "1793620796.000700";

/// Makes the server know a file by its message: in the channel, in the thread, with the text.
fn shared(world: &World, channel: &str, thread: Option<&str>, text: &str) -> Value {
    let files = fixture("message_im_files")["event"]["files"].clone();
    let message = json!({ "type": "message", "ts": TS, "user": "U0ANN", "text": text, "files": [files[0], files[1]] });
    let mut share = json!({ "ts": TS });
    if let Some(thread) = thread {
        share["thread_ts"] = thread.into();
    }
    let mut file = files[0].clone();
    let kind = if channel.starts_with('D') { "private" } else { "public" };
    file["shares"] = json!({ kind: { channel: [share] } });
    world.api.answers("files.info", &[json!({ "ok": true, "file": file })]);
    let parent = json!({ "type": "message", "ts": thread, "text": "parent" });
    world.api.answers("conversations.history", &[json!({ "ok": true, "messages": [message] })]);
    world.api.answers("conversations.replies", &[json!({ "ok": true, "messages": [parent, message] })]);
    message
}

fn event(world: &World, channel: &str) -> Value {
    world.payload("file_shared", |payload| payload["event"]["channel_id"] = channel.into())
}

#[tokio::test]
async fn in_a_direct_conversation_it_is_stored() {
    let world = World::new().await;
    shared(&world, "D0ANN", None, "");
    assert_eq!(world.answer(Kind::Event, "file_shared").await.unwrap(), None);
    let heard = world.accepted();
    assert_eq!((heard[0].key.as_str(), &heard[0].said), (format!("msg:D0ANN:{TS}").as_str(), &Said::Line("file put".into())));
    // All files of the message, whichever of them was reported: the other reports have the same key.
    assert_eq!(heard[0].attachments.iter().map(|file| file.id.as_str()).collect::<Vec<_>>(), ["F0NOV", "F0PIC"]);
    let looked = &world.api.calls("conversations.history")[0];
    assert_eq!((&looked["channel"], &looked["latest"], &looked["inclusive"]), (&json!("D0ANN"), &json!(TS), &json!("true")));
    world.answer(Kind::Event, "file_shared").await.unwrap();
    assert!(world.accepted().is_empty(), "it is stored once");
}

#[tokio::test]
async fn in_a_thread_the_message_is_found_there() {
    let world = World::new().await;
    shared(&world, "D0ANN", Some("1793620000.000100"), "");
    world.answer(Kind::Event, "file_shared").await.unwrap();
    let heard = world.accepted();
    assert_eq!(heard[0].at.thread.as_ref().unwrap().as_str(), "1793620000.000100");
    assert_eq!(world.api.calls("conversations.replies")[0]["ts"], "1793620000.000100");
    assert!(world.api.calls("conversations.history").is_empty());
}

#[tokio::test]
async fn a_message_that_says_something_is_left_to_its_own_event() {
    let world = World::new().await;
    shared(&world, "D0ANN", None, "file put reports/");
    world.answer(Kind::Event, "file_shared").await.unwrap();
    assert!(world.accepted().is_empty());
}

#[tokio::test]
async fn slack_may_take_a_while_to_know_the_message() {
    let world = World::new().await;
    shared(&world, "D0ANN", None, "");
    let known = world.api.answers.lock().unwrap()["files.info"][0].clone();
    let mut early = known.clone();
    early["file"].as_object_mut().unwrap().remove("shares");
    world.api.answers("files.info", &[early.clone(), known]);
    world.answer(Kind::Event, "file_shared").await.unwrap();
    assert_eq!(world.accepted().len(), 1);
    // If it takes longer than Slack waits, it is asked to deliver the event again.
    world.api.answers("files.info", &[early]);
    let error = world.answer(Kind::Event, "file_shared").await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::TimedOut);
}

#[tokio::test]
async fn what_is_gone_is_left_and_what_fails_for_now_comes_again() {
    let world = World::new().await;
    for (code, again) in [("file_not_found", false), ("file_deleted", false), ("missing_scope", false), ("service_unavailable", true)] {
        world.api.answers("files.info", &[json!({ "ok": false, "error": code, "needed": "files:read" })]);
        assert_eq!(world.answer(Kind::Event, "file_shared").await.is_err(), again, "{code}");
    }
    shared(&world, "D0ANN", None, "");
    world.inbox.fail(true);
    assert!(world.answer(Kind::Event, "file_shared").await.is_err(), "what isn't kept is not acknowledged");
}

#[tokio::test]
async fn elsewhere_nothing_is_done_unless_told() {
    for (uploads, channel) in [("direct", "C0OPS"), ("ignore", "C0OPS"), ("ignore", "D0ANN")] {
        let world = World::with(uploads).await;
        shared(&world, channel, None, "");
        assert_eq!(world.answer_to(Kind::Event, &event(&world, channel)).await.unwrap(), None);
        assert_eq!(world.api.called(), Vec::<String>::new(), "{uploads} {channel}");
        assert!(world.accepted().is_empty());
    }
}

#[tokio::test]
async fn in_a_channel_the_uploader_may_be_asked() {
    let world = World::with("ask").await;
    shared(&world, "C0OPS", None, "look at this <!channel>");
    assert_eq!(world.answer_to(Kind::Event, &event(&world, "C0OPS")).await.unwrap(), None);
    let asked = world.call("chat.postEphemeral").await;
    assert_eq!((&asked["channel"], &asked["user"]), (&json!("C0OPS"), &json!("U0ANN")));
    assert!(world.accepted().is_empty());
    assert!(asked["text"].as_str().unwrap().contains("these 2 files"), "{asked}");
    let found = clicks(&asked["blocks"]);
    assert!(matches!(found.as_slice(), [Click::Kept(_)]), "{asked}");
    // The button stores the files of the message.
    let value = serde_json::to_string(&found[0]).unwrap();
    let clicked = world.payload("block_actions_button", |payload| payload["actions"][0]["value"] = value.into());
    world.answer_to(Kind::Interaction, &clicked).await.unwrap();
    let heard = world.accepted();
    assert_eq!(heard[0].said, Said::Line("file put".into()));
    assert_eq!(heard[0].attachments.iter().map(|file| file.id.as_str()).collect::<Vec<_>>(), ["F0NOV", "F0PIC"]);
}

#[tokio::test]
async fn nobody_is_asked_twice_or_about_a_command() {
    let world = World::with("ask").await;
    let origin =
        || match crate::parse::delivery(Kind::Event, &event(&world, "C0OPS"), &world.desk.name, bellhop_core::Clock::now(&*world.clock)) {
            Ok(crate::parse::Heard::Interact(interaction)) => interaction.origin,
            other => panic!("{other:?}"),
        };
    shared(&world, "C0OPS", None, "<@U0BELLHOP> file put reports/");
    super::super::upload::ask(world.desk.clone(), origin(), "F0NOV".into()).await;
    shared(&world, "C0OPS", None, "");
    // The second file of the same message.
    super::super::upload::ask(world.desk.clone(), origin(), "F0PIC".into()).await;
    assert!(world.api.calls("chat.postEphemeral").is_empty(), "{:?}", world.api.called());
    super::super::upload::ask(world.desk.clone(), origin(), "F0NOV".into()).await;
    assert_eq!(world.api.calls("chat.postEphemeral").len(), 1);
}

#[tokio::test]
async fn what_the_bot_uploads_is_left_even_if_slack_doesnt_say_who_it_is() {
    let world = World::with("ask").await;
    for channel in ["D0ANN", "C0OPS"] {
        shared(&world, channel, None, "");
        let mut payload = event(&world, channel);
        payload["authorizations"] = Value::Null;
        payload["event"]["user_id"] = "U0BELLHOP".into();
        world.answer_to(Kind::Event, &payload).await.unwrap();
    }
    let known = async || (!world.api.calls("auth.test").is_empty()).then_some(());
    bellhop_kit::wait::until(super::SOON, "the bot's own name", known).await;
    assert!(world.accepted().is_empty() && world.api.calls("files.info").is_empty(), "{:?}", world.api.called());
}

#[tokio::test]
async fn a_hostile_name_mentions_nobody() {
    let world = World::with("ask").await;
    let message = shared(&world, "C0OPS", None, "");
    let mut message = message;
    message["files"] = json!([{ "id": "F0NOV", "name": "`<!channel>` & co" }]);
    world.api.answers("conversations.history", &[json!({ "ok": true, "messages": [message] })]);
    world.answer_to(Kind::Event, &event(&world, "C0OPS")).await.unwrap();
    let asked = world.call("chat.postEphemeral").await;
    assert_eq!(asked["text"], "Shall I keep `'&lt;!channel&gt;' &amp; co` in the storage?");
    assert_eq!(asked["blocks"][0]["text"]["text"], asked["text"]);
}

#[tokio::test]
async fn where_the_bot_may_not_speak_the_question_comes_directly() {
    let world = World::with("ask").await;
    shared(&world, "C0OPS", None, "");
    world.api.answers("chat.postEphemeral", &[json!({ "ok": false, "error": "not_in_channel" })]);
    world.answer_to(Kind::Event, &event(&world, "C0OPS")).await.unwrap();
    let asked = world.call("chat.postMessage").await;
    assert_eq!((&asked["channel"], asked.get("thread_ts")), (&json!("U0ANN"), None));
}
