//! The keys that activities are signed with, and the pages that tell of them; tokens that are wrong in every way on demand.
//!
//! <https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication>

use super::state::State;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// The certificate of the app, for tests: nothing anywhere trusts it.
pub const CERTIFICATE: &str = include_str!("keys/test_only_bot.crt.pem");
/// Its private key.
pub const PRIVATE_KEY: &str = include_str!("keys/test_only_bot.pem");
pub(super) const PUBLIC_KEY: &str = include_str!("keys/test_only_bot.pub.pem");
/// The key of a cluster whose tokens the tenant trusts (a federated credential).
pub(super) const CLUSTER_KEY: &str = include_str!("keys/test_only_cluster.pem");
pub(super) const CLUSTER_PUBLIC: &str = include_str!("keys/test_only_cluster.pub.pem");
const FIRST: &str = include_str!("keys/test_only_first.pem");
const SECOND: &str = include_str!("keys/test_only_second.pem");
const STRANGER: &str = include_str!("keys/test_only_stranger.pem");

/// Who signs for the connector.
pub const ISSUER: &str = "https://api.botframework.com";

/// The keys of the moment.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// Which one signs: its id and whether it is the second.
    pub current: (String, bool),
    pub endorsements: Vec<String>,
    pub published: bool,
}

impl Default for Keys {
    fn default() -> Self {
        Self { current: ("first-key".into(), false), endorsements: vec!["msteams".into(), "webchat".into()], published: true }
    }
}

/// What is wrong with an activity's token on purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Forgery {
    /// Nothing.
    #[default]
    None,
    /// There is no token.
    Missing,
    /// No header of the scheme `Bearer`.
    OtherScheme,
    /// The token without the word `Bearer`.
    Bare,
    /// Not even three parts.
    Garbage,
    /// For another app.
    Audience,
    /// By another issuer; the emulator's, or any.
    Issuer(String),
    /// Signed with a key that nobody published, under the published key's id.
    OtherKey,
    /// Signed with a key that nobody published, under its own id.
    UnknownKey,
    /// Not signed at all (`alg: none`).
    Unsigned,
    /// Signed with a shared secret, the app's id (`alg: HS256`).
    Shared,
    /// Expired so many seconds ago.
    Expired(i64),
    /// Good only in so many seconds.
    Early(i64),
    /// For another service's address.
    ServiceUrl(String),
    /// For no service's address.
    NoServiceUrl,
    /// One letter of the claims was changed after the signing.
    Changed,
    /// By a key that may not sign for Teams.
    Endorsement,
}

impl State {
    /// The page with the keys.
    pub(super) fn jwks(&self) -> Value {
        let public = |pem: &str, kid: &str, endorsements: &[String]| {
            let key = EncodingKey::from_rsa_pem(pem.as_bytes()).ok()?;
            let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::RS256).ok()?).ok()?;
            jwk["kid"] = json!(kid);
            jwk["x5t"] = json!(kid);
            jwk["use"] = json!("sig");
            jwk["endorsements"] = json!(endorsements);
            Some(jwk)
        };
        let (kid, second) = &self.keys.current;
        let pem = if *second { SECOND } else { FIRST };
        let mut keys = vec![public(STRANGER, "other-channels-key", &["skype".to_owned(), "webchat".to_owned()])];
        if self.keys.published {
            keys.push(public(pem, kid, &self.keys.endorsements));
        }
        json!({ "keys": keys.into_iter().flatten().collect::<Vec<_>>() })
    }

    pub(super) fn metadata(&self) -> Value {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://invalid.botframework.com",
            "jwks_uri": format!("{}/openid/v1/.well-known/keys", self.url),
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        })
    }

    /// What an activity's `Authorization` header says.
    pub(super) fn signed(&self, service_url: &str, forgery: &Forgery) -> Option<String> {
        let now = self.now().timestamp();
        let (mut nbf, mut exp) = (now - 5, now + 3600);
        match forgery {
            Forgery::Expired(seconds) => (nbf, exp) = (now - 3600 - seconds, now - seconds),
            Forgery::Early(seconds) => (nbf, exp) = (now + seconds, now + seconds + 3600),
            _ => {}
        }
        let issuer = if let Forgery::Issuer(issuer) = forgery { issuer } else { ISSUER };
        let audience = if *forgery == Forgery::Audience { "00000000-0000-0000-0000-000000000bad" } else { &self.app };
        let mut claims = json!({ "iss": issuer, "aud": audience, "nbf": nbf, "exp": exp, "serviceurl": service_url });
        match forgery {
            Forgery::ServiceUrl(other) => claims["serviceurl"] = json!(other),
            Forgery::NoServiceUrl => {
                claims.as_object_mut()?.remove("serviceurl");
            }
            _ => {}
        }
        let (kid, second) = &self.keys.current;
        let own = if *second { SECOND } else { FIRST };
        let (algorithm, kid, pem) = match forgery {
            Forgery::OtherKey => (Algorithm::RS256, kid.as_str(), STRANGER),
            Forgery::UnknownKey => (Algorithm::RS256, "a-key-of-nobody", STRANGER),
            Forgery::Endorsement => (Algorithm::RS256, "other-channels-key", STRANGER),
            Forgery::Shared => (Algorithm::HS256, kid.as_str(), ""),
            _ => (Algorithm::RS256, kid.as_str(), own),
        };
        let header = Header { kid: Some(kid.to_owned()), x5t: Some(kid.to_owned()), ..Header::new(algorithm) };
        let key =
            if pem.is_empty() { EncodingKey::from_secret(self.app.as_bytes()) } else { EncodingKey::from_rsa_pem(pem.as_bytes()).ok()? };
        let token = jsonwebtoken::encode(&header, &claims, &key).ok()?;
        Some(match forgery {
            Forgery::Missing => return None,
            Forgery::Bare => token,
            Forgery::OtherScheme => format!("Basic {token}"),
            Forgery::Garbage => "Bearer no-token".into(),
            Forgery::Unsigned => {
                let header = super::ids::base64_url(br#"{"alg":"none","typ":"JWT"}"#);
                format!("Bearer {header}.{}.", token.split('.').nth(1)?)
            }
            Forgery::Changed => {
                let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
                claims["exp"] = json!(exp + 1);
                parts[1] = super::ids::base64_url(claims.to_string().as_bytes());
                format!("Bearer {}", parts.join("."))
            }
            _ => format!("Bearer {token}"),
        })
    }

    /// A token of the cluster for the app, as a file of a pod holds it.
    pub(super) fn federated(&self) -> Option<String> {
        let now = self.now().timestamp();
        let claims = json!({ "iss": "https://cluster.example", "sub": "system:serviceaccount:ops:bellhop",
            "aud": "api://AzureADTokenExchange", "iat": now, "nbf": now - 5, "exp": now + 3600 });
        let key = EncodingKey::from_rsa_pem(CLUSTER_KEY.as_bytes()).ok()?;
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).ok()
    }
}
