//! Identifiers in the shapes of the real ones, never the same twice, and bytes as base64 and words of addresses.

use crate::time::mix;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use bellhop_core::Timestamp;

#[derive(Debug, Default)]
pub(super) struct IdSource {
    last: u64,
    last_message: i64,
}

impl IdSource {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// A GUID.
    pub(super) fn guid(&mut self) -> String {
        let n = self.next();
        let (one, two) = (mix(n), mix(n ^ 0x7ea5));
        let (a, b, c) = (one >> 32, (one >> 16) & 0xffff, one & 0x0fff);
        format!("{a:08x}-{b:04x}-4{c:03x}-{:04x}-{:08x}{:04x}", 0x8000 | (two >> 50), (two & 0xffff_ffff), n & 0xffff)
    }

    /// Letters and digits of this many bytes, as base64 for addresses has them.
    pub(super) fn opaque(&mut self, bytes: usize) -> String {
        let n = self.next();
        let bytes: Vec<u8> = (0..bytes as u64).map(|at| mix(n.wrapping_mul(64).wrapping_add(at)).to_le_bytes()[0]).collect();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A message's id: milliseconds of its making, one more where another has that already.
    pub(super) fn message(&mut self, now: Timestamp) -> String {
        self.last_message = now.timestamp_millis().max(self.last_message + 1);
        self.last_message.to_string()
    }
}

/// Bytes as base64 for addresses, without padding.
pub(super) fn base64_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of base64 for addresses, with or without padding.
pub(super) fn unbase64_url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

/// A part of an address, its escapes resolved.
pub(super) fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = hex {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A form's or a query's pairs.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (unescaped(&name.replace('+', " ")), unescaped(&value.replace('+', " ")))
    };
    parts.map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_their_shapes_and_differ() {
        let mut ids = IdSource::default();
        let (one, two) = (ids.guid(), ids.guid());
        assert_ne!(one, two);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        let now = bellhop_core::Clock::now(&crate::machine::MachineClock);
        assert_ne!(ids.message(now), ids.message(now));
        assert_eq!(unescaped("19%3Ax%40thread.tacv2%3Bmessageid=1"), "19:x@thread.tacv2;messageid=1");
        assert_eq!(pairs("a=1&b=x%20y+z"), [("a".into(), "1".into()), ("b".into(), "x y z".into())]);
    }
}
