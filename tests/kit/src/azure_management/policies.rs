//! What a lifecycle policy may say. Members that aren't known are kept as they are.
//! <https://learn.microsoft.com/azure/storage/blobs/lifecycle-management-policy-structure>

use serde_json::Value;
use std::collections::BTreeSet;

const CONDITIONS: [&str; 3] = ["daysAfterModificationGreaterThan", "daysAfterLastAccessTimeGreaterThan", "daysAfterCreationGreaterThan"];
const TIER_CHANGE: &str = "daysAfterLastTierChangeGreaterThan";
const MOVES: [&str; 4] = ["tierToHot", "tierToCool", "tierToCold", "tierToArchive"];

fn array<'a>(value: &'a Value, name: &str) -> Result<&'a [Value], String> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(all)) => Ok(all),
        Some(_) => Err(format!("{name} is no array.")),
    }
}

/// Looks a policy through.
pub(super) fn check(policy: &Value) -> Result<(), String> {
    let rules = array(policy, "rules")?;
    if rules.is_empty() || rules.len() > 100 {
        return Err("A policy has 1 to 100 rules.".to_owned());
    }
    let mut names = BTreeSet::new();
    for rule in rules {
        let name = rule["name"].as_str().unwrap_or_default();
        if !(1..=256).contains(&name.len()) || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(format!("The rule name '{name}' is invalid."));
        }
        if !names.insert(name) {
            return Err(format!("The rule name '{name}' is not unique."));
        }
        if rule["type"] != "Lifecycle" {
            return Err(format!("The type of rule '{name}' is not Lifecycle."));
        }
        if !matches!(rule.get("enabled"), None | Some(Value::Null | Value::Bool(_))) {
            return Err(format!("The value of enabled in rule '{name}' is invalid."));
        }
        let kinds = filters(&rule["definition"]["filters"]).map_err(|why| format!("The filters of rule '{name}' are invalid: {why}"))?;
        actions(&rule["definition"]["actions"], &kinds).map_err(|why| format!("The actions of rule '{name}' are invalid: {why}"))?;
    }
    Ok(())
}

fn filters(filters: &Value) -> Result<Vec<&str>, String> {
    let kinds: Vec<&str> = array(filters, "blobTypes")?.iter().map(|kind| kind.as_str().unwrap_or_default()).collect();
    if kinds.is_empty() || !kinds.iter().all(|kind| matches!(*kind, "blockBlob" | "appendBlob")) {
        return Err("blobTypes is required, of blockBlob and appendBlob.".to_owned());
    }
    let prefixes = array(filters, "prefixMatch")?;
    if prefixes.len() > 10
        || !prefixes.iter().all(|prefix| prefix.as_str().is_some_and(|prefix| !prefix.is_empty() && !prefix.starts_with('/')))
    {
        return Err("prefixMatch has up to 10 prefixes that begin with a container's name.".to_owned());
    }
    let tags = array(filters, "blobIndexMatch")?;
    let fits = |tag: &Value| {
        let long = |name: &str| tag[name].as_str().map(str::len);
        long("name").is_some_and(|len| (1..=128).contains(&len)) && tag["op"] == "==" && long("value").is_some_and(|len| len <= 256)
    };
    if tags.len() > 10 || !tags.iter().all(fits) {
        return Err("blobIndexMatch has up to 10 tags, compared by ==.".to_owned());
    }
    Ok(kinds)
}

/// Whole numbers of days, written with or without a point.
fn whole(value: &Value) -> bool {
    value.as_f64().is_some_and(|days| days >= 0.0 && days.fract() == 0.0)
}

fn actions(actions: &Value, kinds: &[&str]) -> Result<(), String> {
    let mut count = 0;
    for kind in ["baseBlob", "snapshot", "version"] {
        for (action, condition) in actions[kind].as_object().into_iter().flatten() {
            if action == "enableAutoTierToHotFromCool" {
                continue;
            }
            let moves = MOVES.contains(&action.as_str());
            if !moves && action != "delete" {
                continue;
            }
            count += 1;
            if moves && kinds.contains(&"appendBlob") {
                return Err("append blobs can only be deleted.".to_owned());
            }
            let said: Vec<&str> = CONDITIONS.into_iter().filter(|name| condition.get(name).is_some_and(|days| !days.is_null())).collect();
            let one = match (kind, said.as_slice()) {
                ("baseBlob", [_]) => true,
                (_, [one]) => *one == "daysAfterCreationGreaterThan",
                _ => false,
            };
            if !one || !said.iter().all(|name| whole(&condition[*name])) {
                return Err(format!("{kind}.{action} needs one number of days that goes with it."));
            }
            if !condition[TIER_CHANGE].is_null() && (action != "tierToArchive" || !whole(&condition[TIER_CHANGE])) {
                return Err(format!("{TIER_CHANGE} is for tierToArchive alone."));
            }
        }
    }
    if count == 0 { Err("there are none.".to_owned()) } else { Ok(()) }
}
