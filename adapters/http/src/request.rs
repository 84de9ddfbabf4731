//! One request: built, sent, and sent again where that is safe.

use crate::failure::{About, origin};
use crate::response::Response;
use crate::{Client, PortError};
use bellhop_core::ports::ByteStream;
use bellhop_core::{PortErrorKind, Retry};
use bytes::Bytes;
use futures::StreamExt as _;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A request on its way to be sent. What is wrong with it (an address that is none, a header that can't be sent) is
/// reported when it is sent.
pub struct Request {
    client: Client,
    about: About,
    url: Option<Url>,
    headers: HeaderMap,
    body: Body,
    reads: bool,
    total: Duration,
    wrong: Option<PortError>,
}

enum Body {
    None,
    Whole(Bytes),
    Stream(ByteStream),
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("service", &self.about.service)
            .field("method", &self.about.method)
            .field("route", &self.about.route)
            .finish_non_exhaustive()
    }
}

impl Request {
    pub(crate) fn new(client: Client, method: Method, operation: &'static str, route: &'static str, url: &str) -> Self {
        let url = url.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let about = About {
            service: client.service.clone(),
            operation,
            route,
            origin: url.as_ref().map_or_else(String::new, origin),
            idempotent: method.is_idempotent(),
            method,
        };
        let wrong = url.is_none().then(|| about.error(PortErrorKind::Invalid, "the configured address is no http or https address"));
        let reads = about.method.is_safe();
        let total = client.limits.total;
        Self { client, about, url, headers: HeaderMap::new(), body: Body::None, reads, total, wrong }
    }

    /// Says that sending it twice does no harm, whatever its method: it carries an idempotency key, or sets a state.
    /// Its failures then leave nothing ambiguous.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.about.idempotent = true;
        self
    }

    /// Says that it only reads, though its method is not `GET`: it is sent again after failures that may pass.
    #[must_use]
    pub fn reads(mut self) -> Self {
        self.about.idempotent = true;
        self.reads = true;
        self
    }

    /// Another time limit than the client's, for this request.
    #[must_use]
    pub fn within(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    /// A header.
    #[must_use]
    pub fn header(self, name: &'static str, value: &str) -> Self {
        self.put_header(name, value, false)
    }

    /// A header that no log may show.
    #[must_use]
    pub fn secret_header(self, name: &'static str, value: &str) -> Self {
        self.put_header(name, value, true)
    }

    /// `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.put_header(AUTHORIZATION.as_str(), &format!("Bearer {token}"), true)
    }

    fn put_header(mut self, name: &'static str, value: &str, secret: bool) -> Self {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(secret);
                self.headers.insert(name, value);
            }
            _ => self.fault(format!("the header {name} can't hold this value; check for line breaks in the configuration")),
        }
        self
    }

    /// Adds to the query, each name and value escaped.
    #[must_use]
    pub fn query<N: AsRef<str>, V: AsRef<str>>(mut self, pairs: &[(N, V)]) -> Self {
        if let Some(url) = &mut self.url
            && !pairs.is_empty()
        {
            url.query_pairs_mut().extend_pairs(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())));
        }
        self
    }

    /// Adds a part to the address's path, escaped: a slash in it stays within the part.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        if matches!(part, "." | ".." | "") {
            self.fault(format!("`{part}` can't be part of an address"));
        } else if let Some(url) = &mut self.url
            && let Ok(mut path) = url.path_segments_mut()
        {
            path.pop_if_empty().push(part);
        }
        self
    }

    /// A JSON body.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.content("application/json", bytes.into()),
            Err(error) => {
                self.fault(format!("the body can't be written as JSON: {error}"));
                self
            }
        }
    }

    /// A form body.
    #[must_use]
    pub fn form<N: AsRef<str>, V: AsRef<str>>(self, pairs: &[(N, V)]) -> Self {
        // The address library writes queries in the very format of forms.
        let form = Url::parse("form:").map_or_else(
            |_| String::new(),
            |mut url| {
                url.query_pairs_mut().extend_pairs(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())));
                url.query().unwrap_or_default().to_owned()
            },
        );
        self.content("application/x-www-form-urlencoded", form.into())
    }

    /// A body of any type.
    #[must_use]
    pub fn content(mut self, content_type: &str, body: Bytes) -> Self {
        self.body = Body::Whole(body);
        self.put_header(CONTENT_TYPE.as_str(), content_type, false)
    }

    /// A body that is sent as it comes. The time limit then is on how long nothing moves. With a size the receiver is
    /// told it beforehand, and a stream of another length fails.
    #[must_use]
    pub fn stream(mut self, content_type: &str, size: Option<u64>, bytes: ByteStream) -> Self {
        if let Some(size) = size {
            self.headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
        }
        self.body = Body::Stream(bytes);
        self.put_header(CONTENT_TYPE.as_str(), content_type, false)
    }

    fn fault(&mut self, what: String) {
        if self.wrong.is_none() {
            self.wrong = Some(self.about.error(PortErrorKind::Invalid, what));
        }
    }

    /// Sends it and takes any answer, success or not, for adapters that read a vendor's own words on a failure.
    ///
    /// # Errors
    /// No answer came.
    pub async fn exchange(mut self) -> Result<Response, PortError> {
        match (self.wrong.take(), self.url.take()) {
            (Some(wrong), _) => Err(wrong),
            (None, Some(url)) => self.attempts(url).await,
            (None, None) => Err(self.about.error(PortErrorKind::Invalid, "there is no address")),
        }
    }

    /// Sends it and takes a success; anything else is an error.
    ///
    /// # Errors
    /// No answer came, or one that refuses.
    pub async fn send(self) -> Result<Response, PortError> {
        self.exchange().await?.success()
    }

    /// Sends it and reads a successful answer as JSON.
    ///
    /// # Errors
    /// As [`Request::send`], and `Broken` for an answer that is not the JSON expected.
    pub async fn receive<T: DeserializeOwned>(self) -> Result<T, PortError> {
        self.send().await?.json().await
    }

    async fn attempts(mut self, url: Url) -> Result<Response, PortError> {
        match std::mem::replace(&mut self.body, Body::None) {
            // A stream can't be read twice, so it is sent once.
            Body::Stream(stream) => self.streamed(url, stream).await,
            whole => {
                self.body = whole;
                self.repeatable(url).await
            }
        }
    }

    async fn repeatable(self, url: Url) -> Result<Response, PortError> {
        let retries = if self.reads { self.client.limits.retries } else { 0 };
        let mut attempt = 0;
        loop {
            let mut request = self.client.http.request(self.about.method.clone(), url.clone()).headers(self.headers.clone());
            if let Body::Whole(body) = &self.body {
                request = request.body(body.clone());
            }
            let began = Instant::now();
            let result = match tokio::time::timeout(self.total, request.send()).await {
                Ok(Ok(answer)) => {
                    Ok(Response::new(self.about.clone(), self.client.limits.response, began + self.total, self.total, answer))
                }
                Ok(Err(error)) => Err(self.about.transport(&error)),
                Err(_) => Err(self.about.timed_out(self.total, false)),
            };
            self.count(&result, began);
            let failure = match &result {
                Ok(answer) if answer.status().is_success() => return result,
                Ok(answer) => answer.refusal(),
                Err(error) => error.clone(),
            };
            if attempt >= retries {
                return result;
            }
            let limits = &self.client.limits;
            let pause = match failure.retry {
                Retry::After(pause) if pause <= limits.patience => pause,
                Retry::Backoff => jitter(limits.pause.saturating_mul(1 << attempt.min(8))),
                _ => return result,
            };
            attempt += 1;
            tracing::debug!(service = %self.about.service, route = self.about.route, attempt, "reading again after: {failure}");
            tokio::time::sleep(pause).await;
        }
    }

    async fn streamed(self, url: Url, stream: ByteStream) -> Result<Response, PortError> {
        let began = Instant::now();
        let moved = Arc::new(Mutex::new(began));
        let failed: Arc<Mutex<Option<PortError>>> = Arc::default();
        let (seen, kept) = (moved.clone(), failed.clone());
        let stream = stream.map(move |chunk| {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            // The reader's own failure is what the caller needs to hear, not that the connection was closed for it.
            chunk.map_err(|error| {
                let text = error.to_string();
                *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                std::io::Error::other(text)
            })
        });
        let sending = self
            .client
            .http
            .request(self.about.method.clone(), url)
            .headers(self.headers.clone())
            .body(reqwest::Body::wrap_stream(stream))
            .send();
        let stalled = async {
            loop {
                let deadline = *moved.lock().unwrap_or_else(PoisonError::into_inner) + self.total;
                if deadline <= Instant::now() {
                    return;
                }
                tokio::time::sleep_until(deadline).await;
            }
        };
        let result = tokio::select! {
            answer = sending => match answer {
                Ok(answer) => Ok(Response::new(self.about.clone(), self.client.limits.response, Instant::now() + self.total, self.total, answer)),
                Err(error) => {
                    let cause = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
                    Err(cause.unwrap_or_else(|| self.about.transport(&error)))
                }
            },
            () = stalled => Err(self.about.timed_out(self.total, true)),
        };
        self.count(&result, began);
        result
    }

    fn count(&self, result: &Result<Response, PortError>, began: Instant) {
        let code = match result {
            Ok(answer) => answer.status().as_str().to_owned(),
            Err(error) => match error.kind {
                PortErrorKind::TimedOut => "timeout".to_owned(),
                PortErrorKind::Unavailable => "unreachable".to_owned(),
                _ => "broken".to_owned(),
            },
        };
        let (service, route) = (self.about.service.to_string(), self.about.route);
        metrics::counter!("bellhop_api_requests_total", "service" => service.clone(), "route" => route, "code" => code.clone())
            .increment(1);
        metrics::histogram!("bellhop_api_request_seconds", "service" => service, "route" => route).record(began.elapsed().as_secs_f64());
        tracing::debug!(service = %self.about.service, method = %self.about.method, route, code, elapsed = ?began.elapsed(), "request");
    }
}

/// A pause shortened by chance to as little as half, so that clients that failed together don't come back together.
fn jitter(pause: Duration) -> Duration {
    let chance = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
    pause.mul_f64(0.5 + chance / 2.0)
}
