//! Workspaces that were connected by OAuth, as they are kept: their tokens sealed, under the name of the connection and the
//! workspace, so that a sealed token moved to another row opens nowhere.

use super::{Workspace, Workspaces, fingerprint, scope_list};
use bellhop_core::PortErrorKind;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::WorkspaceId;
use bellhop_core::ports::PortResult;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// The most workspaces that are listed.
const MOST: usize = 1000;

/// A connected workspace with its token.
#[derive(Clone)]
pub(super) struct Installation {
    pub(super) workspace: Workspace,
    pub(super) token: SecretString,
    /// What renews the token, where it rotates.
    pub(super) refresh: Option<SecretString>,
    /// When the token stops working.
    pub(super) expires: Option<Timestamp>,
    /// When it was connected.
    pub(super) since: Timestamp,
}

/// As it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    workspace: Workspace,
    token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    since: Timestamp,
}

/// What `oauth.v2.access` grants, for a code as for a refresh token
/// (<https://docs.slack.dev/reference/methods/oauth.v2.access>).
#[derive(Deserialize)]
pub(crate) struct Granted {
    /// The bot's token.
    pub(crate) access_token: SecretString,
    #[serde(default)]
    refresh_token: Option<SecretString>,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    bot_user_id: Option<String>,
    /// The workspace; none where a whole organisation was connected.
    #[serde(default)]
    pub(crate) team: Option<Named>,
    /// The organisation that it belongs to.
    #[serde(default)]
    pub(crate) enterprise: Option<Named>,
}

/// An id and the name that goes with it.
#[derive(Clone, Deserialize)]
pub(crate) struct Named {
    /// `T...` or `E...`
    pub(crate) id: String,
    /// For people.
    #[serde(default)]
    pub(crate) name: Option<String>,
}

impl Granted {
    /// What was connected: the workspace, or the organisation where it is none in particular.
    pub(crate) fn whole(&self) -> Option<&Named> {
        self.team.as_ref().or(self.enterprise.as_ref())
    }
}

impl Workspaces {
    /// Keeps a workspace that was connected, in place of what was known of it.
    pub(crate) async fn connect(&self, granted: Granted) -> PortResult<Workspace> {
        let Some(whole) = granted.whole().cloned() else {
            return Err(self.error(PortErrorKind::Broken, "Slack's answer names neither a workspace nor an organisation"));
        };
        let id = WorkspaceId::new(whole.id);
        let mut workspace = Workspace {
            id: id.clone(),
            name: whole.name.unwrap_or_default(),
            url: String::new(),
            bot_user: granted.bot_user_id.clone().unwrap_or_default(),
            bot_id: None,
            scopes: scope_list(granted.scope.as_deref().unwrap_or_default()),
        };
        // What the grant doesn't say. Without it the workspace is connected all the same.
        match self.test(&granted.access_token).await {
            Ok(tested) => {
                workspace.url = tested.url;
                workspace.bot_id = tested.bot_id;
                if workspace.bot_user.is_empty() {
                    workspace.bot_user = tested.bot_user;
                }
            }
            Err(failure) => {
                tracing::warn!(chat = %self.chat, workspace = %id, error = %failure.error, "a workspace that was connected can't be asked about itself");
            }
        }
        let now = self.clock.now();
        let installation = Installation {
            workspace: workspace.clone(),
            token: granted.access_token,
            refresh: granted.refresh_token,
            expires: expiry(now, granted.expires_in),
            since: now,
        };
        self.store(installation).await?;
        self.standings.clear(&id);
        Ok(workspace)
    }

    /// What a renewal granted, in place of the token that it renews.
    pub(super) async fn renew(&self, before: &Installation, granted: Granted) -> PortResult<Arc<Installation>> {
        let mut after = before.clone();
        after.token = granted.access_token;
        after.refresh = granted.refresh_token.or(after.refresh);
        after.expires = expiry(self.clock.now(), granted.expires_in);
        if let Some(scopes) = granted.scope.as_deref().map(scope_list).filter(|scopes| !scopes.is_empty()) {
            after.workspace.scopes = scopes;
        }
        // The token that it replaces is spent: if this gets lost, a person has to connect the workspace anew.
        let mut pause = Duration::from_millis(100);
        loop {
            match self.store(after.clone()).await {
                Err(error) if pause < Duration::from_secs(10) => {
                    tracing::warn!(chat = %self.chat, %error, "a renewed token can't be kept yet");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                stored => return stored,
            }
        }
    }

    async fn store(&self, installation: Installation) -> PortResult<Arc<Installation>> {
        let id = installation.workspace.id.clone();
        let refresh = installation.refresh.as_ref().map(|refresh| self.seal.seal(&self.sealed_as(&id, "refresh"), refresh)).transpose()?;
        let kept = Kept {
            workspace: installation.workspace.clone(),
            token: self.seal.seal(&self.sealed_as(&id, "token"), &installation.token)?,
            refresh,
            expires: installation.expires,
            since: installation.since,
        };
        // Plain data always serialises.
        let value = serde_json::to_value(kept).unwrap_or_default();
        self.records.put(&self.collection("workspaces"), id.as_str(), &value).await?;
        let installation = Arc::new(installation);
        self.hold().insert(id, installation.clone());
        Ok(installation)
    }

    /// An installation as it is kept now.
    pub(super) async fn stored(&self, id: &WorkspaceId) -> PortResult<Option<Arc<Installation>>> {
        let Some(value) = self.records.get(&self.collection("workspaces"), id.as_str()).await? else {
            self.hold().remove(id);
            return Ok(None);
        };
        let unreadable =
            |_| self.error(PortErrorKind::Broken, format!("what is kept of the workspace {id} can't be read; connect it anew"));
        let kept: Kept = serde_json::from_value(value).map_err(unreadable)?;
        let locked = |error: bellhop_core::PortError| {
            let what = format!(
                "the token of the workspace {id} can't be unsealed ({}); was the bot's key replaced? Connect it anew",
                error.message
            );
            self.error(PortErrorKind::Unauthenticated, what)
        };
        let token = self.seal.open(&self.sealed_as(id, "token"), &kept.token).map_err(locked)?;
        let refresh = kept.refresh.map(|refresh| self.seal.open(&self.sealed_as(id, "refresh"), &refresh)).transpose().map_err(locked)?;
        let installation = Arc::new(Installation { workspace: kept.workspace, token, refresh, expires: kept.expires, since: kept.since });
        self.hold().insert(id.clone(), installation.clone());
        Ok(Some(installation))
    }

    /// When a workspace was connected, whether its token can be unsealed or not.
    pub(super) async fn connected_since(&self, id: &WorkspaceId) -> PortResult<Option<Timestamp>> {
        let value = self.records.get(&self.collection("workspaces"), id.as_str()).await?;
        let since = |value: serde_json::Value| serde_json::from_value(value["since"].clone()).unwrap_or_default();
        Ok(value.map(since))
    }

    /// The installation that serves a workspace: its own, or that of the one organisation that is connected as a whole.
    pub(super) async fn installation(&self, id: &WorkspaceId) -> PortResult<Option<Arc<Installation>>> {
        if self.wire.config().oauth.is_none() {
            return Ok(None);
        }
        if let Some(known) = self.known(id) {
            return Ok(Some(known));
        }
        if let Some(stored) = self.stored(id).await? {
            return Ok(Some(stored));
        }
        let mut organisations: Vec<Workspace> =
            self.installed().await?.into_iter().filter(|workspace| workspace.id.as_str().starts_with('E')).collect();
        match (organisations.pop(), organisations.is_empty()) {
            (Some(organisation), true) => self.stored(&organisation.id).await,
            _ => Ok(None),
        }
    }

    /// Every installation, without its tokens.
    pub(crate) async fn installed(&self) -> PortResult<Vec<Workspace>> {
        let records = self.records.after(&self.collection("workspaces"), None, MOST).await?;
        Ok(records.into_iter().filter_map(|record| serde_json::from_value::<Kept>(record.value).ok()).map(|kept| kept.workspace).collect())
    }

    /// Forgets an installation and its tokens.
    pub(super) async fn forget(&self, id: &WorkspaceId) -> PortResult<()> {
        self.records.remove(&self.collection("workspaces"), id.as_str()).await?;
        self.hold().remove(id);
        self.standings.clear(id);
        Ok(())
    }

    fn sealed_as(&self, id: &WorkspaceId, what: &str) -> String {
        format!("slack/{}/{id}/{what}", self.chat)
    }
}

impl Installation {
    /// The name under which its renewal is claimed: the same in every replica, and no secret.
    pub(super) fn claim(&self) -> Option<String> {
        self.refresh.as_ref().map(fingerprint)
    }
}

fn expiry(now: Timestamp, seconds: Option<u64>) -> Option<Timestamp> {
    seconds.filter(|seconds| *seconds > 0).map(|seconds| now + Duration::from_secs(seconds.min(u64::from(u32::MAX))))
}
