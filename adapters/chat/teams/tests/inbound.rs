//! What arrives: only what is the connector's has an effect, and nothing that is a forger's makes the bot show a token to anyone.

#![expect(clippy::unwrap_used, reason = "helpers of tests end the test where something is wrong")]

mod common;

use bellhop_core::call::Audience;
use bellhop_core::ports::{ChatPlatform as _, Incoming, Post, Said};
use bellhop_core::{Action, Address, Card, Invoke};
use bellhop_kit::teams::{Forgery, Settings, TeamsWorld};
use common::Bed;
use serde_json::json;
use std::sync::Arc;

async fn world() -> TeamsWorld {
    TeamsWorld::start_with(Settings { preview: true, ..Settings::default() }.unlimited()).await.unwrap()
}

fn lines(heard: &[Incoming]) -> Vec<String> {
    let line = |incoming: &Incoming| match &incoming.said {
        Said::Line(line) => line.clone(),
        Said::Invoke(invoke) => format!("invoke {}", invoke.command),
        Said::Form { command, answers } => format!("form {command} {answers:?}"),
    };
    heard.iter().map(line).collect()
}

#[tokio::test]
async fn wrong_tokens_are_refused_without_any_effect() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    let ann = world.person("ann");
    let forgeries = [
        (Forgery::Missing, 401),
        (Forgery::OtherScheme, 401),
        (Forgery::Bare, 401),
        (Forgery::Garbage, 401),
        (Forgery::Audience, 401),
        (Forgery::Issuer("https://sts.windows.net/x/".into()), 401),
        (Forgery::Issuer("https://login.microsoftonline.com/x/v2.0".into()), 401),
        (Forgery::OtherKey, 401),
        (Forgery::UnknownKey, 401),
        (Forgery::Unsigned, 401),
        (Forgery::Shared, 401),
        (Forgery::Expired(400), 401),
        (Forgery::Early(400), 401),
        (Forgery::Changed, 401),
        (Forgery::ServiceUrl("https://smba.trafficmanager.net/emea/".into()), 403),
        (Forgery::NoServiceUrl, 403),
        (Forgery::Endorsement, 403),
    ];
    for (forgery, status) in forgeries {
        let mut activity = world.activity("message", &ann, "@bellhop");
        activity["text"] = json!("status");
        let answer = world.send(&bed.url, &activity, &forgery).await.unwrap();
        assert_eq!(answer.status, status, "{forgery:?}");
        assert_eq!(bed.inbox.take().len(), 0, "{forgery:?} had an effect");
    }
    let mut activity = world.activity("message", &ann, "@bellhop");
    activity["text"] = json!("status");
    for forgery in [Forgery::Expired(100), Forgery::Early(100), Forgery::None] {
        activity["id"] = json!(format!("good {forgery:?}"));
        assert_eq!(world.send(&bed.url, &activity, &forgery).await.unwrap().status, 200, "clocks differ by minutes: {forgery:?}");
    }
    assert_eq!(bed.inbox.take().len(), 3);
    assert_eq!(world.ledger().calls_of("token"), 0, "nothing of that needs a token of ours");
    // The document and the list of keys, and both once more for the key that nobody knew.
    assert_eq!(world.ledger().calls_of("keys"), 4, "{:?}", world.ledger().calls);
}

#[tokio::test]
async fn a_hundred_forged_addresses_see_no_token() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    let ann = world.person("ann");
    for n in 0..100 {
        let mut activity = world.activity("message", &ann, "@bellhop");
        let (stranger, own) = (world.stranger_url().to_owned(), world.service_url());
        let url = match n % 5 {
            0 => format!("{stranger}/smba/{n}/"),
            1 => format!("{}@{}/smba/", world.url(), stranger.trim_start_matches("http://")),
            2 => format!("{stranger}/?{own}"),
            3 => own.replace("http://", "https://"),
            _ => String::new(),
        };
        activity["id"] = json!(format!("forged {n}"));
        activity["serviceUrl"] = json!(url);
        activity["text"] = json!("help");
        // The token is for the very address: only the list of addresses stands in the way.
        let answer = world.send_raw(&bed.url, activity.to_string().as_bytes(), &url, &Forgery::None).await.unwrap();
        assert_eq!(answer.status, 403, "{url}");
    }
    assert_eq!((bed.inbox.take().len(), world.ledger().calls_of("token")), (0, 0));
    assert_eq!(world.ledger().foreign, Vec::<String>::new());
}

#[tokio::test]
async fn other_organisations_and_channels_are_not_heard() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    let good = world.activity("message", &world.person("ann"), "@bellhop");
    for (pointer, value) in [
        ("/channelData/tenant/id", "99999999-0000-0000-0000-000000000000"),
        ("/conversation/tenantId", "99999999-0000-0000-0000-000000000000"),
        ("/channelId", "webchat"),
        ("/serviceUrl", ""),
    ] {
        let mut activity = good.clone();
        *activity.pointer_mut(pointer).unwrap() = json!(value);
        let url = world.service_url();
        let answer = world.send_raw(&bed.url, activity.to_string().as_bytes(), &url, &Forgery::None).await.unwrap();
        assert_eq!(answer.status, 403, "{pointer}");
    }
    assert_eq!(bed.inbox.take().len(), 0);
}

#[tokio::test]
async fn rotated_keys_are_read_anew_once() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    let ann = world.person("ann");
    ann.dm("first").await.unwrap();
    world.rotate_keys();
    ann.dm("second").await.unwrap();
    assert_eq!(lines(&bed.inbox.take()), ["first", "second"]);
    assert_eq!(world.ledger().calls_of("keys"), 4);
    // Keys that nobody has published make us ask no more within the hour.
    let activity = world.activity("message", &ann, "@bellhop");
    for _ in 0..20 {
        assert_eq!(world.send(&bed.url, &activity, &Forgery::UnknownKey).await.unwrap().status, 401);
    }
    assert_eq!(world.ledger().calls_of("keys"), 4);
}

#[tokio::test]
async fn what_people_say_is_heard_once_and_in_its_place() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    let ann = world.person("ann");
    ann.dm("file list --limit 3").await.unwrap();
    ann.mention("#General", "status").await.unwrap();
    ann.say("#General", "nobody asked the bot").await.unwrap();
    ann.slash("usage", "#General").await.unwrap();
    let heard = bed.inbox.take();
    assert_eq!(lines(&heard), ["file list --limit 3", "status", "usage"]);
    assert_eq!(heard[1].at.channel.as_str(), world.channel("General"));
    assert!(heard[1].at.thread.is_some() && heard[0].at.thread.is_none());
    assert_eq!(heard[0].from.user.as_str(), ann.object);
    assert_eq!(heard[0].zone, Some(chrono_tz::Europe::Berlin));
    let again = world.deliveries()[0].activity.clone();
    assert_eq!(world.send(&bed.url, &again, &Forgery::None).await.unwrap().status, 200);
    assert_eq!(bed.inbox.take().len(), 0, "the same activity is the same");
}

#[tokio::test]
async fn what_cannot_be_kept_is_said_so() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    bed.inbox.fail(true);
    let mut activity = world.activity("message", &world.person("ann"), "@bellhop");
    activity["text"] = json!("status");
    assert_eq!(world.send(&bed.url, &activity, &Forgery::None).await.unwrap().status, 503);
    activity["type"] = json!("invoke");
    activity["name"] = json!("adaptiveCard/action");
    let data = json!({ "bellhop": { "i": { "command": "help", "args": {} } } });
    activity["value"] = json!({ "action": { "type": "Action.Execute", "verb": "run", "data": data }, "trigger": "manual" });
    let answer = world.send(&bed.url, &activity, &Forgery::None).await.unwrap();
    let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, said["statusCode"].as_u64()), (200, Some(500)));
    assert!(said.pointer("/value/message").unwrap().as_str().unwrap().contains("Nothing was done"));
    bed.inbox.fail(false);
    assert_eq!(world.send(&bed.url, &activity, &Forgery::None).await.unwrap().status, 200);
    assert_eq!(lines(&bed.inbox.take()), ["invoke help"]);
}

#[tokio::test]
async fn odd_activities_do_no_harm() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    let url = world.service_url();
    let good = world.activity("message", &world.person("ann"), "@bellhop");
    for (body, status) in [
        (b"no json".to_vec(), 400),
        (b"[]".to_vec(), 400),
        (b"{}".to_vec(), 400),
        (vec![b' '; 2 << 20], 413),
        (
            json!({ "type": "anything", "channelId": "msteams", "serviceUrl": url, "channelData": good["channelData"] }).to_string().into(),
            200,
        ),
        (
            json!({ "type": "message", "channelId": "msteams", "serviceUrl": url, "channelData": good["channelData"] }).to_string().into(),
            200,
        ),
    ] {
        let answer = world.send_raw(&bed.url, &body, &url, &Forgery::None).await.unwrap();
        assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(&body[..body.len().min(60)]));
    }
    for (name, status) in [("tab/fetch", 501), ("handoff/action", 501), ("signin/verifyState", 200)] {
        let mut invoke = good.clone();
        invoke["type"] = json!("invoke");
        invoke["name"] = json!(name);
        assert_eq!(world.send(&bed.url, &invoke, &Forgery::None).await.unwrap().status, status, "{name}");
    }
    assert_eq!(bed.inbox.take().len(), 0);
}

fn post(key: &str, to: &Address, card: Card) -> Post {
    Post { key: key.into(), to: to.clone(), card, audience: Audience::Everyone, answers: None, reply: None }
}

#[tokio::test]
async fn a_button_runs_what_it_says_and_nothing_more() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    world.install("Acme").await.unwrap();
    let at = Address::channel("work", world.tenant().as_str(), world.channel("General").as_str());
    let long = Invoke { command: "alert ack".into(), args: json!({ "id": "x".repeat(2000) }) };
    let card = Card::text("Alert").and_actions(vec![
        Action::invoke("Ack", Invoke { command: "alert ack".into(), args: json!({ "id": "a" }) }),
        Action::invoke("Long", long.clone()),
    ]);
    bed.teams.deliver(&post("k", &at, card)).await.unwrap();
    let ann = world.person("ann");
    let seen = ann.hears("#General").pop().unwrap();
    ann.click(&seen, "Ack").await.unwrap();
    ann.click(&seen, "Long").await.unwrap();
    let heard = bed.inbox.take();
    assert_eq!(lines(&heard), ["invoke alert ack", "invoke alert ack"]);
    assert!(matches!(&heard[1].said, Said::Invoke(invoke) if *invoke == long));
    // A card that changes tells its newest state to whoever's client asks.
    let refreshed = ann.refresh(&seen).await.unwrap();
    let _ = refreshed;
    // What a client makes up brings no files along, and no other people's clicks.
    let handle = json!({ "connector": format!("{}/secret", world.stranger_url()) });
    let file = json!({ "id": "i", "name": "n", "content_type": "t", "size": null, "handle": handle });
    let forged = json!({ "bellhop": { "s": { "command": "file put", "attachments": [file] } } });
    ann.forge_action(&seen, "run", forged).await.unwrap();
    let heard = bed.inbox.take();
    assert!(heard.iter().all(|incoming| incoming.attachments.is_empty()), "{heard:?}");
    ann.forge_action(&seen, "run", json!({ "bellhop": { "k": "00" } })).await.unwrap();
    ann.forge_action(&seen, "run", json!("nothing of ours")).await.unwrap();
    assert_eq!(bed.inbox.take().len(), 0);
    assert_eq!(world.ledger().wrongs(), Vec::<String>::new());
}

#[tokio::test]
async fn the_emulator_is_for_this_machine_only() {
    let world = world().await;
    let bed = Bed::new(&world, "emulator = true\n").await;
    let mut activity = world.activity("message", &world.person("ann"), "@bellhop");
    activity["text"] = json!("help");
    assert_eq!(world.send(&bed.url, &activity, &Forgery::Missing).await.unwrap().status, 200);
    assert_eq!(lines(&bed.inbox.take()), ["help"]);
    activity["serviceUrl"] = json!("https://smba.trafficmanager.net/emea/");
    activity["id"] = json!("other");
    assert_eq!(world.send(&bed.url, &activity, &Forgery::Missing).await.unwrap().status, 403);
    assert_eq!(bed.inbox.take().len(), 0);
    let conversation = activity.pointer("/conversation/id").and_then(|id| id.as_str()).unwrap();
    let at = Address::channel("work", world.tenant().as_str(), conversation);
    let sent = bed.teams.deliver(&post("k", &at, Card::text("x"))).await;
    // The world wants a token; the emulator has none to show.
    assert!(sent.is_err());
    assert_eq!(world.ledger().calls_of("token"), 0);
    let everywhere = "0.0.0.0:8787".parse().unwrap();
    let Err(refused) = common::adapter(everywhere, &world, "emulator = true\n", Arc::default(), Arc::default()) else {
        panic!("an emulator that the network reaches");
    };
    assert!(refused.message.contains("this machine"), "{refused}");
}
