//! The checksums that S3 answers with, computed over what passes. An `ETag` is none: what it is depends on how a file was
//! written and encrypted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, Digest};

/// Checksums as an answer has them; `None` where it has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub crc32: Option<String>,
    pub crc32c: Option<String>,
    pub crc64nvme: Option<String>,
}

/// Reads the checksums of any answer of the SDK that has these three.
macro_rules! told {
    ($answer:expr) => {
        $crate::checksum::Told {
            crc32: $answer.checksum_crc32().map(str::to_owned),
            crc32c: $answer.checksum_crc32_c().map(str::to_owned),
            crc64nvme: $answer.checksum_crc64_nvme().map(str::to_owned),
        }
    };
}
pub(crate) use told;

impl Told {
    /// One of them, the longest, as `algorithm:value`.
    pub fn one(&self) -> Option<String> {
        let named = [("crc64nvme", &self.crc64nvme), ("crc32c", &self.crc32c), ("crc32", &self.crc32)];
        named.into_iter().find_map(|(name, value)| value.as_ref().map(|value| format!("{name}:{value}")))
    }
}

/// The checksums of the bytes so far.
pub(crate) struct Sums {
    crc32: Digest,
    crc32c: Digest,
    crc64nvme: Digest,
}

impl Sums {
    pub fn new() -> Self {
        Self {
            crc32: Digest::new(CrcAlgorithm::Crc32IsoHdlc),
            crc32c: Digest::new(CrcAlgorithm::Crc32Iscsi),
            crc64nvme: Digest::new(CrcAlgorithm::Crc64Nvme),
        }
    }

    pub fn of(bytes: &[u8]) -> Self {
        let mut sums = Self::new();
        sums.update(bytes);
        sums
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.crc32.update(bytes);
        self.crc32c.update(bytes);
        self.crc64nvme.update(bytes);
    }

    /// The CRC-64 as S3 spells it.
    pub fn crc64nvme(&self) -> String {
        STANDARD.encode(self.crc64nvme.finalize().to_be_bytes())
    }

    /// Whether what was told is of these bytes. A checksum of checksums (`...-4`) says nothing of the whole, and no
    /// checksum at all is no contradiction.
    pub fn agree(&self, told: &Told) -> bool {
        let short = |digest: &Digest| STANDARD.encode(&digest.finalize().to_be_bytes()[4..]);
        let pairs = [(&told.crc32, short(&self.crc32)), (&told.crc32c, short(&self.crc32c)), (&told.crc64nvme, self.crc64nvme())];
        pairs.into_iter().all(|(told, ours)| told.as_ref().is_none_or(|told| told.contains('-') || *told == ours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_the_service() {
        // The check values of the three algorithms over "123456789".
        let sums = Sums::of(b"123456789");
        let spelled = |value: u64, bytes: usize| STANDARD.encode(&value.to_be_bytes()[8 - bytes..]);
        let right = Told {
            crc32: Some(spelled(0xcbf4_3926, 4)),
            crc32c: Some(spelled(0xe306_9283, 4)),
            crc64nvme: Some(spelled(0xae8b_1486_0a79_9888, 8)),
        };
        assert!(sums.agree(&right) && sums.agree(&Told::default()));
        assert_eq!(right.one().unwrap(), format!("crc64nvme:{}", sums.crc64nvme()));
        for wrong in [
            Told { crc32: Some("AAAAAA==".to_owned()), ..right.clone() },
            Told { crc32c: Some("AAAAAA==".to_owned()), ..right.clone() },
            Told { crc64nvme: Some("AAAAAAAAAAA=".to_owned()), ..right.clone() },
        ] {
            assert!(!sums.agree(&wrong), "{wrong:?}");
        }
        assert!(sums.agree(&Told { crc32: Some("AAAAAA==-4".to_owned()), ..Told::default() }));
        assert!(!Sums::of(b"123456788").agree(&right));
    }
}
