//! Slash commands, mentions, direct messages, buttons.

use super::{Office, calm, hears};
use bellhop_e2e::PATIENCE;
use bellhop_kit::slack::{Behaviour, Forgery, Kind, Person, Seen, SlackWorld};
use bellhop_kit::wait::until;
use std::time::Duration;

/// Ann is an admin, bob an operator, and cem what everyone is.
pub fn ranks(world: &SlackWorld) -> String {
    let role = |role: &str, name: &str| format!("[[role]]\nname = \"{role}\"\nusers = [\"work:{}\"]\n", world.person(name).id);
    role("admin", "ann") + &role("operator", "bob")
}

/// What the person sees of the bot there with this text.
fn all(person: &Person, place: &str, text: &str) -> Vec<Seen> {
    person.hears(place).into_iter().filter(|seen| seen.text.contains(text)).collect()
}

const STATUS: &str = "Bellhop is at your service";
const FILES: &str = "Files in local";

#[tokio::test]
async fn a_private_answer_is_seen_by_the_one_who_asked_only() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let taken = ann.slash("/bellhop help", "#ops").await.unwrap();
    assert!(taken.elapsed.as_millis() < 3000, "{taken:?}");
    let seen = hears(&ann, "#ops", "Explains the commands").await;
    assert!(seen.ephemeral && seen.buttons.contains(&"file list".to_owned()), "{seen:?}");
    assert_eq!(bob.hears("#ops"), []);
    ann.click(&seen, "file list").await.unwrap();
    let seen = hears(&bob, "#ops", FILES).await;
    assert!(!seen.ephemeral, "what the button runs is for all: {seen:?}");
}

#[tokio::test]
async fn an_answer_for_all_is_seen_by_all_and_its_group_is_a_command_of_its_own() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.slash("/bellhop status", "#ops").await.unwrap();
    hears(&bob, "#ops", STATUS).await;
    ann.slash("/file list", "#ops").await.unwrap();
    let seen = hears(&bob, "#ops", FILES).await;
    assert!(!seen.ephemeral && seen.thread.is_none(), "{seen:?}");
    assert_eq!(all(&ann, "#ops", FILES), [seen], "both see the same");
    assert_eq!(office.person("cem").hears("#general"), [], "and nobody sees it elsewhere");
}

#[tokio::test]
async fn a_mention_is_answered_where_it_stands_and_in_its_thread() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.mention("#ops", "status").unwrap();
    assert_eq!(hears(&bob, "#ops", STATUS).await.thread, None);
    let thread = bob.say("#ops", "What do we have?").unwrap();
    ann.reply("#ops", &thread, "@bellhop file list").unwrap();
    assert_eq!(hears(&bob, "#ops", FILES).await.thread, Some(thread.clone()));
    ann.reply("#ops", &thread, "@bellhop help").unwrap();
    let seen = hears(&ann, "#ops", "Explains the commands").await;
    assert!(seen.ephemeral && seen.thread == Some(thread), "{seen:?}");
    assert_eq!(all(&bob, "#ops", "Explains the commands"), []);
}

#[tokio::test]
async fn one_message_that_slack_reports_twice_is_answered_once() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    ann.mention("#ops", "status").unwrap();
    hears(&ann, "#ops", STATUS).await;
    let events = async || {
        let kinds = |kind: &str| office.world.deliveries().iter().any(|one| one.payload["event"]["type"] == kind && one.outcome.is_ok());
        (kinds("app_mention") && kinds("message")).then_some(())
    };
    until(PATIENCE, "both events are taken", events).await;
    ann.mention("#ops", "file list").unwrap();
    hears(&ann, "#ops", FILES).await;
    assert_eq!(all(&ann, "#ops", STATUS).len(), 1);
}

#[tokio::test]
async fn a_command_that_is_delivered_twice_runs_once() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    ann.slash("/bellhop status", "#ops").await.unwrap();
    hears(&ann, "#ops", STATUS).await;
    let delivery = office.world.deliveries().into_iter().find(|one| one.kind == Kind::Command).unwrap();
    let url = format!("{}/chat/work", office.bot.url);
    let again = office.world.send(&url, Kind::Command, &delivery.payload, Forgery::None).await.unwrap();
    assert_eq!((again.status, again.text().as_str()), (200, ""), "it is taken, and nothing comes of it");
    ann.slash("/bellhop file list", "#ops").await.unwrap();
    hears(&ann, "#ops", FILES).await;
    assert_eq!(all(&ann, "#ops", STATUS).len(), 1);
    // Typed again by the person it is another one.
    ann.slash("/bellhop status", "#ops").await.unwrap();
    until(PATIENCE, "the second answer", async || (all(&ann, "#ops", STATUS).len() == 2).then_some(())).await;
}

#[tokio::test]
async fn a_direct_message_needs_no_mention_and_stays_between_the_two() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.dm("file list").unwrap();
    let seen = hears(&ann, "@bellhop", FILES).await;
    assert!(!seen.ephemeral && seen.thread.is_none(), "{seen:?}");
    ann.dm("help").unwrap();
    let seen = hears(&ann, "@bellhop", "Explains the commands").await;
    ann.click(&seen, "status").await.unwrap();
    hears(&ann, "@bellhop", STATUS).await;
    for place in ["#ops", "#general", "@bellhop"] {
        assert_eq!(bob.hears(place), [], "bob in {place}");
    }
}

#[tokio::test]
async fn a_typo_is_answered_with_a_button_that_runs_what_was_meant() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.slash("/bellhop fiel list", "#ops").await.unwrap();
    let seen = hears(&ann, "#ops", "Did you mean file list?").await;
    assert!(seen.ephemeral, "{seen:?}");
    assert_eq!(bob.hears("#ops"), [], "a slip is nobody else's business");
    ann.click(&seen, "Run file list").await.unwrap();
    hears(&bob, "#ops", FILES).await;
}

#[tokio::test]
async fn what_destroys_asks_first_and_runs_once_for_whoever_may() {
    let office = Office::knowing(calm(), ranks).await;
    let (ann, bob, cem) = (office.person("ann"), office.person("bob"), office.person("cem"));
    cem.upload("#ops", "plan.txt", b"hello", "@bellhop file put").unwrap();
    hears(&cem, "#ops", "Stored plan.txt").await;

    cem.slash("/bellhop file delete plan.txt", "#ops").await.unwrap();
    let refused = hears(&cem, "#ops", "You may not use file delete").await;
    assert!(refused.ephemeral && refused.text.contains("operator"), "{refused:?}");
    office.world.delete_message(&office.world.channel("ops"), &refused.ts);

    bob.slash("/bellhop file delete plan.txt", "#ops").await.unwrap();
    let asks = hears(&ann, "#ops", "Delete plan.txt?").await;
    assert_eq!(asks.buttons, ["Yes, file delete", "No, leave it"]);
    cem.click(&asks, "Yes, file delete").await.unwrap();
    let refused = hears(&cem, "#ops", "You may not use file delete").await;
    assert!(refused.ephemeral, "{refused:?}");
    assert_eq!(all(&ann, "#ops", "Deleted plan.txt"), [], "cem's click did nothing");
    assert_eq!(all(&ann, "#ops", "You may not use"), [], "and only cem is told so");

    let pressed = ann.click(&asks, "Yes, file delete").await.unwrap();
    // What destroys is asked once more by Slack itself, with what will run.
    let asked = pressed.asked.unwrap_or_default();
    assert!(asked.contains("Run it?") && asked.contains("approve"), "{asked}");
    hears(&bob, "#ops", "Deleted plan.txt").await;
    bob.click(&asks, "Yes, file delete").await.unwrap();
    hears(&bob, "#ops", "confirmed or declined before").await;
    assert_eq!(all(&bob, "#ops", "Deleted plan.txt").len(), 1);
    bob.slash("/bellhop file list", "#ops").await.unwrap();
    hears(&bob, "#ops", "There are no files").await;
}

#[tokio::test]
async fn what_destroys_is_left_when_that_is_chosen() {
    let office = Office::knowing(calm(), ranks).await;
    let bob = office.person("bob");
    bob.upload("#ops", "plan.txt", b"hello", "@bellhop file put").unwrap();
    hears(&bob, "#ops", "Stored plan.txt").await;
    bob.slash("/bellhop file delete plan.txt", "#ops").await.unwrap();
    let asks = hears(&bob, "#ops", "Delete plan.txt?").await;
    bob.click(&asks, "No, leave it").await.unwrap();
    hears(&bob, "#ops", "Left as it is").await;
    bob.click(&asks, "Yes, file delete").await.unwrap();
    hears(&bob, "#ops", "confirmed or declined before").await;
    bob.slash("/bellhop file info plan.txt", "#ops").await.unwrap();
    hears(&bob, "#ops", "SHA-256").await;
    assert_eq!(all(&bob, "#ops", "Deleted plan.txt"), []);
}

#[tokio::test]
async fn what_was_confirmed_on_the_line_is_not_asked_again() {
    let office = Office::knowing(calm(), ranks).await;
    let bob = office.person("bob");
    bob.upload("#ops", "plan.txt", b"hello", "@bellhop file put").unwrap();
    hears(&bob, "#ops", "Stored plan.txt").await;
    bob.slash("/bellhop file delete plan.txt --yes", "#ops").await.unwrap();
    let done = hears(&bob, "#ops", "Deleted plan.txt").await;
    assert_eq!(all(&bob, "#ops", "Delete plan.txt?"), []);
    bob.click(&done, "Undo").await.unwrap();
    hears(&bob, "#ops", "Restored").await;
}

#[tokio::test]
async fn where_the_bot_is_no_member_it_answers_by_the_commands_own_address() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    ann.slash("/bellhop status", "#hidden").await.unwrap();
    let seen = hears(&ann, "#hidden", STATUS).await;
    assert!(!seen.ephemeral, "{seen:?}");
    ann.slash("/bellhop help", "#hidden").await.unwrap();
    assert!(hears(&ann, "#hidden", "Explains the commands").await.ephemeral);
    assert_eq!(ann.hears("@bellhop"), [], "nothing had to go elsewhere");
}

#[tokio::test]
async fn an_address_that_slack_no_longer_takes_is_replaced_by_a_direct_message_that_says_why() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    office.world.behave(Behaviour { method: Some("response_url".into()), refuse: Some(404), ..Behaviour::default() });
    ann.slash("/bellhop status", "#hidden").await.unwrap();
    let seen = hears(&ann, "@bellhop", STATUS).await;
    assert!(seen.text.contains("I am not a member of ") && seen.text.contains("/invite"), "{seen:?}");
    assert_eq!(ann.hears("#hidden"), []);
    // Where it is a member nobody has to be told anything.
    ann.slash("/bellhop help", "#ops").await.unwrap();
    let seen = hears(&ann, "#ops", "Explains the commands").await;
    assert!(seen.ephemeral && !seen.text.contains("not a member"), "{seen:?}");
    assert_eq!(bob.hears("#ops"), []);
}

#[tokio::test]
async fn what_takes_long_says_so_and_turns_into_its_answer() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let slow = Behaviour { method: Some("download".into()), think: Duration::from_secs(5), ..Behaviour::default() };
    office.world.behave(slow);
    ann.upload("#ops", "plan.txt", b"hello", "@bellhop file put").unwrap();
    let first = hears(&bob, "#ops", "").await;
    assert!(first.text.contains("file put") && !first.text.contains("Stored"), "{first:?}");
    let last = hears(&bob, "#ops", "Stored plan.txt").await;
    assert!(last.ts == first.ts && last.edited, "{last:?}");
    assert_eq!(bob.hears("#ops").len(), 1);
}
