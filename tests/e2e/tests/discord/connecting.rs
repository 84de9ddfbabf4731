//! Commands registered once, manifest, checks: how the bot gets in.

use super::{Office, calm, hears, ranks, registered, section};
use bellhop_e2e::{Bot, PATIENCE, json};
use bellhop_kit::discord::{CHAT_OPS, DiscordWorld, permission};
use bellhop_kit::wait::until;
use serde_json::{Value, json};

#[tokio::test]
async fn commands_are_written_once_and_others_stay() {
    let world = DiscordWorld::start_with(calm()).await.unwrap();
    world.add_command(&json!({ "name": "theirs", "description": "Somebody else's", "type": 1 }));
    let mut bot = Bot::start(&(section(&world, "gateway") + &ranks(&world))).await;
    registered(&world).await;
    let first = world.commands();
    assert!(first.iter().any(|one| one["name"] == "theirs"), "what others own stays");
    assert!(first.iter().any(|one| one["name"] == "Save to storage" && one["type"] == 3));
    let before = world.ledger().command_writes;
    for _ in 0..2 {
        bot.program().terminate(PATIENCE).await.unwrap();
        bot.go().await;
        until(PATIENCE, "a session", || async { world.sessions().iter().any(|one| one.connected).then_some(()) }).await;
        world.person("ann").slash("/status", "#ops").await.unwrap();
    }
    let asked = world.ledger().calls_of("GET /applications/{application}/commands");
    until(PATIENCE, "it looks", || async { (world.ledger().calls_of("GET /applications/{application}/commands") >= asked).then_some(()) })
        .await;
    assert_eq!(world.ledger().command_writes, before, "nothing had changed");
    assert_eq!(world.ledger().violations(), Vec::<String>::new());
}

#[tokio::test]
async fn commands_of_one_guild_are_registered_there() {
    let world = DiscordWorld::start_with(calm()).await.unwrap();
    let _bot = Bot::start(&(section(&world, "gateway") + &format!("guilds = [\"{}\"]\n", world.guild_id()))).await;
    registered(&world).await;
    let all = world.commands();
    until(PATIENCE, "a session", || async { world.sessions().iter().any(|one| one.connected).then_some(()) }).await;
    assert!(all.iter().filter(|one| one["name"] == "file").all(|one| one["guild_id"] == world.guild_id()), "{all:?}");
    world.person("ann").slash("/status", "#ops").await.unwrap();
    hears(&world.person("ann"), "#ops", "Bellhop is at your service").await;
}

#[tokio::test]
async fn the_manifest_is_what_discord_takes_and_asks_for_the_least() {
    let world = DiscordWorld::start_with(calm()).await.unwrap();
    let bot = Bot::new(&section(&world, "gateway"));
    let ran = bot.bellhop(&["manifest", "discord"]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    let commands: Value = json(&ran.out);
    assert!(commands.as_array().is_some_and(|list| list.iter().any(|one| one["name"] == "file")), "{commands}");
    let client = bellhop_http::Client::new("test", bellhop_http::Limits::default());
    bellhop_kit::install_tls();
    let client = client.or_else(|_| bellhop_http::Client::new("test", bellhop_http::Limits::default())).unwrap();
    let url = format!("{}/applications/{}/commands", world.api_url(), world.application_id());
    let put = client.put("put", "commands", &url).header("authorization", &format!("Bot {}", world.bot_token()));
    let answer = put.header("user-agent", "DiscordBot (https://bot.example, 1)").json(&commands).exchange().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{}", answer.text().await.unwrap());
    let said = ran.out + &ran.err;
    let link = said.split_whitespace().find(|word| word.contains("/oauth2/authorize?")).unwrap_or_else(|| panic!("no link in {said}"));
    let get =
        |name: &str| link.split(['?', '&']).find_map(|pair| pair.strip_prefix(&format!("{name}=")).map(str::to_owned)).unwrap_or_default();
    let permissions: u64 = get("permissions").trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    assert_eq!(permissions & permission::ADMINISTRATOR, 0);
    assert_eq!(permissions & !(CHAT_OPS | permission::CREATE_INSTANT_INVITE), 0, "no more than a bot for operations needs");
    assert_eq!(get("client_id"), world.application_id());
    assert!(get("scope").contains("bot") && get("scope").contains("applications.commands"), "{link}");
}

#[tokio::test]
async fn a_check_names_what_is_missing() {
    let office = Office::over_gateway(calm(), "").await;
    let good = office.bot.bellhop(&["check", "--live"]).await;
    assert_eq!(good.code, 0, "{}{}", good.out, good.err);
    office.world.grant(CHAT_OPS & !permission::MANAGE_CHANNELS & !permission::ATTACH_FILES);
    office.world.grant_everyone(bellhop_kit::discord::EVERYONE & !permission::ATTACH_FILES);
    let lacking = office.bot.bellhop(&["check", "--live"]).await;
    let said = lacking.out + &lacking.err;
    assert!(said.contains("Manage Channels") && said.contains("Attach Files"), "{said}");
    let old = office.world.bot_token();
    let _new = office.world.reset_token();
    let refused = office.bot.bellhop(&["check", "--live"]).await;
    let said = refused.out + &refused.err;
    assert!(refused.code != 0 && said.contains("token") && !said.contains(&old), "{said}");
}
