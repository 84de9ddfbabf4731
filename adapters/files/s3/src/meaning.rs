//! What an answer other than success means: by its code where it has one, by its status and its headers where not.

use crate::account::Account;
use crate::fault::{Ask, Said};
use bellhop_core::PortErrorKind;
use bellhop_core::text::{one_line, shorten};
use chrono::{DateTime, TimeDelta, Utc};

/// S3 refuses requests whose time differs by more than a quarter of an hour.
const SKEW: TimeDelta = TimeDelta::minutes(15);

impl Account {
    pub(crate) fn meaning(&self, ask: Ask<'_>, said: &Said<'_>) -> (PortErrorKind, String) {
        use PortErrorKind as Kind;
        let bucket = ask.bucket;
        let section = &self.service;
        // S3 calls an id that can't be one of its own an invalid argument, and reading a deletion not allowed.
        if let Some(version) = ask.version
            && (matches!(said.code, "NoSuchVersion" | "InvalidArgument" | "MethodNotAllowed")
                || said.code.is_empty() && matches!(said.status, 400 | 404 | 405) && !self.is_elsewhere(ask.bucket, said))
        {
            let shown = shorten(&one_line(version), 60);
            return (Kind::NotFound, format!("{}: it has no version `{shown}` that can be read", ask.absent));
        }
        match said.code {
            _ if !ask.changes && !ask.customer && !ask.on_bucket && said.wants_key() => return (Kind::Denied, self.locked(ask.absent)),
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
            "QuotaExceeded" | "XMinioStorageFull" | "XMinioAdminBucketQuotaExceeded" | "InsufficientCapacity" | "InsufficientStorage" => {
                return (Kind::Full, self.full());
            }
            _ if said.status >= 500 && tells_of_no_room(said.message) => return (Kind::Full, self.full()),
            "InvalidPart" | "InvalidPartOrder" => {
                let message = "the service hasn't got a part as it was noted; list the parts, and send those that are missing again";
                return (Kind::Invalid, message.to_owned());
            }
            "EntityTooSmall" => {
                let message = "a part other than the last is smaller than 5 MiB, which S3 refuses; begin the upload again";
                return (Kind::Invalid, message.to_owned());
            }
            "AccountProblem" | "NotSignedUp" | "AllAccessDisabled" => {
                let message =
                    format!("the account behind the credential in [{section}] is disabled; its owner has to settle that with the service");
                return (Kind::Denied, message);
            }
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
            507 => (Kind::Full, self.full()),
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

    fn full(&self) -> String {
        format!("{} has no room left for it; make some, or raise the quota, and try again", self.place())
    }

    /// What is said where no key fits.
    pub fn locked(&self, file: &str) -> String {
        let named = file.strip_prefix("there is no file ").unwrap_or("it");
        let section = &self.service;
        if self.config.customer_keys.is_empty() {
            return format!("{named} is under a key of its owner's (SSE-C); write that key into [{section}.keys]");
        }
        format!("{named} is under a key of its owner's (SSE-C), and none of those in [{section}.keys] fits; write it there")
    }

    /// Whether an answer says that a bucket is in another region than was asked.
    pub fn is_elsewhere(&self, bucket: &str, said: &Said<'_>) -> bool {
        let ours = self.regions.of(bucket);
        let ours = ours.as_deref().or(self.region_known());
        said.told_region.is_some_and(|region| ours.is_some_and(|ours| ours != region))
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
        if ask.customer {
            let message = format!(
                "the bucket {} refuses files under keys of their owners (SSE-C), or the credential lacks {}. New buckets refuse such keys \
                 since April 2026: set BlockedEncryptionTypes to NONE in the bucket's default encryption, or choose another encryption",
                ask.bucket, ask.needs
            );
            return (PortErrorKind::Denied, message);
        }
        let mut message = format!("the credential may not do that; it probably lacks the permission {} on {}", ask.needs, ask.bucket);
        if said.code.is_empty() && !ask.on_bucket {
            message.push_str(" (without s3:ListBucket the service also answers so for what isn't there)");
        }
        (PortErrorKind::Denied, message)
    }

    /// A 400 without a body answers a HEAD: a region or a credential that is wrong, or a key of the writer's own.
    fn silent_refusal(&self, ask: Ask<'_>, said: &Said<'_>) -> (PortErrorKind, String) {
        if self.is_elsewhere(ask.bucket, said) {
            return self.elsewhere(ask, said);
        }
        let message = format!(
            "the service refuses it and doesn't say why: the credential may have expired, or the file is under a key of its owner's (SSE-C) \
             that isn't in [{}.keys]",
            self.service
        );
        (PortErrorKind::Invalid, message)
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

/// Some servers call a full disk an internal error, and quote what the system said.
fn tells_of_no_room(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["no space left", "enospc", "disk full", "disk is full", "storage is full", "quota exceeded"]
        .iter()
        .any(|words| message.contains(words))
}

fn shown(said: &Said<'_>) -> String {
    let code = shorten(&one_line(said.code), 60);
    if code.is_empty() { format!("status {}", said.status) } else { format!("{} {code}", said.status) }
}
