//! Google Analytics 4 as a world: tokens of a service account, the Data API with its allowances, the Admin API and the Measurement
//! Protocol, for one property.
//!
//! It deliberately has no pivots and no audiences, and its allowance of tokens renews only when a test says so.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest>

mod admin;
mod cohorts;
mod collect;
mod figures;
mod filters;
mod funnels;
mod reports;
mod tokens;

pub use collect::{API_SECRET, MEASUREMENT};
pub use tokens::{EMAIL, PRIVATE_KEY};

use super::{Call, Happened, History, Reply, Told, Vendor};
use bellhop_core::{Clock, Timestamp};
use chrono_tz::Tz;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The property's number.
pub const PROPERTY: &str = "123456789";
/// The property's zone.
pub const ZONE: Tz = chrono_tz::America::New_York;

/// What the requests of a kind are paid from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// Reports.
    Core,
    /// Reports of these minutes.
    Realtime,
    /// Funnels.
    Funnel,
}

/// The world: what it knows, and what it gave out.
pub struct Ga4World {
    clock: Arc<dyn Clock>,
    history: History,
    origin: Mutex<String>,
    tokens: Mutex<Vec<(String, Timestamp)>>,
    /// Tokens of this hour that are left, by bucket.
    left: [AtomicI64; 3],
}

impl std::fmt::Debug for Ga4World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ga4World({PROPERTY})")
    }
}

/// A refusal as Google writes it.
#[must_use]
pub fn refused(code: u16, status: &str, message: &str) -> Reply {
    Reply::json(code, &json!({ "error": { "code": code, "message": message, "status": status } }))
}

fn invalid(message: &str) -> Reply {
    refused(400, "INVALID_ARGUMENT", message)
}

impl Ga4World {
    /// With these events. [`Ga4World::at`] tells it its address, which assertions have to be for.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, history: History) -> Self {
        let left = [const { AtomicI64::new(40_000) }; 3];
        Self { clock, history, origin: Mutex::default(), tokens: Mutex::default(), left }
    }

    /// Where it is.
    pub fn at(&self, origin: &str) {
        origin.clone_into(&mut self.origin.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What happened.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// So many tokens of this hour are left from now on.
    pub fn leave(&self, bucket: Bucket, tokens: i64) {
        self.left[bucket as usize].store(tokens, Ordering::SeqCst);
    }

    /// All tokens are worth nothing from now on.
    pub fn revoke(&self) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What is left after this request; nothing where there isn't enough.
    fn spend(&self, bucket: Bucket) -> Option<Value> {
        let left = self.left[bucket as usize].fetch_sub(10, Ordering::SeqCst) - 10;
        let status = |left: i64| json!({ "consumed": 10, "remaining": left });
        (left >= 0).then(|| {
            json!({ "tokensPerDay": status(150_000), "tokensPerHour": status(left), "tokensPerProjectPerHour": status(left * 35 / 100),
                "concurrentRequests": { "consumed": 0, "remaining": 10 }, "serverErrorsPerProjectPerHour": { "consumed": 0, "remaining": 10 },
                "potentiallyThresholdedRequestsPerHour": { "consumed": 0, "remaining": 120 } })
        })
    }

    fn data(&self, call: &Call, method: &str) -> Reply {
        if !self.signed_in(call) {
            return refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token.");
        }
        let body = call.json();
        if call.kind() != "application/json" || !body.is_object() {
            return invalid("Invalid JSON payload received. Unexpected end of string.");
        }
        let bucket = match method {
            "runRealtimeReport" => Bucket::Realtime,
            "runFunnelReport" => Bucket::Funnel,
            _ => Bucket::Core,
        };
        let Some(quota) = self.spend(bucket) else {
            let why = "Exhausted property tokens per hour. These quota tokens will return in under an hour. To learn more, see \
                       https://developers.google.com/analytics/devguides/reporting/data/v1/quotas";
            return refused(429, "RESOURCE_EXHAUSTED", why);
        };
        let told = match method {
            "runReport" => self.report(&body, &quota),
            "runRealtimeReport" => self.realtime(&body, &quota),
            "runFunnelReport" => self.funnel(&body, &quota),
            "checkCompatibility" => reports::compatibility(&body),
            "batchRunReports" => self.batch(&body, &quota),
            _ => return refused(404, "NOT_FOUND", "Method not found."),
        };
        told.map_or_else(|why| invalid(&why), |answer| Reply::json(200, &answer))
    }

    fn batch(&self, body: &Value, quota: &Value) -> Told {
        only(body, &["property", "requests"])?;
        let requests = body["requests"].as_array().filter(|list| (1..=5).contains(&list.len()));
        let requests = requests.ok_or("The number of requests must be between 1 and 5.")?;
        let reports = requests.iter().map(|request| self.report(request, quota)).collect::<Result<Vec<Value>, String>>()?;
        Ok(json!({ "reports": reports, "kind": "analyticsData#batchRunReports" }))
    }

    /// Events of some days of the property, both included.
    fn between(&self, range: &Value) -> Result<Vec<Happened>, String> {
        only(range, &["startDate", "endDate", "name"])?;
        let now = self.clock.now();
        let today = now.with_timezone(&ZONE).date_naive();
        let day = |name: &str| match range.get(name).and_then(Value::as_str) {
            Some("today") => Ok(today),
            Some("yesterday") => Ok(today - chrono::Days::new(1)),
            Some(word) => match word.strip_suffix("daysAgo").and_then(|days| days.parse().ok()) {
                Some(days) => Ok(today - chrono::Days::new(days)),
                None if word.len() == 10 => word.parse().map_err(|_| format!("Invalid {name} : {word}")),
                None => Err(format!("Invalid {name} : {word}")),
            },
            None => Err(format!("{name} is missing")),
        };
        let (first, last) = (day("startDate")?, day("endDate")?);
        if first > last {
            return Err(format!("Invalid date range. The startDate {first} is after the endDate {last}."));
        }
        let inside = |one: &Happened| one.at <= now && (first..=last).contains(&one.at.with_timezone(&ZONE).date_naive());
        Ok(self.history.all().into_iter().filter(inside).collect())
    }
}

/// Refuses fields that Google doesn't know.
fn only(value: &Value, fields: &[&str]) -> Result<(), String> {
    let map = value.as_object().ok_or("Invalid JSON payload received. An object is wanted.")?;
    match map.keys().find(|key| !fields.contains(&key.as_str())) {
        Some(odd) => Err(format!("Invalid JSON payload received. Unknown name \"{odd}\": Cannot find field.")),
        None => Ok(()),
    }
}

/// A value of an enumeration, by its name or by its number.
fn word<'a>(value: &Value, names: &[&'a str]) -> Option<&'a str> {
    match value {
        Value::String(text) => names.iter().find(|name| **name == text.as_str()).copied(),
        Value::Number(number) => names.get(usize::try_from(number.as_u64()?).ok()?).copied(),
        _ => None,
    }
}

/// An int64: a text on the wire, and a number is taken as well.
fn int64(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

impl Vendor for Ga4World {
    fn answer(&self, call: &Call) -> Reply {
        match (call.method.as_str(), call.path.as_str()) {
            ("POST", "/token") => return self.token(call),
            ("POST", "/mp/collect") => return self.collected(call, false),
            ("POST", "/debug/mp/collect") => return self.collected(call, true),
            ("GET", "/v1beta/accountSummaries") => return self.admin(call, "accountSummaries"),
            _ => {}
        }
        let Some((version, rest)) = call.path.strip_prefix('/').and_then(|path| path.split_once("/properties/")) else {
            return refused(404, "NOT_FOUND", "Not found.");
        };
        let Some(rest) = rest.strip_prefix(PROPERTY) else {
            let why = "User does not have sufficient permissions for this property. To learn more about Property ID, see \
                       https://developers.google.com/analytics/devguides/reporting/data/v1/property-id.";
            return refused(403, "PERMISSION_DENIED", why);
        };
        match rest.split_once(':') {
            Some(("", method)) if call.method == "POST" && version == if method == "runFunnelReport" { "v1alpha" } else { "v1beta" } => {
                self.data(call, method)
            }
            None if version == "v1beta" && call.method == "GET" => self.admin(call, rest),
            _ => refused(404, "NOT_FOUND", "Method not found."),
        }
    }
}
