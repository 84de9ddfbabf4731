//! What happens in the Slack world beside calls: time passes, people are pinged, workspaces, channels and people change.

use super::bot::Bot;
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::slack::{Behaviour, PersonSpec, Settings, SlackWorld, WorkspaceSpec};
use bellhop_kit::wait::until;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

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
    clock.advance(Duration::from_mins(10));
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
