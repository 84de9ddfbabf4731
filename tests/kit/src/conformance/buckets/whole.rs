//! Sentences on buckets as a whole.

use super::{Subject, buckets, fresh, offered};
use crate::conformance::{Outcome, Verdict, done, ensure, refuses, same};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{Fact, NewFile, PublicLevel};
use bytes::Bytes;

async fn write(subject: &Subject, name: &str) -> Result<(), String> {
    let file = NewFile::new(name.to_owned(), "text/plain".to_owned(), Some(1));
    let bytes = crate::conformance::files::chunks(vec![Ok(Bytes::from_static(b"x"))]);
    subject.write(file, bytes).await.map(drop).map_err(|error| format!("writing {name:?} failed: {error}"))
}

pub(super) async fn own(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    let all = offered!(buckets.list().await, "listing");
    ensure!(all.iter().any(|bucket| bucket.name == buckets.own()), "its own bucket {:?} is not among {all:?}", buckets.own());
    Ok(Outcome::Held)
}

pub(super) async fn listed(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    let (a, b) = (fresh(), fresh());
    for name in [&b, &a] {
        offered!(buckets.create(name).await, "making {name:?}");
    }
    let all = done!(buckets.list().await, "listing");
    ensure!(all.is_sorted_by(|one, next| one.name < next.name), "they are not by name: {all:?}");
    let names: Vec<&str> = all.iter().map(|bucket| bucket.name.as_str()).collect();
    ensure!(names.contains(&a.as_str()) && names.contains(&b.as_str()), "those that were made are not in {names:?}");
    for name in [&a, &b] {
        done!(buckets.delete(name).await, "deleting {name:?}");
    }
    Ok(Outcome::Held)
}

pub(super) async fn created(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    let name = fresh();
    let made = offered!(buckets.create(&name).await, "making a bucket");
    same!(made.name, name, "its name");
    let info = done!(buckets.info(&name).await, "asking about it");
    same!(info.name, name, "its name");
    if let Ok(public) = buckets.public_access(&name).await {
        ensure!(matches!(public.level, Some(PublicLevel::Closed) | None), "a new bucket is open: {public:?}");
    }
    done!(buckets.delete(&name).await, "deleting it");
    Ok(Outcome::Held)
}

pub(super) async fn not_created(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    let name = fresh();
    offered!(buckets.create(&name).await, "making a bucket");
    refuses!(buckets.create(&name).await, PortErrorKind::Conflict, "making it twice");
    done!(buckets.delete(&name).await, "deleting it");
    let long = "n".repeat(300);
    for bad in ["", "UPPER CASE", "a/b", "..", "-x-", "ü", long.as_str()] {
        refuses!(buckets.create(bad).await, PortErrorKind::Invalid, "making {bad:?}");
    }
    Ok(Outcome::Held)
}

pub(super) async fn deleted(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    let name = fresh();
    offered!(buckets.create(&name).await, "making a bucket");
    done!(buckets.delete(&name).await, "deleting it");
    let all = done!(buckets.list().await, "listing");
    ensure!(all.iter().all(|bucket| bucket.name != name), "it is still listed");
    Ok(Outcome::Held)
}

pub(super) async fn not_deleted(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    offered!(buckets.list().await, "listing");
    write(subject, "dir/kept.txt").await?;
    let error = refuses!(buckets.delete(buckets.own()).await, PortErrorKind::Conflict, "deleting a bucket with a file in it");
    ensure!(error.message.contains("1 file"), "it doesn't say what is in the bucket: {error}");
    let still = done!(subject.list("", None, 9).await, "listing files").files;
    same!(still.len(), 1, "files after the refusal");
    refuses!(buckets.delete(&fresh()).await, PortErrorKind::NotFound, "deleting what was never there");
    Ok(Outcome::Held)
}

pub(super) async fn known(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    let info = offered!(buckets.info(buckets.own()).await, "asking");
    same!(info.name, buckets.own(), "its name");
    if let Fact::Known(versioning) = info.versioning {
        same!(versioning, done!(buckets.versioning(buckets.own()).await, "asking for versions"), "versioning");
    }
    if let Fact::Known(encryption) = &info.encryption {
        same!(encryption, &done!(buckets.encryption(buckets.own()).await, "asking for the encryption"), "encryption");
    }
    if let Fact::Known(rules) = &info.lifecycle {
        same!(rules, &done!(buckets.lifecycle(buckets.own()).await, "asking for rules"), "rules");
    }
    if let Fact::Known(public) = &info.public {
        same!(public, &done!(buckets.public_access(buckets.own()).await, "asking for public access"), "public access");
    }
    Ok(Outcome::Held)
}

pub(super) async fn unknown(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    offered!(buckets.info(buckets.own()).await, "asking");
    refuses!(buckets.info(&fresh()).await, PortErrorKind::NotFound, "asking about what was never there");
    Ok(Outcome::Held)
}

pub(super) async fn closed(subject: &Subject) -> Verdict {
    let buckets = buckets(subject)?;
    let public = offered!(buckets.public_access(buckets.own()).await, "asking");
    same!(public.level, Some(PublicLevel::Closed), "a new bucket");
    ensure!(!public.because.is_empty(), "it doesn't say why");
    refuses!(buckets.public_access(&fresh()).await, PortErrorKind::NotFound, "asking about what was never there");
    Ok(Outcome::Held)
}
