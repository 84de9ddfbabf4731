//! Webhooks through the whole bot: made by a command, posted to over HTTP, seen in a channel.

use crate::whole::{Answer, Whole};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellhop_core::Clock as _;
use bellhop_core::card::{Block, Card};
use bellhop_core::ports::Records as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::time::Duration;

const JSON: &str = "application/json";

/// The address and the secret that a card says.
fn given(card: &Card) -> (String, String) {
    let fields: Vec<String> = card
        .blocks
        .iter()
        .filter_map(|block| if let Block::Fields(fields) = block { Some(fields) } else { None })
        .flatten()
        .map(|field| field.value[0].text())
        .collect();
    (fields[0].clone(), fields[1].clone())
}

async fn made(bot: &Whole, line: &str) -> (String, String) {
    given(&bot.called(line, line).await)
}

fn said(status: u16, text: &str) -> Answer {
    Answer { status, text: text.to_owned(), kind: "text/plain; charset=utf-8".to_owned(), retry_after: None }
}

fn signature(secret: &str, id: &str, time: i64, body: &str) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{time}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn what_is_posted_lands_in_the_channel() {
    let bot = Whole::start().await;
    let (url, secret) = made(&bot, "hook create deploys --to #general").await;
    let id = url.strip_prefix(&format!("{}/hooks/", bot.url)).unwrap();
    assert!(id.len() >= 32 && id.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
    assert_eq!(STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap().len(), 32);
    for (kind, body) in [
        (JSON, r#"{"text":"first *build* <!channel> &amp; more","channel":"\#elsewhere","username":"ci"}"#.replace('\\', "")),
        ("text/plain", r#"{"text":"second build"}"#.to_owned()),
        ("application/x-www-form-urlencoded", "payload=%7B%22text%22%3A%22third+build%22%7D".to_owned()),
        (JSON, r#"{"attachments":[{"color":"danger","title":"fourth","fields":[{"title":"Build","value":"7"}]}]}"#.to_owned()),
    ] {
        assert_eq!(bot.post(&url, kind, &[], body.clone()).await, said(200, "ok"), "{body}");
    }
    let first = bot.shown("general", "first ", 1).await.remove(0);
    assert!(first.contains("@channel & more") && first.contains("ci"), "{first}");
    for text in ["second build", "third build", "fourth"] {
        bot.shown("general", text, 1).await;
    }
    let messages = bot.messages("general").await.join("\n");
    assert!(messages.find("second build") < messages.find("third build"), "they are shown in the order in which they came");
    assert!(!bot.messages("elsewhere").await.join("").contains("build"));
    assert!(bot.said("hook test deploys").await.contains("on its way"));
    bot.shown("general", "Test of the webhook deploys", 1).await;
    let log = bot.said("hook logs deploys").await;
    assert_eq!(log.matches("  ok").count(), 5, "{log}");
    assert!(log.contains("127.0.0.1") && log.contains("hook test by You") && !log.contains("build"), "{log}");
}

#[tokio::test]
async fn refusals_are_those_that_programs_know() {
    let bot = Whole::start().await;
    let (url, _) = made(&bot, "hook create deploys --to #general").await;
    for (body, status, text) in [
        ("nonsense", 400, "invalid_payload"),
        (r#"{"foo":1}"#, 400, "no_text"),
        (r#"{"text":""}"#, 400, "no_text"),
        (r#"{"blocks":{}}"#, 400, "invalid_blocks"),
    ] {
        assert_eq!(bot.post(&url, JSON, &[], body).await, said(status, text), "{body}");
    }
    assert_eq!(bot.post(&format!("{}/hooks/unknown", bot.url), JSON, &[], r#"{"text":"x"}"#).await, said(404, "no_service"));
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(512 << 10));
    assert_eq!(bot.post(&url, JSON, &[], long).await, said(413, "payload_too_large"));
    let long = format!(r#"{{"text":"{}"}}"#, "long ".repeat(100 << 10));
    assert_eq!(bot.post(&url, JSON, &[], long).await, said(200, "ok"), "a message is never refused for its size");
    bot.said("channel create closing").await;
    let (closing, _) = made(&bot, "hook create closing --to #closing").await;
    assert!(bot.said("channel archive --in #closing --yes").await.contains("Archived"));
    // What is known of the chat's channels is asked for anew after a while.
    bot.clock.advance(Duration::from_secs(16));
    assert_eq!(bot.post(&closing, JSON, &[], r#"{"text":"x"}"#).await, said(410, "channel_is_archived"));
    assert!(bot.said("hook logs closing").await.contains("channel_is_archived"));
    assert!(bot.said("hook delete deploys --yes").await.contains("takes nothing any more"));
    assert_eq!(bot.post(&url, JSON, &[], r#"{"text":"x"}"#).await, said(404, "no_service"));
    assert!(bot.store.after("hooks/log", None, 100).await.unwrap().len() == 1, "what was deleted leaves no log");
}

#[tokio::test]
async fn signatures_are_checked_where_they_are_and_where_they_must_be() {
    let bot = Whole::start().await;
    let body = r#"{"text":"signed build"}"#;
    let now = bot.clock.now().timestamp();
    for (line, must) in [("hook create open --to #general", false), ("hook create closed --to #general --signed", true)] {
        let (url, secret) = made(&bot, line).await;
        let post = async |id: &str, time: i64, signature: &str, body: &str| {
            let time = time.to_string();
            bot.post(&url, JSON, &[("webhook-id", id), ("webhook-timestamp", &time), ("webhook-signature", signature)], body).await
        };
        let good = signature(&secret, "m1", now, body);
        assert_eq!(post("m1", now, &good, body).await, said(200, "ok"), "{line}");
        assert_eq!(post("m2", now, &good, body).await, said(403, "action_prohibited"));
        assert_eq!(post("m1", now, &good, r#"{"text":"forged build"}"#).await, said(403, "action_prohibited"));
        let stale = now - 301;
        assert_eq!(post("m1", stale, &signature(&secret, "m1", stale, body), body).await, said(403, "action_prohibited"));
        let unsigned = bot.post(&url, JSON, &[], r#"{"text":"unsigned build"}"#).await;
        assert_eq!(unsigned, if must { said(403, "action_prohibited") } else { said(200, "ok") });
    }
    bot.shown("general", "signed build", 3).await;
    assert!(!bot.messages("general").await.join("").contains("forged"));
}

#[tokio::test]
async fn the_same_key_is_the_same_message() {
    let bot = Whole::start().await;
    let (url, _) = made(&bot, "hook create deploys --to #general").await;
    for header in ["webhook-id", "idempotency-key"] {
        for _ in 0..3 {
            assert_eq!(bot.post(&url, JSON, &[(header, header)], format!(r#"{{"text":"once by {header}"}}"#)).await, said(200, "ok"));
        }
    }
    assert_eq!(bot.post(&url, JSON, &[], r#"{"text":"the last"}"#).await, said(200, "ok"));
    bot.shown("general", "the last", 1).await;
    bot.shown("general", "once by webhook-id", 1).await;
    bot.shown("general", "once by idempotency-key", 1).await;
}

#[tokio::test]
async fn a_program_that_runs_wild_is_told_to_wait() {
    let bot = Whole::start().await;
    let (url, _) = made(&bot, "hook create deploys --to #general").await;
    let (other, _) = made(&bot, "hook create other --to #general").await;
    for _ in 0..50 {
        assert_eq!(bot.post(&url, JSON, &[], "{}").await, said(400, "no_text"));
    }
    let wild = Answer { retry_after: Some("1".to_owned()), ..said(429, "rate_limited") };
    assert_eq!(bot.post(&url, JSON, &[], r#"{"text":"x"}"#).await, wild);
    assert_eq!(bot.post(&other, JSON, &[], r#"{"text":"x"}"#).await, said(200, "ok"));
    bot.clock.advance(Duration::from_secs(1));
    assert_eq!(bot.post(&url, JSON, &[], r#"{"text":"x"}"#).await, said(200, "ok"));
    let log = bot.said("hook logs deploys").await;
    assert!(log.contains("The last 20 requests") && !log.contains("rate_limited"), "{log}");
    assert!(bot.store.after("hooks/log", None, 1000).await.unwrap().len() <= 21);
}

#[tokio::test]
async fn neither_the_address_nor_the_secret_can_be_read_in_the_database() {
    let bot = Whole::start().await;
    let (url, secret) = made(&bot, "hook create deploys --to #general").await;
    let id = url.rsplit('/').next().unwrap();
    for collection in ["hooks", "hooks/names", "hooks/log"] {
        for record in bot.store.after(collection, None, 100).await.unwrap() {
            let kept = format!("{} {}", record.key, record.value);
            assert!(!kept.contains(id) && !kept.contains(&secret) && !kept.contains(&secret[6..]), "{collection}: {kept}");
        }
    }
    assert!(!bot.said("hook list").await.contains(id));
}

#[tokio::test]
async fn a_call_that_is_made_again_replaces_what_it_made() {
    let bot = Whole::start().await;
    let (first, _) = given(&bot.called("one", "hook create deploys --to #general").await);
    let (second, _) = given(&bot.called("one", "hook create deploys --to #general").await);
    assert_eq!(bot.post(&first, JSON, &[], r#"{"text":"x"}"#).await, said(404, "no_service"));
    assert_eq!(bot.post(&second, JSON, &[], r#"{"text":"x"}"#).await, said(200, "ok"));
    assert!(bot.said("hook create deploys --to #general").await.contains("already"));
    assert_eq!(bot.post(&second, JSON, &[], r#"{"text":"x"}"#).await, said(200, "ok"));
    assert_eq!(bot.store.after("hooks", None, 100).await.unwrap().len(), 1, "what was refused leaves nothing behind");
}
