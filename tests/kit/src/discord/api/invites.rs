//! Invitations. <https://docs.discord.com/developers/resources/channel#create-channel-invite>

use super::call::{Body, Call};
use super::{Answer, fault, ok, unknown};
use crate::discord::check::Problems;
use crate::discord::ids::Id;
use crate::discord::permissions::permission::{CREATE_INSTANT_INVITE, MANAGE_CHANNELS};
use crate::discord::records::Channel;
use crate::discord::state::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

fn shown(state: &State, code: &str, channel: Id, inviter: Id) -> Value {
    let found = state.channels.get(&channel);
    let guild = found.and_then(|channel| channel.guild).and_then(|id| state.guilds.get(&id));
    json!({
        "type": 0, "code": code, "inviter": state.user_json(inviter), "max_age": 86_400, "max_uses": 0, "uses": 0, "temporary": false,
        "channel": found.map(|channel| json!({ "id": channel.id.to_string(), "name": channel.name, "type": channel.kind.number() })),
        "guild": guild.map(|guild| json!({ "id": guild.id.to_string(), "name": guild.name, "features": [] })),
        "expires_at": crate::discord::objects::iso(state.millis() + 86_400_000),
    })
}

pub(super) fn of_channel(state: &mut State, call: &Call, me: Id, channel: &Channel, body: &Body) -> Answer {
    let bot = state.app(me).map_or(0, |app| app.bot);
    match call.method.as_str() {
        "POST" => {
            let Body::Json(value) = body else {
                return Err(fault(StatusCode::BAD_REQUEST, 50109, "The request body contains invalid JSON."));
            };
            let mut problems = Problems::default();
            problems.number(value, "max_age", 0, 604_800);
            problems.number(value, "max_uses", 0, 100);
            problems.done()?;
            state.need(me, channel, CREATE_INSTANT_INVITE)?;
            let code = state.ids.secret()[..8].to_owned();
            state.invites.insert(code.clone(), (channel.id, bot));
            Ok(ok(&shown(state, &code, channel.id, bot)))
        }
        "GET" => {
            state.need(me, channel, MANAGE_CHANNELS)?;
            let own = state.invites.iter().filter(|(_, (id, _))| *id == channel.id);
            let list: Vec<Value> = own.map(|(code, (id, inviter))| shown(state, code, *id, *inviter)).collect();
            Ok(ok(&json!(list)))
        }
        _ => Err(fault(StatusCode::METHOD_NOT_ALLOWED, 0, "405: Method Not Allowed")),
    }
}

pub(super) fn by_code(state: &mut State, call: &Call, me: Id, code: &str) -> Answer {
    let Some((channel, inviter)) = state.invites.get(code).copied() else { return Err(unknown(10006, "Invite")) };
    let value = shown(state, code, channel, inviter);
    match call.method.as_str() {
        "GET" => Ok(ok(&value)),
        "DELETE" => {
            let found = state.channels.get(&channel).cloned().ok_or_else(|| unknown(10003, "Channel"))?;
            state.need(me, &found, MANAGE_CHANNELS)?;
            state.invites.remove(code);
            Ok(ok(&value))
        }
        _ => Err(fault(StatusCode::METHOD_NOT_ALLOWED, 0, "405: Method Not Allowed")),
    }
}
