//! Forged requests, refusals that a command can meet, a guild that is gone, a token that is reset: what people see then.

use super::{Office, calm, hears, times};
use bellhop_e2e::{Bot, PATIENCE};
use bellhop_kit::discord::{Behaviour, Forgery};
use bellhop_kit::wait::until;
use serde_json::json;

async fn undelivered(bot: &Bot, text: &str) -> String {
    until(PATIENCE, &format!("{text:?} among the undelivered"), || async {
        let list = bot.said(&["outbox", "list"]).await;
        list.contains(text).then_some(list)
    })
    .await
}

#[tokio::test]
async fn what_discord_did_not_sign_just_now_is_refused_and_nothing_is_done() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    ann.slash("/bellhop line:help alert", "#ops").await.unwrap();
    hears(&ann, "#ops", "alert ack").await;
    let url = format!("{}/chat/work", office.bot.url);
    let sent = office.world.deliveries().pop().unwrap().payload;
    let another = |n: usize| {
        let mut payload = sent.clone();
        payload["id"] = json!((2_000_000_000_000_000_000_u64 + n as u64).to_string());
        payload["data"]["options"][0]["value"] = json!("help file");
        payload
    };
    let forgeries = [
        Forgery::OtherKey,
        Forgery::Unsigned,
        Forgery::Untimed,
        Forgery::OtherTimestamp,
        Forgery::NoNumber,
        Forgery::Short,
        Forgery::Malleable,
        Forgery::Changed,
        Forgery::Off(-400),
        Forgery::Off(400),
    ];
    for (n, forgery) in forgeries.into_iter().enumerate() {
        let answer = office.world.send(&url, &another(n), forgery).await.unwrap();
        assert_eq!(answer.status, 401, "{forgery:?}: {}", answer.text());
        let ping = office.world.send(&url, &json!({ "type": 1, "id": "1", "version": 1 }), forgery).await.unwrap();
        assert_eq!(ping.status, 401, "{forgery:?}: a ping");
    }
    let cut = office.world.send(&url, &another(20), Forgery::Truncated).await;
    assert!(cut.as_ref().map_or(true, |answer| answer.status >= 400), "{cut:?}");
    for body in [&b"not json"[..], b"[]", b"{}", b"\"x\"", b"{\"type\":99,\"id\":\"7\"}", b"{\"type\":2}"] {
        let answer = office.world.send_raw(&url, body, Forgery::None).await.unwrap();
        assert!((400..500).contains(&answer.status) || answer.status == 200, "{}: {}", String::from_utf8_lossy(body), answer.status);
    }
    // The same rightly signed is run: so it was the forgery that was refused.
    assert_eq!(office.world.send(&url, &another(30), Forgery::None).await.unwrap().status, 200);
    ann.slash("/bellhop line:help channel", "#general").await.unwrap();
    hears(&ann, "#general", "channel post").await;
    assert!(times(&ann, "#ops", "file put") <= 1);
}

#[tokio::test]
async fn a_refusal_is_told_with_what_it_means() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    for (status, code, message, says) in [
        (403, 50001, "Missing Access", "see"),
        (403, 50013, "Missing Permissions", "permission"),
        (404, 10003, "Unknown Channel", "channel"),
        (400, 50083, "Thread is archived", "archive"),
        (403, 50007, "Cannot send messages to this user", "messages"),
    ] {
        let text = format!("refused with {code}");
        let refuse = Behaviour {
            route: Some("POST /channels/{channel}/messages".into()),
            error: Some((status, code, message.into())),
            ..Behaviour::default()
        };
        office.world.behave(refuse);
        office.bot.say(&["channel", "post", &text, "--in", "work/#ops"]).await;
        let list = undelivered(&office.bot, &text).await;
        let line = list.lines().find(|line| line.contains(&text)).unwrap_or_default();
        assert!(list.to_lowercase().contains(says), "{code}: {line}\n{list}");
        office.world.behave_well();
    }
    office.bot.said(&["channel", "post", "all is well", "--in", "work/#ops"]).await;
    hears(&ann, "#ops", "all is well").await;
}

#[tokio::test]
async fn a_body_that_discord_calls_invalid_is_told_with_its_path() {
    let office = Office::over_http(calm(), "").await;
    let refuse = Behaviour {
        route: Some("POST /guilds/{guild}/channels".into()),
        error: Some((400, 50035, "Invalid Form Body".into())),
        ..Behaviour::default()
    };
    office.world.behave(refuse);
    let ann = office.person("ann");
    ann.slash("/channel create name:strange", "#ops").await.unwrap();
    let said = hears(&ann, "#ops", "channel create").await;
    assert!(said.text.contains("Invalid Form Body") || said.text.contains("50035"), "{said:?}");
    office.world.behave_well();
    // A name that is too long is refused by the world itself, and the path is named.
    let long = "x".repeat(101);
    ann.slash(&format!("/channel create name:{long}"), "#ops").await.unwrap();
    until(PATIENCE, "the refusal", || async {
        ann.hears("#ops").into_iter().find(|seen| seen.text.contains("name") && seen.text.contains("100"))
    })
    .await;
}

#[tokio::test]
async fn a_role_above_the_bots_own_is_said() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    office.world.shut_out("#general", true);
    ann.slash("/channel rename new:other in:#general", "#ops").await.unwrap();
    until(PATIENCE, "an answer", || async { ann.hears("#ops").pop().filter(|seen| !seen.thinking) }).await;
    office.world.grant(0);
    office.world.grant_everyone(bellhop_kit::discord::EVERYONE);
    ann.slash("/channel create name:never", "#ops").await.unwrap();
    let said = hears(&ann, "#ops", "Manage Channels").await;
    assert!(said.text.contains("role"), "{said:?}");
}

#[tokio::test]
async fn a_guild_that_is_gone_keeps_nothing_else_back() {
    let mut settings = calm();
    settings.guilds.push(bellhop_kit::discord::GuildSpec::new("other"));
    let office = Office::over_gateway(settings, "").await;
    let ann = office.person("ann");
    ann.dm("status").unwrap();
    hears(&ann, "@bellhop", "Bellhop is at your service").await;
    office.world.remove_bot();
    let id = office.world.channel("ops");
    let refused = office.bot.say(&["channel", "post", "to nobody", "--in", &format!("work/{id}")]).await;
    if refused.code == 0 {
        undelivered(&office.bot, "to nobody").await;
    }
    ann.dm("file list").unwrap();
    hears(&ann, "@bellhop", "Files in local").await;
    office.world.invite_bot();
    until(PATIENCE, "it is back", || async {
        office.bot.say(&["channel", "post", "back again", "--in", &format!("work/{id}")]).await;
        ann.hears("#ops").into_iter().find(|seen| seen.text.contains("back again"))
    })
    .await;
}

#[tokio::test]
async fn a_reset_token_stops_everything_tells_the_operators_and_keeps_the_queue() {
    let mut office = Office::over_gateway(calm(), "[[route]]\nto = [\"work/#ops\"]\n").await;
    let (ann, old) = (office.person("ann"), office.world.bot_token());
    office.bot.said(&["alert", "raise", "Good"]).await;
    hears(&ann, "#ops", "Good").await;
    let new = office.world.reset_token();
    for n in 0..10 {
        office.bot.said(&["alert", "raise", &format!("Kept{n}")]).await;
    }
    let told = "work: credentials refused";
    until(PATIENCE, "the operators to be told", || async { office.bot.alerts().await.contains(told).then_some(()) }).await;
    let details = office.bot.said(&["alert", "show", told]).await;
    assert!(details.contains("token") && !details.contains(&old), "{details}");
    let invalid = office.world.ledger().invalid;
    assert!(invalid <= 5, "{invalid} calls with a token that is no good");
    let config = std::fs::read_to_string(office.bot.path("bellhop.toml")).unwrap();
    std::fs::write(office.bot.path("bellhop.toml"), config.replace(&old, &new)).unwrap();
    office.bot.program().kill().await.unwrap();
    office.bot.go().await;
    for n in 0..10 {
        let text = format!("Kept{n}");
        until(PATIENCE * 3, &text, || async { (times(&ann, "#ops", &text) > 0).then_some(()) }).await;
        assert_eq!(times(&ann, "#ops", &text), 1);
    }
}

#[tokio::test]
async fn a_person_who_takes_no_messages_keeps_nothing_back() {
    let office = Office::over_http(calm(), "").await;
    let gus = office.person("gus");
    office.bot.say(&["channel", "post", "for you alone", "--in", &format!("work/@{}", gus.id)]).await;
    office.bot.said(&["channel", "post", "for all", "--in", "work/#ops"]).await;
    hears(&office.person("bob"), "#ops", "for all").await;
    assert_eq!(gus.hears("@bellhop"), []);
}
