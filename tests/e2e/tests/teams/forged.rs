//! Activities that Teams never sent: nothing comes of them, and no token of ours goes anywhere.

use super::{Office, all, calm, hears, section};
use bellhop_e2e::Bot;
use bellhop_kit::teams::{Forgery, TeamsWorld};
use serde_json::{Value, json};

/// A message of ann's to the bot, as a new one.
fn message(office: &Office, line: &str, n: usize) -> Value {
    let mut activity = office.world.activity("message", &office.person("ann"), "@bellhop");
    activity["id"] = json!(format!("{}", 1_600_000_000_000_u64 + n as u64));
    activity["text"] = json!(line);
    activity
}

#[tokio::test]
async fn wrong_tokens_are_refused_and_nothing_is_done() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    let url = format!("{}/chat/work", office.bot.url);
    let service_url = office.world.service_url();
    let forgeries = [
        Forgery::Missing,
        Forgery::OtherScheme,
        Forgery::Bare,
        Forgery::Garbage,
        Forgery::Audience,
        Forgery::Issuer("https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/".into()),
        Forgery::Issuer("https://login.microsoftonline.com/d6d49420-f39b-4df7-a1dc-d59a935871db/v2.0".into()),
        Forgery::Issuer("https://api.botframework.us".into()),
        Forgery::Issuer("https://api.botframework.com/".into()),
        Forgery::OtherKey,
        Forgery::UnknownKey,
        Forgery::Unsigned,
        Forgery::Shared,
        Forgery::Expired(301),
        Forgery::Early(600),
        Forgery::ServiceUrl("https://smba.trafficmanager.net/emea/".into()),
        Forgery::ServiceUrl(format!("{service_url}more/")),
        Forgery::NoServiceUrl,
        Forgery::Changed,
        Forgery::Endorsement,
    ];
    for (n, forgery) in forgeries.into_iter().enumerate() {
        let answer = office.world.send(&url, &message(&office, "status", n), &forgery).await.unwrap();
        assert!(matches!(answer.status, 401 | 403), "{forgery:?}: {} {}", answer.status, answer.text());
        assert!(!answer.text().trim().is_empty(), "{forgery:?}: what is wrong is said");
    }
    // The clocks may differ by five minutes.
    for (n, forgery) in [Forgery::None, Forgery::Expired(240), Forgery::Early(240)].into_iter().enumerate() {
        let answer = office.world.send(&url, &message(&office, &format!("help good{n}x"), 100 + n), &forgery).await.unwrap();
        assert_eq!(answer.status, 200, "{forgery:?}: {}", answer.text());
        hears(&ann, "@bellhop", &format!("good{n}x")).await;
    }
    assert_eq!(all(&ann, "@bellhop", "Bellhop is at your service"), [], "nothing came of the others");
    office.proper();
}

#[tokio::test]
async fn another_tenant_another_channel_and_no_address_are_refused() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    let url = format!("{}/chat/work", office.bot.url);
    let other = "11111111-2222-4333-8444-555555555555";
    let changes: [(&str, Value); 7] = [
        ("/channelData/tenant/id", json!(other)),
        ("/conversation/tenantId", json!(other)),
        ("/channelId", json!("webchat")),
        ("/channelId", Value::Null),
        ("/serviceUrl", Value::Null),
        ("/serviceUrl", json!("")),
        ("/serviceUrl", json!(7)),
    ];
    for (n, (path, value)) in changes.into_iter().enumerate() {
        let mut activity = message(&office, "status", n);
        *activity.pointer_mut(path).unwrap() = value.clone();
        let good = office.world.service_url();
        let answer = office.world.send_raw(&url, activity.to_string().as_bytes(), &good, &Forgery::None).await.unwrap();
        assert!(matches!(answer.status, 400 | 401 | 403), "{path} = {value}: {} {}", answer.status, answer.text());
    }
    let mut nowhere = message(&office, "status", 50);
    nowhere["channelData"]["tenant"]["id"] = json!(other);
    nowhere["conversation"]["tenantId"] = json!(other);
    assert_eq!(office.world.send(&url, &nowhere, &Forgery::None).await.unwrap().status, 403);
    ann.dm("help").await.unwrap();
    hears(&ann, "@bellhop", "Explains the commands").await;
    assert_eq!(all(&ann, "@bellhop", "Bellhop is at your service"), []);
}

#[tokio::test]
async fn a_hundred_forged_addresses_get_no_token() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    let url = format!("{}/chat/work", office.bot.url);
    let (stranger, own) = (office.world.stranger_url().to_owned(), office.world.service_url());
    let host = |url: &str| url.trim_start_matches("http://").to_owned();
    let (strange, good) = (host(&stranger), host(office.world.url()));
    let shapes = [
        format!("{stranger}/"),
        format!("{stranger}/smba/emea/"),
        format!("http://{good}@{strange}/smba/"),
        format!("http://{strange}#{good}/smba/"),
        format!("http://{strange}/?{good}/smba/"),
        format!("http://{strange}\\@{good}/smba/"),
        format!("http://{strange}/smba/../smba/"),
        format!("http://localhost:{}/smba/", strange.rsplit(':').next().unwrap()),
        format!("http://[::ffff:127.0.0.1]:{}/smba/", strange.rsplit(':').next().unwrap()),
        format!("http://2130706433:{}/smba/", strange.rsplit(':').next().unwrap()),
        format!("{}.evil.example/smba/", office.world.url()),
        format!("{}evil/", own.trim_end_matches('/').replace("/smba/", "/smbaX/")),
        format!("{}/smba/../elsewhere/", office.world.url()),
        format!("{}/smba/%2e%2e/elsewhere/", office.world.url()),
        format!("ftp://{good}/smba/"),
        format!("//{strange}/smba/"),
        "https://smba.trafficmanager.net.evil.example/emea/".to_owned(),
        "https://evil.example/smba.trafficmanager.net/".to_owned(),
        "https://smba.trafficmanager.net@evil.example/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ];
    for n in 0..100 {
        let shape = &shapes[n % shapes.len()];
        let mut activity = message(&office, "status", n);
        activity["serviceUrl"] = json!(shape);
        // Some have it in the token as well, as one would who can have tokens made for an address of theirs.
        let forgery = if n % 2 == 0 { Forgery::None } else { Forgery::ServiceUrl(own.clone()) };
        let answer = office.world.send(&url, &activity, &forgery).await.unwrap();
        assert!(matches!(answer.status, 400 | 401 | 403), "{shape}: {} {}", answer.status, answer.text());
    }
    ann.dm("help").await.unwrap();
    hears(&ann, "@bellhop", "Explains the commands").await;
    let ledger = office.world.ledger();
    assert_eq!(ledger.calls_of("stranger"), 0, "nobody else was even called");
    assert_eq!(ledger.wrongs(), Vec::<String>::new());
    assert_eq!(all(&ann, "@bellhop", "Bellhop is at your service"), []);
}

#[tokio::test]
async fn keys_change_and_the_bot_goes_on() {
    let office = Office::open(calm(), "").await;
    let ann = office.person("ann");
    ann.dm("help file").await.unwrap();
    hears(&ann, "@bellhop", "file put").await;
    office.world.rotate_keys();
    ann.dm("help channel").await.unwrap();
    hears(&ann, "@bellhop", "channel post").await;
    // Unknown keys by the hundred don't have the page of keys read by the hundred.
    let url = format!("{}/chat/work", office.bot.url);
    let before = office.world.ledger().calls_of("keys");
    for n in 0..100 {
        let answer = office.world.send(&url, &message(&office, "status", n), &Forgery::UnknownKey).await.unwrap();
        assert!(matches!(answer.status, 401 | 403), "{}", answer.status);
    }
    let asked = office.world.ledger().calls_of("keys") - before;
    assert!(asked <= 2, "{asked} times");
}

#[tokio::test]
async fn the_emulator_needs_its_key_and_this_machine() {
    let world = TeamsWorld::start().await.unwrap();
    let plain = Bot::start(&section(&world)).await;
    let activity = world.activity("message", &world.person("ann"), "@bellhop");
    let url = format!("{}/chat/work", plain.url);
    assert!(matches!(world.send(&url, &activity, &Forgery::Missing).await.unwrap().status, 401 | 403));

    let emulated = Bot::new("[chat.work]\nkind = \"teams\"\nemulator = true\n");
    let config = std::fs::read_to_string(emulated.path("bellhop.toml")).unwrap();
    std::fs::write(emulated.path("bellhop.toml"), config.replace("\"127.0.0.1:0\"", "\"0.0.0.0:0\"\npublic_url = \"https://bot.example\""))
        .unwrap();
    let ran = emulated.bellhop(&["run"]).await;
    assert!(ran.code != 0 && format!("{}{}", ran.out, ran.err).contains("emulator"), "{}{}", ran.out, ran.err);

    let mut emulated = Bot::new("[chat.work]\nkind = \"teams\"\nemulator = true\n");
    emulated.go().await;
    assert!(emulated.program().output().to_lowercase().contains("emulator"), "{}", emulated.program().output());
    let url = format!("{}/chat/work", emulated.url);
    let mut away = activity.clone();
    away["serviceUrl"] = json!("https://smba.trafficmanager.net/emea/");
    assert!(matches!(world.send(&url, &away, &Forgery::Missing).await.unwrap().status, 400 | 401 | 403), "an address elsewhere");
    assert_eq!(world.send(&url, &activity, &Forgery::Missing).await.unwrap().status, 200);
}
