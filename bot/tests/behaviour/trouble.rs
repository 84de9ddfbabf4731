//! What is wrong with a platform is told through what still works, once, and ends by itself.

use crate::bot::{Bot, SOON, delivery};
use crate::double::{Double, error};
use bellhop::listening::Patience;
use bellhop_core::alert::AlertState;
use bellhop_core::card::Card;
use bellhop_core::{Capabilities, PortErrorKind};
use bellhop_kit::wait::until;
use std::time::Duration;

const ROUTES: &str = "[[route]]\nto = [\"work/#ops\", \"spare/#ops\"]\n";

#[tokio::test]
async fn refused_credentials_are_told_elsewhere_and_the_queue_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (work, spare) = (Double::new("work", Capabilities::default()), Double::new("spare", Capabilities::default()));
    *work.refuses.lock().unwrap() = Some(error(PortErrorKind::Unauthenticated, "token_revoked: install the app again"));
    let bot = Bot::start(folder.path(), ROUTES, &[&work, &spare]).await;
    bot.queue((0..5).map(|at| delivery(&format!("c{at}"), &format!("k{at}"), Card::text("hello"))).collect()).await;
    let told = bot.alert("work: credentials refused", AlertState::Firing).await;
    assert_eq!((told.signal.severity.as_str(), told.signal.source.as_str()), ("critical", "bellhop"));
    assert!(told.signal.summary.contains("token_revoked: install the app again"), "{}", told.signal.summary);
    until(SOON, "the other destination", async || (spare.posts().len() == 1).then_some(())).await;
    until(SOON, "the embedded chat", async || bot.console("alerts").await.contains("credentials refused").then_some(())).await;
    // The queue is kept, and five refusals are one alert.
    let waits = bot.store.outbox_depth().await.unwrap();
    assert_eq!((waits.ready, waits.dead), (5, 0), "{waits:?}");
    assert_eq!((bot.alerts().await.len(), told.times), (1, 1));
    // After a restart it is still known, and it ends when something arrives.
    bot.stop().await;
    *work.refuses.lock().unwrap() = None;
    let bot = Bot::start(folder.path(), ROUTES, &[&work, &spare]).await;
    bot.queue(vec![delivery("fresh", "later", Card::text("hello"))]).await;
    bot.alert("work: credentials refused", AlertState::Resolved).await;
    until(SOON, "the other destination", async || (!spare.revisions().is_empty()).then_some(())).await;
    assert_eq!(spare.posts().len(), 1, "one card, changed");
    assert!(work.posts().iter().all(|post| post.to.channel.as_str() != "ops"), "a trouble is not told where it is");
    bot.stop().await;
}

fn quick() -> Patience {
    Patience { first: Duration::from_millis(5), most: Duration::from_millis(20), well: Duration::from_millis(50) }
}

#[tokio::test]
async fn listening_goes_on_after_what_passes() {
    let folder = tempfile::tempdir().unwrap();
    let work = Double::new("work", Capabilities::default());
    for _ in 0..4 {
        work.listens.lock().unwrap().push_back(error(PortErrorKind::Unavailable, "the socket closed"));
    }
    let bot = Bot::start_with(folder.path(), "", &[&work], |options| options.patience = quick()).await;
    let told = bot.alert("work: not listening", AlertState::Resolved).await;
    assert!(told.signal.summary.contains("the socket closed") && told.signal.summary.contains("tried again"), "{}", told.signal.summary);
    assert_eq!((work.listened.lock().unwrap().len(), told.times), (5, 1));
    until(SOON, "the embedded chat", async || bot.console("alerts").await.contains("not listening").then_some(())).await;
    let times = work.listened.lock().unwrap().clone();
    assert!(times[4] - times[3] >= Duration::from_millis(20) && times[1] - times[0] >= Duration::from_millis(5), "pauses grow");
    bot.stop().await;
}

#[tokio::test]
async fn listening_ends_with_what_only_people_can_mend() {
    let folder = tempfile::tempdir().unwrap();
    let work = Double::new("work", Capabilities::default());
    work.listens.lock().unwrap().push_back(error(PortErrorKind::Unauthenticated, "the app-level token is wrong"));
    let bot = Bot::start_with(folder.path(), "", &[&work], |options| options.patience = quick()).await;
    let told = bot.alert("work: not listening", AlertState::Firing).await;
    assert!(told.signal.summary.contains("start the bot anew"), "{}", told.signal.summary);
    // It can still be spoken to there.
    bot.queue(vec![delivery("c", "k", Card::text("hello"))]).await;
    until(SOON, "the message", async || (work.posts().len() == 1).then_some(())).await;
    assert_eq!(work.listened.lock().unwrap().len(), 1);
    // The next start finds it mended and ends the trouble.
    bot.stop().await;
    let bot = Bot::start_with(folder.path(), "", &[&work], |options| options.patience = quick()).await;
    bot.alert("work: not listening", AlertState::Resolved).await;
    bot.stop().await;
}
