//! The keys that belong to no adapter.

use super::ConfigError;
use crate::secrets::{self, MasterKey};
use bellhop_core::access::Access;
use bellhop_core::address::PlaceRef;
use bellhop_core::nearest::nearest;
use bellhop_core::period::Span;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Frame {
    /// `[server]`
    pub server: Server,
    /// `[database]`
    pub database: Database,
    /// `[secrets]`
    pub secrets: Secrets,
    /// `[chat.NAME]`, each with a `kind` and the keys of that kind.
    pub chat: BTreeMap<String, toml::Table>,
    /// `[files.NAME]`, the first of which is the default store.
    pub files: Sections,
    /// `[analytics.NAME]`, in the order in which they are asked.
    pub analytics: Sections,
    /// `[automation.NAME]`
    pub automation: BTreeMap<String, toml::Table>,
    /// `[[route]]`
    pub route: Vec<Route>,
    /// `[[role]]`
    pub role: Vec<Role>,
}

/// Sections of one kind by their names, in the order in which they are written.
#[derive(Clone, Debug, Default)]
pub struct Sections(Vec<(String, toml::Table)>);

impl Sections {
    /// Each with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &toml::Table)> {
        self.0.iter().map(|(name, table)| (name, table))
    }
}

impl<'de> Deserialize<'de> for Sections {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Sections;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("sections with names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sections, A::Error> {
                let mut sections = Vec::new();
                while let Some(section) = map.next_entry()? {
                    sections.push(section);
                }
                Ok(Sections(sections))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// `[server]`: the listener and the folder of the bot's own data.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// The address to listen on. Anything but loopback wants a `public_url` that begins with `https://`, that is, a proxy
    /// in front that speaks TLS.
    pub listen: SocketAddr,
    /// The address under which people reach the bot, for links; by default the one it listens on.
    pub public_url: Option<String>,
    /// The folder of the database, the embedded file store and uploads in flight.
    pub data_dir: PathBuf,
    /// Private address ranges that addresses given in chat may lead to.
    pub allow_private: Vec<String>,
    /// How many commands one person may run a minute; 0 for any number.
    pub commands_per_minute: u32,
    /// How long a command may go without getting further.
    pub command_deadline: Span,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8787)),
            public_url: None,
            data_dir: "./data".into(),
            allow_private: Vec::new(),
            commands_per_minute: 120,
            command_deadline: Span(Duration::from_mins(1)),
        }
    }
}

/// `[database]`
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`; by default `bellhop.db` in the data folder.
    pub url: Option<String>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password.
        f.write_str("Database { url: .. }")
    }
}

/// `[secrets]`: what closes the bot's own secrets away.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Secrets {
    /// 32 bytes as base64 or hexadecimal; without it a key is made in the data folder when one is first needed. Several
    /// bots on one database need the same.
    pub master_key: Option<SecretString>,
}

impl Secrets {
    /// The key, where one is configured.
    ///
    /// # Errors
    /// What is written is no key.
    pub fn key(&self) -> Result<Option<MasterKey>, ConfigError> {
        let read = |key: &SecretString| MasterKey::parse(key.expose_secret());
        // A reference is still there only where a configuration is looked at without its secrets.
        let given = self.master_key.as_ref().filter(|key| !secrets::is_reference(key.expose_secret()));
        given.map(read).transpose().map_err(|why| ConfigError::wrong("[secrets] master_key", why.to_string()))
    }
}

/// `[[route]]`: which alerts go where. The first that matches counts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Labels and their values, and `name`, `severity`, `source`; all must agree. A value may end in `*`.
    #[serde(default, rename = "match")]
    pub matches: BTreeMap<String, String>,
    /// Places, as `work/#ops`.
    pub to: Vec<String>,
    /// Go on to later routes after this one matched.
    #[serde(default, rename = "continue")]
    pub go_on: bool,
    /// What happens to a message of which nobody knows whether it was shown, on platforms that can't be asked.
    #[serde(default)]
    pub delivery: Repeats,
    /// Labels that make one card of several alerts. Each alert has its own card in this version.
    #[serde(default)]
    pub group_by: Vec<String>,
    /// How long to wait for more of a group. In this version alerts are shown at once.
    #[serde(default)]
    pub group_wait: Option<Span>,
    /// How often to remind of an alert that is still on. Not in this version.
    #[serde(default)]
    pub repeat: Option<Span>,
    /// Whom to tell when nobody acknowledges. Not in this version.
    #[serde(default)]
    pub escalate: Option<toml::Value>,
}

/// What happens to a message of which nobody knows whether it was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repeats {
    /// It is sent again, and may be shown twice.
    #[default]
    AtLeastOnce,
    /// It is put with the undelivered ones, where people see it and can send it again.
    AtMostOnce,
}

/// `[[role]]`: who may do what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// `member`, `operator` or `admin`, or any name with rules of its own.
    pub name: String,
    /// People, as `CHATNAME:USERID`.
    #[serde(default)]
    pub users: Vec<String>,
    /// Commands that they may run beside those of a member: `file delete`, `file *`, `*`.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Commands that they may not run, whatever else allows it.
    #[serde(default)]
    pub deny: Vec<String>,
}

impl Frame {
    pub(super) fn deserialize_from(value: toml::Value, source: &str, text: &str) -> Result<Self, ConfigError> {
        value.try_into().map_err(|error: toml::de::Error| ConfigError::frame(source, text, &error))
    }

    /// What the types alone can't tell.
    pub(super) fn check(&self, source: &str) -> Result<(), ConfigError> {
        let secure = self.server.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
        if !self.server.listen.ip().is_loopback() && !secure {
            return Err(ConfigError::wrong(
                format!("{source}, [server] listen"),
                format!(
                    "{} can be reached from outside, and the bot speaks no TLS itself; listen on 127.0.0.1, or put a proxy with TLS in front and write its address as public_url = \"https://...\"",
                    self.server.listen
                ),
            ));
        }
        if let Some(url) = &self.server.public_url
            && !(url.starts_with("https://") || url.starts_with("http://"))
        {
            return Err(ConfigError::wrong(format!("{source}, [server] public_url"), format!("`{url}` is no address; write https://HOST")));
        }
        self.secrets.key()?;
        for route in &self.route {
            if route.to.is_empty() {
                return Err(ConfigError::wrong(format!("{source}, [[route]]"), "`to` names no place; write to = [\"#ops\"]"));
            }
            for place in &route.to {
                place.parse::<PlaceRef>().map_err(|why| ConfigError::wrong(format!("{source}, [[route]] to"), why))?;
            }
        }
        self.role.iter().try_for_each(|role| role.check(source))
    }
}

impl Route {
    /// The keys that are set to something that this version doesn't do, so that nobody relies on them unawares.
    #[must_use]
    pub fn without_effect(&self) -> Vec<&'static str> {
        let waits = self.group_wait.is_some_and(|wait| !wait.0.is_zero());
        let set = [
            ("group_by", !self.group_by.is_empty()),
            ("group_wait", waits),
            ("repeat", self.repeat.is_some()),
            ("escalate", self.escalate.is_some()),
        ];
        set.into_iter().filter(|(_, set)| *set).map(|(key, _)| key).collect()
    }
}

impl Role {
    fn check(&self, source: &str) -> Result<(), ConfigError> {
        let at = || format!("{source}, [[role]] {}", self.name);
        if self.name.parse::<Access>().is_err() && self.allow.is_empty() && self.deny.is_empty() {
            let near =
                nearest(&self.name, ["member", "operator", "admin"]).map_or(String::new(), |near| format!(" Did you mean `{near}`?"));
            return Err(ConfigError::wrong(
                at(),
                format!(
                    "`{}` is no role: the roles are member, operator and admin; a role of another name needs `allow` or `deny`.{near}",
                    self.name
                ),
            ));
        }
        for user in &self.users {
            if !user.split_once(':').is_some_and(|(chat, id)| !chat.is_empty() && !id.is_empty()) {
                return Err(ConfigError::wrong(at(), format!("`{user}` names nobody; write people as CHATNAME:USERID, as in console:you")));
            }
        }
        Ok(())
    }
}
