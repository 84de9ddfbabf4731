//! `GET /s/ID`: a shared file, for anyone who has the link, until it expires. Streamed, in parts where asked.

use super::{Problem, Services};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellhop_core::download::{self, Wanted};
use bellhop_core::error::CommandError;
use bellhop_core::ports::ReadRange;

/// Streams the file behind a link.
pub async fn follow(State(services): State<Services>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let gone = || Problem::new(StatusCode::NOT_FOUND, "this link is unknown or no longer works; ask whoever shared it for a new one");
    let link = services.store.link(&id).await?.filter(|link| link.expires > services.clock.now()).ok_or_else(gone)?;
    let store = services.stores.store(Some(&link.store)).map_err(|_: CommandError| gone())?;
    let info = store.head(&link.name, link.version.as_ref()).await?;
    let part = download::range(headers.get(header::RANGE).and_then(|value| value.to_str().ok()), info.size);
    let (start, length) = part.span(info.size);
    let range = match part {
        Wanted::Nothing => return Err(Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, format!("the file has {} bytes", info.size))),
        Wanted::All => None,
        Wanted::Part(..) => Some(ReadRange { start, length: Some(length) }),
    };
    let file = store.read(&link.name, link.version.as_ref(), range).await?;
    services.store.count_link_use(&id).await?;
    let mut response = Body::from_stream(file.bytes).into_response();
    let name = link.name.rsplit('/').next().unwrap_or("file");
    let mut set = |name: header::HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, info.content_type.clone());
    set(header::CONTENT_LENGTH, length.to_string());
    set(header::CONTENT_DISPOSITION, download::disposition(name, false));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff".into());
    set(header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".into());
    set(header::CACHE_CONTROL, "private, no-store".into());
    set(header::REFERRER_POLICY, "no-referrer".into());
    set(header::ACCEPT_RANGES, "bytes".into());
    if let Wanted::Part(first, last) = part {
        set(header::CONTENT_RANGE, format!("bytes {first}-{last}/{}", info.size));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}
