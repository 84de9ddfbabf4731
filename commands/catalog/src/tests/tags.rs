//! Tags and encryption of single files, and which store is the default where.

use super::world::World;
use bellhop_core::access::Access;
use bellhop_core::ports::FileEncryption;
use bellhop_core::{CommandError, Effect};

fn put(world: &World, line: &str) -> Result<String, CommandError> {
    let call = world.with_files(&[("u1", "a.txt", b"hello")]);
    world.try_call(&call, line).map(|reply| world.text(&reply.card))
}

#[test]
fn a_file_is_stored_with_its_tags_and_encryption() {
    let world = World::new();
    let said = put(&world, "file put a.txt --tag project=atlas --tag \"owner=Ann Lee\" --encrypt key:legal").unwrap();
    assert!(said.contains("Encrypted: with the key legal of Bellhop's configuration"), "{said}");
    let info = world.run("file info a.txt");
    assert!(info.contains("Tags:      owner=Ann Lee, project=atlas") && info.contains("with the key legal"), "{info}");
    // The same upload again stores nothing, and says that nothing of it was changed.
    let again = put(&world, "file put a.txt --tag project=other").unwrap();
    assert!(again.contains("its tags and encryption are as they were"), "{again}");
    assert!(world.run("file tag a.txt").contains("atlas"));
    // A store that can't do it refuses rather than storing it less protected.
    assert!(matches!(put(&world, "file put plain:a.txt --encrypt aes256"), Err(CommandError::Port(_))));
    assert!(world.stores.0[1].content("a.txt").is_none());
    for bad in ["file put --encrypt rot13", "file put --encrypt key:", "file put --tag nothing", "file put --tag =x"] {
        assert!(world.registry.parse(bad).is_err(), "{bad}");
    }
    assert!(matches!(put(&world, "file put b.txt --tag a=1 --tag a=2"), Err(CommandError::Invalid { argument: "tag", .. })));
    assert_eq!(world.complete("file put", "encrypt", ""), ["aes256", "key:legal"]);
    assert_eq!(world.complete("file put", "encrypt", "key"), ["key:legal"]);
    assert_eq!(FileEncryption::read("key:legal").unwrap().to_string(), "key:legal");
}

#[test]
fn tags_are_shown_set_and_removed() {
    let world = World::new();
    world.stores.0[0].keep("a.txt", b"one");
    assert!(world.run("file tag a.txt").contains("It has none."));
    let set = world.run("file tag a.txt project=atlas year=2026");
    assert!(set.contains("Before: none") && set.contains("Now:    project=atlas, year=2026"), "{set}");
    assert!(world.run("file tag a.txt year=2027 --remove project").contains("Now:    year=2027"));
    assert!(matches!(
        world.error("file tag a.txt --remove yaer"),
        CommandError::NotFound { what: "tag", nearest: Some(near), .. } if near == "year"
    ));
    assert!(world.run("file tag a.txt --clear only=this").contains("Now:    only=this"));
    assert!(world.run("file tag a.txt --clear").contains("Now:    none"));
    assert!(matches!(world.error("file tag b.txt x=1"), CommandError::NotFound { what: "file", nearest: Some(_), .. }));
    assert!(matches!(world.error("file tag plain:x y=1"), CommandError::Port(_)));
    let weight = |line: &str| {
        let invoke = world.registry.parse(line).unwrap().invoke;
        let about = world.registry.get(&invoke.command).unwrap().weighed(&invoke.args).into_owned();
        (about.access, about.effect)
    };
    assert_eq!(weight("file tag a.txt"), (Access::Member, Effect::Reads));
    for line in ["file tag a.txt x=1", "file tag a.txt --clear", "file tag a.txt --remove x", "file store plain", "file store --clear"] {
        assert_eq!(weight(line), (Access::Operator, Effect::Writes), "{line}");
    }
    assert_eq!(weight("file store"), (Access::Member, Effect::Reads));
}

#[test]
fn each_place_has_its_default_store() {
    let world = World::new();
    world.stores.0[0].keep("a.txt", b"in local");
    world.stores.0[1].keep("a.txt", b"plainly");
    insta::assert_snapshot!(world.run("file store"), @r"
    Stores
    Name   Versions  Is
    ─────  ────────  ────────────────
    local  kept      the default here
    plain  not kept
    → Browse local: file browse --store local
    → Use plain here: file store plain
    → Browse plain: file browse --store plain
    ");
    // Buttons made before keep their meaning after.
    let before = world.reply("file info a.txt").card;
    assert!(world.run("file store plain").contains("plain is meant here from now on"));
    assert!(world.run("file info a.txt").contains("7 B"));
    assert_eq!(world.complete("file get", "name", "a"), ["a.txt"]);
    assert_eq!(world.complete("file get", "name", "lo"), ["local:"]);
    assert_eq!(world.complete("file get", "name", "local:"), ["local:a.txt"]);
    let got = world.press(&before, "Get").card;
    assert!(matches!(&got.blocks[0], bellhop_core::card::Block::File(file) if file.size == 8));
    // Of what is made now, too, wherever it is pressed.
    let now = world.reply("file info a.txt").card;
    let mut elsewhere = world.call(Access::Admin);
    elsewhere.at.channel = "other".into();
    let shared = world.press_by(&elsewhere, &now, "Share").unwrap();
    assert!(world.text(&shared.card).contains("7 B"));
    // A thread is the same place as its channel, and another channel isn't.
    let mut thread = world.call(Access::Admin);
    thread.at.thread = Some("t1".into());
    assert!(world.text(&world.try_call(&thread, "file info a.txt").unwrap().card).contains("7 B"));
    assert!(world.text(&world.try_call(&elsewhere, "file info a.txt").unwrap().card).contains("8 B"));
    assert!(world.run("file store").contains("the default elsewhere"));
    // What is put and deleted goes there, too.
    put(&world, "file put new.txt").unwrap();
    assert!(world.stores.0[1].content("new.txt").is_some() && world.stores.0[0].content("new.txt").is_none());
    assert!(world.text(&world.plan("file delete a.txt").unwrap()).contains("from plain"));
    assert!(world.run("file store --clear").contains("local is meant, as elsewhere"));
    assert!(world.run("file info a.txt").contains("8 B"));
    assert!(matches!(world.error("file store plian"), CommandError::NotFound { nearest: Some(near), .. } if near == "plain"));
    assert!(world.registry.parse("file store plain --clear").is_err());
}
