//! Rules carried out in a folder, with a clock that is moved.

use crate::testing::{Place, put, read, write};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{
    Buckets as _, FileStore as _, LifecycleFilter, LifecycleRule, NewFile, NoncurrentExpiry, PartWrites as _, Tidied, When,
};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::SystemTime;

fn rule(id: &str, prefix: &str) -> LifecycleRule {
    let filter = LifecycleFilter { prefix: prefix.to_owned(), ..LifecycleFilter::default() };
    LifecycleRule { id: id.to_owned(), enabled: true, filter, ..LifecycleRule::default() }
}

#[tokio::test]
async fn files_expire_and_can_be_restored_until_their_versions_end() {
    let place = Place::new();
    let store = place.open("{}");
    let expire = LifecycleRule {
        expire: Some(When::Days(10)),
        expire_noncurrent: Some(NoncurrentExpiry { days: 5, keep: None }),
        expire_markers: true,
        ..rule("logs", "logs/")
    };
    store.add_lifecycle("data", &expire).await.unwrap();
    let tagged = LifecycleRule {
        filter: LifecycleFilter { tags: BTreeMap::from([("keep".to_owned(), "no".to_owned())]), ..LifecycleFilter::default() },
        expire: Some(When::Days(1)),
        ..rule("tagged", "")
    };
    store.add_lifecycle("data", &tagged).await.unwrap();
    write(&store, "logs/a", "0123456789").await;
    write(&store, "kept", "x").await;
    let mut short = NewFile::new("short", "", None);
    short.tags = BTreeMap::from([("keep".to_owned(), "no".to_owned())]);
    put(&store, short, "x").await.unwrap();
    assert_eq!(store.tidy().await.unwrap(), Tidied::default());
    place.days(1);
    assert_eq!(store.tidy().await.unwrap(), Tidied { expired: 1, ..Tidied::default() });
    assert_eq!(store.head("short", None).await.unwrap_err().kind, PortErrorKind::NotFound);
    assert_eq!(store.restore("short", None).await.unwrap().size, 1);
    place.days(9);
    assert_eq!(store.tidy().await.unwrap().expired, 2);
    assert_eq!(store.versions("logs/a").await.unwrap().len(), 2);
    assert!(!place.at("files/logs").exists());
    place.days(5);
    assert_eq!(store.tidy().await.unwrap(), Tidied { versions: 1, markers: 1, freed: 10, ..Tidied::default() });
    assert_eq!(store.versions("logs/a").await.unwrap_err().kind, PortErrorKind::NotFound);
    // Numbers are not used again, so that nobody gets something else by an old one.
    assert_eq!(write(&store, "logs/a", "again").await.version, Some("3".into()));
    assert_eq!(read(&store, "kept").await.unwrap(), b"x");
}

#[tokio::test]
async fn older_versions_give_their_room_back() {
    let place = Place::new();
    let store = place.open("{}");
    let rules = LifecycleRule { expire_noncurrent: Some(NoncurrentExpiry { days: 1, keep: Some(1) }), ..rule("r", "") };
    store.add_lifecycle("data", &rules).await.unwrap();
    for size in [100, 200, 300, 400] {
        write(&store, "a", vec![b'x'; size]).await;
    }
    place.days(2);
    assert_eq!(store.tidy().await.unwrap(), Tidied { versions: 2, freed: 300, ..Tidied::default() });
    let sizes: Vec<u64> = store.versions("a").await.unwrap().iter().map(|version| version.size).collect();
    assert_eq!(sizes, [400, 300]);
    assert_eq!(read(&store, "a").await.unwrap().len(), 400);
    // The file and its newest version are one on disk.
    assert_eq!(fs::metadata(place.at("files/a")).unwrap().nlink(), 2);
}

#[tokio::test]
async fn a_file_by_hand_expires_by_its_own_time() {
    let place = Place::new();
    let store = place.open(r#"{"versions": false}"#);
    store.add_lifecycle("data", &LifecycleRule { expire: Some(When::Days(3)), ..rule("r", "") }).await.unwrap();
    fs::write(place.at("files/old"), "by hand").unwrap();
    fs::File::options().write(true).open(place.at("files/old")).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    write(&store, "new", "x").await;
    assert_eq!(store.tidy().await.unwrap().expired, 1);
    assert!(!place.at("files/old").exists() && place.at("files/new").exists());
}

#[tokio::test]
async fn buckets_beside_are_tidied_too_and_one_at_a_time() {
    let place = Place::new();
    let store = place.open("{}");
    store.create("reports").await.unwrap();
    let bucket = place.open(r#"{"bucket": "reports"}"#);
    store.add_lifecycle("reports", &LifecycleRule { expire: Some(When::Days(1)), ..rule("r", "") }).await.unwrap();
    write(&bucket, "a", "x").await;
    place.days(1);
    // Another process is at it.
    let lock = fs::File::create(place.at("buckets/reports/.bellhop/tidy")).unwrap();
    lock.lock().unwrap();
    assert_eq!(store.tidy().await.unwrap(), Tidied::default());
    drop(lock);
    assert_eq!(store.tidy().await.unwrap().expired, 1);
    assert!(bucket.head("a", None).await.is_err());
}

#[tokio::test]
async fn leftovers_and_idle_uploads_go_and_what_is_written_stays() {
    let place = Place::new();
    let store = place.open("{}");
    fs::write(place.at(".bellhop/tmp/old.part"), "left by a crash").unwrap();
    let busy = fs::File::create(place.at(".bellhop/tmp/busy.part")).unwrap();
    busy.lock().unwrap();
    fs::create_dir_all(place.at(".bellhop/uploads/half-begun")).unwrap();
    let file = |name: &str| NewFile::new(name, "", Some(4));
    let (idle, held) = (store.begin(&file("idle")).await.unwrap(), store.begin(&file("held")).await.unwrap());
    place.days(3);
    let touched = store.begin(&file("touched")).await.unwrap();
    place.days(2);
    let bytes = futures::stream::iter([Ok(bytes::Bytes::from_static(b"four"))]);
    store.put(&touched.id, 1, 4, Box::pin(bytes)).await.unwrap();
    let tidied = store.tidy().await.unwrap();
    assert_eq!((tidied.leftovers, tidied.uploads), (2, 0));
    place.days(2);
    // Some process writes a part of this one.
    let lock = fs::File::open(place.at(&format!(".bellhop/uploads/{}/lock", held.id))).unwrap();
    lock.lock_shared().unwrap();
    assert_eq!(store.tidy().await.unwrap().uploads, 1);
    assert_eq!(store.done(&idle.id).await.unwrap_err().kind, PortErrorKind::NotFound);
    assert_eq!(store.done(&touched.id).await.unwrap().len(), 1);
    drop(lock);
    assert_eq!(store.tidy().await.unwrap().uploads, 1);
    // A rule may want it sooner, whatever was done for it since.
    store.add_lifecycle("data", &LifecycleRule { abort_incomplete: Some(4), ..rule("r", "tou") }).await.unwrap();
    assert_eq!(store.tidy().await.unwrap().uploads, 1);
    assert!(place.at(".bellhop/tmp/busy.part").exists());
}
