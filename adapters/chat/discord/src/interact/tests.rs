//! Interactions as people make them in the strict world, over signed HTTP: what they are answered with at once, and what is in the inbox
//! by then.

use crate::testbed::Bed;
use bellhop_core::address::UserRef;
use bellhop_core::call::{Audience, Invoke};
use bellhop_core::card::{Action, Card};
use bellhop_core::form::Answers;
use bellhop_core::ports::{ChatPlatform as _, Incoming, Post, Said};
use bellhop_kit::discord::{Forgery, Person};
use serde_json::json;
use tokio::net::TcpListener;

/// A bot that Discord calls.
struct Called {
    bed: Bed,
    url: String,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Called {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Called {
    async fn new() -> Self {
        let bed = Bed::new("transport = \"http\"").await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/chat/guild", listener.local_addr().unwrap());
        let router = bed.discord.router();
        #[expect(clippy::disallowed_methods, reason = "the test ends it")]
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        bed.world.enter_endpoint(&url).await.unwrap();
        Self { bed, url, server }
    }

    fn ann(&self) -> Person {
        self.bed.world.person("ann")
    }

    fn one(&self) -> Incoming {
        let mut said = self.bed.said();
        assert_eq!(said.len(), 1, "{said:?}");
        said.remove(0)
    }
}

fn answers(pairs: &[(&str, &[&str])]) -> Answers {
    pairs.iter().map(|(id, values)| ((*id).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())).collect()
}

#[tokio::test]
async fn a_command_is_kept_before_it_is_acknowledged() {
    let called = Called::new().await;
    let taken = called.ann().slash("/file get name:notes.txt", "#ops").await.unwrap();
    assert_eq!(taken.kind, 5);
    let one = called.one();
    assert_eq!(one.said, Said::Form { command: "file get".into(), answers: answers(&[("name", &["notes.txt"])]) });
    assert_eq!((one.at, one.name.as_str()), (called.bed.at("ops"), "Ann Archer"));
    assert!(one.key.as_str().starts_with("int:"));
    called.ann().slash("/bellhop line:file list reports/", "#ops").await.unwrap();
    assert_eq!(called.one().said, Said::Line("file list reports/".into()));
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_asked_for_in_a_form() {
    let called = Called::new().await;
    let ann = called.ann();
    assert_eq!(ann.slash("/file get", "#ops").await.unwrap().kind, 9);
    assert!(called.bed.said().is_empty());
    ann.fill("Name", "notes.txt").unwrap();
    assert_eq!(ann.submit().await.unwrap().kind, 5);
    assert_eq!(called.one().said, Said::Form { command: "file get".into(), answers: answers(&[("name", &["notes.txt"])]) });
}

#[tokio::test]
async fn files_come_with_options_and_forms() {
    let called = Called::new().await;
    let ann = called.ann();
    let file = ann.file("notes.txt", b"hello");
    ann.slash(&format!("/file put file:{file} name:a/b.txt"), "#ops").await.unwrap();
    let one = called.one();
    assert_eq!((one.attachments.len(), one.attachments[0].name.as_str()), (1, "notes.txt"));
    let bytes: Vec<bytes::Bytes> =
        futures::TryStreamExt::try_collect(called.bed.discord.fetch(&one.attachments[0]).await.unwrap()).await.unwrap();
    assert_eq!(bytes.concat(), b"hello");
    // Without a file it is asked for.
    assert_eq!(ann.slash("/file put", "#ops").await.unwrap().kind, 9);
    let other = ann.file("other.txt", b"x");
    ann.fill("Files", &other).unwrap();
    assert_eq!(ann.submit().await.unwrap().kind, 5);
    assert_eq!(called.one().attachments[0].name, "other.txt");
}

#[tokio::test]
async fn values_are_proposed_while_they_are_typed() {
    let called = Called::new().await;
    assert_eq!(called.ann().suggest("/file get name:rep", "#ops").await.unwrap().len(), 1);
    assert_eq!(called.ann().suggest("/bellhop line:file li", "#ops").await.unwrap().len(), 1);
    assert!(called.bed.said().is_empty());
}

#[tokio::test]
async fn messages_and_people_have_menus() {
    let called = Called::new().await;
    let ann = called.ann();
    ann.upload("#ops", "a.txt", b"aaa", "see this").unwrap();
    let message = ann.sees("#ops").pop().unwrap();
    assert_eq!(ann.message_command(&message, "Save to storage").await.unwrap().kind, 5);
    let one = called.one();
    assert_eq!((one.said.clone(), one.attachments[0].name.as_str()), (Said::Line("file put".into()), "a.txt"));
    ann.say("#ops", "Checkout is down\nsince noon").unwrap();
    let message = ann.sees("#ops").pop().unwrap();
    assert_eq!(ann.message_command(&message, "Turn into alert").await.unwrap().kind, 9);
    assert_eq!(ann.modal().unwrap().value("a:name").as_deref(), Some("Checkout is down"));
    ann.submit().await.unwrap();
    let Said::Form { command, answers } = called.one().said else { panic!() };
    assert_eq!((command.as_str(), answers["summary"][0].as_str()), ("alert raise", "Checkout is down\nsince noon"));
    assert!(answers["url"][0].starts_with("https://discord.com/channels/"));
    // Text alone is kept as a file.
    ann.message_command(&message, "Save to storage").await.unwrap();
    let file = called.one().attachments.remove(0);
    assert!(file.name.starts_with("message-") && file.content_type.starts_with("text/plain"));
    assert_eq!(ann.user_command("bob", "Explain permissions", "#ops").await.unwrap().kind, 9);
}

#[tokio::test]
async fn clicks_say_what_is_meant_also_where_that_is_long() {
    let called = Called::new().await;
    let ann = called.ann();
    let long = Invoke { command: "file get".into(), args: json!({ "name": "x".repeat(400) }) };
    let short = Invoke { command: "alert ack".into(), args: json!({ "id": "a1" }) };
    let card = Card::titled("Choose").and_actions(vec![
        Action::invoke("Ack", short.clone()),
        Action::invoke("Long", long.clone()),
        Action::prefill("Start", "file list "),
        Action::open("Open", "https://example.com/"),
    ]);
    let post = Post { key: "k".into(), to: called.bed.at("ops"), card, audience: Audience::Everyone, answers: None, reply: None };
    called.bed.discord.deliver(&post).await.unwrap();
    let message = ann.sees("#ops").pop().unwrap();
    assert_eq!(message.buttons, ["Ack", "Long", "Start", "Open"]);
    for (label, invoke) in [("Ack", short), ("Long", long)] {
        assert_eq!(ann.click(&message, label).await.unwrap().kind, 6, "{label}");
        assert_eq!(called.one().said, Said::Invoke(invoke), "{label}");
    }
    assert_eq!(ann.click(&message, "Start").await.unwrap().kind, 9);
    ann.fill("Command", "file list reports/").unwrap();
    ann.submit().await.unwrap();
    assert_eq!(called.one().said, Said::Line("file list reports/".into()));
}

#[tokio::test]
async fn what_could_not_be_kept_is_told() {
    let called = Called::new().await;
    called.bed.inbox.fail(true);
    let taken = called.ann().slash("/status", "#ops").await.unwrap();
    assert_eq!((taken.kind, taken.data["flags"].as_u64()), (4, Some(64)));
    assert!(taken.data["content"].as_str().unwrap().contains("could not keep"));
}

#[tokio::test]
async fn forged_deliveries_are_refused() {
    let called = Called::new().await;
    called.ann().slash("/status", "#ops").await.unwrap();
    called.one();
    let mut payload = called.bed.world.deliveries().pop().unwrap().payload;
    payload["id"] = json!("999000000000000001");
    for (forgery, status) in [
        (Forgery::OtherKey, 401),
        (Forgery::Unsigned, 401),
        (Forgery::Untimed, 401),
        (Forgery::OtherTimestamp, 401),
        (Forgery::NoNumber, 401),
        (Forgery::Short, 401),
        (Forgery::Malleable, 401),
        (Forgery::Changed, 401),
        (Forgery::Off(-3600), 401),
        (Forgery::Off(3600), 401),
    ] {
        let answer = called.bed.world.send(&called.url, &payload, forgery).await.unwrap();
        assert_eq!(answer.status, status, "{forgery:?}");
    }
    assert!(called.bed.said().is_empty());
    let ping = called.bed.world.send(&called.url, &json!({ "type": 1 }), Forgery::None).await.unwrap();
    assert_eq!(ping.status, 200);
    // The same delivery twice is kept once.
    for _ in 0..2 {
        assert_eq!(called.bed.world.send(&called.url, &payload, Forgery::None).await.unwrap().status, 200);
    }
    called.one();
    for odd in [&b"{"[..], b"[]", b"{\"type\":2}", b"{\"type\":99}", b""] {
        let answer = called.bed.world.send_raw(&called.url, odd, Forgery::None).await.unwrap();
        assert_eq!(answer.status, 400, "{odd:?}");
    }
}

/// A person's answer to a command, as the outbox would bring it.
fn answer(incoming: &Incoming, key: &str, card: Card, audience: Audience) -> Post {
    let user: UserRef = incoming.from.clone();
    Post { key: key.into(), to: incoming.at.clone(), card, audience, answers: Some(user), reply: incoming.reply.clone() }
}

#[tokio::test]
async fn answers_fill_in_what_was_promised_and_further_ones_follow() {
    let called = Called::new().await;
    let ann = called.ann();
    ann.slash("/status", "#ops").await.unwrap();
    assert!(ann.sees("#ops")[0].thinking);
    let one = called.one();
    let first = called.bed.discord.deliver(&answer(&one, "a", Card::text("all is well"), Audience::Everyone)).await.unwrap();
    let second = called.bed.discord.deliver(&answer(&one, "a.1", Card::text("and more"), Audience::Everyone)).await.unwrap();
    let again = called.bed.discord.deliver(&answer(&one, "a", Card::text("all is well"), Audience::Everyone)).await.unwrap();
    let seen = ann.sees("#ops");
    assert_eq!(seen.iter().map(|seen| seen.text.as_str()).collect::<Vec<_>>(), ["all is well", "and more"]);
    assert_eq!((again, seen[0].id.as_str(), seen[1].id.as_str()), (first.clone(), first.as_str(), second.as_str()));
}

#[tokio::test]
async fn what_is_for_one_person_is_seen_by_that_person() {
    let called = Called::new().await;
    let (ann, bob) = (called.ann(), called.bed.world.person("bob"));
    ann.slash("/status", "#ops").await.unwrap();
    let one = called.one();
    let post = answer(&one, "a", Card::text("between us"), Audience::Caller);
    let message = called.bed.discord.deliver(&post).await.unwrap();
    let seen = ann.sees("#ops");
    assert_eq!((seen.len(), seen[0].text.as_str(), seen[0].ephemeral), (1, "between us", true), "{seen:?}");
    assert!(bob.sees("#ops").is_empty());
    let changed = answer(&one, "a", Card::text("still between us"), Audience::Caller);
    called.bed.discord.revise(&message, &changed).await.unwrap();
    assert_eq!(ann.sees("#ops")[0].text, "still between us");
    called.bed.discord.retract(&one.at, &message).await.unwrap();
    assert!(ann.sees("#ops").is_empty());
}
