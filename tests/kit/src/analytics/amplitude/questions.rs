//! How often events happened, and what new people paid.

use super::events::{event, paid};
use super::{AmplitudeWorld, ZONE, date, local, only};
use crate::analytics::{Call, Happened, Told, figure};
use bellhop_core::Timestamp;
use chrono::{Datelike as _, TimeDelta};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Days after the first visit that the lifetime value is told for.
const AFTER: [i64; 8] = [1, 2, 3, 7, 14, 30, 60, 90];

impl AmplitudeWorld {
    /// `/api/2/events/list`
    pub(super) fn list(&self) -> Value {
        let count = |name: &String| self.history.all().iter().filter(|one| one.name == *name).count();
        let known = |name: &String| json!({ "name": name, "value": name, "display": name, "totals": count(name), "non_active": false, "deleted": false, "hidden": false });
        let gone = json!({ "name": "retired_event", "value": "retired_event", "totals": 0, "non_active": false, "deleted": true });
        json!({ "data": self.history.names().iter().map(known).chain([gone]).collect::<Vec<_>>() })
    }

    /// `/api/2/events/segmentation`
    pub(super) fn segmentation(&self, call: &Call) -> Told {
        only(call, &["e", "m", "start", "end", "i", "limit", "n"])?;
        let asked = event(call.param("e").ok_or("Missing parameter e")?)?;
        let (from, to) = (date(call, "start")?, date(call, "end")?);
        let days = (to - from).num_days() + 1;
        let name: fn(Timestamp) -> String = match call.param("i") {
            Some("-3600000") if days <= 7 => |at| at.with_timezone(&ZONE).format("%Y-%m-%dT%H:00:00").to_string(),
            Some("1") | None if days <= 365 => |at| local(at).to_string(),
            Some("7") => |at| (local(at) - TimeDelta::days(local(at).weekday().num_days_from_monday().into())).to_string(),
            Some("30") => |at| local(at).format("%Y-%m-01").to_string(),
            other => return Err(format!("{days} days are too many for i={other:?}")),
        };
        let limit = call.param("limit").map_or(Some(100), |limit| limit.parse::<usize>().ok()).filter(|limit| (1..=1000).contains(limit));
        let limit = limit.ok_or("limit is at most 1000")?;
        let mut at = bellhop_core::period::midnight(from, ZONE);
        let mut x = BTreeSet::new();
        while local(at) <= to {
            x.insert(name(at));
            at += TimeDelta::hours(1);
        }
        let m = call.param("m").unwrap_or("uniques");
        let numeric = matches!(m, "sums" | "value_avg");
        let by = asked.by.clone();
        if numeric && by.is_none() {
            return Err("A valid group_by is required for property metrics".into());
        }
        let mut groups: BTreeMap<Option<String>, Vec<Happened>> = BTreeMap::new();
        for one in self.found(call, &asked)? {
            let group = by.as_ref().filter(|_| !numeric).map(|by| self.property(&one, by));
            groups.entry(group).or_default().push(one);
        }
        if groups.is_empty() {
            groups.insert(None, Vec::new());
        }
        let number = |one: &Happened| match by.as_deref() {
            Some("$revenue") => paid(one),
            Some(name) => one.number(name),
            None => None,
        };
        let measured = |all: &[&Happened]| {
            let numbers: Vec<f64> = all.iter().filter_map(|one| number(one)).collect();
            match m {
                "uniques" => Ok(figure(all.iter().map(|one| one.person.as_str()).collect::<BTreeSet<_>>().len())),
                "totals" => Ok(figure(all.len())),
                "sums" => Ok(numbers.iter().sum()),
                "value_avg" => Ok(if numbers.is_empty() { 0.0 } else { numbers.iter().sum::<f64>() / figure(numbers.len()) }),
                other => Err(format!("Invalid m {other}")),
            }
        };
        let mut groups: Vec<(Option<String>, Vec<Happened>)> = groups.into_iter().collect();
        groups.sort_by_key(|(_, found)| std::cmp::Reverse(found.len()));
        groups.truncate(limit);
        let (mut series, mut labels, mut collapsed) = (Vec::new(), Vec::new(), Vec::new());
        for (group, found) in &groups {
            let row: Result<Vec<f64>, String> =
                x.iter().map(|x| measured(&found.iter().filter(|one| name(one.at) == *x).collect::<Vec<_>>())).collect();
            series.push(json!(row?));
            labels.push(group.as_ref().map_or(json!(0), |group| json!([0, group])));
            collapsed.push(json!([{ "setId": "", "value": measured(&found.iter().collect::<Vec<_>>())? }]));
        }
        Ok(json!({ "data": { "series": series, "seriesLabels": labels, "seriesCollapsed": collapsed, "xValues": x } }))
    }

    /// `/api/2/revenue/ltv`
    pub(super) fn lifetime(&self, call: &Call) -> Told {
        only(call, &["m", "start", "end", "i"])?;
        let m = call.param("m").unwrap_or("0");
        if !["0", "1", "2", "3"].contains(&m) || call.param("i").is_some_and(|i| i != "1") {
            return Err("This world tells the four metrics by the day".into());
        }
        let (from, to) = (date(call, "start")?, date(call, "end")?);
        let all = self.history.all();
        let mut days: BTreeMap<String, Vec<&Happened>> = BTreeMap::new();
        for person in all.iter().map(|one| one.person.as_str()).collect::<BTreeSet<_>>() {
            let first = all.iter().find(|one| one.person == person).filter(|one| (from..=to).contains(&local(one.at)));
            if let Some(first) = first {
                days.entry(local(first.at).to_string()).or_default().push(first);
            }
        }
        let mut values = Map::new();
        for (day, people) in &days {
            let by = |days: i64| {
                let paid = |first: &&Happened| {
                    let own = all.iter().filter(|one| one.person == first.person && one.at - first.at <= TimeDelta::days(days));
                    own.filter_map(paid).sum::<f64>()
                };
                let sums: Vec<f64> = people.iter().map(paid).collect();
                (sums.iter().sum::<f64>(), sums.iter().filter(|sum| **sum > 0.0).count())
            };
            let (total, payers) = by(36_500);
            let mut cohort = json!({ "count": people.len(), "paid": payers, "total_amount": total });
            for after in AFTER {
                let (sum, payers) = by(after);
                let per = |many: usize| if many == 0 { 0.0 } else { sum / figure(many) };
                cohort[format!("r{after}d")] = json!(match m {
                    "0" => per(people.len()),
                    "1" => per(payers),
                    "2" => sum,
                    _ => figure(payers),
                });
            }
            values.insert(day.clone(), cohort);
        }
        Ok(json!({ "data": { "seriesLabels": [""], "series": [{ "dates": days.keys().rev().collect::<Vec<_>>(), "values": values }] } }))
    }
}
