//! `GET /s/ID`: a shared file, for anyone who has the link, until it expires. Streamed, in parts where asked. Who comes by a
//! link that doesn't work is told why, in words: a person has followed it.

use super::{Problem, Services};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellhop_core::PortErrorKind;
use bellhop_core::download::{self, Wanted};
use bellhop_core::error::CommandError;
use bellhop_core::ports::{FileStore, ReadRange};
use bellhop_store::LinkRow;

/// Why a link gives nothing.
pub enum Gone {
    /// Nobody knows it, or it ended long ago.
    Unknown,
    /// Someone has called it back.
    Revoked,
    /// Its time is over.
    Expired,
    /// It was good for one download, and that was begun.
    Used,
    /// The access policy that it is bound to allows it no more.
    Policy,
    /// What it led to isn't there any more.
    File,
    /// A service failed.
    Failed(Problem),
}

impl From<bellhop_core::PortError> for Gone {
    fn from(error: bellhop_core::PortError) -> Self {
        if error.kind == PortErrorKind::NotFound { Self::File } else { Self::Failed(error.into()) }
    }
}

impl IntoResponse for Gone {
    fn into_response(self) -> Response {
        let (status, title, why) = match self {
            Self::Failed(problem) => return problem.into_response(),
            Self::Unknown => (StatusCode::NOT_FOUND, "There is no such link", "It was never given out, or it ended long ago."),
            Self::Revoked => {
                (StatusCode::GONE, "This link was revoked", "Whoever shared the file, or someone who looks after it, has called it back.")
            }
            Self::Expired => (StatusCode::GONE, "This link has expired", "Links work for a limited time, and this one's is over."),
            Self::Used => (StatusCode::GONE, "This link was used", "It was good for one download, and that was begun."),
            Self::Policy => {
                (StatusCode::GONE, "This link no longer works", "The access policy that it is bound to doesn't allow it any more.")
            }
            Self::File => (StatusCode::NOT_FOUND, "The file is gone", "What this link led to was deleted or moved."),
        };
        // No byte of this comes from outside.
        let page = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title><style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;\
             margin:15vh auto 0;padding:0 1rem}}</style></head><body><main><h1>{title}</h1><p>{why} Ask whoever shared it for a new one.</p></main></body></html>\n"
        );
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"),
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        (status, headers, page).into_response()
    }
}

/// Streams the file behind a link. A `HEAD` learns the same and counts nothing.
pub async fn follow(
    State(services): State<Services>,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Gone> {
    let link = services.store.any_link(&id).await.map_err(|error| Gone::Failed(error.into()))?.ok_or(Gone::Unknown)?;
    still_works(&services, &link)?;
    let store = services.stores.store(Some(&link.store)).map_err(|_: CommandError| Gone::File)?;
    allowed(&*store, &link).await?;
    let info = store.head(&link.name, link.version.as_ref()).await?;
    // One that is good for a single download gives the whole file or nothing: parts would be several downloads.
    let whole = link.most_uses.is_some();
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).filter(|_| !whole);
    let part = download::range(asked, info.size);
    let (start, length) = part.span(info.size);
    let range = match part {
        Wanted::Nothing => return Ok(unsatisfiable(info.size)),
        Wanted::All => None,
        Wanted::Part(..) => Some(ReadRange { start, length: Some(length) }),
    };
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        let file = store.read(&link.name, link.version.as_ref(), range).await?;
        // A player that goes on elsewhere in the file goes on with the same download.
        if start == 0 && !services.store.count_link_use(&id).await.map_err(|error| Gone::Failed(error.into()))? {
            let now = services.store.any_link(&id).await.map_err(|error| Gone::Failed(error.into()))?.ok_or(Gone::Unknown)?;
            still_works(&services, &now)?;
            return Err(Gone::Used);
        }
        Body::from_stream(file.bytes)
    };
    let mut response = body.into_response();
    let name = link.name.rsplit('/').next().unwrap_or("file");
    let mut set = |name: HeaderName, value: String| {
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
    set(header::ACCEPT_RANGES, if whole { "none" } else { "bytes" }.into());
    if let Wanted::Part(first, last) = part {
        set(header::CONTENT_RANGE, format!("bytes {first}-{last}/{}", info.size));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

fn still_works(services: &Services, link: &LinkRow) -> Result<(), Gone> {
    match link {
        link if link.revoked.is_some() => Err(Gone::Revoked),
        link if link.expires <= services.clock.now() => Err(Gone::Expired),
        link if link.used_up() => Err(Gone::Used),
        _ => Ok(()),
    }
}

/// Asks the store whether the policy that a link is bound to allows it now.
async fn allowed(store: &dyn FileStore, link: &LinkRow) -> Result<(), Gone> {
    let Some(policy) = &link.policy else { return Ok(()) };
    match store.share_bound(&link.name, link.version.as_ref(), policy).await {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind, PortErrorKind::NotFound) => {
            // Either the policy or the file.
            store.head(&link.name, link.version.as_ref()).await?;
            Err(Gone::Policy)
        }
        Err(error) if matches!(error.kind, PortErrorKind::Denied | PortErrorKind::Invalid | PortErrorKind::Unsupported) => {
            Err(Gone::Policy)
        }
        Err(error) => Err(error.into()),
    }
}

fn unsatisfiable(size: u64) -> Response {
    let refused = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, format!("the file has {size} bytes"));
    let mut response = refused.into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}
