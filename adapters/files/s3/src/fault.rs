//! Failures of S3 in the port's words: what kind, whether the same request may do later, and what to do about it.
//!
//! S3 answers some things without a body (everything asked by HEAD), some with status 200 and an error inside (which the
//! SDK tells), and some in codes that say less than the headers beside them.

use crate::account::Account;
use crate::seal::Seal;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use bellhop_core::text::{one_line, shorten};
use bellhop_core::{PortError, PortErrorKind, Retry};
use std::error::Error;
use std::time::Duration;

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
    /// Whether it writes under a key of the owner's.
    pub customer: bool,
    /// Whether it is about buckets rather than about files in the configured one.
    pub on_bucket: bool,
}

impl<'a> Ask<'a> {
    /// About a file.
    pub fn file(account: &'a Account, operation: &'static str, needs: &'a str, absent: &'a str) -> Self {
        Self { operation, needs, bucket: &account.config.bucket, absent, version: None, changes: false, customer: false, on_bucket: false }
    }

    /// About a bucket.
    pub fn bucket(operation: &'static str, needs: &'a str, bucket: &'a str) -> Self {
        Self { operation, needs, bucket, absent: "", version: None, changes: false, customer: false, on_bucket: true }
    }

    /// The same, of a version.
    pub fn version(self, version: Option<&'a str>) -> Self {
        Self { version, ..self }
    }

    /// The same, for what changes something.
    pub fn changing(self) -> Self {
        Self { changes: true, ..self }
    }

    /// The same, for what is encrypted so.
    pub fn sealing(self, seal: &Seal) -> Self {
        Self { customer: seal.customer.is_some(), ..self }
    }
}

/// What S3 said.
pub(crate) struct Said<'a> {
    pub status: u16,
    pub code: &'a str,
    pub message: &'a str,
    pub told_region: Option<&'a str>,
    pub date: Option<&'a str>,
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
            told_region: header("x-amz-bucket-region"),
            date: header("date"),
            retry_after: header("retry-after"),
        })
    }

    /// Whether it says that the file is under a key of the owner's that didn't come, or not the right one.
    pub fn wants_key(&self) -> bool {
        // Keys that the service keeps are something else.
        matches!(self.code, "InvalidRequest" | "InvalidArgument" | "BadRequest")
            && !self.message.contains("KMS")
            && ["ncryption", "ncrypted", "SSE-C", "customer key", "secret key"].iter().any(|word| self.message.contains(word))
    }

    /// The region that the bucket is in, where the answer tells.
    pub fn region(&self) -> Option<String> {
        let told = self.message.split("expecting '").nth(1).and_then(|rest| rest.split('\'').next());
        self.told_region.or(told).filter(|region| !region.is_empty()).map(|region| shorten(&one_line(region), 40))
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
