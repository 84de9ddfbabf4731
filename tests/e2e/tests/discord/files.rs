//! Files both ways: what people upload is stored, and what is stored comes into the channel with every byte.

use super::{Office, calm, hears};
use bellhop_e2e::PATIENCE;
use bellhop_kit::discord::{Behaviour, Person};
use bellhop_kit::wait::until;

/// The bytes of a stored file, as the program gives them out.
async fn stored(office: &Office, name: &str) -> Vec<u8> {
    let got = office.bot.bellhop(&["say", "--out", "got", "--", "file", "get", name]).await;
    assert_eq!(got.code, 0, "{name}: {}{}", got.out, got.err);
    std::fs::read(office.bot.path("got").join(name)).unwrap()
}

async fn put(office: &Office, name: &str, bytes: &[u8]) {
    std::fs::write(office.bot.path(name), bytes).unwrap();
    let put = office.bot.bellhop(&["say", "--file", name, "--", "file", "put"]).await;
    assert_eq!(put.code, 0, "{}{}", put.out, put.err);
}

async fn brought(person: &Person, place: &str, name: &str) -> Vec<u8> {
    until(PATIENCE, name, || async { person.hears(place).into_iter().flat_map(|seen| seen.files).find(|(shown, _)| shown == name) }).await.1
}

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
async fn a_file_of_an_option_is_stored_with_every_byte() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    let bytes = noise(300_000);
    let (one, two) = (ann.file("scan.pdf", &bytes), ann.file("more.txt", b"more"));
    ann.slash(&format!("/file put file:{one} file2:{two}"), "#ops").await.unwrap();
    hears(&ann, "#ops", "scan.pdf").await;
    assert_eq!(stored(&office, "scan.pdf").await, bytes);
    assert_eq!(stored(&office, "more.txt").await, b"more");
    let third = ann.file("x.txt", b"named");
    ann.slash(&format!("/file put file:{third} name:reports/november.txt"), "#ops").await.unwrap();
    hears(&ann, "#ops", "Stored reports/november.txt").await;
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn files_of_messages_are_stored_where_that_is_asked_for() {
    let office = Office::over_gateway(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.upload("@bellhop", "scan.pdf", b"%PDF", "").unwrap();
    hears(&ann, "@bellhop", "Stored scan.pdf").await;
    bob.upload("#ops", "b.txt", b"two", "@bellhop file put").unwrap();
    hears(&bob, "#ops", "Stored b.txt").await;
    bob.upload("#ops", "private.txt", b"three", "look at this").unwrap();
    bob.mention("#ops", "file list").unwrap();
    let list = hears(&bob, "#ops", "scan.pdf").await;
    assert!(list.text.contains("b.txt") && !list.text.contains("private.txt"), "{}", list.text);
    assert_eq!(stored(&office, "b.txt").await, b"two");
}

#[tokio::test]
async fn a_stored_file_comes_into_the_channel_with_every_byte() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let bytes = noise(9 << 20);
    put(&office, "big.bin", &bytes).await;
    ann.slash("/file get name:big.bin", "#ops").await.unwrap();
    assert!(brought(&bob, "#ops", "big.bin").await == bytes, "the bytes are others");
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_over_the_guilds_limit_comes_as_a_link() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    put(&office, "big.bin", &noise(11 << 20)).await;
    ann.slash("/file get name:big.bin", "#ops").await.unwrap();
    let seen = until(PATIENCE, "a link", || async { ann.hears("#ops").into_iter().find(|seen| !seen.links.is_empty()) }).await;
    assert!(seen.text.contains("big.bin"), "{seen:?}");
    assert!(ann.hears("#ops").iter().all(|seen| seen.files.is_empty()));
}

#[tokio::test]
async fn a_lost_answer_shows_no_file_twice() {
    let office = Office::over_gateway(calm(), "").await;
    let ann = office.person("ann");
    put(&office, "once.txt", b"once").await;
    put(&office, "after.txt", b"after").await;
    let lose =
        Behaviour { route: Some("POST /channels/{channel}/messages".into()), lose_percent: 100, times: Some(1), ..Behaviour::default() };
    office.world.behave(lose);
    ann.mention("#ops", "file get once.txt").unwrap();
    brought(&ann, "#ops", "once.txt").await;
    ann.mention("#ops", "file get after.txt").unwrap();
    brought(&ann, "#ops", "after.txt").await;
    let shown = ann.hears("#ops").into_iter().flat_map(|seen| seen.files).filter(|(name, _)| name == "once.txt").count();
    assert_eq!(shown, 1);
}

#[tokio::test]
async fn a_link_that_has_expired_is_asked_for_again_and_a_file_that_is_gone_is_said() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    // The first link of every file is refused once: it has run out on the way.
    office.world.behave(Behaviour { route: Some("GET /attachments".into()), refuse: Some(404), times: Some(1), ..Behaviour::default() });
    bob.upload("#general", "plan.txt", b"the plan", "look").unwrap();
    let message = ann.sees("#general").pop().unwrap();
    ann.message_command(&message, "Save to storage").await.unwrap();
    hears(&ann, "#general", "Stored plan.txt").await;
    assert_eq!(stored(&office, "plan.txt").await, b"the plan");
    bob.upload("#general", "gone.txt", b"soon gone", "look").unwrap();
    let message = ann.sees("#general").into_iter().find(|seen| seen.text.contains("gone.txt")).unwrap();
    office.world.lose_files("#general", &message.id);
    ann.message_command(&message, "Save to storage").await.unwrap();
    hears(&ann, "#general", "file put found nothing").await;
    assert_eq!(ann.hears("#general").iter().filter(|seen| seen.text.contains("Stored gone.txt")).count(), 0);
}
