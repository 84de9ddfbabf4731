//! Files from Teams. The bot's token goes to the connector alone; an address that came with a message needs none, and lives for
//! minutes.

use crate::Desk;
use crate::config::is_loopback;
use crate::graph::{Ask, Op};
use crate::handle::FileHandle;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bellhop_core::call::Attachment;
use bellhop_core::ports::{ByteStream, PortResult};
use bellhop_core::{PortErrorKind, Retry};
use bellhop_http::{Method, Response};
use bytes::Bytes;
use secrecy::ExposeSecret as _;
use std::time::Duration;
use url::Url;

const SHARED: Op =
    Op { operation: "fetch", route: "/shares/{id}/driveItem/content", needs: &["Files.Read.All", "Sites.Read.All"], safe: true };
/// How long a download may stand still.
const STILL: Duration = Duration::from_secs(30);
/// Hosts that hold people's files.
const HOLDERS: [&str; 8] =
    ["sharepoint.com", "sharepoint.us", "sharepoint-mil.us", "sharepoint.cn", "onedrive.com", "1drv.com", "svc.ms", "teams.microsoft.com"];

/// The bytes of a file that came with a message.
pub(crate) async fn fetch(desk: &Desk, attachment: &Attachment) -> PortResult<ByteStream> {
    let Some(handle) = FileHandle::of(&attachment.handle) else {
        let message = "how to fetch this file was written by another version; send the file anew";
        return Err(desk.error(PortErrorKind::Invalid, "fetch", message));
    };
    let handle = match handle {
        FileHandle::Posted(posted) => {
            let file = super::posted::file(desk, &posted).await?;
            FileHandle::of(&file.handle).unwrap_or(FileHandle::Posted(posted))
        }
        known => known,
    };
    match handle {
        FileHandle::Posted(_) => Err(desk.error(PortErrorKind::NotFound, "fetch", "the message no longer has this file")),
        FileHandle::Text(text) => Ok(Box::pin(futures::stream::iter([Ok(Bytes::from(text))]))),
        FileHandle::Open(url) => {
            if !holds_files(desk, &url) {
                return Err(desk.error(
                    PortErrorKind::Denied,
                    "fetch",
                    "the address of this file is none of Microsoft's; send the file itself",
                ));
            }
            opened(desk, desk.client.get("fetch", "download", &url).within(STILL).exchange().await?, attachment)
        }
        FileHandle::Connector(url) => {
            let token = desk.connector.token_for(&url).await?;
            let mut request = desk.client.get("fetch", "attachment", &url).within(STILL);
            if let Some(token) = token {
                request = request.bearer(token.expose_secret());
            }
            opened(desk, request.exchange().await?, attachment)
        }
        FileHandle::Shared { url, tenant } => {
            let share = format!("u!{}", URL_SAFE_NO_PAD.encode(url));
            let path = ["shares", share.as_str(), "driveItem", "content"];
            match desk.graph.redirected(&Ask::new(Method::GET, SHARED, &tenant, &path)).await? {
                Ok(answer) => Ok(answer.stream()),
                // Where the bytes are, without a token.
                Err(url) if holds_files(desk, &url) => {
                    opened(desk, desk.client.get("fetch", "download", &url).within(STILL).exchange().await?, attachment)
                }
                Err(_) => Err(desk.error(PortErrorKind::Denied, "fetch", "Graph leads to an address that is none of Microsoft's")),
            }
        }
    }
}

fn opened(desk: &Desk, answer: Response, attachment: &Attachment) -> PortResult<ByteStream> {
    let name = super::file_name(&attachment.name);
    match answer.status().as_u16() {
        200..=299 => Ok(answer.stream()),
        401 | 403 | 404 | 410 => {
            let message = format!("`{name}` can no longer be fetched: Teams gives a few minutes for it; send it anew");
            Err(desk.error(PortErrorKind::NotFound, "fetch", message))
        }
        300..=399 => {
            let mut error = desk.error(PortErrorKind::Denied, "fetch", format!("`{name}` lies elsewhere, and redirects are not followed"));
            error.retry = Retry::No;
            Err(error)
        }
        _ => Err(answer.refusal()),
    }
}

/// Whether people's files may lie at an address: hosts of Microsoft's by https, and those of the configured servers.
pub(super) fn holds_files(desk: &Desk, address: &str) -> bool {
    let Ok(url) = address.parse::<Url>() else { return false };
    if !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    let host = url.host_str().unwrap_or_default();
    let known = HOLDERS.iter().any(|domain| host == *domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')));
    let configured = url.origin() == desk.config.cloud.graph_url.origin() || desk.config.serves(address);
    let emulated = desk.config.bot.as_ref().is_some_and(|bot| bot.emulator) && is_loopback(&url);
    // A server for tests stands on this machine, whatever its port.
    let local = is_loopback(&url) && is_loopback(&desk.config.cloud.graph_url);
    (url.scheme() == "https" && known && url.port().is_none()) || configured || emulated || local
}
