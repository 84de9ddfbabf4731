//! The HTTP client under the SDK. The SDK's own shows whole addresses in its errors, and in those of a link or of a shared
//! access signature stands the secret; and it gives up after a minute whatever is being sent.
//!
//! It sends once: what may be tried again is decided where it is known what was asked for.

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Method, Request, Url};
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

/// How long a connection may take to be there.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take, and what a request's own bytes add: the slowest line that is still worked with.
const ANSWER: Duration = Duration::from_secs(45);
const BYTES_PER_SECOND: u64 = 32 * 1024;

/// No answer in time.
#[derive(Debug)]
pub(crate) struct TooSlow;

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer in time")
    }
}

impl std::error::Error for TooSlow {}

/// The client.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    client: reqwest::Client,
    answer: Duration,
    /// A place on this machine that gives out tokens without TLS, which the SDK wants to see everywhere.
    plain: Option<Url>,
}

impl Wire {
    #[expect(clippy::disallowed_methods, reason = "the SDK brings its own way of sending, and this is it")]
    pub fn new(answer: Option<Duration>) -> Result<Self, String> {
        let builder = reqwest::Client::builder().connect_timeout(CONNECT).redirect(reqwest::redirect::Policy::none());
        let client = builder.build().map_err(|error| crate::fault::innermost(&error))?;
        Ok(Self { client, answer: answer.unwrap_or(ANSWER), plain: None })
    }

    /// The same, with tokens from this address, which may be one without TLS on this machine.
    pub fn with_login(self, login: Option<&str>) -> Self {
        let plain = login.and_then(|login| login.parse::<Url>().ok()).filter(|login| login.scheme() == "http");
        Self { plain, ..self }
    }

    /// What the SDK has to be told in place of that address.
    pub fn shown(login: &str) -> String {
        login.strip_prefix("http://").map_or_else(|| login.to_owned(), |rest| format!("https://{rest}"))
    }

    fn address(&self, request: &Request) -> Url {
        let mut url = request.url().clone();
        if let Some(plain) = &self.plain
            && url.host_str() == plain.host_str()
            && url.port_or_known_default() == plain.port().or(Some(443))
            && url.scheme() == "https"
        {
            // Both are of the kind that can be exchanged, so this can't fail.
            let _ = url.set_scheme("http");
            let _ = url.set_port(plain.port());
        }
        url
    }
}

/// What went wrong, without the address.
fn failed(error: reqwest::Error) -> azure_core::Error {
    let kind = if error.is_connect() { ErrorKind::Connection } else { ErrorKind::Io };
    if error.is_timeout() {
        return azure_core::Error::with_error(kind, TooSlow, "no answer in time");
    }
    azure_core::Error::with_error(kind, error.without_url(), "the request was not answered")
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Delete => reqwest::Method::DELETE,
        Method::Head => reqwest::Method::HEAD,
        Method::Patch => reqwest::Method::PATCH,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        _ => reqwest::Method::GET,
    }
}

#[async_trait]
impl HttpClient for Wire {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut ours = self.client.request(method(request.method()), self.address(request));
        for (name, value) in request.headers().iter() {
            ours = ours.header(name.as_str(), value.as_str());
        }
        // What passes through takes as long as whoever sends it; that is watched where it is sent.
        let limit = match request.body() {
            Body::Bytes(bytes) => Some(self.answer + Duration::from_secs(bytes.len() as u64 / BYTES_PER_SECOND)),
            Body::SeekableStream(_) => None,
        };
        let told = request.headers().iter().any(|(name, _)| name.as_str().eq_ignore_ascii_case("content-length"));
        let ours = match request.body().clone() {
            // A request without a body says so: the service wants a length with everything that writes.
            Body::Bytes(bytes) if bytes.is_empty() && (told || !matches!(request.method(), Method::Put | Method::Post)) => ours,
            Body::Bytes(bytes) if bytes.is_empty() => ours.header("content-length", "0"),
            Body::Bytes(bytes) => ours.body(bytes),
            Body::SeekableStream(stream) => ours.body(reqwest::Body::wrap_stream(stream)),
        };
        let built = ours.build().map_err(failed)?;
        let sent = self.client.execute(built);
        let answered = match limit {
            Some(limit) => match tokio::time::timeout(limit, sent).await {
                Ok(answered) => answered,
                Err(_) => return Err(azure_core::Error::with_error(ErrorKind::Io, TooSlow, "no answer in time")),
            },
            None => sent.await,
        };
        let answer = answered.map_err(failed)?;
        let headers: HashMap<HeaderName, HeaderValue> = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (HeaderName::from(name.as_str().to_owned()), HeaderValue::from(value))
            })
            .collect();
        let status = answer.status().as_u16().into();
        // Bytes that stop coming are a failure, too.
        let limit = self.answer;
        let bytes = futures::stream::try_unfold(answer, move |mut answer| async move {
            let chunk = tokio::time::timeout(limit, answer.chunk()).await;
            let chunk = chunk.map_err(|_| azure_core::Error::with_error(ErrorKind::Io, TooSlow, "nothing more came"))?;
            Ok(chunk.map_err(failed)?.map(|chunk| (chunk, answer)))
        });
        Ok(AsyncRawResponse::new(status, Headers::from(headers), Box::pin(bytes)))
    }
}
