//! The manifest against Teams' own schemas (microsoft/json-schemas, 1.25 and 1.29), and its package.

use super::*;
use bellhop_core::call::{Call, Reply};
use bellhop_core::card::Card;
use bellhop_core::command::{AnyCommand as _, Command, NoArgs, Registered};
use bellhop_core::error::CommandError;
use bellhop_kit::schema::problems;

const USUAL: &str = include_str!("../../tests/fixtures/manifest.schema.1.25.json");
const PREVIEW: &str = include_str!("../../tests/fixtures/manifest.schema.1.29.json");

struct Sample;

impl Command for Sample {
    const NAME: &'static str = "sample";
    const SUMMARY: &'static str = "Shows a sample";
    type Args = NoArgs;

    async fn run(&self, _: &Call, _: NoArgs) -> Result<Reply, CommandError> {
        Ok(Card::text("sample").into())
    }
}

fn commands() -> Vec<About> {
    let names = [
        "file put",
        "file get",
        "file list",
        "help",
        "status",
        "track",
        "alert list",
        "alert ack",
        "meet create",
        "run list",
        "hook list",
        "watch add",
        "schedule add",
        "usage",
        "audit",
        "report",
        "funnel",
        "channel list",
    ];
    names.map(|name| About { name, ..Registered::new(Sample).about().clone() }).to_vec()
}

const BOT: &str = "app_id = \"00000000-0000-0000-0000-000000000002\"\napp_password = \"s\"\ntenant_id = \"t\"\n";

fn of(more: &str) -> Value {
    let config: TeamsConfig = toml::from_str(&format!("{BOT}{more}")).unwrap();
    manifest(Some(&config), &"work".into(), "https://bot.example.com", &commands())
}

fn wrong(schema: &str, manifest: &Value) -> Vec<String> {
    problems(&serde_json::from_str(schema).unwrap(), manifest)
}

#[test]
fn it_is_valid_by_teams_own_schemas() {
    assert_eq!(wrong(USUAL, &of("")), Vec::<String>::new());
    assert_eq!(wrong(PREVIEW, &of("preview = true")), Vec::<String>::new());
    assert_eq!(wrong(USUAL, &manifest(None, &"teams".into(), "http://127.0.0.1:8787", &commands())), Vec::<String>::new());
    // The usual schema knows nothing of slash commands.
    assert!(!wrong(USUAL, &of("preview = true")).is_empty());
}

#[test]
fn the_schemas_limits_are_enforced_by_this_very_test() {
    let good = of("");
    for (pointer, value) in [
        ("/bots/0/botId", json!("no guid")),
        ("/bots/0/scopes/0", json!("everywhere")),
        ("/bots/0/commandLists/0/commands/0/title", json!("x".repeat(129))),
        ("/bots/0/commandLists/0/commands", json!(vec![json!({ "title": "x", "description": "d" }); 13])),
        ("/name/short", json!("x".repeat(31))),
        ("/accentColor", json!("blue")),
        ("/manifestVersion", json!("1.29")),
        ("/developer/privacyUrl", json!("ftp://x")),
        ("/composeExtensions/0/commands/0/context/0", json!("anywhere")),
    ] {
        let mut manifest = good.clone();
        *manifest.pointer_mut(pointer).unwrap() = value.clone();
        assert_eq!(wrong(USUAL, &manifest).len(), 1, "{pointer} = {value}");
    }
}

#[test]
fn the_menu_begins_with_help_and_slash_commands_are_a_preview() {
    let usual = of("");
    let commands = usual.pointer("/bots/0/commandLists/0/commands").and_then(Value::as_array).unwrap();
    assert_eq!(commands[0]["title"], "help");
    assert!(commands.len() == COMMANDS && commands.iter().any(|command| command["description"] == "put, get, list"));
    assert!(usual["bots"][0].get("supportsTargetedMessages").is_none());
    let preview = of("preview = true");
    assert_eq!(preview["bots"][0]["supportsTargetedMessages"], true);
    assert_eq!(preview.pointer("/bots/0/commandLists/0/triggers"), Some(&json!(["mention", "slash"])));
}

/// A picture's width and height.
fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn the_package_holds_the_manifest_and_icons_of_the_right_size() {
    let manifest = of("");
    let zip = package(&manifest);
    assert_eq!(zip, package(&manifest), "the same manifest is the same package");
    let number = |at: usize, length: usize| zip[at..at + length].iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    // The end of the directory has no comment, so it is the last 22 bytes.
    let end = zip.len() - 22;
    assert_eq!((&zip[end..end + 4], number(end + 10, 2)), (&b"PK\x05\x06"[..], 3));
    let mut at = number(end + 16, 4);
    let mut files = Vec::new();
    for _ in 0..3 {
        assert_eq!(&zip[at..at + 4], b"PK\x01\x02");
        let (length, name) = (number(at + 24, 4), number(at + 28, 2));
        let (local, crc) = (number(at + 42, 4), number(at + 16, 4));
        let called = String::from_utf8(zip[at + 46..at + 46 + name].to_vec()).unwrap();
        assert_eq!(&zip[local..local + 4], b"PK\x03\x04");
        let start = local + 30 + number(local + 26, 2);
        let content = zip[start..start + length].to_vec();
        let expected = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, &content);
        assert_eq!(crc as u64, expected, "{called}");
        files.push((called, content));
        at += 46 + name;
    }
    assert_eq!(serde_json::from_slice::<Value>(&files[0].1).unwrap(), manifest);
    assert_eq!((files[0].0.as_str(), files[1].0.as_str(), files[2].0.as_str()), ("manifest.json", "color.png", "outline.png"));
    assert_eq!((size(&files[1].1), size(&files[2].1)), ((192, 192), (32, 32)));
}
