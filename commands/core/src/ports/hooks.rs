//! Webhooks in: addresses of our own that other programs post messages to, each bound to one place.

use super::PortResult;
use crate::address::Address;
use crate::call::Call;
use crate::clock::Timestamp;
use async_trait::async_trait;
use secrecy::SecretString;

/// A webhook as it is kept. Its address is known only to those who were given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// Where what is posted to it is shown.
    pub to: Address,
    /// Whether every request must be signed.
    pub signed: bool,
    /// Who made it, by name.
    pub made_by: String,
    /// When it was made.
    pub made_at: Timestamp,
}

/// What the maker of a webhook is given, once.
#[derive(Clone, Debug)]
pub struct MadeHook {
    /// The address to post to. Whoever knows it may post, unless the hook is signed.
    pub url: SecretString,
    /// The secret that requests may be signed with, as Standard Webhooks writes it (`whsec_...`).
    pub secret: SecretString,
}

/// One request to a webhook. What it said is not kept here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRequest {
    /// When it came.
    pub at: Timestamp,
    /// Where it came from: an address, and what the program calls itself.
    pub from: String,
    /// What the program was answered: `ok`, or the refusal.
    pub outcome: String,
}

/// The webhooks.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Makes a webhook of this name. Its address can't be guessed. `Conflict` when there is one of that name; the same call
    /// made again replaces what it made before, whose address nobody was given.
    async fn create(&self, call: &Call, name: &str, to: &Address, signed: bool) -> PortResult<MadeHook>;

    /// All of them, by name.
    async fn list(&self) -> PortResult<Vec<Hook>>;

    /// Shows a sample where the webhook's messages are shown, in the way that a posted message goes. `NotFound` when there
    /// is none of that name.
    async fn test(&self, call: &Call, name: &str) -> PortResult<Hook>;

    /// The last requests to a webhook, the newest first, at most `limit`. `NotFound` when there is none of that name.
    async fn requests(&self, name: &str, limit: usize) -> PortResult<Vec<HookRequest>>;

    /// Removes a webhook: its address takes nothing any more. Returns what was removed; `None` when there is none of that
    /// name.
    async fn remove(&self, name: &str) -> PortResult<Option<Hook>>;
}
