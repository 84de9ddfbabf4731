//! Interactions against a small server that speaks as Slack's API does, with an inbox and records in memory.

mod modals;
mod pages;
mod submissions;
mod uploads;

use super::answer;
use crate::click::{self, Click};
use crate::parse::tests::fixture;
use crate::parse::{Heard, Kind, delivery};
use crate::{Desk, Ports, Slack};
use async_trait::async_trait;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Form, Json, Router};
use bellhop_core::address::{Address, UserRef};
use bellhop_core::card::Card;
use bellhop_core::clock::Clock as _;
use bellhop_core::command::{About, Suggestion};
use bellhop_core::ids::{ChatName, StoreName, VersionId};
use bellhop_core::ports::{Completer, Completion, Front, Incoming, Link, LinkFacts, Links, PortResult, Records as _, Seal, Visitor};
use bellhop_core::{Access, Call, Effect, PortError};
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_kit::memory::{MemoryInbox, MemoryRecords};
use bellhop_kit::wait;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::task::TaskTracker;

const SOON: Duration = Duration::from_secs(10);

/// What was posted where: a method's fields, or the body for a response address.
type Calls = Vec<(String, Value)>;

/// The part of Slack that answers calls.
#[derive(Default)]
struct Api {
    calls: Mutex<Calls>,
    answers: Mutex<HashMap<String, VecDeque<Value>>>,
    gone: Mutex<bool>,
}

impl Api {
    /// From now on a method answers this, then the next, the last one for good.
    fn answers(&self, method: &str, answers: &[Value]) {
        self.answers.lock().unwrap().insert(method.to_owned(), answers.iter().cloned().collect());
    }

    fn calls(&self, of: &str) -> Vec<Value> {
        self.calls.lock().unwrap().iter().filter(|(to, _)| to == of).map(|(_, body)| body.clone()).collect()
    }

    fn called(&self) -> Vec<String> {
        self.calls.lock().unwrap().iter().map(|(to, _)| to.clone()).collect()
    }
}

async fn method(State(api): State<Arc<Api>>, Path(name): Path<String>, Form(fields): Form<BTreeMap<String, String>>) -> Json<Value> {
    // What is JSON in a form's field is read, as Slack does.
    let fields = fields.into_iter().map(|(name, text)| {
        let value = match text.as_bytes().first() {
            Some(b'{' | b'[') => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            _ => Value::String(text),
        };
        (name, value)
    });
    api.calls.lock().unwrap().push((name.clone(), fields.collect::<serde_json::Map<_, _>>().into()));
    let mut answers = api.answers.lock().unwrap();
    let answer = match answers.get_mut(&name) {
        Some(queue) if queue.len() > 1 => queue.pop_front(),
        Some(queue) => queue.front().cloned(),
        None => None,
    };
    let plain = match name.as_str() {
        "auth.test" => json!({ "ok": true, "team_id": "T0WORK", "team": "Work", "url": "https://work.slack.com/", "user_id": "U0BELLHOP" }),
        _ => json!({ "ok": true }),
    };
    Json(answer.unwrap_or(plain))
}

async fn hook(State(api): State<Arc<Api>>, Json(body): Json<Value>) -> (StatusCode, &'static str) {
    api.calls.lock().unwrap().push(("response_url".to_owned(), body));
    if *api.gone.lock().unwrap() { (StatusCode::NOT_FOUND, "used_url") } else { (StatusCode::OK, "ok") }
}

/// What the rest of the house says.
#[derive(Default)]
struct House {
    visitors: Mutex<Vec<Visitor>>,
    facts: Mutex<HashMap<String, LinkFacts>>,
    suggestions: Mutex<Option<Vec<Suggestion>>>,
    asked: Mutex<Vec<(String, String, String, String)>>,
}

#[async_trait]
impl Front for House {
    async fn page(&self, visitor: &Visitor) -> Vec<Card> {
        self.visitors.lock().unwrap().push(visitor.clone());
        vec![Card::titled("All is well")]
    }
}

#[async_trait]
impl Links for House {
    async fn make(&self, _: &Call, _: &StoreName, _: &str, _: Option<&VersionId>, _: u64) -> PortResult<Link> {
        Err(PortError::unsupported("links", "make", "no interaction makes links"))
    }

    async fn facts(&self, url: &str) -> PortResult<Option<LinkFacts>> {
        Ok(self.facts.lock().unwrap().get(url).cloned())
    }
}

#[async_trait]
impl Completer for House {
    async fn complete(&self, _: &UserRef, _: &Address, _: &str) -> Completion {
        Completion::default()
    }

    async fn choices(&self, from: &UserRef, at: &Address, command: &str, argument: &str, typed: &str) -> Vec<Suggestion> {
        let asked = (format!("{from} in {at}"), command.to_owned(), argument.to_owned(), typed.to_owned());
        self.asked.lock().unwrap().push(asked);
        let suggestions = self.suggestions.lock().unwrap().clone();
        match suggestions {
            Some(suggestions) => suggestions,
            None => std::future::pending().await,
        }
    }
}

impl Seal for House {
    fn seal(&self, _: &str, secret: &SecretString) -> PortResult<String> {
        Ok(secret.expose_secret().to_owned())
    }

    fn open(&self, _: &str, sealed: &str) -> PortResult<SecretString> {
        Ok(SecretString::from(sealed))
    }
}

/// A connection to the server, and everything around it.
struct World {
    api: Arc<Api>,
    url: String,
    house: Arc<House>,
    inbox: Arc<MemoryInbox>,
    records: Arc<MemoryRecords>,
    clock: Arc<StoppedClock>,
    desk: Arc<Desk>,
    tasks: TaskTracker,
}

impl World {
    async fn new() -> Self {
        Self::with("direct").await
    }

    async fn with(uploads: &str) -> Self {
        bellhop_kit::install_tls();
        let api = Arc::new(Api::default());
        let app = Router::new().route("/api/{method}", post(method)).route("/hooks/1", post(hook)).with_state(api.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let tasks = TaskTracker::new();
        tasks.spawn(async move { axum::serve(listener, app).await });
        let config = format!("bot_token = \"xoxb-1\"\napp_token = \"xapp-1\"\napi_url = \"{url}/api\"\nuploads = \"{uploads}\"");
        let (house, inbox, records) = (Arc::new(House::default()), Arc::new(MemoryInbox::default()), Arc::new(MemoryRecords::default()));
        let clock = Arc::new(StoppedClock::default());
        let ports = Ports {
            inbox: inbox.clone(),
            completer: house.clone(),
            records: records.clone(),
            front: house.clone(),
            links: house.clone(),
            seal: house.clone(),
            clock: clock.clone(),
            ids: Arc::new(CountedIds::default()),
            public_url: "https://bellhop.example.com".to_owned(),
        };
        let slack = Slack::new(ChatName::from("work"), toml::from_str(&config).unwrap(), ports).unwrap();
        let desk = slack.desk.clone();
        *desk.commands.write().unwrap() = commands().into_iter().map(Arc::new).collect();
        Self { api, url, house, inbox, records, clock, desk, tasks }
    }

    /// A delivery from the fixtures, changed, whose response address leads here.
    fn payload(&self, name: &str, edit: impl FnOnce(&mut Value)) -> Value {
        let mut payload = fixture(name);
        if payload.get("response_url").is_some() {
            payload["response_url"] = format!("{}/hooks/1", self.url).into();
        }
        edit(&mut payload);
        payload
    }

    async fn answer(&self, kind: Kind, name: &str) -> PortResult<Option<Value>> {
        self.answer_to(kind, &self.payload(name, |_| ())).await
    }

    async fn answer_to(&self, kind: Kind, payload: &Value) -> PortResult<Option<Value>> {
        match delivery(kind, payload, &self.desk.name, self.clock.now()).unwrap() {
            Heard::Interact(interaction) => answer(&self.desk, *interaction).await,
            other => panic!("it is no interaction: {other:?}"),
        }
    }

    /// The first call of a method, once there is one.
    async fn call(&self, method: &str) -> Value {
        let first = async || self.api.calls(method).into_iter().next();
        wait::until(SOON, method, first).await
    }

    async fn keep(&self, key: &str, click: &Click) {
        self.records.put(&click::collection("work"), key, &json!(click)).await.unwrap();
    }

    fn accepted(&self) -> Vec<Incoming> {
        self.inbox.take()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.tasks.close();
    }
}

fn about(name: &'static str, completes: &'static [&'static str], args: Vec<clap::Arg>) -> About {
    let model = clap::Command::new(name).no_binary_name(true).disable_help_flag(true).disable_version_flag(true).args(args);
    About { name, summary: "", access: Access::Member, effect: Effect::Reads, examples: &[], completes, model }
}

fn commands() -> Vec<About> {
    let needed = |id: &'static str| clap::Arg::new(id).required(true);
    let option = |id: &'static str| clap::Arg::new(id).long(id);
    let colour = option("colour").value_parser(["red", "green", "blue"]);
    vec![
        about("file share", &["name"], vec![needed("name"), option("minutes").value_parser(clap::value_parser!(u8)), colour]),
        about("file put", &[], vec![clap::Arg::new("name")]),
        about("channel invite", &[], vec![needed("people").num_args(1..)]),
        about("alert raise", &[], vec![needed("name"), option("summary"), option("url")]),
    ]
}

/// Every value of a button or an option in blocks, read.
fn clicks(blocks: &Value) -> Vec<Click> {
    let found: Vec<Click> = match blocks {
        Value::Object(members) => {
            let own = members.get("value").and_then(Value::as_str).and_then(Click::read);
            own.into_iter().chain(members.values().flat_map(clicks)).collect()
        }
        Value::Array(items) => items.iter().flat_map(clicks).collect(),
        _ => Vec::new(),
    };
    found
}

fn block_ids(view: &Value) -> Vec<&str> {
    view["blocks"].as_array().unwrap().iter().filter_map(|block| block["block_id"].as_str()).collect()
}

fn meta(view: &Value) -> Value {
    serde_json::from_str(view["private_metadata"].as_str().unwrap()).unwrap()
}
