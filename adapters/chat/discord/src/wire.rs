//! One call of Discord's REST API as it goes over the wire: the route's address, JSON or multipart, the answer read, and Discord's
//! error codes in the words of the port. When a call may be made is not decided here.
//!
//! <https://docs.discord.com/developers/reference>

mod limits;
mod meaning;
mod multipart;

pub(crate) use limits::{Refused, Said};
use limits::{refused, said};
pub(crate) use multipart::FilePart;

use crate::config::DiscordConfig;
use bellhop_core::ports::ByteStream;
use bellhop_core::{PortError, PortErrorKind, Retry};
use bellhop_http::{Client, Limits, Method, Request};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// What Discord wants to be told of every program that calls it; one that says nothing is blocked.
const AGENT: &str = concat!("DiscordBot (https://github.com/bellhop/bellhop, ", env!("CARGO_PKG_VERSION"), ")");
/// How long an upload may stand still.
const STILL: Duration = Duration::from_mins(1);
/// What is escaped in a part of an address. `@` stands in some of Discord's own.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'/').add(b'<').add(b'>').add(b'?').add(b'\\').add(b'`');

/// A route of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Route {
    /// `GET`.
    pub verb: Verb,
    /// `/channels/{}/messages`, each `{}` a part to be filled in.
    pub path: &'static str,
    /// The port's word for what it does (`deliver`).
    pub operation: &'static str,
    /// Whether calling it twice does no more than calling it once.
    pub safe: bool,
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Route {
    pub(crate) const fn get(path: &'static str, operation: &'static str) -> Self {
        Self { verb: Verb::Get, path, operation, safe: true }
    }

    pub(crate) const fn post(path: &'static str, operation: &'static str) -> Self {
        Self { verb: Verb::Post, path, operation, safe: false }
    }

    pub(crate) const fn put(path: &'static str, operation: &'static str) -> Self {
        Self { verb: Verb::Put, path, operation, safe: true }
    }

    pub(crate) const fn patch(path: &'static str, operation: &'static str) -> Self {
        Self { verb: Verb::Patch, path, operation, safe: true }
    }

    pub(crate) const fn delete(path: &'static str, operation: &'static str) -> Self {
        Self { verb: Verb::Delete, path, operation, safe: true }
    }

    /// The same, which may be called again without harm: it carries a nonce that Discord tells repetitions by.
    pub(crate) const fn again(self) -> Self {
        Self { safe: true, ..self }
    }

    /// Whether a server's audit log notes it, and may say why.
    fn is_noted(self) -> bool {
        let channels = self.path.starts_with("/guilds/{}/channels") || self.path == "/channels/{}" && self.operation != "deliver";
        let within = ["/channels/{}/permissions/", "/channels/{}/invites"].iter().any(|start| self.path.starts_with(start));
        self.verb != Verb::Get && (channels || within)
    }

    /// Whether the token in its address is the permission: answers to interactions. They are outside the global limit.
    pub(crate) fn by_interaction(self) -> bool {
        self.path.starts_with("/interactions/") || self.path.starts_with("/webhooks/")
    }
}

/// What is sent.
pub(crate) enum Body {
    /// Nothing.
    None,
    /// JSON.
    Json(Value),
    /// JSON with small files.
    Files(Value, Vec<FilePart>),
    /// JSON with one file that is streamed.
    Stream {
        /// The JSON.
        json: Value,
        /// The file's name.
        name: String,
        /// Its length in bytes.
        size: u64,
        /// Its bytes.
        bytes: ByteStream,
    },
}

/// A failure, with Discord's own code where it gave one.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// `50013`.
    pub code: Option<i64>,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// In the words of the port.
    pub error: PortError,
}

impl Failure {
    /// Whether Discord gave one of these codes.
    pub(crate) fn is(&self, codes: &[i64]) -> bool {
        self.code.is_some_and(|code| codes.contains(&code))
    }
}

impl From<Failure> for PortError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        Self { code: None, status: None, error }
    }
}

/// What a call returns.
pub(crate) type WireResult<T> = Result<T, Failure>;

/// The wire to Discord's API.
#[derive(Clone)]
pub(crate) struct Wire {
    client: Client,
    config: Arc<DiscordConfig>,
}

impl Wire {
    /// A wire for the connection configured as `service` (`chat.guild`).
    pub(crate) fn new(service: &str, config: Arc<DiscordConfig>) -> Result<Self, PortError> {
        let limits = Limits { total: Duration::from_secs(10), retries: 0, ..Limits::default() };
        Ok(Self { client: Client::new(service, limits)?, config })
    }

    /// The HTTP client, for what is not the API: files.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The configured name of the connection, `chat.guild`.
    pub(crate) fn service(&self) -> &str {
        self.client.service()
    }

    /// Calls a route. Returns what the answer says about limits in any case, and what it says itself.
    pub(crate) async fn call(
        &self,
        route: Route,
        parts: &[&str],
        query: &[(&str, String)],
        body: Body,
    ) -> (Option<Said>, WireResult<Value>) {
        let request = match self.request(route, parts, query, body) {
            Ok(request) => request,
            Err(error) => return (None, Err(error.into())),
        };
        let answer = match request.exchange().await {
            Ok(answer) => answer,
            Err(error) => return (None, Err(error.into())),
        };
        let (status, refusal) = (answer.status(), answer.refusal());
        let mut said = said(&answer);
        let body = match answer.bytes().await {
            Ok(body) => body,
            // A success whose body gets lost is a success that nobody can read.
            Err(error) => return (Some(said), Err(error.into())),
        };
        if status.as_u16() == 204 || status.is_success() && body.is_empty() {
            return (Some(said), Ok(Value::Null));
        }
        let read = serde_json::from_slice::<Value>(&body).ok();
        if status.as_u16() == 429 {
            said.refused = Some(refused(read.as_ref(), &said, &refusal));
        }
        let result = match read {
            Some(value) if status.is_success() => Ok(value),
            Some(value) => Err(refused_call(route, status.as_u16(), &value, refusal, said.refused.as_ref())),
            None if status.is_success() => {
                let message = format!("{}: the answer is no JSON; does `api_url` lead to Discord's API?", route.path);
                let error = PortError::new(PortErrorKind::Broken, self.service(), route.operation, message);
                Err(Failure { code: None, status: Some(status.as_u16()), error: if route.safe { error } else { error.maybe_done() } })
            }
            // A web page: Cloudflare's, mostly.
            None => Err(refused_call(route, status.as_u16(), &Value::Null, refusal, said.refused.as_ref())),
        };
        (Some(said), result)
    }

    fn request(&self, route: Route, parts: &[&str], query: &[(&str, String)], body: Body) -> Result<Request, PortError> {
        let mut path = String::with_capacity(route.path.len() + 40);
        let mut parts = parts.iter();
        for (at, piece) in route.path.split("{}").enumerate() {
            if at > 0 {
                let part = parts.next().copied().unwrap_or_default();
                if matches!(part, "" | "." | "..") {
                    return Err(PortError::new(
                        PortErrorKind::NotFound,
                        self.service(),
                        route.operation,
                        format!("{}: an id is missing", route.path),
                    ));
                }
                path.extend(utf8_percent_encode(part, ESCAPED));
            }
            path.push_str(piece);
        }
        let url = self.config.route_url(&path);
        let method = match route.verb {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Put => Method::PUT,
            Verb::Patch => Method::PATCH,
            Verb::Delete => Method::DELETE,
        };
        let mut request = self.client.request(method, route.operation, route.path, &url).query(query).header("user-agent", AGENT);
        if !route.by_interaction() {
            request = request.secret_header("authorization", &format!("Bot {}", self.config.bot_token.expose_secret()));
        }
        if route.safe {
            request = request.idempotent();
        }
        if route.is_noted() {
            request = request
                .header("x-audit-log-reason", &utf8_percent_encode(&format!("Bellhop: channel {}", route.operation), ESCAPED).to_string());
        }
        Ok(match body {
            Body::None if matches!(route.verb, Verb::Get | Verb::Delete) => request,
            // Discord refuses what has no content type.
            Body::None => request.content("application/json", bytes::Bytes::new()),
            Body::Json(json) => request.json(&json),
            Body::Files(json, files) if files.is_empty() => request.json(&json),
            Body::Files(json, files) => {
                let (kind, body) = multipart::whole(&json, &files);
                request.content(&kind, body)
            }
            Body::Stream { json, name, size, bytes } => {
                let (kind, length, body) = multipart::streamed(&json, &name, size, bytes);
                request.stream(&kind, Some(length), body).within(STILL)
            }
        })
    }
}

/// What Discord said against a call, in the words of the port.
fn refused_call(route: Route, status: u16, said: &Value, refusal: PortError, limited: Option<&Refused>) -> Failure {
    let code = said.get("code").and_then(Value::as_i64).filter(|code| *code != 0);
    let mut error = refusal;
    let words =
        said.get("message").and_then(Value::as_str).map(|words| bellhop_core::text::shorten(&bellhop_core::text::one_line(words), 200));
    if let Some(limited) = limited {
        let what = if limited.global { "all calls have" } else { "this call has" };
        error.message = format!("{}: {what} to wait for {:.1} s", route.path, limited.pause.as_secs_f64());
        error.kind = PortErrorKind::RateLimited;
        error.maybe_done = false;
        return Failure { code, status: Some(status), error: error.after(limited.pause) };
    }
    if let Some((kind, advice)) = code.and_then(meaning::of) {
        error.kind = kind;
        error.retry = match kind {
            PortErrorKind::RateLimited | PortErrorKind::Unavailable | PortErrorKind::TimedOut | PortErrorKind::Full => Retry::Backoff,
            _ => Retry::No,
        };
        // It was understood and refused, whatever status was put on that.
        error.maybe_done = false;
        error.message = format!("{}: {} ({}{advice})", route.path, words.as_deref().unwrap_or("refused"), code.unwrap_or_default());
    } else if let Some(words) = words {
        let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
        error.message = format!("{}; {words}{code}", error.message);
    } else if status == 403 || status == 429 {
        error.message.push_str("; the answer is a web page, as Cloudflare sends it: this machine's address may be blocked for a while");
    }
    if status == 401 && !route.by_interaction() {
        error.kind = PortErrorKind::Unauthenticated;
        error.message = format!(
            "{}: Discord doesn't take the `bot_token`; it may have been reset. Make a new one under Bot > Reset Token in the application's \
             settings and put it into the configuration",
            route.path
        );
    }
    let paths = meaning::wrong_fields(said);
    if !paths.is_empty() {
        error.message = format!("{}: {}", error.message, paths.join("; "));
    }
    Failure { code, status: Some(status), error }
}
