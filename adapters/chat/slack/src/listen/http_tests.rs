//! Requests as Slack makes them, and as others do.

use super::*;
use crate::listen::testing::{Api, Bench, Say, bench, command, mention, silent_api, suggestion};
use crate::signature::sign;
use axum::http::Request as HttpRequest;
use bellhop_core::clock::Clock as _;
use bellhop_core::ports::Said;
use futures::FutureExt as _;
use proptest::prelude::*;
use tower::ServiceExt as _;

const SECRET: &str = "s3cret";
const HTTP: &str = "bot_token = \"xoxb-1\"\nsigning_secret = [\"s3cret\", \"the next\"]";

struct Answered {
    status: u16,
    kind: String,
    body: String,
}

impl Answered {
    fn is_empty(&self) -> bool {
        self.status == 200 && self.body.is_empty()
    }
}

async fn send(bench: &Bench, method: &str, path: &str, headers: &[(&str, String)], body: impl Into<Body>) -> Answered {
    let mut request = HttpRequest::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let response = router(bench.desk.clone()).oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
    let body = axum::body::to_bytes(response.into_body(), 1 << 22).await.unwrap();
    Answered { status, kind, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn signed(bench: &Bench, body: &str) -> Answered {
    let at = bench.clock.now().timestamp();
    send(bench, "POST", "/chat/work", &sign(SECRET, at, body.as_bytes()), body.to_owned()).await
}

fn form(fields: &Value) -> String {
    let pairs = fields.as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap()));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn payload(payload: &Value) -> String {
    form(&json!({ "payload": payload.to_string() }))
}

#[tokio::test]
async fn a_command_is_kept_and_acknowledged_with_nothing() {
    let bench = bench(&silent_api().await.url, HTTP);
    assert!(signed(&bench, &form(&command("1.2.a"))).await.is_empty());
    let kept = bench.inbox.kept.take();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].key.as_str(), "cmd:1.2.a");
    assert!(matches!(&kept[0].said, Said::Line(line) if line.contains("help")), "{:?}", kept[0].said);
}

#[tokio::test]
async fn what_is_delivered_twice_is_kept_once_and_acknowledged_twice() {
    let bench = bench(&silent_api().await.url, HTTP);
    let body = mention("1793620800.000100").to_string();
    for _ in 0..3 {
        assert!(signed(&bench, &body).await.is_empty());
    }
    // A replay of the very same request, signature and all, and one that Slack marks as a repetition.
    let at = bench.clock.now().timestamp();
    let mut headers = sign(SECRET, at, body.as_bytes()).to_vec();
    headers.push(("x-slack-retry-num", "1".into()));
    assert!(send(&bench, "POST", "/chat/work", &headers, body).await.is_empty());
    assert_eq!(bench.inbox.kept.take().len(), 1);
}

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_kept() {
    let bench = bench(&silent_api().await.url, HTTP);
    bench.inbox.hold(true);
    let body = form(&command("1.2.b"));
    let mut waiting = std::pin::pin!(signed(&bench, &body));
    bellhop_kit::wait::until(crate::listen::testing::SOON, "the command to reach the inbox", || {
        let answered = waiting.as_mut().now_or_never().is_some();
        let came = bench.inbox.came.load(std::sync::atomic::Ordering::SeqCst);
        async move { (!answered && came == 1).then_some(()) }
    })
    .await;
    assert!(waiting.as_mut().now_or_never().is_none());
    bench.inbox.hold(false);
    assert!(waiting.await.is_empty());
}

#[tokio::test]
async fn forged_stale_and_unsigned_requests_are_refused_and_keep_nothing() {
    let bench = bench(&silent_api().await.url, HTTP);
    let (body, at) = (form(&command("1.2.c")), bench.clock.now().timestamp());
    let cases = [
        ("another secret", sign("guess", at, body.as_bytes()).to_vec()),
        ("too old", sign(SECRET, at - 301, body.as_bytes()).to_vec()),
        ("from the future", sign(SECRET, at + 301, body.as_bytes()).to_vec()),
        ("another body", sign(SECRET, at, b"text=1").to_vec()),
        ("not signed", vec![]),
        ("no time", sign(SECRET, at, body.as_bytes())[1..].to_vec()),
    ];
    for (what, headers) in cases {
        let answered = send(&bench, "POST", "/chat/work", &headers, body.clone()).await;
        assert_eq!(answered.status, 401, "{what}");
        assert!(!answered.body.is_empty() && !answered.body.contains(SECRET) && answered.kind.starts_with("text/plain"), "{what}");
    }
    let truncated = send(&bench, "POST", "/chat/work", &sign(SECRET, at, body.as_bytes()), body[..body.len() - 1].to_owned()).await;
    assert_eq!(truncated.status, 401);
    assert!(bench.inbox.kept.take().is_empty());
    // Both secrets are good while one takes the place of the other.
    let next = send(&bench, "POST", "/chat/work", &sign("the next", at, body.as_bytes()), body.clone()).await;
    assert!(next.is_empty());
    assert_eq!(bench.inbox.kept.take().len(), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_or_is_too_large_is_refused() {
    let bench = bench(&silent_api().await.url, HTTP);
    let broken = Body::from_stream(futures::stream::iter([Ok(Bytes::from_static(b"command=")), Err(std::io::Error::other("gone"))]));
    assert_eq!(send(&bench, "POST", "/chat/work", &[], broken).await.status, 400);
    for size in [(1 << 20) + 1, (1 << 21) + 1] {
        let chunks = std::iter::repeat_n(Bytes::from(vec![b'x'; 1 << 16]), size / (1 << 16)).chain([Bytes::from_static(b"x")]);
        let streamed = Body::from_stream(futures::stream::iter(chunks.map(Ok::<_, std::io::Error>)));
        assert_eq!(send(&bench, "POST", "/chat/work", &[], streamed).await.status, 413, "{size}");
    }
    let named = [("content-length", ((1 << 20) + 1).to_string())];
    assert_eq!(send(&bench, "POST", "/chat/work", &named, "").await.status, 413);
    let large = "x".repeat((1 << 20) + 1);
    let answered = send(&bench, "POST", "/chat/work", &sign(SECRET, bench.clock.now().timestamp(), large.as_bytes()), large).await;
    assert_eq!(answered.status, 413);
    assert!(answered.body.contains("1 MiB"));
}

#[tokio::test]
async fn the_challenge_is_answered_and_only_to_slack() {
    let bench = bench(&silent_api().await.url, HTTP);
    let body = json!({ "token": "old", "challenge": "3eZbrw1aB", "type": "url_verification" }).to_string();
    let answered = signed(&bench, &body).await;
    assert_eq!((answered.status, answered.body.as_str()), (200, "3eZbrw1aB"));
    assert!(answered.kind.starts_with("text/plain"));
    assert_eq!(send(&bench, "POST", "/chat/work", &[], body).await.status, 401);
}

#[tokio::test]
async fn the_probe_of_the_certificate_is_answered_and_does_nothing() {
    let bench = bench(&silent_api().await.url, HTTP);
    assert!(send(&bench, "GET", "/chat/work?ssl_check=1", &[], "").await.is_empty());
    assert!(send(&bench, "POST", "/chat/work", &[], "ssl_check=1&token=x").await.is_empty());
    assert!(signed(&bench, "ssl_check=1&token=x").await.is_empty());
    let sly = format!("ssl_check=1&{}", form(&command("1.2.d")));
    assert_eq!(send(&bench, "POST", "/chat/work", &[], sly).await.status, 401);
    assert!(bench.inbox.kept.take().is_empty());
}

#[tokio::test]
async fn options_are_answered_in_the_acknowledgement() {
    let bench = bench(&silent_api().await.url, HTTP);
    let answered = signed(&bench, &payload(&suggestion())).await;
    assert_eq!((answered.status, answered.kind.as_str()), (200, "application/json"));
    assert!(serde_json::from_str::<Value>(&answered.body).unwrap()["options"].is_array(), "{}", answered.body);
}

#[tokio::test]
async fn with_the_database_down_events_come_again_and_people_are_told() {
    let api = Api::start(|_| Say::json(&json!({ "ok": true }))).await;
    let bench = bench(&api.url, HTTP);
    bench.inbox.kept.fail(true);
    assert_eq!(signed(&bench, &mention("1793620800.000200").to_string()).await.status, 503);
    let answered = signed(&bench, &form(&command("1.2.e"))).await;
    assert_eq!((answered.status, answered.kind.as_str()), (200, "application/json"));
    let said: Value = serde_json::from_str(&answered.body).unwrap();
    assert_eq!(said["response_type"], "ephemeral");
    assert!(said["text"].as_str().unwrap().contains("try again"));
    bench.inbox.kept.fail(false);
    assert!(signed(&bench, &form(&command("1.2.e"))).await.is_empty());
    assert!(signed(&bench, &mention("1793620800.000200").to_string()).await.is_empty());
    assert_eq!(bench.inbox.kept.take().len(), 2);
}

#[tokio::test]
async fn people_are_told_in_the_way_of_what_they_did() {
    let api = Api::start(|_| Say::json(&json!({ "ok": true }))).await;
    let bench = bench(&api.url, HTTP);
    let intake = Intake::new(bench.desk.clone());
    let body = async |payload: Value| {
        let response = intake.tell(&payload).await;
        assert_eq!(response.status(), StatusCode::OK);
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    let view = json!({ "type": "view_submission", "view": { "blocks": [{ "type": "section", "block_id": "s" }, { "type": "input", "block_id": "arg:name" }] } });
    assert_eq!(body(view).await, json!({ "response_action": "errors", "errors": { "arg:name": NOT_KEPT } }));
    assert_eq!(body(json!({ "type": "block_suggestion" })).await, json!({ "options": [] }));
    // A click is answered at its response address, and nowhere but at Slack.
    let address = format!("{}/hook", api.url);
    body(json!({ "type": "block_actions", "response_url": address })).await;
    body(json!({ "type": "block_actions", "response_url": "http://127.0.0.1:1/elsewhere" })).await;
    assert_eq!(api.calls("hook").len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_is_left_and_said() {
    let bench = bench(&silent_api().await.url, HTTP);
    for (body, status) in [
        ("{\"type\":\"event_callback\",\"team_id\":\"T1\"}", 200),
        ("{\"type\":\"event_callback\",\"event\":{\"type\":\"from_the_future\"},\"team_id\":\"T1\"}", 200),
        ("{\"type\":\"something_new\"}", 200),
        ("{\"type\":\"app_rate_limited\",\"team_id\":\"T1\",\"minute_rate_limited\":1}", 200),
        ("{\"type\":", 400),
        ("{\"type\":\"url_verification\"}", 400),
        ("payload=%7Bno", 400),
        ("payload=%7B%7D", 400),
        ("", 400),
        ("text=hello", 400),
        ("command=%2Fbellhop&text=help", 400),
    ] {
        let answered = signed(&bench, body).await;
        assert_eq!(answered.status, status, "{body}");
        assert!(answered.status == 200 || answered.kind.starts_with("text/plain"), "{body}");
    }
    assert!(bench.inbox.kept.take().is_empty());
}

#[tokio::test]
async fn without_a_secret_nothing_is_taken_and_it_is_said_how() {
    let bench = bench(&silent_api().await.url, "bot_token = \"xoxb-1\"\napp_token = \"xapp-1\"");
    let answered = signed(&bench, &form(&command("1.2.f"))).await;
    assert_eq!(answered.status, 404);
    assert!(answered.body.contains("signing_secret") && answered.body.contains("transport"));
    let answered = send(&bench, "GET", "/chat/work", &[], "").await;
    assert!(answered.status == 200 && answered.body.contains("work"));
    assert_eq!(send(&bench, "GET", "/chat/other", &[], "").await.status, 404);
}

#[tokio::test]
async fn a_removed_app_is_forgotten() {
    let bench = bench(&silent_api().await.url, "client_id = \"1\"\nclient_secret = \"s\"\nsigning_secret = \"s3cret\"");
    let kept = json!({ "workspace": { "id": "T1" }, "token": "sealed", "since": "2026-11-01T00:00:00Z" });
    bellhop_core::ports::Records::put(&*bench.records, "slack/work/workspaces", "T1", &kept).await.unwrap();
    let event = json!({ "type": "event_callback", "team_id": "T1", "event_id": "Ev9", "event_time": 1_793_620_800, "event": { "type": "app_uninstalled" } });
    // Its token can't be unsealed any more, either: that is no reason to keep it.
    assert!(signed(&bench, &event.to_string()).await.is_empty());
    assert_eq!(bench.records.count("slack/work/workspaces"), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), mode in 0..3) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = bench("http://127.0.0.1:9/api", HTTP);
            let body: Vec<u8> = match mode {
                0 => body,
                1 => [b"payload=".as_slice(), &body].concat(),
                _ => [b"{\"type\":".as_slice(), &body].concat(),
            };
            let headers = sign(SECRET, bench.clock.now().timestamp(), &body);
            let answered = send(&bench, "POST", "/chat/work", &headers, body).await;
            prop_assert!(matches!(answered.status, 200 | 400));
            Ok(())
        })?;
    }
}
