//! What becomes of requests when the network breaks on the way: nothing half-done is seen, what was done is found out, and
//! reading goes on.

use crate::{AzureConfig, AzureStore};
use bellhop_core::ports::{ByteStream, FileStore as _, NewFile};
use bellhop_core::{Clock, PortError, PortErrorKind, Timestamp};
use bellhop_kit::conformance::files::chunks;
use bellhop_kit::faults::{Fault, FaultProxy};
use bellhop_kit::peers::azurite::{ACCOUNT, Azurite, KEY};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const MIB: usize = 1 << 20;

struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "a real program next to us goes by the real time")]
        chrono::Utc::now()
    }
}

fn store_at(origin: &str, answer: Duration) -> AzureStore {
    let config = json!({ "container": "files", "account": ACCOUNT, "account_key": KEY, "endpoint": format!("{origin}/{ACCOUNT}") });
    let config: AzureConfig = serde_json::from_value(config).unwrap();
    let mut store = AzureStore::new("az".into(), config, Arc::new(RealClock)).unwrap();
    Arc::get_mut(&mut store.account).unwrap().answer = Some(answer);
    store
}

/// A store behind a network that breaks on demand, and one that reaches the server directly.
async fn behind(answer: Duration) -> (Azurite, FaultProxy, AzureStore, AzureStore) {
    let server = Azurite::start().await.unwrap();
    let upstream = server.origin().trim_start_matches("http://").parse().unwrap();
    let proxy = FaultProxy::start(upstream).await.unwrap();
    let direct = store_at(server.origin(), Duration::from_secs(20));
    direct.buckets().unwrap().create("files").await.unwrap();
    let store = store_at(&proxy.url(), answer);
    (server, proxy, store, direct)
}

fn pattern(len: usize) -> Bytes {
    (0..len.div_ceil(4)).flat_map(|n| u32::try_from(n).unwrap().wrapping_mul(2_654_435_761).to_le_bytes()).take(len).collect()
}

fn stream(bytes: &Bytes) -> ByteStream {
    chunks(bytes.chunks(100_000).map(|chunk| Ok(bytes.slice_ref(chunk))).collect())
}

async fn write(store: &AzureStore, name: &str, bytes: ByteStream) -> Result<(), PortError> {
    let file = NewFile::new(name.to_owned(), "text/plain".to_owned(), None);
    store.write(file, bytes).await.map(drop)
}

async fn read(store: &AzureStore, name: &str) -> Result<Bytes, PortError> {
    let got = store.read(name, None, None).await?;
    let parts: Vec<Bytes> = got.bytes.try_collect().await?;
    Ok(parts.concat().into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_breaks_off_leaves_nothing_and_can_be_done_again() {
    let (_server, proxy, store, direct) = behind(Duration::from_secs(20)).await;
    for (name, size, fault) in [
        ("small", 3 * MIB, Fault::ResetAfter(MIB as u64)),
        ("large", 20 * MIB, Fault::ResetAfter(3 * MIB as u64)),
        ("down", 20 * MIB, Fault::Down),
    ] {
        proxy.set(fault);
        let bytes = pattern(size);
        let error = write(&store, name, stream(&bytes)).await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Unavailable, "{name}: {error:?}");
        assert_eq!(direct.head(name, None).await.unwrap_err().kind, PortErrorKind::NotFound, "{name}");
        proxy.set(Fault::None);
        write(&store, name, stream(&bytes)).await.unwrap();
        assert!(read(&direct, name).await.unwrap() == bytes, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_break_while_blocks_are_sent_is_overcome() {
    let (_server, proxy, store, direct) = behind(Duration::from_secs(20)).await;
    let bytes = pattern(40 * MIB);
    // In the middle all connections are reset; blocks are sent again.
    let (first, second) = (bytes.slice(..25 * MIB), bytes.slice(25 * MIB..));
    let proxy = Arc::new(proxy);
    let cutter = proxy.clone();
    let cutting = futures::stream::once(async move {
        cutter.cut();
        Ok(Bytes::new())
    });
    let source = stream(&first).chain(cutting).chain(stream(&second));
    write(&store, "f", Box::pin(source)).await.unwrap();
    assert!(read(&direct, "f").await.unwrap() == bytes);
    assert!(proxy.connections() > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_goes_on_after_a_break_as_long_as_it_is_the_same_file() {
    let (_server, proxy, store, direct) = behind(Duration::from_secs(20)).await;
    let bytes = pattern(30 * MIB);
    write(&direct, "f", stream(&bytes)).await.unwrap();
    let mut got = Vec::new();
    let mut reading = store.read("f", None, None).await.unwrap().bytes;
    for cut_at in [MIB, 9 * MIB, 20 * MIB] {
        while got.len() < cut_at {
            got.extend_from_slice(&reading.next().await.unwrap().unwrap());
        }
        proxy.cut();
    }
    while let Some(chunk) = reading.next().await {
        got.extend_from_slice(&chunk.unwrap());
    }
    assert!(got == bytes && proxy.connections() > 1, "{} of {} bytes, {} connections", got.len(), bytes.len(), proxy.connections());

    let mut reading = store.read("f", None, None).await.unwrap().bytes;
    reading.next().await.unwrap().unwrap();
    write(&direct, "f", stream(&pattern(30 * MIB - 1))).await.unwrap();
    proxy.cut();
    let error = reading.try_collect::<Vec<_>>().await.unwrap_err();
    assert!(error.kind == PortErrorKind::Conflict && error.message.contains("changed while it was read"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_found_out_where_it_can_be() {
    let (_server, proxy, store, direct) = behind(Duration::from_secs(2)).await;
    write(&store, "there", stream(&pattern(5))).await.unwrap();
    proxy.set(Fault::HalfOpen);
    // It is done, and nobody hears of it: that is said.
    let error = store.delete("there").await.unwrap_err();
    assert!(error.kind == PortErrorKind::TimedOut && error.maybe_done, "{error:?}");
    proxy.set(Fault::None);
    assert_eq!(direct.head("there", None).await.unwrap_err().kind, PortErrorKind::NotFound);
    // A small file is looked for, and known by its checksum.
    let healed = |name: &'static str| {
        let (direct, proxy) = (&direct, &proxy);
        async move {
            let there = || async { direct.head(name, None).await.ok() };
            bellhop_kit::wait::until(Duration::from_secs(20), "the file to be there", there).await;
            proxy.set(Fault::None);
            proxy.cut();
        }
    };
    let fresh = store_at(&proxy.url(), Duration::from_secs(2));
    proxy.set(Fault::HalfOpen);
    let (written, ()) = futures::join!(write(&fresh, "small", stream(&pattern(7))), healed("small"));
    assert!(written.is_ok(), "{:?}", written.err());
    // Blocks are put together while answers vanish, and the network is there again when it is looked for.
    let bytes = pattern(MIB);
    let blocks = crate::blocks::Blocks::begin(&store, "write", "late", crate::sealing::Sealing::Own).unwrap();
    blocks.send(1, bytes.clone()).await.unwrap();
    proxy.set(Fault::HalfOpen);
    let beside = crate::writing::Beside { content_type: "x/y".to_owned(), ..Default::default() };
    let (written, ()) = futures::join!(blocks.commit(&[1], &beside), healed("late"));
    assert!(written.is_ok(), "{:?}", written.err());
    blocks.keep();
    assert!(read(&direct, "late").await.unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_ever() {
    let (_server, proxy, store, _direct) = behind(Duration::from_millis(300)).await;
    write(&store, "f", stream(&pattern(5))).await.unwrap();
    proxy.set(Fault::BlackHole);
    let error = store.head("f", None).await.unwrap_err();
    assert!(error.kind == PortErrorKind::TimedOut && !error.maybe_done && error.message.contains("no answer in time"), "{error:?}");
    let error = store.copy("f", "g").await.unwrap_err();
    assert!(error.kind == PortErrorKind::TimedOut && !error.maybe_done, "nothing was begun yet: {error:?}");
    let error = store.delete("f").await.unwrap_err();
    assert!(error.kind == PortErrorKind::TimedOut && error.maybe_done, "{error:?}");
    proxy.set(Fault::None);
    assert_eq!(read(&store, "f").await.unwrap(), pattern(5));
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle_is_not_waited_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = store_at(&format!("http://{}", listener.local_addr().unwrap()), Duration::from_millis(200));
    let serving = async {
        let mut held = Vec::new();
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let _ = client.read(&mut request).await;
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n<?xml").await;
            held.push(client);
        }
    };
    let error = tokio::select! {
        listed = store.list("", None, 9) => listed.unwrap_err(),
        () = serving => unreachable!("the listener ended"),
    };
    assert!(error.kind == PortErrorKind::TimedOut && !error.maybe_done, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_passes_through_is_whole_or_not_there() {
    let (_server, _proxy, _store, direct) = behind(Duration::from_secs(20)).await;
    let bytes = pattern(20 * MIB);
    let blocks = crate::blocks::Blocks::begin(&direct, "write", "passed", crate::sealing::Sealing::Own).unwrap();
    let source = |announced| crate::source::Source::new(stream(&bytes), Some(announced), "files.az", "write");
    let whole = bytes.len() as u64;
    blocks.send_passing(1, &mut source(whole), whole).await.unwrap();
    for wrong in [whole - 1, whole + 1] {
        let error = blocks.send_passing(2, &mut source(wrong), wrong).await.unwrap_err();
        assert!(error.kind == PortErrorKind::Invalid && error.message.contains("announced with"), "{wrong}: {error}");
    }
    // A length that isn't known goes through a file.
    let mut kept = tokio::fs::File::from_std(tempfile::tempfile().unwrap());
    kept.write_all(&bytes[..MIB]).await.unwrap();
    let mut kept = crate::source::Source::of_file(kept, MIB as u64, "files.az").await.unwrap();
    blocks.send_passing(3, &mut kept, MIB as u64).await.unwrap();
    let held: Vec<(u32, u64)> = blocks.held().await.unwrap().into_iter().map(|block| (block.number, block.size)).collect();
    assert_eq!(held, [(1, whole), (3, MIB as u64)]);
    blocks.commit(&[3, 1], &crate::writing::Beside { content_type: "x/y".to_owned(), ..Default::default() }).await.unwrap();
    blocks.keep();
    let mut expected = bytes.slice(..MIB).to_vec();
    expected.extend_from_slice(&bytes);
    assert!(read(&direct, "passed").await.unwrap() == expected);
}
