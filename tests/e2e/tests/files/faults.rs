//! The network and the disk let the bot down in the middle: what people are told, and that nothing half-written is left.

use super::ways::Way;
use super::{House, Kind};
use bellhop_e2e::console::Person;
use bellhop_e2e::eyes::pattern;
use bellhop_e2e::{PATIENCE, binary};
use bellhop_kit::faults::Fault;
use bellhop_kit::process::run;
use bellhop_kit::wait::until;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::process::Command;

const MIB: usize = 1 << 20;
/// The length of the file that changes while it is read.
const LONG: u64 = 72 << 20;

/// Nothing of the name is there, and nothing that was begun.
async fn nothing_left(house: &House, kind: Kind, name: &str) {
    assert_eq!(house.seen(kind, name).await, None, "{kind:?} {name}");
    until(PATIENCE, "what was begun to be gone", || async { house.unfinished(kind).await.is_empty().then_some(()) }).await;
}

#[tokio::test]
async fn a_road_that_breaks_is_told_and_leaves_nothing() {
    let house = House::open("").await;
    let ada = Person::log_in(&house.bot, "you").await;
    let ways = [Way::Chat(&ada, "general"), Way::Say("beside")];
    let bytes = pattern(9 * MIB);
    let one = async |kind: Kind| {
        for (way, name) in ways.iter().zip(["by chat.bin", "by say.bin"]) {
            let at = format!("{}:{name}", kind.store());
            // Every connection is reset before a part is through.
            house.road(kind).set(Fault::ResetAfter(3_000_000));
            way.put(&house, "big.bin", &bytes, &["file", "put", &at]).await.refused(&[kind.store()]);
            house.road(kind).set(Fault::None);
            nothing_left(&house, kind, name).await;
            way.put(&house, "big.bin", &bytes, &["file", "put", &at]).await.done(&["9 MiB"]);
            house.holds(kind, name, &bytes, "application/octet-stream").await;
            // Reading goes on where it was broken off.
            house.road(kind).set(Fault::ResetAfter(5_000_000));
            let (answer, files) = way.bring(&house, &["file", "get", &at]).await;
            answer.done(&[]);
            assert!(files.len() == 1 && files[0].1 == bytes, "{kind:?}: every byte comes");
            house.road(kind).set(Fault::Down);
            for words in [&["file", "info", at.as_str()][..], &["file", "list", &at], &["bucket", "list", "--store", kind.store()]] {
                way.run(&house, words).await.refused(&[kind.store()]);
            }
            way.put(&house, "s.txt", b"small", &["file", "put", &at]).await.refused(&[kind.store()]);
            house.road(kind).set(Fault::Latency(Duration::from_millis(3)));
            way.run(&house, &["file", "info", &at]).await.done(&["9 MiB"]);
            house.road(kind).set(Fault::None);
            house.holds(kind, name, &bytes, "application/octet-stream").await;
        }
    };
    tokio::join!(one(Kind::S3), one(Kind::Azure));
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_not_stored() {
    let house = House::new("").await;
    let one = async |kind: Kind, grows: bool| {
        let (name, path) = (format!("changing-{grows}.bin"), format!("{}-{grows}.bin", kind.store()));
        let (at, full) = (format!("{}:{name}", kind.store()), house.bot.path(&path));
        // Longer than what is read at a time.
        std::fs::File::create(&full).unwrap().set_len(LONG).unwrap();
        let words = ["say", "--file", &path, "--", "file", "put", &at];
        let change = async {
            until(PATIENCE, "the upload to begin", || async { (!house.unfinished(kind).await.is_empty()).then_some(()) }).await;
            let file = std::fs::OpenOptions::new().write(true).open(&full).unwrap();
            file.set_len(if grows { LONG + 1 } else { LONG - 1 }).unwrap();
        };
        let (ran, ()) = tokio::join!(house.bot.bellhop(&words), change);
        assert!(
            ran.code == 1 && ran.out.contains("announced with") && ran.out.to_lowercase().contains("nothing was stored"),
            "{kind:?} {grows}: {}{}",
            ran.out,
            ran.err
        );
        nothing_left(&house, kind, &name).await;
    };
    for kind in [Kind::S3, Kind::Azure] {
        house.road(kind).set(Fault::Latency(Duration::from_millis(5)));
    }
    tokio::join!(one(Kind::S3, true), one(Kind::Azure, true));
    tokio::join!(one(Kind::S3, false), one(Kind::Azure, false));
}

#[tokio::test]
async fn an_upload_that_ends_early_is_no_file() {
    let house = House::open("").await;
    let ada = Person::log_in(&house.bot, "you").await;
    let host = house.bot.url.trim_start_matches("http://");
    let mut line = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "POST /console/upload HTTP/1.1\r\nHost: {host}\r\nOrigin: {}\r\nCookie: {}\r\nX-File-Name: half.bin\r\nContent-Length: 100000\r\n\r\n",
        house.bot.url,
        ada.cookie()
    );
    line.write_all(request.as_bytes()).await.unwrap();
    line.write_all(&pattern(50_000)).await.unwrap();
    line.shutdown().await.unwrap();
    drop(line);
    let whole = ada.attach("whole.bin", &pattern(60_000)).await;
    let answer = ada.says("general", "/file put azure:whole.bin", &[whole]).await;
    assert!(answer.good(), "{}", answer.text);
    house.holds(Kind::Azure, "whole.bin", &pattern(60_000), "application/octet-stream").await;
    // What came of the other is not kept anywhere.
    let incoming = house.bot.path("data/chat/console/incoming");
    let left = || std::fs::read_dir(&incoming).map_or(0, Iterator::count);
    until(PATIENCE, "the half of a file to be gone", || async { (left() == 0).then_some(()) }).await;
}

#[tokio::test]
async fn a_full_disk_is_told_and_leaves_nothing() {
    let house = House::new("").await;
    house.bot.said(&["status"]).await;
    std::fs::write(house.bot.path("big.bin"), pattern(12 * MIB)).unwrap();
    // No file may grow past what the shell allows, whose unit is 512 bytes or a KiB.
    let script = "trap '' XFSZ; ulimit -f 8192; exec \"$0\" --config bellhop.toml say --file big.bin -- file put local:big.bin";
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(binary()).current_dir(house.bot.folder.path());
    let ran = run(&mut command, b"", PATIENCE).await.unwrap();
    assert!(ran.code == 1 && ran.out.contains("local"), "{}: {}{}", ran.code, ran.out, ran.err);
    nothing_left(&house, Kind::Local, "big.bin").await;
    assert_eq!(house.names(Kind::Local).await, Vec::<String>::new());
    let put = house.bot.bellhop(&["say", "--file", "big.bin", "--", "file", "put", "local:big.bin"]).await;
    assert_eq!(put.code, 0, "{}", put.out);
}
