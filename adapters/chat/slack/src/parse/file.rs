//! Files of messages and modals, as attachments. Their bytes are fetched elsewhere.
//! <https://docs.slack.dev/reference/objects/file-object>

use super::fields::{first, list, text};
use crate::handle::FileHandle;
use bellhop_core::call::Attachment;
use serde_json::Value;
use std::collections::HashSet;

/// The files in the list at a path, each once. What was deleted or is hidden by the workspace's plan is no file any more.
pub(crate) fn attachments(value: &Value, path: &str, workspace: &str) -> Vec<Attachment> {
    let mut seen = HashSet::new();
    list(value, path).filter_map(|file| attachment(file, workspace)).filter(|file| seen.insert(file.id.clone())).collect()
}

/// One file. Of a file from another organisation the event says no more than its id.
pub(crate) fn attachment(file: &Value, workspace: &str) -> Option<Attachment> {
    let id = text(file, "/id")?;
    let mode = text(file, "/mode").unwrap_or_default();
    if matches!(mode, "tombstone" | "hidden_by_limit") {
        return None;
    }
    let url = if mode == "file_access" { None } else { first(file, &["/url_private_download", "/url_private"]) };
    let handle = FileHandle { workspace: workspace.to_owned(), file: id.to_owned(), url: url.map(str::to_owned), text: None };
    Some(Attachment {
        id: id.to_owned(),
        name: first(file, &["/name", "/title"]).unwrap_or(id).to_owned(),
        content_type: text(file, "/mimetype").unwrap_or("application/octet-stream").to_owned(),
        size: file.get("size").and_then(Value::as_u64),
        handle: handle.handle(),
    })
}

/// A message's text as a file of its own.
pub(super) fn message_text(workspace: &str, id: String, name: String, said: String) -> Attachment {
    let size = said.len() as u64;
    let handle = FileHandle { workspace: workspace.to_owned(), file: String::new(), url: None, text: Some(said) };
    Attachment { id, name, content_type: "text/plain; charset=utf-8".to_owned(), size: Some(size), handle: handle.handle() }
}
