//! A server that answers what it is told to.

use crate::world::store_of;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bellhop_s3::S3Store;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// What it was asked.
pub struct Asked {
    pub method: Method,
    /// Path and query.
    pub target: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The region that it was signed for.
    pub fn region(&self) -> &str {
        self.header("authorization").and_then(|text| text.split('/').nth(2)).unwrap_or_default()
    }
}

type Answer = Arc<dyn Fn(&Asked) -> Response + Send + Sync>;

#[derive(Clone)]
struct Server {
    answer: Answer,
    heard: Arc<Mutex<Vec<String>>>,
}

async fn say(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // A server reads what it is sent.
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let asked = Asked {
        method: parts.method,
        target: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body[..body.len().min(10_000)]).into_owned(),
    };
    server.heard.lock().unwrap().push(format!("{} {}", asked.method, asked.target));
    let mut answer = (server.answer)(&asked);
    // Its clock shows what the store's does.
    answer.headers_mut().entry("date").or_insert(HeaderValue::from_static("Mon, 02 Nov 2026 12:00:00 GMT"));
    answer
}

/// A store with the bucket `files` on a server that answers like this, and what the server heard.
pub async fn scripted(more: &Value, answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> (S3Store, Arc<Mutex<Vec<String>>>) {
    let server = Server { answer: Arc::new(answer), heard: Arc::default() };
    let heard = server.heard.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    TaskTracker::new().spawn(async move { axum::serve(listener, Router::new().fallback(say).with_state(server)).await });
    let mut settings = json!({ "region": "eu-west-1" });
    for (key, value) in more.as_object().into_iter().flatten() {
        settings[key] = value.clone();
    }
    (store_of(&url, "files", &settings), heard)
}

pub fn error(status: u16, code: &str, message: &str) -> Response {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>r</RequestId></Error>");
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/xml")], body).into_response()
}

pub fn xml(body: &str) -> Response {
    ([("content-type", "application/xml")], format!("<?xml version=\"1.0\"?>{body}")).into_response()
}

/// The answer to the beginning of an upload.
pub fn begun(id: &str) -> Response {
    xml(&format!(
        "<InitiateMultipartUploadResult><Bucket>files</Bucket><Key>f</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
    ))
}

/// The answer to a HEAD of a file of this length.
pub fn known(size: u64) -> Response {
    let size = size.to_string();
    [("content-length", size.as_str()), ("etag", "\"e\""), ("last-modified", "Mon, 02 Nov 2026 10:00:00 GMT")].into_response()
}
