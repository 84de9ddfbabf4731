//! Uploads in parts as restarts and other processes leave them.

use crate::testing::{Place, read};
use bellhop_core::PortErrorKind;
use bellhop_core::ids::UploadId;
use bellhop_core::ports::{Buckets as _, ByteStream, FileEncryption, FileStore as _, NewFile, PartDone, PartWrites as _, PortResult};
use bytes::Bytes;
use futures::StreamExt as _;
use std::fs;

const PART: usize = 16 << 20;
const SIZE: usize = 2 * PART + 12_345;

fn content() -> Vec<u8> {
    (0..SIZE).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

fn part(content: &[u8], number: u32) -> &[u8] {
    let from = PART * (number as usize - 1);
    &content[from..content.len().min(from + PART)]
}

fn stream(bytes: &[u8]) -> ByteStream {
    let pieces: Vec<PortResult<Bytes>> = bytes.chunks(1_000_003).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Box::pin(futures::stream::iter(pieces))
}

async fn put(store: &crate::LocalStore, id: &UploadId, content: &[u8], number: u32) -> PortResult<PartDone> {
    let bytes = part(content, number);
    store.put(id, number, bytes.len() as u64, stream(bytes)).await
}

async fn resumed(config: &str) {
    let (place, content) = (Place::new(), content());
    let store = place.open(config);
    let mut file = NewFile::new("dir/big", "", Some(SIZE as u64));
    file.tags.insert("project".to_owned(), "bell".to_owned());
    let upload = store.begin(&file).await.unwrap();
    assert_eq!((upload.part_size, upload.parts), (PART as u64, 3));
    put(&store, &upload.id, &content, 3).await.unwrap();
    // A part that is cut off, as by kill -9: the stream never ends, and its bytes are half written.
    let half = futures::stream::iter([Ok(Bytes::copy_from_slice(&content[..1 << 20]))]).chain(futures::stream::pending());
    let cut = tokio::time::timeout(std::time::Duration::from_millis(50), store.put(&upload.id, 1, PART as u64, Box::pin(half))).await;
    assert!(cut.is_err());
    drop(store);
    let store = place.open(config);
    let there: Vec<u32> = store.done(&upload.id).await.unwrap().iter().map(|part| part.number).collect();
    assert_eq!(there, [3]);
    let (one, two) = futures::join!(put(&store, &upload.id, &content, 1), put(&store, &upload.id, &content, 2));
    let all = store.done(&upload.id).await.unwrap();
    assert_eq!(all[..2], [one.unwrap(), two.unwrap()]);
    assert!(all.iter().all(|part| part.checksum.as_deref().is_some_and(|sum| sum.starts_with("crc64nvme:"))));
    let info = store.finish(&upload.id, &all).await.unwrap();
    assert_eq!(info.sha256, Some(hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&content))));
    assert_eq!(info, store.head("dir/big", None).await.unwrap());
    assert!(read(&store, "dir/big").await.unwrap() == content);
    assert_eq!(store.tags("dir/big").await.unwrap(), file.tags);
    assert_eq!(fs::read_dir(place.at(".bellhop/uploads")).unwrap().count(), 0, "nothing of it is left");
    assert_eq!(fs::read_dir(place.at(".bellhop/tmp")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_before_a_restart_is_not_sent_again() {
    resumed("{}").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_uploads_are_resumed_too() {
    resumed(r#"{"encrypt": true}"#).await;
}

#[tokio::test]
async fn parts_of_an_encrypted_upload_lie_encrypted() {
    let place = Place::new();
    let store = place.open("{}");
    let mut file = NewFile::new("a", "", Some(40));
    file.encryption = Some(FileEncryption::Aes256);
    let upload = store.begin(&file).await.unwrap();
    let done = store.put(&upload.id, 1, 40, stream(&[b'x'; 40])).await.unwrap();
    let data = fs::read(place.at(&format!(".bellhop/uploads/{}/data", upload.id))).unwrap();
    assert!(!data.windows(8).any(|window| window == [b'x'; 8]));
    // Sent again, it is not sealed by the same nonce.
    store.put(&upload.id, 1, 40, stream(&[b'x'; 40])).await.unwrap();
    assert_ne!(data, fs::read(place.at(&format!(".bellhop/uploads/{}/data", upload.id))).unwrap());
    assert_eq!(store.finish(&upload.id, &[done]).await.unwrap().encryption, Some(FileEncryption::Aes256));
    assert_eq!(read(&store, "a").await.unwrap(), [b'x'; 40]);
}

#[tokio::test]
async fn bytes_that_changed_on_disk_are_noticed_before_the_file_is_there() {
    for config in ["{}", r#"{"encrypt": true}"#] {
        let place = Place::new();
        let store = place.open(config);
        let upload = store.begin(&NewFile::new("a", "", Some(40))).await.unwrap();
        let done = store.put(&upload.id, 1, 40, stream(&[b'x'; 40])).await.unwrap();
        let data = place.at(&format!(".bellhop/uploads/{}/data", upload.id));
        let mut bytes = fs::read(&data).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&data, &bytes).unwrap();
        let error = store.finish(&upload.id, std::slice::from_ref(&done)).await.unwrap_err();
        assert!(error.kind == PortErrorKind::Conflict && error.message.contains("send it again"), "{error}");
        assert!(store.head("a", None).await.is_err());
        store.put(&upload.id, 1, 40, stream(&[b'x'; 40])).await.unwrap();
        store.finish(&upload.id, &[done]).await.unwrap();
        assert_eq!(read(&store, "a").await.unwrap(), [b'x'; 40]);
    }
}

#[tokio::test]
async fn empty_files_and_wrong_parts() {
    let place = Place::new();
    let store = place.open("{}");
    let upload = store.begin(&NewFile::new("empty", "", Some(0))).await.unwrap();
    assert_eq!(upload.parts, 1);
    for (number, size) in [(0, 0), (2, 0), (1, 1)] {
        assert_eq!(store.put(&upload.id, number, size, stream(b"x")).await.unwrap_err().kind, PortErrorKind::Invalid);
    }
    assert_eq!(store.finish(&upload.id, &[]).await.unwrap_err().kind, PortErrorKind::Invalid);
    let done = store.put(&upload.id, 1, 0, stream(b"")).await.unwrap();
    assert_eq!(store.finish(&upload.id, &[done]).await.unwrap().size, 0);
    for id in ["", "..", "../x", "a/b", "none"] {
        assert_eq!(store.done(&id.into()).await.unwrap_err().kind, PortErrorKind::NotFound, "{id:?}");
    }
    // An unfinished upload keeps its bucket.
    store.create("reports").await.unwrap();
    let bucket = place.open(r#"{"bucket": "reports"}"#);
    let upload = bucket.begin(&NewFile::new("a", "", Some(1))).await.unwrap();
    assert!(bellhop_core::ports::Buckets::delete(&store, "reports").await.unwrap_err().message.contains("1 unfinished upload"));
    bucket.abort(&upload.id).await.unwrap();
    bellhop_core::ports::Buckets::delete(&store, "reports").await.unwrap();
}
