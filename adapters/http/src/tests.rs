//! The client against a small server on loopback that behaves as badly as it is told to.

use crate::{Client, Limits, Method};
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use bellhop_core::ports::ByteStream;
use bellhop_core::{PortError, PortErrorKind, Retry};
use futures::{StreamExt as _, TryStreamExt as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

const SECRET: &str = "xoxb-hush";

struct Server {
    url: String,
    calls: Arc<AtomicU32>,
}

async fn server() -> Server {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = |status: StatusCode, header: &'static str, value: &'static str| {
        any(move |State(calls): State<Arc<AtomicU32>>| async move {
            calls.fetch_add(1, Ordering::SeqCst);
            (status, [(header, value)], "")
        })
    };
    let app = axum::Router::new()
        .route("/json", get(|| async { axum::Json(serde_json::json!({"n": 1})) }))
        .route("/garbage", any(|| async { "<html>xoxb-hush" }))
        .route(
            "/echo",
            post(|headers: HeaderMap, RawQuery(query): RawQuery, body: Body| async move {
                let mut answer = HeaderMap::new();
                for (from, to) in [("content-type", "x-type"), ("authorization", "x-auth"), ("content-length", "x-length")] {
                    answer.extend(headers.get(from).cloned().map(|value| (axum::http::HeaderName::from_static(to), value)));
                }
                answer.insert("x-query", query.unwrap_or_default().parse().unwrap());
                (answer, body)
            }),
        )
        .route("/redirect", any(|| async { axum::response::Redirect::temporary("/json") }))
        .route(
            "/large",
            any(|| async {
                Body::from_stream(futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 8192]))).take(64))
            }),
        )
        .route("/never", any(std::future::pending::<StatusCode>))
        .route(
            "/stalls",
            any(|| async {
                Body::from_stream(
                    futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"begin"))]).chain(futures::stream::pending()),
                )
            }),
        )
        .route("/429", counted(StatusCode::TOO_MANY_REQUESTS, "retry-after", "0.02"))
        .route("/429-long", counted(StatusCode::TOO_MANY_REQUESTS, "retry-after", "77"))
        .route("/503", counted(StatusCode::SERVICE_UNAVAILABLE, "x-none", ""))
        .route(
            "/503-date",
            any(|| async {
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    [("date", "Wed, 21 Oct 2015 07:28:00 GMT"), ("retry-after", "Wed, 21 Oct 2015 07:29:30 GMT")],
                )
            }),
        )
        .route(
            "/recovers",
            any(|State(calls): State<Arc<AtomicU32>>| async move {
                if calls.fetch_add(1, Ordering::SeqCst) < 2 {
                    StatusCode::BAD_GATEWAY.into_response()
                } else {
                    axum::Json(7).into_response()
                }
            }),
        )
        .route(
            "/status/{code}",
            any(|axum::extract::Path(code): axum::extract::Path<u16>| async move { StatusCode::from_u16(code).unwrap() }),
        )
        .with_state(calls.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    TaskTracker::new().spawn(async move { axum::serve(listener, app).await });
    Server { url, calls }
}

/// A server that reads the request and then closes the connection without a word.
async fn hangs_up() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    TaskTracker::new().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.shutdown().await;
        }
    });
    url
}

fn client() -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let limits = Limits { total: Duration::from_millis(300), response: 100_000, pause: Duration::from_millis(5), ..Limits::default() };
    Client::new("chat.test", limits).unwrap()
}

fn chunks(parts: Vec<Result<&'static str, PortError>>) -> ByteStream {
    Box::pin(futures::stream::iter(parts.into_iter().map(|part| part.map(|text| Bytes::from_static(text.as_bytes())))))
}

#[tokio::test]
async fn reads_json() {
    let server = server().await;
    let answer: serde_json::Value = client().get("head", "/json", &format!("{}/json", server.url)).receive().await.unwrap();
    assert_eq!(answer["n"], 1);
}

#[tokio::test]
async fn sends_what_it_is_given() {
    let server = server().await;
    let url = format!("{}/echo?a=1", server.url);
    let request = client().post("deliver", "/echo", &url).bearer(SECRET).query(&[("b", "x & y=ü")]).json(&serde_json::json!([1, 2]));
    assert!(!format!("{request:?}").contains(SECRET));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.header("x-auth"), Some("Bearer xoxb-hush"));
    assert_eq!(answer.header("x-type"), Some("application/json"));
    assert_eq!(answer.header("x-query"), Some("a=1&b=x+%26+y%3D%C3%BC"));
    assert_eq!(answer.text().await.unwrap(), "[1,2]");
    let form = client().post("deliver", "/echo", &url).form(&[("t", "a&b c")]).send().await.unwrap();
    assert_eq!(form.text().await.unwrap(), "t=a%26b+c");
}

#[tokio::test]
async fn streams_both_ways() {
    let server = server().await;
    let url = format!("{}/echo", server.url);
    let body = chunks(vec![Ok("one "), Ok("two "), Ok("three")]);
    let answer = client().post("upload", "/echo", &url).stream("text/plain", Some(13), body).send().await.unwrap();
    assert_eq!(answer.header("x-length"), Some("13"));
    let got: Vec<Bytes> = answer.stream().try_collect().await.unwrap();
    assert_eq!(got.concat(), b"one two three");

    // A reader that fails is reported as itself, and not as a broken connection.
    let own = PortError::not_found("files.local", "read", "gone");
    let error =
        client().post("upload", "/echo", &url).stream("text/plain", Some(9), chunks(vec![Ok("one "), Err(own)])).send().await.unwrap_err();
    assert_eq!((error.kind, error.service.as_str()), (PortErrorKind::NotFound, "files.local"));

    // A body that is longer or shorter than was said never counts as sent.
    for size in [3, 99] {
        let sent = client().post("upload", "/echo", &url).stream("text/plain", Some(size), chunks(vec![Ok("12345")])).send().await;
        let arrived = match sent {
            Ok(answer) => answer.bytes().await.map(|bytes| bytes.len()).ok(),
            Err(_) => None,
        };
        assert_ne!(arrived, Some(5), "size {size}");
    }
}

#[tokio::test]
async fn a_stream_may_take_long_but_not_stall() {
    let server = server().await;
    let url = format!("{}/echo", server.url);
    // Six pauses of 100 ms are longer than the time limit of 300 ms, and none of them is.
    let slow = futures::stream::unfold(0, |n| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        (n < 6).then_some((Ok(Bytes::from_static(b"x")), n + 1))
    });
    let answer = client().post("upload", "/echo", &url).stream("text/plain", None, Box::pin(slow)).send().await.unwrap();
    let got: Vec<Bytes> = answer.stream().try_collect().await.unwrap();
    assert_eq!(got.concat(), b"xxxxxx");

    let stuck = Box::pin(chunks(vec![Ok("x")]).chain(futures::stream::pending()));
    let answer = client().post("upload", "/never", &format!("{}/never", server.url)).stream("text/plain", None, stuck).send().await;
    let error = answer.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::TimedOut);
    assert!(error.maybe_done);

    let stalls = client().get("fetch", "/stalls", &format!("{}/stalls", server.url)).send().await.unwrap();
    let got: Vec<_> = stalls.stream().collect().await;
    assert_eq!(got.len(), 2);
    assert_eq!(got[1].as_ref().unwrap_err().kind, PortErrorKind::TimedOut);
}

#[tokio::test]
async fn statuses_become_kinds() {
    use PortErrorKind::{
        Broken, Conflict, Denied, Full, Invalid, NotFound, RateLimited, TimedOut, TooLarge, Unauthenticated, Unavailable, Unsupported,
    };
    let server = server().await;
    let table = [
        (400, Invalid, Retry::No, false),
        (401, Unauthenticated, Retry::No, false),
        (403, Denied, Retry::No, false),
        (404, NotFound, Retry::No, false),
        (405, Unsupported, Retry::No, false),
        (409, Conflict, Retry::No, false),
        (410, NotFound, Retry::No, false),
        (412, Conflict, Retry::No, false),
        (413, TooLarge, Retry::No, false),
        (422, Invalid, Retry::No, false),
        (429, RateLimited, Retry::Backoff, false),
        (500, Unavailable, Retry::Backoff, true),
        (501, Unsupported, Retry::No, false),
        (502, Unavailable, Retry::Backoff, true),
        (503, Unavailable, Retry::Backoff, true),
        (504, TimedOut, Retry::Backoff, true),
        (507, Full, Retry::Backoff, true),
        (302, Broken, Retry::No, false),
    ];
    for (code, kind, retry, maybe_done) in table {
        let error = client().post("deliver", "/status", &format!("{}/status/{code}", server.url)).send().await.unwrap_err();
        assert_eq!((error.kind, error.retry, error.maybe_done), (kind, retry, maybe_done), "{code}");
        assert!(error.message.contains(&code.to_string()), "{error}");
        let error = client().put("revise", "/status", &format!("{}/status/{code}", server.url)).send().await.unwrap_err();
        assert!(!error.maybe_done, "{code}: putting the same again is harmless");
    }
}

#[tokio::test]
async fn a_pause_asked_for_is_passed_on() {
    let server = server().await;
    let error = client().post("deliver", "/429-long", &format!("{}/429-long", server.url)).send().await.unwrap_err();
    assert_eq!((error.kind, error.retry), (PortErrorKind::RateLimited, Retry::After(Duration::from_secs(77))));
    assert_eq!(server.calls.load(Ordering::SeqCst), 1);
    let error = client().post("deliver", "/503-date", &format!("{}/503-date", server.url)).send().await.unwrap_err();
    assert_eq!(error.retry, Retry::After(Duration::from_secs(90)));
}

#[tokio::test]
async fn only_reads_are_repeated() {
    let server = server().await;
    let got: u32 = client().get("head", "/recovers", &format!("{}/recovers", server.url)).receive().await.unwrap();
    assert_eq!((got, server.calls.swap(0, Ordering::SeqCst)), (7, 3));
    // A search by POST that says so is a read too.
    let got: u32 = client().post("query", "/recovers", &format!("{}/recovers", server.url)).reads().receive().await.unwrap();
    assert_eq!((got, server.calls.swap(0, Ordering::SeqCst)), (7, 3));

    for (method, calls) in [(Method::GET, 3), (Method::POST, 1), (Method::PUT, 1), (Method::DELETE, 1)] {
        let error = client().request(method.clone(), "head", "/503", &format!("{}/503", server.url)).send().await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Unavailable);
        assert_eq!(server.calls.swap(0, Ordering::SeqCst), calls, "{method}");
    }
    // A short pause is waited out, a long one is the caller's to plan.
    let _ = client().get("head", "/429", &format!("{}/429", server.url)).send().await.unwrap_err();
    assert_eq!(server.calls.swap(0, Ordering::SeqCst), 3);
    let _ = client().get("head", "/429-long", &format!("{}/429-long", server.url)).send().await.unwrap_err();
    assert_eq!(server.calls.swap(0, Ordering::SeqCst), 1);
}

#[tokio::test]
async fn nobody_there_means_not_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hush?token={SECRET}", listener.local_addr().unwrap());
    drop(listener);
    let error = client().post("deliver", "/hush", &url).send().await.unwrap_err();
    assert_eq!((error.kind, error.retry, error.maybe_done), (PortErrorKind::Unavailable, Retry::Backoff, false));
    assert!(error.message.contains("can't be reached"), "{error}");
    assert!(!format!("{error} {error:?}").contains(SECRET));
}

#[tokio::test]
async fn a_lost_answer_leaves_it_open() {
    let server = server().await;
    let never = format!("{}/never?token={SECRET}", server.url);
    let error = client().post("deliver", "/never", &never).send().await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (PortErrorKind::TimedOut, true));
    assert!(error.message.contains("0.3 s") && !error.message.contains(SECRET), "{error}");
    let closes = hangs_up().await;
    let error = client().post("deliver", "/", &closes).send().await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (PortErrorKind::Unavailable, true));
    let error = client().post("deliver", "/", &closes).idempotent().send().await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (PortErrorKind::Unavailable, false));
}

#[tokio::test]
async fn answers_have_a_limit_and_must_make_sense() {
    let server = server().await;
    let large = client().get("read", "/large", &format!("{}/large", server.url)).send().await.unwrap().bytes().await.unwrap_err();
    assert_eq!(large.kind, PortErrorKind::Broken);
    assert!(large.message.contains("97.6 KiB"), "{large}");
    let garbage =
        client().post("deliver", "/garbage", &format!("{}/garbage", server.url)).receive::<serde_json::Value>().await.unwrap_err();
    assert_eq!((garbage.kind, garbage.maybe_done), (PortErrorKind::Broken, true));
    assert!(!garbage.message.contains(SECRET), "{garbage}");
    let redirect = client().get("read", "/redirect", &format!("{}/redirect", server.url)).send().await.unwrap_err();
    assert_eq!(redirect.kind, PortErrorKind::Broken);
    assert!(redirect.message.contains("redirects are not followed"), "{redirect}");
}

#[tokio::test]
async fn what_cannot_be_sent_is_said() {
    for url in ["", "not an address", "file:///etc/passwd", "ftp://host/x", "http://"] {
        let error = client().get("read", "/x", url).send().await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Invalid, "{url}");
    }
    let server = server().await;
    let error = client().get("read", "/json", &format!("{}/json", server.url)).bearer("a\nb").send().await.unwrap_err();
    assert!(error.message.contains("authorization") && !error.message.contains("a\nb"), "{error}");
    let error = client().get("read", "/json", &server.url).path("..").send().await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Invalid);
    let got: serde_json::Value = client().get("read", "/json", &server.url).path("json").receive().await.unwrap();
    assert_eq!(got["n"], 1);
    assert!(!format!("{:?}", client().get("read", "/x", &format!("{}/x?token={SECRET}", server.url))).contains(SECRET));
}
