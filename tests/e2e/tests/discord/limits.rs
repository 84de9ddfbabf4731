//! Discord's limits: buckets, the global one, the resource's own, the edge of the network; and answers that are none.

use super::{Office, calm, hears, times};
use bellhop_e2e::PATIENCE;
use bellhop_kit::discord::{Behaviour, Scope, Settings};
use bellhop_kit::wait::until;
use std::time::Duration;

const POST: &str = "POST /channels/{channel}/messages";

async fn posts(office: &Office, text: &str, place: &str) {
    office.bot.said(&["channel", "post", text, "--in", place]).await;
}

#[tokio::test]
async fn a_bucket_is_used_up_and_waited_for() {
    let office = Office::over_http(calm(), "").await;
    office.world.tune(|settings| settings.limits = Settings::default().limits);
    let bob = office.person("bob");
    for n in 0..12 {
        posts(&office, &format!("number{n:02}"), "work/#ops").await;
    }
    hears(&bob, "#ops", "number11").await;
    let said: Vec<String> = bob.hears("#ops").into_iter().map(|seen| seen.text).collect();
    for n in 0..12 {
        assert_eq!(said.iter().filter(|text| text.contains(&format!("number{n:02}"))).count(), 1, "{said:?}");
    }
    let ledger = office.world.ledger();
    assert_eq!(
        (ledger.early.as_slice(), ledger.limited.get(POST)),
        ([].as_slice(), None),
        "no call was one too many: {:?}",
        ledger.limited
    );
}

#[tokio::test]
async fn each_kind_of_429_is_waited_out_and_everything_arrives_once() {
    let office = Office::over_http(calm(), "").await;
    let bob = office.person("bob");
    for (n, scope) in [Scope::User, Scope::Global, Scope::Shared, Scope::Cloudflare].into_iter().enumerate() {
        office.world.behave(Behaviour {
            route: Some(POST.into()),
            refuse: Some(429),
            retry_after: 1.2,
            scope,
            times: Some(1),
            ..Behaviour::default()
        });
        posts(&office, &format!("through{n}"), "work/#ops").await;
        hears(&bob, "#ops", &format!("through{n}")).await;
        assert_eq!(times(&bob, "#ops", &format!("through{n}")), 1, "{scope:?}");
    }
    let ledger = office.world.ledger();
    assert_eq!(ledger.early, Vec::<String>::new());
    assert_eq!(ledger.limited.get(POST), Some(&4));
}

#[tokio::test]
async fn a_limit_on_one_channel_keeps_no_other_back() {
    let office = Office::over_http(calm(), "").await;
    let bob = office.person("bob");
    office.world.behave(Behaviour {
        route: Some(POST.into()),
        refuse: Some(429),
        retry_after: 5.0,
        times: Some(1),
        ..Behaviour::default()
    });
    posts(&office, "late", "work/#ops").await;
    until(PATIENCE, "the limit", || async { (office.world.ledger().all_limited() == 1).then_some(()) }).await;
    posts(&office, "at once", "work/#general").await;
    hears(&bob, "#general", "at once").await;
    assert_eq!(times(&bob, "#ops", "late"), 0);
    hears(&bob, "#ops", "late").await;
    assert_eq!(office.world.ledger().early, Vec::<String>::new());
}

#[tokio::test]
async fn errors_and_garbage_for_answers_lose_nothing_and_repeat_nothing() {
    let office = Office::over_http(calm(), "").await;
    let bob = office.person("bob");
    let one = |behaviour: Behaviour| Behaviour { route: Some(POST.into()), times: Some(1), ..behaviour };
    for (n, behaviour) in [
        Behaviour { refuse: Some(503), ..Behaviour::default() },
        Behaviour { fail_after: Some(502), ..Behaviour::default() },
        Behaviour { html: true, ..Behaviour::default() },
        Behaviour { garbage: true, ..Behaviour::default() },
        Behaviour { reset_percent: 100, ..Behaviour::default() },
        Behaviour { lose_percent: 100, ..Behaviour::default() },
        Behaviour { linger: Duration::from_secs(12), ..Behaviour::default() },
    ]
    .into_iter()
    .enumerate()
    {
        office.world.behave(one(behaviour.clone()));
        posts(&office, &format!("kept{n}"), "work/#ops").await;
        posts(&office, &format!("after{n}"), "work/#ops").await;
        // In one place everything comes in its order: the second settles the first.
        until(PATIENCE * 2, &format!("{behaviour:?}"), || async { (times(&bob, "#ops", &format!("after{n}")) == 1).then_some(()) }).await;
        assert_eq!(times(&bob, "#ops", &format!("kept{n}")), 1, "{behaviour:?}");
    }
    assert_eq!(office.world.ledger().duplicates(), Vec::new());
}

#[tokio::test]
async fn who_is_refused_again_and_again_stops_asking() {
    let office = Office::over_http(calm(), "").await;
    office.world.shut_out("#ops", false);
    for n in 0..5 {
        office.bot.say(&["channel", "post", &format!("refused{n}"), "--in", "work/#ops"]).await;
    }
    until(PATIENCE, "all of it among the undelivered", || async {
        let list = office.bot.said(&["outbox", "list"]).await;
        (0..5).all(|n| list.contains(&format!("refused{n}"))).then_some(())
    })
    .await;
    let invalid = office.world.ledger().invalid;
    assert!(invalid <= 10, "{invalid} refusals for five messages");
    posts(&office, "elsewhere", "work/#general").await;
    hears(&office.person("bob"), "#general", "elsewhere").await;
}
