//! The administration of a storage service's buckets: what holds files side by side and has settings of its own. A bucket is
//! what the service calls so, or a container, or the root of a folder. Files themselves are in [`super::FileStore`].
//!
//! The types say what people decide about (how long, from where, for whom) in no vendor's words. What a vendor has beside is
//! kept where it is, and described in words.

use super::{LifecycleRule, PortResult};
use crate::clock::Timestamp;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// A bucket as a listing has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// When it was made, where the service says.
    pub created: Option<Timestamp>,
    /// The region it is in, in the service's spelling, where the listing says.
    pub region: Option<String>,
}

/// Something that may be hidden from us, or that the service doesn't have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fact<T> {
    /// It is so.
    Known(T),
    /// The credential may not ask.
    Denied,
    /// The service has no such thing.
    Unsupported,
}

impl<T> Fact<T> {
    /// What is known.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Denied | Self::Unsupported => None,
        }
    }
}

/// Whether what is overwritten or deleted in a bucket is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Versioning {
    /// It never was.
    Off,
    /// It is.
    On,
    /// It was, and older versions are still there; what is overwritten now is lost.
    Suspended,
}

/// How new files are encrypted unless a writer says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// Not at all.
    None,
    /// AES-256 with keys that the service keeps.
    Aes256,
    /// With a key of a key service.
    Kms {
        /// The key, as the service spells it, or the service's own key for this account.
        key: Option<String>,
        /// Whether one data key of the bucket serves many files, which spares requests to the key service.
        bucket_key: bool,
    },
    /// Something else, in words.
    Other(String),
}

/// How far strangers reach into a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublicLevel {
    /// Not at all.
    Closed,
    /// They read files whose names they know.
    Read,
    /// They list and read.
    List,
    /// They write.
    Write,
}

/// What strangers may do in a bucket, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccess {
    /// How far they reach; `None` where the settings that could be seen don't decide it.
    pub level: Option<PublicLevel>,
    /// The settings that make it so, each a sentence without a full stop.
    pub because: Vec<String>,
}

/// What is known about a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketInfo {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Fact<Timestamp>,
    /// The region it is in.
    pub region: Fact<String>,
    /// Whether versions are kept.
    pub versioning: Fact<Versioning>,
    /// How new files are encrypted.
    pub encryption: Fact<Encryption>,
    /// What strangers may do.
    pub public: Fact<PublicAccess>,
    /// What its policy says, a sentence without a full stop for each statement; empty where it has none.
    pub policy: Fact<Vec<String>>,
    /// Its lifecycle rules.
    pub lifecycle: Fact<Vec<LifecycleRule>>,
}

/// One thing that a policy allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each says itself what it allows; `word` has the words")]
pub enum Permission {
    // In the order in which services want them written.
    Read,
    Add,
    Create,
    Write,
    Delete,
    DeleteVersion,
    DeleteForGood,
    List,
    Tags,
    Find,
    Move,
    Execute,
    Immutability,
}

impl Permission {
    /// All of them with their letters, in order.
    pub const ALL: [(Self, char, &'static str); 13] = [
        (Self::Read, 'r', "read"),
        (Self::Add, 'a', "add"),
        (Self::Create, 'c', "create"),
        (Self::Write, 'w', "write"),
        (Self::Delete, 'd', "delete"),
        (Self::DeleteVersion, 'x', "delete versions"),
        (Self::DeleteForGood, 'y', "delete for good"),
        (Self::List, 'l', "list"),
        (Self::Tags, 't', "tag"),
        (Self::Find, 'f', "find by tags"),
        (Self::Move, 'm', "move"),
        (Self::Execute, 'e', "execute"),
        (Self::Immutability, 'i', "lock"),
    ];

    /// Its letter.
    #[must_use]
    pub fn letter(self) -> char {
        Self::ALL.iter().find(|(one, ..)| *one == self).map_or('r', |(_, letter, _)| *letter)
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(one, ..)| *one == self).map_or("read", |(.., word)| word)
    }

    /// Those of these letters, in any order: `rl`.
    ///
    /// # Errors
    /// The letter that means nothing, and those that mean something.
    pub fn read(letters: &str) -> Result<BTreeSet<Self>, String> {
        let mut permissions = BTreeSet::new();
        for letter in letters.chars() {
            let found = Self::ALL.iter().find(|(_, known, _)| *known == letter.to_ascii_lowercase());
            let Some((permission, ..)) = found else {
                let known: Vec<String> = Self::ALL.iter().map(|(_, letter, word)| format!("{letter} ({word})")).collect();
                return Err(format!("`{letter}` is no permission; they are {}", known.join(", ")));
            };
            permissions.insert(*permission);
        }
        if permissions.is_empty() {
            return Err("no permission is given; write letters such as rl (read and list)".to_owned());
        }
        Ok(permissions)
    }

    /// Their letters in order.
    #[must_use]
    pub fn letters(permissions: &BTreeSet<Self>) -> String {
        permissions.iter().map(|permission| permission.letter()).collect()
    }
}

/// A policy that is kept with the bucket, to which links can be bound: changing or revoking it changes or ends them all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessPolicy {
    /// Its id, unique in its bucket.
    pub id: String,
    /// What it allows.
    pub permissions: BTreeSet<Permission>,
    /// From when.
    pub starts: Option<Timestamp>,
    /// Until when.
    pub expires: Option<Timestamp>,
}

/// The buckets that one credential reaches.
///
/// What a service doesn't have is refused as `Unsupported`, with what to do in its place; what the credential may not do as
/// `Denied`, naming the permission. Names are checked by the service's own rules: `Invalid` says which one is broken.
#[async_trait]
pub trait Buckets: Send + Sync {
    /// The bucket that the file store itself is in.
    fn own(&self) -> &str;

    /// How long a change of access policies takes at most until it holds everywhere, where the service says so.
    fn settles(&self) -> Option<Duration> {
        None
    }

    /// All buckets, by name.
    async fn list(&self) -> PortResult<Vec<Bucket>>;

    /// Makes an empty bucket, closed to strangers. `Conflict` when there is one of that name, `Invalid` for a name that can't be one.
    async fn create(&self, name: &str) -> PortResult<Bucket>;

    /// Deletes an empty bucket. `Conflict` when it isn't empty, saying what is in it; `NotFound` when there is none.
    async fn delete(&self, name: &str) -> PortResult<()>;

    /// What is known about a bucket. `NotFound` when there is none; a setting that may not be seen is `Denied` in it.
    async fn info(&self, name: &str) -> PortResult<BucketInfo>;

    /// Whether versions are kept.
    async fn versioning(&self, name: &str) -> PortResult<Versioning>;

    /// What else changes with whether versions are kept, a sentence without a full stop; `None` where it stays within the bucket.
    fn reach(&self) -> Option<String> {
        None
    }

    /// Keeps versions from now on, or no longer; those that are there stay.
    async fn set_versioning(&self, name: &str, on: bool) -> PortResult<()>;

    /// The lifecycle rules, in the service's order.
    async fn lifecycle(&self, name: &str) -> PortResult<Vec<LifecycleRule>>;

    /// Adds a rule, in place of the one with its id where there is one. Every other rule stays as it is, also what of it
    /// can't be told in the words of [`LifecycleRule`]. `Conflict` when the rules were changed meanwhile, where that can be seen.
    async fn add_lifecycle(&self, name: &str, rule: &LifecycleRule) -> PortResult<()>;

    /// Removes one rule, or all of them. `NotFound` when there is no rule with that id.
    async fn clear_lifecycle(&self, name: &str, id: Option<&str>) -> PortResult<()>;

    /// How new files are encrypted.
    async fn encryption(&self, name: &str) -> PortResult<Encryption>;

    /// Sets how new files are encrypted; those that are there stay as they are.
    async fn set_encryption(&self, name: &str, encryption: &Encryption) -> PortResult<()>;

    /// What strangers may do.
    async fn public_access(&self, name: &str) -> PortResult<PublicAccess>;

    /// The access policies, by id.
    async fn access(&self, name: &str) -> PortResult<Vec<AccessPolicy>>;

    /// Adds an access policy and keeps the others. `Conflict` when there is one with its id, `Full` when the bucket can have no more.
    async fn create_access(&self, name: &str, policy: &AccessPolicy) -> PortResult<()>;

    /// Changes the access policy with this id and keeps the others. `NotFound` when there is none.
    async fn change_access(&self, name: &str, policy: &AccessPolicy) -> PortResult<()>;

    /// Removes an access policy: links bound to it stop working. `NotFound` when there is none with this id.
    async fn revoke_access(&self, name: &str, id: &str) -> PortResult<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_letters_in_order() {
        let some = Permission::read("LrW").unwrap();
        assert_eq!(Permission::letters(&some), "rwl");
        assert!(Permission::read("rq").unwrap_err().contains("`q` is no permission"));
        assert!(Permission::read("").is_err());
        let all: BTreeSet<Permission> = Permission::ALL.iter().map(|(one, ..)| *one).collect();
        assert_eq!(Permission::letters(&all), "racwdxyltfmei");
    }
}
