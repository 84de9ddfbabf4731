//! Who may do what in a channel. A bot only gives and takes what it may do itself.

use super::{Answer, Fault, no_permission, nothing};
use crate::discord::check::Problems;
use crate::discord::ids::Id;
use crate::discord::permissions::permission::{ADMINISTRATOR, MANAGE_ROLES};
use crate::discord::records::{Channel, Overwrite};
use crate::discord::state::State;
use serde_json::Value;

fn bits(problems: &mut Problems, value: &Value, name: &str) -> u64 {
    match &value[name] {
        Value::Null => 0,
        Value::String(text) if text.parse::<u64>().is_ok() => text.parse().unwrap_or(0),
        other => {
            problems.add(name, "PERMISSION_TYPE_COERCE", &format!("{other} is no permission bit set"));
            0
        }
    }
}

fn one(problems: &mut Problems, value: &Value, id: Id) -> Overwrite {
    let kind = problems.choice(value, "type", &[0, 1], true);
    let (allow, deny) = (bits(problems, value, "allow"), bits(problems, value, "deny"));
    Overwrite { id, member: kind == Some(1), allow, deny }
}

/// Reads a list of them; the app has to hold every bit itself.
pub(super) fn overwrites(state: &State, me: Id, guild: Id, value: &Value) -> Result<Vec<Overwrite>, Fault> {
    let Some(list) = value.as_array() else { return Ok(Vec::new()) };
    let mut problems = Problems::default();
    let mut all = Vec::new();
    if list.len() > 100 {
        problems.add("permission_overwrites", "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.");
    }
    for (n, value) in list.iter().enumerate() {
        problems.within(format!("permission_overwrites.{n}"), |problems| match value["id"].as_str().and_then(|id| id.parse().ok()) {
            Some(id) => all.push(one(problems, value, id)),
            None => problems.required("id"),
        });
    }
    problems.done()?;
    let own = state.app(me).map_or(0, |app| app.bot);
    let held = state.guilds.get(&guild).map_or(0, |guild| guild.base_permissions(own));
    let beyond = all.iter().any(|one| (one.allow | one.deny) & !held != 0);
    if beyond && held & ADMINISTRATOR == 0 {
        return Err(no_permission());
    }
    Ok(all)
}

/// Whether an app may change who may do what in a channel.
pub(super) fn may_change(state: &State, me: Id, channel: &Channel) -> Result<(), Fault> {
    state.need(me, channel, MANAGE_ROLES)
}

pub(super) fn change(state: &mut State, me: Id, channel: &Channel, method: &str, id: Id, body: &Value) -> Answer {
    may_change(state, me, channel)?;
    if method == "DELETE" {
        if let Some(known) = state.channels.get_mut(&channel.id) {
            known.overwrites.retain(|one| one.id != id);
        }
    } else {
        let mut problems = Problems::default();
        let fresh = one(&mut problems, body, id);
        problems.done()?;
        let bot = state.app(me).map_or(0, |app| app.bot);
        if (fresh.allow | fresh.deny) & !state.permissions(channel, bot) != 0 {
            return Err(no_permission());
        }
        if let Some(known) = state.channels.get_mut(&channel.id) {
            known.overwrites.retain(|one| one.id != id);
            known.overwrites.push(fresh);
        }
    }
    state.tell_channel("CHANNEL_UPDATE", channel.id);
    Ok(nothing())
}
