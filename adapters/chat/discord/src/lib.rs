//! Discord as a chat platform.
//!
//! `listen` takes what Discord delivers, over the gateway or HTTP, and has it in the inbox before it acknowledges; `parse` and `interact`
//! understand it; `commands` and `register` keep Discord's list of commands; `render` turns cards into messages; `send` posts; `api` and
//! `wire` speak the REST API within its limits. Who may do what is not decided here, and neither is what is said.

mod address;
mod api;
mod channels;
mod check;
mod click;
mod commands;
mod config;
mod directory;
mod files;
mod handle;
mod history;
mod interact;
mod listen;
mod manifest;
mod parse;
mod register;
mod render;
mod send;
mod signature;
#[cfg(test)]
mod testbed;
mod wire;

pub use config::{DiscordConfig, PublicKey, Transport};
pub use manifest::{install_link, manifest};

use api::Api;
use async_trait::async_trait;
use bellhop_core::address::Address;
use bellhop_core::call::Attachment;
use bellhop_core::capabilities::Capabilities;
use bellhop_core::clock::{Clock, Ids};
use bellhop_core::command::About;
use bellhop_core::ids::{ChatName, DeliveryKey, MessageId};
use bellhop_core::ports::{
    ByteStream, Channels, ChatPlatform, Completer, Finding, HistoryPage, Inbox, PortResult, Post, Records, Stop, Upload,
};
use directory::Directory;
use std::sync::{Arc, PoisonError, RwLock};
use wire::Wire;

/// What the adapter needs of the house.
#[derive(Clone)]
pub struct Ports {
    /// Where what people say goes.
    pub inbox: Arc<dyn Inbox>,
    /// What could stand in an option that is being typed.
    pub completer: Arc<dyn Completer>,
    /// Where sessions, answers under way and clicks are kept.
    pub records: Arc<dyn Records>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh identifiers.
    pub ids: Arc<dyn Ids>,
    /// The address under which the bot is reached from outside, without a trailing slash.
    pub public_url: String,
}

/// Everything that listening and sending share.
pub(crate) struct Desk {
    pub(crate) name: ChatName,
    pub(crate) config: Arc<DiscordConfig>,
    pub(crate) ports: Ports,
    pub(crate) api: Arc<Api>,
    /// Servers, channels and people by name.
    pub(crate) directory: Directory,
    /// How large files may be.
    pub(crate) sizes: files::Sizes,
    /// The commands, once they are announced: what options and forms are read by.
    commands: RwLock<Vec<Arc<About>>>,
}

/// A connection to Discord.
pub struct Discord {
    desk: Arc<Desk>,
}

impl Discord {
    /// A connection of this name. Nothing is asked of Discord yet.
    ///
    /// # Errors
    /// `Broken` when the TLS certificates of this machine can't be used.
    pub fn new(name: ChatName, config: DiscordConfig, ports: Ports) -> PortResult<Arc<Self>> {
        let config = Arc::new(config);
        let wire = Wire::new(&format!("chat.{name}"), config.clone())?;
        let api = Arc::new(Api::new(&name, wire, ports.records.clone(), ports.clock.clone()));
        let desk = Desk {
            directory: Directory::new(api.clone()),
            sizes: files::Sizes::default(),
            commands: RwLock::default(),
            name,
            config,
            ports,
            api,
        };
        Ok(Arc::new(Self { desk: Arc::new(desk) }))
    }
}

impl Desk {
    /// What there is to know about a command.
    pub(crate) fn about(&self, command: &str) -> Option<Arc<About>> {
        self.announced().into_iter().find(|about| about.name == command)
    }

    /// Every announced command.
    pub(crate) fn announced(&self) -> Vec<Arc<About>> {
        self.commands.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl ChatPlatform for Discord {
    fn name(&self) -> &ChatName {
        &self.desk.name
    }

    fn capabilities(&self) -> Capabilities {
        render::capabilities(files::LARGEST)
    }

    async fn announce(&self, commands: &[About]) -> PortResult<()> {
        let known = commands.iter().cloned().map(Arc::new).collect();
        *self.desk.commands.write().unwrap_or_else(PoisonError::into_inner) = known;
        register::register(&self.desk, &commands::schema(commands)).await
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

    async fn history(&self, at: &Address, from: Option<&str>, limit: usize) -> PortResult<HistoryPage> {
        history::history(&self.desk, at, from, limit).await
    }

    async fn locate(&self, workspace: Option<&str>, name: &str, direct: bool) -> PortResult<Option<Address>> {
        self.desk.locate(workspace, name, direct).await
    }

    async fn permalink(&self, at: &Address, message: &MessageId) -> PortResult<Option<String>> {
        Ok(send::permalink(at, message))
    }

    async fn check(&self) -> PortResult<Vec<Finding>> {
        check::check(&self.desk).await
    }

    fn channels(&self) -> Option<&dyn Channels> {
        Some(self)
    }
}
