//! Channels, as Slack and the one who asks see them.

use crate::testbed::{Answer, Bed, Place, at};
use bellhop_core::ports::{Channels as _, ChatPlatform as _};
use bellhop_core::{PortErrorKind, Retry};
use serde_json::json;

fn names(people: &[&str]) -> Vec<String> {
    people.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn the_list_is_read_to_its_last_page() {
    let bed = Bed::new().await;
    for n in 0..5 {
        let place = Place { name: format!("more-{n}"), topic: "a < b".into(), ..Place::default() };
        bed.world.inner().places.insert(format!("C5{n}"), place);
    }
    let list = bed.slack.list().await.unwrap();
    let listed: Vec<&str> = list.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(listed, ["more-0", "more-1", "more-2", "more-3", "more-4", "ops", "random"]);
    assert_eq!((list[0].topic.as_str(), list[5].address.clone()), ("a < b", at("C1")));
    let pages = bed.world.calls("conversations.list");
    assert_eq!(pages.len(), 4);
    assert_eq!((&pages[0]["types"], &pages[0]["limit"]), (&json!("public_channel,private_channel"), &json!("200")));
    // Asked again at once, Slack isn't.
    bed.slack.list().await.unwrap();
    assert_eq!(bed.world.calls("conversations.list").len(), 4);
}

#[tokio::test]
async fn channels_are_made_found_and_changed() {
    let bed = Bed::new().await;
    bed.world.inner().page = 100;
    bed.slack.list().await.unwrap();
    let made = bed.slack.create("#New Ideas", true).await.unwrap();
    assert_eq!((made.name.as_str(), made.private), ("new-ideas", true));
    assert_eq!(bed.slack.locate(None, "new-ideas", false).await.unwrap(), Some(made.address.clone()));
    assert_eq!(bed.slack.create("new-ideas", false).await.unwrap_err().kind, PortErrorKind::Conflict);
    assert_eq!(bed.slack.rename(&made.address, "Old Ideas").await.unwrap().name, "old-ideas");
    assert_eq!(bed.slack.locate(None, "old-ideas", false).await.unwrap(), Some(made.address.clone()));
    assert_eq!(bed.slack.locate(None, "new-ideas", false).await.unwrap(), None);
    assert_eq!(bed.slack.rename(&made.address, "ops").await.unwrap_err().kind, PortErrorKind::Conflict);
    bed.slack.set_topic(&made.address, "What <b> & [x]").await.unwrap();
    bed.slack.set_purpose(&made.address, &"ü".repeat(250)).await.unwrap();
    let list = bed.slack.list().await.unwrap();
    assert_eq!(list.iter().find(|channel| channel.name == "old-ideas").unwrap().topic, "What <b> & [x]");
    // What we changed ourselves is known without asking: the one page at the start, and one for a name that is gone.
    assert!(bed.world.calls("conversations.list").len() <= 2);
    bed.slack.desk.directory.forget_channels(&"T1".into()).await;
    assert_eq!(bed.slack.list().await.unwrap(), list, "what we knew is not what Slack has");
    for error in [bed.slack.set_topic(&made.address, &"x".repeat(251)).await, bed.slack.set_purpose(&made.address, &"x".repeat(251)).await]
    {
        let error = error.unwrap_err();
        assert!(error.kind == PortErrorKind::Invalid && error.message.contains("251"), "{error}");
    }
    for _ in 0..2 {
        bed.slack.archive(&made.address).await.unwrap();
    }
    assert!(bed.slack.list().await.unwrap().iter().any(|channel| channel.name == "old-ideas" && channel.archived));
    let error = bed.slack.unarchive(&made.address).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unsupported && error.message.contains("a person can"), "{error}");
    bed.slack.unarchive(&at("C1")).await.unwrap();
}

#[tokio::test]
async fn wrong_names_are_explained_before_slack_is_asked() {
    let bed = Bed::new().await;
    let long = "x".repeat(81);
    for (name, says) in
        [("", "empty"), ("#", "empty"), (long.as_str(), "80"), ("a!b", "letters, digits"), ("a/b", "letters, digits"), ("---", "a letter")]
    {
        let error = bed.slack.create(name, false).await.unwrap_err();
        assert!(error.kind == PortErrorKind::Invalid && error.message.contains(says), "{name}: {error}");
    }
    assert!(bed.world.calls("conversations.create").is_empty());
    bed.world.answer("conversations.create", Answer::Refuse("invalid_name_specials"));
    let error = bed.slack.create("ünicode", false).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Invalid && error.message.contains("#ünicode"), "{error}");
}

#[tokio::test]
async fn refusals_are_explained() {
    let bed = Bed::new().await;
    bed.world.answer("conversations.archive", Answer::Refuse("cant_archive_general"));
    assert!(bed.slack.archive(&at("C1")).await.unwrap_err().message.contains("everyone"));
    bed.world.answer("conversations.rename", Answer::Refuse("not_authorized"));
    assert!(bed.slack.rename(&at("C1"), "x1").await.unwrap_err().message.contains("administrators"));
    let error = bed.slack.join(&at("C3")).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unsupported && error.message.contains("/invite"), "{error}");
    bed.world.answer("conversations.setTopic", Answer::Json(json!({ "ok": false, "error": "missing_scope", "needed": "channels:manage" })));
    assert!(bed.slack.set_topic(&at("C1"), "x").await.unwrap_err().message.contains("channels:manage"));
}

#[tokio::test]
async fn the_bot_enters_where_it_has_to_and_may() {
    let bed = Bed::new().await;
    bed.slack.set_topic(&at("C2"), "entered").await.unwrap();
    assert!(bed.world.inner().places["C2"].bot);
    for _ in 0..2 {
        bed.slack.join(&at("C2")).await.unwrap();
    }
    assert_eq!(bed.slack.set_topic(&at("C3"), "x").await.unwrap_err().kind, PortErrorKind::Denied);
}

#[tokio::test]
async fn people_are_invited_by_any_of_their_names() {
    let bed = Bed::new().await;
    let people = names(&["<@U3|sam1>", "@sam2", "U5", "ann@acme.example", "<mailto:sam1@acme.example|sam1@acme.example>"]);
    for _ in 0..2 {
        bed.slack.invite(&at("C1"), &people).await.unwrap();
    }
    let members = bed.world.inner().places["C1"].members.clone();
    assert_eq!(members, ["U1", "U3", "U4", "U5"]);
    assert_eq!(bed.world.calls("conversations.invite")[0]["users"], "U1,U3,U4,U5");
    for (name, kind, says) in [("nobody-0", PortErrorKind::NotFound, "`nobody-0`"), ("Sam", PortErrorKind::Invalid, "@sam1, @sam2, @sam3")]
    {
        let error = bed.slack.invite(&at("C1"), &names(&["bob", name])).await.unwrap_err();
        assert!(error.kind == kind && error.message.contains(says), "{error}");
    }
    assert!(!bed.world.inner().places["C1"].members.contains(&"U2".to_owned()));
}

#[tokio::test]
async fn who_cannot_be_invited_is_named_and_the_others_come() {
    let bed = Bed::new().await;
    let error = bed.slack.invite(&at("C1"), &names(&["ann", "bob", "sam1"])).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Denied && error.message.contains("@bob (a guest") && !error.message.contains("@ann"), "{error}");
    assert_eq!(bed.world.inner().places["C1"].members, ["U1", "U3"]);
    // Where one of them stops the whole call, each comes alone.
    bed.world.answer("conversations.invite", Answer::Refuse("cant_invite"));
    let error = bed.slack.invite(&at("C1"), &names(&["bob", "sam2"])).await.unwrap_err();
    assert!(error.message.contains("@bob (a guest"), "{error}");
    assert_eq!(bed.world.inner().places["C1"].members, ["U1", "U3", "U4"]);
    let error = bed.slack.invite(&at("C1"), &names(&["bob"])).await.unwrap_err();
    assert!(error.message.contains("@bob (a guest"), "{error}");
}

#[tokio::test]
async fn a_hundred_at_a_time() {
    let bed = Bed::new().await;
    {
        let mut inner = bed.world.inner();
        inner.page = 100;
        inner.people = (0..250).map(|n| (format!("U1{n:03}"), format!("p{n}"), format!("P {n}"))).collect();
    }
    let people: Vec<String> = (0..250).map(|n| format!("p{n}")).collect();
    bed.slack.invite(&at("C1"), &people).await.unwrap();
    let sizes: Vec<usize> =
        bed.world.calls("conversations.invite").iter().map(|call| call["users"].as_str().unwrap().split(',').count()).collect();
    assert_eq!(sizes, [100, 100, 50]);
    assert_eq!(bed.world.calls("users.list").len(), 3);
}

#[tokio::test]
async fn places_are_found_by_names_and_ids() {
    let bed = Bed::new().await;
    for workspace in [None, Some("T1"), Some("acme"), Some("Acme")] {
        for name in ["ops", "#ops", "OPS", "C1"] {
            assert_eq!(bed.slack.locate(workspace, name, false).await.unwrap(), Some(at("C1")), "{workspace:?} {name}");
        }
        for name in ["ann", "@ann", "Ann", "Ann of Acme", "U1", "ann@acme.example"] {
            assert_eq!(bed.slack.locate(workspace, name, true).await.unwrap(), Some(at("D1")), "{workspace:?} {name}");
        }
    }
    for (workspace, name, direct) in [
        (None, "no-such", false),
        (None, "no-such", true),
        (None, "", false),
        (None, "%", false),
        (None, "C999", false),
        (None, "U999", true),
        (Some("other"), "ops", false),
        (None, "vault", false),
        (None, "C3", false),
    ] {
        assert_eq!(bed.slack.locate(workspace, name, direct).await.unwrap(), None, "{workspace:?} {name}");
    }
    assert_eq!(bed.slack.locate(None, "D7", false).await.unwrap(), Some(at("D7")));
    let error = bed.slack.locate(None, "Sam", true).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Invalid && error.message.contains("@sam1, @sam2, @sam3"), "{error}");
    assert_eq!(error.retry, Retry::No);
    // Without the right to open conversations a person's id does.
    bed.world.answer("conversations.open", Answer::Json(json!({ "ok": false, "error": "missing_scope", "needed": "im:write" })));
    assert_eq!(bed.slack.locate(None, "bob", true).await.unwrap(), Some(at("U2")));
}
