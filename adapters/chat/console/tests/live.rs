//! Live changes: what a page that stays open is told, whoever wrote it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests end the test where something is wrong")]

mod world;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use bellhop_core::Address;
use bellhop_core::call::Audience;
use bellhop_core::card::Card;
use bellhop_core::ids::MessageId;
use bellhop_core::ports::{Channels as _, ChatPlatform, Post, Stop};
use futures::StreamExt as _;
use std::time::Duration;
use world::World;
use world::browser::Browser;

const LIMIT: Duration = Duration::from_secs(10);

fn post(key: &str, text: &str) -> Post {
    Post {
        key: key.into(),
        to: Address::channel("console", "local", "general"),
        card: Card::text(text),
        audience: Audience::Everyone,
        answers: None,
        reply: None,
    }
}

async fn deliver(console: &dyn ChatPlatform, key: &str, text: &str) -> MessageId {
    console.deliver(&post(key, text)).await.unwrap()
}

/// A page's open stream of events.
struct Page {
    body: axum::body::BodyDataStream,
    read: String,
}

#[derive(Debug, Default)]
struct Event {
    id: String,
    kind: String,
    data: String,
}

impl Page {
    async fn open(browser: &Browser, path: &str, last: Option<&str>) -> Self {
        let mut request = browser.request(&Method::GET, path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = browser.open(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        Self { body: response.into_body().into_data_stream(), read: String::new() }
    }

    /// The next event, or nothing when the stream ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.read.split_once("\n\n") {
                let mut event = Event::default();
                for line in block.lines() {
                    match line.split_once(": ").or_else(|| line.split_once(':')) {
                        Some(("id", value)) => value.clone_into(&mut event.id),
                        Some(("event", value)) => value.clone_into(&mut event.kind),
                        Some(("data", value)) => event.data.push_str(value),
                        _ => {}
                    }
                }
                self.read = String::from(rest);
                if !event.kind.is_empty() {
                    return Some(event);
                }
                continue;
            }
            let chunk = tokio::time::timeout(LIMIT, self.body.next()).await.expect("an event within the limit")?;
            self.read.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    async fn message(&mut self) -> (String, serde_json::Value) {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.kind == "message" {
                return (event.id, serde_json::from_str(&event.data).unwrap());
            }
        }
    }
}

#[tokio::test]
async fn what_is_posted_and_changed_reaches_the_page() {
    let world = World::new();
    let browser = Browser::log_in(&world.console).await;
    let mut page = Page::open(&browser, "/console/events", None).await;
    let id = deliver(&*world.console, "a", "first words").await;
    let (_, event) = page.message().await;
    assert!(event["fresh"] == true && event["html"].as_str().unwrap().contains("first words"), "{event}");
    world.console.revise(&id, &post("a", "second words")).await.unwrap();
    let (_, event) = page.message().await;
    assert!(event["fresh"] == false && event["html"].as_str().unwrap().contains("second words"), "{event}");
    world.console.retract(&Address::channel("console", "local", "general"), &id).await.unwrap();
    let (_, event) = page.message().await;
    assert!(event["gone"] == true && event["html"].is_null(), "{event}");
}

#[tokio::test]
async fn a_reconnect_misses_nothing() {
    let world = World::new();
    let browser = Browser::log_in(&world.console).await;
    let mut page = Page::open(&browser, "/console/events", None).await;
    deliver(&*world.console, "a", "one").await;
    let (seen, _) = page.message().await;
    drop(page);
    for at in 0..250 {
        deliver(&*world.console, &format!("b{at}"), &format!("note {at} end")).await;
    }
    let mut page = Page::open(&browser, "/console/events?after=0", Some(&seen)).await;
    for at in 0..250 {
        let (_, event) = page.message().await;
        assert!(event["html"].as_str().unwrap().contains(&format!("note {at} end")));
    }
}

#[tokio::test]
async fn another_process_is_heard_too() {
    let world = World::new();
    let browser = Browser::log_in(&world.console).await;
    let mut page = Page::open(&browser, "/console/events", None).await;
    let other = world.beside();
    deliver(&*other, "a", "from beside").await;
    assert!(page.message().await.1["html"].as_str().unwrap().contains("from beside"));
    // Both write, and neither's changes get lost.
    for at in 0..20 {
        let (here, there): (&dyn ChatPlatform, &dyn ChatPlatform) = (&*world.console, &*other);
        let keys = (format!("h{at}"), format!("t{at}"));
        tokio::join!(deliver(here, &keys.0, "here"), deliver(there, &keys.1, "there"));
    }
    let mut seen = (0, 0);
    while seen.0 + seen.1 < 40 {
        let html = page.message().await.1["html"].to_string();
        seen.0 += i32::from(html.contains(">here<"));
        seen.1 += i32::from(html.contains(">there<"));
    }
    assert_eq!(seen, (20, 20));
}

#[tokio::test]
async fn nobody_hears_what_is_not_for_them() {
    let world = World::new();
    let max = Browser::of(&world, "max").await;
    let mut page = Page::open(&max, "/console/events", None).await;
    let made = world.console.create("board", true).await.unwrap();
    world.console.deliver(&Post { to: made.address, ..post("p", "for the board") }).await.unwrap();
    let olive = Some(bellhop_core::UserRef { chat: "console".into(), workspace: "local".into(), user: "olive".into() });
    world.console.deliver(&Post { audience: Audience::Caller, answers: olive, ..post("q", "for olive") }).await.unwrap();
    deliver(&*world.console, "r", "for all").await;
    assert!(page.message().await.1["html"].as_str().unwrap().contains("for all"));
}

#[tokio::test]
async fn a_page_from_before_the_records_is_loaded_anew() {
    let world = World::new();
    let browser = Browser::log_in(&world.console).await;
    let mut page = Page::open(&browser, "/console/events", Some("999999")).await;
    assert_eq!(page.next().await.unwrap().kind, "reload");
}

#[tokio::test]
async fn the_stop_ends_open_pages() {
    let world = World::new();
    let browser = Browser::log_in(&world.console).await;
    let mut page = Page::open(&browser, "/console/events", None).await;
    let stop = Stop::new();
    stop.cancel();
    world.console.listen(stop).await.unwrap();
    while page.next().await.is_some() {}
}
