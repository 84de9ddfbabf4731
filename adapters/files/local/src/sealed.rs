//! The form in which an encrypted file lies on disk, and its arithmetic. Touches no disk and chooses no key.
//!
//! ```text
//! 0   "bellhop sealed 1"              16 bytes
//! 16  which key                        8
//! 24  salt, random for every file     32
//! 56  zeros                            8
//! 64  chunks: 65,536 bytes of content (the last one fewer) and a tag of 16 each
//! ```
//!
//! Each file has a key of its own: HMAC-SHA-256 of the header and the file's name under the key that the header names. Chunks
//! are sealed by XChaCha20-Poly1305 as in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce is 19
//! bytes of the salt, the chunk's number and whether it is the last. So a chunk that was changed, moved within the file or to
//! another one, and a file that was cut or took another's name, are noticed when they are read; and any part can be read
//! without what stands before it.

use bellhop_core::ports::FileEncryption;
use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::io::{self, Write};

/// Bytes before the first chunk.
pub(crate) const HEADER: u64 = 64;
/// Bytes of content in each chunk but the last.
pub(crate) const CHUNK: u64 = 64 * 1024;
/// Bytes that each chunk has beside its content.
pub(crate) const TAG: u64 = 16;
const MAGIC: &[u8; 16] = b"bellhop sealed 1";

/// How a version lies on disk when it is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// The header, in hexadecimal: another file put in its place has another.
    pub header: String,
    /// What was asked for.
    pub with: FileEncryption,
}

/// What stands before the chunks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header([u8; 64]);

impl Header {
    /// A new file's header, for the key of this id.
    pub fn fresh(key: [u8; 8]) -> io::Result<Self> {
        let mut bytes = [0; 64];
        bytes[..16].copy_from_slice(MAGIC);
        bytes[16..24].copy_from_slice(&key);
        getrandom::fill(&mut bytes[24..56]).map_err(|error| io::Error::other(format!("the system gives no random numbers: {error}")))?;
        Ok(Self(bytes))
    }

    /// The header of a file that begins with these bytes and has this length; `None` where it is none of ours.
    pub fn read(beginning: &[u8], size: u64) -> Option<Self> {
        let bytes: [u8; 64] = beginning.get(..64)?.try_into().ok()?;
        (bytes.starts_with(MAGIC) && bytes[56..] == [0; 8] && content_size(size).is_some()).then_some(Self(bytes))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn text(&self) -> String {
        hex::encode(self.0)
    }

    /// Which key the file is sealed with.
    pub fn key(&self) -> [u8; 8] {
        std::array::from_fn(|at| self.0[16 + at])
    }
}

/// What cannot be opened: it was changed, or the key is another one.
#[derive(Debug)]
pub(crate) struct Unauthentic;

/// What seals and opens the chunks of one file.
pub(crate) struct Cipher {
    aead: XChaCha20Poly1305,
    prefix: [u8; 19],
}

impl Cipher {
    /// For the file of this name with this header.
    pub fn new(key: &[u8; 32], header: &Header, name: &str) -> Self {
        let mut padded = secrecy::zeroize::Zeroizing::new([0_u8; 64]);
        padded[..32].copy_from_slice(key);
        let mut own = Hmac::<Sha256>::new((&*padded).into());
        own.update(b"bellhop file");
        own.update(header.bytes());
        own.update(name.as_bytes());
        let own = secrecy::zeroize::Zeroizing::new(<[u8; 32]>::from(own.finalize().into_bytes()));
        Self { aead: XChaCha20Poly1305::new((&*own).into()), prefix: std::array::from_fn(|at| header.0[24 + at]) }
    }

    fn nonce(&self, number: u32, last: bool) -> XNonce {
        let mut nonce = [0; 24];
        nonce[..19].copy_from_slice(&self.prefix);
        nonce[19..23].copy_from_slice(&number.to_be_bytes());
        nonce[23] = u8::from(last);
        nonce.into()
    }

    /// Encrypts a chunk where it is, and puts its tag behind it.
    pub fn seal(&self, number: u32, last: bool, chunk: &mut Vec<u8>) -> Result<(), Unauthentic> {
        self.aead.encrypt_in_place(&self.nonce(number, last), b"", chunk).map_err(|_| Unauthentic)
    }

    /// Decrypts a chunk where it is, and takes its tag away.
    pub fn open(&self, number: u32, last: bool, chunk: &mut Vec<u8>) -> Result<(), Unauthentic> {
        self.aead.decrypt_in_place(&self.nonce(number, last), b"", chunk).map_err(|_| Unauthentic)
    }
}

/// How many chunks hold so much content. An empty file has one, which is empty.
pub(crate) fn chunks(content: u64) -> u64 {
    content.div_ceil(CHUNK).max(1)
}

/// How long a file with so much content is on disk.
pub(crate) fn disk_size(content: u64) -> u64 {
    content.saturating_add(HEADER).saturating_add(chunks(content).saturating_mul(TAG))
}

/// How much content a file of this length on disk has; `None` where no sealed file is so long.
pub(crate) fn content_size(disk: u64) -> Option<u64> {
    let body = disk.checked_sub(HEADER)?;
    let content = body.checked_sub(body.div_ceil(CHUNK + TAG).checked_mul(TAG)?)?;
    (body > 0 && disk_size(content) == disk).then_some(content)
}

/// Writes content sealed, in constant memory. What is written is a file only after [`Sealer::finish`].
pub(crate) struct Sealer<W> {
    out: W,
    cipher: Cipher,
    chunk: Vec<u8>,
    number: u32,
}

impl<W: Write> Sealer<W> {
    /// Writes the header.
    pub fn begin(mut out: W, cipher: Cipher, header: &Header) -> io::Result<Self> {
        out.write_all(header.bytes())?;
        Ok(Self { out, cipher, chunk: Vec::with_capacity(size_of_chunk()), number: 0 })
    }

    /// Takes more content.
    pub fn write(&mut self, mut content: &[u8]) -> io::Result<()> {
        let full = usize::try_from(CHUNK).unwrap_or(usize::MAX);
        while !content.is_empty() {
            // A full chunk waits until something follows it: only then is it known not to be the last.
            if self.chunk.len() == full {
                self.pass_on(false)?;
            }
            let (now, rest) = content.split_at(content.len().min(full - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            content = rest;
        }
        Ok(())
    }

    /// Writes the last chunk.
    pub fn finish(mut self) -> io::Result<W> {
        self.pass_on(true)?;
        Ok(self.out)
    }

    fn pass_on(&mut self, last: bool) -> io::Result<()> {
        let sealed = self.cipher.seal(self.number, last, &mut self.chunk);
        sealed.map_err(|_| io::Error::other("a chunk of the file could not be encrypted"))?;
        self.out.write_all(&self.chunk)?;
        self.chunk.clear();
        let next = self.number.checked_add(1).filter(|_| !last);
        self.number = match next {
            Some(next) => next,
            None if last => self.number,
            None => return Err(io::Error::from(io::ErrorKind::FileTooLarge)),
        };
        Ok(())
    }
}

/// A chunk and its tag.
fn size_of_chunk() -> usize {
    usize::try_from(CHUNK + TAG).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[path = "sealed_tests.rs"]
mod tests;
