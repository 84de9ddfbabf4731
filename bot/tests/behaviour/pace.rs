//! Lanes rest between messages as long as their platform wants, and not longer.

use crate::bot::{Bot, SOON, delivery, keyed};
use crate::double::{Double, gaps};
use bellhop_core::card::Card;
use bellhop_core::{Capabilities, PortErrorKind};
use bellhop_kit::peers::postgres::Postgres;
use bellhop_kit::wait::until;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(150);

fn resting(pause: Duration) -> Capabilities {
    Capabilities { pause, ..Capabilities::default() }
}

async fn eight_channels(database: &str) {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", resting(PAUSE));
    let bot = Bot::start(folder.path(), database, &[&chat]).await;
    let card = || Card::text("hello");
    let rows = (0..8).flat_map(|channel| (0..4).map(move |at| delivery(&format!("c{channel}"), &format!("k{channel}-{at}"), card())));
    bot.queue(rows.collect()).await;
    // Nobody polls: each lane wakes the worker by itself.
    until(SOON, "32 messages", async || (chat.posts().len() == 32).then_some(())).await;
    let log = chat.log();
    assert!(gaps(&log).iter().all(|gap| *gap >= PAUSE), "{:?}", gaps(&log));
    for channel in 0..8 {
        let keys: Vec<String> =
            chat.posts().iter().filter(|post| post.to.channel.as_str() == format!("c{channel}")).map(|post| post.key.to_string()).collect();
        assert_eq!(keys, (0..4).map(|at| format!("k{channel}-{at}")).collect::<Vec<_>>(), "in order");
    }
    bot.stop().await;
}

#[tokio::test]
async fn lanes_rest_on_sqlite() {
    eight_channels("").await;
}

#[tokio::test]
async fn lanes_rest_on_postgres() {
    let server = tokio::task::spawn_blocking(Postgres::shared).await.unwrap();
    eight_channels(&format!("[database]\nurl = \"{}\"\n", server.fresh_database())).await;
}

#[tokio::test]
async fn changes_and_the_parts_of_a_card_rest_too() {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", Capabilities { message: 40, ..resting(PAUSE) });
    let bot = Bot::start(folder.path(), "", &[&chat]).await;
    // One card of several messages, changed twice while nothing else is said.
    bot.queue(vec![keyed("c", "a", "card", Card::text("x".repeat(100)))]).await;
    bot.quiet().await;
    assert_eq!(chat.posts().len(), 3);
    bot.queue(vec![keyed("c", "b", "card", Card::text("y".repeat(100)))]).await;
    bot.quiet().await;
    bot.queue(vec![keyed("c", "c", "card", Card::text("z"))]).await;
    bot.quiet().await;
    assert_eq!((chat.posts().len(), chat.revisions().len()), (3, 4));
    assert!(gaps(&chat.log()).iter().all(|gap| *gap >= PAUSE), "{:?}", gaps(&chat.log()));
    bot.stop().await;
}

#[tokio::test]
async fn a_lane_without_a_limit_never_waits() {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", resting(Duration::ZERO));
    let bot = Bot::start(folder.path(), "", &[&chat]).await;
    bot.queue((0..40).map(|at| delivery("c", &format!("k{at}"), Card::text("hello"))).collect()).await;
    until(SOON, "40 messages", async || (chat.posts().len() == 40).then_some(())).await;
    bot.quiet().await;
    assert_eq!(bot.store.next_due().await.unwrap(), None);
    bot.stop().await;
}

#[tokio::test]
async fn a_refused_message_counts_as_said() {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", resting(PAUSE));
    chat.fail("deliver", crate::double::error(PortErrorKind::Denied, "this channel is closed"), false);
    let bot = Bot::start(folder.path(), "", &[&chat]).await;
    let begun = Instant::now();
    bot.queue(vec![delivery("c", "a", Card::text("one")), delivery("c", "b", Card::text("two"))]).await;
    until(SOON, "the second message", async || (chat.posts().len() == 1).then_some(())).await;
    assert!(chat.log()[0].begun - begun >= PAUSE);
    bot.stop().await;
}
