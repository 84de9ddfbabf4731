//! What could not be delivered is shown, and sent again.

use super::catalogue::buttons_work;
use super::world::World;
use bellhop_core::CommandError;

#[test]
fn dead_letters_are_listed_and_sent_again() {
    let world = World::new();
    let reply = world.reply("outbox list");
    buttons_work(&world, &reply.card);
    insta::assert_snapshot!(world.text(&reply.card), @r"
    ! Outbox
    1 message could not be delivered. Mend the reason, then send them again.
    Number  About             To                  Given up                  Why
    ──────  ────────────────  ──────────────────  ────────────────────────  ─────────────────────
    17      FIRING: DiskFull  console:local/#ops  Mon 2026-11-23 10:30 UTC  the channel is closed
    → Send 17 again: outbox retry 17
    ");
    assert!(world.run("outbox retry 17").contains("queued again"));
    assert!(matches!(world.error("outbox retry 18"), CommandError::NotFound { .. }));
}

#[test]
fn events_on_their_way_and_refused_ones_are_listed_and_sent_again() {
    let world = World::new();
    let reply = world.reply("outbox events");
    buttons_work(&world, &reply.card);
    let said = world.text(&reply.card);
    for part in ["shop", "1\u{202f}200", "waits until", "the key is refused", "dropped", "signup", "72 hours", "web", "up to date"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let other = world.run("outbox events --source web");
    assert!(other.contains("Nothing was refused") && !other.contains("shop"), "{other}");
    assert!(world.run("outbox resend shop").contains("1 event on the way to shop again"));
    assert!(world.run("outbox resend web").contains("refused nothing"));
    assert!(matches!(world.error("outbox resend shup"), CommandError::NotFound { nearest: Some(near), .. } if near == "shop"));
    assert_eq!(world.complete("outbox resend", "source", "sh"), ["shop"]);
}

#[test]
fn what_sources_were_asked_and_have_left_is_told_by_source() {
    let world = World::new();
    let said = world.run("usage");
    for part in
        ["shop", "340", "1\u{202f}234.50 tokens of this hour", "40 of 60 questions per hour", "not asked before", "1\u{202f}500", "web"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!world.run("usage 1h").contains("shop"));
}
