//! THE list of adapter kinds, one line each.

mod manifest;

pub use manifest::{ManifestError, Printed, manifest, package};

use crate::config::{Config, ConfigError, section};
use crate::hooks::{Refusal, Shape};
use axum::Router;
use bellhop_analytics::amplitude::{Amplitude, AmplitudeConfig};
use bellhop_analytics::ga4::{Ga4, Ga4Config};
use bellhop_analytics::mixpanel::{Mixpanel, MixpanelConfig};
use bellhop_azure::{AzureConfig, AzureStore};
use bellhop_console::{Console, ConsoleConfig};
use bellhop_core::access::Access;
use bellhop_core::card::Card;
use bellhop_core::clock::{Clock, Ids};
use bellhop_core::error::PortError;
use bellhop_core::ids::{ChatName, SourceName, StoreName};
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{AnalyticsSource, ChatPlatform, Completer, FileStore, Front, Inbox, Links, Records, Seal, Stores};
use bellhop_discord::{Discord, DiscordConfig};
use bellhop_local::{LocalConfig, LocalStore};
use bellhop_s3::{S3Config, S3Store};
use bellhop_slack::{Slack, SlackConfig};
use bellhop_teams::{Teams, TeamsConfig};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// What adapters are built from.
#[derive(Clone)]
pub struct Parts {
    /// Where they put what they hear.
    pub inbox: Arc<dyn Inbox>,
    /// What completes lines.
    pub completer: Arc<dyn Completer>,
    /// What they remember.
    pub records: Arc<dyn Records>,
    /// File stores, for what a card shows.
    pub stores: Arc<dyn Stores>,
    /// What the bot's own page shows.
    pub front: Arc<dyn Front>,
    /// What our own links lead to.
    pub links: Arc<dyn Links>,
    /// What closes the tokens away that a platform gives.
    pub seal: Arc<dyn Seal>,
    /// The address under which the bot is reached from outside, without a trailing slash.
    pub public_url: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh identifiers.
    pub ids: Arc<dyn Ids>,
    /// The bot's own folder.
    pub data_dir: PathBuf,
    /// The address that the bot listens on.
    pub listen: SocketAddr,
}

/// A connected chat platform: its port, its part of the listener, and the embedded chat itself where it is that.
pub struct Chat {
    /// The port.
    pub platform: Arc<dyn ChatPlatform>,
    /// Its routes.
    pub routes: Router,
    /// The embedded chat.
    pub console: Option<Arc<Console>>,
}

/// Why an adapter could not be built.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// Its section is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something it needs failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

type Table = toml::Table;
type ChatKind = (&'static str, fn(&str, &Table, &Parts) -> Result<Chat, WiringError>);
/// The time, fresh identifiers, and the bot's own key.
type Shared = dyn Fn() -> (Arc<dyn Clock>, Arc<dyn Ids>, Arc<dyn Seal>);
type FilesKind = (&'static str, fn(&str, &Table, &Config, &Shared) -> Result<Arc<dyn FileStore>, WiringError>);

type AnalyticsKind = (&'static str, fn(&str, &Table, bellhop_analytics::Ports) -> Result<Arc<dyn AnalyticsSource>, WiringError>);

const CHATS: &[ChatKind] = &[("console", console), ("slack", slack), ("discord", discord), ("teams", teams)];
const ANALYTICS: &[AnalyticsKind] = &[("ga4", ga4), ("mixpanel", mixpanel), ("amplitude", amplitude)];
/// The key of a service that is fed with what own events take in.
const FED: &str = "receives";
const FILES: &[FilesKind] = &[("local", local), ("s3", s3), ("azure", azure)];

/// What programs may post to webhooks, the shape that is tried first at the front.
pub const POSTED: &[Shape] = &[Shape { name: "slack", read: slack_posted }];

fn slack_posted(content_type: &str, body: &[u8]) -> Result<Card, Refusal> {
    let refused = |refusal: bellhop_slack::webhook::Refusal| Refusal { status: refusal.status, code: refusal.code };
    bellhop_slack::webhook::card(content_type, body).map(|posted| posted.card).map_err(refused)
}

/// The name of the embedded chat where the configuration doesn't give it another.
pub const EMBEDDED_CHAT: &str = "console";

/// The chats of a configuration, and the embedded one, which is always there.
pub fn chats(config: &Config, parts: &Parts) -> Result<Vec<Chat>, WiringError> {
    let mut chats = Vec::new();
    for (name, table) in &config.frame.chat {
        let build = kind("chat", name, table, CHATS)?;
        chats.push(build(name, table, parts)?);
    }
    if !chats.iter().any(|chat| chat.console.is_some()) {
        chats.push(console(EMBEDDED_CHAT, &Table::new(), parts)?);
    }
    Ok(chats)
}

/// The people of the embedded chats, as `CHATNAME:USERID`, with the role that each is meant to try.
pub fn embedded_people(config: &Config) -> Result<Vec<(String, Access)>, ConfigError> {
    let mut people = Vec::new();
    let mut embedded = false;
    for (name, table) in &config.frame.chat {
        if table.get("kind").and_then(toml::Value::as_str) == Some(EMBEDDED_CHAT) {
            embedded = true;
            let console: ConsoleConfig = section(&format!("chat.{name}"), table)?;
            people.extend(console.people.into_iter().map(|person| (format!("{name}:{}", person.id), person.access)));
        }
    }
    if !embedded {
        people
            .extend(bellhop_console::default_people().into_iter().map(|person| (format!("{EMBEDDED_CHAT}:{}", person.id), person.access)));
    }
    Ok(people)
}

/// The file stores of a configuration; a folder in the data directory where it has none.
pub fn files(
    config: &Config,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn Ids>,
    seal: &Arc<dyn Seal>,
) -> Result<Vec<Arc<dyn FileStore>>, WiringError> {
    let (clock, ids, seal) = (clock.clone(), ids.clone(), seal.clone());
    let shared = move || (clock.clone(), ids.clone(), seal.clone());
    let mut stores = Vec::new();
    for (name, table) in config.frame.files.iter() {
        let build = kind("files", name, table, FILES)?;
        stores.push(build(name, table, config, &shared)?);
    }
    if stores.is_empty() {
        let embedded = LocalConfig::at(config.data_dir().join("files"));
        let (clock, ids, seal) = shared();
        stores.push(Arc::new(LocalStore::open(StoreName::new("local"), &embedded, clock, ids, Some(seal))?));
    }
    Ok(stores)
}

/// The services that count, as a configuration has them.
pub struct Analytics {
    /// Each of them, in the order in which they are written. The bot's own events are always there and not among these.
    pub services: Vec<Arc<dyn AnalyticsSource>>,
    /// Those that are fed with what own events take in.
    pub fed: Vec<SourceName>,
    /// Whether the bot's own use is noted in its events.
    pub own_use: bool,
}

/// `[analytics.NAME]` with `kind = "events"`: the bot's own events.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EventsConfig {
    /// Whether commands, alerts and deliveries are noted, without what was said.
    own_use: bool,
}

/// The services of a configuration.
pub fn analytics(config: &Config, parts: &Parts) -> Result<Analytics, WiringError> {
    let ports = bellhop_analytics::Ports { records: parts.records.clone(), clock: parts.clock.clone(), ids: parts.ids.clone() };
    let mut all = Analytics { services: Vec::new(), fed: Vec::new(), own_use: false };
    for (name, table) in config.frame.analytics.iter() {
        if table.get("kind").and_then(toml::Value::as_str) == Some("events") {
            all.own_use |= section::<EventsConfig>(&format!("analytics.{name}"), table)?.own_use;
            continue;
        }
        let build = kind("analytics", name, table, ANALYTICS)?;
        let mut table = table.clone();
        let fed = table.remove(FED);
        let service = build(name, &table, ports.clone())?;
        let at = || format!("[analytics.{name}] {FED}");
        match fed.as_ref().map(toml::Value::as_bool) {
            None | Some(Some(false)) => {}
            Some(Some(true)) if service.capabilities().track => all.fed.push(SourceName::new(name)),
            Some(Some(true)) => {
                let why = "with the keys that are there it can't be sent events; add what it needs for that, or take this out";
                return Err(ConfigError::wrong(at(), why).into());
            }
            Some(None) => return Err(ConfigError::wrong(at(), "it is true or false").into()),
        }
        all.services.push(service);
    }
    Ok(all)
}

/// Sections that no adapter serves are refused rather than ignored.
pub fn unserved(config: &Config) -> Result<(), ConfigError> {
    match config.frame.automation.keys().next() {
        None => Ok(()),
        Some(name) => {
            Err(ConfigError::wrong(format!("[automation.{name}]"), "this version has no adapter of that kind; take the section out"))
        }
    }
}

fn kind<T: Copy>(what: &str, name: &str, table: &Table, kinds: &[(&'static str, T)]) -> Result<T, ConfigError> {
    let at = || format!("[{what}.{name}]");
    let known = || kinds.iter().map(|(kind, _)| *kind);
    let Some(wanted) = table.get("kind").and_then(toml::Value::as_str) else {
        return Err(ConfigError::wrong(at(), format!("`kind` is missing; it can be {}", known().collect::<Vec<_>>().join(", "))));
    };
    kinds.iter().find(|(kind, _)| *kind == wanted).map(|(_, build)| *build).ok_or_else(|| {
        let near = nearest(wanted, known()).map_or(String::new(), |near| format!(" Did you mean `{near}`?"));
        ConfigError::wrong(at(), format!("there is no kind `{wanted}`; it can be {}.{near}", known().collect::<Vec<_>>().join(", ")))
    })
}

fn console(name: &str, table: &Table, with: &Parts) -> Result<Chat, WiringError> {
    let config: ConsoleConfig = section(&format!("chat.{name}"), table)?;
    let ports = bellhop_console::Ports {
        inbox: with.inbox.clone(),
        completer: with.completer.clone(),
        records: with.records.clone(),
        clock: with.clock.clone(),
        ids: with.ids.clone(),
        files: with.stores.clone(),
    };
    let console = Console::new(ChatName::new(name), config, ports, &with.data_dir);
    Ok(Chat { platform: console.clone(), routes: console.router(), console: Some(console) })
}

fn slack(name: &str, table: &Table, with: &Parts) -> Result<Chat, WiringError> {
    let config: SlackConfig = section(&format!("chat.{name}"), table)?;
    let ports = bellhop_slack::Ports {
        inbox: with.inbox.clone(),
        completer: with.completer.clone(),
        records: with.records.clone(),
        front: with.front.clone(),
        links: with.links.clone(),
        seal: with.seal.clone(),
        clock: with.clock.clone(),
        ids: with.ids.clone(),
        public_url: with.public_url.clone(),
    };
    let slack = Slack::new(ChatName::new(name), config, ports)?;
    Ok(Chat { routes: slack.router(), platform: slack, console: None })
}

fn discord(name: &str, table: &Table, with: &Parts) -> Result<Chat, WiringError> {
    let config: DiscordConfig = section(&format!("chat.{name}"), table)?;
    let ports = bellhop_discord::Ports {
        inbox: with.inbox.clone(),
        completer: with.completer.clone(),
        records: with.records.clone(),
        clock: with.clock.clone(),
        ids: with.ids.clone(),
        public_url: with.public_url.clone(),
    };
    let discord = Discord::new(ChatName::new(name), config, ports)?;
    Ok(Chat { routes: discord.router(), platform: discord, console: None })
}

fn teams(name: &str, table: &Table, with: &Parts) -> Result<Chat, WiringError> {
    let config: TeamsConfig = section(&format!("chat.{name}"), table)?;
    let ports = bellhop_teams::Ports {
        inbox: with.inbox.clone(),
        completer: with.completer.clone(),
        records: with.records.clone(),
        stores: with.stores.clone(),
        clock: with.clock.clone(),
        ids: with.ids.clone(),
        public_url: with.public_url.clone(),
        listen: with.listen,
    };
    let teams = Teams::new(ChatName::new(name), config, ports)?;
    Ok(Chat { routes: teams.router(), platform: teams, console: None })
}

fn local(name: &str, table: &Table, config: &Config, shared: &Shared) -> Result<Arc<dyn FileStore>, WiringError> {
    let local: LocalConfig = section(&format!("files.{name}"), table)?;
    let (clock, ids, seal) = shared();
    let local = LocalConfig { path: config.path(&local.path), ..local };
    Ok(Arc::new(LocalStore::open(StoreName::new(name), &local, clock, ids, Some(seal))?))
}

fn s3(name: &str, table: &Table, _: &Config, shared: &Shared) -> Result<Arc<dyn FileStore>, WiringError> {
    let s3: S3Config = section(&format!("files.{name}"), table)?;
    Ok(Arc::new(S3Store::new(StoreName::new(name), s3, shared().0)?))
}

fn azure(name: &str, table: &Table, _: &Config, shared: &Shared) -> Result<Arc<dyn FileStore>, WiringError> {
    let azure: AzureConfig = section(&format!("files.{name}"), table)?;
    Ok(Arc::new(AzureStore::new(StoreName::new(name), azure, shared().0)?))
}

fn ga4(name: &str, table: &Table, ports: bellhop_analytics::Ports) -> Result<Arc<dyn AnalyticsSource>, WiringError> {
    let ga4: Ga4Config = section(&format!("analytics.{name}"), table)?;
    Ok(Arc::new(Ga4::new(SourceName::new(name), ga4, ports)?))
}

fn mixpanel(name: &str, table: &Table, ports: bellhop_analytics::Ports) -> Result<Arc<dyn AnalyticsSource>, WiringError> {
    let mixpanel: MixpanelConfig = section(&format!("analytics.{name}"), table)?;
    Ok(Arc::new(Mixpanel::new(SourceName::new(name), mixpanel, ports)?))
}

fn amplitude(name: &str, table: &Table, ports: bellhop_analytics::Ports) -> Result<Arc<dyn AnalyticsSource>, WiringError> {
    let amplitude: AmplitudeConfig = section(&format!("analytics.{name}"), table)?;
    Ok(Arc::new(Amplitude::new(SourceName::new(name), amplitude, ports)?))
}
