//! Whether a token is still taken. After a refusal that no repetition mends nothing is sent with it, and now and then one look
//! finds out whether it is good again.

use super::{Workspaces, fingerprint};
use bellhop_core::PortErrorKind;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::WorkspaceId;
use bellhop_core::ports::PortResult;
use secrecy::SecretString;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What no repetition mends (<https://docs.slack.dev/apis/web-api/>).
pub(super) const FINAL: [&str; 7] =
    ["invalid_auth", "not_authed", "account_inactive", "token_revoked", "user_removed_from_team", "team_disabled", "token_expired"];

/// How long lies between two looks at a refused token.
const LOOK: Duration = Duration::from_mins(5);

/// The tokens that are refused, by workspace.
#[derive(Default)]
pub(super) struct Standings {
    refused: Mutex<HashMap<WorkspaceId, Refusal>>,
}

#[derive(Clone)]
struct Refusal {
    code: String,
    since: Timestamp,
    /// When it was last looked at; never, where nobody has seen it refused yet.
    looked: Option<Timestamp>,
    /// The token, so that another one is not blamed for it.
    token: Option<String>,
}

impl Standings {
    fn hold(&self) -> std::sync::MutexGuard<'_, HashMap<WorkspaceId, Refusal>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Slack refused it just now. Returns whether that is news.
    pub(super) fn refuse(&self, workspace: &WorkspaceId, code: &str, token: Option<&SecretString>, now: Timestamp) -> bool {
        let mut refused = self.hold();
        let since = refused.get(workspace).map_or(now, |before| before.since);
        let refusal = Refusal { code: code.to_owned(), since, looked: Some(now), token: token.map(fingerprint) };
        refused.insert(workspace.clone(), refusal).is_none()
    }

    /// It may be refused: the next call looks first.
    pub(super) fn suspect(&self, workspace: &WorkspaceId, token: &SecretString, since: Timestamp) {
        let refusal = Refusal { code: "token_revoked".into(), since, looked: None, token: Some(fingerprint(token)) };
        self.hold().entry(workspace.clone()).or_insert(refusal);
    }

    /// It is good, or there is another one.
    pub(super) fn clear(&self, workspace: &WorkspaceId) {
        self.hold().remove(workspace);
    }

    /// The refusal, and whether this call is the one that looks.
    fn turn(&self, workspace: &WorkspaceId, token: &SecretString, now: Timestamp) -> Option<(Refusal, bool)> {
        let mut refused = self.hold();
        let refusal = refused.get_mut(workspace)?;
        if refusal.token.as_ref().is_some_and(|refused| *refused != fingerprint(token)) {
            refused.remove(workspace);
            return None;
        }
        let due = refusal.looked.is_none_or(|looked| (now - looked).to_std().is_ok_and(|passed| passed >= LOOK));
        if due {
            refusal.looked = Some(now);
        }
        Some((refusal.clone(), due))
    }

    #[cfg(test)]
    pub(super) fn is_refused(&self, workspace: &WorkspaceId) -> bool {
        self.hold().contains_key(workspace)
    }
}

impl Workspaces {
    /// Whether calls may be made with this token.
    pub(super) async fn standing(&self, workspace: &WorkspaceId, token: &SecretString) -> PortResult<()> {
        let now = self.clock.now();
        let Some((refusal, look)) = self.standings.turn(workspace, token, now) else { return Ok(()) };
        if self.replaced(workspace, token).await? {
            self.standings.clear(workspace);
            return Ok(());
        }
        if look && let Ok(tested) = self.test(token).await {
            tracing::info!(chat = %self.chat, %workspace, name = tested.name, "Slack takes the token of a workspace again");
            self.standings.clear(workspace);
            return Ok(());
        }
        Err(self.error(
            PortErrorKind::Unauthenticated,
            format!(
                "Slack refuses the token of the workspace {workspace} since {} ({}); {}",
                refusal.since.format("%Y-%m-%d %H:%M UTC"),
                refusal.code,
                if self.known(workspace).is_some() {
                    format!("open /chat/{}/install on the bot's own address and connect it anew", self.chat)
                } else {
                    "install the app again under OAuth & Permissions, put the new `bot_token` into the configuration and start the bot again".into()
                }
            ),
        ))
    }

    /// Whether another token was connected for the workspace meanwhile, maybe by another replica; it is used from now on.
    async fn replaced(&self, workspace: &WorkspaceId, token: &SecretString) -> PortResult<bool> {
        if self.known(workspace).is_none() {
            return Ok(false);
        }
        let stored = self.stored(workspace).await?;
        Ok(stored.is_some_and(|stored| fingerprint(&stored.token) != fingerprint(token)))
    }
}
