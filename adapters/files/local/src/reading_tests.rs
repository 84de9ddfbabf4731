//! Encrypted files in a folder: what lies there, what people and thieves do to it, and keys that come and go.

use crate::testing::{Place, put, read, write};
use bellhop_core::ids::VersionId;
use bellhop_core::ports::{FileEncryption, FileStore as _, NewFile, ReadRange};
use bellhop_core::{PortError, PortErrorKind};
use bytes::Bytes;
use futures::TryStreamExt as _;
use std::collections::BTreeMap;
use std::fs;

const LEGAL: &str = r#"{"keys": {"legal": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="}}"#;
const RENAMED: &str = r#"{"keys": {"old-legal": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="}}"#;
const OTHER: &str = r#"{"keys": {"legal": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}}"#;

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

fn under(name: &str, with: FileEncryption) -> NewFile {
    NewFile { encryption: Some(with), ..NewFile::new(name, "text/plain", None) }
}

fn legal() -> FileEncryption {
    FileEncryption::Key("legal".to_owned())
}

async fn refusal(store: &crate::LocalStore, name: &str) -> PortError {
    read(store, name).await.unwrap_err()
}

#[tokio::test]
async fn encrypted_files_are_read_whole_and_in_parts() {
    let place = Place::new();
    let store = place.open(r#"{"encrypt": true}"#);
    for size in [0, 1, 65_536, 300_000] {
        let content = content(size);
        let info = write(&store, "a", &content).await;
        assert_eq!((info.size, info.encryption.clone()), (size as u64, Some(FileEncryption::Aes256)));
        assert_eq!(info.sha256, Some(hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&content))));
        assert_eq!(store.head("a", None).await.unwrap(), info);
        assert_eq!(store.list("", None, 9).await.unwrap().files, [info]);
        let disk = fs::read(place.at("files/a")).unwrap();
        assert_eq!(disk.len() as u64, crate::sealed::disk_size(size as u64));
        assert!(size < 9 || !disk.windows(9).any(|window| window == &content[..9]));
        for (start, length) in [(0, 1), (65_535, 2), (65_536, 1), (131_000, 70_000), (299_999, 5), (400_000, 9)] {
            let range = ReadRange { start, length: Some(length) };
            let got = store.read("a", None, Some(range)).await.unwrap().bytes.try_collect::<Vec<Bytes>>().await.unwrap().concat();
            let from = size.min(usize::try_from(start).unwrap());
            assert_eq!(got, &content[from..size.min(from + usize::try_from(length).unwrap())], "{size} {range:?}");
        }
    }
    assert_eq!(store.versions("a").await.unwrap().len(), 4);
    store.restore("a", Some(&VersionId::from("2"))).await.unwrap();
    assert_eq!(read(&store, "a").await.unwrap(), content(1));
    // Files from before stay as they were, and are read.
    let place = Place::new();
    write(&place.open("{}"), "plain", "as it is").await;
    let store = place.open(r#"{"encrypt": true}"#);
    assert_eq!(read(&store, "plain").await.unwrap(), b"as it is");
    assert_eq!(store.head("plain", None).await.unwrap().encryption, None);
    assert_eq!(store.copy("plain", "copy").await.unwrap().encryption, Some(FileEncryption::Aes256), "a copy is a new file");
}

#[tokio::test]
async fn what_was_done_to_a_file_on_disk_is_noticed() {
    let place = Place::new();
    let store = place.open(r#"{"encrypt": true}"#);
    let content = content(200_000);
    for name in ["a", "b"] {
        write(&store, name, &content).await;
    }
    let path = place.at("files/a");
    let good = fs::read(&path).unwrap();
    let mut flipped = good.clone();
    flipped[70_000] ^= 1;
    for (what, bytes) in [
        ("a changed byte", flipped),
        ("its end cut off", good[..good.len() - 100].to_vec()),
        ("a whole chunk cut off", good[..64 + 3 * 65_552].to_vec()),
        ("another file's content", fs::read(place.at("files/b")).unwrap()),
    ] {
        fs::write(place.at("new"), &bytes).unwrap();
        fs::rename(place.at("new"), &path).unwrap();
        let error = refusal(&store, "a").await;
        assert!(error.kind == PortErrorKind::Broken && error.message.contains("restore an older version"), "{what}: {error}");
    }
    // The version that was kept is whole.
    store.restore("a", Some(&VersionId::from("1"))).await.unwrap();
    assert!(read(&store, "a").await.unwrap() == content);
    // Changed in place and given its old time of change: the record still fits, and the content doesn't.
    let changed = fs::metadata(&path).unwrap().modified().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[100] ^= 1;
    fs::write(&path, &bytes).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(changed).unwrap();
    assert_eq!(refusal(&store, "a").await.kind, PortErrorKind::Broken);
    // It can be replaced all the same.
    write(&store, "a", "new").await;
    assert_eq!(read(&store, "a").await.unwrap(), b"new");
}

#[tokio::test]
async fn keys_are_asked_for_by_name_and_found_by_themselves() {
    let place = Place::new();
    let store = place.open(LEGAL);
    put(&store, under("contract", legal()), "secret").await.unwrap();
    assert_eq!(store.head("contract", None).await.unwrap().encryption, Some(legal()));
    assert_eq!(store.copy("contract", "copy").await.unwrap().encryption, Some(legal()), "a copy is no less protected");
    let renamed = place.open(RENAMED);
    assert_eq!(read(&renamed, "contract").await.unwrap(), b"secret");
    assert_eq!(renamed.head("contract", None).await.unwrap().encryption, Some(FileEncryption::Key("old-legal".to_owned())));
    for without in ["{}", OTHER] {
        let store = place.open(without);
        assert_eq!(store.head("contract", None).await.unwrap().encryption, Some(legal()), "what it is under is known without it");
        let error = refusal(&store, "contract").await;
        assert_eq!(error.kind, PortErrorKind::Denied);
        assert!(error.message.contains("`legal`") && error.message.contains("[files.home.keys]"), "{error}");
    }
    let refused = put(&store, under("x", FileEncryption::Key("lega".to_owned())), "x").await.unwrap_err();
    assert!(refused.kind == PortErrorKind::Invalid && refused.message.contains("did you mean `legal`"), "{refused}");
    for other in [FileEncryption::Kms { key: None }, FileEncryption::Scope("s".to_owned())] {
        assert_eq!(put(&store, under("x", other), "x").await.unwrap_err().kind, PortErrorKind::Unsupported);
    }
    assert!(store.head("x", None).await.is_err());
}

#[tokio::test]
async fn the_bots_own_key_may_be_lost_or_another() {
    let place = Place::new();
    write(&place.open_with(r#"{"encrypt": true}"#, Some(1)), "a", "secret").await;
    for key in [None, Some(2)] {
        let store = place.open_with("{}", key);
        let error = refusal(&store, "a").await;
        assert_eq!(error.kind, PortErrorKind::Denied);
        assert!(error.message.contains("master_key") && error.message.contains("master.key"), "{error}");
        assert_eq!(store.head("a", None).await.unwrap().size, 6);
    }
    assert_eq!(read(&place.open_with("{}", Some(1)), "a").await.unwrap(), b"secret");
    let without = crate::LocalStore::new("home".into(), &place.at(""), place.clock.clone(), place.ids.clone()).unwrap();
    assert!(without.encryptions().is_empty());
    assert_eq!(put(&without, under("b", FileEncryption::Aes256), "x").await.unwrap_err().kind, PortErrorKind::Unsupported);
}

#[tokio::test]
async fn encrypted_files_that_were_put_back_are_known_again() {
    let place = Place::new();
    let store = place.open(r#"{"encrypt": true}"#);
    write(&store, "dir/a.txt", "secret").await;
    let disk = fs::read(place.at("files/dir/a.txt")).unwrap();
    // Only the files were in the backup.
    let other = Place::new();
    let store = other.open("{}");
    write(&store, "b", "makes the folder").await;
    put(&store, under("c", FileEncryption::Aes256), "x").await.unwrap();
    fs::create_dir(other.at("files/dir")).unwrap();
    fs::write(other.at("files/dir/a.txt"), &disk).unwrap();
    let listed = store.list("dir/", None, 9).await.unwrap().files.remove(0);
    assert_eq!((listed.size, listed.encryption), (6, Some(FileEncryption::Aes256)));
    assert_eq!(read(&store, "dir/a.txt").await.unwrap(), b"secret");
    // An ordinary file that only looks like one is what it was written as.
    write(&store, "like", &disk).await;
    assert_eq!(read(&store, "like").await.unwrap(), disk);
    fs::File::options().write(true).open(other.at("files/like")).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(read(&store, "like").await.unwrap(), disk);
}

#[tokio::test]
async fn tags_go_with_versions_and_copies() {
    let place = Place::new();
    let store = place.open("{}");
    let tags = |value: &str| BTreeMap::from([("project".to_owned(), value.to_owned())]);
    put(&store, NewFile { tags: tags("one"), ..NewFile::new("a", "", None) }, "1").await.unwrap();
    put(&store, NewFile { tags: tags("two"), ..NewFile::new("a", "", None) }, "2").await.unwrap();
    assert_eq!(store.tags("a").await.unwrap(), tags("two"));
    store.set_tags("a", &tags("three")).await.unwrap();
    store.copy("a", "b").await.unwrap();
    assert_eq!(store.tags("b").await.unwrap(), tags("three"));
    store.restore("a", Some(&VersionId::from("1"))).await.unwrap();
    assert_eq!(store.tags("a").await.unwrap(), tags("one"));
    fs::write(place.at("files/hand"), "x").unwrap();
    store.set_tags("hand", &tags("by hand")).await.unwrap();
    assert_eq!(store.tags("hand").await.unwrap(), tags("by hand"));
    for wrong in [(0..11).map(|n| (n.to_string(), String::new())).collect(), tags(&"x".repeat(257)), tags("line\nbreak")] {
        assert_eq!(store.set_tags("a", &wrong).await.unwrap_err().kind, PortErrorKind::Invalid);
        assert_eq!(
            put(&store, NewFile { tags: wrong, ..NewFile::new("c", "", None) }, "1").await.unwrap_err().kind,
            PortErrorKind::Invalid
        );
    }
    assert!(store.head("c", None).await.is_err());
}
