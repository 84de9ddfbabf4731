//! Files on the page: up, down, in part, and never as a page of their own.

#![expect(clippy::unwrap_used, reason = "helpers of tests end the test where something is wrong")]

mod world;

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use bellhop_core::Address;
use bellhop_core::call::Audience;
use bellhop_core::card::{Block, Card, FileBlock, FileSource, Image};
use bellhop_core::ids::MessageId;
use bellhop_core::ports::{ChatPlatform as _, Post};
use serde_json::json;
use std::time::Duration;
use world::World;
use world::browser::Browser;

const FORM: &str = "application/x-www-form-urlencoded";

async fn deliver(world: &World, key: &str, channel: &str, card: Card) -> MessageId {
    let to = Address::channel("console", "local", channel);
    world.console.deliver(&Post { key: key.into(), to, card, audience: Audience::Everyone, answers: None, reply: None }).await.unwrap()
}

#[tokio::test]
async fn downloads_come_whole_or_in_part_and_never_as_a_page() {
    let world = World::new();
    let file = |source| Block::File(FileBlock { name: "rü \"1\".html".into(), content_type: "text/html".into(), size: 10, source });
    let stored = FileSource::Stored { store: "memory".into(), name: "folder/report.txt".into(), version: None };
    let lost = FileSource::Stored { store: "memory".into(), name: "folder/none.txt".into(), version: None };
    let card = Card::titled("Files").block(file(stored)).block(file(FileSource::Inline(b"0123456789".as_slice().into()))).block(file(lost));
    let id = deliver(&world, "k", "general", card).await;
    let browser = Browser::log_in(&world.console).await;
    for number in [0, 1] {
        let path = format!("/console/file/{id}/{number}");
        let whole = browser.get(&path).await;
        assert_eq!((whole.status, whole.text().as_str()), (StatusCode::OK, "0123456789"));
        assert_eq!(whole.header("content-disposition"), "attachment; filename=\"r_ _1_.html\"; filename*=UTF-8''r%C3%BC%20%221%22.html");
        assert!(whole.header("content-security-policy").contains("sandbox") && whole.header("x-content-type-options") == "nosniff");
        let part =
            |range: &str| browser.send(browser.request(&Method::GET, &path).header(header::RANGE, range).body(Body::empty()).unwrap());
        let middle = part("bytes=2-4").await;
        assert_eq!(
            (middle.status, middle.text().as_str(), middle.header("content-range"), middle.header("content-length")),
            (StatusCode::PARTIAL_CONTENT, "234", "bytes 2-4/10", "3")
        );
        assert_eq!(part("bytes=-2").await.text(), "89");
        let beyond = part("bytes=10-").await;
        assert_eq!((beyond.status, beyond.header("content-range")), (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */10"));
        // Another state of the file than the reader has begun with: all of it.
        let changed = browser
            .request(&Method::GET, &path)
            .header(header::RANGE, "bytes=2-4")
            .header(header::IF_RANGE, "\"other\"")
            .body(Body::empty())
            .unwrap();
        assert_eq!(browser.send(changed).await.status, StatusCode::OK);
    }
    assert_eq!(browser.get(&format!("/console/file/{id}/2")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(Browser::stranger(&world.console).get(&format!("/console/file/{id}/0")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_hostile_picture_is_only_a_picture() {
    let world = World::new();
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let image = |content_type: &str| {
        Block::Image(Image {
            alt: "A \"chart\"".into(),
            name: "c.svg".into(),
            content_type: content_type.into(),
            bytes: svg.as_slice().into(),
        })
    };
    let id = deliver(&world, "k", "general", Card::titled("Chart").block(image("image/svg+xml")).block(image("text/html"))).await;
    let browser = Browser::log_in(&world.console).await;
    let page = browser.get("/c/general").await.text();
    assert!(page.contains(&format!("<img class=\"drawn\" src=\"/console/media/{id}/0?r=0\" alt=\"A &quot;chart&quot;\">")), "{page}");
    let shown = browser.get(&format!("/console/media/{id}/0?r=0")).await;
    assert_eq!(shown.header("content-type"), "image/svg+xml");
    assert!(
        shown.header("content-security-policy").contains("sandbox")
            && shown.header("content-security-policy").contains("default-src 'none'")
    );
    assert_eq!(browser.get(&format!("/console/media/{id}/1?r=0")).await.header("content-type"), "application/octet-stream");
}

#[tokio::test]
async fn uploads_are_limited_owned_and_removed() {
    let config: bellhop_console::ConsoleConfig = serde_json::from_value(json!({ "upload_limit": "1KiB" })).unwrap();
    let world = World::with(config);
    let (ada, max) = (Browser::log_in(&world.console).await, Browser::of(&world, "max").await);
    let large =
        ada.send(ada.request(&Method::POST, "/console/upload").header("x-file-name", "a").body(Body::from(vec![0; 2000])).unwrap()).await;
    assert!(large.status == StatusCode::PAYLOAD_TOO_LARGE && large.text().contains("1 KiB"), "{}", large.text());
    let upload = ada.upload("a b.txt", b"bytes").await;
    // Another's upload can be neither sent nor removed.
    assert_eq!(max.say("general", "/file put", "key-00001", &[&upload]).await.status, StatusCode::NOT_FOUND);
    max.post(&format!("/console/upload/{upload}/drop"), FORM, "").await;
    assert_eq!(ada.say("general", "/file put", "key-00001", &[&upload]).await.status, StatusCode::OK);
    let attachment = world.inbox.take().remove(0).attachments.remove(0);
    assert_eq!((attachment.name.as_str(), attachment.size), ("a b.txt", Some(5)));
    let files = |folder: &str| std::fs::read_dir(world.data_dir().join("chat/console").join(folder)).map_or(0, Iterator::count);
    assert_eq!((files("uploads"), files("incoming")), (1, 0));
    world.clock.advance(Duration::from_hours(25));
    let stop = bellhop_core::ports::Stop::new();
    stop.cancel();
    world.console.listen(stop).await.unwrap();
    assert_eq!(files("uploads"), 0);
    assert!(world.console.fetch(&attachment).await.is_err());
}

#[tokio::test]
async fn a_file_that_goes_with_talk_stays() {
    let world = World::new();
    let ada = Browser::log_in(&world.console).await;
    let upload = ada.upload("plan.txt", b"the plan").await;
    ada.say("general", "have a look", "key-00001", &[&upload]).await;
    let max = Browser::of(&world, "max").await;
    let page = max.get("/c/general").await.text();
    let at = page.find("/console/file/").unwrap();
    let address = page[at..].split('"').next().unwrap();
    assert_eq!(max.get(address).await.text(), "the plan");
}
