//! The Web API as the rest of the adapter calls it: with the token of a workspace, and within Slack's allowances.

use crate::wire::{Method, Wire, WireResult};
use crate::workspaces::Workspaces;
use bellhop_core::ids::WorkspaceId;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

/// The Web API.
pub struct Api {
    wire: Wire,
    workspaces: Arc<Workspaces>,
}

impl Api {
    /// The Web API over this wire.
    #[must_use]
    pub fn new(wire: Wire, workspaces: Arc<Workspaces>) -> Self {
        Self { wire, workspaces }
    }

    /// The wire, for what is not a method.
    #[must_use]
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Posts to a response address.
    pub async fn respond(&self, workspace: &WorkspaceId, url: &str, body: &Value) -> WireResult<()> {
        let _ = workspace;
        if !self.wire.config().is_slacks(url) {
            return Err(crate::config::foreign(self.wire.service(), "tell").into());
        }
        self.wire.client().post("tell", "response_url", url).json(body).send().await?;
        Ok(())
    }

    /// Calls a method for a workspace.
    pub async fn call<T: DeserializeOwned>(&self, workspace: &WorkspaceId, method: Method, args: &Value) -> WireResult<T> {
        let token = self.workspaces.token(workspace).await?;
        let called = self.wire.call(Some(&token), method, args).await;
        if let Err(failure) = &called {
            self.workspaces.refused(workspace, failure);
        }
        called.map(|(answer, _)| answer)
    }
}
