//! Clicks and shortcuts.

use super::{accepted, fixture, interaction, nothing, read, seen, wants};
use crate::click::Click;
use crate::handle::{FileHandle, ReplyTo};
use crate::interact::{Opens, Wants};
use crate::parse::{Heard, Kind};
use bellhop_core::form::Answers;
use bellhop_core::ports::Said;
use serde_json::{Value, json};

#[test]
fn a_button_runs_what_it_says() {
    assert_eq!(
        seen(&accepted(Kind::Interaction, "block_actions_button")),
        json!({
            "key": "act:8200000000.4815162342.deadbeefdeadbeefdeadbeefdeadbeef",
            "from": { "chat": "work", "workspace": "T0WORK", "user": "U0ANN" },
            "name": "ann",
            "at": { "chat": "work", "workspace": "T0WORK", "channel": "C0OPS", "thread": "1793620400.000100" },
            "said": { "invoke": { "command": "alert ack", "args": { "id": "3f9a1c20" } } },
            "reply": {
                "response_url": "https://hooks.slack.com/actions/T0WORK/8200000000/QrStUvWx",
                "trigger_id": "8200000000.4815162342.deadbeefdeadbeefdeadbeefdeadbeef",
                "received": "2026-11-02T12:00:00Z",
                "message_ts": "1793620500.000100",
            },
        })
    );
}

#[test]
fn clicks_that_open_something_wait_for_it() {
    let select = interaction(Kind::Interaction, "block_actions_select_ephemeral");
    assert_eq!(select.wants, Wants::Open(Opens::Line("file get a.txt".into())));
    let reply = select.origin.reply.unwrap();
    assert_eq!((reply.ephemeral, reply.message_ts.as_deref()), (true, Some("1793620501.000200")));
    assert_eq!(select.origin.at.thread, None);
    let home = interaction(Kind::Interaction, "block_actions_home");
    let answers = Answers::from([("name".to_owned(), vec!["a.txt".to_owned()])]);
    assert_eq!(home.wants, Wants::Open(Opens::Form { command: "file share".into(), answers }));
    // Posting to a person's id opens the conversation with them.
    assert_eq!(home.origin.at.channel.as_str(), "U0ANN");
    let mut kept = fixture("block_actions_button");
    kept["actions"][0]["value"] = serde_json::to_string(&Click::Kept("abc".into())).unwrap().into();
    let Heard::Interact(kept) = read(Kind::Interaction, &kept).unwrap() else { panic!("a kept click needs the records") };
    assert_eq!(kept.wants, Wants::Kept("abc".into()));
}

#[test]
fn other_clicks_are_acknowledged() {
    nothing(Kind::Interaction, "block_actions_url");
    nothing(Kind::Interaction, "view_closed");
    let left = |name: &str, path: &str, value: Value| {
        let mut payload = fixture(name);
        *payload.pointer_mut(path).unwrap() = value;
        matches!(read(Kind::Interaction, &payload), Ok(Heard::Nothing))
    };
    assert!(left("block_actions_button", "/actions/0/value", Value::Null), "a link without a value");
    assert!(left("block_actions_button", "/actions/0/value", "another app's".into()));
    assert!(left("block_actions_button", "/actions", json!([])));
    assert!(left("shortcut_run_command", "/callback_id", "unknown".into()));
    assert!(left("message_action_save", "/callback_id", "unknown".into()));
    assert!(left("shortcut_run_command", "/type", "interactive_message".into()));
}

#[test]
fn a_message_is_saved_with_its_files_or_its_text() {
    let files = accepted(Kind::Interaction, "message_action_save");
    assert_eq!((files.said, files.attachments.len(), files.attachments[0].id.as_str()), (Said::Line("file put".into()), 1, "F0NOV"));
    assert_eq!(ReplyTo::of(files.reply.as_ref()).message_ts, None, "it is nobody's button: nothing may replace the message");
    let text = accepted(Kind::Interaction, "message_action_save_text");
    let [file] = text.attachments.as_slice() else { panic!("{:?}", text.attachments) };
    let said = "Pay <b> to @U0ANN & co, see https://example.com";
    assert_eq!((file.name.as_str(), file.size), ("message-2026-11-02-1156.txt", Some(said.len() as u64)));
    let handle = FileHandle::of(&file.handle).unwrap();
    assert_eq!((handle.text.as_deref(), handle.workspace.as_str(), handle.file.as_str()), (Some(said), "T0WORK", ""));
    assert_eq!(text.at.thread.unwrap().as_str(), "1793620400.000100");
}

#[test]
fn a_message_becomes_an_alert() {
    let text = "Disk full on db1\n\n97 % of /var".into();
    let alert = Wants::Raise { title: "Disk full on db1".into(), text, message: Some("1793620620.000300".into()) };
    assert_eq!(wants(Kind::Interaction, "message_action_alert"), alert);
    let mut long = fixture("message_action_alert");
    long["message"]["text"] = format!("\n\n{}\nsecond line", "x".repeat(400)).into();
    let Heard::Interact(long) = read(Kind::Interaction, &long).unwrap() else { panic!("it opens a form") };
    let Wants::Raise { title, text, .. } = long.wants else { panic!("it opens the form of an alert") };
    assert_eq!((title.chars().count(), text.ends_with("x\nsecond line")), (150, true));
}

#[test]
fn global_shortcuts_open_modals() {
    assert_eq!(wants(Kind::Interaction, "shortcut_run_command"), Wants::Open(Opens::Line(String::new())));
    let raised = Wants::Raise { title: String::new(), text: String::new(), message: None };
    assert_eq!(wants(Kind::Interaction, "shortcut_raise_alert"), raised);
    let save = interaction(Kind::Interaction, "shortcut_save_file");
    assert_eq!((save.wants, save.origin.at.channel.as_str()), (Wants::Open(Opens::Save), "U0ANN"));
    let mut mute = fixture("shortcut_run_command");
    mute.as_object_mut().unwrap().remove("trigger_id");
    assert_eq!(read(Kind::Interaction, &mute).unwrap_err().member, "/trigger_id");
}

#[test]
fn options_are_asked_for_by_argument() {
    let asked = interaction(Kind::Interaction, "block_suggestion");
    assert_eq!(asked.wants, Wants::Options { command: "file get".into(), argument: "name".into(), typed: "nov".into() });
    assert_eq!(asked.origin.at.channel.as_str(), "C0OPS");
}
