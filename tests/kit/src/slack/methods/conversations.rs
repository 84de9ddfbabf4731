//! `conversations.*` about the channels themselves: listed, made, closed, named.

use super::Call;
use crate::slack::args::page;
use crate::slack::mentions::escaped;
use crate::slack::state::{Answer, Channel, Kind, Refusal, State};
use serde_json::{Value, json};

/// A conversation as answers show it.
pub(crate) fn shown(state: &State, channel: &Channel) -> Value {
    let bot = state.bot_of(&channel.team);
    let plain = channel.kind == Kind::Channel;
    let mut shown = json!({
        "id": channel.id,
        "created": channel.created,
        "creator": channel.creator,
        "is_archived": channel.archived,
        "is_channel": plain && !channel.private,
        "is_group": plain && channel.private,
        "is_im": channel.kind == Kind::Direct,
        "is_mpim": channel.kind == Kind::Group,
        "is_private": channel.private,
        "is_general": channel.general,
        "is_shared": false,
        "is_ext_shared": false,
        "is_org_shared": false,
        "is_member": channel.members.contains(&bot),
        "context_team_id": channel.team,
        "updated": channel.created * 1000,
    });
    if channel.kind == Kind::Direct {
        shown["user"] = json!(channel.members.iter().find(|member| **member != bot));
        shown["is_open"] = json!(true);
    } else {
        shown["name"] = json!(channel.name);
        shown["name_normalized"] = json!(channel.name);
        shown["topic"] = json!({ "value": channel.topic, "creator": "", "last_set": 0 });
        shown["purpose"] = json!({ "value": channel.purpose, "creator": "", "last_set": 0 });
        shown["previous_names"] = json!([]);
    }
    shown
}

fn kinds(call: &Call) -> Result<Vec<String>, Refusal> {
    let mut kinds = call.args.list("types");
    if kinds.is_empty() {
        kinds.push("public_channel".into());
    }
    for kind in &kinds {
        let scope = match kind.as_str() {
            "public_channel" => "channels:read",
            "private_channel" => "groups:read",
            "im" => "im:read",
            "mpim" => "mpim:read",
            _ => return Err("invalid_types".into()),
        };
        call.wants(&[scope])?;
    }
    Ok(kinds)
}

fn kind_of(channel: &Channel) -> &'static str {
    match channel.kind {
        Kind::Direct => "im",
        Kind::Group => "mpim",
        Kind::Channel if channel.private => "private_channel",
        Kind::Channel => "public_channel",
    }
}

fn listed(state: &State, call: &Call, keep: impl Fn(&Channel) -> bool) -> Answer {
    let kinds = kinds(call)?;
    let hide = call.args.flag("exclude_archived");
    let found = state.channels.iter().filter(|channel| {
        channel.team == call.team && kinds.iter().any(|kind| kind == kind_of(channel)) && !(hide && channel.archived) && keep(channel)
    });
    let (list, more) = page(found.collect(), &call.args, state.settings.page, state.settings.empty_pages)?;
    let channels: Vec<Value> = list
        .into_iter()
        .map(|channel| {
            let mut shown = shown(state, channel);
            shown["num_members"] = json!(channel.members.len());
            shown
        })
        .collect();
    Ok(json!({ "channels": channels, "response_metadata": more }))
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let bot = state.bot_of(&call.team);
    listed(state, call, |channel| !channel.private || channel.members.contains(&bot))
}

pub(super) fn of_user(state: &mut State, call: &Call) -> Answer {
    let bot = state.bot_of(&call.team);
    let user = call.args.text("user").unwrap_or_else(|| bot.clone());
    state.member(&call.team, &user).ok_or("user_not_found")?;
    listed(state, call, |channel| channel.members.contains(&user) && (!channel.private || channel.members.contains(&bot)))
}

pub(super) fn info(state: &mut State, call: &Call) -> Answer {
    let channel = state.visible(call, &call.args.need("channel")?)?;
    call.wants_for(channel, "read")?;
    let mut shown = shown(state, channel);
    if call.args.flag("include_num_members") {
        shown["num_members"] = json!(channel.members.len());
    }
    Ok(json!({ "channel": shown }))
}

/// The rules for names, <https://docs.slack.dev/reference/methods/conversations.create>.
fn good_name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err("invalid_name_required".into());
    }
    if name.chars().count() > 80 {
        return Err("invalid_name_maxlength".into());
    }
    if !name.chars().any(char::is_alphanumeric) {
        return Err("invalid_name_punctuation".into());
    }
    let good = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || matches!(c, '-' | '_');
    if name.chars().all(good) { Ok(()) } else { Err("invalid_name_specials".into()) }
}

fn free_name(state: &State, team: &str, name: &str) -> Result<(), Refusal> {
    if state.channels.iter().any(|channel| channel.team == team && channel.kind == Kind::Channel && channel.name == name) {
        return Err("name_taken".into());
    }
    Ok(())
}

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let private = call.args.flag("is_private");
    call.wants(if private { &["groups:write"] } else { &["channels:manage", "channels:write"] })?;
    let name = call.args.text("name").unwrap_or_default();
    good_name(&name)?;
    free_name(state, &call.team, &name)?;
    let bot = state.bot_of(&call.team);
    let id = state.ids.id("C");
    let channel = Channel {
        id,
        team: call.team.clone(),
        name,
        kind: Kind::Channel,
        private,
        archived: false,
        general: false,
        members: vec![bot.clone()],
        topic: String::new(),
        purpose: String::new(),
        creator: bot.clone(),
        created: state.time.seconds(),
    };
    let shown = shown(state, &channel);
    if !private {
        let about = json!({ "id": channel.id, "name": channel.name, "created": channel.created, "creator": bot });
        state.tell(&call.team, json!({ "type": "channel_created", "channel": about }), None);
    }
    state.channels.push(channel);
    Ok(json!({ "channel": shown }))
}

/// A channel that the bot is in, of a kind that can be changed.
fn own<'a>(state: &'a State, call: &Call) -> Result<&'a Channel, Refusal> {
    let id = call.args.need("channel")?;
    let channel = state.visible(call, &id)?;
    call.wants_for(channel, "write")?;
    if channel.kind != Kind::Channel {
        return Err("method_not_supported_for_channel_type".into());
    }
    state.joined(call, &id)
}

pub(super) fn archive(state: &mut State, call: &Call) -> Answer {
    let channel = match own(state, call) {
        // The bot lost its place when the channel was closed.
        Err(refusal) if refusal.code == "not_in_channel" => {
            let channel = state.visible(call, &call.args.need("channel")?)?;
            return Err(if channel.archived { "already_archived".into() } else { refusal });
        }
        found => found?,
    };
    if channel.archived {
        return Err("already_archived".into());
    }
    if channel.general {
        return Err("cant_archive_general".into());
    }
    let (id, bot) = (channel.id.clone(), state.bot_of(&call.team));
    state.tell(&call.team, json!({ "type": "channel_archive", "channel": id, "user": bot }), Some(&id));
    if let Some(channel) = state.channel_mut(&id) {
        channel.archived = true;
        channel.members.retain(|member| *member != bot);
    }
    Ok(json!({}))
}

pub(super) fn unarchive(state: &mut State, call: &Call) -> Answer {
    let channel = state.visible(call, &call.args.need("channel")?)?;
    call.wants_for(channel, "write")?;
    if !channel.archived {
        return Err("not_archived".into());
    }
    // A bot lost its membership when the channel was closed, and only members may open it again.
    if channel.members.contains(&state.bot_of(&call.team)) {
        let id = channel.id.clone();
        if let Some(channel) = state.channel_mut(&id) {
            channel.archived = false;
        }
        return Ok(json!({}));
    }
    Err("channel_not_found".into())
}

pub(super) fn rename(state: &mut State, call: &Call) -> Answer {
    let channel = own(state, call)?;
    let (id, bot) = (channel.id.clone(), state.bot_of(&call.team));
    if channel.archived {
        return Err("is_archived".into());
    }
    let mine = channel.creator == bot;
    let old = channel.name.clone();
    let name = call.args.text("name").unwrap_or_default();
    good_name(&name)?;
    if old != name {
        free_name(state, &call.team, &name)?;
    }
    // Only whoever made it, and administrators.
    if !mine {
        return Err("not_authorized".into());
    }
    if let Some(channel) = state.channel_mut(&id) {
        channel.name.clone_from(&name);
    }
    let about = json!({ "id": id, "name": name, "created": state.time.seconds() });
    state.tell(&call.team, json!({ "type": "channel_rename", "channel": about }), Some(&id));
    let channel = state.channel(&id).ok_or("channel_not_found")?;
    Ok(json!({ "channel": shown(state, channel) }))
}

fn said(state: &mut State, call: &Call, what: &str) -> Answer {
    let channel = own(state, call)?;
    if channel.archived {
        return Err("is_archived".into());
    }
    let id = channel.id.clone();
    let text = call.args.text(what).unwrap_or_default();
    if text.chars().count() > 250 {
        return Err("too_long".into());
    }
    if let Some(channel) = state.channel_mut(&id) {
        if what == "topic" {
            channel.topic = escaped(&text);
        } else {
            channel.purpose = escaped(&text);
        }
    }
    let channel = state.channel(&id).ok_or("channel_not_found")?;
    Ok(json!({ "channel": shown(state, channel) }))
}

pub(super) fn topic(state: &mut State, call: &Call) -> Answer {
    said(state, call, "topic")
}

pub(super) fn purpose(state: &mut State, call: &Call) -> Answer {
    said(state, call, "purpose")
}
