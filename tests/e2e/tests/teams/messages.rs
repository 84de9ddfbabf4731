//! What the bot says by itself: alerts, posts, long things; what a reader sees of it, and of webhooks without a bot.

use super::{Office, all, calm, hears};
use bellhop_e2e::{Bot, PATIENCE};
use bellhop_kit::teams::{Behaviour, TeamsWorld};
use bellhop_kit::wait::until;
use serde_json::json;

const ROUTED: &str = "[[route]]\nto = [\"work/#ops\"]\n";

pub fn firing(name: &str, status: &str) -> String {
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
    let office = Office::open(calm(), ROUTED).await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let key = office.bot.key().await;
    for _ in 0..2 {
        assert_eq!(office.bot.post("/alerts/alertmanager", &key, firing("DiskFull", "firing")).await.0, 200);
    }
    let card = hears(&bob, "#ops", "FIRING: DiskFull").await;
    assert!(card.text.contains("97 %") && card.text.contains("db1"), "{}", card.text);
    assert!(card.links.iter().any(|link| link == "http://prometheus.example/graph"), "{:?}", card.links);
    assert!(card.buttons.iter().any(|label| label.starts_with("Ack")), "{:?}", card.buttons);
    assert!(!card.fallback.is_empty());
    ann.click(&card, "Ack").await.unwrap();
    let taken = hears(&bob, "#ops", "ACKNOWLEDGED: DiskFull").await;
    assert!(taken.text.contains("Ann Archer") || taken.text.contains("ann"), "{}", taken.text);
    assert_eq!((&taken.id, taken.edited), (&card.id, true));
    assert!(office.bot.said(&["alert", "show", "DiskFull"]).await.contains("ACKNOWLEDGED"));
    assert_eq!(office.bot.post("/alerts/alertmanager", &key, firing("DiskFull", "resolved")).await.0, 200);
    let over = hears(&bob, "#ops", "RESOLVED: DiskFull").await;
    assert_eq!(over.id, card.id);
    assert!(!over.buttons.iter().any(|label| label.starts_with("Ack")), "{:?}", over.buttons);
    assert_eq!(all(&bob, "#ops", "97 %").len(), 1, "one card from beginning to end");
    assert_eq!(bob.notifications(), [], "nobody was named, so nobody is pinged");
    office.proper();
}

#[tokio::test]
async fn a_card_that_refreshes_itself_shows_the_newest_state() {
    let office = Office::open(calm(), ROUTED).await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    office.alert("DiskFull").await;
    let card = hears(&bob, "#ops", "DiskFull").await;
    // Whoever opens the channel now has the card ask for its state.
    match ann.refresh(&card).await {
        Ok(_) => assert!(ann.sees("#ops").iter().any(|seen| seen.id == card.id && seen.text.contains("DiskFull"))),
        Err(why) => assert!(why.contains("no refresh"), "{why}"),
    }
    bob.click(&card, "Ack").await.unwrap();
    let taken = hears(&ann, "#ops", "ACKNOWLEDGED").await;
    if ann.refresh(&taken).await.is_ok() {
        hears(&ann, "#ops", "ACKNOWLEDGED").await;
    }
    office.proper();
}

#[tokio::test]
async fn nothing_is_lost_for_its_size() {
    let office = Office::open(calm(), "").await;
    let bob = office.person("bob");
    let long = (0..900).fold(String::new(), |all, n| all + &format!("line {n} of a long story, with \u{1f980} and <b>marks</b>\n"));
    office.bot.said(&["channel", "post", &long, "--in", "work/#ops"]).await;
    hears(&bob, "#ops", "line 0 of").await;
    until(PATIENCE, "the end of the story", || async {
        let seen = bob.hears("#ops");
        let said: String = seen.iter().map(|one| one.text.as_str()).collect();
        let attached = seen.iter().any(|one| one.files.iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains("line 899 of")));
        let linked = seen.iter().any(|one| one.links.iter().any(|link| link.contains("/s/")));
        (said.contains("line 899 of") || attached || linked).then_some(())
    })
    .await;
    assert_eq!(office.world.ledger().failures.iter().filter(|failure| failure.contains("MessageSizeTooBig")).count(), 0);
    office.proper();
}

#[tokio::test]
async fn charts_are_pictures_that_can_be_fetched() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    let key = office.bot.key().await;
    let events: Vec<_> =
        (0..20).map(|n| json!({ "event": "page_view", "distinct_id": format!("p{n}"), "insert_id": format!("i{n}") })).collect();
    assert_eq!(office.bot.post("/v1/events", &key, json!(events).to_string()).await.0, 200);
    ann.dm("report page_views 7d").await.unwrap();
    let seen = hears(&ann, "@bellhop", "20").await;
    for image in &seen.images {
        if image.starts_with("http") {
            let (status, kind, bytes) = office.bot.get(image).await;
            assert!(status == 200 && kind.starts_with("image/") && bytes.len() <= 1 << 20, "{image}: {status} {kind}");
        }
    }
    assert!(!seen.images.is_empty(), "{seen:?}");
    office.proper();
}

#[tokio::test]
async fn a_route_says_what_becomes_of_a_message_that_may_have_arrived() {
    for (delivery, copies) in [("at-least-once", 2), ("at-most-once", 1)] {
        let office = Office::open(calm(), &format!("{ROUTED}delivery = \"{delivery}\"\n")).await;
        let ann = office.person("ann");
        office.world.behave(Behaviour { call: Some("send".into()), fail_after: Some(504), times: Some(1), ..Behaviour::default() });
        office.alert("DiskFull").await;
        if copies == 2 {
            until(PATIENCE * 2, "the second copy", || async { (all(&ann, "#ops", "DiskFull").len() == 2).then_some(()) }).await;
        } else {
            until(PATIENCE * 2, "it among the undelivered", || async {
                office.bot.said(&["outbox", "list"]).await.contains("DiskFull").then_some(())
            })
            .await;
        }
        office.bot.said(&["channel", "post", "and on", "--in", "work/#ops"]).await;
        hears(&ann, "#ops", "and on").await;
        assert_eq!(all(&ann, "#ops", "DiskFull").len(), copies, "{delivery}");
    }
}

#[tokio::test]
async fn workflows_carry_messages_for_those_without_a_bot() {
    let world = TeamsWorld::start().await.unwrap();
    let url = world.add_workflow("ops");
    let bot =
        Bot::start(&format!("[chat.flow]\nkind = \"teams\"\n[chat.flow.webhooks]\nops = \"{url}\"\n[[route]]\nto = [\"flow/#ops\"]\n"))
            .await;
    let ann = world.person("ann");
    let sees =
        async |text: &str| until(PATIENCE, text, || async { ann.sees("#ops").into_iter().find(|seen| seen.text.contains(text)) }).await;
    bot.said(&["channel", "post", "hello there", "--in", "flow/#ops"]).await;
    let seen = sees("hello there").await;
    assert!(seen.author == "Workflows" && seen.buttons.is_empty(), "{seen:?}");
    bot.said(&["alert", "raise", "DiskFull"]).await;
    sees("DiskFull").await;
    // More than the four a second that it takes, one of them large.
    for n in 0..9 {
        let text = if n == 4 { format!("number {n} {}", "long ".repeat(9_000)) } else { format!("number {n}.") };
        bot.said(&["channel", "post", &text, "--in", "flow/#ops"]).await;
    }
    for n in 0..9 {
        sees(&format!("number {n}")).await;
    }
    world.behave(Behaviour { refuse: Some(404), ..Behaviour::default() });
    bot.said(&["channel", "post", "into the void", "--in", "flow/#ops"]).await;
    until(PATIENCE, "what could not be delivered", || async {
        let list = bot.said(&["outbox", "list"]).await;
        (list.contains("Workflow") && list.contains("webhooks")).then_some(())
    })
    .await;
    assert_eq!(world.ledger().wrongs(), Vec::<String>::new());
    // Its address is the permission: nobody reads it anywhere.
    let secret = url.rsplit_once("sig=").unwrap().1;
    assert!(!bot.said(&["outbox", "list"]).await.contains(secret));
}
