//! Modals that were filled in.

use super::{accepted, fixture, interaction, nothing, read};
use crate::handle::ReplyTo;
use crate::interact::Wants;
use crate::parse::{Heard, Kind};
use bellhop_core::clock::Timestamp;
use bellhop_core::form::Answers;
use bellhop_core::ports::Said;

fn answers(of: &[(&str, &[&str])]) -> Answers {
    of.iter().map(|(id, values)| ((*id).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())).collect()
}

#[test]
fn every_kind_of_input_is_an_answer() {
    let form = interaction(Kind::Interaction, "view_submission_form");
    let Wants::Submit { command, answers: given, blocks, attachments } = form.wants else { panic!("{:?}", form.wants) };
    assert_eq!((command.as_str(), attachments.len()), ("channel invite", 0));
    assert_eq!(
        given,
        answers(&[
            ("name", &["Ann's report"]),
            ("people", &["@U0ANN\n\n@U0BOB"]),
            ("mode", &["on"]),
            ("file", &["reports/november.pdf"]),
            ("tags", &["a", "b"]),
            ("private", &["true"]),
            ("day", &["2026-11-07"]),
            ("time", &["09:30"]),
            ("at", &["2026-11-02T12:00:00Z"]),
            ("who", &["@U0BOB"]),
            ("to", &["#C0DEV"]),
            ("all", &["@U0ANN", "@U0BOB"]),
        ])
    );
    assert_eq!((blocks.len(), blocks[0].as_str()), (14, "arg:name"));
    assert_eq!(form.origin.at.channel.as_str(), "C0OPS");
    assert_eq!(form.origin.at.thread.unwrap().as_str(), "1793620400.000100");
    let reply = form.origin.reply.unwrap();
    assert_eq!(reply.response_url.as_deref(), Some("https://hooks.slack.com/commands/T0WORK/1/abc"));
    // The address counts from when the form was opened.
    assert_eq!((reply.received, reply.trigger_id), (Timestamp::from_timestamp(1_793_620_700, 0), None));
    assert_eq!(form.origin.key.as_str(), "act:8200000000.4815162342.deadbeefdeadbeefdeadbeefdeadbeef");
}

#[test]
fn the_answer_goes_where_it_was_asked_to() {
    let line = accepted(Kind::Interaction, "view_submission_where");
    assert_eq!((line.said, line.at.channel.as_str(), line.at.workspace.as_str()), (Said::Line("status".into()), "C0DEV", "E0CORP"));
    let reply = ReplyTo::of(line.reply.as_ref());
    assert_eq!(reply.response_url.as_deref(), Some("https://hooks.slack.com/app/T0WORK/8/where"));
    assert!(reply.trigger_id.is_some());
    // Where it was opened from is forgotten for the place that was chosen.
    let mut moved = fixture("view_submission_where");
    moved["view"]["private_metadata"] = r#"{"channel":"C0OPS","thread":"1.2","response_url":["https://hooks.slack.com/x",1]}"#.into();
    moved["response_urls"] = serde_json::Value::Null;
    let Ok(Heard::Accept(moved)) = read(Kind::Interaction, &moved) else { panic!("not accepted") };
    assert_eq!((moved.at.channel.as_str(), moved.at.thread), ("C0DEV", None));
    assert_eq!(ReplyTo::of(moved.reply.as_ref()).response_url, None);
    let mut empty = fixture("view_submission_where");
    empty["view"]["state"]["values"] = serde_json::json!({ "line": { "v": { "type": "plain_text_input", "value": null } } });
    empty["response_urls"] = serde_json::json!([]);
    let Ok(Heard::Accept(empty)) = read(Kind::Interaction, &empty) else { panic!("not accepted") };
    assert_eq!((empty.said, empty.at.channel.as_str()), (Said::Line("help".into()), "U0ANN"));
}

#[test]
fn uploaded_files_are_stored() {
    let save = interaction(Kind::Interaction, "view_submission_save");
    // Without a trigger, the view and its state say which submission it is.
    assert_eq!(save.origin.key.as_str(), "view:V0FORM:1793620805.zYxW");
    let Wants::Submit { command, answers: given, attachments, .. } = save.wants else { panic!("{:?}", save.wants) };
    assert_eq!((command.as_str(), given), ("file put", answers(&[("name", &["reports/"])])));
    assert_eq!(attachments.iter().map(|file| file.id.as_str()).collect::<Vec<_>>(), ["F0NOV", "F0PIC"]);
    assert_eq!(save.origin.at.channel.as_str(), "U0ANN");
}

#[test]
fn foreign_modals_are_left() {
    nothing(Kind::Interaction, "view_closed");
    let mut other = fixture("view_submission_form");
    other["view"]["callback_id"] = "another".into();
    assert!(matches!(read(Kind::Interaction, &other), Ok(Heard::Nothing)));
}
