//! What the outside must be able to do. Each contract sentence in these traits is a case of the port's conformance
//! suite in `tests/kit`.

mod access_book;
mod alerts;
mod analytics;
mod approvals;
mod audit;
mod buckets;
mod calls;
mod chat;
mod database;
mod dead_letters;
mod encryption;
mod feeds;
mod files;
mod folders;
mod front;
mod history;
mod hooks;
mod inbox;
mod lifecycle;
mod links;
mod meetings;
mod places;
mod records;
mod schedule;
mod seal;
mod usage;

pub use access_book::{Decision, Permissions, RoleFacts};
pub use alerts::{AlertDesk, AlertFilter, NewAlert};
pub use analytics::{AnalyticsSource, Sources};
pub use approvals::Approvals;
pub use audit::{AuditFilter, AuditRow, AuditTrail};
pub use buckets::{AccessPolicy, Bucket, BucketInfo, Buckets, Encryption, Fact, Permission, PublicAccess, PublicLevel, Versioning};
pub use calls::{Calls, RunningCall};
pub use chat::{Channel, ChannelAccess, Channels, ChatPlatform, Finding, Post, Upload};
pub use database::{DatabaseCopy, OwnDatabase};
pub use dead_letters::{DeadLetter, DeadLetters};
pub use encryption::FileEncryption;
pub use feeds::{Feed, Feeds, RefusedEvent};
pub use files::{
    FileInfo, FilePage, FileStore, FolderPage, NewFile, PartDone, PartUpload, PartWrites, ReadRange, ShareLimit, StoredFile, Stores,
    Tidied, USUAL_STORES, Unfinished, Version, file_name, usual_store_key,
};
pub use folders::listed_folder;
pub use front::{Front, Visitor};
pub use history::{HistoryPage, PastMessage};
pub use hooks::{Hook, HookRequest, Hooks, MadeHook};
pub use inbox::{Accepted, Completer, Completion, Inbox, Incoming, Said};
pub use lifecycle::{LifecycleFilter, LifecycleRule, NoncurrentExpiry, Transition, When, merged};
pub use links::{GivenLink, Link, LinkFacts, LinkFilter, Links, NewLink};
pub use meetings::{Meeting, Meetings, NewMeeting};
pub use places::{Announcer, Attachments, Places, Platforms};
pub use records::{Record, Records};
pub use schedule::{Schedule, ScheduleBook};
pub use seal::Seal;
pub use usage::{SourceUsage, UsageBook, UsageRow};

use crate::error::PortError;
use std::pin::Pin;

/// Bytes as they come. An error ends the stream; what came before it is not the whole.
pub type ByteStream = Pin<Box<dyn futures::Stream<Item = Result<bytes::Bytes, PortError>> + Send>>;

/// A shorthand for what ports return.
pub type PortResult<T> = Result<T, PortError>;

/// A signal to stop.
pub use tokio_util::sync::CancellationToken as Stop;
