//! The gateway: what happens to sessions, and that nothing that is said meanwhile is missed.

use super::{Office, calm, hears, section, times};
use bellhop_e2e::{Bot, PATIENCE};
use bellhop_kit::discord::{DiscordWorld, GatewayEvent, GuildSpec, Settings};
use bellhop_kit::wait::until;
use std::time::Duration;

fn resumed(world: &DiscordWorld) -> usize {
    world.gateway_events().iter().filter(|event| matches!(event, GatewayEvent::Resumed(..))).count()
}

async fn resumes(world: &DiscordWorld, count: usize) {
    until(PATIENCE, &format!("{count} sessions that go on"), || async { (resumed(world) >= count).then_some(()) }).await;
}

/// A command and its answer. Help is for the one who asked only, so that it comes directly.
async fn answers(office: &Office, n: usize) {
    let ann = office.person("ann");
    ann.mention("#ops", &format!("help nothing{n}x")).unwrap();
    hears(&ann, "@bellhop", &format!("nothing{n}x")).await;
}

#[tokio::test]
async fn a_connection_that_ends_goes_on_where_it_was() {
    let office = Office::over_gateway(calm(), "").await;
    let ann = office.person("ann");
    let session = office.session().await;
    let mut count = 0;
    for happens in ["reset", "reconnect", "invalid", "4000", "4008"] {
        office.session().await;
        match happens {
            "reset" => office.world.reset(&session),
            "reconnect" => office.world.reconnect(&session),
            "invalid" => office.world.invalidate(&session, true),
            code => office.world.close(&session, code.parse().unwrap()),
        }
        ann.mention("#ops", &format!("help after{happens}x")).unwrap();
        count += 1;
        resumes(&office.world, count).await;
        hears(&ann, "@bellhop", &format!("after{happens}x")).await;
        assert_eq!(times(&ann, "@bellhop", &format!("after{happens}x")), 1, "{happens}");
    }
    let ledger = office.world.ledger();
    // Where connections break again and again, another address than the session's own may be tried; nothing else is against the rules.
    let strange: Vec<String> = ledger.violations().into_iter().filter(|what| !what.contains("resume_gateway_url")).collect();
    assert_eq!((ledger.identifies.len(), strange), (1, Vec::new()));
    let first = office.world.gateway_events().into_iter().filter(|event| matches!(event, GatewayEvent::Connected(..))).nth(1);
    assert_eq!(first, Some(GatewayEvent::Connected(2, true)), "first it is the session's own address");
}

#[tokio::test]
async fn a_session_that_is_over_begins_anew() {
    let office = Office::over_gateway(calm(), "").await;
    for (n, happens) in [0, 4007, 4009].into_iter().enumerate() {
        let session = office.session().await;
        if happens == 0 {
            office.world.invalidate(&session, false);
        } else {
            office.world.close(&session, happens);
        }
        let fresh =
            || async { office.world.sessions().into_iter().find(|one| one.connected && one.id != session && !one.id.contains("over")) };
        until(PATIENCE, "a new session", fresh).await;
        answers(&office, n).await;
    }
    assert_eq!(office.world.ledger().identifies.len(), 4);
}

#[tokio::test]
async fn a_restart_goes_on_with_the_session_and_misses_nothing() {
    let mut office = Office::over_gateway(calm(), "").await;
    let ann = office.person("ann");
    answers(&office, 0).await;
    for (n, gently) in [true, false, false].into_iter().enumerate() {
        if gently {
            office.bot.program().terminate(PATIENCE).await.unwrap();
        } else {
            office.bot.program().kill().await.unwrap();
        }
        ann.mention("#ops", &format!("help while{n}gone")).unwrap();
        office.bot.go().await;
        resumes(&office.world, n + 1).await;
        hears(&ann, "@bellhop", &format!("while{n}gone")).await;
        assert_eq!(times(&ann, "@bellhop", &format!("while{n}gone")), 1);
    }
    assert_eq!(office.world.ledger().identifies.len(), 1, "{:?}", office.world.gateway_events());
    assert_eq!(times(&ann, "@bellhop", "nothing0x"), 1, "what was answered before isn't answered again");
}

#[tokio::test]
async fn a_connection_without_a_word_is_given_up() {
    let mut settings = calm();
    settings.gateway.heartbeat = Duration::from_millis(700);
    let office = Office::over_gateway(settings, "").await;
    let session = office.session().await;
    answers(&office, 0).await;
    office.world.silence(&session);
    office.person("ann").mention("#ops", "help zombie1x").unwrap();
    resumes(&office.world, 1).await;
    hears(&office.person("ann"), "@bellhop", "zombie1x").await;
    office.world.ask_for_beat(&session);
    answers(&office, 1).await;
    assert_eq!(office.violations(), Vec::<String>::new());
    assert!(!office.world.gateway_events().iter().any(|event| matches!(event, GatewayEvent::ClosedByApp(_, Some(1000 | 1001)))));
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_waited_for() {
    let office = Office::over_gateway(calm(), "").await;
    let ann = office.person("ann");
    office.session().await;
    office.world.gateway_closed(true);
    ann.mention("#ops", "help inthedark").unwrap();
    until(PATIENCE, "it tries", || async { office.world.sessions().iter().all(|one| !one.connected).then_some(()) }).await;
    // What goes by REST goes on meanwhile.
    office.bot.said(&["channel", "post", "still here", "--in", "work/#ops"]).await;
    hears(&ann, "#ops", "still here").await;
    office.world.gateway_closed(false);
    hears(&ann, "@bellhop", "inthedark").await;
    assert_eq!(office.world.ledger().identifies.len(), 1);
}

#[tokio::test]
async fn what_no_trying_mends_is_said_and_not_tried_again() {
    for (code, says) in [(4004, "token"), (4013, "intents"), (4014, "intent"), (4010, "shard"), (4011, "shard"), (4012, "version")] {
        let office = Office::over_gateway(calm(), "").await;
        let session = office.session().await;
        office.world.close(&session, code);
        let alerts = until(PATIENCE, &format!("the operators to be told of {code}"), || async {
            Some(office.bot.alerts().await).filter(|list| list.contains("work"))
        })
        .await;
        let name = alerts.lines().find_map(|line| line.find("work:").map(|at| line[at..].to_owned())).unwrap_or_default();
        let name = name.split("  ").next().unwrap_or_default().trim().to_owned();
        let details = office.bot.said(&["alert", "show", &name]).await.to_lowercase();
        assert!(details.contains(says), "{code}: {details}");
        let before = office.world.gateway_events().len();
        office.bot.said(&["channel", "post", "rest", "--in", "work/#ops"]).await;
        assert!(office.world.gateway_events().len() <= before + 1, "{code} was tried again: {:?}", office.world.gateway_events());
    }
}

#[tokio::test]
async fn guilds_are_spread_over_shards() {
    let mut settings = calm();
    settings.guilds = vec![GuildSpec::new("acme"), GuildSpec::new("other"), GuildSpec::new("third")];
    settings.gateway.shards = 2;
    let office = Office::over_gateway(settings, "").await;
    until(PATIENCE, "both shards", || async {
        (office.world.sessions().iter().filter(|one| one.connected && one.shard.1 == 2).count() == 2).then_some(())
    })
    .await;
    answers(&office, 0).await;
    office.person("ann").dm("status").unwrap();
    hears(&office.person("ann"), "@bellhop", "Bellhop is at your service").await;
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn only_what_is_needed_is_asked_for() {
    let office = Office::over_gateway(calm(), "").await;
    let session = office.world.sessions().into_iter().next().unwrap();
    assert_eq!(session.intents & (1 << 1 | 1 << 8 | 1 << 15), 0, "no privileged intent: {:b}", session.intents);
    let full = Settings { privileged: 1 << 15, ..calm() };
    let world = DiscordWorld::start_with(full).await.unwrap();
    let _bot = Bot::start(&(section(&world, "gateway") + "message_content = true\n")).await;
    let wants = || async { world.sessions().into_iter().find(|one| one.intents & 1 << 15 != 0) };
    until(PATIENCE, "the intent that was switched on", wants).await;
}

#[tokio::test]
async fn a_budget_that_is_nearly_spent_is_kept() {
    let mut settings = calm();
    settings.gateway.identifies_a_day = 1000;
    let mut office = Office::over_gateway(settings, "").await;
    office.session().await;
    // Nothing can be resumed, and the bot is started again and again.
    for _ in 0..3 {
        office.bot.program().kill().await.unwrap();
        office.world.forget_sessions();
        office.bot.go().await;
        office.session().await;
    }
    assert_eq!(office.world.ledger().identifies.len(), 4);
    office.bot.program().kill().await.unwrap();
    office.world.forget_sessions();
    // Hardly any are left: the rest is for people.
    office.world.tune(|settings| settings.gateway.identifies_a_day = 5);
    let asked = office.world.ledger().calls_of("GET /gateway/bot");
    office.bot.go().await;
    until(PATIENCE, "it asks how many are left", || async { (office.world.ledger().calls_of("GET /gateway/bot") > asked).then_some(()) })
        .await;
    office.bot.said(&["channel", "post", "by other ways", "--in", "work/#ops"]).await;
    hears(&office.person("bob"), "#ops", "by other ways").await;
    assert_eq!(office.world.ledger().identifies.len(), 4);
}
