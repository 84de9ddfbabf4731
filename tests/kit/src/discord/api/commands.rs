//! Application commands, global and of guilds. <https://docs.discord.com/developers/interactions/application-commands>

use super::call::{Body, Call};
use super::{Answer, Fault, fault, id, made, no_access, nothing, ok, unknown};
use crate::discord::check::Problems;
use crate::discord::check::command::command;
use crate::discord::ids::Id;
use crate::discord::objects::command_json;
use crate::discord::records::Command;
use crate::discord::state::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const DAY: i64 = 86_400_000;

/// How many there may be of each type: typed, on people, on messages.
const MOST: [(u64, usize); 4] = [(1, 100), (2, 15), (3, 15), (4, 1)];

pub(super) fn answer(state: &mut State, call: &Call, me: Id, application: &str, rest: &[&str], body: Body) -> Answer {
    if id(application, "application_id")? != me {
        return Err(fault(StatusCode::FORBIDDEN, 20012, "You are not authorized to perform this action on this application"));
    }
    match rest {
        ["commands", rest @ ..] => scoped(state, call, me, None, rest, body),
        ["guilds", guild, "commands", rest @ ..] => {
            let guild = id(guild, "guild_id")?;
            let bot = state.app(me).map_or(0, |app| app.bot);
            if !state.guilds.get(&guild).is_some_and(|guild| guild.members.contains_key(&bot)) {
                return Err(no_access());
            }
            scoped(state, call, me, Some(guild), rest, body)
        }
        [] if call.method == "GET" => Ok(ok(&state.app_json(me))),
        _ => Err(fault(StatusCode::NOT_FOUND, 0, "404: Not Found")),
    }
}

/// The command as Discord keeps it: defaults filled in, what says nothing left out.
fn kept(body: &Value) -> Value {
    let mut value = json!({
        "type": body["type"].as_u64().unwrap_or(1), "name": body["name"], "description": body["description"].as_str().unwrap_or_default(),
        "name_localizations": body["name_localizations"], "description_localizations": body["description_localizations"],
        "default_member_permissions": body["default_member_permissions"], "contexts": body["contexts"],
        "integration_types": if body["integration_types"].is_array() { body["integration_types"].clone() } else { json!([0]) },
        "nsfw": body["nsfw"].as_bool().unwrap_or(false), "dm_permission": true,
    });
    if body["options"].as_array().is_some_and(|list| !list.is_empty()) {
        value["options"] = body["options"].as_array().into_iter().flatten().map(option).collect();
    }
    value
}

fn option(value: &Value) -> Value {
    let mut kept = value.clone();
    if let Some(own) = kept.as_object_mut() {
        own.retain(|name, value| {
            let says_nothing = match name.as_str() {
                "required" | "autocomplete" => value.as_bool() == Some(false),
                "choices" | "options" | "channel_types" => value.as_array().is_some_and(Vec::is_empty),
                _ => false,
            };
            !says_nothing && !value.is_null()
        });
        if let Some(list) = own.get("options").and_then(Value::as_array) {
            let inner: Value = list.iter().map(option).collect();
            own.insert("options".into(), inner);
        }
    }
    kept
}

fn scoped(state: &mut State, call: &Call, me: Id, guild: Option<Id>, rest: &[&str], body: Body) -> Answer {
    let own = |state: &State| -> Vec<Command> {
        state.app(me).into_iter().flat_map(|app| &app.commands).filter(|one| one.guild == guild).cloned().collect()
    };
    match (call.method.as_str(), rest) {
        ("GET", []) => Ok(ok(&own(state).iter().map(|one| command_json(me, one)).collect())),
        ("POST", []) => {
            let (body, _) = body.split();
            checked(&body, |problems| command(problems, &body))?;
            state.ledger.command_writes += 1;
            upsert(state, me, guild, &body)
        }
        ("PUT", []) => overwrite(state, me, guild, &body.split().0),
        (_, ["permissions"]) => Ok(ok(&json!([]))),
        (method, [number, rest @ ..]) => {
            let number = id(number, "command_id")?;
            let Some(found) = own(state).into_iter().find(|one| one.id == number) else {
                return Err(unknown(10063, "application command"));
            };
            match (method, rest) {
                ("GET", []) => Ok(ok(&command_json(me, &found))),
                ("DELETE", []) => {
                    state.ledger.command_writes += 1;
                    if let Some(app) = state.app_mut(me) {
                        app.commands.retain(|one| one.id != number);
                    }
                    Ok(nothing())
                }
                ("PATCH", []) => {
                    let (change, _) = body.split();
                    let mut merged = found.body.clone();
                    if let (Some(merged), Some(change)) = (merged.as_object_mut(), change.as_object()) {
                        merged.extend(change.clone());
                    }
                    checked(&merged, |problems| command(problems, &merged))?;
                    state.ledger.command_writes += 1;
                    let version = state.fresh();
                    let fresh = Command { id: number, guild, version, body: kept(&merged) };
                    let value = command_json(me, &fresh);
                    if let Some(known) = state.app_mut(me).and_then(|app| app.commands.iter_mut().find(|one| one.id == number)) {
                        *known = fresh;
                    }
                    Ok(ok(&value))
                }
                (_, ["permissions"]) if method == "PUT" => Err(fault(StatusCode::FORBIDDEN, 20001, "Bots cannot use this endpoint")),
                (_, ["permissions"]) => Err(unknown(10066, "application command permissions")),
                _ => Err(fault(StatusCode::NOT_FOUND, 0, "404: Not Found")),
            }
        }
        _ => Err(fault(StatusCode::NOT_FOUND, 0, "404: Not Found")),
    }
}

fn checked(body: &Value, look: impl FnOnce(&mut Problems)) -> Result<(), Fault> {
    let mut problems = Problems::default();
    if body.is_object() || body.is_array() {
        look(&mut problems);
    } else {
        problems.add("", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType");
    }
    problems.done()
}

/// Counts commands that are made anew, of which there may be so many in a day.
fn creates(state: &mut State, me: Id, guild: Option<Id>, count: usize) -> Result<(), Fault> {
    let (now, most) = (state.millis(), state.settings.creates_a_day);
    let Some(app) = state.app_mut(me) else { return Err(no_access()) };
    app.creates.retain(|(_, at)| now - at < DAY);
    let before = app.creates.iter().filter(|(known, _)| *known == guild).count();
    if before + count > most {
        return Err(fault(StatusCode::BAD_REQUEST, 30034, "Max number of daily application command creates has been reached (200)"));
    }
    app.creates.extend(std::iter::repeat_n((guild, now), count));
    state.ledger.creates += count as u64;
    Ok(())
}

fn too_many(all: &[(u64, usize)]) -> Result<(), Fault> {
    for (kind, count) in all {
        let most = MOST.iter().find(|(known, _)| known == kind).map_or(0, |(_, most)| *most);
        if *count > most {
            return Err(fault(StatusCode::BAD_REQUEST, 30032, &format!("Maximum number of application commands reached ({most})")));
        }
    }
    Ok(())
}

fn upsert(state: &mut State, me: Id, guild: Option<Id>, body: &Value) -> Answer {
    let (name, kind) = (body["name"].as_str().unwrap_or_default(), body["type"].as_u64().unwrap_or(1));
    let commands = state.app(me).map(|app| app.commands.clone()).unwrap_or_default();
    let there = commands.iter().find(|one| one.guild == guild && one.name() == name && one.kind() == kind);
    let version = state.fresh();
    let number = if let Some(there) = there {
        there.id
    } else {
        too_many(&[(kind, commands.iter().filter(|one| one.guild == guild && one.kind() == kind).count() + 1)])?;
        creates(state, me, guild, 1)?;
        version
    };
    let fresh = Command { id: number, guild, version, body: kept(body) };
    let value = command_json(me, &fresh);
    let new = there.is_none();
    if let Some(app) = state.app_mut(me) {
        app.commands.retain(|one| one.id != number);
        app.commands.push(fresh);
    }
    Ok(if new { made(&value) } else { ok(&value) })
}

/// All commands of all types at once: those that are not in the list are gone.
fn overwrite(state: &mut State, me: Id, guild: Option<Id>, body: &Value) -> Answer {
    let Some(list) = body.as_array() else {
        let mut problems = Problems::default();
        problems.add("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType");
        return Err(problems.done().err().unwrap_or_else(no_access));
    };
    let mut names = BTreeSet::new();
    checked(body, |problems| {
        for (n, value) in list.iter().enumerate() {
            problems.within(n, |problems| {
                command(problems, value);
                if !names.insert((value["name"].as_str(), value["type"].as_u64().unwrap_or(1))) {
                    problems.add("name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique");
                }
            });
        }
    })?;
    let count = |kind: u64| list.iter().filter(|value| value["type"].as_u64().unwrap_or(1) == kind).count();
    too_many(&MOST.map(|(kind, _)| (kind, count(kind))))?;
    let before: Vec<Command> = state.app(me).into_iter().flat_map(|app| &app.commands).filter(|one| one.guild == guild).cloned().collect();
    let there = |value: &Value| {
        before.iter().find(|one| Some(one.name()) == value["name"].as_str() && one.kind() == value["type"].as_u64().unwrap_or(1))
    };
    creates(state, me, guild, list.iter().filter(|value| there(value).is_none()).count())?;
    state.ledger.command_writes += 1;
    let mut fresh = Vec::new();
    for value in list {
        let version = state.fresh();
        fresh.push(Command { id: there(value).map_or(version, |one| one.id), guild, version, body: kept(value) });
    }
    let shown: Value = fresh.iter().map(|one| command_json(me, one)).collect();
    if let Some(app) = state.app_mut(me) {
        app.commands.retain(|one| one.guild != guild);
        app.commands.extend(fresh);
    }
    Ok(ok(&shown))
}
