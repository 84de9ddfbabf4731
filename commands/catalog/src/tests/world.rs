//! A whole world of ports in memory: what commands do to it can be looked at, and it can be told to fail.

use super::chat::Chat;
use super::desk::Desk;
use super::hookery::Hookery;
use super::linker::Linker;
use super::own::{Database, Keyring};
use super::source::{MemorySource, OneSource};
use super::stores::{MemoryStore, MemoryStores};
use crate::Services;
use async_trait::async_trait;
use bellhop_core::card::{Card, Progress};
use bellhop_core::clock::{Clock, Ids};
use bellhop_core::ids::{CallId, CardKey};
use bellhop_core::ports::*;
use bellhop_core::*;
use chrono::TimeDelta;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub(super) const NOW: &str = "2026-11-23T10:30:00Z";

pub(super) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// A clock that stands still until a test moves it.
#[derive(Default)]
pub(super) struct Still(Mutex<TimeDelta>);
impl Still {
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }
}
impl Clock for Still {
    fn now(&self) -> Timestamp {
        now() + *self.0.lock().unwrap()
    }
}

impl Ids for Still {
    fn next(&self) -> String {
        "0".repeat(26)
    }
}

/// Commands that copy start tasks and wait for time.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
}

/// What there is to look at after a command ran.
pub(super) struct World {
    pub registry: Arc<Registry>,
    pub stores: Arc<MemoryStores>,
    pub source: Arc<MemorySource>,
    pub said: Arc<Announced>,
    pub links: Arc<Linker>,
    pub uploads: Arc<Uploads>,
    pub records: Arc<MemoryRecords>,
    pub desk: Arc<Desk>,
    pub hooks: Arc<Hookery>,
    pub schedules: Arc<Book>,
    pub channels: Arc<Chat>,
    pub progress: Arc<Mutex<Vec<Progress>>>,
    pub clock: Arc<Still>,
    pub keyring: Arc<Keyring>,
    pub database: Arc<Database>,
    pub services: Services,
    calls: Mutex<u32>,
}

impl World {
    pub fn new() -> Self {
        let records = Arc::new(MemoryRecords::default());
        let both = vec![Arc::new(MemoryStore::new("local", true).with_buckets()), Arc::new(MemoryStore::new("plain", false).with_parts())];
        let stores = Arc::new(MemoryStores(both, records.clone()));
        let links = Arc::new(Linker::default());
        let source = Arc::new(MemorySource::default());
        let said = Arc::new(Announced::default());
        let uploads = Arc::new(Uploads::default());
        let desk = Arc::new(Desk::default());
        let hooks = Arc::new(Hookery::default());
        let schedules = Arc::new(Book::default());
        let channels = Arc::new(Chat::default());
        let (clock, keyring, database) = (Arc::new(Still::default()), Arc::new(Keyring::default()), Arc::new(Database::default()));
        let services = Services {
            stores: stores.clone(),
            sources: Arc::new(OneSource(source.clone())),
            places: channels.clone(),
            announcer: said.clone(),
            attachments: uploads.clone(),
            links: links.clone(),
            alerts: desk.clone(),
            hooks: hooks.clone(),
            schedules: schedules.clone(),
            audit: Arc::new(Log),
            usage: Arc::new(Log),
            dead_letters: Arc::new(Log),
            feeds: Arc::new(Log),
            permissions: Arc::new(Rules),
            approvals: Arc::new(Rules),
            calls: Arc::new(Rules),
            records: records.clone(),
            platforms: channels.clone(),
            seal: keyring.clone(),
            database: database.clone(),
            clock: clock.clone(),
            ids: Arc::new(Still::default()),
        };
        let registry = crate::registry(services.clone());
        Self {
            registry,
            stores,
            source,
            said,
            links,
            uploads,
            records,
            desk,
            hooks,
            schedules,
            channels,
            progress: Arc::default(),
            clock,
            keyring,
            database,
            services,
            calls: Mutex::new(0),
        }
    }

    /// A fresh call by a person with this role.
    pub fn call(&self, access: Access) -> Call {
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        let progress = self.progress.clone();
        Call {
            id: format!("call-{calls}").into(),
            caller: Caller {
                user: UserRef { chat: "console".into(), workspace: "main".into(), user: "ann".into() },
                name: "Ann".into(),
                access,
                zone: chrono_tz::UTC,
            },
            at: Address::channel("console", "main", "general"),
            now: now(),
            attachments: Vec::new(),
            progress: Arc::new(move |said| progress.lock().unwrap().push(said)),
            stop: bellhop_core::ports::Stop::new(),
        }
    }

    pub fn try_call(&self, call: &Call, line: &str) -> Result<Reply, CommandError> {
        let understood = self.registry.parse(line).unwrap_or_else(|why| panic!("{line}: {why:?}"));
        let command = self.registry.get(&understood.invoke.command).unwrap();
        block_on(command.run(call, &understood.invoke.args))
    }

    pub fn try_run(&self, line: &str) -> Result<Reply, CommandError> {
        self.try_call(&self.call(Access::Admin), line)
    }

    pub fn reply(&self, line: &str) -> Reply {
        self.try_run(line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// What a button of a card gives, pressed by a person.
    pub fn press_by(&self, call: &Call, card: &Card, label: &str) -> Result<Reply, CommandError> {
        let action = card.actions().find(|action| action.label == label);
        let action = action.unwrap_or_else(|| panic!("no button {label}: {}", self.text(card)));
        let card::Does::Invoke(invoke) = &action.does else { panic!("{label} runs nothing") };
        let command = self.registry.get(&invoke.command).unwrap();
        futures::executor::block_on(command.run(call, &invoke.args))
    }

    pub fn press(&self, card: &Card, label: &str) -> Reply {
        self.press_by(&self.call(Access::Admin), card, label).unwrap_or_else(|error| panic!("{label}: {error}"))
    }

    /// The answer as plain text.
    pub fn run(&self, line: &str) -> String {
        self.text(&self.reply(line).card)
    }

    pub fn error(&self, line: &str) -> CommandError {
        match self.try_run(line) {
            Ok(reply) => panic!("{line}: {}", self.text(&reply.card)),
            Err(error) => error,
        }
    }

    pub fn plan(&self, line: &str) -> Result<Card, CommandError> {
        let understood = self.registry.parse(line).unwrap();
        let command = self.registry.get(&understood.invoke.command).unwrap();
        block_on(command.plan(&self.call(Access::Admin), &understood.invoke.args))
    }

    pub fn complete(&self, command: &str, argument: &str, typed: &str) -> Vec<String> {
        let found = self.registry.get(command).unwrap();
        let call = self.call(Access::Admin);
        block_on(found.complete(&call, argument, typed)).into_iter().map(|one| one.value).collect()
    }

    pub fn text(&self, card: &Card) -> String {
        plain::card(card, &|invoke| self.registry.line(invoke))
    }

    /// A call with these files.
    pub fn with_files(&self, files: &[(&str, &str, &[u8])]) -> Call {
        let mut call = self.call(Access::Member);
        for (id, name, bytes) in files {
            self.uploads.files.lock().unwrap().insert((*id).to_owned(), bytes.to_vec());
            call.attachments.push(Attachment {
                id: (*id).to_owned(),
                name: (*name).to_owned(),
                content_type: String::new(),
                size: Some(bytes.len() as u64),
                handle: call::Handle(Value::Null),
            });
        }
        call
    }
}

#[derive(Default)]
pub(super) struct Announced(pub Mutex<Vec<(Address, Card, Option<CardKey>)>>);
#[async_trait]
impl Announcer for Announced {
    async fn announce(&self, to: &Address, card: Card, _: Audience, key: Option<CardKey>, _: &Call) -> PortResult<()> {
        self.0.lock().unwrap().push((to.clone(), card, key));
        Ok(())
    }
}

#[derive(Default)]
pub(super) struct Uploads {
    pub files: Mutex<BTreeMap<String, Vec<u8>>>,
    /// When set, every stream breaks after its first chunk.
    pub broken: Mutex<bool>,
}
#[async_trait]
impl Attachments for Uploads {
    async fn open(&self, _: &Call, attachment: &Attachment) -> PortResult<ByteStream> {
        let bytes =
            self.files.lock().unwrap().get(&attachment.id).cloned().ok_or_else(|| PortError::not_found("chat.console", "fetch", "gone"))?;
        let mut chunks: Vec<_> = bytes.chunks(64 * 1024).map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk))).collect();
        if *self.broken.lock().unwrap() {
            chunks.truncate(1);
            chunks.push(Err(PortError::new(PortErrorKind::Unavailable, "chat.console", "fetch", "the line broke")));
        }
        Ok(Box::pin(futures::stream::iter(chunks)))
    }
}

#[derive(Default)]
pub(super) struct MemoryRecords(pub Mutex<BTreeMap<(String, String), Value>>);
#[async_trait]
impl Records for MemoryRecords {
    async fn put(&self, collection: &str, key: &str, value: &Value) -> PortResult<()> {
        self.0.lock().unwrap().insert((collection.into(), key.into()), value.clone());
        Ok(())
    }
    async fn put_new(&self, collection: &str, key: &str, value: &Value) -> PortResult<(Value, bool)> {
        let mut all = self.0.lock().unwrap();
        let new = !all.contains_key(&(collection.into(), key.into()));
        Ok((all.entry((collection.into(), key.into())).or_insert_with(|| value.clone()).clone(), new))
    }
    async fn get(&self, collection: &str, key: &str) -> PortResult<Option<Value>> {
        Ok(self.0.lock().unwrap().get(&(collection.into(), key.into())).cloned())
    }
    async fn remove(&self, collection: &str, key: &str) -> PortResult<()> {
        self.0.lock().unwrap().remove(&(collection.into(), key.into()));
        Ok(())
    }
    async fn after(&self, collection: &str, after: Option<&str>, limit: usize) -> PortResult<Vec<Record>> {
        let all = self.0.lock().unwrap();
        let fits = all.iter().filter(|((of, key), _)| of == collection && after.is_none_or(|after| key.as_str() > after));
        Ok(fits.take(limit).map(|((_, key), value)| Record { key: key.clone(), value: value.clone() }).collect())
    }
    async fn before(&self, collection: &str, before: Option<&str>, limit: usize) -> PortResult<Vec<Record>> {
        let all = self.0.lock().unwrap();
        let fits = all.iter().rev().filter(|((of, key), _)| of == collection && before.is_none_or(|before| key.as_str() < before));
        Ok(fits.take(limit).map(|((_, key), value)| Record { key: key.clone(), value: value.clone() }).collect())
    }
}

#[derive(Default)]
pub(super) struct Book(pub Mutex<Vec<Schedule>>);
#[async_trait]
impl ScheduleBook for Book {
    async fn add(&self, schedule: &Schedule) -> PortResult<()> {
        self.0.lock().unwrap().push(schedule.clone());
        Ok(())
    }
    async fn list(&self) -> PortResult<Vec<Schedule>> {
        Ok(self.0.lock().unwrap().clone())
    }
    async fn remove(&self, id: &str) -> PortResult<Option<Schedule>> {
        let mut all = self.0.lock().unwrap();
        Ok(all.iter().position(|schedule| schedule.id == id).map(|at| all.remove(at)))
    }
}

pub(super) struct Log;
#[async_trait]
impl AuditTrail for Log {
    async fn rows(&self, filter: &AuditFilter) -> PortResult<Vec<AuditRow>> {
        let row = |seq: i64, hours: i64, name: &str, line: &str| AuditRow {
            seq,
            at: now() - TimeDelta::hours(hours),
            who: format!("console:{}", name.to_lowercase()),
            name: name.into(),
            place: "console:main/general".into(),
            line: line.into(),
            outcome: "done".into(),
            detail: String::new(),
        };
        let rows = vec![row(3, 1, "Ann", "file delete report.pdf"), row(2, 30, "Bob", "file put report.pdf"), row(1, 90, "Ann", "help")];
        Ok(rows
            .into_iter()
            .filter(|row| filter.since.is_none_or(|since| row.at >= since))
            .filter(|row| filter.about.as_ref().is_none_or(|about| row.line.contains(about.as_str()) || row.who.contains(about.as_str())))
            .take(filter.limit)
            .collect())
    }
}
struct Rules;
impl Permissions for Rules {
    fn access(&self, user: &UserRef) -> Access {
        if user.user.as_str() == "ann" { Access::Admin } else { Access::Member }
    }
    fn decide(&self, _: &UserRef, access: Access, about: &About) -> Decision {
        Decision { allowed: access >= about.access, because: format!("`{}` needs the role {}", about.name, about.access) }
    }
    fn roles(&self) -> Vec<RoleFacts> {
        vec![RoleFacts { name: "admin".into(), users: vec!["console:ann".into()], allow: Vec::new(), deny: Vec::new() }]
    }
}
#[async_trait]
impl Approvals for Rules {
    async fn approve(&self, _: &Call, id: &str) -> Result<Reply, CommandError> {
        if id == "k7f2m" { Ok(Card::text("done").into()) } else { Err(CommandError::not_found("proposal", id)) }
    }
    async fn decline(&self, _: &Call, id: &str) -> Result<Reply, CommandError> {
        if id == "k7f2m" { Ok(Card::text("dropped").into()) } else { Err(CommandError::not_found("proposal", id)) }
    }
}

#[async_trait]
impl Calls for Rules {
    async fn running(&self, call: &Call) -> Result<Vec<RunningCall>, CommandError> {
        let (from, name) = (call.caller.user.clone(), call.caller.name.clone());
        Ok(vec![RunningCall { id: "c7".into(), from, name, line: "file copy logs/ plain:".into(), since: now() - TimeDelta::minutes(3) }])
    }
    async fn cancel(&self, call: &Call, id: &CallId) -> Result<RunningCall, CommandError> {
        let found = self.running(call).await?.into_iter().find(|running| running.id == *id);
        found.ok_or_else(|| CommandError::not_found("running command", id.as_str()))
    }
}
