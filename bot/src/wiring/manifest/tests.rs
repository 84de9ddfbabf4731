//! `bellhop manifest`: from the commands and the configuration alone.

use super::*;
use crate::cli::Cli;
use crate::program;
use clap::Parser as _;
use serde_json::Value;
use std::path::Path;

const SOCKET: &str = "kind = \"slack\"\nbot_token = \"env:BELLHOP_TEST_NO_SUCH_TOKEN\"\napp_token = \"xapp-1\"\n";
const HTTP: &str = "kind = \"slack\"\nbot_token = \"xoxb-1\"\nsigning_secret = \"s\"\n";

async fn printed_for(folder: &Path, config: Option<&str>, words: &[&str]) -> Result<String, String> {
    let mut arguments = vec!["bellhop".to_owned()];
    if let Some(config) = config {
        let path = folder.join("bellhop.toml");
        std::fs::write(&path, config).unwrap();
        arguments.extend(["--config".to_owned(), path.display().to_string()]);
    }
    arguments.push("manifest".to_owned());
    arguments.extend(words.iter().map(|word| (*word).to_owned()));
    let cli = Cli::try_parse_from(arguments).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    program::run(cli, &mut out).await.map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn it_is_json_without_any_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let printed = printed_for(folder.path(), None, &["slack"]).await.unwrap();
    let value: Value = serde_json::from_str(&printed).unwrap();
    assert!(value.is_object());
    for command in ["file", "alert", "status"] {
        assert!(printed.contains(command), "{command}");
    }
}

#[tokio::test]
async fn the_configured_chat_is_meant_and_nothing_is_made_for_it() {
    let folder = tempfile::tempdir().unwrap();
    // The secrets that the manifest will bring need not be there.
    let config = format!("[secrets]\nmaster_key = \"env:BELLHOP_TEST_NO_SUCH_KEY\"\n[chat.work]\n{SOCKET}");
    let printed = printed_for(folder.path(), Some(&config), &["slack"]).await.unwrap();
    serde_json::from_str::<Value>(&printed).unwrap();
    assert!(!printed.contains("xapp-1"));
    let http = format!("[chat.work]\n{HTTP}");
    let why = printed_for(folder.path(), Some(&http), &["slack"]).await.unwrap_err();
    assert!(why.contains("--public-url"), "{why}");
    let printed = printed_for(folder.path(), Some(&http), &["slack", "--public-url", "https://bot.example.com/"]).await.unwrap();
    assert!(printed.contains("https://bot.example.com/chat/work") || printed.contains("\"https://bot.example.com\""), "{printed}");
    let of_file = format!("[server]\npublic_url = \"https://file.example.com\"\n{http}");
    assert!(printed_for(folder.path(), Some(&of_file), &["slack"]).await.unwrap().contains("file.example.com"));
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["bellhop.toml"], "no folder and no database");
}

#[tokio::test]
async fn what_is_not_clear_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let two = format!("[server]\npublic_url = \"https://bot.example.com\"\n[chat.work]\n{SOCKET}[chat.play]\n{HTTP}");
    let why = printed_for(folder.path(), Some(&two), &["slack"]).await.unwrap_err();
    assert!(why.contains("--name") && why.contains("work") && why.contains("play"), "{why}");
    assert!(printed_for(folder.path(), Some(&two), &["slack", "--name", "play"]).await.unwrap().contains("play"));
    let why = printed_for(folder.path(), Some(&two), &["slack", "--name", "wrok"]).await.unwrap_err();
    assert!(why.contains("`work`"), "{why}");
    let why = printed_for(folder.path(), None, &["slack", "--public-url", "bot.example.com"]).await.unwrap_err();
    assert!(why.contains("https://HOST"), "{why}");
    for platform in ["zapier"] {
        let why = printed_for(folder.path(), None, &[platform]).await.unwrap_err();
        assert!(why.contains(platform) && why.contains("not in this version"), "{why}");
    }
    assert!(printed_for(folder.path(), None, &["slak"]).await.unwrap_err().contains("slack"));
    // A section that can't be used is said as at the start.
    let why = printed_for(folder.path(), Some("[chat.work]\nkind = \"slack\"\n"), &["slack"]).await.unwrap_err();
    assert!(why.contains("app_token") || why.contains("bot_token"), "{why}");
}

/// Every group, verb and option within Discord's limits, over the whole catalogue.
fn within_limits(option: &Value) -> usize {
    let of = |name: &str| option[name].as_str().unwrap_or_default();
    let list = |name: &str| option[name].as_array().cloned().unwrap_or_default();
    assert!((1..=32).contains(&of("name").chars().count()) && !of("name").contains([' ', '.']), "{}", of("name"));
    assert!((1..=100).contains(&of("description").chars().count()), "{}", of("name"));
    assert!(list("options").len() <= 25 && list("choices").len() <= 25, "{}", of("name"));
    let names: std::collections::BTreeSet<String> = list("options").iter().map(|option| option["name"].to_string()).collect();
    assert_eq!(names.len(), list("options").len(), "{}", of("name"));
    let choices = list("choices").iter().map(|choice| choice["name"].to_string().len() + choice["value"].to_string().len()).sum::<usize>();
    of("name").chars().count() + of("description").chars().count() + choices + list("options").iter().map(within_limits).sum::<usize>()
}

#[tokio::test]
async fn every_command_is_one_of_discords() {
    let folder = tempfile::tempdir().unwrap();
    let printed = printed_for(folder.path(), None, &["discord"]).await.unwrap();
    let all: Vec<Value> = serde_json::from_str(&printed).unwrap();
    let (slash, menus): (Vec<_>, Vec<_>) = all.iter().partition(|command| command["type"] == 1);
    assert!((10..=100).contains(&slash.len()) && menus.len() == 3);
    for command in &slash {
        let characters = within_limits(command);
        assert!(characters <= 8_000, "{} has {characters} characters", command["name"]);
    }
    // Each command is there, as a word or as a verb of its group.
    for about in crate::unplugged::commands() {
        let group = slash.iter().find(|command| command["name"] == about.group()).unwrap_or_else(|| panic!("{}", about.name));
        let verbs = group["options"].as_array().cloned().unwrap_or_default();
        assert!(about.verb().is_none_or(|verb| verbs.iter().any(|option| option["name"] == verb && option["type"] == 1)), "{}", about.name);
    }
    let config = "[chat.guild]\nkind = \"discord\"\nbot_token = \"env:BELLHOP_TEST_NO_SUCH_TOKEN\"\napplication_id = \"118\"\n";
    assert_eq!(printed_for(folder.path(), Some(config), &["discord"]).await.unwrap(), printed, "the commands are the same for everyone");
    let why = printed_for(folder.path(), Some("[chat.guild]\nkind = \"discord\"\n"), &["discord"]).await.unwrap_err();
    assert!(why.contains("bot_token"), "{why}");
}

#[tokio::test]
async fn teams_takes_a_package() {
    let folder = tempfile::tempdir().unwrap();
    let printed = printed_for(folder.path(), None, &["teams"]).await.unwrap();
    let value: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(value["bots"][0]["scopes"][0], "personal");
    let config = "[chat.office]\nkind = \"teams\"\napp_id = \"00000000-0000-0000-0000-000000000002\"\ntenant_id = \"t\"\n\
                  app_password = \"env:BELLHOP_TEST_NO_SUCH_SECRET\"\n";
    let zip = folder.path().join("app.zip");
    let words = ["teams", "--public-url", "https://bot.example.com", "--zip", zip.to_str().unwrap()];
    assert_eq!(printed_for(folder.path(), Some(config), &words).await.unwrap().trim(), zip.display().to_string());
    let bytes = std::fs::read(&zip).unwrap();
    assert!(bytes.starts_with(b"PK\x03\x04") && bytes.windows(15).any(|part| part == b"bot.example.com"));
    let why = printed_for(folder.path(), None, &["slack", "--zip", zip.to_str().unwrap()]).await.unwrap_err();
    assert!(why.contains("no package"), "{why}");
}

#[test]
fn the_commented_section_of_the_reference_is_one_that_works() {
    let reference = program::REFERENCE;
    let start = reference.find("# [chat.work]").unwrap();
    let lines = reference[start..].lines().take_while(|line| line.starts_with('#')).map(|line| &line[2..]);
    // A line that sets something has one word before the sign; the others explain.
    let set = |line: &str| line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) || line.starts_with('[');
    let table: toml::Table = lines.filter(|line| set(line)).collect::<Vec<_>>().join("\n").parse().unwrap();
    let table = table["chat"]["work"].as_table().unwrap().clone();
    let config: SlackConfig = section("chat.work", &table).unwrap();
    assert_eq!(config.transport, Transport::Socket);
    assert!(config.oauth.is_some() && config.bot_token.is_some() && config.signing_secrets.len() == 1);
    // Every key that the adapter knows has its line: an unknown one is answered with all of them.
    let mut wrong = table.clone();
    wrong.insert("qqqqqqqqqqqqqqq".into(), 1.into());
    let error = section::<SlackConfig>("chat.work", &wrong).unwrap_err().to_string();
    let known = error.rsplit("are ").next().unwrap().split(", ").collect::<Vec<_>>();
    assert!(known.len() >= 9, "{error}");
    for key in known {
        assert!(table.contains_key(key.trim()), "{key} is not in the reference");
    }
}
