//! A small Slack on loopback for the tests of this crate's sending side: it keeps channels, messages and files, refuses
//! arguments that a method doesn't have and bodies that are no forms, writes down every call, and answers what a test
//! puts in its mouth. The whole Slack world, with limits and sockets, is the test kit's.

mod methods;
mod server;

use crate::{Ports, Slack, SlackConfig};
use async_trait::async_trait;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::Audience;
use bellhop_core::card::Card;
use bellhop_core::clock::Clock as _;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Completer, Completion, Front, Link, LinkFacts, Links, PortResult, Post, Seal, Visitor};
use bellhop_core::{Call, PortError};
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_kit::memory::{MemoryInbox, MemoryRecords};
use secrecy::{ExposeSecret as _, SecretString};
pub(crate) use server::{Answer, Place, World};
use std::sync::Arc;

/// An adapter, its records and its clock, and the Slack that it talks to.
pub(crate) struct Bed {
    pub slack: Arc<Slack>,
    pub world: Arc<World>,
    pub records: Arc<MemoryRecords>,
    pub clock: Arc<StoppedClock>,
}

impl Bed {
    pub async fn new() -> Self {
        Self::on(World::start().await, Arc::default(), Arc::default())
    }

    /// The same after a restart, or another replica: what was in memory is gone.
    pub fn again(&self) -> Self {
        Self::on(self.world.clone(), self.records.clone(), self.clock.clone())
    }

    fn on(world: Arc<World>, records: Arc<MemoryRecords>, clock: Arc<StoppedClock>) -> Self {
        bellhop_kit::install_tls();
        let config = format!("bot_token = \"xoxb-1\"\nsigning_secret = \"s\"\napi_url = \"{}/api\"", world.url);
        let config: SlackConfig = toml::from_str(&config).unwrap();
        let ports = Ports {
            inbox: Arc::new(MemoryInbox::default()),
            completer: Arc::new(Nothing),
            records: records.clone(),
            front: Arc::new(Nothing),
            links: Arc::new(Nothing),
            seal: Arc::new(Nothing),
            clock: clock.clone(),
            ids: Arc::new(CountedIds::default()),
            public_url: "https://bot.example".into(),
        };
        let slack = Slack::new("work".into(), config, ports).unwrap();
        Self { slack, world, records, clock }
    }

    /// How a command given just now can be answered.
    pub fn reply(&self) -> crate::handle::ReplyTo {
        crate::handle::ReplyTo {
            response_url: Some(format!("{}/respond/1", self.world.url)),
            received: Some(self.clock.now()),
            ..Default::default()
        }
    }
}

/// A card for everyone in `#ops`.
pub(crate) fn said(key: &str, text: &str) -> Post {
    Post { key: key.into(), to: at("C1"), card: Card::text(text), audience: Audience::Everyone, answers: None, reply: None }
}

/// A channel of the workspace.
pub(crate) fn at(channel: &str) -> Address {
    Address::channel("work", "T1", channel)
}

/// A person of the workspace.
pub(crate) fn person(id: &str) -> UserRef {
    UserRef { chat: "work".into(), workspace: "T1".into(), user: id.into() }
}

/// Ports that sending doesn't use.
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
    async fn make(
        &self,
        _call: &Call,
        _store: &bellhop_core::ids::StoreName,
        _name: &str,
        _version: Option<&bellhop_core::ids::VersionId>,
        _seconds: u64,
    ) -> PortResult<Link> {
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
