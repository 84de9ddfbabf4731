//! Broken and unknown things, refused tokens, places that are gone, limits: what people see then.

use super::{Office, all, calm, hears};
use bellhop_e2e::{Bot, PATIENCE};
use bellhop_kit::teams::{Behaviour, Forgery, Settings};
use bellhop_kit::wait::until;
use serde_json::{Value, json};

/// Waits until the list of what could not be delivered has this in it.
async fn undelivered(bot: &Bot, text: &str) -> String {
    until(PATIENCE, &format!("{text:?} among the undelivered"), || async {
        let list = bot.said(&["outbox", "list"]).await;
        list.contains(text).then_some(list)
    })
    .await
}

async fn posts(bot: &Bot, text: &str, place: &str) {
    bot.said(&["channel", "post", text, "--in", place]).await;
}

#[tokio::test]
async fn activities_of_any_kind_and_shape_are_answered_and_harm_nothing() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    let url = format!("{}/chat/work", office.bot.url);
    let base = office.world.activity("message", &ann, "@bellhop");
    for kind in [
        "typing",
        "event",
        "endOfConversation",
        "messageReaction",
        "messageUpdate",
        "messageDelete",
        "conversationUpdate",
        "installationUpdate",
        "trace",
        "nobodyKnowsThis",
    ] {
        let mut activity = base.clone();
        activity["type"] = json!(kind);
        let answer = office.world.send(&url, &activity, &Forgery::None).await.unwrap();
        assert!(matches!(answer.status, 200..=202), "{kind}: {} {}", answer.status, answer.text());
        assert_eq!(answer.text(), "", "{kind}");
    }
    for path in ["/from", "/conversation", "/recipient", "/id", "/channelData", "/text", "/entities", "/attachments"] {
        for value in [Value::Null, json!(7), json!([]), json!({ "id": [1] }), json!("x")] {
            let mut activity = base.clone();
            if let Some(place) = activity.pointer_mut(path) {
                *place = value.clone();
            } else {
                activity[path.trim_start_matches('/')] = value.clone();
            }
            let answer = office.world.send(&url, &activity, &Forgery::None).await.unwrap();
            assert!(answer.status < 500, "{path} = {value}: {} {}", answer.status, answer.text());
        }
    }
    let service = office.world.service_url();
    for body in [&b"{"[..], b"", b"[]", b"7", b"null", b"\xff\xfe", &vec![b'['; 100_000]] {
        let answer = office.world.send_raw(&url, body, &service, &Forgery::None).await.unwrap();
        assert!((400..500).contains(&answer.status), "{:?}: {}", &body[..body.len().min(9)], answer.status);
    }
    let huge = json!({ "type": "message", "text": "x".repeat(3 << 20) }).to_string();
    let answer = office.world.send_raw(&url, huge.as_bytes(), &service, &Forgery::None).await;
    assert!(answer.as_ref().map_or(true, |answer| answer.status == 413), "{answer:?}");
    let message = all(&ann, "@bellhop", "").len();
    ann.dm("status").await.unwrap();
    hears(&ann, "@bellhop", "Bellhop is at your service").await;
    assert!(message < 60, "the bot said {message} things");
    office.proper();
}

#[tokio::test]
async fn text_that_means_something_to_teams_stays_text() {
    let office = Office::open(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    for hostile in ["<at>Bob Baker</at>", "**bold** [x](https://evil.example)", "<script>alert(1)</script>", "&lt;b&gt;", "a_b_c * d"] {
        office.bot.said(&["channel", "post", hostile, "--in", "work/#ops"]).await;
        let seen = hears(&ann, "#ops", hostile).await;
        assert!(seen.links.is_empty() && seen.notified.is_empty(), "{seen:?}");
    }
    assert_eq!(bob.notifications(), []);
    office.proper();
}

#[tokio::test]
async fn a_place_that_is_gone_closed_or_without_the_bot_keeps_nothing_else_back() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    for place in ["work/#ops", "work/#random", "work/#vault"] {
        posts(&office.bot, "still open", place).await;
    }
    hears(&ann, "#vault", "still open").await;
    office.world.delete_channel("random");
    office.world.bot_in_channel("vault", false);
    for place in ["work/#random", "work/#vault", "work/#ops"] {
        let _ = office.bot.say(&["channel", "post", "later", "--in", place]).await;
    }
    hears(&ann, "#ops", "later").await;
    let refused = office.bot.say(&["channel", "post", "closed", "--in", "work/#old"]).await;
    if refused.code == 0 {
        undelivered(&office.bot, "closed").await;
    }
    ann.dm("status").await.unwrap();
    hears(&ann, "@bellhop", "Bellhop is at your service").await;
}

#[tokio::test]
async fn a_person_who_blocked_the_bot_is_not_tried_again_and_again() {
    let office = Office::open(calm(), "").await;
    let bob = office.person("bob");
    bob.dm("status").await.unwrap();
    hears(&bob, "@bellhop", "Bellhop is at your service").await;
    office.world.block("bob", true);
    let before = office.world.ledger().calls_of("send") + office.world.ledger().calls_of("reply");
    let posted = office.bot.say(&["channel", "post", "are you there", "--in", "work/@bob"]).await;
    until(PATIENCE, &format!("a try, after {}{}", posted.out, posted.err), || async {
        let ledger = office.world.ledger();
        let failed = ledger.failures.iter().any(|failure| failure.contains("ConversationBlockedByUser"));
        failed.then_some(())
    })
    .await;
    office.world.block("bob", false);
    bob.dm("help").await.unwrap();
    hears(&bob, "@bellhop", "Explains the commands").await;
    let after = office.world.ledger().calls_of("send") + office.world.ledger().calls_of("reply");
    assert!(after - before <= 6, "{} calls", after - before);
}

#[tokio::test]
async fn a_wrong_secret_or_no_consent_is_told_to_the_operators() {
    let office = Office::open(Settings { consented: false, ..calm() }, "").await;
    let checked = office.bot.bellhop(&["check", "--live"]).await;
    let said = format!("{}{}", checked.out, checked.err);
    assert!(checked.code != 0 && said.contains("AADSTS7000229"), "{said}");
    assert!(!said.contains(&office.world.app_password()));

    let office = Office::open(calm(), "").await;
    let _ = office.world.change_password();
    let checked = office.bot.bellhop(&["check", "--live"]).await;
    let said = format!("{}{}", checked.out, checked.err);
    assert!(checked.code != 0 && said.contains("the client secret is wrong"), "{said}");
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    ann.dm("help file").await.unwrap();
    hears(&ann, "@bellhop", "file put").await;
    let before = office.world.ledger().calls_of("token");
    office.world.revoke_tokens();
    ann.dm("help channel").await.unwrap();
    hears(&ann, "@bellhop", "channel post").await;
    let asked = office.world.ledger().calls_of("token") - before;
    assert!((1..=2).contains(&asked), "{asked} times");
}

#[tokio::test]
async fn what_may_be_tried_again_is_and_what_may_not_is_not() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    posts(&office.bot, "first of all", "work/#ops").await;
    hears(&ann, "#ops", "first of all").await;
    for (status, wait) in [(412, None), (429, Some(2)), (429, None), (502, None), (503, Some(1)), (503, None)] {
        let text = format!("after {status} {wait:?}");
        office.world.behave(Behaviour {
            call: Some("send".into()),
            refuse: Some(status),
            retry_after: wait,
            times: Some(1),
            ..Behaviour::default()
        });
        posts(&office.bot, &text, "work/#ops").await;
        hears(&ann, "#ops", &text).await;
        assert_eq!(all(&ann, "#ops", &text).len(), 1, "{text}");
    }
    for status in [400, 403, 404, 500] {
        let text = format!("refused with {status}");
        office.world.behave(Behaviour { call: Some("send".into()), refuse: Some(status), ..Behaviour::default() });
        let before = office.world.ledger().calls_of("send");
        let _ = office.bot.say(&["channel", "post", &text, "--in", "work/#ops"]).await;
        undelivered(&office.bot, &text).await;
        let tried = office.world.ledger().calls_of("send") - before;
        assert!((1..=2).contains(&tried), "{status}: tried {tried} times");
    }
    assert_eq!(office.world.ledger().early, Vec::<String>::new());
}

#[tokio::test]
async fn the_windows_of_a_conversation_are_kept() {
    let office = Office::open(Settings::default(), "").await;
    let ann = office.person("ann");
    for n in 0..20 {
        posts(&office.bot, &format!("number {n}."), "work/#ops").await;
    }
    for n in 0..20 {
        hears(&ann, "#ops", &format!("number {n}.")).await;
    }
    let order: Vec<usize> =
        ann.hears("#ops").iter().filter_map(|seen| seen.text.split_once("number ")?.1.split('.').next()?.parse().ok()).collect();
    assert_eq!(order, (0..20).collect::<Vec<_>>());
    office.proper();
}
