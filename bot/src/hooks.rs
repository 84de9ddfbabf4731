//! Webhooks in: addresses of our own that other programs post messages to. A message is in the outbox before it is
//! acknowledged; the lane of its place decides when it is shown.
//!
//! Of an address only a hash is kept, of a secret only the sealed form, of what was posted nothing but the message itself.
//! How a body is read is the adapters' business ([`Shape`]).

mod allowance;
mod log;
mod places;
mod signature;
mod take;

pub use signature::Signature;
pub use take::{Posted, Refusal};

use crate::platforms::ChatDirectory;
use crate::wiring::Parts;
use allowance::Allowance;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::Call;
use bellhop_core::card::{Card, Span, Tone};
use bellhop_core::clock::{Clock, Ids, Timestamp};
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ports::{Hook, HookRequest, Hooks, MadeHook, PortResult, Records as _, Seal};
use bellhop_store::Store;
use places::OpenPlaces;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// The records' collections: the webhooks by the hash of their address, and the same by name.
const HOOKS: &str = "hooks";
const NAMES: &str = "hooks/names";
const SERVICE: &str = "hooks";
/// Random bytes of an address and of a secret.
const ADDRESS: usize = 24;
const SECRET: usize = 32;
/// How many are read at once.
const PAGE: usize = 200;

/// A way in which programs write messages.
pub struct Shape {
    /// What it is called, for logs.
    pub name: &'static str,
    /// Reads a body of this content type. Pure.
    pub read: fn(&str, &[u8]) -> Result<Card, Refusal>,
}

/// A webhook as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    to: Address,
    signed: bool,
    /// Sealed.
    secret: String,
    owner: UserRef,
    owner_name: String,
    made_at: Timestamp,
}

/// What stands under a name.
#[derive(Serialize, Deserialize)]
struct Named {
    hook: String,
    /// The call that made it: made again, it replaces what it made.
    call: String,
}

/// The webhooks of one bot.
pub struct Webhooks {
    store: Store,
    seal: Arc<dyn Seal>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    public_url: String,
    shapes: &'static [Shape],
    places: OpenPlaces,
    allowance: Allowance,
}

impl Webhooks {
    /// Webhooks under the bot's own address. Bodies are tried in the order of `shapes`.
    #[must_use]
    pub fn new(store: Store, parts: &Parts, chats: Arc<ChatDirectory>, shapes: &'static [Shape]) -> Self {
        Self {
            store,
            seal: parts.seal.clone(),
            clock: parts.clock.clone(),
            ids: parts.ids.clone(),
            public_url: parts.public_url.clone(),
            shapes,
            places: OpenPlaces::new(chats, parts.clock.clone()),
            allowance: Allowance::new(parts.clock.clone()),
        }
    }

    async fn kept(&self, key: &str) -> PortResult<Option<Kept>> {
        self.store.get(HOOKS, key).await?.map(|value| read(value, "webhook")).transpose()
    }

    /// What stands under a name, if it is whole.
    async fn named(&self, name: &str) -> PortResult<Option<(String, Kept)>> {
        let Some(value) = self.store.get(NAMES, name).await? else { return Ok(None) };
        let named: Named = read(value, "webhook's name")?;
        Ok(self.kept(&named.hook).await?.map(|kept| (named.hook, kept)))
    }

    async fn found(&self, name: &str, operation: &'static str) -> PortResult<(String, Kept)> {
        self.named(name).await?.ok_or_else(|| PortError::not_found(SERVICE, operation, format!("there is no webhook `{name}`")))
    }
}

impl Kept {
    fn hook(&self) -> Hook {
        Hook { name: self.name.clone(), to: self.to.clone(), signed: self.signed, made_by: self.owner_name.clone(), made_at: self.made_at }
    }
}

#[async_trait]
impl Hooks for Webhooks {
    async fn create(&self, call: &Call, name: &str, to: &Address, signed: bool) -> PortResult<MadeHook> {
        let id = hex::encode(random::<ADDRESS>()?);
        let secret = SecretString::from(format!("whsec_{}", STANDARD.encode(random::<SECRET>()?)));
        let key = key_of(&id);
        let kept = Kept {
            name: name.to_owned(),
            to: to.clone(),
            signed,
            secret: self.seal.seal(&seal_name(&key), &secret)?,
            owner: call.caller.user.clone(),
            owner_name: call.caller.name.clone(),
            made_at: self.clock.now(),
        };
        // First what is named, then the name: a name that leads nowhere is free.
        self.store.put(HOOKS, &key, &written(&kept)).await?;
        let named = written(&Named { hook: key.clone(), call: call.id.to_string() });
        let (there, new) = self.store.put_new(NAMES, name, &named).await?;
        if !new {
            let there: Named = read(there, "webhook's name")?;
            if there.call != call.id.as_str() && self.kept(&there.hook).await?.is_some() {
                self.store.remove(HOOKS, &key).await?;
                return Err(PortError::new(PortErrorKind::Conflict, SERVICE, "create", format!("there is a webhook `{name}` already")));
            }
            self.store.remove(HOOKS, &there.hook).await?;
            self.store.put(NAMES, name, &named).await?;
        }
        Ok(MadeHook { url: format!("{}/hooks/{id}", self.public_url).into(), secret })
    }

    async fn list(&self) -> PortResult<Vec<Hook>> {
        let mut hooks = Vec::new();
        let mut last: Option<String> = None;
        loop {
            let page = self.store.after(NAMES, last.as_deref(), PAGE).await?;
            let full = page.len() == PAGE;
            last = page.last().map(|record| record.key.clone());
            for record in page {
                let named: Named = read(record.value, "webhook's name")?;
                hooks.extend(self.kept(&named.hook).await?.map(|kept| kept.hook()));
            }
            if !full {
                return Ok(hooks);
            }
        }
    }

    async fn test(&self, call: &Call, name: &str) -> PortResult<Hook> {
        let (key, kept) = self.found(name, "test").await?;
        let card = Card::titled(format!("Test of the webhook {name}")).tone(Tone::Good).and_spans(vec![
            "This is how a posted message arrives. ".into(),
            Span::Bold(call.caller.name.clone()),
            " asked for it.".into(),
        ]);
        self.deliver(&key, &kept, card, Some(call.id.as_str())).await?;
        self.note(&key, format!("hook test by {}", call.caller.name), "ok").await;
        Ok(kept.hook())
    }

    async fn requests(&self, name: &str, limit: usize) -> PortResult<Vec<HookRequest>> {
        let (key, _) = self.found(name, "logs").await?;
        self.noted(&key, limit).await
    }

    async fn remove(&self, name: &str) -> PortResult<Option<Hook>> {
        let Some((key, kept)) = self.named(name).await? else { return Ok(None) };
        self.store.remove(HOOKS, &key).await?;
        self.store.remove(NAMES, name).await?;
        self.forget(&key).await?;
        Ok(Some(kept.hook()))
    }
}

/// What an address is kept under. The address has more random bits than could be guessed, so a plain hash is enough.
fn key_of(id: &str) -> String {
    hex::encode(Sha256::digest(id.as_bytes()))
}

fn seal_name(key: &str) -> String {
    format!("hook/{key}")
}

fn random<const N: usize>() -> PortResult<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| PortError::new(PortErrorKind::Broken, "system", "random", error.to_string()))?;
    Ok(bytes)
}

fn written<T: Serialize>(value: &T) -> serde_json::Value {
    // Plain data: its serialisation has no way to fail.
    serde_json::to_value(value).unwrap_or_default()
}

fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value, what: &str) -> PortResult<T> {
    serde_json::from_value(value)
        .map_err(|error| PortError::new(PortErrorKind::Broken, SERVICE, "read", format!("the stored {what} can't be read: {error}")))
}

#[cfg(test)]
mod tests;
