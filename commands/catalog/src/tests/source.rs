//! A source of analytics in memory that counts as the port's contract says, and answers to two names.

use super::figuring::{self, kept, text};
use async_trait::async_trait;
use bellhop_core::analytics::{
    AnalyticsCapabilities, Answer, Basis, Cohort, CohortDefinition, CohortMade, CohortRule, Cost, Figures, Funnel, Measure, Members,
    Metric, MetricKind, NewEvent, Person, PersonEvent, ProfileChange, ProfileOperation, Query, Refused, Saved, SavedKind, StepOrder,
    Subject, Taken, Trend, TrendFigures, TrendRow,
};
use bellhop_core::ids::SourceName;
use bellhop_core::period::{Range, intervals};
use bellhop_core::ports::{AnalyticsSource, PortResult, Sources};
use bellhop_core::{CommandError, PortError, PortErrorKind, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

pub(super) struct MemorySource {
    name: SourceName,
    pub events: Mutex<Vec<NewEvent>>,
    /// When set, it counts and takes events in, and can nothing else.
    pub limited: Mutex<bool>,
    pub profiles: Mutex<BTreeMap<String, BTreeMap<String, serde_json::Value>>>,
    pub cohorts: Mutex<BTreeMap<String, Vec<String>>>,
    /// Saved funnels: names and steps.
    pub saved: Mutex<BTreeMap<String, Vec<String>>>,
    /// What every answer rests on, beside what follows from the question.
    pub basis: Mutex<Option<Basis>>,
}

impl Default for MemorySource {
    fn default() -> Self {
        Self {
            name: "events".into(),
            events: Mutex::default(),
            limited: Mutex::default(),
            profiles: Mutex::default(),
            cohorts: Mutex::default(),
            saved: Mutex::default(),
            basis: Mutex::default(),
        }
    }
}

impl MemorySource {
    /// Notes an event.
    pub fn add(&self, event: &str, person: &str, time: &str, properties: &[(&str, serde_json::Value)]) {
        let mut events = self.events.lock().unwrap();
        let insert_id = events.len().to_string();
        let properties = properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        events.push(NewEvent { event: event.into(), distinct_id: person.into(), time: time.parse().unwrap(), insert_id, properties });
    }

    fn basis(&self, zone: chrono_tz::Tz) -> Basis {
        let told = self.basis.lock().unwrap().clone();
        told.map_or_else(|| Basis::whole(self.name.clone(), zone), |told| Basis { source: self.name.clone(), ..told })
    }

    fn trend(&self, trend: &Trend) -> PortResult<Answer> {
        let all = self.events.lock().unwrap();
        let metric = if trend.metric == "page_views" { "page_view" } else { &trend.metric };
        if !all.iter().any(|event| event.event == metric) {
            return Err(PortError::not_found("analytics.events", "query", format!("`{metric}` was never seen")));
        }
        let fits =
            |event: &&NewEvent| event.event == metric && event.time >= trend.from && event.time < trend.to && kept(event, &trend.filters);
        let found: Vec<&NewEvent> = all.iter().filter(fits).collect();
        let starts =
            trend.interval.map(|interval| intervals(Range { from: trend.from, to: trend.to }, interval, trend.zone)).unwrap_or_default();
        let mut cells: BTreeMap<(Option<Timestamp>, Option<String>), Vec<&NewEvent>> = BTreeMap::new();
        if trend.by.is_none() {
            for start in &starts {
                cells.entry((Some(*start), None)).or_default();
            }
        }
        for event in &found {
            let at = starts.partition_point(|start| *start <= event.time).checked_sub(1).map(|at| starts[at]);
            let group = trend.by.as_ref().and_then(|by| text(event.properties.get(by)));
            cells.entry((at, group)).or_default().push(event);
        }
        let rows = cells.into_iter().map(|((at, group), events)| TrendRow { at, group, value: measured(trend, &events) }).collect();
        let complete = trend.to <= super::world::now();
        let figures = TrendFigures { rows, unit: String::new(), total: measured(trend, &found) };
        Ok(Answer { figures: Figures::Trend(figures), basis: Basis { complete, ..self.basis(trend.zone) } })
    }
}

fn measured(trend: &Trend, events: &[&NewEvent]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "tests count a few")]
    match &trend.measure {
        Measure::Count => events.len() as f64,
        Measure::Users => events.iter().map(|event| &event.distinct_id).collect::<BTreeSet<_>>().len() as f64,
        Measure::Sum(property) => events.iter().filter_map(|event| event.properties.get(property)?.as_f64()).sum(),
        Measure::Average(property) => {
            let values: Vec<f64> = events.iter().filter_map(|event| event.properties.get(property)?.as_f64()).collect();
            values.iter().sum::<f64>() / values.len().max(1) as f64
        }
    }
}

#[async_trait]
impl AnalyticsSource for MemorySource {
    fn name(&self) -> &SourceName {
        &self.name
    }
    fn capabilities(&self) -> AnalyticsCapabilities {
        let all = !*self.limited.lock().unwrap();
        AnalyticsCapabilities {
            hourly: true,
            track: true,
            now: all,
            funnels: all,
            retention: all,
            revenue: all,
            saved: all,
            cohorts: all,
            cohort_upload: all,
            cohort_define: all,
            cohort_delete: all,
            people: all,
            profiles: all,
            ..AnalyticsCapabilities::default()
        }
    }
    async fn metrics(&self) -> PortResult<Vec<Metric>> {
        let names: BTreeSet<String> = self.events.lock().unwrap().iter().map(|event| event.event.clone()).collect();
        Ok(names.into_iter().map(|name| Metric { name, about: "an event".into(), kind: MetricKind::Event }).collect())
    }
    async fn properties(&self, event: &str) -> PortResult<Vec<String>> {
        let events = self.events.lock().unwrap();
        let names: BTreeSet<String> =
            events.iter().filter(|one| one.event == event).flat_map(|one| one.properties.keys().cloned()).collect();
        Ok(names.into_iter().collect())
    }
    async fn query(&self, query: &Query) -> PortResult<Answer> {
        if !matches!(query, Query::Trend(_)) && *self.limited.lock().unwrap() {
            return Err(self.cannot("query", "it answers trends only"));
        }
        let seen = |name: &str| {
            let seen = self.events.lock().unwrap().iter().any(|event| event.event == name);
            if seen { Ok(()) } else { Err(PortError::not_found("analytics.events", "query", format!("`{name}` was never seen"))) }
        };
        let all = self.events.lock().unwrap().clone();
        let (figures, zone, to) = match query {
            Query::Trend(trend) => return self.trend(trend),
            Query::Now(asked) => {
                seen(&asked.metric)?;
                (Figures::Trend(figuring::present(asked, &all)), chrono_tz::UTC, super::world::now())
            }
            Query::Funnel(asked) => {
                asked.steps.iter().filter_map(|step| step.event.as_deref()).try_for_each(seen)?;
                (Figures::Funnel(figuring::funnel(asked, &all)), asked.window.zone, asked.window.to)
            }
            Query::Retention(asked) => {
                [&asked.first, &asked.back].into_iter().filter_map(|step| step.event.as_deref()).try_for_each(seen)?;
                (Figures::Retention(figuring::retention(asked, &all)), asked.window.zone, asked.window.to)
            }
            Query::Revenue(asked) => (Figures::Revenue(figuring::revenue(asked, &all)), asked.window.zone, asked.window.to),
            Query::Saved { id, window } => {
                let kept = self.saved.lock().unwrap().get(id).cloned();
                let Some(steps) = kept else {
                    return Err(PortError::not_found("analytics.events", "query", format!("there is no saved report `{id}`")));
                };
                let steps = steps.into_iter().map(|event| bellhop_core::analytics::EventMatch { event: Some(event), filters: Vec::new() });
                let asked = Funnel {
                    steps: steps.collect(),
                    window: window.clone(),
                    within: 86_400,
                    order: StepOrder::Ordered,
                    by: None,
                    filters: Vec::new(),
                };
                (Figures::Funnel(figuring::funnel(&asked, &all)), window.zone, window.to)
            }
        };
        let complete = to <= super::world::now();
        Ok(Answer { figures, basis: Basis { complete, ..self.basis(zone) } })
    }
    async fn person(&self, id: &str, events: usize) -> PortResult<Person> {
        let all = self.events.lock().unwrap();
        let mut mine: Vec<&NewEvent> = all.iter().filter(|event| event.distinct_id == id).collect();
        mine.sort_by_key(|event| std::cmp::Reverse(event.time));
        let properties = self.profiles.lock().unwrap().get(id).cloned().unwrap_or_default();
        if mine.is_empty() && properties.is_empty() {
            return Err(PortError::not_found("analytics.events", "person", format!("`{id}` was never seen")));
        }
        let shown = mine.iter().take(events).map(|event| PersonEvent {
            event: event.event.clone(),
            time: event.time,
            properties: event.properties.clone(),
        });
        let cohorts = self.cohorts.lock().unwrap();
        Ok(Person {
            id: id.into(),
            ids: vec![id.into(), format!("anon-{id}")],
            properties,
            first_seen: mine.last().map(|event| event.time),
            last_seen: mine.first().map(|event| event.time),
            events_total: Some(mine.len() as u64),
            events: shown.collect(),
            cohorts: cohorts.iter().filter(|(_, ids)| ids.iter().any(|one| one == id)).map(|(name, _)| name.clone()).collect(),
        })
    }
    async fn identify(&self, changes: Vec<ProfileChange>) -> PortResult<Taken> {
        let mut profiles = self.profiles.lock().unwrap();
        let mut taken = Taken::default();
        for (index, one) in changes.into_iter().enumerate() {
            let Subject::Person(id) = one.subject else { panic!("people only") };
            let profile = profiles.entry(id).or_default();
            match one.change {
                ProfileOperation::Set(values) if values.contains_key("forbidden") => {
                    taken.refused.push(Refused { index, reason: "forbidden is reserved".into() });
                    continue;
                }
                ProfileOperation::Set(values) => profile.extend(values),
                ProfileOperation::Add(values) => {
                    for (name, value) in values {
                        let before = profile.get(&name).and_then(serde_json::Value::as_f64).unwrap_or(0.0);
                        profile.insert(name, serde_json::json!(before + value));
                    }
                }
                ProfileOperation::Unset(names) => profile.retain(|name, _| !names.contains(name)),
                other => panic!("{other:?}"),
            }
            taken.taken += 1;
        }
        Ok(taken)
    }
    async fn saved(&self) -> PortResult<Vec<Saved>> {
        let saved = self.saved.lock().unwrap();
        Ok(saved.keys().map(|name| Saved { id: name.clone(), name: name.to_uppercase(), kind: SavedKind::Funnel }).collect())
    }
    async fn cohorts(&self) -> PortResult<Vec<Cohort>> {
        let cohorts = self.cohorts.lock().unwrap();
        let cohort = |(name, ids): (&String, &Vec<String>)| Cohort {
            id: format!("id-{name}"),
            name: name.clone(),
            about: String::new(),
            size: Some(ids.len() as u64),
            at: None,
        };
        Ok(cohorts.iter().map(cohort).collect())
    }
    async fn members(&self, cohort: &str, from: Option<&str>) -> PortResult<Members> {
        let cohorts = self.cohorts.lock().unwrap();
        let ids = &cohorts[cohort.strip_prefix("id-").unwrap()];
        let from: usize = from.map_or(0, |from| from.parse().unwrap());
        let next = (from + 2 < ids.len()).then(|| (from + 2).to_string());
        Ok(Members { ids: ids.iter().skip(from).take(2).cloned().collect(), total: Some(ids.len() as u64), next })
    }
    async fn make_cohort(&self, name: &str, ids: &[String]) -> PortResult<CohortMade> {
        let events = self.events.lock().unwrap();
        let (known, unknown): (Vec<String>, Vec<String>) =
            ids.iter().cloned().partition(|id| events.iter().any(|event| event.distinct_id == *id));
        let (matched, total) = (known.len() as u64, ids.len() as u64);
        self.cohorts.lock().unwrap().insert(name.into(), known);
        Ok(CohortMade { id: format!("id-{name}"), matched, total, unknown })
    }
    async fn define_cohort(&self, name: &str, definition: &CohortDefinition) -> PortResult<Cohort> {
        let events = self.events.lock().unwrap();
        let named = |rule: &CohortRule| rule.event.event.clone().unwrap_or_default();
        if let Some(rule) = definition.rules.iter().find(|rule| !events.iter().any(|event| event.event == named(rule))) {
            return Err(PortError::new(PortErrorKind::NotFound, "events", "define", format!("no event {}", named(rule))));
        }
        let did = |person: &str, rule: &CohortRule| {
            events.iter().filter(|event| event.distinct_id == person && event.event == named(rule)).count() >= rule.times as usize
        };
        let people: BTreeSet<String> = events.iter().map(|event| event.distinct_id.clone()).collect();
        let ids: Vec<String> = people.into_iter().filter(|id| definition.rules.iter().all(|rule| did(id, rule) == rule.did)).collect();
        let size = Some(ids.len() as u64);
        self.cohorts.lock().unwrap().insert(name.into(), ids);
        Ok(Cohort { id: format!("id-{name}"), name: name.into(), about: format!("{} rules", definition.rules.len()), size, at: None })
    }
    async fn delete_cohort(&self, cohort: &str) -> PortResult<()> {
        self.cohorts.lock().unwrap().remove(cohort.strip_prefix("id-").unwrap()).unwrap();
        Ok(())
    }
    async fn track(&self, events: Vec<NewEvent>) -> PortResult<Taken> {
        let mut all = self.events.lock().unwrap();
        let mut seen: BTreeSet<String> = all.iter().map(|event| event.insert_id.clone()).collect();
        let mut taken = Taken::default();
        for (index, event) in events.into_iter().enumerate() {
            if event.event.len() > 100 {
                taken.refused.push(Refused { index, reason: "an event's name has 100 characters at most".into() });
            } else if seen.insert(event.insert_id.clone()) {
                taken.taken += 1;
                all.push(event);
            } else {
                taken.duplicates += 1;
            }
        }
        Ok(taken)
    }
}

/// `events` and, beside it, `web`: the same figures under another name.
pub(super) struct OneSource(pub Arc<MemorySource>);
impl Sources for OneSource {
    fn source(&self, name: Option<&SourceName>) -> Result<Arc<dyn AnalyticsSource>, CommandError> {
        match name.map(SourceName::as_str) {
            None | Some("events") => Ok(self.0.clone()),
            Some("web") => Ok(Arc::new(MemorySource {
                name: "web".into(),
                events: Mutex::new(self.0.events.lock().unwrap().clone()),
                basis: Mutex::new(Some(Basis {
                    identity: "a cookie per browser".into(),
                    sampled: 0.5,
                    notes: vec!["rare values are folded".into()],
                    cost: Some(Cost { spent: 3.0, left: Some(97.0), unit: "tokens".into() }),
                    ..Basis::whole("web".into(), chrono_tz::America::New_York)
                })),
                ..MemorySource::default()
            })),
            Some(other) => Err(CommandError::NotFound { what: "source", name: other.into(), nearest: None }),
        }
    }
    fn names(&self) -> Vec<SourceName> {
        vec!["events".into(), "web".into()]
    }
}
