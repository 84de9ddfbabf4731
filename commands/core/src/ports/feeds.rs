//! What own events take in is sent on to the services that are to be fed with it. How far that is, and what they refused.

use super::PortResult;
use crate::analytics::NewEvent;
use crate::clock::Timestamp;
use crate::ids::SourceName;
use async_trait::async_trait;

/// How far a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The service, or the bot's own events where its own use is noted.
    pub source: SourceName,
    /// Whether it still is to be fed, by the configuration.
    pub configured: bool,
    /// How many events wait to be sent.
    pub waiting: u64,
    /// Since when the oldest waits.
    pub oldest: Option<Timestamp>,
    /// How many it refused, of those that are still kept.
    pub refused: u64,
    /// How many there was no room for while it could not be reached, ever, and when that was last so.
    pub dropped: Option<(u64, Timestamp)>,
    /// Why nothing is sent just now, and until when.
    pub rests: Option<(String, Timestamp)>,
}

/// An event that a service refused.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedEvent {
    /// The service.
    pub source: SourceName,
    /// The event.
    pub event: NewEvent,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Events on their way to services.
#[async_trait]
pub trait Feeds: Send + Sync {
    /// The services, by name.
    async fn feeds(&self) -> PortResult<Vec<Feed>>;

    /// What a service refused, or any of them, the latest first, at most `limit`.
    async fn refused(&self, source: Option<&SourceName>, limit: usize) -> PortResult<Vec<RefusedEvent>>;

    /// Has everything that a service refused sent to it once more; returns how many events that are.
    async fn again(&self, source: &SourceName) -> PortResult<u64>;
}
