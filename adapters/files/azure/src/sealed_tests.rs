//! Files under scopes and under keys of the customer's, with tags, on the strict server.

use crate::AzureStore;
use crate::fixture::{Fail, Fixture, Inside};
use crate::fixture_tests::{read, store_of};
use bellhop_core::ids::VersionId;
use bellhop_core::ports::{FileEncryption, FileStore as _, NewFile};
use bellhop_core::{PortError, PortErrorKind};
use bellhop_kit::conformance::files::chunks;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const LEGAL: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const OTHER: &str = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=";
const LARGE: usize = (9 << 20) + 1;

fn keys() -> Value {
    json!({ "keys": { "hr": OTHER, "legal": LEGAL } })
}

fn key(name: &str) -> FileEncryption {
    FileEncryption::Key(name.to_owned())
}

fn tags() -> BTreeMap<String, String> {
    BTreeMap::from([("project".to_owned(), "bell hop+1".to_owned()), ("a=b".to_owned(), "x/y".to_owned())])
}

fn wanted(name: &str, way: Option<FileEncryption>) -> NewFile {
    NewFile { encryption: way, tags: tags(), ..NewFile::new(name, "text/x-sealed", None) }
}

async fn write(store: &AzureStore, file: NewFile, size: usize) -> Result<Option<FileEncryption>, PortError> {
    let bytes = Bytes::from(vec![b'x'; size]);
    let pieces = bytes.chunks(1 << 20).map(|piece| Ok(bytes.slice_ref(piece))).collect();
    store.write(file, chunks(pieces)).await.map(|info| info.encryption)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_the_key_or_the_scope_that_was_asked_for() {
    let fixture = Fixture::start(Inside { versions: true, ..Inside::default() }).await;
    let store = store_of(&fixture, &json!({ "keys": { "hr": OTHER, "legal": LEGAL }, "encryption_scope": "usual" }));
    let scope = |name: &str| FileEncryption::Scope(name.to_owned());
    assert_eq!(store.encryptions(), [scope("usual"), FileEncryption::Aes256, key("hr"), key("legal")]);
    for (size, kind) in [(3, "small"), (0, "empty"), (LARGE, "large")] {
        for (asked, becomes) in [
            (None, scope("usual")),
            (Some(FileEncryption::Aes256), FileEncryption::Aes256),
            (Some(scope("finance")), scope("finance")),
            (Some(key("legal")), key("legal")),
        ] {
            let name = format!("{kind} {becomes}");
            assert_eq!(write(&store, wanted(&name, asked), size).await.unwrap().as_ref(), Some(&becomes), "{name}");
            assert_eq!(store.head(&name, None).await.unwrap().encryption, Some(becomes), "{name}");
            assert_eq!(read(&store, &name, None).await.unwrap().len(), size);
            assert_eq!(store.tags(&name).await.unwrap(), tags());
        }
    }
    // A listing says it too, and which key it is then needs no guess.
    let listed = store.list("small", None, 9).await.unwrap().files;
    let told: Vec<_> = listed.iter().map(|file| file.encryption.clone().unwrap()).collect();
    assert_eq!(told, [FileEncryption::Aes256, key("legal"), scope("finance"), scope("usual")]);
    let fresh = store_of(&fixture, &keys());
    fresh.list("small", None, 9).await.unwrap();
    let before = fixture.count("HEAD", "/small");
    fresh.head("small key:legal", None).await.unwrap();
    assert_eq!(fixture.count("HEAD", "/small"), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_file_is_found_and_remembered() {
    let fixture = Fixture::start(Inside { versions: true, ..Inside::default() }).await;
    let store = store_of(&fixture, &keys());
    write(&store, wanted("f", Some(key("legal"))), 3).await.unwrap();
    write(&store, wanted("plain", None), 3).await.unwrap();
    let other = store_of(&fixture, &keys());
    let asked = |part: &str| fixture.count("GET", part);
    // Without a key, with the wrong one, with the right one.
    assert_eq!(read(&other, "f", None).await.unwrap(), "xxx");
    assert_eq!(asked("/f"), 3);
    assert_eq!(read(&other, "f", None).await.unwrap(), "xxx");
    assert_eq!(asked("/f"), 4);
    // Somebody writes it anew, under another key, and then under none.
    write(&store, wanted("f", Some(key("hr"))), 4).await.unwrap();
    assert_eq!(other.head("f", None).await.unwrap().encryption, Some(key("hr")));
    write(&store, wanted("f", None), 5).await.unwrap();
    assert_eq!(read(&other, "f", None).await.unwrap(), "xxxxx");
    // Each version has its own.
    let versions = store.versions("f").await.unwrap();
    let sizes: Vec<u64> = versions.iter().map(|version| version.size).collect();
    assert_eq!(sizes, [5, 4, 3]);
    for (version, way) in versions.iter().zip([Some(FileEncryption::Aes256), Some(key("hr")), Some(key("legal"))]) {
        assert_eq!(other.head("f", Some(&version.id)).await.unwrap().encryption, way);
    }
    let stranger = store_of(&fixture, &json!({ "keys": { "hr": OTHER } }));
    for error in [
        stranger.head("f", Some(&versions[2].id)).await.unwrap_err(),
        stranger.read("f", Some(&versions[2].id), None).await.map(drop).unwrap_err(),
        stranger.restore("f", Some(&versions[2].id)).await.unwrap_err(),
    ] {
        assert!(error.kind == PortErrorKind::Denied && error.message.contains("[files.az.keys]"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_and_what_is_restored_keep_everything() {
    let fixture = Fixture::start(Inside { versions: true, ..Inside::default() }).await;
    let store = store_of(&fixture, &keys());
    let scope = FileEncryption::Scope("finance".to_owned());
    for way in [FileEncryption::Aes256, scope.clone(), key("legal")] {
        write(&store, wanted("f", Some(way.clone())), 3).await.unwrap();
        // What others keep beside.
        if let Some(kept) = fixture.state().blobs.get_mut("f").and_then(|all| all.last_mut()) {
            kept.meta.push(("x-ms-meta-owner".to_owned(), "ann".to_owned()));
            kept.beside = vec![("content-encoding", "gzip".to_owned()), ("cache-control", "no-store".to_owned())];
        }
        let first = store.head("f", None).await.unwrap().version.unwrap();
        let copy = store.copy("f", "g").await.unwrap();
        assert_eq!((copy.encryption.as_ref(), copy.content_type.as_str(), copy.size), (Some(&way), "text/x-sealed", 3));
        write(&store, NewFile::new("f", "text/plain", None), 4).await.unwrap();
        let back = store.restore("f", Some(&first)).await.unwrap();
        assert_eq!((back.encryption.as_ref(), back.content_type.as_str(), back.size), (Some(&way), "text/x-sealed", 3));
        for name in ["f", "g"] {
            assert_eq!(store.tags(name).await.unwrap(), tags(), "{way} {name}");
            let state = fixture.state();
            let kept = state.blobs[name].iter().find(|kept| kept.current).unwrap();
            assert!(kept.meta.iter().any(|(name, value)| name == "x-ms-meta-owner" && value == "ann"), "{way} {name}: {:?}", kept.meta);
            assert_eq!(kept.beside.len(), 2, "{way} {name}");
        }
    }
    // A copy within a container whose own scope it is is the service's.
    fixture.state().container = vec![("x-ms-default-encryption-scope", "finance")];
    write(&store, wanted("f", Some(scope.clone())), 3).await.unwrap();
    let before = fixture.count("GET", "/f");
    assert_eq!(store.copy("f", "h").await.unwrap().encryption, Some(scope));
    assert_eq!(fixture.state().asked.iter().filter(|(method, uri, _)| method == "GET" && uri.ends_with("/f")).count(), 2);
    assert!(fixture.count("GET", "/f") > before, "the tags were asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_under_the_key_from_the_first_to_the_last() {
    let fixture = Fixture::start(Inside::default()).await;
    let store = store_of(&fixture, &keys());
    for way in [key("legal"), FileEncryption::Scope("finance".to_owned())] {
        let file = NewFile { size: Some(LARGE as u64), ..wanted("p", Some(way.clone())) };
        let upload = store.parts().unwrap().begin(&file).await.unwrap();
        // As after a restart.
        let later = store_of(&fixture, &keys());
        let parts = later.parts().unwrap();
        let mut sent = Vec::new();
        for number in 1..=upload.parts {
            let size = upload.part_size.min(LARGE as u64 - u64::from(number - 1) * upload.part_size);
            let bytes = Bytes::from(vec![b'p'; usize::try_from(size).unwrap()]);
            sent.push(parts.put(&upload.id, number, size, chunks(vec![Ok(bytes)])).await.unwrap());
        }
        assert_eq!(parts.finish(&upload.id, &sent).await.unwrap().encryption, Some(way.clone()));
        let info = later.head("p", None).await.unwrap();
        assert_eq!((info.encryption, info.content_type.as_str(), later.tags("p").await.unwrap()), (Some(way), "text/x-sealed", tags()));
    }
    let lost = store_of(&fixture, &json!({}));
    let file = NewFile { size: Some(3), ..wanted("p", Some(key("legal"))) };
    let upload = store.parts().unwrap().begin(&file).await.unwrap();
    let error = lost.parts().unwrap().done(&upload.id).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Invalid && error.message.contains("no key `legal`; there are none"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_had_is_refused_and_nothing_is_written() {
    let fixture = Fixture::start(Inside::default()).await;
    let store = store_of(&fixture, &keys());
    let many: BTreeMap<String, String> = (0..11).map(|number| (number.to_string(), String::new())).collect();
    let kms = FileEncryption::Kms { key: Some("https://vault.example/keys/k".to_owned()) };
    for (file, kind, why) in [
        (wanted("f", Some(kms)), PortErrorKind::Unsupported, "scope:NAME"),
        (wanted("f", Some(key("none"))), PortErrorKind::Invalid, "there are hr, legal. Keys are configured under [files.az.keys]"),
        (wanted("f", Some(FileEncryption::Scope("a b".to_owned()))), PortErrorKind::Invalid, "3 to 63 letters"),
        (NewFile { tags: many, ..wanted("f", None) }, PortErrorKind::Invalid, "10 tags at most"),
        (
            NewFile { tags: BTreeMap::from([("ü".to_owned(), String::new())]), ..wanted("f", None) },
            PortErrorKind::Invalid,
            "letters from a to z",
        ),
        (NewFile { tags: BTreeMap::from([("a".to_owned(), "v".repeat(257))]), ..wanted("f", None) }, PortErrorKind::Invalid, "at most 256"),
    ] {
        let begun = store.parts().unwrap().begin(&NewFile { size: Some(3), ..file.clone() }).await.unwrap_err();
        let error = write(&store, file, 3).await.unwrap_err();
        assert!(error.kind == kind && error.message.contains(why), "{error}");
        assert_eq!((begun.kind, begun.message), (error.kind, error.message));
    }
    assert!(fixture.state().asked.is_empty());
    // Over a line that can be listened to no key is sent.
    let mut open = store_of(&fixture, &keys());
    std::sync::Arc::get_mut(&mut open.account).unwrap().config.endpoint = "http://files.example".to_owned();
    assert_eq!(open.encryptions(), [FileEncryption::Aes256]);
    let error = write(&open, wanted("f", Some(key("legal"))), 3).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Invalid && error.message.contains("isn't reached by https"), "{error}");
    // The service's own refusals.
    for (status, code, kind, why) in [
        (403, "RequestForbiddenByContainerEncryptionPolicy", PortErrorKind::Denied, "its own encryption scope"),
        (404, "EncryptionScopeNotFound", PortErrorKind::Invalid, "is there such a scope"),
        (403, "KeyVaultEncryptionKeyNotFound", PortErrorKind::Denied, "is it there, and enabled"),
        (403, "AuthorizationPermissionMismatch", PortErrorKind::Denied, "networking"),
    ] {
        fixture.state().fails.push_back(Fail { of: ("PUT", "/f"), status, code, body: "", headers: Vec::new() });
        let error = write(&store, wanted("f", Some(FileEncryption::Scope("scope-1".to_owned()))), 3).await.unwrap_err();
        assert!(error.kind == kind && error.message.contains(why), "{code}: {error}");
    }
    assert!(fixture.state().blobs.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_pays_no_heed_keeps_nothing() {
    for (way, more) in [(key("legal"), keys()), (FileEncryption::Scope("finance".to_owned()), json!({ "encryption_scope": "finance" }))] {
        for size in [3, 0, LARGE] {
            let fixture = Fixture::start(Inside { deaf: true, ..Inside::default() }).await;
            let store = store_of(&fixture, &more);
            assert!(store.encryptions().contains(&way));
            write(&store, wanted("f", Some(FileEncryption::Aes256)), 2).await.unwrap();
            let error = write(&store, wanted("f", Some(way.clone())), size).await.unwrap_err();
            assert!(error.kind == PortErrorKind::Unsupported && error.message.contains("nothing is kept there"), "{error}");
            assert!(!store.encryptions().contains(&way));
            assert_eq!(read(&store, "f", None).await.unwrap(), "xx", "{way} {size}");
            assert_eq!(write(&store, wanted("g", Some(way.clone())), size).await.unwrap_err().kind, PortErrorKind::Unsupported);
            assert_eq!(store.head("g", None).await.unwrap_err().kind, PortErrorKind::NotFound);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_to_what_is_under_a_key_are_none() {
    let fixture = Fixture::start(Inside { versions: true, ..Inside::default() }).await;
    let store = store_of(&fixture, &json!({ "keys": { "legal": LEGAL }, "encryption_key": OTHER }));
    write(&store, wanted("usual", None), 3).await.unwrap();
    write(&store, wanted("legal", Some(key("legal"))), 3).await.unwrap();
    write(&store, wanted("plain", Some(FileEncryption::Aes256)), 3).await.unwrap();
    assert_eq!(store.head("usual", None).await.unwrap().encryption, Some(key("default")));
    for name in ["usual", "legal"] {
        assert_eq!(store.share(name, None, 60).await.unwrap(), None, "{name}");
    }
    assert!(store.share("plain", None, 60).await.unwrap().is_some());
    let none = VersionId::new("2026-01-01T00:00:00.0000000Z");
    assert_eq!(store.share("legal", Some(&none), 60).await.unwrap_err().kind, PortErrorKind::NotFound);
}
