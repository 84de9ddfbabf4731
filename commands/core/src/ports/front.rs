//! The page that a person sees who opens the bot itself rather than a channel.

use crate::address::{Address, UserRef};
use crate::card::Card;
use async_trait::async_trait;

/// Who looks.
#[derive(Clone, Debug, PartialEq)]
pub struct Visitor {
    /// Who.
    pub user: UserRef,
    /// The name to show.
    pub name: String,
    /// Their time zone, where the platform says.
    pub zone: Option<chrono_tz::Tz>,
    /// Their conversation with the bot: what is asked from the page is answered there.
    pub at: Address,
}

/// Says what is on: how the bot is, open alerts, the visitor's schedules and recent files, each as a card with what can be
/// done about it.
#[async_trait]
pub trait Front: Send + Sync {
    /// The page, in reading order. It shows what this visitor may see and nothing else, and it never fails: what could
    /// not be found out is said in its place.
    async fn page(&self, visitor: &Visitor) -> Vec<Card>;
}
