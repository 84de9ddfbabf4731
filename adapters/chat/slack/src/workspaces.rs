//! The workspaces that are connected, and the token of each: the one of the configuration, or those that were connected by
//! OAuth. Who may connect is decided in `listen::install`.

mod installation;
mod rotation;
mod standing;

pub(crate) use installation::Granted;
pub(crate) use rotation::ACCESS;

use crate::wire::{Failure, Method, Wire, WireResult};
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ids::{ChatName, WorkspaceId};
use bellhop_core::ports::{PortResult, Records, Seal};
use bellhop_core::{PortError, PortErrorKind};
use installation::Installation;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use standing::Standings;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

const AUTH_TEST: Method = Method { name: "auth.test", operation: "sign in", per_minute: 600, safe: true };

/// A workspace as its token knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// `T...`, or `E...` where a whole organisation is connected.
    pub id: WorkspaceId,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its address, `https://work.slack.com/`.
    #[serde(default)]
    pub url: String,
    /// The bot's own person there, `U...`
    #[serde(default)]
    pub bot_user: String,
    /// The bot itself, `B...`, where Slack says.
    #[serde(default)]
    pub bot_id: Option<String>,
    /// What the token may do.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// The one workspace that there is: read like a [`Workspace`].
#[cfg(test)]
#[derive(Debug)]
pub struct Only(Arc<Workspace>);

#[cfg(test)]
impl std::ops::Deref for Only {
    type Target = Workspace;

    fn deref(&self) -> &Workspace {
        &self.0
    }
}

/// The connected workspaces.
pub struct Workspaces {
    pub(crate) chat: ChatName,
    pub(crate) wire: Wire,
    pub(crate) records: Arc<dyn Records>,
    pub(crate) seal: Arc<dyn Seal>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The workspace of the configured token.
    configured: OnceCell<Arc<Workspace>>,
    /// Installations with their tokens open, as they were read last.
    open: Mutex<HashMap<WorkspaceId, Arc<Installation>>>,
    standings: Standings,
    rotation: rotation::Turns,
}

#[derive(Deserialize)]
struct Tested {
    team_id: String,
    #[serde(default)]
    team: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    bot_id: Option<String>,
}

impl Workspaces {
    /// The workspaces of one connection. Nothing is asked yet.
    #[must_use]
    pub fn new(chat: ChatName, wire: Wire, records: Arc<dyn Records>, seal: Arc<dyn Seal>, clock: Arc<dyn Clock>) -> Self {
        Self {
            chat,
            wire,
            records,
            seal,
            clock,
            configured: OnceCell::new(),
            open: Mutex::default(),
            standings: Standings::default(),
            rotation: rotation::Turns::default(),
        }
    }

    /// The token that calls for a workspace are made with, renewed where it rotates.
    ///
    /// # Errors
    /// `Unauthenticated` where the workspace isn't connected, or Slack has refused its token for good.
    pub async fn token(&self, workspace: &WorkspaceId) -> PortResult<SecretString> {
        if let Some(token) = self.configured_for(workspace) {
            self.standing(workspace, &token).await?;
            return Ok(token);
        }
        match self.installation(workspace).await? {
            Some(installation) => {
                let id = installation.workspace.id.clone();
                self.standing(&id, &installation.token).await?;
                // Its standing may have been mended by a newer installation.
                let installation = self.known(&id).unwrap_or(installation);
                Ok(self.fresh(installation).await?.token.clone())
            }
            None => match &self.wire.config().bot_token {
                Some(token) => {
                    self.standing(workspace, token).await?;
                    Ok(token.clone())
                }
                None => Err(self.not_connected(&format!("the workspace {workspace} isn't connected"))),
            },
        }
    }

    /// The workspace of the configured token; with OAuth, the only one that is connected.
    ///
    /// # Errors
    /// `Unauthenticated` where none is connected, `Invalid` where there are several and one has to be named.
    #[cfg(test)]
    pub async fn only(&self) -> PortResult<Only> {
        if self.wire.config().bot_token.is_some() {
            return Ok(Only(self.configured().await?.clone()));
        }
        let mut all = self.all().await?;
        match (all.pop(), all.is_empty()) {
            (Some(only), true) => Ok(Only(Arc::new(only))),
            (None, _) => Err(self.not_connected("no workspace is connected")),
            (Some(_), false) => {
                Err(self.error(PortErrorKind::Invalid, "more than one workspace is connected: say which, as in NAME:T0123/#channel"))
            }
        }
    }

    /// Every connected workspace.
    pub async fn all(&self) -> PortResult<Vec<Workspace>> {
        let mut all = Vec::new();
        if self.wire.config().bot_token.is_some() {
            all.push(self.configured().await?.as_ref().clone());
        }
        if self.wire.config().oauth.is_some() {
            let installed = self.installed().await?;
            all.extend(installed.into_iter().filter(|workspace| !all.iter().any(|known| known.id == workspace.id)).collect::<Vec<_>>());
        }
        Ok(all)
    }

    /// One workspace by its id, as far as it is known.
    pub async fn get(&self, id: &WorkspaceId) -> PortResult<Option<Workspace>> {
        if self.wire.config().oauth.is_some()
            && let Some(installation) = self.installation(id).await?
        {
            return Ok(Some(installation.workspace.clone()));
        }
        if self.wire.config().bot_token.is_some() {
            let configured = self.configured().await?;
            return Ok((configured.id == *id).then(|| configured.as_ref().clone()));
        }
        Ok(None)
    }

    /// Notes that Slack refused the token of a workspace. For codes that no repetition mends, calls for it are refused here
    /// from now on, until it is connected anew or a later look finds the token good again.
    pub fn refused(&self, workspace: &WorkspaceId, failure: &Failure) {
        let known = self.known(workspace);
        if let Some(installation) = &known
            && failure.is(&["token_expired"])
            && installation.refresh.is_some()
        {
            // It is renewed with the next call.
            self.hold().remove(workspace);
            self.rotation.expired(workspace, &installation.token);
            return;
        }
        if let Some(code) = failure.code.as_deref().filter(|code| standing::FINAL.contains(code)) {
            let token = known.map(|known| known.token.clone()).or_else(|| self.wire.config().bot_token.clone());
            let first = self.standings.refuse(workspace, code, token.as_ref(), self.clock.now());
            if first {
                tracing::error!(chat = %self.chat, %workspace, code, "Slack refuses the token of a workspace; nothing is sent there until it is connected anew");
            }
        }
    }

    /// An installation is over: Slack said so at `when`. An event that is older than the installation itself changes nothing,
    /// since events come in any order.
    pub(crate) async fn end(&self, workspace: &WorkspaceId, when: Timestamp) -> PortResult<()> {
        if self.wire.config().oauth.is_some()
            && let Some(since) = self.connected_since(workspace).await?
        {
            if since > when {
                return Ok(());
            }
            self.forget(workspace).await?;
            tracing::warn!(chat = %self.chat, %workspace, "a workspace is no longer connected: the app was removed there or its token revoked");
            return Ok(());
        }
        if self.configured_for(workspace).is_some()
            && let Some(token) = &self.wire.config().bot_token
        {
            // Whether it is really over, the next call's look shows.
            self.standings.suspect(workspace, token, when);
        }
        Ok(())
    }

    /// What Slack says now about a token, with the scopes that it has. What is learnt of the configured token is kept.
    pub(crate) async fn test(&self, token: &SecretString) -> WireResult<Workspace> {
        let (tested, scopes): (Tested, _) = self.wire.call(Some(token), AUTH_TEST, &json!({})).await?;
        Ok(Workspace {
            id: WorkspaceId::new(tested.team_id),
            name: tested.team.unwrap_or_default(),
            url: tested.url.unwrap_or_default(),
            bot_user: tested.user_id.unwrap_or_default(),
            bot_id: tested.bot_id,
            scopes: scope_list(scopes.as_deref().unwrap_or_default()),
        })
    }

    /// The workspace of the configured token: asked for once, and kept, so that a restart knows it without asking.
    async fn configured(&self) -> PortResult<&Arc<Workspace>> {
        self.configured
            .get_or_try_init(|| async {
                let Some(token) = &self.wire.config().bot_token else { return Err(self.not_connected("no `bot_token` is configured")) };
                let (collection, key) = (self.collection("signed-in"), fingerprint(token));
                if let Some(kept) = self.records.get(&collection, &key).await?
                    && let Ok(workspace) = serde_json::from_value::<Workspace>(kept)
                {
                    return Ok(Arc::new(workspace));
                }
                let workspace = self.test(token).await?;
                self.keep_signed_in(token, &workspace).await?;
                Ok(Arc::new(workspace))
            })
            .await
    }

    /// Keeps what the configured token was found to be.
    pub(crate) async fn keep_signed_in(&self, token: &SecretString, workspace: &Workspace) -> PortResult<()> {
        // A workspace is plain data: it always serialises.
        let value = serde_json::to_value(workspace).unwrap_or_default();
        self.records.put(&self.collection("signed-in"), &fingerprint(token), &value).await
    }

    /// The configured token, where it is known without asking that it is this workspace's.
    fn configured_for(&self, workspace: &WorkspaceId) -> Option<SecretString> {
        let config = self.wire.config();
        let token = config.bot_token.as_ref()?;
        let its_own = self.configured.get().is_some_and(|configured| configured.id == *workspace);
        (its_own || config.oauth.is_none()).then(|| token.clone())
    }

    fn collection(&self, what: &str) -> String {
        format!("slack/{}/{what}", self.chat)
    }

    fn hold(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Arc<Installation>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, workspace: &WorkspaceId) -> Option<Arc<Installation>> {
        self.hold().get(workspace).cloned()
    }

    fn error(&self, kind: PortErrorKind, message: impl Into<String>) -> PortError {
        PortError::new(kind, self.wire.service(), "sign in", message)
    }

    fn not_connected(&self, what: &str) -> PortError {
        let how = if self.wire.config().oauth.is_some() {
            format!("open /chat/{}/install on the bot's own address and connect it", self.chat)
        } else {
            "put the `bot_token` of the workspace into the configuration".into()
        };
        self.error(PortErrorKind::Unauthenticated, format!("{what}; {how}"))
    }
}

/// Scopes as Slack lists them.
fn scope_list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

/// What stands for a token where the token itself must not be.
fn fingerprint(token: &SecretString) -> String {
    hex::encode(&Sha256::digest(token.expose_secret().as_bytes())[..16])
}

#[cfg(test)]
#[path = "workspaces_tests.rs"]
mod tests;
