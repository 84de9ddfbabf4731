//! Files from Slack. Where the token is not enough, Slack answers with a log-in page and a success: that is told from a file by
//! its type and its first bytes.

use super::{denied, info};
use crate::Desk;
use crate::config::foreign;
use crate::handle::FileHandle;
use bellhop_core::PortErrorKind;
use bellhop_core::call::Attachment;
use bellhop_core::ids::WorkspaceId;
use bellhop_core::ports::{ByteStream, PortResult};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, TryStreamExt as _};
use secrecy::ExposeSecret as _;
use std::time::Duration;

/// How long a download may stand still.
const STILL: Duration = Duration::from_secs(30);
/// How much of a file is looked at for whether it is a page.
const LOOKED_AT: usize = 64;

/// The bytes of a file that came with a message.
pub(crate) async fn fetch(desk: &Desk, attachment: &Attachment) -> PortResult<ByteStream> {
    let Some(handle) = FileHandle::of(&attachment.handle) else {
        let message = "how to fetch this file was written by another version; send the file anew";
        return Err(desk.error(PortErrorKind::Invalid, "fetch", message));
    };
    if let Some(text) = handle.text {
        return Ok(Box::pin(futures::stream::iter([Ok(Bytes::from(text))])));
    }
    let workspace = WorkspaceId::new(handle.workspace);
    let asked = handle.url.is_none();
    let url = match handle.url {
        Some(url) => url,
        None => address(desk, &workspace, &handle.file, attachment).await?,
    };
    match download(desk, &workspace, &url, attachment).await {
        // The address that the event gave is no longer good; the file may have a new one.
        Err(error) if error.kind == PortErrorKind::NotFound && !asked && !handle.file.is_empty() => {
            let url = address(desk, &workspace, &handle.file, attachment).await?;
            download(desk, &workspace, &url, attachment).await
        }
        other => other,
    }
}

/// Where the bytes of a file are.
async fn address(desk: &Desk, workspace: &WorkspaceId, file: &str, attachment: &Attachment) -> PortResult<String> {
    if file.is_empty() {
        return Err(desk.error(PortErrorKind::Invalid, "fetch", "Slack didn't say where this file is; send it anew"));
    }
    let told = match info(desk, workspace, file).await {
        Ok(told) => told,
        Err(failure) if failure.is(&["missing_scope", "not_visible"]) => {
            let found = format!("Slack says {}", failure.code.as_deref().unwrap_or("no"));
            return Err(denied(desk, &attachment.name, &found));
        }
        Err(failure) => return Err(bellhop_core::PortError { operation: "fetch", ..failure.error }),
    };
    let some = |url: Option<String>| url.filter(|url| !url.is_empty());
    some(told.url_private_download).or_else(|| some(told.url_private)).ok_or_else(|| {
        desk.error(
            PortErrorKind::Unsupported,
            "fetch",
            format!("`{}` has no bytes that could be fetched; it lies elsewhere", super::file_name(&attachment.name)),
        )
    })
}

async fn download(desk: &Desk, workspace: &WorkspaceId, url: &str, attachment: &Attachment) -> PortResult<ByteStream> {
    let wire = desk.api.wire();
    if !wire.config().is_slacks(url) {
        return Err(foreign(wire.service(), "fetch"));
    }
    let token = desk.workspaces.token(workspace).await?;
    let request = wire.client().get("fetch", "file", url).bearer(token.expose_secret()).within(STILL);
    let answer = request.exchange().await?;
    let status = answer.status();
    // Redirects are not followed: they lead to the log-in, and the token must go nowhere else.
    if status.is_redirection() {
        return Err(denied(desk, &attachment.name, "Slack wants a log-in"));
    }
    if matches!(status.as_u16(), 401 | 403) {
        return Err(denied(desk, &attachment.name, &format!("Slack answered {}", status.as_u16())));
    }
    let answer = answer.success()?;
    if is_page(attachment) {
        return Ok(answer.stream());
    }
    let page = || denied(desk, &attachment.name, "Slack sent a web page instead of the file");
    if answer.header("content-type").is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html")) {
        return Err(page());
    }
    // Enough of the beginning to know a page by, put back before the rest.
    // Fused: a stream that has ended may not be asked again.
    let mut rest = answer.stream().fuse();
    let mut begin = BytesMut::new();
    while begin.len() < LOOKED_AT {
        match rest.try_next().await? {
            Some(chunk) => begin.extend_from_slice(&chunk),
            None => break,
        }
    }
    let text = begin.trim_ascii_start().to_ascii_lowercase();
    if text.starts_with(b"<!doctype html") || text.starts_with(b"<html") {
        return Err(page());
    }
    let begin = futures::stream::iter((!begin.is_empty()).then(|| Ok(begin.freeze())));
    Ok(Box::pin(begin.chain(rest)))
}

/// Whether a file is a web page itself.
fn is_page(attachment: &Attachment) -> bool {
    let name = attachment.name.to_ascii_lowercase();
    attachment.content_type.to_ascii_lowercase().contains("html") || [".html", ".htm", ".xhtml"].iter().any(|end| name.ends_with(end))
}
