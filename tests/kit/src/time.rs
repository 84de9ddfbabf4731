//! The worlds' time: the machine's, a quick one, or any clock that a test moves. Nothing else of a world reads a clock.

use crate::machine::MachineClock;
use bellhop_core::{Clock, Timestamp};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time that begins at the machine's and passes `factor` times as fast. Give the bot the same one.
#[derive(Clone, Copy, Debug)]
pub struct QuickClock {
    start: Timestamp,
    since: Instant,
    factor: u32,
}

impl QuickClock {
    /// Begins now.
    #[must_use]
    pub fn new(factor: u32) -> Self {
        Self { start: MachineClock.now(), since: Instant::now(), factor }
    }
}

impl Clock for QuickClock {
    fn now(&self) -> Timestamp {
        self.start + self.since.elapsed() * self.factor
    }
}

/// The clock with what the world asks of it.
#[derive(Clone)]
pub(crate) struct Time(pub Arc<dyn Clock>);

impl Time {
    pub(crate) fn now(&self) -> Timestamp {
        self.0.now()
    }

    pub(crate) fn seconds(&self) -> i64 {
        self.now().timestamp()
    }

    /// Lets this much of the world's time pass. A clock that stands is looked at again and again.
    pub(crate) async fn pass(&self, span: Duration) {
        let end = self.now() + span;
        loop {
            let Ok(left) = (end - self.now()).to_std() else { return };
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.clamp(Duration::from_millis(1), Duration::from_millis(20))).await;
        }
    }
}

impl std::fmt::Debug for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Time({})", self.now())
    }
}

/// A number that looks drawn by chance, always the same for the same input (splitmix64).
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
