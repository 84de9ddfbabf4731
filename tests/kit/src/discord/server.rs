//! The server: connections, how each request is treated, and which part of the world answers it. Each request is handled in
//! a task of its own that goes on when the client is gone.

use super::api::call::{Body, Call, read};
use super::api::{self, Fault};
use super::gateway::GatewayEvent;
use super::ids::Id;
use super::ledger::{Behaviour, Scope};
use super::limits::{SECOND, Shown, TooMany};
use super::state::State;
use crate::cut::{Connections, Cut};
use crate::time::mix;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Router, extract};
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The state, shared by all requests, and the tasks that they run in.
#[derive(Clone)]
pub(super) struct World(Arc<Inner>);

pub(super) struct Inner {
    state: Mutex<State>,
    pub tasks: TaskTracker,
    pub stop: CancellationToken,
    pub deliveries: Mutex<Vec<super::delivery::Delivery>>,
    pub events: Mutex<Vec<GatewayEvent>>,
    pub connections: AtomicU64,
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
            deliveries: Mutex::default(),
            events: Mutex::default(),
            connections: AtomicU64::new(0),
        }))
    }

    /// Looks at the state.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state())
    }

    /// Runs something until the world ends.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(task));
    }
}

/// What a request was answered with.
#[derive(Clone, Debug)]
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
        Self { kind: "text/html; charset=UTF-8".into(), ..Self::text(status, text) }
    }

    pub(super) fn json(status: StatusCode, value: &Value) -> Self {
        Self { kind: "application/json".into(), ..Self::text(status, &value.to_string()) }
    }

    pub(super) fn bytes(kind: &str, body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, kind: kind.to_owned(), body, headers: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
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
        if self.status != StatusCode::NO_CONTENT {
            set("content-type", &self.kind);
        }
        for (name, value) in &self.headers {
            set(name, value);
        }
        answer
    }
}

/// What the edge of the network shows to those whom it lets in no further.
const EDGE: &str = "<!DOCTYPE html><html><head><title>Access denied | discord.com used Cloudflare to restrict access</title></head>\
     <body><h1>Error 1015</h1><p>You are being rate limited</p></body></html>";

/// Serves the world until it is told to stop.
pub(super) async fn serve(listener: TcpListener, world: World) -> io::Result<()> {
    let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
    let (send, accepted) = mpsc::unbounded_channel();
    world.spawn(async move {
        loop {
            let Ok((stream, from)) = listener.accept().await else { continue };
            let _ = (stream.set_nodelay(true), send.send((stream, from)));
        }
    });
    let app = Router::new().fallback(own_task).layer(DefaultBodyLimit::disable()).with_state(world);
    axum::serve(Connections::new(address, accepted), app.into_make_service_with_connect_info::<Cut>()).await
}

async fn own_task(extract::State(world): extract::State<World>, ConnectInfo(cut): ConnectInfo<Cut>, request: Request) -> Response {
    match world.tasks.spawn(treated(world.clone(), request)).await {
        Ok(Some(reply)) => reply.into_response(),
        Ok(None) => {
            cut.now();
            std::future::pending().await
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// How one call is treated.
pub(super) struct Draw {
    pub behaviour: Behaviour,
    lose: bool,
    reset: bool,
}

impl State {
    fn treat(&mut self, route: &str) -> Option<Draw> {
        let fits = |(behaviour, count): &&mut (Behaviour, u64)| {
            behaviour.route.as_deref().is_none_or(|wanted| route.contains(wanted)) && behaviour.times.is_none_or(|times| *count < times)
        };
        let (behaviour, count) = self.behaviours.iter_mut().find(fits)?;
        *count += 1;
        self.treated += 1;
        let draw = mix(self.treated) % 10_000;
        let other = mix(self.treated ^ 0xabcd) % 10_000;
        Some(Draw {
            lose: draw < u64::from(behaviour.lose_percent) * 100,
            reset: other < u64::from(behaviour.reset_percent) * 100,
            behaviour: behaviour.clone(),
        })
    }

    fn too_many(&mut self, route: &str, too_many: &TooMany) -> Reply {
        *self.ledger.limited.entry(route.to_owned()).or_default() += 1;
        #[expect(clippy::cast_precision_loss, reason = "spans far below a million years")]
        let seconds = ((too_many.wait as f64) / 1000.0).ceil() / 1000.0;
        let whole = (too_many.wait + SECOND - 1) / SECOND;
        if too_many.scope == Scope::Cloudflare {
            return Reply::html(StatusCode::TOO_MANY_REQUESTS, EDGE).with("retry-after", whole.to_string());
        }
        let global = too_many.scope == Scope::Global;
        let scope = match too_many.scope {
            Scope::User => "user",
            Scope::Global => "global",
            Scope::Shared | Scope::Cloudflare => "shared",
        };
        let message = if scope == "shared" { "The resource is being rate limited." } else { "You are being rate limited." };
        let body = json!({ "message": message, "retry_after": seconds, "global": global });
        let mut reply = Reply::json(StatusCode::TOO_MANY_REQUESTS, &body)
            .with("retry-after", whole.to_string())
            .with("x-ratelimit-scope", scope.to_owned())
            .with("via", "1.1 google".to_owned());
        if global {
            reply = reply.with("x-ratelimit-global", "true".to_owned());
        }
        if let Some(shown) = &too_many.shown {
            reply = self.shown(reply, shown);
        }
        reply
    }

    fn shown(&self, reply: Reply, shown: &Shown) -> Reply {
        #[expect(clippy::cast_precision_loss, reason = "moments of this century")]
        let seconds = |micros: i64| format!("{:.3}", (micros as f64 / 1000.0).ceil() / 1000.0);
        reply
            .with("x-ratelimit-limit", shown.limit.to_string())
            .with("x-ratelimit-remaining", shown.remaining.to_string())
            .with("x-ratelimit-reset", seconds(shown.ends))
            .with("x-ratelimit-reset-after", seconds((shown.ends - self.micros()).max(0)))
            .with("x-ratelimit-bucket", shown.bucket.clone())
    }
}

async fn treated(world: World, request: Request) -> Option<Reply> {
    let path = request.uri().path().to_owned();
    if path.starts_with("/attachments/") || path.starts_with("/ephemeral-attachments/") {
        let token = request.headers().contains_key("authorization");
        let query = crate::args::pairs(request.uri().query().unwrap_or_default().as_bytes());
        return cdn(&world, path.trim_start_matches('/'), &query, token).await;
    }
    let call = Call::of(&request);
    let route = call.route.clone();
    let draw = {
        let mut state = world.state();
        *state.ledger.calls.entry(route.clone()).or_default() += 1;
        let (limits, now) = (state.settings.limits.clone(), state.micros());
        if let Some(wait) = state.meter.shut_out(&limits, now) {
            return Some(state.too_many(&route, &TooMany { wait, scope: Scope::Cloudflare, shown: None }));
        }
        state.treat(&route)
    };
    let behaviour = draw.as_ref().map(|draw| draw.behaviour.clone()).unwrap_or_default();
    if draw.as_ref().is_some_and(|draw| draw.reset) {
        world.state().ledger.resets += 1;
        return None;
    }
    let app = world.state().who(&call);
    if let Some(status) = behaviour.refuse {
        return Some(refused(&world, &call, app, status, &behaviour));
    }
    if let Some((status, code, message)) = &behaviour.error {
        let mut state = world.state();
        state.ledger.failures.push(format!("{route}: {code}"));
        let now = state.micros();
        if matches!(status, 401 | 403) {
            state.ledger.invalid += 1;
            state.meter.refused(now);
        }
        let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return Some(Reply::json(status, &json!({ "message": message, "code": code })));
    }
    pause(behaviour.think).await;
    let largest = usize::try_from(world.state().settings.largest_request).unwrap_or(usize::MAX);
    let body = read(request, largest).await;
    let (done, shown) = answer(&world, &call, app, body);
    pause(behaviour.linger).await;
    let mut state = world.state();
    if draw.is_some_and(|draw| draw.lose) {
        state.ledger.lost_answers += 1;
        return None;
    }
    let (limits, now) = (state.settings.limits.clone(), state.micros());
    let global = done.status == StatusCode::TOO_MANY_REQUESTS;
    state.meter.told(&limits, (app.unwrap_or(0), &route, &call.major), now, global);
    let done = match shown {
        Some(shown) => state.shown(done, &shown),
        None => done,
    };
    if let Some(status) = behaviour.fail_after {
        return Some(Reply::html(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), "<html>oops</html>"));
    }
    if behaviour.html {
        return Some(Reply::html(StatusCode::OK, "<!DOCTYPE html><html><body>Discord</body></html>"));
    }
    if behaviour.garbage {
        return Some(Reply { body: b"{\"id\": \"12".to_vec(), ..done });
    }
    Some(done)
}

/// A refusal that a test asked for.
fn refused(world: &World, call: &Call, app: Option<Id>, status: u16, behaviour: &Behaviour) -> Reply {
    let mut state = world.state();
    let now = state.micros();
    let key = (app.unwrap_or(0), call.route.as_str(), call.major.as_str());
    if status == 429 {
        #[expect(clippy::cast_possible_truncation, reason = "seconds that a test chose")]
        let wait = (behaviour.retry_after * 1e6) as i64;
        let limits = state.settings.limits.clone();
        state.meter.refuse(&limits, key, wait, now, behaviour.scope);
        if behaviour.scope != Scope::Shared {
            state.ledger.invalid += 1;
            state.meter.refused(now);
        }
        return state.too_many(&call.route, &TooMany { wait, scope: behaviour.scope, shown: None });
    }
    if matches!(status, 401 | 403) {
        state.ledger.invalid += 1;
        state.meter.refused(now);
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Reply::html(status, "<html><body>Something went wrong</body></html>")
}

async fn cdn(world: &World, path: &str, query: &[(String, String)], token: bool) -> Option<Reply> {
    let route = "GET /attachments";
    let draw = {
        let mut state = world.state();
        *state.ledger.calls.entry(route.to_owned()).or_default() += 1;
        state.treat(route)
    };
    let Some(draw) = draw else { return Some(world.state().give(path, query, token)) };
    if draw.reset {
        world.state().ledger.resets += 1;
        return None;
    }
    if let Some(status) = draw.behaviour.refuse {
        return Some(Reply::text(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), "no"));
    }
    pause(draw.behaviour.think).await;
    let mut reply = world.state().give(path, query, token);
    pause(draw.behaviour.linger).await;
    if draw.lose {
        return None;
    }
    if draw.behaviour.garbage {
        reply.body.truncate(reply.body.len() / 2);
    }
    Some(reply)
}

async fn pause(span: Duration) {
    if !span.is_zero() {
        tokio::time::sleep(span).await;
    }
}

/// What the world does with a call, and what the headers say of its bucket.
fn answer(world: &World, call: &Call, app: Option<Id>, body: Body) -> (Reply, Option<Shown>) {
    let mut state = world.state();
    let now = state.micros();
    let mut shown = None;
    let done = state.checked(call, app).and_then(|()| {
        let key = (app.unwrap_or(0), call.route.as_str(), call.major.as_str());
        let State { meter, settings, ledger, .. } = &mut *state;
        match meter.call(&settings.limits, key, now, ledger) {
            Ok(left) => shown = left,
            Err(too_many) => return Err(Fault::Limited(too_many)),
        }
        api::answer(&mut state, call, app, body)
    });
    let reply = match done {
        Ok(reply) => reply,
        Err(Fault::Limited(too_many)) => {
            if too_many.scope != Scope::Shared {
                state.ledger.invalid += 1;
                state.meter.refused(now);
            }
            state.too_many(&call.route, &too_many)
        }
        Err(Fault::Refused { status, body }) => {
            if matches!(status.as_u16(), 401 | 403) {
                state.ledger.invalid += 1;
                state.meter.refused(now);
            }
            state.ledger.failures.push(format!("{}: {body}", call.route));
            Reply::json(status, &body)
        }
    };
    (reply, shown)
}
