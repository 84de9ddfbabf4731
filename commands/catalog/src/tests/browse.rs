//! The browser: one message that walks through a store, in as few buttons as the platform has.

use super::world::World;
use bellhop_core::access::Access;
use bellhop_core::card::{Block, Does};
use bellhop_core::{Card, CommandError, Reply};
use proptest::prelude::*;

fn labels(card: &Card) -> Vec<&str> {
    card.actions().map(|action| action.label.as_str()).collect()
}

fn rows(card: &Card) -> usize {
    card.blocks.iter().map(|block| if let Block::Table(table) = block { table.rows.len() } else { 0 }).sum()
}

fn world() -> World {
    let world = World::new();
    let store = &world.stores.0[0];
    for number in 0..45 {
        store.keep(&format!("many/{number:02}.txt"), b"x");
        store.keep(&format!("many/(old)/{number:02}.txt"), b"x");
    }
    store.keep("notes.txt", b"one\ntwo\n");
    store.keep("reports/2026/q1.csv", b"a,b\n1,2\n");
    world
}

#[test]
fn folders_come_first_and_open() {
    let world = world();
    insta::assert_snapshot!(world.run("file browse"), @r"
    Files in local
    Name       Size  Written
    ─────────  ────  ──────────────────
    many/            folder
    reports/         folder
    notes.txt   8 B  under a minute ago
    → many/: file browse local:many/
    → reports/: file browse local:reports/
    → notes.txt: file browse local:notes.txt
    → Other stores: file store
    ");
    let first = world.reply("file browse");
    assert_eq!(first.turns, None, "a message of its own");
    let call = world.call(Access::Member);
    let folder = world.press_by(&call, &first.card, "reports/").unwrap();
    assert!(folder.turns.is_some() && folder.turns != Some(call.id), "the same message, changed");
    let turned = folder.turns.clone();
    let deeper = world.press(&folder.card, "2026/");
    assert_eq!(deeper.turns, turned, "the first message, however far");
    let file = world.press(&deeper.card, "q1.csv");
    assert_eq!(labels(&file.card), ["Download", "Share", "Versions", "Move", "Delete", "Back"]);
    assert_eq!(world.press(&file.card, "Back").card.title, "Files in local: reports/2026/");
    assert_eq!(world.press(&world.press(&deeper.card, "Up").card, "Up").card.title, "Files in local");
    // A folder may be typed without its slash.
    assert_eq!(world.reply("file browse reports").card.title, "Files in local: reports/");
    assert!(matches!(world.error("file browse report"), CommandError::NotFound { what: "file", .. }));
    assert!(world.run("file browse plain:").contains("There are no files yet"));
    assert!(world.run("file browse nothing/").contains("Nothing is in this folder."));
    assert!(matches!(world.error("file browse ../"), CommandError::Invalid { .. }));
    assert_eq!(world.complete("file browse", "folder", "re"), ["reports/"]);
    assert_eq!(world.complete("file browse", "folder", "reports/"), ["reports/2026/"]);
}

#[test]
fn pages_turn_both_ways_and_old_ones_still_work() {
    let world = world();
    let first = world.reply("file browse many/");
    let table = first.card.blocks.iter().find_map(|block| if let Block::Table(table) = block { Some(table) } else { None });
    assert_eq!(table.unwrap().caption, "1 folder, 19 files, and more");
    let second = world.press(&first.card, "Next");
    let third = world.press(&second.card, "Next");
    assert_eq!((rows(&first.card), rows(&second.card), rows(&third.card)), (20, 20, 6));
    assert!(!labels(&third.card).contains(&"Next"));
    assert_eq!(third.card.title, "Files in local: many/ (page 3)");
    let back = world.press(&third.card, "Previous");
    assert_eq!((back.card.title.as_str(), rows(&back.card)), (second.card.title.as_str(), 20));
    assert_eq!(labels(&back.card), labels(&second.card));
    assert_eq!(labels(&world.press(&back.card, "Previous").card), labels(&first.card));
    // From a file's page one comes back to the page that it was on.
    let file = world.press(&third.card, "44.txt");
    assert_eq!(labels(&world.press(&file.card, "Back").card), labels(&third.card));
    // Typed, or pressed where only the line is known, a page is found by its number.
    assert_eq!(labels(&world.reply("file browse many/ --page 3").card), labels(&third.card));
    assert!(matches!(world.error("file browse many/ --page 4"), CommandError::Invalid { argument: "page", .. }));
    // The button of an earlier page does what it says.
    assert_eq!(labels(&world.press(&first.card, "Next").card), labels(&second.card));
    assert_eq!(world.press(&first.card, "(old)/").card.title, "Files in local: many/(old)/");
    // What has gone meanwhile is said.
    world.run("file delete many/44.txt");
    let call = world.call(Access::Member);
    assert!(matches!(world.press_by(&call, &third.card, "44.txt"), Err(CommandError::NotFound { .. })));
}

#[test]
fn a_page_has_as_many_entries_as_fit() {
    let world = world();
    let at = |chat: &str| {
        let mut call = world.call(Access::Member);
        call.at.chat = chat.into();
        world.try_call(&call, "file browse many/").unwrap().card
    };
    assert_eq!(rows(&at("small")), 6, "ten buttons, four of which lead on");
    assert_eq!(rows(&at("console")), 20);
    assert_eq!(rows(&at("nowhere")), 20);
    for card in [at("small"), at("console")] {
        assert_eq!(bellhop_core::fit::fit(&card, &bellhop_core::Capabilities { actions: 24, ..Default::default() }).len(), 1);
    }
}

#[test]
fn a_file_shows_how_it_begins() {
    let world = world();
    let store = &world.stores.0[0];
    let png = b"\x89PNG\r\n\x1a\n and the rest";
    store.keep_as("a.png", png, "image/png");
    store.keep_as("fake.png", b"<script>alert(1)</script>", "image/png");
    store.keep_as("x.svg", b"<svg onload='alert(1)'/>", "image/svg+xml");
    store.keep("empty.txt", b"");
    store.keep("core", b"\x7fELF\0\0\0");
    store.keep("long.txt", "<b>line</b>\n".repeat(500).as_bytes());
    let page = |name: &str| world.reply(&format!("file browse {name}")).card;
    let image = page("a.png").blocks.into_iter().find_map(|block| if let Block::Image(image) = block { Some(image) } else { None });
    let image = image.unwrap();
    assert_eq!((&*image.bytes, image.content_type.as_str()), (&png[..], "image/png"));
    for name in ["fake.png", "x.svg"] {
        assert!(!page(name).blocks.iter().any(|block| matches!(block, Block::Image(_))), "{name} is no picture");
    }
    assert!(world.text(&page("empty.txt")).contains("The file is empty."));
    assert!(world.text(&page("core")).contains("Binary data"));
    let long = world.text(&page("long.txt"));
    assert!(long.contains("The first 20 lines.") && long.matches("<b>line</b>").count() == 20, "{long}");
    world.run("file tag notes.txt project=atlas");
    insta::assert_snapshot!(world.text(&page("notes.txt")), @r"
    notes.txt
    Size:    8 B
    Type:    text/plain
    Written: Mon 2026-11-23 10:30 UTC
    Version: 1
    SHA-256: c3f9c8c283a2
    Store:   local
    Tags:    project=atlas
        one
        two
    → Download: file get local:notes.txt
    → Share: file share local:notes.txt
    → Versions: file versions local:notes.txt
    → Move: file browse local:notes.txt --move
    → Delete: file delete local:notes.txt
    → Back: file browse --store local
    ");
    // Where pictures can't be shown, none is read for it.
    let mut call = world.call(Access::Member);
    call.at.chat = "small".into();
    let card = world.try_call(&call, "file browse a.png").unwrap().card;
    assert!(world.text(&card).contains("A picture, not shown here"), "{}", world.text(&card));
}

#[test]
fn what_is_done_with_a_file_begins_on_its_page() {
    let world = world();
    let page = world.reply("file browse notes.txt").card;
    let moving = world.press(&page, "Move").card;
    let form = moving.blocks.iter().find_map(|block| if let Block::Form(form) = block { Some(form.clone()) } else { None }).unwrap();
    let asked: Vec<(&str, &str)> = form.inputs.iter().map(|input| (input.id.as_str(), input.value.as_str())).collect();
    assert_eq!(asked, [("from", "local:notes.txt"), ("to", "local:notes.txt"), ("replace", "")]);
    assert_eq!(labels(&world.press(&moving, "Keep the name").card), labels(&page));
    // Deleting asks first, and the answer has the way back.
    let delete = page.actions().find(|action| action.label == "Delete").unwrap();
    let Does::Invoke(invoke) = &delete.does else { panic!("it runs") };
    assert_eq!(world.registry.get(&invoke.command).unwrap().about().effect, bellhop_core::Effect::Destroys);
    let deleted: Reply = world.press(&page, "Delete");
    assert!(world.stores.0[0].content("notes.txt").is_none());
    world.press(&deleted.card, "Undo");
    assert_eq!(world.stores.0[0].content("notes.txt").unwrap(), b"one\ntwo\n");
    // Where no versions are kept there is none.
    world.stores.0[1].keep("b.txt", b"x");
    let page = world.reply("file browse plain:b.txt").card;
    assert!(!labels(&page).contains(&"Versions"));
    assert!(!labels(&world.press(&page, "Delete").card).contains(&"Undo"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Following `next` gives everything that is directly in a folder once, however it is cut into pages.
    #[test]
    fn a_folder_is_whole_in_pages_of_any_length(
        names in prop::collection::btree_set("[ab]{1,2}(/[ab-]{1,2}){0,2}", 1..80),
        folder in prop::sample::select(vec!["", "a/", "ab/", "b/a/"]),
        limit in 1_usize..12,
    ) {
        let world = World::new();
        for name in &names {
            world.stores.0[0].keep(name, b"x");
        }
        let store = bellhop_core::ports::Stores::store(&*world.stores, None).unwrap();
        let (mut folders, mut files, mut next) = (Vec::new(), Vec::new(), None);
        loop {
            let page = futures::executor::block_on(store.folder(folder, next.as_deref(), limit)).unwrap();
            prop_assert!(page.folders.len() + page.files.len() <= limit);
            folders.extend(page.folders);
            files.extend(page.files.into_iter().map(|file| file.name));
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        let within: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix(folder)).collect();
        let mut expected: Vec<String> =
            within.iter().filter_map(|rest| rest.split_once('/')).map(|(first, _)| format!("{folder}{first}/")).collect();
        expected.sort();
        expected.dedup();
        prop_assert_eq!(folders, expected);
        prop_assert_eq!(files, within.iter().filter(|rest| !rest.contains('/')).map(|rest| format!("{folder}{rest}")).collect::<Vec<_>>());
    }
}
