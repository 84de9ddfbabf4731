//! Funnels: closed ones with steps in order, computed from the raw events.

use super::figures::{DIMENSIONS, dimension};
use super::filters::{expression, filtered};
use super::reports::{Row, with_quota, written};
use super::{Ga4World, int64, only};
use crate::analytics::{Happened, Told, figure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The name of the row of everybody.
const EVERYBODY: &str = "RESERVED_TOTAL";
const FIELDS: [&str; 10] = [
    "property",
    "dateRanges",
    "funnel",
    "funnelBreakdown",
    "funnelNextAction",
    "funnelVisualizationType",
    "segments",
    "limit",
    "dimensionFilter",
    "returnPropertyQuota",
];

fn fits(step: &Value, one: &Happened) -> Result<bool, String> {
    expression(&step["filterExpression"], &|kind, inner| match kind {
        "funnelEventFilter" => {
            only(inner, &["eventName", "funnelParameterFilterExpression"])?;
            let named = inner["eventName"].as_str().ok_or("eventName is required.")? == one.name;
            Ok(inner.get("funnelParameterFilterExpression").map_or(Ok(true), |tree| parameters(tree, one))? && named)
        }
        "funnelFieldFilter" => filtered(inner, "fieldName", &|field| {
            if DIMENSIONS.contains(&field) { Ok(dimension(one, field)) } else { Err(format!("Field {field} is not a valid dimension.")) }
        }),
        kind => Err(format!("Invalid JSON payload received. Unknown name \"{kind}\": Cannot find field.")),
    })
}

fn parameters(tree: &Value, one: &Happened) -> Result<bool, String> {
    expression(tree, &|kind, inner| match kind {
        "funnelParameterFilter" => filtered(inner, "eventParameterName", &|name| Ok(one.property(name).unwrap_or_default())),
        kind => Err(format!("Invalid JSON payload received. Unknown name \"{kind}\": Cannot find field.")),
    })
}

/// `86400s`
fn seconds(text: &Value) -> Result<i64, String> {
    text.as_str().and_then(|text| text.strip_suffix('s')?.parse().ok()).ok_or_else(|| format!("Invalid duration {text}."))
}

/// The positions in a person's events at which they took each step, as far as they got.
fn path(steps: &[Value], own: &[&Happened]) -> Result<Vec<usize>, String> {
    let mut path: Vec<usize> = Vec::new();
    for step in steps {
        let before = path.last().copied();
        let from = before.map_or(0, |at| at + 1);
        let most = step.get("withinDurationFromPriorStep").map(seconds).transpose()?;
        let next = step["isDirectlyFollowedBy"] == json!(true);
        let mut found = None;
        for (position, one) in own.iter().enumerate().skip(from) {
            let late = before.zip(most).is_some_and(|(before, most)| (one.at - own[before].at).num_seconds() > most);
            if late || next && position > from {
                break;
            }
            if fits(step, one)? {
                found = Some(position);
                break;
            }
        }
        match found {
            Some(position) => path.push(position),
            None => break,
        }
    }
    Ok(path)
}

impl Ga4World {
    /// `runFunnelReport`
    pub(super) fn funnel(&self, body: &Value, quota: &Value) -> Told {
        only(body, &FIELDS)?;
        only(&body["funnel"], &["isOpenFunnel", "steps"])?;
        if body["funnel"]["isOpenFunnel"] == json!(true) || body.get("segments").is_some_and(|list| *list != json!([])) {
            return Err("This world has closed funnels of everybody.".into());
        }
        let ranges = body["dateRanges"].as_array().filter(|list| list.len() == 1).ok_or("One date range is required.")?;
        let events = self.between(&ranges[0])?;
        let steps = body["funnel"]["steps"].as_array().filter(|steps| !steps.is_empty()).ok_or("At least one funnel step is required.")?;
        for step in steps {
            only(step, &["name", "isDirectlyFollowedBy", "withinDurationFromPriorStep", "filterExpression"])?;
        }
        let by = match body.get("funnelBreakdown") {
            None => None,
            Some(breakdown) => {
                only(breakdown, &["breakdownDimension", "limit"])?;
                let most = breakdown.get("limit").map_or(Some(5), int64);
                if !most.is_some_and(|most| (1..=15).contains(&most)) {
                    return Err("The limit of a funnel breakdown is 1 to 15.".into());
                }
                let name = breakdown["breakdownDimension"]["name"].as_str().filter(|name| DIMENSIONS.contains(name));
                Some(name.ok_or("The breakdown dimension is not valid.")?.to_owned())
            }
        };
        let mut reached: BTreeMap<(usize, String), usize> = BTreeMap::new();
        for person in events.iter().map(|one| one.person.as_str()).collect::<BTreeSet<_>>() {
            let own: Vec<&Happened> = events.iter().filter(|one| one.person == person).collect();
            let path = path(steps, &own)?;
            let group = by.as_ref().zip(path.first()).map(|(by, first)| dimension(own[*first], by));
            for number in 0..path.len() {
                *reached.entry((number, EVERYBODY.to_owned())).or_default() += 1;
                if let Some(group) = &group {
                    *reached.entry((number, group.clone())).or_default() += 1;
                }
            }
        }
        let dimensions: Vec<String> = std::iter::once("funnelStepName".to_owned()).chain(by.clone()).collect();
        let rows: Vec<Row> = reached
            .iter()
            .map(|((number, group), people)| {
                let name = format!("{}. {}", number + 1, steps[*number]["name"].as_str().unwrap_or_default());
                let values = std::iter::once(name).chain(by.as_ref().map(|_| group.clone())).collect();
                let next = reached.get(&(number + 1, group.clone())).copied().unwrap_or(0);
                let last = number + 1 == steps.len();
                let lost = if last { 0 } else { people - next };
                let rate = |part: usize| if last { 0.0 } else { figure(part) / figure(*people) };
                (values, vec![figure(*people), rate(next), figure(lost), rate(lost)])
            })
            .collect();
        let metrics = ["activeUsers", "funnelStepCompletionRate", "funnelStepAbandonments", "funnelStepAbandonmentRate"].map(str::to_owned);
        let mut table = written(&dimensions, &metrics, &rows, rows.len());
        if let Some(table) = table.as_object_mut() {
            table.remove("kind");
            table.remove("rowCount");
        }
        Ok(with_quota(json!({ "funnelTable": table, "funnelVisualization": {}, "kind": "analyticsData#runFunnelReport" }), body, quota))
    }
}
