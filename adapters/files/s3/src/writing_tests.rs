//! Parts that are too large for memory, with a limit that is low enough for a test.

use super::*;
use crate::plan::Sizes;
use bellhop_core::ports::{Buckets as _, FileStore as _};
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::peers::s3::{ACCESS_KEY, S3Server, SECRET_KEY};
use futures::TryStreamExt as _;
use serde_json::json;
use std::sync::Arc;

const SIZE: usize = 25_000_000;

fn bytes() -> Bytes {
    (0..u32::try_from(SIZE / 4).unwrap_or(0)).flat_map(u32::to_le_bytes).collect()
}

fn stream(bytes: &Bytes, broken: bool) -> ByteStream {
    let mut chunks: Vec<PortResult<Bytes>> = bytes.chunks(100_001).map(|chunk| Ok(bytes.slice_ref(chunk))).collect();
    if broken {
        chunks.pop();
        chunks.push(Err(PortError::new(PortErrorKind::Unavailable, "chat.test", "fetch", "the sender hung up")));
    }
    Box::pin(futures::stream::iter(chunks))
}

#[tokio::test(flavor = "multi_thread")]
async fn large_parts_pass_through_or_through_a_file() {
    let server = S3Server::moto().await.unwrap();
    let config = json!({ "bucket": "parts", "endpoint": server.url(), "access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY });
    let mut store = S3Store::new("s3".into(), serde_json::from_value(config).unwrap(), Arc::new(StoppedClock::default())).unwrap();
    store.sizes = Sizes { held: 1 << 20, ..Sizes::default() };
    store.create("parts").await.unwrap();
    let whole = bytes();
    for (name, size) in [("passing", Some(SIZE as u64)), ("kept", None)] {
        let file = |said| NewFile::new(name.to_owned(), "text/plain".to_owned(), said);
        let error = store.write(file(size), stream(&whole, true)).await.unwrap_err();
        assert!(error.message.contains("hung up"), "{error}");
        if size.is_some() {
            for wrong in [SIZE - 1, SIZE + 1] {
                let error = store.write(file(Some(wrong as u64)), stream(&whole, false)).await.unwrap_err();
                assert_eq!(error.kind, PortErrorKind::Invalid, "{error}");
            }
        }
        assert_eq!(store.write(file(size), stream(&whole, false)).await.unwrap().size, SIZE as u64);
        let got: Vec<Bytes> = store.read(name, None, None).await.unwrap().bytes.try_collect().await.unwrap();
        assert!(got.concat() == whole, "{name}");
    }
    let left = "result = [[o['Key'] for o in s3.list_objects_v2(Bucket='parts')['Contents']], len(s3.list_multipart_uploads(Bucket='parts').get('Uploads', []))]";
    assert_eq!(server.boto(left, &json!({})).await.unwrap(), json!([["kept", "passing"], 0]));
}
