//! Slash commands, mentions, direct messages, buttons, by both transports.

use super::{Office, calm, hears, times};
use bellhop_e2e::PATIENCE;
use bellhop_kit::discord::{Behaviour, Forgery, Over, Settings};
use bellhop_kit::wait::until;
use std::time::Duration;

const STATUS: &str = "Bellhop is at your service";
const FILES: &str = "Files in local";

async fn a_round_of_commands(office: &Office, over: Over) {
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let taken = ann.slash("/status", "#ops").await.unwrap();
    assert!(taken.elapsed < Duration::from_secs(3), "{taken:?}");
    let seen = hears(&bob, "#ops", STATUS).await;
    assert!(!seen.ephemeral && !seen.thinking, "{seen:?}");
    ann.slash("/file list", "#ops").await.unwrap();
    hears(&bob, "#ops", FILES).await;
    bob.slash("/bellhop line:file list", "#general").await.unwrap();
    hears(&ann, "#general", FILES).await;
    assert_eq!(times(&ann, "#ops", STATUS), 1);
    // Where the bot doesn't even see the channel it answers by the command's own address.
    ann.slash("/status", "#hidden").await.unwrap();
    hears(&ann, "#hidden", STATUS).await;
    assert!(office.world.deliveries().iter().all(|one| one.outcome.is_ok() && one.over == over), "{:?}", office.world.deliveries());
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn commands_are_answered_by_signed_requests() {
    let office = Office::over_http(calm(), "").await;
    a_round_of_commands(&office, Over::Http).await;
}

#[tokio::test]
async fn commands_are_answered_at_the_gateway() {
    let office = Office::over_gateway(calm(), "").await;
    a_round_of_commands(&office, Over::Gateway).await;
}

#[tokio::test]
async fn a_mention_and_a_direct_message_are_commands_too() {
    let office = Office::over_gateway(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.mention("#ops", "status").unwrap();
    hears(&bob, "#ops", STATUS).await;
    ann.dm("file list").unwrap();
    hears(&ann, "@bellhop", FILES).await;
    let root = bob.say("#ops", "What do we have?").unwrap();
    let root = bob.sees("#ops").into_iter().find(|seen| seen.id == root).unwrap();
    bob.open_thread(&root, "the question").unwrap();
    ann.mention("the question", "file list").unwrap();
    let seen = hears(&bob, "the question", FILES).await;
    assert!(seen.thread, "{seen:?}");
    assert_eq!(times(&bob, "#ops", FILES), 0, "the answer stands where the question does");
    // What nobody says to the bot isn't answered, and its own words neither.
    bob.say("#ops", "status").unwrap();
    ann.mention("#ops", "help file").unwrap();
    // What is for one person only can't be said in a channel but as the answer to a command.
    hears(&ann, "@bellhop", "file put").await;
    assert_eq!(times(&ann, "#ops", STATUS), 1);
}

#[tokio::test]
async fn a_private_answer_is_seen_by_the_one_who_asked_only() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.slash("/bellhop line:fiel list", "#ops").await.unwrap();
    let seen = hears(&ann, "#ops", "Did you mean file list?").await;
    assert!(seen.ephemeral, "{seen:?}");
    assert_eq!(bob.hears("#ops"), [], "a slip is nobody else's business");
    ann.click(&seen, "Run file list").await.unwrap();
    let seen = hears(&bob, "#ops", FILES).await;
    assert!(!seen.ephemeral, "what the button runs is for all: {seen:?}");
}

#[tokio::test]
async fn an_interaction_that_comes_twice_runs_once() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    ann.slash("/status", "#ops").await.unwrap();
    hears(&ann, "#ops", STATUS).await;
    let delivery = office.world.deliveries().pop().unwrap();
    let url = format!("{}/chat/work", office.bot.url);
    for _ in 0..3 {
        assert_eq!(office.world.send(&url, &delivery.payload, Forgery::None).await.unwrap().status, 200);
    }
    ann.slash("/file list", "#ops").await.unwrap();
    hears(&ann, "#ops", FILES).await;
    assert_eq!(times(&ann, "#ops", STATUS), 1);
}

#[tokio::test]
async fn what_destroys_asks_first_and_runs_once_for_whoever_may() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob, cem) = (office.person("ann"), office.person("bob"), office.person("cem"));
    let file = cem.file("plan.txt", b"hello");
    cem.slash(&format!("/file put file:{file}"), "#ops").await.unwrap();
    hears(&cem, "#ops", "Stored plan.txt").await;
    cem.slash("/file delete name:plan.txt", "#ops").await.unwrap();
    hears(&cem, "#ops", "You may not use file delete").await;
    bob.slash("/file delete name:plan.txt", "#ops").await.unwrap();
    let asks = hears(&ann, "#ops", "Delete plan.txt?").await;
    assert_eq!(asks.buttons.len(), 2, "{asks:?}");
    cem.click(&asks, "Yes, file delete").await.unwrap();
    until(PATIENCE, "cem is told no", || async { (times(&cem, "#ops", "You may not use file delete") == 2).then_some(()) }).await;
    ann.click(&asks, "Yes, file delete").await.unwrap();
    hears(&bob, "#ops", "Deleted plan.txt").await;
    bob.slash("/file list", "#ops").await.unwrap();
    hears(&bob, "#ops", "There are no files").await;
    assert_eq!(times(&bob, "#ops", "Deleted plan.txt"), 1);
}

#[tokio::test]
async fn names_are_offered_while_somebody_types() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    for name in ["plan.txt", "plot.txt", "other.txt"] {
        let file = ann.file(name, b"x");
        ann.slash(&format!("/file put file:{file}"), "#ops").await.unwrap();
        hears(&ann, "#ops", &format!("Stored {name}")).await;
    }
    let offered = ann.suggest("/file info name:pl", "#ops").await.unwrap();
    assert!(offered.len() == 2 && offered[0].starts_with("plan.txt") && offered[1].starts_with("plot.txt"), "{offered:?}");
    ann.slash(&format!("/file info name:{}", offered[1]), "#ops").await.unwrap();
    hears(&ann, "#ops", "SHA-256").await;
    assert!(ann.suggest("/bellhop line:file in", "#ops").await.unwrap().iter().any(|line| line.contains("file info")));
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_command_of_a_message_keeps_it_or_makes_an_alert_of_it() {
    let office = Office::over_http(calm(), "[[route]]\nto = [\"work/#ops\"]\n").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    bob.upload("#general", "plan.txt", b"the plan itself", "look at this").unwrap();
    let message = ann.sees("#general").pop().unwrap();
    ann.message_command(&message, "Save to storage").await.unwrap();
    hears(&ann, "#general", "Stored plan.txt").await;
    bob.say("#general", "The disk is full\non db1").unwrap();
    let message = ann.sees("#general").into_iter().find(|seen| seen.text.contains("The disk is full")).unwrap();
    ann.message_command(&message, "Turn into alert").await.unwrap();
    let form = until(PATIENCE, "the form", || async { ann.modal() }).await;
    assert_eq!(form.value("Name").as_deref(), Some("The disk is full"), "{form:?}");
    ann.submit().await.unwrap();
    let alert = hears(&bob, "#ops", "The disk is full").await;
    bob.click(&alert, "Ack").await.unwrap();
    hears(&ann, "#ops", "ACKNOWLEDGED").await;
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_takes_longer_than_a_token_lives_comes_as_a_message() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let expired = Behaviour {
        route: Some("/webhooks/{webhook}/{token}".into()),
        error: Some((401, 50027, "Invalid Webhook Token".into())),
        ..Behaviour::default()
    };
    office.world.behave(expired);
    ann.slash("/status", "#ops").await.unwrap();
    let seen =
        until(PATIENCE, "the answer as a message", || async { bob.hears("#ops").into_iter().find(|seen| seen.text.contains(STATUS)) })
            .await;
    assert!(!seen.ephemeral, "{seen:?}");
}

#[tokio::test]
async fn a_slow_command_is_promised_within_three_seconds_and_kept() {
    let office = Office::over_http(Settings { respond_within: Duration::from_secs(3), ..calm() }, "").await;
    let ann = office.person("ann");
    office.world.behave(Behaviour { route: Some("GET /attachments".into()), think: Duration::from_secs(4), ..Behaviour::default() });
    let file = ann.file("slow.txt", b"slowly");
    let taken = ann.slash(&format!("/file put file:{file}"), "#ops").await.unwrap();
    assert_eq!(taken.kind, 5);
    assert!(ann.sees("#ops").iter().any(|seen| seen.thinking), "{:?}", ann.sees("#ops"));
    let seen = hears(&ann, "#ops", "Stored slow.txt").await;
    assert!(!seen.thinking, "{seen:?}");
    assert_eq!(ann.sees("#ops").len(), 1, "one answer in the place of the promise: {:?}", ann.sees("#ops"));
}
