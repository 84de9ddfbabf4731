//! People, teams and who is in them. <https://learn.microsoft.com/graph/api/resources/user>

use super::{Answer, Roles, list, wrong_method};
use crate::teams::call::{Call, Reply};
use crate::teams::state::{Refusal, State, User};
use serde_json::{Value, json};

const READ: [&str; 3] = ["User.Read.All", "User.ReadBasic.All", "Directory.Read.All"];

fn shown(user: &User) -> Value {
    let (given, surname) = user.spec.display_name.split_once(' ').unwrap_or((&user.spec.display_name, ""));
    json!({ "id": user.object, "displayName": user.spec.display_name, "givenName": given, "surname": surname,
        "mail": user.spec.mailbox.then(|| user.email()), "userPrincipalName": user.email(), "userType": if user.spec.guest { "Guest" } else { "Member" } })
}

pub(super) fn member(state: &State, id: &str, owner: bool) -> Value {
    let user = state.user(id);
    json!({ "@odata.type": "#microsoft.graph.aadUserConversationMember", "id": format!("member-{id}"),
        "roles": if owner { vec!["owner"] } else { Vec::new() }, "displayName": user.map(|user| &user.spec.display_name),
        "userId": user.map(|user| &user.object), "email": user.map(User::email), "tenantId": state.tenant })
}

fn known(state: &State, id: &str) -> Result<User, Refusal> {
    // The ids of bots' conversations mean nothing here.
    let found = state.user(id).filter(|user| user.id != id).cloned();
    found.ok_or_else(|| Refusal::new(404, "Request_ResourceNotFound", format!("Resource '{id}' does not exist.")))
}

fn need(roles: &Roles) -> Result<(), Refusal> {
    let refusal = || Refusal::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
    if roles.has(&READ) { Ok(()) } else { Err(refusal()) }
}

/// The person of a path that has a mailbox or meetings: `by_id_only` where an address is not taken.
pub(super) fn owner(state: &State, id: &str, by_id_only: bool) -> Result<User, Refusal> {
    let user = known(state, id)?;
    if by_id_only && user.object != id {
        return Err(Refusal::new(404, "NotFound", "With permissions of its own an app names people by their object id."));
    }
    Ok(user)
}

pub(super) fn one(state: &State, roles: &Roles, id: &str) -> Answer {
    need(roles)?;
    Ok(Reply::json(200, &shown(&known(state, id)?)))
}

/// `$filter=mail eq 'x' or userPrincipalName eq 'x'`, `displayName eq`, `startswith(displayName,'x')`; `$search` too.
pub(super) fn search(state: &State, call: &Call, roles: &Roles) -> Answer {
    need(roles)?;
    let filter = call.query("$filter").or_else(|| call.query("$search")).unwrap_or_default().to_lowercase();
    if call.query("$search").is_some() && call.header("consistencylevel") != "eventual" {
        return Err(Refusal::new(
            400,
            "Request_UnsupportedQuery",
            "Request with $search query parameter only works with ConsistencyLevel: eventual.",
        ));
    }
    let found = state.users.iter().filter(|user| {
        let names = [user.email(), user.spec.display_name.to_lowercase(), user.spec.name.clone()];
        filter.is_empty()
            || filter.split(" or ").any(|part| {
                let quoted = part.split('\'').nth(1).or_else(|| part.rsplit(':').next()).unwrap_or_default().trim_matches('"').to_owned();
                if part.contains("startswith") { names.iter().any(|name| name.starts_with(&quoted)) } else { names.contains(&quoted) }
            })
    });
    Ok(list(found.map(shown)))
}

pub(super) fn team(state: &State, roles: &Roles, id: &str) -> Answer {
    let team = state.group(id)?;
    roles.need(
        state,
        Some(&team),
        &["Team.ReadBasic.All", "TeamSettings.Read.All", "TeamMember.Read.All"],
        &["TeamSettings.Read.Group"],
    )?;
    Ok(Reply::json(
        200,
        &json!({ "id": team.group, "displayName": team.name, "internalId": team.id, "isArchived": false, "tenantId": state.tenant }),
    ))
}

pub(super) fn of_team(state: &State, call: &Call, roles: &Roles, id: &str) -> Answer {
    let team = state.group(id)?;
    if call.method != "GET" {
        return Err(wrong_method());
    }
    roles.need(state, Some(&team), &["TeamMember.Read.All", "TeamMember.ReadWrite.All"], &["TeamMember.Read.Group"])?;
    let owner = |id: &String| state.user(id).is_some_and(|user| user.spec.owner);
    Ok(list(team.members.iter().map(|id| member(state, id, owner(id)))))
}

pub(super) fn install(state: &mut State, call: &Call, roles: &Roles, id: &str) -> Answer {
    if call.method != "POST" {
        return Err(wrong_method());
    }
    let any = ["TeamsAppInstallation.ReadWriteSelfForUser.All", "TeamsAppInstallation.ReadWriteForUser.All"];
    roles.need(state, None, &any, &[])?;
    let user = known(state, id)?;
    if let Some(chat) = state.conversation_mut(&user.chat) {
        if chat.bot {
            return Err(Refusal::new(409, "Conflict", "The app is already installed in the specified scope."));
        }
        chat.bot = true;
    }
    Ok(Reply::empty(201))
}

pub(super) fn mailbox(state: &State, roles: &Roles, id: &str) -> Answer {
    roles.need_mailbox(&["MailboxSettings.Read", "MailboxSettings.ReadWrite"])?;
    let user = known(state, id)?;
    if !user.spec.mailbox {
        return Err(no_mailbox());
    }
    Ok(Reply::json(200, &json!({ "timeZone": user.spec.zone, "value": user.spec.zone })))
}

pub(super) fn no_mailbox() -> Refusal {
    Refusal::new(404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise.")
}
