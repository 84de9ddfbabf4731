//! Channels: made, changed, taken away. <https://docs.discord.com/developers/resources/channel>

use super::overwrites::{self, overwrites};
use super::{Answer, Fault, fault, made, ok, threads};
use crate::discord::check::Problems;
use crate::discord::ids::Id;
use crate::discord::ledger::Scope;
use crate::discord::limits::TooMany;
use crate::discord::permissions::permission::{MANAGE_CHANNELS, MANAGE_THREADS};
use crate::discord::records::Channel;
use crate::discord::settings::Kind;
use crate::discord::state::State;
use axum::http::StatusCode;
use serde_json::Value;

/// Channels of a guild, and of a category.
const MOST: usize = 500;
const IN_CATEGORY: usize = 50;

/// The name as Discord keeps it: small letters and dashes where the channel is one of text.
fn normal(name: &str, kind: Kind) -> String {
    if !matches!(kind, Kind::Text | Kind::Announcement | Kind::Forum) {
        return name.trim().to_owned();
    }
    let lower = name.trim().to_lowercase();
    let kept = lower
        .chars()
        .map(|c| if c.is_whitespace() { '-' } else { c })
        .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii());
    let mut text = String::new();
    for c in kept {
        if c != '-' || !text.ends_with('-') {
            text.push(c);
        }
    }
    text
}

fn checked(problems: &mut Problems, body: &Value, kind: Kind, needed: bool) {
    problems.text(body, "name", 1, 100, needed);
    problems.text(body, "topic", 0, if kind == Kind::Forum { 4096 } else { 1024 }, false);
    problems.number(body, "rate_limit_per_user", 0, 21_600);
    problems.flag(body, "nsfw");
    problems.list(body, "available_tags", 0, 20);
}

pub(super) fn create(state: &mut State, me: Id, guild: Id, body: &Value) -> Answer {
    state.need_in_guild(me, guild, MANAGE_CHANNELS)?;
    let mut problems = Problems::default();
    let number = problems.choice(body, "type", &[0, 2, 4, 5, 13, 14, 15, 16], false).unwrap_or(0);
    let kind = Kind::of(number).unwrap_or_default();
    checked(&mut problems, body, kind, true);
    let parent = parent(state, &mut problems, guild, &body["parent_id"]);
    problems.done()?;
    let given = overwrites(state, me, guild, &body["permission_overwrites"])?;
    let here = state.channels.values().filter(|one| one.guild == Some(guild) && !one.kind.is_thread()).count();
    if here >= MOST {
        return Err(fault(StatusCode::BAD_REQUEST, 30013, "Maximum number of guild channels reached (500)"));
    }
    let id = state.fresh();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let inherited = parent.and_then(|id| state.channels.get(&id)).map(|category| category.overwrites.clone()).unwrap_or_default();
    let channel = Channel {
        guild: Some(guild),
        name: normal(&text("name"), kind),
        topic: text("topic"),
        parent,
        position: here as u64,
        overwrites: if body["permission_overwrites"].is_array() { given } else { inherited },
        slowmode: body["rate_limit_per_user"].as_u64().unwrap_or(0),
        nsfw: body["nsfw"].as_bool().unwrap_or(false),
        tags: body["available_tags"].as_array().cloned().unwrap_or_default(),
        ..Channel::new(id, kind)
    };
    let value = state.channel_json(&channel);
    state.channels.insert(id, channel);
    state.tell_channel("CHANNEL_CREATE", id);
    Ok(made(&value))
}

/// The category of a channel.
fn parent(state: &State, problems: &mut Problems, guild: Id, value: &Value) -> Option<Id> {
    let id = value.as_str()?.parse::<Id>().ok();
    let found = id.and_then(|id| state.channels.get(&id)).filter(|one| one.kind == Kind::Category && one.guild == Some(guild));
    if found.is_none() {
        problems.add("parent_id", "CHANNEL_PARENT_INVALID", "Category does not exist");
    }
    let inside = state.channels.values().filter(|one| one.parent == id).count();
    if inside >= IN_CATEGORY {
        problems.add("parent_id", "CHANNEL_PARENT_MAX_CHANNELS", "Maximum number of channels in category reached (50)");
    }
    id
}

pub(super) fn change(state: &mut State, me: Id, channel: &Channel, body: &Value) -> Answer {
    if channel.kind.is_thread() {
        return threads::change(state, me, channel, body);
    }
    let Some(guild) = channel.guild else { return Err(fault(StatusCode::FORBIDDEN, 50003, "Cannot execute action on a DM channel")) };
    state.need(me, channel, MANAGE_CHANNELS)?;
    let mut problems = Problems::default();
    checked(&mut problems, body, channel.kind, false);
    let moved = match body.get("parent_id") {
        Some(Value::Null) => Some(None),
        Some(value) if value.as_str().and_then(|id| id.parse().ok()) == channel.parent => None,
        Some(value) => Some(parent(state, &mut problems, guild, value)),
        None => None,
    };
    problems.done()?;
    let given = if body["permission_overwrites"].is_array() {
        overwrites::may_change(state, me, channel)?;
        Some(overwrites(state, me, guild, &body["permission_overwrites"])?)
    } else {
        None
    };
    if body["name"].is_string() || body.get("topic").is_some() {
        let (limits, now) = (state.settings.limits.clone(), state.micros());
        state.meter.rename(&limits, channel.id, now).map_err(|wait| Fault::Limited(TooMany { wait, scope: Scope::User, shown: None }))?;
    }
    if let Some(known) = state.channels.get_mut(&channel.id) {
        if let Some(name) = body["name"].as_str() {
            known.name = normal(name, known.kind);
        }
        if let Some(topic) = body.get("topic") {
            topic.as_str().unwrap_or_default().clone_into(&mut known.topic);
        }
        known.slowmode = body["rate_limit_per_user"].as_u64().unwrap_or(known.slowmode);
        known.position = body["position"].as_u64().unwrap_or(known.position);
        known.nsfw = body["nsfw"].as_bool().unwrap_or(known.nsfw);
        if let Some(parent) = moved {
            known.parent = parent;
        }
        if let Some(given) = given {
            known.overwrites = given;
        }
    }
    state.tell_channel("CHANNEL_UPDATE", channel.id);
    Ok(ok(&state.channels.get(&channel.id).map(|one| state.channel_json(one)).unwrap_or_default()))
}

pub(super) fn delete(state: &mut State, me: Id, channel: &Channel) -> Answer {
    let Some(guild) = channel.guild else { return Ok(ok(&state.channel_json(channel))) };
    state.need(me, channel, if channel.kind.is_thread() { MANAGE_THREADS } else { MANAGE_CHANNELS })?;
    if state.guilds.get(&guild).is_some_and(|guild| guild.community && guild.rules == Some(channel.id)) {
        return Err(fault(StatusCode::BAD_REQUEST, 50074, "Cannot delete a channel required for Community guilds"));
    }
    let value = state.channel_json(channel);
    state.close_channel(channel.id);
    Ok(ok(&value))
}

impl State {
    /// Takes a channel away for good, with its threads. What is in a category stays.
    pub(in crate::discord) fn close_channel(&mut self, id: Id) {
        let name = if self.channels.get(&id).is_some_and(|one| one.kind.is_thread()) { "THREAD_DELETE" } else { "CHANNEL_DELETE" };
        self.tell_channel(name, id);
        let Some(gone) = self.channels.remove(&id) else { return };
        if gone.kind == Kind::Category {
            for one in self.channels.values_mut().filter(|one| one.parent == Some(id)) {
                one.parent = None;
            }
        }
        self.channels.retain(|_, one| !(one.kind.is_thread() && one.parent == Some(id)));
        self.webhooks.retain(|_, webhook| webhook.channel != id);
        self.messages.remove(&id);
    }
}

pub(super) fn open_direct(state: &mut State, me: Id, body: &Value) -> Answer {
    let bot = state.app(me).map_or(0, |app| app.bot);
    let mut problems = Problems::default();
    if problems.text(body, "recipient_id", 1, 20, true).is_none() {
        problems.done()?;
    }
    let user = body["recipient_id"].as_str().and_then(|id| id.parse().ok()).unwrap_or(0);
    let Some(found) = state.users.get(&user) else { return Err(fault(StatusCode::BAD_REQUEST, 50033, "Invalid Recipient(s)")) };
    if found.bot {
        return Err(fault(StatusCode::BAD_REQUEST, 50007, "Cannot send messages to this user"));
    }
    let id = state.direct(bot, user);
    Ok(ok(&state.channels.get(&id).map(|one| state.channel_json(one)).unwrap_or_default()))
}

/// The channels of a guild, threads apart: those that the bot doesn't see as well.
pub(super) fn of_guild(state: &State, guild: Id) -> Vec<Value> {
    state.channels.values().filter(|one| one.guild == Some(guild) && !one.kind.is_thread()).map(|one| state.channel_json(one)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_text_channels_are_small_and_dashed() {
        assert_eq!(normal("On Call  Crew!", Kind::Text), "on-call-crew");
        assert_eq!(normal("Über uns", Kind::Text), "über-uns");
        assert_eq!(normal("Rooms Here", Kind::Category), "Rooms Here");
    }
}
