//! Messages of channels. <https://docs.discord.com/developers/resources/message>

use super::call::{Body, Call};
use super::{Answer, Author, Draft, Fault, fault, nothing, ok, unknown};
use crate::discord::check::Problems;
use crate::discord::check::components::V2;
use crate::discord::check::message::{For, message};
use crate::discord::ids::{Id, made};
use crate::discord::permissions::permission::{
    ATTACH_FILES, MANAGE_MESSAGES, READ_MESSAGE_HISTORY, SEND_MESSAGES, SEND_MESSAGES_IN_THREADS,
};
use crate::discord::records::Channel;
use crate::discord::settings::Kind;
use crate::discord::state::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

const TWO_WEEKS: i64 = 14 * 86_400_000;

/// Whether an app may write there.
fn writable(state: &State, me: Id, channel: &Channel, files: bool) -> Result<(), Fault> {
    match channel.kind {
        Kind::Category | Kind::Forum => return Err(fault(StatusCode::BAD_REQUEST, 50008, "Cannot send messages in a non-text channel")),
        Kind::Direct => {
            let people = channel.recipients.iter().filter_map(|id| state.users.get(id));
            if people.into_iter().any(|user| !user.bot && user.spec.closed) {
                return Err(fault(StatusCode::FORBIDDEN, 50007, "Cannot send messages to this user"));
            }
            return Ok(());
        }
        _ => {}
    }
    let bit = if channel.kind.is_thread() { SEND_MESSAGES_IN_THREADS } else { SEND_MESSAGES };
    state.need(me, channel, bit)?;
    if files {
        state.need(me, channel, ATTACH_FILES)?;
    }
    if channel.kind.is_thread() && channel.archived {
        return Err(if channel.locked {
            fault(StatusCode::BAD_REQUEST, 160_005, "Thread is locked")
        } else {
            fault(StatusCode::BAD_REQUEST, 50083, "Thread is archived")
        });
    }
    Ok(())
}

fn nonce(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn create(state: &mut State, me: Id, channel: &Channel, body: Body) -> Answer {
    let (body, parts) = body.split();
    writable(state, me, channel, !parts.is_empty())?;
    let careless = message(&body, &parts, For::Create, 0)?;
    state.sizes(&parts)?;
    state.careless("POST /channels/{channel}/messages", careless);
    if let Some(answered) = body["message_reference"]["message_id"].as_str() {
        state
            .need(me, channel, READ_MESSAGE_HISTORY)
            .map_err(|_| fault(StatusCode::FORBIDDEN, 160_002, "Cannot reply without permission to read message history"))?;
        let there = answered.parse().ok().and_then(|id| state.message(channel.id, id)).is_some();
        if !there && body["message_reference"]["fail_if_not_exists"].as_bool().unwrap_or(true) {
            let mut problems = Problems::default();
            problems.add("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
            problems.done()?;
        }
    }
    let nonce = nonce(&body["nonce"]);
    let now = state.millis();
    if let Some(nonce) = nonce.as_deref().filter(|_| body["enforce_nonce"].as_bool() == Some(true)) {
        let window = i64::try_from(state.settings.nonce_window.as_millis()).unwrap_or(i64::MAX);
        let before = state.nonces.get(&(me, nonce.to_owned())).copied().filter(|(_, _, at)| now - at <= window);
        if let Some(found) = before.and_then(|(channel, id, _)| state.message(channel, id)) {
            return Ok(ok(&state.message_json(found, me)));
        }
    }
    let bot = state.app(me).map_or(0, |app| app.bot);
    let author = Author { user: bot, app: Some(me), ..Author::default() };
    let id = state.post(channel.id, author, Draft { body, parts });
    if let Some(nonce) = nonce {
        *state.ledger.copies.entry(nonce.clone()).or_default() += 1;
        state.nonces.insert((me, nonce), (channel.id, id, now));
    }
    let shown = state.message(channel.id, id).map(|message| state.message_json(message, me));
    Ok(ok(&shown.unwrap_or_default()))
}

pub(super) fn get(state: &State, me: Id, channel: &Channel, id: Id) -> Answer {
    state.need(me, channel, READ_MESSAGE_HISTORY)?;
    let found = state.message(channel.id, id).filter(|message| message.only.is_none()).ok_or_else(|| unknown(10008, "Message"))?;
    Ok(ok(&shown(state, state.message_json(found, me))))
}

/// A message that is read again.
fn shown(state: &State, mut value: Value) -> Value {
    if !state.settings.nonce_kept
        && let Some(value) = value.as_object_mut()
    {
        value.remove("nonce");
    }
    value
}

pub(super) fn list(state: &State, call: &Call, me: Id, channel: &Channel) -> Answer {
    let mut problems = Problems::default();
    let limit = match call.arg("limit").map(str::parse::<usize>) {
        None => 50,
        Some(Ok(limit @ 1..=100)) => limit,
        Some(_) => {
            problems.add("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.");
            50
        }
    };
    problems.done()?;
    if !state.may(me, channel, READ_MESSAGE_HISTORY) {
        return Ok(ok(&json!([])));
    }
    let mark = |name: &str| call.arg(name).and_then(|text| text.parse::<Id>().ok());
    let all: Vec<_> = state.messages.get(&channel.id).into_iter().flatten().filter(|one| !one.gone && one.only.is_none()).collect();
    let size = limit.min(state.settings.page);
    let picked: Vec<_> = if let Some(after) = mark("after") {
        let mut page: Vec<_> = all.into_iter().filter(|one| one.id > after).take(size).collect();
        page.reverse();
        page
    } else if let Some(around) = mark("around") {
        let at = all.iter().position(|one| one.id >= around).unwrap_or(all.len());
        let start = at.saturating_sub(size / 2);
        all.into_iter().skip(start).take(size).rev().collect()
    } else {
        let before = mark("before").unwrap_or(Id::MAX);
        all.into_iter().rev().filter(|one| one.id < before).take(size).collect()
    };
    let list: Vec<Value> = picked.into_iter().map(|one| shown(state, state.message_json(one, me))).collect();
    Ok(ok(&json!(list)))
}

pub(super) fn edit(state: &mut State, me: Id, channel: &Channel, id: Id, body: Body) -> Answer {
    let (body, parts) = body.split();
    let Some(found) = state.message(channel.id, id).filter(|one| one.only.is_none()).cloned() else {
        return Err(unknown(10008, "Message"));
    };
    if channel.archived {
        return Err(fault(StatusCode::BAD_REQUEST, 50083, "Thread is archived"));
    }
    let bot = state.app(me).map_or(0, |app| app.bot);
    // Its own responses to interactions it may change here, too; what a webhook of a channel said it may not.
    if found.author != bot || found.webhook.is_some_and(|webhook| webhook != me) {
        let flags_only = body.as_object().is_some_and(|body| body.keys().all(|name| name == "flags"));
        if !flags_only {
            return Err(fault(StatusCode::FORBIDDEN, 50005, "Cannot edit a message authored by another user"));
        }
        state.need(me, channel, MANAGE_MESSAGES)?;
    }
    let kept = body["attachments"].as_array().map_or(found.files.len(), |list| {
        list.iter().filter(|one| one["id"].as_str().and_then(|id| id.parse().ok()).is_some_and(|id| found.files.contains(&id))).count()
    });
    let careless = message(&body, &parts, For::Edit(found.flags & V2 != 0), kept)?;
    state.sizes(&parts)?;
    state.careless("PATCH /channels/{channel}/messages/{message}", careless);
    empty_after(&body, &parts, found.content.is_empty(), found.embeds.is_empty(), found.components.is_empty(), kept)?;
    state.rewrite(channel.id, id, &Draft { body, parts });
    let shown = state.message(channel.id, id).map(|message| state.message_json(message, me));
    Ok(ok(&shown.unwrap_or_default()))
}

/// A change may not leave nothing.
pub(super) fn empty_after(
    body: &Value,
    parts: &[super::call::Part],
    no_text: bool,
    no_embeds: bool,
    no_components: bool,
    kept: usize,
) -> Result<(), Fault> {
    let text = body.get("content").map_or(no_text, |text| text.as_str().unwrap_or_default().trim().is_empty());
    let none = |name: &str, before: bool| body.get(name).map_or(before, |list| list.as_array().is_none_or(Vec::is_empty));
    if text && none("embeds", no_embeds) && none("components", no_components) && kept + parts.len() == 0 {
        return Err(fault(StatusCode::BAD_REQUEST, 50006, "Cannot send an empty message"));
    }
    Ok(())
}

pub(super) fn delete(state: &mut State, me: Id, channel: &Channel, id: Id) -> Answer {
    let Some(found) = state.message(channel.id, id).filter(|one| one.only.is_none()) else { return Err(unknown(10008, "Message")) };
    let bot = state.app(me).map_or(0, |app| app.bot);
    if found.author != bot {
        if channel.kind == Kind::Direct {
            return Err(fault(StatusCode::FORBIDDEN, 50003, "Cannot execute action on a DM channel"));
        }
        state.need(me, channel, MANAGE_MESSAGES)?;
    }
    state.remove(channel.id, id);
    Ok(nothing())
}

pub(super) fn bulk_delete(state: &mut State, me: Id, channel: &Channel, body: &Value) -> Answer {
    state.need(me, channel, MANAGE_MESSAGES)?;
    let mut problems = Problems::default();
    let list = problems.list(body, "messages", 2, 100);
    problems.done()?;
    let ids: Vec<Id> = list.iter().filter_map(|id| id.as_str()?.parse().ok()).collect();
    let now = state.millis();
    if ids.iter().any(|id| now - made(*id) > TWO_WEEKS) {
        return Err(fault(StatusCode::BAD_REQUEST, 50034, "You can only bulk delete messages that are under 14 days old."));
    }
    for id in ids {
        state.remove(channel.id, id);
    }
    Ok(nothing())
}

impl State {
    /// Takes a message away.
    pub(in crate::discord) fn remove(&mut self, channel: Id, id: Id) {
        let Some(message) = self.message_mut(channel, id) else { return };
        message.gone = true;
        let files = message.files.clone();
        let only = message.only;
        for id in files {
            if let Some(file) = self.files.get_mut(&id) {
                file.gone = true;
            }
        }
        if only.is_none() {
            self.tell_removed(channel, id);
        }
    }
}
