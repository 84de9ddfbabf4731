//! Names, and how often Slack is asked for them.

use crate::testbed::{Answer, Bed, Place};
use bellhop_core::ids::WorkspaceId;
use std::time::Duration;

fn t1() -> WorkspaceId {
    "T1".into()
}

#[tokio::test]
async fn many_who_ask_at_once_ask_slack_once() {
    let bed = Bed::new().await;
    let directory = &bed.slack.desk.directory;
    let workspace = t1();
    let asked = futures::future::join_all((0..20).map(|_| directory.channel_name(&workspace, "C1"))).await;
    assert!(asked.iter().all(|name| name.as_deref() == Some("ops")));
    assert_eq!(bed.world.calls("conversations.list").len(), 1);
    let asked = futures::future::join_all((0..20).map(|_| directory.user(&workspace, "U1"))).await;
    let ann = asked[0].clone().unwrap();
    assert_eq!((ann.name.as_str(), ann.handle.as_str(), ann.zone), ("Ann", "ann", Some(chrono_tz::Tz::Europe__Berlin)));
    assert!(asked.iter().all(|person| person.as_ref() == Some(&ann)) && !ann.is_restricted);
    assert_eq!(bed.world.calls("users.info").len(), 1);
    assert_eq!((directory.channel_name(&workspace, "D1").await, directory.user(&workspace, "U99").await), (None, None));
}

#[tokio::test]
async fn a_name_that_is_not_known_is_looked_for_anew_now_and_then() {
    let bed = Bed::new().await;
    bed.world.inner().page = 100;
    let directory = &bed.slack.desk.directory;
    assert!(directory.channel_named(&t1(), "new").await.unwrap().is_none());
    assert!(directory.find_person(&t1(), "zoe").await.unwrap().is_none());
    bed.world.inner().places.insert("C77".into(), Place { name: "new".into(), ..Place::default() });
    bed.world.inner().people.push(("U77".into(), "zoe".into(), "Zoe".into()));
    bed.clock.advance(Duration::from_secs(29));
    for _ in 0..5 {
        assert!(directory.channel_named(&t1(), "new").await.unwrap().is_none());
        assert!(directory.find_person(&t1(), "zoe").await.unwrap().is_none());
    }
    assert_eq!((bed.world.calls("conversations.list").len(), bed.world.calls("users.list").len()), (1, 1));
    bed.clock.advance(Duration::from_secs(2));
    assert_eq!(directory.channel_named(&t1(), "New").await.unwrap().unwrap().id, "C77");
    assert_eq!(directory.find_person(&t1(), "@Zoe").await.unwrap().unwrap().id, "U77");
}

#[tokio::test]
async fn people_are_read_no_further_than_needed() {
    let bed = Bed::new().await;
    let directory = &bed.slack.desk.directory;
    assert_eq!(directory.find_person(&t1(), "bob").await.unwrap().unwrap().id, "U2");
    assert_eq!(bed.world.calls("users.list").len(), 1);
    // What failed goes on where it was.
    bed.world.answer("users.list", Answer::Raw(503, &[], ""));
    assert!(directory.find_person(&t1(), "sam3").await.is_err());
    assert_eq!(directory.find_person(&t1(), "sam3").await.unwrap().unwrap().id, "U5");
    let cursors: Vec<_> = bed.world.calls("users.list").iter().map(|call| call.get("cursor").cloned()).collect();
    assert_eq!(cursors, [None, Some("2".into()), Some("2".into()), Some("4".into())]);
}

#[tokio::test]
async fn what_changed_is_forgotten_when_told() {
    let bed = Bed::new().await;
    let directory = &bed.slack.desk.directory;
    assert_eq!(directory.channel_name(&t1(), "C1").await.as_deref(), Some("ops"));
    assert_eq!(directory.user(&t1(), "U1").await.unwrap().name, "Ann");
    assert!(directory.find_person(&t1(), "ann").await.unwrap().is_some());
    bed.world.inner().places.get_mut("C1").unwrap().name = "operations".into();
    bed.world.inner().people[0].1 = "anna".into();
    bed.world.inner().people[0].2 = "Anna".into();
    assert_eq!(directory.channel_name(&t1(), "C1").await.as_deref(), Some("ops"));
    directory.forget(&t1()).await;
    assert_eq!(directory.channel_name(&t1(), "C1").await.as_deref(), Some("operations"));
    assert_eq!(directory.user(&t1(), "U1").await.unwrap().name, "Anna");
    assert_eq!(directory.find_person(&t1(), "anna").await.unwrap().unwrap().id, "U1");
}

#[tokio::test]
async fn a_closed_channel_lends_its_name() {
    let bed = Bed::new().await;
    let directory = &bed.slack.desk.directory;
    bed.world.inner().places.insert("C00".into(), Place { name: "ops".into(), archived: true, ..Place::default() });
    assert_eq!(directory.channel_named(&t1(), "ops").await.unwrap().unwrap().id, "C1");
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    let bed = Bed::new().await;
    let directory = &bed.slack.desk.directory;
    bed.world.answer("users.info", Answer::Refuse("fatal_error"));
    assert!(directory.user(&t1(), "U1").await.is_none());
    assert!(directory.user(&t1(), "U1").await.is_some());
    bed.world.answer("conversations.list", Answer::Raw(200, &[("content-type", "text/html")], "<html>"));
    assert!(directory.channels(&t1()).await.is_err());
    assert_eq!(directory.channels(&t1()).await.unwrap().len(), 2);
}
