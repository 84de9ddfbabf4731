//! Tokens: as Entra gives them to an application, and as a machine gives them to its managed identity. One for files is none
//! for the account.

use super::answers::Answer;
use axum::http::{HeaderMap, Method, Uri};
use serde_json::json;
use std::collections::HashMap;

/// The secret of every application.
pub const CLIENT_SECRET: &str = "hush";
/// What a managed identity shows to get a token.
pub const IDENTITY_HEADER: &str = "0b9f-identity";
/// The token for files.
pub const STORAGE_TOKEN: &str = "t0k3n";
/// The token for the account.
pub const MANAGEMENT_TOKEN: &str = "m4n4g3";

/// The token for an audience.
fn token(audience: &str, origin: &str) -> Option<&'static str> {
    match audience.trim_end_matches('/') {
        "https://storage.azure.com" => Some(STORAGE_TOKEN),
        ours if ours == origin => Some(MANAGEMENT_TOKEN),
        _ => None,
    }
}

fn refused(status: u16, error: &str, why: &str) -> Answer {
    Answer { status, headers: Vec::new(), body: json!({ "error": error, "error_description": why }) }
}

/// What is answered to who asks for a token; `None` where none is asked for.
pub(super) fn given(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8], origin: &str) -> Option<Answer> {
    if uri.path() == "/msi/token" {
        let query: HashMap<String, String> = form(uri.query().unwrap_or_default().as_bytes());
        let shown = headers.get("x-identity-header").and_then(|value| value.to_str().ok());
        if *method != Method::GET || shown != Some(IDENTITY_HEADER) || !query.contains_key("api-version") {
            return Some(refused(401, "unauthorized", "The identity header is missing or wrong."));
        }
        let audience = query.get("resource").map_or("", String::as_str);
        return Some(match token(audience, origin) {
            Some(token) => {
                let body = json!({ "access_token": token, "expires_on": "4102444800", "resource": audience, "token_type": "Bearer" });
                Answer { status: 200, headers: Vec::new(), body }
            }
            None => refused(400, "invalid_resource", "The resource principal was not found."),
        });
    }
    if !uri.path().ends_with("/oauth2/v2.0/token") {
        return None;
    }
    let form = form(body);
    let is = |name: &str, wanted: &str| form.get(name).is_some_and(|value| value == wanted);
    let proven = is("client_secret", CLIENT_SECRET) || form.get("client_assertion").is_some_and(|assertion| !assertion.is_empty());
    if *method != Method::POST || !is("grant_type", "client_credentials") || !form.contains_key("client_id") {
        return Some(refused(400, "invalid_request", "AADSTS900144: The request body must contain what it has to."));
    }
    if !proven {
        return Some(refused(401, "invalid_client", "AADSTS7000215: Invalid client secret provided."));
    }
    let audience = form.get("scope").and_then(|scope| scope.strip_suffix("/.default")).unwrap_or_default();
    Some(match token(audience, origin) {
        Some(token) => {
            Answer { status: 200, headers: Vec::new(), body: json!({ "token_type": "Bearer", "expires_in": 3600, "access_token": token }) }
        }
        None => refused(400, "invalid_resource", "AADSTS500011: The resource principal was not found in the tenant."),
    })
}

/// The fields of a form or a query.
pub(super) fn form(bytes: &[u8]) -> HashMap<String, String> {
    let text = String::from_utf8_lossy(bytes);
    let plain = |part: &str| {
        let mut bytes = Vec::new();
        let mut rest = part.bytes();
        while let Some(byte) = rest.next() {
            match byte {
                b'+' => bytes.push(b' '),
                b'%' => {
                    let digits: Vec<u8> = rest.by_ref().take(2).collect();
                    bytes.extend(hex::decode(digits).unwrap_or_default());
                }
                other => bytes.push(other),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (plain(name), plain(value))).collect()
}
