//! The S3 store on Ceph's gateway, whose semantics are the truest among the peers: the contract's sentences, and what only a
//! server shows that does what it is told, such as rules that run and links that end.
//!
//! One server for everything, since it takes longer to start than the others.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

use bellhop_core::PortErrorKind;
use bellhop_core::ports::{Buckets as _, FileStore, LifecycleFilter, LifecycleRule, NewFile, When};
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::conformance::files::chunks;
use bellhop_kit::conformance::{Report, buckets, files};
use bellhop_kit::peers::s3::{ACCESS_KEY, S3Server, SECRET_KEY};
use bellhop_kit::wait::until;
use bellhop_s3::{S3Config, S3Store};
use bytes::Bytes;
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(1);
/// How many buckets are there at the beginning.
const BUCKETS: u32 = 120;
static GIVEN: AtomicU32 = AtomicU32::new(0);

/// The server, with buckets that nothing is said about: with the block of public access that a bucket of Bellhop's has, this
/// one refuses everything that is written (`the_block_of_public_access_stops_writing`).
async fn started() -> S3Server {
    let server = S3Server::rados().await.unwrap();
    let make = "for n in range(args): s3.create_bucket(Bucket=f'bell-{n}')";
    server.boto(make, &json!(BUCKETS)).await.unwrap();
    server
}

fn store_of(server: &S3Server, bucket: &str, more: &Value) -> S3Store {
    let mut config = json!({ "bucket": bucket, "endpoint": server.url(), "access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    let config: S3Config = serde_json::from_value(config).unwrap();
    S3Store::new("s3".into(), config, Arc::new(StoppedClock::default())).unwrap()
}

/// A store on an empty bucket.
async fn new_store(server: &S3Server, versions: bool, more: &Value) -> S3Store {
    let number = GIVEN.fetch_add(1, Ordering::SeqCst);
    assert!(number < BUCKETS, "more buckets are needed");
    let bucket = format!("bell-{number}");
    let store = store_of(server, &bucket, more);
    if versions {
        store.set_versioning(&bucket, true).await.unwrap();
    }
    store
}

async fn write(store: &S3Store, name: &str, content: &'static str) {
    let file = NewFile::new(name.to_owned(), "text/plain".to_owned(), Some(content.len() as u64));
    store.write(file, chunks(vec![Ok(Bytes::from_static(content.as_bytes()))])).await.unwrap();
}

async fn judge(server: &S3Server, versions: bool, more: Value) -> Report {
    files::report(|| async { Arc::new(new_store(server, versions, &more).await) as Arc<dyn FileStore> }).await
}

/// What it does otherwise than S3 with files that have versions: it keeps the tags of one whose tags are all taken away.
const OF_VERSIONS: [&str; 1] = ["Replaces all tags of a file."];

/// What it does otherwise with single files' encryption and tags: it takes KMS only with the name of a key, and without a key
/// service none can be named here; and it drops the tags of what is written in parts.
const OF_FILES: [&str; 7] = [
    "Tags and an encryption of its own are the copy's too.",
    "So too for a file under a key that only the bot has: whoever follows an address has no key to send.",
    "Short texts under short names that go with it; refused as `Unsupported` where the store has none and some are given.",
    "The ways of encrypting a single file that this store can be asked for now, the usual first; empty where there is no choice.",
    "How it is encrypted where it lies, where not as the store does it by itself; refused as `Unsupported` or `Invalid` where the store can't: nothing is ever written less protected than was asked.",
    "How it is encrypted where it lies, where the store says so.",
    "Type, tags and encryption are those of the finished file, and refused as when it is written at once.",
];

/// What it does otherwise with buckets. It doesn't know of encryption by default, gives a bucket that is closed another name
/// in its answer, and orders the rules of a lifecycle by their ids.
const OF_BUCKETS: [&str; 1] = ["Every other rule stays as it is, also what of it can't be told in the words of [`LifecycleRule`]."];

#[tokio::test(flavor = "multi_thread")]
async fn it_breaks_only_what_it_does_otherwise() {
    let server = started().await;
    let report = judge(&server, true, json!({})).await;
    let besides = |report: &Report| report.broken().filter(|sentence| !OF_FILES.contains(sentence)).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(besides(&report), OF_VERSIONS, "{report}");
    assert_eq!(report.broken().count(), OF_FILES.len() + OF_VERSIONS.len(), "{report}");
    let report = judge(&server, false, json!({ "prefix": "bell hop/ü+/" })).await;
    assert!(besides(&report).is_empty(), "{report}");
    let report = buckets::report(|| async { Arc::new(new_store(&server, false, &json!({})).await) as Arc<dyn FileStore> }).await;
    assert!(report.broken().eq(OF_BUCKETS), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_what_it_is_told() {
    let server = started().await;
    the_block_of_public_access_stops_writing(&server).await;
    // Rules run beside everything else.
    tokio::join!(rules_run(&server), links_end(&server), keys_of_customers_are_needed(&server), deletions_are_marks(&server));
}

/// Ceph 16 takes whatever is written to such a bucket for a grant to strangers. Newer ones don't.
async fn the_block_of_public_access_stops_writing(server: &S3Server) {
    let store = store_of(server, "closed", &json!({}));
    store.create("closed").await.unwrap();
    let file = NewFile::new("f".to_owned(), "text/plain".to_owned(), Some(1));
    let refused = store.write(file, chunks(vec![Ok(Bytes::from_static(b"x"))])).await.unwrap_err();
    assert!(refused.kind == PortErrorKind::Denied && refused.message.contains("s3:PutObject on closed"), "{refused}");
    server.boto("s3.delete_public_access_block(Bucket='closed')", &Value::Null).await.unwrap();
    write(&store, "f", "x").await;
}

/// A file expires when its rule says so, and only that one; where versions are kept it is marked as deleted, and its older
/// versions go in their time.
async fn rules_run(server: &S3Server) {
    let plain = new_store(server, false, &json!({})).await;
    let versioned = new_store(server, true, &json!({})).await;
    let rule = LifecycleRule {
        id: "tmp".to_owned(),
        enabled: true,
        filter: LifecycleFilter { prefix: "tmp/".to_owned(), ..LifecycleFilter::default() },
        expire: Some(When::Days(1)),
        ..LifecycleRule::default()
    };
    for store in [&plain, &versioned] {
        write(store, "tmp/a", "a").await;
        write(store, "kept/b", "b").await;
        store.add_lifecycle(store.own(), &rule).await.unwrap();
    }
    for store in [&plain, &versioned] {
        let gone = || async { store.head("tmp/a", None).await.is_err_and(|error| error.kind == PortErrorKind::NotFound).then_some(()) };
        until(LIMIT, "the file to expire", gone).await;
        assert_eq!(store.head("kept/b", None).await.unwrap().size, 1);
    }
    let versions = versioned.versions("tmp/a").await.unwrap();
    assert_eq!(versions.iter().map(|version| (version.deletion, version.current)).collect::<Vec<_>>(), [(true, true), (false, false)]);
    versioned.clear_lifecycle(versioned.own(), None).await.unwrap();
    assert_eq!(versioned.restore("tmp/a", None).await.unwrap().size, 1);
    assert_eq!(plain.versions("tmp/a").await.unwrap_err().kind, PortErrorKind::NotFound);
}

/// A link gives the file to anyone, for its name and time only.
async fn links_end(server: &S3Server) {
    let store = new_store(server, false, &json!({})).await;
    write(&store, "dir/a b+ü.txt", "shared").await;
    write(&store, "dir/secret", "secret").await;
    let fetch = "
import urllib.request, urllib.error
def fetch(url):
    try: return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url).read().decode()
    except urllib.error.HTTPError as error: return error.code
result = [fetch(url) for url in args]";
    let long = store.share("dir/a b+ü.txt", None, 600).await.unwrap().unwrap();
    let short = store.share("dir/a b+ü.txt", None, 1).await.unwrap().unwrap();
    let path = |name: &str| long.find("/dir/").map(|at| format!("{}/dir/{name}?{}", &long[..at], long.split_once('?').unwrap().1));
    let longer = long.replacen("X-Amz-Expires=600", "X-Amz-Expires=601", 1);
    assert_ne!(longer, long);
    let got = server.boto(fetch, &json!([long, path("secret").unwrap(), longer])).await.unwrap();
    assert_eq!(got, json!(["shared", 403, 403]));
    let ended = || async { (server.boto(fetch, &json!([short])).await.unwrap() == json!([403])).then_some(()) };
    until(LIMIT, "the link to expire", ended).await;
}

/// What somebody wrote under a key of their own can't be read without it, and what is said of it says so.
async fn keys_of_customers_are_needed(server: &S3Server) {
    let store = new_store(server, false, &json!({})).await;
    let sealed = "
key = b'0123456789abcdef0123456789abcdef'
s3.put_object(Bucket=args, Key='sealed', Body=b'sealed', SSECustomerAlgorithm='AES256', SSECustomerKey=key)
result = s3.get_object(Bucket=args, Key='sealed', SSECustomerAlgorithm='AES256', SSECustomerKey=key)['Body'].read().decode()
try: s3.get_object(Bucket=args, Key='sealed')
except ClientError as error: result = [result, error.response['ResponseMetadata']['HTTPStatusCode']]";
    assert_eq!(server.boto(sealed, &json!(store.own())).await.unwrap(), json!(["sealed", 400]));
    let unread = store.read("sealed", None, None).await.map(|_| ()).unwrap_err();
    assert!(unread.kind != PortErrorKind::NotFound, "{unread:?}");
    let unseen = store.head("sealed", None).await.unwrap_err();
    assert!(unseen.message.contains("key"), "{unseen}");
}

/// Deletions of others are marks, and taken back as such.
async fn deletions_are_marks(server: &S3Server) {
    let store = new_store(server, true, &json!({})).await;
    write(&store, "dir/a b+c%20.txt", "one").await;
    write(&store, "dir/a b+c%20.txt", "second").await;
    let delete = "
s3.delete_object(Bucket=args, Key='dir/a b+c%20.txt')
result = len(s3.list_object_versions(Bucket=args)['DeleteMarkers'])";
    assert_eq!(server.boto(delete, &json!(store.own())).await.unwrap(), 1);
    assert_eq!(store.head("dir/a b+c%20.txt", None).await.unwrap_err().kind, PortErrorKind::NotFound);
    store.restore("dir/a b+c%20.txt", None).await.unwrap();
    let read = store.read("dir/a b+c%20.txt", None, None).await.unwrap().bytes;
    assert_eq!(read.try_collect::<Vec<Bytes>>().await.unwrap().concat(), b"second");
    let first = store.versions("dir/a b+c%20.txt").await.unwrap().pop().unwrap();
    assert_eq!(first.size, 3);
    store.restore("dir/a b+c%20.txt", Some(&first.id)).await.unwrap();
    let seen = "result = s3.get_object(Bucket=args, Key='dir/a b+c%20.txt')['Body'].read().decode()";
    assert_eq!(server.boto(seen, &json!(store.own())).await.unwrap(), json!("one"));
}
