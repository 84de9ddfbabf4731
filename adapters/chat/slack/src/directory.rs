//! Names of people, asked for: the least of it that interactions need.

use crate::api::Api;
use crate::wire::Method;
use bellhop_core::ids::WorkspaceId;
use serde_json::{Value, json};
use std::sync::Arc;

const PERSON: Method = Method { name: "users.info", operation: "find a person", per_minute: 100, safe: true };

/// A person.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) zone: Option<chrono_tz::Tz>,
}

/// The people of a workspace.
pub(crate) struct Directory {
    api: Arc<Api>,
}

#[expect(clippy::unused_async, clippy::unused_self, reason = "names are remembered for a while")]
impl Directory {
    pub(crate) fn new(api: Arc<Api>) -> Self {
        Self { api }
    }

    pub(crate) async fn user(&self, workspace: &WorkspaceId, id: &str) -> Option<Arc<Person>> {
        let answer: Value = self.api.call(workspace, PERSON, &json!({ "user": id })).await.ok()?;
        let text = |path| answer.pointer(path).and_then(Value::as_str);
        let name = text("/user/profile/display_name")?.to_owned();
        Some(Arc::new(Person { name, zone: text("/user/tz").and_then(|zone| zone.parse().ok()) }))
    }

    pub(crate) async fn forget(&self, _workspace: &WorkspaceId) {}

    pub(crate) async fn forget_channels(&self, _workspace: &WorkspaceId) {}
}
