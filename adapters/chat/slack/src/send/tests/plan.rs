//! Messages of a later time, and addresses of messages.

use crate::testbed::{Answer, Bed, at, said};
use bellhop_core::PortErrorKind;
use bellhop_core::clock::Clock as _;
use bellhop_core::ports::{ChatPlatform as _, Post};
use chrono::TimeDelta;
use serde_json::json;

#[tokio::test]
async fn slack_posts_later_and_without_metadata() {
    let bed = Bed::new().await;
    let when = bed.clock.now() + TimeDelta::hours(1);
    let id = bed.slack.post_later(&said("k", "later"), when).await.unwrap();
    assert_eq!(id.as_str(), "s:Q1");
    let sent = bed.world.calls("chat.scheduleMessage").remove(0);
    assert_eq!((&sent["post_at"], sent.get("metadata")), (&json!(when.timestamp().to_string()), None));
    bed.slack.retract(&at("C1"), &id).await.unwrap();
    assert_eq!(bed.world.calls("chat.deleteScheduledMessage").len(), 1);
    for (ahead, says) in [(TimeDelta::zero(), "is over"), (TimeDelta::seconds(-5), "is over"), (TimeDelta::days(121), "120 days")] {
        let error = bed.slack.post_later(&said("k", "x"), bed.clock.now() + ahead).await.unwrap_err();
        assert!(error.kind == PortErrorKind::Invalid && error.message.contains(says), "{error}");
    }
    assert_eq!(bed.world.calls("chat.scheduleMessage").len(), 1);
    for (code, says) in [("time_in_past", "is over"), ("time_too_far", "120 days"), ("restricted_too_many", "30 messages")] {
        bed.world.answer("chat.scheduleMessage", Answer::Refuse(code));
        let error = bed.slack.post_later(&said("k", "x"), when).await.unwrap_err();
        assert!(error.message.contains(says), "{error}");
    }
    bed.world.answer("chat.scheduleMessage", Answer::Refuse("not_in_channel"));
    bed.slack.post_later(&Post { to: at("C2"), ..said("k", "x") }, when).await.unwrap();
    assert!(bed.world.inner().places["C2"].bot);
}

#[tokio::test]
async fn messages_have_addresses() {
    let bed = Bed::new().await;
    let id = bed.slack.deliver(&said("k", "x")).await.unwrap();
    assert!(bed.slack.permalink(&at("C1"), &id).await.unwrap().unwrap().starts_with("https://acme.slack.com/"));
    for id in ["9.9", "e:1.1", "v:V1", "r:1-a", "f:F9"] {
        assert_eq!(bed.slack.permalink(&at("C1"), &id.into()).await.unwrap(), None, "{id}");
    }
}
