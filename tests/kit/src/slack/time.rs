//! Identifiers and timestamps in the shape of the real ones.

pub(super) use crate::time::{Time, mix};
use bellhop_core::Timestamp;

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
