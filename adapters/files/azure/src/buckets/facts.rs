//! What is known about a container: what its own answer says, and what follows from it.

use crate::fault::{Ask, Need, header};
use crate::store::AzureStore;
use azure_core::http::headers::Headers;
use azure_storage_blob::models::ListBlobsIncludeItem;
use bellhop_core::ports::{AccessPolicy, BucketInfo, Encryption, Fact, PortResult, PublicAccess, PublicLevel, Versioning};
use bellhop_core::{PortError, PortErrorKind};

/// How many files are looked at for versions.
const SEEN: usize = 1000;
/// The scope that stands for the account's own key.
const OWN_KEY: &str = "$account-encryption-key";

/// What a container's answer says.
#[expect(clippy::struct_excessive_bools, reason = "each is a header of its own")]
pub(super) struct Facts {
    access: Option<String>,
    scope: Option<String>,
    scope_fixed: bool,
    immutable: bool,
    held: bool,
    versioned: bool,
}

impl Facts {
    fn read(headers: &Headers) -> Self {
        let text = |name| header(headers, name).map(str::to_owned);
        let yes = |name| header(headers, name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Self {
            access: text("x-ms-blob-public-access"),
            scope: text("x-ms-default-encryption-scope").filter(|scope| scope != OWN_KEY),
            scope_fixed: yes("x-ms-deny-encryption-scope-override"),
            immutable: yes("x-ms-has-immutability-policy"),
            held: yes("x-ms-has-legal-hold"),
            versioned: yes("x-ms-immutable-storage-with-versioning-enabled"),
        }
    }

    /// Which key it is, in words.
    pub fn encrypted(&self) -> String {
        match &self.scope {
            Some(scope) if self.scope_fixed => format!("the key of the encryption scope {scope}, which writers can't change"),
            Some(scope) => format!("the key of the encryption scope {scope}, unless a writer chooses another"),
            None => "the key of the storage account: Microsoft's, or one of Key Vault where the account is set so".to_owned(),
        }
    }

    pub fn encryption(&self) -> Encryption {
        Encryption::Other(format!("AES-256 with {}", self.encrypted()))
    }

    pub fn public(&self) -> PublicAccess {
        let (level, because) = match self.access.as_deref() {
            None => (PublicLevel::Closed, "the container's public access level is private"),
            Some("blob") => (PublicLevel::Read, "the container's public access level is blob: whoever knows a file's address reads it"),
            Some("container") => {
                (PublicLevel::List, "the container's public access level is container: everybody lists and reads its files")
            }
            Some(_) => {
                let because = vec!["the container's public access level is one that isn't known here".to_owned()];
                return PublicAccess { level: None, because };
            }
        };
        PublicAccess { level: Some(level), because: vec![because.to_owned()] }
    }
}

/// What a policy allows, a sentence.
fn sentence(policy: &AccessPolicy) -> String {
    let words: Vec<&str> = policy.permissions.iter().map(|permission| permission.word()).collect();
    let what = if words.is_empty() { "allows what the link says".to_owned() } else { format!("allows to {}", words.join(", ")) };
    let from = policy.starts.map(|at| format!(" from {}", at.format("%Y-%m-%d"))).unwrap_or_default();
    let until = policy.expires.map_or_else(|| " for as long as the link says".to_owned(), |at| format!(" until {}", at.format("%Y-%m-%d")));
    format!("the access policy {} {what}{from}{until}", crate::names::shown(&policy.id))
}

/// What couldn't be seen, and why: the rest is told all the same.
fn unseen<T>(what: &str, error: &PortError, words: &mut Vec<String>) -> Fact<T> {
    words.push(format!("{what} can't be seen: {}", error.message));
    Fact::Denied
}

impl AzureStore {
    pub(super) async fn facts(&self, operation: &'static str, container: &str) -> PortResult<Facts> {
        let client = self.account.container(container)?;
        let ask = Ask::container(operation, Need::Manage, container);
        let got = self.account.ask(ask, || client.get_properties(None)).await?;
        Ok(Facts::read(got.headers()))
    }

    /// The encryption scope of the store's own container, where it has one and that can be seen.
    pub(crate) async fn own_scope(&self) -> Option<String> {
        self.facts("copy", self.container()).await.ok()?.scope
    }

    /// Whether versions are kept, where that shows.
    pub(super) async fn versioning_of(&self, container: &str, facts: &Facts) -> PortResult<Option<Versioning>> {
        if facts.versioned {
            return Ok(Some(Versioning::On));
        }
        if self.management().is_some() {
            return self.managed_versioning("versioning", container).await.map(Some);
        }
        if let Some(kept) = self.keeps_versions() {
            return Ok(Some(if kept { Versioning::On } else { Versioning::Off }));
        }
        Ok(self.has_versions(container).await.then_some(Versioning::On))
    }

    /// Whether anything in a container has a version, as far as that shows at once.
    pub(crate) async fn has_versions(&self, container: &str) -> bool {
        let ask = Ask::container("versioning", Need::List, container);
        let got = self.listed(ask, "", &[ListBlobsIncludeItem::Versions], None, SEEN).await;
        got.is_ok_and(|got| got.items.iter().any(|item| item.version_id.is_some()))
    }

    pub(super) async fn everything(&self, container: &str) -> PortResult<BucketInfo> {
        let facts = self.facts("info", container).await?;
        let mut words = Vec::new();
        let versioning = match self.versioning_of(container, &facts).await {
            Ok(found) => found.map_or(Fact::Unsupported, Fact::Known),
            Err(error) => unseen("whether versions are kept", &error, &mut words),
        };
        let lifecycle = match self.managed_rules("info", container).await {
            Ok(rules) => Fact::Known(rules),
            Err(error) if error.kind == PortErrorKind::Unsupported => Fact::Unsupported,
            Err(error) => unseen("what becomes of files as they grow old", &error, &mut words),
        };
        if self.management().is_some()
            && let Ok(keeping) = self.keeping("info").await
        {
            words.extend(keeping.words(&self.account.config.account));
        }
        if facts.immutable {
            words.push("an immutability policy keeps its files from being changed and deleted for a time".to_owned());
        }
        if facts.held {
            words.push("a legal hold keeps its files from being changed and deleted until it is lifted".to_owned());
        }
        let policy = match self.policies("info", container).await {
            Ok(policies) => {
                words.extend(policies.iter().map(sentence));
                if !policies.is_empty() {
                    words.push("changes of access policies take up to 30 seconds to apply".to_owned());
                }
                Fact::Known(words)
            }
            Err(error) if matches!(error.kind, PortErrorKind::Denied | PortErrorKind::Unauthenticated) && words.is_empty() => Fact::Denied,
            Err(error) if matches!(error.kind, PortErrorKind::Denied | PortErrorKind::Unauthenticated) => {
                words.push("which access policies it has can't be seen with this credential".to_owned());
                Fact::Known(words)
            }
            Err(error) => return Err(error),
        };
        Ok(BucketInfo {
            name: container.to_owned(),
            created: Fact::Unsupported,
            region: Fact::Unsupported,
            versioning,
            encryption: Fact::Known(facts.encryption()),
            public: Fact::Known(facts.public()),
            policy,
            lifecycle,
        })
    }
}
