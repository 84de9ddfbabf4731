//! Messages, mentions, slash commands, buttons.

use super::{Office, all, calm, hears, ranks};
use bellhop_kit::teams::{Forgery, Settings};
use serde_json::json;

const STATUS: &str = "Bellhop is at your service";
const FILES: &str = "Files in local";

#[tokio::test]
async fn a_mention_is_answered_in_its_thread() {
    let office = Office::open(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let thread = ann.mention("#ops", "status").await.unwrap();
    let seen = hears(&bob, "#ops", STATUS).await;
    assert_eq!(seen.thread, Some(thread));
    let thread = bob.say("#ops", "What do we have?").await.unwrap();
    ann.reply("#ops", &thread, "@bellhop file list").await.unwrap();
    assert_eq!(hears(&bob, "#ops", FILES).await.thread, Some(thread));
    bob.say("#ops", "file list").await.unwrap();
    ann.mention("war room", "status").await.unwrap();
    hears(&bob, "war room", STATUS).await;
    assert_eq!(all(&ann, "#ops", FILES).len(), 1, "what isn't said to the bot is not for it");
    office.proper();
}

#[tokio::test]
async fn a_personal_chat_needs_no_mention() {
    let office = Office::open(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.dm("status").await.unwrap();
    let seen = hears(&ann, "@bellhop", STATUS).await;
    assert_eq!(seen.thread, None);
    ann.dm("help").await.unwrap();
    let seen = hears(&ann, "@bellhop", "Explains the commands").await;
    assert!(seen.buttons.contains(&"file list".to_owned()), "{:?}", seen.buttons);
    assert!(!seen.fallback.is_empty(), "a card has words for those who can't see it");
    ann.click(&seen, "file list").await.unwrap();
    hears(&ann, "@bellhop", FILES).await;
    assert_eq!(bob.hears("@bellhop"), []);
    office.proper();
}

#[tokio::test]
async fn a_private_answer_goes_into_the_chat_with_the_person_where_nothing_else_is_private() {
    let office = Office::open(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.mention("#ops", "help").await.unwrap();
    hears(&ann, "@bellhop", "Explains the commands").await;
    assert_eq!(all(&bob, "#ops", "Explains the commands"), []);
}

#[tokio::test]
async fn in_the_preview_private_answers_stand_where_they_were_asked_for() {
    let office = Office::open(Settings { preview: true, ..calm() }, "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.mention("#ops", "help").await.unwrap();
    let seen = hears(&ann, "#ops", "Explains the commands").await;
    assert!(seen.ephemeral, "{seen:?}");
    assert_eq!(all(&bob, "#ops", "Explains the commands"), []);
    assert_eq!(all(&ann, "@bellhop", "Explains"), []);
    office.proper();
}

#[tokio::test]
async fn slash_commands_run_with_or_without_the_slash_in_their_text() {
    for slash_in_text in [false, true] {
        let office = Office::open(Settings { preview: true, slash_in_text, ..calm() }, "preview = true\n").await;
        let (ann, bob) = (office.person("ann"), office.person("bob"));
        assert!(ann.slash("/file list", "#ops").await.unwrap().elapsed.as_secs() < 10);
        hears(&bob, "#ops", FILES).await;
        ann.slash("/status", "war room").await.unwrap();
        hears(&bob, "war room", STATUS).await;
        office.proper();
    }
}

#[tokio::test]
async fn a_message_that_is_delivered_twice_runs_once() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    ann.mention("#ops", "status").await.unwrap();
    hears(&ann, "#ops", STATUS).await;
    let delivery = office.world.deliveries().into_iter().rfind(|one| one.activity["type"] == "message").unwrap();
    let url = format!("{}/chat/work", office.bot.url);
    for _ in 0..5 {
        assert_eq!(office.world.send(&url, &delivery.activity, &Forgery::None).await.unwrap().status, 200);
    }
    ann.mention("#ops", "file list").await.unwrap();
    hears(&ann, "#ops", FILES).await;
    assert_eq!(all(&ann, "#ops", STATUS).len(), 1);
}

#[tokio::test]
async fn a_typo_is_answered_with_a_button_that_runs_what_was_meant() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    ann.dm("fiel list").await.unwrap();
    let seen = hears(&ann, "@bellhop", "Did you mean file list?").await;
    ann.click(&seen, "Run file list").await.unwrap();
    hears(&ann, "@bellhop", FILES).await;
    office.proper();
}

#[tokio::test]
async fn what_destroys_asks_first_and_runs_once_for_whoever_may() {
    let office = Office::knowing(calm(), ranks).await;
    let (ann, bob, cem) = (office.person("ann"), office.person("bob"), office.person("cem"));
    cem.upload("@bellhop", "plan.txt", b"hello", "").await.unwrap();
    hears(&cem, "@bellhop", "Stored plan.txt").await;
    cem.dm("file delete plan.txt").await.unwrap();
    let refused = hears(&cem, "@bellhop", "You may not use file delete").await;
    assert!(refused.text.contains("operator"), "{refused:?}");
    bob.mention("#ops", "file delete plan.txt").await.unwrap();
    let asks = hears(&ann, "#ops", "Delete plan.txt?").await;
    assert_eq!(asks.buttons, ["Yes, file delete", "No, leave it"]);
    cem.click(&asks, "Yes, file delete").await.unwrap();
    hears(&cem, "@bellhop", "You may not use file delete").await;
    assert_eq!(all(&ann, "#ops", "Deleted plan.txt"), [], "cem's click did nothing");
    ann.click(&asks, "Yes, file delete").await.unwrap();
    hears(&bob, "#ops", "Deleted plan.txt").await;
    bob.click(&asks, "Yes, file delete").await.unwrap();
    ann.mention("#ops", "file list").await.unwrap();
    hears(&bob, "#ops", "There are no files").await;
    assert_eq!(all(&bob, "#ops", "Deleted plan.txt").len(), 1);
    office.proper();
}

#[tokio::test]
async fn buttons_work_whichever_way_teams_reports_them() {
    let office = Office::open(Settings { submit_as_invoke: true, ..calm() }, "").await;
    let ann = office.person("ann");
    ann.dm("help").await.unwrap();
    let seen = hears(&ann, "@bellhop", "Explains the commands").await;
    // An older client has the fallback only: a message with a value and no text.
    let button = seen.cards.iter().flat_map(|card| card["body"].as_array().cloned().unwrap_or_default());
    let action = button
        .flat_map(|part| part["actions"].as_array().cloned().unwrap_or_default())
        .find(|action| action["title"] == "file list")
        .unwrap();
    let mut activity = office.world.activity("message", &ann, "@bellhop");
    activity["id"] = json!("1700000000000");
    activity["replyToId"] = json!(seen.id);
    activity["value"] = action["fallback"]["data"].clone();
    let url = format!("{}/chat/work", office.bot.url);
    assert_eq!(office.world.send(&url, &activity, &Forgery::None).await.unwrap().status, 200);
    hears(&ann, "@bellhop", FILES).await;
}

#[tokio::test]
async fn a_button_of_somebody_elses_making_does_what_its_presser_may_and_no_more() {
    let office = Office::knowing(calm(), ranks).await;
    let cem = office.person("cem");
    cem.dm("help").await.unwrap();
    let seen = hears(&cem, "@bellhop", "Explains the commands").await;
    for data in [json!({}), json!(null), json!({ "bellhop": 7 }), json!({ "bellhop": { "k": "no-such-key" } }), json!([1, 2])] {
        let taken = cem.forge_action(&seen, "run", data.clone()).await.unwrap();
        assert_eq!(taken.status, 200, "{data}: {taken:?}");
        let said = taken.json().unwrap();
        assert!(said["statusCode"].as_u64().is_some_and(|status| status >= 400), "{data}: {said}");
    }
    let forged = json!({ "bellhop": { "i": { "command": "channel create", "args": { "name": "x" } } } });
    cem.forge_action(&seen, "run", forged).await.unwrap();
    hears(&cem, "@bellhop", "You may not use channel create").await;
}
