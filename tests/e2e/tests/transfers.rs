//! Large copies between stores: killed in the middle they go on, nothing that had arrived is sent again, and what is there in the
//! end is what another client reads.
#![expect(clippy::expect_used, reason = "a test's own tools fail the test")]

use bellhop_e2e::console::Person;
use bellhop_e2e::{Bot, PATIENCE, json};
use bellhop_kit::faults::FaultProxy;
use bellhop_kit::peers::s3::{ACCESS_KEY, REGION, S3Server, SECRET_KEY};
use bellhop_kit::wait;
use serde_json::json;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;
/// The length of what is copied.
const SIZE: u64 = 1024 * MIB;
/// How long a part is at the S3 store.
const PART: u64 = 8 * MIB;
/// How many parts are under way at once.
const PARALLEL: u64 = 4;
/// Longer than anything takes here on a busy machine.
const LONG: Duration = Duration::from_mins(5);

/// What the person sees in #general: the words and the buttons.
fn shown(person: &Person) -> String {
    person
        .reads("general")
        .iter()
        .flat_map(|message| std::iter::once(message.text.clone()).chain(message.buttons()))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A file whose every MiB is another, and that takes little room.
fn sparse(path: &Path, size: u64) {
    let mut file = std::fs::File::create(path).expect("a file");
    file.set_len(size).expect("room for it");
    for at in 0..size / MIB {
        file.seek(SeekFrom::Start(at * MIB + at % 1000)).expect("a place in it");
        file.write_all(format!("this is MiB {at}").as_bytes()).expect("room for it");
    }
}

/// The most memory that the program has had, in MiB.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the program runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a line of the peak");
    line.split_whitespace().nth(1).and_then(|size| size.parse::<u64>().ok()).expect("a size in KiB") / 1024
}

async fn stores() -> (S3Server, FaultProxy, String) {
    let server = S3Server::s3s().await.expect("the S3 server starts");
    server.boto("s3.create_bucket(Bucket='archive')", &json!({})).await.expect("a bucket");
    let upstream = server.url().trim_start_matches("http://").parse().expect("an address");
    let proxy = FaultProxy::start(upstream).await.expect("a proxy");
    let config = format!(
        "[files.here]\nkind = \"local\"\npath = \"here\"\n\n[files.cloud]\nkind = \"s3\"\nbucket = \"archive\"\nregion = \"{REGION}\"\n\
         endpoint = \"{}\"\naccess_key_id = \"{ACCESS_KEY}\"\nsecret_access_key = \"{SECRET_KEY}\"\n",
        proxy.url()
    );
    (server, proxy, config)
}

/// Whether another client reads the same bytes.
const SAME: &str = "
import hashlib
def digest(read):
    sum = hashlib.sha256()
    while chunk := read(1 << 20):
        sum.update(chunk)
    return sum.hexdigest()
with open(args['path'], 'rb') as file:
    here = digest(file.read)
there = digest(s3.get_object(Bucket='archive', Key=args['key'])['Body'].read)
result = here == there";

/// How many files the server keeps of uploads that aren't finished.
fn unfinished(server: &S3Server) -> usize {
    let folder = std::fs::read_dir(server.folder()).expect("the server's folder");
    folder.filter(|entry| entry.as_ref().expect("an entry").file_name().to_string_lossy().starts_with(".upload")).count()
}

#[tokio::test]
async fn a_copy_that_is_killed_in_the_middle_goes_on_where_it_was() {
    let (server, proxy, config) = stores().await;
    let mut bot = Bot::start(&config).await;
    std::fs::create_dir_all(bot.path("here/files")).unwrap();
    sparse(&bot.path("here/files/big.bin"), SIZE);
    let mut page = Person::log_in(&bot, "you").await;
    let began = Instant::now();
    page.send("general", &format!("/file copy here:big.bin cloud:copies/big.bin --parallel {PARALLEL}"), &[]).await;
    let mut before = 0;
    for share in [3, 2] {
        let shown = async || shown(&page).contains("Copying here:big.bin to cloud:copies/big.bin").then_some(());
        wait::until(LONG, "the progress", shown).await;
        let enough = async || (proxy.to_server() - before > SIZE / 2 / share).then_some(());
        wait::until(LONG, "a part of the copy", enough).await;
        assert!(unfinished(&server) > 0);
        bot.program().kill().await.unwrap();
        before = proxy.to_server();
        assert!(before < SIZE, "it was killed in the middle");
        bot.go().await;
        page = Person::log_in(&bot, "you").await;
    }
    let over = async || shown(&page).contains("read back in 128 parts").then_some(());
    wait::until(LONG, "the end of the copy", over).await;
    let took = began.elapsed();
    let again = proxy.to_server().saturating_sub(SIZE) / PART;
    // Twice, the parts that were under way, and those that had arrived and were not noted yet.
    assert!(again <= 2 * (2 * PARALLEL) + 1, "{again} parts were sent again");
    let peak = peak(bot.program().pid());
    assert!(peak < 250, "{peak} MiB of memory");
    let path = bot.path("here/files/big.bin");
    let same = server.boto(SAME, &json!({ "path": path, "key": "copies/big.bin" })).await.unwrap();
    assert_eq!((same, unfinished(&server)), (json!(true), 0));
    println!("{SIZE} bytes, killed twice: {took:?}, at most {again} parts sent again, peak {peak} MiB");

    // Asked for once more, nothing is sent.
    let sent = proxy.to_server();
    let said = bot.said(&["file", "copy", "here:big.bin", "cloud:copies/big.bin"]).await;
    assert!(said.contains("there already"), "{said}");
    assert!(proxy.to_server() - sent < MIB);
}

#[tokio::test]
async fn a_running_copy_is_cancelled_from_the_terminal_and_goes_on_when_it_is_asked_for_again() {
    let (server, proxy, config) = stores().await;
    let mut bot = Bot::start(&config).await;
    std::fs::create_dir_all(bot.path("here/files/logs")).unwrap();
    for number in 0..40 {
        sparse(&bot.path(&format!("here/files/logs/{number:02}.log")), 3 * MIB);
    }
    sparse(&bot.path("here/files/logs/zz.bin"), 64 * MIB);
    proxy.set(bellhop_kit::faults::Fault::Latency(Duration::from_millis(1)));
    let mut page = Person::log_in(&bot, "you").await;
    page.send("general", "/file copy here:logs/ cloud:logs/ --parallel 2", &[]).await;
    // The button is there after a few seconds, and names the call.
    wait::until(LONG, "the button", async || shown(&page).contains("Cancel").then_some(())).await;
    let refused = bot.say(&["cancel", "c99999"]).await;
    assert_eq!(refused.code, 1);
    let audit = bot.said(&["audit", "--limit", "50"]).await;
    assert!(!audit.contains("cancelled"), "{audit}");
    let asked = bot.said(&["cancel", "c1"]).await;
    assert!(asked.contains("Cancelling"), "{asked}");
    wait::until(PATIENCE, "the end", async || shown(&page).contains("Cancelled: ").then_some(())).await;
    let audit = bot.said(&["audit", "--limit", "50"]).await;
    assert!(audit.contains("cancel c1") && audit.contains("cancelled"), "{audit}");
    proxy.set(bellhop_kit::faults::Fault::None);
    let card = json(&bot.bellhop(&["say", "--json", "--", "file", "copy", "here:logs/", "cloud:logs/"]).await.out);
    assert!(card.to_string().contains("There already"), "{card}");
    let count = "result = len(s3.list_objects_v2(Bucket='archive', Prefix='logs/')['Contents'])";
    assert_eq!(server.boto(count, &json!({})).await.unwrap(), json!(41));
    let path = bot.path("here/files/logs/zz.bin");
    let same = server.boto(SAME, &json!({ "path": path, "key": "logs/zz.bin" })).await.unwrap();
    assert_eq!((same, unfinished(&server)), (json!(true), 0));
    // A stop in the middle is no cancel: it goes on by itself.
    sparse(&bot.path("here/files/later.bin"), 256 * MIB);
    let before = proxy.to_server();
    page.send("general", "/file copy here:later.bin cloud:later.bin", &[]).await;
    wait::until(LONG, "some of it", async || (proxy.to_server() - before > 32 * MIB).then_some(())).await;
    assert!(bot.program().terminate(Duration::from_secs(12)).await.unwrap().success());
    let stopped = proxy.to_server();
    assert!(stopped - before < 250 * MIB, "it was stopped in the middle");
    bot.go().await;
    page = Person::log_in(&bot, "you").await;
    wait::until(LONG, "the rest", async || shown(&page).contains("read back in 32 parts").then_some(())).await;
    assert!(proxy.to_server() - before < (256 + 6 * 8) * MIB, "what had arrived isn't sent again");
}
