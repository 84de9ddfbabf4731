//! A small app of the test's own: it calls the Web API and takes what the world delivers.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bellhop_core::Clock;
use bellhop_http::{Client, Limits};
use bellhop_kit::slack::{MachineClock, SlackWorld, signature};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

type Answers = Arc<Mutex<Box<dyn Fn(&Value) -> Option<Value> + Send>>>;

/// What the app keeps.
#[derive(Clone)]
pub struct Kept {
    secret: String,
    clock: Arc<dyn Clock>,
    heard: Arc<Mutex<Vec<Value>>>,
    answers: Answers,
    hangs: Arc<Mutex<bool>>,
    retries: Arc<Mutex<Vec<(String, String)>>>,
}

pub struct Bot {
    pub token: String,
    pub url: String,
    api: String,
    client: Client,
    kept: Kept,
}

impl Bot {
    /// One that only calls.
    pub fn of(world: &SlackWorld) -> Self {
        bellhop_kit::install_tls();
        let kept = Kept {
            secret: world.signing_secret(),
            clock: Arc::new(MachineClock),
            heard: Arc::default(),
            answers: Arc::new(Mutex::new(Box::new(|_| None))),
            hangs: Arc::default(),
            retries: Arc::default(),
        };
        let limits = Limits { retries: 0, ..Limits::default() };
        Self { token: world.bot_token(), url: String::new(), api: world.api_url(), client: Client::new("slack", limits).unwrap(), kept }
    }

    /// One that the world delivers to, over HTTP.
    pub async fn listening(world: &SlackWorld) -> Self {
        Self::listening_at(world, Arc::new(MachineClock)).await
    }

    /// The same with a clock of the test's own.
    pub async fn listening_at(world: &SlackWorld, clock: Arc<dyn Clock>) -> Self {
        let mut bot = Self::of(world);
        bot.kept.clock = clock;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/slack", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(take).with_state(bot.kept.clone());
        TaskTracker::new().spawn(async move { axum::serve(listener, app).await });
        world.deliver_over_http(&url);
        Self { url, ..bot }
    }

    /// From now on what is heard is acknowledged so.
    pub fn answer(&self, answer: impl Fn(&Value) -> Option<Value> + Send + 'static) {
        *self.kept.answers.lock().unwrap() = Box::new(answer);
    }

    /// From now on nothing is acknowledged.
    pub fn hang(&self, hangs: bool) {
        *self.kept.hangs.lock().unwrap() = hangs;
    }

    pub fn heard(&self) -> Vec<Value> {
        self.kept.heard.lock().unwrap().clone()
    }

    pub fn retries(&self) -> Vec<(String, String)> {
        self.kept.retries.lock().unwrap().clone()
    }

    /// Status (0 where the connection broke), `Retry-After`, body.
    pub async fn raw(&self, method: &str, args: &Value) -> (u16, Option<String>, String) {
        let request = self.client.post("call", "/api", &format!("{}/{method}", self.api)).bearer(&self.token).json(args);
        match request.exchange().await {
            Err(_) => (0, None, String::new()),
            Ok(answer) => {
                let (status, retry) = (answer.status().as_u16(), answer.header("retry-after").map(str::to_owned));
                let body = answer.bytes().await.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                (status, retry, body.unwrap_or_default())
            }
        }
    }

    pub async fn call(&self, method: &str, args: &Value) -> Value {
        serde_json::from_str(&self.raw(method, args).await.2).unwrap()
    }

    pub async fn form(&self, method: &str, pairs: &[(&str, &str)]) -> Value {
        let request = self.client.post("call", "/api", &format!("{}/{method}", self.api)).bearer(&self.token).form(pairs);
        serde_json::from_slice(&request.exchange().await.unwrap().bytes().await.unwrap()).unwrap()
    }

    pub async fn get(&self, method: &str, args: &Value) -> Value {
        let pairs: Vec<(String, String)> = args
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect();
        let request = self.client.get("call", "/api", &format!("{}/{method}", self.api)).bearer(&self.token).query(&pairs);
        serde_json::from_slice(&request.exchange().await.unwrap().bytes().await.unwrap()).unwrap()
    }

    pub async fn post(&self, url: &str, body: &Value) -> (u16, String) {
        let answer = self.client.post("post", "/response", url).json(body).exchange().await.unwrap();
        let status = answer.status().as_u16();
        (status, String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned())
    }

    pub async fn put(&self, url: &str, bytes: &'static [u8], token: Option<&str>) -> (u16, String) {
        let mut request = self.client.post("upload", "/upload", url).content("application/octet-stream", Bytes::from_static(bytes));
        if let Some(token) = token {
            request = request.bearer(token);
        }
        let answer = request.exchange().await.unwrap();
        let status = answer.status().as_u16();
        (status, String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned())
    }

    pub async fn fetch(&self, url: &str, token: bool) -> (u16, String) {
        let mut request = self.client.get("download", "/files", url);
        if token {
            request = request.bearer(&self.token);
        }
        let answer = request.exchange().await.unwrap();
        let status = answer.status().as_u16();
        (status, String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned())
    }
}

async fn take(State(kept): State<Kept>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (timestamp, mark) = (header("x-slack-request-timestamp"), header("x-slack-signature"));
    let now = kept.clock.now().timestamp();
    let fresh = timestamp.parse::<i64>().is_ok_and(|at| (now - at).abs() <= 300);
    if !fresh || mark != signature(&kept.secret, &timestamp, &body) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if headers.contains_key("x-slack-retry-num") {
        kept.retries.lock().unwrap().push((header("x-slack-retry-num"), header("x-slack-retry-reason")));
    }
    if *kept.hangs.lock().unwrap() {
        std::future::pending::<()>().await;
    }
    let said = read(&header("content-type"), &body);
    if said["type"] == "url_verification" {
        return said["challenge"].as_str().unwrap().to_owned().into_response();
    }
    let answer = (kept.answers.lock().unwrap())(&said);
    kept.heard.lock().unwrap().push(said);
    answer.map_or_else(|| StatusCode::OK.into_response(), |answer| axum::Json(answer).into_response())
}

fn read(kind: &str, body: &[u8]) -> Value {
    if kind.starts_with("application/json") {
        return serde_json::from_slice(body).unwrap();
    }
    let pairs: Vec<(String, String)> = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(
        &format!("http://x/?{}", String::from_utf8_lossy(body)).parse().unwrap(),
    )
    .unwrap()
    .0;
    match pairs.iter().find(|(name, _)| name == "payload") {
        Some((_, payload)) => serde_json::from_str(payload).unwrap(),
        None => json!(pairs.into_iter().collect::<std::collections::BTreeMap<_, _>>()),
    }
}
