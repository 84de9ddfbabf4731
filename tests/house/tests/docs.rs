//! What is written from the code agrees with the code.

use bellhop::app::{App, Options};
use bellhop::config::Config;
use bellhop::reference;
use bellhop::secrets::Redaction;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[tokio::test]
async fn the_reference_of_commands_is_current() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::parse("", folder.path(), "the defaults", &Redaction::default()).unwrap();
    let app = App::build(config, Options::default(), false).await.unwrap();
    let wanted = reference::commands(&app.registry);
    let path = root().join("docs/reference/commands.md");
    if std::env::var_os("BELLHOP_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &wanted).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == wanted, "docs/reference/commands.md is not current: BELLHOP_UPDATE=1 cargo test -p bellhop-house writes it anew");
}

#[test]
fn the_example_of_the_configuration_can_be_read() {
    let text = std::fs::read_to_string(root().join("config/bellhop.example.toml")).unwrap();
    Config::parse(&text, Path::new("."), "config/bellhop.example.toml", &Redaction::default()).unwrap();
    // Every key of the frame has its line, so that nobody has to read the code to find it.
    for key in [
        "listen",
        "public_url",
        "data_dir",
        "allow_private",
        "commands_per_minute",
        "command_deadline",
        "url",
        "match",
        "to",
        "continue",
        "name",
        "users",
        "allow",
        "deny",
    ] {
        assert!(text.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{key} ="))), "{key} is not in the example");
    }
}
