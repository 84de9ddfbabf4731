//! Analytics services as sources: each a module of its own, all speaking REST through the one HTTP client of the house.
//!
//! What is said here is what a service counts. That the same question is asked once, that answers are kept for a while, and
//! that events are sent on durably is the bot's, whatever the source.

pub mod amplitude;
pub mod ga4;
pub mod mixpanel;
mod periods;
mod turns;

use bellhop_core::clock::{Clock, Ids};
use bellhop_core::ports::Records;
use std::sync::Arc;

/// What sources are built from.
#[derive(Clone)]
pub struct Ports {
    /// Where allowances are kept, so that a restart and other replicas know what was spent.
    pub records: Arc<dyn Records>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh identifiers.
    pub ids: Arc<dyn Ids>,
}
