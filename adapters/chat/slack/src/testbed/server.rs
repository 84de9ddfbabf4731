//! The server: routes, the strict reading of calls, and what a test has told it to answer.

use super::methods;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

/// What a test has a method answer next, in place of what it would.
#[derive(Clone)]
pub(crate) enum Answer {
    /// This body, and nothing done.
    Json(Value),
    /// `ok: false` with this code, and nothing done.
    Refuse(&'static str),
    /// A status, headers and a body, and nothing done.
    Raw(u16, &'static [(&'static str, &'static str)], &'static str),
    /// It is done, and the answer gets lost.
    Lost,
}

/// A call that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub method: String,
    pub args: Value,
}

#[derive(Clone, Default)]
pub(crate) struct Place {
    pub name: String,
    pub private: bool,
    pub archived: bool,
    /// Whether the bot is in it.
    pub bot: bool,
    pub members: Vec<String>,
    pub topic: String,
    pub purpose: String,
}

#[derive(Default)]
pub(crate) struct Inner {
    pub calls: Vec<Called>,
    pub scripted: HashMap<String, VecDeque<Answer>>,
    pub places: BTreeMap<String, Place>,
    /// `(id, handle, shown name)`
    pub people: Vec<(String, String, String)>,
    /// By channel and `ts`.
    pub messages: BTreeMap<(String, String), Value>,
    pub files: BTreeMap<String, Value>,
    pub bytes: HashMap<String, Bytes>,
    pub last: u64,
    pub page: usize,
    pub url: String,
    pub now: i64,
}

pub(crate) struct World {
    pub url: String,
    inner: Mutex<Inner>,
}

impl World {
    /// `#ops` (C1), `#random` (C2, without the bot), `#vault` (C3, private, without the bot); ann (U1), bob (U2) and three
    /// people who are all shown as Sam.
    #[expect(clippy::disallowed_methods, reason = "the server of a test ends with the test")]
    pub async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let place = |name: &str, private, bot| Place { name: name.into(), private, bot, members: vec!["U1".into()], ..Place::default() };
        let places = [("C1", place("ops", false, true)), ("C2", place("random", false, false)), ("C3", place("vault", true, false))];
        let people = [("U1", "ann", "Ann"), ("U2", "bob", "Bob"), ("U3", "sam1", "Sam"), ("U4", "sam2", "Sam"), ("U5", "sam3", "Sam")];
        let inner = Inner {
            places: places.into_iter().map(|(id, place)| (id.to_owned(), place)).collect(),
            people: people.into_iter().map(|(id, handle, shown)| (id.into(), handle.into(), shown.into())).collect(),
            page: 2,
            url: url.clone(),
            now: 1_793_620_800,
            ..Inner::default()
        };
        let world = Arc::new(Self { url, inner: Mutex::new(inner) });
        let app = axum::Router::new()
            .route("/api/{method}", post(call))
            .route("/respond/{id}", post(respond))
            .route("/upload/{id}", post(upload))
            .route("/files/{id}", get(download))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        world
    }

    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Has a method answer this next.
    pub fn answer(&self, method: &str, answer: Answer) {
        self.inner().scripted.entry(method.to_owned()).or_default().push_back(answer);
    }

    /// The calls of a method, in order.
    pub fn calls(&self, method: &str) -> Vec<Value> {
        self.inner().calls.iter().filter(|call| call.method == method).map(|call| call.args.clone()).collect()
    }

    /// The methods called since this was asked last.
    pub fn methods(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().calls).into_iter().map(|call| call.method).collect()
    }

    /// The texts of a channel's messages.
    pub fn texts(&self, channel: &str) -> Vec<String> {
        let inner = self.inner();
        inner
            .messages
            .iter()
            .filter(|((at, _), _)| at == channel)
            .map(|(_, message)| message["text"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn json_answer(value: &Value) -> Response {
    ([("content-type", "application/json; charset=utf-8"), ("x-oauth-scopes", "chat:write,files:read")], value.to_string()).into_response()
}

/// The answer stops in the middle, as when a connection breaks.
fn lost() -> Response {
    let parts = futures::stream::iter([Ok(Bytes::from_static(b"{\"ok\"")), Err(std::io::Error::other("lost"))]);
    Response::builder().header("content-type", "application/json").body(Body::from_stream(parts)).unwrap()
}

fn raw(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Response {
    let mut answer = (StatusCode::from_u16(status).unwrap(), body).into_response();
    for (name, value) in headers {
        answer.headers_mut().insert(*name, value.parse().unwrap());
    }
    answer
}

async fn call(State(world): State<Arc<World>>, Path(method): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    let token = headers.get("authorization").and_then(|token| token.to_str().ok()).map(str::to_owned);
    let mut args = Map::new();
    for (name, value) in url::form_urlencoded::parse(&body) {
        // Objects and lists come as JSON in a form's field.
        let value = if value.starts_with(['{', '[']) { serde_json::from_str(&value).unwrap() } else { json!(value) };
        args.insert(name.into_owned(), value);
    }
    let mut inner = world.inner();
    inner.calls.push(Called { method: method.clone(), args: Value::Object(args.clone()) });
    let scripted = inner.scripted.get_mut(&method).and_then(VecDeque::pop_front);
    match scripted {
        Some(Answer::Json(value)) => return json_answer(&value),
        Some(Answer::Refuse(code)) => return json_answer(&json!({ "ok": false, "error": code })),
        Some(Answer::Raw(status, headers, body)) => return raw(status, headers, body),
        Some(Answer::Lost) | None => {}
    }
    if kind != "application/x-www-form-urlencoded" {
        return json_answer(&json!({ "ok": false, "error": "invalid_form_data" }));
    }
    if token.as_deref() != Some("Bearer xoxb-1") {
        return json_answer(&json!({ "ok": false, "error": "invalid_auth" }));
    }
    let mut answer = match methods::run(&mut inner, &method, &args) {
        Ok(answer) => answer,
        Err(code) => json!({ "ok": false, "error": code }),
    };
    if answer.get("ok").is_none() {
        answer["ok"] = json!(true);
    }
    if scripted.is_some() { lost() } else { json_answer(&answer) }
}

/// A response address: five uses each.
async fn respond(State(world): State<Arc<World>>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let args: Value = serde_json::from_slice(&body).unwrap();
    assert!(headers.get("authorization").is_none(), "a response address is no place for a token");
    let mut inner = world.inner();
    inner.calls.push(Called { method: format!("respond/{id}"), args: args.clone() });
    let scripted = inner.scripted.get_mut("respond").and_then(VecDeque::pop_front);
    match scripted {
        Some(Answer::Json(value)) => return json_answer(&value),
        Some(Answer::Refuse(code)) => return raw(400, &[], code),
        Some(Answer::Raw(status, headers, body)) => return raw(status, headers, body),
        Some(Answer::Lost) => return lost(),
        None => {}
    }
    let uses = inner.calls.iter().filter(|call| call.method == format!("respond/{id}")).count();
    if uses > 5 { raw(404, &[], "used_url") } else { raw(200, &[], "ok") }
}

async fn upload(State(world): State<Arc<World>>, Path(id): Path<String>, headers: HeaderMap, body: Body) -> Response {
    assert!(headers.get("authorization").is_none(), "an upload address is no place for a token");
    let length = headers.get("content-length").and_then(|length| length.to_str().ok()).map(str::to_owned);
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else { return raw(400, &[], "broken") };
    let mut inner = world.inner();
    inner.calls.push(Called { method: "upload".into(), args: json!({ "length": length, "bytes": bytes.len() }) });
    let scripted = inner.scripted.get_mut("upload").and_then(VecDeque::pop_front);
    if let Some(Answer::Raw(status, headers, body)) = scripted {
        return raw(status, headers, body);
    }
    if inner.files[&id]["length"] != json!(bytes.len().to_string()) {
        return raw(400, &[], "length");
    }
    inner.files.get_mut(&id).unwrap()["sent"] = json!(true);
    inner.bytes.insert(id, bytes);
    raw(200, &[], "OK")
}

async fn download(State(world): State<Arc<World>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let token = headers.get("authorization").and_then(|token| token.to_str().ok()).map(str::to_owned);
    let mut inner = world.inner();
    inner.calls.push(Called { method: "download".into(), args: json!({ "id": id }) });
    let scripted = inner.scripted.get_mut("download").and_then(VecDeque::pop_front);
    if let Some(Answer::Raw(status, headers, body)) = scripted {
        return raw(status, headers, body);
    }
    if token.as_deref() != Some("Bearer xoxb-1") {
        return raw(200, &[("content-type", "text/html; charset=utf-8")], "<!DOCTYPE html><title>Sign in</title>");
    }
    match inner.bytes.get(&id) {
        Some(bytes) => ([("content-type", "application/octet-stream")], bytes.clone()).into_response(),
        None => raw(404, &[], "no"),
    }
}
