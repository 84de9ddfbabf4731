//! From what went wrong on the wire to what it means to the one who asked. The messages name the service, the method,
//! the route's pattern and the server, and never an address's path or query, a header or a body.

use crate::retry_after;
use bellhop_core::{PortError, PortErrorKind, Retry};
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use std::time::Duration;

/// What is known about a request when it fails.
#[derive(Clone)]
pub(crate) struct About {
    pub service: std::sync::Arc<str>,
    pub method: reqwest::Method,
    pub operation: &'static str,
    pub route: &'static str,
    /// Scheme, host and port.
    pub origin: String,
    /// Whether sending it again does no harm.
    pub idempotent: bool,
}

impl About {
    pub(crate) fn error(&self, kind: PortErrorKind, what: impl std::fmt::Display) -> PortError {
        let mut error =
            PortError::new(kind, &*self.service, self.operation, format!("{} {} at {}: {what}", self.method, self.route, self.origin));
        error.maybe_done = false;
        error
    }

    /// A failure after the request may have been understood: the effect may have happened, unless sending it again does
    /// no harm anyway.
    pub(crate) fn ambiguous(&self, kind: PortErrorKind, what: impl std::fmt::Display) -> PortError {
        let mut error = self.error(kind, what);
        error.maybe_done = !self.idempotent;
        error
    }

    pub(crate) fn timed_out(&self, after: Duration, streaming: bool) -> PortError {
        let seconds = after.as_secs_f64();
        let what = if streaming { format!("nothing moved for {seconds} s") } else { format!("no answer within {seconds} s") };
        self.ambiguous(PortErrorKind::TimedOut, what)
    }

    /// What the client library reports.
    pub(crate) fn transport(&self, error: &reqwest::Error) -> PortError {
        if error.is_builder() {
            return self.error(PortErrorKind::Invalid, format!("the request can't be made: {}", root(error)));
        }
        if error.is_connect() {
            let why = if error.is_timeout() { "no connection in time".to_owned() } else { root(error) };
            return self
                .error(PortErrorKind::Unavailable, format!("it can't be reached ({why}); check the address and that the service runs"));
        }
        if error.is_timeout() {
            return self.ambiguous(PortErrorKind::TimedOut, "no answer in time");
        }
        let mut broken = self.ambiguous(PortErrorKind::Unavailable, format!("the connection broke ({})", root(error)));
        broken.retry = Retry::Backoff;
        broken
    }

    /// What an answer other than success means.
    pub(crate) fn refusal(&self, status: StatusCode, headers: &HeaderMap) -> PortError {
        let kind = kind(status);
        let said = match status.canonical_reason() {
            Some(reason) => format!("it answered {} {reason}", status.as_u16()),
            None => format!("it answered {}", status.as_u16()),
        };
        let advice = match kind {
            PortErrorKind::Unauthenticated => "; check the credential in the configuration",
            PortErrorKind::Denied => "; the credential lacks a permission",
            PortErrorKind::Broken if status.is_redirection() => "; redirects are not followed, check the address in the configuration",
            _ => "",
        };
        let mut error = self.error(kind, format!("{said}{advice}"));
        if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
            error.retry = Retry::Backoff;
            error.maybe_done = !self.idempotent;
        }
        if matches!(kind, PortErrorKind::TimedOut) {
            error.maybe_done = !self.idempotent;
        }
        if matches!(error.retry, Retry::Backoff)
            && let Some(pause) = retry_after::of(headers)
        {
            error = error.after(pause);
        }
        error
    }
}

fn kind(status: StatusCode) -> PortErrorKind {
    match status.as_u16() {
        401 => PortErrorKind::Unauthenticated,
        402 | 403 | 451 => PortErrorKind::Denied,
        404 | 410 => PortErrorKind::NotFound,
        405 | 501 => PortErrorKind::Unsupported,
        408 | 504 => PortErrorKind::TimedOut,
        409 | 412 => PortErrorKind::Conflict,
        413 => PortErrorKind::TooLarge,
        429 => PortErrorKind::RateLimited,
        507 => PortErrorKind::Full,
        400..=499 => PortErrorKind::Invalid,
        500..=599 => PortErrorKind::Unavailable,
        _ => PortErrorKind::Broken,
    }
}

/// The innermost reason, which names neither address nor header.
pub(crate) fn root(error: &dyn std::error::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    // The library's outermost error prints the address; if it has no source there is nothing else to say.
    if std::ptr::addr_eq(std::ptr::from_ref(innermost), std::ptr::from_ref(error)) {
        return "no further reason given".to_owned();
    }
    bellhop_core::text::shorten(&bellhop_core::text::one_line(&innermost.to_string()), 200)
}

/// Scheme, host and port: what may be shown of an address.
pub(crate) fn origin(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{}://{host}:{port}", url.scheme()),
        (Some(host), None) => format!("{}://{host}", url.scheme()),
        (None, _) => format!("{}:", url.scheme()),
    }
}
