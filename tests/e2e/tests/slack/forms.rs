//! Modals, live options, shortcuts, App Home.

use super::commands::ranks;
use super::{Office, calm, hears};
use bellhop_e2e::PATIENCE;
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::slack::{Behaviour, Forgery, Kind, Person, Seen, SeenView, Settings, Submitted};
use bellhop_kit::wait::until;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Waits for a modal of this title.
async fn modal(person: &Person, title: &str) -> SeenView {
    let what = format!("{} sees the form {title:?}", person.name);
    until(PATIENCE, &what, async || person.modal().filter(|modal| modal.title == title)).await
}

/// Stores a file, said in a direct conversation.
async fn store(person: &Person, name: &str) {
    person.upload("@bellhop", name, b"hello", "file put").unwrap();
    hears(person, "@bellhop", &format!("Stored {name}")).await;
}

/// The bytes of a stored file as the person gets them.
async fn got(person: &Person, name: &str) -> Vec<u8> {
    person.dm(&format!("file get {name}")).unwrap();
    let own = name.rsplit('/').next().unwrap().to_owned();
    let file = async || person.hears("@bellhop").into_iter().find_map(|seen| seen.files.into_iter().find(|(known, _)| *known == own));
    until(PATIENCE, &format!("{} gets {name}", person.name), file).await.1
}

/// A message of a person that was just written.
fn message(person: &Person, place: &str, ts: &str) -> Seen {
    person.sees(place).into_iter().find(|seen| seen.ts == ts).unwrap()
}

/// What stands in an input of a modal.
fn value<'a>(modal: &'a SeenView, input: &str) -> &'a str {
    modal.view["state"]["values"][input]["v"]["value"].as_str().unwrap_or_default()
}

fn labels(modal: &SeenView) -> Vec<&str> {
    modal.inputs.iter().map(|(label, _)| label.as_str()).collect()
}

#[tokio::test]
async fn a_command_without_its_arguments_opens_its_form_by_itself() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    let began = Instant::now();
    ann.slash("/file share", "#ops").await.unwrap();
    let form = modal(&ann, "file share").await;
    assert!(began.elapsed() < Duration::from_secs(3), "Slack's triggers last three seconds");
    assert_eq!(labels(&form), ["Name", "To", "Expires", "Version", "Store", "Once", "Direct", "Policy"]);
    assert!(form.text.contains("How long the link works"), "{form:?}");
    assert_eq!(ann.hears("#ops"), [], "no message is needed beside it");
    assert!(ann.submit().await.unwrap_err().contains("Name"), "what is needed is marked so");
}

#[tokio::test]
async fn a_form_offers_what_there_is_and_is_answered_where_it_was_asked_for() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    store(&ann, "plan.txt").await;
    ann.slash("/bellhop file info", "#ops").await.unwrap();
    modal(&ann, "file info").await;
    assert_eq!(ann.suggest("Name", "").await.unwrap(), ["plan.txt"]);
    assert!(ann.suggest("Name", "pla").await.unwrap().contains(&"plan.txt".to_owned()));
    ann.fill("Name", "plan.txt").unwrap();
    assert_eq!(ann.submit().await.unwrap(), Submitted::Closed);
    let seen = hears(&bob, "#ops", "plan.txt").await;
    assert!(seen.text.contains("5 B") && !seen.ephemeral, "{seen:?}");
}

#[tokio::test]
async fn a_wrong_value_is_said_at_its_question_while_the_form_is_open() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    store(&ann, "plan.txt").await;
    ann.slash("/file share", "#ops").await.unwrap();
    modal(&ann, "file share").await;
    ann.suggest("Name", "plan").await.unwrap();
    ann.fill("Name", "plan.txt").unwrap();
    ann.fill("Expires", "whenever").unwrap();
    let Submitted::Errors(errors) = ann.submit().await.unwrap() else { panic!("it was taken") };
    assert_eq!(errors.len(), 1);
    assert!(errors[0].0 == "arg:expires" && errors[0].1.contains("whenever"), "{errors:?}");
    assert_eq!(ann.hears("#ops"), []);
    ann.fill("Expires", "2h").unwrap();
    assert_eq!(ann.submit().await.unwrap(), Submitted::Closed);
    hears(&ann, "#ops", "plan.txt").await;
}

#[tokio::test]
async fn a_mention_without_its_arguments_gets_a_button_and_the_answer_comes_in_its_thread() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    store(&ann, "plan.txt").await;
    let thread = bob.say("#ops", "Is the plan there?").unwrap();
    ann.reply("#ops", &thread, "@bellhop file info").unwrap();
    let seen = hears(&ann, "#ops", "1 more argument is needed: NAME").await;
    assert_eq!(seen.thread, Some(thread.clone()));
    ann.click(&seen, "Fill in file info\u{2026}").await.unwrap();
    modal(&ann, "file info").await;
    ann.suggest("Name", "plan").await.unwrap();
    ann.fill("Name", "plan.txt").unwrap();
    assert_eq!(ann.submit().await.unwrap(), Submitted::Closed);
    let seen = hears(&bob, "#ops", "SHA-256").await;
    assert_eq!(seen.thread, Some(thread));
}

#[tokio::test]
async fn a_form_that_came_too_late_is_a_message_with_a_button() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let late =
        Behaviour { method: Some("views.open".into()), error: Some("expired_trigger_id".into()), times: Some(1), ..Behaviour::default() };
    office.world.behave(late);
    ann.slash("/file share", "#ops").await.unwrap();
    let seen = hears(&ann, "#ops", "file share").await;
    assert!(seen.ephemeral && ann.modal().is_none(), "{seen:?}");
    assert_eq!(bob.hears("#ops"), []);
    ann.click(&seen, &seen.buttons[0]).await.unwrap();
    assert_eq!(labels(&modal(&ann, "file share").await), ["Name", "To", "Expires", "Version", "Store", "Once", "Direct", "Policy"]);
}

#[tokio::test]
async fn a_click_whose_form_came_too_late_is_told_so_and_can_be_tried_again() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    let late =
        Behaviour { method: Some("views.open".into()), error: Some("expired_trigger_id".into()), times: Some(2), ..Behaviour::default() };
    office.world.behave(late);
    ann.slash("/file share", "#ops").await.unwrap();
    let seen = hears(&ann, "#ops", "file share").await;
    ann.click(&seen, &seen.buttons[0]).await.unwrap();
    let seen = hears(&ann, "#ops", "too little time").await;
    assert!(seen.ephemeral, "{seen:?}");
    ann.click(&seen, &seen.buttons[0]).await.unwrap();
    modal(&ann, "file share").await;
}

#[tokio::test]
async fn a_message_is_saved_to_storage_with_its_file_or_as_its_text() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let (_, ts) = bob.upload("#ops", "plan.txt", b"the plan itself", "look at this").unwrap();
    ann.message_shortcut(&message(&ann, "#ops", &ts), "save_to_storage").await.unwrap();
    hears(&ann, "#ops", "Stored plan.txt").await;
    let ts = bob.say("#ops", "The disk is full\non db1").unwrap();
    ann.message_shortcut(&message(&ann, "#ops", &ts), "save_to_storage").await.unwrap();
    let seen = hears(&ann, "#ops", "Stored message-").await;
    let name = seen.text.lines().find_map(|line| line.split_once("Stored ")).unwrap().1.to_owned();
    assert_eq!(got(&ann, "plan.txt").await, b"the plan itself");
    assert_eq!(got(&ann, &name).await, b"The disk is full\non db1");
}

#[tokio::test]
async fn a_message_is_turned_into_an_alert_with_its_words_filled_in() {
    let office = Office::knowing(calm(), |world| format!("{}[[route]]\nmatch = {{}}\nto = [\"work/#ops\"]\n", ranks(world))).await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let ts = bob.say("#general", "The disk is full\non db1").unwrap();
    ann.message_shortcut(&message(&ann, "#general", &ts), "turn_into_alert").await.unwrap();
    let form = modal(&ann, "alert raise").await;
    assert_eq!(value(&form, "arg:name"), "The disk is full");
    assert_eq!(value(&form, "arg:summary"), "The disk is full\non db1");
    assert!(value(&form, "arg:url").contains(&ts.replace('.', "")), "{form:?}");
    ann.suggest("Severity", "crit").await.unwrap();
    ann.fill("Severity", "critical").unwrap();
    assert_eq!(ann.submit().await.unwrap(), Submitted::Closed);
    let alert = hears(&bob, "#ops", "The disk is full").await;
    assert!(alert.text.contains("on db1") && alert.text.contains("critical"), "{alert:?}");
    bob.click(&alert, "Ack").await.unwrap();
    let what = async || bob.hears("#ops").into_iter().find(|seen| seen.ts == alert.ts && seen.text.contains("bob"));
    until(PATIENCE, "the alert says who has taken it", what).await;
}

#[tokio::test]
async fn a_shortcut_runs_a_command_line_where_it_is_wanted() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.shortcut("run_command").await.unwrap();
    modal(&ann, "Run a command").await;
    ann.fill("Command", "status").unwrap();
    ann.fill("Where to answer", "#ops").unwrap();
    assert_eq!(ann.submit().await.unwrap(), Submitted::Closed);
    hears(&bob, "#ops", "Bellhop is at your service").await;
    ann.shortcut("run_command").await.unwrap();
    modal(&ann, "Run a command").await;
    ann.fill("Command", "file list").unwrap();
    assert_eq!(ann.submit().await.unwrap(), Submitted::Closed);
    hears(&ann, "@bellhop", "Files in local").await;
}

#[tokio::test]
async fn a_shortcut_raises_an_alert_and_another_saves_files() {
    let office = Office::knowing(calm(), |world| format!("{}[[route]]\nmatch = {{}}\nto = [\"work/#ops\"]\n", ranks(world))).await;
    let (ann, cem) = (office.person("ann"), office.person("cem"));
    ann.shortcut("raise_alert").await.unwrap();
    modal(&ann, "alert raise").await;
    ann.fill("Name", "Checkout is broken").unwrap();
    assert_eq!(ann.submit().await.unwrap(), Submitted::Closed);
    hears(&cem, "#ops", "Checkout is broken").await;

    cem.shortcut("save_file").await.unwrap();
    modal(&cem, "Save files").await;
    cem.fill("Files", &cem.file("shot.txt", b"a picture")).unwrap();
    cem.fill("Name", "shots/one.txt").unwrap();
    assert_eq!(cem.submit().await.unwrap(), Submitted::Closed);
    hears(&cem, "@bellhop", "Stored shots/one.txt").await;
    assert_eq!(got(&cem, "shots/one.txt").await, b"a picture");
}

#[tokio::test]
async fn the_home_shows_how_things_are_and_its_buttons_work() {
    let office = Office::knowing(calm(), ranks).await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    store(&ann, "plan.txt").await;
    ann.dm("alert raise DiskFull").unwrap();
    ann.dm("schedule add \"0 9 * * *\" status").unwrap();
    hears(&ann, "@bellhop", "status").await;
    let home = async |person: &Person, parts: &[&str]| {
        until(PATIENCE, &format!("{} sees {parts:?} at home", person.name), async || {
            person.open_home();
            person.home().filter(|home| parts.iter().all(|part| home.text.contains(part)))
        })
        .await
    };
    let shown = home(&ann, &["at your service", "1 firing, 0 acknowledged", "DiskFull", "1 schedule.", "0 9 * * *", "plan.txt"]).await;
    assert!(["Ack DiskFull", "Get plan.txt"].iter().all(|one| shown.buttons.contains(&(*one).to_owned())), "{:?}", shown.buttons);
    let others = home(&bob, &["DiskFull", "plan.txt"]).await.text;
    assert!(others.contains("Nothing of yours runs by itself") && !others.contains("0 9 * * *"), "{others}");

    bob.press_home("Ack DiskFull").await.unwrap();
    home(&ann, &["0 firing, 1 acknowledged", "bob"]).await;
    bob.press_home("Get plan.txt").await.unwrap();
    let file = async || bob.hears("@bellhop").into_iter().find(|seen| seen.files == [("plan.txt".to_owned(), b"hello".to_vec())]);
    until(PATIENCE, "bob gets the file", file).await;
}

#[tokio::test]
async fn half_an_hour_later_the_answer_comes_directly_and_says_why() {
    let clock = Arc::new(StoppedClock::default());
    let office = Office::over_sockets(Settings { clock: clock.clone(), ..calm() }, "").await;
    let ann = office.person("ann");
    store(&ann, "plan.txt").await;
    ann.slash("/bellhop file info", "#hidden").await.unwrap();
    modal(&ann, "file info").await;
    ann.suggest("Name", "plan").await.unwrap();
    ann.fill("Name", "plan.txt").unwrap();
    clock.advance(Duration::from_mins(31));
    assert_eq!(ann.submit().await.unwrap(), Submitted::Closed);
    let seen = hears(&ann, "@bellhop", "I am not a member of").await;
    assert!(seen.text.contains("5 B"), "{seen:?}");
    assert_eq!(ann.hears("#hidden"), []);
}

#[tokio::test]
async fn after_five_answers_the_next_comes_directly_and_says_why() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    store(&ann, "plan.txt").await;
    ann.slash("/bellhop file info", "#hidden").await.unwrap();
    modal(&ann, "file info").await;
    ann.suggest("Name", "plan").await.unwrap();
    ann.fill("Name", "plan.txt").unwrap();
    let command = office.world.deliveries().into_iter().find(|one| one.kind == Kind::Command).unwrap();
    let address = command.payload["response_url"].as_str().unwrap();
    for status in [200, 200, 200, 200, 200, 404] {
        let sent = office.world.send_raw(address, b"{\"text\":\"one\"}", "application/json", &[], Forgery::Unsigned).await;
        assert_eq!(sent.unwrap().status, status);
    }
    assert_eq!(ann.submit().await.unwrap(), Submitted::Closed);
    let seen = hears(&ann, "@bellhop", "I am not a member of").await;
    assert!(seen.text.contains("5 B") && seen.text.contains("/invite"), "{seen:?}");
    assert!(ann.hears("#hidden").iter().all(|seen| seen.text == "one"));
}
