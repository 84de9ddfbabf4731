//! Sending: a card becomes a message, by the way that reaches whom it is for. `ways` chooses it, `change` changes and removes
//! what was sent, `look` finds out whether something was sent, `response` counts the uses of response addresses, `plan` has
//! Slack itself post later. What a card looks like is decided in `render`.

mod change;
mod look;
mod plan;
mod response;
#[cfg(test)]
mod tests;
mod ways;

pub(crate) use change::{conversation, retract, revise};
pub(crate) use look::{Pages, find};
pub(crate) use plan::{permalink, post_later};
pub(crate) use response::Responses;
pub(crate) use ways::{NOT_A_MEMBER, deliver};

use crate::click::{Kept, ViewMeta, collection};
use crate::render::{self, Message};
use crate::wire::{Method, WireResult};
use crate::{Desk, handle::ReplyTo};
use bellhop_core::card::{Block, Card};
use bellhop_core::ids::DeliveryKey;
use bellhop_core::ports::{PortResult, Post};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU8, Ordering};

/// The metadata's type by which our own messages are known (<https://docs.slack.dev/messaging/message-metadata/>).
pub(crate) const EVENT: &str = "bellhop_delivery";

/// What Slack says of blocks that it doesn't take.
const BAD_BLOCKS: [&str; 5] = ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "block_mismatch", "invalid_attachments"];

/// The longest text that `chat.update` takes; posting takes more.
const UPDATE_TEXT: usize = 4000;

/// Keeps what buttons refer to, before the message with them is sent.
pub(crate) async fn post_clicks(desk: &Desk, kept: &[Kept]) -> PortResult<()> {
    let collection = collection(desk.name.as_str());
    for one in kept {
        // Plain data always serialises.
        let click = serde_json::to_value(&one.click).unwrap_or_default();
        desk.ports.records.put(&collection, &one.key, &click).await?;
    }
    Ok(())
}

/// How a message goes out.
enum Through<'a> {
    /// By a method, with the bot's token.
    Method(Method),
    /// By a response address.
    Response(&'a str),
}

/// How much of a card is attempted. Each is taken by Slack where the one before it is not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Whole,
    Plainer,
    Words,
}

/// One card on its way.
struct Sending<'a> {
    desk: &'a Desk,
    post: &'a Post,
    reply: ReplyTo,
    /// What Slack has refused so far stays refused, whichever way is tried next.
    look: AtomicU8,
}

#[derive(Deserialize)]
struct Posted {
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    ts: Option<String>,
    #[serde(default)]
    message_ts: Option<String>,
    #[serde(default)]
    scheduled_message_id: Option<String>,
}

impl<'a> Sending<'a> {
    fn new(desk: &'a Desk, post: &'a Post) -> Self {
        Self { desk, post, reply: ReplyTo::of(post.reply.as_ref()), look: AtomicU8::new(0) }
    }

    /// Sends the card with these further arguments. Blocks that Slack refuses are replaced by plainer ones, and at last by
    /// words alone: what was to be said is said. `note` stands before everything, as mrkdwn.
    async fn show(&self, through: &Through<'_>, args: &Value, note: Option<&str>) -> WireResult<Posted> {
        loop {
            let look = match self.look.load(Ordering::Relaxed) {
                0 => Look::Whole,
                1 => Look::Plainer,
                _ => Look::Words,
            };
            let mut body = args.clone();
            let message = self.drawn(look, note);
            post_clicks(self.desk, &message.kept).await?;
            body["text"] = json!(message.text);
            if let Through::Method(method) = through
                && method.name == "chat.update"
            {
                body["text"] = json!(bellhop_core::text::shorten(&message.text, UPDATE_TEXT));
            }
            if !message.blocks.is_empty() {
                body["blocks"] = json!(message.blocks);
            }
            let sent = match through {
                Through::Method(method) => self.desk.api.call::<Posted>(&self.post.to.workspace, *method, &body).await,
                Through::Response(url) => {
                    let posted = self.desk.api.respond(&self.post.to.workspace, url, &body).await;
                    posted.map(|()| Posted { channel: None, ts: None, message_ts: None, scheduled_message_id: None })
                }
            };
            match sent {
                Err(failure) if look != Look::Words && failure.is(&BAD_BLOCKS) => {
                    tracing::warn!(error = %failure.error, key = %self.post.key, "Slack refused a card's blocks; it is shown plainer");
                    metrics::counter!("bellhop_slack_blocks_refused_total").increment(1);
                    self.look.store(if look == Look::Whole { 1 } else { 2 }, Ordering::Relaxed);
                }
                other => return other,
            }
        }
    }

    fn drawn(&self, look: Look, note: Option<&str>) -> Message {
        let (card, at) = (&self.post.card, &self.post.to);
        let mut message = match look {
            Look::Whole => render::message(card, at),
            Look::Plainer => render::plainer(card, at),
            Look::Words => Message { blocks: Vec::new(), ..render::plainer(card, at) },
        };
        if let Some(note) = note {
            message.text = format!("{note}\n{}", message.text);
            if look != Look::Words {
                message.blocks.insert(0, json!({ "type": "section", "text": { "type": "mrkdwn", "text": note } }));
            }
        }
        message
    }

    /// Whether the card only says that something is under way: the next one says more.
    fn is_progress(&self) -> bool {
        is_progress(&self.post.card)
    }

    /// What a view of ours carries, so that its answer finds back here.
    fn view_meta(&self, command: &str) -> ViewMeta {
        let to = &self.post.to;
        ViewMeta {
            command: command.to_owned(),
            channel: to.channel.to_string(),
            thread: to.thread.as_ref().map(ToString::to_string),
            response_url: self.reply.response_url.clone().zip(self.reply.received.map(|received| received.timestamp())),
        }
    }
}

/// A card with a bar, or with nothing but a title that ends in `…`.
fn is_progress(card: &Card) -> bool {
    card.blocks.iter().any(|block| matches!(block, Block::Progress(_))) || (card.blocks.is_empty() && card.title.ends_with('…'))
}

/// The metadata by which a message is found again.
fn metadata(key: &DeliveryKey) -> Value {
    json!({ "event_type": EVENT, "event_payload": { "delivery_id": key } })
}
