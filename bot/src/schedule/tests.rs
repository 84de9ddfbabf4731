//! What runs once, through the whole bot.

use crate::whole::Whole;
use std::time::Duration;

#[tokio::test]
async fn a_post_for_later_is_shown_then_and_once() {
    let bot = Whole::start().await;
    assert!(bot.said("channel post \"the freeze begins\" --at 2h").await.contains("Planned"));
    assert!(bot.said("schedule list").await.contains("once"));
    bot.clock.advance(Duration::from_mins(119));
    assert!(bot.said("schedule list").await.contains("freeze"));
    assert!(bot.messages("general").await.iter().all(|message| !message.contains("freeze")), "not before its time");
    // So late that a repeated run would be left out.
    bot.clock.advance(Duration::from_hours(5));
    let shown = bot.shown("general", "the freeze begins", 1).await.remove(0);
    assert!(shown.contains("You (scheduled)"), "{shown}");
    bellhop_kit::wait::until(crate::whole::PATIENCE, "the schedule to be removed", async || {
        bot.said("schedule list").await.contains("Nothing runs by itself").then_some(())
    })
    .await;
}
