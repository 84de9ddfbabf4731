//! The form: what is sealed opens, and nothing that was changed, moved or cut does.

use super::stream::{CHUNK, open, seal, sealed_length};
use super::*;
use bellhop_core::ports::ByteStream;
use bytes::Bytes;
use futures::TryStreamExt as _;
use futures::executor::block_on;

const KEY: [u8; 32] = [7; 32];

fn stream(bytes: &[u8], piece: usize) -> ByteStream {
    let pieces: Vec<PortResult<Bytes>> = bytes.chunks(piece.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Box::pin(futures::stream::iter(pieces))
}

fn all(stream: ByteStream) -> PortResult<Vec<u8>> {
    block_on(stream.try_collect::<Vec<Bytes>>()).map(|pieces| pieces.concat())
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

#[test]
fn content_of_every_length_comes_back() {
    for length in [0, 1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17] {
        for piece in [1 << 20, 1000] {
            let sealed = all(seal(&KEY, stream(&content(length), piece)).unwrap()).unwrap();
            assert_eq!(sealed.len() as u64, sealed_length(length as u64), "{length}");
            assert_eq!(all(open(&KEY, stream(&sealed, piece))).unwrap(), content(length), "{length}");
            assert!(all(open(&[8; 32], stream(&sealed, piece))).is_err(), "{length}: another key");
        }
    }
}

#[test]
fn chunks_can_be_neither_moved_nor_left_out_nor_cut_off() {
    let sealed = all(seal(&KEY, stream(&content(4 * CHUNK), 1 << 20)).unwrap()).unwrap();
    let (head, body) = sealed.split_at(23);
    let chunks: Vec<&[u8]> = body.chunks(CHUNK + 16).collect();
    let opens = |order: &[usize]| {
        all(open(&KEY, stream(&[head.to_vec(), order.iter().flat_map(|at| chunks[*at].to_vec()).collect()].concat(), 1 << 20)))
    };
    assert_eq!(opens(&[0, 1, 2, 3]).unwrap(), content(4 * CHUNK));
    for wrong in [&[0, 1, 2][..], &[0, 1], &[0], &[], &[1, 0, 2, 3], &[0, 2, 3], &[0, 1, 1, 2, 3], &[0, 1, 2, 3, 3], &[3]] {
        assert_eq!(opens(wrong).unwrap_err().kind, PortErrorKind::Broken, "{wrong:?}");
    }
    for cut in [0, 1, 22, 23, 24, 23 + CHUNK, 23 + CHUNK + 15, sealed.len() - 1] {
        assert_eq!(all(open(&KEY, stream(&sealed[..cut], 1 << 20))).unwrap_err().kind, PortErrorKind::Broken, "cut at {cut}");
    }
    assert!(all(open(&KEY, stream(&[&sealed[..], b"x"].concat(), 1 << 20))).is_err());
}

/// The form as docs/backup.md describes it, opened by hand: a later version must read what this one writes.
#[test]
fn the_form_is_the_one_that_is_described() {
    use chacha20poly1305::aead::{Aead as _, KeyInit as _};
    let sealed = all(seal(&KEY, stream(&content(CHUNK + 5), 1 << 20)).unwrap()).unwrap();
    assert_eq!(&sealed[..4], b"BHB1");
    let cipher = chacha20poly1305::XChaCha20Poly1305::new((&KEY).into());
    let opened = |number: u32, last: u8, chunk: &[u8]| {
        let nonce = [&sealed[4..23], &number.to_be_bytes(), &[last]].concat();
        cipher.decrypt(&chacha20poly1305::XNonce::try_from(&nonce[..]).unwrap(), chunk).unwrap()
    };
    assert_eq!(opened(0, 0, &sealed[23..23 + CHUNK + 16]), content(CHUNK));
    assert_eq!(opened(1, 1, &sealed[23 + CHUNK + 16..]), content(CHUNK + 5)[CHUNK..]);
}

#[test]
fn runs_are_told_from_other_folders() {
    let run = fresh_run("2026-11-23T10:30:00Z".parse().unwrap()).unwrap();
    assert!(run.starts_with("20261123T103000Z-") && is_run(&run), "{run}");
    for other in ["", "latest", "20261123T103000Z", "20261123T103000Z-ABCDEF", "20261123T103000Z-abcdef0", "2026-11-23T10:30:00Z-a"] {
        assert!(!is_run(other), "{other}");
    }
}
