//! The server: connections, how each request is treated, and which part of the world answers it. Each request is handled in
//! a task of its own that goes on when the client is gone.

use super::link::connections;
use super::state::{Event, State};
use super::{api, hosting, response_url, socket};
use crate::cut::Cut;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequest as _, Multipart, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, extract};
use base64::Engine as _;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The state, shared by all requests, and the tasks that they run in.
#[derive(Clone)]
pub(super) struct World(Arc<Inner>);

pub(super) struct Inner {
    state: Mutex<State>,
    pub tasks: TaskTracker,
    pub stop: CancellationToken,
    pub sockets: socket::Hub,
    pub target: Mutex<super::delivery::Target>,
    pub deliveries: Mutex<Vec<super::delivery::Delivery>>,
}

impl std::ops::Deref for World {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl World {
    pub(super) fn new(state: State, stop: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            tasks: TaskTracker::new(),
            stop,
            sockets: socket::Hub::default(),
            target: Mutex::default(),
            deliveries: Mutex::default(),
        }))
    }

    /// Looks at the state.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and lets the app hear of what came of it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (result, events) = {
            let mut state = self.state();
            let result = change(&mut state);
            (result, std::mem::take(&mut state.outgoing))
        };
        for event in events {
            self.report(event);
        }
        result
    }

    fn report(&self, event: Event) {
        let world = self.clone();
        self.spawn(async move { super::delivery::event(&world, event).await });
    }

    /// Runs something until the world ends.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(task));
    }
}

/// What a request was answered with.
pub(super) struct Reply {
    pub status: StatusCode,
    pub kind: String,
    pub body: Vec<u8>,
    pub headers: Vec<(&'static str, String)>,
}

impl Reply {
    pub(super) fn text(status: StatusCode, text: &str) -> Self {
        Self { status, kind: "text/plain; charset=utf-8".into(), body: text.into(), headers: Vec::new() }
    }

    pub(super) fn html(status: StatusCode, text: &str) -> Self {
        Self { kind: "text/html; charset=utf-8".into(), ..Self::text(status, text) }
    }

    pub(super) fn json(value: &serde_json::Value) -> Self {
        Self { kind: "application/json; charset=utf-8".into(), ..Self::text(StatusCode::OK, &value.to_string()) }
    }

    pub(super) fn bytes(kind: &str, body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, kind: kind.to_owned(), body, headers: Vec::new() }
    }

    pub(super) fn redirect(to: &str) -> Self {
        Self::text(StatusCode::FOUND, "").with("location", to)
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(super) fn too_many(seconds: u32) -> Self {
        let body = serde_json::json!({ "ok": false, "error": "ratelimited" });
        Self { status: StatusCode::TOO_MANY_REQUESTS, ..Self::json(&body) }.with("retry-after", &seconds.to_string())
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut answer = (self.status, self.body).into_response();
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                answer.headers_mut().insert(name, value);
            }
        };
        set("content-type", &self.kind);
        for (name, value) in &self.headers {
            set(name, value);
        }
        answer
    }
}

/// What a client shows of itself in the headers.
pub(super) struct Held {
    pub bearer: Option<String>,
    pub basic: Option<(String, String)>,
    pub kind: String,
}

impl Held {
    fn of(headers: &HeaderMap) -> Self {
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let bearer = authorization.strip_prefix("Bearer ").map(|token| token.trim().to_owned());
        let basic =
            authorization.strip_prefix("Basic ").and_then(|text| base64::engine::general_purpose::STANDARD.decode(text.trim()).ok());
        let basic = basic.and_then(|bytes| String::from_utf8(bytes).ok());
        let basic = basic.and_then(|text| text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned())));
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Self { bearer, basic, kind }
    }
}

/// What Slack shows to a browser without a session.
pub(super) const LOGIN: &str = "<!DOCTYPE html><html lang=\"en-US\"><head><title>Sign in | Slack</title></head><body>\
     <h1>Sign in to your workspace</h1><form action=\"/signin\" method=\"post\"><input name=\"email\"></form></body></html>";

/// An answer that is not to be given: the connection is broken in its place.
#[derive(Clone, Copy)]
struct Lost;

/// Serves the world until it is told to stop.
pub(super) async fn serve(listener: TcpListener, world: World) -> io::Result<()> {
    let app = Router::new().fallback(own_task).layer(DefaultBodyLimit::disable()).with_state(world.clone());
    axum::serve(connections(listener, world), app.into_make_service_with_connect_info::<Cut>()).await
}

async fn own_task(extract::State(world): extract::State<World>, ConnectInfo(cut): ConnectInfo<Cut>, request: Request) -> Response {
    let answer = world.tasks.spawn(treated(world.clone(), request)).await;
    match answer {
        Ok(answer) if answer.extensions().get::<Lost>().is_some() => {
            cut.now();
            std::future::pending().await
        }
        Ok(answer) => answer,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn lost() -> Response {
    let mut answer = Response::default();
    answer.extensions_mut().insert(Lost);
    answer
}

/// How the behaviours and the ledger call what is asked for.
fn name(path: &str) -> &str {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    match first {
        "api" => path.trim_start_matches("/api/"),
        "upload" => "upload",
        "files-pri" => "download",
        "response" => "response_url",
        other => other,
    }
}

async fn treated(world: World, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let name = name(&path).to_owned();
    let held = Held::of(request.headers());
    let behaviour = {
        let mut state = world.state();
        *state.ledger.calls.entry(name.clone()).or_default() += 1;
        state.treat(&name)
    };
    if let Some(seconds) = api::still_told_to_wait(&world, &name) {
        return Reply::too_many(seconds).into_response();
    }
    let Some(draw) = behaviour else { return answer(&world, &path, held, request).await.into_response() };
    let behaviour = draw.behaviour;
    if draw.reset {
        world.state().ledger.resets += 1;
        return lost();
    }
    if let Some(status) = behaviour.refuse {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status == StatusCode::TOO_MANY_REQUESTS {
            return api::told_to_wait(&world, &name, &held, behaviour.retry_after.max(1)).into_response();
        }
        return Reply::html(status, "<html><body>Something went wrong</body></html>").into_response();
    }
    if let Some(code) = &behaviour.error {
        world.state().ledger.failures.push(format!("{name}: {code}"));
        return Reply::json(&serde_json::json!({ "ok": false, "error": code })).into_response();
    }
    pause(behaviour.think).await;
    let done = answer(&world, &path, held, request).await;
    pause(behaviour.linger).await;
    if draw.lose {
        world.state().ledger.lost_answers += 1;
        return lost();
    }
    if let Some(status) = behaviour.fail_after {
        return Reply::text(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), "oops").into_response();
    }
    if let Some(code) = &behaviour.error_after {
        return Reply::json(&serde_json::json!({ "ok": false, "error": code })).into_response();
    }
    if behaviour.html {
        return Reply::html(StatusCode::OK, LOGIN).into_response();
    }
    if behaviour.garbage {
        return Reply { body: b"{\"ok\": tr".to_vec(), ..done }.into_response();
    }
    done.into_response()
}

async fn pause(span: Duration) {
    if !span.is_zero() {
        tokio::time::sleep(span).await;
    }
}

async fn answer(world: &World, path: &str, held: Held, request: Request) -> Reply {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let reads = request.method() == axum::http::Method::GET;
    let (first, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
    let Some(body) = body(request, &held).await else {
        return Reply::json(&serde_json::json!({ "ok": false, "error": "invalid_form_data" }));
    };
    match first {
        "api" => api::call(world, rest, reads, &query, &held, &body),
        "upload" if !reads => {
            let ticket = rest.trim_start_matches("v1/").to_owned();
            world.change(|state| hosting::take(state, &ticket, &held, body.to_vec()))
        }
        "files-pri" if reads => hosting::give(&world.state(), rest, &held),
        "response" if !reads => response_url::post(world, rest, &held, &body),
        "oauth" if rest == "v2/authorize" => Reply::html(StatusCode::OK, "<html><body>Bellhop asks to be let in</body></html>"),
        _ => Reply::html(StatusCode::NOT_FOUND, "<html><body>There is no such page</body></html>"),
    }
}

/// The bytes of a body; of a multipart one those of its first part with a file, or a form of its parts.
async fn body(request: Request, held: &Held) -> Option<Bytes> {
    if !held.kind.starts_with("multipart/form-data") {
        return axum::body::to_bytes(request.into_body(), usize::MAX).await.ok();
    }
    let mut parts = Multipart::from_request(request, &()).await.ok()?;
    let mut pairs = Vec::new();
    while let Some(part) = parts.next_field().await.ok()? {
        if part.file_name().is_some() {
            return part.bytes().await.ok();
        }
        let name = part.name().unwrap_or_default().to_owned();
        pairs.push((name, part.text().await.ok()?));
    }
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Some(super::args::form(&pairs).into())
}
