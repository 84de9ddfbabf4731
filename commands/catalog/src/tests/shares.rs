//! Links: what they are bound to, who sees them, and how they are called back.

use super::world::World;
use bellhop_core::access::Access;
use bellhop_core::call::Audience;
use bellhop_core::card::Block;
use bellhop_core::ports::ShareLimit;
use bellhop_core::{Call, CommandError, Effect};

fn refused(error: CommandError) -> String {
    match error {
        CommandError::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

fn bob(world: &World) -> Call {
    let mut call = world.call(Access::Member);
    call.caller.user.user = "bob".into();
    call
}

#[test]
fn links_are_listed_and_called_back() {
    let world = World::new();
    world.stores.0[0].keep("a.txt", b"one");
    world.stores.0[1].keep("b.txt", b"two");
    world.run("file share a.txt --expires 7d");
    world.run("file share plain:b.txt --once");
    let theirs = world.try_call(&bob(&world), "file share a.txt").unwrap();
    insta::assert_snapshot!(world.run("file links"), @r"
    Your links to files
    Id      File         Where                  Until                     Used
    ──────  ───────────  ─────────────────────  ────────────────────────  ──────
    link02  plain:b.txt  console:main/#general  Mon 2026-11-23 11:30 UTC  0 of 1
    link01  a.txt        console:main/#general  Mon 2026-11-30 10:30 UTC  0
    → Revoke link02: file unshare link02
    → Revoke link01: file unshare link01
    ");
    let all = world.run("file links --all");
    assert!(all.contains("console:bob") && all.contains("link03"), "{all}");
    assert!(!all.contains("secret"), "nobody can follow a link by what is listed");
    assert!(!world.run("file links plain:b.txt").contains("link01"));
    assert_eq!(world.registry.get("file links").unwrap().weighed(&serde_json::json!({ "all": true })).access, Access::Operator);
    assert_eq!(world.registry.get("file links").unwrap().weighed(&serde_json::json!({})).access, Access::Member);
    // Of others only operators call links back.
    assert!(refused(world.try_call(&bob(&world), "file unshare link01").unwrap_err()).contains("someone else's"));
    assert!(world.text(&world.press_by(&bob(&world), &theirs.card, "Revoke").unwrap().card).contains("Revoked the link to a.txt"));
    assert!(refused(world.error("file unshare link03")).contains("No link") || !world.run("file links --all").contains("link03"));
    // By the link itself, and by the file.
    assert!(world.run("file unshare https://bell.example/s/link02secret").contains("Revoked the link to b.txt"));
    assert!(refused(world.error("file unshare https://bell.example/s/link02secret")).contains("no such link works"));
    world.run("file share a.txt");
    world.try_call(&bob(&world), "file share a.txt").unwrap();
    let own = world.text(&world.try_call(&bob(&world), "file unshare a.txt").unwrap().card);
    assert!(own.contains("Revoked the link to a.txt") && own.contains("2 links of others still work"), "{own}");
    assert!(world.run("file unshare a.txt").contains("Revoked 2 links"));
    assert!(world.run("file links --all").contains("None works now."));
}

#[test]
fn what_a_link_is_good_for_is_kept_with_it() {
    let world = World::new();
    world.stores.0[0].keep("a.txt", b"one");
    let said = world.run("file share a.txt --once --to #ops");
    assert!(said.contains("Good for:         one download"), "{said}");
    let of = world.links.0.lock().unwrap()[0].of.clone();
    assert!(of.once && of.policy.is_none());
    // The file itself would outlive the link: it isn't brought there.
    let there = world.said.0.lock().unwrap()[0].1.clone();
    assert!(!there.blocks.iter().any(|block| matches!(block, Block::File(_))));
    assert!(there.actions().any(|action| action.label == "Revoke"));
    world.stores.0[0].policies.lock().unwrap().push(("partners".into(), false));
    let said = world.run("file share a.txt --policy partners");
    assert!(said.contains("While allowed by: partners") && said.contains("2026-11-30"), "{said}");
    assert_eq!(world.links.0.lock().unwrap()[1].of.policy.as_deref(), Some("partners"));
    assert!(matches!(world.error("file share a.txt --policy nobody"), CommandError::Invalid { argument: "policy", .. }));
    for (bad, why) in [
        ("--direct --to #ops", "alone"),
        ("--direct --once", "isn't counted"),
        ("--direct --policy x", "--policy alone"),
        ("--policy partners --expires 1d", "bucket access"),
    ] {
        assert!(refused(world.error(&format!("file share a.txt {bad}"))).contains(why), "{bad}");
    }
}

#[test]
fn links_of_the_stores_own_are_for_one_pair_of_eyes() {
    let world = World::new();
    world.stores.0[0].keep("a.txt", b"one");
    assert!(refused(world.error("file share a.txt --direct")).contains("makes no links of its own"));
    let limit = |seconds: u64, why: &str| *world.stores.0[0].longest.lock().unwrap() = Some(ShareLimit { seconds, why: why.into() });
    limit(7 * 24 * 3600, "the service takes 7 days at most");
    let reply = world.reply("file share a.txt --direct --expires 2h");
    assert_eq!(reply.audience, Audience::Caller);
    let said = world.text(&reply.card);
    assert!(said.contains("s=7200") && said.contains("7 days at most") && said.contains("only you see it"), "{said}");
    limit(600, "the store's credential is a temporary one, and links end with it");
    let said = world.run("file share a.txt --direct");
    assert!(said.contains("s=600") && said.contains("Shortened from 1h: the store's credential is a temporary one"), "{said}");
    limit(3, "the credential ends in a moment");
    assert!(refused(world.error("file share a.txt --direct")).contains("ends in a moment"));
    // One that the store binds to a policy is as open as that.
    world.stores.0[0].policies.lock().unwrap().push(("partners".into(), true));
    let reply = world.reply("file share a.txt --policy partners");
    assert_eq!(reply.audience, Audience::Caller);
    assert!(world.text(&reply.card).contains("si=partners"));
    assert!(refused(world.error("file share a.txt --policy partners --to #ops")).contains("leave"));
    assert!(world.links.0.lock().unwrap().is_empty(), "nothing of them is kept");
    assert!(world.said.0.lock().unwrap().is_empty(), "nothing of them is said elsewhere");
    let about = world.registry.get("file share").unwrap().about();
    assert_eq!(about.effect, Effect::Writes, "it is in the audit");
}
