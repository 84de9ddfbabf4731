//! The connected chat platforms, and the stores beside them: from names to the adapters behind them.

use async_trait::async_trait;
use bellhop_core::address::{Address, PlaceRef};
use bellhop_core::call::{Attachment, Call};
use bellhop_core::error::{CommandError, PortError};
use bellhop_core::ids::{ChatName, StoreName};
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{
    Attachments, ByteStream, Channel, ChatPlatform, FileStore, Places, Platforms, PortResult, Records, Stores, USUAL_STORES,
    usual_store_key,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The platforms that a place may be on, the likeliest first, and the workspace to look in.
type Candidates<'a> = (Vec<&'a Arc<dyn ChatPlatform>>, Option<&'a str>);

/// The chat platforms of one bot, by their configured names.
#[derive(Default)]
pub struct ChatDirectory {
    platforms: BTreeMap<ChatName, Arc<dyn ChatPlatform>>,
}

impl ChatDirectory {
    /// A directory of these platforms.
    #[must_use]
    pub fn new(platforms: Vec<Arc<dyn ChatPlatform>>) -> Self {
        Self { platforms: platforms.into_iter().map(|platform| (platform.name().clone(), platform)).collect() }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn ChatPlatform>> {
        self.platforms.values()
    }

    /// One by its name.
    #[must_use]
    pub fn get(&self, name: &ChatName) -> Option<&Arc<dyn ChatPlatform>> {
        self.platforms.get(name)
    }

    /// The platforms that a place may be on, the likeliest first, and the workspace to look in.
    fn candidates<'a>(&'a self, place: &'a PlaceRef, near: &Address) -> Result<Candidates<'a>, CommandError> {
        let known = |name: &str| self.platforms.get(&ChatName::new(name));
        let unknown = |name: &str| CommandError::NotFound {
            what: "chat",
            name: name.to_owned(),
            nearest: nearest(name, self.platforms.keys().map(ChatName::as_str)).map(str::to_owned),
        };
        if let Some(chat) = &place.chat {
            return Ok((vec![known(chat).ok_or_else(|| unknown(chat))?], place.workspace.as_deref()));
        }
        if let Some(chat) = place.workspace.as_deref().and_then(known) {
            return Ok((vec![chat], None));
        }
        let (mut here, others): (Vec<_>, Vec<_>) = self.platforms.values().partition(|platform| platform.name() == &near.chat);
        here.extend(others);
        Ok((here, place.workspace.as_deref()))
    }
}

#[async_trait]
impl Places for ChatDirectory {
    async fn resolve(&self, place: &PlaceRef, near: &Address) -> Result<Address, CommandError> {
        let (candidates, workspace) = self.candidates(place, near)?;
        let mut found: Vec<Address> = Vec::new();
        for platform in &candidates {
            if let Some(address) = platform.locate(workspace, &place.name, place.direct).await? {
                if address.chat == near.chat {
                    return Ok(address);
                }
                found.push(address);
            }
        }
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => {
                let mut names = Vec::new();
                for platform in &candidates {
                    if let Some(channels) = platform.channels().filter(|_| !place.direct) {
                        // Only for the nearest name: what was looked for is known not to be there.
                        names.extend(channels.list().await.unwrap_or_default().into_iter().map(|channel| channel.name));
                    }
                }
                let nearest = nearest(&place.name, names.iter().map(String::as_str)).map(|name| format!("#{name}"));
                Err(CommandError::NotFound { what: if place.direct { "person" } else { "channel" }, name: place.to_string(), nearest })
            }
            _ => {
                let all: Vec<String> = found.iter().map(|address| format!("{}/#{}", address.chat, place.name)).collect();
                Err(CommandError::invalid("place", format!("`{place}` is in more than one place; write {}", all.join(" or "))))
            }
        }
    }

    async fn spell(&self, address: &Address) -> String {
        let channels = self.platforms.get(&address.chat).and_then(|platform| platform.channels());
        let listed = match channels {
            Some(channels) => channels.list().await.unwrap_or_default(),
            None => Vec::new(),
        };
        let name = listed.into_iter().find(|channel| channel.address.channel == address.channel).map(|channel| channel.name);
        name.map_or_else(|| address.to_string(), |name| format!("{}/#{name}", address.chat))
    }

    async fn channels(&self) -> Result<Vec<Channel>, CommandError> {
        let mut all = Vec::new();
        for platform in self.platforms.values() {
            if let Some(channels) = platform.channels() {
                all.extend(channels.list().await?);
            }
        }
        Ok(all)
    }
}

#[async_trait]
impl Attachments for ChatDirectory {
    async fn open(&self, call: &Call, attachment: &Attachment) -> PortResult<ByteStream> {
        match self.platforms.get(&call.at.chat) {
            Some(platform) => platform.fetch(attachment).await,
            None => Err(PortError::not_found(format!("chat.{}", call.at.chat), "fetch", "this chat is no longer configured")),
        }
    }
}

impl Platforms for ChatDirectory {
    fn platform(&self, chat: &ChatName) -> Option<Arc<dyn ChatPlatform>> {
        self.platforms.get(chat).cloned()
    }

    fn names(&self) -> Vec<ChatName> {
        self.platforms.keys().cloned().collect()
    }
}

/// The configured file stores; the first is the default.
#[derive(Clone)]
pub struct StoreDirectory {
    stores: Vec<Arc<dyn FileStore>>,
    records: Arc<dyn Records>,
}

impl StoreDirectory {
    /// These stores; which of them is the default in a place is kept in the records, by the key of [`usual_store_key`].
    pub fn new(stores: Vec<Arc<dyn FileStore>>, records: Arc<dyn Records>) -> Self {
        Self { stores, records }
    }

    /// A bucket that was made by command beside a store's own, where that needs no configuration. Of several of that name it is
    /// the same one everywhere: that of the store whose name comes first.
    fn bucket(&self, name: &StoreName) -> Option<Arc<dyn FileStore>> {
        let mut stores: Vec<&Arc<dyn FileStore>> = self.stores.iter().collect();
        stores.sort_by(|one, next| one.name().cmp(next.name()));
        stores.into_iter().find_map(|store| store.bucket_store(name))
    }
}

#[async_trait]
impl Stores for StoreDirectory {
    fn store(&self, name: Option<&StoreName>) -> Result<Arc<dyn FileStore>, CommandError> {
        let found = match name {
            None => self.stores.first().cloned(),
            Some(name) => self.stores.iter().find(|store| store.name() == name).cloned().or_else(|| self.bucket(name)),
        };
        found.ok_or_else(|| not_configured("store", name.map(StoreName::as_str), self.names().iter().map(StoreName::as_str)))
    }

    fn names(&self) -> Vec<StoreName> {
        self.stores.iter().map(|store| store.name().clone()).collect()
    }

    async fn seen_from(self: Arc<Self>, place: &Address) -> Arc<dyn Stores> {
        let usual = match self.records.get(USUAL_STORES, &usual_store_key(place)).await {
            Ok(usual) => usual.and_then(|name| name.as_str().map(StoreName::new)),
            Err(error) => {
                tracing::warn!(%error, "which store is the default here could not be looked up; the first one is taken");
                None
            }
        };
        let at = usual.and_then(|usual| self.stores.iter().position(|store| *store.name() == usual));
        match at {
            None | Some(0) => self,
            Some(at) => {
                let mut stores = self.stores.clone();
                stores[..=at].rotate_right(1);
                Arc::new(Self { stores, records: self.records.clone() })
            }
        }
    }
}

pub(crate) fn not_configured<'a>(what: &'static str, name: Option<&str>, known: impl Iterator<Item = &'a str>) -> CommandError {
    let Some(name) = name else {
        return CommandError::Refused(format!("no {what} is configured"));
    };
    CommandError::NotFound { what, name: name.to_owned(), nearest: nearest(name, known).map(str::to_owned) }
}
