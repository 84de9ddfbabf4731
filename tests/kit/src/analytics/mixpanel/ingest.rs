//! Events and changes of profiles on their way in.

use super::{MixpanelWorld, Profile, TOKEN};
use crate::analytics::{Call, Happened, Reply};
use bellhop_core::Timestamp;
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::io::Read as _;

/// Events in a request, and bytes.
const EVENTS: usize = 2000;
const BYTES: usize = 10_000_000;
const EVENT_BYTES: usize = 1_000_000;
/// Ids that stand for nobody.
const NOBODY: [&str; 17] = [
    "00000000-0000-0000-0000-000000000000",
    "anon",
    "anonymous",
    "nil",
    "none",
    "null",
    "n/a",
    "na",
    "undefined",
    "unknown",
    "<nil>",
    "0",
    "-1",
    "true",
    "false",
    "[]",
    "{}",
];
const OPERATIONS: [&str; 8] = ["$set", "$set_once", "$add", "$union", "$append", "$remove", "$unset", "$delete"];
/// What may stand beside an operation.
const BESIDE: [&str; 8] = ["$token", "$distinct_id", "$group_key", "$group_id", "$ip", "$time", "$ignore_time", "$ignore_alias"];

/// Seconds or milliseconds.
fn moment(value: &Value) -> Option<Timestamp> {
    let number = value.as_i64().or_else(|| format!("{:.0}", value.as_f64()?.trunc()).parse().ok())?;
    let at = if number > 100_000_000_000 { Timestamp::from_timestamp_millis(number) } else { Timestamp::from_timestamp(number, 0) };
    at.filter(|at| *at >= crate::analytics::at("1971-01-01T00:00:00Z"))
}

/// The events of a body: JSON, lines of it, or the form of older clients.
fn events(call: &Call, text: &str) -> Option<Vec<Value>> {
    let list = |text: &str| match serde_json::from_str(text).ok()? {
        Value::Array(list) => Some(list),
        one @ Value::Object(_) => Some(vec![one]),
        _ => None,
    };
    match call.kind() {
        "application/json" => list(text),
        "application/x-ndjson" => text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).ok()).collect(),
        "application/x-www-form-urlencoded" => list(call.form().iter().find(|(name, _)| name == "data").map(|(_, data)| data.as_str())?),
        _ => None,
    }
}

impl MixpanelWorld {
    /// `/import`
    pub(super) fn import(&self, call: &Call) -> Reply {
        let failed = |status: u16, error: &str| Reply::json(status, &json!({ "code": status, "error": error, "status": "Bad Request" }));
        if call.basic() != format!("{TOKEN}:")
            && let Some(reply) = Self::denied(call)
        {
            return reply;
        }
        let mut text = String::new();
        let read = if call.header("content-encoding") == "gzip" {
            flate2::read::GzDecoder::new(&call.body[..]).read_to_string(&mut text).is_ok()
        } else {
            text = String::from_utf8_lossy(&call.body).into_owned();
            true
        };
        if text.len() > BYTES {
            return failed(413, "request exceeds max limit of 10485760 bytes");
        }
        let Some(events) = events(call, &text).filter(|_| read) else { return failed(400, "failed to parse the body") };
        if events.len() > EVENTS {
            return failed(413, "request exceeds max limit of 2000 events");
        }
        let mut failures = Vec::new();
        for (index, event) in events.iter().enumerate() {
            if let Err((field, message)) = self.take(event) {
                failures
                    .push(json!({ "index": index, "$insert_id": event["properties"]["$insert_id"], "field": field, "message": message }));
            }
        }
        let good = events.len() - failures.len();
        let form = call.kind() == "application/x-www-form-urlencoded";
        if call.param("strict") != Some("1") || failures.is_empty() {
            let mut told = json!({ "code": 200, "num_records_imported": good, "status": "OK" });
            if form {
                // What a client is told that asks for it as `/track` does.
                told["status"] = json!(1);
            }
            return Reply::json(200, &told);
        }
        let error = "some data points in the request failed validation";
        let told =
            json!({ "code": 400, "error": error, "failed_records": failures, "num_records_imported": good, "status": "Bad Request" });
        Reply::json(400, &told)
    }

    /// Keeps one event, or says which field is wrong, and why.
    fn take(&self, event: &Value) -> Result<(), (&'static str, String)> {
        let wrong = |field: &'static str, why: &str| Err((field, format!("'{field}' {why}")));
        let properties = &event["properties"];
        let Some(name) = event["event"].as_str().filter(|name| !name.is_empty()) else { return wrong("event", "is required") };
        if name == "$merge" {
            let ids: Vec<&str> = properties["$distinct_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let [from, into] = ids[..] else { return wrong("properties.$distinct_ids", "must have two ids") };
            if from == into || [from, into].iter().any(|id| nobody(id)) {
                return wrong("properties.$distinct_ids", "has an id that is not valid");
            }
            self.history.rename(from, into);
            let mut state = self.state();
            state.merged.insert(from.to_owned(), into.to_owned());
            if let Some(profile) = state.people.remove(from) {
                let known = state.people.entry(into.to_owned()).or_default();
                for (name, value) in profile {
                    known.entry(name).or_insert(value);
                }
            }
            return Ok(());
        }
        let Some(map) = properties.as_object() else { return wrong("properties", "is required") };
        let id = properties["$insert_id"].as_str().unwrap_or_default();
        if id.is_empty() || id.len() > 36 || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') || nobody(id) {
            return wrong("properties.$insert_id", "is not valid");
        }
        let Some(at) = moment(&properties["time"]) else { return wrong("properties.time", "is not a valid time") };
        let Some(person) = properties["distinct_id"].as_str() else { return wrong("properties.distinct_id", "is required") };
        if !person.is_empty() && nobody(person) {
            return wrong("properties.distinct_id", "is not a valid id");
        }
        if map.len() > 255 || event.to_string().len() > EVENT_BYTES || map.values().any(|value| depth(value) > 3) {
            return wrong("properties", "has too much in it");
        }
        // One name stands for whatever a project's own schema refuses.
        if map.contains_key("forbidden") {
            return wrong("properties.forbidden", "is not in the schema");
        }
        let now = self.clock.now();
        let at = if at > now + TimeDelta::hours(1) { now } else { at };
        let person = self.state().merged.get(person).cloned().unwrap_or_else(|| person.to_owned());
        let mut one = Happened { id: id.to_owned(), ..Happened::new(at, name, &person) };
        for (name, value) in map.iter().filter(|(name, _)| !matches!(name.as_str(), "time" | "distinct_id" | "$insert_id" | "token" | "ip"))
        {
            one = one.with(name, value.clone());
        }
        self.history.add(one);
        Ok(())
    }

    /// `/track`: events of clients, whose token is among the properties. Wrong ones are dropped without a word.
    pub(super) fn track(&self, call: &Call) -> Reply {
        let events = events(call, &String::from_utf8_lossy(&call.body));
        let form = call.form();
        let verbose = call.param("verbose") == Some("1") || form.iter().any(|(name, value)| name == "verbose" && value == "1");
        let told = |good: bool, why: &str| match (verbose, good) {
            (true, true) => Reply::json(200, &json!({ "status": 1, "error": null })),
            (true, false) => Reply::json(200, &json!({ "status": 0, "error": why })),
            (false, good) => Reply::text(200, "text/plain", if good { "1" } else { "0" }),
        };
        let Some(events) = events.filter(|events| events.len() <= EVENTS) else { return told(false, "data, missing or empty") };
        if events.iter().any(|event| event["properties"]["token"] != TOKEN) {
            return told(false, "token, missing or empty");
        }
        let oldest = self.clock.now() - TimeDelta::days(5);
        for event in &events {
            if moment(&event["properties"]["time"]).is_some_and(|at| at >= oldest) {
                let _ = self.take(event);
            }
        }
        told(true, "")
    }

    /// `/engage` and `/groups`: changes of profiles. A success may be a refusal in its body.
    pub(super) fn profiles(&self, call: &Call, whose: &str) -> Reply {
        let form = call.form();
        let verbose = call.param("verbose") == Some("1") || form.iter().any(|(name, value)| name == "verbose" && value == "1");
        let told = |good: bool, why: &str| match (verbose, good) {
            (true, true) => Reply::json(200, &json!({ "status": 1, "error": null })),
            (true, false) => Reply::json(200, &json!({ "status": 0, "error": why })),
            (false, good) => Reply::text(200, "text/plain", if good { "1" } else { "0" }),
        };
        let updates = events(call, &String::from_utf8_lossy(&call.body));
        let Some(updates) = updates.filter(|updates| (1..=EVENTS).contains(&updates.len())) else {
            return told(false, "data, missing or empty");
        };
        if updates.iter().any(|update| !right(update, whose)) {
            return told(false, "some data points in the request failed validation");
        }
        let mut state = self.state();
        for update in &updates {
            let id = update[whose].as_str().unwrap_or_default().to_owned();
            let gone = if whose == "$group_id" {
                let key = (update["$group_key"].as_str().unwrap_or_default().to_owned(), id);
                let gone = change(state.groups.entry(key.clone()).or_default(), update);
                if gone {
                    state.groups.remove(&key);
                }
                continue;
            } else {
                change(state.people.entry(id.clone()).or_default(), update)
            };
            if gone {
                state.people.remove(&id);
            }
        }
        told(true, "")
    }
}

fn nobody(id: &str) -> bool {
    NOBODY.contains(&id.to_ascii_lowercase().as_str())
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Whether a change has exactly one operation, of the right shape, and nothing beside it that isn't known.
fn right(update: &Value, whose: &str) -> bool {
    let Some(map) = update.as_object() else { return false };
    let known = |name: &&String| OPERATIONS.contains(&name.as_str()) || BESIDE.contains(&name.as_str());
    let operations: Vec<&String> = map.keys().filter(|name| OPERATIONS.contains(&name.as_str())).collect();
    let [operation] = operations[..] else { return false };
    let shape = &map[operation];
    let values = |fits: fn(&Value) -> bool| shape.as_object().is_some_and(|map| map.values().all(fits));
    let shaped = match operation.as_str() {
        "$unset" => shape.as_array().is_some_and(|names| names.iter().all(Value::is_string)),
        "$add" => values(Value::is_number),
        "$union" => values(Value::is_array),
        "$delete" => true,
        _ => shape.is_object(),
    };
    let there = update[whose].as_str().is_some_and(|id| !id.is_empty() && !nobody(id));
    let grouped = whose != "$group_id" || update["$group_key"].is_string();
    let one_name = shape.get("forbidden").is_none();
    map.keys().all(|name| known(&name)) && update["$token"] == TOKEN && shaped && there && grouped && one_name
}

/// Changes a profile; whether it is gone.
fn change(profile: &mut Profile, update: &Value) -> bool {
    let map = |name: &str| update.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, value) in map("$set") {
        profile.insert(name, value);
    }
    for (name, value) in map("$set_once") {
        profile.entry(name).or_insert(value);
    }
    for (name, value) in map("$add") {
        let before = profile.get(&name).and_then(Value::as_f64).unwrap_or(0.0);
        profile.insert(name, json!(before + value.as_f64().unwrap_or(0.0)));
    }
    for (name, values) in map("$union").into_iter().chain(map("$append")) {
        let mut list = profile.get(&name).and_then(Value::as_array).cloned().unwrap_or_default();
        for value in values.as_array().cloned().unwrap_or_else(|| vec![values]) {
            if !list.contains(&value) || update.get("$append").is_some() {
                list.push(value);
            }
        }
        profile.insert(name, list.into());
    }
    for (name, value) in map("$remove") {
        if let Some(list) = profile.get_mut(&name).and_then(Value::as_array_mut) {
            list.retain(|known| *known != value);
        }
    }
    for name in update.get("$unset").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        profile.remove(name);
    }
    update.get("$delete").is_some()
}
