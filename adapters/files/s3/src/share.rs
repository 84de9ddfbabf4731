//! Links that S3 itself serves: addresses signed with the store's credential. They can't be called back, and end with the
//! credential; so they are made for as long as was asked, or refused. What is under a key of the owner's has none: whoever
//! follows a link has no key to send.

use crate::names::disposition;
use crate::store::S3Store;
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::presigning::PresigningConfig;
use bellhop_core::PortErrorKind;
use bellhop_core::ids::VersionId;
use bellhop_core::ports::{FileEncryption, PortResult, ShareLimit};
use std::time::{Duration, UNIX_EPOCH};

/// What S3 allows at most.
const LONGEST: u64 = 7 * 24 * 60 * 60;
/// A link is made to end this much before its credential does.
const MARGIN: u64 = 60;

/// How long a link can work with the credential as it is now.
pub(crate) async fn limit(store: &S3Store) -> PortResult<ShareLimit> {
    let credential = store.account.credential("share").await?;
    Ok(limit_of(&credential, store.account.clock.now().timestamp().unsigned_abs()))
}

fn limit_of(credential: &Credentials, now: u64) -> ShareLimit {
    let left = credential.expiry().map(|expiry| expiry.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().saturating_sub(now));
    match left.map(|left| left.saturating_sub(MARGIN)) {
        Some(seconds) if seconds < LONGEST => {
            let why = "the store's credential is a temporary one, and links end with it".to_owned();
            ShareLimit { seconds, why }
        }
        _ if credential.session_token().is_some() && left.is_none() => {
            let why =
                "S3 takes 7 days at most; the store's credential is a temporary one that doesn't say when it ends, and links end with it";
            ShareLimit { seconds: LONGEST, why: why.to_owned() }
        }
        _ => ShareLimit { seconds: LONGEST, why: "S3 takes 7 days at most".to_owned() },
    }
}

/// A length of time for people.
fn span(seconds: u64) -> String {
    match seconds {
        0 => "no time".to_owned(),
        s if s % 86_400 == 0 => format!("{} days", s / 86_400),
        s if s >= 7_200 => format!("{} hours", s / 3_600),
        s => format!("{} minutes", s.div_ceil(60)),
    }
}

/// An address of a file for so many seconds; none where it would need a key.
pub(crate) async fn link(store: &S3Store, name: &str, version: Option<&VersionId>, seconds: u64) -> PortResult<Option<String>> {
    let limit = limit(store).await?;
    if seconds == 0 || seconds > limit.seconds {
        let longest = span(limit.seconds);
        return Err(store.error(PortErrorKind::Invalid, "share", format!("a link can work for {longest} at most now: {}", limit.why)));
    }
    let info = store.look(name, version).await.map_err(|error| bellhop_core::PortError { operation: "share", ..error })?;
    if matches!(info.encryption, Some(FileEncryption::Key(_))) {
        return Ok(None);
    }
    let key = store.key("share", name)?;
    let invalid = |error: &dyn std::error::Error| store.error(PortErrorKind::Invalid, "share", error.to_string());
    let config = PresigningConfig::expires_in(Duration::from_secs(seconds)).map_err(|error| invalid(&error))?;
    let request = store
        .account
        .client()
        .await?
        .get_object()
        .bucket(store.bucket())
        .key(key)
        .set_version_id(version.map(|version| version.as_str().to_owned()))
        // Saved rather than shown: what is in a file can't act as a page of the service's.
        .response_content_disposition(disposition(name));
    let signed = request.presigned(config).await.map_err(|error| {
        let ask = crate::fault::Ask::file(&store.account, "share", "s3:GetObject", "there is no such file");
        store.account.failed(ask, &error)
    })?;
    Ok(Some(signed.uri().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_credentials_end_links() {
        let credential = |token: Option<&str>, ends: Option<u64>| {
            let ends = ends.map(|seconds| UNIX_EPOCH + Duration::from_secs(1000 + seconds));
            Credentials::new("a", "s", token.map(str::to_owned), ends, "test")
        };
        assert_eq!(limit_of(&credential(None, None), 1000).seconds, LONGEST);
        let short = limit_of(&credential(Some("t"), Some(3600)), 1000);
        assert!(short.seconds == 3540 && short.why.contains("temporary"), "{short:?}");
        assert_eq!(limit_of(&credential(Some("t"), Some(10)), 5000).seconds, 0);
        assert_eq!(limit_of(&credential(Some("t"), Some(30 * 24 * 3600)), 1000).seconds, LONGEST);
        let unknown = limit_of(&credential(Some("t"), None), 1000);
        assert!(unknown.seconds == LONGEST && unknown.why.contains("doesn't say when it ends"));
    }
}
