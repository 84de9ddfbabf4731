//! Counts what is asked of sources, for `usage`. Counting never stops anyone.

use bellhop_core::analytics::Cost;
use bellhop_core::ids::SourceName;
use bellhop_store::{Store, UsageCount};

/// What is counted: calls and how many of them failed, by source.
pub const CALLS: &str = "source.calls";
/// Answers that were at hand, by source.
pub const KEPT: &str = "source.kept";
/// What answers cost, in thousandths, by source and unit.
pub const COST: &str = "source.cost";
/// Events that were sent on and those that were refused, by source.
pub const SENT: &str = "source.sent";

/// The counter of one source.
#[derive(Clone)]
pub struct Tally {
    store: Store,
    source: SourceName,
}

impl Tally {
    /// Of this source.
    #[must_use]
    pub fn new(store: Store, source: SourceName) -> Self {
        Self { store, source }
    }

    /// It was asked something.
    pub async fn call(&self, well: bool, cost: Option<&Cost>) {
        let outcome = if well { "done" } else { "failed" };
        metrics::counter!("bellhop_source_calls_total", "source" => self.source.to_string(), "outcome" => outcome).increment(1);
        let mut counts =
            vec![UsageCount { what: CALLS.into(), which: self.source.to_string(), done: i64::from(well), failed: i64::from(!well) }];
        if let Some(cost) = cost.filter(|cost| cost.spent.is_finite() && cost.spent.abs() < 1e12) {
            #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
            let thousandths = (cost.spent * 1000.0).round() as i64;
            counts.push(UsageCount { what: COST.into(), which: format!("{}/{}", self.source, cost.unit), done: thousandths, failed: 0 });
        }
        self.add(counts).await;
    }

    /// An answer was at hand.
    pub async fn kept(&self) {
        metrics::counter!("bellhop_source_kept_total", "source" => self.source.to_string()).increment(1);
        self.add(vec![UsageCount { what: KEPT.into(), which: self.source.to_string(), done: 1, failed: 0 }]).await;
    }

    async fn add(&self, counts: Vec<UsageCount>) {
        if let Err(error) = self.store.count_usage(counts).await {
            tracing::debug!(%error, source = %self.source, "what was asked can't be counted");
        }
    }
}
