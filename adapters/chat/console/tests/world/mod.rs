//! A house for the console alone: everything in memory, and an inbox that keeps what it is told. For tests and for
//! looking at the page (`cargo run -p bellhop-console --example preview`); no rule of the real parts is tested here.

#![expect(dead_code, reason = "each test uses a part of it")]
#![expect(clippy::unwrap_used, reason = "only tests and the preview use it, and they end where something is wrong")]

pub mod browser;

use async_trait::async_trait;
use bellhop_console::{Console, ConsoleConfig, Ports};
use bellhop_core::address::{Address, UserRef};
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::command::Suggestion;
use bellhop_core::error::{CommandError, PortError};
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::{
    ByteStream, Completer, Completion, FileInfo, FilePage, FileStore, Inbox, NewFile, PortResult, ReadRange, StoredFile, Stores, Version,
};
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_kit::memory::{MemoryInbox, MemoryRecords};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Completes a few words.
pub struct FewWords;

#[async_trait]
impl Completer for FewWords {
    async fn choices(&self, _from: &UserRef, _at: &Address, _command: &str, _argument: &str, _typed: &str) -> Vec<Suggestion> {
        Vec::new()
    }

    async fn complete(&self, _from: &UserRef, _at: &Address, line: &str) -> Completion {
        const WORDS: [(&str, &str); 8] = [
            ("file put", "Keep a file that comes with the message"),
            ("file get", "Bring a file to where it was asked"),
            ("file list", "List the files of a store"),
            ("file share", "Give a link to a file that expires"),
            ("help", "What the bot can do"),
            ("gallery", "One card of every kind"),
            ("progress", "Something that takes a while"),
            ("report", "Ask your numbers a question"),
        ];
        let typed = line.trim_start();
        let suggestions = WORDS
            .iter()
            .filter(|(word, _)| word.starts_with(typed))
            .map(|(word, about)| Suggestion { value: (*word).into(), about: (*about).into() })
            .collect();
        let known = WORDS.iter().find(|(word, _)| typed.starts_with(word));
        Completion {
            replaces: typed.len(),
            suggestions,
            usage: known.map_or(String::new(), |(word, _)| format!("/{word} [NAME] [--to PLACE]")),
            summary: known.map_or(String::new(), |(_, about)| (*about).to_owned()),
        }
    }
}

/// One store with a few files in memory.
pub struct MemoryStore {
    name: StoreName,
    pub files: BTreeMap<String, (String, Vec<u8>)>,
}

impl MemoryStore {
    fn info(&self, name: &str) -> PortResult<(FileInfo, Vec<u8>)> {
        let (content_type, bytes) =
            self.files.get(name).ok_or_else(|| PortError::not_found("files.memory", "head", format!("there is no file `{name}`")))?;
        let info = FileInfo {
            name: name.into(),
            size: bytes.len() as u64,
            content_type: content_type.clone(),
            modified: Timestamp::UNIX_EPOCH,
            version: Some(VersionId::from("v1")),
            sha256: None,
            encryption: None,
        };
        Ok((info, bytes.clone()))
    }

    fn cannot<T>() -> PortResult<T> {
        Err(PortError::unsupported("files.memory", "write", "this store only reads"))
    }
}

#[async_trait]
impl FileStore for MemoryStore {
    fn name(&self) -> &StoreName {
        &self.name
    }

    fn versioned(&self) -> bool {
        false
    }

    async fn list(&self, _prefix: &str, _from: Option<&str>, _limit: usize) -> PortResult<FilePage> {
        Self::cannot()
    }

    async fn head(&self, name: &str, _version: Option<&VersionId>) -> PortResult<FileInfo> {
        Ok(self.info(name)?.0)
    }

    async fn read(&self, name: &str, _version: Option<&VersionId>, range: Option<ReadRange>) -> PortResult<StoredFile> {
        let (info, bytes) = self.info(name)?;
        let range = range.unwrap_or(ReadRange { start: 0, length: None });
        let part: Vec<u8> = bytes
            .into_iter()
            .skip(usize::try_from(range.start).unwrap())
            .take(range.length.map_or(usize::MAX, |l| usize::try_from(l).unwrap()))
            .collect();
        Ok(StoredFile { info, bytes: Box::pin(futures::stream::once(async move { Ok(part.into()) })) })
    }

    async fn write(&self, _file: NewFile, _bytes: ByteStream) -> PortResult<FileInfo> {
        Self::cannot()
    }

    async fn delete(&self, _name: &str) -> PortResult<()> {
        Self::cannot()
    }

    async fn copy(&self, _from: &str, _to: &str) -> PortResult<FileInfo> {
        Self::cannot()
    }

    async fn versions(&self, _name: &str) -> PortResult<Vec<Version>> {
        Self::cannot()
    }

    async fn restore(&self, _name: &str, _version: Option<&VersionId>) -> PortResult<FileInfo> {
        Self::cannot()
    }
}

/// The one store.
pub struct OneStore(pub Arc<MemoryStore>);

#[async_trait]
impl Stores for OneStore {
    async fn seen_from(self: Arc<Self>, _place: &Address) -> Arc<dyn Stores> {
        self
    }

    fn store(&self, _name: Option<&StoreName>) -> Result<Arc<dyn FileStore>, CommandError> {
        Ok(Arc::clone(&self.0) as Arc<dyn FileStore>)
    }

    fn names(&self) -> Vec<StoreName> {
        vec![self.0.name.clone()]
    }
}

/// A store with these files.
pub fn stores(files: &[(&str, &str, &[u8])]) -> Arc<OneStore> {
    let files = files.iter().map(|(name, kind, bytes)| ((*name).to_owned(), ((*kind).to_owned(), bytes.to_vec()))).collect();
    Arc::new(OneStore(Arc::new(MemoryStore { name: "memory".into(), files })))
}

/// A console with everything around it.
pub struct World {
    pub console: Arc<Console>,
    pub inbox: Arc<MemoryInbox>,
    pub clock: Arc<StoppedClock>,
    pub ports: Ports,
    pub folder: tempfile::TempDir,
}

impl World {
    /// The bot says something in a channel.
    pub async fn deliver(&self, key: &str, channel: &str, card: bellhop_core::Card) -> bellhop_core::ids::MessageId {
        use bellhop_core::ports::ChatPlatform as _;
        let to = Address::channel("console", "local", channel);
        let audience = bellhop_core::Audience::Everyone;
        self.console.deliver(&bellhop_core::ports::Post { key: key.into(), to, card, audience, answers: None, reply: None }).await.unwrap()
    }

    pub fn new() -> Self {
        Self::with(ConsoleConfig::default())
    }

    pub fn with(config: ConsoleConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Arc::new(MemoryInbox::default());
        let clock = Arc::new(StoppedClock::default());
        let ports = Ports {
            inbox: Arc::clone(&inbox) as Arc<dyn Inbox>,
            completer: Arc::new(FewWords),
            records: Arc::new(MemoryRecords::default()),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ids: Arc::new(CountedIds::default()),
            files: stores(&[("folder/report.txt", "text/plain", b"0123456789")]),
        };
        let console = Console::new("console".into(), config, ports.clone(), folder.path());
        Self { console, inbox, clock, ports, folder }
    }

    /// Another console on the same records, as another process would have it.
    pub fn beside(&self) -> Arc<Console> {
        Console::new("console".into(), ConsoleConfig::default(), self.ports.clone(), self.folder.path())
    }

    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }
}
