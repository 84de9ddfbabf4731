//! Rules in both words.

use super::*;
use std::collections::BTreeMap;

fn rule(id: &str) -> LifecycleRule {
    LifecycleRule { id: id.to_owned(), enabled: true, expire: Some(When::Days(30)), ..LifecycleRule::default() }
}

#[test]
fn a_rule_is_made_in_azures_words_and_told_as_it_was() {
    let tags = BTreeMap::from([("keep".to_owned(), "no".to_owned())]);
    let full = LifecycleRule {
        filter: LifecycleFilter { prefix: "logs/".to_owned(), tags, ..LifecycleFilter::default() },
        transitions: vec![
            Transition { when: When::Days(7), class: "Cool".to_owned() },
            Transition { when: When::Days(10), class: "Cold".to_owned() },
            Transition { when: When::Days(14), class: "Archive".to_owned() },
        ],
        expire_noncurrent: Some(NoncurrentExpiry { days: 90, keep: None }),
        ..rule("old-logs")
    };
    let there = made("team", &full).unwrap();
    assert_eq!(
        there,
        json!({
            "enabled": true, "name": "old-logs", "type": "Lifecycle",
            "definition": {
                "actions": {
                    "baseBlob": {
                        "delete": { "daysAfterModificationGreaterThan": 30 },
                        "tierToCool": { "daysAfterModificationGreaterThan": 7 },
                        "tierToCold": { "daysAfterModificationGreaterThan": 10 },
                        "tierToArchive": { "daysAfterModificationGreaterThan": 14 },
                    },
                    "version": { "delete": { "daysAfterCreationGreaterThan": 90 } },
                    "snapshot": { "delete": { "daysAfterCreationGreaterThan": 90 } },
                },
                "filters": {
                    "blobTypes": ["blockBlob"],
                    "prefixMatch": ["team/logs/"],
                    "blobIndexMatch": [{ "name": "keep", "op": "==", "value": "no" }],
                },
            },
        })
    );
    assert_eq!(told("team", &there), full);
    let off = LifecycleRule { enabled: false, ..rule("off") };
    assert_eq!(told("team", &made("team", &off).unwrap()), off);
}

#[test]
fn ids_of_any_kind_have_a_name() {
    for (id, name) in [
        ("bellhop-expire-logs/", "bellhop-expire-logs-x2f-"),
        ("switched off", "switched-x20-off"),
        ("ü//", "-xc3--xbc--x2f--x2f-"),
        ("a-b9", "a-b9"),
    ] {
        assert_eq!((name_of(id).as_str(), id_of(name).as_str()), (name, id));
        assert_eq!(told("c", &made("c", &rule(id)).unwrap()).id, id);
    }
    // Names that others gave stay what they are.
    for name in ["a-x41-b", "-x2F-", "-xff-", "-x", "-x2", "größe"] {
        assert_eq!(id_of(name), name);
    }
    for bad in [String::new(), "x".repeat(257), "/".repeat(60), "a-x2f-b".to_owned()] {
        let (kind, why) = made("c", &rule(&bad)).unwrap_err();
        assert!(kind == PortErrorKind::Invalid && why.contains("id of a rule"), "{bad}: {why}");
    }
}

#[test]
fn what_azure_can_not_do_is_refused_with_the_reason() {
    let sized = LifecycleFilter { larger_than: Some(1), ..LifecycleFilter::default() };
    let to = |class: &str, when| vec![Transition { when, class: class.to_owned() }];
    let many: BTreeMap<String, String> = (0..11).map(|number| (number.to_string(), String::new())).collect();
    let tagged = LifecycleFilter { tags: many, ..LifecycleFilter::default() };
    let on = When::On(bellhop_core::Timestamp::default());
    for (wrong, kind, why) in [
        (LifecycleRule { abort_incomplete: Some(7), ..rule("x") }, PortErrorKind::Unsupported, "after a week by itself"),
        (LifecycleRule { expire_markers: true, ..rule("x") }, PortErrorKind::Unsupported, "marks no deletions"),
        (LifecycleRule { filter: sized, ..rule("x") }, PortErrorKind::Unsupported, "don't look at sizes"),
        (LifecycleRule { filter: tagged, ..rule("x") }, PortErrorKind::Invalid, "10 tags"),
        (LifecycleRule { expire: Some(on), ..rule("x") }, PortErrorKind::Unsupported, "know no dates"),
        (LifecycleRule { transitions: to("GLACIER", When::Days(1)), ..rule("x") }, PortErrorKind::Invalid, "Cool, Cold and Archive"),
        (
            LifecycleRule { transitions: [to("Cool", When::Days(1)), to("cool", When::Days(2))].concat(), ..rule("x") },
            PortErrorKind::Invalid,
            "twice",
        ),
        (
            LifecycleRule { expire_noncurrent: Some(NoncurrentExpiry { days: 1, keep: Some(2) }), ..rule("x") },
            PortErrorKind::Unsupported,
            "age alone",
        ),
        (LifecycleRule { expire: None, ..rule("x") }, PortErrorKind::Invalid, "does nothing"),
        (LifecycleRule { other: vec!["dance".to_owned()], ..rule("x") }, PortErrorKind::Unsupported, "dance"),
    ] {
        let (found, said) = made("c", &wrong).unwrap_err();
        assert!(found == kind && said.contains(why), "{wrong:?}: {said}");
    }
}

#[test]
fn rules_of_others_are_told_in_words() {
    let theirs = json!({
        "name": "all", "type": "Lifecycle",
        "definition": {
            "actions": {
                "baseBlob": {
                    "tierToCool": { "daysAfterLastAccessTimeGreaterThan": 30.0 },
                    "enableAutoTierToHotFromCool": true,
                    "tierToArchive": { "daysAfterModificationGreaterThan": 90, "daysAfterLastTierChangeGreaterThan": 7 },
                    "delete": { "daysAfterModificationGreaterThan": 365.0, "daysAfterCreationGreaterThan": null },
                    "shred": {},
                },
                "version": { "tierToCool": { "daysAfterCreationGreaterThan": 5 }, "delete": { "daysAfterCreationGreaterThan": 9 } },
                "snapshot": { "delete": { "daysAfterCreationGreaterThan": 10 } },
            },
            "filters": { "blobTypes": ["blockBlob", "appendBlob"], "moonPhase": "full" },
        },
    });
    let seen = told("team", &theirs);
    assert!(
        seen.enabled && seen.expire == Some(When::Days(365)) && seen.transitions.is_empty() && seen.expire_noncurrent.is_none(),
        "{seen:?}"
    );
    for words in [
        "be about every container of the storage account",
        "be about append blobs, too",
        "choose files in a way that isn't known here (moonPhase)",
        "move files to Cool after 30 days since they were last read",
        "move files back to Hot when they are read",
        "move files to Archive after 7 days since they last moved and 90 days since they were changed",
        "do to files what isn't known here (shred)",
        "move older versions to Cool after 5 days since they were made",
        "delete older versions after 9 days since they were made",
        "delete snapshots after 10 days since they were made",
    ] {
        assert!(seen.other.iter().any(|one| one == words), "{words}: {:?}", seen.other);
    }
    assert_eq!(seen.other.len(), 10);
}

#[test]
fn a_rule_reaches_as_far_as_its_beginnings() {
    let about = |prefixes: &[&str]| json!({ "definition": { "filters": { "prefixMatch": prefixes } } });
    for (prefixes, wanted) in [
        (&[][..], Reach::Wide),
        (&["team/"], Reach::Own),
        (&["team/a", "team/b"], Reach::Own),
        (&["team/a", "other/"], Reach::Several),
        (&["team"], Reach::Wide),
        (&["te", "team/a"], Reach::Wide),
        (&["teapot/"], Reach::Elsewhere),
        (&["other"], Reach::Elsewhere),
    ] {
        assert_eq!(reach("team", &about(prefixes)), wanted, "{prefixes:?}");
    }
    let mut several = about(&["team/a", "other/", "team/b"]);
    trim("team", &mut several);
    assert_eq!(prefixes(&several), ["other/"]);
}
