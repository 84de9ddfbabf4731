//! Events on their way in, by the Measurement Protocol.
//!
//! Google answers 204 to whatever it gets, so that a wrong event is dropped without a word: everything that its documentation
//! refuses is refused here first. It knows no ids of events either: what may have arrived is not sent again.
//!
//! Sources: <https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference>,
//! <https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events#limitations>,
//! <https://developers.google.com/analytics/devguides/collection/protocol/ga4/validating-events>

use super::Ga4;
use super::config::Stream;
use bellhop_core::analytics::{NewEvent, Refused, Taken};
use bellhop_core::text::{one_line, shorten};
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use bellhop_http::Request;
use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Events of one person in a request.
const EVENTS: usize = 25;
const PARAMETERS: usize = 25;
const NAME: usize = 40;
const VALUE: usize = 100;
const BODY: usize = 130_000;
/// How far back an event may lie.
const BACK: TimeDelta = TimeDelta::hours(72);
/// Names that Google keeps for itself.
const RESERVED: [&str; 26] = [
    "ad_activeview",
    "ad_click",
    "ad_exposure",
    "ad_query",
    "ad_reward",
    "adunit_exposure",
    "app_background",
    "app_clear_data",
    "app_exception",
    "app_remove",
    "app_store_refund",
    "app_store_subscription_cancel",
    "app_store_subscription_renew",
    "app_update",
    "app_upgrade",
    "dynamic_link_app_open",
    "dynamic_link_app_update",
    "dynamic_link_first_open",
    "error",
    "first_open",
    "first_visit",
    "in_app_purchase",
    "notification_dismiss",
    "os_update",
    "session_start",
    "user_engagement",
];
const PREFIXES: [&str; 5] = ["_", "firebase_", "ga_", "google_", "gtag."];

/// What the validation server says.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Validated {
    #[serde(default)]
    validation_messages: Vec<Message>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(default)]
    field_path: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    validation_code: String,
}

impl Ga4 {
    fn stream(&self, operation: &'static str) -> Result<&Stream, PortError> {
        self.api.config.stream.as_ref().ok_or_else(|| {
            let what = format!("[{}] has no `measurement_id` and `api_secret`, so no events can be sent", self.api.client.service());
            self.api.error(PortErrorKind::Unsupported, operation, what)
        })
    }

    fn collect(&self, operation: &'static str, route: &'static str, stream: &Stream, body: &Value) -> Request {
        let url = format!("{}{route}", self.api.config.collect_url);
        self.api
            .client
            .post(operation, route, &url)
            .query(&[("measurement_id", stream.measurement_id.as_str()), ("api_secret", stream.api_secret.expose_secret())])
            .json(body)
    }

    pub(super) async fn send(&self, events: Vec<NewEvent>) -> Result<Taken, PortError> {
        let stream = self.stream("track")?;
        let now = self.ports.clock.now();
        let mut taken = Taken::default();
        let mut good = Vec::new();
        for (index, event) in events.into_iter().enumerate() {
            match refusal(&event, now) {
                Some(reason) => taken.refused.push(Refused { index, reason }),
                None => good.push(event),
            }
        }
        for batch in batches(&good) {
            let answer = self.collect("track", "/mp/collect", stream, &payload(&batch)).send().await;
            match answer {
                Ok(_) => taken.taken += batch.len(),
                // What was taken before must not be sent again: Google would count it twice.
                Err(error) if taken.taken > 0 => {
                    let mut error = error.maybe_done();
                    error.message = format!("{} of {} events were sent before this: {}", taken.taken, good.len(), error.message);
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    /// Asks Google's validation server, which keeps nothing, and knows nothing of secrets either.
    pub(super) async fn checked(&self, events: &[NewEvent]) -> Result<Vec<Refused>, PortError> {
        let stream = self.stream("validate")?;
        let now = self.ports.clock.now();
        let mut refused = Vec::new();
        for (index, event) in events.iter().enumerate() {
            if let Some(reason) = refusal(event, now) {
                refused.push(Refused { index, reason });
                continue;
            }
            let said: Validated = self.collect("validate", "/debug/mp/collect", stream, &payload(&[event])).reads().receive().await?;
            let text = |text: &str| shorten(&one_line(text), 200);
            refused.extend(said.validation_messages.iter().map(|message| Refused {
                index,
                reason: format!("{} ({}, {})", text(&message.description), text(&message.validation_code), text(&message.field_path)),
            }));
        }
        Ok(refused)
    }
}

/// Why an event can't be sent, by Google's documented limits.
fn refusal(event: &NewEvent, now: Timestamp) -> Option<String> {
    let shown = || shorten(&one_line(&event.event), 60);
    if let Some(why) = bad_name(&event.event) {
        return Some(format!("the event's name `{}` {why}", shown()));
    }
    if RESERVED.contains(&event.event.as_str()) {
        return Some(format!("the event's name `{}` is Google's own; choose another", shown()));
    }
    if event.distinct_id.is_empty() {
        return Some("it has no person: Google counts nothing without one".to_owned());
    }
    if event.time < now - BACK {
        return Some(format!("its time {} is over 72 hours ago, which Google would move to 72 hours ago", event.time));
    }
    if event.time > now + TimeDelta::minutes(15) {
        return Some(format!("its time {} is in the future; check the sender's clock", event.time));
    }
    // The two that are added for reports to show the event are parameters too.
    let added = ["engagement_time_msec", "session_id"].iter().filter(|name| !event.properties.contains_key(**name)).count();
    if event.properties.len() + added > PARAMETERS {
        return Some(format!("it has {} properties, and {} are the most", event.properties.len(), PARAMETERS - added));
    }
    for (name, value) in &event.properties {
        if let Some(why) = bad_name(name) {
            return Some(format!("the property's name `{}` {why}", shorten(&one_line(name), 60)));
        }
        match value {
            Value::String(text) if text.chars().count() > VALUE => {
                return Some(format!("the property `{name}` has over {VALUE} characters"));
            }
            Value::Array(_) | Value::Object(_) if name != "items" => {
                return Some(format!("the property `{name}` is a list or an object, and Google takes texts and numbers"));
            }
            _ => {}
        }
    }
    let bytes = payload(&[event]).to_string().len();
    (bytes > BODY).then(|| format!("it has {bytes} bytes, and {BODY} are the most"))
}

fn bad_name(name: &str) -> Option<String> {
    if name.chars().count() > NAME {
        return Some(format!("has over {NAME} characters"));
    }
    let letters =
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    if !letters && !name.starts_with('_') {
        return Some("must begin with a letter and have letters, digits and _ only, such as sign_up".to_owned());
    }
    PREFIXES.iter().find(|prefix| name.starts_with(**prefix)).map(|prefix| format!("begins with {prefix}, which is Google's own"))
}

/// Events in requests: of one person each, within the limits.
fn batches(events: &[NewEvent]) -> Vec<Vec<&NewEvent>> {
    let mut batches: Vec<Vec<&NewEvent>> = Vec::new();
    for event in events {
        let fits = |batch: &Vec<&NewEvent>| {
            batch.len() < EVENTS && batch.first().is_some_and(|first| first.distinct_id == event.distinct_id) && {
                let mut with = batch.clone();
                with.push(event);
                payload(&with).to_string().len() <= BODY
            }
        };
        match batches.last_mut().filter(|batch| fits(batch)) {
            Some(batch) => batch.push(event),
            None => batches.push(vec![event]),
        }
    }
    batches
}

fn payload(events: &[&NewEvent]) -> Value {
    let person = events.first().map_or("", |event| event.distinct_id.as_str());
    let list: Vec<Value> = events
        .iter()
        .map(|event| {
            let mut params: Map<String, Value> = event
                .properties
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| {
                    // What Google sums is called value there.
                    let name = if name == "revenue" && !event.properties.contains_key("value") { "value" } else { name.as_str() };
                    let value = match value {
                        Value::Bool(yes) => json!(yes.to_string()),
                        other => other.clone(),
                    };
                    (name.to_owned(), value)
                })
                .collect();
            // Without these two an event is kept and shows in no report of sessions or of these minutes.
            params.entry("engagement_time_msec").or_insert(json!(1));
            params.entry("session_id").or_insert_with(|| json!((event.time.timestamp() / 1800 * 1800).to_string()));
            json!({ "name": event.event, "params": params, "timestamp_micros": event.time.timestamp_micros() })
        })
        .collect();
    // Whoever is known to us by an id is signed in; Google wants an id of the browser beside it.
    json!({ "client_id": person, "user_id": person, "non_personalized_ads": true, "events": list })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn event(name: &str, person: &str, properties: Value) -> NewEvent {
        let properties: BTreeMap<String, Value> = serde_json::from_value(properties).unwrap();
        NewEvent { event: name.into(), distinct_id: person.into(), time: now(), insert_id: String::new(), properties }
    }

    fn now() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_google_would_drop_silently_is_refused() {
        let many: Map<String, Value> = (0..24).map(|n| (format!("p{n}"), json!(n))).collect();
        for (wrong, why) in [
            (event("sign up", "ann", json!({})), "letters, digits and _"),
            (event("first_visit", "ann", json!({})), "Google's own"),
            (event("ga_x", "ann", json!({})), "begins with ga_"),
            (event("_x", "ann", json!({})), "begins with _"),
            (event(&"x".repeat(41), "ann", json!({})), "over 40"),
            (event("ok", "", json!({})), "no person"),
            (event("ok", "ann", json!({ "a b": 1 })), "property's name"),
            (event("ok", "ann", json!({ "a": "x".repeat(101) })), "over 100"),
            (event("ok", "ann", json!({ "a": [1] })), "a list"),
            (event("ok", "ann", Value::Object(many)), "23 are the most"),
            (NewEvent { time: now() - TimeDelta::hours(73), ..event("ok", "ann", json!({})) }, "72 hours"),
            (NewEvent { time: now() + TimeDelta::hours(1), ..event("ok", "ann", json!({})) }, "future"),
        ] {
            let said = refusal(&wrong, now()).unwrap_or_default();
            assert!(said.contains(why), "{wrong:?}: {said}");
        }
        assert_eq!(refusal(&event("sign_up", "ann", json!({ "plan": "pro", "paid": true })), now()), None);
    }

    #[test]
    fn requests_are_of_one_person_and_of_25_events() {
        let events: Vec<NewEvent> = (0..60).map(|n| event("e", if n < 30 { "ann" } else { "bob" }, json!({}))).collect();
        let sizes: Vec<usize> = batches(&events).iter().map(Vec::len).collect();
        assert_eq!(sizes, [25, 5, 25, 5]);
    }
}
