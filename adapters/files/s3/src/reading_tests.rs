//! Servers that fall silent in the middle of a file, with a patience that is short enough for a test.

use super::*;
use crate::plan::Sizes;
use axum::Router;
use axum::body::Body as Answer;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bellhop_core::ports::FileStore as _;
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::peers::s3::{ACCESS_KEY, SECRET_KEY};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

const CONTENT: &[u8] = b"what is read in two halves";

/// A store on a server that gives at most 10 bytes and then says nothing more, the first `silent` times.
async fn falling_silent(silent: usize) -> (S3Store, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let answer = move |method: Method, headers: HeaderMap| {
        let counted = counted.clone();
        async move { say(&method, &headers, silent, &counted) }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    TaskTracker::new().spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    let config = json!({ "bucket": "files", "endpoint": url, "access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY });
    let mut store = S3Store::new("s3".into(), serde_json::from_value(config).unwrap(), Arc::new(StoppedClock::default())).unwrap();
    store.sizes = Sizes { silence: Duration::from_millis(300), ..Sizes::default() };
    store.note_versioning(bellhop_core::ports::Versioning::Off);
    (store, asked)
}

fn say(method: &Method, headers: &HeaderMap, silent: usize, asked: &AtomicUsize) -> Response {
    if *method != Method::GET {
        return StatusCode::NOT_IMPLEMENTED.into_response();
    }
    let range = headers.get("range").and_then(|range| range.to_str().ok());
    let start = range.and_then(|range| range.trim_start_matches("bytes=").split('-').next()?.parse::<usize>().ok());
    let rest = &CONTENT[start.unwrap_or(0)..];
    let last = CONTENT.len() - 1;
    let mut answer = Response::builder().header("etag", "\"e\"").header("content-length", rest.len());
    if let Some(start) = start {
        let content_range = format!("bytes {start}-{last}/{}", CONTENT.len());
        answer = answer.status(StatusCode::PARTIAL_CONTENT).header("content-range", content_range);
    }
    let body = if asked.fetch_add(1, Ordering::SeqCst) < silent {
        // All of it would be an end.
        let some = Bytes::from_static(&rest[..rest.len().min(10).min(rest.len().saturating_sub(1))]);
        let first = futures::stream::once(async move { Ok::<_, std::io::Error>(some) });
        Answer::from_stream(first.chain(futures::stream::pending()))
    } else {
        Answer::from(rest)
    };
    answer.body(body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_is_asked_for_where_nothing_more_comes() {
    let (store, asked) = falling_silent(2).await;
    let got: Vec<Bytes> = store.read("f", None, None).await.unwrap().bytes.try_collect().await.unwrap();
    assert_eq!((got.concat().as_slice(), asked.load(Ordering::SeqCst)), (CONTENT, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stays_silent_is_given_up() {
    let (store, asked) = falling_silent(usize::MAX).await;
    let got: PortResult<Vec<Bytes>> = store.read("f", None, None).await.unwrap().bytes.try_collect().await;
    let error = got.unwrap_err();
    assert!(error.kind == PortErrorKind::TimedOut && error.message.contains("nothing more came of `f`"), "{error:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}
