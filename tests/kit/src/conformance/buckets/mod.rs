//! The suite of [`Buckets`]: what a service doesn't have it refuses as `Unsupported`, and the sentence is not offered. A
//! subject is a store whose own bucket is there and empty; other buckets are made as they are needed and removed again.

mod settings;
mod whole;

use super::{Case, Report, cases, run};
use bellhop_core::ports::{Buckets, FileStore};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A store under judgement.
pub type Subject = Arc<dyn FileStore>;

/// Tries every sentence on stores that `subject` makes.
///
/// # Panics
/// With the report, when a sentence is broken.
pub async fn suite<F: Future<Output = Subject>>(subject: impl FnMut() -> F) {
    report(subject).await.assert();
}

/// The same, and returns the report.
pub async fn report<F: Future<Output = Subject>>(subject: impl FnMut() -> F) -> Report {
    run("Buckets", &list(), subject).await
}

pub(crate) fn list() -> Vec<Case<Subject>> {
    cases! {
        "The bucket that the file store itself is in." => whole::own,
        "All buckets, by name." => whole::listed,
        "Makes an empty bucket, closed to strangers." => whole::created,
        "`Conflict` when there is one of that name, `Invalid` for a name that can't be one." => whole::not_created,
        "Deletes an empty bucket." => whole::deleted,
        "`Conflict` when it isn't empty, saying what is in it; `NotFound` when there is none." => whole::not_deleted,
        "What is known about a bucket." => whole::known,
        "`NotFound` when there is none; a setting that may not be seen is `Denied` in it." => whole::unknown,
        "Whether versions are kept." => settings::versioning,
        "Keeps versions from now on, or no longer; those that are there stay." => settings::versions_stay,
        "The lifecycle rules, in the service's order." => settings::lifecycle,
        "Adds a rule, in place of the one with its id where there is one." => settings::lifecycle_added,
        "Every other rule stays as it is, also what of it can't be told in the words of [`LifecycleRule`]." => settings::lifecycle_kept,
        "`Conflict` when the rules were changed meanwhile, where that can be seen." => settings::lifecycle_raced,
        "Removes one rule, or all of them." => settings::lifecycle_cleared,
        "`NotFound` when there is no rule with that id." => settings::lifecycle_missing,
        "How new files are encrypted." => settings::encryption,
        "Sets how new files are encrypted; those that are there stay as they are." => settings::encryption_set,
        "What strangers may do." => whole::closed,
        "The access policies, by id." => settings::access,
        "Adds an access policy and keeps the others." => settings::access_added,
        "`Conflict` when there is one with its id, `Full` when the bucket can have no more." => settings::access_full,
        "Changes the access policy with this id and keeps the others." => settings::access_changed,
        "`NotFound` when there is none." => settings::access_missing,
        "Removes an access policy: links bound to it stop working." => settings::access_revoked,
        "`NotFound` when there is none with this id." => settings::access_revoked_missing,
    }
}

static MADE: AtomicU32 = AtomicU32::new(0);

/// The administration of a subject.
fn buckets(subject: &Subject) -> Result<&dyn Buckets, String> {
    subject.buckets().ok_or_else(|| "the store says that it has no buckets, and was given to their suite".to_owned())
}

/// A name that no bucket has.
fn fresh() -> String {
    format!("suite-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::SeqCst))
}

/// Ends the case as not offered where the service doesn't have what it is about.
macro_rules! offered {
    ($result:expr, $($what:tt)+) => {
        match $result {
            Ok(value) => value,
            Err(error) if error.kind == bellhop_core::PortErrorKind::Unsupported => {
                return Ok($crate::conformance::Outcome::NotOffered("the service has no such thing"));
            }
            Err(error) => return Err(format!("{} failed: {error}", format_args!($($what)+))),
        }
    };
}
pub(crate) use offered;
