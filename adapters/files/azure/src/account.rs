//! The connection: made at the first use, so that a start needs neither the network nor the machine's identity.

use crate::config::{AzureConfig, Credential, Entra, Proof};
use crate::fault::innermost;
use crate::sealing::Encrypting;
use crate::sign::{AccountKey, Bearer, SCOPE, SharedKey, Signature};
use crate::wire::Wire;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::policies::Policy;
use azure_core::http::{ClientOptions, Pipeline, RetryOptions, Transport, Url};
use azure_identity::{
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use azure_storage_blob::{BlobClient, BlobContainerClient, BlobServiceClient, BlobServiceClientOptions};
use bellhop_core::ports::PortResult;
use bellhop_core::{Clock, PortError, PortErrorKind, Timestamp};
use secrecy::ExposeSecret as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The version of the protocol that is spoken: what it means doesn't change with the SDK's.
/// <https://learn.microsoft.com/rest/api/storageservices/versioning-for-the-azure-storage-services>
pub(crate) const VERSION: &str = "2024-11-04";

/// The storage account as the configured credential reaches it.
pub(crate) struct Account {
    pub service: String,
    pub config: AzureConfig,
    pub clock: Arc<dyn Clock>,
    /// How long an answer may take; tests are less patient.
    pub answer: Option<Duration>,
    made: OnceLock<Made>,
}

struct Made {
    service: BlobServiceClient,
    pipeline: Pipeline,
    /// The way to the management plane, where one is configured.
    management: Option<Pipeline>,
}

impl Account {
    pub fn new(service: String, config: AzureConfig, clock: Arc<dyn Clock>) -> Self {
        Self { service, config, clock, answer: None, made: OnceLock::new() }
    }

    /// The account's key, where that is the credential.
    pub fn key(&self) -> Option<AccountKey> {
        match &self.config.credential {
            Credential::Key(key) => AccountKey::new(&self.config.account, key),
            Credential::Sas(_) | Credential::Entra(_) => None,
        }
    }

    /// When the shared access signature ends, where that is the credential and it says so.
    pub fn signature_ends(&self) -> Option<Timestamp> {
        let Credential::Sas(sas) = &self.config.credential else { return None };
        let (_, at) = url::form_urlencoded::parse(sas.expose_secret().as_bytes()).find(|(name, _)| name == "se")?;
        chrono::DateTime::parse_from_rfc3339(&at).ok().map(|at| at.to_utc())
    }

    fn unmade(&self, message: String) -> PortError {
        PortError::new(PortErrorKind::Invalid, self.service.clone(), "connect", message)
    }

    fn made(&self) -> PortResult<&Made> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let made = self.make()?;
        Ok(self.made.get_or_init(|| made))
    }

    fn make(&self) -> PortResult<Made> {
        let wire = Wire::new(self.answer).map_err(|error| self.unmade(format!("no HTTP client can be made: {error}")))?;
        let login = match &self.config.credential {
            Credential::Entra(entra) => entra.login_url.as_deref(),
            Credential::Key(_) | Credential::Sas(_) => None,
        };
        let wire = wire.with_login(login);
        let mut options = ClientOptions {
            transport: Some(Transport::new(Arc::new(wire))),
            // What is tried again, and when, is decided where it is known what was asked for.
            retry: RetryOptions::none(),
            ..ClientOptions::default()
        };
        let identity = match &self.config.credential {
            Credential::Entra(entra) => Some(self.identity(entra, &options)?),
            Credential::Key(_) | Credential::Sas(_) => None,
        };
        let named = |options| Pipeline::new(Some("bellhop"), option_env!("CARGO_PKG_VERSION"), options, Vec::new(), Vec::new(), None);
        let management = identity.clone().zip(self.config.management.as_ref()).map(|(identity, management)| {
            let scope = format!("{}/.default", management.url);
            let policy: Arc<dyn Policy> = Arc::new(Bearer { identity, scope });
            named(ClientOptions { per_try_policies: vec![policy], ..options.clone() })
        });
        let mut policies: Vec<Arc<dyn Policy>> = vec![Arc::new(Encrypting)];
        policies.push(match &self.config.credential {
            Credential::Key(_) => {
                let key = self.key().ok_or_else(|| self.unmade("`account_key` is no base64".to_owned()))?;
                Arc::new(SharedKey { key, clock: self.clock.clone() })
            }
            Credential::Sas(sas) => Arc::new(Signature(sas.clone())),
            Credential::Entra(_) => {
                let identity = identity.ok_or_else(|| self.unmade("`entra` names no identity".to_owned()))?;
                Arc::new(Bearer { identity, scope: SCOPE.to_owned() })
            }
        });
        options.per_try_policies = policies;
        let endpoint: Url =
            self.config.endpoint.parse().map_err(|_| self.unmade(format!("`endpoint` is no address: {}", self.config.endpoint)))?;
        let pipeline = named(options.clone());
        let with = BlobServiceClientOptions { client_options: options, version: VERSION.to_owned() };
        let service = BlobServiceClient::new(endpoint, None, Some(with)).map_err(|error| self.unmade(innermost(&error)))?;
        Ok(Made { service, pipeline, management })
    }

    fn identity(&self, entra: &Entra, options: &ClientOptions) -> PortResult<Arc<dyn TokenCredential>> {
        let mut options = options.clone();
        if let Some(login) = &entra.login_url {
            let mut cloud = CustomConfiguration::default();
            cloud.authority_host = Wire::shown(login.trim_end_matches('/'));
            options.cloud = Some(Arc::new(CloudConfiguration::from(cloud)));
        }
        let made: azure_core::Result<Arc<dyn TokenCredential>> = match &entra.proof {
            Proof::Secret { tenant, client, secret } => {
                let secret = Secret::from(secret.expose_secret().to_owned());
                let options = ClientSecretCredentialOptions { client_options: options };
                ClientSecretCredential::new(tenant, client.clone(), secret, Some(options)).map(|made| made as _)
            }
            Proof::Workload { tenant, client, file } => {
                let options = WorkloadIdentityCredentialOptions {
                    credential_options: ClientAssertionCredentialOptions { client_options: options },
                    client_id: Some(client.clone()),
                    tenant_id: Some(tenant.clone()),
                    token_file_path: Some(file.clone()),
                };
                WorkloadIdentityCredential::new(Some(options)).map(|made| made as _)
            }
            Proof::Managed { client } => {
                let options = ManagedIdentityCredentialOptions {
                    user_assigned_id: client.clone().map(UserAssignedId::ClientId),
                    client_options: options,
                };
                ManagedIdentityCredential::new(Some(options)).map(|made| made as _)
            }
        };
        made.map_err(|error| {
            let message = format!("the identity of `entra` can't be used: {}", crate::fault::chained(&error));
            PortError::new(PortErrorKind::Unauthenticated, self.service.clone(), "connect", message)
        })
    }

    /// The whole account.
    pub fn service(&self) -> PortResult<&BlobServiceClient> {
        Ok(&self.made()?.service)
    }

    /// A container.
    pub fn container(&self, name: &str) -> PortResult<BlobContainerClient> {
        Ok(self.made()?.service.blob_container_client(name))
    }

    /// A blob of the store's own container.
    pub fn blob(&self, name: &str) -> PortResult<BlobClient> {
        Ok(self.made()?.service.blob_client(&self.config.container, name))
    }

    /// What requests go through that the SDK has no call for.
    pub fn pipeline(&self) -> PortResult<&Pipeline> {
        Ok(&self.made()?.pipeline)
    }

    /// What requests to the management plane go through, where one is configured.
    pub fn management(&self) -> PortResult<Option<&Pipeline>> {
        Ok(self.made()?.management.as_ref())
    }
}
