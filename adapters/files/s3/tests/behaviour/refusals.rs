//! What goes wrong while something is written: of its kind, with what to do, and nothing half written or left behind.

use crate::scripted::{Asked, begun, error, known, scripted, xml};
use crate::world::{file, pattern, stream};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bellhop_core::PortErrorKind as Kind;
use bellhop_core::ports::{Encryption, FileEncryption, FileStore, NewFile, PartDone, PartWrites as _};
use futures::future::join_all;
use serde_json::json;
use std::sync::{Arc, Mutex};

const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

/// A server that can do everything, but what is told otherwise.
fn but(otherwise: impl Fn(&Asked) -> Option<Response>) -> impl Fn(&Asked) -> Response {
    move |asked| {
        if let Some(answer) = otherwise(asked) {
            return answer;
        }
        let has = |what: &str| asked.target.contains(what);
        match asked.method {
            Method::HEAD => known(3),
            Method::POST if has("uploads") => begun("u1"),
            Method::POST => xml("<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>"),
            Method::PUT => [("etag", "\"e\"")].into_response(),
            Method::DELETE => StatusCode::NO_CONTENT.into_response(),
            _ if has("versioning") => xml("<VersioningConfiguration/>"),
            _ => error(404, "NoSuchUpload", "gone"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_of_failing_leaves_nothing_and_says_what_to_do() {
    let cases = [
        (507, "XMinioStorageFull", "Storage backend has reached its minimum free drive threshold", Kind::Full, "no room left"),
        (500, "InternalError", "write /data/x: no space left on device", Kind::Full, "no room left"),
        (503, "SlowDown", "Please reduce your request rate.", Kind::RateLimited, "slow down"),
        (500, "InternalError", "We encountered an internal error", Kind::Unavailable, "trouble of its own"),
        (403, "RequestTimeTooSkewed", "The difference is too large", Kind::Unauthenticated, "clock is 210 min ahead of"),
        (400, "ExpiredToken", "The provided token has expired.", Kind::Unauthenticated, "renew it"),
        (403, "InvalidAccessKeyId", "m", Kind::Unauthenticated, "`access_key_id` in [files.s3]"),
        (400, "KMS.DisabledException", "m", Kind::Denied, "KMS key is disabled"),
        (404, "NoSuchBucket", "m", Kind::Invalid, "there is no bucket files"),
        (403, "AccessDenied", "m", Kind::Denied, "s3:PutObject on files"),
    ];
    let tried = cases.into_iter().flat_map(|case| [3, 9 << 20].map(|size| (case, size)));
    join_all(tried.map(|((status, code, message, kind, says), size)| async move {
        // A small file is refused at once, and a large one in the middle: its second part.
        let refuse = but(move |asked| {
            let here = asked.method == Method::PUT && (size == 3 || asked.target.contains("partNumber=2"));
            let date = [("date", "Mon, 02 Nov 2026 08:30:00 GMT")];
            here.then(|| {
                if code == "RequestTimeTooSkewed" {
                    (date, error(status, code, message)).into_response()
                } else {
                    error(status, code, message)
                }
            })
        });
        let (store, heard) = scripted(&json!({}), refuse).await;
        let got = store.write(file("f", None), stream(&pattern(size))).await.unwrap_err();
        assert!(got.kind == kind && got.message.contains(says), "{code} {size}: {got:?}");
        let heard = heard.lock().unwrap().clone();
        let count = |what: &str| heard.iter().filter(|line| line.starts_with(what)).count();
        let given_up = usize::from(size > 3);
        assert_eq!((count("POST /files/f?uploadId"), count("DELETE /files/f?")), (0, given_up), "{code} {size}: {heard:?}");
    }))
    .await;
}

/// A file under a key of the owner's.
fn under_key() -> NewFile {
    NewFile { encryption: Some(FileEncryption::Key("legal".to_owned())), ..file("f", None) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_refuses_owners_keys_says_what_to_set() {
    for size in [3, 9 << 20] {
        let refuse =
            but(|asked| asked.header("x-amz-server-side-encryption-customer-key").map(|_| error(403, "AccessDenied", "Access Denied")));
        let (store, _) = scripted(&json!({ "keys": { "legal": KEY } }), refuse).await;
        let got = store.write(under_key(), stream(&pattern(size))).await.unwrap_err();
        assert!(got.kind == Kind::Denied && got.message.contains("BlockedEncryptionTypes to NONE"), "{got:?}");
        assert!(!format!("{got:?}").contains(KEY), "{got:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ignores_encryption_or_tags_gets_no_byte() {
    for asked in [FileEncryption::Aes256, FileEncryption::Kms { key: None }, FileEncryption::Key("legal".to_owned())] {
        let (store, heard) = scripted(&json!({ "keys": { "legal": KEY } }), but(|_| None)).await;
        assert!(store.encryptions().contains(&asked));
        for size in [0, 3, 9 << 20] {
            let wanted = NewFile { encryption: Some(asked.clone()), ..file("f", None) };
            let got = store.write(wanted, stream(&pattern(size))).await.unwrap_err();
            assert!(got.kind == Kind::Unsupported && got.message.contains("doesn't encrypt"), "{asked} {size}: {got:?}");
        }
        assert!(!store.encryptions().contains(&asked));
        let heard = heard.lock().unwrap().clone();
        assert!(heard.iter().all(|line| !line.starts_with("PUT")), "{heard:?}");
        assert_eq!(heard.iter().filter(|line| line.starts_with("DELETE")).count(), 3, "{heard:?}");
    }
    let no_tags = but(|asked| (asked.method == Method::GET && asked.target.contains("tagging")).then(|| error(501, "NotImplemented", "m")));
    let (store, heard) = scripted(&json!({}), no_tags).await;
    let tagged = NewFile { tags: [("a".to_owned(), "b".to_owned())].into(), ..file("f", Some(3)) };
    assert_eq!(store.write(tagged.clone(), stream(&pattern(3))).await.unwrap_err().kind, Kind::Unsupported);
    assert_eq!(store.begin(&tagged).await.unwrap_err().kind, Kind::Unsupported);
    assert!(heard.lock().unwrap().iter().all(|line| line.starts_with("GET")), "{:?}", heard.lock().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_on_a_file_under_a_key_has_it() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = seen.clone();
    let answer = but(move |asked| {
        let prefix = "x-amz-server-side-encryption-customer-";
        let all = ["algorithm", "key", "key-md5"].map(|part| asked.header(&format!("{prefix}{part}")).map(str::to_owned));
        let about = asked.target.starts_with("/files/f") && asked.method != Method::DELETE && !asked.target.contains("tagging");
        if about && all == [Some("AES256".to_owned()), Some(KEY.to_owned()), Some("y4HAEFCYWuvAXWFTtA1Qpg==".to_owned())] {
            noted.lock().unwrap().push(format!("{} {}", asked.method, asked.target.split('?').nth(1).unwrap_or_default()));
        } else if about {
            return Some(error(400, "InvalidRequest", "The object was stored using a form of Server Side Encryption."));
        }
        let headers = [("x-amz-server-side-encryption-customer-algorithm", "AES256"), ("etag", "\"e\"")];
        (asked.method == Method::POST && asked.target.contains("uploads")).then(|| (headers, begun("u1")).into_response())
    });
    let (store, heard) = scripted(&json!({ "keys": { "legal": KEY } }), answer).await;
    store.write(under_key(), stream(&pattern(9 << 20))).await.unwrap();
    let upload = store.begin(&NewFile { size: Some(3), ..under_key() }).await.unwrap();
    assert!(!upload.id.as_str().contains(KEY) && upload.id.as_str().contains("legal"), "{}", upload.id);
    store.put(&upload.id, 1, 3, stream(&pattern(3))).await.unwrap();
    store.done(&upload.id).await.unwrap_err();
    let seen = seen.lock().unwrap().clone();
    let has = |what: &str| seen.iter().any(|line| line.contains(what));
    for what in ["POST uploads", "partNumber=2", "POST uploadId=u1", "HEAD ", "GET x-id=ListParts"] {
        assert!(has(what), "{what}: {seen:?} of {:?}", heard.lock().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_do_not_travel_in_the_open() {
    let store = crate::world::store_of("http://minio.example:9000", "files", &json!({ "keys": { "legal": KEY } }));
    assert_eq!(store.encryptions(), [FileEncryption::Aes256, FileEncryption::Kms { key: None }]);
    let got = store.write(under_key(), stream(&pattern(3))).await.unwrap_err();
    assert!(got.kind == Kind::Invalid && got.message.contains("https only"), "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_beyond_a_page_are_listed_and_wrong_ones_refused() {
    let page = |from: u32, to: u32, next: &str| {
        let part = |n| format!("<Part><PartNumber>{n}</PartNumber><ETag>\"e{n}\"</ETag><Size>5242880</Size></Part>");
        let parts: String = (from..=to).map(part).collect();
        xml(&format!("<ListPartsResult>{parts}{next}</ListPartsResult>"))
    };
    let answer = but(move |asked| match asked.method {
        Method::GET if asked.target.contains("part-number-marker=1000") => Some(page(1001, 1500, "<IsTruncated>false</IsTruncated>")),
        Method::GET if asked.target.contains("uploadId") => {
            Some(page(1, 1000, "<IsTruncated>true</IsTruncated><NextPartNumberMarker>1000</NextPartNumberMarker>"))
        }
        Method::POST => Some(error(400, "InvalidPart", "One or more of the specified parts could not be found.")),
        _ => None,
    });
    let (store, _) = scripted(&json!({}), answer).await;
    let parts = store.done(&"u1 f".into()).await.unwrap();
    assert_eq!(parts.iter().map(|part| part.number).collect::<Vec<_>>(), (1..=1500).collect::<Vec<_>>());
    let wrong = PartDone { number: 1, size: 3, checksum: None, receipt: "\"x\"".to_owned() };
    let got = store.finish(&"u1 f".into(), &[wrong]).await.unwrap_err();
    assert!(got.kind == Kind::Invalid && got.message.contains("list the parts") && !got.maybe_done, "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sizes_of_parts_hold_the_largest_file() {
    let (store, _) = scripted(&json!({}), but(|_| None)).await;
    for (total, size, count) in [(1, 8 << 20, 1), (50_000_000_000_000, 4769 << 20, 9999), (10_000 * (5 << 30), 5 << 30, 10_000)] {
        let upload = store.begin(&file("f", Some(total))).await.unwrap();
        assert_eq!((upload.part_size, upload.parts), (size, count), "{total}");
    }
    assert_eq!(store.begin(&file("f", Some(10_000 * (5 << 30) + 1))).await.unwrap_err().kind, Kind::TooLarge);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_blocks_encryption_stays_when_the_default_changes() {
    let sent: Arc<Mutex<String>> = Arc::default();
    let noted = sent.clone();
    let aws = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>\
        </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled><BlockedEncryptionTypes>\
        <EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>";
    let (store, _) = scripted(&json!({}), move |asked| {
        if asked.method == Method::PUT {
            noted.lock().unwrap().clone_from(&asked.body);
        }
        xml(aws)
    })
    .await;
    let buckets = store.buckets().unwrap();
    assert_eq!(buckets.encryption("files").await.unwrap(), Encryption::Aes256);
    buckets.set_encryption("files", &Encryption::Kms { key: None, bucket_key: true }).await.unwrap();
    let sent = sent.lock().unwrap().clone();
    for part in
        ["<SSEAlgorithm>aws:kms</SSEAlgorithm>", "<EncryptionType>SSE-C</EncryptionType>", "<BucketKeyEnabled>true</BucketKeyEnabled>"]
    {
        assert!(sent.contains(part), "{sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_words_is_explained_by_a_get() {
    for (code, message, kind, says) in [
        ("ExpiredToken", "m", Kind::Unauthenticated, "has expired"),
        (
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption.",
            Kind::Denied,
            "write that key into [files.s3.keys]",
        ),
    ] {
        let answer = but(move |asked| match asked.method {
            Method::HEAD => Some(StatusCode::BAD_REQUEST.into_response()),
            Method::GET if asked.target.starts_with("/files/f") => Some(error(400, code, message)),
            _ => None,
        });
        let (store, _) = scripted(&json!({}), answer).await;
        let got = store.head("f", None).await.unwrap_err();
        assert!(got.kind == kind && got.message.contains(says), "{code}: {got:?}");
        let got = store.read("f", None, None).await.err().unwrap();
        assert!(got.kind == kind && got.message.contains(says), "{code}: {got:?}");
    }
}
