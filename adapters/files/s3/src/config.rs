//! The keys of `[files.NAME]` with `kind = "s3"`. What can't work together is an error when the file is read.

use crate::customer::CustomerKey;
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How the store encrypts what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Sse {
    /// With keys that the service keeps.
    #[serde(rename = "AES256")]
    Aes256,
    /// With a key of AWS KMS.
    #[serde(rename = "aws:kms")]
    Kms,
}

/// When checksums of our own go with what is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checksums {
    /// Only where S3 demands one: servers of other makes refuse those that they don't know.
    #[default]
    WhenRequired,
    /// Wherever the service knows them; CRC-64/NVME over the whole file.
    WhenSupported,
}

/// A bucket of S3, or of a server that speaks its protocol, as a file store.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct S3Config {
    /// The bucket.
    pub bucket: String,
    /// Its region. Without it: that of the environment or the profile, and `us-east-1` with an endpoint of another server.
    pub region: Option<String>,
    /// The server's origin, for any other than AWS: `https://minio.example:9000`.
    pub endpoint: Option<String>,
    /// Whether the bucket's name stands in the path rather than in the host; by default so with an `endpoint`.
    pub path_style: bool,
    /// A fixed credential; without one the default chain is asked: environment, profile, web identity, instance.
    pub keys: Option<Keys>,
    /// A profile of the shared configuration files, in place of the default one.
    pub profile: Option<String>,
    /// What stands before every name in the bucket, such as `bellhop/`.
    pub prefix: String,
    /// How what is written is encrypted, where not as the bucket says.
    pub sse: Option<Sse>,
    /// The KMS key, as an ARN or an id; without one AWS's own key for S3.
    pub kms_key: Option<String>,
    /// Whether what is written under KMS uses a key of the bucket's own below the KMS key, which asks KMS less often; without
    /// it as the bucket says.
    pub bucket_key: Option<bool>,
    /// Keys of the store's owner for single files (SSE-C), by name. Only for encrypted connections.
    pub customer_keys: BTreeMap<String, Arc<CustomerKey>>,
    /// When checksums go along.
    pub checksums: Checksums,
}

impl S3Config {
    /// Whether what is sent can't be read on its way: over https, or within this machine.
    pub(crate) fn is_private(&self) -> bool {
        let Some(endpoint) = &self.endpoint else { return true };
        url::Url::parse(endpoint).is_ok_and(|url| {
            url.scheme() == "https"
                || match url.host() {
                    Some(url::Host::Domain(name)) => name == "localhost",
                    Some(url::Host::Ipv4(address)) => address.is_loopback(),
                    Some(url::Host::Ipv6(address)) => address.is_loopback(),
                    None => false,
                }
        })
    }
}

/// A fixed credential.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Its public part.
    pub access_key_id: String,
    /// Its secret part.
    pub secret_access_key: SecretString,
    /// What makes it a temporary one.
    pub session_token: Option<SecretString>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    bucket: String,
    region: Option<String>,
    endpoint: Option<String>,
    path_style: Option<bool>,
    access_key_id: Option<String>,
    secret_access_key: Option<SecretString>,
    session_token: Option<SecretString>,
    profile: Option<String>,
    #[serde(default)]
    prefix: String,
    sse: Option<Sse>,
    kms_key: Option<String>,
    bucket_key: Option<bool>,
    #[serde(default)]
    keys: BTreeMap<String, SecretString>,
    #[serde(default)]
    checksums: Checksums,
}

impl TryFrom<Written> for S3Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { bucket, region, endpoint, path_style, access_key_id, secret_access_key, session_token, profile, .. } = written;
        if bucket.is_empty() || bucket.contains('/') || bucket.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("`bucket` is the bucket's bare name, such as my-files".to_owned());
        }
        let keys = match (access_key_id, secret_access_key) {
            (Some(access_key_id), Some(secret_access_key)) => Some(Keys { access_key_id, secret_access_key, session_token }),
            (None, None) if session_token.is_some() => {
                return Err("`session_token` goes with `access_key_id` and `secret_access_key`; give all three".to_owned());
            }
            (None, None) => None,
            (Some(_), None) => return Err("`access_key_id` needs `secret_access_key` beside it".to_owned()),
            (None, Some(_)) => return Err("`secret_access_key` needs `access_key_id` beside it".to_owned()),
        };
        if keys.is_some() && profile.is_some() {
            return Err("`access_key_id` and `profile` are two credentials; leave one out".to_owned());
        }
        if written.kms_key.is_some() && written.sse != Some(Sse::Kms) {
            return Err("`kms_key` needs sse = \"aws:kms\"".to_owned());
        }
        let customer_keys = written
            .keys
            .iter()
            .map(|(name, text)| Ok((name.clone(), Arc::new(CustomerKey::read(name, text)?))))
            .collect::<Result<_, String>>()?;
        let endpoint = endpoint.map(|text| origin(&text)).transpose()?;
        if region
            .as_ref()
            .is_some_and(|region| region.is_empty() || !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'))
        {
            return Err("`region` is written such as eu-central-1".to_owned());
        }
        let prefix = written.prefix;
        // What doesn't end in a slash is taken as it is: `bellhop-` is a fine beginning of names.
        let whole = prefix.strip_suffix('/').unwrap_or(&prefix);
        if !prefix.is_empty() && bellhop_core::ports::file_name(whole).is_err() {
            return Err("`prefix` is what stands before every name, such as bellhop/, without a leading slash".to_owned());
        }
        if prefix.len() > 900 {
            return Err("`prefix` leaves no room for names: together they may have 1,024 bytes".to_owned());
        }
        Ok(Self {
            bucket,
            region,
            path_style: path_style.unwrap_or(endpoint.is_some()),
            endpoint,
            keys,
            profile,
            prefix,
            sse: written.sse,
            kms_key: written.kms_key,
            bucket_key: written.bucket_key,
            customer_keys,
            checksums: written.checksums,
        })
    }
}

/// An origin, without a slash at the end.
fn origin(text: &str) -> Result<String, String> {
    let wrong = |why: &str| Err(format!("`endpoint` is the server's origin, such as https://minio.example:9000: {why}"));
    let Ok(url) = url::Url::parse(text) else { return wrong("this is no address") };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return wrong("it begins with https:// or http://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("credentials belong into `access_key_id` and `secret_access_key`");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("leave out what stands after ? or #");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(value: Value) -> Result<S3Config, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn the_least_is_a_bucket() {
        let config = read(json!({ "bucket": "files" })).unwrap();
        assert!(!config.path_style && config.keys.is_none() && config.checksums == Checksums::WhenRequired);
        let other = read(json!({ "bucket": "files", "endpoint": "http://127.0.0.1:9000/", "prefix": "bell hop/" })).unwrap();
        assert_eq!((other.path_style, other.endpoint.as_deref()), (true, Some("http://127.0.0.1:9000")));
        let host = read(json!({ "bucket": "files", "endpoint": "https://s3.example", "path_style": false })).unwrap();
        assert!(!host.path_style);
        let kms = read(json!({ "bucket": "f", "sse": "aws:kms", "kms_key": "k", "checksums": "when_supported" })).unwrap();
        assert_eq!((kms.sse, kms.checksums), (Some(Sse::Kms), Checksums::WhenSupported));
    }

    #[test]
    fn what_can_not_work_says_why() {
        for (wrong, why) in [
            (json!({}), "missing field `bucket`"),
            (json!({ "bucket": "a/b" }), "bare name"),
            (json!({ "bucket": "b", "regoin": "x" }), "unknown field `regoin`"),
            (json!({ "bucket": "b", "region": "eu central" }), "`region` is written"),
            (json!({ "bucket": "b", "endpoint": "minio" }), "this is no address"),
            (json!({ "bucket": "b", "endpoint": "ftp://x" }), "begins with https://"),
            (json!({ "bucket": "b", "endpoint": "http://a:b@x" }), "credentials belong"),
            (json!({ "bucket": "b", "access_key_id": "A" }), "needs `secret_access_key`"),
            (json!({ "bucket": "b", "secret_access_key": "s" }), "needs `access_key_id`"),
            (json!({ "bucket": "b", "session_token": "s" }), "give all three"),
            (json!({ "bucket": "b", "access_key_id": "A", "secret_access_key": "s", "profile": "p" }), "leave one out"),
            (json!({ "bucket": "b", "kms_key": "k" }), "needs sse = \"aws:kms\""),
            (json!({ "bucket": "b", "sse": "aes" }), "unknown variant `aes`, expected `AES256` or `aws:kms`"),
            (json!({ "bucket": "b", "keys": { "legal": "c2hvcnQ=" } }), "`keys.legal` is a key of 32 bytes"),
            (json!({ "bucket": "b", "keys": { "a b": "c2hvcnQ=" } }), "a key's name"),
            (json!({ "bucket": "b", "prefix": "/x" }), "without a leading slash"),
            (json!({ "bucket": "b", "prefix": "x/../y" }), "`prefix`"),
        ] {
            let said = read(wrong.clone()).unwrap_err();
            assert!(said.contains(why), "{wrong}: {said}");
        }
    }

    #[test]
    fn keys_are_for_private_connections() {
        for (endpoint, private) in [
            (json!(null), true),
            (json!("https://minio.example"), true),
            (json!("http://127.0.0.1:9000"), true),
            (json!("http://[::1]:9000"), true),
            (json!("http://localhost:9000"), true),
            (json!("http://minio.example:9000"), false),
            (json!("http://10.0.0.1"), false),
        ] {
            let config =
                read(json!({ "bucket": "b", "endpoint": endpoint, "keys": { "legal": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=" } }));
            let config = config.unwrap();
            assert_eq!(config.is_private(), private, "{endpoint}");
            assert_eq!(config.customer_keys["legal"].name(), "legal");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let config =
            read(json!({ "bucket": "b", "access_key_id": "AKID", "secret_access_key": "s3cr3t", "session_token": "t0k3n" })).unwrap();
        let shown = format!("{config:?}");
        assert!(!shown.contains("s3cr3t") && !shown.contains("t0k3n"), "{shown}");
    }
}
