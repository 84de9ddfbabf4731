//! Tokens that rotate: each lives twelve hours and is renewed by a refresh token that works once. One process renews it, the
//! others wait for what it got.
//!
//! <https://docs.slack.dev/authentication/using-token-rotation>

use super::installation::{Granted, Installation};
use super::{Workspaces, fingerprint};
use crate::wire::Method;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::WorkspaceId;
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The exchange of codes and refresh tokens for tokens.
pub(crate) const ACCESS: Method = Method { name: "oauth.v2.access", operation: "sign in", per_minute: 600, safe: false };

/// A token is renewed when less than this is left of its life.
const EARLY: Duration = Duration::from_mins(30);
/// A claim that is older than this was left by a process that died: the renewal itself is given up after ten seconds.
const LEFT: Duration = Duration::from_secs(30);
/// How long another process's renewal is waited for, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(15);
const GLANCE: Duration = Duration::from_millis(100);
/// How often a claim may be left before somebody looks into it.
const CLAIMS: u32 = 20;
/// After a renewal that failed, how long the token that still works is used before the next try.
const AGAIN: Duration = Duration::from_mins(1);

/// Slack's codes for a refresh token that is of no use.
const SPENT: [&str; 6] =
    ["invalid_refresh_token", "token_revoked", "token_expired", "invalid_auth", "account_inactive", "bad_client_secret"];

/// Whose turn it is to renew, within this process.
#[derive(Default)]
pub(super) struct Turns {
    held: Mutex<HashMap<WorkspaceId, Arc<tokio::sync::Mutex<()>>>>,
    /// Tokens that Slack called expired before their time.
    expired: Mutex<HashMap<WorkspaceId, String>>,
    /// When a renewal failed last.
    failed: Mutex<HashMap<WorkspaceId, Timestamp>>,
}

impl Turns {
    fn of(&self, id: &WorkspaceId) -> Arc<tokio::sync::Mutex<()>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).entry(id.clone()).or_default().clone()
    }

    /// Slack says that this token has expired, whatever we think.
    pub(super) fn expired(&self, id: &WorkspaceId, token: &SecretString) {
        self.expired.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), fingerprint(token));
    }

    fn is_expired(&self, installation: &Installation) -> bool {
        let expired = self.expired.lock().unwrap_or_else(PoisonError::into_inner);
        !expired.is_empty() && expired.get(&installation.workspace.id).is_some_and(|expired| *expired == fingerprint(&installation.token))
    }

    fn rests(&self, id: &WorkspaceId, now: Timestamp) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get(id).is_some_and(|failed| (now - failed).to_std().is_ok_and(|passed| passed < AGAIN))
    }

    fn note(&self, id: &WorkspaceId, failed: Option<Timestamp>) {
        let mut all = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        match failed {
            Some(now) => all.insert(id.clone(), now),
            None => all.remove(id),
        };
    }
}

/// What became of a claim.
enum Claim {
    /// It is ours to renew, under this key.
    Ours(Vec<String>),
    /// Somebody else renewed it.
    Done(Arc<Installation>),
}

impl Workspaces {
    /// The installation with a token that still works for a while.
    pub(super) async fn fresh(&self, installation: Arc<Installation>) -> PortResult<Arc<Installation>> {
        if !self.due(&installation) {
            return Ok(installation);
        }
        let id = installation.workspace.id.clone();
        let turn = self.rotation.of(&id);
        let _held = turn.lock().await;
        // Whoever held it before may have renewed it, and so may another replica.
        let installation = self.stored(&id).await?.ok_or_else(|| self.not_connected(&format!("the workspace {id} isn't connected")))?;
        if !self.due(&installation) {
            return Ok(installation);
        }
        let works = installation.expires.is_some_and(|expires| expires > self.clock.now()) && !self.rotation.is_expired(&installation);
        if works && self.rotation.rests(&id, self.clock.now()) {
            return Ok(installation);
        }
        match self.rotate(&installation).await {
            Ok(renewed) => {
                self.rotation.note(&id, None);
                Ok(renewed)
            }
            Err(error) if works => {
                tracing::warn!(chat = %self.chat, workspace = %id, %error, "a token could not be renewed yet; the old one still works");
                self.rotation.note(&id, Some(self.clock.now()));
                Ok(installation)
            }
            Err(error) => Err(error),
        }
    }

    fn due(&self, installation: &Installation) -> bool {
        installation.refresh.is_some()
            && (installation
                .expires
                .is_some_and(|expires| expires - self.clock.now() < chrono::TimeDelta::from_std(EARLY).unwrap_or_default())
                || self.rotation.is_expired(installation))
    }

    async fn rotate(&self, installation: &Arc<Installation>) -> PortResult<Arc<Installation>> {
        match self.claim(installation).await? {
            Claim::Done(renewed) => Ok(renewed),
            Claim::Ours(keys) => {
                let renewed = self.exchange(installation).await;
                // Only after what was granted is kept; whoever claims it anew then reads that first.
                for key in &keys {
                    if let Err(error) = self.records.remove(&self.collection("refreshes"), key).await {
                        tracing::warn!(chat = %self.chat, %error, "a claim on a renewal stays behind; it is taken over when it is old");
                    }
                }
                renewed
            }
        }
    }

    /// Claims the renewal, or waits for the one who did. Claims are numbered: the next number is taken over from a process
    /// that died, by one only.
    async fn claim(&self, before: &Arc<Installation>) -> PortResult<Claim> {
        let id = &before.workspace.id;
        let Some(name) = before.claim() else { return Ok(Claim::Done(before.clone())) };
        let collection = self.collection("refreshes");
        let began = tokio::time::Instant::now();
        let mut number = 0;
        loop {
            let key = format!("{name}.{number}");
            let (mut claimed, ours) = self.records.put_new(&collection, &key, &json!({ "at": self.clock.now() })).await?;
            // Another may have finished between our reading and our claiming.
            if let Some(done) = self.renewed(id, &name).await? {
                if ours {
                    self.records.remove(&collection, &key).await?;
                }
                return Ok(Claim::Done(done));
            }
            if ours {
                return Ok(Claim::Ours((0..=number).map(|number| format!("{name}.{number}")).collect()));
            }
            number = loop {
                let at = claimed.get("at").and_then(|at| serde_json::from_value::<Timestamp>(at.clone()).ok());
                if number < CLAIMS && at.is_none_or(|at| (self.clock.now() - at).to_std().is_ok_and(|age| age >= LEFT)) {
                    break number + 1;
                }
                if began.elapsed() >= PATIENCE {
                    let what = format!("another process renews the token of the workspace {id} and isn't done");
                    return Err(self.error(PortErrorKind::Unavailable, what));
                }
                tokio::time::sleep(GLANCE).await;
                if let Some(done) = self.renewed(id, &name).await? {
                    return Ok(Claim::Done(done));
                }
                match self.records.get(&collection, &key).await? {
                    Some(still) => claimed = still,
                    // It failed there: everyone begins anew with the first number.
                    None => break 0,
                }
            };
        }
    }

    /// The installation, if it has another refresh token by now than the one of this name.
    async fn renewed(&self, id: &WorkspaceId, name: &str) -> PortResult<Option<Arc<Installation>>> {
        let now = self.stored(id).await?.ok_or_else(|| self.not_connected(&format!("the workspace {id} isn't connected")))?;
        Ok((now.claim().as_deref() != Some(name)).then_some(now))
    }

    async fn exchange(&self, installation: &Arc<Installation>) -> PortResult<Arc<Installation>> {
        let id = &installation.workspace.id;
        let (Some(oauth), Some(refresh)) = (&self.wire.config().oauth, &installation.refresh) else { return Ok(installation.clone()) };
        let args = json!({
            "client_id": oauth.client_id,
            "client_secret": oauth.client_secret.expose_secret(),
            "grant_type": "refresh_token",
            "refresh_token": refresh.expose_secret(),
        });
        match self.wire.call::<Granted>(None, ACCESS, &args).await {
            Ok((granted, _)) => {
                let renewed = self.renew(installation, granted).await?;
                tracing::info!(chat = %self.chat, workspace = %id, expires = ?renewed.expires, "the token of a workspace was renewed");
                Ok(renewed)
            }
            Err(failure) if failure.is(&SPENT) => {
                let code = failure.code.unwrap_or_default();
                Err(PortError {
                    kind: PortErrorKind::Unauthenticated,
                    message: format!(
                        "the token of the workspace {id} can't be renewed ({code}); {}",
                        if code == "bad_client_secret" {
                            "check `client_secret` in the configuration".to_owned()
                        } else {
                            format!("open /chat/{}/install on the bot's own address and connect it anew", self.chat)
                        }
                    ),
                    ..failure.error
                })
            }
            Err(failure) => Err(failure.error),
        }
    }
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
