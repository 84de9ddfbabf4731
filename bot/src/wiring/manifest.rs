//! What a platform is told about the bot: the manifest of its commands, made from the commands and the configuration
//! alone. Nothing is opened, made or asked for it.

use crate::cli::Platform;
use crate::config::{Config, ConfigError, section};
use bellhop_core::command::About;
use bellhop_core::ids::ChatName;
use bellhop_core::nearest::nearest;
use bellhop_discord::DiscordConfig;
use bellhop_slack::{SlackConfig, Transport};
use bellhop_teams::TeamsConfig;

/// Why there is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The platform has no adapter here.
    #[error("`manifest {0}` is not in this version; it can print the manifest for slack, discord and teams")]
    NotHere(&'static str),
    /// More than one chat could be meant.
    #[error("several chats are of the kind `{kind}`: {}; say which with --name", .names.join(", "))]
    Several {
        /// The kind.
        kind: &'static str,
        /// Their names.
        names: Vec<String>,
    },
    /// There is no such chat.
    #[error("--name {name}: no chat of the kind `{kind}` has that name in the configuration{near}")]
    Unknown {
        /// The kind.
        kind: &'static str,
        /// What was given.
        name: String,
        /// Which there are, as an end of the sentence.
        near: String,
    },
    /// An address is needed and none is known.
    #[error("the platform has to reach the bot for this: give --public-url https://HOST, or [server] public_url in the configuration")]
    Unreachable,
    /// The address can't be used.
    #[error("--public-url {0}: this is no address; write https://HOST")]
    Address(String),
    /// The chat's section is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// A manifest, and what is to be said beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Printed {
    /// The manifest.
    pub manifest: serde_json::Value,
    /// What to do with it, where that is not the manifest's own.
    pub note: Option<String>,
}

/// The manifest for a platform. `config` is empty where no file was given: then what needs no public address is assumed.
///
/// # Errors
/// The platform isn't served, it isn't clear which chat is meant, or an address is missing.
pub fn manifest(
    platform: Platform,
    name: Option<&str>,
    public_url: Option<&str>,
    config: &Config,
    commands: &[About],
) -> Result<Printed, ManifestError> {
    let alone = |manifest| Printed { manifest, note: None };
    match platform {
        Platform::Slack => slack(name, public_url, config, commands).map(alone),
        Platform::Discord => discord(name, config, commands),
        Platform::Teams => teams(name, public_url, config, commands).map(alone),
        Platform::Zapier => Err(ManifestError::NotHere(platform.word())),
    }
}

/// The commands, and the link that invites the bot.
fn discord(name: Option<&str>, config: &Config, commands: &[About]) -> Result<Printed, ManifestError> {
    let (name, table) = chosen(Platform::Discord.word(), name, config)?;
    let discord: Option<DiscordConfig> = table.map(|table| section(&format!("chat.{name}"), table)).transpose()?;
    let link = bellhop_discord::install_link(discord.as_ref());
    let note = format!(
        "To invite the bot with the permissions that it needs, open\n{link}\nThe bot registers these commands itself when it starts."
    );
    Ok(Printed { manifest: bellhop_discord::manifest(commands), note: Some(note) })
}

fn slack(name: Option<&str>, public_url: Option<&str>, config: &Config, commands: &[About]) -> Result<serde_json::Value, ManifestError> {
    let known = address(public_url, config)?;
    let (name, table) = chosen(Platform::Slack.word(), name, config)?;
    let slack: Option<SlackConfig> = table.map(|table| section(&format!("chat.{name}"), table)).transpose()?;
    let called = slack.as_ref().is_some_and(|slack| slack.transport == Transport::Http || slack.oauth.is_some());
    let url = match known {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None if called => return Err(ManifestError::Unreachable),
        None => format!("http://{}", config.frame.server.listen),
    };
    Ok(bellhop_slack::manifest(slack.as_ref(), &ChatName::new(name), &url, commands))
}

fn teams(name: Option<&str>, public_url: Option<&str>, config: &Config, commands: &[About]) -> Result<serde_json::Value, ManifestError> {
    let known = address(public_url, config)?;
    let (name, table) = chosen(Platform::Teams.word(), name, config)?;
    let teams: Option<TeamsConfig> = table.map(|table| section(&format!("chat.{name}"), table)).transpose()?;
    // The address is set where the bot is registered; here it only says where the app's pages are.
    let url = known.map_or_else(|| format!("http://{}", config.frame.server.listen), |url| url.trim_end_matches('/').to_owned());
    Ok(bellhop_teams::manifest(teams.as_ref(), &ChatName::new(name), &url, commands))
}

/// The bot's public address, as it was given or as the configuration has it.
fn address<'a>(public_url: Option<&'a str>, config: &'a Config) -> Result<Option<&'a str>, ManifestError> {
    match public_url.filter(|url| !(url.starts_with("https://") || url.starts_with("http://"))) {
        Some(url) => Err(ManifestError::Address(url.to_owned())),
        None => Ok(public_url.or(config.frame.server.public_url.as_deref())),
    }
}

/// The package that a platform takes, with the manifest in it; `None` where it takes the manifest alone.
#[must_use]
pub fn package(platform: Platform, manifest: &serde_json::Value) -> Option<Vec<u8>> {
    (platform == Platform::Teams).then(|| bellhop_teams::package(manifest))
}

/// The chat that is meant: the named one, the only one of its kind, or one that isn't configured yet.
fn chosen<'a>(kind: &'static str, name: Option<&str>, config: &'a Config) -> Result<(String, Option<&'a toml::Table>), ManifestError> {
    let of_kind: Vec<(&String, &toml::Table)> =
        config.frame.chat.iter().filter(|(_, table)| table.get("kind").and_then(toml::Value::as_str) == Some(kind)).collect();
    let names = || of_kind.iter().map(|(name, _)| (*name).clone()).collect::<Vec<_>>();
    match (name, of_kind.as_slice()) {
        (None, []) => Ok((kind.to_owned(), None)),
        (Some(name), []) => Ok((name.to_owned(), None)),
        (None, [(name, table)]) => Ok(((*name).clone(), Some(table))),
        (None, _) => Err(ManifestError::Several { kind, names: names() }),
        (Some(wanted), some) => {
            if let Some((name, table)) = some.iter().find(|(name, _)| *name == wanted) {
                return Ok(((*name).clone(), Some(table)));
            }
            let near = match nearest(wanted, some.iter().map(|(name, _)| name.as_str())) {
                Some(near) => format!("; did you mean `{near}`?"),
                None => format!("; there is {}", names().join(", ")),
            };
            Err(ManifestError::Unknown { kind, name: wanted.to_owned(), near })
        }
    }
}

#[cfg(test)]
mod tests;
