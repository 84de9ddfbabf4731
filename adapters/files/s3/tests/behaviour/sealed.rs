//! Files under keys of their owner, with tags and with KMS, as Amazon's own client sees them and through bad networks.

use crate::world::{file, new_store, pattern, store_of, stream};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{FileEncryption, FileStore, NewFile, PartWrites as _, ReadRange};
use bellhop_kit::faults::{Fault, FaultProxy};
use bellhop_kit::peers::s3::S3Server;
use bellhop_s3::S3Store;
use bytes::Bytes;
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MIB: usize = 1 << 20;
const LEGAL: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const SPARE: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";

fn keys() -> Value {
    json!({ "keys": { "legal": LEGAL, "spare": SPARE } })
}

fn bucket(store: &S3Store) -> String {
    store.buckets().unwrap().own().to_owned()
}

fn under(key: &str, name: &str, size: Option<u64>) -> NewFile {
    NewFile { encryption: Some(FileEncryption::Key(key.to_owned())), ..file(name, size) }
}

async fn all(store: &S3Store, name: &str) -> Bytes {
    let parts: Vec<Bytes> = store.read(name, None, None).await.unwrap().bytes.try_collect().await.unwrap();
    parts.concat().into()
}

async fn boto(server: &S3Server, store: &S3Store, script: &str) -> Value {
    let open = "
import base64
LEGAL, SPARE = (dict(SSECustomerAlgorithm='AES256', SSECustomerKey=base64.b64decode(key)) for key in (args['legal'], args['spare']))
def code(ask):
    try: ask(); return 200
    except ClientError as error: return error.response['ResponseMetadata']['HTTPStatusCode']
";
    let args = json!({ "bucket": bucket(store), "legal": LEGAL, "spare": SPARE });
    server.boto(&format!("{open}{script}"), &args).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn others_need_the_key_and_the_store_finds_it() {
    let server = S3Server::moto().await.unwrap();
    let store = new_store(server.url(), false, &keys()).await;
    for (name, size) in [("small", 9), ("large", 9 * MIB + 5)] {
        let bytes = pattern(size);
        let info = store.write(under("legal", name, None), stream(&bytes)).await.unwrap();
        assert_eq!((info.encryption, info.size), (Some(FileEncryption::Key("legal".to_owned())), size as u64), "{name}");
        let script = format!(
            "
ask = dict(Bucket=args['bucket'], Key='{name}')
result = [code(lambda: s3.head_object(**ask)), code(lambda: s3.get_object(**ask)), code(lambda: s3.get_object(**ask, **SPARE)),
          s3.get_object(**ask, **LEGAL)['ContentLength'], s3.head_object(**ask, **LEGAL)['SSECustomerAlgorithm']]"
        );
        assert_eq!(boto(&server, &store, &script).await, json!([400, 400, 403, size, "AES256"]), "{name}");
        // Another process knows nothing of what was written with which key.
        let other = store_of(server.url(), &bucket(&store), &keys());
        assert!(all(&other, name).await == bytes, "{name}");
        assert_eq!(other.head(name, None).await.unwrap().encryption, Some(FileEncryption::Key("legal".to_owned())));
        let range = ReadRange { start: 3, length: Some(4) };
        let part: Vec<Bytes> = store.read(name, None, Some(range)).await.unwrap().bytes.try_collect().await.unwrap();
        assert_eq!(part.concat(), bytes[3..7]);
        assert_eq!(other.share(name, None, 60).await.unwrap(), None);
    }
    let found = store.check().await.unwrap();
    assert!(found.iter().any(|one| one.good && one.text.contains("legal, spare")), "{found:?}");
    // Without that key it is said where it belongs.
    let spare = store_of(server.url(), &bucket(&store), &json!({ "keys": { "spare": SPARE } }));
    let none = store_of(server.url(), &bucket(&store), &json!({}));
    for (other, says) in [(spare, "none of those in [files.s3.keys] fits"), (none, "write that key into [files.s3.keys]")] {
        let errors = [
            other.head("small", None).await.unwrap_err(),
            other.read("small", None, None).await.err().unwrap(),
            other.copy("small", "copy").await.unwrap_err(),
            other.share("small", None, 60).await.unwrap_err(),
        ];
        for error in errors {
            assert!(error.kind == PortErrorKind::Denied, "{error:?}");
            assert!(error.message.contains("`small`") && error.message.contains("[files.s3.keys]"), "{error:?}");
        }
        let error = other.read("small", None, None).await.err().unwrap();
        assert!(error.message.contains(says), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_remembered_gives_way_to_what_is_there() {
    let server = S3Server::moto().await.unwrap();
    let store = new_store(server.url(), false, &keys()).await;
    store.write(under("legal", "f", None), stream(&pattern(9))).await.unwrap();
    for (with, encryption) in [("**SPARE", Some(FileEncryption::Key("spare".to_owned()))), ("", None)] {
        let script = format!("s3.put_object(Bucket=args['bucket'], Key='f', Body=b'theirs', {with})");
        boto(&server, &store, &script).await;
        assert_eq!(store.head("f", None).await.unwrap().encryption, encryption);
        assert_eq!(all(&store, "f").await, "theirs");
    }
    // An own write without a key takes the place of one with.
    store.write(under("legal", "f", None), stream(&pattern(9))).await.unwrap();
    store.write(file("f", None), stream(&pattern(5))).await.unwrap();
    assert!(all(&store, "f").await == pattern(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_under_a_key_goes_on_after_a_break() {
    let server = S3Server::moto().await.unwrap();
    let direct = new_store(server.url(), false, &keys()).await;
    let bytes = pattern(12 * MIB);
    direct.write(under("legal", "f", None), stream(&bytes)).await.unwrap();
    let proxy = FaultProxy::start(server.url().trim_start_matches("http://").parse().unwrap()).await.unwrap();
    let store = store_of(&proxy.url(), &bucket(&direct), &keys());
    proxy.set(Fault::ResetAfter(5_000_000));
    assert!(all(&store, "f").await == bytes);
    assert!(proxy.connections() >= 3, "{}", proxy.connections());
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_under_a_key_are_taken_up_by_another_process() {
    let server = S3Server::moto().await.unwrap();
    let store = new_store(server.url(), true, &keys()).await;
    let bytes = pattern(20 * MIB + 3);
    let tags: BTreeMap<String, String> = [("project".to_owned(), "bell hop".to_owned())].into();
    let wanted = NewFile { tags: tags.clone(), ..under("spare", "big", Some(bytes.len() as u64)) };
    let upload = store.begin(&wanted).await.unwrap();
    let size = usize::try_from(upload.part_size).unwrap();
    let piece = |number: usize| bytes.slice((number - 1) * size..bytes.len().min(number * size));
    store.put(&upload.id, 1, size as u64, stream(&piece(1))).await.unwrap();
    let other = store_of(server.url(), &bucket(&store), &keys());
    for number in 2..=upload.parts {
        let piece = piece(number as usize);
        other.put(&upload.id, number, piece.len() as u64, stream(&piece)).await.unwrap();
    }
    let parts = other.done(&upload.id).await.unwrap();
    let info = other.finish(&upload.id, &parts).await.unwrap();
    assert_eq!((info.encryption, info.size), (Some(FileEncryption::Key("spare".to_owned())), bytes.len() as u64));
    assert!(all(&other, "big").await == bytes);
    assert_eq!(other.tags("big").await.unwrap(), tags);
    // A process that hasn't got the key can at least give such an upload up.
    let upload = store.begin(&wanted).await.unwrap();
    let none = store_of(server.url(), &bucket(&store), &json!({}));
    assert_eq!(none.done(&upload.id).await.unwrap_err().kind, PortErrorKind::Invalid);
    none.abort(&upload.id).await.unwrap();
    let left = "result = len(s3.list_multipart_uploads(Bucket=args['bucket']).get('Uploads', []))";
    assert_eq!(boto(&server, &store, left).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_with_a_file_is_what_others_see() {
    let server = S3Server::moto().await.unwrap();
    let store = new_store(server.url(), false, &json!({ "sse": "AES256", "bucket_key": true })).await;
    let arn = "arn:aws:kms:us-east-1:123456789012:key/1234abcd";
    let tags: BTreeMap<String, String> =
        [("a b", "x=1 +2&"), ("ü", "")].map(|(tag, value)| (tag.to_owned(), value.replace('&', "@"))).into();
    let encryption = Some(FileEncryption::Kms { key: Some(arn.to_owned()) });
    let wanted = NewFile { tags: tags.clone(), encryption: encryption.clone(), ..NewFile::new("f", "text/x-odd", None) };
    let info = store.write(wanted, stream(&pattern(9))).await.unwrap();
    assert_eq!(info.encryption, encryption);
    let copy = store.copy("f", "copy").await.unwrap();
    assert_eq!((copy.encryption, copy.content_type.as_str()), (encryption, "text/x-odd"));
    let seen = "
def seen(key):
    head = s3.head_object(Bucket=args['bucket'], Key=key)
    tags = {tag['Key']: tag['Value'] for tag in s3.get_object_tagging(Bucket=args['bucket'], Key=key)['TagSet']}
    return [head['ServerSideEncryption'], head['SSEKMSKeyId'], head['BucketKeyEnabled'], tags]
result = [seen('f'), seen('copy')]";
    let one = json!(["aws:kms", arn, true, { "a b": "x=1 +2@", "ü": "" }]);
    assert_eq!(boto(&server, &store, seen).await, json!([one, one]));
    assert_eq!(store.tags("f").await.unwrap(), tags);
}
