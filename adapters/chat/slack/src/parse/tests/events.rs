//! Events.

use super::super::Lifecycle;
use super::{accepted, fixture, heard, interaction, nothing, now, read, seen, wants};
use crate::handle::FileHandle;
use crate::interact::Wants;
use crate::parse::{Heard, Kind};
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::WorkspaceId;
use bellhop_core::ports::Said;
use serde_json::{Value, json};

fn ended(ids: &[&str], at: i64) -> Lifecycle {
    Lifecycle::Ended {
        installations: ids.iter().map(|id| WorkspaceId::from(*id)).collect(),
        at: Timestamp::from_timestamp(at, 0).unwrap_or(now()),
    }
}

fn changed(name: &str, edit: impl Fn(&mut Value)) -> Heard {
    let mut payload = fixture(name);
    edit(&mut payload);
    read(Kind::Event, &payload).unwrap()
}

#[test]
fn a_mention_in_a_thread_is_answered_there() {
    assert_eq!(
        seen(&accepted(Kind::Event, "app_mention")),
        json!({
            "key": "msg:C0OPS:1793620790.000100",
            "from": { "chat": "work", "workspace": "T0WORK", "user": "U0ANN" },
            "name": "U0ANN",
            "at": { "chat": "work", "workspace": "T0WORK", "channel": "C0OPS", "thread": "1793620000.000900" },
            "said": { "line": "report page_views 7d --by country" },
            "reply": null,
        })
    );
    // The message that a thread hangs on is not in it.
    let Heard::Accept(parent) = changed("app_mention", |payload| payload["event"]["thread_ts"] = payload["event"]["ts"].clone()) else {
        panic!("not accepted")
    };
    assert_eq!(parent.at.thread, None);
    assert_eq!(accepted(Kind::Event, "app_mention_bare").said, Said::Line("help".into()));
}

#[test]
fn the_bots_name_is_taken_off_wherever_it_stands() {
    let line = |text: &str, known: bool| {
        let heard = changed("app_mention", |payload| {
            payload["event"]["text"] = text.into();
            if !known {
                payload["authorizations"] = Value::Null;
            }
        });
        match heard {
            Heard::Accept(incoming) => match incoming.said {
                Said::Line(line) => line,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    for (text, said) in [
        ("<@U0BELLHOP> file list", "file list"),
        ("  <@U0BELLHOP|bellhop>: status", "status"),
        ("<@U0BELLHOP>, <@U0BELLHOP>   help", "help"),
        ("hey <@U0BELLHOP> file list", "file list"),
        ("file list <@U0BELLHOP>", "file list"),
        ("<@U0BELLHOP> ```file list```", "file list"),
        ("<@U0BELLHOP> channel invite <@U0BOB> <@U0BELLHOP>", "channel invite @U0BOB @U0BELLHOP"),
        ("<@U0BOB> <@U0BELLHOP> status", "status"),
    ] {
        assert_eq!(line(text, true), said, "{text}");
    }
    assert_eq!(line("<@U0SOMEBOT> file list", false), "file list");
}

#[test]
fn a_direct_message_is_a_line() {
    let line = accepted(Kind::Event, "message_im");
    assert_eq!(
        (line.said, line.at.channel.as_str(), line.key.as_str()),
        (Said::Line("file get notes.md".into()), "D0ANN", "msg:D0ANN:1793620792.000300")
    );
    let files = accepted(Kind::Event, "message_im_files");
    assert_eq!(files.said, Said::Line("file put".into()));
    let shown: Vec<_> =
        files.attachments.iter().map(|file| (file.id.as_str(), file.name.as_str(), file.content_type.as_str(), file.size)).collect();
    assert_eq!(
        shown,
        [
            ("F0NOV", "november.pdf", "application/pdf", Some(48213)),
            ("F0PIC", "Bild 1.png", "image/png", Some(1024)),
            ("F0FAR", "F0FAR", "application/octet-stream", None),
        ]
    );
    let handles: Vec<_> = files.attachments.iter().map(|file| FileHandle::of(&file.handle).unwrap()).collect();
    assert_eq!((handles[0].workspace.as_str(), handles[0].file.as_str()), ("T0WORK", "F0NOV"));
    assert_eq!(handles[0].url.as_deref(), Some("https://files.slack.com/files-pri/T0WORK-F0NOV/download/november.pdf"));
    assert_eq!((handles[2].file.as_str(), handles[2].url.as_deref()), ("F0FAR", None));
    let both = accepted(Kind::Event, "message_im_files_text");
    assert_eq!((both.said, both.attachments.len()), (Said::Line("file put reports/november.pdf".into()), 1));
    assert_eq!(both.at.thread.map(|thread| thread.as_str().to_owned()).as_deref(), Some("1793620700.000100"));
}

#[test]
fn what_nobody_says_to_the_bot_is_left() {
    for name in ["message_im_own", "message_changed", "message_channel", "link_shared_composer"] {
        nothing(Kind::Event, name);
    }
    let left = |edit: &dyn Fn(&mut Value)| matches!(changed("message_im", edit), Heard::Nothing);
    assert!(left(&|payload| payload["event"]["user"] = "U0BELLHOP".into()), "the own user without a bot id");
    assert!(left(&|payload| payload["event"]["bot_id"] = "B0OTHER".into()), "another bot");
    assert!(left(&|payload| payload["event"]["subtype"] = "channel_join".into()));
    assert!(left(&|payload| payload["event"]["channel_type"] = "mpim".into()), "a conversation of several people");
    assert!(left(&|payload| payload["event"]["text"] = "".into()), "nothing was said");
    assert!(left(&|payload| payload["type"] = "app_rate_limited".into()));
    assert!(left(&|payload| payload["event"]["type"] = "a_kind_of_tomorrow".into()));
    assert!(!left(&|payload| payload["event"]["subtype"] = "thread_broadcast".into()));
    let mut mention = fixture("app_mention");
    mention["event"]["bot_id"] = "B0OTHER".into();
    assert!(matches!(read(Kind::Event, &mention).unwrap(), Heard::Nothing));
}

#[test]
fn uploads_homes_and_links_are_looked_into() {
    let upload = interaction(Kind::Event, "file_shared");
    assert_eq!((upload.wants, upload.origin.at.channel.as_str()), (Wants::Upload { file: "F0NOV".into() }, "D0ANN"));
    let own = changed("file_shared", |payload| payload["event"]["user_id"] = "U0BELLHOP".into());
    assert!(matches!(own, Heard::Nothing), "what the bot itself uploads is no upload to it");
    let home = interaction(Kind::Event, "app_home_opened");
    assert_eq!((home.wants, home.origin.at.channel.as_str(), home.origin.from.user.as_str()), (Wants::Home, "D0ANN", "U0ANN"));
    assert!(matches!(changed("app_home_opened", |payload| payload["event"]["tab"] = "messages".into()), Heard::Nothing));
    let urls = ["https://bellhop.example.com/files/abc?sig=1&amp;x=2", "https://bellhop.example.com/files/def"].map(str::to_owned).to_vec();
    assert_eq!(wants(Kind::Event, "link_shared"), Wants::Unfurl { message: "1793620798.001000".into(), urls });
}

#[test]
fn changes_at_slack_are_noted() {
    let lifecycle = |heard: Heard| match heard {
        Heard::Lifecycle(lifecycle) => lifecycle,
        other => panic!("{other:?}"),
    };
    assert_eq!(lifecycle(heard(Kind::Event, "app_uninstalled")), ended(&["T0WORK", "E0CORP"], 1_793_620_790));
    assert_eq!(lifecycle(heard(Kind::Event, "tokens_revoked")), ended(&["T0WORK"], 1_793_620_790));
    let people = changed("tokens_revoked", |payload| payload["event"]["tokens"]["bot"] = json!([]));
    assert!(matches!(people, Heard::Nothing), "a person's own token");
    let workspace = WorkspaceId::from("T0WORK");
    assert_eq!(lifecycle(heard(Kind::Event, "channel_rename")), Lifecycle::Changed { workspace: workspace.clone(), people: false });
    for kind in ["user_change", "channel_archive", "channel_unarchive", "channel_created", "channel_deleted", "member_joined_channel"] {
        let heard = changed("channel_rename", |payload| payload["event"]["type"] = kind.into());
        assert_eq!(lifecycle(heard), Lifecycle::Changed { workspace: workspace.clone(), people: kind == "user_change" }, "{kind}");
    }
}

#[test]
fn a_shared_channels_event_belongs_to_where_the_app_is_installed() {
    let Heard::Accept(incoming) = changed("app_mention", |payload| payload["team_id"] = "T0PARTNER".into()) else { panic!("not accepted") };
    assert_eq!(incoming.at.workspace.as_str(), "T0WORK");
    let Heard::Accept(incoming) = changed("app_mention", |payload| {
        payload["authorizations"] = json!([{ "enterprise_id": "E0CORP", "team_id": null, "user_id": "U0BELLHOP", "is_bot": true }]);
        payload["team_id"] = Value::Null;
        payload["context_team_id"] = Value::Null;
    }) else {
        panic!("not accepted")
    };
    assert_eq!(incoming.at.workspace.as_str(), "E0CORP");
}
