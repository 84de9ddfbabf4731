//! How a file is cut into parts. S3 takes 10,000 parts of 5 MiB to 5 GiB, the last one of any size.

use std::time::Duration;

const MIB: u64 = 1 << 20;
/// How long bytes may fail to come while someone waits for them.
const SILENCE: Duration = Duration::from_mins(1);
/// What is kept in memory whole and sent in one request; also the smallest part.
pub(crate) const SMALL: u64 = 8 * MIB;
/// The largest part that is kept in memory; larger ones pass through, or through a file.
pub(crate) const HELD: u64 = 16 * MIB;
/// How many of them are on their way at most: as many bytes as other clients send at once.
const MOST_AT_ONCE: usize = 3;
/// What parts in memory may take together, the one being filled included.
pub(crate) const MEMORY: u64 = 64 * MIB;
/// What parts that are sent one by one may take together, in MiB.
pub(crate) const HALL_MIB: u32 = 32;
pub(crate) const MOST_PARTS: u64 = 10_000;
const LARGEST_PART: u64 = 5 << 30;
/// The largest file.
pub(crate) const LARGEST: u64 = MOST_PARTS * LARGEST_PART;
/// The largest copy in one request.
pub(crate) const COPY_AT_ONCE: u64 = 5_000_000_000;
/// The smallest part of a copy: nothing of it comes through here.
pub(crate) const COPY_PART: u64 = 256 * MIB;
/// After so many parts those of a file of unknown length grow.
const STEP: u32 = 1000;

/// The sizes and times that a store goes by; tests choose small ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// The largest part that is kept in memory.
    pub held: u64,
    pub copy_at_once: u64,
    pub copy_part: u64,
    /// How long bytes may fail to come while someone waits for them.
    pub silence: Duration,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { held: HELD, copy_at_once: COPY_AT_ONCE, copy_part: COPY_PART, silence: SILENCE }
    }
}

/// The size of every part but the last of a file of this length, at least `least`.
pub(crate) fn part_size(total: u64, least: u64) -> u64 {
    total.div_ceil(MOST_PARTS).next_multiple_of(MIB).max(least)
}

/// How many parts there are.
pub(crate) fn parts(total: u64, size: u64) -> u64 {
    total.div_ceil(size).max(1)
}

/// The size of a part of a file whose length isn't known: it doubles every thousand parts, so that ten thousand hold over
/// 7 TiB and the first gigabytes need little memory.
pub(crate) fn growing(number: u32) -> u64 {
    SMALL << (number.saturating_sub(1) / STEP).min(9)
}

/// How many parts of this size may be on their way at once.
pub(crate) fn at_once(size: u64) -> usize {
    usize::try_from((MEMORY / size.max(1)).saturating_sub(1)).unwrap_or(MOST_AT_ONCE).clamp(1, MOST_AT_ONCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_fits_into_the_parts() {
        for total in [0, 1, SMALL, SMALL + 1, 78 << 30, (78 << 30) + (1 << 29), 5 << 40, LARGEST] {
            let size = part_size(total, SMALL);
            assert!((SMALL..=LARGEST_PART).contains(&size) && parts(total, size) <= MOST_PARTS, "{total}: {size}");
        }
        assert_eq!((part_size(1 << 30, SMALL), parts(1 << 30, SMALL), parts(0, SMALL)), (SMALL, 128, 1));
    }

    #[test]
    fn without_a_length_ten_thousand_parts_hold_over_five_terabytes() {
        let all: u64 = (1..=10_000).map(growing).sum();
        assert!(all > 5 << 40, "{all}");
        assert!((1..=10_000).map(growing).all(|size| (SMALL..=LARGEST_PART).contains(&size)));
        assert_eq!((growing(1), growing(1000), growing(1001)), (SMALL, SMALL, 2 * SMALL));
    }

    #[test]
    fn memory_has_a_limit() {
        for size in [SMALL, HELD] {
            assert!((at_once(size) as u64 + 1) * size <= MEMORY + size, "{size}");
        }
        assert_eq!((at_once(SMALL), at_once(HELD), at_once(1 << 30)), (3, 3, 1));
    }
}
