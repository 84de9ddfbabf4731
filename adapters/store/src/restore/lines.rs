//! The lines of a copy, unzipped as they come. What they say is not known here.

use crate::backup::broken;
use bellhop_core::ports::{ByteStream, PortResult};
use flate2::write::GzDecoder;
use futures::TryStreamExt as _;
use serde::de::DeserializeOwned;
use std::io::Write as _;

/// How much compressed text is unzipped at once: even text that shrank a thousandfold stays small.
const PIECE: usize = 16 * 1024;

pub(super) struct Lines {
    bytes: ByteStream,
    /// Compressed text that waits for its turn.
    rest: bytes::Bytes,
    decoder: Option<GzDecoder<Vec<u8>>>,
    text: Vec<u8>,
    /// Up to where the text was given out, and up to where it has no line break.
    taken: usize,
    looked: usize,
}

impl Lines {
    pub fn new(bytes: ByteStream) -> Self {
        Self { bytes, rest: bytes::Bytes::new(), decoder: Some(GzDecoder::new(Vec::new())), text: Vec::new(), taken: 0, looked: 0 }
    }

    /// The next line, read as JSON.
    pub async fn read<T: DeserializeOwned>(&mut self) -> PortResult<Option<T>> {
        loop {
            if let Some(at) = self.text[self.looked..].iter().position(|byte| *byte == b'\n') {
                let end = self.looked + at;
                let line = serde_json::from_slice(&self.text[self.taken..end])
                    .map_err(|error| broken(format!("a line can't be read: {error}")))?;
                self.taken = end + 1;
                self.looked = self.taken;
                return Ok(Some(line));
            }
            self.looked = self.text.len();
            if !self.more().await? {
                return if self.taken == self.text.len() { Ok(None) } else { Err(broken("the copy is cut off within a line")) };
            }
        }
    }

    /// Gets some more text; false at the end.
    async fn more(&mut self) -> PortResult<bool> {
        self.text.drain(..self.taken);
        self.looked -= self.taken;
        self.taken = 0;
        let damaged = |error: std::io::Error| broken(format!("the copy can't be unzipped: {error}"));
        if self.rest.is_empty() {
            if let Some(bytes) = self.bytes.try_next().await? {
                self.rest = bytes;
            } else {
                let Some(decoder) = self.decoder.take() else { return Ok(false) };
                // Complains about text that was cut off.
                self.text.extend(decoder.finish().map_err(damaged)?);
                return Ok(true);
            }
        }
        let piece = self.rest.split_to(PIECE.min(self.rest.len()));
        let decoder = self.decoder.as_mut().ok_or_else(|| broken("the copy goes on after its end"))?;
        decoder.write_all(&piece).map_err(damaged)?;
        self.text.append(decoder.get_mut());
        Ok(true)
    }
}
