//! The Measurement Protocol: every request is answered by 204, and what is wrong is dropped without a word. The validation server
//! says what is wrong, keeps nothing and looks at no secret.

use super::{Ga4World, Reply};
use crate::analytics::{Call, Happened};
use bellhop_core::Timestamp;
use chrono::TimeDelta;
use serde_json::{Map, Value, json};

/// The measurement id of the property's stream.
pub const MEASUREMENT: &str = "G-AB12";
/// The secret of its Measurement Protocol.
pub const API_SECRET: &str = "mp-secret";
const FIELDS: [&str; 12] = [
    "client_id",
    "user_id",
    "timestamp_micros",
    "non_personalized_ads",
    "user_properties",
    "user_data",
    "consent",
    "user_location",
    "ip_override",
    "device",
    "validation_behavior",
    "events",
];
const RESERVED: [&str; 7] = ["ad_click", "app_remove", "error", "first_open", "first_visit", "session_start", "user_engagement"];
const PREFIXES: [&str; 5] = ["_", "firebase_", "ga_", "google_", "gtag."];

fn named(name: &str) -> bool {
    let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && name.starts_with(|c: char| c.is_ascii_alphabetic());
    letters && name.len() <= 40
}

fn message(path: &str, code: &str, what: &str) -> Value {
    json!({ "fieldPath": path, "description": what, "validationCode": code })
}

/// What is wrong with a request, in the validation server's words.
fn wrong(body: &Value) -> Vec<Value> {
    let Some(map) = body.as_object() else {
        return vec![message("", "VALUE_INVALID", "Unable to parse Measurement Protocol JSON payload.")];
    };
    let mut found = Vec::new();
    if let Some(odd) = map.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        found.push(message(odd, "VALUE_INVALID", &format!("Unable to parse Measurement Protocol JSON payload. {odd}: Cannot find field.")));
    }
    if map.get("client_id").and_then(Value::as_str).is_none_or(str::is_empty) {
        found.push(message("client_id", "VALUE_REQUIRED", "Measurement requires a client_id."));
    }
    let events = map.get("events").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if events.is_empty() {
        found.push(message("events", "VALUE_REQUIRED", "At least one event is required."));
    }
    if events.len() > 25 {
        found.push(message("events", "EXCEEDED_MAX_ENTITIES", "The request has more than 25 events."));
    }
    if body.to_string().len() > 130_000 {
        found.push(message("", "EXCEEDED_MAX_ENTITIES", "The request is larger than 130 kB."));
    }
    for event in events {
        let name = event["name"].as_str().unwrap_or_default();
        if !named(name) {
            found.push(message(
                "events",
                "NAME_INVALID",
                &format!("Event at index: [0] has invalid name [{name}]. Only alphanumeric characters and underscores are allowed."),
            ));
        } else if RESERVED.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            found.push(message("events", "NAME_RESERVED", &format!("Event at index: [0] has name [{name}] which is reserved.")));
        }
        found.extend(wrong_parameters(event["params"].as_object()));
        if event.get("timestamp_micros").is_some_and(|at| moment(at).is_none()) {
            found.push(message("events.timestamp_micros", "VALUE_INVALID", "A time is in microseconds."));
        }
    }
    found
}

fn wrong_parameters(params: Option<&Map<String, Value>>) -> Vec<Value> {
    let mut found = Vec::new();
    if params.is_some_and(|params| params.len() > 25) {
        found.push(message("events.params", "EXCEEDED_MAX_ENTITIES", "An event has more than 25 parameters."));
    }
    for (name, value) in params.into_iter().flatten() {
        if !named(name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            found.push(message("events.params", "NAME_INVALID", &format!("The parameter [{name}] has an invalid name.")));
        }
        let right = match value {
            Value::String(text) => text.chars().count() <= 100,
            Value::Number(_) => true,
            Value::Array(_) => name == "items",
            _ => false,
        };
        // One name stands for whatever a service doesn't like without its documentation saying so.
        if !right || name == "forbidden" {
            found.push(message("events.params", "VALUE_INVALID", &format!("The parameter [{name}] has an unsupported value.")));
        }
    }
    found
}

/// Microseconds, as a number or a text.
fn moment(value: &Value) -> Option<Timestamp> {
    let micros = super::int64(value).filter(|micros| *micros > 1_000_000_000_000_000)?;
    Timestamp::from_timestamp_micros(micros)
}

impl Ga4World {
    pub(super) fn collected(&self, call: &Call, debug: bool) -> Reply {
        let body = call.json();
        let wrong = wrong(&body);
        if debug {
            return Reply::json(200, &json!({ "validationMessages": wrong }));
        }
        let known = (call.param("measurement_id"), call.param("api_secret")) == (Some(MEASUREMENT), Some(API_SECRET));
        if known && wrong.is_empty() {
            let now = self.clock.now();
            let person = body["user_id"].as_str().or_else(|| body["client_id"].as_str()).unwrap_or_default();
            for event in body["events"].as_array().into_iter().flatten() {
                let at = event.get("timestamp_micros").or_else(|| body.get("timestamp_micros")).and_then(moment).unwrap_or(now);
                let mut one = Happened::new(at.max(now - TimeDelta::hours(72)), event["name"].as_str().unwrap_or_default(), person);
                for (name, value) in event["params"].as_object().into_iter().flatten() {
                    one = one.with(name, value.clone());
                }
                self.history.add(one);
            }
        }
        Reply { status: 204, headers: Vec::new(), body: Vec::new() }
    }
}
