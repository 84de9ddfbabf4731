//! Questions: each a `GET` with JSON in its query, in its turn, and its refusals understood.
//!
//! Source: <https://amplitude.com/docs/apis/analytics/dashboard-rest>

use super::Amplitude;
use crate::turns::Turn;
use bellhop_core::analytics::{Comparison, EventMatch, Filter};
use bellhop_core::chart::Interval;
use bellhop_core::ports::PortResult;
use bellhop_core::text::{one_line, shorten};
use bellhop_core::{PortError, PortErrorKind, Retry, Timestamp};
use bellhop_http::{Request, Response, StatusCode};
use chrono::NaiveDate;
use serde_json::{Value, json};

/// Properties that people have by themselves.
const BUILT_IN: [&str; 13] = [
    "version",
    "country",
    "city",
    "region",
    "DMA",
    "language",
    "platform",
    "os",
    "device",
    "device_type",
    "start_version",
    "paying",
    "carrier",
];

impl Amplitude {
    pub(super) fn error(&self, kind: PortErrorKind, operation: &'static str, message: impl Into<String>) -> PortError {
        PortError::new(kind, self.client.service(), operation, message)
    }

    /// Signs a request with the project's two keys.
    pub(super) fn signed(&self, operation: &'static str, request: Request) -> PortResult<Request> {
        use base64::Engine as _;
        use secrecy::ExposeSecret as _;
        let Some(secret) = &self.config.secret_key else {
            let message = format!(
                "[{}] has no `secret_key`, so no questions can be asked; it stands in the project's settings",
                self.client.service()
            );
            return Err(self.error(PortErrorKind::Unsupported, operation, message));
        };
        let pair = format!("{}:{}", self.config.api_key.expose_secret(), secret.expose_secret());
        let pair = base64::engine::general_purpose::STANDARD.encode(pair);
        Ok(request.secret_header("authorization", &format!("Basic {pair}")))
    }

    /// `GET {query_url}{route}`, at this cost.
    pub(super) async fn get(&self, operation: &'static str, route: &'static str, query: &[(&str, &str)], cost: f64) -> PortResult<Value> {
        let url = format!("{}{route}", self.config.query_url);
        let request = self.signed(operation, self.client.get(operation, route, &url))?.query(query);
        let turn = self.turn(operation, cost).await?;
        self.told(operation, turn, request).await
    }

    /// `GET {query_url}{route}` about a single person.
    pub(super) async fn get_person(&self, route: &'static str, query: &[(&str, &str)]) -> PortResult<Value> {
        let url = format!("{}{route}", self.config.query_url);
        let request = self.signed("person", self.client.get("person", route, &url))?.query(query);
        let turn = self.turn_of_people("person").await?;
        self.told("person", turn, request).await
    }

    /// Sends a request in its turn, which ends with the answer.
    pub(super) async fn in_turn(&self, turn: Turn<'_>, request: Request) -> PortResult<Response> {
        let answer = request.exchange().await;
        turn.end().await;
        answer
    }

    async fn told(&self, operation: &'static str, turn: Turn<'_>, request: Request) -> PortResult<Value> {
        let answer = self.in_turn(turn, request).await?;
        if !answer.status().is_success() {
            return Err(self.refused(answer).await);
        }
        let answer: Value = answer.json().await?;
        match answer.get("error").filter(|error| !error.is_null() && **error != json!(false)) {
            Some(error) => {
                let why = error.get("message").unwrap_or(error);
                Err(self.error(PortErrorKind::Invalid, operation, format!("Amplitude can't answer that: {}", words(&text(why)))))
            }
            None => Ok(answer),
        }
    }

    pub(super) async fn refused(&self, answer: Response) -> PortError {
        let (status, mut error) = (answer.status(), answer.refusal());
        let wait = match error.retry {
            Retry::After(wait) => Some(wait),
            _ => None,
        };
        let said = answer.text().await.unwrap_or_default();
        let said = serde_json::from_str::<Value>(&said).map_or_else(
            // A page of HTML says nothing to people.
            |_| if said.trim_start().starts_with('<') { String::new() } else { words(&said) },
            |said| {
                words(&text(
                    said.pointer("/error/message").or_else(|| said.get("error")).or_else(|| said.get("message")).unwrap_or(&Value::Null),
                ))
            },
        );
        error.message = match status {
            StatusCode::TOO_MANY_REQUESTS => {
                let wait = self.told_enough(wait).await;
                error.kind = PortErrorKind::RateLimited;
                error.retry = Retry::After(wait);
                format!(
                    "Amplitude answers no more questions for now ({said}); it is asked again in {} min at the earliest",
                    wait.as_secs().div_ceil(60)
                )
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => format!(
                "Amplitude doesn't accept the keys; check `api_key`, `secret_key` and `region` in [{}] ({said})",
                self.client.service()
            ),
            StatusCode::BAD_REQUEST => {
                error.kind = PortErrorKind::Invalid;
                format!("Amplitude can't answer that: {said}")
            }
            _ if said.is_empty() => return error,
            _ => format!("Amplitude failed ({}): {said}", status.as_u16()),
        };
        error
    }

    /// The first and the last day of a period in the project's zone, both included.
    pub(super) fn days(&self, from: Timestamp, to: Timestamp) -> (NaiveDate, NaiveDate) {
        let zone = self.zone();
        let first = from.with_timezone(&zone).date_naive();
        let last = (to - chrono::TimeDelta::milliseconds(1)).with_timezone(&zone).date_naive();
        (first, last.max(first))
    }
}

/// A date as Amplitude wants it.
pub(super) fn day(date: NaiveDate) -> String {
    date.format("%Y%m%d").to_string()
}

/// An interval as Amplitude wants it.
pub(super) const fn width(interval: Interval) -> &'static str {
    match interval {
        Interval::Hour => "-3600000",
        Interval::Day => "1",
        Interval::Week => "7",
        Interval::Month => "30",
    }
}

/// What a service says, as it may be shown.
pub(super) fn words(text: &str) -> String {
    shorten(&one_line(text), 300)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Whether a property is one of people rather than of events, and its name at Amplitude.
pub(super) fn named(property: &str) -> (&'static str, String) {
    if BUILT_IN.contains(&property) || property.starts_with("gp:") || property.starts_with("userdata_") {
        ("user", property.to_owned())
    } else {
        match property.strip_prefix("user.") {
            Some(own) => ("user", format!("gp:{own}")),
            None => ("event", property.to_owned()),
        }
    }
}

/// An event with its conditions, and what it is grouped by.
pub(super) fn event(event: &EventMatch, more: &[Filter], by: Option<&str>) -> Value {
    let filters: Vec<Value> = event.filters.iter().chain(more).map(condition).collect();
    let mut e = json!({ "event_type": event.event.as_deref().unwrap_or("_active") });
    if !filters.is_empty() {
        e["filters"] = filters.into();
    }
    if let Some(by) = by {
        let (kind, name) = named(by);
        e["group_by"] = json!([{ "type": kind, "value": name }]);
    }
    e
}

fn condition(filter: &Filter) -> Value {
    let (kind, name) = named(&filter.property);
    let none = "(none)".to_owned();
    let (op, value) = match filter.op {
        Comparison::Is => ("is", filter.value.clone()),
        Comparison::IsNot => ("is not", filter.value.clone()),
        Comparison::Contains => ("contains", filter.value.clone()),
        Comparison::NotContains => ("does not contain", filter.value.clone()),
        Comparison::Less => ("less", filter.value.clone()),
        Comparison::AtMost => ("less or equal", filter.value.clone()),
        Comparison::More => ("greater", filter.value.clone()),
        Comparison::AtLeast => ("greater or equal", filter.value.clone()),
        Comparison::Set => ("is not", none),
        Comparison::NotSet => ("is", none),
    };
    json!({ "subprop_type": kind, "subprop_key": name, "subprop_op": op, "subprop_value": [value] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_written_as_documented() {
        let filter = Filter { property: "env".into(), op: Comparison::Is, value: "prod".into() };
        let step = EventMatch { event: Some("deploy".into()), filters: vec![filter] };
        assert_eq!(
            event(&step, &[], Some("country")),
            json!({ "event_type": "deploy",
                "filters": [{ "subprop_type": "event", "subprop_key": "env", "subprop_op": "is", "subprop_value": ["prod"] }],
                "group_by": [{ "type": "user", "value": "country" }] })
        );
        assert_eq!(named("user.plan"), ("user", "gp:plan".to_owned()));
        assert_eq!(event(&EventMatch { event: None, filters: Vec::new() }, &[], None), json!({ "event_type": "_active" }));
    }
}
