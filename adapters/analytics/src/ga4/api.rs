//! Calls of Google's interfaces: signed in, counted, and their refusals understood.
//!
//! Sources: <https://developers.google.com/analytics/devguides/reporting/data/v1/rest>,
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/quotas>

use super::config::Ga4Config;
use super::quota::Quotas;
use super::token::Tokens;
use crate::Ports;
use bellhop_core::ids::SourceName;
use bellhop_core::text::{one_line, shorten};
use bellhop_core::{PortError, PortErrorKind, Retry};
use bellhop_http::{Client, Limits, Request, Response, StatusCode};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// Reports over long periods take their time.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    total: Duration::from_secs(30),
    response: 64 * 1024 * 1024,
    // What may be asked again is decided in `signed`: not what is refused because the allowance is used up.
    retries: 0,
    pause: Duration::from_millis(400),
    patience: Duration::from_secs(2),
};

/// Getting a token costs nothing.
const SIGNING_IN: Limits = Limits { retries: 2, ..LIMITS };
/// How long a failing server is left alone before it is asked once more. Server errors count against the property's allowance,
/// so there is no third time.
const PAUSE: Duration = Duration::from_millis(400);

/// The three interfaces of one property.
pub(super) struct Api {
    pub config: Ga4Config,
    pub client: Client,
    tokens: Option<Tokens>,
    pub quotas: Quotas,
}

/// The allowance that a request is paid from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bucket {
    Core,
    Realtime,
    Funnel,
}

impl Bucket {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Realtime => "realtime",
            Self::Funnel => "funnel",
        }
    }
}

/// What Google says on a refusal.
#[derive(Debug, Default, Deserialize)]
struct Envelope {
    #[serde(default)]
    error: Said,
}

#[derive(Debug, Default, Deserialize)]
struct Said {
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Vec<Value>,
}

impl Api {
    pub fn new(name: &SourceName, config: Ga4Config, ports: &Ports) -> Result<Self, PortError> {
        let client = Client::new(format!("analytics.{name}"), LIMITS)?;
        let signing_in = Client::new(format!("analytics.{name}"), SIGNING_IN)?;
        let tokens = config.account.clone().map(|account| Tokens::new(account, signing_in, config.token_url.clone(), ports.clock.clone()));
        let quotas = Quotas::new(name, ports);
        Ok(Self { config, client, tokens, quotas })
    }

    pub fn error(&self, kind: PortErrorKind, operation: &'static str, message: impl Into<String>) -> PortError {
        PortError::new(kind, self.client.service(), operation, message)
    }

    /// `properties/123`
    fn property(&self) -> String {
        format!("properties/{}", self.config.property_id)
    }

    fn tokens(&self, operation: &'static str) -> Result<&Tokens, PortError> {
        self.tokens.as_ref().ok_or_else(|| {
            let what = format!(
                "[{}] has no `credentials`, so it only sends events; give the JSON key of a service account to ask for reports",
                self.client.service()
            );
            self.error(PortErrorKind::Unsupported, operation, what)
        })
    }

    /// `POST {data_url}/{version}/properties/{id}:{method}`
    pub async fn report<T: DeserializeOwned>(
        &self,
        bucket: Bucket,
        operation: &'static str,
        (version, method, route): (&str, &str, &'static str),
        body: &Value,
    ) -> Result<T, PortError> {
        self.quotas.allow(bucket, operation).await?;
        let url = format!("{}/{version}/{}:{method}", self.config.data_url, self.property());
        let answer: Value = self.signed(operation, || self.client.post(operation, route, &url).reads().json(body), Some(bucket)).await?;
        self.quotas.learn(bucket, &answer).await;
        serde_json::from_value(answer).map_err(|error| {
            self.error(PortErrorKind::Broken, operation, format!("Google's answer has another shape than its documentation: {error}"))
        })
    }

    /// `GET {data_url}/v1beta/properties/{id}/{what}`
    pub async fn data<T: DeserializeOwned>(&self, operation: &'static str, what: &str, route: &'static str) -> Result<T, PortError> {
        let url = format!("{}/v1beta/{}/{what}", self.config.data_url, self.property());
        self.signed(operation, || self.client.get(operation, route, &url), Some(Bucket::Core)).await
    }

    /// `GET {admin_url}/v1beta/properties/{id}{what}`, `what` with its slash, or empty.
    pub async fn admin<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        what: &str,
        route: &'static str,
        query: &[(&str, &str)],
    ) -> Result<T, PortError> {
        let url = format!("{}/v1beta/{}{what}", self.config.admin_url, self.property());
        self.signed(operation, || self.client.get(operation, route, &url).query(query), None).await
    }

    /// `GET {admin_url}/v1beta/accountSummaries`
    pub async fn accounts<T: DeserializeOwned>(&self, operation: &'static str, query: &[(&str, &str)]) -> Result<T, PortError> {
        let url = format!("{}/v1beta/accountSummaries", self.config.admin_url);
        self.signed(operation, || self.client.get(operation, "/v1beta/accountSummaries", &url).query(query), None).await
    }

    async fn signed<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        request: impl Fn() -> Request + Send,
        bucket: Option<Bucket>,
    ) -> Result<T, PortError> {
        let tokens = self.tokens(operation)?;
        let (mut again, mut failed) = (true, false);
        loop {
            let token = tokens.token().await?;
            let answer = request().bearer(token.expose_secret()).exchange().await;
            let passing = match &answer {
                Ok(answer) => answer.status().is_server_error(),
                Err(error) => error.retry == Retry::Backoff,
            };
            if passing && !failed {
                failed = true;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            let answer = answer?;
            if answer.status().is_success() {
                return answer.json().await;
            }
            // A token may have been revoked before its time: one new one is tried.
            if answer.status() == StatusCode::UNAUTHORIZED && again {
                again = false;
                tokens.forget().await;
                continue;
            }
            return Err(self.refused(operation, answer, bucket).await);
        }
    }

    async fn refused(&self, operation: &'static str, answer: Response, bucket: Option<Bucket>) -> PortError {
        let (status, mut error) = (answer.status(), answer.refusal());
        let said = answer.json::<Envelope>().await.unwrap_or_default().error;
        let words = shorten(&one_line(&said.message), 300);
        let email = self.tokens.as_ref().map_or("", Tokens::email);
        let disabled = said.details.iter().any(|detail| detail.get("reason").and_then(Value::as_str) == Some("SERVICE_DISABLED"));
        error.message = match status {
            StatusCode::TOO_MANY_REQUESTS => {
                if let Some(bucket) = bucket {
                    let until = self.quotas.exhausted(bucket, &said.message).await;
                    error.kind = PortErrorKind::RateLimited;
                    error.retry = Retry::After(until);
                    format!(
                        "the property's allowance for {} requests is used up ({words}); there is more in {}",
                        bucket.word(),
                        minutes(until)
                    )
                } else {
                    format!("Google wants fewer requests ({words}); try again in a minute")
                }
            }
            StatusCode::FORBIDDEN if disabled => {
                format!(
                    "the Google Analytics interfaces are switched off in the service account's project; enable them in the Cloud console ({words})"
                )
            }
            StatusCode::FORBIDDEN => format!(
                "{email} may not read property {}; add it as a user with the role Viewer (Admin > Property access management) ({words})",
                self.config.property_id
            ),
            StatusCode::UNAUTHORIZED => format!("Google doesn't accept the token of {email} ({words}); check `credentials`"),
            StatusCode::NOT_FOUND => format!("there is no property {}; check `property_id` ({words})", self.config.property_id),
            StatusCode::BAD_REQUEST => {
                error.kind = PortErrorKind::Invalid;
                format!("Google Analytics can't answer that: {}", if words.is_empty() { "it doesn't say why".to_owned() } else { words })
            }
            _ if words.is_empty() => return error,
            _ => format!("Google Analytics failed ({} {}): {words}", status.as_u16(), said.status),
        };
        let _ = operation;
        error
    }
}

/// A wait in words.
pub(super) fn minutes(wait: Duration) -> String {
    match wait.as_secs().div_ceil(60) {
        0 | 1 => "a minute".to_owned(),
        minutes @ 2..=119 => format!("{minutes} minutes"),
        minutes => format!("{} hours", minutes.div_ceil(60)),
    }
}
