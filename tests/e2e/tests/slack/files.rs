//! Files both ways: what people upload is stored once, and what is stored comes into the channel with every byte.

use super::{Office, calm, hears};
use bellhop_e2e::PATIENCE;
use bellhop_kit::slack::{Behaviour, Person, Seen};
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
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    let bytes = noise(300_000);
    ann.upload("@bellhop", "scan.pdf", &bytes, "").unwrap();
    let seen = hears(&ann, "@bellhop", "Stored scan.pdf").await;
    assert!(seen.buttons.contains(&"Share".to_owned()), "{:?}", seen.buttons);
    assert_eq!(stored(&office, "scan.pdf").await, bytes);
    // The message and `file_shared` both told of it.
    ann.upload("@bellhop", "next.pdf", b"next", "").unwrap();
    hears(&ann, "@bellhop", "Stored next.pdf").await;
    let said: Vec<String> = ann.hears("@bellhop").into_iter().map(|seen| seen.text).filter(|text| text.contains("scan.pdf")).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    let told = office.world.deliveries().into_iter().map(|delivery| delivery.payload["event"]["type"].clone());
    assert!(told.clone().any(|kind| kind == "message") && told.clone().any(|kind| kind == "file_shared"), "{:?}", told.collect::<Vec<_>>());
}

#[tokio::test]
async fn the_words_beside_a_file_say_what_is_done_with_it() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.upload("@bellhop", "a.txt", b"one", "file put reports/november.txt").unwrap();
    hears(&ann, "@bellhop", "Stored reports/november.txt").await;
    bob.upload("#ops", "b.txt", b"two", "@bellhop file put").unwrap();
    hears(&bob, "#ops", "Stored b.txt").await;
    assert_eq!(stored(&office, "b.txt").await, b"two");
    // In a channel nothing is taken that nobody asked for.
    bob.upload("#ops", "private.txt", b"three", "look at this").unwrap();
    bob.mention("#ops", "file list").unwrap();
    let list = hears(&bob, "#ops", "november").await;
    assert!(list.text.contains("b.txt") && !list.text.contains("private.txt") && !list.text.contains("a.txt"), "{}", list.text);
}

#[tokio::test]
async fn the_uploader_is_asked_where_the_settings_say_so() {
    let office = Office::over_http(calm(), "uploads = \"ask\"\n").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.upload("#ops", "plan.txt", b"the plan", "here it is").unwrap();
    let asked = hears(&ann, "#ops", "Shall I keep plan.txt in the storage?").await;
    assert!(asked.ephemeral && bob.hears("#ops").is_empty());
    ann.click(&asked, "Save").await.unwrap();
    hears(&ann, "#ops", "Stored plan.txt").await;
    assert_eq!(stored(&office, "plan.txt").await, b"the plan");
}

#[tokio::test]
async fn a_stored_file_comes_into_the_channel_with_every_byte() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let bytes = noise(9 << 20);
    put(&office, "big.bin", &bytes).await;
    ann.mention("#ops", "file get big.bin").unwrap();
    assert!(brought(&bob, "#ops", "big.bin").await == bytes, "the bytes are others");
    let ledger = office.world.ledger();
    for method in ["files.getUploadURLExternal", "files.completeUploadExternal"] {
        assert_eq!(ledger.calls_of(method), 1, "{method}");
    }
    assert_eq!(ledger.failures, Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_answer_shows_no_file_twice() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    put(&office, "once.txt", b"once").await;
    put(&office, "after.txt", b"after").await;
    let lose = Behaviour { method: Some("files.completeUploadExternal".into()), lose_percent: 100, times: Some(1), ..Behaviour::default() };
    office.world.behave(lose);
    ann.mention("#ops", "file get once.txt").unwrap();
    brought(&ann, "#ops", "once.txt").await;
    ann.mention("#ops", "file get after.txt").unwrap();
    brought(&ann, "#ops", "after.txt").await;
    let shown = ann.hears("#ops").into_iter().flat_map(|seen| seen.files).filter(|(name, _)| name == "once.txt").count();
    assert_eq!((shown, office.world.ledger().lost_answers), (1, 1));
}

#[tokio::test]
async fn an_empty_file_is_said() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    put(&office, "void.txt", b"").await;
    ann.mention("#ops", "file get void.txt").unwrap();
    hears(&ann, "#ops", "The file void.txt is empty").await;
}

#[tokio::test]
async fn a_login_page_in_place_of_the_bytes_names_the_scope() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    office.world.revoke_scopes(&["files:read"]);
    ann.upload("@bellhop", "secret.pdf", b"%PDF", "file put").unwrap();
    let said = hears(&ann, "@bellhop", "files:read").await;
    assert!(said.text.contains("secret.pdf") && !said.text.contains("Stored"), "{}", said.text);
    assert_eq!(office.bot.say(&["file", "info", "secret.pdf"]).await.code, 1, "the page is not kept as the file");
}

#[tokio::test]
async fn a_download_that_leads_elsewhere_is_not_followed() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    office.world.redirect_downloads(true);
    ann.upload("@bellhop", "moved.pdf", b"%PDF", "file put").unwrap();
    hears(&ann, "@bellhop", "Slack wants a log-in").await;
    assert_eq!(office.bot.say(&["file", "info", "moved.pdf"]).await.code, 1);
    assert_eq!(office.world.ledger().calls_of("download"), 1, "the token goes nowhere else");
}

#[tokio::test]
async fn a_file_of_another_organisation_is_looked_up() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    let file = ann.file("theirs.txt", b"from them");
    office.world.make_external(&file);
    ann.share("@bellhop", &file, "file put theirs.txt").unwrap();
    hears(&ann, "@bellhop", "Stored").await;
    assert_eq!(stored(&office, "theirs.txt").await, b"from them");
}

#[tokio::test]
async fn a_file_over_the_limit_comes_as_a_link() {
    let office = Office::over_http(calm(), "").await;
    let bob = office.person("bob");
    // A hole takes no room, and the store serves what lies in its folder.
    put(&office, "disk.img", b"small").await;
    let kept = walk(office.bot.folder.path()).into_iter().find(|path| path.ends_with("files/disk.img")).expect("the stored file");
    std::fs::remove_file(&kept).unwrap();
    std::fs::File::create(&kept).unwrap().set_len((1 << 30) + 1).unwrap();
    bob.mention("#ops", "file get disk.img").unwrap();
    until(PATIENCE * 2, "the link", || async {
        let link = |seen: &Seen| seen.text.contains("disk.img") && seen.links.iter().any(|link| link.contains("/s/"));
        bob.hears("#ops").into_iter().find(link)
    })
    .await;
    assert_eq!(office.world.ledger().calls_of("files.getUploadURLExternal"), 0);
}

/// Every file below a folder.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let inside = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    inside.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
