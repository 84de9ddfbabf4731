//! The `[chat.NAME]` section of a Discord connection: how it is listened to and with which credentials. It says nothing of who
//! may do what: that is `[[role]]`.

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

/// How Discord's deliveries arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Over a web socket that the bot opens: no public address is needed, and mentions and direct messages are heard.
    #[default]
    Gateway,
    /// As signed HTTP requests to `POST /chat/NAME`: commands, buttons and forms, no plain messages.
    Http,
}

/// The application's public key, by which deliveries are verified.
pub type PublicKey = [u8; 32];

/// A Discord connection's settings. What can't work is an error when the file is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct DiscordConfig {
    /// How deliveries arrive.
    pub transport: Transport,
    /// The bot's token.
    pub bot_token: SecretString,
    /// The application's id.
    pub application_id: String,
    /// The application's public key, for deliveries over HTTP.
    pub public_key: Option<PublicKey>,
    /// The REST API with its path and without a trailing slash: `https://discord.com/api/v10`.
    pub api_url: Url,
    /// The gateway in place of the one that Discord names.
    pub gateway_url: Option<Url>,
    /// The servers in which the commands are registered; everywhere where there are none.
    pub guilds: Vec<String>,
    /// How many connections the bot's servers are spread over; as many as Discord proposes unless told.
    pub shards: Option<u32>,
    /// The category into which closed channels are moved.
    pub archive_category: String,
    /// Whether the bot asks for the text of messages that don't mention it; a privileged intent. It is of use for backups only.
    pub message_content: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    transport: Option<Transport>,
    bot_token: Option<SecretString>,
    application_id: Option<String>,
    public_key: Option<String>,
    api_url: Option<Url>,
    gateway_url: Option<Url>,
    #[serde(default)]
    guilds: Vec<String>,
    shards: Option<u32>,
    archive_category: Option<String>,
    #[serde(default)]
    message_content: bool,
}

/// The most connections that one bot of this kind is meant for.
const SHARDS: u32 = 64;

/// Whether a value is still to be looked up somewhere, as it is where only the manifest is printed.
fn elsewhere(text: &str) -> bool {
    ["env:", "file:", "vault:"].iter().any(|mark| text.starts_with(mark))
}

fn key(text: &str) -> Result<PublicKey, String> {
    let wrong = "`public_key` is 64 hexadecimal digits: the Public Key under General Information of the application";
    let bytes = hex::decode(text.trim()).map_err(|_| wrong.to_owned())?;
    let key = PublicKey::try_from(bytes).map_err(|_| wrong.to_owned())?;
    crate::signature::usable(&key).then_some(key).ok_or_else(|| format!("{wrong}; this is no key at all"))
}

impl TryFrom<Written> for DiscordConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let bot_token = written.bot_token.ok_or(
            "`bot_token` is missing: it stands under Bot > Reset Token in the application's settings on \
             https://discord.com/developers/applications",
        )?;
        let application_id =
            written.application_id.ok_or("`application_id` is missing: the Application ID under General Information of the application")?;
        if !crate::address::is_id(&application_id) && !elsewhere(&application_id) {
            return Err("`application_id` is a number: the Application ID under General Information of the application".into());
        }
        let public_key = match &written.public_key {
            None => None,
            Some(text) if elsewhere(text) => None,
            Some(text) => Some(key(text)?),
        };
        let transport = written.transport.unwrap_or_default();
        if transport == Transport::Http && written.public_key.is_none() {
            return Err("`public_key` is missing: with transport = \"http\" it proves that deliveries come from Discord; it stands under \
                        General Information of the application"
                .into());
        }
        let mut api_url = match written.api_url {
            Some(url) => url,
            None => "https://discord.com/api/v10".parse().map_err(|error| format!("{error}"))?,
        };
        if !matches!(api_url.scheme(), "http" | "https") || api_url.cannot_be_a_base() {
            return Err("`api_url` is an http or https address with the API's path, such as https://discord.com/api/v10".into());
        }
        let path = api_url.path().trim_end_matches('/').to_owned();
        api_url.set_path(&path);
        if let Some(gateway) = &written.gateway_url
            && !(gateway.scheme() == "wss" || gateway.scheme() == "ws" && is_loopback(gateway))
        {
            return Err("`gateway_url` is a wss address, such as wss://gateway.discord.gg; ws is taken on this machine only".into());
        }
        if let Some(wrong) = written.guilds.iter().find(|id| !crate::address::is_id(id)) {
            let shown = bellhop_core::text::shorten(&bellhop_core::text::one_line(wrong), 40);
            return Err(format!("`guilds`: `{shown}` is no id of a server; switch Developer Mode on and use Copy Server ID"));
        }
        if let Some(shards) = written.shards.filter(|shards| !(1..=SHARDS).contains(shards)) {
            return Err(format!("`shards` is {shards}; it can be 1 to {SHARDS}"));
        }
        let archive_category = written.archive_category.unwrap_or_else(|| "archive".into()).trim().to_owned();
        if archive_category.is_empty() || archive_category.chars().count() > 100 {
            return Err("`archive_category` is the name of a category, of 1 to 100 characters".into());
        }
        Ok(Self {
            transport,
            bot_token,
            application_id,
            public_key,
            api_url,
            gateway_url: written.gateway_url,
            guilds: written.guilds,
            shards: written.shards,
            archive_category,
            message_content: written.message_content,
        })
    }
}

/// Whether an address is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl DiscordConfig {
    /// The address of a route: `/users/@me`.
    #[must_use]
    pub fn route_url(&self, path: &str) -> String {
        format!("{}{path}", self.api_url.as_str().trim_end_matches('/'))
    }

    /// Whether a file's address, as Discord gave it, may be called: https on Discord's own hosts for files, and whatever lies on
    /// the host and port of `api_url`. No token is ever sent there.
    #[must_use]
    pub fn is_discords(&self, address: &str) -> bool {
        let Ok(url) = address.parse::<Url>() else { return false };
        let same = url.scheme() == self.api_url.scheme()
            && url.host() == self.api_url.host()
            && url.port_or_known_default() == self.api_url.port_or_known_default();
        let own = ["cdn.discordapp.com", "media.discordapp.net", "discord.com"].contains(&url.host_str().unwrap_or_default());
        same || (url.scheme() == "https" && own && url.port().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    fn read(text: &str) -> Result<DiscordConfig, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let base = "bot_token = \"t\"\napplication_id = \"1180000000000000000\"\n";
        for (text, says) in [
            (String::new(), "bot_token"),
            ("bot_token = \"t\"".into(), "application_id"),
            ("bot_token = \"t\"\napplication_id = \"bellhop\"".into(), "General Information"),
            (format!("{base}transport = \"http\""), "public_key"),
            (format!("{base}public_key = \"abc\""), "64 hexadecimal"),
            (format!("{base}public_key = \"{}\"", "0".repeat(63)), "64 hexadecimal"),
            (format!("{base}api_url = \"ftp://x\""), "api_url"),
            (format!("{base}gateway_url = \"ws://gateway.example\""), "gateway_url"),
            (format!("{base}gateway_url = \"https://gateway.example\""), "gateway_url"),
            (format!("{base}guilds = [\"my server\"]"), "Copy Server ID"),
            (format!("{base}shards = 0"), "shards"),
            (format!("{base}archive_category = \" \""), "archive_category"),
        ] {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn the_usual_is_assumed() {
        let config = read(&format!("bot_token = \"s3cret\"\napplication_id = \"1\"\npublic_key = \"{KEY}\"")).unwrap();
        assert_eq!(config.transport, Transport::Gateway);
        assert_eq!(config.route_url("/users/@me"), "https://discord.com/api/v10/users/@me");
        assert!(!format!("{config:?}").contains("s3cret"));
        let slash = read("bot_token = \"t\"\napplication_id = \"env:APP\"\napi_url = \"http://127.0.0.1:9/api/v10/\"").unwrap();
        assert_eq!(slash.route_url("/gateway/bot"), "http://127.0.0.1:9/api/v10/gateway/bot");
    }

    #[test]
    fn addresses_of_others_are_not_trusted() {
        let config = read("bot_token = \"t\"\napplication_id = \"1\"\napi_url = \"http://127.0.0.1:9/api/v10\"").unwrap();
        for good in ["https://cdn.discordapp.com/attachments/1/2/a.txt?ex=1", "http://127.0.0.1:9/attachments/x"] {
            assert!(config.is_discords(good), "{good}");
        }
        for bad in [
            "http://cdn.discordapp.com/x",
            "https://cdn.discordapp.com.evil.example/x",
            "https://cdn.discordapp.com:444/x",
            "https://cdn.discordapp.com@evil.example/x",
            "http://127.0.0.1:10/x",
            "file:///etc/passwd",
            "",
        ] {
            assert!(!config.is_discords(bad), "{bad}");
        }
    }
}
