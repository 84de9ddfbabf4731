//! The commands without anything behind them: what they are called and take can be read, and nothing is opened for it.
//! Whatever is asked of a service here is refused.

use async_trait::async_trait;
use bellhop_catalog::Services;
use bellhop_core::access::Access;
use bellhop_core::address::{Address, PlaceRef, UserRef};
use bellhop_core::alert::Alert;
use bellhop_core::call::{Attachment, Audience, Call, Reply};
use bellhop_core::card::Card;
use bellhop_core::clock::Timestamp;
use bellhop_core::command::About;
use bellhop_core::error::{CommandError, PortError, PortErrorKind};
use bellhop_core::ids::{CallId, CardKey, ChatName, SourceName, StoreName, VersionId};
use bellhop_core::ports::{
    AlertDesk, AlertFilter, AnalyticsSource, Announcer, Approvals, Attachments, AuditFilter, AuditRow, AuditTrail, ByteStream, Calls,
    Channel, ChatPlatform, DatabaseCopy, DeadLetter, DeadLetters, Decision, Feed, Feeds, FileStore, Hook, HookRequest, Hooks, Link,
    LinkFacts, Links, MadeHook, NewAlert, OwnDatabase, Permissions, Places, Platforms, PortResult, Record, Records, RefusedEvent,
    RunningCall, Schedule, ScheduleBook, Seal, Sources, Stores, UsageBook, UsageRow,
};
use serde_json::Value;
use std::sync::Arc;

/// What there is to know about every command.
#[must_use]
pub fn commands() -> Vec<About> {
    let nothing = Arc::new(Unplugged);
    let registry = bellhop_catalog::registry(Services {
        stores: nothing.clone(),
        sources: nothing.clone(),
        places: nothing.clone(),
        announcer: nothing.clone(),
        attachments: nothing.clone(),
        links: nothing.clone(),
        hooks: nothing.clone(),
        alerts: nothing.clone(),
        schedules: nothing.clone(),
        audit: nothing.clone(),
        usage: nothing.clone(),
        dead_letters: nothing.clone(),
        feeds: nothing.clone(),
        permissions: nothing.clone(),
        approvals: nothing.clone(),
        calls: nothing.clone(),
        records: nothing.clone(),
        platforms: nothing.clone(),
        seal: nothing.clone(),
        database: nothing,
        clock: Arc::new(crate::clock::SystemClock),
        ids: Arc::new(crate::clock::RandomIds),
    });
    registry.all().cloned().collect()
}

/// Every service, and none.
struct Unplugged;

fn port<T>() -> PortResult<T> {
    Err(PortError::new(PortErrorKind::Unsupported, "bellhop", "ask", "this process only reads what the commands are"))
}

fn command<T>() -> Result<T, CommandError> {
    port().map_err(CommandError::Port)
}

#[async_trait]
impl Stores for Unplugged {
    async fn seen_from(self: Arc<Self>, _place: &Address) -> Arc<dyn Stores> {
        self
    }

    fn store(&self, _: Option<&StoreName>) -> Result<Arc<dyn FileStore>, CommandError> {
        command()
    }
    fn names(&self) -> Vec<StoreName> {
        Vec::new()
    }
}

impl Sources for Unplugged {
    fn source(&self, _: Option<&SourceName>) -> Result<Arc<dyn AnalyticsSource>, CommandError> {
        command()
    }
    fn names(&self) -> Vec<SourceName> {
        Vec::new()
    }
}

impl Platforms for Unplugged {
    fn platform(&self, _: &ChatName) -> Option<Arc<dyn ChatPlatform>> {
        None
    }
    fn names(&self) -> Vec<ChatName> {
        Vec::new()
    }
}

impl Permissions for Unplugged {
    fn access(&self, _: &UserRef) -> Access {
        Access::Member
    }
    fn decide(&self, _: &UserRef, _: Access, _: &About) -> Decision {
        Decision { allowed: false, because: "this process only reads what the commands are".to_owned() }
    }
}

#[async_trait]
impl Places for Unplugged {
    async fn resolve(&self, _: &PlaceRef, _: &Address) -> Result<Address, CommandError> {
        command()
    }
    async fn spell(&self, address: &Address) -> String {
        address.to_string()
    }
    async fn channels(&self) -> Result<Vec<Channel>, CommandError> {
        command()
    }
}

#[async_trait]
impl Announcer for Unplugged {
    async fn announce(&self, _: &Address, _: Card, _: Audience, _: Option<CardKey>, _: &Call) -> PortResult<()> {
        port()
    }
}

#[async_trait]
impl Attachments for Unplugged {
    async fn open(&self, _: &Call, _: &Attachment) -> PortResult<ByteStream> {
        port()
    }
}

#[async_trait]
impl Links for Unplugged {
    async fn make(&self, _: &Call, _: &StoreName, _: &str, _: Option<&VersionId>, _: u64) -> PortResult<Link> {
        port()
    }
    async fn facts(&self, _: &str) -> PortResult<Option<LinkFacts>> {
        port()
    }
}

#[async_trait]
impl Hooks for Unplugged {
    async fn create(&self, _: &Call, _: &str, _: &Address, _: bool) -> PortResult<MadeHook> {
        port()
    }
    async fn list(&self) -> PortResult<Vec<Hook>> {
        port()
    }
    async fn test(&self, _: &Call, _: &str) -> PortResult<Hook> {
        port()
    }
    async fn requests(&self, _: &str, _: usize) -> PortResult<Vec<HookRequest>> {
        port()
    }
    async fn remove(&self, _: &str) -> PortResult<Option<Hook>> {
        port()
    }
}

#[async_trait]
impl AlertDesk for Unplugged {
    async fn list(&self, _: &AlertFilter) -> Result<Vec<Alert>, CommandError> {
        command()
    }
    async fn get(&self, _: &str) -> Result<Alert, CommandError> {
        command()
    }
    async fn raise(&self, _: &Call, _: &NewAlert) -> Result<(Alert, bool), CommandError> {
        command()
    }
    async fn acknowledge(&self, _: &Call, _: &str) -> Result<Alert, CommandError> {
        command()
    }
    async fn unacknowledge(&self, _: &Call, _: &str) -> Result<Alert, CommandError> {
        command()
    }
    async fn resolve(&self, _: &Call, _: &str) -> Result<Alert, CommandError> {
        command()
    }
}

#[async_trait]
impl ScheduleBook for Unplugged {
    async fn add(&self, _: &Schedule) -> PortResult<()> {
        port()
    }
    async fn list(&self) -> PortResult<Vec<Schedule>> {
        port()
    }
    async fn remove(&self, _: &str) -> PortResult<Option<Schedule>> {
        port()
    }
}

#[async_trait]
impl AuditTrail for Unplugged {
    async fn rows(&self, _: &AuditFilter) -> PortResult<Vec<AuditRow>> {
        port()
    }
}

#[async_trait]
impl UsageBook for Unplugged {
    async fn usage(&self, _: Timestamp) -> PortResult<Vec<UsageRow>> {
        port()
    }
    async fn health(&self) -> PortResult<Vec<(String, String)>> {
        port()
    }
}

#[async_trait]
impl DeadLetters for Unplugged {
    async fn list(&self, _: usize) -> PortResult<Vec<DeadLetter>> {
        port()
    }
    async fn retry(&self, _: i64) -> PortResult<()> {
        port()
    }
}

#[async_trait]
impl Feeds for Unplugged {
    async fn feeds(&self) -> PortResult<Vec<Feed>> {
        port()
    }
    async fn refused(&self, _: Option<&SourceName>, _: usize) -> PortResult<Vec<RefusedEvent>> {
        port()
    }
    async fn again(&self, _: &SourceName) -> PortResult<u64> {
        port()
    }
}

#[async_trait]
impl Calls for Unplugged {
    async fn running(&self, _: &Call) -> Result<Vec<RunningCall>, CommandError> {
        command()
    }
    async fn cancel(&self, _: &Call, _: &CallId) -> Result<RunningCall, CommandError> {
        command()
    }
}

#[async_trait]
impl Approvals for Unplugged {
    async fn approve(&self, _: &Call, _: &str) -> Result<Reply, CommandError> {
        command()
    }
    async fn decline(&self, _: &Call, _: &str) -> Result<Reply, CommandError> {
        command()
    }
}

#[async_trait]
impl Records for Unplugged {
    async fn put(&self, _: &str, _: &str, _: &Value) -> PortResult<()> {
        port()
    }
    async fn put_new(&self, _: &str, _: &str, _: &Value) -> PortResult<(Value, bool)> {
        port()
    }
    async fn get(&self, _: &str, _: &str) -> PortResult<Option<Value>> {
        port()
    }
    async fn remove(&self, _: &str, _: &str) -> PortResult<()> {
        port()
    }
    async fn after(&self, _: &str, _: Option<&str>, _: usize) -> PortResult<Vec<Record>> {
        port()
    }
    async fn before(&self, _: &str, _: Option<&str>, _: usize) -> PortResult<Vec<Record>> {
        port()
    }
}

impl Seal for Unplugged {
    fn seal(&self, _: &str, _: &secrecy::SecretString) -> PortResult<String> {
        port()
    }

    fn open(&self, _: &str, _: &str) -> PortResult<secrecy::SecretString> {
        port()
    }

    fn derive(&self, _: &str, _: bool) -> PortResult<Option<secrecy::SecretSlice<u8>>> {
        port()
    }
}

#[async_trait]
impl OwnDatabase for Unplugged {
    async fn copy(&self) -> PortResult<DatabaseCopy> {
        port()
    }
}
