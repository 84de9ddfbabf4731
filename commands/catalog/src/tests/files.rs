//! Files: stored once, found, shared, brought back.

use super::catalogue::buttons_work;
use super::world::World;
use bellhop_core::access::Access;
use bellhop_core::card::Block;
use bellhop_core::{Card, CommandError, PortErrorKind};

fn not_found(error: CommandError) -> (String, Option<String>) {
    match error {
        CommandError::NotFound { name, nearest, .. } => (name, nearest),
        other => panic!("{other:?}"),
    }
}

fn invalid(error: CommandError) -> String {
    match error {
        CommandError::Invalid { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_attachment_is_stored() {
    let world = World::new();
    let call = world.with_files(&[("u1", "C:\\tmp\\report.pdf", b"hello")]);
    let reply = world.try_call(&call, "file put").unwrap();
    buttons_work(&world, &reply.card);
    insta::assert_snapshot!(world.text(&reply.card), @r"
    ✓ Stored report.pdf
    Name:    report.pdf
    Size:    5 B
    Type:    application/pdf
    Version: 1
    SHA-256: 2cf24dba5fb0
    → Share: file share local:report.pdf
    → Info: file info local:report.pdf
    → Delete: file delete local:report.pdf
    ");
    assert_eq!(world.stores.0[0].content("report.pdf").unwrap(), b"hello");
    // The same message again, and another about the same upload: nothing is stored twice.
    assert!(world.text(&world.try_call(&call, "file put").unwrap().card).contains("is stored already"));
    let other = world.with_files(&[("u1", "report.pdf", b"hello")]);
    assert!(world.text(&world.try_call(&other, "file put").unwrap().card).contains("report.pdf is stored already"));
    assert_eq!(*world.stores.0[0].writes.lock().unwrap(), 1);
    // Under a name of its own it is wanted twice, and each once.
    for _ in 0..2 {
        world.try_call(&other, "file put elsewhere.pdf").unwrap();
        world.try_call(&world.with_files(&[("u1", "report.pdf", b"hello")]), "file put local:elsewhere.pdf").unwrap();
    }
    assert_eq!(*world.stores.0[0].writes.lock().unwrap(), 2);
    // Deleted, it can be stored anew.
    world.run("file delete report.pdf");
    let again = world.with_files(&[("u1", "report.pdf", b"hello")]);
    world.try_call(&again, "file put").unwrap();
    assert_eq!(*world.stores.0[0].writes.lock().unwrap(), 3);
}

#[test]
fn several_attachments_go_to_a_folder() {
    let world = World::new();
    let call = world.with_files(&[("a", "image.png", b"1"), ("b", "image.png", b"22"), ("b", "image.png", b"22")]);
    let text = world.text(&world.try_call(&call, "file put shots/").unwrap().card);
    assert!(text.contains("Stored 2 files"), "{text}");
    assert_eq!(world.stores.0[0].content("shots/image.png").unwrap(), b"1");
    assert_eq!(world.stores.0[0].content("shots/image (2).png").unwrap(), b"22");
    let call = world.with_files(&[("c", "x", b"1"), ("d", "y", b"2")]);
    assert!(invalid(world.try_call(&call, "file put one.txt").unwrap_err()).contains("one.txt/"));
    let call = world.with_files(&[("e", "x.txt", b"1")]);
    world.try_call(&call, "file put plain:").unwrap();
    assert_eq!(world.stores.0[1].content("x.txt").unwrap(), b"1");
}

#[test]
fn what_can_not_be_stored_says_why() {
    let world = World::new();
    assert!(matches!(world.error("file put"), CommandError::Refused(why) if why.contains("Attach one")));
    let put = |name: &str| {
        let call = world.with_files(&[(name, "x.txt", b"1")]);
        world.try_call(&call, &format!("file put {}", bellhop_core::tokenise::quote(name))).map(|reply| world.text(&reply.card))
    };
    for bad in ["../x", "/x", "a//b", "a\\b", &"x".repeat(1100)] {
        assert!(matches!(put(bad), Err(CommandError::Invalid { argument: "name", .. })), "{bad}");
    }
    assert!(invalid(put("plian:x").unwrap_err()).contains("did you mean plain:x?"));
    assert!(invalid(put("10:30.txt").unwrap_err()).contains("local:10:30.txt"));
    assert!(put("local:10:30.txt").unwrap().contains("local:10:30.txt"));
    assert!(put("a b.txt").is_ok());
}

#[test]
fn a_broken_line_leaves_nothing_and_the_next_try_works() {
    let world = World::new();
    *world.uploads.broken.lock().unwrap() = true;
    let call = world.with_files(&[("u", "big.bin", &vec![7; 200_000])]);
    let error = world.try_call(&call, "file put").unwrap_err();
    assert!(matches!(error, CommandError::Port(error) if error.kind == PortErrorKind::Unavailable));
    *world.uploads.broken.lock().unwrap() = false;
    let call = world.with_files(&[("u", "big.bin", &vec![7; 200_000])]);
    world.try_call(&call, "file put").unwrap();
    assert_eq!(world.stores.0[0].content("big.bin").unwrap().len(), 200_000);
    // One of two failing: the other is stored, and the failure said.
    let mut call = world.with_files(&[("v", "good.txt", b"1"), ("w", "bad.txt", b"2")]);
    world.uploads.files.lock().unwrap().remove("w");
    call.attachments[1].size = None;
    let text = world.text(&world.try_call(&call, "file put").unwrap().card);
    assert!(text.contains("Stored 1 of 2 files") && text.contains("Not stored: bad.txt"), "{text}");
}

#[test]
fn an_option_names_the_store_of_names_that_say_none() {
    let world = World::new();
    world.stores.0[0].keep("a.csv", b"1,2");
    let run = |line: &str| world.try_call(&world.call(Access::Operator), line);
    run("file copy a.csv plain:b.csv --store local").unwrap();
    assert_eq!(world.stores.0[1].content("b.csv").unwrap(), b"1,2");
    run("file copy local:a.csv c.csv --store plain").unwrap();
    assert_eq!(world.stores.0[1].content("c.csv").unwrap(), b"1,2");
    assert!(invalid(run("file copy local:a.csv plain:d.csv --store local").unwrap_err()).contains("name two stores"));
}

#[test]
fn a_crash_between_write_and_note_stores_once() {
    let world = World::new();
    let call = world.with_files(&[("u", "a.txt", b"hello")]);
    world.try_call(&call, "file put").unwrap();
    // As if the bot had stopped after the write: the note says begun, the file is there.
    for value in world.records.0.lock().unwrap().values_mut() {
        value["stored"] = false.into();
    }
    let text = world.text(&world.try_call(&call, "file put").unwrap().card);
    assert!(text.starts_with("✓ Stored a.txt"), "{text}");
    assert_eq!(*world.stores.0[0].writes.lock().unwrap(), 1);
    // As if it had stopped before the write, with another file of that name there.
    let call = world.with_files(&[("x", "a.txt", b"other")]);
    world.try_call(&call, "file put").unwrap();
    for value in world.records.0.lock().unwrap().values_mut() {
        value["stored"] = false.into();
    }
    world.stores.0[0].keep("a.txt", b"third");
    world.try_call(&call, "file put").unwrap();
    assert_eq!(world.stores.0[0].content("a.txt").unwrap(), b"other");
    // Another call about an upload that is being stored does not store it too.
    for value in world.records.0.lock().unwrap().values_mut() {
        value["stored"] = false.into();
    }
    let rival = world.with_files(&[("x", "a.txt", b"other")]);
    let writes = *world.stores.0[0].writes.lock().unwrap();
    assert!(world.text(&world.try_call(&rival, "file put").unwrap().card).contains("is being stored"));
    assert_eq!(*world.stores.0[0].writes.lock().unwrap(), writes);
}

#[test]
fn long_uploads_say_how_far_they_are() {
    let world = World::new();
    let call = world.with_files(&[("u", "big.bin", &vec![1; 30 << 20])]);
    world.try_call(&call, "file put").unwrap();
    let said = world.progress.lock().unwrap();
    assert!((10..=25).contains(&said.len()), "{}", said.len());
    assert_eq!(said.last().unwrap().done, 30 << 20);
    assert!(said.windows(2).all(|two| two[0].done < two[1].done));
}

#[test]
fn a_file_comes_back_as_a_file() {
    let world = World::new();
    world.stores.0[0].keep("docs/a.txt", b"one");
    world.stores.0[0].keep("docs/a.txt", b"three");
    let card = world.reply("file get docs/a.txt").card;
    assert!(matches!(&card.blocks[0], Block::File(file) if file.name == "a.txt" && file.size == 5));
    let card = world.reply("file get docs/a.txt --version 1").card;
    assert!(matches!(&card.blocks[0], Block::File(file) if file.size == 3));
    assert_eq!(not_found(world.error("file get a.txt")), ("a.txt".into(), Some("docs/a.txt".into())));
    assert_eq!(not_found(world.error("file get local:docs/b.txt")), ("local:docs/b.txt".into(), Some("local:docs/a.txt".into())));
    assert_eq!(not_found(world.error("file get zebra")), ("zebra".into(), None));
    assert_eq!(not_found(world.error("file get docs/a.txt --version 9")).0, "9");
    assert_eq!(not_found(world.error("file get x --store plian")).1, Some("plain".into()));
}

#[test]
fn lists_go_past_a_page() {
    let world = World::new();
    assert!(world.run("file list").contains("There are no files yet"));
    for number in 0..120 {
        world.stores.0[0].keep(&format!("many/{number:03}.txt"), b"x");
    }
    world.stores.0[0].keep("a.txt", b"hello");
    let listed = |line: &str| world.run(line).lines().filter(|line| line.contains(".txt")).count();
    let text = world.run("file list");
    assert!(text.contains("The first 50 files; 71 more."), "{text}");
    assert_eq!(listed("file list"), 50);
    assert_eq!(listed("file list --limit 200"), 121);
    assert_eq!(listed("file list many/ --limit 100"), 100);
    assert_eq!(listed("file list many/01"), 10);
    assert!(world.run("file list --limit 200").contains("Folders: many/ (120 files, 120 B)"));
    assert!(world.run("file list xyz").contains("No file's name begins with xyz."));
    assert!(matches!(world.error("file list ../"), CommandError::Invalid { .. }));
    buttons_work(&world, &world.reply("file list").card);
    buttons_work(&world, &world.reply("file list plain:").card);
    for bad in ["file list --limit 0", "file list --limit 99999", "file list --limit x"] {
        assert!(world.registry.parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_is_deleted_can_be_restored_where_versions_are_kept() {
    let world = World::new();
    world.stores.0[0].keep("a.txt", b"one");
    world.stores.0[0].keep("a.txt", b"two!");
    world.stores.0[1].keep("b.txt", b"gone");
    insta::assert_snapshot!(world.text(&world.plan("file delete a.txt").unwrap()), @r"
    Delete a.txt?
    This would delete a.txt from local.
    Size:    4 B
    Type:    text/plain
    Written: Mon 2026-11-23 10:30 UTC
    Version: 2
    SHA-256: a97b629a5b1da759586c3353a9bc284bf673970d8eca56e11e556b715c329614
    file restore a.txt brings it back.
    ");
    assert!(world.text(&world.plan("file delete plain:b.txt").unwrap()).contains("it would be gone for good"));
    assert_eq!(not_found(world.plan("file delete c.txt").unwrap_err()).0, "c.txt");
    assert!(world.run("file delete a.txt").contains("file restore a.txt"));
    assert!(matches!(world.error("file get a.txt"), CommandError::NotFound { .. }));
    insta::assert_snapshot!(world.run("file versions a.txt"), @r"
    Versions of a.txt
    3 versions
    Version  Written                   Size  State
    ───────  ────────────────────────  ────  ────────────
    3        Mon 2026-11-23 10:30 UTC        deleted, now
    2        Mon 2026-11-23 10:30 UTC   4 B
    1        Mon 2026-11-23 10:30 UTC   3 B
    → Restore 2: file restore local:a.txt --version 2
    → Restore 1: file restore local:a.txt --version 1
    ");
    assert!(world.run("file restore a.txt").starts_with("✓ Restored a.txt"));
    assert_eq!(world.stores.0[0].content("a.txt").unwrap(), b"two!");
    assert!(matches!(world.error("file restore a.txt"), CommandError::Refused(why) if why.contains("already")));
    world.run("file restore a.txt --version 1");
    assert_eq!(world.stores.0[0].content("a.txt").unwrap(), b"one");
    assert_eq!(not_found(world.error("file restore a.txt --version 99")).0, "99");
    assert!(matches!(world.error("file restore plain:b.txt"), CommandError::Refused(_)));
    assert!(world.run("file delete plain:b.txt").contains("gone for good"));
    buttons_work(&world, &world.reply("file versions a.txt").card);
    buttons_work(&world, &world.reply("file info a.txt").card);
}

#[test]
fn links_expire_and_reach_other_places() {
    let world = World::new();
    world.stores.0[0].keep("a b.txt", b"one");
    insta::assert_snapshot!(world.run("file share \"a b.txt\" --to #ops --expires 10m"), @r"
    ✓ Link to a b.txt
    https://bell.example/s/link01secret
    Size:             3 B
    Link works until: 2026-11-23 10:40 UTC
    Brought to mute:T1/#ops.
    → Download: https://bell.example/s/link01secret
    → Revoke: file unshare link01
    ");
    let (to, card, key): (_, Card, _) = world.said.0.lock().unwrap()[0].clone();
    assert_eq!(to.channel.as_str(), "ops");
    assert!(key.is_some());
    assert!(card.blocks.iter().any(|block| matches!(block, Block::File(_))));
    for (bad, why) in [("0s", "at least"), ("8d", "7d at most"), ("100w", "7d at most")] {
        assert!(invalid(world.error(&format!("file share \"a b.txt\" --expires {bad}"))).contains(why), "{bad}");
    }
    assert!(world.registry.parse("file share a --expires soon").is_err());
    assert!(matches!(world.error("file share \"a b.txt\" --to #nowhere"), CommandError::NotFound { what: "channel", .. }));
    assert_eq!(world.said.0.lock().unwrap().len(), 1);
}

#[test]
fn copies_and_moves_lose_nothing_unasked() {
    let world = World::new();
    world.stores.0[0].keep("a.txt", b"one");
    world.run("file copy a.txt archive/");
    assert_eq!(world.stores.0[0].content("archive/a.txt").unwrap(), b"one");
    world.run("file copy a.txt plain:");
    world.stores.0[0].keep("a.txt", b"two");
    assert!(matches!(world.error("file copy a.txt plain:"), CommandError::Refused(why) if why.contains("--replace")));
    assert_eq!(world.stores.0[1].content("a.txt").unwrap(), b"one");
    world.run("file move a.txt plain: --replace");
    assert_eq!(world.stores.0[1].content("a.txt").unwrap(), b"two");
    assert!(world.stores.0[0].content("a.txt").is_none());
    assert!(invalid(world.error("file copy plain:a.txt plain:a.txt")).contains("itself"));
    assert_eq!(not_found(world.error("file move nothing.txt x")).0, "nothing.txt");
}

#[test]
fn names_are_proposed_from_the_stores() {
    let world = World::new();
    world.stores.0[0].keep("report.pdf", b"one");
    world.stores.0[1].keep("raw.csv", b"one");
    assert_eq!(world.complete("file get", "name", "re"), ["report.pdf"]);
    assert_eq!(world.complete("file get", "name", "p"), ["plain:"]);
    assert_eq!(world.complete("file get", "name", "plain:"), ["plain:raw.csv"]);
    assert_eq!(world.complete("file get", "store", ""), ["local", "plain"]);
    assert_eq!(world.complete("file share", "to", "#gen"), ["#general"]);
    let _ = world.call(Access::Member);
}

#[test]
fn the_newest_files_come_with_what_is_done_with_them() {
    let world = World::new();
    assert!(world.run("file list --recent").contains("There are none."));
    for at in 0..12 {
        world.try_call(&world.with_files(&[(&format!("u{at}"), &format!("f{at}.txt"), b"x")]), &format!("file put in/f{at}.txt")).unwrap();
    }
    let reply = world.reply("file list --recent");
    buttons_work(&world, &reply.card);
    let text = world.text(&reply.card);
    assert_eq!((text.matches("under a minute ago").count(), text.matches("→").count()), (10, 7), "{text}");
    assert!(text.contains("file get local:in/f") && text.contains("file share local:in/f") && text.contains("All by name"), "{text}");
    let one = world.run("file list in/f3 --recent --limit 1");
    assert!(one.contains("in/f3.txt") && !one.contains("in/f4.txt"), "{one}");
}
