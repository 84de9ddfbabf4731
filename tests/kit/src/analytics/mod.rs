//! Worlds of the services that count what people do: Google Analytics 4, Mixpanel and Amplitude, each a server on loopback that
//! keeps raw events and computes every answer from them, so that any question has a known answer. What a service's documentation
//! refuses is refused: credentials, shapes, fields that it doesn't know, limits, allowances.
//!
//! They deliberately don't sample, don't delay and forget nothing: what is late or missing at a service is ordered by a test.

pub mod amplitude;
mod desk;
pub mod ga4;
mod history;
pub mod mixpanel;

pub use crate::machine::MachineClock;
pub use desk::{Call, Desk, Hold, Reply, Vendor};
pub use history::{Happened, History};

use bellhop_core::Timestamp;

/// What a world answers to a question, or the words of its refusal.
type Told = Result<serde_json::Value, String>;

/// A moment as it is written; the beginning of time where that is none.
#[must_use]
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_default()
}

/// A whole number of people or events as a figure.
#[expect(clippy::cast_precision_loss, reason = "the worlds have few people and events")]
const fn figure(count: usize) -> f64 {
    count as f64
}
