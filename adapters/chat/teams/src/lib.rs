//! Microsoft Teams as a chat platform.
//!
//! `listen` takes what the connector delivers, has `proof` judge whether it is the connector's, and has it in the inbox before it
//! acknowledges; `parse` turns activities into what was said; `render` turns cards into Adaptive Cards; `send` posts them by
//! `connector`; channels, files and meetings go by `graph`. Who may do what is not decided here, and neither is what is said.

mod address;
mod channels;
mod check;
mod click;
mod config;
mod connector;
mod credential;
mod files;
mod graph;
mod handle;
mod interact;
mod listen;
mod manifest;
mod meetings;
mod notes;
mod pace;
mod parse;
mod people;
mod pictures;
mod proof;
mod references;
mod render;
mod send;
mod webhook;

pub use config::{Bot, Cloud, Credential, MeetingsBy, TeamsConfig, Uploads};
pub use manifest::{manifest, package};

use async_trait::async_trait;
use bellhop_core::address::Address;
use bellhop_core::call::Attachment;
use bellhop_core::capabilities::Capabilities;
use bellhop_core::clock::{Clock, Ids};
use bellhop_core::command::About;
use bellhop_core::ids::{ChatName, DeliveryKey, MessageId};
use bellhop_core::ports::{
    ByteStream, Channels, ChatPlatform, Completer, Finding, Inbox, Meetings, PortResult, Post, Records, Stop, Stores, Upload,
};
use bellhop_core::{PortError, PortErrorKind};
use bellhop_http::{Client, Limits};
use connector::Connector;
use credential::Tokens;
use graph::Graph;
use pace::Pace;
use references::References;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// What the adapter needs of the house.
#[derive(Clone)]
pub struct Ports {
    /// Where what people say goes.
    pub inbox: Arc<dyn Inbox>,
    /// What could stand in a form's input.
    pub completer: Arc<dyn Completer>,
    /// Where conversations, clicks and files that were offered are kept.
    pub records: Arc<dyn Records>,
    /// Where the bytes of a file are once someone has agreed to it.
    pub stores: Arc<dyn Stores>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh identifiers.
    pub ids: Arc<dyn Ids>,
    /// The address under which the bot is reached from outside, without a trailing slash.
    pub public_url: String,
    /// The address that the bot listens on.
    pub listen: SocketAddr,
}

/// Everything that listening and sending share.
pub(crate) struct Desk {
    pub(crate) name: ChatName,
    pub(crate) config: Arc<TeamsConfig>,
    pub(crate) ports: Ports,
    pub(crate) client: Client,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) connector: Connector,
    pub(crate) graph: Graph,
    pub(crate) pace: Arc<Pace>,
    pub(crate) references: References,
    pub(crate) keys: proof::Keys,
    /// The commands, once they are announced: what forms are built from.
    pub(crate) commands: RwLock<Vec<Arc<About>>>,
    pub(crate) answered: send::Answered,
    pub(crate) directory: people::Directory,
    pub(crate) tidying: notes::Tidying,
}

/// A connection to Teams.
pub struct Teams {
    desk: Arc<Desk>,
}

impl Teams {
    /// A connection of this name. Nothing is asked of Teams yet.
    ///
    /// # Errors
    /// `Broken` when the TLS certificates of this machine can't be used, `Invalid` for the emulator where others than this
    /// machine could reach the bot.
    pub fn new(name: ChatName, config: TeamsConfig, ports: Ports) -> PortResult<Arc<Self>> {
        let service = format!("chat.{name}");
        if config.bot.as_ref().is_some_and(|bot| bot.emulator) {
            if !ports.listen.ip().is_loopback() {
                let message = format!(
                    "`emulator = true` takes activities without a token, so it is for this machine alone, and the bot listens on {}: take \
                     it out, or set [server] listen = \"127.0.0.1:8787\"",
                    ports.listen
                );
                return Err(PortError::new(PortErrorKind::Invalid, service, "start", message));
            }
            tracing::warn!(chat = %name, "emulator = true: activities without a token are taken from this machine, and no tokens are sent");
        }
        let config = Arc::new(config);
        // A post waits this long for its answer; the outbox waits as long again before it sends anything a second time.
        let limits = Limits { total: Duration::from_secs(10), ..Limits::default() };
        let client = Client::new(service, limits)?;
        let tokens = Arc::new(Tokens::new(client.clone(), config.clone(), ports.clock.clone(), ports.ids.clone()));
        let pace = Arc::new(Pace::new(&name, ports.records.clone(), ports.clock.clone()));
        let once = Client::new(format!("chat.{name}"), Limits { retries: 0, ..limits })?;
        let desk = Desk {
            connector: Connector::new(once.clone(), config.clone(), tokens.clone(), pace.clone()),
            graph: Graph::new(once, config.clone(), tokens.clone(), pace.clone()),
            references: References::new(name.clone(), ports.records.clone()),
            keys: proof::Keys::new(client.clone(), config.cloud.openid_url.clone(), ports.clock.clone()),
            commands: RwLock::default(),
            answered: send::Answered::default(),
            directory: people::Directory::default(),
            tidying: notes::Tidying::default(),
            name,
            config,
            ports,
            client,
            tokens,
            pace,
        };
        Ok(Arc::new(Self { desk: Arc::new(desk) }))
    }
}

impl Desk {
    /// What there is to know about a command.
    pub(crate) fn about(&self, command: &str) -> Option<Arc<About>> {
        self.commands.read().unwrap_or_else(PoisonError::into_inner).iter().find(|about| about.name == command).cloned()
    }

    /// The configured name of the connection, as errors carry it.
    pub(crate) fn service(&self) -> &str {
        self.connector.service()
    }

    /// An error of this connection.
    pub(crate) fn error(&self, kind: PortErrorKind, operation: &'static str, message: impl Into<String>) -> PortError {
        let mut error = PortError::new(kind, self.service(), operation, message);
        error.maybe_done = false;
        error
    }

    /// A collection of the records that is this connection's own.
    pub(crate) fn collection(&self, what: &str) -> String {
        format!("teams/{}/{what}", self.name)
    }
}

#[async_trait]
impl ChatPlatform for Teams {
    fn name(&self) -> &ChatName {
        &self.desk.name
    }

    fn capabilities(&self) -> Capabilities {
        if self.desk.config.bot.is_none() { webhook::capabilities() } else { render::capabilities(files::LARGEST) }
    }

    /// Teams keeps no list that a bot may change; its commands stand in the app's manifest. Forms are made from these.
    async fn announce(&self, commands: &[About]) -> PortResult<()> {
        let commands = commands.iter().cloned().map(Arc::new).collect();
        *self.desk.commands.write().unwrap_or_else(PoisonError::into_inner) = commands;
        Ok(())
    }

    async fn listen(&self, stop: Stop) -> PortResult<()> {
        listen::listen(&self.desk, stop).await
    }

    async fn deliver(&self, post: &Post) -> PortResult<MessageId> {
        send::deliver(&self.desk, post).await
    }

    async fn revise(&self, message: &MessageId, post: &Post) -> PortResult<()> {
        send::revise(&self.desk, message, post).await
    }

    async fn retract(&self, at: &Address, message: &MessageId) -> PortResult<()> {
        send::retract(&self.desk, at, message).await
    }

    async fn find(&self, at: &Address, key: &DeliveryKey) -> PortResult<Option<MessageId>> {
        send::find(&self.desk, at, key).await
    }

    async fn fetch(&self, attachment: &Attachment) -> PortResult<ByteStream> {
        files::fetch(&self.desk, attachment).await
    }

    async fn upload(&self, file: Upload) -> PortResult<MessageId> {
        files::upload(&self.desk, file).await
    }

    async fn locate(&self, workspace: Option<&str>, name: &str, direct: bool) -> PortResult<Option<Address>> {
        people::locate(&self.desk, workspace, name, direct).await
    }

    async fn permalink(&self, at: &Address, message: &MessageId) -> PortResult<Option<String>> {
        Ok(send::permalink(at, message))
    }

    async fn check(&self) -> PortResult<Vec<Finding>> {
        check::check(&self.desk).await
    }

    fn channels(&self) -> Option<&dyn Channels> {
        self.desk.config.bot.as_ref().filter(|bot| !bot.emulator).map(|_| self as &dyn Channels)
    }

    fn meetings(&self) -> Option<&dyn Meetings> {
        self.desk.config.bot.as_ref().filter(|bot| !bot.emulator).map(|_| self as &dyn Meetings)
    }

    async fn email(&self, person: &bellhop_core::UserRef) -> PortResult<Option<String>> {
        people::email(&self.desk, person).await
    }
}
