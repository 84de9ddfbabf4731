//! What the browser asks for: the addresses, and what holds for all of them. A request that changes something must come
//! from our own page, every answer carries a policy under which no foreign script runs, and nothing is done for someone
//! who is not logged in.

mod events;
mod files;
mod page;
mod say;

use crate::Desk;
use crate::address::MessageRef;
use crate::assets;
use crate::message::{Message, Room};
use crate::session::{Visitor, from_our_page};
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use bellhop_core::error::{CommandError, PortError, PortErrorKind};
use bellhop_core::ids::ChannelId;
use std::sync::Arc;

/// The largest body of a request other than an upload. A message may be 64 KiB; what is larger is still read up to here,
/// to say so.
const BODY: usize = 2 << 20;

/// For whom the page was drawn that sends a request.
const PERSON: &str = "x-bellhop-person";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

type Shared = axum::extract::State<Arc<Desk>>;

pub(crate) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/", get(page::home))
        .route("/login", get(page::log_in))
        .route("/c/{channel}", get(page::channel))
        .route("/c/{channel}/{thread}", get(page::thread))
        .route("/console/assets/{version}/{name}", get(asset))
        .route("/console/session", get(page::session))
        .route("/console/person", post(page::become_person))
        .route("/console/logout", post(page::log_out))
        .route("/console/older", get(page::older))
        .route("/console/read", post(page::read))
        .route("/console/events", get(events::events))
        .route("/console/say", post(say::say))
        .route("/console/press", post(say::press))
        .route("/console/form", post(say::form))
        .route("/console/complete", get(say::complete))
        .route("/console/upload", post(files::upload).layer(DefaultBodyLimit::disable()))
        .route("/console/upload/{id}/drop", post(files::drop_upload))
        .route("/console/file/{message}/{number}", get(files::file))
        .route("/console/media/{message}/{number}", get(files::media))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn(guard))
        .with_state(desk)
}

/// What holds for every request and every answer.
async fn guard(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = if reads || from_our_page(request.headers()) {
        next.run(request).await
    } else {
        Problem::new(
            StatusCode::FORBIDDEN,
            "This request does not come from Bellhop's own page (its Origin is another). Open the chat itself and do it there.",
        )
        .into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: with that, browsers hide the origin of our own forms too.
        (header::REFERRER_POLICY, "same-origin"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn asset(Path((_, name)): Path<(String, String)>) -> Response {
    match assets::find(&name) {
        Some(asset) => {
            let headers = [(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
            (headers, asset.bytes).into_response()
        }
        None => Problem::new(StatusCode::NOT_FOUND, "There is no such file.").into_response(),
    }
}

/// Why a request is not answered as asked, in a sentence for people.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    words: String,
    page: bool,
}

impl Problem {
    fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self { status, words: words.into(), page: false }
    }

    fn bad(words: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, words)
    }

    fn missing(words: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, words)
    }

    /// To be shown as a page of its own.
    fn into_page(mut self) -> Self {
        self.page = true;
        self
    }
}

impl From<PortError> for Problem {
    fn from(error: PortError) -> Self {
        let status = match error.kind {
            PortErrorKind::NotFound => StatusCode::NOT_FOUND,
            PortErrorKind::Denied | PortErrorKind::Unauthenticated => StatusCode::FORBIDDEN,
            PortErrorKind::Invalid | PortErrorKind::Unsupported => StatusCode::BAD_REQUEST,
            PortErrorKind::Conflict => StatusCode::CONFLICT,
            PortErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            PortErrorKind::Full => StatusCode::INSUFFICIENT_STORAGE,
            PortErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            PortErrorKind::Unavailable | PortErrorKind::TimedOut | PortErrorKind::Broken => StatusCode::SERVICE_UNAVAILABLE,
        };
        if status.is_server_error() {
            tracing::warn!(%error, "the console could not answer a request");
        }
        Self::new(status, error.message)
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Port(error) => error.into(),
            error @ CommandError::NotFound { .. } => Self::missing(error.to_string()),
            error => Self::bad(error.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.page {
            let title = match self.status {
                StatusCode::NOT_FOUND => "Not here",
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "Not allowed",
                status if status.is_client_error() => "That can't be",
                _ => "Not just now",
            };
            return (self.status, Html(crate::pages::problem(title, &self.words).into_string())).into_response();
        }
        (self.status, self.words).into_response()
    }
}

/// Someone who must be logged in.
impl FromRequestParts<Arc<Desk>> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Problem> {
        let visitor = desk.visitor(&parts.headers).await?;
        let visitor = visitor.ok_or_else(|| {
            Problem::new(StatusCode::UNAUTHORIZED, "You are not logged in any more. Open the chat's first page and follow it.")
        })?;
        // A page drawn for one person must not act as another that its browser has become since, in another tab.
        match parts.headers.get(PERSON) {
            Some(drawn_for) if drawn_for.as_bytes() != visitor.person.id.as_str().as_bytes() => {
                let words = format!("You have become {} in another tab. Reload the page.", visitor.person.name);
                Err(Problem::new(StatusCode::CONFLICT, words))
            }
            _ => Ok(visitor),
        }
    }
}

impl Desk {
    /// A channel that the visitor may see.
    async fn seen_room(&self, visitor: &Visitor, channel: &str) -> Result<Room, Problem> {
        let room = self.room(&ChannelId::from(channel)).await?;
        room.filter(|room| room.open_to(&visitor.person.id)).ok_or_else(|| {
            let shown = bellhop_core::text::shorten(&bellhop_core::text::one_line(channel), 60);
            Problem::missing(format!("There is no channel `{shown}` here, or you are not in it."))
        })
    }

    /// A message that the visitor may see.
    async fn seen_message(&self, visitor: &Visitor, text: &str) -> Result<(MessageRef, Message), Problem> {
        let at = MessageRef::parse(text).ok_or_else(|| Problem::bad("This is no message's address; reload the page and try again."))?;
        let gone = || Problem::missing("This message is no longer there.");
        self.room_of(&at).await?.filter(|room| room.open_to(&visitor.person.id)).ok_or_else(gone)?;
        let message =
            self.book.message(&at).await?.filter(|message| !message.gone && message.shown_to(&visitor.person.id)).ok_or_else(gone)?;
        Ok((at, message))
    }
}
