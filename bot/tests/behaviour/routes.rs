//! The bot starts whatever its platforms do, and no alert is lost for a place that can't be found yet.

use crate::bot::{Bot, SOON, config, options};
use crate::double::{Double, Names, error};
use bellhop::program;
use bellhop_core::alert::AlertState;
use bellhop_core::ports::Finding;
use bellhop_core::{Capabilities, PortErrorKind, plain};
use bellhop_kit::wait::until;
use std::process::ExitCode;
use std::sync::Arc;

const ROUTES: &str = "[[route]]\nto = [\"work/#ops\"]\n";

fn down() -> Names {
    Names::Fail(error(PortErrorKind::Unavailable, "no network"))
}

#[tokio::test]
async fn an_alert_waits_for_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let work = Double::new("work", Capabilities::default());
    *work.names.lock().unwrap() = down();
    let bot = Bot::start(folder.path(), ROUTES, &[&work]).await;
    bot.report(r#"{"name":"disk full","summary":"at 91 %"}"#).await;
    bot.report(r#"{"name":"disk full","summary":"at 97 %"}"#).await;
    let waits = async || (bot.store.outbox_depth().await.unwrap().ready == 1).then_some(());
    until(SOON, "one card that waits", waits).await;
    assert!(work.posts().is_empty());
    *work.names.lock().unwrap() = Names::All;
    until(SOON, "the card", async || (work.posts().len() == 1).then_some(())).await;
    let said = plain::card(&work.posts()[0].card, &|invoke| invoke.command.clone());
    assert!(said.contains("97 %"), "as it is now: {said}");
    // From then on it goes there at once, and it is the same card.
    bot.report(r#"{"name":"disk full","status":"resolved"}"#).await;
    until(SOON, "the change", async || (!work.revisions().is_empty()).then_some(())).await;
    bot.quiet().await;
    assert_eq!(work.posts().len(), 1);
    assert_eq!(bot.alerts().await.len(), 1, "a platform that comes back is no trouble to be told");
    bot.stop().await;
}

#[tokio::test]
async fn what_waits_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let work = Double::new("work", Capabilities::default());
    *work.names.lock().unwrap() = down();
    let bot = Bot::start(folder.path(), ROUTES, &[&work]).await;
    bot.report(r#"{"name":"disk full"}"#).await;
    bot.report(r#"{"name":"cpu hot"}"#).await;
    let waits = async || (bot.store.outbox_depth().await.unwrap().ready == 2).then_some(());
    until(SOON, "two cards that wait", waits).await;
    bot.stop().await;
    *work.names.lock().unwrap() = Names::All;
    // The route has changed meanwhile: what waited goes where it leads now.
    let bot = Bot::start(folder.path(), "[[route]]\nto = [\"work/#pager\"]\n", &[&work]).await;
    until(SOON, "both cards", async || (work.posts().len() == 2).then_some(())).await;
    assert!(work.posts().iter().all(|post| post.to.channel.as_str() == "pager"));
    bot.quiet().await;
    bot.stop().await;
}

#[tokio::test]
async fn a_name_that_is_not_there_is_said_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let work = Double::new("work", Capabilities::default());
    *work.names.lock().unwrap() = Names::None;
    let bot = Bot::start(folder.path(), ROUTES, &[&work]).await;
    let told = bot.alert("work/#ops: not found", AlertState::Firing).await;
    assert_eq!(told.signal.severity, "warning");
    until(SOON, "the embedded chat", async || bot.console("alerts").await.contains("not found").then_some(())).await;
    bot.report(r#"{"name":"disk full"}"#).await;
    // Someone makes the channel.
    *work.names.lock().unwrap() = Names::All;
    bot.alert("work/#ops: not found", AlertState::Resolved).await;
    until(SOON, "the alert", async || work.posts().iter().any(|post| post.card.title.contains("disk full")).then_some(())).await;
    bot.stop().await;
}

#[tokio::test]
async fn check_says_which_part_is_bad_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (work, spare) = (Double::new("work", Capabilities::default()), Double::new("spare", Capabilities::default()));
    let finding = |good, text: &str| Finding { good, text: text.into() };
    *work.findings.lock().unwrap() = vec![finding(true, "connected as bellhop"), finding(false, "the scope files:write is missing")];
    *spare.findings.lock().unwrap() = vec![finding(true, "connected as spare")];
    let look = async |text: &str, live: bool| {
        let kept = Arc::default();
        let mut out = Vec::new();
        let options = options(&[&work, &spare], &kept);
        let code = program::check(config(folder.path(), text), options, live, &mut out).await.unwrap();
        (format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS), String::from_utf8(out).unwrap())
    };
    let (good, said) = look(ROUTES, false).await;
    assert!(good && !said.contains("scope"), "nobody is asked without --live: {said}");
    let (good, said) = look(ROUTES, true).await;
    assert!(!good && said.contains("NOT GOOD: The chat `work`: the scope files:write is missing"), "{said}");
    assert!(said.contains("connected as spare") && said.contains("The chat `spare` can be used."), "it goes on: {said}");
    *work.findings.lock().unwrap() = Vec::new();
    assert!(look(ROUTES, true).await.0);
    *work.names.lock().unwrap() = Names::None;
    assert!(!look(ROUTES, false).await.0, "a place that isn't there is reported");
    *work.names.lock().unwrap() = down();
    assert!(look(ROUTES, false).await.0, "a platform that is down says nothing about the configuration");
    assert!(!look(ROUTES, true).await.0);
}
