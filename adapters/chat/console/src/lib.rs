//! The embedded chat: a web page served by the bot, and a chat platform like the others. It needs no account and no key.
//!
//! `listen` takes what people type and click to the inbox, `send` shows what the bot says, `render` turns cards into
//! HTML, `pages` are the page around them. What is said lies in the records, so it survives a restart and another process
//! (`bellhop say`) may write to the same conversation. It does not decide who may do what, and it does not decide where the
//! page is served: both are the bot's.

mod address;
mod assets;
mod book;
mod config;
mod history;
mod listen;
mod media;
mod message;
mod pages;
mod parse;
mod render;
mod rooms;
mod send;
mod session;
mod shelf;

pub use config::{ConsoleConfig, Person, default_people};

use async_trait::async_trait;
use bellhop_core::Capabilities;
use bellhop_core::address::Address;
use bellhop_core::call::Attachment;
use bellhop_core::clock::{Clock, Ids};
use bellhop_core::ids::{ChatName, DeliveryKey, MessageId};
use bellhop_core::ports::{
    ByteStream, Channel, Channels, ChatPlatform, Completer, HistoryPage, Inbox, PortResult, Post, Records, Stop, Stores, Upload,
};
use book::Book;
use shelf::Shelf;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How often what is no longer needed is removed.
const TIDY: Duration = Duration::from_mins(5);

/// What the console needs of the house.
#[derive(Clone)]
pub struct Ports {
    /// Where what people say goes.
    pub inbox: Arc<dyn Inbox>,
    /// What could be typed next.
    pub completer: Arc<dyn Completer>,
    /// Where messages, channels and sessions are kept.
    pub records: Arc<dyn Records>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh identifiers.
    pub ids: Arc<dyn Ids>,
    /// The stores whose files cards name, for downloads.
    pub files: Arc<dyn Stores>,
}

/// Everything that the pages and the port share.
pub(crate) struct Desk {
    config: ConsoleConfig,
    book: Book,
    shelf: Shelf,
    inbox: Arc<dyn Inbox>,
    completer: Arc<dyn Completer>,
    files: Arc<dyn Stores>,
    opened: OnceCell<()>,
    closing: Stop,
}

/// The embedded chat.
pub struct Console {
    name: ChatName,
    desk: Arc<Desk>,
}

impl Console {
    /// A console of this name. Uploads in flight and files in messages go to `chat/NAME` below `data_dir`; the folder is
    /// made when it is first needed.
    #[must_use]
    pub fn new(name: ChatName, config: ConsoleConfig, ports: Ports, data_dir: &Path) -> Arc<Self> {
        let book = Book::new(name.clone(), ports.records, ports.clock, ports.ids);
        let desk = Desk {
            config,
            book,
            shelf: Shelf::new(data_dir, &name),
            inbox: ports.inbox,
            completer: ports.completer,
            files: ports.files,
            opened: OnceCell::new(),
            closing: Stop::new(),
        };
        Arc::new(Self { name, desk: Arc::new(desk) })
    }

    /// The pages: `/`, `/login`, `/c/...` and everything under `/console/`. `/console/events` stays open for as long as
    /// someone looks, and `/console/upload` takes as long as a file does and limits its length itself: time-outs and
    /// limits of a whole server must let both through.
    pub fn router(&self) -> axum::Router {
        listen::router(Arc::clone(&self.desk))
    }

    /// A link that logs one person in, once, within a day. `base_url` is where the page is served
    /// (`http://127.0.0.1:8787`).
    pub async fn login_link(&self, base_url: &str) -> PortResult<String> {
        Ok(format!("{}/login?token={}", base_url.trim_end_matches('/'), self.desk.new_pass().await?))
    }

    /// The people that a visitor can be.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.desk.config.people
    }
}

#[async_trait]
impl ChatPlatform for Console {
    fn name(&self) -> &ChatName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        // The page shows everything: the limits keep a single message readable and quick to draw.
        Capabilities { upload: self.desk.config.upload_limit, ..Capabilities::default() }
    }

    /// Nothing has to be fetched: this removes what is no longer needed, and at the stop ends the pages' open streams.
    async fn listen(&self, stop: Stop) -> PortResult<()> {
        self.desk.open_rooms().await?;
        loop {
            for (what, done) in [
                ("uploads", self.desk.tidy_uploads().await),
                ("sessions", self.desk.forget_sessions().await),
                ("changes", self.desk.book.trim().await),
            ] {
                if let Err(error) = done {
                    tracing::warn!(%error, what, "the console could not tidy up; it tries again in some minutes");
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(TIDY) => {}
            }
        }
        self.desk.closing.cancel();
        Ok(())
    }

    async fn deliver(&self, post: &Post) -> PortResult<MessageId> {
        self.desk.post_card(post).await
    }

    async fn revise(&self, message: &MessageId, post: &Post) -> PortResult<()> {
        self.desk.revise_card(message, post).await
    }

    async fn retract(&self, _at: &Address, message: &MessageId) -> PortResult<()> {
        self.desk.retract_message(message).await
    }

    async fn find(&self, at: &Address, key: &DeliveryKey) -> PortResult<Option<MessageId>> {
        self.desk.find_message(at, key).await
    }

    async fn fetch(&self, attachment: &Attachment) -> PortResult<ByteStream> {
        let handle = &attachment.handle.0;
        match (handle.get("said").and_then(|said| said.as_str()), handle.get("number").and_then(serde_json::Value::as_u64)) {
            (Some(message), Some(number)) => self.desk.fetch_said(message, usize::try_from(number).unwrap_or(usize::MAX)).await,
            _ => self.desk.fetch_upload(attachment).await,
        }
    }

    async fn history(&self, at: &Address, from: Option<&str>, limit: usize) -> PortResult<HistoryPage> {
        self.desk.history(at, from, limit).await
    }

    async fn upload(&self, file: Upload) -> PortResult<MessageId> {
        self.desk.post_file(file).await
    }

    async fn locate(&self, workspace: Option<&str>, name: &str, direct: bool) -> PortResult<Option<Address>> {
        self.desk.find_place(workspace, name, direct).await
    }

    fn channels(&self) -> Option<&dyn Channels> {
        Some(self)
    }
}

#[async_trait]
impl Channels for Console {
    async fn list(&self) -> PortResult<Vec<Channel>> {
        let mut channels: Vec<Channel> = self.desk.rooms().await?.iter().map(|room| self.desk.channel(room)).collect();
        channels.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(channels)
    }

    async fn create(&self, name: &str, private: bool) -> PortResult<Channel> {
        self.desk.create_room(name, private).await
    }

    async fn archive(&self, at: &Address) -> PortResult<()> {
        self.desk.archive_room(at).await
    }

    async fn rename(&self, at: &Address, name: &str) -> PortResult<Channel> {
        self.desk.rename_room(at, name).await
    }

    async fn set_topic(&self, at: &Address, topic: &str) -> PortResult<()> {
        self.desk.set_room_topic(at, topic).await
    }

    async fn invite(&self, at: &Address, people: &[String]) -> PortResult<()> {
        self.desk.invite_to_room(at, people).await
    }
}
