//! Bytes of files: taken at the upload address, given to who shows a token. <https://docs.slack.dev/messaging/working-with-files>

use super::server::{Held, LOGIN, Reply};
use super::state::State;
use axum::http::StatusCode;

/// A file's name as a part of an address.
pub(super) fn path_part(name: &str) -> String {
    let good = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    name.to_lowercase().bytes().map(|byte| if good(&byte) { char::from(byte) } else { '_' }).collect()
}

/// Takes the bytes of step two. The address itself is the permission, so a token has no business here.
pub(super) fn take(state: &mut State, ticket: &str, held: &Held, bytes: Vec<u8>) -> Reply {
    let Some(id) = state.uploads.get(ticket).cloned() else { return Reply::text(StatusCode::NOT_FOUND, "no such upload") };
    if held.bearer.is_some() && state.settings.careful {
        return Reply::text(StatusCode::BAD_REQUEST, "an upload address takes no token");
    }
    let Some(file) = state.files.get_mut(&id).filter(|file| !file.complete && !file.deleted) else {
        return Reply::text(StatusCode::CONFLICT, "completed already");
    };
    if bytes.len() as u64 != file.expected {
        return Reply::text(StatusCode::BAD_REQUEST, &format!("{} bytes were announced and {} came", file.expected, bytes.len()));
    }
    let length = bytes.len();
    file.mime = mime(&file.name, &bytes).to_owned();
    file.bytes = bytes;
    Reply::text(StatusCode::OK, &format!("OK - {length}"))
}

/// Gives a file's bytes, or the page on which a person would log in: with status 200, as Slack does.
pub(super) fn give(state: &State, place: &str, held: &Held) -> Reply {
    let id = place.split('/').next().unwrap_or_default();
    let Some((team, id)) = id.split_once('-') else { return Reply::text(StatusCode::NOT_FOUND, "no such file") };
    let login = || Reply::html(StatusCode::OK, LOGIN);
    let Some(token) = held.bearer.as_deref().and_then(|token| state.token(token).ok()) else { return login() };
    if token.team != team || !token.scopes.iter().any(|scope| scope == "files:read") {
        return login();
    }
    let Ok(file) = state.readable(team, id) else { return Reply::text(StatusCode::NOT_FOUND, "no such file") };
    if state.redirect_downloads && !place.contains("/cdn/") {
        let path = place.split_once('/').map_or("file", |(_, rest)| rest);
        return Reply::redirect(&format!("{}/files-pri/{team}-{id}/cdn/{path}", state.url));
    }
    Reply::bytes(&file.mime, file.bytes.clone())
}

/// The type that Slack would find, from the name.
pub(super) fn mime(name: &str, bytes: &[u8]) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, kind)| kind).to_lowercase().as_str() {
        "txt" | "log" | "md" => "text/plain",
        "csv" => "text/csv",
        "json" => "application/json",
        "html" | "htm" => "text/html",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        _ if std::str::from_utf8(bytes).is_ok() => "text/plain",
        _ => "application/octet-stream",
    }
}
