//! Channels: listed, made, changed, closed, removed; who is in them. <https://learn.microsoft.com/graph/api/resources/channel>

use super::{Answer, Roles, list, wrong_method};
use crate::teams::call::{Call, Reply};
use crate::teams::settings::ChannelSpec;
use crate::teams::state::{Conversation, Refusal, State, Team};
use serde_json::{Value, json};

const READ: [&str; 4] = ["Channel.ReadBasic.All", "ChannelSettings.Read.All", "ChannelSettings.ReadWrite.All", "Group.Read.All"];
const READ_TEAM: [&str; 2] = ["ChannelSettings.Read.Group", "ChannelSettings.ReadWrite.Group"];
const WRITE: [&str; 2] = ["ChannelSettings.ReadWrite.All", "Group.ReadWrite.All"];
const WRITE_TEAM: [&str; 1] = ["ChannelSettings.ReadWrite.Group"];

fn shown(state: &State, call: &Call, channel: &Conversation) -> Value {
    // An enumeration that grew: older clients are told of the new value only when they ask for it.
    let knows = call.header("prefer").contains("include-unknown-enum-members");
    let membership = if channel.membership == "shared" && !knows { "unknownFutureValue" } else { &channel.membership };
    json!({
        "id": channel.id,
        "displayName": channel.name,
        "description": channel.description,
        "membershipType": membership,
        "isArchived": channel.archived,
        "email": "",
        "tenantId": state.tenant,
        "webUrl": format!("https://teams.example/l/channel/{}", channel.id),
        "createdDateTime": "2026-01-01T00:00:00Z",
    })
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "BadRequest", message)
}

/// Names are up to 50 characters, and some have no business in them.
fn named(state: &State, team: &Team, body: &Value, own: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(name) = body["displayName"].as_str() else { return Ok(None) };
    let forbidden = ['~', '#', '%', '&', '*', '{', '}', '+', '/', '\\', ':', '<', '>', '?', '|', '\'', '"'];
    if name.trim().is_empty()
        || name.chars().count() > 50
        || name.contains(forbidden)
        || name.starts_with(['_', '.'])
        || name.ends_with('.')
    {
        return Err(bad(format!("Channel name {name:?} is invalid: at most 50 characters, without any of {forbidden:?}")));
    }
    let taken = state.conversations.iter().any(|one| {
        one.team.as_deref() == Some(team.id.as_str()) && !one.gone && one.name.eq_ignore_ascii_case(name) && own != Some(one.id.as_str())
    });
    if taken {
        return Err(bad("Channel name already existed, please use other name."));
    }
    Ok(Some(name.to_owned()))
}

pub(super) fn all(state: &mut State, call: &Call, roles: &Roles, team: &str) -> Answer {
    let team = state.group(team)?;
    match call.method.as_str() {
        "GET" => {
            roles.need(state, Some(&team), &READ, &READ_TEAM)?;
            if call.query.iter().any(|(name, _)| name == "$top") {
                return Err(bad("Query option 'Top' is not allowed."));
            }
            let channels = state.conversations.iter().filter(|one| one.team.as_deref() == Some(&team.id) && !one.gone);
            Ok(list(channels.map(|channel| shown(state, call, channel))))
        }
        "POST" => {
            roles.need(state, Some(&team), &["Channel.Create", "Group.ReadWrite.All"], &["Channel.Create.Group"])?;
            make(state, call, &team)
        }
        _ => Err(wrong_method()),
    }
}

fn make(state: &mut State, call: &Call, team: &Team) -> Answer {
    let body = call.json()?;
    let name = named(state, team, &body, None)?.ok_or_else(|| bad("displayName is missing"))?;
    let membership = body["membershipType"].as_str().unwrap_or("standard");
    if !["standard", "private", "shared"].contains(&membership) {
        return Err(bad(format!("there is no membershipType {membership:?}")));
    }
    if body["description"].as_str().is_some_and(|text| text.chars().count() > 1024) {
        return Err(bad("the description is longer than 1024 characters"));
    }
    let members = body["members"].as_array().cloned().unwrap_or_default();
    let people: Vec<(String, bool)> = members.iter().map(|member| bound(state, team, member)).collect::<Result<_, _>>()?;
    let owners = people.iter().filter(|(_, owner)| *owner).count();
    match membership {
        "standard" if !people.is_empty() => return Err(bad("a standard channel takes no members")),
        "private" if owners == 0 => return Err(bad("Private channels made by an app need an owner among their members.")),
        "shared" if owners != 1 => return Err(bad("A shared channel needs exactly one owner among its members.")),
        "private" if people.len() > 200 => return Err(bad("a private channel is made with at most 200 members")),
        _ => {}
    }
    let spec = ChannelSpec { name, membership: membership.into(), bot: membership == "standard", ..ChannelSpec::default() };
    let id = state.add_channel(&team.id.clone(), &spec);
    if let Some(channel) = state.conversation_mut(&id) {
        body["description"].as_str().unwrap_or_default().clone_into(&mut channel.description);
        channel.owners = people.iter().filter(|(_, owner)| *owner).map(|(id, _)| id.clone()).collect();
        channel.members = people.into_iter().map(|(id, _)| id).collect();
    }
    state.hear("channelCreated", &id);
    let made = state.conversation(&id).map(|channel| shown(state, call, channel)).unwrap_or_default();
    Ok(Reply::json(201, &made))
}

/// A member as a body names one: who, and whether as an owner.
fn bound(state: &State, team: &Team, member: &Value) -> Result<(String, bool), Refusal> {
    if member["@odata.type"] != "#microsoft.graph.aadUserConversationMember" {
        return Err(bad("a member is a #microsoft.graph.aadUserConversationMember"));
    }
    let bind = member["user@odata.bind"].as_str().unwrap_or_default();
    let id = bind.rsplit_once("/users('").or_else(|| bind.rsplit_once("/users/")).map(|(_, id)| id.trim_end_matches("')"));
    if !bind.contains("/v1.0/users") {
        return Err(bad("user@odata.bind is no address of a person"));
    }
    let user = id.and_then(|id| state.user(id)).filter(|user| !user.id.is_empty() && Some(user.id.as_str()) != id);
    let user = user.ok_or_else(|| Refusal::new(404, "NotFound", "Failed to find user."))?;
    if !team.members.contains(&user.id) {
        return Err(Refusal::new(403, "Forbidden", "The person is not a member of the team."));
    }
    let owner = member["roles"].as_array().is_some_and(|roles| roles.iter().any(|role| role == "owner"));
    Ok((user.id.clone(), owner))
}

pub(super) fn one(state: &mut State, call: &Call, roles: &Roles, team: &str, channel: &str, rest: &[&str]) -> Answer {
    let team = state.group(team)?;
    let gone = || Refusal::new(404, "NotFound", "Channel not found.");
    let found = state.conversation(channel).filter(|one| one.id == channel && one.team.as_deref() == Some(&team.id) && !one.gone);
    let found = found.cloned().ok_or_else(gone)?;
    let general = found.id == team.id;
    let write = |state: &State| roles.need(state, Some(&team), &WRITE, &WRITE_TEAM);
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            roles.need(state, Some(&team), &READ, &READ_TEAM)?;
            Ok(Reply::json(200, &shown(state, call, &found)))
        }
        ("PATCH", []) => {
            write(state)?;
            let body = call.json()?;
            if found.archived {
                return Err(bad("an archived channel can't be changed"));
            }
            let name = named(state, &team, &body, Some(channel))?;
            if general && name.is_some() {
                return Err(bad("The General channel can't be renamed."));
            }
            if let Some(one) = state.conversation_mut(channel) {
                one.name = name.clone().unwrap_or(found.name);
                one.description = body["description"].as_str().map_or(found.description, str::to_owned);
            }
            if name.is_some() {
                state.hear("channelRenamed", channel);
            }
            Ok(Reply::empty(204))
        }
        ("DELETE", []) => {
            roles.need(state, Some(&team), &["Channel.Delete.All", "Group.ReadWrite.All"], &["Channel.Delete.Group"])?;
            if general {
                return Err(bad("The General channel can't be deleted."));
            }
            state.hear("channelDeleted", channel);
            if let Some(one) = state.conversation_mut(channel) {
                one.gone = true;
            }
            Ok(Reply::empty(204))
        }
        ("POST", ["archive" | "unarchive"]) => {
            roles.need(state, Some(&team), &WRITE, &[])?;
            let closes = rest == ["archive"];
            if general {
                return Err(bad("The General channel can't be archived."));
            }
            if found.archived == closes {
                return Err(bad(if closes { "Channel is already archived." } else { "Channel is not archived." }));
            }
            if let Some(one) = state.conversation_mut(channel) {
                one.archived = closes;
            }
            let location = format!("/teams('{}')/operations('1')", team.group);
            Ok(Reply::empty(202).with("location", &location))
        }
        ("GET", ["members"]) => {
            roles.need(state, Some(&team), &["ChannelMember.Read.All", "ChannelMember.ReadWrite.All"], &["ChannelMember.Read.Group"])?;
            let members = state.members(&found);
            Ok(list(members.iter().map(|id| super::people::member(state, id, found.owners.contains(id)))))
        }
        ("POST", ["members"]) => {
            roles.need(state, Some(&team), &["ChannelMember.ReadWrite.All"], &["ChannelMember.ReadWrite.Group"])?;
            if found.membership == "standard" {
                return Err(bad("Members can be added to private and shared channels only."));
            }
            let (id, owner) = bound(state, &team, &call.json()?)?;
            if let Some(one) = state.conversation_mut(channel) {
                if !one.members.contains(&id) {
                    one.members.push(id.clone());
                }
                if owner && !one.owners.contains(&id) {
                    one.owners.push(id.clone());
                }
            }
            Ok(Reply::json(201, &super::people::member(state, &id, owner)))
        }
        _ => Err(wrong_method()),
    }
}
