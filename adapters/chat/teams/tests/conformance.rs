//! Teams is a chat platform like the others: every sentence of the ports' contracts, against the strict Teams of the test kit and
//! judged by what a person sees there. The adapter knows its conversations from the activities that the world delivers to it.

#![expect(clippy::unwrap_used, reason = "helpers of tests end the test where something is wrong")]

mod common;

use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::{Attachment, Handle};
use bellhop_core::{Clock as _, Timestamp};
use bellhop_kit::conformance::chat::{Attach, Subject, suite};
use bellhop_kit::conformance::meetings::{self, Planned};
use bellhop_kit::teams::{ChannelSpec, MachineClock, Settings, TeamsWorld};
use bellhop_teams::Teams;
use common::Bed;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// An adapter that the world delivers to, installed in its team and for its people.
async fn adapter(world: &TeamsWorld, more: &str) -> Arc<Teams> {
    let bed = Bed::new(world, more).await;
    world.install("Acme").await.unwrap();
    for person in ["@ann", "@bob"] {
        world.install(person).await.unwrap();
    }
    bed.teams
}

/// Every world that was made, to be asked at the end what it has to complain of.
type Worlds = Mutex<Vec<Arc<TeamsWorld>>>;

async fn world(settings: Settings, worlds: &Worlds) -> Arc<TeamsWorld> {
    let world = Arc::new(TeamsWorld::start_with(settings.unlimited()).await.unwrap());
    worlds.lock().unwrap().push(world.clone());
    world
}

fn nothing_to_complain_of(worlds: &Worlds) {
    let wrongs: Vec<String> = worlds.lock().unwrap().iter().flat_map(|world| world.ledger().wrongs()).collect();
    assert_eq!(wrongs, Vec::<String>::new());
}

async fn subject(worlds: &Worlds) -> Subject {
    let world = world(Settings { preview: true, ..Settings::default() }, worlds).await;
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
    let worlds = Worlds::default();
    suite(|| subject(&worlds)).await;
    nothing_to_complain_of(&worlds);
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

async fn organised(more: &str, worlds: &Worlds) -> meetings::Subject {
    let online = more.contains("online");
    let world = world(Settings { access_policy: true, link_later: true, ..Settings::default() }, worlds).await;
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
    let worlds = Worlds::default();
    meetings::suite(|| organised("", &worlds)).await;
    nothing_to_complain_of(&worlds);
}

#[tokio::test]
async fn online_meetings_keep_the_contract_of_meetings() {
    let worlds = Worlds::default();
    meetings::suite(|| organised("meetings = \"online\"\n", &worlds)).await;
    nothing_to_complain_of(&worlds);
}
