//! The keys of `[files.NAME]` with `kind = "azure"`. What can't work together is an error when the file is read.

use crate::customer::{CustomerKey, USUAL_KEY};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use url::{Host, Url};

/// Where accounts of the public cloud are managed.
const MANAGEMENT: &str = "https://management.azure.com";

/// A container of Azure Blob Storage as a file store.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct AzureConfig {
    /// The container.
    pub container: String,
    /// The storage account.
    pub account: String,
    /// The blob endpoint without a slash at the end; the account is in its path where the server wants it there.
    pub endpoint: String,
    /// How the store proves who it is.
    pub credential: Credential,
    /// What stands before every name in the container, such as `bellhop/`.
    pub prefix: String,
    /// The encryption scope of what is written, where not the container's own.
    pub encryption_scope: Option<String>,
    /// The customer-provided key of what is written: 32 bytes in base64. Azure doesn't keep it.
    pub encryption_key: Option<SecretString>,
    /// Such keys for single files, by name; and those that files are under which were written before.
    pub keys: BTreeMap<String, SecretString>,
    /// Where the account is managed, for what concerns more than single containers.
    pub management: Option<Management>,
}

/// Where a storage account is managed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Management {
    /// The subscription's id.
    pub subscription: String,
    /// The resource group that the account is in.
    pub resource_group: String,
    /// The origin of Azure Resource Manager, without a slash at the end.
    pub url: String,
    /// Whether an encryption scope that something is to be written under is made where there is none.
    pub create_scopes: bool,
}

/// A credential.
#[derive(Clone, Debug)]
pub enum Credential {
    /// One of the account's two keys, which may do everything.
    Key(SecretString),
    /// A shared access signature, without the question mark.
    Sas(SecretString),
    /// An identity of Entra.
    Entra(Entra),
}

/// An identity of Entra.
#[derive(Clone, Debug)]
pub struct Entra {
    /// How it is proven.
    pub proof: Proof,
    /// What stands before the tenant in the address that gives out tokens, for other clouds; Azure's own by default.
    pub login_url: Option<String>,
}

/// How an identity of Entra is proven.
#[derive(Clone, Debug)]
pub enum Proof {
    /// By the secret of a registered application.
    Secret {
        /// The tenant.
        tenant: String,
        /// The application.
        client: String,
        /// Its secret.
        secret: SecretString,
    },
    /// By a token in a file, which another issuer writes: workload identity.
    Workload {
        /// The tenant.
        tenant: String,
        /// The application.
        client: String,
        /// The file.
        file: PathBuf,
    },
    /// By the machine that this runs on.
    Managed {
        /// Which identity of several, where there are.
        client: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    container: String,
    account: Option<String>,
    account_key: Option<SecretString>,
    sas: Option<SecretString>,
    entra: Option<WrittenEntra>,
    endpoint: Option<String>,
    #[serde(default)]
    prefix: String,
    encryption_scope: Option<String>,
    encryption_key: Option<SecretString>,
    #[serde(default)]
    keys: BTreeMap<String, SecretString>,
    management: Option<WrittenManagement>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenManagement {
    subscription: String,
    resource_group: String,
    url: Option<String>,
    #[serde(default)]
    create_scopes: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEntra {
    tenant_id: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    federated_token_file: Option<PathBuf>,
    #[serde(default)]
    managed: bool,
    login_url: Option<String>,
}

impl TryFrom<Written> for AzureConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        crate::names::container(&written.container).map_err(|why| format!("`container` can't be `{}`: {why}", written.container))?;
        let credential = match (written.account_key, written.sas, written.entra) {
            (Some(key), None, None) => Credential::Key(account_key(key)?),
            (None, Some(sas), None) => Credential::Sas(signature(&sas)?),
            (None, None, Some(entra)) => Credential::Entra(identity(entra)?),
            (None, None, None) => return Err("a credential is missing: write one of `account_key`, `sas` and `entra`".to_owned()),
            _ => return Err("`account_key`, `sas` and `entra` are different credentials; keep one".to_owned()),
        };
        let endpoint = written.endpoint.as_deref().map(blob_endpoint).transpose()?;
        let account = match (written.account, &endpoint) {
            (Some(account), _) => account,
            (None, Some(endpoint)) => {
                named_in(endpoint).ok_or_else(|| "`account` is missing: the endpoint doesn't tell the storage account's name".to_owned())?
            }
            (None, None) => return Err("`account` is missing: the storage account's name, such as mycompanyfiles".to_owned()),
        };
        if !(3..=24).contains(&account.len()) || !account.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            return Err("`account` is the storage account's name: 3 to 24 small letters and digits".to_owned());
        }
        let endpoint = endpoint
            .map_or_else(|| format!("https://{account}.blob.core.windows.net"), |url| url.as_str().trim_end_matches('/').to_owned());
        if matches!(credential, Credential::Entra(_)) && !guarded(&endpoint) {
            return Err("`entra` needs an endpoint that begins with https://, since its tokens can be used by whoever sees them".to_owned());
        }
        let prefix = written.prefix;
        // What doesn't end in a slash is taken as it is: `bellhop-` is a fine beginning of names.
        let whole = prefix.strip_suffix('/').unwrap_or(&prefix);
        if !prefix.is_empty() && bellhop_core::ports::file_name(whole).is_err() {
            return Err("`prefix` is what stands before every name, such as bellhop/, without a leading slash".to_owned());
        }
        if prefix.chars().count() > 900 {
            return Err("`prefix` leaves no room for names: together they may have 1,024 characters".to_owned());
        }
        if let Some(scope) = &written.encryption_scope {
            scope_name(scope).map_err(|why| format!("`encryption_scope` is a scope's name: {why}"))?;
        }
        if written.encryption_key.is_some() && written.encryption_scope.is_some() {
            return Err("`encryption_key` and `encryption_scope` exclude each other; keep one".to_owned());
        }
        if let Some(key) = &written.encryption_key {
            customers_key("encryption_key", key, &endpoint)?;
        }
        if written.encryption_key.is_some() && written.keys.contains_key(USUAL_KEY) {
            return Err(format!("`keys.{USUAL_KEY}` is the name of the key in `encryption_key`; give it another"));
        }
        for (name, key) in &written.keys {
            if name.is_empty() || name.len() > 64 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
                return Err("the names in `keys` have 1 to 64 letters from a to z, digits, hyphens, dots and underscores".to_owned());
            }
            customers_key(&format!("keys.{name}"), key, &endpoint)?;
        }
        let management = written.management.map(|management| managed(management, &credential)).transpose()?;
        Ok(Self {
            container: written.container,
            account,
            endpoint,
            credential,
            prefix,
            encryption_scope: written.encryption_scope,
            encryption_key: written.encryption_key,
            keys: written.keys,
            management,
        })
    }
}

impl AzureConfig {
    /// Whether what is sent can't be seen on the way.
    pub(crate) fn guarded(&self) -> bool {
        guarded(&self.endpoint)
    }
}

/// Whether this can be an encryption scope's name; otherwise what would be one.
/// <https://learn.microsoft.com/azure/storage/blobs/encryption-scope-manage>
pub(crate) fn scope_name(scope: &str) -> Result<(), &'static str> {
    let fits = (3..=63).contains(&scope.len()) && scope.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if fits { Ok(()) } else { Err("it has 3 to 63 letters, digits and hyphens") }
}

fn customers_key(at: &str, key: &SecretString, endpoint: &str) -> Result<(), String> {
    if CustomerKey::new(at, key).is_none() {
        return Err(format!("`{at}` is a key of 32 bytes in base64, as `openssl rand -base64 32` makes one"));
    }
    if !guarded(endpoint) {
        return Err(format!("`{at}` goes with each request: the endpoint has to begin with https://"));
    }
    Ok(())
}

fn managed(written: WrittenManagement, credential: &Credential) -> Result<Management, String> {
    if !matches!(credential, Credential::Entra(_)) {
        return Err("`management` needs an identity of Entra: write `entra` in place of the account's key or signature".to_owned());
    }
    let WrittenManagement { subscription, resource_group, url, create_scopes } = written;
    if subscription.is_empty() || !subscription.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err("`management.subscription` is the subscription's id, such as 00000000-0000-0000-0000-000000000000".to_owned());
    }
    let named = (1..=90).contains(&resource_group.chars().count())
        && resource_group.chars().all(|c| c.is_alphanumeric() || "-_.()".contains(c))
        && !resource_group.ends_with('.');
    if !named {
        return Err("`management.resource_group` is the name of the resource group that the account is in".to_owned());
    }
    let url = url.unwrap_or_else(|| MANAGEMENT.to_owned());
    let whole = Url::parse(&url).is_ok_and(|url| url.host().is_some() && url.query().is_none() && url.path() == "/");
    if !whole || !guarded(&url) {
        return Err(format!("`management.url` is the origin of Azure Resource Manager and begins with https://, such as {MANAGEMENT}"));
    }
    Ok(Management { subscription, resource_group, url: url.trim_end_matches('/').to_owned(), create_scopes })
}

/// Whether what is sent there can't be seen on the way: by TLS, or because it stays on this machine.
fn guarded(endpoint: &str) -> bool {
    Url::parse(endpoint).is_ok_and(|url| {
        url.scheme() == "https"
            || match url.host() {
                Some(Host::Ipv4(ip)) => ip.is_loopback(),
                Some(Host::Ipv6(ip)) => ip.is_loopback(),
                Some(Host::Domain(name)) => name == "localhost",
                None => false,
            }
    })
}

fn account_key(key: SecretString) -> Result<SecretString, String> {
    if STANDARD.decode(key.expose_secret().trim()).is_ok_and(|bytes| !bytes.is_empty()) {
        Ok(key)
    } else {
        Err("`account_key` is no base64; copy the key of the storage account, not its connection string".to_owned())
    }
}

fn signature(sas: &SecretString) -> Result<SecretString, String> {
    let text = sas.expose_secret().trim();
    let query = text.split_once('?').map_or(text, |(_, query)| query);
    let has = |name: &str| url::form_urlencoded::parse(query.as_bytes()).any(|(key, value)| key == name && !value.is_empty());
    if has("sig") && has("sv") {
        Ok(SecretString::from(query.to_owned()))
    } else {
        Err("`sas` is a shared access signature, such as sv=...&sp=...&se=...&sig=...; this has no `sig` or no `sv`".to_owned())
    }
}

fn identity(entra: WrittenEntra) -> Result<Entra, String> {
    let WrittenEntra { tenant_id, client_id, client_secret, federated_token_file, managed, login_url } = entra;
    if let Some(login) = &login_url
        && !guarded(login)
    {
        return Err("`entra.login_url` begins with https://, such as https://login.microsoftonline.us".to_owned());
    }
    let given = usize::from(client_secret.is_some()) + usize::from(federated_token_file.is_some()) + usize::from(managed);
    if given != 1 {
        return Err("`entra` needs exactly one of `client_secret`, `federated_token_file` and `managed = true`".to_owned());
    }
    if managed {
        if tenant_id.is_some() {
            return Err("`entra.tenant_id` has no meaning with `managed = true`; leave it out".to_owned());
        }
        return Ok(Entra { proof: Proof::Managed { client: client_id }, login_url });
    }
    let (Some(tenant), Some(client)) = (tenant_id, client_id) else {
        return Err("`entra` needs `tenant_id` and `client_id`".to_owned());
    };
    if tenant.is_empty() || !tenant.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') {
        return Err("`entra.tenant_id` is the tenant's id or domain".to_owned());
    }
    if client.is_empty() {
        return Err("`entra.client_id` is empty".to_owned());
    }
    let proof = match (client_secret, federated_token_file) {
        (Some(secret), _) => Proof::Secret { tenant, client, secret },
        (None, Some(file)) => Proof::Workload { tenant, client, file },
        (None, None) => return Err("`entra` needs a way to prove the identity".to_owned()),
    };
    Ok(Entra { proof, login_url })
}

fn blob_endpoint(text: &str) -> Result<Url, String> {
    let wrong = |why: &str| Err(format!("`endpoint` is the blob endpoint, such as https://myaccount.blob.core.windows.net: {why}"));
    let Ok(url) = Url::parse(text) else { return wrong("this is no address") };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return wrong("it begins with https:// or http://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("credentials belong into `account_key`, `sas` or `entra`");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("leave out what stands after ? or #; a shared access signature belongs into `sas`");
    }
    Ok(url)
}

/// The account that an endpoint names: in its path, or first in its host.
fn named_in(endpoint: &Url) -> Option<String> {
    let first = endpoint.path_segments().and_then(|mut parts| parts.next()).filter(|part| !part.is_empty());
    match (first, endpoint.host()) {
        (Some(account), _) => Some(account.to_owned()),
        (None, Some(Host::Domain(name))) => name.split_once(".blob.").map(|(account, _)| account.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
