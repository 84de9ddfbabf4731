//! The token service: client credentials by a secret, by an assertion that the app's certificate signs, by a token of somebody whom
//! the tenant trusts, and from the machine's own metadata address; and what the tokens are good for.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use super::call::{Call, Reply};
use super::ids::{base64_url, pairs, unbase64_url};
use super::keys::{CERTIFICATE, CLUSTER_PUBLIC, PUBLIC_KEY};
use super::state::{State, Token};
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// For the connector.
pub(super) const BOT: &str = "https://api.botframework.com";
/// For Graph.
pub(super) const GRAPH: &str = "https://graph.microsoft.com";
/// The certificate's older thumbprint, SHA-1.
const SHA1: &str = "4fcf39c187632ea3e81de4b0373c00b5f87c958e";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn refused(status: u16, error: &str, number: u32, text: &str) -> Reply {
    let description = format!("AADSTS{number}: {text} Trace ID: 0 Correlation ID: 0");
    Reply::json(status, &json!({ "error": error, "error_description": description, "error_codes": [number] }))
}

impl State {
    /// `POST /{tenant}/oauth2/v2.0/token`
    pub(super) fn give_token(&mut self, call: &Call, tenant: &str) -> Reply {
        if call.method != "POST" || !call.kind().starts_with("application/x-www-form-urlencoded") {
            return refused(400, "invalid_request", 900_144, "The request body must contain the following parameter: 'grant_type'.");
        }
        let form = pairs(&String::from_utf8_lossy(&call.body));
        let field = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
        if field("grant_type") != "client_credentials" {
            return refused(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.");
        }
        if tenant != self.tenant {
            let text = format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.");
            return refused(400, "invalid_request", 90002, &text);
        }
        if field("client_id") != self.app {
            let text = format!("Application with identifier '{}' was not found in the directory 'Acme'.", field("client_id"));
            return refused(400, "unauthorized_client", 700_016, &text);
        }
        if let Err(reply) = self.proven(call, field("client_secret"), field("client_assertion_type"), field("client_assertion")) {
            return reply;
        }
        if !self.settings.consented {
            let text = format!("The client application {} is missing service principal in the tenant {tenant}.", self.app);
            return refused(401, "unauthorized_client", 7_000_229, &text);
        }
        let Some(audience) = field("scope").strip_suffix("/.default") else {
            let text = "The provided value for the input parameter 'scope' is not valid. It has to end with '/.default'.";
            return refused(400, "invalid_scope", 1_002_012, text);
        };
        if ![BOT, GRAPH].contains(&audience) {
            let text = format!("The resource principal named {audience} was not found in the tenant named Acme.");
            return refused(400, "invalid_resource", 500_011, &text);
        }
        let (token, seconds) = self.make_token(audience);
        Reply::json(200, &json!({ "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token }))
    }

    /// `GET /metadata/identity/oauth2/token`, as a machine with a managed identity has it.
    pub(super) fn machine_token(&mut self, call: &Call) -> Reply {
        if call.header("metadata") != "true" {
            return Reply::json(400, &json!({ "error": "invalid_request", "error_description": "Required metadata header not specified" }));
        }
        let resource = call.query("resource").unwrap_or_default().trim_end_matches('/').to_owned();
        if ![BOT, GRAPH].contains(&resource.as_str()) {
            return Reply::json(400, &json!({ "error": "invalid_resource", "error_description": "AADSTS500011" }));
        }
        if call.query("client_id").is_some_and(|id| id != self.app) {
            return Reply::json(400, &json!({ "error": "invalid_request", "error_description": "Identity not found" }));
        }
        let (token, seconds) = self.make_token(&resource);
        let body = json!({ "token_type": "Bearer", "expires_in": seconds.to_string(), "access_token": token, "resource": resource });
        Reply::json(200, &body)
    }

    fn make_token(&mut self, audience: &str) -> (String, u32) {
        let now = self.now();
        let seconds = self.settings.token_seconds;
        let roles = if audience == GRAPH { self.settings.permissions.clone() } else { Vec::new() };
        let claims = json!({ "aud": audience, "appid": self.app, "tid": self.tenant, "iat": now.timestamp(), "nbf": now.timestamp(),
            "exp": now.timestamp() + i64::from(seconds), "roles": roles, "uti": self.ids.opaque(8) });
        let header = base64_url(br#"{"typ":"JWT","alg":"RS256","kid":"entra"}"#);
        let token = format!("{header}.{}.{}", base64_url(claims.to_string().as_bytes()), self.ids.opaque(64));
        let expires = now + TimeDelta::seconds(i64::from(seconds));
        let known = Token { audience: audience.to_owned(), tenant: self.tenant.clone(), expires, roles, revoked: false };
        self.tokens.insert(token.clone(), known);
        (token, seconds)
    }

    /// Whether the client has shown who it is.
    fn proven(&self, call: &Call, secret: &str, kind: &str, assertion: &str) -> Result<(), Reply> {
        if assertion.is_empty() {
            if secret.is_empty() {
                let text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
                return Err(refused(401, "invalid_client", 7_000_218, text));
            }
            if secret != self.secret {
                let text = format!("Invalid client secret provided for app '{}'. Ensure the secret being sent is the value.", self.app);
                return Err(refused(401, "invalid_client", 7_000_215, &text));
            }
            return Ok(());
        }
        if kind != ASSERTION {
            return Err(refused(400, "invalid_request", 900_144, "client_assertion_type is missing or wrong."));
        }
        let wrong = |number: u32, text: &str| Err(refused(401, "invalid_client", number, text));
        let Ok(header) = jsonwebtoken::decode_header(assertion) else {
            return wrong(50027, "JWT token is invalid or malformed.");
        };
        let claims = |pem: &str, algorithms: &[Algorithm], audience: &[&str]| {
            let mut rules = Validation::new(header.alg);
            rules.algorithms = algorithms.to_vec();
            rules.validate_exp = false;
            rules.set_audience(audience);
            let key = DecodingKey::from_rsa_pem(pem.as_bytes()).ok()?;
            jsonwebtoken::decode::<Value>(assertion, &key, &rules).ok().map(|said| said.claims)
        };
        let now = self.now().timestamp();
        let timely =
            |claims: &Value| claims["exp"].as_i64().is_some_and(|exp| exp > now - 300) && claims["nbf"].as_i64().unwrap_or(0) <= now + 300;
        let cluster = ["api://AzureADTokenExchange"];
        if let Some(claims) = claims(CLUSTER_PUBLIC, &[Algorithm::RS256], &cluster) {
            let known = claims["iss"] == "https://cluster.example" && claims["sub"] == "system:serviceaccount:ops:bellhop";
            if !known {
                return wrong(700_211, "No matching federated identity record found for presented assertion issuer.");
            }
            return if timely(&claims) { Ok(()) } else { wrong(700_024, "Client assertion is not within its valid time range.") };
        }
        // The address as it was called; clients that know the vendor's own name that.
        let own = format!("{}{}", self.url, call.path);
        let vendors = format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", self.tenant);
        let Some(claims) = claims(PUBLIC_KEY, &[Algorithm::RS256, Algorithm::PS256], &[&own, &vendors]) else {
            return wrong(700_027, "Client assertion failed signature validation.");
        };
        let thumbprint = header.x5t_s256.clone().or_else(|| header.x5t.clone()).and_then(|text| unbase64_url(&text));
        let sha256 = Sha256::digest(der(CERTIFICATE).unwrap_or_default()).to_vec();
        let known = thumbprint.is_some_and(|print| print == sha256 || hex::encode(print) == SHA1);
        if !known {
            return wrong(700_027, "The key was not found by the thumbprint of the certificate.");
        }
        if claims["iss"] != self.app.as_str() || claims["sub"] != self.app.as_str() {
            return wrong(700_021, "Client assertion application identifier doesn't match 'client_id' parameter.");
        }
        if !timely(&claims) || claims["jti"].as_str().is_none_or(str::is_empty) {
            return wrong(700_024, "Client assertion is not within its valid time range, or has no jti.");
        }
        Ok(())
    }

    /// The token that a call shows, if it is good for this audience.
    pub(super) fn shown(&mut self, call: &Call, audience: &str) -> Result<Token, Reply> {
        let denied = |text: &str| {
            let body = if audience == GRAPH {
                json!({ "error": { "code": "InvalidAuthenticationToken", "message": text, "innerError": { "request-id": "0" } } })
            } else {
                json!({ "error": { "code": "BotNotRegistered", "message": text } })
            };
            Reply::json(401, &body).with("www-authenticate", "Bearer")
        };
        let Some(token) = call.bearer() else { return Err(denied("Authorization has been denied for this request.")) };
        let Some(known) = self.tokens.get(token).cloned() else { return Err(denied("The token is not known.")) };
        if known.audience != audience {
            self.ledger.violations.push(format!("a token for {} was shown to {audience}", known.audience));
            return Err(denied("Access token validation failure. Invalid audience."));
        }
        if known.revoked || known.expires <= self.now() || known.tenant != self.tenant {
            return Err(denied("Lifetime validation failed, the token is expired."));
        }
        Ok(known)
    }
}

/// The bytes of a certificate.
fn der(pem: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    base64::engine::general_purpose::STANDARD.decode(lines).ok()
}
