//! Webhooks: of channels, and those that interactions have for their answers.
//!
//! <https://docs.discord.com/developers/resources/webhook>

use super::call::{Body, Call, Part};
use super::messages::empty_after;
use super::{Answer, Author, Draft, Fault, fault, id, interactions, nothing, ok, unknown};
use crate::discord::check::Problems;
use crate::discord::check::components::V2;
use crate::discord::check::message::{For, message};
use crate::discord::ids::Id;
use crate::discord::objects::webhook_json;
use crate::discord::permissions::permission::MANAGE_WEBHOOKS;
use crate::discord::records::{Channel, Webhook};
use crate::discord::settings::Kind;
use crate::discord::state::State;
use axum::http::StatusCode;
use serde_json::Value;

/// Webhooks of a channel.
const MOST: usize = 15;

pub(super) fn of_channel(state: &mut State, call: &Call, me: Id, channel: &Channel, body: Body) -> Answer {
    let Some(guild) = channel.guild else { return Err(fault(StatusCode::FORBIDDEN, 50003, "Cannot execute action on a DM channel")) };
    state.need(me, channel, MANAGE_WEBHOOKS)?;
    let own = || state.webhooks.values().filter(|webhook| webhook.channel == channel.id);
    if call.method == "GET" {
        return Ok(ok(&own().map(webhook_json).collect()));
    }
    let (body, _) = body.split();
    let mut problems = Problems::default();
    let name = problems.text(&body, "name", 1, 80, true).unwrap_or_default().to_owned();
    for word in ["clyde", "discord"] {
        if name.to_lowercase().contains(word) {
            problems.add("name", "USERNAME_INVALID_CONTAINS", &format!("Username cannot contain \"{word}\""));
        }
    }
    problems.done()?;
    if own().count() >= MOST {
        return Err(fault(StatusCode::BAD_REQUEST, 30007, "Maximum number of webhooks reached (15)"));
    }
    let token = format!("{}{}", state.ids.secret(), state.ids.secret());
    let webhook = Webhook { id: state.fresh(), channel: channel.id, guild, name, token, app: me };
    let value = webhook_json(&webhook);
    state.webhooks.insert(webhook.id, webhook);
    Ok(ok(&value))
}

pub(super) fn by_app(state: &mut State, call: &Call, me: Id, webhook: &str) -> Answer {
    let number = id(webhook, "webhook_id")?;
    let Some(found) = state.webhooks.get(&number).cloned() else { return Err(unknown(10015, "Webhook")) };
    let channel = state.channels.get(&found.channel).cloned().ok_or_else(|| unknown(10003, "Channel"))?;
    state.need(me, &channel, MANAGE_WEBHOOKS)?;
    match call.method.as_str() {
        "GET" => Ok(ok(&webhook_json(&found))),
        "DELETE" => {
            state.webhooks.remove(&number);
            Ok(nothing())
        }
        _ => Err(fault(StatusCode::METHOD_NOT_ALLOWED, 0, "405: Method Not Allowed")),
    }
}

/// What can be done with the token in the path alone.
pub(super) fn by_token(state: &mut State, call: &Call, webhook: &str, token: &str, rest: &[&str], body: Body) -> Answer {
    let number = id(webhook, "webhook_id")?;
    if state.app(number).is_some() {
        return interactions::follow_up(state, call, number, token, rest, body);
    }
    let Some(found) = state.webhooks.get(&number).cloned() else { return Err(unknown(10015, "Webhook")) };
    if found.token != token {
        return Err(fault(StatusCode::UNAUTHORIZED, 50027, "Invalid Webhook Token"));
    }
    let (body, parts) = body.split();
    match (call.method.as_str(), rest) {
        ("GET", []) => Ok(ok(&webhook_json(&found))),
        ("DELETE", []) => {
            state.webhooks.remove(&number);
            Ok(nothing())
        }
        ("POST", []) => execute(state, call, &found, body, parts),
        (method, ["messages", message]) => {
            let message = id(message, "message_id")?;
            let home = call.arg("thread_id").and_then(|id| id.parse().ok()).unwrap_or(found.channel);
            let own = state.message(home, message).is_some_and(|one| one.webhook == Some(number));
            if !own {
                return Err(unknown(10008, "Message"));
            }
            with_message(state, method, home, message, body, parts)
        }
        _ => Err(fault(StatusCode::NOT_FOUND, 0, "404: Not Found")),
    }
}

fn execute(state: &mut State, call: &Call, webhook: &Webhook, body: Value, parts: Vec<Part>) -> Answer {
    let mut problems = Problems::default();
    problems.text(&body, "username", 1, 80, false);
    problems.text(&body, "thread_name", 1, 100, false);
    problems.done()?;
    let careless = message(&body, &parts, For::Webhook, 0)?;
    state.sizes(&parts)?;
    state.careless("POST /webhooks/{webhook}/{token}", careless);
    let Some(channel) = state.channels.get(&webhook.channel).cloned() else { return Err(unknown(10015, "Webhook")) };
    let mut home = channel.id;
    if let Some(thread) = call.arg("thread_id") {
        home = id(thread, "thread_id")?;
        if state.channels.get(&home).is_none_or(|one| one.parent != Some(channel.id)) {
            return Err(unknown(10003, "Channel"));
        }
    } else if channel.kind == Kind::Forum {
        let Some(name) = body["thread_name"].as_str() else {
            return Err(fault(StatusCode::BAD_REQUEST, 220_001, "Webhooks posted to forum channels must have a thread_name or thread_id"));
        };
        home = state.fresh();
        state.open_thread(&channel, home, Kind::PublicThread, name, 4320, webhook.app);
    }
    let username = body["username"].as_str().map_or_else(|| webhook.name.clone(), str::to_owned);
    let author = Author {
        user: webhook.id,
        app: Some(webhook.app),
        webhook: Some(webhook.id),
        username: Some(username),
        careful: true,
        ..Author::default()
    };
    let made = state.post(home, author, &Draft { body, parts });
    if !call.flag("wait") {
        return Ok(nothing());
    }
    Ok(ok(&state.message(home, made).map(|one| state.message_whole(one)).unwrap_or_default()))
}

/// What is done to one message of a webhook's own.
pub(super) fn with_message(state: &mut State, method: &str, channel: Id, number: Id, body: Value, parts: Vec<Part>) -> Answer {
    let Some(found) = state.message(channel, number).cloned() else { return Err(unknown(10008, "Message")) };
    match method {
        "GET" => Ok(ok(&state.message_whole(&found))),
        "DELETE" => {
            state.remove(channel, number);
            Ok(nothing())
        }
        "PATCH" => {
            let kept = if body["attachments"].is_array() { 0 } else { found.files.len() };
            let careless = message(&body, &parts, For::Edit(found.flags & V2 != 0), kept)?;
            state.sizes(&parts)?;
            state.careless("PATCH /webhooks/{webhook}/{token}/messages/{message}", careless);
            let named = body["attachments"].as_array().map_or(kept, Vec::len);
            empty(&body, &parts, &found, named)?;
            state.rewrite(channel, number, &Draft { body, parts });
            Ok(ok(&state.message(channel, number).map(|one| state.message_whole(one)).unwrap_or_default()))
        }
        _ => Err(fault(StatusCode::METHOD_NOT_ALLOWED, 0, "405: Method Not Allowed")),
    }
}

fn empty(body: &Value, parts: &[Part], found: &crate::discord::records::Message, kept: usize) -> Result<(), Fault> {
    empty_after(body, parts, found.content.is_empty(), found.embeds.is_empty(), found.components.is_empty(), kept)
}
