//! Lifecycle rules: a policy of the account, written as a whole. It is read, merged and written; rules of other containers
//! and whatever isn't known here stay as they are. Azure gives no mark of its state, so writers elsewhere are seen only where
//! it does; those of this process wait for each other.
//! <https://learn.microsoft.com/rest/api/storagerp/management-policies>

use super::Asked;
use super::rules::{Reach, id_of, made, reach, told, trim};
use crate::fault::Ask;
use crate::names::shown;
use crate::store::AzureStore;
use azure_core::http::Method;
use bellhop_core::ports::{LifecycleRule, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use serde_json::{Map, Value, json};

const PATH: &str = "managementPolicies/default";
/// How many rules an account has at most.
const MOST: usize = 100;

/// The account's policy as it was read.
#[derive(Default)]
struct Policy {
    /// What of it isn't rules.
    other: Map<String, Value>,
    rules: Vec<Value>,
    etag: Option<String>,
    is_there: bool,
}

fn named(rule: &Value) -> String {
    id_of(rule.get("name").and_then(Value::as_str).unwrap_or_default())
}

impl AzureStore {
    async fn policy(&self, operation: &'static str) -> PortResult<Policy> {
        let got = self.manage(Ask::managing(operation, &self.account), &Asked::get(PATH), "ManagementPolicyNotFound").await?;
        let Some(got) = got else { return Ok(Policy::default()) };
        let mut other = got.properties().remove("policy").and_then(|policy| policy.as_object().cloned()).unwrap_or_default();
        let rules = match other.remove("rules") {
            Some(Value::Array(rules)) => rules,
            None | Some(Value::Null) => Vec::new(),
            Some(_) => {
                return Err(self.error(PortErrorKind::Broken, operation, "the account's lifecycle rules are no list; nothing was changed"));
            }
        };
        Ok(Policy { other, rules, etag: got.etag, is_there: true })
    }

    async fn write_policy(&self, mut policy: Policy) -> PortResult<()> {
        let etag = policy.etag.as_deref();
        if policy.rules.is_empty() {
            // A policy has at least one rule.
            let gone = Asked { method: Method::Delete, path: PATH, body: None, etag };
            return self.manage(Ask::managing("lifecycle", &self.account), &gone, "ManagementPolicyNotFound").await.map(drop);
        }
        policy.other.insert("rules".to_owned(), Value::Array(policy.rules));
        self.put_back("lifecycle", PATH, json!({ "policy": policy.other }), etag).await
    }

    /// The rules that concern a container.
    pub(crate) async fn managed_rules(&self, operation: &'static str, container: &str) -> PortResult<Vec<LifecycleRule>> {
        let policy = self.policy(operation).await?;
        Ok(policy.rules.iter().filter(|rule| reach(container, rule) != Reach::Elsewhere).map(|rule| told(container, rule)).collect())
    }

    /// Adds a rule, in place of the one with its id.
    pub(crate) async fn add_rule(&self, container: &str, rule: &LifecycleRule) -> PortResult<()> {
        let new = made(container, rule).map_err(|(kind, why)| self.error(kind, "lifecycle", why))?;
        let _alone = self.seen.managing.lock().await;
        let mut policy = self.policy("lifecycle").await?;
        if let Some(there) = policy.rules.iter_mut().find(|there| named(there) == rule.id) {
            if reach(container, there) != Reach::Own {
                return Err(self.foreign(container, &rule.id, "choose another id"));
            }
            *there = new;
        } else {
            if policy.rules.len() >= MOST {
                let message = format!("the storage account has {MOST} lifecycle rules, the most that Azure keeps; remove one first");
                let full = self.error(PortErrorKind::Full, "lifecycle", message);
                return Err(PortError { retry: bellhop_core::Retry::No, ..full });
            }
            policy.rules.push(new);
        }
        self.write_policy(policy).await
    }

    /// Removes a rule, or all that are about this container alone.
    pub(crate) async fn remove_rules(&self, container: &str, id: Option<&str>) -> PortResult<()> {
        let _alone = self.seen.managing.lock().await;
        let mut policy = self.policy("lifecycle").await?;
        let mut kept = Vec::new();
        let mut changed = false;
        for mut rule in std::mem::take(&mut policy.rules) {
            if id.is_some_and(|id| named(&rule) != id) {
                kept.push(rule);
                continue;
            }
            match reach(container, &rule) {
                Reach::Elsewhere => kept.push(rule),
                Reach::Own => changed = true,
                // It goes on for the other containers.
                Reach::Several => {
                    trim(container, &mut rule);
                    kept.push(rule);
                    changed = true;
                }
                Reach::Wide => {
                    let advice = if id.is_some() { "change it in the portal" } else { "remove the others one by one, by their ids" };
                    return Err(self.foreign(container, &named(&rule), advice));
                }
            }
        }
        policy.rules = kept;
        match (changed, id) {
            (true, _) if policy.is_there => self.write_policy(policy).await,
            (false, Some(id)) => {
                let message = format!("the container {container} has no lifecycle rule {}", shown(id));
                Err(PortError::not_found(self.account.service.clone(), "lifecycle", message))
            }
            _ => Ok(()),
        }
    }

    fn foreign(&self, container: &str, id: &str, advice: &str) -> PortError {
        let message =
            format!("the lifecycle rule {} of the storage account is about more than the container {container}; {advice}", shown(id));
        self.error(PortErrorKind::Conflict, "lifecycle", message)
    }
}
