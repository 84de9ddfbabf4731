//! The parts that statements about events are put together from.

use super::PAGE_VIEWS;
use crate::session::{Batch, Value, args};
use bellhop_core::Timestamp;
use bellhop_core::analytics::{Comparison, Filter, Measure};

/// A statement with its values while it is put together.
#[derive(Default)]
pub(super) struct Statement {
    pub(super) values: Vec<Value>,
}

/// A table `i` of intervals: the number, the beginning and the end of each, cut to the period.
pub(super) fn spans(statement: &mut Statement, from: Timestamp, to: Timestamp, starts: &[Timestamp]) -> String {
    let ends = starts.iter().skip(1).copied().chain([to]);
    let rows = starts.iter().zip(ends).zip(0_i64..).map(|((start, end), number)| args![number, (*start).max(from), end.min(to)]);
    let spans = statement.bind(rows.collect::<Batch>());
    format!(
        "(SELECT CAST(value ->> 0 AS BIGINT) AS n, CAST(value ->> 1 AS BIGINT) AS a, CAST(value ->> 2 AS BIGINT) AS b FROM EACH({spans})) AS i"
    )
}

impl Statement {
    /// Binds a value and returns its placeholder.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// The condition that selects a metric's events.
    pub(super) fn events(&mut self, metric: &str) -> String {
        match metric {
            "users" | "sessions" => "true".to_owned(),
            "key_events" => "e.is_key = 1".to_owned(),
            "page_views" => {
                let names = PAGE_VIEWS.map(|name| self.bind(name));
                format!("e.name IN ({})", names.join(", "))
            }
            name => format!("e.name = {}", self.bind(name)),
        }
    }

    /// A property as each database names it.
    fn path(&mut self, property: &str, postgres: bool) -> String {
        if postgres {
            return self.bind(property);
        }
        // A label in quotes, with the quotes inside escaped as JSON escapes them.
        let label = serde_json::Value::from(crate::session::clean(property.to_owned())).to_string();
        self.bind(format!("$.{label}"))
    }

    /// A property as text: strings as they are, anything else as its JSON, nothing for null.
    pub(super) fn text(&mut self, property: &str, postgres: bool) -> String {
        let path = self.path(property, postgres);
        if postgres {
            format!("(e.properties ->> {path})")
        } else {
            format!(
                "CASE json_type(e.properties, {path}) WHEN 'text' THEN e.properties ->> {path} WHEN 'null' THEN NULL ELSE e.properties -> {path} END"
            )
        }
    }

    /// A property as a number, also where it came as text; nothing where it is none.
    fn number(&mut self, property: &str, postgres: bool) -> String {
        if property == "revenue" {
            return "e.revenue".to_owned();
        }
        let path = self.path(property, postgres);
        if postgres {
            format!(
                "CASE jsonb_typeof(e.properties -> {path}) WHEN 'number' THEN CAST(e.properties ->> {path} AS DOUBLE PRECISION) \
                 WHEN 'string' THEN CASE WHEN trim(e.properties ->> {path}) ~ '^-?(0|[1-9][0-9]{{0,80}})([.][0-9]{{1,80}})?([eE][+-]?[0-9]{{1,2}})?$' \
                 THEN CAST(trim(e.properties ->> {path}) AS DOUBLE PRECISION) END END"
            )
        } else {
            let text = format!("trim(e.properties ->> {path})");
            format!(
                "CASE json_type(e.properties, {path}) WHEN 'integer' THEN CAST(e.properties ->> {path} AS DOUBLE PRECISION) WHEN 'real' THEN e.properties ->> {path} \
                 WHEN 'text' THEN CASE WHEN json_valid({text}) AND {text} NOT GLOB '*[eE]*[0-9][0-9][0-9]*' \
                 THEN CASE WHEN json_type({text}) IN ('integer', 'real') THEN CAST({text} AS DOUBLE PRECISION) END END END"
            )
        }
    }

    /// What is counted, as an aggregate.
    pub(super) fn measure(&mut self, measure: &Measure, postgres: bool) -> String {
        match measure {
            Measure::Count => "CAST(count(*) AS DOUBLE PRECISION)".to_owned(),
            Measure::Users => "CAST(count(DISTINCT e.person) AS DOUBLE PRECISION)".to_owned(),
            Measure::Sum(property) => {
                let number = self.number(property, postgres);
                format!("CAST(coalesce(sum({number}), 0) AS DOUBLE PRECISION)")
            }
            Measure::Average(property) => {
                let number = self.number(property, postgres);
                format!("CAST(coalesce(avg({number}), 0) AS DOUBLE PRECISION)")
            }
        }
    }

    /// One condition on a property.
    pub(super) fn condition(&mut self, filter: &Filter, postgres: bool) -> String {
        let ordered = |relation: &str, this: &mut Self| {
            // Numbers are compared where the value is one; texts in byte order otherwise.
            let (number, as_number) = match filter.value.trim().parse::<f64>() {
                Ok(value) if value.is_finite() => (this.number(&filter.property, postgres), Some(value)),
                // In the order of bytes, whatever the database's own order of words is.
                _ => (format!("{} /*pg COLLATE \"C\"*/", this.text(&filter.property, postgres)), None),
            };
            let value = match as_number {
                Some(value) => this.bind(Value::Real(Some(value))),
                None => this.bind(filter.value.as_str()),
            };
            format!("({number}) {relation} {value}")
        };
        match filter.op {
            Comparison::Less => ordered("<", self),
            Comparison::AtMost => ordered("<=", self),
            Comparison::More => ordered(">", self),
            Comparison::AtLeast => ordered(">=", self),
            Comparison::Is | Comparison::IsNot => {
                let (text, value) = (self.text(&filter.property, postgres), self.bind(filter.value.as_str()));
                let relation = if filter.op == Comparison::Is { "=" } else { "IS DISTINCT FROM" };
                format!("({text}) {relation} {value}")
            }
            Comparison::Contains | Comparison::NotContains => {
                let (text, value) = (self.text(&filter.property, postgres), self.bind(filter.value.as_str()));
                let found = if postgres { format!("strpos({text}, {value}) > 0") } else { format!("instr({text}, {value}) > 0") };
                if filter.op == Comparison::Contains { format!("({found})") } else { format!("NOT coalesce(({found}), false)") }
            }
            Comparison::Set => format!("({}) IS NOT NULL", self.text(&filter.property, postgres)),
            Comparison::NotSet => format!("({}) IS NULL", self.text(&filter.property, postgres)),
        }
    }

    /// The conditions on properties, each with `AND` before it. What lacks the property differs from any value.
    pub(super) fn filters(&mut self, filters: &[Filter], postgres: bool) -> String {
        let mut all = String::new();
        for filter in filters {
            let condition = self.condition(filter, postgres);
            all.extend([" AND ", &condition]);
        }
        all
    }
}
