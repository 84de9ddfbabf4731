//! Events and profiles on their way in.
//!
//! Events go to `/import`, which checks each and says which are wrong: the right ones of a partly wrong request are kept.
//! Sending one twice does no harm, since its id, name, person and time stay the same. Profiles have no such id: what adds up
//! is not sent again after a lost answer.
//!
//! Sources: <https://docs.mixpanel.com/reference/import-events>, <https://docs.mixpanel.com/reference/profile-set>,
//! <https://docs.mixpanel.com/reference/identity-merge>

use super::Mixpanel;
use super::ask::words;
use bellhop_core::analytics::{NewEvent, ProfileChange, ProfileOperation, Refused, Subject, Taken};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use bellhop_http::{Request, StatusCode};
use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::io::Write as _;

/// Events in a request, and bytes before compression.
const EVENTS: usize = 2000;
const BYTES: usize = 2_000_000;
const EVENT_BYTES: usize = 1_000_000;
const PROPERTIES: usize = 255;
/// Ids that Mixpanel takes for nobody.
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

/// What `/import` answers, whether it is a success or a partial one.
#[derive(Debug, Default, Deserialize)]
struct Imported {
    #[serde(default, rename = "num_records_imported")]
    taken: usize,
    #[serde(default)]
    failed_records: Vec<FailedRecord>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct FailedRecord {
    index: usize,
    #[serde(default)]
    field: String,
    #[serde(default)]
    message: String,
}

impl Mixpanel {
    pub(super) async fn import(&self, events: Vec<NewEvent>) -> PortResult<Taken> {
        let now = self.ports.clock.now();
        let mut taken = Taken::default();
        let mut good: Vec<(usize, String)> = Vec::new();
        for (index, event) in events.iter().enumerate() {
            let line = record(event).to_string();
            match refusal(event, line.len(), now) {
                Some(reason) => taken.refused.push(Refused { index, reason }),
                None => good.push((index, line)),
            }
        }
        let mut rest = &good[..];
        while !rest.is_empty() {
            let mut bytes = 0;
            let many = rest
                .iter()
                .take(EVENTS)
                .take_while(|(_, line)| {
                    bytes += line.len() + 1;
                    bytes <= BYTES
                })
                .count();
            let (batch, others) = rest.split_at(many.max(1));
            let done = self.import_batch(batch).await?;
            taken.taken += batch.len().saturating_sub(done.len());
            taken.refused.extend(done);
            rest = others;
        }
        taken.refused.sort_by_key(|refused| refused.index);
        Ok(taken)
    }

    /// Sends a batch and returns those that were refused.
    async fn import_batch(&self, batch: &[(usize, String)]) -> PortResult<Vec<Refused>> {
        let lines: Vec<&str> = batch.iter().map(|(_, line)| line.as_str()).collect();
        let answer = self.import_request(&format!("[{}]", lines.join(",")))?.exchange().await?;
        let status = answer.status();
        if !status.is_success() && status != StatusCode::BAD_REQUEST {
            return Err(self.ingest_refused(status, answer.refusal()));
        }
        let said: Imported = answer.json().await?;
        if status.is_success() && said.failed_records.is_empty() {
            return Ok(Vec::new());
        }
        if said.failed_records.is_empty() {
            let why = words(said.error.as_deref().unwrap_or("it doesn't say why"));
            return Err(self.error(PortErrorKind::Invalid, "track", format!("Mixpanel refuses the events: {why}")));
        }
        tracing::debug!(imported = said.taken, refused = said.failed_records.len(), "Mixpanel took a part of the events");
        let refused = said.failed_records.iter().filter_map(|failed| {
            let (index, _) = batch.get(failed.index)?;
            Some(Refused { index: *index, reason: format!("Mixpanel refuses `{}`: {}", words(&failed.field), words(&failed.message)) })
        });
        Ok(refused.collect())
    }

    fn import_request(&self, body: &str) -> PortResult<Request> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let packed = gzip.write_all(body.as_bytes()).and_then(|()| gzip.finish());
        let packed =
            packed.map_err(|error| self.error(PortErrorKind::Broken, "track", format!("the events can't be compressed: {error}")))?;
        let url = format!("{}/import", self.config.ingest_url);
        let request = self.client.post("track", "/import", &url).idempotent();
        let request = match (&self.config.account, &self.config.project_token) {
            (Some(_), _) => self.signed("track", request)?.query(&[("strict", "1")]),
            // The token as the user, with nothing as the password.
            (None, Some(token)) => {
                use base64::Engine as _;
                let pair = base64::engine::general_purpose::STANDARD.encode(format!("{}:", token.expose_secret()));
                request.secret_header("authorization", &format!("Basic {pair}")).query(&[("strict", "1")])
            }
            (None, None) => {
                return Err(self.error(PortErrorKind::Unsupported, "track", "there is neither a service account nor a project token"));
            }
        };
        Ok(request.header("content-encoding", "gzip").content("application/json", packed.into()))
    }

    fn ingest_refused(&self, status: StatusCode, mut error: PortError) -> PortError {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                error.message = format!(
                    "Mixpanel doesn't take events with this credential; check `service_account`, `project_token`, `project_id` and `region` in [{}]",
                    self.client.service()
                );
            }
            StatusCode::TOO_MANY_REQUESTS => {
                "Mixpanel wants fewer events a minute".clone_into(&mut error.message);
            }
            _ => {}
        }
        error
    }

    /// Changes of profiles, each kind of request by itself, and what became of each.
    pub(super) async fn change(&self, changes: Vec<ProfileChange>) -> PortResult<Taken> {
        let mut taken = Taken::default();
        let (mut people, mut groups) = (Vec::new(), Vec::new());
        for (index, change) in changes.iter().enumerate() {
            match &change.subject {
                Subject::Merge { from, into } => match self.merge(from, into).await {
                    Ok(()) => taken.taken += 1,
                    Err(error) if error.kind == PortErrorKind::Invalid => taken.refused.push(Refused { index, reason: error.message }),
                    Err(error) => return Err(error),
                },
                Subject::Person(id) if nobody(id) => {
                    taken.refused.push(Refused { index, reason: format!("Mixpanel takes `{}` for nobody's id", words(id)) });
                }
                Subject::Person(_) => people.push((index, change)),
                Subject::Group { .. } => groups.push((index, change)),
            }
        }
        for (route, list) in [("/engage", people), ("/groups", groups)] {
            for batch in list.chunks(EVENTS) {
                self.profiles(route, batch, &mut taken).await?;
            }
        }
        Ok(taken)
    }

    async fn profiles(&self, route: &'static str, batch: &[(usize, &ProfileChange)], taken: &mut Taken) -> PortResult<()> {
        let Some(token) = &self.config.project_token else {
            let why = format!("profiles are sent with the project's token; set `project_token` in [{}]", self.client.service());
            return Err(self.error(PortErrorKind::Unsupported, "identify", why));
        };
        let updates: Vec<Value> = batch.iter().map(|(_, change)| update(change, token.expose_secret())).collect();
        let repeatable = batch.iter().all(|(_, change)| !matches!(change.change, ProfileOperation::Add(_)));
        let url = format!("{}{route}", self.config.ingest_url);
        let mut request = self.client.post("identify", route, &url).query(&[("verbose", "1")]).json(&updates);
        if repeatable {
            request = request.idempotent();
        }
        let answer = request.exchange().await?;
        if !answer.status().is_success() {
            return Err(self.ingest_refused(answer.status(), answer.refusal()));
        }
        // A success may refuse in its body, with 0 in place of 1.
        let said: Value = answer.json().await?;
        let status = said.get("status").unwrap_or(&said);
        if status.as_i64() == Some(1) || status.as_str() == Some("OK") {
            taken.taken += batch.len();
            return Ok(());
        }
        let why = words(said.get("error").and_then(Value::as_str).unwrap_or("it doesn't say why"));
        if let [(index, _)] = batch {
            taken.refused.push(Refused { index: *index, reason: format!("Mixpanel refuses it: {why}") });
            return Ok(());
        }
        // Which one it is about isn't said: each is asked by itself.
        for one in batch.chunks(1) {
            Box::pin(self.profiles(route, one, taken)).await?;
        }
        Ok(())
    }

    async fn merge(&self, from: &str, into: &str) -> PortResult<()> {
        let event = json!([{ "event": "$merge", "properties": { "$distinct_ids": [from, into] } }]);
        let answer = self.import_request(&event.to_string())?.exchange().await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        if status == StatusCode::BAD_REQUEST {
            let said: Imported = answer.json().await.unwrap_or_default();
            let why = said.failed_records.first().map(|failed| failed.message.clone()).or(said.error).unwrap_or_default();
            return Err(self.error(
                PortErrorKind::Invalid,
                "identify",
                format!("Mixpanel does not merge `{}` and `{}`: {}", words(from), words(into), words(&why)),
            ));
        }
        Err(self.ingest_refused(status, answer.refusal()))
    }
}

fn nobody(id: &str) -> bool {
    id.is_empty() || NOBODY.contains(&id.to_ascii_lowercase().as_str())
}

fn update(change: &ProfileChange, token: &str) -> Value {
    let mut update = match &change.subject {
        Subject::Group { kind, id } => json!({ "$token": token, "$group_key": kind, "$group_id": id }),
        Subject::Person(id) => json!({ "$token": token, "$distinct_id": id, "$ip": "0" }),
        Subject::Merge { into, .. } => json!({ "$token": token, "$distinct_id": into }),
    };
    let (name, value) = match &change.change {
        ProfileOperation::Set(values) => ("$set", json!(values)),
        ProfileOperation::SetOnce(values) => ("$set_once", json!(values)),
        ProfileOperation::Add(values) => ("$add", json!(values)),
        ProfileOperation::Union(values) => ("$union", json!(values)),
        ProfileOperation::Unset(names) => ("$unset", json!(names)),
        ProfileOperation::Delete | ProfileOperation::Merge => ("$delete", json!("")),
    };
    update[name] = value;
    update
}

/// Why an event can't be sent, by Mixpanel's documented limits.
fn refusal(event: &NewEvent, bytes: usize, now: Timestamp) -> Option<String> {
    if event.event.trim().is_empty() {
        return Some("it has no name".to_owned());
    }
    if !event.distinct_id.is_empty() && nobody(&event.distinct_id) {
        return Some(format!("Mixpanel takes the person `{}` for nobody", words(&event.distinct_id)));
    }
    if event.time > now + TimeDelta::hours(1) {
        return Some(format!("its time {} is over an hour ahead, and Mixpanel would move it to now", event.time));
    }
    if event.time < Timestamp::UNIX_EPOCH + TimeDelta::days(366) {
        return Some(format!("its time {} is before 1971", event.time));
    }
    if event.properties.len() >= PROPERTIES - 5 {
        return Some(format!("it has {} properties, and Mixpanel takes fewer than 250", event.properties.len()));
    }
    if event.properties.values().any(|value| depth(value) > 3) {
        return Some("a property is nested deeper than 3".to_owned());
    }
    (bytes >= EVENT_BYTES).then(|| format!("it has {bytes} bytes, and Mixpanel takes fewer than 1,000,000"))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn record(event: &NewEvent) -> Value {
    let mut properties: Map<String, Value> = event.properties.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    properties.insert("time".to_owned(), json!(event.time.timestamp_millis()));
    properties.insert("distinct_id".to_owned(), json!(event.distinct_id));
    properties.insert("$insert_id".to_owned(), json!(insert_id(event)));
    // The server's address says nothing about where people are.
    properties.entry("ip").or_insert(json!("0"));
    json!({ "event": event.event, "properties": properties })
}

/// The event's id as Mixpanel takes it: 36 bytes at most of letters, digits and dashes. Another one is folded into such,
/// always the same.
fn insert_id(event: &NewEvent) -> String {
    let id = &event.insert_id;
    let fits = !id.is_empty() && id.len() <= 36 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !nobody(id);
    if fits {
        return id.clone();
    }
    let mut hash = Sha256::new();
    if id.is_empty() {
        hash.update(json!([event.event, event.distinct_id, event.time, event.properties]).to_string());
    } else {
        hash.update(id);
    }
    hex::encode(hash.finalize()).chars().take(32).collect()
}
