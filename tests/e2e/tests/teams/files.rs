//! Files both ways: what people send is stored once, what is stored comes to people with every byte, and no token goes along.

use super::{Office, calm, hears};
use bellhop_e2e::PATIENCE;
use bellhop_kit::teams::{Behaviour, Person, Seen, Settings};
use bellhop_kit::wait::until;

/// The bytes of a stored file, as the program gives them out.
async fn stored(office: &Office, name: &str) -> Vec<u8> {
    let got = office.bot.bellhop(&["say", "--out", "got", "--", "file", "get", name]).await;
    assert_eq!(got.code, 0, "{name}: {}{}", got.out, got.err);
    std::fs::read(office.bot.path("got").join(name)).unwrap()
}

/// Puts a file into the store from the machine.
async fn put(office: &Office, name: &str, bytes: &[u8]) {
    std::fs::write(office.bot.path(name), bytes).unwrap();
    let put = office.bot.bellhop(&["say", "--file", name, "--", "file", "put"]).await;
    assert_eq!(put.code, 0, "{}{}", put.out, put.err);
}

/// Waits for a file that the bot shows there.
async fn brought(person: &Person, place: &str, name: &str) -> Vec<u8> {
    until(PATIENCE, name, || async { person.hears(place).into_iter().flat_map(|seen| seen.files).find(|(shown, _)| shown == name) }).await.1
}

/// Waits for a file that the bot asks to bring.
async fn offer(person: &Person, name: &str) -> Seen {
    let offered = |seen: &Seen| seen.offered.as_ref().is_some_and(|(shown, _)| shown == name);
    until(PATIENCE, "the offer", || async { person.hears("@bellhop").into_iter().find(offered) }).await
}

/// Bytes that no compression and no text handling leaves as they are by chance.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    })
    .take(length)
    .collect()
}

#[tokio::test]
async fn a_file_that_is_sent_to_the_bot_is_stored_once() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    let bytes = noise(300_000);
    ann.upload("@bellhop", "scan.pdf", &bytes, "").await.unwrap();
    hears(&ann, "@bellhop", "Stored scan.pdf").await;
    assert_eq!(stored(&office, "scan.pdf").await, bytes);
    ann.upload("@bellhop", "a.txt", b"one", "file put reports/november.txt").await.unwrap();
    hears(&ann, "@bellhop", "Stored reports/november.txt").await;
    ann.upload_all("@bellhop", &[("b.txt", b"two"), ("c.txt", b"three")], "file put").await.unwrap();
    until(PATIENCE, "both", || async { (office.bot.said(&["file", "list"]).await.contains("c.txt")).then_some(()) }).await;
    assert_eq!((stored(&office, "b.txt").await, stored(&office, "c.txt").await), (b"two".to_vec(), b"three".to_vec()));
    office.proper();
}

#[tokio::test]
async fn a_pasted_picture_is_fetched_with_the_token_it_needs() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    let bytes = noise(5_000);
    ann.paste("@bellhop", "image/png", &bytes, "file put shot.png").await.unwrap();
    hears(&ann, "@bellhop", "Stored shot.png").await;
    assert_eq!(stored(&office, "shot.png").await, bytes);
    ann.paste("#ops", "image/png", &bytes, "@bellhop file put other.png").await.unwrap();
    hears(&ann, "#ops", "Stored other.png").await;
    assert_eq!(stored(&office, "other.png").await, bytes);
    office.proper();
}

#[tokio::test]
async fn a_file_for_a_person_is_offered_and_comes_once_they_agree() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    for (name, size) in [("small.txt", 10), ("large.bin", 9 << 20)] {
        let bytes = noise(size);
        put(&office, name, &bytes).await;
        ann.dm(&format!("file get {name}")).await.unwrap();
        let asks = offer(&ann, name).await;
        assert_eq!(asks.offered, Some((name.to_owned(), size as u64)));
        assert!(asks.files.is_empty());
        ann.accept_file(&asks).await.unwrap();
        assert!(brought(&ann, "@bellhop", name).await == bytes, "the bytes of {name} are others");
        until(PATIENCE, "the end of the question", || async {
            let open = ann.hears("@bellhop").into_iter().any(|seen| seen.offered.is_some());
            (!open).then_some(())
        })
        .await;
        // Once more agreed to, it doesn't come twice.
        let again = ann.accept_file(&asks).await;
        assert!(again.is_ok(), "{again:?}");
    }
    office.proper();
}

#[tokio::test]
async fn a_file_that_is_declined_does_not_come() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    put(&office, "plan.txt", b"the plan").await;
    ann.dm("file get plan.txt").await.unwrap();
    let asks = offer(&ann, "plan.txt").await;
    ann.decline_file(&asks).await.unwrap();
    until(PATIENCE, "the end of the question", || async {
        ann.hears("@bellhop").into_iter().all(|seen| seen.offered.is_none()).then_some(())
    })
    .await;
    assert_eq!(office.world.files("@ann"), []);
    assert_eq!(office.world.ledger().calls_of("upload"), 0);
    office.proper();
}

#[tokio::test]
async fn a_file_for_a_channel_lands_in_its_folder() {
    for folder_later in [false, true] {
        let office = Office::open(Settings { folder_later, ..calm() }, "").await;
        let (ann, bob) = (office.person("ann"), office.person("bob"));
        let bytes = noise(12 << 20);
        put(&office, "big.bin", &bytes).await;
        ann.mention("#ops", "file get big.bin").await.unwrap();
        if folder_later {
            // Nobody has opened the channel's files yet: a link takes the place, or it is told what to do.
            let seen = hears(&bob, "#ops", "open its Files tab").await;
            assert!(seen.text.contains("big.bin") && !seen.links.is_empty(), "{seen:?}");
            continue;
        }
        assert!(brought(&bob, "#ops", "big.bin").await == bytes, "the bytes are others");
        assert!(office.world.files("#ops").iter().any(|(name, _)| name == "big.bin"));
        assert!(office.world.ledger().calls_of("upload") >= 1);
        office.proper();
    }
}

#[tokio::test]
async fn two_files_of_one_name_are_both_kept_in_the_folder() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    ann.upload("#ops", "plan.txt", b"ann's own", "look").await.unwrap();
    put(&office, "plan.txt", b"the bot's").await;
    ann.mention("#ops", "file get plan.txt").await.unwrap();
    until(PATIENCE, "the second file", || async { (office.world.files("#ops").len() == 2).then_some(()) }).await;
    let all: Vec<Vec<u8>> = office.world.files("#ops").into_iter().map(|(_, bytes)| bytes).collect();
    assert!(all.contains(&b"ann's own".to_vec()) && all.contains(&b"the bot's".to_vec()), "nothing of ann's was overwritten");
}

#[tokio::test]
async fn without_the_permission_for_files_it_is_named_and_a_link_takes_the_place() {
    let office = Office::open(calm().without("Files.ReadWrite.All"), "").await;
    let bob = office.person("bob");
    put(&office, "notes.txt", b"kept").await;
    bob.mention("#ops", "file get notes.txt").await.unwrap();
    let heard = hears(&bob, "#ops", "Files.ReadWrite.All").await;
    assert!(heard.text.contains("notes.txt"), "{heard:?}");
    office.proper();
}

#[tokio::test]
async fn a_slow_or_broken_upload_loses_nothing() {
    let office = Office::open(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let bytes = noise(12 << 20);
    put(&office, "big.bin", &bytes).await;
    office.world.behave(Behaviour {
        call: Some("upload".into()),
        refuse: Some(503),
        retry_after: Some(1),
        times: Some(2),
        ..Behaviour::default()
    });
    ann.mention("#ops", "file get big.bin").await.unwrap();
    let seen = until(PATIENCE * 2, "the file or a link to it", || async {
        bob.hears("#ops")
            .into_iter()
            .find(|seen| seen.files.iter().any(|(name, _)| name == "big.bin") || seen.links.iter().any(|link| link.contains("/s/")))
    })
    .await;
    if let Some((_, got)) = seen.files.first() {
        assert!(*got == bytes, "the bytes are others");
    }
    assert_eq!(office.world.ledger().early, Vec::<String>::new());
}
