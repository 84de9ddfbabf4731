//! `GET /s/ID`: a shared file, for anyone who has the link, until it expires. Streamed, in parts where asked.

use super::{Problem, Services};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellhop_core::error::CommandError;
use bellhop_core::ports::ReadRange;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 5987 leaves as it is.
const ATTR: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Streams the file behind a link.
pub async fn download(State(services): State<Services>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let gone = || Problem::new(StatusCode::NOT_FOUND, "this link is unknown or no longer works; ask whoever shared it for a new one");
    let link = services.store.link(&id).await?.filter(|link| link.expires > services.clock.now()).ok_or_else(gone)?;
    let store = services.stores.store(Some(&link.store)).map_err(|_: CommandError| gone())?;
    let info = store.head(&link.name, link.version.as_ref()).await?;
    let range = match headers.get(header::RANGE).and_then(|value| value.to_str().ok()) {
        None => None,
        Some(wanted) => parse_range(wanted, info.size)?,
    };
    let file = store.read(&link.name, link.version.as_ref(), range).await?;
    services.store.count_link_use(&id).await?;
    let length = range.map_or(info.size, |range| range.length.unwrap_or(info.size.saturating_sub(range.start)));
    let mut response = Body::from_stream(file.bytes).into_response();
    let name = link.name.rsplit('/').next().unwrap_or("file");
    let mut set = |name: header::HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, info.content_type.clone());
    set(header::CONTENT_LENGTH, length.to_string());
    set(header::CONTENT_DISPOSITION, disposition(name));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff".into());
    set(header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".into());
    set(header::CACHE_CONTROL, "private, no-store".into());
    set(header::REFERRER_POLICY, "no-referrer".into());
    set(header::ACCEPT_RANGES, "bytes".into());
    if let Some(range) = range {
        set(header::CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.start + length - 1, info.size));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// Always a download, whatever the file claims to be; the name survives in any script.
fn disposition(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%' | ';') || c == ' ' { c } else { '_' }).collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, ATTR))
}

/// One range of bytes; several, or another unit, mean the whole file (RFC 9110 lets a server ignore them).
fn parse_range(wanted: &str, size: u64) -> Result<Option<ReadRange>, Problem> {
    let Some(spec) = wanted.strip_prefix("bytes=").filter(|spec| !spec.contains(',')) else { return Ok(None) };
    let Some((first, last)) = spec.split_once('-') else { return Ok(None) };
    let outside = || Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, format!("the file has {size} bytes"));
    let range = match (first.trim().parse::<u64>().ok(), last.trim().parse::<u64>().ok()) {
        (Some(start), end) if start < size => {
            let end = end.unwrap_or(size - 1).min(size - 1);
            if end < start {
                return Ok(None);
            }
            ReadRange { start, length: Some(end - start + 1) }
        }
        (None, Some(tail)) if tail > 0 && size > 0 => ReadRange { start: size.saturating_sub(tail), length: Some(tail.min(size)) },
        (None, None) => return Ok(None),
        (Some(_), _) | (None, Some(_)) => return Err(outside()),
    };
    Ok(Some(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_the_standard() {
        let range = |wanted: &str| parse_range(wanted, 10).map(|range| range.map(|r| (r.start, r.length)));
        assert_eq!(range("bytes=0-3").unwrap(), Some((0, Some(4))));
        assert_eq!(range("bytes=4-").unwrap(), Some((4, Some(6))));
        assert_eq!(range("bytes=-3").unwrap(), Some((7, Some(3))));
        assert_eq!(range("bytes=-30").unwrap(), Some((0, Some(10))));
        assert_eq!(range("bytes=8-99").unwrap(), Some((8, Some(2))));
        assert_eq!(range("bytes=0-1,4-5").unwrap(), None);
        assert_eq!(range("lines=1-2").unwrap(), None);
        assert!(range("bytes=10-").is_err());
        assert!(parse_range("bytes=-1", 0).is_err());
    }

    #[test]
    fn names_survive_headers() {
        assert_eq!(disposition("a b.txt"), "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt");
        let hostile = disposition("x\"\r\nSet-Cookie: a=b\u{fc}.html");
        assert!(hostile.is_ascii() && !hostile.contains(['\r', '\n']));
    }
}
