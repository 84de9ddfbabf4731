//! Alerts, from real senders to what people see.

use bellhop_e2e::{Bot, PATIENCE, json};
use bellhop_kit::peers::alertmanager::Alertmanager;
use bellhop_kit::wait;

async fn shown(bot: &Bot, what: &str, text: &str) {
    wait::until(PATIENCE, what, async || bot.say(&["alert", "list", "all"]).await.out.contains(text).then_some(())).await;
}

#[tokio::test]
async fn a_real_alertmanager_fires_and_resolves() {
    let bot = Bot::start("").await;
    let key = bot.key().await;
    let manager = Alertmanager::start(&format!("{}/alerts/alertmanager", bot.url), Some(&key)).await.unwrap();
    let firing = manager.fire("DiskFull", &[("severity", "critical"), ("host", "db1")], &[("summary", "/var is at 97 %")]).await.unwrap();
    shown(&bot, "the alert to fire", "firing").await;
    let details = bot.said(&["alert", "show", "DiskFull"]).await;
    assert!(details.contains("97 %") && details.contains("db1"), "{details}");
    bot.said(&["alert", "ack", "DiskFull"]).await;
    shown(&bot, "the alert to be acknowledged", "acknowledged").await;
    manager.resolve(&firing).await.unwrap();
    shown(&bot, "the alert to be resolved", "resolved").await;
}

#[tokio::test]
async fn prometheus_can_point_at_the_bot() {
    let bot = Bot::start("").await;
    let key = bot.key().await;
    let (status, answer) =
        bot.post("/api/v2/alerts", &key, r#"[{"labels":{"alertname":"Up","job":"api"},"annotations":{"summary":"down"}}]"#).await;
    assert_eq!(status, 200, "{answer}");
    shown(&bot, "the alert to fire", "firing").await;
    let over = r#"[{"labels":{"alertname":"Up","job":"api"},"endsAt":"2020-01-01T00:00:00Z"}]"#;
    assert_eq!(bot.post("/api/v2/alerts", &key, over).await.0, 200);
    shown(&bot, "the alert to be resolved", "resolved").await;
}

#[tokio::test]
async fn the_same_alert_by_two_ways_is_one() {
    let bot = Bot::start("").await;
    let key = bot.key().await;
    for (path, body) in [
        ("/alerts/generic", r#"{"name":"Slow","labels":{"job":"api"}}"#),
        ("/alerts/alertmanager", r#"{"alerts":[{"status":"firing","labels":{"alertname":"Slow","job":"api"}}]}"#),
        ("/alerts/generic", r#"{"name":"Slow","labels":{"job":"api"}}"#),
    ] {
        assert_eq!(bot.post(path, &key, body).await.0, 200);
    }
    shown(&bot, "the alert to fire", "Slow").await;
    let list = bot.alerts().await;
    assert_eq!(list.matches("Slow").count(), list.matches("→").count() + 1, "one row, and one line per button: {list}");
}

#[tokio::test]
async fn intake_wants_a_key_and_says_what_is_wrong() {
    let bot = Bot::start("").await;
    let key = bot.key().await;
    let scoped = bot.bellhop(&["key", "create", "--scope", "events"]).await.out.trim().to_owned();
    let good = r#"{"name":"x"}"#;
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    for (path, key, body, status, says) in [
        ("/alerts/generic", "", good, 401, "API key"),
        ("/alerts/generic", "bh_0_0", good, 401, "not known"),
        ("/alerts/generic", &scoped, good, 403, "alerts"),
        ("/alerts/generic", &key, "nonsense", 400, "not JSON"),
        ("/alerts/generic", &key, &deep, 400, "not JSON"),
        ("/alerts/generic", &key, r#"{"name":""}"#, 400, "name"),
        ("/alerts/alertmanager", &key, "{}", 400, "alerts"),
        ("/v1/events", &key, "nonsense", 400, "neither JSON nor NDJSON"),
    ] {
        let (got, answer) = bot.post(path, key, body).await;
        assert_eq!(got, status, "{path}: {answer}");
        assert!(json(&answer)["error"].as_str().is_some_and(|error| error.contains(says)), "{path}: {answer}");
    }
    let (status, answer) = bot.post("/alerts/generic", &key, vec![b' '; 2 << 20]).await;
    assert_eq!(status, 413, "{answer}");
    let revoked =
        bot.bellhop(&["key", "list"]).await.out.lines().next().and_then(|line| line.split_whitespace().next()).unwrap().to_owned();
    assert_eq!(bot.bellhop(&["key", "revoke", &revoked]).await.code, 0);
    wait::until(PATIENCE, "the key to be refused", async || (bot.post("/alerts/generic", &key, good).await.0 == 401).then_some(())).await;
}

#[tokio::test]
async fn what_can_not_be_shown_is_listed_and_can_be_sent_again() {
    let bot = Bot::start("[[route]]\nto = [\"console/#ops\"]\n").await;
    let key = bot.key().await;
    bot.said(&["channel", "archive", "--in", "#ops", "--yes"]).await;
    assert_eq!(bot.post("/alerts/generic", &key, r#"{"name":"Unseen"}"#).await.0, 200);
    let list = wait::until(PATIENCE, "the dead letter", async || {
        let list = bot.said(&["outbox", "list"]).await;
        list.contains("Unseen").then_some(list)
    })
    .await;
    let number = list.split("outbox retry ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a number").to_owned();
    bot.said(&["outbox", "retry", &number]).await;
    let gone = bot.say(&["outbox", "retry", &number]).await;
    assert_eq!(gone.code, 1, "{}", gone.out);
}
