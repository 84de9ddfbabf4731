//! The server: how each request is treated, and which part of the world answers it. Each request is handled in a task of its own
//! that goes on when the client is gone.

use super::call::{Call, Reply};
use super::ledger::Behaviour;
use super::state::{Refusal, State};
use super::{connector, files, graph, workflows};
use crate::cut::{Connections, Cut};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Router, extract};
use std::io;
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
    /// Where the app takes activities.
    pub target: Mutex<Option<String>>,
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
        let (target, deliveries) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { state: Mutex::new(state), tasks: TaskTracker::new(), stop, target, deliveries }))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the app what it is to hear of.
    pub(super) fn report(&self) {
        let outgoing = std::mem::take(&mut self.state().outgoing);
        for activity in outgoing {
            let world = self.clone();
            self.spawn(async move {
                let _ = super::delivery::bring(&world, &activity).await;
            });
        }
    }

    /// Runs something until the world ends.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(task));
    }
}

/// An answer that is not to be given: the connection is broken in its place.
#[derive(Clone, Copy)]
struct Lost;

pub(super) async fn serve(listener: TcpListener, world: World) -> io::Result<()> {
    let address = listener.local_addr()?;
    let (send, accepted) = mpsc::unbounded_channel();
    world.spawn(async move {
        loop {
            let Ok((stream, from)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let _ = send.send((stream, from));
        }
    });
    let app = Router::new().fallback(own_task).layer(DefaultBodyLimit::disable()).with_state(world);
    axum::serve(Connections::new(address, accepted), app.into_make_service_with_connect_info::<Cut>()).await
}

/// A server that is none of the service's: it notes who shows it a token.
pub(super) async fn stranger(listener: TcpListener, world: World) -> io::Result<()> {
    let app = Router::new().fallback(async move |request: Request| {
        let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let line = format!("{} {} with {} letters of authorization", request.method(), request.uri(), authorization.len());
        let mut state = world.state();
        *state.ledger.calls.entry("stranger".into()).or_default() += 1;
        if !authorization.is_empty() {
            state.ledger.foreign.push(line);
        }
        axum::Json(serde_json::json!({ "id": "1", "access_token": "caught" }))
    });
    axum::serve(listener, app).await
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

/// How a call is treated, when not well.
struct Draw {
    behaviour: Behaviour,
    reset: bool,
    lose: bool,
}

impl State {
    /// How this call is treated. Chances are drawn from the call's number, so that a run can be repeated.
    fn treat(&mut self, name: &str) -> Option<Draw> {
        let meant = |call: &String| name == call || name.strip_prefix(call.as_str()).is_some_and(|rest| rest.starts_with('/'));
        let at = self.behaviours.iter().position(|(behaviour, treated)| {
            behaviour.call.as_ref().is_none_or(meant) && behaviour.times.is_none_or(|times| *treated < times)
        })?;
        self.behaviours[at].1 += 1;
        self.treated += 1;
        let behaviour = self.behaviours[at].0.clone();
        let draw = |salt: u64| u8::try_from(crate::time::mix(self.treated.wrapping_mul(2).wrapping_add(salt)) % 100).unwrap_or_default();
        let (reset, lose) = (draw(0) < behaviour.reset_percent, draw(1) < behaviour.lose_percent);
        Some(Draw { behaviour, reset, lose })
    }
}

/// How the behaviours and the ledger call what is asked for, and what a pause holds for.
fn name(call: &Call) -> (String, String) {
    let part = |at: usize| call.parts.get(at).map_or("", String::as_str);
    match part(0) {
        "smba" => connector::name(call),
        "graph" => graph::name(call),
        "login" | "metadata" => ("token".into(), "token".into()),
        "openid" => ("keys".into(), "keys".into()),
        "upload" => ("upload".into(), format!("upload {}", part(1))),
        "download" => ("download".into(), format!("download {}", part(1))),
        "workflows" => ("workflow".into(), format!("workflow {}", part(1))),
        other => (other.to_owned(), other.to_owned()),
    }
}

async fn treated(world: World, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return lost() };
    let call = Call::new(head.method.as_str(), head.uri.path(), head.uri.query().unwrap_or_default(), head.headers, body);
    let (name, what) = name(&call);
    let draw = {
        let state = &mut *world.state();
        *state.ledger.calls.entry(name.clone()).or_default() += 1;
        let now = state.micros();
        if let Some(seconds) = state.meter.early(&what, now, &mut state.ledger) {
            *state.ledger.limited.entry(name.clone()).or_default() += 1;
            return refusal(&name, &Refusal::limited("Throttled", seconds)).into_response();
        }
        state.treat(&name)
    };
    let Some(draw) = draw else {
        let done = answer(&world, &call, &name, &what);
        world.report();
        return done.into_response();
    };
    let behaviour = draw.behaviour;
    if draw.reset {
        world.state().ledger.resets += 1;
        return lost();
    }
    if let Some(status) = behaviour.refuse {
        let state = &mut *world.state();
        if let Some(seconds) = behaviour.retry_after {
            let now = state.micros();
            state.meter.refuse(&what, i64::from(seconds), now);
            *state.ledger.limited.entry(name.clone()).or_default() += 1;
        }
        let code = behaviour.code.as_deref().unwrap_or(match status {
            412 => "PreconditionFailed",
            429 => "Throttled",
            503 => "ServiceUnavailable",
            504 => "GatewayTimeout",
            _ => "ServiceError",
        });
        let wait = behaviour.retry_after;
        return refusal(&name, &Refusal { wait, ..Refusal::new(status, code, "so it was ordered") }).into_response();
    }
    pause(behaviour.think).await;
    let done = answer(&world, &call, &name, &what);
    world.report();
    pause(behaviour.linger).await;
    if draw.lose {
        world.state().ledger.lost_answers += 1;
        return lost();
    }
    if let Some(status) = behaviour.fail_after {
        return Reply::text(status, "upstream request timeout").into_response();
    }
    if behaviour.html {
        return Reply::bytes(200, "text/html", b"<html><body>We'll be back</body></html>".to_vec()).into_response();
    }
    if behaviour.garbage {
        return Reply { body: b"{\"id\": ".to_vec(), ..done }.into_response();
    }
    done.into_response()
}

fn refusal(name: &str, refusal: &Refusal) -> Reply {
    if name.starts_with("graph") { Reply::graph(refusal) } else { Reply::refused(refusal) }
}

async fn pause(span: Duration) {
    if !span.is_zero() {
        tokio::time::sleep(span).await;
    }
}

fn answer(world: &World, call: &Call, name: &str, what: &str) -> Reply {
    let part = |at: usize| call.parts.get(at).map_or("", String::as_str);
    let state = &mut *world.state();
    let reply = match (part(0), call.parts.len()) {
        ("smba", _) => connector::answer(state, call, what),
        ("graph", _) => graph::answer(state, call, name),
        ("login", 5) if call.path.ends_with("/oauth2/v2.0/token") => state.give_token(call, part(1)),
        ("metadata", 4) if call.path == "/metadata/identity/oauth2/token" => state.machine_token(call),
        ("openid", _) if call.path.ends_with("/.well-known/openidconfiguration") => Reply::json(200, &state.metadata()),
        ("openid", _) if call.path.ends_with("/.well-known/keys") => Reply::json(200, &state.jwks()),
        ("upload", 2) => files::upload(state, call, part(1)),
        ("download", 2) => files::download(state, call, part(1)),
        ("workflows", 2) => workflows::take(state, call, part(1)),
        _ => Reply::text(404, "there is no such page"),
    };
    if reply.status == 429 {
        *state.ledger.limited.entry(name.to_owned()).or_default() += 1;
    }
    if reply.status >= 400 {
        let said: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let code = said.pointer("/error/code").or(said.get("error")).map_or_else(|| reply.status.to_string(), ToString::to_string);
        state.ledger.failures.push(format!("{name}: {}", code.trim_matches('"')));
    }
    reply
}
