//! Backups, as a person makes them and needs them: put data in, back it up, lose everything, bring it back.

#![expect(clippy::unwrap_used, reason = "a test harness fails the test")]

use bellhop_e2e::{Bot, PATIENCE};
use bellhop_kit::peers::postgres::Postgres;
use bellhop_kit::process::Program;
use bellhop_kit::wait;
use std::path::Path;
use tokio::process::Command;

const KEY: &str = "[secrets]\nmaster_key = \"0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c\"\n";
/// One store for daily use, and one that outlives the machine.
const STORES: &str = "[files.local]\nkind = \"local\"\npath = \"daily\"\n[files.vault]\nkind = \"local\"\npath = \"elsewhere\"\n";

/// A bot with something in its database, and a backup of it.
async fn backed_up() -> (Bot, String) {
    let mut bot = Bot::start(&format!("{KEY}{STORES}")).await;
    let key = bot.key().await;
    assert_eq!(bot.post("/alerts/generic", &key, r#"{"name":"DiskFull"}"#).await.0, 200);
    wait::until(PATIENCE, "the alert", async || bot.alerts().await.contains("DiskFull").then_some(())).await;
    bot.said(&["schedule", "add", "0 9 * * 1-5", "status"]).await;
    let added = bot
        .said(&["file", "backup", "add", "own", "--from", "bellhop", "--to", "vault:backups", "--every", "0 3 * * *", "--keep", "3"])
        .await;
    assert!(added.contains("is set up") && added.contains("Keep a copy of that key"), "{added}");
    let made = bot.said(&["file", "backup", "run", "own"]).await;
    assert!(made.contains("1 object") && made.contains("Encrypted: yes"), "{made}");
    assert!(bot.said(&["file", "backup", "verify", "own"]).await.contains("is whole"));
    assert_eq!(bot.post("/alerts/generic", &key, r#"{"name":"AfterTheBackup"}"#).await.0, 200);
    bot.program().kill().await.unwrap();
    (bot, key)
}

#[tokio::test]
async fn the_database_comes_back_after_everything_is_lost() {
    let (mut bot, key) = backed_up().await;
    std::fs::remove_dir_all(bot.path("data")).unwrap();
    let back = bot.bellhop(&["restore", "--from", "vault:backups/own"]).await;
    assert_eq!(back.code, 0, "{}{}", back.out, back.err);
    assert!(back.out.contains("The database is back as it was at") && back.out.contains("The audit log is whole"), "{}", back.out);
    bot.go().await;
    let alerts = bot.alerts().await;
    assert!(alerts.contains("DiskFull") && !alerts.contains("AfterTheBackup"), "{alerts}");
    assert!(bot.said(&["schedule", "list"]).await.contains("0 9 * * 1-5"));
    assert!(bot.said(&["file", "backup", "list"]).await.contains("own"));
    // Keys are as they were, and so is the log of what was done.
    assert_eq!(bot.post("/alerts/generic", &key, r#"{"name":"New"}"#).await.0, 200);
    assert_eq!(bot.bellhop(&["audit", "verify"]).await.code, 0);
    // The run that the notes in the backup don't know is found in its store.
    assert!(bot.said(&["file", "backup", "list", "own"]).await.contains("complete"));
    // What runs, and what has something in it, is not overwritten.
    let refused = bot.bellhop(&["restore", "--from", "vault:backups/own", "--replace", "--yes"]).await;
    assert!(refused.code != 0 && refused.err.contains("stop it first"), "{}{}", refused.out, refused.err);
    bot.program().kill().await.unwrap();
    let refused = bot.bellhop(&["restore", "--from", "vault:backups/own"]).await;
    assert!(refused.code != 0 && refused.err.contains("--replace"), "{}{}", refused.out, refused.err);
    let asked = bot.bellhop(&["restore", "--from", "vault:backups/own", "--replace"]).await;
    assert!(asked.code == 1 && asked.out.contains("Nothing was done"), "{}{}", asked.out, asked.err);
    let replaced = bot.bellhop(&["restore", "--from", "vault:backups/own", "--replace", "--yes"]).await;
    assert!(replaced.code == 0 && replaced.out.contains("is kept: "), "{}{}", replaced.out, replaced.err);
    assert!(
        std::fs::read_dir(bot.path("data")).unwrap().any(|file| file.unwrap().file_name().to_string_lossy().contains("bellhop.db.before-"))
    );
    bot.go().await;
    assert!(!bot.alerts().await.contains("New"));
}

#[tokio::test]
async fn it_comes_back_into_the_other_kind_of_database_from_a_folder() {
    let (bot, key) = backed_up().await;
    let database = tokio::task::spawn_blocking(|| Postgres::shared().fresh_database()).await.unwrap();
    // As after an `rclone copy` of the backup's folder.
    let folder = bot.path("elsewhere/files/backups/own");
    let mut other = Bot::new(&format!("{KEY}{STORES}[database]\nurl = \"{database}\"\n"));
    let back = other.bellhop(&["restore", "--from", &folder.display().to_string()]).await;
    assert_eq!(back.code, 0, "{}{}", back.out, back.err);
    assert!(back.out.contains("made from sqlite"), "{}", back.out);
    other.go().await;
    assert!(other.said(&["status"]).await.contains("PostgreSQL"));
    assert!(other.alerts().await.contains("DiskFull"));
    assert_eq!(other.post("/alerts/generic", &key, r#"{"name":"New"}"#).await.0, 200);
    assert_eq!(other.bellhop(&["audit", "verify"]).await.code, 0);
    // And from there back into a file.
    other.said(&["file", "backup", "add", "again", "--from", "bellhop", "--to", "vault"]).await;
    other.said(&["file", "backup", "run", "again"]).await;
    other.program().kill().await.unwrap();
    let back = other.bellhop(&["restore", "--from", "vault:again", "--into", "sqlite:third.db"]).await;
    assert!(back.code == 0 && back.out.contains("made from postgres"), "{}{}", back.out, back.err);
}

#[tokio::test]
async fn a_damaged_backup_or_another_key_brings_nothing_back() {
    let (bot, _) = backed_up().await;
    std::fs::remove_dir_all(bot.path("data")).unwrap();
    let config = std::fs::read_to_string(bot.path("bellhop.toml")).unwrap();
    std::fs::write(bot.path("bellhop.toml"), config.replace("0c0c", "0d0d")).unwrap();
    let refused = bot.bellhop(&["restore", "--from", "vault:backups/own"]).await;
    assert!(refused.code != 0 && refused.err.contains("master_key"), "{}{}", refused.out, refused.err);
    std::fs::write(bot.path("bellhop.toml"), config.replace(KEY, "")).unwrap();
    let refused = bot.bellhop(&["restore", "--from", "vault:backups/own"]).await;
    assert!(refused.code != 0 && refused.err.contains("there is no key here"), "{}{}", refused.out, refused.err);
    std::fs::write(bot.path("bellhop.toml"), &config).unwrap();
    let run = std::fs::read_dir(bot.path("elsewhere/files/backups/own")).unwrap().next().unwrap().unwrap().path();
    let object = run.join("data/00000001");
    let mut bytes = std::fs::read(&object).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&object, bytes).unwrap();
    let refused = bot.bellhop(&["restore", "--from", "vault:backups/own"]).await;
    assert!(refused.code != 0 && refused.err.contains("was changed"), "{}{}", refused.out, refused.err);
    assert!(!bot.path("data/bellhop.db").exists(), "nothing is left of it");
    let nowhere = bot.bellhop(&["restore", "--from", "vualt:backups/own"]).await;
    assert!(nowhere.code != 0 && nowhere.err.contains("vault"), "{}", nowhere.err);
}

fn manifests(folder: &Path) -> usize {
    let runs = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    runs.filter(|run| run.path().join("manifest.json").is_file()).count()
}

#[tokio::test]
async fn a_backup_that_was_killed_is_none_and_the_next_one_is_whole() {
    let bot = Bot::new(&format!("{KEY}{STORES}"));
    let daily = bot.path("daily/files/many");
    std::fs::create_dir_all(&daily).unwrap();
    for n in 0..400 {
        std::fs::write(daily.join(format!("{n:03}.txt")), format!("file {n} ").repeat(2000)).unwrap();
    }
    bot.said(&["file", "backup", "add", "many", "--from", "local:many/", "--to", "vault:backups"]).await;
    let mut command = Command::new(bellhop_e2e::binary());
    command.current_dir(bot.folder.path()).args(["--config", "bellhop.toml", "say", "--", "file", "backup", "run", "many"]);
    let mut program = Program::start(&mut command).unwrap();
    let folder = bot.path("elsewhere/files/backups/many");
    wait::until(PATIENCE, "the first object", async || {
        let runs = std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
        runs.map(|run| run.path().join("data/00000003")).any(|object| object.exists()).then_some(())
    })
    .await;
    program.kill().await.unwrap();
    assert_eq!(manifests(&folder), 0, "killed in the middle");
    assert!(bot.say(&["file", "backup", "verify", "many"]).await.out.contains("no complete run yet"));
    let made = bot.said(&["file", "backup", "run", "many"]).await;
    assert!(made.contains("400 objects"), "{made}");
    assert_eq!(manifests(&folder), 1);
    assert!(bot.said(&["file", "backup", "verify", "many"]).await.contains("is whole"));
    assert_eq!(bot.said(&["file", "backup", "restore", "many", "--to", "local:back/"]).await.matches("400 files").count(), 1);
    assert_eq!(std::fs::read(bot.path("daily/files/back/007.txt")).unwrap(), std::fs::read(daily.join("007.txt")).unwrap());
}

#[tokio::test]
async fn what_was_said_in_a_channel_can_be_read_again() {
    let bot = Bot::start(&format!("{KEY}{STORES}")).await;
    let key = bot.key().await;
    for name in ["DiskFull", "CpuHot"] {
        assert_eq!(bot.post("/alerts/generic", &key, format!("{{\"name\":\"{name}\"}}")).await.0, 200);
    }
    bot.said(&["file", "backup", "add", "talk", "--from", "#alerts", "--to", "vault:backups"]).await;
    let read = async || {
        bot.said(&["file", "backup", "run", "talk"]).await;
        bot.said(&["file", "backup", "restore", "talk", "--to", "local:talk/", "--replace", "--yes"]).await;
        let text = std::fs::read_to_string(bot.path("daily/files/talk/transcript.txt")).unwrap();
        (text.contains("DiskFull") && text.contains("CpuHot") && text.contains("Bellhop")).then_some(text)
    };
    let text = wait::until(PATIENCE, "both alerts in the transcript", read).await;
    assert!(text.contains("UTC] Bellhop"), "{text}");
}
