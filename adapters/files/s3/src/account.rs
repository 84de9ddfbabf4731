//! The connection: a client made at the first use, with its credential, its limits in time and its retries.
//!
//! Nothing is asked when the store is built. What is safe to repeat is tried three times; what isn't (a write, a copy, a
//! deletion where versions are kept) is tried once, and whoever asked decides.

use crate::config::{Checksums, S3Config, Sse};
use crate::region::{Directions, Following, Regions};
use crate::seal::Seal;
use aws_config::BehaviorVersion;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Builder, Credentials, ProvideCredentials as _, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use aws_sdk_s3::types::ServerSideEncryption;
use bellhop_core::ports::PortResult;
use bellhop_core::{Clock, PortError, PortErrorKind};
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take to begin.
const ANSWER: Duration = Duration::from_secs(30);
/// How long one request with a body, or one that makes the service work (a copy of 5 GB, the putting together of 10,000
/// parts), may take as a whole. That bytes go on moving is watched by itself.
const WORK: Duration = Duration::from_hours(1);
const ATTEMPTS: u32 = 3;
/// What a server of another make is told, where the configuration says nothing.
const ANY_REGION: &str = "us-east-1";

/// A configured connection.
pub(crate) struct Account {
    /// `files.NAME`, for errors.
    pub service: String,
    pub config: S3Config,
    pub clock: Arc<dyn Clock>,
    /// Where buckets were found to be.
    pub regions: Arc<Regions>,
    made: OnceCell<Made>,
}

struct Made {
    client: Client,
    credentials: SharedCredentialsProvider,
    region: String,
}

impl Account {
    pub fn new(service: String, config: S3Config, clock: Arc<dyn Clock>) -> Self {
        let regions = Arc::new(Regions::new(&service, &config.bucket, config.endpoint.as_deref()));
        Self { service, config, clock, regions, made: OnceCell::new() }
    }

    pub async fn client(&self) -> PortResult<&Client> {
        Ok(&self.made().await?.client)
    }

    /// The region that is signed for.
    pub async fn region(&self) -> PortResult<&str> {
        Ok(&self.made().await?.region)
    }

    /// The same, where it is known already.
    pub fn region_known(&self) -> Option<&str> {
        self.made.get().map(|made| made.region.as_str())
    }

    /// The credential as it is now; it may be a temporary one.
    pub async fn credential(&self, operation: &'static str) -> PortResult<Credentials> {
        let made = self.made().await?;
        made.credentials.provide_credentials().await.map_err(|error| self.no_credential(operation, &error))
    }

    /// What is said where there is no credential.
    pub fn no_credential(&self, operation: &'static str, error: &CredentialsError) -> PortError {
        let why = match error {
            CredentialsError::CredentialsNotLoaded(_) => "there is none".to_owned(),
            CredentialsError::ProviderTimedOut(_) => "the service that gives it did not answer in time".to_owned(),
            other => crate::fault::innermost(other),
        };
        let message = format!(
            "no credential could be had ({why}); give `access_key_id` and `secret_access_key` (or `profile`) in [{}], or set the \
             environment, a web identity or an instance role",
            self.service
        );
        PortError::new(PortErrorKind::Unauthenticated, self.service.clone(), operation, message)
    }

    async fn made(&self) -> PortResult<&Made> {
        self.made.get_or_try_init(|| self.make()).await
    }

    async fn make(&self) -> PortResult<Made> {
        let config = &self.config;
        let configured = config.region.clone().or_else(|| config.endpoint.is_some().then(|| ANY_REGION.to_owned()));
        let (region, credentials) = if let (Some(keys), Some(region)) = (&config.keys, &configured) {
            // Nothing of the environment concerns a connection that is wholly configured.
            let token = keys.session_token.as_ref().map(|token| token.expose_secret().to_owned());
            let given = Credentials::new(&keys.access_key_id, keys.secret_access_key.expose_secret(), token, None, "configuration");
            (region.clone(), SharedCredentialsProvider::new(given))
        } else {
            let mut loader = aws_config::defaults(BehaviorVersion::latest());
            if let Some(profile) = &config.profile {
                loader = loader.profile_name(profile);
            }
            if let Some(region) = &configured {
                loader = loader.region(Region::new(region.clone()));
            }
            if let Some(keys) = &config.keys {
                let token = keys.session_token.as_ref().map(|token| token.expose_secret().to_owned());
                let secret = keys.secret_access_key.expose_secret();
                loader = loader.credentials_provider(Credentials::new(&keys.access_key_id, secret, token, None, "configuration"));
            }
            let found = loader.load().await;
            let Some(region) = found.region().map(ToString::to_string) else {
                let message =
                    format!("it isn't known which region the bucket is in; write `region` in [{}], such as eu-central-1", self.service);
                return Err(PortError::new(PortErrorKind::Invalid, self.service.clone(), "connect", message));
            };
            let Some(credentials) = found.credentials_provider() else {
                return Err(self.no_credential("connect", &CredentialsError::not_loaded("no provider")));
            };
            (region, credentials)
        };
        let (ask, check) = match config.checksums {
            Checksums::WhenRequired => (RequestChecksumCalculation::WhenRequired, ResponseChecksumValidation::WhenRequired),
            Checksums::WhenSupported => (RequestChecksumCalculation::WhenSupported, ResponseChecksumValidation::WhenSupported),
        };
        let times = TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(ANSWER).build();
        let following = Following { regions: self.regions.clone() };
        let mut builder = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.clone()))
            .credentials_provider(credentials.clone())
            .force_path_style(config.path_style)
            .request_checksum_calculation(ask)
            .response_checksum_validation(check)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(times)
            .endpoint_resolver(Directions::new(self.regions.clone()))
            .interceptor(following.clone())
            .retry_classifier(following)
            // Downloads are watched where they are read: a reader that takes its time is no stalled server.
            .stalled_stream_protection(StalledStreamProtectionConfig::enabled().download_enabled(false).build());
        if let Some(endpoint) = &config.endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        Ok(Made { client: Client::from_conf(builder.build()), credentials, region })
    }

    /// For requests that carry bytes or make the service work long, and may be repeated.
    pub fn working() -> Builder {
        let times = TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(WORK).operation_attempt_timeout(WORK).build();
        Builder::new().timeout_config(times)
    }

    /// For those that may not.
    pub fn once() -> Builder {
        Self::working().retry_config(RetryConfig::disabled())
    }

    /// How what is written is encrypted where nothing else was asked.
    pub fn seal(&self) -> Seal {
        let service = self.config.sse.map(|sse| match sse {
            Sse::Aes256 => ServerSideEncryption::Aes256,
            Sse::Kms => ServerSideEncryption::AwsKms,
        });
        let bucket_key = self.config.bucket_key.filter(|_| self.config.sse == Some(Sse::Kms));
        Seal { service, kms_key: self.config.kms_key.clone(), bucket_key, ..Seal::default() }
    }

    /// Whether this is AWS itself rather than a compatible server.
    pub fn is_aws(&self) -> bool {
        self.config.endpoint.as_ref().is_none_or(|endpoint| endpoint.contains(".amazonaws.com"))
    }

    /// Where requests go, for people.
    pub fn place(&self) -> &str {
        self.config.endpoint.as_deref().unwrap_or("AWS")
    }
}
