//! Slack as a chat platform.
//!
//! `listen` takes what Slack delivers, over sockets or HTTP, and has it in the inbox before it acknowledges; `parse` turns
//! deliveries into what was said; `render` turns cards into Block Kit; `send` posts; `wire` speaks the Web API. Who may do
//! what is not decided here, and neither is what is said.

mod address;
mod api;
mod channels;
mod check;
mod click;
mod config;
mod directory;
mod files;
mod handle;
mod history;
mod interact;
mod listen;
mod manifest;
mod parse;
mod render;
mod send;
mod signature;
#[cfg(test)]
mod testbed;
pub mod webhook;
mod wire;
mod workspaces;

pub use config::{SlackConfig, Transport, Uploads};
pub use manifest::{manifest, scopes};

use api::Api;
use async_trait::async_trait;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::Attachment;
use bellhop_core::capabilities::{Capabilities, Lookup};
use bellhop_core::clock::{Clock, Ids, Timestamp};
use bellhop_core::command::About;
use bellhop_core::ids::{ChatName, DeliveryKey, MessageId};
use bellhop_core::ports::{
    ByteStream, Channels, ChatPlatform, Completer, Finding, Front, HistoryPage, Inbox, Links, PortResult, Post, Records, Seal, Stop, Upload,
};
use directory::Directory;
use send::Responses;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use wire::Wire;
use workspaces::Workspaces;

/// What the adapter needs of the house.
#[derive(Clone)]
pub struct Ports {
    /// Where what people say goes.
    pub inbox: Arc<dyn Inbox>,
    /// What could stand in a form's input.
    pub completer: Arc<dyn Completer>,
    /// Where tokens, clicks and uploads under way are kept.
    pub records: Arc<dyn Records>,
    /// What App Home shows.
    pub front: Arc<dyn Front>,
    /// What our own links lead to, for unfurling.
    pub links: Arc<dyn Links>,
    /// What closes tokens away.
    pub seal: Arc<dyn Seal>,
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
    pub(crate) config: Arc<SlackConfig>,
    pub(crate) ports: Ports,
    pub(crate) workspaces: Arc<Workspaces>,
    pub(crate) api: Arc<Api>,
    /// People and channels by name.
    pub(crate) directory: Directory,
    /// The commands, once they are announced: what forms are built from.
    pub(crate) commands: RwLock<Vec<Arc<About>>>,
    responses: Responses,
    pages: send::Pages,
    tidying: files::Tidying,
}

/// A connection to Slack.
pub struct Slack {
    desk: Arc<Desk>,
}

impl Slack {
    /// A connection of this name. Nothing is asked of Slack yet.
    ///
    /// # Errors
    /// `Broken` when the TLS certificates of this machine can't be used.
    pub fn new(name: ChatName, config: SlackConfig, ports: Ports) -> PortResult<Arc<Self>> {
        let config = Arc::new(config);
        let wire = Wire::new(&format!("chat.{name}"), config.clone())?;
        let workspaces =
            Arc::new(Workspaces::new(name.clone(), wire.clone(), ports.records.clone(), ports.seal.clone(), ports.clock.clone()));
        let api = Arc::new(Api::new(&name, wire, workspaces.clone(), ports.records.clone(), ports.clock.clone()));
        let desk = Desk {
            directory: Directory::new(api.clone(), ports.clock.clone()),
            responses: Responses::new(&name, ports.records.clone(), ports.clock.clone()),
            commands: RwLock::default(),
            pages: send::Pages::default(),
            tidying: files::Tidying::default(),
            name,
            config,
            ports,
            workspaces,
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
impl ChatPlatform for Slack {
    fn name(&self) -> &ChatName {
        &self.desk.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            images: false,
            stored_files: false,
            edits: true,
            private: true,
            forms: true,
            threads: true,
            lookup: Lookup::ByKey,
            pause: Duration::from_secs(1),
            ..render::capabilities(files::LARGEST)
        }
    }

    /// Slack keeps no list that a bot may change; its commands stand in the app's manifest. Forms are made from these.
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

    async fn history(&self, at: &Address, from: Option<&str>, limit: usize) -> PortResult<HistoryPage> {
        history::history(&self.desk, at, from, limit).await
    }

    async fn locate(&self, workspace: Option<&str>, name: &str, direct: bool) -> PortResult<Option<Address>> {
        self.desk.locate(workspace, name, direct).await
    }

    async fn post_later(&self, post: &Post, at: Timestamp) -> PortResult<MessageId> {
        send::post_later(&self.desk, post, at).await
    }

    async fn permalink(&self, at: &Address, message: &MessageId) -> PortResult<Option<String>> {
        send::permalink(&self.desk, at, message).await
    }

    async fn check(&self) -> PortResult<Vec<Finding>> {
        check::check(&self.desk).await
    }

    fn channels(&self) -> Option<&dyn Channels> {
        Some(self)
    }

    async fn email(&self, person: &UserRef) -> PortResult<Option<String>> {
        let found = self.desk.directory.find_person(&person.workspace, person.user.as_str()).await?;
        Ok(found.and_then(|person| person.email.clone()))
    }
}
