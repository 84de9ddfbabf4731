//! One call of Slack's Web API as it goes over the wire: arguments as a form with JSON in its fields, the envelope read, and
//! Slack's error codes in the words of the port. Which token is used and when a call may be made is not decided here.
//!
//! <https://docs.slack.dev/apis/web-api/>: every method takes forms; failures come as HTTP 200 with `ok: false`.

use crate::config::SlackConfig;
use bellhop_core::{PortError, PortErrorKind, Retry};
use bellhop_http::{Client, Limits};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A method of the Web API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Method {
    /// `chat.postMessage`.
    pub name: &'static str,
    /// The port's word for what it does (`deliver`).
    pub operation: &'static str,
    /// Calls a minute that Slack allows per app and workspace; 0 for methods with a rule of their own.
    pub per_minute: u32,
    /// Whether calling it twice does no more than calling it once.
    pub safe: bool,
}

/// A failure, with Slack's own code where it gave one.
#[derive(Clone, Debug)]
pub struct Failure {
    /// `not_in_channel`.
    pub code: Option<String>,
    /// In the words of the port.
    pub error: PortError,
}

impl Failure {
    /// Whether Slack gave one of these codes.
    #[must_use]
    pub fn is(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }
}

impl From<Failure> for PortError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        Self { code: None, error }
    }
}

/// What a call returns.
pub type WireResult<T> = Result<T, Failure>;

/// The wire to one Slack API.
#[derive(Clone)]
pub struct Wire {
    client: Client,
    config: Arc<SlackConfig>,
}

impl Wire {
    /// A wire for the connection configured as `service` (`chat.work`).
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn new(service: &str, config: Arc<SlackConfig>) -> Result<Self, PortError> {
        // A post waits this long for its answer; the outbox waits as long again before it looks up what became of it.
        let limits = Limits { total: Duration::from_secs(10), retries: 0, ..Limits::default() };
        Ok(Self { client: Client::new(service, limits)?, config })
    }

    /// The HTTP client, for what is not the Web API: response addresses, uploads, downloads.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &SlackConfig {
        &self.config
    }

    /// The configured name of the connection, `chat.work`.
    #[must_use]
    pub fn service(&self) -> &str {
        self.client.service()
    }

    /// Calls a method. `args` is an object; `null` members are left out. Returns the whole answer, and the scopes that the
    /// token has, where Slack says.
    pub async fn call<T: DeserializeOwned>(
        &self,
        token: Option<&SecretString>,
        method: Method,
        args: &Value,
    ) -> WireResult<(T, Option<String>)> {
        let pairs = form(args);
        let mut request = self.client.post(method.operation, method.name, &self.config.method_url(method.name)).form(&pairs);
        if let Some(token) = token {
            request = request.bearer(token.expose_secret());
        }
        if method.safe {
            request = request.idempotent();
        }
        let answer = request.exchange().await?;
        let (refused, ok) = (answer.refusal(), answer.status().is_success());
        let scopes = answer.header("x-oauth-scopes").map(str::to_owned);
        if !ok {
            // Slack says `ratelimited` in the body, too; the status and Retry-After say all there is to know.
            return Err(refused.into());
        }
        let html = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        let body = answer.bytes().await?;
        let broken = |what: &str| {
            let error = PortError::new(PortErrorKind::Broken, self.service(), method.operation, format!("{}: {what}", method.name));
            Failure::from(if method.safe { error } else { error.maybe_done() })
        };
        let Ok(envelope) = serde_json::from_slice::<Value>(&body) else {
            let mut failure = broken(if html {
                "Slack answered with a web page instead of JSON; it may be down, or `api_url` leads to something else"
            } else {
                "the answer is no JSON"
            });
            failure.error.retry = Retry::Backoff;
            return Err(failure);
        };
        match envelope.get("ok").and_then(Value::as_bool) {
            Some(true) => match serde_json::from_value(envelope) {
                Ok(answer) => Ok((answer, scopes)),
                Err(_) => Err(broken("a member of the answer is missing or of another kind")),
            },
            Some(false) => Err(self.refused(method, &envelope)),
            None => Err(broken("the answer says neither that it worked nor that it failed")),
        }
    }

    fn refused(&self, method: Method, envelope: &Value) -> Failure {
        let code = envelope.get("error").and_then(Value::as_str).unwrap_or("unknown_error").to_owned();
        let (kind, advice) = meaning(&code);
        let mut message = format!("{}: {code}", method.name);
        if code == "missing_scope" {
            let needed = envelope.get("needed").and_then(Value::as_str).unwrap_or("a scope that Slack doesn't name");
            message = format!(
                "{}: the app lacks the scope {needed}; add it under OAuth & Permissions > Bot Token Scopes and install the app again",
                method.name
            );
        } else if let Some(advice) = advice {
            message = format!("{message} ({advice})");
        }
        let said =
            envelope.pointer("/response_metadata/messages").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        for said in said.take(3) {
            message.push_str("; ");
            message.push_str(&bellhop_core::text::shorten(&bellhop_core::text::one_line(said), 200));
        }
        let mut error = PortError::new(kind, self.service(), method.operation, message);
        // These two may have done it partly (https://docs.slack.dev/apis/web-api/).
        if matches!(code.as_str(), "fatal_error" | "internal_error") {
            error.retry = Retry::Backoff;
            error.maybe_done = !method.safe;
        }
        if kind == PortErrorKind::RateLimited {
            error = error.after(Duration::from_secs(1));
        }
        if kind == PortErrorKind::Unavailable || kind == PortErrorKind::TimedOut {
            error.maybe_done = !method.safe;
        }
        Failure { code: Some(code), error }
    }
}

/// Arguments as the fields of a form: text as it is, everything else as JSON.
fn form(args: &Value) -> Vec<(String, String)> {
    let members = args.as_object().into_iter().flatten();
    members
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}

/// What a code means, and what to do about it.
fn meaning(code: &str) -> (PortErrorKind, Option<&'static str>) {
    use PortErrorKind::{
        Conflict, Denied, Full, Invalid, NotFound, RateLimited, TimedOut, TooLarge, Unauthenticated, Unavailable, Unsupported,
    };
    match code {
        "invalid_auth"
        | "not_authed"
        | "token_revoked"
        | "account_inactive"
        | "user_removed_from_team"
        | "team_disabled"
        | "team_access_not_granted" => {
            (Unauthenticated, Some("Slack no longer takes the token; install the app again and put the new token into the configuration"))
        }
        "token_expired" => (Unauthenticated, Some("the token has expired; with rotation on, the app has to be connected by OAuth")),
        "channel_not_found" => {
            (NotFound, Some("there is no such channel, or it is private and the bot is not in it: /invite the bot there"))
        }
        "message_not_found"
        | "cant_update_message"
        | "edit_window_closed"
        | "user_not_found"
        | "users_not_found"
        | "file_not_found"
        | "file_deleted"
        | "thread_not_found"
        | "user_not_visible"
        | "team_not_found" => (NotFound, None),
        "not_in_channel" => (Denied, Some("the bot is not in this channel: /invite it there")),
        "is_archived" => (Denied, Some("the channel is archived; open it again, or send this elsewhere")),
        "missing_scope" => (Denied, None),
        "ratelimited" | "rate_limited" | "message_limit_exceeded" | "restricted_too_many" | "accesslimited" => (RateLimited, None),
        "name_taken" | "hash_conflict" => (Conflict, None),
        "msg_too_long" | "view_too_large" | "msg_blocks_too_long" | "metadata_too_large" | "snippet_too_large" => (TooLarge, None),
        "file_upload_size_restricted" => (TooLarge, Some("the workspace takes no files of this size")),
        "storage_limit_reached" => (Full, Some("the workspace's storage is full; delete files, or ask its owner")),
        "file_uploads_disabled" | "file_uploads_except_images_disabled" => (Denied, Some("the workspace doesn't allow such uploads")),
        "method_not_supported_for_channel_type" | "method_deprecated" | "deprecated_endpoint" | "unknown_method" => (Unsupported, None),
        "request_timeout" => (TimedOut, None),
        "service_unavailable" | "fatal_error" | "internal_error" | "team_added_to_org" => (Unavailable, None),
        code if code.starts_with("restricted_action") || code.starts_with("posting_to_") => {
            (Denied, Some("a rule of the workspace doesn't let the bot do that; its owner can change it"))
        }
        "no_permission"
        | "not_allowed_token_type"
        | "access_denied"
        | "org_login_required"
        | "ekm_access_denied"
        | "enterprise_is_restricted"
        | "two_factor_setup_required"
        | "cant_invite"
        | "not_authorized"
        | "cannot_create_channel"
        | "user_is_restricted"
        | "cant_archive_general"
        | "cant_archive_required"
        | "channel_is_limited_access"
        | "messages_tab_disabled" => (Denied, None),
        _ => (Invalid, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_become_fields() {
        let pairs = form(&json!({ "channel": "C1", "blocks": [{ "type": "divider" }], "limit": 200, "mrkdwn": false, "thread_ts": null }));
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("blocks", r#"[{"type":"divider"}]"#), ("channel", "C1"), ("limit", "200"), ("mrkdwn", "false")]);
    }
}
