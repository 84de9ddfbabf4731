//! Signatures of Standard Webhooks 1.0.0 (<https://www.standardwebhooks.com>): HMAC-SHA256 over id, time and the raw body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellhop_core::clock::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// How far the signer's clock may be from ours, in seconds, either way.
const TOLERANCE: u64 = 300;
/// The longest id, and the most signatures that are looked at: several while a secret is changed.
const ID: usize = 256;
const MOST: usize = 10;

/// The three headers, as far as they are there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signature<'a> {
    /// `webhook-id`
    pub id: Option<&'a str>,
    /// `webhook-timestamp`
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`
    pub signatures: Option<&'a str>,
}

impl Signature<'_> {
    /// Whether the request claims to be signed.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.signatures.is_some()
    }
}

/// Whether the body was signed with this secret a moment ago. Compared in constant time.
pub(super) fn verified(secret: &SecretString, signature: &Signature<'_>, body: &[u8], now: Timestamp) -> bool {
    let (Some(id), Some(time), Some(signatures)) = (signature.id, signature.timestamp, signature.signatures) else { return false };
    let fresh = time.parse::<i64>().is_ok_and(|at| now.timestamp().abs_diff(at) <= TOLERANCE);
    if !fresh || id.is_empty() || id.len() > ID || id.contains('.') {
        return false;
    }
    let Some(key) = secret.expose_secret().strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok()) else { return false };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return false };
    for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
        mac.update(part);
    }
    let candidates = signatures.split_whitespace().filter_map(|one| one.strip_prefix("v1,")).take(MOST);
    let mut good = false;
    for candidate in candidates.filter_map(|candidate| STANDARD.decode(candidate).ok()) {
        good |= mac.clone().verify_slice(&candidate).is_ok();
    }
    good
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const GOOD: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

    fn signed<'a>(id: &'a str, timestamp: &'a str, signatures: &'a str) -> Signature<'a> {
        Signature { id: Some(id), timestamp: Some(timestamp), signatures: Some(signatures) }
    }

    fn check(signature: &Signature<'_>, body: &[u8], after: i64) -> bool {
        let now = Timestamp::from_timestamp(1_649_367_553 + after, 0).unwrap();
        verified(&SECRET.into(), signature, body, now)
    }

    #[test]
    fn the_published_example_is_right() {
        let good = signed("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "1649367553", GOOD);
        assert!(check(&good, BODY, 0) && check(&good, BODY, 300) && check(&good, BODY, -300));
        let among = format!("v1,AAAA v1a,xyz {GOOD}");
        assert!(check(&signed("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "1649367553", &among), BODY, 0));
    }

    #[test]
    fn whatever_is_changed_is_wrong() {
        let id = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
        let good = signed(id, "1649367553", GOOD);
        assert!(!check(&good, BODY, 301) && !check(&good, BODY, -301), "it is stale");
        assert!(!check(&good, b"{}", 0) && !check(&good, b"", 0));
        for (id, time, signatures) in [
            ("msg_other", "1649367553", GOOD),
            ("", "1649367553", GOOD),
            ("a.b", "1649367553", GOOD),
            (id, "1649367554", GOOD),
            (id, "soon", GOOD),
            (id, "99999999999999999999", GOOD),
            (id, "-9223372036854775808", GOOD),
            (id, "1649367553", ""),
            (id, "1649367553", "v1,"),
            (id, "1649367553", "v1,???"),
            (id, "1649367553", &GOOD[3..]),
            (id, "1649367553", "v2,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="),
            (id, "1649367553", "v1,uZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="),
        ] {
            assert!(!check(&signed(id, time, signatures), BODY, 0), "{id} {time} {signatures}");
        }
        for missing in [Signature { id: None, ..good }, Signature { timestamp: None, ..good }, Signature { signatures: None, ..good }] {
            assert!(!check(&missing, BODY, 0));
        }
    }
}
