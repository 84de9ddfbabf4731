//! The page as a browser meets it: who gets in, what is taken, what is refused, and what is shown to whom.

mod world;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use bellhop_core::Address;
use bellhop_core::call::{Audience, Invoke};
use bellhop_core::card::{Action, Block, Card};
use bellhop_core::form::{Form, Input, InputKind};
use bellhop_core::ports::{Channels as _, ChatPlatform as _, Post, Said};
use serde_json::json;
use world::World;
use world::browser::Browser;

const FORM: &str = "application/x-www-form-urlencoded";

fn help() -> Invoke {
    Invoke { command: "help".into(), args: json!({}) }
}

#[tokio::test]
async fn what_is_sent_twice_is_said_once() {
    let world = World::new();
    let browser = Browser::log_in(&world.console).await;
    for _ in 0..3 {
        let answer = browser.say("general", "/file list", "key-of-one-line", &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    let heard = world.inbox.take();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].said, Said::Line("file list".into()));
    assert_eq!((heard[0].from.to_string(), heard[0].at.to_string()), ("console:you".into(), "console:local/general".into()));
    assert_eq!(browser.get("/c/general").await.text().matches("/file list").count(), 1);
    // The same key of another person is another line.
    Browser::of(&world, "max").await.say("general", "/file list", "key-of-one-line", &[]).await;
    assert_eq!(world.inbox.take().len(), 1);
}

#[tokio::test]
async fn a_line_that_was_not_accepted_is_not_shown_and_can_be_sent_again() {
    let world = World::new();
    let browser = Browser::log_in(&world.console).await;
    world.inbox.fail(true);
    let answer = browser.say("general", "/file list", "key-of-one-line", &[]).await;
    assert_eq!(answer.status, StatusCode::INSUFFICIENT_STORAGE);
    assert!(!browser.get("/c/general").await.text().contains("/file list"));
    world.inbox.fail(false);
    assert_eq!(browser.say("general", "/file list", "key-of-one-line", &[]).await.status, StatusCode::OK);
    assert_eq!(world.inbox.take().len(), 1);
}

#[tokio::test]
async fn talk_is_shown_and_not_run() {
    let world = World::new();
    let (ada, max) = (Browser::log_in(&world.console).await, Browser::of(&world, "max").await);
    ada.say("general", "hello <b>all</b>", "key-12345", &[]).await;
    assert!(world.inbox.take().is_empty());
    assert!(max.get("/c/general").await.text().contains("hello &lt;b&gt;all&lt;/b&gt;"));
    // What is said to the bot alone is a command, and nobody else sees it.
    ada.say("@you", "status", "key-12346", &[]).await;
    assert_eq!(world.inbox.take()[0].said, Said::Line("status".into()));
    assert_eq!(max.get("/c/@you").await.status, StatusCode::NOT_FOUND);
    assert_eq!(max.say("@you", "status", "key-12347", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn bad_input_is_refused_in_words() {
    let world = World::new();
    let browser = Browser::log_in(&world.console).await;
    let long = browser.say("general", &"x".repeat(1 << 20), "key-12345", &[]).await;
    assert_eq!(
        (long.status, long.text().as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "This message is 1 MiB long, and a message may be 64 KiB. Attach long text as a file instead.")
    );
    let longer = browser.say("general", &"x".repeat(5 << 20), "key-12345", &[]).await;
    assert!(longer.status == StatusCode::PAYLOAD_TOO_LARGE && longer.text().contains("64 KiB"));
    let broken = browser.post("/console/say", "application/json", b"{\"channel\":\"general\",\"text\":\"\xff\"".to_vec()).await;
    assert!(broken.status == StatusCode::BAD_REQUEST && broken.text().contains("not valid UTF-8"), "{}", broken.text());
    let nonsense = browser.post("/console/say", "application/json", "{").await;
    assert!(nonsense.status == StatusCode::BAD_REQUEST && nonsense.text().contains("can't be read"));
    assert_eq!(browser.say("general", " \u{200b}\n", "key-12345", &[]).await.text(), "The message is empty.");
    assert!(browser.say("general", "x", "../..", &[]).await.text().contains("key"));
    assert_eq!(browser.say("nowhere", "x", "key-12345", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.say("general", "x", "key-12345", &["none"]).await.status, StatusCode::NOT_FOUND);
    for path in ["/c/..%2F..%2Fetc", "/c/%3Cscript%3E", "/c/general/none", "/c/a:b"] {
        let answer = browser.get(path).await;
        assert!(
            answer.status.is_client_error() && answer.text().contains("Back to the chat") && !answer.text().contains("<script>"),
            "{path}"
        );
    }
    for path in [
        "/console/file/none/0",
        "/console/file/general:x:y:z/0",
        "/console/media/general:none/0",
        "/console/older?channel=general&before=%3C",
    ] {
        let answer = browser.get(path).await;
        assert!(answer.status.is_client_error() && !answer.body.is_empty(), "{path}");
    }
    assert!(world.inbox.take().is_empty());
}

#[tokio::test]
async fn a_button_is_looked_up_and_pressed_as_the_one_who_clicks() {
    let world = World::new();
    let card = Card::titled("Ask").and_actions(vec![Action::open("See", "https://a.example/"), Action::invoke("Help", help())]);
    let id = world.deliver("k", "general", card.clone()).await;
    let max = Browser::of(&world, "max").await;
    let press = |action: usize, revision: u32, key: &'static str| {
        format!("message={id}&action={action}&revision={revision}&key={key}&zone=Europe%2FBerlin")
    };
    for _ in 0..2 {
        assert_eq!(max.post("/console/press", FORM, press(1, 0, "press-0001")).await.status, StatusCode::NO_CONTENT);
    }
    let heard = world.inbox.take();
    assert_eq!(heard.len(), 1);
    assert_eq!(
        (heard[0].said.clone(), heard[0].from.user.as_str(), heard[0].zone),
        (Said::Invoke(help()), "max", Some(chrono_tz::Europe::Berlin))
    );
    // A link is no command, and what is not there can't be pressed.
    assert_eq!(max.post("/console/press", FORM, press(0, 0, "press-0002")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(max.post("/console/press", FORM, press(2, 0, "press-0003")).await.status, StatusCode::NOT_FOUND);
    // A button of an older state of the card is not pressed.
    let post = Post {
        key: "k".into(),
        to: Address::channel("console", "local", "general"),
        card: Card::titled("Answered"),
        audience: Audience::Everyone,
        answers: None,
        reply: None,
    };
    world.console.revise(&id, &post).await.unwrap();
    let late = max.post("/console/press", FORM, press(1, 0, "press-0004")).await;
    assert!(late.status == StatusCode::CONFLICT && late.text().contains("changed"));
    assert!(world.inbox.take().is_empty());
}

#[tokio::test]
async fn what_is_for_one_person_is_seen_and_pressed_by_no_other() {
    let world = World::new();
    let answers = Some(bellhop_core::UserRef { chat: "console".into(), workspace: "local".into(), user: "olive".into() });
    let card = Card::titled("Your secret").and_actions(vec![Action::invoke("Help", help())]);
    let to = Address::channel("console", "local", "general");
    let id = world.console.deliver(&Post { key: "k".into(), to, card, audience: Audience::Caller, answers, reply: None }).await.unwrap();
    let (olive, max) = (Browser::of(&world, "olive").await, Browser::of(&world, "max").await);
    let page = olive.get("/c/general").await.text();
    assert!(page.contains("Your secret") && page.contains("Only visible to you"));
    assert!(!max.get("/c/general").await.text().contains("Your secret"));
    let press = format!("message={id}&action=0&revision=0&key=press-0001");
    assert_eq!(max.post("/console/press", FORM, press.clone()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(olive.post("/console/press", FORM, press).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_form_answers_its_own_questions() {
    let world = World::new();
    let input = Input {
        id: "name".into(),
        label: "Name".into(),
        hint: String::new(),
        required: true,
        problem: None,
        value: String::new(),
        kind: InputKind::Text,
    };
    let form = Form { command: "file get".into(), submit: "Get".into(), inputs: vec![input] };
    let id = world.deliver("k", "general", Card::titled("Which?").block(Block::Form(form))).await;
    let browser = Browser::log_in(&world.console).await;
    let body = format!("message={id}&block=0&revision=0&key=form-0001&zone=&a.name=a%20b.txt&a.other=x");
    assert_eq!(browser.post("/console/form", FORM, body).await.status, StatusCode::NO_CONTENT);
    let heard = world.inbox.take();
    assert_eq!(heard[0].said, Said::Form { command: "file get".into(), answers: [("name".to_owned(), vec!["a b.txt".to_owned()])].into() });
}

#[tokio::test]
async fn a_thread_keeps_its_commands_and_answers() {
    let world = World::new();
    let id = world.deliver("k", "general", Card::text("root")).await;
    let root = id.as_str().split_once(':').unwrap().1;
    let browser = Browser::log_in(&world.console).await;
    let said =
        browser.post_json("/console/say", &json!({ "channel": "general", "thread": root, "text": "/help", "key": "thread-0001" })).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text());
    let heard = world.inbox.take().remove(0);
    assert_eq!(heard.at.thread.as_ref().map(bellhop_core::ids::ThreadId::as_str), Some(root));
    let post = Post {
        key: "a".into(),
        to: heard.at,
        card: Card::text("the answer"),
        audience: Audience::Everyone,
        answers: Some(heard.from),
        reply: heard.reply,
    };
    world.console.deliver(&post).await.unwrap();
    let channel = browser.get("/c/general").await.text();
    assert!(channel.contains("2 replies") && !channel.contains("the answer"));
    assert!(browser.get(&format!("/c/general/{root}")).await.text().contains("the answer"));
    let lost =
        browser.post_json("/console/say", &json!({ "channel": "general", "thread": "none", "text": "/help", "key": "thread-0002" })).await;
    assert_eq!(lost.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn older_messages_come_page_by_page_and_all_of_them() {
    let world = World::new();
    for at in 0..120 {
        world.deliver(&format!("k{at}"), "general", Card::text(format!("note {at} end"))).await;
    }
    let browser = Browser::log_in(&world.console).await;
    let mut html = browser.get("/c/general").await.text();
    let (mut notes, mut pages) = (Vec::new(), 0);
    loop {
        let mut page: Vec<u32> = html.split("note ").skip(1).filter_map(|part| part.split(" end").next()?.parse().ok()).collect();
        page.append(&mut notes);
        notes = page;
        pages += 1;
        let Some(at) = html.find("/console/older?") else { break };
        let address = html[at..].split('"').next().unwrap().replace("&amp;", "&");
        html = browser.get(&address).await.text();
    }
    assert_eq!((pages, notes), (3, (0..120).collect()));
}

#[tokio::test]
async fn unread_messages_are_counted_until_they_are_read() {
    let world = World::new();
    let mut last = String::new();
    for at in 0..3 {
        last = world.deliver(&format!("k{at}"), "alerts", Card::text("news")).await.to_string();
    }
    let browser = Browser::log_in(&world.console).await;
    let unread = |page: String| {
        page.split("data-room=\"alerts\"")
            .nth(1)
            .and_then(|part| part.split("data-count=\"").nth(1))
            .and_then(|part| part.split('"').next())
            .unwrap()
            .to_owned()
    };
    assert_eq!(unread(browser.get("/").await.text()), "3");
    let id = last.split_once(':').unwrap().1;
    assert_eq!(browser.post("/console/read", FORM, format!("channel=alerts&message={id}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(unread(browser.get("/").await.text()), "0");
}

#[tokio::test]
async fn completion_counts_as_the_browser_does() {
    let world = World::new();
    let browser = Browser::log_in(&world.console).await;
    let ask = |channel: &str, line: &str| {
        let line = percent_encoding::utf8_percent_encode(line, percent_encoding::NON_ALPHANUMERIC).to_string();
        let path = format!("/console/complete?channel={channel}&line={line}");
        let browser = browser.clone();
        async move { serde_json::from_slice::<serde_json::Value>(&browser.get(&path).await.body).unwrap() }
    };
    let found = ask("general", "/file p").await;
    assert_eq!((found["from"].as_u64(), found["suggestions"][0]["value"].as_str()), (Some(1), Some("file put")));
    assert_eq!(ask("general", "@bellhop file p").await["from"], 9);
    assert_eq!(ask("general", "file p").await["suggestions"], json!([]));
    assert_eq!(ask("@you", "file p").await["from"], 0);
    assert_eq!(ask("general", "/😀").await["from"], 1);
}

#[tokio::test]
async fn private_and_closed_channels_are_what_they_say() {
    let world = World::new();
    let made = world.console.create("board", true).await.unwrap();
    let (ada, max) = (Browser::log_in(&world.console).await, Browser::of(&world, "max").await);
    assert_eq!((ada.get("/c/board").await.status, max.get("/c/board").await.status), (StatusCode::OK, StatusCode::NOT_FOUND));
    world.console.invite(&made.address, &["@max".to_owned()]).await.unwrap();
    assert_eq!(max.get("/c/board").await.status, StatusCode::OK);
    world.console.archive(&made.address).await.unwrap();
    assert_eq!(max.say("board", "hello", "key-00001", &[]).await.status, StatusCode::CONFLICT);
    assert!(max.get("/c/board").await.text().contains("This channel is closed"));
    // The one who closed it still gets the answer.
    let answers = Some(bellhop_core::UserRef { chat: "console".into(), workspace: "local".into(), user: "max".into() });
    let post = Post { key: "k".into(), to: made.address, card: Card::text("closed"), audience: Audience::Everyone, answers, reply: None };
    world.console.deliver(&post).await.unwrap();
}

#[tokio::test]
async fn a_page_does_not_act_as_someone_else() {
    let world = World::new();
    let max = Browser::of(&world, "max").await;
    let body = json!({ "channel": "general", "text": "/help", "key": "12345678" }).to_string();
    let send = |drawn_for: &str| {
        max.send(max.request(&Method::POST, "/console/say").header("x-bellhop-person", drawn_for).body(Body::from(body.clone())).unwrap())
    };
    let refused = send("you").await;
    assert_eq!((refused.status, refused.text().as_str()), (StatusCode::CONFLICT, "You have become Max in another tab. Reload the page."));
    assert_eq!(send("max").await.status, StatusCode::OK);
}

/// What people type, and what the inbox hears of it: nothing where they only talk to each other.
#[tokio::test]
async fn what_people_type_arrives_as_it_was_meant() {
    #[derive(serde::Deserialize)]
    struct Case {
        channel: String,
        text: String,
        said: Option<Said>,
    }
    let cases: Vec<Case> = serde_json::from_str(include_str!("fixtures/said.json")).unwrap();
    let world = World::new();
    let browser = Browser::log_in(&world.console).await;
    for (at, case) in cases.iter().enumerate() {
        let answer = browser.say(&case.channel, &case.text, &format!("key-{at:06}"), &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", case.text);
        let heard = world.inbox.take().into_iter().map(|incoming| incoming.said).next();
        assert_eq!(heard, case.said, "{:?}", case.text);
    }
}
