//! Files of channels: the folder, uploads, downloads, sharing links. <https://learn.microsoft.com/graph/api/resources/driveitem>

use super::{Answer, Roles, wrong_method};
use crate::teams::call::{Call, Reply};
use crate::teams::ids::unbase64_url;
use crate::teams::state::{DriveItem, Refusal, State, Upload};
use serde_json::json;

const READ: [&str; 5] = ["Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All", "Sites.Selected"];
const WRITE: [&str; 3] = ["Files.ReadWrite.All", "Sites.ReadWrite.All", "Sites.Selected"];
/// The largest file that goes in one piece.
const ONE_PIECE: usize = 250 * 1024 * 1024;

fn need(roles: &Roles, any: &[&str]) -> Result<(), Refusal> {
    if roles.has(any) { Ok(()) } else { Err(Refusal::new(403, "accessDenied", "Access denied")) }
}

fn missing() -> Refusal {
    Refusal::new(404, "itemNotFound", "The resource could not be found.")
}

pub(super) fn folder(state: &mut State, roles: &Roles, team: &str, channel: &str) -> Answer {
    let team = state.group(team)?;
    roles.need(state, Some(&team), &READ, &["File.Read.Group"])?;
    let found = state.conversation(channel).filter(|one| one.id == channel && one.team.as_deref() == Some(&team.id) && !one.gone);
    let found = found.ok_or_else(|| Refusal::new(404, "NotFound", "Channel not found."))?;
    if found.folder.is_none() && state.settings.folder_later {
        return Err(Refusal::new(404, "NotFound", "Folder location for this channel is not ready yet, please try again later."));
    }
    let (_, id) = state.folder(channel).ok_or_else(missing)?;
    let item = state.items.get(&id).ok_or_else(missing)?;
    Ok(Reply::json(200, &state.item_json(item)))
}

/// A name that a file may have there.
fn good(name: &str) -> Result<(), Refusal> {
    let bad = name.is_empty() || name.contains(['"', '*', ':', '<', '>', '?', '/', '\\', '|']) || name.len() > 400;
    if bad { Err(Refusal::new(400, "invalidRequest", "The provided name cannot contain any of \"*:<>?/\\|.")) } else { Ok(()) }
}

pub(super) fn answer(state: &mut State, call: &Call, roles: &Roles, drive: &str, rest: &[&str]) -> Answer {
    if !state.teams.iter().any(|team| team.drive == drive) {
        return Err(missing());
    }
    let item = |state: &State, id: &str| state.items.get(id).filter(|item| item.drive == drive).cloned().ok_or_else(missing);
    match (call.method.as_str(), rest) {
        // `items/{folder}:/{name}:/content`
        ("PUT", ["items", folder, name, "content"]) if folder.ends_with(':') && name.ends_with(':') => {
            need(roles, &WRITE)?;
            let (folder, name) = (folder.trim_end_matches(':'), name.trim_end_matches(':'));
            item(state, folder)?;
            good(name)?;
            if call.body.len() > ONE_PIECE {
                return Err(Refusal::new(413, "invalidRequest", "The file is too large for one request."));
            }
            let taken = state.file_in(drive, folder, name).is_some();
            let conflict = call.query("@microsoft.graph.conflictBehavior").unwrap_or("replace").to_owned();
            let name = match conflict.as_str() {
                "fail" if taken => return Err(Refusal::new(409, "nameAlreadyExists", "The specified item name already exists.")),
                "rename" => state.free_name(drive, folder, name),
                _ => name.to_owned(),
            };
            let id = state.put_file(drive, folder, &name, call.body.to_vec());
            let made = item(state, &id)?;
            Ok(Reply::json(if taken && conflict == "replace" { 200 } else { 201 }, &state.item_json(&made)))
        }
        ("POST", ["items", folder, name, "createUploadSession"]) if folder.ends_with(':') && name.ends_with(':') => {
            need(roles, &WRITE)?;
            session(state, call, drive, folder.trim_end_matches(':'), name.trim_end_matches(':'))
        }
        ("GET", ["items", id]) => {
            need(roles, &READ)?;
            let found = item(state, id)?;
            Ok(Reply::json(200, &downloadable(state, &found)))
        }
        ("GET", ["items", id, "content"]) => {
            need(roles, &READ)?;
            let found = item(state, id)?;
            let address = downloadable(state, &found)["@microsoft.graph.downloadUrl"].as_str().unwrap_or_default().to_owned();
            Ok(Reply::empty(302).with("location", &address))
        }
        ("DELETE", ["items", id]) => {
            need(roles, &WRITE)?;
            item(state, id)?;
            state.items.remove(*id);
            Ok(Reply::empty(204))
        }
        ("POST", ["items", id, "createLink"]) => {
            need(roles, &WRITE)?;
            let found = item(state, id)?;
            link(state, call, &found)
        }
        _ => Err(wrong_method()),
    }
}

fn session(state: &mut State, call: &Call, drive: &str, parent: &str, name: &str) -> Answer {
    if !state.items.get(parent).is_some_and(|item| item.drive == drive && item.folder) {
        return Err(missing());
    }
    good(name)?;
    let body = if call.body.is_empty() { json!({}) } else { call.json()? };
    let conflict = body.pointer("/item/@microsoft.graph.conflictBehavior").and_then(serde_json::Value::as_str).unwrap_or("replace");
    if !["fail", "replace", "rename"].contains(&conflict) {
        return Err(Refusal::new(400, "invalidRequest", "Invalid conflict behavior value."));
    }
    if body.pointer("/item/name").and_then(serde_json::Value::as_str).is_some_and(|said| said != name) {
        return Err(Refusal::new(400, "invalidRequest", "The name in the body is another than that of the address."));
    }
    if conflict == "fail" && state.file_in(drive, parent, name).is_some() {
        return Err(Refusal::new(409, "nameAlreadyExists", "The specified item name already exists."));
    }
    let ticket = state.ids.opaque(24);
    let upload = Upload {
        drive: drive.into(),
        parent: parent.into(),
        name: name.into(),
        conflict: conflict.into(),
        bytes: Vec::new(),
        total: None,
        consent: false,
        item: None,
    };
    state.uploads.insert(ticket.clone(), upload);
    let url = format!("{}/upload/{ticket}", state.url);
    Ok(Reply::json(200, &json!({ "uploadUrl": url, "expirationDateTime": "2099-01-01T00:00:00Z", "nextExpectedRanges": ["0-"] })))
}

fn downloadable(state: &mut State, item: &DriveItem) -> serde_json::Value {
    let mut body = state.item_json(item);
    let (ticket, until) = (state.ids.opaque(24), state.now() + chrono::TimeDelta::minutes(5));
    state.downloads.insert(ticket.clone(), (item.id.clone(), until));
    body["@microsoft.graph.downloadUrl"] = json!(format!("{}/download/{ticket}", state.url));
    body
}

fn link(state: &mut State, call: &Call, item: &DriveItem) -> Answer {
    let body = call.json()?;
    let (kind, scope) = (body["type"].as_str().unwrap_or("view"), body["scope"].as_str().unwrap_or("organization"));
    if !["view", "edit", "embed"].contains(&kind) || !["anonymous", "organization", "users"].contains(&scope) {
        return Err(Refusal::new(400, "invalidRequest", "The link's type or scope is not known."));
    }
    if scope == "anonymous" {
        return Err(Refusal::new(403, "accessDenied", "The tenant doesn't allow links for everyone."));
    }
    let there = item.links.contains(&(scope.to_owned(), kind.to_owned()));
    if let Some(item) = state.items.get_mut(&item.id).filter(|_| !there) {
        item.links.push((scope.to_owned(), kind.to_owned()));
    }
    let body = json!({ "id": format!("link-{}", item.id), "roles": ["read"], "link": { "type": kind, "scope": scope, "webUrl": state.web_url(item) } });
    Ok(Reply::json(if there { 200 } else { 201 }, &body))
}

/// `GET /shares/u!{address}/driveItem`, and its content.
pub(super) fn shared(state: &mut State, call: &Call, roles: &Roles, share: &str, rest: &[&str]) -> Answer {
    need(roles, &READ)?;
    if call.method != "GET" {
        return Err(wrong_method());
    }
    let bytes =
        share.strip_prefix("u!").and_then(unbase64_url).ok_or_else(|| Refusal::new(400, "invalidRequest", "The share id is malformed."))?;
    let url = String::from_utf8_lossy(&bytes).into_owned();
    let id = url.strip_prefix(&format!("{}/sites/acme/", state.url)).and_then(|rest| rest.split(['/', '?']).next()).map(str::to_owned);
    let item = id.and_then(|id| state.items.get(&id)).cloned().ok_or_else(missing)?;
    let shown = downloadable(state, &item);
    match rest {
        [] => Ok(Reply::json(200, &shown)),
        ["content"] => {
            let address = shown["@microsoft.graph.downloadUrl"].as_str().unwrap_or_default().to_owned();
            Ok(Reply::empty(302).with("location", &address))
        }
        _ => Err(wrong_method()),
    }
}
