//! What was said in a channel or a thread, told afterwards. A thread is a channel of its own, so that a channel's messages are without
//! its replies. Texts of messages that don't concern the bot are there only with the intent for message content.
//!
//! <https://docs.discord.com/developers/resources/message#get-channel-messages>

use crate::Desk;
use crate::address::{MessageRef, is_id, made, target};
use crate::parse::{attachments, field, id, name, shown};
use crate::wire::{Failure, Route};
use bellhop_core::address::{Address, UserRef};
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::ThreadId;
use bellhop_core::ports::{HistoryPage, PastMessage, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use serde_json::Value;

const MESSAGES: Route = Route::get("/channels/{}/messages", "history");

/// The most messages of a page.
const PAGE: usize = 100;
/// What people and programs say: messages, answers, and those of commands.
const SAID: [u64; 4] = [0, 19, 20, 23];
/// A message that one person sees.
const EPHEMERAL: u64 = 1 << 6;

/// A page of what was said.
pub(crate) async fn history(desk: &Desk, at: &Address, from: Option<&str>, limit: usize) -> PortResult<HistoryPage> {
    let channel = target(at);
    let nowhere = || desk.error(PortErrorKind::NotFound, "history", "Discord knows no such channel, or the bot doesn't see it");
    if !is_id(channel) || from.is_some_and(|from| !is_id(from)) {
        return Err(nowhere());
    }
    let limit = limit.clamp(1, PAGE);
    let in_thread = at.thread.is_some();
    let mut query = vec![("limit", limit.to_string())];
    if in_thread {
        // The oldest first: those after the last one that was told.
        query.push(("after", from.unwrap_or("0").to_owned()));
    } else {
        query.extend(from.map(|from| ("before", from.to_owned())));
    }
    let mut page: Vec<Value> = match desk.api.get(MESSAGES, &[channel], &query).await {
        Ok(page) => page,
        Err(failure) => return Err(refused(failure, &nowhere)),
    };
    // Discord gives the newest first within a page, whichever way it is asked.
    page.sort_by_key(|message| id(message, "/id").and_then(|id| id.parse::<u64>().ok()).unwrap_or_default());
    if !in_thread {
        page.reverse();
    }
    let next = page.last().and_then(|message| id(message, "/id")).filter(|_| page.len() >= limit);
    let bot = desk.directory.me().await?;
    let messages = page.iter().filter_map(|message| told(desk, at, message, &bot.id)).collect();
    Ok(HistoryPage { messages, next })
}

fn refused(failure: Failure, nowhere: &dyn Fn() -> PortError) -> PortError {
    if failure.is(&[10003]) || failure.error.kind == PortErrorKind::NotFound { nowhere() } else { failure.error }
}

fn told(desk: &Desk, at: &Address, message: &Value, bot: &str) -> Option<PastMessage> {
    let message_id = id(message, "/id")?;
    let kind = message.get("type").and_then(Value::as_u64).unwrap_or_default();
    let flags = message.get("flags").and_then(Value::as_u64).unwrap_or_default();
    if !SAID.contains(&kind) || flags & EPHEMERAL != 0 {
        return None;
    }
    let author = message.get("author").unwrap_or(&Value::Null);
    let by_program = author.get("bot").and_then(Value::as_bool).unwrap_or_default() || message.get("webhook_id").is_some();
    let author_id = id(author, "/id");
    let from = author_id.filter(|author| !by_program && author != bot).map(|user| UserRef {
        chat: desk.name.clone(),
        workspace: at.workspace.clone(),
        user: user.as_str().into(),
    });
    let replies = message.pointer("/thread/message_count").or_else(|| message.pointer("/thread/total_message_sent"));
    let moment = |path: &str| field(message, path).and_then(|text| text.parse::<Timestamp>().ok());
    Some(PastMessage {
        from,
        name: name(author, None),
        at: moment("/timestamp").or_else(|| made(&message_id))?,
        text: shown(message),
        card: None,
        attachments: attachments(message, "/attachments", Some((target(at), &message_id))),
        thread: Some(at.thread.clone().unwrap_or_else(|| ThreadId::new(message_id.clone()))),
        replies: replies.and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok()).unwrap_or_default(),
        edited: moment("/edited_timestamp"),
        id: MessageRef::posted(target(at), target(at), &message_id).id(),
    })
}
