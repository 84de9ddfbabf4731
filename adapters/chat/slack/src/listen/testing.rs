//! What the tests of listening share: a desk on ports in memory, an inbox that can be held, and a small server in Slack's place
//! that answers Web API calls as a test says.

use crate::{Desk, Ports, Slack, SlackConfig};
use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::Call;
use bellhop_core::card::Card;
use bellhop_core::clock::Clock;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::{ChatName, StoreName, VersionId};
use bellhop_core::ports::{
    Accepted, Completer, Completion, Front, Inbox, Incoming, Link, LinkFacts, Links, PortResult, Records, Seal, Visitor,
};
use bellhop_core::{PortError, PortErrorKind};
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_kit::memory::{MemoryInbox, MemoryRecords};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long tests wait for what should come at once.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A desk and what is behind it.
pub(crate) struct Bench {
    pub(crate) desk: Arc<Desk>,
    pub(crate) inbox: Arc<HeldInbox>,
    pub(crate) records: Arc<MemoryRecords>,
    pub(crate) clock: Arc<StoppedClock>,
}

/// A desk with these settings beside the API's address.
pub(crate) fn bench(api: &str, settings: &str) -> Bench {
    bench_with(api, settings, Arc::default(), Arc::default())
}

/// The same, over these records.
pub(crate) fn bench_with(api: &str, settings: &str, records: Arc<MemoryRecords>, clock: Arc<StoppedClock>) -> Bench {
    bellhop_kit::install_tls();
    let config: SlackConfig = toml::from_str(&format!("api_url = \"{api}\"\n{settings}")).unwrap();
    let inbox = Arc::new(HeldInbox::default());
    let ports = Ports {
        inbox: inbox.clone(),
        completer: Arc::new(Silent),
        records: records.clone() as Arc<dyn Records>,
        front: Arc::new(Silent),
        links: Arc::new(Silent),
        seal: Arc::new(HexSeal),
        clock: clock.clone() as Arc<dyn Clock>,
        ids: Arc::new(CountedIds::default()),
        public_url: "https://bot.example.com".into(),
    };
    let slack = Slack::new(ChatName::new("work"), config, ports).unwrap();
    Bench { desk: slack.desk.clone(), inbox, records, clock }
}

/// An inbox that keeps nothing until it is let go.
pub(crate) struct HeldInbox {
    pub(crate) kept: MemoryInbox,
    /// How many have come, kept or not.
    pub(crate) came: AtomicUsize,
    held: watch::Sender<bool>,
}

impl Default for HeldInbox {
    fn default() -> Self {
        Self { kept: MemoryInbox::default(), came: AtomicUsize::new(0), held: watch::Sender::new(false) }
    }
}

impl HeldInbox {
    /// Holds what comes from now on, or lets it go.
    pub(crate) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }
}

#[async_trait]
impl Inbox for HeldInbox {
    async fn accept(&self, incoming: Incoming) -> PortResult<Accepted> {
        self.came.fetch_add(1, Ordering::SeqCst);
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        self.kept.accept(incoming).await
    }
}

/// Ports that have nothing to say.
struct Silent;

#[async_trait]
impl Completer for Silent {
    async fn complete(&self, _: &UserRef, _: &Address, _: &str) -> Completion {
        Completion::default()
    }

    async fn choices(&self, _: &UserRef, _: &Address, _: &str, _: &str, _: &str) -> Vec<Suggestion> {
        Vec::new()
    }
}

#[async_trait]
impl Front for Silent {
    async fn page(&self, _: &Visitor) -> Vec<Card> {
        Vec::new()
    }
}

#[async_trait]
impl Links for Silent {
    async fn make(&self, _: &Call, _: &StoreName, _: &str, _: Option<&VersionId>, _: u64) -> PortResult<Link> {
        Err(PortError::unsupported("links", "make", "tests make none"))
    }

    async fn facts(&self, _: &str) -> PortResult<Option<LinkFacts>> {
        Ok(None)
    }
}

/// Closes nothing away, but shows no secret as it is and knows its name.
struct HexSeal;

impl Seal for HexSeal {
    fn seal(&self, name: &str, secret: &SecretString) -> PortResult<String> {
        Ok(format!("{name}|{}", hex::encode(secret.expose_secret())))
    }

    fn open(&self, name: &str, sealed: &str) -> PortResult<SecretString> {
        let secret = sealed.strip_prefix(name).and_then(|rest| rest.strip_prefix('|')).and_then(|rest| hex::decode(rest).ok());
        let secret = secret.and_then(|bytes| String::from_utf8(bytes).ok());
        secret.map(SecretString::from).ok_or_else(|| PortError::new(PortErrorKind::Broken, "seal", "open", "sealed under another name"))
    }
}

/// A call of the Web API, as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) method: String,
    pub(crate) token: String,
    pub(crate) fields: HashMap<String, String>,
}

/// What the server answers.
pub(crate) struct Say {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Say {
    pub(crate) fn json(body: &Value) -> Self {
        Self { status: 200, headers: vec![("content-type", "application/json".into())], body: body.to_string() }
    }

    pub(crate) fn no(code: &str) -> Self {
        Self::json(&json!({ "ok": false, "error": code }))
    }

    pub(crate) fn status(status: u16, headers: Vec<(&'static str, String)>, body: &str) -> Self {
        Self { status, headers, body: body.into() }
    }

    pub(crate) fn with(mut self, header: &'static str, value: &str) -> Self {
        self.headers.push((header, value.into()));
        self
    }
}

type Answer = dyn Fn(&Called) -> Say + Send + Sync;

/// A server in Slack's place.
pub(crate) struct Api {
    /// As `api_url`.
    pub(crate) url: String,
    calls: Arc<Mutex<Vec<Called>>>,
    _serving: JoinSet<()>,
}

impl Api {
    /// A server that answers so.
    pub(crate) async fn start(answer: impl Fn(&Called) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api", listener.local_addr().unwrap());
        let (calls, answer): (Arc<Mutex<Vec<Called>>>, Arc<Answer>) = (Arc::default(), Arc::new(answer));
        let log = calls.clone();
        let handle = move |Path(method): Path<String>, headers: HeaderMap, body: Bytes| async move {
            let token = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let called = Called {
                method,
                token: token.strip_prefix("Bearer ").unwrap_or_default().to_owned(),
                fields: url::form_urlencoded::parse(&body).into_owned().collect(),
            };
            let say = answer(&called);
            log.lock().unwrap().push(called);
            let mut response: Response = (StatusCode::from_u16(say.status).unwrap(), say.body).into_response();
            for (name, value) in say.headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        };
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let _ = axum::serve(listener, Router::new().route("/api/{method}", post(handle))).await;
        });
        Self { url, calls, _serving: serving }
    }

    /// The calls of a method so far.
    pub(crate) fn calls(&self, method: &str) -> Vec<Called> {
        self.calls.lock().unwrap().iter().filter(|called| called.method == method).cloned().collect()
    }
}

/// A server that nobody should ask.
pub(crate) async fn silent_api() -> Api {
    Api::start(|_| Say::no("unknown_method")).await
}

/// A slash command, as an object of its fields.
pub(crate) fn command(trigger: &str) -> Value {
    json!({
        "token": "old", "team_id": "T1", "team_domain": "acme", "channel_id": "C1", "channel_name": "ops", "user_id": "U1",
        "user_name": "ann", "command": "/bellhop", "text": "help", "api_app_id": "A1", "is_enterprise_install": "false",
        "response_url": "https://hooks.slack.com/commands/T1/1/x", "trigger_id": trigger,
    })
}

/// A mention of the bot, in its wrapper.
pub(crate) fn mention(ts: &str) -> Value {
    json!({
        "token": "old", "team_id": "T1", "api_app_id": "A1", "type": "event_callback", "event_id": "Ev1", "event_time": 1_793_620_800,
        "event": { "type": "app_mention", "user": "U1", "text": "<@UBOT> help", "ts": ts, "channel": "C1", "event_ts": ts },
        "authorizations": [{ "enterprise_id": null, "team_id": "T1", "user_id": "UBOT", "is_bot": true, "is_enterprise_install": false }],
    })
}

/// A request for the options of a select in a form of ours.
pub(crate) fn suggestion() -> Value {
    json!({
        "type": "block_suggestion", "team": { "id": "T1", "domain": "acme" }, "user": { "id": "U1", "username": "ann", "team_id": "T1" },
        "api_app_id": "A1", "action_id": "v", "block_id": "arg:name", "value": "rep", "container": { "type": "view", "view_id": "V1" },
        "view": { "id": "V1", "type": "modal", "callback_id": "form", "private_metadata": "{\"command\":\"file get\",\"channel\":\"C1\"}" },
    })
}

/// Everything that is logged on this thread while it lives, as text.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<String>>);

impl Log {
    /// Begins to listen in; ends with the guard.
    pub(crate) fn start(&self) -> tracing::subscriber::DefaultGuard {
        tracing::subscriber::set_default(self.clone())
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl tracing::field::Visit for Log {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        use std::fmt::Write as _;
        let _ = writeln!(self.0.lock().unwrap(), "{field}={value:?}");
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        span.record(&mut self.clone());
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}
