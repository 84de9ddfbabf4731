//! Mixpanel as a world: the Query API with its 60 questions an hour, raw export, import and profiles.

use super::desk::{Call, Reply, World};
use super::history::{Happened, history};
use super::mixpanel_expression::{fits, value};
use bellhop_core::{Clock as _, Timestamp};
use bellhop_kit::clock::StoppedClock;
use chrono::{Datelike as _, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::{Arc, Mutex};

/// How a moment is named in an answer.
type Name = fn(Timestamp) -> String;

pub const ZONE: Tz = chrono_tz::America::New_York;
type Told = Result<Value, String>;

pub struct MixpanelWorld {
    pub clock: Arc<StoppedClock>,
    pub events: Vec<Happened>,
    asked: Mutex<Vec<Timestamp>>,
    pub imported: Mutex<BTreeMap<String, Value>>,
    pub profiles: Mutex<Vec<Value>>,
}

fn refused(status: u16, why: &str, call: &Call) -> Reply {
    Reply::json(status, &json!({ "error": why, "request": call.path }))
}

impl MixpanelWorld {
    pub fn new(clock: Arc<StoppedClock>) -> Self {
        Self { clock, events: history(), asked: Mutex::default(), imported: Mutex::default(), profiles: Mutex::default() }
    }

    /// The service account with the project's number, or what is wrong.
    fn denied(call: &Call) -> Option<Reply> {
        if call.basic() != "bot.mp-service-account:s3cr3t" {
            return Some(refused(401, "Invalid service account credentials", call));
        }
        match call.param("project_id") {
            None => Some(refused(400, "Missing required parameter: project_id", call)),
            Some("77") => None,
            Some(_) => Some(refused(403, "User does not have permission", call)),
        }
    }

    fn query(&self, call: &Call, route: &str) -> Reply {
        let now = self.clock.now();
        {
            let mut asked = self.asked.lock().unwrap();
            asked.retain(|at| now - *at < TimeDelta::hours(1));
            if asked.len() >= 60 {
                return refused(429, "Query rate limit exceeded.", call);
            }
            asked.push(now);
        }
        let told = match (call.method.as_str(), route) {
            ("GET", "/events/names") => only(call, &["type", "limit"]).map(|()| self.names()),
            ("GET", "/events/properties/top") => self.tops(call),
            ("GET", "/events") => self.weeks(call),
            ("GET", "/segmentation") => self.segmentation(call),
            ("GET", "/segmentation/sum" | "/segmentation/average") => self.numeric(call, route.ends_with("average")),
            ("GET", "/funnels/list") => Ok(json!([{ "funnel_id": 501, "name": "Buying" }])),
            ("GET", "/funnels") => self.funnel(call),
            ("GET", "/insights") => insights(call),
            ("GET", "/retention") => self.retention(call),
            ("POST", "/cohorts/list") => Ok(
                json!([{ "id": 9, "name": "Payers", "count": 1500, "description": "who paid", "created": "2026-10-01 10:00:00", "is_visible": 1, "project_id": 77 }]),
            ),
            ("POST", "/engage") => self.engage(call),
            ("GET", "/stream/query") => self.stream(call),
            _ => return refused(404, "not found", call),
        };
        told.map_or_else(|why| refused(400, &why, call), |answer| Reply::json(200, &answer))
    }

    fn names(&self) -> Value {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for one in &self.events {
            *counts.entry(one.name).or_default() += 1;
        }
        let mut names: Vec<&str> = counts.keys().copied().collect();
        names.sort_by_key(|name| std::cmp::Reverse(counts[name]));
        json!(names)
    }

    fn tops(&self, call: &Call) -> Told {
        only(call, &["event", "limit"])?;
        let event = bare(call)?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self.events.iter().filter(|one| one.name == event).flat_map(|one| one.properties.keys()) {
            *counts.entry(name).or_default() += 1;
        }
        Ok(counts.into_iter().map(|(name, count)| (name.to_owned(), json!({ "count": count }))).collect::<Map<_, _>>().into())
    }

    /// Events of the asked days of the project that fit `where`.
    fn asked(&self, call: &Call, condition: &str) -> Result<Vec<&Happened>, String> {
        let (from, to) = (date(call, "from_date")?, date(call, "to_date")?);
        let mut all = Vec::new();
        for one in self.events.iter().filter(|one| (from..=to).contains(&local(one.at))) {
            if call.param(condition).map_or(Ok(true), |text| fits(text, one))? {
                all.push(one);
            }
        }
        Ok(all)
    }

    /// All moments of the period, and that of each event, as the vendor names them.
    fn unit(call: &Call) -> Result<(Vec<String>, Name), String> {
        let name: Name = match call.param("unit") {
            Some("hour") => |at| at.with_timezone(&ZONE).format("%Y-%m-%d %H:00:00").to_string(),
            Some("day") => |at| local(at).to_string(),
            Some("month") => |at| local(at).format("%Y-%m-01").to_string(),
            other => return Err(format!("unit is minute, hour, day or month, not {other:?}")),
        };
        let (mut at, to) = (bellhop_core::period::midnight(date(call, "from_date")?, ZONE), date(call, "to_date")?);
        let mut names = BTreeSet::new();
        while local(at) <= to {
            names.insert(name(at));
            at += TimeDelta::hours(1);
        }
        Ok((names.into_iter().collect(), name))
    }

    fn segmentation(&self, call: &Call) -> Told {
        only(call, &["event", "from_date", "to_date", "unit", "type", "on", "where", "limit"])?;
        let event = bare(call)?;
        let people = match call.param("type") {
            Some("general") => false,
            Some("unique") => true,
            other => return Err(format!("type is general, unique or average, not {other:?}")),
        };
        let (names, name) = Self::unit(call)?;
        let mut segments: BTreeMap<String, BTreeMap<String, Vec<&str>>> = BTreeMap::new();
        for one in self.asked(call, "where")?.into_iter().filter(|one| one.name == event) {
            let segment = match call.param("on") {
                None => event.to_owned(),
                Some(on) => value(on, one)?.unwrap_or_else(|| "undefined".to_owned()),
            };
            segments.entry(segment).or_default().entry(name(one.at)).or_default().push(one.person);
        }
        let count = |found: &Vec<&str>| if people { found.iter().collect::<BTreeSet<_>>().len() } else { found.len() };
        let values: Map<String, Value> = segments
            .into_iter()
            .map(|(segment, found)| {
                let dates: Map<String, Value> = names.iter().map(|name| (name.clone(), json!(found.get(name).map_or(0, count)))).collect();
                (segment, dates.into())
            })
            .collect();
        Ok(json!({ "legend_size": values.len(), "data": { "series": names, "values": values } }))
    }

    fn numeric(&self, call: &Call, average: bool) -> Told {
        only(call, &["event", "from_date", "to_date", "unit", "on", "where"])?;
        let event = bare(call)?;
        let on = call.param("on").ok_or("Missing required parameter: on")?;
        let (names, name) = Self::unit(call)?;
        let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for one in self.asked(call, "where")?.into_iter().filter(|one| one.name == event) {
            if let Some(number) = value(on, one)?.and_then(|text| text.parse().ok()) {
                found.entry(name(one.at)).or_default().push(number);
            }
        }
        let figure = |all: &Vec<f64>| {
            let sum: f64 = all.iter().sum();
            #[expect(clippy::cast_precision_loss, reason = "a few events")]
            if average { sum / all.len() as f64 } else { sum }
        };
        let results: Map<String, Value> =
            names.into_iter().map(|name| (name.clone(), json!(found.get(&name).map_or(0.0, figure)))).collect();
        Ok(json!({ "status": "ok", "computed_at": "2026-11-02T11:59:00", "results": results }))
    }

    fn weeks(&self, call: &Call) -> Told {
        only(call, &["event", "type", "unit", "from_date", "to_date"])?;
        let list: Vec<String> =
            serde_json::from_str(call.param("event").unwrap_or_default()).map_err(|_| "event is a JSON array of names")?;
        if (call.param("type"), call.param("unit")) != (Some("unique"), Some("week")) {
            return Err("type and unit are wanted".into());
        }
        let week = |at: Timestamp| local(at) - TimeDelta::days(local(at).weekday().num_days_from_monday().into());
        let mut values = Map::new();
        for event in list {
            let mut found: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
            for one in self.asked(call, "where")?.into_iter().filter(|one| one.name == event) {
                found.entry(week(one.at).to_string()).or_default().insert(one.person);
            }
            values.insert(event, found.into_iter().map(|(week, people)| (week, json!(people.len()))).collect::<Map<_, _>>().into());
        }
        Ok(json!({ "data": { "series": [], "values": values }, "legend_size": 1 }))
    }

    /// The one saved funnel: sign up, then buy.
    fn funnel(&self, call: &Call) -> Told {
        only(call, &["funnel_id", "from_date", "to_date", "interval", "unit", "length", "length_unit"])?;
        if call.param("funnel_id") != Some("501") {
            return Err("funnel_id is unknown".into());
        }
        let days = (date(call, "to_date")? - date(call, "from_date")?).num_days() + 1;
        if call.param("interval").and_then(|text| text.parse().ok()) != Some(days) {
            return Err("this world has whole periods only".into());
        }
        let found = self.asked(call, "where")?;
        let first: BTreeSet<&str> = found.iter().filter(|one| one.name == "signup").map(|one| one.person).collect();
        let bought =
            found.iter().filter(|one| one.name == "purchase" && first.contains(one.person)).map(|one| one.person).collect::<BTreeSet<_>>();
        let step =
            |event: &str, count: usize| json!({ "count": count, "goal": event, "event": event, "avg_time": null, "step_conv_ratio": 1 });
        let day = date(call, "from_date")?.to_string();
        Ok(
            json!({ "meta": { "dates": [day] }, "data": { day: { "steps": [step("signup", first.len()), step("purchase", bought.len())], "analysis": {} } } }),
        )
    }

    fn retention(&self, call: &Call) -> Told {
        only(
            call,
            &[
                "from_date",
                "to_date",
                "retention_type",
                "born_event",
                "event",
                "born_where",
                "where",
                "unit",
                "interval_count",
                "unbounded_retention",
            ],
        )?;
        if call.param("retention_type") != Some("birth") || call.param("unit") != Some("day") {
            return Err("this world has births by the day".into());
        }
        let born = call.param("born_event").ok_or("born_event is required for birth")?;
        let many: i64 = call.param("interval_count").and_then(|many| many.parse().ok()).ok_or("interval_count")?;
        let unbounded = call.param("unbounded_retention") == Some("true");
        let mut cohorts: BTreeMap<NaiveDate, Vec<&Happened>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for one in self.asked(call, "born_where")?.into_iter().filter(|one| one.name == born) {
            if seen.insert(one.person) {
                cohorts.entry(local(one.at)).or_default().push(one);
            }
        }
        let mut told = Map::new();
        for (day, people) in cohorts {
            let mut counts = vec![0; usize::try_from(many).unwrap_or(0)];
            for first in &people {
                let mut units = BTreeSet::new();
                for one in self.events.iter().filter(|one| one.person == first.person && one.at > first.at) {
                    let right = call.param("event").is_none_or(|event| event == one.name);
                    if right && call.param("where").map_or(Ok(true), |text| fits(text, one))? {
                        units.insert((local(one.at) - day).num_days());
                    }
                }
                for (unit, count) in (0..).zip(&mut counts) {
                    let back = if unbounded { units.iter().any(|known| *known >= unit) } else { units.contains(&unit) };
                    *count += i32::from(back);
                }
            }
            told.insert(day.to_string(), json!({ "counts": counts, "first": people.len() }));
        }
        Ok(told.into())
    }

    /// People: a cohort of 1,500 in two pages, or a single profile.
    fn engage(&self, call: &Call) -> Told {
        let form = call.form();
        let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        if let Some(ids) = field("distinct_ids") {
            let ids: Vec<String> = serde_json::from_str(ids).map_err(|_| "distinct_ids is a JSON array")?;
            let known: Vec<Value> = ids
                .iter()
                .filter(|id| self.events.iter().any(|one| one.person == id.as_str()))
                .map(|id| json!({ "$distinct_id": id, "$properties": { "$name": id.to_uppercase(), "plan": "pro" } }))
                .collect();
            return Ok(json!({ "page": 0, "page_size": 1000, "session_id": "s", "status": "ok", "total": known.len(), "results": known }));
        }
        if field("filter_by_cohort") != Some("{\"id\":9}") {
            return Err("filter_by_cohort is an object with the id as a number".into());
        }
        let page = match (field("session_id"), field("page")) {
            (None, None) => 0,
            (Some("S-1"), Some(page)) => page.parse::<usize>().map_err(|_| "page")?,
            _ => return Err("page and session_id belong together".into()),
        };
        let results: Vec<Value> =
            (page * 1000..1500.min((page + 1) * 1000)).map(|n| json!({ "$distinct_id": format!("p{n}"), "$properties": {} })).collect();
        Ok(json!({ "page": page, "page_size": 1000, "session_id": "S-1", "status": "ok", "total": 1500, "results": results }))
    }

    fn stream(&self, call: &Call) -> Told {
        let ids: Vec<String> =
            serde_json::from_str(call.param("distinct_ids").unwrap_or_default()).map_err(|_| "distinct_ids is a JSON array")?;
        let found: Vec<Value> = self
            .asked(call, "where")?
            .into_iter()
            .filter(|one| ids.iter().any(|id| id == one.person))
            .map(|one| json!({ "event": one.name, "properties": { "time": one.at.timestamp(), "page": one.property("page") } }))
            .collect();
        Ok(json!({ "status": "ok", "results": { "events": found } }))
    }

    fn export(&self, call: &Call) -> Reply {
        let events: Option<Vec<String>> = call.param("event").and_then(|list| serde_json::from_str(list).ok());
        match self.asked(call, "where") {
            Err(why) => refused(400, &why, call),
            Ok(found) => {
                let line = |one: &&Happened| {
                    json!({ "event": one.name, "properties": { "time": one.at.timestamp(), "distinct_id": one.person } }).to_string() + "\n"
                };
                let kept = found.iter().filter(|one| events.as_ref().is_none_or(|list| list.iter().any(|event| event == one.name)));
                Reply::text(200, "text/plain", &kept.map(line).collect::<String>())
            }
        }
    }

    fn import(&self, call: &Call) -> Reply {
        let failed = |status: u16, error: &str| Reply::json(status, &json!({ "code": status, "error": error, "status": "Bad Request" }));
        if call.basic() != "token-1:"
            && let Some(reply) = Self::denied(call)
        {
            return reply;
        }
        if call.param("strict") != Some("1")
            || call.header("content-type") != "application/json"
            || call.header("content-encoding") != "gzip"
        {
            return failed(400, "strict=1, JSON and gzip are wanted here");
        }
        let mut text = String::new();
        if flate2::read::GzDecoder::new(&call.body[..]).read_to_string(&mut text).is_err() || text.len() > 10_000_000 {
            return failed(413, "request exceeds max limit of 10MB");
        }
        let Ok(events) = serde_json::from_str::<Vec<Value>>(&text) else { return failed(400, "invalid JSON") };
        if events.len() > 2000 {
            return failed(413, "at most 2000 events");
        }
        let mut failures = Vec::new();
        for (index, event) in events.iter().enumerate() {
            let properties = &event["properties"];
            let id = properties["$insert_id"].as_str().unwrap_or_default();
            let wrong = if event["event"] == "$merge" {
                (properties["$distinct_ids"].as_array().map(Vec::len) != Some(2)).then_some("properties.$distinct_ids")
            } else if id.is_empty() || id.len() > 36 || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                Some("properties.$insert_id")
            } else if properties["time"].as_i64().is_none() {
                Some("properties.time")
            } else if properties["distinct_id"].as_str().is_none() {
                Some("properties.distinct_id")
            } else {
                properties.get("forbidden").map(|_| "properties.forbidden")
            };
            if let Some(field) = wrong {
                failures.push(json!({ "index": index, "$insert_id": id, "field": field, "message": format!("'{field}' is invalid") }));
            } else {
                let key = json!([event["event"], properties["time"], properties["distinct_id"], id]).to_string();
                self.imported.lock().unwrap().insert(key, event.clone());
            }
        }
        let good = events.len() - failures.len();
        if failures.is_empty() {
            return Reply::json(200, &json!({ "code": 200, "num_records_imported": good, "status": "OK" }));
        }
        let error = "some data points in the request failed validation";
        Reply::json(
            400,
            &json!({ "code": 400, "error": error, "failed_records": failures, "num_records_imported": good, "status": "Bad Request" }),
        )
    }

    fn profile(&self, call: &Call) -> Reply {
        let updates: Vec<Value> = call.json().as_array().cloned().unwrap_or_default();
        let told = |status: i32, error: Value| Reply::json(200, &json!({ "status": status, "error": error }));
        if call.param("verbose") != Some("1") || updates.is_empty() || updates.len() > 2000 {
            return told(0, json!("a list of updates is wanted"));
        }
        let whose = if call.path == "/groups" { "$group_id" } else { "$distinct_id" };
        for update in &updates {
            let operations = ["$set", "$set_once", "$add", "$union", "$append", "$remove", "$unset", "$delete"];
            let many = operations.iter().filter(|name| update.get(**name).is_some()).count();
            let numbers = update.get("$add").and_then(Value::as_object).is_none_or(|map| map.values().all(Value::is_number));
            let wrong = update["$token"] != "token-1" || update[whose].as_str().is_none() || many != 1 || !numbers;
            if wrong || update.pointer("/$set/forbidden").is_some() {
                return told(0, json!("some data points in the request failed validation"));
            }
        }
        self.profiles.lock().unwrap().extend(updates);
        told(1, Value::Null)
    }
}

fn insights(call: &Call) -> Told {
    only(call, &["bookmark_id"])?;
    match call.param("bookmark_id") {
        Some("4242") => {
            Ok(json!({ "computed_at": "2026-11-02T11:00:00+00:00", "date_range": { "from_date": "2026-10-20", "to_date": "2026-10-21" },
            "headers": ["$event"], "series": { "Sign up": { "2026-10-20": 1, "2026-10-21": 1 } } }))
        }
        _ => Err("bookmark_id is unknown".into()),
    }
}

/// Refuses parameters that aren't known, and repeated ones.
fn only(call: &Call, names: &[&str]) -> Result<(), String> {
    for (name, _) in &call.query {
        if name != "project_id" && !names.contains(&name.as_str()) {
            return Err(format!("Unknown parameter: {name}"));
        }
        call.param(name).ok_or_else(|| format!("{name} is given twice"))?;
    }
    Ok(())
}

/// The event, which is a bare name and no array.
fn bare(call: &Call) -> Result<&str, String> {
    call.param("event").filter(|event| !event.is_empty() && !event.starts_with('[')).ok_or_else(|| "event is one name".to_owned())
}

fn date(call: &Call, name: &str) -> Result<NaiveDate, String> {
    let text = call.param(name).ok_or_else(|| format!("Missing required parameter: {name}"))?;
    text.parse().map_err(|_| format!("{name} is yyyy-mm-dd, not {text}"))
}

fn local(at: Timestamp) -> NaiveDate {
    at.with_timezone(&ZONE).date_naive()
}

impl World for MixpanelWorld {
    fn answer(&self, call: &Call) -> Reply {
        match (call.method.as_str(), call.path.as_str()) {
            ("POST", "/import") => self.import(call),
            ("POST", "/engage" | "/groups") => self.profile(call),
            (_, path) => {
                if let Some(reply) = Self::denied(call) {
                    return reply;
                }
                match path.strip_prefix("/api/query") {
                    Some(route) => self.query(call, route),
                    None if path == "/api/2.0/export" => self.export(call),
                    None => refused(404, "not found", call),
                }
            }
        }
    }
}
