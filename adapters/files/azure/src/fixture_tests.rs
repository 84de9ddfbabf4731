//! What the emulator doesn't have, on a strict server of our own: versions, soft delete, keys, Entra, copies, refusals.

use crate::fixture::{ACCOUNT, Fail, Fixture, Inside};
use crate::{AzureConfig, AzureStore};
use bellhop_core::ports::{Encryption, Fact, FileStore, NewFile, PublicLevel, Version, Versioning};
use bellhop_core::{PortError, PortErrorKind, Retry};
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::conformance::files::{self, chunks};
use bytes::Bytes;
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn store_of(fixture: &Fixture, more: &Value) -> AzureStore {
    let mut config = json!({ "container": "files", "account_key": "a2V5", "endpoint": format!("{}/{ACCOUNT}", fixture.origin) });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let config: AzureConfig = serde_json::from_value(config).unwrap();
    let mut store = AzureStore::new("az".into(), config, Arc::new(StoppedClock::default())).unwrap();
    let account = Arc::get_mut(&mut store.account).unwrap();
    account.answer = Some(Duration::from_millis(500));
    store
}

async fn write(store: &AzureStore, name: &str, text: &'static str) -> Result<(), PortError> {
    let file = NewFile::new(name.to_owned(), "text/plain".to_owned(), None);
    store.write(file, chunks(vec![Ok(Bytes::from_static(text.as_bytes()))])).await.map(drop)
}

pub(crate) async fn read(store: &AzureStore, name: &str, version: Option<&Version>) -> Result<String, PortError> {
    let got = store.read(name, version.map(|version| &version.id), None).await?;
    let parts: Vec<Bytes> = got.bytes.try_collect().await?;
    Ok(String::from_utf8(parts.concat()).unwrap())
}

/// Azure marks no deletions, so those that something followed are forgotten.
const FORGOTTEN: [&str; 1] = ["The versions of a file, newest first, deletions included."];

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_but_one_holds_with_versions() {
    let mut fixtures = Vec::new();
    let report = files::report(|| {
        let inside = Inside { versions: true, empty_pages: 2, ..Inside::default() };
        let (sender, receiver) = tokio::sync::oneshot::channel();
        fixtures.push(receiver);
        async move {
            let fixture = Fixture::start(inside).await;
            let keys =
                json!({ "legal": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "hr": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=" });
            let store = store_of(&fixture, &json!({ "prefix": "p/", "keys": keys }));
            // Whether versions are kept shows at the first write.
            write(&store, "first", "x").await.unwrap();
            fixture.state().blobs.clear();
            let _ = sender.send(fixture);
            Arc::new(store) as Arc<dyn FileStore>
        }
    })
    .await;
    // The fixture keeps no access policies.
    let besides = [
        "Such an address bound to an access policy of the store's own bucket: it works from when, until when and as far as the policy says, and ends when that is revoked.",
        "`None` where Bellhop serves the bytes: then asking again tells at each use whether the policy still lets the file be read, and the answer is `Denied` or `NotFound` when it doesn't.",
    ];
    let broken: Vec<&str> = report.broken().filter(|sentence| !besides.contains(sentence)).collect();
    assert!(broken == FORGOTTEN, "{report}");
}

#[tokio::test]
async fn versions_are_the_accounts() {
    let fixture = Fixture::start(Inside { versions: true, ..Inside::default() }).await;
    let store = store_of(&fixture, &json!({}));
    for text in ["one", "two!"] {
        write(&store, "f", text).await.unwrap();
    }
    assert!(store.versioned());
    let all = store.versions("f").await.unwrap();
    assert_eq!(all.iter().map(|version| (version.size, version.current)).collect::<Vec<_>>(), [(4, true), (3, false)]);
    assert_eq!(read(&store, "f", Some(&all[1])).await.unwrap(), "one");
    store.delete("f").await.unwrap();
    let left = store.versions("f").await.unwrap();
    assert_eq!(left.iter().map(|version| version.current).collect::<Vec<_>>(), [false, false]);
    assert_eq!(store.restore("f", None).await.unwrap().size, 4);
    assert_eq!(read(&store, "f", None).await.unwrap(), "two!");
    let error = store.head("f", Some(&"yesterday".into())).await.unwrap_err();
    assert!(error.kind == PortErrorKind::NotFound && error.message.contains("no version `yesterday`"), "{error}");
}

#[tokio::test]
async fn what_soft_delete_keeps_comes_back() {
    let fixture = Fixture::start(Inside { soft_delete: true, ..Inside::default() }).await;
    let store = store_of(&fixture, &json!({}));
    for text in ["old", "new!"] {
        write(&store, "f", text).await.unwrap();
    }
    assert!(!store.versioned());
    store.delete("f").await.unwrap();
    assert_eq!(store.head("f", None).await.unwrap_err().kind, PortErrorKind::NotFound);
    let all = store.versions("f").await.unwrap();
    let facts: Vec<(u64, bool, bool)> = all.iter().map(|version| (version.size, version.deletion, version.current)).collect();
    assert_eq!(facts, [(0, true, true), (4, false, false), (3, false, false)]);
    assert_eq!(all[0].modified.to_rfc3339(), "2026-11-22T10:00:00+00:00");
    for version in &all[..2] {
        let error = store.head("f", Some(&version.id)).await.unwrap_err();
        assert!(error.kind == PortErrorKind::NotFound && error.message.contains("before it is restored"), "{error}");
    }
    assert_eq!(fixture.state().asked.iter().filter(|(_, uri, _)| uri.contains("include=versions%2Csnapshots%2Cdeleted")).count(), 1);
    assert_eq!(store.restore("f", Some(&all[0].id)).await.unwrap_err().kind, PortErrorKind::Invalid);
    assert_eq!(store.restore("f", None).await.unwrap().size, 4);
    assert_eq!(store.restore("f", None).await.unwrap_err().kind, PortErrorKind::Conflict);
    // What was overwritten is a snapshot that undeleting brought back, too.
    let old = store.versions("f").await.unwrap().into_iter().find(|version| version.size == 3).unwrap();
    assert!(old.id.as_str().starts_with("snapshot:"), "{old:?}");
    store.restore("f", Some(&old.id)).await.unwrap();
    assert_eq!(read(&store, "f", None).await.unwrap(), "old");
    assert_eq!(store.restore("g", None).await.unwrap_err().kind, PortErrorKind::NotFound);
}

#[tokio::test]
async fn deleted_versions_and_snapshots_come_back_too() {
    for versions in [true, false] {
        let fixture = Fixture::start(Inside { versions, soft_delete: true, ..Inside::default() }).await;
        let store = store_of(&fixture, &json!({}));
        for text in ["old", "new!"] {
            write(&store, "f", text).await.unwrap();
        }
        // Somebody deletes the older one by itself, and soft delete keeps it.
        fixture.state().blobs.get_mut("f").unwrap()[0].deleted = true;
        let all = store.versions("f").await.unwrap();
        let facts: Vec<(u64, bool, bool)> = all.iter().map(|version| (version.size, version.deletion, version.current)).collect();
        assert_eq!(facts, [(4, false, true), (3, false, false)], "{versions}");
        assert_eq!(store.head("f", Some(&all[1].id)).await.unwrap_err().kind, PortErrorKind::NotFound);
        assert_eq!(store.restore("f", Some(&all[1].id)).await.unwrap().size, 3, "{versions}");
        assert_eq!(read(&store, "f", None).await.unwrap(), "old");
        assert_eq!(fixture.count("PUT", "comp=undelete"), 1);
    }
}

#[tokio::test]
async fn a_key_of_the_customers_goes_with_content_and_nothing_else() {
    let fixture = Fixture::start(Inside { versions: true, ..Inside::default() }).await;
    let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let store = store_of(&fixture, &json!({ "encryption_key": key }));
    write(&store, "f", "secret").await.unwrap();
    assert_eq!(read(&store, "f", None).await.unwrap(), "secret");
    assert_eq!(store.head("f", None).await.unwrap().size, 6);
    // Azure can't copy without the key, so it passes through.
    store.copy("f", "g").await.unwrap();
    assert_eq!(read(&store, "g", None).await.unwrap(), "secret");
    assert_eq!(store.share("f", None, 60).await.unwrap(), None);
    let other = store_of(&fixture, &json!({ "encryption_key": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=" }));
    for stranger in [other, store_of(&fixture, &json!({}))] {
        let error = stranger.head("f", None).await.unwrap_err();
        assert!(error.kind == PortErrorKind::Denied && error.message.contains("[files.az.keys]"), "{error}");
        assert_eq!(read(&stranger, "f", None).await.unwrap_err().kind, PortErrorKind::Denied);
    }
    store.delete("f").await.unwrap();
    let state = fixture.state();
    let with = |method: &str| {
        state.asked.iter().filter(|(was, ..)| was == method).all(|(_, _, headers)| headers.contains_key("x-ms-encryption-key"))
    };
    assert!(with("PUT") && !with("DELETE"));
    assert!(state.asked.iter().all(|(_, _, headers)| !headers.contains_key("x-ms-copy-source")));
}

#[tokio::test]
async fn a_scope_goes_with_what_is_written() {
    let fixture = Fixture::start(Inside::default()).await;
    let store = store_of(&fixture, &json!({ "encryption_scope": "finance" }));
    write(&store, "f", "x").await.unwrap();
    assert_eq!(read(&store, "f", None).await.unwrap(), "x");
    let state = fixture.state();
    assert_eq!(state.blobs["f"][0].said.scope.as_deref(), Some("finance"));
    assert!(
        state.asked.iter().filter(|(method, ..)| method == "GET").all(|(_, _, headers)| !headers.contains_key("x-ms-encryption-scope"))
    );
}

pub(crate) fn entra(fixture: &Fixture, more: &Value) -> Value {
    let mut entra = json!({ "tenant_id": "tenant", "client_id": "client", "login_url": fixture.origin });
    for (key, value) in more.as_object().into_iter().flatten() {
        entra[key] = value.clone();
    }
    json!({ "account_key": null, "account": ACCOUNT, "entra": entra })
}

#[tokio::test]
async fn entra_lends_a_key_for_links() {
    let fixture = Fixture::start(Inside::default()).await;
    let file = std::env::temp_dir().join(format!("bellhop-token-{}", std::process::id()));
    std::fs::write(&file, "federated").unwrap();
    for proof in [json!({ "client_secret": "hush" }), json!({ "federated_token_file": file })] {
        let store = store_of(&fixture, &entra(&fixture, &proof));
        write(&store, "dir/a b.txt", "x").await.unwrap();
        assert_eq!(read(&store, "dir/a b.txt", None).await.unwrap(), "x");
        let limit = store.share_limit().await.unwrap().unwrap();
        assert!(limit.why.contains("7 days") && limit.seconds < 7 * 86_400 && limit.seconds > 6 * 86_400, "{limit:?}");
        let before = fixture.count("POST", "userdelegationkey");
        for _ in 0..2 {
            let link = store.share("dir/a b.txt", None, 3600).await.unwrap().unwrap();
            for part in ["/acme/files/dir%2Fa%20b.txt?", "skoid=oid", "sktid=tid", "sp=r", "sr=b", "spr=https", "rscd=attachment", "sig="] {
                assert!(link.contains(part), "{part}: {link}");
            }
        }
        assert_eq!(fixture.count("POST", "userdelegationkey"), before + 1);
        let error = store.share("dir/a b.txt", None, limit.seconds + 1).await.unwrap_err();
        assert!(error.kind == PortErrorKind::Invalid && error.message.contains("7 days"), "{error}");
        let error = store.share_bound("dir/a b.txt", None, "ops").await.unwrap_err();
        assert!(error.kind == PortErrorKind::Unsupported && error.message.contains("account's key"), "{error}");
        assert!(store.check().await.unwrap().iter().any(|finding| finding.good && finding.text.contains("application client")));
    }
    std::fs::remove_file(&file).unwrap();
    let wrong = store_of(&fixture, &entra(&fixture, &json!({ "client_secret": "wr0ng" })));
    let error = wrong.head("f", None).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unauthenticated && error.message.contains("AADSTS7000215"), "{error}");
    assert!(!error.message.contains("wr0ng"), "{error}");
    let lost = store_of(&fixture, &entra(&fixture, &json!({ "federated_token_file": "/nowhere/token" })));
    let error = lost.head("f", None).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unauthenticated && error.message.contains("/nowhere/token"), "{error}");
}

#[tokio::test]
async fn a_slow_copy_is_waited_for_and_a_failed_one_leaves_nothing() {
    let fixture = Fixture::start(Inside { pending: 3, ..Inside::default() }).await;
    let store = store_of(&fixture, &json!({}));
    write(&store, "f", "x").await.unwrap();
    fixture.state().pending = 2;
    assert_eq!(store.copy("f", "g").await.unwrap().size, 1);
    assert!(fixture.count("HEAD", "/g") >= 3);
    {
        let mut state = fixture.state();
        (state.pending, state.copy_fails) = (1, true);
    }
    let error = store.copy("f", "h").await.unwrap_err();
    assert!(error.message.contains("gave the copy up: 404 it is gone"), "{error}");
    fixture.state().copy_fails = false;
    assert!(!fixture.state().blobs.get("h").is_some_and(|all| all.iter().any(|kept| kept.current)));
    let error = store.copy("none", "i").await.unwrap_err();
    assert!(error.kind == PortErrorKind::NotFound && error.message.contains("`none`"), "{error}");
}

#[tokio::test]
async fn containers_tell_their_facts() {
    let told = vec![
        ("x-ms-blob-public-access", "container"),
        ("x-ms-default-encryption-scope", "finance"),
        ("x-ms-deny-encryption-scope-override", "true"),
        ("x-ms-has-immutability-policy", "true"),
        ("x-ms-has-legal-hold", "true"),
        ("x-ms-immutable-storage-with-versioning-enabled", "true"),
    ];
    let fixture = Fixture::start(Inside { container: told, ..Inside::default() }).await;
    let store = store_of(&fixture, &json!({}));
    let buckets = store.buckets().unwrap();
    let denied = Fail { of: ("GET", "comp=acl"), status: 403, code: "AuthorizationFailure", body: "", headers: Vec::new() };
    fixture.state().fails.push_back(denied);
    let info = buckets.info("files").await.unwrap();
    let Fact::Known(words) = &info.policy else { panic!("{info:?}") };
    assert!(words[0].contains("immutability") && words[1].contains("legal hold") && words[2].contains("can't be seen"), "{words:?}");
    let Fact::Known(public) = &info.public else { panic!("{info:?}") };
    assert_eq!(public.level, Some(PublicLevel::List));
    assert_eq!(info.versioning, Fact::Known(Versioning::On));
    let Fact::Known(Encryption::Other(words)) = &info.encryption else { panic!("{info:?}") };
    assert!(words.contains("finance, which writers can't change"), "{words}");
    for (of, code, kind, why, retry) in [
        (
            ("PUT", "/gone?restype"),
            "ContainerBeingDeleted",
            PortErrorKind::Conflict,
            "being deleted",
            Retry::After(Duration::from_secs(30)),
        ),
        (("PUT", "/gone?restype"), "ContainerAlreadyExists", PortErrorKind::Conflict, "already", Retry::No),
        (("PUT", "/gone?restype"), "AuthorizationFailure", PortErrorKind::Denied, "networking", Retry::No),
    ] {
        fixture.state().fails.push_back(Fail { of, status: 409, code, body: "", headers: Vec::new() });
        let error = buckets.create("gone").await.unwrap_err();
        assert!(error.kind == kind && error.message.contains(why) && error.retry == retry, "{code}: {error:?}");
    }
    let error = buckets.set_versioning("files", true).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unsupported && error.message.contains("--enable-versioning true"), "{error}");
    let error = buckets.lifecycle("files").await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unsupported && error.message.contains("management-policy"), "{error}");
}
