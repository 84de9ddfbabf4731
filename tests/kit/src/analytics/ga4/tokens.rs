//! Access tokens for assertions that are signed with the service account's key, as Google gives them out.

use super::{Ga4World, Reply};
use crate::analytics::Call;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A key that was made for these tests; nothing anywhere trusts it.
pub const PRIVATE_KEY: &str = include_str!("test_only_private_key.pem");
const PUBLIC_KEY: &str = include_str!("test_only_public_key.pem");
/// The service account's address.
pub const EMAIL: &str = "bellhop@example.iam.gserviceaccount.com";
/// The id of its key.
const KEY_ID: &str = "key-1";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPES: [&str; 2] = ["https://www.googleapis.com/auth/analytics.readonly", "https://www.googleapis.com/auth/analytics"];

impl Ga4World {
    /// The JSON key of the service account, as it is downloaded.
    #[must_use]
    pub fn key_file(&self) -> String {
        self.key_file_with(PRIVATE_KEY)
    }

    /// The same with another private key.
    #[must_use]
    pub fn key_file_with(&self, key: &str) -> String {
        let origin = self.origin.lock().unwrap_or_else(PoisonError::into_inner).clone();
        json!({ "type": "service_account", "project_id": "example", "private_key_id": KEY_ID, "private_key": key, "client_email": EMAIL,
            "client_id": "1", "token_uri": format!("{origin}/token") })
        .to_string()
    }

    /// `POST /token`
    pub(super) fn token(&self, call: &Call) -> Reply {
        static MADE: AtomicUsize = AtomicUsize::new(1);
        let denied = |why: &str| Reply::json(400, &json!({ "error": "invalid_grant", "error_description": why }));
        let form = call.form();
        let part = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
        if call.kind() != "application/x-www-form-urlencoded" || form.len() != 2 {
            return Reply::json(400, &json!({ "error": "invalid_request", "error_description": "A form of two fields is wanted." }));
        }
        if part("grant_type") != GRANT {
            return Reply::json(400, &json!({ "error": "unsupported_grant_type", "error_description": "Invalid grant_type" }));
        }
        let mut rules = Validation::new(Algorithm::RS256);
        rules.validate_exp = false;
        // Google's own client names Google's address, wherever it asks.
        let own = format!("{}/token", self.origin.lock().unwrap_or_else(PoisonError::into_inner));
        rules.set_audience(&[own.as_str(), "https://oauth2.googleapis.com/token"]);
        let Ok(key) = DecodingKey::from_rsa_pem(PUBLIC_KEY.as_bytes()) else { return denied("The world's own key can't be read.") };
        let Ok(said) = jsonwebtoken::decode::<Value>(part("assertion"), &key, &rules) else {
            return denied("Invalid JWT Signature.");
        };
        let (header, claims) = (said.header, said.claims);
        let number = |name: &str| claims.get(name).and_then(Value::as_i64).unwrap_or(0);
        let now = self.clock.now();
        let scopes = claims["scope"].as_str().unwrap_or_default();
        if scopes.is_empty() || !scopes.split(' ').all(|scope| SCOPES.contains(&scope)) {
            return Reply::json(
                400,
                &json!({ "error": "invalid_scope", "error_description": "Invalid OAuth scope or ID token audience provided." }),
            );
        }
        let known = header.kid.as_deref() == Some(KEY_ID) && header.typ.as_deref() == Some("JWT") && claims["iss"] == EMAIL;
        if !known || claims.get("sub").is_some() {
            return denied("Invalid grant: account not found");
        }
        let moment = now.timestamp();
        let timely = (moment - 3600..=moment + 300).contains(&number("iat"))
            && (moment + 1..=moment + 3900).contains(&number("exp"))
            && number("exp") <= number("iat") + 3600;
        if !timely {
            return denied(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
            );
        }
        let token = format!("ya29.{}", MADE.fetch_add(1, Ordering::SeqCst));
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).push((token.clone(), now + TimeDelta::seconds(3599)));
        Reply::json(200, &json!({ "access_token": token, "expires_in": 3599, "token_type": "Bearer" }))
    }

    pub(super) fn signed_in(&self, call: &Call) -> bool {
        let token = call.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
        let now = self.clock.now();
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|(known, until)| known == token && now < *until)
    }
}
