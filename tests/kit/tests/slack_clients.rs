//! The Slack world, judged by Slack's own clients: what they expect of Slack they get from it.
#![expect(clippy::unwrap_used, reason = "what a test needs and doesn't get fails it")]

use bellhop_kit::peers::slack::{node, python};
use bellhop_kit::process::{Program, run};
use bellhop_kit::slack::{Settings, SlackWorld, SocketEvent, Submitted};
use bellhop_kit::wait::until;
use serde_json::{Value, json};
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(1);

fn order(world: &SlackWorld) -> Value {
    let ann = world.person("ann");
    json!({
        "api_url": world.api_url(),
        "token": world.bot_token(),
        "app_token": world.app_token(),
        "signing_secret": world.signing_secret(),
        "channel": world.channel("ops"),
        "slow": world.channel("vault"),
        "user": ann.id,
        "outsider": world.person("gus").id,
        "now": bellhop_core::Clock::now(&bellhop_kit::slack::MachineClock).timestamp(),
    })
}

/// Limits that hold in one channel only, so that the others are quick.
fn roomy() -> Settings {
    let mut settings = Settings { page: 2, empty_pages: true, ..Settings::default() };
    settings.limits.tiers = false;
    settings.limits.burst = 20;
    settings
}

fn steps(ran: &bellhop_kit::process::Ran) -> Vec<String> {
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    ran.out.lines().filter_map(|line| line.strip_prefix("done ")).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_python_client_finds_slack_here() {
    let world = SlackWorld::start_with(roomy()).await.unwrap();
    let ran = run(&mut python("slack_web.py").unwrap(), order(&world).to_string().as_bytes(), LIMIT).await.unwrap();
    let all = ["auth", "post", "update", "refusals", "lists", "channels", "scheduled", "files", "views"];
    assert_eq!(steps(&ran), all);
    let ann = world.person("ann");
    let seen = ann.sees("#ops");
    let texts: Vec<&str> = seen.iter().map(|seen| seen.text.as_str()).collect();
    assert_eq!(texts, ["changed", "in thread", "for you only", "two files\nA"]);
    assert!(seen[0].edited && seen[1].thread.is_some() && seen[2].ephemeral);
    assert_eq!(seen[3].files, [("a.txt".to_owned(), b"from python".to_vec())]);
    assert_eq!(ann.home().unwrap().text, "home");
    assert_eq!(ann.sees("@bellhop").pop().unwrap().text, "to you");
    assert_eq!(world.ledger().copies_of("py-1"), 1);
    assert_eq!(world.ledger().strange, Vec::<String>::new());
}

#[tokio::test]
async fn the_node_client_finds_slack_here() {
    let world = SlackWorld::start_with(Settings { rotation: true, careful: false, ..roomy() }).await.unwrap();
    let ann = world.person("ann");
    let redirect = "https://bot.example/back";
    let page =
        format!("{}/oauth/v2/authorize?client_id={}&scope=chat:write&state=s1&redirect_uri={redirect}", world.url(), world.client_id());
    let back = world.authorize(&page, &ann).unwrap();
    let code = back.strip_prefix(&format!("{redirect}?code=")).unwrap().strip_suffix("&state=s1").unwrap().to_owned();
    let (mut command, modules) = node("slack_web.mjs").unwrap();
    let mut order = order(&world);
    let more = json!({ "modules": modules, "code": code, "redirect_uri": redirect, "client_id": world.client_id(), "client_secret": world.client_secret() });
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let ran = run(&mut command, order.to_string().as_bytes(), LIMIT).await.unwrap();
    assert_eq!(steps(&ran), ["auth", "post", "lists", "files", "views", "oauth", "refresh"]);
    let seen = ann.sees("#ops");
    assert_eq!(seen[1].files, [("n.txt".to_owned(), b"from node".to_vec())]);
    assert_eq!(world.ledger().copies_of("js-1"), 1);
    assert_eq!(world.ledger().strange, Vec::<String>::new());
}

#[tokio::test]
async fn a_client_waits_as_long_as_it_is_told() {
    let world = SlackWorld::start_with({
        let mut settings = roomy();
        settings.limits.burst = 1;
        settings
    })
    .await
    .unwrap();
    let ran = run(&mut python("slack_slow.py").unwrap(), order(&world).to_string().as_bytes(), LIMIT).await.unwrap();
    assert_eq!(steps(&ran), ["slow"]);
    let ledger = world.ledger();
    assert_eq!(world.person("ann").sees("#vault").len(), 3);
    assert!(ledger.all_limited() >= 2 && ledger.early.is_empty(), "{ledger:?}");
}

/// Commands, a click and a mention reach a client over its sockets, whatever happens to them.
async fn over_sockets(world: &SlackWorld, mut client: Program, name: &str) {
    client.line("ready", LIMIT).await.unwrap();
    until(LIMIT, "a socket", || async { (!world.sockets().is_empty()).then_some(()) }).await;
    let ann = world.person("ann");
    ann.slash("/bellhop one", "#ops").await.unwrap();
    assert_eq!(ann.sees("#ops").pop().unwrap().text, format!("{name} took one"));
    ann.mention("#ops", "hello").unwrap();
    client.line("heard events_api app_mention", LIMIT).await.unwrap();
    assert!(world.acknowledgements().iter().all(|ack| ack.expected), "{:?}", world.acknowledgements());
    // Told to go, it opens another one, and nothing is lost on the way.
    let first = world.sockets()[0];
    world.disconnect(first, "refresh_requested");
    until(LIMIT, "another socket", || async { world.sockets().iter().any(|id| *id != first).then_some(()) }).await;
    world.close_socket(first);
    until(LIMIT, "the end of the first", || async { (!world.sockets().contains(&first)).then_some(()) }).await;
    ann.slash("/bellhop two", "#ops").await.unwrap();
    assert_eq!(ann.sees("#ops").pop().unwrap().text, format!("{name} took two"));
    // Broken, it comes back too.
    let second = world.sockets()[0];
    world.reset_socket(second);
    until(LIMIT, "a third socket", || async { world.sockets().iter().any(|id| *id != second).then_some(()) }).await;
    ann.slash("/bellhop three", "#ops").await.unwrap();
    assert_eq!(ann.sees("#ops").pop().unwrap().text, format!("{name} took three"));
    assert!(world.socket_events().contains(&SocketEvent::Closed(second, false)));
    assert!(client.runs());
}

#[tokio::test]
async fn the_python_client_stays_connected() {
    let world = SlackWorld::start_with(roomy()).await.unwrap();
    world.deliver_over_sockets();
    let mut command = python("slack_socket.py").unwrap();
    let client = Program::start(command.arg(order(&world).to_string())).unwrap();
    over_sockets(&world, client, "python").await;
}

#[tokio::test]
async fn the_node_client_stays_connected() {
    let world = SlackWorld::start_with(roomy()).await.unwrap();
    world.deliver_over_sockets();
    let (mut command, modules) = node("slack_socket.mjs").unwrap();
    let mut order = order(&world);
    order["modules"] = json!(modules);
    let client = Program::start(command.arg(order.to_string())).unwrap();
    over_sockets(&world, client, "node").await;
}

#[tokio::test]
async fn slacks_own_framework_takes_what_the_world_delivers() {
    let world = SlackWorld::start_with(Settings { careful: false, ..roomy() }).await.unwrap();
    let (mut command, modules) = node("slack_bolt.mjs").unwrap();
    let mut order = order(&world);
    order["modules"] = json!(modules);
    let mut bolt = Program::start(command.arg(order.to_string())).unwrap();
    let ready = bolt.line("ready ", LIMIT).await.unwrap();
    let url = format!("http://127.0.0.1:{}/slack/events", ready.trim_start_matches("ready "));
    world.verify_url(&url).await.unwrap_or_else(|why| panic!("{url}: {why}\n{}", bolt.output()));
    world.check_ssl(&url).await.unwrap();
    world.deliver_over_http(&url);
    let ann = world.person("ann");
    ann.slash("/bellhop list", "#ops").await.unwrap();
    let both = || async { (ann.hears("#ops").len() == 2).then(|| ann.hears("#ops")) };
    let heard = until(LIMIT, "both answers", both).await;
    assert_eq!((heard[0].text.as_str(), heard[0].ephemeral), ("bolt took list", true));
    assert_eq!((heard[1].text.as_str(), heard[1].ephemeral), ("and responded", false));

    ann.slash("/bellhop form", "#ops").await.unwrap();
    let modal = until(LIMIT, "the modal", || async { ann.modal() }).await;
    assert_eq!(modal.title, "Bolt asks");
    ann.fill("Name", "bad").unwrap();
    assert_eq!(ann.suggest("What", "ab").await.unwrap(), ["ab!"]);
    ann.fill("What", "ab!").unwrap();
    assert_eq!(ann.submit().await.unwrap(), Submitted::Errors(vec![("name".into(), "not this one".into())]));
    ann.fill("Name", "good").unwrap();
    assert_eq!(ann.submit().await.unwrap(), Submitted::Closed);
    bolt.line("submitted good", LIMIT).await.unwrap();

    ann.mention("#ops", "hello").unwrap();
    let with_button = || async { ann.hears("#ops").into_iter().find(|seen| seen.buttons == ["Press"]) };
    let message = until(LIMIT, "the answer to the mention", with_button).await;
    assert!(message.thread.is_some());
    ann.click(&message, "Press").await.unwrap();
    let replaced =
        || async { ann.hears("#ops").into_iter().find(|seen| seen.ts == message.ts && seen.text == "pressed it" && seen.edited) };
    until(LIMIT, "the message to change", replaced).await;

    ann.say("#ops", "keep this").unwrap();
    let hers = ann.sees("#ops").pop().unwrap();
    ann.message_shortcut(&hers, "save").await.unwrap();
    bolt.line("shortcut message_action keep this", LIMIT).await.unwrap();
    ann.shortcut("save").await.unwrap();
    bolt.line("shortcut shortcut", LIMIT).await.unwrap();
    assert!(!bolt.output().contains("error "), "{}", bolt.output());
}
