//! Buckets as folders: what lies where, and what is kept after a restart.

use crate::testing::{Place, read, write};
use bellhop_core::PortErrorKind;
use bellhop_core::Timestamp;
use bellhop_core::ports::{AccessPolicy, Buckets, Encryption, FileEncryption, FileStore, Permission, Versioning};
use std::fs;

async fn names(store: &dyn Buckets) -> Vec<String> {
    store.list().await.unwrap().into_iter().map(|bucket| bucket.name).collect()
}

#[tokio::test]
async fn a_bucket_is_a_folder_and_a_store() {
    let place = Place::new();
    let store = place.open("{}");
    assert_eq!((store.own(), names(&store).await), ("data", vec!["data".to_owned()]));
    let made = store.create("reports").await.unwrap();
    assert!(made.created.is_some());
    assert_eq!(names(&store).await, ["data", "reports"]);
    // As a store at once, by its name, by configuration, and by its path.
    let by_name = store.bucket_store(&"reports".into()).unwrap();
    assert_eq!((by_name.name().as_str(), by_name.buckets().unwrap().own()), ("reports", "reports"));
    let configured = place.open(r#"{"bucket": "reports"}"#);
    write(&configured, "q3.txt", "three").await;
    assert_eq!(by_name.head("q3.txt", None).await.unwrap().size, 5);
    assert_eq!(fs::read_to_string(place.at("buckets/reports/files/q3.txt")).unwrap(), "three");
    let mut by_path = place.config("{}");
    by_path.path = place.at("buckets/reports");
    let by_path = crate::LocalStore::open("p".into(), &by_path, place.clock.clone(), place.ids.clone(), None).unwrap();
    assert_eq!((by_path.own(), names(&by_path).await), ("reports", vec!["data".to_owned(), "reports".to_owned()]));
    assert_eq!(read(&by_path, "q3.txt").await.unwrap(), b"three");
    // Nothing of it is in the store's own files, and the other way.
    assert!(FileStore::list(&store, "", None, 9).await.unwrap().files.is_empty());
    assert!(store.bucket_store(&"none".into()).is_none() && store.bucket_store(&"..".into()).is_none());
    let error = Buckets::delete(&store, "reports").await.unwrap_err();
    assert!(error.kind == PortErrorKind::Conflict && error.message.contains("1 file"), "{error}");
}

#[tokio::test]
async fn only_what_is_empty_is_deleted() {
    let place = Place::new();
    let store = place.open("{}");
    store.create("reports").await.unwrap();
    let bucket = place.open(r#"{"bucket": "reports"}"#);
    write(&bucket, "a", "x").await;
    FileStore::delete(&bucket, "a").await.unwrap();
    let error = Buckets::delete(&store, "reports").await.unwrap_err();
    assert!(error.message.contains("1 deleted file that can still be restored"), "{error}");
    store.create("empty-one").await.unwrap();
    let empty = place.open(r#"{"bucket": "empty-one"}"#);
    let by_name = store.bucket_store(&"empty-one".into()).unwrap();
    Buckets::delete(&store, "empty-one").await.unwrap();
    assert!(!place.at("buckets/empty-one").exists());
    assert!(store.bucket_store(&"empty-one".into()).is_none());
    // Whoever still has it open loses nothing silently.
    let late = crate::testing::put(&empty, bellhop_core::ports::NewFile::new("a", "", None), "x").await.unwrap_err();
    assert!(late.kind == PortErrorKind::NotFound || late.kind == PortErrorKind::Unavailable, "{late}");
    assert!(by_name.head("a", None).await.is_err());
    let error = Buckets::delete(&store, "data").await.unwrap_err();
    assert!(error.kind == PortErrorKind::Conflict && error.message.contains("the store itself"), "{error}");
}

#[tokio::test]
async fn links_lead_to_no_bucket() {
    let place = Place::new();
    let store = place.open("{}");
    store.create("reports").await.unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join(".bellhop")).unwrap();
    fs::write(outside.path().join(".bellhop/format"), "1\n").unwrap();
    std::os::unix::fs::symlink(outside.path(), place.at("buckets/linked")).unwrap();
    fs::create_dir(place.at("buckets/stranger")).unwrap();
    fs::write(place.at("buckets/stranger/file"), "x").unwrap();
    assert_eq!(names(&store).await, ["data", "reports"]);
    for name in ["linked", "stranger"] {
        assert_eq!(store.info(name).await.unwrap_err().kind, PortErrorKind::NotFound);
        assert_eq!(Buckets::delete(&store, name).await.unwrap_err().kind, PortErrorKind::NotFound);
        let error = store.create(name).await.unwrap_err();
        assert!(error.kind == PortErrorKind::Conflict && error.message.contains("is no bucket"), "{error}");
        assert!(store.bucket_store(&name.into()).is_none());
    }
    // A bucket's own parts can't lie elsewhere either.
    fs::remove_dir_all(place.at("buckets/reports/files")).unwrap();
    std::os::unix::fs::symlink(outside.path(), place.at("buckets/reports/files")).unwrap();
    assert!(store.bucket_store(&"reports".into()).is_none());
    assert!(outside.path().join(".bellhop/format").exists());
}

#[tokio::test]
async fn settings_are_seen_by_every_process_and_outlive_it() {
    let place = Place::new();
    let (one, two) = (place.open("{}"), place.open("{}"));
    assert!(two.versioned());
    one.set_versioning("data", false).await.unwrap();
    assert!(!two.versioned());
    assert_eq!(two.versioning("data").await.unwrap(), Versioning::Suspended);
    // What a command set goes before the configuration, also when the bot starts anew.
    assert!(!place.open(r#"{"versions": true}"#).versioned());
    two.set_versioning("data", true).await.unwrap();
    assert!(one.versioned() && place.open(r#"{"versions": false}"#).versioned());
    one.set_encryption("data", &Encryption::Aes256).await.unwrap();
    assert_eq!(write(&two, "a", "x").await.encryption, Some(FileEncryption::Aes256));
    one.set_encryption("data", &Encryption::None).await.unwrap();
    assert_eq!(write(&two, "b", "x").await.encryption, None);
    // Many at once, of which none is lost.
    let policy = |id: usize| AccessPolicy {
        id: format!("p{id}"),
        permissions: Permission::read("r").unwrap(),
        starts: None,
        expires: Timestamp::from_timestamp(4_000_000_000, 0),
    };
    let policies: Vec<AccessPolicy> = (0..5).map(policy).collect();
    let stores = [&one, &two];
    futures::future::try_join_all(policies.iter().enumerate().map(|(at, policy)| stores[at % 2].create_access("data", policy)))
        .await
        .unwrap();
    assert_eq!(place.open("{}").access("data").await.unwrap(), policies);
    fs::write(place.at(".bellhop/settings.json"), "{ nonsense").unwrap();
    let error = one.versioning("data").await.unwrap_err();
    assert!(error.kind == PortErrorKind::Broken && error.message.contains("settings.json"), "{error}");
    assert!(one.versioned(), "nothing is lost while it can't be known");
}

#[tokio::test]
async fn what_never_kept_versions_has_none_to_suspend() {
    let place = Place::new();
    let store = place.open(r#"{"versions": false}"#);
    store.set_versioning("data", false).await.unwrap();
    assert_eq!(store.versioning("data").await.unwrap(), Versioning::Off);
    assert_eq!(store.versions("a").await.unwrap_err().kind, PortErrorKind::Unsupported);
    store.set_versioning("data", true).await.unwrap();
    write(&store, "a", "one").await;
    write(&store, "a", "two").await;
    store.set_versioning("data", false).await.unwrap();
    write(&store, "a", "three").await;
    write(&store, "a", "four").await;
    let sizes: Vec<(u64, bool)> = store.versions("a").await.unwrap().iter().map(|version| (version.size, version.current)).collect();
    assert_eq!(sizes, [(4, true), (3, false), (3, false)], "what is overwritten while they are suspended is lost");
    FileStore::delete(&store, "a").await.unwrap();
    store.restore("a", None).await.unwrap();
    assert_eq!(read(&store, "a").await.unwrap(), b"two");
}
