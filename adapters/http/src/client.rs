//! The client: one per configured service, with its limits.

use crate::request::Request;
use bellhop_core::{PortError, PortErrorKind};
use reqwest::Method;
use std::sync::Arc;
use std::time::Duration;

/// What a client takes upon itself and what it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a connection may take to stand.
    pub connect: Duration,
    /// How long a request may take from its start to the end of its answer. For bodies that are streamed it is how long
    /// nothing may move, since a large file has every right to take longer.
    pub total: Duration,
    /// The largest answer that is read into memory, in bytes. Streams are not limited by it.
    pub response: usize,
    /// How often a request that only reads is sent again after a failure that may pass.
    pub retries: u32,
    /// The first pause before such a repetition; each further one doubles it, and chance shortens it to as little as half.
    pub pause: Duration,
    /// The longest wait asked for by the service (`Retry-After`) that is waited out here; after a longer one the failure
    /// is returned, with the wait in it.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            total: Duration::from_secs(10),
            response: 8 * 1024 * 1024,
            retries: 2,
            pause: Duration::from_millis(200),
            patience: Duration::from_secs(2),
        }
    }
}

/// A client for one configured service. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) service: Arc<str>,
    pub(crate) limits: Limits,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("service", &self.service).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Client {
    /// A client for the service configured as `service` (`chat.work`, `analytics.web`). No connection is made yet.
    ///
    /// # Errors
    /// `Broken` when the TLS certificates of this machine can't be used.
    pub fn new(service: impl Into<String>, limits: Limits) -> Result<Self, PortError> {
        let service: String = service.into();
        #[expect(clippy::disallowed_methods, reason = "this is the one place where an HTTP client is built")]
        let http = reqwest::Client::builder()
            .user_agent(concat!("bellhop/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect)
            // A redirect could lead a credential anywhere, and a proxy of the environment could too.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            // Shorter than what servers commonly keep idle connections for, so that few requests meet a closing one.
            .pool_idle_timeout(Duration::from_secs(20))
            .tcp_nodelay(true)
            // What may be sent again is decided here and in the outbox, never below.
            .retry(reqwest::retry::never())
            .build()
            .map_err(|error| {
                PortError::new(
                    PortErrorKind::Broken,
                    service.clone(),
                    "connect",
                    format!("the HTTP client can't be built: {}", crate::failure::root(&error)),
                )
            })?;
        Ok(Self { http, service: service.into(), limits })
    }

    /// The configured name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The limits it keeps.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// A request. `operation` is the port's word for what is being done (`deliver`), `route` the address's pattern
    /// (`/channels/{id}/messages`): it stands in messages and metrics in place of the address, whose parts may be
    /// secret, and it must not be made from data.
    #[must_use]
    pub fn request(&self, method: Method, operation: &'static str, route: &'static str, url: &str) -> Request {
        Request::new(self.clone(), method, operation, route, url)
    }

    /// A request that reads.
    #[must_use]
    pub fn get(&self, operation: &'static str, route: &'static str, url: &str) -> Request {
        self.request(Method::GET, operation, route, url)
    }

    /// A request that makes something happen, each time it is sent.
    #[must_use]
    pub fn post(&self, operation: &'static str, route: &'static str, url: &str) -> Request {
        self.request(Method::POST, operation, route, url)
    }

    /// A request that puts something in place; sent twice it does the same as once.
    #[must_use]
    pub fn put(&self, operation: &'static str, route: &'static str, url: &str) -> Request {
        self.request(Method::PUT, operation, route, url)
    }

    /// A request that changes a part of something.
    #[must_use]
    pub fn patch(&self, operation: &'static str, route: &'static str, url: &str) -> Request {
        self.request(Method::PATCH, operation, route, url)
    }

    /// A request that removes something.
    #[must_use]
    pub fn delete(&self, operation: &'static str, route: &'static str, url: &str) -> Request {
        self.request(Method::DELETE, operation, route, url)
    }
}
