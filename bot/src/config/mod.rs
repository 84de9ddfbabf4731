//! The frame of the configuration file. Each adapter's own section stays beside the adapter; this reads the file,
//! follows references to secrets, and says what is wrong where.

mod frame;
mod problem;

pub use frame::{Database, Frame, Repeats, Role, Route, Secrets, Sections, Server};
pub use problem::ConfigError;

use crate::secrets::{self, Redaction};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// A configuration that was read.
#[derive(Clone, Debug)]
pub struct Config {
    /// What it says.
    pub frame: Frame,
    /// The folder that relative paths start from: the file's own, or the working folder.
    pub base: PathBuf,
}

impl Config {
    /// Reads a file, or takes the embedded defaults where none is given.
    ///
    /// # Errors
    /// The file can't be read, isn't TOML, has an unknown key, or refers to a secret that isn't there.
    pub fn read(path: Option<&Path>, redaction: &Redaction) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Self::parse("", Path::new("."), "the defaults", redaction);
        };
        let (text, base) = Self::text(path)?;
        Self::parse(&text, base, &path.display().to_string(), redaction)
    }

    /// As [`Config::read`], but a reference that leads nowhere stays as it is written: for looking at what a configuration
    /// says before its secrets are there.
    ///
    /// # Errors
    /// As [`Config::read`], except for secrets.
    pub fn read_without_secrets(path: Option<&Path>, redaction: &Redaction) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Self::read(None, redaction) };
        let (text, base) = Self::text(path)?;
        Self::parse_with(&text, base, &path.display().to_string(), redaction, Absent::Stays)
    }

    fn text(path: &Path) -> Result<(String, &Path), ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|why| ConfigError::Unreadable { path: path.to_owned(), why: why.to_string() })?;
        let base = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok((text, base))
    }

    /// Reads text; `source` is what messages call it.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str, base: &Path, source: &str, redaction: &Redaction) -> Result<Self, ConfigError> {
        Self::parse_with(text, base, source, redaction, Absent::Refused)
    }

    fn parse_with(text: &str, base: &Path, source: &str, redaction: &Redaction, absent: Absent) -> Result<Self, ConfigError> {
        let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| ConfigError::syntax(source, text, &error))?;
        for (key, value) in &mut table {
            follow(value, key, base, redaction, absent)?;
        }
        let frame = Frame::deserialize_from(toml::Value::Table(table), source, text)?;
        frame.check(source)?;
        Ok(Self { frame, base: base.to_owned() })
    }

    /// A path from the configuration, seen from the file's folder.
    #[must_use]
    pub fn path(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// The folder of the bot's own data.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.path(&self.frame.server.data_dir)
    }

    /// The database's address.
    #[must_use]
    pub fn database_url(&self) -> String {
        match self.frame.database.url.as_deref() {
            None => format!("sqlite:{}", self.data_dir().join("bellhop.db").display()),
            Some(url) => match url.strip_prefix("sqlite:") {
                Some(path) => format!("sqlite:{}", self.path(Path::new(path.trim_start_matches("//"))).display()),
                None => url.to_owned(),
            },
        }
    }
}

/// Reads one adapter's section into its own struct.
///
/// # Errors
/// Unknown keys, with the nearest known one, and values of the wrong kind.
pub fn section<T: DeserializeOwned>(name: &str, table: &toml::Table) -> Result<T, ConfigError> {
    let mut table = table.clone();
    table.remove("kind");
    toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| ConfigError::section(name, &error))
}

/// What becomes of a reference to something that isn't there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    /// It is an error.
    Refused,
    /// It stays as it is written.
    Stays,
}

/// Replaces references by what they refer to, in every string below `value`.
fn follow(value: &mut toml::Value, at: &str, base: &Path, redaction: &Redaction, absent: Absent) -> Result<(), ConfigError> {
    match value {
        toml::Value::String(text) => match secrets::resolve(text, base, redaction) {
            Ok(Some(found)) => *text = found,
            Ok(None) => {}
            Err(_) if absent == Absent::Stays => {}
            Err(why) => return Err(ConfigError::Secret { at: at.to_owned(), why: why.to_string() }),
        },
        toml::Value::Array(items) => {
            for item in items {
                follow(item, at, base, redaction, absent)?;
            }
        }
        toml::Value::Table(table) => {
            for (key, value) in table {
                follow(value, &format!("{at}.{key}"), base, redaction, absent)?;
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("/base"), "bellhop.toml", &Redaction::default())
    }

    #[test]
    fn nothing_is_a_whole_configuration() {
        let config = parse("").unwrap();
        assert_eq!(config.frame.server.listen.to_string(), "127.0.0.1:8787");
        assert_eq!(config.data_dir(), Path::new("/base/./data"));
        assert_eq!(config.database_url(), "sqlite:/base/./data/bellhop.db");
        assert_eq!(parse("[database]\nurl = \"sqlite:/x/y.db\"").unwrap().database_url(), "sqlite:/x/y.db");
        assert_eq!(parse("[database]\nurl = \"sqlite:y.db\"").unwrap().database_url(), "sqlite:/base/y.db");
    }

    #[test]
    fn stores_and_sources_come_in_the_order_in_which_they_are_written() {
        let config = parse("[files.zeta]\nkind = \"x\"\n[server]\n[files.alpha]\nkind = \"y\"\n[files.mid]\nkind = \"z\"").unwrap();
        assert_eq!(config.frame.files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["zeta", "alpha", "mid"]);
        let config = parse("[analytics.web]\nkind = \"x\"\n[analytics.app]\nkind = \"y\"").unwrap();
        assert_eq!(config.frame.analytics.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["web", "app"]);
    }

    #[test]
    fn unknown_keys_name_the_nearest_known_one() {
        let message = parse("[server]\nlisen = \"127.0.0.1:1\"").unwrap_err().to_string();
        assert!(
            message.contains("bellhop.toml") && message.contains("line 2") && message.contains("`lisen`") && message.contains("`listen`"),
            "{message}"
        );
        let message = parse("[servr]\nlisten = \"127.0.0.1:1\"").unwrap_err().to_string();
        assert!(message.contains("`servr`") && message.contains("`server`"), "{message}");
    }

    #[test]
    fn what_can_not_be_is_refused() {
        for (text, says) in [
            ("[server]\nlisten = \"0.0.0.0:8787\"", "public_url"),
            ("[server]\nlisten = \"nowhere\"", "listen"),
            ("[server", "line 1"),
            ("[[role]]\nname = \"amdin\"\nusers = []", "admin"),
            ("[[role]]\nname = \"admin\"\nusers = [\"ann\"]", "CHATNAME:USERID"),
            ("[[route]]\nto = [\"#a b\"]", "no place"),
            ("[[route]]\nto = []", "to"),
            ("[secrets]\nmaster_key = \"tooshort\"", "32 bytes"),
            ("[secrets]\nmaster_kee = \"x\"", "master_key"),
            ("[chat.x]\ntoken = \"env:BELLHOP_NO_SUCH_VARIABLE\"", "BELLHOP_NO_SUCH_VARIABLE"),
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(says), "{text}: {message}");
        }
        assert!(parse("[server]\nlisten = \"0.0.0.0:8787\"\npublic_url = \"https://bot.example\"").is_ok());
    }
}
