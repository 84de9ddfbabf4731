//! `chat.*`: messages that the app posts, changes and takes back.

use super::{Call, message_json};
use crate::slack::args::Args;
use crate::slack::blocks;
use crate::slack::mentions::{escaped, notified};
use crate::slack::state::{Answer, Kind, Message, Refusal, State};
use serde_json::{Value, json};

/// What a message says, checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub text: Option<String>,
    pub blocks: Option<Vec<Value>>,
    pub attachments: Option<Vec<Value>>,
    pub metadata: Option<Value>,
    pub markdown: bool,
}

/// Where text ends, in characters: above it is cut off (`chat.postMessage`).
const TEXT: usize = 40_000;
/// Above this a change is refused (`chat.update`).
const UPDATE: usize = 4_000;
const MARKDOWN: usize = 12_000;
const METADATA: usize = 16 * 1024;

/// Reads and checks what a message is to say.
pub(crate) fn content(args: &Args) -> Result<Content, Refusal> {
    let mut content = Content { text: args.text("text"), ..Content::default() };
    if let Some(markdown) = args.text("markdown_text") {
        if content.text.is_some() || args.text("blocks").is_some() || matches!(args.complex("blocks"), Ok(Some(_))) {
            return Err("markdown_text_conflict".into());
        }
        if markdown.chars().count() > MARKDOWN {
            return Err("msg_too_long".into());
        }
        content.blocks = Some(vec![json!({ "type": "markdown", "text": markdown })]);
        content.text = Some(markdown);
        content.markdown = true;
    }
    match args.complex("blocks") {
        Ok(None) => {}
        Ok(Some(Value::Array(list))) => {
            blocks::check(&list, blocks::Surface::Message)?;
            content.blocks = Some(list);
        }
        Ok(Some(_)) | Err(_) => return Err("invalid_blocks_format".into()),
    }
    match args.complex("attachments") {
        Ok(None) => {}
        Ok(Some(Value::Array(list))) if list.len() <= 100 => {
            for attachment in &list {
                if let Some(inner) = attachment["blocks"].as_array() {
                    blocks::check(inner, blocks::Surface::Message)?;
                }
            }
            content.attachments = Some(list);
        }
        Ok(Some(Value::Array(_))) => return Err("too_many_attachments".into()),
        Ok(Some(_)) | Err(_) => return Err("invalid_attachments".into()),
    }
    content.metadata = metadata(args)?;
    let nothing = content.text.as_ref().is_none_or(|text| text.trim().is_empty())
        && content.blocks.as_ref().is_none_or(Vec::is_empty)
        && content.attachments.as_ref().is_none_or(Vec::is_empty);
    if nothing { Err("no_text".into()) } else { Ok(content) }
}

fn metadata(args: &Args) -> Result<Option<Value>, Refusal> {
    match args.complex("metadata") {
        Ok(None) => Ok(None),
        Ok(Some(value)) => {
            let named = value["event_type"].as_str().is_some_and(|name| {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ':'))
            });
            let known = value
                .as_object()
                .is_some_and(|members| members.keys().all(|key| matches!(key.as_str(), "event_type" | "event_payload" | "entities")));
            if !named || !known || !value["event_payload"].is_object() {
                return Err("invalid_metadata_format".into());
            }
            if value.to_string().len() > METADATA {
                return Err("metadata_too_large".into());
            }
            Ok(Some(value))
        }
        Err(_) => Err("invalid_metadata_format".into()),
    }
}

impl State {
    /// The conversation in which a call wants to post, and whether the bot may.
    pub(super) fn postable(&mut self, call: &Call, wanted: &str) -> Result<String, Refusal> {
        let mut id = wanted.to_owned();
        if self.member(&call.team, wanted).is_some_and(|user| !user.bot) {
            let person = self.member(&call.team, wanted).filter(|user| !user.spec.deactivated).ok_or("channel_not_found")?.id.clone();
            let bot = self.bot_of(&call.team);
            id = self.direct(&call.team, &[person, bot]);
        }
        let bot = self.bot_of(&call.team);
        let channel = self.visible(call, &id)?;
        if channel.archived {
            return Err("is_archived".into());
        }
        if !channel.members.contains(&bot) && !call.scopes.iter().any(|scope| scope == "chat:write.public") {
            return Err("not_in_channel".into());
        }
        Ok(id)
    }

    /// Counts a message against its channel's limit and the workspace's.
    pub(crate) fn message_allowed(&mut self, team: &str, channel: &str) -> Result<(), Refusal> {
        let now = self.time.now().timestamp_micros();
        let limits = self.settings.limits.clone();
        self.meter
            .call(&limits, &format!("messages in {team}"), limits.messages_per_minute, now, &mut self.ledger)
            .map_err(Refusal::limited)?;
        self.meter.message(&limits, channel, now, &mut self.ledger).map_err(Refusal::limited)
    }

    /// Checks the thread that a message wants to go to.
    pub(super) fn thread(&self, call: &Call, channel: &str) -> Result<Option<String>, Refusal> {
        let Some(ts) = call.args.text("thread_ts") else { return Ok(None) };
        match self.messages.get(channel).into_iter().flatten().find(|message| message.ts == ts) {
            // A thread is named by its first message, never by an answer in it.
            Some(parent) if parent.thread.as_ref().is_none_or(|thread| *thread == ts) && parent.only.is_none() => Ok(Some(ts)),
            _ => Err("cannot_reply_to_message".into()),
        }
    }

    /// Puts a message of the app into a conversation.
    pub(crate) fn put(&mut self, mut message: Message, team: &str) -> Message {
        let channel = self.channel(&message.channel);
        let members = channel.map(|channel| channel.members.clone()).unwrap_or_default();
        message.notified = if message.only.is_some() { Vec::new() } else { notified(self, &message, team, &members) };
        if message.only.is_none() {
            let now = self.time.now().timestamp_micros();
            self.ledger.posted.push((message.channel.clone(), now));
            if let Some(metadata) = &message.metadata {
                self.ledger.copy(metadata);
            }
        }
        self.messages.entry(message.channel.clone()).or_default().push(message.clone());
        if message.only.is_none() && self.settings.echo {
            self.tell_message(team, &message);
        }
        message
    }

    pub(crate) fn compose(&mut self, team: &str, channel: &str, content: Content) -> Message {
        let text: String = content.text.unwrap_or_default().chars().take(TEXT).collect();
        let blocks = content.blocks.unwrap_or_default();
        Message {
            ts: self.fresh_ts(),
            channel: channel.to_owned(),
            user: self.bot_of(team),
            app: true,
            text: if content.markdown { text } else { escaped(&text) },
            blocks: blocks::stored(blocks, &mut self.ids),
            attachments: content.attachments.unwrap_or_default(),
            metadata: content.metadata,
            ..Message::default()
        }
    }
}

pub(super) fn post(state: &mut State, call: &Call) -> Answer {
    call.wants(&["chat:write"])?;
    if ["username", "icon_url", "icon_emoji"].iter().any(|name| call.args.text(name).is_some()) {
        call.wants(&["chat:write.customize"])?;
    }
    let channel = state.postable(call, &call.args.need("channel")?)?;
    state.message_allowed(&call.team, &channel)?;
    let content = content(&call.args)?;
    let thread = state.thread(call, &channel)?;
    let mut message = state.compose(&call.team, &channel, content);
    message.thread = thread;
    message.broadcast = call.args.flag("reply_broadcast");
    message.username = call.args.text("username");
    let message = state.put(message, &call.team);
    Ok(json!({ "channel": message.channel, "ts": message.ts, "message": message_json(state, &message, true) }))
}

pub(super) fn ephemeral(state: &mut State, call: &Call) -> Answer {
    call.wants(&["chat:write"])?;
    let wanted = call.args.need("channel")?;
    let user = call.args.need("user")?;
    let channel = state.visible(call, &wanted)?;
    if channel.archived {
        return Err("is_archived".into());
    }
    if !channel.members.contains(&state.bot_of(&call.team)) {
        return Err("not_in_channel".into());
    }
    if !channel.members.contains(&user) {
        return Err("user_not_in_channel".into());
    }
    let content = content(&call.args)?;
    let thread = state.thread(call, &wanted)?;
    let mut message = state.compose(&call.team, &wanted, content);
    (message.thread, message.only) = (thread, Some(user));
    let message = state.put(message, &call.team);
    Ok(json!({ "message_ts": message.ts }))
}

pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    call.wants(&["chat:write"])?;
    let (channel, ts) = (call.args.need("channel")?, call.args.need("ts")?);
    // Unlike posting, this wants the conversation's own id.
    state.visible(call, &channel)?;
    let bot = state.bot_of(&call.team);
    let old = state.message(&channel, &ts).filter(|message| message.only.is_none()).cloned().ok_or("message_not_found")?;
    if !old.app || old.user != bot {
        return Err("cant_update_message".into());
    }
    if state.channel(&channel).is_some_and(|channel| channel.archived) {
        return Err("is_archived".into());
    }
    let content = content(&call.args)?;
    if content.text.as_ref().is_some_and(|text| text.chars().count() > UPDATE) {
        return Err("msg_too_long".into());
    }
    let fresh = state.compose(&call.team, &channel, content.clone());
    let edited = state.fresh_ts();
    let message = state.message_mut(&channel, &ts).ok_or("message_not_found")?;
    if content.text.is_some() {
        message.text = fresh.text;
        // Text without blocks takes the blocks away.
        message.blocks = fresh.blocks;
    } else if content.blocks.is_some() {
        message.blocks = fresh.blocks;
        message.text = String::new();
    }
    if content.attachments.is_some() {
        message.attachments = fresh.attachments;
    }
    if content.metadata.is_some() {
        message.metadata = fresh.metadata;
    }
    message.edited = Some(edited);
    let message = message.clone();
    if state.settings.echo {
        state.tell_changed(&call.team, &message, &old);
    }
    Ok(json!({ "channel": channel, "ts": ts, "text": message.text, "message": message_json(state, &message, true) }))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    call.wants(&["chat:write"])?;
    let (channel, ts) = (call.args.need("channel")?, call.args.need("ts")?);
    state.visible(call, &channel)?;
    let bot = state.bot_of(&call.team);
    let message = state.message_mut(&channel, &ts).filter(|message| message.only.is_none()).ok_or("message_not_found")?;
    if !message.app || message.user != bot {
        return Err("cant_delete_message".into());
    }
    message.gone = true;
    Ok(json!({ "channel": channel, "ts": ts }))
}

pub(super) fn permalink(state: &mut State, call: &Call) -> Answer {
    let (channel, ts) = (call.args.need("channel")?, call.args.need("message_ts")?);
    state.visible(call, &channel)?;
    let message = state.message(&channel, &ts).filter(|message| message.only.is_none()).ok_or("message_not_found")?;
    let team = state.team(&call.team).map(|team| team.name.clone()).unwrap_or_default();
    let mut link = format!("https://{team}.slack.com/archives/{channel}/p{}", ts.replace('.', ""));
    if let Some(thread) = message.thread.as_ref().filter(|thread| **thread != ts) {
        link = format!("{link}?thread_ts={thread}&cid={channel}");
    }
    Ok(json!({ "channel": channel, "permalink": link }))
}

pub(super) fn unfurl(state: &mut State, call: &Call) -> Answer {
    call.wants(&["links:write"])?;
    let (channel, ts) = match (call.args.text("unfurl_id"), call.args.text("source")) {
        (Some(id), Some(source)) if matches!(source.as_str(), "composer" | "conversations_history") => {
            let (channel, ts) = id.split_once('/').ok_or("invalid_unfurl_id")?;
            (channel.to_owned(), ts.to_owned())
        }
        (Some(_), Some(_)) => return Err("invalid_source".into()),
        (Some(_), None) => return Err("missing_source".into()),
        (None, _) => (call.args.text("channel").ok_or("missing_channel")?, call.args.text("ts").ok_or("missing_ts")?),
    };
    let unfurls = match call.args.complex("unfurls") {
        Ok(Some(Value::Object(map))) => map,
        Ok(None) => return Err("missing_unfurls".into()),
        Ok(Some(_)) | Err(_) => return Err("invalid_unfurls_format".into()),
    };
    let links = state.unfurlable.get(&(channel.clone(), ts.clone())).cloned().ok_or("cannot_find_message")?;
    for (link, shown) in &unfurls {
        if !links.contains(link) {
            return Err("cannot_unfurl_url".into());
        }
        if let Some(list) = shown["blocks"].as_array() {
            blocks::check(list, blocks::Surface::Message)?;
        } else if !shown.is_object() {
            return Err("cannot_parse_attachment".into());
        }
    }
    let message = state.message_mut(&channel, &ts).ok_or("cannot_find_message")?;
    message.unfurls.extend(unfurls);
    Ok(json!({}))
}

impl State {
    /// `channel`, `group`, `im` or `mpim`, as events call it.
    pub(crate) fn channel_type(&self, channel: &str) -> &'static str {
        match self.channel(channel) {
            Some(channel) if channel.kind == Kind::Direct => "im",
            Some(channel) if channel.kind == Kind::Group => "mpim",
            Some(channel) if channel.private => "group",
            _ => "channel",
        }
    }
}
