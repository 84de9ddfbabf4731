//! What the plane answers.

use super::tokens::{MANAGEMENT_TOKEN, form, given};
use super::{Asked, Plane, policies};
use axum::http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};

/// The versions of the protocol that are known.
const VERSIONS: [&str; 4] = ["2022-09-01", "2023-01-01", "2023-05-01", "2024-01-01"];
/// How many scopes come in one page of their listing.
const PAGE: usize = 2;

/// Status, headers, body; no body where that is null.
pub(super) struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Value,
}

pub(super) fn refusal(status: u16, code: &str, message: &str) -> Answer {
    Answer { status, headers: Vec::new(), body: json!({ "error": { "code": code, "message": message } }) }
}

fn done(status: u16, body: Value) -> Answer {
    Answer { status, headers: Vec::new(), body }
}

impl Plane {
    pub(super) fn keeps_versions(&self) -> bool {
        self.service["isVersioningEnabled"] == json!(true)
    }

    pub(super) fn answer(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Answer {
        if let Some(answer) = given(method, uri, headers, body, &self.origin) {
            return answer;
        }
        let parsed: Option<Value> = serde_json::from_slice(body).ok();
        self.asked.push(Asked {
            method: method.clone(),
            address: uri.to_string(),
            headers: headers.clone(),
            body: parsed.clone().unwrap_or_default(),
        });
        if let Some(at) = self.refusals.iter().position(|refusal| refusal.method == *method)
            && let Some(next) = self.refusals.remove(at)
        {
            if next.done {
                self.admitted(method, uri, headers, parsed.as_ref(), body.is_empty());
            }
            let refused = refusal(next.status, next.code, "In words.");
            return Answer { headers: next.headers, ..refused };
        }
        self.admitted(method, uri, headers, parsed.as_ref(), body.is_empty())
    }

    fn admitted(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: Option<&Value>, bare: bool) -> Answer {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match text("authorization").strip_prefix("Bearer ") {
            None => return refusal(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."),
            Some(MANAGEMENT_TOKEN) => {}
            Some(_) => {
                return refusal(401, "InvalidAuthenticationToken", "The access token has been obtained for wrong audience or resource.");
            }
        }
        let query = form(uri.query().unwrap_or_default().as_bytes());
        match query.get("api-version").map(String::as_str) {
            None => {
                return refusal(
                    400,
                    "MissingApiVersionParameter",
                    "The api-version query parameter (?api-version=) is required for all requests.",
                );
            }
            Some(version) if !VERSIONS.contains(&version) => {
                return refusal(400, "InvalidResourceType", &format!("No API of this type is there in version '{version}'."));
            }
            Some(_) => {}
        }
        let path = form(format!("path={}", uri.path()).as_bytes()).remove("path").unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let ["subscriptions", subscription, groups, group, "providers", provider, accounts, account, kind, rest @ ..] = parts.as_slice()
        else {
            return refusal(404, "NotFound", "There is nothing at this address.");
        };
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        if !same(groups, "resourceGroups") || !same(provider, "Microsoft.Storage") || !same(accounts, "storageAccounts") {
            return refusal(404, "InvalidResourceType", "The resource type could not be found.");
        }
        if *subscription != self.subscription {
            return refusal(404, "SubscriptionNotFound", &format!("The subscription '{subscription}' could not be found."));
        }
        if self.forbidden {
            return refusal(403, "AuthorizationFailed", "The client does not have authorization to perform the action over the scope.");
        }
        if !same(group, &self.group) {
            return refusal(404, "ResourceGroupNotFound", &format!("Resource group '{group}' could not be found."));
        }
        if *account != self.account {
            return refusal(404, "ResourceNotFound", &format!("The Resource 'Microsoft.Storage/storageAccounts/{account}' was not found."));
        }
        let writes = *method == Method::PUT || *method == Method::DELETE;
        let wanted = text("if-match");
        if writes && self.marks && !wanted.is_empty() && wanted != "*" && wanted != self.mark() {
            return refusal(412, "PreconditionFailed", "The condition in the request header(s) is not met.");
        }
        let properties = if *method == Method::PUT {
            if !text("content-type").starts_with("application/json") {
                return refusal(415, "UnsupportedMediaType", "The content media type is not supported.");
            }
            match body.and_then(|body| body.get("properties")).filter(|properties| properties.is_object()) {
                Some(properties) => properties.clone(),
                None if bare => return refusal(400, "InvalidRequestContent", "The request content was empty."),
                None => return refusal(400, "InvalidRequestContent", "The request content was invalid and could not be deserialized."),
            }
        } else {
            Value::Null
        };
        let mut answer = match (*kind, rest) {
            ("blobServices", ["default"]) => self.settings(method, properties),
            ("managementPolicies", ["default"]) => self.lifecycle(method, properties),
            ("encryptionScopes", []) if *method == Method::GET => self.scopes(&query),
            ("encryptionScopes", [name]) => self.scope(method, name, properties),
            _ => refusal(404, "ResourceNotFound", "There is no such resource."),
        };
        if self.marks && answer.status < 300 {
            answer.headers.push(("etag", self.mark()));
        }
        answer
    }

    fn resource(&self, kind: &str, name: &str, properties: &Value) -> Value {
        let id = format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}/{kind}/{name}",
            self.subscription, self.group, self.account
        );
        json!({ "id": id, "name": name, "type": format!("Microsoft.Storage/storageAccounts/{kind}"), "properties": properties })
    }

    fn settings(&mut self, method: &Method, properties: Value) -> Answer {
        if *method == Method::PUT {
            let versions = &properties["isVersioningEnabled"];
            if !versions.is_null() && !versions.is_boolean() {
                return refusal(400, "InvalidRequestPropertyValue", "The value for one of the properties is invalid: isVersioningEnabled.");
            }
            if versions != &json!(true) && properties["restorePolicy"]["enabled"] == json!(true) {
                return refusal(400, "InvalidRequest", "Point in time restore needs versioning, so that can't be turned off.");
            }
            if properties["restorePolicy"].get("minRestoreTime").is_some() {
                return refusal(400, "InvalidRequestContent", "minRestoreTime is read-only.");
            }
            self.service = properties;
            self.changes += 1;
        } else if *method != Method::GET {
            return refusal(405, "MethodNotAllowed", "The method is not allowed.");
        }
        let mut body = self.resource("blobServices", "default", &self.service);
        body["sku"] = json!({ "name": "Standard_RAGRS", "tier": "Standard" });
        done(200, body)
    }

    fn lifecycle(&mut self, method: &Method, mut properties: Value) -> Answer {
        match method.as_str() {
            "PUT" => {
                let policy = properties["policy"].take();
                if let Err(why) = policies::check(&policy) {
                    return refusal(400, "InvalidRequestPropertyValue", &why);
                }
                self.policy = Some(policy);
                self.changes += 1;
            }
            "DELETE" => {
                self.changes += 1;
                return done(if self.policy.take().is_some() { 200 } else { 204 }, Value::Null);
            }
            "GET" => {}
            _ => return refusal(405, "MethodNotAllowed", "The method is not allowed."),
        }
        let Some(policy) = &self.policy else {
            return refusal(404, "ManagementPolicyNotFound", &format!("No ManagementPolicy found for account {}", self.account));
        };
        let seconds = self.changes % 60;
        let properties = json!({ "lastModifiedTime": format!("2026-11-22T00:00:{seconds:02}.0932539Z"), "policy": policy });
        let mut body = self.resource("managementPolicies", "default", &properties);
        body["name"] = json!("DefaultManagementPolicy");
        done(200, body)
    }

    fn scopes(&self, query: &std::collections::HashMap<String, String>) -> Answer {
        let from: usize = query.get("$skipToken").and_then(|from| from.parse().ok()).unwrap_or(0);
        let page: Vec<Value> =
            self.scopes.iter().skip(from).take(PAGE).map(|(name, scope)| self.resource("encryptionScopes", name, scope)).collect();
        let mut body = json!({ "value": page });
        if from + PAGE < self.scopes.len() {
            body["nextLink"] = json!(format!(
                "{}/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}/encryptionScopes?api-version=2023-05-01&$skipToken={}",
                self.origin,
                self.subscription,
                self.group,
                self.account,
                from + PAGE
            ));
        }
        done(200, body)
    }

    fn scope(&mut self, method: &Method, name: &str, properties: Value) -> Answer {
        let was_there = self.scopes.contains_key(name);
        if *method == Method::PUT {
            let named = (3..=63).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            let source = properties["source"].as_str().unwrap_or("Microsoft.Storage");
            if !named || !matches!(source, "Microsoft.Storage" | "Microsoft.KeyVault") {
                return refusal(400, "InvalidRequestPropertyValue", "The encryption scope's name or source is invalid.");
            }
            if source == "Microsoft.KeyVault" && properties["keyVaultProperties"]["keyUri"].as_str().is_none() {
                return refusal(400, "InvalidRequestPropertyValue", "keyVaultProperties is required.");
            }
            let mut kept = properties;
            if kept.get("state").is_none() {
                kept["state"] = json!("Enabled");
            }
            self.scopes.insert(name.to_owned(), kept);
            self.changes += 1;
        }
        match self.scopes.get(name) {
            Some(scope) => done(if was_there { 200 } else { 201 }, self.resource("encryptionScopes", name, scope)),
            None => refusal(404, "EncryptionScopeNotFound", "The encryption scope was not found."),
        }
    }
}
