//! `auth.*`, `apps.connections.open`, `team.info`: who the token is.

use super::Call;
use crate::slack::state::{Answer, State};
use serde_json::json;

pub(super) fn test(state: &mut State, call: &Call) -> Answer {
    if state.token(&call.token)?.app_level {
        return Ok(json!({ "app_name": "Bellhop", "app_id": state.app.id }));
    }
    let team = state.team(&call.team).ok_or("invalid_auth")?;
    Ok(json!({
        "url": format!("https://{}.slack.com/", team.name),
        "team": team.name,
        "user": "bellhop",
        "team_id": team.id,
        "user_id": team.bot_user,
        "bot_id": team.bot_id,
        "is_enterprise_install": false,
    }))
}

pub(super) fn api_test(_: &mut State, call: &Call) -> Answer {
    match call.args.text("error") {
        Some(error) => Err(error.as_str().into()),
        None => Ok(json!({ "args": {} })),
    }
}

pub(super) fn revoke(state: &mut State, call: &Call) -> Answer {
    let test = call.args.flag("test");
    let token = state.tokens.get_mut(&call.token).ok_or("invalid_auth")?;
    if !test {
        token.revoked = Some("token_revoked".into());
    }
    Ok(json!({ "revoked": !test }))
}

pub(super) fn open(state: &mut State, call: &Call) -> Answer {
    call.wants(&["connections:write"])?;
    let ticket = state.ids.secret();
    state.tickets.insert(ticket.clone(), state.time.seconds());
    let host = state.url.trim_start_matches("http://");
    Ok(json!({ "url": format!("ws://{host}/link/?ticket={ticket}&app_id={}", state.app.id) }))
}

pub(super) fn team(state: &mut State, call: &Call) -> Answer {
    call.wants(&["team:read"])?;
    let id = call.args.text("team").unwrap_or_else(|| call.team.clone());
    let team = state.team(&id).filter(|team| team.id == call.team).ok_or("team_not_found")?;
    Ok(json!({ "team": {
        "id": team.id,
        "name": team.name,
        "domain": team.name,
        "email_domain": "",
        "url": format!("https://{}.slack.com/", team.name),
        "icon": { "image_default": true },
    } }))
}
