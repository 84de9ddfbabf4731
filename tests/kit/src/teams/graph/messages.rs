//! Messages of channels and chats, as an app may read them. An app can't write any here: that is what the connector is for.
//! <https://learn.microsoft.com/graph/api/resources/chatmessage>

use super::{Answer, Roles, wrong_method};
use crate::teams::call::{Call, Reply};
use crate::teams::state::{Message, Refusal, State};
use serde_json::{Value, json};

fn shown(state: &State, message: &Message) -> Value {
    let from = if message.bot {
        json!({ "application": { "id": state.app, "displayName": "Bellhop", "applicationIdentityType": "bot" }, "user": null })
    } else {
        let user = state.user(&message.from);
        json!({ "user": { "id": user.map(|user| &user.object), "displayName": user.map(|user| &user.spec.display_name), "userIdentityType": "aadUser" } })
    };
    let mut content = message.activity["text"].as_str().unwrap_or_default().to_owned();
    let mut attachments: Vec<Value> = message
        .files
        .iter()
        .filter_map(|id| state.items.get(id))
        .map(|item| json!({ "id": item.id, "contentType": "reference", "contentUrl": state.web_url(item), "name": item.name, "content": null }))
        .collect();
    for (n, card) in message.activity["attachments"].as_array().into_iter().flatten().enumerate() {
        if card["contentType"] == "application/vnd.microsoft.card.adaptive" {
            attachments.push(json!({ "id": format!("card{n}"), "contentType": card["contentType"], "content": card["content"].to_string(), "contentUrl": null, "name": null }));
        }
    }
    for attachment in &attachments {
        content.extend(["<attachment id=\"", attachment["id"].as_str().unwrap_or_default(), "\"></attachment>"]);
    }
    json!({
        "id": message.id,
        "replyToId": message.root,
        "messageType": "message",
        "createdDateTime": message.made.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "lastEditedDateTime": if message.edited { json!(message.made.to_rfc3339()) } else { Value::Null },
        "deletedDateTime": if message.gone { json!(message.made.to_rfc3339()) } else { Value::Null },
        "importance": "normal",
        "from": from,
        "body": { "contentType": "html", "content": content },
        "attachments": attachments,
        "mentions": [],
        "reactions": [],
    })
}

pub(super) fn of_channel(state: &State, call: &Call, roles: &Roles, team: &str, channel: &str, rest: &[&str]) -> Answer {
    let team = state.group(team)?;
    if call.method == "POST" {
        return Err(posting());
    }
    roles.need(state, Some(&team), &["ChannelMessage.Read.All", "Group.Read.All"], &["ChannelMessage.Read.Group"])?;
    let found = state.conversation(channel).filter(|one| one.id == channel && one.team.as_deref() == Some(&team.id) && !one.gone);
    found.ok_or_else(|| Refusal::new(404, "NotFound", "Channel not found."))?;
    read(state, call, channel, rest, true)
}

pub(super) fn of_chat(state: &State, call: &Call, roles: &Roles, chat: &str, rest: &[&str]) -> Answer {
    if call.method == "POST" {
        return Err(posting());
    }
    let specific = state.settings.resource_permissions.iter().any(|known| known == "ChatMessage.Read.Chat");
    if !specific {
        roles.need(state, None, &["Chat.Read.All", "Chat.ReadWrite.All", "ChatMessage.Read.All"], &[])?;
    }
    state.conversation(chat).filter(|one| one.id == chat).ok_or_else(|| Refusal::new(404, "NotFound", "Chat not found."))?;
    read(state, call, chat, rest, false)
}

fn posting() -> Refusal {
    Refusal::new(403, "Forbidden", "Missing role permissions on the request. API requires one of 'Teamwork.Migrate.All'.")
}

fn read(state: &State, call: &Call, conversation: &str, rest: &[&str], threads: bool) -> Answer {
    if call.method != "GET" {
        return Err(wrong_method());
    }
    let all = || state.messages.get(conversation).into_iter().flatten().filter(|message| message.only.is_none());
    let top = call.query("$top").map_or(Ok(20), str::parse::<usize>).map_err(|_| Refusal::new(400, "BadRequest", "$top is no number"))?;
    if top == 0 || top > 50 {
        return Err(Refusal::new(400, "BadRequest", "The limit of $top is 50."));
    }
    let skip: usize = call.query("$skiptoken").and_then(|token| token.strip_prefix("at")?.parse().ok()).unwrap_or(0);
    let chosen: Vec<&Message> = match rest {
        [] => all().filter(|message| !threads || message.root.is_none()).collect(),
        [id, "replies"] if threads => all().filter(|message| message.root.as_deref() == Some(*id)).collect(),
        [id] | [_, "replies", id] => {
            let found = all().find(|message| message.id == *id && !message.gone);
            let found = found.ok_or_else(|| Refusal::new(404, "NotFound", "Message not found."))?;
            return Ok(Reply::json(200, &shown(state, found)));
        }
        _ => return Err(wrong_method()),
    };
    // The newest first.
    let page: Vec<Value> = chosen.iter().rev().skip(skip).take(top).map(|message| shown(state, message)).collect();
    let mut body = json!({ "value": page });
    if skip + page.len() < chosen.len() {
        let next = skip + page.len();
        body["@odata.nextLink"] = json!(format!("{}{}?$top={top}&$skiptoken=at{next}", state.url, call.path));
    }
    body["@odata.count"] = json!(page.len());
    Ok(Reply::json(200, &body))
}
