//! The `[chat.NAME]` section of a Teams connection: which bot it is, how it signs in, whom it hears and where its tokens may
//! go. It says nothing of who may do what: that is `[[role]]`.

mod cloud;
#[cfg(test)]
mod tests;

pub use cloud::Cloud;

use cloud::same_or_under;
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use url::Url;

/// What is done with a file that is sent to the bot itself without any command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Uploads {
    /// In a personal chat it is stored.
    #[default]
    Direct,
    /// Nothing.
    Ignore,
}

/// How meetings are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MeetingsBy {
    /// As an event in the organiser's calendar, with invitations (`Calendars.ReadWrite`).
    #[default]
    Calendar,
    /// As an online meeting alone, on nobody's calendar (`OnlineMeetings.ReadWrite.All` and an application access policy).
    Online,
}

/// How the bot proves who it is when it asks for a token.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A client secret.
    Secret(SecretString),
    /// A certificate with its private key.
    Certificate {
        /// The private key (RSA) as PEM.
        key: SecretString,
        /// The certificate as PEM; its fingerprint names it.
        certificate: String,
    },
    /// A token of another issuer, in a file that is read anew each time (workload identity federation).
    Federated(PathBuf),
    /// The identity of the machine, by its client id.
    Managed {
        /// The client id of the user-assigned identity.
        client_id: String,
        /// Where the machine is asked.
        url: Url,
    },
    /// None: the emulator takes no tokens.
    None,
}

/// A bot in Teams.
#[derive(Clone, Debug)]
pub struct Bot {
    /// Its app id, a GUID.
    pub app_id: String,
    /// The tenant in which it signs in; `None` for the old kind that signs in at `botframework.com`.
    pub tenant_id: Option<String>,
    /// The tenants that it hears; `*` for any.
    pub tenants: Vec<String>,
    /// How it signs in.
    pub credential: Credential,
    /// Activities without a token are taken from this machine, and no tokens are sent.
    pub emulator: bool,
}

/// A Teams connection's settings. What can't work is an error when the file is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct TeamsConfig {
    /// The bot; none where only webhooks are posted to.
    pub bot: Option<Bot>,
    /// Workflows' webhooks by the channel's name that places give them.
    pub webhooks: BTreeMap<String, SecretString>,
    /// The endpoints of its cloud.
    pub cloud: Cloud,
    /// Whether answers for one person are sent so that only that person sees them, where they are given in a channel or group.
    pub targeted_messages: bool,
    /// Whether the manifest has what is in preview: slash commands.
    pub preview: bool,
    /// The team in which channels are made, by name or id, where the bot is in several.
    pub team: Option<String>,
    /// Who organises meetings that are asked for from elsewhere, by address.
    pub organizer: Option<String>,
    /// How meetings are made.
    pub meetings: MeetingsBy,
    /// What is done with files that come without a command.
    pub uploads: Uploads,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    app_id: Option<String>,
    app_password: Option<SecretString>,
    certificate: Option<WrittenCertificate>,
    federated_token: Option<PathBuf>,
    managed_identity: Option<String>,
    identity_url: Option<Url>,
    tenant_id: Option<String>,
    #[serde(default)]
    tenants: Vec<String>,
    cloud: Option<String>,
    login_url: Option<Url>,
    openid_url: Option<Url>,
    graph_url: Option<Url>,
    #[serde(default)]
    service_urls: Vec<Url>,
    #[serde(default)]
    emulator: bool,
    targeted_messages: Option<bool>,
    #[serde(default)]
    preview: bool,
    team: Option<String>,
    organizer: Option<String>,
    #[serde(default)]
    meetings: MeetingsBy,
    #[serde(default)]
    uploads: Uploads,
    #[serde(default)]
    webhooks: BTreeMap<String, SecretString>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCertificate {
    key: SecretString,
    certificate: String,
}

impl TryFrom<Written> for TeamsConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let mut cloud = Cloud::named(written.cloud.as_deref().unwrap_or("public"))?;
        cloud.replace(written.login_url.clone(), written.openid_url.clone(), written.graph_url.clone());
        if !written.service_urls.is_empty() {
            cloud.service_urls.clone_from(&written.service_urls);
        }
        for (key, url) in cloud.all() {
            if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
                return Err(format!("`{key}` is an http or https address"));
            }
        }
        for (name, url) in &written.webhooks {
            use secrecy::ExposeSecret as _;
            if name.is_empty() || name.contains(|c: char| c.is_whitespace() || "#@/:".contains(c)) {
                return Err(format!("`webhooks`: `{name}` can't be a place's name; leave spaces and # @ / : out"));
            }
            if !Url::parse(url.expose_secret()).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
                return Err(format!("`webhooks`: `{name}` is no http or https address"));
            }
        }
        let bot = written.bot()?;
        if bot.is_none() && written.webhooks.is_empty() {
            return Err("`app_id` is missing: it is the application (client) id of the bot's registration; or give `webhooks`, the \
                        addresses of Workflows, to post without a bot"
                .into());
        }
        if bot.is_some() && !written.webhooks.is_empty() {
            return Err("`webhooks` are for tenants without a bot: put them into a [chat.NAME] section of their own".into());
        }
        Ok(Self {
            bot,
            webhooks: written.webhooks,
            cloud,
            targeted_messages: written.targeted_messages.unwrap_or(true),
            preview: written.preview,
            team: written.team,
            organizer: written.organizer,
            meetings: written.meetings,
            uploads: written.uploads,
        })
    }
}

impl Written {
    fn bot(&self) -> Result<Option<Bot>, String> {
        let app_id = match (&self.app_id, self.emulator) {
            (Some(app_id), _) => app_id.clone(),
            (None, true) => String::new(),
            (None, false) => return Ok(None),
        };
        let mut given: Vec<(&str, Credential)> = Vec::new();
        if let Some(secret) = &self.app_password {
            given.push(("app_password", Credential::Secret(secret.clone())));
        }
        if let Some(WrittenCertificate { key, certificate }) = &self.certificate {
            given.push(("certificate", Credential::Certificate { key: key.clone(), certificate: certificate.clone() }));
        }
        if let Some(path) = &self.federated_token {
            given.push(("federated_token", Credential::Federated(path.clone())));
        }
        if let Some(client_id) = &self.managed_identity {
            let url = match &self.identity_url {
                Some(url) => url.clone(),
                None => cloud::url("http://169.254.169.254/metadata/identity/oauth2/token")?,
            };
            given.push(("managed_identity", Credential::Managed { client_id: client_id.clone(), url }));
        }
        let credential = match (given.len(), self.emulator) {
            (1, _) => given.remove(0).1,
            (0, true) => Credential::None,
            (0, false) => {
                return Err(
                    "the bot has nothing to sign in with: give `app_password` (a client secret of the app's registration), or one \
                            of `certificate`, `federated_token`, `managed_identity`"
                        .into(),
                );
            }
            _ => {
                let names: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
                return Err(format!("{} are several ways to sign in: keep one", names.join(", ")));
            }
        };
        let mut tenants = self.tenants.clone();
        if tenants.is_empty() {
            tenants.extend(self.tenant_id.clone());
        }
        if tenants.is_empty() && !self.emulator {
            return Err("`tenant_id` is missing: it is the directory (tenant) id of the organisation; a bot of the old kind for several \
                        organisations gives `tenants`, those that it hears, instead"
                .into());
        }
        Ok(Some(Bot { app_id, tenant_id: self.tenant_id.clone(), tenants, credential, emulator: self.emulator }))
    }
}

impl Bot {
    /// Whether this tenant may talk to the bot.
    #[must_use]
    pub fn hears(&self, tenant: &str) -> bool {
        self.tenants.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(tenant))
    }
}

impl TeamsConfig {
    /// Whether an address is one of the connector's, so that a token of ours may go there: one that begins with an entry of
    /// `service_urls`, compared by scheme, host, port and whole parts of the path; with `emulator`, any on this machine.
    #[must_use]
    pub fn serves(&self, address: &str) -> bool {
        let Ok(url) = address.parse::<Url>() else { return false };
        if !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        let here = self.bot.as_ref().is_some_and(|bot| bot.emulator) && is_loopback(&url);
        here || self.cloud.service_urls.iter().any(|known| same_or_under(known, &url))
    }
}

/// Whether an address leads to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
