//! Mixpanel as a source.

use crate::Ports;
use async_trait::async_trait;
use bellhop_core::analytics::{AnalyticsCapabilities, Answer, Metric, NewEvent, Query, Taken};
use bellhop_core::ids::SourceName;
use bellhop_core::ports::{AnalyticsSource, PortResult};
use serde::Deserialize;

/// The keys of `[analytics.NAME]` with `kind = "mixpanel"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixpanelConfig {}

/// The source.
pub struct Mixpanel {
    name: SourceName,
}

impl Mixpanel {
    /// A source named `name`. Nothing is asked yet.
    ///
    /// # Errors
    /// When the machine's TLS certificates can't be used.
    pub fn new(name: SourceName, _config: MixpanelConfig, _ports: Ports) -> PortResult<Self> {
        Ok(Self { name })
    }
}

#[async_trait]
impl AnalyticsSource for Mixpanel {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn capabilities(&self) -> AnalyticsCapabilities {
        AnalyticsCapabilities::default()
    }

    async fn metrics(&self) -> PortResult<Vec<Metric>> {
        Err(self.cannot("metrics", "it is not built yet"))
    }

    async fn properties(&self, _event: &str) -> PortResult<Vec<String>> {
        Err(self.cannot("properties", "it is not built yet"))
    }

    async fn query(&self, _query: &Query) -> PortResult<Answer> {
        Err(self.cannot("query", "it is not built yet"))
    }

    async fn track(&self, _events: Vec<NewEvent>) -> PortResult<Taken> {
        Err(self.cannot("track", "it is not built yet"))
    }
}
