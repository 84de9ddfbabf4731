//! The real peers, each tried against a small server of the test's own.
#![expect(clippy::unwrap_used, reason = "what a test needs and doesn't get fails it")]

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Html;
use axum::routing::{get, post};
use bellhop_kit::peers::alertmanager::Alertmanager;
use bellhop_kit::peers::browser::tour;
use bellhop_kit::wait::until;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

type Shared<T> = Arc<Mutex<T>>;
/// Tokens and bodies of what a webhook got.
type Heard = Shared<Vec<(Option<String>, Value)>>;

async fn serve(app: axum::Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    TaskTracker::new().spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn alertmanager_sends_what_fires_and_what_is_over() {
    let heard: Heard = Arc::default();
    let hook = |State(heard): State<Heard>, headers: HeaderMap, axum::Json(body): axum::Json<Value>| async move {
        let token = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
        heard.lock().unwrap().push((token, body));
    };
    let url = serve(axum::Router::new().route("/hook", post(hook)).with_state(heard.clone())).await;
    let manager = Alertmanager::start(&format!("{url}/hook"), Some("t0ken")).await.unwrap();
    let firing = manager.fire("DiskFull", &[("severity", "critical"), ("host", "db1")], &[("summary", "No room left")]).await.unwrap();
    let heard_with = |status: &'static str| {
        let heard = heard.clone();
        move || {
            let found = heard.lock().unwrap().iter().find(|(_, body)| body["status"] == status).cloned();
            async { found }
        }
    };
    let (token, body) = until(Duration::from_secs(30), "the alert to arrive", heard_with("firing")).await;
    assert_eq!(token.as_deref(), Some("Bearer t0ken"));
    assert_eq!(
        (&body["alerts"][0]["labels"]["host"], &body["alerts"][0]["annotations"]["summary"]),
        (&json!("db1"), &json!("No room left"))
    );
    manager.resolve(&firing).await.unwrap();
    let (_, body) = until(Duration::from_secs(30), "its end to arrive", heard_with("resolved")).await;
    assert_eq!(body["alerts"][0]["labels"]["alertname"], "DiskFull");
}

const PAGE: &str = r#"<!doctype html><html lang="en"><title>Test</title>
<label>Message <input id="m"></label><button id="s">Send</button>
<label>File <input type="file" id="f"></label><button id="u">Upload</button><p id="out"></p><a href="/file" download="f.txt">Download</a>
<script>
s.onclick = () => setTimeout(() => { out.textContent = 'you said ' + m.value }, 50);
u.onclick = async () => { out.textContent = await (await fetch('/file', { method: 'POST', body: f.files[0] })).text() };
</script></html>"#;

async fn page() -> String {
    let kept: Shared<Bytes> = Arc::default();
    let app = axum::Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/broken", get(|| async { Html("<!doctype html><title>x</title><script>nothing.at.all()</script>") }))
        .route("/favicon.ico", get(|| async {}))
        .route(
            "/file",
            post(|State(kept): State<Shared<Bytes>>, body: Bytes| async move {
                let said = format!("{} bytes", body.len());
                *kept.lock().unwrap() = body;
                said
            })
            .get(|State(kept): State<Shared<Bytes>>| async move { kept.lock().unwrap().clone() }),
        )
        .with_state(kept);
    serve(app).await
}

async fn take(name: &str, out: &Path) -> Result<Vec<String>, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tours").join(name);
    tour(&script, &json!({ "url": page().await }), out, Duration::from_mins(2)).await
}

#[tokio::test]
async fn a_tour_does_what_a_person_does() {
    let out = tempfile::tempdir().unwrap();
    let steps = take("works.mjs", out.path()).await.unwrap();
    assert_eq!(steps, ["opens the page", "types and sends", "uploads", "downloads the same bytes"]);
    assert!(std::fs::metadata(out.path().join("end.png")).unwrap().len() > 1000);
}

#[tokio::test]
async fn a_tour_that_fails_says_where_and_why() {
    let out = tempfile::tempdir().unwrap();
    let why = take("wrong.mjs", out.path()).await.unwrap_err();
    assert!(why.contains("failed sees a unicorn") && why.contains("Timeout"), "{why}");
    assert!(out.path().join("failure.png").is_file());
    let why = take("script_error.mjs", out.path()).await.unwrap_err();
    assert!(why.contains("script error: nothing is not defined"), "{why}");
}
