//! What the bot writes: text that stays text, tables, charts, dates, changes in place, channels and what is done to them.

use super::{Office, calm, hears};
use bellhop_e2e::PATIENCE;
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::slack::{Behaviour, ChannelSpec, PersonSpec, Settings};
use bellhop_kit::wait::until;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const ROUTED: &str = "[[route]]\nto = [\"work/#ops\"]\n";

/// An office where ann is an operator.
async fn operated(settings: Settings, more: &str) -> Office {
    Office::knowing(settings, |world| format!("[[role]]\nname = \"operator\"\nusers = [\"work:{}\"]\n{more}", world.person("ann").id)).await
}

async fn alert(office: &Office, body: &serde_json::Value) {
    let key = office.bot.key().await;
    let (status, answer) = office.bot.post("/alerts/generic", &key, body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
}

fn pinged(office: &Office) -> Vec<String> {
    let all = ["ann", "bob", "cem"].map(|name| office.person(name).notifications());
    all.into_iter().flatten().filter(|seen| seen.bot).map(|seen| seen.text).collect()
}

#[tokio::test]
async fn hostile_text_stays_text_and_pings_nobody() {
    let office = operated(calm(), ROUTED).await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let hostile = format!("<!channel> <@{}> *bold* `code` &lt;b&gt; <https://evil.example|bank> :fire:", bob.id);

    alert(&office, &json!({ "name": "Odd", "summary": hostile, "labels": { "job": hostile } })).await;
    let card = hears(&bob, "#ops", "Odd").await;
    assert_eq!(card.text.matches(&hostile).count(), 2, "in the summary and in the label: {}", card.text);
    assert!(!card.links.iter().any(|link| link == "https://evil.example"), "{:?}", card.links);

    ann.slash(&format!("/bellhop channel post '{hostile}'"), "#ops").await.unwrap();
    let posted = hears(&bob, "#ops", "— ").await;
    assert!(posted.text.contains(&hostile), "{}", posted.text);

    let name = "<!here> *b* `c` &amp;.txt";
    ann.upload("@bellhop", name, b"x", "").unwrap();
    hears(&ann, "@bellhop", "Stored").await;
    bob.slash("/bellhop file list", "#ops").await.unwrap();
    let list = hears(&bob, "#ops", ".txt").await;
    assert!(list.text.contains(name), "{}", list.text);
    assert_eq!(pinged(&office), Vec::<String>::new());
}

#[tokio::test]
async fn a_table_too_long_for_a_message_comes_as_its_first_rows_and_a_file() {
    let office = operated(calm(), "").await;
    for n in 0..300 {
        let _ = office.world.add_channel(&ChannelSpec::public(&format!("team-{n:03}")));
    }
    let ann = office.person("ann");
    ann.slash("/bellhop channel list --chat work", "#ops").await.unwrap();
    let shown = hears(&ann, "#ops", "team-000").await;
    assert!(shown.text.contains("303 channels"), "{}", shown.text);
    assert!(!shown.text.contains("team-299"), "it would not fit");
    let csv = until(PATIENCE, "the whole table as a file", || async {
        ann.hears("#ops").into_iter().flat_map(|seen| seen.files).find(|(name, _)| name.contains("303-channels.csv"))
    })
    .await;
    let csv = String::from_utf8(csv.1).unwrap();
    for n in 0..300 {
        assert!(csv.contains(&format!("team-{n:03}")), "team-{n:03} is lost");
    }
}

#[tokio::test]
async fn a_text_too_long_for_a_message_goes_on_in_the_next() {
    let office = operated(calm(), "").await;
    let bob = office.person("bob");
    let words: Vec<String> = (0..4000).map(|n| format!("w{n:04}")).collect();
    office.bot.said(&["channel", "post", &words.join(" "), "--in", "work/#ops"]).await;
    hears(&bob, "#ops", "w3999").await;
    let said: Vec<String> = bob.hears("#ops").into_iter().map(|seen| seen.text).collect();
    assert!(said.len() > 1, "it can't be one message");
    let said = said.join(" ");
    let read: Vec<&str> = said.split_whitespace().filter(|word| word.starts_with('w') && word.len() == 5).collect();
    assert_eq!(read, words, "every word, in order, once");
}

#[tokio::test]
async fn a_report_has_its_chart_and_its_numbers() {
    let office = operated(calm(), "").await;
    let ann = office.person("ann");
    ann.slash("/bellhop sample", "#ops").await.unwrap();
    hears(&ann, "#ops", "sample events of the last 60 days are there").await;
    ann.slash("/bellhop report page_views 30d --tz UTC", "#ops").await.unwrap();
    let said = office.bot.said(&["report", "page_views", "30d", "--tz", "UTC"]).await;
    let total = said.lines().find(|line| line.ends_with(" page_views.")).expect("a total");
    let report = hears(&ann, "#ops", total).await;
    let days = said.lines().filter(|line| line.starts_with("20")).filter_map(|line| line.split_whitespace().last());
    for number in days {
        assert!(report.text.contains(number), "{number} is missing in {}", report.text);
    }
    // Thirty days are too many for Slack's own charts, and a week is not.
    until(PATIENCE, "the picture", || async {
        ann.hears("#ops").into_iter().flat_map(|seen| seen.files).find(|(_, bytes)| bytes.starts_with(b"\x89PNG"))
    })
    .await;
    ann.slash("/bellhop report page_views 7d --tz UTC", "#ops").await.unwrap();
    let week = hears(&ann, "#ops", "page_views, last 7 days").await;
    assert!(week.blocks.iter().any(|block| block["type"] == "data_visualization"), "{:?}", week.blocks);
    assert!(report.fallback.contains("page_view"), "{}", report.fallback);
}

#[tokio::test]
async fn everyone_reads_times_on_their_own_clock() {
    let office = operated(calm(), ROUTED).await;
    alert(&office, &json!({ "name": "Old", "starts_at": "2026-01-15T12:34:00Z" })).await;
    let mut times = Vec::new();
    for (name, time) in [("ann", "13:34"), ("bob", "7:34"), ("cem", "12:34")] {
        let card = hears(&office.person(name), "#ops", "FIRING: Old").await;
        assert!(card.text.contains(time), "{name}: {}", card.text);
        times.push(card.text);
    }
    assert!(!times[1].contains("13:34") && !times[0].contains("12:34"), "{times:?}");
}

#[tokio::test]
async fn a_lost_answer_posts_nothing_twice() {
    let office = operated(calm(), "").await;
    let ann = office.person("ann");
    office.world.behave(Behaviour { method: Some("chat.postMessage".into()), lose_percent: 100, times: Some(1), ..Behaviour::default() });
    ann.slash("/bellhop channel post first", "#ops").await.unwrap();
    hears(&ann, "#ops", "first\n").await;
    office.bot.said(&["channel", "post", "second", "--in", "work/#ops"]).await;
    // One place's messages go out in their order: once the second is there, the first is settled.
    hears(&ann, "#ops", "second\n").await;
    let bob = office.person("bob");
    assert_eq!(bob.hears("#ops").iter().filter(|seen| seen.text.starts_with("first")).count(), 1);
    let ledger = office.world.ledger();
    assert_eq!(ledger.lost_answers, 1);
    assert_eq!(ledger.duplicates(), Vec::new());
}

#[tokio::test]
async fn what_changes_is_changed_in_place() {
    let office = operated(calm(), ROUTED).await;
    let bob = office.person("bob");
    alert(&office, &json!({ "name": "Full", "summary": "at 91 %" })).await;
    let first = hears(&bob, "#ops", "at 91 %").await;
    alert(&office, &json!({ "name": "Full", "summary": "at 97 %" })).await;
    let then = hears(&bob, "#ops", "at 97 %").await;
    assert_eq!((&then.ts, then.edited), (&first.ts, true));
    assert_eq!(bob.hears("#ops").len(), 1);
}

#[tokio::test]
async fn channels_are_made_renamed_and_described() {
    let office = operated(calm(), "").await;
    let ann = office.person("ann");
    ann.slash("/bellhop channel create incident-42", "#ops").await.unwrap();
    hears(&ann, "#ops", "Created #incident-42").await;
    assert!(office.person("bob").place("#incident-42").is_ok());
    ann.slash("/bellhop channel create incident-42", "#ops").await.unwrap();
    hears(&ann, "#ops", "There is a channel #incident-42 already").await;
    ann.slash("/bellhop channel create quiet --private", "#ops").await.unwrap();
    hears(&ann, "#ops", "Created #quiet").await;
    assert!(office.person("bob").place("#quiet").is_err(), "he is not in it");

    for (line, answer) in [
        ("channel rename incident-43 --in #incident-42", "is now #incident-43"),
        ("channel topic \"On call: Ann\" --in #incident-43", "Topic set"),
        ("channel purpose \"What broke\" --in #incident-43", "Purpose set"),
        ("channel join --in #random", "I take part in"),
        ("channel post \"Hello there\" --in #random", "Posted to"),
    ] {
        ann.slash(&format!("/bellhop {line}"), "#ops").await.unwrap();
        hears(&ann, "#ops", answer).await;
    }
    hears(&ann, "#random", "Hello there").await;
    assert!(ann.place("#incident-42").is_err());
    ann.slash("/bellhop channel list", "#general").await.unwrap();
    let list = hears(&ann, "#general", "incident-43").await;
    assert!(list.text.contains("On call: Ann"), "{}", list.text);
    assert!(!list.text.contains("quiet") && !list.text.contains("vault"), "private ones are not for everyone: {}", list.text);
}

#[tokio::test]
async fn a_closed_channel_is_for_people_to_open() {
    let office = operated(calm(), "").await;
    let ann = office.person("ann");
    ann.slash("/bellhop channel archive --in #random", "#ops").await.unwrap();
    let asked = hears(&ann, "#ops", "Archive work/#random?").await;
    assert!(ann.say("#random", "still open").is_ok(), "nothing is done before the answer");
    let button = asked.buttons.first().cloned().expect("a button that does it");
    ann.click(&asked, &button).await.unwrap();
    hears(&ann, "#ops", "is closed").await;
    assert!(ann.say("#random", "anyone?").is_err());
    ann.slash("/bellhop channel unarchive --in #random", "#ops").await.unwrap();
    hears(&ann, "#ops", "Slack doesn't let a bot open a channel that it is no longer in").await;
}

#[tokio::test]
async fn people_are_brought_in_by_name_and_by_mention() {
    let office = operated(calm(), "").await;
    let (ann, cem) = (office.person("ann"), office.person("cem"));
    assert!(cem.place("#vault").is_err());
    ann.slash("/bellhop channel invite @cem bob --in #vault", "#vault").await.unwrap();
    hears(&ann, "#vault", "Invited").await;
    assert!(cem.place("#vault").is_ok());
    ann.slash("/bellhop channel invite nobody-here --in #vault", "#vault").await.unwrap();
    hears(&ann, "#vault", "There is nobody called `nobody-here`").await;
}

#[tokio::test]
async fn a_hundred_people_are_brought_in_at_once() {
    let crowd: Vec<String> = (0..100).map(|n| format!("p{n:02}")).collect();
    let office = Office::knowing(calm(), |world| {
        for name in &crowd {
            let _ = world.add_person(PersonSpec::new(name, name, "UTC"));
        }
        format!("[[role]]\nname = \"operator\"\nusers = [\"work:{}\"]\n", world.person("ann").id)
    })
    .await;
    let ann = office.person("ann");
    ann.slash(&format!("/bellhop channel invite {} --in #vault", crowd.join(" ")), "#ops").await.unwrap();
    hears(&ann, "#ops", "p99").await;
    let outside: Vec<&String> = crowd.iter().filter(|name| office.person(name).place("#vault").is_err()).collect();
    assert!(outside.is_empty(), "{outside:?}: {:?}", ann.hears("#ops"));
}

#[tokio::test]
async fn a_message_for_later_is_kept_by_slack_and_comes_then() {
    let mut settings = calm();
    let clock = Arc::new(StoppedClock::at(settings.clock.now()));
    settings.clock = clock.clone();
    let office = operated(settings, "").await;
    let ann = office.person("ann");
    ann.slash("/bellhop channel post \"Stand-up\" --in #general --at 2h", "#ops").await.unwrap();
    hears(&ann, "#ops", "The chat itself keeps it").await;
    assert_eq!(office.world.ledger().calls_of("chat.scheduleMessage"), 1);
    assert!(ann.hears("#general").is_empty());
    clock.advance(Duration::from_mins(121));
    hears(&ann, "#general", "Stand-up").await;
}
