//! The lanes of events as people see them.

use async_trait::async_trait;
use bellhop_core::clock::Clock;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::{Feed, Feeds, PortResult, RefusedEvent};
use bellhop_store::Store;
use std::sync::Arc;

/// The lanes of this database.
pub struct FeedBook {
    store: Store,
    clock: Arc<dyn Clock>,
    sinks: Vec<SourceName>,
}

impl FeedBook {
    /// With the services that the configuration says are fed.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, sinks: Vec<SourceName>) -> Self {
        Self { store, clock, sinks }
    }
}

#[async_trait]
impl Feeds for FeedBook {
    async fn feeds(&self) -> PortResult<Vec<Feed>> {
        let now = self.clock.now();
        let lanes = self.store.feed_lanes().await?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let mut feeds: Vec<Feed> = lanes
            .into_iter()
            .map(|lane| Feed {
                configured: self.sinks.contains(&lane.sink),
                waiting: count(lane.waiting),
                oldest: lane.oldest,
                refused: count(lane.refused),
                dropped: lane.dropped_at.map(|at| (count(lane.dropped), at)),
                rests: lane.error.filter(|_| lane.next_at > now && lane.waiting > 0).map(|why| (why, lane.next_at)),
                source: lane.sink,
            })
            .collect();
        let fresh = self.sinks.iter().filter(|sink| !feeds.iter().any(|feed| feed.source == **sink)).cloned().collect::<Vec<_>>();
        let untouched = |source| Feed { source, configured: true, waiting: 0, oldest: None, refused: 0, dropped: None, rests: None };
        feeds.extend(fresh.into_iter().map(untouched));
        feeds.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(feeds)
    }

    async fn refused(&self, source: Option<&SourceName>, limit: usize) -> PortResult<Vec<RefusedEvent>> {
        let events = self.store.refused_events(source, limit).await?;
        Ok(events.into_iter().map(|one| RefusedEvent { source: one.sink, event: one.event, reason: one.reason, at: one.at }).collect())
    }

    async fn again(&self, source: &SourceName) -> PortResult<u64> {
        self.store.resend_refused(source).await
    }
}
