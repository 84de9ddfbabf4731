//! A watch across a restart, with a clock that the test moves: what was counted goes on, and its alert is one card in its place.

use crate::bot::{Bot, SOON};
use crate::double::Double;
use bellhop_core::alert::AlertState;
use bellhop_core::analytics::NewEvent;
use bellhop_core::clock::{Clock as _, Timestamp};
use bellhop_core::ports::{AnalyticsSource as _, Said};
use bellhop_core::{Capabilities, plain};
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::wait::until;
use bellhop_store::Events;
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The catch-all is for what has no place of its own.
const CONFIG: &str = "[[role]]\nname = \"operator\"\nusers = [\"work:U1\"]\n\n[[route]]\nto = [\"work/#everything\"]\n";

async fn start(folder: &Path, work: &Arc<Double>, clock: &Arc<StoppedClock>) -> Bot {
    Bot::start_with(folder, CONFIG, &[work], |options| options.clock = clock.clone()).await
}

async fn signups(bot: &Bot, hours: impl Iterator<Item = Timestamp>) {
    let events = hours.flat_map(|hour| {
        (0..6).map(move |number| NewEvent {
            event: "signup".into(),
            distinct_id: format!("p{number}"),
            time: hour + TimeDelta::minutes(number),
            insert_id: format!("{}-{number}", hour.timestamp()),
            properties: BTreeMap::new(),
        })
    });
    Events::new(bot.store.clone()).track(events.collect()).await.unwrap();
}

#[tokio::test]
async fn what_was_counted_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (work, clock) = (Double::new("work", Capabilities::default()), Arc::new(StoppedClock::default()));
    let bot = start(folder.path(), &work, &clock).await;
    let noon = clock.now();
    signups(&bot, (2..=48).map(|back| noon - TimeDelta::hours(back))).await;
    let line = "/watch add \"events.signup < 50% of previous day per hour for 2 checks\" --every 15m --to #growth";
    bot.hear("general", Said::Line(line.into())).await;
    let said = |text: &'static str| {
        let work = work.clone();
        async move {
            let found =
                async || work.posts().into_iter().find(|post| plain::card(&post.card, &|invoke| invoke.command.clone()).contains(text));
            until(SOON, text, found).await
        }
    };
    said("Watching signup").await;
    clock.advance(Duration::from_mins(1));
    let checked = async || {
        bot.hear("general", Said::Line("/watch list".into())).await;
        let posts = work.posts();
        posts.iter().any(|post| plain::card(&post.card, &|invoke| invoke.command.clone()).contains("holds, 1 of 2 checks")).then_some(())
    };
    until(SOON, "the first check", checked).await;
    bot.stop().await;
    // Down for an hour, in which four checks were missed: it is made up for by one, and that is the second.
    clock.advance(Duration::from_hours(1));
    let bot = start(folder.path(), &work, &clock).await;
    let alert = bot.alert("signup", AlertState::Firing).await;
    assert_eq!((alert.times, alert.signal.source.as_str()), (1, "watch"));
    let shown = said("FIRING: signup").await;
    assert_eq!(shown.to.channel.as_str(), "growth");
    bot.quiet().await;
    // Everything is told once more after a restart, and is no news.
    bot.stop().await;
    let bot = start(folder.path(), &work, &clock).await;
    signups(&bot, (0..3).map(|back| noon + TimeDelta::hours(1) - TimeDelta::hours(back))).await;
    clock.advance(Duration::from_mins(20));
    let alert = bot.alert("signup", AlertState::Resolved).await;
    assert_eq!((alert.times, bot.alerts().await.len()), (1, 1));
    until(SOON, "the card to change", async || (!work.revisions().is_empty()).then_some(())).await;
    bot.quiet().await;
    let cards =
        work.posts().into_iter().filter(|post| plain::card(&post.card, &|invoke| invoke.command.clone()).contains("FIRING")).count();
    assert_eq!(cards, 1, "one card, in its own place");
    bot.stop().await;
}
