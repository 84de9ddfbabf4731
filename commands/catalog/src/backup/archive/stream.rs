//! Bytes on their way into and out of a backup: sealed, opened, summed and watched, in constant memory.
//!
//! A sealed object is `BHB1`, 19 random bytes, and chunks of 64 KiB of content, the last one shorter or as long, each followed by
//! its tag of 16 bytes: XChaCha20-Poly1305 in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015;
//! <https://eprint.iacr.org/2015/189>). A chunk's nonce is the 19 bytes, its number as four bytes, the greatest first, and a byte
//! that is 1 for the last chunk and 0 for others: chunks can be neither moved, nor left out, nor cut off at the end.

use super::{damaged, failed, fill};
use crate::backup::book::Beat;
use bellhop_core::card::Progress;
use bellhop_core::error::PortErrorKind;
use bellhop_core::ports::{ByteStream, PortResult, Stop};
use bytes::{Bytes, BytesMut};
use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Content in one chunk.
pub(crate) const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const MAGIC: &[u8; 4] = b"BHB1";
const PREFIX: usize = 19;
const HEAD: usize = MAGIC.len() + PREFIX;
/// How many bytes pass between two words about them.
const STEP: u64 = 512 << 10;

/// How long an object is whose content has this length.
pub(crate) fn sealed_length(content: u64) -> u64 {
    let chunks = content.div_ceil(CHUNK as u64).max(1);
    content + chunks * TAG as u64 + HEAD as u64
}

fn nonce(prefix: &[u8; PREFIX], number: u32, last: bool) -> PortResult<XNonce> {
    let mut nonce = [0_u8; 24];
    nonce[..PREFIX].copy_from_slice(prefix);
    nonce[PREFIX..PREFIX + 4].copy_from_slice(&number.to_be_bytes());
    nonce[PREFIX + 4] = u8::from(last);
    XNonce::try_from(&nonce[..]).map_err(|_| failed(PortErrorKind::Broken, "seal", "the nonce has another length"))
}

/// Bytes in pieces of a given length, the last one known as such.
struct Pieces {
    bytes: ByteStream,
    buffer: BytesMut,
    ended: bool,
}

impl Pieces {
    fn new(bytes: ByteStream) -> Self {
        Self { bytes, buffer: BytesMut::new(), ended: false }
    }

    /// Reads until there are more than `length` bytes, or no more come.
    async fn fill(&mut self, length: usize) -> PortResult<()> {
        while !self.ended && self.buffer.len() <= length {
            match self.bytes.try_next().await? {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None => self.ended = true,
            }
        }
        Ok(())
    }

    /// The next piece, and whether it is the last.
    async fn next(&mut self, length: usize) -> PortResult<(BytesMut, bool)> {
        self.fill(length).await?;
        let last = self.buffer.len() <= length;
        let piece = self.buffer.split_to(length.min(self.buffer.len()));
        Ok((piece, last))
    }
}

struct Sealing {
    cipher: XChaCha20Poly1305,
    prefix: [u8; PREFIX],
    /// `None` before the first chunk.
    next: Option<u32>,
    done: bool,
    pieces: Pieces,
}

/// The sealed form of what passes.
pub(crate) fn seal(key: &[u8; 32], bytes: ByteStream) -> PortResult<ByteStream> {
    let mut prefix = [0_u8; PREFIX];
    fill(&mut prefix)?;
    let state = Sealing { cipher: XChaCha20Poly1305::new(key.into()), prefix, next: None, done: false, pieces: Pieces::new(bytes) };
    Ok(Box::pin(futures::stream::try_unfold(state, |mut state| async move {
        if state.done {
            return Ok(None);
        }
        let Some(number) = state.next else {
            state.next = Some(0);
            return Ok(Some((Bytes::from([&MAGIC[..], &state.prefix[..]].concat()), state)));
        };
        let (piece, last) = state.pieces.next(CHUNK).await?;
        let nonce = nonce(&state.prefix, number, last)?;
        let too_large = || failed(PortErrorKind::TooLarge, "seal", "a file over 256 TiB can't be backed up");
        let sealed = state.cipher.encrypt(&nonce, &piece[..]).map_err(|_| too_large())?;
        state.done = last;
        state.next = Some(if last { number } else { number.checked_add(1).ok_or_else(too_large)? });
        Ok(Some((sealed.into(), state)))
    })))
}

/// The content of a sealed object.
pub(crate) fn open(key: &[u8; 32], bytes: ByteStream) -> ByteStream {
    let state =
        Sealing { cipher: XChaCha20Poly1305::new(key.into()), prefix: [0; PREFIX], next: None, done: false, pieces: Pieces::new(bytes) };
    Box::pin(futures::stream::try_unfold(state, |mut state| async move {
        if state.done {
            return Ok(None);
        }
        let number = if let Some(number) = state.next {
            number
        } else {
            state.pieces.fill(HEAD).await?;
            if state.pieces.buffer.len() <= HEAD || state.pieces.buffer[..MAGIC.len()] != MAGIC[..] {
                return Err(damaged("it doesn't begin as a sealed object does"));
            }
            let head = state.pieces.buffer.split_to(HEAD);
            state.prefix.copy_from_slice(&head[MAGIC.len()..]);
            0
        };
        let (piece, last) = state.pieces.next(CHUNK + TAG).await?;
        let nonce = nonce(&state.prefix, number, last)?;
        let opened = state.cipher.decrypt(&nonce, &piece[..]);
        let opened =
            opened.map_err(|_| damaged(format!("it was changed or cut off at byte {} or after", u64::from(number) * CHUNK as u64)))?;
        state.done = last;
        state.next = Some(number.wrapping_add(1));
        Ok(Some((opened.into(), state)))
    }))
}

/// The length and SHA-256 of what passed.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<(u64, Sha256)>>);

impl Tally {
    pub fn tap(&self, bytes: ByteStream) -> ByteStream {
        let tally = self.clone();
        Box::pin(bytes.inspect_ok(move |piece| {
            let mut tally = tally.0.lock().unwrap_or_else(PoisonError::into_inner);
            tally.0 += piece.len() as u64;
            tally.1.update(piece);
        }))
    }

    pub fn read(&self) -> (u64, String) {
        let tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (tally.0, hex::encode(tally.1.clone().finalize()))
    }
}

/// Says how far a long thing is, and ends it when that is asked.
pub struct Watch {
    what: String,
    total: Option<u64>,
    done: AtomicU64,
    said: AtomicU64,
    progress: Arc<dyn Fn(Progress) + Send + Sync>,
    stop: Stop,
    beat: Option<Beat>,
}

impl Watch {
    /// A watch over bytes of which there are `total` where that is known.
    pub fn new(what: impl Into<String>, total: Option<u64>, progress: Arc<dyn Fn(Progress) + Send + Sync>, stop: Stop) -> Arc<Self> {
        Self::beating(what, total, progress, stop, None)
    }

    /// The same, which also says from time to time that it lives.
    pub(crate) fn beating(
        what: impl Into<String>,
        total: Option<u64>,
        progress: Arc<dyn Fn(Progress) + Send + Sync>,
        stop: Stop,
        beat: Option<Beat>,
    ) -> Arc<Self> {
        Arc::new(Self { what: what.into(), total, done: AtomicU64::new(0), said: AtomicU64::new(0), progress, stop, beat })
    }

    /// A step that moves no bytes.
    pub(crate) async fn step(&self) -> PortResult<()> {
        self.pass(0).await?;
        self.say();
        Ok(())
    }

    fn say(&self) {
        let done = self.done.load(Ordering::Relaxed);
        self.said.store(done, Ordering::Relaxed);
        (self.progress)(Progress::bytes(self.what.clone(), done, self.total));
    }

    async fn pass(&self, length: u64) -> PortResult<()> {
        if self.stop.is_cancelled() {
            return Err(failed(PortErrorKind::Conflict, "run", "it was cancelled; nothing of it counts"));
        }
        let done = self.done.fetch_add(length, Ordering::Relaxed) + length;
        if done - self.said.load(Ordering::Relaxed).min(done) >= STEP {
            self.say();
        }
        match &self.beat {
            Some(beat) => beat.beat().await,
            None => Ok(()),
        }
    }

    /// The same bytes, counted.
    pub(crate) fn tap(self: &Arc<Self>, bytes: ByteStream) -> ByteStream {
        let watch = self.clone();
        Box::pin(bytes.and_then(move |piece| {
            let watch = watch.clone();
            async move {
                watch.pass(piece.len() as u64).await?;
                Ok(piece)
            }
        }))
    }
}
