//! No platform's name stands outside its adapter, the wiring, the configuration and the documentation: everything else
//! asks what a platform can do. Nor does anything name the place where it was written.

use bellhop_house::{File, files, none};

/// Names of platforms and of their formats, in lower case, as whole words.
const PLATFORMS: &[&str] = &[
    "slack",
    "discord",
    "teams",
    "msteams",
    "mattermost",
    "block kit",
    "blockkit",
    "adaptive card",
    "adaptive cards",
    "adaptivecard",
    "mrkdwn",
];

/// Where they may stand.
fn may_name_platforms(file: &File) -> bool {
    let adapters = file.path.starts_with("adapters/chat/");
    // The wiring and the dependencies it has, the frame of the configuration, and the command line, whose `manifest` is asked for by a platform's name.
    let wiring =
        matches!(file.path.as_str(), "bot/src/wiring.rs" | "bot/src/cli.rs" | "bot/Cargo.toml") || file.path.starts_with("bot/src/wiring/");
    let config = file.path.starts_with("config/") || file.path == "bot/src/config.rs" || file.path.starts_with("bot/src/config/");
    let docs = file.ends(&[".md"]) || file.under("docs");
    // The vendors' simulators and the tests that speak to them, each in a file with the platform's name.
    let named = file.path.starts_with("tests/") && PLATFORMS.iter().any(|name| file.path.contains(name));
    // What lists the simulators and fetches the vendors' own clients for them.
    let listed = matches!(
        file.path.as_str(),
        "tests/run"
            | "tests/kit/src/lib.rs"
            | "tests/kit/src/peers/mod.rs"
            | "tests/e2e/tests/main.rs"
            | "tests/bench/Cargo.toml"
            | "tests/bench/src/lib.rs"
            | "tests/bench/src/main.rs"
    );
    adapters
        || listed
        || wiring
        || config
        || docs
        || named
        || file.under("tests/house")
        || matches!(file.path.as_str(), "Cargo.toml" | "Cargo.lock" | "deny.toml")
}

/// Whether a word stands in a line, in any case, neither preceded nor followed by a letter or digit.
fn has(line: &str, word: &str) -> bool {
    let lower = line.to_lowercase();
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    lower.match_indices(word).any(|(at, _)| edge(lower[..at].chars().next_back()) && edge(lower[at + word.len()..].chars().next()))
        || word.len() > 5 && identifiers(line).iter().any(|part| part == word)
}

/// The words that names in code are put together from: `SlackChannel` has `slack`.
fn identifiers(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in line.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
        }
    }
    words
}

#[test]
fn words_are_found_as_people_mean_them() {
    assert!(
        has("// as Slack does", "slack")
            && has("slack_channel", "slack")
            && has("\"discord\"", "discord")
            && has("struct DiscordUser", "discord")
    );
    assert!(!has("slacken", "slack") && !has("steams ahead", "teams") && !has("our team", "teams"));
}

#[test]
fn platforms_are_named_only_where_they_belong() {
    let mut found = Vec::new();
    for file in files().iter().filter(|file| !may_name_platforms(file)) {
        for (at, line) in file.lines() {
            if let Some(word) = PLATFORMS.iter().find(|word| has(line, word)) {
                found.push(format!("{}:{at}: {word}", file.path));
            }
        }
    }
    none("A platform's name stands outside its adapter, the wiring, the configuration and the docs:", &found);
}

#[test]
fn nothing_names_the_place_where_it_was_written() {
    // Put together here, so that this file doesn't hold them.
    let places = [
        ["/wo", "rk/"],
        ["/tm", "p/"],
        ["/ro", "ot/"],
        ["../sha", "red"],
        ["npm", "js.org"],
        ["crates", ".io/"],
        ["pypi", ".org"],
        ["index.crates", ".io"],
        ["static.crates", ".io"],
        ["deb.deb", "ian.org"],
    ]
    .map(|parts| parts.concat());
    let mut found = Vec::new();
    for file in files().iter().filter(|file| file.path != "Cargo.lock") {
        for (at, line) in file.lines() {
            // A folder of the machine begins a path; within a longer path it is another folder.
            let begins = |at: usize| {
                !line[at..].starts_with('/')
                    || !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | ')'))
            };
            if let Some(place) = places.iter().find(|place| line.match_indices(place.as_str()).any(|(at, _)| begins(at))) {
                found.push(format!("{}:{at}: {place}", file.path));
            }
        }
    }
    none("These name a machine's folder or a registry's host:", &found);
}
