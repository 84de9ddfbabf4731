//! Reactions and pins.

use super::{Answer, fault, nothing, ok, unknown};
use crate::discord::ids::Id;
use crate::discord::permissions::permission::{ADD_REACTIONS, MANAGE_MESSAGES, PIN_MESSAGES, READ_MESSAGE_HISTORY};
use crate::discord::records::Channel;
use crate::discord::state::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How many different ones a message has at most.
const MOST: usize = 20;

pub(super) fn answer(state: &mut State, me: Id, channel: &Channel, id: Id, method: &str, rest: &[&str]) -> Answer {
    let bot = state.app(me).map_or(0, |app| app.bot);
    if state.message(channel.id, id).is_none() {
        return Err(unknown(10008, "Message"));
    }
    match (method, rest) {
        ("PUT", [emoji, "@me"]) => {
            state.need(me, channel, READ_MESSAGE_HISTORY)?;
            // A word is no emoji: it would have to be one of the guild's own, with its id.
            if emoji.is_ascii() {
                return Err(fault(StatusCode::BAD_REQUEST, 10014, "Unknown Emoji"));
            }
            let known = state.message(channel.id, id).map(|message| message.reactions.clone()).unwrap_or_default();
            let there = known.iter().filter(|(_, who)| !who.is_empty()).any(|(one, _)| one == emoji);
            if !there {
                state.need(me, channel, ADD_REACTIONS)?;
                if known.iter().filter(|(_, who)| !who.is_empty()).count() >= MOST {
                    return Err(fault(StatusCode::BAD_REQUEST, 30010, "Maximum number of reactions reached (20)"));
                }
            }
            state.react(channel.id, id, emoji, bot, true);
            Ok(nothing())
        }
        ("DELETE", [emoji, "@me"]) => {
            state.react(channel.id, id, emoji, bot, false);
            Ok(nothing())
        }
        ("GET", [emoji]) => {
            let message = state.message(channel.id, id);
            let who = message.and_then(|message| message.reactions.iter().find(|(one, _)| one == emoji)).map(|(_, who)| who.clone());
            let list: Vec<Value> = who.unwrap_or_default().into_iter().map(|id| state.user_json(id)).collect();
            Ok(ok(&json!(list)))
        }
        ("DELETE", [] | [_]) => {
            state.need(me, channel, MANAGE_MESSAGES)?;
            if let Some(message) = state.message_mut(channel.id, id) {
                message.reactions.retain(|(one, _)| rest.first().is_some_and(|emoji| emoji != one));
            }
            Ok(nothing())
        }
        ("DELETE", [emoji, user]) => {
            state.need(me, channel, MANAGE_MESSAGES)?;
            let user = super::id(user, "user_id")?;
            state.react(channel.id, id, emoji, user, false);
            Ok(nothing())
        }
        _ => Err(fault(StatusCode::NOT_FOUND, 0, "404: Not Found")),
    }
}

impl State {
    /// Somebody reacts, or takes it back.
    pub(in crate::discord) fn react(&mut self, channel: Id, id: Id, emoji: &str, user: Id, on: bool) {
        let Some(message) = self.message_mut(channel, id) else { return };
        let changed = match message.reactions.iter_mut().find(|(one, _)| one == emoji) {
            Some((_, who)) if on => who.insert(user),
            Some((_, who)) => who.remove(&user),
            None if on => {
                message.reactions.push((emoji.to_owned(), BTreeSet::from([user])));
                true
            }
            None => false,
        };
        if changed {
            self.tell_reaction(channel, id, emoji, user, on);
        }
    }
}

pub(super) fn pins(state: &mut State, me: Id, channel: &Channel, method: &str, rest: &[&str]) -> Answer {
    match (method, rest) {
        ("GET", []) => {
            let all = state.messages.get(&channel.id).into_iter().flatten().filter(|one| one.pinned && !one.gone);
            let items: Vec<Value> = all
                .map(|one| json!({ "pinned_at": crate::discord::objects::iso(one.at), "message": state.message_json(one, me) }))
                .collect();
            Ok(ok(&json!({ "items": items, "has_more": false })))
        }
        ("PUT" | "DELETE", [message]) => {
            state.need(me, channel, PIN_MESSAGES)?;
            let id = super::id(message, "message_id")?;
            let message = state.message_mut(channel.id, id).ok_or_else(|| unknown(10008, "Message"))?;
            message.pinned = method == "PUT";
            Ok(nothing())
        }
        _ => Err(fault(StatusCode::NOT_FOUND, 0, "404: Not Found")),
    }
}
