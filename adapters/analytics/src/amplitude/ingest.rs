//! Events and properties of people on their way in.
//!
//! Every event has an insert id, so that sending it again within a week does no harm. A request with wrong events is refused as
//! a whole; those that are named are taken out, and the others sent again.
//!
//! Sources: <https://amplitude.com/docs/apis/analytics/http-v2>, <https://amplitude.com/docs/apis/analytics/identify>

use super::Amplitude;
use super::ask::words;
use bellhop_core::PortErrorKind;
use bellhop_core::analytics::{NewEvent, ProfileChange, ProfileOperation, Refused, Subject, Taken};
use bellhop_core::ports::PortResult;
use bellhop_core::text::shorten;
use bellhop_http::StatusCode;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::time::Duration;

/// Events in a request of either interface, and bytes: both allow less than what stands here and one more.
const EVENTS: usize = 1_999;
const BYTES: usize = 950_000;
const BATCH_BYTES: usize = 19_000_000;
/// How many events are many: those go to the interface for batches, which takes more of one person in a second.
const MANY: usize = 100;
/// Ids that Amplitude takes for nobody.
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
/// How long people who send too much are left alone.
const PAUSE: Duration = Duration::from_secs(30);
const BATCH_PAUSE: Duration = Duration::from_secs(15);
/// Properties that stand beside the others.
const MONEY: [(&str, &str); 6] = [
    ("revenue", "revenue"),
    ("price", "price"),
    ("quantity", "quantity"),
    ("product_id", "productId"),
    ("revenue_type", "revenueType"),
    ("currency", "currency"),
];

/// An event on its way: its position among those that were given, as it is sent, and how long that is.
type Record = (usize, Value, usize);

/// Where events go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Http,
    Batch,
}

impl Door {
    const fn route(self) -> &'static str {
        match self {
            Self::Http => "/2/httpapi",
            Self::Batch => "/batch",
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Http => BYTES,
            Self::Batch => BATCH_BYTES,
        }
    }

    const fn pause(self) -> Duration {
        match self {
            Self::Http => PAUSE,
            Self::Batch => BATCH_PAUSE,
        }
    }
}

impl Amplitude {
    pub(super) async fn send(&self, events: Vec<NewEvent>) -> PortResult<Taken> {
        let mut taken = Taken::default();
        let mut good: Vec<Record> = Vec::new();
        for (index, event) in events.iter().enumerate() {
            let record = record(event);
            let bytes = record.to_string().len();
            match refusal(event, bytes) {
                Some(reason) => taken.refused.push(Refused { index, reason }),
                None => good.push((index, record, bytes)),
            }
        }
        let door = if good.len() > MANY { Door::Batch } else { Door::Http };
        let mut throttled = Vec::new();
        let mut rest = &good[..];
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |(_, _, size): &&Record| {
                bytes += size + 1;
                bytes <= door.bytes()
            };
            let many = rest.iter().take(EVENTS).take_while(fits).count();
            let (batch, others) = rest.split_at(many.max(1));
            let left_out = self.batch(door, batch, &mut throttled).await?;
            taken.taken += batch.len().saturating_sub(left_out.len());
            taken.refused.extend(left_out);
            rest = others;
        }
        if !throttled.is_empty() {
            throttled.sort();
            throttled.dedup();
            let who = throttled.iter().take(3).map(|id| words(id)).collect::<Vec<_>>().join(", ");
            let message =
                format!("Amplitude wants fewer events a second of one person ({who}); the others were taken, these are sent again later");
            return Err(self.error(PortErrorKind::RateLimited, "track", message).after(door.pause()));
        }
        taken.refused.sort_by_key(|refused| refused.index);
        Ok(taken)
    }

    /// Sends a batch until what is left of it is taken; returns what was refused. Whose events came too fast is told in
    /// `throttled`: the others' are sent without them.
    async fn batch(&self, door: Door, batch: &[Record], throttled: &mut Vec<String>) -> PortResult<Vec<Refused>> {
        let mut refused = Vec::new();
        let mut left: Vec<&Record> = batch.iter().collect();
        while !left.is_empty() {
            let events: Vec<&Value> = left.iter().map(|(_, record, _)| record).collect();
            let body = json!({ "api_key": self.config.api_key.expose_secret(), "events": events, "options": { "min_id_length": 1 } });
            let url = format!("{}{}", self.config.ingest_url, door.route());
            let answer = self.client.post("track", door.route(), &url).idempotent().json(&body).exchange().await?;
            let (status, refusal) = (answer.status(), answer.refusal());
            if status.is_success() {
                return Ok(refused);
            }
            let said: Value = answer.json().await.unwrap_or_default();
            match status {
                StatusCode::BAD_REQUEST => {
                    let mut bad = wrong(&said);
                    bad.retain(|(at, _)| *at < left.len());
                    if bad.is_empty() {
                        return Err(self.refuses_all(&said));
                    }
                    take_out(&mut left, &mut refused, &bad);
                }
                StatusCode::PAYLOAD_TOO_LARGE if left.len() > 1 => {
                    let halves: Vec<Vec<Record>> =
                        left.chunks(left.len().div_ceil(2)).map(|half| half.iter().map(|one| (*one).clone()).collect()).collect();
                    for half in halves {
                        refused.extend(Box::pin(self.batch(door, &half, throttled)).await?);
                    }
                    return Ok(refused);
                }
                StatusCode::PAYLOAD_TOO_LARGE => {
                    let index = left.first().map_or(0, |(index, ..)| *index);
                    refused.push(Refused { index, reason: "Amplitude finds it too large".to_owned() });
                    return Ok(refused);
                }
                StatusCode::TOO_MANY_REQUESTS => {
                    let (over, fast) = too_many(&said);
                    let person = |record: &Value| record["user_id"].as_str().unwrap_or_default().to_owned();
                    let is = |list: &[String], record: &Value| list.contains(&person(record));
                    let reason = "Amplitude takes no more of this person's events today: 500,000 is the most".to_owned();
                    let before = left.len();
                    refused.extend(
                        left.iter()
                            .filter(|(_, record, _)| is(&over, record))
                            .map(|(index, ..)| Refused { index: *index, reason: reason.clone() }),
                    );
                    throttled.extend(left.iter().map(|(_, record, _)| person(record)).filter(|id| fast.contains(id) && !over.contains(id)));
                    left.retain(|(_, record, _)| !is(&over, record) && !is(&fast, record));
                    if left.len() == before {
                        let message = "Amplitude wants fewer events a second; they are sent again later";
                        return Err(self.error(PortErrorKind::RateLimited, "track", message).after(door.pause()));
                    }
                }
                _ => return Err(refusal),
            }
        }
        Ok(refused)
    }

    /// A refusal of everything, which is about the key or the request.
    fn refuses_all(&self, said: &Value) -> bellhop_core::PortError {
        let why = words(said.get("error").and_then(Value::as_str).unwrap_or("it doesn't say why"));
        let keyed = why.contains("api_key") || why.contains("API key");
        let kind = if keyed { PortErrorKind::Unauthenticated } else { PortErrorKind::Invalid };
        // What it quotes is the key.
        let why = if keyed { "the API key is not valid".to_owned() } else { why };
        let message = format!("Amplitude refuses the events: {why}; check `api_key` and `region` in [{}]", self.client.service());
        self.error(kind, "track", message)
    }

    pub(super) async fn change(&self, changes: Vec<ProfileChange>) -> PortResult<Taken> {
        let mut taken = Taken::default();
        let (mut people, mut groups) = (Vec::new(), Vec::new());
        for (index, change) in changes.iter().enumerate() {
            match (operations(&change.change), &change.subject) {
                (Err(reason), _) => taken.refused.push(Refused { index, reason }),
                (Ok(_), Subject::Merge { .. }) => {
                    taken.refused.push(Refused { index, reason: "Amplitude joins people by itself when a device signs in".to_owned() });
                }
                (Ok(_), Subject::Person(id)) if nobody(id) => {
                    taken.refused.push(Refused { index, reason: format!("Amplitude takes `{}` for nobody's id", words(id)) });
                }
                (Ok(properties), Subject::Person(id)) => people.push((index, json!({ "user_id": id, "user_properties": properties }))),
                (Ok(properties), Subject::Group { kind, id }) => {
                    groups.push((index, json!({ "group_type": kind, "group_value": id, "group_properties": properties })));
                }
            }
        }
        for (route, list) in [("/identify", people), ("/groupidentify", groups)] {
            for batch in list.chunks(EVENTS) {
                self.profiles(route, batch, &mut taken).await?;
            }
        }
        taken.refused.sort_by_key(|refused| refused.index);
        Ok(taken)
    }

    /// Sends changes; where one of several is wrong, which isn't said, each by itself.
    async fn profiles(&self, route: &'static str, batch: &[(usize, Value)], taken: &mut Taken) -> PortResult<()> {
        let identification = json!(batch.iter().map(|(_, one)| one).collect::<Vec<_>>()).to_string();
        let url = format!("{}{route}", self.config.ingest_url);
        let form = [("api_key", self.config.api_key.expose_secret()), ("identification", identification.as_str())];
        let mut request = self.client.post("identify", route, &url).form(&form);
        // What adds up must not be sent twice.
        let adds = |one: &Value| ["user_properties", "group_properties"].iter().any(|which| one[*which].get("$add").is_some());
        if !batch.iter().any(|(_, one)| adds(one)) {
            request = request.idempotent();
        }
        let answer = request.exchange().await?;
        let (status, refusal) = (answer.status(), answer.refusal());
        if status.is_success() {
            taken.taken += batch.len();
            return Ok(());
        }
        if status != StatusCode::BAD_REQUEST {
            return Err(refusal);
        }
        let why = words(&answer.text().await.unwrap_or_default());
        if why.contains("api_key") || why.contains("API key") {
            let message = format!("Amplitude refuses the key: {why}; check `api_key` and `region` in [{}]", self.client.service());
            return Err(self.error(PortErrorKind::Unauthenticated, "identify", message));
        }
        if let [(index, _)] = batch {
            taken.refused.push(Refused { index: *index, reason: format!("Amplitude refuses it: {why}") });
            return Ok(());
        }
        for one in batch.chunks(1) {
            Box::pin(self.profiles(route, one, taken)).await?;
        }
        Ok(())
    }
}

fn nobody(id: &str) -> bool {
    NOBODY.contains(&id.to_ascii_lowercase().as_str())
}

/// Which events of a refused request are wrong, and why.
fn wrong(said: &Value) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    for (list, what) in [
        ("events_with_invalid_fields", "is wrong"),
        ("events_with_missing_fields", "is missing"),
        ("events_with_invalid_id_lengths", "is too short"),
    ] {
        for (field, indices) in said.get(list).and_then(Value::as_object).into_iter().flatten() {
            let indices = indices.as_array().into_iter().flatten().filter_map(Value::as_u64);
            all.extend(indices.filter_map(|index| Some((usize::try_from(index).ok()?, format!("`{}` {what}", words(field))))));
        }
    }
    let silenced = said.get("silenced_events").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64);
    all.extend(silenced.filter_map(|index| Some((usize::try_from(index).ok()?, "its device is silenced".to_owned()))));
    all
}

/// Takes the wrong ones out, each with all that is wrong about it.
fn take_out(left: &mut Vec<&Record>, refused: &mut Vec<Refused>, bad: &[(usize, String)]) {
    let positions: BTreeSet<usize> = bad.iter().map(|(at, _)| *at).collect();
    for at in &positions {
        let reasons: Vec<&str> = bad.iter().filter(|(position, _)| position == at).map(|(_, why)| why.as_str()).collect();
        if let Some((index, ..)) = left.get(*at) {
            refused.push(Refused { index: *index, reason: format!("Amplitude refuses it: {}", reasons.join(", ")) });
        }
    }
    let mut position = 0;
    left.retain(|_| {
        position += 1;
        !positions.contains(&(position - 1))
    });
}

/// Whose allowance of the day is used up, and who sends too fast.
fn too_many(said: &Value) -> (Vec<String>, Vec<String>) {
    let ids = |names: [&str; 2]| {
        let maps = names.into_iter().filter_map(|name| said.get(name)?.as_object());
        maps.flat_map(|map| map.keys().cloned()).collect::<Vec<_>>()
    };
    (ids(["exceeded_daily_quota_users", "exceeded_daily_quota_devices"]), ids(["throttled_users", "throttled_devices"]))
}

/// Why an event can't be sent, by Amplitude's documented limits.
fn refusal(event: &NewEvent, bytes: usize) -> Option<String> {
    let name = event.event.trim();
    if name.is_empty() {
        return Some("it has no name".to_owned());
    }
    if name.starts_with("[Amplitude]") || name.starts_with("$identify") || name.starts_with("$groupidentify") {
        return Some(format!("its name `{}` is Amplitude's own", words(name)));
    }
    if nobody(&event.distinct_id) {
        return Some(format!("Amplitude takes the person `{}` for nobody", words(&event.distinct_id)));
    }
    if event.time.timestamp() <= 0 {
        return Some(format!("its time {} is before 1970", event.time));
    }
    (bytes > BYTES).then(|| format!("it has {bytes} bytes, and {BYTES} are the most"))
}

fn record(event: &NewEvent) -> Value {
    let mut properties: Map<String, Value> = Map::new();
    let mut record = json!({
        "user_id": event.distinct_id,
        "event_type": event.event,
        "time": event.time.timestamp_millis(),
        "insert_id": insert_id(event),
        "ip": Value::Null,
    });
    for (name, value) in &event.properties {
        match MONEY.iter().find(|(ours, _)| ours == name) {
            Some((_, theirs)) => record[*theirs] = value.clone(),
            None if name == "session_id" && value.is_i64() => record["session_id"] = value.clone(),
            None => {
                properties.insert(name.clone(), short(value));
            }
        }
    }
    record["event_properties"] = properties.into();
    if let Some(record) = record.as_object_mut() {
        record.retain(|_, value| !value.is_null());
    }
    record
}

/// Texts are cut at 1,024 characters.
fn short(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(shorten(text, 1024)),
        Value::Array(list) => list.iter().map(short).collect(),
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), short(value))).collect::<Map<_, _>>().into(),
        other => other.clone(),
    }
}

/// The event's id; one without is given one that is always the same for the same event.
fn insert_id(event: &NewEvent) -> String {
    if !event.insert_id.is_empty() {
        return shorten(&event.insert_id, 500);
    }
    let hash = Sha256::digest(json!([event.event, event.distinct_id, event.time, event.properties]).to_string());
    hex::encode(hash)
}

/// A change as Amplitude's operations; an error where it has none.
fn operations(change: &ProfileOperation) -> Result<Value, String> {
    Ok(match change {
        ProfileOperation::Set(values) => json!({ "$set": values }),
        ProfileOperation::SetOnce(values) => json!({ "$setOnce": values }),
        ProfileOperation::Add(values) => json!({ "$add": values }),
        ProfileOperation::Union(values) => json!({ "$postInsert": values }),
        ProfileOperation::Unset(names) => json!({ "$unset": names.iter().map(|name| (name.clone(), json!("-"))).collect::<Map<_, _>>() }),
        ProfileOperation::Merge => json!({}),
        ProfileOperation::Delete => {
            return Err("Amplitude deletes people by its privacy interface only; unset properties by name".to_owned());
        }
    })
}
