//! The `[chat.NAME]` section of a Slack connection: how it is listened to and with which credentials. It says nothing of
//! who may do what: that is `[[role]]`.

use bellhop_core::PortError;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

/// How Slack's deliveries arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Over web sockets that the bot opens: no public address is needed.
    Socket,
    /// As signed HTTP requests to `POST /chat/NAME`.
    Http,
}

/// What is done with a file that is uploaded without any command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Uploads {
    /// In a direct conversation with the bot it is stored; elsewhere nothing is done.
    #[default]
    Direct,
    /// As `direct`, and in channels the uploader is asked, unseen by others.
    Ask,
    /// Nothing.
    Ignore,
}

/// A Slack connection's settings. What can't work is an error when the file is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct SlackConfig {
    /// How deliveries arrive.
    pub transport: Transport,
    /// The token of the one workspace (`xoxb-`); none where workspaces are connected by OAuth.
    pub bot_token: Option<SecretString>,
    /// The app's own token (`xapp-`), for sockets.
    pub app_token: Option<SecretString>,
    /// The secrets that deliveries may be signed with: one, or two while the secret is being changed.
    pub signing_secrets: Vec<SecretString>,
    /// The Web API with its path and without a trailing slash: `https://slack.com/api`.
    pub api_url: Url,
    /// The app's OAuth credentials, where more than one workspace is to be connected or tokens rotate.
    pub oauth: Option<OAuth>,
    /// What is done with files that come without a command.
    pub uploads: Uploads,
}

/// The app as Slack's OAuth knows it.
#[derive(Clone, Debug)]
pub struct OAuth {
    /// Its public id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The workspaces (`T...`) and organisations (`E...`) that may connect; `*` for any. Nobody else is let in.
    pub workspaces: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    transport: Option<Transport>,
    bot_token: Option<SecretString>,
    app_token: Option<SecretString>,
    signing_secret: Option<OneOrMore>,
    api_url: Option<Url>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    #[serde(default)]
    workspaces: Vec<String>,
    #[serde(default)]
    uploads: Uploads,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(SecretString),
    More(Vec<SecretString>),
}

impl TryFrom<Written> for SlackConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let signing_secrets = match written.signing_secret {
            None => Vec::new(),
            Some(OneOrMore::One(secret)) => vec![secret],
            Some(OneOrMore::More(secrets)) => secrets,
        };
        let transport = written.transport.unwrap_or(if written.app_token.is_none() && !signing_secrets.is_empty() {
            Transport::Http
        } else {
            Transport::Socket
        });
        match transport {
            Transport::Socket if written.app_token.is_none() => {
                return Err("`app_token` is missing: Socket Mode needs the app-level token (xapp-...) with connections:write, made under \
                            Basic Information > App-Level Tokens"
                    .into());
            }
            Transport::Http if signing_secrets.is_empty() => {
                return Err("`signing_secret` is missing: with transport = \"http\" it proves that deliveries come from Slack; it stands \
                            under Basic Information > App Credentials"
                    .into());
            }
            _ => {}
        }
        let oauth = match (written.client_id, written.client_secret) {
            (Some(client_id), Some(client_secret)) => Some(OAuth { client_id, client_secret, workspaces: written.workspaces }),
            (None, None) => None,
            _ => return Err("`client_id` and `client_secret` belong together: give both, or neither".into()),
        };
        if written.bot_token.is_none() && oauth.is_none() {
            return Err("`bot_token` is missing: it is the xoxb- token under OAuth & Permissions; or give `client_id` and \
                        `client_secret`, so that workspaces are connected by OAuth"
                .into());
        }
        let mut api_url = match written.api_url {
            Some(url) => url,
            None => "https://slack.com/api".parse().map_err(|error| format!("{error}"))?,
        };
        if !matches!(api_url.scheme(), "http" | "https") || api_url.cannot_be_a_base() {
            return Err("`api_url` is an http or https address with the API's path, such as https://slack.com/api".into());
        }
        let path = api_url.path().trim_end_matches('/').to_owned();
        api_url.set_path(&path);
        Ok(Self {
            transport,
            bot_token: written.bot_token,
            app_token: written.app_token,
            signing_secrets,
            api_url,
            oauth,
            uploads: written.uploads,
        })
    }
}

impl SlackConfig {
    /// The address of a Web API method.
    #[must_use]
    pub fn method_url(&self, method: &str) -> String {
        format!("{}/{method}", self.api_url.as_str().trim_end_matches('/'))
    }

    /// Whether an address that Slack gave (a `response_url`, an upload or download address) is one of Slack's own, so that
    /// it may be called at all and, for downloads, be shown a token. That is https on `slack.com`, `slack-files.com` or
    /// a host under them, and whatever lies on the host and port of `api_url`.
    #[must_use]
    pub fn is_slacks(&self, address: &str) -> bool {
        let Ok(url) = address.parse::<Url>() else { return false };
        let same = |url: &Url| {
            (url.scheme() == self.api_url.scheme())
                && url.host() == self.api_url.host()
                && url.port_or_known_default() == self.api_url.port_or_known_default()
        };
        let host = url.host_str().unwrap_or_default();
        let own = ["slack.com", "slack-files.com"]
            .iter()
            .any(|domain| host == *domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')));
        same(&url) || (url.scheme() == "https" && own && url.port().is_none())
    }
}

/// An error about an address that is none of Slack's.
pub(crate) fn foreign(service: &str, operation: &'static str) -> PortError {
    PortError::new(
        bellhop_core::PortErrorKind::Denied,
        service,
        operation,
        "the address is none of Slack's own, so nothing is sent there; if it is a test server, put it on the host of `api_url`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SlackConfig, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn what_is_missing_is_named() {
        for (text, says) in [
            ("", "app_token"),
            ("app_token = \"xapp-1\"", "bot_token"),
            ("transport = \"http\"\nbot_token = \"xoxb-1\"", "signing_secret"),
            ("app_token = \"xapp-1\"\nclient_id = \"1\"", "client_secret"),
            ("app_token = \"xapp-1\"\nbot_token = \"xoxb-1\"\napi_url = \"ftp://x/api\"", "api_url"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn the_transport_follows_from_the_credentials() {
        assert_eq!(read("bot_token = \"xoxb-1\"\nsigning_secret = \"s\"").unwrap().transport, Transport::Http);
        assert_eq!(read("bot_token = \"xoxb-1\"\napp_token = \"xapp-1\"").unwrap().transport, Transport::Socket);
        let both = read("bot_token = \"xoxb-1\"\nsigning_secret = [\"a\", \"b\"]").unwrap();
        assert_eq!(both.signing_secrets.len(), 2);
        assert_eq!(both.method_url("auth.test"), "https://slack.com/api/auth.test");
        assert!(!format!("{both:?}").contains("xoxb-1"));
    }

    #[test]
    fn addresses_of_others_are_not_trusted() {
        let config = read("bot_token = \"xoxb-1\"\nsigning_secret = \"s\"\napi_url = \"http://127.0.0.1:9/api/\"").unwrap();
        for good in ["https://files.slack.com/x", "https://hooks.slack.com/commands/1", "http://127.0.0.1:9/files/x", "https://slack.com/x"]
        {
            assert!(config.is_slacks(good), "{good}");
        }
        for bad in [
            "http://files.slack.com/x",
            "https://evilslack.com/x",
            "https://slack.com.evil.example/x",
            "https://slack.com:444/x",
            "http://127.0.0.1:10/x",
            "https://127.0.0.1:9/x",
            "https://slack.com@evil.example/x",
            "file:///etc/passwd",
            "no address",
        ] {
            assert!(!config.is_slacks(bad), "{bad}");
        }
    }
}
