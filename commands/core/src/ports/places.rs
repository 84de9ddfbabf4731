//! From what people write to addresses, and from addresses to the platforms behind them.

use super::{ByteStream, Channel, ChatPlatform, PortResult};
use crate::address::{Address, PlaceRef};
use crate::call::{Attachment, Audience, Call};
use crate::card::Card;
use crate::error::CommandError;
use crate::ids::{CardKey, ChatName};
use async_trait::async_trait;
use std::sync::Arc;

/// Finds places by name.
#[async_trait]
pub trait Places: Send + Sync {
    /// The address of a place, seen from where it was written: what is left out is taken from there. `NotFound` with
    /// the nearest name; `Invalid` when more than one fits.
    async fn resolve(&self, place: &PlaceRef, near: &Address) -> Result<Address, CommandError>;

    /// A place as a person writes it, for showing.
    async fn spell(&self, address: &Address) -> String;

    /// Channels of all platforms.
    async fn channels(&self) -> Result<Vec<Channel>, CommandError>;
}

/// Says something in a channel, through the outbox: it is durable when this returns, and shown soon after.
#[async_trait]
pub trait Announcer: Send + Sync {
    /// Shows a card. With a key, what is shown later under the same key in the same place replaces it.
    async fn announce(&self, to: &Address, card: Card, audience: Audience, key: Option<CardKey>, because: &Call) -> PortResult<()>;
}

/// Brings the files that came with a message.
#[async_trait]
pub trait Attachments: Send + Sync {
    /// The bytes of an attachment, from the platform that holds it.
    async fn open(&self, call: &Call, attachment: &Attachment) -> PortResult<ByteStream>;
}

/// The chat platforms that are connected.
pub trait Platforms: Send + Sync {
    /// The platform behind a configured connection, or `None` where there is no connection of that name.
    fn platform(&self, chat: &ChatName) -> Option<Arc<dyn ChatPlatform>>;

    /// The names of the connections.
    fn names(&self) -> Vec<ChatName>;
}
