//! The keys of `[analytics.NAME]` with `kind = "mixpanel"`. What can't work together is an error when the file is read.

use secrecy::SecretString;
use serde::Deserialize;

/// Where a project's data lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Region {
    #[default]
    Us,
    Eu,
    In,
}

impl Region {
    const fn hosts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Us => ("https://api.mixpanel.com", "https://mixpanel.com", "https://data.mixpanel.com"),
            Self::Eu => ("https://api-eu.mixpanel.com", "https://eu.mixpanel.com", "https://data-eu.mixpanel.com"),
            Self::In => ("https://api-in.mixpanel.com", "https://in.mixpanel.com", "https://data-in.mixpanel.com"),
        }
    }
}

/// A project of Mixpanel.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct MixpanelConfig {
    /// The project's number.
    pub project_id: String,
    /// A service account, to ask and to send.
    pub account: Option<Account>,
    /// The project's token, for profiles, and for events where there is no service account.
    pub project_token: Option<SecretString>,
    /// Where events and profiles are sent, without a slash at the end.
    pub ingest_url: String,
    /// Where questions are asked.
    pub query_url: String,
    /// Where raw events are taken out.
    pub export_url: String,
    /// The zone of the project's days, as its settings say.
    pub timezone: Option<chrono_tz::Tz>,
    /// The event that is a payment.
    pub revenue_event: Option<String>,
    /// Its property that is what people pay.
    pub revenue_property: String,
}

/// A service account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name.
    pub user: String,
    /// Its secret.
    pub secret: SecretString,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    project_id: ProjectId,
    service_account: Option<String>,
    service_secret: Option<SecretString>,
    project_token: Option<SecretString>,
    region: Option<Region>,
    ingest_url: Option<String>,
    query_url: Option<String>,
    export_url: Option<String>,
    timezone: Option<String>,
    revenue_event: Option<String>,
    revenue_property: Option<String>,
}

/// A number, written as one or as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum ProjectId {
    Number(u64),
    Text(String),
}

impl TryFrom<Written> for MixpanelConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let project_id = match written.project_id {
            ProjectId::Number(number) => number.to_string(),
            ProjectId::Text(text) => text,
        };
        if project_id.is_empty() || !project_id.bytes().all(|b| b.is_ascii_digit()) {
            return Err("`project_id` is the project's number (Settings > Project > Overview)".to_owned());
        }
        let account = match (written.service_account, written.service_secret) {
            (Some(user), Some(secret)) if !user.is_empty() && !user.contains(':') => Some(Account { user, secret }),
            (Some(_), Some(_)) => {
                return Err(
                    "`service_account` is the account's name as Mixpanel shows it, such as bot.ab12cd.mp-service-account".to_owned()
                );
            }
            (None, None) => None,
            (Some(_), None) => return Err("`service_account` needs `service_secret` beside it".to_owned()),
            (None, Some(_)) => return Err("`service_secret` needs `service_account` beside it".to_owned()),
        };
        if account.is_none() && written.project_token.is_none() {
            return Err("give `service_account` and `service_secret` to ask questions, `project_token` to send events, or both".to_owned());
        }
        let (ingest, query, export) = written.region.unwrap_or_default().hosts();
        // A region beside an address of one's own would be a contradiction that nobody sees.
        if written.region.is_some() && (written.ingest_url.is_some() || written.query_url.is_some()) {
            return Err("`region` and `ingest_url`, `query_url` both say where the data lies; leave one out".to_owned());
        }
        let query_url = address("query_url", written.query_url.as_deref(), query)?;
        let export = if written.query_url.is_some() { query_url.as_str() } else { export };
        if written.revenue_property.is_some() && written.revenue_event.is_none() {
            return Err("`revenue_property` needs `revenue_event` beside it, the event that has it".to_owned());
        }
        let timezone = match written.timezone {
            None => None,
            Some(zone) => Some(
                zone.parse().map_err(|_| format!("`timezone` is that of the project's settings, such as Europe/Berlin, not `{zone}`"))?,
            ),
        };
        Ok(Self {
            project_id,
            account,
            project_token: written.project_token,
            ingest_url: address("ingest_url", written.ingest_url.as_deref(), ingest)?,
            export_url: address("export_url", written.export_url.as_deref(), export)?,
            query_url,
            timezone,
            revenue_event: written.revenue_event,
            revenue_property: written.revenue_property.unwrap_or_else(|| "revenue".to_owned()),
        })
    }
}

fn address(key: &str, given: Option<&str>, usual: &str) -> Result<String, String> {
    let text = given.unwrap_or(usual);
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    if rest.is_empty() || rest.starts_with('/') || rest.contains(['@', '?', '#']) || rest.chars().any(char::is_whitespace) {
        return Err(format!("`{key}` is an address such as {usual}"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(value: Value) -> Result<MixpanelConfig, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn hosts_follow_the_region_or_the_addresses() {
        let eu = read(json!({ "project_id": 12, "project_token": "t", "region": "eu" })).unwrap();
        assert_eq!((eu.ingest_url.as_str(), eu.query_url.as_str()), ("https://api-eu.mixpanel.com", "https://eu.mixpanel.com"));
        let own = read(json!({ "project_id": "12", "service_account": "a", "service_secret": "s3cr3t", "query_url": "http://127.0.0.1:1/", "timezone": "Europe/Berlin" })).unwrap();
        assert_eq!((own.query_url.as_str(), own.export_url.as_str()), ("http://127.0.0.1:1", "http://127.0.0.1:1"));
        assert!(!format!("{own:?}").contains("s3cr3t") && own.timezone.is_some());
    }

    #[test]
    fn what_can_not_work_says_why() {
        for (wrong, why) in [
            (json!({ "project_token": "t" }), "missing field `project_id`"),
            (json!({ "project_id": "abc", "project_token": "t" }), "the project's number"),
            (json!({ "project_id": 1 }), "give `service_account`"),
            (json!({ "project_id": 1, "service_account": "a" }), "needs `service_secret`"),
            (json!({ "project_id": 1, "service_secret": "a" }), "needs `service_account`"),
            (json!({ "project_id": 1, "project_token": "t", "region": "mars" }), "unknown variant `mars`"),
            (json!({ "project_id": 1, "project_token": "t", "region": "eu", "query_url": "http://x" }), "leave one out"),
            (json!({ "project_id": 1, "project_token": "t", "query_url": "x" }), "is an address"),
            (json!({ "project_id": 1, "project_token": "t", "timezone": "Mars" }), "such as Europe/Berlin"),
            (json!({ "project_id": 1, "project_token": "t", "revenue_property": "x" }), "needs `revenue_event`"),
            (json!({ "project_id": 1, "project_token": "t", "token": "x" }), "unknown field `token`"),
        ] {
            let said = read(wrong.clone()).unwrap_err();
            assert!(said.contains(why), "{wrong}: {said}");
        }
    }
}
