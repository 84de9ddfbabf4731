//! Alerts in: verified, read, kept, and only then answered.

use super::{Problem, Services, keys};
use crate::alerts::shapes::{self, ShapeError};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use bellhop_core::alert::AlertSignal;
use bellhop_core::clock::Timestamp;
use serde_json::{Value, json};

type Body = Result<Bytes, BytesRejection>;
type Answer = Result<(StatusCode, Json<Value>), Problem>;

/// `POST /alerts/alertmanager`
pub async fn alertmanager(State(services): State<Services>, headers: HeaderMap, body: Body) -> Answer {
    take(services, &headers, body, "alertmanager", shapes::alertmanager).await
}

/// `POST /api/v2/alerts`
pub async fn api_v2(State(services): State<Services>, headers: HeaderMap, body: Body) -> Answer {
    take(services, &headers, body, "prometheus", shapes::api_v2).await.map(|(_, answer)| (StatusCode::OK, answer))
}

/// `POST /alerts/generic`
pub async fn generic(State(services): State<Services>, headers: HeaderMap, body: Body) -> Answer {
    take(services, &headers, body, "generic", shapes::generic).await
}

async fn take(
    services: Services,
    headers: &HeaderMap,
    body: Body,
    source: &'static str,
    read: fn(&[u8], Timestamp) -> Result<Vec<AlertSignal>, ShapeError>,
) -> Answer {
    keys::check(&services.store, headers, "alerts").await?;
    let body = body.map_err(|error| too_large(&error, "alerts", super::ALERT_BODY))?;
    let signals = read(&body, services.clock.now()).map_err(|error| Problem::malformed(error.to_string()))?;
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).filter(|key| key.len() <= 200);
    let accepted = services.engine.accept(source, signals, key).await?;
    Ok((StatusCode::OK, Json(json!({ "accepted": accepted }))))
}

/// A body that could not be taken whole.
pub(super) fn too_large(error: &BytesRejection, what: &str, limit: usize) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let limit = bellhop_core::text::bytes(limit as u64);
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a request may carry {limit} of {what}; send several smaller ones"));
    }
    Problem::malformed(format!("the body did not arrive whole: {error}"))
}
