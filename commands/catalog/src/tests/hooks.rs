//! Webhooks: made, looked at, tried and deleted.

use super::catalogue::buttons_work;
use super::world::World;
use bellhop_core::{Audience, CommandError, Effect};

#[test]
fn a_webhook_is_made_once_and_its_secret_is_said_to_one_person() {
    let world = World::new();
    let reply = world.reply("hook create deploys --to #ops");
    assert_eq!(reply.audience, Audience::Caller);
    buttons_work(&world, &reply.card);
    let text = world.text(&reply.card);
    assert!(text.contains(&"x".repeat(300)) && text.contains("whsec_c2VjcmV0") && text.contains("mute:T1/#ops"), "{text}");
    assert!(matches!(world.error("hook create deploys --to #general"), CommandError::Refused(why) if why.contains("already")));
    assert!(matches!(world.error("hook create x --to #nowhere"), CommandError::NotFound { .. }));
    for bad in ["\"a b\"", "a/b", "\"\"", "é", &"x".repeat(61)] {
        assert!(matches!(world.error(&format!("hook create {bad} --to #ops")), CommandError::Invalid { argument: "name", .. }), "{bad}");
    }
    assert!(world.registry.parse("hook create deploys").is_err());
    let text = world.run("hook list");
    assert!(text.contains("deploys") && text.contains("mute:T1/#ops") && !text.contains("whsec") && !text.contains("xxx"), "{text}");
}

#[test]
fn an_address_is_not_said_where_others_would_see_it() {
    let world = World::new();
    let mut call = world.call(bellhop_core::Access::Operator);
    call.at.chat = "loud".into();
    let why = world.try_call(&call, "hook create deploys --to #ops").unwrap_err().to_string();
    assert!(why.contains("seen by everyone") && world.hooks.0.lock().unwrap().is_empty(), "{why}");
}

#[test]
fn a_webhook_goes_its_way() {
    let world = World::new();
    assert!(world.run("hook list").contains("There is none yet."));
    world.run("hook create deploys --to #ops --signed");
    assert!(world.run("hook list").contains("signed only"));
    assert!(world.run("hook logs deploys").contains("Nothing has been posted"));
    assert_eq!(world.run("hook test deploys"), "✓ A sample of deploys is on its way to mute:T1/#ops.");
    insta::assert_snapshot!(world.run("hook logs deploys"), @r"
    Requests to deploys
    The last 1 request, the newest first.
    When                      From       Answered
    ────────────────────────  ─────────  ────────
    Mon 2026-11-23 10:30 UTC  hook test  ok
    ");
    assert!(matches!(world.error("hook test deplosy"), CommandError::NotFound { nearest: Some(near), .. } if near == "deploys"));
    assert!(matches!(world.error("hook logs nothing"), CommandError::NotFound { what: "webhook", .. }));
    assert_eq!(world.registry.get("hook delete").unwrap().about().effect, Effect::Destroys);
    let plan = world.text(&world.plan("hook delete deploys").unwrap());
    assert!(plan.contains("mute:T1/#ops") && plan.contains("Mon 2026-11-23 10:30 UTC"), "{plan}");
    assert!(world.plan("hook delete nothing").is_err());
    assert!(world.run("hook delete deploys").contains("takes nothing any more"));
    assert!(matches!(world.error("hook delete deploys"), CommandError::NotFound { what: "webhook", .. }));
}
