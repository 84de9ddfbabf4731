//! Answers of the Data API as they come: all values are texts, rows are absent where there are none.
//!
//! Source: <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/RunReportResponse>

use bellhop_core::analytics::{Basis, Comparison, Filter};
use bellhop_core::text::{one_line, shorten};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};

/// One report.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    #[serde(default)]
    pub dimension_headers: Vec<HeaderName>,
    #[serde(default)]
    pub metric_headers: Vec<HeaderName>,
    #[serde(default)]
    pub rows: Vec<Row>,
    #[serde(default)]
    pub row_count: Option<u64>,
    #[serde(default)]
    pub metadata: About,
}

/// Several reports.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Reports {
    #[serde(default)]
    pub reports: Vec<Report>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct HeaderName {
    #[serde(default)]
    pub name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    #[serde(default)]
    pub dimension_values: Vec<Cell>,
    #[serde(default)]
    pub metric_values: Vec<Cell>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Cell {
    /// Documented as text; read leniently.
    #[serde(default)]
    value: Value,
}

impl Cell {
    pub fn text(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }

    pub fn number(&self) -> Option<f64> {
        number(&self.value)
    }
}

/// A number, also one that came as text.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        Value::Number(number) => number.as_f64(),
        _ => None,
    }
}

impl Row {
    /// The value of a dimension; `None` for `(not set)` and what isn't there.
    pub fn dimension(&self, position: usize) -> Option<String> {
        self.dimension_values.get(position).map(Cell::text).filter(|text| !text.is_empty() && text != "(not set)")
    }

    pub fn metric(&self, position: usize) -> f64 {
        self.metric_values.get(position).and_then(Cell::number).unwrap_or(0.0)
    }
}

/// What a report says of itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct About {
    #[serde(default)]
    pub time_zone: Option<String>,
    #[serde(default)]
    pub currency_code: Option<String>,
    #[serde(default)]
    subject_to_thresholding: bool,
    #[serde(default)]
    data_loss_from_other_row: bool,
    #[serde(default)]
    sampling_metadatas: Vec<Sampling>,
    #[serde(default)]
    empty_reason: Option<String>,
    #[serde(default)]
    data_truncation_reasons: Vec<Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sampling {
    // An int64: a text on the wire.
    #[serde(default)]
    samples_read_count: Value,
    #[serde(default)]
    sampling_space_size: Value,
}

impl About {
    pub fn zone(&self) -> Option<Tz> {
        self.time_zone.as_deref().and_then(|zone| zone.parse().ok())
    }

    /// Notes for a reader, and the share of the data that was looked at.
    pub fn describe(&self, basis: &mut Basis) {
        for sampling in &self.sampling_metadatas {
            if let (Some(read), Some(of)) = (number(&sampling.samples_read_count), number(&sampling.sampling_space_size))
                && of > 0.0
            {
                basis.sampled = basis.sampled.min(read / of);
            }
        }
        if self.subject_to_thresholding {
            basis.notes.push("Google leaves out rows about few people (thresholding)".to_owned());
        }
        if self.data_loss_from_other_row {
            basis.notes.push("rare values are folded into (other)".to_owned());
        }
        if let Some(reason) = &self.empty_reason {
            basis.notes.push(format!("the report is empty: {}", shorten(&one_line(reason), 200)));
        }
        for reason in &self.data_truncation_reasons {
            let words = |name: &str| reason.get(name).and_then(Value::as_str).map(|text| shorten(&one_line(text), 60));
            let kind = words("dataTruncationType").unwrap_or_else(|| "truncated".to_owned());
            let since = words("dataTruncationDate").map(|date| format!(" before {date}")).unwrap_or_default();
            basis.notes.push(format!("Google has cut data off{since} ({kind})"));
        }
    }
}

/// A condition in Google's words, on the dimension of this name.
pub(super) fn condition(filter: &Filter, dimension: &str) -> Value {
    let text = |kind: &str| json!({ "filter": { "fieldName": dimension, "stringFilter": { "matchType": kind, "value": filter.value, "caseSensitive": true } } });
    let not = |expression: Value| json!({ "notExpression": expression });
    let number = |operation: &str| {
        let value = match filter.value.trim().parse::<i64>() {
            Ok(whole) => json!({ "int64Value": whole.to_string() }),
            Err(_) => json!({ "doubleValue": filter.value.trim().parse::<f64>().unwrap_or_default() }),
        };
        json!({ "filter": { "fieldName": dimension, "numericFilter": { "operation": operation, "value": value } } })
    };
    let unset = || {
        json!({ "orGroup": { "expressions": [
        { "filter": { "fieldName": dimension, "emptyFilter": {} } },
        { "filter": { "fieldName": dimension, "stringFilter": { "matchType": "EXACT", "value": "(not set)" } } },
    ] } })
    };
    match filter.op {
        Comparison::Is => text("EXACT"),
        Comparison::IsNot => not(text("EXACT")),
        Comparison::Contains => text("CONTAINS"),
        Comparison::NotContains => not(text("CONTAINS")),
        Comparison::Less => number("LESS_THAN"),
        Comparison::AtMost => number("LESS_THAN_OR_EQUAL"),
        Comparison::More => number("GREATER_THAN"),
        Comparison::AtLeast => number("GREATER_THAN_OR_EQUAL"),
        Comparison::Set => not(unset()),
        Comparison::NotSet => unset(),
    }
}

/// All of several conditions.
pub(super) fn all(mut expressions: Vec<Value>) -> Option<Value> {
    match expressions.len() {
        0 => None,
        1 => expressions.pop(),
        _ => Some(json!({ "andGroup": { "expressions": expressions } })),
    }
}
