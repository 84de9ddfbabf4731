//! Files, both ways, as streams. In a personal chat a file is offered, and put into the person's own storage once they agree; in a
//! channel it goes into the team's storage and a message leads to it. From Teams by the address that came with the message, or by
//! the connector, or by Graph.
//!
//! <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4>

mod consent;
mod drive;
mod fetch;
mod posted;
mod session;

pub(crate) use consent::{answered, resume};
pub(crate) use fetch::fetch;
pub(crate) use posted::{Posted, named};

use crate::Desk;
use crate::address::is_channel;
use crate::send;
use bellhop_core::call::Audience;
use bellhop_core::ids::MessageId;
use bellhop_core::ports::{PortResult, Post, Upload};
use bellhop_core::{Card, PortErrorKind};

/// The largest file that the storage behind Teams takes, in bytes: 250 GB.
pub(crate) const LARGEST: u64 = 250_000_000_000;

/// Brings a file into its conversation.
pub(crate) async fn upload(desk: &Desk, upload: Upload) -> PortResult<MessageId> {
    let name = file_name(&upload.name);
    if upload.size > LARGEST {
        let size = bellhop_core::text::bytes(upload.size);
        return Err(desk.error(PortErrorKind::TooLarge, "upload", format!("`{name}` is {size}, and Teams takes at most 250 GB")));
    }
    if let Some(sent) = send::find(desk, &upload.to, &upload.key).await? {
        return Ok(sent);
    }
    if is_channel(upload.to.channel.as_str()) {
        return drive::share(desk, upload, &name).await;
    }
    let known = desk.references.conversation(upload.to.channel.as_str()).await?;
    if known.is_none_or(|known| known.kind != "personal") {
        let message = format!("`{name}` can't be brought into a group chat: Teams lets a bot do that in personal chats and channels only");
        return Err(desk.error(PortErrorKind::Denied, "upload", message));
    }
    if upload.size == 0 {
        let text = format!("The file {name} is empty (0 bytes). There is nothing to be put anywhere, so this message stands for it.");
        let post =
            Post { key: upload.key, to: upload.to, card: Card::text(text), audience: Audience::Everyone, answers: None, reply: None };
        return send::deliver(desk, &post).await;
    }
    consent::offer(desk, upload, &name).await
}

/// A name that the storage takes: one line, no folders, none of the characters that it refuses.
pub(crate) fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or("file");
    let line: String = bellhop_core::text::one_line(last).chars().map(|c| if "\"*:<>?/\\|#%".contains(c) { '_' } else { c }).collect();
    let line = bellhop_core::text::shorten(line.trim().trim_end_matches('.'), 200);
    if line.is_empty() { "file".to_owned() } else { line }
}
