//! Files of messages, options and forms, as attachments. Their bytes are fetched elsewhere.
//! <https://docs.discord.com/developers/resources/message#attachment-object>

use super::{field, id, list};
use crate::handle::FileHandle;
use bellhop_core::call::Attachment;
use serde_json::Value;

/// The files in the list at a path of a message in a channel.
pub(crate) fn attachments(message: &Value, path: &str, within: Option<(&str, &str)>) -> Vec<Attachment> {
    list(message, path).filter_map(|file| attachment(file, within)).collect()
}

/// One file, in the channel and message that it is in, where it is in one.
pub(crate) fn attachment(file: &Value, within: Option<(&str, &str)>) -> Option<Attachment> {
    let id = id(file, "/id")?;
    let message = within.map(|(channel, message)| (channel.to_owned(), message.to_owned()));
    let url = field(file, "/url").or_else(|| field(file, "/proxy_url")).unwrap_or_default().to_owned();
    let handle = FileHandle { id: id.clone(), url, message, text: None };
    let name = field(file, "/filename").unwrap_or(&id).to_owned();
    Some(Attachment {
        // A voice message or a picture pasted may have the title that its sender gave it.
        name: field(file, "/title").filter(|_| !name.contains('.')).map_or(name, str::to_owned),
        content_type: field(file, "/content_type").unwrap_or("application/octet-stream").to_owned(),
        size: file.get("size").and_then(Value::as_u64),
        handle: handle.handle(),
        id,
    })
}

/// A message's text as a file of its own.
pub(crate) fn message_text(id: String, name: String, said: String) -> Attachment {
    let size = said.len() as u64;
    let handle = FileHandle { id: id.clone(), text: Some(said), ..FileHandle::default() };
    Attachment { id, name, content_type: "text/plain; charset=utf-8".to_owned(), size: Some(size), handle: handle.handle() }
}
