//! The Discord world by itself, without any library for Discord: REST, the gateway, interactions, a person's eyes and hands.
#![expect(clippy::unwrap_used, reason = "what a test needs and doesn't get fails it")]

mod discord {
    pub mod bot;
    mod gateway;
    mod interactions;
}

use bellhop_kit::clock::StoppedClock;
use bellhop_kit::discord::{Behaviour, DiscordWorld, Scope, Settings};
use discord::bot::Bot;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn quiet(text: &str) -> Value {
    json!({ "content": text, "allowed_mentions": { "parse": [] } })
}

#[tokio::test]
async fn a_message_is_posted_seen_changed_and_taken_back() {
    let world = DiscordWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let bot = Bot::of(&world);
    let ann = world.person("ann");
    let path = format!("/channels/{}/messages", world.channel("ops"));
    let body = json!({
        "content": format!("**Hi** <@{}> @everyone", ann.id), "nonce": "n1", "enforce_nonce": true, "allowed_mentions": { "parse": [], "users": [ann.id] },
        "embeds": [{ "title": "A card", "fields": [{ "name": "one", "value": "1" }] }],
        "components": [{ "type": 1, "components": [
            { "type": 2, "style": 1, "label": "Ack", "custom_id": "a" }, { "type": 2, "style": 5, "label": "Open", "url": "https://x.example/" },
        ] }],
    });
    let (status, posted) = bot.post(&path, &body).await;
    assert_eq!(status, 200, "{posted}");
    assert_eq!(bot.post(&path, &body).await.1["id"], posted["id"], "the nonce is known");
    let seen = ann.sees("#ops").pop().unwrap();
    assert_eq!(seen.text, "Hi @ann @everyone\nA card\none\n1\nAck\nOpen");
    assert_eq!((seen.buttons, seen.links), (vec!["Ack".to_owned(), "Open".into()], vec!["https://x.example/".to_owned()]));
    assert_eq!(seen.notified, [ann.id.as_str()]);
    assert_eq!(world.person("bob").notifications(), []);
    assert_eq!((ann.sees("#ops").len(), world.ledger().copies_of("n1")), (1, 1));
    let own = format!("{path}/{}", seen.id);
    let (_, changed) = bot.patch(&own, &json!({ "content": "a \\*b\\*", "embeds": [], "components": [] })).await;
    assert_eq!(changed["content"], "a \\*b\\*");
    let seen = ann.sees("#ops").pop().unwrap();
    assert_eq!((seen.text.as_str(), seen.edited, seen.buttons.len()), ("a *b*", true, 0));
    assert_eq!(bot.get(&path).await.1[0]["nonce"], "n1");
    assert_eq!(bot.delete(&own).await.0, 204);
    assert!(ann.sees("#ops").is_empty());
    assert_eq!(bot.delete(&own).await.1["code"], 10008);
}

#[tokio::test]
async fn what_discord_refuses_is_refused() {
    let world = DiscordWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let mut bot = Bot::of(&world);
    let at = |channel: &str| format!("/channels/{}/messages", world.channel(channel));
    let button = |id: &str| json!({ "type": 2, "style": 1, "label": "x", "custom_id": id });
    let row = |parts: Value| json!({ "components": [{ "type": 1, "components": parts }] });
    for (channel, body, status, code) in [
        ("hidden", quiet("x"), 403, 50001),
        ("quiet", quiet("x"), 403, 50013),
        ("ideas", quiet("x"), 400, 50008),
        ("ops", quiet(""), 400, 50006),
        ("ops", quiet(&"x".repeat(2001)), 400, 50035),
        ("ops", json!({ "content": "x", "nonce": "x".repeat(26) }), 400, 50035),
        ("ops", json!({ "embeds": [{ "title": "x".repeat(257) }] }), 400, 50035),
        ("ops", json!({ "embeds": vec![json!({ "description": "x".repeat(3001) }); 2] }), 400, 50035),
        ("ops", json!({ "embeds": [{ "title": "x", "url": "ftp://x" }] }), 400, 50035),
        ("ops", json!({ "embeds": [{ "title": "x", "fields": [{ "name": "x", "value": "" }] }] }), 400, 50035),
        ("ops", row(json!([button("a"), button("a")])), 400, 50035),
        ("ops", row(json!(["a", "b", "c", "d", "e", "f"].map(button))), 400, 50035),
        ("ops", row(json!([{ "type": 2, "style": 5, "label": "x", "custom_id": "a" }])), 400, 50035),
        ("ops", row(json!([{ "type": 3, "custom_id": "s", "options": [] }])), 400, 50035),
        ("ops", json!({ "components": [{ "type": 10, "content": "x" }] }), 400, 50035),
        ("ops", json!({ "flags": 32768, "content": "x", "components": [{ "type": 10, "content": "x" }] }), 400, 50035),
        ("ops", json!({ "content": "x", "allowed_mentions": { "parse": ["users"], "users": ["1"] } }), 400, 50035),
        ("ops", json!({ "content": "x", "attachments": [{ "id": 0, "filename": "a" }] }), 400, 50035),
        ("ops", json!({ "content": "x", "message_reference": { "message_id": "1" } }), 400, 50035),
    ] {
        let (got, answer) = bot.post(&at(channel), &body).await;
        assert_eq!((got, &answer["code"]), (status, &json!(code)), "{body}: {answer}");
    }
    let (_, answer) = bot.post(&at("ops"), &json!({ "embeds": [{ "fields": [{ "name": "x".repeat(257), "value": "v" }] }] })).await;
    assert_eq!(answer["errors"]["embeds"]["0"]["fields"]["0"]["name"]["_errors"][0]["code"], "BASE_TYPE_BAD_LENGTH", "{answer}");
    assert_eq!(bot.get("/channels/1").await.1["code"], 10003);
    bot.agent = "curl/8";
    assert_eq!(bot.get("/users/@me").await.1["code"], 40333);
    bot.agent = "DiscordBot (https://bot.example, 1.0)";
    bot.token = "no".into();
    assert_eq!(bot.get("/users/@me").await.0, 401);
    assert!(world.ledger().invalid >= 3);
}

#[tokio::test]
async fn buckets_hold_and_early_calls_are_counted() {
    let clock = Arc::new(StoppedClock::default());
    let world = DiscordWorld::start_with(Settings { clock: clock.clone(), ..Settings::default() }).await.unwrap();
    let bot = Bot::of(&world);
    let path = format!("/channels/{}/messages", world.channel("ops"));
    let header = |headers: &[(String, String)], name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    for left in ["4", "3", "2", "1", "0"] {
        let (_, headers, _) = bot.exchange(bot.posting(&path, &quiet("x"))).await;
        assert_eq!(header(&headers, "x-ratelimit-remaining").as_deref(), Some(left));
    }
    assert_eq!(world.ledger().early, Vec::<String>::new());
    clock.advance(Duration::from_secs(1));
    let (status, headers, body) = bot.exchange(bot.posting(&path, &quiet("x"))).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, body["retry_after"].as_f64(), &body["global"]), (429, Some(4.0), &json!(false)));
    assert_eq!((header(&headers, "retry-after").as_deref(), header(&headers, "x-ratelimit-scope").as_deref()), (Some("4"), Some("user")));
    assert_eq!(world.ledger().early.len(), 1);
    let other = format!("/channels/{}/messages", world.channel("general"));
    assert_eq!(bot.post(&other, &quiet("x")).await.0, 200);
    clock.advance(Duration::from_secs(4));
    assert_eq!(bot.post(&path, &quiet("x")).await.0, 200);
    world.behave(Behaviour { refuse: Some(429), retry_after: 2.0, scope: Scope::Shared, times: Some(1), ..Behaviour::default() });
    let before = world.ledger().invalid;
    let (_, headers, _) = bot.exchange(bot.posting(&path, &quiet("x"))).await;
    assert_eq!((header(&headers, "x-ratelimit-scope").as_deref(), world.ledger().invalid), (Some("shared"), before));
    world.behave(Behaviour { refuse: Some(429), retry_after: 2.0, scope: Scope::Cloudflare, times: Some(1), ..Behaviour::default() });
    assert!(bot.exchange(bot.posting(&other, &quiet("x"))).await.2.starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn who_gets_too_many_refusals_is_shut_out() {
    let mut settings = Settings::default().unlimited();
    settings.limits.invalid = 3;
    let world = DiscordWorld::start_with(settings).await.unwrap();
    let bot = Bot::of(&world);
    let hidden = format!("/channels/{}", world.channel("hidden"));
    for _ in 0..3 {
        assert_eq!(bot.get(&hidden).await.0, 403);
    }
    let (status, body) = bot.get("/users/@me").await;
    assert!(status == 429 && body.as_str().unwrap().starts_with("<!DOCTYPE"), "{body}");
}

#[tokio::test]
async fn replies_are_lost_after_the_thing_was_done() {
    let world = DiscordWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let bot = Bot::of(&world);
    let path = format!("/channels/{}/messages", world.channel("ops"));
    world.behave(Behaviour { lose_percent: 100, times: Some(1), ..Behaviour::default() });
    assert_eq!(bot.post(&path, &quiet("x")).await.0, 0);
    assert_eq!(world.person("ann").sees("#ops").len(), 1);
    world.behave(Behaviour { fail_after: Some(502), times: Some(1), ..Behaviour::default() });
    assert_eq!(bot.post(&path, &quiet("x")).await.0, 502);
    assert_eq!(world.person("ann").sees("#ops").len(), 2);
}

#[tokio::test]
async fn channels_threads_roles_and_invites_have_their_rules() {
    let world = DiscordWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let bot = Bot::of(&world);
    let (guild, ann) = (world.guild_id(), world.person("ann"));
    let (status, made) = bot.post(&format!("/guilds/{guild}/channels"), &json!({ "name": "On Call", "topic": "nights" })).await;
    assert_eq!((status, made["name"].as_str()), (201, Some("on-call")), "{made}");
    let room = format!("/channels/{}", made["id"].as_str().unwrap());
    assert_eq!(ann.topic("#on-call").unwrap(), "nights");
    assert_eq!(bot.post(&format!("{room}/invites"), &json!({})).await.0, 200);
    assert_eq!(world.invites().len(), 1);
    let above = json!({ "permission_overwrites": [{ "id": guild, "type": 0, "allow": "8", "deny": "0" }] });
    assert_eq!(bot.patch(&room, &above).await.1["code"], 50013, "what it may not do itself it can't give");
    let said = ann.say("#on-call", "who?").unwrap();
    let (status, thread) = bot.post(&format!("{room}/messages/{said}/threads"), &json!({ "name": "night" })).await;
    assert_eq!((status, thread["id"].as_str()), (201, Some(said.as_str())));
    assert_eq!(bot.post(&format!("{room}/messages/{said}/threads"), &json!({ "name": "night" })).await.1["code"], 160_004);
    assert_eq!(bot.patch(&format!("/channels/{said}"), &json!({ "archived": true })).await.0, 200);
    assert_eq!(bot.post(&format!("/channels/{said}/messages"), &quiet("x")).await.1["code"], 50083);
    assert_eq!(bot.patch(&format!("/channels/{said}"), &json!({ "archived": false })).await.0, 200);
    assert_eq!(bot.post(&format!("/channels/{said}/messages"), &quiet("x")).await.0, 200);
    let cem = world.person("cem").id;
    let role = |name: &str| format!("/guilds/{guild}/members/{cem}/roles/{}", world.role(name).unwrap());
    assert_eq!(bot.put(&role("deploy"), &json!({})).await.0, 204);
    assert_eq!(bot.put(&role("chief"), &json!({})).await.1["code"], 50013);
    assert_eq!(world.roles_of(&world.person("cem")), ["crew", "deploy"]);
    assert_eq!(bot.delete(&room).await.0, 200);
    assert!(ann.place("#on-call").is_err());
    let (_, direct) = bot.post("/users/@me/channels", &json!({ "recipient_id": world.person("gus").id })).await;
    let direct = format!("/channels/{}/messages", direct["id"].as_str().unwrap());
    assert_eq!(bot.post(&direct, &quiet("x")).await.1["code"], 50007);
}

#[tokio::test]
async fn commands_are_counted_and_kept_by_name() {
    let world = DiscordWorld::start_with(Settings { creates_a_day: 3, ..Settings::default().unlimited() }).await.unwrap();
    let bot = Bot::of(&world);
    let path = format!("/applications/{}/commands", world.application_id());
    let command = |name: &str| json!({ "name": name, "description": "d" });
    assert_eq!(bot.post(&path, &command("one")).await.0, 201);
    assert_eq!(bot.post(&path, &command("one")).await.0, 200);
    assert_eq!(bot.put(&path, &json!([command("one"), command("two"), { "name": "Save it", "type": 3 }])).await.0, 200);
    assert_eq!(bot.post(&path, &command("four")).await.1["code"], 30034);
    assert_eq!(bot.put(&path, &json!([command("one"), command("one")])).await.1["code"], 50035);
    assert_eq!(bot.put(&path, &json!([command("two")])).await.0, 200);
    assert_eq!((world.commands().len(), world.ledger().creates), (1, 3));
}

#[tokio::test]
async fn links_to_files_expire() {
    let clock = Arc::new(StoppedClock::default());
    let world = DiscordWorld::start_with(Settings { clock: clock.clone(), ..Settings::default().unlimited() }).await.unwrap();
    let bot = Bot::of(&world);
    let ann = world.person("ann");
    ann.upload("#ops", "a.txt", b"hers", "look").unwrap();
    let path = format!("/channels/{}/messages", world.channel("ops"));
    let url = bot.get(&path).await.1[0]["attachments"][0]["url"].as_str().unwrap().to_owned();
    let fetch = async |url: &str| {
        let client = bellhop_http::Client::new("cdn", bellhop_http::Limits::default()).unwrap();
        let answer = client.get("get", "any", url).exchange().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
    };
    assert_eq!(fetch(&url).await, (200, b"hers".to_vec()));
    assert_eq!(fetch(&url.replace("ex=", "ex=1")).await.0, 404);
    clock.advance(Duration::from_hours(25));
    assert_eq!(fetch(&url).await.0, 404);
    let fresh = bot.get(&path).await.1[0]["attachments"][0]["url"].as_str().unwrap().to_owned();
    assert_eq!(fetch(&fresh).await.0, 200);
}
