//! Funnels, retention, cohorts and single people.
//!
//! Sources: <https://amplitude.com/docs/apis/analytics/dashboard-rest>, <https://amplitude.com/docs/apis/analytics/behavioral-cohorts>,
//! <https://amplitude.com/docs/apis/analytics/user-profile>

use super::Amplitude;
use super::allowance::cost;
use super::ask::{day, event, named, width, words};
use super::trend::figure;
use bellhop_core::analytics::{
    Answer, Cohort, CohortMade, Figures, Funnel, FunnelFigures, FunnelGroup, FunnelStep, Members, Person, PersonEvent, Retention,
    RetentionCell, RetentionCohort, RetentionFigures, RetentionKind, StepOrder,
};
use bellhop_core::chart::Interval;
use bellhop_core::period::{Range, intervals};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortErrorKind, Timestamp};
use bellhop_http::StatusCode;
use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a cohort's download is waited for, and how often it is looked at: four looks a minute are allowed.
const WAITED: TimeDelta = TimeDelta::minutes(3);
const LOOK: Duration = Duration::from_secs(15);
const FIRST_LOOK: Duration = Duration::from_secs(1);
/// Ids of a cohort in one page of ours.
const PAGE: usize = 1000;

impl Amplitude {
    pub(super) async fn funnel(&self, funnel: &Funnel) -> PortResult<Answer> {
        // A property of people groups the whole funnel, one of events goes with the first of them.
        let by = funnel.by.as_deref().map(named);
        let of_people = by.as_ref().filter(|(kind, _)| *kind == "user").map(|(_, name)| name.as_str());
        let mut steps = Vec::new();
        for (number, step) in funnel.steps.iter().enumerate() {
            if let Some(name) = &step.event {
                self.seen(name).await?;
            }
            let own = funnel.by.as_deref().filter(|_| number == 0 && of_people.is_none());
            steps.push(event(step, &funnel.filters, own).to_string());
        }
        let (first, last) = self.days(funnel.window.from, funnel.window.to);
        let (start, end) = (day(first), day(last));
        let mode = match funnel.order {
            StepOrder::Ordered => "ordered",
            StepOrder::Strict => "sequential",
            StepOrder::Any => "unordered",
        };
        let within = funnel.within.to_string();
        let mut query: Vec<(&str, &str)> = steps.iter().map(|step| ("e", step.as_str())).collect();
        query.extend([("start", start.as_str()), ("end", end.as_str()), ("mode", mode), ("cs", within.as_str())]);
        query.extend(of_people.map(|by| ("g", by)));
        // Grouping the whole counts as four segments, grouping an event costs four more.
        let kind = 2 * steps.len() + 4 * usize::from(by.is_some() && of_people.is_none());
        let segments = if of_people.is_some() { 4 } else { 1 };
        let days = (last - first).num_days() + 1;
        let answer = self.get("query", "/api/2/funnels", &query, cost(days, segments, kind)).await?;
        let mut groups: Vec<FunnelGroup> = Vec::new();
        for (number, one) in answer.get("data").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let list = |name: &str| one.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
            let counts = ["cumulativeRaw", "stepByStepRaw"].iter().map(|name| list(name)).find(|list| !list.is_empty()).unwrap_or_default();
            let medians = list("medianTransTimes");
            // Milliseconds, one for each step: the first has nothing before it, and zero, or no figure at all.
            let before = funnel.steps.len().saturating_sub(medians.len());
            let steps = funnel.steps.iter().enumerate().map(|(position, step)| FunnelStep {
                name: step.event.clone().unwrap_or_else(|| "any event".to_owned()),
                people: counts.get(position).and_then(figure).unwrap_or(0.0),
                median_seconds: medians.get(position.wrapping_sub(before)).filter(|_| position > 0).and_then(figure).map(|ms| ms / 1000.0),
            });
            let label = ["/groupValue", "/meta/groupValue", "/meta/segmentName"].iter().find_map(|path| one.pointer(path)?.as_str());
            let group =
                by.as_ref().map(|_| label.map_or_else(|| format!("group {}", number + 1), str::to_owned)).filter(|label| label != "(none)");
            groups.push(FunnelGroup { group, steps: steps.collect() });
        }
        if groups.is_empty() {
            return Err(self.error(PortErrorKind::Broken, "query", "Amplitude's answer has no funnel in it"));
        }
        let people = |group: &FunnelGroup| group.steps.first().map_or(0.0, |step| step.people);
        groups.sort_by(|a, b| people(b).total_cmp(&people(a)));
        let mut basis = self.basis(funnel.window.to);
        if funnel.order == StepOrder::Any {
            basis.notes.push("the time allowed is rounded to days where the steps come in any order".to_owned());
        }
        Ok(Answer { figures: Figures::Funnel(FunnelFigures { groups }), basis })
    }

    pub(super) async fn retention(&self, retention: &Retention) -> PortResult<Answer> {
        if retention.by.is_some() {
            let why = "leave --by out: Amplitude's retention is asked for everybody here";
            return Err(self.error(PortErrorKind::Unsupported, "query", why));
        }
        for name in [&retention.first.event, &retention.back.event].into_iter().flatten() {
            self.seen(name).await?;
        }
        let mut se = event(&retention.first, &[], None);
        if retention.first.event.is_none() {
            se["event_type"] = json!("_new");
        }
        let (se, re) = (se.to_string(), event(&retention.back, &[], None).to_string());
        let (first, last) = self.days(retention.window.from, retention.window.to);
        let (start, end) = (day(first), day(last));
        let (mode, brackets) = match &retention.kind {
            RetentionKind::InUnit => ("n-day", None),
            RetentionKind::Unbounded => ("rolling", None),
            RetentionKind::Brackets(brackets) => {
                ("bracket", Some(json!(brackets.iter().map(|(from, to)| json!([from, to + 1])).collect::<Vec<_>>()).to_string()))
            }
        };
        let mut query = vec![
            ("se", se.as_str()),
            ("re", re.as_str()),
            ("start", start.as_str()),
            ("end", end.as_str()),
            ("rm", mode),
            ("i", width(retention.unit)),
        ];
        query.extend(brackets.as_deref().map(|brackets| ("rb", brackets)));
        let answer = self.get("query", "/api/2/retention", &query, cost((last - first).num_days() + 1, 1, 8)).await?;
        let Some(values) = answer.pointer("/data/series/0/values").and_then(Value::as_object) else {
            return Err(self.error(PortErrorKind::Broken, "query", "Amplitude's answer has no `data.series`"));
        };
        let by_start: BTreeMap<Timestamp, &Vec<Value>> =
            values.iter().filter_map(|(date, cells)| Some((self.dated(date, first)?, cells.as_array()?))).collect();
        let columns: Vec<String> = match &retention.kind {
            RetentionKind::Brackets(brackets) => {
                brackets.iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") }).collect()
            }
            _ => (0..=retention.periods).map(|unit| unit.to_string()).collect(),
        };
        let zone = self.zone();
        let starts = intervals(Range { from: retention.window.from, to: retention.window.to }, retention.unit, zone);
        let cohorts = starts
            .iter()
            .map(|start| {
                let cells = by_start.get(start).copied();
                let count = |cell: Option<&Value>, name: &str| cell.and_then(|cell| figure(cell.get(name)?));
                // The first is the size of the cohort, the next is unit 0.
                let size = count(cells.and_then(|cells| cells.first()), "count").unwrap_or(0.0);
                let cell = |column: usize| {
                    let cell = cells.and_then(|cells| cells.get(column + 1));
                    let incomplete = cell.and_then(|cell| cell.get("incomplete")).and_then(Value::as_bool).unwrap_or(false);
                    count(cell, "count").map(|people| RetentionCell { people, complete: !incomplete })
                };
                RetentionCohort { start: *start, group: None, size, cells: (0..columns.len()).map(cell).collect() }
            })
            .collect();
        let mut basis = self.basis(retention.window.to);
        if retention.unit == Interval::Month {
            basis.notes.push("Amplitude's months are of 30 days".to_owned());
        }
        Ok(Answer { figures: Figures::Retention(RetentionFigures { unit: retention.unit, columns, cohorts }), basis })
    }

    pub(super) async fn kept_cohorts(&self) -> PortResult<Vec<Cohort>> {
        let answer = self.get("cohorts", "/api/3/cohorts", &[], 1.0).await?;
        let mut cohorts: Vec<Cohort> = answer
            .get("cohorts")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|cohort| cohort.get("archived").and_then(Value::as_bool) != Some(true))
            .filter_map(|cohort| {
                let word = |name: &str| cohort.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                let computed = cohort.get("lastComputed").and_then(figure);
                #[expect(clippy::cast_possible_truncation, reason = "seconds of a moment, read from a number of JSON")]
                let at = computed.and_then(|seconds| Timestamp::from_timestamp(seconds as i64, 0));
                Some(Cohort {
                    id: cohort.get("id")?.as_str()?.to_owned(),
                    name: word("name"),
                    about: word("description"),
                    size: cohort.get("size").and_then(Value::as_u64),
                    at,
                })
            })
            .collect();
        cohorts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(cohorts)
    }

    async fn cohort(&self, operation: &'static str, wanted: &str) -> PortResult<Cohort> {
        let cohorts = self.kept_cohorts().await?;
        if let Some(known) = cohorts.iter().find(|known| known.id == wanted || known.name == wanted) {
            return Ok(known.clone());
        }
        let near = bellhop_core::nearest::nearest(wanted, cohorts.iter().map(|known| known.name.as_str()));
        let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        Err(self.error(PortErrorKind::NotFound, operation, format!("Amplitude has no cohort `{wanted}`{hint}")))
    }

    /// People of a cohort: Amplitude makes a file of them, which is waited for. `from` is the download and the place in it.
    pub(super) async fn cohort_members(&self, wanted: &str, from: Option<&str>) -> PortResult<Members> {
        let (request, place) = if let Some((request, place)) = from.and_then(|from| from.rsplit_once('/')) {
            (request.to_owned(), place.parse().unwrap_or(0))
        } else {
            let cohort = self.cohort("members", wanted).await?;
            (self.make_download(&cohort.id).await?, 0)
        };
        let all = self.downloaded(&request).await?;
        let ids: Vec<String> = all.iter().skip(place).take(PAGE).cloned().collect();
        let next = (place + ids.len() < all.len()).then(|| format!("{request}/{}", place + ids.len()));
        Ok(Members { ids, total: Some(all.len() as u64), next })
    }

    async fn make_download(&self, id: &str) -> PortResult<String> {
        let url = format!("{}/api/5/cohorts/request", self.config.query_url);
        let asked =
            self.signed("members", self.client.get("members", "/api/5/cohorts/request/{id}", &url))?.path(id).query(&[("props", "1")]);
        let turn = self.turn("members", 1.0).await?;
        let answer = self.in_turn(turn, asked).await?;
        if !answer.status().is_success() {
            return Err(self.refused(answer).await);
        }
        let answer: Value = answer.json().await?;
        let request = answer.get("request_id").and_then(Value::as_str).map(str::to_owned);
        let Some(request) = request else {
            return Err(self.error(PortErrorKind::Broken, "members", "Amplitude's answer has no `request_id`"));
        };
        self.wait_for(&request).await?;
        Ok(request)
    }

    async fn wait_for(&self, request: &str) -> PortResult<()> {
        let begun = self.ports.clock.now();
        let mut pause = FIRST_LOOK;
        loop {
            let url = format!("{}/api/5/cohorts/request-status", self.config.query_url);
            let asked = self.signed("members", self.client.get("members", "/api/5/cohorts/request-status/{id}", &url))?.path(request);
            let answer = asked.exchange().await?;
            match answer.status() {
                StatusCode::OK => return Ok(()),
                StatusCode::ACCEPTED => {}
                _ => return Err(self.refused(answer).await),
            }
            if self.ports.clock.now() - begun > WAITED {
                let why = "Amplitude is still making the list of people; ask again in a few minutes";
                return Err(self.error(PortErrorKind::Unavailable, "members", why));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 4).min(LOOK);
        }
    }

    async fn downloaded(&self, request: &str) -> PortResult<Vec<String>> {
        let url = format!("{}/api/5/cohorts/request", self.config.query_url);
        let asked =
            self.signed("members", self.client.get("members", "/api/5/cohorts/request/{id}/file", &url))?.path(request).path("file");
        let answer = asked.exchange().await?;
        let body = if answer.status().is_redirection() {
            // The file lies elsewhere, under an address that is its own permission: our keys don't go along.
            let place = answer.header("location").unwrap_or_default().to_owned();
            let safe = place.starts_with("https://") || place.starts_with("http://") && self.config.query_url.starts_with("http://");
            if !safe {
                return Err(self.error(PortErrorKind::Broken, "members", "Amplitude points to a place that can't be fetched from"));
            }
            self.client.get("members", "(a cohort's file)", &place).send().await?.text().await?
        } else if answer.status().is_success() {
            answer.text().await?
        } else {
            return Err(self.refused(answer).await);
        };
        Ok(ids(&body))
    }

    pub(super) async fn upload_cohort(&self, name: &str, ids: &[String]) -> PortResult<CohortMade> {
        let (Some(app), Some(owner)) = (self.config.app_id, &self.config.owner) else {
            let why = format!(
                "uploading cohorts needs `app_id` (the project's number) and `owner` (an e-mail address) in [{}]",
                self.client.service()
            );
            return Err(self.error(PortErrorKind::Unsupported, "make_cohort", why));
        };
        if ids.is_empty() {
            return Err(self.error(PortErrorKind::Invalid, "make_cohort", "there is nobody in the list"));
        }
        let existing = self.kept_cohorts().await?.into_iter().find(|cohort| cohort.name == name).map(|cohort| cohort.id);
        let mut body = json!({ "name": name, "app_id": app, "id_type": "BY_USER_ID", "ids": ids, "owner": owner, "published": true, "skip_invalid_ids": true });
        if let Some(existing) = existing {
            body["existing_cohort_id"] = json!(existing);
        }
        let url = format!("{}/api/3/cohorts/upload", self.config.query_url);
        let request = self.signed("make_cohort", self.client.post("make_cohort", "/api/3/cohorts/upload", &url))?.json(&body);
        let turn = self.turn("make_cohort", 1.0).await?;
        let answer = self.in_turn(turn, request).await?;
        if !answer.status().is_success() {
            return Err(self.refused(answer).await);
        }
        let answer: Value = answer.json().await?;
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            let why = error.get("message").and_then(Value::as_str).unwrap_or("it doesn't say why");
            return Err(self.error(PortErrorKind::Invalid, "make_cohort", format!("Amplitude refuses the cohort: {}", words(why))));
        }
        let count = |name: &str| answer.pointer(&format!("/metadata/{name}")).and_then(Value::as_u64);
        let unknown = answer.pointer("/metadata/invalid_ids_sample").and_then(Value::as_array).into_iter().flatten();
        Ok(CohortMade {
            id: answer.get("cohortId").or_else(|| answer.get("cohort_id")).and_then(Value::as_str).unwrap_or_default().to_owned(),
            matched: count("matched").unwrap_or(0),
            total: count("totals").unwrap_or(ids.len() as u64),
            unknown: unknown.filter_map(|id| id.as_str().map(str::to_owned)).collect(),
        })
    }

    pub(super) async fn one_person(&self, id: &str, events: usize) -> PortResult<Person> {
        let found = self.get_person("/api/2/usersearch", &[("user", id)]).await?;
        let matches = found.get("matches").and_then(Value::as_array).cloned().unwrap_or_default();
        let exact = matches.iter().find(|one| one.get("user_id").and_then(Value::as_str) == Some(id)).or_else(|| matches.first());
        let amplitude_id =
            exact.and_then(|one| one.get("amplitude_id")).map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
        let Some(amplitude_id) = amplitude_id else {
            return Err(self.error(PortErrorKind::NotFound, "person", format!("Amplitude has never seen a person `{}`", words(id))));
        };
        let limit = events.clamp(1, 1000).to_string();
        let query = [("user", amplitude_id.as_str()), ("limit", limit.as_str()), ("direction", "latest")];
        let activity = self.get_person("/api/2/useractivity", &query).await?;
        let data = activity.get("userData").cloned().unwrap_or_default();
        let map = |value: Option<&Value>| -> BTreeMap<String, Value> {
            value.and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default()
        };
        let word = |name: &str| data.get(name).and_then(Value::as_str);
        let mut done: Vec<PersonEvent> = activity
            .get("events")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|one| {
                Some(PersonEvent {
                    event: one.get("event_type")?.as_str()?.to_owned(),
                    time: utc(one.get("event_time")?.as_str()?)?,
                    properties: map(one.get("event_properties")),
                })
            })
            .collect();
        done.sort_by_key(|one| std::cmp::Reverse(one.time));
        done.truncate(events);
        let ids = [Some(id), word("user_id"), Some(amplitude_id.as_str())].into_iter().flatten().map(str::to_owned);
        let ids = ids
            .chain(data.get("device_ids").and_then(Value::as_array).into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)));
        let mut known: Vec<String> = Vec::new();
        for id in ids {
            if !known.contains(&id) {
                known.push(id);
            }
        }
        Ok(Person {
            id: id.to_owned(),
            ids: known,
            properties: map(data.get("properties")),
            first_seen: word("first_used").and_then(date),
            last_seen: done.first().map(|one| one.time).or_else(|| word("last_used").and_then(date)),
            events_total: data.get("num_events").and_then(Value::as_u64),
            events: done,
            cohorts: self.profile_cohorts(id).await,
        })
    }

    /// Cohorts of a person, by the User Profile API, which is not everywhere: without it there are none to tell.
    async fn profile_cohorts(&self, id: &str) -> Vec<String> {
        let (Some(url), Some(secret)) = (&self.config.profile_url, &self.config.secret_key) else { return Vec::new() };
        let asked = self
            .client
            .get("person", "/v1/userprofile", &format!("{url}/v1/userprofile"))
            .secret_header("authorization", &format!("Api-Key {}", secret.expose_secret()))
            .query(&[("user_id", id), ("get_cohort_ids", "true")]);
        match asked.receive::<Value>().await {
            Ok(answer) => {
                let list = answer.pointer("/userData/cohort_ids").and_then(Value::as_array);
                list.into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect()
            }
            Err(error) => {
                tracing::debug!(%error, "the person's cohorts can't be read");
                Vec::new()
            }
        }
    }
}

/// A moment of UTC, `2026-11-23 10:00:00.123`.
fn utc(text: &str) -> Option<Timestamp> {
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%dT%H:%M:%S%.f"];
    formats.iter().find_map(|format| chrono::NaiveDateTime::parse_from_str(text, format).ok()).map(|time| time.and_utc())
}

fn date(text: &str) -> Option<Timestamp> {
    utc(text).or_else(|| Some(text.parse::<chrono::NaiveDate>().ok()?.and_time(chrono::NaiveTime::MIN).and_utc()))
}

/// Ids out of a cohort's file: lines of CSV with names on the first, or of JSON.
fn ids(body: &str) -> Vec<String> {
    let from_json = |value: &Value| {
        let id = value.get("user_id").filter(|id| !id.is_null()).or_else(|| value.get("amplitude_id"))?;
        Some(id.as_str().map_or_else(|| id.to_string(), str::to_owned))
    };
    let text = body.trim_start();
    if text.starts_with('[') {
        let list: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
        return list.iter().filter_map(from_json).collect();
    }
    if text.starts_with('{') {
        return text.lines().filter_map(|line| from_json(&serde_json::from_str(line).ok()?)).collect();
    }
    let mut lines = text.lines().map(|line| line.split(',').map(|cell| cell.trim().trim_matches('"')).collect::<Vec<_>>());
    let Some(names) = lines.next() else { return Vec::new() };
    let at = |name: &str| names.iter().position(|one| one.eq_ignore_ascii_case(name));
    let (user, amplitude) = (at("user_id"), at("amplitude_id"));
    let column =
        |cells: &[&str], at: Option<usize>| at.and_then(|at| cells.get(at).copied()).filter(|id| !id.is_empty()).map(str::to_owned);
    lines.filter_map(|cells| column(&cells, user).or_else(|| column(&cells, amplitude))).collect()
}

#[cfg(test)]
mod tests {
    use super::ids;

    #[test]
    fn files_of_cohorts_are_read_in_each_shape() {
        assert_eq!(ids("amplitude_id,user_id\n1,ann\n2,\n"), ["ann", "2"]);
        assert_eq!(ids("[{\"amplitude_id\":1,\"user_id\":\"ann\"},{\"amplitude_id\":2}]"), ["ann", "2"]);
        assert_eq!(ids("{\"user_id\":\"ann\"}\n{\"user_id\":\"bob\"}\n"), ["ann", "bob"]);
        assert!(ids("").is_empty());
    }
}
