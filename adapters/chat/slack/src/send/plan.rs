//! Messages that Slack itself posts later, and the addresses under which people see messages.

use super::{Sending, Through};
use crate::Desk;
use crate::address::MessageRef;
use crate::files;
use crate::send::change::conversation;
use crate::wire::Method;
use bellhop_core::PortErrorKind;
use bellhop_core::address::Address;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::MessageId;
use bellhop_core::ports::{PortResult, Post};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::json;

const SCHEDULE: Method = Method { name: "chat.scheduleMessage", operation: "post_later", per_minute: 50, safe: false };
const PERMALINK: Method = Method { name: "chat.getPermalink", operation: "permalink", per_minute: 0, safe: true };

/// How far ahead Slack plans (<https://docs.slack.dev/reference/methods/chat.scheduleMessage>).
const FARTHEST: TimeDelta = TimeDelta::days(120);

/// Has Slack post a card later.
pub(crate) async fn post_later(desk: &Desk, post: &Post, at: Timestamp) -> PortResult<MessageId> {
    let wrong = |why: &str| desk.error(PortErrorKind::Invalid, "post_later", format!("{} UTC {why}", at.format("%Y-%m-%d %H:%M")));
    let ahead = at - desk.ports.clock.now();
    if ahead <= TimeDelta::zero() {
        return Err(wrong("is over already; give a time to come"));
    }
    if ahead > FARTHEST {
        return Err(wrong("is too far ahead; Slack plans at most 120 days"));
    }
    let sending = Sending::new(desk, post);
    // No metadata: Slack never posts a planned message that has any.
    let args = json!({
        "channel": post.to.channel,
        "thread_ts": post.to.thread,
        "post_at": at.timestamp(),
        "unfurl_links": false,
        "unfurl_media": false,
    });
    let mut planned = sending.show(&Through::Method(SCHEDULE), &args, None).await;
    if let Err(failure) = &planned
        && failure.is(&super::ways::NOT_A_MEMBER)
        && desk.try_enter(&post.to.workspace, post.to.channel.as_str()).await?
    {
        planned = sending.show(&Through::Method(SCHEDULE), &args, None).await;
    }
    match planned {
        Ok(planned) => Ok(MessageRef::Scheduled(planned.scheduled_message_id.unwrap_or_default()).id()),
        Err(failure) if failure.is(&["time_in_past"]) => Err(wrong("is over already, as Slack's clock goes; give a later time")),
        Err(failure) if failure.is(&["time_too_far"]) => Err(wrong("is too far ahead; Slack plans at most 120 days")),
        Err(failure) if failure.is(&["restricted_too_many"]) => Err(desk.error(
            PortErrorKind::RateLimited,
            "post_later",
            "Slack plans at most 30 messages of a channel within five minutes; choose another time",
        )),
        Err(failure) => Err(failure.error),
    }
}

/// The address of a message, where it has one.
pub(crate) async fn permalink(desk: &Desk, at: &Address, message: &MessageId) -> PortResult<Option<String>> {
    #[derive(Deserialize)]
    struct Answer {
        permalink: String,
    }
    match MessageRef::parse(message) {
        MessageRef::Channel { channel, ts } => {
            let channel = conversation(desk, &at.workspace, channel.as_deref().unwrap_or(at.channel.as_str())).await?;
            let asked = desk.api.call::<Answer>(&at.workspace, PERMALINK, &json!({ "channel": channel, "message_ts": ts })).await;
            match asked {
                Ok(answer) => Ok(Some(answer.permalink)),
                Err(failure) if failure.is(&["message_not_found", "channel_not_found"]) => Ok(None),
                Err(failure) => Err(failure.error),
            }
        }
        MessageRef::File(file) => files::permalink(desk, &at.workspace, &file).await,
        MessageRef::Response { .. } | MessageRef::Ephemeral(_) | MessageRef::View(_) | MessageRef::Scheduled(_) => Ok(None),
    }
}
