//! Forms that were filled in, and values for their inputs.

use super::World;
use crate::parse::Kind;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::Said;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn text(value: &str) -> Value {
    json!({ "v": { "type": "plain_text_input", "value": value } })
}

fn form(world: &World, command: &str, values: &Value) -> Value {
    world.payload("view_submission_form", |payload| {
        payload["view"]["private_metadata"] = json!({ "command": command, "channel": "C0OPS" }).to_string().into();
        payload["view"]["state"]["values"] = values.clone();
        let ids = values.as_object().unwrap().keys();
        payload["view"]["blocks"] = ids.map(|id| json!({ "type": "input", "block_id": id })).collect();
    })
}

#[tokio::test]
async fn a_good_form_is_kept_before_it_closes() {
    let world = World::new().await;
    let payload = form(&world, "channel invite", &json!({ "arg:people": text("@U0ANN\r\n\n  @U0BOB ") }));
    assert_eq!(world.answer_to(Kind::Interaction, &payload).await.unwrap(), None);
    let heard = world.accepted();
    let answers = [("people".to_owned(), vec!["@U0ANN".to_owned(), "@U0BOB".to_owned()])].into();
    assert_eq!(heard[0].said, Said::Form { command: "channel invite".into(), answers });
    world.inbox.fail(true);
    let error = world.answer_to(Kind::Interaction, &payload).await.unwrap_err();
    assert_eq!(error.kind, bellhop_core::PortErrorKind::Full);
}

#[tokio::test]
async fn a_fault_is_shown_at_its_question() {
    let world = World::new().await;
    let named = json!({ "arg:name": text("a.txt"), "arg:minutes": text("900"), "arg:colour": text("red") });
    for (values, block, says) in [
        (json!({ "arg:minutes": text("5"), "arg:name": text(" ") }), "arg:name", "Name is needed"),
        (named.clone(), "arg:minutes", "900"),
        (json!({ "arg:name": text("a.txt"), "arg:colour": text("pink") }), "arg:colour", "red, green, blue"),
        // A question that the modal doesn't have: the remark stands at the first one it has.
        (json!({ "arg:minutes": text("5") }), "arg:minutes", "Name is needed"),
    ] {
        let answer = world.answer_to(Kind::Interaction, &form(&world, "file share", &values)).await.unwrap().unwrap();
        assert_eq!(answer["response_action"], "errors");
        let errors = answer["errors"].as_object().unwrap();
        assert_eq!(errors.keys().collect::<Vec<_>>(), [block], "{answer}");
        assert!(errors[block].as_str().unwrap().contains(says), "{answer}");
    }
    assert!(world.accepted().is_empty());
    // Without any block there is nowhere to show it: the command's own answer says it.
    assert_eq!(world.answer_to(Kind::Interaction, &form(&world, "file share", &json!({}))).await.unwrap(), None);
    assert_eq!(world.accepted().len(), 1);
}

/// The same from another click.
fn changed(mut payload: Value, trigger: &str) -> Value {
    payload["trigger_id"] = trigger.into();
    payload
}

#[tokio::test]
async fn hostile_answers_are_values() {
    let world = World::new().await;
    for typed in ["--colour=red", "--yes", "$(rm -rf /)", "\"'\\", "-"] {
        let payload = form(&world, "file share", &json!({ "arg:name": text(typed) }));
        let payload = changed(payload, typed);
        assert_eq!(world.answer_to(Kind::Interaction, &payload).await.unwrap(), None, "{typed}");
        let answers = [("name".to_owned(), vec![typed.to_owned()])].into();
        assert_eq!(world.accepted()[0].said, Said::Form { command: "file share".into(), answers });
    }
}

#[tokio::test]
async fn files_of_a_modal_go_along() {
    let world = World::new().await;
    assert_eq!(world.answer(Kind::Interaction, "view_submission_save").await.unwrap(), None);
    let heard = world.accepted();
    let answers = [("name".to_owned(), vec!["reports/".to_owned()])].into();
    assert_eq!(heard[0].said, Said::Form { command: "file put".into(), answers });
    assert_eq!((heard[0].attachments.len(), heard[0].at.channel.as_str()), (2, "U0ANN"));
}

#[tokio::test]
async fn a_form_for_a_command_that_is_not_known_yet_is_kept() {
    let world = World::new().await;
    let payload = form(&world, "moon fetch", &json!({ "arg:name": text("x") }));
    assert_eq!(world.answer_to(Kind::Interaction, &payload).await.unwrap(), None);
    assert_eq!(world.accepted().len(), 1);
}

fn values(answer: &Value) -> Vec<&str> {
    answer["options"].as_array().unwrap().iter().map(|option| option["value"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn options_come_live() {
    let world = World::new().await;
    let found = ["november.pdf", "novel.txt"].map(|value| Suggestion { value: value.into(), about: String::new() });
    *world.house.suggestions.lock().unwrap() = Some(found.to_vec());
    let answer = world.answer(Kind::Interaction, "block_suggestion").await.unwrap().unwrap();
    let mut shown = values(&answer);
    shown.sort_unstable();
    assert_eq!(shown, ["nov", "novel.txt", "november.pdf"]);
    let asked = world.house.asked.lock().unwrap().clone();
    assert_eq!(asked, [("work:U0ANN in work:T0WORK/C0OPS".into(), "file get".into(), "name".into(), "nov".into())]);
    // Where nothing is proposed, the grammar may still know.
    *world.house.suggestions.lock().unwrap() = Some(Vec::new());
    let payload = world.payload("block_suggestion", |payload| {
        payload["view"]["private_metadata"] = json!({ "command": "file share" }).to_string().into();
        payload["block_id"] = "arg:colour".into();
        payload["value"] = "RE".into();
    });
    let answer = world.answer_to(Kind::Interaction, &payload).await.unwrap().unwrap();
    assert!(["red", "green"].iter().all(|value| values(&answer).contains(value)), "{answer}");
}

#[tokio::test]
async fn slow_options_leave_what_was_typed() {
    let world = World::new().await;
    let began = Instant::now();
    let answer = world.answer(Kind::Interaction, "block_suggestion").await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_millis(2500), "Slack waits three seconds");
    assert_eq!(values(&answer), ["nov"]);
}
