//! The vendors' adapters against the worlds of them: every method, every refusal, and what is kept between calls. It deliberately
//! knows nothing of the bot around the adapters.

#![cfg(test)]
#![expect(clippy::float_cmp, reason = "figures of whole numbers and halves, which are exact")]

mod amplitude;
mod ga4;
mod mixpanel;
mod throughout;

use bellhop_analytics::Ports;
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_kit::memory::MemoryRecords;
use std::sync::Arc;

/// The ports of a source, with a clock that a test moves.
fn ports() -> (Ports, Arc<StoppedClock>) {
    bellhop_kit::install_tls();
    let clock = Arc::new(StoppedClock::default());
    (Ports { records: Arc::new(MemoryRecords::default()), clock: clock.clone(), ids: Arc::new(CountedIds::default()) }, clock)
}
