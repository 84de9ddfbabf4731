//! Files that come with an activity or with a message that an extension is used on.

use super::{Activity, list, text};
use crate::files::Posted;
use crate::handle::FileHandle;
use bellhop_core::address::Address;
use bellhop_core::call::Attachment;
use serde_json::Value;

/// What a file that was sent to the bot is called by its content type.
const DOWNLOAD: &str = "application/vnd.microsoft.teams.file.download.info";

/// The files of an activity that was said here.
pub(super) fn attachments(activity: &Activity<'_>, at: &Address, message: &str) -> Vec<Attachment> {
    let mut files = Vec::new();
    for (number, attached) in list(activity.value, "/attachments").enumerate() {
        let kind = text(attached, "/contentType").unwrap_or_default();
        if kind == DOWNLOAD {
            files.extend(download(attached));
        } else if kind.starts_with("image/") {
            files.extend(image(activity, number, attached, kind));
        } else if kind == "text/html" && activity.scope() != "personal" {
            files.extend(posted(attached, at, message));
        }
    }
    files
}

fn download(attached: &Value) -> Option<Attachment> {
    let url = text(attached, "/content/downloadUrl")?;
    let name = text(attached, "/name").unwrap_or("file");
    let id = text(attached, "/content/uniqueId").or(text(attached, "/contentUrl")).unwrap_or(name);
    Some(Attachment {
        id: format!("file:{id}:{}", text(attached, "/content/etag").unwrap_or_default()),
        name: name.to_owned(),
        content_type: "application/octet-stream".to_owned(),
        size: attached.pointer("/content/fileSize").and_then(Value::as_u64),
        handle: FileHandle::Open(url.to_owned()).handle(),
    })
}

/// Files that a message's page names by their ids.
fn posted(attached: &Value, at: &Address, message: &str) -> Vec<Attachment> {
    let page = text(attached, "/content").unwrap_or_default();
    let ids = page.split("<attachment id=\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(id, _)| id);
    let files = ids.filter(|id| !id.is_empty() && id.len() <= 200).map(|id| Attachment {
        id: format!("shared:{message}:{id}"),
        name: "file".to_owned(),
        content_type: "application/octet-stream".to_owned(),
        size: None,
        handle: FileHandle::Posted(Posted { at: at.clone(), message: message.to_owned(), file: id.to_owned() }).handle(),
    });
    files.collect()
}

/// A picture that stands in the message itself; the connector holds it.
fn image(activity: &Activity<'_>, at: usize, attached: &Value, kind: &str) -> Option<Attachment> {
    let url = text(attached, "/contentUrl").filter(|url| !url.starts_with("data:"))?;
    let ending = match kind {
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        _ => "png",
    };
    let name = text(attached, "/name").map_or_else(|| format!("image-{}.{ending}", at + 1), str::to_owned);
    let content_type = if kind == "image/*" { "image/png" } else { kind };
    Some(Attachment {
        id: format!("image:{}:{at}", activity.text("/id").unwrap_or_default()),
        name,
        content_type: content_type.to_owned(),
        size: None,
        handle: FileHandle::Connector(url.to_owned()).handle(),
    })
}

/// The files of a message that an extension is used on; they lie where people see them, so Graph has to fetch them.
pub(super) fn of_message(message: &Value, tenant: &str) -> Vec<Attachment> {
    let id = text(message, "/id").unwrap_or_default();
    let shared = list(message, "/attachments").filter(|attached| text(attached, "/contentType") == Some("reference"));
    let found = shared.filter_map(|attached| {
        let url = text(attached, "/contentUrl")?;
        let name = text(attached, "/name").unwrap_or("file").to_owned();
        let handle = FileHandle::Shared { url: url.to_owned(), tenant: tenant.to_owned() }.handle();
        let file = text(attached, "/id").unwrap_or(url);
        Some(Attachment { id: format!("shared:{id}:{file}"), name, content_type: "application/octet-stream".into(), size: None, handle })
    });
    found.collect()
}
