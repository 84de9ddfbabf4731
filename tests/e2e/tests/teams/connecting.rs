//! How the bot gets in and stays: ways to sign in, the first message to somebody, restarts, crashes, the manifest, checks.

use super::{Office, all, calm, hears, section};
use bellhop_e2e::{PATIENCE, json};
use bellhop_kit::teams::{Behaviour, CERTIFICATE, PRIVATE_KEY, Settings, TeamsWorld};
use bellhop_kit::wait::until;
use std::time::Duration;

/// The section without a secret, with something else to sign in by.
fn by(world: &TeamsWorld, other: &str) -> String {
    let plain = section(world).lines().filter(|line| !line.starts_with("app_password")).fold(String::new(), |all, line| all + line + "\n");
    plain + other
}

#[tokio::test]
async fn a_certificate_a_federated_token_or_the_machines_identity_do_for_a_secret() {
    for way in ["certificate", "federated", "managed"] {
        let world = TeamsWorld::start_with(calm()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let config = match way {
            "certificate" => {
                let (key, certificate) = (file("key.pem", PRIVATE_KEY), file("certificate.pem", CERTIFICATE));
                by(&world, &format!("[chat.work.certificate]\nkey = \"file:{key}\"\ncertificate = \"file:{certificate}\"\n"))
            }
            "federated" => by(&world, &format!("federated_token = \"{}\"\n", file("token", &world.federated_token()))),
            _ => by(&world, &format!("managed_identity = \"{}\"\nidentity_url = \"{}\"\n", world.app_id(), world.identity_url())),
        };
        let office = Office::with(world, &config).await;
        let ann = office.person("ann");
        ann.dm("status").await.unwrap();
        hears(&ann, "@bellhop", "Bellhop is at your service").await;
        office.proper();
    }
}

#[tokio::test]
async fn after_a_restart_the_bot_speaks_to_everyone_it_knew() {
    let mut office = Office::open(calm(), "[[route]]\nto = [\"work/#ops\", \"work/@bob\"]\n").await;
    let bob = office.person("bob");
    bob.dm("status").await.unwrap();
    hears(&bob, "@bellhop", "Bellhop is at your service").await;
    office.bot.program().terminate(PATIENCE).await.unwrap();
    office.again().await;
    office.alert("DiskFull").await;
    hears(&bob, "#ops", "DiskFull").await;
    hears(&bob, "@bellhop", "DiskFull").await;
    office.person("ann").mention("war room", "status").await.unwrap();
    hears(&bob, "war room", "Bellhop is at your service").await;
    office.proper();
}

#[tokio::test]
async fn somebody_who_never_wrote_is_written_to_first() {
    let office = Office::open(calm(), "").await;
    let cem = office.person("cem");
    office.bot.said(&["channel", "post", "welcome", "--in", "work/@cem"]).await;
    hears(&cem, "@bellhop", "welcome").await;
    // Dee has neither the app nor a team in which it is.
    let refused = office.bot.say(&["channel", "post", "welcome", "--in", "work/@dee"]).await;
    assert!(refused.code == 1, "{}{}", refused.out, refused.err);
    assert_eq!(office.person("dee").hears("@bellhop"), []);
    office.proper();
}

#[tokio::test]
async fn removed_from_a_team_the_bot_is_silent_until_it_comes_back() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    office.world.uninstall("Acme").await.unwrap();
    let before = office.world.ledger().calls_of("send");
    let refused = office.bot.say(&["channel", "post", "anyone", "--in", "work/#ops"]).await;
    if refused.code == 0 {
        until(PATIENCE, "what could not be delivered", || async {
            office.bot.said(&["outbox", "list"]).await.contains("anyone").then_some(())
        })
        .await;
    }
    assert!(office.world.ledger().calls_of("send") - before <= 1);
    office.world.install("Acme").await.unwrap();
    office.bot.said(&["channel", "post", "back again", "--in", "work/#ops"]).await;
    hears(&ann, "#ops", "back again").await;
}

#[tokio::test]
async fn kill_9_loses_nothing() {
    let mut office = Office::open(calm(), "[[route]]\nto = [\"work/#ops\"]\n").await;
    let bob = office.person("bob");
    let key = office.bot.key().await;
    office.world.behave(Behaviour { call: Some("send".into()), linger: Duration::from_millis(150), ..Behaviour::default() });
    let mut names = Vec::new();
    for round in 0..3 {
        for n in 0..6 {
            let name = format!("alert-{round}-{n}");
            assert_eq!(office.bot.post("/alerts/generic", &key, format!("{{\"name\":\"{name}\"}}")).await.0, 200);
            names.push(name);
        }
        hears(&bob, "#ops", &format!("alert-{round}-1")).await;
        office.bot.program().kill().await.unwrap();
        office.again().await;
    }
    office.world.behave_well();
    for name in &names {
        hears(&bob, "#ops", name).await;
    }
    // Teams can't be asked what was posted: what was on its way at a kill may stand there twice, and nothing else.
    let twice = names.iter().filter(|name| all(&bob, "#ops", name).len() > 1).count();
    assert!(twice <= 3, "{twice} of them twice, with three kills");
    assert_eq!(office.world.ledger().early, Vec::<String>::new());
}

#[tokio::test]
async fn commands_survive_kill_9_and_run_once() {
    let mut office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    for n in 0..5 {
        ann.dm(&format!("help nothing{n}x")).await.unwrap();
        office.bot.program().kill().await.unwrap();
        office.again().await;
        hears(&ann, "@bellhop", &format!("nothing{n}x")).await;
    }
}

#[tokio::test]
async fn the_manifest_is_a_package_that_teams_takes() {
    let office = Office::open(calm(), "").await;
    let printed = office.bot.bellhop(&["manifest", "teams"]).await;
    assert_eq!(printed.code, 0, "{}", printed.err);
    let manifest = json(&printed.out);
    assert_eq!(manifest["bots"][0]["botId"], office.world.app_id());
    let text = |path: &str| manifest.pointer(path).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    assert!(text("/name/short").len() <= 30 && text("/description/short").len() <= 80, "{manifest}");
    let lists = manifest["bots"][0]["commandLists"].as_array().unwrap();
    assert!(lists.len() <= 3 && lists.iter().all(|list| list["commands"].as_array().unwrap().len() <= 12), "{lists:?}");
    let written = office.bot.bellhop(&["manifest", "teams", "--zip", "app.zip"]).await;
    assert_eq!(written.code, 0, "{}", written.err);
    let bytes = std::fs::read(office.bot.path("app.zip")).unwrap();
    for name in ["manifest.json", "color.png", "outline.png"] {
        assert!(bytes.windows(name.len()).any(|window| window == name.as_bytes()), "{name} is in the package");
    }
    assert!(bytes.starts_with(b"PK\x03\x04"));
    assert!(!printed.out.contains(&office.world.app_password()));
}

#[tokio::test]
async fn a_live_check_says_what_is_missing() {
    let office = Office::open(calm(), "").await;
    let good = office.bot.bellhop(&["check", "--live"]).await;
    assert!(good.out.contains("signed in") && good.out.contains("Acme"), "{}{}", good.out, good.err);
    let office = Office::open(Settings { ..calm().without("Files.ReadWrite.All") }, "").await;
    let missing = office.bot.bellhop(&["check", "--live"]).await;
    assert!(missing.out.contains("Files.ReadWrite.All is missing") && missing.out.contains("consent"), "{}{}", missing.out, missing.err);
    office.proper();
}
