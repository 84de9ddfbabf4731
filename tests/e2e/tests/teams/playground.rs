//! A person in the Microsoft 365 Agents Playground: Microsoft's own client, on this machine and without an account.

use bellhop_e2e::{Bot, tour};
use bellhop_kit::peers::browser;
use bellhop_kit::peers::teams::Playground;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn the_tour_in_the_playground() {
    let bot = Bot::start("[chat.work]\nkind = \"teams\"\nemulator = true\n").await;
    let playground = Playground::start(&format!("{}/chat/work", bot.url)).await.unwrap();
    let out = bot.path("tour");
    let args = json!({ "page": playground.url, "file": format!("{}/chat/work", bot.url), "elsewhere": ["res-1.cdn.office.net"] });
    let steps = browser::tour(&tour("teams-playground.mjs"), &args, &out, Duration::from_mins(3)).await;
    let steps = steps.unwrap_or_else(|why| panic!("{why}\nthe playground said:\n{}", playground.output()));
    assert_eq!(steps, ["help", "a command", "a button", "a file", "a dialog"]);
    assert!(bot.said(&["file", "list"]).await.contains("note.txt"));
}
