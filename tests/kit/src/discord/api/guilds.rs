//! Guilds: their channels, roles and members. <https://docs.discord.com/developers/resources/guild>

use super::call::{Body, Call};
use super::{Answer, channels, fault, id, no_access, no_permission, nothing, ok, unknown};
use crate::discord::check::Problems;
use crate::discord::ids::Id;
use crate::discord::objects::role_json;
use crate::discord::permissions::permission::MANAGE_ROLES;
use crate::discord::records::{Guild, Role};
use crate::discord::server::Reply;
use crate::discord::state::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// Roles of a guild.
const ROLES: usize = 250;

pub(super) fn own(state: &State, me: Id) -> Reply {
    let bot = state.app(me).map_or(0, |app| app.bot);
    let own = state.guilds.values().filter(|guild| guild.members.contains_key(&bot));
    let list: Vec<Value> = own
        .map(|guild| {
            let permissions = guild.base_permissions(bot).to_string();
            json!({ "id": guild.id.to_string(), "name": guild.name, "icon": null, "owner": false, "permissions": permissions, "features": [] })
        })
        .collect();
    ok(&json!(list))
}

pub(super) fn answer(state: &mut State, call: &Call, me: Id, guild: &str, rest: &[&str], body: Body) -> Answer {
    let guild_id = id(guild, "guild_id")?;
    let bot = state.app(me).map_or(0, |app| app.bot);
    let Some(guild) = state.guilds.get(&guild_id).cloned() else { return Err(unknown(10004, "Guild")) };
    if !guild.members.contains_key(&bot) {
        return Err(no_access());
    }
    if guild.unavailable {
        return Err(fault(StatusCode::SERVICE_UNAVAILABLE, 0, "the guild is not available"));
    }
    match (call.method.as_str(), rest) {
        ("GET", []) => Ok(ok(&guild.brief())),
        ("GET", ["channels"]) => Ok(ok(&json!(channels::of_guild(state, guild_id)))),
        ("POST", ["channels"]) => channels::create(state, me, guild_id, &body.split().0),
        ("GET", ["threads", "active"]) => {
            let all = state.channels.values().filter(|one| one.guild == Some(guild_id) && one.kind.is_thread() && !one.archived);
            let list: Vec<Value> = all.filter(|one| state.sees(one, bot)).map(|one| state.channel_json(one)).collect();
            Ok(ok(&json!({ "threads": list, "members": [] })))
        }
        ("GET", ["roles"]) => Ok(ok(&guild.roles.iter().map(role_json).collect())),
        ("POST", ["roles"]) => create_role(state, me, &guild, &body.split().0),
        ("PATCH" | "DELETE", ["roles", role]) => change_role(state, me, &guild, &call.method, id(role, "role_id")?, &body.split().0),
        ("GET", ["webhooks"]) => {
            state.need_in_guild(me, guild_id, crate::discord::permissions::permission::MANAGE_WEBHOOKS)?;
            let own = state.webhooks.values().filter(|webhook| webhook.guild == guild_id);
            Ok(ok(&own.map(crate::discord::objects::webhook_json).collect()))
        }
        (method, ["members", rest @ ..]) => members(state, call, me, &guild, method, rest),
        _ => Err(fault(StatusCode::NOT_FOUND, 0, "404: Not Found")),
    }
}

fn members(state: &mut State, call: &Call, me: Id, guild: &Guild, method: &str, rest: &[&str]) -> Answer {
    let limit = |most: usize, plain: usize| -> Result<usize, super::Fault> {
        let mut problems = Problems::default();
        let limit = call.arg("limit").map_or(Ok(plain), str::parse::<usize>).unwrap_or(0);
        if !(1..=most).contains(&limit) {
            problems.add("limit", "NUMBER_TYPE_MAX", &format!("int value should be between 1 and {most}."));
        }
        problems.done()?;
        Ok(limit)
    };
    match (method, rest) {
        ("GET", []) => {
            if state.app(me).is_none_or(|app| app.privileged & 2 == 0) {
                return Err(no_access());
            }
            let after = call.arg("after").and_then(|text| text.parse().ok()).unwrap_or(0);
            let all = guild.members.keys().filter(|id| **id > after).take(limit(1000, 1)?);
            Ok(ok(&all.map(|id| state.member_json(guild, *id)).collect()))
        }
        ("GET", ["search"]) => {
            let Some(query) = call.arg("query").filter(|query| !query.is_empty()).map(str::to_lowercase) else {
                let mut problems = Problems::default();
                problems.required("query");
                return Err(problems.done().err().unwrap_or_else(no_access));
            };
            let named = |id: &&Id| {
                state.users.get(id).is_some_and(|user| {
                    user.spec.name.to_lowercase().starts_with(&query) || user.spec.display_name.to_lowercase().starts_with(&query)
                })
            };
            let all = guild.members.keys().filter(named).take(limit(1000, 1)?);
            Ok(ok(&all.map(|id| state.member_json(guild, *id)).collect()))
        }
        ("GET", [user]) => {
            let user = if *user == "@me" { me } else { id(user, "user_id")? };
            if guild.members.contains_key(&user) {
                return Ok(ok(&state.member_json(guild, user)));
            }
            Err(if state.users.contains_key(&user) { unknown(10007, "Member") } else { unknown(10013, "User") })
        }
        ("PUT" | "DELETE", [user, "roles", role]) => {
            let (user, role) = (id(user, "user_id")?, id(role, "role_id")?);
            state.need_in_guild(me, guild.id, MANAGE_ROLES)?;
            let Some(found) = guild.roles.iter().find(|one| one.id == role) else { return Err(unknown(10011, "Role")) };
            if !guild.members.contains_key(&user) {
                return Err(unknown(10007, "Member"));
            }
            // Only what stands below the own highest role can be given and taken.
            if guild.rank(me) <= found.position || found.managed.is_some() {
                return Err(no_permission());
            }
            if let Some(member) = state.guilds.get_mut(&guild.id).and_then(|guild| guild.members.get_mut(&user)) {
                if method == "PUT" {
                    member.roles.insert(role)
                } else {
                    member.roles.remove(&role)
                };
            }
            state.tell_member(guild.id, user);
            Ok(nothing())
        }
        ("DELETE", [_]) => {
            state.need_in_guild(me, guild.id, 1 << 1)?;
            Ok(nothing())
        }
        _ => Err(fault(StatusCode::NOT_FOUND, 0, "404: Not Found")),
    }
}

fn permissions(me: Id, guild: &Guild, body: &Value) -> Result<Option<u64>, super::Fault> {
    let mut problems = Problems::default();
    problems.text(body, "name", 1, 100, false);
    problems.number(body, "color", 0, 0xff_ffff);
    problems.flag(body, "mentionable");
    problems.flag(body, "hoist");
    let bits = match &body["permissions"] {
        Value::Null => None,
        Value::String(text) if text.parse::<u64>().is_ok() => text.parse().ok(),
        other => {
            problems.add("permissions", "PERMISSION_TYPE_COERCE", &format!("{other} is no permission bit set"));
            None
        }
    };
    problems.done()?;
    if bits.is_some_and(|bits| bits & !guild.base_permissions(me) != 0) {
        return Err(no_permission());
    }
    Ok(bits)
}

fn create_role(state: &mut State, me: Id, guild: &Guild, body: &Value) -> Answer {
    state.need_in_guild(me, guild.id, MANAGE_ROLES)?;
    let bits = permissions(me, guild, body)?;
    if guild.roles.len() >= ROLES {
        return Err(fault(StatusCode::BAD_REQUEST, 30005, "Maximum number of server roles reached (250)"));
    }
    let everyone = guild.roles.first().map_or(0, |role| role.permissions);
    let fresh = Role {
        id: state.fresh(),
        name: body["name"].as_str().unwrap_or("new role").to_owned(),
        permissions: bits.unwrap_or(everyone),
        // New roles come in at the bottom.
        position: 1,
        mentionable: body["mentionable"].as_bool().unwrap_or(false),
        managed: None,
        color: body["color"].as_u64().unwrap_or(0),
        hoist: body["hoist"].as_bool().unwrap_or(false),
    };
    let value = role_json(&fresh);
    if let Some(guild) = state.guilds.get_mut(&guild.id) {
        for role in guild.roles.iter_mut().filter(|role| role.position > 0) {
            role.position += 1;
        }
        guild.roles.push(fresh);
    }
    state.tell_role(guild.id, "GUILD_ROLE_CREATE", &value);
    Ok(ok(&value))
}

fn change_role(state: &mut State, me: Id, guild: &Guild, method: &str, role: Id, body: &Value) -> Answer {
    state.need_in_guild(me, guild.id, MANAGE_ROLES)?;
    let Some(found) = guild.roles.iter().find(|one| one.id == role) else { return Err(unknown(10011, "Role")) };
    if guild.rank(me) <= found.position {
        return Err(no_permission());
    }
    let bits = permissions(me, guild, body)?;
    let Some(known) = state.guilds.get_mut(&guild.id) else { return Err(unknown(10004, "Guild")) };
    if method == "DELETE" {
        known.roles.retain(|one| one.id != role);
        for member in known.members.values_mut() {
            member.roles.remove(&role);
        }
        return Ok(nothing());
    }
    let Some(known) = known.roles.iter_mut().find(|one| one.id == role) else { return Err(unknown(10011, "Role")) };
    if let Some(name) = body["name"].as_str() {
        name.clone_into(&mut known.name);
    }
    known.permissions = bits.unwrap_or(known.permissions);
    known.mentionable = body["mentionable"].as_bool().unwrap_or(known.mentionable);
    let value = role_json(known);
    state.tell_role(guild.id, "GUILD_ROLE_UPDATE", &value);
    Ok(ok(&value))
}
