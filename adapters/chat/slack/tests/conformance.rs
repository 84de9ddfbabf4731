//! Slack is a chat platform like the others: every sentence of the port's contract, against the strict Slack of the test kit
//! and judged by what a person sees there.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests end the test where something is wrong")]

use async_trait::async_trait;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::Audience;
use bellhop_core::call::{Attachment, Handle};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::{ChatPlatform as _, Completer, Completion, Front, Link, LinkFacts, Links, PortResult, Post, Seal, Visitor};
use bellhop_core::{Call, Card, PortError, Retry};
use bellhop_http::{Client, Limits};
use bellhop_kit::clock::CountedIds;
use bellhop_kit::conformance::chat::{Attach, Observe, Subject, suite};
use bellhop_kit::memory::{MemoryInbox, MemoryRecords};
use bellhop_kit::slack::{Behaviour, ChannelSpec, MachineClock, Settings, SlackWorld};
use bellhop_slack::{Ports, Slack, SlackConfig};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

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
impl Front for Nothing {
    async fn page(&self, _visitor: &Visitor) -> Vec<Card> {
        Vec::new()
    }
}

#[async_trait]
impl Links for Nothing {
    async fn make(&self, _: &Call, _: &StoreName, _: &str, _: Option<&VersionId>, _: u64) -> PortResult<Link> {
        Err(PortError::unsupported("links", "make", "not in this test"))
    }

    async fn facts(&self, _url: &str) -> PortResult<Option<LinkFacts>> {
        Ok(None)
    }
}

impl Seal for Nothing {
    fn seal(&self, _name: &str, secret: &SecretString) -> PortResult<String> {
        Ok(secret.expose_secret().to_owned())
    }

    fn open(&self, _name: &str, sealed: &str) -> PortResult<SecretString> {
        Ok(sealed.to_owned().into())
    }
}

fn adapter(world: &SlackWorld, records: Arc<MemoryRecords>) -> Arc<Slack> {
    let config: SlackConfig = toml::from_str(&format!(
        "bot_token = \"{}\"\nsigning_secret = \"{}\"\napi_url = \"{}\"",
        world.bot_token(),
        world.signing_secret(),
        world.api_url()
    ))
    .unwrap();
    let ports = Ports {
        inbox: Arc::new(MemoryInbox::default()),
        completer: Arc::new(Nothing),
        records,
        front: Arc::new(Nothing),
        links: Arc::new(Nothing),
        seal: Arc::new(Nothing),
        clock: Arc::new(MachineClock),
        ids: Arc::new(CountedIds::default()),
        public_url: "https://bot.example".into(),
    };
    Slack::new("work".into(), config, ports).unwrap()
}

/// The files of a conversation's messages, by the message's `ts`: the adapter's name for a message with a file is the file.
async fn files(client: &Client, api: &str, token: &str, channel: &str) -> HashMap<String, String> {
    let url = format!("{api}/conversations.history");
    let form = [("channel", channel), ("limit", "200")];
    let answer: Value = client.post("observe", "conversations.history", &url).bearer(token).form(&form).receive().await.unwrap();
    let messages = answer["messages"].as_array().cloned().unwrap_or_default();
    let named = messages.iter().filter_map(|message| {
        let file = message.pointer("/files/0/id")?.as_str()?;
        Some((message["ts"].as_str()?.to_owned(), format!("f:{file}")))
    });
    named.collect()
}

async fn subject() -> Subject {
    bellhop_kit::install_tls();
    let world = Arc::new(SlackWorld::start_with(Settings::default().unlimited()).await.unwrap());
    let channel = world.add_channel(&ChannelSpec::public("room"));
    let (ann, bob) = (world.person("ann"), world.person("bob"));
    let team = world.team_id();
    let person = |id: &str| UserRef { chat: "work".into(), workspace: team.as_str().into(), user: id.into() };
    let client = Client::new("observer", Limits::default()).unwrap();
    let watched = world.clone();
    let observe: Observe = Arc::new(move |at, reader| {
        let (world, client, see) = (watched.clone(), client.clone(), watched.observe());
        Box::pin(async move {
            let mut seen = see(at.clone(), reader).await;
            if seen.iter().any(|message| !message.files.is_empty()) {
                let files = files(&client, &world.api_url(), &world.bot_token(), at.channel.as_str()).await;
                for message in &mut seen {
                    if let Some(file) = files.get(&message.id) {
                        message.id.clone_from(file);
                    }
                }
            }
            seen
        })
    });
    let (sending, team_of) = (world.clone(), team.clone());
    let attach: Attach = Arc::new(move |at, name, content| {
        let (file, _) = sending.person("ann").upload(at.channel.as_str(), &name, &content, "").unwrap();
        let handle = Handle(json!({ "workspace": team_of, "file": file }));
        let size = Some(content.len() as u64);
        Box::pin(async move { Attachment { id: file, name, content_type: "application/octet-stream".into(), size, handle } })
    });
    Subject {
        platform: adapter(&world, Arc::default()),
        channel: Address::channel("work", team.as_str(), channel.as_str()),
        channel_name: "room".into(),
        person: person(&ann.id),
        person_name: "ann".into(),
        other: person(&bob.id),
        observe,
        attach: Some(attach),
    }
}

#[tokio::test]
async fn slack_keeps_the_contract_of_a_chat_platform() {
    suite(subject).await;
}

/// Sends as a lane does: what is put off waits, and what may have been posted is looked for first.
async fn lane(slack: &Slack, to: &Address, key: &str) {
    let post = Post {
        key: key.into(),
        to: to.clone(),
        card: Card::text(format!("says {key}")),
        audience: Audience::Everyone,
        answers: None,
        reply: None,
    };
    let mut doubtful = false;
    for _ in 0..50 {
        let found = if doubtful { slack.find(to, &post.key).await } else { Ok(None) };
        let sent = match found {
            Ok(Some(_)) => return,
            Ok(None) => slack.deliver(&post).await.map(|_| ()),
            Err(error) => Err(error),
        };
        match sent {
            Ok(()) => return,
            Err(error) => {
                doubtful |= error.maybe_done;
                if let Retry::After(pause) = error.retry {
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
    panic!("{key} was not sent in 50 tries");
}

#[tokio::test]
async fn lost_answers_and_waits_lose_nothing_double_nothing_and_hurry_nothing() {
    bellhop_kit::install_tls();
    let world = SlackWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let post = |behaviour: Behaviour| Behaviour { method: Some("chat.postMessage".into()), ..behaviour };
    world.behave(post(Behaviour { refuse: Some(429), retry_after: 1, times: Some(1), ..Behaviour::default() }));
    world.also_behave(post(Behaviour { lose_percent: 15, reset_percent: 5, ..Behaviour::default() }));
    let records = Arc::new(MemoryRecords::default());
    let team = world.team_id();
    let channels: Vec<Address> = (0..4)
        .map(|n| Address::channel("work", team.as_str(), world.add_channel(&ChannelSpec::public(&format!("lane-{n}"))).as_str()))
        .collect();
    // Two processes share the records, as replicas do.
    let replicas = [adapter(&world, records.clone()), adapter(&world, records)];
    // The first call is told to wait; that holds for every lane and both processes.
    let early = Post {
        key: "0-0".into(),
        to: channels[0].clone(),
        card: Card::text("x"),
        audience: Audience::Everyone,
        answers: None,
        reply: None,
    };
    assert_eq!(replicas[0].deliver(&early).await.unwrap_err().retry, Retry::After(Duration::from_secs(1)));
    let lanes = channels.iter().enumerate().map(|(at, to)| {
        let slack = &replicas[at % 2];
        async move {
            for n in 0..10 {
                lane(slack, to, &format!("{at}-{n}")).await;
            }
        }
    });
    futures::future::join_all(lanes).await;
    let ledger = world.ledger();
    let expected: Vec<String> = (0..4).flat_map(|at| (0..10).map(move |n| format!("{at}-{n}"))).collect();
    assert_eq!(ledger.lost(expected.iter().map(String::as_str)), Vec::<&str>::new());
    assert_eq!(ledger.duplicates(), []);
    assert_eq!(ledger.early, Vec::<String>::new(), "calls before a wait ended");
    assert!(ledger.lost_answers > 0, "nothing went wrong, so nothing was shown");
}
