//! Copies that are too large for one request, with sizes that are small enough for a test.

use super::*;
use crate::plan::Sizes;
use bellhop_core::ports::{Buckets as _, FileEncryption, FileStore as _, NewFile};
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::peers::s3::{ACCESS_KEY, S3Server, SECRET_KEY};
use bytes::Bytes;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_copy_is_made_of_parts_and_keeps_what_is_known() {
    let server = S3Server::moto().await.unwrap();
    let config = json!({ "bucket": "copies", "endpoint": server.url(), "access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY,
        "keys": { "legal": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=" } });
    let mut store = S3Store::new("s3".into(), serde_json::from_value(config).unwrap(), Arc::new(StoppedClock::default())).unwrap();
    store.sizes = Sizes { copy_at_once: 1 << 20, copy_part: 5 << 20, ..Sizes::default() };
    store.create("copies").await.unwrap();
    let bytes: Bytes = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let tags: BTreeMap<String, String> = [("project".to_owned(), "bell=hop".to_owned())].into();
    for encryption in [None, Some(FileEncryption::Kms { key: Some("k".to_owned()) }), Some(FileEncryption::Key("legal".to_owned()))] {
        let file = NewFile { tags: tags.clone(), encryption: encryption.clone(), ..NewFile::new("a b/ü", "image/x-odd", None) };
        let whole = bytes.clone();
        store.write(file, Box::pin(futures::stream::once(async move { Ok(whole) }))).await.unwrap();
        let info = store.copy("a b/ü", "copy").await.unwrap();
        assert_eq!((info.size, info.content_type.as_str(), &info.encryption), (12_000_000, "image/x-odd", &encryption));
        assert_eq!(store.tags("copy").await.unwrap(), tags);
        let got: Vec<Bytes> = store.read("copy", None, None).await.unwrap().bytes.try_collect().await.unwrap();
        assert!(got.concat() == bytes);
    }
    let etag = "result = s3.list_objects_v2(Bucket='copies', Prefix='copy')['Contents'][0]['ETag']";
    assert!(server.boto(etag, &json!({})).await.unwrap().as_str().unwrap().contains("-3"), "it was not copied in three parts");
    let left = "result = len(s3.list_multipart_uploads(Bucket='copies').get('Uploads', []))";
    assert_eq!(server.boto(left, &json!({})).await.unwrap(), 0);
}
