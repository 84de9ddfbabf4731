//! The folder as people, crashes and other processes leave it.

use super::*;
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

struct Home {
    dir: TempDir,
    store: LocalStore,
}

fn home() -> Home {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), true);
    Home { dir, store }
}

fn open(root: &Path, versions: bool) -> LocalStore {
    let config = LocalConfig { versions, ..LocalConfig::at(root) };
    LocalStore::open("home".into(), &config, Arc::new(StoppedClock::default()), Arc::new(CountedIds::default()), None).unwrap()
}

impl Home {
    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join("files").join(path)
    }

    async fn put(&self, name: &str, text: &str) -> FileInfo {
        put(&self.store, name, text).await.unwrap()
    }

    async fn text(&self, name: &str) -> String {
        text(&self.store, name, None).await
    }

    /// Every file below the root but the lock and the format, sorted.
    fn on_disk(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![self.dir.path().to_path_buf()];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    found.push(path.strip_prefix(self.dir.path()).unwrap().display().to_string());
                }
            }
        }
        found.retain(|path| !path.ends_with("/lock") && !path.ends_with("/format"));
        found.sort();
        found
    }

    async fn names(&self, limit: usize) -> Vec<String> {
        let (mut names, mut from) = (Vec::new(), None);
        loop {
            let page = self.store.list("", from.as_deref(), limit).await.unwrap();
            assert!(page.files.len() <= limit);
            names.extend(page.files.into_iter().map(|f| f.name));
            from = page.next;
            if from.is_none() {
                return names;
            }
        }
    }
}

async fn put(store: &LocalStore, name: &str, text: &str) -> PortResult<FileInfo> {
    let file = NewFile::new(name, "text/plain", None);
    store.write(file, Box::pin(futures::stream::iter([Ok(Bytes::from(text.to_owned()))]))).await
}

async fn text(store: &LocalStore, name: &str, version: Option<&str>) -> String {
    let version = version.map(VersionId::from);
    let read = store.read(name, version.as_ref(), None).await.unwrap();
    let parts: Vec<Bytes> = read.bytes.try_collect().await.unwrap();
    String::from_utf8(parts.concat()).unwrap()
}

#[tokio::test]
async fn people_see_files_under_their_own_names() {
    let home = home();
    home.put("reports/2026/Q3 Übersicht.txt", "three").await;
    assert_eq!(fs::read_to_string(home.at("reports/2026/Q3 Übersicht.txt")).unwrap(), "three");
    home.store.delete("reports/2026/Q3 Übersicht.txt").await.unwrap();
    assert!(!home.at("reports").exists(), "empty folders go with their last file");
}

#[tokio::test]
async fn a_file_and_a_folder_of_one_name_exist_together() {
    let home = home();
    for order in [["a", "a/b", "a/b/c"], ["a/b/c", "a/b", "a"]] {
        for name in order {
            home.put(name, name).await;
        }
        for name in order {
            assert_eq!(home.text(name).await, name);
            assert_eq!(home.store.head(name, None).await.unwrap().size, u64::try_from(name.len()).unwrap());
        }
        assert_eq!(home.names(1).await, ["a", "a/b", "a/b/c"]);
        for name in order {
            home.store.delete(name).await.unwrap();
            home.store.head(name, None).await.map(|_| ()).unwrap_err();
        }
        assert!(home.names(10).await.is_empty());
    }
}

#[tokio::test]
async fn names_of_every_kind_are_listed_in_byte_order() {
    let home = home();
    let long = "x".repeat(300);
    let mut names: Vec<String> = [
        "a",
        "a!",
        "a/b",
        "a-b",
        "a/b/c",
        "a0",
        ".bellhop",
        "files/x",
        "100%",
        "a%2Fb",
        "%41",
        "日本/é",
        "日本/e\u{301}",
        "A",
        "..a",
        "con",
    ]
    .iter()
    .map(|n| (*n).to_owned())
    .collect();
    names.extend([
        long.clone(),
        format!("{}{}", &long[..240], "/deep"),
        long[..240].to_owned(),
        format!("{}!", &long[..240]),
        "é".repeat(400),
        format!("{long}/{long}"),
    ]);
    for name in &names {
        home.put(name, name).await;
    }
    names.sort();
    for limit in [1, 3, 100] {
        assert_eq!(home.names(limit).await, names, "{limit} at a time");
    }
    for name in &names {
        assert_eq!(&home.text(name).await, name);
    }
    let page = home.store.list("a/", None, 100).await.unwrap();
    assert_eq!(page.files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["a/b", "a/b/c"]);
    let page = home.store.list(&long[..250], None, 100).await.unwrap();
    assert_eq!(page.files.len(), 2);
}

#[tokio::test]
async fn no_name_leads_out_of_the_folder() {
    let home = home();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    for name in ["../secret", "/etc/passwd", "a/../../x", "a\\..\\b", "a\0b", ""] {
        assert_eq!(put(&home.store, name, "x").await.unwrap_err().kind, PortErrorKind::Invalid, "{name:?}");
        assert_eq!(home.store.head(name, None).await.unwrap_err().kind, PortErrorKind::Invalid, "{name:?}");
    }
    std::os::unix::fs::symlink(outside.path(), home.at("out")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), home.at("link")).unwrap();
    for name in ["out/secret", "out/new", "link"] {
        for error in [
            home.store.head(name, None).await.unwrap_err(),
            put(&home.store, name, "x").await.unwrap_err(),
            home.store.delete(name).await.unwrap_err(),
        ] {
            assert_eq!(error.kind, PortErrorKind::Denied, "{name}: {error}");
            assert!(error.message.contains("symbolic link"), "{error}");
        }
    }
    assert!(home.names(10).await.is_empty());
    assert_eq!(fs::read_to_string(outside.path().join("secret")).unwrap(), "secret");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    // A version's id is no path either.
    home.put("a", "1").await;
    for id in ["../1", "1.json", "/etc/passwd", "01x", "-1", ""] {
        assert_eq!(home.store.head("a", Some(&id.into())).await.unwrap_err().kind, PortErrorKind::NotFound);
    }
}

#[tokio::test]
async fn what_is_changed_by_hand_is_served_as_it_is() {
    let home = home();
    home.put("a.txt", "one").await;
    // Replaced, as editors do: the version before it is kept.
    fs::write(home.at("a.new"), "by hand").unwrap();
    fs::rename(home.at("a.new"), home.at("a.txt")).unwrap();
    assert_eq!(home.text("a.txt").await, "by hand");
    let info = home.store.head("a.txt", None).await.unwrap();
    assert_eq!((info.size, info.content_type.as_str(), info.version), (7, "text/plain", Some("2".into())));
    assert_eq!(info.sha256, Some(hex::encode(<sha2::Sha256 as sha2::Digest>::digest(b"by hand"))));
    assert_eq!(text(&home.store, "a.txt", Some("1")).await, "one");
    home.put("a.txt", "three").await;
    assert_eq!(text(&home.store, "a.txt", Some("2")).await, "by hand");
    // Written over in place: what it was is gone, and is said to be.
    fs::write(home.at("a.txt"), "in place").unwrap();
    assert_eq!(home.text("a.txt").await, "in place");
    let versions = home.store.versions("a.txt").await.unwrap();
    assert_eq!(versions.iter().map(|v| (v.id.as_str(), v.current)).collect::<Vec<_>>(), [("4", true), ("2", false), ("1", false)]);
    let error = home.store.head("a.txt", Some(&"3".into())).await.unwrap_err();
    assert!(error.message.contains("written over by hand"), "{error}");
    // Put there by hand, and deleted by hand.
    fs::create_dir(home.at("new")).unwrap();
    fs::write(home.at("new/b.png"), "png").unwrap();
    assert_eq!(home.store.list("new", None, 9).await.unwrap().files[0].content_type, "image/png");
    assert_eq!(home.store.head("new/b.png", None).await.unwrap().version, Some("1".into()));
    fs::remove_file(home.at("new/b.png")).unwrap();
    assert_eq!(home.store.head("new/b.png", None).await.unwrap_err().kind, PortErrorKind::NotFound);
    home.store.restore("new/b.png", None).await.unwrap();
    assert_eq!(home.text("new/b.png").await, "png");
}

#[tokio::test]
async fn a_backup_put_back_is_the_same_store() {
    let home = home();
    home.put("a", "one").await;
    home.put("a", "two").await;
    let before = home.store.versions("a").await.unwrap();
    // Restoring gives every file another time of change, and tears linked names apart.
    for path in home.on_disk() {
        let (path, new) = (home.dir.path().join(&path), home.dir.path().join("new"));
        fs::write(&new, fs::read(&path).unwrap()).unwrap();
        fs::File::options().write(true).open(&new).unwrap().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
        fs::rename(&new, &path).unwrap();
    }
    for _ in 0..2 {
        assert_eq!(home.store.versions("a").await.unwrap(), before);
        assert_eq!(text(&home.store, "a", Some("1")).await, "one");
        assert_eq!(home.text("a").await, "two");
    }
}

#[tokio::test]
async fn writes_that_fail_leave_nothing() {
    let home = home();
    home.put("a", "one").await;
    let before = home.on_disk();
    let broken = || PortError::new(PortErrorKind::Unavailable, "chat", "fetch", "the line broke");
    let streams: [(Option<u64>, Vec<PortResult<Bytes>>); 4] = [
        (None, vec![Ok(Bytes::from_static(b"half")), Err(broken())]),
        (Some(10), vec![Ok(Bytes::from_static(b"short"))]),
        (Some(3), vec![Ok(Bytes::from_static(b"long")), Ok(Bytes::from_static(b"er"))]),
        (Some(1), vec![]),
    ];
    for (size, parts) in streams {
        let file = NewFile::new("a", String::new(), size);
        home.store.write(file, Box::pin(futures::stream::iter(parts))).await.unwrap_err();
        assert_eq!(home.on_disk(), before);
    }
    assert_eq!(home.text("a").await, "one");
}

#[tokio::test]
async fn a_write_that_is_given_up_leaves_nothing() {
    let home = home();
    let file = NewFile::new("a", String::new(), None);
    let endless = futures::stream::iter([Ok(Bytes::from_static(b"x"))]).chain(futures::stream::pending());
    let given_up = tokio::time::timeout(Duration::from_millis(50), home.store.write(file, Box::pin(endless))).await;
    assert!(given_up.is_err());
    let gone = async {
        while !home.on_disk().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("the temporary file goes when the write is given up");
}

#[tokio::test]
async fn leftovers_go_at_the_next_start_and_writes_under_way_stay() {
    let home = home();
    let tmp = home.dir.path().join(".bellhop/tmp");
    fs::write(tmp.join("old.part"), "left by a crash").unwrap();
    let busy = fs::File::create(tmp.join("busy.part")).unwrap();
    busy.try_lock().unwrap();
    open(home.dir.path(), true);
    assert_eq!(home.on_disk(), [".bellhop/tmp/busy.part"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_writes_at_once_all_become_versions_and_one_is_current() {
    let home = home();
    // Two stores on one folder, as two processes would have them.
    let other = open(home.dir.path(), true);
    let texts: Vec<String> = (0..20).map(|n| format!("text {n:02}")).collect();
    let writes = texts.iter().enumerate().map(|(at, text)| put(if at % 2 == 0 { &home.store } else { &other }, "a", text));
    let infos = futures::future::try_join_all(writes).await.unwrap();
    let mut seen = BTreeMap::new();
    for info in &infos {
        let id = info.version.clone().unwrap();
        seen.insert(text(&home.store, "a", Some(id.as_str())).await, id);
    }
    assert_eq!(seen.keys().collect::<Vec<_>>(), texts.iter().collect::<Vec<_>>());
    let versions = home.store.versions("a").await.unwrap();
    assert_eq!(versions.len(), 20);
    assert_eq!(versions.iter().filter(|v| v.current).map(|v| v.id.as_str()).collect::<Vec<_>>(), ["20"]);
    assert_eq!(home.text("a").await, text(&home.store, "a", Some("20")).await);
}

#[tokio::test]
async fn deletions_are_versions_and_can_be_undone() {
    let home = home();
    home.put("a", "one").await;
    home.put("a", "two").await;
    home.store.delete("a").await.unwrap();
    let versions = home.store.versions("a").await.unwrap();
    assert_eq!(
        versions.iter().map(|v| (v.id.as_str(), v.deletion, v.current)).collect::<Vec<_>>(),
        [("3", true, true), ("2", false, false), ("1", false, false)]
    );
    assert_eq!(home.store.restore("a", None).await.unwrap().version, Some("4".into()));
    assert_eq!(home.text("a").await, "two");
    assert_eq!(home.store.restore("a", None).await.unwrap_err().kind, PortErrorKind::Conflict);
    assert_eq!(home.store.restore("a", Some(&"1".into())).await.unwrap().version, Some("5".into()));
    assert_eq!(home.text("a").await, "one");
    assert_eq!(home.store.head("a", Some(&"3".into())).await.unwrap_err().kind, PortErrorKind::NotFound);
}

#[tokio::test]
async fn without_versions_only_the_present_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), false);
    put(&store, "a", "one").await.unwrap();
    let info = put(&store, "a", "two").await.unwrap();
    assert_eq!((info.version, info.sha256.is_some()), (None, true));
    assert_eq!(store.head("a", None).await.unwrap().content_type, "text/plain");
    assert_eq!(store.versions("a").await.unwrap_err().kind, PortErrorKind::Unsupported);
    store.delete("a").await.unwrap();
    let home = Home { dir, store };
    assert!(home.on_disk().is_empty(), "{:?}", home.on_disk());
    // Versions switched on later: what is there then is the first of them.
    put(&home.store, "b", "one").await.unwrap();
    let store = open(home.dir.path(), true);
    put(&store, "b", "two").await.unwrap();
    assert_eq!(text(&store, "b", Some("1")).await, "one");
}

#[tokio::test]
async fn a_folder_of_a_newer_format_is_refused() {
    let home = home();
    fs::write(home.dir.path().join(".bellhop/format"), "7\n").unwrap();
    let again = LocalStore::new("home".into(), home.dir.path(), Arc::new(StoppedClock::default()), Arc::new(CountedIds::default()));
    let Err(error) = again else { panic!("it was opened") };
    assert!(error.message.contains("format 7"), "{error}");
}

#[test]
fn failures_of_the_disk_say_what_to_do() {
    use std::io::{Error, ErrorKind};
    let said = |kind: ErrorKind| crate::folder::failure("files.home", "write", Path::new("/data/x"), &Error::from(kind));
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
        let error = said(kind);
        assert_eq!(error.kind, PortErrorKind::Full);
        assert!(error.message.contains("/data/x") && error.message.contains("free some space"), "{error}");
    }
    let error = said(ErrorKind::PermissionDenied);
    assert_eq!(error.kind, PortErrorKind::Denied);
    assert!(error.message.contains("/data/x"), "{error}");
}

#[tokio::test]
async fn large_files_come_in_pieces_and_parts() {
    let home = home();
    let piece = Bytes::from(vec![7_u8; 1024 * 1024]);
    let parts: Vec<PortResult<Bytes>> = std::iter::repeat_n(piece, 40).map(Ok).collect();
    let file = NewFile::new("big", String::new(), Some(40 << 20));
    home.store.write(file, Box::pin(futures::stream::iter(parts))).await.unwrap();
    let range = ReadRange { start: (40 << 20) - 300_000, length: Some(u64::MAX) };
    let read = home.store.read("big", None, Some(range)).await.unwrap();
    assert_eq!(read.info.size, 40 << 20);
    let parts: Vec<Bytes> = read.bytes.try_collect().await.unwrap();
    assert!(parts.iter().all(|p| p.len() <= 256 * 1024));
    assert_eq!(parts.concat(), vec![7_u8; 300_000]);
    let beyond = home.store.read("big", None, Some(ReadRange { start: u64::MAX, length: None })).await.unwrap();
    assert_eq!(beyond.bytes.try_collect::<Vec<_>>().await.unwrap(), Vec::<Bytes>::new());
}
