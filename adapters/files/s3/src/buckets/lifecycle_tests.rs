//! Rules in S3's words and back.

use super::*;
use std::collections::BTreeMap;

fn rule() -> LifecycleRule {
    LifecycleRule { id: "r".to_owned(), enabled: true, expire: Some(When::Days(30)), ..LifecycleRule::default() }
}

#[test]
fn a_rule_comes_back_as_it_was() {
    let full = LifecycleRule {
        filter: LifecycleFilter {
            prefix: "logs/".to_owned(),
            tags: BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]),
            larger_than: Some(5),
            smaller_than: Some(9),
        },
        transitions: vec![
            Transition { when: When::Days(0), class: "STANDARD_IA".to_owned() },
            Transition { when: When::On(Timestamp::from_timestamp(86_400, 0).unwrap()), class: "GLACIER".to_owned() },
        ],
        expire_noncurrent: Some(NoncurrentExpiry { days: 90, keep: Some(3) }),
        ..rule()
    };
    let only = |change: fn(&mut LifecycleFilter)| {
        let mut one = rule();
        change(&mut one.filter);
        one
    };
    for wanted in [
        rule(),
        full,
        LifecycleRule { enabled: false, abort_incomplete: Some(7), ..rule() },
        LifecycleRule { expire: None, expire_markers: true, ..rule() },
        only(|filter| filter.prefix = "a/".to_owned()),
        only(|filter| filter.larger_than = Some(7)),
        only(|filter| drop(filter.tags.insert("k".to_owned(), "v".to_owned()))),
    ] {
        assert_eq!(read(&made(&wanted).unwrap()), wanted);
    }
    let lower = LifecycleRule { transitions: vec![Transition { when: When::Days(1), class: "glacier_ir".to_owned() }], ..rule() };
    assert_eq!(read(&made(&lower).unwrap()).transitions[0].class, "GLACIER_IR");
}

#[test]
fn one_condition_stands_alone_and_several_together() {
    let one = filter(&LifecycleFilter { prefix: "a/".to_owned(), ..LifecycleFilter::default() }).unwrap();
    assert!(one.prefix() == Some("a/") && one.and().is_none());
    let both = filter(&LifecycleFilter { prefix: "a/".to_owned(), larger_than: Some(1), ..LifecycleFilter::default() }).unwrap();
    assert!(both.prefix().is_none() && both.and().is_some_and(|and| and.prefix() == Some("a/")));
    assert_eq!(filter(&LifecycleFilter::default()).unwrap().prefix(), Some(""));
}

#[test]
fn what_s3_would_refuse_is_refused_with_its_reason() {
    let tagged = LifecycleFilter { tags: BTreeMap::from([("a".to_owned(), "1".to_owned())]), ..LifecycleFilter::default() };
    let noon = When::On(Timestamp::from_timestamp(43_200, 0).unwrap());
    for (wrong, why) in [
        (LifecycleRule { id: String::new(), ..rule() }, "an id"),
        (LifecycleRule { id: "x".repeat(256), ..rule() }, "255"),
        (LifecycleRule { expire: None, ..rule() }, "does nothing"),
        (LifecycleRule { expire: Some(When::Days(0)), ..rule() }, "1 at least"),
        (LifecycleRule { expire: Some(When::Days(u32::MAX)), ..rule() }, "whole number of days"),
        (LifecycleRule { expire: Some(noon), ..rule() }, "whole day"),
        (LifecycleRule { expire_noncurrent: Some(NoncurrentExpiry { days: 0, keep: None }), ..rule() }, "1 at least"),
        (LifecycleRule { expire_noncurrent: Some(NoncurrentExpiry { days: 1, keep: Some(101) }), ..rule() }, "1 to 100"),
        (LifecycleRule { abort_incomplete: Some(7), filter: tagged.clone(), ..rule() }, "neither tags nor a size"),
        (LifecycleRule { expire_markers: true, ..rule() }, "a rule of their own"),
        (LifecycleRule { transitions: vec![Transition { when: When::Days(1), class: "COLD".to_owned() }], ..rule() }, "they are"),
        (LifecycleRule { other: vec!["sing".to_owned()], ..rule() }, "made at the service"),
    ] {
        let said = made(&wrong).unwrap_err();
        assert!(said.contains(why) || why == "an id" && said.contains("a rule's id"), "{said}");
    }
}

#[test]
fn older_rules_keep_their_prefix() {
    #[expect(deprecated, reason = "older rules have their prefix there")]
    let old = Rule::builder().prefix("old/").status(ExpirationStatus::Enabled).build().unwrap();
    assert_eq!((read(&old).filter.prefix.as_str(), read(&old).id.as_str()), ("old/", ""));
}
