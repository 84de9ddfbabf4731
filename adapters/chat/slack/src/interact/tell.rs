//! Telling one person something that no command answers: that a form could not be opened, that a button is too old. It is
//! tried once: nothing hangs on it.

use super::Origin;
use crate::Desk;
use crate::render;
use crate::send;
use crate::wire::Method;
use bellhop_core::card::Card;
use bellhop_core::ports::PortResult;
use serde_json::{Value, json};
use std::sync::Arc;

const POST_EPHEMERAL: Method = Method { name: "chat.postEphemeral", operation: "tell", per_minute: 100, safe: false };
const POST_MESSAGE: Method = Method { name: "chat.postMessage", operation: "tell", per_minute: 0, safe: false };

/// Shows a card to the one who did something, and to nobody else.
pub(super) async fn privately(desk: Arc<Desk>, origin: Origin, card: Card) {
    if let Err(error) = told(&desk, &origin, &card).await {
        tracing::warn!(chat = %desk.name, %error, "a person could not be told");
    }
}

async fn told(desk: &Arc<Desk>, origin: &Origin, card: &Card) -> PortResult<()> {
    let message = render::message(card, &origin.at);
    send::post_clicks(desk, &message.kept).await?;
    let body = json!({ "text": message.text, "blocks": message.blocks });
    match origin.reply().response_url {
        // The address may be used up or too old by now, or none of Slack's: then nothing is sent there.
        // It is not counted among the five uses: an answer that finds none left goes another way.
        Some(url) => match by_address(desk, origin, &url, body.clone()).await {
            Ok(()) => Ok(()),
            Err(_) => by_token(desk, origin, body).await,
        },
        None => by_token(desk, origin, body).await,
    }
}

/// <https://docs.slack.dev/interactivity/handling-user-interaction>
async fn by_address(desk: &Desk, origin: &Origin, url: &str, mut body: Value) -> PortResult<()> {
    body["response_type"] = "ephemeral".into();
    body["replace_original"] = false.into();
    Ok(desk.api.respond(&origin.at.workspace, url, &body).await?)
}

/// Where the bot may not speak, in the person's own conversation.
pub(super) async fn by_token(desk: &Desk, origin: &Origin, mut body: Value) -> PortResult<()> {
    let (channel, user) = (origin.at.channel.as_str(), origin.from.user.as_str());
    // In the person's own conversation nobody else is there to see it.
    let own = channel == user || channel.starts_with('D');
    if !own {
        let mut unseen = body.clone();
        unseen["channel"] = channel.into();
        unseen["user"] = user.into();
        if let Some(thread) = &origin.at.thread {
            unseen["thread_ts"] = thread.as_str().into();
        }
        match desk.api.call::<Value>(&origin.at.workspace, POST_EPHEMERAL, &unseen).await {
            Err(failure) if failure.is(&["not_in_channel", "channel_not_found", "user_not_in_channel", "is_archived"]) => {}
            other => return other.map(|_| ()).map_err(Into::into),
        }
    }
    body["channel"] = if own { channel } else { user }.into();
    desk.api.call::<Value>(&origin.at.workspace, POST_MESSAGE, &body).await?;
    Ok(())
}
