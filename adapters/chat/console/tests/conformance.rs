//! The console is a chat platform like the others: every sentence of the port's contract, judged by what a person sees on
//! the page.

#![expect(clippy::unwrap_used, reason = "helpers of tests end the test where something is wrong")]

mod world;

use bellhop_core::call::{Attachment, Handle};
use bellhop_core::ids::UserId;
use bellhop_core::{Address, UserRef};
use bellhop_kit::conformance::chat::{Attach, Observe, Seen, Subject, suite};
use std::sync::Arc;
use world::World;
use world::browser::{Browser, Token, tokens};

/// The bot's messages of a channel's page, as a person sees them.
async fn seen(world: &World, at: &Address, reader: &UserId) -> Vec<Seen> {
    let browser = Browser::of(world, reader.as_str()).await;
    let page = browser.get(&format!("/c/{}", at.channel)).await;
    let mut messages = Vec::new();
    for part in page.text().split("<article ").skip(1) {
        let html = format!("<article {}", part.split("</article>").next().unwrap());
        if html.contains("data-author=\"bot\"") {
            messages.push(message(&browser, &html).await);
        }
    }
    messages
}

async fn message(browser: &Browser, html: &str) -> Seen {
    let mut seen = Seen::default();
    let mut button: Option<String> = None;
    let mut addresses = Vec::new();
    for token in tokens(html) {
        let is = |name: &str, value: &str| token.attribute(name).is_some_and(|v| v.split(' ').any(|word| word == value));
        match &token {
            Token::Start(tag, _) => {
                if tag == "article" {
                    seen.id = String::from(token.attribute("data-ref").unwrap());
                }
                if tag == "button" && token.attribute("data-press").is_some() {
                    button = Some(String::new());
                }
                if tag == "a" && is("rel", "noreferrer") {
                    seen.links.push(token.attribute("href").unwrap().to_owned());
                }
                if is("class", "file") && tag == "a" {
                    addresses.push((token.attribute("download").unwrap().to_owned(), token.attribute("href").unwrap().to_owned()));
                }
                seen.notified.extend(token.attribute("data-user").map(str::to_owned));
                if matches!(tag.as_str(), "p" | "td" | "th" | "dt" | "dd" | "h2" | "div" | "pre") {
                    seen.text.push('\n');
                }
            }
            Token::End(tag) => {
                if tag == "button" {
                    seen.actions.extend(button.take());
                }
            }
            Token::Text(text) => {
                seen.text.push_str(text);
                if let Some(label) = &mut button {
                    label.push_str(text);
                }
            }
        }
    }
    for (name, address) in addresses {
        seen.files.push((name, browser.get(&address).await.body));
    }
    seen
}

async fn subject() -> Subject {
    let world = Arc::new(World::new());
    let person = |id: &str| UserRef { chat: "console".into(), workspace: "local".into(), user: id.into() };
    let watched = Arc::clone(&world);
    let observe: Observe = Arc::new(move |at, reader| {
        let world = Arc::clone(&watched);
        Box::pin(async move { seen(&world, &at, &reader.user).await })
    });
    let sending = Arc::clone(&world);
    let attach: Attach = Arc::new(move |at, name, content| {
        let world = Arc::clone(&sending);
        Box::pin(async move {
            let browser = Browser::of(&world, "olive").await;
            let upload = browser.upload(&name, &content).await;
            let answer = browser.say(at.channel.as_str(), "/file put", &format!("key-{upload}"), &[&upload]).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            world.inbox.take().remove(0).attachments.remove(0)
        })
    });
    Subject {
        platform: Arc::clone(&world.console) as _,
        channel: Address::channel("console", "local", "ops"),
        channel_name: "ops".into(),
        person: person("olive"),
        person_name: "Olive".into(),
        other: person("max"),
        observe,
        attach: Some(attach),
    }
}

#[tokio::test]
async fn the_console_keeps_the_contract_of_a_chat_platform() {
    suite(subject).await;
}

#[tokio::test]
async fn a_forged_handle_fetches_nothing() {
    use bellhop_core::ports::ChatPlatform as _;
    let world = World::new();
    for handle in [serde_json::json!({ "upload": "../../etc/passwd" }), serde_json::json!({}), serde_json::json!("x")] {
        let attachment =
            Attachment { id: "x".into(), name: "x".into(), content_type: "text/plain".into(), size: None, handle: Handle(handle) };
        assert!(world.console.fetch(&attachment).await.is_err());
    }
}
