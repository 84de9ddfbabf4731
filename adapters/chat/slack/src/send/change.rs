//! Changing and removing what was sent, as far as the way it was sent allows.

use super::response::Use;
use super::ways::settle;
use super::{Posted, Sending, Through};
use crate::Desk;
use crate::address::{MessageRef, is_person};
use crate::files;
use crate::wire::{Method, WireResult};
use bellhop_core::address::Address;
use bellhop_core::ids::{MessageId, WorkspaceId};
use bellhop_core::ports::{PortResult, Post};
use bellhop_core::{PortError, PortErrorKind};
use serde_json::{Value, json};

const UPDATE: Method = Method { name: "chat.update", operation: "revise", per_minute: 50, safe: true };
const DELETE: Method = Method { name: "chat.delete", operation: "retract", per_minute: 50, safe: true };
const UNPLAN: Method = Method { name: "chat.deleteScheduledMessage", operation: "retract", per_minute: 50, safe: true };

/// What Slack says of a message that can't be changed any more: the outbox then says it anew.
const GONE: [&str; 5] = ["message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found", "is_inactive"];

/// Changes a message.
pub(crate) async fn revise(desk: &Desk, message: &MessageId, post: &Post) -> PortResult<()> {
    let sending = Sending::new(desk, post);
    match MessageRef::parse(message) {
        MessageRef::Channel { channel, ts } => {
            let channel = conversation(desk, &post.to.workspace, channel.as_deref().unwrap_or(post.to.channel.as_str())).await?;
            // Without `metadata` what the message has stays, and with it the key it is found by.
            let args = json!({ "channel": channel, "ts": ts });
            let updated: WireResult<Posted> = sending.show(&Through::Method(UPDATE), &args, None).await;
            match updated {
                Err(failure) if failure.is(&GONE) => Err(gone(desk, message, &failure.error.message)),
                other => Ok(other.map(|_| ())?),
            }
        }
        MessageRef::Response { key, replaced: true } => {
            // What only says how far a thing is leaves the last use to the answer itself.
            let spare = u32::from(sending.is_progress());
            match desk.responses.again(&key, spare).await? {
                Some(used) => again(&sending, &used, message).await,
                None if sending.is_progress() => Ok(()),
                None => Err(gone(desk, message, "its response address has expired or is used up")),
            }
        }
        // Nothing changes these. A word on how far a thing is would come as one new message after the other: it is left out.
        MessageRef::Response { .. } | MessageRef::Ephemeral(_) if sending.is_progress() => Ok(()),
        MessageRef::Response { .. } | MessageRef::Ephemeral(_) | MessageRef::View(_) | MessageRef::File(_) | MessageRef::Scheduled(_) => {
            Err(gone(desk, message, "Slack changes no message of this kind"))
        }
    }
}

async fn again(sending: &Sending<'_>, used: &Use, message: &MessageId) -> PortResult<()> {
    match sending.respond(used, json!({ "response_type": "ephemeral", "replace_original": true })).await? {
        true => Ok(()),
        false if sending.is_progress() => Ok(()),
        false => Err(gone(sending.desk, message, "its response address has expired")),
    }
}

fn gone(desk: &Desk, message: &MessageId, why: &str) -> PortError {
    desk.error(PortErrorKind::NotFound, "revise", format!("the message {message} can't be changed: {why}"))
}

/// Removes a message.
pub(crate) async fn retract(desk: &Desk, at: &Address, message: &MessageId) -> PortResult<()> {
    let workspace = &at.workspace;
    let removed: WireResult<()> = match MessageRef::parse(message) {
        MessageRef::Channel { channel, ts } => {
            let channel = conversation(desk, workspace, channel.as_deref().unwrap_or(at.channel.as_str())).await?;
            super::look::forget(desk, at).await;
            desk.api.call::<Value>(workspace, DELETE, &json!({ "channel": channel, "ts": ts })).await.map(|_| ())
        }
        MessageRef::Response { key, replaced: true } => {
            let Some(used) = desk.responses.again(&key, 0).await? else { return Ok(()) };
            let removed = desk.api.respond(workspace, &used.url, &json!({ "delete_original": true })).await;
            settle(desk, &used, removed).await.map(|_| ())
        }
        MessageRef::File(file) => files::delete(desk, workspace, &file).await,
        MessageRef::Scheduled(plan) => {
            let args = json!({ "channel": at.channel, "scheduled_message_id": plan });
            desk.api.call::<Value>(workspace, UNPLAN, &args).await.map(|_| ())
        }
        // One person sees it, until they load the page anew; no method takes it away.
        MessageRef::Ephemeral(_) | MessageRef::Response { .. } | MessageRef::View(_) => Ok(()),
    };
    match removed {
        Err(failure)
            if failure.is(&[
                "message_not_found",
                "channel_not_found",
                "file_not_found",
                "file_deleted",
                "invalid_scheduled_message_id",
            ]) =>
        {
            Ok(())
        }
        other => Ok(other?),
    }
}

/// The conversation behind a person's id: posting takes either, everything else only the conversation.
pub(crate) async fn conversation(desk: &Desk, workspace: &WorkspaceId, channel: &str) -> PortResult<String> {
    if is_person(channel) { Ok(desk.directory.direct(workspace, channel).await?) } else { Ok(channel.to_owned()) }
}
