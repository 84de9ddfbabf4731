//! Graph: one call at a time with the app's own token, within its windows, and its errors with what is missing and who can give
//! it. What is asked for is not decided here.
//!
//! <https://learn.microsoft.com/graph/errors>, <https://learn.microsoft.com/graph/throttling-limits>

use crate::config::TeamsConfig;
use crate::connector::{Called, Failure};
use crate::credential::{Audience, Tokens};
use crate::pace::{Kind, Pace};
use bellhop_core::ports::PortResult;
use bellhop_core::text::{one_line, shorten};
use bellhop_core::{PortError, PortErrorKind, Retry};
use bellhop_http::{Client, Method, Response};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a call waits here for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many pages of a list are read at most.
const PAGES: usize = 100;

/// What a call is about and what it needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    /// The port's word.
    pub operation: &'static str,
    /// The route's pattern.
    pub route: &'static str,
    /// The permissions of which one is needed, the least first. Those that end in `.Group` or `.Chat` come with the app in a
    /// team or chat; an administrator consents to the others.
    pub needs: &'static [&'static str],
    /// Whether doing it twice does no more than doing it once.
    pub safe: bool,
}

/// Graph, for one connection.
pub(crate) struct Graph {
    client: Client,
    config: Arc<TeamsConfig>,
    tokens: Arc<Tokens>,
    pace: Arc<Pace>,
}

/// One call on its way.
pub(crate) struct Ask<'a> {
    pub op: Op,
    pub method: Method,
    pub tenant: &'a str,
    /// The parts of the path below the version.
    pub path: &'a [&'a str],
    pub query: &'a [(&'a str, &'a str)],
    pub body: Option<&'a Value>,
    /// The team, channel or mailbox that it is about.
    pub thing: &'a str,
}

impl<'a> Ask<'a> {
    pub fn new(method: Method, op: Op, tenant: &'a str, path: &'a [&'a str]) -> Self {
        Self { op, method, tenant, path, query: &[], body: None, thing: path.get(1).copied().unwrap_or_default() }
    }

    pub fn body(self, body: &'a Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

impl Graph {
    pub fn new(client: Client, config: Arc<TeamsConfig>, tokens: Arc<Tokens>, pace: Arc<Pace>) -> Self {
        Self { client, config, tokens, pace }
    }

    /// Asks, and reads the answer; one without a body reads as null.
    pub async fn ask<T: DeserializeOwned>(&self, ask: &Ask<'_>) -> Called<T> {
        let answer = self.answer(ask).await?;
        let body = answer.bytes().await?;
        let body: &[u8] = if body.iter().all(u8::is_ascii_whitespace) { b"null" } else { &body };
        serde_json::from_slice(body).map_err(|_| {
            let error = PortError::new(PortErrorKind::Broken, self.client.service(), ask.op.operation, "Graph's answer can't be read");
            Failure::from(if ask.op.safe { error } else { error.maybe_done() })
        })
    }

    /// Asks, and takes a success as it comes.
    pub async fn answer(&self, ask: &Ask<'_>) -> Called<Response> {
        let mut url = self.config.cloud.graph_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(ask.path);
        }
        self.called(ask, url.as_str()).await
    }

    /// Puts an empty file.
    pub async fn put_empty(&self, ask: &Ask<'_>) -> Called<Response> {
        let empty = Value::Null;
        self.answer(&Ask { method: ask.method.clone(), body: Some(&empty), ..*ask }).await
    }

    /// Asks for bytes: they come at once, or they lie at an address that takes no token.
    pub async fn redirected(&self, ask: &Ask<'_>) -> Called<Result<Response, String>> {
        match self.answer(ask).await {
            Err(failure) if failure.location.is_some() => Ok(Err(failure.location.unwrap_or_default().into_string())),
            other => other.map(Ok),
        }
    }

    /// Every entry of a list, page by page.
    pub async fn list<T: DeserializeOwned>(&self, ask: &Ask<'_>) -> Called<Vec<T>> {
        let mut page: Page<T> = self.ask(ask).await?;
        let mut all = Vec::new();
        for _ in 0..PAGES {
            all.append(&mut page.value);
            let Some(next) = page.next.take() else { break };
            // A page lies where the list does: the token goes nowhere else.
            if !self.is_graphs(&next) {
                return Err(self.error(PortErrorKind::Denied, ask.op, "a page of Graph's list lies on another host").into());
            }
            // The page's address has the query in it.
            let further = Ask { method: ask.method.clone(), query: &[], body: None, ..*ask };
            let answer = self.called(&further, &next).await?;
            page = answer.json().await?;
        }
        Ok(all)
    }

    fn is_graphs(&self, address: &str) -> bool {
        address.parse::<url::Url>().is_ok_and(|url| url.origin() == self.config.cloud.graph_url.origin())
    }

    async fn called(&self, ask: &Ask<'_>, url: &str) -> Called<Response> {
        if self.config.bot.as_ref().is_none_or(|bot| bot.emulator) {
            let message = "with `emulator` there is no Graph: channels, files in channels and meetings need a real organisation";
            return Err(self.error(PortErrorKind::Unsupported, ask.op, message).into());
        }
        self.admit(ask).await?;
        let audience = Audience::Graph(ask.tenant.to_owned());
        let Some(token) = self.tokens.get(&audience).await? else {
            return Err(self.error(PortErrorKind::Unauthenticated, ask.op, "there is no token for Graph").into());
        };
        let mut answered = self.once(ask, url, token.expose_secret()).await;
        if let Err(failure) = &answered
            && failure.error.kind == PortErrorKind::Unauthenticated
        {
            self.tokens.refused(&audience, &token).await;
            if let Some(fresh) = self.tokens.get(&audience).await? {
                answered = self.once(ask, url, fresh.expose_secret()).await;
            }
        }
        if let Err(failure) = &answered
            && matches!(failure.error.kind, PortErrorKind::RateLimited | PortErrorKind::Unavailable)
            && let Retry::After(pause) = failure.error.retry
        {
            let (kind, name) = if ask.thing.is_empty() { (Kind::GraphTenant, ask.tenant) } else { (Kind::GraphThing, ask.thing) };
            self.pace.block(kind, name, pause).await;
        }
        answered
    }

    async fn once(&self, ask: &Ask<'_>, url: &str, token: &str) -> Called<Response> {
        let mut request = self.client.request(ask.method.clone(), ask.op.operation, ask.op.route, url).query(ask.query).bearer(token);
        // Channels that are shared read as something unknown otherwise.
        request = request.header("prefer", "include-unknown-enum-members");
        match ask.body {
            Some(Value::Null) => request = request.content("application/octet-stream", bytes::Bytes::new()),
            Some(body) => request = request.json(body),
            None => {}
        }
        if ask.op.safe {
            request = request.idempotent();
        }
        let answer = request.exchange().await?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.refused(ask, answer).await) }
    }

    async fn refused(&self, ask: &Ask<'_>, answer: Response) -> Failure {
        let (status, mut error) = (answer.status().as_u16(), answer.refusal());
        let location = answer.header("location").filter(|_| (300..400).contains(&status)).map(Box::from);
        let body: Value = answer.bytes().await.ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
        let told = |path: &str| body.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (outer, inner, said) = (told("/error/code"), told("/error/innerError/code"), told("/error/message"));
        let taken = [&inner, &outer].iter().any(|code| code.eq_ignore_ascii_case("NameAlreadyExists")) || said.contains("already exist");
        let code = if inner.is_empty() { outer } else { inner };
        if taken && matches!(status, 400 | 409) {
            error.kind = PortErrorKind::Conflict;
        }
        error.message = format!("Graph {} {} answered {status}", ask.method, ask.op.route);
        if !code.is_empty() {
            error.message = format!("{} {}", error.message, shorten(&one_line(&code), 60));
        }
        if !said.is_empty() {
            error.message = format!("{}: {}", error.message, shorten(&one_line(&said), 200));
        }
        if status == 403 {
            error.message = format!("{}; {}", error.message, self.missing(ask.op, ask.tenant));
        }
        if status == 500 || status == 501 {
            error.maybe_done = error.maybe_done && !ask.op.safe;
        }
        Failure { code: (!code.is_empty()).then(|| code.into_boxed_str()), error, location }
    }

    /// What a call lacks, and who can give it.
    pub fn missing(&self, op: Op, tenant: &str) -> String {
        if op.needs.is_empty() {
            return "the organisation's rules forbid it".to_owned();
        }
        let (with_app, consented): (Vec<&str>, Vec<&str>) =
            op.needs.iter().partition(|need| need.ends_with(".Group") || need.ends_with(".Chat"));
        let mut ways = Vec::new();
        if !with_app.is_empty() {
            ways.push(format!("{} comes with the app: update it in the team and agree to what it asks for", with_app.join(" or ")));
        }
        if !consented.is_empty() {
            let app_id = self.config.bot.as_ref().map_or("", |bot| bot.app_id.as_str());
            let link = self.config.cloud.consent_url(tenant, app_id);
            ways.push(format!("an administrator consents to {} (application permission) at {link}", consented.join(" or ")));
        }
        format!("a permission is missing: {}", ways.join("; or "))
    }

    async fn admit(&self, ask: &Ask<'_>) -> PortResult<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut counted = vec![(Kind::GraphTenant, ask.tenant)];
        if !ask.thing.is_empty() {
            counted.push((Kind::GraphThing, ask.thing));
        }
        loop {
            let Err(wait) = self.pace.take(&counted).await else { return Ok(()) };
            if Instant::now() + wait.wait > deadline {
                let seconds = wait.wait.as_secs_f64();
                let message = format!("Graph asked to wait; in {seconds:.1} s it can go on");
                return Err(self.error(PortErrorKind::RateLimited, ask.op, &message).after(wait.wait));
            }
            tokio::time::sleep(wait.wait).await;
        }
    }

    pub fn error(&self, kind: PortErrorKind, op: Op, message: &str) -> PortError {
        PortError::new(kind, self.client.service(), op.operation, message)
    }
}

/// A page of a list.
#[derive(serde::Deserialize)]
struct Page<T> {
    #[serde(default = "Vec::new")]
    value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}
