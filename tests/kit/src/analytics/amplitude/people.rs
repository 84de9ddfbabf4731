//! Single people: searched, what they did, and their profile.

use super::{AmplitudeWorld, SECRET_KEY, only};
use crate::analytics::{Call, Reply, Told};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What the ids of people begin at.
const FIRST: usize = 4001;

impl AmplitudeWorld {
    /// Everybody who was ever there, by name; Amplitude's own ids go by this order.
    fn everybody(&self) -> Vec<String> {
        self.history.all().into_iter().map(|one| one.person).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// `/api/2/usersearch`: by id, by Amplitude's id, or by the beginning of an id.
    pub(super) fn search(&self, call: &Call) -> Told {
        only(call, &["user"])?;
        let wanted = call.param("user").filter(|user| !user.is_empty()).ok_or("Missing parameter user")?;
        let mut found = Vec::new();
        for (number, person) in self.everybody().iter().enumerate() {
            if person.starts_with(wanted) || wanted == (FIRST + number).to_string() {
                found.push(json!({ "user_id": person, "amplitude_id": FIRST + number, "platform": "Web", "country": "" }));
            }
        }
        let kind = if found.is_empty() { "nomatch" } else { "match_user_or_device_id" };
        Ok(json!({ "type": kind, "matches": found }))
    }

    /// `/api/2/useractivity`
    pub(super) fn activity(&self, call: &Call) -> Told {
        only(call, &["user", "limit", "offset", "direction"])?;
        let whole = |name: &str, usual: usize| call.param(name).map_or(Some(usual), |text| text.parse::<usize>().ok());
        let limit = whole("limit", 1000).filter(|limit| *limit <= 1000).ok_or("limit is at most 1000")?;
        let offset = whole("offset", 0).ok_or("offset is a number")?;
        let everybody = self.everybody();
        let id: usize = call.param("user").and_then(|user| user.parse().ok()).ok_or("user is an Amplitude ID")?;
        let person = id.checked_sub(FIRST).and_then(|number| everybody.get(number)).ok_or("Unknown user")?;
        let mut own: Vec<_> = self.history.all().into_iter().filter(|one| one.person == *person).collect();
        let (first, last, total) = (own.first().map(|one| one.at), own.last().map(|one| one.at), own.len());
        if call.param("direction").unwrap_or("latest") == "latest" {
            own.reverse();
        }
        let day = |at: Option<bellhop_core::Timestamp>| at.map(|at| super::local(at).to_string());
        let events: Vec<Value> = own
            .iter()
            .skip(offset)
            .take(limit)
            .map(|one| {
                json!({ "event_type": one.name, "event_time": one.at.format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
                    "user_id": person, "amplitude_id": id, "event_properties": one.properties })
            })
            .collect();
        let properties = self.state().people.get(person).cloned().map_or_else(|| json!({}), Value::Object);
        Ok(
            json!({ "userData": { "user_id": person, "canonical_amplitude_id": id, "num_events": total, "first_used": day(first), "last_used": day(last),
            "device_ids": [format!("device-{person}")], "properties": properties }, "events": events }),
        )
    }

    /// `/v1/userprofile`
    pub(super) fn profile(&self, call: &Call) -> Reply {
        let told = |status: u16, why: &str| Reply::json(status, &json!({ "error": why }));
        match call.header("authorization").strip_prefix("Api-Key ") {
            None => return told(401, "Missing Api-Key in Authorization header"),
            Some(SECRET_KEY) => {}
            Some(_) => return told(401, "Invalid Api-Key"),
        }
        let known = ["user_id", "device_id", "get_amp_props", "get_cohort_ids", "get_computations", "get_recs", "comp_id", "rec_id"];
        if let Err(why) = only(call, &known) {
            return told(400, &why);
        }
        let Some(id) = call.param("user_id").filter(|id| self.everybody().iter().any(|known| known == id)) else {
            return told(400, "User id and device id not seen before");
        };
        let mut data = json!({ "user_id": id, "device_id": format!("device-{id}"), "recommendations": null });
        if call.param("get_amp_props") == Some("true") {
            data["amp_props"] = self.properties(id).unwrap_or_default();
        }
        if call.param("get_cohort_ids") == Some("true") {
            let state = self.state();
            let own = state.cohorts.iter().filter(|cohort| cohort.ids.iter().any(|member| member == id));
            data["cohort_ids"] = own.map(|cohort| json!(cohort.id)).collect();
        }
        Reply::json(200, &json!({ "userData": data }))
    }
}

/// Changes properties by Amplitude's operations.
pub(super) fn change(known: &mut Map<String, Value>, operations: &Map<String, Value>) {
    let plain = !operations.keys().any(|name| name.starts_with('$'));
    let set = if plain { Some(operations) } else { operations.get("$set").and_then(Value::as_object) };
    for (name, value) in set.into_iter().flatten() {
        known.insert(name.clone(), value.clone());
    }
    let of = |name: &str| operations.get(name).and_then(Value::as_object).into_iter().flatten();
    for (name, value) in of("$setOnce") {
        known.entry(name.clone()).or_insert_with(|| value.clone());
    }
    for (name, value) in of("$add") {
        let before = known.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        known.insert(name.clone(), json!(before + value.as_f64().unwrap_or(0.0)));
    }
    for (operation, name, value) in
        ["$append", "$prepend", "$preInsert", "$postInsert"].iter().flat_map(|one| of(one).map(move |(name, value)| (*one, name, value)))
    {
        let mut list = known.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        for value in value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]) {
            if operation.ends_with("Insert") && list.contains(&value) {
                continue;
            }
            if operation.starts_with("$pre") { list.insert(0, value) } else { list.push(value) }
        }
        known.insert(name.clone(), list.into());
    }
    for (name, _) in of("$unset") {
        known.remove(name);
    }
}
