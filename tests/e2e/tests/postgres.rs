//! The same bot on PostgreSQL.

use bellhop_e2e::{Bot, PATIENCE};
use bellhop_kit::peers::postgres::Postgres;
use bellhop_kit::wait;

#[tokio::test]
async fn the_main_things_work_on_postgresql() {
    let server = Postgres::shared();
    let database = server.fresh_database();
    let mut bot = Bot::start(&format!("[database]\nurl = \"{database}\"\n")).await;
    let key = bot.key().await;
    assert!(bot.said(&["status"]).await.contains("PostgreSQL"));
    std::fs::write(bot.path("a.txt"), "kept").unwrap();
    assert_eq!(bot.bellhop(&["say", "--file", "a.txt", "--", "file", "put"]).await.code, 0);
    bot.said(&["sample"]).await;
    bot.said(&["report", "page_views", "30d", "--compare", "previous"]).await;
    assert_eq!(bot.post("/alerts/generic", &key, r#"{"name":"Down"}"#).await.0, 200);
    wait::until(PATIENCE, "the alert", async || bot.alerts().await.contains("Down").then_some(())).await;
    bot.said(&["alert", "ack", "Down"]).await;
    assert_eq!(bot.bellhop(&["audit", "verify"]).await.code, 0);

    // A second replica is welcome here, and a killed one is no loss.
    let mut other = Bot::start(&format!("[database]\nurl = \"{database}\"\n")).await;
    bot.program().kill().await.unwrap();
    assert_eq!(other.post("/alerts/generic", &key, r#"{"name":"Down","status":"resolved"}"#).await.0, 200);
    wait::until(PATIENCE, "the end of the alert", async || other.said(&["alert", "list", "resolved"]).await.contains("Down").then_some(()))
        .await;
    assert!(other.program().terminate(PATIENCE).await.unwrap().success());
}
