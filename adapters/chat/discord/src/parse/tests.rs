//! Deliveries as Discord's pages show them, and ones that leave out or add.

use super::*;
use proptest::prelude::*;
use serde_json::json;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_timestamp(1_700_000_000, 0).unwrap()
}

/// An interaction in a server's channel, with this type and data.
pub(crate) fn interaction(kind: u64, data: &Value) -> Value {
    json!({
        "id": "900000000000000001", "application_id": "800000000000000001", "type": kind, "data": data, "token": "tok-1", "version": 1,
        "guild_id": "700000000000000001", "guild": { "id": "700000000000000001", "locale": "en-US", "features": [] },
        "channel_id": "600000000000000001", "channel": { "id": "600000000000000001", "type": 0, "name": "ops" },
        "member": { "user": { "id": "500000000000000001", "username": "ann", "global_name": "Ann", "discriminator": "0" },
                    "roles": [], "permissions": "2147483647", "nick": null },
        "app_permissions": "2252197903592528", "locale": "en-US", "entitlements": [], "context": 0, "attachment_size_limit": 10_485_760,
        "authorizing_integration_owners": { "0": "700000000000000001" }, "brand_new": { "member": true },
    })
}

#[test]
fn who_and_where_is_known() {
    let of = origin(&interaction(2, &json!({})), &"guild".into(), now()).unwrap();
    assert_eq!(of.at.to_string(), "guild:700000000000000001/600000000000000001");
    assert_eq!((of.from.user.as_str(), of.name.as_str(), of.key.as_str()), ("500000000000000001", "Ann", "int:900000000000000001"));
    let reply = of.reply.interaction.unwrap();
    assert!(reply.may_post && !reply.promised && reply.token == "tok-1");
}

#[test]
fn threads_and_direct_conversations_are_places() {
    let mut thread = interaction(2, &json!({}));
    thread["channel"] = json!({ "id": "600000000000000001", "type": 11, "parent_id": "600000000000000009" });
    let at = origin(&thread, &"guild".into(), now()).unwrap().at;
    assert_eq!((at.channel.as_str(), at.thread.as_ref().map(ThreadId::as_str)), ("600000000000000009", Some("600000000000000001")));
    let mut direct = interaction(2, &json!({}));
    for gone in ["guild_id", "guild", "member", "app_permissions"] {
        direct.as_object_mut().unwrap().remove(gone);
    }
    direct["user"] = json!({ "id": "5", "username": "ann" });
    direct["context"] = json!(1);
    let of = origin(&direct, &"guild".into(), now()).unwrap();
    assert_eq!((of.at.workspace.as_str(), of.name.as_str()), (DIRECT, "ann"));
    assert!(of.reply.interaction.unwrap().may_post);
}

#[test]
fn where_the_bot_may_not_post_is_known() {
    let mut there = interaction(2, &json!({}));
    there["app_permissions"] = json!((1_u64 << 10).to_string());
    assert!(!origin(&there, &"guild".into(), now()).unwrap().reply.interaction.unwrap().may_post);
    there["app_permissions"] = json!((1_u64 << 3).to_string());
    assert!(origin(&there, &"guild".into(), now()).unwrap().reply.interaction.unwrap().may_post);
}

#[test]
fn what_is_missing_is_named() {
    for member in ["id", "token", "channel_id", "application_id"] {
        let mut broken = interaction(2, &json!({}));
        broken.as_object_mut().unwrap().remove(member);
        if member == "channel_id" {
            broken.as_object_mut().unwrap().remove("channel");
        }
        let error = origin(&broken, &"guild".into(), now()).err().unwrap();
        assert!(error.member.contains(member), "{member}: {error}");
    }
}

fn said(content: &str, more: &Value) -> Value {
    let mut message = json!({
        "id": "400000000000000001", "channel_id": "600000000000000001", "guild_id": "700000000000000001", "type": 0, "content": content,
        "author": { "id": "5", "username": "ann", "global_name": "Ann" }, "member": { "nick": "Annie" }, "mentions": [{ "id": "9" }],
        "attachments": [],
    });
    for (name, value) in more.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

#[test]
fn messages_that_speak_to_the_bot_are_heard() {
    let heard = |value: &Value| message(value, "9", &"guild".into(), now());
    let one = heard(&said("<@9> file list reports/", &json!({}))).unwrap();
    assert_eq!(
        (one.line.as_str(), one.origin.name.as_str(), one.origin.key.as_str()),
        ("file list reports/", "Annie", "msg:400000000000000001")
    );
    let direct = heard(&said("status", &json!({ "guild_id": null, "mentions": [] }))).unwrap();
    assert_eq!((direct.line.as_str(), direct.origin.at.workspace.as_str()), ("status", DIRECT));
    let file = json!([{ "id": "3", "filename": "a.txt", "size": 5, "url": "https://cdn.discordapp.com/x?ex=1" }]);
    let files = heard(&said("", &json!({ "guild_id": null, "mentions": [], "attachments": file }))).unwrap();
    assert_eq!((files.line.as_str(), files.attachments.len()), ("file put", 1));
    assert_eq!(heard(&said("<@9>", &json!({}))).unwrap().line, "help");
    for other in [
        said("hello all", &json!({ "mentions": [] })),
        said("an answer", &json!({})),
        said("<@9> x", &json!({ "author": { "id": "9", "bot": true } })),
        said("<@9> x", &json!({ "author": { "id": "7", "bot": true } })),
        said("<@9> x", &json!({ "webhook_id": "7" })),
        said("<@9> x", &json!({ "type": 6 })),
        json!({}),
    ] {
        assert!(heard(&other).is_none(), "{other}");
    }
}

proptest! {
    #[test]
    fn no_delivery_breaks_it(path in prop::sample::select(vec!["id", "member", "channel", "data", "app_permissions", "context", "message", "user"]), text in ".*") {
        let mut odd = interaction(3, &json!({ "custom_id": text }));
        odd[path] = json!(text);
        let _ = origin(&odd, &"guild".into(), now());
        let _ = message(&odd, "9", &"guild".into(), now());
        let _ = shown(&odd);
    }
}
