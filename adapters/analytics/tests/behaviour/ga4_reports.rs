//! Reports of the world of Google Analytics: strict about their shape, computed from its events.

use super::ga4_world::{DIMENSIONS, Ga4World, METRICS};
use super::history::Happened;
use bellhop_core::Clock as _;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

type Told = Result<Value, String>;

const FIELDS: [&str; 12] = [
    "dateRanges",
    "dimensions",
    "metrics",
    "dimensionFilter",
    "metricFilter",
    "orderBys",
    "limit",
    "offset",
    "keepEmptyRows",
    "currencyCode",
    "returnPropertyQuota",
    "cohortSpec",
];

/// Refuses fields that the vendor doesn't know.
pub fn only(value: &Value, fields: &[&str]) -> Result<(), String> {
    let map = value.as_object().ok_or("an object is wanted")?;
    match map.keys().find(|key| !fields.contains(&key.as_str())) {
        Some(odd) => Err(format!("Invalid JSON payload received. Unknown name \"{odd}\": Cannot find field.")),
        None => Ok(()),
    }
}

fn names(body: &Value, list: &str, known: &[&str], most: usize) -> Result<Vec<String>, String> {
    let all: Vec<String> = body
        .get(list)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|one| {
            only(one, &["name"])?;
            let name = one["name"].as_str().unwrap_or_default();
            if known.contains(&name) { Ok(name.to_owned()) } else { Err(format!("Field {name} is not a valid {list}.")) }
        })
        .collect::<Result<_, String>>()?;
    if all.len() > most { Err(format!("at most {most} {list}")) } else { Ok(all) }
}

/// The value of a dimension of an event.
pub fn dimension(world: &Ga4World, one: &Happened, name: &str) -> String {
    let local = one.at.with_timezone(&world.zone);
    let property = |name: &str| one.property(name).unwrap_or("(not set)").to_owned();
    match name {
        "date" => local.format("%Y%m%d").to_string(),
        "dateHour" => local.format("%Y%m%d%H").to_string(),
        "isoYearIsoWeek" => local.format("%G%V").to_string(),
        "yearMonth" => local.format("%Y%m").to_string(),
        "eventName" => one.name.to_owned(),
        "isKeyEvent" => key(one).to_string(),
        "pagePath" | "unifiedScreenName" => property("page"),
        name => property(name.rsplit(':').next().unwrap_or(name)),
    }
}

fn key(one: &Happened) -> bool {
    matches!(one.name, "signup" | "purchase")
}

#[expect(clippy::cast_precision_loss, reason = "a few events")]
fn metric(name: &str, events: &[&Happened]) -> f64 {
    let people =
        |fits: fn(&Happened) -> bool| events.iter().filter(|one| fits(one)).map(|one| one.person).collect::<BTreeSet<_>>().len() as f64;
    let count = |fits: fn(&Happened) -> bool| events.iter().filter(|one| fits(one)).count() as f64;
    let sum: f64 = events.iter().map(|one| one.price()).sum();
    match name {
        "eventCount" => events.len() as f64,
        "screenPageViews" => count(|one| one.name == "page_view"),
        "totalUsers" | "activeUsers" => people(|_| true),
        "sessions" => events.iter().map(|one| one.session()).collect::<BTreeSet<_>>().len() as f64,
        "keyEvents" => count(key),
        "totalRevenue" | "customEvent:price" => sum,
        "transactions" => count(|one| one.name == "purchase"),
        "totalPurchasers" => people(|one| one.name == "purchase"),
        "averageCustomEvent:price" => sum / count(|one| one.property("price").is_some()).max(1.0),
        _ => 0.0,
    }
}

/// Whether a dimension's value fits a filter.
pub fn filtered(filter: &Value, value: &dyn Fn(&str) -> Result<String, String>) -> Result<bool, String> {
    let field = filter["fieldName"].as_str().ok_or("a filter without fieldName")?;
    only(filter, &["fieldName", "stringFilter", "inListFilter", "numericFilter", "emptyFilter"])?;
    if filter.as_object().is_some_and(|map| map.len() != 2) {
        return Err("a filter is exactly one of its kinds".into());
    }
    let value = value(field)?;
    if let Some(text) = filter.get("stringFilter") {
        only(text, &["matchType", "value", "caseSensitive"])?;
        let wanted = text["value"].as_str().ok_or("stringFilter.value is a text")?;
        return match text["matchType"].as_str() {
            Some("EXACT") => Ok(value == wanted),
            Some("CONTAINS") => Ok(value.contains(wanted)),
            Some("BEGINS_WITH") => Ok(value.starts_with(wanted)),
            other => Err(format!("Invalid matchType {other:?}")),
        };
    }
    if let Some(list) = filter.get("inListFilter") {
        only(list, &["values", "caseSensitive"])?;
        return Ok(list["values"].as_array().ok_or("values")?.iter().any(|one| *one == json!(value)));
    }
    if let Some(number) = filter.get("numericFilter") {
        only(number, &["operation", "value"])?;
        only(&number["value"], &["int64Value", "doubleValue"])?;
        let whole = number["value"]["int64Value"].as_str().and_then(|text| text.parse::<f64>().ok());
        let wanted = whole.or_else(|| number["value"]["doubleValue"].as_f64()).ok_or("numericFilter.value")?;
        let Ok(value) = value.parse::<f64>() else { return Ok(false) };
        return match number["operation"].as_str() {
            Some("LESS_THAN") => Ok(value < wanted),
            Some("LESS_THAN_OR_EQUAL") => Ok(value <= wanted),
            Some("GREATER_THAN") => Ok(value > wanted),
            Some("GREATER_THAN_OR_EQUAL") => Ok(value >= wanted),
            other => Err(format!("Invalid operation {other:?}")),
        };
    }
    Ok(value.is_empty())
}

/// Whether an event fits an expression; `leaf` reads what stands at its ends.
pub fn expression(tree: &Value, leaf: &dyn Fn(&str, &Value) -> Result<bool, String>) -> Result<bool, String> {
    let map = tree.as_object().filter(|map| map.len() == 1).ok_or("an expression is exactly one of its kinds")?;
    let (kind, inner) = map.iter().next().ok_or("an empty expression")?;
    let list = || -> Result<Vec<bool>, String> {
        only(inner, &["expressions"])?;
        inner["expressions"].as_array().ok_or("expressions")?.iter().map(|one| expression(one, leaf)).collect()
    };
    match kind.as_str() {
        "andGroup" => Ok(list()?.into_iter().all(|fits| fits)),
        "orGroup" => Ok(list()?.into_iter().any(|fits| fits)),
        "notExpression" => Ok(!expression(inner, leaf)?),
        kind => leaf(kind, inner),
    }
}

fn fits(world: &Ga4World, tree: &Value, one: &Happened) -> Result<bool, String> {
    expression(tree, &|kind, inner| {
        if kind != "filter" {
            return Err(format!("Unknown name \"{kind}\""));
        }
        filtered(inner, &|field| {
            if DIMENSIONS.contains(&field) {
                Ok(dimension(world, one, field))
            } else {
                Err(format!("Field {field} is not a valid dimension."))
            }
        })
    })
}

fn limit(body: &Value) -> Result<usize, String> {
    match body.get("limit") {
        None => Ok(10_000),
        Some(Value::String(text)) => {
            text.parse().ok().filter(|most| (1..=250_000).contains(most)).ok_or_else(|| "Invalid limit".to_owned())
        }
        Some(_) => Err("limit is an int64, a text on the wire".to_owned()),
    }
}

/// `runReport`
pub fn report(world: &Ga4World, body: &Value) -> Told {
    only(body, &FIELDS)?;
    let dimensions = names(body, "dimensions", &DIMENSIONS, 9)?;
    let metrics = names(body, "metrics", &METRICS, 10)?;
    if metrics.is_empty() {
        return Err("A report needs metrics.".into());
    }
    if body.get("cohortSpec").is_some() {
        return cohorts(world, body, &dimensions, &metrics);
    }
    let ranges = body["dateRanges"].as_array().filter(|list| list.len() == 1).ok_or("dateRanges: one is wanted")?;
    only(&ranges[0], &["startDate", "endDate", "name"])?;
    let events = world.between(&ranges[0])?;
    let mut kept = Vec::new();
    for one in &events {
        let good = body.get("dimensionFilter").map_or(Ok(true), |tree| fits(world, tree, one))?;
        if good {
            kept.push(one);
        }
    }
    table(world, &kept, &dimensions, &metrics, body)
}

fn table(world: &Ga4World, events: &[&Happened], dimensions: &[String], metrics: &[String], body: &Value) -> Told {
    let mut groups: BTreeMap<Vec<String>, Vec<&Happened>> = BTreeMap::new();
    for one in events {
        groups.entry(dimensions.iter().map(|name| dimension(world, one, name)).collect()).or_default().push(one);
    }
    let mut rows: Vec<(Vec<String>, Vec<f64>)> = groups
        .into_iter()
        .map(|(values, events)| (values, metrics.iter().map(|name| metric(name, &events)).collect::<Vec<_>>()))
        .filter(|(_, figures)| figures.iter().any(|figure| *figure != 0.0))
        .collect();
    for order in body.get("orderBys").and_then(Value::as_array).into_iter().flatten() {
        only(order, &["metric", "dimension", "desc"])?;
        let name = order["metric"]["metricName"].as_str().ok_or("metricName")?;
        let position = metrics.iter().position(|metric| metric == name).ok_or("orderBys names no metric of the report")?;
        rows.sort_by(|a, b| b.1[position].total_cmp(&a.1[position]));
    }
    let all = rows.len();
    rows.truncate(limit(body)?);
    Ok(written(world, dimensions, metrics, &rows, all))
}

/// A table as the vendor writes it: all values texts, no `rows` where there are none.
pub fn written(world: &Ga4World, dimensions: &[String], metrics: &[String], rows: &[(Vec<String>, Vec<f64>)], all: usize) -> Value {
    let kind = |name: &String| if name.contains("evenue") { "TYPE_CURRENCY" } else { "TYPE_INTEGER" };
    let mut told = json!({
        "dimensionHeaders": dimensions.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "metricHeaders": metrics.iter().map(|name| json!({ "name": name, "type": kind(name) })).collect::<Vec<_>>(),
        "metadata": { "currencyCode": "EUR", "timeZone": world.zone.name() },
        "kind": "analyticsData#runReport",
    });
    if !rows.is_empty() {
        told["rowCount"] = json!(all);
        let texts = |values: &[String]| values.iter().map(|value| json!({ "value": value })).collect::<Vec<_>>();
        let row = |(values, figures): &(Vec<String>, Vec<f64>)| json!({ "dimensionValues": texts(values), "metricValues": figures.iter().map(|figure| json!({ "value": figure.to_string() })).collect::<Vec<_>>() });
        told["rows"] = rows.iter().map(row).collect();
    }
    told
}

fn cohorts(world: &Ga4World, body: &Value, dimensions: &[String], metrics: &[String]) -> Told {
    let spec = &body["cohortSpec"];
    only(spec, &["cohorts", "cohortsRange", "cohortReportSettings"])?;
    only(&spec["cohortsRange"], &["granularity", "startOffset", "endOffset"])?;
    if body.get("dateRanges").is_some() {
        return Err("dateRanges must be omitted from cohort reports".into());
    }
    if !dimensions.iter().any(|name| name == "cohort") {
        return Err("Cohort reports need the dimension cohort".into());
    }
    let width = match (spec["cohortsRange"]["granularity"].as_str(), dimensions.get(1).map(String::as_str)) {
        (Some("DAILY"), Some("cohortNthDay")) => 1,
        (Some("WEEKLY"), Some("cohortNthWeek")) => 7,
        other => return Err(format!("the dimension and the granularity don't fit: {other:?}")),
    };
    let last = spec["cohortsRange"]["endOffset"].as_i64().ok_or("endOffset is a number")?;
    let mut rows = Vec::new();
    for cohort in spec["cohorts"].as_array().ok_or("cohorts")? {
        only(cohort, &["name", "dimension", "dateRange"])?;
        let name = cohort["name"].as_str().filter(|name| !name.starts_with("cohort_") && !name.starts_with("RESERVED_")).ok_or("name")?;
        if cohort["dimension"] != "firstSessionDate" {
            return Err("only firstSessionDate is supported".into());
        }
        only(&cohort["dateRange"], &["startDate", "endDate"])?;
        let born: BTreeSet<&str> =
            world.between(&cohort["dateRange"])?.iter().filter(|one| world.first(one.person) == one.at).map(|one| one.person).collect();
        let start: chrono::NaiveDate = cohort["dateRange"]["startDate"].as_str().and_then(|day| day.parse().ok()).ok_or("startDate")?;
        for unit in 0..=last {
            let active: BTreeSet<&str> = world
                .events
                .iter()
                .filter(|one| one.at <= world.clock.now() && born.contains(one.person))
                .filter(|one| (one.at.with_timezone(&world.zone).date_naive() - start).num_days() / width == unit)
                .map(|one| one.person)
                .collect();
            if !active.is_empty() {
                let figure = |metric: &String| if metric == "cohortActiveUsers" { active.len() } else { born.len() };
                #[expect(clippy::cast_precision_loss, reason = "a few people")]
                rows.push((vec![name.to_owned(), format!("{unit:04}")], metrics.iter().map(|name| figure(name) as f64).collect()));
            }
        }
    }
    Ok(written(world, dimensions, metrics, &rows, rows.len()))
}

/// `runRealtimeReport`
pub fn realtime(world: &Ga4World, body: &Value) -> Told {
    only(body, &["dimensions", "metrics", "dimensionFilter", "metricFilter", "limit", "orderBys", "minuteRanges", "returnPropertyQuota"])?;
    let dimensions = names(body, "dimensions", &["eventName", "unifiedScreenName", "country", "deviceCategory"], 4)?;
    let metrics = names(body, "metrics", &["activeUsers", "eventCount", "keyEvents", "screenPageViews"], 4)?;
    let range = body["minuteRanges"].as_array().filter(|list| (1..=2).contains(&list.len())).ok_or("minuteRanges")?[0].clone();
    only(&range, &["name", "startMinutesAgo", "endMinutesAgo"])?;
    let start = range["startMinutesAgo"].as_i64().filter(|start| (0..30).contains(start)).ok_or("startMinutesAgo is 0 to 29")?;
    let since = world.clock.now() - chrono::TimeDelta::minutes(start + 1);
    let mut kept = Vec::new();
    for one in world.events.iter().filter(|one| one.at >= since && one.at <= world.clock.now()) {
        if body.get("dimensionFilter").map_or(Ok(true), |tree| fits(world, tree, one))? {
            kept.push(one);
        }
    }
    let mut told = table(world, &kept, &dimensions, &metrics, body)?;
    if let Some(told) = told.as_object_mut() {
        told.remove("metadata");
    }
    Ok(told)
}
