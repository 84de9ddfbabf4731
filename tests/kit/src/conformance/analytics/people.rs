//! Cases of what is known about people, and of cohorts and raw events.

use super::questions::able;
use super::{Subject, ask, event, fill, moment, trend};
use crate::conformance::{Outcome, Verdict, done, ensure, refuses, same};
use bellhop_core::PortErrorKind;
use bellhop_core::analytics::{
    CohortDefinition, CohortRule, During, EventMatch, Measure, ProfileChange, ProfileOperation, Subject as Whose, Trend, Window,
};
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) async fn validates(source: &Subject) -> Verdict {
    able!(source, validate);
    let some = [
        event("v1", "only checked", "ann", "2026-10-02T10:00:00Z", &json!({})),
        event("v2", "", "ann", "2026-10-02T10:00:00Z", &json!({})),
    ];
    let wrong = done!(source.validate(&some).await, "validating");
    same!(wrong.iter().map(|refused| refused.index).collect::<Vec<_>>(), [1], "positions of what is wrong: the event without a name");
    let names = done!(source.metrics().await, "listing metrics");
    ensure!(!names.iter().any(|metric| metric.name == "only checked"), "what was only to be checked was kept");
    Ok(Outcome::Held)
}

fn change(id: &str, change: ProfileOperation) -> ProfileChange {
    ProfileChange { subject: Whose::Person(id.to_owned()), change }
}

fn set(name: &str, value: Value) -> ProfileOperation {
    ProfileOperation::Set(BTreeMap::from([(name.to_owned(), value)]))
}

pub(super) async fn identifies(source: &Subject) -> Verdict {
    able!(source, profiles);
    let numbers = BTreeMap::from([("visits".to_owned(), 2.0)]);
    let changes = vec![
        change("ann", set("plan", json!("pro"))),
        change("ann", ProfileOperation::SetOnce(BTreeMap::from([("plan".to_owned(), json!("free")), ("city".to_owned(), json!("Bonn"))]))),
        change("ann", ProfileOperation::Add(numbers.clone())),
        change("ann", ProfileOperation::Add(numbers)),
        change("ann", ProfileOperation::Union(BTreeMap::from([("tags".to_owned(), vec![json!("a"), json!("a"), json!("b")])]))),
        change("ann", set("gone", json!(1))),
        change("ann", ProfileOperation::Unset(vec!["gone".to_owned()])),
    ];
    let taken = done!(source.identify(changes).await, "changing a profile");
    same!((taken.taken, taken.refused.len()), (7, 0), "(taken, refused)");
    if source.capabilities().people {
        let person = done!(source.person("ann", 1).await, "asking for a person");
        let known = json!({"plan": "pro", "city": "Bonn", "visits": 4, "tags": ["a", "b"]});
        same!(serde_json::to_value(&person.properties).unwrap_or_default(), known, "what is known");
    }
    Ok(Outcome::Held)
}

pub(super) async fn bad_changes(source: &Subject) -> Verdict {
    able!(source, profiles);
    let changes = vec![change("ann", set("a", json!(1))), change("", set("a", json!(1))), change("bob", set("a", json!(1)))];
    let taken = done!(source.identify(changes).await, "changing profiles");
    same!(taken.taken, 2, "how many are taken");
    same!(taken.refused.iter().map(|refused| refused.index).collect::<Vec<_>>(), [1], "positions of those refused: the one of nobody");
    Ok(Outcome::Held)
}

pub(super) async fn merges(source: &Subject) -> Verdict {
    able!(source, profiles);
    let subject = Whose::Merge { from: "bob".to_owned(), into: "ann".to_owned() };
    let merge = || vec![ProfileChange { subject: subject.clone(), change: ProfileOperation::Merge }];
    if done!(source.identify(merge()).await, "merging two ids").taken == 0 {
        return Ok(Outcome::NotOffered("it merges no ids that it knows already"));
    }
    let users = Trend { measure: Measure::Users, ..trend("sign up") };
    same!(ask(source, users).await?.total, 2.0, "people who signed up, two of three ids being one person's");
    Ok(Outcome::Held)
}

pub(super) async fn person(source: &Subject) -> Verdict {
    able!(source, people);
    let ann = done!(source.person("ann", 2).await, "asking for a person");
    ensure!(ann.ids.contains(&"ann".to_owned()), "the id that was asked for is not among {:?}", ann.ids);
    let told: Vec<_> = ann.events.iter().map(|event| (event.event.as_str(), event.time)).collect();
    same!(told, [("sign up", moment("2026-10-05T23:59:59Z")), ("purchase", moment("2026-10-03T10:00:00Z"))], "the latest two events");
    Ok(Outcome::Held)
}

pub(super) async fn nobody(source: &Subject) -> Verdict {
    able!(source, people);
    refuses!(source.person("nobody of this name", 2).await, PortErrorKind::NotFound, "a person who was never seen");
    Ok(Outcome::Held)
}

async fn members(source: &Subject, cohort: &str) -> Result<Vec<String>, String> {
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let page = source.members(cohort, next.as_deref()).await.map_err(|error| format!("asking for members failed: {error}"))?;
        all.extend(page.ids);
        if page.next.is_none() {
            all.sort();
            return Ok(all);
        }
        next = page.next;
    }
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

pub(super) async fn makes(source: &Subject) -> Verdict {
    able!(source, cohort_upload);
    let made = done!(source.make_cohort("testers", &ids(&["ann", "nobody"])).await, "making a cohort");
    same!((made.matched, made.total, made.unknown), (1, 2, ids(&["nobody"])), "(matched, total, unknown)");
    if source.capabilities().cohorts {
        same!(members(source, &made.id).await?, ids(&["ann"]), "who is in it");
        let again = done!(source.make_cohort("testers", &ids(&["bob"])).await, "making it again");
        same!(members(source, &again.id).await?, ids(&["bob"]), "who is in it then");
    }
    Ok(Outcome::Held)
}

pub(super) async fn lists(source: &Subject) -> Verdict {
    able!(source, cohorts);
    if source.capabilities().cohort_upload {
        for name in ["b", "a"] {
            done!(source.make_cohort(name, &ids(&["ann"])).await, "making a cohort");
        }
    }
    let cohorts = done!(source.cohorts().await, "listing cohorts");
    ensure!(cohorts.is_sorted_by(|a, b| a.name <= b.name), "not by name: {cohorts:?}");
    ensure!(!source.capabilities().cohort_upload || cohorts.len() == 2, "of two cohorts: {cohorts:?}");
    Ok(Outcome::Held)
}

pub(super) async fn pages(source: &Subject) -> Verdict {
    able!(source, cohort_upload);
    let many = (0..2300).map(|n| event(&format!("p{n}"), "sign up", &format!("p{n}"), "2026-10-02T10:00:00Z", &json!({}))).collect();
    done!(source.track(many).await, "tracking");
    let made = done!(source.make_cohort("many", &(0..2300).map(|n| format!("p{n}")).collect::<Vec<_>>()).await, "making a cohort");
    let all = members(source, &made.id).await?;
    let once: std::collections::BTreeSet<&String> = all.iter().collect();
    same!((all.len(), once.len()), (2300, 2300), "members on all pages, and how many different ones");
    Ok(Outcome::Held)
}

pub(super) async fn no_cohort(source: &Subject) -> Verdict {
    able!(source, cohorts);
    refuses!(source.members("none of this name", None).await, PortErrorKind::NotFound, "members of a cohort that isn't there");
    Ok(Outcome::Held)
}

fn twice() -> CohortDefinition {
    let event = EventMatch { event: Some("sign up".to_owned()), filters: Vec::new() };
    CohortDefinition { rules: vec![CohortRule { did: true, event, times: 2, during: During::Ever }] }
}

pub(super) async fn defines(source: &Subject) -> Verdict {
    able!(source, cohort_define);
    let made = done!(source.define_cohort("often", &twice()).await, "defining a cohort");
    same!(members(source, &made.id).await?, ids(&["ann", "cem"]), "who fits it");
    let mut once = twice();
    once.rules[0].times = 1;
    let again = done!(source.define_cohort("often", &once).await, "defining it anew");
    same!(members(source, &again.id).await?, ids(&["ann", "bob", "cem"]), "who fits it then");
    Ok(Outcome::Held)
}

pub(super) async fn found_anew(source: &Subject) -> Verdict {
    able!(source, cohort_define);
    let made = done!(source.define_cohort("often", &twice()).await, "defining a cohort");
    let late = event("late", "sign up", "bob", "2026-10-01T10:00:00Z", &json!({}));
    done!(source.track(vec![late]).await, "tracking");
    same!(members(source, &made.id).await?, ids(&["ann", "bob", "cem"]), "who fits it after a late event");
    Ok(Outcome::Held)
}

pub(super) async fn forgets(source: &Subject) -> Verdict {
    able!(source, cohort_delete);
    let list = done!(source.make_cohort("testers", &ids(&["ann"])).await, "making a cohort");
    let definition = done!(source.define_cohort("often", &twice()).await, "defining a cohort");
    for cohort in [list.id, definition.id] {
        done!(source.delete_cohort(&cohort).await, "deleting a cohort");
        refuses!(source.members(&cohort, None).await, PortErrorKind::NotFound, "members of a deleted cohort");
        refuses!(source.delete_cohort(&cohort).await, PortErrorKind::NotFound, "deleting a cohort that isn't there");
    }
    same!(done!(source.cohorts().await, "listing cohorts").len(), 0, "cohorts that are left");
    done!(source.person("ann", 10).await, "looking up somebody who was in one");
    Ok(Outcome::Held)
}

async fn lines(source: &Subject, event: Option<&str>) -> Result<Vec<Value>, String> {
    let window = Window { from: moment("2026-10-01T00:00:00Z"), to: moment("2026-10-08T00:00:00Z"), zone: chrono_tz::UTC };
    let bytes = source.export(&window, event).await.map_err(|error| format!("exporting failed: {error}"))?;
    let all = bytes.try_fold(Vec::new(), |mut all, piece| async move {
        all.extend_from_slice(&piece);
        Ok(all)
    });
    let all = all.await.map_err(|error| format!("an export broke off: {error}"))?;
    String::from_utf8_lossy(&all)
        .lines()
        .map(|line| serde_json::from_str(line).map_err(|error| format!("{line} is no JSON: {error}")))
        .collect()
}

pub(super) async fn exports(source: &Subject) -> Verdict {
    able!(source, export);
    same!(lines(source, None).await?.len(), 5, "events of the week");
    same!(lines(source, Some("purchase")).await?.len(), 1, "purchases of the week");
    Ok(Outcome::Held)
}
