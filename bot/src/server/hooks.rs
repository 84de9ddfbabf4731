//! `POST /hooks/ID`: messages that other programs post, answered as the services answer that they were written for.

use super::Services;
use crate::hooks::{Posted, Refusal, Signature};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellhop_core::text::{one_line, shorten};
use std::net::SocketAddr;

/// The longest key of a message, in bytes.
const KEY: usize = 512;

/// Takes a message.
pub async fn receive(
    State(services): State<Services>,
    Path(id): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(error) => {
            return answer(
                error.status(),
                if error.status() == StatusCode::PAYLOAD_TOO_LARGE { "payload_too_large" } else { "invalid_payload" },
            );
        }
    };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let posted = Posted {
        content_type: text(header::CONTENT_TYPE.as_str()).unwrap_or_default(),
        body: &body,
        signature: Signature { id: text("webhook-id"), timestamp: text("webhook-timestamp"), signatures: text("webhook-signature") },
        key: text("webhook-id").or_else(|| text("idempotency-key")).filter(|key| !key.is_empty() && key.len() <= KEY),
        from: from(&headers, &extensions),
    };
    match services.hooks.take(&id, posted).await {
        Ok(()) => answer(StatusCode::OK, "ok"),
        Err(Refusal { status, code }) => answer(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), code),
    }
}

fn answer(status: StatusCode, text: &'static str) -> Response {
    let mut response = (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response();
    let wait = match status {
        StatusCode::TOO_MANY_REQUESTS => "1",
        StatusCode::SERVICE_UNAVAILABLE => "5",
        _ => return response,
    };
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static(wait));
    response
}

/// The address of the program, and what it calls itself. Behind a proxy on this machine it is what the proxy says.
fn from(headers: &HeaderMap, extensions: &Extensions) -> String {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let said = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok()).and_then(|list| list.rsplit(',').next()).map(str::trim);
    let address = match (peer, said) {
        (Some(peer), Some(said)) if peer.is_loopback() => shorten(&one_line(said), 60),
        (Some(peer), _) => peer.to_string(),
        (None, _) => "?".to_owned(),
    };
    match text(header::USER_AGENT) {
        Some(agent) => format!("{address} {}", shorten(&one_line(agent), 60)),
        None => address,
    }
}
