//! Conversations, teams and people as activities have shown them, kept in the records: what is needed to speak first, after a
//! restart too. It asks nobody.

use bellhop_core::ids::ChatName;
use bellhop_core::ports::{PortResult, Record, Records};
use moka::future::Cache;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// How long what was read is believed: other processes write, too.
const BELIEVED: Duration = Duration::from_secs(60);
/// How many rows are read at a time.
const PAGE: usize = 200;

/// A conversation: a personal chat, a group chat or a channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Conversation {
    /// The connector's address for it.
    pub service_url: String,
    /// The organisation.
    pub tenant: String,
    /// `personal`, `groupChat` or `channel`.
    pub kind: String,
    /// The team of a channel (`19:...`).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub team: String,
    /// Its name, where it has one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Whether the bot was taken out of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
}

/// A team in which the bot is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Team {
    /// The connector's address for it.
    pub service_url: String,
    /// The organisation.
    pub tenant: String,
    /// Its name.
    pub name: String,
    /// Its id in Graph, once it is known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Whether the bot was taken out of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Person {
    /// The connector's name for them (`29:...`).
    pub id: String,
    /// The object id in the organisation, where it is known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// The name to show.
    pub name: String,
    /// The organisation.
    pub tenant: String,
    /// The address by which they sign in, or of their mail.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Their chat with the bot.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub chat: String,
    /// The connector's address for them.
    pub service_url: String,
}

impl Person {
    /// The id under which the house knows them: the object id where there is one, for it is the same everywhere.
    pub fn user(&self) -> &str {
        if self.object.is_empty() { &self.id } else { &self.object }
    }
}

/// What is remembered.
pub(crate) struct References {
    chat: ChatName,
    records: Arc<dyn Records>,
    conversations: Cache<String, Option<Conversation>>,
    teams: Cache<String, Option<Team>>,
    people: Cache<String, Option<Person>>,
}

impl References {
    pub fn new(chat: ChatName, records: Arc<dyn Records>) -> Self {
        fn cache<V: Clone + Send + Sync + 'static>(most: u64) -> Cache<String, V> {
            Cache::builder().max_capacity(most).time_to_live(BELIEVED).build()
        }
        Self { chat, records, conversations: cache(20_000), teams: cache(2_000), people: cache(50_000) }
    }

    fn collection(&self, what: &str) -> String {
        format!("teams/{}/{what}", self.chat)
    }

    pub async fn conversation(&self, id: &str) -> PortResult<Option<Conversation>> {
        self.read("conversations", &self.conversations, id).await
    }

    pub async fn keep_conversation(&self, id: &str, told: Conversation) -> PortResult<()> {
        let known = self.conversation(id).await?;
        let merged = match &known {
            // What an activity doesn't say stays as it was.
            Some(known) => Conversation {
                team: said(told.team, &known.team),
                name: said(told.name, &known.name),
                kind: said(told.kind, &known.kind),
                ..told
            },
            None => told,
        };
        self.write("conversations", &self.conversations, id, known, merged).await
    }

    pub async fn team(&self, id: &str) -> PortResult<Option<Team>> {
        self.read("teams", &self.teams, id).await
    }

    pub async fn keep_team(&self, id: &str, told: Team) -> PortResult<()> {
        let known = self.team(id).await?;
        let merged = match &known {
            Some(known) => Team { name: said(told.name, &known.name), group: said(told.group, &known.group), ..told },
            None => told,
        };
        self.write("teams", &self.teams, id, known, merged).await
    }

    /// A person by object id or by the connector's name for them.
    pub async fn person(&self, id: &str) -> PortResult<Option<Person>> {
        self.read("people", &self.people, id).await
    }

    pub async fn keep_person(&self, told: Person) -> PortResult<()> {
        let key = told.user().to_owned();
        let known = self.person(&key).await?;
        let merged = match &known {
            Some(known) => Person {
                id: said(told.id, &known.id),
                object: said(told.object, &known.object),
                name: said(told.name, &known.name),
                email: said(told.email, &known.email),
                chat: said(told.chat, &known.chat),
                ..told
            },
            None => told,
        };
        // The connector's name leads there, too.
        if merged.id != key && !merged.id.is_empty() {
            let other = self.person(&merged.id).await?;
            self.write("people", &self.people, &merged.id.clone(), other, merged.clone()).await?;
        }
        self.write("people", &self.people, &key, known, merged).await
    }

    /// Every team in which the bot is, by id.
    pub async fn teams(&self) -> PortResult<Vec<(String, Team)>> {
        let all: Vec<(String, Team)> = self.every("teams").await?;
        Ok(all.into_iter().filter(|(_, team)| !team.gone).collect())
    }

    /// Every conversation, by id.
    pub async fn conversations(&self) -> PortResult<Vec<(String, Conversation)>> {
        let all: Vec<(String, Conversation)> = self.every("conversations").await?;
        Ok(all.into_iter().filter(|(_, conversation)| !conversation.gone).collect())
    }

    /// Every person.
    pub async fn people(&self) -> PortResult<Vec<Person>> {
        let all: Vec<(String, Person)> = self.every("people").await?;
        Ok(all.into_iter().filter(|(key, person)| key == person.user()).map(|(_, person)| person).collect())
    }

    async fn every<V: DeserializeOwned>(&self, what: &str) -> PortResult<Vec<(String, V)>> {
        let collection = self.collection(what);
        let (mut all, mut after) = (Vec::new(), None::<String>);
        loop {
            let page: Vec<Record> = self.records.after(&collection, after.as_deref(), PAGE).await?;
            let more = page.len() == PAGE;
            after = page.last().map(|record| record.key.clone());
            all.extend(page.into_iter().filter_map(|record| Some((record.key, serde_json::from_value(record.value).ok()?))));
            if !more {
                return Ok(all);
            }
        }
    }

    async fn read<V>(&self, what: &str, cache: &Cache<String, Option<V>>, id: &str) -> PortResult<Option<V>>
    where
        V: Clone + DeserializeOwned + Send + Sync + 'static,
    {
        if let Some(known) = cache.get(id).await {
            return Ok(known);
        }
        let kept = self.records.get(&self.collection(what), id).await?;
        let value: Option<V> = kept.and_then(|kept| serde_json::from_value(kept).ok());
        // What isn't there may be in a moment, from another process.
        if value.is_some() {
            cache.insert(id.to_owned(), value.clone()).await;
        }
        Ok(value)
    }

    async fn write<V>(&self, what: &str, cache: &Cache<String, Option<V>>, id: &str, known: Option<V>, value: V) -> PortResult<()>
    where
        V: Clone + PartialEq + Serialize + Send + Sync + 'static,
    {
        if known.as_ref() == Some(&value) {
            return Ok(());
        }
        // Plain data always serialises.
        self.records.put(&self.collection(what), id, &serde_json::to_value(&value).unwrap_or_default()).await?;
        cache.insert(id.to_owned(), Some(value)).await;
        Ok(())
    }
}

/// What is said now, or else what was known.
fn said(now: String, before: &str) -> String {
    if now.is_empty() { before.to_owned() } else { now }
}
