//! One request as the world reads it, and what it answers.

use super::ids::{pairs, unescaped};
use super::state::Refusal;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

pub(super) struct Call {
    pub method: String,
    /// The path as it came.
    pub path: String,
    /// Its parts, their escapes resolved.
    pub parts: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    pub(super) fn new(method: &str, path: &str, query: &str, headers: HeaderMap, body: Bytes) -> Self {
        let parts = path.trim_matches('/').split('/').map(unescaped).collect();
        Self { method: method.to_owned(), path: path.to_owned(), parts, query: pairs(query), headers, body }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn kind(&self) -> &str {
        self.header("content-type")
    }

    pub(super) fn bearer(&self) -> Option<&str> {
        self.header("authorization").strip_prefix("Bearer ").map(str::trim)
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Result<Value, Refusal> {
        if !self.kind().starts_with("application/json") {
            return Err(Refusal::new(415, "UnsupportedMediaType", "the body has to be application/json"));
        }
        let value: Value =
            serde_json::from_slice(&self.body).map_err(|error| Refusal::new(400, "BadSyntax", format!("the body is no JSON: {error}")))?;
        if value.is_object() { Ok(value) } else { Err(Refusal::new(400, "BadSyntax", "the body is no object")) }
    }
}

/// What a call is answered with.
pub(super) struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
    pub headers: Vec<(&'static str, String)>,
}

impl Reply {
    pub(super) fn json(status: u16, value: &Value) -> Self {
        Self { status, body: value.to_string().into_bytes(), headers: vec![("content-type", "application/json; charset=utf-8".into())] }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, body: Vec::new(), headers: Vec::new() }
    }

    pub(super) fn text(status: u16, text: &str) -> Self {
        Self::bytes(status, "text/plain; charset=utf-8", text.as_bytes().to_vec())
    }

    pub(super) fn bytes(status: u16, kind: &str, body: Vec<u8>) -> Self {
        Self { status, body, headers: vec![("content-type", kind.to_owned())] }
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// A failure in the connector's words.
    pub(super) fn refused(refusal: &Refusal) -> Self {
        let body = json!({ "error": { "code": refusal.code, "message": refusal.message } });
        Self::json(refusal.status, &body).waiting(refusal.wait)
    }

    /// A failure in Graph's words.
    pub(super) fn graph(refusal: &Refusal) -> Self {
        let inner = json!({ "date": "2026-01-15T12:00:00", "request-id": "0", "client-request-id": "0" });
        let body = json!({ "error": { "code": refusal.code, "message": refusal.message, "innerError": inner } });
        Self::json(refusal.status, &body).waiting(refusal.wait)
    }

    pub(super) fn waiting(self, seconds: Option<u32>) -> Self {
        match seconds {
            Some(seconds) => self.with("retry-after", &seconds.to_string()),
            None => self,
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = (status, self.body).into_response();
        answer.headers_mut().remove("content-type");
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                answer.headers_mut().insert(*name, value);
            }
        }
        answer
    }
}
