//! Whether a delivery comes from Discord: its Ed25519 signature over the time and the raw bytes of the body. What a delivery says is
//! not read here. Discord sends wrong signatures on purpose and takes an address away that accepts one
//! (<https://docs.discord.com/developers/interactions/overview>).

use crate::config::PublicKey;
use axum::http::{HeaderMap, HeaderValue};
use bellhop_core::clock::Timestamp;
use ed25519_dalek::{Signature, VerifyingKey};

/// The header with the signature, 128 hexadecimal digits.
const SIGNATURE: &str = "x-signature-ed25519";
/// The header with the time of signing.
const SIGNED_AT: &str = "x-signature-timestamp";
/// How far the time of signing may lie from ours, in seconds, either way. Our own choice: Discord names no window.
const WINDOW: i64 = 300;
/// The longest time that is looked at.
const DIGITS: usize = 20;

/// Why a delivery is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forged {
    /// It has no signature or no time at all.
    Unsigned,
    /// A header is there twice, or is nothing that Discord writes.
    Garbled,
    /// It was signed too long ago, or in the future.
    Stale,
    /// It was signed with another key, or changed on its way.
    Mismatch,
}

impl Forged {
    /// A word for metrics.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Garbled => "garbled",
            Self::Stale => "stale",
            Self::Mismatch => "mismatch",
        }
    }

    /// A sentence for the one who sent it.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Unsigned => "This address takes signed deliveries from Discord only: the signature headers are missing.\n",
            Self::Garbled => "The signature headers can't be read.\n",
            Self::Stale => "The delivery was signed more than five minutes away from this server's time; check its clock.\n",
            Self::Mismatch => "The signature does not fit the body.\n",
        }
    }
}

/// The two headers of a delivery, taken before its body is read.
pub(crate) struct Signed {
    at: Option<HeaderValue>,
    signature: Option<HeaderValue>,
    twice: bool,
}

impl Signed {
    /// What the headers say.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut twice = false;
        let mut one = |name| {
            let mut values = headers.get_all(name).iter();
            let first = values.next().cloned();
            twice |= values.next().is_some();
            first
        };
        Self { at: one(SIGNED_AT), signature: one(SIGNATURE), twice }
    }

    /// How many seconds lie between the signing and now; nothing where the time is no number.
    pub(crate) fn age(&self, now: Timestamp) -> Option<i64> {
        let text = self.at.as_ref()?.to_str().ok()?;
        let seconds: i64 = text.parse().ok().filter(|_| text.len() <= DIGITS && text.bytes().all(|c| c.is_ascii_digit()))?;
        now.timestamp().checked_sub(seconds)
    }
}

/// The key that deliveries are signed with.
pub(crate) struct Verifier {
    key: VerifyingKey,
}

/// Whether bytes are a public key that could sign anything in earnest.
pub(crate) fn usable(key: &PublicKey) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| !key.is_weak())
}

impl Verifier {
    /// A verifier by this key; `None` where it is no key.
    pub(crate) fn new(key: &PublicKey) -> Option<Self> {
        Some(Self { key: VerifyingKey::from_bytes(key).ok()? })
    }

    /// Whether the key signed this body. Strict: of the signatures that a lenient verifier takes for the same, only one is good.
    pub(crate) fn verify(&self, signed: &Signed, body: &[u8]) -> Result<(), Forged> {
        let (Some(at), Some(signature)) = (&signed.at, &signed.signature) else { return Err(Forged::Unsigned) };
        if signed.twice || at.is_empty() {
            return Err(Forged::Garbled);
        }
        let mut bytes = [0_u8; 64];
        hex::decode_to_slice(signature.as_bytes(), &mut bytes).map_err(|_| Forged::Garbled)?;
        let message = [at.as_bytes(), body].concat();
        self.key.verify_strict(&message, &Signature::from_bytes(&bytes)).map_err(|_| Forged::Mismatch)
    }

    /// Whether it was signed about now.
    pub(crate) fn timely(signed: &Signed, now: Timestamp) -> Result<(), Forged> {
        match signed.age(now) {
            None => Err(Forged::Garbled),
            Some(age) if age.abs() > WINDOW => Err(Forged::Stale),
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};
    use proptest::prelude::*;

    /// The seed of RFC 8032's first test.
    pub(crate) const SEED: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
        0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];

    pub(crate) fn sign(at: &str, body: &[u8]) -> String {
        hex::encode(SigningKey::from_bytes(&SEED).sign(&[at.as_bytes(), body].concat()).to_bytes())
    }

    fn signed(at: &str, signature: &str) -> Signed {
        let mut headers = HeaderMap::new();
        headers.insert(SIGNED_AT, at.parse().unwrap());
        headers.insert(SIGNATURE, signature.parse().unwrap());
        Signed::of(&headers)
    }

    fn verifier() -> Verifier {
        Verifier::new(&SigningKey::from_bytes(&SEED).verifying_key().to_bytes()).unwrap()
    }

    /// Made with another implementation (Node's crypto).
    const VECTOR: &str =
        "1695961a47c91a1ec033b819b7e87e3dbc583dd0cee6d1fd0216f58ac87b6228ae531ddbf91fb7bc28d7edf7f08604da16f54624f38a6bc0614e4dc13cd47f0f";

    #[test]
    fn the_vector_of_another_implementation_is_good() {
        assert_eq!(verifier().verify(&signed("1700000000", VECTOR), b"{\"type\":1}"), Ok(()));
        assert_eq!(sign("1700000000", b"{\"type\":1}"), VECTOR);
        for (at, signature, body, why) in [
            ("1700000001", VECTOR.to_owned(), &b"{\"type\":1}"[..], Forged::Mismatch),
            ("1700000000", VECTOR.to_owned(), b"{\"type\":2}", Forged::Mismatch),
            ("1700000000", VECTOR[..126].to_owned(), b"{\"type\":1}", Forged::Garbled),
            ("1700000000", "z".repeat(128), b"{\"type\":1}", Forged::Garbled),
            ("1700000000", "00".repeat(64), b"{\"type\":1}", Forged::Mismatch),
        ] {
            assert_eq!(verifier().verify(&signed(at, &signature), body), Err(why), "{at} {signature}");
        }
        assert_eq!(verifier().verify(&Signed::of(&HeaderMap::new()), b""), Err(Forged::Unsigned));
    }

    #[test]
    fn a_signature_made_malleable_is_refused() {
        // The same signature with the group's order added to its second half: lenient verifiers take it.
        const ORDER: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0x10,
        ];
        let mut bytes = hex::decode(VECTOR).unwrap();
        let mut carry = 0_u16;
        for (byte, add) in bytes[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = u8::try_from(sum & 0xff).unwrap();
            carry = sum >> 8;
        }
        assert!(verifier().verify(&signed("1700000000", &hex::encode(bytes)), b"{\"type\":1}").is_err());
    }

    #[test]
    fn keys_that_sign_anything_are_none() {
        assert!(!usable(&[0; 32]));
        let mut one = [0; 32];
        one[0] = 1;
        assert!(!usable(&one));
        assert!(usable(&SigningKey::from_bytes(&SEED).verifying_key().to_bytes()));
    }

    #[test]
    fn what_is_old_is_told() {
        let now = Timestamp::from_timestamp(1_700_000_000, 0).unwrap();
        assert_eq!(Verifier::timely(&signed("1699999800", VECTOR), now), Ok(()));
        assert_eq!(Verifier::timely(&signed("1699999000", VECTOR), now), Err(Forged::Stale));
        for odd in ["soon", "-1", "1e9", " 1700000000", "99999999999999999999"] {
            assert!(Verifier::timely(&signed(odd, VECTOR), now).is_err(), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn no_change_is_overlooked(at in 0_usize..10, bit in 0_u8..8, where_ in 0_usize..128) {
            let mut body = b"{\"type\":1}".to_vec();
            body[at] ^= 1 << bit;
            prop_assert!(verifier().verify(&signed("1700000000", VECTOR), &body).is_err());
            let mut text = VECTOR.as_bytes().to_vec();
            text[where_] = if text[where_] == b'0' { b'1' } else { b'0' };
            let refused = verifier().verify(&signed("1700000000", std::str::from_utf8(&text).unwrap()), b"{\"type\":1}");
            prop_assert!(refused.is_err());
        }
    }
}
