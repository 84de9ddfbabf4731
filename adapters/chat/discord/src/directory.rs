//! Servers, channels and people by name and by id, believed for a while. What changes here or is reported by Discord is forgotten at
//! once.

use crate::Desk;
use crate::address::{DIRECT, is_id};
use crate::api::Api;
use crate::parse::{self, THREADS, field, id};
use crate::wire::{Failure, Route, WireResult};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind};
use moka::future::Cache;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const ME: Route = Route::get("/users/@me", "sign in");
const GUILDS: Route = Route::get("/users/@me/guilds", "list");
const CHANNELS: Route = Route::get("/guilds/{}/channels", "list");
const CHANNEL: Route = Route::get("/channels/{}", "find a channel");
const DIRECTS: Route = Route::post("/users/@me/channels", "find a person").again();
const SEARCH: Route = Route::get("/guilds/{}/members/search", "find a person");
const MEMBER: Route = Route::get("/guilds/{}/members/{}", "find a person");

/// How long servers and channels are believed where nothing says that they changed.
const BELIEVED: Duration = Duration::from_secs(30);
/// How many servers a page has.
const PAGE: usize = 200;

/// The kinds of channels that messages are posted in.
const TEXT: u64 = 0;
const NEWS: u64 = 5;
pub(crate) const CATEGORY: u64 = 4;
pub(crate) const FORUM: u64 = 15;
const MEDIA: u64 = 16;

/// A server that the bot is in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Guild {
    pub id: String,
    pub name: String,
    /// What the bot's roles let it do there, where Discord says.
    pub permissions: Option<u64>,
    /// Whether the bot's owner is the server's.
    pub owner: bool,
}

/// A channel as Discord tells of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    pub id: String,
    pub guild: String,
    pub name: String,
    pub kind: u64,
    pub topic: String,
    pub parent: Option<String>,
    pub overwrites: Vec<Value>,
    /// A thread that is closed.
    pub closed: bool,
}

/// A person.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Person {
    pub id: String,
    /// The name that nobody else has.
    pub username: String,
    /// Every name that they go by.
    pub names: Vec<String>,
}

impl Known {
    pub(crate) fn of(told: &Value, guild: &str) -> Option<Self> {
        Some(Self {
            id: id(told, "/id")?,
            guild: id(told, "/guild_id").unwrap_or_else(|| guild.to_owned()),
            name: field(told, "/name").unwrap_or_default().to_owned(),
            kind: told.get("type").and_then(Value::as_u64).unwrap_or_default(),
            topic: field(told, "/topic").unwrap_or_default().to_owned(),
            parent: id(told, "/parent_id"),
            overwrites: parse::list(told, "/permission_overwrites").cloned().collect(),
            closed: told.pointer("/thread_metadata/archived").and_then(Value::as_bool).unwrap_or_default(),
        })
    }

    /// Whether people talk in it.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.kind, TEXT | NEWS | FORUM | MEDIA)
    }

    pub(crate) fn is_forum(&self) -> bool {
        matches!(self.kind, FORUM | MEDIA)
    }

    pub(crate) fn is_thread(&self) -> bool {
        THREADS.contains(&self.kind)
    }
}

/// What is known of one bot's surroundings.
pub(crate) struct Directory {
    api: Arc<Api>,
    me: Cache<(), Arc<Person>>,
    guilds: Cache<(), Arc<Vec<Guild>>>,
    channels: Cache<String, Arc<Vec<Known>>>,
    single: Cache<String, Arc<Known>>,
    directs: Cache<String, String>,
}

impl Directory {
    pub(crate) fn new(api: Arc<Api>) -> Self {
        let kept = |capacity| Cache::builder().max_capacity(capacity);
        Self {
            api,
            me: kept(1).time_to_live(Duration::from_hours(1)).build(),
            guilds: Cache::builder().max_capacity(1).time_to_live(BELIEVED).build(),
            channels: Cache::builder().max_capacity(1_000).time_to_live(BELIEVED).build(),
            single: Cache::builder().max_capacity(10_000).time_to_live(Duration::from_mins(10)).build(),
            directs: Cache::builder().max_capacity(10_000).time_to_live(Duration::from_hours(24)).build(),
        }
    }

    /// The bot itself.
    pub(crate) async fn me(&self) -> PortResult<Arc<Person>> {
        let asked = self.me.try_get_with((), async {
            let told: Value = self.api.get(ME, &[], &[]).await?;
            person(&told, None).map(Arc::new).ok_or_else(|| Failure::from(self.odd("sign in")))
        });
        asked.await.map_err(|failure| failure.error.clone())
    }

    /// The servers that the bot is in.
    pub(crate) async fn guilds(&self) -> PortResult<Arc<Vec<Guild>>> {
        let asked = self.guilds.try_get_with((), async {
            let mut all: Vec<Guild> = Vec::new();
            loop {
                let mut query = vec![("limit", PAGE.to_string())];
                query.extend(all.last().map(|last| ("after", last.id.clone())));
                let page: Vec<Value> = self.api.get(GUILDS, &[], &query).await?;
                let full = page.len() >= PAGE;
                all.extend(page.iter().filter_map(guild));
                if !full {
                    return Ok::<_, Failure>(Arc::new(all));
                }
            }
        });
        asked.await.map_err(|failure| failure.error.clone())
    }

    /// The channels of a server, without its threads.
    pub(crate) async fn channels(&self, guild: &str) -> PortResult<Arc<Vec<Known>>> {
        let asked = self.channels.try_get_with(guild.to_owned(), async {
            let told: Vec<Value> = self.api.get(CHANNELS, &[guild], &[]).await?;
            Ok::<_, Failure>(Arc::new(told.iter().filter_map(|one| Known::of(one, guild)).collect()))
        });
        asked.await.map_err(|failure| failure.error.clone())
    }

    /// A channel or thread by its id; `None` where there is none that the bot sees.
    pub(crate) async fn channel(&self, channel: &str) -> PortResult<Option<Arc<Known>>> {
        if !is_id(channel) {
            return Ok(None);
        }
        let asked = self.single.try_get_with(channel.to_owned(), async {
            let told: Value = self.api.get(CHANNEL, &[channel], &[]).await?;
            Known::of(&told, DIRECT).map(Arc::new).ok_or_else(|| Failure::from(self.odd("find a channel")))
        });
        match asked.await {
            Ok(known) => Ok(Some(known)),
            Err(failure) if failure.is(&[10003, 50001, 50035]) || failure.error.kind == PortErrorKind::NotFound => Ok(None),
            Err(failure) => Err(failure.error.clone()),
        }
    }

    /// The direct conversation with a person.
    pub(crate) async fn direct(&self, user: &str) -> WireResult<String> {
        if let Some(known) = self.directs.get(user).await {
            return Ok(known);
        }
        let told: Value = self.api.call(DIRECTS, &[], json!({ "recipient_id": user })).await?;
        let channel = id(&told, "/id").ok_or_else(|| self.odd("find a person"))?;
        self.directs.insert(user.to_owned(), channel.clone()).await;
        Ok(channel)
    }

    /// A person of a server by id or by any name; none where nobody, or more than one, is called so.
    pub(crate) async fn person(&self, guild: &str, name: &str) -> PortResult<Option<Person>> {
        let name = name.trim().trim_start_matches("<@").trim_end_matches('>').trim_start_matches(['@', '!']);
        if name.is_empty() || name.chars().count() > 100 {
            return Ok(None);
        }
        if is_id(name) {
            let told: WireResult<Value> = self.api.get(MEMBER, &[guild, name], &[]).await;
            match told {
                Ok(member) => return Ok(person(member.get("user").unwrap_or(&Value::Null), field(&member, "/nick"))),
                Err(failure) if failure.is(&[10007, 10013]) => {}
                Err(failure) if failure.error.kind == PortErrorKind::NotFound => {}
                Err(failure) => return Err(failure.error),
            }
        }
        let query = [("query", name.to_owned()), ("limit", "100".to_owned())];
        let found: Vec<Value> = match self.api.get(SEARCH, &[guild], &query).await {
            Ok(found) => found,
            // A name that Discord doesn't take is nobody's.
            Err(failure) if failure.error.kind == PortErrorKind::Invalid => Vec::new(),
            Err(failure) => return Err(failure.error),
        };
        let people: Vec<Person> =
            found.iter().filter_map(|member| person(member.get("user").unwrap_or(&Value::Null), field(member, "/nick"))).collect();
        if let Some(exact) = people.iter().find(|person| person.username.eq_ignore_ascii_case(name)) {
            return Ok(Some(exact.clone()));
        }
        let called: Vec<&Person> = people.iter().filter(|person| person.names.iter().any(|one| one.eq_ignore_ascii_case(name))).collect();
        match called.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some((*one).clone())),
            several => {
                let names: Vec<String> = several.iter().take(5).map(|person| format!("@{}", person.username)).collect();
                let shown = bellhop_core::text::one_line(name);
                let message = format!("`{shown}` is the name of several people; write one of {}", names.join(", "));
                Err(PortError::new(PortErrorKind::Invalid, self.api.service(), "find a person", message))
            }
        }
    }

    /// Forgets the channels of a server.
    pub(crate) async fn forget(&self, guild: &str) {
        self.channels.invalidate(guild).await;
        self.guilds.invalidate(&()).await;
    }

    /// Forgets what is known of one channel.
    pub(crate) async fn forget_channel(&self, guild: &str, channel: &str) {
        self.single.invalidate(channel).await;
        self.channels.invalidate(guild).await;
    }

    fn odd(&self, operation: &'static str) -> PortError {
        PortError::new(
            PortErrorKind::Broken,
            self.api.service(),
            operation,
            "Discord's answer has no id; does `api_url` lead to Discord's API?",
        )
    }
}

fn guild(told: &Value) -> Option<Guild> {
    Some(Guild {
        id: id(told, "/id")?,
        name: field(told, "/name").unwrap_or_default().to_owned(),
        permissions: field(told, "/permissions").and_then(|bits| bits.parse().ok()),
        owner: told.get("owner").and_then(Value::as_bool).unwrap_or_default(),
    })
}

fn person(user: &Value, nick: Option<&str>) -> Option<Person> {
    let username = field(user, "/username").unwrap_or_default().to_owned();
    let names = [Some(username.as_str()), field(user, "/global_name"), nick].into_iter().flatten().map(str::to_owned).collect();
    Some(Person { id: id(user, "/id")?, names, username })
}

impl Desk {
    /// The configured name of the connection, as errors carry it.
    pub(crate) fn service(&self) -> &str {
        self.api.service()
    }

    /// An error of this connection.
    pub(crate) fn error(&self, kind: PortErrorKind, operation: &'static str, message: impl Into<String>) -> PortError {
        PortError::new(kind, self.service(), operation, message)
    }

    /// The one server, for what doesn't say which.
    pub(crate) async fn one_guild(&self, operation: &'static str) -> PortResult<Guild> {
        match self.directory.guilds().await?.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(self.error(
                PortErrorKind::NotFound,
                operation,
                "the bot is in no server yet; invite it with the link of `bellhop manifest discord`",
            )),
            several => {
                let names: Vec<&str> = several.iter().take(5).map(|guild| guild.name.as_str()).collect();
                Err(PortError::unsupported(
                    self.service(),
                    operation,
                    format!(
                        "the bot is in more than one server ({}), and this doesn't say in which; make the channel in Discord",
                        names.join(", ")
                    ),
                ))
            }
        }
    }
}
