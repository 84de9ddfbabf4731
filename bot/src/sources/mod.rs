//! What stands between the commands and the services that count: one question is asked once, answers are kept for as long as
//! they are good, a service that is out of quota is left alone ([`Kept`]); and what own events take in is sent on to the
//! services that are to be fed with it ([`Feeder`]), the bot's own use too where that is wanted ([`OwnUse`]).
//!
//! What is asked is the commands' business, how it is asked the adapters'. Own events are local: they are asked directly.

mod answers;
mod directory;
mod feeder;
mod feeds;
mod flights;
mod freshness;
mod kept;
mod own_use;
mod parcel;
mod rest;
mod tally;

use crate::wiring::Analytics;
use bellhop_core::clock::Clock;
use bellhop_core::ports::AnalyticsSource;
use bellhop_store::Store;
use std::sync::Arc;

pub use directory::SourceDirectory;
pub use feeder::{FeedPace, Feeder};
pub use feeds::FeedBook;
pub use kept::{Kept, Patience};
pub use own_use::OwnUse;
pub use rest::resting;
pub use tally::{CALLS, COST, KEPT, SENT, Tally};

/// What commands ask, own events first and the services behind what keeps their answers; and what is fed with events, own events
/// first, with nothing in between: lanes keep their own accounts.
#[must_use]
pub fn gather(
    own: Arc<dyn AnalyticsSource>,
    analytics: &Analytics,
    store: &Store,
    clock: &Arc<dyn Clock>,
    patience: Patience,
) -> (SourceDirectory, Vec<Arc<dyn AnalyticsSource>>) {
    let kept = |service: &Arc<dyn AnalyticsSource>| -> Arc<dyn AnalyticsSource> {
        Arc::new(Kept::new(service.clone(), store, clock.clone(), patience))
    };
    let fed = analytics.services.iter().filter(|service| analytics.fed.contains(service.name())).cloned();
    let fed = [own.clone()].into_iter().chain(fed).collect();
    (SourceDirectory([own].into_iter().chain(analytics.services.iter().map(kept)).collect()), fed)
}
