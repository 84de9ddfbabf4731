//! The keys of `[analytics.NAME]` with `kind = "amplitude"`. What can't work together is an error when the file is read.

use secrecy::SecretString;
use serde::Deserialize;

/// Where a project's data lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Region {
    #[default]
    Us,
    Eu,
}

/// A project of Amplitude.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct AmplitudeConfig {
    /// The project's key: events go in with it.
    pub api_key: SecretString,
    /// Its secret: questions are asked with both.
    pub secret_key: Option<SecretString>,
    /// The project's number, which uploading cohorts needs.
    pub app_id: Option<u64>,
    /// The address of whoever owns uploaded cohorts.
    pub owner: Option<String>,
    /// Where events are sent, without a slash at the end.
    pub ingest_url: String,
    /// Where questions are asked.
    pub query_url: String,
    /// Where profiles are read; there is none in the EU.
    pub profile_url: Option<String>,
    /// The zone of the project's days, as its settings say.
    pub timezone: Option<chrono_tz::Tz>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    api_key: SecretString,
    secret_key: Option<SecretString>,
    app_id: Option<u64>,
    owner: Option<String>,
    region: Option<Region>,
    ingest_url: Option<String>,
    query_url: Option<String>,
    profile_url: Option<String>,
    timezone: Option<String>,
}

impl TryFrom<Written> for AmplitudeConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        use secrecy::ExposeSecret as _;
        if written.api_key.expose_secret().trim().is_empty() {
            return Err("`api_key` is empty; it stands in the project's settings".to_owned());
        }
        let region = written.region.unwrap_or_default();
        if written.region.is_some() && (written.ingest_url.is_some() || written.query_url.is_some()) {
            return Err("`region` and `ingest_url`, `query_url` both say where the data lies; leave one out".to_owned());
        }
        let (ingest, query) = match region {
            Region::Us => ("https://api2.amplitude.com", "https://amplitude.com"),
            Region::Eu => ("https://api.eu.amplitude.com", "https://analytics.eu.amplitude.com"),
        };
        let own = written.query_url.is_some() || region == Region::Eu;
        let profile_url = match written.profile_url {
            Some(url) => Some(address("profile_url", Some(&url), "https://profile-api.amplitude.com")?),
            None => (!own).then(|| "https://profile-api.amplitude.com".to_owned()),
        };
        let timezone = match written.timezone {
            None => None,
            Some(zone) => Some(
                zone.parse().map_err(|_| format!("`timezone` is that of the project's settings, such as Europe/Berlin, not `{zone}`"))?,
            ),
        };
        Ok(Self {
            api_key: written.api_key,
            secret_key: written.secret_key,
            app_id: written.app_id,
            owner: written.owner,
            ingest_url: address("ingest_url", written.ingest_url.as_deref(), ingest)?,
            query_url: address("query_url", written.query_url.as_deref(), query)?,
            profile_url,
            timezone,
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

    fn read(value: Value) -> Result<AmplitudeConfig, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn hosts_follow_the_region_or_the_addresses() {
        let us = read(json!({ "api_key": "k3y" })).unwrap();
        assert_eq!((us.ingest_url.as_str(), us.profile_url.is_some()), ("https://api2.amplitude.com", true));
        let eu = read(json!({ "api_key": "k3y", "secret_key": "s3cr3t", "region": "eu" })).unwrap();
        assert_eq!((eu.ingest_url.as_str(), eu.query_url.as_str()), ("https://api.eu.amplitude.com", "https://analytics.eu.amplitude.com"));
        assert!(eu.profile_url.is_none() && !format!("{eu:?}").contains("s3cr3t") && !format!("{eu:?}").contains("k3y"));
    }

    #[test]
    fn what_can_not_work_says_why() {
        for (wrong, why) in [
            (json!({}), "missing field `api_key`"),
            (json!({ "api_key": " " }), "`api_key` is empty"),
            (json!({ "api_key": "k", "region": "in" }), "unknown variant `in`"),
            (json!({ "api_key": "k", "region": "eu", "query_url": "http://x" }), "leave one out"),
            (json!({ "api_key": "k", "query_url": "x" }), "is an address"),
            (json!({ "api_key": "k", "timezone": "Mars" }), "such as Europe/Berlin"),
            (json!({ "api_key": "k", "secret": "x" }), "unknown field `secret`"),
        ] {
            let said = read(wrong.clone()).unwrap_err();
            assert!(said.contains(why), "{wrong}: {said}");
        }
    }
}
