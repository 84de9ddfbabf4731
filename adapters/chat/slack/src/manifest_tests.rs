//! The manifest against Slack's own schema (slackapi/manifest-schema, 2.0.0), and what the schema doesn't say.

use super::*;
use bellhop_core::call::{Call, Reply};
use bellhop_core::card::Card;
use bellhop_core::command::{AnyCommand as _, Command, NoArgs, Registered};
use bellhop_core::error::CommandError;

const SCHEMA: &str = include_str!("../tests/fixtures/manifest.schema.2.0.0.json");

struct Sample;

impl Command for Sample {
    const NAME: &'static str = "sample";
    const SUMMARY: &'static str = "Shows a sample";
    type Args = NoArgs;

    async fn run(&self, _: &Call, _: NoArgs) -> Result<Reply, CommandError> {
        Ok(Card::text("sample").into())
    }
}

fn about(name: &'static str, summary: &'static str) -> About {
    About { name, summary, ..Registered::new(Sample).about().clone() }
}

fn commands() -> Vec<About> {
    vec![
        about("file put", "Stores a file"),
        about("file get", "Brings a file"),
        about("file list", "Lists files"),
        about("help", "Says what there is"),
        about("status", "Says how the bot is"),
        about("track", "Counts an event"),
    ]
}

fn config(text: &str) -> SlackConfig {
    toml::from_str(text).unwrap()
}

fn of(text: &str, public_url: &str) -> Value {
    let manifest = manifest(Some(&config(text)), &ChatName::new("work"), public_url, &commands());
    assert_eq!(problems(&manifest), Vec::<String>::new());
    manifest
}

const SOCKET: &str = "bot_token = \"xoxb-1\"\napp_token = \"xapp-1\"";
const HTTP: &str = "bot_token = \"xoxb-1\"\nsigning_secret = \"s\"";
const OAUTH: &str = "client_id = \"1\"\nclient_secret = \"s\"\nsigning_secret = \"s\"";

/// Every string in a value, with where it stands.
fn strings(value: &Value, at: &str, into: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => into.push((at.to_owned(), text.clone())),
        Value::Array(items) => items.iter().enumerate().for_each(|(number, item)| strings(item, &format!("{at}/{number}"), into)),
        Value::Object(members) => members.iter().for_each(|(name, member)| strings(member, &format!("{at}/{name}"), into)),
        _ => {}
    }
}

fn addresses(manifest: &Value) -> Vec<(String, String)> {
    let mut all = Vec::new();
    strings(manifest, "", &mut all);
    all.into_iter().filter(|(_, text)| text.contains("://")).collect()
}

#[test]
fn over_sockets_there_are_no_addresses() {
    for manifest in [of(SOCKET, "https://bot.example.com"), manifest(None, &ChatName::new("slack"), "http://127.0.0.1:8787", &commands())] {
        assert_eq!(problems(&manifest), Vec::<String>::new());
        assert_eq!(addresses(&manifest), []);
        assert_eq!(manifest["settings"]["socket_mode_enabled"], true);
        assert_eq!(manifest["settings"]["token_rotation_enabled"], false);
    }
}

#[test]
fn over_http_every_address_is_the_one_that_we_serve() {
    let manifest = of(HTTP, "https://bot.example.com/");
    let addresses = addresses(&manifest);
    // One per slash command (all but Slack's own `/status`), and the three of events, clicks and options.
    assert_eq!(addresses.len(), 4 + 3, "{addresses:?}");
    assert!(addresses.iter().all(|(_, address)| address == "https://bot.example.com/chat/work"), "{addresses:?}");
    assert_eq!(manifest["settings"]["socket_mode_enabled"], false);
    assert!(manifest["oauth_config"].get("redirect_urls").is_none());
    let oauth = of(OAUTH, "https://bot.example.com");
    assert_eq!(oauth["oauth_config"]["redirect_urls"], json!(["https://bot.example.com/chat/work"]));
    assert_eq!(oauth["settings"]["token_rotation_enabled"], true);
    // With a token in the configuration nobody could keep a renewed one.
    assert_eq!(of(&format!("bot_token = \"xoxb-1\"\n{OAUTH}"), "https://x.example.com")["settings"]["token_rotation_enabled"], false);
}

#[test]
fn there_is_one_root_and_a_command_for_each_group() {
    let manifest = of(HTTP, "https://bot.example.com");
    let slash = manifest["features"]["slash_commands"].as_array().unwrap();
    let names: Vec<&str> = slash.iter().map(|command| command["command"].as_str().unwrap()).collect();
    assert_eq!(names, ["/bellhop", "/file", "/help", "/track"]);
    assert!(slash.iter().all(|command| command["should_escape"] == true));
    assert_eq!(slash[0]["usage_hint"], "file | help | status | track");
    assert_eq!(slash[1]["usage_hint"], "put | get | list");
    assert_eq!(slash[1]["description"], "put: Stores a file; get: Brings a file; list: Lists files");
    assert_eq!(slash[2]["description"], "Says what there is");
}

#[test]
fn what_slack_would_refuse_is_left_out_or_shortened() {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let mut many: Vec<About> = (0..80).map(|number| about(leak(format!("group{number:02} verb")), "Does it")).collect();
    many.push(about(leak("x".repeat(40)), "A long name"));
    many.push(about("Ünfit verb", "A name that Slack doesn't take"));
    many.push(about("bellhop", "The root's own name"));
    many.extend((0..90).map(|number| about(leak(format!("group00 verb{number:02}")), leak("what it does ".repeat(10)))));
    let manifest = manifest(Some(&config(HTTP)), &ChatName::new("work"), "https://bot.example.com", &many);
    assert_eq!(problems(&manifest), Vec::<String>::new());
    let slash = manifest["features"]["slash_commands"].as_array().unwrap();
    assert_eq!(slash.len(), 50);
    assert_eq!(slash.iter().filter(|command| command["command"] == "/bellhop").count(), 1);
    assert_eq!(problems(&super::manifest(None, &ChatName::new("work"), "", &[])), Vec::<String>::new());
}

#[test]
fn our_links_are_unfurled_where_they_have_a_public_name() {
    for (address, domain) in [
        ("https://bot.example.com", Some("bot.example.com")),
        ("https://bot.example.com:8443/chat", Some("bot.example.com")),
        ("http://127.0.0.1:8787", None),
        ("http://[::1]:8787", None),
        ("http://localhost:8787", None),
        ("https://bot.internal", None),
        ("https://my_bot.example.com", None),
        ("nothing", None),
    ] {
        let manifest = of(SOCKET, address);
        assert_eq!(manifest["features"]["unfurl_domains"][0].as_str(), domain, "{address}");
        let events = manifest["settings"]["event_subscriptions"]["bot_events"].as_array().unwrap();
        let scopes = manifest["oauth_config"]["scopes"]["bot"].as_array().unwrap();
        assert_eq!(events.contains(&json!("link_shared")), domain.is_some(), "{address}");
        assert_eq!(scopes.contains(&json!("links:write")), domain.is_some(), "{address}");
    }
}

#[test]
fn what_is_subscribed_to_has_its_scope() {
    let manifest = of(SOCKET, "https://bot.example.com");
    let scopes = manifest["oauth_config"]["scopes"]["bot"].as_array().unwrap();
    let list: Vec<&str> = scopes.iter().filter_map(Value::as_str).collect();
    assert!(list.is_sorted() && list.iter().all(|scope| !reason(scope).is_empty()));
    for event in manifest["settings"]["event_subscriptions"]["bot_events"].as_array().unwrap() {
        let needed = match event.as_str().unwrap() {
            "app_home_opened" | "app_uninstalled" | "tokens_revoked" => continue,
            "app_mention" => "app_mentions:read",
            "file_shared" => "files:read",
            "link_shared" => "links:read",
            "message.im" => "im:history",
            "user_change" => "users:read",
            channel if channel.starts_with("channel_") => "channels:read",
            group if group.starts_with("group_") => "groups:read",
            other => panic!("which scope does {other} need?"),
        };
        assert!(list.contains(&needed), "{event} needs {needed}");
    }
    // Every message of every channel is none of the bot's business.
    assert!(!manifest.to_string().contains("message.channels"));
}

#[test]
fn addresses_that_slack_cannot_reach_are_known() {
    for good in ["https://bot.example.com", "https://203.0.113.5"] {
        assert!(reachable(good), "{good}");
    }
    for bad in [
        "http://bot.example.com",
        "https://127.0.0.1",
        "https://10.1.2.3",
        "https://[fd00::1]",
        "https://localhost",
        "https://bot.local",
        "",
    ] {
        assert!(!reachable(bad), "{bad}");
    }
}

#[test]
fn the_schemas_limits_are_enforced_by_this_very_test() {
    let good = of(HTTP, "https://bot.example.com");
    let spoilt = |pointer: &str, value: Value| {
        let mut manifest = good.clone();
        *manifest.pointer_mut(pointer).unwrap() = value;
        problems(&manifest)
    };
    let command = json!({ "command": "/x", "description": "d" });
    for (pointer, value) in [
        ("/features/slash_commands/0/command", json!(format!("/{}", "x".repeat(32)))),
        ("/features/slash_commands/0/command", json!("bellhop")),
        ("/features/slash_commands/0/description", json!("")),
        ("/features/slash_commands/0/description", json!("x".repeat(2001))),
        ("/features/slash_commands/0/usage_hint", json!("x".repeat(1001))),
        ("/features/slash_commands/0/url", json!("ftp://x")),
        ("/features/slash_commands/0", json!({ "command": "/x" })),
        ("/features/slash_commands", json!(vec![command; 51])),
        ("/features/shortcuts/0/name", json!("x".repeat(25))),
        ("/features/shortcuts/0/type", json!("channel")),
        ("/features/unfurl_domains/0", json!("-example.com")),
        ("/features/app_home", json!({ "tab": true })),
        ("/display_information/name", json!("x".repeat(36))),
        ("/display_information/long_description", json!("too short")),
        ("/settings/event_subscriptions/bot_events", json!(["app_mention", "app_mention"])),
        ("/settings/interactivity/is_enabled", json!("yes")),
    ] {
        assert_eq!(spoilt(pointer, value.clone()).len(), 1, "{pointer} = {value}");
    }
}

/// What is wrong with a manifest by the schema.
fn problems(manifest: &Value) -> Vec<String> {
    bellhop_kit::schema::problems(&serde_json::from_str(SCHEMA).unwrap(), manifest)
}
