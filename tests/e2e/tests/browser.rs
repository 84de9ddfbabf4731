//! The README's tour in a real browser. Pictures go to a folder outside the repository.

use bellhop_e2e::{Bot, tour};
use bellhop_kit::peers::browser;
use std::time::Duration;

#[tokio::test]
async fn the_five_minute_tour() {
    let bot = Bot::start("").await;
    let key = bot.key().await;
    let file = bot.path("to-share.bin");
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap_or_default()).collect();
    std::fs::write(&file, &bytes).unwrap();
    let args = serde_json::json!({ "url": bot.url, "login": bot.login, "key": key, "file": file });
    let out = bot.path("pictures");
    let steps = browser::tour(&tour("five-minutes.mjs"), &args, &out, Duration::from_mins(2)).await.unwrap_or_else(|why| panic!("{why}"));
    assert!(steps.len() >= 10, "{steps:?}");
    assert_eq!(std::fs::read(out.join("downloaded")).unwrap(), bytes, "the link gives the same bytes");
}

#[tokio::test]
async fn keyboard_small_screen_and_people() {
    let bot = Bot::start("").await;
    let args = serde_json::json!({ "url": bot.url, "login": bot.login });
    let out = bot.path("pictures");
    browser::tour(&tour("small-and-keyboard.mjs"), &args, &out, Duration::from_mins(2)).await.unwrap_or_else(|why| panic!("{why}"));
}

#[tokio::test]
async fn asking_comparing_saving_and_scheduling() {
    // A second source that nothing answers for: the first is shown all the same.
    let nobody = "http://127.0.0.1:1";
    let bot = Bot::start(&format!(
        "[analytics.web]\nkind = \"mixpanel\"\nproject_id = 1\nservice_account = \"bot.1.mp-service-account\"\nservice_secret = \"none\"\n\
         project_token = \"none\"\ningest_url = \"{nobody}\"\nquery_url = \"{nobody}\"\nexport_url = \"{nobody}\"\n"
    ))
    .await;
    let args = serde_json::json!({ "url": bot.url, "login": bot.login, "down": true });
    let out = bot.path("pictures");
    browser::tour(&tour("asking.mjs"), &args, &out, Duration::from_mins(3)).await.unwrap_or_else(|why| panic!("{why}"));
}
