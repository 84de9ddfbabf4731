//! Funnels, retention and single people.
//!
//! Sources: <https://amplitude.com/docs/apis/analytics/dashboard-rest>, <https://amplitude.com/docs/apis/analytics/user-profile>

use super::Amplitude;
use super::allowance::cost;
use super::ask::{day, event, named, width, words};
use super::trend::figure;
use bellhop_core::analytics::{
    Answer, Figures, Funnel, FunnelFigures, FunnelGroup, FunnelStep, Person, PersonEvent, Retention, RetentionCell, RetentionCohort,
    RetentionFigures, RetentionKind, StepOrder,
};
use bellhop_core::chart::Interval;
use bellhop_core::period::{Range, intervals};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortErrorKind, Timestamp};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;

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
