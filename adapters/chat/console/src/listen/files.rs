//! Files in and out: uploads stream to disk, downloads stream from the store that keeps the file. Nothing that came from
//! outside is ever shown as a page: files are downloads, pictures are pictures in a sandbox.

use super::{Problem, Shared};
use crate::Desk;
use crate::message::{Body, Kept};
use crate::parse;
use crate::render::is_picture;
use crate::session::Visitor;
use axum::body::Body as HttpBody;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Json, Response};
use bellhop_core::card::{Block, FileSource};
use bellhop_core::download::{self, Wanted};
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ports::{ByteStream, ReadRange, file_name};
use bytes::Bytes;
use futures::StreamExt as _;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

/// Pictures may carry nothing that runs: an SVG opened by itself is a page, and this is the page's policy.
const SANDBOX: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// Takes a file for the next message. The body is the file itself; its name comes percent-encoded in `X-File-Name`.
pub(super) async fn upload(State(desk): Shared, visitor: Visitor, headers: HeaderMap, body: HttpBody) -> Result<Json<Value>, Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let name = percent_decode_str(text("x-file-name").unwrap_or_default())
        .decode_utf8()
        .map_err(|_| Problem::bad("The file's name is not valid UTF-8."))?;
    let name = parse::file_name(&name);
    let content_type = text("content-type")
        .filter(|t| t.contains('/') && t.len() < 100)
        .map_or_else(|| mime_guess::from_path(&name).first_or_octet_stream().to_string(), str::to_owned);
    let limit = desk.config.upload_limit;
    if text("content-length").and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > limit) {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("`{name}` is over {}, the most that can be uploaded here.", bellhop_core::text::bytes(limit)),
        ));
    }
    let chat = desk.book.chat().clone();
    let bytes = body.into_data_stream().map(move |chunk| {
        chunk
            .map_err(|e| PortError::new(PortErrorKind::Unavailable, format!("chat.{chat}"), "upload", format!("the upload broke off: {e}")))
    });
    let kept = desk.take_upload(&visitor.person.id, name, content_type, bytes).await?;
    Ok(Json(json!({ "id": kept.id, "name": kept.name, "size": kept.size })))
}

pub(super) async fn drop_upload(State(desk): Shared, visitor: Visitor, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    desk.drop_upload(&visitor.person.id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
pub(super) struct Show {
    /// Set where a small picture is shown rather than downloaded.
    show: Option<String>,
}

/// A file of a message: one that came with it, or one of a store that its card names.
pub(super) async fn file(
    State(desk): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    Path((message, number)): Path<(String, usize)>,
    Query(Show { show }): Query<Show>,
) -> Result<Response, Problem> {
    let missing = || Problem::missing("This message has no such file.");
    let (_, message) = desk.seen_message(&visitor, &message).await?;
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let condition = headers.get(header::IF_RANGE).and_then(|tag| tag.to_str().ok());
    let asked =
        |tag: &str, size| if condition.is_none_or(|condition| condition == tag) { download::range(range, size) } else { Wanted::All };
    let (sent, part, bytes) = match &message.body {
        Body::Said { files, .. } => {
            let kept = files.get(number).filter(|kept| kept.stays).ok_or_else(missing)?;
            open_kept(&desk, kept, &asked).await?
        }
        Body::File(kept) if number == 0 => open_kept(&desk, kept, &asked).await?,
        Body::Card(card) => match card.blocks.get(number) {
            Some(Block::File(block)) => {
                let name = parse::file_name(&block.name);
                match &block.source {
                    FileSource::Inline(place) => {
                        let inline = desk.book.media(&message.id, place).await?.ok_or_else(missing)?;
                        let sent = Sent {
                            name,
                            content_type: block.content_type.clone(),
                            size: inline.len() as u64,
                            tag: format!("\"{}\"", hex::encode(place)),
                        };
                        let part = asked(&sent.tag, sent.size);
                        let (first, length) = part.span(sent.size);
                        let (first, length) = (usize::try_from(first).unwrap_or(usize::MAX), usize::try_from(length).unwrap_or(usize::MAX));
                        let slice = Bytes::from(inline).slice(first..first.saturating_add(length));
                        let bytes: ByteStream = Box::pin(futures::stream::once(async move { Ok(slice) }));
                        (sent, part, bytes)
                    }
                    FileSource::Stored { store, name: stored, version } => {
                        file_name(stored)?;
                        let store = desk.files.store(Some(store))?;
                        let info = store.head(stored, version.as_ref()).await?;
                        let tag = info
                            .version
                            .as_ref()
                            .map_or_else(|| format!("{}-{}", info.modified.timestamp_micros(), info.size), ToString::to_string);
                        let tag = format!("\"{}\"", tag.replace(|c: char| !c.is_ascii_graphic() || c == '"', "-"));
                        let sent = Sent { name, content_type: info.content_type, size: info.size, tag };
                        let part = asked(&sent.tag, sent.size);
                        let (start, length) = part.span(sent.size);
                        // The version just looked at: the name may give another one by now.
                        let read = store.read(stored, info.version.as_ref(), Some(ReadRange { start, length: Some(length) })).await?;
                        (sent, part, read.bytes)
                    }
                }
            }
            _ => return Err(missing()),
        },
        Body::File(_) => return Err(missing()),
    };
    Ok(answer(&sent, part, bytes, show.is_some()))
}

/// A file as it is sent.
struct Sent {
    name: String,
    content_type: String,
    size: u64,
    tag: String,
}

async fn open_kept(desk: &Desk, kept: &Kept, asked: &impl Fn(&str, u64) -> Wanted) -> Result<(Sent, Wanted, ByteStream), Problem> {
    let sent = Sent { name: kept.name.clone(), content_type: kept.content_type.clone(), size: kept.size, tag: format!("\"{}\"", kept.id) };
    let part = asked(&sent.tag, sent.size);
    let (start, length) = part.span(sent.size);
    Ok((sent, part, desk.open_kept(kept, start, length).await?))
}

fn answer(sent: &Sent, part: Wanted, bytes: ByteStream, show: bool) -> Response {
    let shown = show && is_picture(&sent.content_type, sent.size);
    // A type that a browser would show as a page does no harm in a download, and still: it is named only where it is known.
    let content_type = HeaderValue::from_str(&sent.content_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let (status, length, content_range) = match part {
        Wanted::All => (StatusCode::OK, sent.size, None),
        Wanted::Part(first, last) => (StatusCode::PARTIAL_CONTENT, last - first + 1, Some(format!("bytes {first}-{last}/{}", sent.size))),
        Wanted::Nothing => (StatusCode::RANGE_NOT_SATISFIABLE, 0, Some(format!("bytes */{}", sent.size))),
    };
    let body = if status == StatusCode::RANGE_NOT_SATISFIABLE { HttpBody::empty() } else { HttpBody::from_stream(bytes) };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    for (name, value) in [
        (header::ETAG, Some(sent.tag.clone())),
        (header::CONTENT_RANGE, content_range),
        (header::CONTENT_DISPOSITION, Some(download::disposition(&sent.name, shown))),
    ] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}

#[derive(Deserialize)]
pub(super) struct Revision {
    r: Option<u32>,
}

/// A picture of a card.
pub(super) async fn media(
    State(desk): Shared,
    visitor: Visitor,
    Path((message, number)): Path<(String, usize)>,
    Query(Revision { r }): Query<Revision>,
) -> Result<Response, Problem> {
    let (_, message) = desk.seen_message(&visitor, &message).await?;
    let block = match &message.body {
        Body::Card(card) => card.blocks.get(number),
        _ => None,
    };
    let Some(Block::Image(image)) = block else { return Err(Problem::missing("This message has no such picture.")) };
    let bytes = desk.book.media(&message.id, &image.bytes).await?.ok_or_else(|| Problem::missing("This picture is no longer there."))?;
    let known = ["image/png", "image/svg+xml", "image/jpeg", "image/gif", "image/webp"];
    let content_type = known.into_iter().find(|known| *known == image.content_type).unwrap_or("application/octet-stream");
    // The address names the state of the card: what it gives never changes, unless it names another state.
    let cache = if r == Some(message.revision) { "private, max-age=31536000, immutable" } else { "no-store" };
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_SECURITY_POLICY, SANDBOX.to_owned()),
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::CONTENT_DISPOSITION, download::disposition(&parse::file_name(&image.name), true)),
    ];
    Ok((headers, bytes).into_response())
}
