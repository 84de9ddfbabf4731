//! Failures of S3 in the port's words: what kind, whether the same request may do later, and what to do about it.
//!
//! S3 answers some things without a body (everything asked by HEAD), some with status 200 and an error inside (which the
//! SDK tells), and some in codes that say less than the headers beside them.

use crate::account::Account;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use bellhop_core::text::{one_line, shorten};
use bellhop_core::{PortError, PortErrorKind, Retry};
use chrono::{DateTime, TimeDelta, Utc};
use std::error::Error;
use std::time::Duration;

/// S3 refuses requests whose time differs by more than a quarter of an hour.
const SKEW: TimeDelta = TimeDelta::minutes(15);

/// What was asked for.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// The port's word for it.
    pub operation: &'static str,
    /// The permission it needs.
    pub needs: &'a str,
    /// The bucket.
    pub bucket: &'a str,
    /// What is said when what it is about isn't there: `there is no file ...`.
    pub absent: &'a str,
    /// The version that was asked for.
    pub version: Option<&'a str>,
    /// Whether it changes something: a failure without an answer leaves open whether it was done.
    pub changes: bool,
    /// Whether it is about buckets rather than about files in the configured one.
    pub on_bucket: bool,
}

impl<'a> Ask<'a> {
    /// About a file.
    pub fn file(account: &'a Account, operation: &'static str, needs: &'a str, absent: &'a str) -> Self {
        Self { operation, needs, bucket: &account.config.bucket, absent, version: None, changes: false, on_bucket: false }
    }

    /// About a bucket.
    pub fn bucket(operation: &'static str, needs: &'a str, bucket: &'a str) -> Self {
        Self { operation, needs, bucket, absent: "", version: None, changes: false, on_bucket: true }
    }

    /// The same, of a version.
    pub fn version(self, version: Option<&'a str>) -> Self {
        Self { version, ..self }
    }

    /// The same, for what changes something.
    pub fn changing(self) -> Self {
        Self { changes: true, ..self }
    }
}

/// What S3 said.
pub(crate) struct Said<'a> {
    pub status: u16,
    pub code: &'a str,
    message: &'a str,
    region: Option<&'a str>,
    date: Option<&'a str>,
    retry_after: Option<&'a str>,
}

impl<'a> Said<'a> {
    /// Of a failure, where there was an answer.
    pub fn of<E: ProvideErrorMetadata>(error: &'a SdkError<E, HttpResponse>) -> Option<Self> {
        let raw = error.raw_response()?;
        let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
        let header = |name: &str| raw.headers().get(name);
        Some(Self {
            status: raw.status().as_u16(),
            code: meta.and_then(|meta| meta.code()).unwrap_or_default(),
            message: meta.and_then(|meta| meta.message()).unwrap_or_default(),
            region: header("x-amz-bucket-region"),
            date: header("date"),
            retry_after: header("retry-after"),
        })
    }

    /// The region that the bucket is in, where the answer tells.
    fn region(&self) -> Option<String> {
        let told = self.message.split("expecting '").nth(1).and_then(|rest| rest.split('\'').next());
        self.region.or(told).filter(|region| !region.is_empty()).map(|region| shorten(&one_line(region), 40))
    }
}

impl Account {
    /// The failure of a request in the port's words.
    pub fn failed<E>(&self, ask: Ask<'_>, error: &SdkError<E, HttpResponse>) -> PortError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let new = |kind, message: String| PortError::new(kind, self.service.clone(), ask.operation, message);
        let unclear = |error: PortError| if ask.changes { error.maybe_done() } else { error };
        if let Some(none) = credentials(error) {
            return self.no_credential(ask.operation, none);
        }
        match error {
            SdkError::ConstructionFailure(_) => new(PortErrorKind::Invalid, format!("the request can't be made: {}", innermost(error))),
            SdkError::TimeoutError(_) => unclear(new(PortErrorKind::TimedOut, format!("{} gave no answer in time", self.place()))),
            SdkError::DispatchFailure(failure) => self.unreached(ask, failure.as_connector_error(), error),
            SdkError::ResponseError(_) | SdkError::ServiceError(_)
                if Said::of(error).is_none_or(|said| said.status < 300 && said.code.is_empty()) =>
            {
                let why = innermost(error);
                // Older servers overlook what they don't know of a request, and answer the rest of it: with a listing, say.
                let (kind, what) = if why.contains("invalid root, expected") && !ask.changes {
                    (PortErrorKind::Unsupported, "doesn't seem to know this, and answered something else")
                } else {
                    (PortErrorKind::Broken, "answered what makes no sense")
                };
                unclear(new(kind, format!("{} {what}: {why}", self.place())))
            }
            _ => match Said::of(error) {
                Some(said) => self.refused(ask, &said),
                None => unclear(new(PortErrorKind::Broken, innermost(error))),
            },
        }
    }

    fn unreached(&self, ask: Ask<'_>, connector: Option<&ConnectorError>, error: &(dyn Error + 'static)) -> PortError {
        let new = |kind, message: String| PortError::new(kind, self.service.clone(), ask.operation, message);
        let why = innermost(error);
        let timed_out = connector.is_some_and(ConnectorError::is_timeout);
        if chain(error).any(|part| part.to_string().contains("(Connect)") || part.to_string().contains("HTTP connect timeout")) {
            let why = if timed_out { "no connection in time".to_owned() } else { why };
            return new(
                PortErrorKind::Unavailable,
                format!("{} can't be reached ({why}); check `endpoint` and that it runs", self.place()),
            );
        }
        let failed = if timed_out {
            new(PortErrorKind::TimedOut, format!("{} gave no answer in time", self.place()))
        } else {
            new(PortErrorKind::Unavailable, format!("the connection to {} broke ({why})", self.place()))
        };
        if ask.changes { failed.maybe_done() } else { PortError { maybe_done: false, ..failed } }
    }

    /// What an answer other than success means.
    pub fn refused(&self, ask: Ask<'_>, said: &Said<'_>) -> PortError {
        let (kind, mut message) = self.meaning(ask, said);
        // What S3 says of a refusal often names the user and the resource: worth reading, and no secret.
        let quotes = matches!(kind, PortErrorKind::Denied | PortErrorKind::Invalid | PortErrorKind::Unsupported | PortErrorKind::Broken);
        if quotes && !said.message.is_empty() && !said.code.starts_with("PermanentRedirect") {
            message = format!("{message} (it says: {})", shorten(&one_line(said.message), 300));
        }
        let mut error = PortError::new(kind, self.service.clone(), ask.operation, message);
        if said.status >= 500 && said.status != 501 || matches!(kind, PortErrorKind::TimedOut) {
            error.retry = Retry::Backoff;
            // What was turned away for being too much was not done.
            error.maybe_done = ask.changes && kind != PortErrorKind::RateLimited;
        }
        if matches!(said.code, "BadDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch") {
            error.retry = Retry::Backoff;
        }
        if error.retry == Retry::Backoff
            && let Some(seconds) = said.retry_after.and_then(|text| text.parse().ok())
        {
            error = error.after(Duration::from_secs(seconds));
        }
        error
    }

    fn meaning(&self, ask: Ask<'_>, said: &Said<'_>) -> (PortErrorKind, String) {
        use PortErrorKind as Kind;
        let bucket = ask.bucket;
        let section = &self.service;
        // S3 calls an id that can't be one of its own an invalid argument, and reading a deletion not allowed.
        if let Some(version) = ask.version
            && (matches!(said.code, "NoSuchVersion" | "InvalidArgument" | "MethodNotAllowed")
                || said.code.is_empty() && matches!(said.status, 400 | 404 | 405) && !self.is_elsewhere(said))
        {
            let shown = shorten(&one_line(version), 60);
            return (Kind::NotFound, format!("{}: it has no version `{shown}` that can be read", ask.absent));
        }
        match said.code {
            "NoSuchBucket" => return self.no_bucket(ask),
            "NoSuchKey" | "NoSuchVersion" | "NoSuchUpload" => return (Kind::NotFound, ask.absent.to_owned()),
            "InvalidAccessKeyId" | "InvalidToken" | "AuthFailure" => {
                return (
                    Kind::Unauthenticated,
                    format!("{} doesn't know the access key; check `access_key_id` in [{section}]", self.place()),
                );
            }
            "SignatureDoesNotMatch" => {
                let message =
                    format!("the signature is wrong; check `secret_access_key` in [{section}], and that no proxy changes requests");
                return (Kind::Unauthenticated, message);
            }
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "RequestExpired" => {
                let message = "the temporary credential has expired; renew it, or let Bellhop use a role that renews itself".to_owned();
                return (Kind::Unauthenticated, message);
            }
            "RequestTimeTooSkewed" => return (Kind::Unauthenticated, self.skewed(said)),
            "PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
                return self.elsewhere(ask, said);
            }
            "SlowDown"
            | "SlowDownRead"
            | "SlowDownWrite"
            | "TooManyRequests"
            | "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingException"
            | "RequestThrottled" => return (Kind::RateLimited, format!("{} asks to slow down", self.place())),
            "RequestTimeout" => return (Kind::TimedOut, "the bytes did not arrive in time".to_owned()),
            "EntityTooLarge" | "MaxMessageLengthExceeded" => return (Kind::TooLarge, "it is larger than the service takes".to_owned()),
            "BucketAlreadyExists" => {
                return (Kind::Conflict, format!("somebody else has a bucket {bucket}; names are shared by all accounts, choose another"));
            }
            "BucketAlreadyOwnedByYou" => return (Kind::Conflict, format!("there is a bucket {bucket} already, and it is this account's")),
            "BucketNotEmpty" => return (Kind::Conflict, format!("the bucket {bucket} isn't empty")),
            "OperationAborted" | "ConditionalRequestConflict" => {
                return (Kind::Conflict, "somebody else is changing the same thing just now; try again".to_owned());
            }
            "PreconditionFailed" => return (Kind::Conflict, "it was changed meanwhile".to_owned()),
            "TooManyBuckets" => return (Kind::Full, "the account can have no more buckets".to_owned()),
            "QuotaExceeded" | "XMinioStorageFull" | "InsufficientCapacity" => return (Kind::Full, "no room is left for it".to_owned()),
            "InvalidObjectState" => {
                let message = "it is in an archive; have it restored from there before it can be read".to_owned();
                return (Kind::Unsupported, message);
            }
            "BadDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch" => {
                return (Kind::Broken, "the bytes arrived changed; nothing was stored".to_owned());
            }
            "NotImplemented" => return (Kind::Unsupported, format!("{} can't do that", self.place())),
            code if code.starts_with("KMS.") || code.starts_with("Kms") => return (Kind::Denied, key_trouble(code)),
            _ => {}
        }
        match said.status {
            301 | 307 => self.elsewhere(ask, said),
            400 if said.code.is_empty() => self.silent_refusal(ask, said),
            401 => (Kind::Unauthenticated, format!("{} doesn't accept the credential; check the keys in [{section}]", self.place())),
            403 => self.denied(ask, said),
            404 if ask.on_bucket => self.no_bucket(ask),
            404 => (Kind::NotFound, ask.absent.to_owned()),
            405 | 501 => (Kind::Unsupported, format!("{} can't do that", self.place())),
            408 | 504 => (Kind::TimedOut, format!("{} gave up waiting", self.place())),
            409 | 412 => (Kind::Conflict, "it was changed meanwhile, or is there already".to_owned()),
            413 => (Kind::TooLarge, "it is larger than the service takes".to_owned()),
            429 => (Kind::RateLimited, format!("{} asks to slow down", self.place())),
            507 => (Kind::Full, "no room is left for it".to_owned()),
            // Of 200 it is the error inside that counts, and the service says so of its own trouble.
            200 | 500.. => (Kind::Unavailable, format!("{} has trouble of its own ({})", self.place(), shown(said))),
            _ => (Kind::Invalid, format!("{} refuses it ({})", self.place(), shown(said))),
        }
    }

    fn no_bucket(&self, ask: Ask<'_>) -> (PortErrorKind, String) {
        let place = self.place();
        if ask.on_bucket {
            return (PortErrorKind::NotFound, format!("there is no bucket {} at {place}", ask.bucket));
        }
        // That the bucket is gone says nothing of the file: it is the store that can't be used.
        let message =
            format!("there is no bucket {} at {place}; check `bucket` and `region` in [{}], or create it", ask.bucket, self.service);
        (PortErrorKind::Invalid, message)
    }

    fn is_elsewhere(&self, said: &Said<'_>) -> bool {
        said.region.is_some_and(|region| self.config.region.as_deref().is_some_and(|ours| ours != region))
    }

    fn elsewhere(&self, ask: Ask<'_>, said: &Said<'_>) -> (PortErrorKind, String) {
        let bucket = ask.bucket;
        let message = match said.region() {
            Some(region) if ask.on_bucket && bucket != self.config.bucket => {
                format!("the bucket {bucket} is in the region {region}, and [{}] is connected to another", self.service)
            }
            Some(region) => format!("the bucket {bucket} is in the region {region}; write region = \"{region}\" in [{}]", self.service),
            None => format!("the bucket {bucket} is in another region; correct `region` in [{}]", self.service),
        };
        (PortErrorKind::Invalid, message)
    }

    fn denied(&self, ask: Ask<'_>, said: &Said<'_>) -> (PortErrorKind, String) {
        // Said without a word, as to a HEAD, it may be about the time.
        if said.code.is_empty() && self.skew(said).is_some_and(|skew| skew.abs() > SKEW) {
            return (PortErrorKind::Unauthenticated, self.skewed(said));
        }
        if said.message.contains("kms:") {
            return (
                PortErrorKind::Denied,
                "the credential may not use the KMS key; it needs kms:GenerateDataKey and kms:Decrypt".to_owned(),
            );
        }
        let mut message = format!("the credential may not do that; it probably lacks the permission {} on {}", ask.needs, ask.bucket);
        if said.code.is_empty() && !ask.on_bucket {
            message.push_str(" (without s3:ListBucket the service also answers so for what isn't there)");
        }
        (PortErrorKind::Denied, message)
    }

    /// A 400 without a body answers a HEAD: a region or a credential that is wrong, or a key of the writer's own.
    fn silent_refusal(&self, ask: Ask<'_>, said: &Said<'_>) -> (PortErrorKind, String) {
        if self.is_elsewhere(said) {
            return self.elsewhere(ask, said);
        }
        let message = "the service refuses it and doesn't say why: the credential may have expired, or the file needs the key that it was \
                       written with";
        (PortErrorKind::Invalid, message.to_owned())
    }

    fn skew(&self, said: &Said<'_>) -> Option<TimeDelta> {
        let theirs = DateTime::parse_from_rfc2822(said.date?).ok()?.with_timezone(&Utc);
        Some(self.clock.now() - theirs)
    }

    fn skewed(&self, said: &Said<'_>) -> String {
        let by = match self.skew(said) {
            Some(skew) if skew.num_minutes() > 0 => format!("{} min ahead of", skew.num_minutes()),
            Some(skew) if skew.num_minutes() < 0 => format!("{} min behind", -skew.num_minutes()),
            _ => "too far from".to_owned(),
        };
        format!("this machine's clock is {by} that of {}; set it right", self.place())
    }
}

fn key_trouble(code: &str) -> String {
    let what = if code.contains("Disabled") {
        "the KMS key is disabled; enable it, or choose another"
    } else if code.contains("NotFound") {
        "there is no such KMS key; check `kms_key`, or the bucket's encryption"
    } else if code.contains("InvalidState") || code.contains("PendingDeletion") {
        "the KMS key can't be used as it is, perhaps because it is to be deleted; choose another"
    } else {
        "the KMS key can't be used"
    };
    format!("{what} ({})", shorten(&one_line(code), 60))
}

fn shown(said: &Said<'_>) -> String {
    let code = shorten(&one_line(said.code), 60);
    if code.is_empty() { format!("status {}", said.status) } else { format!("{} {code}", said.status) }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

fn credentials<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    chain(error).find_map(|part| part.downcast_ref())
}

/// The innermost reason, which names neither address nor header.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    let last = chain(error).last().unwrap_or(error);
    shorten(&one_line(&last.to_string()), 200)
}
