//! Messages of the bot: sent, answered in a thread, changed, removed; new threads and conversations.

use super::Answer;
use crate::teams::call::{Call, Reply};
use crate::teams::cards;
use crate::teams::state::{Conversation, Kind, Refusal, State, bare, root};
use serde_json::{Value, json};

const CARD: &str = "application/vnd.microsoft.card.adaptive";
const CONSENT: &str = "application/vnd.microsoft.teams.card.file.consent";
const FILE: &str = "application/vnd.microsoft.teams.card.file.info";
/// Other cards, of older days.
const OLDER: [&str; 5] = [
    "application/vnd.microsoft.card.hero",
    "application/vnd.microsoft.card.thumbnail",
    "application/vnd.microsoft.card.signin",
    "application/vnd.microsoft.teams.card.o365connector",
    "application/vnd.microsoft.teams.card.list",
];

/// Whether it is meant for one person only.
fn targeted(state: &State, call: &Call, conversation: &Conversation) -> Result<bool, Refusal> {
    match call.query("isTargetedActivity") {
        Some("true") if !state.settings.preview => Err(Refusal::bad("targeted messages are a developer preview")),
        Some("true") if conversation.kind == Kind::Personal => Err(Refusal::bad("a personal chat has no targeted messages")),
        Some("true") => Ok(true),
        _ => Ok(false),
    }
}

pub(super) fn send(state: &mut State, call: &Call, named: &str, to: Option<&str>) -> Answer {
    let conversation = state.open(named)?;
    if conversation.archived {
        return Err(Refusal::new(403, "MessageWritesBlocked", "Messages can't be written here."));
    }
    let body = call.json()?;
    checked(state, &conversation, &body)?;
    let targeted = targeted(state, call, &conversation)?;
    let kind = body["type"].as_str().unwrap_or_default();
    if kind == "typing" {
        return Ok(Reply::json(200, &json!({ "id": "" })));
    }
    let thread = to.map(str::to_owned).or_else(|| body["replyToId"].as_str().map(str::to_owned)).or_else(|| root(named));
    if let Some(thread) = &thread
        && state.message(&conversation.id, thread).is_none()
    {
        return Err(Refusal::new(404, "ActivityNotFoundInConversation", "Message not found in the conversation."));
    }
    // Only channels have threads; an answer to an answer stands in the same one.
    let thread = thread.filter(|_| conversation.kind == Kind::Channel);
    let thread = thread.map(|id| state.message(&conversation.id, &id).and_then(|message| message.root.clone()).unwrap_or(id));
    let only = if targeted { Some(recipient(state, &conversation, &body)?) } else { None };
    let id = post(state, &conversation, thread, only, body);
    Ok(Reply::json(201, &json!({ "id": id })))
}

fn recipient(state: &State, conversation: &Conversation, body: &Value) -> Result<String, Refusal> {
    let recipient = &body["recipient"];
    if recipient["isTargeted"] != true {
        return Err(Refusal::bad("recipient.isTargeted has to be true"));
    }
    let id = recipient["id"].as_str().unwrap_or_default();
    let known = state.user(id).filter(|user| state.members(conversation).contains(&user.id));
    known.map(|user| user.id.clone()).ok_or_else(|| Refusal::new(403, "BotNotInConversationRoster", "The recipient is no member."))
}

/// Posts what has been checked; its id. Text and a card in one are split into two, and neither has the id that comes back.
fn post(state: &mut State, conversation: &Conversation, thread: Option<String>, only: Option<String>, mut body: Value) -> String {
    let (bot, now) = (state.bot(), state.micros());
    state.ledger.posted.push((conversation.id.clone(), now));
    let notified = pinged(state, conversation, &body);
    let attached = body["attachments"].as_array().is_some_and(|all| !all.is_empty());
    let text = body["text"].as_str().is_some_and(|text| !text.trim().is_empty());
    let split = attached && text;
    if split {
        state.violation("text and a card in one message: they are shown as two, and no id comes back");
        let mut alone = body.clone();
        alone["attachments"] = json!([]);
        state.post(&conversation.id, &bot, thread.clone(), alone);
        body["text"] = json!("");
    }
    let id = state.post(&conversation.id, &bot, thread, body);
    if let Some(message) = state.message_mut(&conversation.id, &id) {
        message.only = only;
        message.notified = notified;
    }
    if split { state.now().timestamp_micros().to_string() } else { id }
}

pub(super) fn update(state: &mut State, call: &Call, named: &str, id: &str) -> Answer {
    let conversation = state.open(named)?;
    let body = call.json()?;
    checked(state, &conversation, &body)?;
    let targeted = targeted(state, call, &conversation)?;
    let (bot, notified) = (state.bot(), pinged(state, &conversation, &body));
    let gone = || Refusal::new(404, "ActivityNotFoundInConversation", "Message not found in the conversation.");
    let message = state.message(&conversation.id, id).ok_or_else(gone)?;
    if message.from != bot {
        return Err(Refusal::new(403, "ForbiddenOperationException", "Only the author may change a message."));
    }
    if message.only.is_some() != targeted {
        return Err(Refusal::bad("isTargetedActivity has to be as it was when the message was sent"));
    }
    if targeted && !body["recipient"].is_null() {
        return Err(Refusal::bad("no recipient may be named when a targeted message is changed"));
    }
    let now = state.micros();
    state.ledger.posted.push((conversation.id.clone(), now));
    if let Some(message) = state.message_mut(&conversation.id, id) {
        message.activity = body;
        message.edited = true;
        message.mine.clear();
        // A change notifies nobody who was notified before.
        message.notified.extend(notified);
        message.notified.sort();
        message.notified.dedup();
    }
    Ok(Reply::json(200, &json!({ "id": id })))
}

pub(super) fn delete(state: &mut State, call: &Call, named: &str, id: &str) -> Answer {
    let conversation = state.open(named)?;
    let targeted = targeted(state, call, &conversation)?;
    let bot = state.bot();
    let gone = || Refusal::new(404, "ActivityNotFoundInConversation", "Message not found in the conversation.");
    let message = state.message_mut(&conversation.id, id).ok_or_else(gone)?;
    if message.from != bot {
        return Err(Refusal::new(403, "ForbiddenOperationException", "Only the author may remove a message."));
    }
    if message.only.is_some() != targeted {
        return Err(Refusal::bad("isTargetedActivity has to be as it was when the message was sent"));
    }
    message.gone = true;
    Ok(Reply::empty(200))
}

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let body = call.json()?;
    let tenant = body["tenantId"].as_str().or_else(|| body.pointer("/channelData/tenant/id").and_then(Value::as_str));
    if let Some(channel) = body.pointer("/channelData/channel/id").and_then(Value::as_str) {
        let conversation = state.open(bare(channel))?;
        if conversation.archived {
            return Err(Refusal::new(403, "MessageWritesBlocked", "Messages can't be written here."));
        }
        let activity = body["activity"].clone();
        if !activity.is_object() {
            return Err(Refusal::bad("a new thread begins with a message: activity is missing"));
        }
        checked(state, &conversation, &activity)?;
        let id = post(state, &conversation, None, None, activity);
        let thread = format!("{};messageid={id}", conversation.id);
        return Ok(Reply::json(201, &json!({ "id": thread, "activityId": id })));
    }
    let members = body["members"].as_array().cloned().unwrap_or_default();
    let [member] = members.as_slice() else {
        return Err(Refusal::bad("a bot can begin a chat with one person only"));
    };
    if body["isGroup"] == true {
        return Err(Refusal::bad("a bot can't make a group chat"));
    }
    if tenant != Some(state.tenant.as_str()) {
        return Err(Refusal::bad("tenantId is missing or wrong"));
    }
    let named = member["id"].as_str().unwrap_or_default();
    let Some(user) = state.user(named).cloned() else {
        return Err(Refusal::bad("there is no such person in the tenant"));
    };
    let installed = state.conversation(&user.chat).is_some_and(|chat| chat.bot);
    let shares = state.teams.iter().any(|team| team.installed && !team.gone && team.members.contains(&user.id));
    if !installed && (!shares || named != user.id) {
        return Err(Refusal::new(403, "ForbiddenOperationException", "The bot is not installed for this person."));
    }
    if user.blocks {
        return Err(Refusal::new(403, "ConversationBlockedByUser", "User blocked the conversation with the bot."));
    }
    if let Some(chat) = state.conversation_mut(&user.chat) {
        chat.bot = true;
    }
    let mut answer = json!({ "id": user.chat });
    if body["activity"].is_object() {
        let conversation = state.open(&user.chat)?;
        checked(state, &conversation, &body["activity"])?;
        answer["activityId"] = json!(post(state, &conversation, None, None, body["activity"].clone()));
    }
    Ok(Reply::json(201, &answer))
}

/// What the service looks at before it takes a message.
fn checked(state: &mut State, conversation: &Conversation, body: &Value) -> Result<(), Refusal> {
    let size = body.to_string().encode_utf16().count() * 2;
    if size > state.settings.largest_message {
        return Err(Refusal::new(413, "MessageSizeTooBig", format!("Message size too large: {size} bytes of UTF-16.")));
    }
    let attachments = body["attachments"].as_array().cloned().unwrap_or_default();
    let text = body["text"].as_str().unwrap_or_default();
    match body["type"].as_str() {
        Some("typing") => return Ok(()),
        Some("message") if text.trim().is_empty() && attachments.is_empty() => return Err(Refusal::bad("the message is empty")),
        Some("message") => {}
        other => return Err(Refusal::bad(format!("activities of the type {other:?} can't be sent"))),
    }
    if let Some(format) = body["textFormat"].as_str().filter(|format| !["plain", "markdown", "xml", "extendedmarkdown"].contains(format)) {
        return Err(Refusal::bad(format!("there is no textFormat {format:?}")));
    }
    if attachments.len() > 10 {
        return Err(Refusal::bad("a message has at most 10 attachments"));
    }
    for attachment in &attachments {
        let kind = attachment["contentType"].as_str().unwrap_or_default();
        let content = &attachment["content"];
        match kind {
            CARD => {
                let found = cards::check(content);
                if let Some(first) = found.first() {
                    let all = found.join("; ");
                    state.violation(format!("a card out of shape: {all}"));
                    return Err(Refusal::new(400, "BadSyntax", format!("Invalid Adaptive Card: {first}")));
                }
            }
            CONSENT if conversation.kind != Kind::Personal => {
                return Err(Refusal::bad("a file consent card can be sent to a personal chat only"));
            }
            CONSENT => {
                let named = attachment["name"].as_str().is_some_and(|name| !name.is_empty());
                if !named || !content["sizeInBytes"].is_u64() {
                    return Err(Refusal::bad("a file consent card has a name and content.sizeInBytes"));
                }
            }
            FILE => {
                let whole = attachment["contentUrl"].is_string() && attachment["name"].is_string() && content["uniqueId"].is_string();
                if !whole || !content["fileType"].is_string() {
                    return Err(Refusal::bad("a file card has contentUrl, name, content.uniqueId and content.fileType"));
                }
            }
            _ if kind.starts_with("image/") => {
                let url = attachment["contentUrl"].as_str().unwrap_or_default();
                if !["http://", "https://", "data:image/"].iter().any(|scheme| url.starts_with(scheme)) {
                    return Err(Refusal::bad("a picture has a contentUrl"));
                }
            }
            _ if OLDER.contains(&kind) => {}
            _ => {
                state.violation(format!("an attachment of the unknown kind {kind:?}"));
                return Err(Refusal::new(400, "BadArgument", format!("Unknown attachment type: {kind}")));
            }
        }
    }
    mentions(state, body)
}

/// A mention is an entity, and its words in the text.
fn mentions(state: &mut State, body: &Value) -> Result<(), Refusal> {
    let text = body["text"].as_str().unwrap_or_default().to_owned();
    for entity in body["entities"].as_array().into_iter().flatten().filter(|entity| entity["type"] == "mention") {
        let said = entity["text"].as_str().unwrap_or_default();
        if !said.starts_with("<at>") || !said.ends_with("</at>") || !text.contains(said) {
            state.violation(format!("a mention whose words {said:?} don't stand in the text"));
            return Err(Refusal::bad("a mention's text has to stand in the message's text"));
        }
        if entity.pointer("/mentioned/id").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(Refusal::bad("a mention has mentioned.id"));
        }
    }
    Ok(())
}

/// Whom a message pings: those who are named by entities, of the message or of its cards, and are there.
fn pinged(state: &State, conversation: &Conversation, body: &Value) -> Vec<String> {
    let own = body["entities"].as_array().into_iter().flatten().cloned();
    let cards = body["attachments"].as_array().into_iter().flatten();
    let of_cards = cards.filter_map(|card| card.pointer("/content/msteams/entities")?.as_array()).flatten().cloned();
    let mentions = own.chain(of_cards).filter(|entity| entity["type"] == "mention");
    let members = state.members(conversation);
    let people = mentions.filter_map(|entity| {
        let user = state.user(entity.pointer("/mentioned/id")?.as_str()?)?;
        members.contains(&user.id).then(|| user.id.clone())
    });
    people.collect()
}
