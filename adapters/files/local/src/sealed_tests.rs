//! The form of sealed files: lengths, and what was done to one being noticed.

use super::*;
use proptest::prelude::*;

const KEY: [u8; 32] = [7; 32];

fn sealed(name: &str, content: &[u8], piece: usize) -> Vec<u8> {
    let header = Header::fresh([1; 8]).unwrap();
    let mut sealer = Sealer::begin(Vec::new(), Cipher::new(&KEY, &header, name), &header).unwrap();
    for piece in content.chunks(piece.max(1)) {
        sealer.write(piece).unwrap();
    }
    sealer.finish().unwrap()
}

/// Opens all of it; `None` where anything is not as it was written.
fn opened(name: &str, key: &[u8; 32], disk: &[u8]) -> Option<Vec<u8>> {
    let header = Header::read(disk, disk.len() as u64)?;
    let cipher = Cipher::new(key, &header, name);
    let count = chunks(content_size(disk.len() as u64)?);
    let mut content = Vec::new();
    for (number, chunk) in disk[64..].chunks(size_of_chunk()).enumerate() {
        let mut chunk = chunk.to_vec();
        cipher.open(u32::try_from(number).unwrap(), number as u64 + 1 == count, &mut chunk).ok()?;
        content.extend(chunk);
    }
    Some(content)
}

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

#[test]
fn content_of_every_length_comes_back() {
    for size in [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000] {
        let disk = sealed("a", &content(size), 10_007);
        assert_eq!(disk.len() as u64, disk_size(size as u64), "{size}");
        assert_eq!(content_size(disk.len() as u64), Some(size as u64));
        assert_eq!(opened("a", &KEY, &disk).unwrap(), content(size), "{size}");
        assert!(opened("b", &KEY, &disk).is_none(), "under another name");
        assert!(opened("a", &[8; 32], &disk).is_none(), "with another key");
    }
    let (one, two) = (sealed("a", b"same", 9), sealed("a", b"same", 9));
    assert_ne!(one, two, "nobody sees that two files are the same");
}

#[test]
fn chunks_can_be_neither_cut_off_nor_moved() {
    let disk = sealed("a", &content(200_000), 4096);
    let chunk = size_of_chunk();
    for kept in 0..disk.len() {
        if (kept % 997 == 0 || (kept.max(64) - 64).is_multiple_of(chunk)) && kept != disk.len() {
            assert!(opened("a", &KEY, &disk[..kept]).is_none(), "cut at {kept}");
        }
    }
    let mut swapped = disk.clone();
    let (first, rest) = swapped[64..].split_at_mut(chunk);
    first.swap_with_slice(&mut rest[..chunk]);
    assert!(opened("a", &KEY, &swapped).is_none(), "two chunks in each other's place");
    let other = sealed("a", &content(200_000), 4096);
    let mut mixed = disk.clone();
    mixed[64..64 + chunk].copy_from_slice(&other[64..64 + chunk]);
    assert!(opened("a", &KEY, &mixed).is_none(), "a chunk of another file with the same content");
    let mut longer = disk;
    longer.extend_from_slice(&other[64..64 + chunk]);
    assert!(opened("a", &KEY, &longer).is_none(), "a chunk more");
}

#[test]
fn ordinary_files_are_not_taken_for_sealed_ones() {
    assert!(Header::read(b"bellhop sealed 1", 16).is_none());
    assert!(Header::read(&[0; 64], 80).is_none());
    let mut like = [0_u8; 79];
    like[..16].copy_from_slice(MAGIC);
    assert!(Header::read(&like, 79).is_none(), "too short for the last chunk's tag");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lengths_go_both_ways(content in 0_u64..(1 << 48)) {
        prop_assert_eq!(content_size(disk_size(content)), Some(content));
    }

    #[test]
    fn every_changed_byte_is_noticed(size in 0_usize..70_000, at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut disk = sealed("a", &content(size), 50_000);
        let at = at.index(disk.len());
        disk[at] ^= 1 << bit;
        prop_assert!(opened("a", &KEY, &disk).is_none());
    }
}
