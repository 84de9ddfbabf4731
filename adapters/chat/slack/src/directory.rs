//! The people and channels of the workspaces, by id and by name, remembered for some minutes. Who asks for the same thing at
//! the same time asks Slack once. It changes nothing at Slack and decides nothing about who may see what.

mod people;
#[cfg(test)]
mod tests;

use crate::api::Api;
use crate::wire::{Failure, Method};
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ids::WorkspaceId;
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind};
use chrono::TimeDelta;
use moka::future::Cache;
pub use people::Person;
use people::{Pages, Spoken};
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

const LIST: Method = Method { name: "conversations.list", operation: "list channels", per_minute: 20, safe: true };
const CHANNEL: Method = Method { name: "conversations.info", operation: "find a channel", per_minute: 50, safe: true };
const OPEN: Method = Method { name: "conversations.open", operation: "open a conversation", per_minute: 50, safe: true };
const PERSON: Method = Method { name: "users.info", operation: "find a person", per_minute: 100, safe: true };
const BY_EMAIL: Method = Method { name: "users.lookupByEmail", operation: "find a person", per_minute: 50, safe: true };

/// How long names are believed. Slack's events end it earlier.
const BELIEVED: TimeDelta = TimeDelta::minutes(5);
/// How long they lie about at most, of use or not.
const LIES: Duration = Duration::from_mins(5);
/// A name that isn't known is looked for anew, but not more often than this.
const ANEW: TimeDelta = TimeDelta::seconds(30);
/// The list of channels is shown no older than this.
const SHOWN: TimeDelta = TimeDelta::seconds(60);

/// A channel as Slack tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub id: String,
    pub name: String,
    pub topic: String,
    pub private: bool,
    pub archived: bool,
    pub member: bool,
}

/// The people and channels of every workspace.
pub(crate) struct Directory {
    api: Arc<Api>,
    clock: Arc<dyn Clock>,
    channels: Cache<WorkspaceId, Arc<Channels>>,
    /// Channels that the list doesn't have, by id.
    single: Cache<(WorkspaceId, String), Known>,
    people: Cache<(WorkspaceId, String), Arc<Person>>,
    pages: Cache<WorkspaceId, Arc<Mutex<Pages>>>,
    direct: Cache<(WorkspaceId, String), String>,
}

struct Channels {
    all: Vec<Known>,
    by_name: HashMap<String, usize>,
    fetched: Timestamp,
}

impl Channels {
    fn of(all: Vec<Known>, fetched: Timestamp) -> Self {
        let mut by_name = HashMap::new();
        for (at, known) in all.iter().enumerate() {
            // A closed channel keeps its name, or lends it to an open one.
            let there = by_name.entry(known.name.to_lowercase()).or_insert(at);
            if all[*there].archived && !known.archived {
                *there = at;
            }
        }
        Self { all, by_name, fetched }
    }
}

#[derive(Deserialize)]
struct ChannelPage {
    #[serde(default)]
    channels: Vec<Told>,
    #[serde(default)]
    response_metadata: Option<Next>,
}

/// Where the next page begins.
#[derive(Default, Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    next_cursor: Option<String>,
}

impl Next {
    /// The cursor of the next page, where there is one: Slack also says there is none by an empty text.
    pub(crate) fn cursor(next: Option<Self>) -> Option<String> {
        next.and_then(|next| next.next_cursor).filter(|cursor| !cursor.is_empty())
    }
}

/// A channel on the wire.
#[derive(Deserialize)]
pub(crate) struct Told {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    topic: Option<Topic>,
    #[serde(default)]
    is_private: Option<bool>,
    #[serde(default)]
    is_archived: Option<bool>,
    #[serde(default)]
    is_member: Option<bool>,
}

#[derive(Deserialize)]
struct Topic {
    #[serde(default)]
    value: Option<String>,
}

/// An answer with one channel.
#[derive(Deserialize)]
pub(crate) struct OneChannel {
    pub channel: Told,
}

impl From<Told> for Known {
    fn from(told: Told) -> Self {
        Self {
            id: told.id,
            name: told.name.unwrap_or_default(),
            // Slack escapes these three in what it tells of topics.
            topic: told
                .topic
                .and_then(|topic| topic.value)
                .unwrap_or_default()
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&"),
            private: told.is_private.unwrap_or_default(),
            archived: told.is_archived.unwrap_or_default(),
            member: told.is_member.unwrap_or_default(),
        }
    }
}

impl Directory {
    /// An empty directory.
    pub(crate) fn new(api: Arc<Api>, clock: Arc<dyn Clock>) -> Self {
        fn cache<K: std::hash::Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static>(most: u64) -> Cache<K, V> {
            Cache::builder().max_capacity(most).time_to_live(LIES).support_invalidation_closures().build()
        }
        Self {
            api,
            clock,
            channels: cache(1_000),
            single: cache(10_000),
            people: cache(50_000),
            pages: cache(1_000),
            direct: cache(50_000),
        }
    }

    /// The name of a channel, without a mark; `None` for conversations without a name, for channels that the bot can't see,
    /// and while Slack can't be asked.
    #[cfg(test)]
    pub(crate) async fn channel_name(&self, workspace: &WorkspaceId, id: &str) -> Option<String> {
        match self.channel(workspace, id).await {
            Ok(known) => known.map(|known| known.name).filter(|name| !name.is_empty()),
            Err(error) => {
                tracing::debug!(%error, id, "a channel's name is not known");
                None
            }
        }
    }

    /// A channel by its id.
    pub(crate) async fn channel(&self, workspace: &WorkspaceId, id: &str) -> PortResult<Option<Known>> {
        // Other kinds are in no list.
        if id.starts_with(['C', 'G'])
            && let Some(known) = self.listed(workspace, None).await?.all.iter().find(|known| known.id == id)
        {
            return Ok(Some(known.clone()));
        }
        let key = (workspace.clone(), id.to_owned());
        let asked = self.single.try_get_with(key, async {
            match self.api.call::<OneChannel>(workspace, CHANNEL, &json!({ "channel": id })).await {
                Ok(answer) => Ok(Known::from(answer.channel)),
                Err(failure) if failure.is(&["channel_is_limited_access", "method_not_supported_for_channel_type"]) => {
                    Err(PortError { kind: PortErrorKind::NotFound, ..failure.error })
                }
                Err(failure) => Err(failure.error),
            }
        });
        there(asked.await)
    }

    /// A channel by its name; one that is open goes before one that is closed.
    pub(crate) async fn channel_named(&self, workspace: &WorkspaceId, name: &str) -> PortResult<Option<Known>> {
        let name = name.to_lowercase();
        let look = |channels: &Channels| channels.by_name.get(&name).map(|at| channels.all[*at].clone());
        let listed = self.listed(workspace, None).await?;
        if let Some(known) = look(&listed) {
            return Ok(Some(known));
        }
        Ok(look(&*self.listed(workspace, Some(self.clock.now() - ANEW)).await?))
    }

    /// Every channel that the bot can see.
    pub(crate) async fn channels(&self, workspace: &WorkspaceId) -> PortResult<Vec<Known>> {
        Ok(self.listed(workspace, Some(self.clock.now() - SHOWN)).await?.all.clone())
    }

    /// The list, no older than said.
    async fn listed(&self, workspace: &WorkspaceId, since: Option<Timestamp>) -> PortResult<Arc<Channels>> {
        let since = since.unwrap_or_else(|| self.clock.now() - BELIEVED);
        if self.channels.get(workspace).await.is_some_and(|there| there.fetched < since) {
            self.channels.invalidate(workspace).await;
        }
        self.channels.try_get_with(workspace.clone(), self.fetch(workspace)).await.map_err(shared)
    }

    async fn fetch(&self, workspace: &WorkspaceId) -> PortResult<Arc<Channels>> {
        let fetched = self.clock.now();
        let (mut all, mut cursor): (Vec<Known>, Option<String>) = (Vec::new(), None);
        loop {
            let args = json!({ "types": "public_channel,private_channel", "exclude_archived": false, "limit": 200, "cursor": cursor });
            let page: ChannelPage = self.api.call(workspace, LIST, &args).await.map_err(|failure| failure.error)?;
            all.extend(page.channels.into_iter().map(Known::from));
            cursor = Next::cursor(page.response_metadata);
            if cursor.is_none() {
                break;
            }
        }
        Ok(Arc::new(Channels::of(all, fetched)))
    }

    /// A person by id; `None` where there is none, or Slack can't be asked just now.
    pub(crate) async fn user(&self, workspace: &WorkspaceId, id: &str) -> Option<Arc<Person>> {
        match self.person(workspace, id).await {
            Ok(person) => person,
            Err(error) => {
                tracing::debug!(%error, id, "a person's name and zone are not known");
                None
            }
        }
    }

    async fn person(&self, workspace: &WorkspaceId, id: &str) -> PortResult<Option<Arc<Person>>> {
        #[derive(Deserialize)]
        struct Answer {
            user: Spoken,
        }
        let asked = self.people.try_get_with((workspace.clone(), id.to_owned()), async {
            match self.api.call::<Answer>(workspace, PERSON, &json!({ "user": id })).await {
                Ok(answer) => Ok(Arc::new(Person::from(answer.user))),
                Err(failure) => Err(failure.error),
            }
        });
        there(asked.await)
    }

    /// A person by id, email address, handle or shown name, in this order.
    ///
    /// # Errors
    /// `Invalid` with the candidates where a shown name is that of several.
    pub(crate) async fn find_person(&self, workspace: &WorkspaceId, name: &str) -> PortResult<Option<Arc<Person>>> {
        let name = name.trim().trim_start_matches('@');
        if name.is_empty() {
            return Ok(None);
        }
        if crate::address::is_id(name, &['U', 'W'])
            && let Some(person) = self.person(workspace, name).await?
        {
            return Ok(Some(person));
        }
        if name.split_once('@').is_some_and(|(before, host)| !before.is_empty() && host.contains('.')) {
            return self.person_by_email(workspace, name).await;
        }
        let pages = self.pages.get_with(workspace.clone(), async { Arc::new(Mutex::new(Pages::new(self.clock.now()))) }).await;
        let mut pages = pages.lock().await;
        let found = pages.find(&self.api, workspace, name).await?;
        if found.is_some() || self.clock.now() - pages.began < ANEW {
            return Ok(found);
        }
        // Someone new, or with a new name.
        *pages = Pages::new(self.clock.now());
        pages.find(&self.api, workspace, name).await
    }

    async fn person_by_email(&self, workspace: &WorkspaceId, email: &str) -> PortResult<Option<Arc<Person>>> {
        #[derive(Deserialize)]
        struct Answer {
            user: Spoken,
        }
        match self.api.call::<Answer>(workspace, BY_EMAIL, &json!({ "email": email })).await {
            Ok(answer) => Ok(Some(Arc::new(Person::from(answer.user)))),
            Err(failure) if failure.is(&["users_not_found", "user_not_found"]) => Ok(None),
            Err(failure) => Err(failure.error),
        }
    }

    /// The bot's conversation with a person (`D...`).
    pub(crate) async fn direct(&self, workspace: &WorkspaceId, user: &str) -> Result<String, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            channel: Told,
        }
        let key = (workspace.clone(), user.to_owned());
        if let Some(known) = self.direct.get(&key).await {
            return Ok(known);
        }
        let answer: Answer = self.api.call(workspace, OPEN, &json!({ "users": user })).await?;
        self.direct.insert(key, answer.channel.id.clone()).await;
        Ok(answer.channel.id)
    }

    /// Forgets the names of a workspace: something was renamed, made or closed there.
    pub(crate) async fn forget(&self, workspace: &WorkspaceId) {
        self.forget_channels(workspace).await;
        self.pages.invalidate(workspace).await;
        let gone = workspace.clone();
        if let Err(error) = self.people.invalidate_entries_if(move |(workspace, _), _| *workspace == gone) {
            tracing::warn!(%error, "names of people are believed for some minutes more");
        }
    }

    /// A channel is as Slack has just told: the list is as good as before, and need not be read again.
    pub(crate) async fn learn(&self, workspace: &WorkspaceId, known: &Known) {
        self.amend(workspace, &known.id, |there| *there = known.clone(), Some(known)).await;
    }

    /// A channel was changed by us in this way.
    pub(crate) async fn changed(&self, workspace: &WorkspaceId, id: &str, change: impl FnOnce(&mut Known) + Send) {
        self.amend(workspace, id, change, None).await;
    }

    async fn amend(&self, workspace: &WorkspaceId, id: &str, change: impl FnOnce(&mut Known) + Send, new: Option<&Known>) {
        self.single.invalidate(&(workspace.clone(), id.to_owned())).await;
        let Some(there) = self.channels.get(workspace).await else { return };
        let mut all = there.all.clone();
        match (all.iter_mut().find(|known| known.id == id), new) {
            (Some(known), _) => change(known),
            (None, Some(known)) => all.push(known.clone()),
            (None, None) => return,
        }
        self.channels.insert(workspace.clone(), Arc::new(Channels::of(all, there.fetched))).await;
    }

    /// Forgets the channels of a workspace.
    pub(crate) async fn forget_channels(&self, workspace: &WorkspaceId) {
        self.channels.invalidate(workspace).await;
        let gone = workspace.clone();
        if let Err(error) = self.single.invalidate_entries_if(move |(workspace, _), _| *workspace == gone) {
            tracing::warn!(%error, "names of channels are believed for some minutes more");
        }
    }
}

/// An error that several askers get.
fn shared(error: Arc<PortError>) -> PortError {
    Arc::unwrap_or_clone(error)
}

/// That something isn't there is no error, and is not remembered: it may be there in a moment.
fn there<T>(asked: Result<T, Arc<PortError>>) -> PortResult<Option<T>> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == PortErrorKind::NotFound => Ok(None),
        Err(error) => Err(shared(error)),
    }
}

/// Nobody can be told from several people of one shown name.
fn ambiguous(service: &str, name: &str, candidates: &[String]) -> PortError {
    PortError::new(
        PortErrorKind::Invalid,
        service,
        "find a person",
        format!("`{}` is the name of several people; write one of {}", bellhop_core::text::one_line(name), candidates.join(", ")),
    )
}
