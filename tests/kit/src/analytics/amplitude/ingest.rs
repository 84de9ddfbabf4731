//! Events on their way in, by HTTP V2 and in batches, and properties of people and groups.

use super::{API_KEY, AmplitudeWorld, people};
use crate::analytics::{Call, Happened, Reply};
use bellhop_core::Timestamp;
use serde_json::{Map, Value, json};

/// Events in a request.
const EVENTS: usize = 2000;
/// Ids that stand for nobody.
const NOBODY: [&str; 14] = [
    "anonymous",
    "nil",
    "none",
    "null",
    "n/a",
    "na",
    "undefined",
    "unknown",
    "",
    "00000000-0000-0000-0000-000000000000",
    "{}",
    "lmy47d",
    "0",
    "-1",
];
const OPERATIONS: [&str; 9] = ["$set", "$setOnce", "$add", "$append", "$prepend", "$unset", "$preInsert", "$postInsert", "$remove"];
const MONEY: [&str; 6] = ["revenue", "price", "quantity", "productId", "revenueType", "currency"];

fn refused(more: &Value) -> Reply {
    let mut said = json!({ "code": 400, "error": "Invalid field values on some events" });
    for (name, value) in more.as_object().into_iter().flatten() {
        said[name] = value.clone();
    }
    Reply::json(400, &said)
}

fn nobody(id: &str) -> bool {
    NOBODY.contains(&id.to_ascii_lowercase().as_str())
}

/// What is wrong with an event, and where.
fn wrong(event: &Value, least: u64) -> Option<Value> {
    let id = |name: &str| event[name].as_str().filter(|id| id.chars().count() as u64 >= least);
    let Some(kind) = event["event_type"].as_str().filter(|kind| !kind.is_empty()) else {
        return Some(json!({ "events_with_missing_fields": { "event_type": [] } }));
    };
    if id("user_id").is_none() && id("device_id").is_none() {
        return Some(json!({ "events_with_missing_fields": { "user_id": [], "device_id": [] } }));
    }
    let invalid = |field: &str| Some(json!({ "events_with_invalid_fields": { field: [] } }));
    if ["user_id", "device_id"].iter().any(|name| id(name).is_some_and(nobody)) {
        return invalid("user_id");
    }
    if kind.starts_with("[Amplitude]") {
        return invalid("event_type");
    }
    if event.get("time").is_some_and(|time| time.as_i64().is_none_or(|time| time < 1_000_000_000_000)) {
        return invalid("time");
    }
    if MONEY[..3].iter().any(|name| event.get(*name).is_some_and(|value| !value.is_number())) {
        return invalid("revenue");
    }
    if event.get("event_properties").is_some_and(|properties| !properties.is_object() || properties.get("forbidden").is_some()) {
        return invalid("event_properties");
    }
    None
}

impl AmplitudeWorld {
    /// `/2/httpapi` and `/batch`. A wrong event has the whole request refused, and only the first is named.
    pub(super) fn events(&self, call: &Call, batch: bool) -> Reply {
        let most = if batch { 20_000_000 } else { 1_000_000 };
        if call.body.len() >= most {
            return Reply::json(413, &json!({ "code": 413, "error": "Payload too large" }));
        }
        let body = call.json();
        let Some(map) = body.as_object().filter(|_| call.kind() == "application/json") else {
            return refused(&json!({ "error": "Invalid JSON request body" }));
        };
        let Some(key) = map.get("api_key").and_then(Value::as_str) else {
            return refused(&json!({ "error": "Request missing required field", "missing_field": "api_key" }));
        };
        if key != API_KEY {
            return refused(&json!({ "error": format!("Invalid API key: {key}") }));
        }
        if map.keys().any(|name| !["api_key", "events", "options", "client_upload_time", "request_metadata"].contains(&name.as_str())) {
            return refused(&json!({ "error": "Invalid request path" }));
        }
        let Some(events) = map.get("events").and_then(Value::as_array).filter(|events| !events.is_empty()) else {
            return refused(&json!({ "error": "Request missing required field", "missing_field": "events" }));
        };
        if events.len() > EVENTS || !batch && events.len() == EVENTS {
            return Reply::json(413, &json!({ "code": 413, "error": "Payload too large" }));
        }
        let least = body["options"]["min_id_length"].as_u64().unwrap_or(5);
        for (index, event) in events.iter().enumerate() {
            if let Some(mut why) = wrong(event, least) {
                for fields in why.as_object_mut().into_iter().flat_map(|map| map.values_mut()) {
                    for list in fields.as_object_mut().into_iter().flat_map(|map| map.values_mut()) {
                        *list = json!([index]);
                    }
                }
                return refused(&why);
            }
        }
        for event in events {
            self.take(event);
        }
        let at = self.clock.now().timestamp_millis();
        let told = json!({ "code": 200, "events_ingested": events.len(), "payload_size_bytes": call.body.len(), "server_upload_time": at });
        Reply::json(200, &told)
    }

    fn take(&self, event: &Value) {
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let person = if text("user_id").is_empty() { text("device_id") } else { text("user_id") };
        if let Some(operations) = event["user_properties"].as_object() {
            people::change(self.state().people.entry(person.to_owned()).or_default(), operations);
        }
        if text("event_type").starts_with('$') {
            return;
        }
        let id = text("insert_id");
        if !id.is_empty() && self.history.knows(person, id) {
            return;
        }
        let at = event["time"].as_i64().and_then(Timestamp::from_timestamp_millis).unwrap_or_else(|| self.clock.now());
        let mut one = Happened { id: id.to_owned(), ..Happened::new(at, text("event_type"), person) };
        for (name, value) in event["event_properties"].as_object().into_iter().flatten() {
            one = one.with(name, value.clone());
        }
        for name in MONEY.iter().filter(|name| event.get(**name).is_some()) {
            one = one.with(name, event[*name].clone());
        }
        if let (Some(price), Some(quantity)) = (event["price"].as_f64(), event["quantity"].as_f64().or(Some(1.0)))
            && event.get("price").is_some()
        {
            one = one.with("revenue", price * quantity);
        }
        self.history.add(one);
    }

    /// `/identify` and `/groupidentify`: a form with a list of changes.
    pub(super) fn identify(&self, call: &Call, which: &str) -> Reply {
        let form = call.form();
        let part = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
        if call.kind() != "application/x-www-form-urlencoded" || part("api_key").is_empty() {
            return Reply::text(400, "text/plain", "missing_api_key");
        }
        if part("api_key") != API_KEY {
            return Reply::text(400, "text/plain", "invalid_api_key");
        }
        let list = match serde_json::from_str::<Value>(part("identification")) {
            Ok(Value::Array(list)) if !list.is_empty() => list,
            Ok(one @ Value::Object(_)) => vec![one],
            _ => return Reply::text(400, "text/plain", "missing_event"),
        };
        let good = |one: &Value| {
            let there = |name: &str| one[name].as_str().is_some_and(|id| !nobody(id));
            let whose = if which == "user_properties" {
                there("user_id") || there("device_id")
            } else {
                there("group_type") && there("group_value")
            };
            whose && one[which].as_object().is_some_and(right)
        };
        if !list.iter().all(good) {
            return Reply::text(400, "text/plain", "invalid_identification");
        }
        let mut state = self.state();
        for one in &list {
            let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            let known = if which == "user_properties" {
                let id = if text("user_id").is_empty() { text("device_id") } else { text("user_id") };
                state.people.entry(id).or_default()
            } else {
                state.groups.entry((text("group_type"), text("group_value"))).or_default()
            };
            if let Some(operations) = one[which].as_object() {
                people::change(known, operations);
            }
        }
        Reply::text(200, "text/html", "success")
    }
}

/// Operators are known, don't stand beside plain names, and a name that stands for whatever isn't liked isn't there.
fn right(operations: &Map<String, Value>) -> bool {
    let operators = operations.keys().filter(|name| name.starts_with('$')).count();
    let known = operations.keys().filter(|name| OPERATIONS.contains(&name.as_str())).count();
    let unforbidden = operations.get("$set").is_none_or(|set| set.get("forbidden").is_none());
    let numbers = operations.get("$add").is_none_or(|add| add.as_object().is_some_and(|add| add.values().all(Value::is_number)));
    unforbidden && numbers && operators == known && (operators == 0 || operators == operations.len())
}
