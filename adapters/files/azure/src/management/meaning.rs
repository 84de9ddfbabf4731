//! What the management plane's codes mean, and what to do about it.
//! <https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors>

use crate::account::Account;
use crate::fault::{Ask, Said};
use bellhop_core::PortErrorKind;
use bellhop_core::text::{one_line, shorten};

impl Account {
    pub(crate) fn managed_meaning(&self, ask: Ask<'_>, said: &Said) -> (PortErrorKind, String) {
        use PortErrorKind as Kind;
        let section = &self.service;
        let account = &self.config.account;
        let place = self.place_of(ask);
        let code = shorten(&one_line(&said.code), 60);
        match (said.code.as_str(), said.status) {
            ("AuthorizationFailed" | "LinkedAuthorizationFailed" | "RoleAssignmentNotFound", _) => {
                let message = format!(
                    "the identity may not manage the storage account {account}: it needs the role Storage Account Contributor on it"
                );
                (Kind::Denied, message)
            }
            ("ScopeLocked", _) => {
                (Kind::Denied, format!("a lock on the storage account {account} or above it keeps it from being changed"))
            }
            ("RequestDisallowedByPolicy", _) => (Kind::Denied, "a policy of the subscription doesn't allow it".to_owned()),
            ("SubscriptionNotFound" | "InvalidSubscriptionId", _) => {
                (Kind::Invalid, format!("there is no such subscription; check `management.subscription` in [{section}]"))
            }
            ("ResourceGroupNotFound", _) => {
                (Kind::Invalid, format!("there is no such resource group; check `management.resource_group` in [{section}]"))
            }
            ("ResourceNotFound", _) => {
                let message =
                    format!("the storage account {account} isn't in that resource group; check `management.resource_group` in [{section}]");
                (Kind::Invalid, message)
            }
            ("ManagementPolicyNotFound", _) => (Kind::NotFound, format!("the storage account {account} has no lifecycle rules")),
            ("PreconditionFailed", _) | (_, 412) => {
                (Kind::Conflict, "somebody changed it meanwhile, and nothing was written; look at it and try again".to_owned())
            }
            ("AccountIsDisabled", _) => (Kind::Denied, format!("the storage account {account} is disabled")),
            (_, 401) => (Kind::Unauthenticated, format!("{place} doesn't take the token; check `entra` and `management` in [{section}]")),
            (_, 403) => (Kind::Denied, format!("the identity may not do that to the storage account {account} ({code})")),
            (_, 404) => (Kind::Invalid, format!("{place} has no such account; check `management` in [{section}] ({code})")),
            (_, 409) => (Kind::Conflict, format!("Azure refused it as a conflict ({code})")),
            (_, 429) => (Kind::RateLimited, "Azure asks for fewer requests".to_owned()),
            (_, 408 | 504) => (Kind::TimedOut, "Azure didn't come to an end with it in time".to_owned()),
            (_, 500..) => (Kind::Unavailable, format!("Azure can't do it just now (status {})", said.status)),
            (_, 300..=399) => (Kind::Broken, format!("{place} sends elsewhere; check `management.url` in [{section}]")),
            _ => (
                Kind::Invalid,
                if code.is_empty() { format!("Azure refused it (status {})", said.status) } else { format!("Azure refused it ({code})") },
            ),
        }
    }
}
