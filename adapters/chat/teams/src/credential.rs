//! Tokens of our own: asked for once, kept until five minutes before they end, and asked for by one at a time. What they are
//! shown to is decided where they are used.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

mod assertion;

use crate::config::{Bot, Credential, TeamsConfig};
use bellhop_core::clock::{Clock, Ids, Timestamp};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind};
use bellhop_http::Client;
use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// How long before its end a token is no longer used.
const EARLY: TimeDelta = TimeDelta::minutes(5);
/// How long a token is taken to live that doesn't say.
const UNSAID: i64 = 3600;
/// The tenant of bots of the old kind, for several organisations.
const COMMON: &str = "botframework.com";

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Audience {
    /// The connector.
    Connector,
    /// Graph, in this tenant.
    Graph(String),
}

struct Kept {
    token: SecretString,
    until: Timestamp,
}

type Slot = Arc<Mutex<Option<Kept>>>;

/// The bot's tokens.
pub(crate) struct Tokens {
    client: Client,
    config: Arc<TeamsConfig>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    slots: std::sync::Mutex<HashMap<Audience, Slot>>,
}

/// The answer to a request for a token. A managed identity's numbers come as text.
#[derive(Deserialize)]
struct Answer {
    access_token: Option<SecretString>,
    #[serde(default)]
    expires_in: Value,
    error: Option<String>,
    error_description: Option<String>,
}

impl Tokens {
    pub(crate) fn new(client: Client, config: Arc<TeamsConfig>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { client, config, clock, ids, slots: std::sync::Mutex::default() }
    }

    /// A token; `None` where none is to be sent (the emulator).
    pub(crate) async fn get(&self, audience: &Audience) -> PortResult<Option<SecretString>> {
        let Some(bot) = self.config.bot.as_ref().filter(|bot| !bot.emulator) else { return Ok(None) };
        let slot = self.slot(audience);
        let mut kept = slot.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.until - EARLY > self.clock.now()) {
            return Ok(Some(kept.token.clone()));
        }
        let fresh = self.ask(bot, audience).await?;
        let token = fresh.token.clone();
        *kept = Some(fresh);
        Ok(Some(token))
    }

    /// This token was refused: the next one is a fresh one.
    pub(crate) async fn refused(&self, audience: &Audience, token: &SecretString) {
        let slot = self.slot(audience);
        let mut kept = slot.lock().await;
        if kept.as_ref().is_some_and(|kept| kept.token.expose_secret() == token.expose_secret()) {
            *kept = None;
        }
    }

    fn slot(&self, audience: &Audience) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        slots.entry(audience.clone()).or_default().clone()
    }

    async fn ask(&self, bot: &Bot, audience: &Audience) -> PortResult<Kept> {
        let (tenant, resource) = match audience {
            Audience::Connector => (bot.tenant_id.clone().unwrap_or_else(|| COMMON.to_owned()), self.config.cloud.resource.to_owned()),
            Audience::Graph(tenant) => (tenant.clone(), self.config.cloud.graph_resource.to_owned()),
        };
        let now = self.clock.now();
        let request = match &bot.credential {
            Credential::Managed { client_id, url } => {
                let query = [("api-version", "2018-02-01"), ("resource", resource.as_str()), ("client_id", client_id.as_str())];
                self.client.get("sign in", "managed identity", url.as_str()).header("metadata", "true").query(&query)
            }
            other => {
                let address = self.config.cloud.token_url(&tenant);
                let scope = format!("{resource}/.default");
                let mut form = vec![("grant_type", "client_credentials".to_owned()), ("client_id", bot.app_id.clone()), ("scope", scope)];
                if let Credential::Secret(secret) = other {
                    form.push(("client_secret", secret.expose_secret().to_owned()));
                } else {
                    let assertion = assertion::of(other, &bot.app_id, &address, &self.ids.next(), now);
                    let assertion = assertion.map_err(|why| self.error(PortErrorKind::Unauthenticated, why))?;
                    form.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()));
                    form.push(("client_assertion", assertion.expose_secret().to_owned()));
                }
                self.client.post("sign in", "/{tenant}/oauth2/v2.0/token", &address).form(&form).reads()
            }
        };
        let answer = request.exchange().await?;
        let (ok, refusal) = (answer.status().is_success(), answer.refusal());
        let Ok(said) = serde_json::from_slice::<Answer>(&answer.bytes().await?) else {
            return Err(if ok { self.error(PortErrorKind::Broken, "the token endpoint didn't answer with JSON".into()) } else { refusal });
        };
        match said.access_token.filter(|_| ok) {
            Some(token) => {
                let seconds = said.expires_in.as_i64().or_else(|| said.expires_in.as_str()?.parse().ok()).unwrap_or(UNSAID);
                Ok(Kept { token, until: now + TimeDelta::seconds(seconds.clamp(0, 86_400 * 2)) })
            }
            None if ok => Err(self.error(PortErrorKind::Broken, "the token endpoint's answer has no access_token".into())),
            None if matches!(refusal.kind, PortErrorKind::RateLimited | PortErrorKind::Unavailable | PortErrorKind::TimedOut) => {
                Err(refusal)
            }
            None => Err(self.refusal(bot, &tenant, said.error.as_deref(), said.error_description.as_deref())),
        }
    }

    /// What a refusal means. Its own words name the app and the tenant, and no secret.
    fn refusal(&self, bot: &Bot, tenant: &str, error: Option<&str>, description: Option<&str>) -> PortError {
        let said = description.or(error).unwrap_or("no reason given");
        let advice = if said.contains("AADSTS7000229") {
            format!(
                "; the app is not known in the tenant {tenant}: an administrator consents at {}",
                self.config.cloud.consent_url(tenant, &bot.app_id)
            )
        } else if said.contains("AADSTS7000215") || said.contains("AADSTS7000222") {
            "; the client secret is wrong or has expired: make a new one under Certificates & secrets of the app's registration".to_owned()
        } else if said.contains("AADSTS700016") {
            "; the tenant knows no such app: check `app_id` and `tenant_id`".to_owned()
        } else {
            String::new()
        };
        let said = bellhop_core::text::shorten(&bellhop_core::text::one_line(said), 200);
        self.error(PortErrorKind::Unauthenticated, format!("no token: {said}{advice}"))
    }

    fn error(&self, kind: PortErrorKind, message: String) -> PortError {
        PortError::new(kind, self.client.service(), "sign in", message)
    }
}
