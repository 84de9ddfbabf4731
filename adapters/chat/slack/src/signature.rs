//! Whether a delivery comes from Slack: its signature over the raw bytes of the body, and its age. What a delivery says is
//! not read here, and one that is repeated within its time is good here: repetitions are dropped by the inbox, by key.
//!
//! <https://docs.slack.dev/authentication/verifying-requests-from-slack>

use axum::http::{HeaderMap, HeaderValue};
use bellhop_core::clock::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

/// The header with the time at which the delivery was signed, in Unix seconds.
const SIGNED_AT: &str = "x-slack-request-timestamp";
/// The header with the signature, `v0=` and 64 lower-case hexadecimal digits.
const SIGNATURE: &str = "x-slack-signature";
/// How far the time of signing may lie from ours, in seconds, either way.
const WINDOW: i64 = 300;
/// `v0=` and the digits.
const LENGTH: usize = 3 + 64;

/// Why a delivery is refused. It says nothing of the secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forged {
    /// It has no signature or no time at all.
    Unsigned,
    /// A header is there twice, or is nothing that Slack writes.
    Garbled,
    /// It was signed too long ago, or in the future.
    Stale,
    /// It was signed with another secret, or changed on its way.
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
            Self::Unsigned => "This address takes signed deliveries from Slack only: the signature headers are missing.\n",
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
    /// What the headers say. Cheap: the values are shared, not copied.
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
}

/// The secrets that deliveries may be signed with: one, or two while the secret is being changed.
pub(crate) struct Signatures {
    /// Keyed, so that a delivery costs no key schedule.
    keyed: Vec<Hmac<Sha256>>,
}

impl Signatures {
    /// Signatures by any of these secrets.
    pub(crate) fn new(secrets: &[SecretString]) -> Self {
        // An HMAC takes keys of any length. The secret's own characters are the key: it is not decoded.
        Self { keyed: secrets.iter().filter_map(|secret| Hmac::new_from_slice(secret.expose_secret().as_bytes()).ok()).collect() }
    }

    /// Whether there is any secret to verify with.
    pub(crate) fn any(&self) -> bool {
        !self.keyed.is_empty()
    }

    /// Whether one of the secrets signed this body not long ago.
    pub(crate) fn verify(&self, signed: &Signed, body: &[u8], now: Timestamp) -> Result<(), Forged> {
        let (Some(at), Some(signature)) = (&signed.at, &signed.signature) else { return Err(Forged::Unsigned) };
        let signature = signature.as_bytes();
        if signed.twice || signature.len() != LENGTH {
            return Err(Forged::Garbled);
        }
        let seconds = seconds(at.as_bytes()).ok_or(Forged::Garbled)?;
        if (now.timestamp() - seconds).abs() > WINDOW {
            return Err(Forged::Stale);
        }
        // Every secret is tried, whichever fits: the time it takes says nothing about them.
        let mut good = Choice::from(0);
        for keyed in &self.keyed {
            good |= digits(keyed, at.as_bytes(), body).as_slice().ct_eq(signature);
        }
        if bool::from(good) { Ok(()) } else { Err(Forged::Mismatch) }
    }
}

/// The signature as Slack writes it.
fn digits(keyed: &Hmac<Sha256>, at: &[u8], body: &[u8]) -> [u8; LENGTH] {
    let mut mac = keyed.clone();
    mac.update(b"v0:");
    mac.update(at);
    mac.update(b":");
    mac.update(body);
    let mut written = [0; LENGTH];
    written[..3].copy_from_slice(b"v0=");
    // 32 bytes are 64 digits: it fits.
    let _ = hex::encode_to_slice(mac.finalize().into_bytes(), &mut written[3..]);
    written
}

/// Unix seconds in digits alone. Twelve of them last for some thirty thousand years.
fn seconds(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 12 {
        return None;
    }
    text.iter().try_fold(0_i64, |seconds, digit| digit.is_ascii_digit().then(|| seconds * 10 + i64::from(digit - b'0')))
}

/// The headers that Slack would send with a body, for tests of everything that takes deliveries.
#[cfg(test)]
pub(crate) fn sign(secret: &str, at: i64, body: &[u8]) -> [(&'static str, String); 2] {
    let keyed = Hmac::new_from_slice(secret.as_bytes()).unwrap();
    let at = at.to_string();
    let signature = String::from_utf8(digits(&keyed, at.as_bytes(), body).to_vec()).unwrap();
    [(SIGNED_AT, at), (SIGNATURE, signature)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Slack's own example.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const AT: i64 = 1_531_420_618;
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNED: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    fn headers(at: &[u8], signature: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [(SIGNED_AT, at), (SIGNATURE, signature)] {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.append(name, value);
            }
        }
        headers
    }

    fn judge_by(secrets: &[&str], headers: &HeaderMap, body: &[u8], now: i64) -> Result<(), Forged> {
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        Signatures::new(&secrets).verify(&Signed::of(headers), body, Timestamp::from_timestamp(now, 0).unwrap())
    }

    fn judge(headers: &HeaderMap, body: &[u8], now: i64) -> Result<(), Forged> {
        judge_by(&[SECRET], headers, body, now)
    }

    #[test]
    fn the_vendors_example_is_good() {
        let good = headers(AT.to_string().as_bytes(), SIGNED.as_bytes());
        assert_eq!(judge(&good, BODY.as_bytes(), AT), Ok(()));
        assert_eq!(sign(SECRET, AT, BODY.as_bytes()), [(SIGNED_AT, AT.to_string()), (SIGNATURE, SIGNED.to_owned())]);
    }

    #[test]
    fn while_the_secret_changes_both_are_taken() {
        let good = headers(AT.to_string().as_bytes(), SIGNED.as_bytes());
        for secrets in [[SECRET, "the next one"], ["the next one", SECRET]] {
            assert_eq!(judge_by(&secrets, &good, BODY.as_bytes(), AT), Ok(()));
        }
        assert_eq!(judge_by(&["the next one"], &good, BODY.as_bytes(), AT), Err(Forged::Mismatch));
        assert_eq!(judge_by(&[], &good, BODY.as_bytes(), AT), Err(Forged::Mismatch));
    }

    #[test]
    fn five_minutes_either_way_and_no_second_more() {
        let good = headers(AT.to_string().as_bytes(), SIGNED.as_bytes());
        for (now, judged) in [(300, Ok(())), (-300, Ok(())), (301, Err(Forged::Stale)), (-301, Err(Forged::Stale))] {
            assert_eq!(judge(&good, BODY.as_bytes(), AT + now), judged, "{now}");
        }
    }

    #[test]
    fn headers_that_slack_never_writes_are_refused() {
        let at = AT.to_string();
        assert_eq!(judge(&HeaderMap::new(), BODY.as_bytes(), AT), Err(Forged::Unsigned));
        let mut headers_of_one = headers(at.as_bytes(), SIGNED.as_bytes());
        headers_of_one.remove(SIGNATURE);
        assert_eq!(judge(&headers_of_one, BODY.as_bytes(), AT), Err(Forged::Unsigned));
        let mut twice = headers(at.as_bytes(), SIGNED.as_bytes());
        twice.append(SIGNATURE, HeaderValue::from_static("v0=00"));
        assert_eq!(judge(&twice, BODY.as_bytes(), AT), Err(Forged::Garbled));
        for garbled in ["", "-1", "+1531420618", "1531420618.5", "9999999999999", "NaN", " 1531420618"] {
            assert_eq!(judge(&headers(garbled.as_bytes(), SIGNED.as_bytes()), BODY.as_bytes(), AT), Err(Forged::Garbled), "{garbled}");
        }
        for garbled in ["", "v0=", &SIGNED[..66], &format!("{SIGNED}0"), &SIGNED[3..], "v0=ä"] {
            assert_eq!(judge(&headers(at.as_bytes(), garbled.as_bytes()), BODY.as_bytes(), AT), Err(Forged::Garbled), "{garbled}");
        }
        let (upper, v1) = (format!("v0={}", SIGNED[3..].to_uppercase()), format!("v1={}", &SIGNED[3..]));
        for other in [upper, v1] {
            assert_eq!(judge(&headers(at.as_bytes(), other.as_bytes()), BODY.as_bytes(), AT), Err(Forged::Mismatch), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_changed_byte_is_refused(
            body in proptest::collection::vec(any::<u8>(), 1..400), at in 1_000_000_000_i64..9_999_999_999, which in any::<prop::sample::Index>(),
            flip in 1_u8..=255, part in 0_usize..3,
        ) {
            let [(_, stamp), (_, signature)] = sign(SECRET, at, &body);
            prop_assert_eq!(judge(&headers(stamp.as_bytes(), signature.as_bytes()), &body, at), Ok(()));
            let mut parts = [body, stamp.into_bytes(), signature.into_bytes()];
            let part: &mut Vec<u8> = &mut parts[part];
            let byte = which.index(part.len());
            part[byte] ^= flip;
            let [body, stamp, signature] = parts;
            prop_assert!(judge(&headers(&stamp, &signature), &body, at).is_err());
        }

        #[test]
        fn a_truncated_body_is_refused(body in proptest::collection::vec(any::<u8>(), 1..400), which in any::<prop::sample::Index>()) {
            let [(_, stamp), (_, signature)] = sign(SECRET, AT, &body);
            let cut = &body[..which.index(body.len())];
            prop_assert_eq!(judge(&headers(stamp.as_bytes(), signature.as_bytes()), cut, AT), Err(Forged::Mismatch));
        }
    }
}
