//! Filters of reports and funnels: expressions of exactly one kind at each place.

use super::{int64, only, word};
use serde_json::{Value, json};

const MATCHES: [&str; 7] = ["MATCH_TYPE_UNSPECIFIED", "EXACT", "BEGINS_WITH", "ENDS_WITH", "CONTAINS", "FULL_REGEXP", "PARTIAL_REGEXP"];
const OPERATIONS: [&str; 6] =
    ["OPERATION_UNSPECIFIED", "EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL"];
const KINDS: [&str; 5] = ["stringFilter", "inListFilter", "numericFilter", "betweenFilter", "emptyFilter"];

/// Whether an expression holds; `leaf` reads what stands at its ends.
pub(super) fn expression(tree: &Value, leaf: &dyn Fn(&str, &Value) -> Result<bool, String>) -> Result<bool, String> {
    let map = tree.as_object().filter(|map| map.len() == 1).ok_or("A filter expression has exactly one of its kinds.")?;
    let (kind, inner) = map.iter().next().ok_or("A filter expression is empty.")?;
    let list = || -> Result<Vec<bool>, String> {
        only(inner, &["expressions"])?;
        let expressions = inner["expressions"].as_array().filter(|list| !list.is_empty()).ok_or("A group has no expressions.")?;
        expressions.iter().map(|one| expression(one, leaf)).collect()
    };
    match kind.as_str() {
        "andGroup" => Ok(list()?.into_iter().all(|fits| fits)),
        "orGroup" => Ok(list()?.into_iter().any(|fits| fits)),
        "notExpression" => Ok(!expression(inner, leaf)?),
        kind => leaf(kind, inner),
    }
}

/// Whether the value of the field that `name` says fits a filter.
pub(super) fn filtered(filter: &Value, name: &str, value: &dyn Fn(&str) -> Result<String, String>) -> Result<bool, String> {
    let field = filter[name].as_str().ok_or_else(|| format!("A filter has no {name}."))?;
    only(filter, &[&[name][..], &KINDS].concat())?;
    if filter.as_object().is_some_and(|map| map.len() != 2) {
        return Err("A filter has exactly one of its kinds.".into());
    }
    let value = value(field)?;
    if let Some(text) = filter.get("stringFilter") {
        return matched(text, &value);
    }
    if let Some(list) = filter.get("inListFilter") {
        only(list, &["values", "caseSensitive"])?;
        let values = list["values"].as_array().filter(|list| !list.is_empty()).ok_or("inListFilter.values is empty.")?;
        return Ok(values.iter().any(|one| *one == json!(value)));
    }
    let number = value.parse::<f64>().ok();
    if let Some(numeric) = filter.get("numericFilter") {
        only(numeric, &["operation", "value"])?;
        let wanted = figure(&numeric["value"])?;
        let operation = word(&numeric["operation"], &OPERATIONS).ok_or("Invalid numericFilter.operation.")?;
        return Ok(number.is_some_and(|number| match operation {
            "EQUAL" => (number - wanted).abs() < f64::EPSILON,
            "LESS_THAN" => number < wanted,
            "LESS_THAN_OR_EQUAL" => number <= wanted,
            "GREATER_THAN" => number > wanted,
            _ => number >= wanted,
        }));
    }
    if let Some(between) = filter.get("betweenFilter") {
        only(between, &["fromValue", "toValue"])?;
        let range = figure(&between["fromValue"])?..=figure(&between["toValue"])?;
        return Ok(number.is_some_and(|number| range.contains(&number)));
    }
    Ok(value.is_empty())
}

fn matched(text: &Value, value: &str) -> Result<bool, String> {
    only(text, &["matchType", "value", "caseSensitive"])?;
    let wanted = text["value"].as_str().filter(|wanted| !wanted.is_empty()).ok_or("stringFilter.value is required.")?;
    let (value, wanted) = match text.get("caseSensitive") {
        Some(Value::Bool(true)) => (value.to_owned(), wanted.to_owned()),
        None | Some(Value::Bool(false)) => (value.to_lowercase(), wanted.to_lowercase()),
        Some(_) => return Err("stringFilter.caseSensitive is true or false.".into()),
    };
    match text.get("matchType").map_or(Some("EXACT"), |kind| word(kind, &MATCHES)) {
        Some("EXACT") => Ok(value == wanted),
        Some("CONTAINS") => Ok(value.contains(&wanted)),
        Some("BEGINS_WITH") => Ok(value.starts_with(&wanted)),
        Some("ENDS_WITH") => Ok(value.ends_with(&wanted)),
        _ => Err("Invalid stringFilter.matchType, or an expression that this world doesn't read.".into()),
    }
}

/// A number, written as exactly one of its kinds.
fn figure(value: &Value) -> Result<f64, String> {
    only(value, &["int64Value", "doubleValue"])?;
    let whole = value.get("int64Value").and_then(int64);
    #[expect(clippy::cast_precision_loss, reason = "figures of a few people")]
    let wanted = whole.map(|whole| whole as f64).or_else(|| value.get("doubleValue")?.as_f64());
    wanted.filter(|_| value.as_object().is_some_and(|map| map.len() == 1)).ok_or_else(|| "A numeric value has one of its kinds.".to_owned())
}
