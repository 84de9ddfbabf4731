//! Whether the bot is alive and ready, and its metrics.

use super::{Problem, Services, keys};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// `GET /healthz`: the process answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the database answers, too, so that data would be taken.
pub async fn ready(State(services): State<Services>) -> Result<&'static str, Problem> {
    services.store.ping().await?;
    Ok("ready\n")
}

/// `GET /metrics`, as Prometheus reads them. Where strangers may reach the listener it wants a key.
pub async fn metrics(State(services): State<Services>, headers: HeaderMap) -> Result<Response, Problem> {
    if services.exposed {
        keys::check(&services.store, &headers, "metrics").await?;
    }
    if let Ok(depth) = services.store.outbox_depth().await {
        for (state, count) in [("ready", depth.ready), ("leased", depth.leased), ("ambiguous", depth.ambiguous), ("dead", depth.dead)] {
            #[expect(clippy::cast_precision_loss, reason = "a gauge, and far below 2^52")]
            metrics::gauge!("bellhop_outbox_depth", "state" => state).set(count as f64);
        }
    }
    if let Ok(oldest) = services.store.oldest_waiting().await {
        let age = oldest.map_or(0.0, |at| (services.clock.now() - at).to_std().unwrap_or_default().as_secs_f64());
        metrics::gauge!("bellhop_outbox_oldest_seconds").set(age);
    }
    let Some(handle) = crate::telemetry::metrics() else {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "metrics could not be set up; the log says why"));
    };
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response())
}

/// `GET /api/v2/status`: what tools that speak to an Alertmanager look at first.
pub async fn alertmanager_status() -> Json<Value> {
    Json(json!({
        "cluster": { "status": "disabled", "peers": [] },
        "versionInfo": { "version": env!("CARGO_PKG_VERSION"), "branch": "", "buildDate": "", "buildUser": "", "goVersion": "", "revision": "bellhop" },
        "config": { "original": "" },
        "uptime": "1970-01-01T00:00:00.000Z",
    }))
}
