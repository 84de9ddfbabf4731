//! Sockets, installing, manifests, checks: how the bot gets in.
//!
//! A half-open socket is noticed after 35 seconds without a word; the adapter's own tests try that, with shorter times.

use super::{Office, calm, hears};
use bellhop_e2e::{Bot, PATIENCE, json};
use bellhop_http::{Client, Limits};
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::peers::slack::emulator::{Emulator, SECRET, TOKEN};
use bellhop_kit::slack::{Behaviour, Kind, Person, Settings, SlackWorld, SocketEvent, Submitted, WorkspaceSpec};
use bellhop_kit::wait::until;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn times(person: &Person, place: &str, text: &str) -> usize {
    person.hears(place).iter().filter(|seen| seen.text.contains(text)).count()
}

/// Waits until the bot keeps its two sockets.
async fn two_sockets(world: &SlackWorld) -> Vec<u64> {
    until(PATIENCE, "two sockets", || async { Some(world.sockets()).filter(|sockets| sockets.len() == 2) }).await
}

/// A configuration that connects workspaces by OAuth; these may connect.
fn oauth(world: &SlackWorld, teams: &[&str], transport: &str) -> String {
    format!(
        "[chat.work]\nkind = \"slack\"\n{transport}\nclient_id = \"{}\"\nclient_secret = \"{}\"\nworkspaces = {teams:?}\napi_url = \"{}\"\n",
        world.client_id(),
        world.client_secret(),
        world.api_url()
    )
}

/// A person's browser opens the page where workspaces are connected, and goes on to Slack and back; the page that it ends on.
#[expect(clippy::unwrap_used, reason = "a page that does not come fails the test")]
async fn connects(office: &Office, person: &Person) -> (u16, String) {
    bellhop_kit::install_tls();
    let browser = Client::new("browser", Limits::default()).unwrap();
    let begin = browser.get("begin", "install", &format!("{}/chat/work/install", office.bot.url)).exchange().await.unwrap();
    let header = |name: &str| begin.header(name).unwrap_or_default().to_owned();
    let (location, cookie) = (header("location"), header("set-cookie"));
    let cookie = cookie.split(';').next().unwrap_or_default();
    let back = office.world.authorize(&location, person).unwrap();
    let page = browser.get("return", "return", &back).header("cookie", cookie).exchange().await.unwrap();
    (page.status().as_u16(), page.text().await.unwrap())
}

#[tokio::test]
async fn commands_mentions_clicks_and_forms_come_over_two_sockets() {
    let office = Office::over_sockets(calm(), "").await;
    let ann = office.person("ann");
    two_sockets(&office.world).await;
    ann.slash("/bellhop help alert", "#ops").await.unwrap();
    let help = hears(&ann, "#ops", "alert ack").await;
    ann.click(&help, "Help on alert show").await.unwrap();
    hears(&ann, "#ops", "alert show ID").await;
    ann.mention("#ops", "help file").unwrap();
    hears(&ann, "#ops", "file put").await;
    ann.dm("help channel").unwrap();
    hears(&ann, "@bellhop", "channel post").await;
    std::fs::write(office.bot.path("plan.txt"), "kept").unwrap();
    assert_eq!(office.bot.bellhop(&["say", "--file", "plan.txt", "--", "file", "put"]).await.code, 0);
    ann.slash("/bellhop file info", "#ops").await.unwrap();
    until(PATIENCE, "the form", || async { ann.modal() }).await;
    assert!(ann.suggest("Name", "pla").await.unwrap().contains(&"plan.txt".to_owned()));
    ann.fill("Name", "plan.txt").unwrap();
    assert_eq!(ann.submit().await.unwrap(), Submitted::Closed);
    hears(&ann, "#ops", "SHA-256").await;
    assert!(office.world.acknowledgements().iter().all(|ack| ack.expected), "{:?}", office.world.acknowledgements());
    assert!(office.world.deliveries().iter().all(|delivery| delivery.outcome.is_ok()), "{:?}", office.world.deliveries());
    let used: std::collections::BTreeSet<_> = office.world.acknowledgements().iter().map(|ack| ack.socket).collect();
    assert_eq!(used.len(), 2, "both sockets carry something");
}

#[tokio::test]
async fn a_socket_is_replaced_before_it_goes_and_nothing_is_lost() {
    let office = Office::over_sockets(calm(), "").await;
    let ann = office.person("ann");
    let old = two_sockets(&office.world).await[0];
    office.world.disconnect(old, "refresh_requested");
    for n in 0..20 {
        ann.mention("#ops", &format!("help nothing{n}x")).unwrap();
    }
    for n in 0..20 {
        hears(&ann, "#ops", &format!("nothing{n}x")).await;
    }
    until(PATIENCE, "the old socket to go", || async { (!office.world.sockets().contains(&old)).then_some(()) }).await;
    two_sockets(&office.world).await;
    let events = office.world.socket_events();
    let told = events.iter().position(|event| *event == SocketEvent::Told(old)).unwrap();
    let opened = events.iter().skip(told).position(|event| matches!(event, SocketEvent::Opened(_)));
    let closed = events.iter().skip(told).position(|event| *event == SocketEvent::Closed(old, true));
    assert!(opened.is_some() && opened < closed, "{events:?}");
    for n in 0..20 {
        assert_eq!(times(&ann, "#ops", &format!("nothing{n}x")), 1);
    }
}

#[tokio::test]
async fn sockets_that_break_are_opened_again() {
    let office = Office::over_sockets(calm(), "").await;
    let ann = office.person("ann");
    let old = two_sockets(&office.world).await;
    for socket in &old {
        office.world.reset_socket(*socket);
    }
    until(PATIENCE, "the broken ones to be gone", || async {
        (!office.world.sockets().iter().any(|socket| old.contains(socket))).then_some(())
    })
    .await;
    ann.mention("#ops", "help file").unwrap();
    hears(&ann, "#ops", "file put").await;
    office.world.close_socket(two_sockets(&office.world).await[0]);
    two_sockets(&office.world).await;
    ann.slash("/bellhop help alert", "#ops").await.unwrap();
    hears(&ann, "#ops", "alert ack").await;
}

#[tokio::test]
async fn an_envelope_that_comes_again_runs_once() {
    let office = Office::over_sockets(calm(), "").await;
    let ann = office.person("ann");
    let sockets = two_sockets(&office.world).await;
    ann.mention("#ops", "help file").unwrap();
    hears(&ann, "#ops", "file put").await;
    let event =
        office.world.deliveries().into_iter().find(|sent| sent.kind == Kind::Event && sent.payload["event"]["type"] == "app_mention");
    let payload = event.unwrap().payload;
    for n in 0..6 {
        let envelope = json!({ "envelope_id": format!("again-{n}"), "type": "events_api", "accepts_response_payload": false,
            "payload": payload, "retry_attempt": n + 1, "retry_reason": "timeout" });
        office.world.send_over_socket(sockets[n % 2], &envelope.to_string());
    }
    office.world.send_over_socket(sockets[0], "no JSON {");
    let again = |acks: usize| acks == 6;
    let acknowledged = || office.world.acknowledgements().iter().filter(|ack| ack.envelope_id.starts_with("again-")).count();
    until(PATIENCE, "the acknowledgements", || async { again(acknowledged()).then_some(()) }).await;
    ann.mention("#ops", "help alert").unwrap();
    hears(&ann, "#ops", "alert ack").await;
    assert_eq!(times(&ann, "#ops", "file put"), 1);
}

#[tokio::test]
async fn killed_between_the_acknowledgement_and_the_answer_it_answers_once_after_all() {
    let mut office = Office::over_sockets(calm(), "").await;
    let ann = office.person("ann");
    two_sockets(&office.world).await;
    for method in ["response_url", "chat.postMessage"] {
        let down = Behaviour { method: Some(method.into()), refuse: Some(503), ..Behaviour::default() };
        office.world.also_behave(down);
    }
    ann.slash("/bellhop help file", "#ops").await.unwrap();
    ann.mention("#ops", "help alert").unwrap();
    until(PATIENCE, "both to be acknowledged", || async { (office.world.acknowledgements().len() >= 2).then_some(()) }).await;
    office.bot.program().kill().await.unwrap();
    assert!(ann.hears("#ops").is_empty());
    office.world.behave_well();
    office.bot.go().await;
    hears(&ann, "#ops", "file put").await;
    hears(&ann, "#ops", "alert ack").await;
    ann.mention("#ops", "help channel").unwrap();
    hears(&ann, "#ops", "channel post").await;
    assert_eq!((times(&ann, "#ops", "file put"), times(&ann, "#ops", "alert ack")), (1, 1));
}

#[tokio::test]
async fn slack_finds_the_address_it_was_given() {
    let office = Office::over_http(calm(), "").await;
    let url = format!("{}/chat/work", office.bot.url);
    office.world.verify_url(&url).await.unwrap();
    office.world.check_ssl(&url).await.unwrap();
    let (status, _, page) = office.bot.get("/chat/work").await;
    assert!(status == 200 && String::from_utf8_lossy(&page).contains("It is reached"));
}

#[tokio::test]
async fn workspaces_are_connected_by_their_people_and_leave_again() {
    let world = SlackWorld::start_with(calm()).await.unwrap();
    let spec = |name: &str| WorkspaceSpec { installed: false, ..WorkspaceSpec::new(name) };
    let (acme, umbrella, stranger) = (world.team_id(), world.add_workspace(&spec("umbrella")), world.add_workspace(&spec("stranger")));
    let transport = format!("transport = \"http\"\nsigning_secret = \"{}\"", world.signing_secret());
    let bot = Bot::start(&oauth(&world, &[&acme, &umbrella], &transport)).await;
    world.deliver_over_http(&format!("{}/chat/work", bot.url));
    let office = Office { world, bot };
    for team in [&acme, &umbrella] {
        let (status, page) = connects(&office, &office.world.person_in(team, "ann")).await;
        assert!(status == 200 && page.contains("Connected") && page.contains(team.as_str()), "{status} {page}");
    }
    let (status, page) = connects(&office, &office.world.person_in(&stranger, "ann")).await;
    assert!(status == 403 && page.contains(&stranger) && page.contains("workspaces") && page.contains("[chat.work]"), "{status} {page}");

    for team in [&acme, &umbrella] {
        let ann = office.world.person_in(team, "ann");
        ann.slash("/bellhop help file", "#ops").await.unwrap();
        hears(&ann, "#ops", "file put").await;
        office.bot.said(&["channel", "post", "to all of you", "--in", &format!("work:{team}/#general")]).await;
        hears(&ann, "#general", "to all of you").await;
    }
    office.world.uninstall(&umbrella);
    until(PATIENCE, "the workspace to be let go", || async {
        let ran = office.bot.say(&["channel", "list", "--chat", "work"]).await;
        (!ran.out.contains(&umbrella)).then_some(())
    })
    .await;
    let refused = office.bot.say(&["channel", "post", "anyone?", "--in", &format!("work:{umbrella}/#general")]).await;
    assert!(refused.code != 0, "{}{}", refused.out, refused.err);
    office.bot.said(&["channel", "post", "we are still here", "--in", &format!("work:{acme}/#general")]).await;
    hears(&office.person("ann"), "#general", "we are still here").await;
}

#[tokio::test]
async fn a_token_that_expires_is_renewed_and_nobody_notices() {
    let clock = Arc::new(StoppedClock::default());
    let workspaces = vec![WorkspaceSpec { installed: false, ..WorkspaceSpec::new("acme") }];
    let settings = Settings { rotation: true, clock: clock.clone(), workspaces, ..calm() };
    let world = SlackWorld::start_with(settings).await.unwrap();
    world.deliver_over_sockets();
    let bot = Bot::start(&oauth(&world, &[&world.team_id()], &format!("app_token = \"{}\"", world.app_token()))).await;
    let office = Office { world, bot };
    let ann = office.person("ann");
    assert_eq!(connects(&office, &ann).await.0, 200);
    office.bot.said(&["channel", "post", "today", "--in", "work/#ops"]).await;
    hears(&ann, "#ops", "today").await;
    let first = office.world.bot_token();
    clock.advance(Duration::from_hours(13));
    office.bot.said(&["channel", "post", "tomorrow", "--in", "work/#ops"]).await;
    hears(&ann, "#ops", "tomorrow").await;
    assert_eq!(times(&ann, "#ops", "tomorrow"), 1);
    assert_ne!(office.world.bot_token(), first);
    assert_eq!(office.world.ledger().calls_of("oauth.v2.access"), 2, "one for the connection, one for the renewal");
}

#[tokio::test]
async fn the_manifest_fits_the_configuration() {
    let printed = async |bot: &Bot| {
        let ran = bot.bellhop(&["manifest", "slack"]).await;
        assert_eq!(ran.code, 0, "{}", ran.err);
        json(&ran.out)
    };
    let commands = |manifest: &Value| -> Vec<String> {
        let all = manifest["features"]["slash_commands"].as_array().unwrap();
        all.iter().map(|command| command["command"].as_str().unwrap().to_owned()).collect()
    };
    let plain = printed(&Bot::new("")).await;
    assert_eq!(plain["settings"]["socket_mode_enabled"], true);
    assert!(commands(&plain).contains(&"/bellhop".to_owned()) && commands(&plain).len() <= 50, "{:?}", commands(&plain));
    let all: std::collections::BTreeSet<String> = commands(&plain).into_iter().collect();
    assert_eq!(all.len(), commands(&plain).len(), "no command twice");
    assert!(plain["features"]["slash_commands"].as_array().unwrap().iter().all(|command| command["url"].is_null()));

    let section = "[chat.work]\nkind = \"slack\"\nbot_token = \"xoxb-1\"\n";
    let sockets = printed(&Bot::new(&format!("{section}app_token = \"xapp-1\"\n"))).await;
    assert_eq!((&sockets["settings"]["socket_mode_enabled"], &sockets["features"]), (&json!(true), &plain["features"]));

    let bot = Bot::new(&format!("public_url = \"https://bot.example.com\"\n{section}signing_secret = \"s\"\n"));
    let http = printed(&bot).await;
    let address = json!("https://bot.example.com/chat/work");
    let settings = &http["settings"];
    assert_eq!(settings["socket_mode_enabled"], false);
    assert_eq!(settings["event_subscriptions"]["request_url"], address);
    assert_eq!(settings["interactivity"]["request_url"], address);
    assert_eq!(settings["interactivity"]["message_menu_options_url"], address);
    assert!(http["features"]["slash_commands"].as_array().unwrap().iter().all(|command| command["url"] == address));
    assert_eq!(http["features"]["unfurl_domains"], json!(["bot.example.com"]));
    let scopes = http["oauth_config"]["scopes"]["bot"].as_array().unwrap();
    assert!(["commands", "chat:write", "files:write", "links:write"].iter().all(|scope| scopes.contains(&json!(scope))), "{scopes:?}");
}

#[tokio::test]
async fn a_check_signs_in_and_names_a_scope_that_is_missing() {
    let office = Office::over_sockets(calm(), "").await;
    let good = office.bot.bellhop(&["check", "--live"]).await;
    assert_eq!(good.code, 0, "{}{}", good.out, good.err);
    assert!(good.out.contains("acme") && good.out.contains("scopes that are needed are granted"), "{}", good.out);
    office.world.revoke_scopes(&["files:write"]);
    let bad = office.bot.bellhop(&["check", "--live"]).await;
    let text = format!("{}{}", bad.out, bad.err);
    assert!(bad.code == 1 && text.contains("the scope files:write is missing") && text.contains("OAuth & Permissions"), "{text}");
}

#[tokio::test]
async fn an_emulator_that_others_wrote_takes_what_the_bot_posts_changes_and_uploads() {
    let slack = Emulator::start().await.unwrap();
    let bot = Bot::start(&format!(
        "[chat.work]\nkind = \"slack\"\nbot_token = \"{TOKEN}\"\nsigning_secret = \"{SECRET}\"\napi_url = \"{}\"\n[[route]]\nto = [\"work/#ops\"]\n",
        slack.api_url()
    ))
    .await;
    let ops = slack.channel("ops").await.unwrap();
    let finds = async |what: &str, fits: &dyn Fn(&Value) -> bool| {
        until(PATIENCE, what, || async { slack.history(&ops).await.unwrap().into_iter().find(|message| fits(message)) }).await
    };
    let has = |message: &Value, text: &str| message.to_string().contains(text);
    bot.said(&["channel", "post", "hello <everyone> & you", "--in", "work/#ops"]).await;
    let said = finds("the post", &|message| has(message, "hello")).await;
    assert!(said["text"].as_str().unwrap().contains("hello &lt;everyone&gt; &amp; you"), "{said}");

    bot.said(&["alert", "raise", "DiskFull", "--summary", "97 %"]).await;
    let fired = finds("the alert", &|message| has(message, "DiskFull")).await;
    bot.said(&["alert", "ack", "DiskFull"]).await;
    let acked = finds("the alert to be taken", &|message| has(message, "ACKNOWLEDGED")).await;
    assert_eq!((&acked["ts"], acked["edited"].is_object()), (&fired["ts"], true), "changed in place");

    std::fs::write(bot.path("notes.txt"), "kept").unwrap();
    assert_eq!(bot.bellhop(&["say", "--file", "notes.txt", "--", "file", "put"]).await.code, 0);
    slack.mention(&format!("{}/chat/work", bot.url), &ops, "file get notes.txt").await.unwrap();
    let sent = finds("the file", &|message| message["files"].as_array().is_some_and(|files| !files.is_empty())).await;
    assert_eq!((&sent["files"][0]["name"], &sent["files"][0]["size"]), (&json!("notes.txt"), &json!(4)), "{sent}");
}
