//! Whether an activity is the connector's: a token signed by its keys, for this bot, in time, and for the very address that the
//! activity names. Everything is looked at before anything of the activity has an effect or goes anywhere.
//!
//! <https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication>

mod keys;

pub(crate) use keys::Keys;

use crate::config::{Bot, TeamsConfig};
use bellhop_core::clock::Timestamp;
use jsonwebtoken::{Algorithm, Validation};
use keys::Lookup;
use serde::Deserialize;
use serde_json::Value;

/// By how much clocks may differ, in seconds.
const SKEW: i64 = 300;
/// The longest token that is looked at, in bytes.
const TOKEN: usize = 16 * 1024;

/// Why an activity is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no token.
    Unsigned,
    /// The token is none, or of a kind that is never taken.
    Malformed,
    /// No key of that name.
    UnknownKey,
    /// The signature is wrong.
    Signature,
    /// Someone else has signed.
    Issuer,
    /// It is for another bot.
    Audience,
    /// It has ended, or has not begun.
    Time,
    /// The key is not for this channel.
    Endorsement,
    /// The address is another one than the token's.
    ServiceUrl,
    /// Our tokens must not go to that address.
    Foreign,
    /// The activity is of another channel than Teams.
    Channel,
    /// That organisation is not heard.
    Tenant,
    /// The keys can't be had at present.
    NoKeys,
}

impl Refused {
    /// A word for metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Time => "time",
            Self::Endorsement => "endorsement",
            Self::ServiceUrl => "service_url",
            Self::Foreign => "foreign_url",
            Self::Channel => "channel",
            Self::Tenant => "tenant",
            Self::NoKeys => "no_keys",
        }
    }

    /// The status of HTTP: 401 where the sender has not proved who it is, 403 where it has and may not.
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::NoKeys => 503,
            Self::ServiceUrl | Self::Foreign | Self::Channel | Self::Tenant | Self::Endorsement => 403,
            _ => 401,
        }
    }

    /// What the sender is told.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Unsigned => "There is no bearer token.\n",
            Self::Malformed => "The bearer token is none, or not signed with RS256.\n",
            Self::UnknownKey => "The token is signed with a key that the connector doesn't publish.\n",
            Self::Signature => "The token's signature is wrong.\n",
            Self::Issuer => "The token is of another issuer.\n",
            Self::Audience => "The token is for another bot: check `app_id`.\n",
            Self::Time => "The token has ended or has not begun; check this machine's clock.\n",
            Self::Endorsement => "The token's key is not endorsed for this channel.\n",
            Self::ServiceUrl => "The activity's serviceUrl is not the one of its token.\n",
            Self::Foreign => "The activity's serviceUrl is none that this bot answers to: see `service_urls`.\n",
            Self::Channel => "The activity is of another channel.\n",
            Self::Tenant => "This organisation is not heard: see `tenants`.\n",
            Self::NoKeys => "The connector's keys can't be read just now.\n",
        }
    }
}

/// What an activity says that the token has to agree with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said<'a> {
    pub(crate) channel: &'a str,
    pub(crate) service_url: &'a str,
    pub(crate) tenant: &'a str,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iss: Value,
    #[serde(default)]
    aud: Value,
    #[serde(default)]
    exp: Value,
    #[serde(default)]
    nbf: Value,
    #[serde(default, alias = "serviceUrl")]
    serviceurl: Value,
}

/// A token whose signature, issuer, audience and time are right.
pub(crate) struct Proven {
    service_url: Option<String>,
    endorsements: Option<Vec<String>>,
}

/// The token of an `Authorization` header: `Bearer` and nothing else.
///
/// # Errors
/// There is none.
pub(crate) fn bearer(header: Option<&str>) -> Result<&str, Refused> {
    let header = header.ok_or(Refused::Unsigned)?;
    let token = header.strip_prefix("Bearer ").ok_or(Refused::Malformed)?;
    let shaped = token.len() <= TOKEN && token.split('.').count() == 3 && !token.contains(char::is_whitespace);
    if shaped { Ok(token) } else { Err(Refused::Malformed) }
}

/// Looks at a token by itself.
///
/// # Errors
/// Why it is not taken.
pub(crate) async fn proven(token: &str, keys: &Keys, config: &TeamsConfig, bot: &Bot, now: Timestamp) -> Result<Proven, Refused> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Malformed)?;
    if header.alg != Algorithm::RS256 {
        return Err(Refused::Malformed);
    }
    let kid = header.kid.ok_or(Refused::Malformed)?;
    let key = match keys.find(&kid).await {
        Lookup::Found(key) => key,
        Lookup::Unknown => return Err(Refused::UnknownKey),
        Lookup::Unreachable => return Err(Refused::NoKeys),
    };
    // Only the signature is judged there: the time is the bot's own clock's, and the rest needs its own words.
    let mut rules = Validation::new(Algorithm::RS256);
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Claims>(token, &key.key, &rules).map_err(|_| Refused::Signature)?.claims;
    if claims.iss.as_str() != Some(config.cloud.issuer) {
        return Err(Refused::Issuer);
    }
    if !for_bot(&claims.aud, &bot.app_id) {
        return Err(Refused::Audience);
    }
    in_time(&claims, now.timestamp())?;
    Ok(Proven { service_url: claims.serviceurl.as_str().map(str::to_owned), endorsements: key.endorsements.clone() })
}

fn for_bot(audience: &Value, app_id: &str) -> bool {
    let one = |audience: &str| {
        let bare = audience.strip_prefix("api://botid-").or_else(|| audience.strip_prefix("api://")).unwrap_or(audience);
        !app_id.is_empty() && bare == app_id
    };
    match audience {
        Value::String(audience) => one(audience),
        // RFC 7519 allows a list; it has to name this bot alone.
        Value::Array(all) => matches!(all.as_slice(), [Value::String(audience)] if one(audience)),
        _ => false,
    }
}

fn in_time(claims: &Claims, now: i64) -> Result<(), Refused> {
    let seconds = |value: &Value| value.as_i64().or_else(|| value.as_f64().map(f64::floor).and_then(whole));
    let ends = seconds(&claims.exp).ok_or(Refused::Time)?;
    let begins = match &claims.nbf {
        Value::Null => None,
        value => Some(seconds(value).ok_or(Refused::Time)?),
    };
    let good = ends.saturating_add(SKEW) > now && begins.is_none_or(|begins| begins.saturating_sub(SKEW) <= now);
    if good { Ok(()) } else { Err(Refused::Time) }
}

fn whole(seconds: f64) -> Option<i64> {
    format!("{seconds:.0}").parse().ok()
}

impl Proven {
    /// Whether the activity is what the token was given for.
    ///
    /// # Errors
    /// Why it is not.
    pub(crate) fn covers(&self, said: Said<'_>, config: &TeamsConfig, bot: &Bot) -> Result<(), Refused> {
        if let Some(endorsed) = &self.endorsements
            && !endorsed.iter().any(|channel| channel == said.channel)
        {
            return Err(Refused::Endorsement);
        }
        let trimmed = |url: &str| url.strip_suffix('/').unwrap_or(url).to_owned();
        match &self.service_url {
            Some(claimed) if !said.service_url.is_empty() && trimmed(claimed).eq_ignore_ascii_case(&trimmed(said.service_url)) => {}
            _ => return Err(Refused::ServiceUrl),
        }
        if !config.serves(said.service_url) {
            return Err(Refused::Foreign);
        }
        if said.channel != "msteams" {
            return Err(Refused::Channel);
        }
        if said.tenant.is_empty() || !bot.hears(said.tenant) {
            return Err(Refused::Tenant);
        }
        Ok(())
    }
}
