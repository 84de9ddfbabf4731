//! Changing and removing what was sent, as far as the way it was sent allows.

use super::{answers, keep_clicks, with_files};
use crate::Desk;
use crate::address::{MessageRef, target};
use crate::handle::ReplyTo;
use crate::parse;
use crate::render;
use crate::wire::{Route, WireResult};
use bellhop_core::address::Address;
use bellhop_core::ids::MessageId;
use bellhop_core::ports::{PortResult, Post};
use bellhop_core::{PortError, PortErrorKind};
use serde_json::{Value, json};

const CHANGE: Route = Route::patch("/channels/{}/messages/{}", "revise");
const REMOVE: Route = Route::delete("/channels/{}/messages/{}", "retract");
const CHANGE_ANSWER: Route = Route::patch("/webhooks/{}/{}/messages/{}", "revise");
const REMOVE_ANSWER: Route = Route::delete("/webhooks/{}/{}/messages/{}", "retract");
const OPEN: Route = Route::patch("/channels/{}", "revise");

/// What Discord says of a message that isn't there any more.
const GONE: [i64; 6] = [10003, 10008, 10015, 10062, 50027, 40001];
/// The message is someone else's.
const OTHERS: [i64; 1] = [50005];
/// The thread is closed.
const CLOSED: [i64; 1] = [50083];

/// Changes a message.
pub(crate) async fn revise(desk: &Desk, message: &MessageId, post: &Post) -> PortResult<()> {
    let new = render::message(&post.card, &post.to);
    keep_clicks(desk, &new.kept).await?;
    let body = || with_files(new.change(), &new);
    let changed: WireResult<Value> = match MessageRef::parse(message) {
        None => return Err(gone(desk, message, "there is no message of that id")),
        Some(MessageRef::Channel { channel, id }) => {
            let channel = channel.unwrap_or_else(|| target(&post.to).to_owned());
            let changed = desk.api.exchange(CHANGE, &[&channel, &id], &[], body()).await;
            if matches!(&changed, Err(failure) if failure.is(&CLOSED)) {
                desk.api.call::<Value>(OPEN, &[&channel], json!({ "archived": false })).await?;
                desk.api.exchange(CHANGE, &[&channel, &id], &[], body()).await
            } else if let Err(failure) = &changed
                && failure.is(&OTHERS)
                && let Some(by) = ReplyTo::of(post.reply.as_ref()).interaction.filter(|by| by.fresh(desk.ports.clock.now()))
            {
                // What an interaction's token has said is the interaction's, too.
                desk.api.exchange(CHANGE_ANSWER, &[&by.application, &by.token, &id], &[], body()).await
            } else {
                changed
            }
        }
        Some(MessageRef::Answer { interaction, id }) => {
            let Some(by) = answers::open(desk, &interaction).await? else {
                return Err(gone(desk, message, "its time of fifteen minutes is over"));
            };
            desk.api.exchange(CHANGE_ANSWER, &[&by.application, &by.token, &id], &[], body()).await
        }
    };
    match changed {
        Err(failure) if failure.is(&GONE) || failure.error.kind == PortErrorKind::NotFound => {
            Err(gone(desk, message, &failure.error.message))
        }
        other => Ok(other.map(|_| ())?),
    }
}

fn gone(desk: &Desk, message: &MessageId, why: &str) -> PortError {
    desk.error(PortErrorKind::NotFound, "revise", format!("the message {message} can't be changed: {why}"))
}

/// Removes a message.
pub(crate) async fn retract(desk: &Desk, at: &Address, message: &MessageId) -> PortResult<()> {
    let removed: WireResult<Value> = match MessageRef::parse(message) {
        None => return Ok(()),
        Some(MessageRef::Channel { channel, id }) => {
            let channel = channel.unwrap_or_else(|| target(at).to_owned());
            desk.api.get(REMOVE, &[&channel, &id], &[]).await
        }
        Some(MessageRef::Answer { interaction, id }) => match answers::open(desk, &interaction).await? {
            Some(by) => desk.api.get(REMOVE_ANSWER, &[&by.application, &by.token, &id], &[]).await,
            // Nothing removes it any more; one person sees it, until they load the page anew.
            None => return Ok(()),
        },
    };
    match removed {
        Err(failure) if failure.is(&GONE) || failure.error.kind == PortErrorKind::NotFound => Ok(()),
        other => Ok(other.map(|_| ())?),
    }
}

/// The address under which people see a message.
pub(crate) fn permalink(at: &Address, message: &MessageId) -> Option<String> {
    match MessageRef::parse(message)? {
        MessageRef::Channel { channel, id } => {
            let channel = channel.unwrap_or_else(|| target(at).to_owned());
            Some(parse::message_link(at.workspace.as_str(), &channel, &id))
        }
        MessageRef::Answer { .. } => None,
    }
}
