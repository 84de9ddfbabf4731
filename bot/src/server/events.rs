//! Own analytics in: events and profiles, in batches, each taken once.

use super::{Problem, Services, alerts, keys};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::HeaderMap;
use bellhop_core::analytics::{NewEvent, ProfileChange, ProfileOperation, Refused, Subject, Taken};
use bellhop_core::clock::{Ids, Timestamp};
use bellhop_core::ports::AnalyticsSource as _;
use chrono::DateTime;
use serde_json::{Map, Value};

/// The most events in one request.
const MOST: usize = 50_000;

/// `POST /v1/events`: an array, one object, or NDJSON.
pub async fn events(
    State(services): State<Services>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Taken>, Problem> {
    keys::check(&services.store, &headers, "events").await?;
    let body = body.map_err(|error| alerts::too_large(&error, "events", super::EVENTS_BODY))?;
    let items = items(&body)?;
    let now = services.clock.now();
    let (mut events, mut places, mut refused) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()), Vec::new());
    for (index, item) in items.into_iter().enumerate() {
        match item.and_then(|item| event(item, now, services.ids.as_ref())) {
            Ok(event) => {
                events.push(event);
                places.push(index);
            }
            Err(reason) => refused.push(Refused { index, reason }),
        }
    }
    let taken = whole(services.events.track(events).await?, &places, refused);
    metrics::counter!("bellhop_events_accepted_total", "source" => "events").increment(taken.taken as u64);
    Ok(Json(taken))
}

/// `POST /v1/profiles`: an array, one object, or NDJSON. An object is about a person (`distinct_id`) or a group
/// (`group: {kind, id}`), with any of `properties`, `set_once`, `add`, `union`, `unset` and `delete`; or it says that two ids are
/// one person (`merge`, `into`).
pub async fn profiles(
    State(services): State<Services>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Taken>, Problem> {
    keys::check(&services.store, &headers, "events").await?;
    let body = body.map_err(|error| alerts::too_large(&error, "profiles", super::EVENTS_BODY))?;
    let (mut all, mut places, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    let items = items(&body)?;
    let mut sound = items.len();
    for (index, item) in items.into_iter().enumerate() {
        match item.and_then(changes) {
            Ok(changes) => {
                places.extend(std::iter::repeat_n(index, changes.len()));
                all.extend(changes);
            }
            Err(reason) => {
                sound -= 1;
                refused.push(Refused { index, reason });
            }
        }
    }
    let mut taken = whole(services.events.identify(all).await?, &places, refused);
    // One object is one answer, also where it is several changes.
    taken.refused.dedup_by_key(|refusal| refusal.index);
    let kept = taken.refused.iter().filter(|refusal| places.contains(&refusal.index)).count();
    taken.taken = sound - kept;
    Ok(Json(taken))
}

/// The changes of one object, in the order in which they are made.
fn changes(mut item: Map<String, Value>) -> Result<Vec<ProfileChange>, String> {
    let id = |value: Option<Value>, what: &str| match value {
        Some(Value::String(id)) if !id.is_empty() => Ok(id),
        Some(Value::Number(id)) => Ok(id.to_string()),
        _ => Err(format!("`{what}` is missing, or no id")),
    };
    if let Some(from) = item.remove("merge") {
        let into = item.remove("into").or_else(|| item.remove("distinct_id"));
        let subject = Subject::Merge { from: id(Some(from), "merge")?, into: id(into, "into")? };
        nothing_else(&item)?;
        return Ok(vec![ProfileChange { subject, change: ProfileOperation::Merge }]);
    }
    let subject = match item.remove("group") {
        Some(Value::Object(mut group)) => Subject::Group { kind: id(group.remove("kind"), "kind")?, id: id(group.remove("id"), "id")? },
        Some(_) => return Err("`group` must be an object with `kind` and `id`".to_owned()),
        None => Subject::Person(person(&mut item).ok_or("`distinct_id` is missing; it says whose profile this is")?),
    };
    let mut operations = Vec::new();
    if item.remove("delete").is_some_and(|delete| delete == Value::Bool(true)) {
        operations.push(ProfileOperation::Delete);
    }
    match item.remove("properties") {
        Some(Value::Object(properties)) => operations.push(ProfileOperation::Set(properties.into_iter().collect())),
        Some(_) => return Err("`properties` must be an object".to_owned()),
        None => {}
    }
    if let Some(values) = item.remove("set_once") {
        operations.push(ProfileOperation::SetOnce(read(values, "set_once", "an object")?));
    }
    if let Some(values) = item.remove("add") {
        operations.push(ProfileOperation::Add(read(values, "add", "an object of numbers")?));
    }
    if let Some(values) = item.remove("union") {
        operations.push(ProfileOperation::Union(read(values, "union", "an object of lists")?));
    }
    if let Some(names) = item.remove("unset") {
        operations.push(ProfileOperation::Unset(read(names, "unset", "a list of names")?));
    }
    nothing_else(&item)?;
    if operations.is_empty() {
        // Whoever is named is known from now on.
        operations.push(ProfileOperation::Set(std::collections::BTreeMap::new()));
    }
    Ok(operations.into_iter().map(|change| ProfileChange { subject: subject.clone(), change }).collect())
}

fn read<T: serde::de::DeserializeOwned>(value: Value, name: &str, shape: &str) -> Result<T, String> {
    serde_json::from_value(value).map_err(|_| format!("`{name}` must be {shape}"))
}

fn nothing_else(item: &Map<String, Value>) -> Result<(), String> {
    item.keys().next().map_or(Ok(()), |unknown| {
        let unknown = bellhop_core::text::shorten(unknown, 60);
        Err(format!("there is no field `{unknown}`; what is known goes into `properties`"))
    })
}

/// What became of the whole request: the store counts positions among those that it was given.
fn whole(mut taken: Taken, places: &[usize], refused: Vec<Refused>) -> Taken {
    for refusal in &mut taken.refused {
        refusal.index = places.get(refusal.index).copied().unwrap_or(refusal.index);
    }
    taken.refused.extend(refused);
    taken.refused.sort_by_key(|refusal| refusal.index);
    taken
}

/// An object of a body, or why it is none.
type Item = Result<Map<String, Value>, String>;

/// The objects of a body, each by itself: one that can't be read doesn't spoil the others where lines part them.
fn items(body: &[u8]) -> Result<Vec<Item>, Problem> {
    let object = |value: Value| match value {
        Value::Object(map) => Ok(map),
        _ => Err("this is not an object".to_owned()),
    };
    let text = std::str::from_utf8(body).map_err(|_| Problem::malformed("the body is not UTF-8 text"))?;
    let values: Vec<Item> = match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(list)) => list.into_iter().map(object).collect(),
        Ok(one) => vec![object(one)],
        Err(whole) => {
            let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
            let read: Vec<_> = lines
                .iter()
                .map(|line| serde_json::from_str::<Value>(line).map_err(|e| format!("this line is not JSON: {e}")).and_then(object))
                .collect();
            // Not a single good line: it was never meant as NDJSON.
            if !read.iter().any(Result::is_ok) {
                return Err(Problem::malformed(format!("the body is neither JSON nor NDJSON: {whole}")));
            }
            read
        }
    };
    if values.len() > MOST {
        return Err(Problem::malformed(format!("{} events in one request; send at most {MOST}", values.len())));
    }
    Ok(values)
}

fn event(mut item: Map<String, Value>, now: Timestamp, ids: &dyn Ids) -> Result<NewEvent, String> {
    let name = match item.remove("event") {
        Some(Value::String(name)) if !name.trim().is_empty() => name,
        Some(_) => return Err("`event` must be a string that is not empty".into()),
        None => return Err("`event` is missing; it says what happened".into()),
    };
    let distinct_id = person(&mut item).ok_or("`distinct_id` is missing; it says who did it (`user` is taken, too)")?;
    let time = match item.remove("time") {
        None | Some(Value::Null) => now,
        Some(value) => moment(&value)?,
    };
    let insert_id = match item.remove("insert_id") {
        None | Some(Value::Null) => ids.next(),
        Some(Value::String(id)) if !id.is_empty() && id.len() <= 200 => id,
        Some(Value::Number(id)) => id.to_string(),
        Some(_) => return Err("`insert_id` must be a string of 1 to 200 bytes".into()),
    };
    let properties = match item.remove("properties") {
        None | Some(Value::Null) => std::collections::BTreeMap::new(),
        Some(Value::Object(map)) => map.into_iter().collect(),
        Some(_) => return Err("`properties` must be an object".into()),
    };
    if let Some(unknown) = item.keys().next() {
        let unknown = bellhop_core::text::shorten(unknown, 60);
        return Err(format!("there is no field `{unknown}`; put what belongs to the event into `properties`"));
    }
    Ok(NewEvent { event: name, distinct_id, time, insert_id, properties })
}

fn person(item: &mut Map<String, Value>) -> Option<String> {
    let user = item.remove("user");
    let id = match item.remove("distinct_id").or(user)? {
        Value::String(id) => id,
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    Some(id).filter(|id| !id.is_empty() && id.len() <= 512)
}

/// RFC 3339, or a count since 1970 in seconds, milliseconds or microseconds, told apart by its size.
fn moment(value: &Value) -> Result<Timestamp, String> {
    let wrong = || "`time` must be RFC 3339 (2026-11-23T10:00:00Z) or a count since 1970 in seconds or milliseconds".to_owned();
    let count = match value {
        Value::String(text) => match DateTime::parse_from_rfc3339(text) {
            Ok(time) => return Ok(time.to_utc()),
            Err(_) => text.parse::<f64>().map_err(|_| wrong())?,
        },
        Value::Number(number) => number.as_f64().ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    let micros = match count.abs() {
        c if c < 1e11 => count * 1e6,
        c if c < 1e14 => count * 1e3,
        c if c < 1e17 => count,
        _ => return Err(wrong()),
    };
    #[expect(clippy::cast_possible_truncation, reason = "bounded just above, and a fraction of a microsecond is below what is kept")]
    DateTime::from_timestamp_micros(micros.round() as i64).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_kit::clock::CountedIds;

    fn read(body: &str) -> Vec<Result<NewEvent, String>> {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        items(body.as_bytes()).unwrap().into_iter().map(|item| item.and_then(|item| event(item, now, &CountedIds::default()))).collect()
    }

    #[test]
    fn arrays_objects_and_lines_are_read() {
        for body in [
            r#"[{"event":"a","distinct_id":"u"},{"event":"b","user":7}]"#,
            "{\"event\":\"a\",\"distinct_id\":\"u\"}\n{\"event\":\"b\",\"user\":7}\n",
        ] {
            let read: Vec<_> = read(body).into_iter().map(Result::unwrap).collect();
            assert_eq!((read[0].event.as_str(), read[1].distinct_id.as_str()), ("a", "7"), "{body}");
        }
        assert_eq!(read(r#"{"event":"a","user":"u"}"#).len(), 1);
    }

    #[test]
    fn times_of_every_kind_are_the_same_moment() {
        for time in [
            r#""2026-11-23T10:00:00Z""#,
            "1795428000",
            "1795428000000",
            "1795428000000000",
            r#""1795428000""#,
            r#""2026-11-23T11:00:00+01:00""#,
        ] {
            let event = read(&format!(r#"{{"event":"a","user":"u","time":{time}}}"#)).remove(0).unwrap();
            assert_eq!(event.time.to_rfc3339(), "2026-11-23T10:00:00+00:00", "{time}");
        }
    }

    #[test]
    fn objects_become_changes_of_profiles() {
        let read = |body: &str| changes(items(body.as_bytes()).unwrap().remove(0).unwrap());
        let all = read(
            r#"{"distinct_id":7,"properties":{"a":1},"set_once":{"b":2},"add":{"n":1.5},"union":{"l":[1]},"unset":["x"],"delete":true}"#,
        )
        .unwrap();
        assert!(all.iter().all(|one| one.subject == Subject::Person("7".into())), "{all:?}");
        assert!(matches!(all[0].change, ProfileOperation::Delete) && matches!(all[5].change, ProfileOperation::Unset(_)), "{all:?}");
        let merge = read(r#"{"merge":"visitor","into":"ann"}"#).unwrap();
        assert_eq!(merge[0].subject, Subject::Merge { from: "visitor".into(), into: "ann".into() });
        let group = read(r#"{"group":{"kind":"company","id":"acme"},"properties":{"seats":3}}"#).unwrap();
        assert_eq!(group[0].subject, Subject::Group { kind: "company".into(), id: "acme".into() });
        for (body, says) in [
            (r#"{"properties":{}}"#, "`distinct_id` is missing"),
            (r#"{"user":"a","properties":[]}"#, "must be an object"),
            (r#"{"user":"a","add":{"n":"x"}}"#, "an object of numbers"),
            (r#"{"user":"a","colour":1}"#, "`colour`"),
            (r#"{"merge":"a"}"#, "`into`"),
        ] {
            assert!(read(body).unwrap_err().contains(says), "{body}");
        }
    }

    #[test]
    fn one_bad_event_is_refused_by_itself() {
        let body = "{\"event\":\"a\",\"user\":\"u\"}\nnonsense\n{\"user\":\"u\"}\n{\"event\":\"a\"}\n{\"event\":\"a\",\"user\":\"u\",\"colour\":1}\n{\"event\":\"a\",\"user\":\"u\",\"time\":\"soon\"}\n[]";
        let read = read(body);
        assert!(read[0].is_ok());
        for (at, says) in [
            (1, "not JSON"),
            (2, "`event` is missing"),
            (3, "`distinct_id` is missing"),
            (4, "`colour`"),
            (5, "RFC 3339"),
            (6, "not an object"),
        ] {
            assert!(read[at].as_ref().unwrap_err().contains(says), "{at}");
        }
        assert!(items(b"nonsense").is_err());
        assert!(items(b"\xff").is_err());
    }
}
