//! What the service's codes mean, and what to do about it. The kinds are those of the port.
//! <https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes>

use crate::account::Account;
use crate::config::Credential;
use crate::fault::{Ask, Said};
use bellhop_core::PortErrorKind;
use bellhop_core::text::{one_line, shorten};

impl Account {
    fn denied(&self, ask: Ask<'_>) -> String {
        let (letters, role) = ask.needs.words();
        match &self.config.credential {
            Credential::Key(_) => {
                format!("the account's key may not do that; look into the networking and access settings of {}", self.config.account)
            }
            Credential::Sas(_) => format!("the shared access signature may not do that: it needs {letters}"),
            Credential::Entra(_) => {
                format!("the identity may not do that: it needs the role {role} (being the account's owner is not enough)")
            }
        }
    }

    /// Whether the signature's time is over.
    fn has_ended(&self) -> bool {
        self.signature_ends().is_some_and(|until| until <= self.clock.now())
    }

    pub(crate) fn unknown(&self, said: &Said) -> String {
        let section = &self.service;
        let text = format!("{} {}", said.message, said.detail).to_lowercase();
        if text.contains("date header") || text.contains("too old") && matches!(self.config.credential, Credential::Key(_)) {
            return "the clock of this machine differs from Azure's by more than 15 minutes; set it".to_owned();
        }
        match &self.config.credential {
            Credential::Key(_) => {
                format!(
                    "Azure doesn't take the signature; check `account` and `account_key` in [{section}], this machine's clock, and that no proxy changes requests"
                )
            }
            Credential::Sas(_) if text.contains("time frame") || text.contains("expired") || self.has_ended() => {
                format!("the shared access signature has expired or isn't valid yet; put a new one into `sas` in [{section}]")
            }
            Credential::Sas(_) => {
                format!(
                    "Azure doesn't take the shared access signature: expired, revoked with its policy, or cut off; put a new one into `sas` in [{section}]"
                )
            }
            Credential::Entra(_) => {
                format!("Azure doesn't take the token; check `entra` in [{section}] and that the tenant is the account's own")
            }
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table of the service's codes")]
    pub(crate) fn meaning(&self, ask: Ask<'_>, said: &Said) -> (PortErrorKind, String) {
        use PortErrorKind as Kind;
        let container = ask.container;
        let section = &self.service;
        // Ids of versions and snapshots that can't be any are wrong parameters.
        if let Some(version) = ask.version
            && (matches!(
                said.code.as_str(),
                "InvalidQueryParameterValue" | "OutOfRangeQueryParameterValue" | "VersionNotFound" | "InvalidVersionId"
            ) || said.code.is_empty() && said.status == 400)
        {
            return (Kind::NotFound, format!("{}: it has no version `{}`", ask.absent, crate::names::shown(version)));
        }
        match said.code.as_str() {
            "BlobNotFound" | "ResourceNotFound" if !ask.on_container => (Kind::NotFound, ask.absent.to_owned()),
            "ContainerNotFound" | "ResourceNotFound" if ask.on_container => (Kind::NotFound, format!("there is no container {container}")),
            "ContainerNotFound" => {
                let message =
                    format!("there is no container {container} at {}; check `container` in [{section}], or create it", self.place());
                (Kind::Invalid, message)
            }
            "ContainerAlreadyExists" => (Kind::Conflict, format!("there is a container {container} already")),
            "ContainerBeingDeleted" => {
                let message = format!("the container {container} is being deleted; wait 30 s or more, until its name is free again");
                (Kind::Conflict, message)
            }
            "ContainerDisabled" => (Kind::Denied, format!("the container {container} was disabled by its administrator")),
            "AuthenticationFailed" | "InvalidAuthenticationInfo" | "NoAuthenticationInformation" | "InvalidAuthenticationToken" => {
                (Kind::Unauthenticated, self.unknown(said))
            }
            "KeyBasedAuthenticationNotPermitted" => {
                (Kind::Denied, format!("the account {} takes no keys and no signatures made with them; use `entra`", self.config.account))
            }
            "AuthorizationSourceIPMismatch" => {
                (Kind::Denied, "the shared access signature is for other network addresses than this one".to_owned())
            }
            "AuthorizationProtocolMismatch" | "AccountRequiresHttps" => {
                (Kind::Denied, "it has to be reached by https://; change `endpoint`".to_owned())
            }
            "InsufficientStorage" | "AccountLimitExceeded" => (Kind::Full, named("the storage account is full", said)),
            "AccountIsDisabled" => (Kind::Denied, format!("the storage account {} is disabled", self.config.account)),
            "PublicAccessNotPermitted" => {
                (Kind::Denied, format!("the account {} allows no public access (its setting allowBlobPublicAccess)", self.config.account))
            }
            "SnapshotsPresent" => (Kind::Conflict, "it has snapshots".to_owned()),
            "BlobImmutableDueToPolicy" | "ContainerImmutableDueToPolicy" | "ContainerProtectedFromDeletion" => {
                (Kind::Denied, "it is protected by an immutability policy or a legal hold".to_owned())
            }
            "LeaseIdMissing"
            | "LeaseIdMismatchWithBlobOperation"
            | "LeaseIdMismatchWithContainerOperation"
            | "LeaseAlreadyPresent"
            | "LeaseLost" => (Kind::Conflict, "somebody holds a lease on it; it can be changed once that is released or broken".to_owned()),
            "BlobUsesCustomerSpecifiedEncryption" | "BlobCustomerSpecifiedEncryptionMismatch" => (
                Kind::Denied,
                format!(
                    "it is encrypted with a customer's key that is none of those in [{section}.keys]; Azure doesn't keep such keys, so put the \
                     one that it was written with there"
                ),
            ),
            "BlobDoesNotUseCustomerSpecifiedEncryption" => (Kind::Conflict, "it isn't encrypted with a customer's key any more".to_owned()),
            "RequestForbiddenByContainerEncryptionPolicy" => (
                Kind::Denied,
                format!("the container {container} keeps all of its files under its own encryption scope, and takes no other way"),
            ),
            code if code.contains("EncryptionScope") => (
                Kind::Invalid,
                format!("Azure can't use that encryption scope ({}): is there such a scope, and is it enabled?", crate::names::shown(code)),
            ),
            code if code.starts_with("KeyVault") => (
                Kind::Denied,
                format!(
                    "Azure can't use the key of Key Vault that it is to be encrypted with ({}): is it there, and enabled?",
                    crate::names::shown(code)
                ),
            ),
            "CannotVerifyCopySource" if said.status == 404 => (Kind::NotFound, ask.absent.to_owned()),
            "BlobArchived" | "BlobBeingRehydrated" => {
                (Kind::Conflict, "it is in the archive tier; it can be read some hours after it was moved to another tier".to_owned())
            }
            "PendingCopyOperation" => (Kind::Conflict, "something is being copied to that name; wait until that is over".to_owned()),
            "BlobAlreadyExists" | "ConditionNotMet" | "TargetConditionNotMet" | "SourceConditionNotMet" | "BlobOverwritten" => {
                (Kind::Conflict, "it changed meanwhile".to_owned())
            }
            "InvalidBlockList" => (
                Kind::Conflict,
                "what was sent of it is gone, because something else was written under that name; send it again".to_owned(),
            ),
            "InvalidBlobOrBlock" | "InvalidBlockId" => (
                Kind::Conflict,
                "another program has begun to write under that name and didn't end; remove what it left, or choose another name".to_owned(),
            ),
            "InvalidBlobType" => (Kind::Conflict, "there is a page or append blob of that name; delete it first".to_owned()),
            "RequestBodyTooLarge" | "BlockCountExceedsLimit" | "BlockListTooLong" | "BlobTierInadequateForContentLength" => {
                (Kind::TooLarge, "it is larger than Azure takes".to_owned())
            }
            "Md5Mismatch" => (Kind::Broken, "the bytes were changed on their way; send them again".to_owned()),
            "ServerBusy" | "IngressIsThrottled" | "EgressIsThrottled" => (Kind::RateLimited, "Azure asks for fewer requests".to_owned()),
            "OperationTimedOut" => (Kind::TimedOut, "Azure didn't come to an end with it in time".to_owned()),
            "FeatureNotSupported"
            | "APINotImplemented"
            | "NotImplemented"
            | "UnsupportedHeader"
            | "FeatureVersionMismatch"
            | "BlobTypeNotSupported" => (Kind::Unsupported, format!("the server at {} can't do that", self.place())),
            "AuthorizationFailure" if said.message.contains("failed to authenticate") || self.has_ended() => {
                (Kind::Unauthenticated, self.unknown(said))
            }
            code if code.starts_with("Authorization") || matches!(code, "InsufficientAccountPermissions" | "UnauthorizedBlobOverwrite") => {
                (Kind::Denied, self.denied(ask))
            }
            _ => match said.status {
                404 if ask.on_container => (Kind::NotFound, format!("there is no container {container}")),
                404 => (Kind::NotFound, ask.absent.to_owned()),
                401 => (Kind::Unauthenticated, self.unknown(said)),
                403 if said.code.is_empty() => (Kind::Unauthenticated, self.unknown(said)),
                403 => (Kind::Denied, self.denied(ask)),
                409 | 412 => (Kind::Conflict, named("Azure refused it as a conflict", said)),
                507 => (Kind::Full, named("the storage account is full", said)),
                413 => (Kind::TooLarge, "it is larger than Azure takes".to_owned()),
                416 => (Kind::Invalid, "there are no bytes in that place".to_owned()),
                429 => (Kind::RateLimited, "Azure asks for fewer requests".to_owned()),
                501 | 405 => (Kind::Unsupported, format!("the server at {} can't do that", self.place())),
                408 => (Kind::TimedOut, "Azure waited in vain for the whole request".to_owned()),
                500.. => (Kind::Unavailable, named("Azure can't do it just now", said)),
                300..=399 => (Kind::Broken, format!("{} sends elsewhere, which Azure never does; check `endpoint`", self.place())),
                _ => (Kind::Invalid, named("Azure refused it", said)),
            },
        }
    }
}

fn named(what: &str, said: &Said) -> String {
    if said.code.is_empty() {
        format!("{what} (status {})", said.status)
    } else {
        format!("{what} ({})", shorten(&one_line(&said.code), 60))
    }
}
