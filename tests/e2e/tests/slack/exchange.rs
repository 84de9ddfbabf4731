//! Between programs, Slack and the embedded chat: alerts, webhooks, links, and what waits while the bot is gone.

use super::{Office, calm, hears};
use bellhop_e2e::PATIENCE;
use bellhop_http::{Client, Limits};
use bellhop_kit::slack::Behaviour;
use bellhop_kit::wait::until;
use serde_json::{Value, json};

const ROUTED: &str = "[[route]]\nto = [\"work/#ops\", \"console/#ops\"]\n";

/// What Alertmanager posts.
fn group(status: &str, name: &str) -> String {
    let ends = if status == "resolved" { "2026-01-15T13:00:00Z" } else { "0001-01-01T00:00:00Z" };
    json!({
        "version": "4", "status": status, "receiver": "bellhop", "groupKey": "{}", "externalURL": "http://alertmanager.example",
        "alerts": [{
            "status": status, "labels": { "alertname": name, "severity": "critical", "host": "db1" },
            "annotations": { "summary": "/var is at 97 %" }, "startsAt": "2026-01-15T12:00:00Z", "endsAt": ends,
            "generatorURL": "http://prometheus.example/graph", "fingerprint": "0a1b",
        }],
    })
    .to_string()
}

#[tokio::test]
async fn an_alert_is_one_card_that_is_taken_and_ends_in_place() {
    let office = Office::over_http(calm(), ROUTED).await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let key = office.bot.key().await;
    for _ in 0..2 {
        assert_eq!(office.bot.post("/alerts/alertmanager", &key, group("firing", "DiskFull")).await.0, 200);
    }
    let card = hears(&bob, "#ops", "FIRING: DiskFull").await;
    assert!(card.text.contains("97 %") && card.text.contains("db1"), "{}", card.text);
    assert!(card.links.iter().any(|link| link == "http://prometheus.example/graph"), "{:?}", card.links);
    let page = console(&office, "/c/ops", "FIRING: DiskFull").await;
    assert!(page.contains("Acknowledge"), "the same card, with the same buttons: {page}");
    ann.click(&card, "Acknowledge").await.unwrap();
    let taken = hears(&bob, "#ops", "ACKNOWLEDGED: DiskFull").await;
    assert!(taken.text.contains("Ann Archer") || taken.text.contains("ann"), "{}", taken.text);
    assert_eq!(taken.ts, card.ts);
    // Taken in Slack, it is taken everywhere.
    assert!(office.bot.said(&["alert", "show", "DiskFull"]).await.contains("ACKNOWLEDGED"));
    assert_eq!(office.bot.post("/alerts/alertmanager", &key, group("resolved", "DiskFull")).await.0, 200);
    let over = hears(&bob, "#ops", "RESOLVED: DiskFull").await;
    assert_eq!((&over.ts, over.edited), (&card.ts, true));
    assert!(!over.buttons.iter().any(|button| button == "Acknowledge"), "{:?}", over.buttons);
    let cards = bob.hears("#ops").into_iter().filter(|seen| seen.text.contains("97 %")).count();
    assert_eq!(cards, 1, "one card from beginning to end");
}

#[tokio::test]
async fn what_is_posted_for_slack_lands_in_slack() {
    let office = Office::over_http(calm(), ROUTED).await;
    let bob = office.person("bob");
    let url = hook(&office, "deploys", "work/#ops").await;
    let attachment = json!({ "color": "danger", "title": "api", "title_link": "https://ci.example/7", "text": "it *broke*",
        "fields": [{ "title": "Branch", "value": "main", "short": true }] });
    let blocks = json!([{ "type": "header", "text": { "type": "plain_text", "text": "Release 7" } },
        { "type": "section", "text": { "type": "mrkdwn", "text": "went *out*" } }]);
    let ping = format!("<!channel> <@{}> look", bob.id);
    for (posted, says) in [
        (json!({ "text": "Build <https://ci.example/7|#7> is *green*" }), "Build #7 is green"),
        (json!({ "attachments": [attachment] }), "it broke"),
        (json!({ "text": "for notifications", "blocks": blocks }), "Release 7"),
        (json!({ "text": ping }), "look"),
    ] {
        let answer = post(&office, &url, &posted).await;
        assert_eq!(answer, (200, "ok".to_owned()));
        let seen = hears(&bob, "#ops", says).await;
        assert!(!seen.text.contains("for notifications"), "{}", seen.text);
    }
    let seen = hears(&bob, "#ops", "it broke").await;
    assert!(seen.text.contains("Branch") && seen.text.contains("main"), "{}", seen.text);
    assert!(seen.links.iter().any(|link| link == "https://ci.example/7"), "{:?}", seen.links);
    assert_eq!(bob.notifications(), Vec::new(), "nothing that is posted notifies anyone");
    assert_eq!(post(&office, &url, &json!({})).await.1, "no_text");
}

#[tokio::test]
async fn what_is_posted_for_slack_lands_in_the_embedded_chat() {
    let office = Office::over_http(calm(), ROUTED).await;
    let url = hook(&office, "deploys", "console/#ops").await;
    assert_eq!(post(&office, &url, &json!({ "text": "Build *8* is green" })).await.0, 200);
    let page = console(&office, "/c/ops", "Build").await;
    assert!(page.contains("<strong><bdi>8</bdi></strong>"), "bold, as it was written: {page}");
}

#[tokio::test]
async fn our_own_links_are_described_where_they_were_made_only() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.upload("@bellhop", "plan.txt", b"the plan", "").unwrap();
    hears(&ann, "@bellhop", "Stored plan.txt").await;
    ann.mention("#ops", "file share plan.txt").unwrap();
    let shared = hears(&ann, "#ops", "Link to plan.txt").await;
    let link = shared.links.iter().find(|link| link.contains("/s/")).expect("a link").clone();
    let elsewhere = bob.say("#general", &format!("see {link}")).unwrap();
    let here = bob.say("#ops", &format!("see {link}")).unwrap();
    let seen = until(PATIENCE, "the description", || async {
        bob.sees("#ops").into_iter().find(|seen| seen.ts == here && !seen.unfurled.is_empty())
    })
    .await;
    assert!(seen.unfurled.contains("plan.txt"), "{}", seen.unfurled);
    // The other link was sent before, and another after it is described meanwhile.
    let again = bob.say("#ops", &format!("again {link}")).unwrap();
    until(PATIENCE, "the second description", || async {
        bob.sees("#ops").into_iter().find(|seen| seen.ts == again && !seen.unfurled.is_empty())
    })
    .await;
    let silent = bob.sees("#general").into_iter().find(|seen| seen.ts == elsewhere).unwrap();
    assert_eq!(silent.unfurled, "", "the name of a file is for those who were shown it");
}

#[tokio::test]
async fn kill_9_loses_nothing_and_says_nothing_twice() {
    let mut office = Office::over_http(calm(), ROUTED).await;
    let bob = office.person("bob");
    let key = office.bot.key().await;
    let slow = Behaviour { method: Some("chat.postMessage".into()), linger: std::time::Duration::from_millis(150), ..Behaviour::default() };
    office.world.behave(slow);
    let mut names = Vec::new();
    for round in 0..2 {
        for n in 0..6 {
            let name = format!("alert-{round}-{n}");
            let body = format!("{{\"name\":\"{name}\"}}");
            assert_eq!(office.bot.post("/alerts/generic", &key, body).await.0, 200);
            names.push(name);
        }
        hears(&bob, "#ops", &format!("alert-{round}-1")).await;
        office.bot.program().kill().await.unwrap();
        office.bot.go().await;
    }
    office.world.behave_well();
    for name in &names {
        hears(&bob, "#ops", name).await;
    }
    office.bot.said(&["channel", "post", "the last one", "--in", "work/#ops"]).await;
    hears(&bob, "#ops", "the last one").await;
    for name in &names {
        assert_eq!(bob.hears("#ops").iter().filter(|seen| seen.text.contains(name)).count(), 1, "{name}");
    }
    assert_eq!(office.world.ledger().duplicates(), Vec::new());
}

/// A page of the embedded chat, once it says this.
async fn console(office: &Office, path: &str, text: &str) -> String {
    let client = Client::new("test", Limits::default()).unwrap();
    let entered = client.get("log in", "any", &office.bot.login).exchange().await.unwrap();
    let cookie = entered.header("set-cookie").and_then(|cookie| cookie.split(';').next()).unwrap().to_owned();
    let url = format!("{}{path}", office.bot.url);
    until(PATIENCE, text, || async {
        let page = client.get("look", "any", &url).secret_header("cookie", &cookie).exchange().await.unwrap().text().await.unwrap();
        page.contains(text).then_some(page)
    })
    .await
}

/// A webhook of this name; its path.
async fn hook(office: &Office, name: &str, to: &str) -> String {
    let made: Value = bellhop_e2e::json(&office.bot.bellhop(&["say", "--json", "--", "hook", "create", name, "--to", to]).await.out);
    let text = made.to_string();
    let at = text.find("/hooks/").unwrap_or_else(|| panic!("no address in {text}"));
    text[at..].chars().take_while(|c| !matches!(c, '"' | '\\' | ' ' | '<')).collect()
}

async fn post(office: &Office, path: &str, body: &Value) -> (u16, String) {
    let (status, answer) = office.bot.post(path, "", body.to_string()).await;
    (status, answer.trim().to_owned())
}
