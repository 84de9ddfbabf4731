//! The ports that commands can ask for. Only the list of commands sees all of them; a command takes the few it uses.

use bellhop_core::clock::{Clock, Ids};
use bellhop_core::ports::{
    AlertDesk, Announcer, Approvals, Attachments, AuditTrail, Calls, DeadLetters, Feeds, Hooks, Links, OwnDatabase, Permissions, Places,
    Platforms, Records, ScheduleBook, Seal, Sources, Stores, UsageBook,
};
use std::sync::Arc;

/// Everything that commands are built from.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is one port under the port's name; the ports' own docs say what they are")]
pub struct Services {
    pub stores: Arc<dyn Stores>,
    pub sources: Arc<dyn Sources>,
    pub places: Arc<dyn Places>,
    pub announcer: Arc<dyn Announcer>,
    pub attachments: Arc<dyn Attachments>,
    pub links: Arc<dyn Links>,
    pub alerts: Arc<dyn AlertDesk>,
    pub hooks: Arc<dyn Hooks>,
    pub schedules: Arc<dyn ScheduleBook>,
    pub audit: Arc<dyn AuditTrail>,
    pub usage: Arc<dyn UsageBook>,
    pub dead_letters: Arc<dyn DeadLetters>,
    pub feeds: Arc<dyn Feeds>,
    pub permissions: Arc<dyn Permissions>,
    pub approvals: Arc<dyn Approvals>,
    pub calls: Arc<dyn Calls>,
    pub records: Arc<dyn Records>,
    pub platforms: Arc<dyn Platforms>,
    pub seal: Arc<dyn Seal>,
    pub database: Arc<dyn OwnDatabase>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
}
