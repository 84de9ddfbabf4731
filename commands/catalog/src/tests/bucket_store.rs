//! Buckets in memory. One named `locked` shows nothing of itself, and one named `full` isn't empty.

use super::world::now;
use async_trait::async_trait;
use bellhop_core::ports::*;
use bellhop_core::{PortError, PortErrorKind};
use std::collections::BTreeMap;
use std::sync::Mutex;

#[derive(Clone)]
pub(super) struct Settings {
    pub versioning: Versioning,
    pub encryption: Encryption,
    pub rules: Vec<LifecycleRule>,
    pub policies: Vec<AccessPolicy>,
    pub level: PublicLevel,
}

pub(super) struct MemoryBuckets {
    pub all: Mutex<BTreeMap<String, Settings>>,
    /// When set, there are no access policies, as with some services.
    pub no_policies: Mutex<bool>,
}

impl MemoryBuckets {
    pub fn new() -> Self {
        let fresh = Settings {
            versioning: Versioning::Off,
            encryption: Encryption::Aes256,
            rules: Vec::new(),
            policies: Vec::new(),
            level: PublicLevel::Closed,
        };
        let open = Settings { level: PublicLevel::Read, ..fresh.clone() };
        let names = [("team-files", fresh.clone()), ("full", fresh.clone()), ("locked", fresh), ("site", open)];
        Self { all: Mutex::new(names.map(|(name, settings)| (name.to_owned(), settings)).into()), no_policies: Mutex::default() }
    }

    pub fn of(&self, name: &str) -> Settings {
        self.all.lock().unwrap()[name].clone()
    }

    fn change<T>(&self, name: &str, change: impl FnOnce(&mut Settings) -> PortResult<T>) -> PortResult<T> {
        let mut all = self.all.lock().unwrap();
        change(all.get_mut(name).ok_or_else(|| failed(PortErrorKind::NotFound, "there is no such bucket"))?)
    }

    fn policies<T>(&self, name: &str, change: impl FnOnce(&mut Vec<AccessPolicy>) -> PortResult<T>) -> PortResult<T> {
        if *self.no_policies.lock().unwrap() {
            return Err(failed(PortErrorKind::Unsupported, "this service keeps no access policies"));
        }
        self.change(name, |settings| change(&mut settings.policies))
    }
}

fn failed(kind: PortErrorKind, message: &str) -> PortError {
    PortError::new(kind, "files.local", "buckets", message)
}

#[async_trait]
impl Buckets for MemoryBuckets {
    fn settles(&self) -> Option<std::time::Duration> {
        Some(std::time::Duration::from_secs(30))
    }
    fn own(&self) -> &'static str {
        "team-files"
    }
    async fn list(&self) -> PortResult<Vec<Bucket>> {
        let all = self.all.lock().unwrap();
        Ok(all.keys().map(|name| Bucket { name: name.clone(), created: Some(now()), region: Some("eu-central-1".into()) }).collect())
    }
    async fn create(&self, name: &str) -> PortResult<Bucket> {
        if name.contains(' ') {
            return Err(failed(PortErrorKind::Invalid, "a name has no spaces"));
        }
        let mut all = self.all.lock().unwrap();
        if all.contains_key(name) {
            return Err(failed(PortErrorKind::Conflict, "there is such a bucket already"));
        }
        let like = all["team-files"].clone();
        all.insert(name.to_owned(), like);
        Ok(Bucket { name: name.to_owned(), created: Some(now()), region: Some("eu-central-1".into()) })
    }
    async fn delete(&self, name: &str) -> PortResult<()> {
        if name == "full" {
            return Err(failed(PortErrorKind::Conflict, "the bucket full isn't empty: 3 files are in it"));
        }
        self.change(name, |_| Ok(()))?;
        self.all.lock().unwrap().remove(name);
        Ok(())
    }
    async fn info(&self, name: &str) -> PortResult<BucketInfo> {
        let settings = self.change(name, |settings| Ok(settings.clone()))?;
        if name == "locked" {
            return Ok(BucketInfo {
                name: name.to_owned(),
                created: Fact::Denied,
                region: Fact::Known("eu-central-1".into()),
                versioning: Fact::Denied,
                encryption: Fact::Denied,
                public: Fact::Denied,
                policy: Fact::Unsupported,
                lifecycle: Fact::Denied,
            });
        }
        let policy = if settings.level == PublicLevel::Closed { Vec::new() } else { vec!["everyone may read files in site/*".to_owned()] };
        Ok(BucketInfo {
            name: name.to_owned(),
            created: Fact::Known(now()),
            region: Fact::Known("eu-central-1".into()),
            versioning: Fact::Known(settings.versioning),
            encryption: Fact::Known(settings.encryption),
            public: Fact::Known(PublicAccess { level: Some(settings.level), because: vec!["public access is not blocked".into()] }),
            policy: Fact::Known(policy),
            lifecycle: Fact::Known(settings.rules),
        })
    }
    async fn versioning(&self, name: &str) -> PortResult<Versioning> {
        self.change(name, |settings| Ok(settings.versioning))
    }
    async fn set_versioning(&self, name: &str, on: bool) -> PortResult<()> {
        self.change(name, |settings| {
            settings.versioning = if on { Versioning::On } else { Versioning::Suspended };
            Ok(())
        })
    }
    async fn lifecycle(&self, name: &str) -> PortResult<Vec<LifecycleRule>> {
        self.change(name, |settings| Ok(settings.rules.clone()))
    }
    async fn add_lifecycle(&self, name: &str, rule: &LifecycleRule) -> PortResult<()> {
        self.change(name, |settings| {
            settings.rules = merged(&settings.rules, rule.clone()).0;
            Ok(())
        })
    }
    async fn clear_lifecycle(&self, name: &str, id: Option<&str>) -> PortResult<()> {
        self.change(name, |settings| {
            settings.rules.retain(|rule| id.is_some_and(|id| rule.id != id));
            Ok(())
        })
    }
    async fn encryption(&self, name: &str) -> PortResult<Encryption> {
        self.change(name, |settings| Ok(settings.encryption.clone()))
    }
    async fn set_encryption(&self, name: &str, encryption: &Encryption) -> PortResult<()> {
        if matches!(encryption, Encryption::Kms { key: Some(key), .. } if key.contains(' ')) {
            return Err(failed(PortErrorKind::Invalid, "a key has no spaces"));
        }
        self.change(name, |settings| {
            settings.encryption = encryption.clone();
            Ok(())
        })
    }
    async fn public_access(&self, name: &str) -> PortResult<PublicAccess> {
        self.change(name, |settings| Ok(PublicAccess { level: Some(settings.level), because: Vec::new() }))
    }
    async fn access(&self, name: &str) -> PortResult<Vec<AccessPolicy>> {
        self.policies(name, |policies| Ok(policies.clone()))
    }
    async fn create_access(&self, name: &str, policy: &AccessPolicy) -> PortResult<()> {
        self.policies(name, |policies| {
            if policies.iter().any(|one| one.id == policy.id) {
                return Err(failed(PortErrorKind::Conflict, "there is such a policy already"));
            }
            policies.push(policy.clone());
            Ok(())
        })
    }
    async fn change_access(&self, name: &str, policy: &AccessPolicy) -> PortResult<()> {
        self.policies(name, |policies| {
            let one = policies.iter_mut().find(|one| one.id == policy.id).ok_or_else(|| failed(PortErrorKind::NotFound, "none"))?;
            *one = policy.clone();
            Ok(())
        })
    }
    async fn revoke_access(&self, name: &str, id: &str) -> PortResult<()> {
        self.policies(name, |policies| {
            let before = policies.len();
            policies.retain(|one| one.id != id);
            if policies.len() == before { Err(failed(PortErrorKind::NotFound, "there is no such policy")) } else { Ok(()) }
        })
    }
}
