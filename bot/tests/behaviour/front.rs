//! The bot's own page: what this visitor may see, failures in their place, and nothing changed by looking.

use crate::bot::{Bot, SOON, config, options, person};
use crate::double::Double;
use bellhop::app::App;
use bellhop_core::alert::AlertState;
use bellhop_core::call::Invoke;
use bellhop_core::card::{Card, Does};
use bellhop_core::ports::{AuditFilter, AuditTrail as _, Front as _, NewFile, Schedule, ScheduleBook as _, UsageBook as _, Visitor};
use bellhop_core::{Address, Capabilities, UserRef, plain};
use bellhop_kit::wait::until;
use std::sync::Arc;

fn visitor() -> Visitor {
    Visitor { user: person(), name: "Ann".into(), zone: None, at: Address::channel("work", "T1", "D-U1") }
}

fn text(cards: &[Card]) -> String {
    cards.iter().map(|card| plain::card(card, &|invoke| invoke.command.clone())).collect::<Vec<_>>().join("\n")
}

fn commands(cards: &[Card]) -> Vec<String> {
    let invoked = cards.iter().flat_map(Card::actions).filter_map(|action| match &action.does {
        Does::Invoke(invoke) => Some(invoke.command.clone()),
        _ => None,
    });
    invoked.collect()
}

async fn put(bot: &Bot, name: &str) {
    let store = bot.parts.stores.store(None).unwrap();
    let file = NewFile::new(name, "text/plain", Some(3));
    store.write(file, Box::pin(futures::stream::iter([Ok(bytes::Bytes::from_static(b"abc"))]))).await.unwrap();
}

async fn schedule(bot: &Bot, id: &str, owner: UserRef) {
    let schedule = Schedule {
        id: id.into(),
        cron: "0 9 * * *".into(),
        zone: chrono_tz::Tz::UTC,
        invoke: Invoke { command: "status".into(), args: serde_json::json!({}) },
        line: "status".into(),
        owner,
        owner_name: "someone".into(),
        to: Address::channel("work", "T1", "ops"),
        next: bot.parts.clock.now() + chrono::TimeDelta::days(1),
        last: None,
    };
    bot.store.add(&schedule).await.unwrap();
}

#[tokio::test]
async fn the_page_shows_what_is_on_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let bot = Bot::start(folder.path(), "", &[&Double::new("work", Capabilities::default())]).await;
    bot.report(r#"{"name":"disk full"}"#).await;
    bot.alert("disk full", AlertState::Firing).await;
    put(&bot, "old.txt").await;
    put(&bot, "a/new.txt").await;
    schedule(&bot, "mine01", person()).await;
    schedule(&bot, "others1", UserRef { user: "U2".into(), ..person() }).await;
    bot.quiet().await;
    let rows = async || bot.store.rows(&AuditFilter { limit: 1000, ..AuditFilter::default() }).await.unwrap().len();
    let usage = async || bot.store.usage(bellhop_core::Timestamp::UNIX_EPOCH).await.unwrap();
    let (audit, counted) = (rows().await, usage().await);
    let page = bot.parts.front.page(&visitor()).await;
    let said = text(&page);
    assert_eq!(page.len(), 4, "{said}");
    for part in ["Bellhop is at your service", "disk full", "Your schedules", "mine01", "Recent files", "a/new.txt", "old.txt"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("others1"), "{said}");
    let buttons = commands(&page);
    for command in ["alert ack", "schedule remove", "file get", "file share"] {
        assert!(buttons.iter().any(|button| button == command), "{command}: {buttons:?}");
    }
    assert!(said.find("a/new.txt").unwrap() < said.find("old.txt").unwrap(), "the newest first");
    assert_eq!((rows().await, usage().await), (audit, counted));
    assert_eq!(bot.alerts().await[0].state, AlertState::Firing);
    bot.stop().await;
}

#[tokio::test]
async fn what_the_visitor_may_not_see_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let role = "[[role]]\nname = \"guest\"\nusers = [\"work:U1\"]\ndeny = [\"alert\", \"schedule list\"]\n";
    let bot = Bot::start(folder.path(), role, &[&Double::new("work", Capabilities::default())]).await;
    bot.report(r#"{"name":"disk full"}"#).await;
    bot.alert("disk full", AlertState::Firing).await;
    let page = bot.parts.front.page(&visitor()).await;
    let said = text(&page);
    assert_eq!(page.len(), 2, "{said}");
    assert!(!said.contains("disk full") && !said.contains("schedule"), "{said}");
    assert!(said.contains("at your service") && said.contains("Recent files"), "{said}");
    // Another sees the alerts.
    let other = Visitor { user: UserRef { user: "U2".into(), ..person() }, ..visitor() };
    assert!(text(&bot.parts.front.page(&other).await).contains("disk full"));
    bot.stop().await;
}

#[tokio::test]
async fn what_can_not_be_found_out_is_said_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let front =
        bellhop::front::FrontPage::new(Arc::new(bellhop::roles::Roles::new(Vec::new(), Vec::new())), Arc::new(bellhop::clock::SystemClock));
    assert!(text(&front.page(&visitor()).await).contains("still starting"));
    // Known commands make the whole page, also where no bot runs.
    let kept = Arc::default();
    let app = App::build(config(folder.path(), ""), options(&[], &kept), false).await.unwrap();
    front.learn(app.registry.clone());
    until(SOON, "the page", async || (front.page(&visitor()).await.len() == 4).then_some(())).await;
    // A section that takes too long is said, and the page comes all the same.
    let hasty =
        bellhop::front::FrontPage::new(Arc::new(bellhop::roles::Roles::new(Vec::new(), Vec::new())), Arc::new(bellhop::clock::SystemClock))
            .patient(std::time::Duration::ZERO);
    hasty.learn(app.registry.clone());
    let said = text(&hasty.page(&visitor()).await);
    assert!(said.contains("took too long"), "{said}");
    // A database that fails is said where its part would stand, and what needs none is shown.
    app.store().close().await;
    let said = text(&front.page(&visitor()).await);
    assert!(said.contains("status ") && said.contains("alert list ") && said.contains("Recent files"), "{said}");
}
