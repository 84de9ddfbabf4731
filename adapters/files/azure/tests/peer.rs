//! What the store does on Azurite, looked at with Microsoft's own client; and the other way round.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod world;

use bellhop_azure::AzureStore;
use bellhop_core::ports::{AccessPolicy, FileStore as _, NewFile, Permission, ReadRange};
use bellhop_core::{PortErrorKind, Timestamp};
use bellhop_kit::conformance::files::{broken, chunks};
use bellhop_kit::peers::azurite::{ACCOUNT, Azurite, KEY};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use world::{file, fresh, new_store, pattern, store_of, stream};

const MIB: usize = 1 << 20;

async fn bytes_of(store: &AzureStore, name: &str, range: Option<ReadRange>) -> Bytes {
    let got = store.read(name, None, range).await.unwrap();
    let parts: Vec<Bytes> = got.bytes.try_collect().await.unwrap();
    parts.concat().into()
}

/// What the other client sees of a blob.
async fn seen(server: &Azurite, store: &AzureStore, name: &str) -> Value {
    let script = "
import hashlib
b = service.get_blob_client(args['c'], args['n'])
p = b.get_blob_properties()
data = b.download_blob().readall()
result = {'size': p.size, 'type': p.content_settings.content_type, 'meta': p.metadata, 'sha256': hashlib.sha256(data).hexdigest(),
          'committed': len(b.get_block_list('all')[0]), 'waiting': [x.size for x in b.get_block_list('all')[1]]}
";
    server.python(script, &json!({ "c": store.buckets().unwrap().own(), "n": name })).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_client_sees_what_is_written() {
    let server = Azurite::start().await.unwrap();
    let store = new_store(&server.endpoint(), &json!({})).await;
    // Of known and of unknown length; in one request and in blocks, with a last one that is full and one that isn't.
    for (size, known, blocks) in [
        (0, true, 0),
        (5, false, 0),
        (8 * MIB, true, 0),
        (8 * MIB + 1, false, 2),
        (16 * MIB, true, 2),
        (35 * MIB + 77, true, 5),
        (24 * MIB, false, 3),
    ] {
        let bytes = pattern(size);
        let name = format!("dir/ü {size}.bin");
        let wanted = NewFile { content_type: "application/x-test".to_owned(), ..file(&name, known.then_some(size as u64)) };
        let written = store.write(wanted, stream(&bytes)).await.unwrap();
        assert_eq!((written.size, &written), (size as u64, &store.head(&name, None).await.unwrap()), "{size}");
        let there = seen(&server, &store, &name).await;
        assert_eq!((&there["size"], &there["type"]), (&json!(size), &json!("application/x-test")), "{there}");
        assert_eq!((&there["sha256"], &there["meta"]["sha256"]), (&json!(written.sha256), &json!(written.sha256)), "{there}");
        assert_eq!((&there["committed"], &there["waiting"]), (&json!(blocks), &json!([])), "{there}");
        assert!(bytes_of(&store, &name, None).await == bytes, "{size}");
    }
    let range = ReadRange { start: 9_000_001, length: Some(3) };
    let name = format!("dir/ü {}.bin", 16 * MIB);
    assert_eq!(bytes_of(&store, &name, Some(range)).await, pattern(16 * MIB).slice(9_000_001..9_000_004));
    let tags = BTreeMap::from([("project".to_owned(), "bell hop".to_owned()), ("a".to_owned(), "x=1 +2".to_owned())]);
    store.set_tags(&name, &tags).await.unwrap();
    assert_eq!(store.tags(&name).await.unwrap(), tags);
    let args = json!({ "c": store.buckets().unwrap().own(), "n": name });
    let theirs = server.python("result = service.get_blob_client(args['c'], args['n']).get_blob_tags()", &args).await.unwrap();
    assert_eq!(theirs, json!(tags));
    store.set_tags(&name, &BTreeMap::new()).await.unwrap();
    assert_eq!(store.tags(&name).await.unwrap(), BTreeMap::new());
    for wrong in [BTreeMap::from([(String::new(), String::new())]), BTreeMap::from([("ü".to_owned(), "x".to_owned())])] {
        assert_eq!(store.set_tags(&name, &wrong).await.unwrap_err().kind, PortErrorKind::Invalid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_reads_what_the_other_client_writes() {
    let server = Azurite::start().await.unwrap();
    let store = new_store(&server.endpoint(), &json!({ "prefix": "p/" })).await;
    let script = "
c = service.get_container_client(args['c'])
blocks = BlobServiceClient(service.url, credential=service.credential, max_single_put_size=1 << 20, max_block_size=1 << 20)
blocks.get_container_client(args['c']).upload_blob('p/large', bytes(i % 251 for i in range(9 << 20)), content_settings=ContentSettings(content_type='x/y'))
b = c.upload_blob('p/s.txt', b'one')
b.create_snapshot()
b.upload_blob(b'two!', overwrite=True)
c.upload_blob('p/folder/', b'')
c.upload_blob('elsewhere', b'')
for i in range(12): c.upload_blob(f'p/many/{i:03}', b'x')
c.get_blob_client('p/waiting').stage_block('QUFB', b'never put together')
";
    let container = store.buckets().unwrap().own().to_owned();
    server.python(script, &json!({ "c": container })).await.unwrap();
    let large = bytes_of(&store, "large", None).await;
    assert!(large.len() == 9 * MIB && large.iter().enumerate().all(|(i, byte)| usize::from(*byte) == i % 251));
    let info = store.head("large", None).await.unwrap();
    assert_eq!((info.content_type.as_str(), info.sha256), ("x/y", None));
    let names: Vec<String> = store.list("", None, 100).await.unwrap().files.into_iter().map(|file| file.name).collect();
    assert!(names.len() == 14 && !names.iter().any(|name| name == "waiting" || name.starts_with("folder")), "{names:?}");
    assert_eq!(store.head("waiting", None).await.unwrap_err().kind, PortErrorKind::NotFound);
    // Its ids have another length, which Azure doesn't take beside ours.
    let error = store.write(file("waiting", None), stream(&pattern(9 * MIB))).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Conflict && error.message.contains("another program has begun"), "{error}");
    server.python("service.get_blob_client(args['c'], 'p/waiting').commit_block_list([])", &json!({ "c": container })).await.unwrap();
    store.write(file("waiting", None), stream(&pattern(9 * MIB))).await.unwrap();

    let all = store.versions("s.txt").await.unwrap();
    let facts: Vec<(u64, bool)> = all.iter().map(|version| (version.size, version.current)).collect();
    assert_eq!(facts, [(4, true), (3, false)]);
    assert!(all[1].id.as_str().starts_with("snapshot:"), "{all:?}");
    let old = store.read("s.txt", Some(&all[1].id), None).await.unwrap();
    assert_eq!(old.bytes.try_collect::<Vec<_>>().await.unwrap().concat(), b"one");
    let link = store.share("s.txt", Some(&all[1].id), 60).await.unwrap().unwrap();
    assert_eq!(fetched(&link).await.unwrap(), "one");
    assert_eq!(store.restore("s.txt", Some(&all[0].id)).await.unwrap_err().kind, PortErrorKind::Conflict);
    assert_eq!(store.restore("s.txt", Some(&all[1].id)).await.unwrap().size, 3);
    assert_eq!(bytes_of(&store, "s.txt", None).await, "one");
    // With its snapshots.
    store.delete("s.txt").await.unwrap();
    assert_eq!(store.versions("s.txt").await.unwrap_err().kind, PortErrorKind::NotFound);
    let args = json!({ "c": container });
    let left = server.python(
        "result = [b.name for b in service.get_container_client(args['c']).list_blobs('p/s', include=['snapshots', 'deleted'])]",
        &args,
    );
    assert_eq!(left.await.unwrap(), json!([]));
}

async fn fetched(url: &str) -> Result<String, String> {
    let client = bellhop_http::Client::new("reader", bellhop_http::Limits::default()).unwrap();
    let got = client.get("download", "the address", url).send().await.map_err(|error| error.to_string())?;
    got.text().await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_leaves_nothing_that_can_be_seen() {
    let server = Azurite::start().await.unwrap();
    let store = new_store(&server.endpoint(), &json!({})).await;
    let half = pattern(20 * MIB);
    for name in ["new", "kept"] {
        if name == "kept" {
            store.write(file(name, None), stream(&pattern(20))).await.unwrap();
        }
        let breaking = stream(&half).chain(broken(""));
        let error = store.write(file(name, None), Box::pin(breaking)).await.unwrap_err();
        assert!(error.message.contains("hung up"), "{error}");
        let error = store.write(file(name, Some(25 << 20)), stream(&half)).await.unwrap_err();
        assert!(error.kind == PortErrorKind::Invalid && error.message.contains("announced with"), "{error}");
        // A writer that goes away in the middle.
        let endless = stream(&half).chain(futures::stream::pending());
        let writing = store.write(file(name, None), Box::pin(endless));
        assert!(tokio::time::timeout(Duration::from_millis(300), writing).await.is_err());
    }
    assert_eq!(store.head("new", None).await.unwrap_err().kind, PortErrorKind::NotFound);
    assert_eq!(store.read("new", None, None).await.map(drop).unwrap_err().kind, PortErrorKind::NotFound);
    let names: Vec<String> = store.list("", None, 9).await.unwrap().files.into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["kept"]);
    assert_eq!(bytes_of(&store, "kept", None).await, pattern(20));
    // What it took is freed, but for a byte of each block.
    let script = "
result = []
for n in ['new', 'kept']:
    result += [x.size for x in service.get_blob_client(args['c'], n).get_block_list('uncommitted')[1]]
";
    let args = json!({ "c": store.buckets().unwrap().own() });
    let shrunk = || async {
        let sizes = server.python(script, &args).await.unwrap();
        let sizes: Vec<u64> = serde_json::from_value(sizes).unwrap();
        (!sizes.is_empty() && sizes.iter().all(|size| *size == 1)).then_some(())
    };
    bellhop_kit::wait::until(Duration::from_mins(1), "the blocks to be shrunk", shrunk).await;
    // And nothing of it comes into what is written next.
    store.write(file("new", None), stream(&pattern(9 * MIB))).await.unwrap();
    let there = seen(&server, &store, "new").await;
    assert_eq!((&there["size"], &there["waiting"]), (&json!(9 * MIB), &json!([])), "{there}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_writers_at_the_same_time_one_is_whole_and_the_others_are_told() {
    let server = Azurite::start().await.unwrap();
    let store = new_store(&server.endpoint(), &json!({})).await;
    let contents: Vec<Bytes> = (1..=3_usize).map(|n| pattern(n * 9 * MIB + n)).collect();
    let all = futures::future::join_all(contents.iter().map(|bytes| store.write(file("race", None), stream(bytes)))).await;
    assert!(all.iter().any(Result::is_ok), "{all:?}");
    for error in all.into_iter().filter_map(Result::err) {
        assert!(error.kind == PortErrorKind::Conflict && error.message.contains("something else was written"), "{error}");
    }
    assert!(contents.contains(&bytes_of(&store, "race", None).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_of_accounts_that_have_them_are_no_files() {
    let server = Azurite::start().await.unwrap();
    let store = new_store(&server.endpoint(), &json!({})).await;
    store.write(file("dir/f", None), stream(&pattern(3))).await.unwrap();
    let script = "service.get_container_client(args['c']).upload_blob('dir', b'', metadata={'hdi_isfolder': 'true'})";
    server.python(script, &json!({ "c": store.buckets().unwrap().own() })).await.unwrap();
    let listed = store.list("", None, 9).await.unwrap().files;
    assert_eq!(listed.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["dir/f"]);
    assert_eq!(listed[0].sha256, store.head("dir/f", None).await.unwrap().sha256);
    assert!(listed[0].sha256.is_some());
    assert_eq!(store.head("dir", None).await.unwrap_err().kind, PortErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_in_parts_outlive_their_store() {
    let server = Azurite::start().await.unwrap();
    let store = new_store(&server.endpoint(), &json!({})).await;
    let container = store.buckets().unwrap().own().to_owned();
    let bytes = pattern(20 * MIB + 3);
    let upload = store
        .parts()
        .unwrap()
        .begin(&NewFile { content_type: "x/parts".to_owned(), ..file("dir/p ü", Some(bytes.len() as u64)) })
        .await
        .unwrap();
    let part = |number: u32| {
        let size = usize::try_from(upload.part_size).unwrap();
        bytes.slice((number as usize - 1) * size..bytes.len().min(number as usize * size))
    };
    store.parts().unwrap().put(&upload.id, 2, part(2).len() as u64, stream(&part(2))).await.unwrap();
    // As after a restart: another store, that knows the id only.
    let again = store_of(&server.endpoint(), &container, &json!({}));
    let parts = again.parts().unwrap();
    assert_eq!(parts.done(&upload.id).await.unwrap().iter().map(|part| part.number).collect::<Vec<_>>(), [2]);
    for number in [1, 3] {
        parts.put(&upload.id, number, part(number).len() as u64, stream(&part(number))).await.unwrap();
    }
    assert_eq!(again.head("dir/p ü", None).await.unwrap_err().kind, PortErrorKind::NotFound);
    let done = parts.done(&upload.id).await.unwrap();
    let info = parts.finish(&upload.id, &done).await.unwrap();
    assert_eq!((info.size, info.content_type.as_str()), (bytes.len() as u64, "x/parts"));
    assert!(bytes_of(&store, "dir/p ü", None).await == bytes);
    // Somebody who lost the answer asks again, and again after a restart.
    let later = store_of(&server.endpoint(), &container, &json!({}));
    assert_eq!(later.parts().unwrap().finish(&upload.id, &done).await.unwrap(), info);
    assert_eq!(seen(&server, &store, "dir/p ü").await["waiting"], json!([]));

    // What else is written under the name ends an upload, and that is said.
    let lost = parts.begin(&file("dir/p ü", Some(bytes.len() as u64))).await.unwrap();
    let first = parts.put(&lost.id, 1, part(1).len() as u64, stream(&part(1))).await.unwrap();
    let other = pattern(9 * MIB);
    store.write(file("dir/p ü", None), stream(&other)).await.unwrap();
    assert_eq!(parts.done(&lost.id).await.unwrap_err().kind, PortErrorKind::NotFound);
    assert_eq!(parts.finish(&lost.id, &[first]).await.unwrap_err().kind, PortErrorKind::Invalid);
    assert!(bytes_of(&store, "dir/p ü", None).await == other);

    let empty = parts.begin(&file("empty", Some(0))).await.unwrap();
    assert_eq!(empty.parts, 1);
    parts.put(&empty.id, 1, 0, chunks(Vec::new())).await.unwrap();
    let done = later.parts().unwrap().done(&empty.id).await.unwrap();
    assert_eq!(later.parts().unwrap().finish(&empty.id, &done).await.unwrap().size, 0);
    assert_eq!(bytes_of(&store, "empty", None).await, "");
}

fn policy(id: &str, letters: &str) -> AccessPolicy {
    let expires = Timestamp::from_timestamp(4_102_444_800, 0);
    AccessPolicy { id: id.to_owned(), permissions: Permission::read(letters).unwrap(), starts: None, expires }
}

#[tokio::test(flavor = "multi_thread")]
async fn access_policies_of_others_and_the_public_level_stay() {
    let server = Azurite::start().await.unwrap();
    let store = new_store(&server.endpoint(), &json!({})).await;
    let buckets = store.buckets().unwrap();
    let own = buckets.own().to_owned();
    let args = json!({ "c": own });
    let script = "
c = service.get_container_client(args['c'])
c.set_container_access_policy({'theirs': AccessPolicy(permission='rl', start='2026-01-01T00:00:00Z', expiry='2099-01-01T00:00:00Z')}, public_access='blob')
";
    server.python(script, &args).await.unwrap();
    buckets.create_access(&own, &policy("ours", "wr")).await.unwrap();
    buckets.change_access(&own, &policy("ours", "r")).await.unwrap();
    let look = "
p = service.get_container_client(args['c']).get_container_access_policy()
result = {'public': p['public_access'], 'all': {i.id: [i.access_policy.permission, str(i.access_policy.start), str(i.access_policy.expiry)] for i in p['signed_identifiers']}}
";
    let there = server.python(look, &args).await.unwrap();
    assert_eq!(there["public"], json!("blob"));
    assert_eq!(there["all"]["theirs"][0], json!("rl"), "{there}");
    assert!(there["all"]["theirs"][1].as_str().unwrap().starts_with("2026-01-01") && there["all"]["ours"][0] == json!("r"), "{there}");
    let info = buckets.info(&own).await.unwrap();
    let words = info.policy.known().unwrap();
    assert!(words[0].starts_with("the access policy ours allows to read until 2100-01-01"), "{words:?}");
    assert!(
        words[1].contains("theirs allows to read, list from 2026-01-01 until 2099-01-01") && words[2].contains("30 seconds"),
        "{words:?}"
    );
    for number in 0..3 {
        buckets.create_access(&own, &policy(&format!("p{number}"), "l")).await.unwrap();
    }
    let error = buckets.create_access(&own, &policy("sixth", "r")).await.unwrap_err();
    assert!(
        error.kind == PortErrorKind::Full && error.message.contains("has 5 access policies") && error.message.contains("theirs"),
        "{error}"
    );

    // Links live and end with their policy.
    store.write(file("f", None), stream(&pattern(8))).await.unwrap();
    let error = store.share_bound("f", None, "p0").await.unwrap_err();
    assert!(error.kind == PortErrorKind::Invalid && error.message.contains("allows r"), "{error}");
    let error = store.share_bound("f", None, "none").await.unwrap_err();
    assert!(error.kind == PortErrorKind::NotFound && error.message.contains("it has ours"), "{error}");
    let link = store.share_bound("f", None, "ours").await.unwrap().unwrap();
    assert!(link.contains("si=ours") && !link.contains("&se=") && !link.contains("sp="), "{link}");
    server.python("service.get_container_client(args['c']).set_container_access_policy({'ours': AccessPolicy(permission='r', expiry='2099-01-01T00:00:00Z')})", &args).await.unwrap();
    fetched(&link).await.unwrap();
    buckets.revoke_access(&own, "ours").await.unwrap();
    assert!(fetched(&link).await.is_err());
    assert_eq!(server.python(look, &args).await.unwrap()["all"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_for_one_file_and_a_time() {
    let server = Azurite::start().await.unwrap();
    let store = new_store(&server.endpoint(), &json!({ "prefix": "p/" })).await;
    store.write(file("dir/a b+ü%.txt", None), chunks(vec![Ok(Bytes::from_static(b"shared"))])).await.unwrap();
    store.write(file("other", None), stream(&pattern(3))).await.unwrap();
    let link = store.share("dir/a b+ü%.txt", None, 600).await.unwrap().unwrap();
    assert_eq!(fetched(&link).await.unwrap(), "shared");
    let other = link.replace("dir%2Fa%20b+%C3%BC%25.txt", "other");
    assert!(other != link && fetched(&other).await.is_err(), "{other}");
    assert!(fetched(&link.replace("sp=r", "sp=rw")).await.is_err());
    for seconds in [0, u64::MAX] {
        assert_eq!(store.share("other", None, seconds).await.unwrap_err().kind, PortErrorKind::Invalid);
    }
    assert_eq!(store.share("none", None, 60).await.unwrap_err().kind, PortErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_can_be_the_credential() {
    let server = Azurite::start().await.unwrap();
    let owner = new_store(&server.endpoint(), &json!({})).await;
    let own = owner.buckets().unwrap().own().to_owned();
    let script = format!(
        "
def sas(letters, hours):
    return generate_container_sas('{ACCOUNT}', args['c'], account_key='{KEY}', permission=letters, expiry=datetime.now(timezone.utc) + timedelta(hours=hours))
result = [sas('racwdl', 1), sas('rl', 1), sas('racwdl', -1)]
"
    );
    let made = server.python(&script, &json!({ "c": own })).await.unwrap();
    let with = |sas: &Value| store_of(&server.endpoint(), &own, &json!({ "account_key": null, "sas": sas }));
    let store = with(&made[0]);
    let bytes = pattern(9 * MIB);
    store.write(file("a b", None), stream(&bytes)).await.unwrap();
    store.copy("a b", "c").await.unwrap();
    assert!(bytes_of(&store, "c", None).await == bytes);
    assert_eq!(store.list("", None, 9).await.unwrap().files.len(), 2);
    store.delete("c").await.unwrap();
    assert_eq!(store.share("a b", None, 60).await.unwrap(), None);
    assert!(store.check().await.unwrap().iter().any(|finding| finding.text.contains("shared access signature")));
    let reader = with(&made[1]);
    assert!(bytes_of(&reader, "a b", None).await == bytes);
    let error = reader.write(file("d", None), stream(&pattern(3))).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Denied && error.message.contains("c and w"), "{error}");
    let error = with(&made[2]).head("a b", None).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unauthenticated && error.message.contains("`sas` in [files.az]"), "{error}");
    let error = reader.buckets().unwrap().create(&fresh()).await.unwrap_err();
    assert!(matches!(error.kind, PortErrorKind::Denied | PortErrorKind::Unauthenticated), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_what_is_wrong() {
    let server = Azurite::start().await.unwrap();
    let store = new_store(&server.endpoint(), &json!({})).await;
    let found = store.check().await.unwrap();
    assert!(found.len() >= 3 && found.iter().all(|finding| finding.good), "{found:?}");
    let lost = store_of(&server.endpoint(), &fresh(), &json!({}));
    let found = lost.check().await.unwrap();
    assert!(found.iter().any(|finding| !finding.good && finding.text.contains("check `container` in [files.az]")), "{found:?}");
    let error = lost.head("f", None).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Invalid && error.message.contains("there is no container"), "{error}");
    let wrong = store_of(&server.endpoint(), &fresh(), &json!({ "account_key": "d3Jvbmc=" }));
    let found = wrong.check().await.unwrap();
    assert!(found.iter().any(|finding| !finding.good && finding.text.contains("`account_key` in [files.az]")), "{found:?}");
    let error = store_of("http://127.0.0.1:9/devstoreaccount1", "files", &json!({})).check().await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unavailable && error.message.contains("can't be reached"), "{error}");
}
