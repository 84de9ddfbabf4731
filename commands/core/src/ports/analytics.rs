//! A source of analytics.

use super::PortResult;
use crate::analytics::{Frame, Metric, NewEvent, Query, Taken};
use crate::error::CommandError;
use crate::ids::SourceName;
use async_trait::async_trait;
use std::sync::Arc;

/// Something that counts what people do.
#[async_trait]
pub trait AnalyticsSource: Send + Sync {
    /// The configured name.
    fn name(&self) -> &SourceName;

    /// What can be asked for, for completion and did-you-mean: event names and built-in metrics.
    async fn metrics(&self) -> PortResult<Vec<Metric>>;

    /// Names of properties that `event` has had, for completion.
    async fn properties(&self, event: &str) -> PortResult<Vec<String>>;

    /// Answers a question. A metric that the source has never seen is `NotFound`, never a row of zeros. Every interval
    /// of the period has its row, empty ones with zero.
    async fn query(&self, query: &Query) -> PortResult<Frame>;

    /// Takes events in. Each is taken once: an `insert_id` that was seen before is a duplicate. One bad event doesn't
    /// hold up the others.
    async fn track(&self, events: Vec<NewEvent>) -> PortResult<Taken>;
}

/// The configured sources.
pub trait Sources: Send + Sync {
    /// A source by its name, or the default one.
    ///
    /// # Errors
    /// `NotFound` with the nearest name.
    fn source(&self, name: Option<&SourceName>) -> Result<Arc<dyn AnalyticsSource>, CommandError>;

    /// Their names, the default one first.
    fn names(&self) -> Vec<SourceName>;
}
