//! Files: signed links that expire, and their bytes. <https://docs.discord.com/developers/reference#signed-attachment-cdn-urls>

use super::ids::Id;
use super::records::File;
use super::server::Reply;
use super::state::State;
use axum::http::StatusCode;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

const KEY: &[u8] = b"the CDN's own key";

fn mark(path: &str, ends: i64) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(KEY) else { return String::new() };
    mac.update(format!("{path} {ends:x}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// A file's name as a part of an address.
fn path_part(name: &str) -> String {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    name.bytes().map(|byte| if good(byte) { char::from(byte) } else { '_' }).collect()
}

impl State {
    /// Where a file is to be had for a while.
    pub(super) fn link(&self, file: &File) -> String {
        let folder = if file.ephemeral { "ephemeral-attachments" } else { "attachments" };
        let path = format!("{folder}/{}/{}/{}", file.channel, file.id, path_part(&file.name));
        let now = self.time.seconds();
        let ends = now + i64::try_from(self.settings.link_life.as_secs()).unwrap_or(i64::MAX / 2);
        format!("{}/{path}?ex={ends:x}&is={now:x}&hm={}&", self.url, mark(&path, ends))
    }

    /// Gives a file's bytes to whoever has a link that is good.
    pub(super) fn give(&mut self, path: &str, query: &[(String, String)], token: bool) -> Reply {
        if token {
            self.ledger.careless.push(format!("GET {path}: the CDN was shown a token"));
        }
        let gone = || Reply::text(StatusCode::NOT_FOUND, "This content is no longer available.");
        let get = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let ends = get("ex").and_then(|text| i64::from_str_radix(text, 16).ok());
        let Some(ends) = ends.filter(|ends| *ends > self.time.seconds() && get("hm") == Some(&mark(path, *ends))) else { return gone() };
        let _ = ends;
        let id = path.split('/').nth(2).and_then(|part| part.parse::<Id>().ok());
        match id.and_then(|id| self.files.get(&id)).filter(|file| !file.gone) {
            Some(file) => Reply::bytes(&file.mime, file.bytes.clone()),
            None => gone(),
        }
    }
}

/// The type that Discord would find, from the name.
pub(super) fn mime(name: &str, bytes: &[u8]) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, kind)| kind).to_lowercase().as_str() {
        "txt" | "log" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "json" => "application/json; charset=utf-8",
        "html" | "htm" => "text/html; charset=utf-8",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "svg" => "image/svg+xml",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        _ if std::str::from_utf8(bytes).is_ok() => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
