//! Which files and versions lifecycle rules are about, and when. Pure: what becomes of them is done by `tidy`.

use crate::record::Record;
use bellhop_core::Timestamp;
use bellhop_core::ports::{LifecycleFilter, LifecycleRule, When};
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// How many rules a bucket can have, as with S3.
pub(crate) const MOST: usize = 1000;

/// What a folder can't do, or what makes no sense; said so that it can be put right.
pub(crate) enum Refused {
    Invalid(String),
    Unsupported(String),
}

/// Checks a rule before it is kept.
pub(crate) fn checked(rule: &LifecycleRule) -> Result<(), Refused> {
    let invalid = |why: &str| Err(Refused::Invalid(why.to_owned()));
    if !rule.transitions.is_empty() {
        let why =
            "a folder has no cheaper classes of storage that files could be moved to; let them expire, or copy them to a store that has";
        return Err(Refused::Unsupported(why.to_owned()));
    }
    if let Some(other) = rule.other.first() {
        return Err(Refused::Unsupported(format!("a folder knows no rule that does this: {other}")));
    }
    if rule.id.is_empty() || rule.id.chars().count() > 255 || rule.id.chars().any(char::is_control) {
        return invalid("a rule's id has 1 to 255 characters");
    }
    if rule.expire.is_none() && rule.expire_noncurrent.is_none() && rule.abort_incomplete.is_none() && !rule.expire_markers {
        return invalid("the rule does nothing; say what expires, and when");
    }
    let days = [
        rule.expire.and_then(|when| if let When::Days(days) = when { Some(days) } else { None }),
        rule.expire_noncurrent.map(|expiry| expiry.days),
        rule.abort_incomplete,
    ];
    if days.contains(&Some(0)) {
        return invalid("a number of days is at least 1");
    }
    if let (Some(larger), Some(smaller)) = (rule.filter.larger_than, rule.filter.smaller_than)
        && smaller <= larger.saturating_add(1)
    {
        return invalid("no file is larger than the one size and smaller than the other");
    }
    let by_more = !rule.filter.tags.is_empty() || rule.filter.larger_than.is_some() || rule.filter.smaller_than.is_some();
    if by_more && (rule.abort_incomplete.is_some() || rule.expire_markers) {
        return invalid("unfinished uploads and marks of deletions have neither tags nor a size; give them a rule with a prefix only");
    }
    Ok(())
}

/// Whether a filter is about such a file.
pub(crate) fn fits(filter: &LifecycleFilter, name: &str, size: u64, tags: &BTreeMap<String, String>) -> bool {
    name.starts_with(&filter.prefix)
        && filter.tags.iter().all(|(tag, value)| tags.get(tag) == Some(value))
        && filter.larger_than.is_none_or(|bytes| size > bytes)
        && filter.smaller_than.is_none_or(|bytes| size < bytes)
}

/// Whether so many days have passed since then.
pub(crate) fn passed(days: u32, since: Timestamp, now: Timestamp) -> bool {
    now.signed_duration_since(since) >= TimeDelta::days(i64::from(days))
}

/// Whether a rule lets what was written then expire now.
pub(crate) fn due(when: When, written: Timestamp, now: Timestamp) -> bool {
    match when {
        When::Days(days) => passed(days, written, now),
        When::On(at) => now >= at,
    }
}

/// Whether a file expires now.
pub(crate) fn expires(
    rules: &[LifecycleRule],
    (name, size, tags): (&str, u64, &BTreeMap<String, String>),
    written: Timestamp,
    now: Timestamp,
) -> bool {
    let acting = rules.iter().filter(|rule| rule.enabled && fits(&rule.filter, name, size, tags));
    acting.filter_map(|rule| rule.expire).any(|when| due(when, written, now))
}

/// The versions of a name that go now, of its records from the newest on. `current` is the number of the one that the name
/// gives; `there` says whether it gives anything.
pub(crate) fn ended<'a>(
    rules: &[LifecycleRule],
    records: &'a [Record],
    (current, there): (Option<u64>, bool),
    now: Timestamp,
) -> Vec<&'a Record> {
    let mut ended = Vec::new();
    let mut newer = 0_u32;
    // Nothing has taken the place of the newest one: it is current, or lost its file by hand and can be restored.
    for (record, next) in records.iter().skip(1).zip(records) {
        if current == Some(record.number) {
            continue;
        }
        let goes = rules.iter().filter(|rule| rule.enabled && fits(&rule.filter, &record.name, record.size, &record.tags)).any(|rule| {
            rule.expire_noncurrent
                .is_some_and(|expiry| passed(expiry.days, next.modified, now) && (record.deletion || newer >= expiry.keep.unwrap_or(0)))
        });
        if !record.deletion {
            newer += 1;
        }
        if goes {
            ended.push(record);
        }
    }
    if let Some(mark) = records.first().filter(|record| record.deletion && !there)
        && ended.len() + 1 == records.len()
        && rules.iter().any(|rule| rule.enabled && rule.expire_markers && mark.name.starts_with(&rule.filter.prefix))
    {
        ended.push(mark);
    }
    ended
}

/// Whether an unfinished upload is given up now.
pub(crate) fn given_up(rules: &[LifecycleRule], name: &str, begun: Timestamp, now: Timestamp) -> bool {
    let about = rules.iter().filter(|rule| rule.enabled && name.starts_with(&rule.filter.prefix));
    about.filter_map(|rule| rule.abort_incomplete).any(|days| passed(days, begun, now))
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
