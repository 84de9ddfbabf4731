//! The door: who comes in, how, and what every answer says to the browser.

mod world;

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use bellhop_core::card::Card;
use serde_json::json;
use std::time::Duration;
use world::World;
use world::browser::{Browser, HOST};

#[tokio::test]
async fn a_link_logs_in_once() {
    let world = World::new();
    let link = world.console.login_link(&format!("http://{HOST}/")).await.unwrap();
    let path = link.strip_prefix(&format!("http://{HOST}")).unwrap();
    let stranger = Browser::stranger(&world.console);
    // Only looking whether the address answers does not use it up.
    let look = stranger.send(stranger.request(&Method::HEAD, path).body(Body::empty()).unwrap()).await;
    assert_eq!((look.status, look.header("set-cookie")), (StatusCode::OK, ""));
    let racing = futures::future::join_all((0..8).map(|_| stranger.get(path))).await;
    let (inside, outside): (Vec<_>, Vec<_>) = racing.iter().partition(|answer| answer.status == StatusCode::SEE_OTHER);
    assert_eq!((inside.len(), outside.len()), (1, 7));
    let cookie = inside[0].header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && inside[0].header("location") == "/", "{cookie}");
    assert!(outside[0].text().contains("used already"), "{}", outside[0].text());
}

#[tokio::test]
async fn a_link_ends_after_a_day() {
    let world = World::new();
    let link = world.console.login_link("").await.unwrap();
    world.clock.advance(Duration::from_hours(25));
    assert_eq!(Browser::stranger(&world.console).get(&link).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_session_ends_and_leaves_no_secret_behind() {
    let world = World::new();
    let browser = Browser::log_in(&world.console).await;
    assert!(browser.get("/").await.text().contains("Ada (admin)"));
    for collection in ["console.console.sessions", "console.console.passes"] {
        let kept = world.ports.records.after(collection, None, 10).await.unwrap();
        assert!(kept.iter().all(|record| record.key.len() == 64), "a key that is no hash: {kept:?}");
    }
    world.clock.advance(Duration::from_hours(31 * 24));
    assert!(browser.get("/").await.text().contains("Log-in link or token"));
    assert_eq!(browser.get("/c/general").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn strangers_see_the_door_and_nothing_else() {
    let world = World::new();
    let id = world.deliver("k", "general", Card::text("inner matters")).await;
    let stranger = Browser::stranger(&world.console);
    let door = stranger.get("/").await;
    assert_eq!(door.status, StatusCode::OK);
    assert!(door.text().contains("prints a log-in link when it starts") && !door.text().contains("inner matters"));
    for path in [
        "/c/general",
        "/c/general/x",
        "/console/events",
        "/console/older?channel=general&before=x",
        &format!("/console/file/{id}/0"),
        "/console/complete?channel=general&line=/",
        "/console/session",
    ] {
        assert_eq!(stranger.get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(stranger.say("general", "/help", "12345678", &[]).await.status, StatusCode::UNAUTHORIZED);
    assert!(world.inbox.take().is_empty());
}

#[tokio::test]
async fn only_our_own_page_may_post() {
    let world = World::new();
    let browser = Browser::log_in(&world.console).await;
    let body = json!({ "channel": "general", "text": "/help", "key": "12345678" }).to_string();
    for origin in [Some("http://evil.example"), Some("null"), Some("http://127.0.0.1:9999"), None] {
        let mut request = browser.request(&Method::POST, "/console/say").body(Body::from(body.clone())).unwrap();
        request.headers_mut().remove(header::ORIGIN);
        if let Some(origin) = origin {
            request.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
        }
        let answer = browser.send(request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin:?}");
        assert!(answer.text().contains("Origin"));
    }
    assert!(world.inbox.take().is_empty());
}

#[tokio::test]
async fn every_answer_carries_the_policy() {
    let world = World::new();
    let browser = Browser::log_in(&world.console).await;
    for path in
        ["/", "/login", "/c/none", "/console/older?channel=general&before=x", "/console/assets/x/page.css", "/console/assets/x/none"]
    {
        let answer = browser.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!((answer.header("x-content-type-options"), answer.header("x-frame-options")), ("nosniff", "DENY"), "{path}");
    }
    let page = browser.get("/").await.text();
    assert!(!page.contains(" style=") && !page.contains(" onclick=") && !page.contains("<script>"), "the page has something inline");
}
