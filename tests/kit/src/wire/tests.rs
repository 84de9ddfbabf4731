//! The world itself: strict, in order, and as bad as it is told to be.

use super::{Behaviour, Rate, Settings, WireWorld};
use crate::conformance;
use crate::wait::until;
use bellhop_core::call::Audience;
use bellhop_core::capabilities::Lookup;
use bellhop_core::ports::{ChatPlatform, Post};
use bellhop_core::{Card, PortErrorKind, Retry};
use bellhop_http::Limits;
use std::time::Duration;

async fn world(lookup: Lookup) -> WireWorld {
    WireWorld::start(Settings::new(lookup)).await.unwrap()
}

fn limits(total: u64) -> Limits {
    Limits { total: Duration::from_millis(total), ..Limits::default() }
}

fn post(world: &WireWorld, key: &str) -> Post {
    Post {
        key: key.into(),
        to: world.address("wire", "C1"),
        card: Card::text(key),
        audience: Audience::Everyone,
        answers: None,
        reply: None,
    }
}

async fn keeps_the_contract(lookup: Lookup) {
    let mut worlds = Vec::new();
    for _ in 0..conformance::chat::list().len() {
        worlds.push(world(lookup).await);
    }
    let mut next = worlds.iter();
    conformance::chat::suite(|| {
        let subject = next.next().unwrap().subject("wire").unwrap();
        async { subject }
    })
    .await;
}

#[tokio::test]
async fn looked_up_by_key_it_keeps_the_contract() {
    keeps_the_contract(Lookup::ByKey).await;
}

#[tokio::test]
async fn idempotent_it_keeps_the_contract() {
    keeps_the_contract(Lookup::Idempotent).await;
}

#[tokio::test]
async fn without_any_means_it_keeps_the_contract() {
    keeps_the_contract(Lookup::None).await;
}

#[tokio::test]
async fn what_is_lost_after_it_was_done_is_done() {
    let world = world(Lookup::ByKey).await;
    let chat = world.chat("wire", limits(5000)).unwrap();
    world.behave(Behaviour { lose_percent: 100, times: Some(1), ..Behaviour::default() }).await.unwrap();
    let error = chat.deliver(&post(&world, "a")).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (PortErrorKind::Unavailable, true), "{error}");
    assert!(chat.find(&world.address("wire", "C1"), &"a".into()).await.unwrap().is_some());
    // Sent again without looking, it stands there twice: the ledger tells.
    chat.deliver(&post(&world, "a")).await.unwrap();
    let ledger = world.ledger().await.unwrap();
    assert_eq!((ledger.duplicates(), ledger.lost_answers), (vec![("a", 2)], 1));
    assert_eq!(ledger.lost(["a", "b"]), ["b"]);

    world.behave(Behaviour { reset_percent: 100, times: Some(1), ..Behaviour::default() }).await.unwrap();
    let error = chat.deliver(&post(&world, "r")).await.unwrap_err();
    assert!(error.maybe_done);
    assert_eq!(world.ledger().await.unwrap().copies_of("r"), 0);

    for (behaviour, kind) in [
        (Behaviour { fail_after: Some(502), ..Behaviour::default() }, PortErrorKind::Unavailable),
        (Behaviour { garbage: true, ..Behaviour::default() }, PortErrorKind::Broken),
    ] {
        world.behave(Behaviour { times: Some(1), ..behaviour }).await.unwrap();
        let key = format!("{kind:?}");
        let error = chat.deliver(&post(&world, &key)).await.unwrap_err();
        assert_eq!((error.kind, error.maybe_done, world.ledger().await.unwrap().copies_of(&key)), (kind, true, 1));
    }
    world.behave(Behaviour { refuse: Some(500), ..Behaviour::default() }).await.unwrap();
    assert!(chat.deliver(&post(&world, "refused")).await.unwrap_err().maybe_done);
    assert_eq!(world.ledger().await.unwrap().copies_of("refused"), 0);
}

#[tokio::test]
async fn a_slow_world_goes_on_without_its_client() {
    let world = world(Lookup::ByKey).await;
    let chat = world.chat("wire", limits(100)).unwrap();
    world.behave(Behaviour { think_ms: 400, times: Some(1), ..Behaviour::default() }).await.unwrap();
    let error = chat.deliver(&post(&world, "slow")).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (PortErrorKind::TimedOut, true));
    // Whoever looks at once sees nothing, and whoever sends again now makes a duplicate.
    assert_eq!(chat.find(&world.address("wire", "C1"), &"slow".into()).await.unwrap(), None);
    until(Duration::from_secs(10), "the message of the client that is gone", || async {
        (world.ledger().await.unwrap().copies_of("slow") == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_rate_limit_is_kept_by_channel_and_early_calls_are_counted() {
    let world = world(Lookup::Idempotent).await;
    let chat = world.chat("wire", limits(5000)).unwrap();
    world.behave(Behaviour { rate: Some(Rate { count: 2, per_ms: 300 }), ..Behaviour::default() }).await.unwrap();
    for key in ["a", "b"] {
        chat.deliver(&post(&world, key)).await.unwrap();
    }
    let error = chat.deliver(&post(&world, "c")).await.unwrap_err();
    let Retry::After(pause) = error.retry else { panic!("{error:?}") };
    assert!(error.kind == PortErrorKind::RateLimited && !error.maybe_done && pause <= Duration::from_millis(300), "{pause:?}");
    let mut elsewhere = post(&world, "d");
    elsewhere.to = world.address("wire", "C2");
    chat.deliver(&elsewhere).await.unwrap();
    assert_eq!(world.ledger().await.unwrap().early, 0);
    chat.deliver(&post(&world, "c")).await.unwrap_err();
    assert_eq!(world.ledger().await.unwrap().early, 1);
    until(Duration::from_secs(5), "the end of the pause", || async { chat.deliver(&post(&world, "c")).await.ok() }).await;
    let texts: Vec<String> = world.seen("C1", "ann").await.unwrap().into_iter().map(|seen| seen.text).collect();
    assert_eq!(texts, ["a", "b", "c"]);
}

#[tokio::test]
async fn chances_come_as_often_as_told() {
    let world = world(Lookup::ByKey).await;
    let chat = world.chat("wire", limits(5000)).unwrap();
    world.behave(Behaviour { lose_percent: 20, ..Behaviour::default() }).await.unwrap();
    let mut failed = 0;
    for n in 0..200 {
        failed += u64::from(chat.deliver(&post(&world, &n.to_string())).await.is_err());
    }
    let ledger = world.ledger().await.unwrap();
    assert!((20..=60).contains(&failed) && ledger.lost_answers == failed && ledger.copies.len() == 200, "{failed} of 200");
}

#[tokio::test]
async fn strangers_and_nonsense_are_refused() {
    let world = world(Lookup::ByKey).await;
    let client = bellhop_http::Client::new("t", limits(5000)).unwrap();
    let url = format!("{}/api/channels/C1/messages", world.url());
    let stranger = client.post("deliver", "/", &url).json(&serde_json::json!({"key": "k", "card": {}})).send().await.unwrap_err();
    assert_eq!(stranger.kind, PortErrorKind::Unauthenticated);
    for body in ["{", "[]", r#"{"key":"k"}"#, r#"{"key":"k","card":{},"extra":1}"#, r#"{"key":"","card":{}}"#] {
        let request = client.post("deliver", "/", &url).bearer("wire-token").content("application/json", body.into());
        assert_eq!(request.send().await.unwrap_err().kind, PortErrorKind::Invalid, "{body}");
    }
    assert_eq!(world.ledger().await.unwrap().copies.len(), 0);
}
