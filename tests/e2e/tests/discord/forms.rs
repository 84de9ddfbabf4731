//! Forms that a command's arguments are asked for with.

use super::{Office, calm, hears};
use bellhop_e2e::PATIENCE;
use bellhop_kit::discord::{Person, SeenForm};
use bellhop_kit::wait::until;

async fn form(person: &Person) -> SeenForm {
    until(PATIENCE, &format!("{} sees a form", person.name), || async { person.modal() }).await
}

#[tokio::test]
async fn a_command_without_its_arguments_opens_its_form() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let file = ann.file("plan.txt", b"hello");
    ann.slash(&format!("/file put file:{file}"), "#ops").await.unwrap();
    hears(&ann, "#ops", "Stored plan.txt").await;
    assert_eq!(ann.slash("/file info", "#ops").await.unwrap().kind, 9);
    let shown = form(&ann).await;
    assert!(shown.title.contains("file info"), "{shown:?}");
    assert!(ann.submit().await.unwrap_err().contains("Name"), "what is needed is marked so");
    ann.fill("Name", "plan.txt").unwrap();
    ann.submit().await.unwrap();
    hears(&bob, "#ops", "SHA-256").await;
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_value_that_cannot_be_used_is_asked_for_again_with_what_was_given() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    let file = ann.file("plan.txt", b"hello");
    ann.slash(&format!("/file put file:{file}"), "#ops").await.unwrap();
    hears(&ann, "#ops", "Stored plan.txt").await;
    assert_eq!(ann.slash("/file share name:plan.txt expires:whenever", "#ops").await.unwrap().kind, 9);
    let shown = form(&ann).await;
    assert_eq!(shown.value("Name").as_deref(), Some("plan.txt"), "{shown:?}");
    ann.fill("Expires", "never ever").unwrap();
    ann.submit().await.unwrap();
    hears(&ann, "#ops", "never ever").await;
    ann.slash("/file share name:plan.txt expires:2h", "#ops").await.unwrap();
    hears(&ann, "#ops", "Link to plan.txt").await;
}

#[tokio::test]
async fn a_form_takes_a_file() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    assert_eq!(ann.slash("/file put", "#ops").await.unwrap().kind, 9);
    let shown = form(&ann).await;
    let input = shown.inputs.iter().find(|(label, _)| label.to_lowercase().contains("file")).unwrap().1.clone();
    ann.fill(&input, &ann.file("scan.pdf", b"%PDF")).unwrap();
    ann.submit().await.unwrap();
    hears(&ann, "#ops", "Stored scan.pdf").await;
}

#[tokio::test]
async fn forms_come_at_the_gateway_too() {
    let office = Office::over_gateway(calm(), "").await;
    let ann = office.person("ann");
    ann.mention("#ops", "file info").unwrap();
    // What is for one person only can't be said in a channel but as the answer to a command.
    let seen = hears(&ann, "@bellhop", "1 more argument is needed").await;
    ann.click(&seen, "Fill in").await.unwrap();
    form(&ann).await;
    ann.fill("Name", "nothing.txt").unwrap();
    ann.submit().await.unwrap();
    until(PATIENCE, "an answer", || async {
        ["#ops", "@bellhop"].iter().flat_map(|place| ann.hears(place)).find(|seen| seen.text.contains("nothing.txt"))
    })
    .await;
}
