//! That the suites and the ports' documentation say the same: every sentence on a method of a port is a case of its
//! suite, and every case is a sentence that still stands there.

use std::collections::BTreeSet;
use std::path::Path;

/// Sentences that promise nothing that could be tried: they say what a thing is for, or what another sentence rests on.
const PLAIN: &[&str] = &[
    // Every port with a name; that it is the configured one shows wherever the name is used.
    "The configured name.",
    // Each of the things it can do is asked about by the cases that depend on it.
    "What it can do.",
    "Whether versions are kept.",
    // Tried by the bot's own tests of delivery, which see both the adapter and the platform.
    "Makes the commands known to the platform, where it keeps such a list.",
    "What is heard goes to the inbox that the adapter was built with.",
    "Returns early only with an error that no reconnecting mends.",
    // The presence of `PartWrites` and `Buckets` themselves.
    "Uploads in parts that outlive a restart, where the store has them.",
    "The administration of the service's buckets, where there is one and it can be reached from here.",
    // Words for people, where a service's setting isn't one of the bucket alone.
    "What else changes with whether versions are kept, a sentence without a full stop; `None` where it stays within the bucket.",
    // That a store has nothing to tell is what its own tests look at with other eyes.
    "None where the store lets go by itself of what nobody goes on with.",
    // What is due with time is tried by the adapter's own tests, which move its clock.
    "Does what is due with time where no service does it: carries out lifecycle rules, and removes what interrupted writes left.",
    "Called now and then; what another process is at is left alone.",
    "Another bucket beside this store's own, as a store under the bucket's name, where one can be had without any configuration.",
    // Only the service itself could break it; that it is said is tried by the commands' tests.
    "How long a change of access policies takes at most until it holds everywhere, where the service says so.",
    // What may be wrong with a service is tried by each adapter's own tests.
    "Looks whether everything needed is there: credentials, permissions, settings.",
    "An error means that the store could not be asked.",
    // The presence of `Channels` itself.
    "Channels that can be listed and changed, where the platform lets a bot.",
    "The id under which the platform knows the channel.",
    // Tried by the commands' own tests and by those of platforms whose threads are so.
    "Whether a thread can be closed, opened, renamed and deleted for itself, as a channel can.",
    // The presence of `Meetings` itself, and what only the service knows of a person; the adapter's own tests try it.
    "Meetings that can be made and called off, where the platform has them.",
    "The address of a person's mail, where the platform tells a bot.",
    // What stands in for a platform that hasn't got it; those that have it try it in their own tests, with their own worlds.
    "Has the platform itself post a message at a time to come, and returns the platform's name for what is planned.",
    "It is posted even if the bot doesn't run then.",
    "`Unsupported` where the platform plans no messages.",
    // Only what stands before an adapter keeps answers; the bot's own tests try it.
    "Answers a question anew where answers are kept for a while.",
    // Leave to give less, which the suite's reading takes.
    "A page may have fewer messages than `limit`, or none, and a `next` all the same.",
    "An address under which people see a message, where messages have one.",
    "Asks the platform whether everything needed is there: credentials, permissions, settings.",
    "An error means that it could not be asked.",
    // Own reports of a vendor, and a vendor's allowances: tried by each adapter's own tests, against its world.
    "What was made at the source and can be asked for by name.",
    "The source's allowances, as they were last seen; nothing is asked for it.",
    "An error means that the source could not be asked.",
    "The refusal of what this source has not, with the reason.",
];

fn source(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../commands/core/src").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All documentation of a file as one text, without line breaks.
fn documentation(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("///")).map(str::trim).collect();
    lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The sentences on the methods of a trait.
fn promises(text: &str, name: &str) -> Vec<String> {
    let begin = text.find(&format!("pub trait {name}")).unwrap_or_else(|| panic!("no trait {name}"));
    let body = &text[begin..];
    let body = &body[..body.find("\n}").expect("the trait ends")];
    let mut sentences = Vec::new();
    let mut paragraph = String::new();
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            paragraph.push_str(text);
        } else if !paragraph.is_empty() {
            let text = std::mem::take(&mut paragraph);
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            sentences.extend(text.replace(". ", ".\n").lines().map(str::to_owned));
        }
    }
    sentences
}

fn check(ports: &[(&str, &str)], cases: &[&'static str], besides: &[&str]) {
    let mut documented = String::new();
    let mut uncovered = BTreeSet::new();
    for (file, name) in ports {
        let text = source(file);
        documented.push_str(&documentation(&text));
        uncovered.extend(
            promises(&text, name)
                .into_iter()
                .filter(|sentence| !PLAIN.contains(&sentence.as_str()) && !cases.iter().any(|case| case.contains(sentence.as_str()))),
        );
    }
    assert!(uncovered.is_empty(), "no case of the suite tries: {uncovered:#?}");
    for file in besides {
        documented.push_str(&documentation(&source(file)));
        documented.push_str(&source(file).lines().filter_map(|line| line.strip_prefix("//!")).collect::<String>());
    }
    let stale: Vec<_> = cases.iter().filter(|case| !documented.contains(**case)).collect();
    assert!(stale.is_empty(), "cases whose sentence is in no documentation any more: {stale:#?}");
}

#[test]
fn files() {
    let cases: Vec<_> = super::files::list().iter().map(|case| case.sentence).collect();
    check(&[("ports/files.rs", "FileStore"), ("ports/files.rs", "PartWrites")], &cases, &[]);
}

#[test]
fn buckets() {
    let cases: Vec<_> = super::buckets::list().iter().map(|case| case.sentence).collect();
    check(&[("ports/buckets.rs", "Buckets")], &cases, &[]);
}

#[test]
fn chat() {
    let cases: Vec<_> = super::chat::list().iter().map(|case| case.sentence).collect();
    check(&[("ports/chat.rs", "ChatPlatform"), ("ports/chat.rs", "Channels")], &cases, &["card.rs", "call.rs"]);
}

#[test]
fn meetings() {
    let cases: Vec<_> = super::meetings::list().iter().map(|case| case.sentence).collect();
    check(&[("ports/meetings.rs", "Meetings")], &cases, &[]);
}

#[test]
fn records() {
    let cases: Vec<_> = super::records::list().iter().map(|case| case.sentence).collect();
    check(&[("ports/records.rs", "Records")], &cases, &[]);
}

#[test]
fn inbox() {
    let cases: Vec<_> = super::inbox::list().iter().map(|case| case.sentence).collect();
    check(&[("ports/inbox.rs", "Inbox")], &cases, &[]);
}

#[test]
fn analytics() {
    let cases: Vec<_> = super::analytics::list().iter().map(|case| case.sentence).collect();
    check(&[("ports/analytics.rs", "AnalyticsSource")], &cases, &["analytics.rs", "analytics/answer.rs", "analytics/query.rs"]);
}

#[test]
fn schedule() {
    let cases: Vec<_> = super::schedule::list().iter().map(|case| case.sentence).collect();
    check(&[("ports/schedule.rs", "ScheduleBook")], &cases, &[]);
}
