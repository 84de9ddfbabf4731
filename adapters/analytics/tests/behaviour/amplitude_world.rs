//! Amplitude as a world: the Dashboard REST API with its costs, cohorts, single people, and events on their way in.

use super::desk::{Call, Reply, World};
use super::history::{Happened, history};
use bellhop_core::Timestamp;
use chrono::{Datelike as _, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

pub const ZONE: Tz = chrono_tz::America::New_York;
type Told = Result<Value, String>;

pub struct AmplitudeWorld {
    pub events: Vec<Happened>,
    pub url: Mutex<String>,
    /// Events that were taken, by their device or person and insert id.
    pub taken: Mutex<BTreeMap<String, Value>>,
    pub identified: Mutex<Vec<Value>>,
    /// How often a download was looked at.
    looks: Mutex<usize>,
}

impl Default for AmplitudeWorld {
    fn default() -> Self {
        Self { events: history(), url: Mutex::default(), taken: Mutex::default(), identified: Mutex::default(), looks: Mutex::default() }
    }
}

fn local(at: Timestamp) -> NaiveDate {
    at.with_timezone(&ZONE).date_naive()
}

/// Refuses parameters that aren't known.
fn only(call: &Call, names: &[&str]) -> Result<(), String> {
    match call.query.iter().find(|(name, _)| !names.contains(&name.as_str())) {
        Some((name, _)) => Err(format!("Unknown parameter {name}")),
        None => Ok(()),
    }
}

fn date(call: &Call, name: &str) -> Result<NaiveDate, String> {
    let text = call.param(name).ok_or_else(|| format!("{name} is missing"))?;
    let right = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    NaiveDate::parse_from_str(text, "%Y%m%d").ok().filter(|_| right).ok_or_else(|| format!("{name} is YYYYMMDD, not {text}"))
}

/// An event of a question, strictly read: its name, its filters, what it is grouped by.
struct Asked {
    name: String,
    filters: Vec<Value>,
    by: Option<(String, String)>,
}

fn event(text: &str) -> Result<Asked, String> {
    let value: Value = serde_json::from_str(text).map_err(|_| format!("e is JSON, not {text}"))?;
    let map = value.as_object().ok_or("e is an object")?;
    if let Some(odd) = map.keys().find(|key| !["event_type", "filters", "group_by"].contains(&key.as_str())) {
        return Err(format!("unknown key {odd} of an event"));
    }
    let by = map.get("group_by").and_then(|list| list.get(0)).map(|one| -> Result<(String, String), String> {
        let kind = one["type"].as_str().filter(|kind| matches!(*kind, "event" | "user")).ok_or("type is event or user")?;
        Ok((kind.to_owned(), one["value"].as_str().ok_or("value")?.to_owned()))
    });
    let filters = map.get("filters").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(Asked { name: value["event_type"].as_str().ok_or("event_type is missing")?.to_owned(), filters, by: by.transpose()? })
}

fn property(one: &Happened, name: &str) -> String {
    one.property(name.strip_prefix("gp:").unwrap_or(name)).unwrap_or("(none)").to_owned()
}

impl Asked {
    fn fits(&self, one: &Happened) -> Result<bool, String> {
        let named = match self.name.as_str() {
            "_active" | "_all" => true,
            "_new" => one.name == "first_visit",
            "revenue_amount" => one.name == "purchase",
            name => one.name == name,
        };
        for filter in &self.filters {
            if filter.as_object().is_none_or(|map| map.len() != 4) {
                return Err("a filter has exactly four keys".into());
            }
            let kind = filter["subprop_type"].as_str().unwrap_or_default();
            let key = filter["subprop_key"].as_str().ok_or("subprop_key")?;
            if kind != if key == "country" || key.starts_with("gp:") { "user" } else { "event" } {
                return Err(format!("{key} is not of {kind}"));
            }
            let value = property(one, key);
            let list: Vec<&str> =
                filter["subprop_value"].as_array().ok_or("subprop_value is a list")?.iter().filter_map(Value::as_str).collect();
            let number = || Some((value.parse::<f64>().ok()?, list.first()?.parse::<f64>().ok()?));
            let good = match filter["subprop_op"].as_str().unwrap_or_default() {
                "is" => list.contains(&value.as_str()),
                "is not" => !list.contains(&value.as_str()),
                "contains" => list.iter().any(|part| value.contains(part)),
                "does not contain" => !list.iter().any(|part| value.contains(part)),
                "less" => number().is_some_and(|(a, b)| a < b),
                "less or equal" => number().is_some_and(|(a, b)| a <= b),
                "greater" => number().is_some_and(|(a, b)| a > b),
                "greater or equal" => number().is_some_and(|(a, b)| a >= b),
                other => return Err(format!("unknown operator {other}")),
            };
            if !good {
                return Ok(false);
            }
        }
        Ok(named)
    }
}

impl AmplitudeWorld {
    fn found(&self, call: &Call, asked: &Asked) -> Result<Vec<&Happened>, String> {
        let (from, to) = (date(call, "start")?, date(call, "end")?);
        let mut all = Vec::new();
        for one in self.events.iter().filter(|one| (from..=to).contains(&local(one.at))) {
            if asked.fits(one)? {
                all.push(one);
            }
        }
        Ok(all)
    }

    fn segmentation(&self, call: &Call) -> Told {
        only(call, &["e", "m", "start", "end", "i", "limit", "s", "g", "n"])?;
        let asked = event(call.param("e").ok_or("e is missing")?)?;
        let (from, to) = (date(call, "start")?, date(call, "end")?);
        let days = (to - from).num_days() + 1;
        let name: fn(Timestamp) -> String = match call.param("i") {
            Some("-3600000") if days <= 7 => |at| at.with_timezone(&ZONE).format("%Y-%m-%dT%H:00:00").to_string(),
            Some("1") if days <= 365 => |at| local(at).to_string(),
            Some("7") => |at| (local(at) - TimeDelta::days(local(at).weekday().num_days_from_monday().into())).to_string(),
            Some("30") => |at| local(at).format("%Y-%m-01").to_string(),
            other => return Err(format!("i is out of range: {other:?}")),
        };
        let mut at = bellhop_core::period::midnight(from, ZONE);
        let mut x = BTreeSet::new();
        while local(at) <= to {
            x.insert(name(at));
            at += TimeDelta::hours(1);
        }
        let m = call.param("m").unwrap_or("uniques");
        if matches!(m, "sums" | "value_avg") && asked.by.is_none() {
            return Err("a group_by is required for property metrics".into());
        }
        let apart = !matches!(m, "sums" | "value_avg");
        let mut groups: BTreeMap<Option<String>, Vec<&Happened>> = BTreeMap::new();
        for one in self.found(call, &asked)? {
            groups.entry(asked.by.as_ref().filter(|_| apart).map(|(_, by)| property(one, by))).or_default().push(one);
        }
        if groups.is_empty() {
            groups.insert(None, Vec::new());
        }
        #[expect(clippy::cast_precision_loss, reason = "a few events")]
        let figure = |all: &[&Happened]| match m {
            "uniques" => Ok(all.iter().map(|one| one.person).collect::<BTreeSet<_>>().len() as f64),
            "totals" => Ok(all.len() as f64),
            "sums" => Ok(all.iter().map(|one| one.price()).sum()),
            "value_avg" => Ok(all.iter().map(|one| one.price()).sum::<f64>() / all.len().max(1) as f64),
            other => Err(format!("m is not {other}")),
        };
        let (mut series, mut labels, mut collapsed) = (Vec::new(), Vec::new(), Vec::new());
        for (group, found) in groups {
            let row: Result<Vec<f64>, String> =
                x.iter().map(|x| figure(&found.iter().filter(|one| name(one.at) == *x).copied().collect::<Vec<_>>())).collect();
            series.push(json!(row?));
            labels.push(group.map_or(json!(0), |group| json!([0, group])));
            collapsed.push(json!([{ "value": figure(&found)? }]));
        }
        Ok(json!({ "data": { "series": series, "seriesLabels": labels, "seriesCollapsed": collapsed, "xValues": x } }))
    }

    fn funnel(&self, call: &Call) -> Told {
        only(call, &["e", "start", "end", "mode", "n", "i", "s", "g", "cs", "limit"])?;
        let steps: Vec<Asked> = call.query.iter().filter(|(name, _)| name == "e").map(|(_, text)| event(text)).collect::<Result<_, _>>()?;
        let within: i64 = call.param("cs").and_then(|text| text.parse().ok()).ok_or("cs is in seconds")?;
        if !matches!(call.param("mode"), Some("ordered")) {
            return Err("this world has ordered funnels only".into());
        }
        let by = call.param("g").map(str::to_owned).or_else(|| steps.first()?.by.as_ref().map(|(_, by)| by.clone()));
        if call.param("g").is_some_and(|g| g != "country" && !g.starts_with("gp:")) {
            return Err("g is a property of people".into());
        }
        let any = Asked { name: "_all".into(), filters: Vec::new(), by: None };
        let events = self.found(call, &any)?;
        let mut groups: BTreeMap<String, Vec<Vec<i64>>> = BTreeMap::new();
        for person in events.iter().map(|one| one.person).collect::<BTreeSet<_>>() {
            let mut own = events.iter().filter(|one| one.person == person);
            let (mut first, mut before): (Option<Timestamp>, Option<Timestamp>) = (None, None);
            let mut group = String::new();
            for (number, step) in steps.iter().enumerate() {
                let mut hit = None;
                for one in own.by_ref() {
                    if step.fits(one)? {
                        hit = Some(one);
                        break;
                    }
                }
                let Some(one) = hit.filter(|one| first.is_none_or(|first| (one.at - first).num_seconds() <= within)) else { break };
                if number == 0 {
                    group = by.as_ref().map(|by| property(one, by)).unwrap_or_default();
                }
                let times = groups.entry(group.clone()).or_insert_with(|| vec![Vec::new(); steps.len()]);
                times[number].push(before.map_or(0, |before| (one.at - before).num_milliseconds()));
                first = first.or(Some(one.at));
                before = Some(one.at);
            }
        }
        let one = |(number, (group, times)): (usize, (String, Vec<Vec<i64>>))| {
            let raw: Vec<usize> = times.iter().map(Vec::len).collect();
            let median = |all: &Vec<i64>| {
                let mut all = all.clone();
                all.sort_unstable();
                all.get(all.len() / 2).copied().unwrap_or(0)
            };
            json!({ "meta": { "segmentIndex": number }, "groupValue": group, "cumulativeRaw": raw, "stepByStep": [], "cumulative": [],
                "medianTransTimes": times.iter().map(median).collect::<Vec<_>>(), "events": [] })
        };
        Ok(json!({ "data": groups.into_iter().enumerate().map(one).collect::<Vec<_>>() }))
    }

    fn retention(&self, call: &Call) -> Told {
        only(call, &["se", "re", "start", "end", "rm", "rb", "i", "s", "g"])?;
        let (se, re) = (event(call.param("se").ok_or("se")?)?, event(call.param("re").ok_or("re")?)?);
        if call.param("i") != Some("1") {
            return Err("this world retains by the day".into());
        }
        let rolling = call.param("rm") == Some("rolling");
        let brackets: Option<Vec<(i64, i64)>> = call.param("rb").map(|text| serde_json::from_str(text).map_err(|_| "rb")).transpose()?;
        if brackets.is_some() != (call.param("rm") == Some("bracket")) {
            return Err("rb and rm=bracket belong together".into());
        }
        let mut cohorts: BTreeMap<NaiveDate, BTreeSet<&str>> = BTreeMap::new();
        for one in self.found(call, &se)? {
            cohorts.entry(local(one.at)).or_default().insert(one.person);
        }
        let today = local(super::desk::at("2026-11-02T12:00:00Z"));
        let mut values = Map::new();
        let mut dates = Vec::new();
        for (day, people) in cohorts {
            let units = brackets.clone().unwrap_or_else(|| (0..10).map(|unit| (unit, unit + 1)).collect());
            let mut cells = vec![json!({ "count": people.len(), "outof": people.len(), "incomplete": false })];
            for (from, to) in units {
                let mut back = BTreeSet::new();
                for one in self.events.iter().filter(|one| people.contains(one.person)) {
                    let unit = (local(one.at) - day).num_days();
                    if re.fits(one)? && unit >= from && (rolling || unit < to) {
                        back.insert(one.person);
                    }
                }
                cells.push(json!({ "count": back.len(), "outof": people.len(), "incomplete": day + TimeDelta::days(to) > today }));
            }
            let name = day.format("%b %d").to_string();
            dates.insert(0, name.clone());
            values.insert(name, cells.into());
        }
        Ok(
            json!({ "data": { "series": [{ "dates": dates, "values": values, "combined": [] }], "seriesMeta": [{ "segmentIndex": 0, "eventIndex": 0 }] } }),
        )
    }

    fn ltv(call: &Call) -> Told {
        only(call, &["m", "start", "end", "i", "s", "g"])?;
        let day = date(call, "start")?.to_string();
        Ok(
            json!({ "data": { "seriesLabels": [""], "series": [{ "dates": [day], "values": { day: { "r1d": 30, "r7d": 50, "r90d": 50, "count": 1, "paid": 1, "total_amount": 50 } } }] } }),
        )
    }

    fn person(&self, call: &Call) -> Told {
        only(call, &["user", "limit", "offset", "direction"])?;
        let limit = call.param("limit").and_then(|limit| limit.parse::<usize>().ok()).filter(|limit| *limit <= 1000).ok_or("limit")?;
        let events: Vec<Value> = self
            .events
            .iter()
            .rev()
            .filter(|one| call.param("user") == Some("4001") && one.person == "ann")
            .take(limit)
            .map(|one| json!({ "event_type": one.name, "event_time": one.at.format("%Y-%m-%d %H:%M:%S%.6f").to_string(), "event_properties": {} }))
            .collect();
        Ok(
            json!({ "userData": { "user_id": "ann", "num_events": 7, "first_used": "2026-10-20", "device_ids": ["device-1"], "properties": { "plan": "pro" } }, "events": events }),
        )
    }

    /// Whatever wants both keys.
    fn asks(&self, call: &Call) -> Reply {
        if call.basic() != "key-1:s3cr3t" {
            return Reply::text(401, "text/plain", "Unauthorized");
        }
        let url = self.url.lock().unwrap().clone();
        let told = match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/api/2/events/list") => {
                let known = |name| json!({ "name": name, "totals": 1, "non_active": false, "deleted": false });
                let events = ["first_visit", "page_view", "signup", "purchase"].map(known);
                Ok(json!({ "data": events }))
            }
            ("GET", "/api/2/events/segmentation") => self.segmentation(call),
            ("GET", "/api/2/funnels") => self.funnel(call),
            ("GET", "/api/2/retention") => self.retention(call),
            ("GET", "/api/2/revenue/ltv") => Self::ltv(call),
            ("GET", "/api/2/usersearch") if call.param("user") == Some("ann") => {
                Ok(json!({ "type": "match_user_or_device_id", "matches": [{ "user_id": "ann", "amplitude_id": 4001 }] }))
            }
            ("GET", "/api/2/usersearch") => Ok(json!({ "type": "nomatch", "matches": [] })),
            ("GET", "/api/2/useractivity") => self.person(call),
            ("GET", "/api/3/cohorts") => Ok(
                json!({ "cohorts": [{ "id": "c0h", "name": "Payers", "size": 1500, "published": true, "archived": false, "lastComputed": 1_793_600_000, "description": "" }] }),
            ),
            ("GET", "/api/5/cohorts/request/c0h") => return Reply::json(202, &json!({ "request_id": "r3q", "cohort_id": "c0h" })),
            ("GET", "/api/5/cohorts/request-status/r3q") => {
                let mut looks = self.looks.lock().unwrap();
                *looks += 1;
                let done = *looks > 1;
                let word = if done { "JOB COMPLETED" } else { "JOB INPROGRESS" };
                return Reply::json(
                    if done { 200 } else { 202 },
                    &json!({ "request_id": "r3q", "cohort_id": "c0h", "async_status": word }),
                );
            }
            ("GET", "/api/5/cohorts/request/r3q/file") => {
                return Reply::text(302, "text/plain", "").header("location", &format!("{url}/s3/file.csv?sig=1"));
            }
            ("POST", "/api/3/cohorts/upload") => upload(&call.json()),
            _ => return Reply::text(404, "text/html", "<html>Not Found</html>"),
        };
        told.map_or_else(
            |why| Reply::json(400, &json!({ "error": { "http_code": 400, "type": "invalid_request", "message": why } })),
            |answer| Reply::json(200, &answer),
        )
    }

    fn events(&self, call: &Call) -> Reply {
        let refused = |more: Value| {
            let mut said = json!({ "code": 400, "error": "Invalid field values on some events" });
            for (name, value) in more.as_object().into_iter().flatten() {
                said[name] = value.clone();
            }
            Reply::json(400, &said)
        };
        let body = call.json();
        if call.header("content-type") != "application/json" || call.body.len() >= 1_000_000 {
            return Reply::json(413, &json!({ "code": 413, "error": "Payload too large" }));
        }
        if body["api_key"] != "key-1" {
            return refused(json!({ "error": "Invalid API key: wrong" }));
        }
        let Some(events) = body["events"].as_array().filter(|events| !events.is_empty() && events.len() < 2000) else {
            return refused(json!({ "error": "Request missing required field", "missing_field": "events" }));
        };
        let least = body["options"]["min_id_length"].as_u64().unwrap_or(5);
        for (index, event) in events.iter().enumerate() {
            let person = event["user_id"].as_str().filter(|id| id.len() as u64 >= least);
            let missing = [("event_type", event["event_type"].as_str().is_some()), ("user_id", person.is_some())];
            if let Some((field, _)) = missing.iter().find(|(_, there)| !there) {
                return refused(json!({ "events_with_missing_fields": { *field: [index] } }));
            }
            if event["time"].as_i64().is_none_or(|time| time < 1_000_000_000_000) || event["event_properties"].get("forbidden").is_some() {
                return refused(json!({ "events_with_invalid_fields": { "time": [index] } }));
            }
        }
        for event in events {
            self.taken.lock().unwrap().insert(format!("{}/{}", event["user_id"], event["insert_id"]), event.clone());
        }
        Reply::json(
            200,
            &json!({ "code": 200, "events_ingested": events.len(), "payload_size_bytes": call.body.len(), "server_upload_time": 1 }),
        )
    }

    fn identify(&self, call: &Call) -> Reply {
        let form = call.form();
        let part = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
        let list: Vec<Value> = serde_json::from_str(part("identification")).unwrap_or_default();
        let operations = ["$set", "$setOnce", "$add", "$append", "$prepend", "$unset", "$preInsert", "$postInsert", "$remove"];
        let which = if call.path == "/identify" { "user_properties" } else { "group_properties" };
        let good = |one: &Value| one[which].as_object().is_some_and(|map| map.keys().all(|key| operations.contains(&key.as_str())));
        if part("api_key") != "key-1"
            || list.is_empty()
            || !list.iter().all(good)
            || list.iter().any(|one| one[which]["$set"].get("forbidden").is_some())
        {
            return Reply::text(400, "text/plain", "missing_event");
        }
        self.identified.lock().unwrap().extend(list);
        Reply::text(200, "text/html", "success")
    }
}

fn upload(body: &Value) -> Told {
    let known = ["name", "app_id", "id_type", "ids", "owner", "published", "skip_save", "skip_invalid_ids", "existing_cohort_id", "cg"];
    let odd = body.as_object().ok_or("an object is wanted")?.keys().any(|key| !known.contains(&key.as_str()));
    if odd
        || !body["app_id"].is_u64()
        || body["id_type"] != "BY_USER_ID"
        || body["existing_cohort_id"] != "c0h"
        || body["owner"] != "o@example.com"
    {
        return Err(format!("odd upload: {body}"));
    }
    let ids = body["ids"].as_array().ok_or("ids")?;
    Ok(json!({ "cohortId": "c0h", "metadata": { "matched": ids.len() - 1, "totals": ids.len(), "invalid_ids_sample": [ids[0]] } }))
}

impl World for AmplitudeWorld {
    fn answer(&self, call: &Call) -> Reply {
        match call.path.as_str() {
            "/2/httpapi" => self.events(call),
            "/identify" | "/groupidentify" => self.identify(call),
            "/v1/userprofile" if call.header("authorization") != "Api-Key s3cr3t" => Reply::text(401, "text/plain", "Invalid Api-Key"),
            "/v1/userprofile" => Reply::json(200, &json!({ "userData": { "user_id": "ann", "cohort_ids": ["c0h"] } })),
            // A signed address refuses a second permission.
            "/s3/file.csv" if call.headers.contains_key("authorization") || call.param("sig") != Some("1") => {
                Reply::text(400, "text/xml", "<Error/>")
            }
            "/s3/file.csv" => {
                Reply::text(200, "text/csv", &(0..1500).fold("amplitude_id,user_id\n".to_owned(), |text, n| format!("{text}{n},p{n}\n")))
            }
            _ => self.asks(call),
        }
    }
}
