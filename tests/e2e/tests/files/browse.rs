//! `file browse` as somebody walks through a store with it, in one message that changes in place; and the store that is meant
//! where none is named, which each place has of its own.

use super::{House, Kind};
use bellhop_e2e::console::Person;

const NOTES: &[u8] = b"first line of the notes\nsecond line of the notes\n";

/// A walk through one store.
async fn walk(house: &House, ada: &Person, kind: Kind) {
    let room = format!("b-{}", kind.store());
    let (store, at) = (kind.store(), format!("{}:shop/", kind.store()));
    house.write(kind, "shop/deep/data.bin", 700, "application/octet-stream").await;
    let upload = ada.attach("notes.txt", NOTES).await;
    assert!(ada.says(&room, &format!("/file put {at}"), &[upload]).await.good());

    let page = ada.says(&room, &format!("/file browse {at}"), &[]).await;
    assert!(page.text.contains(&format!("Files in {store}: shop/")) && page.text.contains("1 folder, 1 file"), "{}", page.text);
    assert_eq!(page.buttons(), ["deep/", "notes.txt", "Up"]);
    let deep = ada.turns(&page, "deep/", "shop/deep/").await;
    assert!(deep.text.contains("shop/deep/") && deep.buttons().contains(&"data.bin".to_owned()), "{}", deep.text);
    let data = ada.turns(&deep, "data.bin", "Binary data").await;
    assert!(data.text.contains("700"), "{}", data.text);
    let deep = ada.turns(&data, "Back", "shop/deep/").await;
    let page = ada.turns(&deep, "Up", "1 folder, 1 file").await;
    let file = ada.turns(&page, "notes.txt", "second line of the notes").await;
    assert!(file.text.contains("first line of the notes") && file.text.contains("text/plain"), "{}", file.text);
    let versions: &[&str] = if kind.versioned() { &["Versions"] } else { &[] };
    assert_eq!(file.buttons(), [&["Download", "Share"][..], versions, &["Move", "Delete", "Back"]].concat());
    // All of that in one message.
    let walked = |message: &&bellhop_e2e::console::Message| message.text.contains("of the notes") || message.text.contains("Files in");
    let walked: Vec<String> = ada.reads(&room).iter().filter(walked).map(|message| message.id.clone()).collect();
    assert_eq!(walked, [page.id.as_str()]);

    let got = ada.presses(&file, "Download").await;
    assert_eq!(ada.downloads(&got).await, [("notes.txt".to_owned(), NOTES.to_vec())]);
    let question = ada.presses(&file, "Delete").await;
    assert!(question.text.contains("Delete shop/notes.txt?"), "{}", question.text);
    house.holds(kind, "shop/notes.txt", NOTES, "text/plain").await;
    let deleted = ada.presses(&question, "Yes").await;
    assert!(deleted.good(), "{}", deleted.text);
    assert_eq!(house.seen(kind, "shop/notes.txt").await, None, "{kind:?}");
    if kind.versioned() {
        assert!(ada.presses(&deleted, "Undo").await.good());
        house.holds(kind, "shop/notes.txt", NOTES, "text/plain").await;
    } else {
        assert!(deleted.text.contains("gone for good") && !deleted.buttons().contains(&"Undo".to_owned()), "{}", deleted.text);
    }
    let back = ada.turns(&file, "Back", "1 folder").await;
    assert_eq!(back.text.contains("1 folder, 1 file"), kind.versioned(), "{}", back.text);
}

/// Files go where the place says, and elsewhere nothing changes.
async fn defaults(house: &House, ada: &Person) {
    let says = async |room: &str, line: &str| ada.says(room, line, &[]).await;
    let put = async |room: &str, name: &str| {
        let upload = ada.attach(name, name.as_bytes()).await;
        let answer = ada.says(room, "/file put", &[upload]).await;
        assert!(answer.good(), "{}", answer.text);
    };
    let listed = says("here", "/file store").await;
    for words in ["local", "s3", "strict", "azure", "the default here", "4 stores"] {
        assert!(listed.text.contains(words), "{words}: {}", listed.text);
    }
    let chosen = ada.presses(&listed, "Use azure here").await;
    assert!(chosen.good() && chosen.text.contains("azure is the default here"), "{}", chosen.text);
    put("here", "one.txt").await;
    put("there", "two.txt").await;
    house.holds(Kind::Azure, "one.txt", b"one.txt", "text/plain").await;
    house.holds(Kind::Local, "two.txt", b"two.txt", "text/plain").await;
    assert!(says("here", "/file store s3").await.good());
    put("here", "three.txt").await;
    house.holds(Kind::S3, "three.txt", b"three.txt", "text/plain").await;
    assert!(says("here", "/file info three.txt").await.good());
    assert!(!says("there", "/file info three.txt").await.good());
    assert!(says("here", "/file list").await.text.contains("three.txt"));
    // A name that says its store means that one everywhere.
    assert!(says("here", "/file info local:two.txt").await.good());
    let wrong = says("here", "/file store s4").await;
    assert!(!wrong.good() && wrong.text.contains("s3"), "{}", wrong.text);
    assert!(says("here", "/file store --clear").await.good());
    put("here", "four.txt").await;
    house.holds(Kind::Local, "four.txt", b"four.txt", "text/plain").await;
    let shown = says("here", "/file browse").await;
    let stores = ada.presses(&shown, "Other stores").await;
    let azure = ada.presses(&stores, "Browse azure").await;
    assert!(azure.text.contains("Files in azure") && azure.text.contains("one.txt"), "{}", azure.text);
    let refused = house.bot.bellhop(&["say", "--as", "max", "--", "file", "store", "s3"]).await;
    assert!(refused.code == 1 && refused.out.contains("operator"), "{}{}", refused.out, refused.err);
}

#[tokio::test]
async fn a_store_is_walked_through_in_one_message_and_each_place_has_a_store_of_its_own() {
    let rooms = "[\"general\", \"here\", \"there\", \"f\", \"b-local\", \"b-s3\", \"b-strict\", \"b-azure\"]";
    let house = House::open(&format!("[chat.console]\nkind = \"console\"\nchannels = {rooms}\n")).await;
    let ada = Person::log_in(&house.bot, "you").await;
    tokio::join!(
        walk(&house, &ada, Kind::Local),
        walk(&house, &ada, Kind::S3),
        walk(&house, &ada, Kind::Strict),
        walk(&house, &ada, Kind::Azure),
        defaults(&house, &ada),
        super::folders::both_ways(&house, &ada, "f"),
    );
}
