//! The one listener. Routes and their limits stand here; what they do stands beside.

mod alerts;
mod answer;
mod events;
mod health;
mod hooks;
mod keys;
mod openapi;
mod shares;

use crate::alerts::Engine;
use crate::hooks::Webhooks;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use bellhop_core::clock::{Clock, Ids};
use bellhop_core::ports::{Stop, Stores};
use bellhop_store::{Events, Store};
use hyper_util::rt::TokioTimer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

pub use answer::Problem;

/// The largest body of an alert, in bytes.
const ALERT_BODY: usize = 1 << 20;
/// The largest body of a batch of events, in bytes.
const EVENTS_BODY: usize = 10 << 20;
/// The largest body of a message posted to a webhook, in bytes.
const HOOK_BODY: usize = 512 << 10;
/// How long a request may take, body included. Downloads and the console's streams are not under it.
const REQUEST: Duration = Duration::from_secs(30);

/// How long the head of a request may take: whoever sends slower is let go.
const HEAD: Duration = Duration::from_secs(10);
/// How long requests under way may take when the bot stops.
const LAST_REQUESTS: Duration = Duration::from_millis(1500);

/// What the routes use.
#[derive(Clone)]
pub struct Services {
    /// The database.
    pub store: Store,
    /// Own events.
    pub events: Arc<Events>,
    /// Alerts.
    pub engine: Arc<Engine>,
    /// Webhooks in.
    pub hooks: Arc<Webhooks>,
    /// File stores, for shared links.
    pub stores: Arc<dyn Stores>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh identifiers.
    pub ids: Arc<dyn Ids>,
    /// Whether strangers may reach the listener: then the metrics want a key, too.
    pub exposed: bool,
}

/// Serves the routes until told to stop; then requests under way are finished, for a moment.
pub async fn serve(listener: tokio::net::TcpListener, routes: Router, stop: Stop) {
    let served = async {
        let handle = axum_server::Handle::new();
        let mut server = axum_server::from_tcp(listener.into_std()?)?.handle(handle.clone());
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
        let ending = async {
            stop.cancelled().await;
            handle.graceful_shutdown(Some(LAST_REQUESTS));
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = server.serve(routes.into_make_service_with_connect_info::<SocketAddr>()) => ended,
            () = ending => Ok(()),
        }
    };
    if let Err(error) = served.await {
        tracing::error!(%error, "the listener failed");
    }
}

/// All routes. `chats` are those that the adapters bring; the console's is the root.
pub fn routes(services: Services, chats: Vec<Router>) -> Router {
    let alert = |limit: usize| DefaultBodyLimit::max(limit);
    let intake = Router::new()
        .route("/alerts/alertmanager", post(alerts::alertmanager))
        .route("/alerts/generic", post(alerts::generic))
        .route("/api/v2/alerts", post(alerts::api_v2))
        .layer(alert(ALERT_BODY));
    let events =
        Router::new().route("/v1/events", post(events::events)).route("/v1/profiles", post(events::profiles)).layer(alert(EVENTS_BODY));
    let hooks = Router::new().route("/hooks/{id}", post(hooks::receive)).layer(DefaultBodyLimit::max(HOOK_BODY));
    let timed = Router::new()
        .merge(intake)
        .merge(events)
        .merge(hooks)
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi::document))
        .route("/api/v2/status", get(health::alertmanager_status))
        .layer(TimeoutLayer::with_status_code(axum::http::StatusCode::REQUEST_TIMEOUT, REQUEST));
    let mut all = timed.route("/s/{id}", get(shares::follow)).with_state(services);
    for chat in chats {
        all = all.merge(chat);
    }
    all.layer(CatchPanicLayer::custom(answer::panicked))
}
