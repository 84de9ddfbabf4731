//! Whatever is typed has an answer.

use super::catalogue::buttons_work;
use super::world::{World, block_on};
use proptest::prelude::*;

/// Words that a person may type after a command, as they come out of the tokeniser: anything visible, and what comes near to making sense.
fn words() -> impl Strategy<Value = Vec<String>> {
    let word = prop_oneof![
        3 => ".{0,12}".prop_map(|text| bellhop_core::text::visible(&text)),
        3 => prop::sample::select(vec!["a.txt", "7d", "page_views", "#ops", "0 9 * * *", "status", "x=1", "since", "24h", "--", "-", "me", "all"]).prop_map(str::to_owned),
        2 => prop::sample::select(vec!["--by", "--to", "--in", "--store", "--limit", "--version", "--tz", "--private", "--yes", "--where", "--expires"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(word, 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn whatever_is_typed_has_an_answer(at in any::<prop::sample::Index>(), words in words()) {
        let world = World::new();
        world.stores.0[0].keep("a.txt", b"one");
        world.source.add("page_view", "p", "2026-11-22T08:00:00Z", &[]);
        let names: Vec<&str> = world.registry.all().map(|about| about.name).collect();
        let mut line: Vec<String> = names[at.index(names.len())].split(' ').map(str::to_owned).collect();
        line.extend(words);
        let Ok(understood) = world.registry.parse_words(&line) else { return Ok(()) };
        let invoke = understood.invoke;
        let typed = world.registry.line(&invoke);
        let again = world.registry.parse(&typed);
        prop_assert_eq!(again.map(|again| again.invoke), Ok(invoke.clone()), "{}", typed);
        let call = world.with_files(&[("u", "a.txt", b"one")]);
        let command = world.registry.get(&invoke.command).unwrap();
        if let Ok(reply) = block_on(command.run(&call, &invoke.args)) {
            buttons_work(&world, &reply.card);
            prop_assert!(!world.text(&reply.card).is_empty());
        }
        let _ = block_on(command.plan(&call, &invoke.args));
    }
}
