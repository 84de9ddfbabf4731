//! Buckets: what their commands share. Whose buckets are meant, and how their settings are told. What a service calls them
//! doesn't matter here: a container is a bucket too.

pub(crate) mod access;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod encryption;
pub(crate) mod info;
pub(crate) mod lifecycle;
pub(crate) mod list;
pub(crate) mod versioning;

use crate::file::complete_store;
use crate::wording::{line, suggest};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{Buckets, Encryption, Fact, FileStore, LifecycleRule, Stores, Versioning};
use bellhop_core::{CommandError, PortError, PortErrorKind};
use std::sync::Arc;

/// The store whose buckets are meant.
pub(crate) struct Keeper {
    store: Arc<dyn FileStore>,
}

impl Keeper {
    /// The store of this name, or the default one, if it has buckets.
    pub fn of(stores: &dyn Stores, name: Option<&StoreName>) -> Result<Self, CommandError> {
        let store = stores.store(name)?;
        if store.buckets().is_some() {
            return Ok(Self { store });
        }
        let has = |name: &StoreName| stores.store(Some(name)).is_ok_and(|store| store.buckets().is_some());
        let others: Vec<String> = stores.names().iter().filter(|name| has(name)).map(|name| format!("--store {name}")).collect();
        let instead = match others.as_slice() {
            [] => "no configured store has any".to_owned(),
            some => format!("say {}", some.join(" or ")),
        };
        Err(CommandError::Refused(format!("the store {} has no buckets that could be looked after from here; {instead}", store.name())))
    }

    pub fn name(&self) -> &StoreName {
        self.store.name()
    }

    pub fn buckets(&self) -> Result<&dyn Buckets, CommandError> {
        self.store.buckets().ok_or_else(|| CommandError::Refused(format!("the store {} has no buckets", self.store.name())))
    }

    /// A port's failure as a command's: a bucket that isn't there comes with the nearest one that is.
    pub async fn failed(&self, bucket: &str, error: PortError) -> CommandError {
        if error.kind != PortErrorKind::NotFound {
            return error.into();
        }
        let Some(buckets) = self.store.buckets() else { return error.into() };
        let Ok(all) = buckets.list().await else { return error.into() };
        if all.iter().any(|one| one.name == bucket) {
            // It is there: what is missing is something in it.
            return error.into();
        }
        let near = nearest(bucket, all.iter().map(|one| one.name.as_str())).map(str::to_owned);
        CommandError::NotFound { what: "bucket", name: line(bucket), nearest: near }
    }
}

/// Proposals for the arguments that all commands about one bucket have.
pub(crate) async fn complete(stores: &dyn Stores, argument: &str, typed: &str) -> Vec<Suggestion> {
    match argument {
        "store" => complete_store(stores, typed),
        "name" => {
            let Ok(keeper) = Keeper::of(stores, None) else { return Vec::new() };
            let Ok(buckets) = keeper.buckets() else { return Vec::new() };
            let Ok(all) = buckets.list().await else { return Vec::new() };
            suggest(typed, all.into_iter().map(|bucket| (bucket.name, bucket.region.unwrap_or_default())))
        }
        _ => Vec::new(),
    }
}

/// Something that may be hidden, in words.
pub(crate) fn told<T>(fact: &Fact<T>, word: impl FnOnce(&T) -> String) -> String {
    match fact {
        Fact::Known(value) => word(value),
        Fact::Denied => "can't be seen: the credential lacks the permission".to_owned(),
        Fact::Unsupported => "the service doesn't have it".to_owned(),
    }
}

/// Whether versions are kept, in words.
pub(crate) fn versions(state: Versioning) -> &'static str {
    match state {
        Versioning::On => "on: what is overwritten or deleted is kept",
        Versioning::Off => "off: nothing of before is kept",
        Versioning::Suspended => "suspended: nothing more is kept, and versions from before are still there",
    }
}

/// An encryption in words.
pub(crate) fn encrypted(encryption: &Encryption) -> String {
    match encryption {
        Encryption::None => "none".to_owned(),
        Encryption::Aes256 => "aes256 (AES-256 with keys that the service keeps)".to_owned(),
        Encryption::Kms { key, bucket_key } => {
            let key = key.as_ref().map_or_else(|| "the service's own key".to_owned(), |key| line(key));
            let shared = if *bucket_key { ", one data key for many files" } else { "" };
            format!("kms with {key}{shared}")
        }
        Encryption::Other(words) => line(words),
    }
}

/// A rule on one line.
pub(crate) fn rule(rule: &LifecycleRule) -> String {
    let off = if rule.enabled { "" } else { " (switched off)" };
    line(&format!("{}: {}{off}", rule.about(), rule.does().join(", ")))
}
