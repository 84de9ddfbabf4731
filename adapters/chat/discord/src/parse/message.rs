//! Messages: those that speak to the bot, by its name or in a direct conversation.
//! <https://docs.discord.com/developers/resources/message>

use super::text::spoken;
use super::{Origin, attachments, field, id, list, name, place};
use crate::address::DIRECT;
use crate::handle::ReplyTo;
use bellhop_core::address::UserRef;
use bellhop_core::call::Attachment;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::{ChatName, EventKey, UserId, WorkspaceId};
use serde_json::Value;

/// A message that speaks to the bot.
#[derive(Clone)]
pub(crate) struct Message {
    /// Who and where.
    pub origin: Origin,
    /// What was said, without the bot's name.
    pub line: String,
    /// The files that came with it.
    pub attachments: Vec<Attachment>,
}

/// Reads a new message; `None` where it doesn't speak to the bot. Whether its channel is a thread isn't in it.
pub(crate) fn message(payload: &Value, bot: &str, chat: &ChatName, now: Timestamp) -> Option<Message> {
    // The bot's own messages, those of other bots and of webhooks, and what the system says.
    let by_program = payload.pointer("/author/bot").and_then(Value::as_bool).unwrap_or_default() || payload.get("webhook_id").is_some();
    let kind = payload.get("type").and_then(Value::as_u64).unwrap_or_default();
    if by_program || !matches!(kind, 0 | 19) {
        return None;
    }
    let (message, channel, author) = (id(payload, "/id")?, id(payload, "/channel_id")?, id(payload, "/author/id")?);
    if author == bot {
        return None;
    }
    let content = field(payload, "/content").unwrap_or_default();
    let direct = payload.get("guild_id").is_none_or(Value::is_null);
    let named = list(payload, "/mentions").any(|user| id(user, "/id").as_deref() == Some(bot));
    // An answer to one of the bot's messages mentions it without a word of it: that alone is no command.
    let by_name = named && [format!("<@{bot}>"), format!("<@!{bot}>")].iter().any(|mention| content.contains(mention.as_str()));
    if !direct && !by_name {
        return None;
    }
    let workspace = id(payload, "/guild_id").unwrap_or_else(|| DIRECT.to_owned());
    let attachments = attachments(payload, "/attachments", Some((&channel, &message)));
    let mut line = spoken(content, bot);
    if line.is_empty() {
        // Files without a word are to be kept.
        line = if attachments.is_empty() { "help".to_owned() } else { "file put".to_owned() };
    }
    Some(Message {
        origin: Origin {
            key: EventKey::new(format!("msg:{message}")),
            from: UserRef { chat: chat.clone(), workspace: WorkspaceId::from(workspace.as_str()), user: UserId::new(author) },
            name: name(payload.get("author").unwrap_or(&Value::Null), field(payload, "/member/nick")),
            groups: super::groups(payload),
            at: place(chat, &workspace, &channel, &Value::Null),
            reply: ReplyTo { interaction: None, message: Some(message) },
            received: now,
        },
        line: bellhop_core::text::visible(&line),
        attachments,
    })
}
