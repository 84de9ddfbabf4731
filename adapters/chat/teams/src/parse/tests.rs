//! Activities as Teams sends them, and what they say.

use super::*;
use crate::handle::FileHandle;
use serde_json::json;

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn said_in(scope: &str, conversation: &str, text: &str) -> Value {
    json!({
        "type": "message", "id": "17", "channelId": "msteams", "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "from": { "id": "29:1ann", "name": "Ann Archer", "aadObjectId": "11111111-2222-3333-4444-555555555555" },
        "recipient": { "id": "28:app", "name": "Bellhop" },
        "conversation": { "id": conversation, "conversationType": scope, "tenantId": "T" },
        "channelData": { "tenant": { "id": "T" } },
        "text": text,
    })
}

fn heard(value: &Value) -> Heard {
    activity(&Activity { value }, &"work".into(), now(), true).unwrap()
}

fn line(value: &Value) -> String {
    match heard(value) {
        Heard::Say(incoming) => match incoming.said {
            Said::Line(line) => line,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn mention(id: &str, text: &str) -> Value {
    json!({ "type": "mention", "mentioned": { "id": id, "name": "x" }, "text": text })
}

#[test]
fn a_personal_message_is_a_line() {
    let mut value = said_in("personal", "a:1", "file list&nbsp;--limit 3\n");
    value["entities"] = json!([{ "type": "clientInfo", "timezone": "Europe/Berlin" }]);
    let Heard::Say(incoming) = heard(&value) else { panic!() };
    assert_eq!(incoming.said, Said::Line("file list --limit 3".into()));
    assert_eq!((incoming.key.as_str(), incoming.name.as_str()), ("msg:a:1:17", "Ann Archer"));
    assert_eq!(incoming.from.user.as_str(), "11111111-2222-3333-4444-555555555555");
    assert_eq!(incoming.zone, Some(chrono_tz::Europe::Berlin));
    assert_eq!(incoming.at, Address::channel("work", "T", "a:1"));
    assert_eq!(ReplyTo::of(incoming.reply.as_ref()).activity.as_deref(), Some("17"));
}

#[test]
fn in_a_channel_only_what_is_said_to_the_bot_is_heard() {
    let thread = "19:abc@thread.tacv2;messageid=15";
    let mut value = said_in("channel", thread, "<at>Bellhop</at> channel invite <at>Bob &amp; Co</at> &lt;b&gt;");
    assert!(matches!(heard(&value), Heard::Nothing), "a bot with more rights hears all that is said");
    value["entities"] = json!([mention("28:app", "<at>Bellhop</at>"), mention("29:1bob", "<at>Bob &amp; Co</at>")]);
    let Heard::Say(incoming) = heard(&value) else { panic!() };
    assert_eq!(incoming.said, Said::Line("channel invite @29:1bob <b>".into()));
    assert_eq!(incoming.at.channel.as_str(), "19:abc@thread.tacv2");
    assert_eq!(incoming.at.thread.as_ref().map(ThreadId::as_str), Some("15"));
    // Whoever writes the bot's name without meaning it mentions nobody.
    value["entities"] = json!([mention("29:1bob", "<at>Bob &amp; Co</at>")]);
    assert!(matches!(heard(&value), Heard::Nothing));
}

#[test]
fn text_is_what_was_typed() {
    for (text, typed) in [
        ("<p>help</p>", "help"),
        ("`file list`", "file list"),
        ("/file list", "/file list"),
        ("track a&#39;b &#x26;amp; &quot;c&quot;", "track a'b &amp; \"c\""),
        ("track x < y > z & w; &unknown;", "track x < y > z & w; &unknown;"),
        ("a\u{202e}b\u{200b}", "ab"),
        ("   ", "help"),
    ] {
        assert_eq!(line(&said_in("personal", "a:1", text)), typed, "{text}");
    }
    let mut value = said_in("personal", "a:1", "<at>Bellhop</at>&nbsp;help");
    value["entities"] = json!([mention("28:app", "<at>Bellhop</at>")]);
    assert_eq!(line(&value), "help");
}

#[test]
fn a_message_for_the_bot_alone_is_a_command() {
    let mut value = said_in("groupChat", "19:x@thread.v2", "/status");
    assert!(matches!(heard(&value), Heard::Nothing));
    value["recipient"]["isTargeted"] = json!(true);
    assert_eq!(line(&value), "/status");
}

#[test]
fn files_come_with_how_to_fetch_them() {
    let mut value = said_in("personal", "a:1", "");
    value["attachments"] = json!([
        { "contentType": "text/html", "content": "<div></div>" },
        { "contentType": "application/vnd.microsoft.teams.file.download.info", "name": "a.txt",
          "content": { "downloadUrl": "https://x.sharepoint.com/d?tempauth=1", "uniqueId": "u1", "fileType": "txt" } },
        { "contentType": "image/*", "contentUrl": "https://smba.trafficmanager.net/emea/v3/attachments/1/views/original" },
    ]);
    let Heard::Say(incoming) = heard(&value) else { panic!() };
    assert_eq!(incoming.said, Said::Line("file put".into()));
    let names: Vec<&str> = incoming.attachments.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["a.txt", "image-3.png"]);
    assert!(matches!(FileHandle::of(&incoming.attachments[0].handle), Some(FileHandle::Open(url)) if url.contains("tempauth")));
    assert!(matches!(FileHandle::of(&incoming.attachments[1].handle), Some(FileHandle::Connector(_))));
    assert!(!format!("{incoming:?}").contains("tempauth"), "the address is a secret");
    let unasked = activity(&Activity { value: &value }, &"work".into(), now(), false).unwrap();
    assert!(matches!(unasked, Heard::Nothing));
}

#[test]
fn a_cards_button_can_come_as_a_message_or_as_an_invoke() {
    let mut value = said_in("personal", "a:1", "");
    value["value"] = json!({ "bellhop": { "i": { "command": "help", "args": {} } } });
    value["replyToId"] = json!("16");
    assert!(matches!(heard(&value), Heard::Click { .. }));
    let mut invoke = said_in("personal", "a:1", "");
    invoke["type"] = json!("invoke");
    invoke["id"] = json!("f:uuid");
    invoke["name"] = json!("adaptiveCard/action");
    invoke["replyToId"] = json!("16");
    invoke["value"] = json!({ "action": { "type": "Action.Execute", "verb": "run", "data": { "x": 1 } }, "trigger": "manual" });
    let Heard::Invoke { origin, asked: Asked::Action { data, trigger, message } } = heard(&invoke) else { panic!() };
    assert_eq!((data, trigger, message.as_str()), (json!({ "x": 1 }), Trigger::Manual, "16"));
    assert_eq!(origin.key.as_str(), "inv:a:1:f:uuid");
    invoke["name"] = json!("tab/fetch");
    assert!(matches!(heard(&invoke), Heard::Unserved(name) if name == "tab/fetch"));
}

#[test]
fn an_extension_brings_the_message_that_it_is_used_on() {
    let mut invoke = said_in("channel", "19:abc@thread.tacv2;messageid=15", "");
    invoke["type"] = json!("invoke");
    invoke["name"] = json!("composeExtension/fetchTask");
    invoke["value"] = json!({ "commandId": "save", "messagePayload": {
        "id": "15", "linkToMessage": "https://teams.microsoft.com/l/message/1",
        "body": { "contentType": "html", "content": "<div>Disk <b>full</b> &amp; slow</div><div>on web-1</div>" },
        "attachments": [{ "id": "9", "contentType": "reference", "name": "log.txt", "contentUrl": "https://x.sharepoint.com/log.txt" }],
    } });
    let Heard::Invoke { asked: Asked::Extension(extension), .. } = heard(&invoke) else { panic!() };
    assert_eq!((extension.command.as_str(), extension.text.as_str()), ("save", "Disk full & slow\non web-1"));
    assert_eq!(extension.attachments[0].name, "log.txt");
}

#[test]
fn what_is_not_for_the_bot_is_nothing() {
    for kind in ["typing", "messageReaction", "messageUpdate", "event", "endOfConversation", "anything"] {
        let mut value = said_in("personal", "a:1", "help");
        value["type"] = json!(kind);
        assert!(matches!(heard(&value), Heard::Nothing), "{kind}");
    }
    let mut own = said_in("personal", "a:1", "help");
    own["from"]["id"] = json!("28:app");
    assert!(matches!(heard(&own), Heard::Nothing), "the bot itself");
}

#[test]
fn where_the_bot_is_and_where_it_is_no_longer_is_known() {
    let mut value = said_in("channel", "19:abc@thread.tacv2", "");
    value["type"] = json!("conversationUpdate");
    value["channelData"]["team"] = json!({ "id": "19:abc@thread.tacv2", "name": "Acme", "aadGroupId": "G" });
    assert!(matches!(heard(&value), Heard::Changed));
    value["membersAdded"] = json!([{ "id": "28:app" }]);
    assert!(matches!(heard(&value), Heard::Membership { here: true }));
    value["membersAdded"] = json!([]);
    value["membersRemoved"] = json!([{ "id": "28:app" }]);
    assert!(matches!(heard(&value), Heard::Membership { here: false }));
    let (id, team) = Activity { value: &value }.team().unwrap();
    assert_eq!((id, team.name.as_str(), team.group.as_str()), ("19:abc@thread.tacv2", "Acme", "G"));
}

#[test]
fn an_activity_with_two_organisations_has_none() {
    let mut value = said_in("personal", "a:1", "help");
    value["conversation"]["tenantId"] = json!("other");
    assert_eq!(Activity { value: &value }.tenant(), "");
}

#[test]
fn what_is_missing_is_named() {
    let mut value = said_in("personal", "a:1", "help");
    value["id"] = Value::Null;
    let error = activity(&Activity { value: &value }, &"work".into(), now(), true).unwrap_err();
    assert_eq!(error.member, "/id");
}
