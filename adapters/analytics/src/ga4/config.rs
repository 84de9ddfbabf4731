//! The keys of `[analytics.NAME]` with `kind = "ga4"`. What can't work together is an error when the file is read.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// The vendor's addresses, where the configuration gives no others.
const DATA: &str = "https://analyticsdata.googleapis.com";
const ADMIN: &str = "https://analyticsadmin.googleapis.com";
const COLLECT: &str = "https://www.google-analytics.com";
const TOKEN: &str = "https://oauth2.googleapis.com/token";

/// A property of Google Analytics 4.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct Ga4Config {
    /// The property's number.
    pub property_id: String,
    /// Whoever asks, where reports may be asked for.
    pub account: Option<ServiceAccount>,
    /// The web stream that events go to, `G-XXXX`, with its secret.
    pub stream: Option<Stream>,
    /// Where reports are asked for, without a slash at the end.
    pub data_url: String,
    /// Where settings are read.
    pub admin_url: String,
    /// Where events are sent.
    pub collect_url: String,
    /// Where access tokens are got.
    pub token_url: String,
}

/// A service account's key.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// Its address: it has to be a user of the property.
    pub email: String,
    /// The id of its key.
    pub key_id: Option<String>,
    /// Its private key, PKCS #8 in PEM.
    pub key: SecretString,
    /// Whom its assertions are for, where the key's file says.
    pub audience: Option<String>,
}

/// Where events are sent to.
#[derive(Clone, Debug)]
pub struct Stream {
    /// `G-XXXX`.
    pub measurement_id: String,
    /// The secret of its Measurement Protocol.
    pub api_secret: SecretString,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    property_id: PropertyId,
    credentials: Option<SecretString>,
    measurement_id: Option<String>,
    api_secret: Option<SecretString>,
    data_url: Option<String>,
    admin_url: Option<String>,
    collect_url: Option<String>,
    token_url: Option<String>,
}

/// A number, written as one or as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum PropertyId {
    Number(u64),
    Text(String),
}

/// What of a key file is used.
#[derive(Deserialize)]
struct KeyFile {
    client_email: Option<String>,
    private_key: Option<SecretString>,
    private_key_id: Option<String>,
    token_uri: Option<String>,
    r#type: Option<String>,
}

impl TryFrom<Written> for Ga4Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let property_id = property(written.property_id)?;
        let (account, token_uri) = match &written.credentials {
            Some(credentials) => account(credentials).map(|(account, uri)| (Some(account), uri))?,
            None => (None, None),
        };
        let stream = match (written.measurement_id, written.api_secret) {
            (Some(measurement_id), Some(api_secret)) => {
                if !measurement_id.starts_with("G-") || !measurement_id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                    return Err("`measurement_id` is that of the web stream, such as G-AB12CD34EF".to_owned());
                }
                Some(Stream { measurement_id, api_secret })
            }
            (None, None) => None,
            (Some(_), None) => return Err("`measurement_id` needs `api_secret` beside it, to send events".to_owned()),
            (None, Some(_)) => return Err("`api_secret` needs `measurement_id` beside it, to send events".to_owned()),
        };
        if account.is_none() && stream.is_none() {
            return Err(
                "give `credentials` (the JSON key of a service account) to ask for reports, `measurement_id` and `api_secret` to send events, or both"
                    .to_owned(),
            );
        }
        Ok(Self {
            property_id,
            account,
            stream,
            data_url: address("data_url", written.data_url, DATA)?,
            admin_url: address("admin_url", written.admin_url, ADMIN)?,
            collect_url: address("collect_url", written.collect_url, COLLECT)?,
            token_url: address("token_url", written.token_url.or(token_uri), TOKEN)?,
        })
    }
}

fn property(id: PropertyId) -> Result<String, String> {
    let text = match id {
        PropertyId::Number(number) => number.to_string(),
        PropertyId::Text(text) => text.strip_prefix("properties/").unwrap_or(&text).to_owned(),
    };
    if text.starts_with("G-") {
        return Err("`property_id` is the property's number, such as 123456789; G-… is the measurement id of a stream".to_owned());
    }
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err("`property_id` is the property's number, such as 123456789 (Admin > Property details)".to_owned());
    }
    Ok(text)
}

fn account(credentials: &SecretString) -> Result<(ServiceAccount, Option<String>), String> {
    // serde's own words could quote the key, so they are not passed on.
    let file: KeyFile = serde_json::from_str(credentials.expose_secret()).map_err(|_| {
        "`credentials` is the JSON key of a service account as it was downloaded; write credentials = \"file:key.json\"".to_owned()
    })?;
    if file.r#type.as_deref().is_some_and(|kind| kind != "service_account") {
        return Err("`credentials` has to be the key of a service account; this is another kind of credential".to_owned());
    }
    match (file.client_email, file.private_key) {
        (Some(email), Some(key)) => {
            Ok((ServiceAccount { email, key_id: file.private_key_id, key, audience: file.token_uri.clone() }, file.token_uri))
        }
        _ => Err("`credentials` lacks `client_email` or `private_key`; make a new JSON key for the service account".to_owned()),
    }
}

fn address(key: &str, given: Option<String>, usual: &str) -> Result<String, String> {
    let Some(text) = given else { return Ok(usual.to_owned()) };
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

    fn read(value: Value) -> Result<Ga4Config, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    fn key() -> String {
        json!({ "type": "service_account", "client_email": "bot@p.iam.gserviceaccount.com", "private_key": "s3cr3t", "private_key_id": "k1",
                "token_uri": "https://oauth2.example/token", "project_id": "p" })
        .to_string()
    }

    #[test]
    fn reports_events_or_both() {
        let config = read(json!({ "property_id": 123, "credentials": key() })).unwrap();
        assert_eq!((config.property_id.as_str(), config.token_url.as_str()), ("123", "https://oauth2.example/token"));
        assert!(config.stream.is_none() && config.account.is_some() && !format!("{config:?}").contains("s3cr3t"));
        let config = read(
            json!({ "property_id": "properties/123", "measurement_id": "G-A1", "api_secret": "x", "data_url": "http://127.0.0.1:1/" }),
        )
        .unwrap();
        assert_eq!((config.property_id.as_str(), config.data_url.as_str()), ("123", "http://127.0.0.1:1"));
    }

    #[test]
    fn what_can_not_work_says_why() {
        for (wrong, why) in [
            (json!({}), "missing field `property_id`"),
            (json!({ "property_id": "G-A1", "credentials": key() }), "measurement id of a stream"),
            (json!({ "property_id": "abc", "credentials": key() }), "the property's number"),
            (json!({ "property_id": 1 }), "give `credentials`"),
            (json!({ "property_id": 1, "credentials": "{" }), "JSON key of a service account"),
            (json!({ "property_id": 1, "credentials": "{\"type\":\"authorized_user\"}" }), "another kind"),
            (json!({ "property_id": 1, "credentials": "{}" }), "lacks `client_email`"),
            (json!({ "property_id": 1, "measurement_id": "G-1" }), "needs `api_secret`"),
            (json!({ "property_id": 1, "api_secret": "x" }), "needs `measurement_id`"),
            (json!({ "property_id": 1, "measurement_id": "UA-1", "api_secret": "x" }), "web stream"),
            (json!({ "property_id": 1, "credentials": key(), "data_url": "analytics" }), "is an address"),
            (json!({ "property_id": 1, "credentials": key(), "property": 2 }), "unknown field `property`"),
        ] {
            let said = read(wrong.clone()).unwrap_err();
            assert!(said.contains(why), "{wrong}: {said}");
        }
    }
}
