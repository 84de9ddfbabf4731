//! Reading what is under a key of the owner's without being told which: S3 says that a key is missing, and the configured
//! ones are tried. Which one fits is remembered, so that it is tried once.

use crate::customer::Unlocking;
use crate::fault::{Ask, Said};
use crate::seal::unlocked;
use crate::store::{S3Store, absent};
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind};
use std::future::Future;

/// Why something could not be asked of a file.
pub(crate) enum Shut<E> {
    /// The service refused it, and not for want of a key.
    Failed(Box<SdkError<E, HttpResponse>>),
    /// No configured key fits, or none may be used.
    Locked(PortError),
}

impl S3Store {
    /// Asks something of a file with the key that fits it; gives the answer and the key.
    pub(crate) async fn unlocked<T, E, F>(
        &self,
        operation: &'static str,
        name: &str,
        version: Option<&str>,
        ask: impl Fn(Unlocking) -> F,
    ) -> Result<(T, Unlocking), Shut<E>>
    where
        E: ProvideErrorMetadata,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let known = self.fitting.of(name, version);
        let failed = |error| Err(Shut::Failed(Box::new(error)));
        let mut refusal = match ask(known.clone()).await {
            Ok(got) => return Ok((got, known)),
            Err(error) => error,
        };
        if known.is_some() {
            if !misfits(&refusal) {
                return failed(refusal);
            }
            // It was replaced since, by what is under no key or another.
            self.fitting.note(name, version, None);
            refusal = match ask(None).await {
                Ok(got) => return Ok((got, None)),
                Err(error) => error,
            };
        }
        let config = &self.account.config;
        if !self.wants_key(&refusal) || config.customer_keys.is_empty() {
            return failed(refusal);
        }
        if !config.is_private() {
            return Err(Shut::Locked(self.error(PortErrorKind::Denied, operation, self.exposed())));
        }
        for key in config.customer_keys.values().filter(|key| known.as_ref().is_none_or(|known| known.name() != key.name())) {
            match ask(Some(key.clone())).await {
                Ok(got) => {
                    self.fitting.note(name, version, Some(key.clone()));
                    return Ok((got, Some(key.clone())));
                }
                Err(error) if misfits(&error) => {}
                Err(error) => return failed(error),
            }
        }
        // Without a word it isn't certain that it was about a key.
        if Said::of(&refusal).is_none_or(|said| said.code.is_empty()) {
            return failed(refusal);
        }
        Err(Shut::Locked(self.error(PortErrorKind::Denied, operation, self.account.locked(&absent(name)))))
    }

    /// Whether an answer may say that a key is missing.
    fn wants_key<E: ProvideErrorMetadata>(&self, error: &SdkError<E, HttpResponse>) -> bool {
        Said::of(error).is_some_and(|said| {
            said.status == 400 && (said.code.is_empty() && !self.account.is_elsewhere(self.bucket(), &said) || said.wants_key())
        })
    }

    /// What HEAD says of a file, and the key that it is under.
    pub(crate) async fn headed(
        &self,
        operation: &'static str,
        name: &str,
        version: Option<&str>,
    ) -> PortResult<(HeadObjectOutput, Unlocking)> {
        let key = self.key(operation, name)?;
        self.learn().await;
        let client = self.account.client().await?;
        let asked = self.unlocked(operation, name, version, |unlocking| {
            let request = client.head_object().bucket(self.bucket()).key(&key).set_version_id(version.map(str::to_owned));
            let request = unlocked!(request, unlocking);
            async move { request.send().await }
        });
        let error = match asked.await {
            Ok(got) => {
                self.seen();
                return Ok(got);
            }
            Err(Shut::Locked(error)) => return Err(error),
            Err(Shut::Failed(error)) => error,
        };
        let said = Said::of(&error);
        // A HEAD has no body: whether it is the file or the bucket that isn't there, only the bucket can tell.
        if said.as_ref().is_some_and(|said| said.status == 404) && !self.was_seen() {
            self.reach(operation).await?;
        }
        let absent = absent(name);
        let needs = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        let ask = Ask::file(&self.account, operation, needs, &absent).version(version);
        // And why it is refused, only a GET.
        if said.is_some_and(|said| said.status == 400 && said.code.is_empty()) {
            let request = client.get_object().bucket(self.bucket()).key(&key).set_version_id(version.map(str::to_owned));
            if let Err(worded) = request.range("bytes=0-0").send().await
                && Said::of(&worded).is_some_and(|said| !said.code.is_empty())
            {
                return Err(self.account.failed(ask, &worded));
            }
        }
        Err(self.account.failed(ask, &error))
    }
}

/// Whether an answer may say that the key that was sent is the wrong one.
fn misfits<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    Said::of(error).is_some_and(|said| {
        matches!(said.status, 400 | 403) && matches!(said.code, "" | "AccessDenied" | "InvalidRequest" | "InvalidArgument" | "BadRequest")
    })
}
