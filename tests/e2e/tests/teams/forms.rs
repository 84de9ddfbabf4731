//! Dialogs, live choices, actions on messages.

use super::{Office, calm, hears, ranks};
use bellhop_e2e::PATIENCE;
use bellhop_kit::teams::{Person, SeenView, Settings, Submitted};
use bellhop_kit::wait::until;
use serde_json::json;

async fn dialog(person: &Person) -> SeenView {
    until(PATIENCE, "the dialog", async || person.dialog()).await
}

/// Stores a file, said in the personal chat.
async fn store(person: &Person, name: &str) {
    person.upload("@bellhop", name, b"hello", "file put").await.unwrap();
    hears(person, "@bellhop", &format!("Stored {name}")).await;
}

#[tokio::test]
async fn a_command_without_its_arguments_gets_a_button_that_opens_its_dialog() {
    // Where there are messages for one person, the button stands where it was asked for.
    let office = Office::open(Settings { preview: true, ..calm() }, "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    store(&ann, "plan.txt").await;
    let thread = ann.mention("#ops", "file info").await.unwrap();
    let seen = hears(&ann, "#ops", "1 more argument is needed: NAME").await;
    ann.click(&seen, "Fill in file info\u{2026}").await.unwrap();
    let form = dialog(&ann).await;
    assert!(form.title.contains("file info") || form.text.contains("file info"), "{form:?}");
    assert_eq!(bob.dialog(), None);
    let choices = ann.suggest("Name", "pla").await.unwrap();
    assert!(choices.iter().any(|(title, value)| title.starts_with("plan.txt") && value == "plan.txt"), "{choices:?}");
    ann.fill("Name", "plan.txt").unwrap();
    let button = form.buttons.first().unwrap().clone();
    let done = ann.submit(&button).await.unwrap();
    assert!(matches!(done, Submitted::Closed | Submitted::Says(_)), "{done:?}");
    let seen = hears(&bob, "#ops", "SHA-256").await;
    assert_eq!(seen.thread, Some(thread));
    office.proper();
}

#[tokio::test]
async fn a_wrong_value_is_said_while_the_dialog_is_open() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    store(&ann, "plan.txt").await;
    ann.dm("file share").await.unwrap();
    let seen = hears(&ann, "@bellhop", "file share").await;
    ann.click(&seen, "Fill in file share").await.unwrap();
    let form = dialog(&ann).await;
    let button = form.buttons.first().unwrap().clone();
    ann.suggest("Name", "plan").await.unwrap();
    ann.fill("Name", "plan.txt").unwrap();
    ann.fill("Expires", "whenever").unwrap();
    let Submitted::Shows(again) = ann.submit(&button).await.unwrap() else { panic!("it was taken") };
    assert!(again.text.contains("whenever"), "{again:?}");
    ann.fill("Name", "plan.txt").unwrap();
    ann.fill("Expires", "2h").unwrap();
    ann.submit(&button).await.unwrap();
    hears(&ann, "@bellhop", "Link to plan.txt").await;
    office.proper();
}

#[tokio::test]
async fn a_messages_menu_stores_its_files_and_makes_alerts() {
    let office = Office::knowing(calm(), |world| format!("[[route]]\nto = [\"work/#ops\"]\n{}", ranks(world))).await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let id = bob.upload("#ops", "notes.txt", b"from a channel", "the notes").await.unwrap();
    let message = ann.sees("#ops").into_iter().find(|seen| seen.id == id).unwrap();
    let manifest = office.bot.bellhop(&["manifest", "teams"]).await.out;
    let manifest = bellhop_e2e::json(&manifest);
    let commands = manifest["composeExtensions"][0]["commands"].as_array().unwrap().clone();
    let command = |word: &str| {
        let one = commands.iter().find(|one| one["title"].as_str().unwrap().to_lowercase().contains(word)).unwrap();
        assert!(one["context"].as_array().unwrap().contains(&json!("message")), "{one}");
        (one["id"].as_str().unwrap().to_owned(), one["fetchTask"] == true)
    };
    let (save, fetches) = command("save");
    ann.extension(&save, "#ops", Some(&message), fetches).await.unwrap();
    if let Some(form) = ann.dialog() {
        ann.submit(form.buttons.first().unwrap()).await.unwrap();
    }
    until(PATIENCE, "the stored file", || async {
        let got = office.bot.bellhop(&["say", "--out", "got", "--", "file", "get", "notes.txt"]).await;
        (got.code == 0).then_some(())
    })
    .await;
    assert_eq!(std::fs::read(office.bot.path("got").join("notes.txt")).unwrap(), b"from a channel");
    let (alert, fetches) = command("alert");
    ann.extension(&alert, "#ops", Some(&message), fetches).await.unwrap();
    if let Some(form) = ann.dialog() {
        let done = ann.submit(form.buttons.first().unwrap()).await.unwrap();
        assert!(matches!(done, Submitted::Closed | Submitted::Says(_)), "{form:?}: {done:?}");
    }
    let card = until(PATIENCE, "the alert", || async {
        ["#ops", "@bellhop"]
            .iter()
            .flat_map(|place| ann.hears(place))
            .find(|seen| seen.text.contains("FIRING") || seen.text.contains("may not"))
    })
    .await;
    assert!(card.text.contains("the notes"), "{}", card.text);
    office.proper();
}

#[tokio::test]
async fn invokes_that_nobody_serves_are_answered_all_the_same() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    for (name, expected) in [("signin/verifyState", 501), ("tab/fetch", 501), ("no/such", 501)] {
        let taken = ann.invoke_any("@bellhop", name, json!({})).await.unwrap();
        assert!(taken.status == expected || taken.status == 200, "{name}: {taken:?}");
    }
    assert_eq!(ann.invoke_any("@bellhop", "no/such", json!({})).await.unwrap().status, 501);
    for name in
        ["adaptiveCard/action", "task/fetch", "task/submit", "application/search", "fileConsent/invoke", "composeExtension/fetchTask"]
    {
        for value in [json!(null), json!({}), json!([]), json!({ "data": 7 }), json!({ "action": "x", "uploadInfo": 1, "context": [] })] {
            let taken = ann.invoke_any("@bellhop", name, value.clone()).await.unwrap();
            assert!(taken.status < 500 || taken.status == 501, "{name} {value}: {taken:?}");
        }
    }
    ann.dm("status").await.unwrap();
    hears(&ann, "@bellhop", "Bellhop is at your service").await;
}
