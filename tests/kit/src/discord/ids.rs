//! Snowflakes and secrets in the shape of the real ones.

use crate::time::mix;
use bellhop_core::Timestamp;

/// Discord's first second, in milliseconds: 2015-01-01.
const EPOCH: i64 = 1_420_070_400_000;

/// An id as Discord makes it: inside a number, in JSON a string.
pub(super) type Id = u64;

/// The moment at which an id was made, in milliseconds.
pub(super) fn made(id: Id) -> i64 {
    i64::try_from(id >> 22).unwrap_or(i64::MAX) + EPOCH
}

/// Identifiers, never the same twice, and each higher than the one before.
#[derive(Debug, Default)]
pub(super) struct IdSource {
    last: Id,
    secrets: u64,
}

impl IdSource {
    pub(super) fn id(&mut self, now: Timestamp) -> Id {
        let millis = u64::try_from(now.timestamp_millis() - EPOCH).unwrap_or(0);
        self.last = (millis << 22).max(self.last + 1);
        self.last
    }

    /// Something long that nobody guesses by counting.
    pub(super) fn secret(&mut self) -> String {
        self.secrets += 1;
        format!("{:016x}{:016x}", mix(self.secrets ^ 0xd15c), mix(self.secrets ^ 0x05d1))
    }

    /// The seed of a key.
    pub(super) fn seed(&mut self) -> [u8; 32] {
        self.secrets += 1;
        let mut seed = [0; 32];
        for (n, part) in (0..).zip(seed.chunks_mut(8)) {
            part.copy_from_slice(&mix(self.secrets * 4 + n).to_be_bytes());
        }
        seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_and_tell_when_they_were_made() {
        let mut ids = IdSource::default();
        let now = Timestamp::from_timestamp_millis(1_793_620_800_123).unwrap();
        let (one, other) = (ids.id(now), ids.id(now));
        assert!(other > one);
        assert_eq!(made(one), 1_793_620_800_123);
        // The vendor's example: https://docs.discord.com/developers/reference#snowflakes
        assert_eq!(made(175_928_847_299_117_063), 1_462_015_105_796);
    }
}
