//! The Web API as the rest of the adapter calls it: with the token of a workspace, and within Slack's allowances. A call that
//! Slack would refuse for its rate is not made at all: what only reads or is asked for by a person waits a little, what has
//! a lane is put off by exactly as long as it takes. What a call means is not known here.
//!
//! <https://docs.slack.dev/apis/web-api/rate-limits/>: allowances count by method, workspace and app.

mod allowance;
mod blocked;
#[cfg(test)]
mod tests;

use crate::config::foreign;
use crate::wire::{Failure, Method, Wire, WireResult};
use crate::workspaces::Workspaces;
use allowance::Allowances;
use bellhop_core::clock::Clock;
use bellhop_core::ids::{ChatName, WorkspaceId};
use bellhop_core::ports::{PortResult, Records};
use bellhop_core::{PortError, PortErrorKind, Retry};
use blocked::Blocked;
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a call that nobody paces otherwise may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a method is left alone after a 429 that doesn't say how long.
const UNSAID: Duration = Duration::from_secs(5);

/// Messages by a response address: counted by message, five each, not by minute.
const RESPOND: Method = Method { name: "response_url", operation: "deliver", per_minute: 0, safe: false };

/// The Web API.
pub struct Api {
    wire: Wire,
    workspaces: Arc<Workspaces>,
    allowances: Allowances,
    blocked: Blocked,
}

impl Api {
    /// The Web API over this wire. What Slack has asked to be left alone is kept in the records, so that it is known after
    /// a restart and to other processes.
    #[must_use]
    pub fn new(chat: &ChatName, wire: Wire, workspaces: Arc<Workspaces>, records: Arc<dyn Records>, clock: Arc<dyn Clock>) -> Self {
        Self { wire, workspaces, allowances: Allowances::default(), blocked: Blocked::new(chat, records, clock) }
    }

    /// The wire, for what is not a method.
    #[must_use]
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Calls a method for a workspace. Where Slack's allowance is used up, a call that a lane paces fails at once, and
    /// others after at most five seconds, as `RateLimited` with the exact wait.
    pub async fn call<T: DeserializeOwned>(&self, workspace: &WorkspaceId, method: Method, args: &Value) -> WireResult<T> {
        self.admit(workspace, method).await?;
        let token = self.workspaces.token(workspace).await?;
        let mut called = self.wire.call(Some(&token), method, args).await;
        if let Err(failure) = &called {
            self.workspaces.refused(workspace, failure);
            // Nothing was done under an expired token: with the fresh one, if there is one by now, it is done.
            if failure.is(&["token_expired"])
                && let Ok(fresh) = self.workspaces.token(workspace).await
                && fresh.expose_secret() != token.expose_secret()
            {
                called = self.wire.call(Some(&fresh), method, args).await;
            }
        }
        match called {
            Ok((answer, _)) => Ok(answer),
            Err(failure) => Err(self.heard(workspace, method, failure).await),
        }
    }

    /// Posts to a response address: no token, no membership. The address must be Slack's own.
    pub async fn respond(&self, workspace: &WorkspaceId, url: &str, body: &Value) -> WireResult<()> {
        if !self.wire.config().is_slacks(url) {
            return Err(foreign(self.wire.service(), RESPOND.operation).into());
        }
        self.admit(workspace, RESPOND).await?;
        let answer = self.wire.client().post(RESPOND.operation, RESPOND.name, url).json(body).exchange().await?;
        let (status, refused) = (answer.status(), answer.refusal());
        // What was answered is read only for its code: a success whose body gets lost is a success.
        let said = answer.text().await.unwrap_or_default();
        let envelope = serde_json::from_str::<Value>(&said).unwrap_or_default();
        let denied = envelope.get("ok").and_then(Value::as_bool) == Some(false);
        if status.is_success() && !denied {
            return Ok(());
        }
        let code = envelope.get("error").and_then(Value::as_str).unwrap_or(said.trim());
        let code =
            (!code.is_empty() && code.len() <= 60 && code.bytes().all(|c| c.is_ascii_lowercase() || c == b'_')).then(|| code.to_owned());
        let mut error = refused;
        if status.is_success() {
            error = PortError::new(PortErrorKind::Invalid, self.wire.service(), RESPOND.operation, String::new());
        }
        if let Some(code) = &code {
            error.message = format!("{}: {code}", RESPOND.name);
            // Slack has understood and refused, whatever status it put on that.
            error.maybe_done = error.maybe_done && matches!(code.as_str(), "internal_error" | "fatal_error" | "service_unavailable");
        }
        Err(self.heard(workspace, RESPOND, Failure { code, error }).await)
    }

    /// Waits for a call's turn, or says how long it would have to.
    async fn admit(&self, workspace: &WorkspaceId, method: Method) -> PortResult<()> {
        let patience = if paced(method) { Duration::ZERO } else { PATIENCE };
        let deadline = Instant::now() + patience;
        loop {
            let (wait, why) = match self.blocked.remaining(workspace, method.name).await {
                Some(wait) => (wait, "Slack asked to wait"),
                None => match self.allowances.take(workspace, method) {
                    Ok(()) => return Ok(()),
                    Err(wait) => (wait, "Slack's allowance of calls a minute is used up"),
                },
            };
            if Instant::now() + wait > deadline {
                let seconds = wait.as_secs_f64();
                let message = format!("{}: {why}; it can be called again in {seconds:.1} s", method.name);
                return Err(PortError::new(PortErrorKind::RateLimited, self.wire.service(), method.operation, message).after(wait));
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes note of a failure that forbids further calls for a while.
    async fn heard(&self, workspace: &WorkspaceId, method: Method, mut failure: Failure) -> Failure {
        let limited = failure.error.kind == PortErrorKind::RateLimited;
        if limited && failure.code.as_deref().is_none_or(|code| matches!(code, "ratelimited" | "rate_limited")) {
            let pause = match failure.error.retry {
                Retry::After(pause) => pause,
                _ => UNSAID,
            };
            self.blocked.block(workspace, method.name, pause).await;
            failure.error = failure.error.after(pause);
        }
        failure
    }
}

/// Whether calls of this method are paced elsewhere (messages and files by their lanes) or can't wait (views have three
/// seconds), so that waiting here would only hold up others.
fn paced(method: Method) -> bool {
    ["chat.", "files.getUpload", "files.complete", "views.", "response_url"].iter().any(|family| method.name.starts_with(family))
}
