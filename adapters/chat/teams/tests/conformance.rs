//! Teams is a chat platform like the others: every sentence of the ports' contracts, against the strict Teams of the test kit and
//! judged by what a person sees there. The adapter knows its conversations from the activities that the world delivers to it.

#![expect(clippy::unwrap_used, reason = "helpers of tests end the test where something is wrong")]

use async_trait::async_trait;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::{Attachment, Handle};
use bellhop_core::command::Suggestion;
use bellhop_core::error::CommandError;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{Completer, Completion, FileStore, Stores};
use bellhop_core::{Clock as _, Timestamp};
use bellhop_kit::clock::CountedIds;
use bellhop_kit::conformance::chat::{Attach, Subject, suite};
use bellhop_kit::conformance::meetings::{self, Planned};
use bellhop_kit::memory::{MemoryInbox, MemoryRecords};
use bellhop_kit::teams::{ChannelSpec, MachineClock, Settings, TeamsWorld};
use bellhop_teams::{Ports, Teams, TeamsConfig};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;

/// Ports that the contract doesn't touch.
struct Nothing;

#[async_trait]
impl Completer for Nothing {
    async fn complete(&self, _from: &UserRef, _at: &Address, _line: &str) -> Completion {
        Completion::default()
    }

    async fn choices(&self, _from: &UserRef, _at: &Address, _command: &str, _argument: &str, _typed: &str) -> Vec<Suggestion> {
        Vec::new()
    }
}

#[async_trait]
impl Stores for Nothing {
    fn store(&self, _name: Option<&StoreName>) -> Result<Arc<dyn FileStore>, CommandError> {
        Err(CommandError::Refused("not in this test".to_owned()))
    }

    fn names(&self) -> Vec<StoreName> {
        Vec::new()
    }

    async fn seen_from(self: Arc<Self>, _place: &Address) -> Arc<dyn Stores> {
        self
    }
}

/// An adapter that the world delivers to, installed in its team and for its people.
#[expect(clippy::disallowed_methods, reason = "the server of a test ends with the test")]
async fn adapter(world: &TeamsWorld, more: &str) -> Arc<Teams> {
    bellhop_kit::install_tls();
    let text = format!("{}{more}", world.config().replace("kind = \"teams\"\n", ""));
    let config: TeamsConfig = toml::from_str(&text).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen = listener.local_addr().unwrap();
    let ports = Ports {
        inbox: Arc::new(MemoryInbox::default()),
        completer: Arc::new(Nothing),
        records: Arc::new(MemoryRecords::default()),
        stores: Arc::new(Nothing),
        clock: Arc::new(MachineClock),
        ids: Arc::new(CountedIds::default()),
        public_url: format!("http://{listen}"),
        listen,
    };
    let teams = Teams::new("work".into(), config, ports).unwrap();
    let routes = teams.router().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    world.deliver_to(&format!("http://{listen}/chat/work"));
    world.install("Acme").await.unwrap();
    for person in ["@ann", "@bob"] {
        world.install(person).await.unwrap();
    }
    teams
}

async fn world(settings: Settings) -> Arc<TeamsWorld> {
    Arc::new(TeamsWorld::start_with(settings.unlimited()).await.unwrap())
}

async fn subject() -> Subject {
    let world = world(Settings { preview: true, ..Settings::default() }).await;
    let channel = world.add_channel(&ChannelSpec::standard("room"));
    let platform = adapter(&world, "").await;
    let tenant = world.tenant();
    let person = |name: &str| UserRef { chat: "work".into(), workspace: tenant.as_str().into(), user: world.person(name).object.into() };
    let (see, held) = (world.observe(), world.clone());
    let sending = world.clone();
    let attach: Attach = Arc::new(move |_at, name, content| {
        let sending = sending.clone();
        Box::pin(async move {
            sending.person("ann").upload("@bellhop", &name, &content, "").await.unwrap();
            let taken = sending.deliveries();
            let url = taken.last().unwrap().activity.pointer("/attachments/0/content/downloadUrl").and_then(Value::as_str).unwrap();
            let handle = Handle(json!({ "open": url }));
            let size = Some(content.len() as u64);
            Attachment { id: url.to_owned(), name, content_type: "application/octet-stream".into(), size, handle }
        })
    });
    Subject {
        platform,
        channel: Address::channel("work", tenant.as_str(), channel.as_str()),
        channel_name: "room".into(),
        person: person("ann"),
        person_name: "Ann Archer".into(),
        other: person("bob"),
        observe: Arc::new(move |at, reader| {
            let _alive = &held;
            see(at, reader)
        }),
        attach: Some(attach),
    }
}

#[tokio::test]
async fn teams_keeps_the_contract_of_a_chat_platform() {
    suite(subject).await;
}

fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()),
        value => format!("{}Z", value.get("dateTime")?.as_str()?).parse().ok(),
    }
}

fn planned(body: &Value, join_url: &str, names: [&str; 3], address: &str) -> Planned {
    let attendees = body.pointer(names[2]).and_then(Value::as_array).into_iter().flatten();
    Planned {
        title: body["subject"].as_str().unwrap_or_default().to_owned(),
        starts: moment(&body[names[0]]),
        ends: moment(&body[names[1]]),
        attendees: attendees.filter_map(|one| one.pointer(address)?.as_str().map(str::to_owned)).collect(),
        join_url: join_url.to_owned(),
    }
}

async fn organised(more: &str) -> meetings::Subject {
    let online = more.contains("online");
    let world = world(Settings { access_policy: true, link_later: true, ..Settings::default() }).await;
    let platform = adapter(&world, more).await;
    let organizer = UserRef { chat: "work".into(), workspace: world.tenant().into(), user: world.person("ann").object.into() };
    let looked = world.clone();
    meetings::Subject {
        platform,
        organizer,
        guest: "guest@partner.example".into(),
        now: MachineClock.now(),
        look: Arc::new(move || {
            if online {
                let on = looked.meetings().into_iter().filter(|(_, _, _, gone)| !gone);
                let names = ["startDateTime", "endDateTime", "/participants/attendees"];
                return on.map(|(_, body, join, _)| planned(&body, &join, names, "/upn")).collect();
            }
            let on = looked.calendar().into_iter().filter(|(_, _, _, cancelled)| !cancelled);
            let names = ["start", "end", "/attendees"];
            on.map(|(_, body, join, _)| planned(&body, &join.unwrap_or_default(), names, "/emailAddress/address")).collect()
        }),
    }
}

#[tokio::test]
async fn events_in_calendars_keep_the_contract_of_meetings() {
    meetings::suite(|| organised("")).await;
}

#[tokio::test]
async fn online_meetings_keep_the_contract_of_meetings() {
    meetings::suite(|| organised("meetings = \"online\"\n")).await;
}
