//! The administration of buckets: the folder's own files, and the folders in `buckets` beside them.

use crate::folder::Folder;
use crate::house::House;
use crate::lifecycle::{MOST, Refused, checked};
use crate::store::LocalStore;
use async_trait::async_trait;
use bellhop_core::ports::{
    AccessPolicy, Bucket, BucketInfo, Buckets, Encryption, Fact, LifecycleRule, PortResult, PublicAccess, PublicLevel, Versioning, merged,
};
use bellhop_core::{PortError, PortErrorKind};
use std::sync::Arc;

/// As with Azure, where such policies come from.
const POLICIES: usize = 5;

impl LocalStore {
    /// Works on the folder of a bucket that is there.
    async fn in_bucket<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&House, &Folder) -> PortResult<T> + Send + 'static,
    ) -> PortResult<T> {
        let (name, own, house) = (name.to_owned(), self.bucket.clone(), Arc::clone(&self.house));
        self.on_disk("buckets", move |folder| {
            if name == own {
                return work(&house, folder);
            }
            let opened = if name == house.name() { Some(house.own()?) } else { house.bucket(&name)? };
            match opened {
                Some(folder) => work(&house, &folder),
                None => Err(absent(&house, &name)),
            }
        })
        .await
    }

    /// Changes what is set for a bucket.
    async fn change(
        &self,
        name: &str,
        change: impl FnOnce(&House, &mut crate::settings::Settings) -> PortResult<()> + Send + 'static,
    ) -> PortResult<()> {
        self.in_bucket(name, move |house, folder| folder.set("buckets", |settings| change(house, settings))).await
    }
}

fn absent(house: &House, name: &str) -> PortError {
    let name = bellhop_core::text::shorten(&bellhop_core::text::one_line(name), 70);
    house.fail(PortErrorKind::NotFound, format!("there is no bucket `{name}`"))
}

fn no_policy(house: &House, id: &str) -> PortError {
    let id = bellhop_core::text::shorten(&bellhop_core::text::one_line(id), 70);
    house.fail(PortErrorKind::NotFound, format!("there is no access policy `{id}`"))
}

/// Nobody reaches a folder from outside.
fn closed() -> PublicAccess {
    let why = "the files lie in a folder of this machine, which is reached only through Bellhop and by the machine's own users";
    PublicAccess { level: Some(PublicLevel::Closed), because: vec![why.to_owned()] }
}

fn checked_policy(house: &House, policy: &AccessPolicy) -> PortResult<()> {
    let invalid = |why: &str| Err(house.fail(PortErrorKind::Invalid, why));
    if policy.id.is_empty()
        || policy.id.chars().count() > 64
        || policy.id.chars().any(|c| c.is_control() || bellhop_core::text::is_hidden(c))
    {
        return invalid("a policy's id has 1 to 64 characters");
    }
    if policy.permissions.is_empty() {
        return invalid("the policy allows nothing; name at least one permission, such as r");
    }
    if let (Some(starts), Some(expires)) = (policy.starts, policy.expires)
        && expires <= starts
    {
        return invalid("the policy would end before it begins");
    }
    Ok(())
}

#[async_trait]
impl Buckets for LocalStore {
    fn own(&self) -> &str {
        &self.bucket
    }

    async fn list(&self) -> PortResult<Vec<Bucket>> {
        let house = Arc::clone(&self.house);
        self.on_disk("buckets", move |_| {
            let mut all = vec![Bucket { name: house.name().to_owned(), created: None, region: None }];
            for name in house.names()? {
                if let Some(folder) = house.bucket(&name)? {
                    all.push(Bucket { name, created: folder.settings("buckets")?.created, region: None });
                }
            }
            all.sort_by(|one, next| one.name.cmp(&next.name));
            Ok(all)
        })
        .await
    }

    async fn create(&self, name: &str) -> PortResult<Bucket> {
        let (house, name) = (Arc::clone(&self.house), name.to_owned());
        self.on_disk("buckets", move |_| house.create(&name)).await
    }

    async fn delete(&self, name: &str) -> PortResult<()> {
        let asked = name.to_owned();
        self.in_bucket(name, move |house, folder| house.delete(&asked, folder)).await
    }

    async fn info(&self, name: &str) -> PortResult<BucketInfo> {
        let asked = name.to_owned();
        self.in_bucket(name, move |_, folder| {
            let settings = folder.settings("buckets")?;
            Ok(BucketInfo {
                name: asked,
                created: settings.created.map_or(Fact::Unsupported, Fact::Known),
                region: Fact::Unsupported,
                versioning: Fact::Known(folder.versioning("buckets")?),
                encryption: Fact::Known(folder.encryption("buckets")?),
                public: Fact::Known(closed()),
                policy: Fact::Unsupported,
                lifecycle: Fact::Known(settings.lifecycle.clone()),
            })
        })
        .await
    }

    async fn versioning(&self, name: &str) -> PortResult<Versioning> {
        self.in_bucket(name, |_, folder| folder.versioning("buckets")).await
    }

    async fn set_versioning(&self, name: &str, on: bool) -> PortResult<()> {
        self.in_bucket(name, move |_, folder| {
            // What never kept any has nothing to suspend.
            let off = !on && folder.versioning("buckets")? == Versioning::Off;
            folder.set("buckets", |settings| {
                if !off {
                    settings.versions = Some(on);
                }
                Ok(())
            })
        })
        .await
    }

    async fn lifecycle(&self, name: &str) -> PortResult<Vec<LifecycleRule>> {
        self.in_bucket(name, |_, folder| Ok(folder.settings("buckets")?.lifecycle.clone())).await
    }

    async fn add_lifecycle(&self, name: &str, rule: &LifecycleRule) -> PortResult<()> {
        let rule = rule.clone();
        self.change(name, move |house, settings| {
            checked(&rule).map_err(|refused| match refused {
                Refused::Invalid(why) => house.fail(PortErrorKind::Invalid, why),
                Refused::Unsupported(why) => house.fail(PortErrorKind::Unsupported, why),
            })?;
            let (rules, _) = merged(&settings.lifecycle, rule);
            if rules.len() > MOST {
                return Err(house.fail(PortErrorKind::Full, format!("a bucket has {MOST} lifecycle rules at most; clear one first")));
            }
            settings.lifecycle = rules;
            Ok(())
        })
        .await
    }

    async fn clear_lifecycle(&self, name: &str, id: Option<&str>) -> PortResult<()> {
        let id = id.map(str::to_owned);
        self.change(name, move |house, settings| {
            let Some(id) = id else {
                settings.lifecycle.clear();
                return Ok(());
            };
            let before = settings.lifecycle.len();
            settings.lifecycle.retain(|rule| rule.id != id);
            if settings.lifecycle.len() == before {
                let id = bellhop_core::text::shorten(&bellhop_core::text::one_line(&id), 70);
                return Err(house.fail(PortErrorKind::NotFound, format!("there is no lifecycle rule `{id}`")));
            }
            Ok(())
        })
        .await
    }

    async fn encryption(&self, name: &str) -> PortResult<Encryption> {
        self.in_bucket(name, |_, folder| folder.encryption("buckets")).await
    }

    async fn set_encryption(&self, name: &str, encryption: &Encryption) -> PortResult<()> {
        let wanted = encryption.clone();
        self.in_bucket(name, move |house, folder| {
            match &wanted {
                Encryption::None => {}
                // Refused now rather than at the first file.
                Encryption::Aes256 => drop(folder.keys.for_writing("buckets", &bellhop_core::ports::FileEncryption::Aes256)?),
                Encryption::Kms { .. } | Encryption::Other(_) => {
                    let why = "a folder has no key service; set aes256, and files are encrypted with a key of Bellhop's own";
                    return Err(house.fail(PortErrorKind::Unsupported, why));
                }
            }
            folder.set("buckets", |settings| {
                settings.encryption = Some(wanted);
                Ok(())
            })
        })
        .await
    }

    async fn public_access(&self, name: &str) -> PortResult<PublicAccess> {
        self.in_bucket(name, |_, _| Ok(closed())).await
    }

    async fn access(&self, name: &str) -> PortResult<Vec<AccessPolicy>> {
        self.in_bucket(name, |_, folder| Ok(folder.settings("buckets")?.access.clone())).await
    }

    async fn create_access(&self, name: &str, policy: &AccessPolicy) -> PortResult<()> {
        let policy = policy.clone();
        self.change(name, move |house, settings| {
            checked_policy(house, &policy)?;
            if settings.access.iter().any(|there| there.id == policy.id) {
                let message = format!("there is an access policy `{}` already; change it, or take another id", policy.id);
                return Err(house.fail(PortErrorKind::Conflict, message));
            }
            if settings.access.len() >= POLICIES {
                let message = format!("a bucket has {POLICIES} access policies at most; revoke one first");
                return Err(house.fail(PortErrorKind::Full, message));
            }
            settings.access.push(policy);
            settings.access.sort_by(|one, next| one.id.cmp(&next.id));
            Ok(())
        })
        .await
    }

    async fn change_access(&self, name: &str, policy: &AccessPolicy) -> PortResult<()> {
        let policy = policy.clone();
        self.change(name, move |house, settings| {
            let there = settings.access.iter_mut().find(|there| there.id == policy.id).ok_or_else(|| no_policy(house, &policy.id))?;
            checked_policy(house, &policy)?;
            *there = policy;
            Ok(())
        })
        .await
    }

    async fn revoke_access(&self, name: &str, id: &str) -> PortResult<()> {
        let id = id.to_owned();
        self.change(name, move |house, settings| {
            let before = settings.access.len();
            settings.access.retain(|there| there.id != id);
            if settings.access.len() == before { Err(no_policy(house, &id)) } else { Ok(()) }
        })
        .await
    }
}

#[cfg(test)]
#[path = "buckets_tests.rs"]
mod tests;
