//! Questions: each a `GET` or `POST` under `/api/query`, in its turn, and its refusals understood.
//!
//! Sources: <https://docs.mixpanel.com/reference/query-api>, <https://docs.mixpanel.com/reference/segmentation-expressions>

use super::Mixpanel;
use bellhop_core::analytics::{Comparison, Filter};
use bellhop_core::ports::PortResult;
use bellhop_core::text::{one_line, shorten};
use bellhop_core::{PortError, PortErrorKind, Retry, Timestamp};
use bellhop_http::{Request, Response, StatusCode};
use chrono::NaiveDate;
use serde_json::{Value, json};

impl Mixpanel {
    pub(super) fn error(&self, kind: PortErrorKind, operation: &'static str, message: impl Into<String>) -> PortError {
        PortError::new(kind, self.client.service(), operation, message)
    }

    /// Signs a request as the service account.
    pub(super) fn signed(&self, operation: &'static str, request: Request) -> PortResult<Request> {
        use base64::Engine as _;
        use secrecy::ExposeSecret as _;
        let Some(account) = &self.config.account else {
            let message =
                format!("[{}] has no `service_account`, so no questions can be asked; give it and `service_secret`", self.client.service());
            return Err(self.error(PortErrorKind::Unsupported, operation, message));
        };
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", account.user, account.secret.expose_secret()));
        Ok(request.secret_header("authorization", &format!("Basic {pair}")).query(&[("project_id", self.config.project_id.as_str())]))
    }

    /// `GET {query_url}/api/query{route}`
    pub(super) async fn get(&self, operation: &'static str, route: &'static str, query: &[(&str, &str)]) -> PortResult<Value> {
        let url = format!("{}/api/query{route}", self.config.query_url);
        let request = self.signed(operation, self.client.get(operation, route, &url))?.query(query);
        self.asks(operation, request).await
    }

    /// `POST {query_url}/api/query{route}` with a form.
    pub(super) async fn post(&self, operation: &'static str, route: &'static str, form: &[(&str, &str)]) -> PortResult<Value> {
        let url = format!("{}/api/query{route}", self.config.query_url);
        let request = self.signed(operation, self.client.post(operation, route, &url))?.reads().form(form);
        self.asks(operation, request).await
    }

    async fn asks(&self, operation: &'static str, request: Request) -> PortResult<Value> {
        let turn = self.turn(operation).await?;
        let answer = request.exchange().await;
        turn.end().await;
        let answer = answer?;
        if !answer.status().is_success() {
            return Err(self.refused(operation, answer).await);
        }
        let answer: Value = answer.json().await?;
        // A refusal may come as a success.
        match answer.get("error").and_then(Value::as_str).filter(|error| !error.is_empty()) {
            Some(error) => Err(self.error(PortErrorKind::Invalid, operation, format!("Mixpanel can't answer that: {}", words(error)))),
            None => Ok(answer),
        }
    }

    pub(super) async fn refused(&self, operation: &'static str, answer: Response) -> PortError {
        let (status, mut error) = (answer.status(), answer.refusal());
        let wait = match error.retry {
            Retry::After(wait) => Some(wait),
            _ => None,
        };
        let said = answer.json::<Value>().await.ok();
        let said = said.as_ref().and_then(|said| said.get("error").and_then(Value::as_str)).map(words).unwrap_or_default();
        error.message = match status {
            StatusCode::TOO_MANY_REQUESTS => {
                let wait = self.told_enough(wait).await;
                error.kind = PortErrorKind::RateLimited;
                error.retry = Retry::After(wait);
                format!(
                    "Mixpanel answers no more questions for now ({said}); it is asked again in {} min at the earliest",
                    wait.as_secs().div_ceil(60)
                )
            }
            StatusCode::UNAUTHORIZED => {
                format!(
                    "Mixpanel doesn't know the service account; check `service_account` and `service_secret` in [{}] ({said})",
                    self.client.service()
                )
            }
            StatusCode::FORBIDDEN => format!(
                "the service account may not read project {}; add it to the project (Settings > Service Accounts), or check `region` ({said})",
                self.config.project_id
            ),
            StatusCode::BAD_REQUEST => {
                error.kind = PortErrorKind::Invalid;
                format!("Mixpanel can't answer that: {said}")
            }
            _ if said.is_empty() => return error,
            _ => format!("Mixpanel failed ({}): {said}", status.as_u16()),
        };
        let _ = operation;
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

/// What a service says, as it may be shown.
pub(super) fn words(text: &str) -> String {
    shorten(&one_line(text), 300)
}

/// A property of events in Mixpanel's expressions.
pub(super) fn property(name: &str) -> String {
    format!("properties[{}]", json!(name))
}

/// Conditions as one expression; `None` where there are none.
pub(super) fn expression(filters: &[Filter]) -> Option<String> {
    let parts: Vec<String> = filters.iter().map(condition).collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

fn condition(filter: &Filter) -> String {
    let (name, text) = (property(&filter.property), json!(filter.value).to_string());
    let number = filter.value.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let compared = |sign: &str| match number {
        Some(number) => format!("number({name}) {sign} {number}"),
        None => format!("string({name}) {sign} {text}"),
    };
    match filter.op {
        Comparison::Is => format!("string({name}) == {text}"),
        // A property that isn't there differs.
        Comparison::IsNot => format!("(not defined({name}) or string({name}) != {text})"),
        Comparison::Contains => format!("{text} in string({name})"),
        Comparison::NotContains => format!("(not defined({name}) or not {text} in string({name}))"),
        Comparison::Less => compared("<"),
        Comparison::AtMost => compared("<="),
        Comparison::More => compared(">"),
        Comparison::AtLeast => compared(">="),
        Comparison::Set => format!("defined({name})"),
        Comparison::NotSet => format!("not defined({name})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_expressions_and_text_stays_text() {
        let filter = |op, value: &str| Filter { property: "plan \"x\"".into(), op, value: value.into() };
        assert_eq!(condition(&filter(Comparison::Is, "a\" or 1==1")), r#"string(properties["plan \"x\""]) == "a\" or 1==1""#);
        assert_eq!(condition(&filter(Comparison::More, "10")), r#"number(properties["plan \"x\""]) > 10"#);
        assert_eq!(condition(&filter(Comparison::Set, "")), r#"defined(properties["plan \"x\""])"#);
        assert_eq!(expression(&[]), None);
    }
}
