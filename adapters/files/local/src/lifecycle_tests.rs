//! Which files and versions rules are about, as tables.

use super::*;
use crate::folder::Stamp;
use bellhop_core::ports::{NoncurrentExpiry, Transition};
use proptest::prelude::*;

fn day(number: i64) -> Timestamp {
    Timestamp::from_timestamp(1_790_000_000 + number * 86_400, 0).unwrap()
}

fn rule(prefix: &str) -> LifecycleRule {
    let filter = LifecycleFilter { prefix: prefix.to_owned(), ..LifecycleFilter::default() };
    LifecycleRule { id: "r".to_owned(), enabled: true, filter, ..LifecycleRule::default() }
}

/// Versions with these contents, newest first; `None` is a deletion. The newest was written on the last day.
fn records(sizes: &[Option<u64>]) -> Vec<Record> {
    let count = sizes.len() as u64;
    let record = |(at, size): (usize, &Option<u64>)| {
        let number = count - at as u64;
        let mut record = Record::deletion("dir/a", day(i64::try_from(number).unwrap()));
        record.number = number;
        if let Some(size) = size {
            (record.deletion, record.size, record.stamp) = (false, *size, Stamp { size: *size, changed: 0 });
        }
        record
    };
    sizes.iter().enumerate().map(record).collect()
}

fn numbers(ended: &[&Record]) -> Vec<u64> {
    ended.iter().map(|record| record.number).collect()
}

#[test]
fn filters_hold_together() {
    let tags = BTreeMap::from([("keep".to_owned(), "no".to_owned()), ("a".to_owned(), String::new())]);
    let filter = LifecycleFilter {
        prefix: "logs/".to_owned(),
        tags: BTreeMap::from([("keep".to_owned(), "no".to_owned())]),
        larger_than: Some(10),
        smaller_than: Some(20),
    };
    assert!(fits(&filter, "logs/a", 11, &tags));
    for (name, size, tags) in [("log", 11, &tags), ("logs/a", 10, &tags), ("logs/a", 20, &tags), ("logs/a", 11, &BTreeMap::new())] {
        assert!(!fits(&filter, name, size, tags), "{name} {size} {tags:?}");
    }
}

#[test]
fn files_expire_on_the_day_and_not_before() {
    let none = BTreeMap::new();
    let file = ("dir/a", 5, &none);
    let after = LifecycleRule { expire: Some(When::Days(3)), ..rule("dir/") };
    let on = LifecycleRule { expire: Some(When::On(day(7))), ..rule("") };
    let second = chrono::TimeDelta::seconds(1);
    for (rules, written, now, expected) in [
        (vec![after.clone()], day(1), day(4) - second, false),
        (vec![after.clone()], day(1), day(4), true),
        (vec![LifecycleRule { enabled: false, ..after.clone() }], day(1), day(9), false),
        (vec![LifecycleRule { filter: rule("other/").filter, ..after.clone() }], day(1), day(9), false),
        (vec![on.clone()], day(6), day(7) - second, false),
        (vec![on.clone()], day(6), day(7), true),
        (vec![on], day(8), day(8), true),
        (vec![rule("")], day(1), day(999), false),
        // The clock was set back since: nothing is older than it is.
        (vec![after], day(9), day(1), false),
    ] {
        assert_eq!(expires(&rules, file, written, now), expected, "{rules:?} written {written} at {now}");
    }
}

#[test]
fn versions_end_so_many_days_after_they_were_replaced() {
    let all = records(&[Some(4), Some(3), None, Some(2), Some(1)]);
    let now = Some(5);
    let expiry = |days, keep| vec![LifecycleRule { expire_noncurrent: Some(NoncurrentExpiry { days, keep }), ..rule("dir/") }];
    for (rules, today, expected) in [
        (expiry(1, None), day(5), vec![3, 2, 1]),
        (expiry(1, None), day(6), vec![4, 3, 2, 1]),
        (expiry(3, None), day(6), vec![2, 1]),
        (expiry(1, Some(1)), day(9), vec![3, 2, 1]),
        (expiry(1, Some(2)), day(9), vec![3, 1]),
        (expiry(1, Some(9)), day(9), vec![3]),
        (expiry(100, None), day(9), vec![]),
        (vec![rule("")], day(99), vec![]),
    ] {
        assert_eq!(numbers(&ended(&rules, &all, (now, true), today)), expected, "{rules:?} on {today}");
    }
    // The newest one whose file was removed by hand stays: it can be restored.
    assert_eq!(numbers(&ended(&expiry(1, None), &all, (None, false), day(99))), [4, 3, 2, 1]);
    // One that was put back by hand is what the name gives.
    assert_eq!(numbers(&ended(&expiry(1, None), &all, (Some(2), true), day(99))), [4, 3, 1]);
    let large =
        LifecycleRule { filter: LifecycleFilter { larger_than: Some(2), ..LifecycleFilter::default() }, ..expiry(1, None).remove(0) };
    assert_eq!(numbers(&ended(&[large], &all, (now, true), day(99))), [4]);
}

#[test]
fn marks_go_when_nothing_is_behind_them() {
    let rules = [LifecycleRule { expire_markers: true, expire_noncurrent: Some(NoncurrentExpiry { days: 2, keep: None }), ..rule("dir/") }];
    let all = records(&[None, Some(1)]);
    assert_eq!(numbers(&ended(&rules, &all, (None, false), day(3))), Vec::<u64>::new());
    assert_eq!(numbers(&ended(&rules, &all, (None, false), day(4))), [1, 2]);
    assert_eq!(numbers(&ended(&rules, &all[..1], (None, false), day(2))), [2]);
    // A file was put there by hand since.
    assert_eq!(numbers(&ended(&rules, &all[..1], (None, true), day(2))), Vec::<u64>::new());
    let others = [LifecycleRule { expire_markers: true, ..rule("other/") }];
    assert_eq!(numbers(&ended(&others, &all[..1], (None, false), day(2))), Vec::<u64>::new());
}

#[test]
fn rules_that_a_folder_cant_follow_are_refused() {
    let expire = |rule: LifecycleRule| LifecycleRule { expire: Some(When::Days(1)), ..rule };
    assert!(checked(&expire(rule(""))).is_ok());
    let cold = LifecycleRule { transitions: vec![Transition { when: When::Days(1), class: "COLD".to_owned() }], ..expire(rule("")) };
    assert!(matches!(checked(&cold), Err(Refused::Unsupported(why)) if why.contains("classes of storage")));
    let other = LifecycleRule { other: vec!["sings".to_owned()], ..expire(rule("")) };
    assert!(matches!(checked(&other), Err(Refused::Unsupported(why)) if why.contains("sings")));
    let sized = LifecycleFilter { larger_than: Some(5), smaller_than: Some(6), ..LifecycleFilter::default() };
    let tagged = LifecycleFilter { tags: BTreeMap::from([("a".to_owned(), "b".to_owned())]), ..LifecycleFilter::default() };
    for bad in [
        rule(""),
        LifecycleRule { id: String::new(), ..expire(rule("")) },
        LifecycleRule { expire: Some(When::Days(0)), ..rule("") },
        LifecycleRule { abort_incomplete: Some(0), ..rule("") },
        LifecycleRule { expire_noncurrent: Some(NoncurrentExpiry { days: 0, keep: None }), ..rule("") },
        LifecycleRule { filter: sized, ..expire(rule("")) },
        LifecycleRule { filter: tagged, abort_incomplete: Some(1), ..expire(rule("")) },
    ] {
        assert!(matches!(checked(&bad), Err(Refused::Invalid(_))), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn what_the_name_gives_and_what_is_kept_never_ends(
        sizes in prop::collection::vec(prop::option::of(1_u64..9), 1..12),
        days in 1_u32..12,
        keep in prop::option::of(0_u32..5),
        today in 0_i64..40,
    ) {
        let all = records(&sizes);
        let current = all.first().filter(|newest| !newest.deletion).map(|newest| newest.number);
        let rules = [LifecycleRule { expire_noncurrent: Some(NoncurrentExpiry { days, keep }), ..rule("") }];
        let gone = ended(&rules, &all, (current, current.is_some()), day(today));
        prop_assert!(gone.iter().all(|record| Some(record.number) != current && record.number != all[0].number));
        let older = |records: &[&Record]| records.iter().filter(|record| !record.deletion && record.number != all[0].number).count();
        let every: Vec<&Record> = all.iter().collect();
        let left = older(&every) - older(&gone);
        prop_assert!(left >= older(&every).min(keep.unwrap_or(0) as usize), "{} of {} left", left, older(&every));
        for record in gone {
            // What took its place has the next number, and was written on that day.
            prop_assert!(day(today) >= day(i64::try_from(record.number).unwrap() + 1 + i64::from(days)));
        }
    }
}
