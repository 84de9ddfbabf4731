//! What was acknowledged survives.

use bellhop_e2e::{Bot, PATIENCE};
use bellhop_kit::wait;

#[tokio::test]
async fn kill_9_loses_no_acknowledged_alert() {
    let mut bot = Bot::start("").await;
    let key = bot.key().await;
    let mut sent = Vec::new();
    for round in 0..3 {
        for n in 0..20 {
            let name = format!("alert-{round}-{n}");
            assert_eq!(bot.post("/alerts/generic", &key, format!("{{\"name\":\"{name}\"}}")).await.0, 200);
            sent.push(name);
        }
        bot.program().kill().await.unwrap();
        bot.go().await;
    }
    for name in &sent {
        wait::until(PATIENCE, name, async || (bot.say(&["alert", "show", name]).await.code == 0).then_some(())).await;
    }
}

#[tokio::test]
async fn sigterm_ends_it_in_time() {
    let mut bot = Bot::start("").await;
    let ended = bot.program().terminate(std::time::Duration::from_secs(10)).await.unwrap();
    assert!(ended.success(), "{ended}");
}

#[tokio::test]
async fn a_second_bot_on_the_same_database_is_refused() {
    let bot = Bot::start("").await;
    let second = bot.bellhop(&["run"]).await;
    assert_ne!(second.code, 0);
    assert!(second.err.contains("another bellhop runs on this database"), "{}", second.err);
}

#[tokio::test]
async fn a_taken_port_is_said() {
    let bot = Bot::start("").await;
    let other = Bot::new("");
    let listen = bot.url.trim_start_matches("http://");
    std::fs::write(other.path("bellhop.toml"), format!("[server]\nlisten = \"{listen}\"\n")).unwrap();
    let refused = other.bellhop(&["run"]).await;
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("another program listens there"), "{}", refused.err);
}
