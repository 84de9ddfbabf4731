//! Slack as a chat platform.
//!
//! `listen` takes what Slack delivers, over sockets or HTTP, and has it in the inbox before it acknowledges; `parse` turns
//! deliveries into what was said; `render` turns cards into Block Kit; `send` posts; `wire` speaks the Web API. Who may do
//! what is not decided here, and neither is what is said.

mod api;
mod check;
mod click;
mod config;
mod handle;
mod interact;
mod listen;
mod manifest;
mod parse;
mod signature;
mod wire;
mod workspaces;

pub use config::{SlackConfig, Transport, Uploads};
pub use manifest::{manifest, scopes};

use api::Api;
use bellhop_core::clock::{Clock, Ids};
use bellhop_core::command::About;
use bellhop_core::ids::ChatName;
use bellhop_core::ports::{Completer, Front, Inbox, Links, PortResult, Records, Seal};
use std::sync::{Arc, OnceLock};
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
    pub(crate) api: Api,
    /// The commands, once they are announced: what forms are built from.
    pub(crate) commands: OnceLock<Vec<About>>,
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
        let api = Api::new(wire, workspaces.clone());
        Ok(Arc::new(Self { desk: Arc::new(Desk { name, config, ports, workspaces, api, commands: OnceLock::new() }) }))
    }
}

impl Desk {
    /// What there is to know about a command.
    pub(crate) fn about(&self, command: &str) -> Option<&About> {
        self.commands.get()?.iter().find(|about| about.name == command)
    }
}
