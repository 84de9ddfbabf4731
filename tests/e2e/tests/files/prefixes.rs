//! Whole prefixes go from every store to every other: first said, then done, checked by the other clients, and not done again.
//! And one that takes too long is ended by its id.

use super::ways::Way;
use super::{ALL, House, Kind};
use bellhop_e2e::PATIENCE;
use bellhop_e2e::console::{Message, Person};
use bellhop_e2e::eyes::pattern;
use bellhop_kit::faults::Fault;
use bellhop_kit::wait::until;
use std::time::Duration;

/// What is below each prefix: names, lengths and types.
const TREE: [(&str, usize, &str); 3] =
    [("0.txt", 1200, "text/plain"), ("sub/deep/2.json", 0, "application/json"), ("sub/ü & 1.csv", 70_001, "text/csv")];

/// The names in a store that begin with this, without it.
async fn below(house: &House, kind: Kind, prefix: &str) -> Vec<String> {
    let all = house.names(kind).await;
    all.into_iter().filter_map(|name| name.strip_prefix(prefix).map(str::to_owned)).collect()
}

async fn whole(house: &House, kind: Kind, prefix: &str) {
    assert_eq!(below(house, kind, prefix).await, TREE.map(|(name, ..)| name), "{kind:?} {prefix}");
    for (name, size, content_type) in TREE {
        house.holds(kind, &format!("{prefix}{name}"), &pattern(size), content_type).await;
    }
}

/// From one store to every other and on from there.
async fn from(house: &House, ada: &Person, from: Kind) {
    let (chat, say) = (Way::Chat(ada, from.store()), Way::Say("beside"));
    for (name, size, content_type) in TREE {
        house.write(from, &format!("tree/{name}"), size, content_type).await;
    }
    let source = format!("{}:tree/", from.store());
    for (number, to) in ALL.into_iter().filter(|to| *to != from).enumerate() {
        // The ways in take turns.
        let (one, other) = if number % 2 == 0 { (&chat, &say) } else { (&say, &chat) };
        let (copied, moved) = (format!("from {}/", from.store()), format!("moved from {}/", from.store()));
        let (there, back) = (format!("{}:{copied}", to.store()), format!("{}:{moved}{}/", from.store(), to.store()));
        one.run(house, &["file", "copy", &source, &there, "--dry-run"]).await.done(&["nothing was changed", "3 files"]);
        assert_eq!(below(house, to, &copied).await, Vec::<String>::new(), "{from:?} to {to:?}");
        other.run(house, &["file", "copy", &source, &there]).await.done(&["copied", "3 files"]);
        whole(house, to, &copied).await;
        one.run(house, &["file", "copy", &source, &there]).await.done(&["there already", "3 files", "0 files"]);
        whole(house, to, &copied).await;
        if to == Kind::S3 {
            assert_eq!(house.versions(to, &format!("{copied}0.txt")).await.len(), 1, "nothing was sent again");
        }
        // And back, by a move.
        other.run(house, &["file", "move", &there, &back, "--dry-run"]).await.done(&["nothing was changed", "3 files"]);
        whole(house, to, &copied).await;
        assert_eq!(below(house, from, &format!("{moved}{}/", to.store())).await, Vec::<String>::new());
        one.run(house, &["file", "move", &there, &back]).await.done(&["moved", "3 files"]);
        whole(house, from, &format!("{moved}{}/", to.store())).await;
        assert_eq!(below(house, to, &copied).await, Vec::<String>::new(), "{from:?} to {to:?}");
    }
    whole(house, from, "tree/").await;
    chat.run(house, &["file", "copy", &source, "one-name"]).await.refused(&["end it in /"]);
    chat.run(house, &["file", "copy", &source, &format!("{source}inner/")]).await.refused(&["within each other"]);
}

/// What is in the way where no versions are kept stays, and the rest is copied.
async fn in_the_way(house: &House) {
    let say = Way::Say("beside");
    house.write(Kind::Local, "way/0.txt", 100, "text/plain").await;
    house.write(Kind::Local, "way/1.txt", 200, "text/plain").await;
    house.write(Kind::Azure, "way/0.txt", 99, "text/plain").await;
    say.run(house, &["file", "copy", "local:way/", "azure:way/"]).await.refused(&["not all", "0.txt", "--replace"]);
    house.holds(Kind::Azure, "way/0.txt", &pattern(99), "text/plain").await;
    house.holds(Kind::Azure, "way/1.txt", &pattern(200), "text/plain").await;
    say.run(house, &["file", "copy", "local:way/", "azure:way/", "--replace"]).await.done(&["there already", "replaced"]);
    house.holds(Kind::Azure, "way/0.txt", &pattern(100), "text/plain").await;
}

/// The id of what runs is proposed, and ends it; asked for again it goes on.
async fn cancelled(house: &House, ada: &Person) {
    let (size, room) = (48 << 20, "slow");
    house.write(Kind::Local, "slow/big.bin", size, "").await;
    house.write(Kind::Local, "slow/small.txt", 10, "text/plain").await;
    house.road(Kind::Azure).set(Fault::Latency(Duration::from_millis(20)));
    ada.send(room, "/file copy local:slow/ azure:slow/ --parallel 1", &[]).await;
    let begun = until(PATIENCE, "a part of the file to be there", || async {
        let waits = !house.unfinished(Kind::Azure).await.is_empty();
        let running = ada.proposals(room, "/cancel ").await;
        (waits && !running.is_empty()).then_some(running)
    });
    let running = begun.await;
    let [running] = running.as_slice() else { panic!("one command runs: {running:?}") };
    let asked = ada.says(room, &format!("/cancel {running}"), &[]).await;
    assert!(asked.text.contains("Cancelling") && asked.text.contains("file copy local:slow/"), "{}", asked.text);
    until(PATIENCE, "the end", || async {
        let over = |message: &Message| message.text.contains("Cancelled: ") && message.text.contains("Run it again to go on");
        ada.reads(room).iter().any(over).then_some(())
    })
    .await;
    assert_eq!(house.seen(Kind::Azure, "slow/big.bin").await, None, "a part of a file is no file");
    house.road(Kind::Azure).set(Fault::None);
    let none = ada.says(room, &format!("/cancel {running}"), &[]).await;
    assert!(!none.good(), "{}", none.text);
    let again = ada.says(room, "/file copy local:slow/ azure:slow/", &[]).await;
    assert!(again.good(), "{}", again.text);
    assert_eq!(house.seen(Kind::Azure, "slow/big.bin").await.unwrap().sha256, super::sum(&pattern(size)));
    assert_eq!(house.unfinished(Kind::Azure).await, Vec::<String>::new());
}

#[tokio::test]
async fn whole_prefixes_go_between_all_stores_and_are_ended_by_their_id() {
    let rooms = "[\"general\", \"local\", \"s3\", \"strict\", \"azure\", \"slow\"]";
    let house = House::open(&format!("[chat.console]\nkind = \"console\"\nchannels = {rooms}\n")).await;
    let ada = Person::log_in(&house.bot, "you").await;
    let [one, two, three, four] = ALL.map(|kind| from(&house, &ada, kind));
    tokio::join!(one, two, three, four, in_the_way(&house));
    cancelled(&house, &ada).await;
}
