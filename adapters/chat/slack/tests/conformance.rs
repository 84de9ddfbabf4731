//! Slack is a chat platform like the others: every sentence of the port's contract, against the strict Slack of the test kit
//! and judged by what a person sees there.

#![expect(clippy::unwrap_used, reason = "helpers of tests end the test where something is wrong")]

use async_trait::async_trait;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::{Attachment, Handle};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::{Completer, Completion, Front, Link, LinkFacts, Links, PortResult, Seal, Visitor};
use bellhop_core::{Call, Card, PortError};
use bellhop_http::{Client, Limits};
use bellhop_kit::clock::CountedIds;
use bellhop_kit::conformance::chat::{Attach, Observe, Subject, suite};
use bellhop_kit::memory::{MemoryInbox, MemoryRecords};
use bellhop_kit::slack::{ChannelSpec, MachineClock, Settings, SlackWorld};
use bellhop_slack::{Ports, Slack, SlackConfig};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use std::collections::HashMap;
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

fn adapter(world: &SlackWorld) -> Arc<Slack> {
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
        records: Arc::new(MemoryRecords::default()),
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
        platform: adapter(&world),
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
