//! Whatever is sent is read or refused, and text stays text.

use super::{fixture, now, read};
use crate::parse::{Heard, Kind, delivery, unescape};
use bellhop_core::ids::ChatName;
use bellhop_core::ports::Said;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Markup that means something to Slack, as its message text has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[test]
fn markup_is_undone() {
    for (text, typed) in [
        ("<@U1|ann> <@U2> <@W3>", "@U1 @U2 @W3"),
        ("<#C1|ops> <#C2|> <#C3>", "#C1 #C2 #C3"),
        ("<https://x|x>", "https://x"),
        ("<https://example.com/?a=1&amp;b=2|a page>", "https://example.com/?a=1&b=2"),
        ("<https://example.com>", "https://example.com"),
        ("file get <http://notes.md|notes.md>", "file get notes.md"),
        ("<http://example.com/|example.com>", "example.com"),
        ("<mailto:ann@example.com|ann@example.com>", "ann@example.com"),
        ("<tel:+4912345|+4912345>", "+4912345"),
        ("<!here> <!channel|channel> <!everyone>", "@here @channel @everyone"),
        ("<!subteam^S1|@ops> <!subteam^S2>", "@ops @S2"),
        ("<!date^1793620800^{date_short}|2 November>", "2 November"),
        ("&lt;b&gt; &amp;lt; &quot; & &am", "<b> &lt; &quot; & &am"),
        ("&lt;@U1&gt; &lt;!channel&gt;", "<@U1> <!channel>"),
        ("a < b <> <@> <@a b> <no link> <:x> <a:> <<@U1>", "a < b <> <@> <@a b> <no link> <:x> <a:> <@U1"),
        ("", ""),
    ] {
        assert_eq!(unescape(text), typed, "{text}");
    }
}

#[test]
fn a_member_of_another_kind_is_no_panic() {
    for (kind, name) in [
        (Kind::Command, "command_root"),
        (Kind::Event, "message_im_files"),
        (Kind::Event, "app_uninstalled"),
        (Kind::Interaction, "block_actions_button"),
        (Kind::Interaction, "view_submission_form"),
        (Kind::Interaction, "message_action_alert"),
    ] {
        let whole = fixture(name);
        for path in paths(&whole, String::new()) {
            for other in [Value::Null, json!(7), json!([]), json!({}), json!(""), json!(true)] {
                let mut payload = whole.clone();
                if let Some(member) = payload.pointer_mut(&path) {
                    *member = other;
                }
                let _ = read(kind, &payload);
            }
        }
    }
}

fn paths(value: &Value, at: String) -> Vec<String> {
    let below: Vec<String> = match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, member)| paths(member, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))))
            .collect(),
        Value::Array(items) => items.iter().enumerate().flat_map(|(index, item)| paths(item, format!("{at}/{index}"))).collect(),
        _ => Vec::new(),
    };
    below.into_iter().chain([at]).collect()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "event_callback",
            "app_mention",
            "message",
            "im",
            "block_actions",
            "view_submission",
            "form",
            "save",
            "U1",
            "D1"
        ])
        .prop_map(Value::from),
    ];
    let name = prop_oneof![
        prop::sample::select(vec![
            "type",
            "event",
            "user",
            "id",
            "channel",
            "ts",
            "text",
            "team",
            "team_id",
            "actions",
            "value",
            "view",
            "state",
            "values",
            "v",
            "callback_id",
            "files",
            "links",
            "thread_ts",
            "authorizations",
            "user_id",
            "channel_id",
            "trigger_id",
            "command",
            "message",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..8).prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused(payload in any_json()) {
        for kind in [Kind::Command, Kind::Interaction, Kind::Event] {
            let _ = delivery(kind, &payload, &ChatName::from("work"), now());
        }
    }

    #[test]
    fn any_text_is_unescaped(text in any::<String>()) {
        let _ = unescape(&text);
    }

    #[test]
    fn text_that_slack_escaped_comes_back_as_it_was(text in any::<String>()) {
        prop_assert_eq!(unescape(&escaped(&text)), text);
    }

    #[test]
    fn escaped_markup_never_becomes_markup(text in "[<>&@!#|a-z:/;]{0,24}") {
        prop_assert_eq!(unescape(&escaped(&text)), text);
    }

    #[test]
    fn mentions_keep_their_id(id in "[UW][A-Z0-9]{2,10}", label in "[^<>|&]{0,12}", before in "[a-z ]{0,8}") {
        prop_assert_eq!(unescape(&format!("{before}<@{id}|{label}>")), format!("{before}@{id}"));
        prop_assert_eq!(unescape(&format!("{before}<#{id}|{label}>")), format!("{before}#{id}"));
    }

    #[test]
    fn a_command_says_what_was_typed(text in "[^`\u{0}]{0,40}") {
        let mut fields = fixture("command_root");
        fields["text"] = escaped(&text).into();
        let Ok(Heard::Accept(incoming)) = read(Kind::Command, &fields) else { panic!("a command is always taken") };
        let line = if text.trim().is_empty() { "help" } else { text.trim() };
        prop_assert_eq!(&incoming.said, &Said::Line(line.to_owned()));
    }
}
