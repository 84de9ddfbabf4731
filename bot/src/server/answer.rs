//! Answers to programs: what was refused, why, and what to do, as JSON.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellhop_core::error::{PortError, PortErrorKind};
use serde_json::json;

/// Why a request was refused.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    error: String,
}

impl Problem {
    /// A refusal with its reason.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into() }
    }

    /// The body can't be used.
    pub fn malformed(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }
}

impl From<PortError> for Problem {
    /// A database that can't take it now is 503, which senders try again; Alertmanager gives up on any 4xx.
    fn from(error: PortError) -> Self {
        match error.kind {
            PortErrorKind::NotFound => Self::new(StatusCode::NOT_FOUND, error.message),
            PortErrorKind::Invalid => Self::malformed(error.message),
            _ => {
                tracing::warn!(%error, "a request could not be served");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "this could not be kept just now; send it again")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "error": self.error }))).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer realm=\"bellhop\""));
        }
        response
    }
}

/// A handler panicked: the sender learns nothing but that it was not its fault.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the payload over")]
pub fn panicked(payload: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let why = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("of unknown kind");
    tracing::error!(why, "a request panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "this failed inside; the log has the details").into_response()
}
