//! The endpoints of Microsoft's clouds. Each can be replaced; what can't be is who signs.
//!
//! <https://learn.microsoft.com/azure/bot-service/how-to-deploy-gov-cloud-high>,
//! <https://learn.microsoft.com/graph/deployments>

use url::Url;

/// The connector's addresses of the public cloud, whatever the region.
const PUBLIC: &[&str] = &["https://smba.trafficmanager.net/"];

/// Where everything is.
#[derive(Clone, Debug)]
pub struct Cloud {
    /// What stands before `/{tenant}/oauth2/v2.0/token`.
    pub login_url: Url,
    /// The document that names the connector's signing keys.
    pub openid_url: Url,
    /// Graph with its version.
    pub graph_url: Url,
    /// The connector's addresses that may be sent tokens; the first one is asked where no other is known.
    pub service_urls: Vec<Url>,
    /// Where a conversation is begun before any is known.
    pub first_url: Url,
    /// Who signs activities.
    pub issuer: &'static str,
    /// What the connector's tokens are for, without `/.default`.
    pub resource: &'static str,
    /// What Graph's tokens are for, and what Graph calls itself in what it is sent.
    pub graph_resource: &'static str,
}

/// The written addresses of a cloud.
struct Addresses {
    login: &'static str,
    openid: &'static str,
    graph: &'static str,
    services: &'static [&'static str],
    first: &'static str,
    issuer: &'static str,
    resource: &'static str,
    graph_resource: &'static str,
}

const CLOUDS: &[(&str, Addresses)] = &[
    (
        "public",
        Addresses {
            login: "https://login.microsoftonline.com/",
            openid: "https://login.botframework.com/v1/.well-known/openidconfiguration",
            graph: "https://graph.microsoft.com/v1.0",
            services: PUBLIC,
            first: "https://smba.trafficmanager.net/teams/",
            issuer: "https://api.botframework.com",
            resource: "https://api.botframework.com",
            graph_resource: "https://graph.microsoft.com",
        },
    ),
    (
        "gcc",
        Addresses {
            login: "https://login.microsoftonline.com/",
            openid: "https://login.botframework.com/v1/.well-known/openidconfiguration",
            graph: "https://graph.microsoft.com/v1.0",
            services: &["https://smba.infra.gcc.teams.microsoft.com/"],
            first: "https://smba.infra.gcc.teams.microsoft.com/teams/",
            issuer: "https://api.botframework.com",
            resource: "https://api.botframework.com",
            graph_resource: "https://graph.microsoft.com",
        },
    ),
    (
        "gcc-high",
        Addresses {
            login: "https://login.microsoftonline.us/",
            openid: "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
            graph: "https://graph.microsoft.us/v1.0",
            services: &["https://smba.infra.gov.teams.microsoft.us/"],
            first: "https://smba.infra.gov.teams.microsoft.us/teams/",
            issuer: "https://api.botframework.us",
            resource: "https://api.botframework.us",
            graph_resource: "https://graph.microsoft.us",
        },
    ),
    (
        "dod",
        Addresses {
            login: "https://login.microsoftonline.us/",
            openid: "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
            graph: "https://dod-graph.microsoft.us/v1.0",
            services: &["https://smba.infra.dod.teams.microsoft.us/"],
            first: "https://smba.infra.dod.teams.microsoft.us/teams/",
            issuer: "https://api.botframework.us",
            resource: "https://api.botframework.us",
            graph_resource: "https://dod-graph.microsoft.us",
        },
    ),
];

pub(super) fn url(text: &str) -> Result<Url, String> {
    text.parse().map_err(|error| format!("`{text}`: {error}"))
}

impl Cloud {
    /// A cloud by its name.
    ///
    /// # Errors
    /// There is none of that name.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let Some((_, known)) = CLOUDS.iter().find(|(known, _)| *known == name) else {
            let names: Vec<&str> = CLOUDS.iter().map(|(name, _)| *name).collect();
            return Err(format!("`cloud`: there is no `{name}`; it can be {}", names.join(", ")));
        };
        Ok(Self {
            login_url: url(known.login)?,
            openid_url: url(known.openid)?,
            graph_url: url(known.graph)?,
            service_urls: known.services.iter().map(|text| url(text)).collect::<Result<_, _>>()?,
            first_url: url(known.first)?,
            issuer: known.issuer,
            resource: known.resource,
            graph_resource: known.graph_resource,
        })
    }

    /// Puts other addresses in place, where there are any.
    pub(super) fn replace(&mut self, login: Option<Url>, openid: Option<Url>, graph: Option<Url>) {
        self.login_url = login.unwrap_or_else(|| self.login_url.clone());
        self.openid_url = openid.unwrap_or_else(|| self.openid_url.clone());
        self.graph_url = graph.unwrap_or_else(|| self.graph_url.clone());
    }

    /// Every address with the key that sets it.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, &Url)> {
        let fixed = [("login_url", &self.login_url), ("openid_url", &self.openid_url), ("graph_url", &self.graph_url)];
        fixed.into_iter().chain(self.service_urls.iter().map(|url| ("service_urls", url)))
    }

    /// Where a tenant's tokens are asked for.
    #[must_use]
    pub fn token_url(&self, tenant: &str) -> String {
        format!("{}/{tenant}/oauth2/v2.0/token", self.login_url.as_str().trim_end_matches('/'))
    }

    /// Where an administrator consents to what the app asks for.
    #[must_use]
    pub fn consent_url(&self, tenant: &str, app_id: &str) -> String {
        format!("{}/{tenant}/adminconsent?client_id={app_id}", self.login_url.as_str().trim_end_matches('/'))
    }

    /// Where a conversation is begun while none is known: the cloud's own address, or the first of `service_urls` where those
    /// were set to others.
    #[must_use]
    pub fn begin_url(&self) -> String {
        let known = self.service_urls.iter().any(|known| same_or_under(known, &self.first_url));
        let first = if known { Some(&self.first_url) } else { self.service_urls.first() };
        first.unwrap_or(&self.first_url).to_string()
    }
}

/// Whether an address is this one or lies under it: the same scheme, host and port, and a path that begins with the same parts.
pub(super) fn same_or_under(known: &Url, url: &Url) -> bool {
    let same = known.scheme() == url.scheme() && known.host() == url.host() && known.port_or_known_default() == url.port_or_known_default();
    let (prefix, path) = (known.path().trim_end_matches('/'), url.path());
    same && path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
