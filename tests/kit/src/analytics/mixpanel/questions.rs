//! How often events happened: segmentation, sums and averages, lists of events and of their properties, a saved report.

use super::{MixpanelWorld, ZONE, date, local, only};
use crate::analytics::{Call, Told, figure};
use bellhop_core::Timestamp;
use chrono::{Datelike as _, TimeDelta};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How a moment is named in an answer.
type Name = fn(Timestamp) -> String;

/// The first day of a moment's week.
pub(super) fn monday(at: Timestamp) -> chrono::NaiveDate {
    local(at) - TimeDelta::days(local(at).weekday().num_days_from_monday().into())
}

/// The event, which is a bare name and no array.
fn bare(call: &Call) -> Result<&str, String> {
    call.param("event").filter(|event| !event.is_empty() && !event.starts_with('[')).ok_or_else(|| "event is one name".to_owned())
}

fn limit(call: &Call, usual: usize) -> Result<usize, String> {
    let Some(text) = call.param("limit") else { return Ok(usual) };
    text.parse().ok().filter(|most| (1..=10_000).contains(most)).ok_or_else(|| "limit is at most 10000".to_owned())
}

/// How the moments of the asked period are named, and all their names.
fn unit(call: &Call) -> Result<(BTreeSet<String>, Name), String> {
    let name: Name = match call.param("unit") {
        Some("hour") => |at| at.with_timezone(&ZONE).format("%Y-%m-%d %H:00:00").to_string(),
        Some("day") => |at| local(at).to_string(),
        Some("month") => |at| local(at).format("%Y-%m-01").to_string(),
        other => return Err(format!("unit is minute, hour, day or month, not {other:?}")),
    };
    Ok((moments(call, name)?, name))
}

fn moments(call: &Call, name: Name) -> Result<BTreeSet<String>, String> {
    let (mut at, to) = (bellhop_core::period::midnight(date(call, "from_date")?, ZONE), date(call, "to_date")?);
    let mut names = BTreeSet::new();
    while local(at) <= to {
        names.insert(name(at));
        at += TimeDelta::hours(1);
    }
    Ok(names)
}

fn people(call: &Call) -> Result<bool, String> {
    match call.param("type") {
        Some("general") => Ok(false),
        Some("unique") => Ok(true),
        other => Err(format!("type is general, unique or average, not {other:?}")),
    }
}

fn count(found: &[String], people: bool) -> usize {
    if people { found.iter().collect::<BTreeSet<_>>().len() } else { found.len() }
}

impl MixpanelWorld {
    pub(super) fn tops(&self, call: &Call) -> Told {
        only(call, &["event", "limit"])?;
        let event = bare(call)?;
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for name in self.history.all().into_iter().filter(|one| one.name == event).flat_map(|one| one.properties.into_keys()) {
            *counts.entry(name).or_default() += 1;
        }
        Ok(counts.into_iter().map(|(name, count)| (name, json!({ "count": count }))).collect::<Map<_, _>>().into())
    }

    /// `/segmentation`
    pub(super) fn segmentation(&self, call: &Call) -> Told {
        only(call, &["event", "from_date", "to_date", "unit", "type", "on", "where", "limit"])?;
        let (event, people) = (bare(call)?, people(call)?);
        let (names, name) = unit(call)?;
        let mut segments: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
        for one in self.asked(call, "where")?.into_iter().filter(|one| one.name == event) {
            let segment = match call.param("on") {
                None => event.to_owned(),
                Some(on) => self.value(on, &one)?.unwrap_or_else(|| "undefined".to_owned()),
            };
            segments.entry(segment).or_default().entry(name(one.at)).or_default().push(one.person);
        }
        let mut segments: Vec<_> = segments.into_iter().collect();
        segments.sort_by_key(|(_, found)| std::cmp::Reverse(found.values().map(Vec::len).sum::<usize>()));
        segments.truncate(limit(call, 60)?);
        let values: Map<String, Value> = segments
            .into_iter()
            .map(|(segment, found)| {
                let date = |name: &String| (name.clone(), json!(found.get(name).map_or(0, |found| count(found, people))));
                (segment, names.iter().map(date).collect::<Map<_, _>>().into())
            })
            .collect();
        Ok(json!({ "legend_size": values.len(), "data": { "series": names, "values": values } }))
    }

    /// `/segmentation/sum` and `/segmentation/average`
    pub(super) fn numeric(&self, call: &Call, average: bool) -> Told {
        only(call, &["event", "from_date", "to_date", "unit", "on", "where"])?;
        let event = bare(call)?;
        let on = call.param("on").ok_or("Missing required parameter: on")?;
        let (names, name) = unit(call)?;
        let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for one in self.asked(call, "where")?.into_iter().filter(|one| one.name == event) {
            if let Some(number) = self.value(on, &one)?.and_then(|text| text.parse().ok()) {
                found.entry(name(one.at)).or_default().push(number);
            }
        }
        let value = |all: &Vec<f64>| all.iter().sum::<f64>() / if average { figure(all.len()) } else { 1.0 };
        let results: Map<String, Value> =
            names.into_iter().map(|name| (name.clone(), json!(found.get(&name).map_or(0.0, value)))).collect();
        let computed = self.clock.now().with_timezone(&ZONE).format("%Y-%m-%dT%H:%M:%S").to_string();
        Ok(json!({ "status": "ok", "computed_at": computed, "results": results }))
    }

    /// `/events`, of several events at once, and by week as well.
    pub(super) fn events(&self, call: &Call) -> Told {
        only(call, &["event", "type", "unit", "from_date", "to_date", "interval"])?;
        let list: Vec<String> =
            serde_json::from_str(call.param("event").unwrap_or_default()).map_err(|_| "event is a JSON array of names")?;
        let people = people(call)?;
        let (names, name) = match call.param("unit") {
            Some("week") => {
                let name: Name = |at| monday(at).to_string();
                (moments(call, name)?, name)
            }
            _ => unit(call)?,
        };
        let mut values = Map::new();
        let asked = self.asked(call, "")?;
        for event in list {
            let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for one in asked.iter().filter(|one| one.name == event) {
                found.entry(name(one.at)).or_default().push(one.person.clone());
            }
            let date = |name: &String| (name.clone(), json!(found.get(name).map_or(0, |found| count(found, people))));
            values.insert(event, names.iter().map(date).collect::<Map<_, _>>().into());
        }
        Ok(json!({ "data": { "series": names, "values": values }, "legend_size": values.len() }))
    }

    /// `/insights`: one saved report, sign-ups by day over all time.
    pub(super) fn insights(&self, call: &Call) -> Told {
        only(call, &["bookmark_id"])?;
        if call.param("bookmark_id") != Some("4242") {
            return Err("Bookmark not found".into());
        }
        let mut days: BTreeMap<Timestamp, usize> = BTreeMap::new();
        for one in self.history.all().iter().filter(|one| one.name == "signup") {
            *days.entry(bellhop_core::period::midnight(local(one.at), ZONE)).or_default() += 1;
        }
        let series: Map<String, Value> = days.iter().map(|(at, count)| (at.with_timezone(&ZONE).to_rfc3339(), json!(count))).collect();
        let range = |at: Option<&Timestamp>| at.map(|at| at.with_timezone(&ZONE).to_rfc3339());
        Ok(json!({ "computed_at": self.clock.now().to_rfc3339(),
            "date_range": { "from_date": range(days.keys().next()), "to_date": range(days.keys().next_back()) },
            "headers": ["$event"], "series": { "Sign up": series } }))
    }
}
