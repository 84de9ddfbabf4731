//! Files that go in parts: what a put that ended early leaves, and who clears it away.

use super::world::World;
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ports::NewFile;
use bellhop_core::{Call, CommandError, PortErrorKind};
use futures::FutureExt as _;
use std::collections::BTreeMap;

/// From a certain length on a file goes in parts, in this world from 60 kB; as if the bot were killed in the third.
fn killed(world: &World, call: &Call, line: &str) {
    let store = &world.stores.0[1];
    store.stick_after(2);
    let understood = world.registry.parse(line).unwrap();
    assert!(world.registry.get("file put").unwrap().run(call, &understood.invoke.args).now_or_never().is_none());
    store.stick_after(u32::MAX);
}

fn begun(world: &World) -> Vec<String> {
    world.stores.0[1].uploads.lock().unwrap().keys().cloned().collect()
}

fn noted(world: &World) -> usize {
    world.records.0.lock().unwrap().keys().filter(|(collection, _)| collection == "upload_begun").count()
}

#[test]
fn what_a_killed_put_has_sent_is_given_up() {
    let world = World::new();
    let store = &world.stores.0[1];
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let call = world.with_files(&[("u", "big.bin", &bytes)]);
    killed(&world, &call, "file put plain:");
    assert_eq!((begun(&world).len(), noted(&world)), (1, 1));
    assert!(store.content("big.bin").is_none());
    world.try_call(&call, "file put plain:").unwrap();
    assert_eq!((begun(&world).len(), noted(&world)), (0, 0));
    assert_eq!(store.content("big.bin").unwrap(), bytes);
    // Killed between beginning it and noting what it is called: those of other names and other times stay.
    let call = world.with_files(&[("v", "next.bin", &bytes)]);
    killed(&world, &call, "file put plain:");
    for ((collection, _), value) in world.records.0.lock().unwrap().iter_mut() {
        if collection == "upload_begun" {
            value["upload"] = serde_json::Value::Null;
        }
    }
    for (id, name) in [("old", "next.bin"), ("theirs", "next.bin.txt")] {
        store.uploads.lock().unwrap().insert(id.to_owned(), (NewFile::new(name, "text/plain", Some(1)), BTreeMap::new()));
    }
    world.try_call(&call, "file put plain:").unwrap();
    assert_eq!(begun(&world), ["old", "theirs"]);
    assert_eq!((noted(&world), store.content("next.bin").unwrap()), (0, bytes));
}

#[test]
fn a_put_in_parts_that_fails_leaves_nothing() {
    let world = World::new();
    let store = &world.stores.0[1];
    let call = world.with_files(&[("u", "big.bin", &vec![7; 200_000])]);
    store.fail_writes_after(2);
    assert!(
        matches!(world.try_call(&call, "file put plain:").unwrap_err(), CommandError::Port(error) if error.kind == PortErrorKind::Full)
    );
    assert_eq!((begun(&world).len(), noted(&world)), (0, 0));
    store.fail_writes_after(u32::MAX);
    *world.uploads.broken.lock().unwrap() = true;
    world.try_call(&call, "file put plain:").unwrap_err();
    assert_eq!((begun(&world).len(), noted(&world)), (0, 0));
    *world.uploads.broken.lock().unwrap() = false;
    world.try_call(&call, "file put plain:").unwrap();
    assert_eq!(store.content("big.bin").unwrap().len(), 200_000);
}

struct Later(Timestamp);
impl Clock for Later {
    fn now(&self) -> Timestamp {
        self.0
    }
}

#[test]
fn a_put_that_nobody_goes_on_with_is_given_up_with_time() {
    let world = World::new();
    let call = world.with_files(&[("u", "big.bin", &vec![7; 200_000])]);
    killed(&world, &call, "file put plain:");
    let tidied = |hours: i64| {
        let clock = Later(super::world::now() + chrono::TimeDelta::hours(hours));
        futures::executor::block_on(crate::tidy_transfers(&*world.stores, &*world.records, &clock)).unwrap()
    };
    assert_eq!((tidied(23), begun(&world).len()), (0, 1));
    assert_eq!((tidied(25), begun(&world).len(), noted(&world)), (1, 0, 0));
}
