//! Files that people share in channels and group chats: the activity names them by an id alone, and Graph knows the rest.
//!
//! <https://learn.microsoft.com/graph/api/chatmessage-get>

use crate::Desk;
use crate::address::is_channel;
use crate::channels::team_of;
use crate::graph::{Ask, Op};
use crate::handle::FileHandle;
use bellhop_core::PortErrorKind;
use bellhop_core::address::Address;
use bellhop_core::call::Attachment;
use bellhop_core::ports::{Incoming, PortResult};
use bellhop_http::Method;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const IN_CHANNEL: Op = Op {
    operation: "fetch",
    route: "/teams/{id}/channels/{id}/messages/{id}",
    needs: &["ChannelMessage.Read.Group", "ChannelMessage.Read.All"],
    safe: true,
};
const IN_CHAT: Op =
    Op { operation: "fetch", route: "/chats/{id}/messages/{id}", needs: &["ChatMessage.Read.Chat", "Chat.Read.All"], safe: true };
/// How long names are waited for before a command is accepted without them.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where a shared file is named.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Posted {
    /// The conversation.
    pub at: Address,
    /// The message.
    pub message: String,
    /// The file's id in it.
    pub file: String,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    attachments: Vec<Told>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    #[serde(default)]
    id: String,
    content_type: Option<String>,
    content_url: Option<String>,
    name: Option<String>,
}

/// Gives the files of what was said their names, as far as they are known in time. What isn't known now is asked again when the
/// file is fetched, and then said.
pub(crate) async fn named(desk: &Desk, incoming: &mut Incoming) {
    let first = incoming.attachments.iter().find_map(|attachment| match FileHandle::of(&attachment.handle) {
        Some(FileHandle::Posted(posted)) => Some(posted),
        _ => None,
    });
    let Some(posted) = first else { return };
    match tokio::time::timeout(PATIENCE, files(desk, &posted)).await {
        Ok(Ok(files)) => {
            incoming.attachments.retain(|attachment| !matches!(FileHandle::of(&attachment.handle), Some(FileHandle::Posted(_))));
            incoming.attachments.extend(files);
        }
        Ok(Err(error)) => tracing::info!(chat = %desk.name, %error, "the files of a message can't be looked up"),
        Err(_) => tracing::info!(chat = %desk.name, "the files of a message were not looked up in time"),
    }
}

/// The file itself.
pub(super) async fn file(desk: &Desk, posted: &Posted) -> PortResult<Attachment> {
    let found = files(desk, posted).await?.into_iter().find(|file| file.id.ends_with(&format!(":{}", posted.file)));
    found.ok_or_else(|| desk.error(PortErrorKind::NotFound, "fetch", "the message no longer has this file"))
}

/// The files of a message.
async fn files(desk: &Desk, posted: &Posted) -> PortResult<Vec<Attachment>> {
    let Posted { at, message, .. } = posted;
    let tenant = at.workspace.as_str();
    let told: Message = if is_channel(at.channel.as_str()) {
        let team = team_of(desk, at, "fetch").await?;
        let mut path = vec!["teams", team.group.as_str(), "channels", at.channel.as_str(), "messages"];
        match &at.thread {
            Some(thread) if thread.as_str() != message => path.extend([thread.as_str(), "replies", message.as_str()]),
            _ => path.push(message),
        }
        desk.graph.ask(&Ask::new(Method::GET, IN_CHANNEL, tenant, &path)).await?
    } else {
        let path = ["chats", at.channel.as_str(), "messages", message.as_str()];
        desk.graph.ask(&Ask::new(Method::GET, IN_CHAT, tenant, &path)).await?
    };
    let shared = told.attachments.into_iter().filter(|told| told.content_type.as_deref() == Some("reference"));
    let files = shared.filter_map(|told| {
        let url = told.content_url?;
        Some(Attachment {
            id: format!("shared:{message}:{}", told.id),
            name: told.name.unwrap_or_else(|| "file".to_owned()),
            content_type: "application/octet-stream".to_owned(),
            size: None,
            handle: FileHandle::Shared { url, tenant: tenant.to_owned() }.handle(),
        })
    });
    Ok(files.collect())
}
