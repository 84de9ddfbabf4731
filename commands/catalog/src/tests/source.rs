//! A source of analytics in memory that counts as the port's contract says, and answers to two names.

use async_trait::async_trait;
use bellhop_core::analytics::{
    AnalyticsCapabilities, Answer, Basis, Comparison, Figures, Measure, Metric, MetricKind, NewEvent, Query, Refused, Taken, Trend,
    TrendFigures, TrendRow,
};
use bellhop_core::ids::SourceName;
use bellhop_core::period::{Range, intervals};
use bellhop_core::ports::{AnalyticsSource, PortResult, Sources};
use bellhop_core::{CommandError, PortError, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

pub(super) struct MemorySource {
    name: SourceName,
    pub events: Mutex<Vec<NewEvent>>,
}

impl Default for MemorySource {
    fn default() -> Self {
        Self { name: "events".into(), events: Mutex::default() }
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
}

fn text(value: Option<&serde_json::Value>) -> Option<String> {
    value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
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
        AnalyticsCapabilities { hourly: true, track: true, ..AnalyticsCapabilities::default() }
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
        let Query::Trend(trend) = query else { return Err(self.cannot("query", "it answers trends only")) };
        let all = self.events.lock().unwrap();
        let metric = if trend.metric == "page_views" { "page_view" } else { &trend.metric };
        if !all.iter().any(|event| event.event == metric) {
            return Err(PortError::not_found("analytics.events", "query", format!("`{metric}` was never seen")));
        }
        let fits = |event: &&NewEvent| {
            let kept = trend
                .filters
                .iter()
                .all(|f| (text(event.properties.get(&f.property)).as_deref() == Some(f.value.as_str())) == (f.op == Comparison::Is));
            event.event == metric && event.time >= trend.from && event.time < trend.to && kept
        };
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
        Ok(Answer { figures: Figures::Trend(figures), basis: Basis { complete, ..Basis::whole(self.name.clone(), trend.zone) } })
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
            Some("web") => Ok(Arc::new(MemorySource { name: "web".into(), events: Mutex::new(self.0.events.lock().unwrap().clone()) })),
            Some(other) => Err(CommandError::NotFound { what: "source", name: other.into(), nearest: None }),
        }
    }
    fn names(&self) -> Vec<SourceName> {
        vec!["events".into(), "web".into()]
    }
}
