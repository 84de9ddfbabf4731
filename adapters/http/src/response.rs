//! One answer: its status and headers, and its body, whole within a limit or as a stream.

use crate::PortError;
use crate::failure::About;
use bellhop_core::PortErrorKind;
use bellhop_core::ports::ByteStream;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::Instant;

/// An answer whose body has not been read yet.
pub struct Response {
    about: About,
    largest: usize,
    deadline: Instant,
    stall: Duration,
    answer: reqwest::Response,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response").field("route", &self.about.route).field("status", &self.answer.status()).finish_non_exhaustive()
    }
}

impl Response {
    pub(crate) fn new(about: About, largest: usize, deadline: Instant, stall: Duration, answer: reqwest::Response) -> Self {
        Self { about, largest, deadline, stall, answer }
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.answer.status()
    }

    /// Its headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    /// A header as text, where it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers().get(name)?.to_str().ok()
    }

    /// The length of its body in bytes, where the server says.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.answer.content_length()
    }

    /// What it means, where it is not a success: the kind of refusal, and when to come back.
    #[must_use]
    pub fn refusal(&self) -> PortError {
        self.about.refusal(self.answer.status(), self.answer.headers())
    }

    /// Itself where it is a success, or the refusal.
    ///
    /// # Errors
    /// It is not a success.
    pub fn success(self) -> Result<Self, PortError> {
        if self.answer.status().is_success() { Ok(self) } else { Err(self.refusal()) }
    }

    /// Its whole body.
    ///
    /// # Errors
    /// `Broken` for a body over the client's limit, `TimedOut` and `Unavailable` for one that doesn't arrive. The
    /// request was answered then, so its effect may have happened.
    pub async fn bytes(mut self) -> Result<Bytes, PortError> {
        let largest = self.largest as u64;
        let too_large =
            |about: &About| about.ambiguous(PortErrorKind::Broken, format!("the answer is over {}", bellhop_core::text::bytes(largest)));
        if self.answer.content_length().is_some_and(|size| size > largest) {
            return Err(too_large(&self.about));
        }
        let mut body = BytesMut::new();
        loop {
            match tokio::time::timeout_at(self.deadline, self.answer.chunk()).await {
                Err(_) => return Err(self.about.timed_out(self.stall, false)),
                Ok(Err(error)) => return Err(self.about.transport(&error)),
                Ok(Ok(None)) => return Ok(body.freeze()),
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > self.largest => return Err(too_large(&self.about)),
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            }
        }
    }

    /// Its body as text; what is not UTF-8 is replaced.
    ///
    /// # Errors
    /// As [`Response::bytes`].
    pub async fn text(self) -> Result<String, PortError> {
        Ok(String::from_utf8_lossy(&self.bytes().await?).into_owned())
    }

    /// Its body read as JSON.
    ///
    /// # Errors
    /// As [`Response::bytes`], and `Broken` for a body that is not the JSON expected.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, PortError> {
        let about = self.about.clone();
        let body = self.bytes().await?;
        // Only where it went wrong: serde's own words may quote the body, and the body may hold a token.
        serde_json::from_slice(&body).map_err(|error| {
            about.ambiguous(
                PortErrorKind::Broken,
                format!(
                    "the answer is not the JSON expected ({:?} error at line {}, column {})",
                    error.classify(),
                    error.line(),
                    error.column()
                ),
            )
        })
    }

    /// Its body as it comes, of any length. The time limit is on how long nothing moves.
    #[must_use]
    pub fn stream(self) -> ByteStream {
        let (about, stall) = (self.about, self.stall);
        let state = Some((Box::pin(self.answer.bytes_stream()), about));
        Box::pin(futures::stream::unfold(state, move |state| async move {
            let (mut body, about) = state?;
            match tokio::time::timeout(stall, body.next()).await {
                Err(_) => Some((Err(about.timed_out(stall, true)), None)),
                Ok(None) => None,
                Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some((body, about)))),
                Ok(Some(Err(error))) => Some((Err(about.transport(&error)), None)),
            }
        }))
    }
}
