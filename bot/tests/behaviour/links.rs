//! Links under the bot's own address, as those who follow them see it; what is written down about them; and the browser, which
//! stays one message.

use crate::bot::{Bot, SOON, person};
use crate::buckets::Service;
use crate::double::Double;
use bellhop_core::call::{Audience, Invoke};
use bellhop_core::card::{Card, Does};
use bellhop_core::form::Answers;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{AuditFilter, AuditTrail as _, LinkFilter, NewFile, NewLink, Said};
use bellhop_core::{Capabilities, plain};
use bellhop_kit::wait::until;
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

pub const ADMIN: &str = "[[role]]\nname = \"admin\"\nusers = [\"work:U1\"]\n";

/// What a server answered.
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Asks the bot's listener, in HTTP as it is written.
async fn ask(bot: &Bot, method: &str, path: &str, more: &str) -> Answer {
    let mut line = tokio::net::TcpStream::connect(bot.address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: bot\r\nconnection: close\r\n{more}\r\n");
    line.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    line.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    Answer { status, headers, body: body.to_owned() }
}

async fn put(bot: &Bot, name: &str, content: &'static [u8]) {
    let store = bot.parts.stores.store(None).unwrap();
    let file = NewFile::new(name, "text/plain", Some(content.len() as u64));
    store.write(file, Box::pin(futures::stream::iter([Ok(bytes::Bytes::from_static(content))]))).await.unwrap();
}

fn call(bot: &Bot) -> bellhop_core::Call {
    bellhop_core::Call {
        id: "c".into(),
        caller: bellhop_core::Caller { user: person(), name: "Ann".into(), access: bellhop_core::Access::Admin, zone: chrono_tz::Tz::UTC },
        at: bellhop_core::Address::channel("work", "T1", "general"),
        now: bot.parts.clock.now(),
        attachments: Vec::new(),
        progress: Arc::new(|_| ()),
        stop: bellhop_core::ports::Stop::new(),
    }
}

fn new(once: bool, policy: Option<&str>) -> NewLink {
    NewLink { store: StoreName::new("local"), name: "a b.txt".into(), version: None, seconds: 60, once, policy: policy.map(str::to_owned) }
}

/// The path of a link that was made.
async fn made(bot: &Bot, new: &NewLink) -> (String, String) {
    let link = bot.parts.links.make_with(&call(bot), new).await.unwrap();
    (link.url[link.url.find("/s/").unwrap()..].to_owned(), link.handle)
}

async fn uses(bot: &Bot, path: &str) -> i64 {
    bot.store.any_link(&path[3..]).await.unwrap().unwrap().uses
}

fn text(card: &Card) -> String {
    plain::card(card, &|invoke| invoke.command.clone())
}

#[tokio::test]
async fn downloads_are_counted_as_people_would() {
    let folder = tempfile::tempdir().unwrap();
    let bot = Bot::start(folder.path(), "", &[]).await;
    put(&bot, "a b.txt", b"hello").await;
    let (path, _) = made(&bot, &new(false, None)).await;
    let head = ask(&bot, "HEAD", &path, "").await;
    assert_eq!((head.status, head.headers["content-length"].as_str(), head.body.as_str()), (200, "5", ""));
    assert!(head.headers["content-disposition"].starts_with("attachment"));
    assert_eq!(uses(&bot, &path).await, 0, "looking is no download");
    assert_eq!(ask(&bot, "GET", &path, "").await.body, "hello");
    let start = ask(&bot, "GET", &path, "range: bytes=0-1\r\n").await;
    assert_eq!((start.status, start.body.as_str(), start.headers["content-range"].as_str()), (206, "he", "bytes 0-1/5"));
    // A player that goes on.
    for rest in ["bytes=2-3", "bytes=4-", "bytes=-1"] {
        assert_eq!(ask(&bot, "GET", &path, &format!("range: {rest}\r\n")).await.status, 206);
    }
    let beyond = ask(&bot, "GET", &path, "range: bytes=9-\r\n").await;
    assert_eq!((beyond.status, beyond.headers["content-range"].as_str()), (416, "bytes */5"));
    assert_eq!(uses(&bot, &path).await, 2);
    assert!(path.len() >= "/s/".len() + 26, "128 bits at least");
    bot.stop().await;
}

#[tokio::test]
async fn a_link_that_gives_nothing_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let bot = Bot::start(folder.path(), "", &[]).await;
    put(&bot, "a b.txt", b"hello").await;
    let said = async |path: &str, status: u16, words: &str| {
        for method in ["GET", "HEAD"] {
            let answer = ask(&bot, method, path, "").await;
            assert_eq!(answer.status, status, "{words}");
            assert!(answer.headers["content-type"].starts_with("text/html") && answer.headers["cache-control"] == "no-store");
            assert!(method == "HEAD" || answer.body.contains(words), "{}", answer.body);
        }
    };
    said("/s/nobody", 404, "There is no such link").await;
    // One download, whole: parts would be several.
    let (once, _) = made(&bot, &new(true, None)).await;
    let head = ask(&bot, "HEAD", &once, "").await;
    assert_eq!((head.status, head.headers["accept-ranges"].as_str()), (200, "none"));
    let answer = ask(&bot, "GET", &once, "range: bytes=1-2\r\n").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
    said(&once, 410, "This link was used").await;
    let (revoked, handle) = made(&bot, &new(false, None)).await;
    assert!(bot.parts.links.revoke(&handle).await.unwrap());
    assert!(!bot.parts.links.revoke(&handle).await.unwrap());
    assert!(!bot.parts.links.revoke("").await.unwrap());
    said(&revoked, 410, "This link was revoked").await;
    let (expired, _) = made(&bot, &new(false, None)).await;
    let row = bot.store.any_link(&expired[3..]).await.unwrap().unwrap();
    let past = bot.parts.clock.now() - TimeDelta::seconds(1);
    bot.store.add_link(&bellhop_store::LinkRow { id: "expired1".into(), expires: past, ..row }).await.unwrap();
    said("/s/expired1", 410, "This link has expired").await;
    // A store without policies allows nothing by one.
    let (bound, _) = made(&bot, &new(false, Some("partners"))).await;
    said(&bound, 410, "policy").await;
    let (gone, _) = made(&bot, &new(false, None)).await;
    bot.parts.stores.store(None).unwrap().delete("a b.txt").await.unwrap();
    said(&gone, 404, "The file is gone").await;
    // None of those that gave something and none that didn't can be followed by what is listed.
    let listed = bot.parts.links.list(&LinkFilter { limit: 10, ..LinkFilter::default() }).await.unwrap();
    assert_eq!(listed.len(), 3);
    for link in listed {
        assert_eq!(ask(&bot, "GET", &format!("/s/{}", link.handle), "").await.status, 404);
    }
    bot.stop().await;
}

/// The newest card that was said, waiting until one says this.
pub async fn answer(chat: &Double, words: &str) -> Card {
    let found = async || {
        let all = chat.posts().into_iter().chain(chat.revisions());
        all.map(|post| post.card).filter(|card| text(card).contains(words)).last()
    };
    until(SOON, words, found).await
}

#[expect(clippy::panic, reason = "a card without the button fails the test")]
pub fn button(card: &Card, label: &str) -> Said {
    let action = card.actions().find(|action| action.label == label).unwrap_or_else(|| panic!("{label}: {}", text(card)));
    let Does::Invoke(invoke) = &action.does else { panic!("{label} runs nothing") };
    Said::Invoke(invoke.clone())
}

#[tokio::test]
async fn the_browser_is_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", Capabilities::default());
    let bot = Bot::start(folder.path(), ADMIN, &[&chat]).await;
    put(&bot, "reports/q1.csv", b"a,b").await;
    put(&bot, "notes.txt", b"first line").await;
    bot.hear("general", Said::Line("file browse".into())).await;
    let first = answer(&chat, "Files in local").await;
    bot.hear("general", button(&first, "reports/")).await;
    let inside = answer(&chat, "Files in local: reports/").await;
    bot.hear("general", button(&inside, "q1.csv")).await;
    answer(&chat, "a,b").await;
    // The button of the very first page, which is no longer shown.
    bot.hear("general", button(&first, "notes.txt")).await;
    let file = answer(&chat, "first line").await;
    bot.quiet().await;
    assert_eq!((chat.posts().len(), chat.revisions().len()), (1, 3));
    // Elsewhere it is a message of its own.
    bot.hear("other", button(&first, "notes.txt")).await;
    until(SOON, "a message elsewhere", async || (chat.posts().len() == 2).then_some(())).await;
    // What changes something asks, and is undone by the answer.
    bot.hear("general", button(&file, "Delete")).await;
    let asked = answer(&chat, "Delete notes.txt?").await;
    bot.hear("general", button(&asked, "Yes, file delete")).await;
    let deleted = answer(&chat, "Deleted notes.txt").await;
    bot.hear("general", button(&deleted, "Undo")).await;
    answer(&chat, "Restored notes.txt").await;
    assert!(bot.parts.stores.store(None).unwrap().head("notes.txt", None).await.is_ok());
    bot.quiet().await;
    bot.stop().await;
}

#[tokio::test]
async fn who_shared_what_where_to_is_in_the_audit() {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", Capabilities::default());
    let bot = Bot::start(folder.path(), ADMIN, &[&chat]).await;
    put(&bot, "a.txt", b"one").await;
    bot.hear("general", Said::Line("file share a.txt --to #ops --once".into())).await;
    answer(&chat, "Brought to").await;
    let args = serde_json::json!({ "name": "a.txt", "to": "#pager", "expires": null, "version": null, "store": null });
    bot.hear("general", Said::Invoke(Invoke { command: "file share".into(), args })).await;
    let answers = Answers::from([("name".to_owned(), vec!["a.txt".to_owned()]), ("to".to_owned(), vec!["#desk".to_owned()])]);
    bot.hear("general", Said::Form { command: "file share".into(), answers }).await;
    let all = async || bot.store.links(&bellhop_store::LinkWish { limit: 10, ..Default::default() }).await.unwrap();
    until(SOON, "three links", async || (all().await.len() == 3).then_some(())).await;
    bot.quiet().await;
    // A link is there a moment before what it came of is written down as done.
    let written = async || {
        let rows = bot.store.rows(&AuditFilter { limit: 100, ..AuditFilter::default() }).await.unwrap();
        (rows.iter().filter(|row| row.outcome == "done").count() == 3).then_some(rows)
    };
    let rows = until(SOON, "three that are done", written).await;
    for to in ["#ops", "#pager", "#desk"] {
        for outcome in ["allowed", "done"] {
            let found = rows.iter().find(|row| row.outcome == outcome && row.line.contains(to)).unwrap_or_else(|| panic!("{to}: {rows:?}"));
            assert!(found.line.starts_with("file share a.txt") && found.who == "work:U1" && found.place.contains("general"), "{found:?}");
        }
    }
    // What would let anyone follow a link isn't.
    for link in all().await {
        assert!(rows.iter().all(|row| !format!("{row:?}").contains(&link.id)));
    }
    bot.stop().await;
}

/// Everything that is logged, before anything is left out of it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_link_of_the_stores_own_is_shown_to_one_person_and_written_nowhere() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(move || writer.clone()).finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", Capabilities::default());
    let service = Service::start().await;
    let store = service.section();
    let bot = Bot::start(folder.path(), &format!("{ADMIN}{store}"), &[&chat]).await;
    bot.hear("general", Said::Line("file share a.txt --direct --expires 2h".into())).await;
    let card = answer(&chat, "X-Amz-Signature=").await;
    bot.quiet().await;
    let said = text(&card);
    let signature = said.split("X-Amz-Signature=").nth(1).unwrap().chars().take_while(char::is_ascii_hexdigit).collect::<String>();
    assert_eq!(signature.len(), 64);
    let shown: Vec<_> = chat.posts().into_iter().filter(|post| text(&post.card).contains(&signature)).collect();
    assert!(shown.len() == 1 && shown[0].audience == Audience::Caller && shown[0].answers == Some(person()), "{shown:?}");
    let rows = bot.store.rows(&AuditFilter { limit: 100, ..AuditFilter::default() }).await.unwrap();
    assert!(rows.iter().any(|row| row.line == "file share a.txt --expires 2h --direct" && row.outcome == "done"), "{rows:?}");
    assert!(!format!("{rows:?}").contains(&signature));
    assert!(bot.store.links(&bellhop_store::LinkWish { limit: 10, ..Default::default() }).await.unwrap().is_empty());
    bot.stop().await;
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(logged.len() > 100, "something was logged");
    assert!(!logged.contains(&signature), "the address is in the log");
}
