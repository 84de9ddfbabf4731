//! What holds for every command, whatever it does.

use super::world::World;
use bellhop_core::access::Access;
use bellhop_core::card::{Block, Does};
use bellhop_core::form::InputKind;
use bellhop_core::grammar;
use bellhop_core::{Card, CommandError, Effect};
use std::collections::BTreeSet;

#[test]
fn names_are_unique_and_those_of_the_face() {
    let world = World::new();
    let names: Vec<&str> = world.registry.all().map(|about| about.name).collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(names.len(), unique.len());
    // The registry keeps one of two commands with a name, so the list itself is counted too.
    assert_eq!(names.len(), crate::list(&world.services, &std::sync::Weak::new()).len());
    for name in [
        "help",
        "status",
        "file put",
        "file get",
        "file list",
        "file info",
        "file versions",
        "file restore",
        "file share",
        "file links",
        "file unshare",
        "file tag",
        "file store",
        "file browse",
        "file copy",
        "file move",
        "file delete",
        "file backup",
        "bucket list",
        "bucket create",
        "bucket delete",
        "bucket info",
        "bucket versioning",
        "bucket lifecycle",
        "bucket encryption",
        "bucket access",
        "report",
        "segment",
        "funnel",
        "retention",
        "cohort",
        "revenue",
        "person",
        "saved list",
        "saved remove",
        "track",
        "sample",
        "alert list",
        "alert show",
        "alert ack",
        "alert unack",
        "alert resolve",
        "alert raise",
        "channel list",
        "channel create",
        "channel archive",
        "channel delete",
        "channel rename",
        "channel topic",
        "channel invite",
        "channel post",
        "channel unarchive",
        "channel purpose",
        "channel join",
        "hook create",
        "hook list",
        "hook test",
        "hook logs",
        "hook delete",
        "schedule add",
        "schedule list",
        "schedule remove",
        "watch add",
        "watch list",
        "watch test",
        "watch remove",
        "audit",
        "usage",
        "role explain",
        "role list",
        "approve",
        "decline",
        "cancel",
    ] {
        assert!(unique.contains(name), "{name}");
    }
}

#[test]
fn texts_are_short_enough_for_every_platform() {
    let world = World::new();
    for about in world.registry.all() {
        assert!(
            about.summary.len() <= 80 && !about.summary.ends_with('.') && !about.summary.is_empty(),
            "{}: {}",
            about.name,
            about.summary
        );
        assert!(!about.examples.is_empty(), "{} has no example", about.name);
        for (name, meaning) in grammar::arguments(about) {
            assert!(!meaning.is_empty() && meaning.chars().count() <= 100, "{} {name}: {} {meaning}", about.name, meaning.chars().count());
        }
        for word in about.name.split(' ') {
            assert!(word.bytes().all(|b| b.is_ascii_lowercase()), "{word}");
        }
        about.model.clone().debug_assert();
    }
}

#[test]
fn every_example_is_understood_and_reads_back_as_itself() {
    let world = World::new();
    for about in world.registry.all() {
        for example in about.examples {
            let understood = world.registry.parse(example).unwrap_or_else(|why| panic!("{example}: {why:?}"));
            assert_eq!(understood.invoke.command, about.name, "{example}");
            let line = world.registry.line(&understood.invoke);
            let again = world.registry.parse(&line).unwrap_or_else(|why| panic!("{example} -> {line}: {why:?}"));
            assert_eq!(again.invoke, understood.invoke, "{example} -> {line}");
            let answers = grammar::answers(&understood.invoke);
            let filled = world.registry.parse_answers(about.name, &answers).unwrap_or_else(|why| panic!("{example}: {why:?}"));
            assert_eq!(filled, understood.invoke, "{example}");
        }
    }
}

#[test]
fn members_may_what_the_face_says() {
    let world = World::new();
    let open = [
        "file put",
        "file get",
        "file share",
        "file unshare",
        "track",
        "alert ack",
        "alert unack",
        "sample",
        "approve",
        "decline",
        "cancel",
    ];
    for about in world.registry.all() {
        let admins = ["audit", "role explain", "role list"].contains(&about.name);
        // Everyone sees their own; all of them are for operators.
        let others = about.name == "file links";
        let expected = match about.effect {
            _ if admins => Access::Admin,
            // It shows messages of channels that the reader may not be in, or what single people did.
            _ if ["outbox list", "outbox events", "hook list", "hook logs", "source export"].contains(&about.name) => Access::Operator,
            _ if others => Access::Operator,
            Effect::Reads => Access::Member,
            _ if about.group() == "bucket" => Access::Admin,
            _ if open.contains(&about.name) => Access::Member,
            _ => Access::Operator,
        };
        assert_eq!(about.access, expected, "{}", about.name);
    }
}

#[test]
fn forms_ask_for_nothing_hidden() {
    let world = World::new();
    let about = world.registry.get("channel post").unwrap().about();
    let form = grammar::form(about, &bellhop_core::form::Answers::new(), None);
    let inputs: Vec<(&str, &InputKind)> = form.inputs.iter().map(|input| (input.id.as_str(), &input.kind)).collect();
    assert_eq!(inputs, [("text", &InputKind::Text), ("in", &InputKind::Search), ("at", &InputKind::Text)]);
    assert_eq!(grammar::usage(about), "channel post TEXT [--in PLACE] [--at TIME]");
}

#[test]
fn what_is_proposed_is_declared() {
    let world = World::new();
    world.stores.0[0].keep("a.txt", b"one");
    world.source.add("page_view", "p", "2026-11-22T08:00:00Z", &[("country", "de".into())]);
    world.source.saved.lock().unwrap().insert("buying".into(), vec!["page_view".into()]);
    world.desk.fire("3f9a1c20", "HighLatency", "critical");
    world.run("alert ack 3f9a1c20");
    world.desk.fire("77aa0011", "DiskFilling", "warning");
    world.run("schedule add \"0 9 * * *\" status");
    world.run("report page_view --save weekly");
    world.run("hook create deploys --to #ops");
    world.stores.0[0].keep("docs/b.txt", b"two");
    world.run("file share a.txt");
    world.run("bucket access team-files create partners --permissions r --expires 1d");
    world.run("file backup add docs --from local --to plain:keep");
    world.run("file backup run docs");
    world.run("watch add \"events.page_view > 5 per day\"");
    world.run("watch add \"events.page_view > 6 per day\" --name rests");
    world.run("watch pause rests");
    world.run("meet create talk --at 2h");
    for about in world.registry.all() {
        let arguments: Vec<&str> = about.model.get_arguments().map(|argument| argument.get_id().as_str()).collect();
        for declared in about.completes {
            assert!(arguments.contains(declared), "{} has no argument `{declared}`", about.name);
            assert!(!world.complete(about.name, declared, "").is_empty(), "{} proposes nothing for `{declared}`", about.name);
        }
        for argument in arguments.into_iter().filter(|argument| !about.completes.contains(argument)) {
            for typed in ["", "a", "1"] {
                let proposed = world.complete(about.name, argument, typed);
                assert!(proposed.is_empty(), "{} proposes {proposed:?} for `{argument}`, which it doesn't declare", about.name);
            }
        }
    }
    assert!(world.registry.all().filter(|about| !about.completes.is_empty()).count() > 25);
}

/// Every button of a card runs: its command exists and takes its arguments, and its line is read back as the same.
pub(super) fn buttons_work(world: &World, card: &Card) {
    for action in card.actions() {
        if let Does::Invoke(invoke) = &action.does {
            let line = world.registry.line(invoke);
            let understood = world.registry.parse(&line).unwrap_or_else(|why| panic!("{}: {line}: {why:?}", action.label));
            // What is hidden is a short cut: the line means the same without it.
            let about = world.registry.get(&invoke.command).unwrap().about();
            let hidden: Vec<&str> = about.model.get_arguments().filter(|arg| arg.is_hide_set()).map(|arg| arg.get_id().as_str()).collect();
            let mut said = grammar::answers(invoke);
            said.retain(|id, _| !hidden.contains(&id.as_str()));
            assert_eq!(grammar::answers(&understood.invoke), said, "{line}");
        }
    }
    for block in &card.blocks {
        if let Block::Table(table) = block {
            assert!(table.rows.iter().all(|row| row.len() == table.columns.len()), "{table:?}");
        }
    }
}

#[test]
fn help_finds_what_is_wanted() {
    let world = World::new();
    for line in
        ["help", "help file", "help file share", "help /file share", "help report", "help channel archive", "help xyzzy", "help repotr"]
    {
        let reply = world.reply(line);
        assert_eq!(reply.audience, bellhop_core::Audience::Caller);
        buttons_work(&world, &reply.card);
    }
    for (asked, found) in [
        ("send a file to another channel", "file share"),
        ("undelete a file", "file restore"),
        ("who did what", "audit"),
        ("draw a chart by country", "report"),
        ("run something every morning cron", "schedule add"),
        ("take an alert", "alert ack"),
        ("new channel", "channel create"),
    ] {
        let text = world.run(&format!("help {asked}"));
        let first = text.lines().nth(1).unwrap_or_default().to_owned();
        let top: Vec<&str> = text.lines().skip(1).take(3).collect();
        assert!(top.iter().any(|line| line.starts_with(found)), "{asked}: {first}\n{text}");
    }
    assert!(world.run("help repotr").contains("Did you mean report?"));
    assert!(world.run("help xyzzy").starts_with("Nothing found"));
    insta::assert_snapshot!(world.run("help file share"), @r"
    file share
    Makes a link to a file that expires, and brings it elsewhere.
        file share NAME [--to PLACE] [--expires SPAN] [--version ID] [--store STORE] [--once] [--direct] [--policy ID]
    NAME:           The file's name, or STORE:NAME
    --to PLACE:     Sends it to that channel too, such as #ops or work/#ops
    --expires SPAN: How long the link works, such as 10m, 2h or 7d; 1h unless told, 7d at most
    --version ID:   An older version, by its id from `file versions`
    --store STORE:  The store, where it isn't the default one
    --once:         Ends the link with its first download
    --direct:       A link of the store's own, past Bellhop: shown to you alone, neither counted nor called back
    --policy ID:    Binds the link to an access policy of the store's bucket: revoking that ends it
    Everyone may use it; it changes something.
    Examples:
        file share report.pdf
        file share report.pdf --to #general --expires 10m
        file share report.pdf --once
    → file share report.pdf: /file share report.pdf
    → file share report.pdf --to #general --expires 10m: /file share report.pdf --to #general --expires 10m
    → file share report.pdf --once: /file share report.pdf --once
    ");
    insta::assert_snapshot!(world.run("help"), @r"
    What I can do
    Commands are a word, or a group and a verb. help file shows a group, help file share one command, and help with your own words finds one.
    alert:     ack · list · raise · resolve · show · unack
    approve:   Runs a command that waits for confirmation
    audit:     Shows who did what, where and when
    bucket:    access · create · delete · encryption · info · lifecycle · list · versioning
    cancel:    Ends a command that is still running
    channel:   archive · create · delete · invite · join · list · post · purpose · rename · topic · unarchive
    cohort:    Groups of people: those a source keeps, or those who began together
    decline:   Drops a command that waits for confirmation
    file:      backup · browse · copy · delete · get · info · links · list · move · put · restore · share · store · tag · unshare · versions
    funnel:    Shows how many people do one thing after another
    help:      Explains the commands, or finds the one you need
    hook:      create · delete · list · logs · test
    meet:      cancel · change · create · list
    outbox:    events · list · resend · retry
    person:    Shows what is known about a person, or sets it
    report:    Counts and draws what people do, over time or by property
    retention: Shows how many people come back
    revenue:   Shows what people pay, in all and per person
    role:      explain · list
    sample:    Loads sample events, to try reports with
    saved:     list · remove
    schedule:  add · list · remove
    segment:   Divides an event by the values of a property
    source:    export · report · show
    status:    Shows how the bot is and what it is connected to
    track:     Notes that something happened, for reports
    usage:     Shows what the bot has been doing
    watch:     add · list · pause · remove · resume · test
    → status: status
    → file list: file list
    → report page_views 7d: report page_views 7d
    → alert list: alert list
    ");
}

#[test]
fn hostile_words_stay_words() {
    let world = World::new();
    let hostile = "\u{202e}evil <@everyone> `x` **b** [a](javascript:x)";
    let text = world.run(&format!("help \"{hostile}\""));
    assert!(!text.contains('\u{202e}'), "{text}");
    let long = "x ".repeat(20_000);
    assert!(world.run(&format!("help {long}")).len() < 2_000);
}

#[test]
fn the_bot_says_how_it_is() {
    let world = World::new();
    insta::assert_snapshot!(world.run("status"), @r"
    ✓ Bellhop is at your service
    Database:  SQLite
    Analytics: events, web
    ");
    assert!(world.run("usage").contains("commands  help   1 234       1"));
    assert!(world.run("usage 1h").contains("Nothing has been done yet"));
    assert!(matches!(world.error("usage 2027-01-01..2027-01-02"), CommandError::Invalid { argument: "period", .. }));
    assert_eq!(world.run("approve k7f2m"), "done");
    assert_eq!(world.run("decline k7f2m"), "dropped");
    assert!(matches!(world.error("approve nope"), CommandError::NotFound { what: "proposal", .. }));
}

#[test]
fn permissions_are_explained() {
    let world = World::new();
    insta::assert_snapshot!(world.run("role explain @bob file delete report.pdf --store x"), @r"
    ! @bob may not run `file delete`
    Because `file delete` needs the role operator.
    Person: console:bob
    Role:   member
    Needed: operator
    ");
    assert!(world.run("role explain me channel create").starts_with("✓ me may run `channel create`"));
    assert!(world.run("role explain console:bob \"file list\"").contains("console:bob"));
    assert!(
        matches!(world.error("role explain bob fiel delete"), CommandError::NotFound { what: "command", nearest: Some(near), .. } if near == "file delete")
    );
    assert!(matches!(world.error("role explain @ help"), CommandError::Invalid { argument: "user", .. }));
    assert!(world.run("role list").contains("console:ann"));
}
