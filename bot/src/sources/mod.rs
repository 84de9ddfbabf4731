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
use bellhop_store::{Events, Store};
use std::sync::Arc;

pub use directory::SourceDirectory;
pub use feeder::{FeedPace, Feeder};
pub use feeds::FeedBook;
pub use kept::{Kept, Patience};
pub use own_use::OwnUse;
pub use rest::resting;
pub use tally::{CALLS, COST, KEPT, SENT, Tally};

/// The sources of a bot, built.
pub struct Gathered {
    /// Own events, which feed the services that are to be fed.
    pub events: Arc<Events>,
    /// What commands ask: own events first, and the services behind what keeps their answers.
    pub sources: Arc<SourceDirectory>,
    /// The services themselves.
    pub services: Vec<Arc<dyn AnalyticsSource>>,
    /// What is fed: own events first, with the bot's own use. There is nothing in between: lanes keep their own accounts.
    pub fed: Vec<Arc<dyn AnalyticsSource>>,
    /// The lanes as people see them.
    pub feeds: Arc<FeedBook>,
    /// Whether the bot's own use is noted.
    pub own_use: OwnUse,
}

/// Builds them.
#[must_use]
pub fn gather(analytics: Analytics, store: &Store, clock: &Arc<dyn Clock>, patience: Patience) -> Gathered {
    let Analytics { services, fed: names, own_use } = analytics;
    let events = Arc::new(Events::new(store.clone()).feeding(names.iter().cloned()));
    let own: Arc<dyn AnalyticsSource> = events.clone();
    let kept = |service: &Arc<dyn AnalyticsSource>| -> Arc<dyn AnalyticsSource> {
        Arc::new(Kept::new(service.clone(), store, clock.clone(), patience))
    };
    let sources = Arc::new(SourceDirectory([own.clone()].into_iter().chain(services.iter().map(kept)).collect()));
    let fed = services.iter().filter(|service| names.contains(service.name())).cloned();
    Gathered {
        fed: [own].into_iter().chain(fed).collect(),
        feeds: Arc::new(FeedBook::new(store.clone(), clock.clone(), names)),
        own_use: OwnUse::new(own_use),
        events,
        sources,
        services,
    }
}
