//! Looking whether the store can be used: credential, container, permissions. Changes nothing.

use crate::config::{Credential, Proof};
use crate::fault::{Ask, Need};
use crate::store::AzureStore;
use bellhop_core::ports::{Finding, PortResult};
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use chrono::TimeDelta;

/// A signature that ends sooner is warned of.
const SOON: TimeDelta = TimeDelta::days(14);

impl AzureStore {
    pub(crate) async fn findings(&self) -> PortResult<Vec<Finding>> {
        let good = |text: String| Finding { good: true, text };
        let bad = |error: &PortError| Finding { good: false, text: error.message.clone() };
        let mut found = vec![self.credential()];
        match self.page("", None, 1).await {
            Ok(_) => found.push(good(format!("the container {} is there, and its files can be listed", self.container()))),
            Err(error) if matches!(error.kind, PortErrorKind::Unavailable | PortErrorKind::TimedOut) => return Err(error),
            Err(error) => {
                found.push(bad(&error));
                return Ok(found);
            }
        }
        let service = self.account.service()?;
        let ask = Ask::container("check", Need::Manage, self.container());
        let kept = self.account.ask(ask, || async { service.get_properties(None).await?.into_model() }).await;
        match kept {
            Ok(settings) => match settings.delete_retention_policy {
                Some(policy) if policy.enabled == Some(true) => {
                    let days = policy.days.unwrap_or(0);
                    found.push(good(format!("what is deleted can be brought back for {days} days (soft delete)")));
                }
                _ => found.push(good(
                    "soft delete is off: unless the account keeps versions, what is deleted or overwritten is gone (a setting of the storage account)"
                        .to_owned(),
                )),
            },
            Err(error) => tracing::debug!(%error, "the service's settings can't be seen"),
        }
        if self.management().is_some() {
            self.managed(&mut found).await?;
        }
        match self.keeps_versions() {
            Some(true) => found.push(good("older versions are kept".to_owned())),
            Some(false) => found.push(good("older versions are not kept".to_owned())),
            None => found.push(good("whether older versions are kept shows at the first write".to_owned())),
        }
        Ok(found)
    }

    /// What the management plane says, and whether it can be asked.
    async fn managed(&self, found: &mut Vec<Finding>) -> PortResult<()> {
        let account = &self.account.config.account;
        match self.keeping("check").await {
            Ok(_) => found.push(Finding { good: true, text: format!("the storage account {account} can be managed from here") }),
            Err(error) if matches!(error.kind, PortErrorKind::Unavailable | PortErrorKind::TimedOut) => return Err(error),
            Err(error) => {
                found.push(Finding { good: false, text: error.message });
                return Ok(());
            }
        }
        let wanted = self.account.config.encryption_scope.as_deref();
        match self.encryption_scopes().await {
            Ok(scopes) => {
                let there = wanted.is_none_or(|wanted| scopes.iter().any(|scope| scope.enabled && scope.name.eq_ignore_ascii_case(wanted)));
                if let Some(wanted) = wanted.filter(|_| !there) {
                    let text = format!(
                        "the storage account {account} has no encryption scope {wanted} that could be used; make one, or change `encryption_scope`"
                    );
                    found.push(Finding {
                        good: self.account.config.management.as_ref().is_some_and(|management| management.create_scopes),
                        text,
                    });
                }
                if !scopes.is_empty() {
                    let words: Vec<String> = scopes.iter().map(crate::EncryptionScope::words).collect();
                    found.push(Finding { good: true, text: format!("its encryption scopes are {}", words.join(", ")) });
                }
            }
            Err(error) => found.push(Finding { good: false, text: error.message }),
        }
        Ok(())
    }

    /// What the credential is, and how long.
    fn credential(&self) -> Finding {
        let account = &self.account.config.account;
        match &self.account.config.credential {
            Credential::Key(_) => {
                Finding { good: true, text: format!("a key of the account {account} is set, which may do everything there") }
            }
            Credential::Entra(entra) => {
                let how = match &entra.proof {
                    Proof::Secret { client, .. } => format!("the application {client} with a secret"),
                    Proof::Workload { client, .. } => format!("the application {client} with a federated token"),
                    Proof::Managed { .. } => "the managed identity of this machine".to_owned(),
                };
                Finding { good: true, text: format!("the identity for the account {account} is {how}") }
            }
            Credential::Sas(_) => signature(self.account.signature_ends(), self.account.clock.now(), &self.account.service),
        }
    }
}

/// What is said of a signature that works until then.
fn signature(until: Option<Timestamp>, now: Timestamp, section: &str) -> Finding {
    match until {
        Some(until) if until <= now => Finding {
            good: false,
            text: format!("the shared access signature expired on {}; put a new one into `sas` in [{section}]", until.format("%Y-%m-%d")),
        },
        Some(until) if until - now < SOON => Finding {
            good: false,
            text: format!("the shared access signature expires on {}; get a new one for `sas` in [{section}]", until.format("%Y-%m-%d")),
        },
        Some(until) => Finding { good: true, text: format!("there is a shared access signature until {}", until.format("%Y-%m-%d")) },
        None => Finding { good: true, text: "there is a shared access signature that ends with its policy".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_end() {
        let now = Timestamp::from_timestamp(1_800_000_000, 0).unwrap();
        assert!(!signature(Some(now), now, "files.az").good);
        assert!(!signature(Some(now + TimeDelta::days(13)), now, "files.az").good);
        assert!(signature(Some(now + TimeDelta::days(15)), now, "files.az").good && signature(None, now, "files.az").good);
    }
}
