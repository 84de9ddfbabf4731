//! A watch on own events: made, tested on the past and shown in a browser, fired and ended by what is posted.

use bellhop_e2e::{Bot, PATIENCE, tour};
use bellhop_kit::peers::browser;
use bellhop_kit::wait;
use std::time::Duration;

#[tokio::test]
async fn a_metric_becomes_an_alert_and_is_over() {
    let bot = Bot::start("").await;
    let key = bot.key().await;
    let args = serde_json::json!({ "url": bot.url, "login": bot.login, "key": key });
    let out = bot.path("pictures");
    let steps = browser::tour(&tour("watching.mjs"), &args, &out, Duration::from_mins(3)).await.unwrap_or_else(|why| panic!("{why}"));
    assert!(steps.len() >= 8, "{steps:?}");
}

#[tokio::test]
async fn a_watch_goes_on_after_the_bot_was_killed() {
    let mut bot = Bot::start("").await;
    bot.said(&["sample"]).await;
    let said = bot.said(&["watch", "add", "events.signup > 0 per day for 2 checks", "--every", "1s", "--to", "#alerts"]).await;
    assert!(said.contains("Watching signup") && said.contains("per day"), "{said}");
    let firing = async |bot: &Bot| {
        wait::until(PATIENCE, "the watch to fire", async || bot.alerts().await.contains("signup").then_some(())).await;
    };
    firing(&bot).await;
    bot.program().kill().await.unwrap();
    bot.go().await;
    wait::until(PATIENCE, "checks after the start", async || {
        bot.said(&["watch", "list"]).await.contains("under a minute ago").then_some(())
    })
    .await;
    let list = bot.said(&["alert", "list", "all"]).await;
    assert_eq!(list.matches("signup ").count() + list.matches("signup\n").count(), 1, "one alert, as before: {list}");
    let removed = bot.said(&["watch", "remove", "signup"]).await;
    assert!(removed.contains("Its alert was on, and is ended"), "{removed}");
    wait::until(PATIENCE, "the alert to be over", async || bot.said(&["alert", "list", "all"]).await.contains("resolved").then_some(()))
        .await;
}
