//! `conversations.*` about who is in: members, invite, kick, join, leave, open, close.

use super::Call;
use super::conversations::shown;
use crate::slack::args::page;
use crate::slack::state::{Answer, Kind, Refusal, State};
use serde_json::{Value, json};

/// The most people in one invitation.
const INVITED: usize = 100;
/// The most other people in a group conversation.
const TOGETHER: usize = 8;

pub(super) fn members(state: &mut State, call: &Call) -> Answer {
    let channel = state.visible(call, &call.args.need("channel")?)?;
    call.wants_for(channel, "read")?;
    let (list, more) = page(channel.members.clone(), &call.args, state.settings.page, state.settings.empty_pages)?;
    Ok(json!({ "members": list, "response_metadata": more }))
}

pub(super) fn invite(state: &mut State, call: &Call) -> Answer {
    let id = call.args.need("channel")?;
    let channel = state.visible(call, &id)?;
    match call.wants_for(channel, "write") {
        Ok(()) => {}
        Err(refusal) => call.wants(&["channels:write.invites", "groups:write.invites"]).map_err(|_| refusal)?,
    }
    if channel.kind != Kind::Channel {
        return Err("method_not_supported_for_channel_type".into());
    }
    let channel = state.joined(call, &id)?;
    if channel.archived {
        return Err("is_archived".into());
    }
    let users = call.args.list("users");
    if users.is_empty() {
        return Err("no_user".into());
    }
    if users.len() > INVITED {
        return Err(Refusal::messages("invalid_arguments", &[format!("[ERROR] no more than {INVITED} users [json-pointer:/users]")]));
    }
    let bot = state.bot_of(&call.team);
    let wrong = |user: &String| match state.member(&call.team, user) {
        _ if *user == bot => Some("cant_invite_self"),
        None => Some("user_not_found"),
        Some(known) if known.spec.deactivated => Some("user_not_found"),
        Some(_) if channel.members.contains(user) => Some("already_in_channel"),
        Some(_) => None,
    };
    let errors: Vec<(String, &str)> = users.iter().filter_map(|user| wrong(user).map(|error| (user.clone(), error))).collect();
    let force = call.args.flag("force");
    if let Some((_, first)) = errors.first()
        && (!force || errors.len() == users.len())
    {
        let all: Vec<Value> = errors.iter().map(|(user, error)| json!({ "user": user, "ok": false, "error": error })).collect();
        return Err(Refusal::with(first, if users.len() > 1 { json!({ "errors": all }) } else { json!({}) }));
    }
    let good = users.into_iter().filter(|user| !errors.iter().any(|(wrong, _)| wrong == user));
    for user in good {
        state.join(&call.team, &id, &user, Some(&bot));
    }
    let channel = state.channel(&id).ok_or("channel_not_found")?;
    Ok(json!({ "channel": shown(state, channel) }))
}

impl State {
    /// Somebody comes into a channel.
    pub(crate) fn join(&mut self, team: &str, channel: &str, user: &str, inviter: Option<&str>) {
        if let Some(channel) = self.channel_mut(channel)
            && !channel.members.iter().any(|member| member == user)
        {
            channel.members.push(user.to_owned());
        }
        let kind = if self.channel(channel).is_some_and(|channel| channel.private) { "G" } else { "C" };
        let body = json!({ "type": "member_joined_channel", "user": user, "channel": channel, "channel_type": kind, "team": team, "inviter": inviter });
        self.tell(team, body, Some(channel));
    }

    /// Somebody goes.
    pub(crate) fn part(&mut self, team: &str, channel: &str, user: &str) {
        let kind = if self.channel(channel).is_some_and(|channel| channel.private) { "G" } else { "C" };
        self.tell(
            team,
            json!({ "type": "member_left_channel", "user": user, "channel": channel, "channel_type": kind, "team": team }),
            Some(channel),
        );
        if let Some(channel) = self.channel_mut(channel) {
            channel.members.retain(|member| member != user);
        }
    }
}

pub(super) fn kick(state: &mut State, call: &Call) -> Answer {
    let (id, user) = (call.args.need("channel")?, call.args.need("user")?);
    let channel = state.visible(call, &id)?;
    call.wants_for(channel, "write")?;
    if channel.kind != Kind::Channel {
        return Err("method_not_supported_for_channel_type".into());
    }
    let channel = state.joined(call, &id)?;
    if user == state.bot_of(&call.team) {
        return Err("cant_kick_self".into());
    }
    if channel.general {
        return Err("cant_kick_from_general".into());
    }
    state.member(&call.team, &user).ok_or("user_not_found")?;
    if !channel.members.contains(&user) {
        return Err("not_in_channel".into());
    }
    state.part(&call.team, &id, &user);
    Ok(json!({ "errors": {} }))
}

pub(super) fn join(state: &mut State, call: &Call) -> Answer {
    call.wants(&["channels:join"])?;
    let id = call.args.need("channel")?;
    let channel = state.visible(call, &id)?;
    if channel.kind != Kind::Channel || channel.private {
        return Err("method_not_supported_for_channel_type".into());
    }
    if channel.archived {
        return Err("is_archived".into());
    }
    let bot = state.bot_of(&call.team);
    let already = channel.members.contains(&bot);
    if !already {
        state.join(&call.team, &id, &bot, None);
    }
    let channel = state.channel(&id).ok_or("channel_not_found")?;
    let mut answer = json!({ "channel": shown(state, channel) });
    if already {
        answer["warning"] = json!("already_in_channel");
        answer["response_metadata"] = json!({ "warnings": ["already_in_channel"] });
    }
    Ok(answer)
}

pub(super) fn leave(state: &mut State, call: &Call) -> Answer {
    let id = call.args.need("channel")?;
    let channel = state.visible(call, &id)?;
    call.wants_for(channel, "write")?;
    if channel.kind != Kind::Channel {
        return Err("method_not_supported_for_channel_type".into());
    }
    if channel.general {
        return Err("cant_leave_general".into());
    }
    if channel.archived {
        return Err("is_archived".into());
    }
    let bot = state.bot_of(&call.team);
    if !channel.members.contains(&bot) {
        return Ok(json!({ "not_in_channel": true }));
    }
    if channel.members.len() == 1 {
        return Err("last_member".into());
    }
    state.part(&call.team, &id, &bot);
    Ok(json!({}))
}

pub(super) fn open(state: &mut State, call: &Call) -> Answer {
    let users = call.args.list("users");
    let full = call.args.flag("return_im");
    let id = if let Some(channel) = call.args.text("channel") {
        let channel = state.visible(call, &channel)?;
        if channel.kind == Kind::Channel {
            return Err("method_not_supported_for_channel_type".into());
        }
        call.wants_for(channel, "write")?;
        channel.id.clone()
    } else {
        if users.is_empty() {
            return Err("users_list_not_supplied".into());
        }
        call.wants(&[if users.len() > 1 { "mpim:write" } else { "im:write" }])?;
        if users.len() > TOGETHER {
            return Err("too_many_users".into());
        }
        for user in &users {
            let known = state.member(&call.team, user).ok_or("user_not_found")?;
            if known.spec.deactivated {
                return Err("user_disabled".into());
            }
        }
        let bot = state.bot_of(&call.team);
        let mut people = users;
        people.push(bot);
        state.direct(&call.team, &people)
    };
    let channel = state.channel(&id).ok_or("channel_not_found")?;
    Ok(json!({ "channel": if full { shown(state, channel) } else { json!({ "id": id }) } }))
}

pub(super) fn close(state: &mut State, call: &Call) -> Answer {
    let channel = state.visible(call, &call.args.need("channel")?)?;
    call.wants_for(channel, "write")?;
    if channel.kind == Kind::Channel {
        return Err("method_not_supported_for_channel_type".into());
    }
    Ok(json!({}))
}
