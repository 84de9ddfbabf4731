//! Who is in a conversation, what a team is, and the pictures of a message.

use super::Answer;
use crate::teams::call::{Call, Reply};
use crate::teams::state::{Refusal, State};
use serde_json::{Value, json};

fn member(state: &State, id: &str) -> Value {
    let Some(user) = state.user(id) else { return json!({ "id": id }) };
    let (given, surname) = user.spec.display_name.split_once(' ').unwrap_or((&user.spec.display_name, ""));
    json!({
        "id": user.id,
        "name": user.spec.display_name,
        "givenName": given,
        "surname": surname,
        "aadObjectId": user.object,
        "objectId": user.object,
        "email": user.email(),
        "userPrincipalName": user.email(),
        "tenantId": state.tenant,
        "userRole": if user.spec.guest { "guest" } else { "user" },
    })
}

pub(super) fn all(state: &State, conversation: &str) -> Answer {
    let found = state.open(conversation)?;
    let members: Vec<Value> = state.members(&found).iter().map(|id| member(state, id)).collect();
    Ok(Reply::json(200, &json!(members)))
}

pub(super) fn page(state: &State, call: &Call, conversation: &str) -> Answer {
    let found = state.open(conversation)?;
    let size = match call.query("pageSize") {
        Some(text) => text.parse::<usize>().map_err(|_| Refusal::bad("pageSize is no number"))?.clamp(50, 500),
        None => 200,
    };
    let size = size.min(state.settings.page);
    let from = match call.query("continuationToken") {
        Some(token) if !token.is_empty() => {
            let known = token.strip_prefix("page:").and_then(|from| from.parse::<usize>().ok());
            known.ok_or_else(|| Refusal::bad("the continuation token is not known"))?
        }
        _ => 0,
    };
    let everyone = state.members(&found);
    let members: Vec<Value> = everyone.iter().skip(from).take(size).map(|id| member(state, id)).collect();
    let next = (from + members.len() < everyone.len()).then(|| format!("page:{}", from + members.len()));
    let mut body = json!({ "members": members });
    if let Some(next) = next {
        body["continuationToken"] = json!(next);
    }
    Ok(Reply::json(200, &body))
}

pub(super) fn one(state: &State, conversation: &str, who: &str) -> Answer {
    let found = state.open(conversation)?;
    let known = state.user(who).filter(|user| state.members(&found).contains(&user.id));
    let known = known.ok_or_else(|| Refusal::new(404, "MemberNotFoundInConversation", "Member not found in conversation."))?;
    Ok(Reply::json(200, &member(state, &known.id)))
}

pub(super) fn team(state: &State, id: &str) -> Answer {
    let team = state.team(id).filter(|team| team.id == id).ok_or_else(|| Refusal::new(404, "NotFound", "Team not found."))?;
    if !team.installed {
        return Err(Refusal::new(403, "BotNotInConversationRoster", "The bot is not part of the team's roster."));
    }
    let channels = state.conversations.iter().filter(|one| one.team.as_deref() == Some(id) && !one.gone).count();
    let body = json!({ "id": team.id, "name": team.name, "aadGroupId": team.group, "channelCount": channels,
        "memberCount": team.members.len(), "tenantId": state.tenant, "type": "standard" });
    Ok(Reply::json(200, &body))
}

pub(super) fn channels(state: &State, id: &str) -> Answer {
    team(state, id)?;
    let seen = state.conversations.iter().filter(|one| one.team.as_deref() == Some(id) && !one.gone && one.bot);
    let list: Vec<Value> = seen
        .map(|one| {
            // The first channel has no name here.
            let name = if one.id == id { Value::Null } else { json!(one.name) };
            json!({ "id": one.id, "name": name, "type": one.membership })
        })
        .collect();
    Ok(Reply::json(200, &json!({ "conversations": list })))
}

pub(super) fn picture(state: &State, id: &str) -> Answer {
    let (kind, bytes) = state.pictures.get(id).ok_or_else(|| Refusal::new(404, "NotFound", "Attachment not found."))?;
    Ok(Reply::bytes(200, kind, bytes.clone()))
}
