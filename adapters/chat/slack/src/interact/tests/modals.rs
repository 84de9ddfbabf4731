//! Modals, and what is said where they can't be opened.

use super::{World, block_ids, clicks, meta};
use crate::click::Click;
use crate::parse::Kind;
use bellhop_core::clock::Clock as _;
use bellhop_core::form::Answers;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_button_opens_the_form_of_its_command() {
    let world = World::new().await;
    assert_eq!(world.answer(Kind::Interaction, "block_actions_home").await.unwrap(), None);
    let opened = world.call("views.open").await;
    assert_eq!(opened["trigger_id"], "8200000000.4815162342.deadbeefdeadbeefdeadbeefdeadbeef");
    let view = &opened["view"];
    assert_eq!((&view["type"], &view["callback_id"]), (&json!("modal"), &json!("form")));
    // Opened from the person's own page it asks where the answer goes.
    let ids = block_ids(view);
    assert!(["arg:name", "arg:minutes", "arg:colour", "where"].iter().all(|id| ids.contains(id)), "{ids:?}");
    assert_eq!(meta(view), json!({ "command": "file share" }));
    assert!(view.to_string().contains("a.txt"), "what is known is filled in");
    assert!(world.accepted().is_empty(), "nothing is run before the form is submitted");
}

#[tokio::test]
async fn a_line_is_completed_where_it_was_clicked() {
    let world = World::new().await;
    world.answer(Kind::Interaction, "block_actions_select_ephemeral").await.unwrap();
    let view = world.call("views.open").await["view"].take();
    assert_eq!(view["callback_id"], "line");
    let ids = block_ids(&view);
    assert!(ids.contains(&"line") && !ids.contains(&"where"), "{ids:?}");
    let url = format!("{}/hooks/1", world.url);
    assert_eq!(meta(&view), json!({ "channel": "C0OPS", "response_url": [url, 1_793_620_800] }));
    assert!(view.to_string().contains("file get a.txt"));
}

#[tokio::test]
async fn shortcuts_open_their_modals() {
    let world = World::new().await;
    for (name, callback, block) in
        [("shortcut_run_command", "line", "line"), ("shortcut_raise_alert", "form", "arg:name"), ("shortcut_save_file", "save", "files")]
    {
        world.api.calls.lock().unwrap().clear();
        world.answer(Kind::Interaction, name).await.unwrap();
        let view = world.call("views.open").await["view"].take();
        let ids = block_ids(&view);
        assert_eq!(view["callback_id"], callback, "{name}");
        assert!(ids.contains(&block) && ids.contains(&"where"), "{name}: {ids:?}");
    }
}

#[tokio::test]
async fn a_message_fills_the_alert_in() {
    let world = World::new().await;
    world
        .api
        .answers("chat.getPermalink", &[json!({ "ok": true, "permalink": "https://work.slack.com/archives/C0OPS/p1793620620000300" })]);
    world.answer(Kind::Interaction, "message_action_alert").await.unwrap();
    let view = world.call("views.open").await["view"].take();
    assert_eq!(world.api.calls("chat.getPermalink"), [json!({ "channel": "C0OPS", "message_ts": "1793620620.000300" })]);
    let shown = view.to_string();
    assert!(
        shown.contains("Disk full on db1")
            && shown.contains("97 % of /var")
            && shown.contains("https://work.slack.com/archives/C0OPS/p1793620620000300"),
        "{shown}"
    );
    assert_eq!((&meta(&view)["command"], &meta(&view)["channel"]), (&json!("alert raise"), &json!("C0OPS")));
    // Without the address the form opens all the same.
    world.api.calls.lock().unwrap().clear();
    world.api.answers("chat.getPermalink", &[json!({ "ok": false, "error": "message_not_found" })]);
    world.answer(Kind::Interaction, "message_action_alert").await.unwrap();
    assert!(world.call("views.open").await["view"].to_string().contains("Disk full on db1"));
}

#[tokio::test]
async fn what_came_too_late_can_be_tried_again() {
    let world = World::new().await;
    world.api.answers("views.open", &[json!({ "ok": false, "error": "expired_trigger_id" })]);
    world.answer(Kind::Interaction, "block_actions_select_ephemeral").await.unwrap();
    let told = world.call("response_url").await;
    assert_eq!((&told["response_type"], &told["replace_original"]), (&json!("ephemeral"), &json!(false)));
    assert!(told["text"].as_str().unwrap().contains("try again"), "{told}");
    assert_eq!(clicks(&told["blocks"]), [Click::Prefill("file get a.txt".into())]);
    assert!(world.api.calls("chat.postEphemeral").is_empty());
}

#[tokio::test]
async fn three_seconds_are_not_overrun() {
    let world = World::new().await;
    let payload = world.payload("block_actions_home", |_| ());
    let heard = crate::parse::delivery(Kind::Interaction, &payload, &world.desk.name, world.clock.now()).unwrap();
    let crate::parse::Heard::Interact(interaction) = heard else { panic!("it opens a form") };
    world.clock.advance(Duration::from_secs(3));
    super::answer(&world.desk, *interaction).await.unwrap();
    // Nobody else is in a person's own conversation.
    let told = world.call("chat.postMessage").await;
    assert_eq!(told["channel"], "U0ANN");
    let answers = Answers::from([("name".to_owned(), vec!["a.txt".to_owned()])]);
    assert_eq!(clicks(&told["blocks"]), [Click::Form { command: "file share".into(), answers }]);
    assert!(world.api.calls("views.open").is_empty(), "a trigger that is over is not tried");
}

#[tokio::test]
async fn a_used_up_address_is_replaced_by_the_token() {
    let world = World::new().await;
    *world.api.gone.lock().unwrap() = true;
    world.api.answers("views.open", &[json!({ "ok": false, "error": "exchanged_trigger_id" })]);
    world.answer(Kind::Interaction, "block_actions_select_ephemeral").await.unwrap();
    let told = world.call("chat.postEphemeral").await;
    assert_eq!((&told["channel"], &told["user"]), (&json!("C0OPS"), &json!("U0ANN")));
    assert_eq!(world.api.calls("response_url").len(), 1);
}

#[tokio::test]
async fn nothing_is_sent_to_addresses_that_are_not_slacks() {
    let world = World::new().await;
    world.api.answers("views.open", &[json!({ "ok": false, "error": "expired_trigger_id" })]);
    let elsewhere = "http://127.0.0.1:9/steal";
    let payload = world.payload("block_actions_select_ephemeral", |payload| payload["response_url"] = elsewhere.into());
    world.answer_to(Kind::Interaction, &payload).await.unwrap();
    assert_eq!(world.call("chat.postEphemeral").await["user"], "U0ANN");
}

#[tokio::test]
async fn a_command_that_is_gone_is_said() {
    let world = World::new().await;
    let value = serde_json::to_string(&Click::Form { command: "moon fetch".into(), answers: Answers::new() }).unwrap();
    let payload =
        world.payload("block_actions_select_ephemeral", |payload| payload["actions"][0]["selected_option"]["value"] = value.into());
    world.answer_to(Kind::Interaction, &payload).await.unwrap();
    assert!(world.call("response_url").await["text"].as_str().unwrap().contains("moon fetch"));
    assert!(world.api.calls("views.open").is_empty());
}

#[tokio::test]
async fn long_clicks_are_read_back() {
    let world = World::new().await;
    let payload = |key: &str| {
        let value = serde_json::to_string(&Click::Kept(key.into())).unwrap();
        world.payload("block_actions_button", |payload| payload["actions"][0]["value"] = value.into())
    };
    let invoke = bellhop_core::Invoke { command: "file put".into(), args: json!({ "name": "x".repeat(3000) }) };
    world.keep("long", &Click::Invoke(invoke.clone())).await;
    assert_eq!(world.answer_to(Kind::Interaction, &payload("long")).await.unwrap(), None);
    let heard = world.accepted();
    assert_eq!(heard[0].said, bellhop_core::ports::Said::Invoke(invoke));
    assert_eq!((heard.len(), heard[0].key.as_str()), (1, "act:8200000000.4815162342.deadbeefdeadbeefdeadbeefdeadbeef"));
    world.keep("form", &Click::Form { command: "file share".into(), answers: Answers::new() }).await;
    world.answer_to(Kind::Interaction, &payload("form")).await.unwrap();
    assert_eq!(world.call("views.open").await["view"]["callback_id"], "form");
    // What is no longer kept is said.
    world.answer_to(Kind::Interaction, &payload("gone")).await.unwrap();
    assert!(world.call("response_url").await["text"].as_str().unwrap().contains("too old"));
    assert_eq!(world.accepted().len(), 0);
    // Where the inbox can't keep it, Slack isn't told that it arrived.
    world.inbox.fail(true);
    assert!(world.answer_to(Kind::Interaction, &payload("long")).await.is_err());
}
