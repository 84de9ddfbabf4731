//! The Slack world by itself, without any client of Slack's: the Web API, signed deliveries, a person's eyes and hands.
#![expect(clippy::unwrap_used, reason = "what a test needs and doesn't get fails it")]

mod slack {
    pub mod bot;
    mod happenings;
    mod sockets;
}

use bellhop_kit::slack::{Behaviour, Forgery, Kind, Settings, SlackWorld, Submitted};
use bellhop_kit::wait::until;
use serde_json::{Value, json};
use slack::bot::Bot;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_message_is_posted_seen_changed_and_taken_back() {
    let world = SlackWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let bot = Bot::of(&world);
    let ops = world.channel("ops");
    let ann = world.person("ann");
    let blocks = json!([
        { "type": "section", "text": { "type": "mrkdwn", "text": format!("*Hi* <@{}> &lt;b&gt; `x*y*`", ann.id) } },
        { "type": "actions", "elements": [
            { "type": "button", "action_id": "b0", "text": { "type": "plain_text", "text": "Ack" }, "value": "v" },
            { "type": "button", "action_id": "b1", "text": { "type": "plain_text", "text": "Open" }, "url": "https://x.example/" },
        ] },
    ]);
    let metadata = json!({ "event_type": "delivery", "event_payload": { "key": "d1" } });
    let posted = bot.call("chat.postMessage", &json!({ "channel": ops, "text": "Hi", "blocks": blocks, "metadata": metadata })).await;
    assert_eq!(posted["ok"], true, "{posted}");
    let seen = ann.sees("#ops").pop().unwrap();
    assert_eq!(seen.text, "Hi @ann <b> x*y*\nAck\nOpen");
    assert_eq!(
        (seen.buttons.as_slice(), seen.links.as_slice()),
        (["Ack".to_owned(), "Open".to_owned()].as_slice(), ["https://x.example/".to_owned()].as_slice())
    );
    assert_eq!(seen.notified, [ann.id.as_str()]);
    assert_eq!(ann.notifications().len(), 1);
    assert_eq!(world.ledger().copies_of("d1"), 1);
    let history = bot.get("conversations.history", &json!({ "channel": ops, "include_all_metadata": true })).await;
    assert_eq!(history["messages"][0]["metadata"], metadata);
    let changed = bot.call("chat.update", &json!({ "channel": ops, "ts": seen.ts, "text": "a & b <!channel>" })).await;
    assert_eq!(changed["text"], "a &amp; b <!channel>");
    let seen = ann.sees("#ops").pop().unwrap();
    assert_eq!((seen.text.as_str(), seen.edited, seen.buttons.len()), ("a & b @channel", true, 0));
    bot.call("chat.delete", &json!({ "channel": ops, "ts": seen.ts })).await;
    assert!(ann.sees("#ops").is_empty());
    assert_eq!(bot.call("chat.delete", &json!({ "channel": ops, "ts": seen.ts })).await["error"], "message_not_found");
}

#[tokio::test]
async fn what_slack_refuses_is_refused() {
    let world = SlackWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let bot = Bot::of(&world);
    let (ops, hidden, old) = (world.channel("ops"), world.channel("hidden"), world.channel("old"));
    let post = |channel: &str, more: Value| {
        let mut args = json!({ "channel": channel });
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        args
    };
    let text = || json!({ "text": "x" });
    let long = "x".repeat(3001);
    for (args, error) in [
        (post(&hidden, text()), "channel_not_found"),
        (post("C0NONE", text()), "channel_not_found"),
        (post("#ops", text()), "channel_not_found"),
        (post(&old, text()), "is_archived"),
        (post(&ops, json!({})), "no_text"),
        (post(&ops, json!({ "blocks": "x" })), "invalid_blocks_format"),
        (post(&ops, json!({ "blocks": [{ "type": "fancy" }] })), "invalid_blocks"),
        (post(&ops, json!({ "blocks": [{ "type": "section", "text": { "type": "mrkdwn", "text": long } }] })), "invalid_blocks"),
        (post(&ops, json!({ "text": "x", "metadata": { "event_type": "x" } })), "invalid_metadata_format"),
        (post(&ops, json!({ "text": "x", "thread_ts": "1.1" })), "cannot_reply_to_message"),
    ] {
        let answer = bot.call("chat.postMessage", &args).await;
        assert_eq!(answer["error"], error, "{args}: {answer}");
    }
    let answer = bot.call("chat.postMessage", &post(&ops, json!({ "blocks": [{ "type": "fancy" }] }))).await;
    let said = answer["response_metadata"]["messages"][0].as_str().unwrap();
    assert!(said.contains("unsupported type: fancy") && said.contains("/blocks/0/type"), "{said}");
    world.revoke_scopes(&["chat:write"]);
    let answer = bot.call("chat.postMessage", &post(&ops, text())).await;
    assert_eq!((&answer["error"], &answer["needed"]), (&json!("missing_scope"), &json!("chat:write")));
    let mut stranger = Bot::of(&world);
    stranger.token = "xoxb-no".into();
    assert_eq!(stranger.call("auth.test", &json!({})).await["error"], "invalid_auth");
}

#[tokio::test]
async fn limits_hold_and_early_calls_are_counted() {
    let world = SlackWorld::start().await.unwrap();
    let bot = Bot::of(&world);
    let args = json!({ "channel": world.channel("ops"), "text": "x" });
    assert_eq!(bot.call("chat.postMessage", &args).await["ok"], true);
    let (status, retry, _) = bot.raw("chat.postMessage", &args).await;
    assert_eq!((status, retry.as_deref()), (429, Some("1")));
    assert!(world.ledger().early.is_empty());
    assert_eq!(bot.raw("chat.postMessage", &args).await.0, 429);
    let ledger = world.ledger();
    assert_eq!((ledger.early.len(), ledger.all_limited(), ledger.calls_of("chat.postMessage")), (1, 2, 3));
}

#[tokio::test]
async fn a_command_is_delivered_signed_and_answered() {
    let world = SlackWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let bot = Bot::listening(&world).await;
    let ann = world.person("ann");
    bot.answer(|said| (said["command"] == "/bellhop").then(|| json!({ "text": format!("You said {}", said["text"].as_str().unwrap()) })));
    ann.slash("/bellhop file list @bob", "#ops").await.unwrap();
    let bob = world.person("bob");
    let seen = ann.sees("#ops").pop().unwrap();
    assert_eq!((seen.text.as_str(), seen.ephemeral), ("You said file list @bob", true));
    assert!(bob.sees("#ops").is_empty() && bob.notifications().is_empty());
    let heard = bot.heard();
    let heard = heard.last().unwrap();
    assert_eq!(heard["text"], format!("file list <@{}|bob>", bob.id));
    // The address for answers takes five, and knows who may see them.
    let url = heard["response_url"].as_str().unwrap();
    for n in 0..5 {
        let public = json!({ "text": n.to_string(), "response_type": if n == 0 { "in_channel" } else { "ephemeral" } });
        assert_eq!(bot.post(url, &public).await.0, 200);
    }
    assert_eq!(bot.post(url, &json!({ "text": "six" })).await, (404, "used_url".to_owned()));
    assert_eq!((ann.hears("#ops").len(), bob.hears("#ops").len()), (6, 1));
}

#[tokio::test]
async fn who_takes_too_long_fails_the_command_and_events_come_again() {
    let settings = Settings {
        acknowledge_within: Duration::from_millis(100),
        event_retries: vec![Duration::ZERO, Duration::from_millis(10), Duration::from_millis(10)],
        ..Settings::default()
    };
    let world = SlackWorld::start_with(settings).await.unwrap();
    let bot = Bot::listening(&world).await;
    bot.hang(true);
    let ann = world.person("ann");
    assert_eq!(ann.slash("/bellhop status", "#ops").await, Err("operation_timeout".to_owned()));
    assert!(ann.sees("#ops").pop().unwrap().text.contains("operation_timeout"));
    ann.mention("#ops", "hello").unwrap();
    let tries = || async {
        let mut tries: Vec<u32> =
            world.deliveries().iter().filter(|one| one.payload["event"]["type"] == "app_mention").map(|one| one.attempt).collect();
        tries.sort_unstable();
        (tries.len() == 4).then_some(tries)
    };
    assert_eq!(until(SOON, "three more attempts", tries).await, [0, 1, 2, 3]);
    let heads = bot.retries();
    assert!(heads.contains(&("3".to_owned(), "http_timeout".to_owned())), "{heads:?}");
}

#[tokio::test]
async fn forged_requests_are_wrong_as_asked() {
    let world = SlackWorld::start().await.unwrap();
    let bot = Bot::listening(&world).await;
    let payload = json!({ "command": "/x", "text": "aaaa" });
    for (forgery, status) in [
        (Forgery::None, 200),
        (Forgery::OtherSecret, 401),
        (Forgery::Unsigned, 401),
        (Forgery::Untimed, 401),
        (Forgery::Off(-301), 401),
        (Forgery::Off(301), 401),
        (Forgery::BadTimestamp, 401),
        (Forgery::BadSignature, 401),
        (Forgery::Changed, 401),
    ] {
        let answer = world.send(&bot.url, Kind::Command, &payload, forgery).await.unwrap();
        assert_eq!(answer.status, status, "{forgery:?}");
    }
    let cut = world.send(&bot.url, Kind::Command, &payload, Forgery::Truncated).await;
    assert!(cut.is_err() || cut.unwrap().status != 200);
    world.verify_url(&bot.url).await.unwrap();
    world.check_ssl(&bot.url).await.unwrap();
}

#[tokio::test]
async fn replies_are_lost_after_the_thing_was_done() {
    let world = SlackWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let bot = Bot::of(&world);
    let args = json!({ "channel": world.channel("ops"), "text": "x" });
    world.behave(Behaviour { lose_percent: 100, times: Some(1), ..Behaviour::default() });
    assert_eq!(bot.raw("chat.postMessage", &args).await.0, 0);
    assert_eq!(world.person("ann").sees("#ops").len(), 1);
    world.behave(Behaviour { refuse: Some(429), retry_after: 2, times: Some(1), ..Behaviour::default() });
    let (status, retry, _) = bot.raw("chat.postMessage", &args).await;
    assert_eq!((status, retry.as_deref()), (429, Some("2")));
    world.behave(Behaviour { html: true, times: Some(1), method: Some("auth.test".into()), ..Behaviour::default() });
    assert!(bot.raw("auth.test", &json!({})).await.2.starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn a_modal_is_opened_filled_and_submitted() {
    let world = SlackWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let bot = Bot::listening(&world).await;
    let ann = world.person("ann");
    ann.slash("/bellhop form", "#ops").await.unwrap();
    let trigger = bot.heard().last().unwrap()["trigger_id"].clone();
    let view = json!({ "type": "modal", "callback_id": "form", "title": { "type": "plain_text", "text": "A form" },
        "submit": { "type": "plain_text", "text": "Run" }, "blocks": [
            { "type": "input", "block_id": "arg:name", "label": { "type": "plain_text", "text": "Name" },
              "element": { "type": "plain_text_input", "action_id": "v" } },
            { "type": "input", "block_id": "arg:file", "optional": true, "label": { "type": "plain_text", "text": "File" },
              "element": { "type": "external_select", "action_id": "v", "min_query_length": 0 } },
        ] });
    let opened = bot.call("views.open", &json!({ "trigger_id": trigger, "view": view })).await;
    assert_eq!(opened["ok"], true, "{opened}");
    assert_eq!(bot.call("views.open", &json!({ "trigger_id": trigger, "view": view })).await["error"], "exchanged_trigger_id");
    let modal = ann.modal().unwrap();
    assert_eq!((modal.title.as_str(), modal.inputs[0].0.as_str()), ("A form", "Name"));
    assert!(ann.submit().await.unwrap_err().contains("Name"));
    ann.fill("Name", "report").unwrap();
    bot.answer(|said| match said["type"].as_str()? {
        "block_suggestion" => Some(json!({ "options": [{ "text": { "type": "plain_text", "text": "a.txt" }, "value": "a" }] })),
        "view_submission" => Some(json!({ "response_action": "errors", "errors": { "arg:name": "taken" } })),
        _ => None,
    });
    assert_eq!(ann.suggest("File", "a").await.unwrap(), ["a.txt"]);
    ann.fill("File", "a.txt").unwrap();
    assert_eq!(ann.submit().await.unwrap(), Submitted::Errors(vec![("arg:name".into(), "taken".into())]));
    let values = bot.heard().last().unwrap()["view"]["state"]["values"].clone();
    assert_eq!(values["arg:name"]["v"]["value"], "report");
    assert_eq!(values["arg:file"]["v"]["selected_option"]["value"], "a");
    bot.answer(|_| None);
    assert_eq!(ann.submit().await.unwrap(), Submitted::Closed);
    assert!(ann.modal().is_none());
    let stale = bot.call("views.update", &json!({ "view_id": modal.id, "view": view })).await;
    assert_eq!(stale["error"], "not_found");
}

#[tokio::test]
async fn files_go_up_in_three_steps_and_down_with_a_token() {
    let world = SlackWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let bot = Bot::of(&world);
    let ticket = bot.form("files.getUploadURLExternal", &[("filename", "a.txt"), ("length", "5")]).await;
    let url = ticket["upload_url"].as_str().unwrap();
    let files = json!([{ "id": ticket["file_id"], "title": "A" }]);
    let early = bot.call("files.completeUploadExternal", &json!({ "files": files, "channel_id": world.channel("ops") })).await;
    assert_eq!(early["error"], "file_not_found");
    assert_eq!(bot.put(url, b"four", None).await.0, 400);
    assert_eq!(bot.put(url, b"bytes", Some(&bot.token)).await.0, 400);
    assert_eq!(bot.put(url, b"bytes", None).await, (200, "OK - 5".to_owned()));
    let done = bot.call("files.completeUploadExternal", &json!({ "files": files, "channel_id": world.channel("ops") })).await;
    assert_eq!(done["ok"], true, "{done}");
    let again = bot.call("files.completeUploadExternal", &json!({ "files": files, "channel_id": world.channel("ops") })).await;
    assert_eq!(again["error"], "file_not_found");
    let ann = world.person("ann");
    assert_eq!(ann.sees("#ops").pop().unwrap().files, [("a.txt".to_owned(), b"bytes".to_vec())]);
    let (id, _) = ann.upload("#ops", "b.txt", b"hers", "look").unwrap();
    let info = bot.form("files.info", &[("file", &id)]).await;
    let place = info["file"]["url_private_download"].as_str().unwrap();
    assert_eq!(bot.fetch(place, true).await, (200, "hers".to_owned()));
    let page = bot.fetch(place, false).await;
    assert!(page.0 == 200 && page.1.starts_with("<!DOCTYPE html>"));
    world.revoke_scopes(&["files:read"]);
    assert!(bot.fetch(place, true).await.1.starts_with("<!DOCTYPE html>"));
}
