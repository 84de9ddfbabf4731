//! How a file is cut into blocks: up to 50,000 of up to 4,000 MiB.
//! <https://learn.microsoft.com/azure/storage/blobs/scalability-targets>

const MIB: u64 = 1 << 20;
/// What is kept in memory whole and sent in one request; also the smallest block.
pub(crate) const SMALL: u64 = 8 * MIB;
/// The largest block that is kept in memory; larger ones pass through, or through a file.
pub(crate) const HELD: u64 = 16 * MIB;
/// What blocks in memory may take together, the one being filled included.
const MEMORY: u64 = 48 * MIB;
pub(crate) const MOST_BLOCKS: u64 = 50_000;
const LARGEST_BLOCK: u64 = 4000 * MIB;
/// The largest file.
pub(crate) const LARGEST: u64 = MOST_BLOCKS * LARGEST_BLOCK;
/// After so many blocks those of a file of unknown length grow.
const STEP: u32 = 5000;

/// The size of every block but the last of a file of this length.
pub(crate) fn block_size(total: u64) -> u64 {
    total.div_ceil(MOST_BLOCKS).next_multiple_of(MIB).max(SMALL)
}

/// How many blocks there are; an empty file has none, and counts as one.
pub(crate) fn blocks(total: u64, size: u64) -> u64 {
    total.div_ceil(size).max(1)
}

/// The size of a block of a file whose length isn't known: it doubles every five thousand blocks, so that the first tens of
/// gigabytes need little memory and the whole can have 38 TiB.
pub(crate) fn growing(number: u32) -> u64 {
    (SMALL << (number.saturating_sub(1) / STEP)).min(LARGEST_BLOCK)
}

/// How many blocks of this size may be on their way at once.
pub(crate) fn at_once(size: u64) -> usize {
    usize::try_from((MEMORY / size.max(1)).saturating_sub(1)).unwrap_or(4).clamp(1, 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_fits_into_the_blocks() {
        for total in [0, 1, SMALL, SMALL + 1, 400 << 30, (400 << 30) + 1, 5 << 40, LARGEST - 1, LARGEST] {
            let size = block_size(total);
            assert!((SMALL..=LARGEST_BLOCK).contains(&size) && blocks(total, size) <= MOST_BLOCKS, "{total}: {size}");
        }
        assert_eq!(block_size(300 << 30), SMALL);
        let unknown: u64 = (1..=50_000).map(growing).sum();
        assert!(unknown > 38 << 40 && growing(50_000) <= LARGEST_BLOCK, "{unknown}");
    }

    #[test]
    fn memory_is_bounded() {
        for size in [SMALL, 12 * MIB, HELD, HELD + 1, LARGEST_BLOCK] {
            assert!((1..=4).contains(&at_once(size)));
            assert!(size > HELD || (at_once(size) as u64 + 1) * size <= MEMORY);
        }
        assert_eq!((at_once(SMALL), at_once(HELD)), (4, 2));
    }
}
