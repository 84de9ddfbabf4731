//! The API as the rest of the adapter calls it: within Discord's limits, which are learnt from its answers. A call that would come
//! too early waits a little, or fails with the exact wait before it is made. What a call means is not known here.
//!
//! <https://docs.discord.com/developers/topics/rate-limits>

mod blocked;
mod buckets;
mod global;
mod invalid;

use crate::wire::{Body, Failure, Route, Said, Wire, WireResult};
use bellhop_core::clock::Clock;
use bellhop_core::ids::ChatName;
use bellhop_core::ports::{PortResult, Records};
use bellhop_core::{PortError, PortErrorKind};
use blocked::Blocked;
use buckets::{Buckets, Turn};
use global::Window;
use invalid::Invalid;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a call waits for its turn before it is put off.
const PATIENCE: Duration = Duration::from_secs(6);
/// How often a refused token is tried again: a new one may have been put in its place at Discord.
const PROBE: Duration = Duration::from_mins(5);
/// How often a call that was told to wait is made again here, where the wait is short.
const AGAIN: usize = 2;

/// Discord's REST API.
pub(crate) struct Api {
    wire: Wire,
    buckets: Buckets,
    global: Window,
    blocked: Blocked,
    invalid: Invalid,
    /// When the bot's token was refused last, and how.
    refused: Mutex<Option<(Instant, PortError)>>,
}

impl Api {
    /// The API over this wire. What Discord has asked to be left alone is kept in the records, so that it is known after a
    /// restart and to other processes.
    pub(crate) fn new(chat: &ChatName, wire: Wire, records: Arc<dyn Records>, clock: Arc<dyn Clock>) -> Self {
        Self {
            wire,
            buckets: Buckets::default(),
            global: Window::default(),
            blocked: Blocked::new(chat, records.clone(), clock.clone()),
            invalid: Invalid::new(chat, records, clock),
            refused: Mutex::default(),
        }
    }

    /// The wire, for what is not a route.
    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The configured name of the connection.
    pub(crate) fn service(&self) -> &str {
        self.wire.service()
    }

    /// Calls a route without a body.
    pub(crate) async fn get<T: DeserializeOwned>(&self, route: Route, parts: &[&str], query: &[(&str, String)]) -> WireResult<T> {
        self.read(route, self.exchange(route, parts, query, Body::None).await?)
    }

    /// Calls a route with a JSON body.
    pub(crate) async fn call<T: DeserializeOwned>(&self, route: Route, parts: &[&str], body: Value) -> WireResult<T> {
        self.read(route, self.exchange(route, parts, &[], Body::Json(body)).await?)
    }

    fn read<T: DeserializeOwned>(&self, route: Route, answer: Value) -> WireResult<T> {
        serde_json::from_value(answer).map_err(|_| {
            let message = format!("{}: a member of the answer is missing or of another kind", route.path);
            let error = PortError::new(PortErrorKind::Broken, self.service(), route.operation, message);
            Failure::from(if route.safe { error } else { error.maybe_done() })
        })
    }

    /// Calls a route with any body. What is refused for its rate is made again here where the wait is short and nothing is lost by
    /// it.
    pub(crate) async fn exchange(&self, route: Route, parts: &[&str], query: &[(&str, String)], body: Body) -> WireResult<Value> {
        let deadline = Instant::now() + PATIENCE;
        let (json, files) = match body {
            Body::Stream { .. } => return self.once(route, parts, query, body, deadline).await,
            Body::None => (None, Vec::new()),
            Body::Json(json) => (Some(json), Vec::new()),
            Body::Files(json, files) => (Some(json), files),
        };
        let mut left = AGAIN;
        loop {
            let body = json.clone().map_or(Body::None, |json| Body::Files(json, files.clone()));
            match self.once(route, parts, query, body, deadline).await {
                Err(failure)
                    if left > 0
                        && failure.status == Some(429)
                        && matches!(failure.error.retry, bellhop_core::Retry::After(pause) if Instant::now() + pause < deadline) =>
                {
                    left -= 1;
                }
                other => return other,
            }
        }
    }

    async fn once(&self, route: Route, parts: &[&str], query: &[(&str, String)], body: Body, deadline: Instant) -> WireResult<Value> {
        self.usable(route)?;
        let turn = self.admit(route, parts, deadline).await?;
        let (said, answer) = self.wire.call(route, parts, query, body).await;
        self.buckets.told(turn, said.as_ref());
        if let Some(said) = &said {
            self.heard(route, parts, said).await;
        }
        match &answer {
            Err(failure) if failure.status == Some(401) && !route.by_interaction() => {
                tracing::error!(service = self.service(), "Discord refuses the bot's token; nothing is called with it for a while");
                *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), failure.error.clone()));
            }
            Ok(_) if !route.by_interaction() => *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = None,
            _ => {}
        }
        answer
    }

    /// A refused token is not used: each further 401 counts towards a ban of this machine's address.
    fn usable(&self, route: Route) -> PortResult<()> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match refused.as_mut() {
            Some((since, error)) if !route.by_interaction() => {
                if since.elapsed() < PROBE {
                    return Err(PortError { operation: route.operation, ..error.clone() });
                }
                // This call finds out; the others go on waiting.
                *since = Instant::now();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Waits for a call's turn, or says how long it would have to.
    async fn admit(&self, route: Route, parts: &[&str], deadline: Instant) -> PortResult<Turn> {
        let late = |wait: Duration, why: &str| {
            let message = format!("{}: {why}; it can be called again in {:.1} s", route.path, wait.as_secs_f64());
            PortError::new(PortErrorKind::RateLimited, self.service(), route.operation, message).after(wait)
        };
        if let Some(wait) = self.invalid.remaining().await {
            return Err(late(wait, "too many calls were refused lately, and Discord bans the address of who goes on"));
        }
        loop {
            let (wait, why) = match self.blocked.remaining(route, parts).await {
                Some(wait) => (wait, "Discord asked to wait"),
                None => match self.buckets.take(route, parts) {
                    Ok(turn) => {
                        let wait = if route.by_interaction() { Duration::ZERO } else { self.global.take(Instant::now()) };
                        if wait.is_zero() {
                            return Ok(turn);
                        }
                        self.buckets.give_back(&turn);
                        (wait, "the bot's calls of this second are used up")
                    }
                    Err(wait) => (wait, "the calls of this kind are used up for the moment"),
                },
            };
            if Instant::now() + wait > deadline {
                return Err(late(wait, why));
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn heard(&self, route: Route, parts: &[&str], said: &Said) {
        if let Some(refused) = &said.refused {
            self.blocked.block(route, parts, refused.pause, refused.global).await;
        }
        let counts = matches!(said.status, 401 | 403) || said.refused.as_ref().is_some_and(|refused| !refused.shared);
        if counts {
            self.invalid.count().await;
        }
    }
}

/// What limits count by: the route, and the channel, server or webhook that it is about.
fn major<'a>(route: Route, parts: &[&'a str]) -> (&'a str, &'a str) {
    let at = |index: usize| parts.get(index).copied().unwrap_or_default();
    if route.path.starts_with("/channels/{}") || route.path.starts_with("/guilds/{}") {
        (at(0), "")
    } else if route.by_interaction() {
        (at(0), at(1))
    } else {
        ("", "")
    }
}
