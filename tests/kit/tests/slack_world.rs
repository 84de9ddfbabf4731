//! The Slack world by itself, without any client of Slack's: the Web API, signed deliveries, a person's eyes and hands.
#![expect(clippy::unwrap_used, reason = "what a test needs and doesn't get fails it")]

mod slack {
    pub mod bot;
    mod sockets;
}

use bellhop_kit::clock::StoppedClock;
use bellhop_kit::slack::{Behaviour, Forgery, Kind, PersonSpec, Settings, SlackWorld, Submitted, WorkspaceSpec};
use bellhop_kit::wait::until;
use serde_json::{Value, json};
use slack::bot::Bot;
use std::sync::Arc;
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

#[tokio::test]
async fn time_is_the_tests_own() {
    let clock = Arc::new(StoppedClock::default());
    let world = SlackWorld::start_with(Settings { clock: clock.clone(), ..Settings::default() }).await.unwrap();
    let bot = Bot::listening_at(&world, clock.clone()).await;
    let ann = world.person("ann");
    ann.slash("/bellhop x", "#ops").await.unwrap();
    let heard = bot.heard().pop().unwrap();
    let view = json!({ "type": "modal", "title": { "type": "plain_text", "text": "T" }, "blocks": [{ "type": "divider" }] });
    clock.advance(Duration::from_millis(3001));
    let opened = bot.call("views.open", &json!({ "trigger_id": heard["trigger_id"], "view": view })).await;
    assert_eq!(opened["error"], "expired_trigger_id");
    let url = heard["response_url"].as_str().unwrap();
    clock.advance(Duration::from_secs(1700));
    assert_eq!(bot.post(url, &json!({ "text": "in time" })).await.0, 200);
    clock.advance(Duration::from_secs(100));
    assert_eq!(bot.post(url, &json!({ "text": "late" })).await, (404, "expired_url".to_owned()));
    let at = bellhop_core::Clock::now(&*clock).timestamp() + 600;
    let ops = world.channel("ops");
    let planned = bot.call("chat.scheduleMessage", &json!({ "channel": ops, "text": "later", "post_at": at })).await;
    assert_eq!(planned["ok"], true);
    let never = json!({ "channel": ops, "text": "never", "post_at": at, "metadata": { "event_type": "x", "event_payload": {} } });
    assert_eq!(bot.call("chat.scheduleMessage", &never).await["ok"], true);
    assert_eq!(ann.hears("#ops").len(), 1);
    clock.advance(Duration::from_secs(600));
    let shown = until(SOON, "the planned message", || async { (ann.hears("#ops").len() == 2).then(|| ann.hears("#ops")) }).await;
    assert_eq!(shown[1].text, "later");
    // A limit ends when the world's time says so.
    let args = json!({ "channel": world.channel("vault"), "text": "x" });
    assert_eq!(bot.raw("chat.postMessage", &args).await.0, 200);
    assert_eq!(bot.raw("chat.postMessage", &args).await.0, 429);
    clock.advance(Duration::from_secs(1));
    assert_eq!(bot.raw("chat.postMessage", &args).await.0, 200);
}

#[tokio::test]
async fn nobody_is_pinged_but_those_who_are_meant() {
    let world = SlackWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let bot = Bot::of(&world);
    let (ann, bob, gus) = (world.person("ann"), world.person("bob"), world.person("gus"));
    let team = world.add_subteam("crew", &[&bob]);
    let rich = |run: Value| json!([{ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [run] }] }]);
    for (args, pinged) in [
        (json!({ "text": format!("@ann &lt;@{}&gt; <@ann>", ann.id) }), vec![]),
        (json!({ "text": format!("<@{}> <@{}>", ann.id, gus.id) }), vec!["ann"]),
        (json!({ "text": "<!here>" }), vec!["ann", "bob", "cem"]),
        (json!({ "text": format!("<!subteam^{team}>") }), vec!["bob"]),
        (json!({ "text": "x", "blocks": rich(json!({ "type": "text", "text": "<!channel>" })) }), vec![]),
        (json!({ "text": "x", "blocks": rich(json!({ "type": "broadcast", "range": "channel" })) }), vec!["ann", "bob", "cem"]),
        (json!({ "text": "x", "blocks": [{ "type": "header", "text": { "type": "plain_text", "text": "<!channel>" } }] }), vec![]),
    ] {
        let mut args = args;
        args["channel"] = json!(world.channel("ops"));
        bot.call("chat.postMessage", &args).await;
        let seen = ann.sees("#ops").pop().unwrap();
        let names: Vec<&str> =
            ["ann", "bob", "cem", "gus"].into_iter().filter(|name| seen.notified.contains(&world.person(name).id)).collect();
        assert_eq!(names, pinged, "{args}: {}", seen.text);
    }
    assert_eq!(bob.notifications().len(), 3);
}

#[tokio::test]
async fn dates_are_in_the_readers_zone_and_links_unfurl_where_they_were_seen() {
    let world = SlackWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let bot = Bot::listening(&world).await;
    let (ann, cem) = (world.person("ann"), world.person("cem"));
    let text = "<!date^1793620800^{date_num} {time}|then> https://auto.example/x. *2* &lt;3";
    bot.call("chat.postMessage", &json!({ "channel": world.channel("ops"), "text": text })).await;
    assert_eq!(ann.sees("#ops").pop().unwrap().text, "2026-11-02 13:00 https://auto.example/x. 2 <3");
    let seen = cem.sees("#ops").pop().unwrap();
    assert_eq!(
        (seen.text.as_str(), seen.links.as_slice()),
        ("2026-11-02 12:00 https://auto.example/x. 2 <3", ["https://auto.example/x".to_owned()].as_slice())
    );
    let ts = ann.say("#ops", "look: http://127.0.0.1:9/s/1?a=1&b=2").unwrap();
    let shared = || async { bot.heard().into_iter().find(|heard| heard["event"]["type"] == "link_shared") };
    let event = until(SOON, "the link to be reported", shared).await["event"].clone();
    assert_eq!(event["links"][0]["url"], "http://127.0.0.1:9/s/1?a=1&b=2");
    let unfurl = |url: &str| {
        json!({ "channel": event["channel"], "ts": ts, "unfurls": { url: { "blocks": [
        { "type": "section", "text": { "type": "mrkdwn", "text": "a file" } } ] } } })
    };
    assert_eq!(bot.call("chat.unfurl", &unfurl("http://other.example/")).await["error"], "cannot_unfurl_url");
    assert_eq!(bot.call("chat.unfurl", &unfurl("http://127.0.0.1:9/s/1?a=1&b=2")).await["ok"], true);
    assert_eq!(ann.sees("#ops").pop().unwrap().unfurled, "a file");
}

#[tokio::test]
async fn a_workspace_goes_and_its_token_with_it() {
    let mut settings = Settings::default().unlimited();
    settings.workspaces.push(WorkspaceSpec::new("umbrella"));
    let world = SlackWorld::start_with(settings).await.unwrap();
    let bot = Bot::listening(&world).await;
    let other = world.team("umbrella").unwrap();
    let mut there = Bot::of(&world);
    there.token = world.bot_token_of(&other);
    assert_eq!(there.call("auth.test", &json!({})).await["team_id"], other);
    let ops = json!({ "channel": world.channel("ops"), "text": "x" });
    assert_eq!(there.call("chat.postMessage", &ops).await["error"], "channel_not_found");
    world.uninstall(&other);
    let both = || async {
        let heard: Vec<Value> = bot.heard().into_iter().map(|heard| heard["event"]["type"].clone()).collect();
        (heard.contains(&json!("app_uninstalled")) && heard.contains(&json!("tokens_revoked"))).then_some(())
    };
    until(SOON, "both events", both).await;
    assert_eq!(there.call("auth.test", &json!({})).await["error"], "account_inactive");
    assert_eq!(bot.call("auth.test", &json!({})).await["ok"], true);
    world.end_tokens(&world.team_id(), "token_revoked");
    assert_eq!(bot.call("auth.test", &json!({})).await["error"], "token_revoked");
    let token = world.new_token(&world.team_id());
    let again = Bot::of(&world);
    assert_eq!(again.token, token);
    assert_eq!(again.call("auth.test", &json!({})).await["ok"], true);
}

#[tokio::test]
async fn channels_and_people_change() {
    let world = SlackWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let bot = Bot::listening(&world).await;
    let ann = world.person("ann");
    let ops = world.channel("ops");
    world.rename_channel("ops", "operations");
    world.change_person(&ann, |spec| spec.display_name = "Annie".into());
    let renamed = bot.get("conversations.info", &json!({ "channel": ops })).await;
    assert_eq!(renamed["channel"]["name"], "operations");
    assert_eq!(bot.get("users.info", &json!({ "user": ann.id })).await["user"]["profile"]["display_name"], "Annie");
    world.remove_bot("operations");
    world.revoke_scopes(&["chat:write.public"]);
    assert_eq!(bot.call("chat.postMessage", &json!({ "channel": ops, "text": "x" })).await["error"], "not_in_channel");
    assert_eq!(bot.get("conversations.history", &json!({ "channel": ops })).await["error"], "not_in_channel");
    assert_eq!(bot.call("conversations.join", &json!({ "channel": ops })).await["ok"], true);
    world.archive("operations");
    assert_eq!(bot.call("chat.postMessage", &json!({ "channel": ops, "text": "x" })).await["error"], "is_archived");
    assert_eq!(bot.call("conversations.archive", &json!({ "channel": ops })).await["error"], "already_archived");
    assert_eq!(bot.call("conversations.unarchive", &json!({ "channel": ops })).await["error"], "channel_not_found");
    world.unarchive("operations");
    let crowd: Vec<String> = (0..101).map(|n| world.add_person(PersonSpec::new(&format!("p{n}"), "P", "UTC")).id).collect();
    let invite = |list: &[String]| json!({ "channel": ops, "users": list.join(",") });
    assert_eq!(bot.call("conversations.invite", &invite(&crowd)).await["error"], "invalid_arguments");
    assert_eq!(bot.call("conversations.invite", &invite(&crowd[..100])).await["ok"], true);
    let twice = bot.call("conversations.invite", &invite(&crowd[99..])).await;
    assert_eq!((&twice["error"], &twice["errors"][0]["user"]), (&json!("already_in_channel"), &json!(crowd[99])));
    let heard: Vec<String> = bot.heard().iter().filter_map(|heard| heard["event"]["type"].as_str().map(str::to_owned)).collect();
    for wanted in ["channel_rename", "user_change", "channel_archive"] {
        until(SOON, wanted, || async { bot.heard().iter().any(|heard| heard["event"]["type"] == wanted).then_some(()) }).await;
    }
    assert!(!heard.contains(&"channel_deleted".to_owned()));
    world.delete_channel("operations");
    assert_eq!(bot.call("chat.postMessage", &json!({ "channel": ops, "text": "x" })).await["error"], "channel_not_found");
}

#[tokio::test]
async fn a_home_is_published_and_pressed_and_files_take_their_time() {
    let settings = Settings { file_processing: Duration::from_millis(50), ..Settings::default().unlimited() };
    let world = SlackWorld::start_with(settings).await.unwrap();
    let bot = Bot::listening(&world).await;
    let ann = world.person("ann");
    ann.open_home();
    until(SOON, "app_home_opened", || async { bot.heard().iter().any(|heard| heard["event"]["type"] == "app_home_opened").then_some(()) })
        .await;
    let view = json!({ "type": "home", "blocks": [{ "type": "actions", "block_id": "x", "elements": [
        { "type": "button", "action_id": "b0", "text": { "type": "plain_text", "text": "Status" }, "value": "v" } ] }] });
    let made = bot.call("views.publish", &json!({ "user_id": ann.id, "view": view })).await;
    assert_eq!(ann.home().unwrap().buttons, ["Status"]);
    ann.press_home("Status").await.unwrap();
    assert_eq!(bot.heard().last().unwrap()["actions"][0]["value"], "v");
    let hash = made["view"]["hash"].clone();
    let publish = |hash: &Value| json!({ "user_id": ann.id, "view": view, "hash": hash });
    assert_eq!(bot.call("views.publish", &publish(&hash)).await["ok"], true);
    assert_eq!(bot.call("views.publish", &publish(&hash)).await["error"], "hash_conflict");

    let ticket = bot.form("files.getUploadURLExternal", &[("filename", "a.txt"), ("length", "5")]).await;
    bot.put(ticket["upload_url"].as_str().unwrap(), b"bytes", None).await;
    let files = json!([{ "id": ticket["file_id"] }]);
    let done = bot.call("files.completeUploadExternal", &json!({ "files": files, "channel_id": world.channel("ops") })).await;
    assert_eq!((&done["ok"], ann.sees("#ops").len()), (&json!(true), 0));
    until(SOON, "the file to be shown", || async { (ann.sees("#ops").len() == 1).then_some(()) }).await;
    let info = bot.form("files.info", &[("file", ticket["file_id"].as_str().unwrap())]).await;
    assert_eq!(info["file"]["shares"]["public"][world.channel("ops")][0]["ts"], ann.sees("#ops")[0].ts);

    world.redirect_downloads(true);
    let place = info["file"]["url_private"].as_str().unwrap();
    assert_eq!(bot.fetch(place, true).await.0, 302);
}

#[tokio::test]
async fn pauses_that_are_asked_for_are_noted_everywhere() {
    let world = SlackWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let bot = Bot::listening(&world).await;
    world.person("ann").slash("/bellhop x", "#ops").await.unwrap();
    let url = bot.heard().pop().unwrap()["response_url"].as_str().unwrap().to_owned();
    world.behave(Behaviour {
        method: Some("response_url".into()),
        refuse: Some(429),
        retry_after: 60,
        times: Some(1),
        ..Behaviour::default()
    });
    assert_eq!(bot.post(&url, &json!({ "text": "x" })).await.0, 429);
    assert!(world.ledger().early.is_empty());
    assert_eq!(bot.post(&url, &json!({ "text": "x" })).await.0, 429);
    assert_eq!(world.ledger().early.len(), 1);
}
