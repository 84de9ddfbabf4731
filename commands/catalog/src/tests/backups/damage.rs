//! What is damaged is found, and the object is named: a byte that changed, objects that are gone, cut or swapped, runs in the place
//! of others.

use super::{backed_up, manifests, objects, ran};
use bellhop_core::CommandError;
use bellhop_core::ports::FileStore as _;
use futures::executor::block_on;

/// Any byte of any object.
#[test]
fn a_single_byte_that_changed_is_found_and_named() {
    for more in ["", "--plain"] {
        let world = backed_up(more);
        world.stores.0[0].keep("reports/deep/b.bin", b"short, so that every byte can be tried");
        ran(&world);
        assert_eq!(objects(&world).len(), 4);
        for name in objects(&world) {
            let sound = world.stores.0[1].content(&name).unwrap();
            let short = name.rsplit('/').next().unwrap();
            for at in 0..sound.len() {
                let mut changed = sound.clone();
                changed[at] ^= 1 << (at % 8);
                world.stores.0[1].keep(&name, &changed);
                let said = match world.try_run("file backup verify docs") {
                    Ok(reply) => world.text(&reply.card),
                    // The head of a manifest names the key and the form.
                    Err(CommandError::Refused(why)) if short == "manifest.json" => {
                        assert!(why.contains("is encrypted with the key") || why.contains("has the form"), "{at}: {why}");
                        format!("is damaged manifest.json: {why}")
                    }
                    Err(error) => panic!("{name}, byte {at}: {error}"),
                };
                assert!(said.contains("is damaged") && said.contains(short), "{name}, byte {at} {more}: {said}");
            }
            world.stores.0[1].keep(&name, &sound);
        }
        assert!(world.run("file backup verify docs").contains("is whole"));
    }
}

#[test]
fn what_is_gone_cut_swapped_or_another_runs_is_found() {
    let world = backed_up("");
    ran(&world);
    ran(&world);
    let store = &world.stores.0[1];
    let [old, new] = &manifests(&world)[..] else { panic!("two runs") };
    let run = |manifest: &str| manifest.trim_end_matches("manifest.json").to_owned();
    let (old, new) = (run(old), run(new));
    let damaged = |what: &str, object: &str| {
        let said = world.run("file backup verify docs");
        assert!(said.contains("is damaged") && said.contains(object), "{what}: {said}");
    };
    let mends = |names: &[String], act: &dyn Fn(), what: &str, object: &str| {
        let before: Vec<_> = names.iter().map(|name| store.content(name).unwrap()).collect();
        act();
        damaged(what, object);
        names.iter().zip(before).for_each(|(name, bytes)| store.keep(name, &bytes));
        assert!(world.run("file backup verify docs").contains("is whole"), "{what} was undone");
    };
    let (one, two) = (format!("{new}data/00000001"), format!("{new}data/00000002"));
    mends(std::slice::from_ref(&one), &|| block_on(store.delete(&one)).unwrap(), "gone", "data/00000001");
    mends(std::slice::from_ref(&two), &|| store.keep(&two, &store.content(&two).unwrap()[..65_000]), "cut", "data/00000002");
    mends(std::slice::from_ref(&two), &|| store.keep(&two, b""), "emptied", "data/00000002");
    mends(
        &[one.clone(), two.clone()],
        &|| {
            let (a, b) = (store.content(&one).unwrap(), store.content(&two).unwrap());
            store.keep(&one, &b);
            store.keep(&two, &a);
        },
        "swapped",
        "data/00000001",
    );
    mends(
        std::slice::from_ref(&one),
        &|| store.keep(&one, &store.content(&format!("{old}data/00000001")).unwrap()),
        "another run's",
        "data/00000001",
    );
    let list = format!("{new}index/0001");
    mends(std::slice::from_ref(&list), &|| block_on(store.delete(&list)).unwrap(), "no list", "index/0001");
    let manifest = format!("{new}manifest.json");
    mends(
        std::slice::from_ref(&manifest),
        &|| store.keep(&manifest, &store.content(&format!("{old}manifest.json")).unwrap()),
        "another run's manifest",
        "manifest.json",
    );
    // A run as a whole in the place of another.
    let whole: Vec<String> = objects(&world).into_iter().filter(|name| name.starts_with(&new)).collect();
    mends(
        &whole,
        &|| whole.iter().for_each(|name| store.keep(name, &store.content(&name.replace(&new, &old)).unwrap())),
        "another run",
        "manifest.json",
    );
}
