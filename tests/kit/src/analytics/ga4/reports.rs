//! Reports: strict about their shape, computed from the raw events.

use super::figures::{DIMENSIONS, METRICS, dimension, kind, metric};
use super::filters::{expression, filtered};
use super::{Ga4World, ZONE, int64, only, word};
use crate::analytics::{Happened, Told};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const FIELDS: [&str; 14] = [
    "property",
    "dateRanges",
    "dimensions",
    "metrics",
    "dimensionFilter",
    "metricFilter",
    "orderBys",
    "limit",
    "offset",
    "keepEmptyRows",
    "metricAggregations",
    "currencyCode",
    "returnPropertyQuota",
    "cohortSpec",
];
const REALTIME: [&str; 10] = [
    "property",
    "dimensions",
    "metrics",
    "dimensionFilter",
    "metricFilter",
    "limit",
    "orderBys",
    "metricAggregations",
    "minuteRanges",
    "returnPropertyQuota",
];
const AGGREGATIONS: [&str; 7] = ["METRIC_AGGREGATION_UNSPECIFIED", "TOTAL", "", "", "COUNT", "MINIMUM", "MAXIMUM"];

/// A row: values of dimensions, and figures.
pub(super) type Row = (Vec<String>, Vec<f64>);

/// Names of dimensions or metrics, each known and given once.
pub(super) fn names(body: &Value, list: &str, known: &[&str], most: usize) -> Result<Vec<String>, String> {
    let given = match body.get(list) {
        None => return Ok(Vec::new()),
        Some(given) => given.as_array().ok_or_else(|| format!("{list} is a list."))?,
    };
    let mut all: Vec<String> = Vec::new();
    for one in given {
        only(one, &["name"])?;
        let name = one["name"].as_str().unwrap_or_default();
        let what = list.trim_end_matches('s');
        if !known.contains(&name) {
            return Err(format!(
                "Field {name} is not a valid {what}. For a list of valid dimensions and metrics, see https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema"
            ));
        }
        if all.iter().any(|before| before == name) {
            return Err(format!("Duplicate {what} {name}."));
        }
        all.push(name.to_owned());
    }
    if all.len() > most { Err(format!("The request has {} {list}; at most {most} are allowed.", all.len())) } else { Ok(all) }
}

/// What can't be asked for together: items have metrics of their own.
fn fit(dimensions: &[String], metrics: &[String]) -> Result<(), String> {
    let of_items = |name: &str| name.starts_with("item");
    let odd = metrics.iter().find(|name| !of_items(name));
    match odd.filter(|_| dimensions.iter().any(|name| of_items(name))) {
        Some(odd) => Err(format!(
            "Please remove {odd} to make the request compatible. The request's dimensions & metrics are incompatible. To learn more, see https://ga-dev-tools.google/ga4/dimensions-metrics-explorer/"
        )),
        None => Ok(()),
    }
}

/// `checkCompatibility`
pub(super) fn compatibility(body: &Value) -> Told {
    only(body, &["property", "dimensions", "metrics", "dimensionFilter", "metricFilter", "compatibilityFilter"])?;
    let dimensions = names(body, "dimensions", &DIMENSIONS, 9)?;
    let metrics = names(body, "metrics", &METRICS, 10)?;
    let word = if fit(&dimensions, &metrics).is_ok() { "COMPATIBLE" } else { "INCOMPATIBLE" };
    let all = |names: &[String], what: &str| {
        names.iter().map(|name| json!({ what: { "apiName": name }, "compatibility": word })).collect::<Vec<_>>()
    };
    Ok(
        json!({ "dimensionCompatibilities": all(&dimensions, "dimensionMetadata"), "metricCompatibilities": all(&metrics, "metricMetadata") }),
    )
}

fn fits(tree: &Value, one: &Happened) -> Result<bool, String> {
    expression(tree, &|kind, inner| {
        if kind != "filter" {
            return Err(format!("Invalid JSON payload received. Unknown name \"{kind}\": Cannot find field."));
        }
        filtered(inner, "fieldName", &|field| {
            if DIMENSIONS.contains(&field) { Ok(dimension(one, field)) } else { Err(format!("Field {field} is not a valid dimension.")) }
        })
    })
}

fn kept<'a>(body: &Value, events: &'a [Happened]) -> Result<Vec<&'a Happened>, String> {
    let mut kept = Vec::new();
    for one in events {
        if body.get("dimensionFilter").map_or(Ok(true), |tree| fits(tree, one))? {
            kept.push(one);
        }
    }
    Ok(kept)
}

fn whole(body: &Value, name: &str, usual: usize, range: std::ops::RangeInclusive<usize>) -> Result<usize, String> {
    let Some(value) = body.get(name) else { return Ok(usual) };
    int64(value)
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("Invalid {name}."))
}

impl Ga4World {
    /// `runReport`
    pub(super) fn report(&self, body: &Value, quota: &Value) -> Told {
        only(body, &FIELDS)?;
        let mut dimensions = names(body, "dimensions", &DIMENSIONS, 9)?;
        let metrics = names(body, "metrics", &METRICS, 10)?;
        if metrics.is_empty() {
            return Err("At least one metric is required.".into());
        }
        fit(&dimensions, &metrics)?;
        if body.get("cohortSpec").is_some() {
            return self.cohorts(body, &dimensions, &metrics, quota);
        }
        if dimensions.iter().chain(&metrics).any(|name| name.starts_with("cohort")) {
            return Err("Cohort dimensions and metrics need a cohortSpec.".into());
        }
        let ranges = body["dateRanges"].as_array().filter(|list| (1..=4).contains(&list.len())).ok_or("1 to 4 dateRanges are required.")?;
        let mut rows: Vec<Row> = Vec::new();
        let mut all = Vec::new();
        for (number, range) in ranges.iter().enumerate() {
            let events = self.between(range)?;
            let kept = kept(body, &events)?;
            let name = range["name"].as_str().map_or_else(|| format!("date_range_{number}"), str::to_owned);
            for (mut values, figures) in table(&kept, &dimensions, &metrics) {
                if ranges.len() > 1 {
                    values.push(name.clone());
                }
                rows.push((values, figures));
            }
            all.extend(kept.into_iter().cloned());
        }
        if ranges.len() > 1 {
            dimensions.push("dateRange".to_owned());
        }
        finished(body, &dimensions, &metrics, rows, &all.iter().collect::<Vec<_>>(), quota)
    }

    /// `runRealtimeReport`
    pub(super) fn realtime(&self, body: &Value, quota: &Value) -> Told {
        only(body, &REALTIME)?;
        let dimensions = names(body, "dimensions", &["eventName", "unifiedScreenName", "country", "deviceCategory"], 4)?;
        let metrics = names(body, "metrics", &["activeUsers", "eventCount", "keyEvents", "screenPageViews"], 4)?;
        if metrics.is_empty() {
            return Err("At least one metric is required.".into());
        }
        let (mut start, mut end) = (29, 0);
        if let Some(ranges) = body.get("minuteRanges") {
            let range = ranges.as_array().filter(|list| list.len() == 1).ok_or("This world takes one minute range.")?;
            only(&range[0], &["name", "startMinutesAgo", "endMinutesAgo"])?;
            start = range[0].get("startMinutesAgo").map_or(Some(29), Value::as_i64).ok_or("Invalid startMinutesAgo.")?;
            end = range[0].get("endMinutesAgo").map_or(Some(0), Value::as_i64).ok_or("Invalid endMinutesAgo.")?;
        }
        if !(0..30).contains(&start) || !(0..=start).contains(&end) {
            return Err("Minute ranges lie within the last 30 minutes.".into());
        }
        let now = self.clock.now();
        let (since, until) = (now - chrono::TimeDelta::minutes(start + 1), now - chrono::TimeDelta::minutes(end));
        let events: Vec<Happened> = self.history.all().into_iter().filter(|one| one.at > since && one.at <= until).collect();
        let kept = kept(body, &events)?;
        let rows = table(&kept, &dimensions, &metrics);
        let mut told = finished(body, &dimensions, &metrics, rows, &kept, quota)?;
        told["kind"] = json!("analyticsData#runRealtimeReport");
        if let Some(told) = told.as_object_mut() {
            told.remove("metadata");
        }
        Ok(told)
    }
}

fn table(events: &[&Happened], dimensions: &[String], metrics: &[String]) -> Vec<Row> {
    let mut groups: BTreeMap<Vec<String>, Vec<&Happened>> = BTreeMap::new();
    for one in events {
        groups.entry(dimensions.iter().map(|name| dimension(one, name)).collect()).or_default().push(one);
    }
    groups.into_iter().map(|(values, events)| (values, metrics.iter().map(|name| metric(name, &events)).collect())).collect()
}

/// Leaves out, orders, cuts and writes.
fn finished(body: &Value, dimensions: &[String], metrics: &[String], mut rows: Vec<Row>, events: &[&Happened], quota: &Value) -> Told {
    if body.get("keepEmptyRows").and_then(Value::as_bool) != Some(true) {
        rows.retain(|(_, figures)| figures.iter().any(|figure| *figure != 0.0));
    }
    if let Some(tree) = body.get("metricFilter") {
        let mut kept = Vec::new();
        for row in rows {
            let value = |field: &str| {
                let at =
                    metrics.iter().position(|name| name == field).ok_or_else(|| format!("Field {field} is no metric of the request."))?;
                Ok(row.1[at].to_string())
            };
            if expression(tree, &|_, inner| filtered(inner, "fieldName", &value))? {
                kept.push(row);
            }
        }
        rows = kept;
    }
    for order in body.get("orderBys").and_then(Value::as_array).into_iter().flatten().rev() {
        only(order, &["metric", "dimension", "desc"])?;
        let position =
            |names: &[String], name: &Value| names.iter().position(|known| name == known).ok_or("orderBys names no field of the request.");
        if let Some(by) = order.get("metric") {
            let at = position(metrics, &by["metricName"])?;
            rows.sort_by(|a, b| a.1[at].total_cmp(&b.1[at]));
        } else {
            let at = position(dimensions, &order["dimension"]["dimensionName"])?;
            rows.sort_by(|a, b| a.0[at].cmp(&b.0[at]));
        }
        if order["desc"] == json!(true) {
            rows.reverse();
        }
    }
    let all = rows.len();
    let offset = whole(body, "offset", 0, 0..=usize::MAX)?;
    let rows: Vec<Row> = rows.into_iter().skip(offset).take(whole(body, "limit", 10_000, 1..=250_000)?).collect();
    let mut told = written(dimensions, metrics, &rows, all);
    for aggregation in body.get("metricAggregations").and_then(Value::as_array).into_iter().flatten() {
        match word(aggregation, &AGGREGATIONS) {
            Some("TOTAL") => {
                let total =
                    (vec!["RESERVED_TOTAL".to_owned(); dimensions.len()], metrics.iter().map(|name| metric(name, events)).collect());
                told["totals"] = json!([line(&total)]);
            }
            other => return Err(format!("This world aggregates no {other:?}.")),
        }
    }
    Ok(with_quota(told, body, quota))
}

/// The allowance, where it was asked for.
pub(super) fn with_quota(mut told: Value, body: &Value, quota: &Value) -> Value {
    if body.get("returnPropertyQuota").and_then(Value::as_bool) == Some(true) {
        told["propertyQuota"] = quota.clone();
    }
    told
}

fn line((values, figures): &Row) -> Value {
    let texts = |values: Vec<String>| values.into_iter().map(|value| json!({ "value": value })).collect::<Vec<_>>();
    json!({ "dimensionValues": texts(values.clone()), "metricValues": texts(figures.iter().map(f64::to_string).collect()) })
}

/// A table as the vendor writes it: all values texts, no `rows` where there are none.
pub(super) fn written(dimensions: &[String], metrics: &[String], rows: &[Row], all: usize) -> Value {
    let mut told = json!({
        "dimensionHeaders": dimensions.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "metricHeaders": metrics.iter().map(|name| json!({ "name": name, "type": kind(name) })).collect::<Vec<_>>(),
        "metadata": { "currencyCode": "EUR", "timeZone": ZONE.name() },
        "kind": "analyticsData#runReport",
    });
    if !rows.is_empty() {
        told["rowCount"] = json!(all);
        told["rows"] = rows.iter().map(line).collect();
    }
    told
}
