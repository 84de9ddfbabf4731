//! Large files, breaks of the network in the middle, and what is left behind by them, which is nothing. What the store says
//! is looked at with Amazon's own client too.

use crate::world::{file, new_store, pattern, store_of, stream};
use bellhop_core::ports::{FileStore, PartWrites as _, ReadRange};
use bellhop_core::{PortError, PortErrorKind};
use bellhop_kit::conformance::files::chunks;
use bellhop_kit::faults::{Fault, FaultProxy};
use bellhop_kit::peers::s3::S3Server;
use bellhop_kit::wait::until;
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

const MIB: usize = 1 << 20;
const LIMIT: Duration = Duration::from_secs(30);

/// Names and unfinished uploads of a bucket, as boto3 sees them.
const LEFT: &str = "
result = {
    'names': [o['Key'] for o in s3.list_objects_v2(Bucket=args['bucket']).get('Contents', [])],
    'uploads': len(s3.list_multipart_uploads(Bucket=args['bucket']).get('Uploads', [])),
}";

async fn read_all(store: &bellhop_s3::S3Store, name: &str) -> Result<Bytes, PortError> {
    let parts: Vec<Bytes> = store.read(name, None, None).await?.bytes.try_collect().await?;
    Ok(parts.concat().into())
}

async fn left(server: &S3Server, bucket: &str) -> serde_json::Value {
    server.boto(LEFT, &json!({ "bucket": bucket })).await.unwrap()
}

fn bucket(store: &bellhop_s3::S3Store) -> String {
    store.buckets().unwrap().own().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_size_arrives_whole_and_as_others_see_it() {
    let server = S3Server::moto().await.unwrap();
    let store = new_store(server.url(), false, &json!({ "sse": "aws:kms", "kms_key": "arn:aws:kms:us-east-1:1:key/k" })).await;
    for (size, known) in [(0, true), (1, false), (8 * MIB, true), (8 * MIB + 1, false), (8 * MIB + 1, true), (27 * MIB + 7, false)] {
        let bytes = pattern(size);
        let name = format!("ü dir/f+{size} {known}");
        let info = store.write(file(&name, known.then_some(size as u64)), stream(&bytes)).await.unwrap();
        assert_eq!((info.size, info.content_type.as_str()), (size as u64, "application/octet-stream"), "{name}");
        let sum = hex::encode(Sha256::digest(&bytes));
        assert_eq!(info.sha256, (size <= 8 * MIB).then(|| sum.clone()), "{name}");
        assert!(read_all(&store, &name).await.unwrap() == bytes, "{name}");
        let script = "
import hashlib
got = s3.get_object(Bucket=args['bucket'], Key=args['key'])
result = [hashlib.sha256(got['Body'].read()).hexdigest(), got['ContentType'], got['ServerSideEncryption'], got['SSEKMSKeyId'], got['Metadata']]";
        let seen = server.boto(script, &json!({ "bucket": bucket(&store), "key": name })).await.unwrap();
        let kept = if size <= 8 * MIB { json!({ "sha256": sum }) } else { json!({}) };
        assert_eq!(seen, json!([sum, "application/octet-stream", "aws:kms", "arn:aws:kms:us-east-1:1:key/k", kept]), "{name}");
    }
    assert_eq!(left(&server, &bucket(&store)).await["uploads"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn checksums_go_along_and_are_looked_at() {
    let server = S3Server::s3s().await.unwrap();
    let store = new_store(server.url(), false, &json!({ "checksums": "when_supported" })).await;
    for size in [5, 20 * MIB] {
        let bytes = pattern(size);
        store.write(file(&format!("f{size}"), None), stream(&bytes)).await.unwrap();
        assert!(read_all(&store, &format!("f{size}")).await.unwrap() == bytes, "{size}");
    }
    // A bit that turns on the server's disk is noticed at the end of reading.
    let path = server.folder().join(bucket(&store)).join("f5");
    let mut stored = std::fs::read(&path).unwrap();
    stored[2] ^= 1;
    std::fs::write(&path, stored).unwrap();
    let error = read_all(&store, "f5").await.unwrap_err();
    assert!(error.kind == PortErrorKind::Broken && error.message.contains("checksum"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_told_as_such() {
    let server = S3Server::s3s().await.unwrap();
    let store = new_store(server.url(), false, &json!({})).await;
    let wrong = store_of(server.url(), &bucket(&store), &json!({ "secret_access_key": "s3cr3t-that-is-wrong" }));
    let error = FileStore::list(&wrong, "", None, 1).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unauthenticated && error.message.contains("secret_access_key"), "{error}");
    let url = store.share("none", None, 60).await.unwrap_err();
    assert_eq!(url.kind, PortErrorKind::NotFound);
    assert!(!format!("{error:?}{error}").contains("s3cr3t"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_late_leaves_nothing() {
    let server = S3Server::moto().await.unwrap();
    let store = new_store(server.url(), false, &json!({})).await;
    let bytes = pattern(20 * MIB);
    let hung_up = || Err(PortError::new(PortErrorKind::Unavailable, "chat.test", "fetch", "the sender hung up"));
    let broken = stream(&bytes).chain(futures::stream::once(async move { hung_up() }));
    let error = store.write(file("f", None), Box::pin(broken)).await.unwrap_err();
    assert!(error.message.contains("hung up"), "{error}");
    // Longer and shorter than announced: a file that grows while it is read, and one that is cut.
    for said in [20 * MIB - 1, 20 * MIB + 1] {
        let error = store.write(file("f", Some(said as u64)), stream(&bytes)).await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Invalid, "{error}");
    }
    assert_eq!(left(&server, &bucket(&store)).await, json!({ "names": [], "uploads": 0 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_goes_away_leaves_nothing() {
    let server = S3Server::moto().await.unwrap();
    let store = new_store(server.url(), false, &json!({})).await;
    let endless = stream(&pattern(20 * MIB)).chain(futures::stream::pending());
    let mut writing = Box::pin(store.write(file("f", None), Box::pin(endless)));
    let begun = || async { (left(&server, &bucket(&store)).await["uploads"] == 1).then_some(()) };
    tokio::select! {
        done = &mut writing => panic!("writing ended before its stream did: {done:?}"),
        () = until(LIMIT, "the upload to begin", begun) => {}
    }
    drop(writing);
    let gone = || async { (left(&server, &bucket(&store)).await == json!({ "names": [], "uploads": 0 })).then_some(()) };
    until(LIMIT, "the upload to be given up", gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_in_the_middle_leaves_nothing_and_a_later_try_works() {
    let server = S3Server::moto().await.unwrap();
    let direct = new_store(server.url(), false, &json!({})).await;
    let proxy = FaultProxy::start(server.url().trim_start_matches("http://").parse().unwrap()).await.unwrap();
    let store = store_of(&proxy.url(), &bucket(&direct), &json!({}));
    let bytes = pattern(30 * MIB);
    // Every connection is reset before a part is through.
    proxy.set(Fault::ResetAfter(5_000_000));
    let error = store.write(file("f", Some(bytes.len() as u64)), stream(&bytes)).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unavailable && error.message.contains("broke"), "{error:?}");
    proxy.set(Fault::None);
    let gone = || async { (left(&server, &bucket(&direct)).await == json!({ "names": [], "uploads": 0 })).then_some(()) };
    until(LIMIT, "the upload to be given up", gone).await;
    store.write(file("f", Some(bytes.len() as u64)), stream(&bytes)).await.unwrap();
    assert!(read_all(&direct, "f").await.unwrap() == bytes);
    // Down from the start: nothing was done, and the caller can tell.
    proxy.set(Fault::Down);
    let error = store.write(file("g", Some(1)), stream(&pattern(1))).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Unavailable, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_goes_on_after_a_break() {
    let server = S3Server::s3s().await.unwrap();
    let direct = new_store(server.url(), false, &json!({})).await;
    let bytes = pattern(12 * MIB);
    direct.write(file("f", None), stream(&bytes)).await.unwrap();
    let proxy = FaultProxy::start(server.url().trim_start_matches("http://").parse().unwrap()).await.unwrap();
    let store = store_of(&proxy.url(), &bucket(&direct), &json!({}));
    proxy.set(Fault::ResetAfter(5_000_000));
    assert!(read_all(&store, "f").await.unwrap() == bytes);
    assert!(proxy.connections() >= 3, "{}", proxy.connections());
    let range = ReadRange { start: 3, length: Some(7_000_000) };
    let part: Vec<Bytes> = store.read("f", None, Some(range)).await.unwrap().bytes.try_collect().await.unwrap();
    assert!(part.concat() == bytes[3..7_000_003]);
    // Replaced meanwhile, the rest is not taken for the rest of the same.
    let mut reading = store.read("f", None, None).await.unwrap().bytes;
    let mut got = reading.next().await.unwrap().unwrap().len();
    direct.write(file("f", None), stream(&bytes.slice(1..))).await.unwrap();
    let end = loop {
        match reading.next().await {
            Some(Ok(chunk)) => got += chunk.len(),
            Some(Err(error)) => break error,
            None => panic!("a replaced file was read to its end, {got} bytes"),
        }
    };
    assert!(matches!(end.kind, PortErrorKind::Conflict | PortErrorKind::Unavailable), "{end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_pass_through_and_are_taken_up_again() {
    let server = S3Server::moto().await.unwrap();
    let store = new_store(server.url(), true, &json!({})).await;
    let upload = store.begin(&file("big", Some(60 * MIB as u64))).await.unwrap();
    // A part that is too large to be held in memory, of exactly its length or refused.
    let large = pattern(20 * MIB);
    let put = |said: usize| store.put(&upload.id, 1, said as u64, stream(&large));
    for wrong in [20 * MIB - 1, 20 * MIB + 1] {
        assert_eq!(put(wrong).await.unwrap_err().kind, PortErrorKind::Invalid, "{wrong}");
    }
    assert_eq!(store.done(&upload.id).await.unwrap(), []);
    let one = put(20 * MIB).await.unwrap();
    // Another process goes on, knowing nothing but the upload's name.
    let other = store_of(server.url(), &bucket(&store), &json!({}));
    assert_eq!(other.done(&upload.id).await.unwrap().iter().map(|part| (part.number, part.size)).collect::<Vec<_>>(), [(1, one.size)]);
    let two = other.put(&upload.id, 2, 3, chunks(vec![Ok(Bytes::from_static(b"end"))])).await.unwrap();
    let info = other.finish(&upload.id, &[two, one]).await.unwrap();
    assert_eq!((info.size, info.name.as_str()), (20 * MIB as u64 + 3, "big"));
    let got = read_all(&store, "big").await.unwrap();
    assert!(got[..20 * MIB] == large && &got[20 * MIB..] == b"end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_checked_in_words() {
    let server = S3Server::moto().await.unwrap();
    let store = new_store(server.url(), true, &json!({})).await;
    let found = store.check().await.unwrap();
    assert!(found.iter().all(|one| one.good) && found.iter().any(|one| one.text.contains("older versions are kept")), "{found:?}");
    let gone = store_of(server.url(), "no-such-bucket", &json!({})).check().await.unwrap();
    assert!(gone.iter().any(|one| !one.good && one.text.contains("there is no bucket no-such-bucket")), "{gone:?}");
    let nowhere = store_of("http://127.0.0.1:9", "b", &json!({})).check().await.unwrap_err();
    assert!(nowhere.message.contains("can't be reached"), "{nowhere}");
    let none = store_of(server.url(), "b", &json!({ "region": "eu-west-1" }));
    assert!(FileStore::list(&none, "", None, 1).now_or_never().is_none_or(|done| done.is_err()));
}
