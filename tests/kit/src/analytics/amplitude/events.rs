//! Events of a question, strictly read: a name, filters, and what they are grouped by.

use super::{AmplitudeWorld, date, local};
use crate::analytics::{Call, Happened};
use serde_json::Value;

/// Properties that people have by themselves.
const BUILT_IN: [&str; 12] =
    ["version", "country", "city", "region", "DMA", "language", "platform", "os", "device", "device_type", "start_version", "paying"];

/// An event of a question.
pub(super) struct Asked {
    pub name: String,
    pub filters: Vec<Value>,
    pub by: Option<String>,
}

/// Whether a property is one of people.
pub(super) fn of_people(name: &str) -> bool {
    BUILT_IN.contains(&name) || name.starts_with("gp:") || name.starts_with("userdata_")
}

fn right_kind(kind: &str, name: &str) -> Result<(), String> {
    if kind == if of_people(name) { "user" } else { "event" } { Ok(()) } else { Err(format!("{name} is no {kind} property")) }
}

/// Reads one.
pub(super) fn event(text: &str) -> Result<Asked, String> {
    let value: Value = serde_json::from_str(text).map_err(|_| format!("An event is JSON, not {text}"))?;
    let map = value.as_object().ok_or("An event is an object")?;
    if let Some(odd) = map.keys().find(|key| !["event_type", "filters", "group_by"].contains(&key.as_str())) {
        return Err(format!("Unknown key {odd} of an event"));
    }
    let mut by = None;
    if let Some(list) = map.get("group_by") {
        let list = list.as_array().filter(|list| (1..=2).contains(&list.len())).ok_or("group_by is a list of one or two")?;
        let kind = list[0]["type"].as_str().filter(|kind| matches!(*kind, "event" | "user")).ok_or("type is event or user")?;
        let name = list[0]["value"].as_str().ok_or("value is required")?;
        right_kind(kind, name)?;
        by = Some(name.to_owned());
    }
    let filters = match map.get("filters") {
        None => Vec::new(),
        Some(list) => list.as_array().cloned().ok_or("filters is a list")?,
    };
    for filter in &filters {
        if filter.as_object().is_none_or(|map| map.len() != 4) {
            return Err("A filter has exactly four keys".into());
        }
        right_kind(filter["subprop_type"].as_str().unwrap_or_default(), filter["subprop_key"].as_str().ok_or("subprop_key is required")?)?;
    }
    let name = value["event_type"].as_str().filter(|name| !name.is_empty()).ok_or("event_type is required")?;
    Ok(Asked { name: name.to_owned(), filters, by })
}

/// What somebody paid.
pub(super) fn paid(one: &Happened) -> Option<f64> {
    one.number("revenue").or_else(|| one.number("price")).filter(|_| one.name == "purchase" || one.properties.contains_key("revenue"))
}

impl AmplitudeWorld {
    /// Whether an event is one of those that are asked for.
    pub(super) fn fits(&self, asked: &Asked, one: &Happened) -> Result<bool, String> {
        let named = match asked.name.as_str() {
            "_active" | "_all" => true,
            "_new" => self.history.all().iter().find(|first| first.person == one.person).is_some_and(|first| first.at == one.at),
            "revenue_amount" => paid(one).is_some(),
            name => one.name == name,
        };
        for filter in &asked.filters {
            let value = self.property(one, filter["subprop_key"].as_str().unwrap_or_default());
            let list: Vec<&str> =
                filter["subprop_value"].as_array().ok_or("subprop_value is a list")?.iter().filter_map(Value::as_str).collect();
            let number = || Some((value.parse::<f64>().ok()?, list.first()?.parse::<f64>().ok()?));
            let good = match filter["subprop_op"].as_str().unwrap_or_default() {
                "is" => list.contains(&value.as_str()),
                "is not" => !list.contains(&value.as_str()),
                "contains" => list.iter().any(|part| value.contains(part)),
                "does not contain" => !list.iter().any(|part| value.contains(part)),
                "less" => number().is_some_and(|(a, b)| a < b),
                "less or equal" => number().is_some_and(|(a, b)| a <= b),
                "greater" => number().is_some_and(|(a, b)| a > b),
                "greater or equal" => number().is_some_and(|(a, b)| a >= b),
                other => return Err(format!("Unknown operator {other}")),
            };
            if !good {
                return Ok(false);
            }
        }
        Ok(named)
    }

    /// Those of the asked days.
    pub(super) fn found(&self, call: &Call, asked: &Asked) -> Result<Vec<Happened>, String> {
        let (from, to) = (date(call, "start")?, date(call, "end")?);
        let mut all = Vec::new();
        for one in self.history.all().into_iter().filter(|one| (from..=to).contains(&local(one.at))) {
            if self.fits(asked, &one)? {
                all.push(one);
            }
        }
        Ok(all)
    }
}
