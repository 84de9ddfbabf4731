//! How files are written: a size that can be read at once, a first line that says what a module is for, exceptions from
//! a lint with their reason, nothing left for later, no test that sleeps.

use bellhop_house::{File, files, files_ending, none};

/// Files over 400 lines, each with the reason why it is better whole.
const LONG: &[(&str, &str)] =
    &[("adapters/chat/slack/src/listen/socket_tests.rs", "one loop against one server: every test needs the same dozen lines")];

/// Tests that let time pass, each with the reason why they have to.
const SLEEPING: &[(&str, &str)] = &[
    ("adapters/http/src/tests.rs", "a body that arrives slowly is what is tested"),
    ("adapters/chat/slack/tests/conformance.rs", "a sender that waits as long as it was told to is what is tested"),
    ("adapters/chat/discord/tests/conformance.rs", "a sender that waits as long as it was told to is what is tested"),
];

const LIMIT: usize = 400;

fn written(file: &File) -> bool {
    [".rs", ".sql", ".mjs", ".js", ".css", ".html", ".sh"].iter().any(|ending| file.path.ends_with(ending)) && !file.path.contains(".min.")
}

#[test]
fn files_can_be_read_at_once() {
    let all = files();
    let long: Vec<&File> = all.iter().filter(|file| written(file) && file.text.lines().count() > LIMIT).collect();
    let found: Vec<String> = long
        .iter()
        .filter(|file| !LONG.iter().any(|(path, _)| *path == file.path))
        .map(|file| format!("{}: {} lines", file.path, file.text.lines().count()))
        .collect();
    none("These files have over 400 lines: split them, or list them in tests/house/tests/habits.rs with a reason:", &found);
    let stale: Vec<String> =
        LONG.iter().filter(|(path, _)| !long.iter().any(|file| file.path == *path)).map(|(path, _)| (*path).to_owned()).collect();
    none("These are listed as long and aren't any more:", &stale);
}

#[test]
fn every_module_says_what_it_is_for() {
    let found: Vec<String> = files_ending(&[".rs"])
        .into_iter()
        .filter(|file| {
            let first = file.text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#![")).unwrap_or_default();
            !first.starts_with("//! ") || first.len() < 10
        })
        .map(|file| file.path)
        .collect();
    none("These modules don't begin with `//!` and what they are for:", &found);
}

#[test]
fn nothing_is_left_for_later_or_silenced() {
    // Put together here, so that this file doesn't hold them.
    let words = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["XX", "X:"],
        ["HA", "CK"],
        ["todo", "!("],
        ["unimplemented", "!("],
        ["#[al", "low("],
        ["#![al", "low("],
        ["dbg", "!("],
    ]
    .map(|parts| parts.concat());
    let mut found = Vec::new();
    for file in files().iter().filter(|file| written(file) || file.ends(&[".toml", ".md"])) {
        for (at, line) in file.lines() {
            let word = words.iter().find(|word| {
                let whole =
                    |at: usize| !line[..at].ends_with(char::is_alphanumeric) && !line[at + word.len()..].starts_with(char::is_alphanumeric);
                line.match_indices(word.as_str()).any(|(at, _)| word.ends_with('(') || whole(at))
            });
            found.extend(word.map(|word| format!("{}:{at}: {word}", file.path)));
        }
    }
    none("Nothing is left for later, and a lint is silenced with `#[expect(.., reason = ..)]` only:", &found);
}

#[test]
fn expectations_have_reasons() {
    let mut found = Vec::new();
    for file in files_ending(&[".rs"]) {
        for (at, _) in file.text.match_indices(concat!("#[exp", "ect(")) {
            let attribute = &file.text[at..];
            let end = attribute.find(")]").unwrap_or(attribute.len());
            if !attribute[..end].contains("reason") {
                found.push(format!("{}:{}", file.path, file.text[..at].lines().count()));
            }
        }
    }
    none("These silence a lint without a reason:", &found);
}

#[test]
fn tests_wait_for_conditions_and_not_for_time() {
    let test = |path: &str| path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs");
    let sleeps = |file: &File| file.text.lines().any(|line| line.contains("sleep(") && !line.trim_start().starts_with("//"));
    let all = files_ending(&[".rs"]);
    let sleeping: Vec<&File> = all.iter().filter(|file| test(&file.path) && !file.under("tests/house") && sleeps(file)).collect();
    let found: Vec<String> =
        sleeping.iter().filter(|file| !SLEEPING.iter().any(|(path, _)| *path == file.path)).map(|file| file.path.clone()).collect();
    none("These tests sleep; wait for a condition with `bellhop_kit::wait`:", &found);
    let stale: Vec<String> =
        SLEEPING.iter().filter(|(path, _)| !sleeping.iter().any(|file| file.path == *path)).map(|(path, _)| (*path).to_owned()).collect();
    none("These are listed as sleeping and don't any more:", &stale);
}
