//! A source of analytics that answers what a test says, and counts how often it is asked.

use async_trait::async_trait;
use bellhop_core::analytics::{
    AnalyticsCapabilities, Answer, Basis, Cost, Figures, Measure, Metric, MetricKind, NewEvent, Query, Refused, Taken, Trend, TrendFigures,
};
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ids::SourceName;
use bellhop_core::ports::{AnalyticsSource, PortResult};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

pub struct SourceDouble {
    name: SourceName,
    counts_twice: bool,
    /// How often it was asked a question.
    pub asked: Mutex<u32>,
    pub listed: Mutex<u32>,
    /// What the next calls fail with.
    pub fails: Mutex<VecDeque<PortError>>,
    /// Every call takes a permit.
    pub gate: Semaphore,
    /// The batches that it was sent.
    pub batches: Mutex<Vec<Vec<NewEvent>>>,
    /// A batch with an event of this name is refused as a whole, and alone too.
    pub poison: Mutex<Option<String>>,
}

impl SourceDouble {
    pub fn new(name: &str) -> Arc<Self> {
        Arc::new(Self::plain(name))
    }

    pub fn counting_twice(name: &str) -> Arc<Self> {
        Arc::new(Self { counts_twice: true, ..Self::plain(name) })
    }

    fn plain(name: &str) -> Self {
        Self {
            name: name.into(),
            counts_twice: false,
            asked: Mutex::default(),
            listed: Mutex::default(),
            fails: Mutex::default(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS / 2),
            batches: Mutex::default(),
            poison: Mutex::default(),
        }
    }

    /// Holds every call back until [`SourceDouble::open`].
    pub fn shut(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub fn open(&self) {
        self.gate.add_permits(1_000_000);
    }

    pub fn fail(&self, error: PortError) {
        self.fails.lock().unwrap().push_back(error);
    }

    pub fn asked(&self) -> u32 {
        *self.asked.lock().unwrap()
    }

    /// The ids of what it has, in the order in which they came, each once.
    pub fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for event in self.batches.lock().unwrap().iter().flatten() {
            if !ids.contains(&event.insert_id) {
                ids.push(event.insert_id.clone());
            }
        }
        ids
    }

    async fn turn(&self) -> PortResult<()> {
        self.gate.acquire().await.unwrap().forget();
        let failed = self.fails.lock().unwrap().pop_front();
        failed.map_or(Ok(()), Err)
    }
}

pub fn error(kind: PortErrorKind, text: &str) -> PortError {
    PortError::new(kind, "analytics.web", "query", text)
}

pub fn trend(from: &str, to: &str) -> Query {
    Query::Trend(Trend {
        metric: "signup".into(),
        measure: Measure::Count,
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        zone: chrono_tz::UTC,
        interval: None,
        by: None,
        filters: vec![],
    })
}

pub fn event(id: &str, name: &str, who: &str, time: bellhop_core::Timestamp) -> NewEvent {
    NewEvent { event: name.into(), distinct_id: who.into(), time, insert_id: id.into(), properties: BTreeMap::new() }
}

#[async_trait]
impl AnalyticsSource for SourceDouble {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn capabilities(&self) -> AnalyticsCapabilities {
        AnalyticsCapabilities { hourly: true, track: true, counts_twice: self.counts_twice, ..AnalyticsCapabilities::default() }
    }

    async fn metrics(&self) -> PortResult<Vec<Metric>> {
        *self.listed.lock().unwrap() += 1;
        self.turn().await?;
        Ok(vec![Metric { name: "signup".into(), about: "an event".into(), kind: MetricKind::Event }])
    }

    async fn properties(&self, event: &str) -> PortResult<Vec<String>> {
        *self.listed.lock().unwrap() += 1;
        self.turn().await?;
        Ok(vec![format!("{event}_plan")])
    }

    async fn query(&self, _: &Query) -> PortResult<Answer> {
        let asked = {
            let mut asked = self.asked.lock().unwrap();
            *asked += 1;
            *asked
        };
        self.turn().await?;
        let figures = TrendFigures { rows: vec![], unit: String::new(), total: f64::from(asked) };
        let cost = Some(Cost { spent: 2.5, left: Some(97.5), unit: "tokens".into() });
        Ok(Answer { figures: Figures::Trend(figures), basis: Basis { cost, ..Basis::whole(self.name.clone(), chrono_tz::UTC) } })
    }

    async fn track(&self, events: Vec<NewEvent>) -> PortResult<Taken> {
        self.turn().await?;
        if let Some(poison) = self.poison.lock().unwrap().as_ref()
            && events.iter().any(|event| event.event == *poison)
        {
            return Err(error(PortErrorKind::Invalid, "one of them makes no sense"));
        }
        let bad = events.iter().enumerate().filter(|(_, event)| event.event == "bad");
        let refused: Vec<Refused> = bad.map(|(index, _)| Refused { index, reason: "its name is reserved".into() }).collect();
        let kept: Vec<NewEvent> = events.into_iter().filter(|event| event.event != "bad").collect();
        let taken = kept.len();
        self.batches.lock().unwrap().push(kept);
        Ok(Taken { taken, duplicates: 0, refused })
    }
}
