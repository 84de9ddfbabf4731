//! The management plane: what concerns the storage account as a whole. Whether versions and deleted files are kept, lifecycle
//! rules and encryption scopes are settings of the account, and are read and written through Azure Resource Manager by an
//! identity of Entra that may manage the account.
//!
//! Settings are read, merged and written: nothing that others set is lost, also what isn't known here. It deliberately makes
//! no accounts, and changes nothing that a container has for itself.
//! <https://learn.microsoft.com/rest/api/storagerp/>

mod lifecycle;
mod meaning;
mod rules;
mod scopes;

pub use scopes::EncryptionScope;

use crate::config::Management;
use crate::fault::{Ask, Said, header};
use crate::store::AzureStore;
use azure_core::http::{Context, Method, Request};
use bellhop_core::PortError;
use bellhop_core::ports::{PortResult, Versioning};
use serde_json::{Map, Value, json};

/// The version of the resource provider's protocol that is spoken.
const API: &str = "2023-05-01";

/// Something of the management plane.
pub(crate) struct Managed {
    /// Its content, an object.
    pub value: Value,
    /// The mark of this state, where the service gives one.
    etag: Option<String>,
}

impl Managed {
    /// Its `properties`.
    fn properties(&self) -> Map<String, Value> {
        self.value.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
    }
}

/// What the account keeps of what is overwritten or deleted.
pub(crate) struct Keeping {
    /// Whether versions are kept; nothing where it was never said.
    pub versions: Option<bool>,
    /// For how many days deleted files are kept.
    pub files: Option<u64>,
    /// For how many days deleted containers are kept.
    pub containers: Option<u64>,
}

impl Keeping {
    fn read(settings: &Map<String, Value>) -> Self {
        let days = |policy: &str| {
            let policy = settings.get(policy)?;
            policy.get("enabled")?.as_bool().filter(|on| *on)?;
            policy.get("days")?.as_u64()
        };
        Self {
            versions: settings.get("isVersioningEnabled").and_then(Value::as_bool),
            files: days("deleteRetentionPolicy"),
            containers: days("containerDeleteRetentionPolicy"),
        }
    }

    /// Sentences without full stops.
    pub fn words(&self, account: &str) -> Vec<String> {
        let kept = |days: u64, what: &str| {
            let span = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
            format!("deleted {what} can be brought back for {span} (soft delete of the storage account {account})")
        };
        let mut words = vec![format!("whether versions are kept is a setting of the storage account {account} for all of its containers")];
        words.extend(self.files.map(|days| kept(days, "files")));
        words.extend(self.containers.map(|days| kept(days, "containers")));
        words
    }
}

/// A request about the account.
struct Asked<'a> {
    method: Method,
    /// What stands behind the account's own address, without a slash before it.
    path: &'a str,
    body: Option<Value>,
    /// The state that is to be changed.
    etag: Option<&'a str>,
}

impl AzureStore {
    pub(crate) fn management(&self) -> Option<&Management> {
        self.account.config.management.as_ref()
    }

    /// Asks; `None` when the thing itself isn't there, which `missing` is the code for.
    async fn manage(&self, ask: Ask<'_>, asked: &Asked<'_>, missing: &str) -> PortResult<Option<Managed>> {
        let Some((management, pipeline)) = self.management().zip(self.account.management()?) else {
            return Err(self.unmanaged(ask.operation, "that is", "update"));
        };
        let address = format!(
            "{}/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}/{}?api-version={API}",
            management.url, management.subscription, management.resource_group, self.account.config.account, asked.path
        );
        let address =
            address.parse().map_err(|_| self.error(bellhop_core::PortErrorKind::Invalid, ask.operation, "`management.url` is no address"));
        self.manage_at(ask, pipeline, address?, asked, missing).await
    }

    async fn manage_at(
        &self,
        ask: Ask<'_>,
        pipeline: &azure_core::http::Pipeline,
        address: url::Url,
        asked: &Asked<'_>,
        missing: &str,
    ) -> PortResult<Option<Managed>> {
        let got = self.account.ask(ask, || async {
            let mut request = Request::new(address.clone(), asked.method);
            request.insert_header("accept", "application/json");
            if let Some(etag) = asked.etag {
                request.insert_header("if-match", etag.to_owned());
            }
            if let Some(body) = &asked.body {
                request.insert_header("content-type", "application/json");
                request.set_body(body.to_string());
            }
            match pipeline.send(&Context::new(), &mut request, None).await {
                Ok(answer) => Ok(Some(answer)),
                Err(error) if !missing.is_empty() && Said::of(&error).is_some_and(|said| said.code == missing) => Ok(None),
                Err(error) => Err(error),
            }
        });
        let Some(answer) = got.await? else { return Ok(None) };
        let etag = header(answer.headers(), "etag").map(str::to_owned);
        let body: &[u8] = answer.body();
        let value = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(body) };
        let value = value.map_err(|error| {
            let message = format!("{} answered what makes no sense: {error}", self.account.place_of(ask));
            self.error(bellhop_core::PortErrorKind::Broken, ask.operation, message)
        })?;
        let etag = etag.or_else(|| value.get("etag").and_then(Value::as_str).map(str::to_owned));
        Ok(Some(Managed { value, etag }))
    }

    /// Writes something back changed, unless it isn't any more what was read. An answer that got lost is looked for.
    async fn put_back(&self, operation: &'static str, path: &str, properties: Value, etag: Option<&str>) -> PortResult<()> {
        let body = Some(json!({ "properties": properties }));
        let put = Asked { method: Method::Put, path, body, etag };
        match self.manage(Ask::managing(operation, &self.account).changing(), &put, "").await {
            Err(error) if error.maybe_done => {
                let now = self.manage(Ask::managing(operation, &self.account), &Asked::get(path), "").await;
                let same = now.is_ok_and(|now| now.is_some_and(|now| holds(&Value::Object(now.properties()), &properties)));
                if same { Ok(()) } else { Err(error) }
            }
            other => other.map(drop),
        }
    }

    async fn settings(&self, operation: &'static str) -> PortResult<Managed> {
        let got = self.manage(Ask::managing(operation, &self.account), &Asked::get("blobServices/default"), "").await?;
        got.ok_or_else(|| self.error(bellhop_core::PortErrorKind::Broken, operation, "the account's settings are missing"))
    }

    /// What the account keeps.
    pub(crate) async fn keeping(&self, operation: &'static str) -> PortResult<Keeping> {
        let keeping = Keeping::read(&self.settings(operation).await?.properties());
        self.note_version(keeping.versions.filter(|on| *on).map(|_| "kept"));
        Ok(keeping)
    }

    /// Whether versions are kept in a container, or were.
    pub(crate) async fn managed_versioning(&self, operation: &'static str, container: &str) -> PortResult<Versioning> {
        let keeping = self.keeping(operation).await?;
        Ok(match keeping.versions {
            Some(true) => Versioning::On,
            Some(false) if self.has_versions(container).await => Versioning::Suspended,
            Some(false) | None => Versioning::Off,
        })
    }

    /// Keeps versions in all containers of the account from now on, or no longer.
    pub(crate) async fn set_managed_versioning(&self, on: bool) -> PortResult<()> {
        let _alone = self.seen.managing.lock().await;
        let settings = self.settings("versioning").await?;
        let mut properties = settings.properties();
        if properties.get("isVersioningEnabled").and_then(Value::as_bool).unwrap_or(false) != on {
            properties.insert("isVersioningEnabled".to_owned(), json!(on));
            // What only the service says is not said to it.
            if let Some(restore) = properties.get_mut("restorePolicy").and_then(Value::as_object_mut) {
                restore.retain(|name, _| !matches!(name.as_str(), "lastEnabledTime" | "minRestoreTime"));
            }
            self.put_back("versioning", "blobServices/default", properties.into(), settings.etag.as_deref()).await?;
        }
        self.note_version(on.then_some("kept"));
        Ok(())
    }

    /// What is a setting of the whole account, and what to put into the configuration so that it can be changed from here.
    pub(crate) fn unmanaged(&self, operation: &'static str, what: &str, else_by: &str) -> PortError {
        let section = &self.account.service;
        let identity = if matches!(self.account.config.credential, crate::config::Credential::Entra(_)) {
            ""
        } else {
            "`entra = { tenant_id = \"...\", client_id = \"...\", client_secret = \"env:...\" }` in place of the account's key or signature, and "
        };
        let message = format!(
            "{what} a setting of the storage account {} for all of its containers, in Azure's management plane. To reach it from here, put \
             {identity}`management = {{ subscription = \"...\", resource_group = \"...\" }}` into [{section}], and give that identity the role \
             Storage Account Contributor on the account. Otherwise change it in the portal, or by `az storage account {else_by} --account-name {}`",
            self.account.config.account, self.account.config.account
        );
        PortError::unsupported(section.clone(), operation, message)
    }
}

impl<'a> Asked<'a> {
    fn get(path: &'a str) -> Self {
        Self { method: Method::Get, path, body: None, etag: None }
    }
}

/// Whether everything that was to be is.
fn holds(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Object(there), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| there.get(name).map_or(value.is_null(), |there| holds(there, value)))
        }
        _ => there == wanted,
    }
}
