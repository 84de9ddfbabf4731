//! Forged, stale and broken things, refused tokens, missing scopes, limits: what people see then.

use super::{Office, calm, hears};
use bellhop_e2e::{Bot, PATIENCE};
use bellhop_kit::slack::{Behaviour, Forgery, Kind, Person, SlackWorld};
use bellhop_kit::wait::until;
use serde_json::{Value, json};
use std::time::Duration;

/// How many messages of the bot with this text a person sees there.
fn times(person: &Person, place: &str, text: &str) -> usize {
    person.hears(place).iter().filter(|seen| seen.text.contains(text)).count()
}

/// A slash command as Slack sent it before, as a new one: another line and another trigger.
#[expect(clippy::unwrap_used, reason = "a test that repeats what never came is wrong")]
fn another(office: &Office, line: &str, trigger: &str) -> Value {
    let mut payload = office.world.deliveries().into_iter().find(|delivery| delivery.kind == Kind::Command).unwrap().payload;
    payload["text"] = json!(line);
    payload["trigger_id"] = json!(trigger);
    payload
}

async fn posts(bot: &Bot, text: &str, place: &str) {
    bot.said(&["channel", "post", text, "--in", place]).await;
}

/// Waits until the list of what could not be delivered has this in it.
async fn undelivered(bot: &Bot, text: &str) -> String {
    until(PATIENCE, &format!("{text:?} among the undelivered"), || async {
        let list = bot.said(&["outbox", "list"]).await;
        list.contains(text).then_some(list)
    })
    .await
}

#[tokio::test]
async fn what_slack_did_not_sign_just_now_is_refused_and_nothing_is_done() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    ann.slash("/bellhop help alert", "#ops").await.unwrap();
    hears(&ann, "#ops", "alert ack").await;
    let url = format!("{}/chat/work", office.bot.url);
    let forgeries = [
        Forgery::OtherSecret,
        Forgery::Unsigned,
        Forgery::Untimed,
        Forgery::Off(-310),
        Forgery::Off(310),
        Forgery::BadTimestamp,
        Forgery::BadSignature,
        Forgery::Changed,
    ];
    for (n, forgery) in forgeries.into_iter().enumerate() {
        let payload = another(&office, "help file", &format!("forged.{n}"));
        let answer = office.world.send(&url, Kind::Command, &payload, forgery).await.unwrap();
        assert_eq!(answer.status, 401, "{forgery:?}: {}", answer.text());
        assert!(!answer.text().trim().is_empty(), "{forgery:?}: what is wrong is said");
    }
    let payload = another(&office, "help file", "cut.1");
    let cut = office.world.send(&url, Kind::Command, &payload, Forgery::Truncated).await;
    assert!(cut.as_ref().map_or(true, |answer| answer.status >= 400), "{cut:?}");
    let large = another(&office, &format!("help file {}", "x".repeat(3 << 19)), "large.1");
    let refused = office.world.send(&url, Kind::Command, &large, Forgery::None).await;
    assert!(refused.as_ref().map_or(true, |answer| answer.status == 413), "{refused:?}");

    // The same rightly signed is run: so it was the forgery that was refused.
    let payload = another(&office, "help file", "true.1");
    assert_eq!(office.world.send(&url, Kind::Command, &payload, Forgery::None).await.unwrap().status, 200);
    hears(&ann, "#ops", "file put").await;
    ann.slash("/bellhop help channel", "#ops").await.unwrap();
    hears(&ann, "#ops", "channel post").await;
    assert_eq!(times(&ann, "#ops", "file put"), 1);
}

#[tokio::test]
async fn a_request_that_comes_again_runs_once() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    ann.slash("/bellhop help alert", "#ops").await.unwrap();
    hears(&ann, "#ops", "alert ack").await;
    let url = format!("{}/chat/work", office.bot.url);
    let payload = another(&office, "help file", "again.1");
    for _ in 0..5 {
        assert_eq!(office.world.send(&url, Kind::Command, &payload, Forgery::None).await.unwrap().status, 200);
    }
    hears(&ann, "#ops", "file put").await;
    ann.slash("/bellhop help channel", "#ops").await.unwrap();
    hears(&ann, "#ops", "channel post").await;
    assert_eq!(times(&ann, "#ops", "file put"), 1);
}

#[tokio::test]
async fn a_revoked_token_stops_the_workspace_tells_the_operators_and_keeps_the_queue() {
    let mut office = Office::over_http(calm(), "[[route]]\nto = [\"work/#ops\"]\n").await;
    let (ann, team, old) = (office.person("ann"), office.world.team_id(), office.world.bot_token());
    office.bot.said(&["alert", "raise", "Good"]).await;
    hears(&ann, "#ops", "Good").await;
    office.world.end_tokens(&team, "token_revoked");
    office.bot.said(&["alert", "raise", "Kept0"]).await;
    let told = "work: credentials refused";
    until(PATIENCE, "the operators to be told", || async { office.bot.alerts().await.contains(told).then_some(()) }).await;
    let details = office.bot.said(&["alert", "show", told]).await;
    assert!(details.contains("install the app again") && details.contains("waits until"), "{details}");
    let calls = || office.world.ledger().calls.values().sum::<u64>();
    let before = calls();
    for n in 1..10 {
        office.bot.said(&["alert", "raise", &format!("Kept{n}")]).await;
    }
    let refused = office.bot.say(&["channel", "post", "now", "--in", "work/#ops"]).await;
    assert!(refused.code == 1 && refused.out.contains("install the app again"), "{}", refused.out);
    assert!(calls() - before <= 2, "{} calls with a token that is no good", calls() - before);

    let new = office.world.new_token(&team);
    let config = std::fs::read_to_string(office.bot.path("bellhop.toml")).unwrap();
    std::fs::write(office.bot.path("bellhop.toml"), config.replace(&old, &new)).unwrap();
    office.bot.program().kill().await.unwrap();
    office.bot.go().await;
    for n in 0..10 {
        // A queue that was refused is looked at again after a minute.
        let text = format!("Kept{n}");
        until(PATIENCE * 3, &text, || async { (times(&ann, "#ops", &text) > 0).then_some(()) }).await;
        assert_eq!(times(&ann, "#ops", &text), 1);
    }
}

#[tokio::test]
async fn a_missing_scope_is_named_with_the_place_where_it_is_added() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    office.world.revoke_scopes(&["files:write"]);
    std::fs::write(office.bot.path("notes.txt"), "kept").unwrap();
    assert_eq!(office.bot.bellhop(&["say", "--file", "notes.txt", "--", "file", "put"]).await.code, 0);
    ann.slash("/bellhop file get notes.txt", "#ops").await.unwrap();
    // A link takes the place of the file, and the person is told why.
    let heard = hears(&ann, "#ops", "could not be uploaded here").await;
    assert!(heard.text.contains("notes.txt") && heard.text.contains("files:write"), "{heard:?}");
    office.world.revoke_scopes(&["chat:write", "chat:write.public"]);
    posts(&office.bot, "never said", "work/#ops").await;
    let list = undelivered(&office.bot, "chat:write").await;
    assert!(list.contains("OAuth & Permissions"), "{list}");
}

#[tokio::test]
async fn a_channel_that_is_closed_or_gone_keeps_nothing_else_back() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    for place in ["work/#ops", "work/#vault", "work/#general"] {
        posts(&office.bot, "still open", place).await;
    }
    for place in ["#ops", "#vault", "#general"] {
        hears(&ann, place, "still open").await;
    }
    // What waits while Slack is down finds the channels closed and gone when it is up again.
    office.world.behave(Behaviour { method: Some("chat.postMessage".into()), refuse: Some(503), ..Behaviour::default() });
    for (text, place) in [("to the closed one", "#ops"), ("to the one that is gone", "#vault"), ("to the others", "#general")] {
        posts(&office.bot, text, &format!("work/{place}")).await;
    }
    office.world.archive("#ops");
    office.world.delete_channel("#vault");
    office.world.behave_well();
    hears(&ann, "#general", "to the others").await;
    let closed = undelivered(&office.bot, "is_archived").await;
    assert!(closed.contains("to the closed one"), "{closed}");
    let gone = undelivered(&office.bot, "channel_not_found").await;
    assert!(gone.contains("to the one that is gone"), "{gone}");
    posts(&office.bot, "and again", "work/#general").await;
    hears(&ann, "#general", "and again").await;
}

#[tokio::test]
async fn a_person_is_found_by_a_new_name() {
    let office = Office::over_http(calm(), "").await;
    let (bob, cem) = (office.person("bob"), office.person("cem"));
    office.bot.said(&["channel", "create", "plans", "--private", "--chat", "work"]).await;
    office.bot.said(&["channel", "invite", "bob", "--in", "work/#plans"]).await;
    assert!(bob.place("#plans").is_ok() && cem.place("#plans").is_err());
    office.world.change_person(&cem, |spec| {
        "cemal".clone_into(&mut spec.name);
        "cemal".clone_into(&mut spec.display_name);
    });
    office.bot.said(&["channel", "invite", "cemal", "--in", "work/#plans"]).await;
    assert!(cem.place("#plans").is_ok(), "they are in");
}

#[tokio::test]
async fn a_limit_on_every_method_is_waited_out_and_everything_arrives() {
    const METHODS: [&str; 10] = [
        "conversations.list",
        "conversations.create",
        "conversations.invite",
        "users.list",
        "chat.postMessage",
        "chat.update",
        "response_url",
        "files.getUploadURLExternal",
        "upload",
        "files.completeUploadExternal",
    ];
    let office = Office::knowing(calm(), |world| {
        let operator = format!("[[role]]\nname = \"operator\"\nusers = [\"work:{}\"]\n", world.person("ann").id);
        format!("[[route]]\nto = [\"work/#ops\"]\n{operator}")
    })
    .await;
    let ann = office.person("ann");
    for method in METHODS {
        let limited = Behaviour { method: Some(method.into()), refuse: Some(429), retry_after: 1, times: Some(1), ..Behaviour::default() };
        office.world.also_behave(limited);
    }
    // Whoever waits for an answer is told how long to wait, and no call is made before.
    until(PATIENCE, "the post to be taken", || async {
        let ran = office.bot.say(&["channel", "post", "posted", "--in", "work/#general"]).await;
        assert!(ran.code == 0 || ran.out.contains("has to wait"), "{}", ran.out);
        (ran.code == 0).then_some(())
    })
    .await;
    hears(&ann, "#general", "posted").await;
    office.bot.said(&["alert", "raise", "DiskFull"]).await;
    let card = hears(&ann, "#ops", "DiskFull").await;
    ann.click(&card, "Ack").await.unwrap();
    hears(&ann, "#ops", "ACKNOWLEDGED").await;
    ann.slash("/bellhop help file", "#ops").await.unwrap();
    hears(&ann, "#ops", "file put").await;
    std::fs::write(office.bot.path("notes.txt"), "kept").unwrap();
    assert_eq!(office.bot.bellhop(&["say", "--file", "notes.txt", "--", "file", "put"]).await.code, 0);
    ann.slash("/bellhop file get notes.txt", "#ops").await.unwrap();
    until(PATIENCE, "the file", || async { ann.hears("#ops").iter().find_map(|seen| seen.files.first().cloned()) }).await;
    // A command is not repeated by itself: its person is told when to.
    ann.slash("/bellhop channel create plans --private", "#ops").await.unwrap();
    hears(&ann, "#ops", "channel create has to wait").await;
    until(PATIENCE, "the new channel", || async {
        ann.slash("/bellhop channel create plans --private", "#ops").await.unwrap();
        (times(&ann, "#ops", "Created #plans") > 0).then_some(())
    })
    .await;
    until(PATIENCE, "the invitation", || async {
        office.bot.say(&["channel", "invite", "cem", "--in", "work/#plans"]).await;
        office.person("cem").place("#plans").ok()
    })
    .await;
    let ledger = office.world.ledger();
    assert!(ledger.early.is_empty(), "{:?}", ledger.early);
    let never: Vec<&&str> = METHODS.iter().filter(|method| !ledger.limited.contains_key(**method)).collect();
    assert!(never.is_empty(), "never limited: {never:?}; {:?}", ledger.limited);
    assert_eq!((times(&ann, "#general", "posted"), times(&ann, "#ops", "ACKNOWLEDGED: DiskFull")), (1, 1));
}

#[tokio::test]
async fn web_pages_errors_and_garbage_for_answers_lose_nothing_and_repeat_nothing() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    let places = ["#ops", "#general", "#vault"];
    for place in places {
        posts(&office.bot, "first", &format!("work/{place}")).await;
        hears(&ann, place, "first").await;
    }
    let one = |behaviour: Behaviour| Behaviour { method: Some("chat.postMessage".into()), times: Some(1), ..behaviour };
    for behaviour in [
        Behaviour { html: true, ..Behaviour::default() },
        Behaviour { garbage: true, ..Behaviour::default() },
        Behaviour { fail_after: Some(502), ..Behaviour::default() },
        Behaviour { refuse: Some(503), ..Behaviour::default() },
        Behaviour { reset_percent: 100, ..Behaviour::default() },
    ] {
        office.world.also_behave(one(behaviour));
    }
    for n in 0..2 {
        for place in places {
            posts(&office.bot, &format!("odd {n}"), &format!("work/{place}")).await;
        }
    }
    for place in places {
        posts(&office.bot, "last", &format!("work/{place}")).await;
    }
    for place in places {
        // What may have been said is looked up in the history before it is said again, and that takes its time.
        until(PATIENCE * 3, "the last one", || async { (times(&ann, place, "last") > 0).then_some(()) }).await;
        for text in ["odd 0", "odd 1", "last"] {
            assert_eq!(times(&ann, place, text), 1, "{text} in {place}");
        }
    }
    assert_eq!(office.world.ledger().most_copies(), 1, "{:?}", office.world.ledger().duplicates());
    assert!(office.bot.said(&["outbox", "list"]).await.contains("Everything"));
}

#[tokio::test]
async fn a_slow_slack_is_still_acknowledged_in_time_and_answered() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    office.world.behave(Behaviour { think: Duration::from_secs(2), linger: Duration::from_secs(2), ..Behaviour::default() });
    let taken = ann.slash("/bellhop help file", "#ops").await.unwrap();
    assert!(taken.elapsed < Duration::from_secs(1), "{:?}", taken.elapsed);
    ann.mention("#ops", "help alert").unwrap();
    hears(&ann, "#ops", "file put").await;
    hears(&ann, "#ops", "alert ack").await;
    assert_eq!((times(&ann, "#ops", "file put"), times(&ann, "#ops", "alert ack")), (1, 1));
}

#[tokio::test]
async fn a_configuration_that_can_not_work_says_what_to_do() {
    let world = SlackWorld::start().await.unwrap();
    let section = |more: &str| format!("[chat.work]\nkind = \"slack\"\nbot_token = \"{}\"\n{more}", world.bot_token());
    for (more, says) in [
        ("transport = \"http\"\n", ["signing_secret", "App Credentials"]),
        ("transport = \"socket\"\n", ["app_token", "App-Level Tokens"]),
        ("signing_secret = \"s\"\napi_url = \"ftp://127.0.0.1/api\"\n", ["api_url", "https://slack.com/api"]),
        ("signing_secret = \"s\"\nclient_id = \"1\"\n", ["client_secret", "neither"]),
        ("signing_secrets = \"s\"\n", ["signing_secrets", "signing_secret"]),
    ] {
        let ran = Bot::new(&section(more)).bellhop(&["run"]).await;
        assert!(ran.code != 0 && says.iter().all(|says| ran.err.contains(says)), "{more}: {}{}", ran.out, ran.err);
        assert!(!ran.err.contains(&world.bot_token()), "{}", ran.err);
    }
    // A token that Slack doesn't know is no reason to stop; the operators are told, and what to do.
    let bot = Bot::start(&format!(
        "[chat.work]\nkind = \"slack\"\nbot_token = \"xoxb-wrong\"\nsigning_secret = \"s\"\napi_url = \"{}\"\n",
        world.api_url()
    ))
    .await;
    let checked = bot.bellhop(&["check", "--live"]).await;
    assert!(
        checked.code == 1 && format!("{}{}", checked.out, checked.err).contains("`bot_token` is refused"),
        "{}{}",
        checked.out,
        checked.err
    );
}
