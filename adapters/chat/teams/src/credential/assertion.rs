//! What stands in for a client secret: a statement signed with the bot's certificate, or another issuer's token.
//!
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>

use crate::config::Credential;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bellhop_core::clock::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// How long a statement can be used, in seconds.
const LIFE: i64 = 600;

/// The assertion for a token endpoint.
///
/// # Errors
/// What is wrong with the certificate, the key or the file, for people.
pub(super) fn of(credential: &Credential, app_id: &str, audience: &str, id: &str, now: Timestamp) -> Result<SecretString, String> {
    match credential {
        Credential::Certificate { key, certificate } => signed(key, certificate, app_id, audience, id, now),
        Credential::Federated(path) => {
            let token = std::fs::read_to_string(path).map_err(|error| format!("`federated_token` {}: {error}", path.display()))?;
            Ok(token.trim().to_owned().into())
        }
        Credential::Secret(_) | Credential::Managed { .. } | Credential::None => Err("this way to sign in has no assertion".into()),
    }
}

fn signed(key: &SecretString, certificate: &str, app_id: &str, audience: &str, id: &str, now: Timestamp) -> Result<SecretString, String> {
    let key = EncodingKey::from_rsa_pem(key.expose_secret().as_bytes())
        .map_err(|_| "`certificate`: `key` is no RSA private key in PEM".to_owned())?;
    let mut header = Header::new(Algorithm::PS256);
    header.x5t_s256 = Some(fingerprint(certificate)?);
    let claims = json!({
        "aud": audience,
        "iss": app_id,
        "sub": app_id,
        "jti": id,
        "nbf": now.timestamp(),
        "iat": now.timestamp(),
        "exp": now.timestamp() + LIFE,
    });
    let token =
        jsonwebtoken::encode(&header, &claims, &key).map_err(|error| format!("`certificate`: nothing can be signed with it: {error}"))?;
    Ok(token.into())
}

/// The SHA-256 of a certificate's DER form, in base64url.
fn fingerprint(certificate: &str) -> Result<String, String> {
    let wrong = || "`certificate`: `certificate` is no certificate in PEM".to_owned();
    let inner = certificate.split_once("-----BEGIN CERTIFICATE-----").and_then(|(_, rest)| rest.split_once("-----END CERTIFICATE-----"));
    let (body, _) = inner.ok_or_else(wrong)?;
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let der = STANDARD.decode(body).map_err(|_| wrong())?;
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(der)))
}
