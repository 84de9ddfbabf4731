//! Sentences on a bucket's settings.

use super::{Subject, buckets, fresh, offered};
use crate::conformance::{Outcome, Verdict, done, ensure, refuses, same};
use bellhop_core::ports::{
    AccessPolicy, Buckets, Encryption, LifecycleFilter, LifecycleRule, NewFile, NoncurrentExpiry, Permission, Versioning, When,
};
use bellhop_core::{PortErrorKind, Timestamp};
use bytes::Bytes;
use std::collections::BTreeSet;

async fn write(subject: &Subject, name: &str, content: &'static str) -> Result<(), String> {
    let file = NewFile::new(name.to_owned(), "text/plain".to_owned(), Some(content.len() as u64));
    let bytes = crate::conformance::files::chunks(vec![Ok(Bytes::from_static(content.as_bytes()))]);
    subject.write(file, bytes).await.map(drop).map_err(|error| format!("writing {name:?} failed: {error}"))
}

pub(super) async fn versioning(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    let before = offered!(buckets.versioning(buckets.own()).await, "asking");
    ensure!(before != Versioning::Suspended, "a new bucket's versions are suspended");
    refuses!(buckets.versioning(&fresh()).await, PortErrorKind::NotFound, "asking about what was never there");
    Ok(Outcome::Held)
}

pub(super) async fn versions_stay(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    offered!(buckets.set_versioning(buckets.own(), true).await, "keeping versions");
    same!(done!(buckets.versioning(buckets.own()).await, "asking"), Versioning::On, "versions");
    ensure!(subject.versioned(), "the store doesn't know that it keeps versions now");
    write(subject, "f", "one").await?;
    write(subject, "f", "two!").await?;
    same!(done!(subject.versions("f").await, "listing versions").len(), 2, "versions");
    done!(buckets.set_versioning(buckets.own(), false).await, "keeping no more");
    same!(done!(buckets.versioning(buckets.own()).await, "asking"), Versioning::Suspended, "versions");
    ensure!(!subject.versioned(), "the store doesn't know that it keeps no more versions");
    let sizes: Vec<u64> = done!(subject.versions("f").await, "listing versions").iter().map(|version| version.size).collect();
    same!(sizes, [4, 3], "versions that were there before");
    Ok(Outcome::Held)
}

fn rule(id: &str, prefix: &str, days: u32) -> LifecycleRule {
    LifecycleRule {
        id: id.to_owned(),
        enabled: true,
        filter: LifecycleFilter { prefix: prefix.to_owned(), ..LifecycleFilter::default() },
        expire: Some(When::Days(days)),
        ..LifecycleRule::default()
    }
}

async fn ids(buckets: &dyn Buckets) -> Result<Vec<String>, String> {
    let rules = buckets.lifecycle(buckets.own()).await.map_err(|error| format!("listing rules failed: {error}"))?;
    Ok(rules.into_iter().map(|rule| rule.id).collect())
}

pub(super) async fn lifecycle(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    let rules = offered!(buckets.lifecycle(buckets.own()).await, "listing rules");
    same!(rules, Vec::<LifecycleRule>::new(), "rules of a new bucket");
    let full = LifecycleRule {
        expire_noncurrent: Some(NoncurrentExpiry { days: 90, keep: None }),
        abort_incomplete: Some(7),
        ..rule("everything", "logs/", 30)
    };
    offered!(buckets.add_lifecycle(buckets.own(), &full).await, "adding a rule");
    same!(done!(buckets.lifecycle(buckets.own()).await, "listing rules"), [full], "the rule as it was given");
    refuses!(buckets.lifecycle(&fresh()).await, PortErrorKind::NotFound, "asking about what was never there");
    Ok(Outcome::Held)
}

pub(super) async fn lifecycle_added(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    for id in ["a", "b", "c"] {
        offered!(buckets.add_lifecycle(buckets.own(), &rule(id, id, 5)).await, "adding a rule");
    }
    done!(buckets.add_lifecycle(buckets.own(), &rule("b", "other/", 9)).await, "setting a rule anew");
    let rules = done!(buckets.lifecycle(buckets.own()).await, "listing rules");
    same!(rules, [rule("a", "a", 5), rule("b", "other/", 9), rule("c", "c", 5)], "the rules");
    Ok(Outcome::Held)
}

pub(super) async fn lifecycle_kept(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    // What others made differs from service to service, and is tried by the adapter's own tests.
    let off = LifecycleRule { enabled: false, ..rule("switched off", "x/", 3) };
    offered!(buckets.add_lifecycle(buckets.own(), &off).await, "adding a rule");
    done!(buckets.add_lifecycle(buckets.own(), &rule("more", "", 1)).await, "adding another");
    same!(done!(buckets.lifecycle(buckets.own()).await, "listing rules").first(), Some(&off), "the first rule");
    Ok(Outcome::Held)
}

pub(super) async fn lifecycle_raced(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    offered!(buckets.add_lifecycle(buckets.own(), &rule("first", "", 1)).await, "adding a rule");
    let (one, two) = (rule("one", "1/", 1), rule("two", "2/", 2));
    let (one, two) = futures::join!(buckets.add_lifecycle(buckets.own(), &one), buckets.add_lifecycle(buckets.own(), &two));
    let mut expected = vec!["first"];
    for (id, result) in [("one", one), ("two", two)] {
        match result {
            Ok(()) => expected.push(id),
            Err(error) if error.kind == PortErrorKind::Conflict => {}
            Err(error) => return Err(format!("adding {id:?} beside another failed: {error}")),
        }
    }
    let mut there = ids(buckets).await?;
    there.sort();
    // A rule that was refused may be there all the same; one that was accepted has to be, unless the service gives no
    // means to see the other writer.
    ensure!(there.contains(&"first".to_owned()), "the rule from before is gone: {there:?}");
    ensure!(there.len() >= 2, "of two new rules none is there: {there:?}");
    Ok(Outcome::Held)
}

pub(super) async fn lifecycle_cleared(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    for id in ["a", "b", "c"] {
        offered!(buckets.add_lifecycle(buckets.own(), &rule(id, id, 5)).await, "adding a rule");
    }
    done!(buckets.clear_lifecycle(buckets.own(), Some("b")).await, "removing one");
    same!(ids(buckets).await?, ["a", "c"], "rules after one was removed");
    done!(buckets.clear_lifecycle(buckets.own(), Some("a")).await, "removing another");
    done!(buckets.clear_lifecycle(buckets.own(), Some("c")).await, "removing the last");
    same!(ids(buckets).await?, Vec::<String>::new(), "rules after the last was removed");
    done!(buckets.add_lifecycle(buckets.own(), &rule("d", "", 5)).await, "adding a rule");
    done!(buckets.clear_lifecycle(buckets.own(), None).await, "removing all");
    same!(ids(buckets).await?, Vec::<String>::new(), "rules after all were removed");
    Ok(Outcome::Held)
}

pub(super) async fn lifecycle_missing(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    offered!(buckets.add_lifecycle(buckets.own(), &rule("a", "", 5)).await, "adding a rule");
    refuses!(buckets.clear_lifecycle(buckets.own(), Some("b")).await, PortErrorKind::NotFound, "removing what is not there");
    same!(ids(buckets).await?, ["a"], "rules after the refusal");
    Ok(Outcome::Held)
}

pub(super) async fn encryption(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    offered!(buckets.encryption(buckets.own()).await, "asking");
    refuses!(buckets.encryption(&fresh()).await, PortErrorKind::NotFound, "asking about what was never there");
    Ok(Outcome::Held)
}

pub(super) async fn encryption_set(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    write(subject, "before", "as it was").await?;
    let kms = |bucket_key| Encryption::Kms { key: Some("arn:aws:kms:us-east-1:123456789012:key/1234abcd".to_owned()), bucket_key };
    let mut held = false;
    for wanted in [kms(true), kms(false), Encryption::Kms { key: None, bucket_key: true }, Encryption::Aes256] {
        match buckets.set_encryption(buckets.own(), &wanted).await {
            Err(error) if error.kind == PortErrorKind::Unsupported => continue,
            other => done!(other, "setting {wanted:?}"),
        }
        held = true;
        same!(done!(buckets.encryption(buckets.own()).await, "asking"), wanted, "the encryption");
    }
    if !held {
        return Ok(Outcome::NotOffered("nothing can be set"));
    }
    let info = done!(subject.head("before", None).await, "asking about a file from before");
    same!(info.size, 9, "the size of a file from before");
    Ok(Outcome::Held)
}

fn policy(id: &str, letters: &str, days: i64) -> AccessPolicy {
    let expires = Timestamp::from_timestamp(1_800_000_000 + days * 86_400, 0);
    AccessPolicy { id: id.to_owned(), permissions: Permission::read(letters).unwrap_or_default(), starts: None, expires }
}

pub(super) async fn access(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    let all = offered!(buckets.access(buckets.own()).await, "listing policies");
    same!(all, Vec::<AccessPolicy>::new(), "policies of a new bucket");
    for id in ["b", "a"] {
        done!(buckets.create_access(buckets.own(), &policy(id, "rl", 7)).await, "adding a policy");
    }
    let all = done!(buckets.access(buckets.own()).await, "listing policies");
    same!(all, [policy("a", "rl", 7), policy("b", "rl", 7)], "policies, by id");
    Ok(Outcome::Held)
}

pub(super) async fn access_added(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    offered!(buckets.create_access(buckets.own(), &policy("a", "r", 1)).await, "adding a policy");
    done!(buckets.create_access(buckets.own(), &policy("b", "rwl", 2)).await, "adding another");
    same!(done!(buckets.access(buckets.own()).await, "listing").len(), 2, "policies");
    Ok(Outcome::Held)
}

pub(super) async fn access_full(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    offered!(buckets.create_access(buckets.own(), &policy("p0", "r", 1)).await, "adding a policy");
    refuses!(buckets.create_access(buckets.own(), &policy("p0", "r", 1)).await, PortErrorKind::Conflict, "adding it twice");
    for number in 1..100 {
        match buckets.create_access(buckets.own(), &policy(&format!("p{number}"), "r", 1)).await {
            Ok(()) => {}
            Err(error) if error.kind == PortErrorKind::Full => {
                let all: BTreeSet<String> = done!(buckets.access(buckets.own()).await, "listing").into_iter().map(|one| one.id).collect();
                same!(all.len(), number, "policies after the refusal");
                return Ok(Outcome::Held);
            }
            Err(error) => return Err(format!("adding policy {number} failed: {error}")),
        }
    }
    Ok(Outcome::NotOffered("a hundred policies fit"))
}

pub(super) async fn access_changed(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    for id in ["a", "b"] {
        offered!(buckets.create_access(buckets.own(), &policy(id, "r", 1)).await, "adding a policy");
    }
    done!(buckets.change_access(buckets.own(), &policy("a", "rw", 3)).await, "changing one");
    let all = done!(buckets.access(buckets.own()).await, "listing");
    same!(all, [policy("a", "rw", 3), policy("b", "r", 1)], "policies");
    Ok(Outcome::Held)
}

pub(super) async fn access_missing(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    offered!(buckets.access(buckets.own()).await, "listing policies");
    refuses!(buckets.change_access(buckets.own(), &policy("none", "r", 1)).await, PortErrorKind::NotFound, "changing what is not there");
    Ok(Outcome::Held)
}

pub(super) async fn access_revoked(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    for id in ["a", "b"] {
        offered!(buckets.create_access(buckets.own(), &policy(id, "r", 1)).await, "adding a policy");
    }
    done!(buckets.revoke_access(buckets.own(), "a").await, "revoking one");
    same!(done!(buckets.access(buckets.own()).await, "listing"), [policy("b", "r", 1)], "policies");
    Ok(Outcome::Held)
}

pub(super) async fn access_revoked_missing(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    offered!(buckets.access(buckets.own()).await, "listing policies");
    refuses!(buckets.revoke_access(buckets.own(), "none").await, PortErrorKind::NotFound, "revoking what is not there");
    Ok(Outcome::Held)
}
