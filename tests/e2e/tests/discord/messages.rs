//! What the bot says: cards, long texts and tables, hostile words, what changes in place, what is lost on the way.

use super::{Office, calm, hears, times};
use bellhop_e2e::PATIENCE;
use bellhop_kit::discord::Behaviour;
use bellhop_kit::wait::until;
use serde_json::{Value, json};

const ROUTED: &str = "[[route]]\nto = [\"work/#ops\"]\n";

async fn alert(office: &Office, body: &Value) {
    let key = office.bot.key().await;
    assert_eq!(office.bot.post("/alerts/generic", &key, body.to_string()).await.0, 200);
}

#[tokio::test]
async fn an_alert_is_one_card_that_is_taken_and_ends_in_place() {
    let office = Office::over_http(calm(), ROUTED).await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let about = |status: &str| json!({ "name": "DiskFull", "status": status, "severity": "critical", "summary": "/var is at 97 %", "url": "https://grafana.example/d/1" });
    alert(&office, &about("firing")).await;
    let card = hears(&bob, "#ops", "DiskFull").await;
    assert!(card.text.contains("97 %") && card.links.iter().any(|link| link == "https://grafana.example/d/1"), "{card:?}");
    assert!(card.buttons.iter().any(|button| button.starts_with("Ack")), "{card:?}");
    ann.click(&card, "Ack").await.unwrap();
    let taken = hears(&bob, "#ops", "ACKNOWLEDGED").await;
    assert_eq!(taken.id, card.id);
    assert!(taken.text.contains("ann") || taken.text.contains("Ann"), "{}", taken.text);
    alert(&office, &about("resolved")).await;
    let over = hears(&bob, "#ops", "RESOLVED").await;
    assert_eq!((&over.id, over.edited), (&card.id, true));
    assert!(!over.buttons.iter().any(|button| button.starts_with("Ack")), "{over:?}");
    assert_eq!(times(&bob, "#ops", "97 %"), 1, "one card from beginning to end");
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_text_too_long_for_a_message_goes_on_in_the_next() {
    let office = Office::over_http(calm(), "").await;
    let bob = office.person("bob");
    let words: Vec<String> = (0..4000).map(|n| format!("w{n:04}")).collect();
    office.bot.said(&["channel", "post", &words.join(" "), "--in", "work/#ops"]).await;
    hears(&bob, "#ops", "w3999").await;
    let said: Vec<String> = bob.hears("#ops").into_iter().map(|seen| seen.text).collect();
    assert!(said.len() > 1, "it can't be one message");
    let said = said.join(" ");
    let read: Vec<&str> = said.split_whitespace().filter(|word| word.starts_with('w') && word.len() == 5).collect();
    assert_eq!(read, words, "every word, in order, once");
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_others_write_pings_nobody_and_stays_as_it_was_written() {
    let office = Office::over_http(calm(), ROUTED).await;
    let bob = office.person("bob");
    let role = office.world.role("deploy").unwrap();
    let text =
        format!("@everyone @here <@{}> <@&{role}> **no bold** `x` [click](https://evil.example) ||hidden|| <t:0:F> # no title", bob.id);
    alert(&office, &json!({ "name": "Hostile", "summary": text })).await;
    let seen = hears(&bob, "#ops", "Hostile").await;
    for part in
        ["@everyone", "@here", &format!("<@{}>", bob.id), "**no bold**", "`x`", "[click](https://evil.example)", "||hidden||", "<t:0:F>"]
    {
        assert!(seen.text.contains(part), "{part} is not as it was written: {}", seen.text);
    }
    assert_eq!(seen.notified, Vec::<String>::new());
    for name in ["ann", "bob", "cem"] {
        assert_eq!(office.person(name).notifications(), []);
    }
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_answer_posts_nothing_twice() {
    let office = Office::over_http(calm(), "").await;
    let bob = office.person("bob");
    let lose =
        Behaviour { route: Some("POST /channels/{channel}/messages".into()), lose_percent: 100, times: Some(1), ..Behaviour::default() };
    office.world.behave(lose);
    office.bot.said(&["channel", "post", "first", "--in", "work/#ops"]).await;
    office.bot.said(&["channel", "post", "second", "--in", "work/#ops"]).await;
    // One place's messages go out in their order: once the second is there, the first is settled.
    hears(&bob, "#ops", "second").await;
    assert_eq!(times(&bob, "#ops", "first"), 1);
    let ledger = office.world.ledger();
    assert_eq!((ledger.lost_answers, ledger.duplicates()), (1, Vec::new()));
}

#[tokio::test]
async fn a_report_has_its_chart_with_words_for_it_and_its_numbers() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    ann.slash("/bellhop line:sample", "#ops").await.unwrap();
    hears(&ann, "#ops", "sample events of the last 60 days are there").await;
    ann.slash("/bellhop line:report page_views 30d --tz UTC", "#ops").await.unwrap();
    let said = office.bot.said(&["report", "page_views", "30d", "--tz", "UTC"]).await;
    let total = said.lines().find(|line| line.ends_with(" page_views.")).unwrap();
    hears(&ann, "#ops", total).await;
    let picture = until(PATIENCE, "the picture", || async {
        ann.hears("#ops").into_iter().find(|seen| seen.files.iter().any(|(_, bytes)| bytes.starts_with(b"\x89PNG")))
    })
    .await;
    assert!(picture.alts.iter().any(|alt| alt.contains("page_views")), "{:?}", picture.alts);
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn everyone_reads_times_on_their_own_clock() {
    let office = Office::over_http(calm(), ROUTED).await;
    alert(&office, &json!({ "name": "Old", "starts_at": "2026-01-15T12:34:00Z" })).await;
    for (name, time) in [("ann", "13:34"), ("bob", "7:34"), ("cem", "12:34")] {
        let card = hears(&office.person(name), "#ops", "Old").await;
        assert!(card.text.contains(time), "{name}: {}", card.text);
    }
}
