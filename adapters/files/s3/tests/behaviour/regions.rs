//! Buckets in other regions than the configured one.

use crate::scripted::{Asked, begun, error, known, scripted, xml};
use crate::world::{file, pattern, stream};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{FileStore, PartWrites as _, Versioning};
use serde_json::json;

/// As AWS says it: to a HEAD in headers alone.
fn elsewhere(asked: &Asked, region: &'static str) -> Response {
    if asked.method == Method::HEAD {
        return (StatusCode::MOVED_PERMANENTLY, [("x-amz-bucket-region", region)]).into_response();
    }
    let body = format!(
        "<Error><Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed; the region '{}' is wrong; \
         expecting '{region}'</Message><Region>{region}</Region></Error>",
        asked.region()
    );
    (StatusCode::BAD_REQUEST, body).into_response()
}

fn there(asked: &Asked) -> Response {
    match asked.method {
        Method::HEAD => known(3),
        Method::POST if asked.target.contains("uploads") => begun("u1"),
        Method::GET if asked.target.contains("versioning") => {
            xml("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
        }
        Method::GET => xml("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"),
        _ => [("etag", "\"e\"")].into_response(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_in_another_region_is_found_there_once() {
    let answer = |asked: &Asked| match asked.region() {
        "sa-east-1" if asked.target.starts_with("/files") => there(asked),
        "eu-north-1" if asked.target.starts_with("/others") => there(asked),
        _ if asked.target.starts_with("/others") => elsewhere(asked, "eu-north-1"),
        _ => elsewhere(asked, "sa-east-1"),
    };
    let (store, heard) = scripted(&json!({}), answer).await;
    assert_eq!(FileStore::list(&store, "", None, 1).await.unwrap().files, []);
    assert_eq!(store.head("f", None).await.unwrap().size, 3);
    store.write(file("f", None), stream(&pattern(3))).await.unwrap();
    let link = store.share("f", None, 60).await.unwrap().unwrap();
    assert!(link.contains("sa-east-1"), "{link}");
    let upload = store.begin(&file("f", Some(9))).await.unwrap();
    store.put(&upload.id, 1, 9, stream(&pattern(9))).await.unwrap();
    // Asked for its versions it was told; every other request went to the right place.
    let asked = heard.lock().unwrap().clone();
    assert_eq!(asked.iter().filter(|line| line.contains("versioning")).count(), 2, "{asked:?}");
    assert_eq!(asked.iter().filter(|line| line.starts_with("PUT /files/f?x-id=PutObject")).count(), 1, "{asked:?}");
    // Another bucket has its own.
    assert_eq!(store.buckets().unwrap().versioning("others").await.unwrap(), Versioning::On);
    let found = store.check().await.unwrap();
    assert!(found.iter().any(|one| one.text.contains("region = \"sa-east-1\"")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_followed_too_and_what_goes_round_is_not() {
    // Told by HEAD alone, with both statuses that there are.
    for status in [301, 400] {
        let answer = move |asked: &Asked| match asked.region() {
            "sa-east-1" => there(asked),
            _ if asked.method == Method::HEAD => {
                (StatusCode::from_u16(status).unwrap(), [("x-amz-bucket-region", "sa-east-1")]).into_response()
            }
            _ => error(403, "AccessDenied", "m"),
        };
        let (store, _) = scripted(&json!({}), answer).await;
        assert_eq!(store.head("f", None).await.unwrap().size, 3, "{status}");
    }
    // Sent to and fro it gives up, and says where it was sent last.
    let answer = |asked: &Asked| match asked.region() {
        "sa-east-1" => elsewhere(asked, "eu-north-1"),
        _ => elsewhere(asked, "sa-east-1"),
    };
    let (store, heard) = scripted(&json!({}), answer).await;
    let got = FileStore::list(&store, "", None, 1).await.unwrap_err();
    assert!(got.kind == PortErrorKind::Invalid && got.message.contains("write region = "), "{got:?}");
    assert!(heard.lock().unwrap().len() <= 6, "{:?}", heard.lock().unwrap());
    // A region that can't be one goes into no address.
    let (store, heard) = scripted(&json!({}), |asked| elsewhere(asked, "evil.example/")).await;
    FileStore::list(&store, "", None, 1).await.unwrap_err();
    assert_eq!(heard.lock().unwrap().len(), 2, "{:?}", heard.lock().unwrap());
}
