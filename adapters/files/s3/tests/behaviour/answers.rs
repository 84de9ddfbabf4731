//! Answers of every kind, from a server that says what it is told to: what kind of failure each is, whether the same request
//! may do later, and that the words say what to do and hold no secret.

use crate::scripted::{error, scripted, xml};
use crate::world::{file, pattern, stream};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bellhop_core::ports::{FileStore, PartWrites as _};
use bellhop_core::{PortError, PortErrorKind, Retry};
use bellhop_s3::S3Store;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A store on a server that answers like this.
async fn store(answer: impl Fn(&Method, &str) -> Response + Send + Sync + 'static) -> (S3Store, Arc<Mutex<Vec<String>>>) {
    scripted(&json!({}), move |asked| answer(&asked.method, &asked.target)).await
}

async fn listing(status: u16, code: &'static str, message: &'static str) -> PortError {
    let (store, _) = store(move |_, _| error(status, code, message)).await;
    FileStore::list(&store, "", None, 1).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_is_of_its_kind_and_says_what_to_do() {
    use PortErrorKind as Kind;
    for (status, code, message, kind, says) in [
        (403, "AccessDenied", "User x is not authorized", Kind::Denied, "s3:ListBucket on files"),
        (403, "InvalidAccessKeyId", "m", Kind::Unauthenticated, "access_key_id"),
        (403, "SignatureDoesNotMatch", "m", Kind::Unauthenticated, "secret_access_key"),
        (400, "ExpiredToken", "m", Kind::Unauthenticated, "has expired"),
        (403, "RequestTimeTooSkewed", "m", Kind::Unauthenticated, "clock"),
        (404, "NoSuchBucket", "m", Kind::Invalid, "there is no bucket files"),
        (301, "PermanentRedirect", "m", Kind::Invalid, "another region"),
        (
            400,
            "AuthorizationHeaderMalformed",
            "the region 'eu-west-1' is wrong; expecting 'sa-east-1'",
            Kind::Invalid,
            "region = \"sa-east-1\"",
        ),
        (503, "SlowDown", "m", Kind::RateLimited, "slow down"),
        (500, "InternalError", "m", Kind::Unavailable, "trouble of its own"),
        (501, "NotImplemented", "m", Kind::Unsupported, "can't do that"),
        (400, "KMS.DisabledException", "m", Kind::Denied, "the KMS key is disabled"),
        (400, "KMS.NotFoundException", "m", Kind::Denied, "no such KMS key"),
        (403, "AccessDenied", "not authorized to perform: kms:Decrypt", Kind::Denied, "kms:GenerateDataKey"),
        (403, "InvalidObjectState", "m", Kind::Unsupported, "archive"),
        (507, "XMinioStorageFull", "m", Kind::Full, "no room"),
        (400, "EntityTooLarge", "m", Kind::TooLarge, "larger"),
        (409, "OperationAborted", "m", Kind::Conflict, "somebody else"),
        (418, "Teapot", "short and stout", Kind::Invalid, "short and stout"),
    ] {
        let got = listing(status, code, message).await;
        assert!(got.kind == kind && got.message.contains(says), "{code}: {got:?}");
        let later = matches!(kind, Kind::RateLimited | Kind::Unavailable | Kind::Full | Kind::TimedOut);
        assert_eq!(got.retry != Retry::No, later, "{code}: {got:?}");
        assert!(!format!("{got:?}").contains("bellhop/test+secret"), "{code}: {got:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_has_no_words_and_is_understood_all_the_same() {
    let with = |status: u16, headers: &'static [(&'static str, &'static str)]| {
        move |_: &Method, _: &str| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            (StatusCode::from_u16(status).unwrap(), map).into_response()
        }
    };
    for (status, headers, kind, says) in [
        (403, &[][..], PortErrorKind::Denied, "s3:ListBucket"),
        (403, &[("date", "Fri, 02 Jan 2026 10:00:00 GMT")], PortErrorKind::Unauthenticated, "ahead of"),
        (301, &[("x-amz-bucket-region", "sa-east-1")], PortErrorKind::Invalid, "region = \"sa-east-1\""),
        (400, &[("x-amz-bucket-region", "sa-east-1")], PortErrorKind::Invalid, "region = \"sa-east-1\""),
        (400, &[], PortErrorKind::Invalid, "doesn't say why"),
        (503, &[("retry-after", "7")], PortErrorKind::Unavailable, "trouble"),
        // What isn't there may be the bucket: it is asked, and isn't there either.
        (404, &[], PortErrorKind::Invalid, "there is no bucket files"),
    ] {
        let (store, _) = store(with(status, headers)).await;
        let got = store.head("f", None).await.unwrap_err();
        assert!(got.kind == kind && got.message.contains(says), "{status} {headers:?}: {got:?}");
        if status == 503 {
            assert_eq!(got.retry, Retry::After(Duration::from_secs(7)));
        }
    }
}

/// A server that has every file with one byte, and does what it is told with what changes it.
fn with_files(changes: impl Fn(&Method, &str) -> Response + Send + Sync + 'static) -> impl Fn(&Method, &str) -> Response {
    move |method, target| match *method {
        Method::HEAD => [("content-length", "1"), ("etag", "\"e\""), ("last-modified", "Mon, 02 Nov 2026 10:00:00 GMT")].into_response(),
        Method::GET if target.contains("versioning") => xml("<VersioningConfiguration/>"),
        _ => changes(method, target),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_inside_of_a_success_is_an_error() {
    let (store, _) = store(with_files(|_, _| error(200, "InternalError", "We encountered an internal error"))).await;
    let got = store.copy("f", "g").await.unwrap_err();
    assert!(got.kind == PortErrorKind::Unavailable && got.retry == Retry::Backoff, "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_can_not_be_put_together_is_given_up() {
    let answer = |method: &Method, target: &str| match *method {
        Method::POST if target.contains("uploads") => {
            xml("<InitiateMultipartUploadResult><Bucket>files</Bucket><Key>f</Key><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
        }
        Method::PUT => [("etag", "\"p\"")].into_response(),
        Method::POST => error(200, "InternalError", "We encountered an internal error"),
        Method::DELETE => StatusCode::NO_CONTENT.into_response(),
        _ => error(404, "NoSuchUpload", "gone"),
    };
    let (store, heard) = store(with_files(answer)).await;
    let bytes = pattern(9 << 20);
    let got = store.write(file("f", None), stream(&bytes)).await.unwrap_err();
    assert_eq!(got.kind, PortErrorKind::Unavailable, "{got:?}");
    let heard = heard.lock().unwrap().clone();
    let count = |what: &str| heard.iter().filter(|line| line.starts_with(what)).count();
    assert_eq!((count("POST /files/f?uploadId=u1"), count("DELETE /files/f")), (3, 1), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_up_and_not_done_twice() {
    // The first answer to putting it together gets lost after the work was done; the second says that there is no upload.
    let asked = Mutex::new(0);
    let answer = move |method: &Method, target: &str| match *method {
        Method::POST if target.contains("uploadId") => {
            let mut asked = asked.lock().unwrap();
            *asked += 1;
            if *asked == 1 { StatusCode::GATEWAY_TIMEOUT.into_response() } else { error(404, "NoSuchUpload", "gone") }
        }
        _ => error(400, "Unexpected", "not asked for"),
    };
    let (store, heard) = store(with_files(answer)).await;
    let part = bellhop_core::ports::PartDone { number: 1, size: 1, checksum: None, receipt: "\"p\"".to_owned() };
    let info = store.finish(&"u1 f".into(), &[part]).await.unwrap();
    assert_eq!(info.size, 1);
    assert_eq!(heard.lock().unwrap().iter().filter(|line| line.starts_with("POST")).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_to_be_repeated_is_asked_once() {
    for (status, code, asked, maybe_done) in [(500, "InternalError", 1, true), (503, "SlowDown", 4, false), (403, "AccessDenied", 1, false)]
    {
        let (store, heard) = store(with_files(move |_, _| error(status, code, "m"))).await;
        let got = store.copy("f", "g").await.unwrap_err();
        assert_eq!(got.maybe_done, maybe_done, "{code}: {got:?}");
        let puts = heard.lock().unwrap().iter().filter(|line| line.starts_with("PUT")).count();
        assert_eq!(puts, asked, "{code}");
    }
    // What only asks is asked again.
    let (store, heard) = store(|_, _| error(500, "InternalError", "m")).await;
    FileStore::list(&store, "", None, 1).await.unwrap_err();
    assert_eq!(heard.lock().unwrap().iter().filter(|line| line.contains("list-type=2")).count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_changed_on_their_way_are_refused() {
    let wrong = |method: &Method, _: &str| match *method {
        Method::PUT => [("etag", "\"e\""), ("x-amz-checksum-crc32", "AAAAAA==")].into_response(),
        _ => [("content-length", "3"), ("etag", "\"e\""), ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=")].into_response(),
    };
    let (store, _) = store(with_files(wrong)).await;
    let got = store.write(file("f", None), stream(&pattern(9))).await.unwrap_err();
    assert!(got.kind == PortErrorKind::Broken && got.retry == Retry::Backoff && got.message.contains("checksum"), "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_stand_where_they_happened() {
    let listing = "<ListVersionsResult><IsTruncated>false</IsTruncated>\
        <Version><Key>f</Key><VersionId>4</VersionId><IsLatest>true</IsLatest><LastModified>2026-11-02T10:00:00.000Z</LastModified><Size>4</Size></Version>\
        <DeleteMarker><Key>f</Key><VersionId>3</VersionId><IsLatest>false</IsLatest><LastModified>2026-11-02T10:00:00.000Z</LastModified></DeleteMarker>\
        <Version><Key>f</Key><VersionId>2</VersionId><IsLatest>false</IsLatest><LastModified>2026-11-02T10:00:00.000Z</LastModified><Size>2</Size></Version>\
        <DeleteMarker><Key>f</Key><VersionId>1</VersionId><IsLatest>false</IsLatest><LastModified>2026-11-02T10:00:00.000Z</LastModified></DeleteMarker>\
        </ListVersionsResult>";
    let (store, _) =
        store(move |_, target| if target.contains("versions") { xml(listing) } else { xml("<VersioningConfiguration/>") }).await;
    let found = store.versions("f").await.unwrap();
    assert_eq!(found.iter().map(|version| version.id.as_str()).collect::<Vec<_>>(), ["4", "3", "2", "1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_are_newer_than_this_program_are_not_touched() {
    let rules = "<LifecycleConfiguration><Rule><ID>new</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter>\
        <Expiration><Days>3</Days></Expiration><Teleport><Days>1</Days></Teleport></Rule></LifecycleConfiguration>";
    let (store, heard) = store(move |_, _| xml(rules)).await;
    let rule = bellhop_core::ports::LifecycleRule {
        id: "r".to_owned(),
        enabled: true,
        expire: Some(bellhop_core::ports::When::Days(1)),
        ..bellhop_core::ports::LifecycleRule::default()
    };
    let got = store.buckets().unwrap().add_lifecycle("files", &rule).await.unwrap_err();
    assert!(got.kind == PortErrorKind::Unsupported && got.message.contains("Teleport"), "{got:?}");
    assert!(heard.lock().unwrap().iter().all(|line| line.starts_with("GET")));
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_changed_meanwhile_are_a_conflict() {
    let asked = Mutex::new(0);
    let (store, heard) = store(move |_, _| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        xml(&format!(
            "<LifecycleConfiguration><Rule><ID>r{asked}</ID><Status>Enabled</Status><Filter><Prefix/></Filter><Expiration><Days>3</Days></Expiration></Rule></LifecycleConfiguration>"
        ))
    })
    .await;
    let got = store.buckets().unwrap().clear_lifecycle("files", Some("none")).await.unwrap_err();
    assert_eq!(got.kind, PortErrorKind::NotFound, "{got:?}");
    let rule = bellhop_core::ports::LifecycleRule {
        id: "r".to_owned(),
        enabled: true,
        expire: Some(bellhop_core::ports::When::Days(1)),
        ..bellhop_core::ports::LifecycleRule::default()
    };
    let got = store.buckets().unwrap().add_lifecycle("files", &rule).await.unwrap_err();
    assert!(got.kind == PortErrorKind::Conflict && got.message.contains("somebody else"), "{got:?}");
    assert!(heard.lock().unwrap().iter().all(|line| line.starts_with("GET")));
}
