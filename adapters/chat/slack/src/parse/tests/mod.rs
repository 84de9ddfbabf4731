//! Deliveries as Slack sends them, and what they mean.

mod clicks;
mod events;
mod hostile;
mod views;

use super::{Heard, Kind, Unreadable, delivery};
use crate::interact::{Interaction, Wants};
use bellhop_core::clock::{Clock as _, Timestamp};
use bellhop_core::ids::ChatName;
use bellhop_core::ports::Incoming;
use bellhop_kit::clock::StoppedClock;
use serde_json::{Value, json};

/// A delivery from `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))).unwrap()
}

fn now() -> Timestamp {
    StoppedClock::default().now()
}

fn read(kind: Kind, payload: &Value) -> Result<Heard, Unreadable> {
    delivery(kind, payload, &ChatName::from("work"), now())
}

fn heard(kind: Kind, name: &str) -> Heard {
    read(kind, &fixture(name)).unwrap_or_else(|unreadable| panic!("{name}: {unreadable}"))
}

fn accepted(kind: Kind, name: &str) -> Incoming {
    match heard(kind, name) {
        Heard::Accept(incoming) => *incoming,
        other => panic!("{name}: {other:?}"),
    }
}

fn interaction(kind: Kind, name: &str) -> Interaction {
    match heard(kind, name) {
        Heard::Interact(interaction) => *interaction,
        other => panic!("{name}: {other:?}"),
    }
}

fn wants(kind: Kind, name: &str) -> Wants {
    interaction(kind, name).wants
}

fn nothing(kind: Kind, name: &str) {
    let heard = heard(kind, name);
    assert!(matches!(heard, Heard::Nothing), "{name}: {heard:?}");
}

/// What a test looks at: all but the time of arrival, which is the same for all.
fn seen(incoming: &Incoming) -> Value {
    let mut value = serde_json::to_value(incoming).unwrap();
    assert_eq!(incoming.received, now());
    let members = value.as_object_mut().unwrap();
    members.remove("received");
    members.remove("zone");
    if members["attachments"] == json!([]) {
        members.remove("attachments");
    }
    value
}

#[test]
fn slash_commands_are_lines() {
    assert_eq!(
        seen(&accepted(Kind::Command, "command_root")),
        json!({
            "key": "cmd:8123456789.4815162342.0c0ffee0c0ffee0c0ffee0c0ffee0c0f",
            "from": { "chat": "work", "workspace": "T0WORK", "user": "U0ANN" },
            "name": "ann",
            "at": { "chat": "work", "workspace": "T0WORK", "channel": "C0OPS" },
            "said": { "line": "file list reports/" },
            "reply": {
                "response_url": "https://hooks.slack.com/commands/T0WORK/8123456789/aBcDeFgHiJkLmNoP",
                "trigger_id": "8123456789.4815162342.0c0ffee0c0ffee0c0ffee0c0ffee0c0f",
                "received": "2026-11-02T12:00:00Z",
            },
        })
    );
    let line = |name| seen(&accepted(Kind::Command, name))["said"]["line"].clone();
    assert_eq!(line("command_root_empty"), "help");
    assert_eq!(line("command_direct"), "file share https://example.com/a?b=1&c=2 --to #C0DEV with @U0BOB <b>");
    let mut second = fixture("command_root");
    second["command"] = "/Bellhop-staging".into();
    let Ok(Heard::Accept(second)) = read(Kind::Command, &second) else { panic!("not accepted") };
    assert_eq!(seen(&second)["said"]["line"], "file list reports/");
    let organisation = accepted(Kind::Command, "command_enterprise");
    assert_eq!((organisation.at.workspace.as_str(), &seen(&organisation)["said"]), ("E0CORP", &json!({ "line": "status" })));
}

#[test]
fn a_command_without_what_it_needs_names_it() {
    for member in ["user_id", "channel_id", "trigger_id", "command"] {
        let mut fields = fixture("command_root");
        fields.as_object_mut().unwrap().remove(member);
        let error = read(Kind::Command, &fields).unwrap_err();
        assert_eq!(error.member.trim_start_matches('/'), member);
        assert!(error.to_string().contains(member));
    }
    let mut lean = fixture("command_root");
    for member in ["user_name", "text", "response_url", "team_domain", "token", "api_app_id", "channel_name"] {
        lean[member] = Value::Null;
    }
    let Ok(Heard::Accept(incoming)) = read(Kind::Command, &lean) else { panic!("what may be missing was needed") };
    assert_eq!((incoming.name.as_str(), &seen(&incoming)["said"]), ("U0ANN", &json!({ "line": "help" })));
}
