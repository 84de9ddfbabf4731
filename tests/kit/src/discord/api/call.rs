//! A call as it came: its route, its top-level resource, who makes it, and its body.

use axum::body::to_bytes;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::header;
use serde_json::{Value, json};

/// A file that came with a call.
#[derive(Clone, Debug)]
pub(in crate::discord) struct Part {
    /// `files[N]`.
    pub number: Option<u64>,
    pub name: String,
    pub mime: Option<String>,
    pub bytes: Vec<u8>,
}

/// What came with a call.
#[derive(Clone, Debug)]
pub(in crate::discord) enum Body {
    None,
    Json(Value),
    Parts(Value, Vec<Part>),
    /// It can't be read as what it says it is.
    Broken,
    /// It doesn't say what it is.
    Untyped,
    TooLarge,
}

impl Body {
    /// The JSON, with the files beside it.
    pub(in crate::discord) fn split(self) -> (Value, Vec<Part>) {
        match self {
            Self::Json(value) => (value, Vec::new()),
            Self::Parts(value, parts) => (value, parts),
            _ => (json!({}), Vec::new()),
        }
    }
}

/// A call without its body.
#[derive(Clone, Debug)]
pub(in crate::discord) struct Call {
    pub method: String,
    /// `None` where the path names none.
    pub version: Option<String>,
    pub parts: Vec<String>,
    /// The method and the path with names for what varies.
    pub route: String,
    /// The top-level resource.
    pub major: String,
    pub query: Vec<(String, String)>,
    pub authorization: Option<String>,
    pub agent: String,
    pub reason: Option<String>,
}

impl Call {
    pub(in crate::discord) fn of(request: &Request) -> Self {
        let path = request.uri().path();
        let rest = path.strip_prefix("/api").unwrap_or_default().trim_start_matches('/');
        let mut parts: Vec<String> = rest.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
        let version = parts.first().and_then(|first| first.strip_prefix('v')).filter(|rest| rest.parse::<u8>().is_ok()).map(str::to_owned);
        if version.is_some() {
            parts.remove(0);
        }
        let method = request.method().as_str().to_owned();
        let (template, major) = template(&parts);
        let get = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self {
            route: format!("{method} /{template}"),
            method,
            version,
            parts,
            major,
            query: crate::args::pairs(request.uri().query().unwrap_or_default().as_bytes()),
            authorization: get("authorization"),
            agent: get("user-agent").unwrap_or_default(),
            reason: get("x-audit-log-reason"),
        }
    }

    pub(in crate::discord) fn arg(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(in crate::discord) fn flag(&self, name: &str) -> bool {
        matches!(self.arg(name), Some("true" | "True" | "1"))
    }
}

fn decoded(part: &str) -> String {
    // A plus is a plus in a path.
    crate::args::pairs(part.replace('+', "%2B").replace('=', "%3D").replace('&', "%26").as_bytes())
        .into_iter()
        .next()
        .map(|(name, _)| name)
        .unwrap_or_default()
}

/// The path with names for what varies, and the top-level resource.
fn template(parts: &[String]) -> (String, String) {
    let mut names: Vec<String> = Vec::new();
    let mut major = String::new();
    for (n, part) in parts.iter().enumerate() {
        let before = n.checked_sub(1).and_then(|before| parts.get(before)).map_or("", String::as_str);
        let first = parts.first().map_or("", String::as_str);
        let id = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let name = match before {
            "channels" | "guilds" if n == 1 => {
                major.clone_from(part);
                Some(if first == "channels" { "channel" } else { "guild" })
            }
            "webhooks" if n == 1 => {
                major.clone_from(part);
                Some("webhook")
            }
            "interactions" if n == 1 => Some("interaction"),
            "invites" if n == 1 => Some("code"),
            "guilds" if id => Some("guild"),
            "messages" | "pins" if id => Some("message"),
            "members" | "users" | "thread-members" | "recipients" if id => Some("user"),
            "roles" if id => Some("role"),
            "permissions" if id => Some("overwrite"),
            "applications" if id => Some("application"),
            "commands" if id => Some("command"),
            "reactions" => Some("emoji"),
            _ if n == 2 && matches!(first, "webhooks" | "interactions") => {
                if first == "webhooks" {
                    major = format!("{major}/{part}");
                }
                Some("token")
            }
            _ if n == 6 && first == "channels" && id => Some("user"),
            _ => None,
        };
        names.push(name.map_or_else(|| part.clone(), |name| format!("{{{name}}}")));
    }
    (names.join("/"), major)
}

/// Reads a body.
pub(in crate::discord) async fn read(request: Request, largest: usize) -> Body {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    if kind.starts_with("multipart/form-data") {
        return read_parts(request, largest).await;
    }
    let Ok(bytes) = to_bytes(request.into_body(), largest).await else { return Body::TooLarge };
    if bytes.is_empty() {
        return Body::None;
    }
    if kind.is_empty() {
        return Body::Untyped;
    }
    if kind.starts_with("application/json") {
        return serde_json::from_slice(&bytes).map_or(Body::Broken, Body::Json);
    }
    if kind.starts_with("application/x-www-form-urlencoded") {
        let pairs = crate::args::pairs(&bytes);
        return Body::Json(pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect());
    }
    Body::Untyped
}

async fn read_parts(request: Request, largest: usize) -> Body {
    let Ok(mut parts) = Multipart::from_request(request, &()).await else { return Body::Broken };
    let (mut payload, mut files, mut total) = (json!({}), Vec::new(), 0);
    loop {
        let part = match parts.next_field().await {
            Ok(Some(part)) => part,
            Ok(None) => return Body::Parts(payload, files),
            Err(_) => return Body::Broken,
        };
        let name = part.name().unwrap_or_default().to_owned();
        let (filename, mime) = (part.file_name().map(str::to_owned), part.content_type().map(str::to_owned));
        let Ok(bytes) = part.bytes().await else { return Body::Broken };
        total += bytes.len();
        if total > largest {
            return Body::TooLarge;
        }
        if name == "payload_json" {
            let Ok(value) = serde_json::from_slice(&bytes) else { return Body::Broken };
            payload = value;
        } else if let Some(filename) = filename {
            let number = name.strip_prefix("files[").and_then(|rest| rest.strip_suffix(']')).and_then(|number| number.parse().ok());
            files.push(Part { number, name: filename, mime, bytes: bytes.to_vec() });
        } else if let Value::Object(payload) = &mut payload {
            payload.insert(name, Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_told_apart_by_their_top_level_resource() {
        let of = |path: &str| template(&path.split('/').map(str::to_owned).collect::<Vec<_>>());
        let pair = |template: &str, major: &str| (template.to_owned(), major.to_owned());
        assert_eq!(of("channels/7/messages/8"), pair("channels/{channel}/messages/{message}", "7"));
        assert_eq!(of("channels/7/messages/8/reactions/x/@me"), pair("channels/{channel}/messages/{message}/reactions/{emoji}/@me", "7"));
        assert_eq!(of("channels/7/messages/pins/8"), pair("channels/{channel}/messages/pins/{message}", "7"));
        assert_eq!(of("webhooks/7/abc/messages/@original"), pair("webhooks/{webhook}/{token}/messages/@original", "7/abc"));
        assert_eq!(of("interactions/7/abc/callback"), pair("interactions/{interaction}/{token}/callback", ""));
        assert_eq!(of("applications/7/guilds/8/commands"), pair("applications/{application}/guilds/{guild}/commands", ""));
        assert_eq!(of("guilds/7/members/8/roles/9"), pair("guilds/{guild}/members/{user}/roles/{role}", "7"));
    }
}
