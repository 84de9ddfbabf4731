//! The Discord world, judged by libraries that others wrote for Discord: what they expect of it they get from it.
#![expect(clippy::unwrap_used, reason = "what a test needs and doesn't get fails it")]

mod discord {
    #[expect(dead_code, reason = "the world's own tests use the rest")]
    pub mod bot;
}

use bellhop_kit::discord::{DiscordWorld, GatewayEvent, Person, Seen, Settings};
use bellhop_kit::peers::discord::{node, python};
use bellhop_kit::process::Program;
use bellhop_kit::wait::until;
use discord::bot::Bot;
use serde_json::{Value, json};
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(1);

async fn sees(person: &Person, place: &str, text: &str) -> Seen {
    let what = format!("{} sees {text:?} in {place}", person.name);
    until(LIMIT, &what, || async { person.sees(place).into_iter().find(|seen| seen.text.contains(text)) }).await
}

fn order(world: &DiscordWorld, token: &str) -> Value {
    json!({
        "api": format!("{}/api", world.url()), "gateway": world.gateway_url(), "token": token, "guild": world.guild_id(), "channel": world.channel("ops"),
        "person": world.person("cem").id, "chief": world.role("chief"), "many": true,
    })
}

/// The session of the app with this id.
fn session(world: &DiscordWorld, app: &str) -> String {
    world.sessions().into_iter().find(|session| session.app == app && session.connected).unwrap().id
}

/// What happens to a connection is survived: nothing that was said meanwhile is missed.
async fn survives(world: &DiscordWorld, app: &str, client: &mut Program) {
    let ann = world.person("ann");
    let resumed = || world.gateway_events().iter().filter(|event| matches!(event, GatewayEvent::Resumed(..))).count();
    for (n, happens) in [0, 1, 2].into_iter().enumerate() {
        let session = session(world, app);
        match happens {
            0 => world.reset(&session),
            1 => world.reconnect(&session),
            _ => world.close(&session, 4000),
        }
        ann.say("#ops", &format!("meanwhile {n}")).unwrap();
        client.line(&format!("heard ann meanwhile {n}"), LIMIT).await.unwrap();
        until(LIMIT, "a session that goes on", || async { (resumed() > n).then_some(()) }).await;
    }
}

#[tokio::test]
async fn discord_js_finds_discord_here() {
    let world = DiscordWorld::start().await.unwrap();
    let account = world.second_bot("jane");
    let ann = world.person("ann");
    let (mut command, modules) = node("discord_js.mjs").unwrap();
    let mut order = order(&world, &account.token);
    order["modules"] = json!(modules);
    let mut client = Program::start(command.arg(order.to_string())).unwrap();
    let ready = client.line("ready ", LIMIT).await.unwrap_or_else(|why| panic!("{why}\n{}", client.output()));
    let ready: Value = serde_json::from_str(ready.split_once("ready ").unwrap().1).unwrap();
    assert_eq!((&ready["room"], &ready["refused"], &ready["nowhere"]), (&json!("node-room"), &json!(50035), &json!(10003)));
    let posted = sees(&ann, "#ops", "changed by node").await;
    assert!(posted.edited && posted.text.contains("bold here") && posted.links == ["https://x.example"], "{posted:?}");
    assert_eq!((posted.reactions.as_slice(), posted.nonce.as_deref()), (["✅".to_owned()].as_slice(), Some("js-1")));
    assert_eq!(ann.sees("#about it").len(), 8);
    assert_eq!(sees(&ann, "#ops", "by the hook").await.author, "Hook");
    assert_eq!(world.ledger().copies_of("js-1"), 1);
    assert!(!ann.channels().contains(&"node-room".to_owned()) || ann.name == "ann", "only the owner sees what is private");

    // It sees what the other bot says, and what people do.
    let bot = Bot::of(&world);
    let ops = world.channel("ops");
    let card = json!({ "embeds": [{ "title": "An alert" }], "nonce": "b1", "enforce_nonce": true, "allowed_mentions": { "parse": [] } });
    let (status, message) = bot.post(&format!("/channels/{ops}/messages"), &card).await;
    assert_eq!(status, 200, "{message}");
    client.line("heard bellhop An alert", LIMIT).await.unwrap();
    let seen = ann.sees("#ops").into_iter().find(|seen| seen.text == "An alert").unwrap();
    ann.react(&seen, "👀").unwrap();
    client.line("reaction 👀", LIMIT).await.unwrap();
    ann.upload("#ops", "plan.txt", b"a plan", "look").unwrap();
    client.line("heard ann look|plan.txt", LIMIT).await.unwrap();

    assert_eq!(ann.suggest("/js now text:ab", "#ops").await.unwrap(), ["ab one", "ab two"]);
    let file = ann.file("a.txt", b"its bytes");
    let taken = ann.slash(&format!("/js now text:ab two file:{file}"), "#ops").await.unwrap();
    assert_eq!(taken.kind, 4);
    sees(&ann, "#ops", "took ab2 its bytes").await;
    assert_eq!(ann.slash("/js later", "#ops").await.unwrap().kind, 5);
    let after = sees(&ann, "#ops", "and after").await;
    let later = sees(&ann, "#ops", "later").await;
    assert!(later.ephemeral && later.files == [("n.txt".to_owned(), b"from node".to_vec())] && later.alts == ["a note"], "{later:?}");
    assert_eq!(ann.click(&after, "Press").await.unwrap().kind, 7);
    assert!(sees(&ann, "#ops", "pressed by ann").await.buttons.is_empty());
    assert_eq!(ann.slash("/js form", "#ops").await.unwrap().kind, 9);
    assert!(ann.submit().await.unwrap_err().contains("Name"));
    ann.fill("Name", "report").unwrap();
    ann.fill("Kind", "Large").unwrap();
    ann.submit().await.unwrap();
    sees(&ann, "#ops", "form report l").await;
    ann.message_command(&seen, "Look at it").await.unwrap();
    assert!(sees(&ann, "#ops", "looked at").await.ephemeral);

    survives(&world, &account.id, &mut client).await;
    assert!(!client.output().contains("error "), "{}", client.output());
    assert!(world.ledger().early.is_empty() && world.ledger().gateway.is_empty(), "{:?}", world.ledger().violations());
}

#[tokio::test]
async fn discord_py_finds_discord_here() {
    let world = DiscordWorld::start_with(Settings::default()).await.unwrap();
    let account = world.second_bot("pete");
    let ann = world.person("ann");
    let mut command = python("discord_py.py").unwrap();
    let mut order = order(&world, &account.token);
    order["api"] = json!(world.api_url());
    let mut client = Program::start(command.arg(order.to_string())).unwrap();
    let ready = client.line("ready ", LIMIT).await.unwrap_or_else(|why| panic!("{why}\n{}", client.output()));
    let ready: Value = serde_json::from_str(ready.split_once("ready ").unwrap().1).unwrap();
    assert_eq!(ready, json!({ "history": ["changed by python"], "refused": 50013, "long": [50035, true] }));
    let posted = sees(&ann, "#ops", "changed by python").await;
    assert!(posted.files == [("p.txt".to_owned(), b"its bytes".to_vec())] && posted.alts == ["a note"], "{posted:?}");
    assert!(world.roles_of(&world.person("cem")).contains(&"pythons".to_owned()));

    ann.say("#ops", "hello @pete").unwrap();
    client.line("heard ann hello", LIMIT).await.unwrap();
    ann.react(&posted, "👀").unwrap();
    client.line("reaction 👀", LIMIT).await.unwrap();
    let taken = ann.slash("/py text:this who:@bob", "#ops").await.unwrap_or_else(|why| panic!("{why}\n{}", client.output()));
    assert_eq!(taken.kind, 5);
    let answer = sees(&ann, "#ops", "took this bob").await;
    ann.click(&answer, "Press").await.unwrap();
    sees(&ann, "#ops", "pressed by ann").await;
    ann.slash("/py text:form", "#ops").await.unwrap();
    ann.fill("Name", "report").unwrap();
    ann.submit().await.unwrap();
    sees(&ann, "#ops", "form report").await;
    survives(&world, &account.id, &mut client).await;
    assert!(world.ledger().early.is_empty() && world.ledger().gateway.is_empty(), "{:?}", world.ledger().violations());
    assert!(!client.output().contains("ERROR"), "{}", client.output());
}

#[tokio::test]
async fn the_library_that_verifies_requests_takes_those_that_are_good() {
    let world = DiscordWorld::start().await.unwrap();
    let (mut command, modules) = node("discord_express.mjs").unwrap();
    let order = json!({ "modules": modules, "public_key": world.public_key() });
    let mut express = Program::start(command.arg(order.to_string())).unwrap();
    let ready = express.line("ready ", LIMIT).await.unwrap();
    let url = format!("http://127.0.0.1:{}/interactions", ready.trim_start_matches("ready "));
    world.enter_endpoint(&url).await.unwrap_or_else(|why| panic!("{why}\n{}", express.output()));
    let bot = Bot::of(&world);
    let body = json!([{ "name": "ask", "description": "Asks" }]);
    let (status, answer) = bot.put(&format!("/applications/{}/commands", world.application_id()), &body).await;
    assert_eq!(status, 200, "{answer}");
    let ann = world.person("ann");
    assert_eq!(ann.slash("/ask", "#ops").await.unwrap().kind, 4);
    sees(&ann, "#ops", "took ask").await;
}
