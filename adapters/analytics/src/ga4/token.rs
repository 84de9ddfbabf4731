//! Access tokens of the service account: a signed assertion for a token that works for an hour.
//!
//! Source: <https://developers.google.com/identity/protocols/oauth2/service-account#httprest>

use super::config::ServiceAccount;
use bellhop_core::{Clock, PortError, PortErrorKind, Timestamp};
use bellhop_http::Client;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::Mutex;

/// How long an assertion is good for: the longest that Google takes.
const ASSERTION: TimeDelta = TimeDelta::hours(1);
/// A token is replaced this long before it ends, so that none ends under way.
const BEFORE: TimeDelta = TimeDelta::minutes(5);

/// Gets tokens and keeps the latest. Whoever asks while one is being got waits for that one.
pub(super) struct Tokens {
    account: ServiceAccount,
    client: Client,
    url: String,
    clock: Arc<dyn Clock>,
    latest: Mutex<Option<(SecretString, Timestamp)>>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: Option<i64>,
}

#[derive(Deserialize, Default)]
struct Refused {
    #[serde(default)]
    error: serde_json::Value,
    #[serde(default)]
    error_description: String,
}

impl Tokens {
    pub fn new(account: ServiceAccount, client: Client, url: String, clock: Arc<dyn Clock>) -> Self {
        Self { account, client, url, clock, latest: Mutex::default() }
    }

    /// The account's address, to be told whom to let in.
    pub fn email(&self) -> &str {
        &self.account.email
    }

    /// A token that works for a few minutes at least.
    pub async fn token(&self) -> Result<SecretString, PortError> {
        let mut latest = self.latest.lock().await;
        let now = self.clock.now();
        if let Some((token, ends)) = latest.as_ref().filter(|(_, ends)| now + BEFORE < *ends) {
            let _ = ends;
            return Ok(token.clone());
        }
        let (token, ends) = self.grant(now).await?;
        *latest = Some((token.clone(), ends));
        Ok(token)
    }

    /// A token was refused: the next one is a new one.
    pub async fn forget(&self) {
        *self.latest.lock().await = None;
    }

    fn error(&self, kind: PortErrorKind, message: String) -> PortError {
        PortError::new(kind, self.client.service(), "sign in", message)
    }

    async fn grant(&self, now: Timestamp) -> Result<(SecretString, Timestamp), PortError> {
        let key = EncodingKey::from_rsa_pem(self.account.key.expose_secret().as_bytes()).map_err(|_| {
            self.error(
                PortErrorKind::Unauthenticated,
                "the private key in `credentials` can't be read; make a new JSON key for the service account".to_owned(),
            )
        })?;
        let claims = Claims {
            iss: &self.account.email,
            scope: "https://www.googleapis.com/auth/analytics.readonly",
            aud: self.account.audience.as_ref().unwrap_or(&self.url),
            iat: now.timestamp(),
            exp: (now + ASSERTION).timestamp(),
        };
        let header = Header { kid: self.account.key_id.clone(), ..Header::new(Algorithm::RS256) };
        let assertion = jsonwebtoken::encode(&header, &claims, &key)
            .map_err(|_| self.error(PortErrorKind::Unauthenticated, "the private key in `credentials` can't sign".to_owned()))?;
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion.as_str())];
        // An assertion may be used again, and what it gets costs nothing.
        let answer = self.client.post("sign in", "/token", &self.url).reads().form(&form).exchange().await?;
        if !answer.status().is_success() {
            let refusal = answer.refusal();
            let said: Refused = answer.json().await.unwrap_or_default();
            let code = said.error.as_str().unwrap_or_default();
            if code != "invalid_grant" && code != "invalid_client" && code != "unauthorized_client" {
                return Err(refusal);
            }
            let why = bellhop_core::text::shorten(&bellhop_core::text::one_line(&said.error_description), 200);
            return Err(self.error(
                PortErrorKind::Unauthenticated,
                format!(
                    "Google refuses the service account {} ({code}: {why}); check that its key was not revoked, and that this machine's clock is right",
                    self.account.email
                ),
            ));
        }
        let granted: Granted = answer.json().await?;
        Ok((granted.access_token, now + TimeDelta::seconds(granted.expires_in.unwrap_or(3600).clamp(0, 86_400))))
    }
}
