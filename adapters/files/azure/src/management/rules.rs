//! Lifecycle rules in Azure's words and in the port's. What Azure can't do is refused when a rule is made, and what the port
//! has no words for is told in a sentence when one is read.
//! <https://learn.microsoft.com/azure/storage/blobs/lifecycle-management-policy-structure>

use crate::names::shown;
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{LifecycleFilter, LifecycleRule, NoncurrentExpiry, Transition, When};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// The longest name of a rule, and how many tags it looks at.
const LONGEST: usize = 256;
const MOST_TAGS: usize = 10;
const MODIFIED: &str = "daysAfterModificationGreaterThan";
const MADE: &str = "daysAfterCreationGreaterThan";
/// The tiers, and the action that moves to each.
const TIERS: [(&str, &str); 4] = [("Hot", "tierToHot"), ("Cool", "tierToCool"), ("Cold", "tierToCold"), ("Archive", "tierToArchive")];

/// Which files a rule is about, seen from a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Files of this container alone.
    Own,
    /// Files of this container, and others that it names.
    Several,
    /// Files of this container and of any other, without naming it.
    Wide,
    /// None of this container's.
    Elsewhere,
}

fn prefixes(rule: &Value) -> Vec<&str> {
    rule.pointer("/definition/filters/prefixMatch").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

pub(super) fn reach(container: &str, rule: &Value) -> Reach {
    let own = format!("{container}/");
    let all = prefixes(rule);
    if all.is_empty() || all.iter().any(|prefix| *prefix != own && own.starts_with(prefix)) {
        return Reach::Wide;
    }
    match all.iter().filter(|prefix| prefix.starts_with(&own)).count() {
        0 => Reach::Elsewhere,
        count if count == all.len() => Reach::Own,
        _ => Reach::Several,
    }
}

/// Takes a container out of a rule that names others too.
pub(super) fn trim(container: &str, rule: &mut Value) {
    let own = format!("{container}/");
    if let Some(all) = rule.pointer_mut("/definition/filters/prefixMatch").and_then(Value::as_array_mut) {
        all.retain(|prefix| !prefix.as_str().is_some_and(|prefix| prefix.starts_with(&own)));
    }
}

/// The name of a rule with this id. Names have letters, digits and hyphens; what else an id has is spelled by its bytes.
fn name_of(id: &str) -> String {
    let mut name = String::new();
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "-x{byte:02x}-");
        }
    }
    name
}

/// The id of a rule with this name.
pub(super) fn id_of(name: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.as_bytes().first() {
        let spelled = rest.strip_prefix("-x").and_then(|tail| Some((tail.get(..2)?, tail.get(2..)?.strip_prefix('-')?)));
        if let Some((byte, tail)) = spelled.and_then(|(digits, tail)| Some((u8::from_str_radix(digits, 16).ok()?, tail))) {
            bytes.push(byte);
            rest = tail;
        } else if first.is_ascii() {
            bytes.push(*first);
            rest = rest.get(1..).unwrap_or_default();
        } else {
            return name.to_owned();
        }
    }
    // Others may have named a rule so without meaning this.
    String::from_utf8(bytes).ok().filter(|id| name_of(id) == name).unwrap_or_else(|| name.to_owned())
}

type Refusal = (PortErrorKind, String);

fn days(when: When) -> Result<Value, Refusal> {
    match when {
        When::Days(days) => Ok(json!({ MODIFIED: days })),
        When::On(_) => {
            let why = "Azure's lifecycle rules count days since a file was last changed, and know no dates; give a number of days";
            Err((PortErrorKind::Unsupported, why.to_owned()))
        }
    }
}

/// A rule in Azure's words.
pub(super) fn made(container: &str, rule: &LifecycleRule) -> Result<Value, Refusal> {
    let unsupported = |why: &str| Err((PortErrorKind::Unsupported, why.to_owned()));
    let invalid = |why: String| Err((PortErrorKind::Invalid, why));
    if rule.abort_incomplete.is_some() {
        return unsupported("Azure drops the blocks of unfinished uploads after a week by itself, and has no rule for it; leave that out");
    }
    if rule.expire_markers {
        return unsupported("Azure marks no deletions, so there are no marks to remove; leave that out");
    }
    if rule.filter.larger_than.is_some() || rule.filter.smaller_than.is_some() {
        return unsupported("Azure's lifecycle rules don't look at sizes; choose files by how their names begin, or by tags");
    }
    if rule.expire_noncurrent.is_some_and(|expiry| expiry.keep.is_some()) {
        return unsupported("Azure's lifecycle rules can't spare the newest of the older versions; they go by age alone");
    }
    if let Some(other) = rule.other.first() {
        return unsupported(&format!("a rule that does this can't be made from here: {}", shown(other)));
    }
    let name = name_of(&rule.id);
    if name.is_empty() || name.len() > LONGEST || id_of(&name) != rule.id {
        return invalid(format!(
            "`{}` can't be the id of a rule: Azure takes up to {LONGEST} letters, digits and hyphens",
            shown(&rule.id)
        ));
    }
    if rule.filter.tags.len() > MOST_TAGS {
        return invalid(format!("a rule of Azure's looks at {MOST_TAGS} tags at most"));
    }
    let mut base = Map::new();
    if let Some(when) = rule.expire {
        base.insert("delete".to_owned(), days(when)?);
    }
    for transition in &rule.transitions {
        let Some((tier, action)) = TIERS.iter().find(|(tier, _)| tier.eq_ignore_ascii_case(&transition.class)) else {
            let class = shown(&transition.class);
            return invalid(format!("`{class}` is no tier of Azure's; they are Cool, Cold and Archive (and Hot in premium accounts)"));
        };
        if base.insert((*action).to_owned(), days(transition.when)?).is_some() {
            return invalid(format!("the rule moves to {tier} twice"));
        }
    }
    let mut actions = Map::new();
    if !base.is_empty() {
        actions.insert("baseBlob".to_owned(), base.into());
    }
    if let Some(expiry) = rule.expire_noncurrent {
        for kind in ["version", "snapshot"] {
            actions.insert(kind.to_owned(), json!({ "delete": { MADE: expiry.days } }));
        }
    }
    if actions.is_empty() {
        return invalid("the rule does nothing; say after how many days files expire or move".to_owned());
    }
    let mut filters = json!({ "blobTypes": ["blockBlob"], "prefixMatch": [format!("{container}/{}", rule.filter.prefix)] });
    if !rule.filter.tags.is_empty() {
        let tags = rule.filter.tags.iter().map(|(name, value)| json!({ "name": name, "op": "==", "value": value }));
        filters["blobIndexMatch"] = tags.collect();
    }
    Ok(json!({ "enabled": rule.enabled, "name": name, "type": "Lifecycle", "definition": { "actions": actions, "filters": filters } }))
}

/// A number of days, which the service writes with or without a point.
fn count(value: &Value) -> Option<u32> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
    format!("{number:.0}").parse().ok()
}

/// The days of an action that has this condition and no other.
fn only(action: &Value, condition: &str) -> Option<u32> {
    let said: Vec<(&String, &Value)> = action.as_object()?.iter().filter(|(_, value)| !value.is_null()).collect();
    match said.as_slice() {
        [(name, value)] if *name == condition => count(value),
        _ => None,
    }
}

/// An action that has no words of the port's.
fn sentence(what: &str, action: &str, condition: &Value) -> String {
    let does = match TIERS.iter().find(|(_, known)| *known == action) {
        Some((tier, _)) => format!("move {what} to {tier}"),
        None if action == "delete" => format!("delete {what}"),
        None => format!("do to {what} what isn't known here ({})", shown(action)),
    };
    let conditions: Vec<String> = condition
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            let when = match name.as_str() {
                MODIFIED => "since they were changed",
                MADE => "since they were made",
                "daysAfterLastAccessTimeGreaterThan" => "since they were last read",
                "daysAfterLastTierChangeGreaterThan" => "since they last moved",
                other => return format!("{} {}", shown(other), shown(&value.to_string())),
            };
            count(value).map_or_else(|| shown(&value.to_string()), |days| format!("{days} days {when}"))
        })
        .collect();
    if conditions.is_empty() { does } else { format!("{does} after {}", conditions.join(" and ")) }
}

/// A rule in the port's words, as a container sees it.
pub(super) fn told(container: &str, rule: &Value) -> LifecycleRule {
    let own = format!("{container}/");
    let mut other = Vec::new();
    let all = prefixes(rule);
    let mine: Vec<&str> = all.iter().filter_map(|prefix| prefix.strip_prefix(&own)).collect();
    match reach(container, rule) {
        Reach::Wide if all.is_empty() => other.push("be about every container of the storage account".to_owned()),
        Reach::Wide => other.push(format!("be about everything in the storage account that begins with {}", shown(&all.join(", ")))),
        Reach::Several => other.push("be about other containers, too".to_owned()),
        Reach::Own | Reach::Elsewhere => {}
    }
    if mine.len() > 1 {
        other.push(format!("be about several beginnings: {}", shown(&mine.join(", "))));
    }
    let mut filter = LifecycleFilter { prefix: mine.first().copied().unwrap_or_default().to_owned(), ..LifecycleFilter::default() };
    let filters = rule.pointer("/definition/filters").unwrap_or(&Value::Null);
    for tag in filters.get("blobIndexMatch").and_then(Value::as_array).into_iter().flatten() {
        match (tag["name"].as_str(), tag["op"].as_str(), tag["value"].as_str()) {
            (Some(name), Some("=="), Some(value)) => drop(filter.tags.insert(name.to_owned(), value.to_owned())),
            _ => other.push(format!("look at tags in a way that isn't known here ({})", shown(&tag.to_string()))),
        }
    }
    if filters.get("blobTypes").and_then(Value::as_array).is_some_and(|kinds| kinds.iter().any(|kind| kind == "appendBlob")) {
        other.push("be about append blobs, too".to_owned());
    }
    let known = |name: &String| matches!(name.as_str(), "prefixMatch" | "blobIndexMatch" | "blobTypes");
    for name in filters.as_object().into_iter().flatten().filter(|(name, value)| !known(name) && !value.is_null()).map(|(name, _)| name) {
        other.push(format!("choose files in a way that isn't known here ({})", shown(name)));
    }
    let mut seen = LifecycleRule {
        id: id_of(rule.get("name").and_then(Value::as_str).unwrap_or_default()),
        enabled: rule.get("enabled").and_then(Value::as_bool).unwrap_or(true),
        filter,
        ..LifecycleRule::default()
    };
    let nothing = Value::Null;
    let actions = rule.pointer("/definition/actions").unwrap_or(&nothing);
    let gone = |kind: &str| actions.get(kind).and_then(|kind| kind.get("delete"));
    // Older versions and snapshots end together where the port has a word for it.
    let older = gone("version").and_then(|action| only(action, MADE));
    let both = older.filter(|days| gone("snapshot").is_none_or(|action| only(action, MADE) == Some(*days)));
    seen.expire_noncurrent = both.map(|days| NoncurrentExpiry { days, keep: None });
    if both.is_some() && gone("snapshot").is_none() {
        other.push("leave snapshots alone".to_owned());
    }
    for (kind, action, condition) in actions.as_object().into_iter().flatten().flat_map(|(kind, all)| {
        all.as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| !value.is_null())
            .map(move |(action, condition)| (kind, action, condition))
    }) {
        let tier = TIERS.iter().find(|(_, known)| known == action).map(|(tier, _)| *tier);
        match (kind.as_str(), action.as_str(), tier, only(condition, MODIFIED)) {
            ("baseBlob", "delete", _, Some(days)) => seen.expire = Some(When::Days(days)),
            ("baseBlob", _, Some(tier), Some(days)) => {
                seen.transitions.push(Transition { when: When::Days(days), class: tier.to_owned() });
            }
            ("version" | "snapshot", "delete", ..) if both.is_some() => {}
            ("baseBlob", "enableAutoTierToHotFromCool", ..) => {
                if condition == &Value::Bool(true) {
                    other.push("move files back to Hot when they are read".to_owned());
                }
            }
            ("baseBlob", ..) => other.push(sentence("files", action, condition)),
            ("version", ..) => other.push(sentence("older versions", action, condition)),
            ("snapshot", ..) => other.push(sentence("snapshots", action, condition)),
            (kind, ..) => other.push(sentence(&shown(kind), action, condition)),
        }
    }
    let rank = |transition: &Transition| TIERS.iter().position(|(tier, _)| *tier == transition.class);
    seen.transitions.sort_by_key(rank);
    seen.other = other;
    seen
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
