//! The world's time: the machine's, a quick one, or any clock that a test moves. Nothing else of the world reads a clock.

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
pub(super) struct Time(pub Arc<dyn Clock>);

impl Time {
    pub(super) fn now(&self) -> Timestamp {
        self.0.now()
    }

    pub(super) fn seconds(&self) -> i64 {
        self.now().timestamp()
    }

    /// Lets this much of the world's time pass. A clock that stands is looked at again and again.
    pub(super) async fn pass(&self, span: Duration) {
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
pub(super) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Identifiers in the shape of the real ones: a letter and ten characters, never the same twice.
#[derive(Debug, Default)]
pub(super) struct IdSource {
    last: u64,
    last_ts: i64,
}

impl IdSource {
    /// `C0…`: the mark, a zero, nine characters of `A-Z0-9`, of which the last four count.
    pub(super) fn id(&mut self, mark: &str) -> String {
        self.last += 1;
        format!("{mark}0{}{}", letters(mix(self.last), 5), letters(self.last, 4))
    }

    /// Something long that nobody guesses by counting.
    pub(super) fn secret(&mut self) -> String {
        self.last += 1;
        format!("{:016x}{:016x}", mix(self.last), mix(self.last ^ 0x5_1ac4))
    }

    /// A number.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        100_000_000_000 + self.last
    }

    /// A timestamp that no other message has: `1793620800.000100`.
    pub(super) fn ts(&mut self, now: Timestamp) -> String {
        self.last_ts = now.timestamp_micros().max(self.last_ts + 1);
        format!("{}.{:06}", self.last_ts / 1_000_000, self.last_ts % 1_000_000)
    }
}

fn letters(mut number: u64, count: usize) -> String {
    const LETTERS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut text = vec![b'0'; count];
    for place in text.iter_mut().rev() {
        *place = LETTERS[usize::try_from(number % 36).unwrap_or_default()];
        number /= 36;
    }
    String::from_utf8_lossy(&text).into_owned()
}
