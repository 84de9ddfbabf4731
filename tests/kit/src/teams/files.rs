//! Drives: files and folders, uploads in parts, addresses that give a file to whoever has them. Neither takes a token: the address is
//! the permission.
//!
//! <https://learn.microsoft.com/graph/api/driveitem-createuploadsession>,
//! <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4>

use super::call::{Call, Reply};
use super::state::{DriveItem, State, bare};
use serde_json::{Value, json};

/// The parts of an upload are whole multiples of this, but for the last.
const UNIT: u64 = 320 * 1024;
/// And smaller than this.
const LARGEST: u64 = 60 * 1024 * 1024;

/// A file's name as a part of an address.
pub(super) fn path_part(name: &str) -> String {
    name.bytes().fold(String::new(), |all, byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => all + &char::from(byte).to_string(),
        _ => format!("{all}%{byte:02X}"),
    })
}

impl State {
    /// Where a channel's files are: drive and folder.
    pub(super) fn folder(&mut self, channel: &str) -> Option<(String, String)> {
        let found = self.conversation(channel)?;
        let drive = self.team(found.team.as_deref()?)?.drive.clone();
        if let Some(folder) = found.folder.clone() {
            return Some((drive, folder));
        }
        let (name, channel) = (found.name.clone(), bare(channel).to_owned());
        let id = format!("01{}", self.ids.opaque(20));
        let folder = DriveItem {
            id: id.clone(),
            drive: drive.clone(),
            parent: "root".into(),
            name,
            bytes: Vec::new(),
            folder: true,
            links: Vec::new(),
        };
        self.items.insert(id.clone(), folder);
        self.conversation_mut(&channel)?.folder = Some(id.clone());
        Some((drive, id))
    }

    /// A file of this name in a folder.
    pub(super) fn file_in(&self, drive: &str, parent: &str, name: &str) -> Option<&DriveItem> {
        self.items.values().find(|item| item.drive == drive && item.parent == parent && item.name.eq_ignore_ascii_case(name))
    }

    /// Puts a file there; one of the name is replaced. Its id.
    pub(super) fn put_file(&mut self, drive: &str, parent: &str, name: &str, bytes: Vec<u8>) -> String {
        if let Some(id) = self.file_in(drive, parent, name).map(|item| item.id.clone()) {
            if let Some(item) = self.items.get_mut(&id) {
                item.bytes = bytes;
            }
            return id;
        }
        let id = format!("01{}", self.ids.opaque(20));
        let item = DriveItem {
            id: id.clone(),
            drive: drive.into(),
            parent: parent.into(),
            name: name.into(),
            bytes,
            folder: false,
            links: Vec::new(),
        };
        self.items.insert(id.clone(), item);
        id
    }

    /// A name that no file there has: `a.txt`, `a 1.txt`.
    pub(super) fn free_name(&self, drive: &str, parent: &str, name: &str) -> String {
        let (stem, kind) = name.rsplit_once('.').map_or((name, String::new()), |(stem, kind)| (stem, format!(".{kind}")));
        let mut names = std::iter::once(name.to_owned()).chain((1..).map(|n| format!("{stem} {n}{kind}")));
        names.find(|name| self.file_in(drive, parent, name).is_none()).unwrap_or_default()
    }

    /// Where a file of a drive is for a person.
    pub(super) fn web_url(&self, item: &DriveItem) -> String {
        format!("{}/sites/acme/{}/{}", self.url, item.id, path_part(&item.name))
    }

    pub(super) fn item_json(&self, item: &DriveItem) -> Value {
        let mut body = json!({
            "id": item.id,
            "name": item.name,
            "webUrl": self.web_url(item),
            "size": item.bytes.len(),
            "eTag": format!("\"{{{}}},1\"", item.id),
            "parentReference": { "driveId": item.drive, "id": item.parent, "driveType": "documentLibrary" },
        });
        if item.folder {
            body["folder"] = json!({ "childCount": 0 });
        } else {
            body["file"] = json!({ "mimeType": "application/octet-stream" });
        }
        body
    }
}

fn failed(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ "error": { "code": code, "message": message } }))
}

/// Notes a token that was shown to an address that needs none; such a call is refused.
fn tokened(state: &mut State, call: &Call, what: &str) -> Option<Reply> {
    if call.header("authorization").is_empty() {
        return None;
    }
    state.ledger.foreign.push(format!("{} {what}: a token was shown to an address that takes none", call.method));
    Some(failed(401, "unauthenticated", "The caller is not authenticated."))
}

/// `GET /download/{ticket}`: a file, for a few minutes.
pub(super) fn download(state: &mut State, call: &Call, ticket: &str) -> Reply {
    if let Some(refused) = tokened(state, call, "download") {
        return refused;
    }
    if call.method != "GET" {
        return Reply::empty(405);
    }
    let now = state.now();
    match state.downloads.get(ticket) {
        Some((id, until)) if now < *until => match state.items.get(id) {
            Some(item) => Reply::bytes(200, "application/octet-stream", item.bytes.clone()),
            None => failed(404, "itemNotFound", "The resource could not be found."),
        },
        Some(_) => failed(401, "unauthenticated", "The address has expired."),
        None => failed(404, "itemNotFound", "The resource could not be found."),
    }
}

/// `bytes a-b/total`.
fn range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (from, to) = range.split_once('-')?;
    Some((from.parse().ok()?, to.parse().ok()?, total.parse().ok()?))
}

/// `PUT /upload/{ticket}`: a part of a file; `GET`: what is missing; `DELETE`: never mind.
pub(super) fn upload(state: &mut State, call: &Call, ticket: &str) -> Reply {
    if let Some(refused) = tokened(state, call, "upload") {
        return refused;
    }
    let Some(upload) = state.uploads.get(ticket).cloned() else {
        return failed(404, "itemNotFound", "The upload session was not found.");
    };
    let next = upload.bytes.len() as u64;
    let expected = json!({ "expirationDateTime": "2099-01-01T00:00:00Z", "nextExpectedRanges": [format!("{next}-")] });
    match call.method.as_str() {
        "GET" => return Reply::json(200, &expected),
        "DELETE" => {
            state.uploads.remove(ticket);
            return Reply::empty(204);
        }
        "PUT" => {}
        _ => return Reply::empty(405),
    }
    let Some((from, to, total)) = range(call.header("content-range")) else {
        state.violation("an upload without a Content-Range");
        return failed(400, "invalidRequest", "Content-Range is missing or malformed.");
    };
    let length = call.body.len() as u64;
    if to < from || to >= total || to - from + 1 != length || upload.total.is_some_and(|known| known != total) {
        state.violation(format!("an upload's Content-Range {from}-{to}/{total} doesn't fit {length} bytes"));
        return failed(400, "invalidRequest", "The Content-Range doesn't fit the bytes or the file.");
    }
    if from != next {
        return failed(416, "invalidRange", "The range was received already, or is not the next one.");
    }
    let last = to + 1 == total;
    if (!last && !length.is_multiple_of(UNIT)) || length >= LARGEST {
        state.violation(format!("a part of {length} bytes: parts are multiples of 320 KiB, below 60 MiB"));
        return failed(400, "invalidRequest", "The part's size is no multiple of 320 KiB, or too large.");
    }
    let mut bytes = upload.bytes.clone();
    bytes.extend_from_slice(&call.body);
    if !last {
        let next = bytes.len();
        if let Some(upload) = state.uploads.get_mut(ticket) {
            (upload.bytes, upload.total) = (bytes, Some(total));
        }
        let body = json!({ "expirationDateTime": "2099-01-01T00:00:00Z", "nextExpectedRanges": [format!("{next}-")] });
        return Reply::json(202, &body);
    }
    state.uploads.remove(ticket);
    let taken = state.file_in(&upload.drive, &upload.parent, &upload.name).is_some();
    let name = match upload.conflict.as_str() {
        "rename" => state.free_name(&upload.drive, &upload.parent, &upload.name),
        "fail" if taken => return failed(409, "nameAlreadyExists", "The specified item name already exists."),
        _ => upload.name.clone(),
    };
    let id = if let (true, Some(id)) = (upload.consent, upload.item) {
        // The id was told before there was a file.
        let item = DriveItem { id: id.clone(), drive: upload.drive, parent: upload.parent, name, bytes, folder: false, links: Vec::new() };
        state.items.insert(id.clone(), item);
        id
    } else {
        state.put_file(&upload.drive, &upload.parent, &name, bytes)
    };
    match state.items.get(&id).map(|item| state.item_json(item)) {
        Some(body) => Reply::json(if taken && upload.conflict == "replace" { 200 } else { 201 }, &body),
        None => failed(500, "generalException", "The file is gone."),
    }
}
