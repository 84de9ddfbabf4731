//! Interactions by the gateway's other way, signed requests, and the rules of their answers.

use super::bot::Bot;
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::discord::{DiscordWorld, Forgery, Settings};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// Something that answers requests in one way, and keeps what came.
async fn endpoint(status: u16, answer: Value) -> (String, Arc<Mutex<Vec<Value>>>) {
    let heard: Arc<Mutex<Vec<Value>>> = Arc::default();
    let kept = heard.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/interactions", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback(move |body: axum::body::Bytes| {
        kept.lock().unwrap().push(serde_json::from_slice(&body).unwrap_or_default());
        let answer = answer.clone();
        async move {
            let status = axum::http::StatusCode::from_u16(status).unwrap();
            let text = if answer.is_null() { String::new() } else { answer.to_string() };
            (status, [("content-type", "application/json")], text)
        }
    });
    TaskTracker::new().spawn(async move { axum::serve(listener, app).await });
    (url, heard)
}

async fn with_command(world: &DiscordWorld) -> Bot {
    let bot = Bot::of(world);
    let who = json!({ "name": "who", "description": "d", "type": 6 });
    let body = json!([{ "name": "ask", "description": "d", "options": [{ "name": "what", "description": "d", "type": 3, "required": true }, who] }]);
    assert_eq!(bot.put(&format!("/applications/{}/commands", world.application_id()), &body).await.0, 200);
    bot
}

#[tokio::test]
async fn a_request_is_answered_at_once_or_later_by_its_token() {
    let clock = Arc::new(StoppedClock::default());
    let world = DiscordWorld::start_with(Settings { clock: clock.clone(), ..Settings::default().unlimited() }).await.unwrap();
    let bot = with_command(&world).await;
    let ann = world.person("ann");
    assert!(ann.slash("/ask", "#ops").await.unwrap_err().contains("what"));
    let (url, heard) = endpoint(200, json!({ "type": 5, "data": { "flags": 64 } })).await;
    world.deliver_over_http(&url);
    let taken = ann.slash("/ask what:a b who:@bob", "#ops").await.unwrap();
    assert_eq!(taken.kind, 5);
    let payload = heard.lock().unwrap().last().unwrap().clone();
    assert_eq!(payload["data"]["options"][0], json!({ "name": "what", "type": 3, "value": "a b" }));
    assert_eq!(payload["data"]["resolved"]["users"][world.person("bob").id.as_str()]["username"], "bob");
    let seen = ann.sees("#ops").pop().unwrap();
    assert!(seen.thinking && seen.ephemeral);
    assert_eq!(world.person("bob").sees("#ops"), []);
    let (app, token) = (world.application_id(), payload["token"].as_str().unwrap().to_owned());
    let body = json!({ "content": "done", "allowed_mentions": { "parse": [] } });
    assert_eq!(bot.patch(&format!("/webhooks/{app}/{token}/messages/@original"), &body).await.0, 200);
    let seen = ann.sees("#ops").pop().unwrap();
    assert!(seen.text == "done" && seen.ephemeral && !seen.thinking && !seen.edited, "{seen:?}");
    let again = format!("/interactions/{}/{token}/callback", payload["id"].as_str().unwrap());
    assert_eq!(bot.post(&again, &json!({ "type": 4, "data": body })).await.1["code"], 40060);
    assert_eq!(bot.post(&format!("/webhooks/{app}/{token}"), &body).await.0, 200);
    clock.advance(Duration::from_mins(16));
    assert_eq!(bot.post(&format!("/webhooks/{app}/{token}"), &body).await.1["code"], 50027);
    assert!(world.ledger().careless.iter().all(|what| what.contains("token where none is wanted")), "{:?}", world.ledger().careless);
}

#[tokio::test]
async fn no_answer_or_a_bad_one_is_seen_as_such() {
    let world =
        DiscordWorld::start_with(Settings { respond_within: Duration::from_millis(300), ..Settings::default().unlimited() }).await.unwrap();
    let bot = with_command(&world).await;
    let ann = world.person("ann");
    assert!(ann.slash("/ask what:x", "#ops").await.unwrap_err().contains("no session"));
    let (url, heard) = endpoint(202, Value::Null).await;
    world.deliver_over_http(&url);
    assert!(ann.slash("/ask what:x", "#ops").await.unwrap_err().contains("in time"));
    assert_eq!(ann.sees("#ops").pop().unwrap().text, "The application did not respond");
    let payload = heard.lock().unwrap().last().unwrap().clone();
    let late = format!("/interactions/{}/{}/callback", payload["id"].as_str().unwrap(), payload["token"].as_str().unwrap());
    assert_eq!(bot.post(&late, &json!({ "type": 5 })).await.1["code"], 10062);
    for bad in [json!({ "type": 8, "data": { "choices": [] } }), json!({ "type": 4, "data": { "content": "x".repeat(2001) } })] {
        let (url, _) = endpoint(200, bad.clone()).await;
        world.deliver_over_http(&url);
        assert!(ann.slash("/ask what:x", "#ops").await.unwrap_err().contains("50035"), "{bad}");
    }
}

#[tokio::test]
async fn an_endpoint_that_takes_what_is_forged_is_not_taken() {
    let world = DiscordWorld::start().await.unwrap();
    let (url, _) = endpoint(200, json!({ "type": 1 })).await;
    assert!(world.enter_endpoint(&url).await.unwrap_err().contains("forged"));
    for forgery in [Forgery::OtherKey, Forgery::Unsigned, Forgery::Untimed, Forgery::OtherTimestamp, Forgery::NoNumber, Forgery::Short] {
        assert_eq!(world.send(&url, &json!({ "type": 1 }), forgery).await.unwrap().status, 200, "{forgery:?}");
    }
    let cut = world.send(&url, &json!({ "type": 1 }), Forgery::Truncated).await;
    assert!(cut.as_ref().is_ok_and(|answer| answer.status != 200) || cut.is_err(), "{cut:?}");
}
