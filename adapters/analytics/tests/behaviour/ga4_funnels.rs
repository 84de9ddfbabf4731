//! Funnels of the world of Google Analytics: closed ones with steps in order, computed from its events.

use super::ga4_reports::{dimension, expression, filtered, only, written};
use super::ga4_world::{DIMENSIONS, Ga4World};
use super::history::Happened;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn fits(world: &Ga4World, step: &Value, one: &Happened) -> Result<bool, String> {
    expression(&step["filterExpression"], &|kind, inner| match kind {
        "funnelEventFilter" => {
            only(inner, &["eventName", "funnelParameterFilterExpression"])?;
            Ok(inner["eventName"].as_str().ok_or("eventName")? == one.name)
        }
        "funnelFieldFilter" => filtered(inner, &|field| {
            if DIMENSIONS.contains(&field) { Ok(dimension(world, one, field)) } else { Err(format!("Field {field} is unknown")) }
        }),
        kind => Err(format!("Unknown name \"{kind}\"")),
    })
}

/// `runFunnelReport`
pub fn funnel(world: &Ga4World, body: &Value) -> Result<Value, String> {
    only(body, &["dateRanges", "funnel", "funnelBreakdown", "funnelVisualizationType", "returnPropertyQuota", "limit", "segments"])?;
    only(&body["funnel"], &["isOpenFunnel", "steps"])?;
    let events = world.between(&body["dateRanges"][0])?;
    let steps = body["funnel"]["steps"].as_array().filter(|steps| !steps.is_empty()).ok_or("funnel.steps")?;
    for step in steps {
        only(step, &["name", "isDirectlyFollowedBy", "withinDurationFromPriorStep", "filterExpression"])?;
    }
    let by = match body.get("funnelBreakdown") {
        None => None,
        Some(breakdown) => {
            only(breakdown, &["breakdownDimension", "limit"])?;
            let most = breakdown["limit"].as_str().and_then(|most| most.parse::<u32>().ok()).ok_or("limit is an int64, a text")?;
            if most > 15 {
                return Err("funnelBreakdown.limit is 15 at the most".into());
            }
            Some(breakdown["breakdownDimension"]["name"].as_str().ok_or("breakdownDimension")?.to_owned())
        }
    };
    let mut reached: BTreeMap<(usize, String), f64> = BTreeMap::new();
    for person in events.iter().map(|one| one.person).collect::<BTreeSet<_>>() {
        let own: Vec<&Happened> = events.iter().filter(|one| one.person == person).collect();
        let mut at = None;
        let mut group = "(not set)".to_owned();
        for (number, step) in steps.iter().enumerate() {
            let from = at.map_or(0, |at: usize| at + 1);
            let most = step.get("withinDurationFromPriorStep").map(seconds).transpose()?;
            let mut found = None;
            for (position, one) in own.iter().enumerate().skip(from) {
                let late = match (at, most) {
                    (Some(before), Some(most)) => (one.at - own[before].at).num_seconds() > most,
                    _ => false,
                };
                if late || step["isDirectlyFollowedBy"] == json!(true) && position > from {
                    break;
                }
                if fits(world, step, one)? {
                    found = Some(position);
                    break;
                }
            }
            let Some(position) = found else { break };
            if let (0, Some(by)) = (number, &by) {
                group = dimension(world, own[position], by);
            }
            at = Some(position);
            *reached.entry((number, "RESERVED_TOTAL".to_owned())).or_default() += 1.0;
            if by.is_some() {
                *reached.entry((number, group.clone())).or_default() += 1.0;
            }
        }
    }
    let dimensions: Vec<String> = std::iter::once("funnelStepName".to_owned()).chain(by.clone()).collect();
    let rows: Vec<(Vec<String>, Vec<f64>)> = reached
        .into_iter()
        .map(|((number, group), people)| {
            let name = format!("{}. {}", number + 1, steps[number]["name"].as_str().unwrap_or_default());
            (std::iter::once(name).chain(by.as_ref().map(|_| group)).collect(), vec![people, 0.0])
        })
        .collect();
    let table = written(world, &dimensions, &["activeUsers".to_owned(), "funnelStepCompletionRate".to_owned()], &rows, rows.len());
    Ok(json!({ "funnelTable": table, "funnelVisualization": {}, "kind": "analyticsData#runFunnelReport" }))
}

/// `86400s`
fn seconds(text: &Value) -> Result<i64, String> {
    text.as_str().and_then(|text| text.strip_suffix('s')?.parse().ok()).ok_or_else(|| format!("Invalid duration {text}"))
}
