//! Adapters of one kind have one shape, the files that a house has are there, and the two databases have the same
//! migrations.

use bellhop_house::{files, members, none, root};
use std::collections::BTreeMap;

fn lacks(folder: &str, wanted: &[&str]) -> Vec<String> {
    wanted
        .iter()
        .filter(|file| {
            let path = root().join(folder).join(file);
            // A module that outgrew its file is a folder of the same name.
            !path.exists() && !path.with_extension("").join("mod.rs").exists()
        })
        .map(|file| format!("{folder}/{file}"))
        .collect()
}

#[test]
fn chat_adapters_have_one_shape() {
    let wanted = [
        "README.md",
        "src/lib.rs",
        "src/config.rs",
        "src/listen.rs",
        "src/parse.rs",
        "src/render.rs",
        "src/send.rs",
        "src/address.rs",
        "tests/conformance.rs",
    ];
    let found: Vec<String> = members()
        .iter()
        .filter(|member| member.folder.starts_with("adapters/chat/"))
        .flat_map(|member| lacks(&member.folder, &wanted))
        .collect();
    none("These files are missing; every chat adapter has them:", &found);
}

#[test]
fn file_adapters_have_one_shape() {
    let wanted = ["README.md", "src/lib.rs", "src/config.rs", "tests/conformance.rs"];
    let found: Vec<String> = members()
        .iter()
        .filter(|member| member.folder.starts_with("adapters/files/"))
        .flat_map(|member| lacks(&member.folder, &wanted))
        .collect();
    none("These files are missing; every adapter of a file store has them:", &found);
}

#[test]
fn the_house_has_what_a_house_has() {
    let wanted = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "Cargo.lock",
        "clippy.toml",
        "deny.toml",
        "rust-toolchain.toml",
        "rustfmt.toml",
        ".config/nextest.toml",
        ".ci/run",
        "tests/run",
        "config/bellhop.example.toml",
    ];
    none("These files are missing:", &lacks("", &wanted));
}

#[test]
#[cfg(unix)]
fn scripts_can_be_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let runs = |path: &str| std::fs::metadata(root().join(path)).is_ok_and(|data| data.permissions().mode() & 0o111 != 0);
    let found: Vec<String> =
        files().iter().filter(|file| file.text.starts_with("#!/") && !runs(&file.path)).map(|file| file.path.clone()).collect();
    none("These scripts can't be run (chmod +x):", &found);
}

#[test]
fn both_databases_have_the_same_migrations() {
    let mut of: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut found = Vec::new();
    for file in files() {
        for database in ["sqlite", "postgres"] {
            let Some(name) = file.path.strip_prefix(&format!("migrations/{database}/")) else { continue };
            of.entry(database).or_default().push(name.to_owned());
            let number = name.split_once('_').map_or("", |(number, _)| number);
            if number.len() != 4 || !number.bytes().all(|byte| byte.is_ascii_digit()) || !file.ends(&[".sql"]) {
                found.push(format!("{}: the name is not NNNN_what.sql", file.path));
            }
            for (at, line) in file.lines() {
                let line = line.split("--").next().unwrap_or_default().to_uppercase();
                if ["DROP TABLE", "DROP COLUMN", "RENAME TO", "RENAME COLUMN"].iter().any(|word| line.contains(word)) {
                    found.push(format!("{}:{at}: takes something away, and the version before this one still needs it", file.path));
                }
            }
        }
    }
    none("Migrations only add:", &found);
    let (sqlite, postgres) = (of.remove("sqlite").unwrap_or_default(), of.remove("postgres").unwrap_or_default());
    assert!(!sqlite.is_empty(), "there are no migrations");
    assert_eq!(sqlite, postgres, "the migrations of SQLite (left) and PostgreSQL (right) differ");
    for (at, name) in sqlite.iter().enumerate() {
        assert!(name.starts_with(&format!("{:04}_", at + 1)), "{name} should have the number {:04}", at + 1);
    }
}
