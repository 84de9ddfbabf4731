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
